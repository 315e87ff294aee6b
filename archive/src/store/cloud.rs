//! Google Cloud Storage, Azure Blob Storage, and S3 behind a private certificate authority (which rust-s3 cannot be
//! given), by the crate object_store: one try per call.

mod http;

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectMeta, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
    UpdateVersion,
};

use self::http::{Connector, Refused};
use super::answer::Attempt;
use super::error::{Error, Result, UnusableSnafu};
use super::{Condition, Container, Description, Listed, Object, Page, Place, Transport};
use crate::location;

/// What object_store offers, as far as it is used here.
trait Store: object_store::ObjectStore + PaginatedListStore {}

impl<T: object_store::ObjectStore + PaginatedListStore> Store for T {}

/// A bucket or container.
pub struct Client {
    store: Box<dyn Store>,
    place: Arc<Place>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cloud::Client({})", self.place)
    }
}

/// Separates the two halves of a version.
const VERSION: char = '\n';

/// Repetition and limits are ours.
fn no_retry() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

fn unusable(place: &Place, error: &dyn fmt::Display) -> Error {
    UnusableSnafu { reason: format!("{place} cannot be used: {error}") }.build()
}

impl Client {
    /// S3 whose certificate is signed by a public authority or one of `authorities`, in PEM; at `address`, if its name does
    /// not say where it is reached.
    pub fn s3(
        location: &location::S3,
        (access_key_id, secret): (&str, &str),
        authorities: Option<&[u8]>,
        address: Option<SocketAddr>,
    ) -> Result<Self> {
        let place = super::s3::place(location, access_key_id);
        let connector = Connector::new(authorities, address).map_err(|error| {
            UnusableSnafu { reason: format!("CA_CERT_DATA for {place} cannot be used: {error}") }.build()
        })?;
        let store = AmazonS3Builder::new()
            .with_bucket_name(&location.bucket)
            .with_endpoint(&location.endpoint)
            .with_region(&location.region)
            .with_access_key_id(access_key_id)
            .with_secret_access_key(secret)
            .with_virtual_hosted_style_request(false)
            .with_allow_http(true)
            .with_http_connector(connector)
            .with_retry(no_retry())
            .build()
            .map_err(|error| unusable(&place, &error))?;
        Ok(Self { store: Box::new(store), place: Arc::new(place) })
    }

    /// Google Cloud Storage, with the key document of a service account.
    pub fn gcs(location: &location::Gcs, service_account: &str) -> Result<Self> {
        let place = Place {
            container: Container::Bucket,
            name: location.bucket.clone(),
            prefix: location.prefix.clone(),
            endpoint: "https://storage.googleapis.com".to_owned(),
            identity: service_account_email(service_account).unwrap_or_default(),
        };
        let connector = Connector::new(None, None).map_err(|error| unusable(&place, &error))?;
        let store = GoogleCloudStorageBuilder::new()
            .with_bucket_name(&location.bucket)
            .with_service_account_key(service_account)
            .with_http_connector(connector)
            .with_retry(no_retry())
            .build()
            // The document is a credential, and the library might quote it.
            .map_err(|_| {
                unusable(&place, &"GOOGLE_SERVICE_ACCOUNT_JSON_KEY is no key of a service account")
            })?;
        Ok(Self { store: Box::new(store), place: Arc::new(place) })
    }

    /// Azure Blob Storage, with the key of the account.
    pub fn azure(location: &location::Azure, account_key: &str) -> Result<Self> {
        let place = Place {
            container: Container::Container,
            name: location.container.clone(),
            prefix: location.prefix.clone(),
            endpoint: format!("https://{}.blob.core.windows.net", location.account),
            identity: location.account.clone(),
        };
        let connector = Connector::new(None, None).map_err(|error| unusable(&place, &error))?;
        let store = MicrosoftAzureBuilder::new()
            .with_account(&location.account)
            .with_access_key(account_key)
            .with_container_name(&location.container)
            .with_http_connector(connector)
            .with_retry(no_retry())
            .build()
            .map_err(|_| unusable(&place, &"AZURE_ACCOUNT_KEY is no key of a storage account"))?;
        Ok(Self { store: Box::new(store), place: Arc::new(place) })
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
        let failed = |error| failed(attempt, &error);
        let answer = self.store.get(&path(attempt)?).await.map_err(failed)?;
        let description = describe(attempt, &answer.meta)?;
        Ok(Object { content: answer.bytes().await.map_err(failed)?, description })
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let attempt = self.attempt("read", key);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.store.get_range(&path(attempt)?, range).await.map_err(|error| failed(attempt, &error))
    }

