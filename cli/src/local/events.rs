//! What AWS sends a function when an object appears: the JSON of S3, SQS and EventBridge.

use std::fmt::Write;

use form_urlencoded::byte_serialize;
use jiff::Timestamp;
use s3s::crypto::{Checksum, Md5};
use serde_json::{Value, json};

/// The account that everything here belongs to.
pub(super) const ACCOUNT_ID: &str = "123456789012";

/// What made an object appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreatedBy {
    Put,
    Copy,
    CompleteMultipartUpload,
}

impl CreatedBy {
    /// The name of the event in an S3 notification.
    pub(super) fn event_name(self) -> &'static str {
        match self {
            CreatedBy::Put => "ObjectCreated:Put",
            CreatedBy::Copy => "ObjectCreated:Copy",
            CreatedBy::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
        }
    }

    /// The reason in an EventBridge event.
    fn reason(self) -> &'static str {
        match self {
            CreatedBy::Put => "PutObject",
            CreatedBy::Copy => "CopyObject",
            CreatedBy::CompleteMultipartUpload => "CompleteMultipartUpload",
        }
    }
}

/// An object that appeared.
#[derive(Debug, Clone)]
pub(super) struct ObjectCreated {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) bytes: u64,
    /// Without its quotes.
    pub(super) etag: String,
    pub(super) created_by: CreatedBy,
    pub(super) at: Timestamp,
}

/// An S3 event notification.
pub(super) fn s3_notification(object: &ObjectCreated, region: &str) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": format!("{:.3}", object.at),
        "eventName": object.created_by.event_name(),
        "userIdentity": { "principalId": "AWS:AIDALOCALLOCALLOCALLO" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {
            "x-amz-request-id": random_hex(8).to_uppercase(),
            "x-amz-id-2": random_hex(32),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "pdf2img-local",
            "bucket": {
                "name": object.bucket,
                "ownerIdentity": { "principalId": "A1LOCALLOCALLO" },
                "arn": bucket_arn(&object.bucket),
            },
            "object": {
                "key": form_encode_key(&object.key),
                "size": object.bytes,
                "eTag": object.etag,
                "sequencer": sequencer(object.at),
            },
        },
    }]})
}

/// An EventBridge event; here the key stands as it is.
pub(super) fn eventbridge_event(object: &ObjectCreated, region: &str) -> Value {
    json!({
        "version": "0",
        "id": uuid(),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT_ID,
        "time": format!("{:.0}", object.at),
        "region": region,
        "resources": [bucket_arn(&object.bucket)],
        "detail": {
            "version": "0",
            "bucket": { "name": object.bucket },
            "object": {
                "key": object.key,
                "size": object.bytes,
                "etag": object.etag,
                "sequencer": sequencer(object.at),
            },
            "request-id": random_hex(8).to_uppercase(),
            "requester": ACCOUNT_ID,
            "source-ip-address": "127.0.0.1",
            "reason": object.created_by.reason(),
        },
    })
}

/// A message as SQS hands it to a function.
pub(super) struct SqsMessage<'a> {
    pub(super) id: &'a str,
    pub(super) body: &'a str,
    /// How often it was received, this time included.
    pub(super) receive_count: u32,
    pub(super) sent: Timestamp,
    pub(super) first_received: Timestamp,
}

/// A batch of SQS messages.
pub(super) fn sqs_event<'a>(messages: impl Iterator<Item = SqsMessage<'a>>, region: &str) -> Value {
    let records: Vec<Value> = messages
        .map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": random_hex(32),
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": message.receive_count.to_string(),
                    "SentTimestamp": message.sent.as_millisecond().to_string(),
                    "SenderId": "AIDALOCALLOCALLOCALLO",
                    "ApproximateFirstReceiveTimestamp": message.first_received.as_millisecond().to_string(),
                },
                "messageAttributes": {},
                "md5OfBody": hex(&Md5::checksum(message.body.as_bytes())),
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:{region}:{ACCOUNT_ID}:pdf2img"),
                "awsRegion": region,
            })
        })
        .collect();
    json!({ "Records": records })
}

/// A random (version 4) UUID.
pub(super) fn uuid() -> String {
    let mut bytes: [u8; 16] = random_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

/// As many random bytes as asked for, in hexadecimal.
pub(super) fn random_hex(bytes: usize) -> String {
    let random: [u8; 64] = random_bytes();
    hex(&random[..bytes.min(random.len())])
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Every Linux this runs on has getrandom(2), which does not fail once the machine is up.
    getrandom::fill(&mut bytes).expect("the kernel gives random numbers");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A key as S3 notifications write it: as in a form, but with slashes left alone.
fn form_encode_key(key: &str) -> String {
    key.split('/')
        .map(|part| byte_serialize(part.as_bytes()).collect::<String>())
        .collect::<Vec<_>>()
        .join("/")
}

/// A value that sorts the events of one key.
fn sequencer(at: Timestamp) -> String {
    format!("{:018X}", at.as_nanosecond())
}

fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_encodes_the_key_as_a_form_and_eventbridge_does_not() {
        let object = ObjectCreated {
            bucket: "pdf-in".into(),
            key: "inbox/Ünï côdé + plus & (1).PDF".into(),
            bytes: 7,
            etag: "d41d8cd98f00b204e9800998ecf8427e".into(),
            created_by: CreatedBy::Put,
            at: "2026-11-20T17:41:12.1234Z".parse().unwrap(),
        };

        let notification = s3_notification(&object, "eu-west-1");
        let record = &notification["Records"][0];
        assert_eq!(
            record["s3"]["object"]["key"],
            "inbox/%C3%9Cn%C3%AF+c%C3%B4d%C3%A9+%2B+plus+%26+%281%29.PDF"
        );
        assert_eq!(record["eventTime"], "2026-11-20T17:41:12.123Z");
        assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::pdf-in");

        let event = eventbridge_event(&object, "eu-west-1");
        assert_eq!(event["detail"]["object"]["key"], object.key);
        assert_eq!(event["time"], "2026-11-20T17:41:12Z");
    }

    #[test]
    fn the_digest_of_an_sqs_body_is_its_md5() {
        let now = Timestamp::UNIX_EPOCH;
        let message = SqsMessage { id: "m", body: "hello", receive_count: 1, sent: now, first_received: now };
        let event = sqs_event([message].into_iter(), "eu-west-1");
        assert_eq!(event["Records"][0]["md5OfBody"], "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn later_events_have_greater_sequencers() {
        let earlier = sequencer("2026-11-20T17:41:12Z".parse().unwrap());
        let later = sequencer("2026-11-20T17:41:13Z".parse().unwrap());
        assert!(earlier < later);
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert_ne!(id, uuid());
    }
}
