//! What failed, what was proven, and what was left out.

use super::{Block, Entry, Report, Section, Table, labels, text};
use crate::report::labels::Labels;

/// How many rows a table of checks may have before it is folded.
const FOLDED_FROM: usize = 30;

pub(super) fn failures(report: &Report) -> Option<Section> {
    let mut blocks = Vec::new();
    for entry in &report.cells {
        for failure in &entry.failures {
            blocks.push(Block::Alarm(
                format!("`{}` failed to {}", entry.cell, failure.stage),
                failure.error.clone(),
            ));
        }
    }
    if !report.problems.is_empty() {
        blocks.push(Block::List(report.problems.clone()));
    }
    if !report.not_made.is_empty() {
        let names: Vec<_> = report.not_made.iter().map(|it| format!("`{it}`")).collect();
        blocks.push(Block::Text(format!(
            "There is no record of {} that the matrix makes by default: {}.",
            text::count(names.len(), "cell", "cells"),
            text::list(&names)
        )));
    }
    let title =
        if report.cells.iter().any(|it| !it.failures.is_empty()) { "Failures" } else { "What is missing" };
    (!blocks.is_empty()).then(|| Section { id: "failures", title: title.to_owned(), blocks })
}

pub(super) fn proven(entries: &[Entry]) -> Option<Section> {
    let verified: Vec<&Entry> = entries.iter().filter(|it| it.found.verified.is_some()).collect();
    if verified.is_empty() {
        return None;
    }
    let labels = labels(&verified);
    // What was seen alike of many cells is one row.
    let mut seen: Vec<(&str, &str, Vec<&Entry>)> = Vec::new();
    for entry in &verified {
        for check in entry.found.verified.iter().flat_map(|it| &it.checks) {
            match seen.iter_mut().find(|(name, value, _)| (*name, *value) == (&check.name, &check.seen)) {
                Some((_, _, cells)) => cells.push(entry),
                None => seen.push((&check.name, &check.seen, vec![entry])),
            }
        }
    }
    let mut order: Vec<&str> = Vec::new();
    for (name, _, _) in &seen {
        if !order.contains(name) {
            order.push(name);
        }
    }
    seen.sort_by_key(|(name, _, _)| order.iter().position(|it| it == name));
    let mut table = Table::new(&["check", "seen", "of"]);
    for (name, value, cells) in &seen {
        table.row(vec![(*name).to_owned(), (*value).to_owned(), who(cells, &verified, &labels)]);
    }
    let checks = if seen.len() >= FOLDED_FROM {
        Block::folded_table("Every check, with what was seen", table)
    } else {
        Block::Table(table)
    };
    let text = "Each executable was read and run before it was packaged; a cell in which one check fails is among the failures.";
    Some(Section {
        id: "proof",
        title: "What was proven".to_owned(),
        blocks: vec![Block::Text(text.to_owned()), checks],
    })
}

/// Which of the cells: all, all with a value of an axis, or their names.
fn who(cells: &[&Entry], of: &[&Entry], labels: &Labels) -> String {
    if cells.len() == of.len() {
        return "all".to_owned();
    }
    let axes: [fn(&Entry) -> &str; 4] =
        [|it| &it.axes.arch, |it| &it.axes.libc, |it| &it.axes.engines, |it| &it.axes.allocator];
    for axis in axes {
        let value = axis(cells[0]);
        let with_it = of.iter().filter(|it| axis(it) == value);
        if cells.iter().all(|it| axis(it) == value) && with_it.count() == cells.len() {
            return format!("all {value}");
        }
    }
    cells.iter().map(|it| labels.label(&it.axes)).collect::<Vec<_>>().join(", ")
}

pub(super) fn left_out(report: &Report) -> Option<Section> {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    for it in &report.exclusions {
        let cell = format!("`{}`", it.cell);
        match by_reason.iter_mut().find(|(reason, _)| *reason == it.reason) {
            Some((_, cells)) => cells.push(cell),
            None => by_reason.push((&it.reason, vec![cell])),
        }
    }
    let items: Vec<String> =
        by_reason.into_iter().map(|(reason, cells)| format!("{reason}: {}.", text::list(&cells))).collect();
    (!items.is_empty()).then(|| Section {
        id: "left-out",
        title: "What is left out".to_owned(),
        blocks: vec![Block::List(items)],
    })
}
