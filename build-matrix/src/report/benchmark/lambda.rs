//! What invocations cost with each amount of memory.

use serde::{Deserialize, Serialize};
use stats::median;

use super::record::{InvocationCase, Invocations, MemoryPoint};
use crate::report::figures::are_as_cheap;
use crate::report::prices::{Cost, Prices};

/// A document with an engine, in a format, with several amounts of memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Priced {
    /// The document.
    pub document: String,
    /// Its class.
    pub class: String,
    /// How many pages it has.
    pub pages: u32,
    /// The engine.
    pub backend: String,
    /// The format of the images.
    pub format: String,
    /// The architecture whose prices were taken, as Lambda names it.
    pub arch: String,
    /// The amounts, in the order of the record.
    pub sizes: Vec<Size>,
}

/// An amount of memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Size {
    /// The amount in megabytes as Lambda counts them.
    pub memory_mb: u32,
    /// The CPUs that Lambda gives for it.
    pub cpus: f64,
    /// The median of warm invocations, in seconds.
    pub document_s: Option<f64>,
    /// The median of first invocations, in seconds.
    pub first_document_s: Option<f64>,
    /// The most memory that it took, in bytes.
    pub peak_bytes: Option<u64>,
    /// What 1,000 pages cost with warm invocations.
    pub usd: Option<Cost>,
    /// Whether more memory was taken than there would be.
    pub is_too_small: bool,
    /// Whether computing costs no more than with the cheapest, as far as can be told.
    pub is_as_cheap: bool,
    /// Why there is nothing.
    pub not_measured: Option<String>,
}

/// What every case costs.
pub fn priced(invocations: &Invocations, prices: &Prices) -> Vec<Priced> {
    let arch = invocations.machine.lambda_arch();
    invocations.cases.iter().map(|case| Priced::of(case, arch, prices)).collect()
}

impl Priced {
    fn of(case: &InvocationCase, arch: &str, prices: &Prices) -> Priced {
        let mut sizes: Vec<Size> = case.points.iter().map(|it| Size::of(it, case, arch, prices)).collect();
        // What does not fit is no choice, however cheap it would be.
        let can_be_chosen: Vec<_> = sizes
            .iter()
            .zip(&case.points)
            .map(|(size, it)| {
                (it.memory_mb, size.usd.filter(|_| !size.is_too_small), it.document_s.as_slice())
            })
            .collect();
        for (size, mark) in sizes.iter_mut().zip(are_as_cheap(&can_be_chosen)) {
            size.is_as_cheap = mark;
        }
        Priced {
            document: case.document.clone(),
            class: case.class.clone(),
            pages: case.pages,
            backend: case.backend.clone(),
            format: case.format.clone(),
            arch: arch.to_owned(),
            sizes,
        }
    }

    /// The amount of memory that costs least and is enough, with its cost.
    pub fn cheapest(&self) -> Option<(&Size, Cost)> {
        let costs = self.sizes.iter().filter(|it| !it.is_too_small).filter_map(|it| Some((it, it.usd?)));
        costs.min_by(|(_, one), (_, other)| one.total().total_cmp(&other.total()))
    }

    /// The largest amount that costs no more than the cheapest, as far as can be told: the fastest of them.
    pub fn fastest_of_cheapest(&self) -> Option<&Size> {
        self.sizes.iter().filter(|it| it.is_as_cheap).max_by_key(|it| it.memory_mb)
    }
}

impl Size {
    fn of(point: &MemoryPoint, case: &InvocationCase, arch: &str, prices: &Prices) -> Size {
        let middle = |values: &[f64]| (!values.is_empty()).then(|| median(values));
        let document_s = middle(&point.document_s);
        let peak_bytes = point.peak_bytes.filter(|it| *it > 0);
        Size {
            memory_mb: point.memory_mb,
            cpus: point.cpus,
            document_s,
            first_document_s: middle(&point.first_document_s),
            peak_bytes,
            usd: document_s.and_then(|it| prices.thousand_pages(arch, point.memory_mb, it, case.pages)),
            is_too_small: peak_bytes.is_some_and(|it| it > u64::from(point.memory_mb) << 20),
            is_as_cheap: false,
            not_measured: point.not_measured.clone(),
        }
    }
}
