//! Points that are runs of `pdf2img render`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::series::Planned;
use crate::format::{Format, JPEG_QUALITY};
use crate::memory::Peak;
use crate::page_times::image_bytes;
use crate::process::{self, Cost};
use crate::scratch;

/// `pdf2img`, and where it writes.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// A directory for images.
    pub scratch: PathBuf,
    /// How long a run may take.
    pub patience: Duration,
}

/// A document and how it is drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// What draws.
    pub program: Program,
    /// The PDF.
    pub file: PathBuf,
    /// Its number of pages.
    pub pages: u32,
    /// The engine.
    pub backend: String,
    /// The format of the images.
    pub format: Format,
    /// Their resolution, in dots per inch.
    pub dpi: u32,
    /// How many workers draw.
    pub workers: u32,
}

impl Drawing {
    /// A point at which this is drawn; each run has to write an image for each page, of the same bytes.
    pub fn planned(&self, value: u64) -> Planned {
        let drawing = self.clone();
        let mut written = None;
        Planned::new(value, self.pages, move |sampling| {
            let (measured, bytes) = drawing.run(sampling)?;
            let before = *written.get_or_insert(bytes);
            ensure!(before == bytes, "the images have {bytes} bytes, and had {before} before");
            Ok(measured)
        })
    }

    fn run(&self, sampling: Option<Duration>) -> Result<((Cost, Peak), u64)> {
        let Program { path, scratch, patience } = &self.program;
        let out = scratch::below(scratch)?;
        let mut command = Command::new(path);
        command.arg("render").arg(&self.file).arg("-o").arg(out.path());
        command.args(["--backend", &self.backend, "--format", self.format.as_str()]);
        command.args(["--dpi", &self.dpi.to_string(), "--workers", &self.workers.to_string()]);
        if self.format == Format::Jpeg {
            command.args(["--quality", &JPEG_QUALITY.to_string()]);
        }
        let measured = match sampling {
            Some(interval) => process::run_sampled_within(&mut command, interval, *patience)?,
            None => (process::run_within(&mut command, *patience)?, Peak::default()),
        };
        Ok((measured, image_bytes(out.path(), self.format.as_str(), self.pages)?))
    }
}
