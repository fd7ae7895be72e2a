//! Putting images into the output bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::tag::{self, attempts_tag};
use crate::config::RenditionName;
use crate::config::settings::hex;
use crate::encode::ImageFormat;
use crate::pages::{DrawnPage, Kept, PageSink, SinkError, failure};
use crate::plan::Plan;
use crate::store::{ObjectStore, PutObject};
use crate::worker::RenderedImage;

/// Puts images into the output bucket.
pub(super) struct Uploader {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) plan: Plan,
    /// `None` is the main image.
    pub(super) formats: BTreeMap<Option<RenditionName>, ImageFormat>,
    pub(super) tags: BTreeMap<String, String>,
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
