//! What more pages, workers, pixels, bytes and invocations do.

use stats::{Ratio, median};

use super::{Benchmark, Block, SERIES, Section, labels};
use crate::report::benchmark::answers::interval;
use crate::report::benchmark::compare::format_name;
use crate::report::benchmark::record::{Point, Series};
use crate::report::document::{Plot, Table};
use crate::report::svg::{Axis, Line, LinePoint, lines};
use crate::report::text;

/// How many lines one plot has at most, so that they can be told apart.
const LINES: usize = 6;

/// The number of pages that others are compared with: enough that the start does not count.
const BASE_PAGES: f64 = 20.0;

/// What an axis is of, and how it is drawn.
struct Kind {
    heading: String,
    name: &'static str,
    /// What is written into the table.
    shown: fn(f64) -> String,
    /// Whether pages for each second say more than the time of a page.
    is_rate: bool,
}

impl Kind {
    fn of(axis: &str) -> Kind {
        let plain = |value: f64| value.to_string();
        let (heading, name, shown, is_rate): (&str, _, fn(f64) -> String, _) = match axis {
            "pages" => ("More pages", "pages of the document", plain, false),
            "workers" => ("More workers", "worker processes", plain, true),
            "dpi" => ("More pixels", "pixels per inch (dpi)", plain, false),
            "bytes" => ("Longer documents", "MB of the PDF", |it| text::bytes(it as u64), false),
            "concurrency" => ("More invocations at once", "invocations at once", plain, true),
            other => (other, "", plain, false),
        };
        Kind { heading: heading.to_owned(), name, shown, is_rate }
    }
}

pub(super) fn scaling(benchmark: &Benchmark) -> Option<Section> {
    let scaling = benchmark.record.scaling.as_ref()?;
    let mut axes: Vec<&str> = Vec::new();
    for it in &scaling.series {
        if !axes.contains(&it.axis.as_str()) {
            axes.push(&it.axis);
        }
    }
    let mut blocks = Vec::new();
    for axis in axes {
        let of_axis: Vec<&Series> = scaling.series.iter().filter(|it| it.axis == axis).collect();
        let kind = Kind::of(axis);
        blocks.push(Block::Heading(kind.heading.clone()));
        let said: Vec<String> = match axis {
            "pages" => of_axis.iter().filter_map(|it| growth(it)).collect(),
            "workers" | "concurrency" => of_axis.iter().filter_map(|it| gain(it, kind.name)).collect(),
            _ => Vec::new(),
        };
        if !said.is_empty() {
            blocks.push(Block::List(said));
        }
        blocks.push(Block::Panels(panels(axis, &kind, &of_axis)));
        blocks.push(Block::folded_table("Every point", table(&kind, &of_axis)));
    }
    (!blocks.is_empty()).then(|| Section { id: "scaling", title: "How it scales".to_owned(), blocks })
}

fn name(series: &Series) -> String {
    let format = format_name(&series.format);
    let parts = [series.document.as_str(), &series.backend, &format];
    parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ")
}

fn measured(series: &Series) -> Vec<&Point> {
    let mut points: Vec<&Point> = series
        .points
        .iter()
        .filter(|it| it.failed.is_none() && !it.wall_s.is_empty() && it.pages > 0)
        .collect();
    points.sort_by(|one, other| one.value.total_cmp(&other.value));
    points
}

/// Seconds of a page, one for each run.
fn of_page(point: &Point) -> Vec<f64> {
    point.wall_s.iter().map(|it| it / f64::from(point.pages)).collect()
}

/// What the longest document takes for a page, and in memory, beside a short one.
fn growth(series: &Series) -> Option<String> {
    let points = measured(series);
    let last = *points.last()?;
    let base = points.iter().find(|it| it.value >= BASE_PAGES).filter(|it| it.value < last.value)?;
    let ratio = Ratio::of_series(&of_page(last), &of_page(base));
    let memory = last.peak_bytes.zip(base.peak_bytes).filter(|(_, base)| *base > 0).map(|(last, base)| {
        let times = last as f64 / base as f64;
        format!(
            ", and the memory is {} times as much ({} and {})",
            text::digits(times),
            text::bytes(last),
            text::bytes(base)
        )
    });
    Some(format!(
        "{}: a page of {} takes {} times as long as one of {}{}.",
        name(series),
        text::thousands(last.value as i64),
        interval(&ratio),
        text::thousands(base.value as i64),
        memory.unwrap_or_default()
    ))
}

/// How many bring as much as any number of them, and how much that is beside one.
fn gain(series: &Series, of: &str) -> Option<String> {
    let points = measured(series);
    let (first, last) = (*points.first()?, *points.last()?);
    let best =
        points.iter().min_by(|one, other| median(&of_page(one)).total_cmp(&median(&of_page(other))))?;
    let is_as_good = |it: &&&Point| Ratio::of_series(&of_page(it), &of_page(best)).low <= 1.0;
    let enough = points.iter().find(is_as_good)?;
    let ratio = Ratio::of_series(&of_page(first), &of_page(enough));
    let more = if enough.value < last.value { "; more of them bring nothing" } else { "" };
    (enough.value > first.value).then(|| {
        let (many, few) = (enough.value, first.value);
        format!(
            "{}: {many} {of} draw {} times as many pages a second as {few}{more}.",
            name(series),
            interval(&ratio)
        )
    })
}

