//! WebP: lossless by `image-webp`, lossy by libwebp.

use image_webp::{ColorType, WebPEncoder};
use render_api::{PixelFormat, Pixmap};

use super::pixels::{self, drop_fourth_byte, to_gray};
use super::{ColorMode, EncodeError, ImageFormat, Quality, set_len};

/// Writes `pixmap` without loss into the empty `out`.
///
/// # Errors
///
/// [`EncodeError::OutOfMemory`], [`EncodeError::Codec`].
pub(super) fn encode_lossless(
    pixmap: &Pixmap,
    color: ColorMode,
    gray: &mut Vec<u8>,
    colors: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let is_gray = to_gray(pixmap, color, 0, ImageFormat::Webp, gray)?;
    let (color_type, samples) = match (is_gray, pixmap.format()) {
        (true, PixelFormat::Gray8 | PixelFormat::Rgb8 | PixelFormat::Rgbx8) => {
            (ColorType::L8, gray.as_slice())
        }
        (false, PixelFormat::Gray8) => {
            spread_gray(pixmap, pixmap.data(), colors)?;
            (ColorType::Rgb8, colors.as_slice())
        }
        (true, PixelFormat::Rgba8) => {
            spread_gray(pixmap, gray, colors)?;
            (ColorType::Rgba8, colors.as_slice())
        }
        (false, PixelFormat::Rgb8) => (ColorType::Rgb8, pixmap.data()),
        (false, PixelFormat::Rgbx8) => {
            keep_three_bytes(pixmap, colors)?;
            (ColorType::Rgb8, colors.as_slice())
        }
        (false, PixelFormat::Rgba8) => (ColorType::Rgba8, pixmap.data()),
    };
    WebPEncoder::new(out)
        .encode(samples, pixmap.width_px(), pixmap.height_px(), color_type)
        .map_err(|e| codec_error(e.to_string()))
}

/// Writes `pixmap` with loss into the empty `out`.
///
/// WebP has no gray images; those that must be gray are written as colour images without colour.
///
/// # Errors
///
/// [`EncodeError::OutOfMemory`], [`EncodeError::Codec`].
pub(super) fn encode_lossy(
    pixmap: &Pixmap,
    quality: Quality,
    color: ColorMode,
    gray: &mut Vec<u8>,
    colors: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let samples = if pixmap.format() == PixelFormat::Gray8 {
        spread_gray(pixmap, pixmap.data(), colors)?;
        colors.as_slice()
    } else if color == ColorMode::Gray {
        to_gray(pixmap, color, 0, ImageFormat::Webp, gray)?;
        spread_gray(pixmap, gray, colors)?;
        colors.as_slice()
    } else if pixmap.format() == PixelFormat::Rgbx8 {
        keep_three_bytes(pixmap, colors)?;
        colors.as_slice()
    } else {
        pixmap.data()
    };
    let layout = match pixmap.format() {
        PixelFormat::Gray8 | PixelFormat::Rgb8 | PixelFormat::Rgbx8 => webp::PixelLayout::Rgb,
        PixelFormat::Rgba8 => webp::PixelLayout::Rgba,
    };
    let mut config =
        webp::WebPConfig::new().map_err(|()| codec_error("libwebp has another version".to_owned()))?;
    config.quality = f32::from(quality.get());
    // The fastest of seven; the slowest saves a tenth of the bytes in five times the time.
    config.method = 0;
    let file = webp::Encoder::new(samples, layout, pixmap.width_px(), pixmap.height_px())
        .encode_advanced(&config)
        .map_err(|e| codec_error(format!("{e:?}")))?;
    set_len(out, file.len(), ImageFormat::Webp)?;
    out.copy_from_slice(&file);
    Ok(())
}

/// Brings RGBX into the layout of RGB, which libwebp and `image-webp` take.
fn keep_three_bytes(pixmap: &Pixmap, rgb: &mut Vec<u8>) -> Result<(), EncodeError> {
    set_len(rgb, pixmap.data().len() / 4 * 3, ImageFormat::Webp)?;
    drop_fourth_byte(pixmap.data(), rgb);
    Ok(())
}

