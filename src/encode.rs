//! The formats of images and what can be chosen about them.

use std::fmt;
use std::str::FromStr;

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
    /// Least time.
    Fastest,
    /// Most of the compression for little time; the default.
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
