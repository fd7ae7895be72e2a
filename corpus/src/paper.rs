//! The part of writing a PDF that all documents share: numbering objects, and the page tree.

use pdf_writer::writers::{Page, Resources};
use pdf_writer::{Content, Filter, Finish, Pdf, Rect, Ref, TextStr};

/// A4 in pt.
pub(crate) const A4: (f32, f32) = (595.276, 841.89);

/// A PDF in the making.
pub(crate) struct Paper {
    pub(crate) pdf: Pdf,
    catalog: Ref,
    tree: Ref,
    pages: Vec<Ref>,
    next: Ref,
}

impl Paper {
    /// Starts a document with a title.
    pub(crate) fn new(title: &str) -> Paper {
        let mut pdf = Pdf::new();
        pdf.document_info(Ref::new(3)).title(TextStr(title)).producer(TextStr("pdf2img corpus"));
        Paper { pdf, catalog: Ref::new(1), tree: Ref::new(2), pages: Vec::new(), next: Ref::new(4) }
    }

    /// The next free object number.
    pub(crate) fn alloc(&mut self) -> Ref {
        self.next.bump()
    }

    /// Writes a stream compressed with Flate.
    pub(crate) fn flate(&mut self, data: &[u8]) -> Ref {
        let id = self.alloc();
        self.pdf.stream(id, &deflate(data)).filter(Filter::FlateDecode);
        id
    }

    /// Adds a page: its size in pt, its content, and what else its dictionary holds.
    pub(crate) fn page(
        &mut self,
        size: (f32, f32),
        content: Content,
        fill: impl FnOnce(&mut Page<'_>),
    ) -> Ref {
        let contents = self.flate(&content.finish());
        let id = self.alloc();
        self.pages.push(id);
        let mut page = self.pdf.page(id);
        page.parent(self.tree).media_box(Rect::new(0.0, 0.0, size.0, size.1)).contents(contents);
        fill(&mut page);
        id
    }

    /// Ends the document.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.finish_with(|_| ())
    }

    /// Ends the document; `fill` adds to its catalog.
    pub(crate) fn finish_with(mut self, fill: impl FnOnce(&mut pdf_writer::writers::Catalog<'_>)) -> Vec<u8> {
        self.pdf.pages(self.tree).count(self.pages.len() as i32).kids(self.pages.iter().copied());
        let mut catalog = self.pdf.catalog(self.catalog);
        catalog.pages(self.tree);
        fill(&mut catalog);
        catalog.finish();
        self.pdf.finish()
    }
}

/// Names a font in a page's resources.
pub(crate) fn with_fonts(resources: &mut Resources<'_>, fonts: &[(&[u8], Ref)]) {
    let mut dict = resources.fonts();
    for (name, id) in fonts {
        dict.pair(pdf_writer::Name(name), *id);
    }
}

/// Compresses with Flate as PDF has it, with a zlib header.
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(data, 6)
}

/// Writes the standard Helvetica, which needs no embedding.
pub(crate) fn helvetica(paper: &mut Paper) -> Ref {
    let id = paper.alloc();
    paper
        .pdf
        .type1_font(id)
        .base_font(pdf_writer::Name(b"Helvetica"))
        .encoding_predefined(pdf_writer::Name(b"WinAnsiEncoding"));
    id
}
