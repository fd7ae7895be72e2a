//! Measures cells: sizes by themselves, times in turns.
//!
//! The times of cells are compared with each other, and a shared machine drifts. So all cells that
//! are measured together form one session, in which `pdf2img-bench` starts them in turn. The
//! record of a cell holds for all cells of its session: if one of them is built anew, all are
//! measured again. Cells for another architecture form a session of their own, under an emulator.

mod bench;
mod emulator;
mod session;
pub mod sizes;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use self::bench::Bench;
use self::emulator::Emulator;
use self::session::Found;
use crate::record::{Measured, Outcome, Record, Start};
use crate::{Cell, Layout, Matrix, Stage};

/// Measures all cells and keeps a record of each; whether it worked for all.
///
/// # Errors
///
/// If the benchmark cannot be built, or a record cannot be kept. A cell that fails is recorded.
pub fn measure(matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    let bench = Bench::build(layout)?;
    measure_with(&bench, matrix, layout, cells)
}

fn measure_with(bench: &Bench, matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    let mut sessions: BTreeMap<(bool, &str), Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        // What runs here by itself comes first.
        sessions.entry((!cell.is_native(matrix), &cell.arch)).or_default().push(cell);
    }
    let mut works = true;
    for together in sessions.values() {
        works &= measure_together(bench, matrix, layout, together)?;
    }
    Ok(works)
}

fn measure_together(bench: &Bench, matrix: &Matrix, layout: &Layout, cells: &[&Cell]) -> Result<bool> {
    let of = identity(bench, layout, cells)?;
    let is_done = |cell: &&Cell| {
        Record::<Measured>::read(layout, &cell.to_string(), Stage::Measure)
            .is_some_and(|it| it.of == of && it.done().is_some())
    };
    if cells.iter().all(is_done) {
        cells.iter().for_each(|cell| eprintln!("{:>8} {cell}: as before", Stage::Measure));
        return Ok(true);
    }
    let started = Instant::now();
    eprintln!("{:>8} {} cells in turns …", Stage::Measure, cells.len());
    let mut found: Vec<Found<'_>> = cells.iter().map(|cell| sizes_of(matrix, layout, cell)).collect();
    match Emulator::needed_for(matrix, cells) {
        None => session::measure_native(bench, matrix, layout, &mut found),
        Some(emulator) => session::measure_emulated(bench, &emulator, matrix, layout, &mut found),
    }
    // Each has its share, so that the sum is what the session took.
    let seconds = started.elapsed().as_secs_f64() / cells.len() as f64;
    let mut works = true;
    for Found { cell, mut measured, failures } in found {
        let outcome = if failures.is_empty() {
            eprintln!("{:>8} {cell}: done", Stage::Measure);
            measured.session = format!("{} {}", measured.machine["date"].as_str().unwrap_or("?"), &of[..8]);
            Outcome::Done(measured)
        } else {
            works = false;
            let why = failures.join("; ");
            eprintln!("{:>8} {cell}: FAILED: {why}", Stage::Measure);
            Outcome::Failed(why)
        };
        Record { cell: cell.to_string(), seconds, of: of.clone(), outcome }.write(layout, Stage::Measure)?;
    }
    Ok(works)
}

/// A hash of all that the session works on: the executables of all of its cells, and what measures them.
fn identity(bench: &Bench, layout: &Layout, cells: &[&Cell]) -> Result<String> {
    let mut hash = Sha256::new();
    let mut add = |path: &Path| -> Result<()> {
        match fs::read(path) {
            Ok(content) => hash.update(Sha256::digest(content)),
            // That it is not there is told by who needs it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => hash.update(b"missing"),
            Err(error) => return Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
        Ok(())
    };
    add(bench.program())?;
    for cell in cells {
        add(&layout.lambda(cell).join("bootstrap"))?;
        add(&layout.command(cell).join("pdf2img"))?;
    }
    let names = cells.iter().map(|cell| cell.to_string()).collect::<Vec<_>>().join(" ");
    hash.update(format!("{names} {}", session::PLAN));
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What can be told of a cell without running it.
fn sizes_of<'a>(matrix: &Matrix, layout: &Layout, cell: &'a Cell) -> Found<'a> {
    let mut measured = Measured {
        machine: serde_json::Value::Null,
        session: String::new(),
        emulated_by: None,
        sections: BTreeMap::new(),
        parts: Vec::new(),
        other_files: BTreeMap::new(),
        start: Start::default(),
        start_again: None,
        backend_starts: Vec::new(),
        warm_documents: Vec::new(),
        pages: Vec::new(),
        memory_sizes: Vec::new(),
        not_measured: Vec::new(),
    };
    let failures = match read_sizes(matrix, layout, cell, &mut measured) {
        Ok(()) => Vec::new(),
        Err(error) => vec![format!("{error:#}")],
    };
    Found { cell, measured, failures }
}

fn read_sizes(matrix: &Matrix, layout: &Layout, cell: &Cell, measured: &mut Measured) -> Result<()> {
    let (directory, symbols) = (layout.lambda(cell), layout.symbols(cell).join("bootstrap"));
    let bootstrap = directory.join("bootstrap");
    let stripped = fs::read(&bootstrap).with_context(|| {
        format!("failed to read {}: `build-matrix build {cell}` makes it", bootstrap.display())
    })?;
    measured.sections = sizes::by_section(&stripped).with_context(|| bootstrap.display().to_string())?;
    match fs::read(&symbols) {
        Ok(with_symbols) => {
            measured.parts = sizes::by_part(&stripped, &with_symbols)
                .with_context(|| format!("{} and {}", bootstrap.display(), symbols.display()))?;
        }
        Err(error) => {
            measured.not_measured.push(format!("parts: {} cannot be read: {error}", symbols.display()));
        }
    }
    if cell.has_pdfium(matrix) {
        for path in ["pdfium-worker", "lib/libpdfium.so"] {
            // A dynamic `bootstrap` loads the library itself and has no such worker.
            if let Ok(metadata) = fs::metadata(directory.join(path)) {
                measured.other_files.insert(path.to_owned(), metadata.len());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
