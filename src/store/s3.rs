//! The real store: S3, or a server that speaks its protocol.
//!
//! The client is put together by hand, without `aws-config`: region and credentials are given, so
//! that nothing probes a metadata service, and the trusted roots are a handful, so that a function
//! starts fast. With the feature `function` alone: a worker has no use for it.

mod failure;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, Delete, ObjectIdentifier};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::TryStreamExt as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use self::failure::Request;
use super::{ListedObject, ObjectBody, ObjectInfo, ObjectRef, ObjectStore, PutObject, StoreError, metadata};
use crate::config::s3::{S3Config, S3Timeouts, TlsRoots};

/// How many keys one `DeleteObjects` request may name.
const DELETE_BATCH_KEYS: usize = 1_000;

/// The roots that S3's own endpoints chain to; the file says where they come from.
const AMAZON_ROOTS_PEM: &[u8] = include_bytes!("amazon-roots.pem");

/// S3, or a server that speaks its protocol.
///
/// Cloning is cheap; the clones share their connections.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    timeouts: S3Timeouts,
}

/// Why a client could not be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum S3ConfigError {
    /// The endpoint is not the URL of a server.
    #[error("S3 endpoint {endpoint:?} is not an http:// or https:// URL of a host")]
    Endpoint {
        /// What was given.
        endpoint: String,
    },
    /// The file of trusted roots cannot be read.
    #[error("failed to read the TLS roots {}: {source}", path.display())]
    RootsUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of trusted roots holds no certificate, or one that is damaged.
    #[error("the TLS roots {} hold no valid PEM certificates: {detail}", path.display())]
    RootsInvalid {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The TLS library refused its settings.
    #[error("failed to set TLS up: {detail}")]
    Tls {
        /// Why.
        detail: String,
    },
}

impl S3Timeouts {
    /// The SDK's form of these, with the time that a body of `upload_bytes` is granted.
    ///
    /// The SDK's read timeout is left off: it covers the sending of a body too, and the SDK keeps a
    /// connection pool for each of its values. The attempt's timeout does what it would do.
    fn for_upload(&self, upload_bytes: usize) -> TimeoutConfig {
        let rate = f64::from(self.slowest_upload_bytes_per_s.max(1));
        let upload = Duration::from_secs_f64(upload_bytes as f64 / rate);
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .disable_read_timeout()
            .operation_attempt_timeout(self.attempt + upload)
            .operation_timeout(self.operation + 2 * upload)
            .build()
    }
}

