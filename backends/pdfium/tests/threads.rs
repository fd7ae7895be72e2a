//! PDFium belongs to the thread that starts it.

mod common;

use std::thread;

use render_pdfium::{Library, LoadError};

use crate::common::library_path;

#[test]
fn pdfium_starts_again_on_its_own_thread_and_on_no_other() {
    let start = || Library::load(&library_path()).and_then(Library::renderer);
    let first = start().unwrap_or_else(|error| panic!("{error}"));
    assert!(start().is_ok());
    let elsewhere = thread::spawn(move || start().map(|_| ())).join().expect("no panic");
    assert!(matches!(elsewhere, Err(LoadError::OtherThread)), "{elsewhere:?}");
    drop(first);
    let still_elsewhere = thread::spawn(move || start().map(|_| ())).join().expect("no panic");
    assert!(still_elsewhere.is_err(), "the engine lives as long as the process");
}
