//! Options that were given, and the rules about which exclude each other.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::draft::Draft;
use super::{OPTIONS, OptionSpec, Origin, PREFIX, Scope, bad_value, find_json, unknown};
use crate::config::deployment::Deployment;
use crate::config::rendition::{Rendition, Request};
use crate::config::settings::Settings;
use crate::config::value::parse_switch;
use crate::config::{ConfigError, Host, LambdaConfig};
use crate::encode::{Encoding, ImageFormat};
use crate::plan::KeyTemplate;

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
    pub(in crate::config) fn texts(&self) -> BTreeMap<&'static str, &str> {
        self.values.iter().map(|(name, value)| (*name, value.text.as_str())).collect()
    }

    /// Whether an option of this name, in kebab case, was given.
    pub(in crate::config) fn has(&self, name: &str) -> bool {
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
