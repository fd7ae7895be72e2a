//! Reads an object whole, whatever its body does on the way.

use std::io;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::{ObjectBody, ObjectInfo, ObjectRef, ObjectStore, StoreError};

/// How an object is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOptions {
    /// The size in bytes above which an object is refused unread; default `u64::MAX`, no limit.
    pub max_bytes: u64,
    /// After which a body that stands still is given up and resumed; default 10 s.
    pub stall_timeout: Duration,
    /// How many bodies are begun before the read is given up; default 5.
    pub attempts: u32,
    /// The pause before the first resumption, which doubles each time; default 100 ms.
    pub backoff: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            max_bytes: u64::MAX,
            stall_timeout: Duration::from_secs(10),
            attempts: 5,
            backoff: Duration::from_millis(100),
        }
    }
}

/// Why an object could not be read whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is larger than allowed; nothing of it was read.
    #[error("the object has {bytes} bytes, more than the limit of {limit}; raise PDF2IMG_MAX_INPUT_BYTES")]
    TooLarge {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The body kept breaking off.
    #[error("{received} of {expected} bytes arrived in {attempts} attempts; at last {cause}")]
    Incomplete {
        /// How many bytes arrived.
        received: u64,
        /// How many the object has.
        expected: u64,
        /// How many bodies were begun.
        attempts: u32,
        /// What ended the last of them.
        cause: String,
    },
    /// The bytes could not be put where they belong.
    #[error("failed to keep the bytes that were read: {0}")]
    Sink(#[source] io::Error),
}

impl FetchError {
    /// The stable code of this kind of failure, as it stands in manifests and logs.
    pub fn code(&self) -> &'static str {
        match self {
            FetchError::Store(error) => error.code(),
            FetchError::TooLarge { .. } => "input_too_large",
            FetchError::Incomplete { .. } => "input_incomplete",
            FetchError::Sink(_) => "input_not_kept",
        }
    }

    /// Whether the same read may succeed later.
    ///
    /// A full sink is this machine's fault and not the object's, so another one may fare better.
    pub fn is_retryable(&self) -> bool {
        match self {
            FetchError::Store(error) => error.is_retryable(),
            FetchError::TooLarge { .. } => false,
            FetchError::Incomplete { .. } | FetchError::Sink(_) => true,
        }
    }
}

/// Reads an object into `sink`, every byte once and in order.
///
/// A body that ends early, fails or stands still is resumed where it broke off, from the very same
/// version: the first answer's version id and ETag pin it. What was passed to `sink` is the whole
/// object only when this succeeds.
///
/// # Errors
///
/// [`FetchError::TooLarge`] before the first byte is read; [`FetchError::Store`] when the store
/// fails, with [`StoreError::Replaced`] among them when the object was replaced while it was read;
/// [`FetchError::Incomplete`] when all attempts are used up; [`FetchError::Sink`].
pub async fn fetch(
    store: &dyn ObjectStore,
    source: &ObjectRef,
    options: &FetchOptions,
    sink: &mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
) -> Result<ObjectInfo, FetchError> {
    let mut body = store.get(source, 0).await?;
    let info = body.info.clone();
    if info.bytes > options.max_bytes {
        return Err(FetchError::TooLarge { bytes: info.bytes, limit: options.max_bytes });
    }
    let pinned = ObjectRef {
        version_id: source.version_id.clone().or_else(|| info.version_id.clone()),
        etag: source.etag.clone().or_else(|| Some(info.etag.clone()).filter(|etag| !etag.is_empty())),
        ..source.clone()
    };

    let mut received = 0;
    let mut pause = options.backoff;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let Err(cause) = drain(body, &mut received, options.stall_timeout, sink).await? else {
            return Ok(info);
        };
        // Without an ETag or version, the rest could be that of another object.
        let can_resume = pinned.etag.is_some() || pinned.version_id.is_some();
        if attempt >= options.attempts || !can_resume {
            return Err(FetchError::Incomplete { received, expected: info.bytes, attempts: attempt, cause });
        }
        tracing::warn!(key = source.key, received, expected = info.bytes, cause, "resuming a body");
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2);
        body = store.get(&pinned, received).await?;
        if body.info.bytes != info.bytes {
            let expected = pinned.etag.unwrap_or_default();
            return Err(StoreError::Replaced { bucket: pinned.bucket, key: pinned.key, expected }.into());
        }
    }
}

