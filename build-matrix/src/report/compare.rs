//! Two cells side by side: ratios of bytes, of starts, of pages.

use std::collections::BTreeMap;

use stats::{Ratio, median};

use super::corpus;
use super::entry::Entry;
use super::figures::{Machine, geometric_mean};
use crate::record::{Measured, Pages};

/// Series of two sides by class of document.
type ByClass<'a> = BTreeMap<String, Vec<(&'a [f64], &'a [f64])>>;

/// One cell as a multiple of another. Times are there only if both were measured on machines of one description.
///
/// Of cells that were measured in turns, a run is paired with the other's run of the same round. Others are
/// compared as series by themselves, which leaves out what drifted between them.
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
    /// Wall-clock time of further documents in one process: the geometric mean over the documents.
    pub further: Option<Ratio>,
    /// The time of pages, or of further documents if there are no pages, by class of document.
    pub classes: BTreeMap<String, Ratio>,
    /// Whether both were measured in turns.
    pub in_turns: bool,
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
            further: None,
            classes: BTreeMap::new(),
            in_turns: false,
            no_times: None,
        };
        let (Some(mine), Some(theirs)) = (&one.found.measured, &with.found.measured) else {
            return Compared { no_times: Some("not measured"), ..sizes };
        };
        if one.figures.machine != with.figures.machine {
            return Compared { no_times: Some("on different machines"), ..sizes };
        }
        let in_turns = !mine.session.is_empty() && mine.session == theirs.session;
        let pages = common_pages(mine, theirs);
        let further = common_documents(mine, theirs);
        let all = |of: &ByClass| {
            let all: Vec<_> = of.values().flatten().copied().collect();
            (!all.is_empty()).then(|| ratio(&all, in_turns))
        };
        let one_series = |mine: &[f64], theirs: &[f64]| {
            (!mine.is_empty() && !theirs.is_empty()).then(|| ratio(&[(mine, theirs)], in_turns))
        };
        let by_class = if pages.is_empty() { &further } else { &pages };
        Compared {
            start: one_series(&mine.start.first_next_s, &theirs.start.first_next_s),
            document: one_series(&mine.start.document_s, &theirs.start.document_s)
                .filter(|_| mine.start.document == theirs.start.document),
            pages: all(&pages),
            further: all(&further),
            classes: by_class.iter().map(|(class, it)| (class.clone(), ratio(it, in_turns))).collect(),
            in_turns,
            ..sizes
        }
    }

    /// Those that can answer a question about times: without an emulator, and in turns if there are such.
    pub fn decisive(all: &[Compared<'a>]) -> Vec<Compared<'a>> {
        let native = || all.iter().filter(|it| it.is_native());
        let in_turns: Vec<_> = native().filter(|it| it.in_turns).cloned().collect();
        if in_turns.is_empty() { native().cloned().collect() } else { in_turns }
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
fn common_pages<'a>(mine: &'a Measured, theirs: &'a Measured) -> ByClass<'a> {
    let mut common: ByClass = BTreeMap::new();
    for it in &mine.pages {
        let is_same = |other: &&Pages| {
            (&other.document, &other.backend, &other.format, other.pages)
                == (&it.document, &it.backend, &it.format, it.pages)
        };
        if let Some(other) = theirs.pages.iter().find(is_same) {
            add(&mut common, &it.document, &it.cpu_s, &other.cpu_s);
        }
    }
    common
}

/// The time of further documents that both have drawn.
fn common_documents<'a>(mine: &'a Measured, theirs: &'a Measured) -> ByClass<'a> {
    let mut common: ByClass = BTreeMap::new();
    for it in &mine.warm_documents {
        if let Some(other) = theirs.warm_documents.iter().find(|other| other.document == it.document) {
            add(&mut common, &it.document, &it.wall_s, &other.wall_s);
        }
    }
    common
}

fn add<'a>(to: &mut ByClass<'a>, document: &str, mine: &'a [f64], theirs: &'a [f64]) {
    if !mine.is_empty() && !theirs.is_empty() {
        to.entry(corpus::class_of(document).to_owned()).or_default().push((mine, theirs));
    }
}

/// The geometric mean of the ratios of many series; what was measured in turns is drawn as pairs of one round.
pub fn ratio(series: &[(&[f64], &[f64])], in_turns: bool) -> Ratio {
    if in_turns && series.iter().all(|(mine, theirs)| mine.len() == theirs.len()) {
        let pair =
            |(mine, theirs): &(&[f64], &[f64])| mine.iter().copied().zip(theirs.iter().copied()).collect();
        Ratio::of_many_pairs(&series.iter().map(pair).collect::<Vec<_>>())
    } else {
        Ratio::of_many_series(series)
    }
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
