//! Further images of each page: made with it, kept with it, and gone with it.

use std::io::Cursor;
use std::sync::Arc;

use pdf2img::manifest::{Manifest, Status};
use pdf2img::store::StoreError;
use pdf2img::store::failing::{Fault, Injection, Operation};
use pdf2img::store::memory::MemoryStore;
use serde_json::json;

use crate::function::{IN, OUT, Setup, assert_manifest_holds, buckets, created, failures, images, manifest};
use crate::paper::sheets;

const THUMB: &str = "thumb: width=30 format=png";

fn setup(store: &Arc<MemoryStore>) -> Setup {
    Setup::new(store).set("DPI", "144").set("RENDITIONS", THUMB)
}

#[tokio::test]
async fn each_page_has_its_renditions_in_keys_metadata_and_manifest() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(2, 0));
    let renditions =
        "thumb: width=30 format=png; web: dpi=72 format=webp quality=80 output_key=web/{stem}/{page}.{ext}";
    let function = setup(&store).set("RENDITIONS", renditions).start();
    assert_eq!(function.answer(&created("a.pdf", &info)).await["status"], "complete");
    assert_eq!(
        store.keys(OUT),
        [
            "a/manifest.json",
            "a/page-0001.png",
            "a/page-0002.png",
            "a/thumb-0001.png",
            "a/thumb-0002.png",
            "web/a/1.webp",
            "web/a/2.webp",
        ]
    );
    assert_manifest_holds(&store, "a/manifest.json");
    let manifest = function.manifest("a/manifest.json");
    let all = images(&manifest);
    let (_, first) = &all[0];
    assert_eq!((first.width, first.height), (120, 80));
    let thumb = &first.renditions["thumb"];
    assert_eq!((thumb.key.as_str(), thumb.width, thumb.height), ("a/thumb-0001.png", 30, 20));
    let web = &first.renditions["web"];
    assert_eq!((web.key.as_str(), web.width, web.height), ("web/a/1.webp", 60, 40));
    let object = store.object(OUT, &web.key).unwrap();
    assert_eq!(object.content_type, "image/webp");
    assert_eq!(object.info.metadata["pdf2img-rendition"], "web");
    assert!(!store.object(OUT, &first.key).unwrap().info.metadata.contains_key("pdf2img-rendition"));
    // Pages are counted, and the bytes of all files.
    let bytes: u64 = all.iter().flat_map(|(_, image)| image.files()).map(|file| file.bytes).sum();
    assert_eq!((manifest.totals.images, manifest.totals.pages, manifest.totals.bytes), (2, 2, bytes));
    assert_eq!(manifest.settings["renditions"]["thumb"]["width"], 30);
}

#[tokio::test]
async fn a_thumbnail_shows_what_its_page_shows() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", corpus::document("vector-charts").unwrap().bytes());
    for (dpi, width) in [("150", 300), ("72", 400)] {
        // The first is scaled down, the second is drawn.
        let renditions = json!({ "thumb": { "width": width, "color": "rgb" } }).to_string();
        let function = Setup::new(&store).set("DPI", dpi).set("COLOR", "rgb").set("RENDITIONS", &renditions);
        assert_eq!(function.start().answer(&created("a.pdf", &info)).await["status"], "complete");
        let all = images(&manifest(&store, "a/manifest.json"));
        let page = decoded(&store, &all[0].1.key);
        let thumb = decoded(&store, &all[0].1.renditions["thumb"].key);
        assert_eq!(thumb.0, width);
        let ratio = f64::from(page.0) / f64::from(thumb.0);
        let mut off = 0.0;
        for y in 0..thumb.1 - 1 {
            for x in 0..thumb.0 {
                let expected = mean(&page, f64::from(x) * ratio, f64::from(y) * ratio, ratio);
                let found = mean(&thumb, f64::from(x), f64::from(y), 1.0);
                off += (expected - found).abs();
            }
        }
        let off = off / f64::from(thumb.0 * (thumb.1 - 1));
        assert!(off < 3.0, "{off} levels off on average at {dpi} dpi");
        let spread = page.2.iter().max().unwrap() - page.2.iter().min().unwrap();
        assert!(spread > 100, "a blank page proves nothing");
    }
}

