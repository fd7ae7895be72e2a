//! Form fields.

use render_api::Renderer;

use crate::annotations::{annotated, assert_drawn_unless_switched_off};
use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, RED, WHITE, assert_points, has_ink, picture};

crate::check_list! {
    "Form fields" => [
        a_form_field_is_drawn_unless_switched_off,
        a_check_box_shows_its_state,
        a_hidden_field_is_not_drawn,
        a_field_that_belongs_to_no_form_is_drawn,
    ],
    "Form fields without appearance" => [
        a_text_field_without_appearance_shows_its_value,
        a_text_field_inherits_its_value_and_looks,
        a_choice_without_appearance_shows_its_value,
    ],
}

fn a_form_field_is_drawn_unless_switched_off(renderer: &dyn Renderer) {
    let pdf = annotated("", "/F 4 /Subtype /Widget /FT /Tx /T (name) /V (value) /DA (/Helv 12 Tf 0 g)")
        .catalogue("<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] >> >>")
        .to_bytes();
    assert_drawn_unless_switched_off(renderer, &pdf);
}

/// A page with a form whose only field is object 5; the default font is `/Helv`.
fn form(field: &str) -> Pdf {
    Pdf::one_page("/MediaBox [0 0 100 100] /Annots [5 0 R]", "0 0 1 rg 0 0 10 100 re f")
        .catalogue(
            "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] /DA (/Helv 0 Tf 0 g) \
             /DR << /Font << /Helv << /Type /Font /Subtype /Type1 /BaseFont /Helvetica \
             /Encoding /WinAnsiEncoding >> >> >> >> >>",
        )
        .object(&format!(
            "<< /Type /Annot /Subtype /Widget /P 3 0 R /Rect [20 20 80 80] /T (field) {field} >>"
        ))
}

fn check_box(state: &str) -> Pdf {
    form(&format!("/F 4 /FT /Btn {state} /AP << /N << /Yes 6 0 R /Off 7 0 R >> >>"))
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 60 60]", "1 0 0 rg 0 0 60 60 re f")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 60 60]", "0 1 0 rg 0 0 60 60 re f")
}

fn a_check_box_shows_its_state(renderer: &dyn Renderer) {
    for (state, expected) in [("/V /Yes /AS /Yes", RED), ("/V /Off /AS /Off", GREEN)] {
        let points = [(50, 50, expected), (90, 90, WHITE), (5, 50, BLUE)];
        assert_points(renderer, &check_box(state), 0, state, &points);
    }
    // No appearance for the state that it is in: nothing is drawn.
    let pdf = form("/F 4 /FT /Btn /V /Off /AS /Off /AP << /N << /Yes 6 0 R >> >>")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 60 60]", "1 0 0 rg 0 0 60 60 re f");
    assert_points(renderer, &pdf, 0, "off", &[(50, 50, WHITE), (5, 50, BLUE)]);
}

fn a_hidden_field_is_not_drawn(renderer: &dyn Renderer) {
    let pdf = form("/F 2 /FT /Tx /V (x) /AP << /N 6 0 R >>")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 60 60]", "1 0 0 rg 0 0 60 60 re f");
    assert_points(renderer, &pdf, 0, "hidden", &[(50, 50, WHITE), (5, 50, BLUE)]);
}

fn a_field_that_belongs_to_no_form_is_drawn(renderer: &dyn Renderer) {
    assert_drawn_unless_switched_off(
        renderer,
        &annotated("", "/F 4 /Subtype /Widget /FT /Tx /T (name)").to_bytes(),
    );
}

/// The value has ink, and inside of the field only.
fn assert_value(renderer: &dyn Renderer, pdf: &Pdf, what: &str) {
    let pixmap = picture(renderer, &pdf.to_bytes());
    assert!(has_ink(&pixmap, 21..79, 21..79), "{what}: nothing is drawn");
    assert!(!has_ink(&pixmap, 82..100, 0..100), "{what}: ink to the right");
    assert!(!has_ink(&pixmap, 11..100, 0..18), "{what}: ink above");
    assert!(!has_ink(&pixmap, 11..100, 82..100), "{what}: ink below");
}

fn a_text_field_without_appearance_shows_its_value(renderer: &dyn Renderer) {
    assert_value(renderer, &form("/F 4 /FT /Tx /V (HHH) /DA (/Helv 24 Tf 0 g)"), "24 pt");
    assert_value(renderer, &form("/F 4 /FT /Tx /V (HHH)"), "automatic size");
}

fn a_text_field_inherits_its_value_and_looks(renderer: &dyn Renderer) {
    let pdf = form("/F 4 /Parent 6 0 R")
        .object("<< /FT /Tx /V (HHH) /DA (/Helv 24 Tf 0 g) /T (parent) /Kids [5 0 R] >>");
    assert_value(renderer, &pdf, "inherited");
}

fn a_choice_without_appearance_shows_its_value(renderer: &dyn Renderer) {
    let pdf = form("/F 4 /FT /Ch /Ff 131072 /Opt [(HHH) (JJJ)] /V (HHH) /DA (/Helv 24 Tf 0 g)");
    assert_value(renderer, &pdf, "a combo box");
}
