//! What an exact restore may remove.

use super::asked::passes;
use super::gate::{is_protected, of_type};
use crate::restore::card::{Card, Standing};
use crate::restore::kinds;
use crate::restore::options::Options;
use crate::restore::transform;

/// Whether an object of the cluster that the snapshot lacks may be removed: it is within the filters, and nothing but a
/// user made it. `live` may be read from metadata alone, with apiVersion and kind of its type filled in.
///
/// Never: what the restore stands on, the backup system, what is in or is a namespace of Kubernetes itself, what has an
/// owner (it goes with it, or somebody makes it again), what the cluster makes, and types that are only brought back when
/// asked for, unless they were.
#[must_use]
pub fn may_be_removed(live: &Card, options: &Options) -> bool {
    let Some(origin) = transform::origin(&live.key, &options.transform) else { return false };
    let within = passes(&origin, options) && live.labelled && of_type(&origin, options).is_none();
    let made_by_a_user = live.owners.is_empty()
        && matches!(live.standing, Standing::Usual | Standing::Completed)
        && !is_always_there(live);
    within && made_by_a_user && !live.backup_system && !is_protected(&live.key, options)
}

/// What Kubernetes makes again at once, and what is made for every namespace or Service.
fn is_always_there(live: &Card) -> bool {
    let namespace = live.key.namespace.as_deref().unwrap_or_default();
    let resource = live.key.group_resource.as_str();
    namespace.starts_with("kube-")
        || resource == "endpoints"
        || resource == "serviceaccounts" && live.key.name == "default"
        || kinds::is_namespace(&live.key)
            && (live.key.name == "default" || live.key.name.starts_with("kube-"))
}
