//! Documents that no engine may be trusted with, through real workers: each ends as it may, in
//! bounded time, and the next document is none the worse for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use corpus::hostile::HostileDocument;
use futures_util::StreamExt as _;
use pdf2img::config::{Backend, RenditionName, Settings, scale::Scale};
use pdf2img::pages::{DrawnPage, Kept, Outcome, PageOutcome, PageSink, Request, SinkError, render_pages};
use pdf2img::pdf_file::{PdfFile, check_header};
use pdf2img::worker::sandbox::Limits;
use pdf2img::worker::{PdfiumCommand, Pool, RenderedImage, WorkerCommand};

/// How long one page may take; what an honest page takes is a hundredth of it.
const PAGE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a document may take over what its pages and its opening may take each.
const SLACK: Duration = Duration::from_secs(10);

/// How many documents are worked on at a time.
const AT_A_TIME: usize = 2;

/// The most memory of this process over the whole test, in KiB.
const MAX_PARENT_KIB: u64 = 400 << 10;

/// Documents whose image, font or function is nothing but noise: where their page is drawn, it must
/// say that something is missing.
const NOISE: &[&str] =
    &["font-garbage", "function-loop", "jbig2-garbage", "jpeg-garbage", "jpx-garbage", "postscript-nesting"];

/// What an engine makes of a document otherwise than it should: bounded and coded all the same.
const PECULIAR: &[(Backend, &str, &str)] = &[
    // It tells nobody what of a page's content it passes over.
    (Backend::Pdfium, "font-garbage", "1 drawn"),
    (Backend::Pdfium, "function-loop", "1 drawn"),
    (Backend::Pdfium, "jbig2-garbage", "1 drawn"),
    (Backend::Pdfium, "jpeg-garbage", "1 drawn"),
    (Backend::Pdfium, "jpx-garbage", "1 drawn"),
    (Backend::Pdfium, "postscript-nesting", "1 drawn"),
    // It ends itself when it gets no more memory, where others are still at work when their time is up.
    (Backend::Pdfium, "one-bad-page", "4 drawn, 1 page_crashed"),
    // It passes over a font or a function that it cannot read, and tells nobody.
    (Backend::Hayro, "font-garbage", "1 drawn"),
    (Backend::Hayro, "function-loop", "1 drawn"),
    // It does not read a dictionary with what is no PDF token, and so finds no page.
    (Backend::Hayro, "mediabox-nan", "malformed"),
];

#[cfg(feature = "mupdf")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_document_ends_as_it_may_and_leaves_mupdfs_pool_as_it_was() {
    judge_all(Backend::Mupdf).await;
}

#[cfg(feature = "pdfium")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_document_ends_as_it_may_and_leaves_pdfiums_pool_as_it_was() {
    judge_all(Backend::Pdfium).await;
}

#[cfg(feature = "hayro")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_document_ends_as_it_may_and_leaves_hayros_pool_as_it_was() {
    judge_all(Backend::Hayro).await;
}

async fn judge_all(backend: Backend) {
    let documents = corpus::hostile::documents();
    assert!(documents.len() > 50);
    let known = |id: &str| corpus::hostile::document(id).is_some();
    assert!(NOISE.iter().all(|id| known(id)) && PECULIAR.iter().all(|(_, id, _)| known(id)));
    let mut verdicts: Vec<Verdict> = futures_util::stream::iter(documents)
        .map(|document| async move { tokio::spawn(judge(document, backend)).await.expect("no panic") })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    verdicts.sort_by_key(|verdict| verdict.id);
    let table = table(&verdicts);
    println!("{table}{} MiB", peak_kib() >> 10);
    assert!(verdicts.iter().all(|verdict| verdict.objections.is_empty()), "\n{table}");
    let peak_kib = peak_kib();
    assert!(peak_kib < MAX_PARENT_KIB, "this process took {} MiB", peak_kib >> 10);
}

/// What came of one document.
struct Verdict {
    id: &'static str,
    outcome: String,
    took: Duration,
    /// What must not have happened.
    objections: Vec<String>,
}

async fn judge(document: &'static HostileDocument, backend: Backend) -> Verdict {
    let limits = Limits { memory_bytes: 512 << 20, cpu_seconds: 60 };
    let command = WorkerCommand {
        program: env!("CARGO_BIN_EXE_bootstrap").into(),
        pdfium: PdfiumCommand { program: None, library: pdfium_library() },
        ..WorkerCommand::default()
    };
    let pool = Pool::new(1, limits, command);
    let bytes = tokio::task::spawn_blocking(|| document.bytes()).await.expect("no panic");

    let started = Instant::now();
    let end = render(&pool, &bytes, backend).await;
    let took = started.elapsed();

    let (outcome, mut objections) = end.against(document);
    if NOISE.contains(&document.id) && outcome == "1 drawn" {
        objections.push("what is missing must be counted".to_owned());
    }
    let is_peculiar = |&(engine, id, peculiar): &(Backend, &str, &str)| {
        (engine, id) == (backend, document.id) && peculiar == outcome
    };
    if PECULIAR.iter().any(is_peculiar) {
        objections.clear();
    }
    let pages = match &end {
        End::Refused(_) => 0,
        End::Opened(outcomes) => outcomes.len(),
    };
    // Each page may be tried twice: what spoils a used worker is tried again in a new one.
    let bound = PAGE_TIMEOUT * (1 + 2 * pages as u32) + SLACK;
    if took > bound {
        objections.push(format!("took {took:?}, over {bound:?}"));
    }
    let good = corpus::document("text-1").expect("it is in the corpus").bytes();
    match render(&pool, &good, backend).await {
        End::Opened(pages) if pages.len() == 1 && pages[&1].describe() == "drawn" => {}
        _ => objections.push("a good document after it failed".to_owned()),
    }
    Verdict { id: document.id, outcome, took, objections }
}

