//! How it was measured, with what, what it is worth, and the raw data.

use super::{Benchmark, Block, Section};
use crate::report::benchmark::record::{Machine, Program};
use crate::report::document::{File, Table};
use crate::report::text;

/// How long a file may be to be in the page.
const EMBEDDED_BYTES: usize = 400_000;

pub(super) fn method(benchmark: &Benchmark) -> Section {
    let noise: Vec<String> = benchmark
        .comparisons
        .iter()
        .filter_map(|it| Some((it, it.noise.as_ref()?)))
        .map(|(it, noise)| format!("{}, {}: {}", it.class, it.title(), text::interval(noise, "to")))
        .collect();
    let method = [
        "`benches/METHODOLOGY.md` says in full what is measured and what is not, how a document or a program is added, and what threatens the figures.",
        "**Certify, then time.** Pictures count only if they are as many as the pages, as large as the others', and alike. What is refused gets no time and is listed.",
        "Programs run in turns, there and back again, so that what drifts meets all of them. Run `i` of each is of the same turn: these are pairs.",
        "A ratio is that of two medians; its 95 % interval is a percentile bootstrap, 4,000 times with a fixed seed, which draws pairs. Over several documents of a class it is the geometric mean of their ratios. Points of scaling and amounts of memory are not pairs: there each series is drawn from by itself.",
        "Costs are computed with the prices of `build-matrix/prices.toml`: for a document the billed milliseconds of a warm invocation times memory, one invocation, one PUT for each page and one for the manifest. No bill of AWS was looked at.",
    ];
    let measured_not = "Not measured: S3, the network, AWS itself, a cold disk, password-protected files. Isolation and stages are \
                        measured inside of one process, without reading or writing files.";
    let bias = [
        "We chose the documents and made most of them ourselves, with embedded fonts.",
        "Several CPUs favour who uses them: look at the ratio of CPU times as well.",
        "pdf2img writes pages without colour as gray images, which others do only when told to; a part of speed and bytes comes from there.",
        "The other programs are as a distribution or a package registry ships them; versions and hashes are below.",
        "Many ratios are shown: of twenty comparisons of equal things, one is expected to look like a difference. The fastest of ours was chosen by the same runs that it is then compared by, which flatters it a little where two are equal.",
        "The share of a CPU stands for Lambda's amounts of memory; Lambda's processors and its microVM are not in it.",
    ];
    let list = |items: &[&str]| Block::List(items.iter().map(|&it| it.to_owned()).collect());
    let mut blocks = vec![list(&method), Block::Text(measured_not.to_owned())];
    let flags: Vec<&str> =
        benchmark.record.peers.iter().flat_map(|it| &it.our_flags).map(String::as_str).collect();
    if !flags.is_empty() {
        blocks.push(Block::Text(format!("pdf2img was given further options: `{}`.", flags.join(" "))));
    }
    if noise.is_empty() {
        blocks.push(Block::Text(
            "No program ran twice in a turn, so the noise is not known, and any interval that does not hold 1 counts as a \
             difference."
                .to_owned(),
        ));
    } else {
        blocks.push(Block::Text(
            "**Noise.** The first of ours ran twice in each turn. What lies within the interval of that comparison, in \
             either direction, is no difference."
                .to_owned(),
        ));
        blocks.push(Block::Folded("A program beside itself".to_owned(), vec![Block::List(noise)]));
    }
    blocks.extend([Block::Heading("Bias".to_owned()), list(&bias)]);
    Section { id: "benchmark-method", title: "The benchmark: method and bias".to_owned(), blocks }
}

pub(super) fn machines(benchmark: &Benchmark) -> Section {
    let machines = benchmark.record.machines();
    let mut table =
        Table::new(&["part", "date", "processor", ">CPUs", "kernel", "system", "load at the beginning"]);
    for (part, machine) in &machines {
        let Machine { date, cpu, cpus, kernel, system, load, .. } = machine;
        table.row(vec![
            format!("`{part}`"),
            date.clone(),
            cpu.clone(),
            cpus.to_string(),
            kernel.clone(),
            system.clone(),
            load.clone(),
        ]);
    }
    let mut blocks = Vec::new();
    let mut descriptions: Vec<_> = machines.iter().map(|(_, it)| (&it.cpu, it.cpus, &it.kernel)).collect();
    descriptions.dedup();
    if descriptions.len() > 1 {
        blocks.push(Block::Text(
            "**The parts were not measured on one machine:** times of different parts cannot be compared."
                .to_owned(),
        ));
    }
    blocks.push(Block::Table(table.without_empty_columns()));
    let mut texts: Vec<&str> =
        machines.iter().map(|(_, it)| it.lscpu.trim()).filter(|it| !it.is_empty()).collect();
    texts.dedup();
    for text in texts {
        blocks.push(Block::Folded("lscpu".to_owned(), vec![Block::Listing(text.to_owned())]));
    }
    blocks.push(Block::Heading("Programs".to_owned()));
    blocks.push(Block::Table(programs(benchmark)));
    Section { id: "benchmark-machine", title: "The benchmark: machine and programs".to_owned(), blocks }
}

fn programs(benchmark: &Benchmark) -> Table {
    let record = &benchmark.record;
    let mut all: Vec<&Program> = record.peers.iter().flat_map(|it| &it.programs).collect();
    let own = [record.scaling.as_ref().map(|it| &it.program), record.cost.as_ref().map(|it| &it.function)];
    for program in own.into_iter().flatten() {
        if !all.iter().any(|it| it.sha256 == program.sha256) {
            all.push(program);
        }
    }
    let mut table = Table::new(&["program", "engine", "version", ">bytes", "SHA-256"]);
    for it in all.into_iter().filter(|it| **it != Program::default()) {
        let file = it.path.rsplit('/').next().unwrap_or_default();
        table.row(vec![
            if it.name.is_empty() { file.to_owned() } else { it.name.clone() },
            it.engine.clone(),
            it.version.clone(),
            if it.bytes > 0 { text::thousands(it.bytes as i64) } else { "–".to_owned() },
            if it.sha256.is_empty() { "–".to_owned() } else { format!("`{}`", it.sha256) },
        ]);
    }
    table.without_empty_columns()
}

pub(super) fn raw_data(benchmark: &Benchmark) -> Section {
    let (small, large): (Vec<_>, Vec<_>) =
        benchmark.files.iter().partition(|(_, content)| content.len() <= EMBEDDED_BYTES);
    let mut blocks = vec![Block::Text(format!(
        "Every single measurement is in `{}`, in `report.json`, and as one row for each run in `benchmark-samples.csv`.",
        benchmark.directory
    ))];
    if !small.is_empty() {
        let file = |(name, content): &(String, Vec<u8>)| File {
            name: name.clone(),
            kind: "application/json",
            content: content.clone(),
        };
        blocks.push(Block::Files(small.into_iter().map(file).collect()));
    }
    if !large.is_empty() {
        let names: Vec<String> = large
            .iter()
            .map(|(name, content)| format!("`{name}` ({})", text::bytes(content.len() as u64)))
            .collect();
        blocks.push(Block::Text(format!("Too long for this page: {}.", text::list(&names))));
    }
    Section { id: "raw-data", title: "The benchmark: raw data".to_owned(), blocks }
}

pub(super) fn commands() -> Vec<String> {
    vec!["make benchmark RECORD=target/benchmark FEATURES=all-engines".to_owned()]
}
