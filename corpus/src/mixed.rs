//! Pages of many sizes, rotations and boxes: of extremes, each marked so that its orientation can be seen, and of
//! what is bound or scanned together in an office.
//!
//! The marks are, in the page's own space, before `/Rotate`: red at the lower left corner of the crop box, green
//! at the lower right, blue at the upper right, black at the upper left, and a label in the middle.

use oorandom::Rand32;
use pdf_writer::{Content, Name, Rect, Ref, Str};

use crate::paper::{A4, Paper, helvetica, with_fonts};
use crate::prose;
use crate::serif::{Face, Serif};

const A3: (f32, f32) = (841.89, 1190.551);
const A5: (f32, f32) = (419.528, 595.276);
const LETTER: (f32, f32) = (612.0, 792.0);

/// A page, and what is unusual about it.
#[derive(Debug, Clone, Copy)]
struct Sheet {
    label: &'static str,
    size: (f32, f32),
    rotate: i32,
    crop: Option<[f32; 4]>,
    user_unit: f32,
}

impl Sheet {
    const fn plain(label: &'static str, size: (f32, f32)) -> Sheet {
        Sheet { label, size, rotate: 0, crop: None, user_unit: 1.0 }
    }

    const fn rotated(label: &'static str, rotate: i32) -> Sheet {
        Sheet { rotate, ..Sheet::plain(label, A5) }
    }

    /// What is seen of it: its crop box, or all.
    fn visible(&self) -> [f32; 4] {
        self.crop.unwrap_or([0.0, 0.0, self.size.0, self.size.1])
    }
}

const SHEETS: [Sheet; 13] = [
    Sheet::plain("A5", A5),
    Sheet::plain("A4", A4),
    Sheet::plain("A3", A3),
    Sheet::plain("A0", (2383.937, 3370.394)),
    Sheet::plain("Letter", LETTER),
    Sheet::plain("Letter, landscape", (792.0, 612.0)),
    Sheet::plain("10 pt", (10.0, 10.0)),
    Sheet::rotated("Rotate 0", 0),
    Sheet::rotated("Rotate 90", 90),
    Sheet::rotated("Rotate 180", 180),
    Sheet::rotated("Rotate 270", 270),
    Sheet { crop: Some([100.0, 150.0, 400.0, 700.0]), ..Sheet::plain("CropBox off the origin", LETTER) },
    Sheet { user_unit: 2.0, ..Sheet::plain("UserUnit 2", (300.0, 200.0)) },
];

/// What programs agree on the sizes of.
const BUNDLE: [Sheet; 12] = [
    Sheet::plain("A letter", A4),
    Sheet::plain("A note", A5),
    Sheet::plain("A form from overseas", LETTER),
    Sheet::plain("Both sides of a plan", A3),
    Sheet::plain("The plan itself", (1190.551, 1683.78)),
    Sheet::plain("A slide", (960.0, 540.0)),
    Sheet::plain("A receipt", (226.772, 600.0)),
    Sheet::plain("A card", (243.0, 153.0)),
    Sheet::rotated("Scanned on its side", 90),
    Sheet::rotated("Scanned upside down", 180),
    Sheet::rotated("Scanned on its other side", 270),
    Sheet { crop: Some([50.0, 60.0, 562.0, 732.0]), ..Sheet::plain("Cropped", LETTER) },
];

/// One page for each size, rotation and box, with extremes that programs do not agree on.
pub fn pages() -> Vec<u8> {
    let mut paper = Paper::new("Pages of many sizes");
    let font = helvetica(&mut paper);
    let contents: Vec<Content> = (1..).zip(&SHEETS).map(|(number, sheet)| marked(number, sheet)).collect();
    bind(paper, &SHEETS, contents, &[(b"H", font)])
}

