//! `debug bundle`: what an expert needs, in one file, without any secret.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use archive::access;
use archive::manifest::codec;
use crds::core::{BackupConfiguration, BackupSession, RestoreSession};
use crds::label;
use crds::storage::{BackupStorage, Repository, RetentionPolicy, Snapshot};
use futures::AsyncReadExt as _;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::LogParams;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::redact::Redactor;
use crate::cluster::Cluster;
use crate::commands::backup::trigger::not_found;
use crate::commands::lookup;
use crate::commands::version::OPERATOR_LABEL;
use crate::context::{self, Context};
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::Object;
use crate::output;
use crate::pods;
use crate::story::Glyph;
use crate::streams::Streams;

/// The longest log of one container, in bytes.
const LONGEST_LOG: i64 = 4 * 1024 * 1024;

/// Collect what an expert needs into a file, without any secret
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this backup; the default is all of the namespace
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
    /// Of restores, only this one; the default is all of the namespace
    #[arg(long, value_name = "NAME")]
    restore: Option<String>,
    /// The file to write, a tar.gz
    #[arg(long, default_value = "kubestash-bundle.tar.gz", value_name = "FILE")]
    output_file: PathBuf,
    /// Runs, events and logs of this last span of time
    #[arg(long, default_value = "24h", value_name = "DURATION")]
    since: String,
}

/// What is collected: files by their path, and what could not be read.
struct Bundle<'a> {
    cluster: &'a Cluster,
    redactor: Redactor,
    files: BTreeMap<String, String>,
    lacking: Vec<String>,
    since: Duration,
    now: Timestamp,
}

impl Args {
    /// Collects.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let since = context::duration("--since", &self.since)?;
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        if let Some(name) = &self.backup
            && cluster.get::<BackupConfiguration>(Some(&namespace), name).await?.is_none()
        {
            return Err(not_found(&cluster, &namespace, name).await?);
        }
        if let Some(name) = &self.restore {
            lookup::one::<RestoreSession>(&cluster, &namespace, name).await?;
        }
        let now = context.environment.now();
        let mut bundle = Bundle {
            cluster: &cluster,
            redactor: Redactor::default(),
            files: BTreeMap::new(),
            lacking: Vec::new(),
            since,
            now,
        };
        bundle.learn(&namespace).await;
        bundle.versions().await;
        bundle.restores(&namespace, self.restore.as_deref()).await;
        bundle.backup(&namespace, self.backup.as_deref()).await;
        bundle.operator().await;
        if !bundle.lacking.is_empty() {
            let lacking = output::lines(bundle.lacking.iter().cloned());
            bundle.add("not-collected.txt", &lacking);
        }
        let packed = pack(&bundle.files, now).map_err(|error| self.unwritten(&error))?;
        std::fs::write(&self.output_file, packed).map_err(|error| self.unwritten(&error))?;
        let rows: Vec<Vec<String>> = bundle
            .files
            .iter()
            .map(|(path, content)| vec![path.clone(), human::bytes(content.len() as u64)])
            .collect();
        streams.results.write_all(output::table(&["FILE", "SIZE"], &rows).as_bytes())?;
        for lacking in &bundle.lacking {
            streams.story.line(Glyph::Warning, lacking);
        }
        let number = human::counted(bundle.files.len(), "file");
        let text =
            format!("{} written: {number}, without values of Secrets and tokens", self.output_file.display());
        streams.story.line(Glyph::Done, &text);
        Ok(())
    }

    fn unwritten(&self, error: &std::io::Error) -> Failure {
        Failure::new(Code::FileUnusable, format!("could not write {}", self.output_file.display()))
            .why(error.to_string())
            .fix("--output-file FILE")
    }
}

