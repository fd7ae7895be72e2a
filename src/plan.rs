//! What is to be done for one document, and under which keys: no I/O, no clock.
//!
//! - [`Plan::new`] decides whether an object is a PDF to render, and guards against loops;
//! - [`KeyTemplate`] is the template of image keys;
//! - a [`Plan`] names every output before there is one, and tells an image by its key;
//! - `overlap` tells whether two templates could give the same key.

mod overlap;
mod template;

use sha2::{Digest, Sha256};

use render_api::PageIndex;

use crate::config::settings::hex;
use crate::config::{RenditionName, Settings};
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
    /// The main image first, then the renditions.
    images: Vec<ImageKeys>,
    manifest_key: String,
}

/// The keys of one kind of image.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ImageKeys {
    /// `None` is the main image.
    rendition: Option<RenditionName>,
    key: Vec<Piece>,
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
    #[expect(
        clippy::new_ret_no_self,
        reason = "most objects that are not ours get no plan, which is no error"
    )]
    pub fn new(source: &ObjectRef, settings: &Settings, input_suffix: &str) -> Result<Decision, PlanError> {
        if source.key.ends_with('/') {
            return Ok(Decision::Skip(SkipReason::FolderMarker));
        }
        if strip_suffix_ignoring_case(&source.key, input_suffix).is_none() {
            return Ok(Decision::Skip(SkipReason::OtherSuffix { suffix: input_suffix.to_owned() }));
        }
        let output_bucket = settings.output_bucket.as_ref().unwrap_or(&source.bucket).clone();
        let could_be_output = settings.output_key.could_be_output(&source.key)
            || settings.renditions.iter().any(|rendition| rendition.output_key.could_be_image(&source.key));
        if output_bucket == source.bucket && could_be_output {
            return Ok(Decision::Skip(SkipReason::OwnOutput));
        }
        let (images, manifest_key) = output_keys(&source.key, input_suffix, settings)?;
        Ok(Decision::Process(Plan { source: source.clone(), output_bucket, images, manifest_key }))
    }

    /// The key of a page's main image.
    pub fn page_key(&self, page: PageIndex) -> String {
        self.images[0].of(page)
    }

    /// The keys of all images of a page: the main image's, then those of the renditions in the
    /// order of the settings, with their names.
    pub fn image_keys(&self, page: PageIndex) -> impl Iterator<Item = (Option<&RenditionName>, String)> {
        self.images.iter().map(move |image| (image.rendition.as_ref(), image.of(page)))
    }

    /// The key of one image of a page; `None` if there is no such rendition.
    pub fn image_key(&self, page: PageIndex, rendition: Option<&RenditionName>) -> Option<String> {
        let image = self.images.iter().find(|image| image.rendition.as_ref() == rendition)?;
        Some(image.of(page))
    }

    /// The key of the manifest.
    pub fn manifest_key(&self) -> &str {
        &self.manifest_key
    }

    /// What the keys of all images begin with, for listings that do not overlap. A prefix may be
    /// empty, and other objects' keys may begin so too: ask [`image_of`](Plan::image_of).
    pub fn output_prefixes(&self) -> Vec<&str> {
        let mut prefixes: Vec<&str> = self.images.iter().map(ImageKeys::prefix).collect();
        // A prefix comes right before those that it covers.
        prefixes.sort_unstable();
        prefixes.dedup_by(|longer, shorter| longer.starts_with(*shorter));
        prefixes
    }

    /// The page whose image has this key, if there can be one, and the rendition that it is;
    /// `None` is the main image.
    pub fn image_of(&self, key: &str) -> Option<(PageIndex, Option<&RenditionName>)> {
        self.images.iter().find_map(|image| Some((image.page_of(key)?, image.rendition.as_ref())))
    }
}

