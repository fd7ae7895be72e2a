//! What an engine costs: bytes of the package, and time of a page.

use super::{Axes, Compared, Entry, Labels, Question, Table, text};
use crate::report::compare::{Beside, engines_of};
use crate::report::figures::Spread;

pub(super) fn cost(entries: &[Entry]) -> Question {
    let question = "What does each backend cost in bytes and milliseconds?";
    let plain: Vec<&Entry> =
        entries.iter().filter(|it| !it.is_experiment() && it.axes.allocator == "system").collect();
    let labels = Labels::of(plain.iter().map(|it| &it.axes));
    let table = packages(&plain, &labels);
    if table.rows.is_empty() {
        return Question::unanswered(question);
    }
    let mut points = more_engines(&plain);
    let mut ratios = Vec::new();
    // What an engine takes beside another one hardly depends on the cell: one of each architecture will do.
    let mut shown: Vec<&str> = Vec::new();
    for entry in &plain {
        let is_native = entry.figures.machine.as_ref().is_some_and(|it| it.emulated_by.is_none());
        if !is_native || shown.contains(&entry.axes.arch.as_str()) {
            continue;
        }
        for Beside { engine, first, classes, all, ms } in engines_of(entry) {
            shown.push(&entry.axes.arch);
            let by_class: Vec<_> =
                classes.iter().map(|(class, it)| format!("{class} {:.2}", it.value)).collect();
            let label = labels.label(&entry.axes);
            points.push(format!(
                "{engine} instead of {first} ({label}): a page {}, {} ms against {} ms; by class {}",
                text::takes(&all),
                text::digits(ms.0),
                text::digits(ms.1),
                by_class.join(", ")
            ));
            ratios.push((format!("{label}: {engine} against {first}"), all));
        }
        points.extend(cold_documents(entry, &labels));
    }
    let answer = if points.is_empty() {
        "No cell has another's engines and more, and none was measured with two: see the figures."
    } else {
        "As a difference of packages, and as a ratio of times within one cell:"
    };
    Question {
        answer: answer.to_owned(),
        points,
        table: Some(table),
        ratios,
        ..Question::unanswered(question)
    }
}

/// What a cold document takes with each engine of a cell.
fn cold_documents(entry: &Entry, labels: &Labels) -> Option<String> {
    let starts = &entry.found.measured.as_ref()?.backend_starts;
    let document = &starts.first()?.start.document;
    let each: Vec<String> = starts
        .iter()
        .filter_map(|it| Some((&it.backend, Spread::of(&it.start.document_s)?)))
        .map(|(engine, it)| format!("{} with {engine}", text::time(it.median)))
        .collect();
    let label = labels.label(&entry.axes);
    (!each.is_empty()).then(|| {
        format!(
            "from the spawn to the answer, `{document}` takes {} ({label}; medians, not in turns)",
            text::list(&each)
        )
    })
}

/// The packages by set of engines.
fn packages(entries: &[&Entry], labels: &Labels) -> Table {
    let mut table = Table::new(&["cell", "engines", ">bootstrap", ">zip", ">start, ms", ">page, ms CPU"]);
    for entry in entries {
        let figures = &entry.figures;
        if figures.bootstrap_bytes.is_none() && figures.zip_bytes.is_none() {
            continue;
        }
        let is_emulated = figures.machine.as_ref().is_some_and(|it| it.emulated_by.is_some());
        let mark = if is_emulated { " *" } else { "" };
        let cell = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        table.row(vec![
            labels.label(&entry.axes),
            entry.backends.join(", "),
            cell(figures.bootstrap_bytes.map(text::bytes)),
            cell(figures.zip_bytes.map(text::bytes)),
            cell(figures.first_next_s.map(|it| text::ms(it.median) + mark)),
            cell(figures.page_cpu_s.map(|it| text::ms(it) + mark)),
        ]);
    }
    table.without_empty_columns()
}

/// What a set of engines takes more than another one that it contains.
fn more_engines(entries: &[&Entry]) -> Vec<String> {
    let mut said = Vec::new();
    for larger in entries {
        for smaller in entries {
            let same = Axes { engines: smaller.axes.engines.clone(), ..larger.axes.clone() };
            let more: Vec<_> =
                larger.backends.iter().filter(|it| !smaller.backends.contains(it)).cloned().collect();
            let contains = smaller.backends.iter().all(|it| larger.backends.contains(it));
            if same != smaller.axes || !contains || more.is_empty() {
                continue;
            }
            let compared = Compared::new(larger, smaller);
            let Some((of, to)) = compared.zip else { continue };
            let start = compared.start.filter(|_| compared.is_native());
            let start = start.map(|it| format!("; a start {}", text::takes(&it)));
            said.push(format!(
                "{} beside {} ({}, {}): {} of zip{}",
                text::list(&more),
                text::list(&smaller.backends),
                larger.axes.libc,
                larger.axes.arch,
                text::byte_difference(of, to),
                start.unwrap_or_default()
            ));
        }
    }
    said
}
