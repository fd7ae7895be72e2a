//! Packages a cell.

use anyhow::{Result, bail};

use crate::record::Packaged;
use crate::{Cell, Layout, Matrix, Stage, run};

/// Does the stage for each cell and keeps a record of each; whether it worked for all.
///
/// # Errors
///
/// If a record cannot be kept. A cell that fails is recorded.
pub fn package(matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    let mut works = true;
    for cell in cells {
        works &= run(Stage::Package, cell, layout, None, || package_cell(matrix, layout, cell))?;
    }
    Ok(works)
}

fn package_cell(_matrix: &Matrix, _layout: &Layout, _cell: &Cell) -> Result<Packaged> {
    bail!("not written yet")
}
