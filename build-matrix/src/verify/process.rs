//! Programs that are run and ended, with all that they have started.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How often it is looked whether a program has ended.
const POLL: Duration = Duration::from_millis(10);

/// A program that runs. Dropping it ends it, and what it has started.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
}

/// What became of a program.
#[derive(Debug)]
pub(super) struct Ended {
    /// How it ended, in words; under an emulator the exit code says less than the output.
    pub(super) status: String,
    /// What it wrote.
    pub(super) stdout: String,
    /// What it complained of.
    pub(super) stderr: String,
}

/// Runs a program to its end, or ends it after a time.
///
/// # Errors
///
/// If it cannot be started.
pub(super) fn run(command: &mut Command, patience: Duration) -> Result<Ended> {
    Running::start(command)?.wait(patience)
}

impl Running {
    /// Starts a program without input.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub(super) fn start(command: &mut Command) -> Result<Running> {
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .spawn()
            .with_context(|| format!("failed to start {}", command.get_program().display()))?;
        Ok(Running { child, stdout, stderr })
    }

    /// Waits for its end, or ends it after a time.
    ///
    /// # Errors
    ///
    /// If the system does not say, or what it wrote cannot be read.
    pub(super) fn wait(mut self, patience: Duration) -> Result<Ended> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                return self.end(status.to_string());
            }
            thread::sleep(POLL);
        }
        self.end(format!("did not end within {patience:?}"))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("failed to wait for a program")
    }

    /// Ends it if it still runs, and reads what it wrote.
    ///
    /// # Errors
    ///
    /// If that cannot be read.
    pub(super) fn end(mut self, status: String) -> Result<Ended> {
        self.kill();
        let stdout = read(&mut self.stdout)?;
        let stderr = read(&mut self.stderr)?;
        Ok(Ended { status, stdout, stderr })
    }

    fn kill(&mut self) {
        // Under proot the program is a child of what was started here, and would outlive it.
        #[cfg(unix)]
        if let Ok(None) = self.child.try_wait()
            && let Ok(id) = i32::try_from(self.child.id())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Ended {
    /// All that it wrote.
    pub(super) fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

fn read(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_ended_with_what_it_has_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo $!; wait"]);
        let ended = run(&mut command, Duration::from_millis(300)).unwrap();
        assert!(ended.status.contains("did not end"), "{}", ended.status);
        let child = ended.stdout.trim().to_owned();
        let stat = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // Nobody may have taken note of its end yet: Z is a process that has ended.
        let deadline = Instant::now() + Duration::from_secs(5);
        while !(stat().is_empty() || stat().contains(") Z ")) {
            assert!(Instant::now() < deadline, "{}", stat());
            thread::sleep(POLL);
        }
    }

    #[test]
    fn what_a_program_writes_is_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let ended = run(&mut command, Duration::from_secs(60)).unwrap();
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "err\n"));
        assert!(ended.status.contains('3'), "{}", ended.status);
    }
}
