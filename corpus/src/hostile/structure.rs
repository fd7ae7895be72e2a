//! Files whose skeleton lies: page trees, cross-references, nesting.

use super::raw::{Raw, SQUARE, one_page};
use super::{BOUNDED, DRAWN, HostileDocument, MALFORMED, REPAIRED_OR_REFUSED};

pub(super) const ALL: &[HostileDocument] = &[
    HostileDocument {
        id: "zero-pages",
        what: "A page tree without pages.",
        expected: MALFORMED,
        generate: || Raw::with_pages(0).finish(),
    },
    HostileDocument {
        id: "no-catalog",
        what: "A trailer whose root does not exist.",
        expected: REPAIRED_OR_REFUSED,
        generate: || Raw::new().object(2, "<</Type/Pages/Count 0/Kids[]>>").finish(),
    },
    HostileDocument {
        id: "page-tree-1e8",
        what: "A page tree of 10^8 pages in 1 KB: eight levels of nodes that share their ten children.",
        expected: BOUNDED,
        generate: page_tree_of_1e8,
    },
    HostileDocument {
        id: "page-tree-loop",
        what: "A page tree that is its own child.",
        expected: BOUNDED,
        generate: || {
            Raw::new()
                .object(1, "<</Type/Catalog/Pages 2 0 R>>")
                .object(2, "<</Type/Pages/Count 2/Kids[3 0 R 2 0 R]/Parent 2 0 R>>")
                .page(3, "", 4)
                .stream(4, "", SQUARE)
                .finish()
        },
    },
    HostileDocument {
        id: "page-parent-loop",
        what: "Two nodes that are each other's parent, and a page that inherits from them.",
        expected: BOUNDED,
        generate: || {
            Raw::new()
                .object(1, "<</Type/Catalog/Pages 2 0 R>>")
                .object(2, "<</Type/Pages/Count 1/Kids[5 0 R]/Parent 5 0 R>>")
                .object(3, "<</Type/Page/Parent 5 0 R/Contents 4 0 R>>")
                .stream(4, "", SQUARE)
                .object(5, "<</Type/Pages/Count 1/Kids[3 0 R]/Parent 2 0 R>>")
                .finish()
        },
    },
    HostileDocument {
        id: "count-1e9",
        what: "A page tree that says 10^9 and has one page.",
        expected: BOUNDED,
        generate: || counted("1000000000"),
    },
    HostileDocument {
        id: "count-negative",
        what: "A page tree that says -1 and has one page.",
        expected: BOUNDED,
        generate: || counted("-1"),
    },
    HostileDocument {
        id: "nested-arrays",
        what: "An array nested 500,000 deep in a page's dictionary.",
        expected: BOUNDED,
        generate: || nested("[", "]"),
    },
    HostileDocument {
        id: "nested-dictionaries",
        what: "A dictionary nested 500,000 deep in a page's dictionary.",
        expected: BOUNDED,
        generate: || nested("<</A", ">>"),
    },
    HostileDocument {
        id: "xref-prev-loop",
        what: "A cross-reference table that is its own predecessor.",
        expected: BOUNDED,
        generate: || {
            let raw = one_page("", SQUARE);
            let at = raw.position();
            raw.finish_with(&format!("/Prev {at}"))
        },
    },
    HostileDocument {
        id: "xref-wrong-offsets",
        what: "A cross-reference table whose every offset is wrong.",
        expected: REPAIRED_OR_REFUSED,
        generate: || {
            one_page("", SQUARE).end_with(
                "xref\n0 5\n0000000000 65535 f \n0000000001 00000 n \n0000000002 00000 n \n\
                 0000000003 00000 n \n0000000004 00000 n \ntrailer\n<</Size 5/Root 1 0 R>>\n\
                 startxref\n99999999\n%%EOF\n",
            )
        },
    },
    HostileDocument {
        id: "object-loop",
        what: "An indirect object that is a reference to itself, as a page's content.",
        expected: BOUNDED,
        generate: || Raw::with_pages(1).page(3, "", 4).object(4, "4 0 R").finish(),
    },
    HostileDocument {
        id: "length-loop",
        what: "A stream whose length is the stream itself.",
        expected: BOUNDED,
        generate: || {
            Raw::with_pages(1)
                .page(3, "", 4)
                .object(4, "<</Length 4 0 R>>stream\n0.5 g 206 296 200 200 re f\nendstream")
                .finish()
        },
    },
    HostileDocument {
        id: "object-stream-loop",
        what: "An object stream that a cross-reference stream says is inside itself.",
        expected: BOUNDED,
        generate: object_stream_in_itself,
    },
    HostileDocument {
        id: "junk-before-header",
        what: "900 bytes of junk before a good document.",
        expected: DRAWN,
        generate: || {
            let mut bytes = vec![b'#'; 899];
            bytes.push(b'\n');
            bytes.extend(one_page("", SQUARE).finish());
            bytes
        },
    },
];

fn page_tree_of_1e8() -> Vec<u8> {
    let mut raw = Raw::new().object(1, "<</Type/Catalog/Pages 2 0 R>>");
    for level in 0..8 {
        let (number, child) = (2 + level, 3 + level);
        let kids = format!("{child} 0 R ").repeat(10);
        let count = 10u64.pow(8 - level);
        raw = raw.object(number, &format!("<</Type/Pages/Count {count}/Kids[{kids}]>>"));
    }
    raw.object(10, "<</Type/Page/Parent 9 0 R/MediaBox[0 0 612 792]>>").finish()
}

fn counted(count: &str) -> Vec<u8> {
    Raw::new()
        .object(1, "<</Type/Catalog/Pages 2 0 R>>")
        .object(2, &format!("<</Type/Pages/Count {count}/Kids[3 0 R]>>"))
        .page(3, "", 4)
        .stream(4, "", SQUARE)
        .finish()
}

fn nested(open: &str, close: &str) -> Vec<u8> {
    const DEPTH: usize = 500_000;
    let value = format!("{}1{}", open.repeat(DEPTH), close.repeat(DEPTH));
    Raw::with_pages(1).page(3, "/Deep 5 0 R", 4).stream(4, "", SQUARE).object(5, &value).finish()
}

/// Object 2, the page tree, is said to be inside object stream 5, and so is object 5.
fn object_stream_in_itself() -> Vec<u8> {
    let raw = Raw::new().object(1, "<</Type/Catalog/Pages 2 0 R>>");
    let inner = "2 0 5 40 <</Type/Pages/Count 1/Kids[3 0 R]>>     (not a stream)";
    let raw = raw.stream(5, "/Type/ObjStm/N 2/First 9", inner.as_bytes());
    let raw = raw.page(3, "", 4).stream(4, "", SQUARE);
    let at = raw.position();
    let entry = |kind: u8, second: u16, third: u8| [kind, (second >> 8) as u8, second as u8, third];
    let table = [
        entry(0, 0, 0),
        entry(1, 15, 0),
        entry(2, 5, 0),
        entry(2, 5, 1),
        entry(2, 5, 1),
        entry(2, 5, 1),
        entry(1, at as u16, 0),
    ]
    .concat();
    raw.stream(6, "/Type/XRef/Size 7/W[1 2 1]/Root 1 0 R", &table)
        .end_with(&format!("startxref\n{at}\n%%EOF\n"))
}
