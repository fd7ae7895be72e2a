//! JPEG, by libjpeg-turbo's SIMD code as mozjpeg carries it.
//!
//! mozjpeg's own tricks for smaller files cost ten times the time, and are off.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{ColorSpace, Compress, PixelDensity, PixelDensityUnit};
use render_api::{PixelFormat, Pixmap};

use super::pixels::{spread_gray, to_gray};
use super::{ColorMode, EncodeError, ImageFormat, JpegScans, Quality, Resolution, set_len};

/// Writes `pixmap` into the empty `out`.
///
/// An image with an alpha channel is refused even when all of it is opaque: whether a page can be
/// written should not depend on what is drawn on it.
///
/// # Errors
///
/// [`EncodeError::Transparent`], [`EncodeError::OutOfMemory`], [`EncodeError::Codec`].
pub(super) fn encode(
    pixmap: &Pixmap,
    quality: Quality,
    scans: JpegScans,
    color: ColorMode,
    resolution: Option<Resolution>,
    gray: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let (color_space, samples) = match pixmap.format() {
        PixelFormat::Rgba8 => return Err(EncodeError::Transparent { format: ImageFormat::Jpeg }),
        PixelFormat::Gray8 if color == ColorMode::Rgb => {
            set_len(gray, 3 * pixmap.bytes(), ImageFormat::Jpeg)?;
            spread_gray(pixmap.data(), gray);
            (ColorSpace::JCS_RGB, gray.as_slice())
        }
        PixelFormat::Gray8 => (ColorSpace::JCS_GRAYSCALE, pixmap.data()),
        PixelFormat::Rgb8 | PixelFormat::Rgbx8 if to_gray(pixmap, color, 0, ImageFormat::Jpeg, gray)? => {
            (ColorSpace::JCS_GRAYSCALE, gray.as_slice())
        }
        PixelFormat::Rgb8 => (ColorSpace::JCS_RGB, pixmap.data()),
        PixelFormat::Rgbx8 => (ColorSpace::JCS_EXT_RGBX, pixmap.data()),
    };
    // libjpeg reports every error, memory that ran out included, by calling a function that must
    // not return; mozjpeg's unwinds, through C code compiled for it, up to here. Nothing of what
    // the closure borrows is left half-done but `out`, which the caller clears.
    catch_unwind(AssertUnwindSafe(|| {
        let mut jpeg = Compress::new(color_space);
        jpeg.set_size(pixmap.width_px() as usize, pixmap.height_px() as usize);
        jpeg.set_fastest_defaults();
        jpeg.set_quality(f32::from(quality.get()));
        match scans {
            JpegScans::Baseline => jpeg.set_optimize_coding(false),
            JpegScans::Progressive => jpeg.set_progressive_mode(),
        }
        if let Some(resolution) = resolution {
            jpeg.set_pixel_density(density(resolution));
        }
        let mut started = jpeg.start_compress(&mut *out)?;
        started.write_scanlines(samples)?;
        started.finish().map(drop)
    }))
    .unwrap_or_else(|panic| Err(std::io::Error::other(message(panic.as_ref()))))
    .map_err(|e| EncodeError::Codec { format: ImageFormat::Jpeg, detail: e.to_string() })
}

