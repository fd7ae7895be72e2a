//! `pdf2img compare`: the same pages by several engines, and where they disagree.
//!
//! Each document is drawn by one engine after the other, in the same sandboxed workers as the
//! service's. The pictures go to the output folder, are compared page by page by [`fidelity`], and
//! those that nobody asked to keep are removed before the next document takes their place. So
//! neither memory nor disk grows with the number of documents, but for the record.
//!
//! What comes of it: `compare.json` with every figure, `summary.json` and `summary.md` without
//! pages and pictures, `index.html` to look at, and a table on standard output.

mod html;
mod page;
mod record;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_trait::async_trait;
use clap::{Args, ValueEnum};
use fidelity::Verdict;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use pdf2img::config::{Backend, Deployment, Given, Host, OPTIONS, Origin, RenditionName, Settings};
use pdf2img::manifest::Failure;
use pdf2img::pages::{
    self, Deadline, DeadlineCause, DrawnPage, Kept, PageOutcome, PageSink, SinkError, failure, render_pages,
};
use pdf2img::pdf_file::PdfFile;
use pdf2img::worker::sandbox::Limits;
use pdf2img::worker::{Pool, RenderedImage, WorkerCommand};
use serde_json::{Map, Value, json};

use self::page::compare_page;
use self::record::{Document, EngineVersion, OnDocument, Page, Record, Standing, Totals};
use crate::render::{check_unchanged, open};

/// The folder of pictures, in the output folder.
const PICTURES: &str = "pictures";

/// The flags of `pdf2img compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The PDF files; of a folder, all files below it that end in .pdf.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The engines, two or more, separated by commas [default: all in this build]
    #[arg(long, value_name = "ENGINES", value_delimiter = ',')]
    backends: Vec<String>,
    /// The folder for the results, created if it is not there [default: named after the file, or
    /// after the folder if one was given, with `-compare`]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Which pages' pictures are kept.
    #[arg(long, value_enum, default_value_t = Pictures::Differing)]
    pictures: Pictures,
    /// Exit with 1 if there is a verdict as bad as this, or worse: near, different or other-size
    #[arg(long, value_name = "VERDICT", value_parser = parse_verdict)]
    fail_on: Option<Verdict>,
    #[command(flatten)]
    options: ImageFlags,
}

/// Which pages' pictures are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pictures {
    /// None: the record only.
    None,
    /// Those of pages on which engines disagree.
    Differing,
    /// All.
    All,
}

/// Options of the service that mean something here, each with its name there.
#[derive(Debug, Args)]
struct ImageFlags {
    /// Pixels per inch
    #[arg(long, value_name = "DPI", default_value = "100")]
    dpi: String,
    /// Which pages of each document: 1-5, or 1,3,-1 [default: all]
    #[arg(long, value_name = "PAGES", allow_hyphen_values = true)]
    pages: Option<String>,
    /// Which box is the page [default: crop]
    #[arg(long, value_name = "BOX")]
    page_box: Option<String>,
    /// Whether annotations and form fields are drawn [default: true]
    #[arg(long, value_name = "BOOL")]
    annotations: Option<String>,
    /// The password of encrypted documents [default: none]
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
    /// The most pixels of one picture; comparing takes some 60 bytes for each
    #[arg(long, value_name = "PIXELS", default_value = "25000000")]
    max_pixels: String,
    /// The longest that one page may take, by one engine [default: 30s]
    #[arg(long, value_name = "TIME")]
    page_timeout: Option<String>,
    /// The longest that one document may take, by one engine
    #[arg(long, value_name = "TIME", default_value = "5m")]
    document_timeout: String,
    /// How many worker processes draw side by side [default: one for each CPU]
    #[arg(long, value_name = "COUNT")]
    workers: Option<String>,
    /// The most memory of one worker [default: 1GiB]
    #[arg(long, value_name = "BYTES")]
    worker_memory: Option<String>,
    /// PDFium's library [default: lib/libpdfium.so beside the executable]
    #[arg(long, value_name = "FILE")]
    pdfium_library: Option<String>,
}

