//! What one document comes to.

use pdf2img::manifest::{Manifest, Status};
use pdf2img::store::failing::Operation;
use serde_json::{Value, json};

use crate::function::{
    IN, OUT, Setup, assert_manifest_holds, buckets, created, failures, hashes, images, manifest,
};
use crate::paper::sheets;

#[tokio::test]
async fn every_page_becomes_an_image_that_the_manifest_describes() {
    let store = buckets();
    let pdf = sheets(5, 0);
    let info = store.insert(IN, "inbox/report.pdf", pdf.clone());
    let function = Setup::new(&store).start();
    let answer = function.answer(&created("inbox/report.pdf", &info)).await;
    assert_eq!(answer["status"], "complete", "{answer}");
    assert_eq!(answer["manifest"], json!({ "bucket": OUT, "key": "inbox/report/manifest.json" }));

    let manifest = function.manifest("inbox/report/manifest.json");
    assert_eq!(manifest.status, Status::Complete);
    assert_eq!((manifest.page_count, manifest.totals.pages, manifest.totals.images), (Some(5), 5, 5));
    let images = images(&manifest);
    assert_eq!(images.len(), 5);
    for (page, image) in &images {
        assert_eq!(image.key, format!("inbox/report/page-{page:04}.png"));
        let object = store.object(OUT, &image.key).unwrap();
        assert_eq!(object.content_type, "image/png");
        assert_eq!(corpus::manifest::sha256(&object.body), image.sha256);
        assert_eq!(object.body.len() as u64, image.bytes);
        let decoded = decode(&object.body);
        assert_eq!((decoded.width, decoded.height), (60, 40));
        assert_eq!((image.width, image.height), (60, 40));
        // The square of this page, and white where those of the others are.
        for other in 1..=5 {
            let gray = decoded.gray(1 + 7 * other as usize + 3, 39 - 5);
            assert_eq!((127..=128).contains(&gray), other == *page, "page {page}, square {other}: {gray}");
        }
        let tags = &object.info.metadata;
        assert_eq!(tags["pdf2img-source"], "inbox/report.pdf");
        assert_eq!(tags["pdf2img-source-version"], info.etag);
        assert_eq!(tags["pdf2img-page"], page.to_string());
        assert_eq!(tags["pdf2img-pages"], "5");
        assert_eq!(tags["pdf2img-sha256"], image.sha256);
        assert_eq!(tags["pdf2img-settings"], manifest.settings_hash);
    }
    assert_eq!(manifest.totals.bytes, images.iter().map(|(_, image)| image.bytes).sum::<u64>());
    let source = &manifest.source;
    assert_eq!((source.bucket.as_str(), source.key.as_str()), (IN, "inbox/report.pdf"));
    assert_eq!((source.etag.as_ref(), source.bytes), (Some(&info.etag), Some(pdf.len() as u64)));
    assert_eq!(store.keys(OUT).len(), 6);
    assert_eq!(store.keys(IN), ["inbox/report.pdf"]);
}

#[tokio::test]
async fn a_manifest_has_the_form_that_readers_rely_on() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(2, 0));
    let function = Setup::new(&store).set("PAGES", "2,9").start();
    function.answer(&created("a.pdf", &info)).await;

    let object = store.object(OUT, "a/manifest.json").unwrap();
    assert_eq!(object.content_type, "application/json");
    let json: Value = serde_json::from_slice(&object.body).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["status"], "partial");
    assert_eq!(json["backend"]["name"], "mupdf");
    assert!(json["backend"]["version"].as_str().is_some_and(|version| !version.is_empty()));
    assert_eq!(json["settings"]["dpi"], 72.0);
    assert_eq!(json["settings"]["pages"], "2,9");
    assert!(json["generator"].as_str().unwrap().starts_with("pdf2img "));
    assert_eq!(json["pages"][0]["page"], 2);
    assert_eq!(json["pages"][0]["key"], "a/page-0002.png");
    for stage in ["render", "encode", "upload"] {
        assert!(json["pages"][0]["ms"][stage].as_f64().is_some_and(|ms| ms >= 0.0), "{json}");
    }
    assert_eq!(json["pages"][1]["page"], 9);
    assert_eq!(json["pages"][1]["error"]["code"], "page_out_of_range");
    assert_eq!(json["pages"][1].get("key"), None);
    for stage in ["fetch", "open", "render", "encode", "upload", "total"] {
        assert!(json["totals"]["ms"][stage].as_f64().is_some_and(|ms| ms > 0.0), "{stage} of {json}");
    }
    let read: Manifest = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), json);
}

