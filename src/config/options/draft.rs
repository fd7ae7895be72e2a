//! Options while they are put together, and how their values are read.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use super::MIB;
use crate::config::deployment::{Deployment, LogFormat, LogLevel};
use crate::config::rendition::Request;
use crate::config::s3::TlsRoots;
use crate::config::scale::{Fit, Scale};
use crate::config::settings::{Backend, Settings};
use crate::config::{Host, LambdaConfig};
use crate::encode::{Encoding, ImageFormat, JpegScans, PngEffort, Quality};

/// Options while they are put together; those that depend on each other stand alone.
pub(super) struct Draft {
    pub(super) settings: Settings,
    pub(super) backend: Option<Backend>,
    pub(super) width_px: Option<u32>,
    pub(super) height_px: Option<u32>,
    pub(super) fit: Fit,
    pub(super) format: ImageFormat,
    pub(super) quality: Option<Quality>,
    pub(super) progressive: bool,
    pub(super) png_effort: PngEffort,
    pub(super) renditions: Vec<Request>,
    pub(super) workers: Option<NonZeroUsize>,
    pub(super) worker_memory_bytes: Option<u64>,
    pub(super) pdfium_library: Option<PathBuf>,
    pub(super) input_suffix: String,
    pub(super) tls_roots: TlsRoots,
    pub(super) log_level: LogLevel,
    pub(super) log_format: LogFormat,
}

impl Default for Draft {
    fn default() -> Self {
        Draft {
            settings: Settings::default(),
            backend: None,
            width_px: None,
            height_px: None,
            fit: Fit::default(),
            format: ImageFormat::default(),
            quality: None,
            progressive: false,
            png_effort: PngEffort::default(),
            renditions: Vec::new(),
            workers: None,
            worker_memory_bytes: None,
            pdfium_library: None,
            input_suffix: ".pdf".to_owned(),
            tls_roots: TlsRoots::default(),
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
        }
    }
}

impl Draft {
    pub(super) fn finish(self, host: &Host, lambda: Option<&LambdaConfig>) -> (Settings, Deployment) {
        let (scale, encoding) = (self.scale(), self.encoding());
        let mut settings = Settings { scale, encoding, ..self.settings };
        // A build without the default engine need not be told which one it has.
        let default = host.built_in.iter().min().copied().unwrap_or_default();
        settings.backend = self.backend.unwrap_or(default);
        // An engine that has failed fails again: only the first mention of each counts.
        let mut tried = vec![settings.backend];
        settings.fallback.retain(|backend| {
            let is_new = !tried.contains(backend);
            tried.push(*backend);
            is_new
        });
        let workers = self.workers.unwrap_or(host.cpus);
        let deployment = Deployment {
            workers,
            worker_memory_bytes: self
                .worker_memory_bytes
                .unwrap_or_else(|| worker_memory_bytes(workers, lambda)),
            pdfium_library: self.pdfium_library,
            input_suffix: self.input_suffix,
            tls_roots: self.tls_roots,
            log_level: self.log_level,
            log_format: self.log_format,
        };
        (settings, deployment)
    }

    pub(super) fn scale(&self) -> Scale {
        if self.width_px.is_some() || self.height_px.is_some() {
            Scale::Box { width_px: self.width_px, height_px: self.height_px, fit: self.fit }
        } else {
            self.settings.scale
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        match (self.format, self.quality) {
            (ImageFormat::Png, _) => Encoding::Png { effort: self.png_effort },
            (ImageFormat::Jpeg, quality) => Encoding::Jpeg {
                quality: quality.unwrap_or(JPEG_QUALITY),
                scans: if self.progressive { JpegScans::Progressive } else { JpegScans::Baseline },
            },
            (ImageFormat::Webp, None) => Encoding::WebpLossless,
            (ImageFormat::Webp, Some(quality)) => Encoding::WebpLossy { quality },
        }
    }
}

/// The quality at which text on paper shows no fringes to the naked eye.
const JPEG_QUALITY: Quality = match Quality::new(85) {
    Some(quality) => quality,
    None => unreachable!(),
};

/// 128 MiB are left to the parent, for images on their way and a PDF of ordinary size; a larger one
/// needs a function with more memory. Workers share the rest. Below 192 MiB MuPDF's cache and one large page do not fit.
fn worker_memory_bytes(workers: NonZeroUsize, lambda: Option<&LambdaConfig>) -> u64 {
    match lambda.and_then(|lambda| lambda.memory_mib) {
        Some(memory_mib) => {
            let share_mib = memory_mib.saturating_sub(128) / workers.get() as u64;
            share_mib.max(192).saturating_mul(MIB)
        }
        None => 1024 * MIB,
    }
}

/// Why a value was refused, if there is more to say than what is accepted.
pub(super) struct Refusal(pub(super) Option<String>);

pub(super) fn set<T>(field: &mut T, value: Option<T>) -> Result<(), Refusal> {
    *field = value.ok_or(Refusal(None))?;
    Ok(())
}

pub(super) fn number_within(text: &str, least: f64, most: f64) -> Option<f64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

/// Reads a whole number. JSON may have it as `85.0`.
pub(super) fn whole<T: FromStr>(text: &str) -> Option<T> {
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

pub(super) fn pixels(text: &str) -> Option<u32> {
    whole(text).filter(|n| (1..=65_535).contains(n))
}

/// Reads a bucket's name loosely: S3-compatible servers allow more than S3 does. An access point's
/// ARN has colons and slashes.
pub(super) fn bucket_name(text: &str) -> Option<Option<String>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    if text.is_empty() {
        return Some(None);
    }
    text.chars().all(is_name).then(|| Some(text.to_owned()))
}
