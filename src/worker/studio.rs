//! Where the images of a page are made: drawn, scaled down, encoded.

use std::time::{Duration, Instant};

use render_api::{
    Background, Document, PageIndex, PageSize, PixelFormat, Pixmap, RenderError, RenderOptions,
};

use super::downscale::{Downscaler, is_source_of};
use super::protocol::{PageImage, Reply};
use crate::config::{Raster, RenditionName, Scale, Settings};
use crate::encode::{ColorMode, EncodeError, EncodeOptions, Encoder, Encoding, Resolution};

/// The buffers of a worker, kept from page to page.
#[derive(Default)]
pub(super) struct Studio {
    drawn: Pixmap,
    scaled: Pixmap,
    downscaler: Downscaler,
    encoder: Encoder,
    files: Vec<Vec<u8>>,
}

/// An image of a page: what was asked for, and what it came to.
struct Sheet<'a> {
    /// `None` is the main image.
    rendition: Option<&'a RenditionName>,
    raster: Raster,
    encoding: Encoding,
    color: ColorMode,
    encode: Duration,
    is_done: bool,
}

impl Studio {
    /// Makes all images of a page; [`files`](Studio::files) then has them in the order of the reply.
    ///
    /// The largest is drawn first. Those of the same size are made of the same pixels, and those
    /// that are small enough are scaled down from it; what is left is drawn in turn.
    ///
    /// # Errors
    ///
    /// [`PageError`], for the first image that cannot be made; a page has all of its images or none.
    pub(super) fn draw(
        &mut self,
        document: &mut dyn Document,
        page: PageIndex,
        settings: &Settings,
    ) -> Result<Reply, PageError> {
        let started = Instant::now();
        let mut sheets = sheets(settings, document.page_size(page)?);
        self.files.resize_with(sheets.len(), Vec::new);
        let mut content_errors = 0;
        while let Some(largest) = largest_left(&sheets) {
            let raster = sheets[largest].raster;
            let drawing = self.draw_at(document, page, &raster, settings);
            content_errors =
                drawing.map_err(|error| PageError::of(&sheets[largest], error))?.max(content_errors);
            self.encode_all_at(&raster, &mut sheets, Source::Drawn)?;
            self.scale_down(&raster, &mut sheets, settings.limits.max_pixels)?;
        }
        let encode: Duration = sheets.iter().map(|sheet| sheet.encode).sum();
        let images = sheets.iter().zip(&self.files).map(|(sheet, file)| PageImage {
            rendition: sheet.rendition.map(RenditionName::to_string),
            width_px: sheet.raster.width_px,
            height_px: sheet.raster.height_px,
            bytes: file.len() as u64,
            encode_us: micros(sheet.encode),
        });
        Ok(Reply::Page {
            page: page.0,
            images: images.collect(),
            content_errors,
            render_us: micros(started.elapsed().saturating_sub(encode)),
        })
    }

    /// The finished image files.
    pub(super) fn files(&self) -> &[Vec<u8>] {
        &self.files
    }

    /// Draws the page; returns how many errors in its content were passed over.
    fn draw_at(
        &mut self,
        document: &mut dyn Document,
        page: PageIndex,
        raster: &Raster,
        settings: &Settings,
    ) -> Result<u32, RenderError> {
        let format = match settings.background {
            Background::Color(_) => document.opaque_format(),
            Background::Transparent => PixelFormat::Rgba8,
        };
        self.drawn.reset(raster.width_px, raster.height_px, format, settings.limits.max_pixels)?;
        let options = RenderOptions {
            scale_x: raster.scale_x,
            scale_y: raster.scale_y,
            background: settings.background,
            annotations: settings.annotations,
        };
        Ok(document.render_page(page, &options, &mut self.drawn)?.content_errors)
    }

