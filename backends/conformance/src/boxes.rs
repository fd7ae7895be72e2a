//! How many pages there are, and how large each is.

use render_api::{PageBox, PageIndex, Renderer};

use crate::pdf::Pdf;
use crate::probe::{open, size, size_in};

crate::check_list! {
    "Page count, boxes, rotation, UserUnit" => [
        every_leaf_of_the_page_tree_is_a_page,
        pages_of_a_large_tree_come_in_its_order,
        rotation_turns_the_size,
        a_crop_box_is_the_page_and_is_cut_to_the_media_box,
        each_of_the_five_boxes_can_be_the_page,
        media_box_crop_box_and_rotation_are_inherited,
        trim_bleed_art_and_user_unit_are_not_inherited,
        indirect_values_are_followed,
        corners_may_come_in_any_order,
        a_missing_or_unusable_media_box_is_us_letter,
        a_box_of_absurd_size_is_refused_or_is_us_letter,
        user_unit_scales_and_an_absurd_one_does_not,
    ],
}

const LETTER: (f64, f64) = (612.0, 792.0);

fn every_leaf_of_the_page_tree_is_a_page(renderer: &dyn Renderer) {
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 3 >>")
        .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] >>")
        .object("<< /Type /Pages /Parent 2 0 R /Kids [5 0 R 6 0 R] /Count 2 >>")
        .object("<< /Type /Page /Parent 4 0 R /MediaBox [0 0 20 10] >>")
        .object("<< /Type /Page /Parent 4 0 R /MediaBox [0 0 30 10] >>")
        .to_bytes();
    let mut document = open(renderer, &pdf);
    assert_eq!(document.page_count(), 3);
    // Not in order, as a worker sees them.
    for page in [2, 0, 1, 2] {
        let width = document.page_size(PageIndex(page)).unwrap().width_pt;
        assert_eq!(width, f64::from(page + 1) * 10.0, "page index {page}");
    }
}

fn pages_of_a_large_tree_come_in_its_order(renderer: &dyn Renderer) {
    const NODES: u32 = 12;
    const LEAVES: u32 = 30;
    // A node, the array of its children, and those.
    let first_of = |node: u32| 4 + node * (2 + LEAVES);
    let kids = |numbers: &mut dyn Iterator<Item = u32>| -> String {
        numbers.map(|number| format!("{number} 0 R ")).collect()
    };
    let mut pdf = Pdf::new()
        .object(&format!("<< /Type /Pages /Kids 3 0 R /Count {} >>", NODES * LEAVES))
        .object(&format!("[{}]", kids(&mut (0..NODES).map(first_of))));
    for node in 0..NODES {
        let first = first_of(node);
        pdf = pdf
            .object(&format!("<< /Type /Pages /Parent 2 0 R /Kids {} 0 R /Count {LEAVES} >>", first + 1))
            .object(&format!("[{}]", kids(&mut (first + 2..first + 2 + LEAVES))));
        for leaf in 0..LEAVES {
            let width = 10 + node * LEAVES + leaf;
            pdf = pdf.object(&format!("<< /Type /Page /Parent {first} 0 R /MediaBox [0 0 {width} 10] >>"));
        }
    }
    let pdf = pdf.to_bytes();
    let mut document = open(renderer, &pdf);
    assert_eq!(document.page_count(), NODES * LEAVES);
    for page in (0..NODES * LEAVES).rev().chain(0..NODES * LEAVES) {
        let width = document.page_size(PageIndex(page)).unwrap().width_pt;
        assert_eq!(width, f64::from(10 + page), "page index {page}");
    }
}

fn rotation_turns_the_size(renderer: &dyn Renderer) {
    for (rotate, expected) in [
        (0, (100.0, 200.0)),
        (90, (200.0, 100.0)),
        (180, (100.0, 200.0)),
        (270, (200.0, 100.0)),
        (-90, (200.0, 100.0)),
        (450, (200.0, 100.0)),
        (720, (100.0, 200.0)),
    ] {
        let pdf = Pdf::one_page(&format!("/MediaBox [0 0 100 200] /Rotate {rotate}"), "").to_bytes();
        assert_eq!(size(renderer, &pdf), expected, "/Rotate {rotate}");
    }
}

fn a_crop_box_is_the_page_and_is_cut_to_the_media_box(renderer: &dyn Renderer) {
    for (crop, expected) in [
        ("[10 20 60 100]", (50.0, 80.0)),
        ("[-10 150 60 900]", (60.0, 50.0)),
        ("[300 300 400 400]", (100.0, 200.0)),
        ("[0 0 0 0]", (100.0, 200.0)),
        ("[10.5 20.25 60.75 100]", (50.25, 79.75)),
    ] {
        let pdf = Pdf::one_page(&format!("/MediaBox [0 0 100 200] /CropBox {crop}"), "").to_bytes();
        assert_eq!(size(renderer, &pdf), expected, "/CropBox {crop}");
    }
}

