//! Reads what decides about a Snapshot.

use std::collections::BTreeSet;

use crds::core::BackupSession;
use crds::label;
use crds::storage::{Repository, Snapshot};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::decide::{self, Maker, Observed};
use crate::cluster::{Cluster, Error};
use crate::context::Context;
use crate::dependents::Key;
use crate::executor::{self, State};

/// Reads the Repository and, while the Snapshot is being made, who makes it; nothing once it is settled, so that a backup
/// does not wake every Snapshot of its Repository. The Snapshot is given back as it is after that: a Job reports first and
/// ends then, so that whoever saw its end must look at the report again.
pub async fn observe(context: &Context, snapshot: Snapshot) -> Result<(Snapshot, Observed), Error> {
    let (cluster, namespace) = (&context.cluster, snapshot.namespace().unwrap_or_default());
    let (repository_name, name) = (&snapshot.spec.repository, &snapshot.spec.backup_session);
    if decide::is_settled(&snapshot) {
        context.dependents.record(&Key::from_object(&snapshot), BTreeSet::new());
        return Ok((snapshot, Observed::default()));
    }
    let is_being_made = decide::is_being_made(&snapshot) && !name.is_empty();
    let mut keys = BTreeSet::from([Key::of::<Repository>(&namespace, repository_name)]);
    if is_being_made {
        keys.insert(Key::of::<BackupSession>(&namespace, name));
        keys.insert(Key::of::<Job>(&namespace, name));
    }
    // Before they are read, so that no change between the two is missed.
    context.dependents.record(&Key::from_object(&snapshot), keys);
    let repository = cluster.find::<Repository>(&namespace, repository_name).await?;
    if !is_being_made {
        return Ok((snapshot, Observed { repository, maker: Maker::Nobody }));
    }
    let maker = maker(cluster, &namespace, name).await?;
    let may_have_ended = !matches!(maker, Maker::Session(_, Some(State::Waiting(_) | State::Running)));
    let fresh = if may_have_ended {
        cluster.find::<Snapshot>(&namespace, &snapshot.name_any()).await?.unwrap_or(snapshot)
    } else {
        snapshot
    };
    Ok((fresh, Observed { repository, maker }))
}

/// The session is read before its Job: a session that says that its Job was created, but has none, has lost it.
async fn maker(cluster: &Cluster, namespace: &str, name: &str) -> Result<Maker, Error> {
    let Some(session) = cluster.find::<BackupSession>(namespace, name).await? else { return Ok(Maker::Gone) };
    let Some(job) = cluster.find::<Job>(namespace, name).await? else {
        return Ok(Maker::Session(Box::new(session), None));
    };
    let state = match executor::state(&job, &[]) {
        State::Failed(_) => {
            let (invoker, component) = (label::INVOKER_NAME, label::COMPONENT);
            let labels = format!("{invoker}={name},{component}={}", label::component::BACKUP);
            executor::state(&job, &cluster.list::<Pod>(Some(namespace), &labels).await?)
        }
        state => state,
    };
    Ok(Maker::Session(Box::new(session), Some(state)))
}
