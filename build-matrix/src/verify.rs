//! Proves a cell: reads its executables, and runs them on the oldest CPUs that it has to run on.
//!
//! - `contents`: all files are there, executable, for the right machine, linked as the name says, for a glibc that is
//!   old enough, with no library missing, and with MuPDF only where the licence says so; `elf`, `glibc`,
//!   `runtime_image` and `package_files` are what that needs;
//! - `emulator`, `process`: runs a program, and its workers, on a CPU that qemu emulates;
//! - `start`: `bootstrap` asks the Runtime API for work;
//! - `pictures`: `pdf2img` draws documents with each engine as a native build draws them;
//! - [`archive`]: a zip holds what has been proven.
//!
//! Whether a library has newer instructions *somewhere* is not asked: some choose at run time, and have them
//! rightly. What runs on an old CPU without meeting one has been chosen well.

mod archive;
mod contents;
mod elf;
mod emulator;
mod findings;
mod glibc;
mod package_files;
mod pictures;
mod process;
mod runtime_image;
mod start;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::record::Verified;
use crate::{Cell, Layout, Matrix, Stage, run};
use contents::Package;
use emulator::Cpu;
use findings::Findings;
use package_files::PackageFiles;
use pictures::Pictures;
use start::Start;

pub use archive::archive;

/// Is raised whenever something else is checked, so that what was proven before is proven again.
const VERSION: u32 = 1;

/// How long `--version` may take, on an emulated CPU of a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Does the stage for each cell and keeps a record of each; whether it worked for all.
///
/// # Errors
///
/// If a record cannot be kept. A cell that fails is recorded.
pub fn verify(matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    let mut works = true;
    for cell in cells {
        // What cannot be read is not the same as before, and is complained of below.
        let of = inputs(matrix, layout, cell).ok();
        works &= run(Stage::Verify, cell, layout, of, || verify_cell(matrix, layout, cell))?;
    }
    Ok(works)
}

