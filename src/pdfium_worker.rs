//! The worker that draws with PDFium for a static `bootstrap`, which can load no library.
//!
//! It is linked against glibc, and stands beside `bootstrap`, which starts it and speaks to it as to
//! any other worker. Built with the feature `pdfium` alone it has no other engine in it.

use std::process::ExitCode;

use pdf2img::worker;

fn main() -> ExitCode {
    worker::sandbox::shield_memory();
    worker::child::run_if_asked().unwrap_or_else(|| {
        eprintln!(
            "pdfium-worker is started by a static bootstrap or pdf2img, from beside which it draws with PDFium"
        );
        ExitCode::from(2)
    })
}
