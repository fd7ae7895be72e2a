//! The `pdf2img` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pdf2img_cli::local_command::{self, LocalArguments};

/// Turns every page of a PDF into an image.
#[derive(Debug, Parser)]
#[command(name = "pdf2img", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole service on this machine: S3, its events, and Lambda around the real function.
    Local(LocalArguments),
}

fn main() -> ExitCode {
    // Nothing may come before the arguments are looked at: a worker is this same executable, and must
    // start neither a runtime nor a thread.
    let Arguments { command } = Arguments::parse();
    let result = match command {
        Command::Local(arguments) => local_command::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("pdf2img: {error:#}");
        ExitCode::from(2)
    })
}
