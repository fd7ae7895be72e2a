//! Pixels in memory, owned by the caller and reused from page to page.

use crate::error::RenderError;

/// How a pixel is laid out, 8 bits a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One level: 1 byte. What an engine makes of an image that it was to draw in RGB, if it can tell
    /// that all of it is gray.
    Gray8,
    /// Red, green, blue: 3 bytes.
    Rgb8,
    /// Red, green, blue, and a byte that means nothing: 4 bytes, for engines that draw no others.
    Rgbx8,
    /// Red, green, blue, alpha: 4 bytes; colours are *not* multiplied by alpha, as PNG and WebP have it.
    Rgba8,
}

impl PixelFormat {
    /// Bytes per pixel.
    pub fn bytes_per_pixel(self) -> usize {
        match self {
            PixelFormat::Gray8 => 1,
            PixelFormat::Rgb8 => 3,
            PixelFormat::Rgbx8 | PixelFormat::Rgba8 => 4,
        }
    }
}

/// An image in memory: rows from top to bottom, without gaps.
///
/// Fresh memory costs page faults, which are dear in a microVM: keep one `Pixmap` and
/// [`reset`](Pixmap::reset) it for each page.
#[derive(Debug, Clone)]
pub struct Pixmap {
    width_px: u32,
    height_px: u32,
    format: PixelFormat,
    data: Vec<u8>,
}

impl Default for Pixmap {
    fn default() -> Self {
        Pixmap { width_px: 0, height_px: 0, format: PixelFormat::Rgb8, data: Vec::new() }
    }
}

impl Pixmap {
    /// Gives the image a new size and layout; the content is unspecified until it is drawn, and what was never
    /// drawn on is not even touched.
    ///
    /// # Errors
    ///
    /// [`RenderError::LimitExceeded`] if it would have more than `max_pixels` pixels, before any
    /// memory is taken; [`RenderError::OutOfMemory`] if the memory is not to be had.
    pub fn reset(
        &mut self,
        width_px: u32,
        height_px: u32,
        format: PixelFormat,
        max_pixels: u64,
    ) -> Result<(), RenderError> {
        let pixels = u64::from(width_px) * u64::from(height_px);
        if pixels > max_pixels {
            return Err(RenderError::LimitExceeded {
                what: "image size in pixels",
                value: pixels,
                limit: max_pixels,
            });
        }
        let bytes = pixels as usize * format.bytes_per_pixel();
        if bytes > self.data.len() {
            self.data.try_reserve_exact(bytes - self.data.len()).map_err(|_| RenderError::OutOfMemory {
                detail: format!("{bytes} bytes for {width_px} × {height_px} px"),
            })?;
        }
        (self.width_px, self.height_px, self.format) = (width_px, height_px, format);
        Ok(())
    }

    /// Width in px.
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Height in px.
    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    /// The layout of a pixel.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.width_px as usize * self.format.bytes_per_pixel()
    }

    /// Bytes of all rows.
    pub fn bytes(&self) -> usize {
        self.stride() * self.height_px as usize
    }

    /// All rows, top to bottom; fewer if nothing was drawn since the image grew.
    pub fn data(&self) -> &[u8] {
        &self.data[..self.bytes().min(self.data.len())]
    }

    /// All rows, to be drawn on.
    pub fn data_mut(&mut self) -> &mut [u8] {
        let bytes = self.bytes();
        if self.data.len() < bytes {
            // `reset` has the memory.
            self.data.resize(bytes, 0);
        }
        &mut self.data[..bytes]
    }

    /// Makes a gray image of one in another layout, to be drawn on; there is room left for the other layout.
    pub fn start_gray(&mut self) -> &mut [u8] {
        self.format = PixelFormat::Gray8;
        self.data_mut()
    }

    /// Makes an RGB image of a gray one that was to be RGB, whose content someone else has written.
    ///
    /// # Safety
    ///
    /// [`reset`](Pixmap::reset) was called with [`PixelFormat::Rgb8`] before
    /// [`start_gray`](Pixmap::start_gray), and since then three bytes for each pixel were written from
    /// where its answer begins.
    #[allow(unsafe_code, reason = "an engine in C grows its rows in memory that Rust has not touched")]
    pub unsafe fn assume_rgb(&mut self) {
        self.format = PixelFormat::Rgb8;
        let bytes = self.bytes();
        if self.data.len() < bytes {
            debug_assert!(bytes <= self.data.capacity());
            // SAFETY: `reset` has reserved so much, and the caller has seen to its content.
            unsafe { self.data.set_len(bytes) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixel_cap_is_checked_before_memory_is_taken() {
        let mut pixmap = Pixmap::default();
        let error = pixmap.reset(u32::MAX, u32::MAX, PixelFormat::Rgba8, 100_000_000).unwrap_err();
        assert_eq!(error.code(), "limit_exceeded");
        assert_eq!(pixmap.data().len(), 0);
    }

    #[test]
    fn a_smaller_page_keeps_the_buffer() {
        let mut pixmap = Pixmap::default();
        pixmap.reset(100, 100, PixelFormat::Rgba8, 10_000).unwrap();
        let before = pixmap.data_mut().as_ptr();
        pixmap.reset(10, 20, PixelFormat::Rgb8, 10_000).unwrap();
        assert_eq!((pixmap.data().len(), pixmap.stride()), (600, 30));
        assert_eq!(pixmap.data().as_ptr(), before);
    }

    #[test]
    fn a_gray_image_becomes_rgb_where_it_is() {
        let mut pixmap = Pixmap::default();
        pixmap.reset(4, 2, PixelFormat::Rgb8, 10_000).unwrap();
        assert!(pixmap.data().is_empty());
        let gray = pixmap.start_gray();
        gray.fill(7);
        assert_eq!((gray.len(), pixmap.bytes()), (8, 8));
        let start = pixmap.data_mut().as_mut_ptr();
        #[allow(unsafe_code, reason = "it is what is tested")]
        // SAFETY: `reset` has room for 24 bytes, all of which are written.
        unsafe {
            start.write_bytes(9, 24);
            pixmap.assume_rgb();
        }
        assert_eq!((pixmap.format(), pixmap.data()), (PixelFormat::Rgb8, &[9; 24][..]));
        assert_eq!(pixmap.data().as_ptr(), start.cast_const());
    }
}
