//! The frames between parent and worker: a fixed prefix, a JSON header, and raw bytes.
//!
//! Neither side trusts the lengths that it reads: a header is at most [`MAX_HEADER_BYTES`], and a
//! body at most what the receiver allows. A header costs microseconds; a page costs milliseconds.
//!
//! A worker answers in the order in which it is asked, and may be asked for a page before it has answered.

use std::io::{self, IoSlice, Read, Write};
use std::iter;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::sandbox::SandboxReport;

/// The version of these frames. Parent and worker are the same executable, but for a worker that is
/// shipped beside it, which is checked by this number.
pub const PROTOCOL_VERSION: u32 = 3;

/// The code of the [`Reply::Failed`] with which a worker greets that has no engine.
pub const ENGINE_UNAVAILABLE: &str = "backend_unavailable";

/// The longest header that is read, in bytes.
pub const MAX_HEADER_BYTES: u32 = 256 * 1024;

/// The length of the prefix before each header, in bytes.
pub const PREFIX_BYTES: usize = 16;

/// The first bytes of a frame, so that stray output on the socket is noticed at once.
const MAGIC: [u8; 4] = *b"p2i\x01";

/// What the parent asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Open the PDF on descriptor 0.
    Open {
        /// Its length in bytes.
        pdf_bytes: u64,
        /// How its pages are to come out: [`Settings::canonical`](crate::config::Settings::canonical).
        options: Map<String, Value>,
        /// The document's password, which the options leave out.
        password: Option<String>,
    },
    /// Draw a page, and encode all of its images.
    Render {
        /// The page, counted from 0.
        page: u32,
    },
}

/// What a worker answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The first frame: the worker runs and is locked in.
    Ready {
        /// [`PROTOCOL_VERSION`] of the worker.
        protocol: u32,
        /// What keeps it in.
        sandbox: SandboxReport,
    },
    /// The PDF is open.
    Opened {
        /// The number of pages.
        page_count: u32,
        /// The engine's version.
        engine_version: String,
        /// Time to open, in µs.
        open_us: u64,
    },
    /// A page; the frame's body is its image files, one after the other.
    Page {
        /// The page, counted from 0.
        page: u32,
        /// The main image, then the renditions in the order of the settings.
        images: Vec<PageImage>,
        /// Errors in the page's content that the engine passed over.
        content_errors: u32,
        /// Time to draw, and to scale down, in µs.
        render_us: u64,
    },
    /// The request could not be carried out, and the worker is as good as before.
    Failed {
        /// A stable code.
        code: String,
        /// What was wrong, for a person.
        message: String,
    },
}

/// One image file of a [`Reply::Page`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PageImage {
    /// The rendition that it is; `None` is the main image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rendition: Option<String>,
    /// Width in px.
    pub width_px: u32,
    /// Height in px.
    pub height_px: u32,
    /// The length of its file in bytes.
    pub bytes: u64,
    /// Time to encode, in µs.
    pub encode_us: u64,
}

impl Reply {
    /// How long the body is that belongs to this header; `None` if no body has that length.
    pub fn body_bytes(&self) -> Option<u64> {
        match self {
            Reply::Page { images, .. } => {
                images.iter().try_fold(0, |sum: u64, image| sum.checked_add(image.bytes))
            }
            _ => Some(0),
        }
    }
}

/// What is wrong with bytes that should be a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The connection failed or ended within a frame.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes do not begin like a frame.
    #[error("not a frame: it begins with {0:02x?}")]
    Magic([u8; 4]),
    /// A length is over what the receiver allows.
    #[error("a {what} of {bytes} bytes is over the limit of {limit}")]
    TooLong {
        /// "header" or "body".
        what: &'static str,
        /// The length that the prefix claims.
        bytes: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// The files that the header lists are not as long as the body.
    #[error("the header lists files of {listed:?} bytes before a body of {body}")]
    Body {
        /// What the header lists; `None` is more than there are bytes.
        listed: Option<u64>,
        /// The length of the body.
        body: u64,
    },
    /// The header is not the JSON that is expected.
    #[error("the header is not understood: {0}")]
    Header(#[from] serde_json::Error),
}

/// The lengths in a frame's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The length of the header in bytes.
    pub header_bytes: u32,
    /// The length of the body in bytes.
    pub body_bytes: u64,
}

