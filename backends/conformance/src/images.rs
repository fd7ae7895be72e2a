//! Images: depths, colours, decode arrays, inline images.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLACK, BLUE, GREEN, RED, WHITE, YELLOW, assert_points};

crate::check_list! {
    "Images of 1 to 16 bits" => [
        gray_samples_of_1_2_4_8_and_16_bits_keep_their_levels,
        rgb_samples_of_4_8_and_16_bits_keep_their_colours,
        rows_start_at_whole_bytes,
        indexed_samples_of_1_2_4_and_8_bits_are_looked_up,
        a_decode_array_turns_samples_round,
        an_image_may_be_in_any_colour_space,
        an_image_is_turned_and_mirrored_by_its_matrix,
        a_large_image_is_scaled_down_to_its_mean,
        an_image_with_too_few_samples_shows_those_that_there_are,
    ],
    "Inline images" => [
        inline_images_are_drawn,
        inline_images_use_short_names_and_filters,
        an_inline_image_may_contain_its_own_end_mark,
    ],
}

/// The middles of the quarters of the page: upper left, upper right, lower left, lower right.
const QUARTERS: [(u32, u32); 4] = [(25, 75), (75, 75), (25, 25), (75, 25)];

/// Draws an image of 2 × 2 px over the page.
fn image(entries: &str, samples: &[u8]) -> Pdf {
    Pdf::square("/XObject << /I 5 0 R >>", "100 0 0 100 0 0 cm /I Do")
        .binary(&format!("/Type /XObject /Subtype /Image /Width 2 /Height 2 {entries}"), samples)
}

fn assert_quarters(renderer: &dyn Renderer, pdf: &Pdf, what: &str, expected: [[u8; 3]; 4]) {
    let points: Vec<_> = QUARTERS.iter().zip(expected).map(|(&(x, y), colour)| (x, y, colour)).collect();
    assert_points(renderer, pdf, 1, what, &points);
}

fn gray_samples_of_1_2_4_8_and_16_bits_keep_their_levels(renderer: &dyn Renderer) {
    for (bits, samples, levels) in [
        (1, &[0b0100_0000, 0b1000_0000][..], [0, 255, 255, 0]),
        (2, &[0b0001_0000, 0b1011_0000], [0, 85, 170, 255]),
        (4, &[0x03, 0xCF], [0, 51, 204, 255]),
        (8, &[0, 51, 204, 255], [0, 51, 204, 255]),
        (16, &[0, 0, 51, 51, 204, 204, 255, 255], [0, 51, 204, 255]),
    ] {
        let pdf = image(&format!("/BitsPerComponent {bits} /ColorSpace /DeviceGray"), samples);
        assert_quarters(renderer, &pdf, &format!("{bits} bits"), levels.map(|v| [v; 3]));
    }
}

fn rgb_samples_of_4_8_and_16_bits_keep_their_colours(renderer: &dyn Renderer) {
    let colours = [RED, GREEN, BLUE, [51, 102, 153]];
    let bytes = colours.concat();
    let twice: Vec<u8> = bytes.iter().flat_map(|&v| [v, v]).collect();
    for (bits, samples) in [(4, &[0xF0, 0x00, 0xF0, 0x00, 0xF3, 0x69][..]), (8, &bytes), (16, &twice)] {
        let pdf = image(&format!("/BitsPerComponent {bits} /ColorSpace /DeviceRGB"), samples);
        assert_quarters(renderer, &pdf, &format!("{bits} bits"), colours);
    }
    let pdf = image(
        "/BitsPerComponent 2 /ColorSpace /DeviceRGB",
        &[0b1100_0000, 0b1100_0000, 0b0000_1101, 0b1011_0000],
    );
    assert_quarters(renderer, &pdf, "2 bits", [RED, GREEN, BLUE, [85, 170, 255]]);
}

fn rows_start_at_whole_bytes(renderer: &dyn Renderer) {
    // Five pixels of one bit: the other three bits of each byte are nothing.
    let pdf = Pdf::square("/XObject << /I 5 0 R >>", "100 0 0 100 0 0 cm /I Do").binary(
        "/Type /XObject /Subtype /Image /Width 5 /Height 2 /BitsPerComponent 1 /ColorSpace /DeviceGray",
        &[0b0101_0111, 0b1010_1000],
    );
    let points = [
        (10, 75, BLACK),
        (30, 75, WHITE),
        (90, 75, BLACK),
        (10, 25, WHITE),
        (30, 25, BLACK),
        (90, 25, WHITE),
    ];
    assert_points(renderer, &pdf, 0, "five columns", &points);
}

