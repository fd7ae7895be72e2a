//! Pages by a worker process, as the product starts it and asks it.

use std::collections::VecDeque;
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

    /// Has a worker draw and encode pages, and asks for the next one ahead, as the product does while there
    /// are two pages to come.
    ///
    /// # Errors
    ///
    /// As the worker fails.
    pub(crate) fn render(
        &self,
        worker: &mut Worker,
        pages: impl IntoIterator<Item = PageIndex>,
    ) -> Result<Vec<Rendered>, WorkerError> {
        let within = self.settings.limits.page_timeout;
        let mut left: VecDeque<PageIndex> = pages.into_iter().collect();
        self.runtime.block_on(async {
            let mut rendered = Vec::new();
            let mut ahead = None;
            while let Some(page) = ahead.take().or_else(|| left.pop_front()) {
                let next = || {
                    ahead = if left.len() < 2 { None } else { left.pop_front() };
                    ahead
                };
                rendered.push(worker.render(page, within, next).await?);
            }
            Ok(rendered)
        })
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
    pages: Result<Vec<Rendered>, WorkerError>,
}

impl ByWorker {
    pub(super) fn new(source: Source, format: Format, pdfium_library: &Path) -> Result<ByWorker> {
        let workshop = Workshop::new(source, format, pdfium_library)?;
        let mut ready = ByWorker { source, format, workshop, worker: None, pages: Ok(Vec::new()) };
        ready.again()?;
        Ok(ready)
    }

    fn files(&self) -> impl Iterator<Item = &[u8]> {
        self.pages.iter().flatten().map(|rendered| rendered.main.file.as_ref())
    }
}

impl Work for ByWorker {
    fn run(&mut self) {
        if let Some(worker) = &mut self.worker {
            self.pages = self.workshop.render(worker, self.source.counted_pages());
        }
    }

    fn prove(&self) -> Result<()> {
        let rendered = match &self.pages {
            Ok(rendered) => rendered,
            Err(error) => anyhow::bail!("a worker failed at a page: {error}"),
        };
        let (made, asked) = (rendered.len(), self.source.counted_pages().len());
        ensure!(made == asked, "{made} of {asked} pages were made");
        for (page, rendered) in self.source.counted_pages().into_iter().zip(rendered) {
            let errors = rendered.content_errors;
            ensure!(errors == 0, "page {}: {errors} errors in its content", page.number());
        }
        self.source.is_shown_by(self.source.counted_pages().into_iter().zip(self.files()), self.format)
    }

    fn digest(&self) -> String {
        digest_of(self.files())
    }

    /// A worker serves one document once: it is another one each time.
    fn again(&mut self) -> Result<()> {
        self.pages = Ok(Vec::new());
        self.worker = None;
        let mut worker = self.workshop.open().context("no worker opens the document")?;
        if self.source.has_further_pages() {
            self.workshop.render(&mut worker, [PageIndex(0)]).context("the first page cannot be drawn")?;
        }
        self.worker = Some(worker);
        Ok(())
    }
}
