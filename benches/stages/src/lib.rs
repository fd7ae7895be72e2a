//! The stages of a page, one by one: open, first page, render, encode, worker, pipeline.
//!
//! `pdf2img-bench` measures the product as executables, as its users run it. This package links it as a
//! library, to tell which part of the work has become dearer, and what isolation costs. In reading order:
//!
//! - [`benchmark`]: what is measured, and under which name;
//! - [`work`]: makes ready what a benchmark needs, and does its part;
//! - [`proof`]: whether what came out is right;
//! - [`mod@timed`]: the same part again and again, by the clock;
//! - [`record`]: what criterion has estimated, for the report;
//! - [`isolation`]: pages by a worker, beside the same in one process.
//!
//! `benches/stages.rs` gives the clock to criterion, and `benches/instructions.rs` has valgrind count. Every
//! benchmark proves its answer, outside of the part that is measured.

pub mod benchmark;
pub mod work;
pub mod proof;
pub mod timed;
pub mod record;
pub mod isolation;
mod cpu_clock;

pub use benchmark::{Benchmark, Format, Stage, counted, timed};
pub use timed::Timed;
pub use work::{Amount, Engines, Work, pdfium_library};
