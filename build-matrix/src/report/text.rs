//! Figures as people read them.

use stats::Ratio;

/// Bytes in megabytes of 1,000,000 bytes, or kilobytes if there are few.
pub fn bytes(bytes: u64) -> String {
    if bytes < 100_000 {
        format!("{:.1} kB", bytes as f64 / 1e3)
    } else {
        format!("{:.2} MB", bytes as f64 / 1e6)
    }
}

/// A difference of bytes, with its sign.
pub fn byte_difference(of: u64, to: u64) -> String {
    let sign = if of < to { "−" } else { "+" };
    format!("{sign}{}", bytes(of.abs_diff(to)))
}

/// Seconds in milliseconds with three digits.
pub fn ms(seconds: f64) -> String {
    digits(seconds * 1e3)
}

/// A time with its unit: seconds from one second on, else milliseconds.
pub fn time(seconds: f64) -> String {
    if seconds >= 1.0 { format!("{} s", digits(seconds)) } else { format!("{} ms", ms(seconds)) }
}

/// US dollars with as many places as small sums need.
pub fn usd(usd: f64) -> String {
    format!("{usd:.5}")
}

/// A number with three digits that count, and commas between thousands.
pub fn digits(value: f64) -> String {
    match value.abs() {
        it if !it.is_finite() => "–".to_owned(),
        it if it >= 99.95 => thousands(value.round() as i64),
        it if it >= 9.995 => format!("{value:.1}"),
        it if it >= 0.1 => format!("{value:.2}"),
        it if it >= 0.01 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// A whole number with commas between thousands.
pub fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0 { format!("−{grouped}") } else { grouped }
}

/// A ratio with its interval, for a table.
pub fn ratio(ratio: &Ratio) -> String {
    if !ratio.value.is_finite() {
        return "–".to_owned();
    }
    let interval = interval(ratio, "–");
    if ratio.is_not_one() { interval } else { format!("{interval} =") }
}

/// A ratio and the ends of its interval, with a third place if two would not tell them apart.
pub fn interval(Ratio { value, low, high }: &Ratio, to: &str) -> String {
    let to = if to == "–" { to.to_owned() } else { format!(" {to} ") };
    let places = if high - low < 0.02 { 3 } else { 2 };
    format!("{value:.places$} ({low:.places$}{to}{high:.places$})")
}

/// What a ratio of times says, as a sentence's predicate: "takes 1.12 (1.08 to 1.16) times as long".
pub fn takes(ratio: &Ratio) -> String {
    let interval = interval(ratio, "to");
    if ratio.is_not_one() {
        format!("takes {interval} times as long")
    } else {
        format!("shows no difference, {interval}")
    }
}

/// What a ratio of bytes says: "8.3 % smaller".
pub fn smaller(of: u64, to: u64) -> String {
    let percent = (of as f64 / to as f64 - 1.0) * 100.0;
    match percent {
        it if it.abs() < 0.05 => "of the same size".to_owned(),
        it if it < 0.0 => format!("{:.1} % smaller", -it),
        it => format!("{it:.1} % larger"),
    }
}

/// A count with its noun.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Names joined as in a sentence.
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        assert_eq!(
            [0.004_56, 0.123, 1.234, 12.34, 99.96, 123.4, 12_345.0].map(digits).join(" "),
            "0.0046 0.12 1.23 12.3 100 123 12,345"
        );
        assert_eq!(thousands(-1_234_567), "−1,234,567");
        assert_eq!(time(0.002_31), "2.31 ms");
        assert_eq!(time(2.5), "2.50 s");
        assert_eq!(byte_difference(9_000_000, 10_500_000), "−1.50 MB");
    }

    #[test]
    fn a_ratio_whose_interval_holds_one_is_no_difference() {
        let same = Ratio { value: 1.01, low: 0.97, high: 1.05 };
        assert_eq!(takes(&same), "shows no difference, 1.01 (0.97 to 1.05)");
        assert_eq!(ratio(&same), "1.01 (0.97–1.05) =");
        let slower = Ratio { value: 1.12, low: 1.08, high: 1.16 };
        assert_eq!(takes(&slower), "takes 1.12 (1.08 to 1.16) times as long");
        assert_eq!(ratio(&Ratio { value: 0.998, low: 0.996, high: 1.001 }), "0.998 (0.996–1.001) =");
        assert_eq!(smaller(95, 100), "5.0 % smaller");
        assert_eq!(smaller(100, 100), "of the same size");
    }
}
