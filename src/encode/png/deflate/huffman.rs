//! Huffman codes and the bits that they are written in (RFC 1951, 3.2).

/// A prefix code for `N` symbols, as deflate defines it by the lengths alone.
pub(super) struct Code<const N: usize> {
    lengths: [u8; N],
    /// The code words, first bit lowest.
    words: [u16; N],
}

impl<const N: usize> Code<N> {
    /// Makes a code of the least total length for symbols that occur as often as `counts` says,
    /// with no word longer than `max_bits`.
    ///
    /// At least two symbols get a word, as some decoders insist on a complete code.
    pub(super) fn new(counts: &[u32; N], max_bits: usize) -> Code<N> {
        let mut lengths = [0; N];
        let mut used: Vec<(u32, u16)> = (0..)
            .zip(counts)
            .filter(|&(_, &count)| count > 0)
            .map(|(symbol, &count)| (count, symbol))
            .collect();
        for symbol in 0..2 {
            if used.len() < 2 && counts[usize::from(symbol)] == 0 {
                used.push((1, symbol));
            }
        }
        used.sort_unstable();
        let counts: Vec<u32> = used.iter().map(|&(count, _)| count).collect();
        let symbols_per_length = limit(&tree_depths(&counts), max_bits);
        // The rarest symbols, which come first, get the longest words.
        let mut symbols = used.iter();
        for length in (1..=max_bits).rev() {
            for (_, symbol) in symbols.by_ref().take(symbols_per_length[length] as usize) {
                lengths[usize::from(*symbol)] = length as u8;
            }
        }
        Code { words: words(&lengths, &symbols_per_length), lengths }
    }

    /// The word of a symbol and how many bits it has.
    #[inline(always)]
    pub(super) fn get(&self, symbol: usize) -> (u64, u32) {
        (u64::from(self.words[symbol]), u32::from(self.lengths[symbol]))
    }

    /// How many bits all the symbols take.
    pub(super) fn cost(&self, counts: &[u32; N]) -> u64 {
        self.lengths.iter().zip(counts).map(|(&length, &count)| u64::from(length) * u64::from(count)).sum()
    }

    /// The lengths up to the last that is not zero, but at least `least` of them.
    fn used_lengths(&self, least: usize) -> &[u8] {
        let used = self.lengths.iter().rposition(|&length| length > 0).map_or(0, |last| last + 1);
        &self.lengths[..used.max(least)]
    }
}

/// How many leaves of the Huffman tree over ascending `counts` (two or more) are at each depth.
///
/// Deeper than 63 is not possible with counts of 32 bits.
fn tree_depths(counts: &[u32]) -> [u32; 64] {
    let leaves = counts.len();
    // Nodes arise in ascending order of their weight: the leaves are one queue, what they are
    // joined into is the other.
    let mut weights: Vec<u64> = counts.iter().map(|&count| u64::from(count)).collect();
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut joint) = (0, leaves);
    while weights.len() < 2 * leaves - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            let take_leaf = leaf < leaves && (joint >= weights.len() || weights[leaf] <= weights[joint]);
            let next = if take_leaf { &mut leaf } else { &mut joint };
            weight += weights[*next];
            parents[*next] = weights.len();
            *next += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0_usize; 2 * leaves - 1];
    let mut at_depth = [0; 64];
    for node in (0..2 * leaves - 2).rev() {
        depths[node] = depths[parents[node]] + 1;
        if node < leaves {
            at_depth[depths[node]] += 1;
        }
    }
    at_depth
}

/// Moves leaves that are too deep up to `max_bits`, and others down to make room.
fn limit(at_depth: &[u32; 64], max_bits: usize) -> [u32; 16] {
    let mut per_length = [0; 16];
    per_length[..=max_bits].copy_from_slice(&at_depth[..=max_bits]);
    per_length[max_bits] += at_depth[max_bits + 1..].iter().sum::<u32>();
    // Of the 2^max_bits words of full length, a word of length n takes up 2^(max_bits - n).
    let mut taken: u32 = (1..=max_bits).map(|n| per_length[n] << (max_bits - n)).sum();
    while taken > 1 << max_bits {
        // A word of full length goes beside one that is moved a level down: one word less is taken
        // up.
        let Some(n) = (1..max_bits).rev().find(|&n| per_length[n] > 0) else {
            unreachable!("286 symbols fit into 2^15 words, and 19 into 2^7");
        };
        per_length[max_bits] -= 1;
        per_length[n] -= 1;
        per_length[n + 1] += 2;
        taken -= 1;
    }
    per_length
}

