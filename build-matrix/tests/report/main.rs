//! The report of made-up records: what is in each of its forms.
//!
//! The figures are invented, and nothing of them is kept. `CARGO_TARGET_TMPDIR/report` has the pages for who wants
//! to look at them.

mod benchmark;
mod synthetic;

use std::fs;
use std::path::{Path, PathBuf};

use build_matrix::report::Report;
use build_matrix::{Layout, Matrix};

use self::synthetic::Records;

/// The report of a whole run. Each test has a directory of its own name, for it may run in a process of its own.
fn whole(test: &str) -> (Report, PathBuf) {
    report(&format!("whole-{test}"), &Records::whole())
}

/// The report of records, and the directory that it was written to.
fn report(name: &str, records: &Records) -> (Report, PathBuf) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = fs::remove_dir_all(&directory);
    let matrix = Matrix::of_this_workspace().unwrap();
    records.write(&matrix, &directory.join("records"));
    let report = Report::of(&matrix, &directory.join("records")).unwrap();
    report.write(&directory.join("report")).unwrap();
    (report, directory.join("report"))
}

fn read(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap()
}

/// A page is well-formed, has no scripts, and everything that it needs is in it.
fn assert_asks_nobody(html: &str) {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let page = roxmltree::Document::parse_with_options(html, options).unwrap();
    let mut ids = Vec::new();
    for element in page.descendants().filter(roxmltree::Node::is_element) {
        assert!(element.tag_name().name() != "script", "the page has a script");
        for attribute in ["src", "srcset", "data", "action"] {
            assert_eq!(element.attribute(attribute), None, "{element:?}");
        }
        if element.tag_name().name() == "link" {
            assert_eq!(element.attribute("href"), Some("data:,"), "{element:?}");
        }
        ids.extend(element.attribute("id"));
        if element.tag_name().name() == "svg" {
            let text = |name| element.children().find(|it| it.has_tag_name(name)).and_then(|it| it.text());
            assert!(text("title").is_some_and(|it| !it.is_empty()), "a plot without a title");
            assert!(text("desc").is_some_and(|it| !it.is_empty()), "a plot without a description");
        }
    }
    let style = page.descendants().find(|it| it.has_tag_name("style")).and_then(|it| it.text()).unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id is there twice");
    for link in page.descendants().filter_map(|it| it.attribute("href")).filter_map(|it| it.strip_prefix('#'))
    {
        assert!(ids.contains(&link), "#{link} leads nowhere");
    }
}

#[test]
fn a_whole_run_gives_every_form_with_every_cell() {
    let records = Records::whole();
    let (report, directory) = whole("forms");
    assert_eq!(report.cells.len(), records.names().len());
    let (markdown, html, csv) =
        (read(&directory, "report.md"), read(&directory, "report.html"), read(&directory, "report.csv"));
    for name in records.names() {
        assert!(markdown.contains(name), "{name} is not in the Markdown");
        assert!(html.replace("<wbr/>", "").contains(name), "{name} is not on the page");
        assert!(csv.lines().any(|line| line.starts_with(&format!("{name},"))), "{name} is not in the CSV");
    }
    let samples = read(&directory, "samples.csv");
    assert!(samples.lines().count() > 1_000, "{}", samples.lines().count());
}

#[test]
fn the_page_is_well_formed_and_asks_nobody_for_anything() {
    let (_, directory) = whole("page");
    assert_asks_nobody(&read(&directory, "report.html"));
}

#[test]
fn a_failed_cell_is_shown_with_its_error() {
    let records = Records::whole().with_failure(
        "mupdf-musl-static-arm64-mimalloc",
        "verify",
        "bootstrap needs GLIBC_2.38, and the floor is <2.34>",
    );
    let (report, directory) = report("failure", &records);
    assert!(report.summary.contains("one failed, see below"), "{}", report.summary);
    assert!(!report.summary.contains("Deploy `mupdf-musl-static-arm64-mimalloc`"), "{}", report.summary);
    assert!(read(&directory, "report.md").contains("bootstrap needs GLIBC_2.38, and the floor is <2.34>"));
    assert!(
        read(&directory, "report.html").contains("bootstrap needs GLIBC_2.38, and the floor is &lt;2.34&gt;")
    );
    assert!(read(&directory, "report.csv").contains("verify,\"bootstrap needs GLIBC_2.38, and"));
}

