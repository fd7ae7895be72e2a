//! Whose a symbol is: a crate's or a C library's.

use rustc_demangle::try_demangle;

/// A library, how the names of its symbols begin, and how those of its source files do.
type Library = (&'static str, &'static [&'static str], &'static [&'static str]);

/// C libraries; the first that fits counts. A beginning is only here if no other library has it too.
const LIBRARIES: [Library; 20] = [
    ("fonts", &["_binary_"], &["Nimbus", "Dingbats", "StandardSymbols", "Droid", "SourceHan", "Noto"]),
    ("mimalloc", &["mi_", "_mi_"], &["static.c"]),
    (
        "FreeType",
        &[
            "FT_",
            "ft_",
            "af_",
            "cff_",
            "cf2_",
            "cid_",
            "ps_",
            "psh_",
            "sfnt_",
            "t1_",
            "T1_",
            "tt_",
            "TT_",
            "t42_",
            "pshinter_",
            "psaux_",
        ],
        &["ftbase", "ftinit", "ftsystem", "ftglyph", "ftbitmap", "ftstroke", "ftdebug", "truetype", "psaux"],
    ),
    ("HarfBuzz", &["hb_", "_hb_", "fzhb_"], &["hb-"]),
    ("OpenJPEG", &["fz_opj_", "opj_"], &["openjpeg"]),
    ("lcms2", &["lcms2mt_", "cms", "_cms"], &["cms"]),
    ("jbig2dec", &["jbig2_"], &["jbig2"]),
    ("Gumbo", &["gumbo_"], &[]),
    ("extract", &["extract_"], &[]),
    ("MuJS", &["js_", "jsB_", "jsC_", "jsP_", "jsR_", "jsS_", "jsV_", "jsY_"], &["jsrun", "jsparse"]),
    (
        "MuPDF",
        &["fz_", "pdf_", "xps_", "svg_", "ucdn_", "ucd_", "cmap_", "resources_icc_"],
        &["pdf-", "draw-", "filter-", "load-", "output-", "stext-", "color-", "crypt-", "stream-"],
    ),
    ("libwebp", &["WebP", "VP8", "SharpYuv"], &["vp8", "sharpyuv", "alpha_", "picture_", "lossless"]),
    (
        "libjpeg",
        &["jpeg_", "jinit_", "jsimd_", "jcopy_", "jround_", "jdiv_", "jzero_", "jconst_"],
        &["jc", "jd", "jf", "jidct", "jmem", "jq", "jsimd", "jutils", "jerror", "jaricom"],
    ),
    (
        "libdeflate",
        &["libdeflate_", "deflate_compress_", "deflate_decompress_"],
        &["deflate_compress", "zlib_compress"],
    ),
    (
        "zlib",
        &["inflate", "deflate", "_tr_", "zcalloc", "zcfree", "crc_braid"],
        &["inflate", "inftrees", "inffast", "zutil"],
    ),
    ("ring", &["ring_core_"], &["curve25519", "ecp_nistz", "gfp_p", "montgomery", "poly1305"]),
    (
        "unwinder",
        &["_Unwind_", "__unw_", "unw_", "__register_frame", "_ZN9libunwind"],
        &["UnwindLevel", "libunwind"],
    ),
    (
        "compiler's own",
        &[
            "__llvm",
            "__mul",
            "__div",
            "__udiv",
            "__umod",
            "__mod",
            "__fix",
            "__float",
            "__extend",
            "__trunc",
            "__aarch64_",
            "compiler_rt.",
        ],
        &["compiler_rt"],
    ),
    (
        "C library",
        &[
            "__libc_",
            "__pthread_",
            "pthread_",
            "__stdio_",
            "__malloc_",
            "__dns_",
            "__lookup_",
            "__res_",
            "__tls_",
            "__init_",
            "posix_",
            "sem_",
            "sigaction",
            "printf_core",
            "strlen",
            "strcmp",
            "strchr",
            "strrchr",
            "strcpy",
            "strto",
            "strerror",
            "strstr",
            "memcpy",
            "memset",
            "memcmp",
            "memmove",
            "memchr",
            "memrchr",
            "c.",
        ],
        &["__", "_Exit", "pthread_", "posix_", "lookup_", "res_m", "sig", "sched_", "zigc", "libc."],
    ),
    (
        "start-up code",
        &["_start", "_init", "_fini", "__do_global", "frame_dummy", "register_tm", "deregister_tm"],
        &["crt"],
    ),
];

/// What of the standard library no crate of anybody else is called.
const STANDARD: [&str; 5] = ["alloc", "compiler_builtins", "core", "panic_unwind", "std"];

/// What they are called together.
const STANDARD_NAME: &str = "Rust's standard library";

/// The crate or C library that a symbol belongs to by its name; `None` if the name does not say.
pub(super) fn of_name(name: &str) -> Option<String> {
    // What a compiler made of a function, such as `f.cold` or `f.llvm.123`, is the function's.
    if let Ok(demangled) = try_demangle(name) {
        return Some(of_path(&format!("{demangled:#}")));
    }
    let (library, ..) =
        LIBRARIES.iter().find(|(_, prefixes, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)))?;
    Some((*library).to_owned())
}

/// The library that a source file belongs to by its name, which has no directory; `None` if the name does not say.
pub(super) fn of_file(name: &str) -> Option<String> {
    let (library, ..) =
        LIBRARIES.iter().find(|(_, _, files)| files.iter().any(|start| name.starts_with(start)))?;
    Some((*library).to_owned())
}

/// Whether a source file's name is that of a piece that rustc has compiled.
pub(super) fn is_of_rust(file: &str) -> bool {
    file.contains("-cgu.")
}

/// The crate that a demangled name begins with, past the signs of types and of generated code.
fn of_path(path: &str) -> String {
    // The code that drops a value is generated in `core` and is the value's.
    const DROP: &str = "core::ptr::drop_in_place::<";
    const DROP_LEGACY: &str = "core::ptr::drop_in_place<";
    let path = path.strip_prefix(DROP).or_else(|| path.strip_prefix(DROP_LEGACY)).unwrap_or(path);
    let mut rest = path;
    while let Some(end) = rest.find("::") {
        let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
        let start = rest[..end]
            .rfind(|c| !is_of_a_name(c))
            .map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
        let name = &rest[start..end];
        if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let is_standard = STANDARD.contains(&name);
            return if is_standard { STANDARD_NAME.to_owned() } else { name.to_owned() };
        }
        rest = &rest[end + 2..];
    }
    // A primitive's own code, which only the standard library can have.
    STANDARD_NAME.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> String {
        of_name(name).unwrap_or_default()
    }

    #[test]
    fn a_symbol_of_rust_is_its_crates_in_either_mangling() {
        assert_eq!(owner("_ZN5tokio7runtime4park10CachedPark4wake17h0123456789abcdefE"), "tokio");
        assert_eq!(owner("_RNvCs1234_7mycrate3foo"), "mycrate");
        assert_eq!(owner("_ZN4core3fmt5write17h0123456789abcdefE"), STANDARD_NAME);
        assert_eq!(owner("_RNvMs_NtCs6Vu3Jtx0cDw_5alloc3vecINtB4_3VechE4push"), STANDARD_NAME);
    }

    #[test]
    fn the_code_for_a_type_is_that_of_its_crate() {
        assert_eq!(of_path("<&mut serde_json::Value as core::fmt::Debug>::fmt"), "serde_json");
        assert_eq!(of_path("core::ptr::drop_in_place::<hyper::Error>"), "hyper");
        assert_eq!(of_path("core::ptr::drop_in_place<alloc::vec::Vec<hyper::Error>>"), STANDARD_NAME);
        assert_eq!(of_path("<u8 as url::Encode>::encode"), "url");
        assert_eq!(of_path("<u8>"), STANDARD_NAME);
    }

    #[test]
    fn a_symbol_of_c_is_known_by_its_beginning() {
        assert_eq!(owner("pdf_run_page"), "MuPDF");
        assert_eq!(owner("fz_opj_j2k_decode"), "OpenJPEG");
        assert_eq!(owner("jsimd_idct_islow_avx2"), "libjpeg");
        assert_eq!(owner("_binary_NimbusSans_cff"), "fonts");
        assert_eq!(owner("mi_malloc"), "mimalloc");
        assert_eq!(owner("_ZN9libunwind12UnwindCursor4stepEv"), "unwinder");
        assert_eq!(of_name("a_name_of_somebody"), None);
        assert_eq!(of_file("pdf-run.c").as_deref(), Some("MuPDF"));
        assert_eq!(of_file("somebody.c"), None);
    }
}
