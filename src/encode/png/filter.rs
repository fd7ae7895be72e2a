//! Replaces bytes by their differences from neighbours, in rows where that makes them small.
//!
//! Text and line art compress best as they are, since what repeats are whole strokes; a filter
//! would break the repetitions up. So a row in which most pixels are like their neighbour stays as
//! it is, and another gets the filter with the least sum of absolute differences (PNG
//! specification, 12.7).

use super::super::{EncodeError, ImageFormat, set_len};

/// The filter that changes nothing.
pub(super) const NONE: u8 = 0;

const SUB: u8 = 1;
const UP: u8 = 2;
const AVERAGE: u8 = 3;
const PAETH: u8 = 4;

/// The filters that do something.
pub(super) const ALL: &[u8] = &[SUB, UP, AVERAGE, PAETH];

/// Those that cost least to compute.
pub(super) const SIMPLE: &[u8] = &[SUB, UP];

/// Buffers for a row under a filter.
#[derive(Default)]
pub(super) struct Filters {
    /// The row above the first, the best version of a row so far, and another.
    scratch: Vec<u8>,
}

impl Filters {
    /// Filters all rows in place with those of `filters` that suit them best; each row has its
    /// filter byte before it, and pixels of `bytes_per_pixel` bytes. The answer is how many rows
    /// were changed.
    ///
    /// # Errors
    ///
    /// [`EncodeError::OutOfMemory`].
    pub(super) fn apply(
        &mut self,
        rows: &mut [u8],
        stride: usize,
        bytes_per_pixel: usize,
        filters: &[u8],
    ) -> Result<usize, EncodeError> {
        set_len(&mut self.scratch, 3 * (stride - 1), ImageFormat::Png)?;
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: The CPU has AVX2.
            #[allow(unsafe_code, reason = "filters are twice as fast with vectors of 32 bytes")]
            return Ok(unsafe {
                filter_rows_avx2(rows, stride, bytes_per_pixel, filters, &mut self.scratch)
            });
        }
        Ok(filter_rows(rows, stride, bytes_per_pixel, filters, &mut self.scratch))
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn filter_rows_avx2(
    rows: &mut [u8],
    stride: usize,
    bytes_per_pixel: usize,
    filters: &[u8],
    scratch: &mut [u8],
) -> usize {
    filter_rows(rows, stride, bytes_per_pixel, filters, scratch)
}

#[inline(always)]
fn filter_rows(
    rows: &mut [u8],
    stride: usize,
    bytes_per_pixel: usize,
    filters: &[u8],
    scratch: &mut [u8],
) -> usize {
    let row_bytes = stride - 1;
    let (black, scratch) = scratch.split_at_mut(row_bytes);
    let (mut best, mut other) = scratch.split_at_mut(row_bytes);
    black.fill(0);
    let mut filtered_rows = 0;
    // From the bottom up, so that the row above is still unfiltered.
    for start in (0..rows.len() / stride).rev().map(|y| y * stride) {
        let (before, rest) = rows.split_at_mut(start);
        let above = if start == 0 { &*black } else { &before[start - row_bytes..] };
        let (filter_byte, row) = rest[..stride].split_at_mut(1);
        if is_flat(row, bytes_per_pixel) {
            filter_byte[0] = NONE;
            continue;
        }
        filtered_rows += 1;
        let mut least = u64::MAX;
        for &filter in filters {
            filter_row(filter, row, above, bytes_per_pixel, other);
            let cost = cost(other);
            if cost < least {
                least = cost;
                filter_byte[0] = filter;
                (best, other) = (other, best);
            }
        }
        row.copy_from_slice(best);
    }
    filtered_rows
}

/// Tells whether at least half of the bytes are those of the pixel before.
#[inline(always)]
fn is_flat(row: &[u8], bytes_per_pixel: usize) -> bool {
    // Counted in a byte for so many pairs at a time, a number of whole vectors below 256.
    const PART: usize = 224;
    let (late, early) = (&row[bytes_per_pixel..], row);
    let mut repeated = 0;
    let (late_parts, late_rest) = late.as_chunks::<PART>();
    for (late, early) in late_parts.iter().zip(early.as_chunks::<PART>().0) {
        repeated += usize::from(late.iter().zip(early).map(|(a, b)| u8::from(a == b)).sum::<u8>());
        // Paper is known for what it is half-way.
        if repeated * 2 >= row.len() {
            return true;
        }
    }
    let early_rest = &early[late.len() - late_rest.len()..];
    repeated += late_rest.iter().zip(early_rest).filter(|(a, b)| a == b).count();
    repeated * 2 >= row.len()
}

/// Writes what `filter` makes of a row.
#[inline(always)]
fn filter_row(filter: u8, row: &[u8], above: &[u8], n: usize, out: &mut [u8]) {
    match filter {
        SUB => map_row(row, above, n, out, |x, left, _, _| x.wrapping_sub(left)),
        UP => map_row(row, above, n, out, |x, _, above, _| x.wrapping_sub(above)),
        AVERAGE => map_row(row, above, n, out, |x, left, above, _| {
            x.wrapping_sub(((u16::from(left) + u16::from(above)) / 2) as u8)
        }),
        PAETH => {
            map_row(row, above, n, out, |x, left, above, before| x.wrapping_sub(paeth(left, above, before)))
        }
        _ => out.copy_from_slice(row),
    }
}

/// Writes `f(x, left, above, left above)` for each byte `x`, where what is outside of the image is
/// 0.
#[inline(always)]
fn map_row(row: &[u8], above: &[u8], n: usize, out: &mut [u8], f: impl Fn(u8, u8, u8, u8) -> u8) {
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
#[inline(always)]
fn cost(filtered: &[u8]) -> u64 {
    // In 32 bits for as many as those hold, which is what vector instructions are good at.
    let size = |&difference: &u8| u32::from(difference.cast_signed().unsigned_abs());
    filtered.chunks(1 << 16).map(|part| u64::from(part.iter().map(size).sum::<u32>())).sum()
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
        assert_eq!(Filters::default().apply(&mut rows, 1001, 1, ALL), Ok(1));
        assert_eq!(rows[..1001], [[0].as_slice(), &strokes].concat());
        assert_ne!(rows[1001], NONE);
        assert!(rows[1010..].iter().filter(|&&d| d == rows[1500]).count() > 900);
    }
}
