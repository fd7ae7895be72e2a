//! One document, from its event to its manifest.
//!
//! fetch → open → pages → upload → commit. The manifest is the commit: it is written last, and an
//! older one that would describe a mixture is taken away before the first image is overwritten.
//!
//! **Invariant:** a reader who follows a manifest finds the images that it names, with the hashes
//! that it names, or sees by the hash that a newer version of the source is being drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, stream};
use render_api::PageIndex;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use crate::config::settings::hex;
use crate::config::{RenditionName, Settings};
use crate::encode::ImageFormat;
use crate::manifest::{
    self, Attempt, DocumentMilliseconds, Failure, Image, ImageFile, Manifest, PageEntry, PageMilliseconds,
    PageResult, RenditionImage, SCHEMA_VERSION, Status, Totals,
};
use crate::pages::{
    self, Deadline, DocumentError, DrawnPage, Kept, PageOutcome, PageReport, PageSink, SinkError, failure,
    milliseconds,
};
use crate::pdf_file::{PdfFile, check_header};
use crate::plan::{Decision, Plan};
use crate::store::fetch::{FetchError, FetchOptions, fetch};
use crate::store::metadata;
use crate::store::{ListedObject, ObjectInfo, ObjectRef, ObjectStore, PutObject, StoreError};
use crate::worker::protocol::ENGINE_UNAVAILABLE;
use crate::worker::{Engine, Pool, RenderedImage, Worker};