fn verify_cell(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<Verified> {
    let mut findings = Findings::default();
    let mut runs_here = true;
    for (package, directory) in
        [(Package::Lambda, layout.lambda(cell)), (Package::Command, layout.command(cell))]
    {
        if !directory.is_dir() {
            bail!("{} is not there; build it first: build-matrix build {cell}", directory.display());
        }
        let files = PackageFiles::of_directory(&directory)?;
        contents::check(&mut findings, matrix, cell, package, &files)?;
        // A file that is missing or for another machine was complained of; running it says nothing new.
        runs_here &= contents::executables_are_for(&files, package, cell.machine(matrix));
    }
    if runs_here {
        check_runs(&mut findings, matrix, layout, cell)?;
    }
    Ok(Verified { checks: findings.into_checks()? })
}

/// Runs the executables on each CPU that the cell has to run on.
fn check_runs(findings: &mut Findings, matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<()> {
    let documents = tempfile::tempdir()?;
    pictures::write_documents(documents.path())?;
    let pdf2img = layout.command(cell).join("pdf2img");
    let bootstrap = layout.lambda(cell).join("bootstrap");
    let reference = reference(matrix, layout, cell);
    // Drawn once for all CPUs.
    let wanted: Vec<(String, Result<Pictures>)> = match &reference {
        Some((_, executable)) => {
            let draw =
                |it: &String| (it.clone(), pictures::render(executable, &Cpu::Native, it, documents.path()));
            cell.backends(matrix).iter().map(draw).collect()
        }
        None => Vec::new(),
    };
    for model in cpus(matrix, cell)? {
        let cpu = Cpu::Emulated { machine: cell.machine(matrix).to_owned(), model: model.clone() };
        match cpu.prove(&pdf2img) {
            Ok(seen) => findings.holds(format!("emulator of {model}"), seen),
            Err(error) => {
                findings.fault(model, format_args!("{error:#}"));
                continue;
            }
        }
        findings.note(&format!("version on {model}"), "pdf2img", says_version(&pdf2img, &cpu));
        for backend in cell.backends(matrix) {
            let asks = match start::start(&bootstrap, &cpu, backend)? {
                Start::Ready => Ok("asks for its first invocation".to_owned()),
                Start::Failed(why) => Err(format!("with {backend} on {model}: {why}")),
            };
            findings.note(&format!("start with {backend} on {model}"), "bootstrap", asks);
            let drawn = pictures::render(&pdf2img, &cpu, backend, documents.path());
            let wanted = wanted.iter().find(|(name, _)| name == backend).map(|(_, wanted)| wanted);
            let outcome = judge(drawn, wanted, reference.as_ref().map(|(cell, _)| cell))
                .with_context(|| format!("with {backend} on {model}"));
            findings.note(&format!("pages by {backend} on {model}"), "pdf2img", outcome);
        }
    }
    for backend in others(matrix, cell) {
        let Some(model) = cpus(matrix, cell)?.first() else { break };
        let cpu = Cpu::Emulated { machine: cell.machine(matrix).to_owned(), model: model.clone() };
        let refusal = pictures::refuses(&pdf2img, &cpu, backend, documents.path());
        findings.note(
            &format!("{backend} in"),
            "pdf2img",
            refusal.map(|()| "refused: not in this build".to_owned()),
        );
        let refusal = match start::start(&bootstrap, &cpu, backend)? {
            Start::Failed(why) if why.contains("is not in this build") => {
                Ok("refused: not in this build".to_owned())
            }
            Start::Failed(why) => Err(format!("with {backend}, which is not in its name: {why}")),
            Start::Ready => Err(format!("{backend} is in it, and is not in its name")),
        };
        findings.note(&format!("{backend} in"), "bootstrap", refusal);
    }
    Ok(())
}

/// What was drawn, and how it compares with a native build's.
fn judge(
    drawn: Result<Pictures>,
    wanted: Option<&Result<Pictures>>,
    reference: Option<&Cell>,
) -> Result<String> {
    let drawn = drawn?;
    let pages = format!("{} pages as PNG and as JPEG, of the right size", drawn.len() / 2);
    let Some((wanted, reference)) = wanted.zip(reference) else {
        return Ok(format!(
            "{pages}; compared with nothing, for no cell with these engines that runs here was built"
        ));
    };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => {
            bail!("{reference} was to be the reference, and does not render on this machine: {error:#}")
        }
    };
    let likeness = pictures::compare(&drawn, wanted)?;
    Ok(format!(
        "{pages}; of {} images {} are identical to those of {reference} without an emulator, {} the same, {} near",
        drawn.len(),
        likeness.identical,
        likeness.same,
        likeness.near
    ))
}

fn says_version(pdf2img: &Path, cpu: &Cpu) -> Result<String> {
    let ended = process::run(cpu.command(pdf2img).arg("--version"), PATIENCE)?;
    let wanted = concat!("pdf2img ", env!("CARGO_PKG_VERSION"));
    match ended.stdout.trim() {
        said if said == wanted => Ok(said.to_owned()),
        _ => bail!("--version did not say {wanted}: {}", ended.complaint(cpu)),
    }
}

/// The engines that are not in a cell.
fn others<'a>(matrix: &'a Matrix, cell: &Cell) -> Vec<&'a str> {
    let mut others: Vec<_> =
        matrix.engines.values().flat_map(|it| &it.backends).map(String::as_str).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|other| !cell.backends(matrix).iter().any(|it| it == other));
    others
}

/// The CPUs that a cell has to run on: those of its architecture, unless its experiment asks for newer ones.
fn cpus<'a>(matrix: &'a Matrix, cell: &Cell) -> Result<&'a [String]> {
    let ours = match &cell.experiment {
        Some(name) => matrix.experiment(name)?.cpus.as_slice(),
        None => &[],
    };
    Ok(if ours.is_empty() { &matrix.arch[&cell.arch].cpus } else { ours })
}

/// The cell with the same engines that runs on this machine, itself before others, and its `pdf2img`.
fn reference(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Option<(Cell, PathBuf)> {
    let mut candidates = vec![cell.clone()];
    let mut others = matrix.cells();
    others.retain(|it| it.engines == cell.engines);
    // Of equals, the one that differs least.
    others.sort_by_key(|it| (it.libc != cell.libc, it.allocator != cell.allocator));
    candidates.append(&mut others);
    candidates
        .into_iter()
        .filter(|it| it.is_native(matrix))
        .map(|it| (it.clone(), layout.command(&it).join("pdf2img")))
        .find(|(_, executable)| executable.is_file())
}

/// A hash of all that decides what comes of the stage.
fn inputs(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(format!("{VERSION}\n{}\n{}\n", env!("CARGO_PKG_VERSION"), include_str!("../matrix.toml")));
    hash.update(corpus::manifest::COMMITTED);
    for directory in [layout.lambda(cell), layout.command(cell)] {
        for (path, file) in PackageFiles::of_directory(&directory)?.iter() {
            hash.update(format!("{path} {:?} {}\n", file.mode, hex(&Sha256::digest(&file.bytes))));
        }
    }
    if let Some((reference, executable)) = reference(matrix, layout, cell) {
        hash.update(format!("{reference} {}\n", hex(&Sha256::digest(fs::read(executable)?))));
    }
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
