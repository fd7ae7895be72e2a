//! Small files that ask for a lot of work or memory, and broken parts that send engines astray.

use oorandom::Rand32;

use super::raw::{Raw, SQUARE, deflate_repeated, one_page};
use super::{Expected, ExpectedPages, HostileDocument, PAGES_BOUNDED};

pub(super) const ALL: &[HostileDocument] = &[
    HostileDocument {
        id: "flate-bomb-content",
        what: "A page content of 1 GiB of spaces, about 1 MB when compressed.",
        expected: PAGES_BOUNDED,
        generate: || {
            let bomb = deflate_repeated(SQUARE, &[b' '; 1 << 16], 1 << 14);
            Raw::with_pages(1).page(3, "", 4).stream(4, "/Filter/FlateDecode", &bomb).finish()
        },
    },
    HostileDocument {
        id: "flate-bomb-nested",
        what: "The same content compressed twice, in a few kilobytes.",
        expected: PAGES_BOUNDED,
        generate: || {
            let bomb = deflate_repeated(SQUARE, &[b' '; 1 << 16], 1 << 14);
            let twice = deflate_repeated(&bomb, &[], 0);
            Raw::with_pages(1).page(3, "", 4).stream(4, "/Filter[/FlateDecode/FlateDecode]", &twice).finish()
        },
    },
    HostileDocument {
        id: "flate-bomb-image",
        what: "An image of 8 × 8 pixels whose data is 1 GiB.",
        expected: PAGES_BOUNDED,
        generate: || image("/Width 8/Height 8/BitsPerComponent 8/ColorSpace/DeviceGray", 1 << 14),
    },
    HostileDocument {
        id: "image-30000",
        what: "An image of 30,000 × 30,000 gray pixels of one colour.",
        expected: PAGES_BOUNDED,
        generate: || image("/Width 30000/Height 30000/BitsPerComponent 8/ColorSpace/DeviceGray", 13_733),
    },
    HostileDocument {
        id: "image-size-lie",
        what: "An image that says 2,000,000,000 pixels on each side and has none.",
        expected: PAGES_BOUNDED,
        generate: || image("/Width 2000000000/Height 2000000000/BitsPerComponent 8/ColorSpace/DeviceRGB", 0),
    },
    HostileDocument {
        id: "nested-forms-1e9",
        what: "A form that draws another ten times, nine levels deep: 10^9 squares.",
        expected: PAGES_BOUNDED,
        generate: || {
            let resources = "/XObject<</F 10 0 R>>";
            nested_forms(one_page(resources, b"/F Do")).finish()
        },
    },
    HostileDocument {
        id: "one-bad-page",
        what: "Five pages, of which the third draws 10^9 squares and the others are fine.",
        expected: Expected {
            refusals: &[],
            pages: Some(ExpectedPages {
                failures: &["page_timeout"],
                may_be_drawn: false,
                damaged: Some(&[3]),
            }),
        },
        generate: one_bad_page,
    },
    HostileDocument {
        id: "self-recursive-form",
        what: "A form that draws itself.",
        expected: PAGES_BOUNDED,
        generate: || {
            one_page("/XObject<</F 10 0 R>>", b"/F Do")
                .stream(10, &form("/XObject<</F 10 0 R>>"), b"0.5 g 206 296 200 200 re f /F Do")
                .finish()
        },
    },
    HostileDocument {
        id: "tiling-tiny-steps",
        what: "A tiling pattern whose steps are a ten-thousandth of a point.",
        expected: PAGES_BOUNDED,
        generate: || {
            let pattern = "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 10 10]\
                           /XStep 0.0001/YStep 0.0001/Resources<<>>";
            one_page("/Pattern<</P 10 0 R>>", b"/Pattern cs /P scn 0 0 612 792 re f")
                .stream(10, pattern, b"0.2 0.4 0.8 rg 0 0 4 4 re f")
                .finish()
        },
    },
    HostileDocument {
        id: "dashes",
        what: "Long lines dashed every ten-thousandth of a point.",
        expected: PAGES_BOUNDED,
        generate: || {
            let line = "0 100 m 612 700 l S 0 700 m 100000 100 l S\n".repeat(50);
            one_page("", format!("[0.0001 0.0001] 0 d 0.5 w {line}").as_bytes()).finish()
        },
    },
    HostileDocument {
        id: "mesh-60000",
        what: "A shading of 60,000 Coons patches that each cover the page.",
        expected: PAGES_BOUNDED,
        generate: mesh,
    },
    HostileDocument {
        id: "unbalanced-q",
        what: "A content that saves the graphics state 10^6 times and never restores it.",
        expected: PAGES_BOUNDED,
        generate: || {
            one_page("", format!("{}0.5 g 206 296 200 200 re f", "q ".repeat(1_000_000)).as_bytes()).finish()
        },
    },
    HostileDocument {
        id: "unbalanced-upper-q",
        what: "A content that restores the graphics state 10^6 times and never saved it.",
        expected: PAGES_BOUNDED,
        generate: || {
            one_page("", format!("{}0.5 g 206 296 200 200 re f", "Q ".repeat(1_000_000)).as_bytes()).finish()
        },
    },
    HostileDocument {
        id: "postscript-function",
        what: "A shading by a PostScript function of 100,000 operators.",
        expected: PAGES_BOUNDED,
        generate: || {
            let function = format!("{{ {} pop 0.5 exch dup }}", "dup sin exch cos mul dup ".repeat(20_000));
            function_shading("/FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]", function.as_bytes())
        },
    },
    HostileDocument {
        id: "postscript-nesting",
        what: "A PostScript function of 100,000 nested blocks.",
        expected: PAGES_BOUNDED,
        generate: || {
            let function = format!("{}{}", "{".repeat(100_000), "}".repeat(100_000));
            function_shading("/FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]", function.as_bytes())
        },
    },
    HostileDocument {
        id: "function-loop",
        what: "A stitching function that is made of itself.",
        expected: PAGES_BOUNDED,
        generate: || {
            let function =
                "<</FunctionType 3/Domain[0 1]/Functions[11 0 R 11 0 R]/Bounds[0.5]/Encode[0 1 0 1]>>";
            let shading = "<</ShadingType 2/ColorSpace/DeviceRGB/Coords[0 0 612 792]/Function 11 0 R>>";
            one_page("/Shading<</S 10 0 R>>", b"/S sh").object(10, shading).object(11, function).finish()
        },
    },
    HostileDocument {
        id: "font-garbage",
        what: "Text in an embedded TrueType font whose data is random.",
        expected: PAGES_BOUNDED,
        generate: || {
            let data = [&b"\0\x01\0\0\0\x0a\0\x80"[..], &random(8192, 5)].concat();
            let font = "<</Type/Font/Subtype/TrueType/BaseFont/Broken/FirstChar 32/LastChar 33\
                        /Widths[500 500]/FontDescriptor 11 0 R>>";
            let descriptor = "<</Type/FontDescriptor/FontName/Broken/Flags 32/FontBBox[0 0 1000 1000]\
                              /ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80/FontFile2 12 0 R>>";
            one_page("/Font<</F 10 0 R>>", b"BT /F 24 Tf 72 400 Td (broken ! !) Tj ET")
                .object(10, font)
                .object(11, descriptor)
                .stream(12, "", &data)
                .finish()
        },
    },
    HostileDocument {
        id: "type3-loop",
        what: "A Type 3 font whose glyph shows itself.",
        expected: PAGES_BOUNDED,
        generate: || {
            let font = "<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/CharProcs<</a 11 0 R>>\
                        /Encoding<</Differences[97/a]>>/FirstChar 97/LastChar 97/Widths[1]\
                        /Resources<</Font<</F 10 0 R>>>>>>";
            one_page("/Font<</F 10 0 R>>", b"BT /F 24 Tf 72 400 Td (a) Tj ET")
                .object(10, font)
                .stream(11, "", b"1 0 d0 BT /F 1 Tf (aa) Tj ET 0 0 1 1 re f")
                .finish()
        },
    },
    HostileDocument {
        id: "jbig2-garbage",
        what: "A JBIG2 image of random data.",
        expected: PAGES_BOUNDED,
        generate: || {
            coded_image("/JBIG2Decode", "/BitsPerComponent 1/ColorSpace/DeviceGray", &random(4096, 6))
        },
    },
    HostileDocument {
        id: "jpx-garbage",
        what: "A JPEG 2000 image with a good signature and random data.",
        expected: PAGES_BOUNDED,
        generate: || {
            let data = [&b"\0\0\0\x0cjP  \r\n\x87\n\xff\x4f\xff\x51"[..], &random(4096, 7)].concat();
            coded_image("/JPXDecode", "", &data)
        },
    },
    HostileDocument {
        id: "jpeg-garbage",
        what: "A JPEG image that says 65,000 × 65,000 and then has random data.",
        expected: PAGES_BOUNDED,
        generate: || {
            let head = b"\xff\xd8\xff\xc0\0\x0b\x08\xfd\xe8\xfd\xe8\x01\x01\x11\0";
            let data = [&head[..], &random(4096, 8)].concat();
            coded_image("/DCTDecode", "/BitsPerComponent 8/ColorSpace/DeviceGray", &data)
        },
    },
];

