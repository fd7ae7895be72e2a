//! Opening a document with the first engine that can.

use super::{DocumentError, failure};
use crate::config::{Backend, Settings};
use crate::manifest::{Attempt, Failure};
use crate::pdf_file::PdfFile;
use crate::worker::{Engine, Pool, Worker, WorkerError};

/// A document that an engine has opened.
pub(super) struct Opened {
    pub(super) worker: Worker,
    pub(super) engine: Engine,
    /// The engine's place in the chain.
    pub(super) place: usize,
    /// What those before it said.
    pub(super) attempts: Vec<Attempt>,
}

/// Opens the document with the first engine of the chain that can.
pub(super) async fn open(
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
pub(super) fn not_opened(error: &WorkerError) -> Failure {
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