impl Bundle<'_> {
    /// The values of the Secrets that can be read, so that they can be left out of logs and events.
    async fn learn(&mut self, namespace: &str) {
        let storages: Vec<BackupStorage> = self.cluster.list(None, "").await.unwrap_or_default();
        let repositories: Vec<Repository> = self.cluster.list(Some(namespace), "").await.unwrap_or_default();
        let mut names: Vec<(String, String)> = storages
            .iter()
            .filter_map(|storage| {
                let secret = storage.spec.storage.as_ref()?.secret_name()?.to_owned();
                Some((storage.namespace()?, secret))
            })
            .collect();
        names.extend(repositories.iter().filter_map(|repository| {
            let secret = repository.spec.encryption_secret.as_ref()?.resolved(namespace);
            Some((secret.namespace?, secret.name))
        }));
        names.sort();
        names.dedup();
        for (namespace, name) in names {
            let secret = self.cluster.get::<Secret>(Some(&namespace), &name).await;
            let Ok(Some(secret)) = secret else { continue };
            for (_, value) in secret.data.iter().flatten().filter(|(key, _)| !is_public(key)) {
                self.redactor.learn(&value.0);
            }
            // Which keys it has is half of all mistakes; what they hold is nobody's business.
            let keys: Vec<&String> = secret.data.iter().flat_map(BTreeMap::keys).collect();
            let text = output::lines(keys.into_iter().cloned());
            self.files.insert(format!("{namespace}/secret-keys/{name}.txt"), text);
        }
    }

    async fn versions(&mut self) {
        let version = self.cluster.get_path::<Value>("/version").await;
        let served =
            version.ok().flatten().and_then(|version| version["gitVersion"].as_str().map(str::to_owned));
        let text = format!(
            "client {}\nKubernetes {}\ncollected {}\n",
            env!("CARGO_PKG_VERSION"),
            served.unwrap_or_else(|| "unknown".into()),
            self.now
        );
        self.add("versions.txt", &text);
    }

    /// Everything about the backups of a namespace.
    async fn backup(&mut self, namespace: &str, backup: Option<&str>) {
        let meant = |object: &str| backup.is_none_or(|name| name == object);
        let place = Some(namespace);
        self.objects::<BackupConfiguration>(place, "", |object| meant(&object.name_any())).await;
        let recent = |created: Option<Timestamp>, now: Timestamp, since: Duration| {
            created.is_none_or(|created| human::between(created, now) <= since)
        };
        let (now, since) = (self.now, self.since);
        let runs = self
            .objects::<BackupSession>(place, "", |run| {
                let invoker = run.spec.invoker.as_ref().map_or("", |invoker| &invoker.name);
                meant(invoker) && recent(run.creation_timestamp().map(|time| time.0), now, since)
            })
            .await;
        let runs: Vec<String> = runs.iter().map(kube::ResourceExt::name_any).collect();
        self.objects::<Snapshot>(place, "", |snapshot| {
            let created = snapshot.creation_timestamp().map(|time| time.0);
            let of_run = runs.contains(&snapshot.spec.backup_session);
            of_run || (backup.is_none() && recent(created, now, since))
        })
        .await;
        self.objects::<Repository>(place, "", |_| true).await;
        self.objects::<RetentionPolicy>(place, "", |_| true).await;
        self.objects::<BackupStorage>(None, "", |_| true).await;
        let managed = format!("{}={}", label::MANAGED_BY, label::MANAGED_BY_KUBESTASH);
        self.objects::<CronJob>(place, &managed, |_| true).await;
        self.objects::<Job>(place, &managed, |job| {
            recent(job.creation_timestamp().map(|time| time.0), now, since)
        })
        .await;
        let pods = self
            .objects::<Pod>(place, &managed, |pod| {
                recent(pod.creation_timestamp().map(|time| time.0), now, since)
            })
            .await;
        self.objects::<Event>(place, "", |event| {
            recent(event.creation_timestamp().map(|time| time.0), now, since)
        })
        .await;
        self.logs(namespace, &pods).await;
    }

    /// The restores of a namespace; their pods are among those of the backups.
    async fn restores(&mut self, namespace: &str, restore: Option<&str>) {
        let (now, since) = (self.now, self.since);
        let meant = |session: &RestoreSession| match restore {
            Some(name) => session.name_any() == name,
            None => session.creation_timestamp().is_none_or(|made| human::between(made.0, now) <= since),
        };
        self.objects::<RestoreSession>(Some(namespace), "", meant).await;
    }

    async fn operator(&mut self) {
        let deployments = self.objects::<Deployment>(None, OPERATOR_LABEL, |_| true).await;
        for namespace in deployments.iter().filter_map(kube::ResourceExt::namespace) {
            let pods = self.objects::<Pod>(Some(&namespace), OPERATOR_LABEL, |_| true).await;
            self.logs(&namespace, &pods).await;
        }
    }

    /// Adds the objects of a kind that `meant` chooses, one file each, and returns them.
    async fn objects<K>(
        &mut self,
        namespace: Option<&str>,
        labels: &str,
        meant: impl Fn(&K) -> bool,
    ) -> Vec<K>
    where
        K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone,
    {
        let plural = K::plural(&()).to_ascii_lowercase();
        let mut objects: Vec<K> = match self.cluster.list(namespace, labels).await {
            Ok(objects) => objects,
            Err(error) => {
                self.lacking.push(format!("{plural}: {}", Failure::from(error).what()));
                return Vec::new();
            }
        };
        objects.retain(meant);
        for object in &objects {
            let place = object.meta().namespace.clone().unwrap_or_else(|| "cluster".into());
            let path = format!("{place}/{plural}/{}.yaml", object.name_any());
            let Ok(typed) = Object::typed(object) else { continue };
            let body = self.redactor.object(&typed.body);
            if let Ok(text) = codec::encode(&body) {
                self.files.insert(path, text);
            }
        }
        objects
    }

    /// Adds the logs of all containers of these pods.
    async fn logs(&mut self, namespace: &str, pods: &[Pod]) {
        for pod in pods.iter().filter(|pod| pods::has_started(pod)) {
            let Some(spec) = &pod.spec else { continue };
            for container in spec.init_containers.iter().flatten().chain(&spec.containers) {
                let params = LogParams {
                    container: Some(container.name.clone()),
                    since_seconds: i64::try_from(self.since.as_secs().max(1)).ok(),
                    limit_bytes: Some(LONGEST_LOG),
                    timestamps: true,
                    ..LogParams::default()
                };
                let name = pod.name_any();
                match read_log(self.cluster, namespace, &name, &params).await {
                    Ok(text) => self.add(&format!("{namespace}/logs/{name}-{}.log", container.name), &text),
                    Err(failure) => self.lacking.push(format!("log of {name}: {}", failure.what())),
                }
            }
        }
    }

    fn add(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), self.redactor.text(text));
    }
}

