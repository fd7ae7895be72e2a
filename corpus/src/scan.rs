//! Sheets of paper as a scanner sees them: skewed, shaded, grainy; or in black and white alone.

use fax::encoder::Encoder;
use fax::{Color, VecWriter};
use jpeg_encoder::ColorType;
use oorandom::Rand32;
use pdf_writer::writers::ImageXObject;
use pdf_writer::{Content, Filter, Finish, Name, Ref};
use tiny_skia::{FillRule, Mask, PathBuilder, Rect, Transform};

use crate::font::Font;
use crate::jbig2;
use crate::paper::{A4, Paper};
use crate::prose;
use crate::raster::{jpeg, mix, noise, paint_text};

const BODY_PX: f32 = 46.0;
const LEADING_PX: f32 = 66.0;

/// How finely A4 is scanned.
#[derive(Debug, Clone, Copy)]
struct Resolution {
    width_px: u16,
    height_px: u16,
    /// How many pixels there are for one at 300 dpi, in which all lengths are given.
    scale: f32,
}

const DPI_300: Resolution = Resolution { width_px: 2480, height_px: 3508, scale: 1.0 };
const DPI_600: Resolution = Resolution { width_px: 4960, height_px: 7016, scale: 2.0 };

/// Two sheets in gray.
pub fn gray() -> Vec<u8> {
    gray_at(DPI_300, "A scan in gray", &[(21, 0.6), (22, -0.35)])
}

/// One sheet in gray, at 600 dpi.
pub fn fine_gray() -> Vec<u8> {
    gray_at(DPI_600, "A fine scan in gray", &[(25, 0.45)])
}

fn gray_at(resolution: Resolution, title: &str, sheets: &[(u64, f64)]) -> Vec<u8> {
    let mut paper = Paper::new(title);
    for &(seed, skew_degrees) in sheets {
        let samples = gray_samples(resolution, seed, skew_degrees);
        let data = jpeg(&samples, resolution.width_px, resolution.height_px, ColorType::Luma, 62);
        let image = embed(&mut paper, resolution, &data, Filter::DctDecode, |image| {
            image.color_space().device_gray();
            image.bits_per_component(8);
        });
        full_page(&mut paper, image);
    }
    paper.finish()
}

/// Two sheets of yellowed paper with blue ink.
pub fn color() -> Vec<u8> {
    let mut paper = Paper::new("A scan in colour");
    for (seed, skew_degrees) in [(23, -0.5), (24, 0.4)] {
        let samples = color_samples(DPI_300, seed, skew_degrees);
        let data = jpeg(&samples, DPI_300.width_px, DPI_300.height_px, ColorType::Rgb, 62);
        let image = embed(&mut paper, DPI_300, &data, Filter::DctDecode, |image| {
            image.color_space().device_rgb();
            image.bits_per_component(8);
        });
        full_page(&mut paper, image);
    }
    paper.finish()
}

/// A sheet in black and white at 300 dpi, compressed as a fax of group 4.
pub fn ccitt() -> Vec<u8> {
    ccitt_at(DPI_300, "A scan in black and white", 26, 0.5)
}

/// The same at 600 dpi.
pub fn fine_ccitt() -> Vec<u8> {
    ccitt_at(DPI_600, "A fine scan in black and white", 28, -0.4)
}

fn ccitt_at(resolution: Resolution, title: &str, seed: u64, skew_degrees: f64) -> Vec<u8> {
    let mut paper = Paper::new(title);
    let black = black_of(&gray_samples(resolution, seed, skew_degrees));
    let data = group_4(&black, resolution.width_px);
    let image = embed(&mut paper, resolution, &data, Filter::CcittFaxDecode, |image| {
        image.color_space().device_gray();
        image.bits_per_component(1);
        let (columns, rows) = (i32::from(resolution.width_px), i32::from(resolution.height_px));
        image.decode_parms().k(-1).columns(columns).rows(rows);
    });
    full_page(&mut paper, image);
    paper.finish()
}

/// A sheet in black and white at 300 dpi, compressed as JBIG2.
pub fn jbig2() -> Vec<u8> {
    let mut paper = Paper::new("A scan in black and white, JBIG2");
    let black = black_of(&gray_samples(DPI_300, 29, -0.55));
    let data = jbig2::encode(&black, u32::from(DPI_300.width_px), u32::from(DPI_300.height_px));
    let image = embed(&mut paper, DPI_300, &data, Filter::Jbig2Decode, |image| {
        image.color_space().device_gray();
        image.bits_per_component(1);
    });
    full_page(&mut paper, image);
    paper.finish()
}

/// One sheet of yellowed paper with blue ink at 300 dpi, compressed as JPEG 2000.
pub fn jpx() -> Vec<u8> {
    let mut paper = Paper::new("A scan in colour, JPEG 2000");
    // Made once from `jpx_source`, as the README says.
    let data = include_bytes!("../fixtures/scan.jp2");
    let image = embed(&mut paper, DPI_300, data, Filter::JpxDecode, |image| {
        image.color_space().device_rgb();
        image.bits_per_component(8);
    });
    full_page(&mut paper, image);
    paper.finish()
}

