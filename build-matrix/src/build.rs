//! Has cargo and zig make the executables of cells, the same bytes from the same sources.

mod tools;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

pub use self::tools::Tools;
use crate::record::{self, Built};
use crate::{Cell, Layout, Matrix, Stage, run};

/// How many experiments are built side by side: cargo keeps two cores busy but for the last minute of each, when one
/// core links.
const LANES: usize = 2;

/// The time that compilers write where sources ask for it: 1980-01-01, the first that a zip can hold.
pub const SOURCE_DATE_EPOCH: u64 = 315_532_800;

/// Builds the executables of each cell and keeps a record of each; whether it worked for all.
///
/// Cells share what is compiled for the same target, and all of them what is compiled for this machine: macros and
/// the programs that build others. So they are built one after the other; experiments, which share nothing, two at
/// the same time. cargo builds again only what has changed.
///
/// # Errors
///
/// If a tool is missing, or a record cannot be kept. A cell that fails is recorded.
pub fn build(matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    let tools = Tools::find(matrix, layout)?;
    let mut lanes: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        lanes.entry(Target::of(matrix, cell)?.lane(matrix)).or_default().push(cell);
    }
    let lanes = Mutex::new(lanes.into_values().collect::<Vec<_>>());
    let works = AtomicBool::new(true);
    let take = || lanes.lock().ok()?.pop();
    let work = || -> Result<()> {
        while let Some(lane) = take() {
            for cell in lane {
                let built =
                    run(Stage::Build, cell, layout, None, || build_cell(matrix, layout, &tools, cell))?;
                works.fetch_and(built, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..LANES).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|it| it.join().map_err(|_| anyhow::anyhow!("a build has panicked"))?)
    })?;
    Ok(works.into_inner())
}

/// What is compiled for: a triple, for an oldest glibc, with the flags of an experiment.
struct Target {
    triple: String,
    glibc: Option<String>,
    /// Flags for rustc that everything for this machine is compiled with.
    rust_flags: String,
    /// The same for the C compiler.
    c_flags: String,
    experiment: Option<crate::matrix::Experiment>,
}

impl Target {
    fn of(matrix: &Matrix, cell: &Cell) -> Result<Target> {
        Ok(Target {
            triple: cell.triple(matrix),
            glibc: (!cell.is_static(matrix)).then(|| matrix.glibc.floor.clone()),
            rust_flags: matrix.arch[&cell.arch].rust_flags.clone(),
            c_flags: matrix.libc[&cell.libc].c_flags.clone(),
            experiment: cell
                .experiment
                .as_deref()
                .map(|name| matrix.experiment(name).cloned())
                .transpose()?,
        })
    }

    /// That of the worker that loads PDFium for a static `bootstrap`.
    fn of_pdfium_worker(matrix: &Matrix, cell: &Cell) -> Target {
        Target {
            triple: format!("{}-unknown-linux-gnu", cell.machine(matrix)),
            glibc: Some(matrix.glibc.floor.clone()),
            rust_flags: matrix.arch[&cell.arch].rust_flags.clone(),
            c_flags: String::new(),
            experiment: None,
        }
    }

    /// As cargo-zigbuild takes it.
    fn name(&self) -> String {
        self.glibc.iter().fold(self.triple.clone(), |triple, glibc| format!("{triple}.{glibc}"))
    }

    /// The directory that cargo builds in: one for all cells, told apart by what cargo does not see or what changes
    /// every crate, which are the oldest glibc and the flags of an experiment.
    fn lane(&self, matrix: &Matrix) -> String {
        let lane = format!("glibc-{}", matrix.glibc.floor);
        self.experiment.iter().fold(lane, |name, experiment| format!("{name}+{}", experiment.name))
    }
}

