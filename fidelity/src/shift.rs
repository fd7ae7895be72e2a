//! The best shift of one picture over the other.

use serde::{Deserialize, Serialize};

use crate::picture::Picture;

/// The farthest that a picture is shifted, in px.
pub const MAX_SHIFT_PX: isize = 2;

/// A shift has to take away this share of the difference, or the pictures stay where they are: on
/// a page that is all alike, or all different, every shift is as good as another.
const WORTHWHILE: f64 = 0.25;

/// How far the second picture lies to the right of the first and below it, in px.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shift {
    /// To the right.
    pub right_px: isize,
    /// Down.
    pub down_px: isize,
}

impl Shift {
    /// The shift that makes two pictures of one size most alike.
    ///
    /// Whole pixels are enough: what is left is at most half a pixel, and the comparison forgives
    /// a whole one.
    pub(crate) fn between(first: &Picture, second: &Picture) -> Shift {
        let (first_luma, second_luma) = (first.luma(), second.luma());
        let difference = |shift: Shift| shift.difference(first.size_px(), &first_luma, &second_luma);
        let stay = difference(Shift::default());
        let mut best = (Shift::default(), stay * (1.0 - WORTHWHILE));
        for down_px in -MAX_SHIFT_PX..=MAX_SHIFT_PX {
            for right_px in -MAX_SHIFT_PX..=MAX_SHIFT_PX {
                let shift = Shift { right_px, down_px };
                let left = difference(shift);
                if left < best.1 {
                    best = (shift, left);
                }
            }
        }
        best.0
    }

    /// Where two pictures of one size lie over each other; empty if they do not.
    pub(crate) fn overlap(self, (width_px, height_px): (usize, usize)) -> Overlap {
        let along = |shift_px: isize, length_px: usize| {
            let gone = shift_px.unsigned_abs();
            // A shift to the right means that the first picture's start is in the second's middle.
            let (first, second) = if shift_px < 0 { (gone, 0) } else { (0, gone) };
            (first, second, length_px.saturating_sub(gone))
        };
        let (x, other_x, width_px) = along(self.right_px, width_px);
        let (y, other_y, height_px) = along(self.down_px, height_px);
        Overlap { x, y, other_x, other_y, width_px, height_px }
    }

    /// The mean difference of luma where the pictures lie over each other.
    fn difference(self, size_px: (usize, usize), first: &[u8], second: &[u8]) -> f64 {
        let overlap = self.overlap(size_px);
        let pixels = overlap.width_px * overlap.height_px;
        if pixels == 0 {
            return f64::INFINITY;
        }
        let stride = size_px.0;
        let mut sum = 0_u64;
        for row in 0..overlap.height_px {
            let a = &first[(overlap.y + row) * stride + overlap.x..][..overlap.width_px];
            let b = &second[(overlap.other_y + row) * stride + overlap.other_x..][..overlap.width_px];
            sum += a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        }
        sum as f64 / pixels as f64
    }
}

/// Where two pictures lie over each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overlap {
    /// The first column, in the first picture.
    pub(crate) x: usize,
    /// The first row, in the first picture.
    pub(crate) y: usize,
    /// The first column, in the second picture.
    pub(crate) other_x: usize,
    /// The first row, in the second picture.
    pub(crate) other_y: usize,
    /// Width in px.
    pub(crate) width_px: usize,
    /// Height in px.
    pub(crate) height_px: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dark square of 6 px on white, of 40 × 30 px.
    fn square(left: usize, top: usize) -> Picture {
        let dark = |i: usize| (left..left + 6).contains(&(i % 40)) && (top..top + 6).contains(&(i / 40));
        let rgb = (0..40 * 30).flat_map(|i| [if dark(i) { 20 } else { 255 }; 3]).collect();
        Picture::new(40, 30, rgb).unwrap()
    }

    #[test]
    fn a_picture_is_found_where_it_was_moved_to() {
        for (right_px, down_px) in [(0, 0), (1, 0), (-1, 0), (0, -2), (2, 2), (-2, 1)] {
            let moved = square((10 + right_px) as usize, (10 + down_px) as usize);
            assert_eq!(Shift::between(&square(10, 10), &moved), Shift { right_px, down_px });
        }
    }

    #[test]
    fn a_picture_is_not_moved_for_nothing() {
        let blank = Picture::new(40, 30, vec![255; 40 * 30 * 3]).unwrap();
        assert_eq!(Shift::between(&blank, &blank), Shift::default());
        assert_eq!(Shift::between(&square(10, 10), &blank), Shift::default());
    }

    #[test]
    fn pictures_smaller_than_the_shift_stay_where_they_are() {
        let dot = |gray: u8| Picture::new(1, 1, vec![gray; 3]).unwrap();
        assert_eq!(Shift::between(&dot(0), &dot(255)), Shift::default());
    }
}
