//! The local stack as a function and as an S3 client see it.
//!
//! The function here is this test executable itself, started anew by a script: the ignored test
//! `function` speaks the Runtime API, notes every event it gets, and does what the key asks for.

mod fake_function;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, EncodingType};
use aws_smithy_http_client::Builder;
use pdf2img_cli::local::{
    EventSource, InvocationStatus, LocalError, LocalEvent, LocalOptions, LocalStack, Report,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::fake_function::Received;

const KEY: &str = "inbox/Ünï côdé + plus & (1).PDF";

#[test]
#[ignore = "not a test: the function that the others run"]
fn function() {
    fake_function::run();
}

#[tokio::test]
async fn an_upload_reaches_the_function_as_s3_would_send_it() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    let before = epoch_ms();
    put(&stack, "pdf-in", KEY, b"seven B").await;
    stack.idle().await;

    let received = fixture.received();
    assert_eq!(received.len(), 1);
    let record = &received[0].event["Records"][0];
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["s3"]["bucket"]["name"], "pdf-in");
    assert_eq!(record["s3"]["object"]["size"], 7);
    assert_eq!(record["s3"]["object"]["key"], "inbox/%C3%9Cn%C3%AF+c%C3%B4d%C3%A9+%2B+plus+%26+%281%29.PDF");
    let head = client(&stack).head_object().bucket("pdf-in").key(KEY).send().await.unwrap();
    let etag = record["s3"]["object"]["eTag"].as_str().unwrap();
    assert_eq!(head.e_tag(), Some(format!("\"{etag}\"").as_str()));

    // A real deadline: now plus the timeout, in milliseconds since 1970.
    let left = received[0].deadline_ms - before;
    assert!((60_000..70_000).contains(&left), "{left} ms");
    let Report { init_duration_ms, outcome, max_memory_used_mb, .. } = &stack.reports()[0];
    assert_eq!(*outcome, InvocationStatus::Success);
    assert!(init_duration_ms.is_some_and(|ms| ms > 0.0));
    assert!(*max_memory_used_mb > 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_multipart_upload_and_a_copy_are_one_event_each_and_other_buckets_are_none() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    let etag = put_in_parts(&stack, "pdf-in", "big.pdf").await;
    stack.idle().await;
    let s3 = client(&stack);
    s3.copy_object().copy_source("pdf-in/big.pdf").bucket("pdf-in").key("copy.pdf").send().await.unwrap();
    put(&stack, "pdf-out", "result.png", b"not told").await;
    stack.idle().await;

    let names: Vec<(String, String)> = fixture
        .received()
        .iter()
        .map(|received| {
            let record = &received.event["Records"][0];
            (text(&record["eventName"]), text(&record["s3"]["object"]["key"]))
        })
        .collect();
    assert_eq!(
        names,
        [
            ("ObjectCreated:CompleteMultipartUpload".into(), "big.pdf".into()),
            ("ObjectCreated:Copy".into(), "copy.pdf".into())
        ]
    );
    let object = &fixture.received()[0].event["Records"][0]["s3"]["object"];
    assert_eq!(object["size"], 5 * 1024 * 1024 + 9);
    assert_eq!(format!("\"{}\"", text(&object["eTag"])), etag);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_suffix_filters_exactly_and_writes_to_a_shared_bucket_are_told_too() {
    let fixture = Fixture::new();
    let stack = fixture
        .start(|options| {
            options.event_suffix = ".pdf".into();
            options.output_bucket = "pdf-in".into();
        })
        .await;
    for key in ["a.pdf", "b.PDF", "c.png"] {
        put(&stack, "pdf-in", key, b"x").await;
    }
    stack.idle().await;
    let keys: Vec<String> = fixture.received().iter().map(Received::key).collect();
    assert_eq!(keys, ["a.pdf"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn an_error_is_retried_under_the_same_request_id_until_it_is_gone() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    put(&stack, "pdf-in", "error-2", b"x").await;
    stack.idle().await;

    let received = fixture.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|other| other.request_id == received[0].request_id));
    let outcomes: Vec<_> = stack.reports().iter().map(|report| report.outcome).collect();
    assert_eq!(outcomes, [InvocationStatus::Error, InvocationStatus::Error, InvocationStatus::Success]);
    assert!(dead_letters(&stack).is_empty());
    stack.shutdown().await;
}

#[tokio::test]
async fn an_event_that_fails_three_times_becomes_a_dead_letter() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    put(&stack, "pdf-in", "error-9", b"x").await;
    stack.idle().await;

    assert_eq!(fixture.received().len(), 3);
    let letters = dead_letters(&stack);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(letters[0]["requestPayload"]["Records"][0]["s3"]["object"]["key"], "error-9");
    assert_eq!(letters[0]["responsePayload"]["errorType"], "Asked");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_function_that_hangs_is_killed_at_its_timeout_with_its_children() {
    let fixture = Fixture::new();
    let stack = fixture.start(|options| options.timeout = Duration::from_millis(700)).await;
    put(&stack, "pdf-in", "hang-1", b"x").await;
    stack.idle().await;

    let reports = stack.reports();
    assert_eq!(reports[0].outcome, InvocationStatus::Timeout);
    assert!((700.0..3000.0).contains(&reports[0].duration_ms), "{}", reports[0].duration_ms);
    assert_eq!(reports[1].outcome, InvocationStatus::Success);
    assert_ne!(reports[0].environment, reports[1].environment);
    let received = fixture.received();
    for process in [Some(received[0].process), received[0].child].into_iter().flatten() {
        assert!(is_gone(process).await, "process {process} is still there");
    }
    assert!(received[0].child.is_some());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_function_that_exits_is_replaced_and_its_event_delivered_again() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    put(&stack, "pdf-in", "exit-1", b"x").await;
    stack.idle().await;

    let reports = stack.reports();
    assert_eq!(reports[0].outcome, InvocationStatus::Exited);
    assert!(reports[0].error.as_deref().unwrap().contains("exit status: 7"), "{reports:?}");
    assert_eq!(reports[1].outcome, InvocationStatus::Success);
    stack.shutdown().await;
}

#[tokio::test]
async fn environments_work_side_by_side_and_start_only_when_needed() {
    let fixture = Fixture::new();
    let stack = fixture.start(|options| options.environments = 3).await;
    put(&stack, "pdf-in", "quick", b"x").await;
    stack.idle().await;
    put(&stack, "pdf-in", "quick-again", b"x").await;
    stack.idle().await;
    assert!(stack.reports().iter().all(|report| report.environment == 1));

    // Each of these waits until three of them are there.
    for n in 0..3 {
        put(&stack, "pdf-in", &format!("meet-3-{n}"), b"x").await;
    }
    stack.idle().await;
    let mut environments: Vec<u32> =
        stack.reports().iter().skip(2).map(|report| report.environment).collect();
    environments.sort_unstable();
    assert_eq!(environments, [1, 2, 3]);
    assert!(stack.reports().iter().all(|report| report.outcome == InvocationStatus::Success));
    stack.shutdown().await;
}

#[tokio::test]
async fn of_an_sqs_batch_only_the_failed_messages_come_back_until_they_are_dead_letters() {
    let fixture = Fixture::new();
    let stack = fixture.start(|options| options.event_source = EventSource::Sqs).await;
    // While the first one is at work, the others gather in one batch.
    put(&stack, "pdf-in", "slow", b"x").await;
    for key in ["good-1", "item-error-1", "item-error-9", "good-2"] {
        put(&stack, "pdf-in", key, b"x").await;
    }
    stack.idle().await;

    let batches: Vec<Vec<String>> = fixture.received().iter().map(Received::queued_keys).collect();
    assert_eq!(
        batches,
        [
            vec!["slow".to_owned()],
            vec!["good-1".into(), "item-error-1".into(), "item-error-9".into(), "good-2".into()],
            vec!["item-error-1".into(), "item-error-9".into()],
            vec!["item-error-9".into()],
        ]
    );
    let last = &fixture.received()[3].event["Records"][0];
    assert_eq!(last["attributes"]["ApproximateReceiveCount"], "3");
    assert_eq!(dead_letters(&stack).len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn eventbridge_sends_the_key_as_it_is() {
    let fixture = Fixture::new();
    let stack = fixture.start(|options| options.event_source = EventSource::EventBridge).await;
    put(&stack, "pdf-in", KEY, b"x").await;
    stack.idle().await;
    let event = &fixture.received()[0].event;
    assert_eq!(event["detail-type"], "Object Created");
    assert_eq!(event["detail"]["object"]["key"], KEY);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_function_whose_start_fails_says_why_at_once() {
    let fixture = Fixture::new();
    let error = LocalStack::start(fixture.options().variable("FAKE_INIT_ERROR", "PDF2IMG_DPI=x"))
        .await
        .err()
        .expect("the start fails");
    assert!(matches!(error, LocalError::Init { .. }), "{error}");
    assert!(error.to_string().contains("Config.Invalid: PDF2IMG_DPI=x"), "{error}");

    let missing = LocalStack::start(LocalOptions::new(fixture.folder.path(), "/nowhere/bootstrap")).await;
    assert!(matches!(missing.err(), Some(LocalError::Bootstrap { .. })));
}

#[tokio::test]
async fn the_function_sees_what_lambda_sets_and_nothing_else_of_ours() {
    let fixture = Fixture::new();
    let stack = fixture.start(|options| options.memory_mb = 512).await;
    put(&stack, "pdf-in", "x", b"x").await;
    stack.idle().await;
    let variables = &fixture.received()[0].variables;
    let value = |name: &str| variables.get(name).map(String::as_str);
    assert_eq!(value("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), Some("512"));
    assert_eq!(value("AWS_ENDPOINT_URL_S3"), Some(stack.endpoint()));
    assert_eq!(value("PDF2IMG_OUTPUT_BUCKET"), Some("pdf-out"));
    assert_eq!(value("AWS_REGION"), Some("us-east-1"));
    // Cargo sets this one for the tests.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert_eq!(value("CARGO_MANIFEST_DIR"), None);
    stack.shutdown().await;
}

#[tokio::test]
async fn requests_with_a_wrong_secret_are_refused() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    let put = client_with_secret(&stack, "wrong").put_object().bucket("pdf-in").key("x");
    let error = put.body(ByteStream::from_static(b"x")).send().await.unwrap_err();
    assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(403));
    stack.idle().await;
    assert!(fixture.received().is_empty());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_listing_does_not_claim_to_be_encoded() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    put(&stack, "pdf-in", "a+b.pdf", b"x").await;
    let request = client(&stack).list_objects_v2().bucket("pdf-in");
    let listing = request.encoding_type(EncodingType::Url).send().await.unwrap();
    assert_eq!(listing.contents()[0].key(), Some("a+b.pdf"));
    assert_eq!(listing.encoding_type(), None);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_key_too_long_for_the_disk_is_refused_by_name_and_the_longest_that_fits_is_taken() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    let write = |key: String| {
        let request = client(&stack).put_object().bucket("pdf-in").key(key).metadata("a", "b");
        request.body(ByteStream::from_static(b"x")).send()
    };
    // Base64 of "pdf-in" has 8 characters, so 217 are left for the key.
    write("k".repeat(162)).await.unwrap();
    let error = write("k".repeat(163)).await.unwrap_err();
    assert_eq!(error.code(), Some("KeyTooLongError"));
    stack.idle().await;
    assert_eq!(fixture.received().len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn the_invoke_api_returns_answers_and_errors_and_takes_events_for_later() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    let path = "/2015-03-31/functions/pdf2img/invocations";

    let (head, body) = post(&stack, path, "", r#"{"bucket":"b","key":"k"}"#).await;
    assert!(head.starts_with("HTTP/1.1 200") && !head.contains("x-amz-function-error"), "{head}");
    assert_eq!(body, r#"{"batchItemFailures":[]}"#);
    assert_eq!(fixture.received()[0].event["bucket"], "b");

    let failing = r#"{"Records":[{"s3":{"object":{"key":"error-1"}}}]}"#;
    let (head, body) = post(&stack, path, "", failing).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-amz-function-error: Unhandled"), "{head}");
    assert!(body.contains("as the key asked"), "{body}");

    let (head, _) = post(&stack, path, "x-amz-invocation-type: Event\r\n", "{}").await;
    assert!(head.starts_with("HTTP/1.1 202"), "{head}");
    stack.idle().await;
    assert_eq!(fixture.received().len(), 3);

    let (head, _) = post(&stack, "/2015-03-31/functions/other/invocations", "", "{}").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let (head, _) = post(&stack, path, "", "not JSON").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    stack.shutdown().await;
}

#[tokio::test]
async fn an_invocation_goes_on_when_its_caller_has_gone() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    let slow = r#"{"Records":[{"messageId":"m","body":"{\"Records\":[{\"s3\":{\"object\":{\"key\":\"slow\"}}}]}"}]}"#;
    let call = post(&stack, "/2015-03-31/functions/pdf2img/invocations", "", slow);
    assert!(tokio::time::timeout(Duration::from_millis(700), call).await.is_err());
    stack.idle().await;
    let reports = stack.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].outcome, InvocationStatus::Success);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_leaves_no_process_behind_idle_or_at_work() {
    let fixture = Fixture::new();
    let stack = fixture.start(|options| options.environments = 2).await;
    put(&stack, "pdf-in", "quick", b"x").await;
    stack.idle().await;
    put(&stack, "pdf-in", "hang-9", b"x").await;
    put(&stack, "pdf-in", "also-quick", b"x").await;
    while fixture.received().len() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stack.shutdown().await;
    for received in fixture.received() {
        for process in [Some(received.process), received.child].into_iter().flatten() {
            assert!(is_gone(process).await, "process {process} is still there");
        }
    }
}

#[tokio::test]
async fn a_manifest_gets_a_sheet_beside_it_and_a_row_in_the_list() {
    let fixture = Fixture::new();
    let stack = fixture.start(|_| {}).await;
    let manifest = include_bytes!("local/manifest.json");
    put(&stack, "pdf-out", "inbox/a & b/manifest.json", manifest).await;
    put(&stack, "pdf-out", "other/manifest.json", b"{\"not\": \"ours\"}").await;
    stack.idle().await;

    let data = &stack.options().data;
    let sheet = fs::read_to_string(data.join("pdf-out/inbox/a & b/index.html")).unwrap();
    assert!(sheet.contains("src=\"page-0001.png\""), "{sheet}");
    assert!(sheet.contains("page_timeout"));
    assert!(sheet.contains("&lt;b&gt;"), "a message must be escaped");
    assert!(!sheet.contains("<b>page</b>"));
    let list = fs::read_to_string(data.join("index.html")).unwrap();
    assert!(list.contains("href=\"pdf-out/inbox/a%20%26%20b/index.html\""), "{list}");
    assert!(!data.join("pdf-out/other/index.html").exists());
    let documents =
        stack.log().into_iter().filter(|event| matches!(event, LocalEvent::Document { .. })).count();
    assert_eq!(documents, 1);
    stack.shutdown().await;
}

/// A folder with a script that starts this executable as the function.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = std::env::current_exe().unwrap();
        let script = format!(
            "#!/bin/sh\nexec '{}' --ignored --exact function --nocapture --test-threads=1 >/dev/null\n",
            this.display()
        );
        let bootstrap = folder.path().join("bootstrap");
        fs::write(&bootstrap, script).unwrap();
        fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("notes")).unwrap();
        Fixture { folder }
    }

    fn options(&self) -> LocalOptions {
        let mut options =
            LocalOptions::new(self.folder.path().join("data"), self.folder.path().join("bootstrap"))
                .variable("FAKE_NOTES", self.notes());
        options.retry_backoff = Duration::from_millis(50);
        options
    }

    async fn start(&self, change: impl FnOnce(&mut LocalOptions)) -> LocalStack {
        let mut options = self.options();
        change(&mut options);
        LocalStack::start(options).await.unwrap()
    }

    fn notes(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    /// What the function got so far, in order.
    fn received(&self) -> Vec<Received> {
        Received::read_all(&self.notes())
    }
}

fn client(stack: &LocalStack) -> aws_sdk_s3::Client {
    client_with_secret(stack, &stack.options().credentials.secret_access_key)
}

fn client_with_secret(stack: &LocalStack, secret: &str) -> aws_sdk_s3::Client {
    let id = &stack.options().credentials.access_key_id;
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .region(Region::new(stack.options().region.clone()))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .endpoint_url(stack.endpoint())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn put(stack: &LocalStack, bucket: &str, key: &str, body: &'static [u8]) {
    let request = client(stack).put_object().bucket(bucket).key(key);
    request.body(ByteStream::from_static(body)).send().await.unwrap();
}

/// Uploads 5 MiB and 9 bytes in two parts; returns the ETag.
async fn put_in_parts(stack: &LocalStack, bucket: &str, key: &str) -> String {
    let s3 = client(stack);
    let upload = s3.create_multipart_upload().bucket(bucket).key(key).send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let mut parts = CompletedMultipartUpload::builder();
    for (number, length) in [(1, 5 * 1024 * 1024), (2, 9)] {
        let part = s3.upload_part().bucket(bucket).key(key).upload_id(id).part_number(number);
        let part = part.body(ByteStream::from(vec![0; length])).send().await.unwrap();
        let done = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build();
        parts = parts.parts(done);
    }
    let end = s3.complete_multipart_upload().bucket(bucket).key(key).upload_id(id);
    end.multipart_upload(parts.build()).send().await.unwrap().e_tag.unwrap()
}

/// Posts to the Invoke API; returns the head of the answer and its body.
async fn post(stack: &LocalStack, path: &str, headers: &str, body: &str) -> (String, String) {
    let address = stack.lambda_endpoint().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn dead_letters(stack: &LocalStack) -> Vec<Value> {
    let Ok(folder) = fs::read_dir(stack.options().data.join("dead-letters")) else { return Vec::new() };
    folder.map(|file| serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap()).collect()
}

/// Whether a process ends within a second; one that nobody has waited for yet counts as ended.
async fn is_gone(process: u32) -> bool {
    for _ in 0..50 {
        let status = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
        if status.map_or(true, |status| status.contains("State:\tZ")) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn epoch_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}
