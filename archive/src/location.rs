//! Where a storage is: what a BackupStorage says, with its defaults filled in.

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

    #[test]
    fn slashes_around_bucket_and_prefix_do_not_count() {
        let location = S3::new("http://s3", "backups/", "/demo/x/", "");
        assert_eq!((location.bucket.as_str(), location.prefix.as_str()), ("backups", "demo/x"));
    }
}
