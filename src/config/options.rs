//! The table of options, and the rules about which exclude each other.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::s3::TlsRoots;
use crate::config::deployment::{Deployment, LogFormat, LogLevel};
use crate::config::rendition::{self, Rendition, Request};
use crate::config::scale::{Fit, Scale};
use crate::config::settings::{Backend, Settings};
use crate::config::value::{
    Secret, parse_background, parse_bytes, parse_count, parse_duration, parse_switch,
};
use crate::config::{ConfigError, Host, LambdaConfig};
use crate::encode::{Encoding, ImageFormat, JpegScans, PngEffort, Quality};
use crate::plan::KeyTemplate;

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The name in kebab case, as a flag has it: `page-timeout`.
    pub name: &'static str,
    /// Whom it concerns.
    pub scope: Scope,
    /// What is accepted, for a person.
    pub accepted: &'static str,
    /// The default, for a person.
    pub default: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    apply: fn(&mut Draft, &str) -> Result<(), Refusal>,
}

/// Whom an option concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The images or their keys: part of the settings' hash.
    Image,
    /// Whether and how a document gets rendered, but not the images.
    Run,
    /// The running service; an event cannot set it.
    Deployment,
}

/// Every option, in the order in which people read about them.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: "backend",
        scope: Scope::Image,
        accepted: "mupdf, pdfium or hayro",
        default: "mupdf, or what else is in the build",
        help: "The engine that draws the pages; it must be in the build.",
        apply: |draft, text| set(&mut draft.backend, text.parse().ok().map(Some)),
    },
    OptionSpec {
        name: "fallback",
        scope: Scope::Image,
        accepted: "none, or engines such as pdfium,hayro",
        default: "none",
        help: "Engines that are tried in turn for a page, or a document, that the one before fails at.",
        apply: |draft, text| {
            let backends = match text {
                "none" | "" => Some(Vec::new()),
                _ => text.split(',').map(|name| name.trim().parse().ok()).collect(),
            };
            set(&mut draft.settings.fallback, backends)
        },
    },
    OptionSpec {
        name: "dpi",
        scope: Scope::Image,
        accepted: "a number from 1 to 2400",
        default: "150",
        help: "Pixels per inch of page.",
        apply: |draft, text| set(&mut draft.settings.scale, number_within(text, 1.0, 2400.0).map(Scale::Dpi)),
    },
    OptionSpec {
        name: "width",
        scope: Scope::Image,
        accepted: "pixels, from 1 to 65535",
        default: "follows dpi or height",
        help: "Width of the images, instead of dpi; the height follows if it is not given.",
        apply: |draft, text| set(&mut draft.width_px, pixels(text).map(Some)),
    },
    OptionSpec {
        name: "height",
        scope: Scope::Image,
        accepted: "pixels, from 1 to 65535",
        default: "follows dpi or width",
        help: "Height of the images, instead of dpi; the width follows if it is not given.",
        apply: |draft, text| set(&mut draft.height_px, pixels(text).map(Some)),
    },
    OptionSpec {
        name: "fit",
        scope: Scope::Image,
        accepted: "contain or stretch",
        default: "contain",
        help: "With width and height: as large as fits with the page's proportions, or exactly so large without them.",
        apply: |draft, text| set(&mut draft.fit, text.parse().ok()),
    },
    OptionSpec {
        name: "format",
        scope: Scope::Image,
        accepted: "png, jpeg or webp",
        default: "png",
        help: "The format of the images; WebP is lossless unless quality is given.",
        apply: |draft, text| set(&mut draft.format, text.parse().ok()),
    },
    OptionSpec {
        name: "quality",
        scope: Scope::Image,
        accepted: "a whole number from 1 to 100",
        default: "85 for jpeg; lossless for webp",
        help: "Quality of JPEG, or of lossy WebP.",
        apply: |draft, text| set(&mut draft.quality, whole(text).and_then(Quality::new).map(Some)),
    },
    OptionSpec {
        name: "progressive",
        scope: Scope::Image,
        accepted: "true or false",
        default: "false",
        help: "Whether a JPEG is stored from coarse to fine: fewer bytes, several times the time.",
        apply: |draft, text| set(&mut draft.progressive, parse_switch(text)),
    },
    OptionSpec {
        name: "png-effort",
        scope: Scope::Image,
        accepted: "fastest, balanced or smallest",
        default: "balanced",
        help: "Time against bytes of a PNG.",
        apply: |draft, text| set(&mut draft.png_effort, text.parse().ok()),
    },
    OptionSpec {
        name: "color",
        scope: Scope::Image,
        accepted: "auto, rgb or gray",
        default: "auto",
        help: "`auto` stores pages without colour as gray, which loses nothing.",
        apply: |draft, text| set(&mut draft.settings.color, text.parse().ok()),
    },
    OptionSpec {
        name: "background",
        scope: Scope::Image,
        accepted: "white, black, transparent or #rrggbb",
        default: "white",
        help: "What is under the page.",
        apply: |draft, text| set(&mut draft.settings.background, parse_background(text)),
    },
    OptionSpec {
        name: "pages",
        scope: Scope::Image,
        accepted: "all, or a list such as 1-3,7,10-,-1",
        default: "all",
        help: "Which pages, counted from 1; negative numbers count from the end.",
        apply: |draft, text| set(&mut draft.settings.pages, text.parse().ok()),
    },
    OptionSpec {
        name: "page-box",
        scope: Scope::Image,
        accepted: "crop, media, trim, bleed or art",
        default: "crop",
        help: "Which box of the PDF is the page.",
        apply: |draft, text| set(&mut draft.settings.page_box, text.parse().ok()),
    },
    OptionSpec {
        name: "annotations",
        scope: Scope::Image,
        accepted: "true or false",
        default: "true",
        help: "Whether annotations and form fields are drawn.",
        apply: |draft, text| set(&mut draft.settings.annotations, parse_switch(text)),
    },
    OptionSpec {
        name: "password",
        scope: Scope::Run,
        accepted: "any text",
        default: "none",
        help: "The password of encrypted documents.",
        apply: |draft, text| {
            draft.settings.password = (!text.is_empty()).then(|| Secret::new(text));
            Ok(())
        },
    },
    OptionSpec {
        name: "output-bucket",
        scope: Scope::Image,
        accepted: "the name of a bucket",
        default: "the source's bucket",
        help: "Where the images go.",
        apply: |draft, text| set(&mut draft.settings.output_bucket, bucket_name(text)),
    },
    OptionSpec {
        name: "output-key",
        scope: Scope::Image,
        accepted: "a template with {page} or {page:04}, and {stem}, {key}, {folder}, {ext}",
        default: "{stem}/page-{page:04}.{ext}",
        help: "The keys of the images, from the source's folder, or with a leading / from the bucket's root.",
        apply: |draft, text| {
            draft.settings.output_key =
                KeyTemplate::from_str(text).map_err(|error| Refusal(Some(error.to_string())))?;
            Ok(())
        },
    },
    OptionSpec {
        name: "renditions",
        scope: Scope::Image,
        accepted: "renditions such as `thumb: width=320 format=webp; preview: dpi=72`, or the same as a JSON object",
        default: "none",
        help: "Further images of each page, by name; what one does not set is as in the main image.",
        apply: |draft, text| {
            draft.renditions = rendition::parse(text).map_err(|reason| Refusal(Some(reason)))?;
            Ok(())
        },
    },
    OptionSpec {
        name: "max-input-bytes",
        scope: Scope::Run,
        accepted: "bytes, such as 536870912, 512MiB or 500MB",
        default: "512MiB",
        help: "The longest PDF that is taken.",
        apply: |draft, text| {
            set(&mut draft.settings.limits.max_input_bytes, parse_bytes(text).filter(|&n| n > 0))
        },
    },
    OptionSpec {
        name: "max-pages",
        scope: Scope::Run,
        accepted: "a whole number from 1 on, such as 10000 or 10k",
        default: "10000",
        help: "The most pages to render of one document.",
        apply: |draft, text| {
            let pages = parse_count(text).filter(|&n| n > 0).and_then(|n| u32::try_from(n).ok());
            set(&mut draft.settings.limits.max_pages, pages)
        },
    },
    OptionSpec {
        name: "max-pixels",
        scope: Scope::Run,
        accepted: "a whole number from 1 on, such as 100000000 or 100M",
        default: "100M",
        help: "The most pixels of one image.",
        apply: |draft, text| set(&mut draft.settings.limits.max_pixels, parse_count(text).filter(|&n| n > 0)),
    },
    OptionSpec {
        name: "page-timeout",
        scope: Scope::Run,
        accepted: "a time, such as 500ms, 5s or 2m",
        default: "30s",
        help: "The longest that one page may take to draw and encode.",
        apply: |draft, text| {
            set(&mut draft.settings.limits.page_timeout, parse_duration(text).filter(|t| !t.is_zero()))
        },
    },
    OptionSpec {
        name: "document-timeout",
        scope: Scope::Run,
        accepted: "a time, such as 90s or 10m, or none",
        default: "none",
        help: "The longest that one document may take; the invocation's deadline holds in any case.",
        apply: |draft, text| {
            let timeout = match text {
                "none" => Some(None),
                _ => parse_duration(text).filter(|t| !t.is_zero()).map(Some),
            };
            set(&mut draft.settings.limits.document_timeout, timeout)
        },
    },
    OptionSpec {
        name: "workers",
        scope: Scope::Deployment,
        accepted: "auto, or a whole number from 1 to 256",
        default: "auto: one per CPU",
        help: "How many worker processes render side by side.",
        apply: |draft, text| {
            let workers = match text {
                "auto" => Some(None),
                _ => whole::<usize>(text).filter(|&n| n <= 256).and_then(NonZeroUsize::new).map(Some),
            };
            set(&mut draft.workers, workers)
        },
    },
    OptionSpec {
        name: "worker-memory",
        scope: Scope::Deployment,
        accepted: "auto, or bytes from 64MiB on, such as 512MiB",
        default: "auto: a share of the function's memory, else 1GiB",
        help: "The most memory that one worker may take.",
        apply: |draft, text| {
            let bytes = match text {
                "auto" => Some(None),
                _ => parse_bytes(text).filter(|&n| n >= 64 * MIB).map(Some),
            };
            set(&mut draft.worker_memory_bytes, bytes)
        },
    },
    OptionSpec {
        name: "pdfium-library",
        scope: Scope::Deployment,
        accepted: "the path of libpdfium.so",
        default: "lib/libpdfium.so beside the executable",
        help: "Where PDFium is, for the backend of that name.",
        apply: |draft, text| {
            set(&mut draft.pdfium_library, (!text.is_empty()).then(|| Some(PathBuf::from(text))))
        },
    },
    OptionSpec {
        name: "input-suffix",
        scope: Scope::Deployment,
        accepted: "the end of a key, or nothing for all keys",
        default: ".pdf",
        help: "Which keys are taken for PDFs, in upper or lower case.",
        apply: |draft, text| set(&mut draft.input_suffix, (!text.contains('/')).then(|| text.to_owned())),
    },
    OptionSpec {
        name: "tls-roots",
        scope: Scope::Deployment,
        accepted: "amazon, system, or the path of a PEM file",
        default: "amazon",
        help: "Whose certificates S3 may have.",
        apply: |draft, text| set(&mut draft.tls_roots, text.parse().ok()),
    },
    OptionSpec {
        name: "log",
        scope: Scope::Deployment,
        accepted: "error, warn, info, debug or trace",
        default: "info",
        help: "How much is logged.",
        apply: |draft, text| set(&mut draft.log_level, text.parse().ok()),
    },
    OptionSpec {
        name: "log-format",
        scope: Scope::Deployment,
        accepted: "auto, json or text",
        default: "auto: text on a terminal, else json",
        help: "How logs are written.",
        apply: |draft, text| set(&mut draft.log_format, text.parse().ok()),
    },
];

