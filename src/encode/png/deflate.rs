//! A zlib stream made for rendered pages, where most pixels are like the one to the left.
//!
//! A general compressor looks up every position in a hash table, the paper's too. Here each
//! position is first compared with the pixel before it and with the row above, eight bytes
//! at a time: runs of paper are measured at the speed of memory, and only what is left,
//! the edges of strokes, is looked up. Blocks have Huffman codes of their own.
//!
//! The format is RFC 1951 in the wrapper of RFC 1950.

mod huffman;

use std::mem::replace;
use std::ops::Range;

use libdeflater::adler32;

use super::super::{EncodeError, ImageFormat, set_len};
use super::filter;
use huffman::{BitWriter, Code, MOST_BITS};

const MIN_MATCH: usize = 3;
const MAX_MATCH: usize = 258;
const MAX_DISTANCE: usize = 32 * 1024;

/// The end-of-block symbol, between literals and lengths.
const END_OF_BLOCK: usize = 256;
const LITERAL_CODES: usize = 286;
const DISTANCE_CODES: usize = 30;

/// The longest Huffman code, in bits (RFC 1951, 3.2.7).
const LONGEST_CODE: u32 = 15;

/// How many literals and matches share a pair of Huffman codes.
const BLOCK_TOKENS: usize = 1 << 15;

/// The most bytes in a stored block.
const MAX_STORED_BYTES: usize = 65_535;

const HASH_BITS: u32 = 15;

/// A run this long is taken as such: its distance costs no more than a bit or two, the row above's
/// a dozen.
const LONG_RUN: usize = 64;

/// The most of a run that is measured at once, so that what a full block leaves is not measured
/// again and again.
const MAX_RUN: usize = 256 * MAX_MATCH;

/// A copy of this length is good enough to look for no other.
const LOOK_UP_BELOW: usize = 16;

/// The farthest that a single pixel is copied from.
const MAX_SHORT_DISTANCE: usize = 4096;

/// What is looked for in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    /// Runs of one pixel alone: in a filtered picture nothing else repeats.
    Runs,
    /// Runs, rows like the one above, and strokes that were drawn before.
    Strokes,
}

impl Search {
    /// What suits a row whose filter is named by this byte.
    fn of(filter: u8) -> Search {
        if filter == filter::NONE { Search::Strokes } else { Search::Runs }
    }
}

/// Compresses rows of pixels, and keeps its tables.
pub(super) struct RowDeflater {
    seen: Seen,
    /// The tokens of a block, of which there are `count`.
    tokens: Box<[Token; BLOCK_TOKENS]>,
    count: usize,
    literal_counts: [u32; LITERAL_CODES],
    distance_counts: [u32; DISTANCE_CODES],
}

impl Default for RowDeflater {
    fn default() -> Self {
        RowDeflater {
            seen: Seen { long: Box::new([0; 1 << HASH_BITS]), short: Box::new([0; 1 << HASH_BITS]) },
            tokens: Box::new([Token::literal(0); BLOCK_TOKENS]),
            count: 0,
            literal_counts: [0; LITERAL_CODES],
            distance_counts: [0; DISTANCE_CODES],
        }
    }
}

