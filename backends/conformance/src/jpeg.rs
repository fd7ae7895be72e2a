//! Images that are stored as JPEG.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use render_api::{Pixmap, RenderOptions, Renderer};

use crate::pdf::Pdf;
use crate::probe::{FIRST, draw, open, pixel};

crate::check_list! {
    "JPEG images" => [
        a_jpeg_in_gray_keeps_its_levels,
        a_jpeg_in_rgb_keeps_its_colours,
        a_jpeg_in_cmyk_keeps_its_inks,
        a_jpeg_is_scaled_down_without_a_shift,
        a_jpeg_that_ends_early_shows_what_there_is,
    ],
}

/// Two blocks of the coarsest chroma, so that no quarter of an image bleeds into another.
const SIDE_PX: u16 = 64;

fn a_jpeg_in_gray_keeps_its_levels(renderer: &dyn Renderer) {
    let levels = [[0], [255], [51], [204]];
    for storage in Storage::ALL {
        let image = Image::new(levels, ColorType::Luma, storage);
        assert_quarters(&image.picture(renderer, 1.0), levels.map(|[v]| [v; 3]), 4);
    }
}

fn a_jpeg_in_rgb_keeps_its_colours(renderer: &dyn Renderer) {
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [51, 102, 153]];
    for storage in Storage::ALL {
        let image = Image::new(colours, ColorType::Rgb, storage);
        assert_quarters(&image.picture(renderer, 1.0), colours, 6);
    }
}

/// As Photoshop writes them: Adobe's marker, inverted samples, and a `/Decode` that says so.
fn a_jpeg_in_cmyk_keeps_its_inks(renderer: &dyn Renderer) {
    let inks = [[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0], [0, 255, 255, 0]];
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        for storage in Storage::ALL {
            let pixmap = Image::new(inks, color, storage).picture(renderer, 1.0);
            let [paper, black, cyan, red] = quarters(&pixmap);
            // How ink looks is up to the engine's profile, but not which ink it is.
            assert!(paper.iter().all(|&v| v >= 250), "{color:?} {storage:?}: paper {paper:?}");
            assert!(black.iter().all(|&v| v <= 60), "{color:?} {storage:?}: black {black:?}");
            assert!(cyan[0] < 60 && cyan[1] > 130 && cyan[2] > 200, "{color:?} {storage:?}: cyan {cyan:?}");
            assert!(red[0] > 200 && red[1] < 70 && red[2] < 70, "{color:?} {storage:?}: red {red:?}");
        }
    }
}

/// Engines let the JPEG library scale by powers of two, which is code of its own.
fn a_jpeg_is_scaled_down_without_a_shift(renderer: &dyn Renderer) {
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]];
    for storage in Storage::ALL {
        let image = Image::new(colours, ColorType::Rgb, storage);
        for scale in [0.5, 0.25, 0.125] {
            assert_quarters(&image.picture(renderer, scale), colours, 6);
        }
    }
}

fn a_jpeg_that_ends_early_shows_what_there_is(renderer: &dyn Renderer) {
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]];
    let mut image = Image::new(colours, ColorType::Rgb, Storage::Baseline);
    let scan = image.jpeg.windows(2).position(|marker| marker == [0xFF, 0xDA]).expect("a start of scan");
    image.jpeg.truncate(scan + (image.jpeg.len() - scan) * 3 / 4);
    let pixmap = image.picture(renderer, 1.0);
    let [red, green, ..] = quarters(&pixmap);
    assert!(red[0] > 240 && red[1] < 15, "{red:?}");
    assert!(green[1] > 240 && green[0] < 15, "{green:?}");
}

/// How the samples are stored.
#[derive(Debug, Clone, Copy)]
enum Storage {
    Baseline,
    Progressive,
    /// Chroma at half the resolution.
    Subsampled,
}

impl Storage {
    const ALL: [Storage; 3] = [Storage::Baseline, Storage::Progressive, Storage::Subsampled];
}

/// A JPEG whose quarters have one colour each: upper left, upper right, lower left, lower right.
struct Image {
    jpeg: Vec<u8>,
    /// The entries of the image that depend on its colours.
    colour_entries: &'static str,
}

impl Image {
    fn new<const N: usize>(quarters: [[u8; N]; 4], color: ColorType, storage: Storage) -> Image {
        let half = SIDE_PX / 2;
        let samples: Vec<u8> = (0..SIDE_PX * SIDE_PX)
            .flat_map(|i| {
                let (right, lower) = (i % SIDE_PX >= half, i / SIDE_PX >= half);
                quarters[usize::from(right) + 2 * usize::from(lower)]
            })
            .collect();
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, 98);
        encoder.set_progressive(matches!(storage, Storage::Progressive));
        encoder.set_sampling_factor(match storage {
            Storage::Subsampled => SamplingFactor::F_2_2,
            Storage::Baseline | Storage::Progressive => SamplingFactor::F_1_1,
        });
        encoder.encode(&samples, SIDE_PX, SIDE_PX, color).expect("memory takes every write");
        let colour_entries = match N {
            1 => "/ColorSpace /DeviceGray",
            3 => "/ColorSpace /DeviceRGB",
            _ => "/ColorSpace /DeviceCMYK /Decode [1 0 1 0 1 0 1 0]",
        };
        Image { jpeg, colour_entries }
    }

    /// The page that it fills, at this many pixels for each of its own.
    fn picture(&self, renderer: &dyn Renderer, scale: f64) -> Pixmap {
        let hex: String = self.jpeg.iter().map(|byte| format!("{byte:02x}")).collect();
        let page = format!("/MediaBox [0 0 {SIDE_PX} {SIDE_PX}] /Resources << /XObject << /I 5 0 R >> >>");
        let image = format!(
            "/Type /XObject /Subtype /Image /Width {SIDE_PX} /Height {SIDE_PX} /BitsPerComponent 8 \
             /Filter [/ASCIIHexDecode /DCTDecode] {}",
            self.colour_entries
        );
        let pdf = Pdf::one_page(&page, &format!("{SIDE_PX} 0 0 {SIDE_PX} 0 0 cm /I Do"))
            .stream(&image, &(hex + ">"))
            .to_bytes();
        let options = RenderOptions { scale_x: scale, scale_y: scale, ..RenderOptions::default() };
        draw(open(renderer, &pdf).as_mut(), FIRST, &options).expect("a page with an image").0
    }
}

/// The pixels in the middles of the quarters, in the order of [`Image`].
fn quarters(pixmap: &Pixmap) -> [&[u8]; 4] {
    let (w, h) = (pixmap.width_px(), pixmap.height_px());
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| pixel(pixmap, x * w / 4, y * h / 4))
}

fn assert_quarters(pixmap: &Pixmap, expected: [[u8; 3]; 4], tolerance: u8) {
    let found = quarters(pixmap);
    let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= tolerance;
    let all_near = found.iter().zip(&expected).all(|(found, expected)| found.iter().zip(expected).all(near));
    assert!(all_near, "{} px wide: {found:?} for {expected:?}", pixmap.width_px());
}
