//! The README's tables, generated from the newest records that are kept among the sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Report;
use super::benchmark;
use super::markdown;
use super::sections::{notes, overview_table};
use crate::Layout;

/// What encloses the matrix's table.
pub const MARKS: Marks = Marks { begin: "<!-- matrix:begin -->", end: "<!-- matrix:end -->" };

/// Lines in the README between which a program writes.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// The first.
    pub begin: &'static str,
    /// The last.
    pub end: &'static str,
}

impl Marks {
    /// A README with other text between the marks.
    ///
    /// # Errors
    ///
    /// If the marks are not there.
    pub fn replaced(&self, readme: &str, text: &str) -> Result<String> {
        let Marks { begin, end } = self;
        let (before, rest) =
            readme.split_once(begin).with_context(|| format!("README.md has no line {begin}"))?;
        let (_, after) =
            rest.split_once(end).with_context(|| format!("README.md has no line {end} after {begin}"))?;
        Ok(format!("{before}{begin}\n{text}{end}{after}"))
    }

    /// What is between the marks in a README; `None` if there are no marks.
    pub fn current<'a>(&self, readme: &'a str) -> Option<&'a str> {
        let (_, rest) = readme.split_once(self.begin)?;
        let (text, _) = rest.split_once(self.end)?;
        Some(text.trim_start_matches('\n'))
    }
}

/// Where records are kept among the sources: a directory for each, named by date and machine.
pub fn records(layout: &Layout) -> PathBuf {
    layout.workspace().join("build-matrix/record")
}

/// Writes what the newest kept records of matrix and benchmark say between their marks in the README.
///
/// # Errors
///
/// If neither has a kept record, one cannot be read, or the README has no marks for it.
pub fn write(layout: &Layout) -> Result<()> {
    let path = layout.workspace().join("README.md");
    let mut readme =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let matrix = newest(layout)?;
    let measured = benchmark::newest(layout)?;
    ensure!(
        matrix.is_some() || measured.is_some(),
        "there is no record in {} or {}; keep the current one: build-matrix report --keep 2026-11-21-epyc-2cpu",
        records(layout).display(),
        benchmark::kept(layout).display()
    );
    if let Some(record) = matrix {
        readme = MARKS.replaced(&readme, &of(&record)?)?;
    }
    if measured.is_some() {
        readme = benchmark::readme::MARKS.replaced(&readme, &benchmark::readme::text(layout)?)?;
    }
    fs::write(&path, readme).with_context(|| format!("failed to write {}", path.display()))
}

/// The directory of the newest kept record: the last by name, which begins with the date.
///
/// # Errors
///
/// If the directory of records cannot be read.
pub fn newest(layout: &Layout) -> Result<Option<PathBuf>> {
    let directory = records(layout);
    if !directory.is_dir() {
        return Ok(None);
    }
    let entries =
        fs::read_dir(&directory).with_context(|| format!("failed to read {}", directory.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|it| it.join("report.json").is_file()).max())
}

/// What a kept record makes of the README.
///
/// # Errors
///
/// If its `report.json` cannot be read.
pub fn of(record: &Path) -> Result<String> {
    let mut report = Report::read(&record.join("report.json"))?;
    report.cells.retain(|it| !it.is_experiment());
    let name = record.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let mut answers = String::new();
    for it in &report.questions {
        let points = if it.points.is_empty() { String::new() } else { format!(" {}.", it.points.join("; ")) };
        answers += &format!("- **{}** {}{points}\n", it.question, it.answer);
    }
    Ok(format!(
        "{}\n\n{}\n{}\n\n{answers}\n\
         Generated from [build-matrix/record/{name}](build-matrix/record/{name}/report.md), which has method, bias, \
         machine, every check, and `report.json` with every single measurement.\n",
        report.summary,
        markdown::table(&overview_table(&report.cells)),
        notes(&report.cells),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let Marks { begin, end } = MARKS;
        let readme = format!("# a\n{begin}\nold\n{end}\nz\n");
        let new = MARKS.replaced(&readme, "new\n").unwrap();
        assert_eq!(new, format!("# a\n{begin}\nnew\n{end}\nz\n"));
        assert_eq!(MARKS.current(&new), Some("new\n"));
        assert!(MARKS.replaced("# a\n", "new").unwrap_err().to_string().contains(begin));
        assert_eq!(MARKS.current("# a\n"), None);
    }

    #[test]
    fn the_readme_says_what_the_newest_kept_record_says() {
        let layout = Layout::of_this_workspace();
        let readme = fs::read_to_string(layout.workspace().join("README.md")).unwrap();
        let shown = MARKS.current(&readme).expect("README.md has lost the marks of its table");
        match newest(&layout).unwrap() {
            Some(record) => assert!(
                shown == of(&record).unwrap(),
                "README.md is not what {} says: run `cargo run -p build-matrix -- report --readme`",
                record.display()
            ),
            None => assert_eq!(shown, "", "README.md shows figures, and no record of them is kept"),
        }
    }
}
