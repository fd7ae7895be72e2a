//! Files that are damaged, hostile, or no PDFs at all.

use std::time::{Duration, Instant};

use render_api::{OpenOptions, PageIndex, Pixmap, RenderOptions, Renderer};

use crate::pdf::Pdf;
use crate::probe::{FIRST, draw, open, open_code, picture, pixel, to_rgb};

crate::check_list! {
    "Files that are no PDF" => [
        what_is_no_pdf_is_malformed,
        a_pdf_without_pages_is_malformed,
        a_page_beyond_the_last_is_out_of_range,
    ],
    "Damaged files" => [
        a_truncated_pdf_is_malformed_or_has_pages,
        a_damaged_cross_reference_table_is_repaired,
        contents_that_are_not_where_the_table_says_are_found,
        junk_before_the_header_is_passed_over,
        damaged_content_does_not_cost_what_was_drawn_before,
        a_damaged_page_does_not_cost_another,
    ],
    "Hostile page trees" => [
        a_page_count_that_lies_is_not_believed,
        a_cycle_in_the_page_tree_ends,
        a_page_tree_of_100_million_pages_in_a_kilobyte_is_bounded,
        a_page_tree_of_100_million_empty_nodes_in_a_kilobyte_is_bounded,
    ],
    "Page count, boxes, rotation, UserUnit" => [
        an_image_of_the_callers_choice_of_size_is_filled,
    ],
}

const RED: [u8; 3] = [255, 0, 0];

/// Far above what any engine needs on a slow machine, far below what the traps would take.
const BOUNDED: Duration = Duration::from_secs(20);

fn red_page() -> Vec<u8> {
    Pdf::one_page("/MediaBox [0 0 50 50]", "1 0 0 rg 0 0 50 50 re f").to_bytes()
}

