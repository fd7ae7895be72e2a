//! `pdf2img compare` as a shell and a script see it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

#[test]
fn one_engine_alone_is_refused_with_the_remedy_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pdf"), page("0 0 40 30 re f")).unwrap();
    let output = compare(folder.path(), &["a.pdf", "--backends", "mupdf"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("nothing to compare") && said.contains("--backends"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_engine_that_is_not_there_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let output = compare(folder.path(), &["a.pdf", "--backends", "mupdf,cairo"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cairo is not in this build"));
}

#[test]
#[cfg(all(feature = "mupdf", feature = "hayro"))]
fn engines_that_agree_leave_a_record_and_no_pictures() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::write(folder.path().join("in/a.pdf"), page("20 20 40 30 re f")).unwrap();
    fs::write(folder.path().join("in/b.PDF"), page("1 0 0 rg 20 20 40 30 re f")).unwrap();
    fs::write(folder.path().join("in/notes.txt"), "no PDF").unwrap();
    let output = compare(folder.path(), &["in", "--backends", "mupdf,hayro", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let record = record(folder.path());
    let files: Vec<&str> =
        record["documents"].as_array().unwrap().iter().map(|d| d["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["in/a.pdf", "in/b.PDF"]);
    assert_eq!(record["totals"]["pages"]["unanimous"], 2);
    let page = &record["documents"][0]["pages"][0];
    assert_eq!((&page["verdict"], &page["groups"][0][1]), (&Value::from("same"), &Value::from("hayro")));
    let ink = page["pairs"][0]["figures"]["ink"][0].as_f64().unwrap();
    assert!((ink - 40.0 * 30.0 / (200.0 * 100.0)).abs() < 0.01, "{ink}");
    assert!(!folder.path().join("out/pictures/in-a").exists());
    assert!(fs::read_to_string(folder.path().join("out/summary.md")).unwrap().contains("| in/a.pdf | 1 |"));
    assert!(fs::read_to_string(folder.path().join("out/index.html")).unwrap().contains("in/a.pdf"));
}

#[test]
#[cfg(all(feature = "mupdf", feature = "hayro"))]
fn a_document_that_no_engine_opens_is_in_the_record_and_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.pdf"), page("20 20 40 30 re f")).unwrap();
    fs::write(folder.path().join("bad.pdf"), "<html></html>").unwrap();
    let output = compare(
        folder.path(),
        &[
            "good.pdf",
            "bad.pdf",
            "gone.pdf",
            "--backends",
            "mupdf,hayro",
            "--out",
            "out",
            "--pictures",
            "all",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let record = record(folder.path());
    let of = |file: &str| record["documents"].as_array().unwrap().iter().find(|d| d["file"] == file).unwrap();
    assert_eq!(of("bad.pdf")["error"]["code"], "not_a_pdf");
    assert_eq!(of("gone.pdf")["error"]["code"], "unreadable");
    let picture = of("good.pdf")["pages"][0]["pictures"]["hayro"].as_str().unwrap();
    assert!(fs::read(folder.path().join("out").join(picture)).unwrap().starts_with(b"\x89PNG"));
}

fn compare(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pdf2img"))
        .current_dir(folder)
        .arg("compare")
        .args(arguments)
        .output()
        .unwrap()
}

#[cfg(all(feature = "mupdf", feature = "hayro"))]
fn record(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("out/compare.json")).unwrap()).unwrap()
}

/// One page of 200 × 100 pt. Its cross-reference table is left for the engine to mend.
fn page(content: &str) -> String {
    format!(
        "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n\
         2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n\
         3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Resources<<>>/Contents 4 0 R>>\nendobj\n\
         4 0 obj\n<</Length {}>>\nstream\n{content}\nendstream\nendobj\n\
         trailer\n<</Root 1 0 R>>\n%%EOF\n",
        content.len()
    )
}
