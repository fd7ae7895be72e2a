//! What a worker that was taken over would try, and how each attempt must end.

use std::ffi::OsString;
use std::io;
use std::sync::LazyLock;

use pdf2img::worker::sandbox::Limits;
use pdf2img::worker::{MALLOC_TUNABLES, TUNABLES_VARIABLE};

/// The code of a refusal that says that an attempt failed as it must.
pub(crate) const HELD: &str = "held";

/// The code of a refusal that says that an attempt succeeded, or failed for another reason.
pub(crate) const ESCAPED: &str = "escaped";

/// One attempt to break out.
pub(crate) struct Attempt {
    name: &'static str,
    /// The error by which it must fail.
    must_fail_with: i32,
    run: fn(&Prison) -> io::Result<i64>,
}

/// What an attempt may know: what a worker could find out before the walls closed.
pub(crate) struct Prison {
    parent: i32,
    memory_bytes: u64,
    /// Whether there was nothing in the environment but the settings of malloc.
    has_settings_of_malloc_alone: bool,
}

impl Prison {
    /// Looks around; call it before the sandbox is entered.
    pub(crate) fn look_around(limits: &Limits) -> Prison {
        let parent = rustix::process::getppid().map_or(1, |parent| parent.as_raw_nonzero().get());
        let settings_of_malloc = (OsString::from(TUNABLES_VARIABLE), OsString::from(MALLOC_TUNABLES));
        let has_settings_of_malloc_alone = std::env::vars_os().eq([settings_of_malloc]);
        Prison { parent, memory_bytes: limits.memory_bytes, has_settings_of_malloc_alone }
    }
}

impl Attempt {
    /// Tries, and says whether it failed as it must, and how it ended.
    pub(crate) fn run(&self, prison: &Prison) -> (&'static str, String) {
        let outcome = (self.run)(prison);
        let held = matches!(&outcome, Err(error) if error.raw_os_error() == Some(self.must_fail_with));
        (if held { HELD } else { ESCAPED }, format!("{}: {outcome:?}", self.name))
    }
}

const PERM: i32 = libc::EPERM;

macro_rules! attempt {
    ($name:literal, $error:expr, $run:expr) => {
        Attempt { name: $name, must_fail_with: $error, run: $run }
    };
}

/// Makes a system call, whatever a wrapper thinks of its arguments.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => {{
        #[allow(unsafe_code)] // What is tried out is the kernel, not a wrapper.
        // SAFETY: pointers are to statics, to buffers that outlive the call, or null. A call that
        // the kernel lets through where it must not makes the test fail, and harms the test at most.
        let value = unsafe { libc::syscall($number $(, $argument)*) };
        if value == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }};
}

const NULL: *const u8 = std::ptr::null();
const PAGE: usize = 4096;
const PRIVATE: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;

