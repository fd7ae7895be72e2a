//! A listener that serves HTTP/1.1, and short answers.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The largest payload and the largest answer of an invocation, as on Lambda.
pub(super) const PAYLOAD_LIMIT_BYTES: usize = 6 * 1024 * 1024;

/// Serves connections for as long as it is polled; dropping it closes them.
pub(super) async fn serve<F, R, B, E>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    // Without this, a small answer waits for the client's delayed acknowledgement.
                    let _ = socket.set_nodelay(true);
                    let service = service_fn(answer.clone());
                    connections.spawn(async move {
                        // A client that goes away in the middle is its own affair.
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(socket), service)
                            .await;
                    });
                }
                // The process is out of descriptors: those in use come back, so wait for them.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Reads a payload, or gives the answer that refuses it.
pub(super) async fn read_payload(body: Incoming) -> Result<Bytes, Response<Full<Bytes>>> {
    match Limited::new(body, PAYLOAD_LIMIT_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(_) => Err(error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            &format!("the body broke off or is longer than {PAYLOAD_LIMIT_BYTES} bytes"),
        )),
    }
}

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// An error as the Runtime API and the Invoke API write it.
pub(super) fn error(status: StatusCode, kind: &'static str, message: &str) -> Response<Full<Bytes>> {
    let body =
        serde_json::json!({ "errorType": kind, "errorMessage": message, "Type": "User", "Message": message });
    let mut response = json(status, body.to_string());
    response.headers_mut().insert("x-amzn-errortype", hyper::header::HeaderValue::from_static(kind));
    response
}

/// What the services here return: every failure is an answer too.
pub(super) type Answer = Result<Response<Full<Bytes>>, Infallible>;
