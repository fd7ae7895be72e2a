//! What the output bucket holds of a document before work begins, and what of it can be kept.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use render_api::PageIndex;

use super::tag::{self, attempts_of, version_tag};
use super::{Job, OPERATORS_CODES, PASSING_CODES, REQUESTS, files, images};
use crate::config::RenditionName;
use crate::manifest::{
    self, Attempt, Failure, Image, Manifest, PageMilliseconds, PageResult, RenditionImage, Status,
};
use crate::store::{ListedObject, ObjectInfo, StoreError};

impl Job<'_> {
    /// Finds out what of this very version and these settings exists already, and takes away the
    /// manifest of another, which is about to become untrue.
    pub(super) async fn take_stock(
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
}

/// What the output bucket holds of a document before work begins.
#[derive(Default)]
pub(super) struct Before {
    /// A complete manifest of this version and these settings, whose images are all there.
    pub(super) finished: Option<Manifest>,
    /// The images that need not be drawn again, by page number.
    pub(super) images: BTreeMap<i64, (Image, Vec<Attempt>)>,
    /// The engines that drew them.
    pub(super) engines: Vec<manifest::Engine>,
    /// The pages that failed for good in an attempt whose time then ran out: to try them first
    /// again would use up the time of every further attempt. A repetition of an event that was
    /// dealt with to its end does try them again.
    pub(super) failed: BTreeMap<i64, (Failure, Vec<Attempt>)>,
    /// The images that a manifest of another version or other settings names.
    pub(super) older_keys: Vec<String>,
}

/// An image that an earlier attempt left, as its metadata describe it.
struct Adopted {
    image: Image,
    engine: manifest::Engine,
    attempts: Vec<Attempt>,
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