#[test]
fn the_cell_to_deploy_takes_the_least_time_and_of_equals_the_smallest_zip() {
    let records = Records::whole().with_page_factor("mupdf-musl-static-amd64-mimalloc", 0.8);
    let (fastest, _) = report("fastest", &records);
    assert!(
        fastest.summary.starts_with("**Deploy `mupdf-musl-static-amd64-mimalloc`.**"),
        "{}",
        fastest.summary
    );

    let equal = Records::whole()
        .with_page_factor("mupdf-musl-static-amd64-mimalloc", 1.0)
        .with_page_factor("mupdf-musl-static-amd64-system", 1.0)
        .with_page_factor("mupdf-glibc-dynamic-amd64-system", 1.0)
        .with_zip("mupdf-musl-static-amd64-system", 6_000_000);
    let (equal, _) = report("equal", &equal);
    assert!(equal.summary.starts_with("**Deploy `mupdf-musl-static-amd64-system`.**"), "{}", equal.summary);
    assert!(equal.summary.contains("shows no difference"), "{}", equal.summary);
}

#[test]
fn questions_are_answered_where_there_are_figures_and_else_say_so() {
    let (whole, _) = whole("faster");
    let answer = |question: &str| {
        let found = whole.questions.iter().find(|it| it.question.contains(question));
        let found = found.unwrap_or_else(|| panic!("nobody asks {question}"));
        [vec![found.answer.clone()], found.points.clone()].concat().join("; ")
    };
    assert!(answer("musl-static smaller").starts_with("Yes."), "{}", answer("musl-static smaller"));
    assert!(answer("start faster").starts_with("Yes."), "{}", answer("start faster"));
    assert!(answer("render slower").starts_with("Yes."), "{}", answer("render slower"));
    assert!(answer("mimalloc close").starts_with("Yes."), "{}", answer("mimalloc close"));
    assert!(answer("opt-level s").contains("% smaller"), "{}", answer("opt-level s"));
    assert_eq!(answer("AVX2"), "Not measured.");

    let (built, _) = report("built", &Records::whole().without("measure"));
    let rest: Vec<_> = built.questions.iter().filter(|it| it.question.contains("slower")).collect();
    assert_eq!(rest[0].answer, "Not measured.");
    assert!(built.summary.starts_with("No times were measured"), "{}", built.summary);
}

#[test]
fn times_of_different_machines_are_not_compared() {
    let records = Records::whole().on_machine("mupdf-glibc-dynamic-amd64-system", "Another processor");
    let (report, directory) = report("machines", &records);
    let slower = report.questions.iter().find(|it| it.question.contains("render slower")).unwrap();
    let table = slower.table.as_ref().unwrap();
    let row = table.rows.iter().find(|row| row[0].starts_with("mupdf") && row[0].contains("amd64")).unwrap();
    let column = table.columns().position(|(name, _)| name == "page, all").unwrap();
    assert_eq!(row[column], "–", "{row:?}");
    assert!(read(&directory, "report.md").contains("Times of different machines cannot be compared"));
}

#[test]
fn what_was_not_measured_in_turns_is_compared_with_that_said() {
    let (apart, directory) = report("apart", &Records::whole().measured_apart());
    let slower = apart.questions.iter().find(|it| it.question.contains("render slower")).unwrap();
    assert!(slower.answer.contains("not measured in turns"), "{}", slower.answer);
    assert!(apart.summary.contains("though not in turns"), "{}", apart.summary);
    assert!(read(&directory, "report.md").contains("(not in turns)"));
    let (together, _) = whole("together");
    assert!(together.summary.contains("measured in turns"), "{}", together.summary);
    assert!(together.questions.iter().all(|it| !it.answer.contains("not measured in turns")));
}

#[test]
fn a_cell_that_nothing_could_run_has_sizes_and_the_reason() {
    let name = "mupdf-musl-static-arm64-system";
    let (report, directory) = report("not-run", &Records::of(&[name]).not_run(name));
    assert!(report.summary.starts_with("No times were measured"), "{}", report.summary);
    let markdown = read(&directory, "report.md");
    assert!(markdown.contains("all times: the emulator is not installed (all cells)"), "{markdown}");
    assert!(!markdown.contains("unknown"), "{markdown}");
}

