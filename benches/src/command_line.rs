//! The command line of `pdf2img-bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use pdf2img_bench::cost::MEMORY_MB;
use pdf2img_bench::format::{Format, Resolution};
use pdf2img_bench::peers::{PROGRAMS, Requirement};
use pdf2img_bench::scaling::Axis;

/// Measures the built executables of pdf2img beside their peers; METHODOLOGY.md says how.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Subject,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where `pdf2img`, `bootstrap` and `hello` are [default: beside this executable].
    #[arg(long, global = true)]
    pub(crate) bin_dir: Option<PathBuf>,
    /// How many CPUs all that is measured may use.
    #[arg(long, global = true, default_value_t = 2)]
    pub(crate) cpus: usize,
    /// Also writes every single measurement to this file, as JSON.
    #[arg(long, global = true)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Subject {
    /// `pdf2img render`, with each engine, beside other programs.
    Peers(Peers),
    /// `pdf2img render` with more pages, workers, pixels and bytes, and `bootstrap` several times at once.
    Scaling(Scaling),
    /// What documents take with Lambda's share of the CPU for amounts of memory.
    Cost(Cost),
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
    ColdStart(ColdStart),
    /// Builds of `pdf2img render` in turn, with one worker.
    Pages(Pages),
}

#[derive(Debug, Args)]
pub(crate) struct Peers {
    /// How often each program is timed in each case.
    #[arg(long, default_value_t = 7, value_parser = parse_runs)]
    pub(crate) runs: usize,
    /// After how many seconds of one program in a case it is timed no more, if that was three times.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    pub(crate) budget: Duration,
    /// Documents of the corpus, or classes of them [default: one or two of each class].
    #[arg(long = "document", value_name = "ID")]
    pub(crate) documents: Vec<String>,
    /// A folder: every PDF in it and below.
    #[arg(long = "dir", value_name = "FOLDER")]
    pub(crate) folders: Vec<PathBuf>,
    /// The programs; those that are not installed are left out.
    #[arg(long = "program", visible_alias = "peer", value_name = "NAME", default_values = PROGRAMS.iter().map(|it| it.name),
        value_parser = clap::builder::PossibleValuesParser::new(PROGRAMS.iter().map(|it| it.name)))]
    pub(crate) programs: Vec<String>,
    /// The formats of the images.
    #[arg(long = "format", value_name = "NAME", default_values_t = Format::ALL)]
    pub(crate) formats: Vec<Format>,
    /// The resolutions, in dots per inch; with a format before it, such as `jpeg:300`, for that format alone.
    #[arg(long = "dpi", value_name = "DPI", default_values = ["150", "jpeg:300"])]
    pub(crate) resolutions: Vec<Resolution>,
    /// How many seconds all runs of one program may take in a case; a slower one is refused.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = parse_seconds)]
    pub(crate) limit: Duration,
    /// The Python that has the libraries; `scripts/setup.sh bench` makes one.
    #[arg(long, value_name = "FILE", default_value = "python3")]
    pub(crate) python: PathBuf,
    /// Fails if the product is not so many times faster, for example `pdftoppm:text:png=40`.
    #[arg(long = "require", value_name = "PROGRAM:DOCUMENTS[:FORMAT]=TIMES")]
    pub(crate) requirements: Vec<Requirement>,
    /// Further flags for `pdf2img render`.
    #[arg(last = true)]
    pub(crate) our_flags: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Scaling {
    /// How often each point is measured.
    #[arg(long, default_value_t = 5, value_parser = parse_runs)]
    pub(crate) runs: usize,
    /// What grows.
    #[arg(long = "axis", value_name = "NAME", default_values_t = Axis::ALL)]
    pub(crate) axes: Vec<Axis>,
    /// The engines.
    #[arg(long = "backend", value_name = "NAME", default_value = "mupdf")]
    pub(crate) backends: Vec<String>,
    /// The formats of the images.
    #[arg(long = "format", value_name = "NAME", default_value = "png")]
    pub(crate) formats: Vec<Format>,
    /// How many seconds one run may take.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds)]
    pub(crate) limit: Duration,
    /// The function [default: `bootstrap` beside `pdf2img`].
    #[arg(long, value_name = "FILE")]
    pub(crate) function: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Cost {
    /// How often the function is started for each document and amount of memory.
    #[arg(long, default_value_t = 3, value_parser = parse_runs)]
    pub(crate) runs: usize,
    /// Documents of the corpus, or classes of them [default: one of each class].
    #[arg(long = "document", value_name = "ID")]
    pub(crate) documents: Vec<String>,
    /// The amounts of memory; those for which the machine has too few CPUs are left out.
    #[arg(long = "memory-mb", value_name = "MEGABYTES", default_values_t = MEMORY_MB)]
    pub(crate) memory_mb: Vec<u32>,
    /// The engines.
    #[arg(long = "backend", value_name = "NAME", default_value = "mupdf")]
    pub(crate) backends: Vec<String>,
    /// The formats of the images.
    #[arg(long = "format", value_name = "NAME", default_value = "jpeg")]
    pub(crate) formats: Vec<Format>,
    /// The function [default: `bootstrap` beside `pdf2img`].
    #[arg(long, value_name = "FILE")]
    pub(crate) function: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ColdStart {
    /// The executables.
    #[arg(long = "function", required = true, value_name = "FILE")]
    pub(crate) functions: Vec<PathBuf>,
    /// How often each is started.
    #[arg(long, default_value_t = 30, value_parser = parse_runs)]
    pub(crate) runs: usize,
    /// How often each is also started with its pages not in memory, up to the first request.
    #[arg(long, default_value_t = 0)]
    pub(crate) cold_cache_runs: usize,
    /// How many invocations each process gets; with 0, it only starts.
    #[arg(long, default_value_t = 1)]
    pub(crate) documents: usize,
    /// The document of the corpus.
    #[arg(long, default_value = "text-20", value_name = "ID")]
    pub(crate) document: String,
    /// Gives it the share of the CPU that Lambda gives for so much memory.
    #[arg(long, value_name = "MEGABYTES")]
    pub(crate) memory_mb: Option<u32>,
    /// Gives it so many CPUs, such as 0.5.
    #[arg(long, value_name = "CPUS", conflicts_with = "memory_mb")]
    pub(crate) cpu_share: Option<f64>,
    /// The program that the executables are for, with its arguments.
    #[arg(long, value_name = "COMMAND", default_value = "")]
    pub(crate) emulator: String,
    /// A further variable for the functions.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub(crate) variables: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct Pages {
    /// The executables.
    #[arg(long = "program", required = true, value_name = "FILE")]
    pub(crate) programs: Vec<PathBuf>,
    /// The documents of the corpus.
    #[arg(long = "document", value_name = "ID", default_values = ["text-20", "vector-charts", "scan-gray", "photo-1"])]
    pub(crate) documents: Vec<String>,
    /// The engines; a program without one leaves it out.
    #[arg(long = "backend", value_name = "NAME", default_values = ["mupdf", "pdfium", "hayro"])]
    pub(crate) backends: Vec<String>,
    /// The formats of the images.
    #[arg(long = "format", value_name = "NAME", default_values = ["jpeg"])]
    pub(crate) formats: Vec<String>,
    /// How often each is run.
    #[arg(long, default_value_t = 7, value_parser = parse_runs)]
    pub(crate) runs: usize,
}

fn parse_runs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(runs @ 3..=10_000) => Ok(runs),
        _ => Err("fewer than 3 pairs have no interval, more than 10,000 no end".to_owned()),
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|it| !it.is_zero()).ok_or_else(|| "it takes a number of seconds above 0".to_owned())
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
        let arguments = Arguments::parse_from([
            "pdf2img-bench",
            "peers",
            "--runs",
            "3",
            "--dpi",
            "150",
            "--dpi",
            "jpeg:300",
            "--",
            "--color",
            "rgb",
        ]);
        let Subject::Peers(Peers { our_flags, runs, programs, formats, resolutions, .. }) = arguments.command
        else {
            panic!("{arguments:?}")
        };
        assert_eq!(our_flags, ["--color", "rgb"]);
        assert_eq!(runs, 3);
        assert_eq!(programs.len(), PROGRAMS.len());
        assert_eq!(formats, Format::ALL);
        assert_eq!(resolutions, ["150", "jpeg:300"].map(|it| it.parse().unwrap()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |words: &[&str]| {
            Arguments::try_parse_from([&["pdf2img-bench", "peers"], words].concat()).is_err()
        };
        assert!(refused(&["--runs", "2"]));
        assert!(refused(&["--require", "pdftoppm"]));
        assert!(refused(&["--program", "word"]));
        assert!(refused(&["--format", "tiff"]));
        assert!(refused(&["--limit", "0"]));
        assert!(!refused(&["--peer", "pdftoppm"]));
    }
}
