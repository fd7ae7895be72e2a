//! Specimens with one fault each, made by the system's compiler, beside what has none.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::contents::{Linkage, check_elf};
use super::elf::Elf;
#[cfg(target_arch = "x86_64")]
use super::emulator::Cpu;
use super::runs::others;
#[cfg(target_arch = "x86_64")]
use super::start::{Start, start};
use super::*;

/// An older and a newer CPU than most, of the machine that runs the tests.
#[cfg(target_arch = "x86_64")]
const MODELS: [&str; 2] = ["Nehalem-v1", "Haswell-v1"];

/// Compiles the specimen with flags of the compiler.
fn specimen(folder: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let executable = folder.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verify/tests/specimen.c");
    let mut command = Command::new("cc");
    // Libraries are looked for in the order of the arguments.
    let ended = command.arg(source).args(flags).arg("-o").arg(&executable).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    executable
}

/// What is wrong with an executable in a package with nothing else.
fn faults_of(executable: &Path, linkage: &Linkage) -> Vec<String> {
    faults_among(executable, linkage, &PackageFiles::default())
}

fn faults_among(executable: &Path, linkage: &Linkage, files: &PackageFiles) -> Vec<String> {
    let mut findings = Findings::default();
    let elf = Elf::parse(&fs::read(executable).unwrap()).unwrap();
    check_elf(&mut findings, "bootstrap", &elf, std::env::consts::ARCH, linkage, files);
    findings.faults().to_vec()
}

fn dynamic(floor: &str) -> Linkage {
    Linkage::Dynamic(floor.parse().unwrap())
}

#[track_caller]
fn assert_only_fault(faults: &[String], part: &str) {
    assert!(
        matches!(faults, [fault] if fault.contains(part)),
        "{part:?} is not all that is wrong: {faults:#?}"
    );
}

#[test]
fn a_binary_of_the_hosts_newer_glibc_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let executable = specimen(folder.path(), "bootstrap", &["-DNEW_GLIBC"]);
    assert_only_fault(
        &faults_of(&executable, &dynamic("2.34")),
        "it needs glibc 2.36, and has to run on 2.34",
    );
    assert_eq!(faults_of(&executable, &dynamic("2.36")), [""; 0]);
}

#[test]
fn a_dynamic_executable_is_refused_where_a_static_one_is_promised() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = specimen(folder.path(), "dynamic", &[]);
    assert_only_fault(&faults_of(&loaded, &Linkage::Static), "it is dynamic (interpreter /lib");
    assert_eq!(faults_of(&loaded, &dynamic("2.99")), [""; 0]);
    for flag in ["-static", "-static-pie"] {
        let alone = specimen(folder.path(), flag, &[flag]);
        assert_eq!(faults_of(&alone, &Linkage::Static), [""; 0], "{flag}");
        assert_only_fault(&faults_of(&alone, &dynamic("2.99")), "its interpreter is none");
    }
}

#[test]
fn a_library_that_is_neither_in_the_package_nor_on_lambda_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().join("lib");
    fs::create_dir(&lib).unwrap();
    let source = folder.path().join("library.c");
    fs::write(&source, "int from_a_library(void) { return 1; }\n").unwrap();
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC"]).arg(&source).arg("-o").arg(lib.join("libspecimen.so"));
    assert!(command.status().unwrap().success());
    let search = format!("-L{}", lib.display());
    let executable = specimen(folder.path(), "bootstrap", &["-DLIBRARY", &search, "-lspecimen"]);
    assert_only_fault(
        &faults_of(&executable, &dynamic("2.99")),
        "it needs libspecimen.so, neither in the package",
    );
    let files = PackageFiles::of_directory(folder.path()).unwrap();
    assert_eq!(faults_among(&executable, &dynamic("2.99"), &files), [""; 0]);
}

#[test]
fn an_executable_stack_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let executable = specimen(folder.path(), "bootstrap", &["-static", "-z", "execstack"]);
    assert_only_fault(&faults_of(&executable, &Linkage::Static), "its stack is executable");
}

#[test]
fn another_architecture_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let executable = specimen(folder.path(), "bootstrap", &["-static"]);
    // Their numbers in the header of an ELF file.
    let (x86_64, aarch64) = (62, 183);
    let (ours, other, name) =
        if cfg!(target_arch = "x86_64") { (x86_64, aarch64, "aarch64") } else { (aarch64, x86_64, "x86_64") };
    of_machine(&executable, other);
    assert_only_fault(
        &faults_of(&executable, &Linkage::Static),
        &format!("it is for {name}, and the cell is for"),
    );
    of_machine(&executable, ours);
    assert_eq!(faults_of(&executable, &Linkage::Static), [""; 0]);
}

