//! Colour spaces, and the functions that turn one into another.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLACK, BLUE, GREEN, RED, WHITE, YELLOW, assert_points, picture, pixel};

crate::check_list! {
    "Device colours" => [
        inks_look_like_themselves,
        the_initial_colour_of_a_space_is_black,
    ],
    "CalGray, CalRGB, Lab" => [
        calibrated_colours_that_resemble_the_screens_look_like_them,
        the_gamma_of_a_calibrated_gray_counts,
        the_gamma_of_a_calibrated_rgb_counts,
        lab_colours_have_their_lightness_and_hue,
    ],
    "ICC profiles" => [
        an_srgb_profile_leaves_colours_as_they_are,
        a_profile_is_used_and_not_only_its_number_of_components,
        a_gray_profile_is_used,
        a_cmyk_profile_is_used,
        a_broken_profile_gives_way_to_the_alternate_space,
    ],
    "Indexed, Separation, DeviceN" => [
        an_indexed_colour_comes_from_its_table,
        a_separation_is_drawn_by_its_tint_transform,
        the_initial_tint_of_a_separation_is_full,
        the_separation_all_is_drawn_in_every_ink,
        the_separation_none_leaves_no_mark,
        device_n_mixes_its_colorants_by_its_tint_transform,
    ],
    "Functions" => [
        sampled_functions_interpolate_between_samples,
        exponential_functions_follow_their_exponent,
        stitched_functions_change_at_their_bounds,
        calculator_functions_compute,
        calculator_functions_branch_and_roll,
    ],
}

/// Fills the page with a colour of a space, `/C`.
fn filled(space: &str, operands: &str) -> Pdf {
    Pdf::square(&format!("/ColorSpace << /C {space} >>"), &format!("/C cs {operands} scn 0 0 100 100 re f"))
}

fn assert_colour(renderer: &dyn Renderer, space: &str, operands: &str, expected: [u8; 3], tolerance: u8) {
    let what = format!("{operands} in {space}");
    assert_points(renderer, &filled(space, operands), tolerance, &what, &[(50, 50, expected)]);
}

fn inks_look_like_themselves(renderer: &dyn Renderer) {
    let colour = |operands: &str| -> [u8; 3] {
        let pdf = Pdf::square("", &format!("{operands} k 0 0 100 100 re f")).to_bytes();
        pixel(&picture(renderer, &pdf), 50, 50).try_into().expect("three components")
    };
    // How ink looks is up to the engine's profile, but not which ink it is.
    let [paper, cyan, magenta, yellow] = ["0 0 0 0", "1 0 0 0", "0 1 0 0", "0 0 1 0"].map(colour);
    assert!(paper.iter().all(|&v| v >= 250), "paper {paper:?}");
    assert!(cyan[0] < 80 && cyan[1] > 130 && cyan[2] > 200, "cyan {cyan:?}");
    assert!(magenta[0] > 200 && magenta[1] < 60 && magenta[2] > 100, "magenta {magenta:?}");
    assert!(yellow[0] > 230 && yellow[1] > 220 && yellow[2] < 60, "yellow {yellow:?}");
    let [black, red, half, all] = ["0 0 0 1", "0 1 1 0", "0 0 0 0.5", "1 1 1 1"].map(colour);
    assert!(black.iter().all(|&v| v <= 60), "black {black:?}");
    assert!(red[0] > 200 && red[1] < 70 && red[2] < 70, "red {red:?}");
    assert!(half.iter().all(|&v| (100..170).contains(&v)), "half black {half:?}");
    assert!(all.iter().all(|&v| v <= 30), "all inks {all:?}");
}

fn the_initial_colour_of_a_space_is_black(renderer: &dyn Renderer) {
    for space in ["/DeviceGray", "/DeviceRGB", "[/CalGray << /WhitePoint [0.9505 1 1.089] >>]"] {
        let contents = "1 0 0 rg /C cs 0 0 100 50 re f 1 0 0 rg 0 50 100 50 re f";
        let pdf = Pdf::square(&format!("/ColorSpace << /C {space} >>"), contents);
        assert_points(renderer, &pdf, 2, space, &[(50, 25, BLACK), (50, 75, RED)]);
    }
}

const CAL_RGB: &str = "/WhitePoint [0.9505 1 1.089] \
                       /Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505]";

