//! The manifest of what was kept and what was drawn.

use std::collections::{BTreeMap, BTreeSet};

use super::stock::Before;
use super::{Job, OPERATORS_CODES, generator, image_of};
use crate::manifest::{
    self, Attempt, DocumentMilliseconds, Failure, Manifest, PageEntry, PageResult, SCHEMA_VERSION, Status,
    Totals,
};
use crate::pages::{self, DocumentError, PageOutcome, PageReport, milliseconds};
use crate::store::ObjectInfo;
use crate::worker::Engine;

impl Job<'_> {
    pub(super) fn compose(
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
}

/// A manifest that is ready to be written.
pub(super) struct Composed {
    pub(super) manifest: Manifest,
    /// Why the document should be tried again.
    pub(super) retry: Option<Failure>,
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