/// Writes another machine into the header of an ELF file.
fn of_machine(executable: &Path, machine: u16) {
    let mut bytes = fs::read(executable).unwrap();
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    fs::write(executable, bytes).unwrap();
}

#[test]
fn what_is_no_executable_is_said_to_be_none() {
    for (bytes, complaint) in
        [(&b"#!/bin/sh\n"[..], "no ELF file"), (b"\x7fELF\x01\x01\x01 with more", "32-bit"), (b"", "no ELF")]
    {
        let error = Elf::parse(bytes).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(specimen(folder.path(), "bootstrap", &[])).unwrap();
    for length in [64, 200, whole.len() / 2] {
        assert!(Elf::parse(&whole[..length]).is_err(), "{length} bytes of {}", whole.len());
    }
}

/// A cell of this machine's architecture, by the rest of its name.
fn cell(matrix: &Matrix, engines: &str, libc: &str) -> Cell {
    let (arch, _) = matrix.arch.iter().find(|(_, it)| it.machine == std::env::consts::ARCH).unwrap();
    matrix.select(&[format!("{engines}-{libc}-{arch}-system")]).unwrap().remove(0)
}

/// A package with a static `bootstrap`.
fn package(flags: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let executable = specimen(folder.path(), "bootstrap", &[&["-static"], flags].concat());
    fs::set_permissions(executable, Permissions::from_mode(0o755)).unwrap();
    folder
}

fn faults_in(folder: &Path, engines: &str, libc: &str) -> Vec<String> {
    faults_by(&Matrix::of_this_workspace().unwrap(), folder, engines, libc)
}

fn faults_by(matrix: &Matrix, folder: &Path, engines: &str, libc: &str) -> Vec<String> {
    let files = PackageFiles::of_directory(folder).unwrap();
    let mut findings = Findings::default();
    contents::check(&mut findings, matrix, &cell(matrix, engines, libc), Package::Lambda, &files).unwrap();
    findings.faults().to_vec()
}

#[test]
fn a_lost_executable_bit_is_refused_with_what_to_do() {
    let folder = package(&[]);
    assert_eq!(faults_in(folder.path(), "hayro", "musl-static"), [""; 0]);
    for mode in [0o644, 0o700] {
        fs::set_permissions(folder.path().join("bootstrap"), Permissions::from_mode(mode)).unwrap();
        let faults = faults_in(folder.path(), "hayro", "musl-static");
        assert_only_fault(&faults, &format!("its mode is {mode:04o}, and Lambda needs 0755"));
    }
}

#[test]
fn mupdf_is_found_in_a_permissive_cell_and_missed_in_one_of_its_own() {
    let (with, without) = (package(&["-DMUPDF"]), package(&[]));
    assert_eq!(faults_in(with.path(), "mupdf", "musl-static"), [""; 0]);
    assert_eq!(faults_in(without.path(), "hayro", "musl-static"), [""; 0]);
    assert_only_fault(&faults_in(with.path(), "hayro", "musl-static"), "MuPDF is inside");
    assert_only_fault(&faults_in(without.path(), "mupdf", "musl-static"), "MuPDF is not inside");
}

#[test]
fn a_licence_that_is_not_that_of_the_engines_is_refused() {
    let mut matrix = Matrix::of_this_workspace().unwrap();
    let folder = package(&[]);
    assert_eq!(faults_by(&matrix, folder.path(), "hayro", "musl-static"), [""; 0]);
    matrix.engines.get_mut("hayro").unwrap().licence = "AGPL-3.0-or-later".to_owned();
    assert_only_fault(
        &faults_by(&matrix, folder.path(), "hayro", "musl-static"),
        "nothing in it asks for the AGPL",
    );
    let folder = package(&["-DMUPDF"]);
    matrix.engines.get_mut("mupdf").unwrap().licence = "MIT".to_owned();
    assert_only_fault(&faults_by(&matrix, folder.path(), "mupdf", "musl-static"), "is under the AGPL-3.0");
}

#[test]
fn all_that_is_missing_for_pdfium_is_named_at_once() {
    let folder = package(&[]);
    let faults = faults_in(folder.path(), "pdfium", "musl-static");
    let missing = [
        "lambda/pdfium-worker: it is missing",
        "lambda/lib/libpdfium.so: it is missing",
        "PDFium's licences",
    ];
    assert_eq!(faults.len(), missing.len(), "{faults:#?}");
    for (fault, part) in faults.iter().zip(missing) {
        assert!(fault.contains(part), "{fault}");
    }
    let worker = specimen(folder.path(), "pdfium-worker", &[]);
    fs::set_permissions(worker, Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(folder.path().join("lib/pdfium-licenses")).unwrap();
    fs::write(folder.path().join("lib/pdfium-licenses/LICENSE"), "text").unwrap();
    specimen(&folder.path().join("lib"), "libpdfium.so", &["-shared", "-fPIC"]);
    let faults = faults_in(folder.path(), "pdfium", "musl-static");
    assert!(faults.is_empty(), "{faults:#?}");
    let mut older = Matrix::of_this_workspace().unwrap();
    older.glibc.floor = "2.17".to_owned();
    let faults = faults_by(&older, folder.path(), "pdfium", "musl-static");
    assert!(
        faults.iter().any(|it| it.contains("pdfium-worker") && it.contains("has to run on 2.17")),
        "{faults:#?}"
    );
    assert!(faults_in(folder.path(), "hayro", "musl-static")[0].contains("in a cell without PDFium"));
}

#[test]
fn a_cell_that_was_not_built_is_told_how() {
    let matrix = Matrix::of_this_workspace().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().to_owned(), folder.path().join("target"));
    let cell = cell(&matrix, "hayro", "musl-static");
    let error = verify_cell(&matrix, &layout, &cell).unwrap_err().to_string();
    assert!(error.ends_with(&format!("build it first: build-matrix build {cell}")), "{error}");
}

#[test]
fn two_packages_with_different_functions_are_refused() {
    let matrix = Matrix::of_this_workspace().unwrap();
    let (folder, other) = (package(&[]), package(&["-O3"]));
    let layout = Layout::new(folder.path().to_owned(), folder.path().join("target"));
    let cell = cell(&matrix, "hayro", "musl-static");
    for (directory, from) in [(layout.lambda(&cell), &folder), (layout.command(&cell), &other)] {
        fs::create_dir_all(&directory).unwrap();
        fs::copy(from.path().join("bootstrap"), directory.join("bootstrap")).unwrap();
    }
    let error = verify_cell(&matrix, &layout, &cell).unwrap_err().to_string();
    assert!(error.contains("command/bootstrap: it is not the same as in lambda/"), "{error}");
    assert!(error.contains("command/pdf2img: it is missing"), "{error}");
}

#[test]
fn a_package_with_another_content_or_mode_is_verified_anew() {
    let matrix = Matrix::of_this_workspace().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().to_owned(), folder.path().join("target"));
    let cell = cell(&matrix, "hayro", "musl-static");
    for directory in [layout.lambda(&cell), layout.command(&cell)] {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("bootstrap"), "1").unwrap();
    }
    let of = || inputs(&matrix, &layout, &cell).unwrap();
    let first = of();
    assert_eq!(first, of());
    let bootstrap = layout.lambda(&cell).join("bootstrap");
    fs::set_permissions(&bootstrap, Permissions::from_mode(0o700)).unwrap();
    let second = of();
    assert_ne!(first, second);
    fs::write(bootstrap, "2").unwrap();
    assert_ne!(second, of());
}

