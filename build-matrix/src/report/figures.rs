//! What the records of a cell come to: sizes, medians, costs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stats::{Ratio, median, percentile};

use super::corpus;
use super::entry::Found;
use super::prices::{Cost, Prices};
use crate::record::{File, Measured, MemorySize, Pages};

/// The memory at which Lambda gives one CPU, in megabytes.
pub const ONE_CPU_MB: u32 = 1_769;

/// The figures of a cell; `None` is not known.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// The bytes of `bootstrap`, stripped.
    pub bootstrap_bytes: Option<u64>,
    /// The bytes of the zip for Lambda.
    pub zip_bytes: Option<u64>,
    /// The bytes that the zip unpacks to.
    pub unzipped_bytes: Option<u64>,
    /// Seconds that each stage took.
    pub stage_s: BTreeMap<String, f64>,
    /// How many checks it has passed.
    pub checks: Option<usize>,
    /// The machine that measured it.
    pub machine: Option<Machine>,
    /// The document of the starts.
    pub start_document: Option<String>,
    /// From the spawn to the first request for an invocation, in seconds.
    pub first_next_s: Option<Spread>,
    /// The same with the executable not in memory.
    pub cold_cache_first_next_s: Option<Spread>,
    /// From the spawn to the first image, in seconds.
    pub first_image_s: Option<Spread>,
    /// From the spawn to the answer, in seconds.
    pub document_s: Option<Spread>,
    /// CPU seconds from the spawn to the answer.
    pub start_cpu_s: Option<Spread>,
    /// Peak resident memory of the function's process, in bytes.
    pub peak_rss_bytes: Option<Spread>,
    /// The time of pages, by document, engine and format.
    pub pages: Vec<PageFigure>,
    /// The geometric mean of CPU seconds for a page over the documents, with the engine and format that are first.
    pub page_cpu_s: Option<f64>,
    /// By amount of memory.
    pub memory_sizes: Vec<MemoryFigure>,
    /// What 1,000 pages cost.
    pub cost: Option<CellCost>,
    /// What was not measured, and why.
    pub not_measured: Vec<String>,
}

/// Where figures were made: cells of equal descriptions are compared with one another, others are not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Machine {
    /// The model of the processor.
    pub cpu: String,
    /// How many CPUs could be used.
    pub cpus: u64,
    /// The kernel.
    pub kernel: String,
    /// The distribution.
    pub system: String,
    /// The emulator, if the cell did not run by itself.
    pub emulated_by: Option<String>,
}

/// A series of values in short.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// The middle one.
    pub median: f64,
    /// What 95 % do not exceed.
    pub p95: f64,
}

impl Spread {
    /// In short; `None` of nothing.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let (median, p95) = (median(values), percentile(values, 0.95));
        (!values.is_empty()).then_some(Spread { n: values.len(), median, p95 })
    }
}

/// The time of a page of a document, with an engine, in a format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageFigure {
    /// The document.
    pub document: String,
    /// Its class in the corpus.
    pub class: String,
    /// The engine.
    pub backend: String,
    /// The format.
    pub format: String,
    /// The median of wall-clock seconds for a page.
    pub wall_s: f64,
    /// The median of CPU seconds for a page.
    pub cpu_s: f64,
    /// What 1,000 pages cost by that CPU time, one after another on one CPU; `None` for an emulated cell.
    pub cost: Option<Cost>,
}

/// What an amount of memory makes of time and money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryFigure {
    /// The function's memory in megabytes.
    pub memory_mb: u32,
    /// The share of a CPU that it was given.
    pub cpus: f64,
    /// How.
    pub method: String,
    /// The median from the spawn to the answer, in seconds.
    pub cold_s: Option<f64>,
    /// The median of a further document, in seconds.
    pub warm_s: Option<f64>,
    /// What 1,000 pages cost by the time of further documents.
    pub cost: Option<Cost>,
    /// Whether the cost of computing cannot be told from that of the cheapest amount.
    #[serde(default)]
    pub is_as_cheap: bool,
}

/// What 1,000 pages cost with a cell, and how that is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellCost {
    /// The memory that is paid for, in megabytes.
    pub memory_mb: u32,
    /// The cost in USD.
    pub usd: Cost,
    /// The document of the amounts of memory, if it is that of one.
    #[serde(default)]
    pub document: Option<String>,
    /// Whether it is that of the cheapest of the measured amounts of memory, or computed from the CPU time of pages.
    pub from_memory_sizes: bool,
}

