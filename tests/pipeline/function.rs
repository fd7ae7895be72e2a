//! A function over a store in memory, with faults on demand and an account of what it asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pdf2img::config::{Config, Host};
use pdf2img::handler::{Handler, Invocation, InvocationError};
use pdf2img::manifest::{Failure, Image, Manifest, PageResult};
use pdf2img::store::failing::{FailingStore, Injection, Operation};
use pdf2img::store::fetch::FetchOptions;
use pdf2img::store::memory::MemoryStore;
use pdf2img::store::{ListedObject, ObjectBody, ObjectInfo, ObjectRef, ObjectStore, PutObject, StoreError};
use pdf2img::worker::WorkerCommand;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The bucket of the PDFs.
pub(crate) const IN: &str = "pdf-in";

/// The bucket of the images.
pub(crate) const OUT: &str = "pdf-out";

/// A store with both buckets, both empty.
pub(crate) fn buckets() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new([IN, OUT]))
}

/// A function to be set up.
pub(crate) struct Setup {
    memory: Arc<MemoryStore>,
    variables: BTreeMap<String, String>,
    faults: Vec<Injection>,
    workers: WorkerCommand,
    held_puts: Vec<(String, Arc<Semaphore>)>,
}

/// A function, as Lambda has it in one execution environment.
pub(crate) struct Function {
    memory: Arc<MemoryStore>,
    handler: Handler,
    calls: Arc<Calls>,
}

impl Setup {
    /// A function over a store: 72 dpi, so that a pixel is a point, and pages small enough.
    pub(crate) fn new(memory: &Arc<MemoryStore>) -> Setup {
        let variables = [
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "unused"),
            ("AWS_SECRET_ACCESS_KEY", "unused"),
            ("PDF2IMG_OUTPUT_BUCKET", OUT),
            ("PDF2IMG_DPI", "72"),
            ("PDF2IMG_WORKERS", "2"),
        ];
        Setup {
            memory: Arc::clone(memory),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            faults: Vec::new(),
            workers: WorkerCommand {
                program: env!("CARGO_BIN_EXE_bootstrap").into(),
                ..WorkerCommand::default()
            },
            held_puts: Vec::new(),
        }
    }

    /// Sets an option, by the name of its variable without `PDF2IMG_`.
    pub(crate) fn set(mut self, option: &str, value: &str) -> Setup {
        self.variables.insert(format!("PDF2IMG_{option}"), value.to_owned());
        self
    }

    /// Leaves an option at its default.
    pub(crate) fn unset(mut self, option: &str) -> Setup {
        self.variables.remove(&format!("PDF2IMG_{option}"));
        self
    }

    /// Has the store fail so.
    pub(crate) fn fault(mut self, injection: Injection) -> Setup {
        self.faults.push(injection);
        self
    }

    /// Has a write of a key that ends so wait for the gate, which is open once it has a permit.
    pub(crate) fn held_put(mut self, suffix: &str, gate: &Arc<Semaphore>) -> Setup {
        self.held_puts.push((suffix.to_owned(), Arc::clone(gate)));
        self
    }

    /// Has every write of a key that ends so wait for ever.
    pub(crate) fn stuck_put(self, suffix: &str) -> Setup {
        self.held_put(suffix, &Arc::new(Semaphore::new(0)))
    }

    /// Starts other workers.
    pub(crate) fn workers(mut self, program: &str) -> Setup {
        self.workers.program = program.into();
        self
    }

    pub(crate) fn start(self) -> Function {
        let faulty =
            self.faults.into_iter().fold(FailingStore::new(Arc::clone(&self.memory)), FailingStore::inject);
        let calls = Arc::new(Calls::default());
        let store = Account { inner: Box::new(faulty), calls: Arc::clone(&calls), held_puts: self.held_puts };
        let config = Config::from_env(&self.variables, Host::detect()).expect("the options are good");
        let fetch = FetchOptions {
            stall_timeout: Duration::from_millis(100),
            backoff: Duration::from_millis(1),
            attempts: 3,
            ..FetchOptions::default()
        };
        let handler = Handler::with(config, Arc::new(store), self.workers).with_fetch(fetch);
        Function { memory: self.memory, handler, calls }
    }
}

impl Function {
    /// Invokes it without a limit on its time.
    pub(crate) async fn invoke(&self, event: &Value) -> Result<Value, InvocationError> {
        self.invoke_within(event, None).await
    }

    /// Invokes it with so much time left.
    pub(crate) async fn invoke_within(
        &self,
        event: &Value,
        remaining: Option<Duration>,
    ) -> Result<Value, InvocationError> {
        let invocation = Invocation { remaining, request_id: "test".to_owned(), cold_start: false };
        self.handler.handle(event, &invocation).await
    }

    /// Starts an invocation, and kills it as soon as it wants to write a key that ends so.
    pub(crate) async fn kill_at_put(&self, event: &Value, suffix: &str) {
        tokio::select! {
            answer = self.invoke(event) => panic!("it ended without writing {suffix}: {answer:?}"),
            () = self.wants_to_put(suffix) => {}
        }
    }

