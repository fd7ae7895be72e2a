//! A function that speaks the Runtime API with the standard library alone, so that what the stack
//! says on the wire is seen as it is.
//!
//! The key of an event says what to do: `error-N` fails the first N times, `exit-N` ends the process,
//! `hang-N` never answers and starts a child that does not end, `item-error-N` fails as an item of a
//! batch, `meet-N-…` waits for N of its kind, `slow` takes its time. Everything else succeeds.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An event as the function got it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Received {
    pub(crate) request_id: String,
    pub(crate) deadline_ms: i64,
    pub(crate) event: Value,
    pub(crate) process: u32,
    pub(crate) child: Option<u32>,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Received {
    /// Reads all notes, in the order in which they were written.
    pub(crate) fn read_all(notes: &Path) -> Vec<Received> {
        let mut files: Vec<PathBuf> = fs::read_dir(notes)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        files.sort();
        files.iter().map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect()
    }

    /// The key of an S3 notification.
    pub(crate) fn key(&self) -> String {
        key_of(&self.event).unwrap()
    }

    /// The keys of a batch of S3 notifications in SQS messages.
    pub(crate) fn queued_keys(&self) -> Vec<String> {
        queued(&self.event).into_iter().map(|(_, key)| key).collect()
    }
}

/// Serves invocations until it is killed; returns at once where there is no Runtime API.
pub(crate) fn run() {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else { return };
    if let Ok(message) = std::env::var("FAKE_INIT_ERROR") {
        let error = json!({ "errorType": "Config.Invalid", "errorMessage": message });
        request(&api, "POST", "init/error", &error.to_string());
        std::process::exit(1);
    }
    let notes = PathBuf::from(std::env::var_os("FAKE_NOTES").unwrap());
    loop {
        let (headers, body) = request(&api, "GET", "invocation/next", "");
        let id = &headers["lambda-runtime-aws-request-id"];
        let event: Value = serde_json::from_str(&body).unwrap();
        let mut received = Received {
            request_id: id.clone(),
            deadline_ms: headers["lambda-runtime-deadline-ms"].parse().unwrap(),
            event: event.clone(),
            process: std::process::id(),
            child: None,
            variables: std::env::vars().collect(),
        };
        let key = key_of(&event).unwrap_or_default();
        let earlier = count_attempt(&notes, &key);
        let asked = |what: &str| times(&key, what).is_some_and(|times| earlier < times);
        if asked("hang-") {
            received.child = Some(std::process::Command::new("sleep").arg("600").spawn().unwrap().id());
        }
        note(&notes, &received);

        if asked("hang-") {
            std::thread::sleep(Duration::from_secs(600));
        } else if asked("exit-") {
            std::process::exit(7);
        } else if asked("error-") {
            let error = json!({ "errorType": "Asked", "errorMessage": "as the key asked" });
            request(&api, "POST", &format!("invocation/{id}/error"), &error.to_string());
            continue;
        } else if let Some(others) = times(&key, "meet-") {
            while meeting(&notes) < others {
                std::thread::sleep(Duration::from_millis(10));
            }
        } else if queued(&event).iter().any(|(_, key)| key == "slow") {
            std::thread::sleep(Duration::from_millis(1500));
        }
        let failed: Vec<Value> = queued(&event)
            .into_iter()
            .filter(|(_, key)| {
                times(key, "item-error-").is_some_and(|times| count_attempt(&notes, key) < times)
            })
            .map(|(id, _)| json!({ "itemIdentifier": id }))
            .collect();
        let answer = json!({ "batchItemFailures": failed });
        request(&api, "POST", &format!("invocation/{id}/response"), &answer.to_string());
    }
}

/// One request on a connection of its own.
fn request(api: &str, method: &str, path: &str, body: &str) -> (BTreeMap<String, String>, String) {
    let mut stream = TcpStream::connect(api).unwrap();
    write!(
        stream,
        "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {api}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains(" 200 ") || line.contains(" 202 "), "{method} {path}: {line}");
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    (headers, String::from_utf8(body).unwrap())
}

/// Writes a note under the next free number.
fn note(notes: &Path, received: &Received) {
    let unfinished = notes.join(format!("{}.unfinished", std::process::id()));
    fs::write(&unfinished, serde_json::to_vec(received).unwrap()).unwrap();
    let free = (0..).map(|n| notes.join(format!("{n:04}.json"))).find(|name| {
        // A link fails where a name exists, so two processes never share a number.
        fs::hard_link(&unfinished, name).is_ok()
    });
    assert!(free.is_some());
    // The next note must not be written through this link.
    fs::remove_file(unfinished).unwrap();
}

/// Counts how often a key came before, across processes; only one has it at a time.
fn count_attempt(notes: &Path, key: &str) -> u32 {
    let file = notes.join(format!("{}.count", key.replace('/', "_")));
    let earlier = fs::read_to_string(&file).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    fs::write(&file, (earlier + 1).to_string()).unwrap();
    earlier
}

/// How many events of the kind that waits for others have arrived.
fn meeting(notes: &Path) -> u32 {
    let all = Received::read_all(notes);
    all.iter().filter(|received| key_of(&received.event).is_some_and(|key| key.starts_with("meet-"))).count()
        as u32
}

/// The number after `what` at the start of a key.
fn times(key: &str, what: &str) -> Option<u32> {
    key.strip_prefix(what)?.split('-').next()?.parse().ok()
}

fn key_of(event: &Value) -> Option<String> {
    event["Records"][0]["s3"]["object"]["key"].as_str().map(str::to_owned)
}

/// The message ids and keys of a batch.
fn queued(event: &Value) -> Vec<(String, String)> {
    let records = event["Records"].as_array().into_iter().flatten();
    records
        .filter_map(|record| {
            let body: Value = serde_json::from_str(record["body"].as_str()?).ok()?;
            Some((record["messageId"].as_str()?.to_owned(), key_of(&body)?))
        })
        .collect()
}
