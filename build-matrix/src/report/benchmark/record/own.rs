//! pdf2img by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Machine, Program};

/// What more of something does: `scaling.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scaling {
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// Of what program.
    #[serde(default)]
    pub program: Program,
    /// What was not there to be measured.
    #[serde(default)]
    pub skipped: Vec<String>,
    /// Of what.
    pub series: Vec<Series>,
}

/// Points along an axis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Series {
    /// What grows: `pages`, `workers`, `dpi`, `bytes` or `concurrency`.
    pub axis: String,
    /// The document.
    pub document: String,
    /// Its class.
    #[serde(default)]
    pub class: String,
    /// The engine.
    #[serde(default)]
    pub backend: String,
    /// The format of the images.
    #[serde(default)]
    pub format: String,
    /// The points.
    pub points: Vec<Point>,
}

/// A point on an axis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Point {
    /// Where on the axis.
    pub value: f64,
    /// How many pages were drawn, of all invocations together.
    pub pages: u32,
    /// Wall-clock seconds for them, one for each run.
    #[serde(default)]
    pub wall_s: Vec<f64>,
    /// CPU seconds for them.
    #[serde(default)]
    pub cpu_s: Vec<f64>,
    /// The most memory, in bytes.
    #[serde(default)]
    pub peak_bytes: Option<u64>,
    /// Why there is nothing.
    #[serde(default)]
    pub failed: Option<String>,
}

/// The function with shares of a CPU: `cost.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invocations {
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// Of what executable.
    #[serde(default)]
    pub function: Program,
    /// How the share was enforced.
    #[serde(default)]
    pub method: String,
    /// With which documents.
    pub cases: Vec<InvocationCase>,
}

/// A document with several amounts of memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvocationCase {
    /// The document.
    pub document: String,
    /// Its class.
    pub class: String,
    /// How many pages it has.
    pub pages: u32,
    /// The engine.
    pub backend: String,
    /// The format of the images.
    pub format: String,
    /// The amounts.
    pub points: Vec<MemoryPoint>,
}

/// A document with an amount of memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemoryPoint {
    /// The amount, as Lambda counts it: 1,024 MB are a GB, 1 MB is 1,048,576 bytes.
    pub memory_mb: u32,
    /// The CPUs that Lambda gives for it.
    #[serde(default)]
    pub cpus: f64,
    /// Seconds of warm invocations.
    #[serde(default)]
    pub document_s: Vec<f64>,
    /// Seconds of first ones.
    #[serde(default)]
    pub first_document_s: Vec<f64>,
    /// The most memory that it took, in bytes.
    #[serde(default)]
    pub peak_bytes: Option<u64>,
    /// Why there is nothing.
    #[serde(default)]
    pub not_measured: Option<String>,
}

/// What isolation costs: `isolation.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Isolation {
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// How many CPUs both sides had together.
    #[serde(default)]
    pub cpus: Option<u64>,
    /// With which documents.
    pub cases: Vec<IsolationCase>,
}

/// All pages of a document, in this process and in a worker; pairs by index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IsolationCase {
    /// The document.
    pub document: String,
    /// Its class.
    #[serde(default)]
    pub class: String,
    /// How many pages it has.
    pub pages: u32,
    /// The engine.
    pub backend: String,
    /// The format of the images.
    #[serde(default)]
    pub format: String,
    /// Seconds in the process itself.
    #[serde(default)]
    pub in_process_s: Vec<f64>,
    /// Seconds in a worker.
    #[serde(default)]
    pub worker_s: Vec<f64>,
    /// CPU seconds in the process itself.
    #[serde(default)]
    pub in_process_cpu_s: Vec<f64>,
    /// CPU seconds with a worker, of both.
    #[serde(default)]
    pub worker_cpu_s: Vec<f64>,
    /// Seconds in the process itself once more, to see the noise.
    #[serde(default)]
    pub again_s: Vec<f64>,
}

/// Single stages: `stages.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stages {
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// Whether so few samples were taken that a few per cent say nothing.
    #[serde(default)]
    pub quick: bool,
    /// Which.
    pub benchmarks: Vec<StageTime>,
}

/// The time of a stage, with criterion's interval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageTime {
    /// Its name: `stage/document/backend`, for encoders with the format.
    pub id: String,
    /// The stage.
    pub stage: String,
    /// The document.
    pub document: String,
    /// The engine, or whose pixels.
    #[serde(default)]
    pub backend: Option<String>,
    /// The format of an encoder.
    #[serde(default)]
    pub format: Option<String>,
    /// The median in nanoseconds.
    pub median_ns: f64,
    /// The lower end of its interval.
    pub low_ns: f64,
    /// The upper end.
    pub high_ns: f64,
    /// How much was done in that time.
    #[serde(default)]
    pub throughput: Option<Throughput>,
}

/// How much is done in one iteration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Throughput {
    /// Of what: `pages`, `bytes` or `pixels`.
    pub unit: String,
    /// How many.
    pub value: f64,
}

/// Counts of instructions: `instructions.json`, which has no form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instructions {
    /// Counts by name, `stage/document/backend`, for encoders with the format.
    pub benchmarks: BTreeMap<String, u64>,
    /// The version of valgrind.
    #[serde(default)]
    pub valgrind: String,
    /// The version of rustc.
    #[serde(default)]
    pub rustc: String,
}
