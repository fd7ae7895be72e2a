//! Documents to measure with: those of the corpus, and any PDF on disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use corpus::{Class, Document};

/// What is measured if nobody says otherwise, as far as the corpus has it.
const DEFAULTS: [&str; 8] = [
    "text-20",
    "vector-map",
    "vector-charts",
    "scan-gray",
    "scan-color",
    "photo-1",
    "forms-appearance",
    "mixed-sizes",
];

/// The class of files that are not of the corpus.
const FOLDER: &str = "folder";

/// A document.
#[derive(Debug, Clone)]
pub struct Source {
    /// The id in the corpus, or the name of the file without its suffix.
    pub id: String,
    /// The class in the corpus, or `folder`.
    pub class: String,
    /// The number of pages; `None` if nobody has counted them.
    pub pages: Option<u32>,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Corpus(&'static Document),
    File(PathBuf),
}

impl Source {
    /// Takes a document of the corpus.
    pub fn of(document: &'static Document) -> Source {
        Source {
            id: document.id.to_owned(),
            class: document.class.to_string(),
            pages: Some(document.pages),
            content: Content::Corpus(document),
        }
    }

    /// The document of that id, or all of a class that are not too large to be made by default.
    ///
    /// # Errors
    ///
    /// If the corpus has neither.
    pub fn named(name: &str) -> Result<Vec<Source>> {
        if let Some(document) = corpus::document(name) {
            return Ok(vec![Source::of(document)]);
        }
        let of_class = |it: &&Document| it.class.as_str() == name && !it.on_demand;
        let found: Vec<Source> = corpus::documents().iter().filter(of_class).map(Source::of).collect();
        ensure!(!found.is_empty(), "{name:?} is neither a document nor a class of the corpus");
        Ok(found)
    }

    /// Every PDF of a folder and the folders below it, in the order of their paths.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, has no PDF, or two files of the same name.
    pub fn in_folder(folder: &Path) -> Result<Vec<Source>> {
        let mut files = Vec::new();
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            let failed = || format!("failed to list {}", folder.display());
            for entry in fs::read_dir(&folder).with_context(failed)? {
                let path = entry.with_context(failed)?.path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("pdf")) {
                    files.push(path);
                }
            }
        }
        files.sort();
        ensure!(!files.is_empty(), "there is no PDF below {}", folder.display());
        let mut found: Vec<Source> = Vec::new();
        for file in files {
            let id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            ensure!(
                found.iter().all(|other| other.id != id),
                "two files below {} are called {id}, and a record could not tell them apart",
                folder.display()
            );
            found.push(Source { id, class: FOLDER.to_owned(), pages: None, content: Content::File(file) });
        }
        Ok(found)
    }

    /// One or two of each class, small enough to be drawn many times.
    pub fn defaults() -> Vec<Source> {
        let mut found: Vec<Source> =
            DEFAULTS.iter().filter_map(|id| corpus::document(id)).map(Source::of).collect();
        for class in Class::ALL {
            let of_class = |it: &&Document| it.class == class && !it.on_demand;
            if found.iter().all(|it| it.class != class.as_str()) {
                found.extend(corpus::documents().iter().find(of_class).map(Source::of));
            }
        }
        found
    }

    /// The first of each class of [`Source::defaults`].
    pub fn one_of_each_class() -> Vec<Source> {
        let mut found: Vec<Source> = Vec::new();
        for source in Source::defaults() {
            if found.iter().all(|it| it.class != source.class) {
                found.push(source);
            }
        }
        found
    }

    /// The bytes of the PDF.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match &self.content {
            Content::Corpus(document) => Ok(document.bytes()),
            Content::File(path) => {
                fs::read(path).with_context(|| format!("failed to read {}", path.display()))
            }
        }
    }

    /// Writes the PDF into a directory; the path of the file.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written.
    pub fn write_to(&self, directory: &Path) -> Result<PathBuf> {
        let path = directory.join(format!("{}.pdf", self.id));
        fs::write(&path, self.bytes()?).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_document_or_of_a_class() {
        assert_eq!(Source::named("text-20").unwrap()[0].pages, Some(20));
        let scans = Source::named("scan").unwrap();
        assert!(scans.len() >= 2 && scans.iter().all(|it| it.class == "scan"), "{scans:?}");
        assert!(Source::named("text").unwrap().iter().all(|it| it.id != "text-1000"));
        assert!(Source::named("poems").unwrap_err().to_string().contains("poems"));
    }

    #[test]
    fn the_defaults_have_every_class() {
        let one = Source::one_of_each_class();
        assert_eq!(one.len(), Class::ALL.len());
        for class in Class::ALL {
            assert!(one.iter().any(|it| it.class == class.as_str()), "{class}");
        }
    }

    #[test]
    fn a_folder_gives_its_files_and_those_below() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        for name in ["z.pdf", "b/a.PDF", "notes.txt"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let found = Source::in_folder(dir.path()).unwrap();
        let ids: Vec<_> = found.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["a", "z"]);
        assert_eq!((found[0].class.as_str(), found[0].pages), ("folder", None));
        let written = found[0].write_to(dir.path()).unwrap();
        assert_eq!(fs::read(written).unwrap(), b"b/a.PDF");
        assert!(Source::in_folder(dir.path()).unwrap_err().to_string().contains("two files"));
    }
}
