//! Whether two programs have done the same work: as many pictures, as large, and alike.
//!
//! Two rasterizers never agree on the pixels along an edge, so pictures are compared as averages
//! over blocks of 8 × 8 pixels of luma: antialiasing and hinting cancel out there, a line of text
//! that is missing or has moved does not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The side of a block, in pixels.
const BLOCK_PX: usize = 8;

/// The largest mean difference of the blocks of a page, in levels of 255.
pub const MAX_MEAN_DIFFERENCE: f64 = 3.0;

/// A block that differs by more than this many levels is a wrong one.
pub const WRONG_BLOCK_DIFFERENCE: f64 = 48.0;

/// The largest share of wrong blocks on a page: one missing line of text of fifty is 0.0026.
pub const MAX_WRONG_BLOCKS: f64 = 0.001;

/// The luma of a picture, row after row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Luma {
    /// The width in pixels.
    pub width_px: usize,
    /// The height in pixels.
    pub height_px: usize,
    /// One byte for each pixel.
    pub samples: Vec<u8>,
}

/// How far two pictures, or the worst two of many, are from each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Difference {
    /// The mean difference of the blocks, in levels of 255.
    pub mean: f64,
    /// The share of blocks that differ by more than [`WRONG_BLOCK_DIFFERENCE`].
    pub wrong_blocks: f64,
}

/// What the outputs of both sides have in common.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Certificate {
    /// The number of pictures of either side.
    pub pages: u32,
    /// The width of the first picture, in pixels.
    pub width_px: usize,
    /// The height of the first picture, in pixels.
    pub height_px: usize,
    /// The worst of each kind of difference over all pages.
    pub worst: Difference,
}

/// Compares the pictures in two directories.
///
/// # Errors
///
/// If either has not exactly the pages 1 to `pages`, if two pictures of a page differ in size, or
/// if their difference is above [`MAX_MEAN_DIFFERENCE`] or [`MAX_WRONG_BLOCKS`]: then the two
/// programs have not done the same work, and their times mean nothing.
pub fn certify(ours: &Path, theirs: &Path, pages: u32) -> Result<Certificate> {
    let ours = pictures(ours, pages)?;
    let theirs = pictures(theirs, pages)?;
    let mut certificate = Certificate { pages, width_px: 0, height_px: 0, worst: Difference::default() };
    for (page, path) in &ours {
        let (our, their) = (Luma::read(path)?, Luma::read(&theirs[page])?);
        let difference = our.difference(&their).with_context(|| format!("page {page} is not certified"))?;
        ensure!(
            difference.mean <= MAX_MEAN_DIFFERENCE && difference.wrong_blocks <= MAX_WRONG_BLOCKS,
            "page {page} is not certified: the pictures differ by {:.2} levels on average and in {:.2} % of \
             the blocks entirely; accepted are {MAX_MEAN_DIFFERENCE} and {} %",
            difference.mean,
            difference.wrong_blocks * 100.0,
            MAX_WRONG_BLOCKS * 100.0,
        );
        if *page == 1 {
            (certificate.width_px, certificate.height_px) = (our.width_px, our.height_px);
        }
        certificate.worst.mean = certificate.worst.mean.max(difference.mean);
        certificate.worst.wrong_blocks = certificate.worst.wrong_blocks.max(difference.wrong_blocks);
    }
    Ok(certificate)
}

/// The total length of the pictures in a directory, in bytes.
///
/// # Errors
///
/// If the directory cannot be read.
pub fn picture_bytes(dir: &Path) -> Result<u64> {
    let mut total = 0;
    for path in picture_files(dir)? {
        total += fs::metadata(&path).with_context(|| format!("failed to look at {}", path.display()))?.len();
    }
    Ok(total)
}

impl Luma {
    /// Decodes a JPEG or PNG file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is neither.
    pub fn read(path: &Path) -> Result<Luma> {
        let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        Luma::decode(&bytes).with_context(|| format!("failed to decode {}", path.display()))
    }

    fn decode(bytes: &[u8]) -> Result<Luma> {
        match bytes {
            [0xff, 0xd8, ..] => decode_jpeg(bytes),
            [0x89, b'P', b'N', b'G', ..] => decode_png(bytes),
            _ => bail!("it is neither a JPEG nor a PNG file"),
        }
    }

