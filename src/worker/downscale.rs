//! Makes a small image of a page out of a large one.

use fast_image_resize::images::{TypedCroppedImageMut, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{FilterType, MulDiv, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use render_api::{PixelFormat, Pixmap, RenderError};

use crate::config::Raster;

/// How many times larger an image must be for a smaller one to be made of its pixels.
///
/// Measured with MuPDF on 18 pages (text, drawings, scans, photographs, forms) against the page
/// drawn 8 times larger and averaged: the mean SSIM of a page drawn again, of one scaled down with
/// this filter, and on how many pages the latter is worse by more than 0.005.
///
/// | Times larger | Drawn | Scaled | Worse |
/// |--:|--:|--:|--:|
/// | 1.2 | 0.939 | 0.929 | 10 |
/// | 1.5 | 0.929 | 0.953 | 4 |
/// | 2 | 0.926 | 0.977 | 0 |
/// | 3 | 0.939 | 0.984 | 1 |
/// | 4 | 0.923 | 0.987 | 0 |
/// | 8 | 0.911 | 0.987 | 0 |
///
/// From 2 on the pixels of the large image say more than an engine does about so small a page:
/// its thin lines and glyphs fall between pixels. Below 2 they blur. It is cheaper too: a page of
/// 150 dpi is scaled in 0.4 to 2 ms, and drawn again in 3 (text) to 150 (maps).
const LEAST_RATIO: f64 = 2.0;

/// Nearly the mean over the area that a small pixel covers, and smooth where that area has no whole
/// number of pixels. Of the filters it is the nearest to the reference at every ratio from 1.5
/// on; Lanczos, Catmull-Rom and Mitchell ring or blur beside strokes, and a box is uneven.
const FILTER: FilterType = FilterType::Hamming;

/// Whether `small` is better made of the pixels of `large` than drawn again.
pub(super) fn is_source_of(large: &Raster, small: &Raster) -> bool {
    let is_even = |raster: &Raster| raster.scale_x == raster.scale_y;
    is_even(large) && is_even(small) && large.scale_x >= LEAST_RATIO * small.scale_x
}

/// Scales pages down, one after the other, with buffers that it keeps.
#[derive(Default)]
pub(super) struct Downscaler {
    resizer: Resizer,
}

impl Downscaler {
    /// Makes a large image ready to be scaled: its colours are multiplied by its alpha, so that what
    /// shows through has no say in a mean. It is then no longer an image to encode.
    pub(super) fn prepare(large: &mut Pixmap) -> Result<(), RenderError> {
        if large.format() == PixelFormat::Rgba8 {
            MulDiv::new().multiply_alpha_inplace_typed(&mut image_of::<U8x4>(large)?).map_err(failed)?;
        }
        Ok(())
    }

    /// Draws `out`, whose raster is `small`, from the pixels of a large image that is prepared.
    ///
    /// # Errors
    ///
    /// [`RenderError::LimitExceeded`], [`RenderError::OutOfMemory`].
    pub(super) fn scale(
        &mut self,
        large: &Pixmap,
        large_raster: &Raster,
        small: &Raster,
        max_pixels: u64,
        out: &mut Pixmap,
    ) -> Result<(), RenderError> {
        out.reset(small.width_px, small.height_px, large.format(), max_pixels)?;
        let ratio = large_raster.scale_x / small.scale_x;
        match large.format() {
            PixelFormat::Gray8 => self.resize::<U8>(large, ratio, small, out)?,
            PixelFormat::Rgb8 => self.resize::<U8x3>(large, ratio, small, out)?,
            PixelFormat::Rgbx8 => self.resize::<U8x4>(large, ratio, small, out)?,
            PixelFormat::Rgba8 => {
                self.resize::<U8x4>(large, ratio, small, out)?;
                MulDiv::new().divide_alpha_inplace_typed(&mut image_of::<U8x4>(out)?).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Scales pixels of a type that is known when this is compiled. The resizer can find the type out itself, but
    /// then all that it knows are compiled, which took two thirds of the time that this crate is optimised in.
    fn resize<P: PixelTrait>(
        &mut self,
        large: &Pixmap,
        ratio: f64,
        small: &Raster,
        out: &mut Pixmap,
    ) -> Result<(), RenderError> {
        let from = TypedImageRef::<P>::from_buffer(large.width_px(), large.height_px(), large.data())
            .map_err(failed)?;
        let mut to = image_of::<P>(out)?;
        for rows in Strip::cut(small.height_px, large.height_px(), ratio) {
            for columns in Strip::cut(small.width_px, large.width_px(), ratio) {
                let mut part = TypedCroppedImageMut::from_ref(
                    &mut to,
                    columns.start_px,
                    rows.start_px,
                    columns.px,
                    rows.px,
                )
                .map_err(failed)?;
                let options = ResizeOptions::new()
                    .resize_alg(ResizeAlg::Convolution(FILTER))
                    .crop(columns.from_start, rows.from_start, columns.from_length, rows.from_length)
                    .use_alpha(false);
                self.resizer.resize_typed(&from, &mut part, &options).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Columns or rows of a small image, and what they come from.
///
/// The last pixel of a page is often covered in part: the small image then reaches beyond the large
/// one, and its last column or row is made of what there is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Strip {
    start_px: u32,
    px: u32,
    from_start: f64,
    from_length: f64,
}

impl Strip {
    fn cut(small_px: u32, large_px: u32, ratio: f64) -> impl Iterator<Item = Strip> {
        let large = f64::from(large_px);
        let whole_px = ((large / ratio) as u32).min(small_px);
        let whole = Strip {
            start_px: 0,
            px: whole_px,
            from_start: 0.0,
            from_length: (f64::from(whole_px) * ratio).min(large),
        };
        // At least a pixel, so that there is something to take from.
        let rest_start = whole.from_length.min(large - 1.0);
        let rest = Strip {
            start_px: whole_px,
            px: small_px - whole_px,
            from_start: rest_start,
            from_length: large - rest_start,
        };
        [whole, rest].into_iter().filter(|strip| strip.px > 0)
    }
}

fn image_of<P: PixelTrait>(pixmap: &mut Pixmap) -> Result<TypedImage<'_, P>, RenderError> {
    let (width_px, height_px) = (pixmap.width_px(), pixmap.height_px());
    TypedImage::from_buffer(width_px, height_px, pixmap.data_mut()).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> RenderError {
    RenderError::Backend { detail: format!("failed to scale an image down: {error}") }
}

#[cfg(test)]
mod tests {
    use render_api::PageSize;

    use super::*;
    use crate::config::{Fit, Scale};

    const A4: PageSize = PageSize { width_pt: 595.276, height_pt: 841.89 };

    fn drawn(raster: &Raster, format: PixelFormat, pixel: impl Fn(f64, f64) -> [u8; 4]) -> Pixmap {
        let mut pixmap = Pixmap::default();
        pixmap.reset(raster.width_px, raster.height_px, format, u64::MAX).unwrap();
        let (width, bytes) = (raster.width_px as usize, format.bytes_per_pixel());
        for (i, out) in pixmap.data_mut().chunks_exact_mut(bytes).enumerate() {
            let at = |n: usize| n as f64 + 0.5;
            out.copy_from_slice(
                &pixel(at(i % width) / raster.scale_x, at(i / width) / raster.scale_y)[..bytes],
            );
        }
        pixmap
    }

    fn scaled(large: &mut Pixmap, from: &Raster, to: &Raster) -> Pixmap {
        let mut out = Pixmap::default();
        Downscaler::prepare(large).unwrap();
        Downscaler::default().scale(large, from, to, u64::MAX, &mut out).unwrap();
        out
    }

    #[test]
    fn what_is_less_than_half_as_large_is_scaled_and_all_else_is_drawn() {
        let raster = |scale: Scale| scale.resolve(A4);
        let stretched = Scale::Box { width_px: Some(60), height_px: Some(60), fit: Fit::Stretch };
        let contained = Scale::Box { fit: Fit::Contain, width_px: Some(60), height_px: Some(60) };
        let main = raster(Scale::Dpi(150.0));
        assert!(is_source_of(&main, &raster(Scale::Dpi(75.0))));
        assert!(is_source_of(&main, &raster(contained)));
        assert!(!is_source_of(&main, &raster(Scale::Dpi(76.0))));
        assert!(!is_source_of(&main, &raster(Scale::Dpi(300.0))));
        assert!(!is_source_of(&main, &raster(stretched)));
        assert!(!is_source_of(&raster(stretched), &raster(Scale::Dpi(1.0))));
    }

    #[test]
    fn every_place_of_the_page_stays_where_it_is_to_the_last_row() {
        // A ramp down the page: the level says how many pt from the top.
        let ramp = |_: f64, y_pt: f64| [(y_pt / 4.0) as u8; 4];
        for format in [PixelFormat::Rgb8, PixelFormat::Rgbx8] {
            for dpi in [75.0, 61.3, 40.0, 25.7, 9.0] {
                let (from, to) = (Scale::Dpi(150.0).resolve(A4), Scale::Dpi(dpi).resolve(A4));
                let small = scaled(&mut drawn(&from, format, ramp), &from, &to);
                let expected = drawn(&to, format, ramp);
                assert_eq!((small.width_px(), small.height_px()), (to.width_px, to.height_px));
                let stride = small.stride();
                for (row, (a, b)) in
                    small.data().chunks(stride).zip(expected.data().chunks(stride)).enumerate()
                {
                    // The last row may have a page's end in it.
                    let most = if row + 1 == to.height_px as usize { 144.0 / dpi / 4.0 + 1.0 } else { 1.0 };
                    let off = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                    assert!(f64::from(off) <= most, "{dpi} dpi, row {row}: off by {off}");
                }
            }
        }
    }

    #[test]
    fn gray_is_scaled_to_the_levels_that_rgb_is_scaled_to() {
        // Strokes of every level, thinner than a small pixel.
        let strokes = |x_pt: f64, y_pt: f64| [(x_pt * 37.0 + (y_pt / 9.0).floor() * 53.0) as u32 as u8; 4];
        for dpi in [75.0, 61.3, 25.7, 9.0] {
            let (from, to) = (Scale::Dpi(150.0).resolve(A4), Scale::Dpi(dpi).resolve(A4));
            let gray = scaled(&mut drawn(&from, PixelFormat::Gray8, strokes), &from, &to);
            let rgb = scaled(&mut drawn(&from, PixelFormat::Rgb8, strokes), &from, &to);
            let spread: Vec<u8> = gray.data().iter().flat_map(|level| [*level; 3]).collect();
            assert!(spread == rgb.data(), "{dpi} dpi");
        }
    }

    #[test]
    fn what_shows_through_lends_no_colour() {
        let (from, to) = (Scale::Dpi(150.0).resolve(A4), Scale::Dpi(30.0).resolve(A4));
        // Red stripes with nothing between them, where a decoder would see green.
        let stripes = |_: f64, y_pt: f64| {
            if y_pt as u32 % 10 < 5 { [200, 0, 0, 255] } else { [0, 255, 0, 0] }
        };
        let small = scaled(&mut drawn(&from, PixelFormat::Rgba8, stripes), &from, &to);
        let mut alphas = std::collections::BTreeSet::new();
        for pixel in small.data().as_chunks::<4>().0.iter().filter(|pixel| pixel[3] > 64) {
            assert!(pixel[0].abs_diff(200) <= 6 && pixel[1] == 0, "{pixel:?}");
            alphas.insert(pixel[3]);
        }
        assert!(alphas.iter().any(|alpha| (32..224).contains(alpha)), "{alphas:?}");
    }

    #[test]
    fn an_image_of_one_pixel_is_made_of_all() {
        let point = PageSize { width_pt: 3.0, height_pt: 500.0 };
        let (from, to) = (Scale::Dpi(72.0).resolve(point), Scale::Dpi(1.0).resolve(point));
        let gray = |_, _| [90, 90, 90, 255];
        let small = scaled(&mut drawn(&from, PixelFormat::Rgb8, gray), &from, &to);
        assert_eq!((small.width_px(), small.height_px()), (1, 7));
        assert!(small.data().iter().all(|level| *level == 90));
    }

    #[test]
    fn no_size_of_a_page_is_refused() {
        for (width_pt, height_pt) in [(0.3, 7.7), (1.0, 1.0), (17.77, 3.3), (99.99, 61.01), (200.5, 88.123)] {
            let page = PageSize { width_pt, height_pt };
            let from = Scale::Dpi(150.0).resolve(page);
            let mut large = drawn(&from, PixelFormat::Rgbx8, |_, _| [7, 7, 7, 0]);
            for ratio in (0..60).map(|i| 2.0 + f64::from(i) * 0.317) {
                let to = Scale::Dpi(150.0 / ratio).resolve(page);
                let small = scaled(&mut large, &from, &to);
                assert!(small.data().chunks(4).all(|pixel| pixel[0] == 7), "{page:?} / {ratio}");
            }
        }
    }
}