#[tokio::test]
async fn the_same_event_twice_does_nothing_the_second_time() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(3, 0));
    setup(&store).start().answer(&created("a.pdf", &info)).await;
    let again = setup(&store).start();
    assert_eq!(again.answer(&created("a.pdf", &info)).await["already_done"], true);
    assert_eq!(again.calls(Operation::Put), [""; 0]);
}

#[tokio::test]
async fn a_thumbnail_that_somebody_deleted_or_changed_has_its_page_drawn_again() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(3, 0));
    let event = created("a.pdf", &info);
    setup(&store).start().answer(&event).await;
    store.remove(OUT, "a/thumb-0001.png");
    store.insert(OUT, "a/thumb-0003.png", &b"scribble"[..]);
    let again = setup(&store).start();
    assert_eq!(again.answer(&event).await["status"], "complete");
    let expected = ["a/page-0001.png", "a/page-0003.png", "a/thumb-0001.png", "a/thumb-0003.png"];
    assert_eq!(again.images_put(), expected);
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn of_what_a_killed_attempt_left_only_whole_pages_are_taken() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(4, 0));
    let event = created("a.pdf", &info);
    let stuck =
        setup(&store).set("WORKERS", "1").stuck_put("thumb-0002.png").stuck_put("manifest.json").start();
    tokio::select! {
        answer = stuck.invoke(&event) => panic!("it ended: {answer:?}"),
        () = until_there(&store, "a/page-0002.png", 7) => {}
    }
    assert!(store.object(OUT, "a/manifest.json").is_none());

    let again = setup(&store).start();
    assert_eq!(again.answer(&event).await["status"], "complete");
    assert_eq!(again.images_put(), ["a/page-0002.png", "a/thumb-0002.png"]);
    assert_manifest_holds(&store, "a/manifest.json");
    assert_thumbs(&again.manifest("a/manifest.json"), 4);
}

#[tokio::test]
async fn other_renditions_clean_up_after_the_former_ones() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(2, 0));
    let event = created("a.pdf", &info);
    setup(&store).start().answer(&event).await;
    store.insert(OUT, "a/thumb-0099.png", &b"somebody's own"[..]);

    let small = setup(&store).set("RENDITIONS", "small: width=20").start();
    assert_eq!(small.answer(&event).await["already_done"], false);
    assert_eq!(
        store.keys(OUT),
        [
            "a/manifest.json",
            "a/page-0001.png",
            "a/page-0002.png",
            "a/small-0001.png",
            "a/small-0002.png",
            "a/thumb-0099.png",
        ]
    );
    // A direct invoke can ask for none.
    let bare = small.answer(&json!({ "bucket": IN, "key": "a.pdf", "renditions": {} })).await;
    assert_eq!(bare["status"], "complete");
    let left = ["a/manifest.json", "a/page-0001.png", "a/page-0002.png", "a/thumb-0099.png"];
    assert_eq!(store.keys(OUT), left);
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn a_shorter_upload_leaves_no_thumbnail_of_the_longer_one() {
    let store = buckets();
    let long = store.insert(IN, "a.pdf", sheets(5, 0));
    setup(&store).start().answer(&created("a.pdf", &long)).await;
    // Without a manifest there are only the keys to go by.
    store.remove(OUT, "a/manifest.json");
    let short = store.insert(IN, "a.pdf", sheets(1, 1));
    setup(&store).start().answer(&created("a.pdf", &short)).await;
    assert_eq!(store.keys(OUT), ["a/manifest.json", "a/page-0001.png", "a/thumb-0001.png"]);
    assert_manifest_holds(&store, "a/manifest.json");
}

#[tokio::test]
async fn a_thumbnail_that_s3_would_not_take_leaves_its_page_to_the_retry() {
    for fault in [unavailable(), Fault::LostReply] {
        let store = buckets();
        let info = store.insert(IN, "a.pdf", sheets(3, 0));
        let event = created("a.pdf", &info);
        let is_lost = matches!(fault, Fault::LostReply);
        let injection = Injection::new(Operation::Put, fault).on_keys(|key| key.ends_with("thumb-0002.png"));
        let error = setup(&store).fault(injection).start().invoke(&event).await.unwrap_err();
        assert!(error.to_string().contains("s3_unavailable"), "{error}");
        let first = manifest(&store, "a/manifest.json");
        assert_eq!((first.status, first.totals.missing), (Status::Partial, 1));
        assert_eq!(failures(&first), [(2, "s3_unavailable".to_owned())]);
        assert_manifest_holds(&store, "a/manifest.json");

        let again = setup(&store).start();
        assert_eq!(again.answer(&event).await["status"], "complete");
        let expected: &[&str] = if is_lost { &[] } else { &["a/page-0002.png", "a/thumb-0002.png"] };
        assert_eq!(again.images_put(), expected);
        assert_thumbs(&again.manifest("a/manifest.json"), 3);
        assert_manifest_holds(&store, "a/manifest.json");
    }
}

