//! An open PDF.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hayro::hayro_interpret::{InterpreterSettings, RenderContent};
use hayro::hayro_syntax::object::{ObjRef, Object};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::{AlphaColor, Srgb};
use hayro::vello_cpu::{self, PixmapMut, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderSettings, render_into};
use render_api::{
    Background, Document, Drawn, OpenOptions, PageBox, PageGeometry, PageIndex, PageSize, PixelFormat,
    Pixmap, RenderError, RenderOptions, pixels,
};

use crate::amend;
use crate::annotations::layers_off;
use crate::contain::contained;
use crate::opened::{Opened, Source};
use crate::page::raw_page;
use crate::settings::settings;

/// An open PDF, and what is reused from page to page.
pub(crate) struct HayroDocument {
    source: Source,
    opened: Opened,
    page_box: PageBox,
    /// Whether `opened` has been amended already, or cannot be.
    amended: bool,
    layers_off: HashSet<ObjRef>,
    kept: Kept,
    cache_bytes: usize,
    /// Taken away while a page is drawn, so that a panic costs it.
    canvas: Option<Canvas>,
    settings: InterpreterSettings,
    /// What hayro has warned of since the page began.
    warnings: Arc<AtomicU32>,
}

/// The most pages whose contents, fonts and glyphs are kept: on pages of text, some 16 MB.
const MOST_PAGES_KEPT: u32 = 256;

/// What is known of the memory that hayro keeps as pages are drawn, and does not give back.
#[derive(Default)]
struct Kept {
    pages: u32,
    /// The contents of these pages, decoded.
    contents_bytes: usize,
}

/// What vello draws with; large, and the same for every page.
struct Canvas {
    context: RenderContext,
    resources: Resources,
}

impl HayroDocument {
    pub(crate) fn open(pdf: &[u8], options: &OpenOptions) -> Result<HayroDocument, RenderError> {
        let source = Source::new(pdf.to_vec(), options.password.clone());
        let opened = source.open()?;
        let layers_off = contained(|| layers_off(opened.borrow_owner()))?;
        let warnings = Arc::new(AtomicU32::new(0));
        Ok(HayroDocument {
            source,
            opened,
            page_box: options.page_box,
            amended: false,
            layers_off,
            kept: Kept::default(),
            cache_bytes: options.cache_bytes,
            canvas: None,
            settings: settings(&warnings),
            warnings,
        })
    }

    fn geometry(&self, page: PageIndex) -> Result<PageGeometry, RenderError> {
        let page_count = self.page_count();
        if page.0 >= page_count {
            return Err(RenderError::PageOutOfRange { page, page_count });
        }
        let raw = contained(|| raw_page(&self.opened.borrow_owner().pages()[page.0 as usize]))?;
        PageGeometry::resolve(&raw, self.page_box)
    }

    /// Sees to it that hayro shows of the page what is to be seen, and nothing else.
    fn amend(&mut self, page: PageIndex, geometry: &PageGeometry) -> Result<(), RenderError> {
        if self.amended {
            return Ok(());
        }
        let (source, page_box, layers_off) = (&self.source, self.page_box, &self.layers_off);
        let pdf = self.opened.borrow_owner();
        let amended = contained(|| {
            amend::amendment(pdf, &pdf.pages()[page.0 as usize], geometry, layers_off)?;
            // For all pages at once, because the document has to be opened again.
            Some(amend::amended(source, pdf, page_box, layers_off))
        })?;
        if let Some(amended) = amended {
            self.amended = true;
            if let Some((source, opened)) = amended {
                (self.source, self.opened) = (source, opened);
            }
        }
        Ok(())
    }

    /// Opens the document again when much has been kept of it: hayro forgets nothing by itself.
    fn keep_memory_bounded(&mut self) -> Result<(), RenderError> {
        if self.kept.pages >= MOST_PAGES_KEPT || self.kept.contents_bytes > self.cache_bytes {
            self.opened = self.source.open()?;
            self.kept = Kept::default();
        }
        Ok(())
    }

