//! The snapshot that is to be brought back: found, opened, and what is asked of it.

use archive::coverage;
use archive::restore::Source;
use archive::restore::ground::{self, Binding, Ground};
use archive::restore::options::{self, Existing, Options};
use crds::storage::Snapshot;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::ResourceExt;

use super::patches;
use super::selection::{self, Part};
use super::typed::{How, Parameters, What};
use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::commands::version::OPERATOR_LABEL;
use crate::context::Context;
use crate::discovery;
use crate::failure::{Code, Failure};
use crate::glance;
use crate::look::address::{Address, Inside, Objects};
use crate::look::library::{self, Library};
use crate::look::whole::{Whole, is_whole, whole};
use crate::look::{self, finding};
use crate::repository::Found;
use crate::streams::Streams;

/// What was typed: the snapshot, and what of it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Absent where `--to-time` chooses.
    pub address: Option<Address>,
    /// Kinds and single objects.
    pub objects: Vec<Objects>,
    pub what: &'a What,
    pub how: &'a How,
    pub look: look::Flags,
}

/// A snapshot, and what is asked of it.
#[derive(Debug)]
pub struct Aim {
    /// The Snapshot; it says in which namespace all of it happens.
    pub snapshot: Snapshot,
    /// What the engine reads.
    pub source: Source,
    /// What of it.
    pub part: Part,
    /// The same, and how, as parameters of a task.
    pub parameters: Parameters,
    /// The same as the engine has it, without the plan.
    pub options: Options,
    /// Keeps the way to the bucket open.
    pub library: Library,
}

impl Aim {
    /// The namespace of the Snapshot, in which a RestoreSession for it is made too: who may do that there may read it.
    #[must_use]
    pub fn namespace(&self) -> String {
        self.snapshot.namespace().unwrap_or_default()
    }
}

/// Finds and opens the snapshot, and makes of all that was typed what the engine is asked.
pub async fn take(
    cluster: &Cluster,
    asked: &Asked<'_>,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Aim, Failure> {
    let mut look = asked.look.clone();
    look.all_namespaces |= asked.what.whole_cluster;
    let snapshot = snapshot(cluster, asked, &look, (context, &mut *streams)).await?;
    whole_enough(&snapshot, asked.how)?;
    let library = library::open(cluster, vec![snapshot.clone()], &look, (context, streams)).await?;
    let source = source(&library, &snapshot)?;
    let own = context.namespace()?;
    let inside: Option<&Inside> = asked.address.as_ref().and_then(|address| address.inside.as_ref());
    let place = if look.all_namespaces || asked.what.says_namespaces() {
        None
    } else {
        selection::place(&snapshot, &own)
    };
    let words = (inside, asked.objects.as_slice());
    let part = selection::part(&library, words, (place.as_deref(), &own), cluster).await?;
    let everything = look.all_namespaces && part == Part::default();
    let mut parameters = asked.what.parameters(&part, everything)?;
    let sources = [&asked.what.filters.include_namespaces[..], &part.sources()].concat();
    asked.how.add_to(&mut parameters, &sources, read_patches(cluster, asked.how).await?)?;
    let mut options = options::decide(&parameters.0)
        .map_err(|error| Failure::usage("the flags make no restore").why(error.to_string()))?;
    // What an incomplete backup lacks may be there all the same.
    options.covered = coverage::of(&snapshot).filter(|_| is_whole(&snapshot));
    if options.prune && options.covered.is_none() {
        return Err(Failure::usage(format!(
            "--prune: nobody wrote down what Snapshot {} covers",
            lookup::place(&snapshot)
        ))
        .why("what the backup never looked at would seem to be too much in the cluster")
        .fix("kubectl kubestash trigger NAME   makes a snapshot that says it"));
    }
    Ok(Aim { snapshot, source, part, parameters, options, library })
}

