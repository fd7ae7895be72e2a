//! Chinese, Japanese and Korean text whose font is named and not embedded.
//!
//! An engine draws it only in a build that has a font for it, so these checks are apart from the
//! others. What the right glyph is they know without the font: the same character looks the same
//! through every encoding, and a few have shapes that every font has.

use std::ops::Range;

use render_api::{Pixmap, Renderer};

use crate::pdf::Pdf;
use crate::probe::{has_ink, picture};

crate::check_list! {
    "East Asian text without an embedded font (feature `cjk`)" => [
        east_asian_text_that_brings_no_font_is_drawn_in_its_place,
        different_east_asian_characters_have_different_glyphs,
        an_east_asian_character_is_the_same_in_every_encoding,
        east_asian_characters_have_their_shapes,
        vertical_east_asian_text_runs_down_the_page,
    ],
}

/// A character collection of Adobe's, with two characters in the encodings that it has for Unicode
/// and for the older code of its country.
struct Collection {
    ordering: &'static str,
    font: &'static str,
    unicode: Encoded,
    national: Encoded,
    vertical: &'static str,
}

/// A CMap, and the two characters in it, in hexadecimal.
type Encoded = (&'static str, [&'static str; 2]);

const COLLECTIONS: [Collection; 4] = [
    Collection {
        ordering: "Japan1",
        font: "HeiseiMin-W3",
        unicode: ("UniJIS-UTF16-H", ["65E5", "672C"]),
        national: ("90ms-RKSJ-H", ["93FA", "967B"]),
        vertical: "UniJIS-UTF16-V",
    },
    Collection {
        ordering: "GB1",
        font: "STSong-Light",
        unicode: ("UniGB-UTF16-H", ["4E2D", "56FD"]),
        national: ("GBK-EUC-H", ["D6D0", "B9FA"]),
        vertical: "UniGB-UTF16-V",
    },
    Collection {
        ordering: "CNS1",
        font: "MSung-Light",
        unicode: ("UniCNS-UTF16-H", ["4E2D", "6587"]),
        national: ("ETen-B5-H", ["A4A4", "A4E5"]),
        vertical: "UniCNS-UTF16-V",
    },
    Collection {
        ordering: "Korea1",
        font: "HYSMyeongJo-Medium",
        unicode: ("UniKS-UTF16-H", ["D55C", "AE00"]),
        national: ("KSCms-UHC-H", ["C7D1", "B1DB"]),
        vertical: "UniKS-UTF16-V",
    },
];

/// The page is square, 200 pt wide, and has 60 pt text whose first baseline begins at (40, 100).
const PAGE_PX: u32 = 200;
const EM_PX: u32 = 60;
const LEFT_PX: u32 = 40;
/// Where the em square of the first line is: a little above, and a little below its baseline.
const ROWS: Range<u32> = PAGE_PX - 100 - EM_PX..PAGE_PX - 100 + EM_PX / 3;

impl Collection {
    fn page(&self, cmap: &str, hex: &str) -> Vec<u8> {
        let Collection { ordering, font, .. } = self;
        Pdf::one_page(
            "/MediaBox [0 0 200 200] /Resources << /Font << /F 5 0 R >> >>",
            &format!("BT /F {EM_PX} Tf {LEFT_PX} 100 Td <{hex}> Tj ET"),
        )
        .object(&format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /{font}-{cmap} /Encoding /{cmap} \
             /DescendantFonts [6 0 R] >>"
        ))
        .object(&format!(
            "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{font} /DW 1000 /FontDescriptor 7 0 R \
             /CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement 2 >> >>"
        ))
        .object(&format!(
            "<< /Type /FontDescriptor /FontName /{font} /Flags 6 /FontBBox [0 -120 1000 880] \
             /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >>"
        ))
        .to_bytes()
    }

    fn picture(&self, renderer: &dyn Renderer, cmap: &str, hex: &str) -> Pixmap {
        picture(renderer, &self.page(cmap, hex))
    }
}

/// The columns of a character of the first line.
fn columns(character: u32) -> Range<u32> {
    let left = LEFT_PX + character * EM_PX;
    left..left + EM_PX
}

fn east_asian_text_that_brings_no_font_is_drawn_in_its_place(renderer: &dyn Renderer) {
    for collection in &COLLECTIONS {
        for (cmap, [first, second]) in [collection.unicode, collection.national] {
            let pixmap = collection.picture(renderer, cmap, &format!("{first}{second}"));
            for character in [0, 1] {
                assert!(has_ink(&pixmap, columns(character), ROWS), "{cmap}, character {character}");
            }
            assert!(!has_ink(&pixmap, 0..LEFT_PX, 0..PAGE_PX), "{cmap}, before");
            assert!(!has_ink(&pixmap, columns(1).end..PAGE_PX, 0..PAGE_PX), "{cmap}, after");
            assert!(!has_ink(&pixmap, 0..PAGE_PX, 0..ROWS.start), "{cmap}, above");
            assert!(!has_ink(&pixmap, 0..PAGE_PX, ROWS.end..PAGE_PX), "{cmap}, below");
        }
    }
}

