//! Counts the instructions of each benchmark, with valgrind's callgrind.
//!
//! Counts are the same from run to run where times are not, so that a change of a few per cent shows on a
//! machine that does other things too. They are those of the CPU that valgrind emulates, which has AVX2 and
//! no AVX-512, and they know nothing of caches, page faults and the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, mpsc};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde::Serialize;
use stage_benches::record::target_directory;
use stage_benches::{Benchmark, Engines, Work, counted, pdfium_library};

/// Counts the instructions of the stages of a page.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only the benchmarks whose name contains this.
    filter: Option<String>,
    /// Where the record goes [default: matrix/records/instructions.json in Cargo's target directory].
    #[arg(long)]
    out: Option<PathBuf>,
    /// The shared library of PDFium [default: what PDF2IMG_PDFIUM_LIBRARY says].
    #[arg(long)]
    pdfium_library: Option<PathBuf>,
    /// Prints the names of the benchmarks.
    #[arg(long)]
    list: bool,
    /// Does this benchmark, and prints the SHA-256 of what came out: what valgrind runs.
    #[arg(long, value_name = "NAME", hide = true)]
    one: Option<String>,
    /// The document for it, which is made once, and not by each of them.
    #[arg(long, value_name = "FILE", hide = true, requires = "one")]
    document: Option<PathBuf>,
    /// Proves what came out.
    #[arg(long, hide = true, requires = "one")]
    prove: bool,
    /// What `cargo bench` adds. Without it, everything is run once, proven and not counted.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is kept of a run, to be compared with another.
#[derive(Debug, Serialize)]
struct Record {
    /// The counts by the names of the benchmarks.
    benchmarks: BTreeMap<String, u64>,
    valgrind: String,
    rustc: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let pdfium_library = arguments.pdfium_library.clone().unwrap_or_else(pdfium_library);
    let all = counted();
    if let (Some(name), Some(document)) = (&arguments.one, &arguments.document) {
        let benchmark = all.into_iter().find(|benchmark| benchmark.to_string() == *name);
        let benchmark = benchmark.with_context(|| format!("there is no benchmark {name:?}"))?;
        println!("{}", run(benchmark, document, &pdfium_library, arguments.prove)?);
        return Ok(());
    }
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let chosen: Vec<Benchmark> = all.into_iter().filter(|it| it.to_string().contains(filter)).collect();
    ensure!(!chosen.is_empty(), "no benchmark has {filter:?} in its name; --list lists them");
    if arguments.list {
        chosen.iter().for_each(|benchmark| println!("{benchmark}"));
        return Ok(());
    }
    let scratch = target_directory().join("instructions");
    write_documents(&chosen, &scratch)?;
    let subject = Subject {
        own: env::current_exe().context("failed to find this executable")?,
        scratch,
        pdfium_library,
    };
    if !arguments.bench {
        for benchmark in chosen {
            subject.prove(benchmark)?;
            println!("{benchmark}: proven");
        }
        return Ok(());
    }
    let out =
        arguments.out.clone().unwrap_or_else(|| target_directory().join("matrix/records/instructions.json"));
    let Ok(valgrind) = output(Command::new("valgrind").arg("--version")) else {
        // A record of another build must not pass for this one's.
        let _ = fs::remove_file(&out);
        eprintln!(
            "SKIPPED: instructions are counted by valgrind, which is not here. Run: apt-get install valgrind"
        );
        return Ok(());
    };
    let record = Record {
        benchmarks: subject.count_all(&chosen)?,
        valgrind,
        rustc: output(Command::new("rustc").arg("--version"))?,
    };
    if let Some(directory) = out.parent() {
        fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
    }
    fs::write(&out, serde_json::to_string_pretty(&record)? + "\n")
        .with_context(|| format!("failed to write {}", out.display()))?;
    eprintln!("{} counts in {}", record.benchmarks.len(), out.display());
    Ok(())
}

