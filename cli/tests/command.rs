//! `pdf2img local` as a shell and a script see it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[test]
fn the_first_line_of_json_is_all_that_a_client_needs_and_sigterm_ends_it_well() {
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = write_script(folder.path(), PATIENT_FUNCTION);
    let mut command = local(folder.path(), &bootstrap);
    let mut running = command.arg("--json").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();

    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    for name in ["region", "access_key_id", "secret_access_key", "input_bucket", "output_bucket"] {
        assert!(first[name].as_str().is_some_and(|value| !value.is_empty()), "{name} in {first}");
    }
    for name in ["endpoint", "lambda_endpoint"] {
        assert!(first[name].as_str().unwrap().starts_with("http://127.0.0.1:"), "{name} in {first}");
    }
    let second: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(second["type"], "initialized");

    signal(&running, Signal::TERM);
    assert_eq!(running.wait().unwrap().code(), Some(0));
    let function: i32 = fs::read_to_string(folder.path().join("pid")).unwrap().trim().parse().unwrap();
    assert!(!Path::new("/proc").join(function.to_string()).exists(), "the function outlived its stack");
}

#[test]
fn a_missing_bootstrap_ends_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let output = local(folder.path(), Path::new("/nowhere/bootstrap")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("/nowhere/bootstrap") && message.contains("cargo build"), "{message}");
}

#[test]
fn a_function_that_cannot_start_ends_the_command_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = write_script(folder.path(), "echo no luck >&2; exit 3");
    let output = local(folder.path(), &bootstrap).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("no luck"), "its own words pass through: {message}");
    assert!(
        message.contains("the function did not start") && message.contains("exit status: 3"),
        "{message}"
    );
}

#[test]
fn a_bad_duration_names_what_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let output = local(folder.path(), Path::new("/bin/true")).args(["--timeout", "soon"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("write 500ms, 60s or 15m"));
}

/// Asks for its first invocation by hand, notes its process id, and waits.
const PATIENT_FUNCTION: &str = r#"
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
echo $$ > pid
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: lambda\r\n\r\n' >&3
cat <&3"#;

fn write_script(folder: &Path, body: &str) -> PathBuf {
    let script = folder.join("bootstrap");
    fs::write(&script, format!("#!/bin/bash\n{body}\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

fn local(folder: &Path, bootstrap: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pdf2img"));
    command.arg("local").arg("--data").arg(folder.join("data")).arg("--bootstrap").arg(bootstrap);
    command
}

fn signal(process: &Child, signal: Signal) {
    let id = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}
