//! An open PDF.

use std::borrow::Cow;

use render_api::{
    Background, Document, Drawn, OpenOptions, PageBox, PageGeometry, PageIndex, PageSize, PixelFormat,
    Pixmap, RawPage, RenderError, RenderOptions,
};

use crate::ffi::{Box4, Engine, Handle, OwnBox};
use crate::{repair, sheet, user_unit};

/// An open PDF, and the page that was asked for last, loaded.
pub(crate) struct PdfiumDocument<'a> {
    handle: Handle<'a>,
    page_count: u32,
    page_box: PageBox,
    mentions_user_unit: bool,
    /// Kept so that a page is parsed once for its size and its drawing.
    loaded: Option<(PageIndex, PageGeometry)>,
}

impl<'a> PdfiumDocument<'a> {
    pub(crate) fn open(
        engine: Engine,
        pdf: &'a [u8],
        options: &OpenOptions,
    ) -> Result<PdfiumDocument<'a>, RenderError> {
        let password = options.password.as_deref();
        let opened = open_with_pages(engine, Cow::Borrowed(pdf), password);
        let (handle, page_count) = match opened {
            Err(RenderError::Malformed { detail }) => {
                // What is no PDF at all is not worth a copy.
                if !pdf.windows(4).take(MAX_JUNK_BYTES).any(|window| window == b"%PDF") {
                    return Err(RenderError::Malformed { detail });
                }
                open_with_pages(engine, Cow::Owned(repair::with_new_end(pdf)), password)
                    .map_err(|_| RenderError::Malformed { detail })?
            }
            opened => opened?,
        };
        Ok(PdfiumDocument {
            handle,
            page_count,
            page_box: options.page_box,
            mentions_user_unit: user_unit::is_mentioned(pdf),
            loaded: None,
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
        let user_unit = if self.mentions_user_unit {
            self.handle.copy_of_page(page).and_then(|copy| user_unit::read(&copy)).unwrap_or(1.0)
        } else {
            1.0
        };
        self.handle.load_page(page)?;
        let parsed_within = self.handle.bounding_box();
        let raw = RawPage { user_unit, ..raw_page(&mut self.handle) };
        let geometry = PageGeometry::resolve(&raw, self.page_box)?;
        // PDFium drops some of the content outside of the box that a page has when it is parsed.
        if !contains(parsed_within, geometry.rect) {
            self.handle.set_page_boxes(geometry.rect);
            self.handle.load_page(page)?;
        }
        self.loaded = Some((page, geometry));
        Ok(geometry)
    }
}

impl Document for PdfiumDocument<'_> {
    fn page_count(&self) -> u32 {
        self.page_count
    }

    fn page_size(&mut self, page: PageIndex) -> Result<PageSize, RenderError> {
        Ok(self.load(page)?.size())
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
        let geometry = self.load(page)?;
        let background = background_pixel(options.background, out.format())?;
        for pixel in out.data_mut().as_chunks_mut::<4>().0 {
            *pixel = background;
        }
        let image_px = (out.width_px(), out.height_px());
        self.handle.set_page_boxes(sheet::shown(&geometry, image_px, options.scale_x, options.scale_y));
        self.handle.draw_page(options.annotations, out)?;
        let size = geometry.size();
        let (width_px, height_px) = (size.to_pixels(options.scale_x).0, size.to_pixels(options.scale_y).1);
        clear_beyond(width_px, height_px, background, out);
        Ok(Drawn { content_errors: 0 })
    }
}

/// How far into a file PDFium looks for its header.
const MAX_JUNK_BYTES: usize = 1024;

/// Opens a document that has at least one page.
fn open_with_pages<'a>(
    engine: Engine,
    pdf: Cow<'a, [u8]>,
    password: Option<&str>,
) -> Result<(Handle<'a>, u32), RenderError> {
    let handle = Handle::open(engine, pdf, password)?;
    match count_pages(&handle) {
        0 => Err(RenderError::Malformed { detail: "the document has no page".to_owned() }),
        page_count => Ok((handle, page_count)),
    }
}

/// How many pages there are: where `/Count` says too many, the last one that exists is looked for.
fn count_pages(handle: &Handle<'_>) -> u32 {
    let claimed = handle.claimed_page_count();
    if claimed == 0 || handle.has_page(PageIndex(claimed - 1)) {
        return claimed;
    }
    // The pages before `found` exist, as far as halving can tell; the one before `missing` does not.
    let (mut found, mut missing) = (0, claimed);
    while missing - found > 1 {
        let middle = found + (missing - found) / 2;
        if handle.has_page(PageIndex(middle - 1)) { found = middle } else { missing = middle }
    }
    found
}

/// What the file says about the page that is loaded.
///
/// PDFium hands out a page's own boxes, and of the inherited ones only what it has made of them:
/// the crop box, cut to the media box. The media box comes out when the crop box is so large that
/// it cuts nothing. `/UserUnit`, which it does not know, is left to others.
fn raw_page(handle: &mut Handle<'_>) -> RawPage {
    let own = |which| handle.own_box(which).map(|b| b.map(as_written));
    let [media, crop, trim, bleed, art] =
        [OwnBox::Media, OwnBox::Crop, OwnBox::Trim, OwnBox::Bleed, OwnBox::Art].map(own);
    let inherited_crop = handle.bounding_box().map(as_written);
    handle.set_crop_box([-HUGE_PT, -HUGE_PT, HUGE_PT, HUGE_PT]);
    let inherited_media = handle.bounding_box().map(as_written);
    RawPage {
        media: media.or(Some(inherited_media)),
        crop: crop.or(Some(inherited_crop)),
        trim,
        bleed,
        art,
        rotate: i64::from(handle.rotation()) * 90,
        user_unit: 1.0,
    }
}

/// More than the largest page that is drawn.
const HUGE_PT: f64 = 1e12;

/// The number that the file has, of which PDFium keeps the nearest `f32`.
///
/// It is taken to be the shortest decimal with that `f32`: 595.276, not 595.2760009765625, which
/// would make a page on a large sheet a pixel wider than other engines have it.
fn as_written(v: f64) -> f64 {
    (v as f32).to_string().parse().unwrap_or(v)
}

fn contains(outer: Box4, inner: Box4) -> bool {
    // Half an `f32` step of a large page.
    let slack = 0.01;
    outer[0] <= inner[0] + slack
        && outer[1] <= inner[1] + slack
        && outer[2] >= inner[2] - slack
        && outer[3] >= inner[3] - slack
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

/// Gives pixels to the right of and below the page the background, if the image is larger than the page.
fn clear_beyond(page_width_px: u32, page_height_px: u32, background: [u8; 4], out: &mut Pixmap) {
    let (width, height) = (out.width_px() as usize, out.height_px() as usize);
    let (page_width, page_height) = (width.min(page_width_px as usize), height.min(page_height_px as usize));
    let pixels = out.data_mut().as_chunks_mut::<4>().0;
    if page_width < width {
        for row in pixels.chunks_exact_mut(width) {
            row[page_width..].fill(background);
        }
    }
    pixels[page_height * width..].fill(background);
}
