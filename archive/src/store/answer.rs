//! What the refusal of a server means, and what happened when none came.
//!
//! The servers differ in their words, not in their ways: a status, and a document with a code.

use std::io;
use std::sync::Arc;

use s3::error::S3Error;

use crate::store::error::Error;
use crate::store::place::Place;

/// What was attempted, for the message.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// Where.
    pub place: &'a Arc<Place>,
    /// `read`, `write`, `delete` or `list`.
    pub action: &'static str,
    /// The full key or prefix.
    pub key: &'a str,
}

impl Attempt<'_> {
    /// Translates an error of the client library.
    pub fn failed(self, error: S3Error) -> Error {
        match error {
            S3Error::HttpFailWithBody(status, body) => self.refused(status, &body),
            S3Error::Reqwest(error) => self.disconnected(&error),
            S3Error::Io(error) => {
                self.unreachable(&Chain { text: error.to_string(), kind: Some(error.kind()) })
            }
            S3Error::SerdeXml(_) => self.temporary("the answer is no listing".to_owned()),
            error => self.other(&error.to_string()),
        }
    }

    /// The condition of a write does not hold.
    pub fn lost(self, absent: bool) -> Error {
        let (place, key) = (Arc::clone(self.place), self.key.to_owned());
        if absent { Error::AlreadyExists { place, key } } else { Error::Changed { place, key } }
    }

    /// Anything that will not pass.
    pub fn other(self, reason: &str) -> Error {
        let place = Arc::clone(self.place);
        Error::Other { place, action: self.action, key: self.key.to_owned(), reason: reason.to_owned() }
    }

    fn temporary(self, reason: String) -> Error {
        Error::Temporary {
            place: Arc::clone(self.place),
            action: self.action,
            key: self.key.to_owned(),
            reason,
        }
    }

    /// Translates a status and the XML that may come with it.
    pub fn refused(self, status: u16, body: &str) -> Error {
        let place = Arc::clone(self.place);
        let code = element(body, "Code").unwrap_or_default();
        let (key, action) = (self.key.to_owned(), self.action);
        let told = told(status, code, element(body, "Message"));
        match classify(status, code) {
            Meaning::NoSuchBucket => Error::NoSuchBucket { place },
            // A listing finds nothing or something; that it is "not found" would read like an empty one.
            Meaning::NotFound if action == "list" => self.other(&told),
            Meaning::NotFound => Error::NotFound { place, key },
            Meaning::WrongSecret => {
                let reason = format!("the secret key does not match access key {:?}", place.identity);
                Error::Unauthenticated { place, reason, code: code.to_owned() }
            }
            Meaning::UnknownIdentity => {
                let reason = format!("access key {:?} is not known", place.identity);
                Error::Unauthenticated { place, reason, code: code.to_owned() }
            }
            Meaning::Unauthenticated => {
                let reason = format!("access key {:?} is not accepted", place.identity);
                Error::Unauthenticated { place, reason, code: told }
            }
            Meaning::AccessDenied => {
                let code = if code.is_empty() { format!("HTTP {status}") } else { code.to_owned() };
                Error::AccessDenied { place, action, key, code }
            }
            Meaning::Temporary => self.temporary(told),
            Meaning::Other => self.other(&told),
        }
    }

    /// Translates what happened to the connection.
    pub fn disconnected(self, error: &(dyn std::error::Error + 'static)) -> Error {
        self.unreachable(&chain(error))
    }

    fn unreachable(self, chain: &Chain) -> Error {
        let place = Arc::clone(self.place);
        if chain.text.contains("invalid peer certificate") || chain.text.contains("certificate verify failed")
        {
            let reason = chain.text.clone();
            return Error::Untrusted { place, reason };
        }
        let reason = match chain.kind {
            _ if chain.text.contains("dns error") || chain.text.contains("failed to lookup address") => {
                "the name of the server does not resolve".to_owned()
            }
            Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
            Some(io::ErrorKind::ConnectionReset) => "connection reset by the server".to_owned(),
            _ => chain.text.clone(),
        };
        Error::Unreachable { place, reason }
    }
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    NoSuchBucket,
    NotFound,
    WrongSecret,
    UnknownIdentity,
    Unauthenticated,
    AccessDenied,
    Temporary,
    Other,
}

/// The meaning of a status with an error code (S3 API reference, "Error responses"; Google Cloud Storage's XML API has
/// the same; Azure, "Status and error codes"). `code` is empty if the body had none, as the answer to HEAD never has.
fn classify(status: u16, code: &str) -> Meaning {
    match (status, code) {
        (_, "NoSuchBucket" | "ContainerNotFound") => Meaning::NoSuchBucket,
        (_, "SignatureDoesNotMatch" | "AuthenticationFailed") => Meaning::WrongSecret,
        // The second is versitygw's.
        (_, "InvalidAccessKeyId" | "XAdminUserNotFound") => Meaning::UnknownIdentity,
        (
            _,
            "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "RequestTimeTooSkewed"
            | "NotSignedUp"
            | "AuthorizationHeaderMalformed"
            | "InvalidSecurity",
        )
        | (401, _) => Meaning::Unauthenticated,
        (404, "" | "NoSuchKey" | "NoSuchVersion" | "NotFound" | "BlobNotFound" | "ResourceNotFound") => {
            Meaning::NotFound
        }
        (403, _) => Meaning::AccessDenied,
        (_, "RequestTimeout" | "ConditionalRequestConflict" | "OperationAborted" | "SlowDown") => {
            Meaning::Temporary
        }
        (501 | 505, _) => Meaning::Other,
        (408 | 425 | 429 | 500..=599, _) => Meaning::Temporary,
        _ => Meaning::Other,
    }
}

