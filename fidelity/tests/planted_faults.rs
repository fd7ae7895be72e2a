//! A page with one fault planted in it is found out, and another rasterizer's page is not.
//!
//! The page is painted here: letters, a picture, a coloured annotation. A second "engine" paints
//! the same with all origins moved by a part of a pixel, and with other weights along edges.

use fidelity::{Comparison, Figures, Picture, Verdict, compare};

const WIDTH_PX: usize = 420;
const HEIGHT_PX: usize = 300;

#[test]
fn two_rasterizers_of_one_page_agree() {
    let (figures, verdict) = judge(&Page::default(), &Page { engine: Engine::Other, ..Page::default() });
    assert_eq!(verdict, Verdict::Same, "{figures:?}");
    assert!(figures.score.unwrap() < 95.0, "the second engine paints too much like the first: {figures:?}");
}

#[test]
fn a_page_is_the_same_as_itself() {
    let (figures, verdict) = judge(&Page::default(), &Page::default());
    assert_eq!(verdict, Verdict::Same);
    assert_eq!((figures.score, figures.differing, figures.worst_cell), (Some(100.0), 0.0, 0.0));
}

#[test]
fn a_blank_page_is_different_and_its_ink_says_so() {
    let (figures, verdict) = found_out(Page { blank: true, ..Page::default() });
    assert_eq!(verdict, Verdict::Different, "{figures:?}");
    assert!(figures.more_ink() < -0.03 && figures.ink[1] == 0.0, "{figures:?}");
}

#[test]
fn a_missing_annotation_is_different() {
    assert_eq!(found_out(Page { annotation: None, ..Page::default() }).1, Verdict::Different);
}

#[test]
fn a_missing_image_is_different() {
    assert_eq!(found_out(Page { image: false, ..Page::default() }).1, Verdict::Different);
}

#[test]
fn one_letter_in_place_of_another_is_different() {
    let text: String = TEXT.replacen('E', "O", 1);
    let (figures, verdict) = found_out(Page { text: &text, ..Page::default() });
    assert_eq!(verdict, Verdict::Different, "{figures:?}");
    assert!(figures.differing < 0.001, "it is a small fault: {figures:?}");
}

#[test]
fn one_missing_letter_is_different() {
    let text: String = TEXT.replacen('E', " ", 1);
    assert_eq!(found_out(Page { text: &text, ..Page::default() }).1, Verdict::Different);
}

#[test]
fn colours_that_are_wrong_are_different() {
    let swapped = Page { annotation: Some([40, 120, 230]), ..Page::default() };
    assert_eq!(found_out(swapped).1, Verdict::Different);
    // Of one lightness: only the colours tell them apart.
    let (figures, verdict) = judge(
        &Page { annotation: Some([220, 120, 120]), ..Page::default() },
        &Page { annotation: Some([120, 165, 150]), ..Page::default() },
    );
    assert_eq!(verdict, Verdict::Different, "{figures:?}");
}

#[test]
fn a_page_that_is_moved_by_a_pixel_is_near_and_the_shift_is_told() {
    for (right_px, down_px) in [(1, 0), (0, 1), (-1, -1)] {
        let (figures, verdict) =
            judge(&Page::default(), &Page { moved_px: (right_px as f64, down_px as f64), ..Page::default() });
        assert_eq!(verdict, Verdict::Near, "{figures:?}");
        assert_eq!((figures.shift.right_px, figures.shift.down_px), (right_px, down_px));
    }
}

#[test]
fn a_page_that_is_moved_by_six_pixels_is_different() {
    assert_eq!(found_out(Page { moved_px: (6.0, 0.0), ..Page::default() }).1, Verdict::Different);
}

#[test]
fn a_page_of_another_size_is_of_another_size() {
    let page = Page::default().paint();
    let cut = Picture::new(WIDTH_PX, HEIGHT_PX - 1, page.rgb()[..WIDTH_PX * (HEIGHT_PX - 1) * 3].to_vec());
    let comparison = compare(&page, &cut.unwrap());
    assert_eq!(comparison, Comparison::Sizes([(WIDTH_PX, HEIGHT_PX), (WIDTH_PX, HEIGHT_PX - 1)]));
}

#[test]
fn it_does_not_matter_which_picture_comes_first() {
    let (first, second) = (Page::default(), Page { engine: Engine::Other, image: false, ..Page::default() });
    let ((one, _), (other, _)) = (judge(&first, &second), judge(&second, &first));
    assert_eq!((one.differing, one.worst_cell), (other.differing, other.worst_cell));
    assert_eq!(one.more_ink(), -other.more_ink());
}

