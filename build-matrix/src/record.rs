//! What each stage found of each cell, as files that the report is made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Cell, Layout, Stage};

/// What a stage has made of a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record<T> {
    /// The cell's name.
    pub cell: String,
    /// How long the stage took, in seconds.
    pub seconds: f64,
    /// A hash of what the stage worked on: with the same, it need not be done again.
    pub of: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome<T>,
}

/// What came of a stage.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// What it found.
    Done(T),
    /// Why it failed, from the outermost cause to the innermost.
    Failed(String),
}

impl<T: Serialize + DeserializeOwned> Record<T> {
    /// The record of a stage for a cell; `None` if there is none yet, or of an older form.
    pub fn read(layout: &Layout, cell: &str, stage: Stage) -> Option<Record<T>> {
        let text = fs::read(path(layout, cell, stage)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps the record.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, layout: &Layout, stage: Stage) -> Result<()> {
        write_json(&path(layout, &self.cell, stage), self)
    }

    /// What the stage found, if it did not fail.
    pub fn done(&self) -> Option<&T> {
        match &self.outcome {
            Outcome::Done(found) => Some(found),
            Outcome::Failed(_) => None,
        }
    }
}

/// Forgets what a stage found of a cell.
pub fn forget(layout: &Layout, cell: &Cell, stage: Stage) {
    // What is not there need not be forgotten.
    let _ = fs::remove_file(path(layout, &cell.to_string(), stage));
}

fn path(layout: &Layout, cell: &str, stage: Stage) -> std::path::PathBuf {
    layout.records().join(cell).join(format!("{stage}.json"))
}

/// Writes a value as JSON, and the directories above it.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("failed to write JSON")?;
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
    }
    fs::write(path, text + "\n").with_context(|| format!("failed to write {}", path.display()))
}

/// What was built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Built {
    /// The commit of the sources, with `-dirty` if they differ from it.
    pub commit: String,
    /// The versions of rustc, zig and cargo-zigbuild.
    pub tools: BTreeMap<String, String>,
    /// The triple, with the glibc it was built for.
    pub target: String,
    /// The features that were asked for.
    pub features: Vec<String>,
    /// The files of the package and of the command: length in bytes and SHA-256, by path below `lambda/<cell>` or
    /// `command/<cell>`.
    pub files: BTreeMap<String, File>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl File {
    /// Reads what a file is.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<File> {
        let content = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(File::of(&content))
    }

    /// What a file with that content is.
    pub fn of(content: &[u8]) -> File {
        let sha256 = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        File { bytes: content.len() as u64, sha256 }
    }
}

/// All files below a directory, by path with `/` in it.
///
/// # Errors
///
/// If one cannot be read.
pub fn files_in(directory: &Path) -> Result<BTreeMap<String, File>> {
    let mut files = BTreeMap::new();
    let entries =
        fs::read_dir(directory).with_context(|| format!("failed to list {}", directory.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to list {}", directory.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            files.extend(
                files_in(&entry.path())?.into_iter().map(|(path, file)| (format!("{name}/{path}"), file)),
            );
        } else {
            files.insert(name, File::read(&entry.path())?);
        }
    }
    Ok(files)
}

/// What was proven.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verified {
    /// Each check, with what was seen.
    pub checks: Vec<Check>,
}

/// Something that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at, such as `lambda/bootstrap: machine`.
    pub name: String,
    /// What was seen, such as `aarch64`.
    pub seen: String,
}

/// What was packaged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Packaged {
    /// The archives and what belongs to them, by file name in [`Layout::dist`].
    pub files: BTreeMap<String, File>,
    /// The bytes of all that the zip for Lambda unpacks to.
    pub unzipped_bytes: u64,
}

