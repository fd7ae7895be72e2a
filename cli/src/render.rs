//! `pdf2img render`: pages of files into images, through the same workers as the service's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use async_trait::async_trait;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use pdf2img::config::options::Scope;
use pdf2img::config::{Deployment, Given, Host, OPTIONS, OptionSpec, Origin, RenditionName, Settings};
use pdf2img::manifest::{Attempt, Failure, Image, PageEntry, PageResult, Status};
use pdf2img::pages::{
    self, Deadline, DeadlineCause, DrawnPage, Kept, PageOutcome, PageReport, PageSink, SinkError, failure,
    render_pages,
};
use pdf2img::pdf_file::{PdfFile, check_header};
use pdf2img::plan::{Decision, Plan};
use pdf2img::store::ObjectRef;
use pdf2img::worker::sandbox::Limits;
use pdf2img::worker::{Pool, RenderedImage, WorkerCommand};
use serde::Serialize;

/// The name that stands for standard input and standard output.
const STANDARD: &str = "-";

/// How much of a file is read at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// The flags of `pdf2img render`.
#[derive(Debug, Args)]
pub struct RenderArguments {
    /// The PDF files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The folder for the images, created if it is not there; `-` writes one page to standard output.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Print one JSON object a document to standard output, and no progress.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: OptionFlags,
}

/// The options of the service as flags: the rows of its table that mean something here.
#[derive(Debug)]
struct OptionFlags(Given);

/// What the service needs and a command does not.
const ONLY_FOR_THE_SERVICE: [&str; 4] = ["output-bucket", "tls-roots", "log", "log-format"];

fn flags() -> impl Iterator<Item = &'static OptionSpec> {
    OPTIONS.iter().filter(|option| !ONLY_FOR_THE_SERVICE.contains(&option.name))
}

