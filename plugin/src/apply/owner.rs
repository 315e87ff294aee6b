//! Who else looks after an object: a tool that would undo a change made behind its back.

use serde_json::Value;

/// A tool that manages an object, and how it calls the thing that the object belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// For people: `Helm release kubestash/kubestash`.
    pub name: String,
    /// Where the change belongs instead.
    pub instead: String,
}

/// The tool that manages this object, by the marks that Flux, Argo CD and Helm leave.
#[must_use]
pub fn of(body: &Value) -> Option<Owner> {
    let label = |key: &str| text(body, "labels", key);
    let annotation = |key: &str| text(body, "annotations", key);
    let pair = |namespace: Option<&str>, name: &str| match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    if let Some(name) = label("kustomize.toolkit.fluxcd.io/name") {
        let name = pair(label("kustomize.toolkit.fluxcd.io/namespace"), name);
        return Some(in_git(format!("Flux Kustomization {name}")));
    }
    if let Some(name) = label("helm.toolkit.fluxcd.io/name") {
        let name = pair(label("helm.toolkit.fluxcd.io/namespace"), name);
        return Some(in_git(format!("Flux HelmRelease {name}")));
    }
    if let Some(tracking) = annotation("argocd.argoproj.io/tracking-id") {
        let application = tracking.split(':').next().unwrap_or(tracking);
        return Some(in_git(format!("Argo CD application {application}")));
    }
    if let Some(application) = label("argocd.argoproj.io/instance") {
        return Some(in_git(format!("Argo CD application {application}")));
    }
    if label("app.kubernetes.io/managed-by") == Some("Helm")
        || annotation("meta.helm.sh/release-name").is_some()
    {
        let release = annotation("meta.helm.sh/release-name").unwrap_or("(unnamed)");
        let namespace = annotation("meta.helm.sh/release-namespace");
        let flag = namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
        return Some(Owner {
            name: format!("Helm release {}", pair(namespace, release)),
            instead: format!("helm upgrade {release}{flag} …"),
        });
    }
    None
}

fn in_git(name: String) -> Owner {
    Owner { name, instead: "put the change in Git: the same command with  --export > FILE.yaml".into() }
}

fn text<'a>(body: &'a Value, map: &str, key: &str) -> Option<&'a str> {
    body.get("metadata")?.get(map)?.get(key)?.as_str().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_tool_is_known_by_its_marks() {
        let cases = [
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
                Some("Flux Kustomization flux-system/shop"),
            ),
            (json!({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}), Some("Flux HelmRelease shop")),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:core.kubestash.com/BackupConfiguration:shop/orders"}}),
                Some("Argo CD application shop"),
            ),
            (json!({"labels": {"argocd.argoproj.io/instance": "shop"}}), Some("Argo CD application shop")),
            (
                json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "kubestash", "meta.helm.sh/release-namespace": "stash"}}),
                Some("Helm release stash/kubestash"),
            ),
            (json!({"labels": {"app.kubernetes.io/managed-by": "kubectl-kubestash"}}), None),
            (json!({}), None),
        ];
        for (metadata, expected) in cases {
            let owner = of(&json!({"metadata": metadata}));
            assert_eq!(owner.map(|owner| owner.name).as_deref(), expected, "{metadata}");
        }
    }

    #[test]
    fn a_release_of_helm_is_changed_by_helm() {
        let body = json!({"metadata": {"annotations": {"meta.helm.sh/release-name": "ks", "meta.helm.sh/release-namespace": "stash"}}});
        assert_eq!(of(&body).unwrap().instead, "helm upgrade ks -n stash …");
    }
}
