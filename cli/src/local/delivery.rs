//! From an object that appeared to an invocation, with the retries of each kind of event source.
//!
//! S3 and EventBridge invoke a function asynchronously: Lambda tries again twice after an error, then
//! sends the event to a dead-letter destination. An SQS queue hands out batches; messages of a batch
//! that failed, or that the function names in `batchItemFailures`, appear again after a while, and
//! move to the dead-letter queue when they were received too often.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::EventSource;
use super::contact_sheet::ContactSheets;
use super::environment::describe_error;
use super::events::{self, ObjectCreated, SqsMessage};
use super::function::{Function, Invoked};
use super::journal::{Journal, LocalEvent};

/// How often Lambda tries an asynchronous invocation again.
const MAX_RETRIES: u32 = 2;

/// How often a message is received before it moves to the dead-letter queue.
const MAX_RECEIVE_COUNT: u32 = 3;

/// How many messages a batch has at most, as is Lambda's default.
const BATCH_SIZE: usize = 10;

/// Takes work from the endpoints, and knows whether any is left.
#[derive(Clone)]
pub(super) struct Dispatcher {
    work: mpsc::UnboundedSender<(Work, Pending)>,
    pending: Arc<watch::Sender<usize>>,
}

/// Work to be done beside the requests that asked for it.
pub(super) enum Work {
    /// Tell the function of an object.
    Notify(ObjectCreated),
    /// Invoke the function asynchronously.
    Invoke { request_id: String, payload: Bytes },
    /// Invoke the function once, for a caller who waits, or has gone: the invocation goes on.
    Answer { request_id: String, payload: Bytes, reply: oneshot::Sender<Invoked> },
    /// Draw the contact sheet of a manifest in the output bucket.
    DrawContactSheet { manifest_key: String },
}

/// How deliveries are made.
pub(super) struct Delivery {
    pub(super) function: Arc<Function>,
    pub(super) source: EventSource,
    pub(super) region: String,
    /// The pause before the first retry; the second one is twice as long.
    pub(super) retry_backoff: Duration,
    pub(super) environments: u32,
    pub(super) dead_letters: PathBuf,
    pub(super) sheets: Arc<ContactSheets>,
    pub(super) journal: Journal,
}