    /// How far this picture is from another of the same size.
    ///
    /// # Errors
    ///
    /// If the sizes differ.
    pub fn difference(&self, other: &Luma) -> Result<Difference> {
        ensure!(
            (self.width_px, self.height_px) == (other.width_px, other.height_px),
            "one picture has {} × {} pixels, the other {} × {}",
            self.width_px,
            self.height_px,
            other.width_px,
            other.height_px
        );
        let (ours, theirs) = (self.blocks(), other.blocks());
        let mut difference = Difference::default();
        for (our, their) in ours.iter().zip(&theirs) {
            let levels = (our - their).abs();
            difference.mean += levels;
            difference.wrong_blocks += f64::from(u8::from(levels > WRONG_BLOCK_DIFFERENCE));
        }
        let count = ours.len().max(1) as f64;
        Ok(Difference { mean: difference.mean / count, wrong_blocks: difference.wrong_blocks / count })
    }

    /// The means of the blocks; those at the right and the lower edge may be smaller.
    fn blocks(&self) -> Vec<f64> {
        let columns = self.width_px.div_ceil(BLOCK_PX);
        let mut sums = vec![(0_u32, 0_u32); columns * self.height_px.div_ceil(BLOCK_PX)];
        for (y, row) in self.samples.chunks_exact(self.width_px.max(1)).enumerate() {
            for (column, part) in row.chunks(BLOCK_PX).enumerate() {
                let (sum, count) = &mut sums[y / BLOCK_PX * columns + column];
                *sum += part.iter().copied().map(u32::from).sum::<u32>();
                *count += part.len() as u32;
            }
        }
        sums.into_iter().map(|(sum, count)| f64::from(sum) / f64::from(count)).collect()
    }
}

/// The pictures of a directory by page number, if those are exactly 1 to `pages`.
fn pictures(dir: &Path, pages: u32) -> Result<BTreeMap<u32, PathBuf>> {
    let mut found = BTreeMap::new();
    for path in picture_files(dir)? {
        let page = page_number(&path).with_context(|| format!("{} has no page number", path.display()))?;
        if let Some(other) = found.insert(page, path) {
            bail!("there are two pictures of page {page}, one of them is {}", other.display());
        }
    }
    ensure!(
        found.keys().copied().eq(1..=pages),
        "{} should hold the pages 1 to {pages}, and holds {} pictures",
        dir.display(),
        found.len()
    );
    Ok(found)
}

/// All JPEG and PNG files below a directory.
fn picture_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("failed to list {}", dir.display()))? {
        let path = entry.with_context(|| format!("failed to list {}", dir.display()))?.path();
        if path.is_dir() {
            files.extend(picture_files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| ["jpg", "jpeg", "png"].iter().any(|it| extension == *it))
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

fn decode_jpeg(bytes: &[u8]) -> Result<Luma> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let samples = decoder.decode()?;
    let (width_px, height_px) = decoder.dimensions().context("it has no size")?;
    ensure!(samples.len() == width_px * height_px, "it does not decode to luma");
    Ok(Luma { width_px, height_px, samples })
}

fn decode_png(bytes: &[u8]) -> Result<Luma> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("it is too large")?];
    let frame = reader.next_frame(&mut pixels)?;
    let channels = frame.color_type.samples();
    // An alpha channel comes last, and neither side writes a page that is not opaque.
    let samples = pixels[..frame.buffer_size()]
        .chunks_exact(channels)
        .map(|pixel| match *pixel {
            [red, green, blue, ..] => luma(red, green, blue),
            [gray, ..] => gray,
            [] => 0,
        })
        .collect();
    Ok(Luma { width_px: frame.width as usize, height_px: frame.height as usize, samples })
}

