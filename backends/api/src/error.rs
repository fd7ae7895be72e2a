//! What can go wrong between bytes and pixels, by who can act on it.

use crate::geometry::PageIndex;

/// A failure of an engine, of a document, or of a request.
///
/// A crash, a timeout and memory that ran out are not here: they end the process that an engine
/// runs in, and are reported by the one who watches that process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The bytes are not a PDF, or are damaged beyond what the engine can repair.
    #[error("malformed PDF: {detail}")]
    Malformed {
        /// What the engine found, in its own words.
        detail: String,
    },
    /// The document is encrypted and the password does not open it.
    #[error("encrypted PDF: {}", if *.password_given { "the password is wrong" } else { "a password is needed and none was given" })]
    Encrypted {
        /// Whether a password was given, and so was wrong.
        password_given: bool,
    },
    /// The page asked for does not exist.
    #[error("page {page} does not exist: the document has {page_count}")]
    PageOutOfRange {
        /// The page asked for.
        page: PageIndex,
        /// How many pages there are.
        page_count: u32,
    },
    /// A size or a count is over a limit that the caller set, or that protects it.
    #[error("{what} is {value}, over the limit of {limit}")]
    LimitExceeded {
        /// What is too large, with its unit: "image size in pixels".
        what: &'static str,
        /// How large it is.
        value: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The document uses something that this engine cannot draw.
    #[error("unsupported: {detail}")]
    Unsupported {
        /// What it is.
        detail: String,
    },
    /// The engine ran out of the memory that it was given.
    #[error("out of memory: {detail}")]
    OutOfMemory {
        /// What was asked for, in the engine's words.
        detail: String,
    },
    /// The engine failed for a reason that is not the document's.
    #[error("engine failure: {detail}")]
    Backend {
        /// What the engine said.
        detail: String,
    },
}

impl RenderError {
    /// The stable code of this kind of failure, as it stands in manifests and logs.
    pub fn code(&self) -> &'static str {
        match self {
            RenderError::Malformed { .. } => "malformed",
            RenderError::Encrypted { password_given: false } => "encrypted",
            RenderError::Encrypted { password_given: true } => "wrong_password",
            RenderError::PageOutOfRange { .. } => "page_out_of_range",
            RenderError::LimitExceeded { .. } => "limit_exceeded",
            RenderError::Unsupported { .. } => "unsupported",
            RenderError::OutOfMemory { .. } => "page_memory",
            RenderError::Backend { .. } => "backend_failure",
        }
    }
}
