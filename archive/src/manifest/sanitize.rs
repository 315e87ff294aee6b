//! What a backup leaves out: the fields that only the API server writes and that no user can set.
//!
//! Everything else stays, also where contract §7.7 drops it (a Pod's `nodeName`, a claim's `volumeName`, annotations of
//! controllers, `generateName`): that list is applied again by every restore, and what a backup has dropped nobody can
//! bring back. `status` stays as well, since a type without status subresource keeps data there (contract A19), and so
//! do owner references, finalizers and a deletion that is under way.

use serde_json::{Map, Value};

/// The fields below `metadata` that are left out.
pub const SERVER_FIELDS: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// Removes [`SERVER_FIELDS`] from an object. The metadata of templates inside it is data and stays.
pub fn strip(object: &mut Map<String, Value>) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for field in SERVER_FIELDS {
            metadata.remove(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn stripped(mut value: Value) -> Value {
        strip(value.as_object_mut().unwrap());
        value
    }

    #[test]
    fn what_the_server_alone_writes_is_removed() {
        let object = json!({"metadata": {
            "name": "a", "managedFields": [{}], "resourceVersion": "1", "uid": "u", "generation": 4,
            "creationTimestamp": "2026-11-22T10:11:12Z", "selfLink": "/api/v1/x"}});
        assert_eq!(stripped(object), json!({"metadata": {"name": "a"}}));
    }

    #[test]
    fn everything_else_stays() {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "a", "namespace": "b", "generateName": "a-", "labels": {"uid": "x"},
                "annotations": {"deployment.kubernetes.io/revision": "3", "resourceVersion": "1"},
                "ownerReferences": [{"uid": "o", "kind": "ReplicaSet"}], "finalizers": ["x/y"],
                "deletionTimestamp": "2026-11-22T10:11:12Z", "deletionGracePeriodSeconds": 30},
            "spec": {
                "nodeName": "n", "uid": "data", "empty": {}, "none": null, "list": [],
                "template": {"metadata": {"creationTimestamp": null, "uid": "t"}}},
            "status": {"phase": "Running"}, "uid": "top", "managedFields": []});
        assert_eq!(stripped(object.clone()), object);
    }

    #[test]
    fn odd_metadata_passes_unchanged() {
        for object in
            [json!({}), json!({"metadata": null}), json!({"metadata": []}), json!({"metadata": "uid"})]
        {
            assert_eq!(stripped(object.clone()), object);
        }
    }

    proptest! {
        #[test]
        fn nothing_but_the_listed_fields_is_touched(
            fields in proptest::collection::btree_map("[a-zA-Z]{1,10}|uid|generation|selfLink", 0..9_i64, 0..8)
        ) {
            let mut object = Map::new();
            object.insert("metadata".to_owned(), json!(fields));
            strip(&mut object);
            let once = object.clone();
            strip(&mut object);
            prop_assert_eq!(&object, &once);
            let expected: Map<String, Value> = fields
                .iter()
                .filter(|(name, _)| !SERVER_FIELDS.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            prop_assert_eq!(&object["metadata"], &Value::Object(expected));
        }
    }
}
