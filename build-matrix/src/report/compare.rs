//! Two cells side by side: ratios of bytes, of starts, of pages.

use std::collections::BTreeMap;

use stats::{Ratio, median};

use super::corpus;
use super::entry::Entry;
use super::figures::{Machine, geometric_mean};
use crate::record::Measured;

/// Series of two sides by class of document.
type ByClass<'a> = BTreeMap<String, Vec<(&'a [f64], &'a [f64])>>;

/// One cell as a multiple of another. Times are there only if both were measured on machines of one description.
#[derive(Debug, Clone)]
pub struct Compared<'a> {
    /// What is compared.
    pub one: &'a Entry,
    /// What it is compared with.
    pub with: &'a Entry,
    /// The bytes of both `bootstrap`s.
    pub bootstrap: Option<(u64, u64)>,
    /// The bytes of both zips.
    pub zip: Option<(u64, u64)>,
    /// From the spawn to the first request for an invocation.
    pub start: Option<Ratio>,
    /// From the spawn to the answer.
    pub document: Option<Ratio>,
    /// CPU time of pages: the geometric mean over what both have drawn.
    pub pages: Option<Ratio>,
    /// The same by class of document.
    pub classes: BTreeMap<String, Ratio>,
    /// Why there are no times, if there are none.
    pub no_times: Option<&'static str>,
}

impl<'a> Compared<'a> {
    /// Compares one cell with another.
    pub fn new(one: &'a Entry, with: &'a Entry) -> Compared<'a> {
        let sizes = Compared {
            one,
            with,
            bootstrap: one.figures.bootstrap_bytes.zip(with.figures.bootstrap_bytes),
            zip: one.figures.zip_bytes.zip(with.figures.zip_bytes),
            start: None,
            document: None,
            pages: None,
            classes: BTreeMap::new(),
            no_times: None,
        };
        let (Some(mine), Some(theirs)) = (&one.found.measured, &with.found.measured) else {
            return Compared { no_times: Some("not measured"), ..sizes };
        };
        if one.figures.machine != with.figures.machine {
            return Compared { no_times: Some("on different machines"), ..sizes };
        }
        let mut by_class: ByClass = BTreeMap::new();
        for (document, mine, theirs) in common_pages(mine, theirs) {
            by_class.entry(corpus::class_of(document).to_owned()).or_default().push((mine, theirs));
        }
        let all: Vec<_> = by_class.values().flatten().copied().collect();
        Compared {
            start: ratio(&mine.start.first_next_s, &theirs.start.first_next_s),
            document: ratio(&mine.start.document_s, &theirs.start.document_s)
                .filter(|_| mine.start.document == theirs.start.document),
            pages: (!all.is_empty()).then(|| Ratio::of_many_series(&all)),
            classes: by_class.iter().map(|(class, it)| (class.clone(), Ratio::of_many_series(it))).collect(),
            ..sizes
        }
    }

    /// Whether its times were measured without an emulator.
    pub fn is_native(&self) -> bool {
        self.no_times.is_none() && self.machine().is_some_and(|it| it.emulated_by.is_none())
    }

    /// The machine of both, if there are times.
    pub fn machine(&self) -> Option<&'a Machine> {
        self.one.figures.machine.as_ref().filter(|_| self.no_times.is_none())
    }
}

/// The CPU time of documents that both have drawn with the same engine in the same format.
fn common_pages<'a>(
    mine: &'a Measured,
    theirs: &'a Measured,
) -> impl Iterator<Item = (&'a str, &'a [f64], &'a [f64])> {
    mine.pages.iter().filter_map(|it| {
        let is_same = |other: &&crate::record::Pages| {
            (&other.document, &other.backend, &other.format, other.pages)
                == (&it.document, &it.backend, &it.format, it.pages)
        };
        let other = theirs.pages.iter().find(is_same)?;
        let is_there = !it.cpu_s.is_empty() && !other.cpu_s.is_empty();
        is_there.then_some((it.document.as_str(), it.cpu_s.as_slice(), other.cpu_s.as_slice()))
    })
}

fn ratio(mine: &[f64], theirs: &[f64]) -> Option<Ratio> {
    (!mine.is_empty() && !theirs.is_empty()).then(|| Ratio::of_series(mine, theirs))
}

/// An engine beside the first of its cell.
#[derive(Debug, Clone)]
pub struct Beside {
    /// The engine.
    pub engine: String,
    /// What it is compared with.
    pub first: String,
    /// CPU time of pages by class of document.
    pub classes: BTreeMap<String, Ratio>,
    /// The same over all documents.
    pub all: Ratio,
    /// CPU milliseconds of a page with each of the two: geometric means over the documents.
    pub ms: (f64, f64),
}

/// The engines of a cell beside the first of them, on what both have drawn.
pub fn engines_of(entry: &Entry) -> Vec<Beside> {
    let Some(measured) = &entry.found.measured else { return Vec::new() };
    let names = measured.pages.iter().map(|it| it.backend.as_str());
    let Some(first) = super::figures::main_backend(names, &entry.backends) else { return Vec::new() };
    let mut engines = Vec::new();
    for engine in entry.backends.iter().filter(|it| **it != first) {
        let mut by_class: ByClass = BTreeMap::new();
        let mut ms = (Vec::new(), Vec::new());
        for mine in measured.pages.iter().filter(|it| it.backend == *engine && !it.cpu_s.is_empty()) {
            let theirs = measured.pages.iter().find(|it| {
                it.backend == first && (&it.document, &it.format) == (&mine.document, &mine.format)
            });
            if let Some(theirs) = theirs.filter(|it| !it.cpu_s.is_empty()) {
                let class = corpus::class_of(&mine.document).to_owned();
                by_class.entry(class).or_default().push((&mine.cpu_s, &theirs.cpu_s));
                let of_page = |values: &[f64]| median(values) * 1e3 / f64::from(mine.pages.max(1));
                ms.0.push(of_page(&mine.cpu_s));
                ms.1.push(of_page(&theirs.cpu_s));
            }
        }
        let all: Vec<_> = by_class.values().flatten().copied().collect();
        if let (Some(mine), Some(theirs)) = (geometric_mean(ms.0), geometric_mean(ms.1)) {
            engines.push(Beside {
                engine: engine.clone(),
                first: first.clone(),
                classes: by_class
                    .iter()
                    .map(|(class, it)| (class.clone(), Ratio::of_many_series(it)))
                    .collect(),
                all: Ratio::of_many_series(&all),
                ms: (mine, theirs),
            });
        }
    }
    engines
}
