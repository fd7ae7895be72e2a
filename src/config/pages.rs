//! Which pages are rendered: `1-3,7,-1`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use render_api::PageIndex;

/// Which pages are rendered.
///
/// Written as `all`, or as a list of pages and ranges: `7`, `1-3`, `5-` (to the end), `-1` (the
/// last page), `-3--1` (the last three). The order of the list does not matter: pages come out in
/// ascending order, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageSelection {
    /// None stand for all pages.
    ranges: Vec<PageRange>,
}

/// The ranges of one selection, enough for any list that a person writes.
const MAX_RANGES: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageRange {
    first: PageNumber,
    /// The same as `first` for a single page; `None` is the end of the document.
    last: Option<PageNumber>,
}

/// A page counted from 1 at the start, or from -1 at the end; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageNumber(i64);

/// A selection, applied to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPages {
    /// The pages that exist.
    pub pages: PageSet,
    /// The pages that were asked for by number and do not exist, as they were written.
    ///
    /// Of a range that begins beyond the end, its first page stands for all. A range that ends
    /// beyond the end asks for no more than there is, and has nothing here.
    pub out_of_range: Vec<i64>,
}

/// Pages in ascending order, each once.
///
/// It keeps ranges and not pages: a document of 1 KB may claim 10⁸ pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageSet {
    /// Ascending, with gaps between them, none empty.
    ranges: Vec<Range<u32>>,
}

impl PageSelection {
    /// All pages; the default.
    pub fn all() -> PageSelection {
        PageSelection::default()
    }

    /// Picks the pages from a document that has `page_count`.
    pub fn resolve(&self, page_count: u32) -> ResolvedPages {
        if self.ranges.is_empty() {
            return ResolvedPages { pages: PageSet::first(page_count), out_of_range: vec![] };
        }
        let count = i64::from(page_count);
        let (mut picked, mut out_of_range) = (Vec::new(), Vec::new());
        for range in &self.ranges {
            let is_single = range.last == Some(range.first);
            let first = range.first.counted_from_start(count);
            let last = range.last.map_or(count, |last| last.counted_from_start(count));
            if first > count || (is_single && first < 1) {
                out_of_range.push(range.first.0);
                continue;
            }
            // Both are within 1 ..= count now, and so fit `u32`.
            let (first, last) = (first.max(1), last.min(count));
            if first <= last {
                picked.push(first as u32 - 1..last as u32);
            }
        }
        out_of_range.sort_unstable();
        out_of_range.dedup();
        ResolvedPages { pages: PageSet::union(picked), out_of_range }
    }
}

impl PageNumber {
    fn counted_from_start(self, page_count: i64) -> i64 {
        if self.0 < 0 { page_count + 1 + self.0 } else { self.0 }
    }
}

impl PageSet {
    fn first(page_count: u32) -> PageSet {
        PageSet { ranges: Some(0..page_count).into_iter().filter(|range| !range.is_empty()).collect() }
    }

    fn union(mut ranges: Vec<Range<u32>>) -> PageSet {
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<u32>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        PageSet { ranges: merged }
    }

    /// How many pages there are.
    pub fn len(&self) -> u32 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }

    /// Whether there is no page.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a page is one of them.
    pub fn contains(&self, page: PageIndex) -> bool {
        self.ranges.iter().any(|range| range.contains(&page.0))
    }

    /// The pages, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = PageIndex> + '_ {
        self.ranges.iter().cloned().flatten().map(PageIndex)
    }
}

impl FromStr for PageSelection {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.trim() == "all" {
            return Ok(PageSelection::all());
        }
        let ranges =
            text.split(',').map(|item| parse_range(item.trim())).collect::<Option<Vec<_>>>().ok_or(())?;
        if ranges.len() > MAX_RANGES { Err(()) } else { Ok(PageSelection { ranges }) }
    }
}

