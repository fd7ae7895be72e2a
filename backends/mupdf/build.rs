//! Compiles MuPDF and `shim.c`.
//!
//! The source of MuPDF is that which the crate `mupdf-sys` carries. The crate itself is not built:
//! it would compile MuPDF's own libjpeg 9, whose functions have the names of those of the JPEG
//! encoder's libjpeg-turbo, and of two libraries with the same names a linker makes one broken one.
//! MuPDF is compiled against the headers of the other library instead, and decodes with its SIMD
//! code.

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What MuPDF is built without, so that nothing but PDF is ever opened, and nothing but pixels
/// comes out. Libraries that only these need are not built.
const LEFT_OUT: [&str; 18] = [
    "BARCODE",
    "BROTLI",
    "CBZ",
    "DOCX_OUTPUT",
    "EPUB",
    "FB2",
    "HTML",
    "HTML_ENGINE",
    "HYPHEN",
    "IMG",
    "JS",
    "MOBI",
    "OCR_OUTPUT",
    "ODT_OUTPUT",
    "OFFICE",
    "SVG",
    "TXT",
    "XPS",
];

/// The fonts that are left out: all but the 14 standard ones.
const FONTS_LEFT_OUT: [&str; 6] = ["TOFU", "TOFU_CJK", "TOFU_EMOJI", "TOFU_NOTO", "TOFU_SIL", "TOFU_SYMBOL"];

/// The libraries below MuPDF that are built from its own copies, by their names in its `Makelists`.
const LIBRARIES: [&str; 5] = ["FREETYPE", "JBIG2DEC", "LCMS2", "OPENJPEG", "ZLIB"];

