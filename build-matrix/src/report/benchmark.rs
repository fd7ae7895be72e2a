//! The benchmark's record, read from its directory, and what it comes to.
//!
//! [`record`] is what the files say. [`compare`] sets programs beside each other, [`lambda`] makes money of the time
//! of invocations, and [`answers`] puts into words what follows for each class of document. [`sections`] lays it
//! out, beginning with [`summary`]; [`csv`] and [`readme`] write tables of their own.

pub mod answers;
pub mod compare;
pub mod csv;
pub mod lambda;
pub mod readme;
pub mod record;
pub mod sections;
pub mod summary;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::answers::Answer;
use self::compare::Comparison;
use self::lambda::Priced;
use self::record::{FORM, Record};
use super::prices::Prices;
use crate::Layout;

/// The files of a record that are read, with the command that makes each.
const PARTS: [(&str, &str); 6] = [
    ("peers.json", "pdf2img-bench peers"),
    ("scaling.json", "pdf2img-bench scaling"),
    ("cost.json", "pdf2img-bench cost"),
    ("isolation.json", "cargo bench -- isolation"),
    ("stages.json", "cargo bench"),
    (INSTRUCTIONS, "make bench-instructions"),
];

/// The file that has no form.
const INSTRUCTIONS: &str = "instructions.json";

/// Files that are kept and offered with the others, and not read.
const OTHERS: [&str; 2] = ["memory.json", "start.json"];

/// A benchmark's record, with what it comes to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Benchmark {
    /// The directory that it was read from, as somebody would look for it.
    pub directory: String,
    /// What follows for each class of document.
    pub answers: Vec<Answer>,
    /// The programs beside each other, by class, format and resolution.
    pub comparisons: Vec<Comparison>,
    /// The same for single documents, where a class has several.
    pub documents: Vec<Comparison>,
    /// What invocations cost.
    pub priced: Vec<Priced>,
    /// What is wrong with the files.
    pub problems: Vec<String>,
    /// What the files say.
    pub record: Record,
    /// The files themselves, by name.
    #[serde(skip)]
    pub files: Vec<(String, Vec<u8>)>,
}

impl Benchmark {
    /// Reads the record in a directory.
    ///
    /// A file that is missing is a part that was not measured. One that cannot be understood is a problem, which the
    /// report shows; the others are read nevertheless.
    ///
    /// # Errors
    ///
    /// If there is no file that can be understood: what is wrong with each, and which commands make them.
    pub fn read(directory: &Path, layout: &Layout, prices: &Prices) -> Result<Benchmark> {
        let mut files = Vec::new();
        for name in PARTS.iter().map(|(name, _)| *name).chain(OTHERS) {
            let path = directory.join(name);
            if path.is_file() {
                let text = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
                files.push((name.to_owned(), text));
            }
        }
        let mut problems = Vec::new();
        let record = Record {
            peers: part(&files, "peers.json", &mut problems),
            scaling: part(&files, "scaling.json", &mut problems),
            cost: part(&files, "cost.json", &mut problems),
            isolation: part(&files, "isolation.json", &mut problems),
            stages: part(&files, "stages.json", &mut problems),
            instructions: part(&files, INSTRUCTIONS, &mut problems),
        };
        let commands = PARTS.map(|(name, command)| format!("{name}: {command}")).join("; ");
        ensure!(
            record.instructions.is_some() || !record.machines().is_empty(),
            "{} has no file of a benchmark that can be read ({commands}){}{}",
            directory.display(),
            if problems.is_empty() { "" } else { ". " },
            problems.join(" ")
        );
        files.retain(|(name, _)| problems.iter().all(|it| !it.starts_with(&format!("{name}: "))));
        let shown = directory.strip_prefix(layout.workspace()).unwrap_or(directory);
        let (comparisons, documents) = record.peers.as_ref().map(compare::all).unwrap_or_default();
        let priced = record.cost.as_ref().map(|it| lambda::priced(it, prices)).unwrap_or_default();
        Ok(Benchmark {
            directory: shown.display().to_string(),
            answers: answers::answers(&comparisons, &priced, &record),
            comparisons,
            documents,
            priced,
            problems,
            record,
            files,
        })
    }

    /// The record to take if none is named: that of this machine, or else the newest that is kept.
    ///
    /// # Errors
    ///
    /// If the directory of kept records cannot be read.
    pub fn default_directory(layout: &Layout) -> Result<Option<PathBuf>> {
        let own = layout.benchmark();
        if own.is_dir() { Ok(Some(own)) } else { newest(layout) }
    }

