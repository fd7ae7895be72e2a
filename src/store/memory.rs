//! A store in memory, for tests of what stands above the stores.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{ListedObject, ObjectBody, ObjectInfo, ObjectRef, ObjectStore, PutObject, StoreError};

/// The size of the pieces that a body arrives in.
const CHUNK_BYTES: usize = 64 << 10;

/// A store that keeps its objects in memory and behaves as S3 does.
///
/// Buckets exist from the start. Versions are not kept unless
/// [`with_versions`](MemoryStore::with_versions) asks for them.
#[derive(Debug, Default)]
pub struct MemoryStore {
    keeps_versions: bool,
    state: Mutex<State>,
}

/// An object as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The content.
    pub body: Bytes,
    /// The `Content-Type`.
    pub content_type: String,
    /// The properties.
    pub info: ObjectInfo,
}

/// How often each operation was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCounts {
    /// Calls of [`ObjectStore::get`].
    pub get: u32,
    /// Calls of [`ObjectStore::head`].
    pub head: u32,
    /// Calls of [`ObjectStore::put`].
    pub put: u32,
    /// Calls of [`ObjectStore::list`].
    pub list: u32,
    /// Calls of [`ObjectStore::delete`].
    pub delete: u32,
}

#[derive(Debug, Default)]
struct State {
    buckets: HashMap<String, Bucket>,
    requests: RequestCounts,
    writes: u64,
}

#[derive(Debug, Default)]
struct Bucket {
    current: BTreeMap<String, StoredObject>,
    /// By key and version id; empty unless versions are kept.
    versions: HashMap<(String, String), StoredObject>,
}

impl MemoryStore {
    /// A store with these buckets, all empty.
    pub fn new<const N: usize>(buckets: [&str; N]) -> Self {
        let buckets = buckets.map(|name| (name.to_owned(), Bucket::default())).into();
        MemoryStore { keeps_versions: false, state: Mutex::new(State { buckets, ..State::default() }) }
    }

    /// Keeps every version of every object from now on.
    #[must_use]
    pub fn with_versions(self) -> Self {
        MemoryStore { keeps_versions: true, ..self }
    }

    /// Puts an object in place as somebody else would: uncounted and without metadata.
    ///
    /// # Panics
    ///
    /// If there is no such bucket.
    pub fn insert(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> ObjectInfo {
        let mut state = self.lock();
        let object = self.new_object(&mut state, body.into(), "application/octet-stream", BTreeMap::new());
        let bucket = state.buckets.get_mut(bucket).expect("the bucket exists");
        bucket.keep(key, object)
    }

    /// The current version of an object, uncounted; `None` if there is no such object or bucket.
    pub fn object(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        self.lock().buckets.get(bucket)?.current.get(key).cloned()
    }

    /// Takes an object away as somebody else would, uncounted.
    pub fn remove(&self, bucket: &str, key: &str) {
        if let Some(bucket) = self.lock().buckets.get_mut(bucket) {
            bucket.current.remove(key);
        }
    }

    /// The keys of a bucket in order, uncounted; none if there is no such bucket.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let state = self.lock();
        state.buckets.get(bucket).map(|bucket| bucket.current.keys().cloned().collect()).unwrap_or_default()
    }

    /// How often each operation was called so far.
    pub fn requests(&self) -> RequestCounts {
        self.lock().requests
    }

