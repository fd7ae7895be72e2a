//! A trailer for a file that has lost its own.
//!
//! PDFium finds the objects of a file without a cross-reference table by itself, but not the one
//! with which reading starts, the catalogue: that is named at the end, in the trailer.

/// The file with a trailer that names its last catalogue; none if it has a trailer, or no catalogue.
pub(crate) fn with_trailer(pdf: &[u8]) -> Option<Vec<u8>> {
    if find_last(pdf, b"trailer").is_some() || find_last(pdf, b"/XRef").is_some() {
        return None;
    }
    let (number, generation) = last_catalogue(pdf)?;
    let trailer = format!("\ntrailer\n<< /Root {number} {generation} R >>\nstartxref\n0\n%%EOF\n");
    Some([pdf, trailer.as_bytes()].concat())
}

/// Number and generation of the last object that is a catalogue.
fn last_catalogue(pdf: &[u8]) -> Option<(u32, u16)> {
    let is_catalogue = |at: usize| !pdf.get(at + b"/Catalog".len()).is_some_and(u8::is_ascii_alphanumeric);
    let mut end = pdf.len();
    loop {
        let at = find_last(&pdf[..end], b"/Catalog")?;
        if is_catalogue(at) {
            let header = &pdf[..find_last(&pdf[..at], b"obj")?];
            let mut words = header.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let generation = parse(words.next()?)?.try_into().ok()?;
            return Some((parse(words.next()?)?, generation));
        }
        end = at;
    }
}

fn parse(word: &[u8]) -> Option<u32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn find_last(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_names_the_last_catalogue() {
        let pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n 7 2  obj << /Type/Catalog/Pages 2 0 R>> endobj 8 0 obj << /Type /CatalogX >>";
        let repaired = with_trailer(pdf).unwrap();
        assert!(repaired.starts_with(pdf));
        assert!(String::from_utf8_lossy(&repaired).contains("/Root 7 2 R"));
    }

    #[test]
    fn nothing_is_made_up() {
        for pdf in [
            &b""[..],
            b"/Catalog",
            b"obj /Catalog",
            b"x y obj /Catalog",
            b"1 0 obj << /Type /Page >>",
            b"1 0 obj << /Type /Catalog >> trailer << >>",
        ] {
            assert_eq!(with_trailer(pdf), None, "{}", String::from_utf8_lossy(pdf));
        }
    }
}