fn density(resolution: Resolution) -> PixelDensity {
    // A cast from float to integer saturates; 0 is not allowed.
    let axis = |dpi: f64| (dpi.round() as u16).max(1);
    PixelDensity { unit: PixelDensityUnit::Inches, x: axis(resolution.x_dpi), y: axis(resolution.y_dpi) }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown error").to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::pixels::tests::pixmap;
    use super::*;

    fn encode_with(
        pixmap: &Pixmap,
        quality: u8,
        scans: JpegScans,
        resolution: Option<Resolution>,
    ) -> Result<Vec<u8>, EncodeError> {
        let quality = Quality::new(quality).unwrap();
        let mut out = Vec::new();
        encode(pixmap, quality, scans, ColorMode::Auto, resolution, &mut Vec::new(), &mut out)?;
        Ok(out)
    }

    fn decode(file: &[u8]) -> (usize, ColorSpace, Vec<[u8; 3]>) {
        let decoder = mozjpeg::Decompress::new_mem(file).unwrap();
        let stored = decoder.color_space();
        let mut image = decoder.rgb().unwrap();
        let (width, pixels) = (image.width(), image.read_scanlines().unwrap());
        image.finish().unwrap();
        (width, stored, pixels)
    }

    #[test]
    fn a_decoder_sees_nearly_the_same_picture() {
        for (width, height) in [(1, 1), (1, 40), (17, 15), (64, 48)] {
            let smooth = pixmap(width, height, |x, y| [(x * 3) as u8, (y * 4) as u8, 100]);
            for scans in [JpegScans::Baseline, JpegScans::Progressive] {
                let (decoded_width, stored, pixels) = decode(&encode_with(&smooth, 95, scans, None).unwrap());
                assert_eq!((decoded_width, stored), (width as usize, ColorSpace::JCS_YCbCr));
                assert_eq!(pixels.len(), (width * height) as usize);
                for (decoded, original) in pixels.iter().zip(smooth.data().as_chunks::<3>().0) {
                    for (a, b) in decoded.iter().zip(original) {
                        assert!(a.abs_diff(*b) < 16, "{decoded:?} for {original:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_gray_page_has_one_component() {
        let gray = pixmap(33, 21, |x, y| [(x * 5 + y) as u8; 3]);
        let (_, stored, pixels) = decode(&encode_with(&gray, 90, JpegScans::Baseline, None).unwrap());
        assert_eq!(stored, ColorSpace::JCS_GRAYSCALE);
        assert!(pixels.iter().zip(gray.data().as_chunks::<3>().0).all(|(a, b)| a[0].abs_diff(b[0]) < 16));
    }

    #[test]
    fn lower_quality_is_smaller() {
        let page = pixmap(200, 200, |x, y| [(x * y) as u8, (x + y * 3) as u8, (x ^ y) as u8]);
        let sizes = [1, 50, 100].map(|q| encode_with(&page, q, JpegScans::Baseline, None).unwrap().len());
        assert!(sizes.is_sorted() && sizes[0] * 5 < sizes[2], "{sizes:?}");
    }

    #[test]
    fn a_progressive_file_says_so_and_is_smaller() {
        let page = pixmap(256, 256, |x, y| [(x * y / 64) as u8, (x + y) as u8, (x ^ y) as u8]);
        let [baseline, progressive] = [JpegScans::Baseline, JpegScans::Progressive]
            .map(|scans| encode_with(&page, 75, scans, None).unwrap());
        let has_marker = |file: &[u8], marker: u8| file.windows(2).any(|w| w == [0xFF, marker]);
        assert!(has_marker(&baseline, 0xC0) && has_marker(&progressive, 0xC2));
        assert!(progressive.len() < baseline.len());
    }

    #[test]
    fn the_resolution_is_the_jfif_density() {
        let page = pixmap(3, 3, |_, _| [255; 3]);
        for (x_dpi, y_dpi, density) in [(150.0, 300.2, [1, 0, 150, 1, 44]), (0.1, 1e9, [1, 0, 1, 255, 255])] {
            let resolution = Some(Resolution { x_dpi, y_dpi });
            let file = encode_with(&page, 75, JpegScans::Baseline, resolution).unwrap();
            assert_eq!((&file[6..11], &file[13..18]), (b"JFIF\0".as_slice(), density.as_slice()));
        }
    }

    #[test]
    fn an_alpha_channel_is_refused_with_a_remedy() {
        let page = pixmap(3, 3, |_, _| [255; 4]);
        let error = encode_with(&page, 75, JpegScans::Baseline, None).unwrap_err();
        assert_eq!(error, EncodeError::Transparent { format: ImageFormat::Jpeg });
        assert!(error.to_string().contains("choose a background colour"));
    }

    #[test]
    fn an_error_of_the_library_comes_back_as_one_of_ours() {
        // Sides are checked by the caller, so that libjpeg itself has to refuse this one.
        let page = pixmap(65_501, 1, |_, _| [255; 3]);
        let error = encode_with(&page, 75, JpegScans::Baseline, None).unwrap_err();
        assert!(matches!(&error, EncodeError::Codec { detail, .. } if detail.contains("65500")), "{error}");
    }
}