/// A change to a file of MuPDF, or of a library below it, that changes no pixel of a sound document
/// but by a level of rounding: it makes the file faster, keeps it from writing where it must not, or from
/// dropping what a damaged document still has.
struct Patch {
    /// The path below MuPDF's directory.
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// What is changed in MuPDF.
const PATCHES: [Patch; 12] = [
    // The inverse of a colour profile's curve was made by 4,096 searches, each from the end of the curve.
    // Where the curve never falls, each search goes on where the last one ended. A document's first colour
    // was 40 % of the work of its first page.
    Patch {
        file: "thirdparty/lcms2/src/cmsgamma.c",
        from: "    // Iterate across Y axis\n    for (i=0; i < (int) nResultSamples; i++) {\n\n        y = (cmsFloat64Number) i * 65535.0 / (nResultSamples - 1);\n\n        // Find interval in which y is within.\n        j = GetInterval(y, InCurve->Table16, InCurve->InterpParams);\n",
        to: "    int last = (int) InCurve->InterpParams->Domain[0];\n    int at = 0, rises = last >= 1 && InCurve->Table16[0] < InCurve->Table16[last];\n    for (i=0; rises && i < last; i++)\n        rises = InCurve->Table16[i] <= InCurve->Table16[i+1];\n\n    // Iterate across Y axis\n    for (i=0; i < (int) nResultSamples; i++) {\n\n        y = (cmsFloat64Number) i * 65535.0 / (nResultSamples - 1);\n\n        // Find interval in which y is within.\n        if (rises) {\n            while (at + 1 < last && InCurve->Table16[at+1] <= y)\n                at++;\n            j = y >= InCurve->Table16[at] && y <= InCurve->Table16[at+1] ? at : -1;\n        }\n        else\n            j = GetInterval(y, InCurve->Table16, InCurve->InterpParams);\n",
    },
    // A font whose codes are glyph numbers has 65,536 of them, and each was looked up in the font's
    // ToUnicode map, which ends long before. What is beyond its end is not in it.
    Patch {
        file: "source/pdf/pdf-unicode.c",
        from: "\tunsigned int k;\n\tint ucsbuf[PDF_MRANGE_CAP];\n\tint ucslen;\n\n\tfor (k = 0; k <= n; ++k)\n",
        to: "\tunsigned int k;\n\tint ucsbuf[PDF_MRANGE_CAP];\n\tint ucslen;\n\n\tif (!ucs_from_cpt->usecmap)\n\t{\n\t\tunsigned int last = 0;\n\t\tif (ucs_from_cpt->rlen > 0)\n\t\t\tlast = ucs_from_cpt->ranges[ucs_from_cpt->rlen - 1].high;\n\t\tif (ucs_from_cpt->xlen > 0 && ucs_from_cpt->xranges[ucs_from_cpt->xlen - 1].high > last)\n\t\t\tlast = ucs_from_cpt->xranges[ucs_from_cpt->xlen - 1].high;\n\t\tif (ucs_from_cpt->mlen > 0 && ucs_from_cpt->mranges[ucs_from_cpt->mlen - 1].low > last)\n\t\t\tlast = ucs_from_cpt->mranges[ucs_from_cpt->mlen - 1].low;\n\t\tif (last < cpt)\n\t\t\treturn;\n\t\tif (n > last - cpt)\n\t\t\tn = last - cpt;\n\t}\n\n\tfor (k = 0; k <= n; ++k)\n",
    },
    // A row of a scan is longer than the buffer, and so was copied byte by byte. The rows that fit
    // into a longer one are decoded right into it.
    Patch {
        file: "source/fitz/filter-dct.c",
        from: "\tunsigned char buffer[4096];\n",
        to: "\tunsigned char buffer[65536];\n",
    },
    // The sums of neighbouring columns are taken side by side, not one column after the other, so
    // that a compiler can use SIMD instructions.
    Patch {
        file: "source/fitz/draw-scale-simple.c",
        from: "\tfor (x=width; x > 0; x--)\n\t{\n\t\tconst unsigned char *min = src;\n\t\tint val = 128;\n\t\tint len2 = len;\n\t\tconst int *contrib2 = contrib;\n\n\t\twhile (len2-- > 0)\n\t\t{\n\t\t\tval += *min * *contrib2++;\n\t\t\tmin += width;\n\t\t}\n\t\t*dst++ = (unsigned char)(val>>8);\n\t\tsrc++;\n\t}\n",
        to: "\tfor (x = 0; x < width; x += 256)\n\t{\n\t\tint val[256];\n\t\tint columns = width - x < 256 ? width - x : 256;\n\t\tint column, k;\n\n\t\tfor (column = 0; column < columns; column++)\n\t\t\tval[column] = 128;\n\t\tfor (k = 0; k < len; k++)\n\t\t{\n\t\t\tconst unsigned char *min = src + x + (size_t)k * width;\n\t\t\tint weight = contrib[k];\n\t\t\tfor (column = 0; column < columns; column++)\n\t\t\t\tval[column] += min[column] * weight;\n\t\t}\n\t\tfor (column = 0; column < columns; column++)\n\t\t\tdst[x + column] = (unsigned char)(val[column]>>8);\n\t}\n",
    },
    // Glyphs are painted eight pixels at a time where the compiler has vectors, by `span.h`.
    Patch {
        file: "source/fitz/draw-paint.c",
        from: "static void\npaint_span_with_color_1_solid(byte * FZ_RESTRICT dp, const byte * FZ_RESTRICT mp, int n, int w, const byte * FZ_RESTRICT color, int da, const fz_overprint * FZ_RESTRICT eop)\n{\n\tTRACK_FN();\n",
        to: "#include \"span.h\"\n\nstatic void\npaint_span_with_color_1_solid(byte * FZ_RESTRICT dp, const byte * FZ_RESTRICT mp, int n, int w, const byte * FZ_RESTRICT color, int da, const fz_overprint * FZ_RESTRICT eop)\n{\n\tTRACK_FN();\n#ifdef SPAN_VECTORS\n\tif (w >= 4)\n\t{\n\t\tspan_paint_gray(dp, mp, w, color[0]);\n\t\treturn;\n\t}\n#endif\n",
    },
    Patch {
        file: "source/fitz/draw-paint.c",
        from: "static void\npaint_span_with_color_3_solid(byte * FZ_RESTRICT dp, const byte * FZ_RESTRICT mp, int n, int w, const byte * FZ_RESTRICT color, int da, const fz_overprint * FZ_RESTRICT eop)\n{\n\tTRACK_FN();\n",
        to: "static void\npaint_span_with_color_3_solid(byte * FZ_RESTRICT dp, const byte * FZ_RESTRICT mp, int n, int w, const byte * FZ_RESTRICT color, int da, const fz_overprint * FZ_RESTRICT eop)\n{\n\tTRACK_FN();\n#ifdef SPAN_VECTORS\n\tif (w >= 4)\n\t{\n\t\tspan_paint_rgb(dp, mp, w, color);\n\t\treturn;\n\t}\n#endif\n",
    },
    // Pages are drawn in gray until a colour comes, by `gray.h`.
    Patch {
        file: "source/fitz/draw-device.c",
        from: "\nstatic int\ndrop_tile_doc(",
        to: "\n#include \"gray.h\"\n\nstatic int\ndrop_tile_doc(",
    },
    // DeviceGray is gray in RGB. Profiles say the same, but take more time to be set up than a page of text to be
    // drawn, and round the components each by itself: 60 % came out as 152, 152, 153, and the page as one of colour.
    // Where MuPDF paints images, it leaves the profiles out too.
    Patch {
        file: "source/fitz/colorspace.c",
        from: "\t\t/* Handle DeviceGray to CMYK as K only. See note in Section 6.3 of PDF spec 1.7. */\n\t\tif (",
        to: "\t\tif (ss == fz_device_gray(ctx) && ds == fz_device_rgb(ctx))\n\t\t{\n\t\t\tcc->convert = fz_lookup_fast_color_converter(ctx, ss, ds);\n\t\t\treturn;\n\t\t}\n\n\t\t/* Handle DeviceGray to CMYK as K only. See note in Section 6.3 of PDF spec 1.7. */\n\t\tif (",
    },
    Patch {
        file: "source/fitz/colorspace.c",
        from: "\t\t/* Handle DeviceGray to CMYK as K only. See note in Section 6.3 of PDF spec 1.7. */\n\t\telse if (",
        to: "\t\telse if (ss == fz_device_gray(ctx) && ds == fz_device_rgb(ctx))\n\t\t{\n\t\t\tfz_convert_fast_pixmap_samples(ctx, src, dst, copy_spots);\n\t\t}\n\n\t\t/* Handle DeviceGray to CMYK as K only. See note in Section 6.3 of PDF spec 1.7. */\n\t\telse if (",
    },
    // OpenJPEG keeps a list of where the parts of a tile lie, as long as the codestream's header says
    // (TLM). A tile that then had more parts made it write beyond the end of that list: fixed in
    // OpenJPEG in 2026, and not yet in this MuPDF. A whole image is decoded without the list.
    Patch {
        file: "thirdparty/openjpeg/src/lib/openjp2/j2k.c",
        from: "\n        OPJ_UINT32 l_current_tile_part =\n            l_cstr_index->tile_index[p_j2k->m_current_tile_number].current_tpsno;\n        l_cstr_index->tile_index[p_j2k->m_current_tile_number].tp_index[l_current_tile_part].end_header\n            =\n                l_current_pos;\n        l_cstr_index->tile_index[p_j2k->m_current_tile_number].tp_index[l_current_tile_part].end_pos\n            =\n                l_current_pos + p_j2k->m_specific_param.m_decoder.m_sot_length + 2;\n",
        to: "\n        opj_tile_index_t *tile = &l_cstr_index->tile_index[p_j2k->m_current_tile_number];\n\n        if (tile->tp_index && tile->current_tpsno < tile->current_nb_tps) {\n            opj_tp_index_t *part = &tile->tp_index[tile->current_tpsno];\n            part->end_header = l_current_pos;\n            part->end_pos = l_current_pos + p_j2k->m_specific_param.m_decoder.m_sot_length + 2;\n        }\n",
    },
    // Where Flate data is damaged, up to 4,096 bytes that had been decoded were dropped: often the whole
    // of a page's contents. They are handed out, and the error is thrown when more is asked for.
    Patch {
        file: "source/fitz/filter-flate.c",
        from: "\t\telse if (code != Z_OK)\n\t\t{\n",
        to: "\t\telse if (code != Z_OK)\n\t\t{\n\t\t\tif (zp->avail_out < (uInt)outlen)\n\t\t\t\tbreak;\n",
    },
    // Some writers set the spacing within an array of text. It was set, and then the array given up,
    // with its text. The other operators still end the array.
    Patch {
        file: "source/pdf/pdf-interpret.c",
        from: "\t\t\t\t\t\t\t\t\tpdf_process_keyword(ctx, proc, csi, stm, buf->scratch);\n\t\t\t\t\t\t\t\t}\n\t\t\t\t\t\t\t}\n\t\t\t\t\t\t}\n",
        to: "\t\t\t\t\t\t\t\t\tpdf_process_keyword(ctx, proc, csi, stm, buf->scratch);\n\t\t\t\t\t\t\t\t\tbreak;\n\t\t\t\t\t\t\t\t}\n\t\t\t\t\t\t\t}\n\t\t\t\t\t\t}\n",
    },
];

impl Patch {
    fn of(file: &Path) -> Vec<&'static Patch> {
        PATCHES.iter().filter(|patch| file.ends_with(patch.file)).collect()
    }

