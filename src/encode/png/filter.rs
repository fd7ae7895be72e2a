//! Replaces bytes by their differences from neighbours, in rows where that makes them small.
//!
//! Text and line art compress best as they are, since what repeats are whole strokes; a filter
//! would break the repetitions up. So rows of steep edges stay as they are, and one of small steps
//! among others, along it or down the page, gets the filter with the least sum of absolute differences
//! (PNG specification, 12.7).
//! Many rows that are the same, of lines that go down the page, are no difference from each other.

use super::super::pixels::are_equal;
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

/// The largest difference of a channel between neighbouring pixels that is a small step.
const SMALL_STEP: u8 = 4;

/// In a picture, one pixel of so many or more differs from the one before. In a gradient of wider bands, what
/// is above is most often found again as it was.
const LEAST_CHANGED: usize = 16;

/// In a picture, one difference of so many or more is a small step.
const LEAST_SMALL: usize = 3;

/// Where something fades down the page, one pixel of so many or more differs from the one above.
const LEAST_FADED: usize = 100;

/// And one of so many or fewer: where the paper does too, each row of it is a run of another colour.
const MOST_FADED: usize = 2;

/// Of these differences one of so many or more is a small step.
const LEAST_SMALL_FADED: usize = 2;

/// Along the row the difference from above changes once where the row itself does so many times or more: it is
/// the same all over the bar of a chart, and nothing where none fades.
const LEAST_EVEN: usize = 2;

/// So many rows above and below take part in what is done to a row: one alone, filtered, would only
/// keep the rows around it from being copies of each other.
const NEARBY: usize = 16;

/// So many rows that are the same as the one above, one below the other, are crossed by lines or a frame.
/// As differences from above each is one run; but what follows cannot be copied from them.
const LEAST_REPEATED: usize = 16;

/// From this size on all differences cost the same, as they take much the same bits.
const LARGE_DIFFERENCE: u8 = 8;

/// What is known of a row: by itself it is like one of a picture.
const PICTURE: u8 = 1;

/// It is one of many that are the same.
const REPEATED: u8 = 2;

/// Buffers for a row under a filter.
#[derive(Default)]
pub(super) struct Filters {
    /// The row above the first, the best version of a row so far, and another.
    scratch: Vec<u8>,
    /// What is known of each row: [`PICTURE`], [`REPEATED`], both or neither.
    kinds: Vec<u8>,
}

impl Filters {
    /// Filters all rows in place with those of `filters` that suit them best; each row has its
    /// filter byte before it, and pixels of `bytes_per_pixel` bytes.
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
    ) -> Result<(), EncodeError> {
        set_len(&mut self.scratch, 3 * (stride - 1), ImageFormat::Png)?;
        set_len(&mut self.kinds, rows.len() / stride, ImageFormat::Png)?;
        let (kinds, scratch) = (&mut self.kinds, &mut self.scratch);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: The CPU has AVX2.
            #[allow(unsafe_code, reason = "filters are twice as fast with vectors of 32 bytes")]
            unsafe {
                filter_rows_avx2(rows, stride, bytes_per_pixel, filters, kinds, scratch);
            };
            return Ok(());
        }
        filter_rows(rows, stride, bytes_per_pixel, filters, kinds, scratch);
        Ok(())
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn filter_rows_avx2(
    rows: &mut [u8],
    stride: usize,
    bytes_per_pixel: usize,
    filters: &[u8],
    kinds: &mut [u8],
    scratch: &mut [u8],
) {
    filter_rows(rows, stride, bytes_per_pixel, filters, kinds, scratch)
}