fn each_of_the_five_boxes_can_be_the_page(renderer: &dyn Renderer) {
    let boxes = "/MediaBox [0 0 100 100] /CropBox [5 5 95 95] /BleedBox [10 10 90 90] \
                 /TrimBox [15 15 85 85] /ArtBox [20 20 80 80]";
    for (page_box, side) in [
        (PageBox::Media, 100.0),
        (PageBox::Crop, 90.0),
        (PageBox::Bleed, 80.0),
        (PageBox::Trim, 70.0),
        (PageBox::Art, 60.0),
    ] {
        let pdf = Pdf::one_page(boxes, "").to_bytes();
        let size = size_in(renderer, &pdf, page_box).unwrap();
        assert_eq!((size.width_pt, size.height_pt), (side, side), "{page_box}");
        let pdf = Pdf::one_page("/MediaBox [0 0 100 100] /CropBox [5 5 95 95]", "").to_bytes();
        let without = size_in(renderer, &pdf, page_box).unwrap().width_pt;
        assert_eq!(without, if page_box == PageBox::Media { 100.0 } else { 90.0 }, "no {page_box} box");
    }
}

/// A page with these entries below a `/Pages` with those.
fn below(parent_entries: &str, page_entries: &str) -> Vec<u8> {
    Pdf::new()
        .object(&format!("<< /Type /Pages /Kids [3 0 R] /Count 1 {parent_entries} >>"))
        .object(&format!("<< /Type /Page /Parent 2 0 R {page_entries} >>"))
        .to_bytes()
}

fn media_box_crop_box_and_rotation_are_inherited(renderer: &dyn Renderer) {
    let parent = "/MediaBox [0 0 100 200] /CropBox [0 0 50 200] /Rotate 90";
    assert_eq!(size(renderer, &below(parent, "")), (200.0, 50.0));
    assert_eq!(size(renderer, &below(parent, "/Rotate 0 /CropBox [0 0 70 30]")), (70.0, 30.0));
}

fn trim_bleed_art_and_user_unit_are_not_inherited(renderer: &dyn Renderer) {
    let inner = "[10 10 20 20]";
    let pdf = below(
        &format!("/MediaBox [0 0 90 90] /TrimBox {inner} /BleedBox {inner} /ArtBox {inner} /UserUnit 2"),
        "",
    );
    for page_box in PageBox::ALL {
        assert_eq!(size_in(renderer, &pdf, page_box).unwrap().width_pt, 90.0, "{page_box}");
    }
}

fn indirect_values_are_followed(renderer: &dyn Renderer) {
    let pdf = Pdf::one_page("/MediaBox 5 0 R /Rotate 7 0 R /UserUnit 8 0 R", "")
        .object("[0 0 6 0 R 200]")
        .object("100")
        .object("90")
        .object("1.5")
        .to_bytes();
    assert_eq!(size(renderer, &pdf), (300.0, 150.0));
}

fn corners_may_come_in_any_order(renderer: &dyn Renderer) {
    for media in ["[100 200 0 0]", "[0 200 100 0]", "[-50 -100 50 100]"] {
        let pdf = Pdf::one_page(&format!("/MediaBox {media}"), "").to_bytes();
        assert_eq!(size(renderer, &pdf), (100.0, 200.0), "/MediaBox {media}");
    }
}

fn a_missing_or_unusable_media_box_is_us_letter(renderer: &dyn Renderer) {
    for media in [
        "",
        "/MediaBox null",
        "/MediaBox []",
        "/MediaBox [0 0 100]",
        "/MediaBox [0 0 0 0]",
        "/MediaBox [0 0 0 500]",
        "/MediaBox (no box)",
        "/MediaBox 99 0 R",
        "/MediaBox [0 0 /NaN 100]",
        "/MediaBox [0 0 (100) 100]",
    ] {
        let pdf = Pdf::one_page(media, "").to_bytes();
        assert_eq!(size(renderer, &pdf), LETTER, "{media}");
    }
}

/// Engines differ in what they make of a number that fits no machine word; none may hang, or
/// hand the caller a size that it cannot compute with.
fn a_box_of_absurd_size_is_refused_or_is_us_letter(renderer: &dyn Renderer) {
    let zeros = "0".repeat(60);
    for side in ["10000000000.0".to_owned(), format!("1{zeros}"), format!("1{zeros}.0"), "NaN".to_owned()] {
        let pdf = Pdf::one_page(&format!("/MediaBox [0 0 {side} {side}]"), "").to_bytes();
        match size_in(renderer, &pdf, PageBox::Crop) {
            Ok(size) => assert!(
                (0.0..=1e9).contains(&size.width_pt) && (0.0..=1e9).contains(&size.height_pt),
                "side {side}: {size:?}"
            ),
            Err(error) => {
                assert!(["limit_exceeded", "malformed"].contains(&error.code()), "side {side}: {error}");
            }
        }
    }
}

fn user_unit_scales_and_an_absurd_one_does_not(renderer: &dyn Renderer) {
    for (unit, expected) in
        [("2", 200.0), ("0.5", 50.0), ("0", 100.0), ("-3", 100.0), ("1000000", 100.0), ("/No", 100.0)]
    {
        let pdf = Pdf::one_page(&format!("/MediaBox [0 0 100 100] /UserUnit {unit}"), "").to_bytes();
        assert_eq!(size(renderer, &pdf), (expected, expected), "/UserUnit {unit}");
    }
}
