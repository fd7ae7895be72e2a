//! Runs the executables of a cell on the CPUs that it has to run on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::emulator::Cpu;
use super::findings::Findings;
use super::pictures::{self, LEAST_MEMORY, Pictures};
use super::process;
use super::start::{Start, start};
use crate::{Cell, Layout, Matrix};

/// How long `--version` may take, on an emulated CPU of a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the program says of an engine that it does not have.
const NOT_BUILT_IN: &str = "is not in this build";

/// Runs the executables on each CPU: both start, draw with each engine of the cell as a native build does, and have
/// no other engine.
///
/// # Errors
///
/// If that cannot be tried.
pub(super) fn check(findings: &mut Findings, matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<()> {
    let trial = Trial {
        pdf2img: layout.command(cell).join("pdf2img"),
        bootstrap: layout.lambda(cell).join("bootstrap"),
        documents: tempfile::tempdir()?,
    };
    pictures::write_documents(trial.documents.path())?;
    let reference = reference(matrix, layout, cell);
    // Drawn once for all CPUs.
    let references: Vec<Reference> = reference
        .iter()
        .flat_map(|(from, executable)| {
            cell.backends(matrix).iter().map(|backend| Reference {
                from,
                backend,
                pictures: pictures::render(executable, &Cpu::Native, backend, trial.documents.path()),
            })
        })
        .collect();
    for Reference { from, backend, pictures } in &references {
        if *from == cell {
            let name = format!("pages with {backend} on this machine, in workers of {LEAST_MEMORY}");
            findings.note(
                "pdf2img",
                name,
                match pictures {
                    Ok(pictures) => Ok(said_of(pictures)),
                    Err(error) => Err(format!(
                        "with {backend} on this machine, in workers of {LEAST_MEMORY}: {error:#}"
                    )),
                },
            );
        }
    }
    for (index, model) in matrix.arch[&cell.arch].cpus.iter().enumerate() {
        let cpu = Cpu::Emulated { machine: cell.machine(matrix).to_owned(), model: model.clone() };
        match cpu.prove(&trial.pdf2img) {
            Ok(seen) => findings.holds(model, "emulator", seen),
            Err(error) => {
                findings.fault(model, format_args!("{error:#}"));
                continue;
            }
        }
        findings.note("pdf2img", format_args!("version on {model}"), says_version(&trial.pdf2img, &cpu));
        for backend in cell.backends(matrix) {
            eprintln!("         {backend} on {model} …");
            let reference = references.iter().find(|it| it.backend == backend);
            trial.check_backend(findings, &cpu, model, backend, reference)?;
        }
        // What is not there is not there on any CPU.
        if index == 0 {
            for backend in others(matrix, cell) {
                trial.check_absence(findings, &cpu, backend)?;
            }
        }
    }
    Ok(())
}

/// What is run, and on what.
struct Trial {
    pdf2img: PathBuf,
    bootstrap: PathBuf,
    documents: TempDir,
}

/// What an engine has to draw.
struct Reference<'a> {
    from: &'a Cell,
    backend: &'a str,
    pictures: Result<Pictures>,
}

impl Trial {
    fn check_backend(
        &self,
        findings: &mut Findings,
        cpu: &Cpu,
        model: &str,
        backend: &str,
        reference: Option<&Reference>,
    ) -> Result<()> {
        let asks = match start(&self.bootstrap, cpu, backend)? {
            Start::Ready => Ok("asks for its first invocation"),
            Start::Failed(why) => Err(format!("with {backend} on {model}: {why}")),
        };
        findings.note("bootstrap", format_args!("start with {backend} on {model}"), asks);
        let drawn = pictures::render(&self.pdf2img, cpu, backend, self.documents.path());
        let judged = judge(drawn, reference).with_context(|| format!("with {backend} on {model}"));
        findings.note("pdf2img", format_args!("pages with {backend} on {model}"), judged);
        Ok(())
    }

    fn check_absence(&self, findings: &mut Findings, cpu: &Cpu, backend: &str) -> Result<()> {
        let said = pictures::complaint(&self.pdf2img, cpu, backend, self.documents.path())?;
        findings.note("pdf2img", format_args!("refusal of {backend}"), refusal(backend, &said));
        let said = match start(&self.bootstrap, cpu, backend)? {
            Start::Failed(why) => why,
            Start::Ready => "it started".to_owned(),
        };
        findings.note("bootstrap", format_args!("refusal of {backend}"), refusal(backend, &said));
        Ok(())
    }
}

/// Whether a program has refused an engine because it does not have it, by what it said.
fn refusal(backend: &str, said: &str) -> Result<&'static str, String> {
    if said.contains(NOT_BUILT_IN) {
        Ok("it is not in this build")
    } else {
        Err(format!("it does not say that {backend} is not in it, as its name does: {}", said.trim()))
    }
}

/// What was drawn, and how it compares with a native build's.
fn judge(drawn: Result<Pictures>, reference: Option<&Reference>) -> Result<String> {
    let drawn = drawn?;
    let pages = said_of(&drawn);
    let Some(Reference { from, pictures: wanted, .. }) = reference else {
        return Ok(format!(
            "{pages}; compared with nothing, for no cell with these engines that runs here was built"
        ));
    };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => bail!("{from} was to be the reference, and does not draw on this machine: {error:#}"),
    };
    let likeness = pictures::compare(&drawn, wanted)?;
    Ok(format!(
        "{pages}; of {} images {} are identical to those of {from} without an emulator, {} the same, {} near",
        drawn.len(),
        likeness.identical,
        likeness.same,
        likeness.near
    ))
}

fn said_of(pictures: &Pictures) -> String {
    format!("{} pages as PNG and as JPEG, of the right size", pictures.len() / 2)
}

/// The version that the program says, which has to be this workspace's.
///
/// # Errors
///
/// If it is another one, or there is none.
pub(super) fn says_version(pdf2img: &Path, cpu: &Cpu) -> Result<String> {
    let ended = process::run(cpu.command(pdf2img).arg("--version"), PATIENCE)?;
    let wanted = concat!("pdf2img ", env!("CARGO_PKG_VERSION"));
    match ended.stdout.trim() {
        said if said == wanted => Ok(said.to_owned()),
        _ => bail!("--version did not say {wanted}: {}", ended.complaint(cpu)),
    }
}

/// The engines that are not in a cell.
pub(super) fn others<'a>(matrix: &'a Matrix, cell: &Cell) -> Vec<&'a str> {
    let mut others: Vec<_> =
        matrix.engines.values().flat_map(|it| &it.backends).map(String::as_str).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|other| !cell.backends(matrix).iter().any(|it| it == other));
    others
}

/// The cell with the same engines that runs on this machine, itself before others, and its `pdf2img`.
pub(super) fn reference(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Option<(Cell, PathBuf)> {
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