fn parse_range(item: &str) -> Option<PageRange> {
    let (first, rest) = parse_number(item)?;
    let Some(rest) = rest.strip_prefix('-') else {
        return rest.is_empty().then_some(PageRange { first, last: Some(first) });
    };
    if rest.is_empty() {
        return Some(PageRange { first, last: None });
    }
    let (last, rest) = parse_number(rest)?;
    let backwards = (first.0 < 0) == (last.0 < 0) && first.0 > last.0;
    (rest.is_empty() && !backwards).then_some(PageRange { first, last: Some(last) })
}

/// Reads a number off the start; returns what follows it.
fn parse_number(text: &str) -> Option<(PageNumber, &str)> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    let number = digits.parse::<u32>().ok().filter(|&n| n > 0)?;
    Some((PageNumber(sign * i64::from(number)), rest))
}

impl fmt::Display for PageSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ranges.is_empty() {
            return f.write_str("all");
        }
        for (i, range) in self.ranges.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match range.last {
                None => write!(f, "{comma}{}-", range.first.0)?,
                Some(last) if last == range.first => write!(f, "{comma}{}", last.0)?,
                Some(last) => write!(f, "{comma}{}-{}", range.first.0, last.0)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, page_count: u32) -> (Vec<u32>, Vec<i64>) {
        let selection: PageSelection = text.parse().unwrap();
        assert_eq!(selection.to_string().parse(), Ok(selection.clone()), "{text} is read back");
        let resolved = selection.resolve(page_count);
        let numbers: Vec<u32> = resolved.pages.iter().map(PageIndex::number).collect();
        assert_eq!(numbers.len(), resolved.pages.len() as usize);
        (numbers, resolved.out_of_range)
    }

    #[test]
    fn pages_come_in_order_and_once() {
        assert_eq!(resolved("all", 3), (vec![1, 2, 3], vec![]));
        assert_eq!(resolved("7,1-3,2-4,-1", 9), (vec![1, 2, 3, 4, 7, 9], vec![]));
        assert_eq!(resolved(" 2 , 1 ", 2), (vec![1, 2], vec![]));
    }

    #[test]
    fn ranges_may_be_open_and_count_from_the_end() {
        assert_eq!(resolved("5-", 7), (vec![5, 6, 7], vec![]));
        assert_eq!(resolved("-3--2", 7), (vec![5, 6], vec![]));
        assert_eq!(resolved("-2-", 7), (vec![6, 7], vec![]));
        assert_eq!(resolved("2--2", 5), (vec![2, 3, 4], vec![]));
        assert_eq!(resolved("-10-", 3), (vec![1, 2, 3], vec![]));
        assert_eq!(resolved("4--4", 5), (vec![], vec![]));
    }

    #[test]
    fn pages_that_do_not_exist_are_named() {
        assert_eq!(resolved("1,9,9,-8", 7), (vec![1], vec![-8, 9]));
        assert_eq!(resolved("8-12", 7), (vec![], vec![8]));
        assert_eq!(resolved("6-4000000000", 7), (vec![6, 7], vec![]));
        assert_eq!(resolved("1-2", 0), (vec![], vec![1]));
    }

    #[test]
    fn a_hundred_million_pages_take_no_memory() {
        let resolved = PageSelection::all().resolve(100_000_000);
        assert_eq!(resolved.pages.len(), 100_000_000);
        assert_eq!(resolved.pages.ranges.len(), 1);
        assert!(resolved.pages.contains(PageIndex(99_999_999)));
        assert!(!resolved.pages.contains(PageIndex(100_000_000)));
    }

    #[test]
    fn nonsense_is_refused() {
        let too_many = vec!["1"; MAX_RANGES + 1].join(",");
        for text in
            ["", ",", "0", "-0", "3-1", "-1--3", "a", "1-b", "1..3", "--1", "1-2-3", "5000000000", &too_many]
        {
            assert_eq!(text.parse::<PageSelection>(), Err(()), "{text}");
        }
    }
}
