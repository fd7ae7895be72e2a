//! Where and with what figures were made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// The form of the records that a report is made of; readers pass over others.
pub const FORM: u32 = 2;

/// A machine at the time of a benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The date and time in UTC.
    pub date: String,
    /// The model of the processor, as `lscpu` names it.
    pub cpu: String,
    /// How many CPUs the benchmark may use.
    pub cpus: usize,
    /// The kernel and its release.
    pub kernel: String,
    /// The distribution.
    pub system: String,
    /// The load averages at the beginning: above the idle state, figures are noisy.
    pub load: String,
    /// All that `lscpu` says, in the records that are committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lscpu: Option<String>,
}

impl Machine {
    /// Looks at this machine.
    pub fn detect() -> Machine {
        let unknown = || "unknown".to_owned();
        let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let lscpu = output_of("lscpu", &[]).unwrap_or_default();
        Machine {
            date: output_of("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]).unwrap_or_else(unknown),
            cpu: field(&lscpu, "Model name:").unwrap_or_else(unknown),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: output_of("uname", &["-sr"]).unwrap_or_else(unknown),
            system: field(&os_release, "PRETTY_NAME=").unwrap_or_else(unknown),
            load: fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned(),
            lscpu: None,
        }
    }

    /// Looks at this machine, and keeps all that `lscpu` says.
    pub fn detect_in_full() -> Machine {
        Machine { lscpu: output_of("lscpu", &[]), ..Machine::detect() }
    }
}

/// An executable that takes part.
#[derive(Debug, Clone, Serialize)]
pub struct Executable {
    /// Where it is.
    pub path: PathBuf,
    /// The first line of what it says about its version.
    pub version: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file.
    pub sha256: String,
}

impl Executable {
    /// Takes an executable of that name from a directory.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub fn in_dir(dir: &Path, name: &str) -> Result<Executable> {
        let path = dir.join(name);
        Executable::read(path.clone(), String::new()).with_context(
            || "build it with `cargo build --release`, or name another directory with --bin-dir",
        )
    }

    /// Finds a command in directories; it says its version when it is called with `flag`.
    ///
    /// # Errors
    ///
    /// If there is no such command, or it does not run.
    pub fn on_path(directories: &[PathBuf], name: &str, flag: &str) -> Result<Executable> {
        let path = directories.iter().map(|directory| directory.join(name)).find(|it| it.is_file());
        let path = path.with_context(|| format!("{name} is not installed"))?;
        let said = path.to_str().and_then(|path| output_of(path, &[flag]));
        let said = said.with_context(|| format!("{} does not say its version", path.display()))?;
        Executable::read(path, said.lines().next().unwrap_or_default().to_owned())
    }

    /// Takes the executable of that path.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub fn at(path: &Path) -> Result<Executable> {
        Executable::read(path.to_owned(), String::new())
    }

    /// Takes a file, and a version that was learnt otherwise.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(path: PathBuf, version: String) -> Result<Executable> {
        let content = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(Executable {
            path,
            version,
            bytes: content.len() as u64,
            sha256: corpus::manifest::sha256(&content),
        })
    }

    /// Asks for the version with `--version`.
    #[must_use]
    pub fn with_version(mut self) -> Executable {
        if let Some(version) = self.path.to_str().and_then(|path| output_of(path, &["--version"])) {
            self.version = version.lines().next().unwrap_or_default().to_owned();
        }
        self
    }
}

/// Restricts this process, and with it all that it starts, to that many of its CPUs.
///
/// # Errors
///
/// If it may use fewer already, or the kernel refuses.
pub fn use_cpus(count: usize) -> Result<()> {
    let allowed = sched_getaffinity(None).context("failed to read which CPUs may be used")?;
    ensure!(allowed.count() as usize >= count, "--cpus {count}: only {} may be used", allowed.count());
    let mut chosen = CpuSet::new();
    for cpu in (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).take(count) {
        chosen.set(cpu);
    }
    sched_setaffinity(None, &chosen).context("failed to choose the CPUs")
}

/// Does something with the first so many of this thread's CPUs, which what it starts inherits.
///
/// # Errors
///
/// If the kernel refuses, or that which is done fails.
pub fn with_cpus<T>(count: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = sched_getaffinity(None).context("failed to read which CPUs may be used")?;
    use_cpus(count.min(before.count() as usize))?;
    let done = work();
    sched_setaffinity(None, &before).context("failed to give the CPUs back")?;
    done
}

/// What a command says, on whichever stream; `None` if it cannot be run or says nothing.
fn output_of(command: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(command).args(arguments).env("LC_ALL", "C").output().ok()?;
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    (!said.is_empty()).then_some(said)
}

/// The value of the line that begins with a label.
fn field(text: &str, label: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim_start().strip_prefix(label))?;
    Some(value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_taken_without_blanks_and_quotes() {
        assert_eq!(field("A: 1\nModel name:      AMD EPYC\n", "Model name:").unwrap(), "AMD EPYC");
        assert_eq!(field("PRETTY_NAME=\"Debian 12\"\n", "PRETTY_NAME=").unwrap(), "Debian 12");
        assert_eq!(field("NAME=x", "PRETTY_NAME="), None);
    }

    #[test]
    fn a_command_may_say_its_version_on_either_stream() {
        assert_eq!(output_of("sh", &["-c", "echo 1.2"]).unwrap(), "1.2");
        assert_eq!(output_of("sh", &["-c", "echo 1.3 >&2"]).unwrap(), "1.3");
        assert_eq!(output_of("a-command-that-is-not-there", &[]), None);
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error() {
        let error = Executable::on_path(&["/bin".into()], "a-command-that-is-not-there", "-v").unwrap_err();
        assert!(error.to_string().contains("is not installed"), "{error}");
        assert!(Executable::in_dir(Path::new("/"), "pdf2img").is_err());
    }
}
