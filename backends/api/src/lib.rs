//! The contract between pdf2img and its rendering engines.
//!
//! An engine implements [`Renderer`], which opens bytes as a [`Document`], which draws one page
//! at a time into a [`Pixmap`] that the caller owns. Everything on which engines must agree, and
//! on which they do not agree by themselves, is decided here and not in an engine:
//!
//! - [`geometry`]: which rectangle of a page is drawn, and how many pixels it becomes;
//! - [`pixmap`]: the layout of pixels in memory, and the cap on their number;
//! - [`pixels`]: the background before a page is drawn, and colours that alpha was multiplied into;
//! - [`error`]: the few kinds of failure that a caller can act on.
//!
//! The traits are object-safe and ask for no `Send`: a worker process has one thread.

pub mod error;
pub mod geometry;
pub mod pixels;
pub mod pixmap;
pub mod renderer;

pub use error::RenderError;
pub use geometry::{PageBox, PageGeometry, PageIndex, PageSize, RawPage};
pub use pixmap::{PixelFormat, Pixmap};
pub use renderer::{Background, Document, Drawn, OpenOptions, RenderOptions, Renderer};