fn panels(axis: &str, kind: &Kind, series: &[&Series]) -> Vec<Plot> {
    let mut panels = Vec::new();
    let mut backends: Vec<&str> = Vec::new();
    for it in series {
        if !backends.contains(&it.backend.as_str()) {
            backends.push(&it.backend);
        }
    }
    // Lines that cannot be told apart say nothing: those of one engine have a plot of their own.
    let groups: Vec<Vec<&Series>> = if series.len() > LINES && backends.len() > 1 {
        backends
            .iter()
            .map(|name| series.iter().copied().filter(|it| it.backend == **name).collect())
            .collect()
    } else {
        vec![series.to_vec()]
    };
    for group in groups.iter().flat_map(|it| it.chunks(SERIES.len())) {
        let of = if groups.len() > 1 { format!("{}: ", group[0].backend) } else { String::new() };
        let number = panels.len();
        let (what, unit) = if kind.is_rate { ("Pages a second", "") } else { ("Time of a page", "ms") };
        let value = |point: &Point| {
            let ratio = Ratio::of_series(&of_page(point), &[1.0]);
            let Ratio { value, low, high } = ratio;
            if kind.is_rate {
                (1.0 / high, 1.0 / value, 1.0 / low)
            } else {
                (low * 1e3, value * 1e3, high * 1e3)
            }
        };
        let y_name = if kind.is_rate { "pages a second" } else { "ms a page" };
        let title = format!("{of}{what}");
        let id = format!("scaling-{axis}-{number}");
        panels.extend(plot(&id, &title, unit, kind, group, (y_name, &|it: &Point| Some(value(it)))));
        let memory = |point: &Point| {
            let peak = point.peak_bytes.filter(|it| *it > 0)? as f64 / 1e6;
            Some((peak, peak, peak))
        };
        let title = format!("{of}Most memory");
        let id = format!("scaling-{axis}-{}", number + 1);
        panels.extend(plot(&id, &title, "MB", kind, group, ("MB", &memory)));
    }
    panels
}

/// Low end, value, high end of a point.
type Value<'a> = &'a dyn Fn(&Point) -> Option<(f64, f64, f64)>;

fn plot(
    id: &str,
    title: &str,
    unit: &str,
    kind: &Kind,
    series: &[&Series],
    (y_name, value): (&str, Value),
) -> Option<Plot> {
    let formats: Vec<String> = series.iter().map(|it| format_name(&it.format)).collect();
    let parts: Vec<Vec<&str>> = series
        .iter()
        .zip(&formats)
        .map(|(it, format)| vec![it.document.as_str(), &it.backend, format])
        .collect();
    let is_bytes = kind.name.starts_with("MB");
    let mut all = Vec::new();
    for ((series, label), class) in series.iter().zip(labels(&parts)).zip(SERIES.into_iter().cycle()) {
        let points: Vec<LinePoint> = measured(series)
            .into_iter()
            .filter_map(|point| {
                let ends = value(point)?;
                let at = (kind.shown)(point.value);
                Some(LinePoint {
                    x: if is_bytes { point.value / 1e6 } else { point.value },
                    ends,
                    name: format!("{label}, {at}: {} {unit}", text::digits(ends.1)),
                    is_marked: false,
                })
            })
            .collect();
        if !points.is_empty() {
            all.push(Line { class: class.to_owned(), name: label, points });
        }
    }
    let xs: Vec<f64> = all.iter().flat_map(|it| &it.points).map(|it| it.x).collect();
    let highest = all.iter().flat_map(|it| &it.points).map(|it| it.ends.2).fold(0.0, f64::max);
    let x = if is_bytes { Axis::log(xs.into_iter(), "") } else { Axis::at_values(xs.into_iter(), true, "") };
    let y = Axis::from_zero(highest, "");
    let description = format!("Lines from left to right by {}, from bottom to top by {y_name}.", kind.name);
    let title_of_all = format!("{}: {title}", kind.heading);
    let svg = lines(id, &title_of_all, &description, &all, (&x, kind.name), (&y, y_name));
    let legend = all.iter().map(|it| (format!("line-of {}", it.class), it.name.clone())).collect();
    (!all.is_empty()).then(|| Plot { title: title.to_owned(), svg, legend })
}

fn table(kind: &Kind, series: &[&Series]) -> Table {
    let name =
        if kind.name.is_empty() { kind.heading.as_str() } else { kind.name.trim_start_matches("MB of ") };
    let mut table = Table::new(&["document", "engine", "format"]);
    table.header.push(format!(">{name}"));
    table.header.extend(
        [">pages", ">runs", ">ms a page", ">pages a second", ">CPU ms a page", ">most memory", "failed"]
            .map(str::to_owned),
    );
    for it in series {
        for point in &it.points {
            let pages = f64::from(point.pages.max(1));
            let wall = median(&point.wall_s) / pages;
            table.row(vec![
                it.document.clone(),
                it.backend.clone(),
                format_name(&it.format),
                (kind.shown)(point.value),
                text::thousands(point.pages.into()),
                point.wall_s.len().to_string(),
                text::ms(wall),
                text::digits(1.0 / wall),
                text::ms(median(&point.cpu_s) / pages),
                point.peak_bytes.filter(|it| *it > 0).map_or_else(|| "–".to_owned(), text::bytes),
                point.failed.clone().unwrap_or_default(),
            ]);
        }
    }
    table.without_empty_columns()
}
