//! How single values are written: sizes, counts, times, switches, colours, secrets.

use std::fmt;
use std::time::Duration;

use render_api::Background;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being printed.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Reads a switch: `true`, `1`, `on`, `yes` or `false`, `0`, `off`, `no`, in any case.
pub fn parse_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Some(true),
        "false" | "0" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// Reads a number of bytes: `1048576`, `512MiB`, `1.5 GiB`, `500MB`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 11] = [
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("k", 1 << 10),
        ("m", 1 << 20),
        ("g", 1 << 30),
        ("b", 1),
        ("", 1),
    ];
    parse_scaled(text, &UNITS)
}

/// Reads a large count: `100000000`, `100M`, `2.5k`.
pub fn parse_count(text: &str) -> Option<u64> {
    parse_scaled(text, &[("k", 1_000), ("m", 1_000_000), ("g", 1_000_000_000), ("", 1)])
}

/// Reads a time: `500ms`, `5s`, `2m`, `1h`, or a bare number of seconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("", 1_000)];
    parse_scaled(text, &UNITS).map(Duration::from_millis)
}

/// Writes a time so that [`parse_duration`] reads it.
pub fn format_duration(time: Duration) -> String {
    let ms = time.as_millis();
    if ms.is_multiple_of(1_000) { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }
}

/// Reads a background: `white`, `black`, `transparent` or `#rrggbb`.
pub fn parse_background(text: &str) -> Option<Background> {
    match text.to_ascii_lowercase().as_str() {
        "white" => return Some(Background::WHITE),
        "black" => return Some(Background::Color([0; 3])),
        "transparent" => return Some(Background::Transparent),
        _ => {}
    }
    let digits =
        text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Background::Color([red, green, blue]))
}

/// Writes a background so that [`parse_background`] reads it.
pub fn format_background(background: Background) -> String {
    match background {
        Background::WHITE => "white".to_owned(),
        Background::Transparent => "transparent".to_owned(),
        Background::Color([red, green, blue]) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

/// Reads a number with one of the units, the first that fits; no unit may be a suffix of an
/// earlier one.
fn parse_scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let (number, factor) =
        units.iter().find_map(|&(unit, factor)| Some((text.strip_suffix(unit)?.trim_end(), factor)))?;
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    // `f64` would also read "1e9" and "1_0"; a fraction needs digits and one point only.
    let is_fraction = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let value = number.parse::<f64>().ok().filter(|_| is_fraction && factor > 1)? * factor as f64;
    (value < 9e15).then_some(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_binary_and_decimal_units() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("512MiB", 512 << 20),
            ("1.5 GiB", 3 << 29),
            ("500MB", 500_000_000),
            ("64k", 65_536),
            ("7b", 7),
        ] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in
            ["", "MiB", "-1", "1e3", "1.5", "1.2.3M", "NaN", "inf", "99999999999999999999", "1TiB", "+1"]
        {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn counts_take_decimal_units() {
        assert_eq!(parse_count("100M"), Some(100_000_000));
        assert_eq!(parse_count("2.5k"), Some(2_500));
        assert_eq!(parse_count("100MiB"), None);
    }

    #[test]
    fn times_are_read_back_as_they_are_written() {
        for (text, ms) in
            [("500ms", 500), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), ("3", 3_000), ("1.5s", 1_500)]
        {
            let time = parse_duration(text).unwrap();
            assert_eq!(time, Duration::from_millis(ms), "{text}");
            assert_eq!(parse_duration(&format_duration(time)), Some(time));
        }
        for text in ["", "s", "-1s", "1d", "five"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn backgrounds_are_read_back_as_they_are_written() {
        for (text, background) in [
            ("white", Background::WHITE),
            ("#FFffff", Background::WHITE),
            ("#0080ff", Background::Color([0, 128, 255])),
            ("Transparent", Background::Transparent),
        ] {
            assert_eq!(parse_background(text), Some(background), "{text}");
            assert_eq!(parse_background(&format_background(background)), Some(background));
        }
        for text in ["", "#fff", "#12345g", "0080ff", "#ééé", "red"] {
            assert_eq!(parse_background(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(Secret)");
    }
}
