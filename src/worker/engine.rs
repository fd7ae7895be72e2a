//! The engines, as a worker loads and starts them.
//!
//! A library that is a file has to be loaded before the sandbox closes, which lets nobody open
//! files or map code; what an engine looks for when it *starts* it does not find any more, so that
//! no page depends on the fonts of the machine.

use std::path::Path;

use render_api::Renderer;

use crate::config::Backend;

/// An engine whose code is in the process, and which has not seen anything yet.
pub enum LoadedEngine {
    /// MuPDF, which is linked.
    #[cfg(feature = "mupdf")]
    Mupdf,
    /// PDFium, whose library is loaded.
    #[cfg(all(feature = "pdfium-worker", not(target_env = "musl")))]
    Pdfium(render_pdfium::Library),
    /// hayro, which is linked.
    #[cfg(feature = "hayro")]
    Hayro,
}

impl LoadedEngine {
    /// Brings an engine's code into the process.
    ///
    /// # Errors
    ///
    /// A sentence for the person who operates the service: the engine is not in this executable,
    /// or its library is missing or does not fit.
    pub fn load(backend: Backend, pdfium_library: &Path) -> Result<LoadedEngine, String> {
        match backend {
            #[cfg(feature = "mupdf")]
            Backend::Mupdf => Ok(LoadedEngine::Mupdf),
            #[cfg(all(feature = "pdfium-worker", not(target_env = "musl")))]
            Backend::Pdfium => render_pdfium::Library::load(pdfium_library)
                .map(LoadedEngine::Pdfium)
                .map_err(|error| format!("{error} (PDF2IMG_PDFIUM_LIBRARY names its place)")),
            #[cfg(feature = "hayro")]
            Backend::Hayro => Ok(LoadedEngine::Hayro),
            #[allow(unreachable_patterns, reason = "in a build with every engine there is no other")]
            other => {
                let _ = pdfium_library;
                Err(format!("the backend {other} is not in this executable"))
            }
        }
    }

    /// Starts the engine.
    ///
    /// # Errors
    ///
    /// A sentence for the person who operates the service: the engine does not start.
    pub fn start(self) -> Result<Box<dyn Renderer>, String> {
        match self {
            #[cfg(feature = "mupdf")]
            LoadedEngine::Mupdf => Ok(Box::new(render_mupdf::MuPdf::new())),
            #[cfg(all(feature = "pdfium-worker", not(target_env = "musl")))]
            LoadedEngine::Pdfium(library) => match library.renderer() {
                Ok(renderer) => Ok(Box::new(renderer)),
                Err(error) => Err(error.to_string()),
            },
            #[cfg(feature = "hayro")]
            LoadedEngine::Hayro => Ok(Box::new(render_hayro::Hayro::new())),
        }
    }
}
