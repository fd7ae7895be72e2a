//! A local stack in a folder of its own, and a client of it.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use pdf2img::manifest::Manifest;
use pdf2img_cli::local::{InvocationStatus, LocalEvent, LocalOptions, LocalStack};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A folder for the objects, with a script that notes its process id and becomes the real `bootstrap`.
pub(crate) struct Place {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// An object as the client got it.
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) content_type: String,
    pub(crate) metadata: HashMap<String, String>,
}

impl Place {
    pub(crate) fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = folder.path().join("bootstrap");
        let pid = folder.path().join("pid");
        let script =
            format!("#!/bin/sh\necho $$ > '{}'\nexec '{}'\n", pid.display(), env!("CARGO_BIN_EXE_bootstrap"));
        fs::write(&bootstrap, script).unwrap();
        fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
        let place = Place { folder, variables: Vec::new() };
        place.set("LOG", "warn").set("LOG_FORMAT", "text")
    }

    /// Sets an option of the function, by the name of its variable without `PDF2IMG_`.
    pub(crate) fn set(mut self, option: &str, value: &str) -> Place {
        self.variables.push((format!("PDF2IMG_{option}"), value.to_owned()));
        self
    }

    pub(crate) fn options(&self) -> LocalOptions {
        let options =
            LocalOptions::new(self.folder.path().join("data"), self.folder.path().join("bootstrap"));
        let mut options =
            self.variables.iter().fold(options, |options, (name, value)| options.variable(name, value));
        options.retry_backoff = Duration::from_millis(50);
        options.contact_sheets = false;
        options
    }

    pub(crate) async fn start(&self, change: impl FnOnce(&mut LocalOptions)) -> LocalStack {
        let mut options = self.options();
        change(&mut options);
        LocalStack::start(options).await.unwrap()
    }

    /// A file below the buckets' folder.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("data").join(path)
    }

    /// Kills the function that was started last, as an exhausted machine would.
    pub(crate) fn kill_function(&self) {
        let pid = fs::read_to_string(self.folder.path().join("pid")).unwrap();
        kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    }

    pub(crate) async fn put(&self, stack: &LocalStack, bucket: &str, key: &str, body: Vec<u8>) {
        let put = client(stack).put_object().bucket(bucket).key(key);
        put.body(ByteStream::from(body)).send().await.unwrap();
    }

    pub(crate) async fn get(&self, stack: &LocalStack, bucket: &str, key: &str) -> Object {
        let answer = client(stack).get_object().bucket(bucket).key(key).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("no {key}: {error:?}"));
        Object {
            content_type: answer.content_type().unwrap_or_default().to_owned(),
            metadata: answer.metadata().cloned().unwrap_or_default(),
            body: answer.body.collect().await.unwrap().into_bytes(),
        }
    }

    /// The manifest at a key of the output bucket.
    pub(crate) async fn manifest(&self, stack: &LocalStack, key: &str) -> Manifest {
        serde_json::from_slice(&self.get(stack, "pdf-out", key).await.body).unwrap()
    }

    pub(crate) async fn keys(&self, stack: &LocalStack, bucket: &str) -> Vec<String> {
        let listing = client(stack).list_objects_v2().bucket(bucket).send().await.unwrap();
        listing.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    /// Invokes the function and waits for its answer, or its error.
    pub(crate) async fn invoke(&self, stack: &LocalStack, event: &Value) -> Value {
        let address = stack.lambda_endpoint().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = event.to_string();
        let request = format!(
            "POST /2015-03-31/functions/pdf2img/invocations HTTP/1.1\r\nhost: {address}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
    }
}

/// How the invocations ended, in order.
pub(crate) fn outcomes(stack: &LocalStack) -> Vec<InvocationStatus> {
    stack.reports().iter().map(|report| report.outcome).collect()
}

/// The environments that were started, in order.
pub(crate) fn initialized(stack: &LocalStack) -> Vec<u32> {
    let environment = |event| match event {
        LocalEvent::Initialized { environment, .. } => Some(environment),
        _ => None,
    };
    stack.log().into_iter().filter_map(environment).collect()
}

fn client(stack: &LocalStack) -> aws_sdk_s3::Client {
    let credentials = &stack.options().credentials;
    let (id, secret) = (&credentials.access_key_id, &credentials.secret_access_key);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(stack.options().region.clone()))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .endpoint_url(stack.endpoint())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}
