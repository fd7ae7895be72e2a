//! Two pictures of a page, and how alike they are.

use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Config, compute_ssimulacra2_with_config};
use serde::{Deserialize, Serialize};

use crate::excess::excess;
use crate::picture::Picture;
use crate::shift::{Overlap, Shift};

/// A pixel differs if its excess is above so many levels of 255.
///
/// Excess is what averaging over 3 × 3 px and moving by one pixel leave. A hairline of one black
/// pixel that is missing altogether has 85. What two engines leave of edges that they both draw is
/// below half of this on nearly all pages.
pub const DIFFERS_LEVELS: i16 = 40;

/// The side of a cell, in px: about a letter, at 100 dpi.
pub const CELL_PX: usize = 16;

/// Above so many pixels a score is computed in strips, which bounds its memory.
const STRIPS_ABOVE_PIXELS: usize = 4_000_000;

/// The height of such a strip, in px.
const STRIP_ROWS: usize = 512;

/// What comparing two pictures came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// They have one size, and differ by this much.
    Figures(Figures),
    /// They have different sizes, each width by height in px, and cannot be laid over each other.
    Sizes([(usize, usize); 2]),
}

/// How two pictures of one size differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Structural similarity as SSIMULACRA2 has it: 100 is identical, 70 hard to tell apart side by
    /// side, 30 plainly different; it may be negative.
    /// `None` if there is none to be had.
    pub score: Option<f64>,
    /// The shift under which the rest was counted.
    pub shift: Shift,
    /// The share of pixels that differ, by [`DIFFERS_LEVELS`].
    pub differing: f64,
    /// The share of differing pixels in the worst cell of [`CELL_PX`] × [`CELL_PX`]: what is local,
    /// such as one letter, is lost in the share of a page and stands out in that of a cell.
    pub worst_cell: f64,
    /// The share of darkness of each, 0 to 1.
    pub ink: [f64; 2],
}

impl Figures {
    /// What stands for two pictures that are the same, byte by byte.
    fn identical(ink: f64) -> Figures {
        Figures {
            score: Some(100.0),
            shift: Shift::default(),
            differing: 0.0,
            worst_cell: 0.0,
            ink: [ink; 2],
        }
    }

    /// By how much the second has more ink than the first; negative if it has less.
    pub fn more_ink(&self) -> f64 {
        self.ink[1] - self.ink[0]
    }
}

/// Compares two pictures.
pub fn compare(first: &Picture, second: &Picture) -> Comparison {
    if first.size_px() != second.size_px() {
        return Comparison::Sizes([first.size_px(), second.size_px()]);
    }
    if first == second {
        return Comparison::Figures(Figures::identical(first.ink()));
    }
    let shift = Shift::between(first, second);
    let overlap = shift.overlap(first.size_px());
    let excess = excess(first, second, &overlap);
    let cells = differing_by_cell(&excess, overlap.width_px);
    let differing: u32 = cells.counts.iter().sum();
    let worst_cell = cells.counts.iter().copied().max().unwrap_or(0);
    Comparison::Figures(Figures {
        score: score(first, second, &overlap),
        shift,
        differing: f64::from(differing) / excess.len().max(1) as f64,
        worst_cell: f64::from(worst_cell) / (CELL_PX * CELL_PX) as f64,
        ink: [first.ink(), second.ink()],
    })
}

/// How many pixels differ in each cell.
pub(crate) struct Cells {
    /// Cells in a row.
    pub(crate) columns: usize,
    /// One count for each cell, row after row.
    pub(crate) counts: Vec<u32>,
}

pub(crate) fn differing_by_cell(excess: &[i16], width_px: usize) -> Cells {
    let columns = width_px.div_ceil(CELL_PX);
    let rows = excess.len().checked_div(width_px).unwrap_or(0).div_ceil(CELL_PX);
    let mut counts = vec![0; columns * rows];
    for (y, row) in excess.chunks_exact(width_px.max(1)).enumerate() {
        for (column, part) in row.chunks(CELL_PX).enumerate() {
            let differing = part.iter().filter(|level| level.abs() > DIFFERS_LEVELS).count();
            counts[y / CELL_PX * columns + column] += differing as u32;
        }
    }
    Cells { columns, counts }
}

/// `None` if the scorer refuses the pictures, as it does where it counts pixels in fewer bits.
fn score(first: &Picture, second: &Picture, overlap: &Overlap) -> Option<f64> {
    let config = if overlap.width_px * overlap.height_px > STRIPS_ABOVE_PIXELS {
        Ssimulacra2Config::strips(STRIP_ROWS)
    } else {
        Ssimulacra2Config::default()
    };
    let stride = first.width_px() * 3;
    let (width, height) = (u32::try_from(overlap.width_px).ok()?, u32::try_from(overlap.height_px).ok()?);
    let part = |picture, x, y| {
        let rgb = &Picture::rgb(picture)[y * stride + x * 3..];
        PixelSlice::new(rgb, width, height, stride, PixelDescriptor::RGB8_SRGB).ok()
    };
    let (first, second) =
        (part(first, overlap.x, overlap.y)?, part(second, overlap.other_x, overlap.other_y)?);
    compute_ssimulacra2_with_config(&first, &second, &config).ok()
}
