//! Of several engines that drew a page: which agree, and which is the odd one out.

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// Which of several pictures of a page agree, by their places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Agreement {
    /// Every picture is in one group, all of a group agree with each other. The largest group comes
    /// first, and of two as large the one with the earlier picture.
    pub groups: Vec<Vec<usize>>,
}

impl Agreement {
    /// Groups `count` pictures by the verdicts on their pairs.
    ///
    /// That the first is near to the second and the second to the third does not make the first
    /// near to the third. So two groups are joined only if everybody in one agrees with everybody
    /// in the other, the most alike first.
    pub fn among(count: usize, verdict: impl Fn(usize, usize) -> Verdict) -> Agreement {
        let mut groups: Vec<Vec<usize>> = (0..count).map(|picture| vec![picture]).collect();
        loop {
            let mut best: Option<(Verdict, usize, usize)> = None;
            for j in 1..groups.len() {
                for i in 0..j {
                    let pairs = groups[i].iter().flat_map(|&a| groups[j].iter().map(move |&b| (a, b)));
                    let worst = pairs.map(|(a, b)| verdict(a.min(b), a.max(b))).max();
                    if let Some(worst) = worst.filter(|worst| worst.agrees())
                        && best.is_none_or(|best| (worst, i, j) < best)
                    {
                        best = Some((worst, i, j));
                    }
                }
            }
            let Some((_, i, j)) = best else { break };
            let joined = groups.remove(j);
            groups[i].extend(joined);
            groups[i].sort_unstable();
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
        Agreement { groups }
    }

    /// Whether all agree, as one or none always does.
    pub fn is_unanimous(&self) -> bool {
        self.groups.len() <= 1
    }

    /// The one that stands alone while all others, two at least, agree.
    pub fn odd_one_out(&self) -> Option<usize> {
        match self.groups.as_slice() {
            [others, one] if others.len() >= 2 && one.len() == 1 => Some(one[0]),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Agreement among pictures of which the listed pairs agree.
    fn among(count: usize, pairs: &[(usize, usize, Verdict)]) -> Agreement {
        Agreement::among(count, |a, b| {
            pairs.iter().find(|pair| (pair.0, pair.1) == (a, b)).map_or(Verdict::Different, |pair| pair.2)
        })
    }

    #[test]
    fn who_stands_alone_against_all_others_is_the_odd_one_out() {
        let agreement = among(3, &[(0, 2, Verdict::Same)]);
        assert_eq!(agreement.groups, [vec![0, 2], vec![1]]);
        assert_eq!(agreement.odd_one_out(), Some(1));
        assert!(!agreement.is_unanimous());
    }

    #[test]
    fn of_two_that_differ_neither_is_odd() {
        let agreement = among(2, &[]);
        assert_eq!((agreement.groups.len(), agreement.odd_one_out()), (2, None));
    }

    #[test]
    fn where_nobody_agrees_or_everybody_does_nobody_is_odd() {
        assert_eq!(among(3, &[]).odd_one_out(), None);
        let all = among(3, &[(0, 1, Verdict::Near), (0, 2, Verdict::Same), (1, 2, Verdict::Near)]);
        assert!(all.is_unanimous() && all.odd_one_out().is_none());
        assert_eq!(all.groups, [vec![0, 1, 2]]);
        assert!(among(1, &[]).is_unanimous() && among(0, &[]).is_unanimous());
    }

    #[test]
    fn being_near_is_not_passed_on() {
        let chain = among(3, &[(0, 1, Verdict::Near), (1, 2, Verdict::Same)]);
        assert_eq!(chain.groups, [vec![1, 2], vec![0]]);
        assert_eq!(chain.odd_one_out(), Some(0));
    }

    #[test]
    fn two_against_two_have_no_odd_one() {
        let halves = among(4, &[(0, 3, Verdict::Same), (1, 2, Verdict::Near)]);
        assert_eq!(halves.groups, [vec![0, 3], vec![1, 2]]);
        assert_eq!(halves.odd_one_out(), None);
    }
}
