//! `debug backup`: the runs that failed, and those that do not get on, each with its one cause.

use crds::condition;
use crds::core::backup_configuration::BackupConfigurationPhase;
use crds::core::backup_session::BackupSessionPhase;
use crds::core::{BackupConfiguration, BackupSession};
use crds::label;
use crds::storage::Snapshot;
use crds::storage::snapshot::SnapshotPhase;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;

use super::{Finding, render};
use crate::commands::backup::trigger::not_found;
use crate::commands::create;
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::pods;
use crate::progress::outcome::{self, Outcomes};
use crate::streams::Streams;

/// Find the runs that failed, and say why and what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup; the default is all of the namespace
    name: Option<String>,
    /// Only runs of these sessions, comma separated
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    sessions: Vec<String>,
    /// Only the newest failed run of each session
    #[arg(long)]
    latest: bool,
}

/// All that is known of the backups of a namespace.
#[derive(Debug, Default)]
struct Known {
    configurations: Vec<BackupConfiguration>,
    sessions: Vec<BackupSession>,
    snapshots: Vec<Snapshot>,
    pods: Vec<Pod>,
}

impl Args {
    /// Looks, and says what was found.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let place = Some(namespace.as_str());
        let managed = format!("{}={}", label::MANAGED_BY, label::MANAGED_BY_KUBESTASH);
        let (configurations, sessions, snapshots, pods) = futures::try_join!(
            cluster.list(place, ""),
            cluster.list(place, ""),
            cluster.list(place, ""),
            cluster.list(place, &managed),
        )?;
        let mut known = Known { configurations, sessions, snapshots, pods };
        if let Some(name) = &self.name
            && !known.configurations.iter().any(|configuration| configuration.name_any() == *name)
        {
            return Err(not_found(&cluster, &namespace, name).await?);
        }
        if known.configurations.is_empty() {
            create::installed(&cluster).await?;
        }
        known.configurations.retain(|found| self.name.as_ref().is_none_or(|name| found.name_any() == *name));
        let findings = self.findings(&known, context.environment.now());
        if findings.is_empty() {
            let about = self.name.as_deref().map_or_else(
                || format!("the backups of namespace {namespace}"),
                |name| format!("backup {namespace}/{name}"),
            );
            streams.story.plain(&format!("Nothing failed in {about}, as far as runs are kept."));
        }
        streams.results.write_all(render(&findings).as_bytes())?;
        Ok(())
    }

    fn findings(&self, known: &Known, now: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        for configuration in &known.configurations {
            findings.extend(configuration_finding(configuration));
            let name = configuration.name_any();
            let mut runs: Vec<&BackupSession> = known
                .sessions
                .iter()
                .filter(|run| run.spec.invoker.as_ref().is_some_and(|invoker| invoker.name == name))
                .filter(|run| self.wishes(&run.spec.session))
                .collect();
            runs.sort_by_key(|run| std::cmp::Reverse((run.creation_timestamp(), run.name_any())));
            let mut seen = Vec::new();
            for run in &runs {
                let Some(finding) = run_finding(run, known, now) else { continue };
                if self.latest && seen.contains(&&run.spec.session) {
                    continue;
                }
                seen.push(&run.spec.session);
                findings.push(finding);
            }
            if !self.latest {
                findings.extend(self.orphans(&name, known, now));
            }
        }
        findings
    }

    fn wishes(&self, session: &String) -> bool {
        self.sessions.is_empty() || self.sessions.contains(session)
    }

    /// Snapshots that failed in runs whose BackupSession is gone by now.
    fn orphans(&self, configuration: &str, known: &Known, now: Timestamp) -> Vec<Finding> {
        let is_of = |snapshot: &&Snapshot| {
            let spec = &snapshot.spec;
            let made = crds::name::epoch_of(&spec.backup_session)
                .map(|epoch| crds::name::backup_session(configuration, &spec.session, epoch));
            made.as_ref() == Some(&spec.backup_session)
        };
        let failed = known
            .snapshots
            .iter()
            .filter(|snapshot| {
                let phase = snapshot.status.as_ref().and_then(|status| status.phase);
                phase == Some(SnapshotPhase::Failed)
            })
            .filter(is_of)
            .filter(|snapshot| self.wishes(&snapshot.spec.session))
            .filter(|snapshot| {
                !known.sessions.iter().any(|run| run.name_any() == snapshot.spec.backup_session)
            });
        failed
            .map(|snapshot| {
                let status = snapshot.status.clone().unwrap_or_default();
                let error = status.components.values().find_map(|component| component.error.clone());
                let age = snapshot.creation_timestamp().map(|time| human::age_at(time.0, now)).unwrap_or_default();
                let namespace = snapshot.namespace().unwrap_or_default();
                let why = first_line(&error.unwrap_or_else(|| "nobody said why".into()));
                Finding {
                    what: format!("Snapshot {namespace}/{}   Failed {age} ago, its run is not kept", snapshot.name_any()),
                    fix: locked(&why, &[snapshot]).unwrap_or_else(|| format!("kubectl kubestash trigger {configuration} -n {namespace} --watch   shows whether it still fails")),
                    why,
                }
            })
            .collect()
    }
}

