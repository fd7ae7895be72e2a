//! Several builds of `pdf2img render` in turn, with one worker: what pages take in each.
//!
//! The time is that of the whole command, its start and that of its worker included. So a figure
//! for a document of many pages is one of pages, and for one of a single page it is mostly not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::machine::{Executable, Machine};
use crate::process;
use crate::scratch;
use crate::stats;
use crate::table::Table;

/// What is to be measured: every program with each document, engine and format.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The executables.
    pub programs: Vec<PathBuf>,
    /// The documents of the corpus.
    pub documents: Vec<String>,
    /// The engines; a program without one leaves it out.
    pub backends: Vec<String>,
    /// The formats of the images.
    pub formats: Vec<String>,
    /// How often each is run.
    pub runs: usize,
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Where.
    pub machine: Machine,
    /// The executables, in the order of the plan.
    pub programs: Vec<Executable>,
    /// One for each program, document, engine and format.
    pub cases: Vec<Case>,
}

/// One program with one document, engine and format.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// The path of the program.
    pub program: PathBuf,
    /// The document.
    pub document: String,
    /// How many pages it has.
    pub pages: u32,
    /// The engine.
    pub backend: String,
    /// The format.
    pub format: String,
    /// The bytes of all images, the same in each run.
    pub bytes: u64,
    /// Wall-clock seconds of each run.
    pub wall_s: Vec<f64>,
    /// User and system time of each run, in seconds.
    pub cpu_s: Vec<f64>,
    /// Why it is not measured: the engine is not built in, or what its first failure was.
    pub failed: Option<String>,
}

/// Runs each program in turn, there and back again, for each document, engine and format.
///
/// # Errors
///
/// If a document or program is not there. A program that fails is recorded, and the others go on.
pub fn run(plan: &Plan) -> Result<Record> {
    let machine = Machine::detect();
    ensure!(!plan.programs.is_empty(), "no program is named");
    let paths = plan.programs.iter().map(std::path::absolute).collect::<Result<Vec<_>, _>>()?;
    let programs =
        paths.iter().map(|path| Ok(Executable::at(path)?.with_version())).collect::<Result<Vec<_>>>()?;
    let scratch = scratch::in_memory()?;
    let mut cases = Vec::new();
    for id in &plan.documents {
        let document = corpus::document(id).with_context(|| format!("the corpus has no {id}"))?;
        let file = scratch.path().join(document.file_name());
        fs::write(&file, document.bytes()).with_context(|| format!("failed to write {}", file.display()))?;
        for backend in &plan.backends {
            for format in &plan.formats {
                let case = |program: &PathBuf| Case {
                    program: program.clone(),
                    document: id.clone(),
                    pages: document.pages,
                    backend: backend.clone(),
                    format: format.clone(),
                    bytes: 0,
                    wall_s: Vec::new(),
                    cpu_s: Vec::new(),
                    failed: None,
                };
                let mut sides: Vec<Case> = paths.iter().map(case).collect();
                // One run of each that is not counted: it warms up, and says what is to come out.
                for side in &mut sides {
                    side.failed = side.run(&file, scratch.path()).err().map(|error| format!("{error:#}"));
                    side.wall_s.clear();
                    side.cpu_s.clear();
                }
                sides.retain(|side| !side.failed.as_deref().is_some_and(lacks_the_engine));
                for turn in stats::turns(sides.len(), plan.runs) {
                    let side = &mut sides[turn];
                    if side.failed.is_none() {
                        side.failed = side.run(&file, scratch.path()).err().map(|error| format!("{error:#}"));
                    }
                }
                cases.extend(sides);
            }
        }
    }
    Ok(Record { machine, programs, cases })
}

/// Whether a program has said that an engine is not built in, which is no failure.
fn lacks_the_engine(failure: &str) -> bool {
    failure.contains("is not built in")
}

impl Case {
    /// Renders the document once, and adds what it has taken if all images are there.
    fn run(&mut self, file: &Path, scratch: &Path) -> Result<()> {
        let out = scratch::below(scratch)?;
        let mut command = Command::new(&self.program);
        command.arg("render").arg(file).arg("-o").arg(out.path());
        command.args(["--workers", "1", "--dpi", "150"]);
        command.args(["--backend", &self.backend, "--format", &self.format]);
        let cost = process::run(&mut command)?;
        let bytes = image_bytes(out.path(), &self.format, self.pages)?;
        match self.bytes {
            0 => self.bytes = bytes,
            before if before == bytes => {}
            before => bail!("the images of {} have {bytes} bytes, and had {before} before", self.document),
        }
        self.wall_s.push(cost.wall_s);
        self.cpu_s.push(cost.cpu_s);
        Ok(())
    }
}

