use super::*;

/// A reproducible sequence of numbers without order (xorshift64).
fn noise(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Compresses rows as they are, and as if some or all were filtered, and has libdeflate
/// decompress them; the answer is the least size.
fn round_trip(rows: &[u8], stride: usize, pixel_bytes: usize) -> usize {
    let is_filtered: [fn(usize) -> bool; 4] = [|_| false, |_| true, |y| y % 2 == 0, |y| y % 50 < 20];
    let sizes = is_filtered.map(|is_filtered| {
        let mut rows = rows.to_vec();
        for (y, row) in rows.chunks_mut(stride).enumerate() {
            row[0] = u8::from(is_filtered(y));
        }
        let sizes = [Search::Runs, Search::Copies].map(|filtered| size(&rows, stride, pixel_bytes, filtered));
        sizes.into_iter().min().unwrap()
    });
    sizes.into_iter().min().unwrap()
}

/// Compresses rows, and has libdeflate decompress them.
fn size(rows: &[u8], stride: usize, pixel_bytes: usize, filtered: Search) -> usize {
    let mut out = Vec::new();
    let bytes = RowDeflater::default().compress(rows, stride, pixel_bytes, filtered, &mut out).unwrap();
    let mut back = vec![0; rows.len()];
    let back_bytes = libdeflater::Decompressor::new().zlib_decompress(&out[..bytes], &mut back);
    assert_eq!(back_bytes, Ok(rows.len()), "{} bytes", rows.len());
    assert!(back == rows, "{} bytes", rows.len());
    bytes
}

/// Rows of small differences, each after the byte that names a filter.
fn small_differences(next: &mut impl FnMut() -> u64, height: usize, stride: usize) -> Vec<u8> {
    let mut rows: Vec<u8> = (0..height * stride).map(|_| (next() % 3 + next() % 3) as u8).collect();
    for row in rows.chunks_exact_mut(stride) {
        row[0] = filter::ALL[0];
    }
    rows
}

#[test]
fn every_length_symbol_says_its_length() {
    for (length, entry) in (MIN_MATCH..).zip(&LENGTHS) {
        // The table of RFC 1951, 3.2.5, has these firsts of ranges.
        let first: usize = match entry.symbol {
            257..=264 => usize::from(entry.symbol) - 254,
            265..=284 => {
                let (group, place) = ((entry.symbol - 261) / 4, (entry.symbol - 261) % 4);
                (4 + usize::from(place)) * (1 << group) + 3
            }
            _ => 258,
        };
        assert_eq!(first + usize::from(entry.extra), length);
        assert!(entry.extra < 1 << entry.extra_bits || entry.extra == 0);
    }
}

#[test]
fn every_distance_symbol_covers_its_range() {
    for distance in 1..=MAX_DISTANCE {
        let symbol = distance_symbol(distance);
        let offset = distance - usize::from(DISTANCE_BASE[symbol]);
        assert!(offset < 1 << DISTANCE_EXTRA_BITS[symbol], "{distance}");
    }
}

#[test]
fn the_shortest_inputs_come_back() {
    for bytes in 1..40 {
        round_trip(&vec![7; bytes], 2, 1);
        round_trip(&(0..bytes as u8).collect::<Vec<_>>(), 5, 4);
    }
}

#[test]
fn runs_around_the_longest_copy_come_back() {
    for bytes in (250..270).chain(510..530) {
        round_trip(&[vec![0; 20], vec![255; bytes], vec![1, 2, 3]].concat(), 10, 1);
    }
}

#[test]
fn noise_is_stored() {
    let mut next = noise(1);
    let rows: Vec<u8> = (0..300_000).map(|_| next() as u8).collect();
    assert!(round_trip(&rows, 1000, 1) <= rows.len() + rows.len() / 1000);
}

#[test]
fn rows_longer_than_the_window_come_back() {
    let mut next = noise(2);
    let row: Vec<u8> = (0..40_000).map(|_| (next() % 3) as u8).collect();
    round_trip(&[row.clone(), row.clone(), row].concat(), 40_000, 4);
}

#[test]
fn random_mixtures_of_runs_copies_and_literals_come_back() {
    let mut next = noise(3);
    for _ in 0..20 {
        let pixel_bytes = 1 + next() as usize % 4;
        let stride = 1 + pixel_bytes * (1 + next() as usize % 900);
        let levels = 1 + next() % 256;
        let mut rows = Vec::new();
        while rows.len() < 100_000 {
            let length = 1 + next() as usize % 700;
            match next() % 4 {
                0 => rows.extend(std::iter::repeat_n(next() as u8, length)),
                1 => rows.extend((0..length).map(|_| (next() % levels) as u8)),
                _ if rows.is_empty() => {}
                _ => {
                    let back = 1 + next() as usize % rows.len().min(40_000);
                    for _ in 0..length {
                        rows.push(rows[rows.len() - back]);
                    }
                }
            }
        }
        round_trip(&rows, stride, pixel_bytes);
    }
}

#[test]
fn blank_paper_costs_a_few_bytes_a_row() {
    let row = [vec![0], vec![255; 1275]].concat();
    let bytes = round_trip(&row.repeat(1650), 1276, 1);
    assert!(bytes < 4 * 1650, "{bytes} bytes");
}

#[test]
fn a_run_of_paper_in_the_first_row_is_one() {
    for pixel_bytes in [1, 3] {
        let rows = [vec![filter::NONE], vec![255; 3000]].concat();
        let bytes = size(&rows, 3001, pixel_bytes, Search::Copies);
        assert!(bytes < 50, "{bytes} bytes");
    }
}

#[test]
fn codes_change_where_the_content_does() {
    let mut next = noise(4);
    let mut of_levels = |first: u8| -> Vec<u8> { (0..60_000).map(|_| first + (next() % 16) as u8).collect() };
    let rows = [of_levels(0), of_levels(100), of_levels(200)].concat();
    // 16 levels take 4 bits, 48 take 5.6.
    let bytes = round_trip(&rows, 1000, 1);
    assert!(bytes < rows.len() * 45 / 80, "{bytes} bytes");
}

#[test]
fn a_coloured_figure_is_written_once_wherever_else_it_is() {
    let mut next = noise(5);
    let (width, side) = (300, 20);
    let figure: Vec<Vec<u8>> = (0..side).map(|_| (0..3 * side).map(|_| next() as u8).collect()).collect();
    let page = |places: &[usize]| -> Vec<u8> {
        (0..60)
            .flat_map(|y| {
                let mut row = vec![255; 1 + 3 * width];
                row[0] = 0;
                for place in places {
                    let x = 1 + 3 * (place + y / side);
                    row[x..x + 3 * side].copy_from_slice(&figure[y % side]);
                }
                row
            })
            .collect()
    };
    let size = |places: &[usize]| size(&page(places), 1 + 3 * width, 3, Search::Runs);
    let (one, four) = (size(&[10]), size(&[10, 61, 132, 205]));
    assert!(one < 3 * side * side + 1000, "{one} bytes");
    assert!(four < one + 1500, "{four} bytes after {one}");
}

#[test]
fn a_filtered_picture_is_copied_where_it_repeats_itself_and_nowhere_else() {
    let mut next = noise(6);
    for pixel_bytes in 1..=4 {
        let stride = 1 + 240 * pixel_bytes;
        let tiled = small_differences(&mut next, 3, stride).repeat(200);
        let noisy = small_differences(&mut next, 600, stride);
        let sizes = |rows: &[u8]| {
            [Search::Runs, Search::Copies].map(|filtered| size(rows, stride, pixel_bytes, filtered))
        };
        let [with_runs, with_copies] = sizes(&tiled);
        assert!(5 * with_copies < with_runs, "{with_copies} and {with_runs} bytes");
        // Copies of noise would take more than what they stand for.
        let [with_runs, with_copies] = sizes(&noisy);
        assert!(with_copies <= with_runs + with_runs / 1000, "{with_copies} and {with_runs} bytes");
    }
}

#[test]
fn copies_are_looked_for_again_where_noise_ends() {
    let mut next = noise(7);
    let stride = 1 + 3 * 240;
    let noisy = small_differences(&mut next, 1000, stride);
    let tiled = small_differences(&mut next, 3, stride).repeat(600);
    let [alone, both] =
        [noisy.clone(), [noisy, tiled].concat()].map(|rows| size(&rows, stride, 3, Search::Copies));
    // The copies begin up to 128 parts after the noise. By runs, the rest would take twice what that does.
    assert!(both < 2 * alone, "{alone} and {both} bytes");
}

#[test]
fn what_repeats_farther_away_than_a_part_is_copied() {
    let mut next = noise(9);
    let stride = 1 + 3 * 333;
    let rows = small_differences(&mut next, 12, stride).repeat(30);
    let [with_runs, with_copies] =
        [Search::Runs, Search::Copies].map(|filtered| size(&rows, stride, 3, filtered));
    assert!(2 * with_copies < with_runs, "{with_copies} and {with_runs} bytes");
}

#[test]
fn gradients_behind_text_are_copied_from_rows_whose_colours_begin_elsewhere() {
    let (width, height) = (400, 400);
    let mut next = noise(8);
    let rows: Vec<u8> = (0..height)
        .flat_map(|y| {
            let mut row = vec![0];
            for x in 0..width {
                let level = (x * x + (height - y) * (height - y)) / 3000;
                let is_ink = y % 80 < 4 && x % 80 < 4;
                row.extend(
                    [0, 1, 2].map(|channel| if is_ink { next() as u8 } else { (level + channel * 40) as u8 }),
                );
            }
            row
        })
        .collect();
    let bytes = size(&rows, 1 + 3 * width, 3, Search::Runs);
    assert!(bytes < 20_000, "{bytes} bytes");
}
