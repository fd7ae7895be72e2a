//! Which engine and settings for which documents, in words: only what the figures bear.

use serde::{Deserialize, Serialize};
use stats::Ratio;

use super::compare::{Beside, Comparison, Standing, Verdict};
use super::lambda::{Priced, Size};
use super::record::Record;
use crate::report::prices::Cost;
use crate::report::text;

/// What follows for a class of documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// The class.
    pub class: String,
    /// One paragraph.
    pub text: String,
}

/// An answer for each class that programs or invocations were measured with, in the order of the record.
pub fn answers(comparisons: &[Comparison], priced: &[Priced], record: &Record) -> Vec<Answer> {
    classes(comparisons, priced)
        .into_iter()
        .map(|class| {
            let of_class: Vec<&Comparison> = comparisons.iter().filter(|it| it.class == class).collect();
            let mut said: Vec<String> = of_class.iter().map(|it| speed(it)).collect();
            said.extend(cheapest(priced, class).map(|(case, size, usd)| money(case, size, usd)));
            said.extend(excluded(&of_class));
            said.extend(failed(record, class));
            Answer { class: class.to_owned(), text: said.join(" ") }
        })
        .collect()
}

/// Every class, in the order of the record.
pub fn classes<'a>(comparisons: &'a [Comparison], priced: &'a [Priced]) -> Vec<&'a str> {
    let mut classes: Vec<&str> = Vec::new();
    let all = comparisons.iter().map(|it| it.class.as_str()).chain(priced.iter().map(|it| it.class.as_str()));
    for class in all {
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    classes
}

/// The engine, format and amount of memory with which the first document of a class costs least.
pub fn cheapest<'a>(priced: &'a [Priced], class: &str) -> Option<(&'a Priced, &'a Size, Cost)> {
    // Pages of different documents are different work, so there is no cheapest among them.
    let document = &priced.iter().find(|it| it.class == class && it.cheapest().is_some())?.document;
    let cases = priced.iter().filter(|it| it.class == class && it.document == *document);
    let costs = cases.filter_map(|it| it.cheapest().map(|(size, usd)| (it, size, usd)));
    costs.min_by(|(_, _, one), (_, _, other)| one.total().total_cmp(&other.total()))
}

/// A ratio with its interval, as in a sentence.
pub fn interval(ratio: &Ratio) -> String {
    if ratio.value < 9.995 {
        text::interval(ratio, "to")
    } else {
        let [value, low, high] = [ratio.value, ratio.low, ratio.high].map(text::digits);
        format!("{value} ({low} to {high})")
    }
}

fn speed(comparison: &Comparison) -> String {
    let title = comparison.title();
    let Some(ours) = comparison.reference() else {
        return format!("**{title}:** no run of pdf2img counts.");
    };
    let rate = ours.pages_per_s.as_ref().map(interval).unwrap_or_default();
    let processes = match ours.processes {
        Some(many) if many > 1 => format!(" with {many} processes"),
        _ => String::new(),
    };
    let equal: Vec<String> = comparison
        .standings
        .iter()
        .filter(|it| it.ours && Some(&it.program) != comparison.reference.as_ref())
        .filter_map(|it| Some((it, it.beside.as_ref()?)))
        .filter(|(_, it)| comparison.verdict(&it.wall) == Verdict::NoDifference)
        .map(|(it, beside)| format!("`{}` shows no difference, {}", it.program, interval(&beside.wall)))
        .collect();
    let equal = if equal.is_empty() { String::new() } else { format!(" ({})", equal.join("; ")) };
    let fastest = if comparison.standings.iter().filter(|it| it.ours && it.documents > 0).count() > 1 {
        "take"
    } else {
        "there is only"
    };
    let on = on(ours, comparison);
    let mine =
        format!("**{title}:** {fastest} `{}`{equal}: {rate} pages a second{processes}{on}.", ours.program);
    match comparison.best_peer() {
        Some((peer, beside)) => format!("{mine} {}", peer_beside(comparison, peer, beside)),
        None => format!("{mine} No other program counts there."),
    }
}

fn peer_beside(comparison: &Comparison, peer: &Standing, beside: &Beside) -> String {
    let name = &peer.program;
    let wall = interval(&beside.wall);
    let is = match comparison.verdict(&beside.wall) {
        Verdict::Slower => format!("The best other program, `{name}`, takes {wall} times as long"),
        Verdict::NoDifference => format!("The best other program, `{name}`, shows no difference, {wall}"),
        Verdict::Faster => format!("**`{name}` is faster:** it takes {wall} times as long"),
    };
    let with = match peer.processes {
        Some(many) if many > 1 => format!(" with {many} processes"),
        _ => String::new(),
    };
    let cpu =
        beside.cpu.map(|it| format!(", {} times the CPU time", text::digits(it.value))).unwrap_or_default();
    let bytes = beside.bytes.map(|it| format!("; {}", bytes(it))).unwrap_or_default();
    format!("{is}{with}{cpu}{}{bytes}.", on(peer, comparison))
}

fn bytes(ratio: f64) -> String {
    if (ratio - 1.0).abs() < 0.005 {
        "its files have as many bytes".to_owned()
    } else {
        format!("its files have {} times the bytes", text::digits(ratio))
    }
}

/// On how many documents, if not on all of the class.
fn on(standing: &Standing, comparison: &Comparison) -> String {
    let all = comparison.documents.len();
    if standing.documents == all {
        String::new()
    } else {
        format!(" (on {} of {all} documents)", standing.documents)
    }
}

fn money(case: &Priced, size: &Size, usd: Cost) -> String {
    let memory = text::thousands(size.memory_mb.into());
    let faster = case.fastest_of_cheapest().filter(|it| it.memory_mb > size.memory_mb);
    let faster = faster.map(|it| {
        let memory = text::thousands(it.memory_mb.into());
        format!("; {memory} MB cost no more, as far as can be told, and are faster")
    });
    format!(
        "**On Lambda** ({}) `{}` with {} and {memory} MB is the cheapest of what was measured: {} USD for 1,000 pages \
         like those of `{}`, {} of them for S3's PUT requests{}.",
        case.arch,
        case.backend,
        super::compare::format_name(&case.format),
        text::usd(usd.total()),
        case.document,
        text::usd(usd.puts),
        faster.unwrap_or_default()
    )
}

/// What does not count, and why: what is said of several formats is said once.
fn excluded(comparisons: &[&Comparison]) -> Option<String> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for comparison in comparisons {
        let title = comparison.title();
        for standing in &comparison.standings {
            for (document, reason) in &standing.refused {
                let what =
                    format!("`{}` on `{document}`: {}", standing.program, reason.trim_end_matches('.'));
                match all.iter_mut().find(|(known, _)| *known == what) {
                    Some((_, titles)) => titles.push(title.clone()),
                    None => all.push((what, vec![title.clone()])),
                }
            }
        }
    }
    let all: Vec<String> =
        all.into_iter().map(|(what, titles)| format!("{what} ({})", titles.join("; "))).collect();
    (!all.is_empty()).then(|| format!("Refused: {}.", all.join("; ")))
}

/// What failed when it was scaled.
fn failed(record: &Record, class: &str) -> Option<String> {
    let series = record.scaling.iter().flat_map(|it| &it.series).filter(|it| it.class == class);
    let failed: Vec<String> = series
        .flat_map(|series| {
            series.points.iter().filter_map(|point| {
                let why = point.failed.as_ref()?;
                Some(format!("`{}` with {} {}: {why}", series.backend, point.value, series.axis))
            })
        })
        .collect();
    (!failed.is_empty()).then(|| format!("Failed: {}.", failed.join("; ")))
}
