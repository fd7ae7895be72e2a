//! The rim to AWS Lambda: start-up, the invocation loop, and how errors get back.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::config::s3::TlsRoots;
use crate::config::{Backend, Config};
use crate::handler::{Handler, Invocation};
use crate::store::s3::S3ConfigError;
use crate::telemetry;

/// How long the runtime API may take to accept the report of a failed start.
const INIT_ERROR_WITHIN: Duration = Duration::from_secs(2);

/// Runs the function until Lambda ends the process.
///
/// A start-up error goes to the log and to `…/runtime/init/error`, and the exit code is 1.
pub fn run() -> ExitCode {
    let error: Box<dyn std::error::Error> = match Config::from_process_env() {
        Ok(config) => match serve(config) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => error,
        },
        Err(error) => error.into(),
    };
    refuse_to_start(error.as_ref());
    ExitCode::FAILURE
}

fn refuse_to_start(error: &dyn std::error::Error) {
    eprintln!("bootstrap: {error}");
    if let Some(address) = crate::config::runtime_api_address()
        && let Err(report_error) = report_init_error(&address, &error.to_string())
    {
        eprintln!("bootstrap: the runtime API at {address} did not take the report: {report_error}");
    }
}

fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    telemetry::start_logging(&config.deployment);
    if config.lambda.is_none() {
        return Err("AWS_LAMBDA_RUNTIME_API is not set: this program is started by AWS Lambda. \
                    To run the service on this machine, use `pdf2img local`; to render files, `pdf2img render`"
            .into());
    }
    // Two threads: one to wait for sockets while the other hashes and signs uploads.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let start = Arc::new(Start { config, handler: OnceCell::new() });
        // Setting the S3 client up takes longer than all the rest; it goes on while the runtime API
        // is asked for work, and so does the first worker's trial of its sandbox.
        if start.config.s3.tls_roots != TlsRoots::Amazon {
            // Roots from elsewhere may be missing or damaged, which is an error at start.
            start.handler().await?;
        }
        if start.config.settings.backends().contains(&Backend::Pdfium) {
            // So may a library that is loaded.
            start.handler().await?.check_engines().await?;
        }
        tokio::spawn(Arc::clone(&start).warm_up());
        let cold = AtomicBool::new(true);
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
            let start = Arc::clone(&start);
            let cold_start = cold.swap(false, Ordering::Relaxed);
            async move {
                let invocation = Invocation {
                    remaining: Some(until_epoch_ms(event.context.deadline)),
                    request_id: event.context.request_id,
                    cold_start,
                };
                let handler = start.handler().await.map_err(|error| Diagnostic {
                    error_type: "ConfigError".to_owned(),
                    error_message: error.to_string(),
                })?;
                handler.handle(&event.payload, &invocation).await.map_err(|error| Diagnostic {
                    error_type: error.name().to_owned(),
                    error_message: error.to_string(),
                })
            }
        }))
        .await
        .map_err(|error| -> Box<dyn std::error::Error> { error })
    })
}

/// A handler that is got ready while the function starts.
struct Start {
    config: Config,
    handler: OnceCell<Handler>,
}

impl Start {
    async fn handler(&self) -> Result<&Handler, S3ConfigError> {
        self.handler.get_or_try_init(|| async { Handler::new(self.config.clone()) }).await
    }

    /// Gets the handler ready; if that cannot be, says so and ends the process, as any other error
    /// at start does.
    async fn warm_up(self: Arc<Self>) {
        match self.handler().await {
            Ok(handler) => handler.self_test().await,
            Err(error) => {
                refuse_to_start(&error);
                std::process::exit(1);
            }
        }
    }
}

fn until_epoch_ms(deadline_ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline_ms).saturating_sub(now)
}

/// Tells the runtime API why the function cannot start; `lambda_runtime` has no call for it.
fn report_init_error(address: &str, message: &str) -> io::Result<()> {
    let body = json!({ "errorMessage": message, "errorType": "ConfigError", "stackTrace": [] }).to_string();
    let mut stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(INIT_ERROR_WITHIN))?;
    stream.set_read_timeout(Some(INIT_ERROR_WITHIN))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Function-Error-Type: ConfigError\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    // The answer is waited for, so that the process does not end before it is delivered.
    io::copy(&mut stream.take(4096), &mut io::sink()).map(drop)
}
