//! Pages by a worker process, as the product starts it and asks it.

use std::io;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use pdf2img::config::Settings;
use pdf2img::pdf_file::PdfFile;
use pdf2img::worker::sandbox::Limits;
use pdf2img::worker::{Pool, Rendered, Worker, WorkerCommand, WorkerError};
use render_api::PageIndex;
use tokio::runtime::{Builder, Runtime};

use super::{Source, Work, digest_of};
use crate::benchmark::Format;

/// What the product gives a worker where nothing else is said.
const LIMITS: Limits = Limits { memory_bytes: 1 << 30, cpu_seconds: 15 * 60 };

/// A place where workers for one document are started and asked, one at a time.
///
/// This thread does nothing else meanwhile; it sleeps until the worker has answered.
pub(crate) struct Workshop {
    runtime: Runtime,
    pool: Pool,
    pdf: PdfFile,
    settings: Settings,
}

impl Workshop {
    /// For a document and a format; nothing is started yet.
    ///
    /// # Errors
    ///
    /// If the kernel refuses memory or descriptors.
    pub(crate) fn new(source: Source, format: Format, pdfium_library: &Path) -> Result<Workshop> {
        let mut command = WorkerCommand::default();
        command.pdfium.library = pdfium_library.to_owned();
        let encoding = format.encoding();
        Ok(Workshop {
            runtime: runtime().context("failed to start what waits for workers")?,
            pool: Pool::new(1, LIMITS, command),
            pdf: PdfFile::from_bytes(source.pdf).context("failed to put the document into a memfd")?,
            settings: Settings { backend: source.backend, encoding, ..Settings::default() },
        })
    }

    /// Starts a worker, and has it open the document. The one before must be gone.
    ///
    /// # Errors
    ///
    /// As the worker fails.
    pub(crate) fn open(&self) -> Result<Worker> {
        self.runtime.block_on(async {
            let mut worker = self.pool.start(&self.pdf, self.settings.backend).await?;
            worker.open(&self.pdf, &self.settings).await?;
            Ok(worker)
        })
    }

    /// Has a worker draw and encode a page.
    ///
    /// # Errors
    ///
    /// As the worker fails.
    pub(crate) fn render(&self, worker: &mut Worker, page: PageIndex) -> Result<Rendered, WorkerError> {
        self.runtime.block_on(worker.render(page, self.settings.limits.page_timeout))
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// [`Stage::Worker`](crate::Stage::Worker).
pub(super) struct ByWorker {
    source: Source,
    format: Format,
    workshop: Workshop,
    worker: Option<Worker>,
    pages: Vec<(PageIndex, Rendered)>,
    failed: Option<WorkerError>,
}

impl ByWorker {
    pub(super) fn new(source: Source, format: Format, pdfium_library: &Path) -> Result<ByWorker> {
        let workshop = Workshop::new(source, format, pdfium_library)?;
        let (worker, pages, failed) = (None, Vec::new(), None);
        let mut ready = ByWorker { source, format, workshop, worker, pages, failed };
        ready.again()?;
        Ok(ready)
    }
}

impl Work for ByWorker {
    fn run(&mut self) {
        let Some(worker) = &mut self.worker else { return };
        for page in self.source.counted_pages() {
            match self.workshop.render(worker, page) {
                Ok(rendered) => self.pages.push((page, rendered)),
                Err(error) => {
                    self.failed = Some(error);
                    return;
                }
            }
        }
    }

    fn prove(&self) -> Result<()> {
        if let Some(error) = &self.failed {
            anyhow::bail!("a worker failed at a page: {error}");
        }
        let (made, asked) = (self.pages.len(), self.source.counted_pages().len());
        ensure!(made == asked, "{made} of {asked} pages were made");
        for (page, rendered) in &self.pages {
            let errors = rendered.content_errors;
            ensure!(errors == 0, "page {}: {errors} errors in its content", page.number());
        }
        let files = self.pages.iter().map(|(page, rendered)| (*page, rendered.main.file.as_ref()));
        self.source.is_shown_by(files, self.format)
    }

    fn digest(&self) -> String {
        digest_of(self.pages.iter().map(|(_, rendered)| rendered.main.file.as_ref()))
    }

    /// A worker serves one document once: it is another one each time.
    fn again(&mut self) -> Result<()> {
        self.failed = None;
        self.pages.clear();
        self.worker = None;
        let mut worker = self.workshop.open().context("no worker opens the document")?;
        if self.source.has_further_pages() {
            self.workshop.render(&mut worker, PageIndex(0)).context("the first page cannot be drawn")?;
        }
        self.worker = Some(worker);
        Ok(())
    }
}
