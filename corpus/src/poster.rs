//! A poster of a conference: one sheet of A0 with columns of text, a large drawing and a photograph.

use oorandom::Rand32;
use pdf_writer::types::FunctionShadingType;
use pdf_writer::{Content, Filter, Finish, Name, Ref};

use crate::paper::{Paper, with_fonts};
use crate::photo;
use crate::prose;
use crate::raster::fractal;
use crate::serif::{Face, Serif};

/// A0 in pt.
const SIZE_PT: (f32, f32) = (2383.937, 3370.394);
const MARGIN_PT: f32 = 110.0;
const COLUMN_PT: f32 = 680.0;
const GUTTER_PT: f32 = 62.0;
const BODY_PT: f32 = 34.0;
const LEADING_PT: f32 = 45.0;
/// As many pixels as the photograph needs for 150 dpi.
const PICTURE_PX: (u16, u16) = (2960, 1880);

const NAVY: [f32; 3] = [0.07, 0.16, 0.32];
const BLACK: [f32; 3] = [0.08, 0.08, 0.1];

/// One sheet of A0.
pub fn conference() -> Vec<u8> {
    let mut random = Rand32::new(71);
    let mut poster = Poster { serif: Serif::new(), page: Content::new() };
    poster.banner();

    let column_x = |column: usize| MARGIN_PT + column as f32 * (COLUMN_PT + GUTTER_PT);
    // Text in the first column from top to bottom, and beneath what stands in the two others.
    poster.column(column_x(0), 2720.0, 150.0, &mut random);
    poster.relief(column_x(1), 1610.0, 2.0 * COLUMN_PT + GUTTER_PT, 1110.0);
    poster.caption(column_x(1), 1556.0, "Figure 1. Relief of the valley, in contours of ten metres.");
    let width = 2.0 * COLUMN_PT + GUTTER_PT;
    let height = width * f32::from(PICTURE_PX.1) / f32::from(PICTURE_PX.0);
    poster.page.save_state().transform([width, 0.0, 0.0, height, column_x(1), 1480.0 - height]);
    poster.page.x_object(Name(b"Picture")).restore_state();
    poster.caption(column_x(1), 1430.0 - height, "Figure 2. The lake, from the northern shore.");
    for column in [1, 2] {
        poster.column(column_x(column), 1335.0 - height, 150.0, &mut random);
    }

    let mut paper = Paper::new("A poster");
    let fonts = poster.serif.embed(&mut paper);
    let (gradient, picture) = (gradient(&mut paper), picture(&mut paper));
    paper.page(SIZE_PT, poster.page, |page| {
        let mut resources = page.resources();
        with_fonts(&mut resources, &fonts);
        resources.shadings().pair(Name(b"Banner"), gradient);
        resources.x_objects().pair(Name(b"Picture"), picture);
    });
    paper.finish()
}

struct Poster {
    serif: Serif,
    page: Content,
}

impl Poster {
    fn banner(&mut self) {
        let (width, height) = SIZE_PT;
        self.page.set_fill_rgb(0.97, 0.975, 0.985).rect(0.0, 0.0, width + 12.0, height + 12.0).fill_nonzero();
        // A little beyond the edges of the sheet.
        let (right, top) = (width + 12.0, height + 12.0);
        self.page.save_state().rect(0.0, height - 520.0, right, 532.0).clip_nonzero().end_path();
        self.page.transform([right, 0.0, 0.0, 532.0, 0.0, top - 532.0]);
        self.page.shading(Name(b"Banner")).restore_state();
        self.text(Face::Bold, 168.0, [1.0; 3], (MARGIN_PT, height - 250.0), "Ten years of northern water");
        let authors = "A. Example, B. Sample and C. Specimen, Institute of the Second Site";
        self.text(Face::Roman, 62.0, [0.85, 0.9, 0.96], (MARGIN_PT, height - 370.0), authors);
        self.page.set_fill_rgb(0.93, 0.45, 0.2).rect(0.0, height - 536.0, right, 16.0).fill_nonzero();
    }

    /// Fills a column with headings and paragraphs from a height down to another, and returns where it ends.
    fn column(&mut self, x: f32, top: f32, bottom: f32, random: &mut Rand32) -> f32 {
        let mut y = top;
        while y > bottom + 6.0 * LEADING_PT {
            let title = prose::title(random);
            let title = title.split(" and ").next().unwrap_or_default();
            self.text(Face::Bold, 52.0, NAVY, (x, y), title);
            y -= 68.0;
            for _ in 0..2 {
                let most = f64::from(COLUMN_PT / BODY_PT) * 1000.0;
                for line in self.serif.lines(Face::Roman, &prose::paragraph(random), most) {
                    if y < bottom {
                        return y;
                    }
                    self.text(Face::Roman, BODY_PT, BLACK, (x, y), &line);
                    y -= LEADING_PT;
                }
                y -= 18.0;
            }
            y -= 40.0;
        }
        y
    }

