//! Finding and loading the shared library.

use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::{self, ThreadId};

use crate::PdfiumRenderer;
use crate::elf::{self, Inspected};
use crate::ffi::{BindError, Functions};

/// PDFium's shared library, loaded, with every function found, and not started.
#[derive(Debug)]
pub struct Library {
    functions: Functions,
    version: String,
}

impl Library {
    /// Loads the library and finds its functions.
    ///
    /// Call it before the process locks itself in: it opens files and maps executable memory.
    ///
    /// # Errors
    ///
    /// [`LoadError`] says what is wrong with the file, and what to do.
    pub fn load(path: &Path) -> Result<Library, LoadError> {
        let path_buf = || path.to_path_buf();
        let Inspected { build_id } = elf::inspect(path)?;
        let functions = Functions::load(path).map_err(|error| match error {
            BindError::Refused { reason } => LoadError::Refused { path: path_buf(), reason },
            BindError::Lacks { function } => LoadError::Lacks { path: path_buf(), function },
        })?;
        Ok(Library { functions, version: version_of(build_id.as_deref()) })
    }

    /// Starts the engine; it opens no file and asks the machine for no font.
    ///
    /// # Errors
    ///
    /// [`LoadError::OtherThread`]: PDFium is not made for threads, and belongs to the first one
    /// that starts it, for as long as the process lives.
    pub fn renderer(self) -> Result<PdfiumRenderer, LoadError> {
        static OWNER: OnceLock<ThreadId> = OnceLock::new();
        let this_thread = thread::current().id();
        if *OWNER.get_or_init(|| this_thread) != this_thread {
            return Err(LoadError::OtherThread);
        }
        Ok(PdfiumRenderer { engine: self.functions.start(), version: self.version, one_thread: PhantomData })
    }
}

/// Why the library is not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file, or it cannot be read.
    #[error(
        "PDFium's library is not at {path:?} ({source}): put it there, or name its place; \
         `scripts/setup.sh pdfium` fetches it and `scripts/setup.sh --print-pdfium` says where to"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a shared library.
    #[error("{path:?} is no shared library for Linux: name the file libpdfium.so of PDFium")]
    NotALibrary {
        /// The file.
        path: PathBuf,
    },
    /// The library is for another kind of processor.
    #[error(
        "{path:?} is a library for {found}, and this program runs on {wanted}: use the PDFium for {wanted}"
    )]
    OtherMachine {
        /// The file.
        path: PathBuf,
        /// What it was made for.
        found: String,
        /// What it should be made for.
        wanted: &'static str,
    },
    /// The system's loader refuses it.
    #[error(
        "the system's loader refuses PDFium's library {path:?}: {reason}. It needs a dynamically linked \
         program, glibc 2.17 or newer, and libgcc_s.so.1"
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// A function is missing.
    #[error(
        "{path:?} has no function {function}: it is no PDFium, or one older than build 8125. \
         `scripts/setup.sh pdfium` fetches the build that scripts/pdfium.lock names"
    )]
    Lacks {
        /// The file.
        path: PathBuf,
        /// The first function that is missing.
        function: String,
    },
    /// It was started before, on another thread.
    #[error("PDFium was started on another thread of this process: draw there, or in another process")]
    OtherThread,
}

/// The build that has this id, by the pins.
fn version_of(build_id: Option<&str>) -> String {
    let pin = |key: &str| {
        include_str!("../../../scripts/pdfium.lock")
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    match build_id {
        Some(id) if pin(concat_arch_key()) == Some(id) => pin("build").unwrap_or("unknown").to_owned(),
        Some(id) => format!("unknown (build id {id})"),
        None => "unknown".to_owned(),
    }
}

/// The key in `scripts/pdfium.lock` of the build id for this kind of processor.
const fn concat_arch_key() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64_build_id" } else { "x86_64_build_id" }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_missing_file_is_named_with_the_remedy() {
        let error = Library::load(Path::new("/nowhere/libpdfium.so")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/libpdfium.so") && error.contains("scripts/setup.sh"), "{error}");
    }

    #[test]
    fn what_is_no_library_is_refused_before_the_loader_sees_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libpdfium.so");
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        for bytes in [&b""[..], b"no library", &own[..20], &[0x7F; 4096]] {
            fs::write(&path, bytes).unwrap();
            let error = Library::load(&path).unwrap_err();
            assert!(matches!(error, LoadError::NotALibrary { .. }), "{error}");
        }
    }

    #[test]
    fn a_library_for_another_machine_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libpdfium.so");
        let mut bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        bytes[18..20].copy_from_slice(&243_u16.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let error = Library::load(&path).unwrap_err();
        assert!(matches!(error, LoadError::OtherMachine { .. }), "{error}");
        assert!(error.to_string().contains("RISC-V"), "{error}");
    }

    #[test]
    fn what_the_loader_says_of_a_library_is_passed_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libpdfium.so");
        fs::write(&path, &fs::read(std::env::current_exe().unwrap()).unwrap()[..64]).unwrap();
        let error = Library::load(&path).unwrap_err();
        let LoadError::Refused { reason, .. } = &error else { panic!("{error}") };
        assert!(reason.contains("libpdfium.so: cannot"), "{reason}");
    }

    #[test]
    fn a_library_without_the_functions_is_told_apart() {
        let libgcc = [
            "/lib/x86_64-linux-gnu/libgcc_s.so.1",
            "/lib/aarch64-linux-gnu/libgcc_s.so.1",
            "/lib64/libgcc_s.so.1",
        ]
        .into_iter()
        .map(Path::new)
        .find(|path| path.exists())
        .expect("a shared library that is no PDFium");
        let error = Library::load(libgcc).unwrap_err();
        assert!(matches!(error, LoadError::Lacks { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("no function FPDF_InitLibraryWithConfig:"), "{message}");
        assert!(message.contains("scripts/setup.sh pdfium"), "{message}");
    }

    #[test]
    fn the_version_of_a_build_that_is_not_pinned_is_unknown() {
        assert_eq!(version_of(Some("0123")), "unknown (build id 0123)");
        assert_eq!(version_of(None), "unknown");
    }
}
