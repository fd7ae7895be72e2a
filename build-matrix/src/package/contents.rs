use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{MetadataCommand, Package, PackageName};
use serde::Deserialize;

use crate::{Cell, Layout, Matrix};

/// What a cell's executables contain of Rust packages and of code that comes with them.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The Rust packages, by name and version.
    pub packages: Vec<Package>,
    /// Code in C, and fonts.
    pub components: Vec<Component>,
    /// Where `mupdf-sys` is, if MuPDF is in: its source has MuPDF's licences.
    pub mupdf_source: Option<PathBuf>,
}

/// Other people's code in an executable that is no Rust package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What it is called.
    pub name: String,
    /// Its version, if its sources say it.
    pub version: Option<String>,
    /// Its licence, as an SPDX expression.
    pub licence: String,
}

/// A Rust package that brings components.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carrier {
    /// The package that has their sources.
    package: String,
    /// Its version when the list was written.
    version: String,
    /// The package that compiles them.
    of: String,
    component: Vec<Component>,
}

#[derive(Debug, Deserialize)]
struct Carriers {
    carrier: Vec<Carrier>,
}

impl Contents {
    /// Asks cargo what is compiled into a cell's `bootstrap` and `pdf2img`.
    ///
    /// # Errors
    ///
    /// If cargo fails, or a package has come to carry another version of what `components.toml` describes.
    pub fn of(matrix: &Matrix, layout: &Layout, cell: &Cell) -> Result<Contents> {
        let manifest = layout.workspace().join("Cargo.toml");
        let all = MetadataCommand::new()
            .manifest_path(&manifest)
            .other_options(["--locked".to_owned(), "--all-features".to_owned()])
            .exec()
            .context("cargo metadata has failed")?
            .packages;
        let features: Vec<_> = cell
            .backends(matrix)
            .iter()
            .chain(&matrix.allocator[&cell.allocator].features)
            .cloned()
            .collect();
        let mut names = tree(layout, "pdf2img", &features, &cell.triple(matrix))?;
        names.extend(tree(layout, "pdf2img-cli", &features, &cell.triple(matrix))?);
        if cell.has_pdfium(matrix) && cell.is_static(matrix) {
            let triple = format!("{}-unknown-linux-gnu", cell.machine(matrix));
            names.extend(tree(layout, "pdf2img", &["pdfium-worker".to_owned()], &triple)?);
        }
        let mut packages = Vec::new();
        for (name, version) in &names {
            let found = all.iter().find(|it| it.name.as_str() == name && it.version.to_string() == *version);
            packages.push(found.with_context(|| format!("cargo metadata has no {name} {version}"))?.clone());
        }

        let mut components = Vec::new();
        for carrier in carriers()? {
            let source = all.iter().find(|it| it.name.as_str() == carrier.package);
            if names.iter().any(|(name, _)| *name == carrier.of) {
                let has = source.map(|it| it.version.to_string()).unwrap_or_default();
                ensure!(
                    has == carrier.version,
                    "{} is {has}, and build-matrix/components.toml describes {}: read what it contains now",
                    carrier.package,
                    carrier.version
                );
                components.extend(carrier.component);
            }
        }
        let has_mupdf = names.iter().any(|(name, _)| name == "render-mupdf");
        let mupdf = all.iter().find(|it| has_mupdf && it.name.as_str() == "mupdf-sys");
        let mupdf_source =
            mupdf.and_then(|it| it.manifest_path.parent()).map(|it| it.as_std_path().join("mupdf"));
        Ok(Contents { packages, components, mupdf_source })
    }

    /// The package of that name.
    pub fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|it| it.name == PackageName::new(name.to_owned()))
    }
}

fn carriers() -> Result<Vec<Carrier>> {
    let Carriers { carrier } = toml::from_str(include_str!("../../components.toml"))
        .context("build-matrix/components.toml is wrong")?;
    Ok(carrier)
}

/// Names and versions of all that is linked into a package's executables for a target.
fn tree(
    layout: &Layout,
    package: &str,
    features: &[String],
    triple: &str,
) -> Result<BTreeSet<(String, String)>> {
    let output = Command::new("cargo")
        .current_dir(layout.workspace())
        .args([
            "tree",
            "--locked",
            "--package",
            package,
            "--no-default-features",
            "--features",
            &features.join(","),
        ])
        .args(["--target", triple, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .output()
        .context("failed to start cargo")?;
    ensure!(
        output.status.success(),
        "cargo tree has failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let packages = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        // Macros run in the compiler and leave nothing of themselves.
        if line.contains("(proc-macro)") {
            return None;
        }
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(cell: &str) -> Contents {
        let matrix = Matrix::of_this_workspace().unwrap();
        let cell = matrix.select(&[cell.to_owned()]).unwrap().remove(0);
        Contents::of(&matrix, &Layout::of_this_workspace(), &cell).unwrap()
    }

    #[test]
    fn what_is_compiled_in_is_listed_and_what_is_not_is_not() {
        let mupdf = contents("mupdf-musl-static-arm64-mimalloc");
        for name in ["render-mupdf", "aws-sdk-s3", "libmimalloc-sys", "mozjpeg-sys"] {
            assert!(mupdf.package(name).is_some(), "{name}");
        }
        for name in ["render-hayro", "render-pdfium", "thiserror-impl", "corpus", "proptest"] {
            assert!(mupdf.package(name).is_none(), "{name}");
        }
        assert!(mupdf.components.iter().any(|it| it.name == "MuPDF"));
        assert!(mupdf.mupdf_source.unwrap().join("COPYING").exists());
    }

    #[test]
    fn a_build_with_hayro_alone_has_nothing_of_mupdf() {
        let hayro = contents("hayro-glibc-dynamic-amd64-system");
        assert!(hayro.package("hayro").is_some());
        assert!(hayro.components.iter().all(|it| !it.licence.contains("AGPL")), "{:?}", hayro.components);
        assert_eq!(hayro.mupdf_source, None);
    }

    #[test]
    fn the_worker_of_a_static_cell_counts() {
        assert!(contents("all-musl-static-amd64-system").package("pdfium-render").is_some());
    }
}