    fn apply(&self, text: &str) -> Result<String, Box<dyn Error>> {
        if text.matches(self.from).count() != 1 {
            return Err(format!("the patch of {} does not fit this MuPDF", self.file).into());
        }
        Ok(text.replace(self.from, self.to))
    }
}

/// Writes the changed file where Cargo wants what a build makes, and says where that is.
fn apply_patches(patches: &[&Patch], original: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut text = fs::read_to_string(original)?.replace("\r\n", "\n");
    for patch in patches {
        text = patch.apply(&text)?;
    }
    let name = original.file_name().ok_or("a patch names a directory")?;
    let patched = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join(name);
    fs::write(&patched, text)?;
    Ok(patched)
}

/// Adds files to a library, patched where there are patches, and says how many patches those were.
fn add_files(
    build: &mut cc::Build,
    files: impl IntoIterator<Item = PathBuf>,
) -> Result<usize, Box<dyn Error>> {
    let mut patched = 0;
    for file in files {
        let patches = Patch::of(&file);
        if patches.is_empty() {
            build.file(file);
            continue;
        }
        // What the file includes stays beside the original, or is ours.
        build.file(apply_patches(&patches, &file)?).includes(file.parent()).include(".");
        patched += patches.len();
    }
    Ok(patched)
}

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo.toml, because it names the version of `mupdf-sys`.
    for file in ["Cargo.toml", "build.rs", "gray.h", "shim.c", "shim.h", "span.h"] {
        println!("cargo:rerun-if-changed={file}");
    }
    let source = mupdf_source()?;
    let makelists = Makelists::read(&source)?;
    let jpeg_include =
        env::var_os("DEP_JPEG_INCLUDE").ok_or("mozjpeg-sys did not say where its headers are")?;

    // A linker that reads archives once needs who calls before who is called.
    mupdf_compiler(&source).file("shim.c").warnings(true).compile("render-mupdf-shim");

    let mut mupdf = mupdf_compiler(&source);
    mupdf.includes(env::split_paths(&jpeg_include)).define("SHARE_JPEG", None);
    for library in LIBRARIES {
        makelists.words(&format!("{library}_CFLAGS")).for_each(|flag| apply(&mut mupdf, &source, flag));
    }
    let mut patched = 0;
    for folder in ["source/fitz", "source/pdf", "generated/resources/fonts/urw"] {
        patched += add_files(&mut mupdf, c_files(&source.join(folder))?)?;
    }
    mupdf.compile("mupdf");

    for library in LIBRARIES {
        let mut build = compiler();
        for list in ["CFLAGS", "BUILD_CFLAGS"] {
            makelists.words(&format!("{library}_{list}")).for_each(|flag| apply(&mut build, &source, flag));
        }
        patched +=
            add_files(&mut build, makelists.words(&format!("{library}_SRC")).map(|file| source.join(file)))?;
        build.compile(&format!("mupdf-{}", library.to_lowercase()));
    }
    if patched != PATCHES.len() {
        return Err(format!("{patched} of {} patches are built", PATCHES.len()).into());
    }
    Ok(())
}

