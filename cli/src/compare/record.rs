//! What a comparison came to, as `compare.json` has it.

use std::collections::{BTreeMap, BTreeSet};

use fidelity::{Agreement, Comparison, Figures, Verdict};
use pdf2img::manifest::Failure;
use serde::Serialize;
use serde_json::{Map, Value};

/// Everything that was compared.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    /// The program and its version.
    pub(super) generator: String,
    /// The options that shaped the pictures.
    pub(super) settings: Map<String, Value>,
    /// The engines in the order that was asked for, each with its own version if it has told it.
    pub(super) engines: Vec<EngineVersion>,
    /// Where verdicts change.
    pub(super) thresholds: Map<String, Value>,
    /// Sums over documents and pages.
    pub(super) totals: Totals,
    /// One entry for each document, in the order of their names.
    pub(super) documents: Vec<Document>,
}

/// An engine, and its own version.
#[derive(Debug, Serialize)]
pub(super) struct EngineVersion {
    pub(super) name: String,
    pub(super) version: Option<String>,
}

/// One document.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) file: String,
    /// What each engine made of it as a whole.
    pub(super) engines: BTreeMap<String, OnDocument>,
    /// Who agrees with whom on every page that both drew.
    #[serde(flatten)]
    pub(super) agreement: Standing,
    /// Why there is nothing to compare, if the file cannot be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Failure>,
    pub(super) pages: Vec<Page>,
}

/// What an engine made of a document.
#[derive(Debug, Default, Serialize)]
pub(super) struct OnDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_count: Option<u32>,
    /// Why it did not open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Failure>,
}

/// One page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub(super) page: i64,
    /// Who agrees with whom.
    #[serde(flatten)]
    pub(super) agreement: Standing,
    pub(super) pairs: Vec<Pair>,
    /// The engines that have no picture of it, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) failures: BTreeMap<String, Failure>,
    /// Pictures that were kept, by engine, as paths beside this file.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) pictures: BTreeMap<String, String>,
}

/// Two engines on one page.
#[derive(Debug, Serialize)]
pub(super) struct Pair {
    pub(super) first: String,
    pub(super) second: String,
    pub(super) verdict: Verdict,
    #[serde(flatten)]
    pub(super) comparison: Comparison,
    /// Where they differ, as a picture beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) heat_map: Option<String>,
}

/// How the engines that drew something stand to each other.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Standing {
    /// The worst verdict on a pair; none if fewer than two engines drew anything.
    pub(super) verdict: Option<Verdict>,
    /// Engines of one group agree.
    pub(super) groups: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) odd_one_out: Option<String>,
}

/// Sums over documents and pages.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    pub(super) documents: Count,
    pub(super) pages: Count,
    /// Pages by verdict, for each pair of engines: `mupdf-hayro`.
    pub(super) pairs: BTreeMap<String, BTreeMap<Verdict, usize>>,
    /// Documents and pages that an engine failed at, by its name and the failure's code.
    pub(super) failures: BTreeMap<String, BTreeMap<String, usize>>,
}

/// How often engines agree.
#[derive(Debug, Default, Serialize)]
pub(super) struct Count {
    pub(super) all: usize,
    /// At least two engines drew, and all that did agree.
    pub(super) unanimous: usize,
    /// How often each engine stands alone against two or more that agree.
    pub(super) odd_one_out: BTreeMap<String, usize>,
    /// There is disagreement, and nobody is the odd one out.
    pub(super) divided: usize,
    /// Fewer than two engines drew anything, so there is nothing to compare.
    pub(super) not_compared: usize,
}

impl Record {
    /// Whether a verdict as bad as this one, or worse, is in it.
    pub(super) fn has(&self, verdict: Verdict) -> bool {
        self.documents.iter().any(|document| document.agreement.verdict >= Some(verdict))
    }

