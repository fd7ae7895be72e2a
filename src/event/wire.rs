//! The JSON of events: only what is used, and optional where some sender omits it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::event::EventError;

/// Reads a piece of JSON as one of the types below.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, EventError> {
    T::deserialize(value).map_err(|error| EventError::Malformed { detail: error.to_string() })
}

#[derive(Deserialize)]
pub(super) struct SqsMessage {
    pub(super) body: String,
}

#[derive(Deserialize)]
pub(super) struct SnsRecord {
    #[serde(rename = "Sns")]
    pub(super) sns: SnsMessage,
}

#[derive(Deserialize)]
pub(super) struct SnsMessage {
    #[serde(rename = "Message")]
    pub(super) message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct S3Record {
    pub(super) event_name: String,
    /// Absent from events that are not about an object.
    pub(super) s3: Option<S3Entity>,
}

#[derive(Deserialize)]
pub(super) struct S3Entity {
    pub(super) bucket: Bucket,
    pub(super) object: S3Object,
}

#[derive(Deserialize)]
pub(super) struct Bucket {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct S3Object {
    pub(super) key: String,
    /// A number; a hint that is not worth an error.
    pub(super) size: Option<Value>,
    #[serde(rename = "eTag")]
    pub(super) etag: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) sequencer: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct EventBridgeEvent {
    pub(super) source: Option<String>,
    pub(super) detail_type: String,
    /// Read only if the event is one of S3's.
    #[serde(default)]
    pub(super) detail: Value,
}

#[derive(Deserialize)]
pub(super) struct EventBridgeDetail {
    pub(super) bucket: Bucket,
    pub(super) object: EventBridgeObject,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct EventBridgeObject {
    pub(super) key: String,
    pub(super) size: Option<Value>,
    pub(super) etag: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) sequencer: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DirectRequest {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version_id: Option<String>,
    pub(super) etag: Option<String>,
    #[serde(flatten)]
    pub(super) options: Map<String, Value>,
}
