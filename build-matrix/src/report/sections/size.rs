//! What takes the bytes.

use std::collections::BTreeMap;

use super::{Axis, Block, Entry, Mark, Plot, Row, Section, Table, labels, rows, text};

/// How many parts have a colour of their own; the others are together.
const COLOURS: usize = 6;

pub(super) fn size(entries: &[Entry]) -> Option<Section> {
    let built: Vec<&Entry> = entries.iter().filter(|it| it.figures.bootstrap_bytes.is_some()).collect();
    if built.is_empty() {
        return None;
    }
    let by_part = built.iter().any(|it| it.found.measured.as_ref().is_some_and(|it| !it.parts.is_empty()));
    let of = |entry: &Entry| if by_part { parts(entry) } else { sections(entry) };
    let names = largest(&built, &of);
    let labels = labels(&built);
    let mut legend: Vec<(String, String)> =
        names.iter().enumerate().map(|(number, name)| (format!("p{number}"), name.clone())).collect();
    let mut all = Vec::new();
    let mut table = Table::new(&["cell", ">bootstrap", ">zip", ">unzipped"]);
    table.header.extend(names.iter().map(|it| format!(">{it}")));
    for entry in &built {
        let figures = &entry.figures;
        let bootstrap = figures.bootstrap_bytes.unwrap_or_default();
        let known = of(entry);
        let mut segments: Vec<(String, u64, String)> = names
            .iter()
            .enumerate()
            .filter_map(|(number, name)| Some((format!("p{number}"), *known.get(name)?, name.clone())))
            .collect();
        let named: u64 = segments.iter().map(|(_, bytes, _)| bytes).sum();
        let rest = if named == 0 { "bootstrap" } else { "the rest of bootstrap" };
        segments.push(("p-rest".to_owned(), bootstrap.saturating_sub(named), rest.to_owned()));
        let others = other_files(entry);
        let other: u64 = others.iter().map(|(_, bytes, _)| bytes).sum();
        segments.extend(others);
        let beside = figures.unzipped_bytes.map_or(0, |it| it.saturating_sub(bootstrap + other));
        segments.push(("p-beside".to_owned(), beside, "licence texts and the like".to_owned()));
        segments.retain(|(_, bytes, _)| *bytes > 0);
        for (class, _, name) in &segments {
            if !legend.iter().any(|(known, _)| known == class) {
                legend.push((class.clone(), name.clone()));
            }
        }
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let zip = figures.zip_bytes.map(|it| format!(" · zip {}", text::bytes(it))).unwrap_or_default();
        all.push(Row {
            label: labels.label(&entry.axes),
            figure: text::bytes(figures.unzipped_bytes.unwrap_or(bootstrap)),
            detail: zip,
            mark: Mark::Bar {
                parts: segments
                    .iter()
                    .map(|(class, bytes, name)| {
                        (class.clone(), mb(*bytes), format!("{name}: {}", text::bytes(*bytes)))
                    })
                    .collect(),
                below: figures.zip_bytes.map(mb),
            },
        });
        let cell = |bytes: Option<u64>| bytes.map_or_else(|| "–".to_owned(), text::bytes);
        let mut row = vec![
            labels.label(&entry.axes),
            cell(figures.bootstrap_bytes),
            cell(figures.zip_bytes),
            cell(figures.unzipped_bytes),
        ];
        row.extend(names.iter().map(|name| cell(known.get(name).copied())));
        table.row(row);
    }
    if all.iter().any(|it| matches!(it.mark, Mark::Bar { below: Some(_), .. })) {
        legend.push(("thin".to_owned(), "the zip".to_owned()));
    }
    let widest =
        built.iter().filter_map(|it| it.figures.unzipped_bytes.max(it.figures.bootstrap_bytes)).max();
    let axis = Axis::from_zero(widest.unwrap_or_default() as f64 / 1e6, "MB");
    let description = "A bar for each cell: what it unpacks to, by part; the thin bar below is its zip.";
    let svg = rows("size", "Size by cell", description, &all, &axis);
    let what = match (by_part, names.is_empty()) {
        (_, true) => "What a package unpacks to, stripped.",
        (true, _) => {
            "What a package unpacks to, stripped, with `bootstrap` by crate and C library (from its symbols)."
        }
        (false, _) => "What a package unpacks to, stripped, with `bootstrap` by section of the executable.",
    };
    let mut blocks = vec![
        Block::Text(what.to_owned()),
        Block::Plot(Plot { title: String::new(), svg, legend }),
        Block::Table(table.without_empty_columns()),
    ];
    blocks.extend(folded("By section of the executable", &built, sections));
    blocks.extend(folded("By crate and C library", &built, parts));
    Some(Section { id: "size", title: "Size".to_owned(), blocks })
}

fn parts(entry: &Entry) -> BTreeMap<String, u64> {
    let mut parts = BTreeMap::new();
    for (name, bytes) in entry.found.measured.iter().flat_map(|it| &it.parts) {
        *parts.entry(name.clone()).or_default() += bytes;
    }
    parts
}

fn sections(entry: &Entry) -> BTreeMap<String, u64> {
    entry.found.measured.as_ref().map(|it| it.sections.clone()).unwrap_or_default()
}

/// The parts that are largest over all cells.
fn largest(entries: &[&Entry], of: &dyn Fn(&Entry) -> BTreeMap<String, u64>) -> Vec<String> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for entry in entries {
        for (name, bytes) in of(entry) {
            *sums.entry(name).or_default() += bytes;
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(name, bytes)| (std::cmp::Reverse(*bytes), name.clone()));
    sums.into_iter().take(COLOURS).map(|(name, _)| name).collect()
}

/// The executable code beside `bootstrap`: PDFium's library, and the worker that loads it.
fn other_files(entry: &Entry) -> Vec<(String, u64, String)> {
    let files = entry.found.measured.iter().flat_map(|it| &it.other_files);
    files
        .map(|(path, bytes)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let class = if name.contains(".so") { "p-library" } else { "p-worker" };
            (class.to_owned(), *bytes, name.to_owned())
        })
        .collect()
}

fn folded(title: &str, entries: &[&Entry], of: fn(&Entry) -> BTreeMap<String, u64>) -> Option<Block> {
    let labels = labels(entries);
    let with: Vec<_> =
        entries.iter().map(|it| (labels.label(&it.axes), of(it))).filter(|(_, it)| !it.is_empty()).collect();
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, bytes) in with.iter().flat_map(|(_, it)| it) {
        *sums.entry(name).or_default() += bytes;
    }
    let mut names: Vec<_> = sums.into_iter().collect();
    names.sort_by_key(|(name, bytes)| (std::cmp::Reverse(*bytes), *name));
    let mut table = Table::new(&["part"]);
    table.header.extend(with.iter().map(|(label, _)| format!(">{label}")));
    for (name, _) in names {
        let cells =
            with.iter().map(|(_, it)| it.get(name).map_or_else(|| "–".to_owned(), |it| text::bytes(*it)));
        table.row(std::iter::once(name.to_owned()).chain(cells).collect());
    }
    (!with.is_empty()).then(|| Block::folded_table(title, table))
}
