//! An execution environment: one process of the function, and the Runtime API that it talks to.

use std::ffi::OsString;
use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{sleep_until, timeout};

use super::runtime_api::{Invocation, RuntimeApi, RuntimeCall};

/// How often the memory of an environment is looked at.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);

/// How long a process may take to end after SIGTERM, before SIGKILL.
const TERMINATION_GRACE: Duration = Duration::from_millis(500);

/// What an environment is started from.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    pub(super) bootstrap: PathBuf,
    /// All variables but the address of the Runtime API; nothing else is inherited.
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) init_timeout: Duration,
}

/// A process of the function that is up.
pub(super) struct Environment {
    pub(super) number: u32,
    pub(super) init: Duration,
    /// Whether an invocation's report has told the time of initialization.
    pub(super) init_reported: bool,
    process: ProcessGroup,
    api: RuntimeApi,
}

/// What an invocation came to.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Response(Bytes),
    Error(Bytes),
    Timeout,
    Exited(String),
}

/// An invocation's outcome and what it took.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) duration: Duration,
    pub(super) max_memory_bytes: u64,
    /// Whether the environment can take another invocation.
    pub(super) is_reusable: bool,
}

impl Environment {
    /// Starts a process, and waits until it asks for its first invocation.
    ///
    /// # Errors
    ///
    /// What the function reported, or how it ended, in words.
    pub(super) async fn start(number: u32, blueprint: &Blueprint) -> Result<Self, String> {
        let mut api =
            RuntimeApi::start().await.map_err(|error| format!("cannot serve the Runtime API: {error}"))?;
        let started = Instant::now();
        let mut process = ProcessGroup::spawn(blueprint, &api)?;
        let limit = sleep_until((started + blueprint.init_timeout).into());
        tokio::select! {
            biased;
            call = api.calls.recv() => match call {
                Some(RuntimeCall::Next) => {}
                Some(RuntimeCall::InitError(body)) => return Err(describe_error(&body)),
                _ => return Err("the function answered before it asked for an invocation".into()),
            },
            status = process.child.wait() => {
                // What it reported just before it ended says more than its exit status.
                return Err(match api.calls.try_recv() {
                    Ok(RuntimeCall::InitError(body)) => describe_error(&body),
                    _ => format!("Runtime.ExitError: {}", describe_exit(status.ok())),
                });
            }
            () = limit => {
                return Err(format!("no request for an invocation within {:?}", blueprint.init_timeout));
            }
        }
        Ok(Environment { number, init: started.elapsed(), init_reported: false, process, api })
    }

    /// Hands out an invocation, and waits for its end; at `limit` the processes are killed.
    pub(super) async fn invoke(&mut self, invocation: Invocation, limit: Duration) -> Finished {
        let started = Instant::now();
        let deadline = sleep_until((started + limit).into());
        tokio::pin!(deadline);
        let mut sample = tokio::time::interval(SAMPLE_INTERVAL);
        let mut max_memory_bytes = 0;
        let mut answer = None;
        // A failed send shows below: the other end is only gone with the environment.
        let _ = self.api.invocations.send(invocation);

        let (outcome, is_reusable) = loop {
            tokio::select! {
                biased;
                call = self.api.calls.recv() => match call {
                    Some(RuntimeCall::Response(body)) => answer = Some(Outcome::Response(body)),
                    Some(RuntimeCall::Error(body)) => answer = Some(Outcome::Error(body)),
                    // The runtime asks for the next invocation: it is done with this one.
                    Some(RuntimeCall::Next) => if let Some(outcome) = answer.take() {
                        break (outcome, true);
                    },
                    Some(RuntimeCall::InitError(_)) => {}
                    None => break (Outcome::Exited("the Runtime API is gone".into()), false),
                },
                status = self.process.child.wait() => {
                    let exited = || Outcome::Exited(describe_exit(status.ok()));
                    break (answer.take().unwrap_or_else(exited), false);
                }
                () = &mut deadline => {
                    break (answer.take().unwrap_or(Outcome::Timeout), false);
                }
                _ = sample.tick() => max_memory_bytes = max_memory_bytes.max(self.process.memory_bytes()),
            }
        };
        let duration = started.elapsed();
        max_memory_bytes = max_memory_bytes.max(self.process.memory_bytes());
        if !is_reusable {
            self.process.kill().await;
        }
        Finished { outcome, duration, max_memory_bytes, is_reusable }
    }

    /// Ends the processes: asks first, then kills.
    pub(super) async fn shut_down(mut self) {
        self.process.terminate();
        let _ = timeout(TERMINATION_GRACE, self.process.child.wait()).await;
        self.process.kill().await;
    }
}

/// The function's process, and the workers it started, which are in its process group.
struct ProcessGroup {
    child: Child,
    leader: Option<Pid>,
}

impl ProcessGroup {
    fn spawn(blueprint: &Blueprint, api: &RuntimeApi) -> Result<Self, String> {
        let fail = |error| format!("cannot start {}: {error}", blueprint.bootstrap.display());
        // Our standard output is for events; what a function prints is its log.
        let log = std::io::stderr().as_fd().try_clone_to_owned().map_err(fail)?;
        let mut command = Command::new(&blueprint.bootstrap);
        command
            .env_clear()
            .envs(blueprint.variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::from(log))
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = blueprint.bootstrap.parent().filter(|path| path.is_dir()) {
            command.current_dir(directory);
        }
        let child = command.spawn().map_err(fail)?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(ProcessGroup { child, leader })
    }

    /// Asks the function, not its workers, to end.
    fn terminate(&self) {
        if let (Some(leader), Some(_)) = (self.leader, self.child.id()) {
            let _ = kill_process(leader, Signal::TERM);
        }
    }

    /// Kills the group, and waits until its leader is gone.
    async fn kill(&mut self) {
        self.kill_group();
        let _ = self.child.wait().await;
    }

    fn kill_group(&mut self) {
        // Once: later on, the number may be another group's.
        if let Some(leader) = self.leader.take() {
            // It fails only if nobody of the group is left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// The resident memory of the function and its workers, at least the function's own peak.
    fn memory_bytes(&self) -> u64 {
        let Some(leader) = self.leader else { return 0 };
        let leader = leader.as_raw_nonzero().get();
        let own = status_bytes(leader, "VmRSS:");
        let workers: u64 = children(leader).into_iter().map(|id| status_bytes(id, "VmRSS:")).sum();
        (own + workers).max(status_bytes(leader, "VmHWM:"))
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// The processes that any thread of this one started.
fn children(process: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// A line of `/proc/<process>/status` that is in kB, in bytes; 0 if the process is gone.
fn status_bytes(process: i32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()).and_then(|n| n.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// `errorType: errorMessage` of a runtime's error, or the whole of it.
pub(super) fn describe_error(body: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name| parsed.as_ref().and_then(|error| error.get(name)).and_then(|value| value.as_str());
    match (field("errorType"), field("errorMessage")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, Some(message)) => message.to_owned(),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

fn describe_exit(status: Option<ExitStatus>) -> String {
    match status {
        Some(status) => format!("the function's process ended: {status}"),
        None => "the function's process ended".into(),
    }
}
