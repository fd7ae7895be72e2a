//! PNG: the colour type that takes the fewest bits, filters, and a deflate stream.
//!
//! - [`palette`]: counts colours and levels, and packs small ones;
//! - [`filter`]: makes photographs compressible, row by row;
//! - [`deflate`]: compresses what most of a page is, several times faster than a general
//!   compressor, which is left to [`PngEffort::Smallest`].

mod deflate;
mod filter;
mod palette;

use libdeflater::{CompressionLvl, Compressor, Crc};
use render_api::{PixelFormat, Pixmap};

use super::pixels::{drop_fourth_byte, is_opaque, spread_gray, to_gray};
use super::{ColorMode, EncodeError, ImageFormat, PngEffort, Resolution, set_len};
use deflate::{RowDeflater, Search};
use filter::Filters;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// The most data in one IDAT chunk; the format allows twice as much.
const MAX_IDAT_BYTES: usize = 1 << 30;

/// Writes PNG files, and keeps its buffers.
#[derive(Default)]
pub(super) struct PngEncoder {
    /// The rows as they will be compressed, each after the byte that names its filter.
    rows: Vec<u8>,
    gray: Vec<u8>,
    filters: Filters,
    deflater: RowDeflater,
    best_compressor: Option<Compressor>,
    compressed: Vec<u8>,
}

impl PngEncoder {
    /// Writes `pixmap` into the empty `out`.
    ///
    /// # Errors
    ///
    /// [`EncodeError::OutOfMemory`].
    pub(super) fn encode(
        &mut self,
        pixmap: &Pixmap,
        effort: PngEffort,
        color: ColorMode,
        resolution: Option<Resolution>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let layout = self.lay_out(pixmap, color)?;
        let height = pixmap.height_px() as usize;
        let stride = self.rows.len() / height;
        let pixel_bytes = layout.filter_distance().unwrap_or(1);
        let filters = if effort == PngEffort::Fastest { filter::SIMPLE } else { filter::ALL };
        if layout.filter_distance().is_some() {
            self.filters.apply(&mut self.rows, stride, pixel_bytes, filters)?;
        }
        let compressed_bytes = if effort == PngEffort::Smallest {
            let best = self.best_compressor.get_or_insert_with(|| Compressor::new(CompressionLvl::best()));
            compress_with(best, &self.rows, &mut self.compressed)?
        } else {
            let search = if effort == PngEffort::Fastest { Search::Runs } else { Search::Copies };
            self.deflater.compress(&self.rows, stride, pixel_bytes, search, &mut self.compressed)?
        };
        let compressed = &self.compressed[..compressed_bytes];

        // Signature, IHDR, pHYs, a full PLTE and IEND take 905 bytes; an IDAT header takes 12.
        let file_bytes = 1024 + compressed_bytes + 12 * compressed_bytes.div_ceil(MAX_IDAT_BYTES);
        out.try_reserve(file_bytes).map_err(|e| out_of_memory(e.to_string()))?;
        out.extend_from_slice(&SIGNATURE);
        write_chunk(out, *b"IHDR", &header(pixmap, &layout));
        if let Some(resolution) = resolution {
            write_chunk(out, *b"pHYs", &physical_size(resolution));
        }
        if let Layout::Indexed { palette, .. } = &layout {
            write_chunk(out, *b"PLTE", palette.as_flattened());
        }
        for data in compressed.chunks(MAX_IDAT_BYTES) {
            write_chunk(out, *b"IDAT", data);
        }
        write_chunk(out, *b"IEND", &[]);
        Ok(())
    }

