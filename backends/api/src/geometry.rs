//! Which rectangle of a page is drawn, and how many pixels it becomes.
//!
//! Engines disagree about missing, empty and absurd boxes, about `/UserUnit`, and about rounding.
//! They hand over what the file says as a [`RawPage`]; [`PageGeometry::resolve`] decides.

use std::fmt;
use std::str::FromStr;

use crate::error::RenderError;

/// The number of a page, counted from 0.
///
/// `Display` prints the number that a person expects, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageIndex(pub u32);

impl PageIndex {
    /// The number counted from 1, as people, file names and manifests have it.
    pub fn number(self) -> u32 {
        self.0 + 1
    }
}

impl fmt::Display for PageIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// The size of a page as it is seen, after rotation, in pt (1/72 inch).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageSize {
    /// Width in pt.
    pub width_pt: f64,
    /// Height in pt.
    pub height_pt: f64,
}

impl PageSize {
    /// The size in pixels at `scale` pixels per pt: `ceil(pt × scale − ε)` on each axis, at least 1.
    ///
    /// The ε of 0.001 px keeps 8.5 in × 150 dpi at 1275 px when the box was stored as a
    /// rounded decimal.
    pub fn to_pixels(self, scale: f64) -> (u32, u32) {
        let axis = |pt: f64| (pt * scale - 0.001).ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
        (axis(self.width_pt), axis(self.height_pt))
    }
}

/// One of the five boxes that a page may have (ISO 32000-1, 14.11.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PageBox {
    /// What a viewer shows; the default.
    #[default]
    Crop,
    /// The whole medium.
    Media,
    /// The finished page after trimming.
    Trim,
    /// The trimmed page and its bleed.
    Bleed,
    /// The meaningful content.
    Art,
}

impl PageBox {
    /// Every box.
    pub const ALL: [PageBox; 5] =
        [PageBox::Crop, PageBox::Media, PageBox::Trim, PageBox::Bleed, PageBox::Art];

    /// The name used in options.
    pub fn as_str(self) -> &'static str {
        match self {
            PageBox::Crop => "crop",
            PageBox::Media => "media",
            PageBox::Trim => "trim",
            PageBox::Bleed => "bleed",
            PageBox::Art => "art",
        }
    }
}

impl fmt::Display for PageBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PageBox {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        PageBox::ALL.into_iter().find(|b| b.as_str() == s).ok_or(())
    }
}

/// A rectangle in the page's own space, in pt before `/UserUnit`: `[x0, y0, x1, y1]`, any corner first.
pub type RawBox = [f64; 4];

/// What the file says about a page's size, inherited values included, unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RawPage {
    /// `/MediaBox`.
    pub media: Option<RawBox>,
    /// `/CropBox`.
    pub crop: Option<RawBox>,
    /// `/TrimBox`.
    pub trim: Option<RawBox>,
    /// `/BleedBox`.
    pub bleed: Option<RawBox>,
    /// `/ArtBox`.
    pub art: Option<RawBox>,
    /// `/Rotate` in degrees; any integer, clockwise.
    pub rotate: i64,
    /// `/UserUnit`; 1 if the file has none.
    pub user_unit: f64,
}

/// The rectangle that is drawn and how it is turned: what every engine must agree on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageGeometry {
    /// The rectangle in the page's own space, normalised: `x0 < x1`, `y0 < y1`, before `/UserUnit`.
    pub rect: RawBox,
    /// Clockwise rotation in degrees: 0, 90, 180 or 270.
    pub rotate: u16,
    /// The `/UserUnit` that applies; within 0.01 … 14,400.
    pub user_unit: f64,
}

/// US Letter, which stands in for a page box that is missing or unusable.
const LETTER: RawBox = [0.0, 0.0, 612.0, 792.0];

/// The longest side in pt, after `/UserUnit`, that is taken for a page: about 350 km of paper.
const MAX_SIDE_PT: f64 = 1e9;

