//! Files that are not PDFs, that are cut short, or that are locked.

use oorandom::Rand32;

use super::{Expected, HostileDocument, MALFORMED, NOT_A_PDF, REPAIRED_OR_REFUSED};
use crate::document;

pub(super) const ALL: &[HostileDocument] = &[
    HostileDocument { id: "empty", what: "No bytes at all.", expected: EMPTY, generate: Vec::new },
    HostileDocument {
        id: "html",
        what: "A web page named .pdf.",
        expected: NOT_A_PDF,
        generate: || b"<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n".to_vec(),
    },
    HostileDocument { id: "png", what: "A PNG image named .pdf.", expected: NOT_A_PDF, generate: png },
    HostileDocument {
        id: "zip",
        what: "An empty ZIP archive named .pdf.",
        expected: NOT_A_PDF,
        generate: zip,
    },
    HostileDocument {
        id: "random",
        what: "64 KiB of random bytes.",
        expected: NOT_A_PDF,
        generate: || {
            let mut random = Rand32::new(99);
            (0..1 << 14).flat_map(|_| random.rand_u32().to_le_bytes()).collect()
        },
    },
    HostileDocument {
        id: "random-after-header",
        what: "A PDF header, then random bytes.",
        expected: MALFORMED,
        generate: || {
            let mut random = Rand32::new(98);
            let noise = (0..1 << 12).flat_map(|_| random.rand_u32().to_le_bytes());
            b"%PDF-1.7\n".iter().copied().chain(noise).collect()
        },
    },
    HostileDocument {
        id: "header-only",
        what: "A PDF header and nothing else.",
        expected: MALFORMED,
        generate: || b"%PDF-1.7\n".to_vec(),
    },
    HostileDocument {
        id: "truncated-third",
        what: "The first third of a document of 20 pages, whose page tree comes last.",
        expected: REPAIRED_OR_REFUSED,
        generate: || cut("text-20", |bytes| bytes.len() / 3),
    },
    HostileDocument {
        id: "truncated-xref",
        what: "A document of 20 pages cut in the middle of its cross-reference table.",
        expected: REPAIRED_OR_REFUSED,
        generate: || cut("text-20", |bytes| (rposition(bytes, b"xref\n0 ") + bytes.len()) / 2),
    },
    HostileDocument {
        id: "truncated-stream",
        what: "A document of one page cut in the middle of its last stream.",
        expected: REPAIRED_OR_REFUSED,
        generate: || cut("text-1", |bytes| rposition(bytes, b"endstream") - 200),
    },
    HostileDocument {
        id: "encrypted-rc4-128",
        what: "Encrypted with 128-bit RC4; user password \"user\", owner password \"owner\".",
        expected: ENCRYPTED,
        generate: || include_bytes!("../../fixtures/encrypted-rc4-128.pdf").to_vec(),
    },
    HostileDocument {
        id: "encrypted-aes-256",
        what: "Encrypted with 256-bit AES; user password \"user\", owner password \"owner\".",
        expected: ENCRYPTED,
        generate: || include_bytes!("../../fixtures/encrypted-aes-256.pdf").to_vec(),
    },
];

/// Refused before anything is looked at.
const EMPTY: Expected = Expected { refusals: &["empty_file"], pages: None };

/// What may come of an encrypted document, without and with a wrong password.
const ENCRYPTED: Expected = Expected { refusals: &["encrypted", "wrong_password"], pages: None };

/// A PNG of one black pixel.
fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55");
    bytes.extend(b"\0\0\0\x0aIDAT\x78\x9c\x63\x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71");
    bytes.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
    bytes
}

/// The end-of-directory record of an archive without files.
fn zip() -> Vec<u8> {
    let mut bytes = b"PK\x05\x06".to_vec();
    bytes.extend([0; 18]);
    bytes
}

/// A good document, cut at a place.
fn cut(id: &str, place: fn(&[u8]) -> usize) -> Vec<u8> {
    let mut bytes = document(id).map_or_else(Vec::new, |document| document.bytes());
    let length = place(&bytes);
    bytes.truncate(length);
    bytes
}

/// Where a text occurs last; 0 if it does not.
fn rposition(bytes: &[u8], text: &[u8]) -> usize {
    bytes.windows(text.len()).rposition(|window| window == text).unwrap_or(0)
}
