//! hayro passes the suite that every engine passes.

use render_hayro::Hayro;

#[test]
fn hayro_conforms() {
    render_conformance::assert_conforms(&Hayro::new());
}

#[cfg(feature = "cjk")]
#[test]
fn hayro_draws_east_asian_text_that_brings_no_font() {
    render_conformance::assert_draws_cjk(&Hayro::new());
}
