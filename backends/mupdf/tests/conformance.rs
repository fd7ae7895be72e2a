//! MuPDF passes the suite that every engine passes.

use render_mupdf::MuPdf;

#[test]
fn mupdf_conforms() {
    render_conformance::assert_conforms(&MuPdf::new());
}
