//! A report as a word processor prints it: headings, lists, ruled tables, a logo and a footer on each page.

use oorandom::Rand32;
use pdf_writer::{Content, Filter, Finish, Name, Ref, Str};

use crate::font::Font;
use crate::paper::{A4, Paper, deflate, with_fonts};
use crate::prose;

const LEFT_PT: f32 = 64.0;
const RIGHT_PT: f32 = 531.0;
const TOP_PT: f32 = 742.0;
const BOTTOM_PT: f32 = 78.0;
const BODY_PT: f32 = 10.5;
const LEADING_PT: f32 = 14.5;
const CELL_PT: f32 = 9.0;
const ROW_PT: f32 = 16.5;
const RULE_PT: f32 = 0.75;
const LOGO_PX: usize = 120;

/// Seven pages: prose, lists, and tables that go on over pages and repeat their header.
pub fn report() -> Vec<u8> {
    let mut random = Rand32::new(41);
    let mut report = Report::new();
    report.line(Face::Bold, 22.0, NAVY, "Report on the northern network");
    report.line(Face::Roman, 11.0, GRAY, "Prepared for the board, third quarter; for internal use");
    report.skip(14.0);
    for section in 1..=5 {
        report.heading(&format!("{section}. {}", prose::title(&mut random)));
        report.paragraph(0.0, &prose::paragraph(&mut random));
        report.paragraph(0.0, &prose::paragraph(&mut random));
        if section % 2 == 1 {
            for _ in 0..4 {
                report.bullet(&prose::sentence(&mut random));
            }
            report.skip(6.0);
        }
        report.table(&format!("Table {section}: {}", prose::title(&mut random)), &rows(section, &mut random));
    }
    report.heading("6. Signatures");
    report.paragraph(0.0, &prose::paragraph(&mut random));
    report.finish()
}

const NAVY: [f32; 3] = [0.12, 0.22, 0.4];
const GRAY: [f32; 3] = [0.4, 0.4, 0.42];
const BLACK: [f32; 3] = [0.0, 0.0, 0.0];

/// Which of the document's fonts.
#[derive(Debug, Clone, Copy)]
enum Face {
    Roman,
    Bold,
    Mono,
}

impl Face {
    const ALL: [(&'static [u8], &'static str); 3] = [
        (b"R", "LibertinusSerif-Regular"),
        (b"B", "LibertinusSerif-Bold"),
        // With TrueType outlines, as most fonts of word processors.
        (b"M", "DejaVuSansMono"),
    ];
}

/// A column of every table: its title, its width, and whether it holds numbers.
const COLUMNS: [(&str, f32, bool); 7] = [
    ("Code", 62.0, false),
    ("Station", 131.0, false),
    ("Opened", 52.0, false),
    ("Readings", 58.0, true),
    ("Mean", 50.0, true),
    ("Deviation", 58.0, true),
    ("Change", 56.0, true),
];

/// The rows of a table; its last is the total.
fn rows(section: usize, random: &mut Rand32) -> Vec<[String; 7]> {
    let count = [11, 34, 18, 46, 9][section - 1];
    let mut total = 0;
    let mut rows: Vec<[String; 7]> = (0..count)
        .map(|i| {
            let readings = random.rand_range(120..99_000);
            total += readings;
            let change = random.rand_range(0..400) as i32 - 180;
            [
                format!(
                    "{}{}-{:03}",
                    ["NK", "SB", "OW"][random.rand_range(0..3) as usize],
                    section,
                    7 * i + 3
                ),
                prose::title(random).split(" and ").next().unwrap_or_default().to_owned(),
                format!("{:02}/{}", random.rand_range(1..13), random.rand_range(1961..2026)),
                thousands(readings),
                format!("{}.{:02}", random.rand_range(2..60), random.rand_range(0..100)),
                format!("{}.{:03}", random.rand_range(0..3), random.rand_range(0..1000)),
                format!("{}{}.{}%", if change < 0 { "−" } else { "+" }, change.abs() / 10, change.abs() % 10),
            ]
        })
        .collect();
    let mut last = <[String; 7]>::default();
    last[1] = "Total".to_owned();
    last[3] = thousands(total);
    rows.push(last);
    rows
}

fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

struct Report {
    fonts: [Font; 3],
    done: Vec<Content>,
    page: Content,
    baseline_pt: f32,
}

impl Report {
    fn new() -> Report {
        Report {
            fonts: Face::ALL.map(|(_, name)| Font::new(name)),
            done: Vec::new(),
            page: Content::new(),
            baseline_pt: TOP_PT,
        }
    }

