//! Embedded fonts of every kind, whose glyphs are boxes: A is a square of an em, B its left half,
//! C its lower half. `fixtures/make.py` makes them.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLACK, WHITE, assert_points};

crate::check_list! {
    "Embedded fonts" => [
        an_embedded_type_1_font_is_used,
        an_embedded_cff_font_is_used,
        an_embedded_truetype_font_is_used,
        an_embedded_opentype_font_is_used,
        widths_of_the_pdf_place_the_glyphs,
        a_broken_embedded_font_does_not_cost_the_page,
    ],
    "Composite fonts with embedded glyphs" => [
        a_composite_truetype_font_is_used_by_glyph_number,
        a_map_from_characters_to_glyphs_is_followed,
        a_composite_cff_font_is_used,
        an_embedded_character_map_is_used,
        a_predefined_character_map_is_used,
        widths_by_character_place_the_glyphs,
        text_runs_downwards_in_the_vertical_mode,
    ],
}

const TYPE_1: &[u8] = include_bytes!("../fixtures/boxes.pfa");
const CFF: &[u8] = include_bytes!("../fixtures/boxes.cff");
const TRUETYPE: &[u8] = include_bytes!("../fixtures/boxes.ttf");
const OPENTYPE: &[u8] = include_bytes!("../fixtures/boxes.otf");

fn descriptor(flags: u32, file: &str) -> String {
    format!(
        "<< /Type /FontDescriptor /FontName /ABCDEF+Boxes /Flags {flags} /FontBBox [0 0 1000 1000] \
         /ItalicAngle 0 /Ascent 1000 /Descent 0 /CapHeight 1000 /StemV 80 {file} >>"
    )
}

/// A page with a simple font whose program is object 7.
fn simple(font: &str, flags: u32, file: &str, file_entries: &str, program: &[u8], contents: &str) -> Pdf {
    Pdf::square("/Font << /F 5 0 R >>", contents)
        .object(&format!(
            "<< /Type /Font /BaseFont /ABCDEF+Boxes /FirstChar 65 /LastChar 67 /Widths [1000 1000 1000] \
             /FontDescriptor 6 0 R {font} >>"
        ))
        .object(&descriptor(flags, &format!("/{file} 7 0 R")))
        .binary(file_entries, program)
}

const ABC: &str = "BT /F 30 Tf 0 40 Td (ABC) Tj ET";

/// A, B and C of 30 pt side by side, on a line at 40.
fn assert_abc(renderer: &dyn Renderer, pdf: &Pdf, what: &str) {
    let points = [
        (8, 62, BLACK),
        (22, 48, BLACK),
        (38, 62, BLACK),
        (52, 48, WHITE),
        (68, 62, WHITE),
        (82, 48, BLACK),
        (50, 35, WHITE),
        (50, 75, WHITE),
        (95, 50, WHITE),
    ];
    assert_points(renderer, pdf, 0, what, &points);
}

fn an_embedded_type_1_font_is_used(renderer: &dyn Renderer) {
    let lengths = "/Length1 321 /Length2 494 /Length3 532";
    for encoding in ["", "/Encoding /WinAnsiEncoding"] {
        let font = format!("/Subtype /Type1 {encoding}");
        assert_abc(renderer, &simple(&font, 32, "FontFile", lengths, TYPE_1, ABC), encoding);
    }
    let renamed = "/Subtype /Type1 /Encoding << /Differences [65 /B /C /A] >>";
    let contents = "BT /F 30 Tf 0 40 Td (CAB) Tj ET";
    assert_abc(renderer, &simple(renamed, 32, "FontFile", lengths, TYPE_1, contents), "renamed");
}

fn an_embedded_cff_font_is_used(renderer: &dyn Renderer) {
    let entries = "/Subtype /Type1C";
    assert_abc(renderer, &simple("/Subtype /Type1", 32, "FontFile3", entries, CFF, ABC), "CFF");
}