/// The luma of ITU-R BT.601, as JPEG has it.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114 + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;

    const WIDTH_PX: usize = 203;
    const HEIGHT_PX: usize = 101;

    /// Dark lines on white, as of text; the lines start at a chosen row.
    fn lines(from_px: usize) -> Luma {
        let sample = |i: usize| if (i / WIDTH_PX + HEIGHT_PX - from_px) % 20 < 6 { 30 } else { 255 };
        Luma {
            width_px: WIDTH_PX,
            height_px: HEIGHT_PX,
            samples: (0..WIDTH_PX * HEIGHT_PX).map(sample).collect(),
        }
    }

    fn png(picture: &Luma, color: png::ColorType) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, picture.width_px as u32, picture.height_px as u32);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        if color == png::ColorType::Indexed {
            encoder.set_palette((0..=255).flat_map(|gray| [gray; 3]).collect::<Vec<u8>>());
        }
        let channels = color.samples();
        let pixels: Vec<u8> = picture.samples.iter().flat_map(|&gray| vec![gray; channels]).collect();
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        bytes
    }

    fn jpeg(picture: &Luma, color: ColorType) -> Vec<u8> {
        let mut bytes = Vec::new();
        let channels = if color == ColorType::Luma { 1 } else { 3 };
        let pixels: Vec<u8> = picture.samples.iter().flat_map(|&gray| vec![gray; channels]).collect();
        let (width, height) = (picture.width_px as u16, picture.height_px as u16);
        Encoder::new(&mut bytes, 90).encode(&pixels, width, height, color).unwrap();
        bytes
    }

    fn directory(pages: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in pages {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        dir
    }

    fn refusal(ours: &[(&str, Vec<u8>)], theirs: &[(&str, Vec<u8>)], pages: u32) -> String {
        format!("{:#}", certify(directory(ours).path(), directory(theirs).path(), pages).unwrap_err())
    }

    #[test]
    fn the_same_page_is_certified_whatever_its_name_format_and_colour() {
        let ours = directory(&[("a/page-0001.png", png(&lines(0), png::ColorType::Grayscale))]);
        for theirs in [
            png(&lines(0), png::ColorType::Rgb),
            png(&lines(0), png::ColorType::Indexed),
            jpeg(&lines(0), ColorType::Rgb),
            jpeg(&lines(0), ColorType::Luma),
        ] {
            let theirs = directory(&[("p-01.jpg", theirs), ("notes.txt", Vec::new())]);
            let certificate = certify(ours.path(), theirs.path(), 1).unwrap();
            assert_eq!((certificate.width_px, certificate.height_px), (WIDTH_PX, HEIGHT_PX));
            assert!(certificate.worst.mean < 1.0, "{certificate:?}");
        }
    }

    #[test]
    fn a_picture_that_differs_is_refused() {
        let page = |picture: &Luma| vec![("1.png", png(picture, png::ColorType::Grayscale))];
        let blank = Luma { samples: vec![255; WIDTH_PX * HEIGHT_PX], ..lines(0) };
        assert!(refusal(&page(&lines(0)), &page(&lines(10)), 1).contains("page 1 is not certified"));
        assert!(refusal(&page(&lines(0)), &page(&blank), 1).contains("page 1 is not certified"));
    }

    #[test]
    fn a_page_without_one_of_its_lines_is_refused() {
        let mut fewer = lines(0);
        fewer.samples[20 * WIDTH_PX..26 * WIDTH_PX].fill(255);
        let page = |picture: &Luma| vec![("1.png", png(picture, png::ColorType::Grayscale))];
        assert!(refusal(&page(&lines(0)), &page(&fewer), 1).contains("page 1 is not certified"));
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let smaller = Luma { height_px: 100, samples: vec![255; WIDTH_PX * 100], width_px: WIDTH_PX };
        let ours = [("1.png", png(&lines(0), png::ColorType::Grayscale))];
        let theirs = [("1.png", png(&smaller, png::ColorType::Grayscale))];
        assert!(refusal(&ours, &theirs, 1).contains("203 × 101 pixels, the other 203 × 100"));
    }

    #[test]
    fn a_missing_page_is_refused() {
        let png = png(&lines(0), png::ColorType::Grayscale);
        let two = [("1.png", png.clone()), ("2.png", png.clone())];
        assert!(refusal(&two, &[("1.png", png.clone())], 2).contains("holds 1 pictures"));
        assert!(refusal(&two, &[("1.png", png.clone()), ("3.png", png)], 2).contains("pages 1 to 2"));
    }

    #[test]
    fn the_page_number_is_what_the_name_ends_with() {
        assert_eq!(page_number(Path::new("a3/page-0012.jpg")), Some(12));
        assert_eq!(page_number(Path::new("7.png")), Some(7));
        assert_eq!(page_number(Path::new("cover.png")), None);
    }
}
