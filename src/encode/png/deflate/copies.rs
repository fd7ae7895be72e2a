//! Looks for copies in filtered rows, where anything may repeat anywhere, and much is noise.
//!
//! Differences are small numbers, of which each takes few bits: a copy must be long to take fewer. So
//! only eight bytes or more are copied, and only if they are worth it.

use super::search::{LOOK_UP_BELOW, common, find_run, load};
use super::{Counts, END_OF_BLOCK, MAX_DISTANCE, MAX_MATCH, approximate_log2};

const BUCKET_BITS: u32 = 11;

/// How many places are remembered in a bucket, the latest first.
const PLACES: usize = 16;

/// The least that is copied from where it was looked up: what is hashed.
const HASHED_BYTES: usize = 8;

/// A place is named by the lowest 16 bits of where it is, which is twice the window.
const PLACE_MASK: u32 = 0xFFFF;

/// Above that, 8 bits tell of what follows what is hashed, and 8 of the hash itself.
const NEXT_MASK: u32 = 0xFF << 16;
const OWN_MASK: u32 = 0xFF << 24;

/// How many places are measured of which nothing is known beyond what is hashed.
const MOST_MEASURED: usize = 2;

/// A copy of this length is good enough to measure no other.
const GOOD_LENGTH: usize = 64;

/// So many bytes of a copy are weighed, and remembered as places to copy from.
const WEIGHED: usize = 32;

/// So many pixels are remembered before a part in which copies are tried: most of the window, if of three
/// bytes.
const PIXELS_BEFORE: usize = 1 << 13;

/// Costs are in parts of a bit.
const BIT: u32 = 16;

/// About what a copy takes, in bits, beside the logarithm of its distance.
const COPY_BITS: u32 = 8;

/// Below so many bytes, how often each occurs says little.
const LEAST_COUNTED: u32 = 64;

/// Where eight bytes were seen before, and what they would take as literals.
pub(super) struct Copies {
    buckets: Box<[[u32; PLACES]; 1 << BUCKET_BITS]>,
    /// What a literal of each byte costs, by how often it occurred.
    costs: [u8; 256],
    /// How often each byte occurred in copies.
    copied: [u32; 256],
}

impl Default for Copies {
    fn default() -> Self {
        Copies {
            buckets: Box::new([[0; PLACES]; 1 << BUCKET_BITS]),
            costs: [4 * BIT as u8; 256],
            copied: [0; 256],
        }
    }
}

impl Copies {
    pub(super) fn forget(&mut self) {
        self.buckets.as_flattened_mut().fill(0);
        self.costs = [4 * BIT as u8; 256];
        self.copied = [0; 256];
    }

    /// The run or the copy that starts at `at` and saves most, as its length and distance, if one saves
    /// anything; from now on these bytes were seen there.
    ///
    /// There are eight bytes at `at`, and one before it.
    #[inline(always)]
    pub(super) fn find(&mut self, rows: &[u8], at: usize) -> Option<(usize, usize)> {
        let run = find_run(rows, at);
        let run_length = run.map_or(0, |(length, _)| length);
        if run_length >= LOOK_UP_BELOW {
            return run;
        }
        let here = load(rows, at);
        let (bucket, place) = name(rows, at, here);
        let places = remember(&mut self.buckets[bucket], place);
        // Bytes, of which vectors make a mask at once.
        let is_alike = places.map(|other| u8::from((other ^ place) & OWN_MASK == 0));
        let (halves, _) = is_alike.as_chunks::<8>();
        let gather = |half: &[u8; 8]| u64::from_le_bytes(*half).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        let mut alike = halves.iter().rev().fold(0, |mask, half| mask << 8 | gather(half));
        let (mut longest, mut its_distance, mut measured) = (run_length, 1, 0);
        while alike != 0 {
            let other = places[alike.trailing_zeros() as usize % PLACES];
            alike &= alike - 1;
            if (other ^ place) & NEXT_MASK != 0 && measured >= MOST_MEASURED {
                continue;
            }
            measured += 1;
            let distance = (place.wrapping_sub(other) & PLACE_MASK) as usize;
            // A place may be forgotten, or be this one, where a part is tried again.
            if distance == 0 || distance > MAX_DISTANCE.min(at) || here != load(rows, at - distance) {
                continue;
            }
            let length = common(rows, at, at - distance, here, MAX_MATCH);
            if length > longest {
                (longest, its_distance) = (length, distance);
                if length >= GOOD_LENGTH {
                    break;
                }
            }
        }
        if its_distance == 1 {
            return run;
        }
        let saved = |length: usize, distance: usize| {
            self.cost(&rows[at..at + length]) - i64::from(BIT * (COPY_BITS + distance.ilog2()))
        };
        let run_saved = if run_length > 0 { saved(run_length, 1) } else { 0 };
        if saved(longest, its_distance) > run_saved.max(0) { Some((longest, its_distance)) } else { run }
    }

