//! What criterion has estimated, as one record that a report can be made of.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use pdf2img_bench::machine::Machine;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::benchmark::Benchmark;

/// The form of the records; readers pass over others.
pub(crate) const FORM: u32 = 2;

/// The file, in criterion's directory.
const FILE: &str = "stages.json";

/// Cargo's target directory.
pub fn target_directory() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}

/// The directory that criterion reads and writes: `CRITERION_HOME`, or `criterion` in Cargo's target directory.
pub fn criterion_directory() -> PathBuf {
    env::var_os("CRITERION_HOME").map_or_else(|| target_directory().join("criterion"), PathBuf::from)
}

/// What a run of `cargo bench` came to.
#[derive(Debug, Serialize)]
pub struct Record {
    form: u32,
    machine: Machine,
    /// Whether it was `--quick`, which takes two samples and says little about a few per cent.
    quick: bool,
    benchmarks: Vec<Estimate>,
}

/// The time of one benchmark.
#[derive(Debug, Serialize, PartialEq)]
struct Estimate {
    id: String,
    stage: &'static str,
    document: &'static str,
    backend: String,
    format: Option<String>,
    median_ns: f64,
    /// The ends of the 95 % interval, or of what `--confidence-level` said.
    low_ns: f64,
    high_ns: f64,
    throughput: Option<Throughput>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Throughput {
    unit: &'static str,
    value: u64,
}

impl Record {
    /// Gathers what criterion has written into its directory since a time.
    ///
    /// What did not run since then is left out; nothing may have.
    ///
    /// # Errors
    ///
    /// If a file is not as criterion writes it.
    pub fn gather(directory: &Path, all: &[Benchmark], since: SystemTime, quick: bool) -> Result<Record> {
        let estimates = all.iter().map(|benchmark| Estimate::read(directory, benchmark, since));
        let benchmarks = estimates.filter_map(Result::transpose).collect::<Result<_>>()?;
        Ok(Record { form: FORM, machine: Machine::detect_in_full(), quick, benchmarks })
    }

    /// How many benchmarks have run.
    pub fn len(&self) -> usize {
        self.benchmarks.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.benchmarks.is_empty()
    }

    /// Writes it into criterion's directory, and returns the path.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, directory: &Path) -> Result<PathBuf> {
        let path = directory.join(FILE);
        write_json(&path, self)?;
        Ok(path)
    }
}

/// Writes a record to a file, of which the directories are made.
pub(crate) fn write_json<T: Serialize>(path: &Path, record: &T) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
    }
    let text = serde_json::to_string_pretty(record)? + "\n";
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
}

impl Estimate {
    /// Reads what criterion has written of a benchmark; `None` if that was before `since`, or never.
    fn read(directory: &Path, benchmark: &Benchmark, since: SystemTime) -> Result<Option<Estimate>> {
        // A slash within a part of a name is none in the name of a directory.
        let variant = benchmark.variant().replace('/', "_");
        let place =
            directory.join(benchmark.stage.as_str()).join(benchmark.document).join(variant).join("new");
        let estimates = place.join("estimates.json");
        match fs::metadata(&estimates).and_then(|metadata| metadata.modified()) {
            Ok(written) if written >= since => {}
            _ => return Ok(None),
        }
        let wire::Estimates { median } = read_json(&estimates)?;
        let wire::Named { full_id, throughput } = read_json(&place.join("benchmark.json"))?;
        let id = benchmark.to_string();
        ensure!(full_id == id, "{} is of {full_id:?} and not of {id:?}", place.display());
        Ok(Some(Estimate {
            id,
            stage: benchmark.stage.as_str(),
            document: benchmark.document,
            backend: benchmark.backend.to_string(),
            format: benchmark.stage.format().map(|format| format.to_string()),
            median_ns: median.point_estimate,
            low_ns: median.confidence_interval.lower_bound,
            high_ns: median.confidence_interval.upper_bound,
            throughput: throughput.map(|throughput| match throughput {
                wire::Throughput::Elements(value) => Throughput { unit: "pages", value },
                wire::Throughput::Bytes(value) => Throughput { unit: "bytes", value },
            }),
        }))
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as criterion writes it", path.display()))
}

/// The files of criterion, as much of them as is used.
mod wire {
    use super::Deserialize;

    #[derive(Deserialize)]
    pub(super) struct Estimates {
        pub(super) median: Median,
    }

    #[derive(Deserialize)]
    pub(super) struct Median {
        pub(super) point_estimate: f64,
        pub(super) confidence_interval: Interval,
    }

    #[derive(Deserialize)]
    pub(super) struct Interval {
        pub(super) lower_bound: f64,
        pub(super) upper_bound: f64,
    }

    #[derive(Deserialize)]
    pub(super) struct Named {
        pub(super) full_id: String,
        pub(super) throughput: Option<Throughput>,
    }

    #[derive(Deserialize)]
    pub(super) enum Throughput {
        Elements(u64),
        Bytes(u64),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pdf2img::config::Backend;
    use serde_json::Value;

    use super::*;
    use crate::benchmark::{Format, Stage};

    /// As criterion has written it.
    fn written() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/criterion")
    }

    fn benchmark(stage: Stage, document: &'static str) -> Benchmark {
        Benchmark { stage, document, backend: Backend::Mupdf }
    }

    fn gather(directory: &Path, since: SystemTime) -> Result<Record> {
        let all = [
            benchmark(Stage::Render, "text-20"),
            benchmark(Stage::Encode(Format::Png), "text-20"),
            benchmark(Stage::Open, "text-100"),
        ];
        Record::gather(directory, &all, since, true)
    }

    #[test]
    fn what_criterion_has_written_becomes_the_record() {
        let record = gather(&written(), SystemTime::UNIX_EPOCH).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(record.write(scratch.path()).unwrap()).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["form"], &json["quick"]), (&2.into(), &true.into()));
        assert!(json["machine"]["cpus"].is_number());
        let of = |i: usize| &json["benchmarks"][i];
        assert_eq!(of(0)["id"], "render/text-20/mupdf");
        assert_eq!((&of(0)["stage"], &of(0)["format"]), (&"render".into(), &Value::Null));
        assert_eq!(of(0)["throughput"], serde_json::json!({ "unit": "pages", "value": 3 }));
        assert_eq!(of(1)["id"], "encode/text-20/mupdf/png");
        assert_eq!((&of(1)["backend"], &of(1)["format"]), (&"mupdf".into(), &"png".into()));
        assert_eq!(of(1)["throughput"]["unit"], "bytes");
        for benchmark in [of(0), of(1)] {
            let [low, median, high] =
                ["low_ns", "median_ns", "high_ns"].map(|name| benchmark[name].as_f64().unwrap());
            assert!(0.0 < low && low <= median && median <= high, "{benchmark}");
        }
        assert_eq!(json["benchmarks"].as_array().unwrap().len(), 2, "the third did not run");
    }

    #[test]
    fn what_ran_before_is_left_out() {
        let later = SystemTime::now() + Duration::from_secs(3600);
        assert!(gather(&written(), later).unwrap().is_empty());
    }

    #[test]
    fn estimates_of_another_name_are_not_taken() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = ("render/text-20/mupdf/new", "open/text-100/mupdf/new");
        fs::create_dir_all(scratch.path().join(to)).unwrap();
        for name in ["estimates.json", "benchmark.json"] {
            fs::copy(written().join(from).join(name), scratch.path().join(to).join(name)).unwrap();
        }
        let error = gather(scratch.path(), SystemTime::UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().contains("is of \"render/text-20/mupdf\""), "{error}");
    }
}
