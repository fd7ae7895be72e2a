//! A zlib stream made for rendered pages, where most pixels are like the one to the left.
//!
//! A general compressor looks up every position in a hash table, the paper's too. Here each
//! position is first compared with the pixel before it and with the row above, eight bytes
//! at a time: runs of paper are measured at the speed of memory, and only what is left,
//! the edges of strokes, is looked up. Blocks have Huffman codes of their own.
//!
//! - [`search`]: looks for what was there before in rows of strokes;
//! - [`copies`]: the same in filtered rows, which are pictures;
//! - [`huffman`]: makes the codes, and writes bits.
//!
//! The format is RFC 1951 in the wrapper of RFC 1950.

mod copies;
mod huffman;
mod search;

use std::ops::Range;

use libdeflater::adler32;

use super::super::{EncodeError, ImageFormat, set_len};
use super::filter;
use copies::Copies;
use huffman::{BitWriter, Code, MOST_BITS};
use search::{Seen, find_run};

const MIN_MATCH: usize = 3;
const MAX_MATCH: usize = 258;
const MAX_DISTANCE: usize = 32 * 1024;

/// The end-of-block symbol, between literals and lengths.
const END_OF_BLOCK: usize = 256;
const LITERAL_CODES: usize = 286;
const DISTANCE_CODES: usize = 30;

/// The longest Huffman code, in bits (RFC 1951, 3.2.7).
const LONGEST_CODE: u32 = 15;

/// The most literals and copies that share a pair of Huffman codes.
const BLOCK_TOKENS: usize = 1 << 15;

/// So many are taken into a block at a time, or begin a new one if codes of their own suit them better.
const PART_TOKENS: usize = 1 << 12;

/// The most bytes in a stored block.
const MAX_STORED_BYTES: usize = 65_535;

/// In a copy, so many bytes are remembered as a place to copy from: a stroke's edge. What follows is
/// found by what comes before it.
const REMEMBERED: usize = 32;

/// What copies must save of a part of a picture to be looked for in the parts that follow, where a pixel has one
/// byte; a third of it where it has three, since they are looked for once a pixel.
const LEAST_SAVED: f32 = 0.06;

/// Fewer tokens than these do not tell whether they do.
const LEAST_JUDGED: usize = PART_TOKENS / 4;

/// In strokes it is looked ahead as long as one look of so many or more finds a longer copy.
const LEAST_FOUND: u32 = 12;

/// After so many parts it is looked again at whether they still do.
const COPY_PARTS: u32 = 8;

/// Where a search did not pay it is not made in the next few parts, then in twice as many, and so on: noise
/// has much else to do.
const FEWEST_SKIPPED: u32 = 8;
const MOST_SKIPPED: u32 = 128;

/// What is looked for in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// Runs of one byte alone: little else repeats in the noise of a filtered picture.
    Runs,
    /// The same, and whatever was there before, in those parts of a filtered picture where that pays.
    Copies,
    /// Runs of one pixel, rows like the one above, and strokes that were drawn before.
    Strokes,
}

impl Search {
    /// What suits a row whose filter is named by this byte, where `filtered` is for those that have one.
    fn of(filter: u8, filtered: Search) -> Search {
        if filter == filter::NONE { Search::Strokes } else { filtered }
    }
}

// The same for generic code, in which an enum cannot stand yet.
const RUNS: u8 = Search::Runs as u8;
const COPIES: u8 = Search::Copies as u8;
const STROKES: u8 = Search::Strokes as u8;

/// The same as strokes, looking ahead.
const STROKES_AHEAD: u8 = STROKES + 1;

/// Whether a search pays in the rows around here: copies in filtered ones, or looking ahead in strokes.
#[derive(Default)]
struct Interest {
    /// In how many parts it is made, as it paid before.
    copy_parts: u32,
    /// In how many parts it is not, as it did not pay.
    skipped_parts: u32,
    /// How many that were when it was decided last.
    skipped_before: u32,
}

impl Interest {
    fn miss(&mut self) {
        self.skipped_parts = (2 * self.skipped_before).clamp(FEWEST_SKIPPED, MOST_SKIPPED);
        self.skipped_before = self.skipped_parts;
    }
}

