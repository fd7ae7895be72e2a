//! What is fixed for a running service, and cannot differ from document to document.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use super::s3::TlsRoots;

/// What is fixed for a running service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// How many worker processes render side by side. Default: one per CPU.
    pub workers: NonZeroUsize,
    /// The most memory that one worker may take, in bytes. Default: on Lambda an equal share of
    /// what the function has beyond 128 MiB, but at least 192 MiB; elsewhere 1 GiB.
    pub worker_memory_bytes: u64,
    /// PDFium's library. Default: `lib/libpdfium.so` beside the executable.
    pub pdfium_library: Option<PathBuf>,
    /// The end of the keys that are taken for PDFs, in any case; empty for all keys.
    /// Default: `.pdf`.
    pub input_suffix: String,
    /// Whom to trust. Default: Amazon.
    pub tls_roots: TlsRoots,
    /// How much is logged. Default: `info`.
    pub log_level: LogLevel,
    /// How logs are written. Default: text on a terminal, else JSON.
    pub log_format: LogFormat,
}

impl FromStr for TlsRoots {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        match s {
            "amazon" => Ok(TlsRoots::Amazon),
            "system" => Ok(TlsRoots::System),
            // A misspelt word must not pass for the name of a file.
            path if path.contains(['/', '.']) => Ok(TlsRoots::Pem(PathBuf::from(path))),
            _ => Err(()),
        }
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may need attention.
    Warn,
    /// One line for each document; the default.
    #[default]
    Info,
    /// What helps to find a fault in the libraries.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Every level.
    pub const ALL: [LogLevel; 5] =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    /// The name used in options.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        LogLevel::ALL.into_iter().find(|l| l.as_str() == s).ok_or(())
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, else JSON, as on Lambda; the default.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    /// Every format.
    pub const ALL: [LogFormat; 3] = [LogFormat::Auto, LogFormat::Json, LogFormat::Text];

    /// The name used in options.
    pub fn as_str(self) -> &'static str {
        match self {
            LogFormat::Auto => "auto",
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        LogFormat::ALL.into_iter().find(|l| l.as_str() == s).ok_or(())
    }
}
