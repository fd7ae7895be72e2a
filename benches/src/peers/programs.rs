//! The table of programs: how each is found, and how it is called.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::python;
use crate::format::{Format, JPEG_QUALITY};
use crate::machine::Executable;

/// A program that turns the pages of a PDF into files.
#[derive(Debug)]
pub struct Program {
    /// The name in records and options.
    pub name: &'static str,
    /// What draws inside: programs with the same engine are one witness when pictures are compared.
    pub engine: &'static str,
    /// Whether it is the product.
    pub ours: bool,
    /// The formats that it can write.
    pub formats: &'static [Format],
    /// Whether it draws on all CPUs, as its user would have it; otherwise on one.
    pub parallel: bool,
    find: fn(&'static Program, &Places) -> Result<Found>,
    command: fn(&Installed, &Task) -> Command,
}

/// Every program, the product first.
///
/// To add one: a row here, and for a library a script in `benches/peers`.
pub static PROGRAMS: [Program; 9] = [
    ours("pdf2img-mupdf", "mupdf"),
    ours("pdf2img-pdfium", "pdfium"),
    ours("pdf2img-hayro", "hayro"),
    Program {
        name: "pdftoppm",
        engine: "poppler",
        ours: false,
        formats: &Format::ALL,
        parallel: false,
        find: |_, places| on_path(places, "pdftoppm", "-v"),
        command: pdftoppm,
    },
    Program {
        name: "mutool",
        engine: "mupdf",
        ours: false,
        // It has no JPEG.
        formats: &[Format::Png],
        parallel: false,
        find: |_, places| on_path(places, "mutool", "-v"),
        command: mutool,
    },
    library("pymupdf", "mupdf"),
    library("pypdfium2", "pdfium"),
    library("pdf2image", "poppler"),
    library("pyvips", "poppler"),
];

const fn ours(name: &'static str, engine: &'static str) -> Program {
    let formats = &Format::ALL;
    Program { name, engine, ours: true, formats, parallel: true, find: find_ours, command: render }
}

const fn library(name: &'static str, engine: &'static str) -> Program {
    let formats = &Format::ALL;
    Program { name, engine, ours: false, formats, parallel: true, find: find_library, command: script }
}

/// Where programs are looked for.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where `pdf2img` is.
    pub bin_dir: PathBuf,
    /// The directories in which commands are looked for.
    pub path: Vec<PathBuf>,
    /// The Python that has the libraries.
    pub python: PathBuf,
    /// Where the scripts are that call the libraries.
    pub scripts: PathBuf,
}

/// What was found of a program: the words that start it, and what it is.
#[derive(Debug)]
struct Found {
    words: Vec<OsString>,
    executable: Executable,
}

/// A program that is here.
#[derive(Debug)]
pub struct Installed {
    /// Which.
    pub program: &'static Program,
    /// Its file: for a library, that of its engine.
    pub executable: Executable,
    words: Vec<OsString>,
}

/// What a program is to do.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The PDF.
    pub file: &'a Path,
    /// Where the pictures go, an empty directory.
    pub out: &'a Path,
    /// Their format.
    pub format: Format,
    /// Their resolution, in dots per inch.
    pub dpi: u32,
    /// How many processes may draw.
    pub processes: u32,
    /// Further flags for the product.
    pub our_flags: &'a [String],
}

impl Program {
    /// Looks for the program.
    ///
    /// # Errors
    ///
    /// If it is not there or does not work; the message says what is missing.
    pub fn find(&'static self, places: &Places) -> Result<Installed> {
        let Found { words, executable } = (self.find)(self, places)?;
        Ok(Installed { program: self, executable, words })
    }
}

impl Installed {
    /// The command that does a task.
    pub fn command(&self, task: &Task) -> Command {
        (self.program.command)(self, task)
    }

    /// With how many processes it draws, of those that it may have.
    pub fn processes(&self, cpus: u32) -> u32 {
        if self.program.parallel { cpus } else { 1 }
    }

    fn start(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }
}

fn on_path(places: &Places, name: &str, version_flag: &str) -> Result<Found> {
    let executable = Executable::on_path(&places.path, name, version_flag)?;
    Ok(Found { words: vec![executable.path.clone().into()], executable })
}

