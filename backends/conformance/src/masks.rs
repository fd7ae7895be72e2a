//! Masks of images: stencils, colour keys, masks and soft masks.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, RED, WHITE, YELLOW, assert_points};

crate::check_list! {
    "Image masks and soft masks of images" => [
        a_stencil_is_painted_in_the_current_colour,
        a_stencil_is_painted_with_a_pattern,
        a_colour_key_hides_a_range_of_samples,
        an_explicit_mask_hides_where_it_is_set,
        a_soft_mask_of_an_image_is_its_alpha,
        a_mask_may_have_another_size_than_its_image,
        a_soft_mask_with_a_decode_array_is_inverted,
        a_matte_is_taken_out_of_the_colours,
        constant_alpha_applies_to_images,
    ],
}

/// The middles of the quarters of the page: upper left, upper right, lower left, lower right.
const QUARTERS: [(u32, u32); 4] = [(25, 75), (75, 75), (25, 25), (75, 25)];
const IMAGE: &str = "/Type /XObject /Subtype /Image /Width 2 /Height 2";
const RGB: &str = "/BitsPerComponent 8 /ColorSpace /DeviceRGB";
const GRAY: &str = "/BitsPerComponent 8 /ColorSpace /DeviceGray";

/// Draws an image, object 5, over a page of green.
fn over_green(state: &str, entries: &str, samples: &[u8]) -> Pdf {
    Pdf::square(
        &format!("/XObject << /I 5 0 R >> /ExtGState << /S << {state} >> >>"),
        "0 1 0 rg 0 0 100 100 re f 1 0 0 rg /S gs 100 0 0 100 0 0 cm /I Do",
    )
    .binary(&format!("{IMAGE} {entries}"), samples)
}

fn assert_quarters(renderer: &dyn Renderer, pdf: &Pdf, what: &str, expected: [[u8; 3]; 4]) {
    let points: Vec<_> = QUARTERS.iter().zip(expected).map(|(&(x, y), colour)| (x, y, colour)).collect();
    assert_points(renderer, pdf, 2, what, &points);
}

fn a_stencil_is_painted_in_the_current_colour(renderer: &dyn Renderer) {
    // Where the sample is 0 there is paint.
    let pdf = over_green("", "/ImageMask true /BitsPerComponent 1", &[0x40, 0x80]);
    assert_quarters(renderer, &pdf, "stencil", [RED, GREEN, GREEN, RED]);
    let pdf = over_green("", "/ImageMask true /Decode [1 0]", &[0x40, 0x80]);
    assert_quarters(renderer, &pdf, "/Decode [1 0]", [GREEN, RED, RED, GREEN]);
}

fn a_stencil_is_painted_with_a_pattern(renderer: &dyn Renderer) {
    let pdf = Pdf::square(
        "/XObject << /I 5 0 R >> /Pattern << /P 6 0 R >>",
        "/Pattern cs /P scn 100 0 0 100 0 0 cm /I Do",
    )
    .binary(&format!("{IMAGE} /ImageMask true"), &[0x40, 0x80])
    .stream(
        "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /Resources << >> \
         /BBox [0 0 100 100] /XStep 100 /YStep 100",
        "1 0 0 rg 0 0 100 50 re f 0 0 1 rg 0 50 100 50 re f",
    );
    assert_quarters(renderer, &pdf, "stencil", [BLUE, WHITE, WHITE, RED]);
}

fn a_colour_key_hides_a_range_of_samples(renderer: &dyn Renderer) {
    let samples = [RED, BLUE, YELLOW, [250, 10, 5]].concat();
    let pdf = over_green("", &format!("{RGB} /Mask [240 255 0 20 0 20]"), &samples);
    assert_quarters(renderer, &pdf, "RGB", [GREEN, BLUE, YELLOW, GREEN]);
    let indexed = "/BitsPerComponent 2 /ColorSpace [/Indexed /DeviceRGB 3 <FF0000 0000FF FFFF00 FFFFFF>]";
    let pdf = over_green("", &format!("{indexed} /Mask [1 2]"), &[0b0001_0000, 0b1011_0000]);
    assert_quarters(renderer, &pdf, "indexed", [RED, GREEN, GREEN, WHITE]);
}

