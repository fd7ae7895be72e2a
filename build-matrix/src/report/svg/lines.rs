//! Lines from point to point.

use std::fmt::Write;

use super::{Axis, escape, picture, text};

/// Points that belong together, from left to right.
#[derive(Debug, Clone)]
pub struct Line {
    /// The class of colour and dash.
    pub class: String,
    /// What they are of.
    pub name: String,
    /// The points.
    pub points: Vec<LinePoint>,
}

/// A point of a line.
#[derive(Debug, Clone)]
pub struct LinePoint {
    /// Where from left to right.
    pub x: f64,
    /// Low end, value, high end: where from bottom to top.
    pub ends: (f64, f64, f64),
    /// What it is, for who points at it.
    pub name: String,
    /// Whether it stands out.
    pub is_marked: bool,
}

/// From top to bottom of the grid, in pixels.
const HEIGHT: f64 = 190.0;
/// What is above it, for the name of the upright axis.
const HEAD: f64 = 24.0;
/// What is below it, for the labels and the name of the other one.
const FOOT: f64 = 42.0;
/// The per cent of the width to the left of the grid, for labels, and to the right of it.
const MARGINS: (f64, f64) = (13.0, 3.0);

/// Draws lines in a grid, with the names of both axes.
///
/// The title is what a screen reader says first, the description what the picture shows.
pub fn lines(
    id: &str,
    title: &str,
    description: &str,
    lines: &[Line],
    (x, x_name): (&Axis, &str),
    (y, y_name): (&Axis, &str),
) -> String {
    let across = |value: f64| MARGINS.0 + x.at(value) * (100.0 - MARGINS.0 - MARGINS.1) / 100.0;
    let up = |value: f64| HEAD + HEIGHT * (1.0 - y.at(value) / 100.0);
    let (left, right, bottom) = (MARGINS.0, 100.0 - MARGINS.1, HEAD + HEIGHT);
    let mut body = String::new();
    text(&mut body, "0", 12.0, "start", "tick", y_name);
    for (number, &tick) in y.ticks().iter().enumerate() {
        let at = up(tick);
        let _ = write!(
            body,
            "<line class=\"grid\" x1=\"{left}%\" x2=\"{right}%\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
        );
        text(&mut body, &format!("{:.1}%", left - 1.5), at + 4.0, "end", "tick", &y.label(number));
    }
    for (number, &tick) in x.ticks().iter().enumerate() {
        let at = across(tick);
        let _ = write!(
            body,
            "<line class=\"grid\" x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"{HEAD}\" y2=\"{}\"/>",
            bottom + 4.0
        );
        text(&mut body, &format!("{at:.2}%"), bottom + 18.0, "middle", "tick", &x.label(number));
    }
    text(&mut body, &format!("{right}%"), bottom + 36.0, "end", "tick", x_name);
    for Line { class, name, points } in lines {
        let _ = write!(body, "<g class=\"line {class}\"><title>{}</title>", escape(name));
        for pair in points.windows(2) {
            let [from, to] = pair else { continue };
            let _ = write!(
                body,
                "<line class=\"path\" x1=\"{:.2}%\" x2=\"{:.2}%\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                across(from.x),
                across(to.x),
                up(from.ends.1),
                up(to.ends.1)
            );
        }
        for LinePoint { x, ends: (low, value, high), name, is_marked } in points {
            let (at, radius) = (across(*x), if *is_marked { 6.0 } else { 3.5 });
            let class = if *is_marked { "point marked" } else { "point" };
            let _ = write!(
                body,
                "<line class=\"whisker\" x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
                 <circle class=\"{class}\" cx=\"{at:.2}%\" cy=\"{:.1}\" r=\"{radius}\"><title>{}</title></circle>",
                up(*low),
                up(*high),
                up(*value),
                escape(name)
            );
        }
        body += "</g>";
    }
    picture(id, title, description, HEAD + HEIGHT + FOOT, &body)
}
