//! A Repository opened from here: with the user's own rights on the objects that describe it, and over the user's own
//! network to the bucket, or through the cluster.

mod source;

use std::sync::Arc;

use archive::access::Password;
use archive::location;
use archive::repository::{Error, Repository as Archive, Site};
use archive::store;
use archive::worker::Worker;
use crds::reference::ObjectReference;
use crds::storage::{BackupStorage, Repository, Snapshot};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::environment::Environment;
use crate::failure::{Code, Failure};
use crate::streams::Streams;
use crate::suggest;

pub use source::{Connected, From, Source, connect};

/// How long to wait for locks of others: a person asks again.
const LOCK_PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// A Repository with what opens it.
#[derive(Debug)]
pub struct Found {
    /// The object.
    pub object: Repository,
    /// Where its password is.
    pub secret: ObjectReference,
    /// Where the credentials of its bucket are.
    pub credentials: Option<ObjectReference>,
    /// The bucket.
    pub bucket: Connected,
    /// What opens it.
    pub password: Password,
    /// The components that are meant, each of which is a repository of restic.
    pub paths: Vec<String>,
}

/// Reads the Repository and all that it names. `paths` are the components that are wished; none means all.
pub async fn find(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    paths: &[String],
    source: Source,
) -> Result<Found, Failure> {
    let object = object(cluster, namespace, name).await?;
    let paths = components(cluster, &object, paths).await?;
    let storage = storage(cluster, &object).await?;
    let bucket = connect(cluster, &storage, source).await?;
    let credentials = storage.spec.storage.as_ref().and_then(|backend| backend.secret_name());
    let home = storage.namespace().unwrap_or_default();
    let credentials = credentials.map(|name| ObjectReference::new(&home, name));
    let secret = reference(&object, object.spec.encryption_secret.as_ref(), "spec.encryptionSecret")?;
    let data = secret_data(cluster, &secret).await?;
    let password = Password::from_secret(&secret.to_string(), &data)
        .map_err(|error| unusable(&object).why(error.to_string()))?;
    Ok(Found { object, secret, credentials, bucket, password, paths })
}

impl Found {
    /// `namespace/name` of the Repository.
    #[must_use]
    pub fn name(&self) -> String {
        spoken(&self.object)
    }

    /// The Secrets that open it.
    pub fn secrets(&self) -> impl Iterator<Item = ObjectReference> {
        [Some(self.secret.clone()), self.credentials.clone()].into_iter().flatten()
    }

    /// Says from where it is reached.
    pub fn tell(&self, streams: &mut Streams<'_>) {
        streams.story.plain(&format!("Repository {}, from {}", self.name(), self.bucket.from));
    }

    /// Opens one of its components with a password.
    pub async fn open_with(
        &self,
        path: &str,
        password: &Password,
        environment: &Environment,
    ) -> Result<Archive, Failure> {
        let directory = location::repository_directory(&self.object.spec.path, path);
        let site = Site::new(Arc::clone(&self.bucket.store), directory, worker(environment));
        let opened = Archive::open(site, password).await;
        let opened = opened.map_err(|error| failure(&error, &format!("open repository {}", self.name())))?;
        Ok(opened.waiting_for_locks(LOCK_PATIENCE))
    }

    /// Opens one of its components with the password in its Secret.
    pub async fn open(&self, path: &str, environment: &Environment) -> Result<Archive, Failure> {
        self.open_with(path, &self.password, environment).await
    }
}

/// The Repository, or that it does not exist with the nearest name that does.
pub async fn object(cluster: &Cluster, namespace: &str, name: &str) -> Result<Repository, Failure> {
    if let Some(found) = cluster.get(Some(namespace), name).await? {
        return Ok(found);
    }
    create::installed(cluster).await?;
    let known: Vec<Repository> = cluster.list(Some(namespace), "").await?;
    let names: Vec<String> = known.iter().map(kube::ResourceExt::name_any).collect();
    let failure = Failure::new(Code::ObjectMissing, format!("Repository {namespace}/{name} does not exist"));
    Err(match suggest::nearest(name, names.iter().map(String::as_str)) {
        Some(nearest) => failure.fix(format!("did you mean {nearest}?")),
        None if names.is_empty() => failure.fix("kubectl kubestash backup create"),
        None => failure.row("found", names.join(", ")),
    })
}

