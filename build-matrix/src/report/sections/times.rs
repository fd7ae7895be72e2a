//! Starts, pages, amounts of memory, money: for each machine apart.

use stats::median;

use super::{
    Axis, Block, Entry, Mark, Plot, Report, Row, Section, Table, labels, rows, text, variant, variants,
};
use crate::record::{Measured, Start};
use crate::report::corpus;
use crate::report::figures::Spread;
use crate::report::groups::{Group, groups};
use crate::report::labels::Labels;

/// A series of a start: what it is called, and where it is.
type Series = (&'static str, fn(&Start) -> &Vec<f64>);

const STARTS: [Series; 4] = [
    ("Spawn to first request for work", |it| &it.first_next_s),
    ("The same, executable not in memory", |it| &it.cold_cache_first_next_s),
    ("Spawn to first image", |it| &it.first_image_s),
    ("Spawn to answer, whole document", |it| &it.document_s),
];

/// The heading of a group's figures, if there is more than one group.
fn heading(groups: &[Group], group: &Group) -> Option<Block> {
    (groups.len() > 1 || !group.is_native())
        .then(|| Block::Heading(format!("{}: {}", group.letter, group.title())))
}

pub(super) fn start(entries: &[Entry]) -> Option<Section> {
    let groups = groups(entries);
    let mut blocks = vec![Block::Text(
        "From the spawn of `bootstrap`, against an emulated Runtime API and S3 on the same machine. It is not AWS's \
         Init Duration, which includes fetching the package and starting a microVM."
            .to_owned(),
    )];
    for group in &groups {
        let started: Vec<&Entry> =
            group.entries.iter().copied().filter(|it| it.figures.first_next_s.is_some()).collect();
        if started.is_empty() {
            continue;
        }
        blocks.extend(heading(&groups, group));
        let labels = plot_labels(&started);
        let mut panels = Vec::new();
        for (number, (title, series)) in STARTS.iter().enumerate() {
            let of = |entry: &Entry| entry.found.measured.as_ref().map(|it| series(&it.start).clone());
            let drawn = started.iter().filter(|it| !it.is_experiment());
            let all = drawn.map(|it| (labels.label(&it.axes), variant(&it.axes), of(it))).collect();
            let id = format!("start-{}-{number}", group.letter);
            panels.extend(strips(&id, title, all, 1e3, "ms"));
        }
        if let Some(first) = panels.first_mut() {
            first.legend = variants(started.iter().copied().filter(|it| !it.is_experiment()));
        }
        blocks.extend(group.is_native().then_some(Block::Panels(panels)));
        blocks.push(Block::Table(start_table(&started)));
    }
    (blocks.len() > 1).then(|| Section { id: "start", title: "Cold start".to_owned(), blocks })
}

fn start_table(entries: &[&Entry]) -> Table {
    let labels = labels(entries);
    let mut table = Table::new(&[
        "cell",
        ">runs",
        ">start, ms",
        ">p95",
        ">not in memory, ms",
        ">first image, ms",
        ">document, ms",
        ">p95",
        ">CPU, ms",
        ">peak memory",
    ]);
    for entry in entries {
        let it = &entry.figures;
        let cell = |spread: Option<Spread>, of: fn(&Spread) -> f64| {
            spread.as_ref().map_or_else(|| "–".to_owned(), |it| text::ms(of(it)))
        };
        table.row(vec![
            labels.label(&entry.axes),
            it.first_next_s.map_or(0, |it| it.n).to_string(),
            cell(it.first_next_s, |it| it.median),
            cell(it.first_next_s, |it| it.p95),
            cell(it.cold_cache_first_next_s, |it| it.median),
            cell(it.first_image_s, |it| it.median),
            cell(it.document_s, |it| it.median),
            cell(it.document_s, |it| it.p95),
            cell(it.start_cpu_s, |it| it.median),
            it.peak_rss_bytes.map_or_else(|| "–".to_owned(), |it| text::bytes(it.median as u64)),
        ]);
    }
    table.without_empty_columns()
}

/// How the cells in a plot are called: experiments are compared elsewhere and are not among them.
fn plot_labels(entries: &[&Entry]) -> Labels {
    let plain: Vec<&Entry> = entries.iter().copied().filter(|it| !it.is_experiment()).collect();
    labels(if plain.is_empty() { entries } else { &plain })
}

/// Series as strips of dots; `None` if all are empty.
fn strips(
    id: &str,
    title: &str,
    series: Vec<(String, &'static str, Option<Vec<f64>>)>,
    scale: f64,
    unit: &'static str,
) -> Option<Plot> {
    let mut all = Vec::new();
    let mut reach: f64 = 0.0;
    let mut least = f64::INFINITY;
    for (label, class, values) in series {
        let values: Vec<f64> = values.unwrap_or_default().iter().map(|it| it * scale).collect();
        let Some(Spread { median, p95, .. }) = Spread::of(&values) else { continue };
        reach = reach.max(p95);
        least = values.iter().copied().fold(least, f64::min);
        all.push((label, class, values, median, p95));
    }
    // A single run that took very long would press all others together.
    let largest = all.iter().flat_map(|it| &it.2).copied().fold(0.0, f64::max);
    let axis = Axis::between(least, if largest <= reach * 1.3 { largest } else { reach * 1.1 }, unit);
    let drawn: Vec<Row> = all
        .into_iter()
        .map(|(label, class, values, median, p95)| Row {
            label,
            figure: format!("{} {unit}", text::digits(median)),
            detail: format!(" · p95 {}", text::digits(p95)),
            mark: Mark::Strip { class: class.to_owned(), values, median_p95: (median, p95) },
        })
        .collect();
    let description = "Each dot is one run; the line is the median, the short line the 95th percentile.";
    (!drawn.is_empty()).then(|| Plot {
        title: title.to_owned(),
        svg: rows(id, title, description, &drawn, &axis),
        legend: Vec::new(),
    })
}

pub(super) fn pages(entries: &[Entry]) -> Option<Section> {
    let groups = groups(entries);
    let mut blocks = vec![Block::Text(
        "CPU time of drawing and encoding a page: that of the whole document, divided by its pages. Each dot is a \
         run, the line its median, the short line the 95th percentile."
            .to_owned(),
    )];
    for group in &groups {
        let measured: Vec<(&Entry, &Measured)> = group
            .entries
            .iter()
            .filter_map(|it| Some((*it, it.found.measured.as_ref()?)))
            .filter(|(_, it)| !it.pages.is_empty())
            .collect();
        if measured.is_empty() {
            continue;
        }
        blocks.extend(heading(&groups, group));
        let cells: Vec<&Entry> = measured.iter().map(|(it, _)| *it).collect();
        let mut panels = page_panels(group, &measured);
        if let Some(first) = panels.first_mut() {
            first.legend = variants(cells.iter().copied().filter(|it| !it.is_experiment()));
        }
        blocks.extend(group.is_native().then_some(Block::Panels(panels)));
        let plain: Vec<&Entry> = cells.iter().copied().filter(|it| !it.is_experiment()).collect();
        blocks.push(Block::Table(page_table(if plain.is_empty() { &cells } else { &plain })));
    }
    (blocks.len() > 1).then(|| Section { id: "pages", title: "Time of a page".to_owned(), blocks })
}

/// What was drawn, by class: class, document, format.
fn documents(measured: &[(&Entry, &Measured)]) -> Vec<(String, String, String)> {
    let mut documents: Vec<_> = measured
        .iter()
        .flat_map(|(_, it)| &it.pages)
        .map(|it| (corpus::class_of(&it.document).to_owned(), it.document.clone(), it.format.clone()))
        .collect();
    documents.sort();
    documents.dedup();
    documents
}

fn page_panels(group: &Group, measured: &[(&Entry, &Measured)]) -> Vec<Plot> {
    let cells: Vec<&Entry> = measured.iter().map(|(it, _)| *it).collect();
    let labels = plot_labels(&cells);
    let one_engine = cells.iter().all(|it| it.backends.len() == 1);
    let mut panels = Vec::new();
    for (number, (class, document, format)) in documents(measured).into_iter().enumerate() {
        let mut series = Vec::new();
        for (entry, it) in measured.iter().filter(|(it, _)| !it.is_experiment()) {
            for pages in it.pages.iter().filter(|it| it.document == document && it.format == format) {
                let label = labels.label(&entry.axes);
                let label = if one_engine || pages.backend == entry.axes.engines {
                    label
                } else {
                    format!("{label}: {}", pages.backend)
                };
                let count = f64::from(pages.pages.max(1));
                series.push((
                    label,
                    variant(&entry.axes),
                    Some(pages.cpu_s.iter().map(|it| it / count).collect()),
                ));
            }
        }
        let title = format!("{class}: {document}, {format}");
        panels.extend(strips(&format!("page-{}-{number}", group.letter), &title, series, 1e3, "ms"));
    }
    panels
}

/// Documents as rows, cells as columns.
fn page_table(entries: &[&Entry]) -> Table {
    let labels = labels(entries);
    let mut keys: Vec<[&str; 4]> = entries
        .iter()
        .flat_map(|it| &it.figures.pages)
        .map(|it| [it.class.as_str(), &it.document, &it.format, &it.backend])
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut table = Table::new(&["class", "document", "format", "engine"]);
    table.header.extend(entries.iter().map(|it| format!(">{}", labels.label(&it.axes))));
    for key in keys {
        let of = |entry: &&Entry| {
            let mut pages = entry.figures.pages.iter();
            let found = pages.find(|it| [it.class.as_str(), &it.document, &it.format, &it.backend] == key);
            found.map_or_else(|| "–".to_owned(), |it| text::ms(it.cpu_s))
        };
        table.row(key.iter().map(|&it| it.to_owned()).chain(entries.iter().map(of)).collect());
    }
    table
}

pub(super) fn memory(entries: &[Entry]) -> Option<Section> {
    let groups = groups(entries);
    let mut blocks = Vec::new();
    for group in &groups {
        let sized: Vec<&Entry> = group
            .entries
            .iter()
            .copied()
            .filter(|it| !it.is_experiment() && !it.figures.memory_sizes.is_empty())
            .collect();
        if sized.is_empty() {
            continue;
        }
        blocks.extend(heading(&groups, group));
        let labels = labels(&sized);
        let costs = sized.iter().flat_map(|it| &it.figures.memory_sizes).filter_map(|it| it.cost);
        let most = costs.map(|it| it.compute).fold(0.0, f64::max);
        let mut panels = Vec::new();
        let mut table = Table::new(&[
            "cell",
            ">memory, MB",
            ">CPUs",
            ">cold document, ms",
            ">further document, ms",
            ">USD / 1,000 pages",
            ">of it compute",
            "CPUs limited by",
        ]);
        for (number, entry) in sized.iter().enumerate() {
            let label = labels.label(&entry.axes);
            let cheapest = entry.figures.cheapest().map(|it| it.memory_mb);
            let mut all = Vec::new();
            for it in &entry.figures.memory_sizes {
                let name = format!("{} MB", text::thousands(it.memory_mb.into()));
                let (class, rank) = match it.is_as_cheap {
                    true if cheapest == Some(it.memory_mb) => ("best", " · cheapest"),
                    true => ("best", " · no dearer"),
                    false => ("other", ""),
                };
                let time = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), text::ms);
                if let (Some(cost), Some(warm)) = (it.cost, it.warm_s) {
                    all.push(Row {
                        label: name.clone() + rank,
                        figure: format!("{:.5} USD", cost.compute),
                        detail: format!(" · {}", text::time(warm)),
                        mark: Mark::Bar { parts: vec![(class.to_owned(), cost.compute, name)], below: None },
                    });
                }
                table.row(vec![
                    label.clone(),
                    text::thousands(it.memory_mb.into()),
                    text::digits(it.cpus),
                    time(it.cold_s),
                    time(it.warm_s),
                    it.cost.map_or_else(|| "–".to_owned(), |it| text::usd(it.total())),
                    it.cost.map_or_else(|| "–".to_owned(), |it| format!("{:.6}", it.compute)),
                    it.method.clone(),
                ]);
            }
            if !all.is_empty() {
                let axis = Axis::from_zero(most, "USD");
                let title = format!("Compute for 1,000 pages with {label}");
                let description = "A bar for each amount of memory: what Lambda's computing costs for 1,000 pages, in US dollars.";
                let svg =
                    rows(&format!("memory-{}-{number}", group.letter), &title, description, &all, &axis);
                panels.push(Plot { title: label, svg, legend: Vec::new() });
            }
        }
        if !panels.is_empty() {
            blocks.push(Block::Text(
                "What Lambda's computing costs for 1,000 pages, and how long a further document takes in the same process. S3's PUT requests and invocations come on top; they \
                 do not depend on memory. The share of a CPU is that of the amount of memory; the memory itself was not \
                 limited, so look at the peak before choosing a small one."
                    .to_owned(),
            ));
            blocks.push(Block::Panels(panels));
        }
        blocks.push(Block::Folded("Every amount of memory".to_owned(), table.without_empty_columns()));
    }
    (!blocks.is_empty()).then(|| Section { id: "memory", title: "Amount of memory".to_owned(), blocks })
}