/// The sound page of one engine against the faulty one of the same and of the other engine; the
/// figures and the verdict are the other one's, and both verdicts have to be the same.
fn found_out(faulty: Page) -> (Figures, Verdict) {
    let sound = Page::default();
    let (_, of_the_same) = judge(&sound, &faulty);
    let (figures, verdict) = judge(&sound, &Page { engine: Engine::Other, ..faulty });
    assert_eq!(of_the_same, verdict, "{figures:?}");
    (figures, verdict)
}

fn judge(first: &Page, second: &Page) -> (Figures, Verdict) {
    let comparison = compare(&first.paint(), &second.paint());
    let Comparison::Figures(figures) = comparison else { panic!("the sizes differ") };
    (figures, Verdict::on(&comparison))
}

const TEXT: &str =
    "THE OTTER ATE THE LOT\nTOO LATE TO HALT THEE\nHE LEAT A HOTEL THERE\nTHEOREATHL OTTOHLREAT";

#[derive(Clone, Copy)]
enum Engine {
    One,
    Other,
}

/// A page, and what may be wrong with it.
#[derive(Clone, Copy)]
struct Page<'a> {
    engine: Engine,
    text: &'a str,
    image: bool,
    annotation: Option<[u8; 3]>,
    blank: bool,
    moved_px: (f64, f64),
}

impl Default for Page<'_> {
    fn default() -> Self {
        Page {
            engine: Engine::One,
            text: TEXT,
            image: true,
            annotation: Some([240, 200, 60]),
            blank: false,
            moved_px: (0.0, 0.0),
        }
    }
}

impl Page<'_> {
    fn paint(&self) -> Picture {
        let (offset_px, samples, weight) = match self.engine {
            Engine::One => (0.0, 4, 1.0),
            Engine::Other => (0.35, 3, 0.8),
        };
        let mut rgb = Vec::with_capacity(WIDTH_PX * HEIGHT_PX * 3);
        for y in 0..HEIGHT_PX {
            for x in 0..WIDTH_PX {
                let mut sum = [0.0; 3];
                for i in 0..samples * samples {
                    let part = |i: usize| (i as f64 + 0.5) / samples as f64;
                    let at = |pixel: usize, part, moved| pixel as f64 + part - offset_px - moved;
                    let color = self.color(
                        at(x, part(i % samples), self.moved_px.0),
                        at(y, part(i / samples), self.moved_px.1),
                    );
                    for (sum, value) in sum.iter_mut().zip(color) {
                        *sum += f64::from(value);
                    }
                }
                // An engine with another gamma along edges.
                let mean = |sum: f64| sum / (samples * samples) as f64 / 255.0;
                rgb.extend(sum.map(|sum| (mean(sum).powf(weight) * 255.0).round() as u8));
            }
        }
        Picture::new(WIDTH_PX, HEIGHT_PX, rgb).unwrap()
    }

    fn color(&self, x: f64, y: f64) -> [u8; 3] {
        const WHITE: [u8; 3] = [255; 3];
        if self.blank {
            return WHITE;
        }
        if self.is_letter(x - 30.0, y - 30.0) {
            return [20, 20, 30];
        }
        if let Some(color) = self.annotation
            && (30.0..150.0).contains(&x)
            && (180.0..210.0).contains(&y)
        {
            return color;
        }
        if self.image && (200.0..380.0).contains(&x) && (140.0..270.0).contains(&y) {
            let wave = (x / 9.0).sin() * (y / 13.0).cos();
            return [(128.0 + 90.0 * wave) as u8, (y - 100.0) as u8, (x - 180.0) as u8];
        }
        WHITE
    }

    /// Whether there is ink at a place of the text block.
    fn is_letter(&self, x: f64, y: f64) -> bool {
        const DOT_PX: f64 = 1.7;
        let (advance, leading) = (7.0 * DOT_PX, 13.0 * DOT_PX);
        if x < 0.0 || y < 0.0 {
            return false;
        }
        let letter = self.text.lines().nth((y / leading) as usize);
        let letter = letter.and_then(|line| line.chars().nth((x / advance) as usize));
        let (column, row) = ((x % advance / DOT_PX) as usize, (y % leading / DOT_PX) as usize);
        column < 5 && row < 7 && letter.is_some_and(|letter| rows(letter)[row] >> (4 - column) & 1 == 1)
    }
}

/// A letter in 5 × 7 dots.
fn rows(letter: char) -> [u8; 7] {
    match letter {
        'A' => [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
        'E' => [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f],
        'H' => [0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
        'L' => [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f],
        'O' => [0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e],
        'R' => [0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11],
        'T' => [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04],
        _ => [0; 7],
    }
}
