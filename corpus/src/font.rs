//! Fonts, measured, subset and embedded.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Rect, Ref, Str};
use subsetter::GlyphRemapper;
use ttf_parser::{Face, RawFace, Tag};

use crate::paper::{Paper, deflate};

const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A font, and which of its glyphs a document has used so far.
pub(crate) struct Font {
    data: &'static [u8],
    face: Face<'static>,
    postscript_name: &'static str,
    /// Glyph and width of each ASCII character, which are most of a document.
    ascii: Vec<(u16, f64)>,
    remapper: GlyphRemapper,
    used: BTreeMap<u16, (char, f64)>,
}

impl Font {
    /// The font of that PostScript name.
    ///
    /// # Panics
    ///
    /// If the font package does not have it.
    pub(crate) fn new(postscript_name: &'static str) -> Font {
        let (data, face) = typst_assets::fonts()
            .filter_map(|data| Some((data, Face::parse(data, 0).ok()?)))
            .find(|(_, face)| name_of(face).as_deref() == Some(postscript_name))
            .unwrap_or_else(|| panic!("the font package has no {postscript_name}"));
        Font::of(data, face, postscript_name)
    }

    /// Droid Sans Fallback, which has the characters of Chinese, Japanese and Korean.
    ///
    /// # Panics
    ///
    /// If its package does not have it.
    pub(crate) fn east_asian() -> Font {
        // The package has two fonts, and gives the larger one, whatever the language.
        let font = mupdf_fonts_droid::cjk_font(0, false).expect("the font package has one");
        let face = Face::parse(font.data, 0).expect("the font is whole");
        Font::of(font.data, face, "DroidSansFallbackFull")
    }

    fn of(data: &'static [u8], face: Face<'static>, postscript_name: &'static str) -> Font {
        let ascii = (0..128u8).map(|c| look_up(&face, char::from(c))).collect();
        Font { data, face, postscript_name, ascii, remapper: GlyphRemapper::new(), used: BTreeMap::new() }
    }

    /// The outlines and metrics.
    pub(crate) fn face(&self) -> &Face<'static> {
        &self.face
    }

    /// The width of a text in thousandths of the font size.
    pub(crate) fn width(&self, text: &str) -> f64 {
        text.chars().map(|c| self.glyph(c).1).sum()
    }

    /// The bytes that show a text with this font; takes note of the glyphs.
    pub(crate) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * text.len());
        for c in text.chars() {
            let (glyph, advance) = self.glyph(c);
            let subset_glyph = self.remapper.remap(glyph);
            self.used.insert(subset_glyph, (c, advance));
            bytes.extend(subset_glyph.to_be_bytes());
        }
        bytes
    }

    /// Embeds the glyphs that were used, and returns the font's object.
    pub(crate) fn embed(&self, paper: &mut Paper) -> Ref {
        let subset =
            subsetter::subset(self.data, 0, &self.remapper).expect("a font that parses has a subset");
        let raw = RawFace::parse(&subset, 0).expect("a subset is a font");
        // Outlines are either CFF, which is embedded bare, or TrueType, which is embedded with its tables.
        let cff = raw.table(Tag::from_bytes(b"CFF "));
        let base = format!("CORPUS+{}", self.postscript_name);
        let name = Name(base.as_bytes());
        let full_name = format!("{base}-Identity-H");
        let (font, cid, descriptor, file, cmap) =
            (paper.alloc(), paper.alloc(), paper.alloc(), paper.alloc(), paper.alloc());

        paper
            .pdf
            .type0_font(font)
            .base_font(Name(full_name.as_bytes()))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(cmap);

        let mut cid_font = paper.pdf.cid_font(cid);
        cid_font
            .subtype(if cff.is_some() { CidFontType::Type0 } else { CidFontType::Type2 })
            .base_font(name)
            .system_info(IDENTITY)
            .font_descriptor(descriptor)
            .default_width(0.0);
        let mut widths = cid_font.widths();
        for (glyph, (_, advance)) in &self.used {
            widths.consecutive(*glyph, [*advance as f32]);
        }
        widths.finish();
        if cff.is_none() {
            cid_font.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        cid_font.finish();

        let bbox = self.face.global_bounding_box();
        let em = |units: i16| (f64::from(units) * per_unit(&self.face)) as f32;
        let shape = if cff.is_some() { FontFlags::SERIF } else { FontFlags::empty() };
        let mut description = paper.pdf.font_descriptor(descriptor);
        description
            .name(name)
            .flags(FontFlags::SYMBOLIC | shape)
            .bbox(Rect::new(em(bbox.x_min), em(bbox.y_min), em(bbox.x_max), em(bbox.y_max)))
            .italic_angle(self.face.italic_angle())
            .ascent(em(self.face.ascender()))
            .descent(em(self.face.descender()))
            .cap_height(em(self.face.capital_height().unwrap_or(self.face.ascender())))
            .stem_v(80.0);
        if cff.is_some() {
            description.font_file3(file);
        } else {
            description.font_file2(file);
        }
        description.finish();

        let mut unicode = UnicodeCmap::new(Name(b"Custom"), IDENTITY);
        for (glyph, (c, _)) in &self.used {
            unicode.pair(*glyph, *c);
        }
        let compressed = deflate(&unicode.finish());
        paper.pdf.stream(cmap, &compressed).filter(Filter::FlateDecode);

        let compressed = deflate(cff.unwrap_or(&subset));
        let mut stream = paper.pdf.stream(file, &compressed);
        stream.filter(Filter::FlateDecode);
        if cff.is_some() {
            stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        } else {
            stream.pair(Name(b"Length1"), subset.len() as i32);
        }
        stream.finish();
        font
    }

    /// The glyph of a character and its width in thousandths of the font size.
    fn glyph(&self, c: char) -> (u16, f64) {
        self.ascii.get(c as usize).copied().unwrap_or_else(|| look_up(&self.face, c))
    }
}

fn look_up(face: &Face<'_>, c: char) -> (u16, f64) {
    let glyph = face.glyph_index(c).unwrap_or_default();
    (glyph.0, f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * per_unit(face))
}

/// Thousandths of the font size in one of the font's units.
fn per_unit(face: &Face<'_>) -> f64 {
    1000.0 / f64::from(face.units_per_em())
}

fn name_of(face: &Face<'_>) -> Option<String> {
    face.names()
        .into_iter()
        .find(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME && name.is_unicode())
        .and_then(|name| name.to_string())
}
