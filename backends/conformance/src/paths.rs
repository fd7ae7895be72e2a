//! Fills, strokes and clips.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLACK, BLUE, GREEN, RED, WHITE, assert_points, has_ink, picture};

crate::check_list! {
    "Paths, strokes, clips" => [
        nonzero_and_even_odd_fills_differ_where_a_path_winds_twice,
        curves_bend_as_their_control_points_say,
        a_path_is_filled_and_stroked_in_two_colours,
        a_rectangle_may_have_negative_sides,
        an_open_path_is_closed_for_filling_and_by_its_operator,
        clips_intersect_and_end_with_the_graphics_state,
        an_even_odd_clip_has_a_hole,
        an_empty_clip_hides_everything,
        dashes_start_at_their_phase,
        an_odd_number_of_dashes_takes_turns_with_gaps,
        caps_reach_beyond_the_ends_or_do_not,
        joins_are_mitred_rounded_or_cut,
        a_mitre_over_the_limit_is_cut,
        a_line_is_as_wide_as_the_matrix_makes_it,
        a_line_of_no_width_has_ink,
        a_line_of_no_length_is_a_dot_with_a_round_cap,
        matrices_multiply_in_the_order_of_the_standard,
    ],
}

/// Draws contents on a page of 100 pt and holds points against them.
fn assert_drawn(renderer: &dyn Renderer, contents: &str, points: &[(u32, u32, [u8; 3])]) {
    assert_points(renderer, &Pdf::square("", contents), 0, contents, points);
}

fn nonzero_and_even_odd_fills_differ_where_a_path_winds_twice(renderer: &dyn Renderer) {
    let twice = "1 0 0 rg 10 10 80 80 re 30 30 40 40 re";
    assert_drawn(renderer, &format!("{twice} f"), &[(20, 20, RED), (50, 50, RED), (5, 5, WHITE)]);
    assert_drawn(renderer, &format!("{twice} f*"), &[(20, 20, RED), (50, 50, WHITE), (5, 5, WHITE)]);
    // The inner one runs against the outer one.
    let against = "1 0 0 rg 10 10 80 80 re 30 30 m 30 70 l 70 70 l 70 30 l h f";
    assert_drawn(renderer, against, &[(20, 20, RED), (50, 50, WHITE)]);
}

fn curves_bend_as_their_control_points_say(renderer: &dyn Renderer) {
    // At its middle each curve is at (1/8, 3/8, 3/8, 1/8) of its points.
    for (curve, inside, outside) in [
        ("0 20 m 0 100 100 100 100 20 c", (50, 75), (50, 85)),
        ("0 20 m 50 100 100 20 v", (50, 48), (50, 62)),
        ("0 20 m 50 100 100 20 y", (50, 48), (50, 62)),
    ] {
        assert_drawn(
            renderer,
            &format!("1 0 0 rg {curve} f"),
            &[(inside.0, inside.1, RED), (outside.0, outside.1, WHITE), (50, 10, WHITE)],
        );
    }
    // `v` starts at its first control point, `y` ends at its second: they lean differently.
    assert_drawn(renderer, "1 0 0 rg 0 0 m 0 100 100 0 v f", &[(20, 38, RED), (80, 38, WHITE)]);
    assert_drawn(renderer, "1 0 0 rg 0 0 m 100 100 100 0 y f", &[(80, 38, RED), (20, 38, WHITE)]);
}

fn a_path_is_filled_and_stroked_in_two_colours(renderer: &dyn Renderer) {
    for (operator, hole) in [("B", RED), ("B*", WHITE), ("b", RED), ("b*", WHITE)] {
        let contents = format!("10 w 1 0 0 rg 0 0 1 RG 10 10 80 80 re 40 40 20 20 re {operator}");
        assert_drawn(
            renderer,
            &contents,
            &[(10, 50, BLUE), (13, 50, BLUE), (25, 50, RED), (50, 50, hole), (40, 50, BLUE), (2, 50, WHITE)],
        );
    }
}

fn a_rectangle_may_have_negative_sides(renderer: &dyn Renderer) {
    assert_drawn(renderer, "1 0 0 rg 90 80 -60 -70 re f", &[(60, 40, RED), (32, 12, RED), (95, 85, WHITE)]);
}

fn an_open_path_is_closed_for_filling_and_by_its_operator(renderer: &dyn Renderer) {
    assert_drawn(renderer, "1 0 0 rg 10 10 m 90 10 l 90 90 l f", &[(70, 30, RED), (30, 70, WHITE)]);
    let open = "10 w 1 0 0 RG 20 20 m 80 20 l 80 80 l 20 80 l";
    assert_drawn(renderer, &format!("{open} S"), &[(20, 50, WHITE), (80, 50, RED)]);
    assert_drawn(renderer, &format!("{open} s"), &[(20, 50, RED), (80, 50, RED)]);
}

fn clips_intersect_and_end_with_the_graphics_state(renderer: &dyn Renderer) {
    let contents = "q 0 0 60 60 re W n 40 40 60 60 re W n 1 0 0 rg 0 0 100 100 re f Q \
                    0 0 1 rg 0 80 20 20 re f";
    assert_drawn(renderer, contents, &[(50, 50, RED), (30, 30, WHITE), (70, 70, WHITE), (10, 90, BLUE)]);
}

fn an_even_odd_clip_has_a_hole(renderer: &dyn Renderer) {
    for (operator, middle) in [("W", RED), ("W*", WHITE)] {
        let contents = format!("10 10 80 80 re 30 30 40 40 re {operator} n 1 0 0 rg 0 0 100 100 re f");
        assert_drawn(renderer, &contents, &[(20, 20, RED), (50, 50, middle), (5, 5, WHITE)]);
    }
}

