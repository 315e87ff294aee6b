//! One request that changes something, or would: with the warnings that the server sends along, and with what is not
//! known when no answer came.
//!
//! Such a request is repeated like a GET: what a restore sends can be sent twice, since a second create of a name finds
//! the first. Only, whoever is told that the name exists must know that it may be his own doing: [`Refusal::unsure`].

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, Request};
use kube::client::Body;
use kube::core::Status;

use super::{Api, Error, Failure, JSON, connection, pause, refusal, retry_after};

/// A server-side apply patch. JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";
/// A JSON merge patch (RFC 7396).
const MERGE: &str = "application/merge-patch+json";

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// POST to the collection.
    Create,
    /// Server-side apply.
    Apply,
    /// A JSON merge patch.
    Merge,
    /// PUT.
    Replace,
    /// DELETE; the body holds the options.
    Delete,
}

impl Action {
    const fn method(self) -> Method {
        match self {
            Self::Create => Method::POST,
            Self::Apply | Self::Merge => Method::PATCH,
            Self::Replace => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Apply => APPLY,
            Self::Merge => MERGE,
            Self::Create | Self::Replace | Self::Delete => JSON,
        }
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Write {
    /// What is done.
    pub action: Action,
    /// Encoded path and query.
    pub path: String,
    /// JSON.
    pub body: Bytes,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// JSON: the object as it is now, or would be.
    pub body: Bytes,
    /// What the server remarks on what it did (`Warning` headers, RFC 7234 §5.5).
    pub warnings: Vec<String>,
}

/// No, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The last answer.
    pub error: Error,
    /// As the server said it, with what it names one by one; none when it said nothing.
    pub status: Option<Box<Status>>,
    /// Whether it may have been done all the same: an attempt was sent and not answered.
    pub unsure: bool,
}

impl Api {
    /// Sends a request that changes something.
    pub async fn write(&self, write: &Write) -> Result<Answer, Refusal> {
        let (mut attempt, mut unsure) = (1, false);
        loop {
            let sent = tokio::time::timeout(self.patience.request, self.send(write)).await;
            let (failure, status) = match sent {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failed)) => failed,
                Err(_) => (Failure::from(Error::Silence { after: self.patience.request }), None),
            };
            unsure |= may_be_done(&failure.error);
            let Some(wait) = pause(&failure, attempt, &self.patience) else {
                return Err(Refusal { error: failure.error, status, unsure });
            };
            tracing::debug!(path = write.path, attempt, error = %failure.error, "the API server is asked again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn send(&self, write: &Write) -> Result<Answer, (Failure, Option<Box<Status>>)> {
        let alone = |failure| (failure, None);
        let request = Request::builder()
            .method(write.action.method())
            .uri(&write.path)
            .header(ACCEPT, JSON)
            .header(CONTENT_TYPE, write.action.content_type())
            .body(Body::from(write.body.clone()))
            .map_err(|error| alone(Failure::from(Error::Connection { message: error.to_string() })))?;
        let response = self.client.send(request).await.map_err(|error| alone(connection(&error)))?;
        let (status, asked, warnings) =
            (response.status(), retry_after(&response), warnings(response.headers()));
        let body = response.into_body().collect_bytes().await.map_err(|error| alone(connection(&error)))?;
        if status.is_success() {
            return Ok(Answer { body, warnings });
        }
        let error = refusal(status, &body);
        let said = said(&error, &body).map(Box::new);
        Err((Failure { error, asked }, said))
    }
}

/// Whether a request that ended so may have been carried out.
fn may_be_done(error: &Error) -> bool {
    match error {
        // etcd may write after its client has given up. A webhook is asked before anything is written.
        Error::Status { status: 500, message, .. } => !message.contains("webhook"),
        // A proxy in between answers with these for a server that took the request and fell silent.
        Error::Status { status, .. } => matches!(status, 502 | 504),
        Error::Silence { .. } | Error::Connection { .. } | Error::Garbled { .. } => true,
    }
}

/// The answer as a Status object, also where it comes from something in between that does not write one.
fn said(error: &Error, body: &[u8]) -> Option<Status> {
    let Error::Status { status: code, reason, message } = error else { return None };
    let written: Status = serde_json::from_slice(body).unwrap_or_default();
    Some(Status { code: *code, reason: reason.clone(), message: message.clone(), ..written })
}

fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all("warning")
        .into_iter()
        .filter_map(|value| warning(&String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

/// The text of `299 - "text"`, in which `"` and `\` are escaped.
fn warning(header: &str) -> Option<String> {
    let quoted = header.splitn(3, ' ').nth(2)?.strip_prefix('"')?;
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;

    #[test]
    fn a_warning_is_read_as_the_server_wrote_it() {
        for (header, text) in [
            (r#"299 - "unknown field \"spec.foo\"""#, Some(r#"unknown field "spec.foo""#)),
            (r#"299 - "a \\ b""#, Some(r"a \ b")),
            (r#"299 agent "text" "Mon, 01 Jan 2026""#, Some("text")),
            (r#"299 - """#, Some("")),
            (r#"299 - "cut"#, None),
            ("299", None),
            ("", None),
        ] {
            assert_eq!(warning(header).as_deref(), text, "{header}");
        }
    }

    #[test]
    fn what_the_server_said_is_kept_whoever_said_it() {
        let body = br#"{"kind":"Status","code":409,"reason":"Conflict","message":"Apply failed","details":{"causes":[
            {"reason":"FieldManagerConflict","message":"conflict with \"kubectl\" using apps/v1","field":".spec.replicas"}]}}"#;
        let read = |code, body: &[u8]| said(&refusal(code, body), body).unwrap();
        let status = read(StatusCode::CONFLICT, body);
        let causes = status.details.unwrap().causes;
        assert_eq!((status.code, causes[0].field.as_str()), (409, ".spec.replicas"));
        let status = read(StatusCode::BAD_GATEWAY, b"upstream is gone\n<html>");
        assert_eq!((status.code, status.message.as_str(), status.details), (502, "upstream is gone", None));
    }

    #[test]
    fn what_was_refused_was_not_done_and_what_was_not_answered_may_be() {
        let said = |status, message: &str| Error::Status {
            status,
            reason: String::new(),
            message: message.to_owned(),
        };
        let status = |status| said(status, "");
        for (error, expected) in [
            (status(400), false),
            (status(409), false),
            (status(429), false),
            (said(500, "failed calling webhook \"x\": connection refused"), false),
            (said(500, "etcdserver: request timed out"), true),
            (status(503), false),
            (status(504), true),
            (Error::Silence { after: Duration::ZERO }, true),
            (Error::Connection { message: String::new() }, true),
        ] {
            assert_eq!(may_be_done(&error), expected, "{error}");
        }
    }
}
