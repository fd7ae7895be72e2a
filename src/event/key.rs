//! The form encoding of keys in S3 notifications.

use crate::event::EventError;

/// Decodes a key: `+` is a space, `%2B` the byte 0x2B.
///
/// A `%` that no two hexadecimal digits follow stands for itself: a sender that knows the encoding
/// never writes one, and one that does not means it so.
///
/// # Errors
///
/// [`EventError::KeyNotUtf8`].
pub(super) fn decode(encoded: &str) -> Result<String, EventError> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).map_err(|_| EventError::KeyNotUtf8 { key: encoded.to_owned() })
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        _ => (hex | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        for (encoded, key) in [
            (
                "inbox/%C3%9Cn%C3%AF+c%C3%B4d%C3%A9+%2B+plus+%26+%281%29.PDF",
                "inbox/Ünï côdé + plus & (1).PDF",
            ),
            ("a%2Fb%2fc.pdf", "a/b/c.pdf"),
            ("Happy%20Face.jpg", "Happy Face.jpg"),
            ("100%.pdf", "100%.pdf"),
            ("%4", "%4"),
            ("%%41%zz", "%A%zz"),
            ("%+1", "% 1"),
            ("äö.pdf", "äö.pdf"),
            ("", ""),
        ] {
            assert_eq!(decode(encoded).as_deref(), Ok(key), "{encoded}");
        }
    }

    #[test]
    fn a_key_that_is_not_utf_8_is_an_error_that_shows_it() {
        let error = decode("a%FF.pdf").unwrap_err();
        assert_eq!(error, EventError::KeyNotUtf8 { key: "a%FF.pdf".to_owned() });
    }

    /// What S3 does: a space becomes `+`, and all but unreserved characters become `%XX`.
    fn encode(key: &str) -> String {
        key.bytes()
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn every_key_comes_back(key in any::<String>()) {
            prop_assert_eq!(decode(&encode(&key)), Ok(key));
        }

        #[test]
        fn nothing_that_is_sent_brings_it_down(encoded in "[%+0-9a-gA-Gé]{0,40}") {
            let _ = decode(&encoded);
        }
    }
}
