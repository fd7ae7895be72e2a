//! Bad inputs, each with the outcomes that are acceptable.

mod bombs;
mod boxes;
mod files;
mod raw;
mod structure;

use std::sync::LazyLock;

/// An input that no engine may be trusted with, and what may come of it.
#[derive(Debug, Clone, Copy)]
pub struct HostileDocument {
    /// The name, and with `.pdf` the file name.
    pub id: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
    /// What may come of it.
    pub expected: Expected,
    pub(crate) generate: fn() -> Vec<u8>,
}

impl HostileDocument {
    /// Makes the input: the same bytes each time.
    pub fn bytes(&self) -> Vec<u8> {
        (self.generate)()
    }

    /// The file name that it has on disk.
    pub fn file_name(&self) -> String {
        format!("hostile-{}.pdf", self.id)
    }
}

/// The acceptable outcomes of an input.
///
/// A code is the stable one that stands in manifests: `malformed`, `encrypted`, `limit_exceeded`,
/// `page_timeout` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The codes with which the document as a whole may be refused; none if it must open.
    pub refusals: &'static [&'static str],
    /// What may come of its pages once it is open; `None` if it must be refused.
    pub pages: Option<ExpectedPages>,
}

/// The acceptable outcomes of the pages of a document that opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedPages {
    /// The codes with which a damaged page may fail.
    pub failures: &'static [&'static str],
    /// Whether a damaged page may also be drawn, in whole or in part.
    pub may_be_drawn: bool,
    /// The numbers, from 1, of the damaged pages; `None` if all are. The others must be drawn.
    pub damaged: Option<&'static [u32]>,
}

impl Expected {
    /// Whether the document may be refused as a whole with that code.
    pub fn accepts_refusal(&self, code: &str) -> bool {
        self.refusals.contains(&code)
    }

    /// Whether a page, by its number from 1, may be drawn (`None`) or fail with that code.
    pub fn accepts_page(&self, number: u32, failure: Option<&str>) -> bool {
        let Some(pages) = &self.pages else { return false };
        let is_damaged = pages.damaged.is_none_or(|damaged| damaged.contains(&number));
        match failure {
            None => !is_damaged || pages.may_be_drawn,
            Some(code) => is_damaged && pages.failures.contains(&code),
        }
    }
}

/// Every bad input.
pub fn documents() -> &'static [HostileDocument] {
    static ALL: LazyLock<Vec<HostileDocument>> =
        LazyLock::new(|| [files::ALL, structure::ALL, boxes::ALL, bombs::ALL].concat());
    &ALL
}

/// The bad input of that id.
pub fn document(id: &str) -> Option<&'static HostileDocument> {
    documents().iter().find(|document| document.id == id)
}

/// Codes of a limit that was reached while a page was drawn.
///
/// How an engine ends on such input is a matter of where its own limits are.
const EXHAUSTED: &[&str] = &[
    "malformed",
    "limit_exceeded",
    "unsupported",
    "backend_failure",
    "page_timeout",
    "page_memory",
    "page_crashed",
];

/// Codes of a limit that was reached while the document was opened.
const EXHAUSTED_AT_OPEN: &[&str] = &[
    "malformed",
    "limit_exceeded",
    "unsupported",
    "backend_failure",
    "too_many_pages",
    "open_timeout",
    "open_memory",
    "open_crashed",
];

/// Refused before an engine sees it.
const NOT_A_PDF: Expected = Expected { refusals: &["not_a_pdf"], pages: None };

/// Refused as a PDF that cannot be read.
const MALFORMED: Expected = Expected { refusals: &["malformed"], pages: None };

/// Opens, and every page is drawn.
const DRAWN: Expected = Expected {
    refusals: &[],
    pages: Some(ExpectedPages { failures: &[], may_be_drawn: true, damaged: Some(&[]) }),
};

/// Anything with a code, in bounded time and memory.
const BOUNDED: Expected = Expected {
    refusals: EXHAUSTED_AT_OPEN,
    pages: Some(ExpectedPages { failures: EXHAUSTED, may_be_drawn: true, damaged: None }),
};

/// Must open; its pages may be drawn or run into a limit.
const PAGES_BOUNDED: Expected = Expected {
    refusals: &[],
    pages: Some(ExpectedPages { failures: EXHAUSTED, may_be_drawn: true, damaged: None }),
};

/// Refused as damaged, or drawn as far as it can be repaired.
const REPAIRED_OR_REFUSED: Expected = Expected {
    refusals: &["malformed"],
    pages: Some(ExpectedPages { failures: &["malformed"], may_be_drawn: true, damaged: None }),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        for (i, document) in documents().iter().enumerate() {
            assert!(documents()[..i].iter().all(|other| other.id != document.id), "{} twice", document.id);
        }
        assert!(documents().len() > 50);
    }

    #[test]
    fn an_input_is_small_and_the_same_bytes_each_time() {
        for document in documents() {
            let bytes = document.bytes();
            assert!(bytes.len() < 4 << 20, "{} has {} bytes", document.id, bytes.len());
            assert!(bytes == document.bytes(), "{} differs", document.id);
        }
    }

    #[test]
    fn only_the_damaged_page_may_fail() {
        let expected = document("one-bad-page").unwrap().expected;
        assert!(expected.accepts_page(3, Some("page_timeout")));
        assert!(!expected.accepts_page(3, None));
        assert!(expected.accepts_page(2, None));
        assert!(!expected.accepts_page(2, Some("page_timeout")));
        assert!(!expected.accepts_refusal("malformed"));
    }

    #[test]
    fn what_must_be_refused_accepts_no_page() {
        let expected = document("html").unwrap().expected;
        assert!(expected.accepts_refusal("not_a_pdf"));
        assert!(!expected.accepts_page(1, None));
    }
}