impl ImageFlags {
    fn resolve(self) -> anyhow::Result<(Settings, Deployment)> {
        let mut given = Given::of_this_machine()?;
        for (name, text) in [
            ("dpi", Some(self.dpi)),
            ("pages", self.pages),
            ("page-box", self.page_box),
            ("annotations", self.annotations),
            ("password", self.password),
            ("max-pixels", Some(self.max_pixels)),
            ("page-timeout", self.page_timeout),
            ("document-timeout", Some(self.document_timeout)),
            ("workers", self.workers),
            ("worker-memory", self.worker_memory),
            ("pdfium-library", self.pdfium_library),
            // Pictures are read again at once, and have to be exact.
            ("format", Some("png".into())),
            ("png-effort", Some("fastest".into())),
            ("background", Some("white".into())),
        ] {
            let option = OPTIONS.iter().find(|option| option.name == name).context("no such option")?;
            if let Some(text) = text {
                given.set(Origin::Flag, option, &text)?;
            }
        }
        // An engine is chosen for each turn; the default one may not be in this build.
        if let Some(first) = Backend::built_in().first() {
            let option = OPTIONS.iter().find(|option| option.name == "backend").context("no such option")?;
            given.set(Origin::Flag, option, first.as_str())?;
        }
        Ok(given.resolve(&Host::detect(), None)?)
    }
}

fn parse_verdict(text: &str) -> Result<Verdict, String> {
    match text.parse() {
        Ok(verdict) if verdict != Verdict::Same => Ok(verdict),
        _ => Err("it takes near, different or other-size".to_owned()),
    }
}

/// Compares: exit code 0 if every document could be compared, 1 if some could not or if there is a
/// verdict that was not to be, 2 if none could.
///
/// A document counts as compared if at least two engines drew a page of it.
///
/// # Errors
///
/// If the flags contradict each other, or the output cannot be written at all.
pub fn run(arguments: CompareArguments) -> anyhow::Result<ExitCode> {
    let CompareArguments { files, backends, out, pictures, fail_on, options } = arguments;
    let engines = engines(&backends)?;
    let (settings, deployment) = options.resolve()?;
    let out = match out {
        Some(out) => out,
        None => default_out(&files),
    };
    let inputs = inputs(&files)?;
    fs::create_dir_all(&out).with_context(|| format!("failed to create the folder {}", out.display()))?;

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let progress = if io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} documents  {elapsed}  {msg}")?;
        ProgressBar::new(inputs.len() as u64).with_style(style)
    } else {
        ProgressBar::hidden()
    };
    let limits = Limits { memory_bytes: deployment.worker_memory_bytes, cpu_seconds: 15 * 60 };
    let bench = Bench {
        workers: deployment.workers.get(),
        pool: Pool::new(deployment.workers.get(), limits, WorkerCommand::of(&deployment)),
        engines,
        settings,
        pictures,
        out,
        progress: progress.clone(),
    };
    let record = runtime.block_on(bench.compare_all(inputs));
    progress.finish_and_clear();

    bench.write("compare.json", &pretty(&json!(record))?)?;
    bench.write("summary.json", &pretty(&record.summary())?)?;
    bench.write("summary.md", &summary::markdown(&record))?;
    bench.write("index.html", &html::page(&record))?;
    // A reader that has gone is noticed by the exit code of the shell's pipe.
    let _ = write!(io::stdout(), "{}", summary::text(&record));
    let _ = writeln!(io::stdout(), "{}", bench.out.join("index.html").display());

    let not_compared = record.totals.documents.not_compared;
    Ok(ExitCode::from(match fail_on {
        _ if not_compared == record.documents.len() => 2,
        _ if not_compared > 0 => 1,
        Some(verdict) if record.has(verdict) => 1,
        _ => 0,
    }))
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn engines(named: &[String]) -> anyhow::Result<Vec<Backend>> {
    let built_in = Backend::built_in();
    let list = |backends: &[Backend]| backends.iter().map(|b| b.as_str()).collect::<Vec<_>>().join(", ");
    let mut engines = Vec::new();
    for name in named {
        let engine = name.parse().ok().filter(|engine| built_in.contains(engine)).with_context(|| {
            format!("--backends: {name} is not in this build, which has {}", list(&built_in))
        })?;
        if engines.contains(&engine) {
            bail!("--backends: {name} is named twice");
        }
        engines.push(engine);
    }
    if named.is_empty() {
        engines = built_in;
    }
    if engines.len() < 2 {
        bail!(
            "there is nothing to compare {} with; name two engines with --backends, or build with --features all-engines",
            list(&engines)
        );
    }
    Ok(engines)
}

/// `a/report.pdf` gives `report-compare` in the current folder; several names give `compare`.
fn default_out(files: &[PathBuf]) -> PathBuf {
    match files {
        [file] => file.file_stem().map_or("compare".into(), |stem| {
            let mut name = stem.to_owned();
            name.push("-compare");
            name.into()
        }),
        _ => "compare".into(),
    }
}

/// A document, by its name and the folder of its pictures.
struct Input {
    file: PathBuf,
    /// The path as it was given, and below a folder from there.
    name: String,
    folder: String,
}

