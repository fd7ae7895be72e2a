//! Directories for what is written and thrown away.

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A directory in memory where there is one, so that no disk is in the figures.
///
/// # Errors
///
/// If no directory can be made there nor in the usual place for temporary files.
pub fn in_memory() -> Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).context("failed to make a directory")
}

/// A directory below another.
///
/// # Errors
///
/// If it cannot be made.
pub fn below(parent: &Path) -> Result<TempDir> {
    tempfile::tempdir_in(parent)
        .with_context(|| format!("failed to make a directory in {}", parent.display()))
}
