use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{Layout, Matrix};

/// The programs that build, and what they say of themselves.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The driver of cargo and zig.
    pub cargo_zigbuild: PathBuf,
    /// The search path with zig on it.
    pub path: OsString,
    /// The versions, by name.
    pub versions: BTreeMap<String, String>,
    /// The commit of the sources, with `-dirty` if they differ from it.
    pub commit: String,
    /// Where cargo keeps the sources of other people's crates.
    pub cargo_home: PathBuf,
    strip: PathBuf,
}

impl Tools {
    /// Finds the tools that the set-up has installed.
    ///
    /// # Errors
    ///
    /// If one is missing or has not the version that `matrix.toml` pins; the message says what to run.
    pub fn find(matrix: &Matrix, layout: &Layout) -> Result<Tools> {
        let bin = output(
            Command::new("bash").arg(layout.workspace().join("scripts/setup.sh")).arg("--print-path"),
        )?;
        let cargo_zigbuild = Path::new(&bin).join(format!("cargo-zigbuild{}", env::consts::EXE_SUFFIX));
        ensure!(
            cargo_zigbuild.exists(),
            "{} is missing: run scripts/setup.sh matrix",
            cargo_zigbuild.display()
        );
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(PathBuf::from(&bin)).chain(env::split_paths(&path)))
            .context("a directory of the search path cannot be named in one")?;

        let zigbuild = output(Command::new(&cargo_zigbuild).arg("--version"))?;
        let zig = output(Command::new(Path::new(&bin).join("python")).args(["-m", "ziglang", "version"]))?;
        let rustc = output(Command::new("rustc").arg("--version"))?;
        let versions: BTreeMap<_, _> = [
            ("rust", word(&rustc, 1), &matrix.tools.rust),
            ("cargo-zigbuild", word(&zigbuild, 1), &matrix.tools.cargo_zigbuild),
            ("zig", zig.clone(), &matrix.tools.zig),
        ]
        .into_iter()
        .map(|(name, has, pinned)| {
            if has != *pinned {
                eprintln!(
                    "{name} is {has}, and build-matrix/matrix.toml pins {pinned}: the bytes may differ"
                );
            }
            (name.to_owned(), has)
        })
        .collect();

        let cargo_home = match env::var_os("CARGO_HOME") {
            Some(home) => PathBuf::from(home),
            None => env::home_dir().context("there is no home directory: set CARGO_HOME")?.join(".cargo"),
        };
        Ok(Tools {
            cargo_zigbuild,
            path,
            versions,
            commit: commit(layout.workspace()),
            cargo_home,
            strip: strip_of_rust()?,
        })
    }

    /// Writes an executable without its symbols.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written.
    pub fn strip(&self, from: &Path, to: &Path) -> Result<()> {
        output(Command::new(&self.strip).arg("--strip-all").arg("-o").arg(to).arg(from))
            .with_context(|| format!("failed to strip {}", from.display()))?;
        Ok(())
    }

    /// The directory with PDFium's library for a machine, and with the texts of its licences, as it is shipped.
    ///
    /// # Errors
    ///
    /// If the set-up has not installed it.
    pub fn pdfium(&self, layout: &Layout, machine: &str) -> Result<PathBuf> {
        let setup = layout.workspace().join("scripts/setup.sh");
        let library =
            PathBuf::from(output(Command::new("bash").arg(setup).args(["--print-pdfium", machine]))?);
        ensure!(library.exists(), "{} is missing: run scripts/setup.sh matrix", library.display());
        let installed = library.parent().context("the library is in no directory")?;
        let shipped = layout.cargo_target("pdfium").join(machine);
        let licences = shipped.join("pdfium-licenses");
        fs::create_dir_all(&licences).with_context(|| format!("failed to make {}", licences.display()))?;
        super::copy(&library, &shipped.join("libpdfium.so"))?;
        super::copy_tree(&installed.join("licenses"), &licences)?;
        Ok(shipped)
    }
}

#[cfg(test)]
impl Tools {
    /// Tools that nobody calls.
    pub(super) fn for_tests(cargo_home: &str) -> Tools {
        Tools {
            cargo_zigbuild: PathBuf::new(),
            path: OsString::new(),
            versions: BTreeMap::new(),
            commit: String::new(),
            cargo_home: PathBuf::from(cargo_home),
            strip: PathBuf::new(),
        }
    }
}

/// `llvm-strip` of the component `llvm-tools`, which knows every architecture on every host.
fn strip_of_rust() -> Result<PathBuf> {
    let rustc = output(Command::new("rustc").arg("-vV"))?;
    let host =
        rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let strip = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(host)
        .join("bin")
        .join(format!("llvm-strip{}", env::consts::EXE_SUFFIX));
    ensure!(strip.exists(), "{} is missing: run rustup component add llvm-tools", strip.display());
    Ok(strip)
}

fn commit(workspace: &Path) -> String {
    let git = |arguments: &[&str]| output(Command::new("git").current_dir(workspace).args(arguments));
    match (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain"])) {
        (Ok(commit), Ok(changes)) if changes.is_empty() => commit,
        (Ok(commit), _) => commit + "-dirty",
        (Err(_), _) => "unknown".to_owned(),
    }
}

fn word(text: &str, index: usize) -> String {
    text.split_whitespace().nth(index).unwrap_or_default().to_owned()
}

/// What a command writes, without the line's end.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("failed to start {name}"))?;
    ensure!(
        output.status.success(),
        "{name} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
