//! What `manifest.toml` says about the documents, and whether it is true.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::document::{Document, documents};

/// The manifest as it is committed.
pub const COMMITTED: &str = include_str!("../manifest.toml");

/// The documents of the corpus, in the order of [`documents`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// One entry for each document.
    #[serde(rename = "document")]
    pub documents: Vec<Entry>,
}

/// What is known of a document without making it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name used in benchmarks and on the command line.
    pub id: String,
    /// The file name on disk.
    pub file: String,
    /// The SHA-256 of the bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// The length in bytes.
    pub bytes: u64,
    /// The number of pages.
    pub pages: u32,
    /// The [`Class`](crate::Class) by its name.
    pub class: String,
    /// Where the document comes from.
    pub origin: String,
    /// The licence of the document.
    pub licence: String,
    /// What it exercises.
    pub exercises: String,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// If the text is not TOML, or an entry lacks a field or has an unknown one.
    pub fn parse(text: &str) -> Result<Manifest, toml::de::Error> {
        toml::from_str(text)
    }

    /// Makes every document and notes what came out.
    pub fn of_documents() -> Manifest {
        Manifest { documents: documents().iter().map(Entry::of).collect() }
    }

    /// The text to be committed.
    ///
    /// # Errors
    ///
    /// If an entry cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let head = "# Written by `cargo run -p corpus -- pin`: the documents are made by code, and these are\n\
                    # the bytes that they must come to. `cargo run -p corpus -- check` compares.\n\n";
        Ok(format!("{head}{}", toml::to_string(self)?))
    }
}

impl Entry {
    /// Makes a document and notes what came out.
    pub fn of(document: &Document) -> Entry {
        let bytes = document.bytes();
        Entry {
            id: document.id.to_owned(),
            file: document.file_name(),
            sha256: sha256(&bytes),
            bytes: bytes.len() as u64,
            pages: document.pages,
            class: document.class.to_string(),
            origin: document.origin.to_owned(),
            licence: "MIT OR Apache-2.0".to_owned(),
            exercises: document.exercises.to_owned(),
        }
    }
}

/// The SHA-256 of some bytes in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_manifest_is_what_the_code_makes() {
        let committed = Manifest::parse(COMMITTED).unwrap();
        for (entry, made) in committed.documents.iter().zip(Manifest::of_documents().documents) {
            assert_eq!(*entry, made, "run `cargo run -p corpus -- pin` if this change is meant");
        }
        assert_eq!(committed.documents.len(), documents().len());
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        assert!(Manifest::parse("[[document]]\nid = \"x\"\ncolour = \"red\"\n").is_err());
    }
}