impl Figures {
    /// The figures of what was found of a cell.
    pub fn of(
        found: &Found,
        records: &BTreeMap<String, Value>,
        backends: &[String],
        lambda_arch: &str,
        prices: &Prices,
    ) -> Figures {
        let stage_s =
            records.iter().filter_map(|(stage, it)| Some((stage.clone(), it.get("seconds")?.as_f64()?)));
        let sizes = Figures {
            bootstrap_bytes: found.built.as_ref().and_then(|it| bootstrap(&it.files)).map(|it| it.bytes),
            zip_bytes: found.packaged.as_ref().and_then(|it| zip(&it.files)).map(|it| it.bytes),
            unzipped_bytes: found.packaged.as_ref().map(|it| it.unzipped_bytes),
            stage_s: stage_s.collect(),
            checks: found.verified.as_ref().map(|it| it.checks.len()),
            ..Figures::default()
        };
        match &found.measured {
            Some(measured) => sizes.with(measured, backends, lambda_arch, prices),
            None => sizes,
        }
    }

    fn with(self, measured: &Measured, backends: &[String], arch: &str, prices: &Prices) -> Figures {
        let start = &measured.start;
        let is_native = measured.emulated_by.is_none();
        let bytes: Vec<f64> = start.peak_rss_bytes.iter().map(|&it| it as f64).collect();
        let pages: Vec<PageFigure> =
            measured.pages.iter().filter_map(|it| page_figure(it, is_native, arch, prices)).collect();
        let document_pages =
            measured.pages.iter().find(|it| it.document == start.document).map(|it| it.pages);
        let document_pages = document_pages.or_else(|| Some(corpus::document(&start.document)?.pages));
        // Records name the document of an amount of memory only if it may be another one.
        let pages_of = |it: &MemorySize| if it.pages > 0 { Some(it.pages) } else { document_pages };
        let mut memory_sizes: Vec<MemoryFigure> = measured
            .memory_sizes
            .iter()
            .map(|it| {
                let warm_s = Spread::of(&it.warm_document_s).map(|it| it.median);
                let cost = || {
                    prices.thousand_pages(arch, it.memory_mb, warm_s.filter(|_| is_native)?, pages_of(it)?)
                };
                MemoryFigure {
                    memory_mb: it.memory_mb,
                    cpus: it.cpus,
                    method: it.method.clone(),
                    cold_s: Spread::of(&it.document_s).map(|it| it.median),
                    warm_s,
                    cost: cost(),
                    is_as_cheap: false,
                }
            })
            .collect();
        find_cheapest(&mut memory_sizes, &measured.memory_sizes);
        let main = main_pages(&pages, backends);
        let documents = measured.memory_sizes.iter().map(|it| &it.document).chain([&start.document]);
        let document = documents.into_iter().find(|it| !it.is_empty()).cloned();
        Figures {
            // What nothing could run has only sizes.
            machine: measured.machine.is_object().then(|| Machine::of(measured)),
            start_document: (!start.document.is_empty()).then(|| start.document.clone()),
            first_next_s: Spread::of(&start.first_next_s),
            cold_cache_first_next_s: Spread::of(&start.cold_cache_first_next_s),
            first_image_s: Spread::of(&start.first_image_s),
            document_s: Spread::of(&start.document_s),
            start_cpu_s: Spread::of(&start.cpu_s),
            peak_rss_bytes: Spread::of(&bytes),
            page_cpu_s: geometric_mean(main.iter().map(|it| it.cpu_s)),
            cost: cell_cost(&memory_sizes, &main, document),
            pages,
            memory_sizes,
            not_measured: measured.not_measured.clone(),
            ..self
        }
    }

    /// The largest amount of memory that costs no more than the cheapest, as far as can be told: the fastest of them.
    pub fn fastest_of_cheapest(&self) -> Option<&MemoryFigure> {
        self.memory_sizes.iter().filter(|it| it.is_as_cheap).max_by_key(|it| it.memory_mb)
    }

    /// The amount of memory that costs least, of those that were measured.
    pub fn cheapest(&self) -> Option<&MemoryFigure> {
        let with_cost = self.memory_sizes.iter().filter_map(|it| Some((it, it.cost?.total())));
        with_cost.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(it, _)| it)
    }
}

/// Marks the amounts of memory whose cost of computing cannot be told from the least.
fn find_cheapest(figures: &mut [MemoryFigure], measured: &[MemorySize]) {
    let sizes: Vec<_> = figures
        .iter()
        .zip(measured)
        .map(|(figure, it)| (it.memory_mb, figure.cost, it.warm_document_s.as_slice()))
        .collect();
    let marks = are_as_cheap(&sizes);
    for (figure, mark) in figures.iter_mut().zip(marks) {
        figure.is_as_cheap = mark;
    }
}

