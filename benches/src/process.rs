//! Runs a command and says what it and everything that it started has cost.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, set_child_subreaper};
use serde::Serialize;

use crate::memory::{Footprint, Peak, peak_rss_bytes};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a command may take to stop itself.
const STOPPING_PATIENCE: Duration = Duration::from_secs(10);

/// Longer than the period of a limit on the CPU.
const REFILL: Duration = Duration::from_millis(50);

/// What one run of a command has cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    /// From before the spawn until the command itself had ended, in seconds.
    pub wall_s: f64,
    /// User and system time of the command and its descendants, in seconds.
    pub cpu_s: f64,
}

/// Runs a command to its end.
///
/// # Errors
///
/// If it cannot be started, does not end within ten minutes, or ends with a failure; the message
/// then has the end of what it wrote to stderr.
pub fn run(command: &mut Command) -> Result<Cost> {
    run_within(command, PATIENCE)
}

/// Runs a command to its end, or stops it when it takes longer than `patience`.
///
/// # Errors
///
/// As [`run`], with that time in the place of ten minutes.
pub fn run_within(command: &mut Command, patience: Duration) -> Result<Cost> {
    watch(command, None, patience).map(|(cost, _)| cost)
}

/// Runs a command to its end, and looks at its memory each `interval`.
///
/// Looking takes CPU time, so that the cost is not to be compared with that of [`run`].
///
/// # Errors
///
/// As [`run`].
pub fn run_sampled(command: &mut Command, interval: Duration) -> Result<(Cost, Peak)> {
    run_sampled_within(command, interval, PATIENCE)
}

/// Runs a command to its end and looks at its memory, or stops it when it takes longer than `patience`.
///
/// # Errors
///
/// As [`run_within`].
pub fn run_sampled_within(
    command: &mut Command,
    interval: Duration,
    patience: Duration,
) -> Result<(Cost, Peak)> {
    watch(command, Some(interval), patience)
}

/// A running command, the leader of a process group of its own.
///
/// Dropped before it was waited for, it is killed with its group.
#[derive(Debug)]
pub struct Running {
    leader: Pid,
    spawned: Instant,
    reaped: bool,
}

impl Running {
    /// Starts a command.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Running> {
        // A worker that outlives its parent comes to us to be waited for, so that its CPU time is
        // not lost.
        set_child_subreaper(Pid::from_raw(1)).context("failed to become the reaper of descendants")?;
        command.process_group(0).stdin(Stdio::null());
        let spawned = Instant::now();
        let child = command.spawn().with_context(|| format!("failed to start {}", show(command)))?;
        Ok(Running { leader: Pid::from_child(&child), spawned, reaped: false })
    }

    /// Lets a command go on that has stopped itself; the clock starts anew.
    ///
    /// # Errors
    ///
    /// If it does not stop within ten seconds.
    pub fn resume_when_stopped(&mut self) -> Result<()> {
        let started = Instant::now();
        while self.state() != Some('T') {
            ensure!(
                !self.has_ended() && started.elapsed() < STOPPING_PATIENCE,
                "the command has ended, or not stopped, before it was to be measured"
            );
            thread::sleep(Duration::from_millis(1));
        }
        // What it has left of its share of the CPU comes back within a period.
        thread::sleep(REFILL);
        self.spawned = Instant::now();
        kill_process(self.leader, Signal::CONT).context("failed to let the command go on")
    }

    /// Whether the command itself has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.state(), None | Some('Z' | 'X'))
    }

    /// The most memory that the command itself has held so far, in bytes.
    ///
    /// Not `ru_maxrss`: that begins with what this process held when it started the command.
    pub fn peak_rss_bytes(&self) -> Option<u64> {
        peak_rss_bytes(self.leader.as_raw_nonzero().get())
    }

    /// The letter that `ps` shows.
    fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.leader.as_raw_nonzero())).ok()?;
        // The name before it, in parentheses, may have anything in it.
        stat.rsplit_once(") ")?.1.chars().next()
    }

    /// When the spawn began.
    pub fn spawned(&self) -> Instant {
        self.spawned
    }

    /// Kills it and all of its group, and says what they have cost.
    ///
    /// # Errors
    ///
    /// If it cannot be killed or waited for.
    pub fn kill(self) -> Result<Cost> {
        kill_process_group(self.leader, Signal::KILL).context("failed to kill the process group")?;
        self.wait().map(|(cost, _)| cost)
    }

    /// Waits until it ends, then for what it has left behind; the status is as `waitpid` gives it.
    fn wait(mut self) -> Result<(Cost, i32)> {
        let (status, leader_cpu_s) =
            wait4(self.leader.as_raw_nonzero().get())?.context("the process has vanished")?;
        let wall_s = self.spawned.elapsed().as_secs_f64();
        self.reaped = true;
        let mut cpu_s = leader_cpu_s;
        // What is left of the group has lost its parent, and nothing will ever wait for it but us.
        let _ = kill_process_group(self.leader, Signal::KILL);
        while let Some((_, orphan_cpu_s)) = wait4(-self.leader.as_raw_nonzero().get())? {
            cpu_s += orphan_cpu_s;
        }
        Ok((Cost { wall_s, cpu_s }, status))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = kill_process_group(self.leader, Signal::KILL);
            let _ = wait4(self.leader.as_raw_nonzero().get());
        }
    }
}