/// What is wrong with a backup before it runs.
fn configuration_finding(configuration: &BackupConfiguration) -> Option<Finding> {
    let status = configuration.status.clone().unwrap_or_default();
    let phase = status.phase.filter(|phase| *phase != BackupConfigurationPhase::Ready)?;
    let (namespace, name) = (configuration.namespace().unwrap_or_default(), configuration.name_any());
    let told = condition::first_failure(&status.conditions).and_then(|failed| failed.message.clone());
    let backend = status.backends.iter().find(|backend| backend.ready != Some(true));
    let why = told
        .filter(|message| !message.is_empty())
        .or_else(|| backend.map(|backend| format!("its backend {} is not ready", backend.name)))
        .unwrap_or_else(|| "the operator did not say why".into());
    let fix = match (phase, backend) {
        (BackupConfigurationPhase::Invalid, _) => {
            format!("kubectl edit backupconfiguration {name} -n {namespace}")
        }
        (_, Some(backend)) => {
            let storage = configuration
                .spec
                .backends
                .iter()
                .find(|known| known.name == backend.name)
                .and_then(|known| known.storage_ref.as_ref());
            storage.map_or_else(String::new, |storage| {
                let place = storage.namespace_or(&namespace);
                format!("kubectl kubestash debug backupstorage {} -n {place}", storage.name)
            })
        }
        _ => format!("kubectl describe backupconfiguration {name} -n {namespace}"),
    };
    Some(Finding {
        what: format!("BackupConfiguration {namespace}/{name}   {phase}"),
        why: first_line(&why),
        fix,
    })
}

/// Why a run failed, was skipped, or does not get on.
fn run_finding(run: &BackupSession, known: &Known, now: Timestamp) -> Option<Finding> {
    let (namespace, name) = (run.namespace().unwrap_or_default(), run.name_any());
    let age = run.creation_timestamp().map(|time| human::age_at(time.0, now)).unwrap_or_default();
    let phase = run.status.as_ref().and_then(|status| status.phase);
    if !phase.is_some_and(BackupSessionPhase::is_completed) {
        let mut pods_of_it =
            known.pods.iter().filter(|pod| pod.labels().get(label::INVOKER_NAME) == Some(&name));
        let (pod, trouble) = pods_of_it.find_map(|pod| Some((pod.name_any(), pods::trouble(pod)?)))?;
        return Some(Finding {
            what: format!("BackupSession {namespace}/{name}   does not get on, started {age} ago"),
            why: first_line(&format!("pod {pod}: {trouble}")),
            fix: format!("kubectl describe pod {pod} -n {namespace}"),
        });
    }
    let snapshots: Vec<&Snapshot> =
        known.snapshots.iter().filter(|snapshot| snapshot.spec.backup_session == name).collect();
    let outcome = outcome::of(run, &snapshots, std::time::Duration::ZERO)?;
    match outcome.result {
        Outcomes::Succeeded => None,
        Outcomes::Skipped { why } => Some(Finding {
            what: format!("BackupSession {namespace}/{name}   Skipped {age} ago"),
            why,
            fix: String::new(),
        }),
        Outcomes::Failed { why, fix, .. } => {
            let fix = locked(&why, &snapshots).unwrap_or(fix);
            Some(Finding { what: format!("BackupSession {namespace}/{name}   Failed {age} ago"), why, fix })
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

/// What to do when somebody's lock was in the way.
fn locked(why: &str, snapshots: &[&Snapshot]) -> Option<String> {
    let snapshot = snapshots.first().filter(|_| why.contains("locked"))?;
    let namespace = snapshot.namespace().unwrap_or_default();
    Some(format!("kubectl kubestash unlock {} -n {namespace}", snapshot.spec.repository))
}
