//! Annotations and form fields.

use render_api::{RenderOptions, Renderer};

use crate::pdf::Pdf;
use crate::probe::{BLUE, FIRST, GREEN, RED, WHITE, assert_points, draw, open, picture, pixel};

crate::check_list! {
    "Annotations" => [
        an_annotation_is_drawn_unless_switched_off,
        a_hidden_annotation_is_not_drawn,
        an_annotation_that_is_not_for_viewing_is_not_drawn,
        an_annotation_that_is_not_for_printing_is_drawn,
        a_popup_is_not_drawn,
        an_annotation_turns_with_its_page,
        an_appearance_is_fitted_into_its_rectangle,
        an_appearance_is_chosen_by_its_state,
        annotations_are_drawn_in_their_order_over_the_page,
        a_broken_annotation_does_not_cost_another,
    ],
    "Annotations without appearance" => [
        a_square_without_appearance_is_drawn,
        a_highlight_without_appearance_is_drawn_and_lets_text_through,
        an_ink_line_without_appearance_is_drawn,
    ],
}

const CONTENTS: [u8; 3] = BLUE;
const APPEARANCE: [u8; 3] = RED;

/// A blue page, 100 pt square, with an annotation of red appearance at its lower left: object 5.
pub(crate) fn annotated(page_entries: &str, annotation: &str) -> Pdf {
    Pdf::one_page(
        &format!("/MediaBox [0 0 100 100] /Annots [5 0 R] {page_entries}"),
        "0 0 1 rg 0 0 100 100 re f",
    )
    .object(&format!("<< /Type /Annot /P 3 0 R /Rect [10 10 40 30] /AP << /N 6 0 R >> {annotation} >>"))
    .stream("/Type /XObject /Subtype /Form /BBox [0 0 30 20]", "1 0 0 rg 0 0 30 20 re f")
}

pub(crate) fn assert_drawn_unless_switched_off(renderer: &dyn Renderer, pdf: &[u8]) {
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

fn a_hidden_annotation_is_not_drawn(renderer: &dyn Renderer) {
    // Hidden; hidden and for printing.
    for flags in [2, 6] {
        let pdf = annotated("", &format!("/F {flags} /Subtype /Stamp"));
        assert_points(renderer, &pdf, 0, "hidden", &[(25, 20, CONTENTS)]);
    }
}

fn an_annotation_turns_with_its_page(renderer: &dyn Renderer) {
    // The lower left corner of the page is the upper left one of the image.
    let pdf = annotated("/Rotate 90", "/F 4 /Subtype /Stamp").to_bytes();
    let pixmap = picture(renderer, &pdf);
    assert_eq!(pixel(&pixmap, 20, 25), APPEARANCE);
    assert_eq!(pixel(&pixmap, 25, 80), CONTENTS);
}

/// Images are for looking at, so a page is drawn as a screen shows it.
fn an_annotation_that_is_not_for_viewing_is_not_drawn(renderer: &dyn Renderer) {
    for flags in [32, 36] {
        let pdf = annotated("", &format!("/F {flags} /Subtype /Stamp"));
        assert_points(renderer, &pdf, 0, "not for viewing", &[(25, 20, CONTENTS)]);
    }
}

fn an_annotation_that_is_not_for_printing_is_drawn(renderer: &dyn Renderer) {
    for flags in ["", "/F 0", "/F 64", "/F 4"] {
        let pdf = annotated("", &format!("{flags} /Subtype /Stamp"));
        assert_points(renderer, &pdf, 0, flags, &[(25, 20, APPEARANCE), (60, 80, CONTENTS)]);
    }
}

fn a_popup_is_not_drawn(renderer: &dyn Renderer) {
    let pdf = Pdf::one_page("/MediaBox [0 0 100 100] /Annots [5 0 R 6 0 R]", "0 0 1 rg 0 0 100 100 re f")
        .object(
            "<< /Type /Annot /Subtype /Text /F 4 /P 3 0 R /Rect [10 10 40 30] /Contents (Note) \
             /AP << /N 7 0 R >> /Popup 6 0 R >>",
        )
        .object("<< /Type /Annot /Subtype /Popup /P 3 0 R /Rect [50 50 90 90] /Parent 5 0 R /Open true >>")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 30 20]", "1 0 0 rg 0 0 30 20 re f");
    // The note itself may have a size of its own, but its middle is red.
    assert_points(
        renderer,
        &pdf,
        0,
        "popup",
        &[(70, 70, BLUE), (52, 52, BLUE), (88, 88, BLUE), (20, 20, RED)],
    );
}

/// A page of blue with an annotation of this rectangle, box, matrix and content.
fn fitted(rectangle: &str, form: &str, content: &str) -> Pdf {
    Pdf::one_page("/MediaBox [0 0 100 100] /Annots [5 0 R]", "0 0 1 rg 0 0 100 100 re f")
        .object(&format!(
            "<< /Type /Annot /Subtype /Stamp /F 4 /P 3 0 R /Rect {rectangle} /AP << /N 6 0 R >> >>"
        ))
        .stream(&format!("/Type /XObject /Subtype /Form {form}"), content)
}

