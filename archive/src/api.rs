//! One request to the Kubernetes API: with a deadline, repeated where repeating can help, and with errors that tell the
//! cases apart that a backup or a restore treats differently. What changes something is in [`write`].
//!
//! kube's client has no deadline of its own and repeats 429, 503 and 504 up to 15 times with waits of up to 1000 s.
//! [`configure`] switches the second off; the deadline here also bounds a client that was made without it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use snafu::Snafu;

pub mod write;

/// Plain JSON.
pub const JSON: &str = "application/json";
/// The time to wait before the first repetition; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How long to wait for an API server, and how often to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For one request, its whole body included.
    pub request: Duration,
    /// How often a request is made in all, when the server is overloaded or cannot be reached.
    pub attempts: u32,
    /// The longest that a server may ask us to wait (`Retry-After`).
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { request: Duration::from_mins(1), attempts: 7, longest_wait: Duration::from_secs(30) }
    }
}

/// Why a request has no answer to work with. Never contains a part of an object.
#[derive(Clone, Debug, PartialEq, Eq, Snafu)]
pub enum Error {
    /// The server answered with an error.
    #[snafu(display("{status} {reason}: {message}"))]
    Status {
        /// HTTP status.
        status: u16,
        /// The machine-readable reason of the Status object, or the phrase of the HTTP status.
        reason: String,
        /// What the server says.
        message: String,
    },
    /// Nothing came in time.
    #[snafu(display("no answer within {} s", after.as_secs_f32()))]
    Silence {
        /// The deadline.
        after: Duration,
    },
    /// The connection failed.
    #[snafu(display("{message}"))]
    Connection {
        /// The causes, outermost first.
        message: String,
    },
    /// The answer is not what was asked for.
    #[snafu(display("the answer cannot be read: {message}"))]
    Garbled {
        /// Where and why.
        message: String,
    },
}

impl Error {
    /// An answer that is not the JSON it should be. Says where and of which sort, never what stands there.
    #[must_use]
    pub fn garbled(error: &serde_json::Error) -> Self {
        Self::Garbled { message: told(error) }
    }

    /// The HTTP status, if there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the rights do not suffice.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// Whether the continue token is too old.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.status() == Some(410)
    }

    /// Whether the path does not exist.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.status() == Some(404)
    }

    /// The user whom the server refused, as it names him: `system:serviceaccount:<namespace>:<name>`.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        let Self::Status { message, .. } = self else { return None };
        let (_, rest) = message.split_once("User \"")?;
        rest.split_once('"').map(|(user, _)| user)
    }
}

/// Leaves repetition to this module. For the configuration of the client that is given to [`crate::collect`].
pub fn configure(config: &mut kube::Config) {
    config.default_retry = false;
}

/// A client of the API.
#[derive(Clone)]
pub struct Api {
    client: Client,
    patience: Patience,
}

impl Api {
    /// Asks through `client`.
    #[must_use]
    pub const fn new(client: Client, patience: Patience) -> Self {
        Self { client, patience }
    }

    /// What the requests are sent through, for a watch, which has no deadline.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The body of the answer to a GET of `path`, which is encoded already (see [`encoded`]).
    pub async fn get(&self, path: &str, accept: &str) -> Result<Bytes, Error> {
        let mut attempt = 1;
        loop {
            let failure = match tokio::time::timeout(self.patience.request, self.attempt(path, accept)).await
            {
                Ok(Ok(body)) => return Ok(body),
                Ok(Err(failure)) => failure,
                Err(_) => Failure { error: Error::Silence { after: self.patience.request }, asked: None },
            };
            let Some(wait) = pause(&failure, attempt, &self.patience) else { return Err(failure.error) };
            tracing::debug!(path, attempt, error = %failure.error, "the API server is asked again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// As [`Api::get`], parsed.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str, accept: &str) -> Result<T, Error> {
        let body = self.get(path, accept).await?;
        serde_json::from_slice(&body).map_err(|error| Error::garbled(&error))
    }

    async fn attempt(&self, path: &str, accept: &str) -> Result<Bytes, Failure> {
        let request = Request::get(path)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| Failure::from(Error::Connection { message: error.to_string() }))?;
        let response = self.client.send(request).await.map_err(|error| connection(&error))?;
        let status = response.status();
        let asked = retry_after(&response);
        let body = response.into_body().collect_bytes().await.map_err(|error| connection(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Failure { error: refusal(status, &body), asked })
    }
}

/// What is wrong with some JSON, without a part of it: serde_json's own text quotes values, and those may be secret.
pub(crate) fn told(error: &serde_json::Error) -> String {
    let sort = match error.classify() {
        // A fixed text; the only one of this sort that is about the value and not about its syntax.
        Category::Syntax if error.to_string().starts_with("recursion limit") => "nested too deeply",
        Category::Io => "not readable",
        Category::Syntax => "not JSON",
        Category::Data => "not of the expected form",
        Category::Eof => "cut off",
    };
    format!("{sort} at line {} column {}", error.line(), error.column())
}

/// An error, and how long the server asks us to wait.
struct Failure {
    error: Error,
    asked: Option<Duration>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, asked: None }
    }
}

