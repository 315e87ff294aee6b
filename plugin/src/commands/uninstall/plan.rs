//! What an uninstallation removes, and what stands in its way. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::apply::owner;
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::{Kind, Object};

/// What is wished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Remove the CRDs, and with them every object of KubeStash.
    pub delete_crds: bool,
    /// Remove in spite of runs that go on and of other tools' marks.
    pub force: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The objects of the installation that exist, without CRDs and namespace.
    pub installed: Vec<Object>,
    /// Every object of KubeStash's own namespaced kinds.
    pub objects: Vec<Object>,
    /// CronJobs that the operator made for sessions.
    pub cron_jobs: Vec<Object>,
}

/// What is removed, in this order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// KubeStash's own objects, while the operator still serves their finalizers.
    pub objects: Vec<Object>,
    /// The operator.
    pub operator: Vec<Object>,
    /// Rights, service, catalog, CronJobs.
    pub rest: Vec<Object>,
    /// The CRDs.
    pub definitions: Vec<Object>,
}

/// Decides, or says what stands in the way.
pub fn plan(observed: Observed, definitions: Vec<Object>, wish: Wish) -> Result<Plan, Failure> {
    let Observed { installed, objects, cron_jobs } = observed;
    let mut failures = Vec::new();
    if !wish.force {
        failures.extend(foreign(&installed));
        failures.extend(active(&objects));
    }
    if wish.delete_crds {
        failures.extend(erasing(&objects));
    }
    if let Some(failure) = Failure::several(failures) {
        return Err(failure);
    }
    let (operator, mut rest): (Vec<Object>, Vec<Object>) =
        installed.into_iter().partition(|object| object.kind.kind == "Deployment");
    rest.reverse();
    rest.extend(cron_jobs);
    let mut doomed = if wish.delete_crds { objects } else { Vec::new() };
    doomed.sort_by_key(|object| rank(&object.kind));
    Ok(Plan {
        objects: doomed,
        operator,
        rest,
        definitions: if wish.delete_crds { definitions } else { Vec::new() },
    })
}

/// Runs before what they run, snapshots before their repository, storages last.
fn rank(kind: &Kind) -> usize {
    const ORDER: [&str; 6] =
        ["BackupSession", "RestoreSession", "BackupConfiguration", "Snapshot", "Repository", "BackupStorage"];
    ORDER.iter().position(|known| *known == kind.kind).unwrap_or(ORDER.len())
}

fn foreign(installed: &[Object]) -> Option<Failure> {
    let (object, owner) = installed.iter().find_map(|object| Some((object, owner::of(&object.body)?)))?;
    let instead = owner.instead.replace("helm upgrade", "helm uninstall").replace(" …", "");
    Some(
        Failure::new(Code::ForeignInstallation, format!("KubeStash is installed by {}", owner.name))
            .why(format!("{} carries its marks", object.spoken()))
            .fix(format!("{instead}\nor remove it all the same:  --force")),
    )
}

fn active(objects: &[Object]) -> Option<Failure> {
    let is_run = |object: &&Object| matches!(object.kind.kind.as_str(), "BackupSession" | "RestoreSession");
    let is_going = |object: &&Object| {
        let phase = object.body.pointer("/status/phase").and_then(Value::as_str).unwrap_or("Pending");
        matches!(phase, "Pending" | "Running")
    };
    let going: Vec<&Object> = objects.iter().filter(is_run).filter(is_going).collect();
    let first = going.first()?;
    let namespace = first.namespace.as_deref().unwrap_or_default();
    let (number, verb) = (human::counted(going.len(), "run"), if going.len() == 1 { "is" } else { "are" });
    let mut failure = Failure::new(Code::UninstallHindered, format!("{number} {verb} going on"));
    for object in going.iter().take(5) {
        failure = failure.row("run", object.spoken());
    }
    Some(failure.fix(format!(
        "wait for the end:  kubectl kubestash watch --all -n {namespace}\nor stop in the middle:  --force"
    )))
}

/// Objects whose deletion would erase data in a bucket.
fn erasing(objects: &[Object]) -> Option<Failure> {
    let wipes = |object: &&Object| {
        let policy = object.body.pointer("/spec/deletionPolicy").and_then(Value::as_str);
        policy == Some("WipeOut") || wiping_sessions(&object.body)
    };
    let doomed: Vec<&Object> = objects.iter().filter(wipes).collect();
    if doomed.is_empty() {
        return None;
    }
    let what = match doomed.len() {
        1 => "1 object would erase backup data when deleted".to_owned(),
        many => format!("{many} objects would erase backup data when deleted"),
    };
    let mut failure = Failure::new(Code::WouldEraseData, what);
    for object in &doomed {
        failure = failure.row("erases", format!("{}  deletionPolicy WipeOut", object.spoken()));
    }
    let fixes: Vec<String> = doomed.iter().map(|object| keep(object)).collect();
    Some(failure.fix(format!("keep the data:\n{}", fixes.join("\n"))))
}

/// A backup whose repositories go with it, data included.
fn wiping_sessions(body: &Value) -> bool {
    let sessions = body.pointer("/spec/sessions").and_then(Value::as_array).into_iter().flatten();
    let repositories = sessions.filter_map(|session| session.get("repositories")?.as_array()).flatten();
    repositories
        .into_iter()
        .any(|repository| repository.get("deletionPolicy").and_then(Value::as_str) == Some("WipeOut"))
}

