//! Turns every page of a PDF into an image the moment the PDF lands in an S3 bucket.

pub mod manifest;
pub mod store;
pub mod encode;