/// Pages of text in the sizes that occur together, with fonts of their own.
pub fn bundle() -> Vec<u8> {
    let mut paper = Paper::new("A bundle of pages");
    let mut serif = Serif::new();
    let mut random = Rand32::new(12);
    let contents = BUNDLE.iter().map(|sheet| written(&mut serif, &mut random, sheet)).collect();
    let fonts = serif.embed(&mut paper);
    bind(paper, &BUNDLE, contents, &fonts)
}

/// Makes a document of sheets and what is on them.
fn bind(mut paper: Paper, sheets: &[Sheet], contents: Vec<Content>, fonts: &[(&[u8], Ref)]) -> Vec<u8> {
    for (sheet, content) in sheets.iter().zip(contents) {
        paper.page(sheet.size, content, |page| {
            if sheet.rotate != 0 {
                page.rotate(sheet.rotate);
            }
            if let Some([x0, y0, x1, y1]) = sheet.crop {
                page.crop_box(Rect::new(x0, y0, x1, y1));
            }
            if sheet.user_unit != 1.0 {
                page.user_unit(sheet.user_unit);
            }
            with_fonts(&mut page.resources(), fonts);
        });
    }
    paper.finish()
}

/// A heading and paragraphs that fill the page, in a size that suits it.
fn written(serif: &mut Serif, random: &mut Rand32, sheet: &Sheet) -> Content {
    let [x0, y0, x1, y1] = sheet.visible();
    let margin = 0.1 * (x1 - x0).min(y1 - y0);
    let size = 5.0 + (x1 - x0) / 100.0;
    let mut content = Content::new();
    let mut y = y1 - margin - 2.0 * size;
    serif.show(&mut content, Face::Bold, 1.6 * size, (x0 + margin, y), sheet.label);
    y -= 2.4 * size;
    let most = f64::from((x1 - x0 - 2.0 * margin) / size) * 1000.0;
    while y > y0 + margin {
        for line in serif.lines(Face::Roman, &prose::paragraph(random), most) {
            if y > y0 + margin {
                serif.show(&mut content, Face::Roman, size, (x0 + margin, y), &line);
            }
            y -= 1.3 * size;
        }
        y -= 0.5 * size;
    }
    content
}

fn marked(number: usize, sheet: &Sheet) -> Content {
    let [x0, y0, x1, y1] = sheet.visible();
    let (width, height) = (x1 - x0, y1 - y0);
    let side = 0.1 * width.min(height);
    let mut content = Content::new();

    // Outside the crop box, where nothing may be seen.
    content.set_fill_rgb(1.0, 0.0, 1.0).rect(0.0, 0.0, sheet.size.0, sheet.size.1).fill_nonzero();
    content.set_fill_rgb(1.0, 1.0, 1.0).rect(x0, y0, width, height).fill_nonzero();

    let corners = [
        (x0, y0, [1.0, 0.0, 0.0]),
        (x1 - side, y0, [0.0, 0.6, 0.0]),
        (x1 - side, y1 - side, [0.0, 0.0, 1.0]),
        (x0, y1 - side, [0.0, 0.0, 0.0]),
    ];
    for (x, y, [r, g, b]) in corners {
        content.set_fill_rgb(r, g, b).rect(x, y, side, side).fill_nonzero();
    }

    content.set_line_width(side / 20.0).set_stroke_gray(0.4);
    content.rect(x0 + side / 4.0, y0 + side / 4.0, width - side / 2.0, height - side / 2.0).stroke();

    // An arrow that points up in the page's own space.
    let (middle, tip) = (x0 + width / 2.0, y0 + 0.9 * height);
    content.set_fill_gray(0.3).move_to(middle, tip);
    content.line_to(middle - side / 2.0, tip - side).line_to(middle + side / 2.0, tip - side);
    content.close_path().fill_nonzero();

    let text = format!("{number}: {}", sheet.label);
    let size = (1.6 * width / text.len() as f32).min(height / 8.0).min(60.0);
    content.set_fill_gray(0.0).begin_text().set_font(Name(b"H"), size);
    content.next_line(x0 + 0.08 * width, y0 + 0.5 * height).show(Str(text.as_bytes())).end_text();
    content
}