/// Makes a zip of files with modes; `None` leaves it to who unpacks.
fn zip(files: &[(&str, Option<u32>, &[u8])]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = ZipWriter::new(File::create(file.path()).unwrap());
    for (name, mode, bytes) in files {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, mode.map_or(options, |it| options.unix_permissions(it))).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
    file
}

const MIT: &[u8] = b"Permission is hereby granted, free of charge, to any person";
const APACHE: &[u8] = b"TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION";

fn archive_error(matrix: &Matrix, files: &[(&str, Option<u32>, &[u8])]) -> String {
    let zip = zip(files);
    let error = archive(matrix, &cell(matrix, "hayro", "musl-static"), zip.path()).unwrap_err();
    format!("{error:#}")
}

#[test]
fn a_zip_is_proven_by_itself() {
    let matrix = Matrix::of_this_workspace().unwrap();
    let folder = package(&[]);
    let bootstrap = fs::read(folder.path().join("bootstrap")).unwrap();
    let licences = [("LICENSE-MIT", Some(0o644), MIT), ("LICENSE-APACHE", Some(0o644), APACHE)];
    let with = |mode| [&[("bootstrap", mode, bootstrap.as_slice())], licences.as_slice()].concat();

    let good = zip(&with(Some(0o755)));
    let checks = archive(&matrix, &cell(&matrix, "hayro", "musl-static"), good.path()).unwrap();
    let seen = |name: &str| checks.iter().find(|it| it.name == name).map(|it| it.seen.as_str());
    assert_eq!(seen("lambda/bootstrap: mode"), Some("0755"), "{checks:#?}");
    assert_eq!(seen("the zip: text of MIT"), Some("LICENSE-MIT"), "{checks:#?}");

    let lost = archive_error(&matrix, &with(Some(0o644)));
    assert!(lost.contains("its mode is 0644") && lost.contains("build-matrix package"), "{lost}");

    let without_text = archive_error(&matrix, &with(Some(0o755))[..2]);
    assert!(without_text.contains("no file of the zip has the text of Apache-2.0"), "{without_text}");

    let deep = archive_error(&matrix, &[("function/bootstrap", Some(0o755), bootstrap.as_slice())]);
    assert!(deep.contains("lambda/bootstrap: it is missing"), "{deep}");

    let outside = archive_error(&matrix, &[("../bootstrap", Some(0o755), bootstrap.as_slice())]);
    assert!(outside.contains("unpack elsewhere"), "{outside}");

    let mupdf = archive(&matrix, &cell(&matrix, "mupdf", "musl-static"), good.path()).unwrap_err();
    let mupdf = format!("{mupdf:#}");
    assert!(mupdf.contains("MuPDF is not inside") && mupdf.contains("the text of AGPL-3.0"), "{mupdf}");
}

