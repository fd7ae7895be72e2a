//! What happens to an image before and after an engine draws on it.

/// Repeats `pixel` over the whole of `data`.
pub fn fill(data: &mut [u8], pixel: &[u8]) {
    if pixel.iter().all(|&byte| byte == pixel[0]) {
        data.fill(pixel[0]);
        return;
    }
    for target in data.chunks_exact_mut(pixel.len()) {
        target.copy_from_slice(pixel);
    }
}

/// Whether [`fill`] with this pixel would change nothing.
pub fn is_filled_with(data: &[u8], pixel: &[u8]) -> bool {
    data.chunks_exact(pixel.len()).all(|found| found == pixel)
}

/// Divides the colours of RGBA pixels by their alpha, rounding to nearest.
pub fn unmultiply_alpha(rgba: &mut [u8]) {
    for pixel in rgba.as_chunks_mut::<4>().0 {
        let alpha = u32::from(pixel[3]);
        // Nearly every pixel of a page is opaque or empty, and needs no division.
        if alpha == 0 || alpha == 255 {
            continue;
        }
        for colour in &mut pixel[..3] {
            *colour = ((u32::from(*colour) * 255 + alpha / 2) / alpha).min(255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_is_recognised_and_one_changed_byte_is_seen() {
        for pixel in [&[255, 255, 255][..], &[1, 2, 3], &[9, 8, 7, 255]] {
            let mut data = vec![0; pixel.len() * 7];
            fill(&mut data, pixel);
            assert!(is_filled_with(&data, pixel));
            data[5] ^= 1;
            assert!(!is_filled_with(&data, pixel));
        }
    }

    #[test]
    fn unmultiplying_is_nearest_and_leaves_opaque_and_empty_pixels_alone() {
        let mut data = [10, 20, 30, 255, 0, 0, 0, 0, 64, 128, 1, 128, 200, 0, 0, 100];
        unmultiply_alpha(&mut data);
        assert_eq!(data, [10, 20, 30, 255, 0, 0, 0, 0, 128, 255, 2, 128, 255, 0, 0, 100]);
    }
}
