//! What the choice of the engine changes, and what it does not.

use std::collections::BTreeMap;

use pdf2img::config::Backend;
use pdf2img::manifest::{Manifest, PageResult, Status};
use pdf2img_cli::local::LocalStack;
use serde_json::{Value, json};

use crate::stack::Place;

/// Documents with more pages say nothing more about engines.
const MAX_PAGES: u32 = 20;

/// The documents that every engine draws: not those that are too large to be made by default.
fn drawn_by_all() -> impl Iterator<Item = &'static corpus::Document> {
    corpus::documents().iter().filter(|document| document.pages <= MAX_PAGES && !document.on_demand)
}

/// The variables that choose an engine, and say where its library is.
fn with(backend: Backend) -> Place {
    let place = Place::new().set("BACKEND", backend.as_str()).set("DPI", "40");
    match std::env::var("PDF2IMG_PDFIUM_LIBRARY") {
        Ok(library) => place.set("PDFIUM_LIBRARY", &library),
        Err(_) => place,
    }
}

#[tokio::test]
async fn every_engine_gives_the_same_keys_sizes_and_manifests() {
    let backends = Backend::built_in();
    assert_eq!(backends, Backend::ALL, "run it with --features all-engines");
    let mut results = BTreeMap::new();
    for backend in backends {
        let place = with(backend);
        let stack = place.start(|options| options.environments = 1).await;
        let mut manifests = BTreeMap::new();
        for document in drawn_by_all() {
            place.put(&stack, "pdf-in", &format!("{}.pdf", document.id), document.bytes()).await;
        }
        stack.idle().await;
        for document in drawn_by_all() {
            let manifest = place.manifest(&stack, &format!("{}/manifest.json", document.id)).await;
            assert_eq!(manifest.backend.as_ref().unwrap().name, backend.as_str());
            assert_eq!(manifest.status, Status::Complete, "{backend}: {manifest:?}");
            assert_eq!(manifest.pages.len(), document.pages as usize);
            manifests.insert(document.id, shape(&manifest));
        }
        let mut keys = place.keys(&stack, "pdf-out").await;
        keys.sort();
        results.insert(backend.as_str(), (keys, manifests));
        stack.shutdown().await;
    }
    let (_, expected) = results.first_key_value().unwrap();
    assert!(expected.0.len() > 20);
    for (backend, result) in &results {
        assert_eq!(result, expected, "{backend}");
    }
}

/// A manifest without what names the engine or depends on its pixels and its speed.
fn shape(manifest: &Manifest) -> Value {
    let mut value = serde_json::to_value(manifest).unwrap();
    let fields = value.as_object_mut().unwrap();
    for name in ["backend", "settings_hash"] {
        assert!(fields.remove(name).is_some());
    }
    fields["settings"].as_object_mut().unwrap().remove("backend");
    let totals = fields["totals"].as_object_mut().unwrap();
    totals.retain(|name, _| !["bytes", "ms"].contains(&name.as_str()));
    for page in fields["pages"].as_array_mut().unwrap() {
        let fields = page.as_object_mut().unwrap();
        let of_pixels = ["backend", "bytes", "sha256", "etag", "ms", "content_errors"];
        fields.retain(|name, _| !of_pixels.contains(&name.as_str()));
        assert!(fields.len() == 4 && fields.contains_key("width"), "{fields:?}");
    }
    value
}

/// A calculator function nested so deeply that hayro runs out of stack over it; MuPDF draws the page.
#[tokio::test]
async fn a_page_that_crashes_its_engine_is_drawn_by_the_next() {
    let crashing = corpus::hostile::document("postscript-nesting").unwrap().bytes();
    let place = with(Backend::Hayro);
    let stack = place.start(|_| {}).await;
    place.put(&stack, "pdf-in", "a.pdf", crashing.clone()).await;
    stack.idle().await;
    let alone = place.manifest(&stack, "a/manifest.json").await;
    let PageResult::Failed { error } = &alone.pages[0].result else { panic!("{alone:?}") };
    assert_eq!(error.code, "page_crashed");
    stack.shutdown().await;

    let place = with(Backend::Hayro).set("FALLBACK", "mupdf");
    let stack = place.start(|_| {}).await;
    place.put(&stack, "pdf-in", "a.pdf", crashing).await;
    stack.idle().await;
    let manifest = place.manifest(&stack, "a/manifest.json").await;
    assert_eq!(manifest.status, Status::Complete);
    let PageResult::Image(image) = &manifest.pages[0].result else { panic!("{manifest:?}") };
    assert_eq!(image.backend, "mupdf");
    let [attempt] = &manifest.pages[0].attempts[..] else { panic!("{manifest:?}") };
    assert_eq!((attempt.backend.as_str(), attempt.failure.code.as_str()), ("hayro", "page_crashed"));
    assert_eq!(manifest.backend.as_ref().unwrap().name, "hayro");
    assert_eq!(manifest.fallback.iter().map(|engine| engine.name.as_str()).collect::<Vec<_>>(), ["mupdf"]);
    assert_eq!(manifest.settings["fallback"], json!("mupdf"));
    let object = place.get(&stack, "pdf-out", &image.key).await;
    assert_eq!(object.metadata["pdf2img-attempts"], "hayro=page_crashed");
    assert!(object.metadata["pdf2img-backend"].starts_with("mupdf/"));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_library_that_is_missing_or_none_is_an_error_at_start() {
    let place = Place::new();
    let no_library = place.file("").with_file_name("libpdfium.so");
    std::fs::write(&no_library, "no library").unwrap();
    for (library, said) in
        [("/nowhere/libpdfium.so", "/nowhere/libpdfium.so"), (no_library.to_str().unwrap(), "libpdfium.so")]
    {
        for (option, value) in [("BACKEND", "pdfium"), ("FALLBACK", "hayro,pdfium")] {
            let place = Place::new().set(option, value).set("PDFIUM_LIBRARY", library);
            let error = LocalStack::start(place.options()).await.map(drop).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("PDF2IMG_PDFIUM_LIBRARY"), "{error}");
        }
    }
}
