//! The real store against a real S3 server over HTTP, with the faults of a network in between.

mod server;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use sha2::{Digest, Sha256};

use pdf2img::config::s3::{S3Config, S3Credentials, S3Retries, S3Timeouts};
use pdf2img::store::fetch::{FetchOptions, fetch};
use pdf2img::store::s3::S3Store;
use pdf2img::store::{ObjectInfo, ObjectRef, ObjectStore as _, PutObject, StoreError};

use self::server::{Fault, Server};

const HARD_KEY: &str = "inbox/Ünï côdé + plus & (1).PDF";
const SLOW_DOWN: &str =
    "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

fn config(server: &Server) -> S3Config {
    let credentials = S3Credentials {
        access_key_id: server::ACCESS_KEY_ID.to_owned(),
        secret_access_key: server::SECRET_ACCESS_KEY.to_owned(),
        session_token: None,
    };
    S3Config {
        timeouts: S3Timeouts {
            attempt: Duration::from_secs(10),
            operation: Duration::from_secs(30),
            ..S3Timeouts::default()
        },
        retries: S3Retries {
            attempts: 4,
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(5),
        },
        ..S3Config::new("eu-central-1", credentials).with_endpoint(&server.endpoint)
    }
}

async fn start() -> (Server, S3Store) {
    let server = Server::start().await;
    let store = S3Store::new(&config(&server)).expect("a client");
    (server, store)
}

fn source(key: &str) -> ObjectRef {
    ObjectRef { bucket: "source".to_owned(), key: key.to_owned(), version_id: None, etag: None }
}

fn put(key: &str, body: impl Into<Bytes>) -> PutObject {
    let body = body.into();
    PutObject {
        bucket: "source".to_owned(),
        key: key.to_owned(),
        sha256: Sha256::digest(&body).into(),
        body,
        content_type: "application/pdf",
        metadata: BTreeMap::from([("source".to_owned(), HARD_KEY.to_owned())]),
        only_if_absent: false,
    }
}

fn content() -> Vec<u8> {
    (0..200_000_u32).map(|i| (i % 251) as u8).collect()
}

async fn read(store: &S3Store, source: &ObjectRef, from: u64) -> Result<Vec<u8>, StoreError> {
    Ok(store.get(source, from).await?.chunks.try_collect::<Vec<_>>().await?.concat())
}

async fn fetched(store: &S3Store) -> (ObjectInfo, Vec<u8>) {
    let options = FetchOptions {
        stall_timeout: Duration::from_millis(300),
        backoff: Duration::from_millis(1),
        ..FetchOptions::default()
    };
    let mut read = Vec::new();
    let mut sink = |bytes: &[u8]| -> io::Result<()> {
        read.extend_from_slice(bytes);
        Ok(())
    };
    let info = fetch(store, &source(HARD_KEY), &options, &mut sink).await.expect("read whole");
    (info, read)
}

#[tokio::test]
async fn an_object_with_a_hard_key_makes_the_round_trip() {
    let (server, store) = start().await;
    let written = store.put(put(HARD_KEY, content())).await.expect("written");
    let head = &server.requests()[0];
    let checksum = head.lines().find(|line| line.starts_with("x-amz-checksum-sha256:"));
    assert!(checksum.is_some() && head.contains("content-type: application/pdf"), "{head}");

    let info = store.head("source", HARD_KEY).await.expect("an answer").expect("found");
    assert_eq!(info.bytes, 200_000);
    assert_eq!(info.metadata["source"], HARD_KEY);
    assert_eq!(info, written);
    assert_eq!(std::fs::read(server.path("source", HARD_KEY)).expect("a file"), content());

    let pinned = ObjectRef { etag: Some(info.etag.clone()), ..source(HARD_KEY) };
    let body = store.get(&pinned, 199_990).await.expect("found");
    assert_eq!(body.info, info);
    assert_eq!(read(&store, &pinned, 199_990).await.as_deref(), Ok(&content()[199_990..]));
    assert_eq!(read(&store, &pinned, 0).await, Ok(content()));

    let listed = store.list("source", "inbox/Ü").await.expect("a listing");
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].key.as_str(), listed[0].bytes), (HARD_KEY, 200_000));
}