/// The bytes of all images below a directory, of which there has to be one for each page.
pub(crate) fn image_bytes(directory: &Path, format: &str, pages: u32) -> Result<u64> {
    let mut lengths = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let entries =
            fs::read_dir(&directory).with_context(|| format!("failed to list {}", directory.display()))?;
        for entry in entries {
            let path = entry.context("failed to list the images")?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == format || (format == "jpeg" && it == "jpg")) {
                let bytes = path.metadata().with_context(|| format!("failed to read {}", path.display()))?;
                ensure!(bytes.len() > 0, "{} is empty", path.display());
                lengths.push(bytes.len());
            }
        }
    }
    ensure!(lengths.len() == pages as usize, "there are {} images of {pages} pages", lengths.len());
    Ok(lengths.iter().sum())
}

impl Record {
    /// The medians as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = Table::new(&[
            "page/document/backend/format",
            "program",
            "runs",
            "wall, ms a page",
            "CPU, ms a page",
            "bytes",
        ]);
        let mut failures = String::new();
        for case in &self.cases {
            let Case { document, backend, format, program, pages, .. } = case;
            let id = format!("page/{document}/{backend}/{format}");
            if let Some(why) = &case.failed {
                failures += &format!("{id} by {} has FAILED: {why}\n", program.display());
            }
            let each = |seconds: &[f64]| match seconds {
                [] => "-".to_owned(),
                _ => format!("{:.2}", stats::median(seconds) * 1e3 / f64::from(*pages)),
            };
            table.row(vec![
                id,
                program.display().to_string(),
                case.wall_s.len().to_string(),
                each(&case.wall_s),
                each(&case.cpu_s),
                case.bytes.to_string(),
            ]);
        }
        format!("{table}\nMedians; one worker, 150 dpi, the start of the program included.\n{failures}")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    /// A program that is called as `pdf2img render` is: `$2` is the file, `$4` the folder.
    fn program(text: &str) -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pdf2img");
        fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && exit\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (dir, path)
    }

    fn plan(programs: &[&PathBuf]) -> Plan {
        Plan {
            programs: programs.iter().map(|&it| it.clone()).collect(),
            documents: vec!["vector-charts".into()],
            backends: vec!["mupdf".into()],
            formats: vec!["png".into()],
            runs: 3,
        }
    }

    #[test]
    fn programs_that_write_every_image_are_timed() {
        let (_one, first) = program("head -c4 $2 >$4/1.png; cp $4/1.png $4/2.png; echo 1 >$4/log.txt");
        let (_two, second) = program("mkdir $4/a; echo image >$4/a/1.png; echo image >$4/a/2.png");
        let record = run(&plan(&[&first, &second])).unwrap();
        let [one, two] = &record.cases[..] else { panic!("{record:?}") };
        assert_eq!((one.bytes, one.wall_s.len(), one.cpu_s.len()), (8, 3, 3));
        assert_eq!((two.bytes, two.wall_s.len(), &two.failed), (12, 3, &None));
        assert!(record.to_markdown().contains("page/vector-charts/mupdf/png"));
    }

    #[test]
    fn a_missing_or_empty_image_is_a_failure_of_that_program_alone() {
        let (_one, missing) = program("echo image >$4/1.png");
        let (_two, empty) = program("echo image >$4/1.png; : >$4/2.png");
        let (_three, works) = program("echo image >$4/1.png; echo image >$4/2.png");
        let record = run(&plan(&[&missing, &empty, &works])).unwrap();
        assert!(record.cases[0].failed.as_ref().unwrap().contains("1 images of 2 pages"), "{record:?}");
        assert!(record.cases[1].failed.as_ref().unwrap().contains("is empty"), "{record:?}");
        assert_eq!(record.cases[2].wall_s.len(), 3);
        assert!(record.cases[0].wall_s.is_empty());
        assert!(record.to_markdown().contains("FAILED"));
    }

    #[test]
    fn images_that_differ_from_run_to_run_are_a_failure() {
        let (_dir, path) = program("echo x >>${0%/*}/count; cp ${0%/*}/count $4/1.png; echo image >$4/2.png");
        let record = run(&plan(&[&path])).unwrap();
        assert!(record.cases[0].failed.as_ref().unwrap().contains("had 8 before"), "{record:?}");
    }

    #[test]
    fn a_program_without_the_engine_is_left_out() {
        let (_one, without) = program("echo 'backend \"mupdf\" is not built in' >&2; exit 1");
        let (_two, with) = program("echo image >$4/1.png; echo image >$4/2.png");
        let record = run(&plan(&[&without, &with])).unwrap();
        assert_eq!(record.cases.len(), 1);
        assert_eq!(record.cases[0].program, with);
    }
}
