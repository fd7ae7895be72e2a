//! A document by the whole function: handler, S3 client, workers.
//!
//! S3 is the one of `pdf2img-bench`, in memory and served over HTTP by a thread of this process, so that the real
//! client speaks to it. The function is as Lambda has it, but for Lambda's own runtime API, which is not asked.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use pdf2img::config::{Config, Host};
use pdf2img::handler::{Handler, Invocation};
use pdf2img_bench::emulation::{Emulation, INPUT_BUCKET, Object};
use render_api::PageIndex;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::{Source, Work, digest_of};
use crate::benchmark::Format;

/// How many documents one function gets: what it has written stays in memory as long as its S3.
const DOCUMENTS: u32 = 16;

/// [`Stage::Pipeline`](crate::Stage::Pipeline).
pub(super) struct Pipeline {
    source: Source,
    format: Format,
    pdf: Bytes,
    pdfium_library: Arc<Path>,
    runtime: Runtime,
    function: Function,
    answer: Option<Result<Value>>,
}

/// A function with an S3 of its own.
struct Function {
    handler: Handler,
    s3: Emulation,
    /// How many documents it was given.
    documents: u32,
}

impl Pipeline {
    pub(super) fn new(source: Source, format: Format, pdfium_library: &Path) -> Result<Pipeline> {
        // As many threads as on Lambda.
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let pdfium_library = Arc::from(pdfium_library);
        let mut pipeline = Pipeline {
            source,
            format,
            pdf: Bytes::from_static(source.pdf),
            function: Function::start(source, format, &pdfium_library)?,
            pdfium_library,
            runtime: runtime.context("failed to start the function's runtime")?,
            answer: None,
        };
        pipeline.warm_up()?;
        Ok(pipeline)
    }

    /// Has a new function deal with a document, which connects it to S3.
    fn warm_up(&mut self) -> Result<()> {
        self.function.upload(&self.pdf);
        self.run();
        self.prove_answer().context("the first invocation failed")?;
        self.function.upload(&self.pdf);
        self.answer = None;
        Ok(())
    }

    /// Tells whether the answer says that every page has its image.
    fn prove_answer(&self) -> Result<()> {
        let answer = match self.answer.as_ref().context("there is no answer")? {
            Ok(answer) => answer,
            Err(error) => return Err(anyhow!("{error:#}")),
        };
        let document = &answer["documents"][0];
        ensure!(document["status"] == "complete", "the document is not complete: {answer}");
        ensure!(document["already_done"] == false, "there was nothing to do: {answer}");
        Ok(())
    }

    /// The images of the document at hand, by page.
    fn images(&self) -> Vec<(PageIndex, Object)> {
        let written = self.function.s3.written();
        let folder = format!("{}/page-", self.function.stem());
        // Its key counts pages from 1, with leading zeros, so that the order is that of the pages.
        let images = written.into_iter().filter(|(key, _)| key.starts_with(&folder));
        images.zip(0..).map(|((_, object), page)| (PageIndex(page), object)).collect()
    }
}

impl Work for Pipeline {
    fn run(&mut self) {
        let invocation =
            Invocation { remaining: None, request_id: "benchmark".to_owned(), cold_start: false };
        let event = self.function.event();
        let answer = self.runtime.block_on(self.function.handler.handle(&event, &invocation));
        self.answer = Some(answer.map_err(anyhow::Error::from));
    }

    fn prove(&self) -> Result<()> {
        self.prove_answer()?;
        let images = self.images();
        let (written, pages) = (images.len(), self.source.pages);
        ensure!(written == pages as usize, "{written} images were written of {pages} pages");
        let files = images.iter().map(|(page, object)| (*page, object.body.as_ref()));
        self.source.is_shown_by(files, self.format)
    }

    fn digest(&self) -> String {
        digest_of(self.images().iter().map(|(_, object)| object.body.as_ref()))
    }

    /// The document comes under another key, or there would be nothing to do.
    fn again(&mut self) -> Result<()> {
        self.answer = None;
        if self.function.documents < DOCUMENTS {
            self.function.upload(&self.pdf);
            return Ok(());
        }
        self.function = Function::start(self.source, self.format, &self.pdfium_library)?;
        self.warm_up()
    }
}

impl Function {
    fn start(source: Source, format: Format, pdfium_library: &Path) -> Result<Function> {
        let s3 = Emulation::start().context("failed to start S3")?;
        let mut variables = s3.variables();
        variables.push(("PDF2IMG_BACKEND", source.backend.to_string()));
        variables.push(("PDF2IMG_FORMAT", format.to_string()));
        // Or figures for CloudWatch would stand among those of the benchmark.
        variables.push(("PDF2IMG_LOG_FORMAT", "text".to_owned()));
        let library = pdfium_library.to_str().context("the path of PDFium's library is not UTF-8")?;
        if !library.is_empty() {
            variables.push(("PDF2IMG_PDFIUM_LIBRARY", library.to_owned()));
        }
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let config = Config::from_env(&variables, Host::detect()).context("the function cannot be set up")?;
        let handler = Handler::new(config).context("the function does not start")?;
        Ok(Function { handler, s3, documents: 0 })
    }

    /// Puts the document into S3 once more.
    fn upload(&mut self, pdf: &Bytes) {
        self.documents += 1;
        // The notification that this queues for the emulated Runtime API stays there: nobody asks for it.
        self.s3.invoke_for(&format!("{}.pdf", self.stem()), pdf);
    }

    /// The key of the document at hand, without its suffix.
    fn stem(&self) -> String {
        format!("document-{:02}", self.documents)
    }

    /// What S3 tells of the document at hand.
    fn event(&self) -> Value {
        json!({ "Records": [{
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": { "name": INPUT_BUCKET },
                "object": { "key": format!("{}.pdf", self.stem()) },
            },
        }] })
    }
}
