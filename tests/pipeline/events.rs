//! What an event asks for, and how it is answered.

use std::sync::Arc;

use pdf2img::handler::InvocationError;
use pdf2img::store::StoreError;
use pdf2img::store::failing::{Fault, Injection, Operation};
use pdf2img::store::memory::MemoryStore;
use serde_json::json;

use crate::function::{
    IN, OUT, Setup, assert_manifest_holds, buckets, created, created_in, images, manifest, message, record,
};
use crate::paper::sheets;

#[tokio::test]
async fn of_a_batch_exactly_the_messages_that_may_yet_succeed_or_are_poison_come_back() {
    let store = buckets();
    let good = store.insert(IN, "good.pdf", sheets(2, 0));
    let broken = store.insert(IN, "broken.pdf", &b"<html>"[..]);
    let unlucky = store.insert(IN, "unlucky.pdf", sheets(1, 0));
    let other = store.insert(IN, "notes.txt", &b"x"[..]);
    let unavailable = StoreError::Transient {
        action: "s3:PutObject",
        bucket: OUT.to_owned(),
        key: "unlucky/page-0001.png".to_owned(),
        detail: "503 SlowDown".to_owned(),
    };
    let function = Setup::new(&store)
        .fault(
            Injection::new(Operation::Put, Fault::Error(unavailable))
                .on_keys(|key| key.starts_with("unlucky/page")),
        )
        .start();
    let both = json!({ "Records": [record(IN, "good.pdf", &good), record(IN, "unlucky.pdf", &unlucky)] });
    let event = json!({ "Records": [
        message("good", &created("good.pdf", &good)),
        message("broken", &created("broken.pdf", &broken)),
        message("both", &both),
        message("other", &created("notes.txt", &other)),
        message("test", &json!({ "Event": "s3:TestEvent" })),
        { "messageId": "poison", "eventSource": "aws:sqs", "body": "not JSON" },
        message("stranger", &json!({ "hello": "world" })),
    ] });
    let answer = function.invoke(&event).await.unwrap();
    assert_eq!(
        answer,
        json!({ "batchItemFailures": [
            { "itemIdentifier": "both" },
            { "itemIdentifier": "poison" },
            { "itemIdentifier": "stranger" },
        ] })
    );
    assert_manifest_holds(&store, "good/manifest.json");
    assert_eq!(manifest(&store, "broken/manifest.json").error.unwrap().code, "not_a_pdf");

    // The message that came back does only what is missing.
    let again = json!({ "Records": [message("both", &both)] });
    assert_eq!(function.invoke(&again).await.unwrap(), json!({ "batchItemFailures": [] }));
    assert_eq!(images(&manifest(&store, "unlucky/manifest.json")).len(), 1);
}

#[tokio::test]
async fn one_bad_document_of_an_event_does_not_hold_up_the_others() {
    let store = buckets();
    let a = store.insert(IN, "a.pdf", sheets(1, 0));
    let b = store.insert(IN, "b.pdf", &b"<html>"[..]);
    let event = json!({ "Records": [record(IN, "a.pdf", &a), record(IN, "b.pdf", &b)] });
    let answer = Setup::new(&store).start().invoke(&event).await.unwrap();
    let mut statuses: Vec<_> = answer["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| (document["key"].as_str().unwrap(), document["status"].as_str().unwrap()))
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [("a.pdf", "complete"), ("b.pdf", "failed")]);
}

#[tokio::test]
async fn the_event_by_which_s3_tries_a_notification_out_is_acknowledged() {
    let store = buckets();
    let event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": IN });
    assert_eq!(Setup::new(&store).start().invoke(&event).await, Ok(json!({ "documents": [] })));
    assert_eq!(store.requests(), MemoryStore::default().requests());
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_an_error_that_says_what_is_known() {
    let error = Setup::new(&buckets()).start().invoke(&json!({ "hello": "world" })).await.unwrap_err();
    assert!(matches!(error, InvocationError::Event(_)));
    for part in ["S3", "SQS", "EventBridge", "bucket", "hello"] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
}

#[tokio::test]
async fn outputs_do_not_trigger_more_of_themselves() {
    // One bucket for all, and every key is taken for a PDF.
    let store = Arc::new(MemoryStore::new([IN]));
    let info = store.insert(IN, "inbox/a", sheets(2, 0));
    let function = Setup::new(&store).unset("OUTPUT_BUCKET").set("INPUT_SUFFIX", "").start();
    assert_eq!(function.answer(&created("inbox/a", &info)).await["status"], "complete");
    let outputs = store.keys(IN);
    assert_eq!(outputs.len(), 4);
    for key in outputs.iter().filter(|key| *key != "inbox/a") {
        let info = store.object(IN, key).unwrap().info;
        let before = store.requests();
        let answer = function.answer(&created(key, &info)).await;
        assert!(answer["skipped"].is_string(), "{key}: {answer}");
        assert_eq!(store.requests(), before, "by its key alone");
    }
    assert_eq!(store.keys(IN), outputs);
}

#[tokio::test]
async fn an_output_under_another_name_is_known_by_its_metadata() {
    let store = Arc::new(MemoryStore::new([IN, OUT]));
    let info = store.insert(IN, "a.pdf", sheets(1, 0));
    let function = Setup::new(&store).set("INPUT_SUFFIX", "").start();
    function.answer(&created("a.pdf", &info)).await;
    // The output bucket's own events come here too, by mistake.
    for key in store.keys(OUT) {
        let info = store.object(OUT, &key).unwrap().info;
        let other =
            Setup::new(&store).set("INPUT_SUFFIX", "").set("OUTPUT_KEY", "{stem}-{page}.{ext}").start();
        let answer = other.answer(&created_in(OUT, &key, &info)).await;
        assert!(answer["skipped"].is_string(), "{key}: {answer}");
    }
    assert_eq!(store.keys(OUT), ["a/manifest.json", "a/page-0001.png"]);
}

#[tokio::test]
async fn a_direct_invoke_answers_with_the_result_and_may_set_options() {
    let store = buckets();
    store.insert(IN, "a b+c.pdf", sheets(3, 0));
    let function = Setup::new(&store).start();
    let event = json!({ "bucket": IN, "key": "a b+c.pdf", "pages": "1,3", "format": "jpeg", "dpi": 144 });
    let answer = function.answer(&event).await;
    assert_eq!(answer["status"], "complete", "{answer}");
    assert_eq!((&answer["totals"]["images"], &answer["already_done"]), (&json!(2), &json!(false)));
    let images = images(&manifest(&store, "a b+c/manifest.json"));
    assert_eq!(images.iter().map(|(page, _)| *page).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((images[0].1.width, images[0].1.height), (120, 80));
}

#[tokio::test]
async fn a_direct_invoke_with_a_bad_option_hears_which_and_why() {
    let store = buckets();
    store.insert(IN, "a.pdf", sheets(1, 0));
    let function = Setup::new(&store).start();
    for (name, value, parts) in [
        ("dpi", json!("many"), &["bad_option", "dpi=\"many\"", "1 to 2400"][..]),
        ("dbi", json!(1), &["unknown_option", "dbi", "did you mean dpi?"]),
        ("workers", json!(1), &["deployment_only_option", "PDF2IMG_WORKERS"]),
    ] {
        let mut event = json!({ "bucket": IN, "key": "a.pdf" });
        event[name] = value;
        let error = function.invoke(&event).await.unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
    assert_eq!(store.requests().get, 0);
}
