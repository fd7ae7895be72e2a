//! What is measured, and under which name.

use std::fmt;

use pdf2img::config::Backend;
use pdf2img::encode::{Encoding, JpegScans, PngEffort, Quality};

/// A stage of the work on a document of the corpus.
///
/// Its name says what it is, `stage/document/backend`, and for encoders `stage/document/backend/format`,
/// where the backend is that whose pixels are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Benchmark {
    /// The stage.
    pub stage: Stage,
    /// The document's id in the corpus.
    pub document: &'static str,
    /// The engine.
    pub backend: Backend,
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Benchmark { stage, document, backend } = self;
        match stage {
            Stage::Open => write!(f, "open/{document}/{backend}"),
            Stage::FirstPage => write!(f, "first_page/{document}/{backend}"),
            Stage::Render => write!(f, "render/{document}/{backend}"),
            Stage::Encode(format) => write!(f, "encode/{document}/{backend}/{format}"),
        }
    }
}

/// A stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// From the bytes to the number of pages.
    Open,
    /// From the bytes to the pixels of the first page.
    FirstPage,
    /// From an open document to pixels: the three pages after the first, which has loaded the fonts and is not
    /// counted; of a document with fewer pages, the first alone.
    Render,
    /// From the pixels of the first page to a file, with an encoder that has written another one before.
    Encode(Format),
}

/// An image format, with the settings that the product has by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PNG.
    Png,
    /// JPEG of the default quality.
    Jpeg,
    /// WebP that gives back every pixel.
    Webp,
}

impl Format {
    /// The settings.
    pub fn encoding(self) -> Encoding {
        match self {
            Format::Png => Encoding::Png { effort: PngEffort::default() },
            Format::Jpeg => Encoding::Jpeg { quality: Quality::default(), scans: JpegScans::default() },
            Format::Webp => Encoding::WebpLossless,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding().format().as_str())
    }
}

/// The benchmarks of the engines that are in this build.
pub fn benchmarks() -> Vec<Benchmark> {
    Backend::built_in().into_iter().flat_map(of_backend).collect()
}

/// What is measured with each engine: a document for each kind of work.
fn of_backend(backend: Backend) -> Vec<Benchmark> {
    // Where a page takes a second of CPU time, valgrind takes minutes: the heavy ones are left out.
    let drawn = ["text-20", "vector-charts", "scan-color", "forms-appearance"];
    // The encoders see the same pages from every engine, or nearly: what differs is the layout of a pixel, and
    // text is enough to see that.
    let encoded: &[(&str, Format)] = match backend {
        Backend::Mupdf => &[
            ("text-20", Format::Png),
            ("text-20", Format::Jpeg),
            ("text-20", Format::Webp),
            ("vector-charts", Format::Png),
            ("scan-gray", Format::Png),
            ("scan-color", Format::Jpeg),
            ("photo-1", Format::Jpeg),
        ],
        Backend::Pdfium | Backend::Hayro => &[("text-20", Format::Png), ("text-20", Format::Jpeg)],
    };
    let opened = ["text-100", "forms-appearance"].map(|document| (Stage::Open, document));
    let first = [(Stage::FirstPage, "text-20")];
    let drawn = drawn.map(|document| (Stage::Render, document));
    let encoded = encoded.iter().map(|&(document, format)| (Stage::Encode(format), document));
    let all = opened.into_iter().chain(first).chain(drawn).chain(encoded);
    all.map(|(stage, document)| Benchmark { stage, document, backend }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_documents_exist() {
        let all: Vec<Benchmark> = Backend::ALL.into_iter().flat_map(of_backend).collect();
        let names: BTreeSet<String> = all.iter().map(Benchmark::to_string).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.contains("render/text-20/mupdf") && names.contains("encode/text-20/mupdf/png"));
        for benchmark in all {
            assert!(corpus::document(benchmark.document).is_some(), "{benchmark}");
        }
    }
}
