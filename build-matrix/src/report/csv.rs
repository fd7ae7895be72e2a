//! The report as tables for a spreadsheet. Columns are only ever added, at the end.

use ::csv::Writer;
use anyhow::{Context, Result};

use super::entry::Entry;
use super::figures::{Figures, Spread};

/// The columns of `report.csv`.
const COLUMNS: [&str; 37] = [
    "cell",
    "engines",
    "libc",
    "arch",
    "allocator",
    "experiment",
    "licence",
    "failed_stage",
    "error",
    "checks",
    "bootstrap_bytes",
    "zip_bytes",
    "unzipped_bytes",
    "cpu",
    "cpus",
    "kernel",
    "emulated_by",
    "start_runs",
    "first_next_median_s",
    "first_next_p95_s",
    "cold_cache_first_next_median_s",
    "first_image_median_s",
    "document_median_s",
    "document_p95_s",
    "start_cpu_median_s",
    "peak_rss_median_bytes",
    "page_cpu_s",
    "usd_per_1000_pages",
    "usd_compute",
    "usd_requests",
    "usd_puts",
    "usd_memory_mb",
    "cheapest_memory_mb",
    "build_s",
    "verify_s",
    "package_s",
    "measure_s",
];

/// One row for each cell.
///
/// # Errors
///
/// If a row cannot be formed.
pub fn cells(entries: &[Entry]) -> Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for entry in entries {
        let it = &entry.figures;
        let failure = entry.failures.first();
        let machine = it.machine.as_ref();
        let cost = it.cost.as_ref();
        let row: [String; COLUMNS.len()] = [
            entry.cell.clone(),
            entry.axes.engines.clone(),
            entry.axes.libc.clone(),
            entry.axes.arch.clone(),
            entry.axes.allocator.clone(),
            shown(entry.axes.experiment.as_ref()),
            entry.licence.clone(),
            shown(failure.map(|it| &it.stage)),
            shown(failure.map(|it| &it.error)),
            shown(it.checks),
            shown(it.bootstrap_bytes),
            shown(it.zip_bytes),
            shown(it.unzipped_bytes),
            shown(machine.map(|it| &it.cpu)),
            shown(machine.map(|it| it.cpus)),
            shown(machine.map(|it| &it.kernel)),
            shown(machine.and_then(|it| it.emulated_by.as_ref())),
            shown(it.first_next_s.map(|it| it.n)),
            median(it.first_next_s),
            p95(it.first_next_s),
            median(it.cold_cache_first_next_s),
            median(it.first_image_s),
            median(it.document_s),
            p95(it.document_s),
            median(it.start_cpu_s),
            median(it.peak_rss_bytes),
            shown(it.page_cpu_s),
            shown(cost.map(|it| it.usd.total())),
            shown(cost.map(|it| it.usd.compute)),
            shown(cost.map(|it| it.usd.requests)),
            shown(cost.map(|it| it.usd.puts)),
            shown(cost.map(|it| it.memory_mb)),
            shown(it.cheapest().map(|it| it.memory_mb)),
            stage(it, "build"),
            stage(it, "verify"),
            stage(it, "package"),
            stage(it, "measure"),
        ];
        writer.write_record(row)?;
    }
    finished(writer)
}

/// One row for each measured value, with its unit.
///
/// # Errors
///
/// If a row cannot be formed.
pub fn samples(entries: &[Entry]) -> Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record([
        "cell",
        "metric",
        "document",
        "backend",
        "format",
        "memory_mb",
        "run",
        "value",
        "unit",
    ])?;
    for entry in entries {
        let Some(measured) = &entry.found.measured else { continue };
        let mut add = |names: [&str; 5], values: &[f64], unit: &str| -> Result<()> {
            for (run, value) in (1..).zip(values) {
                let [metric, document, backend, format, memory] = names;
                let (run, value) = (format!("{run}"), value.to_string());
                writer.write_record([
                    &entry.cell,
                    metric,
                    document,
                    backend,
                    format,
                    memory,
                    &run,
                    &value,
                    unit,
                ])?;
            }
            Ok(())
        };
        let start = &measured.start;
        let rss: Vec<f64> = start.peak_rss_bytes.iter().map(|&it| it as f64).collect();
        let of_start = [
            ("first_next", &start.first_next_s, "s"),
            ("cold_cache_first_next", &start.cold_cache_first_next_s, "s"),
            ("first_image", &start.first_image_s, "s"),
            ("document", &start.document_s, "s"),
            ("start_cpu", &start.cpu_s, "s"),
            ("peak_rss", &rss, "bytes"),
        ];
        for (metric, values, unit) in of_start {
            add([metric, &start.document, "", "", ""], values, unit)?;
        }
        for it in &measured.pages {
            add(["pages_wall", &it.document, &it.backend, &it.format, ""], &it.wall_s, "s")?;
            add(["pages_cpu", &it.document, &it.backend, &it.format, ""], &it.cpu_s, "s")?;
        }
        for it in &measured.warm_documents {
            add(["further_document", &it.document, "", "", ""], &it.wall_s, "s")?;
        }
        for it in &measured.backend_starts {
            add(["first_next", &it.start.document, &it.backend, "", ""], &it.start.first_next_s, "s")?;
            add(["document", &it.start.document, &it.backend, "", ""], &it.start.document_s, "s")?;
        }
        for it in &measured.memory_sizes {
            let memory = it.memory_mb.to_string();
            let document = if it.document.is_empty() { &start.document } else { &it.document };
            add(["first_next", document, "", "", &memory], &it.first_next_s, "s")?;
            add(["document", document, "", "", &memory], &it.document_s, "s")?;
            add(["warm_document", document, "", "", &memory], &it.warm_document_s, "s")?;
        }
    }
    finished(writer)
}

fn finished(writer: Writer<Vec<u8>>) -> Result<String> {
    let bytes = writer.into_inner().context("failed to write CSV")?;
    String::from_utf8(bytes).context("failed to write CSV")
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|it| it.to_string()).unwrap_or_default()
}

fn median(spread: Option<Spread>) -> String {
    shown(spread.map(|it| it.median))
}

fn p95(spread: Option<Spread>) -> String {
    shown(spread.map(|it| it.p95))
}

fn stage(figures: &Figures, stage: &str) -> String {
    shown(figures.stage_s.get(stage))
}