/// Makes the documents of the benchmarks, each once.
fn write_documents(chosen: &[Benchmark], scratch: &Path) -> Result<()> {
    fs::create_dir_all(scratch).with_context(|| format!("failed to make {}", scratch.display()))?;
    let ids: BTreeSet<&str> = chosen.iter().map(|benchmark| benchmark.document).collect();
    for id in ids {
        let document = corpus::document(id).with_context(|| format!("{id:?} is not in the corpus"))?;
        let path = scratch.join(document.file_name());
        fs::write(&path, document.bytes()).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// Does a benchmark, proves what came out if that is asked for, and answers with its SHA-256.
fn run(benchmark: Benchmark, document: &Path, pdfium_library: &Path, prove: bool) -> Result<String> {
    let pdf = fs::read(document).with_context(|| format!("failed to read {}", document.display()))?;
    let mut work = Engines::new(pdfium_library)
        .prepare(benchmark, pdf.leak())
        .with_context(|| format!("{benchmark} could not be made ready"))?;
    counted_part(black_box(work.as_mut()));
    if prove {
        work.prove().with_context(|| format!("{benchmark} did not do its work"))?;
    }
    Ok(work.digest())
}

/// What callgrind counts, by this name.
#[inline(never)]
fn counted_part(work: &mut dyn Work) {
    work.run();
    // Without a use after it, the call could become a jump, and callgrind would not see its end.
    black_box(&work);
}

/// What is run for a benchmark: this executable, in a process for each.
struct Subject {
    own: PathBuf,
    /// Where the documents and the profiles are.
    scratch: PathBuf,
    pdfium_library: PathBuf,
}

impl Subject {
    /// Counts as many at a time as there are CPUs: what else the machine does changes no count.
    fn count_all(&self, chosen: &[Benchmark]) -> Result<BTreeMap<String, u64>> {
        let left = Mutex::new(chosen.iter());
        let (send, counts) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                let (left, send) = (&left, send.clone());
                scope.spawn(move || {
                    let next = || left.lock().ok()?.next();
                    while let Some(benchmark) = next() {
                        let count = self.count(*benchmark);
                        match &count {
                            Ok(count) => println!("{count:>15} {benchmark}"),
                            Err(error) => eprintln!("{error:#}"),
                        }
                        // The receiver lives longer than the scope.
                        let _ = send.send((benchmark.to_string(), count));
                    }
                });
            }
        });
        drop(send);
        let (done, failed): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(_, count)| count.is_ok());
        ensure!(failed.is_empty(), "{} benchmarks failed", failed.len());
        done.into_iter().map(|(name, count)| Ok((name, count?))).collect()
    }

    /// Proves a benchmark as it runs on this CPU, then counts it under valgrind, and makes sure that the same
    /// came out there.
    fn count(&self, benchmark: Benchmark) -> Result<u64> {
        let native = self.prove(benchmark)?;
        let profile = self.scratch.join(benchmark.to_string().replace('/', "-") + ".callgrind");
        let mut callgrind = Command::new("valgrind");
        callgrind
            .args(["--quiet", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*counted_part*"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(&self.own);
        let emulated = self.run(callgrind, benchmark)?;
        ensure!(emulated == native, "{benchmark} makes something else under valgrind than without it");
        let text =
            fs::read_to_string(&profile).with_context(|| format!("failed to read {}", profile.display()))?;
        total(&text).with_context(|| format!("no count in {}", profile.display()))
    }

    /// Does a benchmark and proves it; the answer is the SHA-256 of what came out.
    fn prove(&self, benchmark: Benchmark) -> Result<String> {
        let mut command = Command::new(&self.own);
        command.arg("--prove");
        self.run(command, benchmark)
    }

    /// Runs one benchmark in a process of its own, by what `command` starts with.
    fn run(&self, mut command: Command, benchmark: Benchmark) -> Result<String> {
        let document = self.scratch.join(format!("{}.pdf", benchmark.document));
        // The environment lies on the stack: with another one, counts can differ by a little.
        let path = env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).arg("--one").arg(benchmark.to_string());
        // By the environment, which unlike an argument may be empty, where there is no PDFium.
        command.arg("--document").arg(document).env("PDF2IMG_PDFIUM_LIBRARY", &self.pdfium_library);
        output(&mut command).with_context(|| format!("{benchmark} failed"))
    }
}

/// The instructions of a profile: its line `totals: <instructions>`.
fn total(profile: &str) -> Result<u64> {
    let total = profile.lines().find_map(|line| line.strip_prefix("totals:")).context("no line of totals")?;
    let total: u64 = total.trim().parse().with_context(|| format!("no number: {total:?}"))?;
    ensure!(total > 0, "nothing was counted: does the executable have its symbols?");
    Ok(total)
}

/// Runs a command and returns its standard output, trimmed.
fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("failed to run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}: {}", String::from_utf8_lossy(&stderr).trim());
    }
    Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
}
