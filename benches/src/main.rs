//! `pdf2img-bench peers | start | memory | cold-start | pages`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use pdf2img_bench::cold_start::Limit;
use pdf2img_bench::peers::{Peer, Plan, Requirement};
use pdf2img_bench::{cold_start, growth, machine, page_times, peers, start};
use serde::Serialize;

/// Measures the built executables of pdf2img beside their peers; METHODOLOGY.md says how.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Subject,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// Where `pdf2img`, `bootstrap` and `hello` are [default: beside this executable].
    #[arg(long, global = true)]
    bin_dir: Option<PathBuf>,
    /// How many CPUs all that is measured may use.
    #[arg(long, global = true, default_value_t = 2)]
    cpus: usize,
    /// Also writes every single measurement to this file, as JSON.
    #[arg(long, global = true)]
    out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// `pdf2img render` against `pdftoppm -jpeg` and `mutool draw -F png`.
    Peers {
        /// How many pairs are timed for each comparison.
        #[arg(long, default_value_t = 7, value_parser = parse_runs)]
        runs: usize,
        /// The documents of the corpus.
        #[arg(long = "document", default_values = ["text-100", "scan-gray", "scan-color"])]
        documents: Vec<String>,
        /// The commands to compare with.
        #[arg(long = "peer", default_values_t = Peer::ALL)]
        peers: Vec<Peer>,
        /// Fails if the product is not so many times faster, for example `pdftoppm:text=3`.
        #[arg(long = "require", value_name = "PEER:DOCUMENTS=TIMES")]
        requirements: Vec<Requirement>,
        /// Further flags for `pdf2img render`.
        #[arg(last = true)]
        our_flags: Vec<String>,
    },
    /// `bootstrap` against a Lambda function that does nothing, up to the first request.
    Start {
        /// How often each is started for each endpoint.
        #[arg(long, default_value_t = 41, value_parser = parse_runs)]
        runs: usize,
        /// Fails if `bootstrap` takes so many times longer.
        #[arg(long = "require", value_name = "TIMES")]
        limit: Option<f64>,
    },
    /// The memory of `pdf2img render` for 20, 100 and 1,000 pages.
    Memory {
        /// How often the memory is looked at, in milliseconds.
        #[arg(long, default_value_t = 3)]
        interval_ms: u64,
        /// Fails if the peak is so many megabytes.
        #[arg(long = "require", value_name = "MEGABYTES")]
        limit: Option<f64>,
    },
    /// Builds of `bootstrap` in turn, from the spawn to the first request, image and answer.
    ColdStart {
        /// The executables.
        #[arg(long = "function", required = true, value_name = "FILE")]
        functions: Vec<PathBuf>,
        /// How often each is started.
        #[arg(long, default_value_t = 30, value_parser = parse_runs)]
        runs: usize,
        /// How often each is also started with its pages not in memory, up to the first request.
        #[arg(long, default_value_t = 0)]
        cold_cache_runs: usize,
        /// How many invocations each process gets; with 0, it only starts.
        #[arg(long, default_value_t = 1)]
        documents: usize,
        /// The document of the corpus.
        #[arg(long, default_value = "text-20", value_name = "ID")]
        document: String,
        /// Gives it the share of the CPU that Lambda gives for so much memory.
        #[arg(long, value_name = "MEGABYTES")]
        memory_mb: Option<u32>,
        /// Gives it so many CPUs, such as 0.5.
        #[arg(long, value_name = "CPUS", conflicts_with = "memory_mb")]
        cpu_share: Option<f64>,
        /// The program that the executables are for, with its arguments.
        #[arg(long, value_name = "COMMAND", default_value = "")]
        emulator: String,
        /// A further variable for the functions.
        #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
        variables: Vec<(String, String)>,
    },
    /// Builds of `pdf2img render` in turn, with one worker.
    Pages {
        /// The executables.
        #[arg(long = "program", required = true, value_name = "FILE")]
        programs: Vec<PathBuf>,
        /// The documents of the corpus.
        #[arg(long = "document", value_name = "ID", default_values = ["text-20", "vector-charts", "scan-gray", "photo-1"])]
        documents: Vec<String>,
        /// The engines; a program without one leaves it out.
        #[arg(long = "backend", value_name = "NAME", default_values = ["mupdf", "pdfium", "hayro"])]
        backends: Vec<String>,
        /// The formats of the images.
        #[arg(long = "format", value_name = "NAME", default_values = ["jpeg"])]
        formats: Vec<String>,
        /// How often each is run.
        #[arg(long, default_value_t = 7, value_parser = parse_runs)]
        runs: usize,
    },
}