const MIB: u64 = 1 << 20;

impl OptionSpec {
    /// The name of the environment variable: `PDF2IMG_PAGE_TIMEOUT`.
    pub fn variable(&self) -> String {
        Origin::Environment.spell(self.name)
    }

    /// The name of the JSON field of a direct invoke: `page_timeout`.
    pub fn field(&self) -> String {
        Origin::Event.spell(self.name)
    }
}

/// The options as the README shows them: a Markdown table, one row for each.
pub fn markdown_table() -> String {
    let mut table = String::from("| Variable | Accepted | Default | |\n|---|---|---|---|\n");
    for option in OPTIONS {
        let help = match option.scope {
            Scope::Deployment => format!("{} Not for a direct invoke.", option.help),
            _ => option.help.to_owned(),
        };
        let default = option.default.replace('|', "\\|");
        table += &format!("| `{}` | {} | {default} | {help} |\n", option.variable(), option.accepted);
    }
    table
}

/// Where an option was written, which decides how its name is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `PDF2IMG_PAGE_TIMEOUT`.
    Environment,
    /// `page_timeout`.
    Event,
    /// `--page-timeout`.
    Flag,
}

impl Origin {
    /// Spells a name that is in kebab case.
    pub fn spell(self, name: &str) -> String {
        match self {
            Origin::Environment => format!("{PREFIX}{}", name.replace('-', "_").to_ascii_uppercase()),
            Origin::Event => name.replace('-', "_"),
            Origin::Flag => format!("--{name}"),
        }
    }
}

