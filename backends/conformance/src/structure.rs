//! How a file is put together: cross-references, object streams, updates, and common faults.

use render_api::{PageIndex, RenderOptions, Renderer};

use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, RED, assert_drawn_points, draw, open, picture, size};

crate::check_list! {
    "Object streams and cross-reference streams" => [
        a_cross_reference_stream_is_read,
        objects_are_read_from_object_streams,
        user_unit_is_read_from_an_object_stream,
        a_hybrid_file_is_read,
        a_linearized_file_is_read,
    ],
    "Incremental updates" => [
        a_newer_object_replaces_an_older_one,
        an_update_can_add_a_page,
        objects_of_the_last_update_are_found_without_any_table,
    ],
    "Files with common faults" => [
        a_cross_reference_table_that_starts_at_one_is_read,
        a_wrong_start_of_the_table_is_put_right,
        rubbish_after_the_end_is_passed_over,
        line_ends_may_be_of_any_kind,
        a_stream_of_wrong_length_is_found_whole,
        a_stream_without_its_end_mark_is_found,
        a_length_may_stand_after_its_stream,
        an_end_mark_of_objects_may_be_missing,
    ],
}

fn assert_page(renderer: &dyn Renderer, pdf: &[u8], what: &str, colour: [u8; 3]) {
    assert_drawn_points(&picture(renderer, pdf), 0, what, &[(25, 25, colour), (2, 48, colour)]);
}

const CATALOGUE: &str = "<< /Type /Catalog /Pages 2 0 R >>";
const PAGES: &str = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";
const PAGE: &str = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] /Contents 4 0 R >>";

fn fill(colour: &str) -> String {
    format!("{colour} rg 0 0 50 50 re f")
}

fn stream(entries: &str, content: &str) -> String {
    format!("<< /Length {} {entries} >>\nstream\n{content}\nendstream", content.len())
}

fn red_page() -> Vec<u8> {
    Pdf::one_page("/MediaBox [0 0 50 50]", &fill("1 0 0")).to_bytes()
}

/// A file that grows object by object, and remembers where each is.
struct File {
    bytes: Vec<u8>,
    /// Number and offset, or number of the object stream and index there.
    places: Vec<(u32, Place)>,
}

#[derive(Clone, Copy)]
enum Place {
    At(usize),
    Within(u32, u32),
}

