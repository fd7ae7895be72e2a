//! A writer of JBIG2, for bilevel images inside of a PDF: one generic region, coded arithmetically.
//!
//! The standard is ITU-T T.88 (2000); what is named by a number here is a clause of it. Symbols,
//! refinement, halftones and Huffman codes are left out: a scanner without recognition of characters
//! writes what is written here.

/// Compresses an image as the segments of one page, without a file header, as `JBIG2Decode` wants it.
///
/// `black` has one entry for each pixel, row by row from the top.
///
/// # Panics
///
/// If there are not as many pixels as the size says.
pub(crate) fn encode(black: &[bool], width: u32, height: u32) -> Vec<u8> {
    assert_eq!(black.len(), width as usize * height as usize, "one entry for each pixel");
    let mut bytes = Vec::new();

    // 7.4.8: resolution unknown; lossless, white until painted, no stripes.
    let mut page = Vec::new();
    for field in [width, height, 0, 0] {
        page.extend(field.to_be_bytes());
    }
    page.extend([1, 0, 0]);
    segment(&mut bytes, 0, PAGE_INFORMATION, &page);

    // 7.4.6: the region's size and place, then template 0 with its four adaptive pixels where they nominally are.
    let mut region = Vec::new();
    for field in [width, height, 0, 0] {
        region.extend(field.to_be_bytes());
    }
    region.extend([0, 0]);
    for (x, y) in [(3, -1), (-3, -1), (2, -2), (-2, -2)] {
        region.extend([x, y].map(|offset: i8| offset as u8));
    }
    region.extend(generic_region(black, width as usize));
    segment(&mut bytes, 1, IMMEDIATE_GENERIC_REGION, &region);
    bytes
}

const PAGE_INFORMATION: u8 = 48;
const IMMEDIATE_GENERIC_REGION: u8 = 38;

/// 7.2: a segment of page 1 that refers to no other.
fn segment(bytes: &mut Vec<u8>, number: u32, kind: u8, data: &[u8]) {
    bytes.extend(number.to_be_bytes());
    bytes.extend([kind, 0, 1]);
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(data);
}

/// 6.2.5: each pixel is coded in the context of 16 that came before it.
fn generic_region(black: &[bool], width: usize) -> Vec<u8> {
    let mut coder = Coder::new();
    let mut contexts = vec![Context::default(); 1 << 16];
    let white = vec![false; width];
    let (mut above, mut two_above) = (white.as_slice(), white.as_slice());
    for row in black.chunks_exact(width) {
        let at = |row: &[bool], x: usize| u32::from(row.get(x).copied().unwrap_or(false));
        // The pixels to the left of where a row begins are white.
        let mut before = 0;
        let mut over = at(above, 0) << 2 | at(above, 1) << 1 | at(above, 2);
        let mut over_two = at(two_above, 0) << 1 | at(two_above, 1);
        for (x, &is_black) in row.iter().enumerate() {
            over = (over << 1 | at(above, x + 3)) & 0x7F;
            over_two = (over_two << 1 | at(two_above, x + 2)) & 0x1F;
            let context = &mut contexts[(over_two << 11 | over << 4 | before) as usize];
            coder.encode(context, is_black);
            before = (before << 1 | u32::from(is_black)) & 0xF;
        }
        (above, two_above) = (row, above);
    }
    coder.finish()
}

/// What has been learnt of one context: a state of [`STATES`], and the more probable symbol.
#[derive(Debug, Clone, Copy, Default)]
struct Context {
    state: u8,
    is_black_likely: bool,
}

/// The arithmetic coder of annex E, called the MQ coder; JPEG 2000 has the same.
struct Coder {
    interval: u32,
    code: u32,
    shifts_left: u32,
    /// The last of them may still take a carry. The first comes before the data.
    bytes: Vec<u8>,
}

impl Coder {
    fn new() -> Coder {
        Coder { interval: 0x8000, code: 0, shifts_left: 12, bytes: vec![0] }
    }

    fn encode(&mut self, context: &mut Context, is_black: bool) {
        let State { estimate, next_if_likely, next_if_unlikely, swaps } = STATES[usize::from(context.state)];
        let is_likely = is_black == context.is_black_likely;
        self.interval -= estimate;
        // The smaller part of the interval goes to the less probable symbol, also when the estimate is the larger.
        let takes_upper = (self.interval < estimate) != is_likely;
        if takes_upper {
            self.code += estimate;
        } else {
            self.interval = estimate;
        }
        if is_likely && self.interval & 0x8000 != 0 {
            return;
        }
        if is_likely {
            context.state = next_if_likely;
        } else {
            context.is_black_likely ^= swaps;
            context.state = next_if_unlikely;
        }
        while self.interval & 0x8000 == 0 {
            self.interval <<= 1;
            self.code <<= 1;
            self.shifts_left -= 1;
            if self.shifts_left == 0 {
                self.write_byte();
            }
        }
    }

    fn write_byte(&mut self) {
        let mut last = self.bytes[self.bytes.len() - 1];
        if last != 0xFF && self.code & 0x800_0000 != 0 {
            // The carry; a byte of ones cannot take one, so a bit is left free behind it.
            last += 1;
            let at = self.bytes.len() - 1;
            self.bytes[at] = last;
            self.code &= 0x7FF_FFFF;
        }
        let width = if last == 0xFF { 7 } else { 8 };
        let below = 27 - width;
        self.bytes.push((self.code >> below) as u8);
        self.code &= (1 << below) - 1;
        self.shifts_left = width;
    }

