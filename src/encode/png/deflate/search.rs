//! Looks for copies in rows of strokes: runs, the row above, and what was drawn before.

use std::mem::{replace, take};
use std::ops::Range;

use super::{MAX_DISTANCE, MAX_MATCH, MIN_MATCH};

const HASH_BITS: u32 = 15;
const PAIR_BITS: u32 = 13;

/// How many places of a pair of pixels are remembered.
const PLACES: usize = 4;

/// How many of them are measured where it is not looked ahead.
const FEW_PLACES: usize = 2;

/// A run this long is taken as such: its distance costs no more than a bit or two, the row above's
/// a dozen.
const LONG_RUN: usize = 64;

/// The most of a run that is measured at once, so that what a full block leaves is not measured
/// again and again.
const MAX_RUN: usize = 256 * MAX_MATCH;

/// A copy of this length is good enough to look for no other.
pub(super) const LOOK_UP_BELOW: usize = 16;

/// The farthest that a single pixel is copied from.
const MAX_SHORT_DISTANCE: usize = 4096;

/// The run of the byte before that starts at `at`, which has eight bytes, as its length and distance.
#[inline(always)]
pub(super) fn find_run(rows: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = common(rows, at, at - 1, load(rows, at), MAX_RUN);
    (length >= MIN_MATCH).then_some((length, 1))
}

/// Where pixels were seen before.
pub(super) struct Seen {
    /// Where the hash of six bytes was last seen: what a stroke's edge may repeat.
    bytes: Box<[u32; 1 << HASH_BITS]>,
    /// Where the hash of two pixels of several bytes was last seen, the latest first.
    pairs: Box<[[u32; PLACES]; 1 << PAIR_BITS]>,
    /// Where the hash of one such pixel was last seen.
    pixels: Box<[u32; 1 << HASH_BITS]>,
    /// How often it was looked ahead.
    looks: u32,
    /// How often that found something better.
    finds: u32,
}

impl Default for Seen {
    fn default() -> Self {
        Seen {
            bytes: Box::new([0; 1 << HASH_BITS]),
            pairs: Box::new([[0; PLACES]; 1 << PAIR_BITS]),
            pixels: Box::new([0; 1 << HASH_BITS]),
            looks: 0,
            finds: 0,
        }
    }
}

impl Seen {
    pub(super) fn forget(&mut self) {
        self.bytes.fill(0);
        self.pairs.as_flattened_mut().fill(0);
        self.pixels.fill(0);
        self.take_finds();
    }

    /// How often it was looked ahead and how often that found something better, from now on counted anew.
    pub(super) fn take_finds(&mut self) -> (u32, u32) {
        (take(&mut self.looks), take(&mut self.finds))
    }

    /// The copy that starts at `at` and saves most, as its length and distance, if one saves
    /// anything, where pixels have one byte; the row above is at the distance `above`.
    ///
    /// There are eight bytes at `at`, and a row before it.
    #[inline(always)]
    pub(super) fn find_bytes(&mut self, rows: &[u8], at: usize, above: usize) -> Option<(usize, usize)> {
        let here = load(rows, at);
        let run = here ^ load(rows, at - 1);
        let vertical = here ^ load(rows, at - above);
        if run == 0 || vertical == 0 {
            return self.find_long(rows, at, above);
        }
        // Most of what comes here is the edge of a stroke, and no copy of anything. That is seen in
        // the first few bytes, without measuring or weighing.
        let far = look_up(&mut self.bytes, hash::<HASH_BITS>(here, 6), at, MAX_DISTANCE);
        let mut is_literal = !begins(run, MIN_MATCH) & !begins(vertical, MIN_MATCH + 1);
        is_literal &= far.is_none_or(|far| !begins(here ^ load(rows, at - far), MIN_MATCH + 1));
        if is_literal {
            return None;
        }
        let mut best = Best::none();
        best.offer(1, run.trailing_zeros() as usize / 8, MIN_MATCH);
        best.offer(above, vertical.trailing_zeros() as usize / 8, MIN_MATCH + 1);
        best.offer_place(rows, at, here, far, MIN_MATCH + 1);
        best.0
    }

