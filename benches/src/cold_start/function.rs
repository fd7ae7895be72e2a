//! One start of a function, from the spawn to its last answer.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::cpu_share::{CpuShare, Group};
use crate::emulation::{Call, Emulation, OUTPUT_BUCKET};
use crate::machine;
use crate::process::{self, Running};

/// How long the function may do nothing that can be seen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether the function is still there.
const LOOK: Duration = Duration::from_millis(100);

/// How a function is started.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// Its executable.
    pub executable: &'a Path,
    /// The program, with its arguments, that the executable is for.
    pub emulator: &'a [String],
    /// A limit on the CPU.
    pub share: Option<&'a CpuShare>,
    /// Further variables.
    pub variables: &'a [(String, String)],
    /// How many invocations it gets.
    pub documents: usize,
}

/// The document that it is sent.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file.
    pub pdf: Bytes,
    /// How many images there have to be of it.
    pub pages: u32,
}

/// What one start has taken, in seconds after the spawn where nothing else is said.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Start {
    /// When the first request for an invocation came.
    pub first_next_s: f64,
    /// When S3 had the first image.
    pub first_image_s: Option<f64>,
    /// When the first invocation was answered.
    pub document_s: Option<f64>,
    /// How long each further invocation took, from its request to its answer.
    pub warm_document_s: Vec<f64>,
    /// User and system time of all processes, to the end of all of this.
    pub cpu_s: f64,
    /// The most memory that the function's own process held; its workers are not in it.
    pub peak_rss_bytes: Option<u64>,
    /// In how many periods the limit on the CPU has made it wait.
    pub throttled_periods: Option<u64>,
    /// When the last invocation was answered.
    #[serde(skip)]
    pub last_answer: Option<Instant>,
}

