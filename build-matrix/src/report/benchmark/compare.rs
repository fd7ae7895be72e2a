//! Programs beside each other: what each takes as a multiple of the fastest of ours.

use serde::{Deserialize, Serialize};
use stats::{Ratio, median};

use super::record::{Case, Peers, Program, Side};
use crate::report::compare::ratio;
use crate::report::figures::geometric_mean;

/// The programs on documents of one class, in one format and resolution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// The class of the documents.
    pub class: String,
    /// The documents.
    pub documents: Vec<String>,
    /// The format of the images.
    pub format: String,
    /// Pixels per inch of page.
    pub dpi: f64,
    /// The fastest of ours, with which all are compared.
    pub reference: Option<String>,
    /// Every program: those of ours first, each from the fastest to the slowest; those that count nowhere last.
    pub standings: Vec<Standing>,
    /// The first of ours beside itself, if it ran twice in each turn.
    pub noise: Option<Ratio>,
}

/// A program among others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    /// Which.
    pub program: String,
    /// Its engine; empty if the record does not say.
    pub engine: String,
    /// Whether it is pdf2img.
    pub ours: bool,
    /// On how many of the documents it counts.
    pub documents: usize,
    /// The most processes that worked for it.
    pub processes: Option<u32>,
    /// How many runs of each document there are, at least.
    pub runs: usize,
    /// Pages for each second of wall clock: the geometric mean over the documents.
    pub pages_per_s: Option<Ratio>,
    /// What is compared with the fastest of ours, if both have drawn the same documents.
    pub beside: Option<Beside>,
    /// The most memory over the documents, in bytes.
    pub peak_bytes: Option<u64>,
    /// Where it does not count: documents and reasons.
    pub refused: Vec<(String, String)>,
}

/// What a program takes as a multiple of what the fastest of ours takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Beside {
    /// Wall-clock time.
    pub wall: Ratio,
    /// CPU time.
    pub cpu: Option<Ratio>,
    /// Bytes of all images.
    pub bytes: Option<f64>,
}

/// How a program stands to the fastest of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It takes longer.
    Slower,
    /// The interval is within what a program differs from itself.
    NoDifference,
    /// It takes less.
    Faster,
}

/// The comparisons by class, and those of single documents where a class has several.
pub fn all(peers: &Peers) -> (Vec<Comparison>, Vec<Comparison>) {
    let mut groups: Vec<Vec<&Case>> = Vec::new();
    for case in &peers.cases {
        let is_alike = |it: &Case| it.class == case.class && it.format == case.format && it.dpi == case.dpi;
        match groups.iter_mut().find(|group| is_alike(group[0])) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    let single = groups.iter().filter(|it| it.len() > 1).flatten();
    let documents = single.map(|&case| Comparison::of(&[case], &peers.programs)).collect();
    (groups.iter().map(|cases| Comparison::of(cases, &peers.programs)).collect(), documents)
}

impl Comparison {
    /// Compares all programs on cases of one class, format and resolution.
    fn of(cases: &[&Case], programs: &[Program]) -> Comparison {
        let mut names: Vec<&str> = Vec::new();
        for side in cases.iter().flat_map(|it| &it.sides).filter(|it| !it.again) {
            if !names.contains(&side.program.as_str()) {
                names.push(&side.program);
            }
        }
        let is_ours = |name: &str| programs.iter().any(|it| it.name == name && it.ours);
        let reference = reference(cases, names.iter().copied().filter(|it| is_ours(it)));
        let mut standings: Vec<Standing> = names
            .iter()
            .map(|&name| {
                let program = programs.iter().find(|it| it.name == name);
                standing(cases, name, program, reference)
            })
            .collect();
        let time = |it: &Standing| it.pages_per_s.map_or(f64::INFINITY, |it| 1.0 / it.value);
        standings.sort_by(|one, other| other.ours.cmp(&one.ours).then(time(one).total_cmp(&time(other))));
        Comparison {
            class: cases[0].class.clone(),
            documents: cases.iter().map(|it| it.document.clone()).collect(),
            format: cases[0].format.clone(),
            dpi: cases[0].dpi,
            noise: noise(cases),
            reference: reference.map(str::to_owned),
            standings,
        }
    }

    /// The fastest of ours, with which all are compared.
    pub fn reference(&self) -> Option<&Standing> {
        self.standings.iter().find(|it| Some(&it.program) == self.reference.as_ref())
    }

    /// The other program that takes least time beside it.
    pub fn best_peer(&self) -> Option<(&Standing, &Beside)> {
        let peers = self.standings.iter().filter(|it| !it.ours);
        peers
            .filter_map(|it| Some((it, it.beside.as_ref()?)))
            .min_by(|(_, one), (_, other)| one.wall.value.total_cmp(&other.wall.value))
    }

    /// What a ratio of times among its programs says.
    pub fn verdict(&self, ratio: &Ratio) -> Verdict {
        let exact = Ratio { value: 1.0, low: 1.0, high: 1.0 };
        if !ratio.is_a_difference(&self.noise.unwrap_or(exact)) {
            Verdict::NoDifference
        } else if ratio.low > 1.0 {
            Verdict::Slower
        } else {
            Verdict::Faster
        }
    }

    /// Format and resolution as a heading.
    pub fn title(&self) -> String {
        title(&self.format, self.dpi)
    }
}

/// Format and resolution as a heading: "PNG, 150 dpi".
pub fn title(format: &str, dpi: f64) -> String {
    format!("{}, {dpi} dpi", format_name(format))
}

/// A format as people write it.
pub fn format_name(format: &str) -> String {
    if format == "webp" { "WebP".to_owned() } else { format.to_uppercase() }
}

/// The side of a program that counts.
fn counting<'a>(case: &'a Case, program: &str) -> Option<&'a Side> {
    let mut sides = case.sides.iter().filter(|it| it.program == program && !it.again);
    sides.find(|it| it.refused.is_none() && !it.wall_s.is_empty() && case.pages > 0)
}