fn calibrated_colours_that_resemble_the_screens_look_like_them(renderer: &dyn Renderer) {
    let gray = "[/CalGray << /WhitePoint [0.9505 1 1.089] /Gamma 2.2 >>]";
    let rgb = format!("[/CalRGB << {CAL_RGB} /Gamma [2.2 2.2 2.2] >>]");
    for (operand, level) in [("0", 0), ("0.4", 102), ("0.8", 204), ("1", 255)] {
        assert_colour(renderer, gray, operand, [level; 3], 10);
    }
    for (operands, expected) in
        [("1 0 0", RED), ("0 1 0", GREEN), ("1 1 1", WHITE), ("0.2 0.4 0.6", [51, 102, 153])]
    {
        assert_colour(renderer, &rgb, operands, expected, 8);
    }
}

fn the_gamma_of_a_calibrated_gray_counts(renderer: &dyn Renderer) {
    // Half of the light is 188 of 255 on a screen.
    let gray = "[/CalGray << /WhitePoint [0.9505 1 1.089] /Gamma 1 >>]";
    assert_colour(renderer, gray, "0.5", [188; 3], 6);
    assert_colour(renderer, gray, "1", WHITE, 3);
}

fn the_gamma_of_a_calibrated_rgb_counts(renderer: &dyn Renderer) {
    let rgb = format!("[/CalRGB << {CAL_RGB} /Gamma [1 1 1] >>]");
    assert_colour(renderer, &rgb, "0.5 0.5 0.5", [188; 3], 6);
    assert_colour(renderer, &rgb, "0.5 0 0", [188, 0, 0], 10);
    assert_colour(renderer, &rgb, "1 1 1", WHITE, 3);
}

fn lab_colours_have_their_lightness_and_hue(renderer: &dyn Renderer) {
    let lab = "[/Lab << /WhitePoint [0.9642 1 0.8249] /Range [-128 127 -128 127] >>]";
    for (operands, expected) in [
        ("0 0 0", BLACK),
        ("100 0 0", WHITE),
        ("53.585 0 0", [128; 3]),
        ("47.45 55.93 33.71", [200, 60, 60]),
        ("43.71 12.37 -57.43", [60, 100, 200]),
        ("60.3 -26.75 19.7", [103, 158, 109]),
    ] {
        assert_colour(renderer, lab, operands, expected, 20);
    }
}

const SRGB: &[u8] = include_bytes!("../fixtures/srgb.icc");
/// Red is where blue should be, and the other way round.
const SWAPPED: &[u8] = include_bytes!("../fixtures/swapped.icc");
/// A gray that is linear in light.
const LINEAR_GRAY: &[u8] = include_bytes!("../fixtures/linear-gray.icc");
/// Four inks: the first is green, the last is black, the others have no effect.
const GREEN_INK: &[u8] = include_bytes!("../fixtures/green-ink.icc");

fn profiled(profile: &[u8], entries: &str, operands: &str) -> Pdf {
    filled("[/ICCBased 5 0 R]", operands).binary(entries, profile)
}

fn an_srgb_profile_leaves_colours_as_they_are(renderer: &dyn Renderer) {
    for (operands, expected) in
        [("1 0 0", RED), ("0 0 1", BLUE), ("1 1 1", WHITE), ("0.2 0.4 0.6", [51, 102, 153])]
    {
        let pdf = profiled(SRGB, "/N 3 /Alternate /DeviceRGB", operands);
        assert_points(renderer, &pdf, 2, operands, &[(50, 50, expected)]);
    }
}

fn a_profile_is_used_and_not_only_its_number_of_components(renderer: &dyn Renderer) {
    for (operands, expected) in [("1 0 0", BLUE), ("0 1 0", GREEN), ("0 0 1", RED), ("1 1 1", WHITE)] {
        let pdf = profiled(SWAPPED, "/N 3 /Alternate /DeviceRGB", operands);
        assert_points(renderer, &pdf, 8, operands, &[(50, 50, expected)]);
    }
}

fn a_gray_profile_is_used(renderer: &dyn Renderer) {
    for (operand, expected) in [("0", BLACK), ("0.5", [188; 3]), ("1", WHITE)] {
        let pdf = profiled(LINEAR_GRAY, "/N 1", operand);
        assert_points(renderer, &pdf, 5, operand, &[(50, 50, expected)]);
    }
}

fn a_cmyk_profile_is_used(renderer: &dyn Renderer) {
    for (operands, expected) in
        [("0 0 0 0", WHITE), ("1 0 0 0", [0, 128, 0]), ("0 1 0 0", WHITE), ("0 0 0 1", BLACK)]
    {
        let pdf = profiled(GREEN_INK, "/N 4", operands);
        assert_points(renderer, &pdf, 12, operands, &[(50, 50, expected)]);
    }
}

