//! `build-matrix list | build | verify | package | measure | report | gate | reproduce | all`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use build_matrix::gate::{self, Limits};
use build_matrix::report::{self, Report, Sources, readme};
use build_matrix::{Cell, Layout, Matrix, Stage, build, measure, package, reproduce, verify};
use clap::{Parser, Subcommand};

/// Builds every variant of the function, proves it, packages it and measures it.
///
/// A cell is named by the values of its axes, `mupdf-musl-static-arm64-mimalloc`; `*` in a name stands for
/// anything, so `'*-arm64-*'` are all cells of that architecture. Without a name, the default cells are meant.
#[derive(Debug, Parser)]
struct Arguments {
    /// The oldest glibc that dynamic executables have to run on, such as 2.26 for Lambda's `provided.al2`
    /// [default: that of matrix.toml].
    #[arg(long, global = true, value_name = "VERSION")]
    glibc: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the cells, and those that are left out with the reason.
    List {
        /// As JSON, for the `strategy.matrix` of a workflow: `{"include": [{"cell": …}]}`.
        #[arg(long)]
        json: bool,
        cells: Vec<String>,
    },
    /// Has cargo and zig make the executables.
    Build { cells: Vec<String> },
    /// Proves of the executables what they are and where they run.
    Verify {
        /// Checks this zip instead, made here or downloaded, without running it.
        #[arg(long, value_name = "FILE", requires = "cell", conflicts_with = "cells")]
        package: Option<PathBuf>,
        /// The cell that the zip has to be of.
        #[arg(long, value_name = "NAME", requires = "package")]
        cell: Option<String>,
        cells: Vec<String>,
    },
    /// Makes zips for Lambda and tarballs of the command, the same bytes from the same sources.
    Package { cells: Vec<String> },
    /// Measures sizes, starts and pages.
    Measure { cells: Vec<String> },
    /// Makes the report of all that was recorded of the matrix and of the benchmark; one of them may be missing.
    Report {
        /// Where the matrix's records are, also those of many machines side by side; default: this machine's.
        #[arg(long)]
        records: Option<PathBuf>,
        /// Where the benchmark's record is; default: target/benchmark, or else the newest in benches/record.
        #[arg(long, value_name = "DIR")]
        benchmark: Option<PathBuf>,
        /// Keeps both among the sources as `build-matrix/record/NAME` and `benches/record/NAME`; name them by date
        /// and machine.
        #[arg(long, value_name = "NAME")]
        keep: Option<String>,
        /// Writes the README's tables from the newest that are kept. Without --keep, that is all it does.
        #[arg(long)]
        readme: bool,
    },
    /// Compares sizes and counts of instructions with those of what a change is based on.
    ///
    /// Prints a table in Markdown on standard output and annotations on standard error.
    Gate {
        /// The records of the base, with `instructions.json` if they were counted.
        #[arg(long)]
        base: PathBuf,
        /// Those of the change.
        #[arg(long)]
        head: PathBuf,
        /// Growth in per cent above which to warn.
        #[arg(long, default_value_t = 2.0)]
        soft: f64,
        /// Growth in per cent above which to fail.
        #[arg(long, default_value_t = 5.0)]
        hard: f64,
    },
    /// Builds a cell of the last commit in two folders, from nothing, and compares the archives byte for byte.
    Reproduce { cell: String },
    /// All of it. What was done before of the same is not done again.
    All { cells: Vec<String> },
}

fn main() -> Result<ExitCode> {
    let Arguments { command, glibc } = Arguments::parse();
    let mut matrix = Matrix::of_this_workspace()?;
    if let Some(glibc) = glibc {
        matrix.glibc.floor = glibc;
    }
    let layout = Layout::of_this_workspace();
    let works = match command {
        Command::List { json, cells } => {
            list(&matrix, &matrix.select(&cells)?, json)?;
            true
        }
        Command::Build { cells } => stage(Stage::Build, &matrix, &layout, &matrix.select(&cells)?)?,
        Command::Verify { package: Some(zip), cell, .. } => verify_zip(&matrix, &zip, cell)?,
        Command::Verify { cells, .. } => stage(Stage::Verify, &matrix, &layout, &matrix.select(&cells)?)?,
        Command::Package { cells } => stage(Stage::Package, &matrix, &layout, &matrix.select(&cells)?)?,
        Command::Measure { cells } => stage(Stage::Measure, &matrix, &layout, &matrix.select(&cells)?)?,
        Command::Report { records, benchmark, keep, readme } => {
            make_report(&matrix, &layout, &Sources { records, benchmark }, keep.as_deref(), readme)?;
            true
        }
        Command::Gate { base, head, soft, hard } => {
            let gate = gate::gate(&matrix, &base, &head, Limits { soft, hard })?;
            println!("{}", gate.markdown);
            eprint!("{}", gate.annotations());
            gate.is_open()
        }
        Command::Reproduce { cell } => {
            for cell in matrix.select(&[cell])? {
                reproduce::reproduce(&matrix, &layout, &cell)?;
            }
            true
        }
        Command::All { cells } => {
            let cells = matrix.select(&cells)?;
            let mut works = true;
            for it in Stage::ALL {
                works &= stage(it, &matrix, &layout, &cells)?;
            }
            report::report(&matrix, &layout)?;
            works
        }
    };
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the report, keeps it and shows it in the README, as far as that is asked for.
fn make_report(
    matrix: &Matrix,
    layout: &Layout,
    sources: &Sources,
    keep: Option<&str>,
    readme: bool,
) -> Result<()> {
    if keep.is_some() || !readme {
        let report = Report::joined(matrix, layout, sources)?;
        if let Some(benchmark) = &report.benchmark {
            eprintln!("with the benchmark of {}", benchmark.directory);
            benchmark.problems.iter().for_each(|it| eprintln!("{it}"));
        }
        report.write(&layout.report())?;
        eprintln!("{}", layout.report().join("report.html").display());
        if let Some(name) = keep {
            report.keep(layout, name)?;
        }
    }
    if readme { readme::write(layout) } else { Ok(()) }
}

/// Does one stage for all cells; whether it worked for each.
fn stage(stage: Stage, matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    match stage {
        Stage::Build => build::build(matrix, layout, cells),
        Stage::Verify => verify::verify(matrix, layout, cells),
        Stage::Package => package::package(matrix, layout, cells),
        Stage::Measure => measure::measure(matrix, layout, cells),
    }
}

/// Checks a zip, and prints what was seen of it.
fn verify_zip(matrix: &Matrix, zip: &Path, cell: Option<String>) -> Result<bool> {
    for cell in matrix.select(cell.as_slice())? {
        for check in verify::archive(matrix, &cell, zip)? {
            println!("{}: {}", check.name, check.seen);
        }
    }
    Ok(true)
}

fn list(matrix: &Matrix, cells: &[Cell], json: bool) -> Result<()> {
    if json {
        let include: Vec<_> = cells
            .iter()
            .map(|cell| {
                let arch = &matrix.arch[&cell.arch];
                serde_json::json!({
                    "cell": cell.to_string(),
                    "engines": cell.engines,
                    "libc": cell.libc,
                    "arch": cell.arch,
                    "allocator": cell.allocator,
                    "runner": arch.runner,
                    "target": cell.triple(matrix),
                })
            })
            .collect();
        println!("{}", serde_json::json!({ "include": include }));
        return Ok(());
    }
    for cell in cells {
        println!("{cell}");
    }
    eprintln!("{} cells; {} combinations are left out:", cells.len(), matrix.excluded().len());
    for (cell, reason) in matrix.excluded() {
        eprintln!("  {cell}: {reason}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