/// The dictionary of a form as large as a page.
fn form(resources: &str) -> String {
    format!("/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<<{resources}>>")
}

/// Adds forms 10 … 18, each of which draws the next ten times, and 19, which draws a square.
fn nested_forms(mut raw: Raw) -> Raw {
    for number in 10..19 {
        let resources = format!("/XObject<</F {} 0 R>>", number + 1);
        raw = raw.stream(number, &form(&resources), "/F Do ".repeat(10).as_bytes());
    }
    raw.stream(19, &form(""), b"0 0 0 rg 300 300 10 10 re f")
}

fn one_bad_page() -> Vec<u8> {
    let mut raw = Raw::with_pages(5);
    for number in 3..8 {
        let contents = if number == 5 { 9 } else { 8 };
        raw = raw.page(number, "/Resources<</XObject<</F 10 0 R>>>>", contents);
    }
    nested_forms(raw.stream(8, "", SQUARE).stream(9, "", b"/F Do")).finish()
}

/// A page that draws an image of `blocks` × 64 KiB of one gray.
fn image(entries: &str, blocks: usize) -> Vec<u8> {
    let data = deflate_repeated(&[], &[0x99; 1 << 16], blocks);
    coded_image("/FlateDecode", entries, &data)
}

fn coded_image(filter: &str, entries: &str, data: &[u8]) -> Vec<u8> {
    let size = if entries.contains("/Width") { "" } else { "/Width 640/Height 480" };
    one_page("/XObject<</I 10 0 R>>", b"q 400 0 0 400 106 196 cm /I Do Q")
        .stream(10, &format!("/Type/XObject/Subtype/Image{size}{entries}/Filter{filter}"), data)
        .finish()
}

