//! Image codecs: fax, JBIG2, JPEG 2000. `fixtures/make.py` makes the data.

use render_api::Renderer;

use crate::filters::{assert_quarters, image};
use crate::pdf::Pdf;
use crate::probe::{BLACK, BLUE, GREEN, RED, WHITE, assert_points};

crate::check_list! {
    "CCITT fax images" => [
        fax_group_4_is_decoded,
        fax_group_3_is_decoded_in_one_and_in_two_dimensions,
        fax_rows_may_start_at_bytes,
        fax_black_can_be_one,
    ],
    "JBIG2 images" => [
        jbig2_generic_regions_are_decoded,
        jbig2_symbols_come_from_the_globals,
    ],
    "JPEG 2000 images" => [
        jpeg_2000_in_gray_and_in_rgb_is_decoded,
        jpeg_2000_without_loss_is_exact,
        jpeg_2000_codestreams_need_no_wrapper,
        jpeg_2000_in_more_parts_than_announced_is_decoded,
        jpeg_2000_of_16_bits_is_decoded,
        the_alpha_channel_of_jpeg_2000_can_be_the_mask,
        the_colour_space_of_the_pdf_overrules_that_of_jpeg_2000,
    ],
}

// The bilevel fixtures show the same: 64 px; the upper left quarter is black, the lower right one
// has a black frame of 8 px, all else is white.

const BILEVEL: &str = "/Width 64 /Height 64 /BitsPerComponent 1 /ColorSpace /DeviceGray";

fn assert_bilevel(renderer: &dyn Renderer, pdf: &Pdf, what: &str) {
    let points = [
        (25, 75, BLACK),
        (75, 75, WHITE),
        (25, 25, WHITE),
        (75, 25, WHITE),
        (56, 25, BLACK),
        (94, 25, BLACK),
        (75, 44, BLACK),
        (75, 6, BLACK),
    ];
    assert_points(renderer, pdf, 0, what, &points);
}

fn fax(parameters: &str, data: &[u8]) -> Pdf {
    image(
        &format!("{BILEVEL} /Filter /CCITTFaxDecode /DecodeParms << /Columns 64 /Rows 64 {parameters} >>"),
        data,
    )
}

const FAX_G4: &[u8] = include_bytes!("../fixtures/fax-g4.bin");
const FAX_G3_1D: &[u8] = include_bytes!("../fixtures/fax-g3-1d.bin");
const FAX_G3_2D: &[u8] = include_bytes!("../fixtures/fax-g3-2d.bin");
const FAX_G4_ALIGNED: &[u8] = include_bytes!("../fixtures/fax-g4-aligned.bin");
const FAX_G3_ALIGNED: &[u8] = include_bytes!("../fixtures/fax-g3-aligned.bin");

fn fax_group_4_is_decoded(renderer: &dyn Renderer) {
    assert_bilevel(renderer, &fax("/K -1", FAX_G4), "group 4");
    let without_rows = format!("{BILEVEL} /Filter /CCITTFaxDecode /DecodeParms << /Columns 64 /K -1 >>");
    assert_bilevel(renderer, &image(&without_rows, FAX_G4), "without /Rows");
}

fn fax_group_3_is_decoded_in_one_and_in_two_dimensions(renderer: &dyn Renderer) {
    assert_bilevel(renderer, &fax("/K 0", FAX_G3_1D), "one dimension");
    assert_bilevel(renderer, &fax("/K 4 /EndOfLine true", FAX_G3_2D), "two dimensions");
}

fn fax_rows_may_start_at_bytes(renderer: &dyn Renderer) {
    assert_bilevel(renderer, &fax("/K -1 /EncodedByteAlign true", FAX_G4_ALIGNED), "group 4");
    assert_bilevel(renderer, &fax("/K 0 /EncodedByteAlign true", FAX_G3_ALIGNED), "group 3");
}

fn fax_black_can_be_one(renderer: &dyn Renderer) {
    // The samples are the other way round, and /Decode turns them back.
    let entries = format!(
        "{BILEVEL} /Decode [1 0] /Filter /CCITTFaxDecode \
         /DecodeParms << /Columns 64 /Rows 64 /K -1 /BlackIs1 true >>"
    );
    assert_bilevel(renderer, &image(&entries, FAX_G4), "black is 1");
}

const JBIG2_GENERIC: &[u8] = include_bytes!("../fixtures/generic.jb2");
const JBIG2_MMR: &[u8] = include_bytes!("../fixtures/mmr.jb2");
const JBIG2_GLOBALS: &[u8] = include_bytes!("../fixtures/symbols-globals.jb2");
const JBIG2_TEXT: &[u8] = include_bytes!("../fixtures/symbols-page.jb2");

fn jbig2_generic_regions_are_decoded(renderer: &dyn Renderer) {
    for (data, what) in [(JBIG2_GENERIC, "arithmetic"), (JBIG2_MMR, "MMR")] {
        assert_bilevel(renderer, &image(&format!("{BILEVEL} /Filter /JBIG2Decode"), data), what);
    }
}

