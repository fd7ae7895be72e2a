//! `pdf2img-bench`, which reads the clocks, as a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, thread};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Layout;

/// The program, and where its records go.
#[derive(Debug)]
pub(super) struct Bench {
    program: PathBuf,
    scratch: PathBuf,
}

/// What `pdf2img-bench cold-start` has found.
#[derive(Debug, Deserialize)]
pub(super) struct ColdStarts {
    pub(super) machine: serde_json::Value,
    pub(super) pages: u32,
    pub(super) share: Option<Share>,
    pub(super) not_measured: Option<String>,
    pub(super) functions: Vec<Function>,
}

/// A share of the CPU.
#[derive(Debug, Deserialize)]
pub(super) struct Share {
    pub(super) cpus: f64,
    pub(super) method: String,
}

/// The starts of one executable.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Function {
    pub(super) starts: Vec<OneStart>,
    pub(super) cold_cache_first_next_s: Vec<f64>,
    pub(super) cold_cache_not_measured: Option<String>,
    pub(super) failed: Option<String>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(super) struct OneStart {
    pub(super) first_next_s: f64,
    pub(super) first_image_s: Option<f64>,
    pub(super) document_s: Option<f64>,
    pub(super) warm_document_s: Vec<f64>,
    pub(super) cpu_s: f64,
    pub(super) peak_rss_bytes: Option<u64>,
}

/// What `pdf2img-bench pages` has found.
#[derive(Debug, Deserialize)]
pub(super) struct PageTimes {
    pub(super) cases: Vec<Case>,
}

/// One program with one document, engine and format.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) program: PathBuf,
    pub(super) document: String,
    pub(super) pages: u32,
    pub(super) backend: String,
    pub(super) format: String,
    pub(super) bytes: u64,
    pub(super) wall_s: Vec<f64>,
    pub(super) cpu_s: Vec<f64>,
    pub(super) failed: Option<String>,
}

impl Bench {
    /// Has cargo build the program.
    ///
    /// It looks at the cells from outside, so how well it is optimised is in no figure of theirs.
    ///
    /// # Errors
    ///
    /// If cargo fails; it says why on standard error.
    pub(super) fn build(layout: &Layout) -> Result<Bench> {
        let target = layout.cargo_target("bench");
        eprintln!("{:>8} pdf2img-bench is built …", crate::Stage::Measure);
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(layout.workspace())
            .args([
                "build",
                "--quiet",
                "--release",
                "--locked",
                "-p",
                "pdf2img-bench",
                "--bin",
                "pdf2img-bench",
            ])
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env_remove("CARGO_BUILD_TARGET")
            .status()
            .context("failed to start cargo")?;
        ensure!(status.success(), "cargo has failed to build pdf2img-bench");
        Ok(Bench::new(target.join("release/pdf2img-bench"), target))
    }

    /// The program of that path, with a directory for its records.
    pub(super) fn new(program: PathBuf, scratch: PathBuf) -> Bench {
        Bench { program, scratch }
    }

    /// Where it is.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Starts functions in turn; one result for each, in their order.
    pub(super) fn cold_start(&self, functions: &[PathBuf], options: &[&str]) -> Result<ColdStarts> {
        let found: ColdStarts = self.run("cold-start", "--function", functions, options)?;
        let is_whole = found.not_measured.is_some() || found.functions.len() == functions.len();
        ensure!(
            is_whole,
            "pdf2img-bench tells of {} of {} functions",
            found.functions.len(),
            functions.len()
        );
        Ok(found)
    }

    /// Renders documents with programs in turn.
    pub(super) fn pages(&self, programs: &[PathBuf], options: &[&str]) -> Result<PageTimes> {
        self.run("pages", "--program", programs, options)
    }

    fn run<T: DeserializeOwned>(
        &self,
        subject: &str,
        flag: &str,
        executables: &[PathBuf],
        options: &[&str],
    ) -> Result<T> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let out = self.scratch.join(format!("measure-{}-{number}.json", std::process::id()));
        let mut command = Command::new(&self.program);
        command.arg(subject);
        for executable in executables {
            command.arg(flag).arg(executable);
        }
        let cpus = thread::available_parallelism().map_or(1, usize::from).to_string();
        command.args(options).args(["--cpus", &cpus]).arg("--out").arg(&out);
        // Its tables are made of what it writes to the file; where it failed is of no interest to a user.
        command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
        let ended =
            command.output().with_context(|| format!("failed to start {}", self.program.display()))?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "pdf2img-bench {subject} has failed: {}", said.trim());
        let text = fs::read(&out).with_context(|| format!("failed to read {}", out.display()))?;
        // It is in the cells' records from here on.
        let _ = fs::remove_file(&out);
        serde_json::from_slice(&text)
            .with_context(|| format!("pdf2img-bench {subject} has written another form"))
    }
}