fn indexed_samples_of_1_2_4_and_8_bits_are_looked_up(renderer: &dyn Renderer) {
    let space = "/ColorSpace [/Indexed /DeviceRGB 3 <FF0000 00FF00 0000FF FFFF00>]";
    for (bits, samples) in [(2, &[0b0001_0000, 0b1011_0000][..]), (4, &[0x01, 0x23]), (8, &[0, 1, 2, 3])] {
        let pdf = image(&format!("/BitsPerComponent {bits} {space}"), samples);
        assert_quarters(renderer, &pdf, &format!("{bits} bits"), [RED, GREEN, BLUE, YELLOW]);
    }
    let pdf = image("/BitsPerComponent 1 /ColorSpace [/Indexed /DeviceRGB 1 <FF0000 0000FF>]", &[0x40, 0x80]);
    assert_quarters(renderer, &pdf, "1 bit", [RED, BLUE, BLUE, RED]);
}

fn a_decode_array_turns_samples_round(renderer: &dyn Renderer) {
    let gray = "/BitsPerComponent 8 /ColorSpace /DeviceGray";
    let pdf = image(&format!("{gray} /Decode [1 0]"), &[0, 51, 204, 255]);
    assert_quarters(renderer, &pdf, "inverted", [WHITE, [204; 3], [51; 3], BLACK]);
    let pdf = image(&format!("{gray} /Decode [0.2 0.6]"), &[0, 255, 0, 255]);
    assert_quarters(renderer, &pdf, "compressed", [[51; 3], [153; 3], [51; 3], [153; 3]]);
    let pdf =
        image("/BitsPerComponent 8 /ColorSpace /DeviceRGB /Decode [1 0 0 1 0 0]", &[255, 0, 0].repeat(4));
    assert_quarters(renderer, &pdf, "by component", [BLACK; 4]);
    let pdf =
        image("/BitsPerComponent 8 /ColorSpace /DeviceRGB /Decode [1 0 0 1 0 0]", &[0, 255, 255].repeat(4));
    assert_quarters(renderer, &pdf, "by component", [YELLOW; 4]);
    let indexed = "/ColorSpace [/Indexed /DeviceRGB 1 <FF0000 0000FF>] /BitsPerComponent 1 /Decode [1 0]";
    assert_quarters(renderer, &image(indexed, &[0x40, 0x80]), "indexed", [BLUE, RED, RED, BLUE]);
}

fn an_image_may_be_in_any_colour_space(renderer: &dyn Renderer) {
    let tint = "<< /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 0] /N 1 >>";
    let pdf = image(
        &format!("/BitsPerComponent 8 /ColorSpace [/Separation /Spot /DeviceRGB {tint}]"),
        &[0, 255, 51, 204],
    );
    assert_quarters(renderer, &pdf, "Separation", [WHITE, RED, [255, 204, 204], [255, 51, 51]]);
    let pdf = image(
        "/BitsPerComponent 8 /ColorSpace [/Lab << /WhitePoint [0.9642 1 0.8249] /Range [-128 127 -128 127] >>]",
        &[0, 128, 128, 255, 128, 128, 0, 128, 128, 255, 128, 128],
    );
    assert_quarters(renderer, &pdf, "Lab", [BLACK, WHITE, BLACK, WHITE]);
    let table = "[/Indexed [/Separation /Spot /DeviceRGB 6 0 R] 1 <00 FF>]";
    let pdf = image(&format!("/BitsPerComponent 1 /ColorSpace {table}"), &[0x40, 0x80]).object(tint);
    assert_quarters(renderer, &pdf, "Indexed over Separation", [WHITE, RED, RED, WHITE]);
}

fn an_image_is_turned_and_mirrored_by_its_matrix(renderer: &dyn Renderer) {
    let samples = [RED, GREEN, BLUE, YELLOW].concat();
    for (matrix, expected) in [
        ("100 0 0 100 0 0", [RED, GREEN, BLUE, YELLOW]),
        ("-100 0 0 100 100 0", [GREEN, RED, YELLOW, BLUE]),
        ("100 0 0 -100 0 100", [BLUE, YELLOW, RED, GREEN]),
        ("0 100 -100 0 100 0", [GREEN, YELLOW, RED, BLUE]),
    ] {
        let pdf = Pdf::square("/XObject << /I 5 0 R >>", &format!("{matrix} cm /I Do")).binary(
            "/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceRGB",
            &samples,
        );
        assert_quarters(renderer, &pdf, matrix, expected);
    }
}

