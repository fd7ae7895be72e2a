//! Transparency: constant alpha, groups, soft masks of the graphics state.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, Point, RED, WHITE, YELLOW, assert_points};

crate::check_list! {
    "Transparency groups" => [
        constant_alpha_has_one_value_for_fills_and_one_for_strokes,
        the_alpha_of_a_group_applies_once_where_its_elements_overlap,
        an_isolated_group_does_not_see_what_is_under_it,
        a_knockout_group_shows_its_last_element_only,
        the_blend_mode_of_a_group_applies_to_its_result,
        a_form_that_is_no_group_is_drawn_element_by_element,
    ],
    "Soft masks of the graphics state" => [
        a_mask_of_luminosity_shows_where_it_is_light,
        a_mask_of_alpha_shows_where_it_is_opaque,
        the_backdrop_of_a_mask_of_luminosity_counts_outside_of_its_shapes,
        the_transfer_function_of_a_mask_is_applied,
        a_mask_stays_where_it_was_set_when_the_matrix_changes,
        a_mask_is_taken_off_by_none_and_by_restoring,
    ],
}

const GROUP: &str = "/Type /XObject /Subtype /Form /BBox [0 0 100 100] \
                     /Group << /S /Transparency /CS /DeviceRGB";

/// A page with graphics states, whose form `/X` is object 5 and a group with these entries.
fn grouped(states: &str, contents: &str, group_entries: &str, form: &str) -> Pdf {
    let resources = format!("/XObject << /X 5 0 R >> /ExtGState << {states} >>");
    let inner = format!("/Resources << /ExtGState << {states} >> >>");
    Pdf::square(&resources, contents).stream(&format!("{GROUP} {group_entries} >> {inner}"), form)
}

fn assert_drawn(renderer: &dyn Renderer, pdf: &Pdf, what: &str, points: &[Point]) {
    assert_points(renderer, pdf, 2, what, points);
}

fn constant_alpha_has_one_value_for_fills_and_one_for_strokes(renderer: &dyn Renderer) {
    let pdf = Pdf::square(
        "/ExtGState << /A << /ca 0.4 /CA 0.8 >> >>",
        "/A gs 1 0 0 rg 0 0 40 100 re f 20 w 0 0 1 RG 70 0 m 70 100 l S",
    );
    assert_drawn(
        renderer,
        &pdf,
        "alpha",
        &[(20, 50, [255, 153, 153]), (70, 50, [51, 51, 255]), (95, 50, WHITE)],
    );
}

fn the_alpha_of_a_group_applies_once_where_its_elements_overlap(renderer: &dyn Renderer) {
    let form = "1 0 0 rg 0 0 60 100 re f 0 0 1 rg 40 0 60 100 re f";
    let pdf = grouped("/Half << /ca 0.5 >>", "/Half gs /X Do", "", form);
    let points = [(20, 50, [255, 127, 127]), (50, 50, [127, 127, 255]), (80, 50, [127, 127, 255])];
    assert_drawn(renderer, &pdf, "a group at one half", &points);
}

fn an_isolated_group_does_not_see_what_is_under_it(renderer: &dyn Renderer) {
    let states = "/Multiply << /BM /Multiply >>";
    let contents = "1 1 0 rg 0 0 100 100 re f /X Do";
    // Cyan times yellow is green; with nothing under it cyan stays.
    let form = "/Multiply gs 0 1 1 rg 0 0 50 100 re f";
    let cyan = [0, 255, 255];
    for (isolated, expected) in [("/I true", cyan), ("/I false", GREEN), ("", GREEN)] {
        let pdf = grouped(states, contents, isolated, form);
        assert_drawn(renderer, &pdf, isolated, &[(25, 50, expected), (75, 50, YELLOW)]);
    }
}

fn a_knockout_group_shows_its_last_element_only(renderer: &dyn Renderer) {
    let states = "/Half << /ca 0.5 >>";
    let form = "/Half gs 1 0 0 rg 0 0 60 100 re f 0 0 1 rg 40 0 60 100 re f";
    let (red, blue) = ([255, 127, 127], [127, 127, 255]);
    for (entries, overlap) in [("/K true /I true", blue), ("/K false /I true", [127, 64, 191])] {
        let pdf = grouped(states, "/X Do", entries, form);
        assert_drawn(renderer, &pdf, entries, &[(20, 50, red), (50, 50, overlap), (80, 50, blue)]);
    }
}

fn the_blend_mode_of_a_group_applies_to_its_result(renderer: &dyn Renderer) {
    // White over red inside of the group, and white times yellow leaves yellow.
    let form = "1 0 0 rg 0 0 50 100 re f 1 1 1 rg 0 0 25 100 re f";
    let contents = "1 1 0 rg 0 0 100 100 re f /Multiply gs /X Do";
    let pdf = grouped("/Multiply << /BM /Multiply >>", contents, "/I true", form);
    assert_drawn(renderer, &pdf, "a group by Multiply", &[(12, 50, YELLOW), (37, 50, RED), (75, 50, YELLOW)]);
}