    /// Chooses a colour type and brings the rows into its form, unfiltered.
    fn lay_out(&mut self, pixmap: &Pixmap, color: ColorMode) -> Result<Layout, EncodeError> {
        let width = pixmap.width_px() as usize;
        if !is_opaque(pixmap) {
            return self.lay_out_transparent(pixmap, color);
        }
        if to_gray(pixmap, color, 1, ImageFormat::Png, &mut self.rows)? {
            clear_filter_bytes(&mut self.rows, 1 + width);
            return Ok(palette::narrow_gray(&mut self.rows, width, color));
        }
        if color == ColorMode::Auto
            && let Some(layout) = palette::index_colors(pixmap, &mut self.rows)?
        {
            return Ok(layout);
        }
        set_len(&mut self.rows, (1 + 3 * width) * pixmap.height_px() as usize, ImageFormat::Png)?;
        let rows = self.rows.chunks_exact_mut(1 + 3 * width);
        for (row, pixels) in rows.zip(pixmap.data().chunks_exact(pixmap.stride())) {
            row[0] = filter::NONE;
            match pixmap.format() {
                PixelFormat::Gray8 => spread_gray(pixels, &mut row[1..]),
                PixelFormat::Rgb8 => row[1..].copy_from_slice(pixels),
                PixelFormat::Rgbx8 | PixelFormat::Rgba8 => drop_fourth_byte(pixels, &mut row[1..]),
            }
        }
        Ok(Layout::Rgb)
    }

    fn lay_out_transparent(&mut self, pixmap: &Pixmap, color: ColorMode) -> Result<Layout, EncodeError> {
        let (width, height) = (pixmap.width_px() as usize, pixmap.height_px() as usize);
        let is_gray = to_gray(pixmap, color, 0, ImageFormat::Png, &mut self.gray)?;
        let layout = if is_gray { Layout::GrayAlpha } else { Layout::Rgba };
        let stride = 1 + width * if is_gray { 2 } else { 4 };
        set_len(&mut self.rows, stride * height, ImageFormat::Png)?;
        clear_filter_bytes(&mut self.rows, stride);
        for (y, (row, pixels)) in
            self.rows.chunks_exact_mut(stride).zip(pixmap.data().chunks_exact(pixmap.stride())).enumerate()
        {
            if is_gray {
                let levels = &self.gray[y * width..][..width];
                let alphas = pixels.as_chunks::<4>().0.iter().map(|p| p[3]);
                for ((pair, &level), alpha) in row[1..].as_chunks_mut().0.iter_mut().zip(levels).zip(alphas) {
                    *pair = [level, alpha];
                }
            } else {
                row[1..].copy_from_slice(pixels);
            }
        }
        Ok(layout)
    }
}

/// Writes a zlib stream by libdeflate to the start of `out`, which grows as needed; the answer is the
/// stream's length in bytes.
fn compress_with(compressor: &mut Compressor, rows: &[u8], out: &mut Vec<u8>) -> Result<usize, EncodeError> {
    let bound = compressor.zlib_compress_bound(rows.len());
    if out.len() < bound {
        set_len(out, bound, ImageFormat::Png)?;
    }
    compressor
        .zlib_compress(rows, out)
        .map_err(|e| EncodeError::Codec { format: ImageFormat::Png, detail: e.to_string() })
}

/// A colour type of PNG with its depth.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Layout {
    Gray { bits: u8 },
    Rgb,
    Indexed { bits: u8, palette: Vec<[u8; 3]> },
    GrayAlpha,
    Rgba,
}

impl Layout {
    /// The depth and the colour type as the header has them.
    fn depth_and_type(&self) -> [u8; 2] {
        match self {
            Layout::Gray { bits } => [*bits, 0],
            Layout::Rgb => [8, 2],
            Layout::Indexed { bits, .. } => [*bits, 3],
            Layout::GrayAlpha => [8, 4],
            Layout::Rgba => [8, 6],
        }
    }

    /// The distance in bytes between neighbouring pixels, where filters are of use: neither an
    /// index nor a part of a byte is near its neighbour.
    fn filter_distance(&self) -> Option<usize> {
        match self {
            Layout::Gray { bits: 8 } => Some(1),
            Layout::Rgb => Some(3),
            Layout::GrayAlpha => Some(2),
            Layout::Rgba => Some(4),
            Layout::Gray { .. } | Layout::Indexed { .. } => None,
        }
    }
}

fn clear_filter_bytes(rows: &mut [u8], stride: usize) {
    for row in rows.chunks_exact_mut(stride) {
        row[0] = filter::NONE;
    }
}

