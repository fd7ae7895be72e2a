//! Optional content.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, RED, WHITE, assert_points};

crate::check_list! {
    "Layers" => [
        marked_content_of_a_layer_that_is_off_is_hidden,
        forms_and_images_of_a_layer_that_is_off_are_hidden,
        a_base_state_of_off_hides_all_layers_but_those_that_are_on,
        a_membership_shows_content_by_its_policy,
        a_membership_shows_content_by_its_expression,
        a_layer_within_one_that_is_off_is_hidden,
        an_annotation_of_a_layer_that_is_off_is_hidden,
        what_a_hidden_layer_does_to_the_graphics_state_stays,
    ],
}

/// A page with the layers `/On`, object 5, and `/Off`, object 6, which is red in its left half if
/// the content of `/L` is shown; the right half is blue.
fn layered(layer: &str, resources: &str, contents: &str) -> Pdf {
    configured("/D << /OFF [6 0 R] >>", layer, resources, contents)
}

fn configured(configuration: &str, layer: &str, resources: &str, contents: &str) -> Pdf {
    Pdf::square(
        &format!("/Properties << /On 5 0 R /Off 6 0 R /L {layer} >> {resources}"),
        &format!("{contents} 0 0 1 rg 50 0 50 100 re f"),
    )
    .catalogue(&format!(
        "<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [5 0 R 6 0 R] {configuration} >> >>"
    ))
    .object("<< /Type /OCG /Name (On) >>")
    .object("<< /Type /OCG /Name (Off) >>")
}

const MARKED: &str = "/OC /L BDC 1 0 0 rg 0 0 50 100 re f EMC";

fn assert_shown(renderer: &dyn Renderer, pdf: &Pdf, what: &str, shown: bool) {
    let left = if shown { RED } else { WHITE };
    assert_points(renderer, pdf, 0, what, &[(25, 50, left), (75, 50, BLUE)]);
}

fn marked_content_of_a_layer_that_is_off_is_hidden(renderer: &dyn Renderer) {
    assert_shown(renderer, &layered("5 0 R", "", MARKED), "on", true);
    assert_shown(renderer, &layered("6 0 R", "", MARKED), "off", false);
    // Other marks do not matter.
    let other = "/Span << /MCID 0 >> BDC 1 0 0 rg 0 0 50 100 re f EMC";
    assert_shown(renderer, &layered("6 0 R", "", other), "a span", true);
}

fn forms_and_images_of_a_layer_that_is_off_are_hidden(renderer: &dyn Renderer) {
    for (layer, shown) in [("5 0 R", true), ("6 0 R", false)] {
        let pdf = layered("null", "/XObject << /X 7 0 R >>", "/X Do").stream(
            &format!("/Type /XObject /Subtype /Form /BBox [0 0 100 100] /OC {layer}"),
            "1 0 0 rg 0 0 50 100 re f",
        );
        assert_shown(renderer, &pdf, "a form", shown);
        let pdf = layered("null", "/XObject << /X 7 0 R >>", "q 50 0 0 100 0 0 cm /X Do Q").binary(
            &format!(
                "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 \
                 /ColorSpace /DeviceRGB /OC {layer}"
            ),
            &RED,
        );
        assert_shown(renderer, &pdf, "an image", shown);
    }
}

fn a_base_state_of_off_hides_all_layers_but_those_that_are_on(renderer: &dyn Renderer) {
    let configuration = "/D << /BaseState /OFF /ON [5 0 R] >>";
    assert_shown(renderer, &configured(configuration, "5 0 R", "", MARKED), "on", true);
    assert_shown(renderer, &configured(configuration, "6 0 R", "", MARKED), "off", false);
}

fn a_membership_shows_content_by_its_policy(renderer: &dyn Renderer) {
    let both = "/OCGs [5 0 R 6 0 R]";
    for (membership, shown) in [
        ("/OCGs 5 0 R", true),
        ("/OCGs 6 0 R", false),
        (both, true),
        (&format!("{both} /P /AnyOn"), true),
        (&format!("{both} /P /AllOn"), false),
        (&format!("{both} /P /AnyOff"), true),
        (&format!("{both} /P /AllOff"), false),
        ("/OCGs [6 0 R] /P /AllOff", true),
    ] {
        let pdf = layered("7 0 R", "", MARKED).object(&format!("<< /Type /OCMD {membership} >>"));
        assert_shown(renderer, &pdf, membership, shown);
    }
}

fn a_membership_shows_content_by_its_expression(renderer: &dyn Renderer) {
    for (expression, shown) in [
        ("[/And 5 0 R 6 0 R]", false),
        ("[/Or 5 0 R 6 0 R]", true),
        ("[/Not 5 0 R]", false),
        ("[/Not 6 0 R]", true),
        ("[/And 5 0 R [/Not 6 0 R]]", true),
    ] {
        let pdf = layered("7 0 R", "", MARKED).object(&format!("<< /Type /OCMD /VE {expression} >>"));
        assert_shown(renderer, &pdf, expression, shown);
    }
}

fn a_layer_within_one_that_is_off_is_hidden(renderer: &dyn Renderer) {
    let nested = "/OC /Off BDC /OC /On BDC 1 0 0 rg 0 0 50 100 re f EMC EMC";
    assert_shown(renderer, &layered("null", "", nested), "on within off", false);
    let after = "/OC /Off BDC /OC /On BDC EMC EMC 1 0 0 rg 0 0 50 100 re f";
    assert_shown(renderer, &layered("null", "", after), "after both", true);
    let still_within = "/OC /Off BDC /Span BMC EMC 1 0 0 rg 0 0 50 100 re f EMC";
    assert_shown(renderer, &layered("null", "", still_within), "after an inner mark", false);
}

fn an_annotation_of_a_layer_that_is_off_is_hidden(renderer: &dyn Renderer) {
    for (layer, shown) in [("5 0 R", true), ("6 0 R", false)] {
        let pdf = Pdf::one_page("/MediaBox [0 0 100 100] /Annots [7 0 R]", "0 0 1 rg 50 0 50 100 re f")
            .catalogue(
                "<< /Type /Catalog /Pages 2 0 R \
                 /OCProperties << /OCGs [5 0 R 6 0 R] /D << /OFF [6 0 R] >> >> >>",
            )
            .object("<< /Type /OCG /Name (On) >>")
            .object("<< /Type /OCG /Name (Off) >>")
            .object(&format!(
                "<< /Type /Annot /Subtype /Stamp /F 4 /P 3 0 R /Rect [0 0 50 100] /AP << /N 8 0 R >> /OC {layer} >>"
            ))
            .stream("/Type /XObject /Subtype /Form /BBox [0 0 50 100]", "1 0 0 rg 0 0 50 100 re f");
        assert_shown(renderer, &pdf, layer, shown);
    }
}

fn what_a_hidden_layer_does_to_the_graphics_state_stays(renderer: &dyn Renderer) {
    let contents = "/OC /Off BDC 0 1 0 rg 0 0 20 20 re f EMC 0 0 50 100 re f";
    let points = [(10, 10, GREEN), (25, 50, GREEN), (75, 50, BLUE)];
    assert_points(renderer, &layered("null", "", contents), 0, "the colour", &points);
    let contents = "/OC /Off BDC q 1 0 0 1 30 0 cm EMC 0 1 0 rg 0 0 10 100 re f Q";
    let points = [(35, 50, GREEN), (5, 50, WHITE)];
    assert_points(renderer, &layered("null", "", contents), 0, "the matrix", &points);
}
