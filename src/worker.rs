//! Worker processes: where PDFs are parsed, drawn and encoded, away from credentials and network.
//!
//! The parent's side is [`pool`]: it starts a worker for a document, asks it for pages, and ends
//! it when it crashes, hangs or is no longer needed (`failure` says what that means). The worker's side is [`child`]: it locks
//! itself in with [`sandbox`], starts its [`engine`], opens the PDF, and answers; in its
//! `studio` the images of a page are drawn, scaled down (`downscale`) and encoded. They speak the frames of [`protocol`]
//! over a socket; the PDF itself is a [`PdfFile`](crate::pdf_file::PdfFile) that the worker inherits.
//!
//! **Invariant:** a worker has three descriptors (0: the PDF, 1: the socket, 2: a pipe for what
//! an engine prints), an environment with nothing but settings of its malloc, and serves one document.
//!
//! **Invariant:** a page is blamed only for what it does to a fresh worker. A worker that has
//! drawn other pages and then dies leaves its page to a new worker, which decides.

pub mod child;
mod downscale;
pub mod engine;
mod failure;
pub mod pool;
pub mod protocol;
pub mod sandbox;
mod studio;

pub use failure::WorkerError;
pub use pool::{
    Engine, MALLOC_TUNABLES, PdfiumCommand, Pool, Rendered, RenderedImage, TUNABLES_VARIABLE, Worker,
    WorkerCommand,
};
