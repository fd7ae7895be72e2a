//! Makes the report of all records: those of the matrix, and the benchmark's.
//!
//! [`benchmark`] reads what `pdf2img-bench` and `cargo bench` have recorded. Of the matrix [`entry`] reads the records of each cell and [`figures`] says what they come to; [`compare`] sets two cells
//! side by side, [`questions`] and [`summary`] put into words what follows. That is a [`Report`], which
//! `report.json` keeps whole. [`sections`] lays it out as text, tables and plots ([`svg`]), which [`markdown`] and
//! [`html`] write; [`csv`] and [`readme`] write tables of their own.
//!
//! **Invariant:** a report depends on records, matrix and prices alone, so the same records give the same report.

pub mod benchmark;
pub mod compare;
pub mod corpus;
pub mod csv;
pub mod document;
pub mod entry;
pub mod figures;
pub mod groups;
pub mod html;
pub mod labels;
pub mod markdown;
pub mod prices;
pub mod questions;
pub mod readme;
pub mod sections;
pub mod summary;
pub mod svg;
pub mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use self::benchmark::Benchmark;
use self::entry::{Entry, Gathered, gather};
use self::prices::Prices;
use self::questions::Question;
use crate::record::write_json;
use crate::{Layout, Matrix};

/// All that is known of a run of the matrix: the content of `report.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The form of this file; another one cannot be read.
    pub form: u32,
    /// Which cell to deploy, and why.
    pub summary: String,
    /// The versions that the matrix pins.
    pub tools: BTreeMap<String, String>,
    /// The oldest glibc that a dynamic cell has to run on.
    pub glibc_floor: String,
    /// The sets of engines that are made when none is named.
    pub default_engines: Vec<String>,
    /// The combinations that are left out.
    pub exclusions: Vec<Exclusion>,
    /// The cells that are made when none is named and of which there is no record.
    pub not_made: Vec<String>,
    /// What is wrong with the records as a whole.
    pub problems: Vec<String>,
    /// What AWS charges.
    pub prices: Prices,
    /// The questions, with answers.
    pub questions: Vec<Question>,
    /// The cells, with figures and records.
    pub cells: Vec<Entry>,
    /// The benchmark, if there is a record of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<Benchmark>,
}

/// Where the records are, if they are not where they would be looked for.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The directory of the matrix's records.
    pub records: Option<PathBuf>,
    /// The directory of the benchmark's.
    pub benchmark: Option<PathBuf>,
}

/// A combination that is left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exclusion {
    /// Its name.
    pub cell: String,
    /// Why.
    pub reason: String,
}

const FORM: u32 = 1;

/// Writes `report.json`, `report.md`, `report.html` and tables in CSV into [`Layout::report`].
///
/// # Errors
///
/// If there are no records, or a file cannot be written.
pub fn report(matrix: &Matrix, layout: &Layout) -> Result<()> {
    Report::joined(matrix, layout, &Sources::default())?.write(&layout.report())
}

impl Report {
    /// Makes the report of the matrix and of the benchmark, or of the one of which there are records.
    ///
    /// # Errors
    ///
    /// If there are records of neither, or none where they were said to be.
    pub fn joined(matrix: &Matrix, layout: &Layout, sources: &Sources) -> Result<Report> {
        let prices = Prices::of_this_workspace()?;
        let found = match &sources.benchmark {
            Some(directory) => Some(Benchmark::read(directory, layout, &prices)),
            None => Benchmark::default_directory(layout)?.map(|it| Benchmark::read(&it, layout, &prices)),
        };
        let is_named = sources.benchmark.is_some();
        let (benchmark, problem) = match found {
            Some(Err(error)) if is_named => return Err(error),
            Some(Err(error)) => (None, Some(format!("{error:#}"))),
            Some(Ok(benchmark)) => (Some(benchmark), None),
            None => (None, None),
        };
        let records = sources.records.clone().unwrap_or_else(|| layout.records());
        let mut report = match (Report::of(matrix, &records), &benchmark) {
            (Ok(report), _) => report,
            // What nobody asked for by name may be missing.
            (Err(_), Some(_)) if sources.records.is_none() && !has_cells(&records) => {
                Report::without_cells(matrix, prices)
            }
            (Err(error), Some(_)) => return Err(error),
            (Err(error), None) => {
                let benchmark = problem.unwrap_or_else(|| {
                    let place = layout.benchmark();
                    format!(
                        "there is no benchmark in {} (make benchmark RECORD=target/benchmark), and no matrix either",
                        place.display()
                    )
                });
                return Err(error.context(benchmark));
            }
        };
        report.problems.extend(problem);
        report.benchmark = benchmark;
        Ok(report)
    }

