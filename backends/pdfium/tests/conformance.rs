//! PDFium passes the suite that every engine passes.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use render_api::Renderer;
use render_pdfium::{Library, PdfiumRenderer};

#[test]
fn pdfium_conforms() {
    let renderer = pdfium();
    assert_eq!(renderer.version(), "8149");
    render_conformance::assert_conforms(&renderer);
}

/// The engine, from the library that the environment names or that the set-up has fetched.
fn pdfium() -> PdfiumRenderer {
    Library::load(&library_path()).and_then(Library::renderer).unwrap_or_else(|error| panic!("{error}"))
}

fn library_path() -> PathBuf {
    if let Some(path) = env::var_os("PDF2IMG_PDFIUM_LIBRARY") {
        return path.into();
    }
    let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/setup.sh");
    let printed = Command::new(setup).args(["--print-pdfium", env::consts::ARCH]).output();
    let output = printed.expect("scripts/setup.sh runs; or PDF2IMG_PDFIUM_LIBRARY names libpdfium.so");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