impl S3Store {
    /// Puts a client together; no request is made.
    ///
    /// # Errors
    ///
    /// [`S3ConfigError`] if the endpoint is no URL or the TLS roots are unusable.
    pub fn new(config: &S3Config) -> Result<Self, S3ConfigError> {
        let credentials = Credentials::new(
            &config.credentials.access_key_id,
            &config.credentials.secret_access_key,
            config.credentials.session_token.clone(),
            None,
            "pdf2img",
        );
        let retries = RetryConfig::standard()
            .with_max_attempts(config.retries.attempts.max(1))
            .with_initial_backoff(config.retries.initial_backoff)
            .with_max_backoff(config.retries.max_backoff);
        let builder = Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http_client(config)?)
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(config.force_path_style)
            .retry_config(retries)
            .retry_classifier(RetryConflicts)
            .timeout_config(config.timeouts.for_upload(0))
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled().grace_period(config.timeouts.stall).build(),
            )
            // What we write carries a SHA-256 anyway, and many S3-compatible servers know neither
            // the checksum trailers nor the algorithms that the SDK would add on its own.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let builder = match &config.endpoint {
            Some(endpoint) => builder.endpoint_url(endpoint),
            None => builder,
        };
        Ok(S3Store { client: Client::from_conf(builder.build()), timeouts: config.timeouts.clone() })
    }

    /// Decides what a refused conditional write means.
    ///
    /// A write whose answer was lost is sent again, and then finds the object that it made itself.
    /// So the object that is there is compared: if it is the one to be written, the write is done.
    async fn written_already(&self, object: &PutObject) -> Result<ObjectInfo, StoreError> {
        let request = Request::new("s3:GetObject", &object.bucket, &object.key);
        let found = self
            .client
            .head_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .map_err(|error| match request.failure(error) {
                StoreError::NotFound { .. } => request.transient("the object came and went".to_owned()),
                failure => failure,
            })?;
        let info = object_info(
            total_bytes(found.content_length(), None).unwrap_or_default(),
            found.e_tag(),
            found.version_id(),
            found.metadata(),
        );
        let mut same = info.bytes == object.body.len() as u64 && info.metadata == object.metadata;
        if same {
            same = match found.checksum_sha256() {
                Some(checksum) => checksum == BASE64.encode(object.sha256),
                // Not every server keeps the checksum.
                None => self.content(object, &info).await? == object.body,
            };
        }
        if same {
            Ok(info)
        } else {
            Err(StoreError::AlreadyExists { bucket: object.bucket.clone(), key: object.key.clone() })
        }
    }

    /// Reads back what stands under the key of `object`, if it still is what `info` describes.
    async fn content(&self, object: &PutObject, info: &ObjectInfo) -> Result<Vec<u8>, StoreError> {
        let source = ObjectRef {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            version_id: info.version_id.clone(),
            etag: Some(info.etag.clone()).filter(|etag| !etag.is_empty()),
        };
        let chunks: Vec<_> = self.get(&source, 0).await?.chunks.try_collect().await?;
        Ok(chunks.concat())
    }

    async fn delete_one(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        let request = Request::new("s3:DeleteObject", bucket, key);
        match self.client.delete_object().bucket(bucket).key(key).send().await {
            Ok(_) => Ok(()),
            Err(error) => match request.failure(error) {
                // S3 itself reports success for what is not there; other servers may not.
                StoreError::NotFound { .. } => Ok(()),
                failure => Err(failure),
            },
        }
    }

    async fn delete_batch(&self, bucket: &str, keys: &[String]) -> Result<(), StoreError> {
        let request = Request::new("s3:DeleteObject", bucket, &keys[0]);
        let refused = |detail: &dyn fmt::Display| request.rejected(detail.to_string());
        let objects = keys
            .iter()
            .map(|key| ObjectIdentifier::builder().key(key).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| refused(&error))?;
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|error| refused(&error))?;
        let answer = self
            .client
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .send()
            .await
            .map_err(|error| request.failure(error))?;
        let failed: Vec<_> =
            answer.errors().iter().filter(|error| error.code() != Some("NoSuchKey")).collect();
        let Some(first) = failed.first() else { return Ok(()) };
        let detail = format!(
            "{} of {} keys not deleted, the first: {}",
            failed.len(),
            keys.len(),
            first.message().unwrap_or_default(),
        );
        let key = first.key().unwrap_or_default();
        Err(Request::new("s3:DeleteObject", bucket, key).classify(None, first.code(), detail))
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn get(&self, source: &ObjectRef, from: u64) -> Result<ObjectBody, StoreError> {
        let action = if source.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let request = Request::new(action, &source.bucket, &source.key).expecting(source.etag.as_deref());
        let answer = self
            .client
            .get_object()
            .bucket(&source.bucket)
            .key(&source.key)
            .set_version_id(source.version_id.clone())
            .set_if_match(source.etag.as_ref().map(|etag| format!("\"{etag}\"")))
            .set_range((from > 0).then(|| format!("bytes={from}-")))
            .send()
            .await
            .map_err(|error| request.failure(error))?;
        if let (Some(expected), Some(etag)) = (&source.etag, answer.e_tag())
            && unquoted(etag) != expected
        {
            return Err(request.replaced());
        }
        if from > 0 && !starts_at(answer.content_range(), from) {
            return Err(request.rejected(format!(
                "asked for the bytes from {from} on, the server sent {}",
                answer.content_range().unwrap_or("the whole object"),
            )));
        }
        let bytes = total_bytes(answer.content_length(), answer.content_range())
            .ok_or_else(|| request.rejected("the answer does not say how long the object is".to_owned()))?;
        let info = object_info(bytes, answer.e_tag(), answer.version_id(), answer.metadata());
        let chunks = futures_util::stream::unfold(Some((answer.body, request)), |state| async move {
            let (mut body, request) = state?;
            match body.next().await? {
                Ok(chunk) => Some((Ok(chunk), Some((body, request)))),
                Err(error) => Some((Err(request.broken_off(&error)), None)),
            }
        });
        Ok(ObjectBody { info, chunks: Box::pin(chunks) })
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        let request = Request::new("s3:GetObject", bucket, key);
        match self.client.head_object().bucket(bucket).key(key).send().await {
            Ok(answer) => {
                let bytes = total_bytes(answer.content_length(), None).ok_or_else(|| {
                    request.rejected("the answer does not say how long the object is".to_owned())
                })?;
                Ok(Some(object_info(bytes, answer.e_tag(), answer.version_id(), answer.metadata())))
            }
            Err(error) => match request.failure(error) {
                StoreError::NotFound { .. } => Ok(None),
                failure => Err(failure),
            },
        }
    }

    async fn put(&self, object: PutObject) -> Result<ObjectInfo, StoreError> {
        let request = Request::new("s3:PutObject", &object.bucket, &object.key);
        let metadata: HashMap<_, _> =
            object.metadata.iter().map(|(name, value)| (name.clone(), metadata::encode(value))).collect();
        let timeouts = self.timeouts.for_upload(object.body.len());
        let sent = self
            .client
            .put_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .body(ByteStream::from(object.body.clone()))
            .content_type(object.content_type)
            .checksum_sha256(BASE64.encode(object.sha256))
            .set_metadata(Some(metadata))
            .set_if_none_match(object.only_if_absent.then(|| "*".to_owned()))
            .customize()
            .config_override(aws_sdk_s3::config::Builder::new().timeout_config(timeouts))
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(ObjectInfo {
                bytes: object.body.len() as u64,
                etag: answer.e_tag().map(unquoted).unwrap_or_default().to_owned(),
                version_id: answer.version_id().map(str::to_owned),
                metadata: object.metadata,
            }),
            Err(error) => match request.failure(error) {
                StoreError::AlreadyExists { .. } if object.only_if_absent => {
                    self.written_already(&object).await
                }
                failure => Err(failure),
            },
        }
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        let request = Request::new("s3:ListBucket", bucket, prefix);
        let mut listed = Vec::new();
        let mut token: Option<String> = None;
        loop {
            // Without `encoding-type=url`: some servers say that they encode, and do not. Where a
            // key cannot stand in XML 1.0, S3 writes a character reference, which the SDK reads.
            let page = self
                .client
                .list_objects_v2()
                .bucket(bucket)
                .prefix(prefix)
                .set_continuation_token(token.clone())
                .send()
                .await
                .map_err(|error| request.failure(error))?;
            for object in page.contents() {
                listed.push(ListedObject {
                    key: object.key().unwrap_or_default().to_owned(),
                    etag: object.e_tag().map(unquoted).unwrap_or_default().to_owned(),
                    bytes: object.size().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
                });
            }
            if page.is_truncated() != Some(true) {
                return Ok(listed);
            }
            // Without a new token the same page would come for ever.
            match page.next_continuation_token {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => {
                    let detail = "the listing goes on, but has no token to continue";
                    return Err(request.rejected(detail.to_owned()));
                }
            }
        }
    }

    async fn delete(&self, bucket: &str, keys: &[String]) -> Result<(), StoreError> {
        for batch in keys.chunks(DELETE_BATCH_KEYS) {
            if let [key] = batch {
                self.delete_one(bucket, key).await?;
                continue;
            }
            match self.delete_batch(bucket, batch).await {
                // Some servers want another checksum on a batch than the SDK sends, or know none.
                Err(StoreError::Rejected { .. }) => {
                    for key in batch {
                        self.delete_one(bucket, key).await?;
                    }
                }
                other => other?,
            }
        }
        Ok(())
    }
}