impl Launch<'_> {
    /// Starts the function, and kills it when it has answered the last invocation.
    ///
    /// # Errors
    ///
    /// If it fails, goes silent, or the answers and images are not what they should be.
    pub fn run(&self, document: &Document) -> Result<Start> {
        let emulation = Emulation::start()?;
        for number in 0..self.documents {
            emulation.invoke_for(&key(number), &document.pdf);
        }
        let mut log = tempfile::tempfile().context("failed to make a file for the function's log")?;
        let group = self.share.map(CpuShare::group).transpose()?;
        let mut running = self.spawn(&emulation, group.as_ref(), &log)?;
        if group.is_some() {
            running.resume_when_stopped()?;
        }
        let followed = self.follow(&emulation, &running, document);
        let peak_rss_bytes = running.peak_rss_bytes();
        let cost = running.kill()?;
        let name = self.executable.display();
        let start = match followed {
            Ok(start) => start,
            Err(error) => bail!("{name}: {error:#}; its log ends: {}", process::tail(&mut log)?),
        };
        self.check_images(&emulation, document).with_context(|| format!("{name} has made wrong images"))?;
        let throttled_periods = group.as_ref().and_then(Group::throttled_periods);
        Ok(Start { cpu_s: cost.cpu_s, peak_rss_bytes, throttled_periods, ..start })
    }

    fn spawn(&self, emulation: &Emulation, group: Option<&Group>, log: &File) -> Result<Running> {
        let words: Vec<&Path> = self.emulator.iter().map(Path::new).chain([self.executable]).collect();
        let mut command = match group {
            Some(group) => group.confine(&words),
            None => {
                let mut command = Command::new(words[0]);
                command.args(&words[1..]);
                command
            }
        };
        let share = |log: &File| log.try_clone().context("failed to share the file for the function's log");
        command
            .env_clear()
            .envs(emulation.variables())
            .stdout(Stdio::from(share(log)?))
            .stderr(Stdio::from(share(log)?));
        if let Some(share) = self.share {
            // The function would see the limit itself and start fewer workers than on Lambda, where
            // the limit is out of its sight.
            command.env("PDF2IMG_WORKERS", share.visible_cpus.to_string());
            command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", share.memory_mb.to_string());
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        match self.share {
            Some(share) => machine::with_cpus(share.visible_cpus, || Running::spawn(&mut command)),
            None => Running::spawn(&mut command),
        }
    }

    /// Reads the clock at what the function does, until it has done all.
    fn follow(&self, emulation: &Emulation, running: &Running, document: &Document) -> Result<Start> {
        let spawned = running.spawned();
        let since = |from: Instant, at: Instant| (at - from).as_secs_f64();
        let mut asked = None;
        let mut start = Start::default();
        let mut answered = 0;
        loop {
            let event = wait(emulation, running)?;
            match event.call {
                Call::Next => {
                    if asked.is_none() {
                        start.first_next_s = since(spawned, event.at);
                    }
                    asked = Some(event.at);
                }
                Call::Put { bucket, key, bytes } => {
                    ensure!(bucket == OUTPUT_BUCKET, "{key} was written to the bucket {bucket}");
                    ensure!(bytes > 0, "{key} is empty");
                    if is_image(&key) && start.first_image_s.is_none() {
                        start.first_image_s = Some(since(spawned, event.at));
                    }
                }
                Call::Response(answer) => {
                    let from = asked.context("the function has answered before it asked")?;
                    check_answer(&answer, document)?;
                    if answered == 0 {
                        start.document_s = Some(since(spawned, event.at));
                    } else {
                        start.warm_document_s.push(since(from, event.at));
                    }
                    start.last_answer = Some(event.at);
                    answered += 1;
                }
                Call::Error(why) | Call::InitError(why) => {
                    bail!("the function has reported {}", String::from_utf8_lossy(&why))
                }
                Call::Unknown(request) => bail!("the function has sent {request}, which has no answer here"),
            }
            if asked.is_some() && answered == self.documents {
                return Ok(start);
            }
        }
    }

    fn check_images(&self, emulation: &Emulation, document: &Document) -> Result<()> {
        let written = emulation.written();
        let images: Vec<_> = written.iter().filter(|(key, _)| is_image(key)).collect();
        let wanted = document.pages as usize * self.documents;
        ensure!(images.len() == wanted, "there are {} images, and {wanted} pages", images.len());
        let broken = images.iter().find(|(_, object)| !begins_as_an_image(&object.body));
        ensure!(broken.is_none(), "{} does not begin as an image", broken.map_or("", |(key, _)| key));
        Ok(())
    }
}

fn key(number: usize) -> String {
    format!("document-{number}.pdf")
}

fn wait(emulation: &Emulation, running: &Running) -> Result<crate::emulation::Event> {
    let started = Instant::now();
    loop {
        if let Some(event) = emulation.next_event(LOOK) {
            return Ok(event);
        }
        ensure!(!running.has_ended(), "the function has ended");
        ensure!(started.elapsed() < PATIENCE, "the function has done nothing for {PATIENCE:?}");
    }
}

/// Whether the answer says that the document has all of its images.
fn check_answer(answer: &[u8], document: &Document) -> Result<()> {
    let said = || String::from_utf8_lossy(answer).into_owned();
    let value: Value = serde_json::from_slice(answer).with_context(said)?;
    let [only] = value["documents"].as_array().map_or(&[][..], Vec::as_slice) else {
        bail!("the answer is not about one document: {}", said());
    };
    ensure!(only["status"] == "complete", "the document is not complete: {}", said());
    ensure!(only["already_done"] == false, "the document was not drawn: {}", said());
    let images = &only["totals"]["images"];
    ensure!(*images == document.pages, "the answer counts {images} images of {} pages", document.pages);
    Ok(())
}

fn is_image(key: &str) -> bool {
    [".png", ".jpeg", ".jpg", ".webp"].iter().any(|ending| key.ends_with(ending))
}

fn begins_as_an_image(body: &[u8]) -> bool {
    [b"\x89PNG".as_slice(), b"\xff\xd8\xff", b"RIFF"].iter().any(|magic| body.starts_with(magic))
}
