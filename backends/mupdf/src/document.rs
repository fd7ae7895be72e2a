//! An open PDF.

use render_api::{
    Background, Document, Drawn, OpenOptions, PageBox, PageGeometry, PageIndex, PageSize, PixelFormat,
    Pixmap, RenderError, RenderOptions, pixels,
};

use crate::ffi::{Drawing, Handle};

/// An open PDF, and the page that was asked for last, loaded.
pub(crate) struct MuPdfDocument<'a> {
    handle: Handle<'a>,
    page_count: u32,
    page_box: PageBox,
    /// Kept so that a page is read once for its size and its drawing.
    loaded: Option<(PageIndex, PageGeometry)>,
}

impl<'a> MuPdfDocument<'a> {
    pub(crate) fn open(pdf: &'a [u8], options: &OpenOptions) -> Result<MuPdfDocument<'a>, RenderError> {
        let (handle, page_count) = Handle::open(pdf, options.cache_bytes, options.password.as_deref())?;
        Ok(MuPdfDocument { handle, page_count, page_box: options.page_box, loaded: None })
    }

    fn load(&mut self, page: PageIndex) -> Result<PageGeometry, RenderError> {
        if let Some((loaded, geometry)) = self.loaded
            && loaded == page
        {
            return Ok(geometry);
        }
        if page.0 >= self.page_count {
            return Err(RenderError::PageOutOfRange { page, page_count: self.page_count });
        }
        self.loaded = None;
        let raw = self.handle.load_page(page)?;
        let geometry = PageGeometry::resolve(&raw, self.page_box)?;
        self.loaded = Some((page, geometry));
        Ok(geometry)
    }
}

impl Document for MuPdfDocument<'_> {
    fn page_count(&self) -> u32 {
        self.page_count
    }

    fn page_size(&mut self, page: PageIndex) -> Result<PageSize, RenderError> {
        Ok(self.load(page)?.size())
    }

    fn render_page(
        &mut self,
        page: PageIndex,
        options: &RenderOptions,
        out: &mut Pixmap,
    ) -> Result<Drawn, RenderError> {
        let geometry = self.load(page)?;
        let (format, background) = (out.format(), background_pixel(options.background, out.format())?);
        let background = &background[..format.bytes_per_pixel()];
        pixels::fill(out.data_mut(), background);
        let outcome = self.handle.draw_page(
            &Drawing {
                geometry: &geometry,
                matrix: geometry.to_pixels(options.scale_x, options.scale_y).map(|v| v as f32),
                annotations: options.annotations,
            },
            out,
        )?;
        if let Some(reason) = outcome.cut_short
            && pixels::is_filled_with(out.data(), background)
        {
            return Err(RenderError::Malformed { detail: reason });
        }
        if options.background == Background::Transparent {
            pixels::unmultiply_alpha(out.data_mut());
        }
        Ok(Drawn { content_errors: outcome.errors })
    }
}

/// The pixel that is everywhere before the page is drawn; in RGB, its first three bytes.
fn background_pixel(background: Background, format: PixelFormat) -> Result<[u8; 4], RenderError> {
    let unsupported = |detail: &str| Err(RenderError::Unsupported { detail: detail.to_owned() });
    match (background, format) {
        (_, PixelFormat::Rgbx8) => unsupported("an image in RGBX; draw into RGB or RGBA"),
        (Background::Color([r, g, b]), _) => Ok([r, g, b, 255]),
        (Background::Transparent, PixelFormat::Rgba8) => Ok([0; 4]),
        (Background::Transparent, PixelFormat::Rgb8) => {
            unsupported("a transparent background in an image without alpha; draw into RGBA")
        }
    }
}