#[tokio::test]
async fn a_page_of_which_one_rendition_cannot_be_made_has_failed_by_its_name() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(2, 0));
    let function = setup(&store).set("MAX_PIXELS", "10000").set("RENDITIONS", "huge: width=300").start();
    assert_eq!(function.answer(&created("a.pdf", &info)).await["status"], "failed");
    let manifest = function.manifest("a/manifest.json");
    assert_eq!(failures(&manifest), [1, 2].map(|page| (page, "limit_exceeded".to_owned())));
    let text = json!(manifest.pages).to_string();
    assert!(text.contains("rendition huge: image size in pixels"), "{text}");
    assert_eq!(store.keys(OUT), ["a/manifest.json"]);
}

#[tokio::test]
async fn an_image_is_not_taken_for_a_pdf_by_the_key_of_a_rendition() {
    let store = buckets();
    let info = store.insert(OUT, "a/thumb-0001.png", sheets(1, 0));
    let function = setup(&store).set("INPUT_SUFFIX", "").start();
    let event = crate::function::created_in(OUT, "a/thumb-0001.png", &info);
    let answer = function.answer(&event).await;
    assert!(answer["skipped"].as_str().is_some_and(|reason| reason.contains("of ours")), "{answer}");
}

#[tokio::test]
async fn renditions_of_a_direct_invoke_that_cannot_be_are_refused_by_their_name() {
    let store = buckets();
    store.insert(IN, "a.pdf", sheets(1, 0));
    let function = Setup::new(&store).start();
    let event = json!({
        "bucket": IN, "key": "a.pdf", "renditions": { "thumb": { "width": 30, "format": "png", "quality": 5 } }
    });
    let error = function.invoke(&event).await.unwrap_err().to_string();
    for part in ["renditions, thumb:", "quality=5", "format=png", "conflicting_options"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert_eq!(store.keys(OUT), [""; 0]);
}

fn assert_thumbs(manifest: &Manifest, pages: usize) {
    let all = images(manifest);
    assert_eq!(all.len(), pages);
    for (page, image) in all {
        assert_eq!(image.renditions["thumb"].key, format!("a/thumb-{page:04}.png"));
    }
}

/// Waits until a key is there, and so many in all.
async fn until_there(store: &MemoryStore, key: &str, keys: usize) {
    while store.object(OUT, key).is_none() || store.keys(OUT).len() < keys {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Width, height and RGB pixels of a PNG.
fn decoded(store: &MemoryStore, key: &str) -> (u32, u32, Vec<u8>) {
    let file = store.object(OUT, key).unwrap().body;
    let mut reader = png::Decoder::new(Cursor::new(&file[..])).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb, "{key}");
    (info.width, info.height, pixels)
}

/// The mean level over a square of an image, weighted by area.
fn mean((width, height, pixels): &(u32, u32, Vec<u8>), x: f64, y: f64, side: f64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    let overlap =
        |at: u32, from: f64| ((f64::from(at) + 1.0).min(from + side) - f64::from(at).max(from)).max(0.0);
    for row in y as u32..((y + side).ceil() as u32).min(*height) {
        for column in x as u32..((x + side).ceil() as u32).min(*width) {
            let weight = overlap(column, x) * overlap(row, y);
            let at = ((row * width + column) * 3) as usize;
            sum += weight * pixels[at..at + 3].iter().map(|c| f64::from(*c)).sum::<f64>() / 3.0;
            weights += weight;
        }
    }
    sum / weights
}

fn unavailable() -> Fault {
    Fault::Error(StoreError::Transient {
        action: "s3:PutObject",
        bucket: OUT.to_owned(),
        key: "a".to_owned(),
        detail: "503 SlowDown".to_owned(),
    })
}
