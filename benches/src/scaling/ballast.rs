//! The same document in a longer file: an object that no page refers to, added as a later edit would add it.

use anyhow::{Context, Result};

/// A PDF with a stream of so many bytes added to it; with none, the PDF as it is.
///
/// The document must end with a classic cross-reference table, as those of the corpus do.
///
/// # Errors
///
/// If its end has no trailer that can be continued.
pub fn with(pdf: &[u8], bytes: usize) -> Result<Vec<u8>> {
    if bytes == 0 {
        return Ok(pdf.to_vec());
    }
    let from = rfind(pdf, b"trailer").context("the document has no trailer to continue")?;
    let trailer = String::from_utf8_lossy(&pdf[from..]);
    let value = |name: &str| -> Option<&str> {
        let (_, rest) = trailer.split_once(name)?;
        rest.trim_start().split(['/', '>', '\n', '\r']).next().map(str::trim)
    };
    let size: u32 = value("/Size").and_then(|it| it.parse().ok()).context("the trailer has no /Size")?;
    let root = value("/Root").context("the trailer has no /Root")?;
    let before: usize =
        value("startxref").and_then(|it| it.parse().ok()).context("the document has no startxref")?;

    let mut longer = Vec::with_capacity(pdf.len() + bytes + 512);
    longer.extend_from_slice(pdf);
    longer.push(b'\n');
    let object = longer.len();
    longer.extend_from_slice(format!("{size} 0 obj\n<< /Length {bytes} >>\nstream\n").as_bytes());
    longer.resize(longer.len() + bytes, b' ');
    longer.extend_from_slice(b"\nendstream\nendobj\n");
    let table = longer.len();
    longer.extend_from_slice(
        format!(
            "xref\n{size} 1\n{object:010} 00000 n \ntrailer\n<< /Size {} /Root {root} /Prev {before} >>\n\
             startxref\n{table}\n%%EOF\n",
            size + 1
        )
        .as_bytes(),
    );
    Ok(longer)
}

fn rfind(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_where_the_new_table_says_and_the_old_table_follows() {
        let pdf = corpus::document("text-1").unwrap().bytes();
        assert_eq!(with(&pdf, 0).unwrap(), pdf);
        let longer = with(&pdf, 1_000).unwrap();
        assert!(longer.starts_with(&pdf));
        let end = String::from_utf8_lossy(&longer[pdf.len()..]).into_owned();
        let number = |after: &str| -> usize {
            let rest = end.split_once(after).unwrap().1;
            rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        assert!(longer[number("startxref")..].starts_with(b"xref\n"));
        let size = number("/Size") - 1;
        let object = number(&format!("xref\n{size} 1\n"));
        assert!(longer[object..].starts_with(format!("{size} 0 obj").as_bytes()));
        assert!(pdf[number("/Prev")..].starts_with(b"xref\n"));
        assert_eq!(number("/Length"), 1_000);
    }

    #[test]
    fn a_file_without_a_trailer_is_refused() {
        assert!(with(b"%PDF-1.7", 1).unwrap_err().to_string().contains("no trailer"));
        assert!(with(b"trailer << /Root 1 0 R >>", 1).unwrap_err().to_string().contains("/Size"));
    }
}
