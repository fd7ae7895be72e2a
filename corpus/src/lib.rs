//! Test documents of our own making, and the code that makes them.
//!
//! Every document is a function from nothing to bytes: the same bytes on every machine, so that a
//! test or a benchmark can ask for [`Document::bytes`] and touch no file, and so that
//! `manifest.toml` can hold the SHA-256 of each.
//!
//! - [`documents`] lists the good documents, by [`Class`]: [`text`] and [`cjk`], [`office`], [`slides`],
//!   [`vector`], [`shading`], [`scan`], [`photo`], [`forms`], [`mixed`], [`poster`], [`print`](mod@print);
//! - [`hostile`] makes bad ones, each with the outcomes that are acceptable;
//! - [`manifest`] is what `manifest.toml` says about the good ones;
//! - [`mod@folder`] lists the PDFs of any folder, and [`public`] fetches some that others published.
//!
//! Nothing here depends on an engine or on the service.

pub mod cjk;
pub mod document;
pub mod folder;
pub mod forms;
pub mod hostile;
pub mod manifest;
pub mod mixed;
pub mod office;
pub mod photo;
pub mod poster;
pub mod print;
pub mod public;
pub mod scan;
pub mod shading;
pub mod slides;
pub mod text;
pub mod vector;

mod font;
mod jbig2;
mod paper;
mod prose;
mod raster;
mod serif;

pub use document::{Class, Document, document, documents};
pub use folder::{FileDocument, folder};
