//! The benchmark in a sentence, a few figures and a table.

use stats::Ratio;

use super::Benchmark;
use super::answers::{cheapest, classes, interval};
use super::compare::{Comparison, Verdict, title};
use super::record::IsolationCase;
use crate::report::compare::ratio;
use crate::report::document::Table;
use crate::report::figures::geometric_mean;
use crate::report::text;

/// The formats and resolutions, in the order of the record.
fn formats(comparisons: &[Comparison]) -> Vec<(&str, f64)> {
    let mut formats: Vec<(&str, f64)> = Vec::new();
    for it in comparisons {
        if !formats.contains(&(it.format.as_str(), it.dpi)) {
            formats.push((&it.format, it.dpi));
        }
    }
    formats
}

fn of_format<'a>(
    comparisons: &'a [Comparison],
    (format, dpi): (&str, f64),
) -> impl Iterator<Item = &'a Comparison> {
    comparisons.iter().filter(move |it| it.format == format && it.dpi == dpi)
}

/// Where pdf2img is ahead of the best of the others, and where not.
pub fn headline(benchmark: &Benchmark) -> Option<String> {
    let said: Vec<String> = formats(&benchmark.comparisons)
        .into_iter()
        .filter_map(|format| beside_others(&of_format(&benchmark.comparisons, format).collect::<Vec<_>>()))
        .collect();
    let machine = benchmark.machine().map(|it| it.title())?;
    (!said.is_empty()).then(|| format!("**pdf2img beside other programs**, on {machine}. {}", said.join(" ")))
}

fn beside_others(comparisons: &[&Comparison]) -> Option<String> {
    let mut ahead: Vec<f64> = Vec::new();
    let (mut equal, mut behind) = (Vec::new(), Vec::new());
    for it in comparisons {
        let Some((peer, beside)) = it.best_peer() else { continue };
        match it.verdict(&beside.wall) {
            Verdict::Slower => ahead.push(beside.wall.value),
            Verdict::NoDifference => equal.push(it.class.clone()),
            Verdict::Faster => behind.push(format!("{} (`{}`)", it.class, peer.program)),
        }
    }
    let all = ahead.len() + equal.len() + behind.len();
    if all == 0 {
        return None;
    }
    let mut said = Vec::new();
    if !ahead.is_empty() {
        let (least, most) =
            (ahead.iter().copied().fold(f64::INFINITY, f64::min), ahead.iter().copied().fold(0.0, f64::max));
        let on = match all {
            1 => "the one class of documents".to_owned(),
            _ if ahead.len() == all => format!("all {all} classes of documents"),
            _ => format!("{} of {all} classes of documents", ahead.len()),
        };
        let times = match (text::digits(least), text::digits(most)) {
            (least, most) if least == most => least,
            (least, most) => format!("{least} to {most}"),
        };
        said.push(format!("on {on} the best of the others takes {times} times as long"));
    }
    if !equal.is_empty() {
        said.push(format!("no difference on {}", text::list(&equal)));
    }
    if !behind.is_empty() {
        said.push(format!("**behind** on {}", text::list(&behind)));
    }
    Some(format!("{}: {}.", comparisons[0].title(), said.join("; ")))
}

/// A few figures with their names.
pub fn key_figures(benchmark: &Benchmark) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    let fastest = benchmark.comparisons.iter().find_map(|it| Some((it, it.reference()?.pages_per_s?)));
    if let Some((it, rate)) = fastest {
        keys.push((format!("pages a second, {}, {}", it.class, it.title()), text::digits(rate.value)));
    }
    for format in formats(&benchmark.comparisons).into_iter().take(2) {
        let of_it: Vec<&Comparison> = of_format(&benchmark.comparisons, format).collect();
        let ratios: Vec<f64> = of_it.iter().filter_map(|it| Some(it.best_peer()?.1.wall.value)).collect();
        let count = ratios.len();
        if let (Some(mean), Some(first)) = (geometric_mean(ratios), of_it.first()) {
            let name = format!("times as long: the best other program, {}", first.title());
            let mean = text::digits(mean);
            let over = text::count(count, "class", "classes");
            keys.push((if count > 1 { format!("{name}; mean of {over}") } else { name }, mean));
        }
    }
    let first = classes(&benchmark.comparisons, &benchmark.priced).into_iter();
    let mut costs = first.filter_map(|class| Some((class, cheapest(&benchmark.priced, class)?)));
    if let Some((class, (_, size, usd))) = costs.next() {
        let memory = text::thousands(size.memory_mb.into());
        keys.push((format!("USD for 1,000 pages, {class}, {memory} MB"), text::usd(usd.total())));
    }
    if let Some(ratio) = benchmark.record.isolation.as_ref().and_then(|it| isolation(&it.cases)) {
        keys.push(("more time for a page in a worker".to_owned(), percent(&ratio)));
    }
    keys
}