/// The one of ours that counts on most documents, and of those the fastest.
fn reference<'a>(cases: &[&Case], ours: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let rank = |name: &str| {
        let times: Vec<f64> = cases
            .iter()
            .filter_map(|case| Some(median(&counting(case, name)?.wall_s) / f64::from(case.pages)))
            .collect();
        (times.len(), geometric_mean(times))
    };
    let ranked = ours.map(|name| (name, rank(name))).filter_map(|(name, (n, time))| Some((name, n, time?)));
    ranked
        .min_by(|(_, many, one), (_, few, other)| few.cmp(many).then(one.total_cmp(other)))
        .map(|(name, _, _)| name)
}

fn standing(cases: &[&Case], name: &str, program: Option<&Program>, reference: Option<&str>) -> Standing {
    let sides: Vec<(&Case, &Side)> =
        cases.iter().filter_map(|case| Some((*case, counting(case, name)?))).collect();
    let pages: Vec<[f64; 1]> = sides.iter().map(|(case, _)| [f64::from(case.pages)]).collect();
    let speeds: Vec<(&[f64], &[f64])> = pages
        .iter()
        .zip(&sides)
        .map(|(pages, (_, side))| (pages.as_slice(), side.wall_s.as_slice()))
        .collect();
    let both: Vec<(&Side, &Side)> =
        sides.iter().filter_map(|(case, side)| Some((*side, counting(case, reference?)?))).collect();
    let refused = cases.iter().flat_map(|case| {
        let sides = case.sides.iter().filter(move |it| it.program == name && !it.again);
        sides.filter_map(move |it| Some((case.document.clone(), it.refused.clone()?)))
    });
    Standing {
        program: name.to_owned(),
        engine: program.map(|it| it.engine.clone()).unwrap_or_default(),
        ours: program.is_some_and(|it| it.ours),
        documents: sides.len(),
        processes: sides.iter().filter_map(|(_, it)| it.processes).max(),
        runs: sides.iter().map(|(_, it)| it.wall_s.len()).min().unwrap_or(0),
        pages_per_s: (!speeds.is_empty()).then(|| Ratio::of_many_series(&speeds)),
        beside: beside(&both),
        peak_bytes: sides.iter().filter_map(|(_, it)| it.peak_bytes.filter(|it| *it > 0)).max(),
        refused: refused.collect(),
    }
}

/// `None` if there is nothing that both have drawn.
fn beside<'a>(both: &[(&'a Side, &'a Side)]) -> Option<Beside> {
    let of = |series: fn(&Side) -> &Vec<f64>| {
        // The nth of each is of the nth turn; a slow program takes part in the first ones alone.
        let same_turns = |one: &'a [f64], other: &'a [f64]| {
            let turns = one.len().min(other.len());
            (&one[..turns], &other[..turns])
        };
        let all: Vec<_> = both.iter().map(|&(one, other)| same_turns(series(one), series(other))).collect();
        let is_there = !all.is_empty() && all.iter().all(|(one, other)| !one.is_empty() && !other.is_empty());
        is_there.then(|| ratio(&all, true))
    };
    let bytes = |side: fn(&(&Side, &Side)) -> Option<u64>| {
        both.iter().map(|it| side(it).filter(|it| *it > 0)).sum::<Option<u64>>()
    };
    let bytes = bytes(|(one, _)| one.picture_bytes).zip(bytes(|(_, other)| other.picture_bytes));
    Some(Beside {
        wall: of(|it| &it.wall_s)?,
        cpu: of(|it| &it.cpu_s),
        bytes: bytes.map(|(one, other)| one as f64 / other as f64),
    })
}

/// The first of ours beside itself.
fn noise(cases: &[&Case]) -> Option<Ratio> {
    let twice = cases.iter().filter_map(|case| {
        let again = case.sides.iter().find(|it| it.again && !it.wall_s.is_empty())?;
        Some((again.wall_s.as_slice(), counting(case, &again.program)?.wall_s.as_slice()))
    });
    let twice: Vec<_> = twice.collect();
    (!twice.is_empty()).then(|| ratio(&twice, true))
}