/// Finds the files, in the order of their names; files that somebody names are taken whatever they
/// are called.
fn inputs(files: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut found = BTreeSet::new();
    for file in files {
        if file.is_dir() {
            let root = file.parent().unwrap_or(Path::new(""));
            let mut folders = vec![file.clone()];
            while let Some(folder) = folders.pop() {
                let entries =
                    fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))?;
                for entry in entries {
                    let entry = entry.with_context(|| format!("failed to list {}", folder.display()))?;
                    let path = entry.path();
                    // A link to a folder above would never end.
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        folders.push(path);
                    } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("pdf")) {
                        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                        found.insert((name, path));
                    }
                }
            }
        } else {
            found.insert((file.to_string_lossy().into_owned(), file.clone()));
        }
    }
    if found.is_empty() {
        bail!("there is no file that ends in .pdf in what was named");
    }
    let mut taken = BTreeSet::new();
    Ok(found
        .into_iter()
        .map(|(name, file)| {
            let plain = plain_name(&name);
            let numbered = (2..).map(|number| format!("{plain}-{number}"));
            let folder = std::iter::once(plain.clone()).chain(numbered).find(|f| taken.insert(f.clone()));
            Input { file, name, folder: folder.unwrap_or(plain) }
        })
        .collect())
}

/// A name that is one segment of a path and of a link, whatever it was made of.
fn plain_name(name: &str) -> String {
    let stem = name.strip_suffix(".pdf").unwrap_or(name);
    let plain: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .collect();
    let plain = plain.trim_matches('-');
    // File names have at most 255 bytes, and a number may follow.
    let plain = &plain[plain.len().saturating_sub(120)..];
    if plain.is_empty() { "document".to_owned() } else { plain.to_owned() }
}

/// What all documents share.
struct Bench {
    workers: usize,
    pool: Pool,
    engines: Vec<Backend>,
    settings: Settings,
    pictures: Pictures,
    out: PathBuf,
    progress: ProgressBar,
}

/// What one engine made of one document.
struct Drawn {
    engine: String,
    version: Option<String>,
    on_document: OnDocument,
    /// The pictures, and why there is none.
    pages: BTreeMap<i64, Result<PathBuf, Failure>>,
}

impl Bench {
    async fn compare_all(&self, inputs: Vec<Input>) -> Record {
        let mut finished =
            stream::iter(inputs).map(|input| self.compare(input)).buffer_unordered(self.workers);
        let mut documents = Vec::new();
        let mut versions: BTreeMap<String, String> = BTreeMap::new();
        while let Some((document, told)) = finished.next().await {
            versions.extend(told);
            self.progress.inc(1);
            documents.push(document);
        }
        documents.sort_by(|a, b| a.file.cmp(&b.file));
        let engine = |backend: &Backend| EngineVersion {
            name: backend.to_string(),
            version: versions.get(backend.as_str()).cloned(),
        };
        Record {
            generator: concat!("pdf2img ", env!("CARGO_PKG_VERSION")).to_owned(),
            settings: self.shaping_options(),
            engines: self.engines.iter().map(engine).collect(),
            thresholds: thresholds(),
            totals: Totals::of(&documents),
            documents,
        }
    }

    /// Those of the options that shape the pictures, and the limits that may cost some.
    fn shaping_options(&self) -> Map<String, Value> {
        const SHAPING: [&str; 7] =
            ["annotations", "document_timeout", "dpi", "max_pixels", "page_box", "page_timeout", "pages"];
        self.settings.canonical().into_iter().filter(|(name, _)| SHAPING.contains(&name.as_str())).collect()
    }

    /// Draws a document with every engine, compares, and removes what is not kept.
    async fn compare(&self, input: Input) -> (Document, BTreeMap<String, String>) {
        self.progress.set_message(input.name.clone());
        let mut document = Document {
            file: input.name,
            engines: BTreeMap::new(),
            agreement: Standing::default(),
            error: None,
            pages: Vec::new(),
        };
        let mut versions = BTreeMap::new();
        let pdf = match open(&input.file, self.settings.limits.max_input_bytes) {
            Ok(pdf) => Arc::new(pdf),
            Err(failure) => {
                document.error = Some(failure);
                return (document, versions);
            }
        };
        let folder = Path::new(PICTURES).join(&input.folder);
        let mut drawn = Vec::new();
        for &backend in &self.engines {
            let one = self.draw(&pdf, backend, &folder).await;
            versions.extend(one.version.clone().map(|version| (one.engine.clone(), version)));
            drawn.push(one);
        }
        let (out, keep) = (self.out.clone(), self.pictures);
        let compared = tokio::task::spawn_blocking(move || {
            let numbers: BTreeSet<i64> = drawn.iter().flat_map(|one| one.pages.keys().copied()).collect();
            let pages: Vec<Page> =
                numbers.into_iter().map(|number| compare_page(number, &drawn, &out, &folder, keep)).collect();
            // It fails where pictures were kept, which is as it should be.
            let _ = fs::remove_dir(out.join(&folder));
            (drawn, pages)
        });
        match compared.await {
            Ok((drawn, pages)) => {
                let names: Vec<String> = self.engines.iter().map(Backend::to_string).collect();
                document.agreement = Document::standing(&pages, &names);
                document.pages = pages;
                document.engines = drawn.into_iter().map(|one| (one.engine, one.on_document)).collect();
            }
            Err(error) => {
                document.error = Some(failure("not_compared", format!("comparing it failed: {error}")));
            }
        }
        if let Err(failure) = check_unchanged(&pdf, &input.file) {
            document.error = Some(failure);
        }
        (document, versions)
    }