impl Dispatcher {
    /// Makes a dispatcher, and the future that does its work; dropping that drops all deliveries.
    pub(super) fn new(delivery: Delivery) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (work, arriving) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher { work, pending: Arc::new(watch::Sender::new(0)) };
        (dispatcher, run(Arc::new(delivery), arriving))
    }

    /// Queues work; [`idle`](Dispatcher::idle) waits for it from now on.
    pub(super) fn send(&self, work: Work) {
        self.pending.send_modify(|count| *count += 1);
        // After a shutdown nobody takes it, and dropping it counts it as done.
        let _ = self.work.send((work, Pending(self.pending.clone())));
    }

    pub(super) fn invoke_later(&self, request_id: String, payload: Bytes) {
        self.send(Work::Invoke { request_id, payload });
    }

    /// Invokes the function once, and waits for its answer; `None` after a shutdown.
    pub(super) async fn invoke_now(&self, request_id: String, payload: Bytes) -> Option<Invoked> {
        let (reply, answer) = oneshot::channel();
        self.send(Work::Answer { request_id, payload, reply });
        answer.await.ok()
    }

    /// Waits until no work is left, neither queued nor running nor between retries.
    pub(super) async fn idle(&self) {
        // The sender is part of `self`, so the channel is open.
        let _ = self.pending.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// Work that is not done; dropping it says that it is.
struct Pending(Arc<watch::Sender<usize>>);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn run(delivery: Arc<Delivery>, mut arriving: mpsc::UnboundedReceiver<(Work, Pending)>) {
    let mut running = JoinSet::new();
    let (queue, messages) = mpsc::unbounded_channel();
    running.spawn(consume_queue(delivery.clone(), messages));
    loop {
        tokio::select! {
            arrived = arriving.recv() => {
                let Some((work, pending)) = arrived else { return };
                if let (Work::Notify(object), EventSource::Sqs) = (&work, delivery.source) {
                    let body = events::s3_notification(object, &delivery.region).to_string();
                    // The consumer lives as long as this loop.
                    let _ = queue.send(Message::new(body, pending));
                } else {
                    running.spawn(do_work(delivery.clone(), work, pending));
                }
            }
            Some(_) = running.join_next() => {}
        }
    }
}

async fn do_work(delivery: Arc<Delivery>, work: Work, pending: Pending) {
    match work {
        Work::Notify(object) => {
            let event = match delivery.source {
                EventSource::EventBridge => events::eventbridge_event(&object, &delivery.region),
                EventSource::S3 | EventSource::Sqs => events::s3_notification(&object, &delivery.region),
            };
            delivery.invoke_asynchronously(&events::uuid(), event.to_string().into()).await;
        }
        Work::Invoke { request_id, payload } => {
            delivery.invoke_asynchronously(&request_id, payload).await;
        }
        Work::Answer { request_id, payload, reply } => {
            // A caller who has gone misses the answer, as on Lambda.
            let _ = reply.send(delivery.function.invoke(&request_id, payload).await);
        }
        Work::DrawContactSheet { manifest_key } => {
            let (sheets, key) = (delivery.sheets.clone(), manifest_key.clone());
            // Files are written here; a runtime's worker thread must not wait for the disk.
            match tokio::task::spawn_blocking(move || sheets.update(&key)).await {
                Ok(Ok(Some(document))) => delivery.journal.record(document),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => {
                    delivery.journal.warn(format!("no contact sheet for {manifest_key}: {error}"))
                }
                Err(error) => delivery.journal.warn(format!("no contact sheet for {manifest_key}: {error}")),
            }
        }
    }
    drop(pending);
}

impl Delivery {
    /// Invokes the function, again after errors, under one request id, as Lambda does.
    async fn invoke_asynchronously(&self, request_id: &str, payload: Bytes) {
        for attempt in 1.. {
            let error = match self.function.invoke(request_id, payload.clone()).await {
                Invoked::Response(_) => return,
                Invoked::Failed { payload } => payload,
            };
            let description = describe_error(&error);
            if attempt > MAX_RETRIES {
                let letter = json!({
                    "version": "1.0",
                    "timestamp": format!("{:.3}", Timestamp::now()),
                    "requestContext": {
                        "requestId": request_id,
                        "functionArn": format!("{}:$LATEST", self.function.arn()),
                        "condition": "RetriesExhausted",
                        "approximateInvokeCount": attempt,
                    },
                    "requestPayload": json_or_text(&payload),
                    "responseContext": {
                        "statusCode": 200,
                        "executedVersion": "$LATEST",
                        "functionError": "Unhandled",
                    },
                    "responsePayload": json_or_text(&error),
                });
                return self.keep_dead_letter(request_id, &letter, description);
            }
            let pause = self.retry_backoff * attempt;
            self.journal.record(LocalEvent::Retry {
                id: request_id.to_owned(),
                attempts: attempt,
                after_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                error: description,
            });
            sleep(pause).await;
        }
    }

    fn keep_dead_letter(&self, id: &str, letter: &Value, error: String) {
        let file = self.dead_letters.join(format!("{id}.json"));
        match write_dead_letter(&file, letter) {
            Ok(()) => self.journal.record(LocalEvent::DeadLetter {
                id: id.to_owned(),
                file: file.display().to_string(),
                error,
            }),
            Err(io) => self.journal.warn(format!("cannot keep the event {id} ({error}): {io}")),
        }
    }
}

fn write_dead_letter(file: &Path, letter: &Value) -> std::io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    fs::write(file, format!("{letter:#}\n"))
}

