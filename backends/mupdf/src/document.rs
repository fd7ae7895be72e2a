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
    gray: GrayTries,
}

/// Decides which pages are begun in gray.
///
/// A page of colour that was begun so takes some tenths of a millisecond more. In a document of such pages
/// one in eight is begun in gray, and in another all but a few. The image is the same in any case.
#[derive(Debug, Default)]
struct GrayTries {
    /// How many pages that were begun in gray came out in colour since one came out in gray; up to 3.
    failed: u32,
    /// How many pages are to be begun in RGB before the next try.
    pause: u32,
}

impl GrayTries {
    fn next(&mut self) -> bool {
        let tries = self.pause == 0;
        self.pause = self.pause.saturating_sub(1);
        tries
    }

    fn came_out(&mut self, gray: bool) {
        self.failed = if gray { 0 } else { (self.failed + 1).min(3) };
        self.pause = (1 << self.failed) - 1;
    }
}

impl<'a> MuPdfDocument<'a> {
    pub(crate) fn open(pdf: &'a [u8], options: &OpenOptions) -> Result<MuPdfDocument<'a>, RenderError> {
        let (handle, page_count) = Handle::open(pdf, options.cache_bytes, options.password.as_deref())?;
        Ok(MuPdfDocument {
            handle,
            page_count,
            page_box: options.page_box,
            loaded: None,
            gray: GrayTries::default(),
        })
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
        let background = background_pixel(options.background, out.format())?;
        let [r, g, b, _] = background;
        let tries_gray = out.format() == PixelFormat::Rgb8 && r == g && g == b && self.gray.next();
        if tries_gray {
            out.start_gray();
        }
        let bytes_per_pixel = out.format().bytes_per_pixel();
        pixels::fill(out.data_mut(), &background[..bytes_per_pixel]);
        let outcome = self.handle.draw_page(
            &Drawing {
                geometry: &geometry,
                matrix: geometry.to_pixels(options.scale_x, options.scale_y).map(|v| v as f32),
                annotations: options.annotations,
            },
            out,
        )?;
        if tries_gray {
            self.gray.came_out(out.format() == PixelFormat::Gray8);
        }
        if let Some(reason) = outcome.cut_short
            && pixels::is_filled_with(out.data(), &background[..out.format().bytes_per_pixel()])
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
        (_, PixelFormat::Gray8) => unsupported("an image in gray; draw into RGB or RGBA"),
        (_, PixelFormat::Rgbx8) => unsupported("an image in RGBX; draw into RGB or RGBA"),
        (Background::Color([r, g, b]), _) => Ok([r, g, b, 255]),
        (Background::Transparent, PixelFormat::Rgba8) => Ok([0; 4]),
        (Background::Transparent, PixelFormat::Rgb8) => {
            unsupported("a transparent background in an image without alpha; draw into RGBA")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these pages, gray or not, are begun in gray.
    fn tries(pages: impl IntoIterator<Item = bool>) -> usize {
        let mut gray = GrayTries::default();
        let mut tried = 0;
        for is_gray in pages {
            if gray.next() {
                tried += 1;
                gray.came_out(is_gray);
            }
        }
        tried
    }

    #[test]
    fn gray_is_tried_of_every_page_but_after_those_of_colour() {
        assert_eq!(tries([true; 80]), 80);
        // The first, the third, the seventh, and then each eighth.
        assert_eq!(tries([false; 79]), 12);
        assert_eq!(tries([false, true, true, true]), 3);
        assert_eq!(tries((0..80).map(|page| page % 10 > 0)), 72);
    }
}
