//! What each engine can draw, as a table for readers: the checks by their features, against the
//! exceptions.

use crate::exceptions::{ENGINES, Exception, exceptions};
use crate::{Check, checks, cjk_checks};

/// The table in Markdown: a row for each feature, a column for each engine, and below it the notes.
///
/// An engine that passes every check of a feature has a tick. What it does not pass is numbered and
/// explained below the table; a cell says `no` where it passes none of them.
pub fn support_table() -> String {
    let checks: Vec<Check> = checks().into_iter().chain(cjk_checks()).collect();
    let exceptions = exceptions();
    let mut features: Vec<&str> = Vec::new();
    for check in &checks {
        if !features.contains(&check.feature) {
            features.push(check.feature);
        }
    }
    let mut notes = Vec::new();
    let mut table = format!(
        "| Feature | Checks | {} |\n|---|--:|{}\n",
        ENGINES.map(|(engine, _)| engine).join(" | "),
        "---|".repeat(ENGINES.len())
    );
    for feature in features {
        let names: Vec<&str> =
            checks.iter().filter(|check| check.feature == feature).map(|check| check.name).collect();
        let cells = ENGINES.map(|(engine, _)| {
            let missed: Vec<&Exception> = exceptions
                .iter()
                .filter(|exception| exception.engine == engine && names.contains(&exception.check))
                .collect();
            cell(&missed, names.len(), &mut notes)
        });
        table.push_str(&format!("| {feature} | {} | {} |\n", names.len(), cells.join(" | ")));
    }
    if !notes.is_empty() {
        table.push('\n');
    }
    for (i, note) in notes.iter().enumerate() {
        table.push_str(&format!("{}. {note}\n", i + 1));
    }
    table
}

/// What an engine makes of a feature with this many checks; notes that are new are appended.
fn cell(missed: &[&Exception], check_count: usize, notes: &mut Vec<String>) -> String {
    if missed.is_empty() {
        return "✓".to_owned();
    }
    let mut numbers: Vec<usize> = Vec::new();
    for exception in missed {
        let note = format!("**{}**: {}", exception.engine, exception.because);
        let number = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
            notes.push(note);
            notes.len() - 1
        });
        if !numbers.contains(&(number + 1)) {
            numbers.push(number + 1);
        }
    }
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let extent = if missed.len() == check_count { "no" } else { "in part" };
    format!("{extent} <sup>{}</sup>", numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Run;

    #[test]
    fn a_cell_tells_all_from_part_and_numbers_each_reason_once() {
        let exception = |check, because| Exception { engine: "mupdf", check, run: Run::AndFails, because };
        let (first, second) = (exception("a", "It cannot."), exception("b", "It cannot."));
        let mut notes = vec!["**hayro**: It cannot.".to_owned()];
        assert_eq!(cell(&[], 2, &mut notes), "✓");
        assert_eq!(cell(&[&first], 2, &mut notes), "in part <sup>2</sup>");
        assert_eq!(cell(&[&first, &second], 2, &mut notes), "no <sup>2</sup>");
        assert_eq!(notes[1..], ["**mupdf**: It cannot."]);
    }

    #[test]
    fn every_exception_is_in_the_table() {
        let table = support_table();
        for exception in exceptions() {
            assert!(table.contains(exception.because), "{}", exception.check);
        }
    }
}
