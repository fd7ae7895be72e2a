//! `pdf2img-bench peers | scaling | cost | start | memory | cold-start | pages`.

mod command_line;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use pdf2img_bench::cold_start::Limit;
use pdf2img_bench::documents::Source;
use pdf2img_bench::{cold_start, cost, growth, machine, page_times, peers, scaling, start};
use serde::Serialize;

use self::command_line::{Arguments, ColdStart, Common, Cost, Pages, Peers, Scaling, Subject};

fn main() -> Result<()> {
    let Arguments { command, common } = Arguments::parse();
    let bin_dir = common.bin_dir.clone().map_or_else(own_dir, Ok)?;
    machine::use_cpus(common.cpus)?;
    match command {
        Subject::Peers(it) => run_peers(it, bin_dir, &common),
        Subject::Scaling(it) => run_scaling(it, &bin_dir, &common),
        Subject::Cost(it) => run_cost(it, &bin_dir, &common),
        Subject::Start { runs, limit } => {
            let record = start::run(&bin_dir, runs)?;
            publish(&record, &record.to_markdown(), &common)?;
            let worst = record.worst_ratio();
            let is_met = limit.is_none_or(|limit| worst < limit);
            ensure!(is_met, "missed: bootstrap takes {worst:.2} times as long");
            Ok(())
        }
        Subject::Memory { interval_ms, limit } => {
            let record = growth::run(&bin_dir, Duration::from_millis(interval_ms))?;
            publish(&record, &record.to_markdown(), &common)?;
            let peak = record.largest_bytes() as f64 / 1e6;
            ensure!(limit.is_none_or(|limit| peak < limit), "missed: the peak is {peak:.1} MB");
            Ok(())
        }
        Subject::ColdStart(it) => run_cold_start(it, &common),
        Subject::Pages(Pages { programs, documents, backends, formats, runs }) => {
            let record = page_times::run(&page_times::Plan { programs, documents, backends, formats, runs })?;
            publish(&record, &record.to_markdown(), &common)
        }
    }
}

fn run_peers(it: Peers, bin_dir: PathBuf, common: &Common) -> Result<()> {
    let mut documents = named(&it.documents)?;
    for folder in &it.folders {
        documents.extend(Source::in_folder(folder)?);
    }
    if documents.is_empty() {
        documents = Source::defaults();
    }
    let record = peers::run(&peers::Plan {
        bin_dir,
        path: env::var_os("PATH").iter().flat_map(env::split_paths).collect(),
        python: it.python,
        documents,
        programs: it.programs,
        formats: it.formats,
        resolutions: it.resolutions,
        runs: it.runs,
        budget: it.budget,
        limit: it.limit,
        cpus: common.cpus as u32,
        our_flags: it.our_flags,
    })?;
    publish(&record, &record.to_markdown(), common)?;
    let missed: Vec<_> = record.missed(&it.requirements).iter().map(ToString::to_string).collect();
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    Ok(())
}

fn run_scaling(it: Scaling, bin_dir: &Path, common: &Common) -> Result<()> {
    let record = scaling::run(&scaling::Plan {
        program: bin_dir.join("pdf2img"),
        function: it.function.unwrap_or_else(|| bin_dir.join("bootstrap")),
        axes: it.axes,
        backends: it.backends,
        formats: it.formats,
        runs: it.runs,
        patience: it.limit,
        cpus: common.cpus as u32,
    })?;
    publish(&record, &record.to_markdown(), common)
}

fn run_cost(it: Cost, bin_dir: &Path, common: &Common) -> Result<()> {
    let named = named(&it.documents)?;
    let record = cost::run(&cost::Plan {
        function: it.function.unwrap_or_else(|| bin_dir.join("bootstrap")),
        documents: if named.is_empty() { Source::one_of_each_class() } else { named },
        memory_mb: it.memory_mb,
        backends: it.backends,
        formats: it.formats,
        runs: it.runs,
    })?;
    publish(&record, &record.to_markdown(), common)
}

fn run_cold_start(it: ColdStart, common: &Common) -> Result<()> {
    let limit = it.memory_mb.map(Limit::MemoryMb).or_else(|| it.cpu_share.map(Limit::Cpus));
    let record = cold_start::run(&cold_start::Plan {
        functions: it.functions,
        runs: it.runs,
        cold_cache_runs: it.cold_cache_runs,
        documents: it.documents,
        document: it.document,
        limit,
        emulator: it.emulator.split_whitespace().map(str::to_owned).collect(),
        variables: it.variables,
    })?;
    publish(&record, &record.to_markdown(), common)
}

fn named(names: &[String]) -> Result<Vec<Source>> {
    let found: Vec<Vec<Source>> = names.iter().map(|name| Source::named(name)).collect::<Result<_>>()?;
    Ok(found.concat())
}

fn own_dir() -> Result<PathBuf> {
    let own = env::current_exe().context("failed to find this executable")?;
    Ok(own.parent().map(Path::to_owned).unwrap_or_default())
}

/// Prints the tables, and writes the single measurements if a file is named.
fn publish(record: &impl Serialize, markdown: &str, common: &Common) -> Result<()> {
    print!("{markdown}");
    if let Some(path) = &common.out {
        let json = serde_json::to_string_pretty(record).context("failed to write JSON")?;
        let directory = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
        fs::write(path, json + "\n").with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}