/// The time in a worker as a multiple of that in the process: the geometric mean over all cases.
pub fn isolation(cases: &[IsolationCase]) -> Option<Ratio> {
    let all: Vec<(&[f64], &[f64])> = cases
        .iter()
        .filter(|it| !it.worker_s.is_empty() && !it.in_process_s.is_empty())
        .map(|it| (it.worker_s.as_slice(), it.in_process_s.as_slice()))
        .collect();
    (!all.is_empty()).then(|| ratio(&all, true))
}

/// How much more than one a ratio is, in per cent.
pub fn percent(ratio: &Ratio) -> String {
    format!("{:+.1} %", (ratio.value - 1.0) * 100.0).replace('-', "−")
}

/// A row for each class: the fastest of ours beside the best of the others in each format, and the cheapest memory.
pub fn table(benchmark: &Benchmark) -> Table {
    table_of(benchmark, &formats(&benchmark.comparisons))
}

/// The same with each format in its first resolution only.
pub fn short_table(benchmark: &Benchmark) -> Table {
    let mut first: Vec<(&str, f64)> = Vec::new();
    for (format, dpi) in formats(&benchmark.comparisons) {
        if !first.iter().any(|(known, _)| *known == format) {
            first.push((format, dpi));
        }
    }
    table_of(benchmark, &first)
}

fn table_of(benchmark: &Benchmark, formats: &[(&str, f64)]) -> Table {
    let mut table = Table::new(&["documents"]);
    for &(format, dpi) in formats {
        table.header.push(format!(">{}: ms a page", title(format, dpi)));
        table.header.push(">the best other takes times as long".to_owned());
        table.header.push(">times the bytes".to_owned());
    }
    table.header.extend([">Lambda: cheapest memory".to_owned(), ">USD / 1,000 pages".to_owned()]);
    for class in classes(&benchmark.comparisons, &benchmark.priced) {
        let mut row = vec![class.to_owned()];
        for &format in formats {
            let of_it = of_format(&benchmark.comparisons, format).find(|it| it.class == class);
            row.extend(of_it.map_or_else(|| ["–"; 3].map(str::to_owned), figures));
        }
        let cost = cheapest(&benchmark.priced, class);
        row.extend(match cost {
            Some((_, size, usd)) => {
                [format!("{} MB", text::thousands(size.memory_mb.into())), text::usd(usd.total())]
            }
            None => ["–"; 2].map(str::to_owned),
        });
        table.row(row);
    }
    table.without_empty_columns()
}

/// The fastest of ours with its time, the best of the others with its ratio, and its bytes.
fn figures(comparison: &Comparison) -> [String; 3] {
    let none = || "–".to_owned();
    let ours = comparison.reference().and_then(|it| {
        let name = if it.engine.is_empty() { &it.program } else { &it.engine };
        Some(format!("{} `{name}`", text::digits(1e3 / it.pages_per_s?.value)))
    });
    let best = comparison.best_peer();
    let ratio = best.map(|(it, beside)| {
        let mark = if comparison.verdict(&beside.wall) == Verdict::NoDifference { " =" } else { "" };
        format!("{}{mark} `{}`", interval(&beside.wall), it.program)
    });
    let bytes = best.and_then(|(_, it)| it.bytes).map(text::digits);
    [ours.unwrap_or_else(none), ratio.unwrap_or_else(none), bytes.unwrap_or_else(none)]
}
