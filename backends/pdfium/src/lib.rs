//! PDFium behind the contract.
//!
//! PDFium is a shared library that is loaded at run time. That happens in two steps, because a
//! process that draws what strangers wrote locks itself in between them: [`Library::load`] opens
//! the file and finds every function, and [`Library::renderer`] starts the engine, which needs no
//! file any more. `elf` looks at the file before the loader does, for clear errors and for the
//! build that it is.
//!
//! A [`PdfiumRenderer`] opens documents (`document`), over the calls into C (`ffi`), whose
//! declarations are those of the crate `pdfium-render`. `render-api` decides which rectangle of a
//! page is drawn; `sheet` turns that into the page box with which PDFium fills the image. `repair`
//! helps PDFium where a file's table of objects leads nowhere.
//!
//! `user_unit` finds the one entry of a page that PDFium does not know.
//! With the feature `cjk`, PDFium gets a font for East Asian text from memory (`cjk_tables`).
//!
//! Only a program that is linked dynamically can load a library: the crate compiles for a static
//! musl target, and [`Library::load`] fails there.

#[cfg(feature = "cjk")]
mod cjk_tables;
mod document;
mod elf;
mod ffi;
pub mod library;
mod repair;
mod sheet;
mod user_unit;

use std::marker::PhantomData;

use render_api::{Document, OpenOptions, RenderError, Renderer};

pub use crate::library::{Library, LoadError};

use crate::document::PdfiumDocument;
use crate::ffi::Engine;

/// PDFium, started: no JavaScript, no XFA, and no fonts but those in it, in documents, and in this program.
#[derive(Debug)]
pub struct PdfiumRenderer {
    engine: Engine,
    version: String,
    /// PDFium serves one thread: this keeps the renderer on the one where it was started.
    one_thread: PhantomData<*const ()>,
}

impl Renderer for PdfiumRenderer {
    fn name(&self) -> &'static str {
        "pdfium"
    }

    /// The build of PDFium, such as `8149`, by the build id in the library that is loaded.
    ///
    /// PDFium has no function that tells its version. A library of another origin is called
    /// `unknown`, with its build id.
    fn version(&self) -> String {
        self.version.clone()
    }

    fn open<'a>(
        &'a self,
        pdf: &'a [u8],
        options: &OpenOptions,
    ) -> Result<Box<dyn Document + 'a>, RenderError> {
        Ok(Box::new(PdfiumDocument::open(self.engine, pdf, options)?))
    }
}