    async fn head(&self, key: &str) -> Result<Description> {
        let attempt = self.attempt("read", key);
        let meta = self.store.head(&path(attempt)?).await.map_err(|error| failed(attempt, &error))?;
        describe(attempt, &meta)
    }

    async fn put(&self, key: &str, content: Bytes, media: &str, condition: &Condition) -> Result<()> {
        let attempt = self.attempt("write", key);
        let mode = match condition {
            Condition::Always => PutMode::Overwrite,
            Condition::Absent => PutMode::Create,
            Condition::Unchanged(version) => PutMode::Update(update(version)),
        };
        let attributes = Attributes::from_iter([(Attribute::ContentType, media.to_owned())]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let answer = self.store.put_opts(&path(attempt)?, PutPayload::from(content), options).await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if is_lost(condition, &error) => Err(attempt.lost(*condition == Condition::Absent)),
            Err(error) => Err(failed(attempt, &error)),
        }
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let attempt = self.attempt("delete", key);
        match self.store.delete(&path(attempt)?).await.map_err(|error| failed(attempt, &error)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn list_page(&self, prefix: &str, next: Option<&str>) -> Result<Page> {
        let attempt = self.attempt("list", prefix);
        let options =
            PaginatedListOptions { page_token: next.map(str::to_owned), ..PaginatedListOptions::default() };
        let prefix = (!prefix.is_empty()).then_some(prefix);
        let page =
            self.store.list_paginated(prefix, options).await.map_err(|error| failed(attempt, &error))?;
        let objects = page.result.objects.iter().map(|meta| {
            let key = meta.location.to_string();
            Ok(Listed { key, size: meta.size, modified: modified(attempt, meta)? })
        });
        Ok(Page { objects: objects.collect::<Result<_>>()?, next: page.page_token })
    }
}

fn path(attempt: Attempt<'_>) -> Result<Path> {
    Path::parse(attempt.key).map_err(|error| attempt.other(&error.to_string()))
}

fn describe(attempt: Attempt<'_>, meta: &ObjectMeta) -> Result<Description> {
    let etag = meta.e_tag.as_deref().unwrap_or_default();
    let generation = meta.version.as_deref().unwrap_or_default();
    let version = format!("{etag}{VERSION}{generation}");
    let version = (version.len() > VERSION.len_utf8()).then_some(version);
    Ok(Description { size: meta.size, modified: modified(attempt, meta)?, now: None, version })
}

fn modified(attempt: Attempt<'_>, meta: &ObjectMeta) -> Result<Timestamp> {
    Timestamp::from_second(meta.last_modified.timestamp()).map_err(|error| attempt.other(&error.to_string()))
}

/// A version as [`describe`] wrote it.
fn update(version: &str) -> UpdateVersion {
    let (etag, generation) = version.split_once(VERSION).unwrap_or((version, ""));
    let given = |part: &str| (!part.is_empty()).then(|| part.to_owned());
    UpdateVersion { e_tag: given(etag), version: given(generation) }
}

/// Whether a write failed on its condition. Azure answers 409 where the others answer 412, and S3 answers 409 when it
/// could not tell, which is to be tried again.
fn is_lost(condition: &Condition, error: &object_store::Error) -> bool {
    match refusal(error) {
        Some(refused) if refused.status == 412 => true,
        Some(refused) => *condition == Condition::Absent && refused.body.contains("BlobAlreadyExists"),
        None => false,
    }
}

/// The refusal of the server in an error.
fn refusal(error: &object_store::Error) -> Option<&Refused> {
    let mut error: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused);
        }
        error = error.source()?;
    }
}

