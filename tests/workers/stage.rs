//! What the tests play on: a pool, a document, a sink in memory, and a view of processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pdf2img::config::{Backend, RenditionName, Settings};
use pdf2img::manifest::Failure;
use pdf2img::pages::{
    Deadline, DeadlineCause, DocumentError, DrawnPage, Kept, PageOutcome, PageReport, PageSink, Request,
    SinkError, render_pages,
};
use pdf2img::pdf_file::PdfFile;
use pdf2img::worker::sandbox::Limits;
use pdf2img::worker::{Pool, RenderedImage, WorkerCommand};
use rustix::process::Pid;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::hostile::{Deed, Moment, Part};

/// How long something may take that takes milliseconds on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A document, the workers that are to draw it, and what is asked of them.
pub(crate) struct Scene {
    command: Result<WorkerCommand, Part>,
    pool_size: usize,
    limits: Limits,
    settings: Settings,
    pdf: Vec<u8>,
    deadline: Option<(Duration, Duration, DeadlineCause)>,
    gallery: Arc<Gallery>,
    journal: Option<TempDir>,
}

/// What one page came to.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// `kept`, or the code of its failure.
    pub(crate) code: String,
    pub(crate) message: String,
    /// Whether another attempt may get it.
    pub(crate) is_missing: bool,
    /// The engine that drew it; empty if none did.
    pub(crate) backend: String,
    /// The engines that failed at it, with their codes.
    pub(crate) attempts: Vec<(String, String)>,
}

impl Scene {
    /// Hostile workers, two at a time.
    pub(crate) fn of(moment: Moment, deed: Deed) -> Scene {
        Scene::new(Err(part(moment, deed)))
    }

    /// Workers of any kind, two at a time.
    pub(crate) fn with_command(command: WorkerCommand) -> Scene {
        Scene::new(Ok(command))
    }

    fn new(command: Result<WorkerCommand, Part>) -> Scene {
        Scene {
            command,
            pool_size: 2,
            limits: unique_limits(),
            settings: Settings::default(),
            pdf: b"%PDF-1.7".to_vec(),
            deadline: None,
            gallery: Arc::new(Gallery::default()),
            journal: None,
        }
    }

    pub(crate) fn pool_of(mut self, size: usize) -> Scene {
        self.pool_size = size;
        self
    }

    pub(crate) fn of_pdf(mut self, pdf: Vec<u8>) -> Scene {
        self.pdf = pdf;
        self
    }

    /// Engines beside MuPDF that are tried; the deed is done by MuPDF's workers alone, or by all.
    pub(crate) fn fallback(mut self, fallback: &[Backend], guilty: Option<Backend>) -> Scene {
        self.settings.fallback = fallback.to_vec();
        if let (Err(part), Some(guilty)) = (&mut self.command, guilty) {
            part.backend = guilty.to_string();
        }
        self
    }

    pub(crate) fn page_timeout(mut self, timeout: Duration) -> Scene {
        self.settings.limits.page_timeout = timeout;
        self
    }

    /// The sink takes so long for each image.
    pub(crate) fn sink_delay(mut self, delay: Duration) -> Scene {
        self.gallery = Arc::new(Gallery { delay, ..Gallery::default() });
        self
    }

    /// No page is started after the first of these, or waited for after the second.
    pub(crate) fn deadline(
        mut self,
        last_start: Duration,
        last_page: Duration,
        cause: DeadlineCause,
    ) -> Scene {
        self.deadline = Some((last_start, last_page, cause));
        self
    }

    /// The workers write down what they are asked for.
    pub(crate) fn with_journal(mut self) -> Scene {
        let folder = tempfile::tempdir().expect("a temporary directory");
        if let Err(part) = &mut self.command {
            part.journal = Some(folder.path().join("journal").to_str().expect("UTF-8").to_owned());
        }
        self.journal = Some(folder);
        self
    }

    /// Only workers after the first one that opened the document do wrong; needs a journal.
    pub(crate) fn later_only(mut self) -> Scene {
        if let Err(part) = &mut self.command {
            part.later_only = true;
        }
        self
    }

    /// How often the workers wrote that line.
    pub(crate) fn journal_lines(&self, line: &str) -> usize {
        let folder = self.journal.as_ref().expect("a scene with a journal").path();
        let text = fs::read_to_string(folder.join("journal")).expect("the workers wrote");
        text.lines().filter(|written| *written == line).count()
    }