/// Compresses rows of pixels, and keeps its tables.
pub(super) struct RowDeflater {
    seen: Seen,
    copies: Copies,
    interest: Interest,
    interest_ahead: Interest,
    /// The tokens of a block, of which there are `count`.
    tokens: Box<[Token; BLOCK_TOKENS]>,
    count: usize,
    /// What is sure to be in the block: its first `settled_count` tokens.
    settled: Counts,
    settled_count: usize,
    /// The part after that.
    part: Counts,
}

impl Default for RowDeflater {
    fn default() -> Self {
        RowDeflater {
            seen: Seen::default(),
            copies: Copies::default(),
            interest: Interest::default(),
            interest_ahead: Interest::default(),
            tokens: Box::new([Token::literal(0); BLOCK_TOKENS]),
            count: 0,
            settled: Counts::default(),
            settled_count: 0,
            part: Counts::default(),
        }
    }
}

impl RowDeflater {
    /// Writes `rows` as a zlib stream to the start of `out`, which grows as needed; the answer is
    /// the stream's length in bytes.
    ///
    /// `stride` is the distance between rows in bytes and `pixel_bytes` that between pixels;
    /// `stride` is the larger. They, what is looked for in `filtered` rows, and the rows' first bytes,
    /// which name filters, change the size and the time, but not the meaning of what is written.
    ///
    /// # Errors
    ///
    /// [`EncodeError::OutOfMemory`].
    pub(super) fn compress(
        &mut self,
        rows: &[u8],
        stride: usize,
        pixel_bytes: usize,
        filtered: Search,
        out: &mut Vec<u8>,
    ) -> Result<usize, EncodeError> {
        // A block never takes more than its bytes stored would.
        let stored_blocks = rows.len() / MAX_STORED_BYTES + 2 + 2 * (rows.len() / PART_TOKENS + 1);
        let bound = rows.len() + 5 * stored_blocks + 64;
        if out.len() < bound {
            set_len(out, bound, ImageFormat::Png)?;
        }
        // Deflate with a window of 32 KB, and no dictionary.
        out[..2].copy_from_slice(&[0x78, 0x01]);
        let mut bits = BitWriter::new(out, 2);
        self.seen.forget();
        self.copies.forget();
        self.interest = Interest::default();
        self.interest_ahead = Interest::default();
        self.start_block();
        // Where the block starts, its last part, and what has no tokens yet.
        let (mut start, mut part_start, mut at) = (0, 0, 0);
        while start < rows.len() {
            // A copy may end in the middle of a row.
            let row = at / stride;
            let search = Search::of(rows[row * stride], filtered);
            // The first row is searched by itself: strokes are else copied from the row above.
            let alike = if row == 0 && search == Search::Strokes {
                1
            } else {
                rows.chunks(stride).skip(row).take_while(|it| Search::of(it[0], filtered) == search).count()
            };
            let end = rows.len().min((row + alike) * stride);
            while at < end {
                at = match (search, pixel_bytes) {
                    (Search::Runs, _) => self.fill_part::<RUNS, 1>(rows, at..end, stride),
                    (Search::Copies, 2) => self.fill_picture::<2>(rows, at..end, stride),
                    (Search::Copies, 3) => self.fill_picture::<3>(rows, at..end, stride),
                    (Search::Copies, 4) => self.fill_picture::<4>(rows, at..end, stride),
                    (Search::Copies, _) => self.fill_picture::<1>(rows, at..end, stride),
                    (Search::Strokes, 2) => self.fill_strokes::<2>(rows, at..end, stride),
                    (Search::Strokes, 3) => self.fill_strokes::<3>(rows, at..end, stride),
                    (Search::Strokes, 4) => self.fill_strokes::<4>(rows, at..end, stride),
                    (Search::Strokes, _) => self.fill_part::<STROKES, 1>(rows, at..end, stride),
                };
                let is_last = at == rows.len();
                if !self.is_part_full() && !is_last {
                    continue;
                }
                if self.is_part_better_alone() {
                    self.write_settled(&rows[start..part_start], false, &mut bits);
                    start = part_start;
                }
                if search == Search::Copies && self.interest.skipped_parts <= 1 {
                    self.copies.learn(&self.part);
                }
                self.settle_part();
                part_start = at;
                if self.count == BLOCK_TOKENS || is_last {
                    self.write_settled(&rows[start..at], is_last, &mut bits);
                    start = at;
                }
            }
        }
        let end = bits.finish();
        out[end..end + 4].copy_from_slice(&adler32(rows).to_be_bytes());
        Ok(end + 4)
    }

