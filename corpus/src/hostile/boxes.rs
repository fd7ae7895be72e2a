//! Pages whose size is absurd, empty, or no number.

use super::raw::{Raw, SQUARE};
use super::{DRAWN, Expected, ExpectedPages, HostileDocument, PAGES_BOUNDED};

pub(super) const ALL: &[HostileDocument] = &[
    HostileDocument {
        id: "mediabox-1e9",
        what: "A page of 10^9 pt on each side.",
        expected: TOO_LARGE,
        generate: || sized("/MediaBox[0 0 1000000000 1000000000]"),
    },
    HostileDocument {
        id: "mediabox-thin",
        what: "A page of 1 pt by 10^9 pt.",
        expected: TOO_LARGE,
        generate: || sized("/MediaBox[0 0 1 1000000000]"),
    },
    HostileDocument {
        id: "mediabox-thin-at-limit",
        what: "A page of 1 pt by 10^8 pt: at 72 dpi, just as many pixels as the default limit allows.",
        expected: PAGES_BOUNDED,
        generate: || sized("/MediaBox[0 0 1 100000000]"),
    },
    HostileDocument {
        id: "mediabox-huge-image",
        what: "A page of 40,000 pt on each side, within what a number can hold.",
        expected: TOO_LARGE,
        generate: || sized("/MediaBox[0 0 40000 40000]"),
    },
    HostileDocument {
        id: "user-unit-1e6",
        what: "A user unit of 10^6, which counts as 1.",
        expected: DRAWN,
        generate: || sized("/MediaBox[0 0 612 792]/UserUnit 1000000"),
    },
    HostileDocument {
        id: "user-unit-negative",
        what: "A user unit of -1, which counts as 1.",
        expected: DRAWN,
        generate: || sized("/MediaBox[0 0 612 792]/UserUnit -1"),
    },
    HostileDocument {
        id: "mediabox-nan",
        what: "A media box of the words nan and inf.",
        expected: DRAWN,
        generate: || sized("/MediaBox[nan nan inf -inf]"),
    },
    HostileDocument {
        id: "mediabox-overflow",
        what: "A media box of numbers too large for any float.",
        expected: EITHER,
        generate: || sized(&format!("/MediaBox[0 0 {0} {0}]", "9".repeat(400))),
    },
    HostileDocument {
        id: "mediabox-garbage",
        what: "A media box of strings and names.",
        expected: DRAWN,
        generate: || sized("/MediaBox[(a) /b <</c 1>> null]"),
    },
    HostileDocument {
        id: "mediabox-short",
        what: "A media box of two numbers.",
        expected: DRAWN,
        generate: || sized("/MediaBox[0 0]"),
    },
    HostileDocument {
        id: "mediabox-missing",
        what: "No media box anywhere.",
        expected: DRAWN,
        generate: || {
            Raw::with_pages(1)
                .object(3, "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>")
                .stream(4, "", SQUARE)
                .finish()
        },
    },
    HostileDocument {
        id: "mediabox-zero",
        what: "A media box without an area.",
        expected: DRAWN,
        generate: || sized("/MediaBox[100 100 100 100]"),
    },
    HostileDocument {
        id: "cropbox-outside",
        what: "A crop box that does not meet the media box.",
        expected: DRAWN,
        generate: || sized("/MediaBox[0 0 612 792]/CropBox[2000 2000 2100 2100]"),
    },
    HostileDocument {
        id: "rotate-garbage",
        what: "A rotation of 45 degrees.",
        expected: DRAWN,
        generate: || sized("/Rotate 45"),
    },
];

/// Opens; the page is over the limit on pixels.
const TOO_LARGE: Expected = Expected {
    refusals: &[],
    pages: Some(ExpectedPages { failures: &["limit_exceeded"], may_be_drawn: false, damaged: None }),
};

/// Opens; the page is over the limit, or its size counts as missing.
const EITHER: Expected = Expected {
    refusals: &[],
    pages: Some(ExpectedPages { failures: &["limit_exceeded"], may_be_drawn: true, damaged: None }),
};

fn sized(entries: &str) -> Vec<u8> {
    Raw::with_pages(1).page(3, entries, 4).stream(4, "", SQUARE).finish()
}
