//! Shadings of all seven types, with colours at named points.

use render_api::Renderer;

use crate::pdf::Pdf;
use crate::probe::{BLUE, GREEN, Point, RED, WHITE, YELLOW, assert_points};

crate::check_list! {
    "Shadings by function, axial, radial" => [
        a_function_shading_has_the_colours_of_its_function,
        an_axial_shading_runs_along_its_axis,
        an_axial_shading_extends_only_where_it_is_told_to,
        an_axial_shading_stitches_functions_together,
        a_radial_shading_runs_from_circle_to_circle,
        a_radial_shading_between_two_centres_is_a_cone,
        a_shading_has_a_background_and_a_box_as_a_pattern,
        a_shading_in_gray_and_in_indexed_samples_keeps_its_levels,
    ],
    "Shadings by mesh" => [
        free_form_triangles_blend_their_corners,
        lattice_triangles_blend_their_corners,
        a_coons_patch_blends_its_corners,
        a_tensor_patch_blends_its_corners,
        a_mesh_takes_its_colours_from_a_function,
    ],
}

/// Engines sample functions, and cut patches into triangles, each in its own way.
const TOLERANCE: u8 = 8;

/// Red to blue.
const RED_TO_BLUE: &str = "<< /FunctionType 2 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] /N 1 >>";

/// Paints a shading, object 5, over the page by `sh`.
fn painted(shading: &str) -> Pdf {
    Pdf::square("/Shading << /S 5 0 R >>", "/S sh").object(&format!("<< /ColorSpace /DeviceRGB {shading} >>"))
}

fn assert_shading(renderer: &dyn Renderer, shading: &str, points: &[Point]) {
    assert_points(renderer, &painted(shading), TOLERANCE, shading, points);
}

fn a_function_shading_has_the_colours_of_its_function(renderer: &dyn Renderer) {
    // Red grows to the right, green upwards.
    let function = "/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]";
    let shading = "/ShadingType 1 /Matrix [80 0 0 80 10 10] /Function 6 0 R";
    let pdf = painted(shading).stream(function, "{ 0 }");
    let points = [
        (50, 50, [128, 128, 0]),
        (18, 18, [27, 27, 0]),
        (82, 18, [231, 27, 0]),
        (18, 82, [27, 231, 0]),
        (5, 50, WHITE),
        (50, 95, WHITE),
    ];
    assert_points(renderer, &pdf, TOLERANCE, "a function of two variables", &points);
}

fn an_axial_shading_runs_along_its_axis(renderer: &dyn Renderer) {
    let level = |t: f64| [((1.0 - t) * 255.0) as u8, 0, (t * 255.0) as u8];
    assert_shading(
        renderer,
        &format!("/ShadingType 2 /Coords [0 0 100 0] /Function {RED_TO_BLUE}"),
        &[(10, 50, level(0.105)), (50, 10, level(0.505)), (50, 90, level(0.505)), (90, 50, level(0.905))],
    );
    // Across the diagonal it is as far along at both other corners.
    assert_shading(
        renderer,
        &format!("/ShadingType 2 /Coords [0 0 100 100] /Function {RED_TO_BLUE}"),
        &[(2, 97, level(0.5)), (97, 2, level(0.5)), (25, 25, level(0.255)), (75, 75, level(0.755))],
    );
    // With a domain that is not the unit interval.
    let function = "<< /FunctionType 2 /Domain [2 4] /C0 [1 0 0] /C1 [1 0 0] /N 1 >>";
    assert_shading(
        renderer,
        &format!("/ShadingType 2 /Coords [0 0 100 0] /Domain [2 4] /Function {function}"),
        &[(10, 50, RED), (90, 50, RED)],
    );
}

fn an_axial_shading_extends_only_where_it_is_told_to(renderer: &dyn Renderer) {
    for (extend, left, right) in [
        ("", WHITE, WHITE),
        ("/Extend [true false]", RED, WHITE),
        ("/Extend [false true]", WHITE, BLUE),
        ("/Extend [true true]", RED, BLUE),
    ] {
        assert_shading(
            renderer,
            &format!("/ShadingType 2 /Coords [30 0 70 0] {extend} /Function {RED_TO_BLUE}"),
            &[(15, 50, left), (50, 50, [126, 0, 129]), (85, 50, right)],
        );
    }
}

fn an_axial_shading_stitches_functions_together(renderer: &dyn Renderer) {
    let green = "<< /FunctionType 2 /Domain [0 1] /C0 [0 1 0] /C1 [0 1 0] /N 1 >>";
    let function = format!(
        "<< /FunctionType 3 /Domain [0 1] /Functions [{green} {RED_TO_BLUE}] /Bounds [0.5] \
         /Encode [0 1 1 0] >>"
    );
    assert_shading(
        renderer,
        &format!("/ShadingType 2 /Coords [0 0 100 0] /Function {function}"),
        &[(5, 50, GREEN), (44, 50, GREEN), (53, 50, [16, 0, 239]), (97, 50, [242, 0, 13])],
    );
}

