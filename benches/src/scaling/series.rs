//! Points of one kind, which are measured in turn, so that what drifts on the machine meets all of them.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::Axis;
use crate::format::Format;
use crate::memory::Peak;
use crate::process::Cost;
use crate::stats;

/// How often the memory is looked at in the runs that are not timed.
const SAMPLING: Duration = Duration::from_millis(5);

/// Points along one axis.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// What grows.
    pub axis: Axis,
    /// The document, or what a family of them is called.
    pub document: String,
    /// Its class.
    pub class: String,
    /// The engine.
    pub backend: String,
    /// The format of the images.
    pub format: Format,
    /// The points, the smallest first.
    pub points: Vec<Point>,
}

/// What was measured at one point. The `n`th of each list is of the `n`th turn.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// Where on the axis.
    pub value: u64,
    /// How many pages are drawn.
    pub pages: u32,
    /// Wall-clock seconds of each run.
    pub wall_s: Vec<f64>,
    /// User and system time of each run, in seconds.
    pub cpu_s: Vec<f64>,
    /// The most memory that all processes held at a time, in a run that was not timed.
    pub peak_bytes: u64,
    /// Why it is not measured: what its first failure was.
    pub failed: Option<String>,
}

/// What is done at a point; with an interval, the memory is looked at, and the cost does not count.
type Work = Box<dyn FnMut(Option<Duration>) -> Result<(Cost, Peak)>>;

/// A point that is to be measured.
pub struct Planned {
    value: u64,
    pages: u32,
    work: Work,
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned")
            .field("value", &self.value)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

impl Planned {
    /// A point at which `work` draws so many pages.
    pub fn new(
        value: u64,
        pages: u32,
        work: impl FnMut(Option<Duration>) -> Result<(Cost, Peak)> + 'static,
    ) -> Planned {
        Planned { value, pages, work: Box::new(work) }
    }
}

/// Runs each point once to warm up and to see its memory, then all in turn, there and back again.
pub fn in_turn(mut planned: Vec<Planned>, runs: usize) -> Vec<Point> {
    let mut points: Vec<Point> = planned
        .iter_mut()
        .map(|it| {
            let (peak_bytes, failed) = match (it.work)(Some(SAMPLING)) {
                Ok((_, peak)) => (peak.total_bytes(), None),
                Err(why) => (0, Some(format!("{why:#}"))),
            };
            let (value, pages) = (it.value, it.pages);
            Point { value, pages, wall_s: Vec::new(), cpu_s: Vec::new(), peak_bytes, failed }
        })
        .collect();
    for turn in stats::turns(points.len(), runs) {
        let point = &mut points[turn];
        if point.failed.is_some() {
            continue;
        }
        match (planned[turn].work)(None) {
            Ok((Cost { wall_s, cpu_s }, _)) => {
                point.wall_s.push(wall_s);
                point.cpu_s.push(cpu_s);
            }
            Err(why) => {
                point.wall_s.clear();
                point.cpu_s.clear();
                point.failed = Some(format!("{why:#}"));
            }
        }
    }
    points
}
