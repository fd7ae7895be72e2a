//! How much memory a process and all of its descendants hold.
//!
//! RSS counts a page that two processes share twice; PSS gives each its share, so that the sum is
//! what the machine has spent. PSS can be read only of processes that one may trace, and those of
//! the product forbid it to all but root: without it, the RSS stands as an upper bound.

use std::collections::BTreeSet;
use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::Serialize;

/// What a process tree held at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The resident set sizes.
    pub rss: Share,
    /// The proportional set sizes; `None` if that of any process could not be read.
    pub pss: Option<Share>,
    /// How many processes there were.
    pub processes: u32,
}

/// Bytes, told apart by who holds them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Held by the process that was started.
    pub leader_bytes: u64,
    /// Held by all below it: the workers.
    pub descendants_bytes: u64,
}

impl Share {
    /// Held by all together.
    pub fn total_bytes(self) -> u64 {
        self.leader_bytes + self.descendants_bytes
    }
}

/// The largest sums that were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Peak {
    /// At the moment of the largest sum of RSS.
    pub rss: Share,
    /// At the moment of the largest sum of PSS; `None` if it was never readable.
    pub pss: Option<Share>,
    /// The largest number of processes at once.
    pub processes: u32,
    /// How many times the memory was looked at.
    pub samples: u32,
}

impl Peak {
    /// Takes another sample into account.
    pub fn note(&mut self, footprint: Footprint) {
        let larger =
            |kept: Share, seen: Share| if seen.total_bytes() > kept.total_bytes() { seen } else { kept };
        self.rss = larger(self.rss, footprint.rss);
        self.pss = match (self.pss, footprint.pss) {
            (Some(kept), Some(seen)) => Some(larger(kept, seen)),
            (kept, seen) => kept.or(seen),
        };
        self.processes = self.processes.max(footprint.processes);
        self.samples += 1;
    }

    /// The peak that a limit is compared with: PSS where it is known, else RSS.
    pub fn total_bytes(&self) -> u64 {
        self.pss.unwrap_or(self.rss).total_bytes()
    }
}

impl Footprint {
    /// Looks at a process and all below it; one that ends meanwhile counts as nothing.
    pub fn of_tree(leader: i32) -> Footprint {
        let mut seen = BTreeSet::from([leader]);
        let mut open = vec![leader];
        let mut footprint = Footprint { pss: Some(Share::default()), ..Footprint::default() };
        while let Some(pid) = open.pop() {
            if let Some(rss) = rss_bytes(pid) {
                footprint.add(pid == leader, rss, pss_bytes(pid));
            }
            open.extend(children(pid).into_iter().filter(|&child| seen.insert(child)));
        }
        footprint
    }

    fn add(&mut self, is_leader: bool, rss: u64, pss: Option<u64>) {
        let add = |share: &mut Share, bytes| {
            *if is_leader { &mut share.leader_bytes } else { &mut share.descendants_bytes } += bytes;
        };
        add(&mut self.rss, rss);
        match (&mut self.pss, pss) {
            (Some(share), Some(bytes)) => add(share, bytes),
            (share, _) => *share = None,
        }
        self.processes += 1;
    }
}

/// Does something, and looks each `interval` at the memory of all processes that this one has started.
///
/// Looking takes CPU time, so that what is done is not to be timed. The peak is empty if the watch could not be kept.
pub fn of_descendants_during<T>(interval: Duration, work: impl FnOnce() -> T) -> (T, Peak) {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let (ended, end) = mpsc::channel::<()>();
    let watcher = thread::spawn(move || {
        let mut peak = Peak::default();
        while end.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            let mut footprint = Footprint::of_tree(own);
            footprint.rss.leader_bytes = 0;
            if let Some(pss) = &mut footprint.pss {
                pss.leader_bytes = 0;
            }
            peak.note(footprint);
        }
        peak
    });
    let done = work();
    drop(ended);
    (done, watcher.join().unwrap_or_default())
}

/// The most that a process has held in memory since it executes what it does.
pub(crate) fn peak_rss_bytes(pid: i32) -> Option<u64> {
    kilobytes_of(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmHWM:")
}

fn rss_bytes(pid: i32) -> Option<u64> {
    kilobytes_of(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:")
}

fn pss_bytes(pid: i32) -> Option<u64> {
    kilobytes_of(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}

/// The value of a line like `VmRSS:     1234 kB`, in bytes.
fn kilobytes_of(text: &str, field: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The children of all threads of a process.
fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(leader_bytes: u64, descendants_bytes: u64) -> Footprint {
        let share = Share { leader_bytes, descendants_bytes };
        Footprint { rss: share, pss: Some(share), processes: 2 }
    }

    #[test]
    fn the_peak_is_of_one_moment_and_not_of_each_process() {
        let mut peak = Peak::default();
        peak.note(footprint(100, 0));
        peak.note(footprint(40, 80));
        peak.note(footprint(0, 90));
        assert_eq!(peak.rss, Share { leader_bytes: 40, descendants_bytes: 80 });
        assert_eq!(peak.total_bytes(), 120);
        assert_eq!(peak.samples, 3);
    }

    #[test]
    fn without_pss_the_rss_stands() {
        let mut peak = Peak::default();
        peak.note(Footprint { pss: None, ..footprint(5, 6) });
        assert_eq!(peak.pss, None);
        assert_eq!(peak.total_bytes(), 11);
    }

    #[test]
    fn one_process_of_unknown_pss_makes_the_sum_unknown() {
        let mut footprint = Footprint { pss: Some(Share::default()), ..Footprint::default() };
        footprint.add(true, 10, Some(8));
        footprint.add(false, 10, None);
        assert_eq!(footprint.pss, None);
        assert_eq!(footprint.rss.total_bytes(), 20);
    }

    #[test]
    fn a_field_of_proc_is_read_in_bytes() {
        let text = "Rss:     100 kB\nPss:                 42 kB\nPss_Anon:      7 kB\n";
        assert_eq!(kilobytes_of(text, "Pss:"), Some(42 * 1024));
        assert_eq!(kilobytes_of(text, "Swap:"), None);
    }

    #[test]
    fn what_this_process_starts_is_told_from_what_it_holds_itself() {
        let script = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); sleep 0.3; echo ${#x}";
        let run = || std::process::Command::new("sh").args(["-c", script]).output().unwrap();
        let (output, peak) = of_descendants_during(Duration::from_millis(5), run);
        assert_eq!(output.stdout, b"20000000\n");
        assert_eq!(peak.rss.leader_bytes, 0);
        assert!(peak.rss.descendants_bytes > 20_000_000, "{peak:?}");
    }

    #[test]
    fn this_process_holds_memory() {
        let footprint = Footprint::of_tree(i32::try_from(std::process::id()).unwrap());
        assert!(footprint.rss.leader_bytes > 100_000, "{footprint:?}");
    }
}