fn a_radial_shading_runs_from_circle_to_circle(renderer: &dyn Renderer) {
    assert_shading(
        renderer,
        &format!("/ShadingType 3 /Coords [50 50 0 50 50 40] /Function {RED_TO_BLUE}"),
        &[(50, 50, [252, 0, 3]), (70, 50, [124, 0, 131]), (50, 29, [124, 0, 131]), (97, 97, WHITE)],
    );
    assert_shading(
        renderer,
        &format!("/ShadingType 3 /Coords [50 50 20 50 50 40] /Extend [true true] /Function {RED_TO_BLUE}"),
        &[(50, 50, RED), (80, 50, [121, 0, 134]), (97, 97, BLUE)],
    );
    assert_shading(
        renderer,
        &format!("/ShadingType 3 /Coords [50 50 20 50 50 40] /Function {RED_TO_BLUE}"),
        &[(50, 50, WHITE), (80, 50, [121, 0, 134]), (97, 97, WHITE)],
    );
}

fn a_radial_shading_between_two_centres_is_a_cone(renderer: &dyn Renderer) {
    // Two circles of the same size: a bar from the first to the second, and on where it is extended.
    let circles = "/ShadingType 3 /Coords [30 50 20 70 50 20]";
    assert_shading(
        renderer,
        &format!("{circles} /Extend [false false] /Function {RED_TO_BLUE}"),
        &[
            (13, 80, WHITE),
            (50, 80, WHITE),
            (87, 50, [19, 0, 236]),
            (40, 50, [61, 0, 194]),
            (60, 50, [188, 0, 67]),
        ],
    );
    assert_shading(
        renderer,
        &format!("{circles} /Extend [true true] /Function {RED_TO_BLUE}"),
        &[(50, 80, WHITE), (4, 50, RED), (97, 50, BLUE), (50, 10, WHITE)],
    );
}

fn a_shading_has_a_background_and_a_box_as_a_pattern(renderer: &dyn Renderer) {
    let pdf = Pdf::square("/Pattern << /P 5 0 R >>", "/Pattern cs /P scn 10 10 80 80 re f")
        .object("<< /Type /Pattern /PatternType 2 /Shading 6 0 R /Matrix [1 0 0 1 20 0] >>")
        .object(&format!(
            "<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [20 0 40 0] /Background [0 1 0] \
             /Function {RED_TO_BLUE} >>"
        ));
    let points = [(25, 50, GREEN), (50, 50, [121, 0, 134]), (75, 50, GREEN), (5, 50, WHITE)];
    assert_points(renderer, &pdf, TOLERANCE, "background", &points);
    assert_shading(
        renderer,
        &format!(
            "/ShadingType 2 /Coords [0 0 100 0] /BBox [20 20 80 80] /Extend [true true] \
             /Function {RED_TO_BLUE}"
        ),
        &[(50, 50, [126, 0, 129]), (10, 50, WHITE), (50, 90, WHITE)],
    );
}

fn a_shading_in_gray_and_in_indexed_samples_keeps_its_levels(renderer: &dyn Renderer) {
    let gray = "<< /FunctionType 2 /Domain [0 1] /C0 [0] /C1 [1] /N 1 >>";
    let pdf = Pdf::square("/Shading << /S 5 0 R >>", "/S sh").object(&format!(
        "<< /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 100 0] /Function {gray} >>"
    ));
    assert_points(renderer, &pdf, TOLERANCE, "gray", &[(20, 50, [52; 3]), (80, 50, [205; 3])]);
    // Three samples: red, green, blue.
    let pdf = painted("/ShadingType 2 /Coords [0 0 100 0] /Function 6 0 R").stream(
        "/FunctionType 0 /Domain [0 1] /Range [0 1 0 1 0 1] /Size [3] /BitsPerSample 8 \
         /Filter /ASCIIHexDecode",
        "FF000000FF000000FF>",
    );
    let points =
        [(1, 50, [248, 8, 0]), (50, 50, [0, 252, 2]), (25, 50, [126, 129, 0]), (98, 50, [0, 8, 247])];
    assert_points(renderer, &pdf, TOLERANCE, "samples", &points);
}

/// The entries of a mesh whose coordinates are bytes in 1 pt and whose colours are bytes.
const BYTES: &str = "/BitsPerCoordinate 8 /BitsPerComponent 8 /Decode [0 255 0 255 0 1 0 1 0 1]";

fn mesh(entries: &str, data: &[u8]) -> Pdf {
    Pdf::square("/Shading << /S 5 0 R >>", "/S sh")
        .binary(&format!("/ColorSpace /DeviceRGB {BYTES} {entries}"), data)
}

/// A flag, if there is one, a place and a colour.
fn vertex(flag: Option<u8>, (x, y): (u8, u8), colour: [u8; 3]) -> Vec<u8> {
    flag.into_iter().chain([x, y]).chain(colour).collect()
}

