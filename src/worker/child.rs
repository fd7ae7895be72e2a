//! The worker's side: one document, one thread, no way out.
//!
//! **Invariant:** this, with its `studio`, is the only place that calls a renderer in production.

use std::ffi::OsString;
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use render_api::{OpenOptions, PageIndex, RenderError, Renderer};
use rustix::mm::{Advice, MapFlags, ProtFlags};

use super::engine::LoadedEngine;
use super::protocol::{
    ENGINE_UNAVAILABLE, FrameError, PROTOCOL_VERSION, Reply, Request, read_header, write_frame,
};
use super::sandbox::{self, Limits};
use super::studio::{PageError, Studio};
use crate::config::{Backend, Settings};

/// The first argument that makes the executable a worker.
pub const WORKER_ARGUMENT: &str = "worker";

/// Sizes of memory pages, in bytes, that suit any Linux: the base page is 64 KiB at most.
const BASE_PAGE_BYTES: usize = 64 << 10;
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// After so many pages what was read of the PDF is given back.
const PAGES_PER_VIEW: usize = 16;

/// Runs this process as a worker if its arguments say so; `None` if they do not.
///
/// Call it first in `main`, before a runtime or a thread is started.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_none_or(|first| first != WORKER_ARGUMENT) {
        return None;
    }
    let Some(orders) = Orders::parse(args) else {
        eprintln!(
            "{WORKER_ARGUMENT} is started by the program itself: \
             {WORKER_ARGUMENT} <memory bytes> <cpu seconds> <backend> <path of PDFium>"
        );
        return Some(ExitCode::from(2));
    };
    Some(match serve(&orders) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker: {error}");
            ExitCode::FAILURE
        }
    })
}

/// What the arguments say.
struct Orders {
    limits: Limits,
    backend: Backend,
    pdfium_library: PathBuf,
}

impl Orders {
    fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Orders> {
        let mut text = || args.next()?.into_string().ok();
        let limits = Limits { memory_bytes: text()?.parse().ok()?, cpu_seconds: text()?.parse().ok()? };
        let backend = text()?.parse().ok()?;
        Some(Orders { limits, backend, pdfium_library: args.next()?.into() })
    }
}

/// Loads the engine and locks the process in, then answers requests until the parent hangs up.
fn serve(orders: &Orders) -> Result<(), FrameError> {
    let engine = LoadedEngine::load(orders.backend, &orders.pdfium_library);
    let sandbox = sandbox::enter(&orders.limits);
    let mut socket = Socket;
    let renderer = match engine.and_then(LoadedEngine::start) {
        Ok(renderer) => renderer,
        Err(message) => {
            let reply = Reply::Failed { code: ENGINE_UNAVAILABLE.into(), message };
            return Ok(write_frame(&mut socket, &reply, &[])?);
        }
    };
    write_frame(&mut socket, &Reply::Ready { protocol: PROTOCOL_VERSION, sandbox }, &[])?;

    let Some(Request::Open { pdf_bytes, options, password }) = read_header(&mut socket)? else {
        return Ok(());
    };
    let settings = match Settings::from_canonical(&options) {
        Ok(settings) => settings,
        Err(error) => {
            let reply = Reply::Failed { code: "worker_protocol".into(), message: error.to_string() };
            return Ok(write_frame(&mut socket, &reply, &[])?);
        }
    };
    // The document borrows the engine, and the process ends with both.
    let renderer: &'static dyn Renderer = Box::leak(renderer);
    let started = Instant::now();
    let opened = map_pdf(pdf_bytes).and_then(|pdf| {
        let document = renderer.open(pdf, &open_options(&settings, password, &orders.limits))?;
        Ok((pdf, document))
    });
    let (pdf, mut document) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            return Ok(write_frame(&mut socket, &failed(&error.into()), &[])?);
        }
    };
    let opened = Reply::Opened {
        page_count: document.page_count(),
        engine_version: renderer.version(),
        open_us: micros(started.elapsed()),
    };
    write_frame(&mut socket, &opened, &[])?;
    // A page tree is all over its file.
    unload(pdf);

    let mut studio = Studio::default();
    let mut drawn = 0_usize;
    while let Some(request) = read_header(&mut socket)? {
        let Request::Render { page } = request else { continue };
        match studio.draw(document.as_mut(), PageIndex(page), &settings) {
            Ok(reply) => {
                let files: Vec<&[u8]> = studio.files().iter().map(Vec::as_slice).collect();
                write_frame(&mut socket, &reply, &files)?;
            }
            Err(error) => write_frame(&mut socket, &failed(&error), &[])?,
        }
        drawn += 1;
        if drawn.is_multiple_of(PAGES_PER_VIEW) {
            unload(pdf);
        }
    }
    Ok(())
}

