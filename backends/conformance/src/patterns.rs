//! Tiling patterns.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, RED, WHITE, assert_points};

crate::check_list! {
    "Tiling patterns" => [
        a_coloured_tile_is_repeated,
        an_uncoloured_tile_takes_the_colour_of_its_use,
        tiles_lie_on_the_page_and_not_on_the_shape,
        the_matrix_of_a_pattern_turns_and_scales_its_tiles,
        a_tile_that_is_larger_than_its_step_overlaps_the_next,
        gaps_between_tiles_are_empty,
        strokes_are_painted_with_patterns,
        text_is_painted_with_patterns,
        type_3_text_is_painted_with_patterns,
        a_pattern_within_a_form_is_laid_out_in_the_form,
    ],
}

const COLOURED: &str = "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /Resources << >>";
const UNCOLOURED: &str = "/Type /Pattern /PatternType 1 /PaintType 2 /TilingType 1 /Resources << >>";

/// A tile of 20 pt: its lower left quarter is red, the upper right one blue.
const QUARTERS: &str = "1 0 0 rg 0 0 10 10 re f 0 0 1 rg 10 10 10 10 re f";

fn tiled(contents: &str, tile_entries: &str, tile: &str) -> Pdf {
    let resources = "/Pattern << /P 5 0 R >> /ColorSpace << /Uncoloured [/Pattern /DeviceRGB] >>";
    Pdf::square(resources, contents).stream(tile_entries, tile)
}

fn a_coloured_tile_is_repeated(renderer: &dyn Renderer) {
    let entries = format!("{COLOURED} /BBox [0 0 20 20] /XStep 20 /YStep 20");
    let pdf = tiled("/Pattern cs /P scn 0 0 80 100 re f", &entries, QUARTERS);
    for (x, y) in [(0, 0), (20, 0), (0, 40), (60, 80)] {
        let points =
            [(x + 5, y + 5, RED), (x + 15, y + 15, BLUE), (x + 5, y + 15, WHITE), (x + 15, y + 5, WHITE)];
        assert_points(renderer, &pdf, 0, "a tile", &points);
    }
    assert_points(renderer, &pdf, 0, "beside the shape", &[(85, 5, WHITE), (95, 15, WHITE)]);
}

fn an_uncoloured_tile_takes_the_colour_of_its_use(renderer: &dyn Renderer) {
    let entries = format!("{UNCOLOURED} /BBox [0 0 20 20] /XStep 20 /YStep 20");
    let contents = "/Uncoloured cs 1 0 0 /P scn 0 0 50 100 re f 0 0 1 /P scn 60 0 40 100 re f";
    let pdf = tiled(contents, &entries, "0 0 10 20 re f");
    let points =
        [(5, 5, RED), (25, 50, RED), (15, 50, WHITE), (65, 50, BLUE), (75, 50, WHITE), (85, 5, BLUE)];
    assert_points(renderer, &pdf, 0, "two colours", &points);
}

fn tiles_lie_on_the_page_and_not_on_the_shape(renderer: &dyn Renderer) {
    let entries = format!("{COLOURED} /BBox [0 0 20 20] /XStep 20 /YStep 20");
    let contents = "/Pattern cs /P scn q 1 0 0 1 7 3 cm 0 0 60 60 re f Q";
    let pdf = tiled(contents, &entries, QUARTERS);
    assert_points(renderer, &pdf, 0, "moved", &[(25, 25, RED), (35, 35, BLUE), (25, 35, WHITE)]);
}

fn the_matrix_of_a_pattern_turns_and_scales_its_tiles(renderer: &dyn Renderer) {
    let entries = format!("{COLOURED} /BBox [0 0 20 20] /XStep 20 /YStep 20 /Matrix [2 0 0 2 10 0]");
    let pdf = tiled("/Pattern cs /P scn 0 0 100 100 re f", &entries, QUARTERS);
    let points =
        [(20, 10, RED), (40, 30, BLUE), (20, 30, WHITE), (60, 10, RED), (80, 70, BLUE), (5, 30, BLUE)];
    assert_points(renderer, &pdf, 0, "scaled by two", &points);
    let entries = format!("{COLOURED} /BBox [0 0 20 20] /XStep 20 /YStep 20 /Matrix [0 1 -1 0 20 0]");
    let pdf = tiled("/Pattern cs /P scn 0 0 100 100 re f", &entries, QUARTERS);
    assert_points(renderer, &pdf, 0, "turned", &[(15, 5, RED), (5, 15, BLUE), (5, 5, WHITE), (55, 45, RED)]);
}

