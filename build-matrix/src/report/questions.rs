//! The questions that the matrix is there to answer, with what the figures say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stats::Ratio;

use super::compare::{Compared, engines_of};
use super::document::Table;
use super::entry::{Axes, Entry};
use super::labels::Labels;
use super::text;

/// A question and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    /// What is asked.
    pub question: String,
    /// What the figures say, or that there are none.
    pub answer: String,
    /// The figures.
    #[serde(skip)]
    pub table: Option<Table>,
    /// The ratios among them, for a plot: label and ratio of each row.
    #[serde(skip)]
    pub ratios: Vec<(String, Ratio)>,
}

const NOT_MEASURED: &str = "Not measured.";

/// Every question. Those of experiments come last, in the order of the matrix.
pub fn questions(entries: &[Entry], experiments: &[(String, String)]) -> Vec<Question> {
    let libc = pairs(
        entries,
        |it| it.libc.starts_with("musl"),
        |it| Axes { libc: "glibc-dynamic".to_owned(), ..it.clone() },
    );
    let libc: Vec<_> = libc.into_iter().filter(|it| it.one.axes.allocator == "system").collect();
    let allocator = pairs(
        entries,
        |it| it.allocator != "system",
        |it| Axes { allocator: "system".to_owned(), ..it.clone() },
    );
    let allocator_with_glibc = pairs(
        entries,
        |it| it.allocator != "system",
        |it| Axes { allocator: "system".to_owned(), libc: "glibc-dynamic".to_owned(), ..it.clone() },
    );
    let mut questions = vec![
        Question::sizes("Is musl-static smaller than glibc-dynamic?", &libc),
        Question::times(
            "Does musl-static start faster?",
            &libc,
            |it| it.start,
            "The start of the static executable",
        ),
        Question::times(
            "Does musl-static render slower?",
            &libc,
            |it| it.pages,
            "A page with the static executable",
        ),
        closes(&libc, &allocator, &allocator_with_glibc),
        backends(entries),
    ];
    for (name, question) in experiments {
        let of_it = |it: &Axes| it.experiment.as_ref() == Some(name);
        let compared = pairs_of(entries, of_it, |it| Axes { experiment: None, ..it.clone() });
        questions.push(experiment(question, name, &compared));
    }
    questions
}

/// The cells that fit and are no experiments, each with the cell that differs as said.
fn pairs(
    entries: &[Entry],
    fits: impl Fn(&Axes) -> bool,
    other: impl Fn(&Axes) -> Axes,
) -> Vec<Compared<'_>> {
    pairs_of(entries, |it| it.experiment.is_none() && fits(it), other)
}

fn pairs_of(
    entries: &[Entry],
    fits: impl Fn(&Axes) -> bool,
    other: impl Fn(&Axes) -> Axes,
) -> Vec<Compared<'_>> {
    let mut compared = Vec::new();
    for one in entries.iter().filter(|it| fits(&it.axes)) {
        let other = other(&one.axes);
        compared.extend(entries.iter().find(|it| it.axes == other).map(|it| Compared::new(one, it)));
    }
    compared
}

impl Question {
    fn sizes(question: &str, compared: &[Compared]) -> Question {
        let labels = labels(compared);
        let zips: Vec<_> = compared.iter().filter_map(|it| Some((it, it.zip?))).collect();
        if zips.is_empty() {
            return Question::unanswered(question);
        }
        let smaller = zips.iter().filter(|(_, (of, to))| of < to).count();
        let each: Vec<String> = zips
            .iter()
            .map(|(it, (of, to))| {
                let sizes = format!("{} against {}", text::bytes(*of), text::bytes(*to));
                format!("{} {sizes} ({})", labels.label(&it.one.axes), text::smaller(*of, *to))
            })
            .collect();
        let verdict = verdict(smaller, 0, zips.len(), ["Yes", "", "No"]);
        Question {
            answer: format!("{verdict}, as a zip: {}.", each.join("; ")),
            table: Some(table(compared)),
            ..Question::unanswered(question)
        }
    }