impl PageGeometry {
    /// Decides which rectangle of a page is drawn.
    ///
    /// - A box with a NaN, an infinity, or no area counts as missing.
    /// - A missing media box is US Letter; a missing crop box is the media box; a missing trim,
    ///   bleed or art box is the crop box.
    /// - Every box is cut to the media box; one that does not meet it counts as missing.
    /// - `/Rotate` is rounded down to a multiple of 90 and taken modulo 360.
    /// - A `/UserUnit` that is not a number, or not within 0.01 … 14,400, counts as 1. Others scale the page.
    ///
    /// # Errors
    ///
    /// [`RenderError::LimitExceeded`] if a side is longer than 10⁹ pt.
    pub fn resolve(raw: &RawPage, page_box: PageBox) -> Result<PageGeometry, RenderError> {
        let media = raw.media.and_then(normalised).unwrap_or(LETTER);
        let within_media = |b: Option<RawBox>| b.and_then(normalised).and_then(|b| intersection(b, media));
        let crop = within_media(raw.crop).unwrap_or(media);
        let rect = match page_box {
            PageBox::Media => media,
            PageBox::Crop => crop,
            PageBox::Trim => within_media(raw.trim).unwrap_or(crop),
            PageBox::Bleed => within_media(raw.bleed).unwrap_or(crop),
            PageBox::Art => within_media(raw.art).unwrap_or(crop),
        };
        let user_unit = if (0.01..=14_400.0).contains(&raw.user_unit) { raw.user_unit } else { 1.0 };
        let rotate = (raw.rotate.rem_euclid(360) / 90 * 90) as u16;
        let geometry = PageGeometry { rect, rotate, user_unit };
        let size = geometry.size();
        let longest_pt = size.width_pt.max(size.height_pt);
        if longest_pt > MAX_SIDE_PT {
            return Err(RenderError::LimitExceeded {
                what: "page side in pt",
                value: longest_pt as u64,
                limit: MAX_SIDE_PT as u64,
            });
        }
        Ok(geometry)
    }

    /// The size of the page as it is seen, after rotation and `/UserUnit`.
    pub fn size(&self) -> PageSize {
        let [x0, y0, x1, y1] = self.rect;
        let (width_pt, height_pt) = ((x1 - x0) * self.user_unit, (y1 - y0) * self.user_unit);
        if self.rotate.is_multiple_of(180) {
            PageSize { width_pt, height_pt }
        } else {
            PageSize { width_pt: height_pt, height_pt: width_pt }
        }
    }

    /// The matrix `[a, b, c, d, e, f]` of `x' = a·x + c·y + e`, `y' = b·x + d·y + f`, which takes the
    /// page's own space, y upwards, to pixels, y downwards, with the top left corner of the page as it
    /// is seen at the origin, and `scale_x` × `scale_y` pixels to a pt.
    pub fn to_pixels(&self, scale_x: f64, scale_y: f64) -> [f64; 6] {
        let [x0, y0, x1, y1] = self.rect;
        let (sx, sy) = (scale_x * self.user_unit, scale_y * self.user_unit);
        match self.rotate {
            90 => [0.0, sy, sx, 0.0, -y0 * sx, -x0 * sy],
            180 => [-sx, 0.0, 0.0, sy, x1 * sx, -y0 * sy],
            270 => [0.0, -sy, -sx, 0.0, y1 * sx, x1 * sy],
            _ => [sx, 0.0, 0.0, -sy, -x0 * sx, y1 * sy],
        }
    }
}

fn normalised([x0, y0, x1, y1]: RawBox) -> Option<RawBox> {
    let all_finite = [x0, y0, x1, y1].iter().all(|v| v.is_finite());
    let b = [x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)];
    (all_finite && b[2] > b[0] && b[3] > b[1]).then_some(b)
}

fn intersection(a: RawBox, b: RawBox) -> Option<RawBox> {
    normalised_in_order([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])])
}

