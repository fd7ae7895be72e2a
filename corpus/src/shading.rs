//! Smooth transitions of colour: every type of shading, and a page that is one large mesh.

use pdf_writer::types::{ColorSpaceOperand, FunctionShadingType, PostScriptOp};
use pdf_writer::writers::StreamShadingType;
use pdf_writer::{Content, Filter, Finish, Name, Rect, Ref, Str};

use crate::font::Font;
use crate::paper::{A4, Paper, deflate, with_fonts};
use crate::raster::{fractal, mix};

/// The page that is one mesh: 8 × 12 inches, so that its edges are those of pixels.
const COAT_PT: (f32, f32) = (576.0, 864.0);

/// One page of shadings by a function, one of meshes, and one large mesh with a title in a gradient.
pub fn pages() -> Vec<u8> {
    let mut paper = Paper::new("Shadings");
    let mut font = Font::new("LibertinusSerif-Regular");
    let functions = [
        ("Axial, stitched of four colours", axial(&mut paper, [0.15, 0.2, 0.85, 0.8])),
        ("Axial, to both sides of a narrow band", axial(&mut paper, [0.4, 0.5, 0.6, 0.5])),
        ("Radial, about one centre", radial(&mut paper, [0.5, 0.5, 0.05, 0.5, 0.5, 0.48])),
        ("Radial, off the centre", radial(&mut paper, [0.35, 0.4, 0.06, 0.55, 0.55, 0.4])),
        ("Of two variables, calculated", calculated(&mut paper)),
        ("Of two variables, sampled", sampled(&mut paper)),
    ];
    let meshes = [
        ("Triangles, free-form (type 4)", triangles(&mut paper)),
        ("Triangles, coloured by a function", contours(&mut paper)),
        ("Triangles in a lattice (type 5)", lattice(&mut paper, 9, 9)),
        ("Coons patches that share edges (type 6)", coons(&mut paper)),
        ("Tensor-product patch (type 7)", tensor(&mut paper)),
        ("A lattice of 10,000 vertices", lattice(&mut paper, 100, 100)),
    ];
    let pages = [("By functions", functions), ("By meshes", meshes)]
        .map(|(title, panels)| (sheet(&mut font, title, &panels), panels));

    let landscape = (coat(&mut paper, 15, 22), text_gradient(&mut paper));
    let poster = poster(&mut font);

    let font = font.embed(&mut paper);
    for (content, panels) in pages {
        paper.page(A4, content, |page| {
            let mut resources = page.resources();
            with_fonts(&mut resources, &[(b"F", font)]);
            let mut shadings = resources.shadings();
            for (i, (_, shading)) in panels.iter().enumerate() {
                shadings.pair(Name(&panel_name(i)), *shading);
            }
        });
    }
    paper.page(COAT_PT, poster, |page| {
        let mut resources = page.resources();
        with_fonts(&mut resources, &[(b"F", font)]);
        resources.shadings().pair(Name(b"Coat"), landscape.0);
        resources.patterns().pair(Name(b"Gradient"), landscape.1);
    });
    paper.finish()
}

fn panel_name(i: usize) -> [u8; 2] {
    [b'S', b'0' + i as u8]
}

/// Two columns of three shadings, each over the unit square, with what they are.
fn sheet(font: &mut Font, title: &str, panels: &[(&str, Ref)]) -> Content {
    const SIDE: (f32, f32) = (235.0, 205.0);
    let mut content = Content::new();
    write(&mut content, font, 22.0, (52.0, 785.0), title);
    for (i, (label, _)) in panels.iter().enumerate() {
        let (x, y) = (52.0 + 256.0 * (i % 2) as f32, 552.0 - 240.0 * (i / 2) as f32);
        content.save_state().rect(x, y, SIDE.0, SIDE.1).clip_nonzero().end_path();
        content.transform([SIDE.0, 0.0, 0.0, SIDE.1, x, y]);
        content.shading(Name(&panel_name(i))).restore_state();
        content.set_line_width(1.0).set_stroke_gray(0.2).rect(x, y, SIDE.0, SIDE.1).stroke();
        write(&mut content, font, 10.5, (x, y - 15.0), label);
    }
    content
}

