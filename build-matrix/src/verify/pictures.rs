//! Renders documents of the corpus, and compares what two CPUs make of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use fidelity::{Picture, Verdict};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::emulator::{Cpu, illegal_instruction};
use super::process::{Ended, Running, run};

/// Text in embedded fonts, paths with transparency and a gradient, JPEG images of whole pages, form fields: one for
/// each kind of code that an engine has. All are A4.
pub(super) const DOCUMENTS: [&str; 4] = ["text-1", "vector-charts", "scan-gray", "forms-appearance"];

/// `fidelity` is calibrated for 72 dpi and more, and an emulator is slow.
const DPI: &str = "72";

/// A4 at that resolution.
const SIZE_PX: (usize, usize) = (596, 842);

/// The least memory that the service gives a worker (`worker_memory_bytes` in `src/config/options.rs`): an allocator
/// that reserves more address space than that leaves nothing. qemu does not enforce it, so it is asked for natively.
pub(super) const LEAST_MEMORY: &str = "192MiB";

/// How long all documents may take, on an emulated CPU of a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often documents are rendered again when it was the emulator that failed: on a busy machine four times in a row.
const RETRIES: u32 = 10;

/// The pictures of all pages in both formats, by their paths.
pub(super) type Pictures = BTreeMap<String, Picture>;

/// How pictures compare with a reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Likeness {
    /// Equal in every pixel.
    pub(super) identical: usize,
    /// Showing the same, by [`Verdict::Same`].
    pub(super) same: usize,
    /// Near enough, by [`Verdict::Near`].
    pub(super) near: usize,
}

/// Writes the documents into a folder.
///
/// # Errors
///
/// If they cannot be written.
pub(super) fn write_documents(folder: &Path) -> Result<()> {
    for id in DOCUMENTS {
        let document = corpus::document(id).with_context(|| format!("the corpus has no document {id}"))?;
        fs::write(folder.join(document.file_name()), document.bytes())?;
    }
    Ok(())
}

/// Has `pdf2img` render all documents with a backend, as PNG and as JPEG, and takes the pictures that come of it.
/// Natively, workers get the least memory that the service gives them.
///
/// # Errors
///
/// If a page is missing, has another size, or cannot be decoded; if another backend drew it; if the program complains.
pub(super) fn render(pdf2img: &Path, cpu: &Cpu, backend: &str, documents: &Path) -> Result<Pictures> {
    let output = tempfile::tempdir()?;
    // One process for each: the first worker of a process starts under proot without fail, a later one not always.
    let rendering = |id: &str| -> Result<Running> {
        let mut command = cpu.command(pdf2img);
        command.args(["render", "--json", "--backend", backend, "--dpi", DPI, "--format", "png"]);
        command.args(["--renditions", &format!("jpeg: dpi={DPI} format=jpeg")]);
        command.args(["--page-timeout", "5m", "--workers", "1"]);
        if *cpu == Cpu::Native {
            command.args(["--worker-memory", LEAST_MEMORY]);
        }
        Running::start(command.arg("--output").arg(output.path()).arg(documents.join(format!("{id}.pdf"))))
    };
    let running = DOCUMENTS.map(rendering);
    for (id, running) in DOCUMENTS.into_iter().zip(running) {
        let mut ended = running?.wait(PATIENCE)?;
        for _ in 0..RETRIES {
            if !cpu.failed(&ended.stdout) {
                break;
            }
            eprintln!("         the emulator failed to start a worker for {id}; once more");
            ended = rendering(id)?.wait(PATIENCE)?;
        }
        is_whole(&ended, cpu, backend).with_context(|| id.to_owned())?;
    }
    take_pictures(output.path())
}

/// Whether a program has drawn all of a document, with the backend that it was told.
fn is_whole(ended: &Ended, cpu: &Cpu, backend: &str) -> Result<()> {
    if let Some(complaint) = illegal_instruction(&ended.said(), cpu) {
        bail!(complaint);
    }
    let Some(report) = ended.stdout.lines().find_map(|it| serde_json::from_str::<serde_json::Value>(it).ok())
    else {
        bail!("it was not reported on: {}", ended.complaint(cpu));
    };
    let is_complete = report["status"] == "complete" && report["backend"] == backend;
    ensure!(is_complete, "it did not come out whole: {report}");
    Ok(())
}

/// What `pdf2img` says when it is to draw with a backend that it does not have.
///
/// # Errors
///
/// If it cannot be asked.
pub(super) fn complaint(pdf2img: &Path, cpu: &Cpu, backend: &str, documents: &Path) -> Result<String> {
    let output = tempfile::tempdir()?;
    let mut command = cpu.command(pdf2img);
    command.args(["render", "--json", "--backend", backend, "--output"]).arg(output.path());
    command.arg(documents.join(format!("{}.pdf", DOCUMENTS[0])));
    Ok(run(&mut command, PATIENCE)?.said())
}

