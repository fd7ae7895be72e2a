//! Sheets of paper as a scanner at 300 dpi sees them: skewed, shaded, grainy.

use jpeg_encoder::ColorType;
use oorandom::Rand32;
use pdf_writer::{Content, Filter, Finish, Name, Ref};
use tiny_skia::{FillRule, Mask, PathBuilder, Rect, Transform};

use crate::font::Font;
use crate::paper::{A4, Paper};
use crate::prose;
use crate::raster::{jpeg, mix, noise, paint_text};

const WIDTH_PX: u16 = 2480;
const HEIGHT_PX: u16 = 3508;
const BODY_PX: f32 = 46.0;
const LEADING_PX: f32 = 66.0;

/// Two sheets in gray.
pub fn gray() -> Vec<u8> {
    let mut paper = Paper::new("A scan in gray");
    for (seed, skew_degrees) in [(21, 0.6), (22, -0.35)] {
        let sheet = Sheet::new(seed, skew_degrees);
        let samples = sheet.samples::<1>(seed, |paper, ink| [mix(paper, 44.0, ink)]);
        let image = embed(&mut paper, &jpeg(&samples, WIDTH_PX, HEIGHT_PX, ColorType::Luma, 62), false);
        full_page(&mut paper, image);
    }
    paper.finish()
}

/// Two sheets of yellowed paper with blue ink.
pub fn color() -> Vec<u8> {
    let mut paper = Paper::new("A scan in colour");
    for (seed, skew_degrees) in [(23, -0.5), (24, 0.4)] {
        let sheet = Sheet::new(seed, skew_degrees);
        let samples = sheet.samples::<3>(seed, |paper, ink| {
            [mix(paper, 38.0, ink), mix(0.975 * paper, 46.0, ink), mix(0.9 * paper, 92.0, ink)]
        });
        let image = embed(&mut paper, &jpeg(&samples, WIDTH_PX, HEIGHT_PX, ColorType::Rgb, 62), true);
        full_page(&mut paper, image);
    }
    paper.finish()
}

/// Writes a JPEG of a scan's size as an image.
fn embed(paper: &mut Paper, data: &[u8], in_color: bool) -> Ref {
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, data);
    image.filter(Filter::DctDecode);
    image.width(i32::from(WIDTH_PX)).height(i32::from(HEIGHT_PX));
    if in_color {
        image.color_space().device_rgb();
    } else {
        image.color_space().device_gray();
    }
    image.bits_per_component(8);
    image.finish();
    id
}

fn full_page(paper: &mut Paper, image: Ref) {
    let mut content = Content::new();
    content.save_state().transform([A4.0, 0.0, 0.0, A4.1, 0.0, 0.0]).x_object(Name(b"I")).restore_state();
    paper.page(A4, content, |page| {
        page.resources().x_objects().pair(Name(b"I"), image);
    });
}

/// How much ink is where.
struct Sheet {
    ink: Mask,
}

impl Sheet {
    /// A page of prose with a heading and a table, turned by a few tenths of a degree.
    fn new(seed: u64, skew_degrees: f64) -> Sheet {
        let mut random = Rand32::new(seed);
        let (roman, bold) = (Font::new("NewCM10-Regular"), Font::new("NewCM10-Bold"));
        let mut ink = Mask::new(u32::from(WIDTH_PX), u32::from(HEIGHT_PX)).expect("the size is not zero");
        let angle = skew_degrees * std::f64::consts::PI / 180.0;
        let (sin, cos) = (libm::sin(angle) as f32, libm::cos(angle) as f32);
        let skewed = Transform::from_row(cos, sin, -sin, cos, 0.0, 0.0);
        let (left, right) = (300.0, 2190.0);

        paint_text(&mut ink, &bold, &prose::title(&mut random), 74.0, skewed.pre_translate(left, 330.0));
        let mut y = 470.0;
        while y < 2500.0 {
            for line in lines(&roman, &prose::paragraph(&mut random), right - left) {
                paint_text(&mut ink, &roman, &line, BODY_PX, skewed.pre_translate(left, y));
                y += LEADING_PX;
            }
            y += 30.0;
        }
        for row in 0..9 {
            let top = y + 64.0 * row as f32;
            let mut rule = PathBuilder::new();
            rule.push_rect(Rect::from_xywh(left, top, right - left, 3.0).expect("a rule has an area"));
            let rule = rule.finish().expect("a rule is a path");
            ink.fill_path(&rule, FillRule::Winding, true, skewed);
            for column in 0..6 {
                let number = format!("{}.{:02}", random.rand_range(1..900), random.rand_range(0..100));
                let at = skewed.pre_translate(left + 40.0 + 315.0 * column as f32, top + 48.0);
                paint_text(&mut ink, &roman, &number, BODY_PX, at);
            }
        }
        Sheet { ink }
    }

    /// The samples of the image, `N` to a pixel, from the paper's brightness and the ink's share.
    fn samples<const N: usize>(&self, seed: u64, pixel: impl Fn(f32, f32) -> [f32; N]) -> Vec<u8> {
        let mut random = Rand32::new(seed);
        let (width, height) = (usize::from(WIDTH_PX), usize::from(HEIGHT_PX));
        let mut samples = Vec::with_capacity(N * width * height);
        let mut shading = vec![0.0; width / 8 + 2];
        for (y, row) in self.ink.data().chunks_exact(width).enumerate() {
            if y % 8 == 0 {
                let down = y as f32 / height as f32;
                for (i, shade) in shading.iter_mut().enumerate() {
                    let across = 8.0 * i as f32 / width as f32;
                    *shade = shade_at(seed as u32, across, down);
                }
            }
            for (x, coverage) in row.iter().enumerate() {
                let bits = random.rand_u32();
                // Four bytes make a bell curve of a standard deviation of about 2 levels.
                let sum = bits.to_le_bytes().iter().map(|byte| i32::from(*byte)).sum::<i32>() - 510;
                let grain = sum as f32 * (2.0 / 148.0);
                let shade = mix(shading[x / 8], shading[x / 8 + 1], (x % 8) as f32 / 8.0);
                let ink = f32::from(*coverage) / 255.0 * 0.93;
                samples.extend(pixel(shade, ink).map(|level| (level + grain).clamp(0.0, 255.0) as u8));
            }
        }
        samples
    }
}

/// The brightness of bare paper: darker to the spine on the left, stained a little, with a shadow at the edge.
fn shade_at(seed: u32, across: f32, down: f32) -> f32 {
    let spine = 26.0 * (1.0 - (across / 0.18).min(1.0)) * (1.0 - (across / 0.18).min(1.0));
    let edge = if across > 0.985 { 70.0 } else { 0.0 };
    let stain =
        9.0 * noise(seed, 6.0 * across, 8.0 * down) + 4.0 * noise(seed + 1, 60.0 * across, 85.0 * down);
    246.0 - spine - edge - stain - 5.0 * down
}

/// Breaks a paragraph into lines that fit.
fn lines(font: &Font, text: &str, width_px: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line from the start");
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if font.width(&longer) as f32 * BODY_PX / 1000.0 <= width_px {
            *line = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
