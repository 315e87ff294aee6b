//! What `--deep` adds: a small object is written to every storage, read back and deleted, with the user's own rights, and
//! from where is said. The operator may be nearer to a bucket than this machine.

use archive::location::Location;
use crds::storage::BackupStorage;
use crds::storage::backup_storage::BackupStoragePhase;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;

use super::report::{Category, Check};
use crate::cluster::Cluster;
use crate::commands::{list, lookup};
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::human;
use crate::reach::{Origin, Way};

/// How many storages are tried at once.
const TOGETHER: usize = 4;

/// Tries every storage of the namespace, or of all; nothing where there is none, or none may be seen: that is told of the
/// storages themselves.
pub(super) async fn checks(
    cluster: &Cluster,
    (namespace, place): (Option<&str>, &str),
    context: &Context,
) -> Option<Category> {
    let mut storages: Vec<BackupStorage> = cluster.list(namespace, "").await.ok()?;
    list::sort_by_name(&mut storages);
    let tries = storages.iter().map(|storage| tried(cluster, storage, context));
    let checks: Vec<Check> = futures::stream::iter(tries).buffered(TOGETHER).collect().await;
    (!checks.is_empty()).then(|| Category { name: "buckets", place: place.to_owned(), checks })
}

async fn tried(cluster: &Cluster, storage: &BackupStorage, context: &Context) -> Check {
    let (place, code) = (lookup::place(storage), Code::StorageUnusable);
    let backend = storage.spec.storage.as_ref();
    let Some(location) = backend.and_then(|backend| Location::of(backend).ok()) else {
        return Check::bad(code, place, "its spec.storage is not complete", &correcting(storage));
    };
    let secret_name = backend.and_then(|backend| backend.secret_name());
    let secret = match secret_name {
        None => None,
        Some(name) => match cluster.get::<Secret>(storage.namespace().as_deref(), name).await {
            Ok(Some(secret)) => Some(secret),
            Ok(None) => {
                let remark = format!("Secret {name} does not exist");
                return Check::bad(Code::SecretIncomplete, place, remark, &correcting(storage));
            }
            Err(error) => return Check::unseen(code, place, &error.into()),
        },
    };
    let way = match secret_name {
        Some(_) => Way::to(&location, Origin::Auto, cluster).await,
        None => Err("the identity is that of pods"),
    };
    let way = match way {
        Ok(way) => way,
        Err(reason) => {
            let remark = format!("not tried from this machine: {reason}");
            return Check::doubtful(
                code,
                place,
                remark,
                "run this where pods run, or trust the operator's word",
            );
        }
    };
    let started = context.environment.now();
    match way.try_out(secret, &format!("BackupStorage {place}"), context).await {
        Ok(()) => {
            let took = human::duration(human::between(started, context.environment.now()));
            Check::well(code, place, format!("written, read back, deleted in {took}, from {}", way.from))
        }
        Err(failure) => wrong(storage, place, &failure, &way.from),
    }
}

/// A bucket that this machine cannot reach, and that the operator uses all the same, is no proof that anything is wrong.
fn wrong(storage: &BackupStorage, place: String, failure: &Failure, from: &str) -> Check {
    let text = |label: &str| {
        let rows = failure.rows().filter(|(found, _)| *found == label).map(|(_, text)| text);
        rows.collect::<Vec<_>>().join("\n")
    };
    let code = failure.code().unwrap_or(Code::StorageUnusable);
    let remark = format!("{}, from {from}", text("why"));
    let fix = Some(text("fix")).filter(|fix| !fix.is_empty()).unwrap_or_else(|| correcting(storage));
    let is_ready = storage.status.as_ref().and_then(|status| status.phase) == Some(BackupStoragePhase::Ready);
    if code == Code::StorageUnreachable && is_ready {
        return Check::doubtful(code, place, format!("{remark}; the operator reaches it"), &fix);
    }
    Check::bad(code, place, remark, &fix)
}

fn correcting(storage: &BackupStorage) -> String {
    let (name, namespace) = (storage.name_any(), storage.namespace().unwrap_or_default());
    format!("kubectl kubestash storage create {name} -n {namespace} …    with what is right")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::check::report::Verdict;

    #[test]
    fn out_of_reach_is_a_doubt_when_the_operator_reaches_it_and_refused_is_an_error() {
        let storage = |phase: &str| -> BackupStorage {
            serde_json::from_value(json!({
                "metadata": {"name": "minio", "namespace": "shop"}, "spec": {}, "status": {"phase": phase}}))
            .unwrap()
        };
        for (code, phase, expected) in [
            (Code::StorageUnreachable, "Ready", Verdict::Warning),
            (Code::StorageUnreachable, "NotReady", Verdict::Error),
            (Code::StorageRefused, "Ready", Verdict::Error),
        ] {
            let failure = Failure::new(code, "could not use it").why("because");
            let check = wrong(&storage(phase), "shop/minio".into(), &failure, "this machine");
            assert_eq!((check.verdict, check.code), (expected, code));
            assert!(check.remark.starts_with("because, from this machine"), "{}", check.remark);
            assert!(!check.fix.is_empty());
        }
    }
}
