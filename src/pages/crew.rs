//! The workers of one document: each takes the next page as soon as it is free, or while it draws another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use render_api::PageIndex;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::open::not_opened;
use super::{
    Deadline, DrawnPage, Kept, PageOutcome, PageReport, PageSink, SinkError, WAITING_BYTES, failure,
    milliseconds, named,
};
use crate::config::settings::hex;
use crate::config::{Backend, Settings};
use crate::manifest::{self, Attempt, Failure, PageMilliseconds};
use crate::pdf_file::PdfFile;
use crate::worker::{Pool, Rendered, Worker, WorkerError};

/// How often a further worker is tried to be had before its seat stays empty.
const WORKER_ATTEMPTS: u32 = 3;

/// A worker is asked for a page ahead while there are so many for each: with fewer, one that has a long page
/// to draw would keep it from the others.
const PAGES_TO_ASK_AHEAD: usize = 2;

/// A page to draw.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) page: PageIndex,
    /// Whether a worker of this engine has died of it, or beside it, before.
    pub(super) retried: bool,
    /// The engines that have failed at it.
    pub(super) attempts: Vec<Attempt>,
}

/// What the workers of a document share.
pub(super) struct Shared {
    pub(super) pool: Pool,
    pub(super) pdf: Arc<PdfFile>,
    pub(super) settings: Arc<Settings>,
    pub(super) deadline: Option<Deadline>,
    pub(super) page_count: u32,
    /// The engines, in the order in which they are tried.
    pub(super) chain: Vec<Backend>,
    /// For each engine of the chain, the pages that it is to draw.
    pub(super) queues: Mutex<Vec<VecDeque<Task>>>,
    /// Those that have opened the document.
    pub(super) engines: Mutex<Vec<manifest::Engine>>,
    /// Set when the queues run dry, so that nobody waits for a worker that has nothing to do.
    pub(super) nothing_left: watch::Sender<bool>,
    pub(super) outcomes: Mutex<BTreeMap<i64, PageReport>>,
    pub(super) waiting_bytes: Arc<Semaphore>,
    pub(super) writes: Arc<Semaphore>,
    pub(super) writers: Mutex<JoinSet<()>>,
    /// Why no worker could be had, if that happened.
    pub(super) trouble: Mutex<Option<Failure>>,
    pub(super) sink: Arc<dyn PageSink>,
}

impl Shared {
    /// One seat of the crew: takes pages until there are none, with one worker after the other.
    pub(super) async fn work(self: Arc<Self>, mut seated: Option<Worker>) {
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
        // What the worker was asked for beside the page before.
        let mut ahead = None;
        while let Some(task) = ahead.take().or_else(|| self.next_task(worker.backend(), 1)) {
            let fresh = worker.pages() == 0;
            match self.draw(&mut worker, task.page, &mut ahead).await {
                Ok(image) => self.hand_over(task, self.engine(worker.backend()), image).await,
                Err(Stopped::Deadline(deadline)) => {
                    self.put_back(worker.backend(), ahead);
                    self.settle(task, deadline.missed("finished"));
                    return;
                }
                Err(Stopped::Worker(error)) => {
                    // An engine that reports want of memory lives on, with a heap full of what it tried.
                    let spent = !error.leaves_worker_alive() || error.code() == "page_memory";
                    // A timeout is the page's own: the clock started when the page before was there. Any
                    // other death may be owed to what earlier pages left in the worker, or to somebody's
                    // SIGKILL.
                    let retry = spent
                        && !task.retried
                        && !matches!(error, WorkerError::Timeout(_))
                        && (!fresh || error.is_retryable());
                    let (page, backend) = (task.page, worker.backend());
                    tracing::warn!(%page, %backend, code = error.code(), retry, "page failed: {error}");
                    if spent {
                        self.put_back(backend, ahead.take());
                    }
                    if retry {
                        self.put_back(backend, [Task { retried: true, ..task }]);
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
                self.put_back(next, [Task { retried: false, ..task }]);
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

    /// Has a worker draw a page, and asks it for one more while there are enough for all.
    async fn draw(
        &self,
        worker: &mut Worker,
        page: PageIndex,
        ahead: &mut Option<Task>,
    ) -> Result<Rendered, Stopped> {
        let within = self.settings.limits.page_timeout;
        let backend = worker.backend();
        let drawing = worker.render(page, within, || {
            *ahead = self.next_task(backend, PAGES_TO_ASK_AHEAD * self.pool.size());
            ahead.as_ref().map(|task| task.page)
        });
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
        let mut writers = self.writers.lock().expect("no panic holds this lock");
        // One that has ended keeps its memory until somebody takes note of it.
        while let Some(ended) = writers.try_join_next() {
            ended.expect("a writer does not panic");
        }
        writers.spawn(async move {
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
                        // What is refused for one page is refused for all: deal no more of them out.
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

    /// The next page of an engine, if there are so many and there is time to start on one.
    fn next_task(&self, backend: Backend, least: usize) -> Option<Task> {
        if self.past_last_start() {
            return None;
        }
        let mut queues = self.lock_queues();
        let queue = &mut queues[self.place(backend)];
        let task = if queue.len() < least { None } else { queue.pop_front() };
        self.tell_what_is_left(&queues);
        task
    }

    fn put_back(&self, backend: Backend, tasks: impl IntoIterator<Item = Task>) {
        let mut queues = self.lock_queues();
        let queue = &mut queues[self.place(backend)];
        tasks.into_iter().for_each(|task| queue.push_front(task));
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

    pub(super) fn lock_queues(&self) -> std::sync::MutexGuard<'_, Vec<VecDeque<Task>>> {
        self.queues.lock().expect("no panic holds this lock")
    }

    fn settle(&self, task: Task, outcome: PageOutcome) {
        let report = PageReport { attempts: task.attempts, outcome };
        self.outcomes.lock().expect("no panic holds this lock").insert(task.page.number().into(), report);
    }

    pub(super) fn past_last_start(&self) -> bool {
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
