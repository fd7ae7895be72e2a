use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

/// Cells that are built, for what measures them: a script in the place of `pdf2img-bench`.
struct Workshop {
    dir: tempfile::TempDir,
    matrix: Matrix,
    layout: Layout,
}

/// It notes how it was called, and writes what the real one does, with the number of functions that it was given.
const BENCH: &str = r#"#!/bin/bash
echo "$*" >>"${0%/*}/calls"
subject=$1; shift
paths=(); documents=(); limit=null; share=null; backend=
while [ $# -gt 0 ]; do case $1 in
    --function|--program) paths+=("$2");;
    --document) documents+=("$2");;
    --backend) backend=$2;;
    --memory-mb) [ $2 = 10240 ] && limit='"too few CPUs"' || share='{"cpus":0.5,"method":"cgroup cpu.max"}';;
    --out) out=$2;;
esac; shift; done
machine='{"date":"2026-01-01T00:00:00Z","cpu":"a CPU"}'
join() { local IFS=,; echo "$*"; }
parts=()
if [ $subject = cold-start ]; then
    [ "$limit" = null ] && for path in "${paths[@]}"; do
        start='{"first_next_s":0.005,"first_image_s":0.02,"document_s":0.1,"warm_document_s":[0.09],"cpu_s":0.2,"peak_rss_bytes":1000}'
        failed=null; [ -e "${path%/*}/fails" ] && failed='"it has ended"'
        parts+=("{\"starts\":[$start,$start],\"cold_cache_first_next_s\":[0.05],\"cold_cache_not_measured\":null,\"failed\":$failed}")
    done
    echo "{\"machine\":$machine,\"pages\":20,\"share\":$share,\"not_measured\":$limit,\"functions\":[$(join "${parts[@]}")]}" >$out
else
    for path in "${paths[@]}"; do for document in "${documents[@]}"; do
        parts+=("{\"program\":\"$path\",\"document\":\"$document\",\"pages\":2,\"backend\":\"$backend\",\"format\":\"jpeg\",\"bytes\":9,\"wall_s\":[0.3],\"cpu_s\":[0.2],\"failed\":null}")
    done; done
    echo "{\"cases\":[$(join "${parts[@]}")]}" >$out
fi
"#;

