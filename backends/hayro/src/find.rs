//! Finds things in the bytes of a PDF.

/// Where `needle` last begins.
pub(crate) fn find_last(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).rposition(|window| window == needle)
}

/// What follows leading white space.
pub(crate) fn skip_white(bytes: &[u8]) -> &[u8] {
    let white = bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count();
    &bytes[white..]
}
