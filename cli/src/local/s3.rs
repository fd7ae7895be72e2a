//! The S3 endpoint: `s3s` with files below it, and an eye on the requests that make objects.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};

use super::delivery::{Dispatcher, Work};
use super::events::{CreatedBy, ObjectCreated};
use super::journal::{Journal, LocalEvent};
use super::{Credentials, LocalError};

/// The endpoint, and what it needs to tell of new objects.
pub(super) struct Endpoint {
    pub(super) service: S3Service,
    pub(super) data: PathBuf,
    pub(super) input_bucket: String,
    pub(super) output_bucket: String,
    /// Only keys that end so are told of; exact, as S3's own filter is.
    pub(super) event_suffix: String,
    pub(super) dispatcher: Dispatcher,
    pub(super) journal: Journal,
}

/// Makes the service for a directory that exists.
pub(super) fn service(data: &Path, credentials: &Credentials) -> Result<S3Service, LocalError> {
    let files = s3s_fs::FileSystem::new(data)
        .map_err(|error| LocalError::Data { path: data.to_owned(), detail: format!("{error:?}") })?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(
        credentials.access_key_id.clone(),
        credentials.secret_access_key.clone(),
    ));
    Ok(builder.build())
}

impl Endpoint {
    /// Answers a request; if it made an object, the event is on its way before the client knows.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, HttpError> {
        if let Some(refusal) = refuse_long_key(request.method(), request.uri()) {
            return Ok(refusal);
        }
        let creation = Creation::of(request.method(), request.uri(), request.headers());
        let is_encoded_listing = has_query(request.uri(), "encoding-type");
        let response = hyper::service::Service::call(&self.service, request).await?;
        match creation {
            _ if !response.status().is_success() => Ok(response),
            Some(creation) => self.tell(creation, response).await,
            None if is_encoded_listing => without_encoding_type(response).await,
            None => Ok(response),
        }
    }

    async fn tell(&self, creation: Creation, response: Response<Body>) -> Result<Response<Body>, HttpError> {
        let (parts, body) = response.into_parts();
        // These answers are small: nothing, or a few lines of XML.
        let body = body.collect().await.map_err(HttpError::new)?.to_bytes();
        let header = parts.headers.get("etag").and_then(|value| value.to_str().ok());
        // An upload of parts can fail after its 200 was sent; then there is no ETag.
        if let Some(etag) = header.map(str::to_owned).or_else(|| etag_in_xml(&body)) {
            let Creation { bucket, key, created_by } = creation;
            let file = self.data.join(&bucket).join(&key);
            let bytes = tokio::fs::metadata(file).await.map_or(0, |metadata| metadata.len());
            let etag = etag.trim_matches('"').to_owned();
            self.publish(ObjectCreated { bucket, key, bytes, etag, created_by, at: Timestamp::now() });
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    fn publish(&self, object: ObjectCreated) {
        if object.bucket == self.output_bucket && object.key.ends_with("manifest.json") {
            self.dispatcher.send(Work::DrawContactSheet { manifest_key: object.key.clone() });
        }
        if object.bucket == self.input_bucket && object.key.ends_with(&self.event_suffix) {
            self.journal.record(LocalEvent::ObjectCreated {
                bucket: object.bucket.clone(),
                key: object.key.clone(),
                bytes: object.bytes,
                event: object.created_by.event_name(),
            });
            self.dispatcher.send(Work::Notify(object));
        }
    }
}

/// What a request makes if it succeeds.
#[derive(Debug, PartialEq)]
struct Creation {
    bucket: String,
    key: String,
    created_by: CreatedBy,
}

impl Creation {
    fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let has = |name: &str| has_query(uri, name);
        // Requests about a part, or about something beside the object, make no object.
        let is_beside =
            ["acl", "tagging", "retention", "legal-hold", "torrent", "restore"].iter().any(|name| has(name));
        let created_by = match *method {
            Method::PUT if has("uploadId") || is_beside => return None,
            Method::PUT if headers.contains_key("x-amz-copy-source") => CreatedBy::Copy,
            Method::PUT => CreatedBy::Put,
            Method::POST if has("uploadId") => CreatedBy::CompleteMultipartUpload,
            _ => return None,
        };
        // Without a key, it is a bucket that is made.
        let (bucket, key) = bucket_and_key(uri)?;
        Some(Creation { bucket, key, created_by })
    }
}