    fn draw(
        &mut self,
        page: PageIndex,
        matrix: [f64; 6],
        background: AlphaColor<Srgb>,
        out: &mut Pixmap,
    ) -> Result<(), RenderError> {
        let (width, height) = (side(out.width_px())?, side(out.height_px())?);
        let mut canvas = self.canvas.take().unwrap_or_else(Canvas::new);
        let (opened, settings) = (&self.opened, &self.settings);
        let drawn = contained(move || {
            canvas.context.reset_and_resize(width, height);
            opened.with_dependent(|pdf, cache| {
                let page = &pdf.pages()[page.0 as usize];
                render_into(
                    page,
                    cache,
                    settings,
                    &RenderSettings::default(),
                    &mut canvas.context,
                    Affine::new(matrix),
                );
            });
            canvas.context.flush();
            let target = PixmapMut::new(width, height, out.data_mut()).expect("four bytes for each pixel");
            let settings = RasterizerSettings {
                target_init: TargetInit::Clear(background),
                ..RasterizerSettings::default()
            };
            canvas.context.render_with(target, &mut canvas.resources, settings);
            canvas
        });
        match drawn {
            Ok(canvas) => self.canvas = Some(canvas),
            Err(error) => {
                self.opened.forget();
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Document for HayroDocument {
    fn page_count(&self) -> u32 {
        u32::try_from(self.opened.borrow_owner().pages().len()).unwrap_or(u32::MAX)
    }

    fn page_size(&mut self, page: PageIndex) -> Result<PageSize, RenderError> {
        Ok(self.geometry(page)?.size())
    }

    fn opaque_format(&self) -> PixelFormat {
        PixelFormat::Rgbx8
    }

    fn render_page(
        &mut self,
        page: PageIndex,
        options: &RenderOptions,
        out: &mut Pixmap,
    ) -> Result<Drawn, RenderError> {
        let geometry = self.geometry(page)?;
        let background = background_pixel(options.background, out.format())?;
        self.keep_memory_bounded()?;
        self.amend(page, &geometry)?;
        self.warnings.store(0, Ordering::Relaxed);
        self.settings.render_content.set(RenderContent::ANNOTATIONS, options.annotations);
        let matrix = geometry.to_pixels(options.scale_x, options.scale_y);
        let [r, g, b, a] = background;
        self.draw(page, matrix, AlphaColor::from_rgba8(r, g, b, a), out)?;
        let mut content_errors = self.warnings.load(Ordering::Relaxed);
        let drawn_page = &self.opened.borrow_owner().pages()[page.0 as usize];
        self.kept.pages += 1;
        self.kept.contents_bytes += contained(|| drawn_page.page_stream().map_or(0, <[u8]>::len))?;
        if contained(|| has_lost_its_contents(drawn_page))? {
            content_errors = content_errors.saturating_add(1);
            if pixels::is_filled_with(out.data(), &background) {
                return Err(RenderError::Malformed {
                    detail: "the page's contents cannot be decoded".to_owned(),
                });
            }
        }
        if options.background == Background::Transparent {
            pixels::unmultiply_alpha(out.data_mut());
        }
        Ok(Drawn { content_errors })
    }
}

impl Canvas {
    fn new() -> Canvas {
        // No threads, whatever features another crate has given vello: a worker may not have any.
        let settings = vello_cpu::RenderSettings { num_threads: 0, ..vello_cpu::RenderSettings::default() };
        Canvas { context: RenderContext::new_with(1, 1, settings), resources: Resources::default() }
    }
}

/// vello counts the pixels of a side in a `u16`.
fn side(side_px: u32) -> Result<u16, RenderError> {
    u16::try_from(side_px).map_err(|_| RenderError::LimitExceeded {
        what: "image side in pixels",
        value: side_px.into(),
        limit: u16::MAX.into(),
    })
}

/// The pixel that is everywhere before the page is drawn.
fn background_pixel(background: Background, format: PixelFormat) -> Result<[u8; 4], RenderError> {
    let unsupported = |detail: &str| Err(RenderError::Unsupported { detail: detail.to_owned() });
    match (background, format) {
        (_, PixelFormat::Gray8 | PixelFormat::Rgb8) => {
            unsupported("an image in gray or RGB; draw into RGBX or RGBA")
        }
        (Background::Color([r, g, b]), _) => Ok([r, g, b, 255]),
        (Background::Transparent, PixelFormat::Rgba8) => Ok([0; 4]),
        (Background::Transparent, PixelFormat::Rgbx8) => {
            unsupported("a transparent background in an image without alpha; draw into RGBA")
        }
    }
}

/// Whether the page has contents of which nothing can be decoded.
fn has_lost_its_contents(page: &Page<'_>) -> bool {
    match page.raw().get::<Object<'_>>("Contents") {
        Some(Object::Stream(_)) => page.page_stream().is_none(),
        Some(Object::Array(streams)) => {
            page.page_stream().is_none_or(<[u8]>::is_empty) && streams.raw_iter().next().is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: PageIndex = PageIndex(0);

    fn picture(document: &mut HayroDocument) -> Vec<u8> {
        let mut pixmap = Pixmap::default();
        let (width, height) = document.page_size(FIRST).unwrap().to_pixels(1.0);
        pixmap.reset(width, height, PixelFormat::Rgbx8, 1_000_000).unwrap();
        document.render_page(FIRST, &RenderOptions::default(), &mut pixmap).unwrap();
        pixmap.data().to_vec()
    }

    #[test]
    fn a_document_is_opened_again_when_much_is_kept_and_looks_the_same() {
        let pdf = include_bytes!("../../conformance/fixtures/rc4-128.pdf");
        for (cache_bytes, most_pages) in [(0, 1), (64 << 20, MOST_PAGES_KEPT)] {
            let options =
                OpenOptions { password: Some("owner".to_owned()), cache_bytes, ..OpenOptions::default() };
            let mut document = HayroDocument::open(pdf, &options).unwrap();
            let first = picture(&mut document);
            assert!(first.chunks(4).any(|pixel| pixel[..3] == [255, 0, 0]));
            let mut pages = vec![document.kept.pages];
            for _ in 0..MOST_PAGES_KEPT + 1 {
                assert!(picture(&mut document) == first);
                pages.push(document.kept.pages);
            }
            assert_eq!(pages.iter().max(), Some(&most_pages), "{cache_bytes}");
        }
    }
}
