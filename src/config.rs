//! What can be set: the one place that reads the environment.
//!
//! Every option is a row of [`OPTIONS`]. A row is known by one name in three spellings: the
//! environment variable `PDF2IMG_PAGE_TIMEOUT`, the JSON field `page_timeout` of a direct invoke
//! and the flag `--page-timeout`. All three go through the same row, so that they accept the same
//! values and report the same errors.
//!
//! - [`options`]: the table, and the rules about which options exclude each other;
//! - [`settings`]: what may differ from document to document;
//! - [`deployment`]: what is fixed for a running service;
//! - [`scale`] and [`pages`]: how large, and which;
//! - [`rendition`]: further images of each page;
//! - [`s3`](mod@s3): where S3 is, and as whom it is asked;
//! - [`value`]: how single values are written.
//!
//! **Invariant:** nothing else in the project reads an environment variable of ours or of AWS.

pub mod deployment;
pub mod options;
pub mod pages;
pub mod rendition;
pub mod s3;
pub mod scale;
pub mod settings;
pub mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;

use serde_json::{Map, Value};

pub use deployment::{Deployment, LogFormat, LogLevel};
pub use options::{Given, OPTIONS, OptionSpec, Origin};
pub use pages::{PageSelection, PageSet, ResolvedPages};
pub use rendition::{MAX_RENDITIONS, Rendition, RenditionName};
pub use scale::{Fit, Raster, Scale};
pub use settings::{Backend, Limits, Settings};
pub use value::Secret;

use self::s3::{S3Config, S3Credentials, TlsRoots};

/// All that a running service has been told.
#[derive(Debug, Clone)]
pub struct Config {
    /// How documents are rendered, unless a direct invoke says otherwise.
    pub settings: Settings,
    /// What is fixed for this process.
    pub deployment: Deployment,
    /// Where S3 is, and as whom it is asked.
    pub s3: S3Config,
    /// The Lambda function that this process serves; `None` outside of Lambda.
    pub lambda: Option<LambdaConfig>,
    given: Given,
    host: Host,
}

impl Config {
    /// Reads the environment of this process.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Config::from_env).
    pub fn from_process_env() -> Result<Config, ConfigError> {
        // A value that is not UTF-8 gets replacement characters, which no option but a free text
        // accepts; the error then shows the value.
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Config::from_env(&variables, Host::detect())
    }

    /// Reads a set of environment variables.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the variable, if a `PDF2IMG_` variable is unknown, has a value
    /// that is not accepted, or excludes another; if the backend is not built in; or if the region
    /// or the credentials are missing.
    pub fn from_env(variables: &BTreeMap<String, String>, host: Host) -> Result<Config, ConfigError> {
        let lambda = LambdaConfig::from_env(variables)?;
        let given = Given::from_env(variables)?;
        let (settings, deployment) = given.resolve(&host, lambda.as_ref())?;
        let s3 = s3_from_env(variables, deployment.tls_roots.clone())?;
        Ok(Config { settings, deployment, s3, lambda, given, host })
    }

    /// The settings for a document whose event brings options of its own.
    ///
    /// An option of the event displaces those of the environment that it excludes: `width`
    /// displaces `PDF2IMG_DPI`.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if an option is unknown, is the deployment's to set, has a value that is
    /// not accepted, or excludes another of the same event.
    pub fn settings_with(&self, overrides: &Map<String, Value>) -> Result<Settings, ConfigError> {
        if overrides.is_empty() {
            return Ok(self.settings.clone());
        }
        let given = self.given.overlaid_by(Given::from_json(overrides)?);
        Ok(given.resolve(&self.host, self.lambda.as_ref())?.0)
    }
}

/// What the machine and the build offer, on which defaults depend.
#[derive(Debug, Clone)]
pub struct Host {
    /// How many CPUs this process may use.
    pub cpus: NonZeroUsize,
    /// The backends that are built in.
    pub built_in: Vec<Backend>,
}

impl Host {
    /// This machine and this build.
    pub fn detect() -> Host {
        Host {
            cpus: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            built_in: Backend::built_in(),
        }
    }
}

