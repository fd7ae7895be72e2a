//! The other side of the tests: workers that do wrong, each at one moment and in one way.
//!
//! They play inside the real sandbox, as an engine would that was taken over.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use pdf2img::worker::protocol::{
    MAX_HEADER_BYTES, PROTOCOL_VERSION, PageImage, Reply, Request, frame_head, read_header, write_frame,
};
use pdf2img::worker::sandbox::{self, Limits, SandboxReport};

use crate::escape::{self, Prison};

/// The first argument that makes the test executable a hostile worker.
pub(crate) const ARGUMENT: &str = "play-hostile";

/// How many pages a hostile worker says that its document has, where a deed needs no other number.
pub(crate) const PAGES: u32 = 5;

/// The length of the images of [`Deed::Honest`], in bytes.
pub(crate) const IMAGE_BYTES: usize = 16;

/// The length of the images of [`Deed::LargeImages`], in bytes.
pub(crate) const LARGE_IMAGE_BYTES: usize = 1 << 20;

/// The number of pages of [`Deed::LargeImages`].
pub(crate) const LARGE_IMAGES: u32 = 2000;

/// When a worker does what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Instead of saying that it is ready.
    Start,
    /// When it is asked to open the document.
    Open,
    /// When it is asked for a page, counted from 1.
    Page(u32),
    /// When it is asked for any page.
    EveryPage,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It answers as it should.
    Honest,
    /// It sends bytes that are no frame.
    Garbage,
    /// It announces a header of 4 GiB.
    LongHeader,
    /// It announces a body of 2⁶⁴ - 1 bytes.
    LongBody,
    /// It sends a header that is not JSON.
    NoJson,
    /// It announces more than it sends, and exits.
    ShortBody,
    /// It sends another page than the one that was asked for.
    WrongPage,
    /// It says that the document is open.
    Opened,
    /// It says that it is ready.
    Ready,
    /// It sends an image of no bytes.
    EmptyImage,
    /// It says that the document has no pages.
    NoPages,
    /// It says that the document has 2³² - 1 pages.
    EndlessPages,
    /// It speaks another version of the protocol.
    OtherVersion,
    /// It closes the socket, and lives on.
    HangUp,
    /// It never answers.
    Silence,
    /// It prints megabytes, then answers as it should.
    Flood,
    /// It refuses, with as long a code and message as a frame can hold.
    LongRefusal,
    /// It lists an image of another length than it sends.
    OtherLength,
    /// It lists images whose lengths add up to more than there are numbers.
    EndlessLength,
    /// It answers with a page that has no images.
    NoImages,
    /// It sends a rendition that nobody asked for.
    UnaskedImage,
    /// It refuses, as an engine does that finds the page damaged.
    Refusal,
    /// MuPDF's worker crashes, PDFium's does not open the document, and hayro's does as it should.
    CrashWhereOthersDoNotOpen,
    /// It exits as if all were well.
    ExitZero,
    /// It dies as if somebody had killed it.
    Sigkill,
    /// It crashes.
    Segfault,
    /// It crashes if it has drawn pages before.
    SegfaultWhenUsed,
    /// It crashes, and the workers after it hang at open; needs a journal.
    CrashAndLeaveNobody,
    /// It takes memory until it has no more.
    Allocate,
    /// It answers as it should, a tenth of a second later.
    Slow,
    /// It answers as it should, but only when it has been asked for the page after as well.
    Hesitate,
    /// It answers with images of [`LARGE_IMAGE_BYTES`] bytes.
    LargeImages,
    /// It ends when it has answered for page 3; the two before are so large that only one of them may wait to
    /// be written.
    EndAfterPage3,
    /// It tries to break out: each page is one attempt, and the refusal says how it went.
    Escape,
}

