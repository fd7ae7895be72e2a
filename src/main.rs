//! The Lambda `bootstrap`, and the worker processes that it starts of itself.

use std::process::ExitCode;

use pdf2img::{lambda, worker};

fn main() -> ExitCode {
    // First of all: a worker of the same user must not read our credentials from `/proc`.
    worker::sandbox::shield_memory();
    if let Some(exit) = worker::child::run_if_asked() {
        return exit;
    }
    lambda::run()
}