fn failed(attempt: Attempt<'_>, error: &object_store::Error) -> Error {
    if let Some(refused) = refusal(error) {
        return attempt.refused(refused.status, &refused.body);
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<object_store::client::HttpError>() {
            return attempt.disconnected(error);
        }
        source = error.source();
    }
    attempt.other(&error.to_string())
}

/// The public half of a service account key, for messages.
fn service_account_email(document: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Document {
        client_email: String,
    }
    serde_json::from_str::<Document>(document).ok().map(|document| document.client_email)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::a_place;

    #[test]
    fn a_version_keeps_both_halves() {
        for version in ["\"a\"\n", "\"a\"\n17", "\n17"] {
            let update = update(version);
            let back =
                format!("{}\n{}", update.e_tag.unwrap_or_default(), update.version.unwrap_or_default());
            assert_eq!(back, version);
        }
    }

    /// A refusal as it comes out of the library.
    fn refused(status: u16, body: &str) -> object_store::Error {
        use object_store::client::{HttpError, HttpErrorKind};
        let refused = Refused { status, body: body.to_owned() };
        let source = Box::new(HttpError::new(HttpErrorKind::Unknown, refused));
        object_store::Error::Generic { store: "cloud", source }
    }

    #[test]
    fn a_refusal_keeps_its_meaning_on_its_way_through_the_library() {
        let place = a_place();
        let attempt = Attempt { place: &place, action: "write", key: "a" };
        let azure = |code: &str| format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
        let meaning = |status, body: &str| failed(attempt, &refused(status, body));
        assert!(matches!(meaning(404, &azure("ContainerNotFound")), Error::NoSuchBucket { .. }));
        assert!(matches!(meaning(404, &azure("BlobNotFound")), Error::NotFound { .. }));
        assert!(matches!(meaning(403, &azure("AuthenticationFailed")), Error::Unauthenticated { .. }));
        assert!(matches!(meaning(403, &azure("AuthorizationFailure")), Error::AccessDenied { .. }));
        assert!(matches!(meaning(503, &azure("ServerBusy")), Error::Temporary { .. }));
        assert!(matches!(meaning(400, ""), Error::Other { .. }));
    }

    #[test]
    fn a_lost_race_is_told_from_a_conflict_that_passes() {
        let unchanged = Condition::Unchanged("a".to_owned());
        for (condition, status, body, lost) in [
            (&Condition::Absent, 412, "", true),
            (&unchanged, 412, "", true),
            (&Condition::Absent, 409, "<Code>BlobAlreadyExists</Code>", true),
            (&Condition::Absent, 409, "<Code>ConditionalRequestConflict</Code>", false),
            (&Condition::Always, 409, "<Code>BlobAlreadyExists</Code>", false),
        ] {
            assert_eq!(is_lost(condition, &refused(status, body)), lost, "{condition:?} {status} {body}");
        }
    }

    #[test]
    fn a_service_account_is_named_by_its_public_half_only() {
        let document = r#"{"client_email": "a@b.example", "private_key": "hunter2"}"#;
        assert_eq!(service_account_email(document).as_deref(), Some("a@b.example"));
        let location = location::Gcs { bucket: "b".to_owned(), prefix: String::new() };
        let error = Client::gcs(&location, document).unwrap_err().to_string();
        assert!(error.contains("GOOGLE_SERVICE_ACCOUNT_JSON_KEY") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn an_azure_account_key_that_is_none_is_not_quoted() {
        let location =
            location::Azure { account: "a".to_owned(), container: "c".to_owned(), prefix: String::new() };
        let error = Client::azure(&location, "hunter2!").unwrap_err().to_string();
        assert!(error.contains("container \"c\"") && !error.contains("hunter2"), "{error}");
    }
}
