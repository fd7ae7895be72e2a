//! The whole service on this machine: S3, its events, and Lambda around the real function.
//!
//! ```text
//! any S3 client ──PUT──► s3 ──object──► delivery ──invocation──► function ──► environments
//!                        ▲             (retries)                               │ bootstrap
//!                        └──────────── pages, manifest ◄──────────────────────┘
//! ```
//!
//! [`LocalStack`] is the whole; its [`events`](LocalStack::events) say what happens in it.

pub(crate) mod contact_sheet;
mod delivery;
mod environment;
mod events;
mod function;
mod http;
mod invoke_api;
mod journal;
mod runtime_api;
mod s3;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::contact_sheet::ContactSheets;
use self::delivery::{Delivery, Dispatcher};
use self::environment::Blueprint;
use self::function::Function;
use self::journal::Journal;
pub use self::journal::{EventStream, InvocationStatus, LocalEvent, Report};

/// How to run a local stack.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// Where objects are kept, as files below their buckets' names; it is created.
    pub data: PathBuf,
    /// The function's executable.
    pub bootstrap: PathBuf,
    /// The bucket whose new objects are told to the function. Default: `pdf-in`.
    pub input_bucket: String,
    /// The bucket that the function writes to; it may be the same. Default: `pdf-out`.
    pub output_bucket: String,
    /// The S3 endpoint's port on 127.0.0.1; 0, the default, takes a free one.
    pub port: u16,
    /// The region that everything claims to be in. Default: `us-east-1`.
    pub region: String,
    /// Who may use the S3 endpoint. Default: `pdf2img` with the secret `pdf2img-local-secret`.
    pub credentials: Credentials,
    /// How the function hears of new objects. Default: from S3 itself.
    pub event_source: EventSource,
    /// Only keys that end so are told; compared exactly, as S3 does. Default: empty, all keys.
    pub event_suffix: String,
    /// How many execution environments there are at most. Default: 1.
    pub environments: u32,
    /// After how long an invocation's environment is killed. Default: 60 s.
    pub timeout: Duration,
    /// How long an environment may take to ask for its first invocation. Default: 10 s, as on Lambda.
    pub init_timeout: Duration,
    /// What the function is told that it has, in MB; it is not enforced. Default: 2048.
    pub memory_mb: u32,
    /// The pause before a failed delivery is tried again; the second is twice as long. Default: 1 s.
    ///
    /// Lambda itself takes one minute, then two. With SQS it is the visibility timeout.
    pub retry_backoff: Duration,
    /// Variables for the function beside those that Lambda sets. They may replace those.
    pub variables: Vec<(OsString, OsString)>,
    /// Whether to write an `index.html` beside every manifest, and one for all. Default: yes.
    ///
    /// They are files in the output bucket's directory, so listings of the bucket show them too.
    pub contact_sheets: bool,
}

impl LocalOptions {
    /// The defaults, for a directory and an executable.
    pub fn new(data: impl Into<PathBuf>, bootstrap: impl Into<PathBuf>) -> Self {
        LocalOptions {
            data: data.into(),
            bootstrap: bootstrap.into(),
            input_bucket: "pdf-in".into(),
            output_bucket: "pdf-out".into(),
            port: 0,
            region: "us-east-1".into(),
            credentials: Credentials::default(),
            event_source: EventSource::S3,
            event_suffix: String::new(),
            environments: 1,
            timeout: Duration::from_secs(60),
            init_timeout: Duration::from_secs(10),
            memory_mb: 2048,
            retry_backoff: Duration::from_secs(1),
            variables: Vec::new(),
            contact_sheets: true,
        }
    }

    /// Adds a variable to the function's environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }
}

/// Who may use the S3 endpoint; requests must be signed so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Credentials { access_key_id: "pdf2img".into(), secret_access_key: "pdf2img-local-secret".into() }
    }
}

/// How the function hears of new objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// S3 invokes it.
    S3,
    /// S3 sends messages to a queue, and the function gets them in batches.
    Sqs,
    /// EventBridge invokes it.
    EventBridge,
}

impl EventSource {
    /// All of them.
    pub const ALL: [EventSource; 3] = [EventSource::S3, EventSource::Sqs, EventSource::EventBridge];
}

