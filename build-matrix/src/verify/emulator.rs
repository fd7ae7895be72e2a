//! Runs executables as on another CPU.
//!
//! qemu-user does not follow a program that executes another one, and a worker is the program
//! executing itself. proot does: it puts qemu before whatever is executed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::process::{Ended, run};

/// What installs all that is needed here.
const SETUP: &str = "`scripts/setup.sh matrix` installs it on Debian and Ubuntu";

/// No CPU of any architecture.
const NO_MODEL: &str = "no-such-model";

/// Where a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cpu {
    /// On this machine's own.
    Native,
    /// On one that qemu emulates.
    Emulated {
        /// As `uname -m` names it.
        machine: String,
        /// As qemu names it.
        model: String,
    },
}

impl Cpu {
    /// A command that runs an executable there.
    pub(super) fn command(&self, executable: &Path) -> Command {
        let mut command = match self {
            Cpu::Native => Command::new(executable),
            Cpu::Emulated { machine, model } => {
                let mut qemu = format!("{} -cpu {model}", qemu(machine));
                // Where the libraries of another architecture are; a static executable asks for none.
                if let Some(root) = foreign_root(machine) {
                    qemu += &format!(" -L {root}");
                }
                let mut command = Command::new("proot");
                command.args(["-q", &qemu]).arg(executable);
                command
            }
        };
        // Nothing that is set here may make up for what the package lacks.
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        if *self != Cpu::Native {
            // Without it, proot runs what is of this machine's architecture without qemu.
            command.env("PROOT_FORCE_FOREIGN_BINARY", "1");
            // proot's own filter gains nothing that could be measured, and not every kernel takes it.
            command.env("PROOT_NO_SECCOMP", "1");
        }
        command
    }

    /// Whether it was the emulator that failed, by what a program reports of a worker.
    ///
    /// When a program has read and written some megabytes, proot sometimes fails to read the arguments of the `execve`
    /// by which it starts a worker, and answers EFAULT, which Linux by itself does not.
    pub(super) fn failed(&self, report: &str) -> bool {
        *self != Cpu::Native && report.contains("Bad address (os error 14)")
    }

    /// Makes sure that it is there and that an executable runs on it: one that does not exist has to be refused.
    ///
    /// # Errors
    ///
    /// If something has to be installed, or the emulator is passed by.
    pub(super) fn prove(&self, executable: &Path) -> Result<String> {
        let Cpu::Emulated { machine, model } = self else { return Ok("this machine".to_owned()) };
        let qemu = qemu(machine);
        let version = Command::new(&qemu)
            .arg("--version")
            .output()
            .with_context(|| format!("{qemu} does not run; {SETUP}"))?;
        let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
        let nowhere = Cpu::Emulated { machine: machine.clone(), model: NO_MODEL.to_owned() };
        let ended = run(nowhere.command(executable).arg("--version"), Duration::from_secs(60))
            .with_context(|| format!("proot does not run; {SETUP}"))?;
        if !ended.stderr.contains(NO_MODEL) {
            bail!(
                "proot runs programs without {qemu}: a CPU model that does not exist was accepted ({})",
                ended.complaint(&nowhere)
            );
        }
        Ok(format!("{version}, {model}"))
    }
}

fn qemu(machine: &str) -> String {
    format!("qemu-{machine}-static")
}

/// Where Debian puts the libraries of another architecture, if they are there.
fn foreign_root(machine: &str) -> Option<String> {
    let root = format!("/usr/{machine}-linux-gnu");
    (machine != std::env::consts::ARCH && fs::exists(&root).unwrap_or(false)).then_some(root)
}

/// Whether a program, or one that it started, was ended by an instruction that the CPU does not have.
///
/// proot does not pass signals on as its own, so it is known by what qemu prints, or by what the program says of its
/// worker.
pub(super) fn met_illegal_instruction(said: &str) -> bool {
    said.contains("uncaught target signal 4") || said.contains("SIGILL")
}

impl Ended {
    /// Why a program did not do what it should have, by what it said.
    pub(super) fn complaint(&self, cpu: &Cpu) -> String {
        if let Some(complaint) = illegal_instruction(&self.said(), cpu) {
            return complaint;
        }
        let said: Vec<_> = self.stderr.lines().filter(|it| !it.contains("warning: TCG")).collect();
        let last = said.iter().rev().take(5).rev().copied().collect::<Vec<_>>().join(" | ");
        format!("{}: {}", self.status, if last.is_empty() { "it said nothing" } else { &last })
    }
}

/// The complaint about an illegal instruction, if there was one.
pub(super) fn illegal_instruction(said: &str, cpu: &Cpu) -> Option<String> {
    met_illegal_instruction(said).then(|| match cpu {
        Cpu::Native => "illegal instruction on this machine: built for a newer CPU".to_owned(),
        Cpu::Emulated { model, .. } => format!(
            "illegal instruction on {model}: built for a newer CPU; look for target-cpu=native in RUSTFLAGS or \
             .cargo/config.toml, and for -march in CFLAGS"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_address_is_the_emulators_fault_and_nobody_elses() {
        let emulated = Cpu::Emulated { machine: "aarch64".to_owned(), model: "cortex-a53".to_owned() };
        let report = "failed to start a worker process: /proc/self/exe: Bad address (os error 14)";
        assert!(emulated.failed(report));
        assert!(!Cpu::Native.failed(report));
        assert!(!emulated.failed("failed to start a worker process: No such file or directory (os error 2)"));
    }

    #[test]
    fn an_illegal_instruction_is_named_with_the_cpu() {
        let cpu = Cpu::Emulated { machine: "x86_64".to_owned(), model: "Nehalem-v1".to_owned() };
        for said in [
            "qemu: uncaught target signal 4 (Illegal instruction) - core dumped",
            "the worker crashed: SIGILL (4) ",
        ] {
            let complaint = illegal_instruction(said, &cpu).unwrap();
            assert!(
                complaint.starts_with("illegal instruction on Nehalem-v1: built for a newer CPU"),
                "{complaint}"
            );
        }
        assert_eq!(illegal_instruction("qemu: uncaught target signal 11 (Segmentation fault)", &cpu), None);
    }
}
