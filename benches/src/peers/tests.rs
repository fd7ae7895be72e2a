use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

/// `pdf2img` with two engines: it copies the pictures beside it, whatever it is given.
const OURS: &str = r#"
[ "$1" = --version ] && echo pdf2img 1.2.3 && exit
case "$*" in
    *hayro*) echo 'backend "hayro" is not built in' >&2; exit 1;;
esac
mkdir -p "$4"; cp "${0%/*}/page.png" "$4/page-0001.png"
"#;

/// `pdftoppm`: its last argument is how its files begin.
const PDFTOPPM: &str = r#"
[ "$1" = -v ] && echo pdftoppm 6.7 >&2 && exit
for last; do :; done
cp "${0%/*}/page.png" "$last-1.png"
"#;

const HANGS: &str = "[ \"$1\" = -v ] && echo mutool 8.9 && exit; sleep 60";

/// A directory of commands, with a picture beside them.
fn commands(commands: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in commands {
        let path = dir.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(dir.path().join("page.png"), picture(20)).unwrap();
    dir
}

/// A page of lines, each so many pixels from the next.
fn picture(distance_px: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 200, 120);
    encoder.set_color(png::ColorType::Grayscale);
    let gray: Vec<u8> = (0..200 * 120).map(|i| if i / 200 % distance_px < 8 { 20 } else { 255 }).collect();
    encoder.write_header().unwrap().write_image_data(&gray).unwrap();
    bytes
}

fn record(dir: &Path, programs: &[&str], limit: Duration) -> Record {
    run(&plan(dir, programs, limit)).unwrap()
}

fn plan(dir: &Path, programs: &[&str], limit: Duration) -> Plan {
    Plan {
        bin_dir: dir.to_owned(),
        path: vec![dir.to_owned()],
        python: dir.join("python"),
        documents: Source::named("text-1").unwrap(),
        programs: programs.iter().map(|&name| name.to_owned()).collect(),
        formats: vec![Format::Png],
        resolutions: vec![Resolution { format: None, dpi: 150 }],
        runs: 3,
        budget: PATIENT,
        limit,
        cpus: 2,
        our_flags: Vec::new(),
    }
}

const PATIENT: Duration = Duration::from_secs(240);

#[test]
fn programs_that_draw_the_same_are_timed_in_turn_and_the_product_once_more() {
    let dir = commands(&[("pdf2img", OURS), ("pdftoppm", PDFTOPPM)]);
    let record = record(dir.path(), &["pdf2img-mupdf", "pdf2img-hayro", "pdftoppm", "pymupdf"], PATIENT);
    let sides: Vec<_> = record.cases[0].sides.iter().map(|it| (it.program.as_str(), it.again)).collect();
    assert_eq!(sides, [("pdf2img-mupdf", false), ("pdftoppm", false), ("pdf2img-mupdf", true)]);
    for side in &record.cases[0].sides {
        assert_eq!((side.wall_s.len(), side.cpu_s.len(), &side.refused), (3, 3, &None), "{side:?}");
        assert_eq!(side.picture_bytes, picture(20).len() as u64);
        assert_eq!((side.width_px, side.height_px), (200, 120));
    }
    assert_eq!(record.cases[0].sides[0].processes, 2);
    assert_eq!(record.cases[0].sides[1].processes, 1);
    assert_eq!((record.cases[0].alike.len(), record.cases[0].alike[0].same), (1, 1));
    assert_eq!(record.programs[0].executable.version, "pdf2img 1.2.3");
    assert_eq!(record.programs[1].executable.version, "pdftoppm 6.7");
    // What is not here is told by name, with what is missing.
    let skipped: Vec<_> = record.skipped.iter().map(|it| it.name).collect();
    assert_eq!(skipped, ["pdf2img-hayro", "pymupdf"]);
    assert!(record.skipped[0].reason.contains("is not built in"), "{record:?}");
    assert!(record.to_markdown().contains("Skipped: pymupdf"));

    let json = serde_json::to_value(&record).unwrap();
    assert_eq!(json["form"], 2);
    assert!(json["machine"]["lscpu"].as_str().is_some_and(|it| it.contains("CPU")), "{json}");
    assert_eq!(json["programs"][1]["engine"], "poppler");
    assert!(json["programs"][1]["sha256"].is_string());
    assert_eq!(json["cases"][0]["format"], "png");

    let missed = |text: &str| record.missed(&[text.parse().unwrap()]).len();
    assert_eq!(missed("pdftoppm:text-1:png=0.0001"), 0);
    assert_eq!(missed("pdftoppm:text=1000000"), 1);
    // What was not measured is not met.
    assert_eq!(missed("pdftoppm:text-1:jpeg=0.0001"), 1);
    assert_eq!(missed("pdftoppm:scan=0.0001"), 1);
    assert_eq!(missed("mutool:text-1=0.0001"), 1);
}

