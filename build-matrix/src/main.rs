//! `build-matrix list | build | verify | package | measure | report | all`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use build_matrix::{Cell, Layout, Matrix, Stage, build, measure, package, report, reproduce, verify};
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
    /// Makes the report of all that was recorded.
    Report,
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
        Command::Report => report::report(&matrix, &layout).map(|()| true)?,
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
