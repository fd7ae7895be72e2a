//! What the figures mean.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::compare::{Comparison, Figures};

/// The largest share of differing pixels in a cell for pictures that are the same.
pub const SAME_WORST_CELL: f64 = 0.04;

/// The largest share of differing pixels on a page for pictures that are the same.
pub const SAME_DIFFERING: f64 = 0.000_5;

/// The largest share of differing pixels in a cell for pictures that are near.
pub const NEAR_WORST_CELL: f64 = 0.08;

/// The largest share of differing pixels on a page for pictures that are near.
pub const NEAR_DIFFERING: f64 = 0.005;

/// The least score for pictures that are near.
pub const NEAR_SCORE: f64 = 0.0;

/// How alike two pictures of a page are, the most alike first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They show the same; edges may be softer in one.
    Same,
    /// They show the same, and a person who flips between them sees it move or change its weight.
    Near,
    /// One shows something that the other does not.
    Different,
    /// They have different sizes.
    OtherSize,
}

impl Verdict {
    /// Every verdict, the most alike first.
    pub const ALL: [Verdict; 4] = [Verdict::Same, Verdict::Near, Verdict::Different, Verdict::OtherSize];

    /// The verdict on two pictures.
    pub fn on(comparison: &Comparison) -> Verdict {
        let Comparison::Figures(Figures { score, shift, differing, worst_cell, .. }) = *comparison else {
            return Verdict::OtherSize;
        };
        let scored = score.is_none_or(|score| score >= NEAR_SCORE);
        let within = |cell, page| worst_cell <= cell && differing <= page;
        if within(SAME_WORST_CELL, SAME_DIFFERING) && shift == Default::default() && scored {
            Verdict::Same
        } else if within(NEAR_WORST_CELL, NEAR_DIFFERING) && scored {
            Verdict::Near
        } else {
            Verdict::Different
        }
    }

    /// Whether two engines with this verdict on their pictures agree.
    pub fn agrees(self) -> bool {
        self <= Verdict::Near
    }

    /// The name, as in files and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Near => "near",
            Verdict::Different => "different",
            Verdict::OtherSize => "other-size",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == s).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_found_by_its_name() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.to_string().parse(), Ok(verdict));
        }
        assert_eq!("alike".parse::<Verdict>(), Err(()));
    }

    #[test]
    fn sizes_that_differ_are_a_verdict_of_their_own_and_no_agreement() {
        let verdict = Verdict::on(&Comparison::Sizes([(10, 10), (10, 11)]));
        assert_eq!(verdict, Verdict::OtherSize);
        assert!(!verdict.agrees());
    }
}