    fn finish(mut self) -> Vec<u8> {
        // As many ones as fit into the interval.
        let end = self.code + self.interval;
        self.code |= 0xFFFF;
        if self.code >= end {
            self.code -= 0x8000;
        }
        for _ in 0..2 {
            self.code <<= self.shifts_left;
            self.write_byte();
        }
        if self.bytes.last() == Some(&0xFF) {
            self.bytes.pop();
        }
        self.bytes.extend([0xFF, 0xAC]);
        self.bytes.split_off(1)
    }
}

/// A row of table E.1.
#[derive(Debug, Clone, Copy)]
struct State {
    /// The estimated probability of the less probable symbol, in parts of the interval.
    estimate: u32,
    next_if_likely: u8,
    next_if_unlikely: u8,
    /// Whether the less probable symbol becomes the more probable one.
    swaps: bool,
}

const fn state(estimate: u32, next_if_likely: u8, next_if_unlikely: u8) -> State {
    State { estimate, next_if_likely, next_if_unlikely, swaps: false }
}

/// An even chance: where what was thought less probable comes, it becomes the more probable.
const fn even(next_if_likely: u8, next_if_unlikely: u8) -> State {
    State { estimate: 0x5601, next_if_likely, next_if_unlikely, swaps: true }
}

const STATES: [State; 47] = [
    even(1, 1),
    state(0x3401, 2, 6),
    state(0x1801, 3, 9),
    state(0x0AC1, 4, 12),
    state(0x0521, 5, 29),
    state(0x0221, 38, 33),
    even(7, 6),
    state(0x5401, 8, 14),
    state(0x4801, 9, 14),
    state(0x3801, 10, 14),
    state(0x3001, 11, 17),
    state(0x2401, 12, 18),
    state(0x1C01, 13, 20),
    state(0x1601, 29, 21),
    even(15, 14),
    state(0x5401, 16, 14),
    state(0x5101, 17, 15),
    state(0x4801, 18, 16),
    state(0x3801, 19, 17),
    state(0x3401, 20, 18),
    state(0x3001, 21, 19),
    state(0x2801, 22, 19),
    state(0x2401, 23, 20),
    state(0x2201, 24, 21),
    state(0x1C01, 25, 22),
    state(0x1801, 26, 23),
    state(0x1601, 27, 24),
    state(0x1401, 28, 25),
    state(0x1201, 29, 26),
    state(0x1101, 30, 27),
    state(0x0AC1, 31, 28),
    state(0x09C1, 32, 29),
    state(0x08A1, 33, 30),
    state(0x0521, 34, 31),
    state(0x0441, 35, 32),
    state(0x02A1, 36, 33),
    state(0x0221, 37, 34),
    state(0x0141, 38, 35),
    state(0x0111, 39, 36),
    state(0x0085, 40, 37),
    state(0x0049, 41, 38),
    state(0x0025, 42, 39),
    state(0x0015, 43, 40),
    state(0x0009, 44, 41),
    state(0x0005, 45, 42),
    state(0x0001, 45, 43),
    // The even chance that learns nothing, which is not used here.
    State { estimate: 0x5601, next_if_likely: 46, next_if_unlikely: 46, swaps: false },
];

#[cfg(test)]
mod tests {
    use hayro_jbig2::{DecodeSettings, Decoder, Page};
    use oorandom::Rand32;

    use super::*;

    #[derive(Default)]
    struct Pixels(Vec<bool>);

    impl Decoder for Pixels {
        fn push_pixel(&mut self, black: bool) {
            self.0.push(black);
        }

        fn push_pixel_chunk(&mut self, black: bool, chunk_count: u32) {
            self.0.extend(std::iter::repeat_n(black, 8 * chunk_count as usize));
        }

        fn next_line(&mut self) {}
    }

    #[track_caller]
    fn comes_back(black: &[bool], width: u32, height: u32) -> usize {
        let bytes = encode(black, width, height);
        let settings = DecodeSettings { strict: true };
        let page = Page::new_embedded(&bytes, None, &settings).unwrap();
        assert_eq!((page.width(), page.height()), (width, height));
        let mut pixels = Pixels::default();
        page.decode(&mut pixels).unwrap();
        assert!(pixels.0 == black, "{width} × {height}");
        bytes.len()
    }

    #[test]
    fn what_a_decoder_reads_is_what_was_written() {
        let mut random = Rand32::new(1);
        for (width, height) in [(1, 1), (2, 1), (3, 3), (7, 5), (8, 8), (64, 64), (333, 77)] {
            let count = (width * height) as usize;
            // From all white through noise to all black: skewed chances exercise carries and every state.
            for black_in_256 in [0, 1, 20, 128, 250, 256] {
                let black: Vec<bool> = (0..count).map(|_| random.rand_range(0..256) < black_in_256).collect();
                comes_back(&black, width, height);
            }
        }
    }

    #[test]
    fn what_repeats_becomes_small() {
        let black: Vec<bool> = (0..512 * 512).map(|i| i / 7 % 3 == 0).collect();
        let length = comes_back(&black, 512, 512);
        assert!(length < 3000, "{length} bytes");
    }
}
