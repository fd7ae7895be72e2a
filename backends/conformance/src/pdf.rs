//! Writes small PDFs.

/// A PDF that grows object by object; the first is the catalogue.
pub(crate) struct Pdf {
    objects: Vec<Vec<u8>>,
}

impl Pdf {
    /// A document with a catalogue whose `/Pages` is object 2.
    pub(crate) fn new() -> Pdf {
        Pdf { objects: vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()] }
    }

    /// A document of one page, object 3, with these entries besides `/Type`, `/Parent` and
    /// `/Contents`; the next object is 5.
    pub(crate) fn one_page(entries: &str, contents: &str) -> Pdf {
        Pdf::new()
            .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
            .object(&format!("<< /Type /Page /Parent 2 0 R /Contents 4 0 R {entries} >>"))
            .stream("", contents)
    }

    /// Appends an object, which gets the next number.
    pub(crate) fn object(mut self, body: &str) -> Pdf {
        self.objects.push(body.as_bytes().to_vec());
        self
    }

    /// Appends a stream with these entries besides `/Length`.
    pub(crate) fn stream(self, entries: &str, content: &str) -> Pdf {
        let length = content.len();
        self.object(&format!("<< /Length {length} {entries} >>\nstream\n{content}\nendstream"))
    }

    /// Replaces the catalogue.
    pub(crate) fn catalogue(mut self, body: &str) -> Pdf {
        self.objects[0] = body.as_bytes().to_vec();
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
        let size = self.objects.len() + 1;
        file.extend_from_slice(
            format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").as_bytes(),
        );
        file
    }
}