impl fmt::Display for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EventSource::S3 => "s3",
            EventSource::Sqs => "sqs",
            EventSource::EventBridge => "eventbridge",
        })
    }
}

impl FromStr for EventSource {
    type Err = UnknownEventSource;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        EventSource::ALL
            .into_iter()
            .find(|source| source.to_string() == name)
            .ok_or_else(|| UnknownEventSource(name.to_owned()))
    }
}

/// A name that is no event source's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no event source; use s3, sqs or eventbridge")]
pub struct UnknownEventSource(String);

/// Why a local stack did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// An option's value cannot be used.
    #[error("{option} {value:?}: {detail}")]
    Option {
        /// The option's name, as on the command line.
        option: &'static str,
        /// Its value.
        value: String,
        /// What is accepted.
        detail: &'static str,
    },
    /// The function's executable is not there.
    #[error(
        "{path} is not an executable file; build it with `cargo build --release --bin bootstrap`, or name another with --bootstrap"
    )]
    Bootstrap {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The data directory cannot be used.
    #[error("cannot keep objects in {path}: {detail}")]
    Data {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A port cannot be listened on.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another --port, or 0 for a free one")]
    Listen {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The function did not start.
    #[error("the function did not start: {detail}")]
    Init {
        /// What it reported, or how it ended.
        detail: String,
    },
}

/// A running local stack. Dropping it ends it, less gently than [`shutdown`](LocalStack::shutdown).
pub struct LocalStack {
    endpoint: String,
    lambda_endpoint: String,
    options: LocalOptions,
    function: Arc<Function>,
    dispatcher: Dispatcher,
    journal: Journal,
    tasks: JoinSet<()>,
}

impl LocalStack {
    /// Starts the endpoints and one execution environment; the others start when they are needed.
    ///
    /// # Errors
    ///
    /// [`LocalError`]; if the function's own start fails, [`LocalError::Init`] says what it reported.
    pub async fn start(options: LocalOptions) -> Result<Self, LocalError> {
        check(&options)?;
        let data = prepare_data(&options)?;
        let bootstrap = find_bootstrap(&options.bootstrap)?;
        let (s3_listener, endpoint) = listen(options.port).await?;
        let (lambda_listener, lambda_endpoint) = listen(0).await?;

        let journal = Journal::new();
        let blueprint = Blueprint {
            variables: variables(&options, &bootstrap, &endpoint),
            bootstrap,
            init_timeout: options.init_timeout,
        };
        let limits = (options.timeout, options.memory_mb);
        let function = Arc::new(Function::new(
            blueprint,
            &options.region,
            limits,
            options.environments,
            journal.clone(),
        ));
        let sheets = Arc::new(ContactSheets::new(&data, &options.output_bucket, options.contact_sheets));
        let (dispatcher, deliveries) = Dispatcher::new(Delivery {
            function: function.clone(),
            source: options.event_source,
            region: options.region.clone(),
            retry_backoff: options.retry_backoff,
            environments: options.environments,
            dead_letters: data.join(DEAD_LETTERS),
            sheets,
            journal: journal.clone(),
        });
        let s3 = Arc::new(s3::Endpoint {
            service: s3::service(&data, &options.credentials)?,
            data,
            input_bucket: options.input_bucket.clone(),
            output_bucket: options.output_bucket.clone(),
            event_suffix: options.event_suffix.clone(),
            dispatcher: dispatcher.clone(),
            journal: journal.clone(),
        });

        let mut tasks = JoinSet::new();
        tasks.spawn(deliveries);
        tasks.spawn(http::serve(s3_listener, move |request| s3.clone().answer(request)));
        let (invoked, sent) = (function.clone(), dispatcher.clone());
        tasks.spawn(http::serve(lambda_listener, move |request| {
            invoke_api::answer(invoked.clone(), sent.clone(), request)
        }));
        function.warm_up().await.map_err(|detail| LocalError::Init { detail })?;
        Ok(LocalStack { endpoint, lambda_endpoint, options, function, dispatcher, journal, tasks })
    }

    /// The S3 endpoint: `http://127.0.0.1:<port>`, for path-style requests.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The endpoint of Lambda's Invoke API, for the function `pdf2img`.
    pub fn lambda_endpoint(&self) -> &str {
        &self.lambda_endpoint
    }

    /// The options that it was started with.
    pub fn options(&self) -> &LocalOptions {
        &self.options
    }

    /// What happened since the start, and what will; each stream has all of it.
    pub fn events(&self) -> EventStream {
        self.journal.follow()
    }

    /// What happened since the start.
    ///
    /// Everything is kept until the end, at some 300 bytes an event.
    pub fn log(&self) -> Vec<LocalEvent> {
        self.journal.all()
    }

    /// The reports of all invocations that have ended.
    pub fn reports(&self) -> Vec<Report> {
        self.log()
            .into_iter()
            .filter_map(|event| match event {
                LocalEvent::Report(report) => Some(report),
                _ => None,
            })
            .collect()
    }

    /// Waits until every object put so far was told, retried or given up, and its sheets are written.
    ///
    /// Invocations through the Invoke API count too.
    pub async fn idle(&self) {
        self.dispatcher.idle().await;
    }

    /// Stops listening, drops what is queued, and ends all environments.
    ///
    /// An environment at work is killed; one that waits gets SIGTERM, and SIGKILL after 500 ms.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
        self.function.shut_down().await;
    }
}

/// The directory beside the buckets where given-up events are kept.
const DEAD_LETTERS: &str = "dead-letters";

fn check(options: &LocalOptions) -> Result<(), LocalError> {
    let buckets = [("--input-bucket", &options.input_bucket), ("--output-bucket", &options.output_bucket)];
    for (option, name) in buckets {
        let is_outer = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let bytes = name.as_bytes();
        let is_valid = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|&c| is_outer(c) || c == b'-' || c == b'.')
            && !name.contains("..")
            && is_outer(bytes[0])
            && is_outer(bytes[bytes.len() - 1])
            && name != DEAD_LETTERS;
        if !is_valid {
            let detail = "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens";
            return Err(LocalError::Option { option, value: name.clone(), detail });
        }
    }
    if options.environments == 0 {
        let detail = "at least one environment is needed";
        return Err(LocalError::Option { option: "--environments", value: "0".into(), detail });
    }
    Ok(())
}

