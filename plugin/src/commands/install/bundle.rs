//! What an installation consists of: the CRDs, and the YAML beside the operator's source, embedded in this binary and
//! fitted to a namespace and an image. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::human;
use crate::object::{self, Kind, Object};

/// The namespace that the embedded YAML is written for.
pub const NAMESPACE: &str = "kubestash";

/// The image that the embedded YAML names, and that `make image` builds.
const PLACEHOLDER: &str = "localhost/kubestash:dev";

/// The image of a release build; a development build installs what `make image` built.
pub const IMAGE: &str = match option_env!("KUBESTASH_IMAGE") {
    Some(image) => image,
    None => PLACEHOLDER,
};

/// The label that says which version installed an object.
pub const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// The embedded files: all of `reconciler/deploy`.
const FILES: [&str; 8] = [
    include_str!("../../../../reconciler/deploy/namespace.yaml"),
    include_str!("../../../../reconciler/deploy/serviceaccount.yaml"),
    include_str!("../../../../reconciler/deploy/clusterroles.yaml"),
    include_str!("../../../../reconciler/deploy/bindings.yaml"),
    include_str!("../../../../reconciler/deploy/service.yaml"),
    include_str!("../../../../reconciler/deploy/deployment.yaml"),
    include_str!("../../../../reconciler/deploy/catalog/functions.yaml"),
    include_str!("../../../../reconciler/deploy/catalog/addon.yaml"),
];

/// What varies between installations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings<'a> {
    pub namespace: &'a str,
    pub image: &'a str,
    pub version: &'a str,
}

/// The objects of an installation, in the order in which they are applied.
pub fn bundle(settings: &Settings<'_>) -> Result<Vec<Object>, Failure> {
    let mut objects = Vec::new();
    for definition in crds::all() {
        objects.push(Object::typed(&definition)?);
    }
    for file in FILES {
        for document in object::documents(file)? {
            objects.push(fitted(document, settings)?);
        }
    }
    objects.sort_by_key(|object| rank(&object.kind.kind));
    Ok(objects)
}

/// `10 CRDs, 1 namespace, 1 deployment, RBAC, catalog (1 addon, 2 functions)`
#[must_use]
pub fn inventory(objects: &[Object]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *counts.entry(object.kind.kind.as_str()).or_default() += 1;
    }
    let mut parts = Vec::new();
    for (kind, noun) in [
        ("CustomResourceDefinition", "CRD"),
        ("Namespace", "namespace"),
        ("Deployment", "deployment"),
        ("Service", "service"),
    ] {
        if let Some(number) = counts.get(kind) {
            parts.push(human::counted(*number, noun));
        }
    }
    parts.push("RBAC".into());
    let addons = human::counted(counts.get("Addon").copied().unwrap_or(0), "addon");
    let functions = human::counted(counts.get("Function").copied().unwrap_or(0), "function");
    parts.push(format!("catalog ({addons}, {functions})"));
    parts.join(", ")
}

/// What must exist before what.
fn rank(kind: &str) -> usize {
    const ORDER: [&str; 9] = [
        "Namespace",
        "CustomResourceDefinition",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "Function",
        "Addon",
    ];
    ORDER.iter().position(|known| *known == kind).unwrap_or(if kind == "Deployment" { 11 } else { 10 })
}

/// An embedded document with the namespace, the image and the version of this installation.
fn fitted(mut document: Value, settings: &Settings<'_>) -> Result<Object, Failure> {
    replace_image(&mut document, settings.image);
    let kind = kind_of(&document)?;
    if kind.kind == "Namespace" {
        document["metadata"]["name"] = settings.namespace.into();
    }
    let mut places = vec!["/metadata/namespace".to_owned()];
    let subjects = document.get("subjects").and_then(Value::as_array).map_or(0, Vec::len);
    places.extend((0..subjects).map(|index| format!("/subjects/{index}/namespace")));
    for place in places {
        if let Some(namespace) = document.pointer_mut(&place).filter(|namespace| **namespace == NAMESPACE) {
            *namespace = settings.namespace.into();
        }
    }
    let metadata =
        document["metadata"].as_object_mut().ok_or_else(|| malformed("a document has no metadata"))?;
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(VERSION_LABEL.into(), settings.version.into());
        labels.entry(crds::label::MANAGED_BY).or_insert_with(|| crds::name::manager::PLUGIN.into());
    }
    Ok(Object::with_kind(kind, document))
}

