//! One invocation: its jobs are run, and what came of them decides the answer.
//!
//! **Invariant:** an event is acknowledged only if every document that it names has a manifest,
//! or needs none. What failed for good is recorded, and trying again cannot help; what failed for
//! now, or could not be recorded, goes back to Lambda, whose retries and dead-letter queue take over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::config::{Backend, Config, Settings};
use crate::event::{self, Job, Reply};
use crate::manifest::Failure;
use crate::pages::{Deadline, DeadlineCause, failure};
use crate::pipeline::{Context, Done};
use crate::store::ObjectStore;
use crate::store::fetch::FetchOptions;
#[cfg(feature = "function")]
use crate::store::s3::{S3ConfigError, S3Store};
use crate::telemetry;
use crate::worker::sandbox::Limits;
use crate::worker::{Pool, WorkerCommand, WorkerError};

/// The most CPU time that a worker may use: the longest that a Lambda invocation can last.
const WORKER_CPU_SECONDS: u64 = 15 * 60;

/// The function, ready to be invoked.
pub struct Handler {
    config: Config,
    context: Context,
}

/// What an invocation brings beside its event.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// How long it may last, if that is limited.
    pub remaining: Option<Duration>,
    /// Its id, for the log.
    pub request_id: String,
    /// Whether it is the first of this process.
    pub cold_start: bool,
}

/// Why an invocation ends with an error, which has Lambda try it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvocationError {
    /// The event is none that is understood.
    #[error(transparent)]
    Event(#[from] event::EventError),
    /// Documents failed for now, or could not be recorded.
    #[error("{} not done: {}", counted(.documents.len(), "document"), .documents.join("; "))]
    TryAgain {
        /// Each with what happened.
        documents: Vec<String>,
    },
}

impl InvocationError {
    /// Its kind, as Lambda shows it beside the message.
    pub fn name(&self) -> &'static str {
        match self {
            InvocationError::Event(_) => "UnknownEvent",
            InvocationError::TryAgain { .. } => "TryAgain",
        }
    }
}

impl Handler {
    /// Gets the function ready with the store that the configuration names.
    ///
    /// # Errors
    ///
    /// [`S3ConfigError`] if the S3 client cannot be set up.
    #[cfg(feature = "function")]
    pub fn new(config: Config) -> Result<Handler, S3ConfigError> {
        let store = S3Store::new(&config.s3)?;
        let workers = WorkerCommand::of(&config.deployment);
        Ok(Handler::with(config, Arc::new(store), workers))
    }

    /// Gets the function ready with another store or other workers.
    pub fn with(config: Config, store: Arc<dyn ObjectStore>, workers: WorkerCommand) -> Handler {
        let deployment = &config.deployment;
        let limits = Limits { memory_bytes: deployment.worker_memory_bytes, cpu_seconds: WORKER_CPU_SECONDS };
        let pool = Pool::new(deployment.workers.get(), limits, workers);
        Handler { context: Context { store, pool, fetch: FetchOptions::default() }, config }
    }

    /// Reads PDFs from the store with other timeouts and pauses; the limit on their size stays that
    /// of the settings.
    #[must_use]
    pub fn with_fetch(mut self, fetch: FetchOptions) -> Handler {
        self.context.fetch = fetch;
        self
    }

    /// Has a worker try its sandbox out, and logs what is enforced.
    pub async fn self_test(&self) {
        if let Err(error) = self.context.pool.self_test(self.config.settings.backend).await {
            tracing::error!(code = error.code(), "no worker can be started: {error}");
        }
    }

    /// Has a worker load PDFium, if that is among the engines: of all of them it alone is a file,
    /// which can be missing or of another version.
    ///
    /// # Errors
    ///
    /// [`WorkerError`] that says what is missing.
    pub async fn check_engines(&self) -> Result<(), WorkerError> {
        if self.config.settings.backends().contains(&Backend::Pdfium) {
            self.context.pool.self_test(Backend::Pdfium).await?;
        }
        Ok(())
    }

