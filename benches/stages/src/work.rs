//! Makes ready what a benchmark needs, and does its part.
//!
//! Here is what one process does by itself; `worker` has a worker do it, and `pipeline` the whole function.

mod pipeline;
pub(crate) mod worker;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use pdf2img::config::{Backend, Raster, Scale};
use pdf2img::encode::{EncodeOptions, Encoder, Resolution};
use pdf2img::worker::engine::LoadedEngine;
use render_api::{Document, OpenOptions, PageIndex, Pixmap, RenderError, RenderOptions, Renderer};
use sha2::{Digest, Sha256};

use self::pipeline::Pipeline;
use self::worker::ByWorker;
use crate::benchmark::{Benchmark, Format, Stage};
use crate::proof;

/// How many pages are counted after the first.
const FURTHER_PAGES: u32 = 3;

const MAX_PIXELS: u64 = 100_000_000;

/// A benchmark that is ready for its part.
///
/// What it has made is there to be looked at afterwards.
pub trait Work {
    /// The part that is measured; it is done once, and then only after [`again`](Work::again).
    fn run(&mut self);

    /// Tells whether what came out is right.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn prove(&self) -> Result<()>;

    /// The SHA-256 of what came out: the same on every CPU, and each time.
    fn digest(&self) -> String;

    /// Makes it ready for another time: what came out is gone, and what the engine has kept of the document.
    ///
    /// # Errors
    ///
    /// As what comes before the part that is measured fails.
    fn again(&mut self) -> Result<()>;
}

/// How much a benchmark deals with each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many pages.
    Pages(u64),
    /// So many bytes: of a PDF that is opened, of the pixels that are encoded.
    Bytes(u64),
}

/// Where PDFium is, by `PDF2IMG_PDFIUM_LIBRARY`; empty if that is not set.
pub fn pdfium_library() -> PathBuf {
    env::var_os("PDF2IMG_PDFIUM_LIBRARY").map(PathBuf::from).unwrap_or_default()
}

/// The engines, started when they are first needed.
///
/// They stay as long as the process, as a worker's does.
pub struct Engines<'a> {
    pub(crate) pdfium_library: &'a Path,
    started: Vec<(Backend, &'static dyn Renderer)>,
}

impl Engines<'_> {
    /// No engine yet; PDFium will be loaded from that file.
    pub fn new(pdfium_library: &Path) -> Engines<'_> {
        Engines { pdfium_library, started: Vec::new() }
    }

    /// Makes a benchmark ready: all that comes before its part is done, with `pdf` for its document.
    ///
    /// A document borrows its bytes, and a benchmark its document: they stay for as long as the process.
    ///
    /// # Errors
    ///
    /// If the engine does not start, or cannot do what comes before.
    pub fn prepare(&mut self, benchmark: Benchmark, pdf: &'static [u8]) -> Result<Box<dyn Work>> {
        let source = self.source(benchmark, pdf)?;
        Ok(match benchmark.stage {
            Stage::Open => Box::new(Open { source, opened: None }),
            Stage::FirstPage => Box::new(Pages::unopened(source)?),
            Stage::Render => Box::new(Pages::opened(source)?),
            Stage::Encode(format) => {
                let (pixmap, raster) = source.first_page()?;
                Box::new(Encode::warm(pixmap, encode_options(format, raster))?)
            }
            Stage::Worker(format) => Box::new(ByWorker::new(source, format, self.pdfium_library)?),
            Stage::Pipeline(format) => Box::new(Pipeline::new(source, format, self.pdfium_library)?),
        })
    }

    /// How much a benchmark deals with each time; nothing is drawn to find out.
    ///
    /// # Errors
    ///
    /// If the engine does not start, or does not open the document.
    pub fn amount(&mut self, benchmark: Benchmark, pdf: &'static [u8]) -> Result<Amount> {
        let source = self.source(benchmark, pdf)?;
        Ok(match benchmark.stage {
            Stage::Open => Amount::Bytes(pdf.len() as u64),
            Stage::FirstPage => Amount::Pages(1),
            Stage::Render | Stage::Worker(_) => Amount::Pages(source.counted_pages().len() as u64),
            Stage::Pipeline(_) => Amount::Pages(source.pages.into()),
            Stage::Encode(_) => {
                let mut document = source.open().context("the document does not open")?;
                let raster = Scale::default().resolve(document.page_size(PageIndex(0))?);
                let pixels = u64::from(raster.width_px) * u64::from(raster.height_px);
                // As RGB, whatever the engine draws in.
                Amount::Bytes(3 * pixels)
            }
        })
    }

    /// A document of the corpus, and the engine that is to draw it.
    pub(crate) fn source(&mut self, benchmark: Benchmark, pdf: &'static [u8]) -> Result<Source> {
        let document = corpus::document(benchmark.document)
            .with_context(|| format!("{:?} is not in the corpus", benchmark.document))?;
        let backend = benchmark.backend;
        Ok(Source { renderer: self.start(backend)?, backend, pdf, pages: document.pages })
    }

    fn start(&mut self, backend: Backend) -> Result<&'static dyn Renderer> {
        if let Some((_, renderer)) = self.started.iter().find(|(started, _)| *started == backend) {
            return Ok(*renderer);
        }
        let renderer = LoadedEngine::load(backend, self.pdfium_library)
            .and_then(LoadedEngine::start)
            .map_err(|message| anyhow!("failed to start {backend}: {message}"))?;
        let renderer: &'static dyn Renderer = Box::leak(renderer);
        self.started.push((backend, renderer));
        Ok(renderer)
    }
}