/// Compares with a reference.
///
/// # Errors
///
/// If a picture is missing on one side, or shows something else.
pub(super) fn compare(pictures: &Pictures, reference: &Pictures) -> Result<Likeness> {
    ensure!(
        pictures.keys().eq(reference.keys()),
        "the pictures are {:?}, and those of the reference {:?}",
        pictures.keys(),
        reference.keys()
    );
    let mut likeness = Likeness::default();
    for (path, picture) in pictures {
        let wanted = &reference[path];
        if picture == wanted {
            likeness.identical += 1;
            continue;
        }
        let comparison = fidelity::compare(wanted, picture);
        match Verdict::on(&comparison) {
            Verdict::Same => likeness.same += 1,
            Verdict::Near => likeness.near += 1,
            verdict => bail!("{path} is {verdict} from the reference: {comparison:?}"),
        }
    }
    Ok(likeness)
}

/// Takes the pictures that are in a folder, and makes sure that they are those that have to be.
fn take_pictures(folder: &Path) -> Result<Pictures> {
    let mut pictures = Pictures::new();
    for id in DOCUMENTS {
        let pages = corpus::document(id).with_context(|| format!("the corpus has no document {id}"))?.pages;
        let folder = folder.join(id);
        let files = fs::read_dir(&folder).with_context(|| format!("nothing came of {id}"))?.count();
        ensure!(
            files == 2 * pages as usize,
            "{files} images came of {id}, and 2 for each of {pages} pages were wanted"
        );
        for page in 1..=pages {
            for (name, decode) in [
                (format!("page-{page:04}.png"), decode_png as fn(&[u8]) -> Result<Picture>),
                (format!("jpeg-{page:04}.jpeg"), decode_jpeg),
            ] {
                let path = format!("{id}/{name}");
                let picture = fs::read(folder.join(&name))
                    .map_err(anyhow::Error::from)
                    .and_then(|bytes| decode(&bytes))
                    .with_context(|| path.clone())?;
                let (width, height) = picture.size_px();
                ensure!(
                    picture.size_px() == SIZE_PX,
                    "{path} has {width} × {height} px, and A4 at {DPI} dpi has {} × {}",
                    SIZE_PX.0,
                    SIZE_PX.1
                );
                pictures.insert(path, picture);
            }
        }
    }
    Ok(pictures)
}

fn decode_png(bytes: &[u8]) -> Result<Picture> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("it is too large")?];
    let frame = reader.next_frame(&mut pixels)?;
    let pixels = &pixels[..frame.buffer_size()];
    let rgb = match frame.color_type {
        png::ColorType::Grayscale => pixels.iter().flat_map(|&gray| [gray; 3]).collect(),
        png::ColorType::Rgb => pixels.to_vec(),
        other => bail!("it is {other:?}, and a page on white is gray or RGB"),
    };
    Ok(Picture::new(frame.width as usize, frame.height as usize, rgb)?)
}

fn decode_jpeg(bytes: &[u8]) -> Result<Picture> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let rgb = decoder.decode().map_err(|error| anyhow!("{error}"))?;
    let info = decoder.info().context("it has no size")?;
    Ok(Picture::new(usize::from(info.width), usize::from(info.height), rgb)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(level: u8, dark: usize) -> Picture {
        let rgb = (0..64 * 64).flat_map(|at| [if at < dark { 0 } else { level }; 3]).collect();
        Picture::new(64, 64, rgb).unwrap()
    }

    fn pictures(picture: Picture) -> Pictures {
        BTreeMap::from([("text-1/page-0001.png".to_owned(), picture)])
    }

    #[test]
    fn pictures_that_differ_by_a_level_show_the_same_and_are_not_identical() {
        let likeness = |level| compare(&pictures(gray(level, 0)), &pictures(gray(255, 0))).unwrap();
        assert_eq!(likeness(255), Likeness { identical: 1, ..Likeness::default() });
        assert_eq!(likeness(254), Likeness { same: 1, ..Likeness::default() });
    }

    #[test]
    fn a_picture_that_shows_something_else_is_named() {
        let error = compare(&pictures(gray(255, 2000)), &pictures(gray(255, 0))).unwrap_err().to_string();
        assert!(error.starts_with("text-1/page-0001.png is different from the reference"), "{error}");
    }

    #[test]
    fn a_picture_that_is_missing_is_no_agreement() {
        let error = compare(&Pictures::new(), &pictures(gray(255, 0))).unwrap_err().to_string();
        assert!(error.contains("text-1/page-0001.png"), "{error}");
    }

    fn png(width_px: u32, height_px: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width_px, height_px);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&vec![255; (width_px * height_px) as usize]).unwrap();
        drop(writer);
        file
    }

    #[test]
    fn a_picture_of_another_size_is_refused_whatever_the_reference() {
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("text-1");
        fs::create_dir(&document).unwrap();
        fs::write(document.join("jpeg-0001.jpeg"), "").unwrap();
        for (width_px, complaint) in
            [(595, "text-1/page-0001.png has 595 × 842 px"), (596, "text-1/jpeg-0001.jpeg")]
        {
            fs::write(document.join("page-0001.png"), png(width_px, 842)).unwrap();
            let error = format!("{:#}", take_pictures(folder.path()).unwrap_err());
            assert!(error.starts_with(complaint), "{error}");
        }
    }

    #[test]
    fn a_page_that_is_missing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("text-1");
        fs::create_dir(&document).unwrap();
        fs::write(document.join("page-0001.png"), png(596, 842)).unwrap();
        let error = take_pictures(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("1 images came of text-1"), "{error}");
    }
}
