//! Libraries for Python as peers: each is called by a small script, as a user would write it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::machine::Executable;

/// The scripts of `benches/peers`, which are in this executable so that it can be taken elsewhere.
const SCRIPTS: [(&str, &str); 5] = [
    ("peer.py", include_str!("../../peers/peer.py")),
    ("render_pymupdf.py", include_str!("../../peers/render_pymupdf.py")),
    ("render_pypdfium2.py", include_str!("../../peers/render_pypdfium2.py")),
    ("render_pdf2image.py", include_str!("../../peers/render_pdf2image.py")),
    ("render_pyvips.py", include_str!("../../peers/render_pyvips.py")),
];

/// What a script says of its library.
#[derive(Debug, Deserialize)]
struct Described {
    version: String,
    /// The file that draws.
    file: PathBuf,
}

/// The file name of the script for a library; not the library's own, which Python would take for it.
pub(super) fn script_name(library: &str) -> String {
    format!("render_{library}.py")
}

/// Writes the scripts into a directory below another; where they are.
pub(super) fn write_scripts(parent: &Path) -> Result<PathBuf> {
    let directory = parent.join("scripts");
    fs::create_dir(&directory).with_context(|| format!("failed to make {}", directory.display()))?;
    for (name, text) in SCRIPTS {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(directory)
}

/// Has a script say which version of its library there is, and in which file.
pub(super) fn describe(python: &Path, script: &Path) -> Result<Executable> {
    let output = Command::new(python)
        .arg(script)
        .arg("--describe")
        .output()
        .with_context(|| format!("{} cannot be started", python.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{}: {}", python.display(), said.trim().lines().last().unwrap_or("it failed silently"));
    }
    let Described { version, file } = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} says something else than its version", script.display()))?;
    Executable::read(file, version)
}

#[cfg(test)]
mod tests {
    use super::super::PROGRAMS;
    use super::*;

    #[test]
    fn every_library_of_the_table_has_its_script() {
        let libraries =
            PROGRAMS.iter().filter(|it| SCRIPTS.iter().any(|(name, _)| *name == script_name(it.name)));
        assert_eq!(libraries.count() + 1, SCRIPTS.len());
    }

    #[test]
    fn a_library_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let python = dir.path().join("python");
        fs::write(&python, "#!/bin/sh\necho Traceback >&2; echo 'No module named it' >&2; exit 1\n").unwrap();
        let refused = || describe(&python, Path::new("script")).unwrap_err().to_string();
        assert!(refused().contains("cannot be started"), "{}", refused());
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refused().contains("No module named it"), "{}", refused());
    }
}