    fn start_block(&mut self) {
        (self.count, self.settled_count) = (0, 0);
        self.settled.clear();
        self.part.clear();
    }

    fn is_part_full(&self) -> bool {
        self.count == self.settled_count + PART_TOKENS
    }

    /// Tells whether the part is so unlike what is settled that two blocks would be shorter than one.
    fn is_part_better_alone(&self) -> bool {
        if self.settled_count == 0 {
            return false;
        }
        let mut both = self.settled.clone();
        both.add(&self.part);
        let apart = self.settled.bits() + self.part.bits() + self.part.header_bits();
        apart + LEAST_GAIN * self.part.bits() < both.bits()
    }

    fn settle_part(&mut self) {
        self.settled.add(&self.part);
        self.part.clear();
        self.settled_count = self.count;
    }

    /// Does what [`fill_part`](Self::fill_part) does, for filtered rows: with copies, or with runs alone
    /// where these are as good.
    ///
    /// Now and then a part is made both ways, and the next ones as was better.
    fn fill_picture<const N: usize>(&mut self, rows: &[u8], range: Range<usize>, stride: usize) -> usize {
        let (start, is_begun) = (range.start, self.count > self.settled_count);
        if self.interest.copy_parts > 0 || self.interest.skipped_parts == 0 && is_begun {
            let at = self.fill_part::<COPIES, N>(rows, range, stride);
            self.interest.copy_parts =
                self.interest.copy_parts.saturating_sub(u32::from(self.is_part_full()));
            return at;
        }
        let runs_end = self.fill_part::<RUNS, 1>(rows, range, stride);
        if self.interest.skipped_parts > 0 {
            self.interest.skipped_parts -= u32::from(self.is_part_full());
            return runs_end;
        }
        if self.count < self.settled_count + LEAST_JUDGED {
            return runs_end;
        }
        let with_runs = self.part.all_bits() / (runs_end - start) as f32;
        self.drop_part();
        self.copies.remember_before::<N>(rows, start, stride);
        let copies_end = self.fill_part::<COPIES, N>(rows, start..runs_end, stride);
        let with_copies = self.part.all_bits() / (copies_end - start) as f32;
        if with_copies < (1.0 - LEAST_SAVED / N as f32) * with_runs {
            self.interest = Interest { copy_parts: COPY_PARTS, ..Interest::default() };
            return copies_end;
        }
        self.interest.miss();
        if with_copies < with_runs {
            return copies_end;
        }
        self.drop_part();
        self.fill_part::<RUNS, 1>(rows, start..runs_end, stride)
    }

    /// Does what [`fill_part`](Self::fill_part) does, for strokes, and looks ahead where that pays.
    fn fill_strokes<const N: usize>(&mut self, rows: &[u8], range: Range<usize>, stride: usize) -> usize {
        if self.interest_ahead.skipped_parts > 0 {
            let at = self.fill_part::<STROKES, N>(rows, range, stride);
            self.interest_ahead.skipped_parts -= u32::from(self.is_part_full());
            return at;
        }
        let at = self.fill_part::<STROKES_AHEAD, N>(rows, range, stride);
        if self.is_part_full() {
            let (looks, finds) = self.seen.take_finds();
            if finds * LEAST_FOUND < looks {
                self.interest_ahead.miss();
            } else {
                self.interest_ahead = Interest::default();
            }
        }
        at
    }

    /// Takes the tokens of the part back.
    fn drop_part(&mut self) {
        self.count = self.settled_count;
        self.part.clear();
    }

