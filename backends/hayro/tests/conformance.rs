//! hayro passes the suite that every engine passes.

use render_hayro::Hayro;

#[test]
fn hayro_conforms() {
    render_conformance::assert_conforms(&Hayro::new());
}