    fn times(
        question: &str,
        compared: &[Compared],
        of: fn(&Compared) -> Option<Ratio>,
        what: &str,
    ) -> Question {
        let labels = labels(compared);
        let native: Vec<_> = compared.iter().filter(|it| it.is_native()).collect();
        let measured: Vec<_> = native.iter().filter_map(|it| Some((*it, of(it)?))).collect();
        let ratios: Vec<_> = compared.iter().filter_map(|it| Some((marked(it, &labels), of(it)?))).collect();
        if measured.is_empty() {
            let answer = if ratios.is_empty() {
                NOT_MEASURED.to_owned()
            } else {
                "Measured under an emulator only, which says nothing of real machines.".to_owned()
            };
            return Question { answer, ratios, ..Question::unanswered(question) };
        }
        let each: Vec<_> = measured.iter().map(|(it, ratio)| (labels.label(&it.one.axes), *ratio)).collect();
        let asks_for_slower = question.contains("slower");
        let answer = format!("{} {}.", direction(&each, asks_for_slower), said(what, &each));
        Question { answer, table: Some(table(compared)), ratios, ..Question::unanswered(question) }
    }

    fn unanswered(question: &str) -> Question {
        Question {
            question: question.to_owned(),
            answer: NOT_MEASURED.to_owned(),
            table: None,
            ratios: Vec::new(),
        }
    }
}

/// Yes or no, from the number of ratios that lie on either side of 1.
fn direction(each: &[(String, Ratio)], asks_for_slower: bool) -> &'static str {
    let below = each.iter().filter(|(_, it)| it.high < 1.0).count();
    let above = each.iter().filter(|(_, it)| it.low > 1.0).count();
    let names = if asks_for_slower {
        ["No, it is faster", "No difference", "Yes"]
    } else {
        ["Yes", "No difference", "No, it is slower"]
    };
    match verdict(below, above, each.len(), names) {
        "Yes" => "Yes.",
        "No difference" => "No difference that can be seen.",
        "No, it is faster" => "No, it is faster.",
        "No, it is slower" => "No, it is slower.",
        _ => "It depends.",
    }
}

/// The word for all being below, none different, all above, or neither.
fn verdict<'a>(
    below: usize,
    above: usize,
    all: usize,
    [is_below, is_equal, is_above]: [&'a str; 3],
) -> &'a str {
    match (below, above) {
        (below, _) if below == all => is_below,
        (_, above) if above == all => is_above,
        (0, 0) if is_equal.is_empty() => is_above,
        (0, 0) => is_equal,
        _ => "It depends",
    }
}

fn said(what: &str, each: &[(String, Ratio)]) -> String {
    match each {
        [(label, ratio)] => format!("{what} ({label}) {}", text::takes(ratio)),
        _ => {
            let each: Vec<_> = each
                .iter()
                .map(|(label, it)| {
                    let equal = if it.is_not_one() { "" } else { ", no difference" };
                    format!("{label} {:.2} ({:.2} to {:.2}{equal})", it.value, it.low, it.high)
                })
                .collect();
            format!("{what} takes, as a multiple: {}", each.join("; "))
        }
    }
}

