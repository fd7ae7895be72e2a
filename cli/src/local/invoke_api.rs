//! Lambda's Invoke API, so that `aws lambda invoke` works; requests need no signature here.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};

use super::delivery::Dispatcher;
use super::events::uuid;
use super::function::{self, Function, Invoked};
use super::http::{self, Answer};

/// Answers `POST /2015-03-31/functions/pdf2img/invocations`.
pub(super) async fn answer(
    function: Arc<Function>,
    dispatcher: Dispatcher,
    request: Request<Incoming>,
) -> Answer {
    let Some(name) = function_name(request.uri().path()) else {
        let message = "only the Invoke API is served: POST /2015-03-31/functions/pdf2img/invocations";
        return Ok(http::error(StatusCode::NOT_FOUND, "UnknownOperationException", message));
    };
    if name != function::NAME && name != function.arn() {
        let message = format!("Function not found: {name}; the one here is {}", function.arn());
        return Ok(http::error(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message));
    }
    if request.method() != Method::POST {
        let message = "invoke a function with POST";
        return Ok(http::error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowedException", message));
    }
    let mode = request.headers().get("x-amz-invocation-type").cloned();
    let payload = match http::read_payload(request.into_body()).await {
        Ok(payload) if payload.is_empty() => Bytes::from_static(b"{}"),
        Ok(payload) => payload,
        Err(refusal) => return Ok(refusal),
    };
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&payload) {
        let message = format!("could not parse the payload as JSON: {error}");
        return Ok(http::error(StatusCode::BAD_REQUEST, "InvalidRequestContentException", &message));
    }

    let request_id = uuid();
    let mut response = match mode.as_ref().map_or(b"RequestResponse".as_slice(), |mode| mode.as_bytes()) {
        b"RequestResponse" => invoke(&dispatcher, request_id.clone(), payload).await,
        b"Event" => {
            dispatcher.invoke_later(request_id.clone(), payload);
            http::json(StatusCode::ACCEPTED, Bytes::new())
        }
        b"DryRun" => http::json(StatusCode::NO_CONTENT, Bytes::new()),
        _ => {
            let message = "X-Amz-Invocation-Type is RequestResponse, Event or DryRun";
            http::error(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
        }
    };
    if let Ok(request_id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-amzn-requestid", request_id);
    }
    Ok(response)
}

async fn invoke(dispatcher: &Dispatcher, request_id: String, payload: Bytes) -> Response<Full<Bytes>> {
    let (body, has_failed) = match dispatcher.invoke_now(request_id, payload).await {
        Some(Invoked::Response(body)) => (body, false),
        Some(Invoked::Failed { payload }) => (payload, true),
        None => {
            let message = "the local stack is shutting down";
            return http::error(StatusCode::SERVICE_UNAVAILABLE, "ServiceException", message);
        }
    };
    let mut response = http::json(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if has_failed {
        headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    }
    response
}

/// The name or ARN in the path, decoded.
fn function_name(path: &str) -> Option<String> {
    let name = path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
    Some(percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned())
}
