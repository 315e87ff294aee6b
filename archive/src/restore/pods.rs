//! Where an object describes Pods: in itself, in a template, in the template of a template, in a custom resource that wraps
//! one. Found by their shape, so that kinds nobody has heard of are served as well.

use serde_json::{Map, Value};

/// The three lists of containers that a Pod has.
pub const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Calls `visit` with every description of a Pod below `value`.
pub fn each<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            if is_pod(fields) {
                visit(fields);
            }
            fields.values().for_each(|below| each(below, visit));
        }
        Value::Array(items) => items.iter().for_each(|below| each(below, visit)),
        _ => {}
    }
}

/// Like [`each`], for changing them.
pub fn each_mut(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            if is_pod(fields) {
                visit(fields);
            }
            fields.values_mut().for_each(|below| each_mut(below, visit));
        }
        Value::Array(items) => items.iter_mut().for_each(|below| each_mut(below, visit)),
        _ => {}
    }
}

/// A list of containers, each of which has a name: a schema that describes such a list has none.
fn is_pod(fields: &Map<String, Value>) -> bool {
    let containers = fields.get("containers").and_then(Value::as_array);
    containers.is_some_and(|containers| {
        !containers.is_empty()
            && containers.iter().all(|container| container.get("name").is_some_and(Value::is_string))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(object: &Value) -> Vec<String> {
        let mut found = Vec::new();
        each(object, &mut |pod| found.push(pod["containers"][0]["name"].as_str().unwrap().to_owned()));
        found
    }

    #[test]
    fn pods_are_found_wherever_they_are_described() {
        let pod = json!({"containers": [{"name": "a"}]});
        for (object, count) in [
            (json!({ "spec": pod }), 1),
            (json!({"spec": {"template": {"spec": pod}}}), 1),
            (json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}), 1),
            (json!({"spec": {"pools": [{"podTemplate": pod}, {"podTemplate": pod}]}}), 2),
            (json!({"spec": {"containers": []}}), 0),
            (json!({"properties": {"containers": {"type": "array"}}}), 0),
            (json!({"spec": {"containers": ["a"]}}), 0),
        ] {
            assert_eq!(found(&object).len(), count, "{object}");
        }
    }

    #[test]
    fn they_are_changed_in_place() {
        let mut object = json!({"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}});
        each_mut(&mut object, &mut |pod| {
            pod.insert("nodeName".to_owned(), json!("n"));
        });
        assert_eq!(object["spec"]["template"]["spec"]["nodeName"], "n");
    }
}
