//! Where a storage is: what a BackupStorage says, with its defaults filled in.

use std::collections::BTreeMap;

use crds::storage::backup_storage::Backend;
use k8s_openapi::ByteString;
use snafu::{OptionExt, Snafu};

use crate::access::{self, Access};

/// Why a BackupStorage says nowhere.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The block of the provider is missing.
    #[snafu(display("provider {provider:?} needs storage.{provider}"))]
    NoBlock {
        /// The provider.
        provider: String,
    },
    /// A field of the block is missing.
    #[snafu(display("provider {provider:?} needs storage.{provider}.{field}"))]
    NoField {
        /// The provider.
        provider: &'static str,
        /// The field.
        field: &'static str,
    },
    /// There is no such provider.
    #[snafu(display("provider {provider:?} is none of s3, gcs, azure and local"))]
    UnknownProvider {
        /// What is written.
        provider: String,
    },
}

/// A storage, by provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// S3 and what speaks like it.
    S3(S3),
    /// Google Cloud Storage.
    Gcs(Gcs),
    /// Azure Blob Storage.
    Azure(Azure),
    /// A volume of Kubernetes.
    Local,
}

/// A bucket of an S3 server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3 {
    /// URL of the server, with scheme, without a slash at the end.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// Before every key; no slashes around it.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Take any certificate.
    pub insecure_tls: bool,
}

/// A bucket of Google Cloud Storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gcs {
    /// The bucket.
    pub bucket: String,
    /// Before every key; no slashes around it.
    pub prefix: String,
}

/// A container of Azure Blob Storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Azure {
    /// The storage account.
    pub account: String,
    /// The container.
    pub container: String,
    /// Before every key; no slashes around it.
    pub prefix: String,
}

/// The region that servers take who do not care, and AWS's first.
const DEFAULT_REGION: &str = "us-east-1";

impl S3 {
    /// A bucket as a user writes it, each part of which may be empty but the bucket.
    #[must_use]
    pub fn new(endpoint: &str, bucket: &str, prefix: &str, region: &str) -> Self {
        let region = region.trim();
        let endpoint = endpoint_of(endpoint, region);
        let region = match region {
            "" => region_of(&endpoint).unwrap_or(DEFAULT_REGION).to_owned(),
            region => region.to_owned(),
        };
        let bucket = bucket.trim().trim_matches('/').to_owned();
        Self { endpoint, bucket, prefix: trimmed(prefix), region, insecure_tls: false }
    }
}

impl Location {
    /// What the `storage` of a BackupStorage says.
    pub fn of(backend: &Backend) -> Result<Self, Error> {
        let provider = backend.provider.as_str();
        let no_block = || NoBlockSnafu { provider };
        match provider {
            "s3" => {
                let s3 = backend.s3.as_ref().with_context(no_block)?;
                let mut location = S3::new(
                    text(s3.endpoint.as_ref()),
                    &s3.bucket,
                    text(s3.prefix.as_ref()),
                    text(s3.region.as_ref()),
                );
                location.insecure_tls = s3.insecure_tls;
                required(&location.bucket, "s3", "bucket")?;
                Ok(Self::S3(location))
            }
            "gcs" => {
                let gcs = backend.gcs.as_ref().with_context(no_block)?;
                let bucket = trimmed(&gcs.bucket);
                required(&bucket, "gcs", "bucket")?;
                Ok(Self::Gcs(Gcs { bucket, prefix: trimmed(text(gcs.prefix.as_ref())) }))
            }
            "azure" => {
                let azure = backend.azure.as_ref().with_context(no_block)?;
                let (account, container) =
                    (trimmed(text(azure.storage_account.as_ref())), trimmed(&azure.container));
                required(&container, "azure", "container")?;
                required(&account, "azure", "storageAccount")?;
                Ok(Self::Azure(Azure { account, container, prefix: trimmed(text(azure.prefix.as_ref())) }))
            }
            "local" => Ok(Self::Local),
            _ => UnknownProviderSnafu { provider }.fail(),
        }
    }

    /// The credentials for this storage in `secret`: its `namespace/name` and data, or `None` where the BackupStorage
    /// names no Secret.
    pub fn access(
        &self,
        secret: Option<(&str, &BTreeMap<String, ByteString>)>,
    ) -> Result<Access, access::Error> {
        match (self, secret) {
            (Self::S3(_), Some((name, data))) => Access::s3(name, data),
            (Self::Gcs(_), Some((name, data))) => Access::gcs(name, data),
            (Self::Azure(_), Some((name, data))) => Access::azure(name, data),
            (Self::Local, _) | (_, None) => Ok(Access::Ambient),
        }
    }

    /// The prefix before every key; no slashes around it.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self {
            Self::S3(S3 { prefix, .. })
            | Self::Gcs(Gcs { prefix, .. })
            | Self::Azure(Azure { prefix, .. }) => prefix,
            Self::Local => "",
        }
    }
}

fn text(field: Option<&String>) -> &str {
    field.map_or("", String::as_str)
}

