//! The questions that the matrix is there to answer, with what the figures say.

mod engines;
mod experiments;
mod libc;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stats::Ratio;

use super::compare::Compared;
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
    /// What each of the compared cells says.
    #[serde(default)]
    pub points: Vec<String>,
    /// The figures.
    #[serde(skip)]
    pub table: Option<Table>,
    /// The ratios among them, for a plot: label and ratio of each row.
    #[serde(skip)]
    pub ratios: Vec<(String, Ratio)>,
}

impl Question {
    /// A question that no figure answers.
    fn unanswered(question: &str) -> Question {
        Question {
            question: question.to_owned(),
            answer: "Not measured.".to_owned(),
            points: Vec::new(),
            table: None,
            ratios: Vec::new(),
        }
    }
}

/// Every question. Those of experiments come last, in the order of the matrix.
pub fn questions(entries: &[Entry], experiments: &[(String, String)]) -> Vec<Question> {
    let static_ones =
        |it: &Axes| it.experiment.is_none() && it.libc.starts_with("musl") && it.allocator == "system";
    let libc = pairs(entries, static_ones, |it| Axes { libc: "glibc-dynamic".to_owned(), ..it.clone() });
    let other_allocator = |it: &Axes| it.experiment.is_none() && it.allocator != "system";
    let system = |it: &Axes| Axes { allocator: "system".to_owned(), ..it.clone() };
    let allocator = pairs(entries, other_allocator, system);
    let with_glibc =
        pairs(entries, other_allocator, |it| Axes { libc: "glibc-dynamic".to_owned(), ..system(it) });
    let mut questions = vec![
        libc::smaller(&libc),
        libc::faster(&libc),
        libc::slower(&libc),
        libc::closed_by_allocator(&libc, &allocator, &with_glibc),
        engines::cost(entries),
    ];
    for (name, question) in experiments {
        let of_it = |it: &Axes| it.experiment.as_ref() == Some(name);
        let compared = pairs(entries, of_it, |it| Axes { experiment: None, ..it.clone() });
        questions.push(experiments::beside_base(question, name, &compared));
    }
    questions
}

/// The cells that fit, each with the cell that differs as said.
fn pairs(
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

/// How the first of each pair is called.
fn labels(compared: &[Compared]) -> Labels {
    Labels::of(compared.iter().map(|it| &it.one.axes))
}

fn marked(compared: &Compared, labels: &Labels) -> String {
    let mark = if compared.is_native() { "" } else { " (emulated)" };
    labels.label(&compared.one.axes) + mark
}

/// What has to be said of times that were not measured in turns.
fn not_in_turns(compared: &[Compared]) -> &'static str {
    if compared.iter().all(|it| it.in_turns || !it.is_native()) {
        ""
    } else {
        " These were not measured in turns, so small differences mean nothing."
    }
}

/// Pairs as rows of ratios.
fn table(compared: &[Compared]) -> Table {
    let classes: BTreeMap<&str, ()> =
        compared.iter().flat_map(|it| it.classes.keys()).map(|it| (it.as_str(), ())).collect();
    let mut header = vec![
        "cell",
        "against",
        ">bootstrap",
        ">zip",
        ">start",
        ">cold document",
        ">page, all",
        ">further document",
    ];
    let by_class: Vec<_> = classes.keys().map(|it| format!(">{it}")).collect();
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
            Some(_) if !it.in_turns => " (not in turns)",
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
            time(it.further.as_ref()),
        ];
        row.extend(classes.keys().map(|class| time(it.classes.get(*class))));
        table.row(row);
    }
    table.without_empty_columns()
}
