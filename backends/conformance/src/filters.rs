//! Filters that are undone exactly, over images whose samples are known.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLACK, BLUE, RED, WHITE, YELLOW, assert_points};

crate::check_list! {
    "Flate, LZW, RunLength, ASCII filters" => [
        plain_and_ascii_filters_are_undone,
        flate_is_undone_with_every_png_predictor,
        flate_is_undone_with_the_tiff_predictor,
        lzw_is_undone_with_early_and_late_changes_of_width,
        run_length_is_undone,
        filters_are_undone_in_their_order,
        flate_data_that_ends_early_shows_what_there_is,
        flate_data_that_is_damaged_shows_what_was_before_the_damage,
    ],
}

/// The middles of the quarters of the page: upper left, upper right, lower left, lower right.
const QUARTERS: [(u32, u32); 4] = [(25, 75), (75, 75), (25, 25), (75, 25)];

/// Draws the image, which has these entries besides its type, over the page.
pub(crate) fn image(entries: &str, data: &[u8]) -> Pdf {
    Pdf::square("/XObject << /I 5 0 R >>", "100 0 0 100 0 0 cm /I Do")
        .binary(&format!("/Type /XObject /Subtype /Image {entries}"), data)
}

pub(crate) fn assert_quarters(
    renderer: &dyn Renderer,
    pdf: &Pdf,
    tolerance: u8,
    what: &str,
    expected: [[u8; 3]; 4],
) {
    let points: Vec<_> = QUARTERS.iter().zip(expected).map(|(&(x, y), colour)| (x, y, colour)).collect();
    assert_points(renderer, pdf, tolerance, what, &points);
}

const RGB_COLOURS: [[u8; 3]; 4] = [RED, [51, 102, 153], YELLOW, BLUE];
const RGB_SIDE: usize = 16;

/// An image of 16 px whose quarters have the colours above.
fn rgb_samples() -> Vec<u8> {
    (0..RGB_SIDE * RGB_SIDE).flat_map(|i| RGB_COLOURS[i % RGB_SIDE / 8 + i / RGB_SIDE / 8 * 2]).collect()
}

fn assert_rgb_filter(renderer: &dyn Renderer, filter: &str, data: &[u8]) {
    let entries = format!("/Width 16 /Height 16 /BitsPerComponent 8 /ColorSpace /DeviceRGB {filter}");
    assert_quarters(renderer, &image(&entries, data), 1, filter, RGB_COLOURS);
}

fn plain_and_ascii_filters_are_undone(renderer: &dyn Renderer) {
    let samples = rgb_samples();
    assert_rgb_filter(renderer, "", &samples);
    assert_rgb_filter(renderer, "/Filter /ASCIIHexDecode", &hex(&samples));
    assert_rgb_filter(renderer, "/Filter [/ASCII85Decode]", &ascii_85(&samples));
}

fn flate_is_undone_with_every_png_predictor(renderer: &dyn Renderer) {
    let samples = rgb_samples();
    assert_rgb_filter(renderer, "/Filter /FlateDecode", &zlib(&samples));
    for predictor in 0..=4_u8 {
        let data = zlib(&png_rows(&samples, |_| predictor));
        let number = predictor + 10;
        let parameters = format!("<< /Predictor {number} /Colors 3 /Columns 16 >>");
        assert_rgb_filter(renderer, &format!("/Filter /FlateDecode /DecodeParms {parameters}"), &data);
    }
    // What counts is each row's own mark.
    let data = zlib(&png_rows(&samples, |row| (row % 5) as u8));
    let parameters = "[<< /Predictor 15 /Colors 3 /Columns 16 /BitsPerComponent 8 >>]";
    assert_rgb_filter(renderer, &format!("/Filter [/FlateDecode] /DecodeParms {parameters}"), &data);
}

fn flate_is_undone_with_the_tiff_predictor(renderer: &dyn Renderer) {
    let samples = rgb_samples();
    let rows = samples.chunks(RGB_SIDE * 3);
    let data: Vec<u8> = rows
        .flat_map(|row| (0..row.len()).map(|i| row[i].wrapping_sub(if i < 3 { 0 } else { row[i - 3] })))
        .collect();
    let parameters = "/DecodeParms << /Predictor 2 /Colors 3 /Columns 16 >>";
    assert_rgb_filter(renderer, &format!("/Filter /FlateDecode {parameters}"), &zlib(&data));
}

