//! What is drawn where, and in which colour.

use render_api::{Background, OpenOptions, PageBox, PixelFormat, Pixmap, RenderOptions, Renderer};

use crate::pdf::Pdf;
use crate::probe::{FIRST, draw, draw_as, has_ink, open, picture, pixel};

crate::check_list! {
    "Page count, boxes, rotation, UserUnit" => [
        the_top_left_of_the_page_is_the_top_left_of_the_image_under_every_rotation,
        a_box_that_is_not_at_the_origin_is_moved_there,
        a_page_can_be_stretched,
        user_unit_scales_what_is_drawn,
        the_media_box_shows_what_the_crop_box_hides,
        a_crop_box_without_area_hides_nothing,
    ],
    "Device colours" => [
        device_colours_are_right_to_one_level,
    ],
    "Backgrounds, opaque and transparent" => [
        the_background_is_exact_and_covers_the_image,
        a_transparent_background_has_the_alpha_of_what_is_drawn,
        colours_on_a_transparent_background_are_not_multiplied_by_alpha,
        an_opaque_background_in_rgba_is_opaque,
    ],
    "Gray pages" => [
        what_has_no_colour_is_drawn_alike_before_and_after_a_colour,
    ],
    "Transparency groups" => [
        a_page_that_is_a_transparency_group_keeps_its_colours,
    ],
    "Text in fonts that are not embedded" => [
        text_in_a_font_that_is_not_embedded_is_drawn,
    ],
    "The same picture every time" => [
        the_same_page_gives_the_same_bytes_every_time,
    ],
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const YELLOW: [u8; 3] = [255, 255, 0];
const WHITE: [u8; 3] = [255; 3];

/// Fills the quarters of a rectangle: lower left red, lower right green, upper left blue, upper
/// right yellow.
fn quarters(x: i32, y: i32, width: i32, height: i32) -> String {
    let (w, h) = (width / 2, height / 2);
    let (cx, cy) = (x + w, y + h);
    format!(
        "1 0 0 rg {x} {y} {w} {h} re f 0 1 0 rg {cx} {y} {w} {h} re f \
         0 0 1 rg {x} {cy} {w} {h} re f 1 1 0 rg {cx} {cy} {w} {h} re f"
    )
}

/// The corner pixels: top left, top right, bottom left, bottom right.
fn corners(pixmap: &Pixmap) -> [&[u8]; 4] {
    let (right, bottom) = (pixmap.width_px() - 1, pixmap.height_px() - 1);
    [(0, 0), (right, 0), (0, bottom), (right, bottom)].map(|(x, y)| pixel(pixmap, x, y))
}

fn the_top_left_of_the_page_is_the_top_left_of_the_image_under_every_rotation(renderer: &dyn Renderer) {
    for (rotate, expected) in [
        (0, [BLUE, YELLOW, RED, GREEN]),
        (90, [RED, BLUE, GREEN, YELLOW]),
        (180, [GREEN, RED, YELLOW, BLUE]),
        (270, [YELLOW, GREEN, BLUE, RED]),
        (-90, [YELLOW, GREEN, BLUE, RED]),
    ] {
        for scale in [1.0, 1.7, 3.0] {
            let page = format!("/MediaBox [-10 -20 110 240] /CropBox [10 20 110 220] /Rotate {rotate}");
            let pdf = Pdf::one_page(&page, &quarters(10, 20, 100, 200)).to_bytes();
            let options = RenderOptions { scale_x: scale, scale_y: scale, ..RenderOptions::default() };
            let (pixmap, drawn) = draw(open(renderer, &pdf).as_mut(), FIRST, &options).unwrap();
            assert_eq!(corners(&pixmap), expected, "/Rotate {rotate} at {scale}");
            assert_eq!(drawn.content_errors, 0);
        }
    }
}

fn a_box_that_is_not_at_the_origin_is_moved_there(renderer: &dyn Renderer) {
    for (x, y) in [(0, 0), (1000, -2000), (-70, 35), (100_000, 100_000)] {
        let page = format!("/MediaBox [{x} {y} {} {}]", x + 40, y + 20);
        let pdf = Pdf::one_page(&page, &quarters(x, y, 40, 20)).to_bytes();
        let pixmap = picture(renderer, &pdf);
        assert_eq!((pixmap.width_px(), pixmap.height_px()), (40, 20));
        assert_eq!(corners(&pixmap), [BLUE, YELLOW, RED, GREEN], "origin at {x}, {y}");
        assert_eq!(pixel(&pixmap, 18, 8), BLUE, "origin at {x}, {y}");
        assert_eq!(pixel(&pixmap, 21, 11), GREEN, "origin at {x}, {y}");
    }
}

fn a_page_can_be_stretched(renderer: &dyn Renderer) {
    for (rotate, size) in [(0, (200, 50)), (90, (200, 50))] {
        let page = format!("/MediaBox [0 0 100 100] /Rotate {rotate}");
        let pdf = Pdf::one_page(&page, "1 0 0 rg 0 0 50 50 re f").to_bytes();
        let options = RenderOptions { scale_x: 2.0, scale_y: 0.5, ..RenderOptions::default() };
        let (pixmap, _) = draw(open(renderer, &pdf).as_mut(), FIRST, &options).unwrap();
        assert_eq!((pixmap.width_px(), pixmap.height_px()), size);
        let y = if rotate == 0 { 26 } else { 23 };
        assert_eq!(pixel(&pixmap, 98, y), RED, "/Rotate {rotate}");
        assert_eq!(pixel(&pixmap, 101, y), WHITE, "/Rotate {rotate}");
        assert_eq!(pixel(&pixmap, 98, 49 - y), WHITE, "/Rotate {rotate}");
    }
}

fn user_unit_scales_what_is_drawn(renderer: &dyn Renderer) {
    let pdf = Pdf::one_page("/MediaBox [0 0 40 20] /UserUnit 3", &quarters(0, 0, 40, 20)).to_bytes();
    let pixmap = picture(renderer, &pdf);
    assert_eq!((pixmap.width_px(), pixmap.height_px()), (120, 60));
    assert_eq!(corners(&pixmap), [BLUE, YELLOW, RED, GREEN]);
    assert_eq!((pixel(&pixmap, 58, 28), pixel(&pixmap, 61, 31)), (&BLUE[..], &GREEN[..]));
}

fn the_media_box_shows_what_the_crop_box_hides(renderer: &dyn Renderer) {
    let page = "/MediaBox [0 0 100 100] /CropBox [40 40 60 60]";
    let pdf = Pdf::one_page(page, &quarters(0, 0, 100, 100)).to_bytes();
    let options = OpenOptions { page_box: PageBox::Media, ..OpenOptions::default() };
    let mut document = renderer.open(&pdf, &options).unwrap();
    let (pixmap, _) = draw(document.as_mut(), FIRST, &RenderOptions::default()).unwrap();
    assert_eq!((pixmap.width_px(), pixmap.height_px()), (100, 100));
    assert_eq!(corners(&pixmap), [BLUE, YELLOW, RED, GREEN]);
}

fn a_crop_box_without_area_hides_nothing(renderer: &dyn Renderer) {
    let page = "/MediaBox [0 0 100 100] /CropBox [50 50 50 50]";
    let pdf = Pdf::one_page(page, &quarters(0, 0, 100, 100)).to_bytes();
    assert_eq!(corners(&picture(renderer, &pdf)), [BLUE, YELLOW, RED, GREEN]);
}

fn device_colours_are_right_to_one_level(renderer: &dyn Renderer) {
    for (operator, expected) in [
        ("0 g", [0, 0, 0]),
        ("1 g", [255, 255, 255]),
        ("0.2 g", [51, 51, 51]),
        ("0.2 0.4 0.6 rg", [51, 102, 153]),
        ("0.8 1 0 rg", [204, 255, 0]),
    ] {
        let contents = format!("{operator} 0 0 20 20 re f");
        let pdf = Pdf::one_page("/MediaBox [0 0 20 20]", &contents).to_bytes();
        let pixmap = picture(renderer, &pdf);
        for (found, expected) in pixel(&pixmap, 10, 10).iter().zip(expected) {
            // Engines round differently, but none has a reason to miss black or white.
            let tolerance = if matches!(expected, 0 | 255) { 0 } else { 1 };
            assert!(found.abs_diff(expected) <= tolerance, "{operator}: {found} for {expected}");
        }
    }
}

fn the_background_is_exact_and_covers_the_image(renderer: &dyn Renderer) {
    let pdf = Pdf::one_page("/MediaBox [0 0 30 20]", "1 0 0 rg 10 5 10 10 re f").to_bytes();
    for colour in [[255, 255, 255], [0, 0, 0], [12, 34, 56]] {
        let options = RenderOptions { background: Background::Color(colour), ..RenderOptions::default() };
        let (pixmap, _) = draw(open(renderer, &pdf).as_mut(), FIRST, &options).unwrap();
        assert_eq!(corners(&pixmap), [colour; 4]);
        assert_eq!(pixel(&pixmap, 15, 10), RED);
    }
}

const TRANSPARENT: RenderOptions =
    RenderOptions { scale_x: 1.0, scale_y: 1.0, background: Background::Transparent, annotations: true };

/// Half of the page opaque, a quarter half transparent, a quarter empty.
fn half_transparent_page() -> Vec<u8> {
    Pdf::one_page(
        "/MediaBox [0 0 40 20] /Resources << /ExtGState << /Half << /ca 0.5 >> >> >>",
        "0.2 0.4 0.6 rg 0 0 20 20 re f /Half gs 1 0.4 0 rg 20 0 20 10 re f",
    )
    .to_bytes()
}

fn a_transparent_background_has_the_alpha_of_what_is_drawn(renderer: &dyn Renderer) {
    let pdf = half_transparent_page();
    let mut document = open(renderer, &pdf);
    let (pixmap, _) = draw_as(document.as_mut(), FIRST, &TRANSPARENT, PixelFormat::Rgba8).unwrap();
    assert_eq!(pixel(&pixmap, 30, 5)[3], 0);
    assert_eq!(pixel(&pixmap, 10, 10)[3], 255);
    let half = pixel(&pixmap, 30, 15)[3];
    assert!((126..=129).contains(&half), "alpha {half}");
}

fn colours_on_a_transparent_background_are_not_multiplied_by_alpha(renderer: &dyn Renderer) {
    let pdf = half_transparent_page();
    let mut document = open(renderer, &pdf);
    let (pixmap, _) = draw_as(document.as_mut(), FIRST, &TRANSPARENT, PixelFormat::Rgba8).unwrap();
    assert_eq!(pixel(&pixmap, 10, 10), [51, 102, 153, 255]);
    // Half of the precision is lost where alpha is a half.
    let expected = [255_u8, 102, 0];
    for (found, expected) in pixel(&pixmap, 30, 15).iter().zip(expected) {
        assert!(found.abs_diff(expected) <= 1, "{found} for {expected}");
    }
}

fn an_opaque_background_in_rgba_is_opaque(renderer: &dyn Renderer) {
    let pdf = half_transparent_page();
    let options = RenderOptions { background: Background::Color([10, 20, 30]), ..TRANSPARENT };
    let mut document = open(renderer, &pdf);
    let (rgba, _) = draw_as(document.as_mut(), FIRST, &options, PixelFormat::Rgba8).unwrap();
    let (rgb, _) = draw(document.as_mut(), FIRST, &options).unwrap();
    assert_eq!(pixel(&rgba, 30, 5), [10, 20, 30, 255]);
    for (with_alpha, without) in rgba.data().chunks_exact(4).zip(rgb.data().chunks_exact(3)) {
        assert_eq!(with_alpha, [without, &[255]].concat());
    }
}

fn a_page_that_is_a_transparency_group_keeps_its_colours(renderer: &dyn Renderer) {
    let page = "/MediaBox [0 0 40 20] /CropBox [0 0 40 20] /Rotate 180 \
                /Group << /S /Transparency /CS /DeviceRGB /I true >>";
    let pdf = Pdf::one_page(page, &quarters(0, 0, 40, 20)).to_bytes();
    assert_eq!(corners(&picture(renderer, &pdf)), [GREEN, RED, YELLOW, BLUE]);
}

fn text_in_a_font_that_is_not_embedded_is_drawn(renderer: &dyn Renderer) {
    for font in ["Helvetica", "Times-Roman", "Courier"] {
        let page = format!(
            "/MediaBox [0 0 200 100] \
             /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /{font} >> >> >>"
        );
        let pdf = Pdf::one_page(&page, "BT /F 60 Tf 20 30 Td (H) Tj ET").to_bytes();
        let pixmap = picture(renderer, &pdf);
        assert!(has_ink(&pixmap, 20..70, 30..70), "{font}");
        assert!(!has_ink(&pixmap, 70..200, 0..100), "{font}");
        assert!(!has_ink(&pixmap, 0..200, 0..25), "{font}");
        assert!(!has_ink(&pixmap, 0..200, 71..100), "{font}");
    }
}

fn the_same_page_gives_the_same_bytes_every_time(renderer: &dyn Renderer) {
    let pdf = Pdf::one_page(
        "/MediaBox [0 0 200 100] \
         /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>",
        "BT /F 20 Tf 3.3 30.7 Td (Quick brown) Tj ET 0.3 w 1 1 m 190 77 l S",
    )
    .to_bytes();
    let options = RenderOptions { scale_x: 1.37, scale_y: 1.37, ..RenderOptions::default() };
    let mut document = open(renderer, &pdf);
    let (first, _) = draw(document.as_mut(), FIRST, &options).unwrap();
    assert!(has_ink(&first, 0..100, 0..100));
    let (again, _) = draw(document.as_mut(), FIRST, &options).unwrap();
    let (reopened, _) = draw(open(renderer, &pdf).as_mut(), FIRST, &options).unwrap();
    assert!(first.data() == again.data(), "drawn twice");
    assert!(first.data() == reopened.data(), "drawn after opening again");
}

/// Marks without colour, each in a way of its own.
const MARKS_WITHOUT_COLOUR: [(&str, &str); 15] = [
    ("text", "BT /F 30 Tf 5.3 40.7 Td (gray) Tj ET"),
    ("stroked text", "BT /F 30 Tf 1 Tr 0.7 w 5.3 40.7 Td (gray) Tj ET"),
    ("large text", "BT /F 300 Tf 5.3 -10.7 Td (g) Tj ET"),
    ("a curve", "0.37 g 10 10 m 90 30 20 95 80 80 c f"),
    ("a line", "0.6 G 0.4 w 3 5 m 97 81 l S"),
    ("equal parts of red, green and blue", "0.5 0.5 0.5 rg 10.2 10.2 50.3 50.3 re f"),
    ("a rectangle as a clip", "q 20.5 20 40 40.5 re W n 0.2 g 10 10 m 90 30 20 95 80 80 c f Q"),
    ("a curve as a clip", "q 10 10 m 90 30 20 95 80 80 c W n 0.2 g 0 0 50 100 re f Q"),
    ("text as a clip", "q BT /F 40 Tf 7 Tr 5.3 40.7 Td (gray) Tj ET 0.2 g 0 0 60 100 re f Q"),
    ("half-transparent", "/Half gs 0.1 g 10 10 m 90 30 20 95 80 80 c f"),
    ("an image", "q 60.5 0 0 50.5 20 20 cm BI /W 3 /H 2 /BPC 8 /CS /G ID \x00\x30\x60\x48\x7F\x20 EI Q"),
    ("a turned image", "q 40 20 -20 40 40 20 cm BI /W 3 /H 2 /BPC 8 /CS /G ID \x00\x30\x60\x48\x7F\x20 EI Q"),
    ("a stencil", "q 0.3 g 60.5 0 0 50.5 20 20 cm BI /W 8 /H 2 /IM true ID \x2A\x55 EI Q"),
    ("a group", "/Half gs /Group Do"),
    ("a pattern", "/Pattern cs /Tiles scn 10 10 70 70 re f"),
];

fn what_has_no_colour_is_drawn_alike_before_and_after_a_colour(renderer: &dyn Renderer) {
    let page = |contents: &str| {
        Pdf::square(
            "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> \
             /ExtGState << /Half << /ca 0.5 >> >> /XObject << /Group 5 0 R >> /Pattern << /Tiles 6 0 R >>",
            contents,
        )
        .stream(
            "/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Group << /S /Transparency >>",
            "0.4 g 10 10 50 50 re f 0.8 g 30 30 m 90 30 20 95 80 80 c f",
        )
        .stream(
            "/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 9.3 /YStep 9.3 /Resources << >>",
            "0.3 g 1 1 5 5 re f",
        )
        .to_bytes()
    };
    let options = RenderOptions { scale_x: 1.37, scale_y: 1.37, ..RenderOptions::default() };
    let picture_of =
        |contents: &str| draw(open(renderer, &page(contents)).as_mut(), FIRST, &options).expect("a page").0;
    // Outside of the page.
    let colour_elsewhere = "q 1 0 0 rg -20 -20 5 5 re f Q";
    let colour = "q 0.2 0.5 0.9 rg 40.3 5 m 90 30 60 95 80 80 c f Q";
    let blank = picture_of("");
    for (name, mark) in MARKS_WITHOUT_COLOUR {
        let mark = format!("q {mark} Q");
        let alone = picture_of(&mark);
        assert!(alone.data() != blank.data(), "{name} leaves no mark");
        let is_gray = alone.data().as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b);
        assert!(is_gray, "{name} has a colour");
        assert!(alone.data() == picture_of(&format!("{colour_elsewhere} {mark}")).data(), "{name}");
        assert!(
            alone.data() == picture_of(&format!("{mark} {colour_elsewhere}")).data(),
            "{name}, then a colour"
        );
        let clipped = |start: &str| {
            picture_of(&format!("{start} q 10 10 m 90 30 20 95 80 80 c W n {mark} {colour} {mark} Q {mark}"))
        };
        let (gray_first, colour_first) = (clipped(""), clipped(colour_elsewhere));
        assert!(gray_first.data() == colour_first.data(), "{name}, and a colour within a clip");
        assert!(gray_first.data() != alone.data(), "{name}: the colour is not drawn");
    }
}
