//! Documents that look as if LaTeX had set them: justified paragraphs, headings, formulas.

use oorandom::Rand32;
use pdf_writer::{Content, Finish, Name, Str};

use crate::font::Font;
use crate::paper::{A4, Paper, with_fonts};
use crate::prose;

const LEFT_PT: f64 = 76.0;
const TOP_PT: f64 = 768.0;
const BOTTOM_PT: f64 = 82.0;
const WIDTH_PT: f64 = 443.0;
const BODY_PT: f64 = 10.909;
const SMALL_PT: f64 = 8.966;
const LEADING_PT: f64 = 13.6;

/// An article of that many full pages.
pub fn article(pages: u32) -> Vec<u8> {
    let mut article = Article::new();
    let mut random = Rand32::new(u64::from(pages));
    let title = prose::title(&mut random);
    article.centred(Face::Bold, 17.0, &format!("On the {}", title.to_lowercase()));
    article.skip(1.4);
    let mut section = 0;
    while article.done.len() < pages as usize {
        match random.rand_range(0..10) {
            0 => {
                section += 1;
                let heading = format!("{section}  {}", prose::title(&mut random));
                article.heading(&heading);
            }
            1 | 2 => article.formula(&mut random),
            3 => article.paragraph(SMALL_PT, &prose::paragraph(&mut random)),
            _ => article.paragraph(BODY_PT, &prose::paragraph(&mut random)),
        }
    }
    article.finish(pages as usize)
}

/// Which of the document's fonts.
#[derive(Debug, Clone, Copy)]
enum Face {
    Roman,
    Bold,
    Math,
}

impl Face {
    const ALL: [(&'static [u8], &'static str); 3] =
        [(b"R", "NewCM10-Regular"), (b"B", "NewCM10-Bold"), (b"M", "NewCMMath-Regular")];
}

struct Article {
    fonts: [Font; 3],
    done: Vec<Content>,
    page: Content,
    baseline_pt: f64,
}

impl Article {
    fn new() -> Article {
        Article {
            fonts: Face::ALL.map(|(_, name)| Font::new(name)),
            done: Vec::new(),
            page: Content::new(),
            baseline_pt: TOP_PT,
        }
    }

    fn paragraph(&mut self, size_pt: f64, text: &str) {
        let em = size_pt / 1000.0;
        let space_pt = self.fonts[Face::Roman as usize].width(" ") * em;
        let words: Vec<(&str, f64)> =
            text.split(' ').map(|word| (word, self.fonts[Face::Roman as usize].width(word) * em)).collect();
        let mut indent_pt = 15.0;
        let mut start = 0;
        while start < words.len() {
            let mut width_pt = indent_pt + words[start].1;
            let mut end = start + 1;
            // Spaces may shrink a little, as TeX's do.
            while end < words.len() && width_pt + 0.8 * space_pt + words[end].1 <= WIDTH_PT {
                width_pt += space_pt + words[end].1;
                end += 1;
            }
            let gaps = (end - start - 1) as f64;
            let is_last = end == words.len();
            let stretch_pt = if is_last || gaps == 0.0 { 0.0 } else { (WIDTH_PT - width_pt) / gaps };
            self.break_page_if_full();
            self.justified(size_pt, indent_pt, &words[start..end], space_pt + stretch_pt);
            self.baseline_pt -= LEADING_PT * size_pt / BODY_PT;
            (start, indent_pt) = (end, 0.0);
        }
    }

    fn justified(&mut self, size_pt: f64, indent_pt: f64, words: &[(&str, f64)], space_pt: f64) {
        self.page.begin_text().set_font(Name(Face::ALL[0].0), size_pt as f32);
        self.page.next_line((LEFT_PT + indent_pt) as f32, self.baseline_pt as f32);
        let mut line = self.page.show_positioned();
        let mut items = line.items();
        for (i, (word, _)) in words.iter().enumerate() {
            if i > 0 {
                items.adjust(rounded(-space_pt / size_pt * 1000.0));
            }
            items.show(Str(&self.fonts[Face::Roman as usize].encode(word)));
        }
        items.finish();
        line.finish();
        self.page.end_text();
    }

    fn heading(&mut self, text: &str) {
        self.skip(0.8);
        if self.baseline_pt < BOTTOM_PT + 4.0 * LEADING_PT {
            self.baseline_pt = BOTTOM_PT - 1.0;
        }
        self.break_page_if_full();
        self.run(Face::Bold, 14.3, LEFT_PT, self.baseline_pt, text);
        self.skip(1.6);
    }