fn lzw_is_undone_with_early_and_late_changes_of_width(renderer: &dyn Renderer) {
    // Enough different data for codes of 12 bits and for a table that fills up; black below it.
    let mut samples: Vec<u8> =
        (0..60_000_u32).map(|i| 128 + (i.wrapping_mul(2_654_435_761) >> 25) as u8).collect();
    samples.resize(300 * 400, 0);
    for early in [true, false] {
        let filter = format!(
            "/Width 300 /Height 400 /BitsPerComponent 8 /ColorSpace /DeviceGray \
             /Filter /LZWDecode /DecodeParms << /EarlyChange {} >>",
            u8::from(early)
        );
        let pdf = image(&filter, &lzw(&samples, early));
        let points = [(50, 40, BLACK), (5, 5, BLACK), (95, 5, BLACK)];
        assert_points(renderer, &pdf, 1, &filter, &points);
        assert_rgb_filter(
            renderer,
            &format!("/Filter /LZWDecode /DecodeParms << /EarlyChange {} >>", u8::from(early)),
            &lzw(&rgb_samples(), early),
        );
    }
    assert_rgb_filter(renderer, "/Filter /LZWDecode", &lzw(&rgb_samples(), true));
}

fn run_length_is_undone(renderer: &dyn Renderer) {
    // Rows of the upper half as runs of one byte each; those of the lower half as they are.
    let samples = rgb_samples();
    let (upper, lower) = samples.split_at(samples.len() / 2);
    let runs = upper.iter().flat_map(|&byte| [0, byte]);
    let whole = lower.chunks(128).flat_map(|chunk| [&[chunk.len() as u8 - 1], chunk].concat());
    let data: Vec<u8> = runs.chain(whole).chain([128]).collect();
    assert_rgb_filter(renderer, "/Filter /RunLengthDecode", &data);
    // Gray: 128 bytes of white, then 128 of black.
    let entries = "/Width 16 /Height 16 /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /RunLengthDecode";
    let pdf = image(entries, &[129, 255, 129, 0, 128]);
    assert_quarters(renderer, &pdf, 0, "repeated bytes", [WHITE, WHITE, BLACK, BLACK]);
}

fn filters_are_undone_in_their_order(renderer: &dyn Renderer) {
    let data = ascii_85(&zlib(&png_rows(&rgb_samples(), |_| 2)));
    let filter = "/Filter [/ASCII85Decode /FlateDecode] \
                  /DecodeParms [null << /Predictor 12 /Colors 3 /Columns 16 >>]";
    assert_rgb_filter(renderer, filter, &data);
    // The short names belong to inline images, but some writers use them everywhere.
    let full = "/Filter [/ASCIIHexDecode /LZWDecode]";
    assert_rgb_filter(renderer, full, &hex(&lzw(&rgb_samples(), true)));
}

fn flate_data_that_ends_early_shows_what_there_is(renderer: &dyn Renderer) {
    let samples = rgb_samples();
    let mut data = zlib(&samples);
    data.truncate(data.len() - samples.len() / 4);
    let entries = "/Width 16 /Height 16 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /FlateDecode";
    let points = [(25, 75, RGB_COLOURS[0]), (75, 75, RGB_COLOURS[1]), (25, 40, RGB_COLOURS[2])];
    assert_points(renderer, &image(entries, &data), 1, "truncated", &points);
}

fn flate_data_that_is_damaged_shows_what_was_before_the_damage(renderer: &dyn Renderer) {
    let contents = b"1 0 0 rg 0 0 50 100 re f 0 0 1 rg 50 0 50 100 re f ";
    let pdf = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
        .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R >>")
        .binary("/Filter /FlateDecode", &damaged_zlib(contents));
    assert_points(renderer, &pdf, 0, "contents", &[(25, 50, RED), (75, 50, BLUE)]);
    let samples = rgb_samples();
    let entries = "/Width 16 /Height 16 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /FlateDecode";
    let pdf = image(entries, &damaged_zlib(&samples[..samples.len() / 4 * 3]));
    let points = [(25, 75, RGB_COLOURS[0]), (75, 75, RGB_COLOURS[1]), (25, 40, RGB_COLOURS[2])];
    assert_points(renderer, &pdf, 1, "an image", &points);
}

