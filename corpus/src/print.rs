//! Sheets for a printing press: process and spot colours, colour profiles, marks outside of the trimmed page.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use pdf_writer::writers::ColorSpace;
use pdf_writer::{Content, Filter, Finish, Name, Rect, Ref, Str};

use crate::font::Font;
use crate::paper::{Paper, deflate, with_fonts};
use crate::photo;

/// The sheet, and what is left of it once it is cut: A5 with 3 mm of bleed, in pt.
const SHEET_PT: (f32, f32) = (476.221, 651.969);
const TRIM_PT: [f32; 4] = [28.346, 28.346, 447.874, 623.622];
const BLEED_PT: [f32; 4] = [19.843, 19.843, 456.378, 632.126];
const PICTURE_PX: (u16, u16) = (900, 675);

/// Three sheets: process and spot colours, pictures in CMYK, colours and a picture by their profiles.
pub fn sheets() -> Vec<u8> {
    let mut paper = Paper::new("Sheets for a press");
    let mut font = Font::new("NewCM10-Regular");
    let contents = [colors(&mut font), pictures(&mut font), profiles(&mut font)];
    let font = font.embed(&mut paper);

    let spot = tint_function(&mut paper, 1, "{ 0 exch dup 0.62 mul exch dup 0.95 mul exch 0.02 mul }");
    // Cyan passes on; the spot colour adds what it is made of.
    let duotone = tint_function(&mut paper, 2, "{ dup 0.62 mul exch 0.95 mul 0 }");
    let rgb_profile = profile(&mut paper, &rgb_profile(), 3);
    let gray_profile = profile(&mut paper, &gray_profile(), 1);
    let images = [
        (b"Jpeg", cmyk_jpeg(&mut paper)),
        (b"Flat", cmyk_flate(&mut paper)),
        (b"Spot", spot_image(&mut paper, spot)),
        (b"Wide", profiled_image(&mut paper, rgb_profile)),
    ];
    for content in contents {
        paper.page(SHEET_PT, content, |page| {
            let [trim, bleed] = [TRIM_PT, BLEED_PT].map(|[x0, y0, x1, y1]| Rect::new(x0, y0, x1, y1));
            page.trim_box(trim).bleed_box(bleed);
            let mut resources = page.resources();
            with_fonts(&mut resources, &[(b"F", font)]);
            let mut spaces = resources.color_spaces();
            separation(spaces.insert(Name(b"Orange")).start(), spot);
            let names = [Name(b"Cyan"), Name(b"Corpus Orange")];
            let space: ColorSpace<'_> = spaces.insert(Name(b"Duotone")).start();
            let mut inks = space.device_n(names);
            inks.alternate_color_space().device_cmyk();
            inks.tint_ref(duotone);
            inks.finish();
            let space: ColorSpace<'_> = spaces.insert(Name(b"WideRgb")).start();
            space.icc_based(rgb_profile);
            let space: ColorSpace<'_> = spaces.insert(Name(b"DotGray")).start();
            space.icc_based(gray_profile);
            spaces.finish();
            let mut objects = resources.x_objects();
            for (name, id) in images {
                objects.pair(Name(name), id);
            }
        });
    }
    paper.finish()
}