#[tokio::test]
async fn pages_are_chosen_from_both_ends_and_those_that_do_not_exist_are_named() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(5, 0));
    let function = Setup::new(&store).set("PAGES", "2-3,-1,7,-9").start();
    let answer = function.answer(&created("a.pdf", &info)).await;
    assert_eq!(answer["status"], "partial", "{answer}");
    let manifest = function.manifest("a/manifest.json");
    assert_eq!(images(&manifest).iter().map(|(page, _)| *page).collect::<Vec<_>>(), [2, 3, 5]);
    let out_of_range = |page| (page, "page_out_of_range".to_owned());
    assert_eq!(failures(&manifest), [out_of_range(-9), out_of_range(7)]);
    assert_eq!(manifest.page_count, Some(5));
    assert_eq!((manifest.totals.pages, manifest.totals.images, manifest.totals.failed), (5, 3, 2));
}

#[tokio::test]
async fn a_width_and_a_transparent_background_shape_the_image() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(1, 0));
    let function =
        Setup::new(&store).unset("DPI").set("WIDTH", "120").set("BACKGROUND", "transparent").start();
    function.answer(&created("a.pdf", &info)).await;
    let image = decode(&store.object(OUT, "a/page-0001.png").unwrap().body);
    assert_eq!((image.width, image.height), (120, 80));
    assert!(image.has_alpha);
    assert_eq!((image.alpha(100, 10), image.alpha(22, 70)), (0, 255));
}

#[tokio::test]
async fn jpeg_and_webp_have_their_names_and_types() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", sheets(1, 0));
    for (format, content_type, magic) in
        [("jpeg", "image/jpeg", &b"\xff\xd8\xff"[..]), ("webp", "image/webp", b"RIFF")]
    {
        Setup::new(&store).set("FORMAT", format).start().answer(&created("a.pdf", &info)).await;
        let object = store.object(OUT, &format!("a/page-0001.{format}")).unwrap();
        assert_eq!(object.content_type, content_type);
        assert!(object.body.starts_with(magic));
    }
    // The JPEG went away with its manifest.
    assert_eq!(store.keys(OUT), ["a/manifest.json", "a/page-0001.webp"]);
}

#[tokio::test]
async fn a_document_of_too_many_pages_or_bytes_is_refused_with_the_option_to_raise() {
    for (option, limit, code, remedy) in [
        ("MAX_PAGES", "4", "too_many_pages", "PDF2IMG_MAX_PAGES"),
        ("MAX_INPUT_BYTES", "1000", "input_too_large", "PDF2IMG_MAX_INPUT_BYTES"),
    ] {
        let store = buckets();
        let info = store.insert(IN, "a.pdf", sheets(5, 0));
        let function = Setup::new(&store).set(option, limit).start();
        let answer = function.answer(&created("a.pdf", &info)).await;
        assert_eq!(answer["status"], "failed");
        assert_eq!(answer["error"]["code"], code);
        let error = function.manifest("a/manifest.json").error.unwrap();
        assert_eq!(error.code, code);
        assert!(error.message.contains(limit) && error.message.contains(remedy), "{}", error.message);
        assert_eq!(store.keys(OUT), ["a/manifest.json"]);

        // Whoever raises the limit sends the event again.
        let answer = Setup::new(&store).start().answer(&created("a.pdf", &info)).await;
        assert_eq!(answer["status"], "complete", "{answer}");
    }
}

#[tokio::test]
async fn an_encrypted_document_needs_its_password_and_a_direct_invoke_may_bring_it() {
    let store = buckets();
    let pdf = corpus::hostile::document("encrypted-aes-256").unwrap().bytes();
    let info = store.insert(IN, "secret.pdf", pdf);
    let function = Setup::new(&store).start();
    let answer = function.answer(&created("secret.pdf", &info)).await;
    assert_eq!(answer["error"]["code"], "encrypted", "{answer}");
    assert_eq!(function.manifest("secret/manifest.json").status, Status::Failed);

    let invoke = |password: &str| json!({ "bucket": IN, "key": "secret.pdf", "password": password });
    let answer = function.answer(&invoke("hunter2")).await;
    assert_eq!(answer["error"]["code"], "wrong_password", "{answer}");
    assert!(!answer.to_string().contains("hunter2"));

    let answer = function.answer(&invoke("user")).await;
    assert_eq!(answer["status"], "complete", "{answer}");
    assert_manifest_holds(&store, "secret/manifest.json");
    let record = store.object(OUT, "secret/manifest.json").unwrap().body;
    assert!(!String::from_utf8(record.to_vec()).unwrap().contains("password"));
}

