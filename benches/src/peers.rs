//! `pdf2img render`, with each of its engines, beside the programs that people use for the same job.
//!
//! - [`programs`]: the table of programs: how each is found and called;
//! - [`python`]: the libraries among them, each called by a small script of ours;
//! - [`case`]: one document in one format: certified, then timed in turn;
//! - [`record`]: what is kept of it;
//! - [`requirement`]: how many times faster the product has to be.

pub mod case;
pub mod programs;
pub mod python;
pub mod record;
pub mod requirement;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::documents::Source;
use crate::format::{Format, Resolution};
use crate::machine::{FORM, Machine};
use crate::scratch;

pub use self::programs::{PROGRAMS, Places, Program};
pub use self::record::{Case, Record, Side, Skipped, Taking};
pub use self::requirement::Requirement;

/// What to compare.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where `pdf2img` is.
    pub bin_dir: PathBuf,
    /// The directories in which commands are looked for.
    pub path: Vec<PathBuf>,
    /// The Python that has the libraries.
    pub python: PathBuf,
    /// The documents.
    pub documents: Vec<Source>,
    /// The programs, by name.
    pub programs: Vec<String>,
    /// The formats of the images.
    pub formats: Vec<Format>,
    /// The resolutions.
    pub resolutions: Vec<Resolution>,
    /// How often each program is timed in each case, unless it takes longer than `budget`.
    pub runs: usize,
    /// How long the timed runs of one program may take in a case before there are fewer of them, but not fewer than
    /// [`LEAST_RUNS`].
    pub budget: Duration,
    /// How long all runs of one program may take in a case.
    pub limit: Duration,
    /// How many processes a program may draw with.
    pub cpus: u32,
    /// Further flags for `pdf2img render`.
    pub our_flags: Vec<String>,
}

/// How often a program is timed at least, however long it takes.
pub const LEAST_RUNS: usize = 3;

impl Plan {
    /// How often a program is timed that has taken so many seconds.
    fn runs_of(&self, seconds: f64) -> usize {
        let affordable = (self.budget.as_secs_f64() / seconds) as usize;
        affordable.clamp(LEAST_RUNS.min(self.runs), self.runs)
    }

    /// How long one run may take, so that all of them stay within the limit.
    fn patience(&self) -> Duration {
        self.limit / (LEAST_RUNS.min(self.runs) as u32 + 1)
    }
}

/// Runs all programs that are installed with each document, format and resolution.
///
/// # Errors
///
/// If no program is installed, or a document cannot be read. That a program is refused is no error
/// here, but part of the record.
pub fn run(plan: &Plan) -> Result<Record> {
    let machine = Machine::detect_in_full();
    let scratch = scratch::in_memory()?;
    let places = Places {
        bin_dir: plan.bin_dir.clone(),
        path: plan.path.clone(),
        python: plan.python.clone(),
        scripts: python::write_scripts(scratch.path())?,
    };
    let mut installed = Vec::new();
    let mut skipped = Vec::new();
    for program in PROGRAMS.iter().filter(|it| plan.programs.iter().any(|name| name == it.name)) {
        match program.find(&places) {
            Ok(found) => installed.push(found),
            Err(why) => skipped.push(Skipped { name: program.name, reason: format!("{why:#}") }),
        }
    }
    ensure!(!installed.is_empty(), "no program is installed: {skipped:?}");
    let mut cases = Vec::new();
    for source in &plan.documents {
        let file = source.write_to(scratch.path())?;
        for &format in &plan.formats {
            for Resolution { dpi, .. } in plan.resolutions.iter().copied().filter(|it| it.is_for(format)) {
                eprintln!("{} as {format} at {dpi} dpi", source.id);
                let subject = case::Subject { source, file: &file, format, dpi };
                let case = case::measure(plan, &installed, &subject, scratch.path())?;
                for refused in case.refused() {
                    eprintln!("refused: {refused}");
                }
                cases.push(case);
            }
        }
    }
    let programs = installed.iter().map(Taking::of).collect();
    Ok(Record { form: FORM, machine, our_flags: plan.our_flags.clone(), programs, skipped, cases })
}

#[cfg(test)]
mod tests;