const PREFIX: &str = "PDF2IMG_";

/// Options that were given, each with a value that is accepted.
#[derive(Debug, Clone, Default)]
pub struct Given {
    values: BTreeMap<&'static str, GivenValue>,
}

#[derive(Clone)]
struct GivenValue {
    origin: Origin,
    text: String,
}

impl std::fmt::Debug for GivenValue {
    /// Without the value, which may be a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.origin)
    }
}

impl Given {
    /// Takes all variables that begin with `PDF2IMG_`.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Given::set).
    pub fn from_env(variables: &BTreeMap<String, String>) -> Result<Given, ConfigError> {
        let mut given = Given::default();
        for (variable, text) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let option = OPTIONS.iter().find(|option| option.variable() == *variable);
            given.set(
                Origin::Environment,
                option.ok_or_else(|| unknown(Origin::Environment, variable))?,
                text,
            )?;
        }
        Ok(given)
    }

    /// Takes from the environment of this process what describes the machine and no task: where
    /// PDFium's library is. A command line is told the rest by its flags.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Given::set).
    pub fn of_this_machine() -> Result<Given, ConfigError> {
        let is_the_machines = |option: &&OptionSpec| option.name == "pdfium-library";
        let variables = OPTIONS.iter().filter(is_the_machines).filter_map(|option| {
            let value = std::env::var_os(option.variable())?;
            Some((option.variable(), value.to_string_lossy().into_owned()))
        });
        Given::from_env(&variables.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// Takes the options of a direct invoke: strings, numbers and booleans, and an object for
    /// renditions. A `null` counts as not given, since many serializers write it for what is absent.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Given::set), and if another value is an array or an object.
    pub fn from_json(options: &Map<String, Value>) -> Result<Given, ConfigError> {
        let mut given = Given::default();
        for (field, value) in options {
            let option = find_json(field).ok_or_else(|| unknown(Origin::Event, field))?;
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                Value::Object(_) if option.name == "renditions" => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(bad_value(Origin::Event, option, &value.to_string(), None));
                }
            };
            given.set(Origin::Event, option, &text)?;
        }
        Ok(given)
    }

    /// Takes one option, in place of an earlier value.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadValue`]; [`ConfigError::DeploymentOnly`] if an event may not set it.
    pub fn set(
        &mut self,
        origin: Origin,
        option: &'static OptionSpec,
        text: &str,
    ) -> Result<(), ConfigError> {
        if origin == Origin::Event && option.scope == Scope::Deployment {
            return Err(ConfigError::DeploymentOnly { name: option.field(), variable: option.variable() });
        }
        // A password may begin or end with a space.
        let text = if option.name == "password" { text } else { text.trim() };
        (option.apply)(&mut Draft::default(), text)
            .map_err(|refusal| bad_value(origin, option, text, refusal.0))?;
        self.values.insert(option.name, GivenValue { origin, text: text.to_owned() });
        Ok(())
    }

    /// These options, overlaid by others that are nearer to the document.
    ///
    /// An option of theirs replaces the same option here, and those here that it excludes.
    pub fn overlaid_by(&self, nearer: Given) -> Given {
        let mut values = self.values.clone();
        for rule in EXCLUSIONS {
            let ours = |name| self.values.get(name).map(|value| value.text.as_str());
            let theirs = |name| nearer.values.get(name).map(|value| value.text.as_str());
            if let (Some(first), Some(second)) = (theirs(rule.first), ours(rule.second))
                && theirs(rule.second).is_none()
                && (rule.clash)(first, second)
            {
                values.remove(rule.second);
            }
            if let (Some(first), Some(second)) = (ours(rule.first), theirs(rule.second))
                && theirs(rule.first).is_none()
                && (rule.clash)(first, second)
            {
                values.remove(rule.first);
            }
        }
        values.extend(nearer.values);
        Given { values }
    }

    /// Works the options out, with defaults for those that were not given.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Conflict`], [`ConfigError::BackendNotBuiltIn`].
    pub fn resolve(
        &self,
        host: &Host,
        lambda: Option<&LambdaConfig>,
    ) -> Result<(Settings, Deployment), ConfigError> {
        self.check_exclusions()?;
        let mut draft = self.draft()?;
        let requested = std::mem::take(&mut draft.renditions);
        let (mut settings, deployment) = draft.finish(host, lambda);
        settings.renditions = requested
            .into_iter()
            .map(|request| self.resolve_rendition(request, settings.encoding.format()))
            .collect::<Result<_, _>>()?;
        self.check_loop(&settings, &deployment)?;
        check_keys(&settings)?;
        if let Some(backend) = settings.backends().into_iter().find(|b| !host.built_in.contains(b)) {
            return Err(ConfigError::BackendNotBuiltIn { backend, built_in: host.built_in.clone() });
        }
        Ok((settings, deployment))
    }

    fn draft(&self) -> Result<Draft, ConfigError> {
        let mut draft = Draft::default();
        for option in OPTIONS {
            if let Some(value) = self.values.get(option.name) {
                (option.apply)(&mut draft, &value.text)
                    .map_err(|refusal| bad_value(value.origin, option, &value.text, refusal.0))?;
            }
        }
        Ok(draft)
    }

    /// Works out one rendition beside a main image of this format.
    ///
    /// A format of its own begins with that format's defaults: a quality means something else there.
    fn resolve_rendition(&self, request: Request, main: ImageFormat) -> Result<Rendition, ConfigError> {
        let Request { name, options } = request;
        let has_own_key = options.has("output-key");
        let text_of = |name| options.values.get(name).map(|value: &GivenValue| value.text.as_str());
        let same_format = text_of("format").is_none_or(|format| format == main.as_str());
        let is_inherited = |name: &str| match name {
            // The background holds for all images, and may be one that a format cannot have.
            "format" | "color" | "background" => true,
            "quality" | "progressive" | "png-effort" => same_format,
            _ => false,
        };
        let mut values = self.values.clone();
        values.retain(|name, _| is_inherited(name));
        values.extend(options.values);
        let given = Given { values };
        let within = |error| ConfigError::Rendition {
            option: self
                .values
                .get("renditions")
                .map_or(Origin::Environment, |v| v.origin)
                .spell("renditions"),
            rendition: name.clone(),
            error: Box::new(error),
        };
        given.check_exclusions().map_err(within)?;
        let draft = given.draft().map_err(within)?;
        let (scale, encoding) = (draft.scale(), draft.encoding());
        let Settings { color, output_key, .. } = draft.settings;
        let output_key = if has_own_key { output_key } else { KeyTemplate::of_rendition(&name) };
        Ok(Rendition { name, scale, encoding, color, output_key })
    }

    /// What was given, for a test to compare.
    #[cfg(test)]
    pub(super) fn texts(&self) -> BTreeMap<&'static str, &str> {
        self.values.iter().map(|(name, value)| (*name, value.text.as_str())).collect()
    }

    /// Whether an option of this name, in kebab case, was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    fn check_exclusions(&self) -> Result<(), ConfigError> {
        for rule in EXCLUSIONS {
            let Some(first) = self.values.get(rule.first) else { continue };
            let second =
                self.values.get(rule.second).map(|value| value.text.as_str()).or(rule.default_of_second);
            if second.is_some_and(|second| (rule.clash)(&first.text, second)) {
                return Err(self.conflict(rule.first, rule.second, rule.reason));
            }
        }
        if let Some(fit) = self.values.get("fit") {
            for side in ["width", "height"] {
                if !self.values.contains_key(side) {
                    return Err(ConfigError::Incomplete {
                        name: format!("{}={}", fit.origin.spell("fit"), fit.text),
                        missing: fit.origin.spell(side),
                    });
                }
            }
        }
        Ok(())
    }

    /// An image whose key has the input suffix would be taken for a new PDF.
    fn check_loop(&self, settings: &Settings, deployment: &Deployment) -> Result<(), ConfigError> {
        let suffix = deployment.input_suffix.to_ascii_lowercase();
        let is_taken = |template: &KeyTemplate, encoding: Encoding| {
            let extension = template.extension(encoding.format());
            suffix.ends_with(&format!(".{extension}")) || suffix == extension
        };
        const REASON: &str = "every image would start the function again";
        if is_taken(&settings.output_key, settings.encoding) {
            return Err(self.conflict("output-key", "input-suffix", REASON));
        }
        if settings.renditions.iter().any(|r| is_taken(&r.output_key, r.encoding)) {
            return Err(self.conflict("renditions", "input-suffix", REASON));
        }
        Ok(())
    }

    fn conflict(&self, first: &'static str, second: &'static str, reason: &'static str) -> ConfigError {
        // A default is spelled as its partner is, so that the reader finds it in the same place.
        let origin_of = |name| self.values.get(name).map(|value: &GivenValue| value.origin);
        let origin = origin_of(first).or(origin_of(second)).unwrap_or(Origin::Environment);
        let describe = |name: &'static str| match self.values.get(name) {
            Some(value) => format!("{}={}", value.origin.spell(name), value.text),
            None => {
                let default = OPTIONS.iter().find(|option| option.name == name).map_or("", |o| o.default);
                format!("{}={default} (the default)", origin.spell(name))
            }
        };
        ConfigError::Conflict { first: describe(first), second: describe(second), reason }
    }
}

