//! What runs the executables of another architecture.

use std::path::PathBuf;
use std::process::Command;

use crate::{Cell, Matrix};

/// An emulator of user space.
#[derive(Debug)]
pub(super) struct Emulator {
    pub(super) program: String,
    cpu: String,
    /// The libraries of that architecture.
    pub(super) libraries: PathBuf,
}

impl Emulator {
    /// The emulator that cells of one architecture need here.
    pub(super) fn needed_for(matrix: &Matrix, cells: &[&Cell]) -> Option<Emulator> {
        let cell = cells.first().filter(|cell| !cell.is_native(matrix))?;
        let machine = cell.machine(matrix);
        Some(Emulator {
            program: format!("qemu-{machine}-static"),
            cpu: matrix.arch[&cell.arch].cpus.first().cloned().unwrap_or_else(|| "max".to_owned()),
            libraries: format!("/usr/{machine}-linux-gnu").into(),
        })
    }

    /// Its name and version; `None` if it is not installed.
    pub(super) fn version(&self) -> Option<String> {
        let output = Command::new(&self.program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Some(format!("{}, CPU {}", text.lines().next()?, self.cpu))
    }

    pub(super) fn command(&self) -> String {
        let Emulator { program, cpu, libraries } = self;
        if libraries.is_dir() {
            format!("{program} -cpu {cpu} -L {}", libraries.display())
        } else {
            format!("{program} -cpu {cpu}")
        }
    }
}