/// Names of the metadata that every image carries.
mod tag {
    pub(super) const SOURCE: &str = "pdf2img-source";
    pub(super) const VERSION: &str = "pdf2img-source-version";
    pub(super) const SETTINGS: &str = "pdf2img-settings";
    pub(super) const RENDITION: &str = "pdf2img-rendition";
    pub(super) const PAGE: &str = "pdf2img-page";
    pub(super) const PAGES: &str = "pdf2img-pages";
    pub(super) const SHA256: &str = "pdf2img-sha256";
    pub(super) const SIZE: &str = "pdf2img-size";
    pub(super) const CONTENT_ERRORS: &str = "pdf2img-content-errors";
    /// Name and version of the engine: `mupdf/1.27.2`.
    pub(super) const BACKEND: &str = "pdf2img-backend";
    /// The engines that failed at the page before, with their codes: `mupdf=page_crashed,hayro=malformed`.
    pub(super) const ATTEMPTS: &str = "pdf2img-attempts";
}

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

    /// Finds out what of this very version and these settings exists already, and takes away the
    /// manifest of another, which is about to become untrue.
    async fn take_stock(
        &self,
        manifest: Option<Manifest>,
        listed: &[ListedObject],
        info: &ObjectInfo,
    ) -> Result<Before, StoreError> {
        let objects: BTreeMap<&str, &ListedObject> = listed.iter().map(|o| (o.key.as_str(), o)).collect();
        // Not every S3-compatible server lists ETags; the length then has to do.
        let exists = |image: &Image| {
            image.files().all(|file| {
                objects.get(file.key).is_some_and(|object| {
                    object.bytes == file.bytes && (object.etag.is_empty() || object.etag == file.etag)
                })
            })
        };
        let mut before = Before::default();
        let mut known = BTreeSet::new();
        if let Some(manifest) = manifest {
            let same = self.is_of(&manifest, info);
            if same
                && manifest.status == Status::Complete
                && images(&manifest).all(|(_, image)| exists(image))
            {
                before.finished = Some(manifest);
                return Ok(before);
            }
            if same {
                before.engines = manifest.backend.iter().chain(&manifest.fallback).cloned().collect();
            }
            for (entry, image) in images(&manifest).filter(|(_, image)| exists(image)) {
                known.extend(image.files().map(|file| file.key.to_owned()));
                if same {
                    before.images.insert(entry.page, (image.clone(), entry.attempts.clone()));
                }
            }
            if same && manifest.totals.missing > 0 {
                before.failed = failures(&manifest).collect();
            }
            if !same {
                before.older_keys = files(&manifest).map(|file| file.key.to_owned()).collect();
                let keys = [self.plan.manifest_key().to_owned()];
                self.context.store.delete(&self.plan.output_bucket, &keys).await?;
            }
        }
        // Images that no manifest speaks of: an attempt that was killed left them, or a newer
        // version overwrote them. Each carries what it is.
        let strays = listed
            .iter()
            .filter(|object| !known.contains(&object.key))
            .filter_map(|object| self.plan.image_of(&object.key).map(|image| (image, object)));
        let adopted: Vec<_> = stream::iter(strays)
            .map(|((page, rendition), object)| async move {
                let found = self.context.store.head(&self.plan.output_bucket, &object.key).await?;
                let adopted = found.and_then(|found| self.adopt(page, rendition, &object.key, &found, info));
                Ok(adopted.map(|adopted| (page, rendition, adopted)))
            })
            .buffer_unordered(REQUESTS)
            .collect()
            .await;
        let mut left: BTreeMap<PageIndex, BTreeMap<Option<&RenditionName>, Adopted>> = BTreeMap::new();
        for adopted in adopted {
            if let Some((page, rendition, adopted)) = adopted? {
                left.entry(page).or_default().insert(rendition, adopted);
            }
        }
        for (page, images) in left {
            if let Some(Adopted { image, engine, attempts }) = self.put_together(images) {
                before.images.insert(page.number().into(), (image, attempts));
                if !before.engines.contains(&engine) {
                    before.engines.push(engine);
                }
            }
        }
        if !before.images.is_empty() {
            tracing::info!(images = before.images.len(), "images of an earlier attempt are kept");
        }
        Ok(before)
    }

    /// A page of which an earlier attempt left all images, by one engine: the main image with its
    /// renditions.
    fn put_together(&self, mut images: BTreeMap<Option<&RenditionName>, Adopted>) -> Option<Adopted> {
        let mut page = images.remove(&None)?;
        let is_whole = images.len() == self.settings.renditions.len();
        let is_of_one_engine = images.values().all(|adopted| adopted.engine == page.engine);
        (is_whole && is_of_one_engine).then_some(())?;
        for (name, Adopted { image, .. }) in images {
            let rendition = RenditionImage {
                key: image.key,
                width: image.width,
                height: image.height,
                bytes: image.bytes,
                sha256: image.sha256,
                etag: image.etag,
            };
            page.image.renditions.insert(name?.to_string(), rendition);
        }
        Some(page)
    }

    /// An image that an earlier attempt left, if it is of this version, these settings, this page
    /// and this rendition.
    fn adopt(
        &self,
        page: PageIndex,
        rendition: Option<&RenditionName>,
        key: &str,
        found: &ObjectInfo,
        info: &ObjectInfo,
    ) -> Option<Adopted> {
        let tags = &found.metadata;
        let is = |name: &str, value: &str| tags.get(name).is_some_and(|tag| tag == value);
        let ours = is(tag::SOURCE, &self.source_tag)
            && is(tag::VERSION, version_tag(info))
            && is(tag::SETTINGS, &self.hash)
            && is(tag::PAGE, &page.to_string())
            && tags.get(tag::RENDITION).map(String::as_str) == rendition.map(RenditionName::as_str);
        let (width, height) = tags.get(tag::SIZE)?.split_once('x')?;
        ours.then_some(())?;
        let (name, version) = tags.get(tag::BACKEND)?.split_once('/')?;
        let image = Image {
            key: key.to_owned(),
            width: width.parse().ok()?,
            height: height.parse().ok()?,
            bytes: found.bytes,
            sha256: tags.get(tag::SHA256)?.clone(),
            etag: found.etag.clone(),
            backend: name.to_owned(),
            content_errors: tags.get(tag::CONTENT_ERRORS)?.parse().ok()?,
            ms: PageMilliseconds::default(),
            renditions: BTreeMap::new(),
        };
        let attempts = tags.get(tag::ATTEMPTS).map(|tag| attempts_of(tag)).unwrap_or_default();
        let engine = manifest::Engine { name: name.to_owned(), version: version.to_owned() };
        Some(Adopted { image, engine, attempts })
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

    fn compose(
        &self,
        info: &ObjectInfo,
        before: Before,
        outcome: Result<pages::Outcome, DocumentError>,
    ) -> Composed {
        let (outcome, error) = match outcome {
            Ok(outcome) => (Some(outcome), None),
            Err(error) => (None, Some(error)),
        };
        let mut ms = DocumentMilliseconds::default();
        let mut totals = Totals::default();
        let mut retry = error.as_ref().filter(|error| error.retryable).map(|error| error.failure.clone());
        let mut engines = before.engines;
        let mut entries: BTreeMap<i64, (Vec<Attempt>, PageResult)> = before
            .images
            .into_iter()
            .map(|(page, (image, attempts))| (page, (attempts, PageResult::Image(image))))
            .collect();
        let (engine, attempts, drawn) = match outcome {
            Some(outcome) => {
                ms.open = milliseconds(outcome.engine.open);
                engines.extend(outcome.engines);
                (Some(outcome.engine), outcome.attempts, outcome.pages)
            }
            None => (None, Vec::new(), BTreeMap::new()),
        };
        for (page, (error, attempts)) in
            before.failed.into_iter().filter(|(page, _)| !drawn.contains_key(page))
        {
            totals.failed += 1;
            entries.insert(page, (attempts, PageResult::Failed { error }));
        }
        for (page, PageReport { attempts, outcome }) in drawn {
            let result = match outcome {
                PageOutcome::Kept { image } => {
                    ms.render += image.ms.render;
                    ms.encode += image.ms.encode;
                    ms.upload += image.ms.upload;
                    PageResult::Image(image)
                }
                PageOutcome::Failed(error) => {
                    totals.failed += 1;
                    if OPERATORS_CODES.contains(&error.code.as_str()) {
                        retry.get_or_insert_with(|| error.clone());
                    }
                    PageResult::Failed { error }
                }
                PageOutcome::Missing(error) => {
                    totals.missing += 1;
                    retry.get_or_insert_with(|| error.clone());
                    PageResult::Failed { error }
                }
            };
            entries.insert(page, (attempts, result));
        }
        let pages: Vec<PageEntry> = entries
            .into_iter()
            .map(|(page, (attempts, result))| PageEntry { page, attempts, result })
            .collect();
        totals.pages = pages.len() as u32;
        totals.images = totals.pages - totals.failed - totals.missing;
        totals.bytes =
            pages.iter().filter_map(image_of).flat_map(|(_, image)| image.files()).map(|f| f.bytes).sum();
        ms.total = milliseconds(self.started.elapsed());
        totals.ms = ms;
        // With an error there may be images of an earlier attempt, but nobody knows what is missing.
        let status = match totals.images {
            0 => Status::Failed,
            images if images == totals.pages && error.is_none() => Status::Complete,
            _ => Status::Partial,
        };
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            status,
            source: self.source_of(Some(info)),
            fallback: further_engines(engines, &pages, engine.as_ref()),
            backend: engine.as_ref().map(pages::named),
            attempts,
            settings: self.settings.image_options(),
            settings_hash: self.hash.clone(),
            page_count: engine.map(|engine| engine.page_count),
            pages,
            error: error.map(|error| error.failure),
            totals,
            generator: generator(),
        };
        Composed { manifest, retry }
    }

    /// Writes the manifest, once everything that it says is true.
    async fn commit(&self, composed: Composed, older_keys: &[String]) -> Result<Ended, StoreError> {
        let Composed { manifest, retry } = composed;
        let (listed, standing, newest) = tokio::join!(
            self.list(),
            self.read_manifest(),
            self.context.store.head(&self.source.bucket, &self.source.key)
        );
        let (listed, standing) = (listed?, standing?);
        let newest = match newest {
            // It could be read when it was drawn. Without s3:ListBucket that is the answer for what
            // has been deleted since.
            Err(StoreError::AccessDenied { .. }) => None,
            newest => newest?,
        };
        let superseded = newest.is_some_and(|newest| {
            Some(&newest.etag) != manifest.source.etag.as_ref()
                || newest.version_id != manifest.source.version_id
        });
        if superseded {
            let reason = "it was replaced while it was drawn, and the newer one's own event draws that";
            return self.leave_to_newer(reason.to_owned()).await;
        }
        if let Some(standing) = standing {
            if standing.source.key != self.source.key {
                return Ok(self.output_conflict(&standing).into());
            }
            // The same event came twice at the same time, and the other attempt got everything.
            let same = standing.source == manifest.source && standing.settings_hash == self.hash;
            if same
                && standing.status == Status::Complete
                && self.first_overwritten(&standing, &listed).await?.is_none()
            {
                return Ok(self.already(standing).into());
            }
        }
        if let Some(key) = self.first_overwritten(&manifest, &listed).await? {
            let message = format!("{key} was changed by somebody else while the document was drawn");
            return Ok(unrecorded("output_overwritten", message).into());
        }
        self.delete_stale(&manifest, &listed, older_keys).await?;
        self.write_manifest(&manifest, false).await?;
        Ok(self.recorded(manifest, retry, false).into())
    }

    /// Leaves the document to a newer version, unless older images came over those of its manifest:
    /// this attempt may have written them late, or an earlier one that was killed.
    async fn leave_to_newer(&self, reason: String) -> Result<Ended, StoreError> {
        let (manifest, listed, newest) = tokio::join!(
            self.read_manifest(),
            self.list(),
            self.context.store.head(&self.source.bucket, &self.source.key)
        );
        let manifest = manifest?.filter(|manifest| manifest.source.key == self.source.key);
        if let (Some(manifest), Some(newest), listed) = (manifest, newest?, listed?) {
            if self.first_overwritten(&manifest, &listed).await?.is_some() {
                return Ok(Ended::NewerSpoilt(ObjectRef {
                    version_id: newest.version_id,
                    etag: Some(newest.etag).filter(|etag| !etag.is_empty()),
                    ..self.source.clone()
                }));
            }
            // Pages that this attempt wrote after the newer one had ended are nobody's.
            self.delete_stale(&manifest, &listed, &[]).await?;
        }
        Ok(skipped(reason).into())
    }

    /// An image that is no longer what the manifest says of it, if there is one.
    async fn first_overwritten(
        &self,
        manifest: &Manifest,
        listed: &[ListedObject],
    ) -> Result<Option<String>, StoreError> {
        let etags: BTreeMap<&str, &str> = listed.iter().map(|o| (o.key.as_str(), o.etag.as_str())).collect();
        let doubtful = files(manifest)
            .filter(|file| etags.get(file.key).is_none_or(|etag| etag.is_empty() || *etag != file.etag));
        // Under SSE-KMS equal bytes have different ETags: the hash that an image carries decides.
        let mut verdicts = stream::iter(doubtful)
            .map(|file| async move {
                let found = self.context.store.head(&self.plan.output_bucket, file.key).await?;
                let is_ours = found.is_some_and(|found| {
                    found.metadata.get(tag::SHA256).is_some_and(|sha256| sha256 == file.sha256)
                });
                Ok((!is_ours).then(|| file.key.to_owned()))
            })
            .buffer_unordered(REQUESTS);
        while let Some(verdict) = verdicts.next().await {
            if let Some(key) = verdict? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Deletes images of earlier versions or settings that the new manifest does not name.
    async fn delete_stale(
        &self,
        manifest: &Manifest,
        listed: &[ListedObject],
        older_keys: &[String],
    ) -> Result<(), StoreError> {
        let named: BTreeSet<&str> = files(manifest).map(|file| file.key).collect();
        let candidates: BTreeSet<&String> = listed
            .iter()
            .map(|object| &object.key)
            .filter(|key| self.plan.image_of(key).is_some())
            .chain(older_keys)
            .filter(|key| !named.contains(key.as_str()))
            .collect();
        // The answer to a write can be lost although the image is there: then the next attempt takes it.
        let missing: BTreeSet<String> =
            missing(manifest).flat_map(|page| self.plan.image_keys(page)).map(|(_, key)| key).collect();
        let version = manifest.source.version_id.as_ref().or(manifest.source.etag.as_ref());
        // Somebody's own file may be called page-0007.png: only what carries our mark is deleted.
        let is_stale = |key: &String, tags: &BTreeMap<String, String>| {
            let is_current = tags.get(tag::VERSION) == version && tags.get(tag::SETTINGS) == Some(&self.hash);
            tags.get(tag::SOURCE) == Some(&self.source_tag) && !(is_current && missing.contains(key))
        };
        let is_stale = &is_stale;
        let marked: Vec<_> = stream::iter(candidates)
            .map(|key| async move {
                let found = self.context.store.head(&self.plan.output_bucket, key).await;
                found.map(|found| found.filter(|found| is_stale(key, &found.metadata)).map(|_| key.clone()))
            })
            .buffer_unordered(REQUESTS)
            .collect()
            .await;
        let stale: Vec<String> =
            marked.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        if stale.is_empty() {
            return Ok(());
        }
        tracing::info!(images = stale.len(), "images of an earlier version are deleted");
        self.context.store.delete(&self.plan.output_bucket, &stale).await
    }

    /// Records that the PDF could not be read at all, unless there is a record already: a newer
    /// version's manifest must not give way to an older event.
    async fn record_unread(&self, error: &FetchError) -> Result<Ended, StoreError> {
        let failure = self.unread(error);
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            status: Status::Failed,
            source: self.source_of(None),
            backend: None,
            fallback: Vec::new(),
            attempts: Vec::new(),
            settings: self.settings.image_options(),
            settings_hash: self.hash.clone(),
            page_count: None,
            pages: Vec::new(),
            error: Some(failure.clone()),
            totals: Totals::default(),
            generator: generator(),
        };
        let retry = Some(&failure).filter(|failure| OPERATORS_CODES.contains(&failure.code.as_str()));
        // What is too large is there, and no newer version was known above; of everything else that is
        // not known, and a newer version's manifest must not give way to an older event.
        let is_newest = matches!(error, FetchError::TooLarge { .. });
        match self.write_manifest(&manifest, !is_newest).await {
            Ok(()) => {
                if is_newest {
                    self.delete_stale(&manifest, &self.list().await?, &[]).await?;
                }
                Ok(self.recorded(manifest, retry.cloned(), false).into())
            }
            Err(StoreError::AlreadyExists { .. }) if retry.is_some() => {
                Ok(Done::Unrecorded { failure }.into())
            }
            Err(StoreError::AlreadyExists { .. }) => {
                let reason = format!("{}; the manifest that stands is left as it is", failure.message);
                self.leave_to_newer(reason).await
            }
            Err(error) => Err(error),
        }
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

/// What the output bucket holds of a document before work begins.
#[derive(Default)]
struct Before {
    /// A complete manifest of this version and these settings, whose images are all there.
    finished: Option<Manifest>,
    /// The images that need not be drawn again, by page number.
    images: BTreeMap<i64, (Image, Vec<Attempt>)>,
    /// The engines that drew them.
    engines: Vec<manifest::Engine>,
    /// The pages that failed for good in an attempt whose time then ran out: to try them first
    /// again would use up the time of every further attempt. A repetition of an event that was
    /// dealt with to its end does try them again.
    failed: BTreeMap<i64, (Failure, Vec<Attempt>)>,
    /// The images that a manifest of another version or other settings names.
    older_keys: Vec<String>,
}

/// An image that an earlier attempt left, as its metadata describe it.
struct Adopted {
    image: Image,
    engine: manifest::Engine,
    attempts: Vec<Attempt>,
}

/// A manifest that is ready to be written.
struct Composed {
    manifest: Manifest,
    /// Why the document should be tried again.
    retry: Option<Failure>,
}

/// Puts images into the output bucket.
struct Uploader {
    store: Arc<dyn ObjectStore>,
    plan: Plan,
    /// `None` is the main image.
    formats: BTreeMap<Option<RenditionName>, ImageFormat>,
    tags: BTreeMap<String, String>,
}

#[async_trait]
impl PageSink for Uploader {
    async fn keep(
        &self,
        drawn: &DrawnPage,
        rendition: Option<&RenditionName>,
        image: &RenderedImage,
    ) -> Result<Kept, SinkError> {
        let sha256: [u8; 32] = Sha256::digest(&image.file).into();
        let key = self.plan.image_key(drawn.page, rendition).expect("plan and images are of one settings");
        let format = self.formats[&rendition.cloned()];
        let mut metadata = self.tags.clone();
        if !drawn.attempts.is_empty() {
            metadata.insert(tag::ATTEMPTS.to_owned(), attempts_tag(&drawn.attempts));
        }
        metadata.extend(rendition.map(|name| (tag::RENDITION.to_owned(), name.to_string())));
        metadata.extend([
            (tag::PAGE.to_owned(), drawn.page.to_string()),
            (tag::PAGES.to_owned(), drawn.page_count.to_string()),
            (tag::BACKEND.to_owned(), format!("{}/{}", drawn.engine.name, drawn.engine.version)),
            (tag::SHA256.to_owned(), hex(&sha256)),
            (tag::SIZE.to_owned(), format!("{}x{}", image.width_px, image.height_px)),
            (tag::CONTENT_ERRORS.to_owned(), drawn.content_errors.to_string()),
        ]);
        let put = PutObject {
            bucket: self.plan.output_bucket.clone(),
            key: key.clone(),
            body: image.file.clone(),
            content_type: format.content_type(),
            sha256,
            metadata,
            only_if_absent: false,
        };
        match self.store.put(put).await {
            Ok(info) => Ok(Kept { key, etag: info.etag, sha256 }),
            Err(error) => Err(SinkError {
                retryable: error.is_retryable(),
                failure: failure(error.code(), error.to_string()),
            }),
        }
    }
}

/// A source's key as it fits into metadata, of which S3 takes 2,048 bytes in all: long ones are
/// replaced by their hash.
fn source_tag(key: &str) -> String {
    const LONGEST_BYTES: usize = 1024;
    if metadata::encode(key).len() <= LONGEST_BYTES { key.to_owned() } else { hex(&Sha256::digest(key)) }
}

/// What images carry of the engines that failed at their page.
fn attempts_tag(attempts: &[Attempt]) -> String {
    let words: Vec<String> =
        attempts.iter().map(|attempt| format!("{}={}", attempt.backend, attempt.failure.code)).collect();
    words.join(",")
}

/// Reads [`attempts_tag`]; the messages went to the log of the attempt that drew the page.
fn attempts_of(tag: &str) -> Vec<Attempt> {
    let attempt = |word: &str| {
        let (backend, code) = word.split_once('=')?;
        let failure = failure(code, "drawn in an attempt that was cut off, whose log has the message");
        Some(Attempt { backend: backend.to_owned(), failure })
    };
    tag.split(',').filter_map(attempt).collect()
}

/// The engines beside the first that drew pages.
fn further_engines(
    engines: Vec<manifest::Engine>,
    pages: &[PageEntry],
    first: Option<&Engine>,
) -> Vec<manifest::Engine> {
    let drew: BTreeSet<&str> =
        pages.iter().filter_map(image_of).map(|(_, image)| image.backend.as_str()).collect();
    let mut listed: BTreeSet<String> = first.map(|engine| engine.backend.to_string()).into_iter().collect();
    engines
        .into_iter()
        .filter(|engine| drew.contains(engine.name.as_str()) && listed.insert(engine.name.clone()))
        .collect()
}

/// What tells one version of a source from another: its version id, else its ETag.
fn version_tag(info: &ObjectInfo) -> &str {
    info.version_id.as_deref().unwrap_or(&info.etag)
}

fn images(manifest: &Manifest) -> impl Iterator<Item = (&PageEntry, &Image)> {
    manifest.pages.iter().filter_map(image_of)
}

/// Every image file, renditions included.
fn files(manifest: &Manifest) -> impl Iterator<Item = ImageFile<'_>> {
    images(manifest).flat_map(|(_, image)| image.files())
}

/// The pages that failed for good.
fn failures(manifest: &Manifest) -> impl Iterator<Item = (i64, (Failure, Vec<Attempt>))> {
    let is_final = |error: &Failure| {
        !PASSING_CODES.contains(&error.code.as_str()) && !OPERATORS_CODES.contains(&error.code.as_str())
    };
    manifest.pages.iter().filter_map(move |entry| match &entry.result {
        PageResult::Failed { error } if is_final(error) => {
            Some((entry.page, (error.clone(), entry.attempts.clone())))
        }
        _ => None,
    })
}

/// The pages that another attempt may get.
fn missing(manifest: &Manifest) -> impl Iterator<Item = PageIndex> {
    manifest.pages.iter().filter_map(|entry| match &entry.result {
        PageResult::Failed { error } if PASSING_CODES.contains(&error.code.as_str()) => {
            u32::try_from(entry.page - 1).ok().map(PageIndex)
        }
        _ => None,
    })
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