fn an_explicit_mask_hides_where_it_is_set(renderer: &dyn Renderer) {
    let blue = [BLUE; 4].concat();
    for (decode, expected) in
        [("", [BLUE, GREEN, GREEN, BLUE]), ("/Decode [1 0]", [GREEN, BLUE, BLUE, GREEN])]
    {
        let pdf = over_green("", &format!("{RGB} /Mask 6 0 R"), &blue)
            .binary(&format!("{IMAGE} /ImageMask true {decode}"), &[0x40, 0x80]);
        assert_quarters(renderer, &pdf, decode, expected);
    }
}

fn a_soft_mask_of_an_image_is_its_alpha(renderer: &dyn Renderer) {
    let pdf = over_green("", &format!("{RGB} /SMask 6 0 R"), &[BLUE; 4].concat())
        .binary(&format!("{IMAGE} {GRAY}"), &[255, 0, 51, 204]);
    assert_quarters(renderer, &pdf, "soft mask", [BLUE, GREEN, [0, 204, 51], [0, 51, 204]]);
}

fn a_mask_may_have_another_size_than_its_image(renderer: &dyn Renderer) {
    let samples: Vec<u8> = (0..40 * 30).map(|i| if i % 40 < 20 { 255 } else { 0 }).collect();
    let pdf = over_green("", &format!("{RGB} /SMask 6 0 R"), &[RED, RED, BLUE, BLUE].concat())
        .binary(&format!("/Type /XObject /Subtype /Image /Width 40 /Height 30 {GRAY}"), &samples);
    assert_quarters(renderer, &pdf, "a finer mask", [RED, GREEN, BLUE, GREEN]);
    let pdf = over_green("", &format!("{RGB} /SMask 6 0 R"), &[RED, RED, BLUE, BLUE].concat())
        .binary(&format!("/Type /XObject /Subtype /Image /Width 1 /Height 1 {GRAY}"), &[51]);
    let (red, blue) = ([51, 204, 0], [0, 204, 51]);
    assert_quarters(renderer, &pdf, "a coarser mask", [red, red, blue, blue]);
}

fn a_soft_mask_with_a_decode_array_is_inverted(renderer: &dyn Renderer) {
    let pdf = over_green("", &format!("{RGB} /SMask 6 0 R"), &[BLUE; 4].concat())
        .binary(&format!("{IMAGE} {GRAY} /Decode [1 0]"), &[255, 0, 51, 204]);
    assert_quarters(renderer, &pdf, "/Decode [1 0]", [GREEN, BLUE, [0, 51, 204], [0, 204, 51]]);
}

fn a_matte_is_taken_out_of_the_colours(renderer: &dyn Renderer) {
    // Blue at one half, already mixed with black.
    let samples = [BLUE, [0, 0, 128], BLUE, [0, 0, 128]].concat();
    let pdf = over_green("", &format!("{RGB} /SMask 6 0 R"), &samples)
        .binary(&format!("{IMAGE} {GRAY} /Matte [0 0 0]"), &[255, 128, 255, 128]);
    assert_quarters(renderer, &pdf, "/Matte", [BLUE, [0, 127, 128], BLUE, [0, 127, 128]]);
}

fn constant_alpha_applies_to_images(renderer: &dyn Renderer) {
    let pdf = over_green("/ca 0.4", RGB, &[BLUE; 4].concat());
    assert_quarters(renderer, &pdf, "/ca 0.4", [[0, 153, 102]; 4]);
    let pdf = over_green("/ca 0.4", &format!("{RGB} /SMask 6 0 R"), &[BLUE; 4].concat())
        .binary(&format!("{IMAGE} {GRAY}"), &[255, 0, 128, 0]);
    assert_quarters(renderer, &pdf, "with a soft mask", [[0, 153, 102], GREEN, [0, 204, 51], GREEN]);
}
