use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Contents, Entry};
use crate::record::Built;
use crate::{Cell, Layout, Matrix};

/// How the names of files with the terms of a licence begin, in any case.
const NAMES: [&str; 6] = ["license", "licence", "copying", "notice", "copyright", "unlicense"];

/// The texts that a package is shipped with: our own, and those of all that is in it.
///
/// # Errors
///
/// If one cannot be read.
pub(super) fn texts(
    matrix: &Matrix,
    layout: &Layout,
    cell: &Cell,
    built: &Built,
    contents: &Contents,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.md"] {
        entries.push(Entry::text(&format!("licenses/{name}"), read(&layout.workspace().join(name))?));
    }
    let licence = &matrix.engines[&cell.engines].licence;
    let mut about = format!(
        "pdf2img, {cell}\n\nThis package as a whole: {licence}\nSources: the repository of pdf2img, commit {}, with the \
         packages of the Rust registry that its Cargo.lock pins. sbom.cdx.json lists them.\n",
        built.commit
    );
    if let Some(mupdf) = &contents.mupdf_source {
        about += "\nIt contains MuPDF, so that it is under the GNU Affero General Public License: whoever hands it on, or \
                  lets others use it over a network, has to offer them the corresponding source. The text is in AGPL-3.0.txt.\n";
        entries.push(Entry::text(
            "licenses/AGPL-3.0.txt",
            read(&layout.workspace().join("backends/mupdf/LICENSE"))?,
        ));
        entries.push(Entry::text("licenses/MUPDF-LIBRARIES.txt", mupdf_libraries(mupdf)?));
    } else {
        about += "\nIt contains nothing of MuPDF. The terms of what it contains are in PACKAGES.txt.\n";
    }
    if cell.has_pdfium(matrix) {
        about += "\nlib/libpdfium.so is PDFium; its terms, and those of what it contains, are in lib/pdfium-licenses.\n";
    }
    entries.push(Entry::text("licenses/README.txt", about));
    entries.push(Entry::text("licenses/PACKAGES.txt", packages(contents)?));
    Ok(entries)
}

/// The terms of all Rust packages, each text once with the packages that have it.
fn packages(contents: &Contents) -> Result<Vec<u8>> {
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut out = String::from("Packages in these executables, and their licences\n\n");
    for package in &contents.packages {
        let name = format!("{} {}", package.name, package.version);
        let licence = package.license.as_deref().unwrap_or("see its licence file");
        out += &format!("{name}: {licence}\n");
        let Some(directory) = package.manifest_path.parent() else { continue };
        for file in licence_files(directory.as_std_path())? {
            let text = String::from_utf8_lossy(&read(&file)?).replace("\r\n", "\n");
            by_text.entry(text.trim_end().to_owned()).or_default().push(name.clone());
        }
    }
    let mut texts: Vec<_> = by_text.into_iter().map(|(text, packages)| (packages.join(", "), text)).collect();
    texts.sort();
    for (packages, text) in texts {
        out += &format!("\n{}\n{packages}\n\n{text}\n", "=".repeat(80));
    }
    Ok(out.into_bytes())
}

/// The terms of the libraries below MuPDF, which come in directories of their own.
fn mupdf_libraries(mupdf: &Path) -> Result<Vec<u8>> {
    let mut out = String::new();
    for library in ["freetype", "jbig2dec", "lcms2", "openjpeg", "zlib"] {
        let directory = mupdf.join("thirdparty").join(library);
        let mut files = licence_files(&directory)?;
        // FreeType's own licence is in a folder of documents; zlib's is in its header, below.
        for further in ["docs/FTL.TXT", "docs/LICENSE.TXT"] {
            files.extend(Some(directory.join(further)).filter(|it| it.exists()));
        }
        for file in files {
            out += &format!(
                "{}\n{library}: {}\n\n",
                "=".repeat(80),
                file.strip_prefix(mupdf).unwrap_or(&file).display()
            );
            out += String::from_utf8_lossy(&read(&file)?).replace("\r\n", "\n").trim_end();
            out += "\n\n";
        }
        if library == "zlib" {
            let header = read(&directory.join("zlib.h"))?;
            let header = String::from_utf8_lossy(&header);
            let comment = header.split_once("*/").map_or("", |(comment, _)| comment);
            out += &format!("{}\nzlib: the head of zlib.h\n\n{comment}*/\n\n", "=".repeat(80));
        }
    }
    Ok(out.into_bytes())
}

/// The files of a directory whose names say that they are terms, in order.
fn licence_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("failed to list {}", directory.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin))
        })
        .collect();
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}
