//! Where the figures are from, what they are worth, and how to get them again.

use serde_json::Value;

use super::{Block, Entry, Report, Section, Table, text};
use crate::report::benchmark;
use crate::report::groups::groups;

/// When the cells were measured: a day, or the first and the last.
pub(super) fn dates(entries: &[Entry]) -> Option<String> {
    let measured = entries.iter().filter_map(|it| it.found.measured.as_ref());
    let mut days: Vec<&str> =
        measured.filter_map(|it| it.machine.get("date")?.as_str()?.split('T').next()).collect();
    days.sort_unstable();
    days.dedup();
    match days.as_slice() {
        [] => None,
        [day] => Some((*day).to_owned()),
        [first, .., last] => Some(format!("{first} to {last}")),
    }
}

pub(super) fn machines(entries: &[Entry]) -> Option<Section> {
    let groups = groups(entries);
    let mut table = Table::new(&[
        "machine",
        "processor",
        ">CPUs",
        "kernel",
        "system",
        "emulated by",
        "load at the beginning",
        "cells",
    ]);
    for group in &groups {
        let machine = group.machine;
        let mut loads: Vec<&str> = group
            .entries
            .iter()
            .filter_map(|it| it.found.measured.as_ref()?.machine.get("load").and_then(Value::as_str))
            .filter_map(|it| it.split(' ').next())
            .collect();
        loads.sort_by(|one, other| {
            let number = |it: &str| it.parse::<f64>().unwrap_or(0.0);
            number(one).total_cmp(&number(other))
        });
        let load = match loads.as_slice() {
            [] => "–".to_owned(),
            [one] => (*one).to_owned(),
            [least, .., most] => format!("{least} to {most}"),
        };
        table.row(vec![
            group.letter.to_string(),
            machine.cpu.clone(),
            machine.cpus.to_string(),
            machine.kernel.clone(),
            machine.system.clone(),
            machine.emulated_by.clone().unwrap_or_else(|| "–".to_owned()),
            load,
            text::count(group.entries.len(), "cell", "cells"),
        ]);
    }
    let mut missing: Vec<(&str, Vec<String>)> = Vec::new();
    for entry in entries {
        for why in &entry.figures.not_measured {
            let cell = format!("`{}`", entry.cell);
            match missing.iter_mut().find(|(known, _)| known == why) {
                Some((_, cells)) => cells.push(cell),
                None => missing.push((why, vec![cell])),
            }
        }
    }
    let mut blocks = Vec::new();
    if !groups.is_empty() {
        blocks.push(Block::Table(table.without_empty_columns()));
    }
    if !missing.is_empty() {
        blocks.push(Block::Heading("Not measured".to_owned()));
        let all = entries.iter().filter(|it| it.found.measured.is_some()).count();
        let said = missing.iter().map(|(why, cells)| {
            let of = if cells.len() == all { "all cells".to_owned() } else { cells.join(", ") };
            format!("{why} ({of})")
        });
        blocks.push(Block::List(said.collect()));
    }
    (!blocks.is_empty()).then(|| Section { id: "machines", title: "Machines".to_owned(), blocks })
}

