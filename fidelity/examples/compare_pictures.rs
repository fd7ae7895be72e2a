//! Compares PNG files in pairs, `compare_pictures A.png B.png [C.png D.png …]`, and prints the figures.

use std::fs::File;
use std::io::BufReader;
use std::time::Instant;

use fidelity::{Comparison, Picture, Verdict, compare};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    for pair in files.chunks_exact(2) {
        let (first, second) = (read(&pair[0])?, read(&pair[1])?);
        let started = Instant::now();
        let comparison = compare(&first, &second);
        let verdict = Verdict::on(&comparison);
        let ms = started.elapsed().as_secs_f64() * 1e3;
        match comparison {
            Comparison::Figures(f) => println!(
                "{verdict:10} score {:6.1}  differing {:.6}  worst cell {:.4}  shift {},{}  ink {:.4} {:.4}  {ms:.0} ms  {}",
                f.score.unwrap_or(f64::NAN),
                f.differing,
                f.worst_cell,
                f.shift.right_px,
                f.shift.down_px,
                f.ink[0],
                f.ink[1],
                pair[0]
            ),
            Comparison::Sizes([a, b]) => println!("{verdict:10} {a:?} {b:?}  {}", pair[0]),
        }
    }
    Ok(())
}

fn read(file: &str) -> Result<Picture, Box<dyn std::error::Error>> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(file)?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
    let frame = reader.next_frame(&mut pixels)?;
    let channels = frame.color_type.samples();
    let rgb = pixels[..frame.buffer_size()]
        .chunks_exact(channels)
        .flat_map(|pixel| if channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] })
        .collect();
    Ok(Picture::new(frame.width as usize, frame.height as usize, rgb)?)
}