    fn heading(&mut self, text: &str) {
        self.skip(8.0);
        self.keep_together(5.0 * LEADING_PT);
        self.line(Face::Bold, 14.0, NAVY, text);
        rectangle(&mut self.page, NAVY, [LEFT_PT, self.baseline_pt + 11.5, RIGHT_PT - LEFT_PT, 0.75]);
        self.skip(3.0);
    }

    /// Lines that are flush on the left alone, as word processors set them unless told otherwise.
    fn paragraph(&mut self, indent_pt: f32, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(Face::Roman, BODY_PT, &longer) <= RIGHT_PT - LEFT_PT - indent_pt {
                line = longer;
            } else {
                self.keep_together(LEADING_PT);
                self.show(Face::Roman, BODY_PT, BLACK, LEFT_PT + indent_pt, self.baseline_pt, &line);
                self.skip(LEADING_PT);
                line = word.to_owned();
            }
        }
        self.keep_together(LEADING_PT);
        self.show(Face::Roman, BODY_PT, BLACK, LEFT_PT + indent_pt, self.baseline_pt, &line);
        self.skip(LEADING_PT + 6.0);
    }

    fn bullet(&mut self, text: &str) {
        self.keep_together(2.0 * LEADING_PT);
        self.show(Face::Roman, BODY_PT, BLACK, LEFT_PT + 14.0, self.baseline_pt, "•");
        self.paragraph(28.0, text);
        self.skip(-3.0);
    }

    /// A table with a caption, a shaded header on each page that it covers, and every other row shaded.
    fn table(&mut self, caption: &str, rows: &[[String; 7]]) {
        self.keep_together(6.0 * ROW_PT);
        self.line(Face::Bold, 9.5, GRAY, caption);
        self.skip(4.0);
        self.header();
        for (i, row) in rows.iter().enumerate() {
            if self.baseline_pt < BOTTOM_PT + ROW_PT {
                self.break_page();
                self.header();
            }
            let is_total = i + 1 == rows.len();
            let fill =
                if is_total { Some([0.87, 0.9, 0.95]) } else { (i % 2 == 1).then_some([0.95, 0.96, 0.98]) };
            let face = if is_total { Face::Bold } else { Face::Roman };
            self.row(fill, BLACK, row, |column| if column == 0 { Face::Mono } else { face });
        }
        self.skip(16.0);
    }

    fn header(&mut self) {
        let titles = COLUMNS.map(|(title, _, _)| title.to_owned());
        self.row(Some(NAVY), [1.0; 3], &titles, |_| Face::Bold);
    }

    /// The rules are filled rectangles, which is how word processors print them.
    fn row(
        &mut self,
        fill: Option<[f32; 3]>,
        ink: [f32; 3],
        cells: &[String; 7],
        face: impl Fn(usize) -> Face,
    ) {
        const RULE: [f32; 3] = [0.6, 0.64, 0.7];
        let bottom = self.baseline_pt - 5.0;
        let mut x = LEFT_PT;
        for (i, ((_, width, is_number), text)) in COLUMNS.iter().zip(cells).enumerate() {
            if let Some(color) = fill {
                rectangle(&mut self.page, color, [x, bottom, *width, ROW_PT]);
            }
            let size = if matches!(face(i), Face::Mono) { 8.0 } else { CELL_PT };
            let text_x = if *is_number { x + width - 4.0 - self.width(face(i), size, text) } else { x + 4.0 };
            self.show(face(i), size, ink, text_x, self.baseline_pt, text);
            x += width;
        }
        // The rules come last, one between two cells.
        let mut x = LEFT_PT;
        for edge in [bottom, bottom + ROW_PT] {
            rectangle(&mut self.page, RULE, [LEFT_PT, edge - RULE_PT / 2.0, RIGHT_PT - LEFT_PT, RULE_PT]);
        }
        for width in COLUMNS.map(|(_, width, _)| width).into_iter().chain([0.0]) {
            rectangle(&mut self.page, RULE, [x - RULE_PT / 2.0, bottom, RULE_PT, ROW_PT]);
            x += width;
        }
        self.skip(ROW_PT);
    }

    fn line(&mut self, face: Face, size_pt: f32, ink: [f32; 3], text: &str) {
        self.show(face, size_pt, ink, LEFT_PT, self.baseline_pt, text);
        self.skip(1.5 * size_pt);
    }

    fn width(&self, face: Face, size_pt: f32, text: &str) -> f32 {
        self.fonts[face as usize].width(text) as f32 * size_pt / 1000.0
    }

    fn show(&mut self, face: Face, size_pt: f32, [r, g, b]: [f32; 3], x_pt: f32, y_pt: f32, text: &str) {
        if text.is_empty() {
            return;
        }
        let shown = self.fonts[face as usize].encode(text);
        self.page.save_state().set_fill_rgb(r, g, b).begin_text();
        self.page.set_font(Name(Face::ALL[face as usize].0), size_pt);
        self.page.set_text_matrix([1.0, 0.0, 0.0, 1.0, hundredths(x_pt), hundredths(y_pt)]);
        self.page.show(Str(&shown)).end_text().restore_state();
    }

    fn skip(&mut self, pt: f32) {
        self.baseline_pt -= pt;
    }

    fn keep_together(&mut self, height_pt: f32) {
        if self.baseline_pt - height_pt < BOTTOM_PT - LEADING_PT {
            self.break_page();
        }
    }

    fn break_page(&mut self) {
        self.done.push(std::mem::replace(&mut self.page, Content::new()));
        self.baseline_pt = TOP_PT;
    }

    fn finish(mut self) -> Vec<u8> {
        self.break_page();
        let count = self.done.len();
        let mut pages = Vec::new();
        for (i, content) in std::mem::take(&mut self.done).into_iter().enumerate() {
            self.page = content;
            rectangle(&mut self.page, [0.7, 0.72, 0.76], [LEFT_PT, 58.0, RIGHT_PT - LEFT_PT, 0.5]);
            self.show(Face::Roman, 8.5, GRAY, LEFT_PT, 45.0, "Report on the northern network");
            let number = format!("Page {} of {count}", i + 1);
            let x = RIGHT_PT - self.width(Face::Roman, 8.5, &number);
            self.show(Face::Roman, 8.5, GRAY, x, 45.0, &number);
            self.page.save_state().transform([44.0, 0.0, 0.0, 44.0, RIGHT_PT - 44.0, 768.0]);
            self.page.x_object(Name(b"Logo")).restore_state();
            pages.push(std::mem::replace(&mut self.page, Content::new()));
        }
        let mut paper = Paper::new("A report with tables");
        let fonts = [0, 1, 2].map(|face| (Face::ALL[face].0, self.fonts[face].embed(&mut paper)));
        let logo = logo(&mut paper);
        for content in pages {
            paper.page(A4, content, |page| {
                let mut resources = page.resources();
                with_fonts(&mut resources, &fonts);
                resources.x_objects().pair(Name(b"Logo"), logo);
            });
        }
        paper.finish()
    }
}

