//! The pictures that a program has written: which pages, how large, and their pixels.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use fidelity::Picture;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The resolutions that pictures are compared at, which `fidelity` is made for: the higher for small pages.
const COMPARED_DPI: [u32; 2] = [75, 150];

/// Below so many pixels a page is small.
const SMALL_PIXELS: usize = 1_000_000;

/// Above so many pixels pictures are scaled down further: posters would take minutes.
const COMPARED_PIXELS: usize = 12_000_000;

/// The pictures of a directory by the number that their names end with.
///
/// # Errors
///
/// If it cannot be read, or a picture has no number or that of another.
pub(super) fn list(directory: &Path) -> Result<BTreeMap<u32, PathBuf>> {
    let mut found = BTreeMap::new();
    for path in picture_files(directory)? {
        let page = page_number(&path).with_context(|| format!("{} has no page number", path.display()))?;
        if let Some(other) = found.insert(page, path) {
            bail!("there are two pictures of page {page}, one of them is {}", other.display());
        }
    }
    Ok(found)
}

/// The total length of the pictures in a directory, in bytes.
///
/// # Errors
///
/// If the directory cannot be read.
pub fn picture_bytes(directory: &Path) -> Result<u64> {
    let mut total = 0;
    for path in picture_files(directory)? {
        total += fs::metadata(&path).with_context(|| format!("failed to look at {}", path.display()))?.len();
    }
    Ok(total)
}

/// Width and height of a JPEG or PNG file in pixels, without its pixels.
///
/// # Errors
///
/// If it cannot be read, or is neither.
pub(super) fn size_px(path: &Path) -> Result<(usize, usize)> {
    let failed = || format!("failed to read the size of {}", path.display());
    if path.extension().is_some_and(|it| it == "png") {
        let file = BufReader::new(File::open(path).with_context(failed)?);
        let reader = png::Decoder::new(file).read_info().with_context(failed)?;
        let info = reader.info();
        return Ok((info.width as usize, info.height as usize));
    }
    let bytes = fs::read(path).with_context(failed)?;
    let mut decoder = JpegDecoder::new(ZCursor::new(&bytes[..]));
    decoder.decode_headers().with_context(failed)?;
    decoder.dimensions().with_context(failed)
}

/// Decodes a JPEG or PNG file of a page at `dpi`, scaled down to where it is compared.
///
/// # Errors
///
/// If it cannot be read, or is neither.
pub(super) fn read(path: &Path, dpi: u32) -> Result<Picture> {
    let failed = || format!("failed to decode {}", path.display());
    let bytes = fs::read(path).with_context(failed)?;
    let (width_px, height_px, rgb) = match bytes.as_slice() {
        [0xff, 0xd8, ..] => decode_jpeg(&bytes),
        [0x89, b'P', b'N', b'G', ..] => decode_png(&bytes),
        _ => bail!("{} is neither a JPEG nor a PNG file", path.display()),
    }
    .with_context(failed)?;
    let [low, high] = COMPARED_DPI;
    let mut factor = dpi.div_ceil(high).max(1) as usize;
    if width_px * height_px / (factor * factor) > SMALL_PIXELS {
        factor = factor.max((dpi / low) as usize);
    }
    while width_px * height_px / (factor * factor) > COMPARED_PIXELS {
        factor += 1;
    }
    let (width_px, height_px, rgb) = scaled_down(width_px, height_px, rgb, factor);
    Picture::new(width_px, height_px, rgb).with_context(failed)
}

/// All JPEG and PNG files below a directory.
fn picture_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let failed = || format!("failed to list {}", directory.display());
    for entry in fs::read_dir(directory).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        if path.is_dir() {
            files.extend(picture_files(&path)?);
        } else if path.extension().is_some_and(|suffix| ["jpg", "jpeg", "png"].iter().any(|it| suffix == *it))
        {
            files.push(path);
        }
    }
    Ok(files)
}

/// The number that a file name ends with, before its extension.
fn page_number(path: &Path) -> Option<u32> {
    let stem = path.file_stem()?.to_str()?;
    stem[stem.trim_end_matches(|c: char| c.is_ascii_digit()).len()..].parse().ok()
}

fn decode_jpeg(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>)> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let rgb = decoder.decode()?;
    let (width_px, height_px) = decoder.dimensions().context("it has no size")?;
    ensure!(rgb.len() == width_px * height_px * 3, "it does not decode to red, green and blue");
    Ok((width_px, height_px, rgb))
}

fn decode_png(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>)> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut samples = vec![0; reader.output_buffer_size().context("it is too large")?];
    let frame = reader.next_frame(&mut samples)?;
    samples.truncate(frame.buffer_size());
    // What is not opaque is seen on white.
    let on_white = |sample: u8, alpha: u8| {
        ((u32::from(sample) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8
    };
    let rgb = match frame.color_type.samples() {
        1 => samples.iter().flat_map(|&gray| [gray; 3]).collect(),
        2 => samples.chunks_exact(2).flat_map(|it| [on_white(it[0], it[1]); 3]).collect(),
        3 => samples,
        _ => samples.chunks_exact(4).flat_map(|it| [0, 1, 2].map(|i| on_white(it[i], it[3]))).collect(),
    };
    Ok((frame.width as usize, frame.height as usize, rgb))
}

/// The means of blocks of `factor` × `factor` pixels; what does not fill a block is left out.
fn scaled_down(width_px: usize, height_px: usize, rgb: Vec<u8>, factor: usize) -> (usize, usize, Vec<u8>) {
    let (columns, rows) = (width_px / factor, height_px / factor);
    if factor <= 1 || columns == 0 || rows == 0 {
        return (width_px, height_px, rgb);
    }
    let mut scaled = Vec::with_capacity(columns * rows * 3);
    let mut sums = vec![0_u32; columns * 3];
    let count = (factor * factor) as u32;
    for band in rgb.chunks_exact(width_px * 3 * factor) {
        sums.fill(0);
        for row in band.chunks_exact(width_px * 3) {
            for (x, pixel) in row.chunks_exact(3).take(columns * factor).enumerate() {
                let sums = &mut sums[x / factor * 3..][..3];
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(sample);
                }
            }
        }
        scaled.extend(sums.iter().map(|&sum| ((sum + count / 2) / count) as u8));
    }
    (columns, rows, scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_number_is_what_the_name_ends_with() {
        assert_eq!(page_number(Path::new("a3/page-0012.jpg")), Some(12));
        assert_eq!(page_number(Path::new("page0002-11.png")), Some(11));
        assert_eq!(page_number(Path::new("7.png")), Some(7));
        assert_eq!(page_number(Path::new("cover.png")), None);
    }

    #[test]
    fn what_is_scaled_down_is_averaged() {
        let pixel = |gray: u8| [gray, gray, 255];
        let rgb = [0, 10, 99, 20, 30, 99, 50, 50, 99].into_iter().flat_map(pixel).collect::<Vec<u8>>();
        assert_eq!(scaled_down(3, 3, rgb.clone(), 2), (1, 1, vec![15, 15, 255]));
        assert_eq!(scaled_down(3, 3, rgb.clone(), 1), (3, 3, rgb.clone()));
        assert_eq!(scaled_down(3, 3, rgb.clone(), 4), (3, 3, rgb));
    }
}
