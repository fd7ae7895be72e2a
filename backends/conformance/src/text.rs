//! Where text stands and how it is painted, in a Type 3 font whose glyphs are boxes.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLACK, BLUE, GREEN, Point, RED, WHITE, assert_points, has_ink, picture, pixel};

crate::check_list! {
    "Text layout and rendering modes" => [
        text_is_placed_by_its_matrix_and_moves,
        spacing_scaling_and_rise_move_text,
        adjustments_between_strings_move_text,
        spacing_set_between_strings_does_not_cost_the_text,
        text_in_the_invisible_mode_has_no_ink,
        text_can_be_stroked_and_filled,
        text_can_clip_what_follows,
        text_that_clips_does_so_until_the_state_is_restored,
        hexadecimal_strings_and_escapes_are_read,
        the_graphics_state_can_set_the_font,
    ],
    "Type 3 fonts" => [
        type_3_glyphs_take_the_current_colour_or_bring_their_own,
        type_3_glyphs_find_their_resources_in_the_font_or_the_page,
        type_3_fonts_have_any_matrix,
    ],
    "Text in fonts that are not embedded" => [
        an_unknown_font_is_replaced,
        an_encoding_with_differences_chooses_the_glyphs,
        symbols_are_not_letters,
    ],
}

/// Draws text whose glyph `a` is a box as large as the font; `b` is empty and half as wide.
fn boxes(contents: &str) -> Pdf {
    type_3("[0.001 0 0 0.001 0 0]", "", contents, "1000 0 0 0 1000 1000 d1 0 0 1000 1000 re f", "500 0 d0")
}

fn type_3(matrix: &str, font_entries: &str, contents: &str, a: &str, b: &str) -> Pdf {
    Pdf::square("/Font << /F 5 0 R >> /ExtGState << /Large << /Font [5 0 R 20] >> >>", contents)
        .object(&format!(
            "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix {matrix} \
             /FirstChar 32 /LastChar 98 /Widths 8 0 R /CharProcs << /a 6 0 R /b 7 0 R /space 7 0 R >> \
             /Encoding << /Type /Encoding /Differences [32 /space 97 /a /b] >> {font_entries} >>"
        ))
        .stream("", a)
        .stream("", b)
        .object(&format!("[500 {} 1000 500]", "0 ".repeat(64)))
}

fn assert_drawn(renderer: &dyn Renderer, contents: &str, points: &[Point]) {
    assert_points(renderer, &boxes(contents), 0, contents, points);
}

fn text_is_placed_by_its_matrix_and_moves(renderer: &dyn Renderer) {
    assert_drawn(
        renderer,
        "BT /F 20 Tf 10 70 Td (a) Tj 50 -40 Td (a) Tj ET",
        &[(20, 80, BLACK), (70, 40, BLACK), (70, 80, WHITE), (20, 40, WHITE), (35, 80, WHITE)],
    );
    assert_drawn(
        renderer,
        "BT /F 20 Tf 1 0 0 2 10 50 Tm (a) Tj ET",
        &[(20, 55, BLACK), (20, 85, BLACK), (35, 70, WHITE), (20, 95, WHITE)],
    );
    assert_drawn(
        renderer,
        "BT /F 20 Tf 25 TL 10 70 Td (a) Tj T* (ba) Tj (a) ' 0 0 (a) \" ET",
        &[
            (20, 80, BLACK),
            (15, 55, WHITE),
            (30, 55, BLACK),
            (20, 30, BLACK),
            (20, 5, BLACK),
            (20, 42, WHITE),
        ],
    );
    assert_drawn(
        renderer,
        "BT /F 20 Tf 10 70 TD (a) Tj 40 -30 TD (a) Tj T* (a) Tj ET",
        &[(20, 80, BLACK), (60, 50, BLACK), (60, 20, BLACK), (20, 50, WHITE)],
    );
    assert_drawn(
        renderer,
        "q 0 1 -1 0 100 0 cm BT /F 20 Tf 10 20 Td (aa) Tj ET Q",
        &[(70, 20, BLACK), (70, 40, BLACK), (70, 60, WHITE), (90, 20, WHITE)],
    );
}

fn spacing_scaling_and_rise_move_text(renderer: &dyn Renderer) {
    assert_drawn(
        renderer,
        "BT /F 20 Tf 10 Tc 0 40 Td (aaa) Tj ET",
        &[(10, 50, BLACK), (25, 50, WHITE), (40, 50, BLACK), (55, 50, WHITE), (70, 50, BLACK)],
    );
    assert_drawn(
        renderer,
        "BT /F 20 Tf 30 Tw 0 40 Td (a a) Tj ET",
        &[(10, 50, BLACK), (40, 50, WHITE), (57, 50, WHITE), (70, 50, BLACK), (82, 50, WHITE)],
    );
    assert_drawn(
        renderer,
        "BT /F 20 Tf 200 Tz 0 40 Td (a) Tj ET",
        &[(5, 50, BLACK), (35, 50, BLACK), (45, 50, WHITE)],
    );
    assert_drawn(
        renderer,
        "BT /F 20 Tf 0 40 Td (a) Tj 20 Ts (a) Tj -20 Ts (a) Tj ET",
        &[(10, 50, BLACK), (30, 70, BLACK), (30, 50, WHITE), (50, 30, BLACK), (50, 50, WHITE)],
    );
}

