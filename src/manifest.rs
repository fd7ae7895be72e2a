//! The record of what a document came to: `manifest.json`, written last.
//!
//! It is the truth about what exists. A page without an entry that names a key has no image, and
//! an image without an entry is not a result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the manifest's form; it changes when a reader of an older form would go wrong.
pub const SCHEMA_VERSION: u32 = 1;

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Whether every page asked for has its image.
    pub status: Status,
    /// The PDF.
    pub source: Source,
    /// The engine that opened the document; absent if none was reached.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub backend: Option<Engine>,
    /// The other engines that drew pages of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fallback: Vec<Engine>,
    /// The engines that were to open the document before, and why they did not.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub attempts: Vec<Attempt>,
    /// The options that shape the images, by name, as they were in force.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// SHA-256 of the settings, in hexadecimal: equal hashes give equal images.
    pub settings_hash: String,
    /// How many pages the document has; absent if it could not be opened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page_count: Option<u32>,
    /// One entry for each page that was asked for, in order.
    pub pages: Vec<PageEntry>,
    /// Why the document as a whole failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Failure>,
    /// Sums over the pages.
    pub totals: Totals,
    /// The program that wrote this: `pdf2img 0.1.0`.
    pub generator: String,
}

/// How far a document got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every page asked for has its image.
    Complete,
    /// Some pages have, and the others say why not.
    Partial,
    /// No page has.
    Failed,
}

/// The PDF that the pages came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The bucket's name.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version, if the bucket keeps versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version_id: Option<String>,
    /// The ETag, without its quotes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub etag: Option<String>,
    /// The length in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
}

/// A rendering engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// Its name: `mupdf`.
    pub name: String,
    /// Its own version.
    pub version: String,
}

/// What an engine failed at, so that another one was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The engine's name.
    pub backend: String,
    /// How it failed.
    #[serde(flatten)]
    pub failure: Failure,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageEntry {
    /// The page's number, counted from 1. A negative one was asked for from the end, and does not exist.
    pub page: i64,
    /// The engines that failed at this page before another one was tried.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub attempts: Vec<Attempt>,
    /// Its image, or why there is none.
    #[serde(flatten)]
    pub result: PageResult,
}

/// A page's image, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PageResult {
    /// The image exists.
    Image(Image),
    /// There is no image.
    Failed {
        /// Why.
        error: Failure,
    },
}

/// An image that exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Its key in the output bucket.
    pub key: String,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the image file, in hexadecimal.
    pub sha256: String,
    /// The ETag that the store gave it, without quotes; empty if it gave none.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub etag: String,
    /// The name of the engine that drew it.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub backend: String,
    /// How many errors in the page's content the engine passed over.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub content_errors: u32,
    /// Time per stage, renditions included.
    pub ms: PageMilliseconds,
    /// The page's further images, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub renditions: BTreeMap<String, RenditionImage>,
}

impl Image {
    /// Every file of the page: the main image's first, then those of the renditions.
    pub fn files(&self) -> impl Iterator<Item = ImageFile<'_>> {
        let main = ImageFile { key: &self.key, bytes: self.bytes, sha256: &self.sha256, etag: &self.etag };
        let renditions = self.renditions.values().map(|image| ImageFile {
            key: &image.key,
            bytes: image.bytes,
            sha256: &image.sha256,
            etag: &image.etag,
        });
        std::iter::once(main).chain(renditions)
    }
}

/// A further image of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionImage {
    /// Its key in the output bucket.
    pub key: String,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the image file, in hexadecimal.
    pub sha256: String,
    /// The ETag that the store gave it, without quotes; empty if it gave none.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub etag: String,
}

/// A file as the store should have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFile<'a> {
    /// Its key in the output bucket.
    pub key: &'a str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: &'a str,
    /// The ETag that the store gave it, without quotes; empty if it gave none.
    pub etag: &'a str,
}

/// Time spent on a page, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PageMilliseconds {
    /// Drawing.
    pub render: f64,
    /// Encoding.
    pub encode: f64,
    /// Writing to the store, queueing included.
    pub upload: f64,
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable code: `page_timeout`.
    pub code: String,
    /// What was wrong, where, and what to do, for a person.
    pub message: String,
}

/// Sums over the pages.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Pages asked for.
    pub pages: u32,
    /// Pages that have their image, and all of their renditions.
    pub images: u32,
    /// Pages that failed for good.
    pub failed: u32,
    /// Pages that were not reached in time; another attempt may reach them.
    pub missing: u32,
    /// Bytes of all image files, those of renditions included.
    pub bytes: u64,
    /// Time per stage; sums over pages that ran side by side, so they may exceed `total`.
    pub ms: DocumentMilliseconds,
}

/// Time spent on a document, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct DocumentMilliseconds {
    /// Reading the PDF from the store.
    pub fetch: f64,
    /// Opening it, in the first worker.
    pub open: f64,
    /// Drawing, summed over pages.
    pub render: f64,
    /// Encoding, summed over pages.
    pub encode: f64,
    /// Writing to the store, summed over pages.
    pub upload: f64,
    /// From the event to just before the manifest is written.
    pub total: f64,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}