impl Prefix {
    /// Reads a prefix, and checks its lengths.
    ///
    /// # Errors
    ///
    /// [`FrameError::Magic`] and [`FrameError::TooLong`].
    pub fn parse(bytes: &[u8; PREFIX_BYTES], max_body_bytes: u64) -> Result<Prefix, FrameError> {
        let (magic, header, body) = (&bytes[..4], &bytes[4..8], &bytes[8..]);
        if magic != MAGIC {
            return Err(FrameError::Magic([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
        let prefix = Prefix {
            header_bytes: u32::from_le_bytes(header.try_into().expect("4 bytes")),
            body_bytes: u64::from_le_bytes(body.try_into().expect("8 bytes")),
        };
        let too_long = |what, bytes, limit| Err(FrameError::TooLong { what, bytes, limit });
        if prefix.header_bytes > MAX_HEADER_BYTES {
            too_long("header", prefix.header_bytes.into(), MAX_HEADER_BYTES.into())
        } else if prefix.body_bytes > max_body_bytes {
            too_long("body", prefix.body_bytes, max_body_bytes)
        } else {
            Ok(prefix)
        }
    }
}

/// Prefix and header of a frame whose body has `body_bytes`.
pub fn frame_head<T: Serialize>(header: &T, body_bytes: usize) -> Vec<u8> {
    let mut head = vec![0; PREFIX_BYTES];
    serde_json::to_writer(&mut head, header).expect("headers have string keys and finite numbers");
    let header_bytes = (head.len() - PREFIX_BYTES) as u32;
    head[..4].copy_from_slice(&MAGIC);
    head[4..8].copy_from_slice(&header_bytes.to_le_bytes());
    head[8..16].copy_from_slice(&(body_bytes as u64).to_le_bytes());
    head
}

/// Writes a frame, with files one after the other as its body: all at once, as far as the writer takes it, so
/// that its reader is not woken up for the header alone.
///
/// # Errors
///
/// As the writer fails.
pub fn write_frame<T: Serialize>(to: &mut impl Write, header: &T, files: &[&[u8]]) -> io::Result<()> {
    let head = frame_head(header, files.iter().map(|file| file.len()).sum());
    let mut parts: Vec<IoSlice<'_>> =
        iter::once(head.as_slice()).chain(files.iter().copied()).map(IoSlice::new).collect();
    let mut left = parts.as_mut_slice();
    while !left.is_empty() {
        match to.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a frame without a body; `None` at the end of the connection.
///
/// # Errors
///
/// [`FrameError`], also if the frame has a body.
pub fn read_header<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut prefix = [0; PREFIX_BYTES];
    let begun = from.read(&mut prefix)?;
    if begun == 0 {
        return Ok(None);
    }
    from.read_exact(&mut prefix[begun..])?;
    let prefix = Prefix::parse(&prefix, 0)?;
    let mut header = vec![0; prefix.header_bytes as usize];
    from.read_exact(&mut header)?;
    Ok(Some(serde_json::from_slice(&header)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &Request::Render { page: 7 }, &[]).unwrap();
        let back: Option<Request> = read_header(&mut bytes.as_slice()).unwrap();
        assert!(matches!(back, Some(Request::Render { page: 7 })));
        assert!(read_header::<Request>(&mut [].as_slice()).unwrap().is_none());
    }

    #[test]
    fn lengths_are_checked_before_memory_is_taken() {
        let mut prefix = [0; PREFIX_BYTES];
        prefix[..4].copy_from_slice(&MAGIC);
        prefix[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(Prefix::parse(&prefix, 10), Err(FrameError::TooLong { what: "header", .. })));
        prefix[4..8].copy_from_slice(&2u32.to_le_bytes());
        prefix[8..].copy_from_slice(&11u64.to_le_bytes());
        assert!(matches!(Prefix::parse(&prefix, 10), Err(FrameError::TooLong { what: "body", .. })));
        assert!(Prefix::parse(&prefix, 11).is_ok());
    }

    #[test]
    fn files_that_are_listed_must_be_as_long_as_the_body() {
        let image = |bytes| PageImage { rendition: None, width_px: 1, height_px: 1, bytes, encode_us: 0 };
        let page = |images| Reply::Page { page: 0, images, content_errors: 0, render_us: 0 };
        assert_eq!(page(vec![image(7), image(5)]).body_bytes(), Some(12));
        assert_eq!(page(vec![image(u64::MAX), image(5)]).body_bytes(), None);
        assert_eq!(Reply::Failed { code: String::new(), message: String::new() }.body_bytes(), Some(0));
    }

    #[test]
    fn stray_output_is_not_taken_for_a_frame() {
        assert!(matches!(Prefix::parse(b"warning: bad xre", 10), Err(FrameError::Magic(_))));
    }
}
