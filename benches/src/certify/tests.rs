use std::fs;
use std::path::Path;

use jpeg_encoder::{ColorType, Encoder};

use super::*;

const WIDTH_PX: usize = 203;
const HEIGHT_PX: usize = 141;

/// A gray page of dark lines on white, as of text; each line starts at `from_px` below its place.
#[derive(Clone, PartialEq)]
struct Page {
    width_px: usize,
    height_px: usize,
    gray: Vec<u8>,
}

fn lines(from_px: usize) -> Page {
    sized_lines(WIDTH_PX, HEIGHT_PX, from_px)
}

fn sized_lines(width_px: usize, height_px: usize, from_px: usize) -> Page {
    let sample = |x: usize, y: usize| {
        let in_line = (y + height_px * 20 - from_px) % 20 < 8;
        // Strokes and the gaps between them.
        if in_line && x % 9 < 5 && x > 10 && x < 190 { 30 } else { 255 }
    };
    let gray = (0..height_px).flat_map(|y| (0..width_px).map(move |x| sample(x, y))).collect();
    Page { width_px, height_px, gray }
}

fn png(page: &Page, color: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, page.width_px as u32, page.height_px as u32);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    if color == png::ColorType::Indexed {
        encoder.set_palette((0..=255).flat_map(|gray| [gray; 3]).collect::<Vec<u8>>());
    }
    let pixels: Vec<u8> = match color {
        // A transparent black is seen as the white below it.
        png::ColorType::Rgba => page.gray.iter().flat_map(|&it| [0, 0, 0, 255 - it]).collect(),
        _ => page.gray.iter().flat_map(|&gray| vec![gray; color.samples()]).collect(),
    };
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

fn gray_png(page: &Page) -> Vec<u8> {
    png(page, png::ColorType::Grayscale)
}

fn jpeg(page: &Page, color: ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let channels = if color == ColorType::Luma { 1 } else { 3 };
    let pixels: Vec<u8> = page.gray.iter().flat_map(|&gray| vec![gray; channels]).collect();
    let (width, height) = (page.width_px as u16, page.height_px as u16);
    Encoder::new(&mut bytes, 75).encode(&pixels, width, height, color).unwrap();
    bytes
}

/// Files by name.
type Files<'a> = Vec<(&'a str, Vec<u8>)>;

/// What programs have written, each with its name, engine and files.
struct Written {
    outputs: Vec<Output>,
    _root: tempfile::TempDir,
}