/// All images of a page are written side by side.
fn check_keys(settings: &Settings) -> Result<(), ConfigError> {
    let main = ("the main image".to_owned(), &settings.output_key, settings.encoding.format());
    let mut seen = vec![main];
    for rendition in &settings.renditions {
        let image = (rendition.name.to_string(), &rendition.output_key, rendition.encoding.format());
        let same = seen.iter().find(|(_, template, format)| !image.1.never_meets(image.2, template, *format));
        if let Some((other, template, _)) = same {
            return Err(ConfigError::SameKey {
                first: format!("{other} ({template})"),
                second: format!("{} ({})", image.0, image.1),
                name: rendition.name.clone(),
            });
        }
        seen.push(image);
    }
    Ok(())
}

/// Two options that exclude each other, always or for some of their values.
struct Exclusion {
    first: &'static str,
    second: &'static str,
    /// The value of `second` that holds when it is not given, if that can clash too.
    default_of_second: Option<&'static str>,
    clash: fn(&str, &str) -> bool,
    reason: &'static str,
}

const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        first: "dpi",
        second: "width",
        default_of_second: None,
        clash: |_, _| true,
        reason: "each of them sets the size of the images",
    },
    Exclusion {
        first: "dpi",
        second: "height",
        default_of_second: None,
        clash: |_, _| true,
        reason: "each of them sets the size of the images",
    },
    Exclusion {
        first: "dpi",
        second: "fit",
        default_of_second: None,
        clash: |_, _| true,
        reason: "dpi keeps the proportions of the page",
    },
    Exclusion {
        first: "quality",
        second: "format",
        default_of_second: Some("png"),
        clash: |_, format| format == "png",
        reason: "PNG is lossless; choose jpeg or webp, or leave quality out",
    },
    Exclusion {
        first: "progressive",
        second: "format",
        default_of_second: Some("png"),
        clash: |progressive, format| format != "jpeg" && parse_switch(progressive) == Some(true),
        reason: "only JPEG is progressive",
    },
    Exclusion {
        first: "png-effort",
        second: "format",
        default_of_second: Some("png"),
        clash: |_, format| format != "png",
        reason: "the effort is PNG's",
    },
    Exclusion {
        first: "background",
        second: "format",
        default_of_second: Some("png"),
        clash: |background, format| format == "jpeg" && background.eq_ignore_ascii_case("transparent"),
        reason: "JPEG has no transparency; choose png or webp, or a colour",
    },
    Exclusion {
        first: "output-key",
        second: "format",
        default_of_second: Some("png"),
        clash: |template, format| {
            let literal = template.parse::<KeyTemplate>().ok().and_then(|template| template.literal_format());
            literal.is_some_and(|literal| literal.as_str() != format)
        },
        reason: "the extension in the template is another format's; write {ext}",
    },
];