fn build_cell(matrix: &Matrix, layout: &Layout, tools: &Tools, cell: &Cell) -> Result<Built> {
    let target = Target::of(matrix, cell)?;
    let allocator = &matrix.allocator[&cell.allocator].features;
    let features: Vec<&str> = cell.backends(matrix).iter().chain(allocator).map(String::as_str).collect();
    let of_both: Vec<_> =
        features.iter().flat_map(|it| [format!("pdf2img/{it}"), format!("pdf2img-cli/{it}")]).collect();
    let log = layout.log(cell, "build");
    let mut packages = vec!["-p", "pdf2img", "--bin", "bootstrap"];
    // An experiment is about the function alone.
    if cell.experiment.is_none() {
        packages.extend(["-p", "pdf2img-cli", "--bin", "pdf2img"]);
    }
    let of_both: Vec<_> =
        of_both.into_iter().filter(|it| cell.experiment.is_none() || it.starts_with("pdf2img/")).collect();
    packages.extend(["--no-default-features", "--features"]);
    let features_of_both = of_both.join(",");
    packages.push(&features_of_both);
    let out = compile(matrix, layout, tools, &target, &packages, &log)?;

    let lambda = layout.lambda(cell);
    let command = layout.command(cell);
    let symbols = layout.symbols(cell);
    for directory in [&lambda, &command, &symbols] {
        // What an older build of other engines has left is not part of this one.
        let _ = fs::remove_dir_all(directory);
        fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
    }
    copy(&out.join("bootstrap"), &symbols.join("bootstrap"))?;
    tools.strip(&out.join("bootstrap"), &lambda.join("bootstrap"))?;
    if cell.has_pdfium(matrix) {
        let beside = tools.pdfium(layout, cell.machine(matrix))?;
        copy_tree(&beside, &lambda.join("lib"))?;
        if cell.is_static(matrix) {
            let target = Target::of_pdfium_worker(matrix, cell);
            let packages = [
                "-p",
                "pdf2img",
                "--bin",
                "pdfium-worker",
                "--no-default-features",
                "--features",
                "pdfium-worker",
            ];
            let log = layout.log(cell, "build-pdfium-worker");
            let out = compile(matrix, layout, tools, &target, &packages, &log)?;
            copy(&out.join("pdfium-worker"), &symbols.join("pdfium-worker"))?;
            tools.strip(&out.join("pdfium-worker"), &lambda.join("pdfium-worker"))?;
        }
    }
    if cell.experiment.is_none() {
        copy_tree(&lambda, &command)?;
        tools.strip(&out.join("pdf2img"), &command.join("pdf2img"))?;
    }

    let mut files = BTreeMap::new();
    for (name, directory) in [("lambda", &lambda), ("command", &command)] {
        for (path, file) in record::files_in(directory)? {
            files.insert(format!("{name}/{path}"), file);
        }
    }
    Ok(Built {
        commit: tools.commit.clone(),
        tools: tools.versions.clone(),
        target: target.name(),
        features: features.into_iter().map(str::to_owned).collect(),
        files,
    })
}

/// Calls cargo for a target, and says where the executables are.
fn compile(
    matrix: &Matrix,
    layout: &Layout,
    tools: &Tools,
    target: &Target,
    packages: &[&str],
    log: &Path,
) -> Result<PathBuf> {
    let directory = layout.cargo_target(&target.lane(matrix));
    let mut cargo = Command::new(&tools.cargo_zigbuild);
    cargo
        .current_dir(layout.workspace())
        .args(["zigbuild", "--release", "--locked", "--target", &target.name()])
        .args(packages);
    for (name, value) in environment(layout, tools, target, &directory)? {
        cargo.env(name, value);
    }
    // Flags that somebody has set for programs of his own, such as `target-cpu=native`, have no place in one that
    // runs elsewhere.
    for name in ["RUSTFLAGS", "CFLAGS", "CXXFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(name);
    }
    run_logged(&mut cargo, log)?;
    Ok(directory.join(&target.triple).join("release"))
}

/// What cargo is told by variables.
fn environment(
    layout: &Layout,
    tools: &Tools,
    target: &Target,
    directory: &Path,
) -> Result<Vec<(String, OsString)>> {
    // The folders of this machine must not be in what is made on it.
    let places = [
        (layout.workspace().to_owned(), "/pdf2img"),
        (tools.cargo_home.clone(), "/cargo"),
        (directory.to_owned(), "/target"),
    ];
    let mut rust_flags = Vec::new();
    let mut c_flags = Vec::new();
    for (place, name) in places {
        let place = place.to_str().with_context(|| format!("{} is not UTF-8", place.display()))?.to_owned();
        ensure!(
            !place.contains(char::is_whitespace),
            "{place} has a blank in it, which C compilers' flags cannot name: move the folder"
        );
        rust_flags.push(format!("--remap-path-prefix={place}={name}"));
        c_flags.push(format!("-ffile-prefix-map={place}={name}"));
    }
    let mut variables = vec![
        ("CARGO_TARGET_DIR".to_owned(), directory.into()),
        ("PATH".to_owned(), tools.path.clone()),
        ("SOURCE_DATE_EPOCH".to_owned(), SOURCE_DATE_EPOCH.to_string().into()),
        // The symbols say what takes the bytes; what is shipped is stripped afterwards.
        ("CARGO_PROFILE_RELEASE_STRIP".to_owned(), "none".into()),
        ("CARGO_TERM_PROGRESS_WHEN".to_owned(), "never".into()),
        ("CARGO_TERM_COLOR".to_owned(), "never".into()),
    ];
    // They take the place of those in `.cargo/config.toml`; the last of a kind holds.
    rust_flags.extend(target.rust_flags.split_whitespace().map(str::to_owned));
    c_flags.extend(target.c_flags.split_whitespace().map(str::to_owned));
    if let Some(experiment) = &target.experiment {
        rust_flags.extend(experiment.rust_flags.split_whitespace().map(str::to_owned));
        c_flags.extend(experiment.c_flags.split_whitespace().map(str::to_owned));
        variables.extend(experiment.env.iter().map(|(name, value)| (name.clone(), value.into())));
    }
    variables.push(("CARGO_ENCODED_RUSTFLAGS".to_owned(), rust_flags.join("\x1f").into()));
    variables.push((format!("CFLAGS_{}", target.triple.replace('-', "_")), c_flags.join(" ").into()));
    Ok(variables)
}

