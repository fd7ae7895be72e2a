//! Compares a change with what it is based on, by figures that do not depend on the machine's mood: bytes and
//! instructions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::Matrix;
use crate::report::document::Table;
use crate::report::entry::{Entry, gather};
use crate::report::prices::Prices;
use crate::report::{markdown, text};

/// How much growth is borne, in per cent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// What is more is warned of.
    pub soft: f64,
    /// What is more fails.
    pub hard: f64,
}

/// What came of the comparison.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The tables, in Markdown.
    pub markdown: String,
    /// What has grown by more than the soft limit.
    pub warnings: Vec<String>,
    /// What has grown by more than the hard one, or can no longer be compared.
    pub errors: Vec<String>,
}

/// Compares the records, and the counts of instructions if there are any, in two directories.
///
/// `instructions.json` in a directory is `{"benchmarks": {"<id>": <count>}}`.
///
/// # Errors
///
/// If there is nothing that can be compared, or a file cannot be understood.
pub fn gate(matrix: &Matrix, base: &Path, head: &Path, limits: Limits) -> Result<Gate> {
    ensure!(
        limits.soft <= limits.hard,
        "the soft limit of {} % is above the hard one of {} %",
        limits.soft,
        limits.hard
    );
    let prices = Prices::of_this_workspace()?;
    let (before, after) = (gather(base, matrix, &prices)?, gather(head, matrix, &prices)?);
    let sizes = [
        (
            "`bootstrap`",
            sizes(&before.entries, |it| it.figures.bootstrap_bytes),
            sizes(&after.entries, |it| it.figures.bootstrap_bytes),
        ),
        (
            "zip",
            sizes(&before.entries, |it| it.figures.zip_bytes),
            sizes(&after.entries, |it| it.figures.zip_bytes),
        ),
    ];
    let mut gate = Gate { markdown: String::new(), warnings: Vec::new(), errors: Vec::new() };
    let mut compared = 0;
    for (what, before, after) in &sizes {
        compared += gate.compare(&format!("Bytes of {what}"), "cell", before, after, limits);
    }
    if let (Some(before), Some(after)) = (instructions(base)?, instructions(head)?) {
        compared += gate.compare("Instructions", "benchmark", &before, &after, limits);
    } else {
        gate.markdown += "Instructions were not counted on both sides.\n";
    }
    ensure!(
        compared > 0,
        "{} and {} have no cell in common whose size is known, so nothing was compared",
        base.display(),
        head.display()
    );
    Ok(gate)
}

impl Gate {
    /// Whether nothing has grown by more than the hard limit.
    pub fn is_open(&self) -> bool {
        self.errors.is_empty()
    }

    /// Warnings and errors as GitHub Actions shows them beside a change.
    pub fn annotations(&self) -> String {
        let line = |level: &str, text: &String| {
            let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
            format!("::{level} title=build-matrix gate::{text}\n")
        };
        let warnings = self.warnings.iter().map(|it| line("warning", it));
        warnings.chain(self.errors.iter().map(|it| line("error", it))).collect()
    }

    /// Adds a table of what is on both sides; returns how many were compared.
    fn compare(
        &mut self,
        title: &str,
        of: &str,
        before: &BTreeMap<String, u64>,
        after: &BTreeMap<String, u64>,
        limits: Limits,
    ) -> usize {
        let mut table = Table::new(&[of, ">before", ">after", ">growth", "verdict"]);
        let mut compared = 0;
        let number =
            |value: Option<&u64>| value.map_or_else(|| "–".to_owned(), |it| text::thousands(*it as i64));
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let (was, is) = (before.get(name), after.get(name));
            let (growth, verdict) = match (was, is) {
                (Some(&was), Some(&is)) => {
                    compared += 1;
                    let percent = growth(was, is);
                    let said = format!("{title} of {name}: {was} to {is}, {percent:+.2} %");
                    let verdict = if percent > limits.hard {
                        self.errors.push(format!("{said}, more than the {} % that are borne", limits.hard));
                        "**too much**"
                    } else if percent > limits.soft {
                        self.warnings.push(said);
                        "warning"
                    } else {
                        "ok"
                    };
                    (format!("{percent:+.2} %"), verdict)
                }
                (Some(_), None) => {
                    self.errors
                        .push(format!("{title} of {name}: there is no figure any more; did a stage fail?"));
                    ("–".to_owned(), "**gone**")
                }
                (None, _) => ("–".to_owned(), "new"),
            };
            table.row(vec![format!("`{name}`"), number(was), number(is), growth, verdict.to_owned()]);
        }
        self.markdown += &format!("### {title}\n\n{}\n", markdown::table(&table));
        compared
    }
}

/// Growth in per cent; what was nothing and is something has grown beyond any limit.
fn growth(was: u64, is: u64) -> f64 {
    if was == is { 0.0 } else { (is as f64 / was as f64 - 1.0) * 100.0 }
}

fn sizes(entries: &[Entry], of: fn(&Entry) -> Option<u64>) -> BTreeMap<String, u64> {
    entries.iter().filter_map(|it| Some((it.cell.clone(), of(it)?))).collect()
}

