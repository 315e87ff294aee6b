//! Storage classes under other names (contract A17): of claims, of volumes, and of the claims that templates describe.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::manifest::path::Key;
use crate::restore::fields;

/// Where a claim named its class before it had a field for it.
const ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// Renames the storage classes in `object`.
pub fn map(object: &mut Map<String, Value>, key: &Key, names: &BTreeMap<String, String>) {
    if matches!(key.group_resource.as_str(), "persistentvolumeclaims" | "persistentvolumes") {
        rename(object, names);
        return;
    }
    object.values_mut().for_each(|value| templates(value, names));
}

/// In a claim, a volume, or the template of a claim.
fn rename(claim: &mut Map<String, Value>, names: &BTreeMap<String, String>) {
    let mut change = |value: &mut Value| {
        if let Some(new) = value.as_str().and_then(|old| names.get(old)) {
            *value = Value::String(new.clone());
        }
    };
    fields::each_mut(claim, "spec/storageClassName", &mut change);
    fields::each_mut(claim, "metadata/annotations", &mut |annotations| {
        annotations.get_mut(ANNOTATION).into_iter().for_each(&mut change);
    });
}

/// StatefulSets, ephemeral volumes and most custom resources call a template so.
fn templates(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| templates(item, names)),
        Value::Object(fields) => {
            for (name, below) in fields.iter_mut() {
                match (name.as_str(), below) {
                    ("volumeClaimTemplate", Value::Object(claim)) => rename(claim, names),
                    ("volumeClaimTemplates", Value::Array(claims)) => {
                        claims
                            .iter_mut()
                            .filter_map(Value::as_object_mut)
                            .for_each(|claim| rename(claim, names));
                    }
                    (_, below) => templates(below, names),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_class_is_renamed_where_a_claim_is_described() {
        let claim = |class: &str| {
            let annotations = json!({ANNOTATION: class, "x": class});
            json!({"metadata": {"annotations": annotations}, "spec": {"storageClassName": class}})
        };
        let renamed = json!({
            "metadata": {"annotations": {ANNOTATION: "slow", "x": "fast"}}, "spec": {"storageClassName": "slow"}});
        for (resource, before, after) in [
            ("persistentvolumeclaims", claim("fast"), renamed.clone()),
            ("persistentvolumeclaims", claim("other"), claim("other")),
            ("persistentvolumes", claim("fast"), renamed.clone()),
            (
                "statefulsets.apps",
                json!({"spec": {"volumeClaimTemplates": [claim("fast"), claim("other")]}}),
                json!({"spec": {"volumeClaimTemplates": [renamed, claim("other")]}}),
            ),
            (
                "pods",
                json!({"spec": {"volumes": [{"ephemeral": {"volumeClaimTemplate": claim("fast")}}]}}),
                json!({"spec": {"volumes": [{"ephemeral": {"volumeClaimTemplate": renamed}}]}}),
            ),
            (
                "configmaps",
                json!({"data": {"storageClassName": "fast"}}),
                json!({"data": {"storageClassName": "fast"}}),
            ),
        ] {
            let key = Key { group_resource: resource.to_owned(), namespace: None, name: "a".to_owned() };
            let Value::Object(mut object) = before else { panic!("an object") };
            map(&mut object, &key, &BTreeMap::from([("fast".to_owned(), "slow".to_owned())]));
            assert_eq!(Value::Object(object), after, "{resource}");
        }
    }
}