#[test]
fn a_program_that_takes_too_long_is_stopped_and_refused_and_the_others_go_on() {
    let dir = commands(&[("pdf2img", OURS), ("pdftoppm", PDFTOPPM), ("mutool", HANGS)]);
    let record = record(dir.path(), &["pdf2img-mupdf", "pdftoppm", "mutool"], Duration::from_secs(12));
    let sides = &record.cases[0].sides;
    assert!(sides[2].refused.as_ref().unwrap().contains("takes longer than 3.0 s"), "{sides:?}");
    assert!(sides[2].wall_s.is_empty());
    assert_eq!(sides[1].wall_s.len(), 3, "{sides:?}");
    assert!(record.to_markdown().contains("Refused: mutool with text-1 as png at 150 dpi"));
    assert_eq!(record.missed(&["mutool:text-1=0.0001".parse().unwrap()]).len(), 1);
}

#[test]
fn a_slow_program_is_timed_less_often_than_others_and_compared_with_the_same_turns() {
    let slow = format!("{PDFTOPPM}\nsleep 0.3");
    let dir = commands(&[("pdf2img", OURS), ("pdftoppm", &slow)]);
    let plan = Plan {
        runs: 5,
        budget: Duration::from_secs(1),
        ..plan(dir.path(), &["pdf2img-mupdf", "pdftoppm"], PATIENT)
    };
    assert_eq!([0.1, 0.2, 0.26, 0.4, 9.0].map(|seconds| plan.runs_of(seconds)), [5, 5, 3, 3, 3]);
    let sides = &run(&plan).unwrap().cases[0].sides;
    assert_eq!(sides.iter().map(|it| it.wall_s.len()).collect::<Vec<_>>(), [5, 3, 5], "{sides:?}");
}

#[test]
fn a_timed_run_that_writes_something_else_than_was_certified_does_not_count() {
    let grows = format!("{PDFTOPPM}\necho x >>\"${{0%/*}}/page.png\"");
    // The product gets a picture of its own, which does not grow.
    let ours = OURS.replace("page.png", "own.png");
    let dir = commands(&[("pdf2img", &ours), ("pdftoppm", &grows)]);
    fs::write(dir.path().join("own.png"), picture(20)).unwrap();
    let record = record(dir.path(), &["pdf2img-mupdf", "pdftoppm"], PATIENT);
    let sides = &record.cases[0].sides;
    assert!(sides[1].refused.as_ref().unwrap().contains("a timed run wrote"), "{sides:?}");
    assert!(sides[1].wall_s.is_empty() && sides[1].cpu_s.is_empty());
    assert_eq!(sides[0].wall_s.len(), 3);
}

#[test]
fn a_program_that_draws_something_else_does_not_count() {
    let dir = commands(&[("pdf2img", OURS)]);
    let other = commands(&[("pdftoppm", PDFTOPPM)]);
    fs::write(other.path().join("page.png"), picture(33)).unwrap();
    let plan = Plan {
        bin_dir: dir.path().to_owned(),
        path: vec![other.path().to_owned()],
        python: dir.path().join("python"),
        documents: Source::named("text-1").unwrap(),
        programs: ["pdf2img-mupdf", "pdf2img-pdfium", "pdftoppm"].map(str::to_owned).to_vec(),
        formats: vec![Format::Png],
        resolutions: vec![Resolution { format: None, dpi: 150 }],
        runs: 3,
        budget: PATIENT,
        limit: PATIENT,
        cpus: 1,
        our_flags: Vec::new(),
    };
    let record = run(&plan).unwrap();
    let sides = &record.cases[0].sides;
    assert_eq!(sides[0].refused, None);
    assert_eq!(sides[1].refused, None);
    assert!(sides[2].refused.as_ref().unwrap().contains("shows something else than mupdf, pdfium"));
}

#[test]
fn nobody_is_timed_where_the_product_has_drawn_nothing() {
    let refuses = "[ \"$1\" = --version ] && echo pdf2img 1.2.3 && exit; \
                   case \"$*\" in *text-1.pdf*) echo 'too many pixels' >&2; exit 1;; esac; exit 0";
    let dir = commands(&[("pdf2img", refuses), ("pdftoppm", PDFTOPPM)]);
    let record = record(dir.path(), &["pdf2img-mupdf", "pdftoppm"], PATIENT);
    let sides = &record.cases[0].sides;
    assert_eq!(sides.len(), 2, "{record:?}");
    assert!(sides[0].refused.as_ref().unwrap().contains("too many pixels"));
    assert!(sides[1].refused.as_ref().unwrap().contains("nothing of pdf2img"));
    assert!(sides.iter().all(|side| side.wall_s.is_empty()));
}
