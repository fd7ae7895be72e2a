//! The parent's side: workers are started, asked, watched by the clock, and ended.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use render_api::PageIndex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::child::WORKER_ARGUMENT;
use super::failure::{MAX_CODE_CHARS, PDFIUM_WORKER, WorkerError, classify, cut, not_started, one_line};
use super::protocol::{
    ENGINE_UNAVAILABLE, FrameError, PREFIX_BYTES, PROTOCOL_VERSION, PageImage, Prefix, Reply, Request,
    frame_head,
};
use super::sandbox::{Limits, SandboxReport};
use crate::config::{Backend, Deployment, RenditionName, Settings};
use crate::pdf_file::PdfFile;

/// How long a worker may take to say that it is ready. It takes milliseconds, unless the machine
/// is badly overloaded.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// How much of what a worker prints is kept, in bytes: its last words.
const STDERR_KEPT_BYTES: usize = 2048;

/// How much of an answer a worker may leave in its socket before it has to wait, in bytes. The files of most pages
/// fit, so that neither process wakes the other more than once.
const ANSWER_BUFFER_BYTES: usize = 1 << 20;

/// The longest answer whose memory is kept for the next, in bytes.
const INBOX_KEPT_BYTES: usize = 8 << 20;

/// The variable that glibc reads the settings of its parts from.
pub const TUNABLES_VARIABLE: &str = "GLIBC_TUNABLES";

/// All that is in a worker's environment, in [`TUNABLES_VARIABLE`]: what glibc's malloc is to do, which only it reads.
///
/// - Memory comes in huge pages where the kernel has them to give (with glibc 2.35 and later): what PDFium asks for, and
///   all small blocks. glibc 2.36 does so in half of all processes, by what is on the stack as it reads the kernel's
///   settings; large blocks of ours have them in any case.
/// - What is freed is kept for the next page, up to 256 MiB at the end of the heap; the worker's limit is on its
///   address space in any case. Else all above 128 KiB goes back, and PDFium asks for it again a hundred times a page.
/// - A block has a mapping of its own, which does go back, from 32 MiB on: the most that glibc takes. It comes to that
///   by itself as such blocks are freed, but not once it was told anything.
///
/// Source: <https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html>
pub const MALLOC_TUNABLES: &str =
    "glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=268435456:glibc.malloc.mmap_threshold=33554432";

/// How to start a worker.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The executable. Default: this one, through `/proc/self/exe`.
    pub program: PathBuf,
    /// Its arguments before those that are the same for all. Default: `worker`.
    pub arguments: Vec<OsString>,
    /// What PDFium needs beside that.
    pub pdfium: PdfiumCommand,
}

/// Where PDFium is.
#[derive(Debug, Clone)]
pub struct PdfiumCommand {
    /// The executable that can load it, if the ordinary one cannot. Default: in a static executable,
    /// which can load no library, `pdfium-worker` beside it; else none.
    pub program: Option<PathBuf>,
    /// Its library. Default: `lib/libpdfium.so` beside the executable.
    pub library: PathBuf,
}

impl Default for WorkerCommand {
    fn default() -> Self {
        WorkerCommand {
            program: "/proc/self/exe".into(),
            arguments: vec![WORKER_ARGUMENT.into()],
            pdfium: PdfiumCommand::default(),
        }
    }
}

impl Default for PdfiumCommand {
    fn default() -> Self {
        let executable = std::env::current_exe().unwrap_or_default();
        let program = cfg!(target_env = "musl").then(|| executable.with_file_name(PDFIUM_WORKER));
        PdfiumCommand { program, library: executable.with_file_name("lib").join("libpdfium.so") }
    }
}

impl WorkerCommand {
    /// The usual workers, with PDFium's library where the deployment says.
    pub fn of(deployment: &Deployment) -> WorkerCommand {
        let mut command = WorkerCommand::default();
        if let Some(library) = &deployment.pdfium_library {
            command.pdfium.library.clone_from(library);
        }
        command
    }

    fn program(&self, backend: Backend) -> &Path {
        match (backend, &self.pdfium.program) {
            (Backend::Pdfium, Some(program)) => program,
            _ => &self.program,
        }
    }
}

/// The right to run so many workers at a time.
#[derive(Debug, Clone)]
pub struct Pool {
    command: WorkerCommand,
    limits: Limits,
    size: usize,
    slots: Arc<Semaphore>,
    /// What the first worker reported; it is logged once.
    sandbox: Arc<OnceLock<SandboxReport>>,
}

impl Pool {
    /// A pool of `size` workers, each under `limits`.
    pub fn new(size: usize, limits: Limits, command: WorkerCommand) -> Pool {
        Pool { command, limits, size, slots: Arc::new(Semaphore::new(size)), sandbox: Arc::default() }
    }

