//! The README says what the code does.

use pdf2img::config::options::markdown_table;
use render_conformance::support_table;

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_has_the_table_of_options() {
    assert_has("options", &markdown_table(), "this test");
}

#[test]
fn the_readme_has_the_table_of_what_each_engine_can_draw() {
    let printer = "cargo run -p render-conformance --example support_table";
    assert_has("support", &support_table(), printer);
}

/// What stands between two marks is what the code says.
fn assert_has(mark: &str, expected: &str, printer: &str) {
    let begin = format!("<!-- {mark}:begin -->\n");
    let from = README.find(&begin).expect("README.md has the mark of the beginning") + begin.len();
    let to = README.find(&format!("<!-- {mark}:end -->")).expect("README.md has the mark of the end");
    assert!(
        README[from..to] == *expected,
        "README.md is behind the code; put what `{printer}` prints between the marks of {mark}:\n{expected}"
    );
}