    /// Adds tokens to the part for what is in `range` until that ends or the part is full, and
    /// answers how far they reach: a copy may go beyond the end.
    ///
    /// Pixels have `N` bytes.
    // Inlined into one function, the kinds share too few registers: 10 % slower.
    #[inline(never)]
    fn fill_part<const SEARCH: u8, const N: usize>(
        &mut self,
        rows: &[u8],
        range: Range<usize>,
        stride: usize,
    ) -> usize {
        let RowDeflater { seen, copies, tokens, count: block_count, settled_count, part, .. } = self;
        let tokens = tokens.as_mut();
        let most = *settled_count + PART_TOKENS;
        // No row is above the first, and that is out of reach where rows are longer than the window.
        let above = if stride <= MAX_DISTANCE.min(range.start) { stride } else { N };
        let (mut at, mut count) = (range.start, *block_count);
        // Strokes are looked for after the first pixel, other copies below the first row, whose differences
        // are like no other's; neither in the last eight bytes.
        let first = if SEARCH >= STROKES { N } else { stride.min(rows.len()) };
        let last = rows.len().saturating_sub(8);
        let (mut row_start, mut row_end) = (0, 0);
        let mut copied_to = 0;
        while count < most && at < range.end {
            if N > 1 && SEARCH != RUNS && at >= row_end {
                row_start = at - at % stride;
                row_end = row_start + stride;
            }
            // Pixels follow the byte that names the filter. A copy that ended within one did so where
            // something new begins.
            let is_start = |at: usize| {
                (at - row_start + N - 1).is_multiple_of(N) || SEARCH >= STROKES && at == copied_to
            };
            let to_next_pixel = |at: usize| N - (at - row_start + N - 1) % N;
            let found = if at < first || at > last || rows.len() < 8 {
                None
            } else if SEARCH == COPIES && is_start(at) {
                copies.find(rows, at)
            } else if SEARCH == COPIES || SEARCH == RUNS {
                find_run(rows, at)
            } else if N == 1 {
                seen.find_bytes(rows, at, above)
            } else if SEARCH == STROKES_AHEAD {
                seen.find_pixels::<true, N>(rows, at, above, is_start(at), to_next_pixel(at) % N)
            } else {
                seen.find_pixels::<false, N>(rows, at, above, is_start(at), 0)
            };
            let Some((length, distance)) = found else {
                let byte = rows[at];
                part.literals[usize::from(byte)] += 1;
                tokens[count] = Token::literal(byte);
                count += 1;
                at += 1;
                continue;
            };
            let to_next_pixel = to_next_pixel(at);
            if SEARCH == COPIES && distance != 1 {
                copies.remember::<N>(rows, at, length, to_next_pixel);
            }
            if SEARCH >= STROKES && N > 1 && distance != N {
                let end = last.min(at + length.min(REMEMBERED));
                seen.remember_pixels::<N>(rows, at + to_next_pixel..end);
            }
            let distance_count = &mut part.distances[distance_symbol(distance)];
            let mut left = length;
            while left >= MIN_MATCH && count < most {
                let part_length = left.min(MAX_MATCH);
                part.literals[usize::from(LENGTHS[part_length - MIN_MATCH].symbol)] += 1;
                *distance_count += 1;
                tokens[count] = Token::copy(part_length, distance);
                count += 1;
                left -= part_length;
                at += part_length;
            }
            copied_to = at;
        }
        *block_count = count;
        at
    }

    /// Writes what is settled with Huffman codes of its own, or what it stands for as it is where
    /// that is shorter, and begins a block with the part that is left.
    fn write_settled(&mut self, block: &[u8], is_last: bool, bits: &mut BitWriter<'_>) {
        self.settled.literals[END_OF_BLOCK] = 1;
        self.write_block(block, is_last, bits);
        self.tokens.copy_within(self.settled_count..self.count, 0);
        self.count -= self.settled_count;
        self.settled_count = 0;
        self.settled.clear();
    }