fn required(value: &str, provider: &'static str, field: &'static str) -> Result<(), Error> {
    if value.is_empty() { NoFieldSnafu { provider, field }.fail() } else { Ok(()) }
}

/// The directory of a repository in its storage: the path of the Repository, then that of the component
/// (`repository/v1/<session>/<component>`, contract section 4.1).
#[must_use]
pub fn repository_directory(repository_path: &str, component_path: &str) -> String {
    format!("{}/{}", trimmed(repository_path), trimmed(component_path)).trim_matches('/').to_owned()
}

/// A prefix as it stands before a key (contract section 4.1: trimmed of slashes).
#[must_use]
pub fn trimmed(prefix: &str) -> String {
    prefix.trim().trim_matches('/').to_owned()
}

/// The URL of the server. Empty means AWS (contract section 13, A44); without a scheme it is https, as restic takes it.
fn endpoint_of(endpoint: &str, region: &str) -> String {
    let endpoint = endpoint.trim().trim_end_matches('/');
    if endpoint.is_empty() {
        return match region {
            "" => "https://s3.amazonaws.com".to_owned(),
            region => format!("https://s3.{region}.amazonaws.com"),
        };
    }
    if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") }
}

/// The region in a host name of AWS such as `s3.eu-central-1.amazonaws.com`, which every other client finds there.
fn region_of(endpoint: &str) -> Option<&str> {
    let host = endpoint.split_once("://")?.1.split(['/', ':']).next()?;
    let region = host.strip_suffix(".amazonaws.com")?.strip_prefix("s3")?;
    let region = region.strip_prefix(['.', '-'])?;
    (!region.is_empty() && !region.contains('.')).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_completed_as_other_clients_do() {
        for (endpoint, region, url, signed_for) in [
            ("", "", "https://s3.amazonaws.com", "us-east-1"),
            ("", "eu-west-1", "https://s3.eu-west-1.amazonaws.com", "eu-west-1"),
            ("s3.amazonaws.com", "", "https://s3.amazonaws.com", "us-east-1"),
            ("s3.eu-central-1.amazonaws.com", "", "https://s3.eu-central-1.amazonaws.com", "eu-central-1"),
            ("https://s3-us-west-2.amazonaws.com/", "", "https://s3-us-west-2.amazonaws.com", "us-west-2"),
            ("us-east-1.linodeobjects.com", "us-east-1", "https://us-east-1.linodeobjects.com", "us-east-1"),
            ("http://s3.storage.svc:7070", "", "http://s3.storage.svc:7070", "us-east-1"),
            (" http://minio:9000/ ", " local ", "http://minio:9000", "local"),
            ("https://a.example/storage/v1/s3/", "", "https://a.example/storage/v1/s3", "us-east-1"),
        ] {
            let location = S3::new(endpoint, "backups", "", region);
            assert_eq!(
                (location.endpoint.as_str(), location.region.as_str()),
                (url, signed_for),
                "{endpoint}"
            );
        }
    }

    fn backend(yaml: &str) -> Backend {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn a_backup_storage_says_where_it_is() {
        let location = Location::of(&backend(
            "{provider: s3, s3: {bucket: b, endpoint: http://s3:7070, prefix: demo/, insecureTLS: true}}",
        ));
        let Location::S3(s3) = location.unwrap() else { panic!("not S3") };
        assert_eq!(
            (s3.endpoint.as_str(), s3.prefix.as_str(), s3.insecure_tls),
            ("http://s3:7070", "demo", true)
        );
        let location = Location::of(&backend("{provider: gcs, gcs: {bucket: b, prefix: /p}}")).unwrap();
        assert_eq!(location, Location::Gcs(Gcs { bucket: "b".to_owned(), prefix: "p".to_owned() }));
    }

    #[test]
    fn what_a_backup_storage_lacks_is_named() {
        for (yaml, message) in [
            ("{provider: s3}", r#"provider "s3" needs storage.s3"#),
            ("{provider: s3, s3: {bucket: \"\"}}", r#"provider "s3" needs storage.s3.bucket"#),
            (
                "{provider: azure, azure: {container: c}}",
                r#"provider "azure" needs storage.azure.storageAccount"#,
            ),
            ("{provider: ftp}", r#"provider "ftp" is none of s3, gcs, azure and local"#),
        ] {
            assert_eq!(Location::of(&backend(yaml)).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_repository_lies_below_the_path_of_its_object() {
        for (path, component) in
            [("/demo/app", "repository/v1/daily/manifest"), ("demo/app/", "/repository/v1/daily/manifest/")]
        {
            assert_eq!(repository_directory(path, component), "demo/app/repository/v1/daily/manifest");
        }
        assert_eq!(repository_directory("", "repository/v1/daily/manifest"), "repository/v1/daily/manifest");
    }

    #[test]
    fn slashes_around_bucket_and_prefix_do_not_count() {
        let location = S3::new("http://s3", "backups/", "/demo/x/", "");
        assert_eq!((location.bucket.as_str(), location.prefix.as_str()), ("backups", "demo/x"));
    }
}