/// Ramps of each ink, overprints of two, and tints of a spot colour.
fn colors(font: &mut Font) -> Content {
    let mut content = marked(font, "1: inks");
    write(&mut content, font, 24.0, (60.0, 560.0), "Process and spot colours");
    for (row, ink) in [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
        .into_iter()
        .enumerate()
    {
        for step in 0..11 {
            let [c, m, y, k] = ink.map(|share| share * step as f32 / 10.0);
            let at = (60.0 + 32.0 * step as f32, 500.0 - 30.0 * row as f32);
            content.set_fill_cmyk(c, m, y, k).rect(at.0, at.1, 32.0, 26.0).fill_nonzero();
        }
    }
    for (i, [c, m, y, k]) in [
        [1.0, 1.0, 0.0, 0.0],
        [0.0, 1.0, 1.0, 0.0],
        [1.0, 0.0, 1.0, 0.0],
        [1.0, 1.0, 1.0, 0.0],
        [0.6, 0.5, 0.5, 1.0],
        [0.3, 0.2, 0.2, 0.1],
    ]
    .into_iter()
    .enumerate()
    {
        let x = 60.0 + 59.0 * i as f32;
        content.set_fill_cmyk(c, m, y, k).rect(x, 336.0, 52.0, 52.0).fill_nonzero();
        content.set_stroke_cmyk(0.0, 0.0, 0.0, 1.0).set_line_width(0.75).rect(x, 336.0, 52.0, 52.0).stroke();
    }
    write(&mut content, font, 11.0, (60.0, 312.0), "Tints of a spot colour, and of it with cyan:");
    content.set_fill_color_space(Name(b"Orange"));
    for step in 0..11 {
        let x = 60.0 + 32.0 * step as f32;
        content.set_fill_color([step as f32 / 10.0]).rect(x, 272.0, 32.0, 26.0).fill_nonzero();
    }
    content.set_fill_color_space(Name(b"Duotone"));
    for row in 0..5 {
        for step in 0..11 {
            let at = (60.0 + 32.0 * step as f32, 232.0 - 30.0 * row as f32);
            content.set_fill_color([row as f32 / 4.0, step as f32 / 10.0]);
            content.rect(at.0, at.1, 32.0, 26.0).fill_nonzero();
        }
    }
    content
}

fn pictures(font: &mut Font) -> Content {
    let mut content = marked(font, "2: pictures");
    write(&mut content, font, 24.0, (60.0, 560.0), "Pictures in four inks, and in one");
    place(&mut content, b"Jpeg", [60.0, 285.0, 352.0, 250.0]);
    write(&mut content, font, 10.0, (60.0, 270.0), "CMYK, JPEG with inverted values");
    place(&mut content, b"Flat", [60.0, 90.0, 168.0, 160.0]);
    write(&mut content, font, 10.0, (60.0, 75.0), "CMYK, Flate");
    place(&mut content, b"Spot", [244.0, 90.0, 168.0, 160.0]);
    write(&mut content, font, 10.0, (244.0, 75.0), "One spot colour, 8 bits");
    content
}

fn profiles(font: &mut Font) -> Content {
    let mut content = marked(font, "3: profiles");
    write(&mut content, font, 24.0, (60.0, 560.0), "Colours by their profile");
    for (row, space) in [(0, "WideRgb"), (1, "DeviceRGB")] {
        content.set_fill_color_space(Name(space.as_bytes()));
        for step in 0..11 {
            let share = step as f32 / 10.0;
            let at = (60.0 + 32.0 * step as f32, 500.0 - 44.0 * row as f32);
            content.set_fill_color([1.0 - share, 0.75 * share + 0.1, share]);
            content.rect(at.0, at.1, 32.0, 36.0).fill_nonzero();
        }
    }
    for (row, space) in [(2, "DotGray"), (3, "DeviceGray")] {
        content.set_fill_color_space(Name(space.as_bytes()));
        for step in 0..11 {
            let at = (60.0 + 32.0 * step as f32, 500.0 - 44.0 * row as f32);
            content.set_fill_color([step as f32 / 10.0]).rect(at.0, at.1, 32.0, 36.0).fill_nonzero();
        }
    }
    write(&mut content, font, 10.0, (60.0, 350.0), "RGB by a profile, RGB of the device; gray likewise");
    place(&mut content, b"Wide", [60.0, 80.0, 352.0, 255.0]);
    content
}

/// The sheet's background to the edge of the bleed, marks where it is cut, and colour bars outside.
fn marked(font: &mut Font, label: &str) -> Content {
    let mut content = Content::new();
    let [x0, y0, x1, y1] = BLEED_PT;
    content.set_fill_cmyk(0.04, 0.02, 0.08, 0.0).rect(x0, y0, x1 - x0, y1 - y0).fill_nonzero();
    content.set_stroke_cmyk(1.0, 1.0, 1.0, 1.0).set_line_width(0.75);
    let [x0, y0, x1, y1] = TRIM_PT;
    for (x, y) in [(x0, y0), (x1, y0), (x0, y1), (x1, y1)] {
        let (out_x, out_y) = (if x == x0 { -1.0 } else { 1.0 }, if y == y0 { -1.0 } else { 1.0 });
        content.move_to(x + 12.0 * out_x, y).line_to(x + 26.0 * out_x, y).stroke();
        content.move_to(x, y + 12.0 * out_y).line_to(x, y + 26.0 * out_y).stroke();
    }
    for (i, [c, m, y, k]) in
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
            .into_iter()
            .enumerate()
    {
        content.set_fill_cmyk(c, m, y, k).rect(120.0 + 12.0 * i as f32, 637.0, 10.0, 10.0).fill_nonzero();
    }
    write(&mut content, font, 8.0, (200.0, 639.0), label);
    content
}

fn place(content: &mut Content, name: &[u8], [x, y, width, height]: [f32; 4]) {
    content.save_state().transform([width, 0.0, 0.0, height, x, y]).x_object(Name(name)).restore_state();
}

/// Text in black ink alone.
fn write(content: &mut Content, font: &mut Font, size: f32, (x, y): (f32, f32), text: &str) {
    let shown = font.encode(text);
    content.set_fill_cmyk(0.0, 0.0, 0.0, 1.0).begin_text().set_font(Name(b"F"), size);
    content.next_line(x, y).show(Str(&shown)).end_text();
}

fn separation(space: ColorSpace<'_>, tint: Ref) {
    let mut ink = space.separation(Name(b"Corpus Orange"));
    ink.alternate_color_space().device_cmyk();
    ink.tint_ref(tint);
}

/// A calculator function from shares of inks to CMYK.
fn tint_function(paper: &mut Paper, inputs: usize, code: &str) -> Ref {
    let id = paper.alloc();
    let mut function = paper.pdf.post_script_function(id, code.as_bytes());
    function.domain([0.0, 1.0].repeat(inputs)).range([0.0, 1.0].repeat(4));
    id
}

fn profile(paper: &mut Paper, bytes: &[u8], components: i32) -> Ref {
    let id = paper.alloc();
    let data = deflate(bytes);
    let mut stream = paper.pdf.icc_profile(id, &data);
    stream.n(components).filter(Filter::FlateDecode);
    id
}

/// The photograph in four inks: what all three colours lack becomes black.
fn cmyk_samples(width: u16, height: u16) -> Vec<u8> {
    let to_inks = |pixel: &[u8]| {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]];
        let black = 255 - r.max(g).max(b);
        [255 - r - black, 255 - g - black, 255 - b - black, black]
    };
    photo::samples(width, height).chunks_exact(3).flat_map(to_inks).collect()
}

