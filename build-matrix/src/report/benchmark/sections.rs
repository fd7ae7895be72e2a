//! The benchmark as text, tables and plots, in reading order.

mod about;
mod excluded;
mod isolation;
mod lambda;
mod scaling;
mod speed;
mod stages;

use super::{Benchmark, summary};
use crate::report::document::{Block, Section};

/// The classes of colour of things that stand beside each other, in the order in which they are given.
const SERIES: [&str; 8] = ["p0", "p1", "p2", "p3", "p4", "p5", "p-library", "p-worker"];

/// What was found: every section that has something to say.
pub fn findings(benchmark: &Benchmark) -> Vec<Section> {
    let all = [
        excluded::problems(benchmark),
        answers(benchmark),
        speed::speed(benchmark),
        scaling::scaling(benchmark),
        lambda::lambda(benchmark),
        stages::stages(benchmark),
        isolation::isolation(benchmark),
    ];
    all.into_iter().flatten().collect()
}

/// Where it is from and what it is worth.
pub fn about(benchmark: &Benchmark) -> Vec<Section> {
    let all = [
        Some(about::method(benchmark)),
        excluded::excluded(benchmark),
        Some(about::machines(benchmark)),
        Some(about::raw_data(benchmark)),
    ];
    all.into_iter().flatten().collect()
}

/// The commands that make such a record.
pub fn commands() -> Vec<String> {
    about::commands()
}

fn answers(benchmark: &Benchmark) -> Option<Section> {
    if benchmark.answers.is_empty() {
        return None;
    }
    let mut blocks = vec![Block::Text(
        "Times as long are ratios of medians of wall-clock time with their 95 % interval, as multiples of the fastest of \
         ours; `=` is no difference, because the interval lies within what a program differs from itself."
            .to_owned(),
    )];
    blocks.push(Block::Table(summary::table(benchmark)));
    for answer in &benchmark.answers {
        blocks.push(Block::Heading(answer.class.clone()));
        blocks.push(Block::Text(answer.text.clone()));
    }
    Some(Section { id: "answers", title: "Which renderer for which documents".to_owned(), blocks })
}

/// Names of what is drawn side by side: of each, the parts in which they differ.
fn labels(parts: &[Vec<&str>]) -> Vec<String> {
    let width = parts.iter().map(Vec::len).max().unwrap_or(0);
    let differs = |column: &usize| {
        let mut values = parts.iter().map(|it| it.get(*column).copied().unwrap_or_default());
        let first = values.next();
        values.any(|it| Some(it) != first)
    };
    let mut columns: Vec<usize> = (0..width).filter(differs).collect();
    if columns.is_empty() {
        columns = (0..width).collect();
    }
    let label = |it: &Vec<&str>| {
        let shown = columns.iter().filter_map(|&column| it.get(column).copied());
        shown.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" · ")
    };
    parts.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_in_a_label() {
        let parts = [vec!["text", "mupdf", "png"], vec!["scan", "mupdf", "png"]];
        assert_eq!(labels(&parts), ["text", "scan"]);
        assert_eq!(labels(&parts[..1]), ["text · mupdf · png"]);
    }
}