fn adjustments_between_strings_move_text(renderer: &dyn Renderer) {
    assert_drawn(
        renderer,
        "BT /F 20 Tf 0 40 Td [(a) -1500 (a) 500 -500 (a)] TJ ET",
        &[(10, 50, BLACK), (35, 50, WHITE), (60, 50, BLACK), (80, 50, BLACK), (95, 50, WHITE)],
    );
}

/// An operator has no place in an array, but there are writers that put these two there.
fn spacing_set_between_strings_does_not_cost_the_text(renderer: &dyn Renderer) {
    assert_drawn(
        renderer,
        "BT /F 20 Tf 0 40 Td [(a) 0 Tc -1500 (a) 0.0 Tw 500 -500 (a)] TJ ET",
        &[(10, 50, BLACK), (35, 50, WHITE), (60, 50, BLACK), (80, 50, BLACK), (95, 50, WHITE)],
    );
}

fn text_in_the_invisible_mode_has_no_ink(renderer: &dyn Renderer) {
    assert_drawn(
        renderer,
        "BT /F 20 Tf 0 40 Td (a) Tj ET 1 0 0 rg 40 0 20 100 re f",
        &[(10, 50, BLACK), (50, 50, RED)],
    );
    let text = "BT /F 40 Tf 3 Tr 0 40 Td (HH) Tj 0 Tr ET 1 0 0 rg 80 0 20 100 re f";
    let pixmap = picture(renderer, &helvetica(text).to_bytes());
    assert!(!has_ink(&pixmap, 0..79, 0..100));
    assert!(has_ink(&pixmap, 80..100, 0..100));
}

/// A page with Helvetica that is not embedded.
fn helvetica(contents: &str) -> Pdf {
    named("/BaseFont /Helvetica", contents)
}

fn named(entries: &str, contents: &str) -> Pdf {
    Pdf::square(&format!("/Font << /F << /Type /Font /Subtype /Type1 {entries} >> >>"), contents)
}

// The bar of Helvetica's letter I at 120 pt is 11 pt wide and 87 pt high.
const LETTER_I: &str = "BT /F 120 Tf 30 5 Td (I) Tj ET";

fn text_can_be_stroked_and_filled(renderer: &dyn Renderer) {
    let state = "1 0 0 rg 0 0 1 RG 3 w";
    for (mode, inside, edge) in [(0, RED, false), (1, WHITE, true), (2, RED, true)] {
        let pdf = helvetica(&format!("{state} {mode} Tr {LETTER_I}"));
        assert_points(renderer, &pdf, 2, &format!("{mode} Tr"), &[(47, 50, inside), (80, 50, WHITE)]);
        let pixmap = picture(renderer, &pdf.to_bytes());
        let is_blue = |x: u32| {
            let p = pixel(&pixmap, x, 50);
            p[2] > 200 && p[0] < 60
        };
        assert_eq!((30..60).any(is_blue), edge, "{mode} Tr: an edge");
    }
}

fn text_can_clip_what_follows(renderer: &dyn Renderer) {
    for mode in [4, 7] {
        let pdf = helvetica(&format!("0 1 0 rg {mode} Tr {LETTER_I} 1 0 0 rg 0 0 100 100 re f"));
        assert_points(
            renderer,
            &pdf,
            2,
            &format!("{mode} Tr"),
            &[(47, 50, RED), (80, 50, WHITE), (20, 50, WHITE), (47, 98, WHITE)],
        );
    }
}

fn text_that_clips_does_so_until_the_state_is_restored(renderer: &dyn Renderer) {
    let contents = format!("q 7 Tr {LETTER_I} 1 0 0 rg 0 0 100 100 re f Q 0 0 1 rg 70 0 30 100 re f");
    let points = [(47, 50, RED), (80, 50, BLUE), (20, 50, WHITE)];
    assert_points(renderer, &helvetica(&contents), 2, "q … Q", &points);
}

fn hexadecimal_strings_and_escapes_are_read(renderer: &dyn Renderer) {
    for string in ["<61 62 61>", "<616261>", "(\\141\\142a)", "(a\\\nba)", "<61626>", "(\\a\\142\\141)"] {
        // The last digit that is missing is a 0: a glyph that there is not.
        let third = if string == "<61626>" { WHITE } else { BLACK };
        assert_drawn(
            renderer,
            &format!("BT /F 20 Tf 0 40 Td {string} Tj ET"),
            &[(10, 50, BLACK), (25, 50, WHITE), (40, 50, third), (55, 50, WHITE)],
        );
    }
}

fn the_graphics_state_can_set_the_font(renderer: &dyn Renderer) {
    let contents = "/Large gs 0 0 1 rg BT 10 10 Td (a) Tj ET";
    assert_drawn(renderer, contents, &[(20, 20, BLUE), (35, 20, WHITE), (20, 35, WHITE)]);
}