/// A JPEG as page-layout programs write it: with Adobe's marker, and inverted.
fn cmyk_jpeg(paper: &mut Paper) -> Ref {
    let (width, height) = PICTURE_PX;
    let mut data = Vec::new();
    let mut encoder = Encoder::new(&mut data, 82);
    // No ink is coarser than another.
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    let samples = cmyk_samples(width, height);
    encoder
        .encode(&samples, width, height, ColorType::Cmyk)
        .expect("the image fits and memory takes every write");
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::DctDecode);
    image.width(i32::from(width)).height(i32::from(height)).bits_per_component(8);
    image.decode([1.0, 0.0].repeat(4)).color_space().device_cmyk();
    id
}

fn cmyk_flate(paper: &mut Paper) -> Ref {
    let data = deflate(&cmyk_samples(300, 225));
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::FlateDecode);
    image.width(300).height(225).bits_per_component(8).color_space().device_cmyk();
    id
}

/// The photograph's darkness in one spot colour.
fn spot_image(paper: &mut Paper, tint: Ref) -> Ref {
    let samples: Vec<u8> = photo::samples(300, 225).chunks_exact(3).map(|pixel| 255 - pixel[1]).collect();
    let data = deflate(&samples);
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::FlateDecode);
    image.width(300).height(225).bits_per_component(8);
    separation(image.color_space(), tint);
    id
}