#[inline(always)]
fn filter_rows(
    rows: &mut [u8],
    stride: usize,
    bytes_per_pixel: usize,
    filters: &[u8],
    kinds: &mut [u8],
    scratch: &mut [u8],
) {
    let row_bytes = stride - 1;
    let (black, scratch) = scratch.split_at_mut(row_bytes);
    let (mut best, mut other) = scratch.split_at_mut(row_bytes);
    black.fill(0);
    look_at_rows(rows, stride, bytes_per_pixel, kinds);
    // How many of the rows nearby are like those of a picture.
    let count = |kinds: &[u8]| kinds.iter().map(|&kind| usize::from(kind & PICTURE)).sum::<usize>();
    let height = kinds.len();
    let mut pictures = count(&kinds[height.saturating_sub(NEARBY)..]);
    // From the bottom up, so that the row above is still unfiltered.
    for y in (0..height).rev() {
        let (first, end) = (y.saturating_sub(NEARBY), height.min(y + NEARBY + 1));
        pictures += if y >= NEARBY { count(&kinds[first..=first]) } else { 0 };
        pictures -= if y + NEARBY + 1 < height { count(&kinds[end..=end]) } else { 0 };
        let start = y * stride;
        let (before, rest) = rows.split_at_mut(start);
        let above = if start == 0 { &*black } else { &before[start - row_bytes..] };
        let (filter_byte, row) = rest[..stride].split_at_mut(1);
        if kinds[y] & REPEATED != 0 {
            filter_byte[0] = UP;
            row.fill(0);
            continue;
        }
        if 2 * pictures <= end - first {
            filter_byte[0] = NONE;
            continue;
        }
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
}

/// Finds out the kind of each row.
#[inline(always)]
fn look_at_rows(rows: &[u8], stride: usize, bytes_per_pixel: usize, kinds: &mut [u8]) {
    let mut first: &[u8] = &[];
    let mut repeated = 0;
    for (y, row) in rows.chunks_exact(stride).enumerate() {
        if are_equal(row, first) {
            kinds[y] = kinds[y - 1];
            repeated += 1;
            continue;
        }
        mark_repeated(&mut kinds[y - repeated..y], first, bytes_per_pixel);
        let above = first.get(1..).unwrap_or_default();
        kinds[y] = if is_picture(&row[1..], above, bytes_per_pixel) { PICTURE } else { 0 };
        (first, repeated) = (row, 0);
    }
    let height = kinds.len();
    mark_repeated(&mut kinds[height - repeated..], first, bytes_per_pixel);
}

/// Marks rows that are the same as the one above the first of them if there are many, and something is
/// on them: blank paper is a run as it is.
fn mark_repeated(kinds: &mut [u8], row: &[u8], bytes_per_pixel: usize) {
    if kinds.len() >= LEAST_REPEATED && !is_blank(&row[1..], bytes_per_pixel) {
        kinds.iter_mut().for_each(|kind| *kind |= REPEATED);
    }
}

/// Tells whether all pixels of a row are the same, at the speed of memory.
#[inline(always)]
fn is_blank(row: &[u8], bytes_per_pixel: usize) -> bool {
    let late = &row[bytes_per_pixel..];
    are_equal(late, &row[..late.len()])
}

/// Tells whether a row is like one of a picture, which a filter makes compress better: if many pixels
/// differ from the one before, and a good part of these by little, or if it [fades](is_fading). `above` is
/// empty for the first row.
///
/// Small steps are what tells a picture from strokes, whose edges are steep. On paper that was
/// scanned, more than half of the pixels may be like their neighbour, as in text, but what is left
/// is noise.
#[inline(always)]
fn is_picture(row: &[u8], above: &[u8], bytes_per_pixel: usize) -> bool {
    if is_blank(row, bytes_per_pixel) {
        return false;
    }
    let late = &row[bytes_per_pixel..];
    let (changed, small) = count_changed(late, row);
    changed * LEAST_CHANGED > row.len() && small * LEAST_SMALL >= changed
        || is_fading(row, above, bytes_per_pixel, changed)
}

/// Tells whether areas of a row turn into another colour down the page, as the bars of a chart may: if many
/// pixels differ from those above, a good part of these by little, and by the same all over the area.
///
/// As it is, the row would need each area's colour anew. `changed` bytes of it differ from the pixel before.
#[inline(always)]
fn is_fading(row: &[u8], above: &[u8], n: usize, changed: usize) -> bool {
    if above.is_empty() {
        return false;
    }
    let (faded, small) = count_changed(row, above);
    if faded * LEAST_FADED < row.len() || faded * MOST_FADED > row.len() || small * LEAST_SMALL_FADED < faded
    {
        return false;
    }
    let differences = || row.iter().zip(above).map(|(x, above)| x.wrapping_sub(*above));
    let uneven: u32 = differences().skip(n).zip(differences()).map(|(a, b)| u32::from(a != b)).sum();
    uneven as usize * LEAST_EVEN <= changed
}

/// How many bytes are not those of `others`, which has as many at least, and of how many the difference is a
/// small step.
#[inline(always)]
fn count_changed(bytes: &[u8], others: &[u8]) -> (usize, usize) {
    // Counted in bytes for so many pairs at a time, a number of whole vectors below 256.
    const PART: usize = 224;
    let (parts, rest) = bytes.as_chunks::<PART>();
    let other_rest = &others[bytes.len() - rest.len()..];
    let (mut equal, mut near) = (0, 0);
    let mut count = |bytes: &[u8], others: &[u8]| {
        let (mut equal_here, mut near_here) = (0_u8, 0_u8);
        for (&a, &b) in bytes.iter().zip(others) {
            equal_here += u8::from(a == b);
            near_here += u8::from(a.wrapping_sub(b).wrapping_add(SMALL_STEP) <= 2 * SMALL_STEP);
        }
        equal += usize::from(equal_here);
        near += usize::from(near_here);
    };
    for (part, others) in parts.iter().zip(others.as_chunks::<PART>().0) {
        count(part, others);
    }
    count(rest, other_rest);
    (bytes.len() - equal, near - equal)
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

/// About what the differences of a row cost: the sum of their sizes, of which −1 is as small as 1, and none is
/// larger than [`LARGE_DIFFERENCE`].
#[inline(always)]
fn cost(filtered: &[u8]) -> u64 {
    // In 32 bits for as many as those hold, which is what vector instructions are good at.
    let size = |&difference: &u8| u32::from(difference.cast_signed().unsigned_abs().min(LARGE_DIFFERENCE));
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
    fn a_few_large_differences_cost_less_than_many_small_ones() {
        let few: Vec<u8> = (0..1000).map(|i| if i % 20 == 0 { 100 } else { 0 }).collect();
        let many: Vec<u8> = (0..1000).map(|i| if i % 2 == 0 { 2 } else { 254 }).collect();
        assert_eq!((cost(&few), cost(&many)), (50 * 8, 1000 * 2));
    }

    #[test]
    fn rows_of_strokes_stay_as_they_are_and_pictures_do_not() {
        let strokes: Vec<u8> = (0..1200).map(|i| if i % 10 < 3 { (i * 77) as u8 } else { 255 }).collect();
        let ramp: Vec<u8> = (0..1000).map(|i| i as u8).collect();
        // Three of four pixels are like the one before, and the others differ by one level.
        let paper: Vec<u8> = (0..1000).map(|i| 233 + (i / 4 % 2) as u8).collect();
        assert!(!is_picture(&strokes, &[], 1));
        assert!(is_picture(&ramp, &[], 1));
        assert!(is_picture(&paper, &[], 1));
        assert!(!is_picture(&[255; 1000], &[], 1));

        // One of so many pixels differs from the one before, by one level: a gentle gradient.
        let gentle = |band: usize| (0..1000).map(|i| (i / band) as u8).collect::<Vec<_>>();
        assert!(is_picture(&gentle(12), &[], 1));
        assert!(!is_picture(&gentle(25), &[], 1));

        let row = |bytes: &[u8]| [&[NONE], bytes].concat();
        let (height, top, bottom) = (200, 60, 120);
        // A picture among strokes, and a row of each kind alone in the other.
        let is_ramp = |y: usize| ((top..bottom).contains(&y) && y != 90) || y == 10;
        let mut rows: Vec<u8> =
            (0..height).flat_map(|y| row(if is_ramp(y) { &ramp } else { &strokes[y..][..1000] })).collect();
        Filters::default().apply(&mut rows, 1001, 1, ALL).unwrap();
        for (y, filtered) in rows.chunks_exact(1001).enumerate() {
            assert_eq!(filtered[0] != NONE, (top..bottom).contains(&y), "row {y}");
        }
        let of_picture = &rows[1001 * 70..1001 * 71];
        assert!(of_picture[10..].iter().filter(|&&d| d == of_picture[500]).count() > 900);
    }

    #[test]
    fn bars_that_fade_down_the_page_are_a_picture_and_paper_that_does_is_not() {
        // Ten bars on paper, of which each has its own colour, and every other one another in each row.
        let bars = |step: usize, paper: u8| -> Vec<u8> {
            let is_bar = |i: usize| (30..60).contains(&(i % 100));
            (0..1000)
                .map(|i| if is_bar(i) { (i / 100 * 9 + i / 100 % 2 * step) as u8 } else { paper })
                .collect()
        };
        let here = bars(1, 255);
        assert!(is_picture(&here, &bars(0, 255), 1));
        assert!(!is_picture(&here, &here, 1), "nothing fades");
        assert!(!is_picture(&here, &bars(30, 255), 1), "not by a small step");
        assert!(!is_picture(&here, &bars(0, 254), 1), "the paper fades too");
        // A gradient at a slant: each band's edge is one pixel farther right.
        let bands = |y: usize| (0..1000).map(|i| ((i + y) / 40) as u8).collect::<Vec<_>>();
        assert!(!is_picture(&bands(1), &bands(0), 1));
    }

    #[test]
    fn many_rows_that_are_the_same_become_differences_from_above_and_a_few_do_not() {
        let strokes: Vec<u8> = (0..1000).map(|i| if i % 10 < 3 { (i * 77) as u8 } else { 255 }).collect();
        let row = |bytes: &[u8]| [&[NONE], bytes].concat();
        for (alike, is_repeated) in [(LEAST_REPEATED, false), (LEAST_REPEATED + 1, true)] {
            for below in [0, 5] {
                let mut rows = row(&[255; 1000]);
                rows.extend(row(&strokes).repeat(alike));
                rows.extend((0..below).flat_map(|y| row(&[y; 1000])));
                let mut filtered = rows.clone();
                Filters::default().apply(&mut filtered, 1001, 1, ALL).unwrap();
                for (y, (row, before)) in filtered.chunks_exact(1001).zip(rows.chunks_exact(1001)).enumerate()
                {
                    if is_repeated && (2..=alike).contains(&y) {
                        assert_eq!(row, [&[UP], &[0; 1000][..]].concat(), "row {y}");
                    } else {
                        assert_eq!(row, before, "row {y}");
                    }
                }
            }
        }
    }
}
