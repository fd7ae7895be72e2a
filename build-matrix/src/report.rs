//! Makes the report of all records.

use anyhow::{Result, bail};

use crate::{Layout, Matrix};

/// Writes `report.json`, `report.md`, `report.csv` and `report.html` into [`Layout::report`].
///
/// # Errors
///
/// To be written.
pub fn report(_matrix: &Matrix, _layout: &Layout) -> Result<()> {
    bail!("not written yet")
}
