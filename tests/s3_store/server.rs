//! A real S3 server over HTTP, behind a proxy that can do to it what a network does.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET_ACCESS_KEY: &str = "secret";

/// What happens to one request or its answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The request does not reach the server; the client gets this status and body.
    Answer(u16, &'static str),
    /// The request does not reach the server; the connection is reset.
    Reset,
    /// The request does not reach the server; no answer ever comes.
    Silence,
    /// The server answers, but the connection is closed before the client learns of it.
    LostReply,
    /// The server answers, but the connection is closed after this many bytes of the body.
    CutBody(usize),
    /// The server answers, but nothing follows these first bytes of the body.
    StalledBody(usize),
}

/// The server and its proxy; both end with the test's runtime.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    root: TempDir,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    requests: Vec<String>,
}

impl Server {
    /// Starts a server with the empty buckets `source` and `output`.
    pub(crate) async fn start() -> Server {
        let root = TempDir::new().expect("a directory");
        for bucket in ["source", "output"] {
            std::fs::create_dir(root.path().join(bucket)).expect("a bucket");
        }
        let upstream = serve_s3(root.path()).await;
        let state = Arc::new(Mutex::new(State::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A client that hangs up is no concern of the proxy's.
                tokio::spawn(async move { pass_on(client, upstream, &state).await.ok() });
            }
        });
        Server { endpoint, root, state }
    }

    /// What happens to the next requests, one fault for each.
    pub(crate) fn inject(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().expect("the state").faults.extend(faults);
    }

    /// The heads of the requests since the last call, header names in lower case.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("the state").requests)
    }

    /// Where the server keeps an object.
    pub(crate) fn path(&self, bucket: &str, key: &str) -> std::path::PathBuf {
        self.root.path().join(bucket).join(key)
    }
}

async fn serve_s3(root: &Path) -> SocketAddr {
    let mut builder = S3ServiceBuilder::new(FileSystem::new(root).expect("a file system"));
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
    let service = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
            );
        }
    });
    address
}

/// Serves one connection of a client: one request, one answer, or what the fault makes of it.
async fn pass_on(mut client: TcpStream, upstream: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let (head, body) = read_request(&mut client).await?;
    let fault = {
        let mut state = state.lock().expect("the state");
        state.requests.push(head.clone());
        state.faults.pop_front().unwrap_or(Fault::None)
    };
    match fault {
        Fault::Answer(status, body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} Injected\r\nx-amz-request-id: INJECTED\r\n\
                 x-amz-bucket-region: eu-west-1\r\nconnection: close\r\n\
                 content-length: {length}\r\n\r\n{body}"
            );
            return client.write_all(answer.as_bytes()).await;
        }
        Fault::Reset => return client.set_zero_linger(),
        Fault::Silence => return std::future::pending().await,
        _ => {}
    }

    let mut server = TcpStream::connect(upstream).await?;
    // The connection header is not signed, so the request stays valid.
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await?;
    server.write_all(&body).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    let body_start = find(&answer, b"\r\n\r\n").map_or(answer.len(), |end| end + 4);
    match fault {
        Fault::LostReply => Ok(()),
        Fault::CutBody(bytes) => client.write_all(&answer[..body_start + bytes]).await,
        Fault::StalledBody(bytes) => {
            client.write_all(&answer[..body_start + bytes]).await?;
            std::future::pending().await
        }
        _ => client.write_all(&answer).await,
    }
}

/// Reads the head, header names in lower case and without `connection`, and the body.
async fn read_request(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut received = Vec::new();
    let head_end = loop {
        if let Some(end) = find(&received, b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut body = received.split_off(head_end);
    let text = String::from_utf8(received).map_err(io::Error::other)?;
    let mut lines = text.trim_end().split("\r\n");
    let mut head = format!("{}\r\n", lines.next().unwrap_or_default());
    let mut content_length = 0;
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            content_length = value.trim().parse().map_err(io::Error::other)?;
        }
        if name != "connection" {
            head.push_str(&format!("{name}:{value}\r\n"));
        }
    }
    while body.len() < content_length {
        if client.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((head + "\r\n", body))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
