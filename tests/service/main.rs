//! The whole service on this machine: a real S3 client, events, Lambda, and the real `bootstrap`.

mod engines;
mod stack;

use std::time::{Duration, SystemTime};

use pdf2img::manifest::{PageResult, Status};
use pdf2img_cli::local::{EventSource, InvocationStatus, LocalError, LocalStack};
use serde_json::json;

use crate::stack::{Place, initialized, outcomes};

const KEY: &str = "inbox/Ünï côdé + plus & (1).PDF";

#[tokio::test]
async fn an_upload_becomes_pages_and_a_manifest_whatever_tells_of_it() {
    for source in EventSource::ALL {
        let place = Place::new();
        let stack = place.start(|options| options.event_source = source).await;
        place.put(&stack, "pdf-in", KEY, corpus::document("text-1").unwrap().bytes()).await;
        stack.idle().await;

        let manifest = place.manifest(&stack, "inbox/Ünï côdé + plus & (1)/manifest.json").await;
        assert_eq!(manifest.status, Status::Complete, "{source}");
        assert_eq!((manifest.source.bucket.as_str(), manifest.source.key.as_str()), ("pdf-in", KEY));
        let PageResult::Image(image) = &manifest.pages[0].result else { panic!("{manifest:?}") };
        assert_eq!(image.key, "inbox/Ünï côdé + plus & (1)/page-0001.png");
        let object = place.get(&stack, "pdf-out", &image.key).await;
        assert_eq!(corpus::manifest::sha256(&object.body), image.sha256);
        assert_eq!(object.content_type, "image/png");
        assert_eq!(object.metadata["pdf2img-page"], "1");
        // What is not ASCII travels percent-encoded.
        assert_eq!(
            object.metadata["pdf2img-source"],
            "inbox/%C3%9Cn%C3%AF%20c%C3%B4d%C3%A9%20+%20plus%20&%20(1).PDF"
        );
        assert_eq!(outcomes(&stack), [InvocationStatus::Success], "{source}");
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn an_upload_becomes_pages_with_thumbnails() {
    let place =
        Place::new().set("FORMAT", "jpeg").set("RENDITIONS", "thumb: width=320 format=webp quality=80");
    let stack = place.start(|_| {}).await;
    place.put(&stack, "pdf-in", "a.pdf", corpus::document("text-20").unwrap().bytes()).await;
    stack.idle().await;

    let manifest = place.manifest(&stack, "a/manifest.json").await;
    assert_eq!((manifest.status, manifest.totals.images), (Status::Complete, 20));
    for entry in &manifest.pages {
        let PageResult::Image(image) = &entry.result else { panic!("{entry:?}") };
        let thumb = &image.renditions["thumb"];
        assert_eq!(thumb.key, format!("a/thumb-{:04}.webp", entry.page));
        assert_eq!(thumb.width, 320);
        let object = place.get(&stack, "pdf-out", &thumb.key).await;
        assert_eq!(corpus::manifest::sha256(&object.body), thumb.sha256);
        assert_eq!(object.content_type, "image/webp");
        assert_eq!(object.metadata["pdf2img-rendition"], "thumb");
        let page = place.get(&stack, "pdf-out", &image.key).await;
        assert!(page.body.len() > object.body.len());
    }
    assert_eq!(outcomes(&stack), [InvocationStatus::Success]);
    stack.shutdown().await;
}

#[tokio::test]
async fn documents_are_spread_over_the_environments() {
    let place = Place::new().set("PAGE_TIMEOUT", "400ms").set("DPI", "20");
    let stack = place.start(|options| options.environments = 2).await;
    let slow = corpus::hostile::document("one-bad-page").unwrap().bytes();
    for number in 0..4 {
        place.put(&stack, "pdf-in", &format!("{number}.pdf"), slow.clone()).await;
    }
    stack.idle().await;
    for number in 0..4 {
        let manifest = place.manifest(&stack, &format!("{number}/manifest.json")).await;
        assert_eq!((manifest.totals.images, manifest.totals.failed), (4, 1));
    }
    assert_eq!(initialized(&stack), [1, 2]);
    let mut used: Vec<u32> = stack.reports().iter().map(|report| report.environment).collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used, [1, 2]);
    stack.shutdown().await;
}

#[tokio::test]
async fn an_invocation_killed_amid_its_pages_is_taken_up_by_the_next() {
    let place = Place::new().set("PAGE_TIMEOUT", "1s").set("DPI", "20").set("WORKERS", "1");
    let stack = place.start(|_| {}).await;
    let slow = corpus::hostile::document("one-bad-page").unwrap().bytes();
    place.put(&stack, "pdf-in", "a.pdf", slow).await;
    let second = place.file("pdf-out/a/page-0002.png");
    while !second.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The object is there once its properties are; the third page takes a second.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let written = |page: u32| -> SystemTime {
        place.file(&format!("pdf-out/a/page-{page:04}.png")).metadata().unwrap().modified().unwrap()
    };
    let before = (written(1), written(2));
    place.kill_function();
    stack.idle().await;

    assert_eq!(outcomes(&stack), [InvocationStatus::Exited, InvocationStatus::Success]);
    let manifest = place.manifest(&stack, "a/manifest.json").await;
    assert_eq!((manifest.status, manifest.totals.images), (Status::Partial, 4));
    assert_eq!((written(1), written(2)), before, "pages that were there are not written again");
    assert_eq!(initialized(&stack), [1, 2]);
    stack.shutdown().await;
}

#[tokio::test]
async fn an_invocation_without_enough_time_leaves_the_rest_to_the_next() {
    let place = Place::new().set("PAGE_TIMEOUT", "3050ms").set("DPI", "20").set("WORKERS", "1");
    let stack = place.start(|options| options.timeout = Duration::from_secs(4)).await;
    place.put(&stack, "pdf-in", "a.pdf", corpus::hostile::document("one-bad-page").unwrap().bytes()).await;
    stack.idle().await;
    // The third page used the first one's time up; it does not use up the second one's as well.
    assert_eq!(outcomes(&stack), [InvocationStatus::Error, InvocationStatus::Success]);
    assert_eq!(initialized(&stack), [1], "nothing was killed");
    let manifest = place.manifest(&stack, "a/manifest.json").await;
    assert_eq!((manifest.totals.images, manifest.totals.failed, manifest.totals.missing), (4, 1, 0));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_bad_option_is_reported_as_the_reason_why_the_function_does_not_start() {
    for (option, value, parts) in [
        ("DPI", "fast", &["PDF2IMG_DPI=\"fast\"", "a number from 1 to 2400"][..]),
        ("FORMAT", "gif", &["PDF2IMG_FORMAT=\"gif\"", "png, jpeg or webp"]),
        ("DBI", "150", &["PDF2IMG_DBI", "did you mean PDF2IMG_DPI?"]),
    ] {
        let place = Place::new().set(option, value);
        let error = LocalStack::start(place.options()).await.err().expect("it does not start");
        assert!(matches!(error, LocalError::Init { .. }));
        for part in parts {
            assert!(error.to_string().contains(part), "{part} in {error}");
        }
    }
}

#[tokio::test]
async fn hostile_documents_end_with_a_code_and_the_function_stays_warm() {
    let place = Place::new().set("PAGE_TIMEOUT", "700ms").set("DPI", "50");
    let stack = place.start(|options| options.memory_mb = 700).await;
    let ids = [
        "empty",
        "html",
        "header-only",
        "zero-pages",
        "encrypted-aes-256",
        "page-tree-1e8",
        "page-tree-loop",
        "nested-forms-1e9",
        "truncated-xref",
    ];
    for id in ids {
        let bytes = corpus::hostile::document(id).unwrap().bytes();
        place.put(&stack, "pdf-in", &format!("{id}.pdf"), bytes).await;
    }
    place.put(&stack, "pdf-in", "good.pdf", corpus::document("text-1").unwrap().bytes()).await;
    stack.idle().await;

    for id in ids {
        let manifest = place.manifest(&stack, &format!("{id}/manifest.json")).await;
        let has_code = |result: &PageResult| match result {
            PageResult::Failed { error } => !error.code.is_empty() && !error.message.is_empty(),
            PageResult::Image(_) => true,
        };
        assert!(manifest.pages.iter().all(|entry| has_code(&entry.result)), "{id}: {manifest:?}");
        if manifest.status == Status::Failed && manifest.pages.is_empty() {
            let error = manifest.error.unwrap_or_else(|| panic!("{id} has no reason"));
            assert!(!error.code.is_empty() && !error.message.is_empty(), "{id}");
        }
    }
    assert_eq!(place.manifest(&stack, "good/manifest.json").await.status, Status::Complete);
    assert_eq!(initialized(&stack), [1]);
    assert!(outcomes(&stack).iter().all(|outcome| *outcome == InvocationStatus::Success));
    stack.shutdown().await;
}

#[tokio::test]
async fn the_invoke_api_takes_options_and_answers_with_the_result() {
    let place = Place::new();
    let stack = place.start(|options| options.event_suffix = ".never".into()).await;
    place.put(&stack, "pdf-in", "a.pdf", corpus::document("mixed-pages").unwrap().bytes()).await;
    stack.idle().await;
    assert!(stack.reports().is_empty());

    let event =
        json!({ "bucket": "pdf-in", "key": "a.pdf", "pages": "1,8-9", "width": 100, "format": "jpeg" });
    let answer = place.invoke(&stack, &event).await;
    let document = &answer["documents"][0];
    assert_eq!(document["status"], "complete", "{answer}");
    assert_eq!(document["totals"]["images"], 3);
    let manifest = place.manifest(&stack, document["manifest"]["key"].as_str().unwrap()).await;
    for entry in &manifest.pages {
        let PageResult::Image(image) = &entry.result else { panic!("{entry:?}") };
        assert_eq!(image.width, 100);
        let object = place.get(&stack, "pdf-out", &image.key).await;
        assert!(object.body.starts_with(b"\xff\xd8\xff"));
    }

    let bad = json!({ "bucket": "pdf-in", "key": "a.pdf", "format": "gif" });
    let answer = place.invoke(&stack, &bad).await;
    let message = answer["errorMessage"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(message.contains("format=\"gif\"") && message.contains("png, jpeg or webp"), "{answer}");
    let missing = json!({ "bucket": "pdf-in", "key": "nowhere.pdf" });
    let answer = place.invoke(&stack, &missing).await;
    assert_eq!(answer["documents"][0]["error"]["code"], "source_missing", "{answer}");
    stack.shutdown().await;
}

#[tokio::test]
async fn one_bucket_for_all_without_a_filter_does_not_loop() {
    let place = Place::new().set("INPUT_SUFFIX", "").set("DPI", "20");
    let stack = place.start(|options| options.output_bucket = "pdf-in".into()).await;
    place.put(&stack, "pdf-in", "inbox/a.pdf", corpus::document("annotations").unwrap().bytes()).await;
    stack.idle().await;
    // The PDF, its two pages and its manifest: each is told once, and begets nothing more.
    assert_eq!(stack.reports().len(), 4);
    assert!(outcomes(&stack).iter().all(|outcome| *outcome == InvocationStatus::Success));
    let keys = place.keys(&stack, "pdf-in").await;
    let manifest = "inbox/a/manifest.json";
    let images: Vec<_> = keys.iter().filter(|key| key.contains("/page-")).collect();
    assert_eq!(images, ["inbox/a/page-0001.png", "inbox/a/page-0002.png"]);
    assert!(keys.iter().any(|key| key == manifest), "{keys:?}");
    stack.shutdown().await;
}
