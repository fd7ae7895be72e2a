//! Plots of rows in SVG: a name and a figure above each bar, strip or interval.
//!
//! Of our own because what chart crates write (`plotters`, `charming`) has its colours and widths in it, or needs
//! scripts: here colours are CSS variables, so that dark mode and print are style sheets, and horizontal positions
//! are per cent of whatever width there is, so that letters keep their size on a phone.

mod axis;
mod lines;

use std::fmt::Write;

pub use self::axis::Axis;
pub use self::lines::{Line, LinePoint, lines};
use super::html::escape;

/// A row: what stands above it, and what is drawn.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name, to the left.
    pub label: String,
    /// Its figure, to the right.
    pub figure: String,
    /// What follows the figure where there is room.
    pub detail: String,
    /// What is drawn.
    pub mark: Mark,
}

/// What is drawn in a row.
#[derive(Debug, Clone)]
pub enum Mark {
    /// Parts of a bar, and a thin bar below it.
    Bar {
        /// Class of colour, value, name.
        parts: Vec<(String, f64, String)>,
        /// The value of the thin one.
        below: Option<f64>,
    },
    /// Each value as a dot, a line at the median and a tick at the 95th percentile.
    Strip {
        /// The class of colour.
        class: String,
        /// The values.
        values: Vec<f64>,
        /// Their median and 95th percentile.
        median_p95: (f64, f64),
    },
    /// A value between two ends.
    Interval {
        /// The class of colour.
        class: String,
        /// Low end, value, high end.
        ends: (f64, f64, f64),
    },
    /// Several of those one below the other.
    Intervals(Vec<NamedInterval>),
    /// A bar from zero to a value that lies between two ends.
    Estimate {
        /// The class of colour.
        class: String,
        /// Low end, value, high end.
        ends: (f64, f64, f64),
    },
}

/// A value between two ends, with what it is.
#[derive(Debug, Clone)]
pub struct NamedInterval {
    /// The class of colour.
    pub class: String,
    /// What it is, for who points at it.
    pub name: String,
    /// Low end, value, high end.
    pub ends: (f64, f64, f64),
}

impl Mark {
    /// How much of the height a row with it takes, in pixels.
    fn row_height(&self) -> f64 {
        match self {
            Mark::Bar { below: Some(_), .. } => 54.0,
            Mark::Intervals(all) => 28.0 + INTERVAL_STEP * all.len() as f64,
            _ => 46.0,
        }
    }
}

/// From one of several intervals to the next, in pixels.
const INTERVAL_STEP: f64 = 12.0;

/// Draws rows one below the other, with an axis at the foot.
///
/// The title is what a screen reader says first, the description what the picture shows.
pub fn rows(id: &str, title: &str, description: &str, rows: &[Row], axis: &Axis) -> String {
    // Rows of one plot are equally high if one of them needs it, but for those of several intervals.
    let least = rows.iter().map(|it| &it.mark).filter(|it| !matches!(it, Mark::Intervals(_)));
    let least = least.map(Mark::row_height).fold(0.0, f64::max);
    let foot = 26.0;
    let mut body = String::new();
    let mut top = 0.0;
    for row in rows {
        if matches!(row.mark, Mark::Intervals(_)) && top > 0.0 {
            let _ = write!(body, "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{top}\" y2=\"{top}\"/>");
        }
        text(&mut body, "0", top + 15.0, "start", "name", &row.label);
        let (figure, detail) = (escape(&row.figure), escape(&row.detail));
        let _ = write!(
            body,
            "<text class=\"figure\" x=\"100%\" y=\"{}\" text-anchor=\"end\">{figure}<tspan class=\"detail\">{detail}</tspan></text>",
            top + 15.0
        );
        mark(&mut body, &row.mark, axis, top + 22.0);
        top += row.mark.row_height().max(least);
    }
    let mut behind = String::new();
    grid(&mut behind, axis, top);
    picture(id, title, description, top + foot, &(behind + &body))
}

/// A picture with its name and its meaning for who cannot see it.
fn picture(id: &str, title: &str, description: &str, height: f64, body: &str) -> String {
    format!(
        "<svg class=\"plot\" width=\"100%\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>{body}</svg>",
        escape(title),
        escape(description)
    )
}

fn grid(body: &mut String, axis: &Axis, to: f64) {
    for (number, &tick) in axis.ticks().iter().enumerate() {
        let x = axis.at(tick);
        let class = if axis.is_ratio() && tick == 1.0 { "one" } else { "grid" };
        let _ = write!(body, "<line class=\"{class}\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"18\" y2=\"{to}\"/>");
        // The first and the last would else be cut by the edge.
        let (anchor, x) = match x {
            it if it < 4.0 => ("start", it),
            it if it > 94.0 => ("end", it),
            it => ("middle", it),
        };
        text(body, &format!("{x:.2}%"), to + 17.0, anchor, "tick", &axis.label(number));
    }
}

