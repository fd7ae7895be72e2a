//! The pages of one document: dealt out to workers, gathered into a sink.
//!
//! Each worker takes the next page as soon as it is free. What a page does to its worker stays
//! with that page. Finished images go to the [`PageSink`] while other pages are drawn; how many
//! bytes may wait there is bounded, so memory does not grow with the page count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use render_api::PageIndex;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::Settings;
use crate::config::settings::hex;
use crate::manifest::{self, Failure, PageMilliseconds};
use crate::pdf_file::PdfFile;
use crate::worker::{Engine, Pool, Rendered, Worker, WorkerError};

/// How many bytes of finished images may wait to be written.
const WAITING_BYTES: usize = 48 << 20;

/// How many images are written at a time.
const WRITES: usize = 16;

/// How often a further worker is tried to be had before its seat stays empty.
const WORKER_ATTEMPTS: u32 = 3;

/// Where finished pages go.
#[async_trait]
pub trait PageSink: Send + Sync + 'static {
    /// Hears how many pages are to come.
    fn expect(&self, _pages: usize) {}

    /// Keeps a page of a document of `page_count`, and says what the manifest shall say of it.
    ///
    /// # Errors
    ///
    /// [`SinkError`]. A sink retries what is worth it before it gives up.
    async fn keep(&self, page: PageIndex, page_count: u32, image: &Rendered) -> Result<Kept, SinkError>;
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
    /// No page is started after this.
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
        match self.cause {
            DeadlineCause::Invocation => PageOutcome::Missing(failure(
                "deadline",
                format!(
                    "the time of this invocation ran out before the page was {what}; another goes on from here"
                ),
            )),
            DeadlineCause::DocumentTimeout => PageOutcome::Failed(failure(
                "document_timeout",
                format!(
                    "the document's time ran out before the page was {what}; raise PDF2IMG_DOCUMENT_TIMEOUT"
                ),
            )),
        }
    }
}

impl Deadline {
    /// What becomes of a document that was not open in time.
    fn missed_opening(&self) -> DocumentError {
        match self.cause {
            DeadlineCause::Invocation => DocumentError {
                failure: failure(
                    "deadline",
                    "the time of this invocation ran out before the document was open; give the function more",
                ),
                retryable: true,
            },
            DeadlineCause::DocumentTimeout => document_error(
                "document_timeout",
                "the document's time ran out before it was open; raise PDF2IMG_DOCUMENT_TIMEOUT".to_owned(),
            ),
        }
    }
}

/// What a document's pages came to.
#[derive(Debug)]
pub struct Outcome {
    /// What the engine said when it opened the document.
    pub engine: Engine,
    /// One entry for each page that was asked for and not there already, by its number counted
    /// from 1. A negative number was asked for from the end, and does not exist.
    pub pages: BTreeMap<i64, PageOutcome>,
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
/// [`DocumentError`] if the document does not open or has too many pages. What happens to single
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
    let (worker, engine) = match request.deadline {
        None => opening.await?,
        Some(deadline) => match tokio::time::timeout_at(deadline.last_start, opening).await {
            Ok(opened) => opened?,
            Err(_) => return Err(deadline.missed_opening()),
        },
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
        pages.insert(number, PageOutcome::Failed(failure("page_out_of_range", message)));
    }
    let queue: VecDeque<Task> = selected
        .pages
        .iter()
        .filter(|page| !request.done.contains(page))
        .map(|page| Task { page, retried: false })
        .collect();
    if queue.is_empty() {
        return Ok(Outcome { engine, pages });
    }