/// Runs a command whose output goes to a file; an error has the end of it.
pub(crate) fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    if let Some(directory) = log.parent() {
        fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
    }
    let file = File::create(log).with_context(|| format!("failed to make {}", log.display()))?;
    let also = file.try_clone().context("failed to share the log")?;
    let status = command
        .stdout(file)
        .stderr(also)
        .status()
        .with_context(|| format!("failed to start {}", command.get_program().display()))?;
    if status.success() {
        return Ok(());
    }
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(30)..].join("\n");
    bail!(
        "{} ended with {status}; all it said is in {}, which ends:\n{tail}",
        command.get_program().display(),
        log.display()
    )
}

/// Copies a file over another, with its mode.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("failed to copy {} to {}", from.display(), to.display());
    fs::copy(from, to).with_context(failed)?;
    Ok(())
}

/// Copies what is in a directory, links followed.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("failed to make {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("failed to list {}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to list {}", from.display()))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() { copy_tree(&source, &target)? } else { copy(&source, &target)? }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(cell: &str) -> Target {
        let matrix = Matrix::of_this_workspace().unwrap();
        let cell = matrix.select(&[cell.to_owned()]).unwrap().remove(0);
        Target::of(&matrix, &cell).unwrap()
    }

    fn tools() -> Tools {
        Tools::for_tests("/home/me/.cargo")
    }

    #[test]
    fn a_target_names_the_oldest_glibc_and_only_what_changes_every_crate_builds_apart() {
        let mut matrix = Matrix::of_this_workspace().unwrap();
        let dynamic = target("mupdf-glibc-dynamic-arm64-system");
        assert_eq!(dynamic.name(), "aarch64-unknown-linux-gnu.2.34");
        let experiment = target("mupdf-musl-static-amd64-system+opt-s");
        assert_eq!(experiment.name(), "x86_64-unknown-linux-musl");
        assert_eq!(dynamic.lane(&matrix), target("all-musl-static-amd64-mimalloc").lane(&matrix));
        assert_eq!(experiment.lane(&matrix), format!("{}+opt-s", dynamic.lane(&matrix)));
        let before = dynamic.lane(&matrix);
        matrix.glibc.floor = "2.26".into();
        assert_ne!(dynamic.lane(&matrix), before);
    }

    #[test]
    fn the_folders_of_this_machine_are_named_away_for_both_compilers() {
        let layout = Layout::new("/home/me/pdf2img".into(), "/tmp/target".into());
        let target = target("mupdf-musl-static-amd64-system+avx2");
        let variables = environment(&layout, &tools(), &target, Path::new("/tmp/target/x")).unwrap();
        let value = |name: &str| {
            let found = variables.iter().find(|(it, _)| it == name);
            found.unwrap_or_else(|| panic!("{name} is not set")).1.to_str().unwrap().to_owned()
        };
        let c_flags = value("CFLAGS_x86_64_unknown_linux_musl");
        for flag in ["-ffile-prefix-map=/home/me/pdf2img=/pdf2img", "-march=x86_64_v3"] {
            assert!(c_flags.split(' ').any(|it| it == flag), "{c_flags}");
        }
        let rust_flags = value("CARGO_ENCODED_RUSTFLAGS");
        let rust_flags: Vec<_> = rust_flags.split('\x1f').collect();
        assert!(rust_flags.contains(&"--remap-path-prefix=/home/me/.cargo=/cargo"), "{rust_flags:?}");
        assert!(
            rust_flags.ends_with(&["-Ctarget-cpu=x86-64-v2", "-Ctarget-cpu=x86-64-v3"]),
            "{rust_flags:?}"
        );
    }

    #[test]
    fn a_folder_with_a_blank_is_an_error_that_names_it() {
        let layout = Layout::new("/home/me/my sources".into(), "/tmp/target".into());
        let target = target("mupdf-musl-static-arm64-system");
        let error = environment(&layout, &tools(), &target, Path::new("/tmp/target/x")).unwrap_err();
        assert!(error.to_string().contains("/home/me/my sources has a blank"), "{error}");
    }

    #[test]
    fn the_error_of_a_command_has_the_end_of_what_it_said() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("logs/build.log");
        let mut command = Command::new("sh");
        command.args(["-c", "seq 100; echo linker not found >&2; exit 3"]);
        let error = run_logged(&mut command, &log).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.ends_with("100\nlinker not found"), "{error}");
        assert!(!error.contains("\n50\n"), "{error}");
    }
}