/// The sheet that is in `fixtures/scan.jp2`, as a binary PPM.
pub fn jpx_source() -> Vec<u8> {
    let mut ppm = format!("P6\n{} {}\n255\n", DPI_300.width_px, DPI_300.height_px).into_bytes();
    ppm.extend(color_samples(DPI_300, 31, 0.35));
    ppm
}

fn gray_samples(resolution: Resolution, seed: u64, skew_degrees: f64) -> Vec<u8> {
    Sheet::new(resolution, seed, skew_degrees).samples::<1>(seed, |paper, ink| [mix(paper, 44.0, ink)])
}

fn color_samples(resolution: Resolution, seed: u64, skew_degrees: f64) -> Vec<u8> {
    Sheet::new(resolution, seed, skew_degrees).samples::<3>(seed, |paper, ink| {
        [mix(paper, 38.0, ink), mix(0.975 * paper, 46.0, ink), mix(0.9 * paper, 92.0, ink)]
    })
}

/// What a scanner makes of gray that is told to see black and white: the shadow at the edge becomes specks.
fn black_of(samples: &[u8]) -> Vec<bool> {
    const THRESHOLD: u8 = 160;
    samples.iter().map(|&level| level < THRESHOLD).collect()
}

/// Compresses as ITU-T T.6 has it.
fn group_4(black: &[bool], width: u16) -> Vec<u8> {
    let mut encoder = Encoder::new(VecWriter::new());
    for row in black.chunks_exact(usize::from(width)) {
        let colors = row.iter().map(|&is_black| if is_black { Color::Black } else { Color::White });
        let Ok(()) = encoder.encode_line(colors, u32::from(width));
    }
    let Ok(writer) = encoder.finish();
    writer.finish()
}

/// Writes an image of a sheet; `fill` says what its samples mean.
fn embed(
    paper: &mut Paper,
    resolution: Resolution,
    data: &[u8],
    filter: Filter,
    fill: impl FnOnce(&mut ImageXObject<'_>),
) -> Ref {
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, data);
    image.filter(filter);
    image.width(i32::from(resolution.width_px)).height(i32::from(resolution.height_px));
    fill(&mut image);
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
    resolution: Resolution,
    ink: Mask,
}

impl Sheet {
    /// A page of prose with a heading and a table, turned by a few tenths of a degree.
    fn new(resolution: Resolution, seed: u64, skew_degrees: f64) -> Sheet {
        let Resolution { width_px, height_px, scale } = resolution;
        let mut random = Rand32::new(seed);
        let (roman, bold) = (Font::new("NewCM10-Regular"), Font::new("NewCM10-Bold"));
        let mut ink = Mask::new(u32::from(width_px), u32::from(height_px)).expect("the size is not zero");
        let angle = skew_degrees * std::f64::consts::PI / 180.0;
        let (sin, cos) = (libm::sin(angle) as f32, libm::cos(angle) as f32);
        let skewed = Transform::from_row(scale * cos, scale * sin, -scale * sin, scale * cos, 0.0, 0.0);
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
        Sheet { resolution, ink }
    }

    /// The samples of the image, `N` to a pixel, from the paper's brightness and the ink's share.
    fn samples<const N: usize>(&self, seed: u64, pixel: impl Fn(f32, f32) -> [f32; N]) -> Vec<u8> {
        let mut random = Rand32::new(seed);
        let (width, height) = (usize::from(self.resolution.width_px), usize::from(self.resolution.height_px));
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

#[cfg(test)]
mod tests {
    use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

    use super::*;

    struct Rows {
        width: u32,
        black: Vec<bool>,
    }

    impl Decoder for Rows {
        fn push_row(&mut self, changes: &[u32]) {
            let before = |x: u32| changes.iter().filter(|&&change| change <= x).count();
            self.black.extend((0..self.width).map(|x| before(x) % 2 == 1));
        }
    }

    #[test]
    fn a_fax_is_read_as_it_was_written() {
        let mut random = Rand32::new(1);
        for (width, height) in [(1, 1), (8, 3), (33, 20), (2000, 7)] {
            for black_in_256 in [0, 3, 128, 250, 256] {
                let count = u32::from(width) * height;
                let black: Vec<bool> = (0..count).map(|_| random.rand_range(0..256) < black_in_256).collect();
                let settings = DecodeSettings {
                    columns: u32::from(width),
                    rows: height,
                    end_of_block: true,
                    end_of_line: false,
                    rows_are_byte_aligned: false,
                    encoding: EncodingMode::Group4,
                    strict: true,
                };
                let mut rows = Rows { width: u32::from(width), black: Vec::new() };
                let mut context = DecoderContext::new(settings);
                hayro_ccitt::decode(&group_4(&black, width), &mut rows, &mut context).unwrap();
                assert!(rows.black == black, "{width} × {height}, {black_in_256}");
            }
        }
    }

    #[test]
    fn a_bilevel_scan_is_mostly_white_and_has_ink() {
        let black = black_of(&gray_samples(DPI_300, 26, 0.5));
        let share = black.iter().filter(|&&is_black| is_black).count() as f64 / black.len() as f64;
        assert!((0.03..0.2).contains(&share), "{share}");
    }
}
