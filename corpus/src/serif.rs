//! The two fonts of posters and slides.

use pdf_writer::{Content, Name, Ref, Str};

use crate::font::Font;
use crate::paper::Paper;

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Face {
    Roman,
    Bold,
}

/// The names that pages know the fonts by, and their own.
const FACES: [(&[u8], &str); 2] = [(b"R", "LibertinusSerif-Regular"), (b"B", "LibertinusSerif-Bold")];

/// Libertinus Serif, regular and bold.
pub(crate) struct Serif {
    fonts: [Font; 2],
}

impl Serif {
    /// Both fonts, of which no glyph is used yet.
    pub(crate) fn new() -> Serif {
        Serif { fonts: FACES.map(|(_, name)| Font::new(name)) }
    }

    /// The width of a text in thousandths of the font size.
    pub(crate) fn width(&self, face: Face, text: &str) -> f64 {
        self.fonts[face as usize].width(text)
    }

    /// Breaks a text into lines that are no wider than `most` thousandths of the font size, ragged on the right.
    pub(crate) fn lines(&self, face: Face, text: &str, most: f64) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split(' ') {
            let line = lines.last_mut().expect("there is a line from the start");
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(face, &longer) <= most {
                *line = longer;
            } else {
                lines.push(word.to_owned());
            }
        }
        lines
    }

    /// Shows a text from a place on, in the colour that is set.
    pub(crate) fn show(&mut self, page: &mut Content, face: Face, size: f32, (x, y): (f32, f32), text: &str) {
        let shown = self.fonts[face as usize].encode(text);
        page.begin_text().set_font(Name(FACES[face as usize].0), size);
        page.next_line(x, y).show(Str(&shown)).end_text();
    }

    /// Embeds the glyphs that were used, and returns both fonts by the names that pages know them by.
    pub(crate) fn embed(&self, paper: &mut Paper) -> [(&'static [u8], Ref); 2] {
        [0, 1].map(|face| (FACES[face].0, self.fonts[face].embed(paper)))
    }
}