fn written(programs: &[(&str, &str, Files)]) -> Written {
    let root = tempfile::tempdir().unwrap();
    let outputs = programs
        .iter()
        .map(|(program, engine, files)| {
            let directory = root.path().join(program);
            fs::create_dir(&directory).unwrap();
            for (name, bytes) in files {
                let path = directory.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            Output { program: (*program).to_owned(), engine: (*engine).to_owned(), directory }
        })
        .collect();
    Written { outputs, _root: root }
}

/// Who is refused, and why, when programs with these engines have written these single pages.
fn refused(programs: &[(&str, &str, Vec<u8>)]) -> Vec<(String, String)> {
    let programs: Vec<_> =
        programs.iter().map(|(name, engine, page)| (*name, *engine, vec![("1.png", page.clone())])).collect();
    let written = written(&programs);
    let certificate = certify(&written.outputs, Some(1), 75);
    let names = written.outputs.iter().map(|output| output.program.clone());
    names.zip(certificate.refused).filter_map(|(name, why)| Some((name, why?))).collect()
}

#[test]
fn the_same_page_is_certified_whatever_its_name_format_and_colour() {
    let page = lines(0);
    let written = written(&[
        ("gray", "a", vec![("deep/page-0001.png", gray_png(&page)), ("notes.txt", Vec::new())]),
        ("rgb", "b", vec![("p-01.png", png(&page, png::ColorType::Rgb))]),
        ("palette", "c", vec![("1.png", png(&page, png::ColorType::Indexed))]),
        ("alpha", "d", vec![("1.png", png(&page, png::ColorType::Rgba))]),
        ("jpeg", "e", vec![("p-1.jpg", jpeg(&page, ColorType::Rgb))]),
        ("gray jpeg", "f", vec![("1.jpeg", jpeg(&page, ColorType::Luma))]),
    ]);
    let certificate = certify(&written.outputs, Some(1), 75);
    assert_eq!(certificate.refused, vec![None; 6]);
    assert_eq!(certificate.first_page_px, [Some((WIDTH_PX, HEIGHT_PX)); 6]);
    assert_eq!(certificate.alike.len(), 15);
    assert!(certificate.alike.iter().all(|it| it.same == 1 && it.different == 0), "{certificate:?}");
    assert_eq!(certificate.alike[0].lowest_score, Some(100.0));
}

#[test]
fn who_shows_something_else_than_most_engines_is_refused() {
    let blank = Page { gray: vec![255; WIDTH_PX * HEIGHT_PX], ..lines(0) };
    let (good, bad) = (gray_png(&lines(0)), gray_png(&blank));
    let found = refused(&[("x", "a", good.clone()), ("y", "b", good.clone()), ("z", "c", bad.clone())]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "z");
    assert!(found[0].1.contains("page 1 shows something else than a, b (2 of 2)"), "{found:?}");
    // Three programs with one engine are one witness.
    let found = refused(&[
        ("x", "a", good.clone()),
        ("y", "b", good),
        ("z1", "c", bad.clone()),
        ("z2", "c", bad.clone()),
        ("z3", "c", bad),
    ]);
    assert_eq!(found.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["z1", "z2", "z3"]);
}

#[test]
fn of_two_that_show_something_else_neither_counts() {
    let found = refused(&[("x", "a", gray_png(&lines(0))), ("y", "b", gray_png(&lines(10)))]);
    assert_eq!(found.len(), 2, "{found:?}");
    let found = refused(&[("x", "a", gray_png(&lines(0)))]);
    assert!(found[0].1.contains("no other program"), "{found:?}");
}

#[test]
fn programs_with_one_engine_have_a_vote_each() {
    let (good, bad) = (gray_png(&lines(0)), gray_png(&lines(10)));
    let found = refused(&[("x", "a", good.clone()), ("y", "a", good), ("z", "a", bad)]);
    assert_eq!(found.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["z"]);
}

#[test]
fn a_page_without_one_of_its_lines_is_refused() {
    let mut fewer = lines(0);
    fewer.gray[20 * WIDTH_PX..28 * WIDTH_PX].fill(255);
    let good = gray_png(&lines(0));
    let found = refused(&[("x", "a", good.clone()), ("y", "b", good), ("z", "c", gray_png(&fewer))]);
    assert_eq!(found.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["z"]);
}

#[test]
fn a_pixel_more_is_rounding_and_two_are_another_size() {
    let sized = |more: usize| gray_png(&sized_lines(WIDTH_PX + more, HEIGHT_PX - more, 0));
    assert_eq!(refused(&[("x", "a", sized(0)), ("y", "b", sized(1))]), []);
    let found = refused(&[("x", "a", sized(0)), ("y", "b", sized(1)), ("z", "c", sized(3))]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("page 1 has 206 × 138 px, unlike a, b"), "{found:?}");
}

#[test]
fn who_has_another_size_somewhere_is_a_witness_elsewhere() {
    let (good, other) = (gray_png(&lines(0)), gray_png(&lines(10)));
    let (small, large) = (gray_png(&sized_lines(50, 50, 0)), gray_png(&sized_lines(100, 100, 0)));
    let two = |first: &Vec<u8>, second: &Vec<u8>| vec![("1.png", first.clone()), ("2.png", second.clone())];
    let written = written(&[
        ("x", "a", two(&good, &small)),
        ("y", "b", two(&other, &small)),
        ("z", "c", two(&good, &large)),
    ]);
    let certificate = certify(&written.outputs, Some(2), 75);
    // Without the third, neither of the first two could be told to be right on the first page.
    assert_eq!(certificate.refused[0], None);
    assert!(certificate.refused[1].as_ref().unwrap().contains("page 1 shows something else than a, c"));
    assert!(certificate.refused[2].as_ref().unwrap().contains("page 2 has 100 × 100 px"));
}

#[test]
fn a_page_that_is_missing_or_no_picture_is_refused() {
    let good = || gray_png(&lines(0));
    let written = written(&[
        ("x", "a", vec![("1.png", good()), ("2.png", good())]),
        ("y", "b", vec![("1.png", good()), ("2.png", good())]),
        ("few", "c", vec![("1.png", good())]),
        ("gap", "d", vec![("1.png", good()), ("3.png", good())]),
        ("twice", "e", vec![("1.png", good()), ("01.png", good())]),
        ("broken", "f", vec![("1.png", good()), ("2.png", b"\x89PNG".to_vec())]),
        ("unnamed", "g", vec![("cover.png", good())]),
        ("nothing", "h", vec![]),
    ]);
    // The number of pages is what most have written.
    let certificate = certify(&written.outputs, None, 75);
    assert_eq!(certificate.pages, 2);
    assert_eq!(certificate.refused[..2], [None, None]);
    let why = |index: usize| certificate.refused[index].clone().unwrap();
    assert!(why(2).contains("1 pictures of the pages 1 to 2"), "{}", why(2));
    assert!(why(3).contains("2 pictures of the pages 1 to 2"), "{}", why(3));
    assert!(why(4).contains("two pictures of page 1"), "{}", why(4));
    assert!(why(5).contains("failed to read the size"), "{}", why(5));
    assert!(why(6).contains("no page number"), "{}", why(6));
    assert!(why(7).contains("0 pictures"), "{}", why(7));
}

#[test]
fn a_high_resolution_is_scaled_down_before_it_is_compared() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("1.png");
    fs::write(&path, gray_png(&lines(0))).unwrap();
    let size = |dpi| pictures::read(Path::new(&path), dpi).unwrap().size_px();
    assert_eq!(size(72), (WIDTH_PX, HEIGHT_PX));
    assert_eq!(size(100), (WIDTH_PX, HEIGHT_PX));
    assert_eq!(size(150), (WIDTH_PX, HEIGHT_PX));
    assert_eq!(size(300), (WIDTH_PX / 2, HEIGHT_PX / 2));
    fs::write(&path, gray_png(&sized_lines(1_200, 1_000, 0))).unwrap();
    assert_eq!(size(150), (600, 500));
    assert_eq!(size(600), (300, 250));
}

#[test]
fn of_a_long_document_the_first_the_last_and_some_between_are_compared() {
    assert_eq!(compared_pages(1).into_iter().collect::<Vec<_>>(), [1]);
    assert_eq!(compared_pages(3).into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    let many = compared_pages(1000);
    assert_eq!(many.len() as u32, MOST_COMPARED_PAGES);
    assert!(many.contains(&1) && many.contains(&1000), "{many:?}");
    assert_eq!(compared_pages(0).len(), 0);
}
