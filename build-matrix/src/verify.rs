//! Proves a cell: reads its executables, and runs them on the oldest CPUs that it has to run on.
//!
//! - `contents`: all files are there, executable, for the right machine, linked as the name says, for a glibc that is
//!   old enough, with no library missing, and with MuPDF only where the licence says so; `elf`, `glibc`,
//!   `runtime_image` and `package_files` are what that needs;
//! - `emulator`, `process`: runs a program, and its workers, on a CPU that qemu emulates;
//! - `runs`: what is run on which CPU, and with what it is compared;
//! - `start`: `bootstrap` asks the Runtime API for work;
//! - `pictures`: `pdf2img` draws documents with each engine as a native build draws them;
//! - [`archive()`]: a zip holds what has been proven.
//!
//! Whether a library has newer instructions *somewhere* is not asked: some choose at run time, and have them
//! rightly. What runs on an old CPU without meeting one has been chosen well.

mod archive;
mod contents;
mod elf;
mod emulator;
mod findings;
mod glibc;
mod package_files;
mod pictures;
mod process;
mod runs;
mod runtime_image;
mod start;

use std::fs;

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

use crate::record::Verified;
use crate::{Cell, Layout, Matrix, Stage, run};
use contents::Package;
use findings::Findings;
use package_files::PackageFiles;

pub use archive::archive;

/// Is raised whenever something else is checked, so that what was proven before is proven again.
const VERSION: u32 = 1;

/// Does the stage for each cell that is no experiment and keeps a record of each; whether it worked for all.
///
/// # Errors
///
/// If a record cannot be kept. A cell that fails is recorded.
pub fn verify(matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    let mut works = true;
    for cell in cells {
        if cell.experiment.is_some() {
            eprintln!("{:>8} {cell}: left out, for nobody deploys an experiment", Stage::Verify);
            continue;
        }
        // What cannot be read is not the same as before, and is complained of below.
        let of = inputs(matrix, layout, cell).ok();
        works &= run(Stage::Verify, cell, layout, of, || verify_cell(matrix, layout, cell))?;
    }
    Ok(works)
}

fn verify_cell(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<Verified> {
    let mut findings = Findings::default();
    let mut runs_here = true;
    let mut packages = Vec::new();
    for (package, directory) in
        [(Package::Lambda, layout.lambda(cell)), (Package::Command, layout.command(cell))]
    {
        if !directory.is_dir() {
            bail!("{} is not there; build it first: build-matrix build {cell}", directory.display());
        }
        let files = PackageFiles::of_directory(&directory)?;
        contents::check(&mut findings, matrix, cell, package, &files)?;
        // A file that is missing or for another machine was complained of; running it says nothing new.
        runs_here &= contents::executables_are_for(&files, package, cell.machine(matrix));
        packages.push(files);
    }
    if let [lambda, command] = packages.as_slice() {
        // `bootstrap` is run from the one and the rest from the other, which has to do for both.
        for (path, file) in lambda.iter() {
            match command.get(path) {
                Some(other) if other.bytes == file.bytes => {}
                _ => findings.fault(
                    format_args!("command/{path}"),
                    "it is not the same as in lambda/; build the cell again",
                ),
            }
        }
    }
    if runs_here {
        runs::check(&mut findings, matrix, layout, cell)?;
    }
    Ok(Verified { checks: findings.into_checks()? })
}

/// A hash of all that decides what comes of the stage.
fn inputs(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(format!("{VERSION}\n{}\n{}\n", env!("CARGO_PKG_VERSION"), include_str!("../matrix.toml")));
    hash.update(corpus::manifest::COMMITTED);
    for directory in [layout.lambda(cell), layout.command(cell)] {
        for (path, file) in PackageFiles::of_directory(&directory)?.iter() {
            hash.update(format!("{path} {:?} {}\n", file.mode, hex(&Sha256::digest(&file.bytes))));
        }
    }
    if let Some((reference, executable)) = runs::reference(matrix, layout, cell) {
        hash.update(format!("{reference} {}\n", hex(&Sha256::digest(fs::read(executable)?))));
    }
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
