//! Finds out what the pixels of a page need, and converts them.
//!
//! Most pages are gray, and gray makes every encoder two to four times faster, so the question
//! is asked of every page: detection and conversion are one pass, which ends at the first
//! row with a colour.

use render_api::{PixelFormat, Pixmap};

use super::{ColorMode, EncodeError, ImageFormat, set_len};

/// The gray version of a page, if `color` and the pixels ask for one: one byte a pixel, with
/// `lead` unspecified bytes before each row. Alpha is not looked at.
///
/// # Errors
///
/// [`EncodeError::OutOfMemory`].
pub(super) fn to_gray(
    pixmap: &Pixmap,
    color: ColorMode,
    lead: usize,
    format: ImageFormat,
    gray: &mut Vec<u8>,
) -> Result<bool, EncodeError> {
    let take_row = match (color, pixmap.format()) {
        (ColorMode::Rgb, _) => return Ok(false),
        (_, PixelFormat::Gray8) => copy_row,
        (ColorMode::Auto, PixelFormat::Rgb8) => take_gray_row::<3>,
        (ColorMode::Auto, PixelFormat::Rgbx8 | PixelFormat::Rgba8) => take_gray_row::<4>,
        (ColorMode::Gray, PixelFormat::Rgb8) => take_luma_row::<3>,
        (ColorMode::Gray, PixelFormat::Rgbx8 | PixelFormat::Rgba8) => take_luma_row::<4>,
    };
    let stride = lead + pixmap.width_px() as usize;
    set_len(gray, stride * pixmap.height_px() as usize, format)?;
    let rows = pixmap.data().chunks_exact(pixmap.stride());
    Ok(rows.zip(gray.chunks_exact_mut(stride)).all(|(pixels, out)| take_row(pixels, &mut out[lead..])))
}

/// Tells whether no pixel lets anything through.
pub(super) fn is_opaque(pixmap: &Pixmap) -> bool {
    match pixmap.format() {
        PixelFormat::Gray8 | PixelFormat::Rgb8 | PixelFormat::Rgbx8 => true,
        PixelFormat::Rgba8 => pixmap
            .data()
            .chunks_exact(pixmap.stride())
            .all(|row| row.as_chunks::<4>().0.iter().fold(255, |all, p| all & p[3]) == 255),
    }
}

/// Copies the colours of pixels that have a fourth byte.
pub(super) fn drop_fourth_byte(pixels: &[u8], rgb: &mut [u8]) {
    for (rgb, pixel) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(pixels.as_chunks::<4>().0) {
        rgb.copy_from_slice(&pixel[..3]);
    }
}

/// Tells whether two rows are the same, a few vectors at a time.
///
/// What a static executable has for `==` on slices goes byte by byte, and rows of blank paper are most of a page.
#[inline(always)]
pub(super) fn are_equal(row: &[u8], other: &[u8]) -> bool {
    const PART: usize = 128;
    fn differ(row: &[u8], other: &[u8]) -> u8 {
        row.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b))
    }
    let (parts, rest) = row.as_chunks::<PART>();
    let (other_parts, other_rest) = other.as_chunks::<PART>();
    row.len() == other.len()
        && parts.iter().zip(other_parts).all(|(part, other)| differ(part, other) == 0)
        && differ(rest, other_rest) == 0
}

/// Writes each gray level as RGB.
pub(super) fn spread_gray(gray: &[u8], rgb: &mut [u8]) {
    for (rgb, &level) in rgb.as_chunks_mut().0.iter_mut().zip(gray) {
        *rgb = [level; 3];
    }
}

/// Copies gray levels; always true, to be of a kind with [`take_gray_row`].
fn copy_row(levels: &[u8], gray: &mut [u8]) -> bool {
    gray.copy_from_slice(levels);
    true
}