fn function_shading(entries: &str, function: &[u8]) -> Vec<u8> {
    let shading =
        "<</ShadingType 1/ColorSpace/DeviceRGB/Domain[0 1 0 1]/Matrix[612 0 0 792 0 0]/Function 11 0 R>>";
    one_page("/Shading<</S 10 0 R>>", b"/S sh").object(10, shading).stream(11, entries, function).finish()
}

fn mesh() -> Vec<u8> {
    let mut random = Rand32::new(9);
    // A flag, twelve points about the edge of the page, and the colours of four corners.
    let edge: [(u8, u8); 12] = [
        (0, 0),
        (0, 85),
        (0, 170),
        (0, 255),
        (85, 255),
        (170, 255),
        (255, 255),
        (255, 170),
        (255, 85),
        (255, 0),
        (170, 0),
        (85, 0),
    ];
    let outline: Vec<u8> = edge.iter().flat_map(|(x, y)| [*x, *y]).collect();
    let mut data = Vec::with_capacity(60_000 * 37);
    for _ in 0..60_000 {
        data.push(0);
        data.extend(&outline);
        data.extend((0..3).flat_map(|_| random.rand_u32().to_le_bytes()));
    }
    let shading = "/ShadingType 6/ColorSpace/DeviceRGB/BitsPerCoordinate 8/BitsPerComponent 8/BitsPerFlag 8\
                   /Decode[0 612 0 792 0 1 0 1 0 1]/Filter/FlateDecode";
    let data = miniz_oxide::deflate::compress_to_vec_zlib(&data, 6);
    one_page("/Shading<</S 10 0 R>>", b"/S sh").stream(10, shading, &data).finish()
}

fn random(length: usize, seed: u64) -> Vec<u8> {
    let mut random = Rand32::new(seed);
    (0..length).map(|_| (random.rand_u32() >> 24) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_block_inflates_to_what_was_asked_for() {
        let bytes = deflate_repeated(b"head", b"0123456789", 100_000);
        let plain = miniz_oxide::inflate::decompress_to_vec_zlib(&bytes).unwrap();
        assert_eq!(plain.len(), 1_000_004);
        assert!(plain.starts_with(b"head0123456789"));
        assert!(plain.ends_with(b"0123456789"));
    }
}