    /// A report in which the matrix is not.
    fn without_cells(matrix: &Matrix, prices: Prices) -> Report {
        Report {
            form: FORM,
            summary: String::new(),
            tools: BTreeMap::new(),
            glibc_floor: matrix.glibc.floor.clone(),
            default_engines: matrix.default.engines.clone(),
            exclusions: Vec::new(),
            not_made: Vec::new(),
            problems: Vec::new(),
            prices,
            questions: Vec::new(),
            cells: Vec::new(),
            benchmark: None,
        }
    }

    /// Whether there are records of the matrix.
    pub fn has_cells(&self) -> bool {
        !self.summary.is_empty()
    }

    /// Makes the report of the records below a directory, also of many that were put together there.
    ///
    /// # Errors
    ///
    /// If there are none, or `prices.toml` is wrong.
    pub fn of(matrix: &Matrix, records: &Path) -> Result<Report> {
        let prices = Prices::of_this_workspace()?;
        let Gathered { entries, problems } = gather(records, matrix, &prices)?;
        let experiments: Vec<_> =
            matrix.experiment.iter().map(|it| (it.name.clone(), it.question.clone())).collect();
        let not_made = matrix.default_cells().into_iter().map(|it| it.to_string());
        let tools = [
            ("rust", &matrix.tools.rust),
            ("zig", &matrix.tools.zig),
            ("cargo-zigbuild", &matrix.tools.cargo_zigbuild),
        ];
        Ok(Report {
            form: FORM,
            summary: summary::summary(&entries, &matrix.default.engines),
            tools: tools.map(|(name, version)| (name.to_owned(), version.clone())).into(),
            glibc_floor: matrix.glibc.floor.clone(),
            default_engines: matrix.default.engines.clone(),
            exclusions: matrix
                .excluded()
                .into_iter()
                .map(|(cell, reason)| Exclusion { cell: cell.to_string(), reason: reason.to_owned() })
                .collect(),
            not_made: not_made.filter(|name| entries.iter().all(|it| it.cell != *name)).collect(),
            problems,
            prices,
            questions: questions::questions(&entries, &experiments),
            cells: entries,
            benchmark: None,
        })
    }

    /// Reads a `report.json`. What is drawn from single measurements is not in it.
    ///
    /// # Errors
    ///
    /// If there is none, or of another form.
    pub fn read(path: &Path) -> Result<Report> {
        let text = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let report: Report = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no report of this form", path.display()))?;
        anyhow::ensure!(
            report.form == FORM,
            "{} is of form {}, and this program reads form {FORM}: make the report again from its records",
            path.display(),
            report.form
        );
        Ok(report)
    }

    /// Writes all forms of the report into a directory.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        write_json(&directory.join("report.json"), self)?;
        let sections = sections::sections(self);
        let head = sections::head(self);
        let mut texts = vec![
            ("report.md", self.markdown(&head, &sections)),
            ("report.html", html::page(&head, &sections)),
            ("report.csv", csv::cells(&self.cells)?),
            ("samples.csv", csv::samples(&self.cells)?),
        ];
        if let Some(benchmark) = &self.benchmark {
            texts.push(("benchmark.csv", benchmark::csv::standings(benchmark)?));
            texts.push(("benchmark-samples.csv", benchmark::csv::samples(benchmark)?));
        }
        for (name, text) in texts {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        }
        Ok(())
    }

    /// Keeps the records among the sources: the matrix as `report.json` and `report.md` in
    /// `build-matrix/record/<name>`, the benchmark's files in `benches/record/<name>`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written, or another benchmark is kept by that name.
    pub fn keep(&self, layout: &Layout, name: &str) -> Result<()> {
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
        anyhow::ensure!(
            is_plain,
            "a record's name is that of a directory, such as 2026-11-21-epyc-2cpu, and not {name:?}"
        );
        if let Some(benchmark) = &self.benchmark {
            benchmark.keep(layout, name)?;
        }
        if !self.has_cells() {
            return Ok(());
        }
        // The benchmark is kept once.
        let matrix = Report { benchmark: None, ..self.clone() };
        let directory = readme::records(layout).join(name);
        write_json(&directory.join("report.json"), &matrix)?;
        let path = directory.join("report.md");
        let text = matrix.markdown(&sections::head(&matrix), &sections::sections(&matrix));
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    fn markdown(&self, head: &html::Head, sections: &[document::Section]) -> String {
        let keys: Vec<_> =
            head.key_figures.iter().map(|(name, figure)| format!("{name} **{figure}**")).collect();
        format!(
            "# {}\n\n{}\n\n{}\n\n{}\n\n{}",
            head.title,
            head.subtitle,
            head.answers.join("\n\n"),
            keys.join(" · "),
            markdown::sections(sections, 2)
        )
    }
}

/// Whether there is anything in the directory of the matrix's records that has to be understood.
fn has_cells(records: &Path) -> bool {
    let entries = fs::read_dir(records).into_iter().flatten().flatten();
    entries.into_iter().any(|it| it.path().is_dir())
}
