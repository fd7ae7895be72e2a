//! Lambda's Runtime API, for one function.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{Call, INPUT_BUCKET, status};

/// How long an invocation may take, for the deadline that the function is told.
const TIMEOUT: Duration = Duration::from_secs(900);

/// Invocations that wait to be asked for.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    queue: UnboundedSender<String>,
    waiting: Mutex<(u64, UnboundedReceiver<String>)>,
}

impl Default for RuntimeApi {
    fn default() -> RuntimeApi {
        let (queue, waiting) = mpsc::unbounded_channel();
        RuntimeApi { queue, waiting: Mutex::new((0, waiting)) }
    }
}

impl RuntimeApi {
    pub(super) fn queue(&self, payload: String) {
        // The other end lives as long as this one.
        let _ = self.queue.send(payload);
    }

    pub(super) async fn answer(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        tell: impl FnOnce(Call),
    ) -> Response<Full<Bytes>> {
        let segments: Vec<&str> = path.split('/').collect();
        match (method, segments.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => {
                tell(Call::Next);
                return self.next().await;
            }
            (&Method::POST, ["invocation", _, "response"]) => tell(Call::Response(body)),
            (&Method::POST, ["invocation", _, "error"]) => tell(Call::Error(body)),
            (&Method::POST, ["init", "error"]) => tell(Call::InitError(body)),
            _ => {
                tell(Call::Unknown(format!("{method} {path} of the Runtime API")));
                return status(StatusCode::NOT_FOUND);
            }
        }
        status(StatusCode::ACCEPTED)
    }

    /// Waits for an invocation as long as it takes.
    async fn next(&self) -> Response<Full<Bytes>> {
        let mut waiting = self.waiting.lock().await;
        let Some(payload) = waiting.1.recv().await else { return status(StatusCode::GONE) };
        waiting.0 += 1;
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIMEOUT;
        let headers = [
            ("lambda-runtime-aws-request-id", format!("00000000-0000-4000-8000-{:012}", waiting.0)),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-central-1:123456789012:function:pdf2img".to_owned(),
            ),
        ];
        let mut response = Response::new(Full::from(payload));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The notification that S3 sends of a new object.
pub(super) fn notification(key: &str, bytes: usize, etag: &str) -> String {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "AWS:AIDAEXAMPLE" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": "0", "x-amz-id-2": "0" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "pdf2img",
            "bucket": {
                "name": INPUT_BUCKET,
                "ownerIdentity": { "principalId": "EXAMPLE" },
                "arn": format!("arn:aws:s3:::{INPUT_BUCKET}"),
            },
            "object": { "key": key, "size": bytes, "eTag": etag, "sequencer": "0" },
        },
    }]})
    .to_string()
}