/// Options while they are put together; those that depend on each other stand alone.
struct Draft {
    settings: Settings,
    backend: Option<Backend>,
    width_px: Option<u32>,
    height_px: Option<u32>,
    fit: Fit,
    format: ImageFormat,
    quality: Option<Quality>,
    progressive: bool,
    png_effort: PngEffort,
    renditions: Vec<Request>,
    workers: Option<NonZeroUsize>,
    worker_memory_bytes: Option<u64>,
    pdfium_library: Option<PathBuf>,
    input_suffix: String,
    tls_roots: TlsRoots,
    log_level: LogLevel,
    log_format: LogFormat,
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
    fn finish(self, host: &Host, lambda: Option<&LambdaConfig>) -> (Settings, Deployment) {
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

    fn scale(&self) -> Scale {
        if self.width_px.is_some() || self.height_px.is_some() {
            Scale::Box { width_px: self.width_px, height_px: self.height_px, fit: self.fit }
        } else {
            self.settings.scale
        }
    }

    fn encoding(&self) -> Encoding {
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
struct Refusal(Option<String>);

fn set<T>(field: &mut T, value: Option<T>) -> Result<(), Refusal> {
    *field = value.ok_or(Refusal(None))?;
    Ok(())
}

fn number_within(text: &str, least: f64, most: f64) -> Option<f64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

/// Reads a whole number. JSON may have it as `85.0`.
fn whole<T: FromStr>(text: &str) -> Option<T> {
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

fn pixels(text: &str) -> Option<u32> {
    whole(text).filter(|n| (1..=65_535).contains(n))
}

/// Reads a bucket's name loosely: S3-compatible servers allow more than S3 does. An access point's
/// ARN has colons and slashes.
fn bucket_name(text: &str) -> Option<Option<String>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    if text.is_empty() {
        return Some(None);
    }
    text.chars().all(is_name).then(|| Some(text.to_owned()))
}

/// The option that has this name as a JSON field.
pub(crate) fn find_json(field: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.field() == field)
}

fn bad_value(origin: Origin, option: &OptionSpec, text: &str, detail: Option<String>) -> ConfigError {
    let accepted = match detail {
        Some(detail) => format!("{} ({detail})", option.accepted),
        None => option.accepted.to_owned(),
    };
    // A password must not reach a log, not even as the value of an error.
    let value = if option.name == "password" { "…".to_owned() } else { text.to_owned() };
    ConfigError::BadValue { name: origin.spell(option.name), value, accepted }
}

fn unknown(origin: Origin, name: &str) -> ConfigError {
    if name.len() > 64 {
        return ConfigError::Unknown { name: name.to_owned(), suggestion: None };
    }
    let names = OPTIONS.iter().map(|option| origin.spell(option.name));
    let nearest = names.map(|known| (edit_distance(name, &known), known)).min();
    // Three edits turn most short names into another.
    let suggestion = nearest.filter(|&(distance, _)| distance <= 3).map(|(_, known)| known);
    ConfigError::Unknown { name: name.to_owned(), suggestion }
}

/// How many characters must be inserted, deleted or replaced to turn one name into the other.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use render_api::PageBox;

    use super::*;
    use crate::encode::ColorMode;

    fn accepted(name: &str) -> &'static str {
        OPTIONS.iter().find(|option| option.name == name).unwrap().accepted
    }