fn jbig2_symbols_come_from_the_globals(renderer: &dyn Renderer) {
    let entries = format!("{BILEVEL} /Filter /JBIG2Decode /DecodeParms << /JBIG2Globals 6 0 R >>");
    let pdf = image(&entries, JBIG2_TEXT).binary("", JBIG2_GLOBALS);
    assert_bilevel(renderer, &pdf, "symbols");
}

const JPX_COLOURS: [[u8; 3]; 4] = [RED, GREEN, BLUE, [51, 102, 153]];
const JPX_LEVELS: [[u8; 3]; 4] = [BLACK, WHITE, [51; 3], [204; 3]];

const JPX_GRAY: &[u8] = include_bytes!("../fixtures/gray.jp2");
const JPX_RGB: &[u8] = include_bytes!("../fixtures/rgb.jp2");
const JPX_LOSSY: &[u8] = include_bytes!("../fixtures/rgb-lossy.jp2");
const JPX_CODESTREAM: &[u8] = include_bytes!("../fixtures/rgb.j2k");
const JPX_16: &[u8] = include_bytes!("../fixtures/gray-16.jp2");
const JPX_ALPHA: &[u8] = include_bytes!("../fixtures/rgba.jp2");

fn jpx(entries: &str, data: &[u8]) -> Pdf {
    image(&format!("/Width 32 /Height 32 /Filter /JPXDecode {entries}"), data)
}

fn jpeg_2000_in_gray_and_in_rgb_is_decoded(renderer: &dyn Renderer) {
    assert_quarters(renderer, &jpx("", JPX_GRAY), 3, "gray", JPX_LEVELS);
    assert_quarters(renderer, &jpx("", JPX_RGB), 3, "RGB", JPX_COLOURS);
    assert_quarters(renderer, &jpx("", JPX_LOSSY), 8, "RGB with loss", JPX_COLOURS);
}

fn jpeg_2000_without_loss_is_exact(renderer: &dyn Renderer) {
    let pdf = jpx("/ColorSpace /DeviceRGB /BitsPerComponent 8", JPX_RGB);
    assert_quarters(renderer, &pdf, 0, "RGB without loss", JPX_COLOURS);
}

fn jpeg_2000_codestreams_need_no_wrapper(renderer: &dyn Renderer) {
    assert_quarters(renderer, &jpx("/ColorSpace /DeviceRGB", JPX_CODESTREAM), 1, "codestream", JPX_COLOURS);
}

/// A decoder that keeps a list of as many parts as are announced must not write beyond its end.
fn jpeg_2000_in_more_parts_than_announced_is_decoded(renderer: &dyn Renderer) {
    for more_parts in [1, 2, 5, 20, 254] {
        let data = in_more_parts_than_announced(JPX_CODESTREAM, more_parts);
        let what = format!("{more_parts} parts too many");
        assert_quarters(renderer, &jpx("/ColorSpace /DeviceRGB", &data), 1, &what, JPX_COLOURS);
    }
}

/// The codestream of one tile in one part, which is announced, with empty parts after it, which are not.
fn in_more_parts_than_announced(codestream: &[u8], more_parts: u8) -> Vec<u8> {
    const START_OF_PART: [u8; 4] = [0xFF, 0x90, 0, 10];
    const END: [u8; 2] = [0xFF, 0xD9];
    let start = codestream.windows(4).position(|marker| marker == START_OF_PART).unwrap();
    let (header, part) = codestream.strip_suffix(&END).unwrap().split_at(start);
    let part_bytes = u32::try_from(part.len()).unwrap().to_be_bytes();
    // TLM, the first of its kind: tile numbers have 1 byte, lengths 4.
    let announcement = [&[0xFF, 0x55, 0, 9, 0, 0x50, 0][..], &part_bytes].concat();
    let mut parts = part.to_vec();
    // How many parts the tile has is left open.
    parts[11] = 0;
    for number in 1..=more_parts {
        // 14 bytes long: the head, and the marker before the data, of which there are none.
        parts.extend(START_OF_PART);
        parts.extend([0, 0, 0, 0, 0, 14, number, 0, 0xFF, 0x93]);
    }
    [header, &announcement, &parts, &END].concat()
}

fn jpeg_2000_of_16_bits_is_decoded(renderer: &dyn Renderer) {
    assert_quarters(renderer, &jpx("/ColorSpace /DeviceGray", JPX_16), 2, "16 bits", JPX_LEVELS);
}

fn the_alpha_channel_of_jpeg_2000_can_be_the_mask(renderer: &dyn Renderer) {
    // The lower half is transparent.
    let pdf = jpx("/ColorSpace /DeviceRGB /SMaskInData 1", JPX_ALPHA);
    assert_quarters(renderer, &pdf, 2, "alpha", [RED, GREEN, WHITE, WHITE]);
}

fn the_colour_space_of_the_pdf_overrules_that_of_jpeg_2000(renderer: &dyn Renderer) {
    let inverted = "[/Separation /Spot /DeviceGray << /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>]";
    let pdf = jpx(&format!("/ColorSpace {inverted}"), JPX_GRAY);
    assert_quarters(renderer, &pdf, 3, "inverted", JPX_LEVELS.map(|level| level.map(|v| 255 - v)));
}
