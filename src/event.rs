//! What an invocation asks for: the JSON of its event, as a list of jobs.
//!
//! [`parse`] takes what S3 sends, directly or through SQS, SNS or EventBridge, and what a person
//! sends who invokes the function directly. It is tolerant of what S3-compatible servers omit, and
//! a record that it cannot read does not take the others with it.
//!
//! S3 notifications carry keys in form encoding; EventBridge and direct invokes carry them as they
//! are. Which of them a key came by is known only here.

mod key;
mod wire;

use serde_json::{Map, Value};

use crate::store::ObjectRef;

/// What an invocation asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The objects to look at, in the order of the event.
    pub jobs: Vec<Job>,
    /// The records that cannot be read. To try them again cannot help; one that came by SQS is
    /// reported as failed all the same, so that it ends in the queue's dead-letter queue.
    pub rejected: Vec<Rejected>,
    /// The records that need nothing done, such as deletions.
    pub ignored: Vec<Ignored>,
    /// How the invocation is answered.
    pub reply: Reply,
}

/// One object to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The object.
    pub source: ObjectRef,
    /// Its length in bytes, if the event told. It is a hint: the object itself is the truth.
    pub bytes: Option<u64>,
    /// S3's mark of order between events on the same key: of two, padded on the right with zeros
    /// to the same length, the greater is the later.
    pub sequencer: Option<String>,
    /// Options that differ from the deployment's; empty but for direct invokes, which may come
    /// through a queue too.
    pub overrides: Map<String, Value>,
    /// The SQS message that it came in.
    pub message_id: Option<String>,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The SQS message that it came in.
    pub message_id: Option<String>,
    /// What is wrong with it.
    pub error: EventError,
}

/// A record that needs nothing done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The SQS message that it came in.
    pub message_id: Option<String>,
    /// What it is, for the log.
    pub reason: String,
}

/// How an invocation is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply {
    /// It came from S3, or from SNS: Lambda looks only at success or failure.
    S3,
    /// It came from SQS: the answer lists the messages that failed as `batchItemFailures`.
    Sqs,
    /// It came from EventBridge: Lambda looks only at success or failure.
    EventBridge,
    /// Someone waits for the result.
    Direct,
    /// S3 tries out a new notification: success, and nothing else.
    TestEvent,
}

/// What is wrong with an event, or with one record of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// It is none of the events that are known.
    #[error(
        "the event is none that is known: it must come from S3, SQS, SNS or EventBridge, or have \
         \"bucket\" and \"key\"; its fields are {fields}"
    )]
    Unknown {
        /// The names of its fields, or what it is instead of an object.
        fields: String,
    },
    /// A message's body is not JSON.
    #[error("the message is not JSON: {detail}")]
    NotJson {
        /// Where it stops to be.
        detail: String,
    },
    /// A field is missing or has another type.
    #[error("the record cannot be read: {detail}")]
    Malformed {
        /// Which.
        detail: String,
    },
    /// The key is not UTF-8 once it is decoded.
    #[error("the key {key:?} is not UTF-8 once it is decoded")]
    KeyNotUtf8 {
        /// The key as it was sent.
        key: String,
    },
}

impl EventError {
    /// The stable code of this kind of failure, as it stands in logs.
    pub fn code(&self) -> &'static str {
        match self {
            EventError::Unknown { .. } => "unknown_event",
            EventError::NotJson { .. } => "message_not_json",
            EventError::Malformed { .. } => "malformed_record",
            EventError::KeyNotUtf8 { .. } => "key_not_utf8",
        }
    }
}

/// Reads an event.
///
/// # Errors
///
/// [`EventError::Unknown`] if it is none of the events that are known. What is wrong with single
/// records is in [`Invocation::rejected`]; for a direct invoke, which has one, it is the error.
pub fn parse(payload: &Value) -> Result<Invocation, EventError> {
    let mut batch = Batch::default();
    let reply = batch.read(payload, None)?;
    let Batch { jobs, mut rejected, ignored } = batch;
    if reply == Reply::Direct
        && let Some(rejected) = rejected.pop()
    {
        return Err(rejected.error);
    }
    Ok(Invocation { jobs, rejected, ignored, reply })
}

/// The records of an event while they are gathered.
#[derive(Default)]
struct Batch {
    jobs: Vec<Job>,
    rejected: Vec<Rejected>,
    ignored: Vec<Ignored>,
}

