//! How a worker locks itself in, and how it finds out whether that holds.
//!
//! A worker runs code that was written to parse PDFs quickly on bytes that somebody may have
//! written to exploit it. After [`enter`] it can compute, ask for memory up to its limit, read
//! the PDF that it inherited, and write to its socket. The parent's credentials, other files, the
//! network and other processes are out of reach.
//!
//! The kernel may refuse a part (AWS Lambda's limits are not all public), so the sandbox is
//! tried out from within after it closes, and the outcome goes to the parent, which logs it.

use std::collections::BTreeMap;
use std::io;

use rustix::process::{Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde::{Deserialize, Serialize};

/// What a worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most address space, in bytes.
    pub memory_bytes: u64,
    /// The most CPU time, in seconds: a backstop behind the parent's own clock.
    pub cpu_seconds: u64,
}

/// What keeps a worker in, as far as it could find out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    /// The protections that were tried out and hold.
    pub enforced: Vec<String>,
    /// Those that do not, and why.
    pub missing: BTreeMap<String, String>,
}

/// Keeps other processes of the same user from reading this one's memory and environment.
///
/// Without it a worker that was taken over could read the parent's credentials from
/// `/proc/<pid>/environ`, sandbox or not. It fails on no Linux.
pub fn shield_memory() {
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Locks the calling process in for good, and reports what holds.
///
/// Call it with one thread, before any byte of a PDF is read.
pub fn enter(limits: &Limits) -> SandboxReport {
    let mut report = SandboxReport { enforced: Vec::new(), missing: BTreeMap::new() };
    // A worker must not outlive the parent, whose memory budget and deadline it is part of.
    report.note("parent_death_signal", rustix::process::set_parent_process_death_signal(Some(Signal::KILL)));
    report.note("no_new_privs", rustix::thread::set_no_new_privs(true));
    report.note("descriptors", close_other_descriptors());
    for (name, resource, limit) in [
        ("memory_limit", Resource::As, limits.memory_bytes),
        ("cpu_limit", Resource::Cpu, limits.cpu_seconds),
        ("no_core_dump", Resource::Core, 0),
        ("no_new_descriptors", Resource::Nofile, 3),
        ("no_new_processes", Resource::Nproc, 0),
    ] {
        report.note(name, set_limit(resource, limit));
    }
    let parent = rustix::process::getppid().map_or(1, |parent| parent.as_raw_nonzero().get());
    match seccomp_filter().and_then(|filter| seccompiler::apply_filter(&filter).map_err(io::Error::other)) {
        Ok(()) => probe(&mut report, parent),
        Err(error) => drop(report.missing.insert("seccomp".into(), error.to_string())),
    }
    report
}

impl SandboxReport {
    fn note<E: std::fmt::Display>(&mut self, name: &str, outcome: Result<(), E>) {
        match outcome {
            Ok(()) => self.enforced.push(name.into()),
            Err(error) => drop(self.missing.insert(name.into(), error.to_string())),
        }
    }
}

/// Lowers a limit, and never raises it: the hard limit may be under what is asked for.
fn set_limit(resource: Resource, limit: u64) -> rustix::io::Result<()> {
    let maximum = rustix::process::getrlimit(resource).maximum;
    let limit = maximum.map_or(limit, |maximum| maximum.min(limit));
    rustix::process::setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
}

/// Closes whatever was inherited beyond the three descriptors of a worker.
fn close_other_descriptors() -> io::Result<()> {
    #[allow(unsafe_code)] // No crate in use wraps `close_range`.
    // SAFETY: no Rust object owns a descriptor above 2 in a worker: it has opened nothing yet.
    let outcome = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What drawing pages needs of the kernel; everything else fails with `EPERM`, which libraries
/// take for a missing file or feature, where a kill would take the page with it.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

fn seccomp_filter() -> io::Result<BpfProgram> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|&number| (number, Vec::new())).collect();
    // Memory yes, code no: nothing here compiles at run time.
    let not_executable = |argument| {
        let exec = libc::PROT_EXEC as u64;
        rule(argument, SeccompCmpOp::MaskedEq(exec), 0)
    };
    rules.insert(libc::SYS_mmap, vec![not_executable(2)?]);
    rules.insert(libc::SYS_mprotect, vec![not_executable(2)?]);
    // `abort` raises a signal in its own thread. Signals to others are out of reach.
    let own_pid = u64::from(std::process::id());
    for number in [libc::SYS_tgkill, libc::SYS_tkill] {
        rules.insert(number, vec![rule(0, SeccompCmpOp::Eq, own_pid)?]);
    }
    let architecture = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, architecture)
        .and_then(BpfProgram::try_from)
        .map_err(io::Error::other)
}

fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> io::Result<SeccompRule> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(io::Error::other)
}

/// Tries what must not work, in forms that do no harm where it does.
fn probe(report: &mut SandboxReport, parent: libc::pid_t) {
    let here = c"/".as_ptr();
    let nowhere = c"".as_ptr();
    let null = std::ptr::null::<u8>();
    #[allow(unsafe_code)] // Raw calls are the point: a wrapper might answer without asking the kernel.
    // SAFETY: the pointers are to static strings or null; each call, where the kernel lets it
    // through, fails or has no effect: it opens a directory, makes a socket, sends signal 0,
    // executes an empty path, and clones with contradicting flags.
    let attempts = unsafe {
        [
            ("no_files", syscall(|| libc::syscall(libc::SYS_openat, libc::AT_FDCWD, here, libc::O_RDONLY))),
            ("no_sockets", syscall(|| libc::syscall(libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0))),
            ("no_signals", syscall(|| libc::syscall(libc::SYS_kill, parent, 0))),
            ("no_exec", syscall(|| libc::syscall(libc::SYS_execve, nowhere, null, null))),
            ("no_ptrace", syscall(|| libc::syscall(libc::SYS_ptrace, libc::PTRACE_PEEKDATA, parent, 0, 0))),
            (
                "no_memory_access",
                syscall(|| libc::syscall(libc::SYS_process_vm_readv, parent, null, 0, null, 0, 0)),
            ),
            (
                "no_clone",
                syscall(|| {
                    libc::syscall(libc::SYS_clone, libc::CLONE_SIGHAND | libc::CLONE_THREAD, 0, 0, 0, 0)
                }),
            ),
        ]
    };
    for (name, outcome) in attempts {
        match outcome {
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => report.enforced.push(name.into()),
            other => drop(report.missing.insert(name.into(), format!("the kernel answered {other:?}"))),
        }
    }
}

fn syscall(call: impl FnOnce() -> libc::c_long) -> io::Result<libc::c_long> {
    match call() {
        -1 => Err(io::Error::last_os_error()),
        value => Ok(value),
    }
}