fn keep(object: &Object) -> String {
    let (kind, name) = (object.kind.kind.to_ascii_lowercase(), &object.name);
    let namespace = object.namespace.as_deref().unwrap_or_default();
    if wiping_sessions(&object.body) {
        return format!("kubectl edit {kind} {name} -n {namespace}   and remove deletionPolicy: WipeOut");
    }
    format!(
        "kubectl patch {kind} {name} -n {namespace} --type merge -p '{{\"spec\":{{\"deletionPolicy\":\"Delete\"}}}}'"
    )
}

/// `2 backups, 1 storage, 14 snapshots`: what is there, for people.
#[must_use]
pub fn inventory(objects: &[Object]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *counts.entry(&object.kind.kind).or_default() += 1;
    }
    let parts: Vec<String> = counts.into_iter().map(|(kind, number)| human::counted(number, kind)).collect();
    if parts.is_empty() { "no objects".into() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, name: &str, rest: &Value) -> Object {
        let mut body = json!({"metadata": {"name": name, "namespace": "shop"}});
        for (key, value) in rest.as_object().unwrap() {
            body[key] = value.clone();
        }
        let plural = format!("{}s", kind.to_ascii_lowercase());
        Object::with_kind(Kind { group: "x".into(), version: "v1".into(), kind: kind.into(), plural }, body)
    }

    fn told(observed: Observed, wish: Wish) -> String {
        plan(observed, Vec::new(), wish).map_or_else(|failure| failure.render(false), |_| String::new())
    }

    #[test]
    fn by_default_objects_and_kinds_stay() {
        let observed = Observed {
            installed: vec![
                object("ServiceAccount", "kubestash-operator", &json!({})),
                object("Deployment", "kubestash-operator", &json!({})),
            ],
            objects: vec![object("BackupStorage", "minio", &json!({"spec": {"deletionPolicy": "WipeOut"}}))],
            cron_jobs: vec![object("CronJob", "trigger-shop-nightly", &json!({}))],
        };
        let plan =
            plan(observed, vec![object("CustomResourceDefinition", "addons", &json!({}))], Wish::default())
                .unwrap();
        assert!(plan.objects.is_empty() && plan.definitions.is_empty());
        assert_eq!(plan.operator.len(), 1);
        let rest: Vec<&str> = plan.rest.iter().map(|object| object.kind.kind.as_str()).collect();
        assert_eq!(rest, ["ServiceAccount", "CronJob"]);
    }

    #[test]
    fn objects_that_would_erase_data_stop_everything_even_with_force() {
        let wiping = json!({"spec": {"sessions": [{"repositories": [{"deletionPolicy": "WipeOut"}]}]}});
        let observed = Observed {
            objects: vec![
                object("BackupStorage", "minio", &json!({"spec": {"deletionPolicy": "WipeOut"}})),
                object("BackupConfiguration", "shop", &wiping),
                object("Snapshot", "kept", &json!({"spec": {"deletionPolicy": "Delete"}})),
            ],
            ..Observed::default()
        };
        let text = told(observed, Wish { delete_crds: true, force: true });
        assert!(text.contains("error: 2 objects would erase backup data when deleted"), "{text}");
        assert!(text.contains("kubectl patch backupstorage minio -n shop --type merge"), "{text}");
        assert!(text.contains("kubectl edit backupconfiguration shop -n shop"), "{text}");
        assert!(!text.contains("kept"), "{text}");
    }

    #[test]
    fn a_run_that_goes_on_is_waited_for() {
        let runs = || {
            vec![
                object("BackupSession", "old", &json!({"status": {"phase": "Succeeded"}})),
                object("BackupSession", "new", &json!({"status": {"phase": "Running"}})),
            ]
        };
        let text = told(Observed { objects: runs(), ..Observed::default() }, Wish::default());
        assert!(text.contains("BackupSession shop/new") && !text.contains("shop/old"), "{text}");
        assert_eq!(
            told(
                Observed { objects: runs(), ..Observed::default() },
                Wish { force: true, ..Wish::default() }
            ),
            ""
        );
    }

    #[test]
    fn what_helm_installed_is_removed_by_helm() {
        let marks = json!({"metadata": {"name": "kubestash-operator", "namespace": "stash", "annotations": {
            "meta.helm.sh/release-name": "kubestash", "meta.helm.sh/release-namespace": "stash"}}});
        let observed = Observed { installed: vec![object("Deployment", "x", &marks)], ..Observed::default() };
        let text = told(observed, Wish::default());
        assert!(text.contains("fix   helm uninstall kubestash -n stash\n"), "{text}");
    }

    #[test]
    fn objects_go_in_the_order_of_their_dependence() {
        let kinds = [
            "RetentionPolicy",
            "BackupStorage",
            "Snapshot",
            "BackupConfiguration",
            "Repository",
            "BackupSession",
        ];
        let done = json!({"status": {"phase": "Succeeded"}});
        let objects = kinds.iter().map(|kind| object(kind, "a", &done)).collect();
        let plan = plan(
            Observed { objects, ..Observed::default() },
            Vec::new(),
            Wish { delete_crds: true, force: false },
        )
        .unwrap();
        let order: Vec<&str> = plan.objects.iter().map(|object| object.kind.kind.as_str()).collect();
        assert_eq!(
            order,
            [
                "BackupSession",
                "BackupConfiguration",
                "Snapshot",
                "Repository",
                "BackupStorage",
                "RetentionPolicy"
            ]
        );
    }
}
