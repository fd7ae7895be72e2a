//! What it costs that a page is drawn by another process, and by one that is locked in.
//!
//! The same pages are drawn and encoded by an engine in this process, and by one in a worker: started by the
//! product's pool, with its sandbox, asked over its socket, and handing over its files. Both sides make the same
//! bytes, or there is no time. Their malloc has the same settings. What a worker costs once, as it
//! starts and comes by its memory, is told apart: it comes once for each document and not for each page.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::Parser;
use pdf2img::config::Backend;
use pdf2img::encode::Encoder;
use pdf2img::worker::{MALLOC_TUNABLES, TUNABLES_VARIABLE, Worker};
use pdf2img_bench::machine::{Machine, with_cpus};
use pdf2img_bench::table::Table;
use render_api::{Document, PageIndex, Pixmap};
use serde::Serialize;
use stats::{Ratio, median, turns};

use crate::benchmark::{Benchmark, Format, Stage};
use crate::cpu_clock::{CpuClock, children};
use crate::record::{self, FORM};
use crate::work::worker::Workshop;
use crate::work::{Engines, Source, draw, encode_options, pdfium_library};

/// What the cost of a page should not be above.
const MOST: f64 = 1.03;

/// Compares pages by a worker with the same pages in one process.
#[derive(Debug, Parser)]
#[command(name = "isolation")]
struct Arguments {
    /// Only the cases whose name contains this.
    filter: Option<String>,
    /// How often both sides draw each document.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// How many CPUs both sides have together [default: all]. With one, whatever either process does takes
    /// its time; with more, what the parent does while the worker draws is in the CPU time alone.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    cpus: Option<u32>,
    /// Where the record goes [default: isolation.json in criterion's directory].
    #[arg(long)]
    out: Option<PathBuf>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Runs the comparison as its arguments say, prints a table and writes a record.
///
/// # Errors
///
/// If a side fails, or makes something else than the other.
pub fn command(arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let arguments = Arguments::parse_from(std::iter::once("isolation".into()).chain(arguments));
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let chosen: Vec<Benchmark> =
        cases().into_iter().filter(|case| case.to_string().contains(filter)).collect();
    ensure!(!chosen.is_empty(), "no case has {filter:?} in its name; they are like {}", cases()[0]);
    ensure_malloc_of_workers()?;
    let machine = Machine::detect_in_full();
    let library = pdfium_library();
    let mut engines = Engines::new(&library);
    let all = std::thread::available_parallelism().context("failed to count the CPUs")?.get() as u32;
    let cpus = arguments.cpus.map_or(all, |cpus| cpus.min(all));
    let measured = with_cpus(cpus as usize, || {
        let case = |case: &Benchmark| {
            eprintln!("{case}");
            measure(&mut engines, *case, arguments.pairs as usize).with_context(|| case.to_string())
        };
        chosen.iter().map(case).collect::<Result<Vec<Measured>>>()
    })?;
    println!("{}", table(&measured));
    println!("{}", verdict(&measured));
    let out = arguments.out.unwrap_or_else(|| record::criterion_directory().join("isolation.json"));
    let record = Record { form: FORM, machine, cpus, cases: measured };
    record::write_json(&out, &record)?;
    eprintln!("{} cases in {}", record.cases.len(), out.display());
    Ok(())
}

/// Starts this program anew if its malloc has other settings than a worker's: they make memory cheaper, and are no
/// part of what is compared.
fn ensure_malloc_of_workers() -> Result<()> {
    if std::env::var_os(TUNABLES_VARIABLE).is_some_and(|value| value == MALLOC_TUNABLES) {
        return Ok(());
    }
    let mut anew = Command::new("/proc/self/exe");
    let error = anew.args(std::env::args_os().skip(1)).env(TUNABLES_VARIABLE, MALLOC_TUNABLES).exec();
    Err(error).context("failed to start anew, with the settings of a worker's malloc")
}

/// Documents of each class, with each engine that is in this build, as PNG and as JPEG.
fn cases() -> Vec<Benchmark> {
    const BOTH: &[Format] = &[Format::Png, Format::Jpeg];
    // Thin lines and pages of a few pixels lose so much colour in a JPEG that the proof takes it for another page:
    // no `vector-map`, and `mixed-pages` without loss alone.
    let documents = [
        ("text-20", BOTH),
        ("vector-charts", BOTH),
        ("scan-gray", BOTH),
        ("scan-color", BOTH),
        ("photo-1", BOTH),
        ("forms-appearance", BOTH),
        ("mixed-pages", &[Format::Png]),
    ];
    let mut cases = Vec::new();
    for backend in Backend::built_in() {
        for (document, formats) in documents {
            for &format in formats {
                cases.push(Benchmark { stage: Stage::Worker(format), document, backend });
            }
        }
    }
    cases
}

/// What is kept of a run.
#[derive(Debug, Serialize)]
struct Record {
    form: u32,
    machine: Machine,
    /// How many CPUs both sides had together.
    cpus: u32,
    cases: Vec<Measured>,
}

/// The seconds of a document with both sides: sample by sample, those of one turn at one index.
#[derive(Debug, Serialize)]
pub struct Measured {
    document: &'static str,
    class: String,
    pages: u32,
    backend: String,
    format: String,
    /// All pages, by an engine in this process.
    in_process_s: Vec<f64>,
    /// All pages, by a worker.
    worker_s: Vec<f64>,
    in_process_cpu_s: Vec<f64>,
    /// Of both processes.
    worker_cpu_s: Vec<f64>,
    /// In this process once more, for what is noise.
    again_s: Vec<f64>,
    again_cpu_s: Vec<f64>,
    /// From opening the document through all its pages, which are drawn once more in what is above.
    in_process_start_s: Vec<f64>,
    /// From the start of the worker to the same.
    worker_start_s: Vec<f64>,
}

/// Measures one case with so many pairs, ABBA, after one turn of each side that is not counted.
///
/// # Errors
///
/// If a side fails, or makes something else than was proven.
pub fn measure(engines: &mut Engines<'_>, case: Benchmark, pairs: usize) -> Result<Measured> {
    let document = corpus::document(case.document).context("it is not in the corpus")?;
    let format = case.stage.format().context("it writes no files")?;
    let source = engines.source(case, document.bytes().leak())?;
    let subject = Subject::prove(source, format, engines.pdfium_library)?;
    subject.turn::<ByWorker<'_>>()?;
    let mut turns_of: [Vec<Turn>; 3] = Default::default();
    for side in turns(turns_of.len(), pairs) {
        let turn = if side == 1 { subject.turn::<ByWorker<'_>>() } else { subject.turn::<InProcess>() };
        turns_of[side].push(turn?);
    }
    let seconds = |turns: &[Turn], part: fn(&Turn) -> Duration| -> Vec<f64> {
        turns.iter().map(|turn| part(turn).as_secs_f64()).collect()
    };
    let [in_process, worker, again] = &turns_of;
    Ok(Measured {
        document: document.id,
        class: document.class.to_string(),
        pages: document.pages,
        backend: case.backend.to_string(),
        format: format.to_string(),
        in_process_s: seconds(in_process, |turn| turn.wall),
        worker_s: seconds(worker, |turn| turn.wall),
        in_process_cpu_s: seconds(in_process, |turn| turn.cpu),
        worker_cpu_s: seconds(worker, |turn| turn.cpu),
        again_s: seconds(again, |turn| turn.wall),
        again_cpu_s: seconds(again, |turn| turn.cpu),
        in_process_start_s: seconds(in_process, |turn| turn.start),
        worker_start_s: seconds(worker, |turn| turn.start),
    })
}

/// A document, and the files of its pages, which were proven.
struct Subject {
    source: Source,
    format: Format,
    workshop: Workshop,
    proven: Vec<Vec<u8>>,
}

/// One time through a document.
struct Turn {
    /// From nothing through all pages.
    start: Duration,
    /// All pages once more.
    wall: Duration,
    /// Of every process that took part.
    cpu: Duration,
}

/// One of the two ways to make files of pages.
trait Side<'a>: Sized {
    /// What holds the file of a page.
    type File: AsRef<[u8]>;

    /// Opens the document and makes all pages; returns how long that took.
    fn start(subject: &'a Subject) -> Result<(Self, Duration)>;

    /// Makes the files of so many pages.
    fn make(&mut self, pages: u32) -> Result<Vec<Self::File>>;

    /// The clocks of the processes that take part.
    fn clocks(&self) -> &[CpuClock];
}

impl Subject {
    /// Makes the files in this process, and proves them.
    fn prove(source: Source, format: Format, pdfium_library: &Path) -> Result<Subject> {
        let workshop = Workshop::new(source, format, pdfium_library)?;
        let mut subject = Subject { source, format, workshop, proven: Vec::new() };
        let files = InProcess::start(&subject)?.0.make(source.pages)?;
        source.is_shown_by((0..).map(PageIndex).zip(files.iter().map(Vec::as_slice)), format)?;
        subject.proven = files;
        Ok(subject)
    }

    /// Goes through the document once.
    ///
    /// All pages were made before, so that memory is had, code is loaded and fonts are read on both
    /// sides. The files are kept, and looked at when all are made: in a pause between two pages a worker
    /// would draw ahead.
    fn turn<'a, S: Side<'a>>(&'a self) -> Result<Turn> {
        let (mut side, start) = S::start(self)?;
        let cpu = sum(side.clocks())?;
        let started = Instant::now();
        let files = side.make(self.source.pages)?;
        let wall = started.elapsed();
        let cpu = sum(side.clocks())?.saturating_sub(cpu);
        ensure!(files.len() == self.proven.len(), "{} of {} pages were made", files.len(), self.proven.len());
        for ((page, file), proven) in (0..).map(PageIndex).zip(&files).zip(&self.proven) {
            let number = page.number();
            ensure!(file.as_ref() == proven.as_slice(), "page {number} is not the same as it was proven");
        }
        Ok(Turn { start, wall, cpu })
    }
}

fn sum(clocks: &[CpuClock]) -> Result<Duration> {
    clocks.iter().map(|clock| clock.now()).sum()
}

/// An engine and an encoder in this process, with their buffers.
struct InProcess {
    document: Box<dyn Document>,
    pixmap: Pixmap,
    encoder: Encoder,
    format: Format,
}

impl Side<'_> for InProcess {
    type File = Vec<u8>;

    fn start(subject: &Subject) -> Result<(InProcess, Duration)> {
        let started = Instant::now();
        let document = subject.source.open().context("the document does not open")?;
        let (pixmap, encoder) = (Pixmap::default(), Encoder::new());
        let mut side = InProcess { document, pixmap, encoder, format: subject.format };
        side.make(subject.source.pages)?;
        Ok((side, started.elapsed()))
    }

    fn make(&mut self, pages: u32) -> Result<Vec<Vec<u8>>> {
        let mut file_of = |page| -> Result<Vec<u8>> {
            let drawing = draw(self.document.as_mut(), page, &mut self.pixmap)?;
            let options = encode_options(self.format, drawing.raster);
            let mut file = Vec::new();
            self.encoder.encode(&self.pixmap, &options, &mut file)?;
            Ok(file)
        };
        let pages = (0..pages).map(PageIndex);
        pages.map(|page| file_of(page).with_context(|| format!("page {}", page.number()))).collect()
    }

    fn clocks(&self) -> &[CpuClock] {
        &[CpuClock::OWN]
    }
}

/// A worker, as the product starts it.
struct ByWorker<'a> {
    workshop: &'a Workshop,
    worker: Worker,
    clocks: [CpuClock; 2],
}

