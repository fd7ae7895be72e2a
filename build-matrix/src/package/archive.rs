use std::io::{Cursor, Write};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::build::SOURCE_DATE_EPOCH;

/// The names of the files that somebody has to be able to run.
const PROGRAMS: [&str; 3] = ["bootstrap", "pdf2img", "pdfium-worker"];

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path, with `/` in it.
    pub path: String,
    /// The permissions: those of the file on disk are not asked for, since not every host has them.
    pub mode: u32,
    /// The bytes.
    pub content: Vec<u8>,
}

impl Entry {
    /// A file that was built; programs can be run.
    pub fn file(path: &str, content: Vec<u8>) -> Entry {
        let mode = if PROGRAMS.contains(&path) { 0o755 } else { 0o644 };
        Entry { path: path.to_owned(), mode, content }
    }

    /// A file to read.
    pub fn text(path: &str, content: impl Into<Vec<u8>>) -> Entry {
        Entry { path: path.to_owned(), mode: 0o644, content: content.into() }
    }
}

/// A zip of files in the order given, with no time, user or host in it.
///
/// # Errors
///
/// If it would be longer than a zip can be.
pub fn zip(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        // Deflate is in Rust and takes no instruction that a CPU may lack, so it gives the same bytes everywhere.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::default())
            .system(zip::System::Unix)
            .unix_permissions(entry.mode);
        zip.start_file(&entry.path, options).with_context(|| format!("failed to begin {}", entry.path))?;
        zip.write_all(&entry.content).with_context(|| format!("failed to compress {}", entry.path))?;
    }
    Ok(zip.finish().context("failed to end the zip")?.into_inner())
}

/// A gzipped tarball of files in the order given, below one folder.
///
/// # Errors
///
/// If a path is longer than a tarball can name.
pub fn tarball(folder: &str, entries: &[Entry]) -> Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(entry.content.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(SOURCE_DATE_EPOCH);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, format!("{folder}/{}", entry.path), entry.content.as_slice())
            .with_context(|| format!("failed to add {}", entry.path))?;
    }
    tar.into_inner().context("failed to end the tarball")?.finish().context("failed to end the compression")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn entries() -> Vec<Entry> {
        vec![
            Entry::file("bootstrap", b"\x7fELF".repeat(1000)),
            Entry::file("lib/libpdfium.so", vec![1, 2, 3]),
        ]
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        assert_eq!(zip(&entries()).unwrap(), zip(&entries()).unwrap());
        assert_eq!(tarball("pdf2img", &entries()).unwrap(), tarball("pdf2img", &entries()).unwrap());
        let mut others = entries();
        others[0].mode = 0o644;
        assert_ne!(zip(&entries()).unwrap(), zip(&others).unwrap());
    }

    #[test]
    fn a_zip_says_on_every_host_that_programs_can_be_run() {
        let mut zip = zip::ZipArchive::new(Cursor::new(zip(&entries()).unwrap())).unwrap();
        let mut bootstrap = zip.by_name("bootstrap").unwrap();
        assert_eq!(bootstrap.unix_mode(), Some(0o100_755));
        let mut content = Vec::new();
        bootstrap.read_to_end(&mut content).unwrap();
        assert_eq!(content, entries()[0].content);
        drop(bootstrap);
        assert_eq!(zip.by_name("lib/libpdfium.so").unwrap().unix_mode(), Some(0o100_644));
    }

    #[test]
    fn a_tarball_has_one_folder_with_programs_that_can_be_run() {
        let bytes = tarball("pdf2img-x", &entries()).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let seen: Vec<_> = tar
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
            })
            .collect();
        let expected = [("pdf2img-x/bootstrap", 0o755), ("pdf2img-x/lib/libpdfium.so", 0o644)];
        assert_eq!(seen, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
