//! `repository unlock`, `unlock`: who holds the locks of a Repository; those of work that is gone are removed.

use std::time::Duration;

use archive::lock::Found as Lock;
use archive::repository::Repository as Archive;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::context::{self, Context};
use crate::failure::{Code, Failure};
use crate::human;
use crate::output;
use crate::prompt;
use crate::repository::{self, Found, Source};
use crate::story::Glyph;
use crate::streams::Streams;

/// Show who holds the locks of a Repository, and remove those of work that is gone
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Repository
    #[arg(value_name = "REPO")]
    repository: String,
    /// Only these components, comma separated, for example repository/v1/nightly/manifest
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    paths: Vec<String>,
    /// Remove locks of this age without asking; whoever works refreshes a lock every five minutes
    #[arg(long, default_value = "30m", value_name = "DURATION")]
    older_than: String,
    /// Remove every lock without asking, also of work that goes on
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    source: Source,
}

/// What has become of the owner of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// One of the operator's Jobs, and its pod has ended or is gone.
    Gone,
    /// One of the operator's Jobs, and its pod runs.
    Working,
    /// Somebody else: the operator's Jobs of another cluster, restic on some host.
    Unknown,
}

/// What becomes of locks that may be of work that goes on.
enum Decision {
    Remove,
    Keep,
    /// Nobody could be asked.
    Refuse(Failure),
}

/// A lock and what is known of it.
#[derive(Debug)]
struct Seen {
    /// Which of the open repositories it locks.
    index: usize,
    lock: Lock,
    owner: Owner,
}

impl Args {
    /// Shows and removes.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let limit = context::duration("--older-than", &self.older_than)?;
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let found =
            repository::find(&cluster, (&namespace, &self.repository), &self.paths, self.source).await?;
        let opened = repository::open_all(&found, (context, streams)).await?;
        let seen = look(&cluster, &found, &opened).await?;
        if seen.is_empty() {
            streams.story.plain(&format!("No locks in repository {}.", found.name()));
            return Ok(());
        }
        let now = context.environment.now();
        streams.results.write_all(table(&seen, &opened, now, limit).as_bytes())?;
        streams.results.flush()?;
        let (gone, young): (Vec<&Seen>, Vec<&Seen>) =
            seen.iter().partition(|seen| self.force || seen.is_over(now, limit));
        // Asked before anything is removed: who breaks off here has changed nothing.
        let decided = self.decide(&young, &found, (context, streams)).await?;
        remove(&gone, &opened, &found, streams).await?;
        match decided {
            Decision::Remove => remove(&young, &opened, &found, streams).await,
            Decision::Keep => {
                streams.story.line(Glyph::Warning, &format!("{} left", human::counted(young.len(), "lock")));
                Ok(())
            }
            Decision::Refuse(failure) => Err(failure),
        }
    }

    /// Locks that may be of work that goes on: a person decides.
    async fn decide(
        &self,
        young: &[&Seen],
        found: &Found,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<Decision, Failure> {
        if young.is_empty() {
            return Ok(Decision::Remove);
        }
        let number = human::counted(young.len(), "lock");
        let working = young.iter().any(|seen| seen.owner == Owner::Working);
        let why = if working { "its pod runs" } else { "somebody may be at work" };
        if !prompt::possible(context) {
            let what = format!("{number} of {} younger than {} stays", found.name(), self.older_than);
            let failure = Failure::new(Code::NotConfirmed, what)
                .why(format!("{why}: without the lock, a prune can destroy what a backup writes"))
                .fix("wait until it is done, or if you know that nobody works there any more:  --force");
            return Ok(Decision::Refuse(failure));
        }
        let question = format!("{number} younger than {}, and {why}. Remove all the same?", self.older_than);
        let wished = prompt::confirm(&question, (context, streams)).await?;
        Ok(if wished { Decision::Remove } else { Decision::Keep })
    }
}

impl Seen {
    /// Whether nobody can be at work under it.
    fn is_over(&self, now: Timestamp, limit: Duration) -> bool {
        self.owner == Owner::Gone || human::between(self.lock.since(), now) >= limit
    }

    fn row(&self, path: &str, now: Timestamp, limit: Duration) -> Vec<String> {
        let (kind, owner) = match &self.lock.content {
            Ok(content) => (
                if content.exclusive { "exclusive" } else { "shared" },
                format!("{}@{} (process {})", content.username, content.hostname, content.pid),
            ),
            Err(_) => ("damaged", String::new()),
        };
        let state = match self.owner {
            Owner::Gone => "pod is gone",
            Owner::Working => "pod runs",
            Owner::Unknown if self.is_over(now, limit) => "stale",
            Owner::Unknown => "unknown",
        };
        let id: String = self.lock.file.chars().take(8).collect();
        let age = human::age_at(self.lock.since(), now);
        vec![repository::short(path).to_owned(), id, kind.to_owned(), owner, age, state.to_owned()]
    }
}