fn failed(error: &PageError) -> Reply {
    Reply::Failed { code: error.code().into(), message: error.to_string() }
}

fn open_options(settings: &Settings, password: Option<String>, limits: &Limits) -> OpenOptions {
    let default = OpenOptions::default();
    // The rest of a small worker is for the page.
    let quarter = usize::try_from(limits.memory_bytes / 4).unwrap_or(usize::MAX);
    let cache_bytes = default.cache_bytes.min(quarter);
    OpenOptions { password, page_box: settings.page_box, cache_bytes }
}

/// Maps the PDF on descriptor 0 for as long as the process lives.
fn map_pdf(bytes: u64) -> Result<&'static [u8], RenderError> {
    if bytes == 0 {
        return Ok(&[]);
    }
    #[allow(unsafe_code)] // `std::io::stdin` would do, were it not for its buffer.
    // SAFETY: descriptor 0 is open for as long as the process lives, and nothing else owns it.
    let pdf = unsafe { BorrowedFd::borrow_raw(0) };
    let length = bytes as usize;
    #[allow(unsafe_code)] // The one mapping of the project; a copy would double the memory.
    // SAFETY: the mapping is fresh, private and never unmapped, and replaces what was reserved for it alone.
    // The parent has sealed the file against writing and shrinking, so the bytes behind the slice cannot
    // change or go. On a kernel without memfd nobody writes to the file any more, unless a sibling was taken
    // over. A file of the user's may be written to by others, which nothing can prevent: what comes of that
    // stays in this process, as with a hostile PDF, and the parent checks the file afterwards.
    let mapped = unsafe {
        let (nowhere, reserved) = (std::ptr::null_mut(), length + BASE_PAGE_BYTES);
        rustix::mm::mmap_anonymous(nowhere, reserved, ProtFlags::empty(), MapFlags::PRIVATE).and_then(
            |start| {
                // A byte that is read would bring two megabytes with it, were the mapping aligned to these.
                let start = if start.addr().is_multiple_of(HUGE_PAGE_BYTES) {
                    start.byte_add(BASE_PAGE_BYTES)
                } else {
                    start
                };
                rustix::mm::mmap(start, length, ProtFlags::READ, MapFlags::PRIVATE | MapFlags::FIXED, pdf, 0)
                    .map(|start| std::slice::from_raw_parts(start.cast::<u8>(), length))
            },
        )
    };
    mapped.map_err(|error| RenderError::OutOfMemory { detail: format!("{bytes} bytes of PDF: {error}") })
}

/// Gives back the memory of what was read of the PDF, which is in the file still: without it a worker would
/// hold more of a long document with every page.
fn unload(pdf: &'static [u8]) {
    if pdf.is_empty() {
        return;
    }
    #[allow(unsafe_code)] // No safe wrapper knows that nothing is written to the mapping.
    // SAFETY: the mapping is the one of `map_pdf`, which is only read: its pages come back as they are in the
    // file.
    let outcome =
        unsafe { rustix::mm::madvise(pdf.as_ptr().cast_mut().cast(), pdf.len(), Advice::LinuxDontNeed) };
    // Refused, it costs memory and nothing else.
    let _ = outcome;
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

/// The socket to the parent, on descriptor 1, without the buffer of `std::io::stdout`.
struct Socket;

impl Socket {
    fn descriptor(&self) -> BorrowedFd<'static> {
        #[allow(unsafe_code)] // A worker is given its descriptors by number.
        // SAFETY: descriptor 1 is open for as long as the process lives, and nothing else uses it.
        unsafe {
            BorrowedFd::borrow_raw(1)
        }
    }
}

impl io::Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.descriptor().as_fd(), buffer)?)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.descriptor().as_fd(), bytes)?)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(self.descriptor().as_fd(), parts)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
