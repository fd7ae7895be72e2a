//! Several builds of `bootstrap` in turn, each against the Runtime API and S3 of [`emulation`](crate::emulation).
//!
//! The clock starts before the spawn. It is read when the first request for an invocation arrives,
//! when S3 has the first image, and when the invocation is answered. None of it is AWS's Init
//! Duration, which also has the download of the package and the start of a microVM in it.

mod function;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde::Serialize;

use crate::cpu_share::CpuShare;
use crate::machine::{Executable, Machine};
use crate::page_cache;
use crate::stats;
use crate::table::Table;

pub use self::function::{Document, Launch, Start};

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The executables.
    pub functions: Vec<PathBuf>,
    /// How often each is started.
    pub runs: usize,
    /// How often each is started with its pages not in memory, up to the first request.
    pub cold_cache_runs: usize,
    /// How many invocations each process gets; with 0, it only starts.
    pub documents: usize,
    /// The document of the corpus.
    pub document: String,
    /// A limit on the CPU.
    pub limit: Option<Limit>,
    /// The program, with its arguments, that the executables are for.
    pub emulator: Vec<String>,
    /// Further variables for the functions.
    pub variables: Vec<(String, String)>,
}

/// How much of the CPU a function gets.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// What Lambda gives for so many megabytes.
    MemoryMb(u32),
    /// So many CPUs.
    Cpus(f64),
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Where.
    pub machine: Machine,
    /// The document, and its pages.
    pub document: String,
    /// How many pages it has.
    pub pages: u32,
    /// The limit on the CPU.
    pub share: Option<CpuShare>,
    /// Why this machine cannot limit the CPU so; then nothing is measured.
    pub not_measured: Option<String>,
    /// The emulator: times are then to be compared with each other only.
    pub emulated_by: Option<String>,
    /// One for each executable.
    pub functions: Vec<Function>,
}

/// The starts of one executable.
#[derive(Debug, Clone, Serialize)]
pub struct Function {
    /// Which.
    pub executable: Executable,
    /// Its starts, in the order in which they were made.
    pub starts: Vec<Start>,
    /// Seconds until the first request, with the executable's pages not in memory.
    pub cold_cache_first_next_s: Vec<f64>,
    /// Why the executable's pages could not be taken out of memory.
    pub cold_cache_not_measured: Option<String>,
    /// Why it is not measured any further: what its first failure was.
    pub failed: Option<String>,
}

/// Starts each executable in turn, there and back again.
///
/// # Errors
///
/// If the document or an executable is not there. One that fails later is recorded, and the others go on.
pub fn run(plan: &Plan) -> Result<Record> {
    let machine = Machine::detect();
    let source =
        corpus::document(&plan.document).with_context(|| format!("the corpus has no {}", plan.document))?;
    let document = Document { pdf: Bytes::from(source.bytes()), pages: source.pages };
    ensure!(!plan.functions.is_empty(), "no function is named");
    let share = match plan.limit {
        None => Ok(None),
        Some(Limit::MemoryMb(memory_mb)) => CpuShare::of_memory(memory_mb).map(Some),
        Some(Limit::Cpus(cpus)) => CpuShare::of_cpus(cpus).map(Some),
    };
    let mut record = Record {
        machine,
        document: plan.document.clone(),
        pages: document.pages,
        share: None,
        not_measured: None,
        emulated_by: plan.emulator.first().map(|_| plan.emulator.join(" ")),
        functions: Vec::new(),
    };
    match share {
        Ok(share) => record.share = share,
        Err(why) => return Ok(Record { not_measured: Some(format!("{why:#}")), ..record }),
    }
    let share = record.share.as_ref();
    let functions = &mut record.functions;
    for path in &plan.functions {
        functions.push(Function {
            // The function works in a directory of its own.
            executable: Executable::at(&std::path::absolute(path)?)?,
            starts: Vec::new(),
            cold_cache_first_next_s: Vec::new(),
            cold_cache_not_measured: None,
            failed: None,
        });
    }
    // The first start of each reads its pages from the disk, and is not counted.
    for function in functions.iter_mut() {
        function.try_to(|path| launch(plan, share, path, plan.documents.min(1)).run(&document).map(drop));
    }
    for side in stats::turns(functions.len(), plan.runs) {
        let function = &mut functions[side];
        let start = function.try_to(|path| launch(plan, share, path, plan.documents).run(&document));
        function.starts.extend(start);
    }
    for side in stats::turns(functions.len(), plan.cold_cache_runs) {
        let function = &mut functions[side];
        if function.cold_cache_not_measured.is_some() {
            continue;
        }
        if let Err(error) = page_cache::evict(&function.executable.path) {
            function.cold_cache_not_measured = Some(format!("{error:#}"));
            continue;
        }
        let start = function.try_to(|path| launch(plan, share, path, 0).run(&document));
        function.cold_cache_first_next_s.extend(start.map(|it| it.first_next_s));
    }
    Ok(record)
}

fn launch<'a>(
    plan: &'a Plan,
    share: Option<&'a CpuShare>,
    executable: &'a Path,
    documents: usize,
) -> Launch<'a> {
    let Plan { emulator, variables, .. } = plan;
    Launch { executable, emulator, share, variables, documents }
}

impl Function {
    /// Does something that fails once: after that it is not done again.
    fn try_to<T>(&mut self, work: impl FnOnce(&Path) -> Result<T>) -> Option<T> {
        if self.failed.is_some() {
            return None;
        }
        match work(&self.executable.path) {
            Ok(done) => Some(done),
            Err(error) => {
                self.failed = Some(format!("{error:#}"));
                None
            }
        }
    }
}

impl Record {
    /// The medians as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = Table::new(&[
            "function",
            "runs",
            "next, ms",
            "p95",
            "image, ms",
            "answer, ms",
            "warm, ms",
            "CPU, ms",
            "RSS, MB",
            "from disk, ms",
        ]);
        for function in &self.functions {
            let row = |of: &dyn Fn(&Start) -> Option<f64>, figure: fn(&[f64]) -> f64, scale: f64| {
                let values: Vec<f64> = function.starts.iter().filter_map(of).collect();
                if values.is_empty() { "-".to_owned() } else { format!("{:.1}", figure(&values) * scale) }
            };
            let p95 = |values: &[f64]| stats::percentile(values, 0.95);
            table.row(vec![
                function.executable.path.display().to_string(),
                function.starts.len().to_string(),
                row(&|it| Some(it.first_next_s), stats::median, 1e3),
                row(&|it| Some(it.first_next_s), p95, 1e3),
                row(&|it| it.first_image_s, stats::median, 1e3),
                row(&|it| it.document_s, stats::median, 1e3),
                row(&|it| it.warm_document_s.first().copied(), stats::median, 1e3),
                row(&|it| Some(it.cpu_s), stats::median, 1e3),
                row(&|it| it.peak_rss_bytes.map(|bytes| bytes as f64), stats::median, 1e-6),
                match function.cold_cache_first_next_s.as_slice() {
                    [] => "-".to_owned(),
                    values => format!("{:.1}", stats::median(values) * 1e3),
                },
            ]);
        }
        let mut text = format!(
            "{table}\nMedians of wall-clock time from the spawn, with {} of {} pages.\n",
            self.document, self.pages
        );
        if let Some(why) = &self.not_measured {
            text += &format!("Not measured: {why}\n");
        }
        for function in &self.functions {
            let path = function.executable.path.display();
            if let Some(why) = &function.failed {
                text += &format!("{path} has FAILED: {why}\n");
            }
            if let Some(why) = &function.cold_cache_not_measured {
                text += &format!("{path} was not started from disk: {why}\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
