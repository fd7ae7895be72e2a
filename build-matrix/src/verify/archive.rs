//! Checks a zip for Lambda, made here or downloaded.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::contents::{self, Package, contains};
use super::findings::Findings;
use super::package_files::PackageFiles;
use crate::record::Check;
use crate::{Cell, Matrix};

/// A line of each licence that an SPDX expression may name, by which its text is known.
const LICENCES: [(&str, &str); 3] = [
    ("AGPL-3.0", "GNU AFFERO GENERAL PUBLIC LICENSE"),
    ("MIT", "Permission is hereby granted, free of charge"),
    ("Apache-2.0", "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"),
];

/// Checks of a zip that it is a cell's and that Lambda can start it: `bootstrap` at its root with its executable bit,
/// for the machine, with the libraries that it needs, within the limits, with the licence texts.
///
/// Nothing is run: what runs is proven of a cell's files before they are packaged.
///
/// # Errors
///
/// If the zip cannot be read; or all that is wrong with it.
pub fn archive(matrix: &Matrix, cell: &Cell, zip: &Path) -> Result<Vec<Check>> {
    let mut findings = Findings::default();
    let bytes = fs::metadata(zip).with_context(|| format!("failed to open {}", zip.display()))?.len();
    let limits = &matrix.limits;
    findings.note("the zip", "size", within(bytes, limits.zipped_bytes, "zipped"));
    let files = PackageFiles::of_zip(zip, limits.unzipped_bytes)?;
    findings.note("all files", "size", within(files.bytes(), limits.unzipped_bytes, "unzipped"));
    contents::check(&mut findings, matrix, cell, Package::Lambda, &files)?;
    let licence = &matrix.engines[&cell.engines].licence;
    for (name, line) in LICENCES.iter().filter(|(name, _)| licence.contains(name)) {
        // The executables have texts in them too, which nobody finds there.
        let is_text = |bytes: &[u8]| !bytes.starts_with(b"\x7fELF");
        let found = files.iter().find(|(_, it)| is_text(&it.bytes) && contains(&it.bytes, line.as_bytes()));
        let outcome = found.map(|(path, _)| path.to_owned()).ok_or_else(|| {
            format!("it is {licence}, and no file of the zip has the text of {name}; a package needs LICENSE beside bootstrap")
        });
        findings.note("the zip", format_args!("text of {name}"), outcome);
    }
    findings.into_checks().with_context(|| format!("{} is not what {cell} has to be", zip.display()))
}

fn within(bytes: u64, limit: u64, what: &str) -> Result<String, String> {
    if bytes <= limit {
        Ok(format!("{bytes} bytes, of {limit}"))
    } else {
        Err(format!(
            "it has {bytes} bytes {what}, and Lambda takes {limit}; leave an engine out, or use a container image"
        ))
    }
}
