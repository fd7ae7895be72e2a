use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::Cell;

/// What `matrix.toml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Matrix {
    /// The versions that build.
    pub tools: Tools,
    /// The oldest glibc that has to do.
    pub glibc: Glibc,
    /// Lambda's limits.
    pub limits: Limits,
    /// The sets of engines, by name.
    pub engines: BTreeMap<String, Engines>,
    /// The C libraries, by name.
    pub libc: BTreeMap<String, Libc>,
    /// The architectures, by name.
    pub arch: BTreeMap<String, Arch>,
    /// The allocators, by name.
    pub allocator: BTreeMap<String, Allocator>,
    /// What is made when nothing is named.
    pub default: Default,
    /// The combinations that are left out.
    #[serde(default)]
    pub exclude: Vec<Exclusion>,
    /// The single changes that answer questions.
    #[serde(default)]
    pub experiment: Vec<Experiment>,
}

/// The versions of what builds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tools {
    /// rustc and cargo.
    pub rust: String,
    /// zig, the C compiler and linker.
    pub zig: String,
    /// The driver of the two.
    pub cargo_zigbuild: String,
}

/// The oldest glibc that dynamic executables have to run on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Glibc {
    /// Its version, such as `2.34`.
    pub floor: String,
}

/// Lambda's limits for a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// The longest zip, in bytes.
    pub zipped_bytes: u64,
    /// The most that it may unpack to, in bytes.
    pub unzipped_bytes: u64,
}

/// A set of engines.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engines {
    /// The engines, by the names of cargo features and of `PDF2IMG_BACKEND`.
    pub backends: Vec<String>,
    /// The licence of the whole, as an SPDX expression.
    pub licence: String,
}

/// A C library.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Libc {
    /// Whether it is in the executable.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// Flags for the C compiler.
    #[serde(default)]
    pub c_flags: String,
}

/// An architecture.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Arch {
    /// As `uname -m` and Rust's targets name it.
    pub machine: String,
    /// As Lambda names it.
    pub lambda: String,
    /// The runner of GitHub Actions that is of this architecture.
    pub runner: String,
    /// CPU models of qemu that a cell has to run on.
    pub cpus: Vec<String>,
    /// Flags for rustc: which instructions it may use.
    #[serde(default)]
    pub rust_flags: String,
}

/// An allocator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocator {
    /// The cargo features that link it.
    pub features: Vec<String>,
}

/// The cells that are made when none is named.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Default {
    /// Of these sets of engines.
    pub engines: Vec<String>,
    /// Of these, the cells that are only made when asked for: names or patterns with `*`.
    #[serde(default)]
    pub leave_out: Vec<String>,
}

/// A combination that is left out; an axis that is not given stands for each of its values.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    engines: Option<String>,
    libc: Option<String>,
    arch: Option<String>,
    allocator: Option<String>,
    /// Why.
    pub reason: String,
}

/// One change to a cell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Experiment {
    /// What is behind the plus sign in a cell's name.
    pub name: String,
    /// What it is to answer.
    pub question: String,
    /// Variables for cargo.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Further flags for the C compiler.
    #[serde(default)]
    pub c_flags: String,
    /// Further flags for rustc.
    #[serde(default)]
    pub rust_flags: String,
}

impl Matrix {
    /// The matrix of this workspace.
    ///
    /// # Errors
    ///
    /// If `matrix.toml` cannot be understood, or refers to a name that it does not define.
    pub fn of_this_workspace() -> Result<Matrix> {
        Matrix::parse(include_str!("../matrix.toml")).context("build-matrix/matrix.toml is wrong")
    }