    fn new_object(
        &self,
        state: &mut State,
        body: Bytes,
        content_type: &str,
        metadata: BTreeMap<String, String>,
    ) -> StoredObject {
        state.writes += 1;
        let info = ObjectInfo {
            bytes: body.len() as u64,
            etag: Sha256::digest(&body)[..16].iter().map(|byte| format!("{byte:02x}")).collect(),
            version_id: self.keeps_versions.then(|| format!("version-{}", state.writes)),
            metadata,
        };
        StoredObject { body, content_type: content_type.to_owned(), info }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock with the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bucket(&mut self, name: &str) -> Result<&mut Bucket, StoreError> {
        self.buckets.get_mut(name).ok_or_else(|| StoreError::NoSuchBucket { bucket: name.to_owned() })
    }
}

impl Bucket {
    fn keep(&mut self, key: &str, object: StoredObject) -> ObjectInfo {
        let info = object.info.clone();
        if let Some(version) = &info.version_id {
            self.versions.insert((key.to_owned(), version.clone()), object.clone());
        }
        self.current.insert(key.to_owned(), object);
        info
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn get(&self, source: &ObjectRef, from: u64) -> Result<ObjectBody, StoreError> {
        let mut state = self.lock();
        state.requests.get += 1;
        let bucket = state.bucket(&source.bucket)?;
        let found = match &source.version_id {
            Some(version) => bucket.versions.get(&(source.key.clone(), version.clone())),
            None => bucket.current.get(&source.key),
        };
        let (bucket, key) = (source.bucket.clone(), source.key.clone());
        let Some(object) = found else { return Err(StoreError::NotFound { bucket, key }) };
        if let Some(expected) = &source.etag
            && *expected != object.info.etag
        {
            return Err(StoreError::Replaced { bucket, key, expected: expected.clone() });
        }
        // As in S3, a range may not start behind the last byte.
        if from > 0 && from >= object.info.bytes {
            let detail = format!("416 InvalidRange: byte {from} of {}", object.info.bytes);
            return Err(StoreError::Rejected { action: "s3:GetObject", bucket, key, detail });
        }
        let rest = object.body.slice(usize::try_from(from).unwrap_or(usize::MAX)..);
        let chunks = (0..rest.len()).step_by(CHUNK_BYTES).map(move |start| {
            let end = rest.len().min(start + CHUNK_BYTES);
            Ok(rest.slice(start..end))
        });
        Ok(ObjectBody { info: object.info.clone(), chunks: Box::pin(futures_util::stream::iter(chunks)) })
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        let mut state = self.lock();
        state.requests.head += 1;
        // As in S3, the answer to HEAD does not tell a missing bucket from a missing object.
        let object = state.buckets.get(bucket).and_then(|bucket| bucket.current.get(key));
        Ok(object.map(|object| object.info.clone()))
    }

    async fn put(&self, object: PutObject) -> Result<ObjectInfo, StoreError> {
        let mut state = self.lock();
        state.requests.put += 1;
        let existing = state.bucket(&object.bucket)?.current.get(&object.key);
        if let (true, Some(existing)) = (object.only_if_absent, existing) {
            if existing.body == object.body && existing.info.metadata == object.metadata {
                return Ok(existing.info.clone());
            }
            return Err(StoreError::AlreadyExists { bucket: object.bucket, key: object.key });
        }
        if Sha256::digest(&object.body)[..] != object.sha256 {
            return Err(StoreError::Rejected {
                action: "s3:PutObject",
                bucket: object.bucket,
                key: object.key,
                detail: "400 BadDigest: the body does not have the SHA-256 that was sent".to_owned(),
            });
        }
        let stored = self.new_object(&mut state, object.body, object.content_type, object.metadata);
        Ok(state.bucket(&object.bucket)?.keep(&object.key, stored))
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        let mut state = self.lock();
        state.requests.list += 1;
        let from_prefix = state.bucket(bucket)?.current.range(prefix.to_owned()..);
        let listed = from_prefix.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, object)| {
            ListedObject { key: key.clone(), etag: object.info.etag.clone(), bytes: object.info.bytes }
        });
        Ok(listed.collect())
    }

