//! A photograph that no camera took: sky, clouds, mountains and a lake, with grain.

use jpeg_encoder::ColorType;
use oorandom::Rand32;
use pdf_writer::{Content, Filter, Finish, Name};

use crate::paper::Paper;
use crate::raster::{fractal, jpeg, mix};

const WIDTH_PX: u16 = 4000;
const HEIGHT_PX: u16 = 3000;

/// One page with one picture of 12 megapixels.
pub fn landscape() -> Vec<u8> {
    let data = picture(WIDTH_PX, HEIGHT_PX, 78);
    let mut paper = Paper::new("A photograph");
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::DctDecode);
    image.width(i32::from(WIDTH_PX)).height(i32::from(HEIGHT_PX));
    image.color_space().device_rgb();
    image.bits_per_component(8);
    image.finish();

    let size = (841.89, 595.276);
    let mut content = Content::new();
    content.set_fill_gray(0.1).rect(0.0, 0.0, size.0, size.1).fill_nonzero();
    content.save_state().transform([720.0, 0.0, 0.0, 540.0, 60.9, 27.6]).x_object(Name(b"I")).restore_state();
    paper.page(size, content, |page| {
        page.resources().x_objects().pair(Name(b"I"), id);
    });
    paper.finish()
}

/// The picture as a JPEG of any size.
pub(crate) fn picture(width_px: u16, height_px: u16, quality: u8) -> Vec<u8> {
    jpeg(&samples(width_px, height_px), width_px, height_px, ColorType::Rgb, quality)
}

/// The picture as RGB samples of 8 bits.
pub(crate) fn samples(width_px: u16, height_px: u16) -> Vec<u8> {
    let mut random = Rand32::new(31);
    let (width, height) = (usize::from(width_px), usize::from(height_px));
    // Ridges from far to near: how high each stands above the lake, column by column.
    let ridges: Vec<Vec<f32>> = [(41, 3.0, 0.22, 0.3), (51, 5.0, 0.17, 0.36), (61, 8.0, 0.1, 0.45)]
        .iter()
        .map(|&(seed, frequency, rise, base)| {
            let at = |x: usize| fractal(seed, frequency * x as f32 / width as f32, 0.5, 7);
            (0..width).map(|x| base + rise * (1.0 - 2.0 * at(x))).collect()
        })
        .collect();
    let shore = 0.62;

    let mut samples = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        let down = y as f32 / height as f32;
        // Below the shore, the lake mirrors what is above, stretched and rippled.
        let ripple = if down > shore { 0.012 * (fractal(71, 3.0, 90.0 * down, 3) - 0.5) } else { 0.0 };
        let seen = if down > shore { shore - 0.9 * (down - shore) + ripple } else { down };
        for x in 0..width {
            let across = x as f32 / width as f32;
            let mut color = land(&ridges, x, across, seen).unwrap_or_else(|| sky(across, seen));
            if down > shore {
                let glint = fractal(81, 14.0 * across, 160.0 * down, 2);
                color = [0, 1, 2].map(|i| mix(color[i], [22.0, 52.0, 74.0][i], 0.35 + 0.3 * glint));
            }
            let grain = (random.rand_u32() >> 28) as f32 - 7.5;
            samples.extend(color.map(|level| (level + 0.5 * grain).clamp(0.0, 255.0) as u8));
        }
    }
    samples
}

/// The colour of the nearest ridge at a point, if there is one.
fn land(ridges: &[Vec<f32>], x: usize, across: f32, down: f32) -> Option<[f32; 3]> {
    const TINTS: [[f32; 3]; 3] = [[126.0, 140.0, 168.0], [84.0, 102.0, 104.0], [44.0, 66.0, 40.0]];
    let nearest = (0..ridges.len()).rev().find(|&i| down > ridges[i][x])?;
    let texture = fractal(91 + nearest as u32, 60.0 * across, 45.0 * down, 3);
    let below = ((down - ridges[nearest][x]) * 9.0).min(1.0);
    // Snow lies on the upper part of the far ridge.
    if nearest == 0 && below < 0.5 * texture {
        return Some([236.0, 240.0, 246.0]);
    }
    Some(TINTS[nearest].map(|level| level * (0.62 + 0.7 * texture) + 22.0 * below))
}

fn sky(across: f32, down: f32) -> [f32; 3] {
    let t = (down / 0.5).clamp(0.0, 1.0);
    let blue = [mix(58.0, 236.0, t), mix(112.0, 206.0, t), mix(190.0, 178.0, t)];
    let cloud = ((fractal(101, 5.0 * across, 11.0 * down, 4) - 0.48) * 4.0).clamp(0.0, 1.0);
    let (dx, dy) = (across - 0.72, (down - 0.26) * 0.75);
    let sun = (1.0 - (dx * dx + dy * dy).sqrt() * 5.0).clamp(0.0, 1.0);
    let glow = sun * sun;
    [0, 1, 2].map(|i| mix(mix(blue[i], 244.0, 0.75 * cloud), [255.0, 250.0, 226.0][i], glow))
}