    sink.expect(queue.len());
    let crew_size = pool.size().min(queue.len());
    let shared = Arc::new(Shared {
        pool: pool.clone(),
        pdf: Arc::clone(pdf),
        settings,
        deadline: request.deadline,
        page_count: engine.page_count,
        queue: Mutex::new(queue),
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
    for task in shared.lock_queue().drain(..) {
        let outcome = match (&shared.deadline, &trouble) {
            (Some(deadline), _) if shared.past_last_start() => deadline.missed("started"),
            (_, Some(trouble)) => PageOutcome::Missing(trouble.clone()),
            (_, None) => {
                PageOutcome::Missing(failure("worker_unavailable", "no worker was left to draw the page"))
            }
        };
        pages.insert(task.page.number().into(), outcome);
    }
    Ok(Outcome { engine, pages })
}

async fn open(
    pool: &Pool,
    pdf: &PdfFile,
    first: Option<Worker>,
    settings: &Settings,
) -> Result<(Worker, Engine), DocumentError> {
    let mut first = first;
    loop {
        let was_first = first.is_some();
        let outcome = async {
            let mut worker = match first.take() {
                Some(worker) => worker,
                None => pool.start(pdf).await?,
            };
            let engine = worker.open(pdf, settings).await?;
            Ok((worker, engine))
        };
        match outcome.await {
            Ok(opened) => return Ok(opened),
            // Somebody killed it from outside, which says nothing about the document yet.
            Err(WorkerError::Killed) if was_first => continue,
            Err(error) => {
                let code = match error.code() {
                    "page_timeout" => "open_timeout",
                    "page_crashed" => "open_crashed",
                    "page_memory" => "open_memory",
                    other => other,
                };
                let message = match &error {
                    WorkerError::Refused { message, .. } => message.clone(),
                    other => format!("while the document was opened: {other}"),
                };
                let retryable = matches!(error, WorkerError::Spawn(_));
                return Err(DocumentError { failure: failure(code, message), retryable });
            }
        }
    }
}

/// A page to draw.
#[derive(Debug, Clone, Copy)]
struct Task {
    page: PageIndex,
    /// Whether a worker has died of it, or beside it, before.
    retried: bool,
}

/// What the workers of a document share.
struct Shared {
    pool: Pool,
    pdf: Arc<PdfFile>,
    settings: Arc<Settings>,
    deadline: Option<Deadline>,
    page_count: u32,
    queue: Mutex<VecDeque<Task>>,
    /// Set when the queue runs dry, so that nobody waits for a worker that has nothing to do.
    nothing_left: watch::Sender<bool>,
    outcomes: Mutex<BTreeMap<i64, PageOutcome>>,
    waiting_bytes: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    writers: Mutex<JoinSet<()>>,
    /// Why no worker could be had, if that happened.
    trouble: Mutex<Option<Failure>>,
    sink: Arc<dyn PageSink>,
}

impl Shared {
    /// One seat of the crew: takes pages until there are none, with one worker after the other.
    async fn work(self: Arc<Self>, mut seated: Option<Worker>) {
        while !self.past_last_start() {
            let worker = match seated.take() {
                Some(worker) => worker,
                None => match self.next_worker().await {
                    Some(worker) => worker,
                    None => return,
                },
            };
            seated = self.work_with(worker).await;
            if seated.is_some() {
                return;
            }
        }
    }

    /// Takes pages with one worker. Gives the worker back when no page is left; keeps it if it died.
    async fn work_with(self: &Arc<Self>, mut worker: Worker) -> Option<Worker> {
        while !self.past_last_start() {
            let Some(task) = self.next_task() else { return Some(worker) };
            let fresh = worker.pages() == 0;
            match self.draw(&mut worker, task.page).await {
                Ok(image) => self.hand_over(task.page, image).await,
                Err(Stopped::Deadline(deadline)) => {
                    self.settle(task.page, deadline.missed("finished"));
                    return None;
                }
                Err(Stopped::Worker(error)) => {
                    // An engine that reports want of memory lives on, with a heap full of what it tried.
                    let spent = !error.leaves_worker_alive() || error.code() == "page_memory";
                    // A timeout is the page's own: the clock started with it. Any other death may
                    // be owed to what earlier pages left in the worker, or to somebody's SIGKILL.
                    let retry = spent
                        && !task.retried
                        && !matches!(error, WorkerError::Timeout(_))
                        && (!fresh || error.is_retryable());
                    tracing::warn!(page = %task.page, code = error.code(), retry, "page failed: {error}");
                    if retry {
                        self.put_back(Task { retried: true, ..task });
                    } else {
                        let failure = failure(error.code(), format!("page {}: {error}", task.page));
                        self.settle(task.page, PageOutcome::Failed(failure));
                    }
                    if spent {
                        return None;
                    }
                }
            }
        }
        Some(worker)
    }

    async fn draw(&self, worker: &mut Worker, page: PageIndex) -> Result<Rendered, Stopped> {
        let within = self.settings.limits.page_timeout;
        let drawing = worker.render(page, within);
        match self.deadline {
            None => drawing.await.map_err(Stopped::Worker),
            Some(deadline) => match tokio::time::timeout_at(deadline.last_page, drawing).await {
                Ok(outcome) => outcome.map_err(Stopped::Worker),
                Err(_) => Err(Stopped::Deadline(deadline)),
            },
        }
    }

    /// Gives an image to the sink, and waits only while too many bytes wait already.
    async fn hand_over(self: &Arc<Self>, page: PageIndex, image: Rendered) {
        // An image larger than the whole allowance takes all of it.
        let share = image.file.len().clamp(1, WAITING_BYTES) as u32;
        let share = Arc::clone(&self.waiting_bytes).acquire_many_owned(share).await;
        let finished = Instant::now();
        let shared = Arc::clone(self);
        self.writers.lock().expect("no panic holds this lock").spawn(async move {
            let _share = share;
            let _write = shared.writes.acquire().await;
            let kept = shared.sink.keep(page, shared.page_count, &image);
            let outcome = match shared.deadline {
                None => Ok(kept.await),
                Some(deadline) => {
                    tokio::time::timeout_at(deadline.last_page, kept).await.map_err(|_| deadline)
                }
            };
            let outcome = match outcome {
                Ok(Ok(kept)) => PageOutcome::Kept { image: entry(&image, kept, finished.elapsed()) },
                Ok(Err(SinkError { failure, retryable })) => {
                    tracing::warn!(%page, code = failure.code, "image not kept: {}", failure.message);
                    if retryable {
                        PageOutcome::Missing(failure)
                    } else {
                        // What is refused for one page is refused for all: draw no more of them.
                        shared.give_up(&failure);
                        PageOutcome::Failed(failure)
                    }
                }
                Err(deadline) => deadline.missed("written"),
            };
            shared.settle(page, outcome);
        });
    }

    /// A further worker with the document open; `None` if there is nothing left for it to do.
    async fn next_worker(&self) -> Option<Worker> {
        let mut nothing_left = self.nothing_left.subscribe();
        for _ in 0..WORKER_ATTEMPTS {
            let opening = async {
                let mut worker = self.pool.start(&self.pdf).await?;
                worker.open(&self.pdf, &self.settings).await?;
                Ok::<Worker, WorkerError>(worker)
            };
            let opened = tokio::select! {
                biased;
                _ = nothing_left.wait_for(|nothing_left| *nothing_left) => return None,
                () = sleep_until(self.deadline.map(|d| d.last_start)) => return None,
                opened = opening => opened,
            };
            match opened {
                Ok(worker) => return Some(worker),
                Err(error) => {
                    tracing::warn!(code = error.code(), "a further worker could not be had: {error}");
                    let message = format!("no worker could be had to draw the page: {error}");
                    *self.trouble.lock().expect("no panic holds this lock") =
                        Some(failure("worker_unavailable", message));
                }
            }
        }
        None
    }

    fn next_task(&self) -> Option<Task> {
        let mut queue = self.lock_queue();
        let task = queue.pop_front();
        if queue.is_empty() {
            self.nothing_left.send_replace(true);
        }
        task
    }

    fn put_back(&self, task: Task) {
        let mut queue = self.lock_queue();
        queue.push_front(task);
        self.nothing_left.send_replace(false);
    }

    fn give_up(&self, failure: &Failure) {
        let left: Vec<Task> = self.lock_queue().drain(..).collect();
        self.nothing_left.send_replace(true);
        for task in left {
            self.settle(task.page, PageOutcome::Failed(failure.clone()));
        }
    }

    fn lock_queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Task>> {
        self.queue.lock().expect("no panic holds this lock")
    }

    fn settle(&self, page: PageIndex, outcome: PageOutcome) {
        self.outcomes.lock().expect("no panic holds this lock").insert(page.number().into(), outcome);
    }

    fn past_last_start(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline.last_start)
    }
}

/// Why a page was not drawn.
enum Stopped {
    Worker(WorkerError),
    Deadline(Deadline),
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn entry(image: &Rendered, kept: Kept, upload: Duration) -> manifest::Image {
    manifest::Image {
        key: kept.key,
        width: image.width_px,
        height: image.height_px,
        bytes: image.file.len() as u64,
        sha256: hex(&kept.sha256),
        etag: kept.etag,
        content_errors: image.content_errors,
        ms: PageMilliseconds {
            render: milliseconds(image.render),
            encode: milliseconds(image.encode),
            upload: milliseconds(upload),
        },
    }
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