#[test]
fn further_documents_stand_for_the_pages_of_an_experiment() {
    let (whole, _) = whole("compared");
    let answer = whole.questions.iter().find(|it| it.question.contains("opt-level s")).unwrap();
    assert!(answer.points[0].contains("a further document takes 1.0"), "{answer:?}");
    assert!(!answer.points[0].contains("a page"), "{answer:?}");
}

#[test]
fn artifacts_of_many_jobs_are_joined_and_what_contradicts_is_said() {
    let matrix = Matrix::of_this_workspace().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let one = Records::of(&["mupdf-musl-static-amd64-system"]);
    let other = Records::of(&["mupdf-musl-static-arm64-system"]);
    one.write(&matrix, &directory.path().join("records-one"));
    one.write(&matrix, &directory.path().join("records-one-again"));
    other.write(&matrix, &directory.path().join("records-other/deeper"));
    let joined = Report::of(&matrix, directory.path()).unwrap();
    assert_eq!(joined.cells.len(), 2);
    assert_eq!(joined.problems, Vec::<String>::new());
    assert!(joined.not_made.contains(&"mupdf-glibc-dynamic-amd64-system".to_owned()));

    one.clone()
        .with_zip("mupdf-musl-static-amd64-system", 1)
        .write(&matrix, &directory.path().join("records-x"));
    let stray = directory.path().join("records-x/ghostscript-musl");
    fs::create_dir_all(&stray).unwrap();
    fs::write(stray.join("build.json"), "{}").unwrap();
    let joined = Report::of(&matrix, directory.path()).unwrap();
    assert_eq!(joined.problems.len(), 2, "{:?}", joined.problems);
}

#[test]
fn a_record_that_cannot_be_read_is_a_failure_and_not_silence() {
    let matrix = Matrix::of_this_workspace().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let name = "mupdf-musl-static-amd64-system";
    Records::of(&[name]).write(&matrix, directory.path());
    fs::write(directory.path().join(name).join("verify.json"), "{\"done\": {").unwrap();
    let report = Report::of(&matrix, directory.path()).unwrap();
    assert_eq!(report.cells[0].failures.len(), 1);
    assert!(report.cells[0].failures[0].error.starts_with("the record cannot be read: "), "{report:?}");
}

#[test]
fn no_records_are_an_error_that_says_what_to_do() {
    let matrix = Matrix::of_this_workspace().unwrap();
    let directory = tempfile::tempdir().unwrap();
    for directory in [directory.path().to_owned(), directory.path().join("not-there")] {
        let error = format!("{:#}", Report::of(&matrix, &directory).unwrap_err());
        assert!(error.contains("build-matrix all"), "{error}");
    }
}

#[test]
fn the_same_records_give_the_same_report() {
    let (_, one) = whole("again");
    let (_, other) = report("again", &Records::whole());
    for name in ["report.json", "report.md", "report.html", "report.csv", "samples.csv"] {
        assert!(read(&one, name) == read(&other, name), "{name} differs");
    }
}

#[test]
fn a_kept_record_gives_the_readme_its_table() {
    let workspace = tempfile::tempdir().unwrap();
    let layout = Layout::new(workspace.path().to_owned(), workspace.path().join("target"));
    let readme = workspace.path().join("README.md");
    fs::write(&readme, "# x\n<!-- matrix:begin -->\n<!-- matrix:end -->\ny\n").unwrap();
    let error = build_matrix::report::readme::write(&layout).unwrap_err().to_string();
    assert!(error.contains("report --keep"), "{error}");

    let (report, _) = whole("kept");
    assert!(report.keep(&layout, "../elsewhere").is_err());
    report.keep(&layout, "2026-01-01-made-up").unwrap();
    build_matrix::report::readme::write(&layout).unwrap();
    let text = fs::read_to_string(&readme).unwrap();
    assert!(text.contains("| `mupdf-musl-static-amd64-system` | works | 8.12 MB |"), "{text}");
    assert!(text.contains("(build-matrix/record/2026-01-01-made-up/report.md)"), "{text}");
    assert!(text.ends_with("<!-- matrix:end -->\ny\n"));
}