    /// The same where eight bytes or more are like the byte before or the row above.
    // Called, it costs text 3 % of the time.
    #[inline(always)]
    fn find_long(&mut self, rows: &[u8], at: usize, above: usize) -> Option<(usize, usize)> {
        let here = load(rows, at);
        let best = best_of_neighbours::<1>(rows, at, above, here);
        if best.length() >= LOOK_UP_BELOW {
            return best.0;
        }
        let far = look_up(&mut self.bytes, hash::<HASH_BITS>(here, 6), at, MAX_DISTANCE);
        let mut best = best;
        best.offer_place(rows, at, here, far, MIN_MATCH + 1);
        best.0
    }

    /// The same where pixels have `N` bytes: within a pixel, where nothing starts, only the one before
    /// and the row above are looked at.
    ///
    /// With `AHEAD`, more is found in gradients. The next pixel, or the one at `at`, starts `to_next`
    /// bytes on.
    #[inline(always)]
    pub(super) fn find_pixels<const AHEAD: bool, const N: usize>(
        &mut self,
        rows: &[u8],
        at: usize,
        above: usize,
        is_start: bool,
        to_next: usize,
    ) -> Option<(usize, usize)> {
        let here = load(rows, at);
        let run = here ^ load(rows, at - N);
        let vertical = here ^ load(rows, at - above);
        let mut best;
        if run == 0 || vertical == 0 {
            best = best_of_neighbours::<N>(rows, at, above, here);
            if best.length() >= LOOK_UP_BELOW {
                if AHEAD {
                    self.look_ahead::<N>(rows, at, here, to_next, &mut best);
                }
                return best.0;
            }
        } else {
            best = Best::none();
            best.offer(N, run.trailing_zeros() as usize / 8, MIN_MATCH);
            best.offer(above, vertical.trailing_zeros() as usize / 8, MIN_MATCH + 1);
            if !is_start {
                return best.0;
            }
        }
        let places = remember(&mut self.pairs[hash::<PAIR_BITS>(here, 2 * N as u32)], at);
        for &place in &places[..if AHEAD { PLACES } else { FEW_PLACES }] {
            let distance = at - place as usize;
            if distance > MAX_DISTANCE {
                break;
            }
            best.offer_place(rows, at, here, Some(distance), MIN_MATCH + 1);
        }
        let near = look_up(&mut self.pixels, hash::<HASH_BITS>(here, N as u32), at, MAX_SHORT_DISTANCE);
        best.offer_place(rows, at, here, near, MIN_MATCH);
        if AHEAD && (best.length() >= N || to_next > 0) {
            self.look_ahead::<N>(rows, at, here, to_next, &mut best);
        }
        best.0
    }

    /// Offers copies that go on where the best one ends: where the pixels there were seen before, what is
    /// as far before them.
    ///
    /// In a gradient, a run or a copy ends where a colour begins a pixel sooner or later than where it is
    /// copied from. One that fits often begins within a run, where nothing is remembered.
    // Inlined, it takes registers from what is done more often.
    #[inline(never)]
    fn look_ahead<const N: usize>(
        &mut self,
        rows: &[u8],
        at: usize,
        here: u64,
        to_next: usize,
        best: &mut Best,
    ) {
        let before = best.length();
        if before >= MAX_MATCH {
            return;
        }
        // The start of a pixel after `at`, which what was remembered is not.
        let end = at + to_next + before.saturating_sub(to_next) / N * N;
        for place in self.pairs[hash::<PAIR_BITS>(load(rows, end), 2 * N as u32)] {
            let distance = end - place as usize;
            if distance > MAX_DISTANCE.min(at) {
                break;
            }
            best.offer_place(rows, at, here, Some(distance), MIN_MATCH + 1);
        }
        self.looks += 1;
        self.finds += u32::from(best.length() > before);
    }

    /// Remembers the pixels that start in `range`, the first at its start, where they are not like
    /// the one before.
    #[inline(always)]
    pub(super) fn remember_pixels<const N: usize>(&mut self, rows: &[u8], range: Range<usize>) {
        for at in range.step_by(N) {
            let here = load(rows, at);
            if begins(here ^ load(rows, at - N), N) {
                continue;
            }
            remember(&mut self.pairs[hash::<PAIR_BITS>(here, 2 * N as u32)], at);
            self.pixels[hash::<HASH_BITS>(here, N as u32)] = at as u32;
        }
    }
}

