//! A PDF as a file descriptor that worker processes inherit: in memory, or a file of the user's.
//!
//! `/tmp` is not used where the kernel has memfd, as Lambda's does: it can be full, and it outlives an
//! invocation.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;

use crate::manifest::Failure;

/// How far into a file the header may stand (ISO 32000-1, Annex H, implementation note 13).
const HEADER_WITHIN_BYTES: usize = 1024;

/// A PDF in an anonymous file that nobody can change any more once it is [sealed](PdfFile::seal), or in one
/// that was [there before](PdfFile::of).
#[derive(Debug)]
pub struct PdfFile {
    file: File,
    bytes: u64,
    /// When a file that was there before was last written to.
    modified: Option<SystemTime>,
}

impl PdfFile {
    /// Makes an empty one: a memfd, or, where the kernel has none, an unlinked temporary file.
    ///
    /// # Errors
    ///
    /// As the kernel fails.
    pub fn new() -> io::Result<PdfFile> {
        let file = match rustix::fs::memfd_create("pdf", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOSYS | Errno::PERM | Errno::ACCESS) => tempfile::tempfile()?,
            Err(error) => return Err(error.into()),
        };
        Ok(PdfFile { file, bytes: 0, modified: None })
    }

    /// Takes a file as it is: no copy of it is made, and what the kernel keeps of it it can also forget.
    ///
    /// Others may write to it meanwhile. That can cost pages, and no more: a worker that finds the file
    /// shorter than it was is ended by the kernel. [`is_unchanged`](PdfFile::is_unchanged) tells afterwards.
    ///
    /// # Errors
    ///
    /// As the kernel fails.
    pub fn of(file: File) -> io::Result<PdfFile> {
        let metadata = file.metadata()?;
        Ok(PdfFile { bytes: metadata.len(), modified: Some(metadata.modified()?), file })
    }

    /// Whether the bytes are still those that were there at first, as far as length and time of a file say.
    ///
    /// # Errors
    ///
    /// As the kernel fails.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        let Some(modified) = self.modified else { return Ok(true) };
        let metadata = self.file.metadata()?;
        Ok(metadata.len() == self.bytes && metadata.modified()? == modified)
    }

    /// Makes a sealed one from bytes.
    ///
    /// # Errors
    ///
    /// As the kernel fails.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<PdfFile> {
        let mut pdf = PdfFile::new()?;
        pdf.append(bytes)?;
        pdf.seal();
        Ok(pdf)
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    ///
    /// As the kernel fails, for example for want of memory.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Forbids every further change, to ourselves too: a worker that maps the file can rely on it.
    pub fn seal(&self) {
        // The unlinked file of the fallback knows no seals; nothing writes to it from here on.
        let _ = rustix::fs::fcntl_add_seals(
            &self.file,
            SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        );
    }

    /// The length in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether `%PDF-` stands within the first 1,024 bytes.
    ///
    /// Engines recognise other formats too, and would draw an HTML page that calls itself PDF.
    ///
    /// # Errors
    ///
    /// As the kernel fails.
    pub fn looks_like_pdf(&self) -> io::Result<bool> {
        let mut head = [0; HEADER_WITHIN_BYTES + 4];
        let length = self.bytes.min(head.len() as u64) as usize;
        self.file.read_exact_at(&mut head[..length], 0)?;
        Ok(head[..length].windows(5).any(|w| w == b"%PDF-"))
    }

    /// The descriptor again, to be inherited by a worker.
    ///
    /// # Errors
    ///
    /// When there are too many open descriptors.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }
}

/// Refuses what is no PDF before an engine sees it.
///
/// # Errors
///
/// A failure with the code `empty_file` or `not_a_pdf`.
pub fn check_header(pdf: &PdfFile) -> Result<(), Failure> {
    let refuse = |code: &str, message: &str| Err(Failure { code: code.into(), message: message.into() });
    match pdf.looks_like_pdf() {
        _ if pdf.bytes() == 0 => refuse("empty_file", "the file has no bytes; upload it again"),
        Ok(true) => Ok(()),
        Ok(false) => {
            refuse("not_a_pdf", "%PDF- is not within the first 1,024 bytes: the file is something else")
        }
        Err(error) => refuse("io", &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_sealed_file_cannot_be_changed() {
        let mut pdf = PdfFile::from_bytes(b"%PDF-1.7").unwrap();
        assert!(pdf.append(b"x").is_err());
        assert_eq!(pdf.bytes(), 8);
    }

    #[test]
    fn a_file_that_was_there_before_is_not_copied_and_a_change_is_seen() {
        let mut path = tempfile::NamedTempFile::new().unwrap();
        path.write_all(b"%PDF-1.7").unwrap();
        let pdf = PdfFile::of(File::open(path.path()).unwrap()).unwrap();
        assert_eq!(pdf.bytes(), 8);
        assert!(pdf.looks_like_pdf().unwrap() && pdf.is_unchanged().unwrap());
        path.write_all(b"more").unwrap();
        assert!(!pdf.is_unchanged().unwrap());
        assert!(PdfFile::from_bytes(b"%PDF-1.7").unwrap().is_unchanged().unwrap());
    }

    #[test]
    fn a_header_is_looked_for_in_the_first_1024_bytes_only() {
        let after = |junk: usize| [vec![b' '; junk], b"%PDF-1.4".to_vec()].concat();
        let sniff = |bytes: &[u8]| PdfFile::from_bytes(bytes).unwrap().looks_like_pdf().unwrap();
        assert!(sniff(&after(0)) && sniff(&after(1023)));
        assert!(!sniff(&after(1024)) && !sniff(b"") && !sniff(b"<html>%PD"));
    }
}
