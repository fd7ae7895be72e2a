//! The `pdf2img` command: its subcommands, as a library.
//!
//! [`render`] turns files into images. [`local`] runs the whole service on this machine: an S3 endpoint, its events, and Lambda around the
//! real `bootstrap` executable. Tests of the whole service stand on it.

pub mod local;
pub mod local_command;
pub mod render;