#[test]
fn a_zip_that_lambda_would_not_take_is_refused() {
    let mut matrix = Matrix::of_this_workspace().unwrap();
    let files = [("bootstrap", Some(0o755), &[7; 5000][..])];
    matrix.limits.unzipped_bytes = 4999;
    let unzipped = archive_error(&matrix, &files);
    assert!(unzipped.contains("it unpacks to more than Lambda's 4999 bytes"), "{unzipped}");
    matrix.limits.unzipped_bytes = 5000;
    matrix.limits.zipped_bytes = 10;
    let zipped = archive_error(&matrix, &files);
    assert!(zipped.contains("bytes zipped, and Lambda takes 10"), "{zipped}");
}

#[cfg(target_arch = "x86_64")]
fn emulated(model: &str) -> Cpu {
    Cpu::Emulated { machine: std::env::consts::ARCH.to_owned(), model: model.to_owned() }
}

#[cfg(target_arch = "x86_64")]
const NEW_CPU: [&str; 4] = ["-O3", "-ffast-math", "-march=skylake-avx512", "-mprefer-vector-width=512"];

#[cfg(target_arch = "x86_64")]
#[test]
fn what_is_compiled_for_avx512_throughout_meets_an_illegal_instruction_which_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let executable = specimen(folder.path(), "bootstrap", &NEW_CPU);
    for model in MODELS {
        let named = format!("illegal instruction on {model}: built for a newer CPU");
        // It is the worker that computes, a program that the program executes.
        match start(&executable, &emulated(model), "hayro").unwrap() {
            Start::Failed(why) => assert!(why.starts_with(&named), "{why}"),
            Start::Ready => panic!("it started on {model}"),
        }
        let version = runs::says_version(&executable, &emulated(model)).unwrap_err().to_string();
        assert!(version.contains(&named), "{version}");
        let drawn = pictures::render(&executable, &emulated(model), "hayro", folder.path()).unwrap_err();
        assert!(format!("{drawn:#}").starts_with(&format!("text-1: {named}")), "{drawn:#}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn what_is_compiled_for_every_cpu_starts_on_an_old_one_and_says_why_if_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let executable = specimen(folder.path(), "bootstrap", &["-O3", "-ffast-math"]);
    for model in MODELS {
        let cpu = emulated(model);
        assert!(cpu.prove(&executable).unwrap().contains(model));
        assert_eq!(start(&executable, &cpu, "hayro").unwrap(), Start::Ready);
        match start(&executable, &cpu, "ghostscript").unwrap() {
            Start::Failed(why) => assert!(why.contains("ghostscript is not in this build."), "{why}"),
            Start::Ready => panic!("it started with an engine that is not there"),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_program_that_no_emulator_runs_is_noticed() {
    // A CPU model that does not exist is what proves the emulator, and without one it is passed by.
    let missing = emulated("Nehalem-v1").prove(Path::new("/nowhere/bootstrap")).unwrap_err().to_string();
    assert!(missing.starts_with("proot runs programs without qemu-x86_64-static"), "{missing}");
}

#[test]
fn a_cell_names_what_it_must_not_have() {
    let matrix = Matrix::of_this_workspace().unwrap();
    assert_eq!(others(&matrix, &cell(&matrix, "hayro", "musl-static")), ["mupdf", "pdfium"]);
    assert_eq!(others(&matrix, &cell(&matrix, "all", "musl-static")), [""; 0]);
}
