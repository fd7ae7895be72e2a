//! MuPDF behind the contract.
//!
//! [`MuPdf`] opens a document in a MuPDF context of its own (`ffi`, over `shim.c`, which catches
//! what MuPDF throws). `render-api` decides which rectangle of a page is drawn, and what happens to
//! the image before and after.

mod document;
mod ffi;

// The library with which MuPDF decodes JPEG. Without a mention, rustc would leave it out of the link;
// with it, it comes after this crate and MuPDF, which is the order that a linker needs.
use mozjpeg_sys as _;
use render_api::{Document, OpenOptions, RenderError, Renderer};

use crate::document::MuPdfDocument;

/// MuPDF, drawing PDF and nothing else: no JavaScript, no other document format.
///
/// Every open document has its own MuPDF context, so that documents on different threads share
/// nothing, locks included.
#[derive(Debug, Clone, Copy, Default)]
pub struct MuPdf;

impl MuPdf {
    /// The engine; nothing is set up before a document is opened.
    pub fn new() -> MuPdf {
        MuPdf
    }
}

impl Renderer for MuPdf {
    fn name(&self) -> &'static str {
        "mupdf"
    }

    fn version(&self) -> String {
        ffi::version().unwrap_or_else(|| "unknown: the library is not the one of the headers".to_owned())
    }

    fn open<'a>(
        &'a self,
        pdf: &'a [u8],
        options: &OpenOptions,
    ) -> Result<Box<dyn Document + 'a>, RenderError> {
        Ok(Box::new(MuPdfDocument::open(pdf, options)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_comes_from_the_linked_library() {
        assert_eq!(MuPdf::new().version(), "1.27.2");
    }
}