fn watch(command: &mut Command, interval: Option<Duration>, patience: Duration) -> Result<(Cost, Peak)> {
    let mut stderr = tempfile::tempfile().context("failed to make a file for stderr")?;
    command.stdout(Stdio::null()).stderr(stderr.try_clone().context("failed to share the file for stderr")?);
    let running = Running::spawn(command)?;
    let leader = running.leader;
    let (ended, end) = mpsc::channel();
    let watcher = thread::spawn(move || watch_until(&end, leader, interval, patience));
    let waited = running.wait();
    // The watcher is gone only if it has panicked, which `join` reports.
    let _ = ended.send(());
    let (peak, stopped) = watcher.join().ok().context("the thread that watches the process has panicked")?;
    let (cost, status) = waited?;
    ensure!(!stopped, "{} was stopped: it takes longer than {:.1} s", show(command), patience.as_secs_f64());
    ensure!(status == 0, "{} failed with wait status {status:#x}: {}", show(command), tail(&mut stderr)?);
    Ok((cost, peak))
}

/// Looks at the memory until the end is announced, or kills the group when it does not come.
fn watch_until(
    end: &mpsc::Receiver<()>,
    leader: Pid,
    interval: Option<Duration>,
    patience: Duration,
) -> (Peak, bool) {
    let started = Instant::now();
    let mut peak = Peak::default();
    let wait = interval.unwrap_or(patience).min(patience);
    while end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        if started.elapsed() >= patience {
            let _ = kill_process_group(leader, Signal::KILL);
            return (peak, true);
        }
        peak.note(Footprint::of_tree(leader.as_raw_nonzero().get()));
    }
    (peak, false)
}

/// Waits for a child, or with a negative number for any of a group: status and CPU seconds.
///
/// `None` if there is none. The CPU time includes what the child itself has waited for.
#[allow(unsafe_code, reason = "no safe wrapper hands out the resource usage of one child")]
fn wait4(pid: i32) -> io::Result<Option<(i32, f64)>> {
    let mut status = 0;
    // SAFETY: all zeros is a valid `rusage`, which is plain integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live locals of the type that the call writes.
        let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        if waited > 0 {
            let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
            return Ok(Some((status, seconds(usage.ru_utime) + seconds(usage.ru_stime))));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::ECHILD) => return Ok(None),
            _ => return Err(error),
        }
    }
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The last kilobyte of what was written to a file.
pub(crate) fn tail(file: &mut File) -> io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(1024)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const BUSY: &str = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";

    #[test]
    fn a_failure_is_an_error_with_what_was_written_to_stderr() {
        let error = run(&mut shell("echo no such page >&2; exit 3")).unwrap_err().to_string();
        assert!(error.contains("no such page"), "{error}");
    }

    #[test]
    fn a_command_that_takes_too_long_is_stopped_with_all_that_it_has_started() {
        let patience = Duration::from_millis(200);
        let error = run_within(&mut shell("sleep 60 & sleep 60"), patience).unwrap_err().to_string();
        assert!(error.contains("takes longer than 0.2 s"), "{error}");
        let sampled = run_sampled_within(&mut shell("sleep 60"), Duration::from_millis(5), patience);
        assert!(sampled.unwrap_err().to_string().contains("was stopped"));
    }

    #[test]
    fn the_wall_clock_runs_while_the_cpu_does_not() {
        let cost = run(&mut shell("sleep 0.2")).unwrap();
        assert!(cost.wall_s >= 0.2, "{cost:?}");
        assert!(cost.cpu_s < 0.2, "{cost:?}");
    }

    #[test]
    fn the_cpu_time_of_a_child_that_was_waited_for_counts() {
        let cost = run(&mut shell(&format!("sh -c '{BUSY}'; :"))).unwrap();
        assert!(cost.cpu_s > 0.01, "{cost:?}");
    }

    #[test]
    fn the_cpu_time_of_a_child_that_was_left_behind_counts() {
        // The leader ends by itself only after the child has worked, and never waits for it.
        let cost = run(&mut shell(&format!("sh -c '{BUSY}; sleep 60' & sleep 2; exit 0"))).unwrap();
        assert!(cost.cpu_s > 0.01, "{cost:?}");
        assert!(cost.wall_s < 30.0, "{cost:?}");
    }

    #[test]
    fn a_command_that_stops_itself_goes_on_and_the_clock_starts_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("done");
        let mut command = shell("kill -STOP $$; echo >\"$FILE\"; exec sleep 60");
        let mut running = Running::spawn(command.env("FILE", &file)).unwrap();
        let spawned = running.spawned();
        running.resume_when_stopped().unwrap();
        assert!(running.spawned() > spawned);
        while !file.exists() {
            assert!(!running.has_ended());
            thread::sleep(Duration::from_millis(2));
        }
        assert!(running.peak_rss_bytes().unwrap() > 100_000);
        running.kill().unwrap();
    }

    #[test]
    fn a_command_that_ends_instead_of_stopping_is_an_error() {
        let mut running = Running::spawn(&mut shell("exit 0")).unwrap();
        assert!(running.resume_when_stopped().is_err());
        assert!(running.has_ended());
    }

    #[test]
    fn the_memory_of_a_grandchild_counts() {
        let script = "sh -c 'x=$(head -c 30000000 /dev/zero | tr \"\\0\" x); sleep 0.5; echo ${#x}'; :";
        let (_, peak) = run_sampled(&mut shell(script), Duration::from_millis(5)).unwrap();
        assert!(peak.rss.total_bytes() > 30_000_000, "{peak:?}");
        assert!(peak.rss.descendants_bytes > peak.rss.leader_bytes, "{peak:?}");
    }
}
