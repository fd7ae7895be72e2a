//! Sentences without end: grammatical, plausible, and of no importance.

use oorandom::Rand32;

const NOUNS: [&str; 40] = [
    "measurement",
    "estimate",
    "survey",
    "instrument",
    "sequence",
    "boundary",
    "river",
    "harbour",
    "station",
    "observer",
    "catalogue",
    "record",
    "method",
    "correction",
    "gradient",
    "channel",
    "sediment",
    "interval",
    "sample",
    "surface",
    "network",
    "reservoir",
    "threshold",
    "pattern",
    "window",
    "residual",
    "calibration",
    "profile",
    "reading",
    "hypothesis",
    "coefficient",
    "margin",
    "valley",
    "current",
    "filter",
    "variance",
    "equilibrium",
    "transition",
    "approximation",
    "distribution",
];
const ADJECTIVES: [&str; 24] = [
    "slow",
    "northern",
    "linear",
    "early",
    "steady",
    "narrow",
    "independent",
    "seasonal",
    "coarse",
    "stable",
    "earlier",
    "difficult",
    "uniform",
    "observed",
    "ordinary",
    "sufficient",
    "local",
    "remaining",
    "weighted",
    "common",
    "finite",
    "smooth",
    "empirical",
    "effective",
];
const VERBS: [&str; 20] = [
    "follows",
    "confirms",
    "limits",
    "precedes",
    "explains",
    "resembles",
    "determines",
    "conceals",
    "affects",
    "supports",
    "describes",
    "exceeds",
    "reproduces",
    "contradicts",
    "balances",
    "displaces",
    "suggests",
    "bounds",
    "reflects",
    "outlasts",
];
const OPENINGS: [&str; 12] = [
    "In practice,",
    "By contrast,",
    "For this reason,",
    "At the second site,",
    "As before,",
    "In most years,",
    "Taken together,",
    "On closer inspection,",
    "Within the errors,",
    "Without this term,",
    "Along the coast,",
    "Over a longer period,",
];
const LINKS: [&str; 10] = [
    "because",
    "although",
    "while",
    "whenever",
    "so that",
    "even where",
    "as soon as",
    "since",
    "until",
    "and",
];

/// A sentence, with its full stop.
pub(crate) fn sentence(random: &mut Rand32) -> String {
    let mut text = String::new();
    if random.rand_range(0..3) == 0 {
        text.push_str(pick(random, &OPENINGS));
        text.push(' ');
    }
    clause(random, &mut text);
    if random.rand_range(0..5) < 3 {
        let link = pick(random, &LINKS);
        text.push_str(if random.rand_range(0..2) == 0 { ", " } else { " " });
        text.push_str(link);
        text.push(' ');
        clause(random, &mut text);
    }
    if random.rand_range(0..9) == 0 {
        text.push_str(&format!(" [{}]", random.rand_range(1..64)));
    }
    text.push('.');
    capitalised(&text)
}

/// A paragraph of 4 to 8 sentences.
pub(crate) fn paragraph(random: &mut Rand32) -> String {
    let sentences: Vec<String> = (0..random.rand_range(4..9)).map(|_| sentence(random)).collect();
    sentences.join(" ")
}

/// A title without a full stop.
pub(crate) fn title(random: &mut Rand32) -> String {
    let (adjective, first, second) = (pick(random, &ADJECTIVES), pick(random, &NOUNS), pick(random, &NOUNS));
    capitalised(&format!("{adjective} {first} and the {second}"))
}

fn clause(random: &mut Rand32, text: &mut String) {
    noun_phrase(random, text);
    text.push(' ');
    text.push_str(pick(random, &VERBS));
    text.push(' ');
    noun_phrase(random, text);
    if random.rand_range(0..3) == 0 {
        text.push_str(" by about ");
        text.push_str(&format!("{}.{}%", random.rand_range(1..40), random.rand_range(0..10)));
    }
}

fn noun_phrase(random: &mut Rand32, text: &mut String) {
    text.push_str(pick(random, &["the ", "each ", "every ", "this ", "the ", "our "]));
    if random.rand_range(0..2) == 0 {
        text.push_str(pick(random, &ADJECTIVES));
        text.push(' ');
    }
    text.push_str(pick(random, &NOUNS));
    if random.rand_range(0..4) == 0 {
        text.push_str(" of the ");
        text.push_str(pick(random, &NOUNS));
    }
}

fn pick(random: &mut Rand32, words: &[&'static str]) -> &'static str {
    words[random.rand_range(0..words.len() as u32) as usize]
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
