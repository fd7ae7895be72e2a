//! What happened, in order: kept, so that nobody who listens late or slowly misses anything.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pdf2img::manifest::Status;
use serde::Serialize;
use tokio::sync::watch;

/// Something that the local stack did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LocalEvent {
    /// An object appeared in a bucket.
    ObjectCreated {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// The length in bytes.
        bytes: u64,
        /// What S3 calls the event: `ObjectCreated:Put`.
        event: &'static str,
    },
    /// An execution environment is up: its runtime asked for the first invocation.
    Initialized {
        /// The environment's number, counted from 1.
        environment: u32,
        /// From starting the process to its first request for an invocation.
        init_ms: f64,
    },
    /// An execution environment did not come up.
    InitFailed {
        /// The environment's number, counted from 1.
        environment: u32,
        /// What it said, or how it ended.
        message: String,
    },
    /// An invocation was handed to the function.
    Start {
        /// The invocation.
        request_id: String,
        /// The environment's number, counted from 1.
        environment: u32,
    },
    /// An invocation ended.
    Report(Report),
    /// A delivery failed, and will be tried again.
    Retry {
        /// The invocation, or the SQS message.
        id: String,
        /// How many attempts there were.
        attempts: u32,
        /// The pause before the next one.
        after_ms: u64,
        /// Why the last one failed.
        error: String,
    },
    /// A delivery was given up, and its event kept in a file.
    DeadLetter {
        /// The invocation, or the SQS message.
        id: String,
        /// The file.
        file: String,
        /// Why the last attempt failed.
        error: String,
    },
    /// A manifest was written.
    Document {
        /// The bucket of the PDF.
        bucket: String,
        /// The key of the PDF.
        key: String,
        /// Where the manifest is, in the output bucket.
        manifest: String,
        /// How far the document got.
        status: Status,
        /// Pages asked for.
        pages: u32,
        /// Images that exist.
        images: u32,
        /// Pages that failed, or were not reached.
        failures: u32,
        /// Bytes of all images.
        bytes: u64,
        /// From the event to the manifest, by the function's clock.
        total_ms: f64,
        /// The page to look at, if contact sheets are on.
        #[serde(skip_serializing_if = "Option::is_none")]
        contact_sheet: Option<String>,
    },
    /// Something that should not happen, and does not stop the stack.
    Warning {
        /// What.
        message: String,
    },
}

/// The account of one invocation, as Lambda's REPORT line gives it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The invocation.
    pub request_id: String,
    /// The environment's number, counted from 1.
    pub environment: u32,
    /// From handing out the event to the runtime's next request for one.
    pub duration_ms: f64,
    /// Duration plus initialization, in whole milliseconds.
    pub billed_duration_ms: u64,
    /// What the function was given, by configuration; it is not enforced here.
    pub memory_size_mb: u32,
    /// The highest sum of the resident memory of the environment's processes that was seen.
    ///
    /// It is sampled every 50 ms and when an invocation ends, and is at least the main process's own
    /// peak (`VmHWM`). Memory that two processes share is counted for both.
    pub max_memory_used_mb: u64,
    /// From starting the process to its first request; only for its first invocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_duration_ms: Option<f64>,
    /// How it ended.
    pub outcome: InvocationStatus,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InvocationStatus {
    /// The function answered.
    Success,
    /// The function answered with an error.
    Error,
    /// The function was killed at its timeout.
    Timeout,
    /// The function's process ended.
    Exited,
}

impl fmt::Display for LocalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocalEvent::ObjectCreated { bucket, key, bytes, event } => {
                write!(f, "{event} s3://{bucket}/{key} ({bytes} bytes)")
            }
            LocalEvent::Initialized { environment, init_ms } => {
                write!(f, "INIT_START Environment: {environment}\tInit Duration: {init_ms:.2} ms")
            }
            LocalEvent::InitFailed { environment, message } => {
                write!(f, "INIT_REPORT Environment: {environment}\tStatus: error\t{message}")
            }
            LocalEvent::Start { request_id, .. } => {
                write!(f, "START RequestId: {request_id} Version: $LATEST")
            }
            LocalEvent::Report(report) => report.fmt(f),
            LocalEvent::Retry { id, attempts, after_ms, error } => {
                write!(f, "RETRY {id}: attempt {attempts} failed, the next in {after_ms} ms: {error}")
            }
            LocalEvent::DeadLetter { id, file, error } => {
                write!(f, "DEAD LETTER {id}: {error}; the event is kept in {file}")
            }
            LocalEvent::Document { bucket, key, status, pages, images, total_ms, contact_sheet, .. } => {
                let status = match status {
                    Status::Complete => "complete",
                    Status::Partial => "partial",
                    Status::Failed => "failed",
                };
                write!(f, "{status}: s3://{bucket}/{key}, {images} of {pages} pages in {total_ms:.0} ms")?;
                contact_sheet.iter().try_for_each(|file| write!(f, ", see {file}"))
            }
            LocalEvent::Warning { message } => write!(f, "WARNING {message}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "END RequestId: {}", self.request_id)?;
        write!(
            f,
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB",
            self.request_id,
            self.duration_ms,
            self.billed_duration_ms,
            self.memory_size_mb,
            self.max_memory_used_mb
        )?;
        if let Some(init) = self.init_duration_ms {
            write!(f, "\tInit Duration: {init:.2} ms")?;
        }
        match self.outcome {
            InvocationStatus::Success => {}
            InvocationStatus::Error => write!(f, "\tStatus: error")?,
            InvocationStatus::Timeout => write!(f, "\tStatus: timeout")?,
            InvocationStatus::Exited => write!(f, "\tStatus: error\tError Type: Runtime.ExitError")?,
        }
        self.error.iter().try_for_each(|error| write!(f, "\t{error}"))
    }
}

/// All events so far, and a bell for new ones.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    events: Arc<Mutex<Vec<LocalEvent>>>,
    length: Arc<watch::Sender<usize>>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Journal { events: Arc::default(), length: Arc::new(watch::Sender::new(0)) }
    }

    pub(super) fn record(&self, event: LocalEvent) {
        let mut events = self.lock();
        events.push(event);
        self.length.send_replace(events.len());
    }

    pub(super) fn warn(&self, message: String) {
        self.record(LocalEvent::Warning { message });
    }

    pub(super) fn all(&self) -> Vec<LocalEvent> {
        self.lock().clone()
    }

    pub(super) fn follow(&self) -> EventStream {
        EventStream { events: self.events.clone(), length: self.length.subscribe(), next: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LocalEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events of a stack from its start on, then as they happen.
#[derive(Debug)]
pub struct EventStream {
    events: Arc<Mutex<Vec<LocalEvent>>>,
    length: watch::Receiver<usize>,
    next: usize,
}

impl EventStream {
    /// Waits for the next event; `None` once the stack is gone and everything was seen.
    pub async fn next(&mut self) -> Option<LocalEvent> {
        let next = self.next;
        // An error says that the stack is gone; what it recorded is still there.
        let _ = self.length.wait_for(|length| *length > next).await;
        let event = self.events.lock().unwrap_or_else(PoisonError::into_inner).get(next).cloned();
        self.next += usize::from(event.is_some());
        event
    }
}
