//! The benchmark as tables for a spreadsheet. Columns are only ever added, at the end.

use ::csv::Writer;
use anyhow::{Context, Result};
use stats::Ratio;

use super::Benchmark;

/// One row for each program, class, format and resolution.
///
/// # Errors
///
/// If a row cannot be formed.
pub fn standings(benchmark: &Benchmark) -> Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record([
        "class",
        "documents",
        "format",
        "dpi",
        "program",
        "engine",
        "ours",
        "counted_documents",
        "processes",
        "runs",
        "pages_per_s",
        "pages_per_s_low",
        "pages_per_s_high",
        "compared_with",
        "wall_ratio",
        "wall_ratio_low",
        "wall_ratio_high",
        "cpu_ratio",
        "cpu_ratio_low",
        "cpu_ratio_high",
        "bytes_ratio",
        "peak_bytes",
        "noise_low",
        "noise_high",
    ])?;
    for comparison in benchmark.comparisons.iter().chain(&benchmark.documents) {
        for it in &comparison.standings {
            let beside = it.beside.as_ref();
            let mut row = vec![
                comparison.class.clone(),
                comparison.documents.join(" "),
                comparison.format.clone(),
                comparison.dpi.to_string(),
                it.program.clone(),
                it.engine.clone(),
                it.ours.to_string(),
                it.documents.to_string(),
                shown(it.processes),
                it.runs.to_string(),
            ];
            row.extend(ends(it.pages_per_s.as_ref()));
            row.push(shown(comparison.reference.as_ref()));
            row.extend(ends(beside.map(|it| &it.wall)));
            row.extend(ends(beside.and_then(|it| it.cpu.as_ref())));
            row.push(shown(beside.and_then(|it| it.bytes)));
            row.push(shown(it.peak_bytes));
            row.extend(ends(comparison.noise.as_ref()).into_iter().skip(1));
            writer.write_record(row)?;
        }
    }
    finished(writer)
}

fn ends(ratio: Option<&Ratio>) -> [String; 3] {
    ratio.map_or_else(Default::default, |it| [it.value, it.low, it.high].map(|it| it.to_string()))
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|it| it.to_string()).unwrap_or_default()
}

/// Where rows of single measurements go.
struct Samples(Writer<Vec<u8>>);

impl Samples {
    /// `names` are part, program, document, class, format, setting and metric.
    fn add(&mut self, names: [&str; 7], values: &[f64], unit: &str) -> Result<()> {
        for (run, value) in (1..).zip(values) {
            let (run, value): (String, String) = (format!("{run}"), value.to_string());
            self.0.write_record(names.into_iter().chain([run.as_str(), &value, unit]))?;
        }
        Ok(())
    }
}

/// One row for each measured value, with its unit.
///
/// # Errors
///
/// If a row cannot be formed.
pub fn samples(benchmark: &Benchmark) -> Result<String> {
    let mut samples = Samples(Writer::from_writer(Vec::new()));
    samples.0.write_record([
        "part", "program", "document", "class", "format", "setting", "metric", "run", "value", "unit",
    ])?;
    let record = &benchmark.record;
    for case in record.peers.iter().flat_map(|it| &it.cases) {
        let dpi = format!("{} dpi", case.dpi);
        for side in &case.sides {
            let program = if side.again { format!("{} again", side.program) } else { side.program.clone() };
            let names =
                |metric| ["peers", program.as_str(), &case.document, &case.class, &case.format, &dpi, metric];
            samples.add(names("wall"), &side.wall_s, "s")?;
            samples.add(names("cpu"), &side.cpu_s, "s")?;
        }
    }
    for it in record.scaling.iter().flat_map(|it| &it.series) {
        for point in &it.points {
            let at = format!("{} {}", point.value, it.axis);
            let names =
                |metric| ["scaling", it.backend.as_str(), &it.document, &it.class, &it.format, &at, metric];
            samples.add(names("wall"), &point.wall_s, "s")?;
            samples.add(names("cpu"), &point.cpu_s, "s")?;
        }
    }
    for it in record.cost.iter().flat_map(|it| &it.cases) {
        for point in &it.points {
            let at = format!("{} MB", point.memory_mb);
            let names =
                |metric| ["cost", it.backend.as_str(), &it.document, &it.class, &it.format, &at, metric];
            samples.add(names("document"), &point.document_s, "s")?;
            samples.add(names("first_document"), &point.first_document_s, "s")?;
        }
    }
    for it in record.isolation.iter().flat_map(|it| &it.cases) {
        let names =
            |metric| ["isolation", it.backend.as_str(), &it.document, &it.class, &it.format, "", metric];
        samples.add(names("in_process_wall"), &it.in_process_s, "s")?;
        samples.add(names("in_process_cpu"), &it.in_process_cpu_s, "s")?;
        samples.add(names("worker_wall"), &it.worker_s, "s")?;
        samples.add(names("worker_cpu"), &it.worker_cpu_s, "s")?;
    }
    finished(samples.0)
}

fn finished(writer: Writer<Vec<u8>>) -> Result<String> {
    let bytes = writer.into_inner().context("failed to write CSV")?;
    String::from_utf8(bytes).context("failed to write CSV")
}
