//! Measures a cell.

pub mod sizes;

use anyhow::{Result, bail};

use crate::record::Measured;
use crate::{Cell, Layout, Matrix, Stage, run};

/// Does the stage for each cell and keeps a record of each; whether it worked for all.
///
/// # Errors
///
/// If a record cannot be kept. A cell that fails is recorded.
pub fn measure(matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    let mut works = true;
    for cell in cells {
        works &= run(Stage::Measure, cell, layout, None, || measure_cell(matrix, layout, cell))?;
    }
    Ok(works)
}

fn measure_cell(_matrix: &Matrix, _layout: &Layout, _cell: &Cell) -> Result<Measured> {
    bail!("not written yet")
}