async fn storage(cluster: &Cluster, object: &Repository) -> Result<BackupStorage, Failure> {
    let reference = reference(object, object.spec.storage_ref.as_ref(), "spec.storageRef")?;
    let namespace = reference.namespace.as_deref();
    let found = cluster.get::<BackupStorage>(namespace, &reference.name).await?;
    found.ok_or_else(|| unusable(object).why(format!("BackupStorage {reference} does not exist")))
}

async fn secret_data(
    cluster: &Cluster,
    reference: &ObjectReference,
) -> Result<std::collections::BTreeMap<String, k8s_openapi::ByteString>, Failure> {
    let secret: Option<Secret> = cluster.get(reference.namespace.as_deref(), &reference.name).await?;
    let Some(secret) = secret else {
        return Err(Failure::new(Code::SecretIncomplete, format!("Secret {reference} does not exist"))
            .why("without it nobody can open the repository")
            .fix("make it again with the values that were in it"));
    };
    Ok(secret.data.unwrap_or_default())
}

fn reference(
    object: &Repository,
    reference: Option<&ObjectReference>,
    field: &str,
) -> Result<ObjectReference, Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let resolved = reference.map(|reference| reference.resolved(&namespace));
    resolved.ok_or_else(|| unusable(object).why(format!("it has no {field}")))
}

/// The components that are meant: those that were named, else those that the status knows, else those of the snapshots.
async fn components(
    cluster: &Cluster,
    object: &Repository,
    wished: &[String],
) -> Result<Vec<String>, Failure> {
    let mut paths: Vec<String> = wished.iter().map(|path| location::trimmed(path)).collect();
    if paths.is_empty() {
        paths = object.status.as_ref().map(|status| status.component_paths.clone()).unwrap_or_default();
    }
    if paths.is_empty() {
        let namespace = object.namespace();
        let snapshots: Vec<Snapshot> = cluster.list(namespace.as_deref(), "").await?;
        let of_it = snapshots.iter().filter(|snapshot| snapshot.spec.repository == object.name_any());
        paths = of_it
            .flat_map(|snapshot| {
                let components = snapshot.status.iter().flat_map(|status| status.components.keys());
                components.map(|component| snapshot.component_path(component)).collect::<Vec<_>>()
            })
            .collect();
    }
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return Err(Failure::new(
            Code::RepositoryEmpty,
            format!("Repository {} holds nothing yet", spoken(object)),
        )
        .why("no backup has written to it")
        .fix("kubectl kubestash trigger NAME"));
    }
    Ok(paths)
}

fn spoken(object: &Repository) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

fn unusable(object: &Repository) -> Failure {
    Failure::new(Code::RepositoryUnusable, format!("Repository {} cannot be opened", spoken(object)))
}

/// This process, as others see it in a lock and in a key.
#[must_use]
pub fn worker(environment: &Environment) -> Worker {
    let (user, host) = who(environment);
    let clock = environment.clone();
    Worker {
        hostname: host,
        username: user,
        process: std::process::id(),
        clock: Arc::new(move || clock.now()),
    }
}

/// The user and the host of this process, as far as its environment tells.
#[must_use]
pub fn who(environment: &Environment) -> (String, String) {
    let first = |names: &[&str], otherwise: &str| {
        names.iter().find_map(|name| environment.variable(name)).unwrap_or(otherwise).to_owned()
    };
    (
        first(&["USER", "LOGNAME", "USERNAME"], "kubectl-kubestash"),
        first(&["HOSTNAME", "HOST", "COMPUTERNAME"], "workstation"),
    )
}

