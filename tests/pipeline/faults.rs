//! What S3 does to a document, and what Lambda hears of it.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pdf2img::manifest::Status;
use pdf2img::store::StoreError;
use pdf2img::store::failing::{Fault, Injection, Operation};
use pdf2img::store::memory::MemoryStore;
use serde_json::json;

use crate::function::{IN, OUT, Setup, assert_manifest_holds, buckets, created, failures, images, manifest};
use crate::paper::sheets;

#[tokio::test]
async fn a_page_that_s3_would_not_take_is_all_that_the_retry_draws() {
    for fault in [unavailable(), Fault::LostReply] {
        let (store, event) = uploaded(sheets(4, 0));
        let is_lost = matches!(fault, Fault::LostReply);
        let injection = Injection::new(Operation::Put, fault).on_keys(|key| key.ends_with("page-0002.png"));
        let error = Setup::new(&store).fault(injection).start().invoke(&event).await.unwrap_err();
        assert!(error.to_string().contains("s3_unavailable"), "{error}");
        let first = manifest(&store, "a/manifest.json");
        assert_eq!(first.status, Status::Partial);
        assert_eq!(failures(&first), [(2, "s3_unavailable".to_owned())]);
        assert_eq!(first.totals.missing, 1);
        assert_manifest_holds(&store, "a/manifest.json");

        let again = Setup::new(&store).start();
        assert_eq!(again.answer(&event).await["status"], "complete");
        // A page whose answer was lost is there, and says what it is.
        let expected: &[&str] = if is_lost { &[] } else { &["a/page-0002.png"] };
        assert_eq!(again.images_put(), expected);
        assert_eq!(images(&again.manifest("a/manifest.json")).len(), 4);
        assert_manifest_holds(&store, "a/manifest.json");
    }
}

