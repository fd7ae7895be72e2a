//! Pages of many sizes, rotations and boxes, each marked so that its orientation can be seen.
//!
//! In the page's own space, before `/Rotate`: red at the lower left corner of the crop box, green
//! at the lower right, blue at the upper right, black at the upper left, and a label in the middle.

use pdf_writer::{Content, Name, Rect, Str};

use crate::paper::{A4, Paper, helvetica, with_fonts};

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
}

const SHEETS: [Sheet; 13] = [
    Sheet::plain("A5", A5),
    Sheet::plain("A4", A4),
    Sheet::plain("A3", (841.89, 1190.551)),
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

/// One page for each size, rotation and box.
pub fn pages() -> Vec<u8> {
    let mut paper = Paper::new("Pages of many sizes");
    let font = helvetica(&mut paper);
    for (index, sheet) in SHEETS.iter().enumerate() {
        let content = marked(index + 1, sheet);
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
            with_fonts(&mut page.resources(), &[(b"H", font)]);
        });
    }
    paper.finish()
}

fn marked(number: usize, sheet: &Sheet) -> Content {
    let [x0, y0, x1, y1] = sheet.crop.unwrap_or([0.0, 0.0, sheet.size.0, sheet.size.1]);
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
