//! How the product scales: with pages, workers, resolution, the length of the file, and invocations at once.
//!
//! - [`series`]: points that are measured in turn;
//! - [`drawing`]: the points that are runs of `pdf2img render`;
//! - [`ballast`]: the same document in a longer file;
//! - [`concurrency`]: the points that are several functions at once.

pub mod ballast;
pub mod concurrency;
pub mod drawing;
pub mod series;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Serialize, Serializer};

use self::drawing::{Drawing, Program};
use self::series::{Planned, Series};
use crate::documents::Source;
use crate::format::Format;
use crate::machine::{Executable, FORM, Machine};
use crate::scratch;
use crate::stats::{self, Ratio};
use crate::table::Table;

/// Documents of one kind and ever longer; those that the corpus does not have are left out.
const LONGER_AND_LONGER: [&str; 5] = ["text-1", "text-20", "text-100", "text-300", "text-1000"];

/// What is drawn where the document is not what grows: long enough to keep all workers busy.
const STEADY: &str = "text-100";

/// What is drawn at each resolution.
const AT_EACH_DPI: [&str; 4] = ["text-20", "vector-charts", "scan-gray", "photo-1"];

/// The resolutions, in dots per inch.
const DPIS: [u32; 6] = [72, 100, 150, 200, 300, 600];

/// How many bytes are added to a document that is drawn the same.
const BALLAST_BYTES: [usize; 4] = [0, 1_000_000, 10_000_000, 100_000_000];

/// The resolution where another is not what is measured, in dots per inch.
pub(crate) const DPI: u32 = 150;

/// What grows in a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// The number of pages.
    Pages,
    /// The number of workers.
    Workers,
    /// The resolution.
    Dpi,
    /// The length of the file, with the same pages.
    Bytes,
    /// The number of functions at once.
    Concurrency,
}

impl Axis {
    /// Every axis.
    pub const ALL: [Axis; 5] = [Axis::Pages, Axis::Workers, Axis::Dpi, Axis::Bytes, Axis::Concurrency];

    /// The name, as in options and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Axis::Pages => "pages",
            Axis::Workers => "workers",
            Axis::Dpi => "dpi",
            Axis::Bytes => "bytes",
            Axis::Concurrency => "concurrency",
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let known = || Axis::ALL.map(Axis::as_str).join(", ");
        Axis::ALL
            .into_iter()
            .find(|axis| axis.as_str() == s)
            .ok_or_else(|| format!("no axis {s:?}: there is {}", known()))
    }
}

impl Serialize for Axis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `pdf2img`.
    pub program: PathBuf,
    /// `bootstrap`, for functions at once.
    pub function: PathBuf,
    /// What grows.
    pub axes: Vec<Axis>,
    /// The engines.
    pub backends: Vec<String>,
    /// The formats of the images.
    pub formats: Vec<Format>,
    /// How often each point is measured.
    pub runs: usize,
    /// How long one run may take.
    pub patience: Duration,
    /// How many CPUs there are.
    pub cpus: u32,
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The form of the record.
    pub form: u32,
    /// Where.
    pub machine: Machine,
    /// What was measured.
    pub program: Executable,
    /// What was measured of functions at once; `None` if that is not there.
    pub function: Option<Executable>,
    /// What is not here, and so was not measured.
    pub skipped: Vec<String>,
    /// One for each axis, document, engine and format.
    pub series: Vec<Series>,
}

/// Measures each series, its points in turn.
///
/// # Errors
///
/// If `pdf2img` is missing. What fails at a point is in the record.
pub fn run(plan: &Plan) -> Result<Record> {
    let machine = Machine::detect_in_full();
    let program = Executable::at(&std::path::absolute(&plan.program)?)?.with_version();
    let function = Executable::at(&std::path::absolute(&plan.function)?).ok();
    let scratch = scratch::in_memory()?;
    let mut skipped = Vec::new();
    let mut series = Vec::new();
    for &axis in &plan.axes {
        for backend in &plan.backends {
            for &format in &plan.formats {
                let stage = Stage { plan, scratch: scratch.path(), program: &program.path, backend, format };
                match (axis, &function) {
                    (Axis::Pages, _) => series.extend(stage.pages(&mut skipped)?),
                    (Axis::Workers, _) => series.extend(stage.workers(&mut skipped)?),
                    (Axis::Dpi, _) => series.extend(stage.dpis(&mut skipped)?),
                    (Axis::Bytes, _) => series.extend(stage.bytes(&mut skipped)?),
                    (Axis::Concurrency, Some(function)) => {
                        series.extend(stage.concurrency(function, &mut skipped)?);
                    }
                    (Axis::Concurrency, None) => {
                        skipped.push(format!("concurrency: {} is not there", plan.function.display()));
                    }
                }
            }
        }
    }
    skipped.sort();
    skipped.dedup();
    Ok(Record { form: FORM, machine, program, function, skipped, series })
}

/// All that the series of one engine and format share.
struct Stage<'a> {
    plan: &'a Plan,
    scratch: &'a Path,
    program: &'a Path,
    backend: &'a str,
    format: Format,
}

