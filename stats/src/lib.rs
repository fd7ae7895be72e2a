//! What a few noisy timings say: median, percentile, and the ratio of two medians with an interval.

use oorandom::Rand64;
use serde::{Deserialize, Serialize};

/// How often a [`Ratio`] is computed from resampled pairs.
const RESAMPLES: usize = 4_000;

/// The same seed each time, so that the same timings give the same interval.
const SEED: u128 = 0x7064_6632_696d_6721;

/// The middle value, or the mean of the two in the middle; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The smallest value that at least `share` (0 to 1) of the values do not exceed; NaN of nothing.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let sorted = sorted(values);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Runs two sides in turn, in the order ABBA: what drifts meets both alike.
///
/// # Errors
///
/// The first error of either side.
pub fn in_turn<T, E>(
    pairs: usize,
    mut first: impl FnMut() -> Result<T, E>,
    mut second: impl FnMut() -> Result<T, E>,
) -> Result<Vec<(T, T)>, E> {
    (0..pairs)
        .map(|pair| {
            if pair % 2 == 0 {
                let a = first()?;
                Ok((a, second()?))
            } else {
                let b = second()?;
                Ok((first()?, b))
            }
        })
        .collect()
}

/// The order of many sides that run in turn: there and back again, as [`in_turn`] does it with two.
pub fn turns(sides: usize, rounds: usize) -> impl Iterator<Item = usize> {
    (0..rounds).flat_map(move |round| {
        (0..sides).map(move |side| if round % 2 == 0 { side } else { sides - 1 - side })
    })
}

/// How many times one side is the other, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The ratio of the two medians.
    pub value: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end of the 95 % interval.
    pub high: f64,
}

impl Ratio {
    /// The median of the first of each pair over the median of the second.
    ///
    /// The interval is the percentile bootstrap over *pairs*: what slows a machine down for a while
    /// slows both halves of a pair, and stays together when pairs are drawn.
    pub fn of_pairs(pairs: &[(f64, f64)]) -> Ratio {
        let mut random = Rand64::new(SEED);
        Ratio::resampled(ratio_of_medians(pairs), || ratio_of_medians(&draw(&mut random, pairs)))
    }

    /// The median of one series over the median of another that was not measured in turn with it.
    ///
    /// The interval is the percentile bootstrap that draws from each series by itself. What slowed the machine
    /// down during one of them only is not in it, so the series should not be far apart in time. All three values
    /// are NaN if a series is empty.
    pub fn of_series(first: &[f64], second: &[f64]) -> Ratio {
        Ratio::of_many_series(&[(first, second)])
    }

    /// The geometric mean of the ratios of many pairs of series, such as one for each document.
    ///
    /// Each series is drawn from by itself, as for [`Ratio::of_series`].
    pub fn of_many_series(series: &[(&[f64], &[f64])]) -> Ratio {
        let mean = |ratios: &mut dyn Iterator<Item = f64>| {
            (ratios.map(f64::ln).sum::<f64>() / series.len() as f64).exp()
        };
        let value = mean(&mut series.iter().map(|(first, second)| median(first) / median(second)));
        let mut random = Rand64::new(SEED);
        Ratio::resampled(value, || {
            mean(&mut series.iter().map(|(first, second)| {
                let first = draw(&mut random, first);
                median(&first) / median(&draw(&mut random, second))
            }))
        })
    }

    /// The geometric mean of the ratios of many series of pairs, such as one for each document.
    ///
    /// Pairs are drawn within each, as for [`Ratio::of_pairs`].
    pub fn of_many_pairs(series: &[Vec<(f64, f64)>]) -> Ratio {
        let mean = |ratios: &mut dyn Iterator<Item = f64>| {
            (ratios.map(f64::ln).sum::<f64>() / series.len() as f64).exp()
        };
        let mut random = Rand64::new(SEED);
        Ratio::resampled(mean(&mut series.iter().map(|it| ratio_of_medians(it))), || {
            mean(&mut series.iter().map(|it| ratio_of_medians(&draw(&mut random, it))))
        })
    }

    fn resampled(value: f64, mut again: impl FnMut() -> f64) -> Ratio {
        let resampled: Vec<f64> = (0..RESAMPLES).map(|_| again()).collect();
        Ratio { value, low: percentile(&resampled, 0.025), high: percentile(&resampled, 0.975) }
    }

    /// Whether the interval does not hold 1.
    pub fn is_not_one(&self) -> bool {
        self.low > 1.0 || self.high < 1.0
    }

    /// Whether the interval lies outside of what a thing compared with itself gives.
    pub fn is_a_difference(&self, noise: &Ratio) -> bool {
        // Which of two equal things came first means nothing, so the noise reaches as far down as up.
        let floor = [noise.high, 1.0 / noise.low, 1.0].into_iter().fold(1.0, f64::max);
        self.low > floor || self.high < 1.0 / floor
    }

    /// The interval as text.
    pub fn interval(&self) -> String {
        format!("{:.2} to {:.2}", self.low, self.high)
    }
}

/// As many values as there are, each drawn from all of them.
fn draw<T: Copy>(random: &mut Rand64, values: &[T]) -> Vec<T> {
    values.iter().map(|_| values[random.rand_range(0..values.len() as u64) as usize]).collect()
}