pub(super) fn cost(report: &Report) -> Option<Section> {
    let groups = groups(&report.cells);
    let prices = &report.prices;
    let mut blocks = vec![Block::Text(format!(
        "Prices of {} as of {} ([Lambda]({}), [S3]({})), without the free tier, transfers, storage, logs and GET \
         requests. The table is `build-matrix/prices.toml`.",
        prices.region, prices.checked, prices.lambda.source, prices.s3.source
    ))];
    for group in groups.iter().filter(|it| it.is_native()) {
        let paid: Vec<&Entry> = group
            .entries
            .iter()
            .copied()
            .filter(|it| !it.is_experiment() && it.figures.cost.is_some())
            .collect();
        if paid.is_empty() {
            continue;
        }
        blocks.extend(heading(&groups, group));
        let labels = labels(&paid);
        let mut all = Vec::new();
        let mut table = Table::new(&[
            "cell",
            ">USD / 1,000 pages",
            ">compute",
            ">invocations",
            ">S3 PUT",
            ">memory, MB",
            "basis",
        ]);
        for entry in &paid {
            let Some(cost) = &entry.figures.cost else { continue };
            let usd = cost.usd;
            let part = |class: &str, usd: f64, name: &str| {
                (class.to_owned(), usd, format!("{name}: {} USD", text::usd(usd)))
            };
            all.push(Row {
                label: labels.label(&entry.axes),
                figure: format!("{} USD", text::usd(usd.total())),
                detail: format!(" · compute {}", text::usd(usd.compute)),
                mark: Mark::Bar {
                    parts: vec![
                        part("compute", usd.compute, "compute"),
                        part("requests", usd.requests, "invocations"),
                        part("puts", usd.puts, "S3 PUT requests"),
                    ],
                    below: None,
                },
            });
            let basis = if cost.from_memory_sizes { "further documents" } else { "CPU time of pages" };
            table.row(vec![
                labels.label(&entry.axes),
                text::usd(usd.total()),
                format!("{:.6}", usd.compute),
                format!("{:.6}", usd.requests),
                format!("{:.6}", usd.puts),
                text::thousands(cost.memory_mb.into()),
                basis.to_owned(),
            ]);
        }
        let most =
            paid.iter().filter_map(|it| Some(it.figures.cost.as_ref()?.usd.total())).fold(0.0, f64::max);
        let legend = [
            ("compute", "Lambda: memory by time"),
            ("requests", "Lambda: invocations"),
            ("puts", "S3: PUT requests"),
        ];
        let description = "A bar for each cell: what 1,000 pages cost, by what is paid for.";
        let svg = rows(
            &format!("cost-{}", group.letter),
            "Cost of 1,000 pages by cell",
            description,
            &all,
            &Axis::from_zero(most, "USD"),
        );
        blocks.push(Block::Plot(Plot {
            title: "1,000 pages".to_owned(),
            svg,
            legend: legend.map(|(class, name)| (class.to_owned(), name.to_owned())).to_vec(),
        }));
        blocks.push(Block::Table(table));
        blocks.extend(by_class(&paid));
    }
    (blocks.len() > 1).then(|| Section { id: "cost", title: "Cost".to_owned(), blocks })
}

/// What computing costs by class of document, from CPU time.
fn by_class(entries: &[&Entry]) -> Option<Block> {
    let labels = labels(entries);
    let mut classes: Vec<&str> =
        entries.iter().flat_map(|it| &it.figures.pages).map(|it| it.class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut table = Table::new(&["cell", "engine"]);
    table.header.extend(classes.iter().map(|it| format!(">{it}")));
    for entry in entries {
        for backend in &entry.backends {
            let cells: Vec<String> = classes
                .iter()
                .map(|class| {
                    let of_it =
                        entry.figures.pages.iter().filter(|it| it.class == *class && it.backend == *backend);
                    let costs: Vec<f64> = of_it.filter_map(|it| Some(it.cost?.compute)).collect();
                    if costs.is_empty() { "–".to_owned() } else { format!("{:.5}", median(&costs)) }
                })
                .collect();
            if cells.iter().any(|it| it != "–") {
                table.row([vec![labels.label(&entry.axes), backend.clone()], cells].concat());
            }
        }
    }
    let title = "Compute for 1,000 pages by class of document, in USD, from CPU time with one CPU (1,769 MB)";
    (!table.rows.is_empty()).then(|| Block::Folded(title.to_owned(), table))
}
