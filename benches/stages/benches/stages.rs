//! Times the stages of a page with criterion, after each answer was proven.
//!
//! `cargo bench` at the root of the repository runs this: it is a target of the package there, so that criterion's
//! flags reach nothing else. Started with `isolation`, it compares a worker with the same work in one process.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::process::{ExitCode, exit};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use criterion::{BenchmarkId, Criterion, PlottingBackend, Throughput};
use pdf2img::worker::{child, sandbox};
use stage_benches::record::{self, Record};
use stage_benches::{Amount, Benchmark, Engines, Stage, Timed, isolation, pdfium_library, timed};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if is_worker(&arguments) {
        // As the `main` of the product does.
        sandbox::shield_memory();
        return child::run_if_asked().unwrap_or(ExitCode::FAILURE);
    }
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == "isolation" => isolation::command(rest.iter().cloned()),
        _ => stages(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the pool has started this; `cargo bench -- worker` is a filter, and does not go on with a number.
fn is_worker(arguments: &[OsString]) -> bool {
    let is_number = |argument: &OsString| argument.to_str().is_some_and(|it| it.parse::<u64>().is_ok());
    matches!(arguments, [first, memory, ..] if first == child::WORKER_ARGUMENT && is_number(memory))
}

/// Has criterion do what its arguments say, and makes a record of what it came to.
fn stages(arguments: &[OsString]) -> Result<()> {
    let started = SystemTime::now();
    let directory = record::criterion_directory();
    let mut criterion = Criterion::default()
        .plotting_backend(PlottingBackend::Plotters)
        .output_directory(&directory)
        // Flags go before these.
        .sample_size(40)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    let library = pdfium_library();
    let mut suite = Suite { engines: Engines::new(&library), documents: BTreeMap::new() };
    let is = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let all = timed();
    for stage in Stage::NAMES {
        let mut group = criterion.benchmark_group(stage);
        for &benchmark in all.iter().filter(|benchmark| benchmark.stage.as_str() == stage) {
            // A list needs no documents.
            if !is("--list") {
                group.throughput(suite.throughput(benchmark)?);
            }
            let mut ready = None;
            let id = BenchmarkId::new(benchmark.document, benchmark.variant());
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|iterations| {
                    let outcome = suite.time(benchmark, &mut ready, iterations);
                    // Criterion knows of no benchmark that fails, and a time without its answer is worth nothing.
                    outcome.unwrap_or_else(|error| {
                        eprintln!("error: {error:#}");
                        exit(1)
                    })
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
    let record = Record::gather(&directory, &all, started, is("--quick"))?;
    if !record.is_empty() {
        eprintln!("{} estimates in {}", record.len(), record.write(&directory)?.display());
    }
    Ok(())
}

/// What the benchmarks share: engines and documents, each had when it is first needed.
struct Suite<'a> {
    engines: Engines<'a>,
    documents: BTreeMap<&'static str, &'static [u8]>,
}

impl Suite<'_> {
    /// Does a benchmark so many times, which is made ready and proven first.
    fn time(&mut self, benchmark: Benchmark, ready: &mut Option<Timed>, iterations: u64) -> Result<Duration> {
        let ready = match ready {
            Some(ready) => ready,
            None => {
                let pdf = self.document(benchmark)?;
                let work = self.engines.prepare(benchmark, pdf);
                let work = work.with_context(|| format!("{benchmark} could not be made ready"))?;
                let proven = Timed::prove(work);
                ready.insert(proven.with_context(|| format!("{benchmark} did not do its work"))?)
            }
        };
        ready.time(iterations).with_context(|| format!("{benchmark} went wrong"))
    }

    fn throughput(&mut self, benchmark: Benchmark) -> Result<Throughput> {
        let pdf = self.document(benchmark)?;
        Ok(match self.engines.amount(benchmark, pdf).with_context(|| benchmark.to_string())? {
            Amount::Pages(pages) => Throughput::Elements(pages),
            Amount::Bytes(bytes) => Throughput::Bytes(bytes),
        })
    }

    /// A document, which is made once and stays.
    fn document(&mut self, benchmark: Benchmark) -> Result<&'static [u8]> {
        if let Some(pdf) = self.documents.get(benchmark.document) {
            return Ok(pdf);
        }
        let document = corpus::document(benchmark.document)
            .with_context(|| format!("{:?} is not in the corpus", benchmark.document))?;
        let pdf: &'static [u8] = document.bytes().leak();
        self.documents.insert(benchmark.document, pdf);
        Ok(pdf)
    }
}
