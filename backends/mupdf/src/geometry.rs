//! From a page's own space to pixels.

use render_api::PageGeometry;

/// The matrix `[a, b, c, d, e, f]` of `x' = a·x + c·y + e`, `y' = b·x + d·y + f`, which takes the
/// page's own space, y upwards, to pixels, y downwards, with the top left corner of the page as it
/// is seen at the origin.
pub(crate) fn page_to_pixels(geometry: &PageGeometry, scale_x: f64, scale_y: f64) -> [f32; 6] {
    let [x0, y0, x1, y1] = geometry.rect;
    let (sx, sy) = (scale_x * geometry.user_unit, scale_y * geometry.user_unit);
    let matrix = match geometry.rotate {
        90 => [0.0, sy, sx, 0.0, -y0 * sx, -x0 * sy],
        180 => [-sx, 0.0, 0.0, sy, x1 * sx, -y0 * sy],
        270 => [0.0, -sy, -sx, 0.0, y1 * sx, x1 * sy],
        _ => [sx, 0.0, 0.0, -sy, -x0 * sx, y1 * sy],
    };
    matrix.map(|v| v as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the corner of the box lies in the image that is the top left one of the page as it is seen.
    #[test]
    fn the_top_left_corner_as_seen_is_the_origin_under_every_rotation() {
        let rect = [10.0, 20.0, 110.0, 220.0];
        for (rotate, x, y) in [(0, 10.0, 220.0), (90, 10.0, 20.0), (180, 110.0, 20.0), (270, 110.0, 220.0)] {
            let geometry = PageGeometry { rect, rotate, user_unit: 2.0 };
            let [a, b, c, d, e, f] = page_to_pixels(&geometry, 1.5, 3.0);
            assert_eq!((a * x + c * y + e, b * x + d * y + f), (0.0, 0.0), "rotate {rotate}");
        }
    }
}