    /// A relief: bands of colour from low to high in cells, and contour lines through them.
    fn relief(&mut self, x: f32, y: f32, width: f32, height: f32) {
        const COLUMNS: usize = 200;
        const ROWS: usize = 156;
        let levels: Vec<f32> = (0..=ROWS)
            .flat_map(|row| (0..=COLUMNS).map(move |column| (column, row)))
            .map(|(column, row)| fractal(73, column as f32 / 26.0, row as f32 / 26.0, 5))
            .collect();
        let level = |column: usize, row: usize| levels[row * (COLUMNS + 1) + column];
        let (cell_x, cell_y) = (width / COLUMNS as f32, height / ROWS as f32);
        self.page.save_state().rect(x, y, width, height).clip_nonzero().end_path();
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let [r, g, b] = relief_color(level(column, row));
                self.page.set_fill_rgb(r, g, b);
                // A little larger than a cell, so that no seam shows.
                let corner = [x + cell_x * column as f32, y + cell_y * row as f32].map(hundredths);
                self.page.rect(corner[0], corner[1], hundredths(cell_x + 0.6), hundredths(cell_y + 0.6));
                self.page.fill_nonzero();
            }
        }
        self.page.set_line_width(1.1).set_stroke_rgb(0.32, 0.24, 0.16);
        for step in 6..16 {
            let threshold = step as f32 / 20.0;
            for row in 0..ROWS {
                for column in 0..COLUMNS {
                    let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(i, j)| level(column + i, row + j));
                    let ends = crossings(corners, threshold);
                    if let [from, to, ..] = ends[..] {
                        let place = |(u, v): (f32, f32)| {
                            let (column, row) = (column as f32 + u, row as f32 + v);
                            (hundredths(x + cell_x * column), hundredths(y + cell_y * row))
                        };
                        let (from, to) = (place(from), place(to));
                        self.page.move_to(from.0, from.1).line_to(to.0, to.1);
                    }
                }
            }
            self.page.stroke();
        }
        self.page.restore_state();
        self.page.set_line_width(3.0).set_stroke_rgb(NAVY[0], NAVY[1], NAVY[2]);
        self.page.rect(x, y, width, height).stroke();
    }

    fn caption(&mut self, x: f32, y: f32, text: &str) {
        self.text(Face::Roman, 30.0, NAVY, (x, y), text);
    }

    fn text(&mut self, face: Face, size: f32, [r, g, b]: [f32; 3], (x, y): (f32, f32), text: &str) {
        self.page.set_fill_rgb(r, g, b);
        self.serif.show(&mut self.page, face, size, (x, y), text);
    }
}

/// Where a level crosses the sides of a cell, of which the corners are given around it.
fn crossings(corners: [f32; 4], level: f32) -> Vec<(f32, f32)> {
    const PLACES: [(f32, f32); 4] = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
    (0..4)
        .filter_map(|side| {
            let (from, to) = (corners[side], corners[(side + 1) % 4]);
            if (from < level) == (to < level) {
                return None;
            }
            let t = (level - from) / (to - from);
            let ((x0, y0), (x1, y1)) = (PLACES[side], PLACES[(side + 1) % 4]);
            Some((x0 + (x1 - x0) * t, y0 + (y1 - y0) * t))
        })
        .collect()
}

/// Water, meadows, woods, rock, snow.
fn relief_color(level: f32) -> [f32; 3] {
    match level {
        ..0.36 => [0.55, 0.73, 0.88],
        ..0.46 => [0.78, 0.87, 0.66],
        ..0.54 => [0.6, 0.76, 0.52],
        ..0.62 => [0.85, 0.78, 0.6],
        ..0.7 => [0.72, 0.6, 0.48],
        _ => [0.96, 0.96, 0.97],
    }
}

fn gradient(paper: &mut Paper) -> Ref {
    let (function, id) = (paper.alloc(), paper.alloc());
    let mut colors = paper.pdf.exponential_function(function);
    colors.domain([0.0, 1.0]).c0(NAVY).c1([0.16, 0.42, 0.58]).n(1.0);
    colors.finish();
    let mut shading = paper.pdf.function_shading(id);
    shading.shading_type(FunctionShadingType::Axial).coords([0.0, 0.0, 1.0, 0.0]).function(function);
    shading.color_space().device_rgb();
    id
}

fn picture(paper: &mut Paper) -> Ref {
    let data = photo::picture(PICTURE_PX.0, PICTURE_PX.1, 74);
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::DctDecode);
    image.width(i32::from(PICTURE_PX.0)).height(i32::from(PICTURE_PX.1));
    image.color_space().device_rgb();
    image.bits_per_component(8);
    id
}

fn hundredths(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}