fn rectangle(content: &mut Content, [r, g, b]: [f32; 3], [x, y, width, height]: [f32; 4]) {
    content.set_fill_rgb(r, g, b);
    content.rect(hundredths(x), hundredths(y), hundredths(width), hundredths(height)).fill_nonzero();
}

/// A ring about a peak, with a soft mask that smooths its edge.
fn logo(paper: &mut Paper) -> Ref {
    let (mut samples, mut opacity) = (Vec::new(), Vec::new());
    let middle = LOGO_PX as f32 / 2.0;
    for y in 0..LOGO_PX {
        for x in 0..LOGO_PX {
            let (dx, dy) = (x as f32 + 0.5 - middle, y as f32 + 0.5 - middle);
            let radius = (dx * dx + dy * dy).sqrt() / middle;
            let is_peak = dy > 1.4 * dx.abs() - 26.0 && dy < 26.0;
            let is_snow = is_peak && dy < -6.0;
            let color = if is_snow {
                [245, 247, 250]
            } else if is_peak {
                [31, 56, 102]
            } else if radius > 0.82 {
                [198, 92, 44]
            } else {
                [188, 214, 236]
            };
            samples.extend(color);
            opacity.push(((1.0 - radius) * middle * 255.0).clamp(0.0, 255.0) as u8);
        }
    }
    let (mask, id) = (paper.alloc(), paper.alloc());
    let data = deflate(&opacity);
    let mut image = paper.pdf.image_xobject(mask, &data);
    image.filter(Filter::FlateDecode);
    image.width(LOGO_PX as i32).height(LOGO_PX as i32).bits_per_component(8);
    image.color_space().device_gray();
    image.finish();
    let data = deflate(&samples);
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::FlateDecode);
    image.width(LOGO_PX as i32).height(LOGO_PX as i32).bits_per_component(8).s_mask(mask);
    image.color_space().device_rgb();
    image.finish();
    id
}

fn hundredths(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}
