//! Counts colours and gray levels, and writes small numbers of them in few bits.

use render_api::Pixmap;

use super::super::pixels::are_equal;
use super::super::{ColorMode, EncodeError, ImageFormat, set_len};
use super::{Layout, filter};

/// The most colours that a palette can hold.
const MAX_COLORS: usize = 256;

/// Packs 8-bit gray rows into 1, 2 or 4 bits a pixel where that is exact.
///
/// Rows have a filter byte before `width` levels, and keep it. Levels that are not those of a
/// smaller depth become a palette if `color` leaves the choice.
pub(super) fn narrow_gray(rows: &mut Vec<u8>, width: usize, color: ColorMode) -> Layout {
    let Some(seen) = few_levels(rows, width) else {
        return Layout::Gray { bits: 8 };
    };
    let levels: Vec<u8> = (0..=255).filter(|&level| seen[usize::from(level)]).collect();
    let mut codes = [0; 256];
    for bits in [1, 2, 4] {
        let step = 255 / ((1 << bits) - 1);
        if levels.iter().all(|level| level % step == 0) {
            for &level in &levels {
                codes[usize::from(level)] = level / step;
            }
            pack(rows, width, bits, |level| codes[usize::from(level)]);
            return Layout::Gray { bits };
        }
    }
    if color != ColorMode::Auto {
        return Layout::Gray { bits: 8 };
    }
    for (code, &level) in (0..).zip(&levels) {
        codes[usize::from(level)] = code;
    }
    let bits = index_bits(levels.len());
    pack(rows, width, bits, |level| codes[usize::from(level)]);
    Layout::Indexed { bits, palette: levels.into_iter().map(|level| [level; 3]).collect() }
}

/// Which levels there are, if they are no more than 16.
///
/// Anti-aliased text has more within its first line, so that this ends early; above it, rows that
/// are like the one before are passed over.
fn few_levels(rows: &[u8], width: usize) -> Option<[bool; 256]> {
    let mut seen = [false; 256];
    let mut count = 0;
    let mut above: &[u8] = &[];
    for row in rows.chunks_exact(1 + width) {
        let row = &row[1..];
        if are_equal(row, above) {
            continue;
        }
        above = row;
        for &level in row {
            let seen = &mut seen[usize::from(level)];
            if !*seen {
                *seen = true;
                count += 1;
                if count > 16 {
                    return None;
                }
            }
        }
    }
    Some(seen)
}

/// Writes an index into a palette for each pixel into `rows`, if there are no more than 256
/// colours. Alpha is not looked at.
///
/// # Errors
///
/// [`EncodeError::OutOfMemory`].
pub(super) fn index_colors(pixmap: &Pixmap, rows: &mut Vec<u8>) -> Result<Option<Layout>, EncodeError> {
    let width = pixmap.width_px() as usize;
    let stride = 1 + width;
    set_len(rows, stride * pixmap.height_px() as usize, ImageFormat::Png)?;
    let mut palette = Palette::new();
    let mut above: &[u8] = &[];
    for (y, pixels) in pixmap.data().chunks_exact(pixmap.stride()).enumerate() {
        let start = y * stride;
        if are_equal(pixels, above) {
            rows.copy_within(start - stride..start, start);
            continue;
        }
        above = pixels;
        let row = &mut rows[start..][..stride];
        row[0] = filter::NONE;
        let complete = match pixmap.format().bytes_per_pixel() {
            3 => palette.index_row::<3>(pixels, &mut row[1..]),
            _ => palette.index_row::<4>(pixels, &mut row[1..]),
        };
        if !complete {
            return Ok(None);
        }
    }
    let bits = index_bits(palette.colors.len());
    if bits < 8 {
        pack(rows, width, bits, |index| index);
    }
    Ok(Some(Layout::Indexed { bits, palette: palette.colors }))
}

/// Colours in the order of their first appearance, found again by hash.
struct Palette {
    colors: Vec<[u8; 3]>,
    /// Open addressing: a colour, and its index plus one; no index is a free slot.
    slots: [(u32, u16); Palette::SLOTS],
}