/// What a Secret holds without being secret: an id may be a common word, which would be missing everywhere.
fn is_public(key: &str) -> bool {
    matches!(key, access::key::AWS_ACCESS_KEY_ID | access::key::CA_CERT_DATA)
}

/// A log as it is now, whole.
pub async fn read_log(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    params: &LogParams,
) -> Result<String, Failure> {
    let stream = cluster.log(namespace, pod, params).await?;
    let mut bytes = Vec::new();
    let mut stream = std::pin::pin!(stream);
    let read = stream.read_to_end(&mut bytes).await;
    read.map_err(|error| {
        Failure::new(Code::RequestFailed, format!("could not read the log of {pod}")).why(error.to_string())
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The files as a tar.gz, readable by their owner only.
fn pack(files: &BTreeMap<String, String>, now: Timestamp) -> std::io::Result<Vec<u8>> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut tar = tar::Builder::new(gzip);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(now.as_second()).unwrap_or_default());
        tar.append_data(&mut header, format!("kubestash-bundle/{path}"), content.as_bytes())?;
    }
    let mut packed = tar.into_inner()?.finish()?;
    packed.flush()?;
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_bundle_is_a_tar_gz_that_holds_every_file() {
        let files = BTreeMap::from([
            ("versions.txt".to_owned(), "client 1\n".to_owned()),
            (format!("shop/snapshots/{}.yaml", "x".repeat(150)), "kind: Snapshot\n".to_owned()),
        ]);
        let packed = pack(&files, Timestamp::UNIX_EPOCH).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut found = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.insert(path.trim_start_matches("kubestash-bundle/").to_owned(), text);
        }
        assert_eq!(found, files);
    }
}
