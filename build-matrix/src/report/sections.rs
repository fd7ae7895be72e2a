//! What is in the report, in reading order.

mod about;
mod cost;
mod proof;
mod size;
mod times;

use super::Report;
use super::benchmark;
use super::document::{Block, Plot, Section, Table};
use super::entry::{Axes, Entry};
use super::groups::{groups, mark};
use super::html::Head;
use super::labels::Labels;
use super::svg::{Axis, Mark, Row, rows};
use super::text;

/// Every section that has something to say: first what was found, then where it is from.
pub fn sections(report: &Report) -> Vec<Section> {
    let measured = report.benchmark.as_ref();
    let mut all: Vec<Section> = proof::failures(report).into_iter().collect();
    all.extend(measured.map(benchmark::sections::findings).unwrap_or_default());
    let is_matrix = report.has_cells();
    let of_matrix = [
        is_matrix.then(|| overview(report)),
        is_matrix.then(|| questions(report)),
        size::size(&report.cells),
        times::start(&report.cells),
        times::pages(&report.cells),
        cost::memory(&report.cells),
        is_matrix.then(|| cost::cost(report)).flatten(),
        proof::proven(&report.cells),
        proof::left_out(report),
    ];
    all.extend(of_matrix.into_iter().flatten());
    all.extend(measured.map(benchmark::sections::about).unwrap_or_default());
    let about = [
        about::machines(&report.cells),
        is_matrix.then(|| about::method(report)),
        Some(about::reproduce(report)),
    ];
    all.extend(about.into_iter().flatten());
    all
}

/// What stands above them.
pub fn head(report: &Report) -> Head {
    let cells = &report.cells;
    let built = cells.iter().filter_map(|it| it.found.built.as_ref());
    let mut commits: Vec<&str> = built.map(|it| it.commit.as_str()).collect();
    commits.sort_unstable();
    commits.dedup();
    let mut subtitle = Vec::new();
    let mut answers = Vec::new();
    let mut key_figures = Vec::new();
    if let Some(measured) = &report.benchmark {
        let machine = measured.machine();
        subtitle.extend(machine.map(|it| format!("benchmark of {} on {}", it.day(), it.title())));
        answers.extend(benchmark::summary::headline(measured));
        key_figures.extend(benchmark::summary::key_figures(measured));
    }
    if report.has_cells() {
        subtitle.push(text::count(cells.len(), "cell", "cells"));
        subtitle.extend(commits.iter().map(|it| format!("commit `{}`", short(it))));
        subtitle.extend(groups(cells).iter().map(super::groups::Group::title));
        subtitle.extend(about::dates(cells));
        answers.push(report.summary.clone());
        key_figures.extend(self::key_figures(report));
    }
    let title = if report.benchmark.is_some() { "speed, size and cost" } else { "the build matrix" };
    Head { title: format!("pdf2img: {title}"), subtitle: subtitle.join(" · "), answers, key_figures }
}

fn short(commit: &str) -> String {
    let (hash, rest) = commit.split_at(commit.find('-').unwrap_or(commit.len()));
    hash.chars().take(12).chain(rest.chars()).collect()
}

fn key_figures(report: &Report) -> Vec<(String, String)> {
    let cells = &report.cells;
    let groups = groups(cells);
    let choices = super::summary::choices(&groups, &report.default_engines);
    let choice = choices.first();
    let shipped: Vec<_> = cells.iter().filter(|it| !it.is_experiment()).collect();
    let proven = shipped.iter().filter(|it| it.found.verified.is_some()).count();
    let mut keys = Vec::new();
    if let Some(figures) = choice.map(|it| &it.entry.figures) {
        keys.extend(figures.zip_bytes.map(|it| ("zip for Lambda".to_owned(), text::bytes(it))));
        let start = figures.first_next_s.map(|it| text::time(it.median));
        keys.extend(start.map(|it| ("spawn to first request".to_owned(), it)));
        // A benchmark has those of each class of documents.
        if report.benchmark.is_none() {
            keys.extend(figures.page_cpu_s.map(|it| ("CPU time of a page".to_owned(), text::time(it))));
            keys.extend(figures.cost.as_ref().map(|it| {
                (
                    format!("USD for 1,000 pages, {} of it S3", text::usd(it.usd.puts)),
                    text::usd(it.usd.total()),
                )
            }));
        }
    }
    keys.push(("cells proven".to_owned(), format!("{proven} of {}", shipped.len())));
    keys
}