    /// Waits until an invocation wants to write a key that ends so.
    pub(crate) async fn wants_to_put(&self, suffix: &str) {
        while !self.calls.of(Operation::Put).iter().any(|key| key.ends_with(suffix)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The one document's entry in the answer to an invocation that must succeed.
    pub(crate) async fn answer(&self, event: &Value) -> Value {
        let answer = self.invoke(event).await.expect("it succeeds");
        answer["documents"][0].clone()
    }

    /// The keys that were asked for with an operation, in order.
    pub(crate) fn calls(&self, operation: Operation) -> Vec<String> {
        self.calls.of(operation)
    }

    /// The keys of images that were written, sorted; a key stands there as often as it was written.
    pub(crate) fn images_put(&self) -> Vec<String> {
        let mut keys = self.calls(Operation::Put);
        keys.retain(|key| !key.ends_with("manifest.json"));
        keys.sort();
        keys
    }

    /// The manifest of a key.
    pub(crate) fn manifest(&self, key: &str) -> Manifest {
        manifest(&self.memory, key)
    }
}

/// The manifest at a key of the output bucket.
pub(crate) fn manifest(memory: &MemoryStore, key: &str) -> Manifest {
    let object =
        memory.object(OUT, key).unwrap_or_else(|| panic!("there is no {key}: {:?}", memory.keys(OUT)));
    serde_json::from_slice(&object.body).expect("the manifest is readable")
}

/// The images that a manifest names, by page.
pub(crate) fn images(manifest: &Manifest) -> Vec<(i64, Image)> {
    let image = |result: &PageResult| match result {
        PageResult::Image(image) => Some(image.clone()),
        PageResult::Failed { .. } => None,
    };
    manifest.pages.iter().filter_map(|entry| Some((entry.page, image(&entry.result)?))).collect()
}

/// The pages that have images, and the images' hashes.
pub(crate) fn hashes(manifest: &Manifest) -> Vec<(i64, String)> {
    images(manifest).into_iter().map(|(page, image)| (page, image.sha256)).collect()
}

/// The pages that a manifest says have no image, and the codes.
pub(crate) fn failures(manifest: &Manifest) -> Vec<(i64, String)> {
    let code = |result: &PageResult| match result {
        PageResult::Image(_) => None,
        PageResult::Failed { error: Failure { code, .. } } => Some(code.clone()),
    };
    manifest.pages.iter().filter_map(|entry| Some((entry.page, code(&entry.result)?))).collect()
}

/// Fails unless every image that a manifest names, renditions included, is there, whole and the very one.
pub(crate) fn assert_manifest_holds(memory: &MemoryStore, manifest_key: &str) {
    for (page, image) in images(&manifest(memory, manifest_key)) {
        for file in image.files() {
            let object = memory.object(OUT, file.key).unwrap_or_else(|| panic!("{} is missing", file.key));
            assert_eq!(object.info.metadata["pdf2img-page"], page.to_string(), "{}", file.key);
            assert_eq!(corpus::manifest::sha256(&object.body), file.sha256, "{}", file.key);
            assert_eq!(object.body.len() as u64, file.bytes, "{}", file.key);
        }
    }
}

/// The notification that S3 sends of an upload.
pub(crate) fn created(key: &str, info: &ObjectInfo) -> Value {
    created_in(IN, key, info)
}

/// The notification that S3 sends of an upload to a bucket.
pub(crate) fn created_in(bucket: &str, key: &str, info: &ObjectInfo) -> Value {
    json!({ "Records": [record(bucket, key, info)] })
}

/// One record of a notification.
pub(crate) fn record(bucket: &str, key: &str, info: &ObjectInfo) -> Value {
    let mut object = json!({ "key": form_encoded(key), "size": info.bytes, "eTag": info.etag });
    if let Some(version) = &info.version_id {
        object["versionId"] = json!(version);
    }
    json!({
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": object },
    })
}

/// A message of a queue.
pub(crate) fn message(id: &str, body: &Value) -> Value {
    json!({ "messageId": id, "eventSource": "aws:sqs", "body": body.to_string() })
}

fn form_encoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'/' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// What a store was asked for.
#[derive(Default)]
struct Calls(Mutex<Vec<(Operation, String)>>);

impl Calls {
    fn note(&self, operation: Operation, key: &str) {
        self.0.lock().unwrap().push((operation, key.to_owned()));
    }

    fn of(&self, operation: Operation) -> Vec<String> {
        let calls = self.0.lock().unwrap();
        calls.iter().filter(|(o, _)| *o == operation).map(|(_, key)| key.clone()).collect()
    }
}

/// A store that keeps an account.
struct Account {
    inner: Box<dyn ObjectStore>,
    calls: Arc<Calls>,
    held_puts: Vec<(String, Arc<Semaphore>)>,
}

#[async_trait]
impl ObjectStore for Account {
    async fn get(&self, source: &ObjectRef, from: u64) -> Result<ObjectBody, StoreError> {
        self.calls.note(Operation::Get, &source.key);
        self.inner.get(source, from).await
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        self.calls.note(Operation::Head, key);
        self.inner.head(bucket, key).await
    }

    async fn put(&self, object: PutObject) -> Result<ObjectInfo, StoreError> {
        self.calls.note(Operation::Put, &object.key);
        for (_, gate) in self.held_puts.iter().filter(|(suffix, _)| object.key.ends_with(suffix)) {
            let _open = gate.acquire().await;
        }
        self.inner.put(object).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        self.calls.note(Operation::List, prefix);
        self.inner.list(bucket, prefix).await
    }

    async fn delete(&self, bucket: &str, keys: &[String]) -> Result<(), StoreError> {
        for key in keys {
            self.calls.note(Operation::Delete, key);
        }
        self.inner.delete(bucket, keys).await
    }
}
