//! PDFium passes the suite that every engine passes.

mod common;

use render_api::Renderer;
use render_pdfium::Library;

use crate::common::library_path;

/// One test, because PDFium serves one thread of a process.
#[test]
fn pdfium_conforms() {
    let renderer =
        Library::load(&library_path()).and_then(Library::renderer).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(renderer.version(), "8149");
    render_conformance::assert_conforms(&renderer);
    #[cfg(feature = "cjk")]
    render_conformance::assert_draws_cjk(&renderer);
}