fn json_or_text(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// A message in the queue.
struct Message {
    id: String,
    body: String,
    receive_count: u32,
    sent: Timestamp,
    first_received: Option<Timestamp>,
    visible_from: Instant,
    _pending: Pending,
}

impl Message {
    fn new(body: String, pending: Pending) -> Self {
        Message {
            id: events::uuid(),
            body,
            receive_count: 0,
            sent: Timestamp::now(),
            first_received: None,
            visible_from: Instant::now(),
            _pending: pending,
        }
    }
}

/// Hands out batches, as many at a time as there are environments.
async fn consume_queue(delivery: Arc<Delivery>, mut arriving: mpsc::UnboundedReceiver<Message>) {
    let mut waiting: VecDeque<Message> = VecDeque::new();
    let mut batches = JoinSet::new();
    loop {
        let now = Instant::now();
        let has_free_environment = batches.len() < delivery.environments as usize;
        let visible = waiting.iter().filter(|message| message.visible_from <= now).count().min(BATCH_SIZE);
        if has_free_environment && visible > 0 {
            batches.spawn(deliver_batch(delivery.clone(), take_visible(&mut waiting, now)));
            continue;
        }
        let next_visible = waiting.iter().map(|message| message.visible_from).min();
        tokio::select! {
            arrived = arriving.recv() => match arrived {
                Some(message) => waiting.push_back(message),
                None => return,
            },
            Some(returned) = batches.join_next() => waiting.extend(returned.unwrap_or_default()),
            () = sleep_until(next_visible.unwrap_or(now)), if has_free_environment && next_visible.is_some() => {}
        }
    }
}

fn take_visible(waiting: &mut VecDeque<Message>, now: Instant) -> Vec<Message> {
    let mut batch = Vec::new();
    let mut rest = VecDeque::with_capacity(waiting.len());
    for message in waiting.drain(..) {
        if message.visible_from <= now && batch.len() < BATCH_SIZE {
            batch.push(message);
        } else {
            rest.push_back(message);
        }
    }
    *waiting = rest;
    batch
}

/// Invokes the function with a batch; returns the messages that are to appear again.
async fn deliver_batch(delivery: Arc<Delivery>, mut batch: Vec<Message>) -> Vec<Message> {
    let now = Timestamp::now();
    for message in &mut batch {
        message.receive_count += 1;
        message.first_received.get_or_insert(now);
    }
    let event = events::sqs_event(
        batch.iter().map(|message| SqsMessage {
            id: &message.id,
            body: &message.body,
            receive_count: message.receive_count,
            sent: message.sent,
            first_received: message.first_received.unwrap_or(now),
        }),
        &delivery.region,
    );

    let invoked = delivery.function.invoke(&events::uuid(), event.to_string().into()).await;
    let (failed, error) = match invoked {
        Invoked::Response(body) => match failed_items(&body, &batch) {
            FailedItems::These(ids) => (ids, "named in batchItemFailures".to_owned()),
            FailedItems::All(why) => (batch.iter().map(|message| message.id.clone()).collect(), why),
        },
        Invoked::Failed { payload } => {
            (batch.iter().map(|message| message.id.clone()).collect(), describe_error(&payload))
        }
    };
    batch.retain(|message| failed.contains(&message.id));

    let visible_from = Instant::now() + delivery.retry_backoff;
    let mut returned = Vec::new();
    for mut message in batch {
        if message.receive_count >= MAX_RECEIVE_COUNT {
            let letter = json!({
                "messageId": message.id,
                "approximateReceiveCount": message.receive_count,
                "sentTimestamp": message.sent.as_millisecond(),
                "body": json_or_text(message.body.as_bytes()),
            });
            delivery.keep_dead_letter(&message.id, &letter, error.clone());
        } else {
            delivery.journal.record(LocalEvent::Retry {
                id: message.id.clone(),
                attempts: message.receive_count,
                after_ms: u64::try_from(delivery.retry_backoff.as_millis()).unwrap_or(u64::MAX),
                error: error.clone(),
            });
            message.visible_from = visible_from;
            returned.push(message);
        }
    }
    returned
}

/// Which messages of a batch failed.
enum FailedItems {
    These(HashSet<String>),
    /// All of them, because the answer cannot be read.
    All(String),
}

/// Reads the answer to a batch as Lambda does: what is not an answer fails all messages.
fn failed_items(answer: &[u8], batch: &[Message]) -> FailedItems {
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return FailedItems::All("the answer to the batch is not JSON".into());
    };
    let items = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return FailedItems::These(HashSet::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return FailedItems::All("batchItemFailures is not a list".into()),
    };
    let mut failed = HashSet::new();
    for item in items {
        let id = item.get("itemIdentifier").and_then(Value::as_str).unwrap_or_default();
        if !batch.iter().any(|message| message.id == id) {
            return FailedItems::All(format!("itemIdentifier {id:?} is not in the batch"));
        }
        failed.insert(id.to_owned());
    }
    FailedItems::These(failed)
}