fn what_is_no_pdf_is_malformed(renderer: &dyn Renderer) {
    // A whole image, 1 × 1 px, that an engine with an image handler would draw.
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\
                \0\0\0\x0aIDAT\x78\x9c\x63\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";
    let random: Vec<u8> = (0..10_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (what, bytes) in [
        ("an empty file", &b""[..]),
        ("HTML", b"<!DOCTYPE html><html><body><p>Not a PDF</p></body></html>"),
        (
            "SVG",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><rect width=\"9\"/></svg>",
        ),
        ("PNG", png),
        ("an empty zip archive", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ("text", b"Once upon a time"),
        ("a header and nothing else", b"%PDF-1.7\n"),
        ("random bytes", &random),
    ] {
        assert_eq!(open_code(renderer, bytes, None), "malformed", "{what}");
    }
}

fn a_pdf_without_pages_is_malformed(renderer: &dyn Renderer) {
    for pages in ["<< /Type /Pages /Kids [] /Count 0 >>", "<< /Type /Pages /Count 0 >>", "null", "(pages)"] {
        let pdf = Pdf::new().object(pages).to_bytes();
        assert_eq!(open_code(renderer, &pdf, None), "malformed", "{pages}");
    }
}

fn a_truncated_pdf_is_malformed_or_has_pages(renderer: &dyn Renderer) {
    let whole = red_page();
    assert_eq!(pixel(&picture(renderer, &whole), 25, 25), RED);
    for length in 0..whole.len() {
        match renderer.open(&whole[..length], &OpenOptions::default()) {
            Ok(mut document) => {
                assert!(document.page_count() >= 1, "{length} bytes");
                // Whatever it finds, it must not crash on it.
                let _ = draw(document.as_mut(), FIRST, &RenderOptions::default());
            }
            Err(error) => assert_eq!(error.code(), "malformed", "{length} bytes: {error}"),
        }
    }
}

fn a_page_beyond_the_last_is_out_of_range(renderer: &dyn Renderer) {
    let pdf = red_page();
    let mut document = open(renderer, &pdf);
    let mut pixmap = Pixmap::default();
    for page in [1, 1000, u32::MAX - 1] {
        let page = PageIndex(page);
        assert_eq!(document.page_size(page).unwrap_err().code(), "page_out_of_range");
        let error = document.render_page(page, &RenderOptions::default(), &mut pixmap).unwrap_err();
        assert_eq!(error.code(), "page_out_of_range");
    }
    assert!(document.page_size(FIRST).is_ok());
}

fn a_damaged_cross_reference_table_is_repaired(renderer: &dyn Renderer) {
    let whole = red_page();
    let table = whole.windows(5).position(|w| w == b"xref\n").unwrap();
    assert_eq!(pixel(&picture(renderer, &whole[..table]), 25, 25), RED, "no table");
    for object in 1..=3 {
        assert_found_elsewhere(renderer, &whole, object);
    }
}

fn contents_that_are_not_where_the_table_says_are_found(renderer: &dyn Renderer) {
    assert_found_elsewhere(renderer, &red_page(), 4);
}

/// The object is said to lie elsewhere: inside of the header, or inside of another.
fn assert_found_elsewhere(renderer: &dyn Renderer, whole: &[u8], object: usize) {
    let table = whole.windows(5).position(|w| w == b"xref\n").unwrap();
    let entries = table + b"xref\n0 5\n".len();
    for offset in [b"0000000003", b"0000000030"] {
        let mut pdf = whole.to_vec();
        pdf[entries + object * 20..][..10].copy_from_slice(offset);
        assert_eq!(pixel(&picture(renderer, &pdf), 25, 25), RED, "object {object}");
    }
}

fn junk_before_the_header_is_passed_over(renderer: &dyn Renderer) {
    for length in [1, 10, 500, 1000] {
        let pdf = [vec![b'#'; length], red_page()].concat();
        assert_eq!(pixel(&picture(renderer, &pdf), 25, 25), RED, "{length} bytes");
    }
}

fn a_page_count_that_lies_is_not_believed(renderer: &dyn Renderer) {
    for count in ["100000000", "2147483648", "3", "0", "-1", "/Many"] {
        let pdf = Pdf::new()
            .object(&format!("<< /Type /Pages /Kids [3 0 R] /Count {count} >>"))
            .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] /Contents 4 0 R >>")
            .stream("", "1 0 0 rg 0 0 50 50 re f")
            .to_bytes();
        let started = Instant::now();
        let mut document = open(renderer, &pdf);
        assert_eq!(document.page_count(), 1, "/Count {count}");
        let (pixmap, _) = draw(document.as_mut(), FIRST, &RenderOptions::default()).unwrap();
        assert_eq!(pixel(&pixmap, 25, 25), RED, "/Count {count}");
        assert!(started.elapsed() < BOUNDED, "/Count {count}");
    }
}

fn a_cycle_in_the_page_tree_ends(renderer: &dyn Renderer) {
    for kids in ["2 0 R", "2 0 R 3 0 R", "3 0 R 4 0 R"] {
        let pdf = Pdf::new()
            .object(&format!("<< /Type /Pages /Kids [{kids}] /Count 3 >>"))
            .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] >>")
            .object("<< /Type /Pages /Parent 4 0 R /Kids [2 0 R 4 0 R] /Count 2 >>")
            .to_bytes();
        assert_ends_cleanly(renderer, &pdf, kids);
    }
}

/// Eight levels of ten children each, which are the same object.
fn bomb(leaf: &str, leaf_count: u32) -> Vec<u8> {
    let mut pdf = Pdf::new();
    for level in 0..8_u32 {
        let kid = format!("{} 0 R ", level + 3);
        let count = u64::from(leaf_count) * 10_u64.pow(8 - level);
        pdf = pdf.object(&format!("<< /Type /Pages /Kids [{}] /Count {count} >>", kid.repeat(10)));
    }
    pdf.object(leaf).to_bytes()
}

fn a_page_tree_of_100_million_pages_in_a_kilobyte_is_bounded(renderer: &dyn Renderer) {
    let pdf = bomb("<< /Type /Page /Parent 9 0 R /MediaBox [0 0 50 50] >>", 1);
    assert_ends_cleanly(renderer, &pdf, "pages");
}

