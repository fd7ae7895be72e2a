//! The benchmark's part of the report.

use std::fs;
use std::path::{Path, PathBuf};

use build_matrix::report::{Report, Sources, readme};
use build_matrix::{Layout, Matrix};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::synthetic::Records;
use super::synthetic::benchmark::Record;
use super::{assert_asks_nobody, read};

/// A workspace with records in it.
struct Workspace {
    directory: TempDir,
    layout: Layout,
}

impl Workspace {
    fn new() -> Workspace {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path().to_owned(), directory.path().join("target"));
        Workspace { directory, layout }
    }

    fn with(record: &Record) -> Workspace {
        let workspace = Workspace::new();
        record.write(&workspace.layout.benchmark());
        workspace
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn report(&self) -> anyhow::Result<Report> {
        Report::joined(&Matrix::of_this_workspace().unwrap(), &self.layout, &Sources::default())
    }

    /// What the report says of a class.
    fn answer(&self, class: &str) -> String {
        let benchmark = self.report().unwrap().benchmark.unwrap();
        benchmark.answers.into_iter().find(|it| it.class == class).unwrap().text
    }
}

/// The report of matrix and benchmark, and the directory of its files, which stay to be looked at: one of its own name
/// for each test, for it may run in a process of its own.
fn joined(test: &str) -> (Report, PathBuf) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report/joined-{test}"));
    let _ = fs::remove_dir_all(&directory);
    let layout = Layout::new(directory.clone(), directory.join("target"));
    let matrix = Matrix::of_this_workspace().unwrap();
    Records::whole().write(&matrix, &layout.records());
    Record::whole().write(&layout.benchmark());
    let report = Report::joined(&matrix, &layout, &Sources::default()).unwrap();
    report.write(&directory.join("report")).unwrap();
    (report, directory.join("report"))
}