/// The better of a run of the pixel before, of `N` bytes, and a copy of the row above; one of them
/// has eight bytes or more.
#[inline(always)]
fn best_of_neighbours<const N: usize>(rows: &[u8], at: usize, above: usize, here: u64) -> Best {
    // All of a run is used, however long it is. Other copies are tried again at every step, so
    // that measuring more than one step could take time that is quadratic in the image.
    let run = common(rows, at, at - N, here, MAX_RUN);
    let mut best = Best::none();
    best.offer(N, run, MIN_MATCH);
    if run < LONG_RUN {
        best.offer(above, common(rows, at, at - above, here, MAX_MATCH), MIN_MATCH + 1);
    }
    best
}

/// The places that were remembered, to which `at` is added.
#[inline(always)]
fn remember(places: &mut [u32; PLACES], at: usize) -> [u32; PLACES] {
    let before = *places;
    places[0] = at as u32;
    places[1..].copy_from_slice(&before[..PLACES - 1]);
    before
}

/// How far back a hash was last seen, if that is within reach; from now on it was seen at `at`.
#[inline(always)]
fn look_up(table: &mut [u32; 1 << HASH_BITS], hash: usize, at: usize, reach: usize) -> Option<usize> {
    // Where nothing was seen yet, the slot says 0, which is out of reach or a place like any other.
    let distance = at - replace(&mut table[hash], at as u32) as usize;
    (distance <= reach).then_some(distance)
}

/// Tells whether the first bytes of two places are equal, by the difference of eight.
#[inline(always)]
fn begins(difference: u64, bytes: usize) -> bool {
    difference << (64 - 8 * bytes) == 0
}

/// The copy that saves most of those that were offered: its length and distance.
struct Best(Option<(usize, usize)>);

impl Best {
    fn none() -> Best {
        Best(None)
    }

    fn length(&self) -> usize {
        self.0.map_or(0, |(length, _)| length)
    }

    #[inline(always)]
    fn offer(&mut self, distance: usize, length: usize, least: usize) {
        if length >= least && saving(length, distance) > self.0.map_or(0, |(l, d)| saving(l, d)) {
            self.0 = Some((length, distance));
        }
    }

    /// Offers what was looked up.
    #[inline(always)]
    fn offer_place(&mut self, rows: &[u8], at: usize, here: u64, distance: Option<usize>, least: usize) {
        if let Some(distance) = distance
            && begins(here ^ load(rows, at - distance), least)
        {
            self.offer(distance, common(rows, at, at - distance, here, MAX_MATCH), least);
        }
    }
}

pub(super) fn load(data: &[u8], at: usize) -> u64 {
    data[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes from `at` on are those from the earlier `from` on, up to `most`, which is at
/// least eight; `here` are the first eight.
#[inline(always)]
pub(super) fn common(data: &[u8], at: usize, from: usize, here: u64, most: usize) -> usize {
    let difference = here ^ load(data, from);
    if difference != 0 {
        return difference.trailing_zeros() as usize / 8;
    }
    let data = &data[..data.len().min(at.saturating_add(most))];
    let (late, early) = (&data[at + 8..], &data[from + 8..]);
    // Long ones are of paper, which is measured in large steps.
    let steps = late.as_chunks::<32>().0.iter().zip(early.as_chunks::<32>().0);
    let mut length = 8 + 32 * steps.take_while(|(a, b)| a == b).count();
    let (late, early) = (&data[at + length..], &data[from + length..]);
    for (a, b) in late.as_chunks::<8>().0.iter().zip(early.as_chunks::<8>().0) {
        let difference = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if difference != 0 {
            return length + difference.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + data[at + length..].iter().zip(&data[from + length..]).take_while(|(a, b)| a == b).count()
}

/// What a copy saves in quarters of a literal: distant ones take more bits to name.
#[inline(always)]
fn saving(length: usize, distance: usize) -> i64 {
    4 * length as i64 - i64::from(distance.ilog2())
}

/// Hashes the first `bytes` of eight.
#[inline(always)]
fn hash<const BITS: u32>(here: u64, bytes: u32) -> usize {
    ((here << (64 - 8 * bytes)).wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - BITS)) as usize
}