impl Args for OptionFlags {
    fn augment_args(command: Command) -> Command {
        flags().fold(command, |command, option| {
            let scope = if option.scope == Scope::Deployment { "Workers" } else { "Pages and images" };
            command.arg(
                Arg::new(option.name)
                    .long(option.name)
                    .value_name("VALUE")
                    .allow_hyphen_values(true)
                    .help_heading(scope)
                    .help(format!("{} Takes {} [default: {}]", option.help, option.accepted, option.default)),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OptionFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let refused = |error| clap::Error::raw(clap::error::ErrorKind::InvalidValue, format!("{error}\n"));
        let mut given = Given::of_this_machine().map_err(refused)?;
        for option in flags() {
            if let Some(text) = matches.get_one::<String>(option.name) {
                given.set(Origin::Flag, option, text).map_err(refused)?;
            }
        }
        Ok(OptionFlags(given))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Renders the files: exit code 0 if every page has its image, 1 if some have, 2 if none has.
///
/// # Errors
///
/// If the flags contradict each other, or the output cannot be written at all.
pub fn run(arguments: RenderArguments) -> anyhow::Result<ExitCode> {
    let RenderArguments { files, output, json, options: OptionFlags(given) } = arguments;
    let (mut settings, deployment) = given.resolve(&Host::detect(), None)?;
    let to_stdout = output == Path::new(STANDARD);
    if to_stdout {
        if json {
            bail!("--json and the image of -o - would both go to standard output; choose one");
        }
        if files.len() > 1 {
            bail!("-o - takes one file, and {} were given", files.len());
        }
        if !settings.renditions.is_empty() {
            bail!("-o - takes one image, and --renditions makes more; choose a folder");
        }
        settings.limits.max_pages = 1;
    } else {
        std::fs::create_dir_all(&output)
            .with_context(|| format!("failed to create the output folder {}", output.display()))?;
    }
    let inputs = inputs(&files, &settings, &deployment)?;

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let progress = if json || to_stdout || !io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pages  {elapsed}  {msg}")?;
        ProgressBar::new(0).with_style(style)
    };
    let studio = Studio {
        limits: Limits { memory_bytes: deployment.worker_memory_bytes, cpu_seconds: 15 * 60 },
        command: WorkerCommand::of(&deployment),
        workers: deployment.workers.get(),
        settings,
        output: (!to_stdout).then_some(output),
        progress: progress.clone(),
    };
    let documents = runtime.block_on(studio.render_all(inputs, json));
    progress.finish_and_clear();
    if !json {
        report(&documents, to_stdout);
    }
    let images: usize = documents.iter().map(|d| d.images).sum();
    let failures: usize = documents.iter().map(Document::failures).sum();
    Ok(ExitCode::from(match (images, failures) {
        (0, _) => 2,
        (_, 0) => 0,
        _ => 1,
    }))
}

/// A file with the names of its images.
struct Input {
    file: PathBuf,
    plan: Plan,
}

fn inputs(files: &[PathBuf], settings: &Settings, deployment: &Deployment) -> anyhow::Result<Vec<Input>> {
    let mut taken: BTreeMap<String, &Path> = BTreeMap::new();
    let mut inputs = Vec::new();
    for file in files {
        let name = if file == Path::new(STANDARD) {
            "stdin".into()
        } else {
            file.file_name().with_context(|| format!("{} names no file", file.display()))?.to_string_lossy()
        };
        // A file that somebody names is meant, whatever its suffix; only the suffix itself goes.
        let suffix = &deployment.input_suffix;
        let has_suffix = name.to_lowercase().ends_with(&suffix.to_lowercase());
        let source =
            ObjectRef { bucket: "files".into(), key: name.into_owned(), version_id: None, etag: None };
        let plan = match Plan::new(&source, settings, if has_suffix { suffix } else { "" })? {
            Decision::Process(plan) => plan,
            Decision::Skip(reason) => bail!("{}: {reason}", file.display()),
        };
        if let Some(other) = taken.insert(plan.manifest_key().to_owned(), file) {
            bail!(
                "{} and {} would write the same images; render them into different folders",
                other.display(),
                file.display()
            );
        }
        inputs.push(Input { file: file.clone(), plan });
    }
    Ok(inputs)
}

/// What all files share.
struct Studio {
    limits: Limits,
    command: WorkerCommand,
    workers: usize,
    settings: Settings,
    /// The folder for images; `None` is standard output.
    output: Option<PathBuf>,
    progress: ProgressBar,
}

/// What became of a file, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Document {
    file: PathBuf,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_count: Option<u32>,
    /// The engine that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Attempt>,
    images: usize,
    pages: Vec<PageEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    ms: f64,
}

impl Document {
    fn failures(&self) -> usize {
        self.pages.len() - self.images + usize::from(self.error.is_some())
    }
}

impl Studio {
    async fn render_all(&self, inputs: Vec<Input>, json: bool) -> Vec<Document> {
        let pool = Pool::new(self.workers, self.limits, self.command.clone());
        let mut documents = Vec::new();
        let mut finished =
            stream::iter(inputs).map(|input| self.render(&pool, input)).buffer_unordered(self.workers);
        while let Some(document) = finished.next().await {
            if json {
                // A reader that has gone is noticed by the exit code of the shell's pipe.
                let _ = writeln!(io::stdout(), "{}", serde_json::json!(document));
            }
            documents.push(document);
        }
        documents
    }

    async fn render(&self, pool: &Pool, input: Input) -> Document {
        let started = Instant::now();
        let mut document = Document {
            file: input.file,
            status: Status::Failed,
            page_count: None,
            backend: None,
            attempts: Vec::new(),
            images: 0,
            pages: Vec::new(),
            error: None,
            ms: 0.0,
        };
        match self.pages(pool, &document.file, &input.plan).await {
            Ok(outcome) => {
                document.page_count = Some(outcome.engine.page_count);
                document.backend = Some(outcome.engine.backend.to_string());
                document.attempts = outcome.attempts;
                document.pages = outcome.pages.into_iter().map(|(page, o)| entry(page, o)).collect();
                document.images =
                    document.pages.iter().filter(|p| matches!(p.result, PageResult::Image(_))).count();
            }
            Err(failure) => document.error = Some(failure),
        }
        document.status = match (document.images, document.failures()) {
            (0, _) => Status::Failed,
            (_, 0) => Status::Complete,
            _ => Status::Partial,
        };
        document.ms = started.elapsed().as_secs_f64() * 1000.0;
        document
    }

    async fn pages(&self, pool: &Pool, file: &Path, plan: &Plan) -> Result<pages::Outcome, Failure> {
        let pdf = Arc::new(open(file, self.settings.limits.max_input_bytes)?);
        let sink = Arc::new(Folder {
            root: self.output.clone(),
            plan: plan.clone(),
            folders: Mutex::default(),
            progress: self.progress.clone(),
        });
        let deadline = self.settings.limits.document_timeout.map(|timeout| {
            let end = tokio::time::Instant::now() + timeout;
            Deadline { last_start: end, last_page: end, cause: DeadlineCause::DocumentTimeout }
        });
        let request = pages::Request { settings: &self.settings, done: &BTreeSet::new(), deadline };
        let outcome = render_pages(pool, &pdf, None, &request, sink).await.map_err(|error| {
            if self.output.is_none() && error.failure.code == "too_many_pages" {
                return failure("too_many_pages", "-o - takes one page; choose it with --pages");
            }
            error.failure
        });
        check_unchanged(&pdf, file)?;
        outcome
    }
}

/// Opens a file as it is, or reads standard input or a pipe, up to a length, and sees that it is a PDF.
pub(crate) fn open(file: &Path, max_bytes: u64) -> Result<PdfFile, Failure> {
    let opened = if file == Path::new(STANDARD) {
        read(io::stdin().lock(), max_bytes)
    } else {
        File::open(file).and_then(|opened| {
            if opened.metadata()?.is_file() { PdfFile::of(opened) } else { read(opened, max_bytes) }
        })
    };
    let pdf = opened.and_then(|pdf| within(pdf, max_bytes)).map_err(|error| unreadable(file, &error))?;
    check_header(&pdf)?;
    Ok(pdf)
}

/// Refuses what was drawn of a file that others wrote to meanwhile.
pub(crate) fn check_unchanged(pdf: &PdfFile, file: &Path) -> Result<(), Failure> {
    if pdf.is_unchanged().map_err(|error| unreadable(file, &error))? {
        return Ok(());
    }
    let message = format!("{} was written to while it was drawn; run it again", file.display());
    Err(failure("changed", message))
}

fn read(mut from: impl Read, max_bytes: u64) -> io::Result<PdfFile> {
    let mut pdf = PdfFile::new()?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut chunk)?;
        if length == 0 {
            pdf.seal();
            return Ok(pdf);
        }
        pdf.append(&chunk[..length])?;
        pdf = within(pdf, max_bytes)?;
    }
}

fn within(pdf: PdfFile, max_bytes: u64) -> io::Result<PdfFile> {
    if pdf.bytes() > max_bytes {
        return Err(io::Error::other(format!("it has more than {max_bytes} bytes; raise --max-input-bytes")));
    }
    Ok(pdf)
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    failure("unreadable", format!("failed to read {}: {error}", file.display()))
}

/// A folder of images.
struct Folder {
    /// `None` is standard output.
    root: Option<PathBuf>,
    plan: Plan,
    /// The folders that are there already.
    folders: Mutex<BTreeSet<PathBuf>>,
    progress: ProgressBar,
}

#[async_trait]
impl PageSink for Folder {
    fn expect(&self, pages: usize) {
        self.progress.inc_length(pages as u64);
    }

