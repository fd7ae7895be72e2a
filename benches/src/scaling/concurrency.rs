//! Points that are several functions at once, each a process of its own with a Runtime API and S3 of its own.
//!
//! The clock starts before the first is spawned and is read when the last has answered, so the
//! starts are in it. They share the CPUs with each other and with what they talk to, which is in
//! the benchmark's own process; on Lambda, each would have CPUs of its own.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use bytes::Bytes;

use super::series::Planned;
use crate::cold_start::{Document, Launch, Start};
use crate::documents::Source;
use crate::format::Format;
use crate::memory::{self, Peak};
use crate::process::Cost;

/// The document that each is sent.
pub const DOCUMENT: &str = "text-20";

/// How many functions run at once.
const AT_ONCE: [u32; 4] = [1, 2, 4, 8];

/// How many invocations each gets.
const INVOCATIONS: u32 = 3;

/// One point for each number of functions.
///
/// # Errors
///
/// If the document cannot be read.
pub fn points(executable: &Path, source: &Source, backend: &str, format: Format) -> Result<Vec<Planned>> {
    let pages = source.pages.context("the pages of the document are not known")?;
    let document = Document { pdf: Bytes::from(source.bytes()?), pages };
    let variables = variables(backend, format);
    let point = |&count: &u32| {
        let (executable, document): (PathBuf, _) = (executable.to_owned(), document.clone());
        let variables = variables.clone();
        Planned::new(u64::from(count), count * INVOCATIONS * pages, move |sampling| {
            let launch = Launch {
                executable: &executable,
                emulator: &[],
                share: None,
                variables: &variables,
                documents: INVOCATIONS as usize,
            };
            match sampling {
                Some(interval) => {
                    let (cost, peak) =
                        memory::of_descendants_during(interval, || at_once(&launch, &document, count));
                    Ok((cost?, peak))
                }
                None => Ok((at_once(&launch, &document, count)?, Peak::default())),
            }
        })
    };
    Ok(AT_ONCE.iter().map(point).collect())
}

/// What chooses the engine and the format of a function.
pub(crate) fn variables(backend: &str, format: Format) -> Vec<(String, String)> {
    let mut variables = vec![("PDF2IMG_BACKEND", backend.to_owned()), ("PDF2IMG_FORMAT", format.to_string())];
    if format == Format::Jpeg {
        variables.push(("PDF2IMG_QUALITY", crate::format::JPEG_QUALITY.to_string()));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Starts so many functions together, and waits for all of their answers.
fn at_once(launch: &Launch, document: &Document, count: u32) -> Result<Cost> {
    let started = Instant::now();
    let starts: Vec<Result<Start>> = thread::scope(|scope| {
        let running: Vec<_> = (0..count).map(|_| scope.spawn(|| launch.run(document))).collect();
        let ended = |it: thread::ScopedJoinHandle<'_, Result<Start>>| {
            it.join().unwrap_or_else(|_| anyhow::bail!("the thread that follows a function has panicked"))
        };
        running.into_iter().map(ended).collect()
    });
    let mut cost = Cost { wall_s: 0.0, cpu_s: 0.0 };
    for start in starts {
        let start = start?;
        let answered = start.last_answer.context("a function has answered nothing")?;
        cost.wall_s = cost.wall_s.max((answered - started).as_secs_f64());
        cost.cpu_s += start.cpu_s;
    }
    Ok(cost)
}
