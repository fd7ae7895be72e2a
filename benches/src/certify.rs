//! Whether programs have done the same work: as many pictures, as large, and showing the same.
//!
//! Every page is counted and its size is compared. Of a long document, the pictures of some pages
//! are compared by `fidelity`, which forgives what two rasterizers and two JPEG encoders may do
//! differently. Who is right is put to the vote, and an engine has one vote, however many programs
//! are built on it: a program is refused if more than half of the other engines show something else.

mod pictures;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;
use fidelity::{Comparison, Picture, Verdict, compare};
use serde::Serialize;

pub use self::pictures::picture_bytes;

/// Of how many pages of a document the pictures are compared, at most.
pub const MOST_COMPARED_PAGES: u32 = 5;

/// By how many pixels two programs may round the same length differently.
pub const ROUNDING_PX: usize = 1;

/// What a program has written.
#[derive(Debug, Clone)]
pub struct Output {
    /// The name of the program.
    pub program: String,
    /// The engine inside.
    pub engine: String,
    /// Where the pictures are.
    pub directory: PathBuf,
}

/// What came of comparing the outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// The number of pages; 0 if no program has written any.
    pub pages: u32,
    /// For each output, why its time is not to count; `None` if it may.
    pub refused: Vec<Option<String>>,
    /// For each output, width and height of its first page in pixels, if it has one.
    pub first_page_px: Vec<Option<(usize, usize)>>,
    /// Each pair of outputs that could be compared.
    pub alike: Vec<Alike>,
}

/// How alike the outputs of two programs are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alike {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// How many of the compared pages show the same.
    pub same: u32,
    /// How many are near to that.
    pub near: u32,
    /// How many show something else.
    pub different: u32,
    /// How many pages of the whole document have another size, beyond rounding.
    pub other_size: u32,
    /// The lowest score of structural similarity; 100 is identical.
    pub lowest_score: Option<f64>,
}

/// Compares what programs have written for the same document at the same resolution.
///
/// `pages` is the number of pages where it is known; otherwise what most programs have written.
pub fn certify(outputs: &[Output], pages: Option<u32>, dpi: u32) -> Certificate {
    let mut listed = Vec::new();
    let mut refused = Vec::new();
    for output in outputs {
        match pictures::list(&output.directory) {
            Ok(files) => {
                listed.push(files);
                refused.push(None);
            }
            Err(why) => {
                listed.push(BTreeMap::new());
                refused.push(Some(format!("{why:#}")));
            }
        }
    }
    let pages = pages.unwrap_or_else(|| most_common(listed.iter().map(|files| files.len() as u32)));
    for (files, refused) in listed.iter().zip(&mut refused) {
        if refused.is_none() && (pages == 0 || !files.keys().copied().eq(1..=pages)) {
            *refused = Some(format!("it has written {} pictures of the pages 1 to {pages}", files.len()));
        }
    }
    let mut jury = Jury { outputs, listed, refused, sizes: BTreeMap::new(), alike: BTreeMap::new() };
    jury.compare_sizes(pages);
    for page in compared_pages(pages) {
        jury.compare_pictures(page, dpi);
    }
    let Jury { refused, sizes, alike, .. } = jury;
    let first = |output| sizes.get(&output).and_then(|of_pages: &Vec<_>| of_pages.first().copied());
    let first_page_px = (0..outputs.len()).map(first).collect();
    Certificate { pages, refused, first_page_px, alike: alike.into_values().collect() }
}

/// The pages whose pictures are compared: the first, the last, and others spread evenly between.
pub fn compared_pages(pages: u32) -> BTreeSet<u32> {
    let count = pages.min(MOST_COMPARED_PAGES);
    (0..count).map(|i| 1 + i * (pages - 1) / (count - 1).max(1)).collect()
}

/// The most common of some counts; of two as common, the larger. Counts of 0 are not counted.
fn most_common(counts: impl Iterator<Item = u32>) -> u32 {
    let mut votes: BTreeMap<u32, u32> = BTreeMap::new();
    for count in counts.filter(|&count| count > 0) {
        *votes.entry(count).or_default() += 1;
    }
    votes.into_iter().max_by_key(|&(count, votes)| (votes, count)).map_or(0, |(count, _)| count)
}

