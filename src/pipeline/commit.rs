//! Writing the manifest, once everything that it says is true.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use render_api::PageIndex;

use super::compose::Composed;
use super::tag;
use super::{
    Done, Ended, Job, OPERATORS_CODES, PASSING_CODES, REQUESTS, files, generator, skipped, unrecorded,
};
use crate::manifest::{Manifest, PageResult, SCHEMA_VERSION, Status, Totals};
use crate::store::fetch::FetchError;
use crate::store::{ListedObject, ObjectRef, StoreError};

impl Job<'_> {
    /// Writes the manifest, once everything that it says is true.
    pub(super) async fn commit(
        &self,
        composed: Composed,
        older_keys: &[String],
    ) -> Result<Ended, StoreError> {
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
    pub(super) async fn leave_to_newer(&self, reason: String) -> Result<Ended, StoreError> {
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
    pub(super) async fn record_unread(&self, error: &FetchError) -> Result<Ended, StoreError> {
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