/// What the server said, in one line.
fn told(status: u16, code: &str, message: Option<&str>) -> String {
    match (code, message.filter(|message| !message.is_empty())) {
        ("", _) => format!("HTTP {status}"),
        (code, None) => format!("{code} (HTTP {status})"),
        (code, Some(message)) => format!("{code}: {message} (HTTP {status})"),
    }
}

/// The text of the first element `name` in an error document.
///
/// The document is three flat elements in a root and may be cut off; a parser would add nothing but ways to fail.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let start = body.find(&format!("<{name}>"))? + name.len() + 2;
    let length = body[start..].find("</")?;
    Some(body[start..start + length].trim())
}

/// The innermost message of an error, and the kind of the I/O error in it.
struct Chain {
    text: String,
    kind: Option<io::ErrorKind>,
}

fn chain(error: &(dyn std::error::Error + 'static)) -> Chain {
    let mut chain = Chain { text: error.to_string(), kind: None };
    let mut source = error.source();
    while let Some(error) = source {
        chain.text = error.to_string();
        if chain.text.contains("dns error") {
            break;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            chain.kind = Some(error.kind());
        }
        source = error.source();
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::a_place;

    const WRONG_SECRET: &str = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code>\
        <Message>The request signature we calculated does not match</Message></Error>";

    fn message(status: u16, body: &str) -> String {
        let place = a_place();
        Attempt { place: &place, action: "write", key: "a/b" }.refused(status, body).to_string()
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_user() {
        for (status, body, expected) in [
            (
                404,
                "<Error><Code>NoSuchBucket</Code></Error>",
                r#"bucket "backups" does not exist at http://s3.storage.svc:7070"#,
            ),
            (
                403,
                WRONG_SECRET,
                "the secret key does not match access key \"kubestash\" at http://s3.storage.svc:7070 \
                 (SignatureDoesNotMatch)",
            ),
            (
                403,
                "<Error><Code>InvalidAccessKeyId</Code></Error>",
                "access key \"kubestash\" is not known at http://s3.storage.svc:7070 (InvalidAccessKeyId)",
            ),
            (
                403,
                "",
                "\"kubestash\" may not write \"a/b\" in bucket \"backups\" (prefix \"demo\") at \
                 http://s3.storage.svc:7070 (HTTP 403)",
            ),
            (
                503,
                "<Error><Code>SlowDown</Code><Message>Please reduce</Message></Error>",
                "failed to write \"a/b\" in bucket \"backups\" (prefix \"demo\") at http://s3.storage.svc:7070: \
                 SlowDown: Please reduce (HTTP 503)",
            ),
        ] {
            assert_eq!(message(status, body), expected);
        }
    }

    #[test]
    fn only_what_may_pass_is_temporary() {
        for (status, code, meaning) in [
            (404, "NoSuchKey", Meaning::NotFound),
            (404, "", Meaning::NotFound),
            (404, "NoSuchBucket", Meaning::NoSuchBucket),
            (404, "NoSuchUpload", Meaning::Other),
            (404, "XAdminUserNotFound", Meaning::UnknownIdentity),
            (401, "", Meaning::Unauthenticated),
            (400, "AuthorizationHeaderMalformed", Meaning::Unauthenticated),
            (403, "RequestTimeTooSkewed", Meaning::Unauthenticated),
            (403, "AccessDenied", Meaning::AccessDenied),
            (400, "RequestTimeout", Meaning::Temporary),
            (409, "ConditionalRequestConflict", Meaning::Temporary),
            (409, "BucketAlreadyExists", Meaning::Other),
            (429, "", Meaning::Temporary),
            (500, "InternalError", Meaning::Temporary),
            (502, "", Meaning::Temporary),
            (501, "NotImplemented", Meaning::Other),
            (400, "InvalidArgument", Meaning::Other),
            (301, "PermanentRedirect", Meaning::Other),
            (416, "InvalidRange", Meaning::Other),
        ] {
            assert_eq!(classify(status, code), meaning, "{status} {code}");
        }
    }

    #[test]
    fn a_listing_is_never_not_found() {
        let place = a_place();
        let error = Attempt { place: &place, action: "list", key: "a/" }.refused(404, "");
        assert!(matches!(error, Error::Other { .. }), "{error}");
    }

    #[test]
    fn an_error_document_may_be_cut_off() {
        assert_eq!(element("<Error><Code>Slow", "Code"), None);
        assert_eq!(element("<Error><Code> SlowDown </Code>", "Code"), Some("SlowDown"));
        assert_eq!(element("bad gateway", "Code"), None);
    }
}