fn hex(data: &[u8]) -> Vec<u8> {
    let digits: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    (digits + ">").into_bytes()
}

fn ascii_85(data: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for chunk in data.chunks(4) {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        let mut value = u32::from_be_bytes(word);
        if value == 0 && chunk.len() == 4 {
            text.push(b'z');
            continue;
        }
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = b'!' + (value % 85) as u8;
            value /= 85;
        }
        text.extend_from_slice(&digits[..=chunk.len()]);
    }
    text.extend_from_slice(b"~>");
    text
}

/// A zlib stream of one stored block.
fn zlib(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("no more than one block");
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in data {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend_from_slice(&length.to_le_bytes());
    stream.extend_from_slice(&(!length).to_le_bytes());
    stream.extend_from_slice(data);
    stream.extend_from_slice(&((b << 16) | a).to_be_bytes());
    stream
}

/// The same, with a block of a kind that does not exist after it.
fn damaged_zlib(data: &[u8]) -> Vec<u8> {
    let mut stream = zlib(data);
    // The stored block is not the last one any more, and no checksum follows.
    stream[2] = 0;
    stream.truncate(stream.len() - 4);
    stream.extend_from_slice(&[0xFF; 40]);
    stream
}

/// RGB rows of 16 px, each behind the mark of its predictor.
fn png_rows(samples: &[u8], predictor: impl Fn(usize) -> u8) -> Vec<u8> {
    let bytes = RGB_SIDE * 3;
    let at = |row: usize, i: usize| samples[row * bytes + i];
    let mut rows = Vec::new();
    for row in 0..RGB_SIDE {
        let mark = predictor(row);
        rows.push(mark);
        for i in 0..bytes {
            let left = if i >= 3 { at(row, i - 3) } else { 0 };
            let up = if row > 0 { at(row - 1, i) } else { 0 };
            let corner = if row > 0 && i >= 3 { at(row - 1, i - 3) } else { 0 };
            let predicted = match mark {
                0 => 0,
                1 => left,
                2 => up,
                3 => u16::midpoint(left.into(), up.into()) as u8,
                _ => paeth(left, up, corner),
            };
            rows.push(at(row, i).wrapping_sub(predicted));
        }
    }
    rows
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    // The first of equals wins.
    [left, up, corner].into_iter().min_by_key(|&v| (estimate - i16::from(v)).abs()).unwrap_or(left)
}

/// Codes of 9 to 12 bits; the width grows one code early, or not.
fn lzw(data: &[u8], early: bool) -> Vec<u8> {
    const CLEAR: u32 = 256;
    const END: u32 = 257;
    let mut bits = Bits::default();
    let mut table = std::collections::HashMap::new();
    let (mut next, mut width) = (258_u32, 9);
    bits.push(CLEAR, 9);
    let mut word: Vec<u8> = Vec::new();
    let code = |word: &[u8], table: &std::collections::HashMap<Vec<u8>, u32>| match word {
        [byte] => u32::from(*byte),
        word => table[word],
    };
    for &byte in data {
        let mut longer = word.clone();
        longer.push(byte);
        if longer.len() == 1 || table.contains_key(&longer) {
            word = longer;
            continue;
        }
        bits.push(code(&word, &table), width);
        table.insert(longer, next);
        next += 1;
        if next + u32::from(early) > 1 << width {
            width += 1;
        }
        if next == 4094 {
            bits.push(CLEAR, 12);
            table.clear();
            (next, width) = (258, 9);
        }
        word = vec![byte];
    }
    bits.push(code(&word, &table), width);
    // The decoder has one more entry by now.
    if next + 1 + u32::from(early) > 1 << width {
        width += 1;
    }
    bits.push(END, width);
    bits.finish()
}

/// Bits, the highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, width: u32) {
        self.pending = self.pending << width | value;
        self.count += width;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
            self.pending &= (1 << self.count) - 1;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}