impl Batch {
    /// Reads an event, or what SQS or SNS wrapped; tells how it would be answered.
    ///
    /// Each wrapping is a JSON text within a JSON text, of which the length bounds the depth.
    fn read(&mut self, payload: &Value, message_id: Option<&str>) -> Result<Reply, EventError> {
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        if let Some(records) = payload.get("Records").and_then(Value::as_array) {
            return Ok(self.read_records(records, message_id));
        }
        if text("Event") == Some("s3:TestEvent") {
            self.ignore(message_id, "s3:TestEvent");
            return Ok(Reply::TestEvent);
        }
        if payload.get("detail-type").is_some() {
            let record = self.read_eventbridge(payload, message_id);
            self.reject_failed(record, message_id);
            return Ok(Reply::EventBridge);
        }
        if text("Type") == Some("Notification")
            && let Some(message) = text("Message")
        {
            return self.read_message(message, message_id).map(|reply| match reply {
                Reply::TestEvent => Reply::TestEvent,
                _ => Reply::S3,
            });
        }
        if text("bucket").is_some() && text("key").is_some() {
            let record = self.read_direct(payload, message_id);
            self.reject_failed(record, message_id);
            return Ok(Reply::Direct);
        }
        Err(EventError::Unknown { fields: fields_of(payload) })
    }

    /// Reads a text that holds an event.
    fn read_message(&mut self, text: &str, message_id: Option<&str>) -> Result<Reply, EventError> {
        let payload: Value =
            serde_json::from_str(text).map_err(|error| EventError::NotJson { detail: error.to_string() })?;
        self.read(&payload, message_id)
    }

    fn read_records(&mut self, records: &[Value], message_id: Option<&str>) -> Reply {
        let mut reply = Reply::S3;
        for record in records {
            let (outcome, message_id) =
                if record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs") {
                    reply = Reply::Sqs;
                    // Lambda takes no other ids than those of its own batch for failed messages, so the
                    // outermost counts.
                    let id = message_id.or_else(|| record.get("messageId").and_then(Value::as_str));
                    (self.read_sqs(record, id), id)
                } else if record.get("Sns").is_some() {
                    (self.read_sns(record, message_id), message_id)
                } else {
                    (self.read_s3(record, message_id), message_id)
                };
            self.reject_failed(outcome, message_id);
        }
        reply
    }

    fn read_sqs(&mut self, record: &Value, message_id: Option<&str>) -> Result<(), EventError> {
        let message: wire::SqsMessage = wire::read(record)?;
        self.read_message(&message.body, message_id).map(|_| ())
    }

    fn read_sns(&mut self, record: &Value, message_id: Option<&str>) -> Result<(), EventError> {
        let record: wire::SnsRecord = wire::read(record)?;
        self.read_message(&record.sns.message, message_id).map(|_| ())
    }

    fn read_s3(&mut self, record: &Value, message_id: Option<&str>) -> Result<(), EventError> {
        let record: wire::S3Record = wire::read(record)?;
        // MinIO and others write the name as the configuration has it, with its prefix.
        let event = record.event_name.strip_prefix("s3:").unwrap_or(&record.event_name);
        if !event.starts_with("ObjectCreated:") {
            self.ignore(message_id, format!("{event} creates no object"));
            return Ok(());
        }
        let wire::S3Entity { bucket, object } =
            record.s3.ok_or_else(|| EventError::Malformed { detail: "missing field `s3`".to_owned() })?;
        let key = key::decode(&object.key)?;
        self.jobs.push(Job {
            source: ObjectRef {
                bucket: named("bucket name", bucket.name)?,
                key: named("key", key)?,
                version_id: version_id(object.version_id),
                etag: etag(object.etag),
            },
            bytes: object.size.as_ref().and_then(Value::as_u64),
            sequencer: object.sequencer.filter(|sequencer| !sequencer.is_empty()),
            overrides: Map::new(),
            message_id: message_id.map(str::to_owned),
        });
        Ok(())
    }

    fn read_eventbridge(&mut self, event: &Value, message_id: Option<&str>) -> Result<(), EventError> {
        let event: wire::EventBridgeEvent = wire::read(event)?;
        if event.source.as_deref() != Some("aws.s3") || event.detail_type != "Object Created" {
            let source = event.source.unwrap_or_default();
            self.ignore(message_id, format!("{:?} of {source:?} creates no object", event.detail_type));
            return Ok(());
        }
        let wire::EventBridgeDetail { bucket, object } = wire::read(&event.detail)?;
        self.jobs.push(Job {
            source: ObjectRef {
                bucket: named("bucket name", bucket.name)?,
                key: named("key", object.key)?,
                version_id: version_id(object.version_id),
                etag: etag(object.etag),
            },
            bytes: object.size.as_ref().and_then(Value::as_u64),
            sequencer: object.sequencer.filter(|sequencer| !sequencer.is_empty()),
            overrides: Map::new(),
            message_id: message_id.map(str::to_owned),
        });
        Ok(())
    }

    fn read_direct(&mut self, payload: &Value, message_id: Option<&str>) -> Result<(), EventError> {
        let request: wire::DirectRequest = wire::read(payload)?;
        self.jobs.push(Job {
            source: ObjectRef {
                bucket: named("bucket", request.bucket)?,
                key: named("key", request.key)?,
                version_id: version_id(request.version_id),
                etag: etag(request.etag),
            },
            bytes: None,
            sequencer: None,
            overrides: request.options,
            message_id: message_id.map(str::to_owned),
        });
        Ok(())
    }

    fn reject_failed(&mut self, outcome: Result<(), EventError>, message_id: Option<&str>) {
        if let Err(error) = outcome {
            self.rejected.push(Rejected { message_id: message_id.map(str::to_owned), error });
        }
    }

    fn ignore(&mut self, message_id: Option<&str>, reason: impl Into<String>) {
        self.ignored.push(Ignored { message_id: message_id.map(str::to_owned), reason: reason.into() });
    }
}

