//! What has to be in a package, and what its executables and libraries have to be.

use anyhow::{Context, Result};

use super::elf::Elf;
use super::findings::Findings;
use super::glibc::GlibcVersion;
use super::package_files::PackageFiles;
use super::runtime_image;
use crate::{Cell, Matrix};

/// PDFium's library in a package.
pub(super) const PDFIUM_LIBRARY: &str = "lib/libpdfium.so";

/// The folder of the licence texts that PDFium's library has to be shipped with.
const PDFIUM_LICENCES: &str = "lib/pdfium-licenses/";

/// The executable that draws with PDFium for a static one.
const PDFIUM_WORKER: &str = "pdfium-worker";

/// The mode of an executable: Lambda runs it as another user than the one who made the zip.
const EXECUTABLE_MODE: u32 = 0o755;

/// Messages of MuPDF for damaged files: they are in every executable that it is linked into, stripped or not, and
/// in no other engine. If MuPDF is updated and one is gone, the cells with it fail here.
const MUPDF_MESSAGES: [&str; 3] =
    ["cannot find page %d in page tree", "cannot find startxref", "xref subsection length missing"];

/// The two packages that are made of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    /// The function's.
    Lambda,
    /// The command's, which also runs the function on a person's machine.
    Command,
}

impl Package {
    fn executables(self) -> &'static [&'static str] {
        match self {
            Package::Lambda => &["bootstrap"],
            Package::Command => &["pdf2img", "bootstrap"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Package::Lambda => "lambda",
            Package::Command => "command",
        }
    }
}

/// How a file has to be linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Linkage {
    /// It needs nothing but a kernel.
    Static,
    /// It is started by glibc's loader, of this version or older.
    Dynamic(GlibcVersion),
    /// It is a library for glibc of this version or older.
    Library(GlibcVersion),
}

/// Checks that all files are there and are what the cell's name says.
///
/// # Errors
///
/// If `matrix.toml` names no version of glibc.
pub(super) fn check(
    findings: &mut Findings,
    matrix: &Matrix,
    cell: &Cell,
    package: Package,
    files: &PackageFiles,
) -> Result<()> {
    let floor: GlibcVersion = matrix.glibc.floor.parse().context("glibc.floor")?;
    let linkage = if cell.is_static(matrix) { Linkage::Static } else { Linkage::Dynamic(floor.clone()) };
    let has_mupdf = cell.backends(matrix).iter().any(|it| it == "mupdf");
    let mut wanted: Vec<_> =
        package.executables().iter().map(|&path| (path, linkage.clone(), has_mupdf)).collect();
    if cell.has_pdfium(matrix) {
        if cell.is_static(matrix) {
            wanted.push((PDFIUM_WORKER, Linkage::Dynamic(floor.clone()), false));
        }
        wanted.push((PDFIUM_LIBRARY, Linkage::Library(floor), false));
    }
    let licence = &matrix.engines[&cell.engines].licence;
    findings.note(package.name(), "licence", named_rightly(licence, has_mupdf));
    for (path, linkage, has_mupdf) in wanted {
        let place = format!("{}/{path}", package.name());
        let Some(file) = files.get(path) else {
            findings.fault(
                place,
                "it is missing; build the cell, and keep what the build leaves beside bootstrap",
            );
            continue;
        };
        if !matches!(linkage, Linkage::Library(_)) {
            findings.note(&place, "mode", executable_mode(file.mode));
        }
        match Elf::parse(&file.bytes) {
            Ok(elf) => check_elf(findings, &place, &elf, cell.machine(matrix), &linkage, files),
            Err(error) => findings.fault(&place, format_args!("{error:#}")),
        }
        findings.note(&place, "MuPDF", contains_mupdf(&file.bytes, has_mupdf, &cell.engines));
    }
    if cell.has_pdfium(matrix) {
        let place = format!("{}/{PDFIUM_LICENCES}", package.name());
        let texts =
            files.iter().filter(|(path, it)| path.starts_with(PDFIUM_LICENCES) && !it.bytes.is_empty());
        findings.note(&place, "licence texts", match texts.count() {
            0 => Err("PDFium's licences are missing, and it may not be passed on without them; scripts/add-pdfium.sh copies them"),
            count => Ok(format!("{count} texts")),
        });
    } else if files.has_library("libpdfium.so") {
        findings
            .fault(format!("{}/{PDFIUM_LIBRARY}", package.name()), "it is there, in a cell without PDFium");
    }
    Ok(())
}

/// Whether the executables are there and for a machine, so that running them can tell more.
pub(super) fn executables_are_for(files: &PackageFiles, package: Package, machine: &str) -> bool {
    package.executables().iter().all(|&path| {
        let elf = files.get(path).and_then(|file| Elf::parse(&file.bytes).ok());
        elf.is_some_and(|it| it.machine == machine)
    })
}

fn executable_mode(mode: Option<u32>) -> Result<String, String> {
    match mode {
        Some(mode) if mode & 0o777 == EXECUTABLE_MODE => Ok(format!("{EXECUTABLE_MODE:04o}")),
        mode => Err(format!(
            "its mode is {}, and Lambda needs {EXECUTABLE_MODE:04o} to start it: the executable bit was lost, as it is \
             on Windows or through an upload of single files; make the zip by `build-matrix package`, or on Linux after \
             chmod 755",
            mode.map_or("not recorded".to_owned(), |it| format!("{:04o}", it & 0o777))
        )),
    }
}