    fn write_block(&self, block: &[u8], is_last: bool, bits: &mut BitWriter<'_>) {
        let Counts { literals: literal_counts, distances: distance_counts } = &self.settled;
        let literals = Code::<LITERAL_CODES>::new(literal_counts, LONGEST_CODE as usize);
        let distances = Code::<DISTANCE_CODES>::new(distance_counts, LONGEST_CODE as usize);
        let header = huffman::Header::new(&literals, &distances);
        let coded_bits = header.bits()
            + literals.cost(literal_counts)
            + distances.cost(distance_counts)
            + self.settled.extra_bits();
        let stored_bits = (block.len() + 5 * block.len().div_ceil(MAX_STORED_BYTES)) as u64 * 8;
        if coded_bits >= stored_bits {
            let mut parts = block.chunks(MAX_STORED_BYTES).peekable();
            while let Some(part) = parts.next() {
                bits.put(u64::from(is_last && parts.peek().is_none()), 3);
                bits.put_stored(part);
            }
            return;
        }
        bits.put(u64::from(is_last) | 0b10 << 1, 3);
        header.write(bits);
        // Literals are collected, so that not each waits for where the one before was written to.
        let (mut collected, mut collected_bits) = (0, 0);
        for token in &self.tokens[..self.settled_count] {
            let Some((length, distance)) = token.as_copy() else {
                let (code, length) = literals.get(token.0 as usize & 0xFF);
                collected |= code << collected_bits;
                collected_bits += length;
                if collected_bits > MOST_BITS - LONGEST_CODE {
                    bits.put(collected, collected_bits);
                    (collected, collected_bits) = (0, 0);
                }
                continue;
            };
            bits.put(collected, collected_bits);
            (collected, collected_bits) = (0, 0);
            let entry = &LENGTHS[length - MIN_MATCH];
            let (code, code_bits) = literals.get(usize::from(entry.symbol));
            let mut word = code | u64::from(entry.extra) << code_bits;
            let mut word_bits = code_bits + u32::from(entry.extra_bits);
            let symbol = distance_symbol(distance);
            let (code, code_bits) = distances.get(symbol);
            word |= code << word_bits;
            word_bits += code_bits;
            word |= ((distance - DISTANCE_BASE[symbol] as usize) as u64) << word_bits;
            word_bits += u32::from(DISTANCE_EXTRA_BITS[symbol]);
            bits.put(word, word_bits);
        }
        bits.put(collected, collected_bits);
        let (code, length) = literals.get(END_OF_BLOCK);
        bits.put(code, length);
    }
}

/// How often each symbol occurs.
#[derive(Clone)]
struct Counts {
    /// Literals and lengths.
    literals: [u32; LITERAL_CODES],
    distances: [u32; DISTANCE_CODES],
}

impl Default for Counts {
    fn default() -> Self {
        Counts { literals: [0; LITERAL_CODES], distances: [0; DISTANCE_CODES] }
    }
}

impl Counts {
    fn clear(&mut self) {
        *self = Counts::default();
    }

    fn add(&mut self, other: &Counts) {
        for (count, more) in self.literals.iter_mut().zip(&other.literals) {
            *count += more;
        }
        for (count, more) in self.distances.iter_mut().zip(&other.distances) {
            *count += more;
        }
    }

    /// About how many bits the symbols take in codes of their own: their entropy.
    fn bits(&self) -> f32 {
        entropy_bits(&self.literals) + entropy_bits(&self.distances)
    }

    /// The same with the bits that follow lengths and distances.
    fn all_bits(&self) -> f32 {
        self.bits() + self.extra_bits() as f32
    }

    /// How many bits follow lengths and distances.
    fn extra_bits(&self) -> u64 {
        LENGTHS_BY_SYMBOL
            .iter()
            .zip(&self.literals[END_OF_BLOCK + 1..])
            .chain(DISTANCE_EXTRA_BITS.iter().zip(&self.distances))
            .map(|(&extra, &count)| u64::from(extra) * u64::from(count))
            .sum()
    }

    /// About how many bits it takes to write such codes.
    fn header_bits(&self) -> f32 {
        let used = |counts: &[u32]| counts.iter().filter(|&&count| count > 0).count();
        (HEADER_BITS + HEADER_BITS_PER_SYMBOL * (used(&self.literals) + used(&self.distances))) as f32
    }
}

/// A part begins a block only if that makes it shorter by so much: codes take time to make.
const LEAST_GAIN: f32 = 0.01;

/// What it takes to write a pair of codes, in bits: measured on rendered pages.
const HEADER_BITS: usize = 100;
const HEADER_BITS_PER_SYMBOL: usize = 4;

