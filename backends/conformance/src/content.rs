//! Pages and their content streams: inheritance, arrays of streams, forms, names and numbers.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, Point, RED, WHITE, assert_points, open};

crate::check_list! {
    "Pages and content streams" => [
        a_page_without_contents_is_blank_and_its_annotations_are_drawn,
        a_page_without_a_type_is_a_page,
        resources_are_inherited,
        content_streams_are_read_as_one,
        content_streams_are_divided_between_tokens,
        a_missing_part_of_the_contents_does_not_cost_the_others,
        names_may_be_written_in_hexadecimal,
        numbers_may_be_written_in_many_ways,
        comments_are_passed_over,
        too_many_restores_do_no_harm,
        unknown_operators_are_passed_over_between_their_marks,
    ],
    "Form XObjects" => [
        a_form_has_a_matrix_and_is_cut_to_its_box,
        a_form_without_resources_uses_those_of_the_page,
        a_form_does_not_change_the_state_of_the_page,
        a_form_that_draws_itself_ends,
    ],
}

fn assert_drawn(renderer: &dyn Renderer, pdf: &Pdf, what: &str, points: &[Point]) {
    assert_points(renderer, pdf, 0, what, points);
}

fn a_page_without_contents_is_blank_and_its_annotations_are_drawn(renderer: &dyn Renderer) {
    for contents in ["", "/Contents null", "/Contents []", "/Contents 99 0 R"] {
        let pdf = Pdf::new()
            .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
            .object(&format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Annots [4 0 R] {contents} >>"
            ))
            .object("<< /Type /Annot /Subtype /Stamp /F 4 /Rect [0 0 50 100] /AP << /N 5 0 R >> >>")
            .stream("/Type /XObject /Subtype /Form /BBox [0 0 50 100]", "1 0 0 rg 0 0 50 100 re f");
        assert_drawn(renderer, &pdf, contents, &[(25, 50, RED), (75, 50, WHITE)]);
    }
}

fn a_page_without_a_type_is_a_page(renderer: &dyn Renderer) {
    let pdf = Pdf::new()
        .object("<< /Kids [3 0 R] /Count 1 >>")
        .object("<< /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R >>")
        .stream("", "1 0 0 rg 0 0 100 100 re f");
    assert_eq!(open(renderer, &pdf.to_bytes()).page_count(), 1);
    assert_drawn(renderer, &pdf, "no /Type", &[(50, 50, RED)]);
}

fn resources_are_inherited(renderer: &dyn Renderer) {
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << /XObject << /X 6 0 R >> >> >>")
        .object("<< /Type /Pages /Parent 2 0 R /Kids [4 0 R] /Count 1 >>")
        .object("<< /Type /Page /Parent 3 0 R /MediaBox [0 0 100 100] /Contents 5 0 R >>")
        .stream("", "/X Do")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 50 100]", "1 0 0 rg 0 0 100 100 re f");
    assert_drawn(renderer, &pdf, "inherited", &[(25, 50, RED), (75, 50, WHITE)]);
}