/// The page that is one mesh, with a title that a gradient fills.
fn poster(font: &mut Font) -> Content {
    let mut content = Content::new();
    // A little beyond the edges of the page.
    content.save_state().transform([COAT_PT.0 + 12.0, 0.0, 0.0, COAT_PT.1 + 12.0, -6.0, -6.0]);
    content.shading(Name(b"Coat")).restore_state();
    content.set_fill_color_space(ColorSpaceOperand::Pattern);
    content.set_fill_pattern([], Name(b"Gradient"));
    let shown = font.encode("Gradient");
    content.begin_text().set_font(Name(b"F"), 118.0).next_line(56.0, 400.0).show(Str(&shown)).end_text();
    content
}

fn write(content: &mut Content, font: &mut Font, size: f32, (x, y): (f32, f32), text: &str) {
    let shown = font.encode(text);
    content.set_fill_gray(0.0).begin_text().set_font(Name(b"F"), size);
    content.next_line(x, y).show(Str(&shown)).end_text();
}

/// From dark blue over green and yellow to dark red.
fn rainbow(paper: &mut Paper) -> Ref {
    const STOPS: [[f32; 3]; 4] = [[0.1, 0.15, 0.5], [0.1, 0.6, 0.45], [0.98, 0.85, 0.3], [0.6, 0.1, 0.15]];
    let parts: Vec<Ref> = STOPS
        .windows(2)
        .map(|stops| {
            let id = paper.alloc();
            let mut part = paper.pdf.exponential_function(id);
            part.domain([0.0, 1.0]).c0(stops[0]).c1(stops[1]).n(1.0);
            id
        })
        .collect();
    let id = paper.alloc();
    let mut function = paper.pdf.stitching_function(id);
    function.domain([0.0, 1.0]).functions(parts).bounds([0.3, 0.65]);
    function.encode([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    id
}

fn axial(paper: &mut Paper, coords: [f32; 4]) -> Ref {
    let (function, id) = (rainbow(paper), paper.alloc());
    let mut shading = paper.pdf.function_shading(id);
    shading.shading_type(FunctionShadingType::Axial).coords(coords).extend([true, true]).function(function);
    shading.color_space().device_rgb();
    id
}

fn radial(paper: &mut Paper, coords: [f32; 6]) -> Ref {
    let (function, id) = (rainbow(paper), paper.alloc());
    let mut shading = paper.pdf.function_shading(id);
    shading.shading_type(FunctionShadingType::Radial).coords(coords).extend([true, true]).function(function);
    shading.color_space().device_rgb();
    id
}

/// Waves, by a calculator function of x and y.
fn calculated(paper: &mut Paper) -> Ref {
    use PostScriptOp::{Abs, Add, Copy, Cos, Div, Exch, Integer, Mul, Roll, Sin};
    let to_unit = [Integer(1), Add, Integer(2), Div];
    let mut code = vec![Integer(2), Copy, Add, Integer(180), Mul, Sin, Abs, Integer(3), Integer(1), Roll];
    code.extend([Integer(360), Mul, Cos]);
    code.extend(to_unit);
    code.extend([Exch, Integer(360), Mul, Sin]);
    code.extend(to_unit);
    let (function, id) = (paper.alloc(), paper.alloc());
    let code = PostScriptOp::encode(&code);
    let mut calculator = paper.pdf.post_script_function(function, &code);
    calculator.domain([0.0, 1.0, 0.0, 1.0]).range([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    calculator.finish();
    by_two_variables(paper, id, function);
    id
}

/// A quilt of soft squares, from a table of 64 by 64 colours.
fn sampled(paper: &mut Paper) -> Ref {
    const SIDE: u8 = 64;
    let mut samples = Vec::new();
    for row in 0..SIDE {
        for column in 0..SIDE {
            let (u, v) = (f32::from(column) / f32::from(SIDE - 1), f32::from(row) / f32::from(SIDE - 1));
            let quilt = 0.5 + 0.4 * sin(2.5 * u) * sin(2.5 * v);
            samples.extend([quilt, 0.1 + 0.8 * v, 0.95 - 0.8 * u].map(|level| (255.0 * level).round() as u8));
        }
    }
    let (function, id) = (paper.alloc(), paper.alloc());
    let mut table = paper.pdf.sampled_function(function, &samples);
    table.domain([0.0, 1.0, 0.0, 1.0]).range([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    table.size([i32::from(SIDE); 2]).bits_per_sample(8);
    table.finish();
    by_two_variables(paper, id, function);
    id
}

fn by_two_variables(paper: &mut Paper, id: Ref, function: Ref) {
    let mut shading = paper.pdf.function_shading(id);
    shading.shading_type(FunctionShadingType::Function).domain([0.0, 1.0, 0.0, 1.0]).function(function);
    shading.color_space().device_rgb();
}

/// A star of triangles: the first with its three corners, the others with one that they add.
fn triangles(paper: &mut Paper) -> Ref {
    let mut mesh = Mesh::default();
    let corner = |i: usize| {
        let radius = if i.is_multiple_of(2) { 0.47 } else { 0.3 };
        around((0.5, 0.5), radius, i as f32 / 12.0)
    };
    mesh.vertex(Some(0), (0.5, 0.5), [1.0, 1.0, 0.9]);
    for i in 0..=12 {
        // The first two corners complete a new triangle; each other shares the edge from the centre to the last.
        mesh.vertex(Some(if i < 2 { 0 } else { 2 }), corner(i), hue(i as f32 / 12.0));
    }
    mesh.shading(paper, StreamShadingType::FreeformGouraud, None)
}

/// Two triangles whose colour is one number, which a function takes to a colour.
fn contours(paper: &mut Paper) -> Ref {
    let function = rainbow(paper);
    let mut mesh = Mesh::default();
    for (point, level) in [((0.05, 0.05), 0.0), ((0.95, 0.1), 0.6), ((0.1, 0.95), 1.0)] {
        mesh.vertex(Some(0), point, [level]);
    }
    mesh.vertex(Some(1), (0.95, 0.95), [0.15]);
    mesh.shading(paper, StreamShadingType::FreeformGouraud, Some(function))
}

/// A lattice that is waved like a flag.
fn lattice(paper: &mut Paper, columns: usize, rows: usize) -> Ref {
    let mut mesh = Mesh { columns, ..Mesh::default() };
    for row in 0..rows {
        for column in 0..columns {
            let (u, v) = (column as f32 / (columns - 1) as f32, row as f32 / (rows - 1) as f32);
            let wave = 0.05 * sin(u + 0.4 * v);
            // A large lattice is smooth: what alternates from vertex to vertex would only flicker.
            let checker = if rows < 20 && (column + row).is_multiple_of(2) { 0.25 } else { 0.0 };
            let noise = fractal(7, 5.0 * u, 5.0 * v, 3);
            let color = [0.2 + 0.75 * u, mix(0.2, 0.9, noise), 0.95 - 0.7 * v].map(|level| level - checker);
            mesh.vertex(None, (0.06 + 0.88 * u, 0.1 + 0.8 * v + wave), color.map(|it| it.clamp(0.0, 1.0)));
        }
    }
    mesh.shading(paper, StreamShadingType::LatticeGouraud, None)
}

/// Three patches in a row: each after the first takes over the right edge of the one before.
fn coons(paper: &mut Paper) -> Ref {
    let mut mesh = Mesh::default();
    let edge = |x: f32| -> [(f32, f32); 4] {
        [0.0, 1.0, 2.0, 3.0].map(|i| (x + [0.0, 0.06, -0.06, 0.0][i as usize], 0.1 + 0.8 * i / 3.0))
    };
    let color = |column: usize, is_top: bool| hue(column as f32 / 4.0 + if is_top { 0.45 } else { 0.0 });
    for column in 0..3 {
        let (left, right) = (0.08 + 0.28 * column as f32, 0.36 + 0.28 * column as f32);
        let (third, two_thirds) = (mix(left, right, 0.33), mix(left, right, 0.67));
        let top = [(third, 1.0), (two_thirds, 0.8)];
        let bottom = [(third, 0.2), (two_thirds, 0.0)];
        let [far0, far1, far2, far3] = edge(right);
        let (low, high) = (color(column + 1, false), color(column + 1, true));
        let mut points = [top[0], top[1], far3, far2, far1, far0, bottom[1], bottom[0]];
        let mut colors = [high, low];
        if column == 1 {
            // The shared edge is walked down, so the rest goes the other way about; then up again.
            points = [bottom[0], bottom[1], far0, far1, far2, far3, top[1], top[0]];
            colors = [low, high];
        }
        mesh.flag(if column == 0 { 0 } else { 2 });
        if column == 0 {
            edge(left).into_iter().for_each(|point| mesh.spread_point(point));
        }
        points.into_iter().for_each(|point| mesh.spread_point(point));
        if column == 0 {
            mesh.color(color(0, false));
            mesh.color(color(0, true));
        }
        colors.into_iter().for_each(|color| mesh.color(color));
    }
    mesh.shading(paper, StreamShadingType::CoonsPatch, None)
}

/// One patch whose inner points are pulled, so that its colours swirl.
fn tensor(paper: &mut Paper) -> Ref {
    let mut mesh = Mesh::default();
    mesh.flag(0);
    let border = [
        (0.1, 0.1),
        (0.0, 0.4),
        (0.2, 0.6),
        (0.1, 0.9),
        (0.4, 1.0),
        (0.6, 0.8),
        (0.9, 0.9),
        (1.0, 0.6),
        (0.8, 0.4),
        (0.9, 0.1),
        (0.6, 0.0),
        (0.4, 0.2),
    ];
    let inner = [(0.55, 0.3), (0.3, 0.55), (0.45, 0.7), (0.7, 0.45)];
    border.into_iter().chain(inner).for_each(|point| mesh.spread_point(point));
    for color in [[0.9, 0.2, 0.2], [0.95, 0.9, 0.3], [0.2, 0.7, 0.4], [0.15, 0.3, 0.8]] {
        mesh.color(color);
    }
    mesh.shading(paper, StreamShadingType::TensorProductPatch, None)
}

/// A coat of Coons patches over the whole unit square.
fn coat(paper: &mut Paper, columns: usize, rows: usize) -> Ref {
    let mut mesh = Mesh::default();
    // The border stays where it is; inside, what is given in thirds of a patch is shifted as in a whirl.
    let point = |i: usize, j: usize| {
        let (u, v) = (i as f32 / (3 * columns) as f32, j as f32 / (3 * rows) as f32);
        let inside = 16.0 * u * (1.0 - u) * v * (1.0 - v);
        (u + 0.035 * inside * sin(2.0 * v), v + 0.035 * inside * sin(2.0 * u + 0.3))
    };
    let color = |i: usize, j: usize| {
        let (u, v) = (i as f32 / columns as f32, j as f32 / rows as f32);
        let noise = fractal(17, 4.0 * u, 6.0 * v, 4);
        let sky = [mix(0.16, 0.97, v), mix(0.24, 0.72, v), mix(0.45, 0.42, v)];
        sky.map(|level| (level + 0.9 * (noise - 0.5)).clamp(0.0, 1.0))
    };
    for row in 0..rows {
        for column in 0..columns {
            let (i, j) = (3 * column, 3 * row);
            mesh.flag(0);
            let around = [
                [0, 0],
                [0, 1],
                [0, 2],
                [0, 3],
                [1, 3],
                [2, 3],
                [3, 3],
                [3, 2],
                [3, 1],
                [3, 0],
                [2, 0],
                [1, 0],
            ];
            around.into_iter().for_each(|[di, dj]| mesh.point(point(i + di, j + dj)));
            for [di, dj] in [[0, 0], [0, 1], [1, 1], [1, 0]] {
                mesh.color(color(column + di, row + dj));
            }
        }
    }
    mesh.shading(paper, StreamShadingType::CoonsPatch, None)
}

/// A gradient as a pattern, across a line of text.
fn text_gradient(paper: &mut Paper) -> Ref {
    let (function, id) = (rainbow(paper), paper.alloc());
    let mut pattern = paper.pdf.shading_pattern(id);
    let mut shading = pattern.function_shading();
    shading.shading_type(FunctionShadingType::Axial).coords([56.0, 0.0, 523.0, 0.0]);
    shading.extend([true, true]).function(function);
    shading.color_space().device_rgb();
    id
}

/// The data of a mesh in the making: points within −0.5 … 1.5 of 16 bits, colours of 8, flags of 8.
#[derive(Debug, Default)]
struct Mesh {
    bytes: Vec<u8>,
    /// How many vertices a row has, if it is a lattice.
    columns: usize,
}

impl Mesh {
    fn flag(&mut self, flag: u8) {
        self.bytes.push(flag);
    }

    fn point(&mut self, (x, y): (f32, f32)) {
        for at in [x, y] {
            let share = ((at + 0.5) / 2.0).clamp(0.0, 1.0);
            self.bytes.extend(((share * 65535.0).round() as u16).to_be_bytes());
        }
    }

    /// A point that is moved away from the middle, so that the mesh is larger than what is seen of it.
    ///
    /// How closely the border of a patch is followed is an engine's own business.
    fn spread_point(&mut self, (x, y): (f32, f32)) {
        self.point((0.5 + 1.5 * (x - 0.5), 0.5 + 1.5 * (y - 0.5)));
    }

    fn color<const N: usize>(&mut self, color: [f32; N]) {
        self.bytes.extend(color.map(|level| (level * 255.0).round() as u8));
    }

    fn vertex<const N: usize>(&mut self, flag: Option<u8>, point: (f32, f32), color: [f32; N]) {
        self.bytes.extend(flag);
        self.point(point);
        self.color(color);
    }

    /// Writes the mesh; with a function, a colour is one number that it takes to RGB.
    fn shading(self, paper: &mut Paper, kind: StreamShadingType, function: Option<Ref>) -> Ref {
        let data = deflate(&self.bytes);
        let id = paper.alloc();
        let mut shading = paper.pdf.stream_shading(id, &data);
        shading.filter(Filter::FlateDecode);
        shading.shading_type(kind).bits_per_coordinate(16).bits_per_component(8);
        if self.columns > 0 {
            shading.vertices_per_row(self.columns as i32);
        } else {
            shading.bits_per_flag(8);
        }
        let mut decode = vec![-0.5, 1.5, -0.5, 1.5];
        let components = if function.is_some() { 1 } else { 3 };
        (0..components).for_each(|_| decode.extend([0.0, 1.0]));
        shading.decode(decode).bbox(Rect::new(-0.5, -0.5, 1.5, 1.5));
        if let Some(function) = function {
            shading.function(function);
        }
        shading.color_space().device_rgb();
        id
    }
}

/// The point at a part of a turn about a centre.
fn around(centre: (f32, f32), radius: f32, turn: f32) -> (f32, f32) {
    (centre.0 + radius * sin(turn + 0.25), centre.1 + radius * sin(turn))
}

/// The sine of a part of a turn.
fn sin(turn: f32) -> f32 {
    libm::sin(2.0 * std::f64::consts::PI * f64::from(turn)) as f32
}

/// A bright colour at a part of the circle of hues.
fn hue(turn: f32) -> [f32; 3] {
    [0.0, 0.33, 0.67].map(|phase| 0.55 + 0.4 * sin(turn + phase))
}