/// A PDF, and the engine that is to draw it.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    renderer: &'static dyn Renderer,
    pub(crate) backend: Backend,
    pub(crate) pdf: &'static [u8],
    pub(crate) pages: u32,
}

impl Source {
    pub(crate) fn open(self) -> Result<Box<dyn Document>, RenderError> {
        self.renderer.open(self.pdf, &OpenOptions::default())
    }

    /// The pages after the first, where there are enough of them; else the first.
    fn counted_pages(self) -> Vec<PageIndex> {
        let further = if self.has_further_pages() { 1..=FURTHER_PAGES } else { 0..=0 };
        further.map(PageIndex).collect()
    }

    /// Whether the first page is drawn before what is counted.
    fn has_further_pages(self) -> bool {
        self.pages > FURTHER_PAGES
    }

    fn first_page(self) -> Result<(Pixmap, Raster)> {
        let mut document = self.open().context("the document does not open")?;
        let raster = Scale::default().resolve(document.page_size(PageIndex(0))?);
        let mut pixmap = Pixmap::default();
        draw(document.as_mut(), PageIndex(0), &mut pixmap).context("the first page cannot be drawn")?;
        Ok((pixmap, raster))
    }

    /// Tells whether files show the pages that this engine draws here.
    ///
    /// # Errors
    ///
    /// If one does not, or a page cannot be drawn or has nothing on it.
    pub(crate) fn is_shown_by<'a>(
        self,
        files: impl Iterator<Item = (PageIndex, &'a [u8])>,
        format: Format,
    ) -> Result<()> {
        let mut document = self.open().context("the document does not open")?;
        let mut pixmap = Pixmap::default();
        for (page, file) in files {
            let here = || format!("page {}", page.number());
            let Drawing { content_errors, .. } =
                draw(document.as_mut(), page, &mut pixmap).with_context(here)?;
            ensure!(content_errors == 0, "page {}: {content_errors} errors in its content", page.number());
            proof::is_a_page(&pixmap).with_context(here)?;
            proof::shows(file, format.encoding(), &pixmap).with_context(here)?;
        }
        Ok(())
    }
}

/// What drawing a page came to.
pub(crate) struct Drawing {
    pub(crate) raster: Raster,
    /// How many errors in its content were passed over.
    pub(crate) content_errors: u32,
}

/// Draws a page as the product does by default.
pub(crate) fn draw(
    document: &mut dyn Document,
    page: PageIndex,
    out: &mut Pixmap,
) -> Result<Drawing, RenderError> {
    let raster = Scale::default().resolve(document.page_size(page)?);
    out.reset(raster.width_px, raster.height_px, document.opaque_format(), MAX_PIXELS)?;
    let options =
        RenderOptions { scale_x: raster.scale_x, scale_y: raster.scale_y, ..RenderOptions::default() };
    let content_errors = document.render_page(page, &options, out)?.content_errors;
    Ok(Drawing { raster, content_errors })
}

/// How the product writes such a page by default.
pub(crate) fn encode_options(format: Format, raster: Raster) -> EncodeOptions {
    EncodeOptions {
        encoding: format.encoding(),
        resolution: Some(Resolution { x_dpi: raster.scale_x * 72.0, y_dpi: raster.scale_y * 72.0 }),
        ..EncodeOptions::default()
    }
}

/// The SHA-256 of many pieces, in hexadecimal; where one ends and the next begins is part of it.
fn digest_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// [`Stage::Open`].
struct Open {
    source: Source,
    opened: Option<Result<Box<dyn Document>, RenderError>>,
}

impl Work for Open {
    fn run(&mut self) {
        self.opened = Some(self.source.open());
    }

    fn prove(&self) -> Result<()> {
        let opened = self.opened.as_ref().context("nothing was opened")?;
        let found = opened.as_ref().map_err(Clone::clone)?.page_count();
        let pages = self.source.pages;
        ensure!(found == pages, "the document has {pages} pages, and the engine found {found}");
        Ok(())
    }

    fn digest(&self) -> String {
        let pages = self.opened.iter().flatten().map(|document| document.page_count());
        let pages: Vec<u8> = pages.flat_map(u32::to_le_bytes).collect();
        digest_of([pages.as_slice()])
    }

