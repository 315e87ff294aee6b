//! The files of `--patch-file`: changes to objects on their way from the snapshot into the cluster.
//!
//! A file holds `{target, patch}`, or a list of them; in YAML also several documents. A target names its type as
//! `resource: deployments.apps`, or as kustomize does by `kind` and `group`. A patch is a list (JSON patch, RFC 6902), an
//! object (strategic merge patch), or one of the two as text, as kustomize has it inline. A document that is itself an
//! object in part, with `kind` and `metadata.name`, is a merge patch for that object.

use std::path::Path;

use archive::manifest::codec;
use archive::restore::options::{Patch, PatchTarget};
use serde_json::Value;

use crate::discovery::{self, Served};
use crate::failure::{Code, Failure};
use crate::object;
use crate::setup::file::read_file;

const FLAG: &str = "--patch-file";

/// The patches of all files, in their order, as the parameter `Patches`; none without files. `served` are the types that
/// kinds are looked up among.
pub fn parameter(paths: &[impl AsRef<Path>], served: &[Served]) -> Result<Option<String>, Failure> {
    if paths.is_empty() {
        return Ok(None);
    }
    let mut patches = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let text = read_file(FLAG, path)?;
        let read = read(&text, served);
        patches.extend(read.map_err(|why| {
            Failure::new(Code::FileUnusable, format!("{FLAG} {} is no patch", path.display()))
                .why(why)
                .fix("{target: {kind: Deployment, name: orders}, patch: {spec: {replicas: 1}}}")
        })?);
    }
    serde_json::to_string(&patches)
        .map(Some)
        .map_err(|error| Failure::new(Code::Fault, "could not write the patches").why(error.to_string()))
}

/// Whether a kind must be looked up in the cluster.
#[must_use]
pub fn need_discovery(paths: &[impl AsRef<Path>]) -> bool {
    let built_in = discovery::built_in();
    paths.iter().any(|path| {
        let text = read_file(FLAG, path.as_ref()).unwrap_or_default();
        read(&text, &built_in).is_err()
    })
}

fn read(text: &str, served: &[Served]) -> Result<Vec<Patch>, String> {
    let mut patches = Vec::new();
    let unreadable = |failure: Failure| {
        failure.rows().find(|(label, _)| *label == "why").map_or_else(String::new, |(_, why)| why.to_owned())
    };
    for document in object::documents(text).map_err(unreadable)? {
        match document {
            Value::Array(items) => {
                for item in items {
                    patches.push(one(item, served)?);
                }
            }
            document => patches.push(one(document, served)?),
        }
    }
    if patches.is_empty() { Err("it is empty".into()) } else { Ok(patches) }
}

fn one(mut item: Value, served: &[Served]) -> Result<Patch, String> {
    let text = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
    if item.get("patch").is_none() && item.get("kind").is_some() {
        let group =
            text(&item, "/apiVersion").and_then(|version| Some(version.split_once('/')?.0.to_owned()));
        let kind = text(&item, "/kind").unwrap_or_default();
        let target = PatchTarget {
            resource: resource(&kind, group.as_deref(), served)?,
            name: Some(text(&item, "/metadata/name").ok_or("metadata.name is missing")?),
            namespace: text(&item, "/metadata/namespace"),
        };
        return Ok(Patch { target, patch: without_identity(item) });
    }
    let target = item.get("target").cloned().ok_or("target is missing")?;
    let patch = item.get_mut("patch").map(Value::take).ok_or("patch is missing")?;
    let known = ["resource", "kind", "group", "version", "name", "namespace"];
    if let Some(other) =
        target.as_object().and_then(|fields| fields.keys().find(|name| !known.contains(&name.as_str())))
    {
        return Err(format!("target.{other} is not known: {}", known.join(", ")));
    }
    let resource = match (text(&target, "/resource"), text(&target, "/kind")) {
        (Some(resource), _) => resource,
        (None, Some(kind)) => resource(&kind, text(&target, "/group").as_deref(), served)?,
        (None, None) => return Err("target says neither resource nor kind".into()),
    };
    let patch = match patch {
        Value::String(inline) => {
            codec::decode::<Value>(inline.as_bytes()).map_err(|error| format!("patch: {error}"))?
        }
        patch => patch,
    };
    let patch = match patch {
        patch @ Value::Array(_) => patch,
        patch @ Value::Object(_) => without_identity(patch),
        _ => return Err("patch is neither a list nor an object".into()),
    };
    let target =
        PatchTarget { resource, name: text(&target, "/name"), namespace: text(&target, "/namespace") };
    Ok(Patch { target, patch })
}