impl Stage<'_> {
    fn drawing(&self, source: &Source) -> Result<Drawing> {
        let file = self.scratch.join(format!("{}.pdf", source.id));
        if !file.exists() {
            source.write_to(self.scratch)?;
        }
        let program = Program {
            path: self.program.to_owned(),
            scratch: self.scratch.to_owned(),
            patience: self.plan.patience,
        };
        Ok(Drawing {
            program,
            file,
            pages: source.pages.unwrap_or_default(),
            backend: self.backend.to_owned(),
            format: self.format,
            dpi: DPI,
            workers: self.plan.cpus,
        })
    }

    fn measured(&self, axis: Axis, document: &str, class: &str, points: Vec<Planned>) -> Series {
        eprintln!("{axis} with {document} as {} by {}: {} points", self.format, self.backend, points.len());
        Series {
            axis,
            document: document.to_owned(),
            class: class.to_owned(),
            backend: self.backend.to_owned(),
            format: self.format,
            points: series::in_turn(points, self.plan.runs),
        }
    }

    fn pages(&self, skipped: &mut Vec<String>) -> Result<Option<Series>> {
        let mut points = Vec::new();
        for source in known(&LONGER_AND_LONGER, skipped) {
            let drawing = self.drawing(&source)?;
            points.push(drawing.planned(u64::from(drawing.pages)));
        }
        Ok((!points.is_empty()).then(|| self.measured(Axis::Pages, "text", "text", points)))
    }

    fn workers(&self, skipped: &mut Vec<String>) -> Result<Option<Series>> {
        let Some(source) = known(&[STEADY], skipped).pop() else { return Ok(None) };
        let mut points = Vec::new();
        for workers in worker_counts(self.plan.cpus) {
            let drawing = Drawing { workers, ..self.drawing(&source)? };
            points.push(drawing.planned(u64::from(workers)));
        }
        Ok(Some(self.measured(Axis::Workers, &source.id, &source.class, points)))
    }

    fn dpis(&self, skipped: &mut Vec<String>) -> Result<Vec<Series>> {
        let mut all = Vec::new();
        for source in known(&AT_EACH_DPI, skipped) {
            let mut points = Vec::new();
            for dpi in DPIS {
                points.push(Drawing { dpi, ..self.drawing(&source)? }.planned(u64::from(dpi)));
            }
            all.push(self.measured(Axis::Dpi, &source.id, &source.class, points));
        }
        Ok(all)
    }

    fn bytes(&self, skipped: &mut Vec<String>) -> Result<Option<Series>> {
        let Some(source) = known(&[STEADY], skipped).pop() else { return Ok(None) };
        let pdf = source.bytes()?;
        let mut points = Vec::new();
        for ballast in BALLAST_BYTES {
            let longer = ballast::with(&pdf, ballast)?;
            let file = self.scratch.join(format!("{}-and-{ballast}.pdf", source.id));
            fs::write(&file, &longer).with_context(|| format!("failed to write {}", file.display()))?;
            points.push(Drawing { file, ..self.drawing(&source)? }.planned(longer.len() as u64));
        }
        Ok(Some(self.measured(Axis::Bytes, &source.id, &source.class, points)))
    }

    fn concurrency(&self, function: &Executable, skipped: &mut Vec<String>) -> Result<Option<Series>> {
        let Some(source) = known(&[concurrency::DOCUMENT], skipped).pop() else { return Ok(None) };
        let points = concurrency::points(&function.path, &source, self.backend, self.format)?;
        Ok(Some(self.measured(Axis::Concurrency, &source.id, &source.class, points)))
    }
}

/// The documents that the corpus has; the others are noted.
fn known(ids: &[&str], skipped: &mut Vec<String>) -> Vec<Source> {
    let mut found = Vec::new();
    for &id in ids {
        match corpus::document(id) {
            Some(document) => found.push(Source::of(document)),
            None => skipped.push(format!("the corpus has no {id}")),
        }
    }
    found
}

/// From 1 to twice as many as there are CPUs, doubling where there are many.
fn worker_counts(cpus: u32) -> Vec<u32> {
    let most = cpus.max(1) * 2;
    if most <= 8 {
        return (1..=most).collect();
    }
    let mut counts: Vec<u32> =
        std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|&count| count < most).collect();
    counts.extend([cpus, most]);
    counts.sort_unstable();
    counts.dedup();
    counts
}

impl Record {
    /// The figures as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        for series in &self.series {
            let Series { axis, document, backend, format, points, .. } = series;
            let name = axis.as_str();
            let mut table = Table::new(&[
                name,
                "wall, ms a page",
                "times the first",
                "95 %",
                "CPU, ms a page",
                "peak, MB",
            ]);
            let each = |seconds: &[f64], pages: u32| stats::median(seconds) * 1e3 / f64::from(pages);
            for point in points {
                if let Some(why) = &point.failed {
                    table.row(vec![point.value.to_string(), format!("failed: {why}")]);
                    continue;
                }
                // Of the first that there is, per page.
                let first = points.iter().find(|it| it.failed.is_none()).unwrap_or(point);
                let pairs: Vec<(f64, f64)> = point
                    .wall_s
                    .iter()
                    .map(|seconds| seconds / f64::from(point.pages))
                    .zip(first.wall_s.iter().map(|seconds| seconds / f64::from(first.pages)))
                    .collect();
                let ratio = Ratio::of_pairs(&pairs);
                table.row(vec![
                    point.value.to_string(),
                    format!("{:.2}", each(&point.wall_s, point.pages)),
                    format!("{:.2}", ratio.value),
                    ratio.interval(),
                    format!("{:.2}", each(&point.cpu_s, point.pages)),
                    format!("{:.0}", point.peak_bytes as f64 / 1e6),
                ]);
            }
            text += &format!("{name} with {document} as {format} by {backend}:\n\n{table}\n");
        }
        for skipped in &self.skipped {
            text += &format!("Skipped: {skipped}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests;
