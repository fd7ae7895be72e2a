//! Makes the archives of a cell, the same bytes from the same files on every machine.

mod archive;
mod contents;
mod licences;
mod sbom;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};

pub use self::archive::{Entry, tarball, zip};
pub use self::contents::Contents;
use crate::record::{Built, File, Packaged, Record};
use crate::{Cell, Layout, Matrix, Stage, run, verify};

/// Packages each cell that was built and keeps a record of each; whether it worked for all, and there was one.
///
/// # Errors
///
/// If a record cannot be kept. A cell that fails is recorded; of one that nobody has built, nothing is.
pub fn package(matrix: &Matrix, layout: &Layout, cells: &[Cell]) -> Result<bool> {
    // An experiment answers a question and is not shipped.
    let (known, others): (Vec<&Cell>, Vec<&Cell>) =
        cells.iter().filter(|cell| cell.experiment.is_none()).partition(|cell| was_built(layout, cell));
    for cell in others {
        // A pattern also means cells that nobody has asked for.
        eprintln!("{:>8} {cell}: left out, it is not built: run build-matrix build first", Stage::Package);
    }
    let mut works = !known.is_empty() || cells.iter().all(|cell| cell.experiment.is_some());
    for cell in known {
        works &= run(Stage::Package, cell, layout, None, || package_cell(matrix, layout, cell))?;
    }
    sums(layout)?;
    Ok(works)
}

/// Whether somebody has tried to build it, with or without success.
fn was_built(layout: &Layout, cell: &Cell) -> bool {
    Record::<Built>::read(layout, &cell.to_string(), Stage::Build).is_some()
}

fn package_cell(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<Packaged> {
    let built = Record::<Built>::read(layout, &cell.to_string(), Stage::Build);
    let built =
        built.as_ref().and_then(Record::done).context("it is not built: run build-matrix build first")?;
    let contents = Contents::of(matrix, layout, cell)?;
    let texts = licences::texts(matrix, layout, cell, built, &contents)?;
    let sbom = sbom::of(cell, built, &contents)?;

    let mut function = entries_of(layout, cell, "lambda", built)?;
    let mut command = entries_of(layout, cell, "command", built)?;
    for entries in [&mut function, &mut command] {
        entries.extend(texts.iter().cloned());
        entries.push(Entry::text("sbom.cdx.json", sbom.clone()));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let unzipped_bytes: u64 = function.iter().map(|entry| entry.content.len() as u64).sum();
    let zip = archive::zip(&function)?;
    let folder = format!("pdf2img-{cell}");
    let tarball = archive::tarball(&folder, &command)?;

    let made = [
        (format!("{cell}.zip"), zip),
        (format!("{folder}.tar.gz"), tarball),
        (format!("{cell}.cdx.json"), sbom),
    ];
    let dist = layout.dist();
    fs::create_dir_all(&dist).with_context(|| format!("failed to make {}", dist.display()))?;
    let mut files = BTreeMap::new();
    for (name, content) in made {
        fs::write(dist.join(&name), &content).with_context(|| format!("failed to write {name}"))?;
        files.insert(name, File::of(&content));
    }
    verify::archive(matrix, cell, &dist.join(format!("{cell}.zip")))?;
    Ok(Packaged { files, unzipped_bytes })
}

/// The files of a package as they were built; one that has changed since is an error.
fn entries_of(layout: &Layout, cell: &Cell, kind: &str, built: &Built) -> Result<Vec<Entry>> {
    let directory = if kind == "lambda" { layout.lambda(cell) } else { layout.command(cell) };
    let of_kind = built.files.iter().filter_map(|(path, file)| {
        path.strip_prefix(kind).and_then(|path| path.strip_prefix('/')).map(|path| (path, file))
    });
    let mut entries = Vec::new();
    for (path, file) in of_kind {
        let place = directory.join(path);
        let content = fs::read(&place).with_context(|| format!("failed to read {}", place.display()))?;
        ensure!(
            File::of(&content) == *file,
            "{} is not what was built: run build-matrix build again",
            place.display()
        );
        entries.push(Entry::file(path, content));
    }
    Ok(entries)
}

/// Writes `SHA256SUMS` of all archives that there are, for `sha256sum --check`.
fn sums(layout: &Layout) -> Result<()> {
    let dist = layout.dist();
    if !dist.exists() {
        return Ok(());
    }
    let mut text = String::new();
    for (name, file) in crate::record::files_in(&dist)? {
        if name != "SHA256SUMS" {
            text += &format!("{}  {name}\n", file.sha256);
        }
    }
    fs::write(dist.join("SHA256SUMS"), text).context("failed to write SHA256SUMS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_nobody_has_built_gets_no_record_of_a_failure() {
        let matrix = Matrix::of_this_workspace().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let layout =
            Layout::new(Layout::of_this_workspace().workspace().to_owned(), directory.path().to_owned());
        let cells = matrix.select(&["mupdf-musl-static-*".to_owned()]).unwrap();
        assert!(!package(&matrix, &layout, &cells).unwrap(), "there was nothing to package");
        assert!(!layout.records().exists());

        // One whose build has failed was meant to be there.
        let failed = Record::<Built> {
            cell: cells[0].to_string(),
            seconds: 1.0,
            of: String::new(),
            outcome: crate::record::Outcome::Failed("no compiler".to_owned()),
        };
        failed.write(&layout, Stage::Build).unwrap();
        assert!(!package(&matrix, &layout, &cells).unwrap());
        let record = |cell: &Cell| layout.records().join(cell.to_string()).join("package.json");
        assert!(record(&cells[0]).exists());
        assert!(!record(&cells[1]).exists());
    }
}
