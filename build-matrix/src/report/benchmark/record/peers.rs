//! pdf2img and other programs.

use serde::{Deserialize, Serialize};

use super::{Machine, Program};

/// A program that did not take part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Skipped {
    /// Which.
    pub name: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Programs in turns on the same documents: `peers.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peers {
    /// Where.
    #[serde(default)]
    pub machine: Machine,
    /// Further options that pdf2img was given.
    #[serde(default)]
    pub our_flags: Vec<String>,
    /// Who took part.
    #[serde(default)]
    pub programs: Vec<Program>,
    /// Who did not.
    #[serde(default)]
    pub skipped: Vec<Skipped>,
    /// What they did.
    pub cases: Vec<Case>,
}

/// A document in a format.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    /// The document's name in the corpus.
    pub document: String,
    /// Its class.
    pub class: String,
    /// How many pages were drawn.
    pub pages: u32,
    /// The format of the images.
    pub format: String,
    /// Pixels per inch of page.
    pub dpi: f64,
    /// What each program took; run `i` of all is of the same turn.
    pub sides: Vec<Side>,
    /// How alike their images are.
    #[serde(default)]
    pub alike: Vec<Alike>,
}

/// What a program took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Side {
    /// Which.
    pub program: String,
    /// Whether it is the first of ours once more, to see the noise.
    #[serde(default)]
    pub again: bool,
    /// How many processes worked for it.
    #[serde(default)]
    pub processes: Option<u32>,
    /// Wall-clock seconds of the whole document, one for each run.
    #[serde(default)]
    pub wall_s: Vec<f64>,
    /// CPU seconds of all its processes.
    #[serde(default)]
    pub cpu_s: Vec<f64>,
    /// The bytes of all images.
    #[serde(default)]
    pub picture_bytes: Option<u64>,
    /// The most memory that it took, in bytes.
    #[serde(default)]
    pub peak_bytes: Option<u64>,
    /// The width of the first image.
    #[serde(default)]
    pub width_px: Option<u32>,
    /// The height of the first image.
    #[serde(default)]
    pub height_px: Option<u32>,
    /// Why its time does not count.
    #[serde(default)]
    pub refused: Option<String>,
}

/// How many pages of two programs are alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alike {
    /// One.
    pub first: String,
    /// The other.
    pub second: String,
    /// Pages that are the same.
    #[serde(default)]
    pub same: u64,
    /// Pages that nobody would tell apart at a glance.
    #[serde(default)]
    pub near: u64,
    /// Pages that differ.
    #[serde(default)]
    pub different: u64,
    /// Pages of another size.
    #[serde(default)]
    pub other_size: u64,
    /// The score of the page that is least alike.
    #[serde(default)]
    pub lowest_score: Option<f64>,
}
