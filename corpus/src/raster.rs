//! Images made of nothing: noise, glyphs painted as pixels, JPEG.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use tiny_skia::{FillRule, Mask, PathBuilder, Transform};

use crate::font::Font;

/// Paints a line of text into a coverage mask; the baseline starts at the origin of `transform`.
pub(crate) fn paint_text(mask: &mut Mask, font: &Font, text: &str, size_px: f32, transform: Transform) {
    let face = font.face();
    let scale = size_px / f32::from(face.units_per_em());
    let mut outline = Outline { path: PathBuilder::new(), x: 0.0, scale };
    for c in text.chars() {
        let glyph = face.glyph_index(c).unwrap_or_default();
        // A glyph without an outline, such as a space, only moves on.
        let _ = face.outline_glyph(glyph, &mut outline);
        outline.x += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
    }
    if let Some(path) = outline.path.finish() {
        mask.fill_path(&path, FillRule::Winding, true, transform);
    }
}

/// Smooth noise within 0 … 1 that changes over about one unit; the same for the same seed.
pub(crate) fn noise(seed: u32, x: f32, y: f32) -> f32 {
    let (cell_x, cell_y) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - cell_x), ease(y - cell_y));
    let (i, j) = (cell_x as i32, cell_y as i32);
    let at = |di: i32, dj: i32| lattice(seed, i.wrapping_add(di), j.wrapping_add(dj));
    let (low, high) = (mix(at(0, 0), at(1, 0), u), mix(at(0, 1), at(1, 1), u));
    mix(low, high, v)
}

/// Noise of several octaves, each of twice the frequency and half the weight; within 0 … 1.
pub(crate) fn fractal(seed: u32, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut frequency) = (0.0, 0.5, 1.0);
    for octave in 0..octaves {
        sum += weight * noise(seed.wrapping_add(octave), x * frequency, y * frequency);
        weight *= 0.5;
        frequency *= 2.0;
    }
    sum / (1.0 - weight * 2.0)
}

/// The value between `a` and `b` at `t`.
pub(crate) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Compresses 8-bit samples as a baseline JPEG, colour with chroma at half resolution.
///
/// # Panics
///
/// If there are not as many samples as the size and the colour type say.
pub(crate) fn jpeg(samples: &[u8], width: u16, height: u16, color: ColorType, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(samples, width, height, color).expect("the image fits and memory takes every write");
    bytes
}

fn lattice(seed: u32, i: i32, j: i32) -> f32 {
    let mut hash = seed.wrapping_mul(0x9E37_79B1) ^ (i as u32).wrapping_mul(0x85EB_CA77);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0xC2B2_AE3D) ^ (j as u32).wrapping_mul(0x27D4_EB2F);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0x1656_67B1);
    (hash >> 8) as f32 / (1 << 24) as f32
}

/// Takes glyph outlines, which point up, into an image, which points down.
struct Outline {
    path: PathBuilder,
    x: f32,
    scale: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, -y * self.scale)
    }
}

impl ttf_parser::OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
