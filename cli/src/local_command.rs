//! `pdf2img local`: its flags, what it prints, and how it ends.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::local::{Credentials, EventSource, EventStream, LocalEvent, LocalOptions, LocalStack};

/// The flags of `pdf2img local`.
#[derive(Debug, Args)]
pub struct LocalArguments {
    /// Where to keep objects, as files; created if it is not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The function's executable [default: `bootstrap` beside this one].
    #[arg(long, value_name = "PATH")]
    bootstrap: Option<PathBuf>,
    /// The bucket whose new objects are told to the function.
    #[arg(long, value_name = "NAME", default_value = "pdf-in")]
    input_bucket: String,
    /// The bucket that the function writes to; it may be the same.
    #[arg(long, value_name = "NAME", default_value = "pdf-out")]
    output_bucket: String,
    /// The S3 endpoint's port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The region that everything claims to be in.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The access key's id.
    #[arg(long, value_name = "ID", default_value_t = Credentials::default().access_key_id)]
    access_key_id: String,
    /// The secret access key; only for this machine, so it need not be secret.
    #[arg(long, value_name = "SECRET", default_value_t = Credentials::default().secret_access_key)]
    secret_access_key: String,
    /// How the function hears of new objects: s3, sqs or eventbridge.
    #[arg(long, value_name = "SOURCE", default_value_t = EventSource::S3)]
    event_source: EventSource,
    /// Tell only of keys that end so, compared exactly as S3 does [default: all keys].
    #[arg(long, value_name = "SUFFIX", default_value = "", hide_default_value = true)]
    event_suffix: String,
    /// How many execution environments there are at most.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    environments: u32,
    /// After how long an invocation is killed: 60s, 500ms, 15m.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    timeout: Duration,
    /// What the function is told that it has, in MB; it is not enforced.
    #[arg(long, value_name = "MB", default_value_t = 2048)]
    memory: u32,
    /// The pause before a failed delivery is tried again; twice as long before the second retry.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    retry_backoff: Duration,
    /// A variable for the function; PDF2IMG_* of this command's environment are passed on by themselves.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    variables: Vec<(OsString, OsString)>,
    /// Write no index.html files.
    #[arg(long)]
    no_contact_sheets: bool,
    /// Print JSON: first a line with endpoint, credentials and buckets, then one line for each event.
    #[arg(long)]
    json: bool,
}

/// Runs a local stack until Ctrl-C or SIGTERM.
///
/// # Errors
///
/// What kept it from starting.
pub fn run(arguments: LocalArguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start the asynchronous runtime")?;
    runtime.block_on(run_until_signal(arguments))
}

async fn run_until_signal(arguments: LocalArguments) -> anyhow::Result<ExitCode> {
    // Taken first: a signal during the start must not leave an environment behind.
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let is_json = arguments.json;
    let options = options(arguments)?;
    let stack = tokio::select! {
        stack = LocalStack::start(options) => stack?,
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
    };

    print_start(&stack, is_json).context("failed to write to standard output")?;
    let printer = tokio::spawn(print_events(stack.events(), is_json));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stack.shutdown().await;
    // With the stack, the last one who records is gone, so the stream ends.
    printer.await.context("failed to print the events")??;
    Ok(ExitCode::SUCCESS)
}

fn options(arguments: LocalArguments) -> anyhow::Result<LocalOptions> {
    let bootstrap = match arguments.bootstrap {
        Some(path) => path,
        None => std::env::current_exe()
            .context("failed to find this executable, to look for bootstrap beside it")?
            .with_file_name("bootstrap"),
    };
    let mut variables: Vec<(OsString, OsString)> = std::env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("PDF2IMG_")))
        // The flag says which one it is; it must exist here, and its sheets are drawn.
        .filter(|(name, _)| name != "PDF2IMG_OUTPUT_BUCKET")
        .collect();
    // Later ones win.
    variables.extend(arguments.variables);
    let mut options = LocalOptions::new(arguments.data, bootstrap);
    options.input_bucket = arguments.input_bucket;
    options.output_bucket = arguments.output_bucket;
    options.port = arguments.port;
    options.region = arguments.region;
    options.credentials = Credentials {
        access_key_id: arguments.access_key_id,
        secret_access_key: arguments.secret_access_key,
    };
    options.event_source = arguments.event_source;
    options.event_suffix = arguments.event_suffix;
    options.environments = arguments.environments;
    options.timeout = arguments.timeout;
    options.memory_mb = arguments.memory;
    options.retry_backoff = arguments.retry_backoff;
    options.variables = variables;
    options.contact_sheets = !arguments.no_contact_sheets;
    Ok(options)
}

