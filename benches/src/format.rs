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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("tiff".parse::<Format>().unwrap_err().contains("png, jpeg"));
    }
}