/// What was measured; each part is `Err` with the reason where it could not be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// Where, as `pdf2img-bench` describes it.
    pub machine: serde_json::Value,
    /// The measuring that it is of: only times of one session were taken in turns, and are to be compared closely.
    #[serde(default)]
    pub session: String,
    /// The emulator's name and version if the cell does not run on this machine by itself: such times can only be
    /// compared among themselves.
    pub emulated_by: Option<String>,
    /// The bytes of `bootstrap` by section, stripped.
    pub sections: BTreeMap<String, u64>,
    /// The bytes of `bootstrap` by crate or C library, largest first, from its symbols.
    pub parts: Vec<(String, u64)>,
    /// The bytes of what lies beside `bootstrap`, by path: PDFium's library and the worker that loads it.
    #[serde(default)]
    pub other_files: BTreeMap<String, u64>,
    /// The start of the function.
    pub start: Start,
    /// The same with each engine of a cell that has several; the first of them is the default of `start`.
    #[serde(default)]
    pub backend_starts: Vec<BackendStart>,
    /// Further documents in the same process, for cells that are measured beside their experiments.
    #[serde(default)]
    pub warm_documents: Vec<WarmDocument>,
    /// The time of pages.
    pub pages: Vec<Pages>,
    /// Starts and pages with a share of the CPU as Lambda gives it for an amount of memory.
    pub memory_sizes: Vec<MemorySize>,
    /// What could not be measured here, and why.
    pub not_measured: Vec<String>,
}

/// Starts of the function against an emulated Runtime API and S3 on the same machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Start {
    /// The document that was sent.
    pub document: String,
    /// How many pages it has.
    #[serde(default)]
    pub pages: u32,
    /// From the spawn to the first request for an invocation, in seconds of wall clock.
    pub first_next_s: Vec<f64>,
    /// From the spawn until S3 has the first image, in seconds.
    pub first_image_s: Vec<f64>,
    /// From the spawn until the invocation is answered, in seconds.
    pub document_s: Vec<f64>,
    /// CPU seconds of all processes from the spawn to the answer.
    pub cpu_s: Vec<f64>,
    /// Peak resident memory of the function's process, in bytes.
    pub peak_rss_bytes: Vec<u64>,
    /// The same as `first_next_s` with the executable's pages not in memory.
    pub cold_cache_first_next_s: Vec<f64>,
}

/// Starts with one engine of several.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackendStart {
    /// The engine.
    pub backend: String,
    /// The starts.
    pub start: Start,
}

/// Documents that a function with one worker gets after its first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WarmDocument {
    /// The document's name in the corpus.
    pub document: String,
    /// How many pages it has.
    pub pages: u32,
    /// From the request for the invocation to its answer, in seconds.
    pub wall_s: Vec<f64>,
}

/// The time that pages of a document take in one format, drawing and encoding.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pages {
    /// The document's name in the corpus.
    pub document: String,
    /// The engine.
    pub backend: String,
    /// The format.
    pub format: String,
    /// Pages of the document.
    pub pages: u32,
    /// The bytes of all images.
    #[serde(default)]
    pub bytes: u64,
    /// Wall-clock seconds of the whole document, one for each run.
    pub wall_s: Vec<f64>,
    /// CPU seconds of the whole document, one for each run.
    pub cpu_s: Vec<f64>,
}

/// A start and a document with a part of a CPU.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemorySize {
    /// The function's memory, in megabytes as Lambda counts them.
    pub memory_mb: u32,
    /// The CPUs that Lambda gives for it: 1 for 1,769 MB.
    pub cpus: f64,
    /// How the share was enforced, such as `cgroup cpu.max`.
    pub method: String,
    /// The document that was sent.
    #[serde(default)]
    pub document: String,
    /// How many pages it has.
    #[serde(default)]
    pub pages: u32,
    /// From the spawn to the first request for an invocation, in seconds.
    pub first_next_s: Vec<f64>,
    /// From the spawn until the invocation is answered, in seconds.
    pub document_s: Vec<f64>,
    /// The same for a further document in the same process, in seconds: what is billed for a warm call.
    pub warm_document_s: Vec<f64>,
}