    async fn draw(&self, pdf: &Arc<PdfFile>, backend: Backend, folder: &Path) -> Drawn {
        let settings = Settings { backend, ..self.settings.clone() };
        let engine = backend.to_string();
        let sink = Arc::new(Spool { folder: self.out.join(folder), engine: engine.clone() });
        let deadline = settings.limits.document_timeout.map(|timeout| {
            let end = tokio::time::Instant::now() + timeout;
            Deadline { last_start: end, last_page: end, cause: DeadlineCause::DocumentTimeout }
        });
        let request = pages::Request { settings: &settings, done: &BTreeSet::new(), deadline };
        match render_pages(&self.pool, pdf, None, &request, sink).await {
            Ok(outcome) => Drawn {
                engine,
                version: Some(outcome.engine.version),
                on_document: OnDocument { page_count: Some(outcome.engine.page_count), error: None },
                pages: outcome
                    .pages
                    .into_iter()
                    .map(|(number, page)| (number, picture(page.outcome)))
                    .collect(),
            },
            Err(error) => Drawn {
                engine,
                version: None,
                on_document: OnDocument { page_count: None, error: Some(error.failure) },
                pages: BTreeMap::new(),
            },
        }
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.out.join(name);
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }
}

fn thresholds() -> Map<String, Value> {
    use fidelity::{compare, verdict};
    let thresholds = json!({
        "differs_levels": compare::DIFFERS_LEVELS,
        "cell_px": compare::CELL_PX,
        "same": { "worst_cell": verdict::SAME_WORST_CELL, "differing": verdict::SAME_DIFFERING, "score": verdict::NEAR_SCORE },
        "near": { "worst_cell": verdict::NEAR_WORST_CELL, "differing": verdict::NEAR_DIFFERING, "score": verdict::NEAR_SCORE },
    });
    thresholds.as_object().cloned().unwrap_or_default()
}

fn picture(outcome: PageOutcome) -> Result<PathBuf, Failure> {
    match outcome {
        PageOutcome::Kept { image } => Ok(image.key.into()),
        PageOutcome::Failed(failure) | PageOutcome::Missing(failure) => Err(failure),
    }
}

/// The folder of a document's pictures: one for each page and engine.
struct Spool {
    folder: PathBuf,
    engine: String,
}

#[async_trait]
impl PageSink for Spool {
    async fn keep(
        &self,
        drawn: &DrawnPage,
        _rendition: Option<&RenditionName>,
        image: &RenderedImage,
    ) -> Result<Kept, SinkError> {
        let path = self.folder.join(format!("page-{:04}.{}.png", drawn.page.number(), self.engine));
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, &image.file));
        match written {
            Ok(()) => Ok(Kept::of(&image.file, path.to_string_lossy().into_owned(), String::new())),
            Err(error) => {
                let message = format!("failed to write {}: {error}", path.display());
                Err(SinkError { failure: failure("not_written", message), retryable: false })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_s_folder_is_one_plain_segment_whatever_it_is_called() {
        assert_eq!(plain_name("a/Ünï côdé (1).pdf"), "a--n--c-d---1");
        assert_eq!(plain_name("../../x.pdf"), "x");
        assert_eq!(plain_name("…"), "document");
        assert_eq!(plain_name(&"x".repeat(400)).len(), 120);
    }

    #[test]
    fn one_engine_has_nothing_to_be_compared_with() {
        let error = engines(&["mupdf".into()]).unwrap_err().to_string();
        assert!(error.contains("nothing to compare"), "{error}");
        assert!(engines(&["mupdf".into(), "mupdf".into()]).unwrap_err().to_string().contains("twice"));
        assert!(engines(&["cairo".into()]).unwrap_err().to_string().contains("cairo is not in this build"));
    }

    #[test]
    fn the_folder_is_named_after_the_file() {
        assert_eq!(default_out(&["in/report.pdf".into()]), Path::new("report-compare"));
        assert_eq!(default_out(&["a.pdf".into(), "b.pdf".into()]), Path::new("compare"));
    }
}
