//! Turns every page of a PDF into an image the moment the PDF lands in an S3 bucket.

pub mod config;
pub mod encode;
pub mod event;
pub mod manifest;
pub mod plan;
pub mod store;
pub mod encode;