/// Where `make test` has put PDFium.
fn pdfium_library() -> PathBuf {
    std::env::var_os("PDF2IMG_PDFIUM_LIBRARY").unwrap_or_default().into()
}

/// How a document ended.
enum End {
    /// With this code as a whole.
    Refused(String),
    /// With an image or a failure for each page, by its number from 1.
    Opened(BTreeMap<u32, Page>),
}

/// How a page ended.
enum Page {
    /// With an image, and so many errors that the engine passed over.
    Drawn { content_errors: u32 },
    /// With this code.
    Failed(String),
}

impl Page {
    fn code(&self) -> Option<&str> {
        match self {
            Page::Drawn { .. } => None,
            Page::Failed(code) => Some(code),
        }
    }

    fn describe(&self) -> &str {
        match self {
            Page::Drawn { content_errors: 0 } => "drawn",
            Page::Drawn { .. } => "drawn with errors",
            Page::Failed(code) => code,
        }
    }
}

impl End {
    /// A description, and what is wrong with it.
    fn against(&self, document: &HostileDocument) -> (String, Vec<String>) {
        match self {
            End::Refused(code) => {
                let accepted = document.expected.accepts_refusal(code);
                let objection = (!accepted).then(|| format!("must not be refused with {code}"));
                (code.clone(), objection.into_iter().collect())
            }
            End::Opened(pages) => {
                let wrong = pages
                    .iter()
                    .filter(|(number, page)| !document.expected.accepts_page(**number, page.code()))
                    .map(|(number, page)| match page.code() {
                        None => format!("page {number} must not be drawn"),
                        Some(code) => format!("page {number} must not fail with {code}"),
                    })
                    .take(3)
                    .collect();
                let mut counts = BTreeMap::<&str, usize>::new();
                for page in pages.values() {
                    *counts.entry(page.describe()).or_default() += 1;
                }
                let parts: Vec<String> = counts.iter().map(|(code, n)| format!("{n} {code}")).collect();
                (parts.join(", "), wrong)
            }
        }
    }
}

async fn render(pool: &Pool, bytes: &[u8], backend: Backend) -> End {
    let pdf = Arc::new(PdfFile::from_bytes(bytes).expect("a file in memory"));
    if let Err(failure) = check_header(&pdf) {
        return End::Refused(failure.code);
    }
    let mut settings = Settings { backend, scale: Scale::Dpi(72.0), ..Settings::default() };
    settings.limits.page_timeout = PAGE_TIMEOUT;
    let request = Request { settings: &settings, done: &BTreeSet::new(), deadline: None };
    let sink = Arc::new(Sieve::default());
    match render_pages(pool, &pdf, None, &request, Arc::clone(&sink) as Arc<dyn PageSink>).await {
        Err(error) => End::Refused(error.failure.code),
        Ok(Outcome { pages, .. }) => {
            let kept = sink.kept.lock().expect("no panic holds this lock");
            End::Opened(
                pages
                    .into_iter()
                    .map(|(number, report)| {
                        let number = u32::try_from(number).expect("all pages were asked for");
                        let page = match report.outcome {
                            PageOutcome::Kept { image } if kept.contains(&number) => {
                                Page::Drawn { content_errors: image.content_errors }
                            }
                            PageOutcome::Kept { .. } => Page::Failed("lost".to_owned()),
                            PageOutcome::Failed(failure) | PageOutcome::Missing(failure) => {
                                Page::Failed(failure.code)
                            }
                        };
                        (number, page)
                    })
                    .collect(),
            )
        }
    }
}

/// A sink that remembers which pages came as PNG files, and keeps none of them.
#[derive(Default)]
struct Sieve {
    kept: Mutex<BTreeSet<u32>>,
}

#[async_trait]
impl PageSink for Sieve {
    async fn keep(
        &self,
        drawn: &DrawnPage,
        _rendition: Option<&RenditionName>,
        image: &RenderedImage,
    ) -> Result<Kept, SinkError> {
        let page = drawn.page;
        if image.file.starts_with(b"\x89PNG\r\n\x1a\n") && image.file.ends_with(b"IEND\xae\x42\x60\x82") {
            self.kept.lock().expect("no panic holds this lock").insert(page.number());
        }
        Ok(Kept::of(&image.file, page.to_string(), String::new()))
    }
}

fn table(verdicts: &[Verdict]) -> String {
    let mut table = String::new();
    for Verdict { id, outcome, took, objections } in verdicts {
        let objections = objections.join("; ");
        // Writing to a string does not fail.
        let _ = writeln!(table, "{id:24} {:6.2} s  {outcome:40} {objections}", took.as_secs_f64());
    }
    table
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim_end_matches("kB").trim().parse().expect("a number")
}