/// A merge patch says which object it is for, which is no change to it.
fn without_identity(mut patch: Value) -> Value {
    let Some(fields) = patch.as_object_mut() else { return patch };
    fields.remove("apiVersion");
    fields.remove("kind");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("name");
        metadata.remove("namespace");
        if metadata.is_empty() {
            fields.remove("metadata");
        }
    }
    patch
}

/// `plural.group` of a kind.
fn resource(kind: &str, group: Option<&str>, served: &[Served]) -> Result<String, String> {
    let group = group.filter(|group| !group.is_empty());
    let name = group.map_or_else(|| kind.to_owned(), |group| format!("{kind}.{group}"));
    let found = discovery::resolve(&name, served);
    found.map(|found| found.kind.resource()).ok_or_else(|| format!("there is no kind {name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patches(text: &str) -> Result<Value, String> {
        read(text, &discovery::built_in()).map(|patches| serde_json::to_value(patches).unwrap())
    }

    #[test]
    fn patches_are_read_in_every_form_that_people_write_them_in() {
        let scaled = json!([{"target": {"resource": "deployments.apps", "name": "orders"}, "patch": {"spec": {"replicas": 1}}}]);
        for text in [
            "{target: {resource: deployments.apps, name: orders}, patch: {spec: {replicas: 1}}}",
            "- {target: {kind: Deployment, name: orders}, patch: {spec: {replicas: 1}}}",
            "target: {kind: Deployment, group: apps, version: v1, name: orders}\npatch: |-\n  spec:\n    replicas: 1\n",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\nspec: {replicas: 1}\n",
            r#"[{"target": {"kind": "deploy", "name": "orders"}, "patch": {"kind": "Deployment", "spec": {"replicas": 1}}}]"#,
        ] {
            assert_eq!(patches(text).unwrap(), scaled, "{text}");
        }
        let removed = json!([{"target": {"resource": "configmaps", "namespace": "shop"}, "patch": [{"op": "remove", "path": "/data/a"}]}]);
        let text = "target: {kind: ConfigMap, namespace: shop}\npatch: |\n  - {op: remove, path: /data/a}\n";
        assert_eq!(patches(text).unwrap(), removed);
        assert_eq!(
            patches("---\ntarget: {resource: pods}\npatch: []\n---\ntarget: {resource: pods}\npatch: []\n")
                .unwrap()
                .as_array()
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn what_is_no_patch_says_why() {
        for (text, why) in [
            ("", "it is empty"),
            ("{patch: []}", "target is missing"),
            ("{target: {kind: Deployment}}", "patch is missing"),
            ("{target: {kind: Gizmo}, patch: []}", "there is no kind Gizmo"),
            ("{target: {name: a}, patch: []}", "target says neither resource nor kind"),
            (
                "{target: {kind: Pod, labelSelector: a}, patch: []}",
                "target.labelSelector is not known: resource, kind, group, version, name, namespace",
            ),
            ("{target: {kind: Pod}, patch: 1}", "patch is neither a list nor an object"),
            ("{kind: Pod, spec: {}}", "metadata.name is missing"),
        ] {
            assert_eq!(patches(text).unwrap_err(), why, "{text}");
        }
    }
}
