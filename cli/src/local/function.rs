//! The function: up to N execution environments, started as they are needed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::environment::{Blueprint, Environment, Outcome, describe_error};
use super::events::{ACCOUNT_ID, random_hex};
use super::journal::{InvocationStatus, Journal, LocalEvent, Report};
use super::runtime_api::Invocation;

/// The name under which it can be invoked.
pub(super) const NAME: &str = "pdf2img";

/// The longest pause before another start, after starts that failed.
const MAX_START_BACKOFF: Duration = Duration::from_secs(5);

/// A function and its execution environments.
pub(super) struct Function {
    blueprint: Blueprint,
    region: String,
    timeout: Duration,
    memory_mb: u32,
    journal: Journal,
    /// As many invocations run at a time as there may be environments; the others queue.
    slots: Semaphore,
    /// Environments that wait for an invocation; the one used last is the next.
    idle: Mutex<Vec<Environment>>,
    started: AtomicU32,
    failed_starts: AtomicU32,
}

/// An invocation that came to an end.
#[derive(Debug, Clone)]
pub(super) enum Invoked {
    /// The function's answer.
    Response(Bytes),
    /// The error of the function, or of its environment, as Lambda words it.
    Failed {
        /// JSON with `errorType` and `errorMessage`.
        payload: Bytes,
    },
}

impl Function {
    pub(super) fn new(
        blueprint: Blueprint,
        region: &str,
        limits: (Duration, u32),
        environments: u32,
        journal: Journal,
    ) -> Self {
        let (timeout, memory_mb) = limits;
        Function {
            blueprint,
            region: region.to_owned(),
            timeout,
            memory_mb,
            journal,
            slots: Semaphore::new(environments as usize),
            idle: Mutex::default(),
            started: AtomicU32::new(0),
            failed_starts: AtomicU32::new(0),
        }
    }

    /// Starts one environment ahead of the first invocation, so that errors show at once.
    ///
    /// # Errors
    ///
    /// What the function said, or how it ended.
    pub(super) async fn warm_up(&self) -> Result<(), String> {
        let environment = self.start_environment().await?;
        self.idle().push(environment);
        Ok(())
    }

    /// Runs one invocation, when there is an environment for it.
    pub(super) async fn invoke(&self, request_id: &str, payload: Bytes) -> Invoked {
        // The semaphore is never closed; if it were, running is right too.
        let _slot = self.slots.acquire().await;
        let idle = self.idle().pop();
        let mut environment = match idle {
            Some(environment) => environment,
            None => match self.start_environment().await {
                Ok(environment) => environment,
                Err(message) => return failed(request_id, "Runtime.InitError", &message),
            },
        };

        self.journal
            .record(LocalEvent::Start { request_id: request_id.to_owned(), environment: environment.number });
        let invocation = self.invocation(request_id, payload);
        let finished = environment.invoke(invocation, self.timeout).await;
        let init = (!environment.init_reported).then_some(environment.init);
        environment.init_reported = true;

        let (outcome, error, invoked) = match finished.outcome {
            Outcome::Response(body) => (InvocationStatus::Success, None, Invoked::Response(body)),
            Outcome::Error(body) => {
                let error = describe_error(&body);
                (InvocationStatus::Error, Some(error), Invoked::Failed { payload: body })
            }
            Outcome::Timeout => {
                let message = format!("Task timed out after {:.2} seconds", self.timeout.as_secs_f64());
                (
                    InvocationStatus::Timeout,
                    Some(message.clone()),
                    failed(request_id, "Sandbox.Timedout", &message),
                )
            }
            Outcome::Exited(message) => (
                InvocationStatus::Exited,
                Some(message.clone()),
                failed(request_id, "Runtime.ExitError", &message),
            ),
        };
        let billed = finished.duration + init.unwrap_or_default();
        self.journal.record(LocalEvent::Report(Report {
            request_id: request_id.to_owned(),
            environment: environment.number,
            duration_ms: milliseconds(finished.duration),
            billed_duration_ms: milliseconds(billed).ceil() as u64,
            memory_size_mb: self.memory_mb,
            max_memory_used_mb: finished.max_memory_bytes.div_ceil(1024 * 1024),
            init_duration_ms: init.map(milliseconds),
            outcome,
            error,
        }));
        if finished.is_reusable {
            self.idle().push(environment);
        }
        invoked
    }

    /// Ends all environments that wait; those at work end when their invocation is dropped.
    pub(super) async fn shut_down(&self) {
        let idle = std::mem::take(&mut *self.idle());
        let mut ending = tokio::task::JoinSet::new();
        for environment in idle {
            ending.spawn(environment.shut_down());
        }
        ending.join_all().await;
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{ACCOUNT_ID}:function:{NAME}", self.region)
    }

    async fn start_environment(&self) -> Result<Environment, String> {
        // A function that cannot start must not be started a thousand times a second.
        let failures = self.failed_starts.load(Ordering::Relaxed);
        if failures > 0 {
            let pause = Duration::from_millis(100 << failures.min(10));
            tokio::time::sleep(pause.min(MAX_START_BACKOFF)).await;
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        match Environment::start(number, &self.blueprint).await {
            Ok(environment) => {
                self.failed_starts.store(0, Ordering::Relaxed);
                let init_ms = milliseconds(environment.init);
                self.journal.record(LocalEvent::Initialized { environment: number, init_ms });
                Ok(environment)
            }
            Err(message) => {
                self.failed_starts.fetch_add(1, Ordering::Relaxed);
                self.journal.record(LocalEvent::InitFailed { environment: number, message: message.clone() });
                Err(message)
            }
        }
    }

    fn invocation(&self, request_id: &str, payload: Bytes) -> Invocation {
        let now = Timestamp::now();
        let limit_ms = i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX);
        Invocation {
            request_id: request_id.to_owned(),
            payload,
            deadline_ms: now.as_millisecond().saturating_add(limit_ms),
            function_arn: self.arn(),
            trace_id: format!(
                "Root=1-{:08x}-{};Parent={};Sampled=0",
                now.as_second(),
                random_hex(12),
                random_hex(8)
            ),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(request_id: &str, kind: &str, message: &str) -> Invoked {
    let message = format!("RequestId: {request_id} Error: {message}");
    let payload = serde_json::json!({ "errorType": kind, "errorMessage": message });
    Invoked::Failed { payload: payload.to_string().into() }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
