//! The README's table of speed, generated from the newest record that is kept among the sources.

use std::path::Path;

use anyhow::Result;

use super::{Benchmark, newest, summary};
use crate::Layout;
use crate::report::markdown;
use crate::report::prices::Prices;
use crate::report::readme::Marks;

/// What encloses the table.
pub const MARKS: Marks = Marks { begin: "<!-- benchmark:begin -->", end: "<!-- benchmark:end -->" };

/// What the newest kept record makes of the README; nothing if there is none.
///
/// # Errors
///
/// If the record cannot be read.
pub fn text(layout: &Layout) -> Result<String> {
    newest(layout)?.map_or_else(|| Ok(String::new()), |record| of(&record, layout))
}

/// What a kept record makes of the README.
///
/// # Errors
///
/// If it cannot be read.
fn of(record: &Path, layout: &Layout) -> Result<String> {
    let benchmark = Benchmark::read(record, layout, &Prices::of_this_workspace()?)?;
    let name = record.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let day = benchmark.machine().map(|it| format!(" ({})", it.day())).unwrap_or_default();
    let headline = summary::headline(&benchmark).map(|it| it + "\n\n").unwrap_or_default();
    Ok(format!(
        "{headline}{}\n\
         Wall clock with the files written; ratios are of medians, with 95 % intervals, and `=` is no difference. Files \
         are those of the other program as a multiple of ours. Generated from \
         [benches/record/{name}](benches/record/{name}){day}; [METHODOLOGY.md](benches/METHODOLOGY.md) says what is \
         measured, what is not, and whom it favours.\n",
        markdown::table(&summary::short_table(&benchmark))
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_readme_says_what_the_newest_kept_record_says() {
        let layout = Layout::of_this_workspace();
        let readme = fs::read_to_string(layout.workspace().join("README.md")).unwrap();
        let shown = MARKS.current(&readme).expect("README.md has lost the marks of the benchmark");
        assert!(
            shown == text(&layout).unwrap(),
            "README.md is not what {:?} says: run `cargo run -p build-matrix -- report --readme`",
            newest(&layout).unwrap()
        );
    }
}
