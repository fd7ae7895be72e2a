//! Whether what came out is right.

use std::io::Cursor;

use anyhow::{Context, Result, bail, ensure};
use image_webp::WebPDecoder;
use pdf2img::encode::{Encoding, ImageFormat};
use render_api::{PixelFormat, Pixmap};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The largest mean difference of a component that a lossy file may make, in levels of 255.
const MAX_MEAN_DIFFERENCE: f64 = 4.0;

/// The least share of a page that is drawn on, in pixels.
const MIN_INK: f64 = 0.002;

/// Tells whether something is drawn on the pixels, and not all over them in one colour.
///
/// How alike the engines' pages are is not asked here: `pdf2img compare` and the conformance suite do.
///
/// # Errors
///
/// If there are no pixels, or hardly any differs from the first.
pub fn is_a_page(pixmap: &Pixmap) -> Result<()> {
    let bytes = pixmap.format().bytes_per_pixel();
    let mut pixels = pixmap.data().chunks_exact(bytes).map(|pixel| &pixel[..bytes.min(3)]);
    let first = pixels.next().context("the page has no pixels")?;
    let different = pixels.filter(|pixel| *pixel != first).count();
    let share = different as f64 / f64::from(pixmap.width_px()) / f64::from(pixmap.height_px());
    ensure!(share >= MIN_INK, "only {share:.6} of the page is drawn on");
    Ok(())
}

/// Tells whether a file shows these pixels: each of them if the format keeps them, else the like of them.
///
/// # Errors
///
/// If a decoder of another origin than the encoder does not read it, or the pixels differ.
pub fn shows(file: &[u8], encoding: Encoding, pixmap: &Pixmap) -> Result<()> {
    let decoded = match encoding.format() {
        ImageFormat::Png => decode_png(file),
        ImageFormat::Jpeg => decode_jpeg(file),
        ImageFormat::Webp => decode_webp(file),
    };
    let decoded = decoded.with_context(|| format!("no {} file", encoding.format()))?;
    let size = (pixmap.width_px() as usize, pixmap.height_px() as usize);
    ensure!((decoded.width_px, decoded.height_px) == size, "the image has another size than the page");
    let original = rgb(pixmap)?;
    if matches!(encoding, Encoding::Png { .. } | Encoding::WebpLossless) {
        ensure!(decoded.rgb == original, "the image has other pixels than the page");
        return Ok(());
    }
    let sum: u64 = decoded.rgb.iter().zip(&original).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean = sum as f64 / original.len() as f64;
    ensure!(mean <= MAX_MEAN_DIFFERENCE, "the image is {mean:.2} levels away from the page");
    Ok(())
}

struct Decoded {
    width_px: usize,
    height_px: usize,
    rgb: Vec<u8>,
}

/// The red, green and blue of an opaque image.
fn rgb(pixmap: &Pixmap) -> Result<Vec<u8>> {
    match pixmap.format() {
        PixelFormat::Gray8 => Ok(pixmap.data().iter().flat_map(|level| [*level; 3]).collect()),
        PixelFormat::Rgb8 => Ok(pixmap.data().to_vec()),
        PixelFormat::Rgbx8 => {
            Ok(pixmap.data().as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect())
        }
        PixelFormat::Rgba8 => bail!("pages are drawn on paper here"),
    }
}

fn decode_png(file: &[u8]) -> Result<Decoded> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("it is too large")?];
    let frame = reader.next_frame(&mut pixels)?;
    pixels.truncate(frame.buffer_size());
    let rgb = match frame.color_type {
        png::ColorType::Grayscale => pixels.into_iter().flat_map(|level| [level; 3]).collect(),
        png::ColorType::Rgb => pixels,
        other => bail!("{other:?} for an opaque page"),
    };
    Ok(Decoded { width_px: frame.width as usize, height_px: frame.height as usize, rgb })
}

fn decode_jpeg(file: &[u8]) -> Result<Decoded> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let rgb = decoder.decode()?;
    let (width_px, height_px) = decoder.dimensions().context("it has no size")?;
    Ok(Decoded { width_px, height_px, rgb })
}

fn decode_webp(file: &[u8]) -> Result<Decoded> {
    let mut decoder = WebPDecoder::new(Cursor::new(file))?;
    let (width_px, height_px) = decoder.dimensions();
    ensure!(!decoder.has_alpha(), "an opaque page has an alpha channel");
    let mut rgb = vec![0; decoder.output_buffer_size().context("it is too large")?];
    decoder.read_image(&mut rgb)?;
    Ok(Decoded { width_px: width_px as usize, height_px: height_px as usize, rgb })
}

#[cfg(test)]
mod tests {
    use pdf2img::encode::{EncodeOptions, Encoder};

    use super::*;
    use crate::benchmark::Format;

    fn page(format: PixelFormat) -> Pixmap {
        let mut pixmap = Pixmap::default();
        pixmap.reset(64, 48, format, u64::MAX).unwrap();
        for (i, byte) in pixmap.data_mut().iter_mut().enumerate() {
            *byte = (i / 7 % 256) as u8;
        }
        pixmap
    }

    #[test]
    fn every_format_shows_its_page_and_not_another() {
        for format in [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgbx8] {
            for encoding in [Format::Png, Format::Jpeg, Format::Webp].map(Format::encoding) {
                let mut page = page(format);
                let mut file = Vec::new();
                let options = EncodeOptions { encoding, ..EncodeOptions::default() };
                Encoder::new().encode(&page, &options, &mut file).unwrap();
                shows(&file, encoding, &page).unwrap();
                page.data_mut().reverse();
                shows(&file, encoding, &page).unwrap_err();
                shows(&file[..file.len() / 2], encoding, &page).unwrap_err();
            }
        }
    }

    #[test]
    fn a_blank_page_is_no_proof_of_drawing() {
        let mut page = page(PixelFormat::Rgb8);
        is_a_page(&page).unwrap();
        page.data_mut().fill(255);
        is_a_page(&page).unwrap_err();
        is_a_page(&Pixmap::default()).unwrap_err();
    }
}
