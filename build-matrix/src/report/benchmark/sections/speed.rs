//! pdf2img beside other programs.

use super::{Benchmark, Block, SERIES, Section};
use crate::report::benchmark::answers::interval;
use crate::report::benchmark::compare::{Beside, Comparison, Standing, Verdict, format_name};
use crate::report::benchmark::record::Alike;
use crate::report::document::{Plot, Table};
use crate::report::svg::{Axis, Mark, NamedInterval, Row, rows};
use crate::report::text;

/// How many rows a plot of ratios has at most.
const ROWS: usize = 9;

pub(super) fn speed(benchmark: &Benchmark) -> Option<Section> {
    let groups = by_format(&benchmark.comparisons);
    if groups.is_empty() {
        return None;
    }
    let mut blocks = vec![Block::Text(
        "Each program as its user runs it, from the spawn to its end, with the files written; all in turns on the same \
         documents. A time counts only if the pictures are as many, as large and alike. With several processes a \
         program uses several CPUs: the ratio of CPU times beside that of wall-clock times is the one for each core."
            .to_owned(),
    )];
    let colours = peers(benchmark);
    for (number, group) in groups.iter().enumerate() {
        blocks.extend(ratios(number, group, &colours));
    }
    for (number, group) in groups.iter().enumerate() {
        let title = group[0].title();
        let panels = Block::Panels(rates(number, group));
        if number == 0 {
            blocks.push(Block::Heading(format!("{title}: pages a second")));
            blocks.push(panels);
        } else {
            blocks.push(Block::Folded(format!("{title}: pages a second"), vec![panels]));
        }
    }
    for (number, group) in groups.iter().enumerate() {
        let title = format!("{}: every program", group[0].title());
        let table = table(benchmark, group, |it| it.class.clone());
        if number == 0 {
            blocks.extend([Block::Heading(title), Block::Table(table)]);
        } else {
            blocks.push(Block::folded_table(title, table));
        }
    }
    for group in by_format(&benchmark.documents) {
        let title = format!("{}: single documents", group[0].title());
        blocks.push(Block::folded_table(title, table(benchmark, &group, |it| it.documents.join(", "))));
    }
    blocks.extend(alike(benchmark));
    Some(Section { id: "peers", title: "Beside other programs".to_owned(), blocks })
}

/// Those of one format and resolution together, in the order of the record.
fn by_format(comparisons: &[Comparison]) -> Vec<Vec<&Comparison>> {
    let mut groups: Vec<Vec<&Comparison>> = Vec::new();
    for it in comparisons {
        let is_same =
            |group: &&mut Vec<&Comparison>| (&group[0].format, group[0].dpi) == (&it.format, it.dpi);
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
    }
    groups
}

/// The other programs that count anywhere, with a colour of their own.
fn peers(benchmark: &Benchmark) -> Vec<(&str, &'static str)> {
    let mut names: Vec<&str> = Vec::new();
    let all = benchmark.comparisons.iter().flat_map(|it| &it.standings);
    for standing in all.filter(|it| !it.ours && it.beside.is_some()) {
        if !names.contains(&standing.program.as_str()) {
            names.push(&standing.program);
        }
    }
    names.sort_unstable();
    names.into_iter().zip(SERIES.into_iter().cycle()).collect()
}