    /// How many workers may run at a time.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Starts a worker for a document as soon as there is room for one.
    ///
    /// It inherits the PDF's descriptor, so it may be started while the PDF still arrives.
    ///
    /// # Errors
    ///
    /// [`WorkerError::Spawn`] if the process cannot be started.
    pub async fn start(&self, pdf: &PdfFile, backend: Backend) -> Result<Worker, WorkerError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("the semaphore is never closed");
        self.start_in(slot, pdf, backend)
    }

    /// Starts a worker if there is room for one now; `None` if there is not, or if it fails.
    pub fn try_start(&self, pdf: &PdfFile, backend: Backend) -> Option<Worker> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        self.start_in(slot, pdf, backend).ok()
    }

    fn start_in(
        &self,
        slot: OwnedSemaphorePermit,
        pdf: &PdfFile,
        backend: Backend,
    ) -> Result<Worker, WorkerError> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(WorkerError::Spawn)?;
        ours.set_nonblocking(true).map_err(WorkerError::Spawn)?;
        // It is a wish: the kernel gives what its administrator allows.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&theirs, ANSWER_BUFFER_BYTES);
        let stream = UnixStream::from_std(ours).map_err(WorkerError::Spawn)?;
        let program = self.command.program(backend);
        let mut child = Command::new(program)
            .args(&self.command.arguments)
            .arg(self.limits.memory_bytes.to_string())
            .arg(self.limits.cpu_seconds.to_string())
            .arg(backend.as_str())
            .arg(&self.command.pdfium.library)
            .env_clear()
            .env(TUNABLES_VARIABLE, MALLOC_TUNABLES)
            .stdin(Stdio::from(pdf.descriptor().map_err(WorkerError::Spawn)?))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| not_started(program, &error))?;
        let last_words = tokio::spawn(last_words(child.stderr.take()));
        let sandbox = Arc::clone(&self.sandbox);
        Ok(Worker {
            child,
            stream,
            backend,
            last_words: Some(last_words),
            sandbox,
            limits: self.limits,
            max_body_bytes: 0,
            inbox: BytesMut::new(),
            renditions: Vec::new(),
            ahead: None,
            pages: 0,
            ready: false,
            _slot: slot,
        })
    }

    /// Starts a worker, has it load its engine and try its sandbox out, and logs what is enforced;
    /// later calls and later workers log it no more.
    ///
    /// # Errors
    ///
    /// As [`start`](Pool::start), or [`WorkerError`] if it does not get ready.
    pub async fn self_test(&self, backend: Backend) -> Result<SandboxReport, WorkerError> {
        let empty = PdfFile::new().map_err(WorkerError::Spawn)?;
        let mut worker = self.start(&empty, backend).await?;
        worker.ready().await?;
        Ok(self.sandbox.get().cloned().expect("a ready worker has reported"))
    }
}

/// One worker process, for one document. Dropping it ends the process.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stream: UnixStream,
    backend: Backend,
    last_words: Option<tokio::task::JoinHandle<String>>,
    sandbox: Arc<OnceLock<SandboxReport>>,
    limits: Limits,
    /// The most bytes of a page's images that are taken from it; set when the document opens.
    max_body_bytes: u64,
    /// Where files arrive; its memory serves again once those of a page are dropped.
    inbox: BytesMut,
    /// What every page has beside its main image; set when the document opens.
    renditions: Vec<RenditionName>,
    /// The page that it was asked for beside the one before.
    ahead: Option<PageIndex>,
    pages: u32,
    ready: bool,
    _slot: OwnedSemaphorePermit,
}

/// An engine that has opened a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Which one it is.
    pub backend: Backend,
    /// The number of pages.
    pub page_count: u32,
    /// The engine's own version.
    pub version: String,
    /// How long it took to open the document.
    pub open: Duration,
}

/// A page, drawn and encoded.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Its main image.
    pub main: RenderedImage,
    /// Its renditions, in the order of the settings.
    pub renditions: Vec<(RenditionName, RenderedImage)>,
    /// Errors in the page's content that the engine passed over.
    pub content_errors: u32,
    /// How long drawing took, and scaling down.
    pub render: Duration,
}

impl Rendered {
    /// The length of all files, in bytes.
    pub fn bytes(&self) -> usize {
        let renditions = self.renditions.iter().map(|(_, image)| image.file.len());
        self.main.file.len() + renditions.sum::<usize>()
    }
}

/// One image of a page.
#[derive(Debug, Clone)]
pub struct RenderedImage {
    /// The image file.
    pub file: Bytes,
    /// Width in px.
    pub width_px: u32,
    /// Height in px.
    pub height_px: u32,
    /// How long encoding took.
    pub encode: Duration,
}