impl ImageKeys {
    fn of(&self, page: PageIndex) -> String {
        let number = u64::from(page.0) + 1;
        self.key
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Page { digits } => format!("{number:0digits$}"),
            })
            .collect()
    }

    fn prefix(&self) -> &str {
        match self.key.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    fn page_of(&self, key: &str) -> Option<PageIndex> {
        let rest = key.strip_prefix(self.prefix())?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let page = PageIndex(rest[..end].parse::<u32>().ok()?.checked_sub(1)?);
        // The template may have the number more than once, and pads it.
        (self.of(page) == key).then_some(page)
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
    settings: &Settings,
) -> Result<(Vec<ImageKeys>, String), PlanError> {
    let main = (None, &settings.output_key, settings.encoding.format());
    let renditions = settings.renditions.iter().map(|r| (Some(&r.name), &r.output_key, r.encoding.format()));
    let templates: Vec<(Option<&RenditionName>, &KeyTemplate, ImageFormat)> =
        std::iter::once(main).chain(renditions).collect();
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
            let expand = |parts, template: &KeyTemplate, format| {
                expand(parts, template.from_root, &folder, &stem, format)
            };
            let images = templates.iter().map(|&(rendition, template, format)| ImageKeys {
                rendition: rendition.cloned(),
                key: expand(&template.page_key, template, format),
            });
            let (_, template, format) = main;
            (images.collect::<Vec<_>>(), expand(&template.manifest_key, template, format))
        })
        .find(|(images, manifest_key)| {
            let image_keys = images.iter().map(|image| &image.key);
            image_keys.chain([manifest_key]).all(|key| longest(key) <= MAX_KEY_BYTES)
        })
        .map(|(images, manifest_key)| (images, text_of(manifest_key)))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(template: &str) -> Settings {
        Settings { output_key: template.parse().unwrap(), ..Settings::default() }
    }

    fn source(key: &str) -> ObjectRef {
        ObjectRef { bucket: "documents".to_owned(), key: key.to_owned(), version_id: None, etag: None }
    }

    fn plan(key: &str, template: &str) -> Plan {
        match Plan::new(&source(key), &settings(template), ".pdf") {
            Ok(Decision::Process(plan)) => plan,
            other => panic!("{key}: {other:?}"),
        }
    }

    /// The page whose main image has this key.
    fn page_of(plan: &Plan, key: &str) -> Option<PageIndex> {
        plan.image_of(key).filter(|(_, rendition)| rendition.is_none()).map(|(page, _)| page)
    }

    fn skipped(key: &str, suffix: &str) -> Option<&'static str> {
        match Plan::new(&source(key), &Settings::default(), suffix).unwrap() {
            Decision::Process(_) => None,
            Decision::Skip(reason) => Some(reason.code()),
        }
    }

    const DEFAULT: &str = "{stem}/page-{page:04}.{ext}";

    #[test]
    fn images_and_manifest_stand_beside_the_pdf() {
        for (key, template, first, manifest) in [
            (
                "inbox/Ünï côdé + plus & (1).PDF",
                DEFAULT,
                "inbox/Ünï côdé + plus & (1)/page-0001.png",
                "inbox/Ünï côdé + plus & (1)/manifest.json",
            ),
            ("a.pdf", DEFAULT, "a/page-0001.png", "a/manifest.json"),
            ("/a.pdf", DEFAULT, "/a/page-0001.png", "/a/manifest.json"),
            ("a//b.pdf", DEFAULT, "a//b/page-0001.png", "a//b/manifest.json"),
            ("a.b/c.d.pdf", DEFAULT, "a.b/c.d/page-0001.png", "a.b/c.d/manifest.json"),
            ("in/.pdf", DEFAULT, "in/.pdf/page-0001.png", "in/.pdf/manifest.json"),
            ("in/...pdf", DEFAULT, "in/...pdf/page-0001.png", "in/...pdf/manifest.json"),
            ("in/a.pdf", "{stem}-{page}.png", "in/a-1.png", "in/a.manifest.json"),
            ("in/a.pdf", "/out/{key}/{page:02}.{ext}", "out/in/a/01.png", "out/in/a/manifest.json"),
            ("in/a.pdf", "/out/{folder}/{stem}-{page}.{ext}", "out/in/a-1.png", "out/in/a.manifest.json"),
            ("a.pdf", "/out/{folder}/{stem}-{page}.{ext}", "out/a-1.png", "out/a.manifest.json"),
            ("a.pdf", "/{folder}/{page}.{ext}", "1.png", "a.manifest.json"),
            ("in/a.pdf", "{stem}/{page}/{page:03}.{ext}", "in/a/1/001.png", "in/a/manifest.json"),
            ("in/a.pdf", "pages/{page}/{stem}.{ext}", "in/pages/1/a.png", "in/pages/a.manifest.json"),
        ] {
            let plan = plan(key, template);
            assert_eq!(plan.page_key(PageIndex(0)), first, "{key} {template}");
            assert_eq!(plan.manifest_key(), manifest, "{key} {template}");
            assert_eq!(plan.output_bucket, "documents");
        }
    }

    #[test]
    fn the_extension_is_the_formats() {
        use crate::encode::{Encoding, JpegScans, Quality};
        let encoding = Encoding::Jpeg { quality: Quality::default(), scans: JpegScans::Baseline };
        let settings = Settings { encoding, output_bucket: Some("images".to_owned()), ..Settings::default() };
        let Decision::Process(plan) = Plan::new(&source("a.pdf"), &settings, ".pdf").unwrap() else {
            panic!("a PDF is processed");
        };
        assert_eq!(plan.page_key(PageIndex(11_111)), "a/page-11112.jpeg");
        assert_eq!(plan.output_bucket, "images");
    }

    #[test]
    fn a_page_is_told_by_its_key() {
        for template in [
            DEFAULT,
            "{stem}-{page}.png",
            "{stem}/{page}/{page:03}.{ext}",
            "/{page}.{ext}",
            "/{key}-{page:09}.webp",
        ] {
            let plan = plan("in/7.pdf", template);
            for index in [0, 8, 9, 999, 9_999, u32::MAX - 1] {
                let key = plan.page_key(PageIndex(index));
                assert_eq!(page_of(&plan, &key), Some(PageIndex(index)), "{key}");
                assert!(key.starts_with(plan.output_prefixes()[0]));
            }
            assert_eq!(page_of(&plan, plan.manifest_key()), None);
        }
        let plan = plan("in/a.pdf", DEFAULT);
        for key in [
            "in/a/page-0000.png",
            "in/a/page-1.png",
            "in/a/page-00001.png",
            "in/a/page-0001.jpeg",
            "in/a/page-0001.png.bak",
            "in/a/page-.png",
            "in/a/page-99999999999.png",
            "in/b/page-0001.png",
            "",
        ] {
            assert_eq!(page_of(&plan, key), None, "{key}");
        }
    }

    #[test]
    fn only_pdfs_are_taken_and_never_our_own_outputs() {
        for key in ["a.pdf", "A.PDF", "inbox/page-0001.pdf", "a/manifest.json.pdf", "x/page-0001.png.pdf"] {
            assert_eq!(skipped(key, ".pdf"), None, "{key}");
        }
        for (key, suffix, code) in [
            ("/", ".pdf", "folder_marker"),
            ("a.pdf/", ".pdf", "folder_marker"),
            ("//", "", "folder_marker"),
            ("a.png", ".pdf", "other_suffix"),
            ("pdf", ".pdf", "other_suffix"),
            ("é", ".pdf", "other_suffix"),
            ("a/page-0001.png", "", "own_output"),
            ("in/a/manifest.json", "", "own_output"),
        ] {
            assert_eq!(skipped(key, suffix), Some(code), "{key}");
        }
        assert_eq!(skipped("scan", ""), None);
        assert_eq!(skipped("page-0001.png", ""), None);
    }

    fn with_renditions(renditions: &str) -> Settings {
        let options = serde_json::json!({ "renditions": renditions });
        Settings::from_canonical(options.as_object().unwrap()).unwrap()
    }

    #[test]
    fn every_image_of_a_page_is_told_by_its_key() {
        let settings = with_renditions(
            "thumb: width=9 format=webp; page-2: width=9; far: width=9 output_key=/t/{key}/{page}.png",
        );
        let Decision::Process(plan) = Plan::new(&source("in/a.pdf"), &settings, ".pdf").unwrap() else {
            panic!("a PDF is processed");
        };
        let keys: Vec<String> = plan.image_keys(PageIndex(6)).map(|(_, key)| key).collect();
        assert_eq!(
            keys,
            ["in/a/page-0007.png", "t/in/a/7.png", "in/a/page-2-0007.png", "in/a/thumb-0007.webp"]
        );
        for (rendition, key) in plan.image_keys(PageIndex(6)) {
            assert_eq!(plan.image_of(&key), Some((PageIndex(6), rendition)), "{key}");
            assert_eq!(plan.image_key(PageIndex(6), rendition), Some(key));
        }
        assert_eq!(plan.image_of("in/a/thumb-0007.png"), None);
        // `page-` covers `page-2-`: nothing is listed twice.
        assert_eq!(plan.output_prefixes(), ["in/a/page-", "in/a/thumb-", "t/in/a/"]);
        assert_eq!(plan.manifest_key(), "in/a/manifest.json");
    }

    #[test]
    fn a_rendition_is_never_taken_for_a_pdf() {
        let settings = with_renditions("thumb: width=9 format=webp output_key={stem}.t{page}.webp");
        for (key, is_ours) in
            [("x/a.t1.webp", true), ("a.t1.png", false), ("a.tx.webp", false), ("a.pdf", false)]
        {
            let decision = Plan::new(&source(key), &settings, "").unwrap();
            assert_eq!(decision == Decision::Skip(SkipReason::OwnOutput), is_ours, "{key}");
        }
        // Under the default template any format is known, since a direct invoke may ask for another.
        let settings = with_renditions("thumb: width=9 format=webp");
        let decision = Plan::new(&source("a/thumb-0001.png"), &settings, "").unwrap();
        assert_eq!(decision, Decision::Skip(SkipReason::OwnOutput));
    }

    #[test]
    fn the_images_of_a_page_share_what_is_cut_of_a_long_name() {
        let settings = with_renditions("a-thumbnail-with-a-long-name: width=9");
        let key = format!("in/{}.pdf", "x".repeat(1_000));
        let Decision::Process(plan) = Plan::new(&source(&key), &settings, ".pdf").unwrap() else {
            panic!("a PDF is processed");
        };
        let folders: std::collections::BTreeSet<String> = plan
            .image_keys(PageIndex(u32::MAX - 1))
            .map(|(_, key)| {
                assert!(key.len() <= MAX_KEY_BYTES);
                key.rsplit_once('/').unwrap().0.to_owned()
            })
            .collect();
        assert_eq!(folders.len(), 1);
    }

    #[test]
    fn what_another_bucket_holds_is_not_our_output() {
        let settings = Settings { output_bucket: Some("images".to_owned()), ..Settings::default() };
        let decision = Plan::new(&source("a/page-0001.png"), &settings, "").unwrap();
        assert!(matches!(decision, Decision::Process(_)));
    }

    #[test]
    fn a_document_has_the_same_keys_whether_or_not_all_keys_are_taken() {
        let of = |suffix| match Plan::new(&source("in/a.PDF"), &Settings::default(), suffix).unwrap() {
            Decision::Process(plan) => plan.page_key(PageIndex(0)),
            Decision::Skip(reason) => panic!("{reason}"),
        };
        assert_eq!(of(""), of(".pdf"));
    }

    #[test]
    fn keys_that_would_be_too_long_are_cut_and_stay_apart() {
        let long_name = format!("in/{}.pdf", "é".repeat(508));
        let other_name = format!("in/{}x.pdf", "é".repeat(508));
        let long_folder = format!("{}/x.pdf", "ab/".repeat(339));
        let one_folder = format!("{}/{}.pdf", "f".repeat(1_000), "x".repeat(19));
        for template in [DEFAULT, "/out/{key}/{page}.{ext}", "/{folder}/{stem}/{stem}-{page:09}.{ext}"] {
            let mut seen = std::collections::BTreeSet::new();
            for key in [&long_name, &other_name, &long_folder, &one_folder] {
                assert!(key.len() <= MAX_KEY_BYTES);
                let plan = plan(key, template);
                let last = plan.page_key(PageIndex(u32::MAX - 1));
                assert!(last.len() <= MAX_KEY_BYTES, "{} bytes", last.len());
                assert!(plan.manifest_key().len() <= MAX_KEY_BYTES);
                assert_eq!(page_of(&plan, &last), Some(PageIndex(u32::MAX - 1)));
                assert_eq!(plan, super::tests::plan(key, template), "the cut is deterministic");
                assert!(seen.insert(plan.manifest_key().to_owned()), "{key}");
            }
        }
    }

    #[test]
    fn a_cut_key_keeps_as_much_of_the_name_as_fits() {
        let key = format!("in/{}.pdf", "x".repeat(1_017));
        let page = plan(&key, DEFAULT).page_key(PageIndex(0));
        let hash = &hex(&Sha256::digest(&key))[..16];
        assert!(page.ends_with(&format!("x-{hash}/page-0001.png")), "{page}");
        // The number may grow from 4 to 10 digits.
        assert_eq!(page.len(), MAX_KEY_BYTES - 6);
    }

    #[test]
    fn a_template_of_too_many_names_is_an_error_and_not_a_cut_extension() {
        let template = format!("{}{{page}}.{{ext}}", "{stem}-".repeat(70));
        let error =
            Plan::new(&source(&format!("{}.pdf", "x".repeat(99))), &settings(&template), ".pdf").unwrap_err();
        assert_eq!(error.code(), "key_too_long");
    }
}