fn free_form_triangles_blend_their_corners(renderer: &dyn Renderer) {
    let data = [
        vertex(Some(0), (10, 10), RED),
        vertex(Some(0), (90, 10), GREEN),
        vertex(Some(0), (10, 90), BLUE),
        // Shares the last two corners.
        vertex(Some(1), (90, 90), YELLOW),
    ]
    .concat();
    let points = [
        (25, 25, at_corners([(RED, 0.625), (GREEN, 0.1875), (BLUE, 0.1875)])),
        (60, 20, at_corners([(RED, 0.25), (GREEN, 0.625), (BLUE, 0.125)])),
        (75, 75, at_corners([(YELLOW, 0.625), (GREEN, 0.1875), (BLUE, 0.1875)])),
        (5, 50, WHITE),
        (50, 95, WHITE),
    ];
    assert_points(renderer, &mesh("/ShadingType 4 /BitsPerFlag 8", &data), TOLERANCE, "free-form", &points);
}

/// A weighted sum of colours.
fn at_corners<const N: usize>(corners: [(Rgb, f64); N]) -> Rgb {
    [0, 1, 2].map(|i| corners.iter().map(|(colour, weight)| f64::from(colour[i]) * weight).sum::<f64>() as u8)
}

type Rgb = [u8; 3];

fn lattice_triangles_blend_their_corners(renderer: &dyn Renderer) {
    // Two columns and three rows; the same colours in each row.
    let data: Vec<u8> = [10, 50, 90]
        .into_iter()
        .flat_map(|y| [vertex(None, (10, y), RED), vertex(None, (90, y), GREEN)].concat())
        .collect();
    let points = [
        (30, 30, at_corners([(RED, 0.744), (GREEN, 0.256)])),
        (30, 70, at_corners([(RED, 0.744), (GREEN, 0.256)])),
        (70, 60, at_corners([(RED, 0.244), (GREEN, 0.756)])),
        (5, 50, WHITE),
        (50, 95, WHITE),
    ];
    assert_points(renderer, &mesh("/ShadingType 5 /VerticesPerRow 2", &data), TOLERANCE, "lattice", &points);
}

/// The twelve points round a square patch, from the lower left corner upwards, in a straight line.
const BORDER: [(u8, u8); 12] = [
    (10, 10),
    (10, 37),
    (10, 63),
    (10, 90),
    (37, 90),
    (63, 90),
    (90, 90),
    (90, 63),
    (90, 37),
    (90, 10),
    (63, 10),
    (37, 10),
];

const INNER: [(u8, u8); 4] = [(37, 37), (37, 63), (63, 63), (63, 37)];

/// A patch of straight lines, whose colours are those of a bilinear blend.
fn patch(points: &[(u8, u8)]) -> Vec<u8> {
    let places = points.iter().flat_map(|&(x, y)| [x, y]);
    // Lower left, upper left, upper right, lower right.
    let colours = [RED, BLUE, YELLOW, GREEN].into_iter().flatten();
    std::iter::once(0).chain(places).chain(colours).collect()
}

fn assert_patch(renderer: &dyn Renderer, shading_type: u8, data: &[u8]) {
    let bilinear = |u: f64, v: f64| {
        at_corners([
            (RED, (1.0 - u) * (1.0 - v)),
            (BLUE, (1.0 - u) * v),
            (YELLOW, u * v),
            (GREEN, u * (1.0 - v)),
        ])
    };
    let points = [
        (30, 30, bilinear(0.256, 0.256)),
        (70, 30, bilinear(0.756, 0.256)),
        (30, 70, bilinear(0.256, 0.756)),
        (70, 60, bilinear(0.756, 0.631)),
        (5, 50, WHITE),
        (50, 95, WHITE),
    ];
    let pdf = mesh(&format!("/ShadingType {shading_type} /BitsPerFlag 8"), data);
    // Coarse triangles have a fold along one diagonal.
    assert_points(renderer, &pdf, 14, "patch", &points);
}

fn a_coons_patch_blends_its_corners(renderer: &dyn Renderer) {
    assert_patch(renderer, 6, &patch(&BORDER));
}

fn a_tensor_patch_blends_its_corners(renderer: &dyn Renderer) {
    assert_patch(renderer, 7, &patch(&[&BORDER[..], &INNER[..]].concat()));
}

fn a_mesh_takes_its_colours_from_a_function(renderer: &dyn Renderer) {
    // One value for each corner: it grows to the right.
    let data: Vec<u8> = [[0, 10, 10, 0], [0, 90, 10, 255], [0, 10, 90, 0], [1, 90, 90, 255]].concat();
    let pdf = Pdf::square("/Shading << /S 5 0 R >>", "/S sh").binary(
        &format!(
            "/ShadingType 4 /ColorSpace /DeviceRGB /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 \
             /Decode [0 255 0 255 0 1] /Function {RED_TO_BLUE}"
        ),
        &data,
    );
    let points = [(30, 30, [190, 0, 65]), (70, 60, [62, 0, 193]), (5, 50, WHITE)];
    assert_points(renderer, &pdf, TOLERANCE, "a mesh with a function", &points);
}
