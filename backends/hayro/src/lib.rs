//! hayro behind the contract: an engine in Rust alone, under a permissive licence.
//!
//! [`Hayro`] opens a document in memory of its own (`opened`), because hayro keeps the bytes that it
//! reads; `owner` is for passwords that hayro does not know. `page` reads what a page's dictionary says
//! about its size, by which `render-api` decides which rectangle is drawn. Where hayro would clip to
//! another, or draw other `annotations`, `amend` gives it a document in which they are ours. `document`
//! draws, with the fonts and the count of warnings in `settings`. hayro panics on some damaged
//! documents: `contain` makes errors of that.

#![forbid(unsafe_code)]

mod amend;
mod annotations;
mod contain;
mod document;
mod find;
mod opened;
mod owner;
mod page;
mod settings;

use render_api::{Document, OpenOptions, RenderError, Renderer};

use crate::document::HayroDocument;

/// The version of hayro, which is the locked one; a test sees to it.
const VERSION: &str = "0.9.0";

/// hayro, drawing on one thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hayro;

impl Hayro {
    /// The engine; nothing is set up before a document is opened.
    pub fn new() -> Hayro {
        Hayro
    }
}

impl Renderer for Hayro {
    fn name(&self) -> &'static str {
        "hayro"
    }

    fn version(&self) -> String {
        VERSION.to_owned()
    }

    fn open<'a>(
        &'a self,
        pdf: &'a [u8],
        options: &OpenOptions,
    ) -> Result<Box<dyn Document + 'a>, RenderError> {
        Ok(Box::new(HayroDocument::open(pdf, options)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_locked() {
        let lock = include_str!("../../../Cargo.lock");
        let package = format!("[[package]]\nname = \"hayro\"\nversion = \"{}\"\n", Hayro::new().version());
        assert_eq!(lock.matches(&package).count(), 1);
        assert_eq!(lock.matches("[[package]]\nname = \"hayro\"\n").count(), 1, "another hayro is linked too");
    }
}