/// A page whose contents are several streams.
fn divided(parts: &[&str]) -> Pdf {
    let references: String = (0..parts.len()).map(|i| format!("{} 0 R ", i + 4)).collect();
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
        .object(&format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents [{references}] >>"));
    parts.iter().fold(pdf, |pdf, part| pdf.stream("", part))
}

fn content_streams_are_read_as_one(renderer: &dyn Renderer) {
    let pdf = divided(&["q 1 0 0 rg 0.5 0 0 1 0 0 cm", "0 0 100 100 re f", "Q 0 0 1 rg 60 0 40 100 re f"]);
    assert_drawn(renderer, &pdf, "three streams", &[(25, 50, RED), (55, 50, WHITE), (80, 50, BLUE)]);
}

fn content_streams_are_divided_between_tokens(renderer: &dyn Renderer) {
    // An end of a stream divides tokens, within an operator's operands and within an array.
    let pdf = divided(&["1 0 0 rg 0 0 50", "100", "re f 0 0 1 RG 20 w [10", "10] 0 d 75 0 m 75 100", "l S"]);
    assert_drawn(renderer, &pdf, "between", &[(25, 50, RED), (75, 5, BLUE), (75, 15, WHITE), (75, 25, BLUE)]);
}

fn a_missing_part_of_the_contents_does_not_cost_the_others(renderer: &dyn Renderer) {
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
        .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents [99 0 R 4 0 R null 5 0 R] >>")
        .stream("", "1 0 0 rg 0 0 50 100 re f")
        .stream("", "0 0 1 rg 50 0 50 100 re f");
    assert_drawn(renderer, &pdf, "a missing part", &[(25, 50, RED), (75, 50, BLUE)]);
}

fn names_may_be_written_in_hexadecimal(renderer: &dyn Renderer) {
    let form = "/Type /XObject /Sub#74ype /F#6frm /BBox [0 0 50 100]";
    let pdf =
        Pdf::square("/XObject << /A#20B 5 0 R >>", "/#41#20B Do").stream(form, "1 0 0 rg 0 0 100 100 re f");
    assert_drawn(renderer, &pdf, "#41", &[(25, 50, RED), (75, 50, WHITE)]);
}

fn numbers_may_be_written_in_many_ways(renderer: &dyn Renderer) {
    for rectangle in ["0 0 50 100 re", "+0 -0 50. 100.00 re", ".0 00 050 0100 re", "0\t0\r50\n100 re"] {
        let pdf = Pdf::square("", &format!("1. 0 .0 rg {rectangle} f"));
        assert_drawn(renderer, &pdf, rectangle, &[(25, 50, RED), (75, 50, WHITE)]);
    }
}

fn comments_are_passed_over(renderer: &dyn Renderer) {
    let pdf = Pdf::square("", "1 0 0 rg % 0 1 0 rg (\n0 0 50 % width\r100 re%\nf");
    assert_drawn(renderer, &pdf, "comments", &[(25, 50, RED), (75, 50, WHITE)]);
}

fn too_many_restores_do_no_harm(renderer: &dyn Renderer) {
    let pdf = Pdf::square("", "Q Q 1 0 0 rg q Q Q 0 0 50 100 re f q q 0 1 0 rg 50 0 50 100 re f");
    assert_drawn(renderer, &pdf, "Q Q", &[(25, 50, RED), (75, 50, GREEN)]);
}

fn unknown_operators_are_passed_over_between_their_marks(renderer: &dyn Renderer) {
    let pdf = Pdf::square("", "1 0 0 rg BX 1 2 unknown (x) other EX 0 0 50 100 re f");
    assert_drawn(renderer, &pdf, "BX … EX", &[(25, 50, RED), (75, 50, WHITE)]);
}

fn a_form_has_a_matrix_and_is_cut_to_its_box(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/XObject << /X 5 0 R >>", "q 1 0 0 1 10 0 cm /X Do Q").stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 20 30] /Matrix [2 0 0 2 10 10]",
        "1 0 0 rg -50 -50 200 200 re f",
    );
    // From (20, 10) to (60, 70).
    let points =
        [(22, 12, RED), (58, 68, RED), (17, 40, WHITE), (63, 40, WHITE), (40, 73, WHITE), (40, 7, WHITE)];
    assert_drawn(renderer, &pdf, "matrix and box", &points);
}

fn a_form_without_resources_uses_those_of_the_page(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/XObject << /X 5 0 R /Y 6 0 R >>", "/X Do")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 100 100]", "/Y Do")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 50 100]", "1 0 0 rg 0 0 100 100 re f");
    assert_drawn(renderer, &pdf, "the page's", &[(25, 50, RED), (75, 50, WHITE)]);
}

fn a_form_does_not_change_the_state_of_the_page(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/XObject << /X 5 0 R >>", "0 0 1 rg /X Do 50 0 50 100 re f").stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 100 100]",
        "1 0 0 rg q q 0.5 0 0 1 0 0 cm 0 0 100 100 re f 0 0 10 10 re W n",
    );
    assert_drawn(renderer, &pdf, "the state", &[(25, 50, RED), (75, 50, BLUE), (52, 50, BLUE)]);
}

fn a_form_that_draws_itself_ends(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/XObject << /X 5 0 R >>", "/X Do 0 0 1 rg 50 0 50 100 re f").stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources << /XObject << /X 5 0 R >> >>",
        "1 0 0 rg 0 0 50 100 re f /X Do",
    );
    assert_drawn(renderer, &pdf, "itself", &[(25, 50, RED), (75, 50, BLUE)]);
}