impl RowDeflater {
    /// Writes `rows` as a zlib stream to the start of `out`, which grows as needed; the answer is
    /// the stream's length in bytes.
    ///
    /// `stride` is the distance between rows in bytes and `pixel_bytes` that between pixels;
    /// `stride` is the larger. They and the rows' first bytes, which name filters, change the size
    /// and the time, but not the meaning of what is written.
    ///
    /// # Errors
    ///
    /// [`EncodeError::OutOfMemory`].
    pub(super) fn compress(
        &mut self,
        rows: &[u8],
        stride: usize,
        pixel_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, EncodeError> {
        // A block never takes more than its bytes stored would.
        let stored_blocks = rows.len() / MAX_STORED_BYTES + 2 + 2 * (rows.len() / BLOCK_TOKENS + 1);
        let bound = rows.len() + 5 * stored_blocks + 64;
        if out.len() < bound {
            set_len(out, bound, ImageFormat::Png)?;
        }
        // Deflate with a window of 32 KB, and no dictionary.
        out[..2].copy_from_slice(&[0x78, 0x01]);
        let mut bits = BitWriter::new(out, 2);
        self.seen.long.fill(0);
        self.seen.short.fill(0);
        self.start_block();
        let (mut start, mut at) = (0, 0);
        while start < rows.len() {
            // A copy may end in the middle of a row.
            let row = at / stride;
            let search = Search::of(rows[row * stride]);
            let alike = rows.chunks(stride).skip(row).take_while(|it| Search::of(it[0]) == search).count();
            let end = rows.len().min((row + alike) * stride);
            while at < end {
                at = match (search, pixel_bytes) {
                    (Search::Runs, _) => self.fill_block::<false, false>(rows, at..end, stride, pixel_bytes),
                    (Search::Strokes, 1) => self.fill_block::<true, false>(rows, at..end, stride, 1),
                    (Search::Strokes, _) => self.fill_block::<true, true>(rows, at..end, stride, pixel_bytes),
                };
                if self.count == BLOCK_TOKENS || at == rows.len() {
                    self.write_block(&rows[start..at], at == rows.len(), &mut bits);
                    self.start_block();
                    start = at;
                }
            }
        }
        let end = bits.finish();
        out[end..end + 4].copy_from_slice(&adler32(rows).to_be_bytes());
        Ok(end + 4)
    }

    fn start_block(&mut self) {
        self.count = 0;
        self.literal_counts.fill(0);
        self.distance_counts.fill(0);
    }

    /// Adds tokens to the block for what is in `range` until that ends or the block is full, and
    /// answers how far they reach: a copy may go beyond the end.
    // Inlined into one function, the three kinds share too few registers: 10 % slower.
    #[inline(never)]
    fn fill_block<const STROKES: bool, const PIXELS: bool>(
        &mut self,
        rows: &[u8],
        range: Range<usize>,
        stride: usize,
        pixel_bytes: usize,
    ) -> usize {
        let RowDeflater { seen, tokens, count: block_count, literal_counts, distance_counts } = self;
        let tokens = tokens.as_mut();
        // The row above is out of reach where rows are longer than the window.
        let stride = if stride <= MAX_DISTANCE { stride } else { pixel_bytes };
        let (mut at, mut count) = (range.start, *block_count);
        // Copies begin below the first row, and eight bytes before the end.
        let (first, last) = (stride.min(rows.len()), rows.len().saturating_sub(8));
        while count < BLOCK_TOKENS && at < range.end {
            let found = if at >= first && at <= last && rows.len() >= 8 {
                seen.find::<STROKES, PIXELS>(rows, at, stride, pixel_bytes)
            } else {
                None
            };
            let Some((length, distance)) = found else {
                let byte = rows[at];
                literal_counts[usize::from(byte)] += 1;
                tokens[count] = Token::literal(byte);
                count += 1;
                at += 1;
                continue;
            };
            let distance_count = &mut distance_counts[distance_symbol(distance)];
            let mut left = length;
            while left >= MIN_MATCH && count < BLOCK_TOKENS {
                let part = left.min(MAX_MATCH);
                literal_counts[usize::from(LENGTHS[part - MIN_MATCH].symbol)] += 1;
                *distance_count += 1;
                tokens[count] = Token::copy(part, distance);
                count += 1;
                left -= part;
                at += part;
            }
        }
        *block_count = count;
        at
    }

    /// Writes the tokens with Huffman codes of their own, or what they stand for as it is where
    /// that is shorter.
    fn write_block(&mut self, block: &[u8], is_last: bool, bits: &mut BitWriter<'_>) {
        self.literal_counts[END_OF_BLOCK] = 1;
        let literals = Code::<LITERAL_CODES>::new(&self.literal_counts, LONGEST_CODE as usize);
        let distances = Code::<DISTANCE_CODES>::new(&self.distance_counts, LONGEST_CODE as usize);
        let header = huffman::Header::new(&literals, &distances);
        let extra_bits: u64 = LENGTHS_BY_SYMBOL
            .iter()
            .zip(&self.literal_counts[END_OF_BLOCK + 1..])
            .chain(DISTANCE_EXTRA_BITS.iter().zip(&self.distance_counts))
            .map(|(&extra, &count)| u64::from(extra) * u64::from(count))
            .sum();
        let coded_bits = header.bits()
            + literals.cost(&self.literal_counts)
            + distances.cost(&self.distance_counts)
            + extra_bits;
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
        for token in &self.tokens[..self.count] {
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

/// Where pixels were seen before.
struct Seen {
    /// Where the hash of six bytes was last seen: what a stroke's edge may repeat.
    long: Box<[u32; 1 << HASH_BITS]>,
    /// Where the hash of three bytes was last seen: a coloured pixel.
    short: Box<[u32; 1 << HASH_BITS]>,
}

impl Seen {
    /// The copy that starts at `at` and saves most, as its length and distance, if one saves
    /// anything.
    ///
    /// There are eight bytes at `at`, and a row before it.
    #[inline(always)]
    fn find<const STROKES: bool, const PIXELS: bool>(
        &mut self,
        rows: &[u8],
        at: usize,
        stride: usize,
        pixel_bytes: usize,
    ) -> Option<(usize, usize)> {
        let here = load(rows, at);
        let run = here ^ load(rows, at - pixel_bytes);
        if !STROKES {
            let length = common(rows, at, at - pixel_bytes, here, MAX_RUN);
            return (length >= MIN_MATCH).then_some((length, pixel_bytes));
        }
        let above = here ^ load(rows, at - stride);
        if run == 0 || above == 0 {
            return self.find_long(rows, at, stride, pixel_bytes);
        }
        // Most of what comes here is the edge of a stroke, and no copy of anything. That is seen in
        // the first few bytes, without measuring or weighing.
        let far = look_up(&mut self.long, hash(here, 6), at, MAX_DISTANCE);
        let mut is_literal = !begins(run, MIN_MATCH) & !begins(above, MIN_MATCH + 1);
        is_literal &= far.is_none_or(|far| !begins(here ^ load(rows, at - far), MIN_MATCH + 1));
        let mut near = None;
        if PIXELS {
            near = look_up(&mut self.short, hash(here, 3), at, MAX_SHORT_DISTANCE);
            is_literal &= near.is_none_or(|near| !begins(here ^ load(rows, at - near), MIN_MATCH));
        }
        if is_literal {
            return None;
        }
        let mut best = Best::none();
        best.offer(pixel_bytes, run.trailing_zeros() as usize / 8, MIN_MATCH);
        best.offer(stride, above.trailing_zeros() as usize / 8, MIN_MATCH + 1);
        best.offer_places(rows, at, here, far, near);
        best.0
    }

    /// The same where eight bytes or more are like the pixel before or the row above.
    fn find_long(
        &mut self,
        rows: &[u8],
        at: usize,
        stride: usize,
        pixel_bytes: usize,
    ) -> Option<(usize, usize)> {
        let here = load(rows, at);
        // All of a run is used, however long it is. Other copies are tried again at every step, so
        // that measuring more than one step could take time that is quadratic in the image.
        let run = common(rows, at, at - pixel_bytes, here, MAX_RUN);
        if run >= LONG_RUN {
            return Some((run, pixel_bytes));
        }
        let mut best = Best::none();
        best.offer(pixel_bytes, run, MIN_MATCH);
        best.offer(stride, common(rows, at, at - stride, here, MAX_MATCH), MIN_MATCH + 1);
        if best.length() >= LOOK_UP_BELOW {
            return best.0;
        }
        let far = look_up(&mut self.long, hash(here, 6), at, MAX_DISTANCE);
        let near = if pixel_bytes > 1 {
            look_up(&mut self.short, hash(here, 3), at, MAX_SHORT_DISTANCE)
        } else {
            None
        };
        best.offer_places(rows, at, here, far, near);
        best.0
    }
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
    fn offer_places(&mut self, rows: &[u8], at: usize, here: u64, far: Option<usize>, near: Option<usize>) {
        if let Some(far) = far {
            self.offer(far, common(rows, at, at - far, here, MAX_MATCH), MIN_MATCH + 1);
        }
        if let Some(near) = near {
            // A pixel alone is worth a copy if it has several bytes, and not if what names its
            // place is as long.
            self.offer(near, common(rows, at, at - near, here, MAX_MATCH), MIN_MATCH);
        }
    }
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

fn load(data: &[u8], at: usize) -> u64 {
    data[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes from `at` on are those from the earlier `from` on, up to `most`, which is at
/// least eight; `here` are the first eight.
#[inline(always)]
fn common(data: &[u8], at: usize, from: usize, here: u64, most: usize) -> usize {
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
fn hash(here: u64, bytes: u32) -> usize {
    ((here << (64 - 8 * bytes)).wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - HASH_BITS)) as usize
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