    /// The same without pages: what is fit to be kept.
    pub(super) fn summary(&self) -> Value {
        let mut summary = serde_json::json!(self);
        if let Some(documents) = summary.get_mut("documents").and_then(Value::as_array_mut) {
            for (value, document) in documents.iter_mut().zip(&self.documents) {
                value["pages"] = document.pages.len().into();
                value["worst"] = document.worst_by_pair().into_iter().collect();
                value["failed_pages"] = serde_json::json!(document.failed_pages());
                for engine in value["engines"].as_object_mut().into_iter().flat_map(Map::values_mut) {
                    if let Some(error) = engine.get_mut("error") {
                        *error = error["code"].take();
                    }
                }
                if let Some(error) = value.get_mut("error") {
                    *error = error["code"].take();
                }
            }
        }
        summary
    }
}

impl Document {
    /// The documents and pages that engines failed at: engine and code.
    fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let whole = self
            .engines
            .iter()
            .filter_map(|(engine, on)| Some((engine.as_str(), on.error.as_ref()?.code.as_str())));
        whole.chain(self.pages.iter().flat_map(move |page| {
            // Where the document did not open, that has been said.
            page.failures
                .iter()
                .filter(move |(engine, _)| self.engines.get(*engine).is_none_or(|on| on.error.is_none()))
                .map(|(engine, failure)| (engine.as_str(), failure.code.as_str()))
        }))
    }

    /// Failures by engine, each code once: `hayro: page_timeout`.
    pub(super) fn failure_codes(&self) -> BTreeSet<String> {
        self.failures().map(|(engine, code)| format!("{engine}: {code}")).collect()
    }

    /// How many pages each engine failed at.
    fn failed_pages(&self) -> BTreeMap<&str, usize> {
        let mut failed = BTreeMap::new();
        for engine in self.pages.iter().flat_map(|page| page.failures.keys()) {
            *failed.entry(engine.as_str()).or_default() += 1;
        }
        failed
    }

    /// Whether engines count its pages differently.
    pub(super) fn page_counts_differ(&self) -> bool {
        let counts: BTreeSet<u32> = self.engines.values().filter_map(|on| on.page_count).collect();
        counts.len() > 1
    }

    fn worst_by_pair(&self) -> BTreeMap<String, Value> {
        let mut worst: BTreeMap<String, &Pair> = BTreeMap::new();
        for pair in self.pages.iter().flat_map(|page| &page.pairs) {
            let kept = worst.entry(pair.name()).or_insert(pair);
            if pair.disagreement() > kept.disagreement() {
                *kept = pair;
            }
        }
        let value = |pair: &Pair| {
            let mut value = serde_json::json!({ "verdict": pair.verdict });
            if let Comparison::Figures(figures) = pair.comparison {
                value["differing"] = rounded(figures.differing);
                value["worst_cell"] = rounded(figures.worst_cell);
                value["score"] = figures.score.map_or(Value::Null, rounded);
                value["more_ink"] = rounded(figures.more_ink());
            }
            value
        };
        worst.into_iter().map(|(name, pair)| (name, value(pair))).collect()
    }

    /// How the engines stand, over all pages.
    pub(super) fn standing(pages: &[Page], engines: &[String]) -> Standing {
        let mut worst: BTreeMap<(&str, &str), Verdict> = BTreeMap::new();
        for pair in pages.iter().flat_map(|page| &page.pairs) {
            let kept = worst.entry((&pair.first, &pair.second)).or_insert(pair.verdict);
            *kept = pair.verdict.max(*kept);
        }
        let drew: Vec<&String> =
            engines.iter().filter(|e| worst.keys().any(|(a, b)| a == e || b == e)).collect();
        Standing::among(&drew, |a, b| worst.get(&(a, b)).copied())
    }
}

impl Page {
    /// How bad it is, for sorting: the worst verdict, then the share of differing pixels in millionths.
    pub(super) fn disagreement(&self) -> Option<(Verdict, u32)> {
        self.pairs.iter().map(Pair::disagreement).max()
    }
}

impl Pair {
    /// Both names: `mupdf-hayro`.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.first, self.second)
    }

    fn disagreement(&self) -> (Verdict, u32) {
        let differing = match self.comparison {
            Comparison::Figures(Figures { differing, .. }) => differing,
            Comparison::Sizes(_) => 1.0,
        };
        (self.verdict, (differing * 1e6) as u32)
    }
}

