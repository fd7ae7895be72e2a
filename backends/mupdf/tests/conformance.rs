//! MuPDF passes the suite that every engine passes.

use render_mupdf::MuPdf;

#[test]
fn mupdf_conforms() {
    render_conformance::assert_conforms(&MuPdf::new());
}

#[cfg(feature = "cjk")]
#[test]
fn mupdf_draws_east_asian_text_that_brings_no_font() {
    render_conformance::assert_draws_cjk(&MuPdf::new());
}
