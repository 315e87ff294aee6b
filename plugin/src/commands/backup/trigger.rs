//! `backup trigger`, `trigger`: a run now, as a person wishes it.

use crds::core::backup_configuration::BackupConfigurationPhase;
use crds::core::{BackupConfiguration, BackupSession};
use kube::ResourceExt as _;

use super::follow;
use crate::cluster::Cluster;
use crate::commands::{create, list, lookup};
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::object::Kind;
use crate::output::{self, Format, Shape};
use crate::progress::Mode;
use crate::story::Glyph;
use crate::streams::Streams;

/// Run a backup now
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backups to run
    #[arg(required_unless_present_any = ["selector", "all"], value_name = "NAME")]
    names: Vec<String>,
    /// Only these sessions, comma separated; the default is all of a backup
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    sessions: Vec<String>,
    /// Run the backups with these labels
    #[arg(short = 'l', long, conflicts_with = "names", value_name = "LABELS")]
    selector: Option<String>,
    /// Run all backups of the namespace
    #[arg(long, conflicts_with_all = ["names", "selector"])]
    all: bool,
    /// Wait until the runs ended; exit with 0 only when they succeeded
    #[arg(long)]
    wait: bool,
    /// Wait, and show how it goes
    #[arg(long)]
    watch: bool,
    /// Output format: of the BackupSessions, or with --wait of the result
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    follow: follow::Flags,
}

impl Args {
    /// Creates the BackupSessions, and follows them if that is wished.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let manner = self.follow.manner(context, !self.watch)?;
        let follows = self.wait || self.watch;
        let begun = self.begin(context, streams).await;
        let mode = if follows { manner.mode } else { Mode::None };
        let (namespace, cluster, sessions) = follow::begun(begun, mode, (context, streams))?;
        self.print(&sessions, follows, streams)?;
        if !follows {
            return Ok(());
        }
        let runs: Vec<String> = sessions.iter().map(kube::ResourceExt::name_any).collect();
        let after = (manner, &self.output);
        follow::to_the_end(&cluster, (&namespace, &runs), after, (context, streams)).await
    }

    /// Creates the BackupSessions.
    async fn begin(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<(String, Cluster, Vec<BackupSession>), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let configurations = self.configurations(&cluster, &namespace).await?;
        let now = context.environment.now().as_second();
        let sessions = planned(&configurations, &self.sessions, now)?;
        for warning in warnings(&configurations) {
            streams.story.line(Glyph::Warning, &warning);
        }
        for session in &sessions {
            // One of that name was made in this very second: it is the run that was asked for.
            cluster.create(Some(&namespace), session).await?;
        }
        Ok((namespace, cluster, sessions))
    }

    async fn configurations(
        &self,
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<Vec<BackupConfiguration>, Failure> {
        if self.names.is_empty() {
            let labels = self.selector.as_deref().unwrap_or_default();
            let found = cluster.list(Some(namespace), labels).await?;
            if found.is_empty() {
                create::installed(cluster).await?;
                return Err(Failure::new(
                    Code::NoBackup,
                    format!("no backup to run in namespace {namespace}"),
                )
                .fix(format!("kubectl get backupconfigurations -n {namespace}")));
            }
            return Ok(found);
        }
        let mut found = Vec::new();
        for name in &self.names {
            match cluster.get(Some(namespace), name).await? {
                Some(configuration) => found.push(configuration),
                None => return Err(not_found(cluster, namespace, name).await?),
            }
        }
        Ok(found)
    }

    fn print(
        &self,
        sessions: &[BackupSession],
        follows: bool,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        let is_table = matches!(self.output, Format::Table | Format::Wide);
        // The result of a run that is followed is its end.
        if follows && (!is_table || self.follow.shown.progress == crate::progress::Mode::Json) {
            return Ok(());
        }
        let kind = Kind::of::<BackupSession>().lower_case();
        let text = self
            .output
            .document(&list::bodies(sessions)?, Shape::Documents)?
            .unwrap_or_else(|| lines(sessions, |name| format!("{kind}/{name} created")));
        streams.results.write_all(text.as_bytes())?;
        streams.results.flush()?;
        Ok(())
    }
}

fn lines(sessions: &[BackupSession], line: impl Fn(&str) -> String) -> String {
    output::lines(sessions.iter().map(|session| line(&session.name_any())))
}

/// Runs every session of a backup, and says under which names.
pub async fn all_sessions(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    context: &Context,
) -> Result<Vec<String>, Failure> {
    let Some(configuration) = cluster.get::<BackupConfiguration>(Some(namespace), name).await? else {
        return Err(not_found(cluster, namespace, name).await?);
    };
    let sessions = planned(&[configuration], &[], context.environment.now().as_second())?;
    for session in &sessions {
        cluster.create(Some(namespace), session).await?;
    }
    Ok(sessions.iter().map(kube::ResourceExt::name_any).collect())
}

