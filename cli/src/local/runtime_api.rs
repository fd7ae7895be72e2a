//! Lambda's Runtime API, as one execution environment sees it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::http::{self, Answer};

/// An invocation as the runtime receives it.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    /// Milliseconds since the Unix epoch.
    pub(super) deadline_ms: i64,
    pub(super) function_arn: String,
    pub(super) trace_id: String,
}

/// What the runtime told.
#[derive(Debug)]
pub(super) enum RuntimeCall {
    /// It asked for an invocation: it is up, and done with the one before.
    Next,
    /// It answered the invocation in progress.
    Response(Bytes),
    /// It reported the invocation in progress as failed.
    Error(Bytes),
    /// It could not start.
    InitError(Bytes),
}

/// The API of one execution environment, on a port of its own.
pub(super) struct RuntimeApi {
    pub(super) address: SocketAddr,
    pub(super) invocations: mpsc::UnboundedSender<Invocation>,
    pub(super) calls: mpsc::UnboundedReceiver<RuntimeCall>,
    _server: JoinSet<()>,
}

impl RuntimeApi {
    /// Binds a free port of the loopback device, and serves until it is dropped.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (invocations, waiting) = mpsc::unbounded_channel();
        let (told, calls) = mpsc::unbounded_channel();
        let state = Arc::new(State { waiting: Mutex::new(waiting), told, in_progress: SyncMutex::default() });
        let mut server = JoinSet::new();
        server.spawn(http::serve(listener, move |request| answer(state.clone(), request)));
        Ok(RuntimeApi { address, invocations, calls, _server: server })
    }
}

struct State {
    waiting: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    told: mpsc::UnboundedSender<RuntimeCall>,
    /// The request id of the invocation that has no answer yet.
    in_progress: SyncMutex<Option<String>>,
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix("/2018-06-01/runtime/") else {
        return Ok(http::error(StatusCode::NOT_FOUND, "NotFound", "no such path in the Runtime API"));
    };
    let segments: Vec<&str> = path.split('/').collect();
    Ok(match (request.method(), segments.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => state.next().await,
        (&Method::POST, ["invocation", id, "response"]) => {
            state.done(id, request.into_body(), RuntimeCall::Response).await
        }
        (&Method::POST, ["invocation", id, "error"]) => {
            state.done(id, request.into_body(), RuntimeCall::Error).await
        }
        (&Method::POST, ["init", "error"]) => match http::read_payload(request.into_body()).await {
            Ok(body) => state.tell(RuntimeCall::InitError(body)),
            Err(refusal) => refusal,
        },
        _ => http::error(StatusCode::NOT_FOUND, "NotFound", "no such path in the Runtime API"),
    })
}

impl State {
    /// Waits for an invocation, as long as it takes.
    async fn next(&self) -> Response<Full<Bytes>> {
        // Nobody listens while the environment is being torn down.
        let _ = self.told.send(RuntimeCall::Next);
        let Some(invocation) = self.waiting.lock().await.recv().await else {
            return http::error(StatusCode::GONE, "Shutdown", "the environment is shutting down");
        };
        let headers = [
            ("lambda-runtime-aws-request-id", &invocation.request_id),
            ("lambda-runtime-deadline-ms", &invocation.deadline_ms.to_string()),
            ("lambda-runtime-invoked-function-arn", &invocation.function_arn),
            ("lambda-runtime-trace-id", &invocation.trace_id),
        ]
        .map(|(name, value)| (name, HeaderValue::from_str(value)));
        let mut response = http::json(StatusCode::OK, invocation.payload);
        for (name, value) in headers {
            if let Ok(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        *self.in_progress() = Some(invocation.request_id);
        response
    }

    /// Takes the answer to the invocation in progress.
    async fn done(
        &self,
        request_id: &str,
        body: Incoming,
        call: impl FnOnce(Bytes) -> RuntimeCall,
    ) -> Response<Full<Bytes>> {
        let body = match http::read_payload(body).await {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        // An answer counts once, and only for the invocation in progress.
        if self.in_progress().take_if(|id| id == request_id).is_none() {
            return http::error(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "no such invocation in progress",
            );
        }
        self.tell(call(body))
    }

    fn tell(&self, call: RuntimeCall) -> Response<Full<Bytes>> {
        let _ = self.told.send(call);
        http::json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
    }

    fn in_progress(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.in_progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
