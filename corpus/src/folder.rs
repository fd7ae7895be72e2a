//! Any folder of PDFs as a corpus.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// A PDF on disk, which is read only when its bytes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDocument {
    /// Its path within the folder, with `/` between the parts.
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
}

impl FileDocument {
    /// Reads the document.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.path)
    }
}

/// Every file of a folder and of those below it whose name ends in `.pdf`, in any case, sorted by id.
///
/// Links to files are followed, links to folders are not.
///
/// # Errors
///
/// If the folder or one below it cannot be read, or if there is no PDF.
pub fn folder(path: &Path) -> Result<Vec<FileDocument>> {
    let mut documents = Vec::new();
    collect(path, "", &mut documents)?;
    ensure!(!documents.is_empty(), "{} has no file whose name ends in .pdf", path.display());
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(documents)
}

fn collect(path: &Path, prefix: &str, documents: &mut Vec<FileDocument>) -> Result<()> {
    let cannot_read = || format!("failed to read the folder {}", path.display());
    for entry in fs::read_dir(path).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let (path, name) = (entry.path(), entry.file_name());
        let id = format!("{prefix}{}", name.to_string_lossy());
        if entry.file_type().with_context(cannot_read)?.is_dir() {
            collect(&path, &format!("{id}/"), documents)?;
        } else if id.to_ascii_lowercase().ends_with(".pdf") && path.is_file() {
            documents.push(FileDocument { id, path });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_with_what_is_below_it_and_without_what_is_no_pdf() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("b/c")).unwrap();
        for (name, content) in
            [("z.pdf", "z"), ("a.PDF", "a"), ("b/c/é.pdf", "deep"), ("b/notes.txt", ""), ("pdf", "")]
        {
            fs::write(place.path().join(name), content).unwrap();
        }
        fs::create_dir(place.path().join("folder.pdf")).unwrap();
        let documents = folder(place.path()).unwrap();
        let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
        assert_eq!(ids, ["a.PDF", "b/c/é.pdf", "z.pdf"]);
        assert_eq!(documents[1].bytes().unwrap(), b"deep");
    }

    #[test]
    fn a_folder_that_is_missing_or_has_no_pdf_is_named() {
        let place = tempfile::tempdir().unwrap();
        let empty = folder(place.path()).unwrap_err().to_string();
        assert!(empty.contains(place.path().to_str().unwrap()) && empty.contains(".pdf"), "{empty}");
        let missing = folder(&place.path().join("nowhere")).unwrap_err().to_string();
        assert!(missing.contains("nowhere"), "{missing}");
    }
}