impl Deed {
    const ALL: [Deed; 34] = [
        Deed::Honest,
        Deed::Garbage,
        Deed::LongHeader,
        Deed::LongBody,
        Deed::NoJson,
        Deed::ShortBody,
        Deed::WrongPage,
        Deed::Opened,
        Deed::Ready,
        Deed::EmptyImage,
        Deed::NoPages,
        Deed::EndlessPages,
        Deed::OtherVersion,
        Deed::HangUp,
        Deed::Silence,
        Deed::Flood,
        Deed::LongRefusal,
        Deed::OtherLength,
        Deed::EndlessLength,
        Deed::NoImages,
        Deed::UnaskedImage,
        Deed::Refusal,
        Deed::CrashWhereOthersDoNotOpen,
        Deed::ExitZero,
        Deed::Sigkill,
        Deed::Segfault,
        Deed::SegfaultWhenUsed,
        Deed::CrashAndLeaveNobody,
        Deed::Allocate,
        Deed::Slow,
        Deed::Hesitate,
        Deed::LargeImages,
        Deed::EndAfterPage3,
        Deed::Escape,
    ];
}

/// A part to play: what, when, and where the worker writes down what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) moment: Moment,
    pub(crate) deed: Deed,
    /// A file that gets a line for each request, and keeps the sandbox away. A worker that finds
    /// the line `open` there when it starts is a later one of its document.
    pub(crate) journal: Option<String>,
    /// Whether it is only a later worker of the document that does the deed.
    pub(crate) later_only: bool,
    /// The engine whose workers alone do the deed; empty for every engine.
    pub(crate) backend: String,
}

impl Part {
    /// The arguments that make the test executable play this part.
    pub(crate) fn arguments(&self) -> Vec<std::ffi::OsString> {
        let moment = match self.moment {
            Moment::Start => "start".to_owned(),
            Moment::Open => "open".to_owned(),
            Moment::EveryPage => "every-page".to_owned(),
            Moment::Page(number) => number.to_string(),
        };
        let journal = self.journal.clone().unwrap_or_default();
        let later = if self.later_only { "later" } else { "always" };
        let backend = self.backend.clone();
        [ARGUMENT.to_owned(), moment, format!("{:?}", self.deed), journal, later.to_owned(), backend]
            .into_iter()
            .map(Into::into)
            .collect()
    }

    fn parse(arguments: &[String]) -> Option<(Part, Limits)> {
        let [moment, deed, journal, later, only, memory, cpu, backend, _] = arguments else { return None };
        let moment = match moment.as_str() {
            "start" => Moment::Start,
            "open" => Moment::Open,
            "every-page" => Moment::EveryPage,
            number => Moment::Page(number.parse().ok()?),
        };
        let deed = Deed::ALL.into_iter().find(|known| format!("{known:?}") == *deed)?;
        let part = Part {
            moment,
            deed: if only.is_empty() || only == backend { deed } else { Deed::Honest },
            backend: backend.clone(),
            journal: Some(journal.clone()).filter(|journal| !journal.is_empty()),
            later_only: later == "later",
        };
        Some((part, Limits { memory_bytes: memory.parse().ok()?, cpu_seconds: cpu.parse().ok()? }))
    }
}