fn text(body: &mut String, x: &str, y: f64, anchor: &str, class: &str, content: &str) {
    let content = escape(content);
    let _ =
        write!(body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{content}</text>");
}

fn mark(body: &mut String, mark: &Mark, axis: &Axis, top: f64) {
    let _ = match mark {
        Mark::Bar { parts, below } => bar(body, parts, *below, axis, top),
        Mark::Strip { class, values, median_p95 } => strip(body, class, values, *median_p95, axis, top),
        Mark::Interval { class, ends } => interval(body, class, *ends, axis, top + 9.0, 5.0, ""),
        Mark::Intervals(all) => all.iter().zip(0..).try_for_each(|(it, number)| {
            let y = top + 7.0 + INTERVAL_STEP * f64::from(number);
            interval(body, &it.class, it.ends, axis, y, 4.0, &it.name)
        }),
        Mark::Estimate { class, ends } => estimate(body, class, *ends, axis, top),
    };
}

fn interval(
    body: &mut String,
    class: &str,
    (low, value, high): (f64, f64, f64),
    axis: &Axis,
    y: f64,
    radius: f64,
    name: &str,
) -> std::fmt::Result {
    let (left, right, at) = (axis.at(low), axis.at(high), axis.at(value));
    let name = if name.is_empty() { String::new() } else { format!("<title>{}</title>", escape(name)) };
    write!(
        body,
        "<g>{name}<line class=\"range {class}\" x1=\"{left:.2}%\" x2=\"{right:.2}%\" y1=\"{y}\" y2=\"{y}\"/>\
         <circle class=\"value {class}\" cx=\"{at:.2}%\" cy=\"{y}\" r=\"{radius}\"/></g>"
    )
}

fn estimate(
    body: &mut String,
    class: &str,
    (low, value, high): (f64, f64, f64),
    axis: &Axis,
    top: f64,
) -> std::fmt::Result {
    let (left, right, at, y) = (axis.at(low), axis.at(high), axis.at(value), top + 8.5);
    write!(
        body,
        "<rect class=\"part {class}\" x=\"0%\" width=\"{at:.2}%\" y=\"{top}\" height=\"17\"/>\
         <line class=\"whisker\" x1=\"{left:.2}%\" x2=\"{right:.2}%\" y1=\"{y}\" y2=\"{y}\"/>"
    )?;
    for end in [left, right] {
        let (from, to) = (y - 4.0, y + 4.0);
        write!(
            body,
            "<line class=\"whisker\" x1=\"{end:.2}%\" x2=\"{end:.2}%\" y1=\"{from}\" y2=\"{to}\"/>"
        )?;
    }
    Ok(())
}

fn bar(
    body: &mut String,
    parts: &[(String, f64, String)],
    below: Option<f64>,
    axis: &Axis,
    top: f64,
) -> std::fmt::Result {
    let mut from = 0.0;
    for (class, value, name) in parts {
        let (left, right) = (axis.at(from), axis.at(from + value));
        from += value;
        write!(
            body,
            "<rect class=\"part {class}\" x=\"{left:.2}%\" width=\"{:.2}%\" y=\"{top}\" height=\"17\"><title>{}</title></rect>",
            right - left,
            escape(name)
        )?;
    }
    if let Some(value) = below {
        let (left, right) = (axis.at(0.0), axis.at(value));
        let y = top + 19.0;
        write!(
            body,
            "<rect class=\"thin\" x=\"{left:.2}%\" width=\"{:.2}%\" y=\"{y}\" height=\"5\"/>",
            right - left
        )?;
    }
    Ok(())
}

fn strip(
    body: &mut String,
    class: &str,
    values: &[f64],
    (median, p95): (f64, f64),
    axis: &Axis,
    top: f64,
) -> std::fmt::Result {
    for (number, value) in values.iter().enumerate() {
        // Dots of like values lie beside each other, each time in the same way.
        let y = top + 9.0 + [0.0, -4.5, 4.5, -2.2, 2.2][number % 5];
        let beyond = if *value > axis.high() { " beyond" } else { "" };
        write!(
            body,
            "<circle class=\"dot {class}{beyond}\" cx=\"{:.2}%\" cy=\"{y}\" r=\"2.6\"/>",
            axis.at(*value)
        )?;
    }
    let (middle, upper) = (axis.at(median), axis.at(p95));
    write!(
        body,
        "<line class=\"median\" x1=\"{middle:.2}%\" x2=\"{middle:.2}%\" y1=\"{}\" y2=\"{}\"/>\
         <line class=\"p95\" x1=\"{upper:.2}%\" x2=\"{upper:.2}%\" y1=\"{}\" y2=\"{}\"/>",
        top - 1.0,
        top + 19.0,
        top + 3.0,
        top + 15.0
    )
}