/// Whether another allocator makes up for what musl loses on pages.
fn closes(libc: &[Compared], allocator: &[Compared], with_glibc: &[Compared]) -> Question {
    let question = "Does mimalloc close that?";
    let labels = labels(with_glibc);
    let mut said = Vec::new();
    for it in with_glibc.iter().filter(|it| it.is_native()) {
        let Some(with) = it.pages else { continue };
        let is_of_it = |other: &&Compared| {
            (&other.one.axes.engines, &other.one.axes.arch) == (&it.one.axes.engines, &it.one.axes.arch)
        };
        let without = libc.iter().find(is_of_it).and_then(|it| it.pages);
        let verdict = match without {
            Some(without) if without.low <= 1.0 => "there was no gap to close",
            _ if with.low > 1.0 => "not entirely",
            _ if with.high < 1.0 => "yes, and more",
            _ => "yes",
        };
        let before =
            without.map(|it| format!(" after {:.2} ({:.2} to {:.2}) without", it.value, it.low, it.high));
        let mut cost = Vec::new();
        if let Some(own) = allocator.iter().find(is_of_it) {
            if let Some((of, to)) = own.bootstrap {
                cost.push(format!("{} of `bootstrap`", text::byte_difference(of, to)));
            }
            let rss = |entry: &Entry| Some(entry.figures.peak_rss_bytes?.median as u64);
            if let (Some(of), Some(to)) = (rss(own.one), rss(own.with)) {
                cost.push(format!("{} of peak memory", text::byte_difference(of, to)));
            }
        }
        let cost = if cost.is_empty() { String::new() } else { format!("; it costs {}", text::list(&cost)) };
        said.push(format!(
            "{}: {verdict}. A page takes {:.2} ({:.2} to {:.2}) times that of glibc{}{cost}.",
            labels.label(&it.one.axes),
            with.value,
            with.low,
            with.high,
            before.unwrap_or_default(),
        ));
    }
    if said.is_empty() {
        return Question::unanswered(question);
    }
    let both: Vec<_> = allocator.iter().chain(with_glibc).cloned().collect();
    let ratios = both.iter().filter_map(|it| {
        let against = if it.with.axes.libc == it.one.axes.libc { "musl's own" } else { "glibc" };
        Some((format!("{} against {against}", marked(it, &labels)), it.pages?))
    });
    Question {
        answer: capitalised(&said.join(" ")),
        ratios: ratios.collect(),
        table: Some(table(&both)),
        ..Question::unanswered(question)
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |it| it.to_uppercase().chain(characters).collect())
}

/// What each engine costs: the packages by set of engines, and pages by engine in one cell.
fn backends(entries: &[Entry]) -> Question {
    let question = "What does each backend cost in bytes and milliseconds?";
    let plain = || entries.iter().filter(|it| it.axes.experiment.is_none() && it.axes.allocator == "system");
    let mut said = Vec::new();
    let mut table =
        Table::new(&["cell", "engines", ">bootstrap", ">zip", ">first /next, ms", ">page, ms CPU"]);
    let labels = Labels::of(entries.iter().map(|it| &it.axes));
    for entry in plain() {
        let figures = &entry.figures;
        if figures.bootstrap_bytes.is_none() && figures.zip_bytes.is_none() {
            continue;
        }
        let mark =
            if figures.machine.as_ref().is_some_and(|it| it.emulated_by.is_some()) { " *" } else { "" };
        let cell = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        table.row(vec![
            labels.label(&entry.axes),
            entry.backends.join(", "),
            cell(figures.bootstrap_bytes.map(text::bytes)),
            cell(figures.zip_bytes.map(text::bytes)),
            cell(figures.first_next_s.map(|it| text::ms(it.median) + mark)),
            cell(figures.page_cpu_s.map(|it| text::ms(it) + mark)),
        ]);
    }
    // What a set of engines has more than another one that it contains.
    for larger in plain() {
        for smaller in plain() {
            let is_same_but_engines =
                Axes { engines: smaller.axes.engines.clone(), ..larger.axes.clone() } == smaller.axes;
            let more: Vec<_> =
                larger.backends.iter().filter(|it| !smaller.backends.contains(it)).cloned().collect();
            let contains = smaller.backends.iter().all(|it| larger.backends.contains(it));
            if !is_same_but_engines || !contains || more.is_empty() {
                continue;
            }
            let compared = Compared::new(larger, smaller);
            if let Some((of, to)) = compared.zip {
                let place = format!("{} {}", larger.axes.libc, larger.axes.arch);
                let start = compared.start.filter(|_| compared.is_native());
                let start = start.map(|it| format!("; a start {}", text::takes(&it))).unwrap_or_default();
                said.push(format!(
                    "{} beside {} on {}: {} of zip{start}.",
                    capitalised(&text::list(&more)),
                    text::list(&smaller.backends),
                    place,
                    text::byte_difference(of, to)
                ));
            }
        }
    }
    let mut ratios = Vec::new();
    for entry in plain().filter(|it| it.figures.machine.as_ref().is_some_and(|it| it.emulated_by.is_none())) {
        for (backend, first, classes, ratio) in engines_of(entry) {
            let by_class: Vec<_> =
                classes.iter().map(|(class, it)| format!("{class} {:.2}", it.value)).collect();
            let label = labels.label(&entry.axes);
            said.push(format!(
                "In {label} a page with {backend} {} as with {first}; by class: {}.",
                text::takes(&ratio),
                by_class.join(", ")
            ));
            ratios.push((format!("{label}: {backend} against {first}"), ratio));
        }
    }
    if table.rows.is_empty() {
        return Question::unanswered(question);
    }
    if said.is_empty() {
        said.push(
            "See the table; no cell contains another's engines, and none was measured with two.".to_owned(),
        );
    }
    Question {
        answer: said.join(" "),
        table: Some(table.without_empty_columns()),
        ratios,
        ..Question::unanswered(question)
    }
}