fn an_embedded_truetype_font_is_used(renderer: &dyn Renderer) {
    let entries = format!("/Length1 {}", TRUETYPE.len());
    for (flags, encoding) in
        [(4, ""), (32, "/Encoding /WinAnsiEncoding"), (32, "/Encoding /MacRomanEncoding")]
    {
        let font = format!("/Subtype /TrueType {encoding}");
        assert_abc(renderer, &simple(&font, flags, "FontFile2", &entries, TRUETYPE, ABC), encoding);
    }
}

fn an_embedded_opentype_font_is_used(renderer: &dyn Renderer) {
    let font = "/Subtype /Type1 /Encoding /WinAnsiEncoding";
    assert_abc(renderer, &simple(font, 32, "FontFile3", "/Subtype /OpenType", OPENTYPE, ABC), "OpenType");
}

fn widths_of_the_pdf_place_the_glyphs(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/Font << /F 5 0 R >>", "BT /F 20 Tf 0 40 Td (AAA) Tj ET")
        .object(
            "<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Boxes /FirstChar 65 /LastChar 65 \
             /Widths [2000] /FontDescriptor 6 0 R >>",
        )
        .object(&descriptor(32, "/FontFile3 7 0 R"))
        .binary("/Subtype /Type1C", CFF);
    // What is between the glyphs is left open: some engines stretch a glyph to its width.
    assert_points(renderer, &pdf, 0, "widths", &[(10, 50, BLACK), (50, 50, BLACK), (90, 50, BLACK)]);
}

fn a_broken_embedded_font_does_not_cost_the_page(renderer: &dyn Renderer) {
    for (file, program) in
        [("FontFile", &b"garbage"[..]), ("FontFile2", &TRUETYPE[..100]), ("FontFile3", &CFF[..20])]
    {
        let contents = format!("{ABC} 0 g 40 0 20 20 re f");
        let pdf = simple("/Subtype /Type1", 32, file, "", program, &contents);
        assert_points(renderer, &pdf, 0, file, &[(50, 10, BLACK), (95, 5, WHITE)]);
    }
}

/// A page with a composite font, whose program is object 8.
fn composite(encoding: &str, descendant: &str, file: &str, program: &[u8], contents: &str) -> Pdf {
    let entries = if file == "FontFile3" { "/Subtype /CIDFontType0C" } else { "" };
    Pdf::square("/Font << /F 5 0 R >>", contents)
        .object(&format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Boxes /Encoding {encoding} /DescendantFonts [6 0 R] >>"
        ))
        .object(&format!(
            "<< /Type /Font /BaseFont /ABCDEF+Boxes /DW 1000 /FontDescriptor 7 0 R \
             /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> {descendant} >>"
        ))
        .object(&descriptor(4, &format!("/{file} 8 0 R")))
        .binary(entries, program)
}

const IDENTITY: &str = "/Subtype /CIDFontType2 /CIDToGIDMap /Identity";
const ONE_TWO_THREE: &str = "BT /F 30 Tf 0 40 Td <000100020003> Tj ET";

fn a_composite_truetype_font_is_used_by_glyph_number(renderer: &dyn Renderer) {
    for map in ["/CIDToGIDMap /Identity", ""] {
        let descendant = format!("/Subtype /CIDFontType2 {map}");
        let pdf = composite("/Identity-H", &descendant, "FontFile2", TRUETYPE, ONE_TWO_THREE);
        assert_abc(renderer, &pdf, map);
    }
}

fn a_map_from_characters_to_glyphs_is_followed(renderer: &dyn Renderer) {
    // Characters 5, 6, 7 are glyphs 1, 2, 3.
    let map: Vec<u8> = [0, 0, 0, 0, 0, 1, 2, 3].into_iter().flat_map(|glyph| [0, glyph]).collect();
    let contents = "BT /F 30 Tf 0 40 Td <000500060007> Tj ET";
    let descendant = "/Subtype /CIDFontType2 /CIDToGIDMap 9 0 R";
    let pdf = composite("/Identity-H", descendant, "FontFile2", TRUETYPE, contents).binary("", &map);
    assert_abc(renderer, &pdf, "a map");
}

fn a_composite_cff_font_is_used(renderer: &dyn Renderer) {
    let pdf = composite("/Identity-H", "/Subtype /CIDFontType0", "FontFile3", CFF, ONE_TWO_THREE);
    assert_abc(renderer, &pdf, "CFF");
}

