//! A font for Chinese, Japanese and Korean text whose own font is not in the document.
//!
//! PDFs from East Asia often name a font that every reader there has, and do not embed it. An engine
//! that is given no such font draws that text without glyphs. This is one font for the four
//! languages, for every engine of a program, and nothing else: a leaf that needs no engine.
//!
//! The font is Droid Sans Fallback, © The Android Open Source Project, under the Apache License 2.0.
//! Its bytes are those of the crate `mupdf-fonts-droid`, which has nothing of MuPDF but the name.

#![forbid(unsafe_code)]

/// The name of the font, for credits and logs.
pub const NAME: &str = "Droid Sans Fallback Full";

/// The version of the font, as its `head` table has it.
pub const VERSION: &str = "2.56";

/// The licence of the font, as an SPDX expression.
pub const LICENCE: &str = "Apache-2.0";

/// How many bytes the font adds to an executable.
pub const SIZE_BYTES: usize = 5_074_864;

/// The font: TrueType outlines, one face, 1 em = 256 units, mapped from Unicode.
///
/// It has one weight and no serifs, and the Han characters in the shapes that are usual in China.
pub fn bytes() -> &'static [u8] {
    // The crate has two fonts, and gives the larger one, whatever the language.
    mupdf_fonts_droid::cjk_font(0, false).map_or(&[], |font| font.data)
}

#[cfg(test)]
mod tests {
    use ttf_parser::{Face, Tag, name_id};

    use super::*;

    fn face() -> Face<'static> {
        Face::parse(bytes(), 0).expect("a font")
    }

    #[test]
    fn the_font_is_the_one_that_is_stated() {
        assert_eq!(bytes().len(), SIZE_BYTES);
        assert_eq!(face().units_per_em(), 256);
        let names = face().names();
        let family = names.into_iter().find(|name| name.name_id == name_id::FAMILY);
        let head = face().raw_face().table(Tag::from_bytes(b"head")).expect("a head table");
        let revision = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        assert_eq!(format!("{:.2}", f64::from(revision) / 65536.0), VERSION);
        assert_eq!(family.and_then(|name| name.to_string()).as_deref(), Some(NAME));
    }

    #[test]
    fn the_font_has_glyphs_for_the_four_languages() {
        for text in ["汉字中文", "漢字繁體", "日本語ひらがなカタカナ", "한국어", "，。「」々ー"]
        {
            for c in text.chars() {
                assert!(face().glyph_index(c).is_some(), "{c}");
            }
        }
    }

    #[test]
    fn different_characters_have_different_glyphs() {
        assert_ne!(face().glyph_index('日'), face().glyph_index('本'));
    }
}
