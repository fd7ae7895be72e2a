//! The summary, for a terminal and for a repository.

use std::collections::BTreeMap;
use std::fmt::Write;

use fidelity::Verdict;

use super::record::{Count, Document, Page, Record};

/// So many documents are named on a terminal.
const NAMED: usize = 20;

/// A few lines for a terminal: the worst documents, then the sums.
pub(super) fn text(record: &Record) -> String {
    let mut divided: Vec<&Document> =
        record.documents.iter().filter(|document| document.agreement.is_divided()).collect();
    divided.sort_by_key(|document| std::cmp::Reverse(worst(document)));
    let mut text = String::new();
    for document in divided.iter().take(NAMED) {
        let standing = &document.agreement;
        let verdict = standing.verdict.map_or("", Verdict::as_str);
        line(&mut text, format_args!("{verdict:<11}{:<30}  {}", standing.in_words(), document.file));
    }
    if divided.len() > NAMED {
        line(&mut text, format_args!("and {} more", divided.len() - NAMED));
    }
    for document in &record.documents {
        if let Some(error) = &document.error {
            line(&mut text, format_args!("{}: {} ({})", document.file, error.message, error.code));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    for (name, count) in [("documents", &record.totals.documents), ("pages", &record.totals.pages)] {
        line(&mut text, format_args!("{:>6} {name}: {}", count.all, counted(count)));
    }
    for (engine, codes) in &record.totals.failures {
        line(&mut text, format_args!("{engine} failed: {}", tally(codes)));
    }
    text
}

/// Tables in Markdown: figures, no pictures.
pub(super) fn markdown(record: &Record) -> String {
    let mut text = String::from("# How engines agree\n\n");
    for engine in &record.engines {
        line(&mut text, format_args!("- {} {}", engine.name, engine.version.as_deref().unwrap_or("")));
    }
    let settings: Vec<String> = record
        .settings
        .iter()
        .map(|(name, value)| format!("{name} {}", value.to_string().trim_matches('"')))
        .collect();
    line(&mut text, format_args!("\nBy {}, with {}.\n", record.generator, settings.join(", ")));

    text.push_str("| | All | Agree | Divided, nobody alone | Not compared |");
    record.engines.iter().for_each(|engine| text.push_str(&format!(" {} alone |", engine.name)));
    text.push_str("\n|---|--:|--:|--:|--:|");
    record.engines.iter().for_each(|_| text.push_str("--:|"));
    text.push('\n');
    for (name, count) in [("Documents", &record.totals.documents), ("Pages", &record.totals.pages)] {
        let _ = write!(
            text,
            "| {name} | {} | {} | {} | {} |",
            count.all, count.unanimous, count.divided, count.not_compared
        );
        for engine in &record.engines {
            let _ = write!(text, " {} |", count.odd_one_out.get(&engine.name).unwrap_or(&0));
        }
        text.push('\n');
    }

    text.push_str("\n| Pages by pair |");
    Verdict::ALL.iter().for_each(|verdict| text.push_str(&format!(" {verdict} |")));
    text.push_str("\n|---|--:|--:|--:|--:|\n");
    for (pair, verdicts) in &record.totals.pairs {
        let _ = write!(text, "| {pair} |");
        Verdict::ALL.iter().for_each(|v| text.push_str(&format!(" {} |", verdicts.get(v).unwrap_or(&0))));
        text.push('\n');
    }

    if !record.totals.failures.is_empty() {
        text.push_str("\n| Engine | Failures: documents and pages |\n|---|---|\n");
        for (engine, codes) in &record.totals.failures {
            line(&mut text, format_args!("| {engine} | {} |", tally(codes)));
        }
    }

    text.push_str(
        "\n| Document | Pages | Who agrees | Worst | Odd one out | Failures |\n|---|--:|---|---|---|---|\n",
    );
    for document in &record.documents {
        let standing = &document.agreement;
        let mut failures: Vec<String> = document.failure_codes().into_iter().collect();
        failures.extend(document.error.as_ref().map(|error| error.code.clone()));
        if document.page_counts_differ() {
            failures.push("page counts differ".to_owned());
        }
        line(
            &mut text,
            format_args!(
                "| {} | {} | {} | {} | {} | {} |",
                cell(&document.file),
                document.pages.len(),
                cell(&standing.in_words()),
                standing.verdict.map_or("", Verdict::as_str),
                standing.odd_one_out.as_deref().unwrap_or(""),
                cell(&failures.join(", ")),
            ),
        );
    }
    text
}

fn worst(document: &Document) -> Option<(Verdict, u32)> {
    document.pages.iter().filter_map(Page::disagreement).max()
}

/// `40 agree, mupdf alone 3, divided 2`.
pub(super) fn counted(count: &Count) -> String {
    let mut words = vec![format!("{} agree", count.unanimous)];
    words.extend(count.odd_one_out.iter().map(|(engine, times)| format!("{engine} alone {times}")));
    words.push(format!("divided {}", count.divided));
    if count.not_compared > 0 {
        words.push(format!("not compared {}", count.not_compared));
    }
    words.join(", ")
}

fn tally(codes: &BTreeMap<String, usize>) -> String {
    codes.iter().map(|(code, times)| format!("{code} {times}")).collect::<Vec<_>>().join(", ")
}

/// Text that cannot end a table's cell.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(words);
    text.push('\n');
}
