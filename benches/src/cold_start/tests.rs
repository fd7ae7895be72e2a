use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A function in bash: it asks for an invocation, puts images, and answers, as the real one does.
const LIBRARY: &str = r#"
ask() { # method, path, body; the answer's body is in $answer
    exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
    printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" "${#3}" "$3" >&3
    answer=$(tr -d '\0' <&3); exec 3>&-
}
next() { ask GET /2018-06-01/runtime/invocation/next; }
put() { ask PUT "/pdf-out/$1" "$2"; }
respond() { ask POST /2018-06-01/runtime/invocation/1/response "$1"; }
complete='{"documents":[{"status":"complete","already_done":false,"totals":{"images":2}}]}'
jpeg=$'\xff\xd8\xff'
LC_ALL=C
"#;

fn function(script: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bootstrap");
    fs::write(&path, format!("#!/bin/bash\n{LIBRARY}\n{script}\nsleep 60\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (dir, path)
}

fn plan(functions: &[&PathBuf]) -> Plan {
    Plan {
        functions: functions.iter().map(|&it| it.clone()).collect(),
        runs: 3,
        cold_cache_runs: 0,
        documents: 1,
        document: "vector-charts".into(),
        limit: None,
        emulator: Vec::new(),
        variables: Vec::new(),
    }
}

/// Why the only function failed.
fn failure(script: &str) -> String {
    let (_dir, path) = function(script);
    let record = run(&plan(&[&path])).unwrap();
    assert!(record.functions[0].starts.is_empty(), "{record:?}");
    assert!(record.to_markdown().contains("FAILED"));
    record.functions[0].failed.clone().unwrap()
}

#[test]
fn a_start_has_its_moments_in_order_and_further_documents_are_warm() {
    let (_dir, path) = function(
        "for n in 0 1; do next; put $n/1.jpeg ${jpeg}1; put $n/2.jpeg ${jpeg}2; put $n/manifest.json {}; respond $complete; done",
    );
    let record = run(&Plan { documents: 2, ..plan(&[&path]) }).unwrap();
    assert_eq!(record.functions[0].failed, None);
    assert_eq!(record.functions[0].starts.len(), 3);
    for start in &record.functions[0].starts {
        let (image, answer) = (start.first_image_s.unwrap(), start.document_s.unwrap());
        assert!(0.0 < start.first_next_s && start.first_next_s < image && image < answer, "{start:?}");
        assert_eq!(start.warm_document_s.len(), 1);
        assert!(start.cpu_s > 0.0);
        assert!(start.peak_rss_bytes.unwrap() > 100_000);
    }
}

#[test]
fn a_function_without_invocations_only_starts() {
    let (_dir, path) = function("next; put 1.jpeg $jpeg");
    let record = run(&Plan { documents: 0, cold_cache_runs: 3, ..plan(&[&path]) }).unwrap();
    let function = &record.functions[0];
    assert_eq!(function.failed, None);
    assert_eq!(function.starts.len(), 3);
    assert_eq!(function.starts[0].document_s, None);
    // Where temporary files are in memory there is nothing to read them from.
    assert_eq!(
        function.cold_cache_first_next_s.len(),
        if function.cold_cache_not_measured.is_some() { 0 } else { 3 }
    );
}

#[test]
fn a_function_that_fails_does_not_stop_the_others() {
    let (_one, fails) = function("echo no such library; exit 1");
    let (_two, works) = function("next; put 1.jpeg $jpeg; put 2.jpeg $jpeg; respond $complete");
    let record = run(&plan(&[&fails, &works])).unwrap();
    let why = record.functions[0].failed.as_ref().unwrap();
    assert!(why.contains("has ended") && why.contains("no such library"), "{why}");
    assert_eq!(record.functions[1].starts.len(), 3);
}

#[test]
fn an_answer_that_is_not_complete_is_a_failure() {
    let why = failure("next; put 1.jpeg $jpeg; put 2.jpeg $jpeg; respond \"${complete/complete/partial}\"");
    assert!(why.contains("not complete"), "{why}");
    let why = failure("next; respond \"${complete/2/1}\"");
    assert!(why.contains("1 images of 2 pages"), "{why}");
    let why = failure("next; respond \"${complete/false/true}\"");
    assert!(why.contains("was not drawn"), "{why}");
}

#[test]
fn images_that_are_missing_empty_or_none_are_a_failure() {
    let why = failure("next; put 1.jpeg $jpeg; respond $complete");
    assert!(why.contains("1 images, and 2 pages"), "{why}");
    let why = failure("next; put 1.jpeg $jpeg; put 2.jpeg ''; respond $complete");
    assert!(why.contains("2.jpeg is empty"), "{why}");
    let why = failure("next; put 1.jpeg $jpeg; put 2.jpeg text; respond $complete");
    assert!(why.contains("2.jpeg does not begin as an image"), "{why}");
}

#[test]
fn an_error_that_is_reported_is_a_failure() {
    let why = failure("ask POST /2018-06-01/runtime/init/error 'no region'");
    assert!(why.contains("no region"), "{why}");
    let why = failure("next; ask POST /pdf-out?delete x");
    assert!(why.contains("has no answer here"), "{why}");
}

#[test]
fn an_emulator_is_started_with_the_function_as_its_last_argument() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bootstrap");
    // Not executable: only something that reads it can run it.
    fs::write(&path, format!("{LIBRARY}\nnext; sleep 60\n")).unwrap();
    let emulator = vec!["bash".to_owned(), "--norc".to_owned()];
    let record = run(&Plan { emulator, documents: 0, ..plan(&[&path]) }).unwrap();
    assert_eq!(record.functions[0].failed, None);
    assert_eq!(record.emulated_by.as_deref(), Some("bash --norc"));
}

#[test]
fn a_limit_on_the_cpu_holds_where_the_machine_has_one() {
    let busy = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done";
    let (_dir, path) = function(&format!("[ $PDF2IMG_WORKERS = 2 ] && {busy}; next"));
    let record = run(&Plan { documents: 0, limit: Some(Limit::Cpus(0.1)), ..plan(&[&path]) }).unwrap();
    if let Some(why) = record.not_measured {
        // Not every machine lets us limit the CPU; then there are no figures.
        assert!(record.functions.is_empty() && !why.is_empty());
        return;
    }
    assert_eq!(record.functions[0].failed, None);
    for start in &record.functions[0].starts {
        assert!(start.throttled_periods.unwrap() > 0, "{start:?}");
    }
}

#[test]
fn a_limit_that_cannot_be_is_told_and_nothing_is_measured() {
    let (_dir, path) = function("next");
    let record = run(&Plan { limit: Some(Limit::MemoryMb(4_000_000_000)), ..plan(&[&path]) }).unwrap();
    assert!(record.functions.is_empty());
    assert!(record.to_markdown().contains("Not measured"), "{}", record.to_markdown());
}