/// The Snapshot that is addressed, or the newest of a time.
async fn snapshot(
    cluster: &Cluster,
    asked: &Asked<'_>,
    look: &look::Flags,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Snapshot, Failure> {
    if let Some(text) = &asked.what.to_time {
        let time: Timestamp = text.parse().map_err(|error: jiff::Error| {
            Failure::usage(format!("--to-time {text} is no time"))
                .why(error.to_string())
                .fix("--to-time 2026-11-22T02:00:00Z")
        })?;
        let found = finding::all(cluster, look, (context, streams)).await?;
        return newest_at(found.snapshots, time);
    }
    let Some(address) = &asked.address else {
        return Err(Failure::usage("it is not said which snapshot is meant").fix(
            "SNAPSHOT, for example latest, or --to-time TIME\nkubectl kubestash snapshot list   shows them",
        ));
    };
    let found = finding::addressed(cluster, std::slice::from_ref(address), look, (context, streams)).await?;
    let first = found.snapshots.into_iter().next();
    first.ok_or_else(|| {
        Failure::new(Code::ObjectMissing, format!("there is no snapshot {}", address.snapshot))
    })
}

/// The newest snapshot that succeeded at that time or before, of some that are ordered with the newest first.
fn newest_at(snapshots: Vec<Snapshot>, time: Timestamp) -> Result<Snapshot, Failure> {
    let oldest = snapshots.last().and_then(glance::taken);
    let is_meant = |snapshot: &Snapshot| {
        is_whole(snapshot) && glance::taken(snapshot).is_some_and(|taken| taken <= time)
    };
    snapshots.into_iter().find(is_meant).ok_or_else(|| {
        let failure =
            Failure::new(Code::ObjectMissing, format!("there is no whole snapshot of {time} or before"));
        match oldest {
            Some(oldest) => failure.row("found", format!("the oldest is of {oldest}")),
            None => failure,
        }
    })
}

/// A snapshot that lacks something is brought back only when that is known.
fn whole_enough(snapshot: &Snapshot, how: &How) -> Result<(), Failure> {
    let told = whole(snapshot);
    if told == Whole::Yes || how.allow_incomplete {
        return Ok(());
    }
    if let Whole::NotYet(why) = told {
        let what = format!("Snapshot {} is not complete yet", lookup::place(snapshot));
        return Err(Failure::new(Code::NotConfirmed, what).why(why).fix(
            "kubectl kubestash snapshot list --watch   shows when it is\n\
             --allow-incomplete                        brings back what it holds so far",
        ));
    }
    let mut components = snapshot.status.iter().flat_map(|status| status.components.values());
    let error = components.find_map(|component| component.error.as_deref()?.lines().next());
    Err(Failure::new(Code::NotConfirmed, format!("Snapshot {} is incomplete", lookup::place(snapshot)))
        .why(error.unwrap_or("its backup did not succeed"))
        .fix("--allow-incomplete   brings back what it holds\nkubectl kubestash snapshot list   shows whole ones"))
}

/// A restore is of one restic snapshot.
fn source(library: &Library, snapshot: &Snapshot) -> Result<Source, Failure> {
    let parts = library.holdings.first().map_or(&[][..], |holding| &holding.parts);
    let names: Vec<&str> = parts.iter().map(|part| part.component.as_str()).collect();
    match parts {
        [one] => library.source(one).ok_or_else(|| {
            Failure::new(Code::SnapshotEmpty, format!("Snapshot {} was not opened", lookup::place(snapshot)))
        }),
        _ => Err(Failure::new(
            Code::Ambiguous,
            format!("Snapshot {} has several components", lookup::place(snapshot)),
        )
        .row("found", names.join(", "))
        .fix("--components NAME")),
    }
}

async fn read_patches(cluster: &Cluster, how: &How) -> Result<Option<String>, Failure> {
    let served = if patches::need_discovery(&how.patch_file) {
        cluster.discover().await?
    } else {
        discovery::built_in()
    };
    patches::parameter(&how.patch_file, &served)
}

/// What the restore stands on, as its Job will find it: the same plan must come of it. `eyes` are those of the ServiceAccount
/// where the user may borrow them.
pub async fn protect(aim: &mut Aim, account: &str, eyes: &Cluster) {
    // Whoever may not look for the operator has no rights in its namespace either.
    let operators: Vec<Deployment> = eyes.list(None, OPERATOR_LABEL).await.unwrap_or_default();
    let ground = Ground {
        home: aim.namespace(),
        account: account.to_owned(),
        operator: operators.first().and_then(ResourceExt::namespace).unwrap_or_default(),
        source: aim.namespace(),
        secrets: aim.library.opened().into_iter().flat_map(Found::secrets).collect(),
    };
    let may_change = aim.options.prune || aim.options.existing != Existing::Leave;
    let bindings = if may_change { bindings(eyes, &ground.home).await } else { Vec::new() };
    aim.options.protected = ground::protected(&ground, &bindings);
}

/// All bindings that can be seen.
async fn bindings(eyes: &Cluster, home: &str) -> Vec<Binding> {
    let (everywhere, of_cluster) =
        futures::join!(eyes.list::<RoleBinding>(None, ""), eyes.list::<ClusterRoleBinding>(None, ""),);
    let namespaced = match everywhere {
        Ok(found) => found,
        Err(_) => eyes.list::<RoleBinding>(Some(home), "").await.unwrap_or_default(),
    };
    let of_cluster = of_cluster.unwrap_or_default().into_iter().map(Binding::from);
    namespaced.into_iter().map(Binding::from).chain(of_cluster).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(name: &str, taken: &str, phase: &str) -> Snapshot {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop"}, "spec": {},
            "status": {"phase": phase, "snapshotTime": taken},
        }))
        .unwrap()
    }

    #[test]
    fn the_newest_whole_snapshot_of_a_time_is_taken() {
        let all = || {
            vec![
                snapshot("c", "2026-11-22T02:00:00Z", "Succeeded"),
                snapshot("b", "2026-11-21T02:00:00Z", "Failed"),
                snapshot("a", "2026-11-20T02:00:00Z", "Succeeded"),
            ]
        };
        let name = |time: &str| newest_at(all(), time.parse().unwrap()).map(|found| found.name_any());
        assert_eq!(name("2026-11-22T02:00:00Z").unwrap(), "c");
        assert_eq!(name("2026-11-22T01:59:59Z").unwrap(), "a");
        assert_eq!(
            name("2026-11-19T00:00:00Z").unwrap_err().rows().next(),
            Some(("found", "the oldest is of 2026-11-20T02:00:00Z"))
        );
    }

    #[test]
    fn what_lacks_something_is_brought_back_only_when_that_is_known() {
        let incomplete = snapshot("b", "2026-11-21T02:00:00Z", "Failed");
        assert!(whole_enough(&incomplete, &How::default()).is_err());
        let running = snapshot("c", "2026-11-21T02:00:00Z", "Running");
        let refused = whole_enough(&running, &How::default()).unwrap_err().render(false);
        assert!(refused.contains("its backup has not finished"), "{refused}");
        assert!(whole_enough(&incomplete, &How { allow_incomplete: true, ..How::default() }).is_ok());
        assert!(whole_enough(&snapshot("a", "2026-11-21T02:00:00Z", "Succeeded"), &How::default()).is_ok());
    }
}