/// The compiler for what includes MuPDF's headers.
fn mupdf_compiler(source: &Path) -> cc::Build {
    let mut build = compiler();
    build.include(source.join("include"));
    for feature in LEFT_OUT {
        build.define(&format!("FZ_ENABLE_{feature}"), "0");
    }
    for fonts in FONTS_LEFT_OUT {
        build.define(fonts, None);
    }
    build
}

fn compiler() -> cc::Build {
    let mut build = cc::Build::new();
    build.warnings(false).define("NDEBUG", None);
    // MuPDF leaves its SIMD code out unless it is told; what the target has is Cargo's to say.
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let has = |feature| features.split(',').any(|f| f == feature);
    if has("sse4.1") {
        build.flag("-msse4.1").define("ARCH_HAS_SSE", "1");
    }
    if has("neon") {
        build.define("ARCH_HAS_NEON", "1");
    }
    // Not optimised, a page takes seconds: too slow for the tests of a debug build.
    if matches!(env::var("OPT_LEVEL").as_deref(), Ok("0" | "1")) {
        build.opt_level(2);
    }
    build
}

/// Passes on a flag of a Makefile that is run in MuPDF's directory.
fn apply(build: &mut cc::Build, source: &Path, flag: &str) {
    if let Some(folder) = flag.strip_prefix("-I") {
        build.include(source.join(folder));
    } else {
        // The quotes of string macros are escaped there, for a shell.
        build.flag(flag.replace('\\', ""));
    }
}

