//! A cell and all that is recorded of it, from one directory or from many that were put together.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::figures::Figures;
use super::prices::Prices;
use crate::record::{Built, Measured, Packaged, Verified};
use crate::{Cell, Matrix, Stage};

/// A cell and all that is recorded of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub cell: String,
    /// What the name says.
    pub axes: Axes,
    /// The architecture as Lambda names it.
    pub lambda_arch: String,
    /// The engines that are in it.
    pub backends: Vec<String>,
    /// The licence of the whole, as an SPDX expression.
    pub licence: String,
    /// The stages that failed.
    pub failures: Vec<Failure>,
    /// What the records come to.
    pub figures: Figures,
    /// The records as they are, by stage.
    pub records: BTreeMap<String, Value>,
    /// The records of stages that did not fail.
    #[serde(skip)]
    pub found: Found,
}

/// The values of a cell's axes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Axes {
    /// The set of engines.
    pub engines: String,
    /// The C library.
    pub libc: String,
    /// The architecture.
    pub arch: String,
    /// The allocator.
    pub allocator: String,
    /// The change on top, if it is an experiment.
    pub experiment: Option<String>,
}

/// A stage that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which.
    pub stage: String,
    /// Why.
    pub error: String,
}

/// What each stage found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What was built.
    pub built: Option<Built>,
    /// What was proven.
    pub verified: Option<Verified>,
    /// What was packaged.
    pub packaged: Option<Packaged>,
    /// What was measured.
    pub measured: Option<Measured>,
}

impl Entry {
    /// Understands the records of a cell; a record of another form counts as a failure of its stage.
    fn new(cell: &Cell, matrix: &Matrix, prices: &Prices, records: BTreeMap<String, Value>) -> Entry {
        let mut failures = Vec::new();
        let found = Found {
            built: done(&records, Stage::Build, &mut failures),
            verified: done(&records, Stage::Verify, &mut failures),
            packaged: done(&records, Stage::Package, &mut failures),
            measured: done(&records, Stage::Measure, &mut failures),
        };
        let lambda_arch = matrix.arch[&cell.arch].lambda.clone();
        let backends = cell.backends(matrix).to_vec();
        let figures = Figures::of(&found, &records, &backends, &lambda_arch, prices);
        Entry {
            cell: cell.to_string(),
            axes: Axes {
                engines: cell.engines.clone(),
                libc: cell.libc.clone(),
                arch: cell.arch.clone(),
                allocator: cell.allocator.clone(),
                experiment: cell.experiment.clone(),
            },
            lambda_arch,
            backends,
            licence: matrix.engines[&cell.engines].licence.clone(),
            failures,
            figures,
            records,
            found,
        }
    }

    /// Whether it was built, proven and packaged, and nothing of that failed.
    pub fn is_deliverable(&self) -> bool {
        let stages = [Stage::Build, Stage::Verify, Stage::Package].map(|it| it.to_string());
        stages.iter().all(|stage| {
            self.records.contains_key(stage) && self.failures.iter().all(|failure| failure.stage != *stage)
        })
    }

    /// Whether it is a change to another cell.
    pub fn is_experiment(&self) -> bool {
        self.axes.experiment.is_some()
    }
}

/// What a stage found; `None` if it failed, or has not been there.
fn done<T: DeserializeOwned>(
    records: &BTreeMap<String, Value>,
    stage: Stage,
    failures: &mut Vec<Failure>,
) -> Option<T> {
    let record = records.get(&stage.to_string())?;
    let error = if let Some(found) = record.get("done") {
        match T::deserialize(found) {
            Ok(found) => return Some(found),
            Err(error) => {
                format!("the record is of another form, so the stage has to be done again: {error}")
            }
        }
    } else if let Some(error) = record.get("failed").and_then(Value::as_str) {
        error.to_owned()
    } else {
        "the record says neither what was found nor why it failed; the stage has to be done again".to_owned()
    };
    failures.push(Failure { stage: stage.to_string(), error });
    None
}

/// What is below a directory of records.
#[derive(Debug)]
pub struct Gathered {
    /// Every cell of which there is a record: the default sets of engines first, experiments last.
    pub entries: Vec<Entry>,
    /// What is wrong with the directory itself: records of cells that do not exist, or twice.
    pub problems: Vec<String>,
}

/// Reads all records below a directory.
///
/// They are `<cell>/<stage>.json` at any depth, so the artifacts of many jobs can lie in it side by side.
///
/// # Errors
///
/// If the directory cannot be read, or there is no record in it.
pub fn gather(records: &Path, matrix: &Matrix, prices: &Prices) -> Result<Gathered> {
    let mut files = Vec::new();
    find(records, &mut files).with_context(|| {
        format!("there are no records in {}; `build-matrix all` makes them", records.display())
    })?;
    let mut by_cell: BTreeMap<String, BTreeMap<String, (PathBuf, Value)>> = BTreeMap::new();
    let mut problems = Vec::new();
    for (cell, stage, path) in files {
        let value = read(&path);
        let of_cell = by_cell.entry(cell).or_default();
        if let Some((other, known)) = of_cell.get(&stage) {
            if *known == value {
                continue;
            }
            problems.push(format!(
                "There are two different records `{}` and `{}`; the report has the second.",
                shown(other, records),
                shown(&path, records)
            ));
        }
        of_cell.insert(stage, (path, value));
    }
    let mut entries = Vec::new();
    for (name, of_cell) in by_cell {
        let records = of_cell.into_iter().map(|(stage, (_, value))| (stage, value)).collect();
        match matrix.select(std::slice::from_ref(&name)).as_deref() {
            Ok([cell]) => entries.push((cell.clone(), Entry::new(cell, matrix, prices, records))),
            _ => problems.push(format!("There are records of `{name}`, which is no cell of the matrix.")),
        }
    }
    anyhow::ensure!(
        !entries.is_empty() || !problems.is_empty(),
        "there are no records in {}; `build-matrix all` makes them",
        records.display()
    );
    let order = |cell: &Cell| {
        let engines = matrix.default.engines.iter().position(|it| *it == cell.engines);
        let allocator = (cell.allocator != "system", cell.allocator.clone());
        // Experiments come last, and what is deployed together stands together.
        (
            cell.experiment.clone(),
            engines.unwrap_or(usize::MAX),
            cell.engines.clone(),
            cell.arch.clone(),
            cell.libc.clone(),
            allocator,
        )
    };
    entries.sort_by_key(|(cell, _)| order(cell));
    Ok(Gathered { entries: entries.into_iter().map(|(_, entry)| entry).collect(), problems })
}

fn shown(path: &Path, below: &Path) -> String {
    path.strip_prefix(below).unwrap_or(path).display().to_string()
}

/// A record's value; one that cannot be read is the record of a failure.
fn read(path: &Path) -> Value {
    let value =
        fs::read(path).map_err(anyhow::Error::from).and_then(|text| Ok(serde_json::from_slice(&text)?));
    value.unwrap_or_else(|error| json!({ "failed": format!("the record cannot be read: {error}") }))
}

/// Every record below a directory, in the order of paths: cell, stage, file.
fn find(directory: &Path, files: &mut Vec<(String, String, PathBuf)>) -> Result<()> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("failed to read {}", directory.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, files)?;
            continue;
        }
        let stage =
            Stage::ALL.iter().map(Stage::to_string).find(|stage| path.ends_with(format!("{stage}.json")));
        let cell = path.parent().and_then(Path::file_name).and_then(|it| it.to_str());
        if let (Some(stage), Some(cell)) = (stage, cell) {
            files.push((cell.to_owned(), stage, path));
        }
    }
    Ok(())
}
