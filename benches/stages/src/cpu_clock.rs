//! The CPU time that a process has taken, also while it runs and also of another one.

use std::fs;
use std::io;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A clock that runs while a process runs on a CPU, with all of its threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// That of this process.
    pub(crate) const OWN: CpuClock = CpuClock(libc::CLOCK_PROCESS_CPUTIME_ID);

    /// That of another process; any may be asked for.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub(crate) fn of(pid: u32) -> Result<CpuClock> {
        let mut clock = 0;
        let pid_t = libc::pid_t::try_from(pid).context("no process has that id")?;
        #[allow(unsafe_code)] // No crate in use wraps `clock_getcpuclockid`.
        // SAFETY: the pointer is to a variable of that type, and is not kept.
        let error = unsafe { libc::clock_getcpuclockid(pid_t, &raw mut clock) };
        ensure!(error == 0, "process {pid}: {}", io::Error::from_raw_os_error(error));
        Ok(CpuClock(clock))
    }

    /// What it shows.
    ///
    /// # Errors
    ///
    /// If the process is gone.
    pub(crate) fn now(self) -> Result<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        #[allow(unsafe_code)] // rustix knows only the clocks that have names.
        // SAFETY: the pointer is to a variable of that type, and is not kept.
        let outcome = unsafe { libc::clock_gettime(self.0, &raw mut time) };
        ensure!(outcome == 0, "no CPU time to be read: {}", io::Error::last_os_error());
        Ok(Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32))
    }
}

/// The processes that this one has started, those excluded that have ended.
///
/// # Errors
///
/// If `/proc` cannot be read.
pub(crate) fn children() -> Result<Vec<u32>> {
    let own = std::process::id();
    let names = fs::read_dir("/proc").context("failed to list /proc")?;
    let pids = names.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    Ok(pids.filter(|pid| parent_of(*pid) == Some(own)).collect())
}

/// The parent of a process that runs or waits.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may have blanks and brackets of its own.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z" && state != "X").then_some(parent)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_clock_of_a_process_runs_while_it_works_and_stands_while_it_waits() {
        // It works, says so, and waits to be told to end.
        let script = "i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done; echo; read end";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        assert!(children().unwrap().contains(&child.id()));
        let clock = CpuClock::of(child.id()).unwrap();
        let mut done = [0; 1];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut done).unwrap();
        // 30,000 turns of a shell cannot be had for less, nor what follows for more.
        let worked = clock.now().unwrap();
        assert!(worked > Duration::from_micros(500), "{worked:?}");
        let own = CpuClock::OWN.now().unwrap();
        let started = Instant::now();
        while CpuClock::OWN.now().unwrap() - own < Duration::from_millis(20) {
            assert!(started.elapsed() < Duration::from_secs(60));
        }
        let waited = clock.now().unwrap() - worked;
        assert!(waited < Duration::from_millis(20), "{waited:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!children().unwrap().contains(&child.id()));
    }

    #[test]
    fn a_process_that_is_not_there_has_no_clock() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        CpuClock::of(child.id()).and_then(CpuClock::now).unwrap_err();
    }
}
