//! One document, from its event to its manifest.
//!
//! fetch → open → pages → upload → commit. The manifest is the commit: it is written last, and an
//! older one that would describe a mixture is taken away before the first image is overwritten.
//!
//! - `stock`: what the output bucket holds already, and what of it can be kept;
//! - `upload`: puts images there, each with its `tag`s;
//! - `compose`: the manifest of what was kept and what was drawn;
//! - `commit`: writes it, once everything that it says is true.
//!
//! **Invariant:** a reader who follows a manifest finds the images that it names, with the hashes
//! that it names, or sees by the hash that a newer version of the source is being drawn.

mod commit;
mod compose;
mod stock;
mod tag;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join_all;
use render_api::PageIndex;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use self::stock::Before;
use self::tag::{source_tag, version_tag};
use self::upload::Uploader;
use crate::config::{RenditionName, Settings};
use crate::encode::ImageFormat;
use crate::manifest::{self, Failure, Image, ImageFile, Manifest, PageEntry, PageResult, SCHEMA_VERSION};
use crate::pages::{self, Deadline, DocumentError, failure, milliseconds};
use crate::pdf_file::{PdfFile, check_header};
use crate::plan::{Decision, Plan};
use crate::store::fetch::{FetchError, FetchOptions, fetch};
use crate::store::{ListedObject, ObjectInfo, ObjectRef, ObjectStore, PutObject, StoreError};
use crate::worker::protocol::ENGINE_UNAVAILABLE;
use crate::worker::{Pool, Worker};

/// How many requests about single images are under way at a time.
const REQUESTS: usize = 32;

/// What one document needs of its surroundings.
pub struct Context {
    /// Where PDFs come from and images go.
    pub store: Arc<dyn ObjectStore>,
    /// The workers.
    pub pool: Pool,
    /// How a PDF is read from the store.
    pub fetch: FetchOptions,
}

/// What was done about a document.
#[derive(Debug)]
pub enum Done {
    /// Nothing was to be done.
    Skipped {
        /// Why, for the log.
        reason: String,
    },
    /// There is a manifest that says what came of it.
    Recorded {
        /// Where it is, in the output bucket.
        manifest_key: String,
        /// The output bucket.
        bucket: String,
        /// What it says.
        manifest: Box<Manifest>,
        /// Why the document should be tried again, if it should.
        retry: Option<Failure>,
        /// Whether this attempt found everything done.
        already: bool,
    },
    /// There is none, so the document must not count as dealt with.
    Unrecorded {
        /// Why.
        failure: Failure,
    },
}

impl Context {
    /// Turns one PDF into images and a manifest.
    ///
    /// It does not fail: what goes wrong is in [`Done`], and in the manifest where there is one.
    pub async fn process(
        &self,
        source: &ObjectRef,
        settings: &Settings,
        suffix: &str,
        deadline: Option<Deadline>,
    ) -> Done {
        let plan = match Plan::new(source, settings, suffix) {
            Ok(Decision::Process(plan)) => plan,
            Ok(Decision::Skip(reason)) => return Done::Skipped { reason: reason.to_string() },
            Err(error) => {
                return Done::Unrecorded { failure: failure(error.code(), error.to_string()) };
            }
        };
        let mut source = source.clone();
        for _ in 0..MAX_REPAIRS {
            let job = Job {
                context: self,
                plan: &plan,
                source: &source,
                settings,
                hash: settings.hash(),
                source_tag: source_tag(&source.key),
                started: Instant::now(),
                deadline,
            };
            match job.run().await {
                Ok(Ended::Done(done)) => return done,
                Ok(Ended::NewerSpoilt(newest)) => {
                    tracing::warn!(key = newest.key, "a newer version's images were overwritten; repairing");
                    source = newest;
                }
                // What S3 refuses for now or for good cannot be recorded in S3.
                Err(error) => {
                    return Done::Unrecorded { failure: failure(error.code(), error.to_string()) };
                }
            }
        }
        let message =
            format!("s3://{}/{} is replaced faster than it can be drawn", source.bucket, source.key);
        Done::Unrecorded { failure: failure("output_overwritten", message) }
    }
}

/// How many versions of a document one event may lead to, if late writes spoil one after the other.
const MAX_REPAIRS: u32 = 3;

/// How a job ended.
enum Ended {
    Done(Done),
    /// A newer version has a manifest, but some of its images are older ones. Its own event may be
    /// long acknowledged, so whoever sees it puts it right.
    NewerSpoilt(ObjectRef),
}

impl From<Done> for Ended {
    fn from(done: Done) -> Ended {
        Ended::Done(done)
    }
}

/// A document in the works.
struct Job<'a> {
    context: &'a Context,
    plan: &'a Plan,
    source: &'a ObjectRef,
    settings: &'a Settings,
    hash: String,
    /// The source's key as images carry it.
    source_tag: String,
    started: Instant,
    deadline: Option<Deadline>,
}