pub(super) fn method(report: &Report) -> Section {
    let prices = &report.prices;
    let method = [
        "Sizes are those of the files that are packaged: `bootstrap` is stripped; the parts are from the symbols of the same build before it was stripped.",
        "A start is from the spawn of `bootstrap` until its first request for an invocation arrives at an emulated Runtime API on the same machine; then until S3 has the first image, and until the invocation is answered. The executable is in the page cache unless it is said otherwise.",
        "Pages are timed with the command `pdf2img render` of the same build and one worker: CPU seconds of all processes for the whole document, its start included, divided by its pages. S3 and the network are not in it. A further document is one that a running function gets after its first, by wall clock; it stands for pages where a cell has no command.",
        "A ratio is that of two medians. Its 95 % interval is a percentile bootstrap, 4,000 times with a fixed seed. Cells of one session ran in turns, there and back again: of these, pairs of runs of one round are drawn. Of others each series is drawn from by itself. If the interval holds 1, there is no difference. Over several documents it is the geometric mean of their ratios.",
        "The cell to deploy takes the least CPU time for a page; of those that it cannot be told from, it is the one with the smallest zip.",
    ];
    let mut costs = vec![format!(
        "Costs are computed with the prices of {} of {}: for a document its billed milliseconds times memory, one invocation, one PUT for each page and one for the manifest. No bill of AWS was looked at.",
        prices.region, prices.checked
    )];
    costs.push("By CPU time means one page after another on one CPU of the measuring machine, as if it were Lambda's with 1,769 MB, warm. By amount of memory means the wall-clock time of a further document in the same process with as much of a CPU.".to_owned());
    let bias = [
        "Cells are compared only if they were measured on machines of one description. In continuous integration each has a runner of its own: of one description, but not the same machine, and with other guests. Differences of a few per cent are then not to be trusted, whatever the interval.",
        "Of cells that were not measured in turns, what drifted between them is not in the intervals. Several further documents come from one process and are drawn as if each came by itself, so their intervals are rather too narrow.",
        "Many ratios are shown; of twenty comparisons of equal things, one is expected to look like a difference.",
        "The documents are of our own making, with embedded fonts. See `benches/METHODOLOGY.md` for what that favours.",
        "A share of a CPU stands for Lambda's memory sizes; Lambda's processors, its microVM, and the fetching of the package are not in it.",
        "Times under an emulator say nothing of a processor.",
    ];
    let list = |items: &[&str]| Block::List(items.iter().map(|&it| it.to_owned()).collect());
    Section {
        id: "method",
        title: if report.benchmark.is_some() { "Builds: method and bias" } else { "Method and bias" }
            .to_owned(),
        blocks: vec![list(&method), Block::List(costs), Block::Heading("Bias".to_owned()), list(&bias)],
    }
}

pub(super) fn reproduce(report: &Report) -> Section {
    let mut commands = Vec::new();
    if report.benchmark.is_some() {
        commands.extend(benchmark::sections::commands());
    }
    if report.has_cells() {
        commands.push("scripts/setup.sh tools".to_owned());
        commands.push("cargo run -p build-matrix -- all".to_owned());
    }
    let experiments: Vec<_> = report.cells.iter().filter(|it| it.axes.experiment.is_some()).collect();
    if !experiments.is_empty() {
        let names: Vec<_> = experiments.iter().map(|it| it.cell.clone()).collect();
        commands.push(format!("cargo run -p build-matrix -- all {}", names.join(" ")));
    }
    commands.push("cargo run -p build-matrix -- report    # target/matrix/report/report.html".to_owned());
    let files = if report.has_cells() {
        " `report.csv` has one row for each cell, `samples.csv` one for each run."
    } else {
        ""
    };
    let text = format!("On a Debian 12 with rustup. `report.json` has every single measurement.{files}");
    let mut blocks = vec![Block::Text(text), Block::Commands(commands.join("\n"))];
    if report.has_cells() {
        blocks.push(Block::Table(tools(report)));
    }
    Section { id: "reproduce", title: "How to reproduce".to_owned(), blocks }
}

fn tools(report: &Report) -> Table {
    let mut table = Table::new(&["tool", "pinned", "seen"]);
    for (tool, pinned) in &report.tools {
        let mut seen: Vec<String> = report
            .cells
            .iter()
            .filter_map(|it| it.found.built.as_ref())
            .flat_map(|it| &it.tools)
            .filter(|(name, _)| *name == tool || (tool == "rust" && name.starts_with("rust")))
            .map(|(_, version)| version.clone())
            .collect();
        seen.sort();
        seen.dedup();
        let seen = if seen.is_empty() { "–".to_owned() } else { seen.join(", ") };
        table.row(vec![tool.clone(), pinned.clone(), seen]);
    }
    table.without_empty_columns()
}
