//! Plots of rows in SVG: a name and a figure above each bar, strip or interval.
//!
//! Of our own because what chart crates write (`plotters`, `charming`) has its colours and widths in it, or needs
//! scripts: here colours are CSS variables, so that dark mode and print are style sheets, and horizontal positions
//! are per cent of whatever width there is, so that letters keep their size on a phone.

use std::fmt::Write;

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
}

/// What values are drawn where.
#[derive(Debug, Clone)]
pub struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<f64>,
    unit: &'static str,
}

impl Axis {
    /// From zero to at least a value, in a unit.
    pub fn from_zero(to: f64, unit: &'static str) -> Axis {
        let to = if to.is_finite() && to > 0.0 { to } else { 1.0 };
        let magnitude = 10_f64.powf((to / 4.0).log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|it| it * magnitude).into_iter().find(|it| it * 4.5 >= to);
        let step = step.unwrap_or(to / 4.0);
        let count = (to / step).ceil() as usize;
        let ticks = (0..=count).map(|it| it as f64 * step).collect();
        Axis { low: 0.0, high: count as f64 * step, is_log: false, ticks, unit }
    }

    /// From below a value to above another one: from zero, unless that would press what is between them together.
    pub fn between(from: f64, to: f64, unit: &'static str) -> Axis {
        let whole = Axis::from_zero(to, unit);
        if from < 0.5 * to {
            return whole;
        }
        let step = Axis::from_zero((to - from).max(to * 0.02), unit).ticks.get(1).copied().unwrap_or(to);
        let (first, last) = ((from / step).floor() as usize, (to / step).ceil() as usize);
        let ticks = (first..=last).map(|it| it as f64 * step).collect();
        Axis { low: first as f64 * step, high: last as f64 * step, ticks, ..whole }
    }

    /// Ratios around 1: twice as much is as far from it as half as much.
    pub fn ratios(values: impl Iterator<Item = f64>) -> Axis {
        let reach =
            values.filter(|it| it.is_finite() && *it > 0.0).map(|it| it.ln().abs()).fold(0.06, f64::max);
        let reach = (reach * 1.08).min(4.0);
        let candidates: &[f64] = match reach {
            it if it < 0.13 => &[0.9, 0.95, 1.0, 1.05, 1.1],
            it if it < 0.35 => &[0.75, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4],
            it if it < 0.8 => &[0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0],
            _ => &[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0],
        };
        let ticks = candidates.iter().copied().filter(|it| it.ln().abs() <= reach).collect();
        Axis { low: (-reach).exp(), high: reach.exp(), is_log: true, ticks, unit: "×" }
    }

    /// Where a value is, in per cent of the width; what lies beyond an end is at the end.
    fn at(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        100.0 * share.clamp(0.0, 1.0)
    }
}

/// Draws rows one below the other, with an axis at the foot.
///
/// The title is what a screen reader says first, the description what the picture shows.
pub fn rows(id: &str, title: &str, description: &str, rows: &[Row], axis: &Axis) -> String {
    let has_thin = rows.iter().any(|it| matches!(it.mark, Mark::Bar { below: Some(_), .. }));
    let step = if has_thin { 54.0 } else { 46.0 };
    let foot = 26.0;
    let height = rows.len() as f64 * step + foot;
    let mut body = String::new();
    grid(&mut body, axis, height - foot);
    for (row, number) in rows.iter().zip(0..) {
        let top = f64::from(number) * step;
        text(&mut body, "0", top + 15.0, "start", "name", &row.label);
        let (figure, detail) = (escape(&row.figure), escape(&row.detail));
        let _ = write!(
            body,
            "<text class=\"figure\" x=\"100%\" y=\"{}\" text-anchor=\"end\">{figure}<tspan class=\"detail\">{detail}</tspan></text>",
            top + 15.0
        );
        mark(&mut body, &row.mark, axis, top + 22.0);
    }
    format!(
        "<svg class=\"plot\" width=\"100%\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>{body}</svg>",
        escape(title),
        escape(description)
    )
}

fn grid(body: &mut String, axis: &Axis, to: f64) {
    for (number, &tick) in axis.ticks.iter().enumerate() {
        let x = axis.at(tick);
        let class = if axis.is_log && tick == 1.0 { "one" } else { "grid" };
        let _ = write!(body, "<line class=\"{class}\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"18\" y2=\"{to}\"/>");
        // The first and the last would else be cut by the edge.
        let (anchor, x) = match x {
            it if it < 4.0 => ("start", it),
            it if it > 94.0 => ("end", it),
            it => ("middle", it),
        };
        // The first has most room beside it.
        let unit = if number == 0 || axis.is_log { format!(" {}", axis.unit) } else { String::new() };
        let label = trimmed(tick) + if axis.is_log { axis.unit } else { &unit };
        text(body, &format!("{x:.2}%"), to + 17.0, anchor, "tick", &label);
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if value >= 1_000.0 { super::text::thousands(value as i64) } else { text.to_owned() }
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
        Mark::Interval { class, ends: (low, value, high) } => {
            let (left, right, at, y) = (axis.at(*low), axis.at(*high), axis.at(*value), top + 9.0);
            write!(
                body,
                "<line class=\"range {class}\" x1=\"{left:.2}%\" x2=\"{right:.2}%\" y1=\"{y}\" y2=\"{y}\"/>\
                 <circle class=\"value {class}\" cx=\"{at:.2}%\" cy=\"{y}\" r=\"5\"/>"
            )
        }
    };
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
        let beyond = if *value > axis.high { " beyond" } else { "" };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_reaches_its_value_in_a_few_round_steps() {
        for to in [0.003, 0.9, 1.0, 7.3, 8.01, 99.0, 12_345.0] {
            let axis = Axis::from_zero(to, "ms");
            assert!(axis.high >= to && axis.high <= to * 1.7, "{to}: {axis:?}");
            assert!((2..=7).contains(&axis.ticks.len()), "{to}: {axis:?}");
        }
    }

    #[test]
    fn values_that_are_close_together_fill_the_axis() {
        let axis = Axis::between(21.3, 23.9, "ms");
        assert_eq!((axis.low, axis.high), (21.0, 24.0), "{axis:?}");
        assert_eq!(Axis::between(5.0, 23.9, "ms").low, 0.0);
        assert!(Axis::between(7.0, 7.0, "ms").high > 7.0 - 1e-9);
    }

    #[test]
    fn half_and_twice_are_equally_far_from_one() {
        let axis = Axis::ratios([0.5, 1.3].into_iter());
        assert!((axis.at(1.0) - 50.0).abs() < 1e-9);
        assert!((axis.at(0.5) + axis.at(2.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_beyond_the_axis_stays_in_the_picture() {
        let axis = Axis::from_zero(10.0, "ms");
        assert_eq!(axis.at(1_000.0), 100.0);
        assert_eq!(axis.at(-3.0), 0.0);
    }
}
