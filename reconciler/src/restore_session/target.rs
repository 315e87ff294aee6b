//! Whether two references mean the same target, however they are written. Pure.

use crds::reference::TypedObjectReference;

/// Whether both mean the same object. `home` is the namespace of both who refer.
#[must_use]
pub fn is_same(one: &TypedObjectReference, other: &TypedObjectReference, home: &str) -> bool {
    plain(one, home) == plain(other, home)
}

/// Group without version, kind, namespace written out, name. The namespace of a Namespace means nothing.
fn plain<'a>(reference: &'a TypedObjectReference, home: &'a str) -> (&'a str, &'a str, &'a str, &'a str) {
    let group = match reference.api_group.as_deref().unwrap_or_default().split('/').next() {
        None | Some("v1" | "core") => "",
        Some(group) => group,
    };
    let kind = reference.kind.as_deref().unwrap_or_default();
    let namespace = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(home);
    let namespace = if group.is_empty() && kind == "Namespace" { "" } else { namespace };
    (group, kind, namespace, &reference.name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_target_is_the_same_however_it_is_written() {
        let reference =
            |value: &Value| serde_json::from_value::<TypedObjectReference>(value.clone()).unwrap();
        let orders = json!({"apiGroup": "apps", "kind": "Deployment", "namespace": "demo", "name": "orders"});
        for (other, same) in [
            (json!({"apiGroup": "apps/v1", "kind": "Deployment", "name": "orders"}), true),
            (json!({"apiGroup": "apps", "kind": "Deployment", "namespace": "", "name": "orders"}), true),
            (json!({"apiGroup": "apps", "kind": "Deployment", "namespace": "shop", "name": "orders"}), false),
            (json!({"apiGroup": "apps", "kind": "StatefulSet", "name": "orders"}), false),
            (json!({"kind": "Deployment", "name": "orders"}), false),
        ] {
            assert_eq!(is_same(&reference(&orders), &reference(&other), "demo"), same, "{other}");
        }
        let namespace = json!({"kind": "Namespace", "name": "shop"});
        let written_out = json!({"apiGroup": "v1", "kind": "Namespace", "namespace": "shop", "name": "shop"});
        assert!(is_same(&reference(&namespace), &reference(&written_out), "demo"));
    }
}