fn a_tile_that_is_larger_than_its_step_overlaps_the_next(renderer: &dyn Renderer) {
    let entries = format!("{COLOURED} /BBox [0 0 30 10] /XStep 20 /YStep 20");
    let pdf = tiled(
        "/Pattern cs /P scn 0 0 100 100 re f",
        &entries,
        "1 0 0 rg 12 0 6 10 re f 0 0 1 rg 20 0 10 10 re f",
    );
    // What reaches over the step stands in the next tile.
    let points = [(25, 5, BLUE), (45, 5, BLUE), (35, 5, RED), (55, 25, RED), (55, 15, WHITE)];
    assert_points(renderer, &pdf, 0, "overlapping", &points);
}

fn gaps_between_tiles_are_empty(renderer: &dyn Renderer) {
    let entries = format!("{COLOURED} /BBox [0 0 10 10] /XStep 25 /YStep 50");
    let pdf = tiled(
        "0 1 0 rg 0 0 100 100 re f /Pattern cs /P scn 0 0 100 100 re f",
        &entries,
        "1 0 0 rg -50 -50 200 200 re f",
    );
    let points = [(5, 5, RED), (30, 5, RED), (17, 5, GREEN), (80, 55, RED), (55, 30, GREEN), (5, 15, GREEN)];
    assert_points(renderer, &pdf, 0, "gaps", &points);
}

/// Two stripes of 25 pt, red below blue.
const STRIPES: &str = "1 0 0 rg 0 0 100 25 re f 0 0 1 rg 0 25 100 25 re f";

fn striped() -> String {
    format!("{COLOURED} /BBox [0 0 100 50] /XStep 100 /YStep 50")
}

fn strokes_are_painted_with_patterns(renderer: &dyn Renderer) {
    let pdf = tiled("/Pattern CS /P SCN 30 w 50 0 m 50 100 l S", &striped(), STRIPES);
    let points = [(50, 10, RED), (50, 40, BLUE), (50, 60, RED), (50, 90, BLUE), (20, 10, WHITE)];
    assert_points(renderer, &pdf, 0, "a stroke", &points);
}

fn text_is_painted_with_patterns(renderer: &dyn Renderer) {
    // The bar of Helvetica's letter I is 11 pt wide.
    let pdf = Pdf::square(
        "/Pattern << /P 5 0 R >> /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>",
        "/Pattern cs /P scn BT /F 120 Tf 30 5 Td (I) Tj ET",
    )
    .stream(&striped(), STRIPES);
    assert_points(
        renderer,
        &pdf,
        2,
        "text",
        &[(47, 10, RED), (47, 40, BLUE), (47, 60, RED), (75, 10, WHITE)],
    );
}

fn type_3_text_is_painted_with_patterns(renderer: &dyn Renderer) {
    let pdf = Pdf::square(
        "/Pattern << /P 5 0 R >> /Font << /F 6 0 R >>",
        "/Pattern cs /P scn BT /F 100 Tf 0 0 Td (a) Tj ET",
    )
    .stream(&striped(), STRIPES)
    .object(
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [0.001 0 0 0.001 0 0] \
         /FirstChar 97 /LastChar 97 /Widths [1000] /CharProcs << /a 7 0 R >> \
         /Encoding << /Type /Encoding /Differences [97 /a] >> >>",
    )
    .stream("", "1000 0 0 0 1000 1000 d1 0 0 500 1000 re f");
    assert_points(
        renderer,
        &pdf,
        0,
        "text",
        &[(25, 10, RED), (25, 40, BLUE), (25, 60, RED), (75, 10, WHITE)],
    );
}

fn a_pattern_within_a_form_is_laid_out_in_the_form(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/XObject << /X 5 0 R >>", "q 1 0 0 1 10 10 cm /X Do Q")
        .stream(
            "/Type /XObject /Subtype /Form /BBox [0 0 80 80] /Resources << /Pattern << /P 6 0 R >> >>",
            "/Pattern cs /P scn 0 0 80 80 re f",
        )
        .stream(&format!("{COLOURED} /BBox [0 0 20 20] /XStep 20 /YStep 20"), QUARTERS);
    let points = [(15, 15, RED), (25, 25, BLUE), (15, 25, WHITE), (5, 5, WHITE), (55, 35, RED)];
    assert_points(renderer, &pdf, 0, "a form", &points);
}