/// The bucket and the key in a path, decoded; none if there is no key.
fn bucket_and_key(uri: &Uri) -> Option<(String, String)> {
    let path = percent_decode_str(uri.path()).decode_utf8().ok()?;
    let (bucket, key) = path.strip_prefix('/')?.split_once('/')?;
    (!key.is_empty()).then(|| (bucket.to_owned(), key.to_owned()))
}

/// Refuses to write an object whose files would have names that no file system takes.
///
/// S3 takes keys of 1,024 bytes. `s3s-fs` keeps an object's properties in a file that is named by the
/// key in base64, which ends at some 160 bytes (some 125 in an upload of parts). Its own answer is an
/// internal error, which clients try again and again.
fn refuse_long_key(method: &Method, uri: &Uri) -> Option<Response<Body>> {
    const MAX_FILE_NAME_BYTES: usize = 255;
    let properties_name_bytes = |bucket: &str, key: &str| {
        let base64_bytes = |text: &str| (text.len() * 4).div_ceil(3);
        let upload_id_bytes = if has_query(uri, "uploads") { ".upload-".len() + 36 } else { 0 };
        ".bucket-.object-.metadata.json".len() + base64_bytes(bucket) + base64_bytes(key) + upload_id_bytes
    };
    if *method != Method::PUT && *method != Method::POST {
        return None;
    }
    let (bucket, key) = bucket_and_key(uri)?;
    let is_too_long = properties_name_bytes(&bucket, &key) > MAX_FILE_NAME_BYTES
        || key.split('/').any(|part| part.len() > MAX_FILE_NAME_BYTES);
    is_too_long.then(|| {
        let message = format!("a key of {} bytes is too long for this local endpoint", key.len());
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>KeyTooLongError</Code><Message>{message}</Message></Error>"
        );
        let mut response = Response::new(Body::from(xml));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response
    })
}

fn has_query(uri: &Uri, name: &str) -> bool {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).any(|(key, _)| key == name)
}

/// Takes back the claim that a listing's keys are encoded.
///
/// `s3s-fs` lists keys as they are, but repeats the encoding that was asked for, so that a client which
/// believes it turns every `+` into a space.
async fn without_encoding_type(response: Response<Body>) -> Result<Response<Body>, HttpError> {
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map_err(HttpError::new)?.to_bytes();
    let text = String::from_utf8_lossy(&body).replace("<EncodingType>url</EncodingType>", "");
    // The length changed; hyper sets the new one.
    parts.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(text)))
}

/// The ETag in the answer to a copy or to the end of an upload of parts.
fn etag_in_xml(body: &Bytes) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<ETag>")?;
    let (etag, _) = rest.split_once("</ETag>")?;
    Some(etag.replace("&quot;", "\"").replace("&#34;", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creation(method: Method, uri: &str) -> Option<Creation> {
        Creation::of(&method, &uri.parse().unwrap(), &HeaderMap::new())
    }

    #[test]
    fn a_put_makes_an_object_whose_key_is_decoded_once() {
        let made = creation(Method::PUT, "/in/a%20b/%2B%2541.pdf?x-id=PutObject").unwrap();
        assert_eq!((made.bucket.as_str(), made.key.as_str()), ("in", "a b/+%41.pdf"));
        assert_eq!(made.created_by, CreatedBy::Put);
    }

    #[test]
    fn parts_tags_buckets_and_reads_make_no_object() {
        for (method, uri) in [
            (Method::PUT, "/in/a.pdf?partNumber=1&uploadId=u"),
            (Method::PUT, "/in/a.pdf?tagging"),
            (Method::PUT, "/in"),
            (Method::PUT, "/in/"),
            (Method::POST, "/in/a.pdf?uploads"),
            (Method::POST, "/in?delete"),
            (Method::GET, "/in/a.pdf"),
        ] {
            assert_eq!(creation(method, uri), None, "{uri}");
        }
    }

    #[test]
    fn completing_an_upload_makes_an_object_with_the_etag_of_its_answer() {
        let made = creation(Method::POST, "/in/a.pdf?uploadId=u").unwrap();
        assert_eq!(made.created_by, CreatedBy::CompleteMultipartUpload);
        let answer = Bytes::from_static(b"<R><ETag>&quot;abc-2&quot;</ETag></R>");
        assert_eq!(etag_in_xml(&answer).as_deref(), Some("\"abc-2\""));
    }
}
