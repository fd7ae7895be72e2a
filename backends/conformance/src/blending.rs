//! Blend modes: what becomes of a colour over another.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{RED, WHITE, assert_points};

crate::check_list! {
    "Blend modes, separable" => [
        multiply_screen_and_overlay_are_computed_as_the_standard_says,
        darken_and_lighten_are_computed_as_the_standard_says,
        dodge_and_burn_are_computed_as_the_standard_says,
        hard_and_soft_light_are_computed_as_the_standard_says,
        difference_and_exclusion_are_computed_as_the_standard_says,
        the_first_blend_mode_of_an_array_is_taken,
        a_blend_mode_over_bare_paper_leaves_the_source,
    ],
    "Blend modes, non-separable" => [
        hue_saturation_colour_and_luminosity_are_computed_as_the_standard_says,
    ],
}

type Rgb = [f64; 3];

/// Backdrops and sources that tell the modes apart: light, dark, gray, saturated. None is where a
/// formula jumps, or where editions of the standard differ.
const PAIRS: [(Rgb, Rgb); 5] = [
    ([0.8, 0.4, 0.2], [0.3, 0.5, 0.7]),
    ([0.2, 0.6, 1.0], [1.0, 0.2, 0.4]),
    ([0.6, 0.6, 0.6], [0.2, 0.8, 0.6]),
    ([1.0, 0.0, 0.4], [0.1, 0.9, 0.5]),
    ([0.1, 0.2, 0.3], [0.8, 0.7, 0.5]),
];

/// Draws each pair, opaque and half transparent, and compares with the formula.
fn assert_blends(renderer: &dyn Renderer, mode: &str, blend: impl Fn(Rgb, Rgb) -> Rgb) {
    for alpha in [1.0, 0.5] {
        for (backdrop, source) in PAIRS {
            let blended = blend(backdrop, source);
            let expected = [0, 1, 2].map(|i| level((1.0 - alpha) * backdrop[i] + alpha * blended[i]));
            let state = format!("/ExtGState << /B << /BM /{mode} /ca {alpha} >> >>");
            let contents = format!(
                "{} rg 0 0 100 100 re f /B gs {} rg 50 0 50 100 re f",
                operands(backdrop),
                operands(source)
            );
            let what = format!("{mode}, {source:?} over {backdrop:?}, alpha {alpha}");
            let points = [(25, 50, backdrop.map(level)), (75, 50, expected)];
            assert_points(renderer, &Pdf::square(&state, &contents), 4, &what, &points);
        }
    }
}

fn operands(colour: Rgb) -> String {
    colour.map(|v| v.to_string()).join(" ")
}

fn level(value: f64) -> u8 {
    (value * 255.0).round() as u8
}

/// A blend mode that computes each component by itself.
fn separable(component: impl Fn(f64, f64) -> f64) -> impl Fn(Rgb, Rgb) -> Rgb {
    move |backdrop, source| [0, 1, 2].map(|i| component(backdrop[i], source[i]))
}

fn multiply_screen_and_overlay_are_computed_as_the_standard_says(renderer: &dyn Renderer) {
    assert_blends(renderer, "Multiply", separable(|b, s| b * s));
    assert_blends(renderer, "Screen", separable(screen));
    assert_blends(renderer, "Overlay", separable(|b, s| hard_light(s, b)));
}

fn screen(b: f64, s: f64) -> f64 {
    b + s - b * s
}

fn hard_light(b: f64, s: f64) -> f64 {
    if s <= 0.5 { b * 2.0 * s } else { screen(b, 2.0 * s - 1.0) }
}

fn darken_and_lighten_are_computed_as_the_standard_says(renderer: &dyn Renderer) {
    assert_blends(renderer, "Darken", separable(f64::min));
    assert_blends(renderer, "Lighten", separable(f64::max));
}