/// What is known of the outputs while they are compared.
struct Jury<'a> {
    outputs: &'a [Output],
    listed: Vec<BTreeMap<u32, PathBuf>>,
    refused: Vec<Option<String>>,
    /// Width and height of every page in pixels, of those that have them all.
    sizes: BTreeMap<usize, Vec<(usize, usize)>>,
    alike: BTreeMap<(usize, usize), Alike>,
}

impl Jury<'_> {
    /// The outputs that are not refused yet; one that is left alone is.
    fn standing(&mut self) -> Vec<usize> {
        let standing: Vec<usize> =
            (0..self.outputs.len()).filter(|&output| self.refused[output].is_none()).collect();
        if let [alone] = standing[..] {
            self.refuse(alone, "no other program has drawn it, so that nothing vouches for it".to_owned());
            return Vec::new();
        }
        standing
    }

    fn compare_sizes(&mut self, pages: u32) {
        for output in self.standing() {
            match self.listed[output].values().map(|path| pictures::size_px(path)).collect::<Result<Vec<_>>>()
            {
                Ok(of_pages) => drop(self.sizes.insert(output, of_pages)),
                Err(why) => self.refuse(output, format!("{why:#}")),
            }
        }
        let standing = self.standing();
        for &(first, second) in &pairs(&standing) {
            let other = (1..=pages).filter(|&page| !self.same_size(page, first, second)).count();
            self.alike_mut(first, second).other_size += other as u32;
        }
        for page in 1..=pages {
            let outvoted = self.outvoted(&standing, |a, b| Some(self.same_size(page, a, b)));
            for (output, by) in outvoted {
                let (width_px, height_px) = self.sizes[&output][page as usize - 1];
                self.refuse(output, format!("page {page} has {width_px} × {height_px} px, unlike {by}"));
            }
        }
    }

    /// Who has another size somewhere is a witness for the pages of which it has the same.
    fn compare_pictures(&mut self, page: u32, dpi: u32) {
        let mut drawn: BTreeMap<usize, Picture> = BTreeMap::new();
        for output in self.sizes.keys().copied().collect::<Vec<_>>() {
            match pictures::read(&self.listed[output][&page], dpi) {
                Ok(picture) => drop(drawn.insert(output, picture)),
                Err(why) => self.refuse(output, format!("{why:#}")),
            }
        }
        let present: Vec<usize> = drawn.keys().copied().collect();
        let mut comparable = pairs(&present);
        comparable.retain(|&(first, second)| self.same_size(page, first, second));
        let verdicts = verdicts(&drawn, &comparable);
        for (&(first, second), &(verdict, score)) in &verdicts {
            let alike = self.alike_mut(first, second);
            match verdict {
                Verdict::Same => alike.same += 1,
                Verdict::Near => alike.near += 1,
                Verdict::Different | Verdict::OtherSize => alike.different += 1,
            }
            if let Some(score) = score {
                alike.lowest_score = Some(alike.lowest_score.map_or(score, |lowest| lowest.min(score)));
            }
        }
        let agree =
            |a: usize, b: usize| verdicts.get(&(a.min(b), a.max(b))).map(|(verdict, _)| verdict.agrees());
        for (output, by) in self.outvoted(&present, agree) {
            self.refuse(output, format!("page {page} shows something else than {by}"));
        }
        for &output in
            present.iter().filter(|output| !comparable.iter().any(|it| [it.0, it.1].contains(output)))
        {
            self.refuse(output, format!("no other program has drawn page {page} in this size"));
        }
    }

    fn same_size(&self, page: u32, first: usize, second: usize) -> bool {
        let size = |output: usize| self.sizes[&output][page as usize - 1];
        same_size(size(first), size(second))
    }

    /// The outputs that more than half of the other engines contradict, and which those are.
    ///
    /// An engine contradicts an output if none of its programs agrees with it; it has no vote if
    /// none can be compared. Where all have the same engine, each program has a vote.
    fn outvoted(
        &self,
        present: &[usize],
        agree: impl Fn(usize, usize) -> Option<bool>,
    ) -> Vec<(usize, String)> {
        let engines: BTreeSet<&str> = present.iter().map(|&it| self.outputs[it].engine.as_str()).collect();
        let voter = |output: usize| {
            let Output { program, engine, .. } = &self.outputs[output];
            if engines.len() > 1 { engine.as_str() } else { program.as_str() }
        };
        let mut outvoted = Vec::new();
        for &output in present {
            let mut votes: BTreeMap<&str, bool> = BTreeMap::new();
            for &other in present.iter().filter(|&&other| voter(other) != voter(output)) {
                if let Some(agrees) = agree(output, other) {
                    *votes.entry(voter(other)).or_default() |= agrees;
                }
            }
            let against: Vec<&str> =
                votes.iter().filter(|(_, agrees)| !**agrees).map(|(name, _)| *name).collect();
            if against.len() * 2 > votes.len() {
                outvoted
                    .push((output, format!("{} ({} of {})", against.join(", "), against.len(), votes.len())));
            }
        }
        outvoted
    }

    /// Refuses an output, unless it is refused for another page already.
    fn refuse(&mut self, output: usize, why: String) {
        self.refused[output].get_or_insert(why);
    }

    fn alike_mut(&mut self, first: usize, second: usize) -> &mut Alike {
        let name = |output: usize| self.outputs[output].program.clone();
        self.alike.entry((first, second)).or_insert_with(|| Alike {
            first: name(first),
            second: name(second),
            same: 0,
            near: 0,
            different: 0,
            other_size: 0,
            lowest_score: None,
        })
    }
}