impl<'a> Side<'a> for ByWorker<'a> {
    type File = Bytes;

    fn start(subject: &'a Subject) -> Result<(ByWorker<'a>, Duration)> {
        let others = children()?;
        let started = Instant::now();
        let worker = subject.workshop.open().context("no worker opens the document")?;
        let opened = started.elapsed();
        let new: Vec<u32> = children()?.into_iter().filter(|child| !others.contains(child)).collect();
        ensure!(new.len() == 1, "{} processes were started in the place of one", new.len());
        let clocks = [CpuClock::OWN, CpuClock::of(new[0])?];
        let mut side = ByWorker { workshop: &subject.workshop, worker, clocks };
        // The last thing before the pages that count: looking for the process takes the caches from it.
        let started = Instant::now();
        side.make(subject.source.pages)?;
        Ok((side, opened + started.elapsed()))
    }

    fn make(&mut self, pages: u32) -> Result<Vec<Bytes>> {
        let rendered = self.workshop.render(&mut self.worker, (0..pages).map(PageIndex))?;
        Ok(rendered.into_iter().map(|rendered| rendered.main.file).collect())
    }

    fn clocks(&self) -> &[CpuClock] {
        &self.clocks
    }
}

impl Measured {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.document, self.backend, self.format)
    }

    fn wall_pairs(&self) -> Vec<(f64, f64)> {
        pairs(&self.worker_s, &self.in_process_s)
    }

    fn cpu_pairs(&self) -> Vec<(f64, f64)> {
        pairs(&self.worker_cpu_s, &self.in_process_cpu_s)
    }

    /// How much longer the first time through the document is with a worker, in ms.
    fn once_ms(&self) -> f64 {
        (median(&self.worker_start_s) - median(&self.in_process_start_s)) * 1e3
    }
}