impl Workshop {
    fn new(cells: &[&Cell]) -> Workshop {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path().to_owned(), dir.path().join("target"));
        let workshop = Workshop { layout, matrix: Matrix::of_this_workspace().unwrap(), dir };
        workshop.write("bench", BENCH.as_bytes());
        let executable = fs::read("/bin/true").unwrap();
        for cell in cells {
            for directory in [workshop.layout.lambda(cell), workshop.layout.symbols(cell)] {
                workshop.write(directory.join("bootstrap").to_str().unwrap(), &executable);
            }
            workshop.write(workshop.layout.command(cell).join("pdf2img").to_str().unwrap(), b"");
        }
        workshop
    }

    fn write(&self, path: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn measure(&self, cells: &[&Cell]) -> bool {
        let cells: Vec<Cell> = cells.iter().map(|&it| it.clone()).collect();
        let bench = Bench::new(self.dir.path().join("bench"), self.dir.path().to_owned());
        measure_with(&bench, &self.matrix, &self.layout, &cells).unwrap()
    }

    fn record(&self, cell: &Cell) -> Record<Measured> {
        Record::read(&self.layout, &cell.to_string(), Stage::Measure).unwrap()
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn cell(engines: &str, libc: &str, is_native: bool) -> Cell {
    let native = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let other = if native == "amd64" { "arm64" } else { "amd64" };
    Cell {
        engines: engines.into(),
        libc: libc.into(),
        arch: if is_native { native } else { other }.into(),
        allocator: "system".into(),
        experiment: None,
    }
}

#[test]
fn cells_are_measured_in_one_session_and_each_gets_its_record() {
    let (one, all) = (cell("mupdf", "musl-static", true), cell("all", "glibc-dynamic", true));
    let workshop = Workshop::new(&[&one, &all]);
    assert!(workshop.measure(&[&one, &all]));
    let record = workshop.record(&all);
    let found = record.done().unwrap();
    assert_eq!(found.start.first_next_s, [0.005, 0.005]);
    assert_eq!(found.start.cold_cache_first_next_s, [0.05]);
    assert_eq!(found.machine["cpu"], "a CPU");
    assert_eq!(found.session, workshop.record(&one).done().unwrap().session);
    assert_eq!(found.backend_starts.len(), 3);
    assert_eq!(found.pages.len(), 3 * 4);
    assert_eq!(workshop.record(&one).done().unwrap().pages.len(), 4);
    assert_eq!(found.sections.values().sum::<u64>(), fs::metadata("/bin/true").unwrap().len());
    assert_eq!(found.parts.iter().map(|it| it.1).sum::<u64>(), found.sections.values().sum::<u64>());
    // The first call is of both, and of one of them twice.
    assert_eq!(workshop.calls()[0].matches("--function").count(), 3);
    assert!(workshop.record(&one).done().unwrap().start_again.is_some());
    assert!(found.start_again.is_none());
    assert_eq!(workshop.calls()[1].matches("--function").count(), 1);
}

#[test]
fn a_memory_size_that_the_machine_cannot_give_is_told() {
    let cell = cell("mupdf", "musl-static", true);
    let workshop = Workshop::new(&[&cell]);
    assert!(workshop.measure(&[&cell]));
    let record = workshop.record(&cell);
    let found = record.done().unwrap();
    let sizes: Vec<u32> = found.memory_sizes.iter().map(|it| it.memory_mb).collect();
    assert_eq!(sizes, [128, 512, 1024, 1769, 3538]);
    assert_eq!(found.memory_sizes[0].warm_document_s, [0.09, 0.09]);
    assert_eq!(found.not_measured, ["10240 MB: too few CPUs"]);
}

#[test]
fn a_session_of_the_same_executables_is_not_measured_again() {
    let (one, two) = (cell("mupdf", "musl-static", true), cell("hayro", "musl-static", true));
    let workshop = Workshop::new(&[&one, &two]);
    assert!(workshop.measure(&[&one, &two]));
    let calls = workshop.calls().len();
    assert!(workshop.measure(&[&one, &two]));
    assert_eq!(workshop.calls().len(), calls);
    // If one is built anew, all are measured again: they are compared with each other.
    workshop.write(workshop.layout.command(&two).join("pdf2img").to_str().unwrap(), b"another");
    assert!(workshop.measure(&[&one, &two]));
    assert_eq!(workshop.calls().len(), 2 * calls);
}

#[test]
fn a_cell_that_fails_or_is_not_built_does_not_stop_the_others() {
    let (fails, works) = (cell("mupdf", "musl-static", true), cell("hayro", "musl-static", true));
    let missing = cell("all", "musl-static", true);
    let workshop = Workshop::new(&[&fails, &works]);
    workshop.write(workshop.layout.lambda(&fails).join("fails").to_str().unwrap(), b"");
    assert!(!workshop.measure(&[&fails, &missing, &works]));
    assert_eq!(workshop.record(&fails).failure(), Some("starts: it has ended"));
    let record = workshop.record(&missing);
    assert!(record.failure().unwrap().contains("build-matrix build all-musl-static"), "{record:?}");
    assert!(workshop.record(&works).done().is_some());
    // Who has failed is not started again.
    assert!(!workshop.calls().last().unwrap().contains("/mupdf-"));
}

#[test]
fn a_program_that_measures_nothing_is_a_failure() {
    let cell = cell("mupdf", "musl-static", true);
    let workshop = Workshop::new(&[&cell]);
    workshop.write("bench", b"#!/bin/sh\necho no such flag >&2; exit 1\n");
    assert!(!workshop.measure(&[&cell]));
    assert!(workshop.record(&cell).failure().unwrap().contains("no such flag"));
}

#[test]
fn another_architecture_only_starts_or_is_not_measured() {
    let cell = cell("mupdf", "musl-static", false);
    let workshop = Workshop::new(&[&cell]);
    assert!(workshop.measure(&[&cell]));
    let record = workshop.record(&cell);
    let found = record.done().unwrap();
    assert!(found.pages.is_empty() && found.memory_sizes.is_empty() && !found.not_measured.is_empty());
    assert!(!found.sections.is_empty());
    match &found.emulated_by {
        // Where the emulator is not installed, there is nothing but sizes.
        None => assert!(workshop.calls().is_empty()),
        Some(emulator) => {
            assert!(emulator.contains("CPU "), "{emulator}");
            assert!(workshop.calls()[0].contains("--documents 0 --emulator qemu-"));
        }
    }
}

#[test]
fn an_experiment_is_compared_by_warm_documents() {
    let base = cell("mupdf", "musl-static", true);
    let experiment = Cell { experiment: Some("opt-s".into()), ..base.clone() };
    let workshop = Workshop::new(&[&base, &experiment]);
    assert!(workshop.measure(&[&base, &experiment]));
    for it in [&base, &experiment] {
        let record = workshop.record(it);
        assert_eq!(record.done().unwrap().warm_documents.len(), 4);
    }
    assert!(workshop.record(&experiment).done().unwrap().pages.is_empty());
}