/// Copies the gray level of each pixel, and tells whether all pixels of the row were gray.
fn take_gray_row<const BYTES: usize>(pixels: &[u8], gray: &mut [u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: The CPU has AVX2.
        #[allow(unsafe_code, reason = "the baseline, SSE2, cannot gather every third byte")]
        return unsafe { take_gray_row_avx2::<BYTES>(pixels, gray) };
    }
    take_gray_row_portable::<BYTES>(pixels, gray)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn take_gray_row_avx2<const BYTES: usize>(pixels: &[u8], gray: &mut [u8]) -> bool {
    take_gray_row_portable::<BYTES>(pixels, gray)
}

#[inline(always)]
fn take_gray_row_portable<const BYTES: usize>(pixels: &[u8], gray: &mut [u8]) -> bool {
    let mut difference = 0;
    for (level, pixel) in gray.iter_mut().zip(pixels.as_chunks::<BYTES>().0) {
        difference |= (pixel[0] ^ pixel[1]) | (pixel[0] ^ pixel[2]);
        *level = pixel[0];
    }
    difference == 0
}

/// Writes the luma of each pixel; always true, to be of a kind with [`take_gray_row`].
fn take_luma_row<const BYTES: usize>(pixels: &[u8], gray: &mut [u8]) -> bool {
    for (level, pixel) in gray.iter_mut().zip(pixels.as_chunks::<BYTES>().0) {
        let [r, g, b] = [u32::from(pixel[0]), u32::from(pixel[1]), u32::from(pixel[2])];
        // The weights sum up to 256, so that a gray pixel keeps its level.
        *level = ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8;
    }
    true
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{EncodeOptions, Encoder, Encoding, JpegScans, PngEffort, Quality};
    use super::*;

    /// An image whose pixels are given by column and row.
    pub(crate) fn pixmap<const BYTES: usize>(
        width_px: u32,
        height_px: u32,
        mut pixel: impl FnMut(u32, u32) -> [u8; BYTES],
    ) -> Pixmap {
        let format = if BYTES == 3 { PixelFormat::Rgb8 } else { PixelFormat::Rgba8 };
        let mut pixmap = Pixmap::default();
        pixmap.reset(width_px, height_px, format, u64::MAX).unwrap();
        for (i, p) in pixmap.data_mut().as_chunks_mut::<BYTES>().0.iter_mut().enumerate() {
            *p = pixel(i as u32 % width_px, i as u32 / width_px);
        }
        pixmap
    }

    fn gray_of(pixmap: &Pixmap, color: ColorMode) -> Option<Vec<u8>> {
        let mut gray = Vec::new();
        to_gray(pixmap, color, 0, ImageFormat::Png, &mut gray).unwrap().then_some(gray)
    }

    #[test]
    fn a_single_coloured_pixel_makes_a_page_coloured() {
        for channel in 0..3 {
            for x in 0..67 {
                let page = pixmap(67, 3, |px, py| {
                    let mut p = [(px * 3 + py) as u8; 3];
                    p[channel] ^= u8::from((px, py) == (x, 2));
                    p
                });
                assert_eq!(gray_of(&page, ColorMode::Auto), None, "channel {channel} of pixel {x}");
            }
        }
    }

    #[test]
    fn gray_pixels_keep_their_level_in_every_mode_but_rgb() {
        let rgb = pixmap(256, 2, |x, _| [x as u8; 3]);
        let rgba = pixmap(256, 2, |x, _| [x as u8, x as u8, x as u8, 7]);
        let levels: Vec<u8> = (0..=255).chain(0..=255).collect();
        for page in [rgb, rgba] {
            assert_eq!(gray_of(&page, ColorMode::Auto).unwrap(), levels);
            assert_eq!(gray_of(&page, ColorMode::Gray).unwrap(), levels);
            assert_eq!(gray_of(&page, ColorMode::Rgb), None);
        }
    }

    #[test]
    fn luma_weighs_green_most() {
        let page = pixmap::<3>(3, 1, |x, _| std::array::from_fn(|i| if i as u32 == x { 255 } else { 0 }));
        let luma = gray_of(&page, ColorMode::Gray).unwrap();
        let [r, g, b]: [u8; 3] = luma.try_into().unwrap();
        assert!(g > r && r > b, "{r} {g} {b}");
    }

    /// The same picture in RGBX, with noise in the fourth byte.
    fn rgbx(rgb: &Pixmap) -> Pixmap {
        let mut rgbx = Pixmap::default();
        rgbx.reset(rgb.width_px(), rgb.height_px(), PixelFormat::Rgbx8, u64::MAX).unwrap();
        for (i, (to, from)) in
            rgbx.data_mut().as_chunks_mut::<4>().0.iter_mut().zip(rgb.data().as_chunks::<3>().0).enumerate()
        {
            *to = [from[0], from[1], from[2], (i * 37) as u8];
        }
        rgbx
    }

    /// The same picture in one byte a pixel, of an RGB image without colour.
    fn gray8(rgb: &Pixmap) -> Pixmap {
        let mut gray = Pixmap::default();
        gray.reset(rgb.width_px(), rgb.height_px(), PixelFormat::Rgb8, u64::MAX).unwrap();
        for (to, from) in gray.start_gray().iter_mut().zip(rgb.data().as_chunks::<3>().0) {
            *to = from[0];
        }
        gray
    }

    /// Encodes both images in every way, and compares the files.
    fn assert_same_files(page: &Pixmap, other: &Pixmap) {
        let quality = Quality::new(80).unwrap();
        for encoding in [
            Encoding::Png { effort: PngEffort::Balanced },
            Encoding::Jpeg { quality, scans: JpegScans::Baseline },
            Encoding::WebpLossless,
            Encoding::WebpLossy { quality },
        ] {
            for color in ColorMode::ALL {
                let options = EncodeOptions { encoding, color, resolution: None };
                let (mut file, mut other_file) = (Vec::new(), Vec::new());
                Encoder::new().encode(page, &options, &mut file).unwrap();
                Encoder::new().encode(other, &options, &mut other_file).unwrap();
                assert!(file == other_file, "{encoding:?} {color}");
            }
        }
    }

    #[test]
    fn rgbx_gives_the_same_file_as_rgb_in_every_format() {
        let colourful = pixmap(70, 41, |x, y| [(x * 3) as u8, (y * 5) as u8, (x * y) as u8]);
        let few_colours = pixmap(70, 41, |x, y| [(x % 3) as u8, (y % 5) as u8, 9]);
        let gray = pixmap(70, 41, |x, y| [(x * 3 + y) as u8; 3]);
        for page in [colourful, few_colours, gray] {
            assert_same_files(&page, &rgbx(&page));
        }
    }

    #[test]
    fn gray_gives_the_same_file_as_rgb_without_colour_in_every_format() {
        let many_levels = pixmap(70, 41, |x, y| [(x * 3 + y) as u8; 3]);
        let black_on_white = pixmap(70, 41, |x, y| [if (x / 3 + y) % 5 == 0 { 0 } else { 255 }; 3]);
        for page in [many_levels, black_on_white] {
            assert_same_files(&page, &gray8(&page));
        }
    }

    #[test]
    fn rows_are_equal_if_no_byte_differs() {
        for length in [0, 1, 127, 128, 129, 300] {
            let row: Vec<u8> = (0..length).map(|i| i as u8).collect();
            assert!(are_equal(&row, &row.clone()));
            assert!(!are_equal(&row, &[&row[..], &[0]].concat()));
            for at in 0..length {
                let mut other = row.clone();
                other[at] ^= 0x40;
                assert!(!are_equal(&row, &other), "byte {at} of {length}");
            }
        }
    }

    #[test]
    fn one_transparent_pixel_makes_an_image_transparent() {
        assert!(is_opaque(&pixmap(5, 5, |_, _| [1, 2, 3, 255])));
        assert!(!is_opaque(&pixmap(5, 5, |x, y| [1, 2, 3, if (x, y) == (4, 4) { 254 } else { 255 }])));
    }
}
