//! What hayro asks of its surroundings while it draws: fonts, and someone to warn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hayro::hayro_interpret::font::{FallbackFontQuery, FontData, FontQuery};
use hayro::hayro_interpret::hayro_cmap::CidFamily;
use hayro::hayro_interpret::{InterpreterSettings, WarningSinkFn};

/// Settings with a font for every text, and with every warning counted in `warnings`.
pub(crate) fn settings(warnings: &Arc<AtomicU32>) -> InterpreterSettings {
    InterpreterSettings {
        font_resolver: Arc::new(|query| match query {
            FontQuery::Standard(font) => Some(font.get_font_data()),
            FontQuery::Fallback(query) => Some(fallback(query)),
        }),
        warning_sink: counting(Arc::clone(warnings)),
        ..InterpreterSettings::default()
    }
}

/// The font that stands in for one that is not in the document, and its index in the file.
fn fallback(query: &FallbackFontQuery) -> (FontData, u32) {
    east_asian(query).unwrap_or_else(|| query.pick_standard_font().get_font_data())
}

fn east_asian(query: &FallbackFontQuery) -> Option<(FontData, u32)> {
    match query.character_collection.as_ref()?.family {
        CidFamily::AdobeGB1 | CidFamily::AdobeCNS1 | CidFamily::AdobeJapan1 | CidFamily::AdobeKorea1 => {
            east_asian_font()
        }
        CidFamily::AdobeIdentity | CidFamily::Custom { .. } => None,
    }
}

#[cfg(feature = "cjk")]
fn east_asian_font() -> Option<(FontData, u32)> {
    Some((Arc::new(cjk_font::bytes()), 0))
}

#[cfg(not(feature = "cjk"))]
fn east_asian_font() -> Option<(FontData, u32)> {
    None
}

fn counting(warnings: Arc<AtomicU32>) -> WarningSinkFn {
    Arc::new(move |_| {
        // Stops short of the end, which a hostile document could reach.
        let _ = warnings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_add(1));
    })
}