impl File {
    fn new() -> File {
        File { bytes: b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n".to_vec(), places: Vec::new() }
    }

    fn on_top_of(bytes: Vec<u8>) -> File {
        File { bytes, places: Vec::new() }
    }

    fn object(mut self, number: u32, body: &str) -> File {
        self.places.push((number, Place::At(self.bytes.len())));
        self.bytes.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
        self
    }

    /// An object stream with these objects.
    fn object_stream(mut self, number: u32, objects: &[(u32, &str)]) -> File {
        let (mut index, mut bodies) = (String::new(), String::new());
        for (i, (inner, body)) in objects.iter().enumerate() {
            index.push_str(&format!("{inner} {} ", bodies.len()));
            bodies.push_str(&format!("{body} "));
            self.places.push((*inner, Place::Within(number, i as u32)));
        }
        let entries = format!("/Type /ObjStm /N {} /First {}", objects.len(), index.len());
        self.object(number, &stream(&entries, &(index + &bodies)))
    }

    /// A table, in which the objects of object streams are free, and the trailer.
    fn table(mut self, trailer: &str) -> Vec<u8> {
        let start = self.bytes.len();
        let mut table = "xref\n0 1\n0000000000 65535 f \n".to_owned();
        for (number, place) in &self.places {
            match place {
                Place::At(offset) => table.push_str(&format!("{number} 1\n{offset:010} 00000 n \n")),
                // To a reader of tables alone it does not exist.
                Place::Within(..) => table.push_str(&format!("{number} 1\n0000000000 65535 f \n")),
            }
        }
        self.bytes.extend_from_slice(
            format!("{table}trailer\n<< /Size 20 {trailer} >>\nstartxref\n{start}\n%%EOF\n").as_bytes(),
        );
        self.bytes
    }

    /// A cross-reference stream of all objects, as object 19.
    fn table_stream(mut self, trailer: &str) -> Vec<u8> {
        let start = self.write_table_stream(trailer);
        self.bytes.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
        self.bytes
    }

    fn write_table_stream(&mut self, trailer: &str) -> usize {
        let start = self.bytes.len();
        let mut places = std::mem::take(&mut self.places);
        places.push((19, Place::At(start)));
        let index: String = places.iter().map(|(number, _)| format!("{number} 1 ")).collect();
        let rows: String = places
            .iter()
            .map(|(_, place)| match place {
                Place::At(offset) => format!("01{offset:04X}00"),
                Place::Within(stream, i) => format!("02{stream:04X}{i:02X}"),
            })
            .collect();
        let entries = format!(
            "/Type /XRef /Size 20 /Root 1 0 R /W [1 2 1] /Index [{index}] /Filter /ASCIIHexDecode {trailer}"
        );
        let body = stream(&entries, &(rows + ">"));
        self.bytes.extend_from_slice(format!("19 0 obj\n{body}\nendobj\n").as_bytes());
        start
    }
}

fn a_cross_reference_stream_is_read(renderer: &dyn Renderer) {
    let mut pdf = File::new()
        .object(1, CATALOGUE)
        .object(2, PAGES)
        .object(3, PAGE)
        .object(4, &stream("", &fill("1 0 0")))
        .object(5, "null");
    // Which of the two is object 4 is known from the table alone.
    pdf.bytes.extend_from_slice(format!("4 0 obj\n{}\nendobj\n", stream("", &fill("0 0 1"))).as_bytes());
    assert_page(renderer, &pdf.table_stream(""), "a table in a stream", RED);
}

fn objects_are_read_from_object_streams(renderer: &dyn Renderer) {
    let pdf = File::new()
        .object(4, &stream("", &fill("1 0 0")))
        .object_stream(5, &[(1, CATALOGUE), (3, PAGE)])
        .object_stream(6, &[(2, PAGES)])
        .table_stream("");
    assert_page(renderer, &pdf, "two object streams", RED);
    let pdf = File::new()
        .object(4, &stream("", &fill("1 0 0")))
        .object_stream(5, &[(2, PAGES), (7, "null")])
        .object_stream(6, &[(1, CATALOGUE), (3, PAGE)])
        .table_stream("");
    let table = pdf.windows(9).position(|w| w == b"startxref").expect("a start of the table");
    assert_page(renderer, &pdf[..table], "without a start of the table", RED);
}

fn user_unit_is_read_from_an_object_stream(renderer: &dyn Renderer) {
    let page = PAGE.replace("/Type /Page", "/Type /Page /UserUnit 3");
    // Not in plain sight: in hexadecimal, as a compressed stream would have it.
    let body = format!(
        "1 0 2 {} 3 {} {CATALOGUE} {PAGES} {page}",
        CATALOGUE.len() + 1,
        CATALOGUE.len() + PAGES.len() + 2
    );
    let first = body.find("<<").expect("a dictionary");
    let hexadecimal: String = body.bytes().map(|byte| format!("{byte:02X}")).collect();
    let entries = format!("/Type /ObjStm /N 3 /First {first} /Filter /ASCIIHexDecode");
    let mut pdf =
        File::new().object(4, &stream("", &fill("1 0 0"))).object(5, &stream(&entries, &(hexadecimal + ">")));
    pdf.places.extend([(1, Place::Within(5, 0)), (2, Place::Within(5, 1)), (3, Place::Within(5, 2))]);
    assert_eq!(size(renderer, &pdf.table_stream("")), (150.0, 150.0));
}

fn a_hybrid_file_is_read(renderer: &dyn Renderer) {
    // The table hides what old readers cannot see: the objects of the object stream.
    let mut file = File::new()
        .object(1, CATALOGUE)
        .object(2, PAGES)
        .object_stream(5, &[(3, PAGE)])
        .object(4, &stream("", &fill("1 0 0")));
    let all = file.places.clone();
    file.places.retain(|(_, place)| matches!(place, Place::Within(..)));
    let start = file.write_table_stream("");
    file.places = all;
    let pdf = file.table(&format!("/Root 1 0 R /XRefStm {start}"));
    assert_page(renderer, &pdf, "/XRefStm", RED);
}

fn a_linearized_file_is_read(renderer: &dyn Renderer) {
    let pdf = include_bytes!("../fixtures/linearized.pdf");
    let mut document = open(renderer, pdf);
    assert_eq!(document.page_count(), 3);
    for (page, colour) in [(2, BLUE), (0, RED), (1, GREEN)] {
        let (pixmap, _) =
            draw(document.as_mut(), PageIndex(page), &RenderOptions::default()).expect("a page");
        assert_drawn_points(&pixmap, 0, "linearized", &[(50, 50, colour)]);
    }
}

/// Where the table of a file starts, as its last lines say.
fn start_of_table(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    let line = text.lines().rev().nth(1).expect("the line before the last");
    line.parse().expect("a number")
}

fn a_newer_object_replaces_an_older_one(renderer: &dyn Renderer) {
    let first = red_page();
    let previous = start_of_table(&first);
    let second = File::on_top_of(first)
        .object(4, &stream("", &fill("0 1 0")))
        .table(&format!("/Root 1 0 R /Prev {previous}"));
    assert_page(renderer, &second, "one update", GREEN);
    let previous = start_of_table(&second);
    let third = File::on_top_of(second)
        .object(4, &stream("", &fill("0 0 1")))
        .table_stream(&format!("/Prev {previous}"));
    assert_page(renderer, &third, "two updates", BLUE);
}

fn an_update_can_add_a_page(renderer: &dyn Renderer) {
    let first = red_page();
    let previous = start_of_table(&first);
    let pdf = File::on_top_of(first)
        .object(2, "<< /Type /Pages /Kids [5 0 R 3 0 R] /Count 2 >>")
        .object(5, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] /Contents 6 0 R >>")
        .object(6, &stream("", &fill("0 0 1")))
        .table(&format!("/Root 1 0 R /Prev {previous}"));
    assert_eq!(open(renderer, &pdf).page_count(), 2);
    assert_page(renderer, &pdf, "a page before the first", BLUE);
}

fn objects_of_the_last_update_are_found_without_any_table(renderer: &dyn Renderer) {
    let mut pdf = red_page();
    let table = pdf.windows(5).position(|w| w == b"xref\n").expect("a table");
    pdf.truncate(table);
    let pdf = File::on_top_of(pdf).object(4, &stream("", &fill("0 0 1"))).bytes;
    assert_page(renderer, &pdf, "no table", BLUE);
}

/// The red page with one text in the place of another.
fn replaced(from: &str, to: &str) -> Vec<u8> {
    let pdf = red_page();
    let at = pdf.windows(from.len()).position(|w| w == from.as_bytes()).expect("a text to replace");
    [&pdf[..at], to.as_bytes(), &pdf[at + from.len()..]].concat()
}

fn a_cross_reference_table_that_starts_at_one_is_read(renderer: &dyn Renderer) {
    assert_page(renderer, &replaced("xref\n0 5\n", "xref\n1 5\n"), "xref 1 5", RED);
}

fn a_wrong_start_of_the_table_is_put_right(renderer: &dyn Renderer) {
    let pdf = red_page();
    let start = start_of_table(&pdf);
    for wrong in [0, start - 3, start + 5, 1_000_000] {
        let from = format!("startxref\n{start}");
        let pdf = replaced(&from, &format!("startxref\n{wrong}"));
        assert_page(renderer, &pdf, &format!("startxref {wrong}"), RED);
    }
}

fn rubbish_after_the_end_is_passed_over(renderer: &dyn Renderer) {
    for length in [1, 100, 2000] {
        let pdf = [red_page(), vec![0; length]].concat();
        assert_page(renderer, &pdf, &format!("{length} zeros"), RED);
    }
    let pdf = [red_page(), b"<html>not here</html>\n".repeat(20)].concat();
    assert_page(renderer, &pdf, "HTML", RED);
}

fn line_ends_may_be_of_any_kind(renderer: &dyn Renderer) {
    let text = |line_end: &str, after_stream: &str| {
        let fill = fill("1 0 0");
        format!(
            "%PDF-1.4|1 0 obj|{CATALOGUE}|endobj|2 0 obj|{PAGES}|endobj|3 0 obj|{PAGE}|endobj|4 0 obj|\
             << /Length {} >>|stream{after_stream}{fill}|endstream|endobj|trailer|<< /Size 5 /Root 1 0 R >>|%%EOF|",
            fill.len()
        )
        .replace('|', line_end)
        .into_bytes()
    };
    assert_page(renderer, &text("\r\n", "\r\n"), "CR LF", RED);
    assert_page(renderer, &text("\r", "\r\n"), "CR", RED);
}

fn a_stream_of_wrong_length_is_found_whole(renderer: &dyn Renderer) {
    let right = format!("/Length {}", fill("1 0 0").len());
    for wrong in ["/Length 3", "/Length 9999", "/Length 0", "/Length -1", "/Length (x)", "/Length 99 0 R", ""]
    {
        assert_page(renderer, &replaced(&right, wrong), wrong, RED);
    }
}

fn a_stream_without_its_end_mark_is_found(renderer: &dyn Renderer) {
    assert_page(renderer, &replaced("\nendstream\n", "\n"), "no endstream", RED);
    assert_page(renderer, &replaced("endstream\nendobj", "endobj"), "endobj alone", RED);
}

fn a_length_may_stand_after_its_stream(renderer: &dyn Renderer) {
    let content = fill("1 0 0");
    let pdf = File::new()
        .object(1, CATALOGUE)
        .object(2, PAGES)
        .object(3, PAGE)
        .object(4, &format!("<< /Length 5 0 R >>\nstream\n{content}\nendstream"))
        .object(5, &content.len().to_string())
        .table("/Root 1 0 R");
    assert_page(renderer, &pdf, "/Length 5 0 R", RED);
}

fn an_end_mark_of_objects_may_be_missing(renderer: &dyn Renderer) {
    let pdf = replaced("/Count 1 >>\nendobj\n", "/Count 1 >>\n       ");
    assert_page(renderer, &pdf, "no endobj", RED);
}
