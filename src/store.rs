//! Where PDFs come from and images go: the few things that the pipeline asks of S3.
//!
//! [`ObjectStore`] is the seam. The real store speaks to S3; the others stand in for it in tests.

pub mod failing;
pub mod fetch;
pub mod memory;
pub mod metadata;
#[cfg(feature = "function")]
pub mod s3;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;

/// An object store, as much of S3 as the pipeline needs.
///
/// Implementations retry a request that failed for a passing reason (with backoff, a few times,
/// with timeouts set) before they return [`StoreError::Transient`]. A body that breaks off while
/// it is read is the caller's to resume with [`get`](ObjectStore::get) from an offset.
#[async_trait]
pub trait ObjectStore: Send + Sync + 'static {
    /// Starts to read an object from byte `from` on.
    ///
    /// With a version id that version is read. With an ETag the read fails with
    /// [`StoreError::Replaced`] unless the object still has it; the answer's own ETag is compared,
    /// since not every S3-compatible server honours `If-Match`.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], [`StoreError::Replaced`], [`StoreError::AccessDenied`],
    /// [`StoreError::Transient`], [`StoreError::Rejected`].
    async fn get(&self, source: &ObjectRef, from: u64) -> Result<ObjectBody, StoreError>;

    /// Asks for an object's properties; `None` if there is no such object.
    ///
    /// # Errors
    ///
    /// As [`get`](ObjectStore::get), without `NotFound`.
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError>;

    /// Writes an object whole.
    ///
    /// With `only_if_absent`, an object that is there already and is the same (content and
    /// metadata) counts as written, since an answer can be lost and the request sent again. Who
    /// claims something by writing therefore puts a mark of its own into it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchBucket`], [`StoreError::AccessDenied`], [`StoreError::Transient`],
    /// [`StoreError::Rejected`]; [`StoreError::AlreadyExists`] if `only_if_absent` was asked for
    /// and there is an object.
    async fn put(&self, object: PutObject) -> Result<ObjectInfo, StoreError>;

    /// Lists all objects whose key starts with `prefix`, in the order of their keys.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchBucket`], [`StoreError::AccessDenied`], [`StoreError::Transient`],
    /// [`StoreError::Rejected`].
    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ListedObject>, StoreError>;

    /// Deletes objects; those that do not exist count as deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchBucket`], [`StoreError::AccessDenied`], [`StoreError::Transient`],
    /// [`StoreError::Rejected`].
    async fn delete(&self, bucket: &str, keys: &[String]) -> Result<(), StoreError>;
}

#[async_trait]
impl<S: ObjectStore + ?Sized> ObjectStore for Arc<S> {
    async fn get(&self, source: &ObjectRef, from: u64) -> Result<ObjectBody, StoreError> {
        (**self).get(source, from).await
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        (**self).head(bucket, key).await
    }

    async fn put(&self, object: PutObject) -> Result<ObjectInfo, StoreError> {
        (**self).put(object).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        (**self).list(bucket, prefix).await
    }

    async fn delete(&self, bucket: &str, keys: &[String]) -> Result<(), StoreError> {
        (**self).delete(bucket, keys).await
    }
}

/// One version of one object, as an event names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, if the bucket keeps versions.
    pub version_id: Option<String>,
    /// The ETag, without its quotes.
    pub etag: Option<String>,
}

/// An object's properties.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectInfo {
    /// The length of the whole object in bytes.
    pub bytes: u64,
    /// The ETag, without its quotes; empty if the server sent none.
    pub etag: String,
    /// The version, if the bucket keeps versions.
    pub version_id: Option<String>,
    /// User metadata: names in lower case, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// The body of an object while it arrives.
pub struct ObjectBody {
    /// The properties of the whole object, also when the body starts within it.
    pub info: ObjectInfo,
    /// The bytes from the offset asked for on. It may end early without an error: compare lengths.
    pub chunks: Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>,
}

/// An object to write.
#[derive(Debug, Clone)]
pub struct PutObject {
    /// The bucket's name.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The content.
    pub body: Bytes,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The SHA-256 of the body, which the server checks.
    pub sha256: [u8; 32],
    /// User metadata: names in lower case, values in any UTF-8. The store encodes values to ASCII;
    /// S3 takes 2,048 bytes of encoded names and values in all.
    pub metadata: BTreeMap<String, String>,
    /// Write only if there is no object of this key yet (`If-None-Match: *`).
    pub only_if_absent: bool,
}

/// A row of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// The key.
    pub key: String,
    /// The ETag, without its quotes.
    pub etag: String,
    /// The length in bytes.
    pub bytes: u64,
}

/// What an object store can fail with, by who can act on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The object is gone.
    #[error("s3://{bucket}/{key} does not exist")]
    NotFound {
        /// The bucket's name.
        bucket: String,
        /// The key.
        key: String,
    },
    /// The object is not the one that the event named.
    #[error("s3://{bucket}/{key} was replaced after the event: its ETag is no longer {expected}")]
    Replaced {
        /// The bucket's name.
        bucket: String,
        /// The key.
        key: String,
        /// The ETag that the event named.
        expected: String,
    },
    /// The bucket does not exist.
    #[error("bucket {bucket} does not exist")]
    NoSuchBucket {
        /// The bucket's name.
        bucket: String,
    },
    /// There is an object where none may be.
    #[error("s3://{bucket}/{key} exists already")]
    AlreadyExists {
        /// The bucket's name.
        bucket: String,
        /// The key.
        key: String,
    },
    /// The role may not do this.
    #[error("access denied: {action} on s3://{bucket}/{key}; allow it in the function's role")]
    AccessDenied {
        /// The S3 action: `s3:GetObject`.
        action: &'static str,
        /// The bucket's name.
        bucket: String,
        /// The key or prefix.
        key: String,
    },
    /// The service or the network failed, and may not fail the next time.
    #[error("{action} on s3://{bucket}/{key} failed for now: {detail}")]
    Transient {
        /// The S3 action.
        action: &'static str,
        /// The bucket's name.
        bucket: String,
        /// The key or prefix.
        key: String,
        /// What happened.
        detail: String,
    },
    /// The service refused the request for good.
    #[error("{action} on s3://{bucket}/{key} was refused: {detail}")]
    Rejected {
        /// The S3 action.
        action: &'static str,
        /// The bucket's name.
        bucket: String,
        /// The key or prefix.
        key: String,
        /// What the service said.
        detail: String,
    },
}

impl StoreError {
    /// The stable code of this kind of failure, as it stands in manifests and logs.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::NotFound { .. } => "source_missing",
            StoreError::Replaced { .. } => "source_replaced",
            StoreError::NoSuchBucket { .. } => "no_such_bucket",
            StoreError::AlreadyExists { .. } => "already_exists",
            StoreError::AccessDenied { .. } => "access_denied",
            StoreError::Transient { .. } => "s3_unavailable",
            StoreError::Rejected { .. } => "s3_rejected",
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, StoreError::Transient { .. })
    }
}