/// Which amounts of memory cost no more than the cheapest for computing, as far as can be told: of each the
/// megabytes, what 1,000 pages cost, and the times that this was computed from.
pub fn are_as_cheap(sizes: &[(u32, Option<Cost>, &[f64])]) -> Vec<bool> {
    let computing = |it: &Option<Cost>| it.map_or(f64::INFINITY, |it| it.compute);
    let cheapest =
        sizes.iter().min_by(|(_, one, _), (_, other, _)| computing(one).total_cmp(&computing(other)));
    let Some((least_mb, _, least_s)) = cheapest else { return Vec::new() };
    let is_as_cheap = |(memory_mb, cost, times): &(u32, Option<Cost>, &[f64])| {
        // Computing costs memory by time.
        let memory = f64::from(*memory_mb) / f64::from((*least_mb).max(1));
        cost.is_some() && Ratio::of_series(times, least_s).low * memory <= 1.0
    };
    sizes.iter().map(is_as_cheap).collect()
}

impl Machine {
    fn of(measured: &Measured) -> Machine {
        let text =
            |name: &str| measured.machine.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        Machine {
            cpu: text("cpu"),
            cpus: measured.machine.get("cpus").and_then(Value::as_u64).unwrap_or(0),
            kernel: text("kernel"),
            system: text("system"),
            emulated_by: measured.emulated_by.clone(),
        }
    }
}

/// `bootstrap` among the files of a cell.
fn bootstrap(files: &BTreeMap<String, File>) -> Option<&File> {
    // That of the package, and not a copy beside the command.
    let packaged = files.get("lambda/bootstrap").or_else(|| files.get("bootstrap"));
    packaged.or_else(|| {
        files.iter().find(|(path, _)| path.rsplit('/').next() == Some("bootstrap")).map(|(_, file)| file)
    })
}

/// The zip for Lambda among the archives of a cell.
fn zip(files: &BTreeMap<String, File>) -> Option<&File> {
    files.iter().find(|(name, _)| name.ends_with(".zip")).map(|(_, file)| file)
}

fn page_figure(measured: &Pages, is_native: bool, arch: &str, prices: &Prices) -> Option<PageFigure> {
    let of_document = median(&measured.cpu_s);
    if measured.pages == 0 || !of_document.is_finite() {
        return None;
    }
    let cost = prices.thousand_pages(arch, ONE_CPU_MB, of_document, measured.pages);
    Some(PageFigure {
        document: measured.document.clone(),
        class: corpus::class_of(&measured.document).to_owned(),
        backend: measured.backend.clone(),
        format: measured.format.clone(),
        wall_s: median(&measured.wall_s) / f64::from(measured.pages),
        cpu_s: of_document / f64::from(measured.pages),
        cost: cost.filter(|_| is_native),
    })
}

/// The pages with the engine and the format that stand for a cell: the first engine that was measured, and the
/// first format.
fn main_pages<'a>(pages: &'a [PageFigure], backends: &[String]) -> Vec<&'a PageFigure> {
    let Some(backend) = main_backend(pages.iter().map(|it| it.backend.as_str()), backends) else {
        return Vec::new();
    };
    let with_it: Vec<_> = pages.iter().filter(|it| it.backend == backend).collect();
    let format = with_it.first().map(|it| it.format.clone());
    with_it.into_iter().filter(|it| Some(&it.format) == format.as_ref()).collect()
}

/// The engine that stands for a cell: the first of its engines of which there are measurements.
pub fn main_backend<'a>(
    measured: impl Iterator<Item = &'a str> + Clone,
    backends: &[String],
) -> Option<String> {
    backends.iter().find(|it| measured.clone().any(|name| name == *it)).cloned()
}

fn cell_cost(
    memory_sizes: &[MemoryFigure],
    pages: &[&PageFigure],
    document: Option<String>,
) -> Option<CellCost> {
    let costs = memory_sizes.iter().filter_map(|it| Some((it.memory_mb, it.cost?)));
    if let Some((memory_mb, usd)) = costs.min_by(|(_, one), (_, other)| one.total().total_cmp(&other.total()))
    {
        return Some(CellCost { memory_mb, usd, document, from_memory_sizes: true });
    }
    let costs: Vec<Cost> = pages.iter().filter_map(|it| it.cost).collect();
    (!costs.is_empty()).then(|| CellCost {
        memory_mb: ONE_CPU_MB,
        usd: Cost::mean(&costs),
        document: None,
        from_memory_sizes: false,
    })
}

/// The geometric mean; `None` of nothing.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = values.into_iter().map(f64::ln).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}