fn ratio_of_medians(pairs: &[(f64, f64)]) -> f64 {
    let (first, second): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    median(&first) / median(&second)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&[9.0, 1.0, 5.0, 7.0]), 6.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=40).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.95), 38.0);
        assert_eq!(percentile(&values, 1.0), 40.0);
        assert_eq!(percentile(&values, 0.0), 1.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn two_sides_run_in_the_order_abba() {
        let order = std::cell::RefCell::new(String::new());
        let side = |name: char| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                Ok::<_, ()>(name)
            }
        };
        assert_eq!(in_turn(3, side('A'), side('B')), Ok(vec![('A', 'B'); 3]));
        assert_eq!(*order.borrow(), "ABBAAB");
    }

    #[test]
    fn many_sides_run_there_and_back_again() {
        assert_eq!(turns(3, 3).collect::<Vec<_>>(), [0, 1, 2, 2, 1, 0, 0, 1, 2]);
        assert_eq!(turns(0, 3).count(), 0);
    }

    #[test]
    fn a_constant_ratio_has_an_interval_of_no_width() {
        assert_eq!(Ratio::of_pairs(&[(6.0, 2.0); 7]), Ratio { value: 3.0, low: 3.0, high: 3.0 });
    }

    #[test]
    fn a_slow_phase_that_hits_both_halves_of_a_pair_does_not_widen_the_interval() {
        let pairs: Vec<_> = (1..=9).map(f64::from).map(|slow| (3.0 * slow, slow)).collect();
        let ratio = Ratio::of_pairs(&pairs);
        assert!((ratio.high - ratio.low).abs() < 1e-9, "{ratio:?}");
    }

    #[test]
    fn the_interval_holds_the_truth_about_as_often_as_it_says() {
        let mut random = Rand64::new(7);
        let mut noisy = |truth: f64| truth * (0.9 + 0.2 * random.rand_float());
        let held = (0..100)
            .filter(|_| {
                let pairs: Vec<_> = (0..25).map(|_| (noisy(2.0), noisy(1.0))).collect();
                let ratio = Ratio::of_pairs(&pairs);
                ratio.low <= 2.0 && 2.0 <= ratio.high
            })
            .count();
        assert!((88..=100).contains(&held), "{held} of 100");
    }

    #[test]
    fn the_interval_of_two_series_holds_the_truth_about_as_often_as_it_says() {
        let mut random = Rand64::new(11);
        let mut noisy =
            |truth: f64| (0..25).map(|_| truth * (0.9 + 0.2 * random.rand_float())).collect::<Vec<_>>();
        let held = (0..100)
            .filter(|_| {
                let ratio = Ratio::of_series(&noisy(2.0), &noisy(1.0));
                ratio.low <= 2.0 && 2.0 <= ratio.high
            })
            .count();
        assert!((88..=100).contains(&held), "{held} of 100");
    }

    #[test]
    fn the_ratio_over_many_series_is_the_geometric_mean_of_theirs() {
        let (one, two, eight) = ([1.0; 5], [2.0; 5], [8.0; 5]);
        let ratio = Ratio::of_many_series(&[(&two, &one), (&eight, &one)]);
        assert!([ratio.value, ratio.low, ratio.high].iter().all(|it| (it - 4.0).abs() < 1e-9), "{ratio:?}");
        assert!(Ratio::of_many_series(&[]).value.is_nan());
        let pairs = [vec![(2.0, 1.0); 5], vec![(8.0, 1.0); 5]];
        assert!((Ratio::of_many_pairs(&pairs).value - 4.0).abs() < 1e-9);
        assert_eq!(Ratio::of_many_pairs(&pairs[..1]), Ratio::of_pairs(&pairs[0]));
    }

    #[test]
    fn a_series_of_nothing_gives_no_ratio_and_no_difference() {
        let ratio = Ratio::of_series(&[], &[1.0]);
        assert!(ratio.value.is_nan() && ratio.low.is_nan() && ratio.high.is_nan());
        assert!(!ratio.is_not_one());
    }

    #[test]
    fn the_same_timings_give_the_same_interval() {
        let pairs = [(3.1, 1.0), (2.9, 1.2), (3.3, 0.9), (3.0, 1.1)];
        assert_eq!(Ratio::of_pairs(&pairs), Ratio::of_pairs(&pairs));
    }

    #[test]
    fn a_difference_is_an_interval_beyond_the_noise_in_either_direction() {
        let ratio = |low, high| Ratio { value: f64::midpoint(low, high), low, high };
        let noise = ratio(0.8, 1.1);
        assert!(ratio(1.3, 1.4).is_a_difference(&noise));
        assert!(!ratio(1.2, 1.4).is_a_difference(&noise));
        assert!(ratio(0.6, 0.7).is_a_difference(&noise));
        assert!(!ratio(0.7, 0.85).is_a_difference(&noise));
        assert!(!ratio(0.9, 1.1).is_a_difference(&ratio(1.0, 1.0)));
    }

    #[test]
    fn one_and_the_same_thing_is_no_difference() {
        let pairs = [(1.0, 1.1), (1.1, 1.0), (0.9, 1.0), (1.0, 0.9), (1.05, 1.0)];
        assert!(!Ratio::of_pairs(&pairs).is_a_difference(&Ratio { value: 1.0, low: 1.0, high: 1.0 }));
    }
}
