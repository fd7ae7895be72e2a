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
mod tests;