    /// Keeps the files among the sources as `benches/record/<name>`.
    ///
    /// # Errors
    ///
    /// If there is another record of that name, or a file cannot be written.
    pub fn keep(&self, layout: &Layout, name: &str) -> Result<()> {
        let directory = kept(layout).join(name);
        for (name, content) in &self.files {
            let path = directory.join(name);
            let is_other = fs::read(&path).is_ok_and(|known| known != *content);
            ensure!(!is_other, "{} has other content: keep this one by another name", path.display());
        }
        fs::create_dir_all(&directory).with_context(|| format!("failed to make {}", directory.display()))?;
        for (name, content) in &self.files {
            let path = directory.join(name);
            fs::write(&path, content).with_context(|| format!("failed to write {}", path.display()))?;
        }
        Ok(())
    }

    /// The machine of the first part that names one.
    pub fn machine(&self) -> Option<&record::Machine> {
        self.record.machines().first().map(|(_, machine)| *machine)
    }
}

/// Where benchmarks' records are kept among the sources: a directory for each, named by date and machine.
pub fn kept(layout: &Layout) -> PathBuf {
    layout.workspace().join("benches/record")
}

/// The newest kept record that can be read here: the last by name, which begins with the date.
///
/// # Errors
///
/// If the directory of records cannot be read.
pub fn newest(layout: &Layout) -> Result<Option<PathBuf>> {
    let directory = kept(layout);
    if !directory.is_dir() {
        return Ok(None);
    }
    let entries =
        fs::read_dir(&directory).with_context(|| format!("failed to read {}", directory.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|it| is_record(it)).max())
}

/// Whether a directory has a file of the form that is read here.
fn is_record(directory: &Path) -> bool {
    let has_form = |name: &str| {
        let text = fs::read(directory.join(name)).ok()?;
        serde_json::from_slice::<Value>(&text).ok().filter(|it| form(it) == Some(FORM))
    };
    PARTS.iter().any(|(name, _)| has_form(name).is_some())
}

fn form(file: &Value) -> Option<u64> {
    file.get("form").and_then(Value::as_u64)
}

/// What a file says; `None` if it is missing or cannot be understood.
fn part<T: DeserializeOwned>(
    files: &[(String, Vec<u8>)],
    name: &str,
    problems: &mut Vec<String>,
) -> Option<T> {
    let (_, text) = files.iter().find(|(known, _)| known == name)?;
    let command = PARTS.iter().find(|(known, _)| *known == name).map_or("", |(_, command)| *command);
    let understood = || -> Result<T, String> {
        let file: Value =
            serde_json::from_slice(text).map_err(|error| format!("cannot be read as JSON ({error})"))?;
        if name != INSTRUCTIONS && form(&file) != Some(FORM) {
            let is =
                file.get("form").map_or_else(|| "names no form".to_owned(), |it| format!("is form {it}"));
            return Err(format!("is not form {FORM} (it {is})"));
        }
        T::deserialize(file).map_err(|error| format!("is not what such a file says ({error})"))
    };
    match understood() {
        Ok(part) => Some(part),
        Err(why) => {
            problems.push(format!("{name}: {why}; run `{command}` again."));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::record::Peers;
    use super::*;

    fn problem(text: &str) -> String {
        let mut problems = Vec::new();
        let files = [("peers.json".to_owned(), text.as_bytes().to_vec())];
        assert!(part::<Peers>(&files, "peers.json", &mut problems).is_none());
        problems.remove(0)
    }

    #[test]
    fn a_file_that_cannot_be_understood_says_why_and_what_to_run() {
        let of_old = problem("{\"machine\": {}, \"comparisons\": []}");
        assert_eq!(of_old, "peers.json: is not form 2 (it names no form); run `pdf2img-bench peers` again.");
        assert!(problem("{\"form\": 3}").contains("(it is form 3)"));
        assert!(problem("{\"form\": 2").starts_with("peers.json: cannot be read as JSON (EOF"));
        let of_wrong = problem("{\"form\": 2, \"cases\": [{\"document\": \"text-1\"}]}");
        assert!(of_wrong.contains("missing field `class`"), "{of_wrong}");
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let text = br#"{"form": 2, "weather": "fine", "cases": [{"document": "x", "class": "a new class",
            "pages": 1, "format": "avif", "dpi": 150, "sides": [{"program": "new", "weather": 1}]}]}"#;
        let files = [("peers.json".to_owned(), text.to_vec())];
        let mut problems = Vec::new();
        let peers: Peers = part(&files, "peers.json", &mut problems).unwrap();
        assert_eq!(peers.cases[0].sides[0].program, "new");
        assert_eq!(problems, Vec::<String>::new());
    }
}