    fn centred(&mut self, face: Face, size_pt: f64, text: &str) {
        let width_pt = self.fonts[face as usize].width(text) * size_pt / 1000.0;
        self.run(face, size_pt, LEFT_PT + (WIDTH_PT - width_pt) / 2.0, self.baseline_pt, text);
        self.skip(1.0);
    }

    /// A displayed formula with its number: a sum or an integral with limits, a fraction, indices.
    fn formula(&mut self, random: &mut Rand32) {
        const LETTERS: [&str; 12] = ["𝑎", "𝑏", "𝑐", "𝑥", "𝑦", "𝑧", "𝛼", "𝛽", "𝛾", "𝜆", "𝜇", "𝜎"];
        let mut letter = || LETTERS[random.rand_range(0..12) as usize];
        let names = [letter(), letter(), letter(), letter(), letter()];
        let operator = ["∑", "∫", "∏"][random.rand_range(0..3) as usize];
        self.skip(0.9);
        if self.baseline_pt < BOTTOM_PT + 2.0 * LEADING_PT {
            self.baseline_pt = BOTTOM_PT - 1.0;
        }
        self.break_page_if_full();
        let y = self.baseline_pt;
        let mut x = LEFT_PT + 120.0;
        x = self.math(BODY_PT, x, y, &format!("{}(", names[0]));
        x = self.math(BODY_PT, x, y, names[1]);
        x = self.math(BODY_PT, x, y, ") = ");
        let after = self.math(17.0, x, y - 2.0, operator);
        self.math(7.0, x, y - 11.0, "𝑖=0");
        self.math(7.0, x + 3.0, y + 12.0, "𝑛");
        x = after + 5.0;
        let bar = x;
        let top = self.math(BODY_PT, x, y + 7.0, &format!("{}² + ∂{}", names[2], names[3]));
        self.math(BODY_PT, x + 8.0, y - 7.5, &format!("1 − {}", names[4]));
        self.page.set_line_width(0.45).move_to(bar as f32, (y + 2.9) as f32);
        self.page.line_to(top as f32, (y + 2.9) as f32).stroke();
        x = self.math(BODY_PT, top + 4.0, y, &format!(" {} d{} ≤ ", names[1], names[1]));
        x = self.math(BODY_PT, x, y, "𝑒");
        self.math(7.0, x, y + 4.5, &format!("−{}", names[2]));
        let number = format!("({})", random.rand_range(1..100));
        let width_pt = self.fonts[Face::Roman as usize].width(&number) * BODY_PT / 1000.0;
        self.run(Face::Roman, BODY_PT, LEFT_PT + WIDTH_PT - width_pt, y, &number);
        self.skip(2.0);
    }

    /// Shows a run of the mathematical font, and returns where it ends.
    fn math(&mut self, size_pt: f64, x_pt: f64, y_pt: f64, text: &str) -> f64 {
        self.run(Face::Math, size_pt, x_pt, y_pt, text);
        x_pt + self.fonts[Face::Math as usize].width(text) * size_pt / 1000.0
    }

    fn run(&mut self, face: Face, size_pt: f64, x_pt: f64, y_pt: f64, text: &str) {
        let shown = self.fonts[face as usize].encode(text);
        self.page.begin_text().set_font(Name(Face::ALL[face as usize].0), size_pt as f32);
        self.page.next_line(x_pt as f32, y_pt as f32).show(Str(&shown)).end_text();
    }

    fn skip(&mut self, lines: f64) {
        self.baseline_pt -= lines * LEADING_PT;
    }

    fn break_page_if_full(&mut self) {
        if self.baseline_pt >= BOTTOM_PT {
            return;
        }
        let number = (self.done.len() + 1).to_string();
        let width_pt = self.fonts[Face::Roman as usize].width(&number) * BODY_PT / 1000.0;
        self.run(Face::Roman, BODY_PT, LEFT_PT + (WIDTH_PT - width_pt) / 2.0, 48.0, &number);
        self.done.push(std::mem::replace(&mut self.page, Content::new()));
        self.baseline_pt = TOP_PT;
    }

    fn finish(self, pages: usize) -> Vec<u8> {
        let mut paper = Paper::new("An article of the corpus");
        let fonts = [0, 1, 2].map(|face| (Face::ALL[face].0, self.fonts[face].embed(&mut paper)));
        for content in self.done.into_iter().take(pages) {
            paper.page(A4, content, |page| with_fonts(&mut page.resources(), &fonts));
        }
        paper.finish()
    }
}

fn rounded(thousandths: f64) -> f32 {
    (thousandths * 10.0).round() as f32 / 10.0
}