impl Palette {
    /// Four times as many as there are colours, so that probing stays short.
    const SLOTS: usize = 1 << Palette::SLOT_BITS;
    const SLOT_BITS: u32 = 10;

    fn new() -> Palette {
        Palette { colors: Vec::with_capacity(MAX_COLORS), slots: [(0, 0); Palette::SLOTS] }
    }

    /// Writes the index of each pixel; false, with the work undone, if there are too many colours.
    fn index_row<const BYTES: usize>(&mut self, pixels: &[u8], indices: &mut [u8]) -> bool {
        // No colour has a fourth byte, so that the first pixel is looked up.
        let (mut last, mut last_index) = (u32::MAX, 0);
        for (index, pixel) in indices.iter_mut().zip(pixels.as_chunks::<BYTES>().0) {
            let color = u32::from_be_bytes([0, pixel[0], pixel[1], pixel[2]]);
            if color != last {
                let Some(found) = self.index_of(color) else {
                    return false;
                };
                (last, last_index) = (color, found);
            }
            *index = last_index;
        }
        true
    }

    fn index_of(&mut self, color: u32) -> Option<u8> {
        let mut slot = (color.wrapping_mul(0x9E37_79B1) >> (32 - Palette::SLOT_BITS)) as usize;
        loop {
            match &mut self.slots[slot] {
                (known, number) if *number != 0 && *known == color => return Some((*number - 1) as u8),
                (_, 1..) => slot = (slot + 1) % Palette::SLOTS,
                free => {
                    if self.colors.len() == MAX_COLORS {
                        return None;
                    }
                    let [_, r, g, b] = color.to_be_bytes();
                    self.colors.push([r, g, b]);
                    *free = (color, self.colors.len() as u16);
                    return Some((self.colors.len() - 1) as u8);
                }
            }
        }
    }
}

/// The least depth that can hold an index for each of `colors`.
fn index_bits(colors: usize) -> u8 {
    match colors {
        0..=2 => 1,
        3..=4 => 2,
        5..=16 => 4,
        _ => 8,
    }
}

/// Packs rows of bytes in place, leftmost pixel in the highest bits; `code` gives the bits of a
/// byte.
fn pack(rows: &mut Vec<u8>, width: usize, bits: u8, code: impl Fn(u8) -> u8) {
    let per_byte = usize::from(8 / bits);
    let packed_stride = 1 + width.div_ceil(per_byte);
    let height = rows.len() / (1 + width);
    for y in 0..height {
        // A packed row ends at or before the end of the row it is made of, and the filter byte
        // moves first.
        let (from, to) = (y * (1 + width), y * packed_stride);
        rows[to] = rows[from];
        for i in 0..packed_stride - 1 {
            let first = from + 1 + i * per_byte;
            let last = (first + per_byte).min(from + 1 + width);
            let mut byte = 0;
            for &value in &rows[first..last] {
                byte = byte << bits | code(value);
            }
            let missing = per_byte - (last - first);
            rows[to + 1 + i] = byte << (missing * usize::from(bits));
        }
    }
    rows.truncate(packed_stride * height);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_of_a_packed_row_is_filled_with_zeros() {
        let mut rows = vec![0, 1, 0, 1, 0, 1, 1, 0, 1];
        pack(&mut rows, 2, 1, |level| level);
        assert_eq!(rows.len(), 6);
        let mut rows = vec![7, 1, 2, 3, 7, 3, 2, 1];
        pack(&mut rows, 3, 2, |level| level);
        assert_eq!(rows, [7, 0b01_10_11_00, 7, 0b11_10_01_00]);
    }

    #[test]
    fn colours_that_share_a_slot_stay_apart() {
        let mut palette = Palette::new();
        for round in 0..2 {
            for color in 0..MAX_COLORS as u32 {
                assert_eq!(palette.index_of(color << 10), Some(color as u8), "round {round}");
            }
        }
        assert_eq!(palette.index_of(1), None);
    }
}
