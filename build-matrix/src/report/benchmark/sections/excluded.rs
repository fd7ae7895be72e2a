//! What is not in the figures, and why.

use super::{Benchmark, Block, Section};
use crate::report::benchmark::PARTS;
use crate::report::benchmark::compare::{format_name, title};
use crate::report::document::Table;
use crate::report::text;

/// Files that could not be read.
pub(super) fn problems(benchmark: &Benchmark) -> Option<Section> {
    let blocks: Vec<Block> = benchmark
        .problems
        .iter()
        .map(|it| {
            let (file, why) = it.split_once(": ").unwrap_or(("", it));
            Block::Alarm(format!("`{file}` of the benchmark is left out"), why.to_owned())
        })
        .collect();
    (!blocks.is_empty()).then(|| Section {
        id: "unreadable",
        title: "What could not be read".to_owned(),
        blocks,
    })
}

/// What was skipped, refused or failed.
pub(super) fn excluded(benchmark: &Benchmark) -> Option<Section> {
    let mut table = Table::new(&["what", "where", "why"]);
    let record = &benchmark.record;
    for it in record.peers.iter().flat_map(|it| &it.skipped) {
        table.row(vec![it.name.clone(), "everywhere: skipped".to_owned(), it.reason.clone()]);
    }
    for case in record.peers.iter().flat_map(|it| &it.cases) {
        for side in &case.sides {
            let Some(why) = &side.refused else { continue };
            let what = if side.again { format!("{}, again", side.program) } else { side.program.clone() };
            let at = format!("{}, {}: refused", case.document, title(&case.format, case.dpi));
            table.row(vec![what, at, why.clone()]);
        }
    }
    for why in record.scaling.iter().flat_map(|it| &it.skipped) {
        table.row(vec!["scaling".to_owned(), "skipped".to_owned(), why.clone()]);
    }
    for series in record.scaling.iter().flat_map(|it| &it.series) {
        for point in &series.points {
            let Some(why) = &point.failed else { continue };
            let at = format!("{}, {} {}: failed", series.document, point.value, series.axis);
            table.row(vec![series.backend.clone(), at, why.clone()]);
        }
    }
    for (memory_mb, why, cases) in not_measured(benchmark) {
        let memory = format!("{} MB", text::thousands(memory_mb.into()));
        let at = format!("{}: not measured", text::list(&cases));
        table.row(vec![memory, at, why.to_owned()]);
    }
    let missing: Vec<String> = PARTS
        .iter()
        .filter(|(name, _)| {
            benchmark.files.iter().all(|(known, _)| known != name)
                && benchmark.problems.iter().all(|it| !it.starts_with(&format!("{name}: ")))
        })
        .map(|(name, command)| format!("`{name}` (`{command}`)"))
        .collect();
    let mut blocks = Vec::new();
    if !missing.is_empty() {
        blocks.push(Block::Text(format!(
            "Not in this record, with what would measure it: {}.",
            missing.join(", ")
        )));
    }
    if !table.rows.is_empty() {
        blocks.push(Block::Text(
            "A refused run is one whose pictures do not pass, so that its time would say nothing.".to_owned(),
        ));
        blocks.push(Block::Table(table));
    }
    (!blocks.is_empty()).then(|| Section { id: "excluded", title: "What does not count".to_owned(), blocks })
}

/// The amounts of memory that were not measured, with the reason and the cases that have it in common.
fn not_measured(benchmark: &Benchmark) -> Vec<(u32, &str, Vec<String>)> {
    let mut all: Vec<(u32, &str, Vec<String>)> = Vec::new();
    let cases: Vec<_> = benchmark.record.cost.iter().flat_map(|it| &it.cases).collect();
    for case in &cases {
        let name = format!("{} by {} as {}", case.document, case.backend, format_name(&case.format));
        for point in &case.points {
            let Some(why) = point.not_measured.as_deref() else { continue };
            match all.iter_mut().find(|(memory_mb, known, _)| (*memory_mb, *known) == (point.memory_mb, why))
            {
                Some((_, _, names)) => names.push(name.clone()),
                None => all.push((point.memory_mb, why, vec![name.clone()])),
            }
        }
    }
    // What is said of every case is said once.
    for (_, _, names) in all.iter_mut().filter(|(_, _, names)| names.len() == cases.len()) {
        *names = vec!["all documents".to_owned()];
    }
    all
}
