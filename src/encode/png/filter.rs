//! Replaces bytes by their differences from neighbours, in rows where that makes them small.
//!
//! Text and line art compress best as they are, since what repeats are whole strokes; a filter would break the
//! repetitions up. So a row in which most pixels are like their neighbour stays as it is,
//! and another gets the filter with the least sum of absolute differences (PNG specification, 12.7).

use super::super::{EncodeError, ImageFormat, set_len};

/// The filter that changes nothing.
pub(super) const NONE: u8 = 0;

/// Sub, up, average, Paeth: the filters that do something, by their number in the file less one.
const FILTERS: usize = 4;

/// Buffers for one row in each filter's version.
#[derive(Default)]
pub(super) struct Filters {
    candidates: Vec<u8>,
}

impl Filters {
    /// Filters all rows in place; each has its filter byte before it, and pixels of
    /// `bytes_per_pixel` bytes. The answer is how many rows were changed.
    ///
    /// # Errors
    ///
    /// [`EncodeError::OutOfMemory`].
    pub(super) fn apply(
        &mut self,
        rows: &mut [u8],
        stride: usize,
        bytes_per_pixel: usize,
    ) -> Result<usize, EncodeError> {
        let mut filtered_rows = 0;
        let row_bytes = stride - 1;
        // The row above the first is black.
        set_len(&mut self.candidates, (FILTERS + 1) * row_bytes, ImageFormat::Png)?;
        let (black, candidates) = self.candidates.split_at_mut(row_bytes);
        black.fill(0);
        // From the bottom up, so that the row above is still unfiltered.
        for start in (0..rows.len() / stride).rev().map(|y| y * stride) {
            let (before, rest) = rows.split_at_mut(start);
            let above = if start == 0 { &*black } else { &before[start - row_bytes..] };
            let (filter_byte, row) = rest[..stride].split_at_mut(1);
            if is_flat(row, bytes_per_pixel) {
                filter_byte[0] = NONE;
                continue;
            }
            let mut candidates = candidates.chunks_exact_mut(row_bytes);
            let best = (1..)
                .zip(FILTER_ROW)
                .zip(&mut candidates)
                .map(|((number, filter_row), out)| {
                    filter_row(row, above, bytes_per_pixel, out);
                    (cost(out), number, out)
                })
                .min_by_key(|&(cost, number, _)| (cost, number));
            if let Some((_, number, filtered)) = best {
                filtered_rows += 1;
                filter_byte[0] = number;
                row.copy_from_slice(filtered);
            }
        }
        Ok(filtered_rows)
    }
}

/// Tells whether at least half of the bytes are those of the pixel before.
fn is_flat(row: &[u8], bytes_per_pixel: usize) -> bool {
    // Counted in a byte for up to 255 pairs at a time, which is what vector instructions are good at.
    let repeated: usize = row[bytes_per_pixel..]
        .chunks(255)
        .zip(row.chunks(255))
        .map(|(a, b)| usize::from(a.iter().zip(b).map(|(a, b)| u8::from(a == b)).sum::<u8>()))
        .sum();
    repeated * 2 >= row.len()
}

type FilterRow = fn(row: &[u8], above: &[u8], bytes_per_pixel: usize, out: &mut [u8]);

const FILTER_ROW: [FilterRow; FILTERS] = [
    |row, _, n, out| filter_row(row, row, n, out, |x, left, _, _| x.wrapping_sub(left)),
    |row, above, n, out| filter_row(row, above, n, out, |x, _, above, _| x.wrapping_sub(above)),
    |row, above, n, out| {
        filter_row(row, above, n, out, |x, left, above, _| {
            x.wrapping_sub(((u16::from(left) + u16::from(above)) / 2) as u8)
        });
    },
    |row, above, n, out| {
        filter_row(row, above, n, out, |x, left, above, before| x.wrapping_sub(paeth(left, above, before)));
    },
];

/// Writes `f(x, left, above, left above)` for each byte `x`, where what is outside of the image is 0.
#[inline(always)]
fn filter_row(row: &[u8], above: &[u8], n: usize, out: &mut [u8], f: impl Fn(u8, u8, u8, u8) -> u8) {
    for ((out, &x), &above) in out.iter_mut().zip(row).zip(above).take(n) {
        *out = f(x, 0, above, 0);
    }
    let out = out[n..].iter_mut();
    for ((((out, &x), &left), &above), &before) in out.zip(&row[n..]).zip(row).zip(&above[n..]).zip(above) {
        *out = f(x, left, above, before);
    }
}

/// Whichever of the three is nearest to `left + above − before`; the first of equals.
#[inline(always)]
fn paeth(left: u8, above: u8, before: u8) -> u8 {
    let [a, b, c] = [i16::from(left), i16::from(above), i16::from(before)];
    let (to_left, to_above, to_before) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    if to_left <= to_above && to_left <= to_before {
        left
    } else if to_above <= to_before {
        above
    } else {
        before
    }
}

/// The sum of the differences' sizes, of which −1 is as small as 1.
fn cost(filtered: &[u8]) -> u32 {
    filtered.iter().map(|&d| u32::from(d.cast_signed().unsigned_abs())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paeth_takes_the_neighbour_nearest_to_the_plane_through_all_three() {
        assert_eq!(paeth(10, 20, 10), 20);
        assert_eq!(paeth(20, 10, 10), 20);
        assert_eq!(paeth(10, 30, 20), 20);
        assert_eq!(paeth(0, 0, 255), 0);
    }

    #[test]
    fn rows_of_strokes_stay_as_they_are_and_ramps_do_not() {
        let strokes: Vec<u8> = (0..1000).map(|i| if i % 10 < 3 { i as u8 } else { 255 }).collect();
        let ramp: Vec<u8> = (0..1000).map(|i| i as u8).collect();
        assert!(is_flat(&strokes, 1));
        assert!(!is_flat(&ramp, 1));
        let mut rows = [[0].as_slice(), &strokes, &[0], &ramp].concat();
        assert_eq!(Filters::default().apply(&mut rows, 1001, 1), Ok(1));
        assert_eq!(rows[..1001], [[0].as_slice(), &strokes].concat());
        assert_ne!(rows[1001], NONE);
        assert!(rows[1010..].iter().filter(|&&d| d == rows[1500]).count() > 900);
    }
}