fn a_broken_profile_gives_way_to_the_alternate_space(renderer: &dyn Renderer) {
    for profile in [&b"no profile"[..], &[], &SRGB[..200]] {
        let pdf = profiled(profile, "/N 3 /Alternate /DeviceRGB", "0.2 0.4 0.6");
        assert_points(renderer, &pdf, 2, "with an alternate", &[(50, 50, [51, 102, 153])]);
        let pdf = profiled(profile, "/N 3", "0.2 0.4 0.6");
        assert_points(renderer, &pdf, 2, "three components", &[(50, 50, [51, 102, 153])]);
        let pdf = profiled(profile, "/N 1", "0.2");
        assert_points(renderer, &pdf, 2, "one component", &[(50, 50, [51; 3])]);
    }
}

fn an_indexed_colour_comes_from_its_table(renderer: &dyn Renderer) {
    let space = "[/Indexed /DeviceRGB 3 <FF0000 00FF00 0000FF 336699>]";
    for (index, expected) in [("0", RED), ("1", GREEN), ("2", BLUE), ("3", [51, 102, 153])] {
        assert_colour(renderer, space, index, expected, 1);
    }
    let pdf = filled("[/Indexed /DeviceRGB 1 5 0 R]", "1").binary("", &[0, 0, 255, 255, 255, 0]);
    assert_points(renderer, &pdf, 0, "a table in a stream", &[(50, 50, YELLOW)]);
}

/// White to a colour.
fn tint_to(colour: &str) -> String {
    format!("<< /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [{colour}] /N 1 >>")
}

fn a_separation_is_drawn_by_its_tint_transform(renderer: &dyn Renderer) {
    let space = format!("[/Separation /Spot /DeviceRGB {}]", tint_to("1 0 0.4"));
    for (tint, expected) in [("0", WHITE), ("0.5", [255, 128, 179]), ("1", [255, 0, 102])] {
        assert_colour(renderer, &space, tint, expected, 2);
    }
}

fn the_initial_tint_of_a_separation_is_full(renderer: &dyn Renderer) {
    let space = format!("[/Separation /Spot /DeviceRGB {}]", tint_to("1 0 0.4"));
    let contents = "/C cs 0 0 100 100 re f";
    let pdf = Pdf::square(&format!("/ColorSpace << /C {space} >>"), contents);
    assert_points(renderer, &pdf, 2, "the initial tint is 1", &[(50, 50, [255, 0, 102])]);
}

fn the_separation_all_is_drawn_in_every_ink(renderer: &dyn Renderer) {
    let all = format!("[/Separation /All /DeviceRGB {}]", tint_to("0 0 0"));
    assert_colour(renderer, &all, "1", BLACK, 60);
    assert_colour(renderer, &all, "0", WHITE, 2);
}

fn the_separation_none_leaves_no_mark(renderer: &dyn Renderer) {
    let none = format!("[/Separation /None /DeviceRGB {}]", tint_to("1 0 0"));
    let contents = "0 0 1 rg 0 0 100 100 re f /C cs 1 scn 0 0 50 100 re f";
    let pdf = Pdf::square(&format!("/ColorSpace << /C {none} >>"), contents);
    assert_points(renderer, &pdf, 0, "/None leaves no mark", &[(25, 50, BLUE), (75, 50, BLUE)]);
}

fn device_n_mixes_its_colorants_by_its_tint_transform(renderer: &dyn Renderer) {
    // Two colorants: the first takes away green and blue, the second red.
    let space = "[/DeviceN [/Warm /Cool] /DeviceRGB 5 0 R]";
    let function = "/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]";
    for (operands, expected) in
        [("0 0", WHITE), ("1 0", RED), ("0 1", [0, 255, 255]), ("1 1", BLACK), ("0.4 0", [255, 153, 153])]
    {
        let pdf = filled(space, operands).stream(function, "{ 1 exch sub exch 1 exch sub dup }");
        assert_points(renderer, &pdf, 2, operands, &[(50, 50, expected)]);
    }
}

/// Fills the page with what a function of one value, object 5, makes of it.
fn computed(value: &str, entries: &str, program: &str) -> Pdf {
    filled("[/Separation /Spot /DeviceRGB 5 0 R]", value)
        .stream(&format!("/Domain [0 1] /Range [0 1 0 1 0 1] {entries}"), program)
}