/// Replaces the placeholder wherever a value is it, or ends in `=` and it.
fn replace_image(value: &mut Value, image: &str) {
    match value {
        Value::String(text) => {
            if let Some(before) = text.strip_suffix(PLACEHOLDER)
                && (before.is_empty() || before.ends_with('='))
            {
                *text = format!("{before}{image}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_image(item, image)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace_image(field, image)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// How the API server names the kind of an embedded document.
fn kind_of(document: &Value) -> Result<Kind, Failure> {
    const PLURALS: [(&str, &str); 14] = [
        ("Namespace", "namespaces"),
        ("ServiceAccount", "serviceaccounts"),
        ("Service", "services"),
        ("ConfigMap", "configmaps"),
        ("Deployment", "deployments"),
        ("ClusterRole", "clusterroles"),
        ("ClusterRoleBinding", "clusterrolebindings"),
        ("Role", "roles"),
        ("RoleBinding", "rolebindings"),
        ("NetworkPolicy", "networkpolicies"),
        ("PodDisruptionBudget", "poddisruptionbudgets"),
        ("PriorityClass", "priorityclasses"),
        ("Addon", "addons"),
        ("Function", "functions"),
    ];
    let text = |field: &str| document.get(field).and_then(Value::as_str).unwrap_or_default();
    let kind = text("kind");
    let plural = PLURALS.iter().find(|(known, _)| *known == kind).map(|(_, plural)| *plural);
    let plural = plural.ok_or_else(|| malformed(&format!("kind \"{kind}\" is not known")))?;
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    Ok(Kind { group: group.into(), version: version.into(), kind: kind.into(), plural: plural.into() })
}

fn malformed(why: &str) -> Failure {
    Failure::new(Code::Fault, "the embedded installation is broken").why(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings<'_> =
        Settings { namespace: "stash", image: "registry.example/ks:1", version: "0.1.0" };

    #[test]
    fn every_embedded_document_fits_and_lands_in_the_chosen_namespace() {
        for object in bundle(&SETTINGS).unwrap() {
            assert!(object.namespace.as_deref().is_none_or(|namespace| namespace == "stash"), "{object:?}");
            let text = object.body.to_string();
            assert!(!text.contains(PLACEHOLDER), "{object:?} still names the placeholder image");
            assert!(
                !text.contains("\"namespace\":\"kubestash\""),
                "{object:?} still names the default namespace"
            );
        }
    }

    #[test]
    fn the_bundle_is_whole_and_in_order() {
        let objects = bundle(&SETTINGS).unwrap();
        let inventory = inventory(&objects);
        assert_eq!(
            inventory,
            "10 CRDs, 1 namespace, 1 deployment, 1 service, RBAC, catalog (1 addon, 2 functions)"
        );
        let ranks: Vec<usize> = objects.iter().map(|object| rank(&object.kind.kind)).collect();
        assert!(ranks.is_sorted());
        assert_eq!(objects.last().unwrap().kind.kind, "Deployment");
    }

    #[test]
    fn no_file_beside_the_operator_is_forgotten() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../reconciler/deploy");
        let yaml = |folder: &std::path::Path| {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect::<Vec<_>>()
        };
        let files = [yaml(&folder), yaml(&folder.join("catalog"))].concat();
        assert_eq!(files.len(), FILES.len(), "{files:?}");
    }

    #[test]
    fn the_image_is_replaced_where_it_is_the_whole_value() {
        let mut value = json!({"a": "localhost/kubestash:dev", "b": ["--image=localhost/kubestash:dev"], "c": "xlocalhost/kubestash:dev"});
        replace_image(&mut value, "r/k:1");
        assert_eq!(value, json!({"a": "r/k:1", "b": ["--image=r/k:1"], "c": "xlocalhost/kubestash:dev"}));
    }
}
