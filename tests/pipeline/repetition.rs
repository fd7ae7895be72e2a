//! The same document again: twice, at once, changed, interrupted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pdf2img::manifest::Status;
use pdf2img::store::failing::{Fault, Injection, Operation};
use pdf2img::store::memory::MemoryStore;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::function::{
    IN, OUT, Setup, assert_manifest_holds, buckets, created, failures, hashes, images, manifest,
};
use crate::paper::sheets;

#[tokio::test]
async fn the_same_event_twice_does_nothing_the_second_time() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(3, 0));
    let function = Setup::new(&store).start();
    let first = function.answer(&created("a.pdf", &info)).await;
    let (before, requests) = (store.object(OUT, "a/manifest.json"), store.requests());
    let second = function.answer(&created("a.pdf", &info)).await;
    assert_eq!(
        (first["already_done"].as_bool(), second["already_done"].as_bool()),
        (Some(false), Some(true))
    );
    assert_eq!(second["totals"]["bytes"], first["totals"]["bytes"]);
    assert_eq!(store.object(OUT, "a/manifest.json"), before);
    let after = store.requests();
    assert_eq!((after.put, after.delete, after.head), (requests.put, requests.delete, requests.head));
    assert_eq!((after.get, after.list), (requests.get + 2, requests.list + 1));
}

#[tokio::test]
async fn an_image_that_somebody_deleted_or_changed_is_drawn_again_and_no_other() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(3, 0));
    let event = created("a.pdf", &info);
    Setup::new(&store).start().answer(&event).await;
    store.remove(OUT, "a/page-0001.png");
    store.insert(OUT, "a/page-0003.png", &b"scribble"[..]);
    let again = Setup::new(&store).start();
    assert_eq!(again.answer(&event).await["status"], "complete");
    assert_eq!(again.images_put(), ["a/page-0001.png", "a/page-0003.png"]);
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn deliveries_at_the_same_time_give_one_right_result() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(4, 0));
    let event = created("a.pdf", &info);
    let (first, second) = (Setup::new(&store).start(), Setup::new(&store).start());
    let answers = tokio::join!(first.invoke(&event), second.invoke(&event), first.invoke(&event));
    for answer in [answers.0, answers.1, answers.2] {
        assert_eq!(answer.unwrap()["documents"][0]["status"], "complete");
    }
    assert_eq!(manifest(&store, "a/manifest.json").totals.images, 4);
    assert_manifest_holds(&store, "a/manifest.json");
    assert_eq!(store.keys(OUT).len(), 5);
}

#[tokio::test]
async fn a_shorter_upload_leaves_no_page_of_the_longer_one() {
    let store = buckets();
    let long = store.insert(IN, "a.pdf", sheets(5, 0));
    Setup::new(&store).start().answer(&created("a.pdf", &long)).await;
    let short = store.insert(IN, "a.pdf", sheets(2, 1));

    // Before the first image is overwritten, the manifest that it would belie is gone.
    let looked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (seen, looking) = (Arc::clone(&looked), Arc::clone(&store));
    let look = Fault::Meanwhile(Box::new(move || {
        seen.lock().unwrap().push(looking.object(OUT, "a/manifest.json").is_some());
    }));
    let function =
        Setup::new(&store).fault(Injection::new(Operation::Put, look).on_keys(is_image).times(9)).start();
    function.answer(&created("a.pdf", &short)).await;
    assert_eq!(*looked.lock().unwrap(), [false, false]);
    assert_eq!(store.keys(OUT), ["a/manifest.json", "a/page-0001.png", "a/page-0002.png"]);
    assert_eq!(function.manifest("a/manifest.json").source.etag, Some(short.etag));
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn a_document_replaced_by_a_broken_one_keeps_no_images() {
    let store = buckets();
    let good = store.insert(IN, "a.pdf", sheets(2, 0));
    let function = Setup::new(&store).start();
    function.answer(&created("a.pdf", &good)).await;
    let broken = store.insert(IN, "a.pdf", &b"<html>"[..]);
    let answer = function.answer(&created("a.pdf", &broken)).await;
    assert_eq!((&answer["status"], &answer["error"]["code"]), (&json!("failed"), &json!("not_a_pdf")));
    assert_eq!(store.keys(OUT), ["a/manifest.json"]);
}

#[tokio::test]
async fn other_settings_clean_up_after_the_former_ones() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(2, 0));
    Setup::new(&store).start().answer(&created("a.pdf", &info)).await;
    store.insert(OUT, "a/page-0099.png", &b"somebody's own"[..]);
    store.insert(OUT, "a/cover.png", &b"somebody's own"[..]);
    let function = Setup::new(&store).set("FORMAT", "jpeg").start();
    assert_eq!(function.answer(&created("a.pdf", &info)).await["already_done"], false);
    assert_eq!(
        store.keys(OUT),
        ["a/cover.png", "a/manifest.json", "a/page-0001.jpeg", "a/page-0002.jpeg", "a/page-0099.png"]
    );
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn a_file_of_somebody_else_among_the_stale_pages_stays() {
    let store = buckets();
    let long = store.insert(IN, "a.pdf", sheets(3, 0));
    Setup::new(&store).start().answer(&created("a.pdf", &long)).await;
    store.insert(OUT, "a/page-0099.png", &b"somebody's own"[..]);
    let short = store.insert(IN, "a.pdf", sheets(1, 1));
    Setup::new(&store).start().answer(&created("a.pdf", &short)).await;
    assert_eq!(store.keys(OUT), ["a/manifest.json", "a/page-0001.png", "a/page-0099.png"]);
}

