//! The formats of images in which programs are compared.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The quality of JPEG that every program is asked for.
pub const JPEG_QUALITY: u32 = 75;

/// A format of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// PNG, each program as it compresses by default.
    Png,
    /// JPEG, of [`JPEG_QUALITY`].
    Jpeg,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 2] = [Format::Png, Format::Jpeg];

    /// The name, as in options and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpeg",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Format::ALL.into_iter().find(|format| format.as_str() == s).ok_or_else(|| {
            format!("no format {s:?}: there is {}", Format::ALL.map(Format::as_str).join(", "))
        })
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A resolution, for images of every format or of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// The format that has it. `None` for all.
    pub format: Option<Format>,
    /// Dots per inch, from 10 to 1,200.
    pub dpi: u32,
}

impl Resolution {
    /// Whether images of that format are made at it.
    pub fn is_for(self, format: Format) -> bool {
        self.format.is_none_or(|it| it == format)
    }
}

impl FromStr for Resolution {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let (format, dpi) = match s.split_once(':') {
            Some((format, dpi)) => (Some(format.parse()?), dpi),
            None => (None, s),
        };
        match dpi.parse() {
            Ok(dpi @ 10..=1200) => Ok(Resolution { format, dpi }),
            _ => Err(format!("{dpi:?} is no resolution from 10 to 1200; examples are 150 and jpeg:300")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_is_for_all_formats_or_for_one() {
        let all: Resolution = "150".parse().unwrap();
        assert_eq!((all.dpi, all.is_for(Format::Png), all.is_for(Format::Jpeg)), (150, true, true));
        let one: Resolution = "jpeg:300".parse().unwrap();
        assert_eq!((one.dpi, one.is_for(Format::Png), one.is_for(Format::Jpeg)), (300, false, true));
        for wrong in ["", "9", "1201", "gif:150", "jpeg:", "300:jpeg"] {
            assert!(wrong.parse::<Resolution>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("tiff".parse::<Format>().unwrap_err().contains("png, jpeg"));
    }
}
