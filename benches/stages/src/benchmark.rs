//! What is measured, and under which name.

use std::fmt;

use pdf2img::config::Backend;
use pdf2img::encode::{Encoding, JpegScans, PngEffort, Quality};

/// A stage of the work on a document of the corpus.
///
/// Its name says what it is: `stage/document/backend`, and `stage/document/backend/format` where files are
/// written. For encoders the backend is that whose pixels are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Benchmark {
    /// The stage.
    pub stage: Stage,
    /// The document's id in the corpus.
    pub document: &'static str,
    /// The engine.
    pub backend: Backend,
}

impl Benchmark {
    /// What follows stage and document in the name: the backend, and the format if there is one.
    pub fn variant(&self) -> String {
        match self.stage.format() {
            Some(format) => format!("{}/{format}", self.backend),
            None => self.backend.to_string(),
        }
    }
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.stage.as_str(), self.document, self.variant())
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
    /// The pages of [`Stage::Render`], drawn and encoded by a worker process with all that locks it in: from
    /// the request to the files in the parent's memory.
    Worker(Format),
    /// The whole document, from the event to the answer of a function that has had an invocation before: read
    /// from S3, drawn by as many workers as there are CPUs, and written to S3 with its manifest.
    Pipeline(Format),
}

impl Stage {
    /// The names of all stages, in the order of the work.
    pub const NAMES: [&str; 6] = ["open", "first_page", "render", "encode", "worker", "pipeline"];

    /// The name used in the names of benchmarks.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Open => "open",
            Stage::FirstPage => "first_page",
            Stage::Render => "render",
            Stage::Encode(_) => "encode",
            Stage::Worker(_) => "worker",
            Stage::Pipeline(_) => "pipeline",
        }
    }

    /// The format of the files that it writes; `None` if it writes none.
    pub fn format(self) -> Option<Format> {
        match self {
            Stage::Open | Stage::FirstPage | Stage::Render => None,
            Stage::Encode(format) | Stage::Worker(format) | Stage::Pipeline(format) => Some(format),
        }
    }
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

/// What is counted by the instruction, with the engines that are in this build.
pub fn counted() -> Vec<Benchmark> {
    Backend::built_in().into_iter().flat_map(counted_of).collect()
}

/// What is timed by the clock, with the engines that are in this build.
pub fn timed() -> Vec<Benchmark> {
    Backend::built_in().into_iter().flat_map(timed_of).collect()
}

/// What is counted with each engine: a document for each kind of work.
fn counted_of(backend: Backend) -> Vec<Benchmark> {
    // Where a page takes a second of CPU time, valgrind takes minutes: the heavy ones are left out.
    let drawn = ["text-20", "vector-charts", "scan-color", "forms-appearance"];
    let opened = ["text-100", "forms-appearance"].map(|document| (Stage::Open, document));
    let first = [(Stage::FirstPage, "text-20")];
    let drawn = drawn.map(|document| (Stage::Render, document));
    let all = opened.into_iter().chain(first).chain(drawn).chain(encoded_of(backend));
    all.map(|(stage, document)| Benchmark { stage, document, backend }).collect()
}

/// What is timed with each engine: that which is counted, heavy pages too, and what takes further processes.
fn timed_of(backend: Backend) -> Vec<Benchmark> {
    let drawn = [
        "text-20",
        "vector-charts",
        "vector-map",
        "vector-alpha",
        "scan-gray",
        "scan-color",
        "photo-1",
        "forms-appearance",
        "mixed-pages",
    ];
    let written = [("text-20", Format::Png), ("text-20", Format::Jpeg), ("scan-color", Format::Jpeg)];
    let opened = ["text-100", "forms-appearance"].map(|document| (Stage::Open, document));
    let first = ["text-20", "scan-color"].map(|document| (Stage::FirstPage, document));
    let drawn = drawn.map(|document| (Stage::Render, document));
    let workers = written.map(|(document, format)| (Stage::Worker(format), document));
    let pipelines = written.map(|(document, format)| (Stage::Pipeline(format), document));
    let all = opened.into_iter().chain(first).chain(drawn).chain(encoded_of(backend));
    let all = all.chain(workers).chain(pipelines);
    all.map(|(stage, document)| Benchmark { stage, document, backend }).collect()
}

fn encoded_of(backend: Backend) -> impl Iterator<Item = (Stage, &'static str)> {
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
    encoded.iter().map(|&(document, format)| (Stage::Encode(format), document))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(of_backend: fn(Backend) -> Vec<Benchmark>) -> BTreeSet<String> {
        let all: Vec<Benchmark> = Backend::ALL.into_iter().flat_map(of_backend).collect();
        let names: BTreeSet<String> = all.iter().map(Benchmark::to_string).collect();
        assert_eq!(names.len(), all.len());
        for benchmark in all {
            assert!(corpus::document(benchmark.document).is_some(), "{benchmark}");
        }
        names
    }

    #[test]
    fn names_are_unique_and_documents_exist() {
        let (counted, timed) = (names(counted_of), names(timed_of));
        assert!(counted.contains("render/text-20/mupdf") && counted.contains("encode/text-20/mupdf/png"));
        assert!(timed.contains("worker/text-20/pdfium/png") && timed.contains("pipeline/text-20/hayro/jpeg"));
        assert!(counted.is_subset(&timed), "what is counted but not timed: {:?}", counted.difference(&timed));
    }

    #[test]
    fn a_name_begins_with_its_stage_and_every_stage_is_timed() {
        let timed = Backend::ALL.into_iter().flat_map(timed_of);
        let stages: BTreeSet<&str> = timed.map(|benchmark| benchmark.stage.as_str()).collect();
        assert_eq!(stages, BTreeSet::from(Stage::NAMES));
    }
}