#[tokio::test]
async fn a_version_replaced_while_it_is_drawn_leaves_the_field_to_the_newer_one() {
    let store = buckets();
    let old = store.insert(IN, "a.pdf", sheets(3, 0));
    let meanwhile = replace_source(&store, sheets(2, 1));
    let function =
        Setup::new(&store).fault(Injection::new(Operation::Put, meanwhile).on_keys(is_image)).start();
    let answer = function.answer(&created("a.pdf", &old)).await;
    assert!(answer["skipped"].as_str().is_some_and(|reason| reason.contains("replaced")), "{answer}");
    assert!(store.object(OUT, "a/manifest.json").is_none());

    let new = store.object(IN, "a.pdf").unwrap().info;
    assert_eq!(function.answer(&created("a.pdf", &new)).await["status"], "complete");
    assert_eq!(store.keys(OUT), ["a/manifest.json", "a/page-0001.png", "a/page-0002.png"]);
    assert_eq!(function.manifest("a/manifest.json").source.etag, Some(new.etag));
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn a_straggler_that_overwrote_a_newer_result_puts_it_right() {
    let store = buckets();
    let old = store.insert(IN, "a.pdf", sheets(3, 0));
    let gate = Arc::new(Semaphore::new(0));
    let straggler = Setup::new(&store).held_put("page-0003.png", &gate).start();
    let event = created("a.pdf", &old);
    let overtake = async {
        straggler.wants_to_put("page-0003.png").await;
        let new = store.insert(IN, "a.pdf", sheets(4, 1));
        assert_eq!(Setup::new(&store).start().answer(&created("a.pdf", &new)).await["status"], "complete");
        gate.add_permits(1);
        new
    };
    let (answer, new) = tokio::join!(straggler.invoke(&event), overtake);
    answer.unwrap();

    let manifest = manifest(&store, "a/manifest.json");
    assert_eq!((manifest.source.etag, manifest.totals.images), (Some(new.etag), 4));
    assert_manifest_holds(&store, "a/manifest.json");
    assert_eq!(store.keys(OUT).len(), 5);
}

#[tokio::test]
async fn events_out_of_order_end_with_the_newest_version() {
    let store = Arc::new(MemoryStore::new([IN, OUT]).with_versions());
    let old = store.insert(IN, "a.pdf", sheets(3, 0));
    let new = store.insert(IN, "a.pdf", sheets(2, 1));
    let function = Setup::new(&store).start();
    assert_eq!(function.answer(&created("a.pdf", &new)).await["status"], "complete");
    let late = function.answer(&created("a.pdf", &old)).await;
    assert!(late["skipped"].as_str().is_some_and(|reason| reason.contains("newer version")), "{late}");
    let manifest = function.manifest("a/manifest.json");
    assert_eq!((manifest.source.version_id, manifest.totals.images), (new.version_id, 2));
    assert_manifest_holds(&store, "a/manifest.json");
    assert_eq!(store.keys(OUT).len(), 3);
}

#[tokio::test]
async fn a_late_event_for_a_version_that_is_too_large_leaves_the_newest_ones_pages() {
    let store = Arc::new(MemoryStore::new([IN, OUT]).with_versions());
    let old = store.insert(IN, "a.pdf", sheets(30, 0));
    let new = store.insert(IN, "a.pdf", sheets(2, 1));
    let limit = (old.bytes + new.bytes) / 2;
    let function = Setup::new(&store).set("MAX_INPUT_BYTES", &limit.to_string()).start();
    assert_eq!(function.answer(&created("a.pdf", &new)).await["status"], "complete");
    let late = function.answer(&created("a.pdf", &old)).await;
    assert!(late["skipped"].as_str().is_some_and(|reason| reason.contains("newer version")), "{late}");
    let manifest = function.manifest("a/manifest.json");
    assert_eq!((manifest.source.version_id, manifest.totals.images), (new.version_id, 2));
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn a_source_that_is_gone_is_recorded_with_its_code() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(2, 0));
    store.remove(IN, "a.pdf");
    let function = Setup::new(&store).start();
    let answer = function.answer(&created("a.pdf", &info)).await;
    assert_eq!((&answer["status"], &answer["error"]["code"]), (&json!("failed"), &json!("source_missing")));
    let manifest = function.manifest("a/manifest.json");
    assert_eq!((manifest.status, manifest.page_count), (Status::Failed, None));
    assert_eq!(manifest.source.etag, Some(info.etag.clone()));
    // Told again, it says the same and leaves the record.
    assert_eq!(function.answer(&created("a.pdf", &info)).await["error"]["code"], "source_missing");
}