/// Checks one file against how it has to be linked.
pub(super) fn check_elf(
    findings: &mut Findings,
    place: &str,
    elf: &Elf,
    machine: &str,
    linkage: &Linkage,
    files: &PackageFiles,
) {
    findings.note(place, "machine", is_for(elf, machine));
    findings.note(place, "linkage", is_linked(elf, machine, linkage));
    findings.note(
        place,
        "stack",
        match elf.executable_stack {
            Some(false) => Ok("not executable".to_owned()),
            Some(true) => {
                Err("its stack is executable, which helps who exploits a fault; link with -z noexecstack")
            }
            None => Err("it does not say whether its stack is executable; link with -z noexecstack"),
        },
    );
    if let Linkage::Dynamic(floor) | Linkage::Library(floor) = linkage {
        findings.note(place, "libraries", finds_libraries(elf, files));
        findings.note(place, "highest glibc", runs_on(elf, floor));
    }
}

fn is_for(elf: &Elf, machine: &str) -> Result<String, String> {
    if elf.machine == machine {
        Ok(elf.machine.clone())
    } else {
        Err(format!(
            "it is for {}, and the cell is for {machine}: Lambda would answer `exec format error`; build for the \
             architecture of the function, or switch the function's",
            elf.machine
        ))
    }
}

fn is_linked(elf: &Elf, machine: &str, linkage: &Linkage) -> Result<String, String> {
    let interpreter = elf.interpreter.as_deref();
    match linkage {
        Linkage::Static if interpreter.is_none() && elf.needed.is_empty() => {
            Ok("static: no interpreter, no libraries".to_owned())
        }
        Linkage::Static => Err(format!(
            "it is dynamic (interpreter {}, libraries {}), and the cell promises a static executable; build it for musl",
            interpreter.unwrap_or("none"),
            if elf.needed.is_empty() { "none".to_owned() } else { elf.needed.join(", ") }
        )),
        Linkage::Dynamic(_) => {
            let wanted = runtime_image::interpreter(machine);
            match interpreter {
                Some(path) if wanted == Some(path) => Ok(format!("dynamic, started by {path}")),
                other => Err(format!(
                    "its interpreter is {}, and on {machine} Linux with glibc it is {}; build it through zig for \
                     {machine}-unknown-linux-gnu",
                    other.unwrap_or("none"),
                    wanted.unwrap_or("unknown")
                )),
            }
        }
        Linkage::Library(_) => match interpreter {
            None => Ok("a library".to_owned()),
            Some(path) => Err(format!("it is an executable (interpreter {path}), and has to be a library")),
        },
    }
}

fn finds_libraries(elf: &Elf, files: &PackageFiles) -> Result<String, String> {
    let is_there =
        |name: &&String| runtime_image::LIBRARIES.contains(&name.as_str()) || files.has_library(name);
    let missing: Vec<_> = elf.needed.iter().filter(|it| !is_there(it)).map(String::as_str).collect();
    if missing.is_empty() {
        Ok(elf.needed.join(", "))
    } else {
        Err(format!(
            "it needs {}, neither in the package (beside it or in lib/) nor in provided.al2023: Lambda would answer \
             `cannot open shared object file`; put it into lib/, or link it statically",
            missing.join(", ")
        ))
    }
}

fn runs_on(elf: &Elf, floor: &GlibcVersion) -> Result<String, String> {
    let names: Vec<_> = elf.versions.values().flatten().filter_map(|it| it.strip_prefix("GLIBC_")).collect();
    let mut highest = None;
    for name in names {
        // GLIBC_PRIVATE fits one build of glibc only; GLIBC_ABI_… are marks of newer ones.
        let version: GlibcVersion =
            name.parse().map_err(|_| format!("it needs GLIBC_{name}, which is no version that stays"))?;
        highest = highest.max(Some(version));
    }
    match highest {
        Some(version) if version > *floor => Err(format!(
            "it needs glibc {version}, and has to run on {floor}: Lambda would answer `version GLIBC_{version} not \
             found`; build it through zig, for …-gnu.{floor}, and not with the system's compiler"
        )),
        Some(version) => Ok(format!("{version}, at most {floor}")),
        None => Ok("none".to_owned()),
    }
}

/// Whether a licence is that of the engines: with MuPDF the whole is under the AGPL, and without it is not.
fn named_rightly(licence: &str, has_mupdf: bool) -> Result<&str, String> {
    match (has_mupdf, licence.contains("AGPL-3.0")) {
        (true, true) | (false, false) => Ok(licence),
        (true, false) => {
            Err(format!("matrix.toml says {licence}, and a build with MuPDF is under the AGPL-3.0"))
        }
        (false, true) => Err(format!("matrix.toml says {licence}, and nothing in it asks for the AGPL-3.0")),
    }
}

fn contains_mupdf(bytes: &[u8], wanted: bool, engines: &str) -> Result<String, String> {
    let is_there = |text: &&&str| contains(bytes, text.as_bytes());
    let found: Vec<_> = MUPDF_MESSAGES.iter().filter(is_there).copied().collect();
    match (wanted, found.as_slice()) {
        (true, all) if all.len() == MUPDF_MESSAGES.len() => Ok("inside".to_owned()),
        (true, _) => Err(format!("MuPDF is not inside, and belongs to {engines}")),
        (false, []) => Ok("not inside".to_owned()),
        (false, [text, ..]) => Err(format!(
            "MuPDF is inside (it has its message {text:?}), and is under the AGPL, which {engines} does not say; build \
             without the feature mupdf"
        )),
    }
}

/// Whether a text is somewhere in a file.
pub(super) fn contains(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}
