//! A RestoreSession that is being deleted: its Job ends first, then the backups that it has paused go on.

use std::time::Duration;

use crds::core::{BackupConfiguration, RestoreSession};
use crds::label;
use jiff::SignedDuration;
use kube::ResourceExt;

use super::{executor, pause};
use crate::cluster;
use crate::context::Context;
use crate::dependents::Key;
use crate::execution;
use crate::executor::is_over;
use crate::finalizer;
use crate::outcome::Next;
use crate::start;

/// A pod that was told to stop is gone in half a minute, unless its node is lost: that is not waited for for ever.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Stops what runs, undoes what is outside of the session, and lets it go.
pub async fn leave(context: &Context, session: &RestoreSession) -> Result<Next, cluster::Error> {
    if !finalizer::is_held(session) {
        context.dependents.forget(&Key::from_object(session));
        return Ok(Next::AwaitChange);
    }
    let (cluster, home) = (&context.cluster, session.namespace().unwrap_or_default());
    executor::end_restore(cluster, session).await?;
    let pods = execution::pods_of(cluster, session, label::component::RESTORE).await?;
    let since = session.metadata.deletion_timestamp.as_ref().map_or(context.now(), |time| time.0);
    let left = PATIENCE - context.now().duration_since(since);
    if left.is_positive() && !pods.iter().all(is_over) {
        // The end of a pod wakes us as well; this is for one that does not end.
        return Ok(Next::After(Duration::try_from(left).unwrap_or_default() + Duration::from_secs(1)));
    }
    for configuration in cluster.list::<BackupConfiguration>(Some(&home), "").await? {
        if pause::is_held(&configuration, session) {
            cluster.merge(&configuration, pause::resume(&configuration, session)).await?;
        }
    }
    start::revoke(cluster, session).await?;
    finalizer::release(cluster, session).await?;
    Ok(Next::AwaitChange)
}
