//! Writes PDFs object by object, without asking whether they make sense.

use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress, create_comp_flags_from_zip_params};

/// A PDF in the making; object 1 is its catalog.
pub(super) struct Raw {
    bytes: Vec<u8>,
    offsets: Vec<(u32, usize)>,
}

impl Raw {
    /// Starts with a header and nothing else.
    pub(super) fn new() -> Raw {
        Raw { bytes: b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec(), offsets: Vec::new() }
    }

    /// Starts with a catalog and a page tree of `pages` pages, whose objects are 3, 4, …
    pub(super) fn with_pages(pages: u32) -> Raw {
        let kids: String = (0..pages).map(|i| format!("{} 0 R ", 3 + i)).collect();
        Raw::new()
            .object(1, "<</Type/Catalog/Pages 2 0 R>>")
            .object(2, &format!("<</Type/Pages/Count {pages}/Kids[{kids}]>>"))
    }

    /// Adds an object.
    pub(super) fn object(self, number: u32, body: &str) -> Raw {
        self.object_of_bytes(number, body.as_bytes())
    }

    /// Adds an object that is not text.
    pub(super) fn object_of_bytes(mut self, number: u32, body: &[u8]) -> Raw {
        self.offsets.push((number, self.bytes.len()));
        self.bytes.extend(format!("{number} 0 obj\n").as_bytes());
        self.bytes.extend(body);
        self.bytes.extend(b"\nendobj\n");
        self
    }

    /// Adds a stream; `dictionary` is what it holds besides its length.
    pub(super) fn stream(self, number: u32, dictionary: &str, data: &[u8]) -> Raw {
        let mut body = format!("<<{dictionary}/Length {}>>stream\n", data.len()).into_bytes();
        body.extend(data);
        body.extend(b"\nendstream");
        self.object_of_bytes(number, &body)
    }

    /// Adds a page, Letter unless `entries` say otherwise, whose content is object `contents`.
    pub(super) fn page(self, number: u32, entries: &str, contents: u32) -> Raw {
        let media = if entries.contains("/MediaBox") { "" } else { "/MediaBox[0 0 612 792]" };
        self.object(number, &format!("<</Type/Page/Parent 2 0 R{media}{entries}/Contents {contents} 0 R>>"))
    }

    /// Ends with a cross-reference table and a trailer.
    pub(super) fn finish(self) -> Vec<u8> {
        self.finish_with("")
    }

    /// Ends with a cross-reference table and a trailer that also holds `trailer`.
    pub(super) fn finish_with(mut self, trailer: &str) -> Vec<u8> {
        let at = self.bytes.len();
        self.offsets.sort_unstable();
        let mut table = String::from("xref\n0 1\n0000000000 65535 f \n");
        for (number, offset) in &self.offsets {
            table.push_str(&format!("{number} 1\n{offset:010} 00000 n \n"));
        }
        let size = self.offsets.last().map_or(1, |(number, _)| number + 1);
        table.push_str(&format!("trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{at}\n%%EOF\n"));
        self.bytes.extend(table.as_bytes());
        self.bytes
    }

    /// Where the next object will start.
    pub(super) fn position(&self) -> usize {
        self.bytes.len()
    }

    /// Ends here, with whatever `tail` says.
    pub(super) fn end_with(mut self, tail: &str) -> Vec<u8> {
        self.bytes.extend(tail.as_bytes());
        self.bytes
    }
}

/// A document of one Letter page with that content, and `resources` in its resource dictionary.
///
/// Objects from 10 are free for the resources.
pub(super) fn one_page(resources: &str, content: &[u8]) -> Raw {
    Raw::with_pages(1).page(3, &format!("/Resources<<{resources}>>"), 4).stream(4, "", content)
}

/// A plain page content: a gray square in the middle.
pub(super) const SQUARE: &[u8] = b"0.5 g 206 296 200 200 re f";

/// Compresses `head` and then `block` that many times, never holding what it stands for in memory.
///
/// The block is compressed once, as a run of deflate blocks that ends on a byte and refers to
/// nothing before it, so that its compressed form can be repeated as it is.
pub(super) fn deflate_repeated(head: &[u8], block: &[u8], times: usize) -> Vec<u8> {
    let mut out = vec![0x78, 0x9C];
    let mut checksum = Adler { a: 1, b: 0 };
    out.extend(flushed(head));
    checksum.extend(&Adler::of(head), head.len());
    let (compressed, sums) = (flushed(block), Adler::of(block));
    for _ in 0..times {
        out.extend(&compressed);
        checksum.extend(&sums, block.len());
    }
    // The last block: empty, with fixed codes.
    out.extend([0x03, 0x00]);
    out.extend(((checksum.b << 16) | checksum.a).to_be_bytes());
    out
}

/// Raw deflate blocks of `data`, none of them the last.
fn flushed(data: &[u8]) -> Vec<u8> {
    if data.is_empty() {
        return Vec::new();
    }
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(9, -15, 0));
    let mut out = vec![0; data.len() + 1024];
    let (_, _, written) = compress(&mut compressor, data, &mut out, TDEFLFlush::Full);
    out.truncate(written);
    out
}

/// The two sums of Adler-32, which can be extended by those of a block without reading it again.
struct Adler {
    a: u32,
    b: u32,
}

impl Adler {
    const MODULUS: u64 = 65_521;

    /// The sums over `data` from a start of zero.
    fn of(data: &[u8]) -> Adler {
        let (a, b) = data.iter().fold((0, 0), |(a, b), byte| {
            let a = (a + u64::from(*byte)) % Adler::MODULUS;
            (a, (b + a) % Adler::MODULUS)
        });
        Adler { a: a as u32, b: b as u32 }
    }

    fn extend(&mut self, sums: &Adler, length: usize) {
        let carried = length as u64 % Adler::MODULUS * u64::from(self.a);
        self.b = ((u64::from(self.b) + carried + u64::from(sums.b)) % Adler::MODULUS) as u32;
        self.a = ((u64::from(self.a) + u64::from(sums.a)) % Adler::MODULUS) as u32;
    }
}
