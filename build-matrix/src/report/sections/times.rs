//! Starts and pages: for each machine apart.

use super::{Axis, Block, Entry, Mark, Plot, Row, Section, Table, labels, rows, text, variant, variants};
use crate::record::{Measured, Start};
use crate::report::corpus;
use crate::report::figures::Spread;
use crate::report::groups::{Group, groups};
use crate::report::labels::Labels;

/// A series of a start: what it is called, and where it is.
type Series = (&'static str, fn(&Start) -> &Vec<f64>);

const STARTS: [Series; 4] = [
    ("Spawn to first request for work", |it| &it.first_next_s),
    ("The same, executable not in memory", |it| &it.cold_cache_first_next_s),
    ("Spawn to first image", |it| &it.first_image_s),
    ("Spawn to answer, whole document", |it| &it.document_s),
];

/// The heading of a group's figures, if there is more than one group.
pub(super) fn heading(groups: &[Group], group: &Group) -> Option<Block> {
    (groups.len() > 1 || !group.is_native())
        .then(|| Block::Heading(format!("{}: {}", group.letter, group.title())))
}

pub(super) fn start(entries: &[Entry]) -> Option<Section> {
    let groups = groups(entries);
    let mut blocks = vec![Block::Text(
        "From the spawn of `bootstrap`, against an emulated Runtime API and S3 on the same machine. It is not AWS's \
         Init Duration, which includes fetching the package and starting a microVM."
            .to_owned(),
    )];
    for group in &groups {
        let started: Vec<&Entry> =
            group.entries.iter().copied().filter(|it| it.figures.first_next_s.is_some()).collect();
        if started.is_empty() {
            continue;
        }
        blocks.extend(heading(&groups, group));
        let labels = plot_labels(&started);
        let mut panels = Vec::new();
        for (number, (title, series)) in STARTS.iter().enumerate() {
            let of = |entry: &Entry| entry.found.measured.as_ref().map(|it| series(&it.start).clone());
            let drawn = started.iter().filter(|it| !it.is_experiment());
            let all = drawn.map(|it| (labels.label(&it.axes), variant(&it.axes), of(it))).collect();
            let id = format!("start-{}-{number}", group.letter);
            panels.extend(strips(&id, title, all, 1e3, "ms"));
        }
        if let Some(first) = panels.first_mut() {
            first.legend = variants(started.iter().copied().filter(|it| !it.is_experiment()));
        }
        blocks.extend(group.is_native().then_some(Block::Panels(panels)));
        blocks.push(Block::Table(start_table(&started)));
    }
    (blocks.len() > 1).then(|| Section { id: "start", title: "Cold start".to_owned(), blocks })
}

fn start_table(entries: &[&Entry]) -> Table {
    let labels = labels(entries);
    let mut table = Table::new(&[
        "cell",
        ">runs",
        ">start, ms",
        ">p95",
        ">not in memory, ms",
        ">first image, ms",
        ">document, ms",
        ">p95",
        ">CPU, ms",
        ">peak memory",
    ]);
    for entry in entries {
        let it = &entry.figures;
        let cell = |spread: Option<Spread>, of: fn(&Spread) -> f64| {
            spread.as_ref().map_or_else(|| "–".to_owned(), |it| text::ms(of(it)))
        };
        table.row(vec![
            labels.label(&entry.axes),
            it.first_next_s.map_or(0, |it| it.n).to_string(),
            cell(it.first_next_s, |it| it.median),
            cell(it.first_next_s, |it| it.p95),
            cell(it.cold_cache_first_next_s, |it| it.median),
            cell(it.first_image_s, |it| it.median),
            cell(it.document_s, |it| it.median),
            cell(it.document_s, |it| it.p95),
            cell(it.start_cpu_s, |it| it.median),
            it.peak_rss_bytes.map_or_else(|| "–".to_owned(), |it| text::bytes(it.median as u64)),
        ]);
    }
    table.without_empty_columns()
}

/// How the cells in a plot are called: experiments are compared elsewhere and are not among them.
fn plot_labels(entries: &[&Entry]) -> Labels {
    let plain: Vec<&Entry> = entries.iter().copied().filter(|it| !it.is_experiment()).collect();
    labels(if plain.is_empty() { entries } else { &plain })
}

/// Series as strips of dots; `None` if all are empty.
fn strips(
    id: &str,
    title: &str,
    series: Vec<(String, &'static str, Option<Vec<f64>>)>,
    scale: f64,
    unit: &'static str,
) -> Option<Plot> {
    let mut all = Vec::new();
    let mut reach: f64 = 0.0;
    let mut least = f64::INFINITY;
    for (label, class, values) in series {
        let values: Vec<f64> = values.unwrap_or_default().iter().map(|it| it * scale).collect();
        let Some(Spread { median, p95, .. }) = Spread::of(&values) else { continue };
        reach = reach.max(p95);
        least = values.iter().copied().fold(least, f64::min);
        all.push((label, class, values, median, p95));
    }
    // A single run that took very long would press all others together.
    let largest = all.iter().flat_map(|it| &it.2).copied().fold(0.0, f64::max);
    let axis = Axis::between(least, if largest <= reach * 1.3 { largest } else { reach * 1.1 }, unit);
    let drawn: Vec<Row> = all
        .into_iter()
        .map(|(label, class, values, median, p95)| Row {
            label,
            figure: format!("{} {unit}", text::digits(median)),
            detail: format!(" · p95 {}", text::digits(p95)),
            mark: Mark::Strip { class: class.to_owned(), values, median_p95: (median, p95) },
        })
        .collect();
    let description = "Each dot is one run; the line is the median, the short line the 95th percentile.";
    (!drawn.is_empty()).then(|| Plot {
        title: title.to_owned(),
        svg: rows(id, title, description, &drawn, &axis),
        legend: Vec::new(),
    })
}

pub(super) fn pages(entries: &[Entry]) -> Option<Section> {
    let groups = groups(entries);
    let mut blocks = vec![Block::Text(
        "CPU time of drawing and encoding a page: that of the whole document, divided by its pages. Each dot is a \
         run, the line its median, the short line the 95th percentile."
            .to_owned(),
    )];
    for group in &groups {
        let measured: Vec<(&Entry, &Measured)> = group
            .entries
            .iter()
            .filter_map(|it| Some((*it, it.found.measured.as_ref()?)))
            .filter(|(_, it)| !it.pages.is_empty())
            .collect();
        if measured.is_empty() {
            continue;
        }
        blocks.extend(heading(&groups, group));
        let cells: Vec<&Entry> = measured.iter().map(|(it, _)| *it).collect();
        let mut panels = page_panels(group, &measured);
        if let Some(first) = panels.first_mut() {
            first.legend = variants(cells.iter().copied().filter(|it| !it.is_experiment()));
        }
        blocks.extend(group.is_native().then_some(Block::Panels(panels)));
        let plain: Vec<&Entry> = cells.iter().copied().filter(|it| !it.is_experiment()).collect();
        blocks.push(Block::Table(page_table(if plain.is_empty() { &cells } else { &plain })));
    }
    (blocks.len() > 1).then(|| Section { id: "pages", title: "Time of a page".to_owned(), blocks })
}

/// What was drawn, by class: class, document, format.
fn documents(measured: &[(&Entry, &Measured)]) -> Vec<(String, String, String)> {
    let mut documents: Vec<_> = measured
        .iter()
        .flat_map(|(_, it)| &it.pages)
        .map(|it| (corpus::class_of(&it.document).to_owned(), it.document.clone(), it.format.clone()))
        .collect();
    documents.sort();
    documents.dedup();
    documents
}

fn page_panels(group: &Group, measured: &[(&Entry, &Measured)]) -> Vec<Plot> {
    let cells: Vec<&Entry> = measured.iter().map(|(it, _)| *it).collect();
    let labels = plot_labels(&cells);
    let one_engine = cells.iter().all(|it| it.backends.len() == 1);
    let mut panels = Vec::new();
    for (number, (class, document, format)) in documents(measured).into_iter().enumerate() {
        let mut series = Vec::new();
        for (entry, it) in measured.iter().filter(|(it, _)| !it.is_experiment()) {
            for pages in it.pages.iter().filter(|it| it.document == document && it.format == format) {
                let label = labels.label(&entry.axes);
                let label = if one_engine || pages.backend == entry.axes.engines {
                    label
                } else {
                    format!("{label}: {}", pages.backend)
                };
                let count = f64::from(pages.pages.max(1));
                series.push((
                    label,
                    variant(&entry.axes),
                    Some(pages.cpu_s.iter().map(|it| it / count).collect()),
                ));
            }
        }
        let title = format!("{class}: {document}, {format}");
        panels.extend(strips(&format!("page-{}-{number}", group.letter), &title, series, 1e3, "ms"));
    }
    panels
}

/// Documents as rows, cells as columns.
fn page_table(entries: &[&Entry]) -> Table {
    let labels = labels(entries);
    let mut keys: Vec<[&str; 4]> = entries
        .iter()
        .flat_map(|it| &it.figures.pages)
        .map(|it| [it.class.as_str(), &it.document, &it.format, &it.backend])
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut table = Table::new(&["class", "document", "format", "engine"]);
    table.header.extend(entries.iter().map(|it| format!(">{}", labels.label(&it.axes))));
    for key in keys {
        let of = |entry: &&Entry| {
            let mut pages = entry.figures.pages.iter();
            let found = pages.find(|it| [it.class.as_str(), &it.document, &it.format, &it.backend] == key);
            found.map_or_else(|| "–".to_owned(), |it| text::ms(it.cpu_s))
        };
        table.row(key.iter().map(|&it| it.to_owned()).chain(entries.iter().map(of)).collect());
    }
    table
}
