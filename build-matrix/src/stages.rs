use std::fmt;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{Outcome, Record};
use crate::{Cell, Layout};

/// What is done to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Has cargo and zig make the executables.
    Build,
    /// Proves what they are and where they run.
    Verify,
    /// Makes the archives.
    Package,
    /// Makes the figures.
    Measure,
}

impl Stage {
    /// Every stage, in the order in which a cell goes through them.
    pub const ALL: [Stage; 4] = [Stage::Build, Stage::Verify, Stage::Package, Stage::Measure];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Build => "build",
            Stage::Verify => "verify",
            Stage::Package => "package",
            Stage::Measure => "measure",
        })
    }
}

/// Does a stage for a cell and keeps the record, or takes the record that there is of the same.
///
/// `of` is a hash of what the stage works on; `None` is done in any case. A failure is recorded and
/// reported, not returned, so that the other cells go on; the result says whether it worked.
///
/// # Errors
///
/// If the record cannot be kept.
pub fn run<T: Serialize + DeserializeOwned>(
    stage: Stage,
    cell: &Cell,
    layout: &Layout,
    of: Option<String>,
    work: impl FnOnce() -> Result<T>,
) -> Result<bool> {
    if let Some(of) = &of
        && Record::<T>::read(layout, &cell.to_string(), stage)
            .is_some_and(|it| it.of == *of && it.done().is_some())
    {
        eprintln!("{stage:>8} {cell}: as before");
        return Ok(true);
    }
    eprintln!("{stage:>8} {cell} …");
    let started = Instant::now();
    let outcome = match work() {
        Ok(found) => Outcome::Done(found),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    let seconds = started.elapsed().as_secs_f64();
    match &outcome {
        Outcome::Done(_) => eprintln!("{stage:>8} {cell}: done in {seconds:.0} s"),
        Outcome::Failed(why) => eprintln!("{stage:>8} {cell}: FAILED after {seconds:.0} s: {why}"),
    }
    let works = matches!(outcome, Outcome::Done(_));
    Record { cell: cell.to_string(), seconds, of: of.unwrap_or_default(), outcome }.write(layout, stage)?;
    Ok(works)
}

impl<T> Record<T> {
    /// Why the stage failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Done(_) => None,
            Outcome::Failed(why) => Some(why),
        }
    }
}