fn experiment(question: &str, name: &str, compared: &[Compared]) -> Question {
    let labels = Labels::of(compared.iter().map(|it| &it.with.axes));
    let mut said = Vec::new();
    let mut ratios = Vec::new();
    for it in compared {
        let label = labels.label(&it.with.axes);
        let mut parts = Vec::new();
        if let Some((of, to)) = it.bootstrap {
            parts.push(format!(
                "`bootstrap` is {} ({})",
                text::smaller(of, to),
                text::byte_difference(of, to)
            ));
        }
        if let Some((of, to)) = it.zip {
            parts.push(format!("the zip {}", text::smaller(of, to)));
        }
        match (it.is_native(), it.no_times) {
            (true, _) => {
                for (what, ratio) in [("a start", it.start), ("a page", it.pages)] {
                    parts.extend(ratio.map(|ratio| format!("{what} {}", text::takes(&ratio))));
                }
            }
            (false, Some(why)) => parts.push(format!("no times ({why})")),
            (false, None) => parts.push("times only under an emulator".to_owned()),
        }
        if let Some(ratio) = it.pages {
            ratios.push((format!("{label} +{name}, page"), ratio));
        }
        if let Some(ratio) = it.start {
            ratios.push((format!("{label} +{name}, start"), ratio));
        }
        said.push(format!("{label}: {}.", parts.join("; ")));
    }
    if said.is_empty() {
        return Question::unanswered(question);
    }
    Question {
        answer: capitalised(&said.join(" ")),
        table: Some(table(compared)),
        ratios,
        ..Question::unanswered(question)
    }
}

/// How the first of each pair is called.
fn labels(compared: &[Compared]) -> Labels {
    Labels::of(compared.iter().map(|it| &it.one.axes))
}

fn marked(compared: &Compared, labels: &Labels) -> String {
    let mark = if compared.is_native() { "" } else { " (emulated)" };
    labels.label(&compared.one.axes) + mark
}

/// Pairs as rows of ratios.
fn table(compared: &[Compared]) -> Table {
    let classes: BTreeMap<&str, ()> =
        compared.iter().flat_map(|it| it.classes.keys()).map(|it| (it.as_str(), ())).collect();
    let mut header =
        vec!["cell", "against", ">bootstrap", ">zip", ">first /next", ">cold document", ">page, all"];
    let by_class: Vec<_> = classes.keys().map(|it| format!(">page, {it}")).collect();
    header.extend(by_class.iter().map(String::as_str));
    let mut table = Table::new(&header);
    let all = Labels::of(compared.iter().flat_map(|it| [&it.one.axes, &it.with.axes]));
    for it in compared {
        let size = |sizes: Option<(u64, u64)>| {
            sizes.map_or_else(|| "–".to_owned(), |(of, to)| format!("{:.3}", of as f64 / to as f64))
        };
        let time = |ratio: Option<&Ratio>| ratio.map_or_else(|| "–".to_owned(), text::ratio);
        let mark = match it.machine() {
            Some(machine) if machine.emulated_by.is_some() => " (emulated)",
            _ => "",
        };
        let mut row = vec![
            all.label(&it.one.axes) + mark,
            all.label(&it.with.axes),
            size(it.bootstrap),
            size(it.zip),
            time(it.start.as_ref()),
            time(it.document.as_ref()),
            time(it.pages.as_ref()),
        ];
        row.extend(classes.keys().map(|class| time(it.classes.get(*class))));
        table.row(row);
    }
    table.without_empty_columns()
}
