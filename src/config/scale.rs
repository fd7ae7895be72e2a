//! How large the image of a page becomes.

use std::fmt;
use std::str::FromStr;

use render_api::PageSize;

/// How large the image of a page becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// So many pixels per inch of page.
    Dpi(f64),
    /// Fitted to a width, a height, or both.
    Box {
        /// The width in px; `None` follows the height.
        width_px: Option<u32>,
        /// The height in px; `None` follows the width.
        height_px: Option<u32>,
        /// What happens to the proportions when both are given.
        fit: Fit,
    },
}

impl Default for Scale {
    fn default() -> Self {
        Scale::Dpi(150.0)
    }
}

/// The image of one page: its size, and the scales that fill it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raster {
    /// Width in px.
    pub width_px: u32,
    /// Height in px.
    pub height_px: u32,
    /// Pixels per pt across.
    pub scale_x: f64,
    /// Pixels per pt down.
    pub scale_y: f64,
}

impl Scale {
    /// The image that a page of this size becomes; at least 1 px on each side.
    pub fn resolve(self, page: PageSize) -> Raster {
        // A page side is more than 0 pt; the bound keeps a quotient finite whatever comes in.
        let (width_pt, height_pt) = (page.width_pt.max(1e-6), page.height_pt.max(1e-6));
        let evenly = |scale: f64| {
            let (width_px, height_px) = page.to_pixels(scale);
            Raster { width_px, height_px, scale_x: scale, scale_y: scale }
        };
        match self {
            Scale::Dpi(dpi) => evenly(dpi / 72.0),
            Scale::Box { width_px: None, height_px: None, .. } => evenly(1.0),
            Scale::Box { width_px: Some(width_px), height_px: None, .. } => {
                Raster { width_px, ..evenly(f64::from(width_px) / width_pt) }
            }
            Scale::Box { width_px: None, height_px: Some(height_px), .. } => {
                Raster { height_px, ..evenly(f64::from(height_px) / height_pt) }
            }
            Scale::Box { width_px: Some(width_px), height_px: Some(height_px), fit } => {
                let (scale_x, scale_y) = (f64::from(width_px) / width_pt, f64::from(height_px) / height_pt);
                match fit {
                    Fit::Stretch => Raster { width_px, height_px, scale_x, scale_y },
                    Fit::Contain => {
                        let even = evenly(scale_x.min(scale_y));
                        Raster {
                            width_px: even.width_px.min(width_px),
                            height_px: even.height_px.min(height_px),
                            ..even
                        }
                    }
                }
            }
        }
    }
}

/// What happens to a page's proportions when both width and height are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// They are kept, and the image is as large as the box allows; the default.
    #[default]
    Contain,
    /// They are given up, and the image is exactly as large as the box.
    Stretch,
}

impl Fit {
    /// Every way to fit.
    pub const ALL: [Fit; 2] = [Fit::Contain, Fit::Stretch];

    /// The name used in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Fit::Contain => "contain",
            Fit::Stretch => "stretch",
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Fit {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        Fit::ALL.into_iter().find(|f| f.as_str() == s).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A4: PageSize = PageSize { width_pt: 595.276, height_pt: 841.89 };

    fn boxed(width_px: Option<u32>, height_px: Option<u32>, fit: Fit) -> (u32, u32) {
        let raster = Scale::Box { width_px, height_px, fit }.resolve(A4);
        (raster.width_px, raster.height_px)
    }

    #[test]
    fn dpi_counts_pixels_per_inch() {
        let letter = PageSize { width_pt: 612.0, height_pt: 792.0 };
        let raster = Scale::default().resolve(letter);
        assert_eq!((raster.width_px, raster.height_px), (1275, 1650));
        assert_eq!((raster.scale_x, raster.scale_y), (150.0 / 72.0, 150.0 / 72.0));
    }

    #[test]
    fn one_side_given_is_exact_and_the_other_follows() {
        assert_eq!(boxed(Some(1000), None, Fit::Contain), (1000, 1415));
        assert_eq!(boxed(None, Some(1000), Fit::Contain), (708, 1000));
    }

    #[test]
    fn contain_keeps_the_proportions_within_the_box() {
        assert_eq!(boxed(Some(1000), Some(1000), Fit::Contain), (708, 1000));
        assert_eq!(boxed(Some(100), Some(10_000), Fit::Contain), (100, 142));
    }

    #[test]
    fn stretch_fills_the_box() {
        let raster = Scale::Box { width_px: Some(640), height_px: Some(480), fit: Fit::Stretch }.resolve(A4);
        assert_eq!((raster.width_px, raster.height_px), (640, 480));
        assert!((raster.scale_x * A4.width_pt - 640.0).abs() < 1e-9);
        assert!((raster.scale_y * A4.height_pt - 480.0).abs() < 1e-9);
    }

    #[test]
    fn a_box_is_never_exceeded_whatever_the_page() {
        for width_pt in [1e-9, 0.01, 3.3, 595.276, 14_400.0, 1e9] {
            for height_pt in [1e-9, 0.07, 841.89, 1e9] {
                let page = PageSize { width_pt, height_pt };
                let scale = Scale::Box { width_px: Some(333), height_px: Some(77), fit: Fit::Contain };
                let raster = scale.resolve(page);
                assert!((1..=333).contains(&raster.width_px), "{page:?} {raster:?}");
                assert!((1..=77).contains(&raster.height_px), "{page:?} {raster:?}");
                assert!(raster.scale_x.is_finite());
            }
        }
    }
}
