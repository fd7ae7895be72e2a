//! The `pdf2img` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pdf2img_cli::compare::{self, CompareArguments};
use pdf2img_cli::local_command::{self, LocalArguments};
use pdf2img_cli::render::{self, RenderArguments};

/// Turns every page of a PDF into an image.
#[derive(Debug, Parser)]
#[command(name = "pdf2img", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Turn the pages of files into images.
    Render(RenderArguments),
    /// Draw files with several engines, and show where they disagree.
    Compare(Box<CompareArguments>),
    /// Run the whole service on this machine: S3, its events, and Lambda around the real function.
    Local(LocalArguments),
}

fn main() -> ExitCode {
    // First of all: a worker of the same user must not read our environment from `/proc`.
    pdf2img::worker::sandbox::shield_memory();
    // A worker is this same executable: it must start neither a runtime nor a thread.
    if let Some(exit) = pdf2img::worker::child::run_if_asked() {
        return exit;
    }
    let Arguments { command } = Arguments::parse();
    let result = match command {
        Command::Render(arguments) => render::run(arguments),
        Command::Compare(arguments) => compare::run(*arguments),
        Command::Local(arguments) => local_command::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("pdf2img: {error:#}");
        ExitCode::from(2)
    })
}