/// Retries what S3 answers 409 to, as its documentation asks for: somebody else wrote the same key
/// at the same moment. The SDK on its own does not.
#[derive(Debug)]
struct RetryConflicts;

impl ClassifyRetry for RetryConflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if response.status().as_u16() == 409 => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "retry conflicts"
    }
}

/// An HTTP client: over TLS with the trusted roots, or without TLS for an endpoint of plain HTTP.
fn http_client(config: &S3Config) -> Result<SharedHttpClient, S3ConfigError> {
    let builder = aws_smithy_http_client::Builder::new();
    if let Some(endpoint) = &config.endpoint {
        let (scheme, host) = endpoint.split_once("://").unwrap_or_default();
        let host_is_valid = !host.is_empty()
            && !host.starts_with(['/', ':', '?', '#'])
            && host.chars().all(|c| c.is_ascii_graphic());
        match scheme {
            "http" if host_is_valid => return Ok(builder.build_http()),
            "https" if host_is_valid => {}
            _ => return Err(S3ConfigError::Endpoint { endpoint: endpoint.clone() }),
        }
    }
    let roots = match &config.tls_roots {
        TlsRoots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS_PEM),
        TlsRoots::System => TrustStore::default(),
        TlsRoots::Pem(path) => {
            let pem = std::fs::read(path)
                .map_err(|source| S3ConfigError::RootsUnreadable { path: path.clone(), source })?;
            check_roots(&pem).map_err(|detail| S3ConfigError::RootsInvalid { path: path.clone(), detail })?;
            TrustStore::empty().with_pem_certificate(pem)
        }
    };
    let tls = TlsContext::builder()
        .with_trust_store(roots)
        .build()
        .map_err(|error| S3ConfigError::Tls { detail: error.to_string() })?;
    Ok(builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https())
}

/// Reads every certificate as the SDK will, which panics on one that is damaged; returns how many.
fn check_roots(pem: &[u8]) -> Result<usize, String> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("there is none".to_owned()) } else { Ok(roots.len()) }
}

