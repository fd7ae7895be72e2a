//! What a page's dictionary says about its size.

use hayro::hayro_syntax::object::{Dict, Object};
use hayro::hayro_syntax::page::{A4, Page, Rotation};
use render_api::RawPage;
use render_api::geometry::RawBox;

/// More levels than a page tree has that a program wrote; also where a cycle of parents ends.
const MAX_TREE_DEPTH: usize = 256;

/// Reads the entries of a page, inherited ones included, as the file has them.
///
/// hayro has read them too, but has already replaced what is missing, and rounded to `f32`.
pub(crate) fn raw_page(page: &Page<'_>) -> RawPage {
    let lineage = lineage(page.raw());
    let own = |key: &str| present(page.raw(), key).and_then(as_box);
    let inherited = |key: &str| lineage.iter().find_map(|dict| present(dict, key));
    RawPage {
        media: inherited("MediaBox").map_or_else(|| media_box_from_above(page), as_box),
        crop: inherited("CropBox").map_or_else(|| crop_box_from_above(page), as_box),
        trim: own("TrimBox"),
        bleed: own("BleedBox"),
        art: own("ArtBox"),
        rotate: inherited("Rotate")
            .map_or_else(|| rotation_from_above(page), |v| as_number(v).unwrap_or(0.0) as i64),
        user_unit: present(page.raw(), "UserUnit").and_then(as_number).unwrap_or(1.0),
    }
}

/// The page's dictionary, its parent's, and so on up to the root.
fn lineage<'a>(page: &Dict<'a>) -> Vec<Dict<'a>> {
    let parent = |dict: &Dict<'a>| dict.get::<Dict<'a>>("Parent");
    std::iter::successors(Some(page.clone()), parent).take(MAX_TREE_DEPTH).collect()
}

fn present<'a>(dict: &Dict<'a>, key: &str) -> Option<Object<'a>> {
    dict.get::<Object<'a>>(key).filter(|object| !matches!(object, Object::Null(_)))
}

fn as_box(object: Object<'_>) -> Option<RawBox> {
    let mut values = object.into_array()?.iter::<Object<'_>>().map(as_number);
    let mut next = || values.next().flatten();
    Some([next()?, next()?, next()?, next()?])
}

fn as_number(object: Object<'_>) -> Option<f64> {
    Some(object.into_number()?.as_f64())
}

// hayro goes through the tree from its root and hands down what it finds; so it knows what a page
// inherits that does not say who its parent is.

fn media_box_from_above(page: &Page<'_>) -> Option<RawBox> {
    let b = page.media_box();
    let found = [b.x0, b.y0, b.x1, b.y1];
    // Which is what hayro takes where it finds nothing, and, unrounded, what no file has.
    (found != [A4.x0, A4.y0, A4.x1, A4.y1]).then_some(found)
}

fn crop_box_from_above(page: &Page<'_>) -> Option<RawBox> {
    let b = page.crop_box();
    let found = [b.x0, b.y0, b.x1, b.y1];
    let media = page.media_box();
    (found != [media.x0, media.y0, media.x1, media.y1]).then_some(found)
}

fn rotation_from_above(page: &Page<'_>) -> i64 {
    match page.rotation() {
        Rotation::None => 0,
        Rotation::Horizontal => 90,
        Rotation::Flipped => 180,
        Rotation::FlippedHorizontal => 270,
    }
}
