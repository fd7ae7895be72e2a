//! Opens, draws and looks at pixels.

use render_api::{
    Document, Drawn, OpenOptions, PageBox, PageIndex, PageSize, PixelFormat, Pixmap, RenderError,
    RenderOptions, Renderer,
};

use crate::pdf::Pdf;

/// More than any page here has.
const MAX_PIXELS: u64 = 10_000_000;

pub(crate) const WHITE: [u8; 3] = [255; 3];
pub(crate) const BLACK: [u8; 3] = [0; 3];
pub(crate) const RED: [u8; 3] = [255, 0, 0];
pub(crate) const GREEN: [u8; 3] = [0, 255, 0];
pub(crate) const BLUE: [u8; 3] = [0, 0, 255];
pub(crate) const YELLOW: [u8; 3] = [255, 255, 0];

/// The first page.
pub(crate) const FIRST: PageIndex = PageIndex(0);

/// Opens a document that is sound.
pub(crate) fn open<'a>(renderer: &'a dyn Renderer, pdf: &'a [u8]) -> Box<dyn Document + 'a> {
    renderer.open(pdf, &OpenOptions::default()).expect("a sound document opens")
}

/// The code of the error with which opening fails, or `ok`.
pub(crate) fn open_code(renderer: &dyn Renderer, pdf: &[u8], password: Option<&str>) -> &'static str {
    let options = OpenOptions { password: password.map(str::to_owned), ..OpenOptions::default() };
    renderer.open(pdf, &options).map_or_else(|error| error.code(), |_| "ok")
}

/// The size of the first page, in one of its boxes.
pub(crate) fn size_in(
    renderer: &dyn Renderer,
    pdf: &[u8],
    page_box: PageBox,
) -> Result<PageSize, RenderError> {
    renderer.open(pdf, &OpenOptions { page_box, ..OpenOptions::default() })?.page_size(FIRST)
}

/// Width and height in pt of the first page's crop box.
pub(crate) fn size(renderer: &dyn Renderer, pdf: &[u8]) -> (f64, f64) {
    let size = size_in(renderer, pdf, PageBox::Crop).expect("a page with a size");
    (size.width_pt, size.height_pt)
}

/// Draws an opaque page at the size that it has under the options' scale; the answer is in RGB.
pub(crate) fn draw(
    document: &mut dyn Document,
    page: PageIndex,
    options: &RenderOptions,
) -> Result<(Pixmap, Drawn), RenderError> {
    let format = document.opaque_format();
    let (pixmap, drawn) = draw_as(document, page, options, format)?;
    Ok((to_rgb(pixmap), drawn))
}

/// The same picture in RGB, so that a check need not know which layout an engine prefers.
pub(crate) fn to_rgb(pixmap: Pixmap) -> Pixmap {
    if pixmap.format() == PixelFormat::Rgb8 {
        return pixmap;
    }
    let mut rgb = Pixmap::default();
    rgb.reset(pixmap.width_px(), pixmap.height_px(), PixelFormat::Rgb8, MAX_PIXELS)
        .expect("no larger than it was");
    let components = if pixmap.format() == PixelFormat::Gray8 { [0, 0, 0] } else { [0, 1, 2] };
    let from = pixmap.data().chunks_exact(pixmap.format().bytes_per_pixel());
    for (to, from) in rgb.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(from) {
        *to = components.map(|component| from[component]);
    }
    rgb
}

/// Draws a page in a given layout at the size that it has under the options' scale.
pub(crate) fn draw_as(
    document: &mut dyn Document,
    page: PageIndex,
    options: &RenderOptions,
    format: PixelFormat,
) -> Result<(Pixmap, Drawn), RenderError> {
    let size = document.page_size(page)?;
    let (width, height) = (size.to_pixels(options.scale_x).0, size.to_pixels(options.scale_y).1);
    let mut pixmap = Pixmap::default();
    pixmap.reset(width, height, format, MAX_PIXELS)?;
    // What was in the buffer before must not shine through.
    pixmap.data_mut().fill(0x5A);
    let drawn = document.render_page(page, options, &mut pixmap)?;
    Ok((pixmap, drawn))
}

/// The first page of a sound document, in RGB on white, one pixel per pt.
pub(crate) fn picture(renderer: &dyn Renderer, pdf: &[u8]) -> Pixmap {
    draw(open(renderer, pdf).as_mut(), FIRST, &RenderOptions::default()).expect("a page that is drawn").0
}

/// The bytes of a pixel, counted from the top left.
pub(crate) fn pixel(pixmap: &Pixmap, x: u32, y: u32) -> &[u8] {
    assert!(x < pixmap.width_px() && y < pixmap.height_px(), "({x}, {y}) is outside of the image");
    let bytes = pixmap.format().bytes_per_pixel();
    &pixmap.data()[y as usize * pixmap.stride() + x as usize * bytes..][..bytes]
}

/// A point of a page, in pt from its lower left corner, and the colour that it has.
pub(crate) type Point = (u32, u32, [u8; 3]);

/// Draws the first page at one pixel per pt and holds points of it against their colours.
pub(crate) fn assert_points(renderer: &dyn Renderer, pdf: &Pdf, tolerance: u8, what: &str, points: &[Point]) {
    assert_drawn_points(&picture(renderer, &pdf.to_bytes()), tolerance, what, points);
}

/// Holds points of a page that was drawn at one pixel per pt against their colours.
pub(crate) fn assert_drawn_points(pixmap: &Pixmap, tolerance: u8, what: &str, points: &[Point]) {
    for &(x, y, expected) in points {
        let found = pixel(pixmap, x, pixmap.height_px() - 1 - y);
        let near = found.iter().zip(expected).all(|(&found, expected)| found.abs_diff(expected) <= tolerance);
        assert!(near, "{what}: {found:?} at ({x}, {y}), not {expected:?} within {tolerance}");
    }
}

/// Whether any pixel of a rectangle is not white.
pub(crate) fn has_ink(pixmap: &Pixmap, xs: std::ops::Range<u32>, ys: std::ops::Range<u32>) -> bool {
    ys.into_iter().any(|y| xs.clone().any(|x| pixel(pixmap, x, y).iter().any(|&v| v != 255)))
}
