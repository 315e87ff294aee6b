//! A BackupStorage from flags.

mod backend;
mod meant;

use clap::ValueEnum;
use crds::storage::DeletionPolicy;
use secrecy::SecretString;

pub use self::backend::spoken;
pub use self::meant::{Meant, secret_name};
use super::credentials::{self, Credentials, Keys};
use super::input::Input;
use crate::failure::{Failure, Missing};
use crate::setup::{self, usage_policy};

/// Who keeps the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProviderFlag {
    S3,
    Gcs,
    Azure,
    Local,
}

/// What happens to the data when the BackupStorage is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeletionFlag {
    /// Objects go, data stays.
    Delete,
    /// The data is erased as well.
    WipeOut,
}

/// A storage, as typed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Storage")]
#[group(id = "new-storage")]
pub struct Flags {
    /// Who keeps the data; the default follows from the other flags, else s3
    #[arg(long, value_enum, value_name = "PROVIDER")]
    pub provider: Option<ProviderFlag>,
    /// Bucket, or container of Azure
    #[arg(long, visible_alias = "container", value_name = "NAME")]
    pub bucket: Option<String>,
    /// URL of an S3-compatible object store; without it, AWS
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// Folder in the bucket
    #[arg(long, value_name = "PATH")]
    pub prefix: Option<String>,
    /// Storage account of Azure
    #[arg(long, value_name = "NAME")]
    pub storage_account: Option<String>,
    /// Do not check the endpoint's certificate
    #[arg(long)]
    pub insecure_tls: bool,
    /// How many connections at once
    #[arg(long, value_name = "NUMBER")]
    pub max_connections: Option<i64>,
    /// PersistentVolumeClaim of a local storage
    #[arg(long, value_name = "NAME")]
    pub pvc: Option<String>,
    /// NFS server of a local storage
    #[arg(long, value_name = "HOST", requires = "nfs_path")]
    pub nfs_server: Option<String>,
    /// Exported path on the NFS server
    #[arg(long, value_name = "PATH", requires = "nfs_server")]
    pub nfs_path: Option<String>,
    /// Folder on the node of a local storage
    #[arg(long, value_name = "PATH")]
    pub host_path: Option<String>,
    /// Where a local storage is mounted
    #[arg(long, default_value = "/kubestash/data", value_name = "PATH")]
    pub mount_path: String,
    /// Folder below the root of a local storage
    #[arg(long, value_name = "PATH")]
    pub sub_path: Option<String>,
    /// Which namespaces may use it: same, all, a list a,b, or selector=KEY=VALUE,…
    #[arg(long, default_value = "same", value_name = "WHICH")]
    pub allow_namespaces: String,
    /// Make it the default storage of its namespace
    #[arg(long = "default")]
    pub is_default: bool,
    /// What deleting the BackupStorage does to the data
    #[arg(long, value_enum, default_value = "delete", value_name = "POLICY")]
    pub deletion_policy: Option<DeletionFlag>,
    #[command(flatten)]
    pub credentials: credentials::Flags,
}

impl Flags {
    /// Whether any flag describes a new storage.
    #[must_use]
    pub fn describe_one(&self) -> bool {
        self.provider.is_some() || self.bucket.is_some() || self.is_local()
    }

