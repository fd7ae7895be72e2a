//! Makes ready what a benchmark needs, and does its part.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use pdf2img::config::{Backend, Raster, Scale};
use pdf2img::encode::{EncodeOptions, Encoder, Resolution};
use pdf2img::worker::engine::LoadedEngine;
use render_api::{Document, OpenOptions, PageIndex, Pixmap, RenderError, RenderOptions, Renderer};

use crate::benchmark::{Benchmark, Stage};
use crate::proof;

/// How many pages are counted after the first.
const FURTHER_PAGES: u32 = 3;

const MAX_PIXELS: u64 = 100_000_000;

/// A benchmark that is ready for its part.
///
/// What it has made is there to be looked at afterwards.
pub trait Work {
    /// The part that is measured; it is done once.
    fn run(&mut self);

    /// Tells whether what came out is right.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn prove(&self) -> Result<()>;

    /// The SHA-256 of what came out: the same on every CPU.
    fn digest(&self) -> String;
}

/// The engines, started when they are first needed.
///
/// They stay as long as the process, as a worker's does.
pub struct Engines<'a> {
    pdfium_library: &'a Path,
    started: Vec<(Backend, &'static dyn Renderer)>,
}

impl Engines<'_> {
    /// No engine yet; PDFium will be loaded from that file.
    pub fn new(pdfium_library: &Path) -> Engines<'_> {
        Engines { pdfium_library, started: Vec::new() }
    }

    /// Makes a benchmark ready: all that comes before its part is done, with `pdf` for its document.
    ///
    /// # Errors
    ///
    /// If the engine does not start, or cannot do what comes before.
    pub fn prepare(&mut self, benchmark: Benchmark, pdf: Vec<u8>) -> Result<Box<dyn Work>> {
        let document = corpus::document(benchmark.document)
            .with_context(|| format!("{:?} is not in the corpus", benchmark.document))?;
        let source = Source {
            renderer: self.start(benchmark.backend)?,
            // A document borrows its bytes, and a benchmark its document: they stay, as few as they are.
            pdf: pdf.leak(),
            pages: document.pages,
        };
        Ok(match benchmark.stage {
            Stage::Open => Box::new(Open { source, opened: None }),
            Stage::FirstPage => Box::new(Pages::unopened(source)?),
            Stage::Render => Box::new(Pages::opened(source)?),
            Stage::Encode(format) => {
                let (pixmap, raster) = source.first_page()?;
                let options = EncodeOptions {
                    encoding: format.encoding(),
                    resolution: Some(Resolution {
                        x_dpi: raster.scale_x * 72.0,
                        y_dpi: raster.scale_y * 72.0,
                    }),
                    ..EncodeOptions::default()
                };
                Box::new(Encode::warm(pixmap, options)?)
            }
        })
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
struct Source {
    renderer: &'static dyn Renderer,
    pdf: &'static [u8],
    pages: u32,
}

impl Source {
    fn open(self) -> Result<Box<dyn Document>, RenderError> {
        self.renderer.open(self.pdf, &OpenOptions::default())
    }

    fn first_page(self) -> Result<(Pixmap, Raster)> {
        let mut document = self.open().context("the document does not open")?;
        let raster = Scale::default().resolve(document.page_size(PageIndex(0))?);
        let mut pixmap = Pixmap::default();
        draw(document.as_mut(), PageIndex(0), &mut pixmap).context("the first page cannot be drawn")?;
        Ok((pixmap, raster))
    }
}

/// Draws a page as the product does by default; returns how many errors were passed over.
fn draw(document: &mut dyn Document, page: PageIndex, out: &mut Pixmap) -> Result<u32, RenderError> {
    let raster = Scale::default().resolve(document.page_size(page)?);
    out.reset(raster.width_px, raster.height_px, document.opaque_format(), MAX_PIXELS)?;
    let options =
        RenderOptions { scale_x: raster.scale_x, scale_y: raster.scale_y, ..RenderOptions::default() };
    Ok(document.render_page(page, &options, out)?.content_errors)
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
        corpus::manifest::sha256(&pages.flat_map(u32::to_le_bytes).collect::<Vec<u8>>())
    }
}

/// [`Stage::FirstPage`] and [`Stage::Render`].
struct Pages {
    source: Source,
    document: Option<Box<dyn Document>>,
    pages: Vec<(PageIndex, Pixmap)>,
    content_errors: u32,
    failed: Option<RenderError>,
}

impl Pages {
    /// The first page, of a document that is still to be opened.
    fn unopened(source: Source) -> Result<Pages> {
        let (page, _) = source.first_page()?;
        let pages = vec![(PageIndex(0), blackened(page))];
        Ok(Pages { source, document: None, pages, content_errors: 0, failed: None })
    }

    /// The pages after the first, where there are enough of them; else the first.
    fn opened(source: Source) -> Result<Pages> {
        let mut document = source.open().context("the document does not open")?;
        // The memory of pages is had before: in a worker, only its first page pays for it.
        let (first, _) = source.first_page()?;
        let pages = if source.pages > FURTHER_PAGES {
            draw(document.as_mut(), PageIndex(0), &mut Pixmap::default())?;
            (1..=FURTHER_PAGES).map(|page| (PageIndex(page), blackened(first.clone()))).collect()
        } else {
            vec![(PageIndex(0), blackened(first))]
        };
        Ok(Pages { source, document: Some(document), pages, content_errors: 0, failed: None })
    }

    fn draw_all(&mut self) -> Result<(), RenderError> {
        let document = match &mut self.document {
            Some(document) => document,
            unopened => unopened.insert(self.source.open()?),
        };
        for (page, pixmap) in &mut self.pages {
            self.content_errors += draw(document.as_mut(), *page, pixmap)?;
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
        let all: Vec<u8> = self.pages.iter().flat_map(|(_, pixmap)| pixmap.data()).copied().collect();
        corpus::manifest::sha256(&all)
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
        corpus::manifest::sha256(&self.file)
    }
}