    async fn delete(&self, bucket: &str, keys: &[String]) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.requests.delete += 1;
        let bucket = state.bucket(bucket)?;
        for key in keys {
            bucket.current.remove(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    fn source(key: &str) -> ObjectRef {
        ObjectRef { bucket: "in".to_owned(), key: key.to_owned(), version_id: None, etag: None }
    }

    fn put(key: &str, body: &'static str) -> PutObject {
        PutObject {
            bucket: "in".to_owned(),
            key: key.to_owned(),
            body: Bytes::from_static(body.as_bytes()),
            content_type: "text/plain",
            sha256: Sha256::digest(body).into(),
            metadata: BTreeMap::from([("source".to_owned(), "Ünï.pdf".to_owned())]),
            only_if_absent: false,
        }
    }

    async fn read(store: &MemoryStore, source: &ObjectRef, from: u64) -> Result<Vec<u8>, StoreError> {
        Ok(store.get(source, from).await?.chunks.try_collect::<Vec<_>>().await?.concat())
    }

    #[tokio::test]
    async fn what_is_written_is_read_from_any_offset() {
        let store = MemoryStore::new(["in"]);
        let info = store.put(put("a", "hello")).await.expect("written");
        assert_eq!(store.head("in", "a").await, Ok(Some(info)));
        assert_eq!(read(&store, &source("a"), 0).await.as_deref(), Ok(&b"hello"[..]));
        assert_eq!(read(&store, &source("a"), 3).await.as_deref(), Ok(&b"lo"[..]));
        assert_eq!(read(&store, &source("a"), 5).await.map_err(|error| error.code()), Err("s3_rejected"));
        assert_eq!(store.object("in", "a").map(|object| object.content_type), Some("text/plain".to_owned()));
        assert_eq!(store.requests(), RequestCounts { get: 3, head: 1, put: 1, ..RequestCounts::default() });
    }

    #[tokio::test]
    async fn a_body_arrives_in_pieces() {
        let store = MemoryStore::new(["in"]);
        store.insert("in", "big", vec![7; CHUNK_BYTES * 2 + 1]);
        let body = store.get(&source("big"), 0).await.expect("found");
        let chunks: Vec<Bytes> = body.chunks.try_collect().await.expect("read");
        assert_eq!(chunks.iter().map(Bytes::len).collect::<Vec<_>>(), [CHUNK_BYTES, CHUNK_BYTES, 1]);
    }

    #[tokio::test]
    async fn a_replaced_object_is_told_from_a_missing_one() {
        let store = MemoryStore::new(["in"]);
        let first = store.insert("in", "a", "one");
        store.insert("in", "a", "two");
        let pinned = ObjectRef { etag: Some(first.etag), ..source("a") };
        assert_eq!(read(&store, &pinned, 0).await.map_err(|error| error.code()), Err("source_replaced"));
        store.remove("in", "a");
        assert_eq!(read(&store, &pinned, 0).await.map_err(|error| error.code()), Err("source_missing"));
        let elsewhere = ObjectRef { bucket: "nowhere".to_owned(), ..pinned };
        assert_eq!(read(&store, &elsewhere, 0).await.map_err(|error| error.code()), Err("no_such_bucket"));
    }

    #[tokio::test]
    async fn an_old_version_stays_readable_when_versions_are_kept() {
        let store = MemoryStore::new(["in"]).with_versions();
        let first = store.insert("in", "a", "one");
        store.insert("in", "a", "two");
        let pinned = ObjectRef { version_id: first.version_id, ..source("a") };
        assert_eq!(read(&store, &pinned, 0).await.as_deref(), Ok(&b"one"[..]));
        assert_eq!(read(&store, &source("a"), 0).await.as_deref(), Ok(&b"two"[..]));
    }

    #[tokio::test]
    async fn only_the_same_object_may_be_written_again_if_none_may_be_there() {
        let store = MemoryStore::new(["in"]);
        let absent = |body| PutObject { only_if_absent: true, ..put("a", body) };
        let first = store.put(absent("one")).await;
        assert_eq!(store.put(absent("one")).await, first);
        assert_eq!(store.put(absent("two")).await.map_err(|error| error.code()), Err("already_exists"));
        assert_eq!(store.object("in", "a").map(|object| object.body), Some(Bytes::from_static(b"one")));
    }

    #[tokio::test]
    async fn a_body_with_another_checksum_is_refused() {
        let store = MemoryStore::new(["in"]);
        let wrong = PutObject { sha256: [0; 32], ..put("a", "hello") };
        assert_eq!(store.put(wrong).await.map_err(|error| error.code()), Err("s3_rejected"));
        assert_eq!(store.keys("in"), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_listing_holds_what_has_the_prefix_in_order() {
        let store = MemoryStore::new(["in"]);
        for key in ["b/2", "a", "b/1", "c"] {
            store.insert("in", key, key.to_owned());
        }
        let keys =
            |listed: Vec<ListedObject>| listed.into_iter().map(|object| object.key).collect::<Vec<_>>();
        assert_eq!(store.list("in", "b/").await.map(keys), Ok(vec!["b/1".to_owned(), "b/2".to_owned()]));
        store.delete("in", &["b/1".to_owned(), "never there".to_owned()]).await.expect("deleted");
        assert_eq!(store.keys("in"), ["a", "b/2", "c"]);
    }
}
