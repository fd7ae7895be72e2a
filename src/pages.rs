//! The pages of one document: dealt out to workers, gathered into a sink.
//!
//! Each worker takes the next page as soon as it is free, or one ahead while there are many. What a
//! page does to its worker stays with that page. Finished images go to the [`PageSink`] while other
//! pages are drawn; how many bytes may wait there is bounded, so memory does not grow with the page
//! count.
//!
//! - `open`: finds the engine that opens the document;
//! - `crew`: the workers at their seats, and what they share.

mod crew;
mod open;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use render_api::PageIndex;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::crew::{Shared, Task};
use self::open::{Opened, open};
use crate::config::{RenditionName, Settings};
use crate::manifest::{self, Attempt, Failure};
use crate::pdf_file::PdfFile;
use crate::worker::{Engine, Pool, RenderedImage, Worker};

/// How many bytes of finished images may wait to be written.
const WAITING_BYTES: usize = 48 << 20;

/// How many images are written at a time.
const WRITES: usize = 16;

/// Where finished pages go.
#[async_trait]
pub trait PageSink: Send + Sync + 'static {
    /// Hears how many pages are to come.
    fn expect(&self, _pages: usize) {}

    /// Keeps an image of a page, its main image or a rendition, and says what the manifest shall
    /// say of it.
    ///
    /// The images of a page may come side by side, and the page is lost if one of them is.
    ///
    /// # Errors
    ///
    /// [`SinkError`]. A sink retries what is worth it before it gives up.
    async fn keep(
        &self,
        page: &DrawnPage,
        rendition: Option<&RenditionName>,
        image: &RenderedImage,
    ) -> Result<Kept, SinkError>;
}

/// A page that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnPage {
    /// Which page.
    pub page: PageIndex,
    /// How many pages the document has.
    pub page_count: u32,
    /// The engine that drew it.
    pub engine: manifest::Engine,
    /// The engines that failed at it before.
    pub attempts: Vec<Attempt>,
    /// How many errors in its content the engine passed over.
    pub content_errors: u32,
}

/// An image that a sink has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name: a key, or a path.
    pub key: String,
    /// Its ETag, without quotes; empty if it has none.
    pub etag: String,
    /// The SHA-256 of the file.
    pub sha256: [u8; 32],
}

impl Kept {
    /// A file that is kept under a name, with the ETag that it was given, if any.
    pub fn of(file: &[u8], key: String, etag: String) -> Kept {
        Kept { key, etag, sha256: Sha256::digest(file).into() }
    }
}

/// A page that a sink could not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkError {
    /// Why.
    pub failure: Failure,
    /// Whether another attempt may succeed.
    pub retryable: bool,
}

/// What is asked of a document, and by when.
pub struct Request<'a> {
    /// How pages come out, and the limits.
    pub settings: &'a Settings,
    /// Pages that are there already.
    pub done: &'a BTreeSet<PageIndex>,
    /// When to stop.
    pub deadline: Option<Deadline>,
}

/// When to stop working on pages.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// No page is asked for after this.
    pub last_start: Instant,
    /// A page that is not finished by this is given up.
    pub last_page: Instant,
    /// What ends then.
    pub cause: DeadlineCause,
}

/// What ends at a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineCause {
    /// The invocation: another one can go on where this one stopped.
    Invocation,
    /// The time that a document may take: what is not finished then has failed.
    DocumentTimeout,
}

impl Deadline {
    /// What becomes of a page that was not started, finished or written in time.
    fn missed(&self, what: &str) -> PageOutcome {
        let failure = self.failure(&format!("the page was {what}"));
        match self.cause {
            DeadlineCause::Invocation => PageOutcome::Missing(failure),
            DeadlineCause::DocumentTimeout => PageOutcome::Failed(failure),
        }
    }

    /// What becomes of a document that was not opened in time.
    fn not_opened(&self) -> DocumentError {
        let retryable = self.cause == DeadlineCause::Invocation;
        DocumentError { failure: self.failure("the document was opened"), retryable }
    }

    fn failure(&self, what: &str) -> Failure {
        match self.cause {
            DeadlineCause::Invocation => failure(
                "deadline",
                format!("the time of this invocation ran out before {what}; another goes on from here"),
            ),
            DeadlineCause::DocumentTimeout => failure(
                "document_timeout",
                format!("the document's time ran out before {what}; raise PDF2IMG_DOCUMENT_TIMEOUT"),
            ),
        }
    }
}

/// What a document's pages came to.
#[derive(Debug)]
pub struct Outcome {
    /// What the engine said that opened the document first.
    pub engine: Engine,
    /// The engines that were to open it before, and why they did not.
    pub attempts: Vec<Attempt>,
    /// Every engine that has opened it, for a page or more.
    pub engines: Vec<manifest::Engine>,
    /// One entry for each page that was asked for and not there already, by its number counted
    /// from 1. A negative number was asked for from the end, and does not exist.
    pub pages: BTreeMap<i64, PageReport>,
}

/// What one page came to, and what was tried before.
#[derive(Debug, Clone, PartialEq)]
pub struct PageReport {
    /// The engines that failed at it before another one was tried.
    pub attempts: Vec<Attempt>,
    /// What it came to.
    pub outcome: PageOutcome,
}

