//! JPEG goes in and comes out of one process: MuPDF decodes with the library that encodes.

#![cfg(feature = "mupdf")]

use pdf2img::encode::{EncodeOptions, Encoder, Encoding, JpegScans, Quality};
use render_api::{OpenOptions, PageIndex, PixelFormat, Pixmap, RenderOptions, Renderer};
use render_mupdf::MuPdf;
use zune_jpeg::JpegDecoder;

const SIDE_PX: u32 = 64;

#[test]
fn a_jpeg_image_is_drawn_and_its_page_is_encoded_as_jpeg_in_one_process() {
    for scans in [JpegScans::Baseline, JpegScans::Progressive] {
        let original = quarters();
        let embedded = encode(&original, scans);
        let drawn = draw(&page_with(&embedded));
        assert_same_quarters(drawn.data(), original.data());

        let written = encode(&drawn, scans);
        let decoded =
            JpegDecoder::new(std::io::Cursor::new(&written)).decode().expect("another decoder reads it");
        assert_same_quarters(&decoded, original.data());
    }
}

/// Red, green, blue and yellow.
fn quarters() -> Pixmap {
    let mut pixmap = Pixmap::default();
    pixmap.reset(SIDE_PX, SIDE_PX, PixelFormat::Rgb8, u64::MAX).unwrap();
    for (i, pixel) in pixmap.data_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (x, y) = (i as u32 % SIDE_PX, i as u32 / SIDE_PX);
        *pixel = match (x < SIDE_PX / 2, y < SIDE_PX / 2) {
            (true, true) => [255, 0, 0],
            (false, true) => [0, 255, 0],
            (true, false) => [0, 0, 255],
            (false, false) => [255, 255, 0],
        };
    }
    pixmap
}

fn assert_same_quarters(found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len());
    for (x, y) in [(16, 16), (48, 16), (16, 48), (48, 48)] {
        let at = (y * SIDE_PX as usize + x) * 3;
        for (found, expected) in found[at..at + 3].iter().zip(&expected[at..at + 3]) {
            assert!(found.abs_diff(*expected) <= 6, "({x}, {y}): {found} for {expected}");
        }
    }
}

fn encode(pixmap: &Pixmap, scans: JpegScans) -> Vec<u8> {
    let encoding = Encoding::Jpeg { quality: Quality::new(95).unwrap(), scans };
    let mut out = Vec::new();
    Encoder::new()
        .encode(pixmap, &EncodeOptions { encoding, ..EncodeOptions::default() }, &mut out)
        .expect("JPEG is written");
    out
}

/// Draws the only page, one pixel for each pt.
fn draw(pdf: &[u8]) -> Pixmap {
    let engine = MuPdf::new();
    let mut document = engine.open(pdf, &OpenOptions::default()).unwrap();
    let mut pixmap = Pixmap::default();
    pixmap.reset(SIDE_PX, SIDE_PX, PixelFormat::Rgb8, u64::MAX).unwrap();
    let drawn = document.render_page(PageIndex(0), &RenderOptions::default(), &mut pixmap).unwrap();
    assert_eq!(drawn.content_errors, 0);
    pixmap
}

/// A document of one page that is filled by one JPEG image.
fn page_with(jpeg: &[u8]) -> Vec<u8> {
    let contents = format!("{SIDE_PX} 0 0 {SIDE_PX} 0 0 cm /I Do");
    let image = format!(
        "/Type /XObject /Subtype /Image /Width {SIDE_PX} /Height {SIDE_PX} \
         /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
    );
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {SIDE_PX} {SIDE_PX}] \
         /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>"
    );
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into_bytes(),
        stream("", contents.as_bytes()),
        stream(&image, jpeg),
    ];
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut xref = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (i, object) in objects.iter().enumerate() {
        xref.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend_from_slice(format!("{} 0 obj\n", i + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let start = file.len();
    let trailer =
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    file.extend_from_slice((xref + &trailer).as_bytes());
    file
}

fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    [format!("<< /Length {} {entries} >>\nstream\n", data.len()).as_bytes(), data, b"\nendstream"].concat()
}