fn a_large_image_is_scaled_down_to_its_mean(renderer: &dyn Renderer) {
    // 800 columns, black and white by turns, on 100 px.
    let pdf = Pdf::square("/XObject << /I 5 0 R >>", "100 0 0 100 0 0 cm /I Do").binary(
        "/Type /XObject /Subtype /Image /Width 800 /Height 800 /BitsPerComponent 1 /ColorSpace /DeviceGray",
        &[0b0101_0101; 80_000],
    );
    assert_points(renderer, &pdf, 10, "stripes", &[(50, 50, [128; 3]), (10, 90, [128; 3])]);
}

fn an_image_with_too_few_samples_shows_those_that_there_are(renderer: &dyn Renderer) {
    let pdf = image("/BitsPerComponent 8 /ColorSpace /DeviceRGB", &[RED, GREEN].concat());
    assert_points(renderer, &pdf, 1, "upper half", &[(25, 75, RED), (75, 75, GREEN)]);
}

/// Draws contents with an inline image; what is after it shows that its end was found.
fn assert_inline(renderer: &dyn Renderer, entries: &str, data: &[u8], expected: [[u8; 3]; 4]) {
    let contents = [
        format!("q 100 0 0 100 0 0 cm BI {entries} ID ").as_bytes(),
        data,
        b"\nEI Q 0 1 1 rg 45 45 10 10 re f",
    ]
    .concat();
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
        .object(
            "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [0 0 100 100] \
             /Resources << /ColorSpace << /Named [/Indexed /DeviceRGB 1 <FF0000 0000FF>] >> >> >>",
        )
        .binary("", &contents);
    assert_quarters(renderer, &pdf, entries, expected);
    assert_points(renderer, &pdf, 0, entries, &[(50, 50, [0, 255, 255])]);
}

fn inline_images_are_drawn(renderer: &dyn Renderer) {
    let rgb = "/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceRGB";
    assert_inline(renderer, rgb, &[RED, GREEN, BLUE, YELLOW].concat(), [RED, GREEN, BLUE, YELLOW]);
    assert_inline(renderer, "/W 2 /H 2 /BPC 1 /CS /Named", &[0x40, 0x80], [RED, BLUE, BLUE, RED]);
}

fn inline_images_use_short_names_and_filters(renderer: &dyn Renderer) {
    let gray = [WHITE, BLACK, BLACK, WHITE];
    assert_inline(renderer, "/W 2 /H 2 /BPC 1 /CS /G /F /AHx", b"80 40>", gray);
    assert_inline(renderer, "/W 2 /H 2 /BPC 1 /CS /G /D [1 0] /F [/AHx]", b"40 80>", gray);
    assert_inline(renderer, "/W 2 /H 2 /BPC 8 /CS /G /F /RL", &[0, 255, 255, 0, 0, 255, 128], gray);
    let indexed = "/W 2 /H 2 /BPC 1 /CS [/I /RGB 1 <FF0000 0000FF>]";
    assert_inline(renderer, indexed, &[0x40, 0x80], [RED, BLUE, BLUE, RED]);
    assert_inline(
        renderer,
        "/W 2 /H 2 /BPC 8 /CS /RGB /F /AHx",
        b"FF000000FF000000FFFFFF00>",
        [RED, GREEN, BLUE, YELLOW],
    );
}

fn an_inline_image_may_contain_its_own_end_mark(renderer: &dyn Renderer) {
    // " EI " is four gray levels of the first row; the others are 20 rows of white.
    let samples = [b" EI ".as_slice(), &[255; 76]].concat();
    let contents = [
        b"q 100 0 0 100 0 0 cm BI /W 4 /H 20 /BPC 8 /CS /G ID ".as_slice(),
        &samples,
        b"\nEI Q 1 0 0 rg 45 45 10 10 re f",
    ]
    .concat();
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
        .object("<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [0 0 100 100] >>")
        .binary("", &contents);
    let points = [(12, 97, [32; 3]), (37, 97, [69; 3]), (62, 97, [73; 3]), (12, 50, WHITE), (50, 50, RED)];
    assert_points(renderer, &pdf, 1, "EI", &points);
}
