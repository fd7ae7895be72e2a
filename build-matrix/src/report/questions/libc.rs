//! What static linking with musl, and another allocator, change.

use stats::Ratio;

use super::{Compared, Question, labels, marked, not_in_turns, table, text};
use crate::report::entry::Entry;

pub(super) fn smaller(compared: &[Compared]) -> Question {
    let question = "Is musl-static smaller than glibc-dynamic?";
    let labels = labels(compared);
    let zips: Vec<_> = compared.iter().filter_map(|it| Some((it, it.zip?))).collect();
    let points = zips.iter().map(|(it, (of, to))| {
        let sizes = format!("{} against {}", text::bytes(*of), text::bytes(*to));
        format!("{}: a zip of {sizes}, {}", labels.label(&it.one.axes), text::smaller(*of, *to))
    });
    let smaller = zips.iter().filter(|(_, (of, to))| of < to).count();
    let answer = match smaller {
        _ if zips.is_empty() => return Question::unanswered(question),
        0 => "No.",
        it if it == zips.len() => "Yes.",
        _ => "It depends.",
    };
    Question {
        answer: answer.to_owned(),
        points: points.collect(),
        table: Some(table(compared)),
        ..Question::unanswered(question)
    }
}

pub(super) fn faster(compared: &[Compared]) -> Question {
    let answers = ["Yes.", "No, it is slower."];
    times("Does musl-static start faster?", "a start", answers, compared, |it| it.start)
}

pub(super) fn slower(compared: &[Compared]) -> Question {
    let answers = ["No, it is faster.", "Yes."];
    times("Does musl-static render slower?", "a page", answers, compared, |it| it.pages)
}

/// A question about times; the answers are those for all being below 1, and above.
fn times(
    question: &str,
    what: &str,
    [below, above]: [&str; 2],
    compared: &[Compared],
    of: fn(&Compared) -> Option<Ratio>,
) -> Question {
    let labels = labels(compared);
    let with_ratio: Vec<_> = compared.iter().filter_map(|it| Some((it, of(it)?))).collect();
    let decisive = Compared::decisive(compared);
    let native: Vec<_> = decisive.iter().filter_map(|it| Some((it, of(it)?))).collect();
    let are_below = native.iter().filter(|(_, it)| it.high < 1.0).count();
    let are_above = native.iter().filter(|(_, it)| it.low > 1.0).count();
    let answer = match (are_below, are_above) {
        _ if with_ratio.is_empty() => return Question::unanswered(question),
        _ if native.is_empty() => "Measured under an emulator only, which says nothing of real machines.",
        (0, 0) => "No difference that can be seen.",
        (it, _) if it == native.len() => below,
        (_, it) if it == native.len() => above,
        _ => "It depends.",
    };
    let points = native
        .iter()
        .map(|(it, ratio)| format!("{}: {what} {}", labels.label(&it.one.axes), text::takes(ratio)));
    Question {
        answer: answer.to_owned() + not_in_turns(&decisive),
        points: points.collect(),
        table: Some(table(compared)),
        ratios: with_ratio.iter().map(|(it, ratio)| (marked(it, &labels), *ratio)).collect(),
        ..Question::unanswered(question)
    }
}

/// Whether another allocator makes up for what musl loses on pages, and what it costs.
pub(super) fn closed_by_allocator(
    libc: &[Compared],
    allocator: &[Compared],
    with_glibc: &[Compared],
) -> Question {
    let question = "Does mimalloc close that?";
    let labels = labels(with_glibc);
    let mut points = Vec::new();
    let mut answers = Vec::new();
    let decisive = Compared::decisive(with_glibc);
    for it in &decisive {
        let Some(with) = it.pages else { continue };
        let is_of_it = |other: &&Compared| {
            (&other.one.axes.engines, &other.one.axes.arch) == (&it.one.axes.engines, &it.one.axes.arch)
        };
        let without = libc.iter().find(is_of_it).and_then(|it| it.pages);
        answers.push(match without {
            Some(without) if without.low <= 1.0 => "There is no gap to close.",
            _ if with.low > 1.0 => "Not entirely.",
            _ if with.high < 1.0 => "Yes, and more.",
            _ => "Yes.",
        });
        let before = without.map(|it| format!(", and {} without mimalloc", text::interval(&it, "to")));
        points.push(format!(
            "{}: a page takes {} times as long as with glibc{}{}",
            labels.label(&it.one.axes),
            text::interval(&with, "to"),
            before.unwrap_or_default(),
            allocator.iter().find(is_of_it).map(price).unwrap_or_default()
        ));
    }
    let Some(first) = answers.first() else { return Question::unanswered(question) };
    let answer = if answers.iter().all(|it| it == first) { first } else { "It depends." };
    let both: Vec<_> = allocator.iter().chain(with_glibc).cloned().collect();
    let ratios = both.iter().filter_map(|it| {
        let against = if it.with.axes.libc == it.one.axes.libc { "musl's own" } else { "glibc" };
        Some((format!("{}, against {against}", marked(it, &labels)), it.pages?))
    });
    Question {
        answer: (*answer).to_owned() + not_in_turns(&decisive),
        points,
        ratios: ratios.collect(),
        table: Some(table(&both)),
        ..Question::unanswered(question)
    }
}

/// The bytes and the memory that the allocator takes.
fn price(compared: &Compared) -> String {
    let memory = |entry: &Entry| Some(entry.figures.peak_rss_bytes?.median as u64);
    let bytes =
        compared.bootstrap.map(|(of, to)| format!("{} of `bootstrap`", text::byte_difference(of, to)));
    let memory = memory(compared.one).zip(memory(compared.with));
    let memory = memory.map(|(of, to)| format!("{} of peak memory", text::byte_difference(of, to)));
    let both: Vec<_> = bytes.into_iter().chain(memory).collect();
    if both.is_empty() { String::new() } else { format!("; it costs {}", text::list(&both)) }
}