    fn again(&mut self) -> Result<()> {
        self.opened = None;
        Ok(())
    }
}

/// [`Stage::FirstPage`] and [`Stage::Render`].
struct Pages {
    source: Source,
    begins: Begins,
    document: Option<Box<dyn Document>>,
    pages: Vec<(PageIndex, Pixmap)>,
    content_errors: u32,
    failed: Option<RenderError>,
}

/// Where the part that is measured begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    AtTheBytes,
    AtTheOpenDocument,
}

impl Pages {
    /// The first page, of a document that is still to be opened.
    fn unopened(source: Source) -> Result<Pages> {
        let (page, _) = source.first_page()?;
        let pages = vec![(PageIndex(0), blackened(page))];
        Ok(Pages { pages, ..Pages::none(source, Begins::AtTheBytes) })
    }

    /// The pages after the first, where there are enough of them; else the first.
    fn opened(source: Source) -> Result<Pages> {
        let document = source.open().context("the document does not open")?;
        // The memory of pages is had before: in a worker, only its first page pays for it.
        let (first, _) = source.first_page()?;
        let mut pages = Pages::none(source, Begins::AtTheOpenDocument);
        pages.load_fonts_of(document)?;
        let black = |page| (page, blackened(first.clone()));
        pages.pages = source.counted_pages().into_iter().map(black).collect();
        Ok(pages)
    }

    fn none(source: Source, begins: Begins) -> Pages {
        Pages { source, begins, document: None, pages: Vec::new(), content_errors: 0, failed: None }
    }

    /// Draws the first page, if that is not to be counted.
    fn load_fonts_of(&mut self, mut document: Box<dyn Document>) -> Result<()> {
        if self.source.has_further_pages() {
            draw(document.as_mut(), PageIndex(0), &mut Pixmap::default())?;
        }
        self.document = Some(document);
        Ok(())
    }

    fn draw_all(&mut self) -> Result<(), RenderError> {
        let document = match &mut self.document {
            Some(document) => document,
            unopened => unopened.insert(self.source.open()?),
        };
        for (page, pixmap) in &mut self.pages {
            self.content_errors += draw(document.as_mut(), *page, pixmap)?.content_errors;
        }
        Ok(())
    }
}

/// What nobody has drawn must not look like a page.
fn blackened(mut pixmap: Pixmap) -> Pixmap {
    pixmap.data_mut().fill(0);
    pixmap
}

impl Work for Pages {
    fn run(&mut self) {
        self.failed = self.draw_all().err();
    }

    fn prove(&self) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone()).context("a page cannot be drawn");
        }
        ensure!(self.content_errors == 0, "{} errors in the contents of the pages", self.content_errors);
        self.pages.iter().try_for_each(|(page, pixmap)| {
            proof::is_a_page(pixmap).with_context(|| format!("page {}", page.number()))
        })
    }

    fn digest(&self) -> String {
        digest_of(self.pages.iter().map(|(_, pixmap)| pixmap.data()))
    }

    fn again(&mut self) -> Result<()> {
        (self.content_errors, self.failed) = (0, None);
        // With the document goes what the engine has kept of it.
        self.document = None;
        if self.begins == Begins::AtTheOpenDocument {
            let document = self.source.open().context("the document does not open")?;
            self.load_fonts_of(document)?;
        }
        self.pages.iter_mut().for_each(|(_, pixmap)| pixmap.data_mut().fill(0));
        Ok(())
    }
}

/// [`Stage::Encode`].
struct Encode {
    encoder: Encoder,
    options: EncodeOptions,
    pixmap: Pixmap,
    file: Vec<u8>,
    failed: Option<String>,
}

impl Encode {
    /// With an encoder that has its memory: in a worker, only the first page pays for it.
    fn warm(pixmap: Pixmap, options: EncodeOptions) -> Result<Encode> {
        let (mut encoder, mut file) = (Encoder::new(), Vec::new());
        encoder.encode(&pixmap, &options, &mut file).context("the page cannot be encoded")?;
        Ok(Encode { encoder, options, pixmap, file: Vec::with_capacity(file.len()), failed: None })
    }
}

impl Work for Encode {
    fn run(&mut self) {
        let result = self.encoder.encode(&self.pixmap, &self.options, &mut self.file);
        self.failed = result.err().map(|error| error.to_string());
    }

    fn prove(&self) -> Result<()> {
        ensure!(self.failed.is_none(), "{}", self.failed.as_deref().unwrap_or_default());
        proof::shows(&self.file, self.options.encoding, &self.pixmap)
    }

    fn digest(&self) -> String {
        digest_of([self.file.as_slice()])
    }

    fn again(&mut self) -> Result<()> {
        self.failed = None;
        self.file.clear();
        Ok(())
    }
}
