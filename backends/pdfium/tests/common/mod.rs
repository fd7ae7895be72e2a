//! Where the tests find PDFium's library.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The library that the environment names, else the one that the set-up has fetched.
pub(crate) fn library_path() -> PathBuf {
    if let Some(path) = env::var_os("PDF2IMG_PDFIUM_LIBRARY") {
        return path.into();
    }
    let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/setup.sh");
    let printed = Command::new(setup).args(["--print-pdfium", env::consts::ARCH]).output();
    let output = printed.expect("scripts/setup.sh runs; or PDF2IMG_PDFIUM_LIBRARY names libpdfium.so");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