/// The counts of instructions of a directory; `None` if it has none.
fn instructions(directory: &Path) -> Result<Option<BTreeMap<String, u64>>> {
    #[derive(Deserialize)]
    struct Instructions {
        benchmarks: BTreeMap<String, u64>,
    }
    let path = directory.join("instructions.json");
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let counts: Instructions = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not {{\"benchmarks\": {{\"<id>\": <count>}}}}", path.display()))?;
    Ok(Some(counts.benchmarks))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { soft: 2.0, hard: 5.0 };
    const CELL: &str = "mupdf-musl-static-amd64-system";

    /// A directory with a cell's sizes.
    fn records(cells: &[(&str, u64)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (cell, bytes) in cells {
            let of_cell = directory.path().join(cell);
            fs::create_dir_all(&of_cell).unwrap();
            let file = |bytes: u64| json!({ "bytes": bytes, "sha256": "" });
            let built = json!({ "commit": "", "tools": {}, "target": "", "features": [], "files": { "bootstrap": file(*bytes) } });
            let packaged = json!({ "files": { format!("pdf2img-{cell}.zip"): file(bytes / 2) }, "unzipped_bytes": bytes });
            for (stage, done) in [("build", built), ("package", packaged)] {
                let record = json!({ "cell": cell, "seconds": 1.0, "of": "", "done": done });
                fs::write(of_cell.join(format!("{stage}.json")), record.to_string()).unwrap();
            }
        }
        directory
    }

    fn compared(before: &[(&str, u64)], after: &[(&str, u64)]) -> Gate {
        let matrix = Matrix::of_this_workspace().unwrap();
        gate(&matrix, records(before).path(), records(after).path(), LIMITS).unwrap()
    }

    #[test]
    fn growth_below_the_soft_limit_passes_in_silence() {
        let gate = compared(&[(CELL, 10_000_000)], &[(CELL, 10_190_000)]);
        assert!(gate.is_open() && gate.warnings.is_empty(), "{gate:?}");
        assert!(gate.markdown.contains("| 10,000,000 | 10,190,000 | +1.90 % | ok |"), "{}", gate.markdown);
    }

    #[test]
    fn growth_above_the_soft_limit_is_warned_of() {
        let gate = compared(&[(CELL, 10_000_000)], &[(CELL, 10_300_000)]);
        assert!(gate.is_open(), "{gate:?}");
        assert_eq!(gate.warnings.len(), 2, "{gate:?}");
        assert!(
            gate.annotations()
                .starts_with("::warning title=build-matrix gate::Bytes of `bootstrap` of mupdf-musl")
        );
        assert!(gate.annotations().contains("+3.00 %25"), "{}", gate.annotations());
    }

    #[test]
    fn growth_above_the_hard_limit_fails() {
        let gate = compared(&[(CELL, 10_000_000)], &[(CELL, 10_600_000)]);
        assert!(!gate.is_open());
        assert!(gate.markdown.contains("+6.00 % | **too much** |"), "{}", gate.markdown);
        assert!(gate.annotations().contains("::error "), "{}", gate.annotations());
    }

    #[test]
    fn what_shrinks_passes() {
        assert!(compared(&[(CELL, 10_000_000)], &[(CELL, 1_000_000)]).is_open());
    }

    #[test]
    fn a_cell_that_has_lost_its_figure_fails_and_a_new_one_passes() {
        let other = "mupdf-musl-static-arm64-system";
        let gate = compared(&[(CELL, 100), (other, 100)], &[(CELL, 100)]);
        assert!(!gate.is_open());
        assert!(gate.errors[0].contains("there is no figure any more"), "{gate:?}");
        let gate = compared(&[(CELL, 100)], &[(CELL, 100), (other, 100)]);
        assert!(gate.is_open());
        assert!(gate.markdown.contains("| – | 100 | – | new |"), "{}", gate.markdown);
    }

    #[test]
    fn nothing_in_common_is_an_error_and_no_pass() {
        let matrix = Matrix::of_this_workspace().unwrap();
        let (base, head) = (records(&[(CELL, 1)]), records(&[("mupdf-musl-static-arm64-system", 1)]));
        let error = gate(&matrix, base.path(), head.path(), LIMITS).unwrap_err();
        assert!(error.to_string().contains("nothing was compared"), "{error}");
    }

    #[test]
    fn counts_of_instructions_have_the_same_limits() {
        let matrix = Matrix::of_this_workspace().unwrap();
        let (base, head) = (records(&[(CELL, 100)]), records(&[(CELL, 100)]));
        let count = |directory: &tempfile::TempDir, count: u64| {
            let text = json!({ "benchmarks": { "render/text-1/mupdf": count } }).to_string();
            fs::write(directory.path().join("instructions.json"), text).unwrap();
        };
        count(&base, 1_000_000);
        assert!(
            gate(&matrix, base.path(), head.path(), LIMITS).unwrap().markdown.contains("not counted on both")
        );
        count(&head, 1_051_000);
        let gate = gate(&matrix, base.path(), head.path(), LIMITS).unwrap();
        assert!(!gate.is_open());
        assert!(
            gate.errors[0].contains("Instructions of render/text-1/mupdf: 1000000 to 1051000, +5.10 %"),
            "{gate:?}"
        );
    }
}