/// Reads a body to its end; the inner result says why it ended before the object did.
async fn drain(
    mut body: ObjectBody,
    received: &mut u64,
    stall_timeout: Duration,
    sink: &mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
) -> Result<Result<(), String>, FetchError> {
    while *received < body.info.bytes {
        let chunk = match tokio::time::timeout(stall_timeout, body.chunks.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(error))) if error.is_retryable() => return Ok(Err(error.to_string())),
            Ok(Some(Err(error))) => return Err(error.into()),
            Ok(None) => return Ok(Err("the body ended early".to_owned())),
            Err(_) => return Ok(Err(format!("the body stood still for {stall_timeout:?}"))),
        };
        let left = body.info.bytes - *received;
        if chunk.len() as u64 > left {
            return Ok(Err(format!("{} bytes came where {left} were left", chunk.len())));
        }
        sink(&chunk).map_err(FetchError::Sink)?;
        *received += chunk.len() as u64;
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::failing::{FailingStore, Fault, Injection, Operation};
    use crate::store::memory::MemoryStore;

    fn options() -> FetchOptions {
        FetchOptions {
            stall_timeout: Duration::from_millis(30),
            backoff: Duration::from_millis(1),
            ..FetchOptions::default()
        }
    }

    fn source() -> ObjectRef {
        ObjectRef { bucket: "in".to_owned(), key: "a.pdf".to_owned(), version_id: None, etag: None }
    }

    fn content() -> Vec<u8> {
        (0..300_000_u32).map(|i| (i % 251) as u8).collect()
    }

    fn memory() -> Arc<MemoryStore> {
        let store = Arc::new(MemoryStore::new(["in"]));
        store.insert("in", "a.pdf", content());
        store
    }

    async fn read(store: &dyn ObjectStore, options: &FetchOptions) -> Result<Vec<u8>, FetchError> {
        let mut read = Vec::new();
        let mut sink = |bytes: &[u8]| {
            read.extend_from_slice(bytes);
            Ok(())
        };
        fetch(store, &source(), options, &mut sink).await?;
        Ok(read)
    }

    #[tokio::test]
    async fn an_object_is_read_whole_with_one_request() {
        let store = memory();
        assert_eq!(read(&store, &options()).await.expect("read"), content());
        assert_eq!(store.requests().get, 1);
    }

    #[tokio::test]
    async fn an_empty_object_is_read_without_waiting_for_its_body() {
        let store = FailingStore::new(memory()).inject(Injection::new(Operation::Get, Fault::BodyStalls(0)));
        store.inner().insert("in", "a.pdf", "");
        assert_eq!(read(&store, &options()).await.expect("read"), b"");
    }

    #[tokio::test]
    async fn a_body_that_ends_fails_or_stalls_is_resumed_where_it_broke_off() {
        let get = |fault| Injection::new(Operation::Get, fault);
        let store = FailingStore::new(memory())
            .inject(get(Fault::BodyEnds(100_000)))
            .inject(get(Fault::BodyBreaks(1)).skip(1))
            .inject(get(Fault::BodyStalls(70_000)).skip(2))
            .inject(get(Fault::BodyEnds(0)).skip(3));
        assert_eq!(read(&store, &options()).await.expect("read"), content());
        assert_eq!(store.inner().requests().get, 5);
    }

    #[tokio::test]
    async fn a_body_that_never_arrives_whole_is_given_up() {
        let ends = Injection::new(Operation::Get, Fault::BodyEnds(10)).times(u32::MAX);
        let store = FailingStore::new(memory()).inject(ends);
        let error = read(&store, &options()).await.expect_err("incomplete");
        assert!(matches!(error, FetchError::Incomplete { received: 50, attempts: 5, .. }), "{error:?}");
        assert_eq!((error.code(), error.is_retryable()), ("input_incomplete", true));
    }

    #[tokio::test]
    async fn an_object_replaced_while_it_is_read_is_never_mixed() {
        let memory = memory();
        let other = Arc::clone(&memory);
        let replace = Fault::Meanwhile(Box::new(move || {
            other.insert("in", "a.pdf", vec![0; 300_000]);
        }));
        let store = FailingStore::new(memory)
            .inject(Injection::new(Operation::Get, Fault::BodyEnds(100)))
            .inject(Injection::new(Operation::Get, replace).skip(1));
        let error = read(&store, &options()).await.expect_err("replaced");
        assert_eq!((error.code(), error.is_retryable()), ("source_replaced", false));
    }

    #[tokio::test]
    async fn an_old_version_is_read_to_its_end_although_there_is_a_new_one() {
        let memory = Arc::new(MemoryStore::new(["in"]).with_versions());
        memory.insert("in", "a.pdf", content());
        let other = Arc::clone(&memory);
        let replace = Fault::Meanwhile(Box::new(move || {
            other.insert("in", "a.pdf", "new");
        }));
        let store = FailingStore::new(memory)
            .inject(Injection::new(Operation::Get, Fault::BodyEnds(100)))
            .inject(Injection::new(Operation::Get, replace).skip(1));
        assert_eq!(read(&store, &options()).await.expect("read"), content());
    }

    #[tokio::test]
    async fn an_object_over_the_limit_is_refused_unread() {
        let store = FailingStore::new(memory()).inject(Injection::new(Operation::Get, Fault::BodyStalls(0)));
        let limit = FetchOptions { max_bytes: 299_999, ..options() };
        let error = read(&store, &limit).await.expect_err("too large");
        assert!(matches!(error, FetchError::TooLarge { bytes: 300_000, limit: 299_999 }));
        assert_eq!((error.code(), error.is_retryable()), ("input_too_large", false));
    }

    #[tokio::test]
    async fn an_object_of_just_the_limit_is_read() {
        let limit = FetchOptions { max_bytes: 300_000, ..options() };
        assert_eq!(read(&memory(), &limit).await.expect("read"), content());
    }

    #[tokio::test]
    async fn a_full_sink_ends_the_read() {
        let mut sink = |_: &[u8]| Err(io::Error::from(io::ErrorKind::StorageFull));
        let error = fetch(&memory(), &source(), &options(), &mut sink).await.expect_err("full");
        assert_eq!((error.code(), error.is_retryable()), ("input_not_kept", true));
    }

    #[tokio::test]
    async fn a_missing_object_is_the_stores_to_report() {
        let store = MemoryStore::new(["in"]);
        assert_eq!(read(&store, &options()).await.expect_err("missing").code(), "source_missing");
    }
}
