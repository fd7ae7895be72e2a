//! What a function talks to, on 127.0.0.1: Lambda's Runtime API and S3, both in this process.
//!
//! One thread serves both on one port and notes when requests have arrived. Objects are kept in
//! memory, so that no disk is in the figures.

mod runtime_api;
mod s3;

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use self::s3::Object;

/// The bucket that holds the documents.
pub const INPUT_BUCKET: &str = "pdf-in";

/// The bucket that the function is told to write to.
pub const OUTPUT_BUCKET: &str = "pdf-out";

/// A running emulation; it ends when it is dropped.
pub struct Emulation {
    address: SocketAddr,
    events: Receiver<Event>,
    services: Arc<Services>,
    /// The thread of the server waits for it to go.
    _stop: oneshot::Sender<Infallible>,
}

/// Something that the function did.
#[derive(Debug)]
pub struct Event {
    /// When the request had arrived, with its body if it is one that has a body.
    pub at: Instant,
    /// What it was.
    pub call: Call,
}

/// What a function does.
#[derive(Debug)]
pub enum Call {
    /// It asked for an invocation.
    Next,
    /// It answered an invocation.
    Response(Bytes),
    /// It reported an invocation as failed.
    Error(Bytes),
    /// It reported that it cannot start.
    InitError(Bytes),
    /// It has put an object into S3.
    Put {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// The length of the object.
        bytes: usize,
    },
    /// It sent a request that is not understood here, so that figures would mean nothing.
    Unknown(String),
}

struct Services {
    runtime_api: runtime_api::RuntimeApi,
    s3: s3::S3,
    told: Sender<Event>,
}

impl Emulation {
    /// Listens on a free port, and serves with a thread of its own.
    ///
    /// # Errors
    ///
    /// If no port can be listened on, or no thread be started.
    pub fn start() -> Result<Emulation> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to listen")?;
        listener.set_nonblocking(true).context("failed to prepare the listener")?;
        let address = listener.local_addr().context("failed to learn the port")?;
        let (told, events) = mpsc::channel();
        let services = Arc::new(Services {
            runtime_api: runtime_api::RuntimeApi::default(),
            s3: s3::S3::default(),
            told,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start the emulation")?;
        let (stop, stopped) = oneshot::channel();
        let serving = services.clone();
        let serve = move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        };
        thread::Builder::new().name("emulation".into()).spawn(serve).context("failed to start a thread")?;
        Ok(Emulation { address, events, services, _stop: stop })
    }

    /// Where the Runtime API and S3 are.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a document into the input bucket, and queues the invocation that tells of it.
    pub fn invoke_for(&self, key: &str, pdf: &Bytes) {
        let etag = self.services.s3.insert(INPUT_BUCKET, key, Object::new(pdf.clone()));
        self.services.runtime_api.queue(runtime_api::notification(key, pdf.len(), &etag));
    }

    /// The next thing that the function did; `None` if it did nothing for so long.
    pub fn next_event(&self, patience: Duration) -> Option<Event> {
        self.events.recv_timeout(patience).ok()
    }

    /// The objects that the function has written, by key.
    pub fn written(&self) -> Vec<(String, Object)> {
        self.services.s3.objects(OUTPUT_BUCKET)
    }

    /// What Lambda sets for a function, as far as ours needs it, with S3 at this address.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = lambda_variables(self.address);
        variables.push(("AWS_ENDPOINT_URL_S3", format!("http://{}", self.address)));
        variables.push(("PDF2IMG_OUTPUT_BUCKET", OUTPUT_BUCKET.to_owned()));
        variables
    }
}

impl fmt::Debug for Emulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulation").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What Lambda sets for a function with a Runtime API at that address.
pub fn lambda_variables(runtime_api: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", "pdf2img".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769".to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
    ]
}

async fn serve(listener: std::net::TcpListener, services: Arc<Services>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((socket, _)) = listener.accept().await {
        // Without this, a small answer waits for the client's delayed acknowledgement.
        let _ = socket.set_nodelay(true);
        let services = services.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let services = services.clone();
                async move { Ok::<_, Infallible>(services.answer(request).await) }
            });
            // A function that goes away in the middle is noticed by who waits for its answer.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

impl Services {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return status(StatusCode::BAD_REQUEST);
        };
        let body = body.to_bytes();
        let at = Instant::now();
        // Whoever has seen enough listens no more.
        let tell = |call| drop(self.told.send(Event { at, call }));
        if let Some(path) = head.uri.path().strip_prefix("/2018-06-01/runtime/") {
            return self.runtime_api.answer(&head.method, path, body, tell).await;
        }
        self.s3.answer(&head, body, tell)
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Sends a request on a connection of its own; the answer's status and body.
    fn ask(emulation: &Emulation, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(emulation.address()).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[test]
    fn an_invocation_is_handed_out_and_answered() {
        let emulation = Emulation::start().unwrap();
        emulation.invoke_for("a.pdf", &Bytes::from_static(b"%PDF-"));
        let (status, event) = ask(&emulation, "GET /2018-06-01/runtime/invocation/next", "");
        assert_eq!(status, 200);
        assert!(event.contains("\"a.pdf\""), "{event}");
        assert!(matches!(emulation.next_event(PATIENCE).unwrap().call, Call::Next));
        assert_eq!(ask(&emulation, "GET /pdf-in/a.pdf?x-id=GetObject", ""), (200, "%PDF-".into()));
        assert_eq!(ask(&emulation, "POST /2018-06-01/runtime/invocation/1/response", "{}").0, 202);
        let Call::Response(answer) = emulation.next_event(PATIENCE).unwrap().call else { panic!() };
        assert_eq!(answer, "{}");
    }

    #[test]
    fn what_is_put_is_told_kept_and_listed() {
        let emulation = Emulation::start().unwrap();
        assert_eq!(ask(&emulation, "HEAD /pdf-out/a/1.png", "").0, 404);
        assert_eq!(ask(&emulation, "PUT /pdf-out/a/1.png", "image").0, 200);
        let Call::Put { bucket, key, bytes } = emulation.next_event(PATIENCE).unwrap().call else { panic!() };
        assert_eq!((bucket.as_str(), key.as_str(), bytes), ("pdf-out", "a/1.png", 5));
        let (_, listing) = ask(&emulation, "GET /pdf-out?list-type=2&prefix=a%2F", "");
        assert!(listing.contains("<Key>a/1.png</Key>"), "{listing}");
        let (_, other) = ask(&emulation, "GET /pdf-out?list-type=2&prefix=b%2F", "");
        assert!(!other.contains("<Key>"), "{other}");
        assert_eq!(emulation.written()[0].1.body, "image");
        assert_eq!(ask(&emulation, "DELETE /pdf-out/a/1.png", "").0, 204);
        assert!(emulation.written().is_empty());
    }

    #[test]
    fn a_request_that_is_not_understood_is_told() {
        let emulation = Emulation::start().unwrap();
        assert_eq!(ask(&emulation, "POST /pdf-out?delete", "<Delete/>").0, 501);
        let Call::Unknown(request) = emulation.next_event(PATIENCE).unwrap().call else { panic!() };
        assert_eq!(request, "POST /pdf-out?delete");
    }

    #[test]
    fn a_connection_that_says_nothing_is_passed_over() {
        let emulation = Emulation::start().unwrap();
        drop(TcpStream::connect(emulation.address()).unwrap());
        assert_eq!(ask(&emulation, "POST /2018-06-01/runtime/init/error", "why").0, 202);
        assert!(matches!(emulation.next_event(PATIENCE).unwrap().call, Call::InitError(_)));
    }
}