#[tokio::test]
async fn a_manifest_that_s3_would_not_take_costs_no_page_a_second_time() {
    for fault in [unavailable(), Fault::LostReply] {
        let (store, event) = uploaded(sheets(3, 0));
        let injection = Injection::new(Operation::Put, fault).on_keys(|key| key.ends_with("manifest.json"));
        let error = Setup::new(&store).fault(injection).start().invoke(&event).await.unwrap_err();
        assert!(error.to_string().contains("s3_unavailable"), "{error}");
        let again = Setup::new(&store).start();
        assert_eq!(again.answer(&event).await["status"], "complete");
        assert_eq!(again.images_put(), [""; 0]);
        assert_manifest_holds(&store, "a/manifest.json");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stands_still_is_resumed() {
    for fault in [Fault::BodyEnds(300), Fault::BodyBreaks(300), Fault::BodyStalls(300), Fault::BodyEnds(0)] {
        let (store, event) = uploaded(sheets(2, 0));
        let name = format!("{fault:?}");
        let injection = Injection::new(Operation::Get, fault).on_keys(|key| key == "a.pdf");
        let function = Setup::new(&store).fault(injection).start();
        assert_eq!(function.answer(&event).await["status"], "complete", "{name}");
        assert_manifest_holds(&store, "a/manifest.json");
        assert_eq!(function.calls(Operation::Get).iter().filter(|key| *key == "a.pdf").count(), 2);
    }
}

#[tokio::test]
async fn a_body_that_never_comes_whole_has_lambda_try_again() {
    let (store, event) = uploaded(sheets(2, 0));
    let injection =
        Injection::new(Operation::Get, Fault::BodyEnds(10)).on_keys(|key| key == "a.pdf").times(9);
    let error = Setup::new(&store).fault(injection).start().invoke(&event).await.unwrap_err().to_string();
    assert!(error.contains("input_incomplete") && error.contains("a.pdf"), "{error}");
    assert_eq!(store.keys(OUT), [""; 0]);
    assert_eq!(Setup::new(&store).start().answer(&event).await["status"], "complete");
}

#[tokio::test]
async fn what_stands_still_past_the_deadline_is_reported_before_lambda_kills_the_function() {
    // Half a second for the work, and as much again to tell of it.
    let limit = Some(Duration::from_millis(1100));
    let (store, event) = uploaded(sheets(2, 0));
    let stall = Injection::new(Operation::Get, Fault::BodyStalls(10)).on_keys(|key| key == "a.pdf").times(9);
    let reading = Setup::new(&store).fault(stall).start();
    let error = reading.invoke_within(&event, limit).await.unwrap_err().to_string();
    assert!(error.contains("(deadline)") && error.contains("a.pdf"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let sleeper = folder.path().join("sleeper");
    std::fs::write(&sleeper, "#!/bin/sh\nexec sleep 60\n").unwrap();
    std::fs::set_permissions(&sleeper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let opening = Setup::new(&store).workers(sleeper.to_str().unwrap()).start();
    let started = Instant::now();
    let error = opening.invoke_within(&event, limit).await.unwrap_err().to_string();
    assert!(started.elapsed() < Duration::from_millis(1100), "{:?}", started.elapsed());
    assert!(error.contains("(deadline)"), "{error}");
    assert_eq!(manifest(&store, "a/manifest.json").error.unwrap().code, "deadline");

    assert_eq!(Setup::new(&store).start().answer(&event).await["status"], "complete");
}

#[tokio::test]
async fn a_request_that_fails_for_now_has_lambda_try_again_and_leaves_nothing_wrong() {
    let source = |key: &str| key == "a.pdf";
    let record = |key: &str| key.ends_with("manifest.json");
    type OnKeys = fn(&str) -> bool;
    let faults: [(&str, Operation, OnKeys, u32); 6] = [
        ("the PDF", Operation::Get, source, 0),
        ("the manifest that stands", Operation::Get, record, 0),
        ("the first listing", Operation::List, |_| true, 0),
        ("the listing before the commit", Operation::List, |_| true, 1),
        ("the source's version before the commit", Operation::Head, source, 0),
        ("the deletion of stale pages", Operation::Delete, |key| key.contains("/page-"), 0),
    ];
    for (what, operation, on_keys, skip) in faults {
        let store = buckets();
        let old = store.insert(IN, "a.pdf", sheets(3, 0));
        Setup::new(&store).start().answer(&created("a.pdf", &old)).await;
        let new = store.insert(IN, "a.pdf", sheets(2, 1));
        let event = created("a.pdf", &new);
        let injection = Injection::new(operation, unavailable()).on_keys(on_keys).skip(skip);
        let failing = Setup::new(&store).fault(injection).start();
        let error = failing.invoke(&event).await.expect_err(what).to_string();
        assert!(error.contains("s3_unavailable"), "{what}: {error}");
        if store.object(OUT, "a/manifest.json").is_some() {
            assert_manifest_holds(&store, "a/manifest.json");
        }
        let again = Setup::new(&store).start();
        assert_eq!(again.answer(&event).await["status"], "complete", "{what}");
        assert_manifest_holds(&store, "a/manifest.json");
        assert_eq!(store.keys(OUT).len(), 3, "{what}");
        assert_eq!(failing.images_put().len() + again.images_put().len(), 2, "{what}");
    }
}

#[tokio::test]
async fn a_role_that_may_not_read_is_recorded_and_comes_back_until_it_may() {
    let (store, event) = uploaded(sheets(2, 0));
    let denied = || {
        let denied = access_denied("s3:GetObject", IN, "a.pdf");
        Setup::new(&store).fault(Injection::new(Operation::Get, denied).on_keys(|key| key == "a.pdf")).start()
    };
    for _ in 0..2 {
        let error = denied().invoke(&event).await.unwrap_err().to_string();
        for part in ["access_denied", "s3:GetObject", "a.pdf", "role"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert_eq!(manifest(&store, "a/manifest.json").error.unwrap().code, "access_denied");
    }
    assert_eq!(Setup::new(&store).start().answer(&event).await["status"], "complete");

    // A new upload must not be forgotten because there is a record of the former.
    let info = store.insert(IN, "a.pdf", sheets(3, 1));
    let before = store.object(OUT, "a/manifest.json");
    let error = denied().invoke(&created("a.pdf", &info)).await.unwrap_err().to_string();
    assert!(error.contains("access_denied"), "{error}");
    assert_eq!(store.object(OUT, "a/manifest.json"), before);
}

#[tokio::test]
async fn a_role_that_may_not_write_or_list_is_named_with_what_it_lacks() {
    for (operation, action) in [(Operation::Put, "s3:PutObject"), (Operation::List, "s3:ListBucket")] {
        let (store, event) = uploaded(sheets(3, 0));
        let denied = access_denied(action, OUT, "a/");
        let function =
            Setup::new(&store).set("WORKERS", "1").fault(Injection::new(operation, denied).times(99)).start();
        let error = function.invoke(&event).await.unwrap_err().to_string();
        for part in ["access_denied", action, OUT, "role"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert_eq!(store.keys(OUT), [""; 0]);
    }
}

#[tokio::test]
async fn a_role_that_may_write_only_the_manifest_says_so_in_it() {
    let (store, event) = uploaded(sheets(3, 0));
    let denied = access_denied("s3:PutObject", OUT, "a/page-0001.png");
    let injection = Injection::new(Operation::Put, denied).on_keys(|key| key.contains("/page-")).times(99);
    let error = Setup::new(&store).fault(injection).start().invoke(&event).await.unwrap_err().to_string();
    assert!(error.contains("access_denied"), "{error}");
    let manifest = manifest(&store, "a/manifest.json");
    assert_eq!(manifest.status, Status::Failed);
    assert!(failures(&manifest).iter().all(|(_, code)| code == "access_denied"));
    assert_eq!(failures(&manifest).len(), 3);
    assert_eq!(Setup::new(&store).start().answer(&event).await["status"], "complete");
}

#[tokio::test]
async fn a_missing_output_bucket_is_named() {
    let store = Arc::new(MemoryStore::new([IN]));
    let info = store.insert(IN, "a.pdf", sheets(1, 0));
    let function = Setup::new(&store).start();
    let error = function.invoke(&created("a.pdf", &info)).await.unwrap_err().to_string();
    assert!(error.contains("no_such_bucket") && error.contains("bucket pdf-out does not exist"), "{error}");
    assert_eq!(function.calls(Operation::Put), [""; 0]);
}

#[tokio::test]
async fn a_source_that_vanishes_amid_its_body_is_recorded() {
    let (store, event) = uploaded(sheets(2, 0));
    let vanishing = Arc::clone(&store);
    let vanish = Fault::Meanwhile(Box::new(move || vanishing.remove(IN, "a.pdf")));
    let is_source = |key: &str| key == "a.pdf";
    let function = Setup::new(&store)
        .fault(Injection::new(Operation::Get, Fault::BodyEnds(100)).on_keys(is_source))
        .fault(Injection::new(Operation::Get, vanish).on_keys(is_source).skip(1))
        .start();
    let answer = function.answer(&event).await;
    assert_eq!((&answer["status"], &answer["error"]["code"]), (&json!("failed"), &json!("source_missing")));
}

fn uploaded(pdf: Vec<u8>) -> (Arc<MemoryStore>, serde_json::Value) {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", pdf);
    (store, created("a.pdf", &info))
}

fn unavailable() -> Fault {
    Fault::Error(StoreError::Transient {
        action: "s3:Anything",
        bucket: OUT.to_owned(),
        key: "a".to_owned(),
        detail: "503 SlowDown".to_owned(),
    })
}

fn access_denied(action: &'static str, bucket: &str, key: &str) -> Fault {
    Fault::Error(StoreError::AccessDenied { action, bucket: bucket.to_owned(), key: key.to_owned() })
}