fn same_size(first: (usize, usize), second: (usize, usize)) -> bool {
    first.0.abs_diff(second.0) <= ROUNDING_PX && first.1.abs_diff(second.1) <= ROUNDING_PX
}

fn pairs(of: &[usize]) -> Vec<(usize, usize)> {
    of.iter()
        .enumerate()
        .flat_map(|(i, &first)| of[i + 1..].iter().map(move |&second| (first, second)))
        .collect()
}

/// Compares each pair on all CPUs; pictures that are equal byte by byte are compared once.
fn verdicts(
    drawn: &BTreeMap<usize, Picture>,
    pairs: &[(usize, usize)],
) -> BTreeMap<(usize, usize), (Verdict, Option<f64>)> {
    // The first that has the same picture stands for each.
    let stands_for: BTreeMap<usize, usize> = drawn
        .iter()
        .map(|(&output, picture)| {
            (output, drawn.iter().find(|(_, other)| *other == picture).map_or(output, |(&first, _)| first))
        })
        .collect();
    let distinct = |&(first, second): &(usize, usize)| {
        let (first, second) = (stands_for[&first], stands_for[&second]);
        (first.min(second), first.max(second))
    };
    let work: Vec<(usize, usize)> = pairs.iter().map(distinct).collect::<BTreeSet<_>>().into_iter().collect();
    let next = AtomicUsize::new(0);
    let judge = || {
        let mut judged = Vec::new();
        while let Some(&(first, second)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            judged.push(((first, second), verdict(&drawn[&first], &drawn[&second])));
        }
        judged
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let judged: BTreeMap<_, _> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(judge)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    // A comparison that has panicked is no agreement.
    let of = |pair| judged.get(&distinct(pair)).copied().unwrap_or((Verdict::Different, None));
    pairs.iter().map(|pair| (*pair, of(pair))).collect()
}

/// Compares what both pictures have, where rounding has made one of them a pixel larger.
fn verdict(first: &Picture, second: &Picture) -> (Verdict, Option<f64>) {
    let size_px = (first.width_px().min(second.width_px()), first.height_px().min(second.height_px()));
    let comparison = compare(&cropped(first, size_px), &cropped(second, size_px));
    let score = match comparison {
        Comparison::Figures(figures) => figures.score,
        Comparison::Sizes(_) => None,
    };
    (Verdict::on(&comparison), score)
}

/// The upper left part of a picture.
fn cropped(picture: &Picture, (width_px, height_px): (usize, usize)) -> Cow<'_, Picture> {
    if picture.size_px() == (width_px, height_px) {
        return Cow::Borrowed(picture);
    }
    let rows = picture.rgb().chunks_exact(picture.width_px() * 3).take(height_px);
    let rgb = rows.flat_map(|row| &row[..width_px * 3]).copied().collect();
    Picture::new(width_px, height_px, rgb).map_or(Cow::Borrowed(picture), Cow::Owned)
}

#[cfg(test)]
mod tests;
