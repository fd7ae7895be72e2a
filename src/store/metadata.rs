//! How text travels in headers, which hold ASCII only.

use std::fmt::Write as _;

/// Percent-encodes what may not stand in a header: everything but visible ASCII, and `%` itself.
///
/// Spaces are encoded too, since servers trim them at the ends and signatures collapse them. S3
/// allows 2,048 bytes of names and values in all, so a caller may need to know the length.
pub fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes everything");
        }
    }
    encoded
}

/// Undoes [`encode`]; what somebody else wrote and does not decode to UTF-8 stays as it is.
pub fn decode(value: &str) -> String {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = after;
                }
                _ => decoded.push(b'%'),
            },
            _ => decoded.push(*byte),
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| value.to_owned())
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_a_round_trip_as_visible_ascii() {
        for text in
            ["", "plain/key-1.pdf", "inbox/Ünï côdé + plus & (1).PDF", " 100 %41 ", "a\r\nb\0", "日本"]
        {
            let encoded = encode(text);
            assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()), "{encoded}");
            assert_eq!(decode(&encoded), text);
        }
    }

    #[test]
    fn the_metadata_of_others_stays_readable() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz"), "%zz");
        assert_eq!(decode("%FF"), "%FF");
        assert_eq!(decode("a+b"), "a+b");
    }
}