fn pairs(first: &[f64], second: &[f64]) -> Vec<(f64, f64)> {
    first.iter().copied().zip(second.iter().copied()).collect()
}

fn table(cases: &[Measured]) -> Table {
    let mut table = Table::new(&[
        "case",
        "pages",
        "in-process, ms a page",
        "by a worker",
        "wall clock",
        "95 % interval",
        "CPU time",
        "95 % interval",
        "in-process again",
        "once, ms a document",
    ]);
    for case in cases {
        let ms = |seconds: &[f64]| format!("{:.2}", median(seconds) * 1e3 / f64::from(case.pages));
        let (wall, cpu) = (Ratio::of_pairs(&case.wall_pairs()), Ratio::of_pairs(&case.cpu_pairs()));
        let noise = Ratio::of_pairs(&pairs(&case.again_s, &case.in_process_s));
        table.row(vec![
            case.name(),
            case.pages.to_string(),
            ms(&case.in_process_s),
            ms(&case.worker_s),
            percent(wall.value),
            interval(&wall),
            percent(cpu.value),
            interval(&cpu),
            interval(&noise),
            format!("{:.1}", case.once_ms()),
        ]);
    }
    table
}

/// What all cases say together, and which of them cost more than they should.
fn verdict(cases: &[Measured]) -> String {
    let all = |of: fn(&Measured) -> Vec<(f64, f64)>| {
        let ratio = Ratio::of_many_pairs(&cases.iter().map(of).collect::<Vec<_>>());
        format!("{} ({})", percent(ratio.value), interval(&ratio))
    };
    let (wall, cpu) = (all(Measured::wall_pairs), all(Measured::cpu_pairs));
    let over = cases.iter().filter(|case| Ratio::of_pairs(&case.wall_pairs()).value > MOST);
    let over: Vec<String> = over.map(Measured::name).collect();
    let most = percent(MOST);
    let over = if over.is_empty() {
        format!("None is above {most}.")
    } else {
        format!("Above {most}: {}.", over.join(", "))
    };
    format!("A page by a worker, over all cases: wall clock {wall}, CPU time {cpu}. {over}")
}