/// Takes region and credentials from the environment only.
///
/// The SDK's own search (profiles, instance metadata) would cost a start 84 ms, and find nothing
/// on Lambda that is not in the environment.
fn s3_from_env(variables: &BTreeMap<String, String>, tls_roots: TlsRoots) -> Result<S3Config, ConfigError> {
    let region =
        first_of(variables, &["AWS_REGION", "AWS_DEFAULT_REGION"]).ok_or(ConfigError::MissingVariable {
            name: "AWS_REGION",
            remedy: "set it to the region of the buckets, such as eu-central-1",
        })?;
    let credential = |name| {
        first_of(variables, &[name]).ok_or(ConfigError::MissingVariable {
            name,
            remedy: "Lambda sets it from the function's role; elsewhere set the credentials of a user",
        })
    };
    let endpoint_url = first_of(variables, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
    if let Some(url) = endpoint_url.as_ref().filter(|url| !is_http_url(url)) {
        let name = if first_of(variables, &["AWS_ENDPOINT_URL_S3"]).is_some() {
            "AWS_ENDPOINT_URL_S3"
        } else {
            "AWS_ENDPOINT_URL"
        };
        return Err(ConfigError::BadValue {
            name: name.to_owned(),
            value: url.clone(),
            accepted: "a URL that starts with http:// or https://".to_owned(),
        });
    }
    let credentials = S3Credentials {
        access_key_id: credential("AWS_ACCESS_KEY_ID")?,
        secret_access_key: credential("AWS_SECRET_ACCESS_KEY")?,
        // The credentials of a role, as Lambda has them, come with one.
        session_token: first_of(variables, &["AWS_SESSION_TOKEN"]),
    };
    let regional = S3Config { tls_roots, ..S3Config::new(region, credentials) };
    Ok(match endpoint_url {
        Some(url) => regional.with_endpoint(url),
        None => regional,
    })
}

/// The Lambda function that this process serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LambdaConfig {
    /// `AWS_LAMBDA_RUNTIME_API`: host and port.
    pub runtime_api: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`. Default: empty.
    pub function_name: String,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` in MiB, the function's whole memory.
    pub memory_mib: Option<u64>,
}

impl LambdaConfig {
    fn from_env(variables: &BTreeMap<String, String>) -> Result<Option<LambdaConfig>, ConfigError> {
        let Some(runtime_api) = first_of(variables, &[RUNTIME_API]) else {
            return Ok(None);
        };
        const MEMORY: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
        let memory_mib = match first_of(variables, &[MEMORY]) {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| ConfigError::BadValue {
                name: MEMORY.to_owned(),
                value: text,
                accepted: "the function's memory in MiB".to_owned(),
            })?),
        };
        Ok(Some(LambdaConfig {
            runtime_api,
            function_name: first_of(variables, &["AWS_LAMBDA_FUNCTION_NAME"]).unwrap_or_default(),
            memory_mib,
        }))
    }
}

/// The host and port of the Lambda runtime API, for a start-up error that is reported to it when
/// there is no [`Config`].
pub fn runtime_api_address() -> Option<String> {
    std::env::var(RUNTIME_API).ok().filter(|address| !address.is_empty())
}

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

fn first_of(variables: &BTreeMap<String, String>, names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| variables.get(*name)).find(|value| !value.is_empty()).cloned()
}

fn is_http_url(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}