/// The box itself if its corners are in order and it has an area.
fn normalised_in_order(b: RawBox) -> Option<RawBox> {
    (b[2] > b[0] && b[3] > b[1]).then_some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(media: RawBox) -> RawPage {
        RawPage { media: Some(media), user_unit: 1.0, ..RawPage::default() }
    }

    #[test]
    fn letter_at_150_dpi_is_1275_by_1650() {
        let size = PageGeometry::resolve(&page(LETTER), PageBox::Crop).unwrap().size();
        assert_eq!(size.to_pixels(150.0 / 72.0), (1275, 1650));
    }

    #[test]
    fn a_fraction_of_a_pixel_is_a_whole_pixel() {
        let a4 = page([0.0, 0.0, 595.276, 841.89]);
        let size = PageGeometry::resolve(&a4, PageBox::Crop).unwrap().size();
        assert_eq!(size.to_pixels(1.0), (596, 842));
    }

    #[test]
    fn rotation_swaps_the_sides_and_may_be_negative() {
        for (rotate, swapped, kept) in
            [(0, false, 0), (90, true, 90), (-90, true, 270), (450, true, 90), (100, true, 90)]
        {
            let raw = RawPage { rotate, ..page([0.0, 0.0, 100.0, 200.0]) };
            let geometry = PageGeometry::resolve(&raw, PageBox::Crop).unwrap();
            assert_eq!(geometry.rotate, kept);
            assert_eq!(geometry.size().width_pt == 200.0, swapped, "rotate {rotate}");
        }
    }

    #[test]
    fn unusable_boxes_fall_back() {
        for media in [[f64::NAN, 0.0, 1.0, 1.0], [0.0; 4], [0.0, 0.0, f64::INFINITY, 5.0]] {
            assert_eq!(PageGeometry::resolve(&page(media), PageBox::Crop).unwrap().rect, LETTER);
        }
        let outside = RawPage { crop: Some([900.0, 900.0, 950.0, 950.0]), ..page(LETTER) };
        assert_eq!(PageGeometry::resolve(&outside, PageBox::Crop).unwrap().rect, LETTER);
        let flipped = page([612.0, 792.0, 0.0, 0.0]);
        assert_eq!(PageGeometry::resolve(&flipped, PageBox::Crop).unwrap().rect, LETTER);
    }

    #[test]
    fn a_crop_box_is_cut_to_the_media_box_and_inherited_by_the_others() {
        let raw = RawPage { crop: Some([-50.0, 10.0, 300.0, 9000.0]), ..page(LETTER) };
        for page_box in [PageBox::Crop, PageBox::Trim, PageBox::Bleed, PageBox::Art] {
            let rect = PageGeometry::resolve(&raw, page_box).unwrap().rect;
            assert_eq!(rect, [0.0, 10.0, 300.0, 792.0]);
        }
        assert_eq!(PageGeometry::resolve(&raw, PageBox::Media).unwrap().rect, LETTER);
    }

    #[test]
    fn user_unit_scales_and_absurd_ones_are_ignored() {
        let with = |user_unit| RawPage { user_unit, ..page([0.0, 0.0, 100.0, 100.0]) };
        let width = |raw| PageGeometry::resolve(&raw, PageBox::Crop).unwrap().size().width_pt;
        assert_eq!(width(with(2.0)), 200.0);
        for absurd in [0.0, -1.0, f64::NAN, 1e6, f64::INFINITY] {
            assert_eq!(width(with(absurd)), 100.0, "UserUnit {absurd}");
        }
    }

    /// Where the corner of the box lies in the image that is the top left one of the page as it is seen.
    #[test]
    fn the_top_left_corner_as_seen_is_the_origin_under_every_rotation() {
        let rect = [10.0, 20.0, 110.0, 220.0];
        for (rotate, x, y) in [(0, 10.0, 220.0), (90, 10.0, 20.0), (180, 110.0, 20.0), (270, 110.0, 220.0)] {
            let geometry = PageGeometry { rect, rotate, user_unit: 2.0 };
            let [a, b, c, d, e, f] = geometry.to_pixels(1.5, 3.0);
            assert_eq!((a * x + c * y + e, b * x + d * y + f), (0.0, 0.0), "rotate {rotate}");
        }
    }

    #[test]
    fn a_page_of_absurd_size_is_an_error_and_not_an_overflow() {
        let error = PageGeometry::resolve(&page([0.0, 0.0, 1e10, 1e10]), PageBox::Crop).unwrap_err();
        assert_eq!(error.code(), "limit_exceeded");
    }
}
