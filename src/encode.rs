//! Turns a [`Pixmap`] into the bytes of an image file.
//!
//! An [`Encoder`] looks at the pixels once and keeps what they need: a page that is all gray is
//! written as gray, and as PNG with as few bits a pixel as are exact. Then one of `png`,
//! `jpeg` and `webp` writes the file:
//!
//! - `pixels`: finds gray and opaque pages, and converts;
//! - `png`: chunks, colour types and filters around a deflate stream;
//! - `jpeg`: libjpeg-turbo's SIMD code, as mozjpeg carries it;
//! - `webp`: lossless and lossy.
//!
//! **Invariant:** nothing here knows about PDF, S3 or where the bytes go.

mod jpeg;
mod pixels;
mod png;
mod webp;

use std::collections::TryReserveError;
use std::fmt;
use std::str::FromStr;

use render_api::Pixmap;

/// Writes images, one after the other, with buffers that it keeps.
///
/// Fresh memory costs page faults: keep one `Encoder` for all pages.
#[derive(Default)]
pub struct Encoder {
    png: png::PngEncoder,
    gray: Vec<u8>,
    colors: Vec<u8>,
}

impl Encoder {
    /// Makes an encoder; its buffers grow with the first image.
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// Writes `pixmap` as a whole image file into `out`, replacing what was there.
    ///
    /// PNG and lossless WebP give back exactly the pixels of `pixmap`, unless
    /// [`ColorMode::Gray`] asks for a conversion.
    ///
    /// # Errors
    ///
    /// Those of [`EncodeError`]; `out` is then empty. Sides and transparency are checked before any
    /// work is done.
    pub fn encode(
        &mut self,
        pixmap: &Pixmap,
        options: &EncodeOptions,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        out.clear();
        options.encoding.format().check_sides(pixmap)?;
        let result = match options.encoding {
            Encoding::Png { effort } => {
                self.png.encode(pixmap, effort, options.color, options.resolution, out)
            }
            Encoding::Jpeg { quality, scans } => {
                jpeg::encode(pixmap, quality, scans, options.color, options.resolution, &mut self.gray, out)
            }
            Encoding::WebpLossless => {
                webp::encode_lossless(pixmap, options.color, &mut self.gray, &mut self.colors, out)
            }
            Encoding::WebpLossy { quality } => {
                webp::encode_lossy(pixmap, quality, options.color, &mut self.gray, &mut self.colors, out)
            }
        };
        if result.is_err() {
            out.clear();
        }
        result
    }
}

/// How an image is written.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EncodeOptions {
    /// The format and its settings. Default: PNG, [`PngEffort::Balanced`].
    pub encoding: Encoding,
    /// What becomes of colour. Default: [`ColorMode::Auto`].
    pub color: ColorMode,
    /// The resolution that the file states, where its format can. Default: none.
    pub resolution: Option<Resolution>,
}

/// An image format with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// PNG: lossless, with transparency.
    Png {
        /// Time against bytes.
        effort: PngEffort,
    },
    /// JPEG with 4:2:0 chroma: lossy, without transparency.
    Jpeg {
        /// Pixels against bytes.
        quality: Quality,
        /// The order in which the image is stored.
        scans: JpegScans,
    },
    /// WebP that gives back every pixel, with transparency.
    WebpLossless,
    /// WebP that looks like the original, with transparency.
    WebpLossy {
        /// Pixels against bytes.
        quality: Quality,
    },
}

impl Encoding {
    /// The format, without its settings.
    pub fn format(self) -> ImageFormat {
        match self {
            Encoding::Png { .. } => ImageFormat::Png,
            Encoding::Jpeg { .. } => ImageFormat::Jpeg,
            Encoding::WebpLossless | Encoding::WebpLossy { .. } => ImageFormat::Webp,
        }
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Encoding::Png { effort: PngEffort::Balanced }
    }
}

/// An image format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ImageFormat {
    /// Portable Network Graphics; the default.
    #[default]
    Png,
    /// JPEG in a JFIF file.
    Jpeg,
    /// WebP.
    Webp,
}