fn type_3_glyphs_take_the_current_colour_or_bring_their_own(renderer: &dyn Renderer) {
    let pdf = type_3(
        "[0.001 0 0 0.001 0 0]",
        "",
        "1 0 0 rg BT /F 40 Tf 0 40 Td (ab) Tj ET",
        // In a glyph of `d1` colours have no effect.
        "1000 0 0 0 1000 1000 d1 0 0 1 rg 0 0 1000 1000 re f",
        "500 0 d0 0 1 0 rg 0 0 500 1000 re f",
    );
    assert_points(renderer, &pdf, 0, "d1 and d0", &[(20, 60, RED), (50, 60, GREEN), (80, 60, WHITE)]);
}

fn type_3_glyphs_find_their_resources_in_the_font_or_the_page(renderer: &dyn Renderer) {
    for (font, page) in [("/Resources << /XObject << /X 9 0 R >> >>", ""), ("", "/XObject << /X 9 0 R >>")] {
        let pdf = Pdf::square(
            &format!("/Font << /F 5 0 R >> {page}"),
            "1 0 0 rg BT /F 40 Tf 10 40 Td (a) Tj ET",
        )
        .object(&format!(
            "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 \
             /LastChar 97 /Widths [1] /CharProcs << /a 6 0 R >> /Encoding << /Differences [97 /a] >> {font} >>"
        ))
        .stream("", "1 0 0 0 1 1 d1 /X Do")
        .object("null")
        .object("null")
        .stream("/Type /XObject /Subtype /Form /BBox [0 0 1 1]", "0 0 1 1 re f");
        assert_points(renderer, &pdf, 0, "resources", &[(30, 60, RED), (60, 60, WHITE)]);
    }
}

fn type_3_fonts_have_any_matrix(renderer: &dyn Renderer) {
    // Leaning by 45°, in a space of 100 units; the widths are in that space too.
    let pdf = type_3(
        "[0.01 0 0.01 0.01 0 0]",
        "",
        "BT /F 40 Tf 0 40 Td (a) Tj ET",
        "100 0 0 0 200 100 d1 0 0 100 100 re f",
        "50 0 d0",
    );
    let points = [(20, 45, BLACK), (60, 75, BLACK), (10, 75, WHITE), (65, 45, WHITE)];
    assert_points(renderer, &pdf, 0, "leaning", &points);
}

fn an_unknown_font_is_replaced(renderer: &dyn Renderer) {
    let descriptor = "/FontDescriptor << /Type /FontDescriptor /FontName /Nowhere-Sans /Flags 32 \
                      /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>";
    for subtype in ["Type1", "TrueType"] {
        let pdf = Pdf::square(
            &format!(
                "/Font << /F << /Type /Font /Subtype /{subtype} /BaseFont /Nowhere-Sans /FirstChar 72 \
                 /LastChar 72 /Widths [700] {descriptor} >> >>"
            ),
            "BT /F 60 Tf 10 20 Td (H) Tj ET",
        );
        let pixmap = picture(renderer, &pdf.to_bytes());
        assert!(has_ink(&pixmap, 10..55, 30..80), "{subtype}");
        assert!(!has_ink(&pixmap, 62..100, 0..100), "{subtype}");
        assert!(!has_ink(&pixmap, 0..100, 85..100), "{subtype}");
    }
}

fn an_encoding_with_differences_chooses_the_glyphs(renderer: &dyn Renderer) {
    let draw = |encoding: &str, text: &str| {
        let contents = format!("BT /F 60 Tf 10 20 Td ({text}) Tj ET");
        picture(renderer, &named(&format!("/BaseFont /Helvetica {encoding}"), &contents).to_bytes())
    };
    let differences = "/Encoding << /Type /Encoding /Differences [65 /H /period] >>";
    let plain = draw("", "H");
    assert!(has_ink(&plain, 10..60, 30..80));
    assert!(draw(differences, "A").data() == plain.data(), "A is drawn as H");
    assert!(draw("", "A").data() != plain.data());
    let dot = draw(differences, "B");
    assert!(has_ink(&dot, 10..40, 70..81) && !has_ink(&dot, 0..100, 0..65), "B is drawn as a period");
    // ä is 0xE4 in WinAnsi and 0x8A in MacRoman.
    let (win, mac) =
        (draw("/Encoding /WinAnsiEncoding", "\\344"), draw("/Encoding /MacRomanEncoding", "\\212"));
    assert!(has_ink(&win, 10..60, 30..80));
    assert!(win.data() == mac.data(), "an umlaut");
}

fn symbols_are_not_letters(renderer: &dyn Renderer) {
    for font in ["Symbol", "ZapfDingbats"] {
        let contents = "BT /F 60 Tf 10 20 Td (b) Tj ET";
        let symbol = picture(renderer, &named(&format!("/BaseFont /{font}"), contents).to_bytes());
        let letter = picture(renderer, &helvetica(contents).to_bytes());
        assert!(has_ink(&symbol, 10..70, 20..95), "{font}");
        assert!(symbol.data() != letter.data(), "{font}");
    }
}