fn different_east_asian_characters_have_different_glyphs(renderer: &dyn Renderer) {
    for collection in &COLLECTIONS {
        let (cmap, characters) = collection.unicode;
        let [first, second] = characters.map(|hex| collection.picture(renderer, cmap, hex));
        let differing = first.data().iter().zip(second.data()).filter(|(a, b)| a.abs_diff(**b) > 128).count();
        assert!(differing > 300, "{cmap}: only {differing} bytes differ much");
    }
}

fn an_east_asian_character_is_the_same_in_every_encoding(renderer: &dyn Renderer) {
    for collection in &COLLECTIONS {
        let [unicode, national] = [collection.unicode, collection.national]
            .map(|(cmap, [first, _])| collection.picture(renderer, cmap, first));
        assert!(has_ink(&unicode, columns(0), ROWS), "{}", collection.ordering);
        assert!(unicode.data() == national.data(), "{}", collection.ordering);
    }
}

/// U+4E00 is one stroke across the middle; U+53E3 is a box with nothing in it. Both are characters
/// of all four collections.
fn east_asian_characters_have_their_shapes(renderer: &dyn Renderer) {
    for collection in &COLLECTIONS {
        let cmap = collection.unicode.0;
        let [left, top] = [LEFT_PX, ROWS.start];
        let stroke = collection.picture(renderer, cmap, "4E00");
        assert!(has_ink(&stroke, left + 25..left + 35, top + 20..top + 50), "{cmap}: no stroke");
        assert!(!has_ink(&stroke, columns(0), top..top + 18), "{cmap}: more than a stroke above it");
        assert!(!has_ink(&stroke, columns(0), top + 52..ROWS.end), "{cmap}: more than a stroke below it");
        let open = collection.picture(renderer, cmap, "53E3");
        assert!(!has_ink(&open, left + 22..left + 38, top + 28..top + 42), "{cmap}: no hollow box");
        assert!(has_ink(&open, left..left + 20, top + 28..top + 42), "{cmap}: no left side");
        assert!(has_ink(&open, left + 40..left + 60, top + 28..top + 42), "{cmap}: no right side");
        assert!(has_ink(&open, left + 22..left + 38, top..top + 25), "{cmap}: no top");
    }
}

fn vertical_east_asian_text_runs_down_the_page(renderer: &dyn Renderer) {
    for collection in &COLLECTIONS {
        let cmap = collection.vertical;
        let pixmap = collection.picture(renderer, cmap, &collection.unicode.1[0].repeat(2));
        // The line is centred on the point at which horizontal text begins, and hangs from it.
        let line = LEFT_PX - EM_PX / 2..LEFT_PX + EM_PX / 2;
        for rows in [100..100 + EM_PX, 100 + EM_PX..PAGE_PX] {
            assert!(has_ink(&pixmap, line.clone(), rows.clone()), "{cmap}, rows {rows:?}");
        }
        assert!(!has_ink(&pixmap, line.end + 2..PAGE_PX, 0..PAGE_PX), "{cmap}, beside the line");
        assert!(!has_ink(&pixmap, 0..PAGE_PX, 0..95), "{cmap}, above the line");
    }
}

/// What every engine does, with and without a font.
pub(crate) mod without_a_font {
    use super::*;
    use crate::pdf::Pdf;
    use crate::probe::pixel;

    crate::check_list! {
        "Text in fonts that are not embedded" => [text_without_its_east_asian_font_costs_nothing_else],
    }

    fn text_without_its_east_asian_font_costs_nothing_else(renderer: &dyn Renderer) {
        for Collection { ordering, font, unicode: (cmap, [first, second]), .. } in &COLLECTIONS {
            let pdf = Pdf::one_page(
                "/MediaBox [0 0 200 200] /Resources << /Font << /F 5 0 R >> >>",
                &format!(
                    "1 0 0 rg 0 180 20 20 re f 0 g BT /F 60 Tf 40 100 Td <{first}{second}> Tj ET \
                     0 0 1 rg 180 0 20 20 re f"
                ),
            )
            .object(&format!(
                "<< /Type /Font /Subtype /Type0 /BaseFont /{font} /Encoding /{cmap} /DescendantFonts [\
                 << /Type /Font /Subtype /CIDFontType0 /BaseFont /{font} \
                 /CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement 2 >> >>] >>"
            ))
            .to_bytes();
            let pixmap = picture(renderer, &pdf);
            assert_eq!(pixel(&pixmap, 10, 10), [255, 0, 0], "{ordering}: before the text");
            assert_eq!(pixel(&pixmap, 190, 190), [0, 0, 255], "{ordering}: after the text");
        }
    }
}