    #[test]
    fn names_are_in_kebab_case_and_unique_in_every_spelling() {
        for (i, option) in OPTIONS.iter().enumerate() {
            assert!(option.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", option.name);
            assert!(OPTIONS[..i].iter().all(|other| other.name != option.name), "{}", option.name);
            assert_eq!(find_json(&option.field()).unwrap().name, option.name);
        }
        let timeout = OPTIONS.iter().find(|option| option.name == "page-timeout").unwrap();
        assert_eq!(timeout.variable(), "PDF2IMG_PAGE_TIMEOUT");
        assert_eq!(timeout.field(), "page_timeout");
        assert_eq!(Origin::Flag.spell(timeout.name), "--page-timeout");
    }

    #[test]
    fn what_is_said_to_be_accepted_is_all_that_is() {
        let of = |names: &[&'static str]| match names {
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
            [] => String::new(),
        };
        assert_eq!(accepted("backend"), of(&Backend::ALL.map(Backend::as_str)));
        assert_eq!(accepted("fit"), of(&Fit::ALL.map(Fit::as_str)));
        assert_eq!(accepted("format"), of(&ImageFormat::ALL.map(ImageFormat::as_str)));
        assert_eq!(accepted("png-effort"), of(&PngEffort::ALL.map(PngEffort::as_str)));
        assert_eq!(accepted("color"), of(&ColorMode::ALL.map(ColorMode::as_str)));
        assert_eq!(accepted("page-box"), of(&PageBox::ALL.map(PageBox::as_str)));
        assert_eq!(accepted("log"), of(&LogLevel::ALL.map(LogLevel::as_str)));
        assert_eq!(accepted("log-format"), of(&LogFormat::ALL.map(LogFormat::as_str)));
    }

    #[test]
    fn the_defaults_that_are_shown_are_those_in_force() {
        let host = Host { cpus: NonZeroUsize::MIN, built_in: Backend::ALL.to_vec() };
        let resolved = |given: &Given| given.resolve(&host, None).unwrap();
        let expected = resolved(&Given::default());
        for option in OPTIONS {
            // Some defaults are described rather than written as a value.
            let text = option.default.split(':').next().filter(|_| option.default.starts_with("auto:"));
            let text = text.unwrap_or(option.default);
            let mut given = Given::default();
            let is_described = ["mupdf,", "follows", "85 for", "none", "the source's", "lib/"]
                .iter()
                .any(|d| text.starts_with(d));
            if (is_described && option.name != "document-timeout") || option.name == "fit" {
                continue;
            }
            given.set(Origin::Flag, option, text).unwrap();
            assert_eq!(resolved(&given), expected, "{}", option.name);
        }
    }

    #[test]
    fn every_option_refuses_nonsense_but_free_text() {
        for option in OPTIONS {
            let outcome = Given::default().set(Origin::Flag, option, "?!{");
            let is_free = ["password", "pdfium-library", "input-suffix"].contains(&option.name);
            assert_eq!(outcome.is_ok(), is_free, "{}", option.name);
        }
    }

    #[test]
    fn numbers_are_held_within_their_bounds() {
        for (name, good, bad) in [
            ("dpi", &["1", "2400", "72.5"][..], &["0", "0.99", "2401", "NaN", "inf", "-1", ""][..]),
            ("width", &["1", "65535", "8.0"], &["0", "65536", "1.5", "-1", ""]),
            ("quality", &["1", "100", "75.0"], &["0", "101", "7.5", ""]),
            ("max-pages", &["1", "10k"], &["0", "5G", "1.0001k5"]),
            ("page-timeout", &["1ms", "2m"], &["0", "0s", "none"]),
            ("document-timeout", &["none", "90s"], &["0s"]),
            ("workers", &["auto", "1", "256"], &["0", "257", "all"]),
            ("worker-memory", &["auto", "64MiB"], &["63MiB", "0"]),
            ("tls-roots", &["amazon", "system", "/a/b.pem", "roots.pem"], &["sytem", ""]),
            ("output-bucket", &["", "my.bucket-1", "arn:aws:s3:eu-west-1:1:accesspoint/x"], &["a b", "s?"]),
        ] {
            let option = OPTIONS.iter().find(|option| option.name == name).unwrap();
            for text in good {
                assert!(Given::default().set(Origin::Flag, option, text).is_ok(), "{name} {text:?}");
            }
            for text in bad {
                let error = Given::default().set(Origin::Flag, option, text).unwrap_err();
                assert_eq!(error.code(), "bad_option", "{name} {text:?}");
            }
        }
    }

    #[test]
    fn the_table_for_the_readme_has_a_row_for_each_option() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), OPTIONS.len() + 2);
        for (line, option) in table.lines().skip(2).zip(OPTIONS) {
            assert!(line.starts_with(&format!("| `{}` | ", option.variable())), "{line}");
            assert_eq!(line.matches('|').count(), 5, "{line}");
        }
    }

    #[test]
    fn edit_distance_counts_edits() {
        for (a, b, distance) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("dpi", "dpi", 0), ("ab", "ba", 2)]
        {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
            assert_eq!(edit_distance(b, a), distance, "{b} {a}");
        }
    }
}