fn named(what: &str, text: String) -> Result<String, EventError> {
    if text.is_empty() {
        Err(EventError::Malformed { detail: format!("the {what} is empty") })
    } else {
        Ok(text)
    }
}

/// A bucket that keeps no versions sends none, an empty one, or `null`.
fn version_id(id: Option<String>) -> Option<String> {
    id.filter(|id| !id.is_empty() && id != "null")
}

fn etag(etag: Option<String>) -> Option<String> {
    etag.map(|etag| etag.trim_matches('"').to_owned()).filter(|etag| !etag.is_empty())
}

/// The names of an object's fields, not their values, which may be secret.
fn fields_of(payload: &Value) -> String {
    match payload {
        Value::Object(map) if map.is_empty() => "none".to_owned(),
        Value::Object(map) => map.keys().take(20).map(String::as_str).collect::<Vec<_>>().join(", "),
        _ => "none, as it is not an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            serde_json::from_str::<Value>(include_str!(concat!("../tests/fixtures/events/", $name, ".json")))
                .unwrap()
        };
    }

    fn keys(invocation: &Invocation) -> Vec<&str> {
        invocation.jobs.iter().map(|job| job.source.key.as_str()).collect()
    }

    #[test]
    fn a_notification_of_s3_names_a_version_of_an_object() {
        let invocation = parse(&fixture!("s3-put")).unwrap();
        assert_eq!(invocation.reply, Reply::S3);
        let expected = Job {
            source: ObjectRef {
                bucket: "documents".to_owned(),
                key: "inbox/Ünï côdé + plus & (1).PDF".to_owned(),
                version_id: Some("096fKKXTRTtl3on89fVO.nfljtsv6qko".to_owned()),
                etag: Some("d41d8cd98f00b204e9800998ecf8427e".to_owned()),
            },
            bytes: Some(184_292),
            sequencer: Some("0055AED6DCD90281E5".to_owned()),
            overrides: Map::new(),
            message_id: None,
        };
        assert_eq!(invocation.jobs, [expected]);
    }

    #[test]
    fn one_bad_record_does_not_take_the_others_with_it() {
        let invocation = parse(&fixture!("s3-several-records")).unwrap();
        assert_eq!(keys(&invocation), ["a.pdf", "b.pdf"]);
        assert_eq!(invocation.rejected.len(), 1);
        assert_eq!(invocation.rejected[0].error.code(), "key_not_utf8");
        assert_eq!(invocation.ignored.len(), 1);
        assert!(invocation.ignored[0].reason.contains("ObjectRemoved:Delete"));
        // The second comes from a multipart upload, with quotes, and from a bucket without versions.
        let source = &invocation.jobs[1].source;
        assert_eq!(source.etag.as_deref(), Some("9b2cf535f27731c974343645a3985328-3"));
        assert_eq!(source.version_id, None);
    }

    #[test]
    fn a_server_may_omit_all_but_bucket_and_key() {
        let invocation = parse(&fixture!("minio-put")).unwrap();
        assert_eq!(keys(&invocation), ["inbox/report.pdf"]);
        let job = &invocation.jobs[0];
        assert_eq!((&job.source.etag, &job.source.version_id), (&None, &None));
        assert_eq!((job.bytes, &job.sequencer), (None, &None));
    }

    #[test]
    fn each_message_of_a_queue_is_read_for_itself() {
        let invocation = parse(&fixture!("sqs-batch")).unwrap();
        assert_eq!(invocation.reply, Reply::Sqs);
        let jobs: Vec<_> = invocation
            .jobs
            .iter()
            .map(|job| (job.message_id.as_deref().unwrap(), job.source.key.as_str()))
            .collect();
        assert_eq!(
            jobs,
            [
                ("m-two-records", "one.pdf"),
                ("m-two-records", "two.pdf"),
                ("m-sns", "through sns.pdf"),
                ("m-eventbridge", "inbox/a + b %41.pdf"),
            ]
        );
        let rejected: Vec<_> = invocation
            .rejected
            .iter()
            .map(|rejected| (rejected.message_id.as_deref().unwrap(), rejected.error.code()))
            .collect();
        assert_eq!(rejected, [("m-not-json", "message_not_json"), ("m-stranger", "unknown_event")]);
        let ignored: Vec<_> =
            invocation.ignored.iter().map(|ignored| ignored.message_id.as_deref().unwrap()).collect();
        assert_eq!(ignored, ["m-test", "m-sns-test"]);
    }

    #[test]
    fn a_message_within_a_message_is_reported_as_the_outer_one() {
        let inner = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "inner", "body": "no"}]});
        let outer =
            json!({"Records": [{"eventSource": "aws:sqs", "messageId": "outer", "body": inner.to_string()}]});
        let invocation = parse(&outer).unwrap();
        assert_eq!(invocation.rejected[0].message_id.as_deref(), Some("outer"));
    }

    #[test]
    fn sns_is_read_as_what_it_carries() {
        let invocation = parse(&fixture!("sns-of-s3")).unwrap();
        assert_eq!((keys(&invocation), invocation.reply), (vec!["through sns.pdf"], Reply::S3));
    }

    #[test]
    fn eventbridge_sends_keys_as_they_are() {
        let invocation = parse(&fixture!("eventbridge-object-created")).unwrap();
        assert_eq!(invocation.reply, Reply::EventBridge);
        assert_eq!(keys(&invocation), ["inbox/a + b %41.pdf"]);
        let source = &invocation.jobs[0].source;
        assert_eq!(source.etag.as_deref(), Some("b1946ac92492d2347c6235b4d2611184"));
        assert_eq!(source.version_id.as_deref(), Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"));
        assert_eq!(invocation.jobs[0].bytes, Some(5));

        let deleted = parse(&fixture!("eventbridge-object-deleted")).unwrap();
        assert!(deleted.jobs.is_empty() && deleted.rejected.is_empty());
        assert!(deleted.ignored[0].reason.contains("Object Deleted"));
    }

    #[test]
    fn a_direct_invoke_brings_its_options() {
        let invocation = parse(&fixture!("direct")).unwrap();
        assert_eq!(invocation.reply, Reply::Direct);
        let job = &invocation.jobs[0];
        assert_eq!(job.source.key, "inbox/a + b %41.pdf");
        assert_eq!(job.source.version_id.as_deref(), Some("v1"));
        assert_eq!(job.source.etag.as_deref(), Some("abc"));
        let options = json!({"dpi": 300, "format": "jpeg", "annotations": false});
        assert_eq!(Value::Object(job.overrides.clone()), options);
    }

    #[test]
    fn a_test_event_is_acknowledged() {
        let invocation = parse(&fixture!("s3-test-event")).unwrap();
        assert_eq!(invocation.reply, Reply::TestEvent);
        assert!(invocation.jobs.is_empty() && invocation.rejected.is_empty());
    }

    #[test]
    fn strange_events_are_errors_that_show_no_values() {
        for payload in
            [json!(null), json!([]), json!("x"), json!({}), json!({"bucket": "b"}), json!({"a": 1})]
        {
            assert_eq!(parse(&payload).unwrap_err().code(), "unknown_event", "{payload}");
        }
        let error = parse(&json!({"pin": "hunter2"})).unwrap_err().to_string();
        assert!(error.contains("pin") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn records_that_lack_what_is_needed_are_rejected() {
        for record in [
            json!(7),
            json!({}),
            json!({"eventName": "ObjectCreated:Put"}),
            json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {}}}),
            json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": ""}}}),
            json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": ""}, "object": {"key": "k"}}}),
            json!({"eventSource": "aws:sqs", "messageId": "m"}),
        ] {
            let invocation = parse(&json!({"Records": [record]})).unwrap();
            assert_eq!(invocation.jobs, [], "{record}");
            assert_eq!(invocation.rejected.len(), 1, "{record}");
            assert_eq!(invocation.rejected[0].error.code(), "malformed_record", "{record}");
        }
        assert_eq!(parse(&json!({"bucket": "", "key": "k"})).unwrap_err().code(), "malformed_record");
    }
}