impl Worker {
    /// The engine that draws in it.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// How many pages it was to [`render`](Worker::render), so that a failure can be laid at the right door.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Has the worker open the PDF that it inherited.
    ///
    /// # Errors
    ///
    /// [`WorkerError`]; after any but [`WorkerError::Refused`] the worker is gone.
    pub async fn open(&mut self, pdf: &PdfFile, settings: &Settings) -> Result<Engine, WorkerError> {
        self.ready().await?;
        // It knows its engine, and may not know the others.
        let mut options = settings.canonical();
        options.remove("fallback");
        options.insert("backend".to_owned(), self.backend.as_str().into());
        let request = Request::Open {
            pdf_bytes: pdf.bytes(),
            options,
            password: settings.password.as_ref().map(|password| password.expose().to_owned()),
        };
        self.renditions = settings.renditions.iter().map(|rendition| rendition.name.clone()).collect();
        // No encoder writes more than its raw pixels and a little; nothing is longer than all memory.
        let raw_bytes = settings.limits.max_pixels.saturating_mul(4).saturating_add(1 << 20);
        let images = self.renditions.len() as u64 + 1;
        self.max_body_bytes = raw_bytes.saturating_mul(images).min(self.limits.memory_bytes);
        self.ask(&request).await?;
        match self.answer(settings.limits.page_timeout).await? {
            (Reply::Opened { page_count: page_count @ 1.., engine_version, open_us }, _) => Ok(Engine {
                backend: self.backend,
                page_count,
                version: one_line(&engine_version),
                open: Duration::from_micros(open_us),
            }),
            (other, _) => self.broke(format!("it answered Open with {other:?}")).await,
        }
    }

    /// Has the worker draw a page and encode its images.
    ///
    /// It is asked for the page that `next` names as well, so that it goes on with that while this page's
    /// images are read; the next call must be for it.
    ///
    /// # Errors
    ///
    /// [`WorkerError`]; after any but [`WorkerError::Refused`] the worker is gone.
    ///
    /// # Panics
    ///
    /// If the worker was asked for another page before.
    pub async fn render(
        &mut self,
        page: PageIndex,
        within: Duration,
        next: impl FnOnce() -> Option<PageIndex>,
    ) -> Result<Rendered, WorkerError> {
        self.pages += 1;
        match self.ahead.take() {
            None => self.ask(&Request::Render { page: page.0 }).await?,
            Some(ahead) => assert_eq!(ahead, page, "the worker was asked for that page before"),
        }
        if let Some(next) = next() {
            self.ahead = Some(next);
            // A worker that has ended may have answered for this page before; the next call finds out.
            let _ = self.send(&Request::Render { page: next.0 }).await;
        }
        match self.answer(within).await? {
            (Reply::Page { page: answered, images, content_errors, render_us }, body)
                if answered == page.0 && self.are_all(&images) =>
            {
                let render = Duration::from_micros(render_us);
                let mut rest = body;
                let mut images = images.into_iter().map(|image| RenderedImage {
                    // `receive` has seen to it that the lengths are those of the body.
                    file: rest.split_to(image.bytes as usize),
                    width_px: image.width_px,
                    height_px: image.height_px,
                    encode: Duration::from_micros(image.encode_us),
                });
                let main = images.next().expect("the main image is one of all");
                let renditions = self.renditions.iter().cloned().zip(images).collect();
                Ok(Rendered { main, renditions, content_errors, render })
            }
            (other, _) => self.broke(format!("it was asked for page {page} and answered {other:?}")).await,
        }
    }

    /// Whether these are the images that a page has, and all have bytes.
    fn are_all(&self, images: &[PageImage]) -> bool {
        let names = std::iter::once(None).chain(self.renditions.iter().map(|name| Some(name.as_str())));
        images.iter().map(|image| image.rendition.as_deref()).eq(names)
            && images.iter().all(|image| image.bytes > 0)
    }

    /// Waits until the worker runs and has locked itself in.
    ///
    /// Until then it has seen nothing of the document, which is not to blame if it fails.
    async fn ready(&mut self) -> Result<(), WorkerError> {
        if self.ready {
            return Ok(());
        }
        self.greeted().await.map_err(|error| match error {
            WorkerError::Killed | WorkerError::Engine(_) => error,
            other => WorkerError::Spawn(io::Error::other(other)),
        })
    }