    /// Whether a volume was named.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.pvc.is_some() || self.nfs_server.is_some() || self.host_path.is_some()
    }

    /// The provider that was named, or that follows from the other flags.
    #[must_use]
    pub fn provider(&self) -> ProviderFlag {
        let credentials = &self.credentials;
        match self.provider {
            Some(provider) => provider,
            None if self.is_local() => ProviderFlag::Local,
            None if self.storage_account.is_some() || credentials.account_key_file.is_some() => {
                ProviderFlag::Azure
            }
            None if credentials.service_account_json_file.is_some() => ProviderFlag::Gcs,
            None => ProviderFlag::S3,
        }
    }

    /// The name of a storage for which none was typed: its bucket's.
    #[must_use]
    pub fn default_name(&self) -> Option<String> {
        let text = self.bucket.as_deref().or(self.pvc.as_deref()).or(self.nfs_server.as_deref());
        text.map(setup::name_from).filter(|name| !name.is_empty())
    }

    /// Turns what was typed into what is meant. Missing flags are added to `missing`.
    pub fn meant(
        &self,
        (namespace, name): (&str, &str),
        asked: Option<SecretString>,
        input: &mut Input<'_>,
        missing: &mut Vec<Missing>,
    ) -> Result<Meant, Failure> {
        let provider = self.provider();
        if provider != ProviderFlag::Local && self.bucket.is_none() {
            let hint = "example: backups".into();
            missing.push(Missing { flag: "--bucket", meaning: "bucket or container to write to", hint });
        }
        if provider == ProviderFlag::Azure && self.storage_account.is_none() {
            missing.push(Missing {
                flag: "--storage-account",
                meaning: "storage account of Azure",
                hint: String::new(),
            });
        }
        if provider == ProviderFlag::Local && !self.is_local() {
            let hint = "or --nfs-server HOST --nfs-path PATH, or --host-path PATH".into();
            missing.push(Missing { flag: "--pvc", meaning: "volume to write to", hint });
        }
        let keys = match provider {
            ProviderFlag::S3 => Some(Keys::S3),
            ProviderFlag::Gcs => Some(Keys::Gcs),
            ProviderFlag::Azure => Some(Keys::Azure),
            ProviderFlag::Local => None,
        };
        let (credentials, of_profile) = match keys {
            Some(keys) => self.credentials.read(keys, asked, input, missing)?,
            None => (Credentials::None, None),
        };
        let region = self.region.clone().or_else(|| {
            let region = of_profile?;
            input.notes.push(format!("region {region}, as the profile says"));
            Some(region)
        });
        let secret_name = match &credentials {
            Credentials::Existing(name) => Some(name.clone()),
            Credentials::New(_) => Some(secret_name(name)),
            Credentials::None => None,
        };
        Ok(Meant {
            namespace: namespace.into(),
            name: name.into(),
            backend: self.backend(provider, secret_name, region)?,
            usage_policy: usage_policy::parse("--allow-namespaces", &self.allow_namespaces)?,
            is_default: self.is_default,
            deletion_policy: match self.deletion_policy {
                None | Some(DeletionFlag::Delete) => DeletionPolicy::Delete,
                Some(DeletionFlag::WipeOut) => DeletionPolicy::WipeOut,
            },
            credentials,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Object;

    fn meant(flags: &Flags) -> (Meant, Vec<&'static str>) {
        let mut stdin: &[u8] = b"s3cr3t";
        let mut missing = Vec::new();
        let meant =
            flags.meant(("shop", "minio"), None, &mut Input::new(&mut stdin, false), &mut missing).unwrap();
        (meant, missing.into_iter().map(|missing| missing.flag).collect())
    }

    fn flags() -> Flags {
        Flags { allow_namespaces: "same".into(), mount_path: "/data".into(), ..Flags::default() }
    }

    #[test]
    fn an_s3_storage_with_new_credentials_is_a_secret_and_a_storage() {
        let credentials = credentials::Flags {
            access_key_id: Some("id".into()),
            secret_access_key_file: Some("-".into()),
            ..credentials::Flags::default()
        };
        let flags = Flags {
            bucket: Some("backups/".into()),
            prefix: Some("dev/shop/".into()),
            endpoint: Some("http://minio.minio.svc:9000/".into()),
            credentials,
            ..flags()
        };
        let (meant, missing) = meant(&flags);
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(meant.spoken(), "s3 backups/dev/shop");
        let objects = meant.objects().unwrap();
        let references: Vec<String> = objects.iter().map(Object::reference).collect();
        assert_eq!(references, ["secret/minio-credentials", "backupstorage.storage.kubestash.com/minio"]);
        assert_eq!(
            objects[1].body["spec"],
            json!({
                "storage": {"provider": "s3", "s3": {
                    "endpoint": "http://minio.minio.svc:9000", "bucket": "backups", "prefix": "dev/shop",
                    "secretName": "minio-credentials"}},
                "usagePolicy": {"allowedNamespaces": {"from": "Same"}},
                "deletionPolicy": "Delete",
            })
        );
        assert!(!format!("{meant:?}").contains("s3cr3t"));
    }

    #[test]
    fn the_provider_follows_from_the_other_flags() {
        let with = |change: fn(&mut Flags)| {
            let mut flags = flags();
            change(&mut flags);
            flags.provider()
        };
        assert_eq!(with(|flags| flags.bucket = Some("b".into())), ProviderFlag::S3);
        assert_eq!(with(|flags| flags.pvc = Some("b".into())), ProviderFlag::Local);
        assert_eq!(with(|flags| flags.storage_account = Some("a".into())), ProviderFlag::Azure);
        assert_eq!(
            with(|flags| flags.credentials.service_account_json_file = Some("f".into())),
            ProviderFlag::Gcs
        );
    }

    #[test]
    fn what_is_missing_is_collected() {
        assert_eq!(meant(&flags()).1, ["--bucket", "--credentials-secret"]);
        let azure = Flags { provider: Some(ProviderFlag::Azure), ..flags() };
        assert_eq!(meant(&azure).1, ["--bucket", "--storage-account", "--account-key-file"]);
        let local = Flags { provider: Some(ProviderFlag::Local), ..flags() };
        assert_eq!(meant(&local).1, ["--pvc"]);
    }

    #[test]
    fn a_local_storage_names_its_volume() {
        let flags =
            Flags { nfs_server: Some("10.0.0.9".into()), nfs_path: Some("/export".into()), ..flags() };
        let objects = meant(&flags).0.objects().unwrap();
        assert_eq!(
            objects[0].body["spec"]["storage"],
            json!({"provider": "local", "local": {"mountPath": "/data", "nfs": {"server": "10.0.0.9", "path": "/export"}}})
        );
    }
}
