//! What is to be done for one document, and under which keys: no I/O, no clock.
//!
//! - [`Plan::new`] decides whether an object is a PDF to render, and guards against loops;
//! - [`KeyTemplate`] is the template of image keys;
//! - a [`Plan`] names every output before there is one, and tells a page by its key.

mod template;

use sha2::{Digest, Sha256};

use render_api::PageIndex;

use crate::config::Settings;
use crate::config::settings::hex;
use crate::encode::ImageFormat;
use crate::store::ObjectRef;

pub use template::KeyTemplate;
use template::{MAX_PAGE_DIGITS, Part};

/// The longest key that S3 takes, in bytes.
pub const MAX_KEY_BYTES: usize = 1_024;

/// What becomes of an object that an event named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Its pages are to be rendered.
    Process(Plan),
    /// It is none of ours.
    Skip(SkipReason),
}

/// Why an object is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The key ends with a slash: what consoles write to show an empty folder.
    #[error("the key ends with /: it marks a folder")]
    FolderMarker,
    /// The key has another suffix.
    #[error("the key does not end with {suffix}")]
    OtherSuffix {
        /// The suffix that is taken for PDFs.
        suffix: String,
    },
    /// The key is one that an image or a manifest would have.
    #[error("the key is that of an image or a manifest of ours")]
    OwnOutput,
}

impl SkipReason {
    /// The stable code of this reason, as it stands in logs.
    pub fn code(&self) -> &'static str {
        match self {
            SkipReason::FolderMarker => "folder_marker",
            SkipReason::OtherSuffix { .. } => "other_suffix",
            SkipReason::OwnOutput => "own_output",
        }
    }
}

/// The outputs of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The PDF.
    pub source: ObjectRef,
    /// The bucket that images and manifest go to.
    pub output_bucket: String,
    page_key: Vec<Piece>,
    manifest_key: String,
}

/// A piece of a key; two texts never follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Page { digits: usize },
}

impl Plan {
    /// Decides what becomes of an object, by its key.
    ///
    /// The suffix is compared without regard to ASCII case; an empty one takes every key. Keys that
    /// an output would have are left alone if outputs go to the bucket that they are in.
    ///
    /// # Errors
    ///
    /// [`PlanError::KeyTooLong`] if no cut of the document's name makes the keys short enough.
    pub fn new(source: &ObjectRef, settings: &Settings, input_suffix: &str) -> Result<Decision, PlanError> {
        if source.key.ends_with('/') {
            return Ok(Decision::Skip(SkipReason::FolderMarker));
        }
        if strip_suffix_ignoring_case(&source.key, input_suffix).is_none() {
            return Ok(Decision::Skip(SkipReason::OtherSuffix { suffix: input_suffix.to_owned() }));
        }
        let output_bucket = settings.output_bucket.as_ref().unwrap_or(&source.bucket).clone();
        let format = settings.encoding.format();
        if output_bucket == source.bucket && settings.output_key.could_be_output(&source.key, format) {
            return Ok(Decision::Skip(SkipReason::OwnOutput));
        }
        let (page_key, manifest_key) = output_keys(&source.key, input_suffix, &settings.output_key, format)?;
        Ok(Decision::Process(Plan { source: source.clone(), output_bucket, page_key, manifest_key }))
    }

    /// The key of a page's image.
    pub fn page_key(&self, page: PageIndex) -> String {
        let number = u64::from(page.0) + 1;
        self.page_key
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Page { digits } => format!("{number:0digits$}"),
            })
            .collect()
    }

    /// The key of the manifest.
    pub fn manifest_key(&self) -> &str {
        &self.manifest_key
    }

    /// What the keys of all pages begin with, for a listing. It may be empty, and other objects'
    /// keys may begin so too: ask [`page_of`](Plan::page_of).
    pub fn output_prefix(&self) -> &str {
        match self.page_key.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// The page whose image has this key, if there can be one.
    pub fn page_of(&self, key: &str) -> Option<PageIndex> {
        let rest = key.strip_prefix(self.output_prefix())?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let page = PageIndex(rest[..end].parse::<u32>().ok()?.checked_sub(1)?);
        // The template may have the number more than once, and pads it.
        (self.page_key(page) == key).then_some(page)
    }
}