fn a_page_tree_of_100_million_empty_nodes_in_a_kilobyte_is_bounded(renderer: &dyn Renderer) {
    assert_ends_cleanly(renderer, &bomb("<< /Type /Pages /Kids [] /Count 0 >>", 0), "empty nodes");
    // The same with counts that small trees have, so that they raise no suspicion.
    let text = String::from_utf8_lossy(&bomb("<< /Type /Pages /Kids [] /Count 1 >>", 0)).into_owned();
    let pdf = text.replace("/Count 0", "/Count 2").into_bytes();
    assert_ends_cleanly(renderer, &pdf, "empty nodes that claim pages");
}

/// The document is refused, or its first and last page are drawn or refused, within the time.
fn assert_ends_cleanly(renderer: &dyn Renderer, pdf: &[u8], what: &str) {
    let started = Instant::now();
    match renderer.open(pdf, &OpenOptions::default()) {
        Ok(mut document) => {
            for page in [0, document.page_count() - 1] {
                if let Err(error) = draw(document.as_mut(), PageIndex(page), &RenderOptions::default()) {
                    let clean = ["malformed", "page_out_of_range"].contains(&error.code());
                    assert!(clean, "{what}, page index {page}: {error}");
                }
            }
        }
        Err(error) => {
            assert!(["malformed", "limit_exceeded"].contains(&error.code()), "{what}: {error}");
        }
    }
    assert!(started.elapsed() < BOUNDED, "{what} took {:?}", started.elapsed());
}

fn damaged_content_does_not_cost_what_was_drawn_before(renderer: &dyn Renderer) {
    for damage in ["]]>> ) garbage", "1 2 3 /Nothing Do", "q q q BT (", "/None gs", "BI /W 1 ID"] {
        let contents = format!("1 0 0 rg 0 0 50 50 re f {damage}");
        let pdf = Pdf::one_page("/MediaBox [0 0 50 50]", &contents).to_bytes();
        assert_eq!(pixel(&picture(renderer, &pdf), 25, 25), RED, "{damage}");
        // The same inside of a group, which reaches the image only when the group ends.
        let page = "/MediaBox [0 0 50 50] /Group << /S /Transparency /CS /DeviceRGB >>";
        let pdf = Pdf::one_page(page, &contents).to_bytes();
        assert_eq!(pixel(&picture(renderer, &pdf), 25, 25), RED, "{damage}, in a group");
    }
}

fn a_damaged_page_does_not_cost_another(renderer: &dyn Renderer) {
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R] /Count 3 >>")
        .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] /Contents 6 0 R >>")
        .object("<< /Type /Page /Parent 2 0 R /MediaBox (x) /Contents 99 0 R /Annots 7 /Resources [] >>")
        .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] /Contents 6 0 R >>")
        .stream("", "1 0 0 rg 0 0 50 50 re f")
        .to_bytes();
    let mut document = open(renderer, &pdf);
    assert_eq!(document.page_count(), 3);
    let _ = draw(document.as_mut(), PageIndex(1), &RenderOptions::default());
    for page in [0, 2] {
        let (pixmap, _) = draw(document.as_mut(), PageIndex(page), &RenderOptions::default()).unwrap();
        assert_eq!(pixel(&pixmap, 25, 25), RED, "page index {page}");
    }
}

/// The caller sets the size; an engine draws over all of it, and over nothing else.
fn an_image_of_the_callers_choice_of_size_is_filled(renderer: &dyn Renderer) {
    let pdf = red_page();
    let mut document = open(renderer, &pdf);
    for (width, height) in [(1, 1), (7, 90), (300, 3)] {
        let mut pixmap = Pixmap::default();
        pixmap.reset(width, height, document.opaque_format(), 1_000_000).unwrap();
        document.render_page(FIRST, &RenderOptions::default(), &mut pixmap).unwrap();
        let pixmap = to_rgb(pixmap);
        assert_eq!(pixel(&pixmap, 0, 0), RED);
        let expected = if width <= 50 && height <= 50 { RED } else { [255; 3] };
        assert_eq!(pixel(&pixmap, width - 1, height - 1), expected, "{width} × {height}");
    }
}
