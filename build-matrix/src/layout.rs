use std::env;
use std::path::{Path, PathBuf};

use crate::Cell;

/// Where the sources are, and where everything goes that is made of them.
#[derive(Debug, Clone)]
pub struct Layout {
    workspace: PathBuf,
    target: PathBuf,
}

impl Layout {
    /// The workspace that this program was built in, and Cargo's target directory for it.
    pub fn of_this_workspace() -> Layout {
        let workspace =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
        let target = env::current_dir().map_or_else(|_| target.clone(), |here| here.join(&target));
        Layout { workspace, target }
    }

    /// A workspace and a target directory.
    pub fn new(workspace: PathBuf, target: PathBuf) -> Layout {
        Layout { workspace, target }
    }

    /// The root of the sources.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Where cargo builds; two lanes do not wait for each other.
    pub fn cargo_target(&self, lane: &str) -> PathBuf {
        self.target.join("matrix/cargo").join(lane)
    }

    /// What a cell's zip is made of: `bootstrap`, and what it needs beside it.
    pub fn lambda(&self, cell: &Cell) -> PathBuf {
        self.target.join("lambda").join(cell.to_string())
    }

    /// What a cell's tarball is made of: the command `pdf2img`, and what it needs beside it.
    pub fn command(&self, cell: &Cell) -> PathBuf {
        self.target.join("command").join(cell.to_string())
    }

    /// The executables of a cell with their symbols, for who asks what takes the bytes.
    pub fn symbols(&self, cell: &Cell) -> PathBuf {
        self.target.join("matrix/symbols").join(cell.to_string())
    }

    /// Where the archives of all cells go, with `SHA256SUMS`.
    pub fn dist(&self) -> PathBuf {
        self.target.join("matrix/dist")
    }

    /// Where the records of all cells are: `<cell>/<stage>.json`.
    pub fn records(&self) -> PathBuf {
        self.target.join("matrix/records")
    }

    /// What a stage said while it worked on a cell.
    pub fn log(&self, cell: &Cell, stage: &str) -> PathBuf {
        self.target.join("matrix/logs").join(cell.to_string()).join(format!("{stage}.log"))
    }

    /// Where this machine's record of the benchmark is.
    pub fn benchmark(&self) -> PathBuf {
        self.target.join("benchmark")
    }

    /// Where the report goes.
    pub fn report(&self) -> PathBuf {
        self.target.join("matrix/report")
    }
}
