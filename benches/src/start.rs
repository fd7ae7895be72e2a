//! How long the release `bootstrap` takes until it asks for its first invocation.
//!
//! That is from before the spawn until the first `GET …/invocation/next` has arrived at an emulated
//! Runtime API. It is not AWS's Init Duration, which also has the download of the package and the
//! start of a microVM in it.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::emulation::{Call, Emulation, Event, lambda_variables};
use crate::machine::{Executable, FORM, Machine};
use crate::process::{Cost, Running};
use crate::stats::{self, Ratio};
use crate::table::Table;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the function is told that S3 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// The region's own: HTTPS, so that root certificates are needed.
    Default,
    /// A plain HTTP address, as in a local stack.
    Http,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Endpoint; 2] = [Endpoint::Default, Endpoint::Http];
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Endpoint::Default => "default (TLS)",
            Endpoint::Http => "http",
        })
    }
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The form of the record.
    pub form: u32,
    /// Where.
    pub machine: Machine,
    /// What was measured.
    pub bootstrap: Executable,
    /// What it was compared with.
    pub hello: Executable,
    /// One for each [`Endpoint`].
    pub comparisons: Vec<Comparison>,
}

/// The starts with one endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Which.
    pub endpoint: Endpoint,
    /// The starts of `bootstrap`; the wall clock ends when the request arrives.
    pub bootstrap: Vec<Cost>,
    /// The starts of `hello`.
    pub hello: Vec<Cost>,
    /// How many times longer `bootstrap` takes on the wall clock.
    pub wall: Ratio,
    /// How many times more CPU time it takes.
    pub cpu: Ratio,
    /// The wall clock of `hello` against itself: the noise floor.
    pub noise: Ratio,
}

/// Starts both in turn, `runs` times each for each endpoint.
///
/// # Errors
///
/// If an executable is missing, or a start does not end in a request for an invocation.
pub fn run(bin_dir: &Path, runs: usize) -> Result<Record> {
    let machine = Machine::detect_in_full();
    let bootstrap = Executable::in_dir(bin_dir, "bootstrap")?;
    let hello = Executable::in_dir(bin_dir, "hello")?;
    let comparisons = Endpoint::ALL
        .into_iter()
        .map(|endpoint| {
            let start_bootstrap = || start(&bootstrap.path, endpoint);
            let start_hello = || start(&hello.path, endpoint);
            // The first start of each reads its pages from the disk.
            start_bootstrap()?;
            start_hello()?;
            let costs = stats::in_turn(runs, start_bootstrap, start_hello)?;
            let noise = stats::in_turn(runs, start_hello, start_hello)?;
            let ratio = |costs: &[(Cost, Cost)], of: fn(&Cost) -> f64| {
                Ratio::of_pairs(
                    &costs.iter().map(|(first, second)| (of(first), of(second))).collect::<Vec<_>>(),
                )
            };
            let (wall, cpu) = (ratio(&costs, |cost| cost.wall_s), ratio(&costs, |cost| cost.cpu_s));
            let noise = ratio(&noise, |cost| cost.wall_s);
            let (bootstrap, hello) = costs.into_iter().unzip();
            Ok(Comparison { endpoint, bootstrap, hello, wall, cpu, noise })
        })
        .collect::<Result<_>>()?;
    Ok(Record { form: FORM, machine, bootstrap, hello, comparisons })
}

/// Starts a function, and kills it when it has asked for its first invocation.
fn start(executable: &Path, endpoint: Endpoint) -> Result<Cost> {
    let emulation = Emulation::start()?;
    let mut command = Command::new(executable);
    command
        .env_clear()
        .envs(environment(emulation.address(), endpoint))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let running = Running::spawn(&mut command)?;
    let spawned = running.spawned();
    // No invocation is queued, so the request stays without an answer.
    let event = emulation.next_event(PATIENCE);
    let cost = running.kill()?;
    match event {
        None => bail!("{} has asked for nothing", executable.display()),
        Some(Event { at, call: Call::Next }) => Ok(Cost { wall_s: (at - spawned).as_secs_f64(), ..cost }),
        Some(Event { call, .. }) => {
            bail!("{} has begun with another request: {call:?}", executable.display())
        }
    }
}