fn an_embedded_character_map_is_used(renderer: &dyn Renderer) {
    // Codes of one byte below 0x80, of two bytes above.
    let map = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap \
               /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> def \
               /CMapName /Own def /CMapType 1 def \
               2 begincodespacerange <00> <7F> <8000> <FFFF> endcodespacerange \
               1 begincidrange <41> <42> 1 endcidrange 1 begincidchar <8001> 3 endcidchar \
               endcmap CMapName currentdict /CMap defineresource pop end end";
    let contents = "BT /F 30 Tf 0 40 Td <41428001> Tj ET";
    let pdf = composite("9 0 R", IDENTITY, "FontFile2", TRUETYPE, contents).stream(
        "/Type /CMap /CMapName /Own /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>",
        map,
    );
    assert_abc(renderer, &pdf, "a map of its own");
}

/// In Adobe-Japan1, `ABC` is characters 34, 35, 36, and a shift of bytes in two of three encodings.
fn a_predefined_character_map_is_used(renderer: &dyn Renderer) {
    for (encoding, text) in
        [("UniJIS-UCS2-H", "<004100420043>"), ("UniJIS-UTF16-H", "<004100420043>"), ("90msp-RKSJ-H", "(ABC)")]
    {
        // Glyph of each character: 34, 35, 36, or their wide or half-wide fellows 231 + 33 … .
        let mut map = vec![0_u8; 2 * 700];
        for (letter, glyph) in [(0, 1), (1, 2), (2, 3)] {
            for first in [34, 264] {
                map[2 * (first + letter) + 1] = glyph;
            }
        }
        let descendant = "/Subtype /CIDFontType2 /CIDToGIDMap 9 0 R \
                          /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >>";
        let contents = format!("BT /F 30 Tf 0 40 Td {text} Tj ET");
        let pdf = Pdf::square("/Font << /F 5 0 R >>", &contents)
            .object(&format!(
                "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Boxes /Encoding /{encoding} /DescendantFonts [6 0 R] >>"
            ))
            .object(&format!(
                "<< /Type /Font /BaseFont /ABCDEF+Boxes /DW 1000 /FontDescriptor 7 0 R {descendant} >>"
            ))
            .object(&descriptor(4, "/FontFile2 8 0 R"))
            .binary("", TRUETYPE)
            .binary("", &map);
        assert_abc(renderer, &pdf, encoding);
    }
}

fn widths_by_character_place_the_glyphs(renderer: &dyn Renderer) {
    for widths in ["/W [1 [2000]]", "/W [1 3 2000]", "/DW 2000"] {
        let contents = "BT /F 20 Tf 0 40 Td <00010001> Tj ET";
        let descendant = format!("{IDENTITY} {widths}");
        let pdf = Pdf::square("/Font << /F 5 0 R >>", contents)
            .object(
                "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Boxes /Encoding /Identity-H \
                 /DescendantFonts [6 0 R] >>",
            )
            .object(&format!(
                "<< /Type /Font /BaseFont /ABCDEF+Boxes /FontDescriptor 7 0 R \
                 /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> {descendant} >>"
            ))
            .object(&descriptor(4, "/FontFile2 8 0 R"))
            .binary("", TRUETYPE);
        let points = [(10, 50, BLACK), (50, 50, BLACK), (75, 50, WHITE)];
        assert_points(renderer, &pdf, 0, widths, &points);
    }
}

fn text_runs_downwards_in_the_vertical_mode(renderer: &dyn Renderer) {
    // By default a glyph hangs below the origin by 880 and is centred; the next is 1000 lower.
    let contents = "BT /F 20 Tf 50 90 Td <00010002> Tj ET";
    let pdf = composite("/Identity-V", IDENTITY, "FontFile2", TRUETYPE, contents);
    let points = [
        (45, 80, BLACK),
        (57, 80, BLACK),
        (45, 62, BLACK),
        (56, 62, WHITE),
        (70, 80, WHITE),
        (45, 45, WHITE),
    ];
    assert_points(renderer, &pdf, 0, "/Identity-V", &points);
}
