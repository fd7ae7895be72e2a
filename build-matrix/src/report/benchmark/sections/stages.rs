//! Where the time of a page goes, in times and in instructions.

use std::collections::BTreeMap;

use super::{Benchmark, Block, Section};
use crate::report::benchmark::compare::format_name;
use crate::report::benchmark::record::{Instructions, StageTime};
use crate::report::document::{Plot, Table};
use crate::report::svg::{Axis, Mark, Row, rows};
use crate::report::text;

/// The stages in the order in which a page goes through them, with the class of their colour.
const STAGES: [(&str, &str); 6] = [
    ("open", "p0"),
    ("first_page", "p5"),
    ("render", "p2"),
    ("encode", "p1"),
    ("worker", "p3"),
    ("pipeline", "p-library"),
];

pub(super) fn stages(benchmark: &Benchmark) -> Option<Section> {
    let times = benchmark.record.stages.iter().flat_map(|it| &it.benchmarks);
    let mut times: Vec<&StageTime> = times.collect();
    let rank = |it: &StageTime| {
        let stage = STAGES.iter().position(|(name, _)| *name == it.stage).unwrap_or(STAGES.len());
        (it.document.clone(), it.backend.clone(), stage, it.stage.clone(), it.format.clone())
    };
    times.sort_by_key(|it| rank(it));
    let mut blocks = Vec::new();
    if !times.is_empty() {
        blocks.push(Block::Text(
            "Single stages inside of one process, by criterion: what is not drawing or encoding is not in them. Where \
             several pages are done at once, the time is that of a page; `open` and `first_page` begin with the bytes of \
             the document."
                .to_owned(),
        ));
        if benchmark.record.stages.as_ref().is_some_and(|it| it.quick) {
            blocks.push(Block::Text(
                "**This was a quick run** of few samples: differences of less than 10 % say nothing."
                    .to_owned(),
            ));
        }
        blocks.push(Block::Panels(panels(&times)));
        blocks.push(Block::folded_table("Every stage", table(&times)));
    }
    if let Some(instructions) = &benchmark.record.instructions {
        blocks.push(Block::Heading("Instructions".to_owned()));
        blocks.push(Block::Text(format!(
            "Millions of instructions of a stage, counted by {}. They are the same from run to run, and a change of the \
             code by which they grow is stopped; a time they are not.",
            if instructions.valgrind.is_empty() { "valgrind" } else { &instructions.valgrind }
        )));
        blocks.push(Block::folded_table("Every count", counts(instructions)));
    }
    (!blocks.is_empty()).then(|| Section { id: "stages", title: "Where the time goes".to_owned(), blocks })
}

/// How many pages are done in one iteration.
fn pages(it: &StageTime) -> f64 {
    let pages = it.throughput.as_ref().filter(|it| it.unit == "pages").map_or(1.0, |it| it.value);
    if pages > 0.0 { pages } else { 1.0 }
}

fn what(it: &StageTime) -> String {
    let format = it.format.as_deref().map(|it| format!(" {}", format_name(it))).unwrap_or_default();
    format!("{}{format}", it.stage.replace('_', " "))
}

/// A panel for each document.
fn panels(times: &[&StageTime]) -> Vec<Plot> {
    let mut panels = Vec::new();
    for (number, group) in times.chunk_by(|one, other| one.document == other.document).enumerate() {
        let ms = |it: &StageTime, ns: f64| ns / 1e6 / pages(it);
        let most = group.iter().map(|it| ms(it, it.high_ns)).fold(0.0, f64::max);
        let all: Vec<Row> = group
            .iter()
            .map(|it| {
                let colour = STAGES.iter().find(|(name, _)| *name == it.stage).map_or("other", |it| it.1);
                let of = it.backend.as_deref().map(|it| format!("{it} · ")).unwrap_or_default();
                Row {
                    label: format!("{of}{}", what(it)),
                    figure: format!("{} ms", text::digits(ms(it, it.median_ns))),
                    detail: format!(
                        " · {} to {}",
                        text::digits(ms(it, it.low_ns)),
                        text::digits(ms(it, it.high_ns))
                    ),
                    mark: Mark::Estimate {
                        class: colour.to_owned(),
                        ends: (ms(it, it.low_ns), ms(it, it.median_ns), ms(it, it.high_ns)),
                    },
                }
            })
            .collect();
        let title = group[0].document.clone();
        let description = "A bar for each stage and engine: its median time with its interval.";
        let svg = rows(&format!("stages-{number}"), &title, description, &all, &Axis::from_zero(most, "ms"));
        panels.push(Plot { title, svg, legend: Vec::new() });
    }
    let legend = STAGES.iter().filter(|(stage, _)| times.iter().any(|it| it.stage == *stage));
    let legend = legend.map(|(stage, class)| ((*class).to_owned(), stage.replace('_', " "))).collect();
    if let Some(first) = panels.first_mut() {
        first.legend = legend;
    }
    panels
}

fn table(times: &[&StageTime]) -> Table {
    let mut table = Table::new(&["benchmark", ">ms", ">interval", ">pages", ">ms a page", ">a second"]);
    for it in times {
        let ms = |ns: f64| text::digits(ns / 1e6);
        let is_of_pages = it.throughput.as_ref().is_some_and(|it| it.unit == "pages");
        let rate = it.throughput.as_ref().map(|done| {
            let rate = done.value / (it.median_ns / 1e9);
            match done.unit.as_str() {
                "bytes" => format!("{} MB", text::digits(rate / 1e6)),
                "pixels" => format!("{} million pixels", text::digits(rate / 1e6)),
                unit => format!("{} {unit}", text::digits(rate)),
            }
        });
        let none = || "–".to_owned();
        table.row(vec![
            format!("`{}`", it.id),
            ms(it.median_ns),
            format!("{} to {}", ms(it.low_ns), ms(it.high_ns)),
            if is_of_pages { pages(it).to_string() } else { none() },
            if is_of_pages { ms(it.median_ns / pages(it)) } else { none() },
            rate.unwrap_or_else(none),
        ]);
    }
    table.without_empty_columns()
}

/// Engines beside each other, as far as the names say which engine it is.
fn counts(instructions: &Instructions) -> Table {
    let mut engines: Vec<&str> = Vec::new();
    let mut all: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
    for (name, count) in &instructions.benchmarks {
        let parts: Vec<&str> = name.split('/').collect();
        let (what, engine) = match parts.as_slice() {
            [stage, document, engine] => (format!("{stage}/{document}"), *engine),
            [stage, document, engine, format] => (format!("{stage}/{document}/{format}"), *engine),
            _ => (name.clone(), ""),
        };
        if !engines.contains(&engine) {
            engines.push(engine);
        }
        all.entry(what).or_default().insert(engine, *count);
    }
    let mut table = Table::new(&["benchmark"]);
    table.header.extend(engines.iter().map(|it| format!(">{it}")));
    for (what, counts) in all {
        let cells = engines.iter().map(|engine| {
            counts.get(engine).map_or_else(|| "–".to_owned(), |it| text::digits(*it as f64 / 1e6))
        });
        table.row(std::iter::once(format!("`{what}`")).chain(cells).collect());
    }
    table
}
