//! Turns every page of a PDF into an image the moment the PDF lands in an S3 bucket.
//!
//! An event names objects ([`event`]); for each, a plan says which keys its images get, or why it
//! is left alone ([`plan`]). The PDF is read from the store ([`store`]) into memory that nobody
//! can change any more ([`pdf_file`]). Worker processes open it, draw its pages and encode them
//! ([`worker`], [`encode`]); the pages are dealt out to them one by one ([`pages`]), and finished
//! images are written back while others are drawn. Last, the manifest commits the result
//! ([`pipeline`], [`manifest`]). The handler decides what is acknowledged and what comes again
//! ([`handler`]), and Lambda's runtime API is spoken at the rim ([`lambda`]).
//!
//! The parent process holds the credentials and never parses a PDF; workers parse PDFs and hold
//! nothing. `ARCHITECTURE.md` lists the invariants.

pub mod config;
pub mod event;
pub mod plan;
pub mod handler;
pub mod pipeline;
pub mod pages;
pub mod pdf_file;
pub mod store;
pub mod worker;
pub mod encode;
pub mod manifest;
pub mod telemetry;
#[cfg(feature = "function")]
pub mod lambda;
mod huge_pages;

#[global_allocator]
static ALLOCATOR: huge_pages::HugePages = huge_pages::HugePages;

// Whoever is linked first defines `malloc` and `free`: this crate has to be named to be linked at all.
#[cfg(all(feature = "mimalloc", target_env = "musl"))]
use libmimalloc_sys as _;