fn object_info(
    bytes: u64,
    etag: Option<&str>,
    version_id: Option<&str>,
    metadata: Option<&HashMap<String, String>>,
) -> ObjectInfo {
    ObjectInfo {
        bytes,
        etag: etag.map(unquoted).unwrap_or_default().to_owned(),
        // "null" is how S3 names the object of a bucket that kept no versions when it was written.
        version_id: version_id.filter(|id| *id != "null").map(str::to_owned),
        metadata: metadata
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.to_ascii_lowercase(), metadata::decode(value)))
            .collect(),
    }
}

/// The length of the whole object: from `bytes 5-9/10` in an answer that holds a part of it.
fn total_bytes(content_length: Option<i64>, content_range: Option<&str>) -> Option<u64> {
    match content_range {
        Some(range) => range.rsplit_once('/')?.1.parse().ok(),
        None => u64::try_from(content_length?).ok(),
    }
}

fn starts_at(content_range: Option<&str>, from: u64) -> bool {
    content_range
        .and_then(|range| range.strip_prefix("bytes "))
        .and_then(|range| range.split_once('-'))
        .is_some_and(|(start, _)| start.parse() == Ok(from))
}

fn unquoted(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::s3::S3Credentials;

    fn config() -> S3Config {
        let credentials = S3Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "very secret".to_owned(),
            session_token: Some("token".to_owned()),
        };
        S3Config::new("eu-central-1", credentials)
    }

    #[test]
    fn the_bundle_holds_the_five_roots() {
        assert_eq!(check_roots(AMAZON_ROOTS_PEM), Ok(5));
    }

    #[test]
    fn a_client_is_put_together_for_every_kind_of_roots() {
        let pem = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/amazon-roots.pem"));
        for tls_roots in [TlsRoots::Amazon, TlsRoots::System, TlsRoots::Pem(pem)] {
            S3Store::new(&S3Config { tls_roots, ..config() }).expect("a client");
        }
    }

    #[test]
    fn damaged_or_missing_roots_are_an_error_and_no_panic() {
        let missing = S3Config { tls_roots: TlsRoots::Pem("/does/not/exist.pem".into()), ..config() };
        assert!(matches!(S3Store::new(&missing), Err(S3ConfigError::RootsUnreadable { .. })));
        let no_pem = S3Config { tls_roots: TlsRoots::Pem("/dev/null".into()), ..config() };
        assert!(matches!(S3Store::new(&no_pem), Err(S3ConfigError::RootsInvalid { .. })));
        let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(check_roots(damaged).is_err());
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_an_error_that_names_it() {
        for endpoint in ["localhost:9000", "ftp://host", "http://", "https:///x", "http://a b", "http://:80"]
        {
            let error = S3Store::new(&config().with_endpoint(endpoint)).expect_err(endpoint);
            assert!(error.to_string().contains(endpoint), "{error}");
        }
        S3Store::new(&config().with_endpoint("http://127.0.0.1:9000")).expect("plain HTTP");
        S3Store::new(&config().with_endpoint("https://minio.example/base")).expect("HTTPS");
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", config());
        assert!(
            shown.contains("AKIDEXAMPLE") && !shown.contains("very secret") && !shown.contains("token\"")
        );
    }

    #[test]
    fn a_large_upload_is_granted_more_time() {
        let timeouts = S3Timeouts::default();
        let attempt = |bytes| timeouts.for_upload(bytes).operation_attempt_timeout();
        assert_eq!(attempt(0), Some(Duration::from_secs(10)));
        assert_eq!(attempt(50_000_000), Some(Duration::from_secs(110)));
        assert_eq!(timeouts.for_upload(50_000_000).operation_timeout(), Some(Duration::from_secs(240)));
    }

    #[test]
    fn the_length_of_the_whole_is_read_from_a_part() {
        assert_eq!(total_bytes(Some(5), Some("bytes 5-9/10")), Some(10));
        assert_eq!(total_bytes(Some(5), Some("bytes 5-9/*")), None);
        assert_eq!(total_bytes(Some(0), None), Some(0));
        assert_eq!(total_bytes(Some(-1), None), None);
        assert!(starts_at(Some("bytes 5-9/10"), 5));
        assert!(!starts_at(Some("bytes 4-9/10"), 5));
        assert!(!starts_at(None, 5));
    }

    #[test]
    fn an_etag_is_kept_without_quotes() {
        assert_eq!(unquoted("\"abc-2\""), "abc-2");
        assert_eq!(unquoted("W/\"abc\""), "abc");
        assert_eq!(unquoted("abc"), "abc");
    }
}
