//! The files of a package, from a directory or from an archive.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use zip::ZipArchive;

/// The files of a package by their paths in it, with `/` between folders.
#[derive(Debug, Default)]
pub(super) struct PackageFiles(BTreeMap<String, PackageFile>);

/// One file.
#[derive(Debug)]
pub(super) struct PackageFile {
    /// Its permissions; `None` if an archive or a system without such does not say.
    pub(super) mode: Option<u32>,
    /// Its content.
    pub(super) bytes: Vec<u8>,
}

impl PackageFiles {
    /// Reads what is below a directory.
    ///
    /// # Errors
    ///
    /// If it is not there, or a file in it cannot be read.
    pub(super) fn of_directory(directory: &Path) -> Result<PackageFiles> {
        let mut files = BTreeMap::new();
        collect(directory, "", &mut files)
            .with_context(|| format!("failed to read {}", directory.display()))?;
        Ok(PackageFiles(files))
    }

    /// Reads a zip, of which at most so many bytes are unpacked.
    ///
    /// # Errors
    ///
    /// If it is no zip, is damaged, unpacks to more than that, or has a name that leads out of it.
    pub(super) fn of_zip(path: &Path, max_bytes: u64) -> Result<PackageFiles> {
        let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
        let mut archive = ZipArchive::new(BufReader::new(file))
            .with_context(|| format!("{} is no zip, or a damaged one", path.display()))?;
        let mut files = BTreeMap::new();
        let mut left = max_bytes;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            if entry.is_dir() {
                continue;
            }
            let name = entry.name()?.into_owned();
            if entry.enclosed_name().is_none() || name.contains('\\') {
                bail!("{name:?} is a name that Lambda would unpack elsewhere or not at all");
            }
            let mut bytes = Vec::new();
            let mode = entry.unix_mode().map(|it| it & 0o7777);
            // What an entry says of its length may be a lie.
            entry
                .by_ref()
                .take(left + 1)
                .read_to_end(&mut bytes)
                .with_context(|| format!("failed to unpack {name}"))?;
            left = left
                .checked_sub(bytes.len() as u64)
                .with_context(|| format!("it unpacks to more than Lambda's {max_bytes} bytes"))?;
            files.insert(name, PackageFile { mode, bytes });
        }
        Ok(PackageFiles(files))
    }

    /// The file with that path.
    pub(super) fn get(&self, path: &str) -> Option<&PackageFile> {
        self.0.get(path)
    }

    /// All files with their paths.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &PackageFile)> {
        self.0.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Whether a library of that name is where the loader finds it on Lambda, whose `LD_LIBRARY_PATH` has the
    /// package's root and its folder `lib`.
    ///
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
    pub(super) fn has_library(&self, name: &str) -> bool {
        self.0.contains_key(name) || self.0.contains_key(&format!("lib/{name}"))
    }

    /// The bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.0.values().map(|it| it.bytes.len() as u64).sum()
    }
}

fn collect(directory: &Path, prefix: &str, files: &mut BTreeMap<String, PackageFile>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Follows links, as packaging does.
        let metadata = fs::metadata(entry.path()).with_context(|| name.clone())?;
        if metadata.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            let bytes = fs::read(entry.path()).with_context(|| name.clone())?;
            files.insert(name, PackageFile { mode: mode(&metadata), bytes });
        }
    }
    Ok(())
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_metadata: &Metadata) -> Option<u32> {
    None
}