fn main() -> Result<()> {
    let Arguments { command, common } = Arguments::parse();
    let bin_dir = common.bin_dir.clone().map_or_else(own_dir, Ok)?;
    machine::use_cpus(common.cpus)?;
    match command {
        Subject::Peers { runs, documents, peers, requirements, our_flags } => {
            let record = peers::run(&Plan { bin_dir, documents, peers, runs, our_flags })?;
            publish(&record, &record.to_markdown(), common.out.as_deref())?;
            ensure!(record.refused.is_empty(), "{} comparisons were refused", record.refused.len());
            let missed: Vec<_> = record.missed(&requirements).iter().map(ToString::to_string).collect();
            ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
        }
        Subject::Start { runs, limit } => {
            let record = start::run(&bin_dir, runs)?;
            publish(&record, &record.to_markdown(), common.out.as_deref())?;
            let worst = record.worst_ratio();
            ensure!(
                limit.is_none_or(|limit| worst < limit),
                "missed: bootstrap takes {worst:.2} times as long"
            );
        }
        Subject::Memory { interval_ms, limit } => {
            let record = growth::run(&bin_dir, Duration::from_millis(interval_ms))?;
            publish(&record, &record.to_markdown(), common.out.as_deref())?;
            let peak = record.largest_bytes() as f64 / 1e6;
            ensure!(limit.is_none_or(|limit| peak < limit), "missed: the peak is {peak:.1} MB");
        }
        Subject::ColdStart {
            functions,
            runs,
            cold_cache_runs,
            documents,
            document,
            memory_mb,
            cpu_share,
            emulator,
            variables,
        } => {
            let limit = memory_mb.map(Limit::MemoryMb).or_else(|| cpu_share.map(Limit::Cpus));
            let emulator = emulator.split_whitespace().map(str::to_owned).collect();
            let record = cold_start::run(&cold_start::Plan {
                functions,
                runs,
                cold_cache_runs,
                documents,
                document,
                limit,
                emulator,
                variables,
            })?;
            publish(&record, &record.to_markdown(), common.out.as_deref())?;
        }
        Subject::Pages { programs, documents, backends, formats, runs } => {
            let record = page_times::run(&page_times::Plan { programs, documents, backends, formats, runs })?;
            publish(&record, &record.to_markdown(), common.out.as_deref())?;
        }
    }
    Ok(())
}

fn own_dir() -> Result<PathBuf> {
    let own = std::env::current_exe().context("failed to find this executable")?;
    Ok(own.parent().map(Path::to_owned).unwrap_or_default())
}

/// Prints the tables, and writes the single measurements if a file is named.
fn publish(record: &impl Serialize, markdown: &str, out: Option<&Path>) -> Result<()> {
    print!("{markdown}");
    if let Some(path) = out {
        let json = serde_json::to_string_pretty(record).context("failed to write JSON")?;
        fs::write(path, json + "\n").with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

fn parse_runs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(runs @ 3..=10_000) => Ok(runs),
        _ => Err("fewer than 3 pairs have no interval, more than 10,000 no end".to_owned()),
    }
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a variable is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_after_two_dashes_are_for_the_product() {
        let arguments =
            Arguments::parse_from(["pdf2img-bench", "peers", "--runs", "3", "--", "--colour", "rgb"]);
        let Subject::Peers { our_flags, runs, documents, .. } = arguments.command else {
            panic!("{arguments:?}")
        };
        assert_eq!(our_flags, ["--colour", "rgb"]);
        assert_eq!(runs, 3);
        assert_eq!(documents, ["text-100", "scan-gray", "scan-color"]);
    }

    #[test]
    fn too_few_runs_are_refused() {
        assert!(Arguments::try_parse_from(["pdf2img-bench", "peers", "--runs", "2"]).is_err());
        assert!(Arguments::try_parse_from(["pdf2img-bench", "peers", "--require", "pdftoppm"]).is_err());
    }
}
