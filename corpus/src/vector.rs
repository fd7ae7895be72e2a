//! Drawings: a map, charts, and a page that is all transparency.

use oorandom::Rand32;
use pdf_writer::types::{BlendMode, FunctionShadingType, LineCapStyle, LineJoinStyle, MaskType};
use pdf_writer::{Content, Finish, Name, Rect, Ref, Str};

use crate::paper::{A4, Paper, deflate, helvetica, with_fonts};
use pdf_writer::Filter;

/// How large a map is, and how much there is on it.
#[derive(Debug, Clone, Copy)]
struct MapSheet {
    title: &'static str,
    seed: u64,
    size: (f32, f32),
    /// The map itself, within its margins.
    width: f32,
    height: f32,
    /// The size of a house, and the width of a street, as factors.
    house: f32,
    street: f32,
    columns: usize,
    rows: usize,
    hills: usize,
    streets: usize,
}

/// A map of one page: blocks, streets, contours, a river and a railway, ten thousand paths in all.
pub fn map() -> Vec<u8> {
    map_sheet(MapSheet {
        title: "A map",
        seed: 11,
        size: A4,
        width: 523.0,
        height: 740.0,
        house: 1.0,
        street: 1.0,
        columns: 86,
        rows: 100,
        hills: 12,
        streets: 110,
    })
}

/// The same of a city on one sheet of A2: a hundred thousand paths.
pub fn city_map() -> Vec<u8> {
    map_sheet(MapSheet {
        title: "A map of a city",
        seed: 14,
        size: (1190.551, 1683.78),
        width: 1118.0,
        height: 1582.0,
        house: 0.66,
        street: 2.0,
        columns: 280,
        rows: 350,
        hills: 60,
        streets: 130,
    })
}

fn map_sheet(sheet: MapSheet) -> Vec<u8> {
    let mut paper = Paper::new(sheet.title);
    let font = helvetica(&mut paper);
    let mut random = Rand32::new(sheet.seed);
    let mut content = Content::new();
    let MapSheet { width, height, house, columns, rows, .. } = sheet;
    let (left, bottom) = (36.0, 60.0);
    // What runs across the whole sheet is given on A4, and stretched; by exactly 1 for the map of that size.
    let (across, up) = (width / 523.0, height / 740.0);

    content.save_state().rect(left, bottom, width, height).clip_nonzero().end_path();
    content.set_fill_rgb(0.95, 0.94, 0.9).rect(left, bottom, width, height).fill_nonzero();

    // Contour lines: rings of cubic curves about a few hills.
    content.set_line_width(0.3).set_stroke_rgb(0.72, 0.58, 0.4);
    for _ in 0..sheet.hills {
        let centre = (left + unit(&mut random) * width, bottom + unit(&mut random) * height);
        let wobble: Vec<f32> = (0..16).map(|_| 0.75 + 0.5 * unit(&mut random)).collect();
        for ring in 1..25 {
            closed_curve(&mut content, centre, ring as f32 * 6.5, &wobble);
            content.close_and_stroke();
        }
    }

    // Blocks of a town on a jittered grid, most of them built up.
    for row in 0..rows {
        for column in 0..columns {
            let x = left + width * (column as f32 + 0.15 * unit(&mut random)) / columns as f32;
            let y = bottom + height * (row as f32 + 0.15 * unit(&mut random)) / rows as f32;
            let (w, h) = (house * (2.0 + 3.2 * unit(&mut random)), house * (3.0 + 3.4 * unit(&mut random)));
            let shade = 0.7 + 0.25 * unit(&mut random);
            match random.rand_range(0..20) {
                0..=2 => content.set_fill_rgb(0.62, shade, 0.6),
                3 => content.set_fill_rgb(0.6, 0.75, shade),
                _ => content.set_fill_rgb(shade, shade * 0.95, shade * 0.88),
            };
            content.move_to(x, y).line_to(x + w, y + 0.6 * unit(&mut random));
            content.line_to(x + w - unit(&mut random), y + h).line_to(x + 0.4, y + h - unit(&mut random));
            content.close_path().fill_nonzero();
        }
    }

    // Streets, wide then narrow on top, so that crossings are open.
    content.set_line_cap(LineCapStyle::RoundCap).set_line_join(LineJoinStyle::RoundJoin);
    let streets: Vec<[f32; 8]> = (0..sheet.streets)
        .map(|i| {
            let at = unit(&mut random);
            let mut bend = || 12.0 * (unit(&mut random) - 0.5);
            if i % 2 == 0 {
                let x = left + at * width;
                [
                    x,
                    bottom,
                    x + bend(),
                    bottom + 240.0 * up,
                    x + bend(),
                    bottom + 480.0 * up,
                    x + bend(),
                    bottom + height,
                ]
            } else {
                let y = bottom + at * height;
                let [first, second] = [170.0, 350.0].map(|x| left + x * across);
                [left, y, first, y + bend(), second, y + bend(), left + width, y + bend()]
            }
        })
        .collect();
    for (line_width, gray) in [(1.7 * sheet.street, 0.55), (1.1 * sheet.street, 1.0)] {
        content.set_line_width(line_width).set_stroke_gray(gray);
        for street in &streets {
            curve(&mut content, street);
            content.stroke();
        }
    }

    // A river, and a railway of dashes over a solid line.
    let stretched = |points: [f32; 8]| -> [f32; 8] {
        std::array::from_fn(|i| points[i] * if i % 2 == 0 { across } else { up })
    };
    let river = stretched([left - 5.0, 700.0, 230.0, 560.0, 260.0, 330.0, 570.0, 120.0]);
    content.set_line_width(15.0).set_stroke_rgb(0.55, 0.72, 0.88);
    curve(&mut content, &river);
    content.stroke();
    let railway = stretched([60.0, 40.0, 330.0, 300.0, 380.0, 520.0, 420.0, 820.0]);
    content.set_line_cap(LineCapStyle::ButtCap).set_line_width(2.6).set_stroke_gray(0.15);
    curve(&mut content, &railway);
    content.stroke().set_line_width(1.6).set_stroke_gray(1.0).set_dash_pattern([5.0, 5.0], 0.0);
    curve(&mut content, &railway);
    content.stroke().restore_state();

    content.set_line_width(1.0).rect(left, bottom, width, height).stroke();
    label(&mut content, 14.0, left, 30.0, "Sheet 7: town, river and railway");
    paper.page(sheet.size, content, |page| with_fonts(&mut page.resources(), &[(b"H", font)]));
    paper.finish()
}

