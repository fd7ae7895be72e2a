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
mod record;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Cursor, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_trait::async_trait;
use clap::{Args, ValueEnum};
use fidelity::{Comparison, Figures, Picture, Verdict, heat_map};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use pdf2img::config::{Backend, Deployment, Given, Host, OPTIONS, Origin, RenditionName, Settings};
use pdf2img::encode::{EncodeOptions, Encoder};
use pdf2img::manifest::Failure;
use pdf2img::pages::{
    self, Deadline, DeadlineCause, DrawnPage, Kept, PageOutcome, PageSink, SinkError, failure, render_pages,
};
use pdf2img::pdf_file::{PdfFile, check_header};
use pdf2img::worker::sandbox::Limits;
use pdf2img::worker::{Pool, RenderedImage, WorkerCommand};
use render_api::{PixelFormat, Pixmap};
use serde_json::{Map, Value, json};

use self::record::{Document, EngineVersion, OnDocument, Page, Pair, Record, Standing, Totals};
use crate::render::read;

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
        let pdf = match self.open(&input.file) {
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
        (document, versions)
    }

    fn open(&self, file: &Path) -> Result<PdfFile, Failure> {
        let io =
            |error: io::Error| failure("unreadable", format!("failed to read {}: {error}", file.display()));
        let mut pdf = PdfFile::new().map_err(io)?;
        read(file, &mut pdf, self.settings.limits.max_input_bytes).map_err(io)?;
        pdf.seal();
        check_header(&pdf)?;
        Ok(pdf)
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

/// Compares the pictures of a page, and keeps or removes them.
fn compare_page(number: i64, drawn: &[Drawn], out: &Path, folder: &Path, keep: Pictures) -> Page {
    let mut pictures: Vec<(&String, &PathBuf, Picture)> = Vec::new();
    let mut failures = BTreeMap::new();
    for Drawn { engine, on_document, pages, .. } in drawn {
        let missing = || match &on_document.error {
            Some(error) => error.clone(),
            None => failure("no_such_page", format!("{engine} does not see page {number}")),
        };
        let file = pages.get(&number).cloned().unwrap_or_else(|| Err(missing()));
        match file.and_then(|file| decode(&file)) {
            Ok(picture) => {
                if let Some(Ok(file)) = pages.get(&number) {
                    pictures.push((engine, file, picture));
                }
            }
            Err(failure) => {
                failures.insert(engine.clone(), failure);
            }
        }
    }

    let mut pairs = Vec::new();
    for (i, (second, _, theirs)) in pictures.iter().enumerate() {
        for (first, _, ours) in &pictures[..i] {
            let comparison = fidelity::compare(ours, theirs);
            let (first, second, verdict) = ((*first).clone(), (*second).clone(), Verdict::on(&comparison));
            pairs.push(Pair { first, second, verdict, comparison, heat_map: None });
        }
    }
    let engines: Vec<&String> = pictures.iter().map(|(engine, ..)| *engine).collect();
    let agreement = Standing::among(&engines, |a, b| {
        pairs.iter().find(|pair| pair.first == a && pair.second == b).map(|pair| pair.verdict)
    });

    let mut page = Page { page: number, agreement, pairs, failures, pictures: BTreeMap::new() };
    let keeps = match keep {
        Pictures::None => false,
        Pictures::Differing => page.agreement.is_divided(),
        Pictures::All => true,
    };
    // A link has slashes, whatever the paths of this machine have.
    let link = |name: &str| {
        format!("{PICTURES}/{}/{name}", folder.file_name().unwrap_or_default().to_string_lossy())
    };
    for (engine, file, _) in &pictures {
        if keeps {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            page.pictures.insert((*engine).clone(), link(&name));
        } else {
            // What cannot be removed is only in the way.
            let _ = fs::remove_file(file);
        }
    }
    if keeps {
        let of =
            |engine: &str| pictures.iter().find(|(name, ..)| *name == engine).map(|(.., picture)| picture);
        for pair in page.pairs.iter_mut().filter(|pair| pair.verdict != Verdict::Same) {
            let name = format!("page-{number:04}.{}.png", pair.name());
            let map = of(&pair.first).zip(of(&pair.second)).and_then(|(a, b)| heat_map(a, b));
            if let Some(png) = map.as_ref().and_then(encode)
                && fs::write(out.join(folder).join(&name), png).is_ok()
            {
                pair.heat_map = Some(link(&name));
            }
        }
    }
    page
}

/// Reads a picture that a worker has written.
///
/// It comes from a process that has parsed a PDF, so nothing about it is taken for granted.
fn decode(file: &Path) -> Result<Picture, Failure> {
    let broken = |why: String| failure("bad_picture", format!("failed to read {}: {why}", file.display()));
    let bytes = fs::read(file).map_err(|error| broken(error.to_string()))?;
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| broken(error.to_string()))?;
    let length = reader.output_buffer_size().ok_or_else(|| broken("it is too large".into()))?;
    let mut pixels = vec![0; length];
    let frame = reader.next_frame(&mut pixels).map_err(|error| broken(error.to_string()))?;
    pixels.truncate(frame.buffer_size());
    let rgb = match frame.color_type.samples() {
        1 => pixels.into_iter().flat_map(|gray| [gray; 3]).collect(),
        3 => pixels,
        // The pages are opaque.
        samples => pixels
            .chunks_exact(samples)
            .flat_map(|pixel| if samples == 2 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] })
            .collect(),
    };
    Picture::new(frame.width as usize, frame.height as usize, rgb).map_err(|error| broken(error.to_string()))
}

/// Writes a picture as PNG; `None` if it has too many pixels, which the pages it was made of have not.
fn encode(picture: &Picture) -> Option<Vec<u8>> {
    let (width_px, height_px) = picture.size_px();
    let mut pixmap = Pixmap::default();
    let (width, height) = (u32::try_from(width_px).ok()?, u32::try_from(height_px).ok()?);
    pixmap.reset(width, height, PixelFormat::Rgb8, u64::MAX).ok()?;
    pixmap.data_mut().copy_from_slice(picture.rgb());
    let mut png = Vec::new();
    Encoder::new().encode(&pixmap, &EncodeOptions::default(), &mut png).ok()?;
    Some(png)
}

/// The figures of a pair for people, apart from its verdict.
fn in_words(comparison: &Comparison) -> String {
    match comparison {
        Comparison::Sizes([(width, height), (other_width, other_height)]) => {
            format!("{width} × {height} px and {other_width} × {other_height} px")
        }
        Comparison::Figures(figures @ Figures { score, shift, differing, worst_cell, .. }) => {
            let mut words = format!(
                "{} of the page, {} of the worst cell, ink {:+.2} points",
                percent(*differing),
                percent(*worst_cell),
                figures.more_ink() * 100.0
            );
            if let Some(score) = score {
                words += &format!(", score {score:.0}");
            }
            if *shift != Default::default() {
                words += &format!(", moved by {}, {} px", shift.right_px, shift.down_px);
            }
            words
        }
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.1 => format!("{percent:.3} %"),
        percent => format!("{percent:.1} %"),
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
    fn an_encoded_picture_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let picture = Picture::new(2, 2, vec![0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]).unwrap();
        let file = folder.path().join("a.png");
        fs::write(&file, encode(&picture).unwrap()).unwrap();
        assert_eq!(decode(&file), Ok(picture));
        fs::write(&file, b"no picture").unwrap();
        assert_eq!(decode(&file).unwrap_err().code, "bad_picture");
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