#[tokio::test]
async fn an_empty_object_makes_the_round_trip() {
    let (_server, store) = start().await;
    store.put(put(HARD_KEY, "")).await.expect("written");
    let (info, read) = fetched(&store).await;
    assert_eq!((info.bytes, read.len()), (0, 0));
}

#[tokio::test]
async fn what_is_missing_or_forbidden_is_named() {
    let (server, store) = start().await;
    let code = |error: StoreError| error.code();
    assert_eq!(store.head("source", "none").await, Ok(None));
    assert_eq!(read(&store, &source("none"), 0).await.map_err(code), Err("source_missing"));
    let no_bucket = "<Error><Code>NoSuchBucket</Code></Error>";
    server.inject([Fault::Answer(404, no_bucket)]);
    let nowhere = PutObject { bucket: "nowhere".to_owned(), ..put("a", "a") };
    assert_eq!(store.put(nowhere).await.map_err(code), Err("no_such_bucket"));
    assert_eq!(store.list("nowhere", "").await.map_err(code), Err("no_such_bucket"));

    server.inject([Fault::Answer(301, "")]);
    let elsewhere = store.head("source", "a").await.expect_err("another region");
    assert!(elsewhere.to_string().contains("301") && !elsewhere.is_retryable(), "{elsewhere}");
    assert!(elsewhere.to_string().contains("the bucket is in eu-west-1"), "{elsewhere}");

    server.inject([Fault::Answer(403, "<Error><Code>AccessDenied</Code></Error>")]);
    let denied = read(&store, &source("a"), 0).await.expect_err("denied");
    assert_eq!(
        denied.to_string(),
        "access denied: s3:GetObject on s3://source/a; allow it in the function's role"
    );

    let mut stranger = config(&server);
    stranger.credentials.secret_access_key = "wrong".to_owned();
    let refused = S3Store::new(&stranger).expect("a client").head("source", "a").await.map_err(code);
    assert!(matches!(refused, Err("access_denied" | "s3_rejected")), "{refused:?}");
}

#[tokio::test]
async fn an_object_that_was_replaced_is_not_read_for_the_old_one() {
    let (_server, store) = start().await;
    let old = store.put(put("a", "old")).await.expect("written");
    store.put(put("a", "new")).await.expect("written");
    let pinned = ObjectRef { etag: Some(old.etag), ..source("a") };
    // This server ignores If-Match, so it is the ETag of the answer that tells.
    assert_eq!(read(&store, &pinned, 0).await.map_err(|error| error.code()), Err("source_replaced"));
}

#[tokio::test]
async fn a_passing_failure_is_retried_until_the_request_succeeds() {
    let (server, store) = start().await;
    for faults in [
        vec![Fault::Answer(500, "<Error><Code>InternalError</Code></Error>"), Fault::Answer(503, SLOW_DOWN)],
        vec![Fault::Reset, Fault::Reset],
        vec![Fault::Answer(502, "<html>bad gateway")],
        vec![Fault::LostReply],
        vec![Fault::Answer(409, "<Error><Code>ConditionalRequestConflict</Code></Error>")],
    ] {
        let expected_requests = faults.len() + 1;
        server.inject(faults.clone());
        store.put(put("a", "content")).await.unwrap_or_else(|error| panic!("{faults:?}: {error}"));
        assert_eq!(server.requests().len(), expected_requests, "{faults:?}");
        server.inject(faults.clone());
        assert_eq!(read(&store, &source("a"), 0).await.as_deref(), Ok(&b"content"[..]), "{faults:?}");
        assert_eq!(server.requests().len(), expected_requests, "{faults:?}");
    }
}