/// What is wrong with the options, for the person who set them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no such option.
    #[error("unknown option {name}{}", suggestion.as_ref().map(|s| format!("; did you mean {s}?")).unwrap_or_default())]
    Unknown {
        /// The name as it was written.
        name: String,
        /// The nearest known name, if one is near.
        suggestion: Option<String>,
    },
    /// The value is not accepted.
    #[error("{name}={value:?} is not accepted: it takes {accepted}")]
    BadValue {
        /// The name as it was written.
        name: String,
        /// The value as it was written.
        value: String,
        /// What is accepted.
        accepted: String,
    },
    /// Two options exclude each other.
    #[error("{first} and {second} exclude each other: {reason}")]
    Conflict {
        /// One option with its value.
        first: String,
        /// The other, or the default that stands for it.
        second: String,
        /// Why.
        reason: &'static str,
    },
    /// An option means nothing without another.
    #[error("{name} needs {missing} as well")]
    Incomplete {
        /// The option with its value.
        name: String,
        /// The name of the other.
        missing: String,
    },
    /// Two images of a page could get the same key.
    #[error(
        "the keys of {first} and {second} could be the same: give each a template that tells them apart, such as {{stem}}/{name}-{{page:04}}.{{ext}}"
    )]
    SameKey {
        /// One image with its template.
        first: String,
        /// The other.
        second: String,
        /// The rendition whose template is to be changed.
        name: RenditionName,
    },
    /// The options of a rendition do not go together, or not with those of the main image.
    #[error("{option}, {rendition}: {error}")]
    Rendition {
        /// The option `renditions` as it was written.
        option: String,
        /// The rendition's name.
        rendition: RenditionName,
        /// What is wrong.
        error: Box<ConfigError>,
    },
    /// The option cannot differ from document to document.
    #[error("{name} is fixed for the deployment and cannot be set by an event: set {variable} instead")]
    DeploymentOnly {
        /// The name as it was written.
        name: String,
        /// The environment variable that sets it.
        variable: String,
    },
    /// The backend exists, but not in this build.
    #[error("backend {backend} is not in this build, which has {}", listed(built_in))]
    BackendNotBuiltIn {
        /// The one chosen.
        backend: Backend,
        /// Those that could be.
        built_in: Vec<Backend>,
    },
    /// A variable that AWS's tools and Lambda set is missing.
    #[error("{name} is not set: {remedy}")]
    MissingVariable {
        /// The variable.
        name: &'static str,
        /// What to do.
        remedy: &'static str,
    },
}

impl ConfigError {
    /// The stable code of this kind of failure, as it stands in manifests and logs.
    pub fn code(&self) -> &'static str {
        match self {
            ConfigError::Unknown { .. } => "unknown_option",
            ConfigError::BadValue { .. } => "bad_option",
            ConfigError::Conflict { .. } => "conflicting_options",
            ConfigError::Incomplete { .. } => "incomplete_options",
            ConfigError::SameKey { .. } => "conflicting_options",
            ConfigError::Rendition { error, .. } => error.code(),
            ConfigError::DeploymentOnly { .. } => "deployment_only_option",
            ConfigError::BackendNotBuiltIn { .. } => "backend_not_built_in",
            ConfigError::MissingVariable { .. } => "missing_variable",
        }
    }
}