    async fn keep(
        &self,
        drawn: &DrawnPage,
        rendition: Option<&RenditionName>,
        image: &RenderedImage,
    ) -> Result<Kept, SinkError> {
        let (name, written) = match &self.root {
            Some(root) => {
                let key =
                    self.plan.image_key(drawn.page, rendition).expect("plan and images are of one settings");
                let path = root.join(key.trim_start_matches('/'));
                (path.to_string_lossy().into_owned(), self.write(root, &path, &image.file))
            }
            None => (STANDARD.to_owned(), io::stdout().write_all(&image.file)),
        };
        if rendition.is_none() {
            self.progress.inc(1);
        }
        match written {
            Ok(()) => Ok(Kept::of(&image.file, name, String::new())),
            Err(error) => {
                let name = if self.root.is_some() { name } else { "to standard output".to_owned() };
                let message = format!("failed to write {name}: {error}");
                Err(SinkError { failure: failure("not_written", message), retryable: false })
            }
        }
    }
}

impl Folder {
    fn write(&self, root: &Path, path: &Path, image: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(root);
        let is_new = !self.folders.lock().expect("no panic holds this lock").contains(folder);
        if is_new {
            std::fs::create_dir_all(folder)?;
            self.folders.lock().expect("no panic holds this lock").insert(folder.to_owned());
        }
        std::fs::write(path, image)
    }
}

fn entry(page: i64, report: PageReport) -> PageEntry {
    let result = match report.outcome {
        PageOutcome::Kept { image } => PageResult::Image(image),
        PageOutcome::Failed(error) | PageOutcome::Missing(error) => PageResult::Failed { error },
    };
    PageEntry { page, attempts: report.attempts, result }
}

/// Tells a person what was made, unless it was an image to standard output, and what failed and why.
fn report(documents: &[Document], to_stdout: bool) {
    for document in documents {
        let file = document.file.display();
        if let Some(error) = &document.error {
            eprintln!("{file}: {} ({})", error.message, error.code);
        }
        // What stops all pages, such as a full disk, is told once.
        let mut told = BTreeSet::new();
        for page in &document.pages {
            if let PageResult::Failed { error } = &page.result
                && told.insert(&error.message)
            {
                eprintln!("{file}: {} ({})", error.message, error.code);
            }
        }
        let images = document.pages.iter().filter_map(|page| match &page.result {
            PageResult::Image(image) => Some(image),
            PageResult::Failed { .. } => None,
        });
        if let Some(first) = images.clone().next().filter(|_| !to_stdout) {
            let folder = Path::new(&first.key).parent().unwrap_or(Path::new("."));
            eprintln!(
                "{file}: {} of {} pages, {} in {:.2?}, in {}",
                document.images,
                document.pages.len(),
                bytes(images.flat_map(Image::files).map(|file| file.bytes).sum()),
                Duration::from_secs_f64(document.ms / 1000.0),
                folder.display()
            );
        }
    }
}

fn bytes(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
