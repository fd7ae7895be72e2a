//! Shows that the same sources give the same bytes, wherever they lie.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{Cell, Layout, Matrix, build, package};

/// Two folders whose paths differ in name and in length.
const FOLDERS: [&str; 2] = ["first", "second/in-a-longer-path"];

/// Builds and packages the last commit in two folders, each from nothing, and compares the archives byte for byte.
///
/// # Errors
///
/// If a build fails, or the archives differ; the message names the files within them that do.
pub fn reproduce(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<()> {
    let root = layout.cargo_target("reproduce");
    // What an earlier attempt has left would not be built from nothing.
    let _ = fs::remove_dir_all(&root);
    let mut archives = Vec::new();
    for folder in FOLDERS {
        let folder = root.join(folder);
        clone(layout.workspace(), &folder)?;
        let there = Layout::new(folder.clone(), folder.join("target"));
        let one = std::slice::from_ref(cell);
        ensure!(build::build(matrix, &there, one)?, "{cell} cannot be built in {}", folder.display());
        ensure!(package::package(matrix, &there, one)?, "{cell} cannot be packaged in {}", folder.display());
        let mut of_it = BTreeMap::new();
        for (path, file) in crate::record::files_in(&there.dist())? {
            of_it.insert(path, file);
        }
        for (path, file) in crate::record::files_in(&there.lambda(cell))? {
            of_it.insert(format!("{cell}/{path}"), file);
        }
        archives.push(of_it);
    }
    let differ: Vec<_> = archives[0]
        .iter()
        .filter(|(path, file)| archives[1].get(*path) != Some(file))
        .map(|(path, _)| path)
        .collect();
    if !differ.is_empty() || archives[0].len() != archives[1].len() {
        bail!("two builds of {cell} differ in {differ:?}; they are in {}", root.display());
    }
    for (path, file) in &archives[0] {
        println!("{}  {path}", file.sha256);
    }
    println!("{cell}: two builds in two folders are equal, {} files", archives[0].len());
    fs::remove_dir_all(&root).with_context(|| format!("failed to remove {}", root.display()))
}

/// Clones the repository, as it was last committed.
fn clone(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("git").args(["clone", "--quiet"]).arg(from).arg(to).output();
    let output = output.context("failed to start git, which copies the sources")?;
    ensure!(output.status.success(), "git cannot clone: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
