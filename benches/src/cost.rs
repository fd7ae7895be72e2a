//! What a document takes with as much of the CPU as Lambda gives for an amount of memory.
//!
//! Of it, the report computes what 1,000 pages cost. Here are only seconds: of warm invocations,
//! and of first ones with their start in them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde::Serialize;

use crate::cold_start::{Document, Launch, Start};
use crate::cpu_share::CpuShare;
use crate::documents::Source;
use crate::format::Format;
use crate::machine::{Executable, FORM, Machine};
use crate::memory;
use crate::scaling::concurrency::variables;
use crate::stats;
use crate::table::Table;

/// How many invocations each process gets: a first one, and warm ones.
const INVOCATIONS: usize = 3;

/// The amounts of memory that are measured if nobody says otherwise, in megabytes: Lambda's least and
/// most, 1, 2, 3 and 4 CPUs, and some between.
pub const MEMORY_MB: [u32; 10] = [128, 256, 512, 1024, 1769, 3008, 3538, 5307, 7076, 10_240];

/// How often the memory is looked at in the starts that are not timed.
const SAMPLING: Duration = Duration::from_millis(5);

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `bootstrap`.
    pub function: PathBuf,
    /// The documents.
    pub documents: Vec<Source>,
    /// The amounts of memory, in megabytes as Lambda counts them.
    pub memory_mb: Vec<u32>,
    /// The engines.
    pub backends: Vec<String>,
    /// The formats of the images.
    pub formats: Vec<Format>,
    /// How often each is started.
    pub runs: usize,
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The form of the record.
    pub form: u32,
    /// Where.
    pub machine: Machine,
    /// What was measured.
    pub function: Executable,
    /// How the CPU was limited; why not, if nothing was measured.
    pub method: String,
    /// One for each document, engine and format.
    pub cases: Vec<Case>,
}

/// One document, engine and format.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// The document.
    pub document: String,
    /// Its class.
    pub class: String,
    /// Its number of pages.
    pub pages: u32,
    /// The engine.
    pub backend: String,
    /// The format of the images.
    pub format: Format,
    /// One for each amount of memory.
    pub points: Vec<Point>,
}

/// One amount of memory.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Point {
    /// In megabytes as Lambda counts them.
    pub memory_mb: u32,
    /// The CPUs that Lambda gives for it.
    pub cpus: f64,
    /// Seconds of each warm invocation, from its request to its answer.
    pub document_s: Vec<f64>,
    /// Seconds of each first invocation, from the spawn to its answer.
    pub first_document_s: Vec<f64>,
    /// The most memory that all processes held at a time, in a start that was not timed.
    pub peak_bytes: u64,
    /// Why it is not measured: the machine cannot give the share, or what its first failure was.
    pub not_measured: Option<String>,
}

/// Starts the function with each document and amount of memory, the amounts in turn.
///
/// # Errors
///
/// If the function is missing, or a document cannot be read. What fails at a point is in the record.
pub fn run(plan: &Plan) -> Result<Record> {
    let machine = Machine::detect_in_full();
    let function = Executable::at(&std::path::absolute(&plan.function)?)?;
    let shares: Vec<_> = plan.memory_mb.iter().map(|&mb| (mb, CpuShare::of_memory(mb))).collect();
    let method = match (shares.iter().find(|(_, share)| share.is_ok()), shares.first()) {
        (Some((_, Ok(share))), _) => share.method.to_owned(),
        (_, Some((_, Err(why)))) => format!("nothing: {why:#}"),
        _ => "nothing: no amount of memory is named".to_owned(),
    };
    let mut cases = Vec::new();
    for source in &plan.documents {
        let pages = source.pages.with_context(|| format!("the pages of {} are not known", source.id))?;
        let document = Document { pdf: Bytes::from(source.bytes()?), pages };
        for backend in &plan.backends {
            for &format in &plan.formats {
                eprintln!("{} as {format} by {backend}", source.id);
                let variables = variables(backend, format);
                let launch = Launch {
                    executable: &function.path,
                    emulator: &[],
                    share: None,
                    variables: &variables,
                    documents: INVOCATIONS,
                };
                cases.push(Case {
                    document: source.id.clone(),
                    class: source.class.clone(),
                    pages,
                    backend: backend.clone(),
                    format,
                    points: points(&shares, launch, &document, plan.runs),
                });
            }
        }
    }
    Ok(Record { form: FORM, machine, function, method, cases })
}

