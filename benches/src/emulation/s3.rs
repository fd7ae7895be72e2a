//! As much of S3 as the function uses, in memory and without looking at signatures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::{Call, status};

/// Objects by bucket and key.
#[derive(Debug, Default)]
pub(super) struct S3 {
    objects: Mutex<BTreeMap<(String, String), Object>>,
}

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its content.
    pub body: Bytes,
    /// Its own metadata, as headers.
    metadata: HeaderMap,
    /// Without quotes.
    etag: String,
}

impl Object {
    /// An object without metadata.
    pub fn new(body: Bytes) -> Object {
        // It only has to differ where contents differ, and a hash would take CPU time while a clock runs.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let etag = format!("{:032x}", COUNT.fetch_add(1, Ordering::Relaxed));
        Object { body, metadata: HeaderMap::new(), etag }
    }
}

impl S3 {
    /// Keeps an object; its ETag.
    pub(super) fn insert(&self, bucket: &str, key: &str, object: Object) -> String {
        let etag = object.etag.clone();
        self.lock().insert((bucket.to_owned(), key.to_owned()), object);
        etag
    }

    /// The objects of a bucket, by key.
    pub(super) fn objects(&self, bucket: &str) -> Vec<(String, Object)> {
        let objects = self.lock();
        let here = objects.iter().filter(|((of, _), _)| of == bucket);
        here.map(|((_, key), object)| (key.clone(), object.clone())).collect()
    }

    pub(super) fn answer(&self, head: &Parts, body: Bytes, tell: impl FnOnce(Call)) -> Response<Full<Bytes>> {
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        // A name that would have to be decoded is none of ours.
        match head.method {
            _ if path.contains('%') => {}
            Method::GET if key.is_empty() && query.contains("list-type=2") => {
                return self.list(bucket, query);
            }
            Method::GET | Method::HEAD if !key.is_empty() => return self.get(bucket, key, &head.method),
            Method::PUT if !key.is_empty() && !query.contains("uploadId") => {
                let bytes = body.len();
                let response = self.put(bucket, key, &head.headers, body);
                if response.status().is_success() {
                    tell(Call::Put { bucket: bucket.to_owned(), key: key.to_owned(), bytes });
                }
                return response;
            }
            Method::DELETE if !key.is_empty() => {
                self.lock().remove(&(bucket.to_owned(), key.to_owned()));
                return status(StatusCode::NO_CONTENT);
            }
            _ => {}
        }
        tell(Call::Unknown(format!("{} {}", head.method, head.uri)));
        status(StatusCode::NOT_IMPLEMENTED)
    }

    fn get(&self, bucket: &str, key: &str, method: &Method) -> Response<Full<Bytes>> {
        let Some(object) = self.lock().get(&(bucket.to_owned(), key.to_owned())).cloned() else {
            let mut missing = status(StatusCode::NOT_FOUND);
            if method == Method::GET {
                *missing.body_mut() = Full::from("<Error><Code>NoSuchKey</Code></Error>");
            }
            return missing;
        };
        // To a HEAD, the server sends the length of the body and not the body.
        let mut response = Response::new(Full::from(object.body));
        *response.headers_mut() = object.metadata;
        insert_etag(&mut response, &object.etag);
        response
    }

    fn put(&self, bucket: &str, key: &str, headers: &HeaderMap, body: Bytes) -> Response<Full<Bytes>> {
        let is_there = self.lock().contains_key(&(bucket.to_owned(), key.to_owned()));
        if is_there && headers.contains_key(IF_NONE_MATCH) {
            return status(StatusCode::PRECONDITION_FAILED);
        }
        let is_kept = |name: &HeaderName| name.as_str().starts_with("x-amz-meta-");
        let metadata = headers.iter().filter(|(name, _)| is_kept(name));
        let metadata = metadata.map(|(name, value)| (name.clone(), value.clone())).collect();
        let etag = self.insert(bucket, key, Object { metadata, ..Object::new(body) });
        let mut response = status(StatusCode::OK);
        insert_etag(&mut response, &etag);
        response
    }

    fn list(&self, bucket: &str, query: &str) -> Response<Full<Bytes>> {
        let prefix = query.split('&').find_map(|it| it.strip_prefix("prefix=")).unwrap_or_default();
        let prefix = prefix.replace("%2F", "/").replace("%2f", "/");
        let contents: String = self
            .objects(bucket)
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(key, object)| {
                let (etag, size) = (&object.etag, object.body.len());
                format!("<Contents><Key>{key}</Key><ETag>{etag}</ETag><Size>{size}</Size></Contents>")
            })
            .collect();
        Response::new(Full::from(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Name>{bucket}</Name><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        )))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert_etag(response: &mut Response<Full<Bytes>>, etag: &str) {
    if let Ok(value) = HeaderValue::try_from(format!("\"{etag}\"")) {
        response.headers_mut().insert(ETAG, value);
    }
}