fn samples(side: &Value) -> Vec<f64> {
    side["wall_s"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect()
}

/// A side that takes so many times as long as the others in each turn.
fn times(samples: &[f64], factor: f64) -> Value {
    json!(samples.iter().map(|it| it * factor).collect::<Vec<_>>())
}

#[test]
fn one_page_has_the_benchmark_and_the_matrix() {
    let (report, directory) = joined("answers");
    let html = read(&directory, "report.html");
    assert_asks_nobody(&html);
    let markdown = read(&directory, "report.md");
    for text in
        ["Which renderer for which documents", "Beside other programs", "How it scales", "Builds: all cells"]
    {
        assert!(html.contains(text) && markdown.contains(text), "{text} is missing");
    }
    let benchmark = report.benchmark.as_ref().unwrap();
    for answer in &benchmark.answers {
        assert!(markdown.contains(&format!("### {}\n\n{}", answer.class, answer.text)), "{}", answer.class);
    }
    let peers = benchmark.record.peers.as_ref().unwrap();
    for program in &peers.programs {
        assert!(html.contains(&program.name), "{}", program.name);
    }
    assert!(html.contains("AMD EPYC &lt;made up&gt;"), "lscpu is missing");
    assert!(markdown.contains("| 5,307 MB | all documents: not measured |"));
    let lines = |name: &str| read(&directory, name).lines().count();
    let all: usize =
        peers.cases.iter().flat_map(|it| &it.sides).map(|it| it.wall_s.len() + it.cpu_s.len()).sum();
    assert!(lines("benchmark-samples.csv") > all, "{all}");
    assert_eq!(lines("benchmark.csv") - 1, 8 * (benchmark.comparisons.len() + benchmark.documents.len()));
}

#[test]
fn the_same_records_give_the_same_page() {
    let (_, directory) = joined("page");
    let workspace = Workspace::with(&Record::whole());
    let matrix = Matrix::of_this_workspace().unwrap();
    Records::whole().write(&matrix, &workspace.layout.records());
    workspace.report().unwrap().write(&workspace.path("report")).unwrap();
    for name in ["report.html", "report.md", "report.json", "benchmark.csv", "benchmark-samples.csv"] {
        assert!(read(&directory, name) == read(&workspace.path("report"), name), "{name} differs");
    }
}

#[test]
fn either_part_may_be_missing() {
    let workspace = Workspace::with(&Record::short());
    let report = workspace.report().unwrap();
    report.write(&workspace.path("report")).unwrap();
    let html = read(&workspace.path("report"), "report.html");
    assert_asks_nobody(&html);
    assert!(html.contains("Beside other programs") && !html.contains("all cells"));
    assert!(!read(&workspace.path("report"), "report.md").contains("build-matrix -- all"));

    let workspace = Workspace::new();
    let matrix = Matrix::of_this_workspace().unwrap();
    Records::whole().write(&matrix, &workspace.layout.records());
    let report = workspace.report().unwrap();
    report.write(&workspace.path("report")).unwrap();
    let html = read(&workspace.path("report"), "report.html");
    assert!(html.contains("All cells") && !html.contains("Beside other programs"));
    assert!(!workspace.path("report/benchmark.csv").exists());

    let error = format!("{:#}", Workspace::new().report().unwrap_err());
    assert!(error.contains("target/benchmark") && error.contains("build-matrix all"), "{error}");
}

#[test]
fn each_part_of_the_record_makes_a_page_by_itself() {
    for name in Record::short().0.keys() {
        let workspace = Workspace::with(&Record::only(name));
        workspace.report().unwrap().write(&workspace.path("report")).unwrap();
        let html = read(&workspace.path("report"), "report.html");
        assert_asks_nobody(&html);
        assert!(html.contains("Not in this record"), "{name}");
    }
}

#[test]
fn an_answer_names_the_best_other_program_with_its_ratio() {
    let mut record = Record::short();
    let ours = samples(record.side("photo-1", "png", "pdf2img-mupdf"));
    for other in ["pdf2img-pdfium", "pdf2img-hayro", "mutool", "pdftoppm", "pymupdf", "pypdfium2"] {
        record.side("photo-1", "png", other)["wall_s"] = times(&ours, 5.0);
    }
    record.side("photo-1", "png", "vips")["wall_s"] = times(&ours, 2.0);
    let answer = Workspace::with(&record).answer("photo");
    assert!(answer.starts_with("**PNG, 150 dpi:** take `pdf2img-mupdf`: "), "{answer}");
    let best = "The best other program, `vips`, takes 2.000 (2.000 to 2.000) times as long";
    assert!(answer.contains(best), "{answer}");
}

#[test]
fn what_lies_within_the_noise_is_no_difference_and_what_is_faster_is_named() {
    let mut record = Record::short();
    let ours = samples(record.side("photo-1", "png", "pdf2img-mupdf"));
    let nearly: Vec<f64> =
        ours.iter().zip([0.99, 1.01, 1.002].iter().cycle()).map(|(it, by)| it * by).collect();
    for other in ["pdf2img-pdfium", "pdf2img-hayro", "mutool", "pdftoppm", "pymupdf", "pypdfium2"] {
        record.side("photo-1", "png", other)["wall_s"] = times(&ours, 5.0);
    }
    record.side("photo-1", "png", "vips")["wall_s"] = json!(nearly);
    let answer = Workspace::with(&record).answer("photo");
    assert!(answer.contains("The best other program, `vips`, shows no difference"), "{answer}");

    record.side("photo-1", "png", "vips")["wall_s"] = times(&ours, 0.5);
    let workspace = Workspace::with(&record);
    let answer = workspace.answer("photo");
    assert!(
        answer.contains("**`vips` is faster:** it takes 0.500 (0.500 to 0.500) times as long"),
        "{answer}"
    );
    let report = workspace.report().unwrap();
    report.write(&workspace.path("report")).unwrap();
    assert!(read(&workspace.path("report"), "report.md").contains("**behind** on photo (`vips`)"));
}

#[test]
fn what_was_refused_does_not_count_and_is_said_with_its_reason() {
    let mut record = Record::short();
    let side = record.side("photo-1", "png", "pdf2img-mupdf");
    side["refused"] = json!("page 1 differs from <the others>");
    let workspace = Workspace::with(&record);
    let report = workspace.report().unwrap();
    let benchmark = report.benchmark.as_ref().unwrap();
    let comparison =
        benchmark.comparisons.iter().find(|it| it.class == "photo" && it.format == "png").unwrap();
    assert_ne!(comparison.reference.as_deref(), Some("pdf2img-mupdf"));
    let refused = comparison.standings.iter().find(|it| it.program == "pdf2img-mupdf").unwrap();
    assert!(refused.pages_per_s.is_none() && refused.beside.is_none(), "{refused:?}");
    let answer = workspace.answer("photo");
    let said = "Refused: `pdf2img-mupdf` on `photo-1`: page 1 differs from <the others> (PNG, 150 dpi).";
    assert!(answer.contains(said), "{answer}");
    report.write(&workspace.path("report")).unwrap();
    let row = "| pdf2img-mupdf | photo-1, PNG, 150 dpi: refused | page 1 differs from <the others> |";
    assert!(read(&workspace.path("report"), "report.md").contains(row));
}

#[test]
fn programs_classes_and_axes_that_are_new_are_shown_as_they_are() {
    let mut record = Record::short();
    let peers = record.0.get_mut("peers.json").unwrap();
    peers["cases"][0]["class"] = json!("holograms");
    let mut unknown = peers["cases"][0]["sides"][2].clone();
    unknown["program"] = json!("newcomer");
    peers["cases"][0]["sides"].as_array_mut().unwrap().push(unknown);
    record.0.get_mut("scaling.json").unwrap()["series"][0]["axis"] = json!("moons");
    let workspace = Workspace::with(&record);
    let report = workspace.report().unwrap();
    report.write(&workspace.path("report")).unwrap();
    let (html, markdown) =
        (read(&workspace.path("report"), "report.html"), read(&workspace.path("report"), "report.md"));
    assert_asks_nobody(&html);
    for text in ["holograms", "newcomer", "moons"] {
        assert!(html.contains(text) && markdown.contains(text), "{text}");
    }
}

#[test]
fn an_amount_of_memory_that_is_too_small_is_not_the_cheapest() {
    let workspace = Workspace::with(&Record::short());
    let benchmark = workspace.report().unwrap().benchmark.unwrap();
    assert!(!benchmark.priced.is_empty());
    for case in &benchmark.priced {
        let small = case.sizes.iter().find(|it| it.memory_mb == 128).unwrap();
        assert!(small.is_too_small, "{small:?}");
        let (cheapest, cost) = case.cheapest().unwrap();
        assert!(cheapest.memory_mb > 128, "{cheapest:?}");
        let others = case.sizes.iter().filter(|it| !it.is_too_small).filter_map(|it| it.usd);
        assert!(others.into_iter().all(|it| it.total() >= cost.total()));
    }
}

#[test]
fn a_file_of_another_form_is_shown_as_such_and_the_others_are_read() {
    let mut record = Record::short();
    record.0.get_mut("peers.json").unwrap()["form"] = json!(1);
    let workspace = Workspace::with(&record);
    workspace.report().unwrap().write(&workspace.path("report")).unwrap();
    let markdown = read(&workspace.path("report"), "report.md");
    assert!(
        markdown.contains("is not form 2 (it is form 1); run `pdf2img-bench peers` again."),
        "{markdown}"
    );
    assert!(markdown.contains("How it scales") && !markdown.contains("## Beside other programs"));

    let mut only = Record::only("peers.json");
    only.0.get_mut("peers.json").unwrap().as_object_mut().unwrap().remove("form");
    let workspace = Workspace::with(&only);
    let sources = Sources { benchmark: Some(workspace.layout.benchmark()), records: None };
    let matrix = Matrix::of_this_workspace().unwrap();
    let error = format!("{:#}", Report::joined(&matrix, &workspace.layout, &sources).unwrap_err());
    assert!(
        error.contains("peers.json: is not form 2 (it names no form); run `pdf2img-bench peers`"),
        "{error}"
    );
}

#[test]
fn without_a_record_of_this_machine_the_newest_that_is_kept_is_taken() {
    let workspace = Workspace::new();
    let only = Record::only("isolation.json");
    only.write(&workspace.path("benches/record/2026-01-01-one"));
    only.write(&workspace.path("benches/record/2026-01-02-other"));
    // An older form, which is not read.
    fs::create_dir_all(workspace.path("benches/record/2026-01-03-old")).unwrap();
    fs::write(workspace.path("benches/record/2026-01-03-old/peers.json"), "{\"machine\": {}}").unwrap();
    let directory = |workspace: &Workspace| workspace.report().unwrap().benchmark.unwrap().directory;
    assert_eq!(directory(&workspace), "benches/record/2026-01-02-other");
    only.write(&workspace.layout.benchmark());
    assert_eq!(directory(&workspace), "target/benchmark");
}

#[test]
fn a_kept_benchmark_gives_the_readme_its_table() {
    let workspace = Workspace::with(&Record::short());
    let path = workspace.path("README.md");
    fs::write(&path, "# x\n<!-- benchmark:begin -->\n<!-- benchmark:end -->\ny\n").unwrap();
    let report = workspace.report().unwrap();
    report.keep(&workspace.layout, "2026-01-02-made-up").unwrap();
    assert!(!workspace.path("build-matrix").exists(), "there is no matrix to keep");
    readme::write(&workspace.layout).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("[benches/record/2026-01-02-made-up](benches/record/2026-01-02-made-up)"),
        "{text}"
    );
    assert!(text.contains("\n| photo | ") && text.contains("\n| poster | "), "{text}");
    assert!(text.ends_with("<!-- benchmark:end -->\ny\n"));

    let other = Workspace::with(&Record::only("stages.json"));
    let mut changed = Record::only("stages.json");
    changed.0.get_mut("stages.json").unwrap()["benchmarks"][0]["median_ns"] = json!(1.5);
    changed.write(&other.path("benches/record/2026-01-02-made-up"));
    let error = other.report().unwrap().keep(&other.layout, "2026-01-02-made-up").unwrap_err();
    assert!(error.to_string().contains("keep this one by another name"), "{error}");
}
