//! The stages of a page, one by one and inside of one process: open, first page, render, encode.
//!
//! `pdf2img-bench` measures the product as executables, as its users run it. This package links it as a
//! library, to tell which part of the work has become dearer. In reading order:
//!
//! - [`benchmark`]: what is measured, and under which name;
//! - [`work`]: makes ready what a benchmark needs, and does its part;
//! - [`proof`]: whether what came out is right.
//!
//! Every benchmark proves its answer, outside of the part that is measured.

pub mod benchmark;
pub mod proof;
pub mod work;

pub use benchmark::{Benchmark, Format, Stage, benchmarks};
pub use work::{Engines, Work};