fn overview(report: &Report) -> Section {
    let (experiments, plain): (Vec<Entry>, Vec<Entry>) =
        report.cells.iter().cloned().partition(Entry::is_experiment);
    let mut blocks = vec![Block::Table(overview_table(&plain)), Block::Text(notes(&report.cells))];
    if !experiments.is_empty() {
        blocks.push(Block::Heading("Experiments: single changes to a cell".to_owned()));
        blocks.push(Block::Table(overview_table(&experiments)));
    }
    let title = if report.benchmark.is_some() { "Builds: all cells" } else { "All cells" };
    Section { id: "overview", title: title.to_owned(), blocks }
}

/// One row for each cell, from nothing but figures.
pub fn overview_table(entries: &[Entry]) -> Table {
    let groups = groups(entries);
    let natives = groups.iter().filter(|it| it.is_native()).count();
    let mut table = Table::new(&[
        "cell",
        "outcome",
        ">zip",
        ">bootstrap",
        ">start, ms",
        ">p95",
        ">cold document, ms",
        ">page, ms CPU",
        ">peak memory",
        ">USD / 1,000 pages",
        ">checks",
        "on",
        "licence",
    ]);
    for entry in entries {
        let figures = &entry.figures;
        let mark = mark(&groups, entry);
        let cell = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        let timed = |value: Option<f64>| cell(value.map(|it| text::ms(it) + mark));
        let on = groups.iter().find(|it| Some(it.machine) == figures.machine.as_ref());
        let outcome = match entry.failures.first() {
            Some(failure) => format!("**{} failed**", failure.stage),
            None if entry.is_deliverable() => "works".to_owned(),
            None => format!("only {}", stages_of(entry)),
        };
        table.row(vec![
            format!("`{}`", entry.cell),
            outcome,
            cell(figures.zip_bytes.map(text::bytes)),
            cell(figures.bootstrap_bytes.map(text::bytes)),
            timed(figures.first_next_s.map(|it| it.median)),
            timed(figures.first_next_s.map(|it| it.p95)),
            timed(figures.document_s.map(|it| it.median)),
            timed(figures.page_cpu_s),
            cell(figures.peak_rss_bytes.map(|it| text::bytes(it.median as u64))),
            cell(figures.cost.as_ref().map(|it| text::usd(it.usd.total()))),
            cell(figures.checks.map(|it| it.to_string())),
            // One machine goes without saying.
            cell(on.filter(|_| natives > 1).map(|it| it.letter.to_string())),
            entry.licence.clone(),
        ]);
    }
    table.without_empty_columns()
}

fn stages_of(entry: &Entry) -> String {
    let stages = ["build", "verify", "package", "measure"];
    let there: Vec<_> =
        stages.iter().filter(|it| entry.records.contains_key(**it)).map(|it| (*it).to_owned()).collect();
    text::list(&there)
}

/// What the columns of the overview mean.
pub fn notes(entries: &[Entry]) -> String {
    let groups = groups(entries);
    let mut notes = Vec::new();
    if let Some(figures) = entries.iter().map(|it| &it.figures).find(|it| it.first_next_s.is_some()) {
        let runs = figures.first_next_s.map_or(0, |it| it.n);
        let document = figures.start_document.as_deref().unwrap_or("a document");
        notes.push(format!(
            "A start is from the spawn to the first request for an invocation, against an emulated Runtime API, median \
             of {runs}; a cold document until `{document}` is answered. Neither is AWS's Init Duration."
        ));
    }
    if entries.iter().any(|it| it.figures.page_cpu_s.is_some()) {
        notes.push("A page's time is the geometric mean over the documents.".to_owned());
    }
    if groups.iter().filter(|it| it.is_native()).count() > 1 {
        let machines: Vec<_> = groups.iter().map(|it| format!("{}: {}", it.letter, it.title())).collect();
        notes.push(format!("Times of different machines cannot be compared ({}).", machines.join("; ")));
    }
    if let Some(group) = groups.iter().find(|it| !it.is_native()) {
        let emulator = group.machine.emulated_by.as_deref().unwrap_or_default();
        notes.push(format!("\\* under an emulator ({emulator}): to be compared only among themselves."));
    }
    notes.push("1 MB is 1,000,000 bytes.".to_owned());
    notes.join(" ").replace("\\*", "*")
}

