//! The two traits that an engine implements, and what they are asked.

use crate::error::RenderError;
use crate::geometry::{PageBox, PageIndex, PageSize};
use crate::pixmap::{PixelFormat, Pixmap};

/// A rendering engine.
pub trait Renderer {
    /// The name by which options choose it: `mupdf`.
    fn name(&self) -> &'static str;

    /// The engine's own version, asked of the engine: a receipt that it is linked.
    fn version(&self) -> String;

    /// Opens a PDF.
    ///
    /// # Errors
    ///
    /// [`RenderError::Malformed`] if the bytes are not a PDF, or have no page that can be found;
    /// [`RenderError::Encrypted`] if the password does not open it.
    fn open<'a>(
        &'a self,
        pdf: &'a [u8],
        options: &OpenOptions,
    ) -> Result<Box<dyn Document + 'a>, RenderError>;
}

/// An open PDF with at least one page.
pub trait Document {
    /// The number of pages, at least 1.
    fn page_count(&self) -> u32;

    /// The size of a page as it is seen: the chosen box, after rotation and `/UserUnit`.
    ///
    /// # Errors
    ///
    /// [`RenderError::PageOutOfRange`], or [`RenderError::Malformed`] if the page cannot be read.
    fn page_size(&mut self, page: PageIndex) -> Result<PageSize, RenderError>;

    /// The layout in which this engine draws opaque pages without a conversion: RGB or RGBX.
    /// Default: RGB.
    fn opaque_format(&self) -> PixelFormat {
        PixelFormat::Rgb8
    }

    /// Draws a page over the whole of `out`, whose size and layout the caller has set: the layout
    /// is [`opaque_format`](Document::opaque_format) or RGBA.
    ///
    /// The top left corner of the page's box falls on the top left corner of the image, and one
    /// pt on [`RenderOptions::scale_x`] × [`RenderOptions::scale_y`] pixels. An RGBA image comes
    /// out with colours not multiplied by alpha. An RGB image may come out as
    /// [`PixelFormat::Gray8`], with the level that its three components would all have had.
    ///
    /// # Errors
    ///
    /// [`RenderError::PageOutOfRange`]; [`RenderError::Malformed`] if nothing of the page could be
    /// drawn. Content that is damaged in part is no error: what could be drawn is, and
    /// [`Drawn::content_errors`] counts the rest.
    fn render_page(
        &mut self,
        page: PageIndex,
        options: &RenderOptions,
        out: &mut Pixmap,
    ) -> Result<Drawn, RenderError>;
}

/// What an engine must know to open a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// The user's or the owner's password, UTF-8. Default: none.
    pub password: Option<String>,
    /// The box that is the page. Default: the crop box.
    pub page_box: PageBox,
    /// The most bytes that the engine may keep in caches of decoded images and fonts; half as many
    /// again it may keep of memory that it is through with, for what comes next.
    /// Default: 64 MiB. Engines without such a cache ignore it.
    pub cache_bytes: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions { password: None, page_box: PageBox::Crop, cache_bytes: 64 << 20 }
    }
}

/// How a page is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderOptions {
    /// Pixels per pt across: dpi / 72. Default: 1.
    pub scale_x: f64,
    /// Pixels per pt down. Default: 1. Differs from `scale_x` only when a page is stretched.
    pub scale_y: f64,
    /// What is under the page. Default: white.
    pub background: Background,
    /// Whether annotations and form fields are drawn. Default: true.
    pub annotations: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        RenderOptions { scale_x: 1.0, scale_y: 1.0, background: Background::WHITE, annotations: true }
    }
}

/// What is under the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Background {
    /// An opaque colour: red, green, blue.
    Color([u8; 3]),
    /// Nothing: the image has an alpha channel, and is drawn into an RGBA [`Pixmap`].
    Transparent,
}

impl Background {
    /// White paper.
    pub const WHITE: Background = Background::Color([255; 3]);
}

/// What drawing a page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// How many errors in the page's content the engine passed over; 0 if it knows of none.
    pub content_errors: u32,
}
