//! What invocations cost with each amount of memory.

use super::{Benchmark, Block, SERIES, Section, labels};
use crate::report::benchmark::answers::classes;
use crate::report::benchmark::compare::format_name;
use crate::report::benchmark::lambda::Priced;
use crate::report::document::{Plot, Table};
use crate::report::svg::{Axis, Line, LinePoint, lines};
use crate::report::text;

pub(super) fn lambda(benchmark: &Benchmark) -> Option<Section> {
    let of_class =
        |class: &str| -> Vec<&Priced> { benchmark.priced.iter().filter(|it| it.class == class).collect() };
    let all = classes(&[], &benchmark.priced);
    let panels: Vec<Plot> =
        all.iter()
            .enumerate()
            .flat_map(|(number, class)| {
                let cases = of_class(class);
                let chunks: Vec<_> = cases.chunks(SERIES.len()).map(<[_]>::to_vec).collect();
                chunks.into_iter().enumerate().filter_map(move |(chunk, cases)| {
                    plot(&format!("lambda-{number}-{chunk}"), class, &cases)
                })
            })
            .collect();
    let mut table = Table::new(&[
        "documents",
        "document",
        "engine",
        "format",
        ">memory, MB",
        ">CPUs",
        ">invocation, ms",
        ">first, ms",
        ">USD / 1,000 pages",
        ">of it compute",
        ">most memory",
        "",
    ]);
    for case in all.iter().flat_map(|class| of_class(class)) {
        rows(&mut table, case);
    }
    let method = benchmark.record.cost.as_ref().map(|it| it.method.clone()).filter(|it| !it.is_empty());
    let method = method.map(|it| format!(" The share of a CPU: {it}.")).unwrap_or_default();
    let text = format!(
        "What Lambda's computing costs for 1,000 pages, by the time of warm invocations with as much of a CPU as Lambda \
         gives for an amount of memory. Large points cost no more than the cheapest, as far as can be told: the rightmost \
         of them is the fastest. S3's PUT requests and the invocations come on top, and do not depend on memory. An amount \
         below the most memory that was seen is not taken into account.{method}"
    );
    let blocks = vec![
        Block::Text(text),
        Block::Panels(panels),
        Block::folded_table("Every amount of memory", table.without_empty_columns()),
    ];
    (!all.is_empty()).then(|| Section { id: "lambda", title: "Cost by amount of memory".to_owned(), blocks })
}

fn plot(id: &str, class: &str, cases: &[&Priced]) -> Option<Plot> {
    let formats: Vec<String> = cases.iter().map(|it| format_name(&it.format)).collect();
    let parts: Vec<Vec<&str>> = cases
        .iter()
        .zip(&formats)
        .map(|(it, format)| vec![it.document.as_str(), &it.backend, format])
        .collect();
    let mut all = Vec::new();
    for ((case, label), colour) in cases.iter().zip(labels(&parts)).zip(SERIES) {
        let points: Vec<LinePoint> = case
            .sizes
            .iter()
            .filter(|it| !it.is_too_small)
            .filter_map(|it| {
                let usd = it.usd?.compute;
                let memory = text::thousands(it.memory_mb.into());
                let time = it.document_s.map(text::time).unwrap_or_default();
                Some(LinePoint {
                    x: f64::from(it.memory_mb),
                    ends: (usd, usd, usd),
                    name: format!("{label}, {memory} MB: {usd:.6} USD, {time}"),
                    is_marked: it.is_as_cheap,
                })
            })
            .collect();
        if !points.is_empty() {
            all.push(Line { class: colour.to_owned(), name: label, points });
        }
    }
    let xs: Vec<f64> = all.iter().flat_map(|it| &it.points).map(|it| it.x).collect();
    let most = all.iter().flat_map(|it| &it.points).map(|it| it.ends.1).fold(0.0, f64::max);
    let (x, y) = (Axis::at_values(xs.into_iter(), true, ""), Axis::from_zero(most, ""));
    let title = format!("{class}: computing for 1,000 pages");
    let description = "Lines from left to right by the function's memory, from bottom to top by US dollars for 1,000 pages.";
    let svg = lines(id, &title, description, &all, (&x, "MB of memory"), (&y, "USD for 1,000 pages"));
    let legend = all.iter().map(|it| (format!("line-of {}", it.class), it.name.clone())).collect();
    (!all.is_empty()).then(|| Plot { title: class.to_owned(), svg, legend })
}

fn rows(table: &mut Table, case: &Priced) {
    let cheapest = case.cheapest().map(|(it, _)| it.memory_mb);
    for it in &case.sizes {
        let cell = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        let remark = match &it.not_measured {
            Some(why) => format!("not measured: {why}"),
            None if it.is_too_small => "too little memory".to_owned(),
            None if cheapest == Some(it.memory_mb) => "**cheapest**".to_owned(),
            None if it.is_as_cheap => "no dearer".to_owned(),
            None => String::new(),
        };
        table.row(vec![
            case.class.clone(),
            case.document.clone(),
            case.backend.clone(),
            format_name(&case.format),
            text::thousands(it.memory_mb.into()),
            text::digits(it.cpus),
            cell(it.document_s.map(text::ms)),
            cell(it.first_document_s.map(text::ms)),
            cell(it.usd.map(|it| text::usd(it.total()))),
            cell(it.usd.map(|it| format!("{:.6}", it.compute))),
            cell(it.peak_bytes.map(text::bytes)),
            remark,
        ]);
    }
}