impl Job<'_> {
    async fn run(&self) -> Result<Ended, StoreError> {
        let mut pdf = match PdfFile::new() {
            Ok(pdf) => pdf,
            Err(error) => return Ok(no_memory(&error).into()),
        };
        // A worker takes a millisecond to start; it does so while the PDF arrives.
        let worker = self.context.pool.try_start(&pdf, self.settings.backend);
        let (manifest, listed, newest, fetched) =
            tokio::join!(self.read_manifest(), self.list(), self.newest(), self.fetch_in_time(&mut pdf));
        let (manifest, listed, newest) = (manifest?, listed?, newest?);
        let fetch_time = self.started.elapsed();
        if let Some(newest) = newest.filter(|newest| newest.version_id != self.source.version_id) {
            let version = newest.version_id.unwrap_or_default();
            let reason = format!("a newer version exists ({version}), whose own event draws it");
            return self.leave_to_newer(reason).await;
        }
        if let Some(other) = manifest.as_ref().filter(|m| m.source.key != self.source.key) {
            return Ok(self.output_conflict(other).into());
        }
        let Some(fetched) = fetched else {
            let message = format!(
                "the time ran out while s3://{}/{} was read; give the function more",
                self.source.bucket, self.source.key
            );
            return Ok(unrecorded("deadline", message).into());
        };
        let info = match fetched {
            Ok(info) => info,
            Err(error) if error.is_retryable() => {
                return Ok(Done::Unrecorded { failure: self.unread(&error) }.into());
            }
            Err(error) => return self.record_unread(&error).await,
        };
        pdf.seal();

        if info.metadata.contains_key(tag::SOURCE) {
            let reason = "it is an image or a manifest that pdf2img wrote (its metadata says so)";
            return Ok(skipped(reason).into());
        }

        let mut before = self.take_stock(manifest, &listed, &info).await?;
        if let Some(manifest) = before.finished {
            return Ok(self.already(manifest).into());
        }
        let outcome = self.draw(pdf, worker, &info, &before).await;
        let older_keys = std::mem::take(&mut before.older_keys);
        let mut composed = self.compose(&info, before, outcome);
        composed.manifest.totals.ms.fetch = milliseconds(fetch_time);
        self.commit(composed, &older_keys).await
    }

    fn output_conflict(&self, other: &Manifest) -> Done {
        let message = format!(
            "{} is the manifest of {}: both documents would have the same output keys; \
             rename one, or put {{key}} into PDF2IMG_OUTPUT_KEY",
            self.plan.manifest_key(),
            other.source.key
        );
        unrecorded("output_conflict", message)
    }

    async fn draw(
        &self,
        pdf: PdfFile,
        worker: Option<Worker>,
        info: &ObjectInfo,
        before: &Before,
    ) -> Result<pages::Outcome, DocumentError> {
        check_header(&pdf).map_err(|failure| DocumentError { failure, retryable: false })?;
        let sink = Arc::new(Uploader {
            store: Arc::clone(&self.context.store),
            plan: self.plan.clone(),
            formats: self.formats(),
            tags: BTreeMap::from([
                (tag::SOURCE.to_owned(), self.source_tag.clone()),
                (tag::VERSION.to_owned(), version_tag(info).to_owned()),
                (tag::SETTINGS.to_owned(), self.hash.clone()),
            ]),
        });
        let settled = before.images.keys().chain(before.failed.keys());
        let done = settled.filter_map(|&page| u32::try_from(page - 1).ok()).map(PageIndex).collect();
        let request = pages::Request { settings: self.settings, done: &done, deadline: self.deadline };
        pages::render_pages(&self.context.pool, &Arc::new(pdf), worker, &request, sink).await
    }

    fn formats(&self) -> BTreeMap<Option<RenditionName>, ImageFormat> {
        let renditions = self.settings.renditions.iter().map(|r| (Some(r.name.clone()), r.encoding.format()));
        renditions.chain([(None, self.settings.encoding.format())]).collect()
    }

    /// Why the PDF could not be read, with its name.
    fn unread(&self, error: &FetchError) -> Failure {
        let message = match error {
            FetchError::Store(error) => error.to_string(),
            other => format!("s3://{}/{}: {other}", self.source.bucket, self.source.key),
        };
        failure(error.code(), message)
    }

    async fn write_manifest(&self, manifest: &Manifest, only_if_absent: bool) -> Result<(), StoreError> {
        let body =
            serde_json::to_vec_pretty(manifest).expect("a manifest has string keys and finite numbers");
        let put = PutObject {
            bucket: self.plan.output_bucket.clone(),
            key: self.plan.manifest_key().to_owned(),
            content_type: "application/json",
            sha256: Sha256::digest(&body).into(),
            metadata: BTreeMap::from([(tag::SOURCE.to_owned(), self.source_tag.clone())]),
            body: Bytes::from(body),
            only_if_absent,
        };
        self.context.store.put(put).await.map(drop)
    }

    /// The manifest that stands, if it can be read.
    async fn read_manifest(&self) -> Result<Option<Manifest>, StoreError> {
        let object = ObjectRef {
            bucket: self.plan.output_bucket.clone(),
            key: self.plan.manifest_key().to_owned(),
            version_id: None,
            etag: None,
        };
        let mut bytes = Vec::new();
        let options = FetchOptions { max_bytes: MAX_MANIFEST_BYTES, ..self.context.fetch.clone() };
        let mut keep = |chunk: &[u8]| {
            bytes.extend_from_slice(chunk);
            Ok(())
        };
        match fetch(&*self.context.store, &object, &options, &mut keep).await {
            Ok(_) => Ok(serde_json::from_slice::<Manifest>(&bytes)
                .inspect_err(|error| {
                    tracing::warn!(key = object.key, "the manifest that stands is not ours: {error}")
                })
                .ok()
                .filter(|manifest| manifest.schema_version == SCHEMA_VERSION)),
            Err(FetchError::Store(StoreError::NotFound { .. })) => Ok(None),
            Err(FetchError::Store(error)) => Err(error),
            Err(error) => Err(StoreError::Transient {
                action: "s3:GetObject",
                bucket: object.bucket,
                key: object.key,
                detail: error.to_string(),
            }),
        }
    }

    async fn list(&self) -> Result<Vec<ListedObject>, StoreError> {
        let prefixes = self.plan.output_prefixes();
        let lists = prefixes.iter().map(|prefix| self.context.store.list(&self.plan.output_bucket, prefix));
        Ok(try_join_all(lists).await?.into_iter().flatten().collect())
    }

    /// The newest version of the source, if the event names one and so may be late.
    async fn newest(&self) -> Result<Option<ObjectInfo>, StoreError> {
        match self.source.version_id {
            Some(_) => self.context.store.head(&self.source.bucket, &self.source.key).await,
            None => Ok(None),
        }
    }

    /// Reads the PDF; `None` if that takes longer than there is time.
    async fn fetch_in_time(&self, pdf: &mut PdfFile) -> Option<Result<ObjectInfo, FetchError>> {
        match self.deadline {
            None => Some(self.fetch(pdf).await),
            Some(deadline) => timeout_at(deadline.last_start, self.fetch(pdf)).await.ok(),
        }
    }

    async fn fetch(&self, pdf: &mut PdfFile) -> Result<ObjectInfo, FetchError> {
        let options =
            FetchOptions { max_bytes: self.settings.limits.max_input_bytes, ..self.context.fetch.clone() };
        fetch(&*self.context.store, self.source, &options, &mut |chunk| pdf.append(chunk)).await
    }

    fn is_of(&self, manifest: &Manifest, info: &ObjectInfo) -> bool {
        manifest.settings_hash == self.hash
            && manifest.source.etag.as_deref() == Some(info.etag.as_str())
            && manifest.source.version_id == info.version_id
    }

    fn source_of(&self, info: Option<&ObjectInfo>) -> manifest::Source {
        manifest::Source {
            bucket: self.source.bucket.clone(),
            key: self.source.key.clone(),
            version_id: info.map_or_else(|| self.source.version_id.clone(), |info| info.version_id.clone()),
            etag: info.map_or_else(|| self.source.etag.clone(), |info| Some(info.etag.clone())),
            bytes: info.map(|info| info.bytes),
        }
    }

    fn already(&self, manifest: Manifest) -> Done {
        self.recorded(manifest, None, true)
    }

    fn recorded(&self, manifest: Manifest, retry: Option<Failure>, already: bool) -> Done {
        Done::Recorded {
            manifest_key: self.plan.manifest_key().to_owned(),
            bucket: self.plan.output_bucket.clone(),
            manifest: Box::new(manifest),
            retry,
            already,
        }
    }
}