/// What went wrong with a repository, in the user's words. `doing` is an infinitive with its object.
#[must_use]
pub fn failure(error: &Error, doing: &str) -> Failure {
    let what = format!("could not {doing}");
    match error {
        Error::Store { source } | Error::Lock { source: archive::lock::Error::Store { source, .. } } => {
            store_failure(source, &what)
        }
        Error::Lock { source } => Failure::new(Code::RepositoryLocked, what)
            .why(source.to_string())
            .fix("wait until that work is done, or look at it:  kubectl kubestash repository unlock REPO"),
        Error::WrongPassword { secret, .. } => Failure::new(Code::WrongPassword, what)
            .why(error.to_string())
            .fix(format!("put the password that the repository was made with into {secret}")),
        Error::Missing { .. } => Failure::new(Code::RepositoryEmpty, what).why(error.to_string()).fix(
            "kubectl get repository REPO -o jsonpath='{.status.componentPaths}'   shows what --paths takes",
        ),
        Error::KeyInUse { .. } => Failure::new(Code::PasswordConflict, what).why(error.to_string()),
        other => Failure::new(Code::RepositoryUnusable, what).why(other.to_string()),
    }
}

/// What went wrong with a bucket, in the user's words.
#[must_use]
pub fn store_failure(error: &store::Error, what: &str) -> Failure {
    let code = match error {
        store::Error::Unreachable { .. } | store::Error::Untrusted { .. } => Code::StorageUnreachable,
        store::Error::AccessDenied { .. } | store::Error::Unauthenticated { .. } => Code::StorageRefused,
        _ => Code::StorageUnusable,
    };
    let failure = Failure::new(code, what).why(store::without_effort(&error.to_string()));
    match error {
        store::Error::Unreachable { place, .. } => {
            let host = host(&place.endpoint);
            let inside = host.split('.').any(|part| part == "svc") || !host.contains('.');
            let why = if inside && host != "localhost" {
                format!(
                    "{host} looks like a name inside the cluster: leave \"local\" out, or say \"cluster\",\nor make the name reach it from here (kubectl port-forward, and a line in /etc/hosts)"
                )
            } else {
                format!("run this where {} can be reached (VPN, proxy, firewall)", place.endpoint)
            };
            failure.fix(why)
        }
        store::Error::AccessDenied { .. } | store::Error::Unauthenticated { .. } => failure.fix(
            "give the BackupStorage's key these rights, or correct it:  kubectl kubestash storage create",
        ),
        store::Error::Untrusted { .. } => {
            failure.fix("put the authority's certificate into the storage's Secret as CA_CERT_DATA")
        }
        _ => failure,
    }
}

/// The host of an endpoint, without scheme, port and path.
fn host(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

/// The last part of a component path that tells components apart: `nightly/manifest` of
/// `repository/v1/nightly/manifest`.
#[must_use]
pub fn short(path: &str) -> &str {
    path.strip_prefix("repository/v1/").unwrap_or(path)
}

/// Opens every component that is meant, in order.
pub async fn open_all(
    found: &Found,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Vec<(String, Archive)>, Failure> {
    found.tell(streams);
    let mut opened = Vec::new();
    for path in &found.paths {
        opened.push((path.clone(), found.open(path, &context.environment).await?));
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn the_host_of_an_endpoint_is_found() {
        for (endpoint, expected) in [
            ("http://s3.storage.svc:7070", "s3.storage.svc"),
            ("https://s3.amazonaws.com/x", "s3.amazonaws.com"),
            ("minio", "minio"),
        ] {
            assert_eq!(host(endpoint), expected);
        }
    }

    #[test]
    fn who_works_is_told_by_the_environment() {
        let environment =
            Environment::scripted(&[("USER", "ann"), ("HOSTNAME", "laptop")], || Timestamp::UNIX_EPOCH);
        assert_eq!(who(&environment), ("ann".to_owned(), "laptop".to_owned()));
        let environment = Environment::scripted(&[], || Timestamp::UNIX_EPOCH);
        assert_eq!(who(&environment).0, "kubectl-kubestash");
    }
}
