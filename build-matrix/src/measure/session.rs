//! What is measured of cells in turns, and how it is told in their records.

use std::path::{Path, PathBuf};

use super::bench::{Bench, ColdStarts, Function};
use super::emulator::Emulator;
use crate::record::{BackendStart, Measured, MemorySize, Pages, Start, WarmDocument};
use crate::{Cell, Layout, Matrix};

/// The version of what is measured: another one measures again what was measured before.
pub(super) const PLAN: &str = "1";

/// The document of starts: long enough that all workers have something to do.
const DOCUMENT: &str = "text-20";

/// How often a function is started.
const RUNS: u32 = 30;

/// How often from the disk.
const COLD_CACHE_RUNS: u32 = 15;

/// How often with each engine of a cell that has several.
const BACKEND_RUNS: u32 = 10;

/// The memory sizes, and how often a function is started with each: fewer times where it takes long.
const MEMORY_SIZES: [(u32, u32); 6] = [(128, 3), (512, 5), (1024, 7), (1769, 10), (3538, 10), (10_240, 10)];

/// The documents of pages, one of each kind.
const DOCUMENTS: [&str; 4] = ["text-20", "vector-charts", "scan-gray", "photo-1"];

/// The format of pages.
const FORMAT: &str = "jpeg";

/// How often a document is rendered.
const PAGE_RUNS: u32 = 9;

/// How many documents a process gets after its first one, and how many processes there are of a cell.
const WARM: (u32, u32) = (8, 5);

/// What is known of a cell so far.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) cell: &'a Cell,
    pub(super) measured: Measured,
    /// Why its measuring has failed.
    pub(super) failures: Vec<String>,
}

/// Measures cells that this machine runs by itself.
pub(super) fn measure_native(bench: &Bench, matrix: &Matrix, layout: &Layout, found: &mut [Found<'_>]) {
    let session = Session { bench, matrix, layout };
    session.starts(found);
    session.backend_starts(found);
    session.memory_sizes(found);
    session.pages(found);
    if found.iter().any(|it| it.cell.experiment.is_some()) {
        session.warm_documents(found);
    }
}

/// Measures how cells of another architecture start under an emulator, and nothing else of their times.
pub(super) fn measure_emulated(
    bench: &Bench,
    emulator: &Emulator,
    matrix: &Matrix,
    layout: &Layout,
    found: &mut [Found<'_>],
) {
    let session = Session { bench, matrix, layout };
    let Some(version) = emulator.version() else {
        for it in found {
            it.skip(format!(
                "all times: {} is not installed, and nothing else here runs the cell",
                emulator.program
            ));
        }
        return;
    };
    for it in found.iter_mut() {
        it.measured.emulated_by = Some(version.clone());
        it.skip(format!(
            "documents, pages and memory sizes: this machine is {}, and an emulator's times of drawing say nothing of a CPU's",
            std::env::consts::ARCH
        ));
    }
    let needs_libraries = |it: &Found<'_>| !it.cell.is_static(matrix) && !emulator.libraries.is_dir();
    for it in found.iter_mut().filter(|it| needs_libraries(it)) {
        it.skip(format!("the start: {} is not there (libc6-arm64-cross)", emulator.libraries.display()));
    }
    let command = emulator.command();
    let options = ["--documents", "0", "--emulator", &command, "--runs", &RUNS.to_string()];
    session.cold_start(
        "starts, emulated",
        found,
        Turns::FirstTwice,
        |it| !needs_libraries(it),
        &options,
        |it, function, all| {
            it.measured.machine.clone_from(&all.machine);
            it.measured.start = start_of(function, String::new(), 0);
        },
    );
}

/// Whether a session begins with a cell that is in it twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turns {
    /// Each cell takes its turn.
    Once,
    /// The first cell takes two: what differs between them is noise.
    FirstTwice,
}

struct Session<'a> {
    bench: &'a Bench,
    matrix: &'a Matrix,
    layout: &'a Layout,
}