/// A row for each class: what the others take as a multiple of the fastest of ours.
fn ratios(number: usize, group: &[&Comparison], colours: &[(&str, &'static str)]) -> Vec<Block> {
    let mut all = Vec::new();
    let mut legend: Vec<(String, String)> = Vec::new();
    let mut reach = Vec::new();
    for comparison in group {
        let Some((best, beside)) = comparison.best_peer() else { continue };
        let mut marks = Vec::new();
        for &(name, colour) in colours {
            let standing = comparison.standings.iter().find(|it| it.program == name);
            let Some(Beside { wall, .. }) = standing.and_then(|it| it.beside.as_ref()) else { continue };
            let ends = (wall.low, wall.value, wall.high);
            reach.extend([wall.low, wall.high]);
            marks.push(NamedInterval {
                class: colour.to_owned(),
                name: format!("{name}: {}×", interval(wall)),
                ends,
            });
            if !legend.iter().any(|(_, known)| known == name) {
                legend.push((colour.to_owned(), name.to_owned()));
            }
        }
        let ratio = &beside.wall;
        all.push(Row {
            label: comparison.class.clone(),
            figure: format!("{} {}×", best.program, text::digits(ratio.value)),
            detail: format!(" · {} to {}", text::digits(ratio.low), text::digits(ratio.high)),
            mark: Mark::Intervals(marks),
        });
    }
    let title = format!("{}: how many times as long the others take", group[0].title());
    let description = "A row for each class of documents, a mark with its 95 % interval for each program: wall-clock time as a \
         multiple of that of the fastest of ours. Right of 1 is slower than pdf2img. The figure is that of the best.";
    let axis = Axis::times(reach.into_iter());
    legend.sort_by_key(|(_, name)| colours.iter().position(|(known, _)| known == name));
    // Equal parts, none longer than a printed page.
    let part = all.len().div_ceil(all.len().div_ceil(ROWS).max(1)).max(1);
    let parts = all.chunks(part).enumerate().map(|(part, all)| {
        let svg = rows(&format!("ratios-{number}-{part}"), &title, description, all, &axis);
        let (title, legend) = if part == 0 { (title.clone(), legend.clone()) } else { Default::default() };
        Block::Plot(Plot { title, svg, legend })
    });
    parts.collect()
}

/// A panel for each class: pages for each second with every program.
fn rates(number: usize, group: &[&Comparison]) -> Vec<Plot> {
    let mut panels = Vec::new();
    for (panel, comparison) in group.iter().enumerate() {
        let counting = comparison.standings.iter().filter_map(|it| Some((it, it.pages_per_s?)));
        let mut counting: Vec<_> = counting.collect();
        counting.sort_by(|(_, one), (_, other)| other.value.total_cmp(&one.value));
        let all: Vec<Row> = counting
            .iter()
            .map(|(it, rate)| Row {
                label: named(it),
                figure: format!("{} a second", text::digits(rate.value)),
                detail: format!(" · {} to {}", text::digits(rate.low), text::digits(rate.high)),
                mark: Mark::Estimate {
                    class: if it.ours { "ours" } else { "theirs" }.to_owned(),
                    ends: (rate.low, rate.value, rate.high),
                },
            })
            .collect();
        let most = counting.iter().map(|(_, rate)| rate.high).fold(0.0, f64::max);
        if all.is_empty() {
            continue;
        }
        let title = comparison.class.clone();
        let description =
            "A bar for each program: pages for each second of wall clock, with its 95 % interval.";
        let axis = Axis::from_zero(most, "pages/s");
        let svg = rows(&format!("rate-{number}-{panel}"), &title, description, &all, &axis);
        panels.push(Plot { title, svg, legend: Vec::new() });
    }
    if let Some(first) = panels.first_mut() {
        let legend = [("ours", "pdf2img"), ("theirs", "other programs")];
        first.legend = legend.map(|(class, name)| (class.to_owned(), name.to_owned())).to_vec();
    }
    panels
}

fn named(standing: &Standing) -> String {
    match standing.processes {
        Some(many) if many > 1 => format!("{}, {many} processes", standing.program),
        _ => standing.program.clone(),
    }
}

fn table(benchmark: &Benchmark, group: &[&Comparison], name: fn(&Comparison) -> String) -> Table {
    let mut table = Table::new(&[
        "documents",
        "program",
        "engine",
        ">ms a page",
        ">times as long",
        ">times the CPU time",
        ">times the bytes",
        ">peak memory",
        ">processes",
        ">runs",
        ">counts on",
        "pages: same · near · different",
    ]);
    for comparison in group {
        let documents = name(comparison);
        for it in &comparison.standings {
            let cell = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
            let beside = it.beside.as_ref();
            let is_reference = Some(&it.program) == comparison.reference.as_ref();
            let wall = beside.map(|beside| match comparison.verdict(&beside.wall) {
                _ if is_reference => "1".to_owned(),
                Verdict::NoDifference => format!("{} =", interval(&beside.wall)),
                Verdict::Slower | Verdict::Faster => interval(&beside.wall),
            });
            let cpu = beside.and_then(|it| it.cpu);
            let cpu = cpu.map(|it| if is_reference { "1".to_owned() } else { interval(&it) });
            table.row(vec![
                documents.clone(),
                if is_reference { format!("**{}**", it.program) } else { it.program.clone() },
                it.engine.clone(),
                cell(it.pages_per_s.map(|it| text::digits(1e3 / it.value))),
                cell(wall),
                cell(cpu),
                cell(beside.and_then(|it| it.bytes).map(text::digits)),
                cell(it.peak_bytes.map(text::bytes)),
                cell(it.processes.map(|it| it.to_string())),
                if it.runs > 0 { it.runs.to_string() } else { "refused".to_owned() },
                match comparison.documents.len() {
                    all if it.documents == all => "–".to_owned(),
                    all => format!("{} of {all}", it.documents),
                },
                cell(alike_with(benchmark, comparison, it)),
            ]);
        }
    }
    table.without_empty_columns()
}

/// How the pages of a program compare with those of the fastest of ours, or else of any of ours.
fn alike_with(benchmark: &Benchmark, comparison: &Comparison, standing: &Standing) -> Option<String> {
    let reference = comparison.reference.as_ref()?;
    let ours = comparison.standings.iter().filter(|it| it.ours).map(|it| &it.program);
    let others = std::iter::once(reference).chain(ours.filter(|it| *it != reference));
    let cases = benchmark.record.peers.iter().flat_map(|it| &it.cases);
    let of_it = cases.filter(|it| {
        (&it.class, &it.format, it.dpi) == (&comparison.class, &comparison.format, comparison.dpi)
            && comparison.documents.contains(&it.document)
    });
    let verdicts: Vec<&Alike> = of_it.flat_map(|it| &it.alike).collect();
    others.filter(|it| **it != standing.program).find_map(|other| {
        let pair = [other.as_str(), standing.program.as_str()];
        let of_pair = verdicts.iter().filter(|it| {
            pair == [it.first.as_str(), it.second.as_str()] || pair == [it.second.as_str(), it.first.as_str()]
        });
        let sums = of_pair.fold(None, |sums: Option<[u64; 4]>, it| {
            let [same, near, different, other_size] = sums.unwrap_or_default();
            Some([same + it.same, near + it.near, different + it.different, other_size + it.other_size])
        });
        sums.map(|[same, near, different, other_size]| {
            let size =
                if other_size > 0 { format!(" · {other_size} of another size") } else { String::new() };
            format!("{same} · {near} · {different}{size}")
        })
    })
}

/// Every pair of programs whose pictures were compared.
fn alike(benchmark: &Benchmark) -> Option<Block> {
    let mut table = Table::new(&[
        "document",
        "format",
        "program",
        "with",
        ">same",
        ">near",
        ">different",
        ">another size",
        ">lowest score",
    ]);
    for case in benchmark.record.peers.iter().flat_map(|it| &it.cases) {
        for it in &case.alike {
            table.row(vec![
                case.document.clone(),
                format!("{}, {} dpi", format_name(&case.format), case.dpi),
                it.first.clone(),
                it.second.clone(),
                it.same.to_string(),
                it.near.to_string(),
                it.different.to_string(),
                it.other_size.to_string(),
                it.lowest_score.map_or_else(|| "–".to_owned(), text::digits),
            ]);
        }
    }
    (!table.rows.is_empty())
        .then(|| Block::folded_table("Whose pages are alike", table.without_empty_columns()))
}
