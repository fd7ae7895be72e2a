//! Pages to look at: an `index.html` beside every manifest, and one for all documents.
//!
//! They are opened from disk, so they are whole in themselves and link to the images by relative
//! paths. Everything that comes from a document is escaped: keys and messages are not ours.

pub(crate) mod html;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use pdf2img::manifest::{Manifest, SCHEMA_VERSION};

use super::events::uuid;
use super::journal::LocalEvent;

/// How the last part of a manifest's key ends.
const MANIFEST: &str = "manifest.json";

/// Draws the sheets of one output bucket.
pub(super) struct ContactSheets {
    data: PathBuf,
    bucket: String,
    is_enabled: bool,
    /// By the manifest's key; filled from disk at first, so that a restart forgets nothing.
    documents: Mutex<Option<BTreeMap<String, DocumentSummary>>>,
}

/// A row of the list of all documents.
#[derive(Debug, Clone)]
struct DocumentSummary {
    manifest: Manifest,
    written: Timestamp,
}

impl ContactSheets {
    pub(super) fn new(data: &Path, bucket: &str, is_enabled: bool) -> Self {
        ContactSheets {
            data: data.to_owned(),
            bucket: bucket.to_owned(),
            is_enabled,
            documents: Mutex::new(None),
        }
    }

    /// Reads a manifest, and draws its sheet and the list anew; `None` if it is not one of ours.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or written.
    pub(super) fn update(&self, manifest_key: &str) -> io::Result<Option<LocalEvent>> {
        let Some(file) = self.object_file(manifest_key) else { return Ok(None) };
        let Some(document) = read_manifest(&file)? else { return Ok(None) };
        let manifest = document.manifest.clone();
        let sheet = self.is_enabled.then(|| sheet_key(manifest_key));
        if let Some(sheet) = &sheet {
            let page = html::document_page(&manifest, &self.bucket, manifest_key);
            self.write(&self.data.join(&self.bucket).join(sheet), &page)?;
            self.update_list(manifest_key, document)?;
        }
        let totals = manifest.totals;
        Ok(Some(LocalEvent::Document {
            bucket: manifest.source.bucket,
            key: manifest.source.key,
            manifest: manifest_key.to_owned(),
            status: manifest.status,
            pages: totals.pages,
            images: totals.images,
            failures: totals.failed + totals.missing,
            bytes: totals.bytes,
            total_ms: totals.ms.total,
            contact_sheet: sheet.map(|sheet| self.data.join(&self.bucket).join(sheet).display().to_string()),
        }))
    }

    fn update_list(&self, manifest_key: &str, document: DocumentSummary) -> io::Result<()> {
        // Held while writing, so that an older list never replaces a newer one.
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        let documents = documents.get_or_insert_with(|| self.find_documents());
        documents.insert(manifest_key.to_owned(), document);
        documents.retain(|key, _| self.object_file(key).is_some_and(|file| file.is_file()));
        self.write(&self.data.join("index.html"), &html::list_page(documents, &self.bucket))
    }

    fn find_documents(&self) -> BTreeMap<String, DocumentSummary> {
        let root = self.data.join(&self.bucket);
        let mut found = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let Some(key) = path.strip_prefix(&root).ok().and_then(Path::to_str).map(str::to_owned)
                else {
                    continue;
                };
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if key.ends_with(MANIFEST)
                    && let Ok(Some(document)) = read_manifest(&path)
                {
                    found.insert(key, document);
                }
            }
        }
        found
    }

    /// The file of an object; none if its key would lead out of the bucket.
    fn object_file(&self, key: &str) -> Option<PathBuf> {
        let is_plain = Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
        is_plain.then(|| self.data.join(&self.bucket).join(key))
    }

    /// Writes a file whole or not at all.
    fn write(&self, file: &Path, text: &str) -> io::Result<()> {
        // A name that the S3 endpoint clears away at its next start, should we be killed here.
        let unfinished = self.data.join(format!(".tmp.sheet-{}.internal.part", uuid()));
        fs::write(&unfinished, text)
            .and_then(|()| fs::rename(&unfinished, file))
            .inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }
}

/// Where the sheet of a manifest goes: beside it.
fn sheet_key(manifest_key: &str) -> String {
    format!("{}index.html", manifest_key.strip_suffix(MANIFEST).unwrap_or(manifest_key))
}

/// Reads a manifest of the form that we know; anything else is somebody else's file.
fn read_manifest(file: &Path) -> io::Result<Option<DocumentSummary>> {
    let text = fs::read(file)?;
    let written = fs::metadata(file)?.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Ok(serde_json::from_slice(&text)
        .ok()
        .filter(|manifest: &Manifest| manifest.schema_version == SCHEMA_VERSION)
        .map(|manifest| DocumentSummary {
            manifest,
            written: Timestamp::try_from(written).unwrap_or(Timestamp::UNIX_EPOCH),
        }))
}