fn questions(report: &Report) -> Section {
    let mut blocks = vec![Block::Text(
        "Ratios are of medians, with 95 % bootstrap intervals; `=` marks those whose interval holds 1: no difference. \
         Times of pages are CPU times, their ratio the geometric mean over the documents that both have drawn."
            .to_owned(),
    )];
    let mut legend = vec![
        ("less".to_owned(), "takes less time".to_owned()),
        ("same".to_owned(), "no difference".to_owned()),
        ("more".to_owned(), "takes more".to_owned()),
    ];
    for (number, it) in report.questions.iter().enumerate() {
        blocks.push(Block::Heading(it.question.clone()));
        blocks.push(Block::Text(it.answer.clone()));
        if !it.points.is_empty() {
            blocks.push(Block::List(it.points.clone()));
        }
        if it.ratios.len() > 1 {
            let axis = Axis::ratios(it.ratios.iter().flat_map(|(_, it)| [it.low, it.high]));
            let all: Vec<Row> = it
                .ratios
                .iter()
                .map(|(label, ratio)| Row {
                    label: label.clone(),
                    figure: text::ratio(ratio).split(' ').next().unwrap_or_default().to_owned(),
                    detail: text::ratio(ratio)
                        .split_once(' ')
                        .map(|(_, it)| format!(" {it}"))
                        .unwrap_or_default(),
                    mark: Mark::Interval {
                        class: side(ratio).to_owned(),
                        ends: (ratio.low, ratio.value, ratio.high),
                    },
                })
                .collect();
            let description = "Each row is a ratio of times with its 95 % interval; left of 1 is faster.";
            let svg = rows(&format!("question-{number}"), &it.question, description, &all, &axis);
            // The colours mean the same in each.
            let legend = std::mem::take(&mut legend);
            blocks.push(Block::Plot(Plot { title: String::new(), svg, legend }));
        }
        if let Some(table) = &it.table {
            blocks.push(Block::folded_table("Figures", table.clone()));
        }
    }
    let title = if report.benchmark.is_some() { "Builds: questions" } else { "Questions" };
    Section { id: "questions", title: title.to_owned(), blocks }
}

/// The class of colour of a ratio of times.
pub fn side(ratio: &stats::Ratio) -> &'static str {
    match ratio {
        it if it.high < 1.0 => "less",
        it if it.low > 1.0 => "more",
        _ => "same",
    }
}

/// The class of colour of a cell: by C library and allocator.
fn variant(axes: &Axes) -> &'static str {
    match (axes.libc.starts_with("musl"), axes.allocator == "system") {
        _ if axes.experiment.is_some() => "v3",
        (false, _) => "v0",
        (true, true) => "v1",
        (true, false) => "v2",
    }
}

/// The meaning of those colours among cells.
fn variants<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<(String, String)> {
    let mut legend: Vec<(String, String)> = Vec::new();
    for entry in entries {
        let class = variant(&entry.axes).to_owned();
        if !legend.iter().any(|(known, _)| *known == class) {
            let name = match class.as_str() {
                "v0" => "glibc, dynamic".to_owned(),
                "v1" => "musl, static".to_owned(),
                "v2" => format!("musl, static, {}", entry.axes.allocator),
                _ => "experiment".to_owned(),
            };
            legend.push((class, name));
        }
    }
    legend.sort();
    legend
}

fn labels(entries: &[&Entry]) -> Labels {
    Labels::of(entries.iter().map(|it| &it.axes))
}