fn dodge_and_burn_are_computed_as_the_standard_says(renderer: &dyn Renderer) {
    assert_blends(
        renderer,
        "ColorDodge",
        separable(|b, s| match () {
            () if b == 0.0 => 0.0,
            () if b >= 1.0 - s => 1.0,
            () => b / (1.0 - s),
        }),
    );
    assert_blends(
        renderer,
        "ColorBurn",
        separable(|b, s| match () {
            () if b == 1.0 => 1.0,
            () if 1.0 - b >= s => 0.0,
            () => 1.0 - (1.0 - b) / s,
        }),
    );
}

fn hard_and_soft_light_are_computed_as_the_standard_says(renderer: &dyn Renderer) {
    assert_blends(renderer, "HardLight", separable(hard_light));
    assert_blends(
        renderer,
        "SoftLight",
        separable(|b, s| {
            let d = if b <= 0.25 { ((16.0 * b - 12.0) * b + 4.0) * b } else { b.sqrt() };
            if s <= 0.5 { b - (1.0 - 2.0 * s) * b * (1.0 - b) } else { b + (2.0 * s - 1.0) * (d - b) }
        }),
    );
}

fn difference_and_exclusion_are_computed_as_the_standard_says(renderer: &dyn Renderer) {
    assert_blends(renderer, "Difference", separable(|b, s| (b - s).abs()));
    assert_blends(renderer, "Exclusion", separable(|b, s| b + s - 2.0 * b * s));
}

fn hue_saturation_colour_and_luminosity_are_computed_as_the_standard_says(renderer: &dyn Renderer) {
    assert_blends(renderer, "Hue", |b, s| with_luminosity(with_saturation(s, saturation(b)), luminosity(b)));
    assert_blends(renderer, "Saturation", |b, s| {
        with_luminosity(with_saturation(b, saturation(s)), luminosity(b))
    });
    assert_blends(renderer, "Color", |b, s| with_luminosity(s, luminosity(b)));
    assert_blends(renderer, "Luminosity", |b, s| with_luminosity(b, luminosity(s)));
}

fn luminosity([r, g, b]: Rgb) -> f64 {
    0.3 * r + 0.59 * g + 0.11 * b
}

fn least(c: Rgb) -> f64 {
    c[0].min(c[1]).min(c[2])
}

fn most(c: Rgb) -> f64 {
    c[0].max(c[1]).max(c[2])
}

fn saturation(c: Rgb) -> f64 {
    most(c) - least(c)
}

/// `SetSat` of the standard: the components stretched to a given distance.
fn with_saturation(c: Rgb, target: f64) -> Rgb {
    let (from, to) = (least(c), most(c));
    c.map(|v| if to > from { (v - from) * target / (to - from) } else { 0.0 })
}

/// `SetLum` of the standard: the colour moved to a given luminosity and pulled back into range.
fn with_luminosity(c: Rgb, target: f64) -> Rgb {
    let d = target - luminosity(c);
    let moved = c.map(|v| v + d);
    let (l, n, x) = (luminosity(moved), least(moved), most(moved));
    let raised = if n < 0.0 { moved.map(|v| l + (v - l) * l / (l - n)) } else { moved };
    if x > 1.0 { raised.map(|v| l + (v - l) * (1.0 - l) / (x - l)) } else { raised }
}

fn the_first_blend_mode_of_an_array_is_taken(renderer: &dyn Renderer) {
    let state = "/ExtGState << /B << /BM [/Multiply /Normal] >> >>";
    let contents = "1 0 0 rg 0 0 100 100 re f /B gs 1 0 1 rg 50 0 50 100 re f";
    let points = [(25, 50, RED), (75, 50, RED)];
    assert_points(renderer, &Pdf::square(state, contents), 1, "[/Multiply /Normal]", &points);
}

/// Engines differ in whether paper takes part; for modes that keep the source over white and over
/// nothing it makes no difference.
fn a_blend_mode_over_bare_paper_leaves_the_source(renderer: &dyn Renderer) {
    for mode in ["Multiply", "Darken"] {
        let state = format!("/ExtGState << /B << /BM /{mode} >> >>");
        let contents = "/B gs 0.2 0.4 0.6 rg 0 0 50 100 re f";
        let points = [(25, 50, [51, 102, 153]), (75, 50, WHITE)];
        assert_points(renderer, &Pdf::square(&state, contents), 1, mode, &points);
    }
}