    /// Understands a `matrix.toml`.
    ///
    /// # Errors
    ///
    /// As [`Matrix::of_this_workspace`].
    pub fn parse(text: &str) -> Result<Matrix> {
        let matrix: Matrix = toml::from_str(text)?;
        for exclusion in &matrix.exclude {
            let knows = |axis: &str, name: &Option<String>, is_known: bool| match name {
                Some(name) if !is_known => {
                    bail!("an exclusion names the {axis} {name}, which is not defined")
                }
                _ => Ok(()),
            };
            let Exclusion { engines, libc, arch, allocator, .. } = exclusion;
            knows("engines", engines, engines.as_ref().is_some_and(|it| matrix.engines.contains_key(it)))?;
            knows("libc", libc, libc.as_ref().is_some_and(|it| matrix.libc.contains_key(it)))?;
            knows("arch", arch, arch.as_ref().is_some_and(|it| matrix.arch.contains_key(it)))?;
            knows(
                "allocator",
                allocator,
                allocator.as_ref().is_some_and(|it| matrix.allocator.contains_key(it)),
            )?;
        }
        let cells: Vec<_> = matrix.cells().iter().map(Cell::to_string).collect();
        if let Some(name) =
            matrix.default.leave_out.iter().find(|name| !cells.iter().any(|it| matches(name, it)))
        {
            bail!("the default leaves out {name}, which is no cell");
        }
        if let Some(name) = matrix.default.engines.iter().find(|it| !matrix.engines.contains_key(*it)) {
            bail!("the default names the engines {name}, which are not defined");
        }
        Ok(matrix)
    }

    /// Every cell that is not left out, in the order of their names' axes.
    pub fn cells(&self) -> Vec<Cell> {
        self.combinations().into_iter().filter(|cell| self.exclusion_of(cell).is_none()).collect()
    }

    /// The cells that are made when none is named.
    pub fn default_cells(&self) -> Vec<Cell> {
        let is_left_out =
            |cell: &Cell| self.default.leave_out.iter().any(|it| matches(it, &cell.to_string()));
        let cells = self.cells().into_iter();
        cells.filter(|it| self.default.engines.contains(&it.engines) && !is_left_out(it)).collect()
    }

    /// The cells that are left out, with reasons.
    pub fn excluded(&self) -> Vec<(Cell, &str)> {
        let combinations = self.combinations().into_iter();
        combinations
            .filter_map(|cell| self.exclusion_of(&cell).map(|it| (cell, it.reason.as_str())))
            .collect()
    }

    /// The cells that names or patterns with `*` stand for; experiments by their whole names.
    ///
    /// # Errors
    ///
    /// If one stands for nothing; the message says why, or what there is.
    pub fn select(&self, names: &[String]) -> Result<Vec<Cell>> {
        if names.is_empty() {
            return Ok(self.default_cells());
        }
        let mut selected: Vec<Cell> = Vec::new();
        for name in names {
            let found: Vec<Cell> = match name.split_once('+') {
                Some((base, experiment)) => {
                    self.experiment(experiment)?;
                    let bases = self.cells().into_iter().filter(|cell| matches(base, &cell.to_string()));
                    bases.map(|cell| Cell { experiment: Some(experiment.to_owned()), ..cell }).collect()
                }
                None => self.cells().into_iter().filter(|cell| matches(name, &cell.to_string())).collect(),
            };
            if found.is_empty() {
                if let Some((_, reason)) =
                    self.excluded().iter().find(|(cell, _)| matches(name, &cell.to_string()))
                {
                    bail!("the cell {name} is left out: {reason}");
                }
                let all: Vec<_> = self.cells().iter().map(Cell::to_string).collect();
                bail!("there is no cell {name}; there are:\n  {}", all.join("\n  "));
            }
            for cell in found {
                if !selected.contains(&cell) {
                    selected.push(cell);
                }
            }
        }
        Ok(selected)
    }

    /// The experiment of that name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn experiment(&self, name: &str) -> Result<&Experiment> {
        self.experiment.iter().find(|it| it.name == name).with_context(|| {
            let names: Vec<_> = self.experiment.iter().map(|it| it.name.as_str()).collect();
            format!("there is no experiment {name}; there are {}", names.join(", "))
        })
    }

    fn combinations(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for engines in self.engines.keys() {
            for libc in self.libc.keys() {
                for arch in self.arch.keys() {
                    for allocator in self.allocator.keys() {
                        cells.push(Cell {
                            engines: engines.clone(),
                            libc: libc.clone(),
                            arch: arch.clone(),
                            allocator: allocator.clone(),
                            experiment: None,
                        });
                    }
                }
            }
        }
        cells
    }

    fn exclusion_of(&self, cell: &Cell) -> Option<&Exclusion> {
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        self.exclude.iter().find(|it| {
            is(&it.engines, &cell.engines)
                && is(&it.libc, &cell.libc)
                && is(&it.arch, &cell.arch)
                && is(&it.allocator, &cell.allocator)
        })
    }
}