/// What is wrong with a template, or with what it makes of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The template cannot be used.
    #[error("key template {template:?}: {reason}")]
    Template {
        /// The template.
        template: String,
        /// Why.
        reason: String,
    },
    /// The keys would be longer than S3 takes.
    #[error(
        "the images of {key:?} would have keys of more than 1,024 bytes: shorten the output key template"
    )]
    KeyTooLong {
        /// The source's key.
        key: String,
    },
}

impl PlanError {
    /// The stable code of this kind of failure, as it stands in manifests and logs.
    pub fn code(&self) -> &'static str {
        match self {
            PlanError::Template { .. } => "bad_key_template",
            PlanError::KeyTooLong { .. } => "key_too_long",
        }
    }
}

/// Works the keys out. If they are too long the document's name is cut, then its folder; what was
/// cut off is replaced by a hash of the whole key, so that two documents keep apart.
fn output_keys(
    source_key: &str,
    input_suffix: &str,
    template: &KeyTemplate,
    format: ImageFormat,
) -> Result<(Vec<Piece>, String), PlanError> {
    let (folder, stem) = folder_and_stem(source_key, input_suffix);
    let hash = &hex(&Sha256::digest(source_key))[..HASH_DIGITS];
    // All lengths to cut to are tried from the longest on: at most 2 × 1,024 short strings, and
    // only for keys that are nearly too long.
    let cut_stems = (0..stem.len()).rev().map(|len| (folder.to_owned(), cut(stem, len, hash)));
    let cut_both = (0..folder.len()).rev().map(|len| (cut_folder(folder, len), cut(stem, 0, hash)));
    std::iter::once((folder.to_owned(), stem.to_owned()))
        .chain(cut_stems)
        .chain(cut_both)
        .map(|(folder, stem)| {
            let expand = |parts| expand(parts, template.from_root, &folder, &stem, format);
            (expand(&template.page_key), expand(&template.manifest_key))
        })
        .find(|(page_key, manifest_key)| longest(page_key).max(longest(manifest_key)) <= MAX_KEY_BYTES)
        .map(|(page_key, manifest_key)| (page_key, text_of(manifest_key)))
        .ok_or_else(|| PlanError::KeyTooLong { key: source_key.to_owned() })
}

/// 64 bits: among a billion documents, two that share a place collide once in 37 runs.
const HASH_DIGITS: usize = 16;

/// Splits a key into its folder, with its slash, and its file name without the suffix.
fn folder_and_stem<'a>(key: &'a str, input_suffix: &str) -> (&'a str, &'a str) {
    let (folder, name) = key.split_at(key.rfind('/').map_or(0, |slash| slash + 1));
    // If all keys are taken, `.pdf` is no part of a document's name all the same, so that it has
    // the same images however it came here.
    let suffix = if input_suffix.is_empty() { ".pdf" } else { input_suffix };
    let stem = strip_suffix_ignoring_case(name, suffix).unwrap_or(name);
    // `.pdf` has no other name, and `..` as a folder would lead clients astray.
    (folder, if matches!(stem, "" | "." | "..") { name } else { stem })
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (start, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(start)
}

fn cut(text: &str, len: usize, hash: &str) -> String {
    format!("{}-{hash}", &text[..text.floor_char_boundary(len)])
}

/// A folder cut short; the stem within it has the hash.
fn cut_folder(folder: &str, len: usize) -> String {
    let cut = folder[..folder.floor_char_boundary(len)].trim_end_matches('/');
    if cut.is_empty() { String::new() } else { format!("{cut}/") }
}

fn expand(parts: &[Part], from_root: bool, folder: &str, stem: &str, format: ImageFormat) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = if from_root { String::new() } else { folder.to_owned() };
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Stem => text.push_str(stem),
            Part::Key => text.extend([folder, stem]),
            Part::Folder => text.push_str(folder),
            Part::Ext => text.push_str(format.extension()),
            Part::Page { digits } => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Page { digits: *digits });
            }
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// The most bytes that a key can have, whatever the page.
fn longest(pieces: &[Piece]) -> usize {
    let bytes = |piece: &Piece| match piece {
        Piece::Text(text) => text.len(),
        Piece::Page { .. } => MAX_PAGE_DIGITS,
    };
    pieces.iter().map(bytes).sum()
}

/// The text of a key without a page number.
fn text_of(pieces: Vec<Piece>) -> String {
    pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Page { .. } => String::new(),
        })
        .collect()
}
