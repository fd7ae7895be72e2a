//! The pages of one document: dealt out to workers, gathered into a sink.
//!
//! Each worker takes the next page as soon as it is free. What a page does to its worker stays
//! with that page. Finished images go to the [`PageSink`] while other pages are drawn; how many
//! bytes may wait there is bounded, so memory does not grow with the page count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use render_api::PageIndex;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::settings::hex;
use crate::config::{Backend, RenditionName, Settings};
use crate::manifest::{self, Attempt, Failure, PageMilliseconds};
use crate::pdf_file::PdfFile;
use crate::worker::{Engine, Pool, Rendered, RenderedImage, Worker, WorkerError};

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

/// A document that an engine has opened.
struct Opened {
    worker: Worker,
    engine: Engine,
    /// The engine's place in the chain.
    place: usize,
    /// What those before it said.
    attempts: Vec<Attempt>,
}

/// Opens the document with the first engine of the chain that can.
async fn open(
    pool: &Pool,
    pdf: &PdfFile,
    first: Option<Worker>,
    settings: &Settings,
) -> Result<Opened, DocumentError> {
    let mut first = first;
    let mut attempts = Vec::new();
    let mut refused: Option<DocumentError> = None;
    for (place, backend) in settings.backends().into_iter().enumerate() {
        match open_with(pool, pdf, first.take(), backend, settings).await {
            Ok((worker, engine)) => return Ok(Opened { worker, engine, place, attempts }),
            Err(error) => {
                tracing::warn!(%backend, code = error.failure.code, "not opened: {}", error.failure.message);
                attempts.push(Attempt { backend: backend.to_string(), failure: error.failure.clone() });
                refused.get_or_insert(error);
            }
        }
    }
    // What the engine of the deployment's choice says comes first.
    let mut error = refused.expect("a chain has an engine");
    for attempt in &attempts[1..] {
        let Failure { code, message } = &attempt.failure;
        error.failure.message += &format!("; {}: {message} ({code})", attempt.backend);
    }
    Err(error)
}

async fn open_with(
    pool: &Pool,
    pdf: &PdfFile,
    first: Option<Worker>,
    backend: Backend,
    settings: &Settings,
) -> Result<(Worker, Engine), DocumentError> {
    let mut first = first;
    let mut is_retry = false;
    loop {
        let outcome = async {
            let mut worker = match first.take() {
                Some(worker) => worker,
                None => pool.start(pdf, backend).await?,
            };
            let engine = worker.open(pdf, settings).await?;
            Ok((worker, engine))
        };
        match outcome.await {
            Ok(opened) => return Ok(opened),
            // Somebody killed it from outside, which says nothing about the document yet.
            Err(WorkerError::Killed) if !is_retry => is_retry = true,
            Err(error) => {
                let retryable = matches!(error, WorkerError::Spawn(_) | WorkerError::Engine(_));
                return Err(DocumentError { failure: not_opened(&error), retryable });
            }
        }
    }
}

/// What a worker's failure means if it was to open the document.
fn not_opened(error: &WorkerError) -> Failure {
    let code = match error.code() {
        "page_timeout" => "open_timeout",
        "page_crashed" => "open_crashed",
        "page_memory" => "open_memory",
        other => other,
    };
    let message = match error {
        WorkerError::Refused { message, .. } | WorkerError::Engine(message) => message.clone(),
        other => format!("while the document was opened: {other}"),
    };
    failure(code, message)
}

/// A page to draw.
#[derive(Debug, Clone)]
struct Task {
    page: PageIndex,
    /// Whether a worker of this engine has died of it, or beside it, before.
    retried: bool,
    /// The engines that have failed at it.
    attempts: Vec<Attempt>,
}

