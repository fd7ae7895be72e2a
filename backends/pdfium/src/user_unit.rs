//! `/UserUnit`, which PDFium does not know.
//!
//! No function of PDFium hands out an entry of a page that it does not use itself. But it copies
//! every entry when it copies a page into a new document, which it writes in a form that is plain
//! to read: no encryption, one object after the other, and streams compressed. That costs as much
//! as the page has bytes, so it is done only where the file has the word.

/// Whether a page of this file can have a `/UserUnit` that is not in a compressed object.
pub(crate) fn is_mentioned(pdf: &[u8]) -> bool {
    let mut rest = pdf;
    while let Some(at) = rest.iter().position(|&byte| byte == b'U') {
        if rest[at..].starts_with(b"UserUnit") {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// The `/UserUnit` of the page, in a document of one page that PDFium wrote.
pub(crate) fn read(one_page: &[u8]) -> Option<f64> {
    let (_, kids) = split(one_page, b"/Kids[")?;
    let page = object(one_page, number(kids)?)?;
    let (_, value) = split(page, b"/UserUnit")?;
    let mut words = words(value);
    match (words.next()?, words.next(), words.next()) {
        (reference, Some(b"0"), Some(b"R")) => {
            let value = object(one_page, std::str::from_utf8(reference).ok()?.parse().ok()?)?;
            parse(self::words(value).next()?)
        }
        (value, _, _) => parse(value),
    }
}

/// What stands between the marks of an object.
fn object(pdf: &[u8], number: u32) -> Option<&[u8]> {
    let header = format!("\n{number} 0 obj");
    // A line of PDFium's ends as its version likes.
    let (_, body) =
        split(pdf, header.as_bytes()).or_else(|| split(pdf, header.replace('\n', "\r").as_bytes()))?;
    Some(split(body, b"endobj")?.0)
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(words(text).next()?).ok()?.parse().ok()
}

fn parse(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The words of a piece of PDF, up to the next name or bracket.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = text.iter().position(|byte| b"/<>[]()".contains(byte)).unwrap_or(text.len());
    text[..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = text.windows(at.len()).position(|window| window == at)?;
    Some((&text[..start], &text[start + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(page: &str) -> Vec<u8> {
        format!(
            "%PDF-1.7\r\n2 0 obj\r\n<</Count 1/Kids[ 4 0 R ]/Type/Pages>>\r\nendobj\r\n4 0 obj\r\n<<{page}>>\r\n\
             endobj\r\n14 0 obj\r\n9\r\nendobj\r\n7 0 obj\r\n 2.5\r\nendobj\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn a_number_is_read_in_place_and_through_a_reference() {
        for (page, expected) in [
            ("/Type/Page/UserUnit 3", Some(3.0)),
            ("/UserUnit .5/Z 1 0 R", Some(0.5)),
            ("/UserUnit 7 0 R /Z[1]", Some(2.5)),
            ("/UserUnit 7 0 R", Some(2.5)),
            ("/UserUnit 99 0 R", None),
            ("/UserUnit/No", None),
            ("/Type/Page", None),
        ] {
            assert_eq!(read(&document(page)), expected, "{page}");
        }
        assert_eq!(read(b""), None);
    }

    #[test]
    fn the_word_is_found_wherever_it_is() {
        assert!(is_mentioned(b"UUser /UserUnit"));
        assert!(!is_mentioned(b"UUserUni"));
    }
}
