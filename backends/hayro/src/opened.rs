//! A document as hayro has it open.

use std::sync::Arc;

use hayro::RenderCache;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use render_api::RenderError;
use self_cell::self_cell;

use crate::contain::contained;
use crate::owner::user_password;

self_cell!(
    /// A document, and the fonts and glyphs that were read for one page and serve the next.
    pub(crate) struct Opened {
        owner: Pdf,
        #[not_covariant]
        dependent: RenderCache,
    }
);

/// The bytes of a document, and the password that opens it.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) pdf: Arc<Vec<u8>>,
    password: Option<String>,
}

impl Source {
    pub(crate) fn new(pdf: Vec<u8>, password: Option<String>) -> Source {
        Source { pdf: Arc::new(pdf), password }
    }

    /// The same document with other bytes.
    pub(crate) fn with_bytes(&self, pdf: Vec<u8>) -> Source {
        Source { pdf: Arc::new(pdf), password: self.password.clone() }
    }

    /// Opens the document, which has at least one page.
    pub(crate) fn open(&self) -> Result<Opened, RenderError> {
        let Some(password) = &self.password else {
            return self.open_with("");
        };
        let opened = self.open_with(password);
        let Err(RenderError::Encrypted { .. }) = opened else {
            return opened;
        };
        let from_owner = contained(|| user_password(&self.pdf, password))?;
        // A password that is not asked for does no harm.
        [from_owner.as_deref(), Some("")]
            .into_iter()
            .flatten()
            .find_map(|password| self.open_with(password).ok())
            .map_or(opened, Ok)
    }

    fn open_with(&self, password: &str) -> Result<Opened, RenderError> {
        let opened = contained(|| Pdf::new_with_password(Arc::clone(&self.pdf), password))?;
        let pdf = opened.map_err(|error| self.error(error))?;
        if pdf.pages().is_empty() {
            return Err(RenderError::Malformed { detail: "the document has no pages".to_owned() });
        }
        Ok(Opened::new(pdf, |_| RenderCache::new()))
    }

    fn error(&self, error: LoadPdfError) -> RenderError {
        let malformed = |detail: &str| RenderError::Malformed { detail: detail.to_owned() };
        match error {
            LoadPdfError::Invalid => malformed("no PDF, or damaged beyond repair"),
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
                RenderError::Encrypted { password_given: self.password.is_some() }
            }
            LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
                RenderError::Unsupported { detail: "the algorithm of the encryption".to_owned() }
            }
            LoadPdfError::Decryption(DecryptionError::MissingIDEntry) => {
                malformed("an encrypted document without /ID")
            }
            LoadPdfError::Decryption(DecryptionError::InvalidEncryption) => {
                malformed("the /Encrypt dictionary makes no sense")
            }
        }
    }
}

impl Opened {
    /// Forgets what was kept from page to page, which a panic may have left half changed.
    pub(crate) fn forget(&mut self) {
        self.with_dependent_mut(|_, cache| *cache = RenderCache::new());
    }
}
