//! Writes small PDFs.

/// A PDF that grows object by object; the first is the catalogue.
pub(crate) struct Pdf {
    objects: Vec<Vec<u8>>,
    trailer_entries: String,
}

impl Pdf {
    /// A document with a catalogue whose `/Pages` is object 2.
    pub(crate) fn new() -> Pdf {
        Pdf { objects: vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()], trailer_entries: String::new() }
    }

    /// A document of one page, object 3, with these entries besides `/Type`, `/Parent` and
    /// `/Contents`; the next object is 5.
    pub(crate) fn one_page(entries: &str, contents: &str) -> Pdf {
        Pdf::new()
            .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
            .object(&format!("<< /Type /Page /Parent 2 0 R /Contents 4 0 R {entries} >>"))
            .stream("", contents)
    }

    /// A document of one page, 100 pt square, with these resources; the next object is 5.
    pub(crate) fn square(resources: &str, contents: &str) -> Pdf {
        Pdf::one_page(&format!("/MediaBox [0 0 100 100] /Resources << {resources} >>"), contents)
    }

    /// Appends an object, which gets the next number.
    pub(crate) fn object(mut self, body: &str) -> Pdf {
        self.objects.push(body.as_bytes().to_vec());
        self
    }

    /// Appends a stream with these entries besides `/Length`.
    pub(crate) fn stream(self, entries: &str, content: &str) -> Pdf {
        self.binary(entries, content.as_bytes())
    }

    /// Appends a stream of any bytes with these entries besides `/Length`.
    pub(crate) fn binary(mut self, entries: &str, content: &[u8]) -> Pdf {
        let head = format!("<< /Length {} {entries} >>\nstream\n", content.len());
        self.objects.push([head.as_bytes(), content, b"\nendstream"].concat());
        self
    }

    /// Replaces the catalogue.
    pub(crate) fn catalogue(mut self, body: &str) -> Pdf {
        self.objects[0] = body.as_bytes().to_vec();
        self
    }

    /// Sets the entries of the trailer besides `/Size` and `/Root`.
    pub(crate) fn trailer(mut self, entries: &str) -> Pdf {
        self.trailer_entries = entries.to_owned();
        self
    }

    /// The whole file, with its cross-reference table.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut file = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut xref = format!("xref\n0 {}\n0000000000 65535 f \n", self.objects.len() + 1);
        for (i, body) in self.objects.iter().enumerate() {
            xref.push_str(&format!("{:010} 00000 n \n", file.len()));
            file.extend_from_slice(format!("{} 0 obj\n", i + 1).as_bytes());
            file.extend_from_slice(body);
            file.extend_from_slice(b"\nendobj\n");
        }
        let start = file.len();
        file.extend_from_slice(xref.as_bytes());
        let (size, entries) = (self.objects.len() + 1, &self.trailer_entries);
        file.extend_from_slice(
            format!("trailer\n<< /Size {size} /Root 1 0 R {entries} >>\nstartxref\n{start}\n%%EOF\n")
                .as_bytes(),
        );
        file
    }
}
