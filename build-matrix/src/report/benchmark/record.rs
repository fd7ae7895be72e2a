//! What the files of a benchmark's record say: every single measurement, and nothing that is computed from them.
//!
//! Fields that are not known here are passed over. Names of programs, engines, classes and axes are text, so that
//! a new one needs no new reader.

mod own;
mod peers;

use serde::{Deserialize, Serialize};

pub use self::own::{
    Instructions, InvocationCase, Invocations, Isolation, IsolationCase, MemoryPoint, Point, Scaling, Series,
    StageTime, Stages, Throughput,
};
pub use self::peers::{Alike, Case, Peers, Side, Skipped};
use crate::report::text;

/// The form of the files that can be read.
pub const FORM: u64 = 2;

/// The files of a record; each may be missing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// pdf2img and other programs on the same documents, in turns.
    pub peers: Option<Peers>,
    /// What more pages, workers, pixels, bytes and invocations do.
    pub scaling: Option<Scaling>,
    /// The function with shares of a CPU as Lambda gives them.
    pub cost: Option<Invocations>,
    /// A page in a worker, and in the process itself.
    pub isolation: Option<Isolation>,
    /// Single stages of a page.
    pub stages: Option<Stages>,
    /// Their instructions.
    pub instructions: Option<Instructions>,
}

impl Record {
    /// The machine of each part, by file.
    pub fn machines(&self) -> Vec<(&'static str, &Machine)> {
        let all = [
            ("peers.json", self.peers.as_ref().map(|it| &it.machine)),
            ("scaling.json", self.scaling.as_ref().map(|it| &it.machine)),
            ("cost.json", self.cost.as_ref().map(|it| &it.machine)),
            ("isolation.json", self.isolation.as_ref().map(|it| &it.machine)),
            ("stages.json", self.stages.as_ref().map(|it| &it.machine)),
        ];
        all.into_iter().filter_map(|(name, machine)| Some((name, machine?))).collect()
    }
}

/// Where and when a part was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Date and time in UTC.
    pub date: String,
    /// The model of the processor.
    pub cpu: String,
    /// How many CPUs could be used.
    pub cpus: u64,
    /// The kernel.
    pub kernel: String,
    /// The distribution.
    pub system: String,
    /// The load averages at the beginning.
    pub load: String,
    /// All that `lscpu` says.
    pub lscpu: String,
}

impl Machine {
    /// Its architecture as Lambda names it; x86_64 if `lscpu` does not say.
    pub fn lambda_arch(&self) -> &'static str {
        let said = self.lscpu.lines().find_map(|line| line.trim_start().strip_prefix("Architecture:"));
        if said.is_some_and(|it| it.trim() == "aarch64") { "arm64" } else { "x86_64" }
    }

    /// The day of its date.
    pub fn day(&self) -> &str {
        self.date.split('T').next().unwrap_or_default()
    }

    /// Processor and number of CPUs.
    pub fn title(&self) -> String {
        let cpus = text::count(self.cpus as usize, "CPU", "CPUs");
        format!("{}, {cpus}", if self.cpu.is_empty() { "an unknown processor" } else { &self.cpu })
    }
}

/// A program that takes part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Program {
    /// What it is called; empty where only one takes part.
    pub name: String,
    /// The engine that draws for it.
    pub engine: String,
    /// Whether it is pdf2img.
    pub ours: bool,
    /// What it says of its version.
    pub version: String,
    /// Where it is.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}