impl Session<'_> {
    fn starts(&self, found: &mut [Found<'_>]) {
        let (runs, cold) = (RUNS.to_string(), COLD_CACHE_RUNS.to_string());
        let options = ["--document", DOCUMENT, "--runs", &runs, "--cold-cache-runs", &cold];
        self.cold_start(
            "starts",
            found,
            Turns::FirstTwice,
            |_| true,
            &options,
            |it, function, all| {
                it.measured.machine.clone_from(&all.machine);
                if let Some(why) = &function.cold_cache_not_measured {
                    it.skip(format!("starts from the disk: {why}"));
                }
                it.measured.start = start_of(function, DOCUMENT.to_owned(), all.pages);
            },
        );
    }

    fn backend_starts(&self, found: &mut [Found<'_>]) {
        let runs = BACKEND_RUNS.to_string();
        for backend in self.backends() {
            let variable = format!("PDF2IMG_BACKEND={backend}");
            let options = ["--document", DOCUMENT, "--runs", &runs, "--env", &variable];
            let has_choice = |it: &Found<'_>| {
                let backends = it.cell.backends(self.matrix);
                backends.len() > 1 && backends.contains(backend)
            };
            self.cold_start(
                &format!("starts with {backend}"),
                found,
                Turns::Once,
                has_choice,
                &options,
                |it, function, all| {
                    let start = start_of(function, DOCUMENT.to_owned(), all.pages);
                    it.measured.backend_starts.push(BackendStart { backend: backend.clone(), start });
                },
            );
        }
    }

    fn memory_sizes(&self, found: &mut [Found<'_>]) {
        for (memory_mb, runs) in MEMORY_SIZES {
            let (memory, runs) = (memory_mb.to_string(), runs.to_string());
            let options =
                ["--document", DOCUMENT, "--runs", &runs, "--memory-mb", &memory, "--documents", "2"];
            // An experiment is about the executable, not about memory.
            let is_plain = |it: &Found<'_>| it.cell.experiment.is_none();
            self.cold_start(
                &format!("{memory} MB"),
                found,
                Turns::Once,
                is_plain,
                &options,
                |it, function, all| match (&all.share, &all.not_measured) {
                    (Some(share), None) => it.measured.memory_sizes.push(MemorySize {
                        memory_mb,
                        cpus: share.cpus,
                        method: share.method.clone(),
                        document: DOCUMENT.to_owned(),
                        pages: all.pages,
                        first_next_s: function.starts.iter().map(|it| it.first_next_s).collect(),
                        document_s: function.starts.iter().filter_map(|it| it.document_s).collect(),
                        warm_document_s: warm(function),
                    }),
                    (_, why) => {
                        it.skip(format!("{memory_mb} MB: {}", why.as_deref().unwrap_or("no limit was set")))
                    }
                },
            );
        }
    }

    fn warm_documents(&self, found: &mut [Found<'_>]) {
        let (documents, runs) = ((WARM.0 + 1).to_string(), WARM.1.to_string());
        for document in DOCUMENTS {
            let options = [
                "--document",
                document,
                "--documents",
                &documents,
                "--runs",
                &runs,
                "--env",
                "PDF2IMG_WORKERS=1",
            ];
            self.cold_start(
                &format!("warm {document}"),
                found,
                Turns::Once,
                |_| true,
                &options,
                |it, function, all| {
                    it.measured.warm_documents.push(WarmDocument {
                        document: document.to_owned(),
                        pages: all.pages,
                        wall_s: warm(function),
                    });
                },
            );
        }
    }

    fn pages(&self, found: &mut [Found<'_>]) {
        for it in found.iter_mut().filter(|it| it.cell.experiment.is_some()) {
            it.skip(
                "pages: the command is not built for experiments; warm documents stand for them".to_owned(),
            );
        }
        let runs = PAGE_RUNS.to_string();
        for backend in self.backends() {
            let takes_part = |it: &Found<'_>| {
                it.works() && it.cell.experiment.is_none() && it.cell.backends(self.matrix).contains(backend)
            };
            for it in found.iter_mut().filter(|it| takes_part(it)) {
                let program = self.command(it.cell);
                if !program.is_file() {
                    let (program, cell) = (program.display(), it.cell);
                    it.failures.push(format!("{program} is missing: `build-matrix build {cell}` makes it"));
                }
            }
            let programs: Vec<PathBuf> =
                found.iter().filter(|it| takes_part(it)).map(|it| self.command(it.cell)).collect();
            if programs.is_empty() {
                continue;
            }
            say(&format!("pages with {backend}"), programs.len());
            let mut options = vec!["--backend", backend, "--format", FORMAT, "--runs", &runs];
            options.extend(DOCUMENTS.iter().flat_map(|it| ["--document", it]));
            let times = self.bench.pages(&programs, &options);
            for it in found.iter_mut().filter(|it| takes_part(it)) {
                if let Err(error) = times
                    .as_ref()
                    .map_err(|error| format!("{error:#}"))
                    .and_then(|times| it.take_pages(times, &self.command(it.cell)))
                {
                    it.failures.push(format!("pages with {backend}: {error}"));
                }
            }
        }
    }

    /// Starts the cells that take part, and tells each what came of it.
    fn cold_start(
        &self,
        what: &str,
        found: &mut [Found<'_>],
        turns: Turns,
        takes_part: impl Fn(&Found<'_>) -> bool,
        options: &[&str],
        take: impl Fn(&mut Found<'_>, &Function, &ColdStarts),
    ) {
        let mut cells: Vec<&mut Found<'_>> =
            found.iter_mut().filter(|it| it.works() && takes_part(it)).collect();
        if cells.is_empty() {
            return;
        }
        say(what, cells.len());
        let mut functions: Vec<PathBuf> =
            cells.iter().map(|it| self.layout.lambda(it.cell).join("bootstrap")).collect();
        if turns == Turns::FirstTwice {
            functions.extend(functions.first().cloned());
        }
        let all = match self.bench.cold_start(&functions, options) {
            Ok(all) => all,
            Err(error) => {
                cells.iter_mut().for_each(|it| it.failures.push(format!("{what}: {error:#}")));
                return;
            }
        };
        if let (Turns::FirstTwice, Some(again)) = (turns, all.functions.get(cells.len())) {
            cells[0].measured.start_again = Some(start_of(again, String::new(), all.pages));
        }
        let none = Function::default();
        for (at, it) in cells.into_iter().enumerate() {
            // There are none if the machine cannot do what was asked for, which is told of all.
            let function = all.functions.get(at).unwrap_or(&none);
            match &function.failed {
                Some(why) => it.failures.push(format!("{what}: {why}")),
                None => take(it, function, &all),
            }
        }
    }

    fn command(&self, cell: &Cell) -> PathBuf {
        self.layout.command(cell).join("pdf2img")
    }

    /// Every engine that any cell may have, each once.
    fn backends(&self) -> Vec<&String> {
        let mut backends: Vec<&String> = Vec::new();
        for backend in self.matrix.engines.values().flat_map(|it| &it.backends) {
            if !backends.contains(&backend) {
                backends.push(backend);
            }
        }
        backends
    }
}

impl Found<'_> {
    fn works(&self) -> bool {
        self.failures.is_empty()
    }

    fn skip(&mut self, why: String) {
        self.measured.not_measured.push(why);
    }

    fn take_pages(&mut self, times: &super::bench::PageTimes, program: &Path) -> Result<(), String> {
        let cases: Vec<_> = times.cases.iter().filter(|case| case.program == program).collect();
        if cases.len() != DOCUMENTS.len() {
            return Err(format!("there are times of {} documents, not of {}", cases.len(), DOCUMENTS.len()));
        }
        for case in cases {
            if let Some(why) = &case.failed {
                return Err(format!("{}: {why}", case.document));
            }
            self.measured.pages.push(Pages {
                document: case.document.clone(),
                backend: case.backend.clone(),
                format: case.format.clone(),
                pages: case.pages,
                bytes: case.bytes,
                wall_s: case.wall_s.clone(),
                cpu_s: case.cpu_s.clone(),
            });
        }
        Ok(())
    }
}

fn start_of(function: &Function, document: String, pages: u32) -> Start {
    let starts = &function.starts;
    Start {
        document,
        pages,
        first_next_s: starts.iter().map(|it| it.first_next_s).collect(),
        first_image_s: starts.iter().filter_map(|it| it.first_image_s).collect(),
        document_s: starts.iter().filter_map(|it| it.document_s).collect(),
        cpu_s: starts.iter().map(|it| it.cpu_s).collect(),
        peak_rss_bytes: starts.iter().filter_map(|it| it.peak_rss_bytes).collect(),
        cold_cache_first_next_s: function.cold_cache_first_next_s.clone(),
    }
}

fn warm(function: &Function) -> Vec<f64> {
    function.starts.iter().flat_map(|it| it.warm_document_s.iter().copied()).collect()
}

fn say(what: &str, cells: usize) {
    eprintln!("{:>8} {what}, {cells} cells …", crate::Stage::Measure);
}
