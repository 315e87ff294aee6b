//! The pause of a target's backups while it is restored (contract §8.7 steps 4 and 7). Pure: patches.
//!
//! Each restore that pauses a BackupConfiguration leaves its UID there, and the last one to end resumes it: so two
//! restores of one target do not resume it under each other, and what a person has paused stays paused.
//!
//! Only BackupConfigurations of the session's own namespace are paused: whoever may write RestoreSessions there may
//! pause these, and no others.

use std::collections::BTreeSet;

use crds::core::{BackupConfiguration, RestoreSession};
use crds::reference::TypedObjectReference;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::target;

/// On a BackupConfiguration: the UIDs of the restores that have paused it, separated by commas.
const PAUSED_BY: &str = "kubestash.com/paused-by-restores";

/// On a BackupConfiguration: why it is paused. `kubectl kubestash backup` writes it and shows it.
const PAUSE_REASON: &str = "kubestash.com/pause-reason";

/// Whether `session` is to pause `configuration`: both are about the same target, and no person has paused it.
#[must_use]
pub fn concerns(configuration: &BackupConfiguration, session: &RestoreSession) -> bool {
    let home = session.namespace().unwrap_or_default();
    let targets = session.spec.target.as_ref().zip(configuration.spec.target.as_ref());
    let is_same = targets.is_some_and(|(restored, backed_up)| target::is_same(restored, backed_up, &home));
    let is_paused_by_others = configuration.spec.paused && holders(configuration).is_empty();
    is_same && !is_paused_by_others && configuration.metadata.deletion_timestamp.is_none()
}

/// Whether `session` has paused `configuration`.
#[must_use]
pub fn is_held(configuration: &BackupConfiguration, session: &RestoreSession) -> bool {
    holders(configuration).contains(session.uid().unwrap_or_default().as_str())
}

/// As `status.pausedBackups` names it.
#[must_use]
pub fn reference(configuration: &BackupConfiguration) -> TypedObjectReference {
    TypedObjectReference {
        api_group: Some(crds::core::GROUP.to_owned()),
        kind: Some("BackupConfiguration".to_owned()),
        namespace: configuration.namespace(),
        name: configuration.name_any(),
    }
}

/// The patch that pauses; it fails when the object has changed since it was read.
#[must_use]
pub fn pause(configuration: &BackupConfiguration, session: &RestoreSession) -> Value {
    let uid = session.uid().unwrap_or_default();
    let mut holders = holders(configuration);
    holders.insert(&uid);
    let mut annotations = json!({PAUSED_BY: holders.into_iter().collect::<Vec<_>>().join(",")});
    if !configuration.spec.paused {
        annotations[PAUSE_REASON] = json!(reason(session));
    }
    let version = &configuration.metadata.resource_version;
    json!({"metadata": {"annotations": annotations, "resourceVersion": version}, "spec": {"paused": true}})
}

/// The patch that takes the pause of `session` back; likewise. What others paused, or what a person has paused
/// meanwhile and given another reason for, stays paused.
#[must_use]
pub fn resume(configuration: &BackupConfiguration, session: &RestoreSession) -> Value {
    let uid = session.uid().unwrap_or_default();
    let mut holders = holders(configuration);
    holders.remove(uid.as_str());
    let version = &configuration.metadata.resource_version;
    if !holders.is_empty() {
        let holders = holders.into_iter().collect::<Vec<_>>().join(",");
        return json!({"metadata": {"annotations": {PAUSED_BY: holders}, "resourceVersion": version}});
    }
    let why = configuration.annotations().get(PAUSE_REASON);
    if why.is_some_and(|why| !why.starts_with(REASON)) {
        return json!({"metadata": {"annotations": {PAUSED_BY: null}, "resourceVersion": version}});
    }
    json!({
        "metadata": {"annotations": {PAUSED_BY: null, PAUSE_REASON: null}, "resourceVersion": version},
        "spec": {"paused": false},
    })
}

/// How every reason of ours begins.
const REASON: &str = "while RestoreSession ";

fn reason(session: &RestoreSession) -> String {
    format!("{REASON}{:?} runs", session.name_any())
}

fn holders(configuration: &BackupConfiguration) -> BTreeSet<&str> {
    let holders = configuration.annotations().get(PAUSED_BY).map_or("", String::as_str);
    holders.split(',').map(str::trim).filter(|holder| !holder.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(uid: &str) -> RestoreSession {
        serde_json::from_value(json!({
            "metadata": {"name": format!("restore-{uid}"), "namespace": "demo", "uid": uid},
            "spec": {"target": {"apiGroup": "apps", "kind": "Deployment", "namespace": "demo", "name": "orders"}},
        }))
        .unwrap()
    }

    fn configuration(target: &str, paused: bool) -> BackupConfiguration {
        serde_json::from_value(json!({
            "metadata": {"name": "orders", "namespace": "demo", "resourceVersion": "7"},
            "spec": {"target": {"apiGroup": "apps", "kind": "Deployment", "name": target}, "paused": paused},
        }))
        .unwrap()
    }

    /// As a merge patch (RFC 7386) does it.
    fn patched(configuration: &BackupConfiguration, patch: &Value) -> BackupConfiguration {
        fn merge(into: &mut Value, patch: &Value) {
            let Value::Object(fields) = patch else {
                *into = patch.clone();
                return;
            };
            for (name, value) in fields {
                if value.is_null() {
                    into.as_object_mut().unwrap().remove(name);
                } else {
                    if !into[name].is_object() && value.is_object() {
                        into[name] = json!({});
                    }
                    merge(&mut into[name], value);
                }
            }
        }
        let mut object = serde_json::to_value(configuration).unwrap();
        merge(&mut object, patch);
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn backups_of_the_same_target_are_paused_unless_a_person_has_done_so() {
        assert!(concerns(&configuration("orders", false), &session("a")));
        assert!(!concerns(&configuration("orders", true), &session("a")));
        assert!(!concerns(&configuration("web", false), &session("a")));
        let mut without = configuration("orders", false);
        without.spec.target = None;
        assert!(!concerns(&without, &session("a")));
        let mut everything = session("a");
        everything.spec.target = None;
        assert!(!concerns(&configuration("orders", false), &everything));
    }

    #[test]
    fn the_last_restore_to_end_resumes() {
        let (first, second) = (session("a"), session("b"));
        let paused =
            patched(&configuration("orders", false), &pause(&configuration("orders", false), &first));
        assert!(paused.spec.paused && is_held(&paused, &first) && concerns(&paused, &second));
        let by_both = patched(&paused, &pause(&paused, &second));
        let by_second = patched(&by_both, &resume(&by_both, &first));
        assert!(by_second.spec.paused && !is_held(&by_second, &first) && is_held(&by_second, &second));
        let resumed = patched(&by_second, &resume(&by_second, &second));
        assert!(!resumed.spec.paused);
        assert!(resumed.annotations().is_empty(), "{:?}", resumed.annotations());
    }

    #[test]
    fn what_a_person_has_paused_meanwhile_stays_paused() {
        let session = session("a");
        let mut paused =
            patched(&configuration("orders", false), &pause(&configuration("orders", false), &session));
        let annotations = paused.metadata.annotations.as_mut().unwrap();
        annotations.insert(PAUSE_REASON.to_owned(), "the migration".to_owned());
        let left = patched(&paused, &resume(&paused, &session));
        assert!(left.spec.paused && !is_held(&left, &session));
        assert_eq!(left.annotations()[PAUSE_REASON], "the migration");
    }
}