/// Two pages of charts: lines and bars, then a scatter plot of thousands of translucent points.
pub fn charts() -> Vec<u8> {
    let mut paper = Paper::new("Charts");
    let font = helvetica(&mut paper);
    let translucent = state(&mut paper, 0.35, None);
    let gradient = gradient(&mut paper);
    let mut random = Rand32::new(12);

    let mut content = Content::new();
    label(&mut content, 18.0, 60.0, 780.0, "Level by month, five stations");
    axes(&mut content, 60.0, 440.0, 480.0, 300.0);
    for series in 0..5 {
        content.set_line_width(1.2).set_dash_pattern([[1e4, 0.0], [6.0, 2.0], [2.0, 2.0]][series % 3], 0.0);
        let [r, g, b] = palette(series);
        content.set_stroke_rgb(r, g, b).move_to(60.0, 480.0 + 40.0 * series as f32);
        let mut level = 480.0 + 40.0 * series as f32;
        for step in 1..600 {
            level = (level + 9.0 * (unit(&mut random) - 0.5)).clamp(442.0, 738.0);
            content.line_to(60.0 + 0.8 * step as f32, level);
        }
        content.stroke();
    }
    content.set_dash_pattern([], 0.0);
    label(&mut content, 18.0, 60.0, 400.0, "Counts");
    axes(&mut content, 60.0, 80.0, 480.0, 300.0);
    for bar in 0..24 {
        let height = 30.0 + 260.0 * unit(&mut random);
        content.save_state().rect(66.0 + 19.6 * bar as f32, 80.0, 14.0, height).clip_nonzero().end_path();
        content.transform([1.0, 0.0, 0.0, height, 66.0 + 19.6 * bar as f32, 80.0]);
        content.shading(Name(b"G")).restore_state();
    }
    paper.page(A4, content, |page| {
        let mut resources = page.resources();
        with_fonts(&mut resources, &[(b"H", font)]);
        resources.shadings().pair(Name(b"G"), gradient);
    });

    let mut content = Content::new();
    label(&mut content, 18.0, 60.0, 780.0, "Residual against width");
    axes(&mut content, 60.0, 80.0, 480.0, 660.0);
    content.save_state().set_parameters(Name(b"T"));
    for i in 0..4000 {
        let [r, g, b] = palette(i % 5);
        let spread = unit(&mut random) + unit(&mut random) + unit(&mut random) - 1.5;
        let x = 65.0 + 470.0 * unit(&mut random);
        let y = 410.0 + 0.5 * (x - 300.0) + 150.0 * spread;
        if (85.0..735.0).contains(&y) {
            content.set_fill_rgb(r, g, b);
            circle(&mut content, x, y, 1.5 + 3.0 * unit(&mut random));
            content.fill_nonzero();
        }
    }
    content.restore_state();
    paper.page(A4, content, |page| {
        let mut resources = page.resources();
        with_fonts(&mut resources, &[(b"H", font)]);
        resources.ext_g_states().pair(Name(b"T"), translucent);
    });
    paper.finish()
}

