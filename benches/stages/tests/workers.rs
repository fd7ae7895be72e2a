//! What takes a worker process: the executable of these tests is that worker too, as the product is its own.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use pdf2img::config::Backend;
use pdf2img::worker::{child, sandbox};
use stage_benches::{Benchmark, Engines, Format, Stage, Timed, isolation};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test worker` is a filter and no worker, which is given its limits.
    if matches!(arguments.as_slice(), [first, _, _, _, _] if first == child::WORKER_ARGUMENT) {
        sandbox::shield_memory();
        return child::run_if_asked().unwrap_or(ExitCode::FAILURE);
    }
    let trials = vec![
        Trial::test("pages_by_a_worker_are_proven_and_the_same_each_time", || {
            proven(Stage::Worker(Format::Png), "vector-charts")
        }),
        Trial::test("pages_by_the_whole_function_are_proven_and_the_same_each_time", || {
            proven(Stage::Pipeline(Format::Jpeg), "text-1")
        }),
        Trial::test("a_worker_makes_the_files_that_the_engine_makes_in_this_process", isolated),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn proven(stage: Stage, document: &'static str) -> Result<(), Failed> {
    for backend in linked() {
        let benchmark = Benchmark { stage, document, backend };
        let pdf = corpus::document(document).ok_or("no such document")?.bytes().leak();
        let work = Engines::new(Path::new("")).prepare(benchmark, pdf)?;
        Timed::prove(work)?.time(2)?;
    }
    Ok(())
}

fn isolated() -> Result<(), Failed> {
    for backend in linked() {
        let case = Benchmark { stage: Stage::Worker(Format::Png), document: "text-1", backend };
        let measured = isolation::measure(&mut Engines::new(Path::new("")), case, 2)?;
        let record = serde_json::to_value(measured)?;
        for series in ["in_process_s", "worker_s", "in_process_cpu_s", "worker_cpu_s", "worker_start_s"] {
            let samples = record[series].as_array().ok_or(series)?;
            let are_times = samples.iter().all(|sample| sample.as_f64().is_some_and(|sample| sample > 0.0));
            assert!(samples.len() == 2 && are_times, "{series}: {samples:?}");
        }
    }
    Ok(())
}

/// The engines that need no library beside them.
fn linked() -> impl Iterator<Item = Backend> {
    Backend::built_in().into_iter().filter(|backend| *backend != Backend::Pdfium)
}