/// How much more than 1 a ratio is.
fn percent(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

fn interval(ratio: &Ratio) -> String {
    format!("{:+.1} to {:+.1}", (ratio.low - 1.0) * 100.0, (ratio.high - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use corpus::Class;

    use super::*;

    fn measured(in_process: f64, worker: f64) -> Measured {
        Measured {
            document: "text-20",
            class: "text".to_owned(),
            pages: 20,
            backend: "mupdf".to_owned(),
            format: "png".to_owned(),
            in_process_s: vec![in_process; 5],
            worker_s: vec![worker; 5],
            in_process_cpu_s: vec![in_process; 5],
            worker_cpu_s: vec![worker; 5],
            again_s: vec![in_process; 5],
            again_cpu_s: vec![in_process; 5],
            in_process_start_s: vec![0.002; 5],
            worker_start_s: vec![0.005; 5],
        }
    }

    #[test]
    fn a_case_above_the_mark_is_named() {
        assert!(verdict(&[measured(0.1, 0.102)]).ends_with("None is above +3.0 %."));
        let over = verdict(&[measured(0.1, 0.104)]);
        assert!(over.contains("+4.0 % (+4.0 to +4.0)") && over.ends_with(": text-20/mupdf/png."), "{over}");
    }

    #[test]
    fn the_table_has_times_of_a_page_and_the_cost_in_per_cent() {
        let table = table(&[measured(0.1, 0.102)]).to_string();
        for cell in ["5.00", "5.10", "+2.0 %", "+0.0 to +0.0", "3.0"] {
            assert!(table.contains(cell), "{cell} in\n{table}");
        }
    }

    #[test]
    fn every_class_of_the_corpus_that_is_common_has_a_case() {
        let classes: Vec<Class> =
            cases().iter().filter_map(|case| Some(corpus::document(case.document)?.class)).collect();
        assert_eq!(classes.len(), cases().len());
        for class in [Class::Text, Class::Vector, Class::Scan, Class::Photo, Class::Forms, Class::Mixed] {
            assert!(classes.contains(&class), "{class}");
        }
    }
}