impl ImageFormat {
    /// Every format.
    pub const ALL: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp];

    /// The name used in options, which is the file name extension too.
    pub fn as_str(self) -> &'static str {
        match self {
            ImageFormat::Png => "png",
            ImageFormat::Jpeg => "jpeg",
            ImageFormat::Webp => "webp",
        }
    }

    /// The file name extension, without the dot.
    pub fn extension(self) -> &'static str {
        self.as_str()
    }

    /// The media type, as `Content-Type` has it.
    pub fn content_type(self) -> &'static str {
        match self {
            ImageFormat::Png => "image/png",
            ImageFormat::Jpeg => "image/jpeg",
            ImageFormat::Webp => "image/webp",
        }
    }

    /// The longest side that an image of this format can have, in px.
    pub fn max_side_px(self) -> u32 {
        match self {
            // The chunk header has 31 bits.
            ImageFormat::Png => i32::MAX as u32,
            // The file format has 16 bits, of which libjpeg does not use the last few.
            ImageFormat::Jpeg => 65_500,
            // The bit stream has 14 bits.
            ImageFormat::Webp => 16_383,
        }
    }

    /// Tells whether an image can have transparent pixels.
    pub fn has_transparency(self) -> bool {
        self != ImageFormat::Jpeg
    }

    fn check_sides(self, pixmap: &Pixmap) -> Result<(), EncodeError> {
        let (width_px, height_px) = (pixmap.width_px(), pixmap.height_px());
        if width_px == 0 || height_px == 0 {
            return Err(EncodeError::Empty { width_px, height_px });
        }
        let side_px = width_px.max(height_px);
        if side_px > self.max_side_px() {
            return Err(EncodeError::TooLarge { format: self, side_px, limit_px: self.max_side_px() });
        }
        Ok(())
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ImageFormat {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        ImageFormat::ALL.into_iter().find(|f| f.as_str() == s).ok_or(())
    }
}

/// What a PNG file may cost to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PngEffort {
    /// Least time. The same as [`Balanced`](PngEffort::Balanced) but for pictures, for which it
    /// tries two filters and not four, and looks for nothing but runs.
    Fastest,
    /// Most of the compression for little time, and for more time only in those parts of a picture
    /// where it pays; the default.
    #[default]
    Balanced,
    /// Fewest bytes, in many times the time.
    Smallest,
}

impl PngEffort {
    /// Every effort.
    pub const ALL: [PngEffort; 3] = [PngEffort::Fastest, PngEffort::Balanced, PngEffort::Smallest];

    /// The name used in options.
    pub fn as_str(self) -> &'static str {
        match self {
            PngEffort::Fastest => "fastest",
            PngEffort::Balanced => "balanced",
            PngEffort::Smallest => "smallest",
        }
    }
}

impl fmt::Display for PngEffort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PngEffort {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        PngEffort::ALL.into_iter().find(|e| e.as_str() == s).ok_or(())
    }
}

/// The order in which a JPEG file stores its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum JpegScans {
    /// From top to bottom, with the standard Huffman tables: the fastest; the default.
    #[default]
    Baseline,
    /// From coarse to fine, with Huffman tables made for the image: fewer bytes, several times the
    /// time, and memory for the whole image.
    Progressive,
}

/// The quality of a lossy image: 1 … 100, on the scale of its format's reference encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(u8);

impl Quality {
    /// Takes a quality within 1 … 100.
    pub const fn new(quality: u8) -> Option<Quality> {
        if quality >= 1 && quality <= 100 { Some(Quality(quality)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// 75, which is libjpeg's and libwebp's own default.
impl Default for Quality {
    fn default() -> Self {
        Quality(75)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What becomes of colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ColorMode {
    /// An image without colour is written as gray, one with few colours as a PNG with a palette;
    /// the default.
    #[default]
    Auto,
    /// Always three colour components.
    Rgb,
    /// Always gray: colours become their luma (ITU-R BT.601).
    Gray,
}

impl ColorMode {
    /// Every mode.
    pub const ALL: [ColorMode; 3] = [ColorMode::Auto, ColorMode::Rgb, ColorMode::Gray];

    /// The name used in options.
    pub fn as_str(self) -> &'static str {
        match self {
            ColorMode::Auto => "auto",
            ColorMode::Rgb => "rgb",
            ColorMode::Gray => "gray",
        }
    }
}

impl fmt::Display for ColorMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ColorMode {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        ColorMode::ALL.into_iter().find(|m| m.as_str() == s).ok_or(())
    }
}

/// How many pixels of an image make an inch of paper.
///
/// PNG and JPEG files state it; a value that their integers cannot hold is moved to the nearest
/// that they can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// Pixels per inch across.
    pub x_dpi: f64,
    /// Pixels per inch down.
    pub y_dpi: f64,
}

/// Why an image could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// There are no pixels.
    #[error("an image of {width_px} × {height_px} px has no pixels")]
    Empty {
        /// Width in px.
        width_px: u32,
        /// Height in px.
        height_px: u32,
    },
    /// A side is longer than the format can express.
    #[error(
        "a side of {side_px} px is over the {limit_px} px of {format}: lower the resolution{}",
        if *.format == ImageFormat::Png { "" } else { ", or choose png" }
    )]
    TooLarge {
        /// The format.
        format: ImageFormat,
        /// The longest side in px.
        side_px: u32,
        /// The longest that the format can express, in px.
        limit_px: u32,
    },
    /// The image has an alpha channel, and the format has none.
    #[error("{format} has no transparency: choose a background colour, or png or webp")]
    Transparent {
        /// The format.
        format: ImageFormat,
    },
    /// The memory is not to be had.
    #[error("out of memory while writing {format}: {detail}")]
    OutOfMemory {
        /// The format.
        format: ImageFormat,
        /// What was asked for.
        detail: String,
    },
    /// The library that writes the format failed.
    #[error("failed to write {format}: {detail}")]
    Codec {
        /// The format.
        format: ImageFormat,
        /// What the library said.
        detail: String,
    },
}