/// Draws a page with the engine, which a build may not have.
fn find_ours(program: &'static Program, places: &Places) -> Result<Found> {
    let executable = Executable::in_dir(&places.bin_dir, "pdf2img")?.with_version();
    let page = corpus::document("text-1").context("the corpus has no text-1")?;
    let scratch = tempfile::tempdir().context("failed to make a directory")?;
    let file = scratch.path().join("page.pdf");
    fs::write(&file, page.bytes()).with_context(|| format!("failed to write {}", file.display()))?;
    let mut command = Command::new(&executable.path);
    command.arg("render").arg(&file).arg("-o").arg(scratch.path().join("out"));
    command.args(["--dpi", "20", "--backend", program.engine]);
    let output =
        command.output().with_context(|| format!("failed to start {}", executable.path.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} does not draw with {}: {}", executable.path.display(), program.engine, said.trim());
    }
    Ok(Found { words: vec![executable.path.clone().into()], executable })
}

fn find_library(program: &'static Program, places: &Places) -> Result<Found> {
    let script = places.scripts.join(python::script_name(program.name));
    let executable = python::describe(&places.python, &script)?;
    Ok(Found { words: vec![places.python.clone().into(), script.into()], executable })
}

fn render(installed: &Installed, task: &Task) -> Command {
    let Task { file, out, format, dpi, processes, our_flags } = task;
    let mut command = installed.start();
    command.arg("render").arg(file).arg("-o").arg(out);
    command.args(["--backend", installed.program.engine, "--format", format.as_str()]);
    command.args(["--dpi", &dpi.to_string(), "--workers", &processes.to_string()]);
    if *format == Format::Jpeg {
        command.args(["--quality", &JPEG_QUALITY.to_string()]);
    }
    command.args(*our_flags);
    command
}

/// With the crop box, which the others draw as well; without it, Poppler takes the media box.
fn pdftoppm(installed: &Installed, task: &Task) -> Command {
    let mut command = installed.start();
    match task.format {
        Format::Png => command.arg("-png"),
        Format::Jpeg => command.args(["-jpeg", "-jpegopt", &format!("quality={JPEG_QUALITY}")]),
    };
    command.args(["-cropbox", "-r", &task.dpi.to_string()]);
    command.arg(task.file).arg(task.out.join("page"));
    command
}

fn mutool(installed: &Installed, task: &Task) -> Command {
    let mut command = installed.start();
    command.args(["draw", "-q", "-F", task.format.as_str(), "-r", &task.dpi.to_string()]);
    command.arg("-o").arg(task.out.join("%d.png")).arg(task.file);
    command
}

fn script(installed: &Installed, task: &Task) -> Command {
    let mut command = installed.start();
    command.arg(task.file).arg(task.out).arg(task.format.as_str());
    command.args([task.dpi, JPEG_QUALITY, task.processes].map(|number| number.to_string()));
    command
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_the_product_comes_first() {
        let names: BTreeSet<_> = PROGRAMS.iter().map(|program| program.name).collect();
        assert_eq!(names.len(), PROGRAMS.len());
        assert!(PROGRAMS.iter().is_sorted_by_key(|program| !program.ours));
        for program in &PROGRAMS {
            assert_eq!(program.ours, program.name.starts_with("pdf2img-"), "{}", program.name);
            assert!(!program.formats.is_empty() && !program.engine.is_empty(), "{}", program.name);
        }
    }

    #[test]
    fn every_command_names_the_file_the_directory_and_the_resolution() {
        for program in &PROGRAMS {
            let executable = Executable::read("/bin/sh".into(), String::new()).unwrap();
            let installed = Installed { program, executable, words: vec!["program".into(), "first".into()] };
            for &format in program.formats {
                let (file, out) = (Path::new("/in/file.pdf"), Path::new("/out"));
                let processes = installed.processes(2);
                let task = Task { file, out, format, dpi: 123, processes, our_flags: &["--flag".to_owned()] };
                let command = installed.command(&task);
                let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
                let name = program.name;
                assert_eq!((command.get_program(), &*words[0]), ("program".as_ref(), "first"), "{name}");
                assert!(words.iter().any(|word| word == "/in/file.pdf"), "{name}: {words:?}");
                assert!(words.iter().any(|word| word.starts_with("/out")), "{name}: {words:?}");
                assert!(words.iter().any(|word| word == "123"), "{name}: {words:?}");
                assert!(words.iter().any(|word| word.contains(format.as_str())), "{name}: {words:?}");
                assert_eq!(words.iter().any(|word| word == "--flag"), program.ours, "{name}: {words:?}");
                if format == Format::Jpeg {
                    assert!(words.iter().any(|word| word.ends_with("75")), "{name}: {words:?}");
                }
            }
        }
    }
}