/// Plays the part that the arguments name, the limits after it, until the parent hangs up.
pub(crate) fn play(arguments: &[String]) -> ExitCode {
    let Some((part, limits)) = Part::parse(arguments) else {
        eprintln!("no such part: {arguments:?}");
        return ExitCode::from(2);
    };
    let mut actor = Actor { part, limits, drawn: 0, heard: None, prison: Prison::look_around(&limits) };
    match actor.perform() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hostile worker: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Actor {
    part: Part,
    limits: Limits,
    drawn: u32,
    /// What it was asked while it hesitated.
    heard: Option<Request>,
    prison: Prison,
}

impl Actor {
    fn perform(&mut self) -> io::Result<()> {
        let journal = self.part.journal.clone();
        let is_later = journal.as_ref().is_some_and(|path| {
            std::fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line == "open"))
        });
        if self.part.later_only && !is_later {
            self.part.deed = Deed::Honest;
        }
        let sandbox = match journal {
            Some(_) => SandboxReport { enforced: Vec::new(), missing: Default::default() },
            None => sandbox::enter(&self.limits),
        };
        let ready = Reply::Ready { protocol: PROTOCOL_VERSION, sandbox };
        match self.deed_at(Moment::Start) {
            Some(deed) => self.commit(deed, 0)?,
            None => send(&ready, &[])?,
        }
        while let Some(request) = self.hear()? {
            match request {
                Request::Open { .. } => {
                    self.write_down(&format!("open {}", self.part.backend))?;
                    self.write_down("open")?;
                    if self.part.deed == Deed::CrashAndLeaveNobody && is_later {
                        hang()
                    }
                    if self.part.deed == Deed::CrashWhereOthersDoNotOpen && self.part.backend == "pdfium" {
                        refuse()?;
                        continue;
                    }
                    match self.deed_at(Moment::Open) {
                        Some(deed) => self.commit(deed, 0)?,
                        None => send(&opened(self.page_count()), &[])?,
                    }
                }
                Request::Render { page } => {
                    self.write_down(&format!("page {}", page + 1))?;
                    let deed = self.deed_at(Moment::Page(page + 1)).or(self.deed_at(Moment::EveryPage));
                    match deed {
                        Some(deed) => self.commit(deed, page)?,
                        None => draw(page, IMAGE_BYTES)?,
                    }
                    self.drawn += 1;
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self) -> io::Result<Option<Request>> {
        match self.heard.take() {
            None => read_header(&mut Socket).map_err(io::Error::other),
            heard => Ok(heard),
        }
    }

    fn deed_at(&self, moment: Moment) -> Option<Deed> {
        (self.part.moment == moment).then_some(self.part.deed)
    }

    fn page_count(&self) -> u32 {
        match self.part.deed {
            Deed::LargeImages => LARGE_IMAGES,
            Deed::Escape => escape::ATTEMPTS.len() as u32,
            _ => PAGES,
        }
    }

    fn write_down(&self, line: &str) -> io::Result<()> {
        let Some(path) = &self.part.journal else { return Ok(()) };
        OpenOptions::new().append(true).create(true).open(path)?.write_all(format!("{line}\n").as_bytes())
    }

    /// Does wrong; `page` counts from 0.
    fn commit(&mut self, deed: Deed, page: u32) -> io::Result<()> {
        match deed {
            Deed::Honest => self.behave(page),
            Deed::Garbage => Socket.write_all(b"warning: this library prints what it thinks to stdout\n"),
            Deed::LongHeader => Socket.write_all(&head(u32::MAX, 0)),
            Deed::LongBody => Socket.write_all(&head(2, u64::MAX)),
            Deed::NoJson => {
                Socket.write_all(&head(5, 0))?;
                Socket.write_all(b"{nope")
            }
            Deed::ShortBody => {
                Socket.write_all(&frame_head(&drawn(page, vec![image(None, 100)]), 100))?;
                Socket.write_all(b"ten bytes.")?;
                std::process::exit(1)
            }
            Deed::OtherLength => send(&drawn(page, vec![image(None, IMAGE_BYTES + 1)]), &[7; IMAGE_BYTES]),
            Deed::EndlessLength => {
                send(&drawn(page, vec![image(None, usize::MAX), image(None, 2)]), &[7; IMAGE_BYTES])
            }
            Deed::NoImages => send(&drawn(page, Vec::new()), &[]),
            Deed::UnaskedImage => send(
                &drawn(page, vec![image(None, IMAGE_BYTES), image(Some("thumb"), 1)]),
                &[7; IMAGE_BYTES + 1],
            ),
            Deed::WrongPage => draw(page + 1, IMAGE_BYTES),
            Deed::Opened => send(&opened(PAGES), &[]),
            Deed::Ready => send(
                &Reply::Ready {
                    protocol: PROTOCOL_VERSION,
                    sandbox: SandboxReport { enforced: Vec::new(), missing: Default::default() },
                },
                &[],
            ),
            Deed::EmptyImage => draw(page, 0),
            Deed::NoPages => send(&opened(0), &[]),
            Deed::EndlessPages => send(&opened(u32::MAX), &[]),
            Deed::OtherVersion => send(
                &Reply::Ready {
                    protocol: PROTOCOL_VERSION + 1,
                    sandbox: SandboxReport { enforced: Vec::new(), missing: Default::default() },
                },
                &[],
            ),
            Deed::HangUp => {
                #[allow(unsafe_code)] // The standard library owns it, and does not close it.
                // SAFETY: nothing reads or writes descriptor 1 from here on.
                unsafe {
                    libc::close(1)
                };
                hang()
            }
            Deed::Silence => hang(),
            Deed::Flood => {
                for _ in 0..128 {
                    io::stderr().write_all(&[b'!'; 1 << 16])?;
                }
                self.behave(page)
            }
            Deed::LongRefusal => {
                let text = "x".repeat(MAX_HEADER_BYTES as usize / 2 - 100);
                send(&Reply::Failed { code: text.clone(), message: text }, &[])
            }
            Deed::Refusal => refuse(),
            Deed::CrashWhereOthersDoNotOpen if self.part.backend == "mupdf" => raise(libc::SIGSEGV),
            Deed::CrashWhereOthersDoNotOpen => self.behave(page),
            Deed::ExitZero => std::process::exit(0),
            Deed::Sigkill => raise(libc::SIGKILL),
            Deed::Segfault => raise(libc::SIGSEGV),
            Deed::SegfaultWhenUsed if self.drawn > 0 => raise(libc::SIGSEGV),
            Deed::SegfaultWhenUsed => draw(page, IMAGE_BYTES),
            Deed::CrashAndLeaveNobody => raise(libc::SIGSEGV),
            Deed::Allocate => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(vec![1_u8; 16 << 20]);
                }
            }
            Deed::Slow => {
                // Nothing in the sandbox can sleep.
                let started = Instant::now();
                while started.elapsed() < Duration::from_millis(100) {}
                self.behave(page)
            }
            Deed::Hesitate => {
                self.heard = self.hear()?;
                self.behave(page)
            }
            Deed::LargeImages => draw(page, LARGE_IMAGE_BYTES),
            Deed::EndAfterPage3 => {
                draw(page, if page < 2 { 32 << 20 } else { IMAGE_BYTES })?;
                if page == 2 { std::process::exit(0) } else { Ok(()) }
            }
            Deed::Escape => {
                let attempt = &escape::ATTEMPTS[page as usize];
                let (code, message) = attempt.run(&self.prison);
                send(&Reply::Failed { code: code.into(), message }, &[])
            }
        }
    }

    /// Answers as it should at the moment of its deed.
    fn behave(&self, page: u32) -> io::Result<()> {
        match self.part.moment {
            Moment::Start => send(
                &Reply::Ready {
                    protocol: PROTOCOL_VERSION,
                    sandbox: SandboxReport { enforced: Vec::new(), missing: Default::default() },
                },
                &[],
            ),
            Moment::Open => send(&opened(self.page_count()), &[]),
            Moment::Page(_) | Moment::EveryPage => draw(page, IMAGE_BYTES),
        }
    }
}

