//! What the service tells its operators: logs, one summary line per document, and metrics.

use std::io::IsTerminal;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Deployment, LogFormat, LogLevel};
use crate::handler::Invocation;
use crate::manifest::{Failure, Manifest, PageEntry, PageResult, Status};

/// The CloudWatch namespace of the metrics.
const NAMESPACE: &str = "pdf2img";

/// Sends logs to stderr from here on: JSON, or text on a terminal, as the deployment says.
pub fn start_logging(deployment: &Deployment) {
    let level = match deployment.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second call, in a test, leaves the first in force.
    let _ = if is_json(deployment.log_format) {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        lines.with_target(false).try_init()
    };
}

/// Whether the format is JSON, which `auto` is where nobody looks on.
pub fn is_json(format: LogFormat) -> bool {
    match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    }
}

/// Logs what a document came to, in one line.
pub fn summarize(manifest: &Manifest, retry: Option<&Failure>, already: bool, invocation: &Invocation) {
    let (totals, ms) = (&manifest.totals, &manifest.totals.ms);
    let error = manifest.error.as_ref();
    let status = match manifest.status {
        Status::Complete => "complete",
        Status::Partial => "partial",
        Status::Failed => "failed",
    };
    tracing::info!(
        bucket = manifest.source.bucket,
        key = manifest.source.key,
        status,
        code = error.map(|error| error.code.as_str()),
        error = error.map(|error| error.message.as_str()),
        pages = totals.pages,
        images = totals.images,
        failed = totals.failed,
        by_fallback = by_fallback(manifest),
        missing = totals.missing,
        bytes = totals.bytes,
        fetch_ms = ms.fetch,
        open_ms = ms.open,
        render_ms = ms.render,
        encode_ms = ms.encode,
        upload_ms = ms.upload,
        total_ms = ms.total,
        cold_start = invocation.cold_start,
        request_id = invocation.request_id,
        retry = retry.map(|failure| failure.code.as_str()),
        already_done = already,
        "document"
    );
}

/// How many pages another engine drew than the one that opened the document.
fn by_fallback(manifest: &Manifest) -> usize {
    let first = manifest.backend.as_ref().map_or("", |engine| engine.name.as_str());
    let is_anothers = |entry: &&PageEntry| match &entry.result {
        PageResult::Image(image) => image.backend != first,
        PageResult::Failed { .. } => false,
    };
    manifest.pages.iter().filter(is_anothers).count()
}

/// The metrics of a document in CloudWatch's embedded metric format, one line of JSON.
///
/// The form is the one documented as "Specification: Embedded metric format" in the CloudWatch
/// user guide.
pub fn embedded_metrics(manifest: &Manifest, cold_start: bool) -> String {
    let (totals, ms) = (&manifest.totals, &manifest.totals.ms);
    let metrics: [(&str, &str, f64); 9] = [
        ("Documents", "Count", 1.0),
        ("FailedDocuments", "Count", f64::from(u8::from(manifest.status == Status::Failed))),
        ("Pages", "Count", totals.pages.into()),
        ("Images", "Count", totals.images.into()),
        ("FailedPages", "Count", totals.failed.into()),
        ("MissingPages", "Count", totals.missing.into()),
        ("ImageBytes", "Bytes", totals.bytes as f64),
        ("Duration", "Milliseconds", ms.total),
        ("ColdStarts", "Count", f64::from(u8::from(cold_start))),
    ];
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let definitions: Vec<_> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": timestamp,
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [["Backend"]], "Metrics": definitions }
            ],
        },
        "Backend": manifest.backend.as_ref().map_or("none", |engine| engine.name.as_str()),
        "Key": manifest.source.key,
    });
    for (name, _, value) in metrics {
        line[name] = json!(value);
    }
    line.to_string()
}
