//! A store that fails as told, around another one: fault injection for tests.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{ListedObject, ObjectBody, ObjectInfo, ObjectRef, ObjectStore, PutObject, StoreError};

/// A store that passes every call on, but for the faults it was given.
///
/// ```
/// use pdf2img::store::failing::{FailingStore, Fault, Injection, Operation};
/// use pdf2img::store::memory::MemoryStore;
///
/// // The second page that is written fails for good.
/// let denied = Fault::Error(pdf2img::store::StoreError::NoSuchBucket { bucket: "out".to_owned() });
/// let pages = Injection::new(Operation::Put, denied).on_keys(|key| key.contains("/page-")).skip(1);
/// let store = FailingStore::new(MemoryStore::new(["in", "out"])).inject(pages);
/// # let _ = store;
/// ```
#[derive(Debug)]
pub struct FailingStore<S> {
    inner: S,
    injections: Vec<Injection>,
}

/// An operation of [`ObjectStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`ObjectStore::get`].
    Get,
    /// [`ObjectStore::head`].
    Head,
    /// [`ObjectStore::put`].
    Put,
    /// [`ObjectStore::list`]; its key is the prefix.
    List,
    /// [`ObjectStore::delete`]; each of its keys is asked about.
    Delete,
}

/// What goes wrong.
pub enum Fault {
    /// The call is not passed on and fails with this.
    Error(StoreError),
    /// The call is passed on, but its answer is lost: it fails with [`StoreError::Transient`].
    LostReply,
    /// The body ends after this many bytes, without an error.
    BodyEnds(usize),
    /// The body fails after this many bytes, with [`StoreError::Transient`].
    BodyBreaks(usize),
    /// The body stands still for ever after this many bytes.
    BodyStalls(usize),
    /// Before the call is passed on, this runs: somebody else replaces the object, say.
    Meanwhile(Box<dyn Fn() + Send + Sync>),
}

/// A fault, and the calls that it hits.
pub struct Injection {
    operation: Operation,
    key_matches: Box<dyn Fn(&str) -> bool + Send + Sync>,
    skip: u32,
    times: u32,
    calls: AtomicU32,
    fault: Fault,
}

impl Injection {
    /// A fault that hits the first call of an operation.
    pub fn new(operation: Operation, fault: Fault) -> Self {
        let key_matches = Box::new(|_: &str| true);
        Injection { operation, key_matches, skip: 0, times: 1, calls: AtomicU32::new(0), fault }
    }

    /// Counts only calls whose key satisfies the condition.
    #[must_use]
    pub fn on_keys(self, matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Injection { key_matches: Box::new(matches), ..self }
    }

    /// Lets the first calls through; default 0.
    #[must_use]
    pub fn skip(self, calls: u32) -> Self {
        Injection { skip: calls, ..self }
    }

    /// Hits this many calls in a row; default 1.
    #[must_use]
    pub fn times(self, calls: u32) -> Self {
        Injection { times: calls, ..self }
    }

    /// Counts a call, and says whether the fault hits it.
    fn hits(&self, operation: Operation, keys: &[&str]) -> bool {
        if operation != self.operation || !keys.iter().any(|key| (self.key_matches)(key)) {
            return false;
        }
        let earlier_calls = self.calls.fetch_add(1, Ordering::Relaxed);
        earlier_calls.checked_sub(self.skip).is_some_and(|since| since < self.times)
    }
}

impl<S: ObjectStore> FailingStore<S> {
    /// A store without faults yet.
    pub fn new(inner: S) -> Self {
        FailingStore { inner, injections: Vec::new() }
    }

    /// Adds a fault.
    #[must_use]
    pub fn inject(mut self, injection: Injection) -> Self {
        self.injections.push(injection);
        self
    }