/// MuPDF's lists of the files and flags of the libraries below it: lines of the form `NAME += word`.
struct Makelists(String);

impl Makelists {
    fn read(source: &Path) -> Result<Makelists, Box<dyn Error>> {
        let lists = Makelists(fs::read_to_string(source.join("Makelists"))?);
        match LIBRARIES.iter().find(|library| lists.words(&format!("{library}_SRC")).next().is_none()) {
            Some(library) => Err(format!("MuPDF's Makelists has no files of {library}").into()),
            None => Ok(lists),
        }
    }

    fn words<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let start = format!("{name} += ");
        self.0.lines().filter_map(move |line| line.strip_prefix(&start)).map(str::trim)
    }
}

/// The C files of a directory, always in the same order, so that the library is always the same.
fn c_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| format!("failed to list {}: {e}", folder.display()))? {
        let file = entry?.path();
        if file.extension() == Some(OsStr::new("c")) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Finds MuPDF inside the source of `mupdf-sys`.
///
/// It lies elsewhere in a registry cache than in a vendor directory. Cargo knows.
fn mupdf_source() -> Result<PathBuf, Box<dyn Error>> {
    // `mupdf-sys` is a dependency for no platform, so that Cargo locks it, fetches it and vendors it,
    // but does not build it. A build fetches only what its platform needs; hence the second attempt.
    let metadata = cargo_metadata(&["--offline"]).or_else(|_| cargo_metadata(&[]))?;
    let manifest = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "mupdf-sys")
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("cargo metadata lists no package mupdf-sys")?;
    let source = PathBuf::from(manifest).with_file_name("mupdf");
    if source.join("include/mupdf/fitz.h").is_file() {
        Ok(source)
    } else {
        Err(format!("no MuPDF in {}", source.display()).into())
    }
}

fn cargo_metadata(more_args: &[&str]) -> Result<serde_json::Value, Box<dyn Error>> {
    let output = Command::new(env::var_os("CARGO").ok_or("CARGO is not set")?)
        .args(["metadata", "--format-version=1", "--locked"])
        .args(more_args)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