/// How long to wait before request number `attempt` is repeated; none when it shall not be.
fn pause(failure: &Failure, attempt: u32, patience: &Patience) -> Option<Duration> {
    let most = match &failure.error {
        Error::Status { status: 429 | 503, .. } | Error::Connection { .. } => patience.attempts,
        // A webhook that fails will fail again; a change of leader in etcd will not.
        Error::Status { status: 500 | 502 | 504, .. } | Error::Silence { .. } => 2,
        Error::Status { .. } | Error::Garbled { .. } => 1,
    };
    let backoff = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    (attempt < most.min(patience.attempts))
        .then(|| failure.asked.unwrap_or(backoff).min(patience.longest_wait))
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The causes of a client error in one line: kube's outermost text alone says only "ServiceError".
fn connection(error: &kube::Error) -> Failure {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = inner.source();
    }
    Failure::from(Error::Connection { message })
}

/// What of a `Status` object is told.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
}

fn refusal(status: StatusCode, body: &[u8]) -> Error {
    let phrase = || status.canonical_reason().unwrap_or("error").to_owned();
    let (reason, message) = match serde_json::from_slice::<Status>(body) {
        Ok(said) => (said.reason, said.message),
        // Not from the API server itself, for example from a proxy: its first line may help.
        Err(_) => (String::new(), first_line(&String::from_utf8_lossy(body))),
    };
    let reason = if reason.is_empty() { phrase() } else { reason };
    Error::Status { status: status.as_u16(), reason, message }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

/// A string as part of a path or of a query: every byte but the unreserved ones of RFC 3986 as `%XX`.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
    }
    out
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Error {
        Error::Status { status, reason: String::new(), message: String::new() }
    }

    #[test]
    fn a_request_is_repeated_only_where_that_can_help() {
        let patience =
            Patience { request: Duration::from_secs(1), attempts: 4, longest_wait: Duration::from_secs(5) };
        let wait = Duration::from_millis;
        for (error, asked, attempt, expected) in [
            (status(429), None, 1, Some(wait(250))),
            (status(429), Some(3), 1, Some(wait(3000))),
            (status(429), Some(3600), 1, Some(wait(5000))),
            (status(503), None, 3, Some(wait(1000))),
            (status(503), None, 4, None),
            (status(500), None, 1, Some(wait(250))),
            (status(500), None, 2, None),
            (Error::Silence { after: wait(1) }, None, 1, Some(wait(250))),
            (Error::Silence { after: wait(1) }, None, 2, None),
            (Error::Connection { message: String::new() }, None, 3, Some(wait(1000))),
            (status(403), None, 1, None),
            (status(404), None, 1, None),
            (status(410), None, 1, None),
            (status(401), Some(1), 1, None),
            (Error::Garbled { message: String::new() }, None, 1, None),
        ] {
            let failure = Failure { error, asked: asked.map(Duration::from_secs) };
            assert_eq!(pause(&failure, attempt, &patience), expected, "{} at {attempt}", failure.error);
        }
    }

    #[test]
    fn a_refusal_tells_what_the_server_says() {
        let body = br#"{"kind":"Status","message":"pods is forbidden: User \"system:serviceaccount:demo:reader\" cannot list resource \"pods\" in API group \"\" at the cluster scope","reason":"Forbidden","code":403}"#;
        let error = refusal(StatusCode::FORBIDDEN, body);
        assert!(error.is_forbidden() && !error.is_expired());
        assert_eq!(error.user(), Some("system:serviceaccount:demo:reader"));
        assert!(error.to_string().starts_with("403 Forbidden: pods is forbidden"), "{error}");
        let error = refusal(StatusCode::BAD_GATEWAY, b"upstream is gone\n<html>");
        assert_eq!(error.to_string(), "502 Bad Gateway: upstream is gone");
        assert_eq!(error.user(), None);
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_told_without_its_content() {
        for (text, told_of) in [
            ("{\"reason\": {\"password\": \"hunter2\"}}", "not of the expected form at line 1 column"),
            ("\"hunter2\"", "not of the expected form at line 1 column"),
            ("{\"reason\": hunter2}", "not JSON at line 1 column"),
            ("{\"reason\": \"hunter2", "cut off at line 1 column"),
        ] {
            let Err(error) = serde_json::from_str::<Status>(text) else { panic!("{text} was read") };
            let message = Error::garbled(&error).to_string();
            assert!(message.contains(told_of) && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_path_is_encoded() {
        assert_eq!(encoded("a-b.c_d~1"), "a-b.c_d~1");
        assert_eq!(encoded("system:a b/?&=%ü"), "system%3Aa%20b%2F%3F%26%3D%25%C3%BC");
    }
}