impl EncodeError {
    /// The stable code of this kind of failure, as it stands in manifests and logs.
    pub fn code(&self) -> &'static str {
        match self {
            EncodeError::Empty { .. } => "image_empty",
            EncodeError::TooLarge { .. } => "image_too_large",
            EncodeError::Transparent { .. } => "transparency_unsupported",
            EncodeError::OutOfMemory { .. } => "page_memory",
            EncodeError::Codec { .. } => "encoder_failure",
        }
    }
}

/// Gives `buffer` a length; the bytes keep what they were, as all of them will be written.
fn set_len(buffer: &mut Vec<u8>, bytes: usize, format: ImageFormat) -> Result<(), EncodeError> {
    if bytes > buffer.len() {
        buffer
            .try_reserve_exact(bytes - buffer.len())
            .map_err(|e: TryReserveError| EncodeError::OutOfMemory { format, detail: e.to_string() })?;
    }
    buffer.resize(bytes, 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::pixels::tests::pixmap;
    use super::*;

    fn encode(pixmap: &Pixmap, encoding: Encoding) -> Result<Vec<u8>, EncodeError> {
        let mut out = b"what was there before".to_vec();
        let options = EncodeOptions { encoding, ..EncodeOptions::default() };
        let result = Encoder::new().encode(pixmap, &options, &mut out);
        if result.is_err() {
            assert!(out.is_empty());
        }
        result.map(|()| out)
    }

    fn every_encoding() -> [Encoding; 4] {
        let quality = Quality::default();
        [
            Encoding::default(),
            Encoding::Jpeg { quality, scans: JpegScans::Baseline },
            Encoding::WebpLossless,
            Encoding::WebpLossy { quality },
        ]
    }

    #[test]
    fn each_file_begins_as_its_format_does() {
        let page = pixmap(4, 3, |x, y| [x as u8, y as u8, 99]);
        for encoding in every_encoding() {
            let file = encode(&page, encoding).unwrap();
            let begins = match encoding.format() {
                ImageFormat::Png => file.starts_with(b"\x89PNG\r\n"),
                ImageFormat::Jpeg => file.starts_with(b"\xFF\xD8\xFF"),
                ImageFormat::Webp => file.starts_with(b"RIFF") && &file[8..12] == b"WEBP",
            };
            assert!(begins, "{encoding:?}");
        }
    }

    #[test]
    fn an_image_without_pixels_is_refused() {
        for encoding in every_encoding() {
            let error = encode(&Pixmap::default(), encoding).unwrap_err();
            assert_eq!(error, EncodeError::Empty { width_px: 0, height_px: 0 });
        }
    }

    #[test]
    fn a_side_at_the_limit_is_written_and_one_pixel_more_is_refused_with_a_remedy() {
        for encoding in every_encoding() {
            let format = encoding.format();
            if format == ImageFormat::Png {
                continue;
            }
            let limit_px = format.max_side_px();
            encode(&pixmap(limit_px, 1, |_, _| [255; 3]), encoding).unwrap();
            encode(&pixmap(1, limit_px, |_, _| [255, 255, 0]), encoding).unwrap();
            let error = encode(&pixmap(1, limit_px + 1, |_, _| [255; 3]), encoding).unwrap_err();
            assert_eq!(error, EncodeError::TooLarge { format, side_px: limit_px + 1, limit_px });
            let message = error.to_string();
            for part in [(limit_px + 1).to_string(), limit_px.to_string(), "choose png".to_owned()] {
                assert!(message.contains(&part), "{message}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for format in ImageFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        for effort in PngEffort::ALL {
            assert_eq!(effort.to_string().parse(), Ok(effort));
        }
        for color in ColorMode::ALL {
            assert_eq!(color.to_string().parse(), Ok(color));
        }
        assert_eq!("tiff".parse::<ImageFormat>(), Err(()));
    }

    #[test]
    fn quality_is_within_1_and_100() {
        assert_eq!([0, 101, 255].map(Quality::new), [None; 3]);
        assert_eq!([1, 100].map(|q| Quality::new(q).map(Quality::get)), [Some(1), Some(100)]);
    }
}