fn header(pixmap: &Pixmap, layout: &Layout) -> [u8; 13] {
    let mut header = [0; 13];
    header[..4].copy_from_slice(&pixmap.width_px().to_be_bytes());
    header[4..8].copy_from_slice(&pixmap.height_px().to_be_bytes());
    header[8..10].copy_from_slice(&layout.depth_and_type());
    // Compression, filter method and interlacing are 0, the only or the usual choice.
    header
}

/// The content of pHYs: pixels per metre across and down, and that the unit is the metre.
fn physical_size(resolution: Resolution) -> [u8; 9] {
    const INCHES_PER_METRE: f64 = 1.0 / 0.0254;
    let axis = |dpi: f64| {
        let per_metre = (dpi * INCHES_PER_METRE).round().clamp(1.0, f64::from(i32::MAX));
        (per_metre as u32).to_be_bytes()
    };
    let mut size = [1; 9];
    size[..4].copy_from_slice(&axis(resolution.x_dpi));
    size[4..8].copy_from_slice(&axis(resolution.y_dpi));
    size
}

fn write_chunk(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    out.extend_from_slice(&kind);
    out.extend_from_slice(data);
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    out.extend_from_slice(&crc.sum().to_be_bytes());
}

fn out_of_memory(detail: String) -> EncodeError {
    EncodeError::OutOfMemory { format: ImageFormat::Png, detail }
}

#[cfg(test)]
mod tests {
    use super::super::pixels::tests::pixmap;
    use super::super::{EncodeOptions, Encoder, Encoding};
    use super::*;

    /// What a decoder makes of a file: its colour type and depth, and its pixels as RGBA.
    struct Decoded {
        color: (png::ColorType, png::BitDepth),
        rgba: Vec<[u8; 4]>,
        pixel_dimensions: Option<png::PixelDimensions>,
    }