/// What Lambda sets, as far as a function needs it.
fn environment(runtime_api: SocketAddr, endpoint: Endpoint) -> Vec<(&'static str, String)> {
    let mut variables = lambda_variables(runtime_api);
    if endpoint == Endpoint::Http {
        // Nothing is asked of S3 before the first invocation, so that nothing needs to listen.
        variables.push(("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9".to_owned()));
    }
    variables
}

impl Comparison {
    fn cells(
        &self,
        endpoint: String,
        clock: &str,
        ratio: &Ratio,
        of: fn(&Cost) -> f64,
        noise: String,
    ) -> Vec<String> {
        let mut cells = vec![endpoint, clock.to_owned()];
        for side in [&self.bootstrap, &self.hello] {
            let milliseconds: Vec<f64> = side.iter().map(|cost| of(cost) * 1e3).collect();
            cells.push(format!("{:.2}", stats::median(&milliseconds)));
            cells.push(format!("{:.2}", stats::percentile(&milliseconds, 0.95)));
        }
        cells.extend([format!("{:.2}", ratio.value), ratio.interval(), noise]);
        cells
    }
}

impl Record {
    /// The figures as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = Table::new(&[
            "S3 endpoint",
            "clock",
            "bootstrap, ms",
            "p95",
            "hello, ms",
            "p95",
            "times",
            "95 %",
            "noise floor",
        ]);
        for comparison in &self.comparisons {
            let Comparison { endpoint, wall, cpu, noise, .. } = comparison;
            table.row(comparison.cells(
                endpoint.to_string(),
                "wall",
                wall,
                |cost| cost.wall_s,
                noise.interval(),
            ));
            table.row(comparison.cells(endpoint.to_string(), "CPU", cpu, |cost| cost.cpu_s, String::new()));
        }
        format!(
            "{table}\nFrom the spawn to the first request for an invocation; {} bytes against {}.\n",
            self.bootstrap.bytes, self.hello.bytes
        )
    }

    /// The worst ratio of the wall clock.
    pub fn worst_ratio(&self) -> f64 {
        self.comparisons.iter().map(|comparison| comparison.wall.value).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bootstrap");
        fs::write(&path, format!("#!/bin/bash\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        dir
    }

    fn sending(request: &str) -> String {
        format!(
            "exec 3<>/dev/tcp/${{AWS_LAMBDA_RUNTIME_API/://}}; printf '{request} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; read -r <&3"
        )
    }

    #[test]
    fn a_start_ends_with_the_request_for_an_invocation() {
        let dir = script(&format!("sleep 0.2; {}", sending("GET /2018-06-01/runtime/invocation/next")));
        let cost = start(&dir.path().join("bootstrap"), Endpoint::Http).unwrap();
        assert!(cost.wall_s > 0.2 && cost.wall_s < 10.0, "{cost:?}");
        assert!(cost.cpu_s > 0.0, "{cost:?}");
    }

    #[test]
    fn a_start_that_fails_is_an_error_and_not_a_number() {
        let dir = script(&sending("POST /2018-06-01/runtime/init/error"));
        let error = start(&dir.path().join("bootstrap"), Endpoint::Default).unwrap_err();
        assert!(error.to_string().contains("InitError"), "{error}");
    }

    #[test]
    fn only_the_http_endpoint_is_named() {
        let names = |endpoint| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
            environment(address, endpoint).into_iter().any(|(name, _)| name == "AWS_ENDPOINT_URL_S3")
        };
        assert!(names(Endpoint::Http));
        assert!(!names(Endpoint::Default));
    }
}
