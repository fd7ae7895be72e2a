//! Measures the built executables of pdf2img beside their peers.
//!
//! `METHODOLOGY.md` says what a figure means. The product is run as executables, as its users run
//! it; nothing of it is linked here. In reading order:
//!
//! - [`peers`]: `pdf2img render`, with each engine, beside the programs that people use for the same job;
//! - [`scaling`]: the same with more pages, workers, pixels, bytes, and functions at once;
//! - [`cost`]: what a document takes with Lambda's share of the CPU for an amount of memory;
//! - [`start`]: the release `bootstrap` against the Lambda function that does nothing;
//! - [`growth`]: what memory a document of 1,000 pages takes;
//! - [`cold_start`]: several builds of `bootstrap` in turn, up to the first image and the answer;
//! - [`page_times`]: several builds of `pdf2img render` in turn, with one worker;
//! - [`certify`]: whether programs have done the same work;
//! - [`documents`] and [`mod@format`]: what they are given, and what they write;
//! - [`emulation`]: the Runtime API and S3 that a function talks to;
//! - [`cpu_share`]: as much of a CPU as Lambda gives for an amount of memory;
//! - [`page_cache`]: an executable that is not in memory;
//! - [`process`]: one run of a command, and what it has cost;
//! - [`memory`]: what a process tree holds;
//! - [`scratch`]: where it is written to;
//! - [`mod@stats`]: medians, ratios and intervals;
//! - [`machine`]: where and with what the figures were made;
//! - [`table`]: how they are printed.

pub mod certify;
pub mod cost;
pub mod documents;
pub mod format;
pub mod growth;
pub mod cold_start;
pub mod page_times;
pub mod emulation;
pub mod cpu_share;
pub mod page_cache;
pub mod machine;
pub mod memory;
pub mod peers;
pub mod process;
pub mod scaling;
pub mod scratch;
pub mod start;
pub mod table;

pub use stats;