fn sampled_functions_interpolate_between_samples(renderer: &dyn Renderer) {
    let three = "/FunctionType 0 /Size [3] /BitsPerSample 8 /Filter /ASCIIHexDecode";
    for (value, expected) in [("0", RED), ("0.5", GREEN), ("1", BLUE), ("0.25", [128, 128, 0])] {
        let pdf = computed(value, three, "FF000000FF000000FF>");
        assert_points(renderer, &pdf, 2, value, &[(50, 50, expected)]);
    }
    // Read from the end, decoded into half of the range, four bits a sample.
    let entries = "/FunctionType 0 /Size [2] /BitsPerSample 4 /Encode [1 0] \
                   /Decode [0 0.4 0 0.4 0 0.4] /Filter /ASCIIHexDecode";
    for (value, expected) in [("0", [102, 0, 102]), ("1", [0, 102, 0])] {
        let pdf = computed(value, entries, "0F0F0F>");
        assert_points(renderer, &pdf, 2, value, &[(50, 50, expected)]);
    }
}

fn exponential_functions_follow_their_exponent(renderer: &dyn Renderer) {
    for (exponent, value, expected) in
        [("1", "0.5", [128, 128, 0]), ("2", "0.5", [64, 191, 0]), ("3", "0.8", [131, 124, 0])]
    {
        let function = format!("<< /FunctionType 2 /Domain [0 1] /C0 [0 1 0] /C1 [1 0 0] /N {exponent} >>");
        let space = format!("[/Separation /Spot /DeviceRGB {function}]");
        assert_colour(renderer, &space, value, expected, 2);
    }
}

fn stitched_functions_change_at_their_bounds(renderer: &dyn Renderer) {
    let constant = |c: &str| format!("<< /FunctionType 2 /Domain [0 1] /C0 [{c}] /C1 [{c}] /N 1 >>");
    let function = format!(
        "<< /FunctionType 3 /Domain [0 1] /Functions [{} {} {}] /Bounds [0.2 0.7] /Encode [0 1 0 1 0 1] >>",
        constant("1 0 0"),
        constant("0 1 0"),
        tint_to("0 0 1")
    );
    let space = format!("[/Separation /Spot /DeviceRGB {function}]");
    for (value, expected) in
        [("0.1", RED), ("0.3", GREEN), ("0.6", GREEN), ("0.85", [128, 128, 255]), ("1", BLUE)]
    {
        assert_colour(renderer, &space, value, expected, 2);
    }
}

/// Each program leaves red, green and blue where the value was.
fn assert_computes(renderer: &dyn Renderer, programs: &[(&str, &str, [u8; 3])]) {
    for (program, value, expected) in programs {
        let pdf = computed(value, "/FunctionType 4", program);
        assert_points(renderer, &pdf, 2, &format!("{value} {program}"), &[(50, 50, *expected)]);
    }
}

fn calculator_functions_compute(renderer: &dyn Renderer) {
    assert_computes(
        renderer,
        &[
            ("{ dup dup }", "0.4", [102; 3]),
            ("{ dup 0.5 mul exch dup 1 exch sub exch 0 mul }", "0.8", [102, 51, 0]),
            ("{ sqrt dup 2 div 0 }", "0.64", [204, 102, 0]),
            ("{ 2 exp dup 0.1 add dup 0.2 sub }", "0.5", [64, 89, 38]),
            ("{ 360 mul dup sin exch cos 0 }", "0.125", [180, 180, 0]),
            (
                "{ 10 mul dup truncate 10 div exch dup ceiling 10 div exch floor 10 div }",
                "0.45",
                [102, 128, 102],
            ),
            (
                "{ 100 mul cvi dup 7 idiv 10 div exch dup 10 mod 10 div exch 4 bitshift 1600 div }",
                "0.5",
                [179, 0, 128],
            ),
            ("{ neg abs dup ln 2.302585 div neg exch log neg 0 }", "0.1", [255, 255, 0]),
            ("{ pop 1 1 atan 90 div 3 5 and 2 div 6 3 xor 10 div }", "0.5", [128, 128, 128]),
        ],
    );
}

fn calculator_functions_branch_and_roll(renderer: &dyn Renderer) {
    let branch = "{ 0.5 gt { 1 0 0 } { 0 0 1 } ifelse }";
    assert_computes(
        renderer,
        &[
            (branch, "0.6", RED),
            (branch, "0.4", BLUE),
            ("{ dup 0.5 lt { pop 0.2 } if dup dup }", "0.4", [51; 3]),
            ("{ pop 0.2 0.4 0.6 3 1 roll }", "0", [153, 51, 102]),
            ("{ pop 0.2 0.4 0.6 3 -1 roll }", "0", [102, 153, 51]),
            ("{ 0 exch 1 index }", "0.4", [0, 102, 0]),
            ("{ pop 0.2 0.4 2 copy pop exch pop 0 }", "0", [51, 51, 0]),
            ("{ 0.2 ge 0.3 0.3 eq and { 0 1 0 } { 1 0 0 } ifelse }", "0.5", GREEN),
        ],
    );
}
