//! Pictures, as they are compared: opaque, 8 bits a colour.

/// An opaque picture: red, green and blue, rows from top to bottom, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width_px: usize,
    height_px: usize,
    rgb: Vec<u8>,
}

/// Pixels that do not make a picture of the size that was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{bytes} bytes do not make a picture of {width_px} × {height_px} px; give 3 bytes a pixel, and a pixel at least"
)]
pub struct NotAPicture {
    /// How many bytes there were.
    pub bytes: usize,
    /// The width that was given, in px.
    pub width_px: usize,
    /// The height that was given, in px.
    pub height_px: usize,
}

impl Picture {
    /// Takes pixels, 3 bytes each.
    ///
    /// # Errors
    ///
    /// [`NotAPicture`] if there are more or fewer bytes than that, or no pixels.
    pub fn new(width_px: usize, height_px: usize, rgb: Vec<u8>) -> Result<Picture, NotAPicture> {
        let wanted = width_px.checked_mul(height_px).and_then(|pixels| pixels.checked_mul(3));
        if wanted == Some(rgb.len()) && !rgb.is_empty() {
            Ok(Picture { width_px, height_px, rgb })
        } else {
            Err(NotAPicture { bytes: rgb.len(), width_px, height_px })
        }
    }

    /// Width in px.
    pub fn width_px(&self) -> usize {
        self.width_px
    }

    /// Height in px.
    pub fn height_px(&self) -> usize {
        self.height_px
    }

    /// Width and height in px.
    pub fn size_px(&self) -> (usize, usize) {
        (self.width_px, self.height_px)
    }

    /// All pixels.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The share of darkness: 0 is all white, 1 all black.
    pub fn ink(&self) -> f64 {
        let light: u64 = self.luma().iter().map(|&luma| u64::from(luma)).sum();
        1.0 - light as f64 / (255.0 * (self.width_px * self.height_px) as f64)
    }

    /// The luma of ITU-R BT.601, a byte a pixel.
    pub(crate) fn luma(&self) -> Vec<u8> {
        let luma = |rgb: &[u8]| {
            (u32::from(rgb[0]) * 299 + u32::from(rgb[1]) * 587 + u32::from(rgb[2]) * 114 + 500) / 1000
        };
        self.rgb.chunks_exact(3).map(|pixel| luma(pixel) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_that_do_not_fill_the_size_are_refused() {
        assert!(Picture::new(2, 2, vec![0; 12]).is_ok());
        for (width_px, height_px, bytes) in [(2, 2, 11), (2, 2, 16), (0, 5, 0), (usize::MAX, 2, 6)] {
            let error = Picture::new(width_px, height_px, vec![0; bytes]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{bytes} bytes")), "{error}");
        }
    }

    #[test]
    fn ink_is_the_share_of_darkness() {
        let ink = |rgb: Vec<u8>| Picture::new(2, 1, rgb).unwrap().ink();
        assert_eq!(ink(vec![255; 6]), 0.0);
        assert_eq!(ink(vec![0; 6]), 1.0);
        assert_eq!(ink(vec![0, 0, 0, 255, 255, 255]), 0.5);
    }
}
