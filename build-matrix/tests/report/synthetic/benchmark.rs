//! A made-up record of the benchmark that looks like that of a run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Random;

/// The files of a record by name, before they are files.
#[derive(Debug, Clone)]
pub(crate) struct Record(pub(crate) BTreeMap<&'static str, Value>);

/// Class, documents with their pages, and milliseconds to draw a page with MuPDF, PDFium, hayro and Poppler.
type Class = (&'static str, &'static [(&'static str, u32)], [f64; 4]);

const CLASSES: [Class; 10] = [
    ("text", &[("text-20", 20), ("text-100", 100)], [1.4, 1.9, 2.4, 9.0]),
    ("cjk", &[("cjk-10", 10)], [2.2, 2.6, 3.1, 14.0]),
    ("office", &[("tables-12", 12)], [2.9, 3.0, 4.1, 15.0]),
    ("vector", &[("vector-map", 1), ("vector-charts", 3)], [190.0, 62.0, 55.0, 410.0]),
    ("transparency", &[("heavy-alpha", 2)], [610.0, 180.0, 105.0, 900.0]),
    ("scan", &[("scan-gray", 2), ("scan-color", 2)], [21.0, 22.0, 19.0, 30.0]),
    ("photo", &[("photo-1", 1)], [22.0, 34.0, 31.0, 19.0]),
    ("slides", &[("slides-15", 15)], [6.0, 7.1, 7.9, 33.0]),
    ("forms", &[("forms-appearance", 4)], [1.9, 2.2, 2.6, 8.0]),
    ("poster", &[("poster-a0", 1)], [310.0, 290.0, 350.0, 800.0]),
];

/// Name, engine (as a column of the times), whether it is ours, processes, and milliseconds to encode a page as PNG
/// and JPEG.
const PROGRAMS: [(&str, usize, bool, u32, [f64; 2]); 8] = [
    ("pdf2img-mupdf", 0, true, 2, [4.0, 4.2]),
    ("pdf2img-pdfium", 1, true, 2, [4.0, 4.2]),
    ("pdf2img-hayro", 2, true, 2, [4.1, 4.3]),
    ("mutool", 0, false, 1, [36.0, 9.0]),
    ("pdftoppm", 3, false, 1, [130.0, 8.0]),
    ("pymupdf", 0, false, 2, [38.0, 60.0]),
    ("pypdfium2", 1, false, 2, [39.0, 5.5]),
    ("vips", 3, false, 1, [60.0, 6.0]),
];

const ENGINES: [&str; 4] = ["mupdf", "pdfium", "hayro", "poppler"];

impl Record {
    /// Every part.
    pub(crate) fn whole() -> Record {
        let mut random = Random::of("the benchmark");
        Record(BTreeMap::from([
            ("peers.json", peers(&mut random)),
            ("scaling.json", scaling(&mut random)),
            ("cost.json", cost(&mut random)),
            ("isolation.json", isolation(&mut random)),
            ("stages.json", stages(&mut random)),
            ("instructions.json", instructions()),
        ]))
    }

    /// Every part, with few documents beside other programs: most of a report's time goes into those.
    pub(crate) fn short() -> Record {
        let mut record = Record::whole();
        let cases = record.0.get_mut("peers.json").unwrap()["cases"].as_array_mut().unwrap();
        cases.retain(|it| ["photo", "poster"].contains(&it["class"].as_str().unwrap()));
        record
    }

    /// Only one part.
    pub(crate) fn only(name: &str) -> Record {
        Record(Record::short().0.into_iter().filter(|(known, _)| *known == name).collect())
    }

    /// Writes them as files.
    pub(crate) fn write(&self, directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        for (name, value) in &self.0 {
            fs::write(directory.join(name), serde_json::to_string_pretty(value).unwrap()).unwrap();
        }
    }

    /// A program's side of a document in a format.
    pub(crate) fn side(&mut self, document: &str, format: &str, program: &str) -> &mut Value {
        let cases = self.0.get_mut("peers.json").unwrap()["cases"].as_array_mut().unwrap();
        let case = cases.iter_mut().find(|it| it["document"] == document && it["format"] == format).unwrap();
        let sides = case["sides"].as_array_mut().unwrap();
        sides.iter_mut().find(|it| it["program"] == program && it["again"] == false).unwrap()
    }
}

fn machine() -> Value {
    json!({
        "date": "2026-01-02T10:00:00Z", "cpu": "AMD EPYC", "cpus": 2, "kernel": "Linux 6.18.44",
        "system": "Debian GNU/Linux 12 (bookworm)", "load": "0.10 0.20 0.30 1/82 20208",
        "lscpu": "Architecture:        x86_64\nCPU(s):              2\nModel name:          AMD EPYC <made up>\n",
    })
}

fn executable(name: &str, engine: &str, ours: bool) -> Value {
    json!({
        "name": name, "engine": engine, "ours": ours, "version": format!("{name} 1.2.3"),
        "path": format!("/usr/bin/{name}"), "bytes": 4_321_000 + name.len(), "sha256": "5e".repeat(32),
    })
}

fn peers(random: &mut Random) -> Value {
    let programs: Vec<Value> =
        PROGRAMS.iter().map(|(name, engine, ours, ..)| executable(name, ENGINES[*engine], *ours)).collect();
    let mut cases = Vec::new();
    for (class, documents, times) in CLASSES {
        for (document, pages) in documents {
            for (format, dpi) in [("png", 150), ("jpeg", 150), ("jpeg", 300)] {
                cases.push(case(random, class, (document, *pages), times, (format, dpi)));
            }
        }
    }
    let skipped = [json!({ "name": "imagemagick", "reason": "convert is not on the path" })];
    json!({ "form": 2, "machine": machine(), "programs": programs, "skipped": skipped, "cases": cases })
}

fn case(
    random: &mut Random,
    class: &str,
    (document, pages): (&str, u32),
    times: [f64; 4],
    (format, dpi): (&str, u32),
) -> Value {
    let pixels = f64::from(dpi * dpi) / 22_500.0;
    // What slows the machine down in a turn slows all of it down.
    let drift = random.around(1.0, 11, 0.08);
    let mut sides = Vec::new();
    for number in [0, 0, 1, 2, 3, 4, 5, 6, 7] {
        let (name, engine, ours, processes, encoders) = PROGRAMS[number];
        let again = number == 0 && !sides.is_empty();
        let encode = encoders[usize::from(format == "jpeg")] * pixels;
        let page_s = (times[engine] * pixels.sqrt() + encode) / 1e3;
        let cpu_s = page_s * f64::from(pages) + if ours { 0.003 } else { 0.03 };
        let wall_s = cpu_s / f64::from(processes.min(pages)) * 1.02;
        let in_turn = |samples: Vec<f64>| -> Vec<f64> {
            samples.iter().zip(&drift).map(|(sample, drift)| sample * drift).collect()
        };
        let bytes = f64::from(pages) * pixels * if ours { 158_000.0 } else { 207_000.0 };
        sides.push(json!({
            "program": name, "again": again, "processes": processes,
            "wall_s": in_turn(random.around(wall_s, 11, 0.02)), "cpu_s": in_turn(random.around(cpu_s, 11, 0.01)),
            "picture_bytes": bytes as u64, "peak_bytes": (40e6 + 20e6 * pixels) as u64,
            "width_px": 1240, "height_px": 1754, "refused": null,
        }));
    }
    let alike = [
        json!({ "first": "pdf2img-mupdf", "second": "pdftoppm", "same": pages - 1, "near": 1, "different": 0,
                "other_size": 0, "lowest_score": 87.1 }),
        json!({ "first": "pdf2img-mupdf", "second": "pypdfium2", "same": pages, "near": 0, "different": 0,
                "other_size": 0, "lowest_score": 93.2 }),
    ];
    json!({
        "document": document, "class": class, "pages": pages, "format": format, "dpi": dpi, "sides": sides,
        "alike": alike,
    })
}

fn point(random: &mut Random, value: f64, pages: u32, page_ms: f64, peak_mb: f64) -> Value {
    let seconds = page_ms * f64::from(pages) / 1e3;
    json!({
        "value": value, "pages": pages, "wall_s": random.around(seconds, 9, 0.02),
        "cpu_s": random.around(seconds * 1.8, 9, 0.01), "peak_bytes": (peak_mb * 1e6) as u64, "failed": null,
    })
}

fn scaling(random: &mut Random) -> Value {
    let mut series = Vec::new();
    let mut add = |axis: &str, document: &str, class: &str, backend: &str, points: Vec<Value>| {
        series.push(json!({
            "axis": axis, "document": document, "class": class, "backend": backend, "format": "png",
            "points": points,
        }));
    };
    for (backend, ms) in [("mupdf", 2.7), ("pdfium", 3.0), ("hayro", 3.3)] {
        let pages = [1, 20, 100, 300, 1_000];
        let of = |pages: u32| ms * (1.0 + 1.5 / f64::from(pages));
        let points = pages.iter().map(|&it| point(random, f64::from(it), it, of(it), 52.0)).collect();
        add("pages", "text", "text", backend, points);
        let mut workers: Vec<Value> = [1_u32, 2, 3, 4]
            .iter()
            .map(|&it| {
                let workers = f64::from(it);
                point(random, workers, 100, 2.0 * ms / workers.min(2.0), 30.0 + 22.0 * workers)
            })
            .collect();
        if backend == "hayro" {
            workers[3] = json!({ "value": 4, "pages": 100, "failed": "worker 4 <was killed>" });
        }
        add("workers", "text-100", "text", backend, workers);
        for (document, class, factor) in [("text-20", "text", 1.0), ("scan-color", "scan", 5.0)] {
            let points = [72.0, 100.0, 150.0, 300.0, 600.0]
                .iter()
                .map(|&dpi: &f64| {
                    let pixels = (dpi / 150.0).powi(2);
                    point(random, dpi, 20, ms * factor * (0.3 + 0.7 * pixels), 40.0 + 11.0 * pixels)
                })
                .collect();
            add("dpi", document, class, backend, points);
        }
    }
    let points = [(0.1e6, 20), (0.44e6, 100), (4.2e6, 1_000), (48e6, 200)];
    let points = points.iter().map(|&(bytes, pages)| point(random, bytes, pages, 2.9, 55.0 + bytes / 1e6));
    add("bytes", "text", "text", "mupdf", points.collect());
    let points = [1_u32, 2, 4, 8];
    let points = points
        .iter()
        .map(|&it| point(random, f64::from(it), it * 20, 2.9 / f64::from(it).min(1.9), 50.0 * f64::from(it)));
    add("concurrency", "text-20", "text", "mupdf", points.collect());
    json!({ "form": 2, "machine": machine(), "program": executable("pdf2img", "", true), "series": series })
}

fn cost(random: &mut Random) -> Value {
    let mut cases = Vec::new();
    for (class, documents, times) in CLASSES.iter().filter(|it| ["text", "scan", "vector"].contains(&it.0)) {
        let (document, pages) = documents[0];
        for (engine, format) in [(0, "jpeg"), (0, "png"), (1, "jpeg")] {
            let cpu_s = (times[engine] + 4.2) * f64::from(pages) / 1e3;
            let points: Vec<Value> = [128_u32, 512, 1_024, 1_769, 3_538, 5_307]
                .iter()
                .map(|&memory_mb| {
                    let cpus = f64::from(memory_mb) / 1_769.0;
                    if memory_mb == 5_307 {
                        let why = "this machine has 2 CPUs, and 3.00 are needed";
                        return json!({ "memory_mb": memory_mb, "cpus": cpus, "not_measured": why });
                    }
                    let seconds = cpu_s / cpus.min(1.9) + 0.002;
                    json!({
                        "memory_mb": memory_mb, "cpus": cpus, "document_s": random.around(seconds, 12, 0.03),
                        "first_document_s": random.around(seconds + 0.02 / cpus.min(1.0), 5, 0.05),
                        "peak_bytes": 141_000_000, "not_measured": null,
                    })
                })
                .collect();
            cases.push(json!({
                "document": document, "class": class, "pages": pages, "backend": ENGINES[engine], "format": format,
                "points": points,
            }));
        }
    }
    json!({
        "form": 2, "machine": machine(), "function": executable("bootstrap", "", true),
        "method": "cgroup v2 cpu.max, period 20 ms", "cases": cases,
    })
}

fn isolation(random: &mut Random) -> Value {
    let mut cases = Vec::new();
    for (class, documents, times) in CLASSES.iter().filter(|it| it.0 != "cjk") {
        let (document, pages) = documents[0];
        for engine in 0..3 {
            let seconds = (times[engine] + 4.0) * f64::from(pages) / 1e3;
            let drift = random.around(1.0, 15, 0.06);
            let mut series = |of: f64| -> Vec<f64> {
                random.around(of, 15, 0.01).iter().zip(&drift).map(|(it, drift)| it * drift).collect()
            };
            cases.push(json!({
                "document": document, "class": class, "pages": pages, "backend": ENGINES[engine], "format": "png",
                "in_process_s": series(seconds), "worker_s": series(seconds * 1.012),
                "again_s": series(seconds), "in_process_cpu_s": series(seconds), "worker_cpu_s": series(seconds * 1.016),
            }));
        }
    }
    json!({ "form": 2, "machine": machine(), "cpus": 1, "cases": cases })
}

fn stages(random: &mut Random) -> Value {
    let mut benchmarks = Vec::new();
    let mut add = |stage: &str, document: &str, backend: &str, format: Option<&str>, ms: f64, done: Value| {
        let ns = random.around(ms * 1e6, 1, 0.05)[0];
        let format_of_id = format.map(|it| format!("/{it}")).unwrap_or_default();
        benchmarks.push(json!({
            "id": format!("{stage}/{document}/{backend}{format_of_id}"), "stage": stage, "document": document,
            "backend": backend, "format": format, "median_ns": ns, "low_ns": ns * 0.99, "high_ns": ns * 1.015,
            "throughput": done,
        }));
    };
    for (backend, factor) in [("mupdf", 1.0), ("pdfium", 1.4), ("hayro", 1.7)] {
        for (document, ms) in [("text-20", 1.4), ("scan-color", 21.0), ("vector-charts", 38.0)] {
            add("open", document, backend, None, 0.3 * factor, json!({ "unit": "bytes", "value": 106_013 }));
            add(
                "first_page",
                document,
                backend,
                None,
                ms * factor + 1.0,
                json!({ "unit": "pages", "value": 1 }),
            );
            add("render", document, backend, None, 3.0 * ms * factor, json!({ "unit": "pages", "value": 3 }));
            for (format, ms) in [("png", 4.0), ("jpeg", 4.2)] {
                let pixels = json!({ "unit": "pixels", "value": 2_174_960 });
                add("encode", document, backend, Some(format), ms, pixels);
            }
        }
    }
    json!({ "form": 2, "machine": machine(), "benchmarks": benchmarks })
}

fn instructions() -> Value {
    json!({
        "benchmarks": {
            "open/text-100/mupdf": 812_345, "open/text-100/hayro": 2_312_345, "render/text-20/mupdf": 24_812_345,
            "render/text-20/hayro": 39_112_345, "encode/text-20/mupdf/png": 41_512_345,
        },
        "valgrind": "valgrind-3.19.0", "rustc": "rustc 1.95.0",
    })
}
