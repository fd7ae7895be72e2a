//! The table of options, and what is said of those that are wrong.
//!
//! - `given`: those that were given, and the rules about which exclude each other;
//! - `draft`: options while they are put together, and how their values are read.

mod draft;
mod given;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use self::draft::{Draft, Refusal, bucket_name, number_within, pixels, set, whole};
pub use self::given::Given;
use crate::config::ConfigError;
use crate::config::rendition;
use crate::config::scale::Scale;
use crate::config::value::{
    Secret, parse_background, parse_bytes, parse_count, parse_duration, parse_switch,
};
use crate::encode::Quality;
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
    use crate::config::Host;
    use crate::config::deployment::{LogFormat, LogLevel};
    use crate::config::scale::Fit;
    use crate::config::settings::Backend;
    use crate::encode::{ColorMode, ImageFormat, PngEffort};

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