#[tokio::test]
async fn a_lasting_failure_is_transient_and_says_what_the_server_said() {
    let (server, store) = start().await;
    server.inject(vec![Fault::Answer(503, SLOW_DOWN); 4]);
    let error = store.put(put("a", "a")).await.expect_err("throttled");
    assert_eq!(
        error.to_string(),
        "s3:PutObject on s3://source/a failed for now: \
         503 SlowDown: Please reduce your request rate. (request INJECTED)"
    );
    assert!(error.is_retryable());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_transient_failure() {
    let (server, _) = start().await;
    let store = S3Store::new(&config(&server).with_endpoint("http://127.0.0.1:1")).expect("a client");
    let error = store.head("source", "a").await.expect_err("no server");
    assert!(error.is_retryable() && !error.to_string().contains('\n'), "{error}");
}

#[tokio::test]
async fn a_request_without_an_answer_is_sent_again() {
    let (server, _) = start().await;
    let mut config = config(&server);
    config.timeouts.attempt = Duration::from_millis(500);
    server.inject([Fault::Silence]);
    S3Store::new(&config).expect("a client").put(put("a", "a")).await.expect("written");
    assert!(server.requests().len() >= 2);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let (server, _) = start().await;
    let mut config = config(&server);
    config.timeouts.attempt = Duration::from_millis(50);
    server.inject(vec![Fault::Silence; 4]);
    let started = Instant::now();
    let error = S3Store::new(&config).expect("a client").head("source", "a").await.expect_err("silence");
    assert!(error.is_retryable(), "{error}");
    // Four attempts of 50 ms, on a busy machine; without a timeout it would wait for ever.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_body_that_is_cut_or_stalls_is_resumed_with_what_is_left() {
    let (server, store) = start().await;
    let written = store.put(put(HARD_KEY, content())).await.expect("written");
    server.requests();
    server.inject([Fault::CutBody(70_000), Fault::StalledBody(30_000), Fault::Reset, Fault::CutBody(0)]);

    // In a task of its own, as the service reads.
    let reader = tokio::spawn(async move { fetched(&store).await });
    let (info, read) = reader.await.expect("no panic");
    assert_eq!(read, content());
    assert_eq!(info, written);
    let requests = server.requests();
    let ranges: Vec<_> = requests
        .iter()
        .map(|head| head.lines().find_map(|line| line.strip_prefix("range: ")).unwrap_or("none"))
        .collect();
    assert_eq!(ranges, ["none", "bytes=70000-", "bytes=100000-", "bytes=100000-", "bytes=100000-"]);
    let pin = format!("if-match: \"{}\"", written.etag);
    assert!(requests[1..].iter().all(|head| head.contains(&pin)), "{requests:?}");
}

#[tokio::test]
async fn a_conditional_write_whose_reply_was_lost_is_done() {
    let (server, store) = start().await;
    let object = PutObject { only_if_absent: true, ..put(HARD_KEY, "manifest") };
    server.inject([Fault::LostReply]);
    let written = store.put(object.clone()).await.expect("written");
    let methods: Vec<_> =
        server.requests().iter().map(|head| head.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(methods.iter().flatten().collect::<Vec<_>>(), ["PUT", "PUT", "HEAD"]);
    assert_eq!(store.head("source", HARD_KEY).await, Ok(Some(written)));

    let same_size = PutObject { only_if_absent: true, ..put(HARD_KEY, "MANIFEST") };
    assert_eq!(store.put(same_size).await.map_err(|error| error.code()), Err("already_exists"));
    let other_metadata = PutObject { metadata: BTreeMap::new(), ..object };
    assert_eq!(store.put(other_metadata).await.map_err(|error| error.code()), Err("already_exists"));
    assert_eq!(read(&store, &source(HARD_KEY), 0).await.as_deref(), Ok(&b"manifest"[..]));
}

#[tokio::test]
async fn a_conditional_write_compares_the_content_where_no_checksum_is_kept() {
    let (server, store) = start().await;
    let object = PutObject { only_if_absent: true, metadata: BTreeMap::new(), ..put("a", "manifest") };
    for (content, expected) in [("MANIFEST", Err("already_exists")), ("manifest", Ok(8))] {
        let exists = Fault::Answer(412, "<Error><Code>PreconditionFailed</Code></Error>");
        server.inject([exists, Fault::Answer(200, content), Fault::Answer(200, content)]);
        let written = store.put(object.clone()).await;
        assert_eq!(written.map(|info| info.bytes).map_err(|error| error.code()), expected);
    }
}

#[tokio::test]
async fn a_body_that_was_damaged_before_it_was_sent_is_refused() {
    let (_server, store) = start().await;
    let damaged = PutObject { sha256: [0; 32], ..put("a", "a") };
    let error = store.put(damaged).await.expect_err("the checksum differs");
    assert!(error.to_string().contains("BadDigest"), "{error}");
}

#[tokio::test]
async fn a_listing_of_several_pages_is_read_to_its_end_and_deleted_in_batches() {
    let (server, store) = start().await;
    std::fs::create_dir(server.path("source", "pages")).expect("a directory");
    for page in 1..=1_100 {
        std::fs::write(server.path("source", &format!("pages/page {page:04} +.png")), "x").expect("a file");
    }
    std::fs::write(server.path("source", "kept"), "x").expect("a file");

    let listed = store.list("source", "pages/").await.expect("a listing");
    let keys: Vec<String> = listed.into_iter().map(|object| object.key).collect();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(keys.len(), 1_100);
    assert_eq!((keys[0].as_str(), keys[1_099].as_str()), ("pages/page 0001 +.png", "pages/page 1100 +.png"));
    assert!(keys.is_sorted());

    store.delete("source", &keys).await.expect("deleted");
    assert_eq!(server.requests().len(), 2);
    store.delete("source", &keys[..2]).await.expect("deleted before");
    store.delete("source", &[]).await.expect("nothing to do");
    let left: Vec<_> = store.list("source", "").await.expect("a listing");
    assert_eq!(left.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["kept"]);
}

#[tokio::test]
async fn keys_that_could_not_be_deleted_are_reported() {
    let (server, store) = start().await;
    let keys = ["a".to_owned(), "b".to_owned()];
    server.inject([Fault::Answer(
        200,
        "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>",
    )]);
    let error = store.delete("source", &keys).await.expect_err("denied");
    assert_eq!(
        error.to_string(),
        "access denied: s3:DeleteObject on s3://source/b; allow it in the function's role"
    );
    server.inject([Fault::Answer(
        200,
        "<DeleteResult><Error><Key>a</Key><Code>InternalError</Code><Message>busy</Message></Error></DeleteResult>",
    )]);
    assert!(store.delete("source", &keys).await.expect_err("busy").is_retryable());
}

#[tokio::test]
async fn a_server_that_refuses_batches_is_asked_to_delete_one_by_one() {
    let (server, store) = start().await;
    for key in ["a", "b"] {
        std::fs::write(server.path("source", key), "x").expect("a file");
    }
    server.inject([Fault::Answer(400, "<Error><Code>MissingContentMD5</Code></Error>")]);
    store.delete("source", &["a".to_owned(), "b".to_owned()]).await.expect("deleted");
    assert_eq!(server.requests().len(), 3);
    assert_eq!(store.list("source", "").await, Ok(vec![]));
}

#[tokio::test]
async fn a_key_that_xml_cannot_express_is_listed() {
    let (server, store) = start().await;
    server.inject([Fault::Answer(
        200,
        "<ListBucketResult><Contents><Key>a&#x1; +&amp;Ü</Key><Size>1</Size>\
         <ETag>&quot;abc&quot;</ETag></Contents></ListBucketResult>",
    )]);
    let listed = store.list("source", "").await.expect("a listing");
    assert_eq!((listed[0].key.as_str(), listed[0].etag.as_str()), ("a\u{1} +&Ü", "abc"));
}

#[tokio::test]
async fn a_listing_that_repeats_its_token_ends_with_an_error() {
    let (server, store) = start().await;
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated>\
                <NextContinuationToken>t</NextContinuationToken></ListBucketResult>";
    server.inject([Fault::Answer(200, page), Fault::Answer(200, page)]);
    assert_eq!(store.list("source", "").await.map_err(|error| error.code()), Err("s3_rejected"));
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_is_noticed() {
    let (server, store) = start().await;
    server.inject([Fault::Answer(200, "whole")]);
    assert_eq!(read(&store, &source("a"), 2).await.map_err(|error| error.code()), Err("s3_rejected"));
}