    fn decode(file: &[u8]) -> Decoded {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(frame.buffer_size());
        reader.finish().unwrap();
        let info = reader.info();
        let rgba = match frame.color_type {
            png::ColorType::Grayscale => pixels.iter().map(|&g| [g, g, g, 255]).collect(),
            png::ColorType::GrayscaleAlpha => {
                pixels.as_chunks().0.iter().map(|&[g, a]| [g, g, g, a]).collect()
            }
            png::ColorType::Rgb => pixels.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 255]).collect(),
            png::ColorType::Rgba => pixels.as_chunks().0.to_vec(),
            png::ColorType::Indexed => unreachable!("palettes are expanded"),
        };
        Decoded { color: (info.color_type, info.bit_depth), rgba, pixel_dimensions: info.pixel_dims }
    }

    fn rgba_of(pixmap: &Pixmap) -> Vec<[u8; 4]> {
        match pixmap.format() {
            PixelFormat::Gray8 => pixmap.data().iter().map(|&level| [level, level, level, 255]).collect(),
            PixelFormat::Rgb8 => {
                pixmap.data().as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 255]).collect()
            }
            PixelFormat::Rgbx8 => {
                pixmap.data().as_chunks().0.iter().map(|&[r, g, b, _]| [r, g, b, 255]).collect()
            }
            PixelFormat::Rgba8 => pixmap.data().as_chunks().0.to_vec(),
        }
    }

    fn encode(pixmap: &Pixmap, effort: PngEffort, color: ColorMode) -> Vec<u8> {
        let options = EncodeOptions { encoding: Encoding::Png { effort }, color, resolution: None };
        let mut out = Vec::new();
        Encoder::new().encode(pixmap, &options, &mut out).unwrap();
        out
    }

    /// Encodes with every effort, in colour too, and compares all pixels.
    fn assert_lossless(pixmap: &Pixmap, expected: (png::ColorType, png::BitDepth)) {
        for effort in PngEffort::ALL {
            for color in [ColorMode::Auto, ColorMode::Rgb] {
                let decoded = decode(&encode(pixmap, effort, color));
                assert!(decoded.rgba == rgba_of(pixmap), "{effort} {color}: other pixels");
                if color == ColorMode::Auto {
                    assert_eq!(decoded.color, expected, "{effort}");
                }
            }
        }
    }

    /// A reproducible sequence of bytes without order (xorshift64).
    fn noise() -> impl FnMut() -> u8 {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        }
    }

    use png::BitDepth::{Eight, Four, One, Two};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};

    #[test]
    fn every_small_size_survives() {
        let mut byte = noise();
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (7, 7), (17, 3), (33, 4)] {
            assert_lossless(&pixmap(width, height, |_, _| [0; 3]), (Grayscale, One));
            let noisy = pixmap(width, height, |_, _| [byte(), byte(), byte()]);
            for effort in PngEffort::ALL {
                assert!(decode(&encode(&noisy, effort, ColorMode::Auto)).rgba == rgba_of(&noisy));
                assert!(decode(&encode(&noisy, effort, ColorMode::Rgb)).rgba == rgba_of(&noisy));
            }
        }
    }

    #[test]
    fn a_blank_page_is_one_bit_a_pixel_and_next_to_nothing() {
        let blank = pixmap(425, 550, |_, _| [255; 3]);
        assert_lossless(&blank, (Grayscale, One));
        assert!(encode(&blank, PngEffort::Balanced, ColorMode::Auto).len() < 600);
    }

    #[test]
    fn few_gray_levels_take_few_bits() {
        for (levels, step, expected) in [
            (2, 255, (Grayscale, One)),
            (4, 85, (Grayscale, Two)),
            (3, 85, (Grayscale, Two)),
            (16, 17, (Grayscale, Four)),
            (2, 9, (Indexed, One)),
            (3, 10, (Indexed, Two)),
            (16, 3, (Indexed, Four)),
            (17, 15, (Grayscale, Eight)),
        ] {
            let page = pixmap(61, 40, |x, y| [((x + y * 7) % levels * step) as u8; 3]);
            assert_lossless(&page, expected);
        }
    }

    #[test]
    fn few_colours_become_a_palette() {
        for (colors, expected) in [
            (2, (Indexed, One)),
            (4, (Indexed, Two)),
            (16, (Indexed, Four)),
            (256, (Indexed, Eight)),
            (257, (Rgb, Eight)),
        ] {
            let color = |i: u32| [(i % 256) as u8, (i / 256) as u8, 77];
            assert_lossless(&pixmap(53, 61, |x, y| color((x + 53 * y) % colors)), expected);
        }
    }

    #[test]
    fn a_gray_mode_file_is_gray_and_never_a_palette() {
        let page = pixmap(10, 10, |x, _| [x as u8 * 20, 0, 0]);
        for effort in PngEffort::ALL {
            let decoded = decode(&encode(&page, effort, ColorMode::Gray));
            assert_eq!(decoded.color, (Grayscale, Eight));
        }
    }

    #[test]
    fn transparency_is_kept_and_opaque_images_lose_nothing_but_their_alpha_channel() {
        assert_lossless(&pixmap(31, 17, |x, y| [9, 9, 9, (x * y) as u8]), (GrayscaleAlpha, Eight));
        assert_lossless(&pixmap(31, 17, |x, y| [x as u8, 9, 9, (x * y) as u8]), (Rgba, Eight));
        assert_lossless(&pixmap(31, 17, |x, y| [x as u8, y as u8, 9, 255]), (Rgb, Eight));
        assert_lossless(&pixmap(31, 17, |x, _| [x as u8, x as u8, x as u8, 255]), (Grayscale, Eight));
    }

    #[test]
    fn noise_does_not_grow() {
        let mut byte = noise();
        let rgb = pixmap(300, 300, |_, _| [byte(), byte(), byte()]);
        let gray = pixmap(300, 300, |_, _| [byte(); 3]);
        assert_lossless(&rgb, (Rgb, Eight));
        assert_lossless(&gray, (Grayscale, Eight));
        for effort in PngEffort::ALL {
            assert!(encode(&rgb, effort, ColorMode::Auto).len() < 300 * 900 + 2000);
            assert!(encode(&gray, effort, ColorMode::Auto).len() < 300 * 300 + 1500);
        }
    }

    #[test]
    fn smooth_pictures_and_pages_of_strokes_survive() {
        let wave = |x: u32, y: u32| {
            ((f64::from(x) / 9.0).sin() * 60.0 + (f64::from(y) / 7.0).cos() * 60.0 + 128.0) as u8
        };
        assert_lossless(&pixmap(301, 200, |x, y| [wave(x, y); 3]), (Grayscale, Eight));
        assert_lossless(&pixmap(301, 200, |x, y| [wave(x, y), wave(y, x), x as u8]), (Rgb, Eight));
        let strokes =
            |x: u32, y: u32| if y % 20 < 12 && (x * 7 / 5) % 9 < 3 { (x * y % 23 * 11) as u8 } else { 255 };
        assert_lossless(&pixmap(1003, 300, |x, y| [strokes(x, y); 3]), (Grayscale, Eight));
    }

    #[test]
    fn filters_make_smooth_pictures_smaller() {
        let page = pixmap(256, 256, |x, y| [(x / 2 + y / 2) as u8, (x ^ y) as u8, (x / 3 + y) as u8]);
        let filtered = encode(&page, PngEffort::Balanced, ColorMode::Rgb).len();
        assert!(filtered < 256 * 256 * 3 / 2, "{filtered} bytes");
    }

    #[test]
    fn a_picture_that_repeats_itself_is_compressed_by_copies_unless_time_is_short() {
        let mut byte = noise();
        let mut level = 128;
        let levels: Vec<u8> = (0..400)
            .map(|_| {
                level = (level + byte() % 7 - 3).clamp(90, 160);
                level
            })
            .collect();
        let tiled = pixmap(400, 300, |x, y| [levels[(y % 10 * 40 + x % 40) as usize]; 3]);
        let fast = encode(&tiled, PngEffort::Fastest, ColorMode::Auto).len();
        let balanced = encode(&tiled, PngEffort::Balanced, ColorMode::Auto).len();
        assert!(2 * balanced < fast, "{balanced} and {fast} bytes");
    }

    #[test]
    fn a_row_of_a_frame_that_goes_on_and_on_costs_a_few_bytes() {
        // As many colours as no palette holds, then paper with lines down.
        let page = pixmap(1000, 1040, |x, y| {
            let is_line = x % 100 == 50;
            if y < 40 { [x as u8, y as u8, 99] } else { [if is_line { 0 } else { 255 }; 3] }
        });
        let corner = pixmap(1000, 40, |x, y| [x as u8, y as u8, 99]);
        let [whole, corner] =
            [page, corner].map(|page| encode(&page, PngEffort::Balanced, ColorMode::Auto).len());
        assert!(whole < corner + 7 * 1000, "{corner} and {whole} bytes");
    }

    #[test]
    fn an_encoder_used_again_writes_the_same_file() {
        let mut encoder = Encoder::new();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut byte = noise();
        let large = pixmap(120, 90, |_, _| [byte(), byte(), byte()]);
        let small = pixmap(20, 10, |x, y| [(x * y) as u8; 3]);
        encoder.encode(&small, &EncodeOptions::default(), &mut first).unwrap();
        encoder.encode(&large, &EncodeOptions::default(), &mut second).unwrap();
        encoder.encode(&small, &EncodeOptions::default(), &mut second).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn the_resolution_is_stated_in_pixels_per_metre() {
        let resolution = Some(Resolution { x_dpi: 150.0, y_dpi: 300.0 });
        let mut out = Vec::new();
        let options = EncodeOptions { resolution, ..EncodeOptions::default() };
        Encoder::new().encode(&pixmap(2, 2, |_, _| [255; 3]), &options, &mut out).unwrap();
        let stated = decode(&out).pixel_dimensions.unwrap();
        assert_eq!((stated.xppu, stated.yppu, stated.unit), (5906, 11811, png::Unit::Meter));
    }
}