fn a_form_that_is_no_group_is_drawn_element_by_element(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/XObject << /X 5 0 R >> /ExtGState << /Half << /ca 0.5 >> >>", "/Half gs /X Do")
        .stream(
            "/Type /XObject /Subtype /Form /BBox [0 0 100 100]",
            "1 0 0 rg 0 0 60 100 re f 0 0 1 rg 40 0 60 100 re f",
        );
    let points = [(20, 50, [255, 127, 127]), (50, 50, [127, 64, 191]), (80, 50, [127, 127, 255])];
    assert_drawn(renderer, &pdf, "no group", &points);
}

/// Paints the page red through a mask, whose group is object 5.
fn masked(mask: &str, group: &str) -> Pdf {
    let state = format!("/ExtGState << /M << /SMask << /Type /Mask /G 5 0 R {mask} >> >> >>");
    Pdf::square(&state, "/M gs 1 0 0 rg 0 0 100 100 re f").stream(&format!("{GROUP} >>"), group)
}

const STRIPES: &str = "1 g 0 0 30 100 re f 0.5 g 30 0 30 100 re f 0 g 60 0 20 100 re f";

fn a_mask_of_luminosity_shows_where_it_is_light(renderer: &dyn Renderer) {
    let points = [(15, 50, RED), (45, 50, [255, 127, 127]), (70, 50, WHITE), (90, 50, WHITE)];
    assert_drawn(renderer, &masked("/S /Luminosity", STRIPES), "luminosity", &points);
    // Engines weigh red, green and blue by one standard or another.
    let colours = "1 0 0 rg 0 0 30 100 re f 0 1 0 rg 30 0 30 100 re f 0 0 1 rg 60 0 40 100 re f";
    let paper =
        |luminosity: f64| [255, ((1.0 - luminosity) * 255.0) as u8, ((1.0 - luminosity) * 255.0) as u8];
    let points = [(15, 50, paper(0.30)), (45, 50, paper(0.59)), (80, 50, paper(0.11))];
    assert_points(renderer, &masked("/S /Luminosity", colours), 34, "luminosity of colours", &points);
}

fn a_mask_of_alpha_shows_where_it_is_opaque(renderer: &dyn Renderer) {
    let points = [(15, 50, RED), (45, 50, RED), (70, 50, RED), (90, 50, WHITE)];
    assert_drawn(renderer, &masked("/S /Alpha", STRIPES), "alpha", &points);
}

fn the_backdrop_of_a_mask_of_luminosity_counts_outside_of_its_shapes(renderer: &dyn Renderer) {
    let black = "0 g 0 0 50 100 re f";
    for (backdrop, expected) in [("", WHITE), ("/BC [0 0 0]", WHITE), ("/BC [1 1 1]", RED)] {
        let pdf = masked(&format!("/S /Luminosity {backdrop}"), black);
        assert_drawn(renderer, &pdf, backdrop, &[(25, 50, WHITE), (75, 50, expected)]);
    }
    // White in all cases would be no proof.
    assert_drawn(renderer, &masked("/S /Luminosity", "1 g 0 0 50 100 re f"), "", &[(25, 50, RED)]);
}

fn the_transfer_function_of_a_mask_is_applied(renderer: &dyn Renderer) {
    let invert = "<< /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>";
    let pdf = masked(&format!("/S /Luminosity /TR {invert}"), STRIPES);
    assert_drawn(renderer, &pdf, "/TR", &[(15, 50, WHITE), (45, 50, [255, 127, 127]), (70, 50, RED)]);
    let pdf = masked("/S /Luminosity /TR /Identity", STRIPES);
    assert_drawn(renderer, &pdf, "/TR /Identity", &[(15, 50, RED), (70, 50, WHITE)]);
}

fn a_mask_stays_where_it_was_set_when_the_matrix_changes(renderer: &dyn Renderer) {
    let state = "/ExtGState << /M << /SMask << /Type /Mask /S /Alpha /G 5 0 R >> >> >>";
    let contents = "q 1 0 0 1 40 0 cm /M gs 1 0 0 1 -40 0 cm 1 0 0 rg 0 0 100 100 re f Q";
    let pdf = Pdf::square(state, contents).stream(&format!("{GROUP} >>"), "0 0 30 100 re f");
    assert_drawn(renderer, &pdf, "moved", &[(15, 50, WHITE), (55, 50, RED), (85, 50, WHITE)]);
}

fn a_mask_is_taken_off_by_none_and_by_restoring(renderer: &dyn Renderer) {
    let states =
        "/ExtGState << /M << /SMask << /Type /Mask /S /Alpha /G 5 0 R >> >> /N << /SMask /None >> >>";
    for off in ["/M gs /N gs", "q /M gs Q"] {
        let contents = format!("q /M gs 1 0 0 rg 0 50 100 50 re f Q {off} 0 0 1 rg 0 0 100 50 re f");
        let pdf = Pdf::square(states, &contents).stream(&format!("{GROUP} >>"), "0 0 50 100 re f");
        let points = [(25, 75, RED), (75, 75, WHITE), (25, 25, BLUE), (75, 25, BLUE)];
        assert_drawn(renderer, &pdf, off, &points);
    }
}
