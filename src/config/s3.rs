//! How to reach S3: what [`S3Store`](crate::store::s3::S3Store) is put together from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach S3.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// The region: `eu-central-1`.
    pub region: String,
    /// What requests are signed with.
    pub credentials: S3Credentials,
    /// The URL of an S3-compatible server; default `None`, the region's own endpoint.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path and not in the host name; default `false`, and
    /// `true` once [`with_endpoint`](S3Config::with_endpoint) names a server.
    pub force_path_style: bool,
    /// Which certificate authorities are trusted; default [`TlsRoots::Amazon`].
    pub tls_roots: TlsRoots,
    /// How long a request may take.
    pub timeouts: S3Timeouts,
    /// How often a request is tried.
    pub retries: S3Retries,
}

/// A key pair that requests are signed with.
#[derive(Clone)]
pub struct S3Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// The session that the pair is valid in, if it is a temporary one.
    pub session_token: Option<String>,
}

/// Which certificate authorities are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TlsRoots {
    /// Only those of S3's own endpoints, from within the executable: the fastest start. A server
    /// of your own over HTTPS needs one of the others.
    #[default]
    Amazon,
    /// The system's, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    System,
    /// Those in a PEM file.
    Pem(PathBuf),
}

/// How long a request may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Timeouts {
    /// For a connection to be made, the TLS handshake excluded; default 3 s.
    pub connect: Duration,
    /// For one attempt up to the head of its answer, without the time that an upload's body is
    /// granted; default 10 s.
    pub attempt: Duration,
    /// For all attempts of a request together, pauses included, without the time that an upload's
    /// body is granted; default 40 s.
    pub operation: Duration,
    /// After which a body that does not move, in either direction, fails; default 10 s.
    pub stall: Duration,
    /// The rate in bytes per second that an upload's body is granted time at, so that a large one
    /// is not cut off on a slow line; default 500,000.
    pub slowest_upload_bytes_per_s: u32,
}

/// How often a request is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Retries {
    /// The number of attempts, the first included; default 5.
    pub attempts: u32,
    /// The longest first pause, of which a random part is taken and which doubles each time;
    /// default 250 ms.
    pub initial_backoff: Duration,
    /// The longest pause; default 5 s.
    pub max_backoff: Duration,
}

impl S3Config {
    /// The region's own endpoint, with every setting at its default.
    pub fn new(region: impl Into<String>, credentials: S3Credentials) -> Self {
        S3Config {
            region: region.into(),
            credentials,
            endpoint: None,
            force_path_style: false,
            tls_roots: TlsRoots::default(),
            timeouts: S3Timeouts::default(),
            retries: S3Retries::default(),
        }
    }

    /// Another server in place of the region's own endpoint, with buckets in the path.
    #[must_use]
    pub fn with_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self.force_path_style = true;
        self
    }
}

/// Shows the public half only, so that a logged configuration gives nothing away.
impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Default for S3Timeouts {
    fn default() -> Self {
        S3Timeouts {
            connect: Duration::from_secs(3),
            attempt: Duration::from_secs(10),
            operation: Duration::from_secs(40),
            stall: Duration::from_secs(10),
            slowest_upload_bytes_per_s: 500_000,
        }
    }
}

impl Default for S3Retries {
    fn default() -> Self {
        S3Retries {
            attempts: 5,
            initial_backoff: Duration::from_millis(250),
            max_backoff: Duration::from_secs(5),
        }
    }
}