#[tokio::test]
async fn an_event_whose_source_was_replaced_does_not_touch_the_manifest_of_another_version() {
    let store = buckets();
    let old = store.insert(IN, "a.pdf", sheets(2, 0));
    let new = store.insert(IN, "a.pdf", sheets(3, 1));
    let function = Setup::new(&store).start();
    let answer = function.answer(&created("a.pdf", &old)).await;
    assert_eq!(answer["error"]["code"], "source_replaced", "{answer}");

    assert_eq!(function.answer(&created("a.pdf", &new)).await["status"], "complete");
    let before = store.object(OUT, "a/manifest.json");
    for gone in [false, true] {
        if gone {
            store.remove(IN, "a.pdf");
        }
        let answer = function.answer(&created("a.pdf", &old)).await;
        assert!(answer["skipped"].as_str().is_some_and(|r| r.contains("left as it is")), "{answer}");
        assert_eq!(store.object(OUT, "a/manifest.json"), before);
    }
}

#[tokio::test]
async fn an_attempt_killed_before_its_manifest_is_taken_up_where_it_ended() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(4, 0));
    let event = created("a.pdf", &info);
    Setup::new(&store).stuck_put("manifest.json").start().kill_at_put(&event, "manifest.json").await;
    assert_eq!(store.keys(OUT).len(), 4);

    let again = Setup::new(&store).start();
    assert_eq!(again.answer(&event).await["status"], "complete");
    assert_eq!(again.images_put(), [""; 0]);
    assert_manifest_holds(&store, "a/manifest.json");
    assert_eq!(images(&again.manifest("a/manifest.json")).len(), 4);
}

#[tokio::test]
async fn an_attempt_killed_amid_its_pages_loses_only_those_that_it_had_not_written() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(4, 0));
    let event = created("a.pdf", &info);
    let stuck = Setup::new(&store).set("WORKERS", "1").stuck_put("page-0003.png").stuck_put("page-0004.png");
    let stuck = stuck.start();
    stuck.kill_at_put(&event, "page-0004.png").await;
    let left = store.keys(OUT);
    assert!(!left.contains(&"a/page-0003.png".to_owned()), "{left:?}");

    let again = Setup::new(&store).start();
    assert_eq!(again.answer(&event).await["status"], "complete");
    let all = (1..=4).map(|page| format!("a/page-{page:04}.png"));
    assert_eq!(again.images_put(), all.filter(|key| !left.contains(key)).collect::<Vec<_>>());
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn images_of_another_version_or_other_settings_are_not_taken_for_ours() {
    let store = buckets();
    let old = store.insert(IN, "a.pdf", sheets(2, 0));
    let killed = Setup::new(&store).stuck_put("manifest.json").start();
    killed.kill_at_put(&created("a.pdf", &old), "manifest.json").await;
    let info = store.insert(IN, "a.pdf", sheets(2, 1));
    let function = Setup::new(&store).start();
    function.answer(&created("a.pdf", &info)).await;
    assert_eq!(function.images_put().len(), 2);

    store.remove(OUT, "a/manifest.json");
    let function = Setup::new(&store).set("COLOR", "rgb").start();
    function.answer(&created("a.pdf", &info)).await;
    assert_eq!(function.images_put().len(), 2);
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn what_the_time_did_not_suffice_for_is_named_and_done_by_the_next_attempt() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", corpus::hostile::document("one-bad-page").unwrap().bytes());
    let event = created("a.pdf", &info);
    let setup = || Setup::new(&store).set("WORKERS", "1").set("DPI", "20");
    // The third page takes far longer than there is time.
    let error = setup().start().invoke_within(&event, Some(Duration::from_millis(2500))).await.unwrap_err();
    assert!(error.to_string().contains("deadline"), "{error}");
    let first = manifest(&store, "a/manifest.json");
    assert_eq!(first.status, Status::Partial);
    assert_eq!(failures(&first), [3, 4, 5].map(|page| (page, "deadline".to_owned())));
    assert_eq!((first.totals.missing, first.totals.failed), (3, 0));

    let again = setup().set("PAGE_TIMEOUT", "500ms").start();
    assert_eq!(again.answer(&event).await["status"], "partial");
    assert_eq!(again.images_put(), ["a/page-0004.png", "a/page-0005.png"]);
    let second = again.manifest("a/manifest.json");
    assert_eq!(failures(&second), [(3, "page_timeout".to_owned())]);
    assert_eq!(hashes(&second)[..2], hashes(&first)[..]);
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn a_page_that_failed_for_good_does_not_use_up_the_time_of_the_next_attempt_too() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", corpus::hostile::document("one-bad-page").unwrap().bytes());
    let event = created("a.pdf", &info);
    let setup = || Setup::new(&store).set("WORKERS", "1").set("DPI", "20").set("PAGE_TIMEOUT", "2s");
    // No page is started after 2 s, so that of the third there is only its failure.
    let limit = Some(Duration::from_secs(3));
    setup().start().invoke_within(&event, limit).await.unwrap_err();
    let codes: Vec<_> = failures(&manifest(&store, "a/manifest.json")).into_iter().map(|(_, c)| c).collect();
    assert_eq!(codes, ["page_timeout", "deadline", "deadline"]);

    let again = setup().start();
    again.invoke_within(&event, limit).await.unwrap();
    let second = again.manifest("a/manifest.json");
    assert_eq!(failures(&second), [(3, "page_timeout".to_owned())]);
    assert_eq!((second.totals.images, second.totals.failed, second.totals.missing), (4, 1, 0));
}

