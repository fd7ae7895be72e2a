//! Made-up records that look like those of a run.

pub(crate) mod benchmark;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use build_matrix::{Cell, Matrix};
use serde_json::{Value, json};

/// Records of cells, before they are files.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    names: Vec<String>,
    failures: BTreeMap<(String, String), String>,
    page_factors: BTreeMap<String, f64>,
    zips: BTreeMap<String, u64>,
    machines: BTreeMap<String, String>,
    are_apart: bool,
    not_run: Vec<String>,
    without: Vec<String>,
}

impl Records {
    /// The default cells and two experiments.
    pub(crate) fn whole() -> Records {
        let matrix = Matrix::of_this_workspace().unwrap();
        let mut names: Vec<String> = matrix.default_cells().iter().map(Cell::to_string).collect();
        for name in ["opt-s", "panic-abort", "lto-thin"] {
            names.push(format!("mupdf-musl-static-amd64-system+{name}"));
        }
        Records::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Some cells.
    pub(crate) fn of(names: &[&str]) -> Records {
        Records {
            names: names.iter().map(|&it| it.to_owned()).collect(),
            failures: BTreeMap::new(),
            page_factors: BTreeMap::new(),
            zips: BTreeMap::new(),
            machines: BTreeMap::new(),
            are_apart: false,
            not_run: Vec::new(),
            without: Vec::new(),
        }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The stage fails, and those after it are not reached.
    pub(crate) fn with_failure(mut self, cell: &str, stage: &str, error: &str) -> Records {
        self.failures.insert((cell.to_owned(), stage.to_owned()), error.to_owned());
        self
    }

    /// A page takes so many times what one with glibc takes.
    pub(crate) fn with_page_factor(mut self, cell: &str, factor: f64) -> Records {
        self.page_factors.insert(cell.to_owned(), factor);
        self
    }

    pub(crate) fn with_zip(mut self, cell: &str, bytes: u64) -> Records {
        self.zips.insert(cell.to_owned(), bytes);
        self
    }

    /// The cell was measured elsewhere.
    pub(crate) fn on_machine(mut self, cell: &str, cpu: &str) -> Records {
        self.machines.insert(cell.to_owned(), cpu.to_owned());
        self
    }

    /// Each cell was measured by itself, and not in turns with others.
    pub(crate) fn measured_apart(mut self) -> Records {
        self.are_apart = true;
        self
    }

    /// Nothing on the machine could run the cell.
    pub(crate) fn not_run(mut self, cell: &str) -> Records {
        self.not_run.push(cell.to_owned());
        self
    }

    /// No cell came to that stage.
    pub(crate) fn without(mut self, stage: &str) -> Records {
        self.without.push(stage.to_owned());
        self
    }

    /// Writes them as files.
    pub(crate) fn write(&self, matrix: &Matrix, directory: &Path) {
        for name in &self.names {
            let cell = &matrix.select(std::slice::from_ref(name)).unwrap()[0];
            let of_cell = directory.join(name);
            fs::create_dir_all(&of_cell).unwrap();
            for stage in ["build", "verify", "package", "measure"] {
                if self.without.iter().any(|it| it == stage) {
                    break;
                }
                let mut record = json!({ "cell": name, "seconds": 12.5, "of": "0" });
                let failure = self.failures.get(&(name.clone(), stage.to_owned()));
                match failure {
                    Some(error) => record["failed"] = json!(error),
                    None => record["done"] = self.done(stage, cell, matrix),
                }
                let text = serde_json::to_string_pretty(&record).unwrap();
                fs::write(of_cell.join(format!("{stage}.json")), text).unwrap();
                if failure.is_some() {
                    break;
                }
            }
        }
    }

    fn done(&self, stage: &str, cell: &Cell, matrix: &Matrix) -> Value {
        let name = cell.to_string();
        let size = Size::of(cell);
        match stage {
            "build" => json!({
                "commit": "0123456789abcdef0123456789abcdef01234567",
                "tools": { "rustc": "rustc 1.95.0", "zig": "0.17.0", "cargo-zigbuild": "0.24.0" },
                "target": cell.triple(matrix),
                "features": cell.backends(matrix),
                "files": size.files(cell),
            }),
            "verify" => json!({ "checks": checks(cell, matrix) }),
            "package" => {
                let zip = self.zips.get(&name).copied().unwrap_or(size.zip);
                json!({
                    "files": {
                        format!("pdf2img-{name}.zip"): file(zip),
                        format!("pdf2img-{name}.tar.gz"): file(zip + 200_000),
                    },
                    "unzipped_bytes": size.bootstrap + size.beside + 340_000,
                })
            }
            _ => self.measured(&name, cell, matrix, &size),
        }
    }

    fn measured(&self, name: &str, cell: &Cell, matrix: &Matrix, size: &Size) -> Value {
        if self.not_run.iter().any(|it| it == name) {
            let start = json!({
                "document": "", "first_next_s": [], "first_image_s": [], "document_s": [], "cpu_s": [],
                "peak_rss_bytes": [], "cold_cache_first_next_s": [],
            });
            return json!({
                "machine": null, "emulated_by": null, "sections": {}, "parts": [], "start": start, "pages": [],
                "memory_sizes": [], "not_measured": ["all times: the emulator is not installed"],
            });
        }
        let mut random = Random::of(name);
        let is_emulated = cell.arch == "arm64";
        let slow = if is_emulated { 9.0 } else { 1.0 };
        let is_musl = cell.libc.starts_with("musl");
        let start =
            slow * if is_musl { 0.0021 } else { 0.0031 } * if cell.engines == "all" { 1.1 } else { 1.0 };
        let page =
            slow * self.page_factors.get(name).copied().unwrap_or(match (is_musl, cell.allocator.as_str()) {
                (true, "system") => 1.12,
                (true, _) => 0.998,
                _ => 1.0,
            }) * match cell.experiment.as_deref() {
                Some("opt-s") => 1.09,
                Some("lto-thin") => 0.97,
                _ => 1.0,
            };
        let mut pages = Vec::new();
        for (document, count, ms) in
            [("text-20", 20, 7.5), ("vector-charts", 3, 61.0), ("scan-color", 2, 48.0), ("photo-1", 1, 35.0)]
        {
            for (backend, factor) in cell.backends(matrix).iter().zip([1.0, 1.7, 1.2]) {
                let seconds = page * factor * ms * f64::from(count) / 1e3;
                pages.push(json!({
                    "document": document,
                    "backend": backend,
                    "format": "png",
                    "pages": count,
                    "wall_s": random.around(seconds * 0.62, 9, 0.03),
                    "cpu_s": random.around(seconds, 9, 0.02),
                }));
            }
        }
        // The command is not built for experiments: documents of a running function stand for pages.
        let warm_documents: Vec<Value> = [("text-20", 20, 7.5), ("photo-1", 1, 35.0)]
            .iter()
            .map(|(document, count, ms)| {
                let seconds = page * ms * f64::from(*count) / 1e3;
                json!({ "document": document, "pages": count, "wall_s": random.around(seconds, 40, 0.03) })
            })
            .collect();
        if cell.experiment.is_some() {
            pages.clear();
        }
        let backends = cell.backends(matrix);
        let backend_starts: Vec<Value> = backends
            .iter()
            .filter(|_| backends.len() > 1)
            .map(|backend| {
                let mut series = |value: f64| random.around(value, 10, 0.05);
                let start = json!({
                    "document": "text-20", "pages": 20,
                    "first_next_s": series(start), "first_image_s": series(start + 0.02),
                    "document_s": series(start + 0.2), "cpu_s": series(0.2),
                    "peak_rss_bytes": [17_000_000], "cold_cache_first_next_s": [],
                });
                json!({ "backend": backend, "start": start })
            })
            .collect();
        let sizes: [u32; 7] = [128, 512, 1_024, 1_769, 3_538, 5_308, 10_240];
        let memory_sizes: Vec<Value> = sizes
            .iter()
            .map(|&memory_mb| {
                let cpus = f64::from(memory_mb) / 1_769.0;
                let seconds = page * 0.16 / cpus.min(2.0) + 0.004;
                json!({
                    "memory_mb": memory_mb,
                    "cpus": cpus,
                    "method": "cgroup cpu.max",
                    "document": "text-20",
                    "pages": 20,
                    "first_next_s": random.around(start / cpus.min(1.0), 10, 0.1),
                    "document_s": random.around(seconds + 0.01 / cpus.min(1.0), 10, 0.05),
                    "warm_document_s": random.around(seconds, 10, 0.03),
                })
            })
            .collect();
        let cpu = self.machines.get(name).cloned().unwrap_or_else(|| "AMD EPYC".to_owned());
        json!({
            "machine": {
                "date": "2026-01-01T10:00:00Z",
                "cpu": cpu,
                "cpus": 2,
                "kernel": "Linux 6.18.44",
                "system": "Debian GNU/Linux 12 (bookworm)",
                "load": format!("{:.2} 0.50 0.40 1/82 20208", random.next()),
            },
            "session": format!("2026-01-01T10:00:00Z {cpu} {}", if self.are_apart { name } else { &cell.arch }),
            "other_files": size.other_files(cell),
            "backend_starts": backend_starts,
            "warm_documents": warm_documents,
            "emulated_by": is_emulated.then_some("qemu-aarch64 7.2.22"),
            "sections": {
                ".text": size.bootstrap * 55 / 100,
                ".rodata": size.bootstrap * 36 / 100,
                ".eh_frame": size.bootstrap * 6 / 100,
                ".data.rel.ro": size.bootstrap * 2 / 100,
            },
            "parts": size.parts(cell),
            "start": {
                "document": "text-20",
                "pages": 20,
                "first_next_s": random.around(start, 40, 0.12),
                "first_image_s": random.around(start + slow * 0.021, 40, 0.06),
                "document_s": random.around(start + slow * 0.026, 40, 0.06),
                "cpu_s": random.around(slow * 0.024, 40, 0.04),
                "peak_rss_bytes": random.around(17e6 + if cell.allocator == "mimalloc" { 9e6 } else { 0.0 }, 40, 0.01)
                    .iter().map(|it| *it as u64).collect::<Vec<_>>(),
                "cold_cache_first_next_s":
                    if is_emulated { Vec::new() } else { random.around(start + 0.018, 12, 0.15) },
            },
            "pages": pages,
            "memory_sizes": memory_sizes,
            "not_measured": if is_emulated { vec!["starts from a cold cache: the emulator's own pages stay in memory"] } else { vec![] },
        })
    }
}

struct Size {
    bootstrap: u64,
    beside: u64,
    zip: u64,
}

impl Size {
    fn of(cell: &Cell) -> Size {
        let is_musl = cell.libc.starts_with("musl");
        let engines = if cell.engines == "all" { 6_100_000 } else { 0 };
        let beside = if cell.engines == "all" { 9_300_000 } else { 0 };
        let change = match cell.experiment.as_deref() {
            Some("opt-s") => -2_100_000_i64,
            Some("panic-abort") => -310_000,
            _ => 0,
        };
        let arm = if cell.arch == "arm64" { -900_000 } else { 0 };
        let allocator = if cell.allocator == "mimalloc" { 120_000 } else { 0 };
        let libc = if is_musl { 0 } else { 400_000 };
        let bootstrap = (15_780_000 + engines + arm + allocator + libc + change) as u64;
        Size { bootstrap, beside, zip: (bootstrap + beside) * 5146 / 10_000 }
    }

    fn files(&self, cell: &Cell) -> Value {
        let mut files = json!({
            "lambda/bootstrap": file(self.bootstrap),
            "command/bootstrap": file(self.bootstrap),
            "command/pdf2img": file(self.bootstrap + 900_000),
        });
        if cell.engines == "all" {
            files["lambda/lib/libpdfium.so"] = file(8_300_000);
            files["lambda/pdfium-worker"] = file(1_000_000);
        }
        files
    }

    fn other_files(&self, cell: &Cell) -> Value {
        if cell.engines == "all" {
            json!({ "lib/libpdfium.so": 8_300_000, "pdfium-worker": 1_000_000 })
        } else {
            json!({})
        }
    }

    fn parts(&self, cell: &Cell) -> Vec<(&'static str, u64)> {
        let mut parts = vec![
            ("MuPDF", self.bootstrap * 31 / 100),
            ("MuPDF's fonts", 1_420_000),
            ("aws_sdk_s3", self.bootstrap * 12 / 100),
            ("aws_smithy_runtime", 610_000),
            ("rustls", 820_000),
            ("std", 640_000),
            ("mozjpeg", 520_000),
            ("libwebp", 430_000),
            ("pdf2img", 380_000),
        ];
        if cell.engines == "all" {
            parts.insert(1, ("hayro", 4_900_000));
        }
        parts
    }
}

fn file(bytes: u64) -> Value {
    json!({ "bytes": bytes, "sha256": "0".repeat(64) })
}

fn checks(cell: &Cell, matrix: &Matrix) -> Vec<Value> {
    let check = |name: &str, seen: &str| json!({ "name": name, "seen": seen });
    let is_static = cell.is_static(matrix);
    let mut checks = vec![
        check("machine of bootstrap", cell.machine(matrix)),
        check(
            "interpreter of bootstrap",
            if is_static { "none: static" } else { "/lib64/ld-linux-x86-64.so.2" },
        ),
        check("libraries of bootstrap", if is_static { "none" } else { "libc.so.6, libm.so.6" }),
        check("mode of bootstrap", "0755"),
        check("licence", "as the engines' say"),
    ];
    if !is_static {
        checks.push(check("newest glibc symbol", "GLIBC_2.34"));
    }
    for cpu in &matrix.arch[&cell.arch].cpus {
        checks.push(check(&format!("runs on {cpu}"), "14 documents, 139 pages, as the reference"));
    }
    checks
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn of(name: &str) -> Random {
        Random(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, it| (hash ^ u64::from(it)).wrapping_mul(0x100_0000_01b3)),
        )
    }

    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Values around one, with a tail to the right as timings have.
    fn around(&mut self, value: f64, count: usize, spread: f64) -> Vec<f64> {
        (0..count)
            .map(|_| {
                let noise = (self.next() + self.next() + self.next()) / 3.0 - 0.5;
                let tail = if self.next() > 0.95 { self.next() * 2.0 } else { 0.0 };
                value * (1.0 + spread * (2.0 * noise + tail))
            })
            .collect()
    }
}
