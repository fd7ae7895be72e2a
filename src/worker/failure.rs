//! What can happen to a worker, and what its end means.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use super::protocol::ENGINE_UNAVAILABLE;

/// How much is kept of a text that a worker sent, in characters.
const MAX_TEXT_CHARS: usize = 300;

/// How much is kept of the code of a refusal, in characters; all that there are are shorter.
pub(super) const MAX_CODE_CHARS: usize = 40;

/// The executable that draws with PDFium for one that is static.
pub(super) const PDFIUM_WORKER: &str = "pdfium-worker";

/// What can come of asking a worker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The worker answered that it cannot, and is as good as before.
    #[error("{message}")]
    Refused {
        /// A stable code from the engine or the encoder.
        code: String,
        /// What was wrong.
        message: String,
    },
    /// The engine cannot be had: its library is missing, or does not fit.
    #[error("{0}")]
    Engine(String),
    /// The process could not be started, or failed before it was asked for anything.
    #[error("failed to start a worker process: {0}")]
    Spawn(io::Error),
    /// It did not answer in time, and was killed.
    #[error("gave no answer within {0:?} and was killed")]
    Timeout(Duration),
    /// It ran out of memory.
    #[error("needed more than the worker's {} MiB of memory ({detail}); raise PDF2IMG_WORKER_MEMORY or lower the dpi", .limit_bytes >> 20)]
    OutOfMemory {
        /// What it had, in bytes.
        limit_bytes: u64,
        /// How it showed.
        detail: String,
    },
    /// It crashed.
    #[error("the worker crashed: {detail}")]
    Crashed {
        /// The signal or exit code, and its last words.
        detail: String,
    },
    /// Somebody else killed it: the kernel for want of memory, or a person.
    #[error("the worker was killed from outside (SIGKILL), as the kernel does when memory runs out")]
    Killed,
    /// It sent something that is not an answer, and was killed.
    #[error("the worker broke the protocol and was killed: {0}")]
    Protocol(String),
}

impl WorkerError {
    /// The stable code of this kind of failure, as it stands in manifests and logs.
    pub fn code(&self) -> &str {
        match self {
            WorkerError::Refused { code, .. } => code,
            WorkerError::Engine(_) => ENGINE_UNAVAILABLE,
            WorkerError::Spawn(_) => "worker_unavailable",
            WorkerError::Timeout(_) => "page_timeout",
            WorkerError::OutOfMemory { .. } | WorkerError::Killed => "page_memory",
            WorkerError::Crashed { .. } => "page_crashed",
            WorkerError::Protocol(_) => "worker_protocol",
        }
    }

    /// Whether the worker can be asked again.
    pub fn leaves_worker_alive(&self) -> bool {
        matches!(self, WorkerError::Refused { .. })
    }

    /// Whether trying again may help although nothing about the document changes.
    pub fn is_retryable(&self) -> bool {
        matches!(self, WorkerError::Spawn(_) | WorkerError::Killed)
    }
}

/// Says what a worker's end means.
pub(super) fn classify(status: ExitStatus, last_words: &str, limit_bytes: u64) -> WorkerError {
    // Rust's allocator prints this before it aborts; there is no stable hook to say it otherwise.
    if last_words.contains("memory allocation of") {
        return WorkerError::OutOfMemory { limit_bytes, detail: one_line(last_words) };
    }
    match status.signal() {
        Some(libc::SIGKILL) => WorkerError::Killed,
        Some(libc::SIGXCPU) => WorkerError::Crashed { detail: "over its limit of CPU time".into() },
        Some(number) => {
            let name = match number {
                libc::SIGSEGV => "SIGSEGV",
                libc::SIGABRT => "SIGABRT",
                libc::SIGBUS => "SIGBUS",
                libc::SIGFPE => "SIGFPE",
                libc::SIGILL => "SIGILL",
                libc::SIGTRAP => "SIGTRAP",
                _ => "a signal",
            };
            WorkerError::Crashed { detail: format!("{name} ({number}) {}", one_line(last_words)) }
        }
        None => WorkerError::Crashed { detail: format!("{status} {}", one_line(last_words)) },
    }
}

/// Why a process did not start; a missing worker of PDFium's is the package's fault, and will not
/// be found by trying again.
pub(super) fn not_started(program: &Path, error: &io::Error) -> WorkerError {
    if error.kind() == io::ErrorKind::NotFound && program.ends_with(PDFIUM_WORKER) {
        return WorkerError::Engine(format!(
            "{} is missing, or the program that loads it is: a static executable cannot load PDFium itself, \
             and needs that worker, of the same release, beside it, on a system with glibc",
            program.display()
        ));
    }
    WorkerError::Spawn(io::Error::new(error.kind(), format!("{}: {error}", program.display())))
}

/// Printable text on one line, without what could forge a line of a log.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty()).collect();
    cut(&words.join(" "), MAX_TEXT_CHARS)
}

pub(super) fn cut(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended_by(signal: i32, last_words: &str) -> WorkerError {
        classify(ExitStatus::from_raw(signal), last_words, 1 << 30)
    }

    #[test]
    fn the_end_of_a_worker_is_named_by_its_cause() {
        assert_eq!(ended_by(libc::SIGSEGV, "").code(), "page_crashed");
        assert_eq!(ended_by(libc::SIGABRT, "memory allocation of 12 bytes failed\n").code(), "page_memory");
        assert_eq!(ended_by(libc::SIGKILL, "").code(), "page_memory");
        let exit_1 = classify(ExitStatus::from_raw(1 << 8), "worker: boom", 1);
        assert!(exit_1.to_string().contains("exit status: 1 worker: boom"), "{exit_1}");
    }

    #[test]
    fn last_words_cannot_forge_a_line_of_a_log() {
        assert_eq!(one_line("a\n{\"level\":\"ERROR\"}\x1b[2J\tb"), "a {\"level\":\"ERROR\"} [2J b");
    }
}