fn profiled_image(paper: &mut Paper, profile: Ref) -> Ref {
    let (width, height) = PICTURE_PX;
    let data = photo::picture(width, height, 82);
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::DctDecode);
    image.width(i32::from(width)).height(i32::from(height)).bits_per_component(8);
    image.color_space().icc_based(profile);
    id
}

/// The smallest profile of a display: three primaries wider than those of sRGB, and a gamma of 2.2.
fn rgb_profile() -> Vec<u8> {
    let gamma = curve(2.2);
    icc(
        *b"RGB ",
        &[
            (b"desc", description("Corpus wide RGB")),
            (b"cprt", text("No copyright")),
            (b"wtpt", xyz(D50)),
            (b"rXYZ", xyz([0.6097, 0.3111, 0.0195])),
            (b"gXYZ", xyz([0.2053, 0.6257, 0.0609])),
            (b"bXYZ", xyz([0.1492, 0.0632, 0.7445])),
            (b"rTRC", gamma.clone()),
            (b"gTRC", gamma.clone()),
            (b"bTRC", gamma),
        ],
    )
}

/// The smallest profile of gray: a gamma of 1.5, which is lighter than that of a display.
fn gray_profile() -> Vec<u8> {
    icc(
        *b"GRAY",
        &[
            (b"desc", description("Corpus gray")),
            (b"cprt", text("No copyright")),
            (b"wtpt", xyz(D50)),
            (b"kTRC", curve(1.5)),
        ],
    )
}

/// The white point to which all profiles refer.
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];

/// A profile of version 2.1, as ICC.1:1998-09 has it: a header, a table of tags, the tags.
fn icc(space: [u8; 4], tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut table = (tags.len() as u32).to_be_bytes().to_vec();
    let mut data = Vec::new();
    let start = 128 + 4 + 12 * tags.len();
    for (name, content) in tags {
        table.extend(*name);
        table.extend(((start + data.len()) as u32).to_be_bytes());
        table.extend((content.len() as u32).to_be_bytes());
        data.extend(content);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut header = ((start + data.len()) as u32).to_be_bytes().to_vec();
    header.extend([0; 4]);
    header.extend([2, 0x10, 0, 0]);
    header.extend(b"mntr");
    header.extend(space);
    header.extend(b"XYZ ");
    // The first of January 2025.
    for part in [2025_u16, 1, 1, 0, 0, 0] {
        header.extend(part.to_be_bytes());
    }
    header.extend(b"acsp");
    header.resize(68, 0);
    header.extend(&xyz(D50)[8..]);
    header.resize(128, 0);
    [header, table, data].concat()
}

fn xyz(values: [f64; 3]) -> Vec<u8> {
    let mut bytes = b"XYZ \0\0\0\0".to_vec();
    for value in values {
        bytes.extend(((value * 65536.0).round() as i32).to_be_bytes());
    }
    bytes
}

fn curve(gamma: f64) -> Vec<u8> {
    let mut bytes = b"curv\0\0\0\0\0\0\0\x01".to_vec();
    bytes.extend(((gamma * 256.0).round() as u16).to_be_bytes());
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [b"text\0\0\0\0".as_slice(), text.as_bytes(), b"\0"].concat()
}

/// A name in ASCII alone: the places for Unicode and for the Macintosh stay empty.
fn description(text: &str) -> Vec<u8> {
    let length = (text.len() as u32 + 1).to_be_bytes();
    [b"desc\0\0\0\0".as_slice(), &length, text.as_bytes(), &[0; 1 + 8 + 3 + 67]].concat()
}