/// Makes the directory and its buckets; returns its absolute path.
fn prepare_data(options: &LocalOptions) -> Result<PathBuf, LocalError> {
    let fail = |error: io::Error| LocalError::Data { path: options.data.clone(), detail: error.to_string() };
    for bucket in [&options.input_bucket, &options.output_bucket] {
        std::fs::create_dir_all(options.data.join(bucket)).map_err(fail)?;
    }
    options.data.canonicalize().map_err(fail)
}

fn find_bootstrap(path: &Path) -> Result<PathBuf, LocalError> {
    use std::os::unix::fs::PermissionsExt;

    let missing = || LocalError::Bootstrap { path: path.to_owned() };
    let found = path.canonicalize().map_err(|_| missing())?;
    let metadata = found.metadata().map_err(|_| missing())?;
    let is_executable = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    if is_executable { Ok(found) } else { Err(missing()) }
}

async fn listen(port: u16) -> Result<(TcpListener, String), LocalError> {
    let fail = |source| LocalError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, format!("http://{address}")))
}

/// What Lambda sets, what the function needs to find the local S3, then the caller's own.
fn variables(options: &LocalOptions, bootstrap: &Path, endpoint: &str) -> Vec<(OsString, OsString)> {
    let memory = options.memory_mb.to_string();
    let log_stream = format!("local/[$LATEST]{}", events::random_hex(16));
    let task_root = bootstrap.parent().unwrap_or(Path::new("/"));
    let mut variables: Vec<(OsString, OsString)> = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
        ("AWS_LAMBDA_FUNCTION_NAME", function::NAME),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/pdf2img"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", &log_stream),
        ("AWS_REGION", &options.region),
        ("AWS_DEFAULT_REGION", &options.region),
        ("AWS_ACCESS_KEY_ID", &options.credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &options.credentials.secret_access_key),
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("PDF2IMG_OUTPUT_BUCKET", &options.output_bucket),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into();
    variables.push(("LAMBDA_TASK_ROOT".into(), task_root.into()));
    variables.extend(options.variables.iter().cloned());
    variables
}
