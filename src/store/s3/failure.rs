//! Turns what the SDK reports into a [`StoreError`], by who can act on it.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId as _;

use crate::store::StoreError;

/// The longest detail of an error, in characters: a server may answer with a page of HTML.
const DETAIL_CHARS: usize = 300;

/// What was asked for, so that a failure can name it.
#[derive(Debug)]
pub(super) struct Request {
    action: &'static str,
    bucket: String,
    key: String,
    etag: Option<String>,
}

impl Request {
    pub(super) fn new(action: &'static str, bucket: &str, key: &str) -> Self {
        Request { action, bucket: bucket.to_owned(), key: key.to_owned(), etag: None }
    }

    /// Remembers the ETag that was asked for.
    pub(super) fn expecting(self, etag: Option<&str>) -> Self {
        Request { etag: etag.map(str::to_owned), ..self }
    }

    /// What a failed request means.
    pub(super) fn failure<E>(&self, error: SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + Debug + 'static,
    {
        let request_id = error.request_id().map(|id| format!(" (request {id})")).unwrap_or_default();
        match &error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                let code = context.err().code();
                let message = context.err().message().unwrap_or("no message");
                let code_shown = code.unwrap_or("no code");
                // S3 redirects to the region that the bucket is in; the client does not follow.
                let region = context.raw().headers().get("x-amz-bucket-region").filter(|_| status == 301);
                let region = region.map(|name| format!(", the bucket is in {name}")).unwrap_or_default();
                let detail = format!("{status} {code_shown}: {message}{region}{request_id}");
                self.classify(Some(status), code, detail)
            }
            // The request was never sent: no later attempt would fare better.
            SdkError::ConstructionFailure(_) => self.rejected(chain(&error)),
            // No answer, or half of one: the network or the server failed in passing.
            _ => self.transient(format!("{}{request_id}", chain(&error))),
        }
    }

    /// What an error code of S3's means; without one, as in an answer to HEAD, the HTTP status.
    pub(super) fn classify(&self, status: Option<u16>, code: Option<&str>, detail: String) -> StoreError {
        let object = || (self.bucket.clone(), self.key.clone());
        match (code, status) {
            (Some("NoSuchBucket"), _) => StoreError::NoSuchBucket { bucket: self.bucket.clone() },
            (Some("NoSuchKey" | "NoSuchVersion" | "NotFound"), _) | (None, Some(404)) => {
                let (bucket, key) = object();
                StoreError::NotFound { bucket, key }
            }
            (Some("AccessDenied"), _) | (None | Some("Forbidden"), Some(403)) => {
                let (bucket, key) = object();
                StoreError::AccessDenied { action: self.action, bucket, key }
            }
            // Temporary credentials ran out: the next execution environment has fresh ones.
            (Some("ExpiredToken" | "TokenRefreshRequired"), _)
            // Somebody else writes this key at this moment.
            | (Some("ConditionalRequestConflict" | "OperationAborted"), _)
            // S3 gives these the status 400, but they are the network's doing.
            | (Some("RequestTimeout" | "IncompleteBody" | "BadDigest" | "XAmzContentSHA256Mismatch"), _)
            | (Some("SlowDown" | "InternalError" | "ServiceUnavailable" | "Throttling" | "RequestLimitExceeded"), _) => {
                self.transient(detail)
            }
            (_, Some(412)) | (Some("PreconditionFailed"), _) if self.etag.is_some() => self.replaced(),
            (_, Some(412)) | (Some("PreconditionFailed"), _) => {
                let (bucket, key) = object();
                StoreError::AlreadyExists { bucket, key }
            }
            (Some("NotImplemented"), _) | (_, Some(501)) => self.rejected(detail),
            (_, Some(408 | 429 | 500..)) => self.transient(detail),
            _ => self.rejected(detail),
        }
    }

    /// A body that failed while it was read.
    pub(super) fn broken_off(&self, error: &(dyn Error + 'static)) -> StoreError {
        self.transient(format!("the body broke off: {}", chain(error)))
    }

    pub(super) fn replaced(&self) -> StoreError {
        StoreError::Replaced {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            expected: self.etag.clone().unwrap_or_default(),
        }
    }

    pub(super) fn rejected(&self, detail: String) -> StoreError {
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        StoreError::Rejected { action: self.action, bucket, key, detail: single_line(&detail) }
    }

    pub(super) fn transient(&self, detail: String) -> StoreError {
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        StoreError::Transient { action: self.action, bucket, key, detail: single_line(&detail) }
    }
}

/// The error and its causes, without those that only repeat the one before.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}

fn single_line(text: &str) -> String {
    let words: Vec<_> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(DETAIL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(status: u16, code: Option<&str>) -> &'static str {
        Request::new("s3:GetObject", "in", "a.pdf").classify(Some(status), code, "detail".to_owned()).code()
    }

    #[test]
    fn an_answer_is_sorted_by_who_can_act_on_it() {
        for (status, code, expected) in [
            (404, Some("NoSuchKey"), "source_missing"),
            (404, None, "source_missing"),
            (404, Some("NoSuchBucket"), "no_such_bucket"),
            (403, Some("AccessDenied"), "access_denied"),
            (403, None, "access_denied"),
            (403, Some("SignatureDoesNotMatch"), "s3_rejected"),
            (403, Some("InvalidObjectState"), "s3_rejected"),
            (400, Some("ExpiredToken"), "s3_unavailable"),
            (409, Some("ConditionalRequestConflict"), "s3_unavailable"),
            (412, Some("PreconditionFailed"), "already_exists"),
            (416, Some("InvalidRange"), "s3_rejected"),
            (301, Some("PermanentRedirect"), "s3_rejected"),
            (400, Some("RequestTimeout"), "s3_unavailable"),
            (429, None, "s3_unavailable"),
            (500, Some("InternalError"), "s3_unavailable"),
            (502, None, "s3_unavailable"),
            (501, Some("NotImplemented"), "s3_rejected"),
            (503, Some("SlowDown"), "s3_unavailable"),
        ] {
            assert_eq!(code_of(status, code), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn a_failed_precondition_on_an_etag_means_that_the_object_was_replaced() {
        let request = Request::new("s3:GetObject", "in", "a.pdf").expecting(Some("abc"));
        let error = request.classify(Some(412), Some("PreconditionFailed"), String::new());
        assert_eq!(error, request.replaced());
    }

    #[test]
    fn a_detail_is_one_short_line() {
        let detail = single_line(&"<html>\r\n\tbusy\u{1b}[31m ".repeat(100));
        assert!(detail.starts_with("<html> busy [31m <html>"), "{detail}");
        assert_eq!(detail.chars().count(), DETAIL_CHARS);
    }
}