/// What the workers of a document share.
struct Shared {
    pool: Pool,
    pdf: Arc<PdfFile>,
    settings: Arc<Settings>,
    deadline: Option<Deadline>,
    page_count: u32,
    /// The engines, in the order in which they are tried.
    chain: Vec<Backend>,
    /// For each engine of the chain, the pages that it is to draw.
    queues: Mutex<Vec<VecDeque<Task>>>,
    /// Those that have opened the document.
    engines: Mutex<Vec<manifest::Engine>>,
    /// Set when the queues run dry, so that nobody waits for a worker that has nothing to do.
    nothing_left: watch::Sender<bool>,
    outcomes: Mutex<BTreeMap<i64, PageReport>>,
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
            self.work_with(worker).await;
        }
    }

    /// Takes the pages of a worker's engine, until there are none or the worker has died.
    async fn work_with(self: &Arc<Self>, mut worker: Worker) {
        while !self.past_last_start() {
            let Some(task) = self.next_task(worker.backend()) else { return };
            let fresh = worker.pages() == 0;
            match self.draw(&mut worker, task.page).await {
                Ok(image) => self.hand_over(task, self.engine(worker.backend()), image).await,
                Err(Stopped::Deadline(deadline)) => {
                    self.settle(task, deadline.missed("finished"));
                    return;
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
                    let (page, backend) = (task.page, worker.backend());
                    tracing::warn!(%page, %backend, code = error.code(), retry, "page failed: {error}");
                    if retry {
                        self.put_back(backend, Task { retried: true, ..task });
                    } else {
                        self.fall_back(backend, task, failure(error.code(), format!("page {page}: {error}")));
                    }
                    if spent {
                        return;
                    }
                }
            }
        }
    }

    /// Leaves a page that an engine has failed at to the next one; without one, it has failed.
    fn fall_back(&self, backend: Backend, mut task: Task, failure: Failure) {
        let attempt = Attempt { backend: backend.to_string(), failure };
        match self.after(backend) {
            Some(next) => {
                task.attempts.push(attempt);
                self.put_back(next, Task { retried: false, ..task });
            }
            None => {
                // The engine of the deployment's choice is the one whose failure counts.
                let failure = task.attempts.first().unwrap_or(&attempt).failure.clone();
                if !task.attempts.is_empty() {
                    task.attempts.push(attempt);
                }
                self.settle(task, PageOutcome::Failed(failure));
            }
        }
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

    /// Gives a page's images to the sink, and waits only while too many bytes wait already.
    async fn hand_over(self: &Arc<Self>, task: Task, engine: manifest::Engine, rendered: Rendered) {
        let page = task.page;
        let drawn = DrawnPage {
            page,
            page_count: self.page_count,
            engine,
            attempts: task.attempts.clone(),
            content_errors: rendered.content_errors,
        };
        // Images that are larger than the whole allowance take all of it.
        let share = rendered.bytes().clamp(1, WAITING_BYTES) as u32;
        let share = Arc::clone(&self.waiting_bytes).acquire_many_owned(share).await;
        let finished = Instant::now();
        let shared = Arc::clone(self);
        self.writers.lock().expect("no panic holds this lock").spawn(async move {
            let _share = share;
            let kept = shared.keep(&drawn, &rendered);
            let outcome = match shared.deadline {
                None => Ok(kept.await),
                Some(deadline) => {
                    tokio::time::timeout_at(deadline.last_page, kept).await.map_err(|_| deadline)
                }
            };
            let outcome = match outcome {
                Ok(Ok(kept)) => {
                    PageOutcome::Kept { image: entry(&rendered, &drawn.engine, kept, finished.elapsed()) }
                }
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
            shared.settle(task, outcome);
        });
    }

    /// Has the sink keep all images of a page; the first failure is that of the page.
    async fn keep(&self, drawn: &DrawnPage, rendered: &Rendered) -> Result<KeptPage, SinkError> {
        let keep = async |rendition, image| {
            let _write = self.writes.acquire().await;
            self.sink.keep(drawn, rendition, image).await
        };
        let renditions = rendered.renditions.iter().map(|(name, image)| keep(Some(name), image));
        let (main, renditions) = tokio::join!(keep(None, &rendered.main), join_all(renditions));
        Ok(KeptPage { main: main?, renditions: renditions.into_iter().collect::<Result<_, _>>()? })
    }

    /// A further worker with the document open, for the first engine that has pages to draw;
    /// `None` if there is nothing left to do.
    async fn next_worker(&self) -> Option<Worker> {
        let mut nothing_left = self.nothing_left.subscribe();
        let mut failed_starts = 0;
        while let Some(backend) = self.next_backend() {
            let opening = async {
                let mut worker = self.pool.start(&self.pdf, backend).await?;
                worker.open(&self.pdf, &self.settings).await.map(|engine| (worker, engine))
            };
            let opened = tokio::select! {
                biased;
                _ = nothing_left.wait_for(|nothing_left| *nothing_left) => return None,
                () = sleep_until(self.deadline.map(|d| d.last_start)) => return None,
                opened = opening => opened,
            };
            match opened {
                Ok((worker, engine)) => {
                    self.note(named(&engine));
                    return Some(worker);
                }
                // The first engine of the chain has opened the document before.
                Err(error) if backend != self.chain[0] && !error.is_retryable() => {
                    tracing::warn!(%backend, code = error.code(), "not opened by a further engine: {error}");
                    self.pass_over(backend, &not_opened(&error));
                }
                Err(error) => {
                    tracing::warn!(code = error.code(), "a further worker could not be had: {error}");
                    let message = format!("no worker could be had to draw the page: {error}");
                    *self.trouble.lock().expect("no panic holds this lock") =
                        Some(failure("worker_unavailable", message));
                    failed_starts += 1;
                    if failed_starts == WORKER_ATTEMPTS {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// The first engine that has pages to draw.
    fn next_backend(&self) -> Option<Backend> {
        let place = self.lock_queues().iter().position(|queue| !queue.is_empty())?;
        Some(self.chain[place])
    }

    /// Leaves the pages of an engine that cannot open the document to the next one.
    fn pass_over(&self, backend: Backend, failure: &Failure) {
        let tasks = std::mem::take(&mut self.lock_queues()[self.place(backend)]);
        for task in tasks {
            self.fall_back(backend, task, failure.clone());
        }
        self.tell_what_is_left(&self.lock_queues());
    }

    fn next_task(&self, backend: Backend) -> Option<Task> {
        let mut queues = self.lock_queues();
        let task = queues[self.place(backend)].pop_front();
        self.tell_what_is_left(&queues);
        task
    }

    fn put_back(&self, backend: Backend, task: Task) {
        let mut queues = self.lock_queues();
        queues[self.place(backend)].push_front(task);
        self.tell_what_is_left(&queues);
    }

    fn give_up(&self, failure: &Failure) {
        let left: Vec<Task> = self.lock_queues().iter_mut().flat_map(|queue| queue.drain(..)).collect();
        self.nothing_left.send_replace(true);
        for task in left {
            self.settle(task, PageOutcome::Failed(failure.clone()));
        }
    }

    fn tell_what_is_left(&self, queues: &[VecDeque<Task>]) {
        self.nothing_left.send_replace(queues.iter().all(VecDeque::is_empty));
    }

    fn place(&self, backend: Backend) -> usize {
        self.chain.iter().position(|b| *b == backend).expect("workers are started for engines of the chain")
    }

    fn after(&self, backend: Backend) -> Option<Backend> {
        self.chain.get(self.place(backend) + 1).copied()
    }

    fn note(&self, engine: manifest::Engine) {
        let mut engines = self.engines.lock().expect("no panic holds this lock");
        if !engines.contains(&engine) {
            engines.push(engine);
        }
    }

    /// An engine that has opened the document, as manifests have it.
    fn engine(&self, backend: Backend) -> manifest::Engine {
        let engines = self.engines.lock().expect("no panic holds this lock");
        let known = engines.iter().find(|engine| engine.name == backend.as_str());
        known
            .cloned()
            .unwrap_or_else(|| manifest::Engine { name: backend.to_string(), version: String::new() })
    }

    fn lock_queues(&self) -> std::sync::MutexGuard<'_, Vec<VecDeque<Task>>> {
        self.queues.lock().expect("no panic holds this lock")
    }

    fn settle(&self, task: Task, outcome: PageOutcome) {
        let report = PageReport { attempts: task.attempts, outcome };
        self.outcomes.lock().expect("no panic holds this lock").insert(task.page.number().into(), report);
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

/// An engine as manifests have it.
pub(crate) fn named(engine: &Engine) -> manifest::Engine {
    manifest::Engine { name: engine.backend.to_string(), version: engine.version.clone() }
}

/// The images of a page as the sink has kept them.
struct KeptPage {
    main: Kept,
    /// In the order of the settings.
    renditions: Vec<Kept>,
}

fn entry(
    rendered: &Rendered,
    engine: &manifest::Engine,
    kept: KeptPage,
    upload: Duration,
) -> manifest::Image {
    let image = &rendered.main;
    let encode = rendered.renditions.iter().map(|(_, image)| image.encode).sum::<Duration>() + image.encode;
    let renditions = rendered.renditions.iter().zip(kept.renditions).map(|((name, image), kept)| {
        let rendition = manifest::RenditionImage {
            key: kept.key,
            width: image.width_px,
            height: image.height_px,
            bytes: image.file.len() as u64,
            sha256: hex(&kept.sha256),
            etag: kept.etag,
        };
        (name.to_string(), rendition)
    });
    manifest::Image {
        key: kept.main.key,
        width: image.width_px,
        height: image.height_px,
        bytes: image.file.len() as u64,
        sha256: hex(&kept.main.sha256),
        etag: kept.main.etag,
        backend: engine.name.clone(),
        content_errors: rendered.content_errors,
        ms: PageMilliseconds {
            render: milliseconds(rendered.render),
            encode: milliseconds(encode),
            upload: milliseconds(upload),
        },
        renditions: renditions.collect(),
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