impl From<PageOutcome> for PageReport {
    fn from(outcome: PageOutcome) -> PageReport {
        PageReport { attempts: Vec::new(), outcome }
    }
}

/// What one page came to.
#[derive(Debug, Clone, PartialEq)]
pub enum PageOutcome {
    /// It has its image.
    Kept {
        /// What the manifest says of it.
        image: manifest::Image,
    },
    /// It has none, and trying again changes nothing.
    Failed(Failure),
    /// It has none yet; another attempt may get it.
    Missing(Failure),
}

/// Why a document could not be started on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .failure.message)]
pub struct DocumentError {
    /// Why.
    pub failure: Failure,
    /// Whether another attempt may succeed.
    pub retryable: bool,
}

/// Draws the pages that are asked for, with as many workers as the pool has and the pages keep busy.
///
/// `first` is a worker that was started ahead of time for this PDF, if there is one.
///
/// # Errors
///
/// [`DocumentError`] if the document does not open, or not in time, or has too many pages. What happens to single
/// pages is in the [`Outcome`].
pub async fn render_pages(
    pool: &Pool,
    pdf: &Arc<PdfFile>,
    first: Option<Worker>,
    request: &Request<'_>,
    sink: Arc<dyn PageSink>,
) -> Result<Outcome, DocumentError> {
    let settings = Arc::new(request.settings.clone());
    let opening = open(pool, pdf, first, &settings);
    let Opened { worker, engine, place, attempts } = match request.deadline {
        None => opening.await?,
        Some(deadline) => tokio::time::timeout_at(deadline.last_page, opening)
            .await
            .unwrap_or_else(|_| Err(deadline.not_opened()))?,
    };

    let max_pages = settings.limits.max_pages;
    let selected = settings.pages.resolve(engine.page_count);
    if selected.pages.len() > max_pages {
        return Err(document_error(
            "too_many_pages",
            format!(
                "{} pages were asked for of {}, over the limit of {max_pages}; select pages or raise PDF2IMG_MAX_PAGES",
                selected.pages.len(),
                engine.page_count
            ),
        ));
    }
    let mut pages = BTreeMap::new();
    for number in selected.out_of_range {
        let message = format!("page {number} was asked for, but the document has {}", engine.page_count);
        pages.insert(number, PageOutcome::Failed(failure("page_out_of_range", message)).into());
    }
    let tasks: VecDeque<Task> = selected
        .pages
        .iter()
        .filter(|page| !request.done.contains(page))
        .map(|page| Task { page, retried: false, attempts: Vec::new() })
        .collect();
    let engines = vec![named(&engine)];
    if tasks.is_empty() {
        return Ok(Outcome { engine, attempts, engines, pages });
    }

    sink.expect(tasks.len());
    let crew_size = pool.size().min(tasks.len());
    // Engines that cannot open the document are not asked for its pages.
    let chain = settings.backends().split_off(place);
    let mut queues = vec![VecDeque::new(); chain.len()];
    queues[0] = tasks;
    let shared = Arc::new(Shared {
        pool: pool.clone(),
        pdf: Arc::clone(pdf),
        settings,
        deadline: request.deadline,
        page_count: engine.page_count,
        chain,
        queues: Mutex::new(queues),
        engines: Mutex::new(engines),
        nothing_left: watch::Sender::new(false),
        outcomes: Mutex::new(pages),
        waiting_bytes: Arc::new(Semaphore::new(WAITING_BYTES)),
        writes: Arc::new(Semaphore::new(WRITES)),
        writers: Mutex::new(JoinSet::new()),
        trouble: Mutex::new(None),
        sink,
    });
    let mut crew = JoinSet::new();
    crew.spawn(Arc::clone(&shared).work(Some(worker)));
    for _ in 1..crew_size {
        crew.spawn(Arc::clone(&shared).work(None));
    }
    crew.join_all().await;
    let writers = std::mem::take(&mut *shared.writers.lock().expect("no panic holds this lock"));
    writers.join_all().await;

    let mut pages = std::mem::take(&mut *shared.outcomes.lock().expect("no panic holds this lock"));
    let trouble = shared.trouble.lock().expect("no panic holds this lock").take();
    for task in shared.lock_queues().iter_mut().flat_map(|queue| queue.drain(..)) {
        let outcome = match (&shared.deadline, &trouble) {
            (Some(deadline), _) if shared.past_last_start() => deadline.missed("started"),
            (_, Some(trouble)) => PageOutcome::Missing(trouble.clone()),
            (_, None) => {
                PageOutcome::Missing(failure("worker_unavailable", "no worker was left to draw the page"))
            }
        };
        pages.insert(task.page.number().into(), PageReport { attempts: task.attempts, outcome });
    }
    let engines = std::mem::take(&mut *shared.engines.lock().expect("no panic holds this lock"));
    Ok(Outcome { engine, attempts, engines, pages })
}

/// An engine as manifests have it.
pub(crate) fn named(engine: &Engine) -> manifest::Engine {
    manifest::Engine { name: engine.backend.to_string(), version: engine.version.clone() }
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

fn document_error(code: &str, message: String) -> DocumentError {
    DocumentError { failure: failure(code, message), retryable: false }
}

/// A failure with its code.
pub fn failure(code: &str, message: impl Into<String>) -> Failure {
    Failure { code: code.into(), message: message.into() }
}