fn print_start(stack: &LocalStack, is_json: bool) -> io::Result<()> {
    let options = stack.options();
    let mut out = io::stdout().lock();
    if is_json {
        let line = json!({
            "endpoint": stack.endpoint(),
            "region": options.region,
            "access_key_id": options.credentials.access_key_id,
            "secret_access_key": options.credentials.secret_access_key,
            "input_bucket": options.input_bucket,
            "output_bucket": options.output_bucket,
            "lambda_endpoint": stack.lambda_endpoint(),
        });
        writeln!(out, "{line}")?;
        return out.flush();
    }
    let Credentials { access_key_id, secret_access_key } = &options.credentials;
    writeln!(out, "S3 endpoint      {}", stack.endpoint())?;
    writeln!(out, "Lambda endpoint  {}  (function pdf2img)", stack.lambda_endpoint())?;
    writeln!(out, "Region           {}", options.region)?;
    writeln!(out, "Credentials      {access_key_id} / {secret_access_key}")?;
    writeln!(out, "PDFs go into     s3://{}", options.input_bucket)?;
    writeln!(out, "Images come into s3://{}", options.output_bucket)?;
    writeln!(out, "Files            {}", options.data.display())?;
    writeln!(out, "\nTry:\n")?;
    writeln!(
        out,
        "  AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY={secret_access_key} \
         AWS_REGION={} \\\n    aws --endpoint-url {} s3 cp some.pdf s3://{}/\n",
        options.region,
        stack.endpoint(),
        options.input_bucket
    )?;
    writeln!(out, "Ctrl-C ends it.\n")?;
    out.flush()
}

async fn print_events(mut events: EventStream, is_json: bool) -> anyhow::Result<()> {
    while let Some(event) = events.next().await {
        // A reader that is gone must not end the service.
        let _ = print_event(&event, is_json);
    }
    Ok(())
}

fn print_event(event: &LocalEvent, is_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if is_json {
        serde_json::to_writer(&mut out, event)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{event}")?;
    }
    out.flush()
}

/// Reads `500ms`, `60s`, `15m`, or a number of seconds.
fn parse_duration(text: &str) -> anyhow::Result<Duration> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let scale = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return Err(anyhow!("{text:?} is no duration; write 500ms, 60s or 15m")),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * scale).ok())
        .filter(|duration| !duration.is_zero() && *duration <= Duration::from_secs(24 * 3600))
        .ok_or_else(|| anyhow!("{text:?} is no duration; write 500ms, 60s or 15m"))
}

fn parse_variable(text: &str) -> anyhow::Result<(OsString, OsString)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err(anyhow!("{text:?} is no NAME=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units_and_nonsense_is_refused() {
        assert_eq!(parse_duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(parse_duration("1.5s").unwrap(), Duration::from_millis(1500));
        assert_eq!(parse_duration("15m").unwrap(), Duration::from_secs(900));
        for bad in ["", "s", "-1s", "0s", "1h30", "nan", "1e9s", "99999999999999m"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_variable_keeps_what_follows_its_first_equals_sign() {
        assert_eq!(parse_variable("A=b=c").unwrap(), ("A".into(), "b=c".into()));
        assert!(parse_variable("=x").is_err());
        assert!(parse_variable("x").is_err());
    }
}
