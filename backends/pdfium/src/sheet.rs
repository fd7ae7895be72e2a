//! The page box with which PDFium fills the image.

use render_api::PageGeometry;

/// The rectangle of the page's own space that an image of this size shows: `[x0, y0, x1, y1]`.
///
/// PDFium fits a page's box into an image, whatever the size of either. So the box gets the size
/// that the image has at the scale that is asked for. It starts at the corner of the geometry's
/// box that is the top left one of the page as it is seen, and ends up to a pixel beyond the
/// opposite one.
pub(crate) fn shown(geometry: &PageGeometry, image_px: (u32, u32), scale_x: f64, scale_y: f64) -> [f64; 4] {
    let [x0, y0, x1, y1] = geometry.rect;
    let across = f64::from(image_px.0) / (scale_x * geometry.user_unit);
    let down = f64::from(image_px.1) / (scale_y * geometry.user_unit);
    match geometry.rotate {
        90 => [x0, y0, x0 + down, y0 + across],
        180 => [x1 - across, y0, x1, y0 + down],
        270 => [x1 - down, y1 - across, x1, y1],
        _ => [x0, y1 - down, x0 + across, y1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_starts_at_the_top_left_corner_as_seen_and_ends_beyond_the_opposite_one() {
        let rect = [10.0, 20.0, 110.5, 220.5];
        for (rotate, expected) in [
            (0, [10.0, 19.5, 111.0, 220.5]),
            (90, [10.0, 20.0, 111.0, 221.0]),
            (180, [9.5, 20.0, 110.5, 221.0]),
            (270, [9.5, 19.5, 110.5, 220.5]),
        ] {
            let geometry = PageGeometry { rect, rotate, user_unit: 2.0 };
            let image = if rotate % 180 == 0 { (202, 402) } else { (402, 202) };
            assert_eq!(shown(&geometry, image, 1.0, 1.0), expected, "rotate {rotate}");
        }
    }

    #[test]
    fn each_axis_of_the_image_has_its_own_scale() {
        let geometry = PageGeometry { rect: [0.0, 0.0, 100.0, 100.0], rotate: 90, user_unit: 1.0 };
        assert_eq!(shown(&geometry, (200, 50), 2.0, 0.5), [0.0, 0.0, 100.0, 100.0]);
    }
}