/// Whether a name is what a pattern says, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|left| {
            (0..=left.len()).any(|end| left.is_char_boundary(end) && matches(rest, &left[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(selected: &[&str]) -> Vec<String> {
        let selected: Vec<_> = selected.iter().map(|&it| it.to_owned()).collect();
        Matrix::of_this_workspace().unwrap().select(&selected).unwrap().iter().map(Cell::to_string).collect()
    }

    #[test]
    fn without_a_name_the_four_variants_of_two_sets_are_made_and_the_allocator_on_musl() {
        let cells = names(&[]);
        assert_eq!(cells.len(), 11, "{cells:?}");
        assert!(cells.contains(&"mupdf-glibc-dynamic-amd64-system".to_owned()), "{cells:?}");
        assert!(cells.contains(&"mupdf-musl-static-arm64-mimalloc".to_owned()), "{cells:?}");
    }

    #[test]
    fn a_pattern_stands_for_the_cells_that_fit_it() {
        assert_eq!(
            names(&["hayro-*-arm64-system"]),
            ["hayro-glibc-dynamic-arm64-system", "hayro-musl-static-arm64-system"]
        );
        assert_eq!(
            names(&["mupdf-musl-static-amd64-system+opt-s"]),
            ["mupdf-musl-static-amd64-system+opt-s"]
        );
    }

    #[test]
    fn what_there_is_not_is_an_error_that_says_why() {
        let matrix = Matrix::of_this_workspace().unwrap();
        let error = |name: &str| matrix.select(&[name.to_owned()]).unwrap_err().to_string();
        assert!(error("mupdf-glibc-dynamic-amd64-mimalloc").contains("left out: mimalloc is there for"));
        assert!(error("ghostscript-*").contains("there are:\n  all-glibc-dynamic-amd64-system"));
        assert!(error("*+opt-9").contains("opt-s, opt-z"));
    }

    #[test]
    fn a_name_that_is_not_defined_is_an_error() {
        let text = include_str!("../matrix.toml").replacen("libc = \"glibc-dynamic\"", "libc = \"glibc\"", 1);
        let error = Matrix::parse(&text).unwrap_err().to_string();
        assert!(error.contains("the libc glibc, which is not defined"), "{error}");
    }

    #[test]
    fn a_cell_has_the_flags_that_every_other_build_has() {
        let config: toml::Table = toml::from_str(include_str!("../../.cargo/config.toml")).unwrap();
        let static_flags = Matrix::of_this_workspace().unwrap().libc["musl-static"].c_flags.clone();
        for machine in ["x86_64", "aarch64"] {
            let name = format!("CFLAGS_{machine}_unknown_linux_musl");
            assert_eq!(config["env"][&name].as_str(), Some(static_flags.as_str()));
        }
        let (target, flags) = config["target"].as_table().unwrap().iter().next().unwrap();
        assert!(target.contains("x86_64"), "{target}");
        let flags: String =
            flags["rustflags"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(Matrix::of_this_workspace().unwrap().arch["amd64"].rust_flags, flags);
    }

    #[test]
    fn the_tools_are_those_that_the_set_up_installs() {
        let tools = Matrix::of_this_workspace().unwrap().tools;
        let pins = include_str!("../../scripts/requirements.txt");
        for pin in [format!("ziglang=={}", tools.zig), format!("cargo-zigbuild=={}", tools.cargo_zigbuild)] {
            assert!(pins.lines().any(|line| line == pin), "{pin} is not in scripts/requirements.txt");
        }
    }
}
