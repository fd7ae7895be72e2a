//! Starts the function until it asks for work, against a Runtime API that has none.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::emulator::{Cpu, illegal_instruction};
use super::process::Running;

/// How long a start may take, on an emulated CPU of a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked for a request.
const POLL: Duration = Duration::from_millis(10);

/// The request that says that the function is ready.
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";

/// What a start came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// It asked for its first invocation.
    Ready,
    /// It did not, and why.
    Failed(String),
}

/// Starts `bootstrap` with a backend, and ends it as soon as it asks for something or has ended by itself.
///
/// # Errors
///
/// If it cannot be tried.
pub(super) fn start(bootstrap: &Path, cpu: &Cpu, backend: &str) -> Result<Start> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to listen")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let mut command = cpu.command(bootstrap);
    command
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "pdf2img")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .env("PDF2IMG_BACKEND", backend);
    let mut running = Running::start(&mut command)?;
    let deadline = Instant::now() + PATIENCE;
    let (request, status) = loop {
        match listener.accept() {
            Ok((stream, _)) => match request(stream) {
                // A connection that says nothing is passed over.
                Ok(request) if request.is_empty() => {}
                Ok(request) => break (Some(request), "asked for something".to_owned()),
                Err(error) => break (None, format!("its request could not be read: {error}")),
            },
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("failed to accept a connection"),
        }
        if let Some(status) = running.ended()? {
            break (None, status.to_string());
        }
        if Instant::now() > deadline {
            break (None, format!("has not asked for an invocation within {PATIENCE:?}"));
        }
        thread::sleep(POLL);
    };
    let ended = running.end(status)?;
    // A worker that dies while the function starts does not keep it from asking.
    if let Some(complaint) = illegal_instruction(&ended.said(), cpu) {
        return Ok(Start::Failed(complaint));
    }
    Ok(match request {
        Some(request) if request.starts_with(NEXT) => Start::Ready,
        Some(request) => {
            Start::Failed(format!("it reported a failed start: {}", request.replace("\r\n", " ").trim()))
        }
        None => Start::Failed(ended.complaint(cpu)),
    })
}

/// What arrives until the other side waits, up to some kilobytes.
fn request(mut stream: TcpStream) -> std::io::Result<String> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut request = Vec::new();
    let mut part = [0; 2048];
    loop {
        let length = match stream.read(&mut part) {
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(error) => return Err(error),
        };
        request.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&request);
        // Of a failed start the body says why; the call that asks for work has none.
        let is_whole = text.starts_with("GET ") || is_with_body(&text);
        if length == 0 || is_whole && text.contains("\r\n\r\n") || request.len() > 16 * 1024 {
            return Ok(text.into_owned());
        }
    }
}

fn is_with_body(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.is_some_and(|length: usize| body.len() >= length)
}