impl Standing {
    /// Groups engines by the verdicts on their pairs; a pair without one does not agree.
    pub(super) fn among(engines: &[&String], verdict: impl Fn(&str, &str) -> Option<Verdict>) -> Standing {
        let of = |a: usize, b: usize| verdict(engines[a], engines[b]).unwrap_or(Verdict::Different);
        let agreement = Agreement::among(engines.len(), of);
        let pairs = (0..engines.len()).flat_map(|a| (a + 1..engines.len()).map(move |b| (a, b)));
        let name = |&place: &usize| engines[place].clone();
        Standing {
            verdict: pairs.map(|(a, b)| of(a, b)).max(),
            groups: agreement.groups.iter().map(|group| group.iter().map(name).collect()).collect(),
            odd_one_out: agreement.odd_one_out().as_ref().map(name),
        }
    }

    /// For people: `mupdf = pdfium | hayro`.
    pub(super) fn in_words(&self) -> String {
        let groups: Vec<String> = self.groups.iter().map(|group| group.join(" = ")).collect();
        groups.join(" | ")
    }

    /// Whether engines that drew something do not agree.
    pub(super) fn is_divided(&self) -> bool {
        self.groups.len() > 1
    }
}

impl Totals {
    /// Counts.
    pub(super) fn of(documents: &[Document]) -> Totals {
        let mut totals = Totals::default();
        for document in documents {
            totals.documents.add(&document.agreement);
            for page in &document.pages {
                totals.pages.add(&page.agreement);
                for pair in &page.pairs {
                    *totals.pairs.entry(pair.name()).or_default().entry(pair.verdict).or_default() += 1;
                }
            }
            for (engine, code) in document.failures() {
                *totals.failures.entry(engine.into()).or_default().entry(code.into()).or_default() += 1;
            }
        }
        totals
    }
}

impl Count {
    fn add(&mut self, standing: &Standing) {
        self.all += 1;
        match (&standing.odd_one_out, standing.verdict) {
            (Some(engine), _) => *self.odd_one_out.entry(engine.clone()).or_default() += 1,
            (None, None) => self.not_compared += 1,
            (None, Some(_)) if standing.is_divided() => self.divided += 1,
            (None, Some(_)) => self.unanimous += 1,
        }
    }
}

/// Five decimal places, which is more than a summary needs.
fn rounded(value: f64) -> Value {
    ((value * 1e5).round() / 1e5).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: i64, verdicts: &[(&str, &str, Verdict)]) -> Page {
        let pairs = verdicts.iter().map(|&(first, second, verdict)| Pair {
            first: first.into(),
            second: second.into(),
            verdict,
            comparison: Comparison::Sizes([(1, 1), (1, 2)]),
            heat_map: None,
        });
        Page {
            page: number,
            agreement: Standing::default(),
            pairs: pairs.collect(),
            failures: BTreeMap::new(),
            pictures: BTreeMap::new(),
        }
    }

    #[test]
    fn engines_agree_on_a_document_if_they_agree_on_its_every_page() {
        let engines = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let (same, different) = (Verdict::Same, Verdict::Different);
        let pages = [
            page(1, &[("a", "b", same), ("a", "c", same), ("b", "c", same)]),
            page(2, &[("a", "b", same), ("a", "c", different), ("b", "c", different)]),
        ];
        let standing = Document::standing(&pages, &engines);
        assert_eq!(standing.in_words(), "a = b | c");
        assert_eq!((standing.odd_one_out.as_deref(), standing.verdict), (Some("c"), Some(different)));
    }

    #[test]
    fn an_engine_that_drew_nothing_neither_agrees_nor_disagrees() {
        let engines = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let standing = Document::standing(&[page(1, &[("a", "c", Verdict::Near)])], &engines);
        assert_eq!(standing.groups, [["a", "c"]]);
        assert_eq!(Document::standing(&[page(1, &[])], &engines).verdict, None);
    }
}