    /// The store within.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Runs what happens meanwhile, and returns the faults left for this call.
    fn faults(&self, operation: Operation, keys: &[&str]) -> Result<Vec<&Fault>, StoreError> {
        let hitting: Vec<_> =
            self.injections.iter().filter(|injection| injection.hits(operation, keys)).collect();
        let mut faults = Vec::new();
        for injection in hitting {
            match &injection.fault {
                Fault::Error(error) => return Err(error.clone()),
                Fault::Meanwhile(run) => run(),
                fault => faults.push(fault),
            }
        }
        Ok(faults)
    }
}

/// Fails if the answer is to be lost, after the call was made.
fn deliver<T>(answer: T, faults: &[&Fault], bucket: &str, key: &str) -> Result<T, StoreError> {
    if faults.iter().any(|fault| matches!(fault, Fault::LostReply)) {
        return Err(transient(bucket, key, "the reply was lost"));
    }
    Ok(answer)
}

fn transient(bucket: &str, key: &str, detail: &str) -> StoreError {
    StoreError::Transient {
        action: "injected fault",
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        detail: detail.to_owned(),
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for FailingStore<S> {
    async fn get(&self, source: &ObjectRef, from: u64) -> Result<ObjectBody, StoreError> {
        let faults = self.faults(Operation::Get, &[&source.key])?;
        let mut body = self.inner.get(source, from).await?;
        for fault in &faults {
            let broken = Err(transient(&source.bucket, &source.key, "the body broke off"));
            let (bytes, ending) = match fault {
                Fault::BodyEnds(bytes) => (*bytes, stream::empty().boxed()),
                Fault::BodyBreaks(bytes) => (*bytes, stream::iter([broken]).boxed()),
                Fault::BodyStalls(bytes) => (*bytes, stream::pending().boxed()),
                _ => continue,
            };
            body.chunks = first_bytes(body.chunks, bytes).chain(ending).boxed();
        }
        deliver(body, &faults, &source.bucket, &source.key)
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        let faults = self.faults(Operation::Head, &[key])?;
        deliver(self.inner.head(bucket, key).await?, &faults, bucket, key)
    }

    async fn put(&self, object: PutObject) -> Result<ObjectInfo, StoreError> {
        let faults = self.faults(Operation::Put, &[&object.key])?;
        let (bucket, key) = (object.bucket.clone(), object.key.clone());
        deliver(self.inner.put(object).await?, &faults, &bucket, &key)
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        let faults = self.faults(Operation::List, &[prefix])?;
        deliver(self.inner.list(bucket, prefix).await?, &faults, bucket, prefix)
    }

    async fn delete(&self, bucket: &str, keys: &[String]) -> Result<(), StoreError> {
        let names: Vec<_> = keys.iter().map(String::as_str).collect();
        let faults = self.faults(Operation::Delete, &names)?;
        self.inner.delete(bucket, keys).await?;
        deliver((), &faults, bucket, names.first().copied().unwrap_or_default())
    }
}

type Chunks = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, StoreError>> + Send>>;

fn first_bytes(chunks: Chunks, bytes: usize) -> Chunks {
    let cut = stream::unfold((chunks, bytes), |(mut chunks, left)| async move {
        if left == 0 {
            return None;
        }
        let chunk = chunks.next().await?.map(|chunk| chunk.slice(..chunk.len().min(left)));
        let left = left - chunk.as_ref().map_or(0, Bytes::len);
        Some((chunk, (chunks, left)))
    });
    cut.boxed()
}

impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injection")
            .field("operation", &self.operation)
            .field("skip", &self.skip)
            .field("times", &self.times)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Fault::LostReply => f.write_str("LostReply"),
            Fault::BodyEnds(bytes) => f.debug_tuple("BodyEnds").field(bytes).finish(),
            Fault::BodyBreaks(bytes) => f.debug_tuple("BodyBreaks").field(bytes).finish(),
            Fault::BodyStalls(bytes) => f.debug_tuple("BodyStalls").field(bytes).finish(),
            Fault::Meanwhile(_) => f.write_str("Meanwhile"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::store::memory::MemoryStore;

    fn source(key: &str) -> ObjectRef {
        ObjectRef { bucket: "b".to_owned(), key: key.to_owned(), version_id: None, etag: None }
    }

    fn store_of_two() -> Arc<MemoryStore> {
        let store = Arc::new(MemoryStore::new(["b"]));
        store.insert("b", "one", "0123456789");
        store.insert("b", "two", "x");
        store
    }

    #[tokio::test]
    async fn the_chosen_calls_fail_and_the_others_pass() {
        let error = transient("b", "one", "busy");
        let injection = Injection::new(Operation::Head, Fault::Error(error.clone()));
        let injection = injection.on_keys(|key| key == "one").skip(1).times(2);
        let store = FailingStore::new(store_of_two()).inject(injection);
        let mut failed = Vec::new();
        for key in ["one", "two", "one", "two", "one", "one"] {
            failed.push(store.head("b", key).await.err());
        }
        assert_eq!(failed, [None, None, Some(error.clone()), None, Some(error), None]);
        assert_eq!(store.inner().requests().head, 4);
    }

    #[tokio::test]
    async fn a_body_ends_breaks_or_stalls_at_the_chosen_byte() {
        let get = |fault| Injection::new(Operation::Get, fault);
        let store = FailingStore::new(store_of_two())
            .inject(get(Fault::BodyEnds(4)))
            .inject(get(Fault::BodyBreaks(4)).skip(1))
            .inject(get(Fault::BodyStalls(4)).skip(2));

        for expected in ["ends", "breaks", "stalls", "is whole"] {
            let mut chunks = store.get(&source("one"), 0).await.expect("found").chunks;
            let first = chunks.next().await.expect("a chunk").expect("no error");
            assert_eq!(first, if expected == "is whole" { "0123456789" } else { "0123" });
            let next = tokio::time::timeout(Duration::from_millis(20), chunks.next()).await;
            match expected {
                "ends" | "is whole" => assert_eq!(next, Ok(None)),
                "breaks" => assert!(matches!(next, Ok(Some(Err(StoreError::Transient { .. }))))),
                _ => assert!(next.is_err(), "{next:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_write_whose_reply_is_lost_has_taken_place() {
        let store =
            FailingStore::new(store_of_two()).inject(Injection::new(Operation::Put, Fault::LostReply));
        let object = PutObject {
            bucket: "b".to_owned(),
            key: "new".to_owned(),
            body: Bytes::from_static(b"new"),
            content_type: "text/plain",
            sha256: Sha256::digest("new").into(),
            metadata: BTreeMap::new(),
            only_if_absent: true,
        };
        let lost = store.put(object.clone()).await.expect_err("the reply is lost");
        assert!(lost.is_retryable());
        assert!(store.inner().object("b", "new").is_some());
        store.put(object).await.expect("the same write again");
    }

    #[tokio::test]
    async fn somebody_else_acts_between_two_calls() {
        let memory = store_of_two();
        let other = Arc::clone(&memory);
        let replace = Fault::Meanwhile(Box::new(move || {
            other.insert("b", "one", "replaced");
        }));
        let store = FailingStore::new(memory).inject(Injection::new(Operation::Get, replace));
        let etag = store.head("b", "one").await.expect("an answer").map(|info| info.etag);
        let read = store.get(&ObjectRef { etag, ..source("one") }, 0).await;
        assert_eq!(read.err().map(|error| error.code()), Some("source_replaced"));
    }

    #[tokio::test]
    async fn listings_and_deletions_fail_too() {
        let store = FailingStore::new(store_of_two())
            .inject(Injection::new(Operation::List, Fault::Error(transient("b", "", "busy"))))
            .inject(Injection::new(Operation::Delete, Fault::LostReply).on_keys(|key| key == "two"));
        assert!(store.list("b", "").await.is_err());
        assert!(store.delete("b", &["one".to_owned(), "two".to_owned()]).await.is_err());
        assert_eq!(store.list("b", "").await, Ok(vec![]));
    }
}
