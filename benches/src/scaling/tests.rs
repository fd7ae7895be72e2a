use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A program that is called as `pdf2img render` is, and writes as many images as `pages` says beside it.
fn program(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pdf2img");
    fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && echo 1.2 && exit\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (dir, path)
}

fn plan(program: &Path, axes: &[Axis]) -> Plan {
    Plan {
        program: program.to_owned(),
        function: "/there/is/no/function".into(),
        axes: axes.to_vec(),
        backends: vec!["mupdf".into()],
        formats: vec![Format::Jpeg],
        runs: 3,
        patience: Duration::from_secs(60),
        cpus: 2,
    }
}

#[test]
fn the_points_of_a_series_are_measured_in_turn() {
    let (dir, path) = program(
        "for n in $(seq 100); do echo image >$4/$n.jpeg; done; echo \"$*\" | sed 's/.*--workers //' >>${0%/*}/log",
    );
    let record = run(&plan(&path, &[Axis::Workers, Axis::Concurrency])).unwrap();
    let [series] = &record.series[..] else { panic!("{record:?}") };
    assert_eq!(series.points.iter().map(|it| it.value).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for point in &series.points {
        assert_eq!((point.wall_s.len(), point.cpu_s.len(), point.pages), (3, 3, 100), "{point:?}");
        assert_eq!(point.failed, None);
    }
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    let order: Vec<_> = log.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(order.concat(), "1234123443211234");
    assert!(record.skipped[0].contains("/there/is/no/function"), "{record:?}");
    assert!(record.to_markdown().contains("workers with text-100 as jpeg by mupdf"));
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!((&json["form"], &json["series"][0]["axis"]), (&2.into(), &"workers".into()));
}

#[test]
fn a_point_that_fails_is_told_and_the_others_are_measured() {
    let (_dir, path) = program(
        "case \"$*\" in *'--workers 3'*) echo 'too many' >&2; exit 1;; esac\nfor n in $(seq 100); do echo image >$4/$n.jpeg; done",
    );
    let record = run(&plan(&path, &[Axis::Workers])).unwrap();
    let points = &record.series[0].points;
    assert!(points[2].failed.as_ref().unwrap().contains("too many"), "{points:?}");
    assert!(points[2].wall_s.is_empty());
    assert_eq!(points[3].wall_s.len(), 3);
    assert!(record.to_markdown().contains("failed: "));
}

#[test]
fn a_longer_file_is_the_same_document_to_the_program() {
    let (_dir, path) =
        program("wc -c <$2 >>${0%/*}/lengths; for n in $(seq 100); do echo image >$4/$n.jpeg; done");
    let record = run(&plan(&path, &[Axis::Bytes])).unwrap();
    let values: Vec<_> = record.series[0].points.iter().map(|it| it.value).collect();
    assert!(values.is_sorted() && values[3] > 100_000_000, "{values:?}");
    let lengths = fs::read_to_string(path.with_file_name("lengths")).unwrap();
    let seen: Vec<u64> = lengths.lines().take(4).map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(seen, values);
}

#[test]
fn workers_double_where_there_are_many_cpus() {
    assert_eq!(worker_counts(2), [1, 2, 3, 4]);
    assert_eq!(worker_counts(12), [1, 2, 4, 8, 12, 16, 24]);
    assert_eq!(worker_counts(64), [1, 2, 4, 8, 16, 32, 64, 128]);
}

#[test]
fn every_axis_is_found_by_its_name() {
    for axis in Axis::ALL {
        assert_eq!(axis.to_string().parse(), Ok(axis));
    }
    assert!("time".parse::<Axis>().unwrap_err().contains("pages, workers"));
}
