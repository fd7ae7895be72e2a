//! What it costs that pages are drawn in processes of their own.

use stats::{Ratio, median};

use super::{Benchmark, Block, Section, labels};
use crate::report::benchmark::compare::format_name;
use crate::report::benchmark::record::IsolationCase;
use crate::report::benchmark::summary;
use crate::report::compare::ratio;
use crate::report::document::{Plot, Table};
use crate::report::sections::side;
use crate::report::svg::{Axis, Mark, Row, rows};
use crate::report::text;

pub(super) fn isolation(benchmark: &Benchmark) -> Option<Section> {
    let isolation = benchmark.record.isolation.as_ref()?;
    let cases = &isolation.cases;
    let formats: Vec<String> = cases.iter().map(|it| format_name(&it.format)).collect();
    let parts: Vec<Vec<&str>> = cases
        .iter()
        .zip(&formats)
        .map(|(it, format)| vec![it.document.as_str(), &it.backend, format])
        .collect();
    let mut table = Table::new(&[
        "document",
        "engine",
        "format",
        ">pages",
        ">runs",
        ">in the process, ms a page",
        ">in a worker, ms a page",
        ">times as long",
        ">times the CPU time",
        ">the process beside itself",
    ]);
    let mut all = Vec::new();
    let mut reach = Vec::new();
    for (case, label) in cases.iter().zip(labels(&parts)) {
        let wall = beside(&case.worker_s, &case.in_process_s);
        let cpu = beside(&case.worker_cpu_s, &case.in_process_cpu_s);
        let again = beside(&case.again_s, &case.in_process_s);
        let page = |values: &[f64]| text::ms(median(values) / f64::from(case.pages.max(1)));
        let cell = |ratio: Option<Ratio>| ratio.as_ref().map_or_else(|| "–".to_owned(), text::ratio);
        table.row(vec![
            case.document.clone(),
            case.backend.clone(),
            format_name(&case.format),
            text::thousands(case.pages.into()),
            case.worker_s.len().to_string(),
            page(&case.in_process_s),
            page(&case.worker_s),
            cell(wall),
            cell(cpu),
            cell(again),
        ]);
        let Some(wall) = wall else { continue };
        reach.extend([wall.low, wall.high]);
        all.push(row(label, &wall, again.as_ref(), case));
    }
    let mut blocks = Vec::new();
    if let Some(over_all) = summary::isolation(cases) {
        let count = text::count(all.len(), "case", "cases");
        let cpus = match isolation.cpus {
            Some(1) => " with one CPU for both".to_owned(),
            Some(many) => format!(" with {many} CPUs"),
            None => String::new(),
        };
        blocks.push(Block::Text(format!(
            "PDFs are drawn in worker processes without credentials, files and network. Beside the same engine in the \
             process itself{cpus}, the wall-clock time of a page changes by **{}**, a ratio of {}: the geometric mean \
             over {count}. Gray are those that lie within what the process differs from itself.",
            summary::percent(&over_all),
            text::interval(&over_all, "to")
        )));
        let description = "A row for each document and engine: the time in a worker as a multiple of that in the process, \
                           with its 95 % interval. Right of 1 isolation costs time.";
        let title = "Time of a page in a worker as a multiple of that in the process".to_owned();
        let svg = rows("isolation", &title, description, &all, &Axis::ratios(reach.into_iter()));
        blocks.push(Block::Plot(Plot { title, svg, legend: Vec::new() }));
    }
    blocks.push(Block::Table(table.without_empty_columns()));
    (!cases.is_empty()).then(|| Section { id: "isolation", title: "What isolation costs".to_owned(), blocks })
}

/// Runs of one turn are pairs; `None` if a side was not measured.
fn beside(one: &[f64], other: &[f64]) -> Option<Ratio> {
    (!one.is_empty() && !other.is_empty()).then(|| ratio(&[(one, other)], true))
}

fn row(label: String, wall: &Ratio, noise: Option<&Ratio>, case: &IsolationCase) -> Row {
    let more_s = (median(&case.worker_s) - median(&case.in_process_s)) / f64::from(case.pages.max(1));
    let class = if noise.is_none_or(|noise| wall.is_a_difference(noise)) { side(wall) } else { "same" };
    Row {
        label,
        figure: summary::percent(wall),
        detail: format!(" · {:+.3} ms a page", more_s * 1e3).replace('-', "−"),
        mark: Mark::Interval { class: class.to_owned(), ends: (wall.low, wall.value, wall.high) },
    }
}
