//! Which cell to deploy, and why: only what the figures bear.

use super::compare::Compared;
use super::entry::Entry;
use super::figures::ONE_CPU_MB;
use super::groups::{Group, groups};
use super::labels::Labels;
use super::text;

/// The cell that the measured cells of an architecture speak for.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The cell.
    pub entry: &'a Entry,
    /// The machine that measured it.
    machine: String,
    /// What it was compared with.
    compared: Vec<Compared<'a>>,
}

/// One paragraph: which cell to deploy and why.
pub fn summary(entries: &[Entry], default_engines: &[String]) -> String {
    let groups = groups(entries);
    let choices = choices(&groups, default_engines);
    let mut said: Vec<String> = choices.iter().map(|it| reasons(it, choices.len() > 1)).collect();
    if let [one, other] = choices.as_slice()
        && let (Some(mine), Some(theirs)) = (&one.entry.figures.cost, &other.entry.figures.cost)
    {
        said.push(format!(
            "Between the two, 1,000 pages come to {} and {} USD, each on a machine of its own.",
            text::usd(mine.usd.total()),
            text::usd(theirs.usd.total())
        ));
    }
    if choices.is_empty() {
        said.push(by_size(entries, default_engines));
    }
    if let Some(first) = groups.iter().filter(|it| !it.is_native()).flat_map(|it| &it.entries).next() {
        let arch = &first.axes.arch;
        said.push(format!("The {arch} cells ran under an emulator, so their times decide nothing here."));
    }
    let plain = || entries.iter().filter(|it| !it.is_experiment());
    let (all, failed) = (plain().count(), plain().filter(|it| !it.failures.is_empty()).count());
    let delivered = plain().filter(|it| it.failures.is_empty() && it.is_deliverable()).count();
    let are = if delivered == 1 { "is" } else { "are" };
    let outcome =
        format!("{delivered} of {} {are} built, proven and packaged", text::count(all, "cell", "cells"));
    said.push(match failed {
        0 => format!("{outcome}."),
        1 => format!("{outcome}; one failed, see below."),
        many => format!("{outcome}; {many} failed, see below."),
    });
    said.join(" ")
}

/// The choice for each architecture, from the machine that has measured most of its cells.
pub fn choices<'a>(groups: &[Group<'a>], default_engines: &[String]) -> Vec<Choice<'a>> {
    let mut choices: Vec<Choice> = Vec::new();
    for group in groups.iter().filter(|it| it.is_native()) {
        let mut arches: Vec<&str> = group.entries.iter().map(|it| it.axes.arch.as_str()).collect();
        arches.dedup();
        for arch in arches {
            let of_arch: Vec<&Entry> =
                group.entries.iter().copied().filter(|it| it.axes.arch == arch).collect();
            let Some(choice) = choose(&of_arch, &group.title(), default_engines) else { continue };
            match choices.iter_mut().find(|it| it.entry.axes.arch == arch) {
                Some(known) if known.compared.len() < choice.compared.len() => *known = choice,
                Some(_) => {}
                None => choices.push(choice),
            }
        }
    }
    choices
}

/// The cell that takes least CPU time for a page; of those that it cannot be told from, the one with the smallest
/// zip. Of the first set of engines that was measured, since sets differ in what they can do and in licence.
fn choose<'a>(entries: &[&'a Entry], machine: &str, default_engines: &[String]) -> Option<Choice<'a>> {
    let fit = |engines: &str| -> Vec<&'a Entry> {
        let plain = entries.iter().filter(|it| !it.is_experiment() && it.is_deliverable());
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
    let candidates = in_turns(candidates);
    let page = |it: &Entry| it.figures.page_cpu_s.unwrap_or(f64::INFINITY);
    let fastest = *candidates.iter().min_by(|one, other| page(one).total_cmp(&page(other)))?;
    let equal = candidates.iter().filter(|it| {
        it.cell == fastest.cell || Compared::new(it, fastest).pages.is_some_and(|ratio| !ratio.is_not_one())
    });
    let entry = *equal.min_by_key(|it| it.figures.zip_bytes.unwrap_or(u64::MAX))?;
    let others = candidates.iter().filter(|it| it.cell != entry.cell);
    let machine = machine.to_owned();
    Some(Choice { entry, machine, compared: others.map(|it| Compared::new(it, entry)).collect() })
}