    async fn greeted(&mut self) -> Result<(), WorkerError> {
        match self.receive(READY_WITHIN).await? {
            (Reply::Ready { protocol: PROTOCOL_VERSION, sandbox }, _) => {
                self.ready = true;
                if self.sandbox.set(sandbox.clone()).is_ok() {
                    report(&sandbox);
                }
                Ok(())
            }
            (Reply::Failed { code, message }, _) if code == ENGINE_UNAVAILABLE => {
                self.kill().await;
                Err(WorkerError::Engine(one_line(&message)))
            }
            (Reply::Ready { protocol, .. }, _) => {
                self.kill().await;
                Err(WorkerError::Engine(format!(
                    "the worker for {} speaks version {protocol} of the protocol and this program \
                     {PROTOCOL_VERSION}; deploy the two from one package",
                    self.backend
                )))
            }
            (other, _) => self.broke(format!("it greeted with {other:?}")).await,
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<(), WorkerError> {
        match self.send(request).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.autopsy(error.into()).await),
        }
    }

    async fn send(&mut self, request: &Request) -> io::Result<()> {
        // Requests are small: they fit the socket's buffer, so a worker that hangs cannot block this.
        self.stream.write_all(&frame_head(request, 0)).await
    }

    async fn answer(&mut self, within: Duration) -> Result<(Reply, Bytes), WorkerError> {
        match self.receive(within).await? {
            // Every page can be refused, and what is said of it is kept: in memory and in logs.
            (Reply::Failed { code, message }, _) => {
                Err(WorkerError::Refused { code: cut(&code, MAX_CODE_CHARS), message: one_line(&message) })
            }
            answer => Ok(answer),
        }
    }

    async fn receive(&mut self, within: Duration) -> Result<(Reply, Bytes), WorkerError> {
        match timeout(within, read_frame(&mut self.stream, self.max_body_bytes, &mut self.inbox)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.autopsy(error).await),
            Err(_) => {
                self.kill().await;
                Err(WorkerError::Timeout(within))
            }
        }
    }

    /// Ends a worker that answered nonsense.
    async fn broke<T>(&mut self, how: String) -> Result<T, WorkerError> {
        self.kill().await;
        Err(WorkerError::Protocol(one_line(&how)))
    }

    async fn kill(&mut self) {
        // It fails only if the process has ended by itself, which is as good.
        let _ = self.child.kill().await;
    }

    /// Finds out why the connection to a worker broke.
    async fn autopsy(&mut self, error: FrameError) -> WorkerError {
        let ended = async {
            match &error {
                FrameError::Io(_) => timeout(Duration::from_secs(1), self.child.wait()).await.ok()?.ok(),
                // It sent garbage, and may well live.
                _ => None,
            }
        };
        // A worker whose socket is gone is ending, unless it closed the socket and lives on.
        let Some(status) = ended.await else {
            self.kill().await;
            return WorkerError::Protocol(one_line(&error.to_string()));
        };
        let last_words = match self.last_words.take() {
            Some(task) => task.await.unwrap_or_default(),
            None => String::new(),
        };
        classify(status, &last_words, self.limits.memory_bytes)
    }
}

async fn read_frame(
    stream: &mut UnixStream,
    max_body_bytes: u64,
    inbox: &mut BytesMut,
) -> Result<(Reply, Bytes), FrameError> {
    let mut prefix = [0; PREFIX_BYTES];
    stream.read_exact(&mut prefix).await?;
    let prefix = Prefix::parse(&prefix, max_body_bytes)?;
    let mut header = vec![0; prefix.header_bytes as usize];
    stream.read_exact(&mut header).await?;
    let reply: Reply = serde_json::from_slice(&header)?;
    if reply.body_bytes() != Some(prefix.body_bytes) {
        return Err(FrameError::Body { listed: reply.body_bytes(), body: prefix.body_bytes });
    }
    inbox.clear();
    inbox.reserve(prefix.body_bytes as usize);
    let mut rest = stream.take(prefix.body_bytes);
    while rest.limit() > 0 {
        if rest.read_buf(inbox).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    let body = if inbox.len() > INBOX_KEPT_BYTES { std::mem::take(inbox) } else { inbox.split() };
    Ok((reply, body.freeze()))
}

/// Drains what a worker prints, so that it never blocks on the pipe, and keeps the end of it.
async fn last_words(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut kept = Vec::new();
    let mut buffer = [0; STDERR_KEPT_BYTES];
    while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n]);
        kept.drain(..kept.len().saturating_sub(STDERR_KEPT_BYTES));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn report(sandbox: &SandboxReport) {
    let enforced = sandbox.enforced.join(" ");
    if sandbox.missing.is_empty() {
        tracing::info!(enforced, "workers are sandboxed");
    } else {
        tracing::warn!(enforced, missing = ?sandbox.missing, "workers are sandboxed in part: this kernel refuses the rest");
    }
}
