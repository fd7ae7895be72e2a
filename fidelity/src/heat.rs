//! Where two pictures differ, as a picture.

use crate::compare::{CELL_PX, DIFFERS_LEVELS, differing_by_cell};
use crate::excess::excess;
use crate::picture::Picture;
use crate::shift::Shift;

/// Where only the first picture has ink.
const FIRST: [u8; 3] = [214, 39, 40];

/// Where only the second picture has ink.
const SECOND: [u8; 3] = [31, 90, 200];

/// What is under a cell in which something differs.
const CELL: [u8; 3] = [255, 221, 87];

/// Draws the first picture pale, cells that have differing pixels on yellow, and those pixels red
/// where the first picture is the darker one, blue where the second is.
///
/// `None` if the pictures differ in size.
pub fn heat_map(first: &Picture, second: &Picture) -> Option<Picture> {
    if first.size_px() != second.size_px() {
        return None;
    }
    let (width_px, height_px) = first.size_px();
    let overlap = Shift::between(first, second).overlap(first.size_px());
    let excess = excess(first, second, &overlap);
    let cells = differing_by_cell(&excess, overlap.width_px);
    let mut rgb: Vec<u8> = first.luma().iter().flat_map(|&luma| [pale(luma); 3]).collect();
    for (i, &level) in excess.iter().enumerate() {
        let (x, y) = (i % overlap.width_px, i / overlap.width_px);
        let in_cell = cells.counts[y / CELL_PX * cells.columns + x / CELL_PX] > 0;
        let pixel = &mut rgb[((overlap.y + y) * width_px + overlap.x + x) * 3..][..3];
        if level > DIFFERS_LEVELS {
            pixel.copy_from_slice(&FIRST);
        } else if level < -DIFFERS_LEVELS {
            pixel.copy_from_slice(&SECOND);
        } else if in_cell {
            for (value, tint) in pixel.iter_mut().zip(CELL) {
                *value = (u16::from(*value) * u16::from(tint) / 255) as u8;
            }
        }
    }
    Picture::new(width_px, height_px, rgb).ok()
}

/// A page in the background: black becomes a middle gray.
fn pale(luma: u8) -> u8 {
    170 + luma / 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_that_only_one_has_is_red_or_blue_and_the_rest_is_pale() {
        let blank = Picture::new(64, 48, vec![255; 64 * 48 * 3]).unwrap();
        let blot = |i: usize| (20..30).contains(&(i % 64)) && (20..30).contains(&(i / 64));
        let inked = (0..64 * 48).flat_map(|i| [if blot(i) { 0 } else { 255 }; 3]).collect();
        let inked = Picture::new(64, 48, inked).unwrap();
        let at = |map: &Picture, x: usize, y: usize| map.rgb()[(y * 64 + x) * 3..][..3].to_vec();
        let (lost, won) = (heat_map(&inked, &blank).unwrap(), heat_map(&blank, &inked).unwrap());
        assert_eq!((at(&lost, 25, 25), at(&won, 25, 25)), (FIRST.to_vec(), SECOND.to_vec()));
        assert_eq!(at(&lost, 2, 2), [255; 3]);
        assert_eq!(at(&lost, 17, 17), CELL, "the cell of the blot is marked");
    }

    #[test]
    fn pictures_of_two_sizes_have_no_map() {
        let of = |width_px| Picture::new(width_px, 1, vec![0; width_px * 3]).unwrap();
        assert_eq!(heat_map(&of(1), &of(2)), None);
    }
}
