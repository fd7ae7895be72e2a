//! Where values are drawn, and what stands beside them.

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
            it if it < 0.08 => &[0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06],
            it if it < 0.13 => &[0.9, 0.95, 1.0, 1.05, 1.1],
            it if it < 0.35 => &[0.75, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4],
            it if it < 0.8 => &[0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0],
            _ => &[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0],
        };
        let ticks = candidates.iter().copied().filter(|it| it.ln().abs() <= reach).collect();
        Axis { low: (-reach).exp(), high: reach.exp(), is_log: true, ticks, unit: "×" }
    }

    /// From a value to another one, each power of ten as far from the next.
    pub fn log(values: impl Iterator<Item = f64>, unit: &'static str) -> Axis {
        let (low, high) = reach(values);
        let candidates: Vec<f64> =
            (-9..=15).flat_map(|power| [1.0, 2.0, 5.0].map(|it| it * 10_f64.powi(power))).collect();
        let within = |it: &f64| *it >= low * 0.999 && *it <= high * 1.001;
        let all: Vec<f64> = candidates.iter().copied().filter(within).collect();
        let powers = || all.iter().copied().filter(|it| (it.log10() - it.log10().round()).abs() < 1e-9);
        let ticks = if all.len() > 7 && powers().count() > 1 { powers().collect() } else { all };
        Axis { low, high, is_log: true, ticks, unit }
    }

    /// How many times as much, also if that is many times: from below 1 to above all values.
    pub fn times(values: impl Iterator<Item = f64>) -> Axis {
        Axis::log(values.chain([0.8, 1.25]), "×")
    }

    /// With ticks at the values themselves, as far as there is room for their labels.
    pub fn at_values(values: impl Iterator<Item = f64>, is_log: bool, unit: &'static str) -> Axis {
        let mut values: Vec<f64> = values.filter(|it| it.is_finite() && (*it > 0.0 || !is_log)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let (low, high) = match values.as_slice() {
            [] => (1.0, 2.0),
            [one] => (one * 0.5, one * 2.0),
            [first, .., last] => (*first, *last),
        };
        let mut axis = Axis { low, high, is_log, ticks: Vec::new(), unit };
        // The ends first, then what keeps its distance from them and from each other.
        for value in values.first().into_iter().chain(values.last()).chain(&values) {
            let at = axis.at(*value);
            if axis.ticks.iter().all(|it| (axis.at(*it) - at).abs() >= 11.0) {
                axis.ticks.push(*value);
            }
        }
        axis.ticks.sort_by(f64::total_cmp);
        axis
    }

    /// Where there are lines with labels.
    pub(super) fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// Its upper end.
    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// Whether it is of ratios, of which 1 means that two things are equal.
    pub(super) fn is_ratio(&self) -> bool {
        self.is_log && self.unit == "×"
    }

    /// The label of a tick: with the unit if it is of a ratio, or the first, which has most room beside it.
    pub(super) fn label(&self, number: usize) -> String {
        let value = self.ticks.get(number).copied().map(trimmed).unwrap_or_default();
        match number {
            _ if self.is_ratio() => value + self.unit,
            0 if !self.unit.is_empty() => format!("{value} {}", self.unit),
            _ => value,
        }
    }

    /// Where a value is, in per cent of the width; what lies beyond an end is at the end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        100.0 * share.clamp(0.0, 1.0)
    }
}

/// The least and the largest of the values that a logarithm has.
fn reach(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|it| it.is_finite() && *it > 0.0)
        .fold((f64::INFINITY, 0.0_f64), |(low, high), it| (low.min(it), high.max(it)));
    if low < high { (low / 1.05, high * 1.05) } else { (0.5, 2.0) }
}

fn trimmed(value: f64) -> String {
    let places = if value < 0.001 { 6 } else { 4 };
    let text = format!("{value:.places$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if value >= 1_000.0 { crate::report::text::thousands(value as i64) } else { text.to_owned() }
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

    #[test]
    fn a_power_of_ten_is_always_as_far() {
        let axis = Axis::log([1.0, 40.0, 1_000.0].into_iter(), "pages");
        let step = axis.at(10.0) - axis.at(1.0);
        assert!((axis.at(1_000.0) - axis.at(100.0) - step).abs() < 1e-9);
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1_000.0]);
        assert_eq!(axis.label(0), "1 pages");
        assert_eq!(axis.label(3), "1,000");
        assert_eq!(Axis::log([3.0, 14.0].into_iter(), "").ticks(), [5.0, 10.0]);
        assert!(Axis::times([12.0].into_iter()).ticks().contains(&1.0));
        assert!(!Axis::log(std::iter::empty(), "").ticks().is_empty());
    }

    #[test]
    fn labels_of_values_do_not_lie_on_one_another() {
        let axis = Axis::at_values([1.0, 2.0, 3.0, 100.0, 1.0].into_iter(), false, "CPUs");
        assert_eq!(axis.ticks(), [1.0, 100.0]);
        assert_eq!(axis.at(1.0), 0.0);
        let one = Axis::at_values([4.0].into_iter(), true, "");
        assert!((one.at(4.0) - 50.0).abs() < 1e-9);
    }
}