async fn look(cluster: &Cluster, found: &Found, opened: &[(String, Archive)]) -> Result<Vec<Seen>, Failure> {
    let mut seen = Vec::new();
    for (index, (_, archive)) in opened.iter().enumerate() {
        let locks = archive.locks().await;
        let doing = format!("read the locks of repository {}", found.name());
        for lock in locks.map_err(|error| repository::failure(&error, &doing))? {
            let owner = owner(cluster, found, &lock).await;
            seen.push(Seen { index, lock, owner });
        }
    }
    Ok(seen)
}

/// The operator's Jobs lock under the UID of the Repository, on a host named as their pod: nobody else can have both. When in doubt
/// the owner is unknown.
async fn owner(cluster: &Cluster, found: &Found, lock: &Lock) -> Owner {
    let Ok(content) = &lock.content else { return Owner::Unknown };
    let jobs = format!("kubestash-{}", found.object.uid().unwrap_or_default());
    if content.username != jobs {
        return Owner::Unknown;
    }
    let namespace = found.object.namespace();
    match cluster.get::<Pod>(namespace.as_deref(), &content.hostname).await {
        Ok(None) => Owner::Gone,
        Ok(Some(pod)) => {
            let phase = pod.status.and_then(|status| status.phase);
            if matches!(phase.as_deref(), Some("Succeeded" | "Failed")) {
                Owner::Gone
            } else {
                Owner::Working
            }
        }
        Err(_) => Owner::Unknown,
    }
}

async fn remove(
    locks: &[&Seen],
    opened: &[(String, Archive)],
    found: &Found,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let doing = format!("remove a lock of repository {}", found.name());
    for seen in locks {
        let Some((_, archive)) = opened.get(seen.index) else { continue };
        archive.discard_lock(&seen.lock.file).await.map_err(|error| repository::failure(&error, &doing))?;
    }
    if !locks.is_empty() {
        let text = format!("removed {} of {}", human::counted(locks.len(), "lock"), found.name());
        streams.story.line(Glyph::Done, &text);
    }
    Ok(())
}

fn table(seen: &[Seen], opened: &[(String, Archive)], now: Timestamp, limit: Duration) -> String {
    let path = |seen: &Seen| opened.get(seen.index).map_or("", |(path, _)| path.as_str());
    let rows: Vec<Vec<String>> = seen.iter().map(|seen| seen.row(path(seen), now, limit)).collect();
    output::table(&["COMPONENT", "LOCK", "KIND", "OWNER", "AGE", "STATE"], &rows)
}

#[cfg(test)]
mod tests {
    use archive::lock::Content;

    use super::*;

    const NOW: &str = "2026-11-22T14:00:00Z";

    fn seen(minutes: i64, exclusive: bool, owner: Owner) -> Seen {
        let now: Timestamp = NOW.parse().unwrap();
        let time = now - jiff::SignedDuration::from_mins(minutes);
        let content =
            Content { time, exclusive, hostname: "laptop".to_owned(), username: "ann".to_owned(), pid: 42 };
        Seen { index: 0, lock: Lock { file: "ab".repeat(32), stored: time, content: Ok(content) }, owner }
    }

    #[test]
    fn only_old_locks_and_those_of_pods_that_are_gone_are_over() {
        let (now, limit) = (NOW.parse().unwrap(), Duration::from_mins(30));
        for (minutes, owner, over) in [
            (29, Owner::Unknown, false),
            (30, Owner::Unknown, true),
            (1, Owner::Gone, true),
            (1, Owner::Working, false),
            (-5, Owner::Unknown, false),
        ] {
            assert_eq!(seen(minutes, true, owner).is_over(now, limit), over, "{minutes} {owner:?}");
        }
    }

    #[test]
    fn a_lock_is_shown_with_kind_owner_age_and_state() {
        let (now, limit) = (NOW.parse().unwrap(), Duration::from_mins(30));
        let mut damaged = seen(3, false, Owner::Unknown);
        damaged.lock.content = Err("it is too short");
        let rows: Vec<Vec<String>> =
            [seen(40, true, Owner::Unknown), seen(3, false, Owner::Working), damaged]
                .iter()
                .map(|seen| seen.row("repository/v1/nightly/manifest", now, limit))
                .collect();
        assert_eq!(
            output::table(&["COMPONENT", "LOCK", "KIND", "OWNER", "AGE", "STATE"], &rows),
            "COMPONENT          LOCK       KIND        OWNER                     AGE   STATE\n\
             nightly/manifest   abababab   exclusive   ann@laptop (process 42)   40m   stale\n\
             nightly/manifest   abababab   shared      ann@laptop (process 42)   3m    pod runs\n\
             nightly/manifest   abababab   damaged     <none>                    3m    unknown\n"
        );
    }
}
