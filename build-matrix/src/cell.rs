use std::fmt;

use serde::Serialize;

use crate::Matrix;

/// One variant: a value of each axis, and at most one experiment on top.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Cell {
    /// The set of engines, such as `mupdf`.
    pub engines: String,
    /// The C library and how it is linked, such as `musl-static`.
    pub libc: String,
    /// The architecture, such as `arm64`.
    pub arch: String,
    /// The allocator, such as `mimalloc`.
    pub allocator: String,
    /// A single change, to answer a question.
    pub experiment: Option<String>,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.engines, self.libc, self.arch, self.allocator)?;
        self.experiment.iter().try_for_each(|it| write!(f, "+{it}"))
    }
}

impl Cell {
    /// The target as Rust names it.
    pub fn triple(&self, matrix: &Matrix) -> String {
        let libc = if self.is_static(matrix) { "musl" } else { "gnu" };
        format!("{}-unknown-linux-{libc}", self.machine(matrix))
    }

    /// The machine as `uname -m` names it.
    pub fn machine<'a>(&self, matrix: &'a Matrix) -> &'a str {
        &matrix.arch[&self.arch].machine
    }

    /// Whether the executables need no library at all.
    pub fn is_static(&self, matrix: &Matrix) -> bool {
        matrix.libc[&self.libc].is_static
    }

    /// The engines that are in it.
    pub fn backends<'a>(&self, matrix: &'a Matrix) -> &'a [String] {
        &matrix.engines[&self.engines].backends
    }

    /// Whether PDFium's library is shipped with it.
    pub fn has_pdfium(&self, matrix: &Matrix) -> bool {
        self.backends(matrix).iter().any(|it| it == "pdfium")
    }

    /// Whether this machine runs it without an emulator.
    pub fn is_native(&self, matrix: &Matrix) -> bool {
        self.machine(matrix) == std::env::consts::ARCH
    }
}
