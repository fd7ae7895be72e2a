//! As much of a CPU as Lambda gives a function for an amount of memory, by a control group of the kernel.
//!
//! A new group has its quota untouched, so each start gets one of its own. The process joins it
//! while it is still a shell, stops itself, and becomes the function when the clock starts: joining
//! takes the kernel milliseconds, which are none of the function's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

/// The memory for which Lambda gives one CPU.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
pub const MEGABYTES_PER_CPU: f64 = 1769.0;

/// Where Linux has its control groups.
const MOUNT: &str = "/sys/fs/cgroup";

/// The period of the limit, in microseconds.
///
/// The kernel's default of 100 ms is longer than a whole start, which it would then not touch.
const PERIOD_US: u32 = 20_000;

/// A part of a CPU, or some CPUs.
#[derive(Debug, Clone, Serialize)]
pub struct CpuShare {
    /// The function's memory, in megabytes as Lambda counts them.
    pub memory_mb: u32,
    /// The CPUs that Lambda gives for it.
    pub cpus: f64,
    /// The CPUs that a function sees that has so much memory; it gets only a share of their time.
    pub visible_cpus: usize,
    /// How the share is enforced.
    pub method: &'static str,
    #[serde(skip)]
    parent: PathBuf,
}

/// A control group with a limit; it is removed when it is dropped.
#[derive(Debug)]
pub struct Group {
    directory: PathBuf,
}

/// The second version of control groups.
const UNIFIED: &str = "cgroup cpu.max";

/// The first version of control groups.
const LEGACY: &str = "cgroup v1 cpu.cfs_quota_us";

impl CpuShare {
    /// The share for an amount of memory.
    ///
    /// # Errors
    ///
    /// If this machine has fewer CPUs, or does not let us limit them; the message says what is missing.
    pub fn of_memory(memory_mb: u32) -> Result<CpuShare> {
        CpuShare::new(memory_mb, f64::from(memory_mb) / MEGABYTES_PER_CPU)
    }

    /// A share given in CPUs.
    ///
    /// # Errors
    ///
    /// As [`CpuShare::of_memory`].
    pub fn of_cpus(cpus: f64) -> Result<CpuShare> {
        CpuShare::new((cpus * MEGABYTES_PER_CPU).round() as u32, cpus)
    }

    fn new(memory_mb: u32, cpus: f64) -> Result<CpuShare> {
        let available = thread::available_parallelism().map_or(1, usize::from);
        ensure!(
            cpus <= available as f64,
            "{memory_mb} MB have {cpus:.2} CPUs on Lambda, and this machine gives {available}"
        );
        let share = CpuShare::below(Path::new(MOUNT), memory_mb, cpus)?;
        // That there is such a file does not mean that we may use it.
        share.group().map(|_| share)
    }

    fn below(mount: &Path, memory_mb: u32, cpus: f64) -> Result<CpuShare> {
        // The kernel refuses less than a millisecond.
        ensure!(cpus.is_finite() && quota_us(cpus) >= 1_000, "{cpus} CPUs are too few to be enforced");
        let (method, parent) = find(mount)?;
        Ok(CpuShare { memory_mb, cpus, visible_cpus: visible_cpus(memory_mb), method, parent })
    }

    /// Makes a group that has this share.
    ///
    /// # Errors
    ///
    /// If the kernel or its permissions do not allow it.
    pub fn group(&self) -> Result<Group> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = self.parent.join(format!("pdf2img-bench-{}-{number}", std::process::id()));
        fs::create_dir(&directory)
            .with_context(|| format!("failed to make the control group {}", directory.display()))?;
        let group = Group { directory };
        let quota = quota_us(self.cpus);
        if self.method == UNIFIED {
            group.set("cpu.max", &format!("{quota} {PERIOD_US}"))?;
        } else {
            group.set("cpu.cfs_period_us", &PERIOD_US.to_string())?;
            group.set("cpu.cfs_quota_us", &quota.to_string())?;
        }
        Ok(group)
    }
}

/// The version of control groups that can limit the CPU here, and where groups are made.
fn find(mount: &Path) -> Result<(&'static str, PathBuf)> {
    if let Ok(controllers) = fs::read_to_string(mount.join("cgroup.controllers")) {
        ensure!(
            controllers.split_whitespace().any(|it| it == "cpu"),
            "the control groups in {} have no controller for the CPU",
            mount.display()
        );
        let delegated = mount.join("cgroup.subtree_control");
        let has_cpu =
            || fs::read_to_string(&delegated).is_ok_and(|it| it.split_whitespace().any(|name| name == "cpu"));
        if !has_cpu() {
            fs::write(&delegated, "+cpu")
                .with_context(|| format!("failed to ask {} for limits on the CPU", delegated.display()))?;
        }
        return Ok((UNIFIED, mount.to_owned()));
    }
    for name in ["cpu", "cpu,cpuacct"] {
        let parent = mount.join(name);
        if parent.join("cgroup.procs").is_file() {
            return Ok((LEGACY, parent));
        }
    }
    bail!("no control groups that limit the CPU are mounted in {}", mount.display())
}