fn an_appearance_is_fitted_into_its_rectangle(renderer: &dyn Renderer) {
    let halves = "1 0 0 rg 0 0 10 5 re f 0 1 0 rg 0 5 10 5 re f";
    let pdf = fitted("[20 40 60 80]", "/BBox [0 0 10 10]", halves);
    let points =
        [(40, 45, RED), (40, 75, GREEN), (22, 42, RED), (58, 78, GREEN), (63, 60, BLUE), (17, 60, BLUE)];
    assert_points(renderer, &pdf, 0, "scaled", &points);
    // A box away from the origin, and the corners of the rectangle the other way round.
    let away = "1 0 0 rg 100 200 10 5 re f 0 1 0 rg 100 205 10 5 re f";
    let pdf = fitted("[60 80 20 40]", "/BBox [100 200 110 210]", away);
    assert_points(renderer, &pdf, 0, "moved", &points);
    // Turned by 90°: what was below is to the right.
    let pdf = fitted("[20 40 60 80]", "/BBox [0 0 10 10] /Matrix [0 1 -1 0 0 0]", halves);
    let points = [(50, 60, RED), (30, 60, GREEN), (63, 60, BLUE), (40, 35, BLUE)];
    assert_points(renderer, &pdf, 0, "turned", &points);
}

fn an_appearance_is_chosen_by_its_state(renderer: &dyn Renderer) {
    for (state, expected) in [("/AS /On", RED), ("/AS /Off", GREEN)] {
        let pdf = Pdf::one_page("/MediaBox [0 0 100 100] /Annots [5 0 R]", "0 0 1 rg 0 0 100 100 re f")
            .object(&format!(
                "<< /Type /Annot /Subtype /Stamp /F 4 /P 3 0 R /Rect [20 20 80 80] {state} \
                 /AP << /N << /On 6 0 R /Off 7 0 R >> >> >>"
            ))
            .stream("/Type /XObject /Subtype /Form /BBox [0 0 60 60]", "1 0 0 rg 0 0 60 60 re f")
            .stream("/Type /XObject /Subtype /Form /BBox [0 0 60 60]", "0 1 0 rg 0 0 60 60 re f");
        assert_points(renderer, &pdf, 0, state, &[(50, 50, expected), (10, 10, BLUE)]);
    }
}

fn stamp(rectangle: &str, form: u32) -> String {
    format!("<< /Type /Annot /Subtype /Stamp /F 4 /P 3 0 R /Rect {rectangle} /AP << /N {form} 0 R >> >>")
}

fn annotations_are_drawn_in_their_order_over_the_page(renderer: &dyn Renderer) {
    let pdf = Pdf::one_page("/MediaBox [0 0 100 100] /Annots 5 0 R", "0 0 1 rg 0 0 100 100 re f")
        .object(&format!("[{} 6 0 R]", stamp("[10 10 60 60]", 7)))
        .object(&stamp("[40 40 90 90]", 8))
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 50 50]", "1 0 0 rg 0 0 50 50 re f")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 50 50]", "0 1 0 rg 0 0 50 50 re f");
    assert_points(
        renderer,
        &pdf,
        0,
        "order",
        &[(20, 20, RED), (50, 50, GREEN), (80, 80, GREEN), (20, 80, BLUE)],
    );
}

fn a_broken_annotation_does_not_cost_another(renderer: &dyn Renderer) {
    let broken = [
        "7",
        "null",
        "99 0 R",
        "<< >>",
        "<< /Type /Annot /Subtype /Stamp >>",
        "<< /Type /Annot /Subtype /Stamp /Rect [0 0] /AP 7 >>",
        "<< /Type /Annot /Subtype /Widget /Rect (x) /AP << /N (x) >> /Parent 99 0 R >>",
    ];
    for broken in broken {
        let page = format!("/MediaBox [0 0 100 100] /Annots [{broken} 5 0 R]");
        let pdf = Pdf::one_page(&page, "0 0 1 rg 0 0 100 100 re f")
            .object(&stamp("[10 10 60 60]", 6))
            .stream("/Type /XObject /Subtype /Form /BBox [0 0 50 50]", "1 0 0 rg 0 0 50 50 re f");
        assert_points(renderer, &pdf, 0, broken, &[(30, 30, RED)]);
    }
}

/// A white page with an annotation that leaves its looks to the reader.
fn without_appearance(contents: &str, annotation: &str) -> Pdf {
    Pdf::one_page("/MediaBox [0 0 100 100] /Annots [5 0 R]", contents)
        .object(&format!("<< /Type /Annot /F 4 /P 3 0 R {annotation} >>"))
}

fn a_square_without_appearance_is_drawn(renderer: &dyn Renderer) {
    let pdf =
        without_appearance("", "/Subtype /Square /Rect [20 20 80 80] /C [1 0 0] /IC [0 0 1] /BS << /W 8 >>");
    assert_points(renderer, &pdf, 0, "a square", &[(50, 50, BLUE), (24, 50, RED), (10, 50, WHITE)]);
}

fn a_highlight_without_appearance_is_drawn_and_lets_text_through(renderer: &dyn Renderer) {
    let pdf = without_appearance(
        "0 g 40 20 20 60 re f",
        "/Subtype /Highlight /Rect [20 20 80 80] /C [1 1 0] /QuadPoints [20 80 80 80 20 20 80 20]",
    );
    // Its ends may be round, and reach to the left and the right.
    assert_points(
        renderer,
        &pdf,
        0,
        "a highlight",
        &[(30, 50, [255, 255, 0]), (50, 50, [0; 3]), (50, 10, WHITE)],
    );
}

fn an_ink_line_without_appearance_is_drawn(renderer: &dyn Renderer) {
    let pdf = without_appearance(
        "",
        "/Subtype /Ink /Rect [0 40 100 60] /C [1 0 0] /BS << /W 10 >> /InkList [[10 50 50 50 90 50]]",
    );
    assert_points(renderer, &pdf, 0, "ink", &[(50, 50, RED), (20, 50, RED), (50, 70, WHITE)]);
}
