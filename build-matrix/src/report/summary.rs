//! Which cell to deploy, and why: only what the figures bear.

use super::compare::Compared;
use super::entry::Entry;
use super::figures::ONE_CPU_MB;
use super::groups::{Group, groups};
use super::text;

/// The cell that a group of measured cells speaks for.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The cell.
    pub entry: &'a Entry,
    /// Those that it was compared with.
    compared: Vec<Compared<'a>>,
}

/// One paragraph: which cell to deploy and why.
pub fn summary(entries: &[Entry], default_engines: &[String]) -> String {
    let (failed, works): (Vec<_>, Vec<_>) = plain(entries).partition(|it| !it.failures.is_empty());
    let delivered = works.iter().filter(|it| it.is_deliverable()).count();
    let mut said = Vec::new();
    let groups = groups(entries);
    let choices: Vec<(&Group, Choice)> = groups
        .iter()
        .filter(|it| it.is_native())
        .filter_map(|group| Some((group, choose(&group.entries, default_engines)?)))
        .collect();
    for (group, choice) in &choices {
        said.push(reasons(group, choice, choices.len() > 1));
    }
    if let [(_, one), (_, other)] = choices.as_slice()
        && let (Some(mine), Some(theirs)) = (&one.entry.figures.cost, &other.entry.figures.cost)
    {
        said.push(format!(
            "Between the two, 1,000 pages come to {} and {} USD; as the machines differ, so does what was compared.",
            text::usd(mine.usd.total()),
            text::usd(theirs.usd.total())
        ));
    }
    if choices.is_empty() {
        said.push(by_size(entries, default_engines));
    }
    let emulated: Vec<_> = groups.iter().filter(|it| !it.is_native()).flat_map(|it| &it.entries).collect();
    if let Some(first) = emulated.first() {
        said.push(format!(
            "The {} cells ran under an emulator, so their times decide nothing here.",
            first.axes.arch
        ));
    }
    let count = works.len() + failed.len();
    let outcome = format!(
        "{delivered} of {} {} built, proven and packaged",
        text::count(count, "cell", "cells"),
        if delivered == 1 { "is" } else { "are" }
    );
    said.push(match failed.len() {
        0 => format!("{outcome}."),
        1 => format!("{outcome}; one failed, see below."),
        many => format!("{outcome}; {many} failed, see below."),
    });
    said.join(" ")
}

fn plain(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|it| it.axes.experiment.is_none())
}

/// The cell that takes least CPU time for a page; of those that it cannot be told from, the one with the smallest
/// zip. Of the first set of engines that was measured, since sets differ in what they can do and in licence.
pub fn choose<'a>(entries: &[&'a Entry], default_engines: &[String]) -> Option<Choice<'a>> {
    let fit = |engines: &str| -> Vec<&'a Entry> {
        let plain = entries.iter().filter(|it| it.axes.experiment.is_none() && it.is_deliverable());
        plain
            .filter(|it| {
                it.failures.is_empty() && it.axes.engines == engines && it.figures.page_cpu_s.is_some()
            })
            .copied()
            .collect()
    };
    let all = entries.iter().map(|it| it.axes.engines.as_str());
    let candidates =
        default_engines.iter().map(String::as_str).chain(all).map(fit).find(|it| !it.is_empty())?;
    let page = |it: &Entry| it.figures.page_cpu_s.unwrap_or(f64::INFINITY);
    let fastest = *candidates.iter().min_by(|one, other| page(one).total_cmp(&page(other)))?;
    let equal = candidates.iter().filter(|it| {
        it.cell == fastest.cell || Compared::new(it, fastest).pages.is_some_and(|ratio| !ratio.is_not_one())
    });
    let entry = *equal.min_by_key(|it| it.figures.zip_bytes.unwrap_or(u64::MAX))?;
    let others = candidates.iter().filter(|it| it.cell != entry.cell);
    Some(Choice { entry, compared: others.map(|it| Compared::new(it, entry)).collect() })
}

fn reasons(group: &Group, choice: &Choice, is_one_of_several: bool) -> String {
    let Choice { entry, compared } = choice;
    let figures = &entry.figures;
    let on = if is_one_of_several { format!(" for {}", entry.axes.arch) } else { String::new() };
    let mut said = vec![format!("**Deploy `{}`{on}.**", entry.cell)];
    let pages: Vec<String> = compared
        .iter()
        .filter_map(|it| Some((it, it.pages?)))
        .map(|(it, ratio)| {
            let zip = match (entry.figures.zip_bytes, it.with.figures.zip_bytes, it.one.figures.zip_bytes) {
                (Some(mine), _, Some(theirs)) if !ratio.is_not_one() && mine < theirs => {
                    format!(", but its zip is {}", text::smaller(theirs, mine))
                }
                _ => String::new(),
            };
            format!("with `{}` it {}{zip}", it.one.cell, text::takes(&ratio))
        })
        .collect();
    if !pages.is_empty() {
        said.push(format!("By the CPU time of a page on {}: {}.", group.title(), pages.join("; ")));
    }
    if let Some(start) = figures.first_next_s {
        let (median, p95) = (text::time(start.median), text::time(start.p95));
        let others: Vec<_> = compared
            .iter()
            .filter_map(|it| Some(format!("that of `{}` {}", it.one.cell, text::takes(&it.start?))))
            .collect();
        let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
        said.push(format!("Its start takes {median} (p95 {p95}){others}."));
    }
    if let Some(zip) = figures.zip_bytes {
        said.push(format!("Its zip has {}; its licence is {}.", text::bytes(zip), entry.licence));
    }
    if let Some(cost) = &figures.cost {
        let basis = if cost.from_memory_sizes {
            format!(
                "with {} MB, the cheapest of the sizes that were measured",
                text::thousands(cost.memory_mb.into())
            )
        } else {
            format!("by CPU time at {} MB", text::thousands(ONE_CPU_MB.into()))
        };
        said.push(format!(
            "1,000 pages come to {} USD {basis}; {} of that are S3's PUT requests, which no cell changes.",
            text::usd(cost.usd.total()),
            text::usd(cost.usd.puts)
        ));
    }
    said.join(" ")
}

/// What can be said without times.
fn by_size(entries: &[Entry], default_engines: &[String]) -> String {
    let fit = |engines: &str| {
        let deliverable = plain(entries).filter(|it| it.is_deliverable() && it.axes.engines == engines);
        deliverable.filter_map(|it| Some((it.figures.zip_bytes?, it))).min_by_key(|(bytes, _)| *bytes)
    };
    let all = entries.iter().map(|it| it.axes.engines.as_str());
    match default_engines.iter().map(String::as_str).chain(all).find_map(fit) {
        Some((zip, entry)) => format!(
            "No times were measured on a machine of a cell's own, so speed recommends none. The smallest zip that is \
             built and proven is `{}` with {}; its licence is {}.",
            entry.cell,
            text::bytes(zip),
            entry.licence
        ),
        None => "Nothing can be recommended: no cell is built, proven and packaged.".to_owned(),
    }
}