/// The sum of `count · log2(total ÷ count)`.
fn entropy_bits(counts: &[u32]) -> f32 {
    let weighted = |count: u32| {
        // Below 2^31, from which vectors convert at once.
        let count = count.cast_signed() as f32;
        count * approximate_log2(count)
    };
    // Sums beside each other, as vectors add.
    let (parts, rest) = counts.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for part in parts {
        for (sum, &count) in sums.iter_mut().zip(part) {
            *sum += weighted(count);
        }
    }
    let rest: f32 = rest.iter().map(|&count| weighted(count)).sum();
    weighted(counts.iter().sum()) - sums.iter().sum::<f32>() - rest
}

/// The exponent, and the mantissa bent by a parabola: within 0.01 of the logarithm of a normal number,
/// and something finite for 0.
#[inline(always)]
fn approximate_log2(x: f32) -> f32 {
    let bits = x.to_bits();
    let mantissa = f32::from_bits(bits & 0x007F_FFFF | 0x3F80_0000) - 1.0;
    (bits >> 23) as f32 - 127.0 + mantissa + 0.346 * mantissa * (1.0 - mantissa)
}

/// A literal byte, or a copy of earlier bytes: bit 31, 8 bits of length less 3, 15 bits of distance
/// less 1.
#[derive(Clone, Copy)]
struct Token(u32);

impl Token {
    fn literal(byte: u8) -> Token {
        Token(u32::from(byte))
    }

    fn copy(length: usize, distance: usize) -> Token {
        Token(1 << 31 | ((length - MIN_MATCH) as u32) << 16 | (distance - 1) as u32)
    }

    fn as_copy(self) -> Option<(usize, usize)> {
        (self.0 >> 31 == 1)
            .then(|| ((self.0 >> 16 & 0xFF) as usize + MIN_MATCH, (self.0 & 0x7FFF) as usize + 1))
    }
}

/// How a length is written: a symbol, and extra bits.
#[derive(Clone, Copy)]
struct Length {
    symbol: u16,
    extra: u8,
    extra_bits: u8,
}

/// How many extra bits follow each length symbol, from 257 on (RFC 1951, 3.2.5).
const LENGTHS_BY_SYMBOL: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/// Every length from 3 on.
const LENGTHS: [Length; 256] = {
    let mut lengths = [Length { symbol: 0, extra: 0, extra_bits: 0 }; 256];
    let mut symbol = 0;
    let mut first = 0;
    while symbol < 29 {
        let extra_bits = LENGTHS_BY_SYMBOL[symbol];
        let mut extra = 0;
        while extra < 1 << extra_bits && first + extra < 256 {
            lengths[first + extra] = Length { symbol: 257 + symbol as u16, extra: extra as u8, extra_bits };
            extra += 1;
        }
        first += 1 << extra_bits;
        symbol += 1;
    }
    // The longest has a symbol of its own, which the loop's last turn cannot reach.
    lengths[255] = Length { symbol: 285, extra: 0, extra_bits: 0 };
    lengths
};

/// How many extra bits follow each distance symbol.
const DISTANCE_EXTRA_BITS: [u8; DISTANCE_CODES] = {
    let mut extra = [0; DISTANCE_CODES];
    let mut symbol = 4;
    while symbol < DISTANCE_CODES {
        extra[symbol] = symbol as u8 / 2 - 1;
        symbol += 1;
    }
    extra
};

/// The first distance of each symbol.
const DISTANCE_BASE: [u16; DISTANCE_CODES] = {
    let mut base = [1; DISTANCE_CODES];
    let mut symbol = 1;
    while symbol < DISTANCE_CODES {
        base[symbol] = base[symbol - 1] + (1 << DISTANCE_EXTRA_BITS[symbol - 1]);
        symbol += 1;
    }
    base
};

/// The symbol of a distance: two for each power of two.
#[inline(always)]
fn distance_symbol(distance: usize) -> usize {
    let less_one = distance - 1;
    if less_one < 4 {
        return less_one;
    }
    let log = less_one.ilog2() as usize;
    2 * log + (less_one >> (log - 1) & 1)
}

#[cfg(test)]
mod tests;
