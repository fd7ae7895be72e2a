//! What may differ from document to document.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use render_api::{Background, PageBox};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::config::options::{self, Given, Scope};
use crate::config::pages::PageSelection;
use crate::config::rendition::{self, Rendition};
use crate::config::scale::Scale;
use crate::config::value::{Secret, format_background, format_duration};
use crate::config::{ConfigError, Host};
use crate::encode::{ColorMode, Encoding};
use crate::plan::KeyTemplate;

/// How one document is rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The engine. Default: MuPDF.
    pub backend: Backend,
    /// The engines that are tried in turn for what the one before failed at. Default: none.
    pub fallback: Vec<Backend>,
    /// How large images become. Default: 150 dpi.
    pub scale: Scale,
    /// The format of the images. Default: PNG. JPEG has quality 85 unless told otherwise; WebP is
    /// lossless unless a quality is given.
    pub encoding: Encoding,
    /// What becomes of colour. Default: gray where nothing is lost by it.
    pub color: ColorMode,
    /// What is under the page. Default: white.
    pub background: Background,
    /// Which pages. Default: all.
    pub pages: PageSelection,
    /// Which box is the page. Default: the crop box.
    pub page_box: PageBox,
    /// Whether annotations and form fields are drawn. Default: true.
    pub annotations: bool,
    /// The password of encrypted documents. Default: none.
    pub password: Option<Secret>,
    /// The bucket that images go to. Default: the source's.
    pub output_bucket: Option<String>,
    /// The keys of the images. Default: `{stem}/page-{page:04}.{ext}`.
    pub output_key: KeyTemplate,
    /// Further images of each page, in the order of their names. Default: none.
    pub renditions: Vec<Rendition>,
    /// What a document may cost.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            backend: Backend::default(),
            fallback: Vec::new(),
            scale: Scale::default(),
            encoding: Encoding::default(),
            color: ColorMode::default(),
            background: Background::WHITE,
            pages: PageSelection::all(),
            page_box: PageBox::default(),
            annotations: true,
            password: None,
            output_bucket: None,
            output_key: KeyTemplate::default(),
            renditions: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// The engines that may draw a page, in the order in which they are tried.
    pub fn backends(&self) -> Vec<Backend> {
        std::iter::once(self.backend).chain(self.fallback.iter().copied()).collect()
    }

    /// The options in force, by name, without the password.
    ///
    /// Given to a direct invoke, they bring about the same settings again.
    pub fn canonical(&self) -> Map<String, Value> {
        let mut map = self.image_options();
        map.insert("max_input_bytes".into(), self.limits.max_input_bytes.into());
        map.insert("max_pages".into(), self.limits.max_pages.into());
        map.insert("max_pixels".into(), self.limits.max_pixels.into());
        map.insert("page_timeout".into(), format_duration(self.limits.page_timeout).into());
        let document_timeout = self.limits.document_timeout.map_or("none".to_owned(), format_duration);
        map.insert("document_timeout".into(), document_timeout.into());
        map
    }

    /// The settings that [`canonical`](Settings::canonical) described, without a password.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if the options are not such a description, or name a backend that is not
    /// in this build.
    pub fn from_canonical(options: &Map<String, Value>) -> Result<Settings, ConfigError> {
        Ok(Given::from_json(options)?.resolve(&Host::detect(), None)?.0)
    }

    /// Those of the options in force that shape the images or their keys.
    ///
    /// `pages` is one of them although it changes no image: a manifest that is complete for pages
    /// 1-3 is not complete for all pages, and must not be taken for it. Limits, timeouts and the
    /// password are not: they decide whether there is an image, and never which.
    pub fn image_options(&self) -> Map<String, Value> {
        let mut map = Map::new();
        rendition::write_image(&mut map, self.scale, self.encoding, self.color);
        let mut insert = |name: &str, value: Value| map.insert(name.to_owned(), value);
        insert("backend", self.backend.as_str().into());
        if !self.fallback.is_empty() {
            insert("fallback", format_backends(&self.fallback).into());
        }
        insert("background", format_background(self.background).into());
        insert("pages", self.pages.to_string().into());
        insert("page_box", self.page_box.as_str().into());
        insert("annotations", self.annotations.into());
        if let Some(bucket) = &self.output_bucket {
            insert("output_bucket", bucket.as_str().into());
        }
        insert("output_key", self.output_key.to_string().into());
        if !self.renditions.is_empty() {
            let renditions = self.renditions.iter().map(|r| (r.name.to_string(), r.canonical().into()));
            insert("renditions", Value::Object(renditions.collect()));
        }
        debug_assert!(
            map.keys().all(|name| options::find_json(name).is_some_and(|o| o.scope == Scope::Image))
        );
        map
    }

    /// SHA-256 of [`image_options`](Settings::image_options) as compact JSON with its names in
    /// order, in hexadecimal: equal hashes give equal images under equal keys.
    pub fn hash(&self) -> String {
        // Through a sorted map, so that the hash is the same if some dependency turns on
        // serde_json's `preserve_order`.
        let sorted: BTreeMap<String, Value> = self.image_options().into_iter().collect();
        hex(&Sha256::digest(json!(sorted).to_string()))
    }
}

/// Writes bytes in hexadecimal, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a document may cost before it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest PDF, in bytes. Default: 512 MiB.
    pub max_input_bytes: u64,
    /// The most pages to render of one document. Default: 10,000.
    pub max_pages: u32,
    /// The most pixels of one image. Default: 100,000,000.
    pub max_pixels: u64,
    /// The longest that one page may take to draw and encode. Default: 30 s.
    pub page_timeout: Duration,
    /// The longest that one document may take. Default: none, but for the invocation's deadline.
    pub document_timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_input_bytes: 512 << 20,
            max_pages: 10_000,
            max_pixels: 100_000_000,
            page_timeout: Duration::from_secs(30),
            document_timeout: None,
        }
    }
}

/// The engines that there are; a build has some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Backend {
    /// MuPDF, with the cargo feature `mupdf`; the default.
    #[default]
    Mupdf,
    /// PDFium, with the cargo feature `pdfium`; a library that is loaded when a worker starts.
    Pdfium,
    /// hayro, with the cargo feature `hayro`.
    Hayro,
}

impl Backend {
    /// Every engine, built in or not.
    pub const ALL: [Backend; 3] = [Backend::Mupdf, Backend::Pdfium, Backend::Hayro];

    /// The name used in options, which is the cargo feature's too.
    pub fn as_str(self) -> &'static str {
        match self {
            Backend::Mupdf => "mupdf",
            Backend::Pdfium => "pdfium",
            Backend::Hayro => "hayro",
        }
    }

    /// Those that are in this build.
    pub fn built_in() -> Vec<Backend> {
        let is_built_in = |backend: &Backend| match backend {
            Backend::Mupdf => cfg!(feature = "mupdf"),
            Backend::Pdfium => cfg!(feature = "pdfium-worker"),
            Backend::Hayro => cfg!(feature = "hayro"),
        };
        Backend::ALL.into_iter().filter(is_built_in).collect()
    }
}

/// Writes engines as the option `fallback` has them.
fn format_backends(backends: &[Backend]) -> String {
    backends.iter().map(|backend| backend.as_str()).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Backend {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        Backend::ALL.into_iter().find(|b| b.as_str() == s).ok_or(())
    }
}