fn opened(page_count: u32) -> Reply {
    Reply::Opened { page_count, engine_version: "0".into(), open_us: 1 }
}

fn drawn(page: u32, images: Vec<PageImage>) -> Reply {
    Reply::Page { page, images, content_errors: 0, render_us: 1 }
}

fn image(rendition: Option<&str>, bytes: usize) -> PageImage {
    let (rendition, bytes) = (rendition.map(str::to_owned), bytes as u64);
    PageImage { rendition, width_px: 1, height_px: 1, bytes, encode_us: 1 }
}

fn refuse() -> io::Result<()> {
    send(&Reply::Failed { code: "malformed".into(), message: "no".into() }, &[])
}

fn draw(page: u32, bytes: usize) -> io::Result<()> {
    send(&drawn(page, vec![image(None, bytes)]), &vec![page as u8; bytes])
}

fn send(reply: &Reply, body: &[u8]) -> io::Result<()> {
    write_frame(&mut Socket, reply, &[body])
}

/// The prefix of a frame with these lengths.
fn head(header_bytes: u32, body_bytes: u64) -> Vec<u8> {
    let mut head = frame_head(&(), 0);
    head.truncate(16);
    head[4..8].copy_from_slice(&header_bytes.to_le_bytes());
    head[8..16].copy_from_slice(&body_bytes.to_le_bytes());
    head
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn raise(signal: libc::c_int) -> ! {
    loop {
        // The standard library's handler of SIGSEGV gives way to the second one.
        #[allow(unsafe_code)] // No safe wrapper uses `tgkill`, which is what the sandbox allows.
        // SAFETY: it is always sound to raise a signal.
        unsafe {
            libc::raise(signal)
        };
    }
}

/// The socket to the parent, on descriptor 1, without the buffer of the standard output.
struct Socket;

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(io::stdout().as_fd(), buffer)?)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(io::stdout().as_fd(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
