//! S3 by the crate rust-s3: one try per call, every status looked at.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use jiff::Timestamp;
use s3::creds::Credentials;
use s3::error::S3Error;
use s3::serde_types::ListBucketResult;
use s3::{Bucket, Region};

use super::answer::Attempt;
use super::error::{Error, Result, UnusableSnafu};
use super::{Condition, Container, Description, Listed, Object, Page, Place, Transport};
use crate::location;

/// A bucket, spoken to in path style.
pub struct Client {
    bucket: Box<Bucket>,
    place: Arc<Place>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3::Client({})", self.place)
    }
}

/// The place of an S3 bucket, for messages.
pub fn place(location: &location::S3, access_key_id: &str) -> Place {
    Place {
        container: Container::Bucket,
        name: location.bucket.clone(),
        prefix: location.prefix.clone(),
        endpoint: location.endpoint.clone(),
        identity: access_key_id.to_owned(),
    }
}

impl Client {
    /// Prepares a client with an access key; nothing is sent.
    pub fn new(location: &location::S3, (access_key_id, secret_access_key): (&str, &str)) -> Result<Self> {
        // Repetition is ours, and it would otherwise happen twice. The setting is one for the process.
        s3::set_retries(0);
        let region = Region::Custom { region: location.region.clone(), endpoint: location.endpoint.clone() };
        let bucket = Credentials::new(Some(access_key_id), Some(secret_access_key), None, None, None)
            .map_err(S3Error::from)
            .and_then(|credentials| Bucket::new(&location.bucket, region, credentials));
        let mut bucket = match bucket {
            Ok(bucket) => bucket.with_path_style(),
            Err(error) => {
                let reason = format!("bucket {:?} at {}: {error}", location.bucket, location.endpoint);
                return UnusableSnafu { reason }.fail();
            }
        };
        if location.insecure_tls {
            bucket = match bucket.set_dangerous_config(true, true) {
                Ok(bucket) => Box::new(bucket),
                Err(error) => return UnusableSnafu { reason: error.to_string() }.fail(),
            };
        }
        // The limit per try is ours too, since it depends on the size.
        bucket.set_request_timeout(None);
        Ok(Self { bucket, place: Arc::new(place(location, access_key_id)) })
    }

    fn attempt<'a>(&'a self, action: &'static str, key: &'a str) -> Attempt<'a> {
        Attempt { place: &self.place, action, key }
    }
}

#[async_trait]
impl Transport for Client {
    fn place(&self) -> &Arc<Place> {
        &self.place
    }

    async fn get(&self, key: &str) -> Result<Object> {
        let attempt = self.attempt("read", key);
        let answer = self.bucket.get_object(key).await.map_err(|error| attempt.failed(error))?;
        let headers = answer.headers();
        let description = describe(attempt, answer.bytes().len() as u64, |name| headers.get(name).cloned())?;
        Ok(Object { content: answer.into_bytes(), description })
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let attempt = self.attempt("read", key);
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else {
            return Ok(Bytes::new());
        };
        let answer = self.bucket.get_object_range(key, range.start, Some(last)).await;
        answer.map(s3::request::ResponseData::into_bytes).map_err(|error| attempt.failed(error))
    }

    async fn head(&self, key: &str) -> Result<Description> {
        let attempt = self.attempt("read", key);
        let (head, _) = self.bucket.head_object(key).await.map_err(|error| attempt.failed(error))?;
        let size = head.content_length.and_then(|length| u64::try_from(length).ok());
        let size = size.ok_or_else(|| attempt.other("the answer does not tell a size"))?;
        describe(attempt, size, |name| match name {
            "last-modified" => head.last_modified.clone(),
            "etag" => head.e_tag.clone(),
            _ => None,
        })
    }

    async fn put(&self, key: &str, content: Bytes, media: &str, condition: &Condition) -> Result<()> {
        let attempt = self.attempt("write", key);
        let headers = match condition {
            Condition::Always => None,
            Condition::Absent => Some(header(IF_NONE_MATCH, "*", attempt)?),
            Condition::Unchanged(version) => Some(header(IF_MATCH, version, attempt)?),
        };
        match self.bucket.put_object_with_content_type_and_headers(key, &content, media, headers).await {
            Ok(_) => Ok(()),
            Err(S3Error::HttpFailWithBody(412, _)) => Err(attempt.lost(*condition == Condition::Absent)),
            Err(error) => Err(attempt.failed(error)),
        }
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let attempt = self.attempt("delete", key);
        match self.bucket.delete_object(key).await.map_err(|error| attempt.failed(error)) {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn list_page(&self, prefix: &str, next: Option<&str>) -> Result<Page> {
        let attempt = self.attempt("list", prefix);
        let answer =
            self.bucket.list_page(prefix.to_owned(), None, next.map(str::to_owned), None, None).await;
        let (result, _) = answer.map_err(|error| attempt.failed(error))?;
        page(attempt, result)
    }
}

/// A header, where `value` comes from a server.
fn header(name: HeaderName, value: &str, attempt: Attempt<'_>) -> Result<HeaderMap> {
    let value = HeaderValue::from_str(value).map_err(|error| attempt.other(&error.to_string()))?;
    Ok(HeaderMap::from_iter([(name, value)]))
}

/// Reads the description of an object from the headers of an answer.
fn describe(attempt: Attempt<'_>, size: u64, header: impl Fn(&str) -> Option<String>) -> Result<Description> {
    let time = |name: &str| header(name).as_deref().and_then(http_date);
    let modified = time("last-modified")
        .ok_or_else(|| attempt.other("the answer does not tell when the object was written"))?;
    Ok(Description { size, modified, now: time("date"), version: header("etag") })
}

/// A date as HTTP writes it, such as `Wed, 21 Oct 2015 07:28:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

/// A page of a listing. One that says there is more and not how to get it is an error: it would look complete.
fn page(attempt: Attempt<'_>, result: ListBucketResult) -> Result<Page> {
    let next = result.next_continuation_token.filter(|token| !token.is_empty());
    if result.is_truncated && next.is_none() {
        return Err(attempt.other("the listing is cut off without a continuation token"));
    }
    let objects = result
        .contents
        .into_iter()
        .map(|object| {
            let modified = object
                .last_modified
                .parse()
                .map_err(|error: jiff::Error| attempt.other(&format!("the listing is broken: {error}")))?;
            Ok(Listed { key: object.key, size: object.size, modified })
        })
        .collect::<Result<_>>()?;
    Ok(Page { objects, next: next.filter(|_| result.is_truncated) })
}
