//! The README says what the code does.

use pdf2img::config::options::markdown_table;

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_has_the_table_of_options() {
    let begin = "<!-- options:begin -->\n";
    let end = "<!-- options:end -->";
    let from = README.find(begin).expect("README.md has the mark where options begin") + begin.len();
    let to = README.find(end).expect("README.md has the mark where options end");
    let expected = markdown_table();
    assert!(
        README[from..to] == expected,
        "README.md is behind the code; put this between the marks:\n{expected}"
    );
}