/// A backup that does not exist, with the nearest name that does.
pub async fn not_found(cluster: &Cluster, namespace: &str, name: &str) -> Result<Failure, Failure> {
    lookup::not_found::<BackupConfiguration>(cluster, namespace, name).await
}

/// The runs of these backups: of the sessions that were named, or of all. A name that no backup has is an error: nothing
/// is run silently.
fn planned(
    configurations: &[BackupConfiguration],
    sessions: &[String],
    now: i64,
) -> Result<Vec<BackupSession>, Failure> {
    let known = || configurations.iter().flat_map(|configuration| &configuration.spec.sessions);
    let unknown: Vec<&str> = sessions
        .iter()
        .map(String::as_str)
        .filter(|name| !known().any(|session| session.name == *name))
        .collect();
    if !unknown.is_empty() {
        let mut names: Vec<&str> = known().map(|session| session.name.as_str()).collect();
        names.dedup();
        return Err(Failure::usage(format!("there is no session {}", unknown.join(", ")))
            .row("found", names.join(", ")));
    }
    let mut planned = Vec::new();
    for configuration in configurations {
        for session in &configuration.spec.sessions {
            if sessions.is_empty() || sessions.contains(&session.name) {
                // As upstream's trigger: a person who is there tries again by themselves.
                planned.push(BackupSession::for_run(configuration, &session.name, now, 0));
            }
        }
    }
    Ok(planned)
}

/// What will keep the operator from running a backup.
fn warnings(configurations: &[BackupConfiguration]) -> Vec<String> {
    let mut warnings = Vec::new();
    for configuration in configurations {
        let name = configuration.name_any();
        let phase = configuration.status.as_ref().and_then(|status| status.phase);
        if configuration.spec.paused {
            warnings.push(format!("{name} is paused: the operator will skip this run"));
        } else if phase != Some(BackupConfigurationPhase::Ready) {
            let phase = phase.map_or_else(|| "not Ready".to_owned(), |phase| phase.to_string());
            warnings.push(format!("{name} is {phase}: the operator will skip this run"));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration(name: &str, sessions: &[&str], paused: bool) -> BackupConfiguration {
        let sessions: Vec<_> =
            sessions.iter().map(|name| json!({"name": name, "backupTimeout": "30m"})).collect();
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop", "uid": "u"},
            "spec": {"sessions": sessions, "paused": paused},
            "status": {"phase": "Ready"},
        }))
        .unwrap()
    }

    fn names(configurations: &[BackupConfiguration], sessions: &[&str]) -> Result<Vec<String>, Failure> {
        let sessions: Vec<String> = sessions.iter().map(|name| (*name).to_owned()).collect();
        planned(configurations, &sessions, 1_763_806_800)
            .map(|all| all.iter().map(kube::ResourceExt::name_any).collect())
    }

    #[test]
    fn every_session_of_a_backup_is_run_unless_some_are_named() {
        let orders = [configuration("orders", &["nightly", "weekly"], false)];
        assert_eq!(names(&orders, &[]).unwrap(), ["orders-nightly-1763806800", "orders-weekly-1763806800"]);
        assert_eq!(names(&orders, &["weekly"]).unwrap(), ["orders-weekly-1763806800"]);
    }

    #[test]
    fn a_session_that_does_not_exist_is_an_error() {
        let orders = [configuration("orders", &["nightly"], false)];
        let failure = names(&orders, &["nightly", "nigthly"]).unwrap_err();
        assert_eq!(failure.what(), "there is no session nigthly");
        assert_eq!(failure.rows().next(), Some(("found", "nightly")));
    }

    #[test]
    fn a_run_belongs_to_its_backup_and_has_its_time_limit() {
        let orders = [configuration("orders", &["nightly"], false)];
        let run = &planned(&orders, &[], 1).unwrap()[0];
        assert_eq!(run.spec.backup_timeout.as_deref(), Some("30m"));
        assert_eq!(run.spec.invoker.as_ref().unwrap().name, "orders");
        assert_eq!(run.owner_references()[0].controller, Some(true));
        assert_eq!(run.labels()["kubestash.com/invoker-name"], "orders");
    }

    #[test]
    fn a_paused_backup_is_run_with_a_warning() {
        assert_eq!(warnings(&[configuration("orders", &[], true)]).len(), 1);
        assert!(warnings(&[configuration("orders", &[], false)]).is_empty());
    }
}