/// One page of hundreds of overlapping translucent shapes, in blend modes, groups and a soft mask.
pub fn alpha() -> Vec<u8> {
    let mut paper = Paper::new("Transparency");
    let mut random = Rand32::new(13);
    let modes = [None, Some(BlendMode::Multiply), Some(BlendMode::Screen), Some(BlendMode::Luminosity)];
    let states: Vec<(String, Ref)> =
        modes.iter().enumerate().map(|(i, mode)| (format!("B{i}"), state(&mut paper, 0.25, *mode))).collect();
    let mask = soft_mask(&mut paper);

    let mut groups = Vec::new();
    for _ in 0..4 {
        let mut inner = Content::new();
        for _ in 0..30 {
            inner.set_parameters(Name(states[random.rand_range(0..4) as usize].0.as_bytes()));
            blob(&mut inner, &mut random, 40.0);
        }
        let data = deflate(&inner.finish());
        let id = paper.alloc();
        let mut form = paper.pdf.form_xobject(id, &data);
        form.bbox(Rect::new(0.0, 0.0, A4.0, A4.1));
        form.filter(Filter::FlateDecode);
        form.group().transparency().isolated(true).knockout(false).color_space().device_rgb();
        let mut resources = form.resources();
        let mut dict = resources.ext_g_states();
        for (name, state) in &states {
            dict.pair(Name(name.as_bytes()), *state);
        }
        dict.finish();
        resources.finish();
        form.finish();
        groups.push((format!("X{}", groups.len()), id));
    }

    let mut content = Content::new();
    for i in 0..700 {
        content.set_parameters(Name(states[i % 4].0.as_bytes()));
        blob(&mut content, &mut random, 60.0);
    }
    content.set_parameters(Name(b"M"));
    for (name, _) in &groups {
        content.x_object(Name(name.as_bytes()));
    }
    paper.page(A4, content, |page| {
        page.group().transparency().isolated(true).knockout(false).color_space().device_rgb();
        let mut resources = page.resources();
        let mut dict = resources.ext_g_states();
        dict.pair(Name(b"M"), mask);
        for (name, state) in &states {
            dict.pair(Name(name.as_bytes()), *state);
        }
        dict.finish();
        let mut dict = resources.x_objects();
        for (name, group) in &groups {
            dict.pair(Name(name.as_bytes()), *group);
        }
    });
    paper.finish()
}

/// A state of that opacity and blend mode.
fn state(paper: &mut Paper, opacity: f32, mode: Option<BlendMode>) -> Ref {
    let id = paper.alloc();
    let mut state = paper.pdf.ext_graphics(id);
    state.non_stroking_alpha(opacity).stroking_alpha(opacity).blend_mode(mode.unwrap_or(BlendMode::Normal));
    id
}

/// A state whose soft mask fades the page from left to right.
fn soft_mask(paper: &mut Paper) -> Ref {
    let shading = gradient(paper);
    let (group, id) = (paper.alloc(), paper.alloc());
    let mut content = Content::new();
    content.transform([A4.0, 0.0, 0.0, A4.1, 0.0, 0.0]).shading(Name(b"G"));
    let data = deflate(&content.finish());
    let mut form = paper.pdf.form_xobject(group, &data);
    form.bbox(Rect::new(0.0, 0.0, A4.0, A4.1));
    form.filter(Filter::FlateDecode);
    form.group().transparency().isolated(true).color_space().device_rgb();
    form.resources().shadings().pair(Name(b"G"), shading);
    form.finish();
    let mut state = paper.pdf.ext_graphics(id);
    state.soft_mask().subtype(MaskType::Luminosity).group(group);
    id
}

