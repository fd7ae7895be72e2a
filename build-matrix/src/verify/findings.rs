//! What was seen of a cell, and all that is wrong with it.

use std::fmt::Display;

use anyhow::{Result, bail};

use crate::record::Check;

/// Collects what holds and what does not, so that a cell is told all its faults at once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    checks: Vec<Check>,
    faults: Vec<String>,
}

impl Findings {
    /// Notes something that holds: where, what was looked at, and what was seen.
    pub(super) fn holds(&mut self, place: impl Display, name: impl Display, seen: impl Into<String>) {
        self.checks.push(Check { name: format!("{place}: {name}"), seen: seen.into() });
    }

    /// Notes something that is wrong: where, and what.
    pub(super) fn fault(&mut self, place: impl Display, what: impl Display) {
        self.faults.push(format!("{place}: {what}"));
    }

    /// Notes what was seen, or why it is wrong.
    pub(super) fn note<E: Display>(
        &mut self,
        place: impl Display,
        name: impl Display,
        outcome: Result<impl Into<String>, E>,
    ) {
        match outcome {
            Ok(seen) => self.holds(place, name, seen),
            // The whole chain of causes, where there is one.
            Err(what) => self.fault(place, format_args!("{what:#}")),
        }
    }

    /// What is wrong so far.
    #[cfg(test)]
    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The checks, if nothing is wrong.
    pub(super) fn into_checks(self) -> Result<Vec<Check>> {
        match self.faults.as_slice() {
            [] => Ok(self.checks),
            [fault] => bail!("{fault}"),
            faults => bail!("{} faults:\n  - {}", faults.len(), faults.join("\n  - ")),
        }
    }
}