    /// Makes the images that are small enough out of the one that is drawn.
    fn scale_down(
        &mut self,
        drawn: &Raster,
        sheets: &mut [Sheet<'_>],
        max_pixels: u64,
    ) -> Result<(), PageError> {
        let next = |sheets: &[Sheet<'_>]| {
            sheets.iter().position(|sheet| !sheet.is_done && is_source_of(drawn, &sheet.raster))
        };
        if next(sheets).is_some() {
            Downscaler::prepare(&mut self.drawn)?;
        }
        while let Some(i) = next(sheets) {
            let raster = sheets[i].raster;
            self.downscaler
                .scale(&self.drawn, drawn, &raster, max_pixels, &mut self.scaled)
                .map_err(|error| PageError::of(&sheets[i], error))?;
            self.encode_all_at(&raster, sheets, Source::Scaled)?;
        }
        Ok(())
    }

    /// Writes every image that these very pixels are.
    fn encode_all_at(
        &mut self,
        raster: &Raster,
        sheets: &mut [Sheet<'_>],
        source: Source,
    ) -> Result<(), PageError> {
        let pixmap = match source {
            Source::Drawn => &self.drawn,
            Source::Scaled => &self.scaled,
        };
        let equal = |sheet: &Sheet<'_>| !sheet.is_done && sheet.raster == *raster;
        for (sheet, file) in sheets.iter_mut().zip(&mut self.files).filter(|(sheet, _)| equal(sheet)) {
            let started = Instant::now();
            let options = EncodeOptions {
                encoding: sheet.encoding,
                color: sheet.color,
                resolution: Some(Resolution { x_dpi: raster.scale_x * 72.0, y_dpi: raster.scale_y * 72.0 }),
            };
            self.encoder.encode(pixmap, &options, file).map_err(|error| PageError::of(sheet, error))?;
            sheet.encode = started.elapsed();
            sheet.is_done = true;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Source {
    Drawn,
    Scaled,
}

fn sheets(settings: &Settings, size: PageSize) -> Vec<Sheet<'_>> {
    let sheet = |rendition, scale: Scale, encoding, color| Sheet {
        rendition,
        raster: scale.resolve(size),
        encoding,
        color,
        encode: Duration::ZERO,
        is_done: false,
    };
    let main = sheet(None, settings.scale, settings.encoding, settings.color);
    let renditions = settings.renditions.iter().map(|r| sheet(Some(&r.name), r.scale, r.encoding, r.color));
    std::iter::once(main).chain(renditions).collect()
}

fn largest_left(sheets: &[Sheet<'_>]) -> Option<usize> {
    let pixels = |i: &usize| {
        let raster = &sheets[*i].raster;
        u64::from(raster.width_px) * u64::from(raster.height_px)
    };
    (0..sheets.len()).filter(|i| !sheets[*i].is_done).max_by_key(pixels)
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

/// Why a page has no images although the worker is well.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    /// The page could not be drawn.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The image could not be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// It happened to a rendition.
    #[error("rendition {name}: {error}")]
    Rendition { name: RenditionName, error: Box<PageError> },
}

impl PageError {
    fn of(sheet: &Sheet<'_>, error: impl Into<PageError>) -> PageError {
        match sheet.rendition {
            Some(name) => PageError::Rendition { name: name.clone(), error: Box::new(error.into()) },
            None => error.into(),
        }
    }

    /// The stable code of this kind of failure.
    pub(super) fn code(&self) -> &'static str {
        match self {
            PageError::Render(error) => error.code(),
            PageError::Encode(error) => error.code(),
            PageError::Rendition { error, .. } => error.code(),
        }
    }
}

#[cfg(all(test, feature = "mupdf"))]
mod tests {
    use render_api::{Drawn, OpenOptions, Renderer};
    use serde_json::{Value, json};

    use super::*;

    /// An open document that keeps an account of the widths at which it is drawn.
    struct Watched<'a> {
        document: Box<dyn Document + 'a>,
        widths_px: Vec<u32>,
    }

    impl Document for Watched<'_> {
        fn page_count(&self) -> u32 {
            self.document.page_count()
        }

        fn page_size(&mut self, page: PageIndex) -> Result<PageSize, RenderError> {
            self.document.page_size(page)
        }

        fn opaque_format(&self) -> PixelFormat {
            self.document.opaque_format()
        }

        fn render_page(
            &mut self,
            page: PageIndex,
            options: &RenderOptions,
            out: &mut Pixmap,
        ) -> Result<Drawn, RenderError> {
            self.widths_px.push(out.width_px());
            self.document.render_page(page, options, out)
        }
    }

    /// The widths at which the page was drawn, and those of the images that came of it.
    fn drawn(options: Value) -> (Vec<u32>, Vec<u32>) {
        let settings = Settings::from_canonical(options.as_object().unwrap()).unwrap();
        let pdf = corpus::document("vector-alpha").unwrap().bytes();
        let engine = render_mupdf::MuPdf::new();
        let document = engine.open(&pdf, &OpenOptions::default()).unwrap();
        let mut document = Watched { document, widths_px: Vec::new() };
        let mut studio = Studio::default();
        let reply = studio.draw(&mut document, PageIndex(0), &settings).unwrap();
        let lengths: Vec<u64> = studio.files().iter().map(|file| file.len() as u64).collect();
        let Reply::Page { images, .. } = reply else { panic!("{reply:?}") };
        assert_eq!(images.iter().map(|image| image.bytes).collect::<Vec<_>>(), lengths);
        (document.widths_px, images.iter().map(|image| image.width_px).collect())
    }

    #[test]
    fn a_page_is_drawn_once_for_all_images_that_its_pixels_serve() {
        let widths = drawn(json!({
            "width": 600,
            "renditions": "a: width=600 format=jpeg; b: width=300; c: width=300 format=webp; d: width=64",
        }));
        assert_eq!(widths, (vec![600], vec![600, 600, 300, 300, 64]));
    }

    #[test]
    fn the_largest_image_is_drawn_first_whichever_it_is() {
        let widths =
            drawn(json!({ "width": 100, "background": "transparent", "renditions": "big: width=500" }));
        assert_eq!(widths, (vec![500], vec![100, 500]));
    }

    #[test]
    fn what_pixels_do_not_serve_is_drawn_again() {
        let widths = drawn(json!({
            "width": 600,
            "renditions": "a: width=400; b: width=150 height=150 fit=stretch; c: width=80",
        }));
        assert_eq!(widths, (vec![600, 400, 150], vec![600, 400, 150, 80]));
    }

    #[test]
    fn mupdf_leaves_a_page_in_gray_if_it_and_its_background_have_no_colour() {
        let layout = |name: &str, background: &str| {
            let options = json!({ "dpi": 72, "background": background });
            let settings = Settings::from_canonical(options.as_object().unwrap()).unwrap();
            let pdf = corpus::document(name).unwrap().bytes();
            let engine = render_mupdf::MuPdf::new();
            let mut document = engine.open(&pdf, &OpenOptions::default()).unwrap();
            let mut studio = Studio::default();
            studio.draw(document.as_mut(), PageIndex(0), &settings).unwrap();
            assert_eq!(studio.drawn.data().len(), studio.drawn.bytes());
            studio.drawn.format()
        };
        for gray in ["text-1", "scan-gray", "scan-ccitt-300"] {
            assert_eq!(layout(gray, "white"), PixelFormat::Gray8, "{gray}");
        }
        assert_eq!(layout("text-1", "#010102"), PixelFormat::Rgb8);
        for colour in ["scan-color", "vector-map", "shadings"] {
            assert_eq!(layout(colour, "white"), PixelFormat::Rgb8, "{colour}");
        }
    }
}
