//! A new end for a file whose table of objects leads nowhere.
//!
//! PDFium finds the objects of a file by itself when the place of its table is plainly wrong, but
//! not when the table is there and wrong; and not without a trailer, which names the object with
//! which reading starts, the catalogue.

/// The file with an end that makes PDFium look for all objects, and names the catalogue if nothing does.
pub(crate) fn with_new_end(pdf: &[u8]) -> Vec<u8> {
    let has_trailer = find_last(pdf, b"trailer").is_some() || find_last(pdf, b"/XRef").is_some();
    let trailer = match last_catalogue(pdf) {
        Some((number, generation)) if !has_trailer => {
            format!("trailer\n<< /Root {number} {generation} R >>\n")
        }
        _ => String::new(),
    };
    let mut repaired = [pdf, b"\n", trailer.as_bytes(), b"startxref\n0\n%%EOF\n"].concat();
    end_header_line(&mut repaired);
    repaired
}

/// Ends the line of the header, a comment, where objects follow in the same line.
fn end_header_line(pdf: &mut [u8]) {
    let header_bytes = b"%PDF-1.7".len();
    if let Some(header) = pdf.windows(header_bytes + 1).position(|w| w.starts_with(b"%PDF-") && w[8] == b' ')
    {
        pdf[header + header_bytes] = b'\n';
    }
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
        let pdf =
            b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n 7 2  obj << /Type/Catalog/Pages 2 0 R>> \
                    endobj 8 0 obj << /Type /CatalogX >>";
        let repaired = with_new_end(pdf);
        assert!(repaired.starts_with(pdf));
        assert!(String::from_utf8_lossy(&repaired).contains("/Root 7 2 R"));
    }

    #[test]
    fn objects_in_the_line_of_the_header_are_no_comment() {
        assert!(with_new_end(b"#%PDF-1.4 1 0 obj").starts_with(b"#%PDF-1.4\n1 0 obj"));
        assert!(with_new_end(b"%PDF-1.4\r1 0 obj").starts_with(b"%PDF-1.4\r1 0 obj"));
    }

    #[test]
    fn no_catalogue_is_made_up() {
        for pdf in [
            &b""[..],
            b"/Catalog",
            b"obj /Catalog",
            b"x y obj /Catalog",
            b"1 0 obj << /Type /Page >>",
            b"1 0 obj << /Type /Catalog >> trailer << >>",
        ] {
            let repaired = with_new_end(pdf);
            assert!(!repaired.ends_with(b"R >>\nstartxref\n0\n%%EOF\n"), "{}", String::from_utf8_lossy(pdf));
            assert!(repaired.ends_with(b"\nstartxref\n0\n%%EOF\n"));
        }
    }
}
