//! The metadata that every image carries: what it is an image of, and how it was made.

use sha2::{Digest, Sha256};

use crate::config::settings::hex;
use crate::manifest::Attempt;
use crate::pages::failure;
use crate::store::ObjectInfo;
use crate::store::metadata;

pub(super) const SOURCE: &str = "pdf2img-source";
pub(super) const VERSION: &str = "pdf2img-source-version";
pub(super) const SETTINGS: &str = "pdf2img-settings";
pub(super) const RENDITION: &str = "pdf2img-rendition";
pub(super) const PAGE: &str = "pdf2img-page";
pub(super) const PAGES: &str = "pdf2img-pages";
pub(super) const SHA256: &str = "pdf2img-sha256";
pub(super) const SIZE: &str = "pdf2img-size";
pub(super) const CONTENT_ERRORS: &str = "pdf2img-content-errors";
/// Name and version of the engine: `mupdf/1.27.2`.
pub(super) const BACKEND: &str = "pdf2img-backend";
/// The engines that failed at the page before, with their codes: `mupdf=page_crashed,hayro=malformed`.
pub(super) const ATTEMPTS: &str = "pdf2img-attempts";

/// A source's key as it fits into metadata, of which S3 takes 2,048 bytes in all: long ones are
/// replaced by their hash.
pub(super) fn source_tag(key: &str) -> String {
    const LONGEST_BYTES: usize = 1024;
    if metadata::encode(key).len() <= LONGEST_BYTES { key.to_owned() } else { hex(&Sha256::digest(key)) }
}

/// What images carry of the engines that failed at their page.
pub(super) fn attempts_tag(attempts: &[Attempt]) -> String {
    let words: Vec<String> =
        attempts.iter().map(|attempt| format!("{}={}", attempt.backend, attempt.failure.code)).collect();
    words.join(",")
}

/// Reads [`attempts_tag`]; the messages went to the log of the attempt that drew the page.
pub(super) fn attempts_of(tag: &str) -> Vec<Attempt> {
    let attempt = |word: &str| {
        let (backend, code) = word.split_once('=')?;
        let failure = failure(code, "drawn in an attempt that was cut off, whose log has the message");
        Some(Attempt { backend: backend.to_owned(), failure })
    };
    tag.split(',').filter_map(attempt).collect()
}

/// What tells one version of a source from another: its version id, else its ETag.
pub(super) fn version_tag(info: &ObjectInfo) -> &str {
    info.version_id.as_deref().unwrap_or(&info.etag)
}