#[tokio::test]
async fn what_is_no_pdf_is_recorded_with_its_code_and_acknowledged() {
    for (id, codes) in [
        ("empty", &["empty_file"][..]),
        ("html", &["not_a_pdf"]),
        ("png", &["not_a_pdf"]),
        ("zip", &["not_a_pdf"]),
        ("random", &["not_a_pdf"]),
        ("header-only", &["malformed"]),
        ("zero-pages", &["malformed"]),
        ("random-after-header", &["malformed"]),
    ] {
        let store = buckets();
        let info = store.insert(IN, "a.pdf", corpus::hostile::document(id).unwrap().bytes());
        let function = Setup::new(&store).start();
        let answer = function.answer(&created("a.pdf", &info)).await;
        assert_eq!(answer["status"], "failed", "{id}: {answer}");
        let error = function.manifest("a/manifest.json").error.unwrap();
        assert!(codes.contains(&error.code.as_str()), "{id}: {error:?}");
        assert_eq!(function.images_put(), [""; 0]);
    }
}

#[tokio::test]
async fn one_bad_page_costs_no_other_and_only_it_is_tried_again() {
    let store = buckets();
    let info = store.insert(IN, "a.pdf", corpus::hostile::document("one-bad-page").unwrap().bytes());
    let event = created("a.pdf", &info);
    let function = Setup::new(&store).set("PAGE_TIMEOUT", "700ms").set("DPI", "20").start();
    let answer = function.answer(&event).await;
    assert_eq!(answer["status"], "partial", "{answer}");
    let first = function.manifest("a/manifest.json");
    assert_eq!(failures(&first), [(3, "page_timeout".to_owned())]);
    assert_eq!(images(&first).len(), 4);

    let again = Setup::new(&store).set("PAGE_TIMEOUT", "700ms").set("DPI", "20").start();
    assert_eq!(again.answer(&event).await["status"], "partial");
    assert_eq!(again.images_put(), [""; 0]);
    let second = again.manifest("a/manifest.json");
    assert_eq!((hashes(&second), failures(&second)), (hashes(&first), failures(&first)));
}

#[tokio::test]
async fn keys_of_every_kind_find_their_source_and_their_images() {
    let long_ascii = format!("{}.pdf", "k".repeat(1020));
    let long_words = format!("{}.pdf", "日本語/".repeat(102));
    for key in ["inbox/Ünï côdé + plus & (1).PDF", "a%2Bb +.pdf", "日本/報告書.pdf", &long_ascii, &long_words]
    {
        let store = buckets();
        let info = store.insert(IN, key, sheets(2, 0));
        let function = Setup::new(&store).start();
        let answer = function.answer(&created(key, &info)).await;
        assert_eq!(answer["status"], "complete", "{key}: {answer}");
        let manifest_key = answer["manifest"]["key"].as_str().unwrap();
        assert!(manifest_key.len() <= 1024);
        assert_eq!(function.manifest(manifest_key).source.key, key);
        assert_manifest_holds(&store, manifest_key);
        for (_, image) in images(&manifest(&store, manifest_key)) {
            assert!(image.key.len() <= 1024);
            // What S3 allows, as it counts: names without their prefix, values as they are sent.
            let tags = store.object(OUT, &image.key).unwrap().info.metadata;
            let bytes: usize = tags
                .iter()
                .map(|(name, value)| name.len() + pdf2img::store::metadata::encode(value).len())
                .sum();
            assert!(bytes <= 2048, "{bytes} bytes of metadata for {key}");
        }
        // Twice the same event does nothing, also where metadata has the key's hash.
        assert_eq!(function.answer(&created(key, &info)).await["already_done"], true);
        assert_eq!(function.calls(Operation::Put).len(), 3);
    }
}

/// A picture with one byte a channel.
struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    has_alpha: bool,
    bytes: Vec<u8>,
}

impl Picture {
    fn at(&self, x: usize, y: usize) -> &[u8] {
        let start = (y * self.width + x) * self.channels;
        &self.bytes[start..start + self.channels]
    }

    /// The gray of a pixel that has no colour.
    fn gray(&self, x: usize, y: usize) -> u8 {
        let colour = &self.at(x, y)[..self.channels - usize::from(self.has_alpha)];
        assert!(colour.iter().all(|&c| c == colour[0]), "{colour:?}");
        colour[0]
    }

    fn alpha(&self, x: usize, y: usize) -> u8 {
        *self.at(x, y).last().unwrap()
    }
}

fn decode(file: &[u8]) -> Picture {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().expect("it is a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).expect("it is whole");
    let has_alpha = matches!(info.color_type, png::ColorType::GrayscaleAlpha | png::ColorType::Rgba);
    Picture {
        width: info.width as usize,
        height: info.height as usize,
        channels: info.color_type.samples(),
        has_alpha,
        bytes,
    }
}