/// Every attempt, in an order in which none spoils those that follow.
pub(crate) static ATTEMPTS: LazyLock<Vec<Attempt>> = LazyLock::new(|| {
    let mut attempts = vec![
        // What is there without trying.
        attempt!("an environment", PERM, |prison| match prison.has_settings_of_malloc_alone {
            true => Err(io::Error::from_raw_os_error(PERM)),
            false => Ok(0),
        }),
        attempt!("an inherited descriptor", libc::EBADF, |_| {
            let mut stat = [0_u8; 1024];
            let open = (3..4096).find(|fd| call!(libc::SYS_fstat, *fd, stat.as_mut_ptr()).is_ok());
            open.map(i64::from).ok_or(io::Error::from_raw_os_error(libc::EBADF))
        }),
        // The parent's memory and environment.
        attempt!("the parent's environment", PERM, |prison| open_of(prison, "environ")),
        attempt!("the parent's memory", PERM, |prison| open_of(prison, "mem")),
        attempt!("process_vm_readv of the parent", PERM, |prison| {
            call!(libc::SYS_process_vm_readv, prison.parent, NULL, 0, NULL, 0, 0)
        }),
        attempt!("process_vm_writev to the parent", PERM, |prison| {
            call!(libc::SYS_process_vm_writev, prison.parent, NULL, 0, NULL, 0, 0)
        }),
        attempt!("tracing the parent", PERM, |prison| {
            call!(libc::SYS_ptrace, libc::PTRACE_SEIZE, prison.parent, 0, 0)
        }),
        attempt!("a descriptor of the parent's", PERM, |prison| {
            let process = call!(libc::SYS_pidfd_open, prison.parent, 0)?;
            call!(libc::SYS_pidfd_getfd, process, 0, 0)
        }),
        // Files.
        attempt!("reading a file", PERM, |_| {
            call!(libc::SYS_openat, libc::AT_FDCWD, c"/etc/passwd".as_ptr(), libc::O_RDONLY)
        }),
        attempt!("reading a file by openat2", PERM, |_| {
            let how = [0_u64; 3];
            call!(libc::SYS_openat2, libc::AT_FDCWD, c"/etc/passwd".as_ptr(), how.as_ptr(), 24)
        }),
        attempt!("creating a file", PERM, |_| {
            let flags = libc::O_CREAT | libc::O_WRONLY;
            call!(libc::SYS_openat, libc::AT_FDCWD, c"/tmp/pdf2img-escaped".as_ptr(), flags, 0o600)
        }),
        attempt!("removing a file", PERM, |_| {
            call!(libc::SYS_unlinkat, libc::AT_FDCWD, c"/tmp/pdf2img-escaped".as_ptr(), 0)
        }),
        attempt!("a memfd", PERM, |_| call!(libc::SYS_memfd_create, c"escaped".as_ptr(), 0)),
        attempt!("writing to the PDF", PERM, |_| call!(libc::SYS_write, 0, b"x".as_ptr(), 1)),
        attempt!("truncating the PDF", PERM, |_| call!(libc::SYS_ftruncate, 0, 0)),
        attempt!("mapping the PDF to write to it", PERM, |_| {
            call!(libc::SYS_mmap, NULL, PAGE, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, 0, 0)
        }),
        // The network.
        attempt!("an internet socket", PERM, |_| {
            call!(libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0)
        }),
        attempt!("a datagram socket", PERM, |_| {
            call!(libc::SYS_socket, libc::AF_INET6, libc::SOCK_DGRAM, 0)
        }),
        attempt!("a Unix socket", PERM, |_| call!(libc::SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0)),
        attempt!("a pair of sockets", PERM, |_| {
            let mut pair = [0_i32; 2];
            call!(libc::SYS_socketpair, libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr())
        }),
        attempt!("connecting the socket elsewhere", PERM, |_| call!(libc::SYS_connect, 1, NULL, 0)),
        attempt!("passing a descriptor", PERM, |_| call!(libc::SYS_sendmsg, 1, NULL, 0)),
        attempt!("being passed a descriptor", PERM, |_| call!(libc::SYS_recvmsg, 1, NULL, 0)),
        attempt!("io_uring", PERM, |_| call!(libc::SYS_io_uring_setup, 1, NULL)),
        // Processes and signals.
        attempt!("a fork", PERM, |_| {
            let child = call!(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)?;
            if child == 0 {
                std::process::exit(0)
            }
            Ok(child)
        }),
        attempt!("a fork by clone3", PERM, |_| call!(libc::SYS_clone3, NULL, 0)),
        attempt!("executing a program", PERM, |_| {
            let arguments = [c"/bin/sh".as_ptr(), std::ptr::null()];
            call!(libc::SYS_execve, c"/bin/sh".as_ptr(), arguments.as_ptr(), NULL)
        }),
        attempt!("executing a descriptor", PERM, |_| {
            let arguments = [c"pdf".as_ptr(), std::ptr::null()];
            call!(libc::SYS_execveat, 0, c"".as_ptr(), arguments.as_ptr(), NULL, libc::AT_EMPTY_PATH)
        }),
        attempt!("killing the parent", PERM, |prison| {
            call!(libc::SYS_kill, prison.parent, libc::SIGTERM)
        }),
        attempt!("killing every process", PERM, |_| call!(libc::SYS_kill, -1, 0)),
        attempt!("killing a thread of the parent", PERM, |prison| {
            call!(libc::SYS_tgkill, prison.parent, prison.parent, libc::SIGTERM)
        }),
        attempt!("killing a thread by its id", PERM, |prison| {
            call!(libc::SYS_tkill, prison.parent, libc::SIGTERM)
        }),
        attempt!("queueing a signal", PERM, |prison| {
            let info = [0_u8; 128];
            call!(libc::SYS_rt_sigqueueinfo, prison.parent, libc::SIGTERM, info.as_ptr())
        }),
        // Code.
        attempt!("mapping memory to execute", PERM, |_| {
            let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
            call!(libc::SYS_mmap, NULL, PAGE, all, PRIVATE, -1, 0)
        }),
        attempt!("mapping the PDF to execute", PERM, |_| {
            call!(libc::SYS_mmap, NULL, PAGE, libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE, 0, 0)
        }),
        attempt!("making memory executable", PERM, |_| {
            let at = call!(libc::SYS_mmap, NULL, PAGE, libc::PROT_READ, PRIVATE, -1, 0)?;
            call!(libc::SYS_mprotect, at, PAGE, libc::PROT_READ | libc::PROT_EXEC)
        }),
        attempt!("making memory executable by a key", PERM, |_| {
            let at = call!(libc::SYS_mmap, NULL, PAGE, libc::PROT_READ, PRIVATE, -1, 0)?;
            call!(libc::SYS_pkey_mprotect, at, PAGE, libc::PROT_READ | libc::PROT_EXEC, -1)
        }),
        // Descriptors.
        attempt!("a copy of a descriptor", PERM, |_| call!(libc::SYS_dup, 1)),
        attempt!("a copy of a descriptor by fcntl", PERM, |_| {
            call!(libc::SYS_fcntl, 1, libc::F_DUPFD, 0)
        }),
        attempt!("a pipe", PERM, |_| {
            let mut pipe = [0_i32; 2];
            call!(libc::SYS_pipe2, pipe.as_mut_ptr(), 0)
        }),
        attempt!("an eventfd", PERM, |_| call!(libc::SYS_eventfd2, 0, 0)),
        attempt!("an epoll", PERM, |_| call!(libc::SYS_epoll_create1, 0)),
        // The limits, and the walls themselves.
        attempt!("more memory than the limit", libc::ENOMEM, |prison| {
            let bytes = prison.memory_bytes as usize;
            call!(libc::SYS_mmap, NULL, bytes, libc::PROT_READ | libc::PROT_WRITE, PRIVATE, -1, 0)
        }),
        attempt!("a higher limit", PERM, |_| {
            let unlimited = [u64::MAX; 2];
            call!(libc::SYS_prlimit64, 0, libc::RLIMIT_AS, unlimited.as_ptr(), NULL)
        }),
        attempt!("outliving the parent", PERM, |_| call!(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, 0)),
        attempt!("another filter", PERM, |_| call!(libc::SYS_seccomp, 1, 0, NULL)),
        attempt!("another user", PERM, |_| call!(libc::SYS_setuid, 0)),
        attempt!("a namespace", PERM, |_| call!(libc::SYS_unshare, libc::CLONE_NEWUSER)),
        attempt!("another root", PERM, |_| call!(libc::SYS_chroot, c"/".as_ptr())),
        attempt!("a mount", PERM, |_| call!(libc::SYS_mount, NULL, NULL, NULL, 0, NULL)),
        attempt!("a program in the kernel", PERM, |_| call!(libc::SYS_bpf, 0, NULL, 0)),
        attempt!("a performance counter", PERM, |_| { call!(libc::SYS_perf_event_open, NULL, 0, -1, -1, 0) }),
        attempt!("handling page faults", PERM, |_| call!(libc::SYS_userfaultfd, 0)),
        attempt!("a key ring", PERM, |_| call!(libc::SYS_keyctl, 0, -3, 1)),
    ];
    #[cfg(target_arch = "x86_64")]
    attempts.extend([
        attempt!("reading a file by open", PERM, |_| {
            call!(libc::SYS_open, c"/etc/passwd".as_ptr(), libc::O_RDONLY)
        }),
        attempt!("a fork by fork", PERM, |_| {
            let child = call!(libc::SYS_fork)?;
            if child == 0 {
                std::process::exit(0)
            }
            Ok(child)
        }),
        attempt!("a file by the x32 numbers", PERM, |_| {
            const X32: libc::c_long = 0x4000_0000;
            call!(X32 + libc::SYS_open, c"/etc/passwd".as_ptr(), libc::O_RDONLY)
        }),
    ]);
    attempts
});

fn open_of(prison: &Prison, file: &str) -> io::Result<i64> {
    let path = format!("/proc/{}/{file}\0", prison.parent);
    call!(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), libc::O_RDONLY)
}
