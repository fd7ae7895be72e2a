//! The `pdf2img` command: its subcommands, as a library.
//!
//! [`render`] turns files into images. [`compare`] shows where engines disagree on them. [`local`] runs the whole service on this machine: an S3 endpoint, its events, and Lambda around the
//! real `bootstrap` executable. Tests of the whole service stand on it.

pub mod compare;
pub mod local;
pub mod local_command;
pub mod render;