#[tokio::test]
async fn the_document_timeout_ends_a_document_for_good() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", corpus::hostile::document("one-bad-page").unwrap().bytes());
    let function =
        Setup::new(&store).set("WORKERS", "1").set("DPI", "20").set("DOCUMENT_TIMEOUT", "1s").start();
    let answer = function.answer(&created("a.pdf", &info)).await;
    assert_eq!(answer["status"], "partial", "{answer}");
    let failures = failures(&function.manifest("a/manifest.json"));
    assert_eq!(failures, [3, 4, 5].map(|page| (page, "document_timeout".to_owned())));
}

#[tokio::test]
async fn an_attempt_that_cannot_open_the_document_does_not_call_what_is_there_complete() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(4, 0));
    let event = created("a.pdf", &info);
    let killed = Setup::new(&store).set("WORKERS", "1").stuck_put("page-0003.png").stuck_put("page-0004.png");
    killed.start().kill_at_put(&event, "page-0004.png").await;

    let _ = Setup::new(&store).workers("/bin/false").start().invoke(&event).await;
    let manifest = manifest(&store, "a/manifest.json");
    assert_ne!(manifest.status, Status::Complete);
    let code = manifest.error.as_ref().map(|error| error.code.as_str());
    assert_eq!(
        code,
        Some("worker_unavailable"),
        "a worker that never got ready says nothing of the document"
    );
    assert_manifest_holds(&store, "a/manifest.json");

    let function = Setup::new(&store).start();
    assert_eq!(function.answer(&event).await["status"], "complete");
    assert_eq!(images(&function.manifest("a/manifest.json")).len(), 4);
}

#[tokio::test]
async fn two_sources_with_the_same_output_keys_do_not_mix() {
    let store = buckets();
    let first = store.insert(IN, "a.pdf", sheets(3, 0));
    let second = store.insert(IN, "a.PDF", sheets(2, 1));
    let function = Setup::new(&store).start();
    function.answer(&created("a.pdf", &first)).await;
    let before: Vec<_> = store.keys(OUT).iter().map(|key| store.object(OUT, key)).collect();
    let error = function.invoke(&created("a.PDF", &second)).await.unwrap_err().to_string();
    for part in ["output_conflict", "a/manifest.json", "a.pdf", "{key}"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let after: Vec<_> = store.keys(OUT).iter().map(|key| store.object(OUT, key)).collect();
    assert_eq!(after, before);
}

fn is_image(key: &str) -> bool {
    key.contains("/page-")
}

fn replace_source(store: &Arc<MemoryStore>, pdf: Vec<u8>) -> Fault {
    let (store, pdf) = (Arc::clone(store), Bytes::from(pdf));
    Fault::Meanwhile(Box::new(move || {
        store.insert(IN, "a.pdf", pdf.clone());
    }))
}
