//! One page as several engines have drawn it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use fidelity::{Comparison, Figures, Picture, Verdict, heat_map};
use pdf2img::encode::{EncodeOptions, Encoder};
use pdf2img::manifest::Failure;
use pdf2img::pages::failure;
use render_api::{PixelFormat, Pixmap};

use super::record::{Page, Pair, Standing};
use super::{Drawn, PICTURES, Pictures};

/// Compares the pictures of a page, and keeps or removes them.
pub(super) fn compare_page(number: i64, drawn: &[Drawn], out: &Path, folder: &Path, keep: Pictures) -> Page {
    let mut pictures: Vec<(&String, &PathBuf, Picture)> = Vec::new();
    let mut failures = BTreeMap::new();
    for Drawn { engine, on_document, pages, .. } in drawn {
        let missing = || match &on_document.error {
            Some(error) => error.clone(),
            None => failure("no_such_page", format!("{engine} does not see page {number}")),
        };
        let file = pages.get(&number).cloned().unwrap_or_else(|| Err(missing()));
        match file.and_then(|file| decode(&file)) {
            Ok(picture) => {
                if let Some(Ok(file)) = pages.get(&number) {
                    pictures.push((engine, file, picture));
                }
            }
            Err(failure) => {
                failures.insert(engine.clone(), failure);
            }
        }
    }

    let mut pairs = Vec::new();
    for (i, (second, _, theirs)) in pictures.iter().enumerate() {
        for (first, _, ours) in &pictures[..i] {
            let comparison = fidelity::compare(ours, theirs);
            let (first, second, verdict) = ((*first).clone(), (*second).clone(), Verdict::on(&comparison));
            pairs.push(Pair { first, second, verdict, comparison, heat_map: None });
        }
    }
    let engines: Vec<&String> = pictures.iter().map(|(engine, ..)| *engine).collect();
    let agreement = Standing::among(&engines, |a, b| {
        pairs.iter().find(|pair| pair.first == a && pair.second == b).map(|pair| pair.verdict)
    });

    let mut page = Page { page: number, agreement, pairs, failures, pictures: BTreeMap::new() };
    let keeps = match keep {
        Pictures::None => false,
        Pictures::Differing => page.agreement.is_divided(),
        Pictures::All => true,
    };
    // A link has slashes, whatever the paths of this machine have.
    let link = |name: &str| {
        format!("{PICTURES}/{}/{name}", folder.file_name().unwrap_or_default().to_string_lossy())
    };
    for (engine, file, _) in &pictures {
        if keeps {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            page.pictures.insert((*engine).clone(), link(&name));
        } else {
            // What cannot be removed is only in the way.
            let _ = fs::remove_file(file);
        }
    }
    if keeps {
        let of =
            |engine: &str| pictures.iter().find(|(name, ..)| *name == engine).map(|(.., picture)| picture);
        for pair in page.pairs.iter_mut().filter(|pair| pair.verdict != Verdict::Same) {
            let name = format!("page-{number:04}.{}.png", pair.name());
            let map = of(&pair.first).zip(of(&pair.second)).and_then(|(a, b)| heat_map(a, b));
            if let Some(png) = map.as_ref().and_then(encode)
                && fs::write(out.join(folder).join(&name), png).is_ok()
            {
                pair.heat_map = Some(link(&name));
            }
        }
    }
    page
}

/// Reads a picture that a worker has written.
///
/// It comes from a process that has parsed a PDF, so nothing about it is taken for granted.
fn decode(file: &Path) -> Result<Picture, Failure> {
    let broken = |why: String| failure("bad_picture", format!("failed to read {}: {why}", file.display()));
    let bytes = fs::read(file).map_err(|error| broken(error.to_string()))?;
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| broken(error.to_string()))?;
    let length = reader.output_buffer_size().ok_or_else(|| broken("it is too large".into()))?;
    let mut pixels = vec![0; length];
    let frame = reader.next_frame(&mut pixels).map_err(|error| broken(error.to_string()))?;
    pixels.truncate(frame.buffer_size());
    let rgb = match frame.color_type.samples() {
        1 => pixels.into_iter().flat_map(|gray| [gray; 3]).collect(),
        3 => pixels,
        // The pages are opaque.
        samples => pixels
            .chunks_exact(samples)
            .flat_map(|pixel| if samples == 2 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] })
            .collect(),
    };
    Picture::new(frame.width as usize, frame.height as usize, rgb).map_err(|error| broken(error.to_string()))
}

/// Writes a picture as PNG; `None` if it has too many pixels, which the pages it was made of have not.
fn encode(picture: &Picture) -> Option<Vec<u8>> {
    let (width_px, height_px) = picture.size_px();
    let mut pixmap = Pixmap::default();
    let (width, height) = (u32::try_from(width_px).ok()?, u32::try_from(height_px).ok()?);
    pixmap.reset(width, height, PixelFormat::Rgb8, u64::MAX).ok()?;
    pixmap.data_mut().copy_from_slice(picture.rgb());
    let mut png = Vec::new();
    Encoder::new().encode(&pixmap, &EncodeOptions::default(), &mut png).ok()?;
    Some(png)
}

/// The figures of a pair for people, apart from its verdict.
pub(super) fn in_words(comparison: &Comparison) -> String {
    match comparison {
        Comparison::Sizes([(width, height), (other_width, other_height)]) => {
            format!("{width} × {height} px and {other_width} × {other_height} px")
        }
        Comparison::Figures(figures @ Figures { score, shift, differing, worst_cell, .. }) => {
            let mut words = format!(
                "{} of the page, {} of the worst cell, ink {:+.2} points",
                percent(*differing),
                percent(*worst_cell),
                figures.more_ink() * 100.0
            );
            if let Some(score) = score {
                words += &format!(", score {score:.0}");
            }
            if *shift != Default::default() {
                words += &format!(", moved by {}, {} px", shift.right_px, shift.down_px);
            }
            words
        }
    }
}

pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.1 => format!("{percent:.3} %"),
        percent => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_picture_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let picture = Picture::new(2, 2, vec![0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]).unwrap();
        let file = folder.path().join("a.png");
        fs::write(&file, encode(&picture).unwrap()).unwrap();
        assert_eq!(decode(&file), Ok(picture));
        fs::write(&file, b"no picture").unwrap();
        assert_eq!(decode(&file).unwrap_err().code, "bad_picture");
    }
}