/// The words that the lengths define, first bit lowest.
fn words<const N: usize>(lengths: &[u8; N], per_length: &[u32; 16]) -> [u16; N] {
    let mut next = [0_u16; 16];
    for n in 2..16 {
        next[n] = (next[n - 1] + per_length[n - 1] as u16) << 1;
    }
    lengths.map(|length| {
        if length == 0 {
            return 0;
        }
        let word = &mut next[usize::from(length)];
        *word += 1;
        (*word - 1).reverse_bits() >> (16 - length)
    })
}

/// The order in which the lengths of the code for lengths are written.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What stands before a block with codes of its own: the codes, themselves coded.
pub(super) struct Header {
    literals: usize,
    distances: usize,
    /// A symbol, its extra bits, and how many those are.
    symbols: Vec<(u8, u8, u8)>,
    code: Code<19>,
    code_lengths: usize,
}

impl Header {
    pub(super) fn new<const L: usize, const D: usize>(literals: &Code<L>, distances: &Code<D>) -> Header {
        let (literals, distances) = (literals.used_lengths(257), distances.used_lengths(1));
        let symbols = run_lengths(&[literals, distances].concat());
        let mut counts = [0; 19];
        for &(symbol, ..) in &symbols {
            counts[usize::from(symbol)] += 1;
        }
        let code = Code::new(&counts, 7);
        let last = ORDER.iter().rposition(|&symbol| code.lengths[symbol] > 0);
        let code_lengths = last.map_or(4, |last| (last + 1).max(4));
        Header { literals: literals.len(), distances: distances.len(), symbols, code, code_lengths }
    }

    /// How many bits it takes.
    pub(super) fn bits(&self) -> u64 {
        let symbols = self.symbols.iter();
        let coded: u64 = symbols
            .map(|&(symbol, _, extra_bits)| u64::from(self.code.lengths[usize::from(symbol)] + extra_bits))
            .sum();
        14 + 3 * self.code_lengths as u64 + coded
    }

    pub(super) fn write(&self, bits: &mut BitWriter<'_>) {
        bits.put(self.literals as u64 - 257, 5);
        bits.put(self.distances as u64 - 1, 5);
        bits.put(self.code_lengths as u64 - 4, 4);
        for &symbol in &ORDER[..self.code_lengths] {
            bits.put(u64::from(self.code.lengths[symbol]), 3);
        }
        for &(symbol, extra, extra_bits) in &self.symbols {
            let (word, length) = self.code.get(usize::from(symbol));
            bits.put(word | u64::from(extra) << length, length + u32::from(extra_bits));
        }
    }
}

/// Writes code lengths as themselves (0 … 15), repetitions of the last one (16) and runs of zeros
/// (17, 18).
fn run_lengths(lengths: &[u8]) -> Vec<(u8, u8, u8)> {
    let mut symbols = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|a, b| a == b) {
        let value = run[0];
        let mut left = run.len();
        if value == 0 {
            while left >= 11 {
                let part = left.min(138);
                symbols.push((18, (part - 11) as u8, 7));
                left -= part;
            }
            if left >= 3 {
                symbols.push((17, (left - 3) as u8, 3));
                left = 0;
            }
        } else {
            symbols.push((value, 0, 0));
            left -= 1;
            while left >= 3 {
                let part = left.min(6);
                symbols.push((16, (part - 3) as u8, 2));
                left -= part;
            }
        }
        symbols.extend(std::iter::repeat_n((value, 0, 0), left));
    }
    symbols
}

/// How many bits are written at once at most: what an incomplete byte leaves of a word.
pub(super) const MOST_BITS: u32 = 56;

/// Writes bits, lowest first, into bytes that are large enough.
pub(super) struct BitWriter<'a> {
    out: &'a mut [u8],
    at: usize,
    word: u64,
    filled: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut [u8], at: usize) -> BitWriter<'a> {
        BitWriter { out, at, word: 0, filled: 0 }
    }

    /// Appends the lowest `count` bits of `bits`, up to [`MOST_BITS`]; the others must be 0.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.word |= bits << self.filled;
        self.filled += count;
        // All eight bytes are written, and those that were not yet full are written again.
        self.out[self.at..self.at + 8].copy_from_slice(&self.word.to_le_bytes());
        self.at += (self.filled / 8) as usize;
        self.word >>= self.filled & !7;
        self.filled &= 7;
    }

    /// Appends the rest of a stored block after its three bits of header.
    pub(super) fn put_stored(&mut self, bytes: &[u8]) {
        if self.filled > 0 {
            self.put(0, 8 - self.filled);
        }
        let length = bytes.len() as u16;
        self.put(u64::from(length) | u64::from(!length) << 16, 32);
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Fills the last byte with zeros, and answers where the next byte would be.
    pub(super) fn finish(mut self) -> usize {
        if self.filled > 0 {
            self.put(0, 8 - self.filled);
        }
        self.at
    }
}
