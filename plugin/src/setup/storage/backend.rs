//! The backend of a storage, from flags.

use crds::storage::backup_storage::{AzureBackend, Backend, GcsBackend, LocalBackend, Provider, S3Backend};
use serde_json::{Value, json};

use super::{Flags, ProviderFlag};
use crate::failure::Failure;

impl Flags {
    /// The backend that the flags describe, with the Secret that holds its credentials.
    pub(super) fn backend(
        &self,
        provider: ProviderFlag,
        secret_name: Option<String>,
        region: Option<String>,
    ) -> Result<Backend, Failure> {
        let bucket = trimmed(self.bucket.as_deref()).unwrap_or_default();
        let prefix = trimmed(self.prefix.as_deref());
        let max_connections = self.max_connections;
        Ok(match provider {
            ProviderFlag::S3 => Backend {
                provider: "s3".into(),
                s3: Some(S3Backend {
                    endpoint: self.endpoint()?,
                    bucket,
                    prefix,
                    region,
                    secret_name,
                    max_connections,
                    insecure_tls: self.insecure_tls,
                }),
                ..Backend::default()
            },
            ProviderFlag::Gcs => Backend {
                provider: "gcs".into(),
                gcs: Some(GcsBackend { bucket, prefix, secret_name, max_connections }),
                ..Backend::default()
            },
            ProviderFlag::Azure => Backend {
                provider: "azure".into(),
                azure: Some(AzureBackend {
                    storage_account: self.storage_account.clone(),
                    container: self.bucket.clone().unwrap_or_default(),
                    prefix,
                    secret_name,
                    max_connections,
                }),
                ..Backend::default()
            },
            ProviderFlag::Local => {
                Backend { provider: "local".into(), local: Some(self.local()?), ..Backend::default() }
            }
        })
    }

    fn endpoint(&self) -> Result<Option<String>, Failure> {
        let endpoint = trimmed(self.endpoint.as_deref());
        match &endpoint {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(Failure::usage(format!("--endpoint {url} is no URL"))
                    .fix(format!("--endpoint https://{url}")))
            }
            _ => Ok(endpoint),
        }
    }

    fn local(&self) -> Result<LocalBackend, Failure> {
        let mut local = json!({"mountPath": self.mount_path});
        let source = [
            ("persistentVolumeClaim", self.pvc.as_ref().map(|name| json!({"claimName": name}))),
            ("nfs", self.nfs_server.as_ref().map(|server| json!({"server": server, "path": self.nfs_path}))),
            ("hostPath", self.host_path.as_ref().map(|path| json!({"path": path}))),
        ];
        let given: Vec<(&str, Value)> =
            source.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        if given.len() > 1 {
            return Err(Failure::usage("--pvc, --nfs-server and --host-path exclude each other"));
        }
        for (name, value) in given {
            local[name] = value;
        }
        if let Some(path) = &self.sub_path {
            local["subPath"] = path.clone().into();
        }
        if let Some(number) = self.max_connections {
            local["maxConnections"] = number.into();
        }
        serde_json::from_value(local)
            .map_err(|error| Failure::usage("the volume is no volume").why(error.to_string()))
    }
}

/// A value without the one trailing `/` that is often typed, as upstream trims it; an empty one is none.
fn trimmed(text: Option<&str>) -> Option<String> {
    let text = text?;
    let text = text.strip_suffix('/').unwrap_or(text);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Provider, bucket and prefix of a backend, for people.
#[must_use]
pub fn spoken(backend: &Backend) -> String {
    let place = |bucket: &str, prefix: Option<&String>| match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => format!("{bucket}/{prefix}"),
        None => bucket.to_owned(),
    };
    let place = match backend.provider() {
        Some(Provider::S3) => backend.s3.as_ref().map(|s3| place(&s3.bucket, s3.prefix.as_ref())),
        Some(Provider::Gcs) => backend.gcs.as_ref().map(|gcs| place(&gcs.bucket, gcs.prefix.as_ref())),
        Some(Provider::Azure) => {
            backend.azure.as_ref().map(|azure| place(&azure.container, azure.prefix.as_ref()))
        }
        Some(Provider::Local) | None => None,
    };
    place.map_or_else(|| backend.provider.clone(), |place| format!("{} {place}", backend.provider))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url() {
        let flags =
            Flags { bucket: Some("b".into()), endpoint: Some("minio:9000".into()), ..Flags::default() };
        assert!(flags.backend(ProviderFlag::S3, None, None).unwrap_err().what().contains("minio:9000"));
    }
}