fn quota_us(cpus: f64) -> u64 {
    (cpus * f64::from(PERIOD_US)).round() as u64
}

/// How many CPUs a function sees, whatever its share of them is.
///
/// Observed by others: <https://github.com/rwnx/lambda-cpuinfo>
fn visible_cpus(memory_mb: u32) -> usize {
    match memory_mb {
        0..=3008 => 2,
        3009..=5307 => 3,
        5308..=7076 => 4,
        7077..=8845 => 5,
        _ => 6,
    }
}

impl Group {
    /// A command that joins the group, stops itself, and becomes the function when it may go on.
    ///
    /// The function is to be named by its path; variables are the caller's to set.
    pub fn confine(&self, function: &[&Path]) -> Command {
        const JOIN: &str = "echo $$ >\"$0\" && kill -STOP $$ && exec \"$@\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", JOIN]).arg(self.directory.join("cgroup.procs")).args(function);
        command
    }

    /// In how many periods the group had to wait for the next one.
    pub fn throttled_periods(&self) -> Option<u64> {
        let stat = fs::read_to_string(self.directory.join("cpu.stat")).ok()?;
        stat.lines().find_map(|line| line.strip_prefix("nr_throttled "))?.trim().parse().ok()
    }

    fn set(&self, name: &str, value: &str) -> Result<()> {
        let file = self.directory.join(name);
        fs::write(&file, value).with_context(|| format!("failed to write {value} to {}", file.display()))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Who was killed is in the group for some moments more.
        for _ in 0..100 {
            if fs::remove_dir(&self.directory).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_below(mount: &Path) -> Result<CpuShare> {
        CpuShare::below(mount, 128, 128.0 / MEGABYTES_PER_CPU)
    }

    #[test]
    fn the_second_version_gets_a_quota_and_its_period() {
        let mount = tempfile::tempdir().unwrap();
        fs::write(mount.path().join("cgroup.controllers"), "cpuset cpu io memory\n").unwrap();
        let share = share_below(mount.path()).unwrap();
        assert_eq!(fs::read_to_string(mount.path().join("cgroup.subtree_control")).unwrap(), "+cpu");
        let group = share.group().unwrap();
        assert_eq!(fs::read_to_string(group.directory.join("cpu.max")).unwrap(), "1447 20000");
        fs::write(group.directory.join("cpu.stat"), "nr_periods 9\nnr_throttled 4\n").unwrap();
        assert_eq!(group.throttled_periods(), Some(4));
        assert_eq!(share.method, "cgroup cpu.max");
    }

    #[test]
    fn the_first_version_gets_two_files() {
        let mount = tempfile::tempdir().unwrap();
        fs::create_dir(mount.path().join("cpu,cpuacct")).unwrap();
        fs::write(mount.path().join("cpu,cpuacct/cgroup.procs"), "").unwrap();
        let share = share_below(mount.path()).unwrap();
        let group = share.group().unwrap();
        assert!(group.directory.starts_with(mount.path().join("cpu,cpuacct")));
        assert_eq!(fs::read_to_string(group.directory.join("cpu.cfs_quota_us")).unwrap(), "1447");
        assert_eq!(fs::read_to_string(group.directory.join("cpu.cfs_period_us")).unwrap(), "20000");
        assert_eq!(share.method, "cgroup v1 cpu.cfs_quota_us");
    }

    #[test]
    fn a_machine_without_limits_says_so() {
        let mount = tempfile::tempdir().unwrap();
        let error = share_below(mount.path()).unwrap_err().to_string();
        assert!(error.contains("no control groups"), "{error}");
        fs::write(mount.path().join("cgroup.controllers"), "memory pids\n").unwrap();
        let error = share_below(mount.path()).unwrap_err().to_string();
        assert!(error.contains("no controller for the CPU"), "{error}");
    }

    #[test]
    fn more_cpus_than_there_are_cannot_be_given() {
        let error = CpuShare::of_cpus(100_000.0).unwrap_err().to_string();
        assert!(error.contains("this machine gives"), "{error}");
        assert!(CpuShare::of_cpus(f64::NAN).is_err());
        assert!(CpuShare::of_cpus(0.01).is_err());
    }

    #[test]
    fn the_function_is_started_by_a_shell_that_joins_the_group() {
        let group = Group { directory: "/groups/a b".into() };
        let command = group.confine(&[Path::new("/bin/true"), Path::new("an argument")]);
        let arguments: Vec<_> = command.get_args().skip(2).collect();
        assert_eq!(arguments, ["/groups/a b/cgroup.procs", "/bin/true", "an argument"]);
    }
}
