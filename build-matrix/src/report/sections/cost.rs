//! Amounts of memory, and money: for each machine apart.

use stats::median;

use super::times::heading;
use super::{Axis, Block, Entry, Mark, Plot, Report, Row, Section, Table, labels, rows, text};
use crate::report::groups::groups;

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
                        figure: format!("{:.6} USD", cost.compute),
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
        blocks.push(Block::folded_table("Every amount of memory", table.without_empty_columns()));
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
                    if costs.is_empty() { "–".to_owned() } else { format!("{:.6}", median(&costs)) }
                })
                .collect();
            if cells.iter().any(|it| it != "–") {
                table.row([vec![labels.label(&entry.axes), backend.clone()], cells].concat());
            }
        }
    }
    let title = "Compute for 1,000 pages by class of document, in USD, from CPU time with one CPU (1,769 MB)";
    (!table.rows.is_empty()).then(|| Block::folded_table(title, table))
}