    /// Remembers what was copied to `at`: every `N` bytes from `at + first` on.
    #[inline(always)]
    pub(super) fn remember<const N: usize>(&mut self, rows: &[u8], at: usize, length: usize, first: usize) {
        let copied = &rows[at..at + length.min(WEIGHED)];
        for &byte in copied {
            self.copied[usize::from(byte)] += 1;
        }
        let last = (at + copied.len()).min(rows.len().saturating_sub(HASHED_BYTES));
        for at in (at + first..last).step_by(N) {
            let (bucket, place) = name(rows, at, load(rows, at));
            remember(&mut self.buckets[bucket], place);
        }
    }

    /// Remembers the pixels before `at`, where it was not looked for copies.
    pub(super) fn remember_before<const N: usize>(&mut self, rows: &[u8], at: usize, stride: usize) {
        let first = at.saturating_sub(N * PIXELS_BEFORE);
        for row_start in (first - first % stride..at).step_by(stride) {
            let row_end = at.min(row_start + stride);
            for at in (row_start + 1..row_end).step_by(N).skip_while(|&at| at < first) {
                let (bucket, place) = name(rows, at, load(rows, at));
                remember(&mut self.buckets[bucket], place);
            }
        }
    }

    /// Learns what literals cost from how often each was written, or was copied instead.
    pub(super) fn learn(&mut self, part: &Counts) {
        for (count, literals) in self.copied.iter_mut().zip(&part.literals[..END_OF_BLOCK]) {
            *count += literals;
        }
        let all: u32 = self.copied.iter().sum();
        if all >= LEAST_COUNTED {
            let all = approximate_log2(all as f32);
            for (cost, &count) in self.costs.iter_mut().zip(&self.copied) {
                *cost = (BIT as f32 * (all - approximate_log2(count as f32 + 0.5))).max(1.0) as u8;
            }
        }
        self.copied = [0; 256];
    }

    /// What the first of `bytes` would cost as literals.
    fn cost(&self, bytes: &[u8]) -> i64 {
        let bytes = &bytes[..bytes.len().min(WEIGHED)];
        i64::from(bytes.iter().map(|&byte| u32::from(self.costs[usize::from(byte)])).sum::<u32>())
    }
}

/// The bucket of the eight bytes at a place, and how that place is named there.
#[inline(always)]
fn name(rows: &[u8], at: usize, here: u64) -> (usize, u32) {
    const FACTOR: u64 = 0x9E37_79B1_85EB_CA87;
    let product = here.wrapping_mul(FACTOR);
    let next = (load(rows, at + HASHED_BYTES) << 24).wrapping_mul(FACTOR);
    let tag = (product >> 21) as u32 & OWN_MASK | (next >> 40) as u32 & NEXT_MASK;
    ((product >> (64 - BUCKET_BITS)) as usize, tag | at as u32 & PLACE_MASK)
}

/// The places that were remembered, to which `place` is added.
#[inline(always)]
fn remember(places: &mut [u32; PLACES], place: u32) -> [u32; PLACES] {
    let before = *places;
    places[0] = place;
    places[1..].copy_from_slice(&before[..PLACES - 1]);
    before
}