/// Failures that whoever operates the function can put right. They are recorded, and go back to
/// Lambda all the same, so that its dead-letter queue keeps the events until then.
const OPERATORS_CODES: [&str; 3] = ["access_denied", "no_such_bucket", ENGINE_UNAVAILABLE];

/// Failures that pass by themselves: pages with these are missing rather than failed.
const PASSING_CODES: [&str; 3] = ["deadline", "s3_unavailable", "worker_unavailable"];

/// The longest manifest that is read: some 400 bytes a page.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;

fn images(manifest: &Manifest) -> impl Iterator<Item = (&PageEntry, &Image)> {
    manifest.pages.iter().filter_map(image_of)
}

/// Every image file, renditions included.
fn files(manifest: &Manifest) -> impl Iterator<Item = ImageFile<'_>> {
    images(manifest).flat_map(|(_, image)| image.files())
}

fn image_of(entry: &PageEntry) -> Option<(&PageEntry, &Image)> {
    match &entry.result {
        PageResult::Image(image) => Some((entry, image)),
        PageResult::Failed { .. } => None,
    }
}

fn skipped(reason: impl Into<String>) -> Done {
    Done::Skipped { reason: reason.into() }
}

fn unrecorded(code: &str, message: impl Into<String>) -> Done {
    Done::Unrecorded { failure: failure(code, message) }
}

fn no_memory(error: &std::io::Error) -> Done {
    unrecorded("io", format!("no memory for the PDF: {error}"))
}

fn generator() -> String {
    concat!("pdf2img ", env!("CARGO_PKG_VERSION")).into()
}