fn listed<T: fmt::Display>(values: &[T]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn host() -> Host {
        Host { cpus: NonZeroUsize::new(2).unwrap(), built_in: Backend::ALL.to_vec() }
    }

    fn variables(extra: &[(&str, &str)]) -> BTreeMap<String, String> {
        [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hunter2")]
            .iter()
            .chain(extra)
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn config(extra: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_env(&variables(extra), host())
    }

    fn overridden(env: &[(&str, &str)], overrides: Value) -> Result<Settings, ConfigError> {
        config(env)?.settings_with(overrides.as_object().unwrap())
    }

    #[test]
    fn nothing_but_aws_needs_to_be_set() {
        let config = config(&[("HOME", "/root"), ("PDF2IMGX", "1")]).unwrap();
        assert_eq!(config.settings, Settings::default());
        assert_eq!(config.deployment.workers.get(), 2);
        assert_eq!(config.deployment.worker_memory_bytes, 1 << 30);
        assert_eq!(config.deployment.input_suffix, ".pdf");
        assert_eq!((config.s3.region.as_str(), config.lambda), ("eu-central-1", None));
    }

    #[test]
    fn a_missing_region_or_credential_is_named() {
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let error = config(&[(name, "")]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} is not set: ")), "{error}");
        }
        assert_eq!(config(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "x")]).unwrap().s3.region, "x");
    }

    #[test]
    fn the_endpoint_of_s3_comes_before_that_of_all_services() {
        let both = [("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_ENDPOINT_URL_S3", "http://b:2")];
        assert_eq!(config(&both).unwrap().s3.endpoint.as_deref(), Some("http://b:2"));
        let error = config(&[("AWS_ENDPOINT_URL", "localhost:9000")]).unwrap_err().to_string();
        assert!(error.contains("AWS_ENDPOINT_URL=\"localhost:9000\""), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = config(&[("AWS_SESSION_TOKEN", "hunter2"), ("PDF2IMG_PASSWORD", "hunter2")]).unwrap();
        assert_eq!(config.settings.password.as_ref().unwrap().expose(), "hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
        assert!(!json!(config.settings.canonical()).to_string().contains("hunter2"));
    }

    #[test]
    fn workers_share_the_memory_of_the_function() {
        let on_lambda = |memory: &str, workers: &str| {
            let extra = [
                ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory),
                ("PDF2IMG_WORKERS", workers),
            ];
            config(&extra).map(|config| config.deployment.worker_memory_bytes >> 20)
        };
        assert_eq!(on_lambda("1769", "auto"), Ok((1769 - 128) / 2));
        assert_eq!(on_lambda("10240", "6"), Ok((10_240 - 128) / 6));
        assert_eq!(on_lambda("128", "4"), Ok(192));
        assert_eq!(on_lambda("lots", "4").unwrap_err().code(), "bad_option");
    }

    #[test]
    fn a_bad_value_is_shown_with_its_variable_and_what_is_accepted() {
        let error = config(&[("PDF2IMG_DPI", "fast")]).unwrap_err().to_string();
        assert_eq!(error, "PDF2IMG_DPI=\"fast\" is not accepted: it takes a number from 1 to 2400");
        let error = config(&[("PDF2IMG_OUTPUT_KEY", "{stem}/{pg}.png")]).unwrap_err().to_string();
        assert!(error.contains("{pg} is not known"), "{error}");
    }

    #[test]
    fn an_unknown_option_is_named_with_the_nearest_known() {
        let error = config(&[("PDF2IMG_PAGE_TIMOUT", "5s")]).unwrap_err().to_string();
        assert_eq!(error, "unknown option PDF2IMG_PAGE_TIMOUT; did you mean PDF2IMG_PAGE_TIMEOUT?");
        let error = config(&[("PDF2IMG_ENTIRELY_ELSE", "1")]).unwrap_err().to_string();
        assert_eq!(error, "unknown option PDF2IMG_ENTIRELY_ELSE");
        let error = overridden(&[], json!({"formt": "png"})).unwrap_err().to_string();
        assert_eq!(error, "unknown option formt; did you mean format?");
    }

    #[test]
    fn options_that_exclude_each_other_are_both_named() {
        for (extra, first, second) in [
            (&[("PDF2IMG_DPI", "72"), ("PDF2IMG_WIDTH", "100")][..], "PDF2IMG_DPI=72", "PDF2IMG_WIDTH=100"),
            (&[("PDF2IMG_DPI", "72"), ("PDF2IMG_HEIGHT", "9")], "PDF2IMG_DPI=72", "PDF2IMG_HEIGHT=9"),
            (&[("PDF2IMG_QUALITY", "75")], "PDF2IMG_QUALITY=75", "PDF2IMG_FORMAT=png (the default)"),
            (
                &[("PDF2IMG_PROGRESSIVE", "on"), ("PDF2IMG_FORMAT", "webp")],
                "PDF2IMG_PROGRESSIVE=on",
                "PDF2IMG_FORMAT=webp",
            ),
            (
                &[("PDF2IMG_BACKGROUND", "transparent"), ("PDF2IMG_FORMAT", "jpeg")],
                "PDF2IMG_BACKGROUND=transparent",
                "PDF2IMG_FORMAT=jpeg",
            ),
            (
                &[("PDF2IMG_OUTPUT_KEY", "{stem}-{page}.jpeg")],
                "PDF2IMG_OUTPUT_KEY={stem}-{page}.jpeg",
                "PDF2IMG_FORMAT=png (the default)",
            ),
            (
                &[("PDF2IMG_INPUT_SUFFIX", ".PNG")],
                "PDF2IMG_OUTPUT_KEY={stem}/page-{page:04}.{ext} (the default)",
                "PDF2IMG_INPUT_SUFFIX=.PNG",
            ),
            (&[("PDF2IMG_FIT", "stretch"), ("PDF2IMG_WIDTH", "9")], "PDF2IMG_FIT=stretch", "PDF2IMG_HEIGHT"),
        ] {
            let error = config(extra).unwrap_err().to_string();
            assert!(error.contains(first) && error.contains(second), "{error}");
        }
        let jpeg = [("PDF2IMG_OUTPUT_KEY", "{stem}-{page}.jpg"), ("PDF2IMG_FORMAT", "jpeg")];
        assert!(config(&jpeg).is_ok());
    }

    #[test]
    fn an_event_displaces_what_its_options_exclude() {
        let env = [("PDF2IMG_DPI", "72"), ("PDF2IMG_FORMAT", "jpeg"), ("PDF2IMG_QUALITY", "60")];
        let settings = overridden(&env, json!({"width": 800, "format": "png", "pages": null})).unwrap();
        let expected = overridden(&[], json!({"width": "800"})).unwrap();
        assert_eq!(settings, expected);
        let settings = overridden(&env, json!({"quality": 90, "annotations": false})).unwrap();
        assert_eq!(settings.scale, Scale::Dpi(72.0));
        assert_eq!(settings.canonical()["quality"], 90);
        assert!(!settings.annotations);
        let box_in_env = [("PDF2IMG_WIDTH", "9"), ("PDF2IMG_HEIGHT", "9"), ("PDF2IMG_FIT", "stretch")];
        let settings = overridden(&box_in_env, json!({"dpi": 96})).unwrap();
        assert_eq!(settings.scale, Scale::Dpi(96.0));
    }

    #[test]
    fn an_event_cannot_contradict_itself_or_set_what_is_the_deployments() {
        let error = overridden(&[], json!({"dpi": 72, "width": 800})).unwrap_err().to_string();
        assert!(error.contains("dpi=72 and width=800"), "{error}");
        let error = overridden(&[], json!({"worker_memory": "9GiB"})).unwrap_err().to_string();
        assert!(error.contains("worker_memory") && error.contains("PDF2IMG_WORKER_MEMORY"), "{error}");
        let error = overridden(&[], json!({"pages": [1, 2]})).unwrap_err().to_string();
        assert!(error.contains("pages=\"[1,2]\""), "{error}");
    }

    #[test]
    fn a_backend_that_is_not_built_in_is_an_error_that_lists_those_that_are() {
        let with = |built_in: &[Backend], extra: &[(&str, &str)]| {
            let host = Host { built_in: built_in.to_vec(), ..host() };
            Config::from_env(&variables(extra), host).map_err(|error| error.to_string())
        };
        let error = with(&[], &[]).unwrap_err();
        assert_eq!(error, "backend mupdf is not in this build, which has none");
        for (option, text) in [("PDF2IMG_BACKEND", "mupdf"), ("PDF2IMG_FALLBACK", "hayro,mupdf")] {
            let error = with(&[Backend::Hayro, Backend::Pdfium], &[(option, text)]).unwrap_err();
            assert_eq!(error, "backend mupdf is not in this build, which has hayro, pdfium");
        }
    }

    #[test]
    fn a_build_without_the_default_engine_uses_the_one_that_it_has() {
        let permissive = Host { built_in: vec![Backend::Hayro], ..host() };
        let config = Config::from_env(&variables(&[]), permissive).unwrap();
        assert_eq!(config.settings.backend, Backend::Hayro);
    }

    #[test]
    fn fallback_engines_are_tried_once_each_and_in_their_order() {
        let settings = overridden(&[], json!({"fallback": "hayro, mupdf,pdfium,hayro"})).unwrap();
        assert_eq!(settings.backends(), [Backend::Mupdf, Backend::Hayro, Backend::Pdfium]);
        let error = overridden(&[], json!({"fallback": "hayro;pdfium"})).unwrap_err().to_string();
        assert!(error.contains("engines such as pdfium,hayro"), "{error}");
    }

    #[test]
    fn settings_are_written_so_that_they_can_be_given_again() {
        for overrides in [
            json!({}),
            json!({"width": 640, "height": 480, "fit": "stretch", "background": "#102030"}),
            json!({"format": "jpeg", "quality": 75, "progressive": true, "color": "gray", "pages": "1-3,-1"}),
            json!({"format": "webp", "output_bucket": "images", "page_box": "media", "annotations": "off"}),
            json!({"format": "webp", "quality": 80.0, "dpi": 72.5, "page_timeout": "1500ms"}),
            json!({"png_effort": "smallest", "background": "transparent", "document_timeout": "2m"}),
            json!({"backend": "hayro", "fallback": "pdfium,mupdf"}),
            json!({"renditions": {"thumb": {"width": 320, "format": "webp", "quality": 80}}}),
            json!({"format": "jpeg", "quality": 60, "renditions": "b: width=9 format=webp; a: dpi=72 color=gray"}),
            json!({"format": "webp", "quality": 60, "renditions": {"a": {"dpi": 9}, "b": {"height": 5, "format": "png"}}}),
            json!({"renditions": "x: width=5 height=6 fit=stretch output_key=/t/{key}/{page}.jpg format=jpeg progressive=on"}),
            json!({"max_pixels": "2M", "max_pages": 7, "max_input_bytes": "1MiB", "output_key": "/o/{key}-{page}.png"}),
        ] {
            let settings = overridden(&[], overrides).unwrap();
            let again = overridden(&[], Value::Object(settings.canonical())).unwrap();
            assert_eq!(again, settings);
            assert_eq!(again.hash(), settings.hash());
        }
    }

    #[test]
    fn a_rendition_is_as_the_main_image_but_for_what_it_sets() {
        let env = [
            ("PDF2IMG_FORMAT", "jpeg"),
            ("PDF2IMG_QUALITY", "60"),
            ("PDF2IMG_PROGRESSIVE", "on"),
            ("PDF2IMG_COLOR", "gray"),
            (
                "PDF2IMG_RENDITIONS",
                "same: width=9; jpeg: width=9 format=jpeg quality=50; webp: width=9 format=webp; png: dpi=9 format=png color=rgb",
            ),
        ];
        let settings = config(&env).unwrap().settings;
        let of = |name: &str| {
            Value::Object(settings.renditions.iter().find(|r| r.name.as_str() == name).unwrap().canonical())
        };
        let jpeg = json!({"width": 9, "format": "jpeg", "quality": 60, "progressive": true, "color": "gray", "output_key": "{stem}/same-{page:04}.{ext}"});
        assert_eq!(of("same"), jpeg);
        assert_eq!((&of("jpeg")["quality"], &of("jpeg")["progressive"]), (&json!(50), &json!(true)));
        // A quality means something else in another format.
        assert_eq!(of("webp").get("quality"), None);
        assert_eq!((&of("png")["dpi"], &of("png")["color"]), (&json!(9.0), &json!("rgb")));
        let names: Vec<_> = settings.renditions.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["jpeg", "png", "same", "webp"]);
    }

    #[test]
    fn the_rules_hold_for_every_rendition_by_its_name() {
        for (extra, parts) in [
            (
                &[("PDF2IMG_RENDITIONS", "t: width=9 quality=5")][..],
                &["quality=5", "format=png (the default)"][..],
            ),
            (&[("PDF2IMG_RENDITIONS", "t: width=9 dpi=5")], &["dpi=5 and width=9"]),
            (&[("PDF2IMG_RENDITIONS", "t: width=9 fit=stretch")], &["fit=stretch needs height"]),
            (
                &[("PDF2IMG_RENDITIONS", "t: width=9 format=webp progressive=on")],
                &["only JPEG is progressive"],
            ),
            (
                &[("PDF2IMG_RENDITIONS", "t: width=9 format=jpeg"), ("PDF2IMG_BACKGROUND", "transparent")],
                &["PDF2IMG_BACKGROUND=transparent", "format=jpeg"],
            ),
            (
                &[("PDF2IMG_RENDITIONS", "t: width=9 png_effort=smallest"), ("PDF2IMG_FORMAT", "webp")],
                &["png_effort=smallest", "PDF2IMG_FORMAT=webp"],
            ),
            (&[("PDF2IMG_RENDITIONS", "t: width=9 output_key={page}.jpg")], &["output_key={page}.jpg"]),
        ] {
            let error = config(extra).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("PDF2IMG_RENDITIONS, t: "), "{text}");
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
            assert!(["conflicting_options", "incomplete_options"].contains(&error.code()));
        }
        let error = config(&[("PDF2IMG_RENDITIONS", "t: dbi=9")]).unwrap_err().to_string();
        assert!(error.contains("t: unknown option dbi; did you mean dpi?"), "{error}");
        let error = overridden(&[], json!({"renditions": [1]})).unwrap_err().to_string();
        assert!(error.starts_with("renditions=\"[1]\" is not accepted"), "{error}");
    }

    #[test]
    fn renditions_whose_keys_could_be_those_of_others_are_refused() {
        for (renditions, first, second) in [
            ("t: width=9 output_key={stem}/page-{page}.{ext}", "the main image", "t ("),
            (
                "a: width=9 output_key={stem}/x{page}-.png; b: dpi=9 output_key={stem}/x{page}-.png",
                "a (",
                "b (",
            ),
        ] {
            let error = config(&[("PDF2IMG_RENDITIONS", renditions)]).unwrap_err();
            assert_eq!(error.code(), "conflicting_options");
            let text = error.to_string();
            assert!(text.contains(first) && text.contains(second), "{text}");
        }
        assert!(
            config(&[(
                "PDF2IMG_RENDITIONS",
                "t: width=9 format=webp output_key={stem}/page-{page:04}.{ext}"
            )])
            .is_ok()
        );
        let taken = [("PDF2IMG_RENDITIONS", "t: width=9 format=webp"), ("PDF2IMG_INPUT_SUFFIX", ".webp")];
        let error = config(&taken).unwrap_err().to_string();
        assert!(error.contains("start the function again"), "{error}");
    }

    #[test]
    fn an_event_has_its_own_renditions_or_none() {
        let env = [("PDF2IMG_RENDITIONS", "t: width=9")];
        assert_eq!(overridden(&env, json!({"dpi": 72})).unwrap().renditions.len(), 1);
        assert!(overridden(&env, json!({"renditions": {}})).unwrap().renditions.is_empty());
        assert!(overridden(&env, json!({"renditions": ""})).unwrap().renditions.is_empty());
        let own = overridden(&env, json!({"renditions": "u: dpi=5"})).unwrap();
        assert_eq!(own.renditions[0].name.as_str(), "u");
        // What the main image is for one event, its renditions follow.
        let jpeg = overridden(&env, json!({"format": "jpeg"})).unwrap();
        assert_eq!(jpeg.renditions[0].encoding, jpeg.encoding);
    }

    #[test]
    fn the_hash_follows_what_shapes_the_images_and_nothing_else() {
        let hash = |overrides| overridden(&[], overrides).unwrap().hash();
        let plain = hash(json!({}));
        assert_eq!(plain.len(), 64);
        for same in [
            json!({"dpi": 150}),
            json!({"password": "x"}),
            json!({"max_pages": 5, "page_timeout": "1s", "max_pixels": 9, "document_timeout": "5s"}),
            json!({"background": "#FFFFFF"}),
            json!({"renditions": {}}),
            json!({"fallback": "none"}),
        ] {
            assert_eq!(hash(same.clone()), plain, "{same}");
        }
        for other in [
            json!({"dpi": 151}),
            json!({"pages": "1-3"}),
            json!({"output_bucket": "images"}),
            json!({"output_key": "{stem}-{page}.{ext}"}),
            json!({"color": "rgb"}),
            json!({"annotations": 0}),
            json!({"backend": "hayro"}),
            json!({"fallback": "hayro"}),
        ] {
            assert_ne!(hash(other.clone()), plain, "{other}");
        }
    }
}
