//! By how much each pixel differs beyond what two rasterizers may differ in.
//!
//! No two rasterizers agree on the pixels along an edge. One draws a hairline as one dark pixel,
//! the other as two gray ones; one rounds a glyph's origin up, the other down. Two steps forgive
//! that and nothing larger:
//!
//! 1. Both pictures are averaged over 3 × 3 px, so that the same ink counts the same however it is
//!    spread over neighbours.
//! 2. A pixel of one picture has to lie between the least and the greatest of the 3 × 3 px around
//!    its place in the other, colour by colour. How far outside it lies is its **excess**, in
//!    levels of 255; the larger one of both directions counts.

use crate::picture::Picture;
use crate::shift::Overlap;

/// The excess of every pixel in an overlap, row after row, with its sign: positive where the first
/// picture is the darker one.
pub(crate) fn excess(first: &Picture, second: &Picture, overlap: &Overlap) -> Vec<i16> {
    let stride = overlap.width_px * 3;
    let first = Softened::new(first, overlap.x, overlap.y, overlap);
    let second = Softened::new(second, overlap.other_x, overlap.other_y, overlap);
    let mut excess = Vec::with_capacity(overlap.width_px * overlap.height_px);
    let mut levels = vec![0_i16; stride];
    for row in 0..overlap.height_px {
        let range = row * stride..(row + 1) * stride;
        let (a, b) = (&first.mean[range.clone()], &second.mean[range.clone()]);
        let (a_least, a_most) = (&first.least[range.clone()], &first.most[range.clone()]);
        let (b_least, b_most) = (&second.least[range.clone()], &second.most[range]);
        for (i, level) in levels.iter_mut().enumerate() {
            let outside = |value: u8, least: u8, most: u8| {
                i16::from(least.saturating_sub(value)) - i16::from(value.saturating_sub(most))
            };
            // Positive: the first is darker than all of the second around it, or the second lighter.
            let (ours, theirs) =
                (outside(a[i], b_least[i], b_most[i]), -outside(b[i], a_least[i], a_most[i]));
            *level = if ours.abs() >= theirs.abs() { ours } else { theirs };
        }
        excess.extend(levels.chunks_exact(3).map(|rgb| {
            let farther = |a: i16, b: i16| if b.abs() > a.abs() { b } else { a };
            farther(farther(rgb[0], rgb[1]), rgb[2])
        }));
    }
    excess
}

/// A part of a picture, averaged, with the range of values around each pixel.
struct Softened {
    mean: Vec<u8>,
    least: Vec<u8>,
    most: Vec<u8>,
}

impl Softened {
    fn new(picture: &Picture, x: usize, y: usize, overlap: &Overlap) -> Softened {
        let stride = overlap.width_px * 3;
        let part: Vec<u8> = (0..overlap.height_px)
            .flat_map(|row| &picture.rgb()[((y + row) * picture.width_px() + x) * 3..][..stride])
            .copied()
            .collect();
        let mean = around(
            &part,
            stride,
            |a, b, c| u16::from(a) + u16::from(b) + u16::from(c),
            |a, b, c| ((a + b + c + 4) / 9) as u8,
        );
        let least = around(&mean, stride, |a, b, c| a.min(b).min(c), |a, b, c| a.min(b).min(c));
        let most = around(&mean, stride, |a, b, c| a.max(b).max(c), |a, b, c| a.max(b).max(c));
        Softened { mean, least, most }
    }
}

/// Combines each value with its neighbours of the same colour, along the row and then down the
/// column; at an edge the pixel stands for the neighbour that is not there.
fn around<T: Copy + Default>(
    rgb: &[u8],
    stride: usize,
    across: impl Fn(u8, u8, u8) -> T,
    down: impl Fn(T, T, T) -> u8,
) -> Vec<u8> {
    let mut rows = vec![T::default(); rgb.len()];
    for (row, out) in rgb.chunks_exact(stride).zip(rows.chunks_exact_mut(stride)) {
        for i in 0..stride.min(3) {
            out[i] = across(row[i], row[i], row[if stride > 3 { i + 3 } else { i }]);
        }
        for (out, window) in out.iter_mut().skip(3).zip(row.windows(7)) {
            *out = across(window[0], window[3], window[6]);
        }
        for i in stride.saturating_sub(3).max(3)..stride {
            out[i] = across(row[i - 3], row[i], row[i]);
        }
    }
    let height = rgb.len() / stride;
    let mut combined = Vec::with_capacity(rgb.len());
    for y in 0..height {
        let row = |y: usize| &rows[y * stride..][..stride];
        let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
        combined.extend(above.iter().zip(here).zip(below).map(|((a, b), c)| down(*a, *b, *c)));
    }
    combined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shift::Shift;

    fn picture(width_px: usize, height_px: usize, gray: impl Fn(usize, usize) -> u8) -> Picture {
        let rgb = (0..width_px * height_px).flat_map(|i| [gray(i % width_px, i / width_px); 3]).collect();
        Picture::new(width_px, height_px, rgb).unwrap()
    }

    fn worst(first: &Picture, second: &Picture) -> i16 {
        let overlap = Shift::default().overlap(first.size_px());
        excess(first, second, &overlap).into_iter().max_by_key(|level| level.abs()).unwrap()
    }

    #[test]
    fn a_hairline_may_be_one_dark_column_or_two_gray_ones() {
        let crisp = picture(30, 20, |x, _| if x == 10 { 0 } else { 255 });
        let soft = picture(30, 20, |x, _| if x == 10 || x == 11 { 128 } else { 255 });
        assert!(worst(&crisp, &soft).abs() <= 1, "{}", worst(&crisp, &soft));
    }

    #[test]
    fn an_edge_may_lie_one_pixel_off_and_not_three() {
        let edge = |at: usize| picture(30, 20, move |x, _| if x < at { 0 } else { 255 });
        assert_eq!(worst(&edge(10), &edge(11)), 0);
        assert!(worst(&edge(10), &edge(13)).abs() > 150);
    }

    #[test]
    fn a_hairline_that_is_missing_counts_and_the_sign_says_where_the_ink_is() {
        let line = picture(30, 20, |x, _| if x == 10 { 0 } else { 255 });
        let blank = picture(30, 20, |_, _| 255);
        assert_eq!(worst(&line, &blank), 85);
        assert_eq!(worst(&blank, &line), -85);
    }

    #[test]
    fn pictures_of_one_pixel_and_one_column_are_compared_too() {
        for (width_px, height_px) in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 1)] {
            let of = |gray| picture(width_px, height_px, move |_, _| gray);
            assert_eq!(worst(&of(0), &of(255)), 255, "{width_px} × {height_px}");
            assert_eq!(worst(&of(7), &of(7)), 0);
        }
    }
}
