//! Prints the table of what each engine can draw, for the README.

fn main() {
    print!("{}", render_conformance::support_table());
}