fn points(
    shares: &[(u32, Result<CpuShare>)],
    launch: Launch,
    document: &Document,
    runs: usize,
) -> Vec<Point> {
    let start = |share: &Result<CpuShare>| -> Result<Start> {
        let share = share.as_ref().map_err(|why| anyhow::anyhow!("{why:#}"))?;
        Launch { share: Some(share), ..launch }.run(document)
    };
    let mut points: Vec<Point> = shares
        .iter()
        .map(|(memory_mb, share)| {
            // The first start warms up, and has its memory looked at.
            let (started, peak) = memory::of_descendants_during(SAMPLING, || start(share));
            Point {
                memory_mb: *memory_mb,
                cpus: f64::from(*memory_mb) / crate::cpu_share::MEGABYTES_PER_CPU,
                peak_bytes: peak.total_bytes(),
                not_measured: started.err().map(|why| format!("{why:#}")),
                ..Point::default()
            }
        })
        .collect();
    for turn in stats::turns(points.len(), runs) {
        let point = &mut points[turn];
        if point.not_measured.is_some() {
            continue;
        }
        match start(&shares[turn].1) {
            Ok(start) => {
                point.first_document_s.extend(start.document_s);
                point.document_s.extend(start.warm_document_s);
            }
            Err(why) => {
                point.document_s.clear();
                point.first_document_s.clear();
                point.not_measured = Some(format!("{why:#}"));
            }
        }
    }
    points
}

impl Record {
    /// The figures as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = Table::new(&[
            "document",
            "format",
            "engine",
            "memory, MB",
            "CPUs",
            "warm, ms",
            "first, ms",
            "GB-s a 1,000 pages",
            "peak, MB",
        ]);
        let mut missing = String::new();
        for case in &self.cases {
            for point in &case.points {
                if let Some(why) = &point.not_measured {
                    missing += &format!(
                        "Not measured: {} as {} by {} with {} MB: {why}\n",
                        case.document, case.format, case.backend, point.memory_mb
                    );
                    continue;
                }
                let warm_s = stats::median(&point.document_s);
                let gigabyte_seconds = warm_s * f64::from(point.memory_mb) / 1024.0;
                table.row(vec![
                    case.document.clone(),
                    case.format.to_string(),
                    case.backend.clone(),
                    point.memory_mb.to_string(),
                    format!("{:.2}", point.cpus),
                    format!("{:.1}", warm_s * 1e3),
                    format!("{:.1}", stats::median(&point.first_document_s) * 1e3),
                    format!("{:.2}", gigabyte_seconds * 1e3 / f64::from(case.pages)),
                    format!("{:.0}", point.peak_bytes as f64 / 1e6),
                ]);
            }
        }
        format!("{table}\nMedians; the CPU was limited by {}.\n{missing}", self.method)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_the_machine_cannot_give_is_told_and_a_failure_is_not_a_figure() {
        let dir = tempfile::tempdir().unwrap();
        let function = dir.path().join("bootstrap");
        fs::write(&function, "#!/bin/sh\necho cannot start; exit 1\n").unwrap();
        fs::set_permissions(&function, fs::Permissions::from_mode(0o755)).unwrap();
        let record = run(&Plan {
            function,
            documents: Source::named("text-1").unwrap(),
            memory_mb: vec![1024, 4_000_000_000],
            backends: vec!["mupdf".into()],
            formats: vec![Format::Jpeg],
            runs: 3,
        })
        .unwrap();
        let [small, large] = &record.cases[0].points[..] else { panic!("{record:?}") };
        assert!(large.not_measured.as_ref().unwrap().contains("this machine gives"), "{large:?}");
        // Without control groups the reason is another.
        assert!(small.not_measured.is_some() && small.document_s.is_empty(), "{small:?}");
        assert!(record.to_markdown().contains("Not measured: text-1 as jpeg by mupdf with 1024 MB"));
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["form"], 2);
        assert_eq!(json["cases"][0]["points"][0]["memory_mb"], 1024);
    }
}