    /// Runs an event's jobs and answers it.
    ///
    /// # Errors
    ///
    /// [`InvocationError`], which has Lambda try the event again. SQS messages that must come
    /// again are named in the answer instead.
    pub async fn handle(&self, payload: &Value, invocation: &Invocation) -> Result<Value, InvocationError> {
        let event = event::parse(payload)?;
        for ignored in &event.ignored {
            tracing::info!(message_id = ignored.message_id, "ignored: {}", ignored.reason);
        }
        for rejected in &event.rejected {
            let (message_id, code) = (&rejected.message_id, rejected.error.code());
            tracing::error!(message_id, code, "rejected: {}", rejected.error);
        }
        let deadline = invocation.remaining.map(deadline_within);
        let finished: Vec<Finished> = stream::iter(event.jobs)
            .map(|job| self.run(job, deadline, invocation))
            .buffer_unordered(self.context.pool.size())
            .collect()
            .await;

        let rejected = event.rejected.iter().map(|rejected| {
            let error = &rejected.error;
            (rejected.message_id.clone(), failure(error.code(), error.to_string()))
        });
        let again: Vec<(Option<String>, Failure)> = finished
            .iter()
            .filter_map(|f| f.again.clone().map(|failure| (f.message_id.clone(), failure)))
            .chain(rejected)
            .collect();
        match event.reply {
            // Without an id a message cannot be named, and the whole batch has to come again.
            Reply::Sqs if again.iter().all(|(id, _)| id.is_some()) => {
                let ids: BTreeSet<String> = again.into_iter().filter_map(|(id, _)| id).collect();
                let failures: Vec<Value> =
                    ids.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
                Ok(json!({ "batchItemFailures": failures }))
            }
            _ if !again.is_empty() => Err(InvocationError::TryAgain {
                documents: again.into_iter().map(|(_, f)| format!("{} ({})", f.message, f.code)).collect(),
            }),
            _ => Ok(json!({ "documents": finished.into_iter().map(|f| f.answer).collect::<Vec<_>>() })),
        }
    }

    async fn run(&self, job: Job, deadline: Option<Deadline>, invocation: &Invocation) -> Finished {
        let settings = match self.config.settings_with(&job.overrides) {
            Ok(settings) => settings,
            Err(error) => {
                let failure = failure(error.code(), error.to_string());
                tracing::error!(key = job.source.key, code = failure.code, "{}", failure.message);
                return Finished {
                    message_id: job.message_id,
                    answer: json!({ "error": failure }),
                    again: Some(failure),
                };
            }
        };
        let deadline = earlier(deadline, document_deadline(&settings));
        let suffix = &self.config.deployment.input_suffix;
        let done = self.context.process(&job.source, &settings, suffix, deadline).await;
        let (answer, again) = self.account_for(&job, done, invocation);
        Finished { message_id: job.message_id, answer, again }
    }

    /// Logs what came of a document, and says whether it must come again.
    fn account_for(&self, job: &Job, done: Done, invocation: &Invocation) -> (Value, Option<Failure>) {
        let (bucket, key) = (&job.source.bucket, &job.source.key);
        match done {
            Done::Skipped { reason } => {
                tracing::info!(bucket, key, request_id = invocation.request_id, "skipped: {reason}");
                (json!({ "bucket": bucket, "key": key, "skipped": reason }), None)
            }
            Done::Recorded { manifest_key, bucket: output_bucket, manifest, retry, already } => {
                telemetry::summarize(&manifest, retry.as_ref(), already, invocation);
                if !already && telemetry::is_json(self.config.deployment.log_format) {
                    println!("{}", telemetry::embedded_metrics(&manifest, invocation.cold_start));
                }
                let answer = json!({
                    "bucket": bucket,
                    "key": key,
                    "status": manifest.status,
                    "manifest": { "bucket": output_bucket, "key": manifest_key },
                    "totals": manifest.totals,
                    "error": manifest.error,
                    "already_done": already,
                });
                (answer, retry)
            }
            Done::Unrecorded { failure } => {
                let (code, request_id) = (&failure.code, &invocation.request_id);
                tracing::error!(bucket, key, code, request_id, "not recorded: {}", failure.message);
                (json!({ "bucket": bucket, "key": key, "error": failure }), Some(failure))
            }
        }
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// What came of a job.
struct Finished {
    message_id: Option<String>,
    answer: Value,
    /// Why it must come again, if it must.
    again: Option<Failure>,
}

/// Leaves a tenth of the time, within 0.5 s and 5 s, to commit what is done, and as much again for
/// the pages that are being drawn.
fn deadline_within(remaining: Duration) -> Deadline {
    let reserve = (remaining / 10).clamp(Duration::from_millis(500), Duration::from_secs(5));
    let now = Instant::now();
    Deadline {
        last_start: now + remaining.saturating_sub(reserve * 2),
        last_page: now + remaining.saturating_sub(reserve),
        cause: DeadlineCause::Invocation,
    }
}

fn document_deadline(settings: &Settings) -> Option<Deadline> {
    let end = Instant::now() + settings.limits.document_timeout?;
    Some(Deadline { last_start: end, last_page: end, cause: DeadlineCause::DocumentTimeout })
}

fn earlier(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.last_page < a.last_page { b } else { a }),
        (a, b) => a.or(b),
    }
}
