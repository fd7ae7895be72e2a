//! Annotations and form fields.

use render_api::{RenderOptions, Renderer};

use crate::pdf::Pdf;
use crate::probe::{FIRST, draw, open, picture, pixel};

crate::check_list!(
    an_annotation_is_drawn_unless_switched_off,
    a_form_field_is_drawn_unless_switched_off,
    a_hidden_annotation_is_not_drawn,
    an_annotation_turns_with_its_page,
);

const CONTENTS: [u8; 3] = [0, 0, 255];
const APPEARANCE: [u8; 3] = [255, 0, 0];

/// A blue page, 100 pt square, with an annotation of red appearance at its lower left: object 5.
fn annotated(page_entries: &str, annotation: &str) -> Pdf {
    Pdf::one_page(
        &format!("/MediaBox [0 0 100 100] /Annots [5 0 R] {page_entries}"),
        "0 0 1 rg 0 0 100 100 re f",
    )
    .object(&format!("<< /Type /Annot /P 3 0 R /Rect [10 10 40 30] /AP << /N 6 0 R >> {annotation} >>"))
    .stream("/Type /XObject /Subtype /Form /BBox [0 0 30 20]", "1 0 0 rg 0 0 30 20 re f")
}

fn form_field() -> Vec<u8> {
    annotated("", "/F 4 /Subtype /Widget /FT /Tx /T (name) /V (value) /DA (/Helv 12 Tf 0 g)")
        .catalogue("<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] >> >>")
        .to_bytes()
}

fn assert_drawn_unless_switched_off(renderer: &dyn Renderer, pdf: &[u8]) {
    let mut document = open(renderer, pdf);
    for (annotations, expected) in [(true, APPEARANCE), (false, CONTENTS), (true, APPEARANCE)] {
        let options = RenderOptions { annotations, ..RenderOptions::default() };
        let (pixmap, _) = draw(document.as_mut(), FIRST, &options).unwrap();
        assert_eq!(pixel(&pixmap, 25, 80), expected, "annotations: {annotations}");
        assert_eq!(pixel(&pixmap, 60, 20), CONTENTS, "annotations: {annotations}");
    }
}

fn an_annotation_is_drawn_unless_switched_off(renderer: &dyn Renderer) {
    assert_drawn_unless_switched_off(renderer, &annotated("", "/F 4 /Subtype /Stamp").to_bytes());
}

fn a_form_field_is_drawn_unless_switched_off(renderer: &dyn Renderer) {
    assert_drawn_unless_switched_off(renderer, &form_field());
}

fn a_hidden_annotation_is_not_drawn(renderer: &dyn Renderer) {
    let pdf = annotated("", "/F 2 /Subtype /Stamp").to_bytes();
    assert_eq!(pixel(&picture(renderer, &pdf), 25, 80), CONTENTS);
}

fn an_annotation_turns_with_its_page(renderer: &dyn Renderer) {
    // The lower left corner of the page is the upper left one of the image.
    let pdf = annotated("/Rotate 90", "/F 4 /Subtype /Stamp").to_bytes();
    let pixmap = picture(renderer, &pdf);
    assert_eq!(pixel(&pixmap, 20, 25), APPEARANCE);
    assert_eq!(pixel(&pixmap, 25, 80), CONTENTS);
}