/// Those that most were measured in turns with, if any were.
fn in_turns(entries: Vec<&Entry>) -> Vec<&Entry> {
    let session =
        |it: &Entry| it.found.measured.as_ref().map(|it| it.session.clone()).filter(|it| !it.is_empty());
    let with = |one: &Entry| entries.iter().filter(|it| session(it) == session(one)).count();
    // The first of equals, so that the order of cells decides and not that of sessions.
    let most = entries.iter().filter(|it| session(it).is_some()).rev().max_by_key(|it| with(it));
    match most.filter(|it| with(it) > 1).map(|it| session(it)) {
        Some(largest) => entries.iter().copied().filter(|it| session(it) == largest).collect(),
        None => entries,
    }
}

fn reasons(choice: &Choice, is_one_of_several: bool) -> String {
    let Choice { entry, machine, compared } = choice;
    let figures = &entry.figures;
    let on = if is_one_of_several { format!(" for {}", entry.axes.arch) } else { String::new() };
    let labels = Labels::of(compared.iter().map(|it| &it.one.axes).chain([&entry.axes]));
    let mut said = vec![format!("**Deploy `{}`{on}.**", entry.cell)];
    let pages: Vec<String> = compared
        .iter()
        .filter_map(|it| Some((it, it.pages?)))
        .map(|(it, ratio)| {
            let zip = match (figures.zip_bytes, it.one.figures.zip_bytes) {
                (Some(mine), Some(theirs)) if !ratio.is_not_one() && mine < theirs => {
                    format!(", but its zip is {}", text::smaller(theirs, mine))
                }
                _ => String::new(),
            };
            format!("{} {}{zip}", labels.label(&it.one.axes), text::takes(&ratio))
        })
        .collect();
    said.push(if pages.is_empty() {
        format!("No other of its engines was measured on {machine}, so nothing says that it is the fastest.")
    } else {
        let turns = if compared.iter().all(|it| it.in_turns) { "in turns" } else { "though not in turns" };
        format!("By the CPU time of a page, measured {turns} on {machine}: {}.", pages.join("; "))
    });
    if let Some(start) = figures.first_next_s {
        let (median, p95) = (text::time(start.median), text::time(start.p95));
        let others: String = compared
            .iter()
            .filter_map(|it| Some(format!("; {} {}", labels.label(&it.one.axes), text::takes(&it.start?))))
            .collect();
        said.push(format!("It starts in {median} (p95 {p95}){others}."));
    }
    if let Some(zip) = figures.zip_bytes {
        said.push(format!("Its zip has {}; its licence is {}.", text::bytes(zip), entry.licence));
    }
    if let Some(cost) = &figures.cost {
        let basis = if cost.from_memory_sizes {
            let document = cost.document.as_deref().unwrap_or("that of the starts");
            let memory = text::thousands(cost.memory_mb.into());
            let faster = figures.fastest_of_cheapest().filter(|it| it.memory_mb > cost.memory_mb);
            let faster = faster.map(|it| {
                let memory = text::thousands(it.memory_mb.into());
                format!(" ({memory} MB cost no more, as far as can be told, and are faster)")
            });
            let faster = faster.unwrap_or_default();
            format!("in documents like `{document}` with {memory} MB, the cheapest that was measured{faster}")
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
        let deliverable = entries.iter().filter(|it| {
            !it.is_experiment() && it.failures.is_empty() && it.is_deliverable() && it.axes.engines == engines
        });
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