fn an_empty_clip_hides_everything(renderer: &dyn Renderer) {
    let contents = "0 0 1 rg 0 0 50 100 re f q 20 20 0 0 re W n 1 0 0 rg 0 0 100 100 re f Q";
    assert_drawn(renderer, contents, &[(25, 75, BLUE), (75, 75, WHITE)]);
}

fn dashes_start_at_their_phase(renderer: &dyn Renderer) {
    let line = "10 w 1 0 0 RG 0 50 m 100 50 l S";
    for (dash, red, white) in [
        ("[20] 0 d", [10, 50, 90], [30, 70]),
        ("[20 10] 0 d", [10, 40, 70], [25, 55]),
        ("[20 10] 25 d", [15, 45, 75], [2, 30]),
        ("[30 10 10] 0 d", [15, 45, 85], [35, 55]),
        ("[] 0 d", [10, 50, 90], [101, 101]),
    ] {
        let mut points: Vec<_> = red.map(|x| (x, 50, RED)).into();
        points.extend(white.into_iter().filter(|&x| x < 100).map(|x| (x, 50, WHITE)));
        assert_drawn(renderer, &format!("{dash} {line}"), &points);
    }
}

/// The phase can end within a gap that the array names only when it comes round again.
fn an_odd_number_of_dashes_takes_turns_with_gaps(renderer: &dyn Renderer) {
    for (dash, red, white) in [
        ("[20] 20 d", [30, 70], [10, 50]),
        ("[20] 30 d", [20, 60], [5, 40]),
        ("[30 10 10] 50 d", [35, 60], [15, 45]),
    ] {
        let points: Vec<_> =
            red.map(|x| (x, 50, RED)).into_iter().chain(white.map(|x| (x, 50, WHITE))).collect();
        assert_drawn(renderer, &format!("{dash} 10 w 1 0 0 RG 0 50 m 100 50 l S"), &points);
    }
}

fn caps_reach_beyond_the_ends_or_do_not(renderer: &dyn Renderer) {
    let line = "20 w 1 0 0 RG 30 50 m 70 50 l S";
    for (cap, past_the_end, corner) in [(0, WHITE, WHITE), (1, RED, WHITE), (2, RED, RED)] {
        let contents = format!("{cap} J {line}");
        assert_drawn(renderer, &contents, &[(50, 50, RED), (75, 50, past_the_end), (78, 42, corner)]);
    }
}

fn joins_are_mitred_rounded_or_cut(renderer: &dyn Renderer) {
    let corner = "20 w 1 0 0 RG 10 30 m 70 30 l 70 90 l S";
    // A bevel goes from (80, 30) to (70, 20); a round join bulges to (77, 23); a mitre is whole.
    for (join, on_the_bulge, in_the_corner) in [(0, RED, RED), (1, RED, WHITE), (2, WHITE, WHITE)] {
        let contents = format!("{join} j {corner}");
        assert_drawn(renderer, &contents, &[(72, 28, RED), (75, 24, on_the_bulge), (78, 21, in_the_corner)]);
    }
}

fn a_mitre_over_the_limit_is_cut(renderer: &dyn Renderer) {
    // At a right angle a mitre is 1.414 times as long as the line is wide.
    let corner = "20 w 1 0 0 RG 10 30 m 70 30 l 70 90 l S";
    assert_drawn(renderer, &format!("1.5 M {corner}"), &[(78, 21, RED)]);
    assert_drawn(renderer, &format!("1.3 M {corner}"), &[(72, 28, RED), (78, 21, WHITE)]);
}

fn a_line_is_as_wide_as_the_matrix_makes_it(renderer: &dyn Renderer) {
    // Ten times as wide across as along: a vertical line is 40 pt, a horizontal one 4.
    let contents = "1 0 0 RG q 10 0 0 1 0 0 cm 4 w 5 0 m 5 45 l S Q q 10 0 0 1 0 0 cm 4 w 0 75 m 10 75 l S Q";
    assert_drawn(
        renderer,
        contents,
        &[(33, 20, RED), (67, 20, RED), (28, 20, WHITE), (50, 75, RED), (50, 80, WHITE), (50, 70, WHITE)],
    );
}

fn a_line_of_no_width_has_ink(renderer: &dyn Renderer) {
    let pixmap = picture(renderer, &Pdf::square("", "0 w 10 50.5 m 90 50.5 l S").to_bytes());
    for x in [15, 50, 85] {
        assert!(has_ink(&pixmap, x..x + 1, 45..55), "at {x}");
    }
    assert!(!has_ink(&pixmap, 0..100, 0..40));
    assert!(!has_ink(&pixmap, 95..100, 0..100));
}

fn a_line_of_no_length_is_a_dot_with_a_round_cap(renderer: &dyn Renderer) {
    let contents = "40 w 1 J 1 0 0 RG 50 50 m 50 50 l S";
    assert_drawn(renderer, contents, &[(50, 50, RED), (65, 50, RED), (68, 68, WHITE), (75, 50, WHITE)]);
}

fn matrices_multiply_in_the_order_of_the_standard(renderer: &dyn Renderer) {
    // Moved by 10, then scaled by 20: the unit square is at 10 … 30.
    let contents = "q 1 0 0 1 10 10 cm 20 0 0 20 0 0 cm 1 0 0 rg 0 0 1 1 re f Q \
                    q 0 1 -1 0 90 50 cm 0 1 0 rg 0 0 40 20 re f Q 0 g 0 90 10 10 re f";
    assert_drawn(
        renderer,
        contents,
        &[(20, 20, RED), (35, 20, WHITE), (80, 70, GREEN), (65, 70, WHITE), (5, 95, BLACK)],
    );
}
