//! A BackupStorage from flags.

use clap::ValueEnum;
use crds::storage::backup_storage::{
    AzureBackend, Backend, BackupStorageSpec, GcsBackend, LocalBackend, Provider, S3Backend,
};
use crds::storage::{BackupStorage, DeletionPolicy};
use crds::usage_policy::{AllowedNamespaces, FromNamespaces, UsagePolicy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::credentials::{self, Credentials, Input, Keys};
use crate::failure::{Failure, Missing};
use crate::object::Object;
use crate::setup;

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

/// A storage, as meant: complete.
#[derive(Clone, Debug)]
pub struct Meant {
    pub namespace: String,
    pub name: String,
    backend: Backend,
    usage_policy: UsagePolicy,
    is_default: bool,
    deletion_policy: DeletionPolicy,
    credentials: Credentials,
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
        let credentials = match keys {
            Some(keys) => self.credentials.read(keys, asked, input, missing)?,
            None => Credentials::None,
        };
        let secret_name = match &credentials {
            Credentials::Existing(name) => Some(name.clone()),
            Credentials::New(_) => Some(secret_name(name)),
            Credentials::None => None,
        };
        Ok(Meant {
            namespace: namespace.into(),
            name: name.into(),
            backend: self.backend(provider, secret_name)?,
            usage_policy: usage_policy("--allow-namespaces", &self.allow_namespaces)?,
            is_default: self.is_default,
            deletion_policy: match self.deletion_policy {
                None | Some(DeletionFlag::Delete) => DeletionPolicy::Delete,
                Some(DeletionFlag::WipeOut) => DeletionPolicy::WipeOut,
            },
            credentials,
        })
    }

    fn backend(&self, provider: ProviderFlag, secret_name: Option<String>) -> Result<Backend, Failure> {
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
                    region: self.region.clone(),
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

/// The name of the Secret that is made for a storage.
#[must_use]
pub fn secret_name(storage: &str) -> String {
    format!("{storage}-credentials")
}

/// Which namespaces may use an object: `same`, `all`, `a,b`, or `selector=key=value,…`.
pub fn usage_policy(flag: &str, text: &str) -> Result<UsagePolicy, Failure> {
    let from = |from| {
        Ok(UsagePolicy { allowed_namespaces: Some(AllowedNamespaces { from: Some(from), selector: None }) })
    };
    let selected = |selector| UsagePolicy {
        allowed_namespaces: Some(AllowedNamespaces {
            from: Some(FromNamespaces::Selector),
            selector: Some(selector),
        }),
    };
    match text {
        "same" => return from(FromNamespaces::Same),
        "all" => return from(FromNamespaces::All),
        _ => {}
    }
    if let Some(labels) = text.strip_prefix("selector=") {
        let pairs: Option<_> = labels.split(',').map(|pair| pair.split_once('=')).collect();
        let pairs: Vec<(&str, &str)> = pairs.ok_or_else(|| {
            Failure::usage(format!("{flag} {text} is no selector"))
                .fix(format!("{flag} selector=team=shop,stage=prod"))
        })?;
        let labels = pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        return Ok(selected(LabelSelector { match_labels: Some(labels), match_expressions: None }));
    }
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if let Some(wrong) = names.iter().find(|name| !setup::is_name(name)) {
        return Err(Failure::usage(format!("{flag}: \"{wrong}\" is no namespace"))
            .fix(format!("{flag} same, all, a list of namespaces, or selector=KEY=VALUE")));
    }
    Ok(selected(LabelSelector {
        match_labels: None,
        match_expressions: Some(vec![LabelSelectorRequirement {
            key: "kubernetes.io/metadata.name".into(),
            operator: "In".into(),
            values: Some(names),
        }]),
    }))
}

impl Meant {
    /// The Secret that must exist already, if the storage uses one that is not made here.
    #[must_use]
    pub fn existing_secret(&self) -> Option<&str> {
        match &self.credentials {
            Credentials::Existing(name) => Some(name),
            Credentials::New(_) | Credentials::None => None,
        }
    }

    /// Whether the pods' own identity opens the storage: there is no Secret.
    #[must_use]
    pub fn uses_own_identity(&self) -> bool {
        matches!(self.credentials, Credentials::None)
    }

    /// The key that tells whether a Secret holds this provider's credentials (contract §5).
    #[must_use]
    pub fn first_key(&self) -> Option<&'static str> {
        match self.backend.provider()? {
            Provider::S3 => Some("AWS_ACCESS_KEY_ID"),
            Provider::Gcs => Some("GOOGLE_SERVICE_ACCOUNT_JSON_KEY"),
            Provider::Azure => Some("AZURE_ACCOUNT_KEY"),
            Provider::Local => None,
        }
    }

    /// `s3 backups/dev/shop`: provider, bucket and prefix, for people.
    #[must_use]
    pub fn spoken(&self) -> String {
        spoken(&self.backend)
    }

    /// Secret and BackupStorage.
    pub fn objects(&self) -> Result<Vec<Object>, Failure> {
        let mut objects = Vec::new();
        if let Credentials::New(data) = &self.credentials {
            let secret = credentials::secret(&self.namespace, &secret_name(&self.name), data);
            objects.push(Object::typed(&secret)?);
        }
        let mut storage = BackupStorage::new(
            &self.name,
            BackupStorageSpec {
                storage: Some(self.backend.clone()),
                usage_policy: Some(self.usage_policy.clone()),
                default: self.is_default,
                deletion_policy: Some(self.deletion_policy),
                runtime_settings: None,
            },
        );
        storage.metadata = setup::metadata(Some(&self.namespace), &self.name);
        objects.push(Object::typed(&storage)?);
        Ok(objects)
    }
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

    #[test]
    fn namespaces_may_be_allowed_in_four_ways() {
        let policy = |text| serde_json::to_value(usage_policy("--allow-namespaces", text).unwrap()).unwrap();
        assert_eq!(policy("same"), json!({"allowedNamespaces": {"from": "Same"}}));
        assert_eq!(policy("all"), json!({"allowedNamespaces": {"from": "All"}}));
        assert_eq!(
            policy("a,b"),
            json!({"allowedNamespaces": {"from": "Selector", "selector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}]}}})
        );
        assert_eq!(
            policy("selector=team=shop"),
            json!({"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}})
        );
        assert!(usage_policy("--allow-namespaces", "A B").is_err());
        assert!(usage_policy("--allow-namespaces", "selector=team").is_err());
    }

    #[test]
    fn an_endpoint_is_a_url() {
        let flags = Flags { bucket: Some("b".into()), endpoint: Some("minio:9000".into()), ..flags() };
        assert!(flags.backend(ProviderFlag::S3, None).unwrap_err().what().contains("minio:9000"));
    }
}