/// Writes gray levels back as RGB, or as RGBA with the pixmap's alpha.
fn spread_gray(pixmap: &Pixmap, gray: &[u8], colors: &mut Vec<u8>) -> Result<(), EncodeError> {
    let components = if pixmap.format() == PixelFormat::Rgba8 { 4 } else { 3 };
    set_len(colors, gray.len() * components, ImageFormat::Webp)?;
    match pixmap.format() {
        PixelFormat::Gray8 | PixelFormat::Rgb8 | PixelFormat::Rgbx8 => pixels::spread_gray(gray, colors),
        PixelFormat::Rgba8 => {
            let alphas = pixmap.data().as_chunks::<4>().0.iter().map(|p| p[3]);
            for ((color, &level), alpha) in colors.as_chunks_mut().0.iter_mut().zip(gray).zip(alphas) {
                *color = [level, level, level, alpha];
            }
        }
    }
    Ok(())
}

fn codec_error(detail: String) -> EncodeError {
    EncodeError::Codec { format: ImageFormat::Webp, detail }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::pixels::tests::pixmap;
    use super::*;

    fn lossless(pixmap: &Pixmap, color: ColorMode) -> Vec<u8> {
        let mut out = Vec::new();
        encode_lossless(pixmap, color, &mut Vec::new(), &mut Vec::new(), &mut out).unwrap();
        out
    }

    fn lossy(pixmap: &Pixmap, quality: u8, color: ColorMode) -> Vec<u8> {
        let quality = Quality::new(quality).unwrap();
        let mut out = Vec::new();
        encode_lossy(pixmap, quality, color, &mut Vec::new(), &mut Vec::new(), &mut out).unwrap();
        out
    }

    /// The pixels, with as many components as the file has.
    fn decode(file: &[u8]) -> Vec<u8> {
        let mut decoder = image_webp::WebPDecoder::new(Cursor::new(file)).unwrap();
        let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
        decoder.read_image(&mut pixels).unwrap();
        pixels
    }

    #[test]
    fn lossless_files_give_every_pixel_back() {
        for (width, height) in [(1, 1), (1, 7), (9, 1), (65, 33)] {
            for page in [
                pixmap(width, height, |x, y| [(x * 3) as u8, (x * y) as u8, 100]),
                pixmap(width, height, |x, y| [(x * y) as u8; 3]),
                pixmap(width, height, |x, y| [x as u8, y as u8, 7, (x * 11) as u8]),
                pixmap(width, height, |x, y| [y as u8, y as u8, y as u8, (x * 11) as u8]),
            ] {
                for color in [ColorMode::Auto, ColorMode::Rgb] {
                    assert!(decode(&lossless(&page, color)) == page.data(), "{width} × {height}, {color}");
                }
            }
        }
    }

    #[test]
    fn lossy_files_look_like_the_original() {
        let page = pixmap(64, 48, |x, y| [(x * 2) as u8, (y * 3) as u8, 100]);
        let decoded = decode(&lossy(&page, 95, ColorMode::Auto));
        assert_eq!(decoded.len(), page.data().len());
        assert!(decoded.iter().zip(page.data()).all(|(a, b)| a.abs_diff(*b) < 24));
        assert!(lossy(&page, 20, ColorMode::Auto).len() < lossy(&page, 95, ColorMode::Auto).len());
    }

    #[test]
    fn lossy_files_keep_transparency() {
        let page = pixmap(32, 32, |x, _| [200, 100, 50, if x < 16 { 0 } else { 255 }]);
        let decoded = decode(&lossy(&page, 90, ColorMode::Auto));
        let alphas = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|p| p[3]).collect::<Vec<_>>();
        assert_eq!(alphas(&decoded), alphas(page.data()));
    }

    #[test]
    fn gray_mode_leaves_no_colour_and_keeps_alpha() {
        let page = pixmap(32, 32, |x, y| [200, (x * 8) as u8, (y * 8) as u8, (128 + x) as u8]);
        let decoded = decode(&lossless(&page, ColorMode::Gray));
        for (out, original) in decoded.as_chunks::<4>().0.iter().zip(page.data().as_chunks::<4>().0) {
            assert!(out[0] == out[1] && out[1] == out[2] && out[3] == original[3], "{out:?}");
        }
        let opaque = pixmap(32, 32, |x, y| [200, (x * 8) as u8, (y * 8) as u8]);
        for [r, g, b] in decode(&lossy(&opaque, 90, ColorMode::Gray)).as_chunks::<3>().0 {
            assert!(r.abs_diff(*g) < 4 && g.abs_diff(*b) < 4, "{r} {g} {b}");
        }
    }
}
