//! Processes other than workers that the tests start of themselves, to look at them from outside.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use pdf2img::config::{Backend, Settings};
use pdf2img::pdf_file::PdfFile;
use pdf2img::worker::sandbox::shield_memory;
use pdf2img::worker::{Pool, WorkerCommand};

use crate::hostile::{Deed, Moment};
use crate::stage::{self, Scene, unique_limits};

/// The first argument that makes the test executable play a role.
pub(crate) const ARGUMENT: &str = "play-role";

/// A variable in the environment of every role, and what must not be read of it.
const SECRET: (&str, &str) = ("PDF2IMG_TEST_SECRET", "open sesame");

/// The user that plays the roles that root would play too well: root reads everything.
const NOBODY: u32 = 65534;

/// What a process is there for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    /// Has a secret in its environment, and waits.
    Victim,
    /// The same behind [`shield_memory`].
    ShieldedVictim,
    /// Tries to read the secret of a process: answers `read` or `refused`.
    Spy(u32),
    /// Shielded as the real program is, has a real worker open a document, answers with the number of
    /// pages, and waits with the worker at hand.
    Boss,
    /// Draws large images into a slow sink; answers how many were kept, and its peak memory in KiB.
    Hoarder,
}

/// A process in its role; it ends with this.
pub(crate) struct Performance {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Role {
    /// Starts a process in this role; a victim is ready to be read when this returns.
    pub(crate) fn start(self) -> Performance {
        let mut command = Command::new("/proc/self/exe");
        command.args([ARGUMENT, self.name()]);
        if let Role::Spy(process) = self {
            command.arg(process.to_string());
        }
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.env(SECRET.0, SECRET.1).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut performance = Performance { process, output };
        if let Role::Victim | Role::ShieldedVictim = self {
            assert_eq!(performance.answer(), "ready");
        }
        performance
    }

    fn name(self) -> &'static str {
        match self {
            Role::Victim => "victim",
            Role::ShieldedVictim => "shielded-victim",
            Role::Spy(_) => "spy",
            Role::Boss => "boss",
            Role::Hoarder => "hoarder",
        }
    }
}

impl Performance {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line that it prints.
    pub(crate) fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a pipe");
        line.trim_end().to_owned()
    }

    /// Kills it, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }
}

impl Drop for Performance {
    fn drop(&mut self) {
        // A process that has ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Plays the role that the arguments name.
pub(crate) fn play(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["victim"] => println!("ready"),
        ["shielded-victim"] => {
            shield_memory();
            println!("ready");
        }
        ["spy", process] => println!("{}", spy(process)),
        ["boss"] => return boss(),
        ["hoarder"] => println!("{}", hoard()),
        _ => return ExitCode::from(2),
    }
    wait_for_the_end();
    ExitCode::SUCCESS
}

/// `refused` only if neither way to the memory of the process is open.
fn spy(process: &str) -> &'static str {
    let environment = fs::read(format!("/proc/{process}/environ"));
    let memory = fs::File::open(format!("/proc/{process}/mem"));
    match (environment, memory) {
        (Ok(text), _) if text.windows(SECRET.1.len()).any(|window| window == SECRET.1.as_bytes()) => "read",
        (Err(_), Err(_)) => "refused",
        _ => "read in part",
    }
}

fn boss() -> ExitCode {
    shield_memory();
    let runtime = stage::runtime();
    let document = corpus::document("text-1").expect("it is in the corpus");
    let (worker, engine) = runtime.block_on(async {
        let pdf = PdfFile::from_bytes(&document.bytes()).expect("a file in memory");
        let pool = Pool::new(1, unique_limits(), WorkerCommand::default());
        let mut worker = pool.start(&pdf, Backend::Mupdf).await.expect("a worker");
        let engine = worker.open(&pdf, &Settings::default()).await.expect("it opens");
        (worker, engine)
    });
    println!("{} page", engine.page_count);
    wait_for_the_end();
    drop(worker);
    ExitCode::SUCCESS
}

fn hoard() -> String {
    let scene =
        Arc::new(Scene::of(Moment::EveryPage, Deed::LargeImages).sink_delay(Duration::from_millis(30)));
    let outcome = stage::runtime().block_on(scene.play()).expect("it opens");
    let kept = outcome.values().filter(|page| page.code == "kept").count();
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    format!("{kept} {}", peak.trim_end_matches("kB").trim())
}

/// Waits until whoever started this process hangs up.
fn wait_for_the_end() {
    // An error is the end, too.
    let _ = io::stdin().read_to_end(&mut Vec::new());
}