/// A gradient over the unit square, from dark blue at the bottom to light orange at the top.
fn gradient(paper: &mut Paper) -> Ref {
    let (function, id) = (paper.alloc(), paper.alloc());
    paper
        .pdf
        .exponential_function(function)
        .domain([0.0, 1.0])
        .c0([0.1, 0.25, 0.5])
        .c1([1.0, 0.75, 0.4])
        .n(1.0);
    let mut shading = paper.pdf.function_shading(id);
    shading.shading_type(FunctionShadingType::Axial).coords([0.0, 0.0, 0.0, 1.0]).function(function);
    shading.color_space().device_rgb();
    id
}

fn blob(content: &mut Content, random: &mut Rand32, reach: f32) {
    let (x, y) = (A4.0 * unit(random), A4.1 * unit(random));
    content.set_fill_rgb(unit(random), unit(random), unit(random));
    let wobble: Vec<f32> = (0..7).map(|_| 0.4 + unit(random)).collect();
    closed_curve(content, (x, y), reach * (0.3 + unit(random)), &wobble);
    content.close_path().fill_even_odd();
}

/// A smooth closed curve about a centre, at `radius` times a factor for each of its points.
fn closed_curve(content: &mut Content, centre: (f32, f32), radius: f32, wobble: &[f32]) {
    let point = |i: usize, factor: f32| {
        let angle = 2.0 * std::f64::consts::PI * i as f64 / wobble.len() as f64;
        let r = radius * wobble[i % wobble.len()] * factor;
        (centre.0 + r * libm::cos(angle) as f32, centre.1 + r * libm::sin(angle) as f32)
    };
    let start = point(0, 1.0);
    content.move_to(hundredths(start.0), hundredths(start.1));
    for i in 0..wobble.len() {
        let ((x1, y1), (x2, y2), (x3, y3)) = (point(i, 1.12), point(i + 1, 1.12), point(i + 1, 1.0));
        let [x1, y1, x2, y2, x3, y3] = [x1, y1, x2, y2, x3, y3].map(hundredths);
        content.cubic_to(x1, y1, x2, y2, x3, y3);
    }
}

fn circle(content: &mut Content, x: f32, y: f32, r: f32) {
    let k = 0.5523 * r;
    content.move_to(x + r, y);
    content.cubic_to(x + r, y + k, x + k, y + r, x, y + r);
    content.cubic_to(x - k, y + r, x - r, y + k, x - r, y);
    content.cubic_to(x - r, y - k, x - k, y - r, x, y - r);
    content.cubic_to(x + k, y - r, x + r, y - k, x + r, y).close_path();
}

fn curve(content: &mut Content, [x0, y0, x1, y1, x2, y2, x3, y3]: &[f32; 8]) {
    content.move_to(*x0, *y0).cubic_to(*x1, *y1, *x2, *y2, *x3, *y3);
}

fn axes(content: &mut Content, x: f32, y: f32, width: f32, height: f32) {
    content.set_line_width(0.25).set_stroke_gray(0.8);
    for i in 1..=10 {
        let at = y + height * i as f32 / 10.0;
        content.move_to(x, at).line_to(x + width, at).stroke();
        label(content, 7.0, x - 22.0, at - 2.0, &format!("{}", i * 10));
    }
    content.set_line_width(1.0).set_stroke_gray(0.0);
    content.move_to(x, y + height).line_to(x, y).line_to(x + width, y).stroke();
}

fn label(content: &mut Content, size: f32, x: f32, y: f32, text: &str) {
    content.set_fill_gray(0.0).begin_text().set_font(Name(b"H"), size);
    content.next_line(x, y).show(Str(text.as_bytes())).end_text();
}

fn palette(i: usize) -> [f32; 3] {
    [[0.12, 0.47, 0.71], [1.0, 0.5, 0.05], [0.17, 0.63, 0.17], [0.84, 0.15, 0.16], [0.58, 0.4, 0.74]][i % 5]
}

fn unit(random: &mut Rand32) -> f32 {
    hundredths(random.rand_float() * 100.0) / 100.0
}

fn hundredths(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}