    pub(crate) fn gallery(&self) -> Arc<Gallery> {
        Arc::clone(&self.gallery)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Draws the document, and says what each page came to.
    pub(crate) async fn play(&self) -> Result<BTreeMap<i64, Page>, DocumentError> {
        let command = match &self.command {
            Ok(command) => command.clone(),
            Err(part) => command_of(part),
        };
        let pool = Pool::new(self.pool_size, self.limits, command);
        let pdf = Arc::new(PdfFile::from_bytes(&self.pdf).expect("a file in memory"));
        let now = Instant::now();
        let deadline = self.deadline.map(|(last_start, last_page, cause)| Deadline {
            last_start: now + last_start,
            last_page: now + last_page,
            cause,
        });
        let done = BTreeSet::new();
        let request = Request { settings: &self.settings, done: &done, deadline };
        let outcome = render_pages(&pool, &pdf, None, &request, self.gallery()).await?;
        Ok(outcome.pages.into_iter().map(|(number, report)| (number, Page::of(report))).collect())
    }
}

impl Page {
    fn of(report: PageReport) -> Page {
        let attempts =
            report.attempts.into_iter().map(|attempt| (attempt.backend, attempt.failure.code)).collect();
        let (failure, is_missing) = match report.outcome {
            PageOutcome::Kept { image } => {
                let (code, backend) = ("kept".to_owned(), image.backend);
                return Page { code, message: image.key, is_missing: false, backend, attempts };
            }
            PageOutcome::Failed(failure) => (failure, false),
            PageOutcome::Missing(failure) => (failure, true),
        };
        let Failure { code, message } = failure;
        Page { code, message, is_missing, backend: String::new(), attempts }
    }
}

/// The codes alone.
pub(crate) fn codes(pages: &BTreeMap<i64, Page>) -> BTreeMap<i64, &str> {
    pages.iter().map(|(number, page)| (*number, page.code.as_str())).collect()
}

/// Checks that pages 1 to 5 were kept but for page 3, which failed for good.
pub(crate) fn assert_only_page_3_failed(pages: &BTreeMap<i64, Page>, code: &str, deed: Deed) {
    let expected = [(1, "kept"), (2, "kept"), (3, code), (4, "kept"), (5, "kept")];
    assert_eq!(codes(pages), BTreeMap::from(expected), "{deed:?}: {pages:?}");
    assert!(!pages[&3].is_missing, "{deed:?}");
}

/// A sink in memory that remembers which pages it was given.
#[derive(Debug, Default)]
pub(crate) struct Gallery {
    pages: Mutex<BTreeSet<u32>>,
    delay: Duration,
}

impl Gallery {
    /// The pages that were kept, counted from 0.
    pub(crate) fn pages(&self) -> BTreeSet<u32> {
        self.pages.lock().expect("no panic holds this lock").clone()
    }
}

#[async_trait]
impl PageSink for Gallery {
    async fn keep(
        &self,
        drawn: &DrawnPage,
        _rendition: Option<&RenditionName>,
        image: &RenderedImage,
    ) -> Result<Kept, SinkError> {
        let page = drawn.page;
        assert!(!image.file.is_empty());
        tokio::time::sleep(self.delay).await;
        let is_new = self.pages.lock().expect("no panic holds this lock").insert(page.0);
        assert!(is_new, "page {page} was kept twice");
        Ok(Kept { key: page.to_string(), etag: String::new(), sha256: [0; 32] })
    }
}

/// How to start a hostile worker.
pub(crate) fn command(moment: Moment, deed: Deed) -> WorkerCommand {
    command_of(&part(moment, deed))
}

fn command_of(part: &Part) -> WorkerCommand {
    WorkerCommand { arguments: part.arguments(), ..WorkerCommand::default() }
}

fn part(moment: Moment, deed: Deed) -> Part {
    Part { moment, deed, journal: None, later_only: false, backend: String::new() }
}

/// Limits by which a pool's workers can be told from those of other tests in this process.
pub(crate) fn unique_limits() -> Limits {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let memory_bytes = (512 << 20) + 4096 * NEXT.fetch_add(1, Ordering::Relaxed);
    Limits { memory_bytes, cpu_seconds: 60 }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Waits until something holds; panics if it never does.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The running children of this process that were started under these limits.
pub(crate) fn processes_of(limits: &Limits) -> Vec<Pid> {
    let memory = limits.memory_bytes.to_string();
    let is_one = |process: &Pid| {
        let path = format!("/proc/{}/cmdline", process.as_raw_nonzero());
        fs::read(path).is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == memory.as_bytes()))
    };
    children_of(std::process::id()).into_iter().filter(is_one).collect()
}

/// The children of a process, those included that have ended and were not waited for.
pub(crate) fn children_of(parent: u32) -> Vec<Pid> {
    let names = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok).map(|entry| entry.file_name());
    let processes = names.filter_map(|name| Pid::from_raw(name.to_str()?.parse().ok()?));
    processes.filter(|process| stat(*process).is_some_and(|(_, of)| of == parent)).collect()
}

/// Whether there is such a process, also one that has ended and was not waited for.
pub(crate) fn process_exists(process: Pid) -> bool {
    Path::new(&format!("/proc/{}", process.as_raw_nonzero())).exists()
}

/// Whether a process has not ended, whoever is to wait for it.
pub(crate) fn runs(process: Pid) -> bool {
    stat(process).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// A process's state and parent.
fn stat(process: Pid) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
