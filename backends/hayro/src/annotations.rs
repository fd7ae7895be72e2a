//! Which annotations of a page are to be seen.
//!
//! hayro draws those whose layer is off as well, and stops at an entry that is no annotation.

use std::collections::HashSet;

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Name, ObjRef, Object};
use hayro::hayro_syntax::page::Page;

/// The `/Annots` that a page should have instead of its own, if its own would be drawn wrongly.
pub(crate) fn replacement(pdf: &Pdf, page: &Page<'_>, layers_off: &HashSet<ObjRef>) -> Option<Vec<u8>> {
    let annotations = page.raw().get::<Array<'_>>("Annots")?;
    let is_on =
        |annotation: &Dict<'_>| annotation.get_ref("OC").is_none_or(|layer| !layers_off.contains(&layer));
    let mut seen = b"[".to_vec();
    let mut all_seen = true;
    for entry in annotations.raw_iter() {
        match entry {
            MaybeRef::Ref(id) if pdf.xref().get::<Dict<'_>>(id.into()).is_some_and(|found| is_on(&found)) => {
                seen.extend_from_slice(format!(" {id}").as_bytes());
            }
            MaybeRef::NotRef(Object::Dict(dict)) if is_on(&dict) => seen.extend_from_slice(dict.data()),
            _ => all_seen = false,
        }
    }
    seen.push(b']');
    (!all_seen).then_some(seen)
}

/// The layers that the document's default configuration switches off.
pub(crate) fn layers_off(pdf: &Pdf) -> HashSet<ObjRef> {
    layers_off_in(pdf).unwrap_or_default()
}

fn layers_off_in(pdf: &Pdf) -> Option<HashSet<ObjRef>> {
    let catalogue = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())?;
    let layers = catalogue.get::<Dict<'_>>("OCProperties")?;
    let configuration = layers.get::<Dict<'_>>("D")?;
    let listed = |dict: &Dict<'_>, key: &str| -> Vec<ObjRef> {
        let array = dict.get::<Array<'_>>(key);
        array.into_iter().flat_map(|array| array.raw_iter()).filter_map(|entry| entry.as_obj_ref()).collect()
    };
    let base_is_off =
        configuration.get::<Name<'_>>("BaseState").is_some_and(|state| state.as_ref() == b"OFF");
    let base = if base_is_off { listed(&layers, "OCGs") } else { Vec::new() };
    let mut off: HashSet<ObjRef> = base.into_iter().collect();
    for layer in listed(&configuration, "ON") {
        off.remove(&layer);
    }
    off.extend(listed(&configuration, "OFF"));
    Some(off)
}
