//! Which resources of a snapshot a kind means that a person typed: by what the snapshot holds, and by what the cluster
//! calls it, which knows short names.

use crate::cluster::Cluster;
use crate::discovery::{self, Served};
use crate::failure::{Code, Failure};
use crate::suggest;

/// The `plural.group` names among `held` that `typed` means; several, when several groups have a kind of that name. The
/// cluster is asked only for what the snapshot does not tell by itself, and need not answer.
pub async fn resolve(typed: &str, held: &[String], cluster: &Cluster) -> Result<Vec<String>, Failure> {
    let found = among(typed, held);
    if !found.is_empty() {
        return Ok(found);
    }
    let served = cluster.discover().await.unwrap_or_default();
    let found = called(typed, held, &served);
    if !found.is_empty() {
        return Ok(found);
    }
    let found = called(typed, held, &discovery::built_in());
    if !found.is_empty() {
        return Ok(found);
    }
    Err(unknown(typed, held))
}

fn unknown(typed: &str, held: &[String]) -> Failure {
    let failure = Failure::new(Code::ObjectMissing, format!("the snapshot holds no objects of kind {typed}"));
    let known = held.iter().flat_map(|held| [held.as_str(), plural(held)]);
    match suggest::nearest(&typed.to_ascii_lowercase(), known) {
        Some(nearest) => failure.fix(format!("did you mean {nearest}?")),
        None if held.is_empty() => failure.why("it holds nothing"),
        None => failure.row("found", held.iter().map(|held| plural(held)).collect::<Vec<_>>().join(", ")),
    }
}

fn plural(resource: &str) -> &str {
    resource.split('.').next().unwrap_or(resource)
}

/// By the plural, the plural with the group, or the singular.
fn among(typed: &str, held: &[String]) -> Vec<String> {
    let typed = typed.to_ascii_lowercase();
    let (name, group) = match typed.split_once('.') {
        None => (typed.as_str(), None),
        Some((name, group)) => (name, Some(group)),
    };
    let is_plural = |plural: &str| {
        plural == name
            || plural.strip_suffix('s') == Some(name)
            || plural.strip_suffix("es") == Some(name)
            || plural.strip_suffix("ies").is_some_and(|stem| name.strip_suffix('y') == Some(stem))
    };
    let is_meant = |held: &&String| {
        let (plural, of) = held.split_once('.').unwrap_or((held, ""));
        is_plural(plural) && group.is_none_or(|group| group == of)
    };
    held.iter().filter(is_meant).cloned().collect()
}

fn called(typed: &str, held: &[String], served: &[Served]) -> Vec<String> {
    let resource = discovery::resolve(typed, served).map(|served| served.kind.resource());
    held.iter().filter(|held| Some(*held) == resource.as_ref()).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_any_of_its_names() {
        let held: Vec<String> = [
            "configmaps",
            "deployments.apps",
            "ingresses.networking.k8s.io",
            "networkpolicies.networking.k8s.io",
        ]
        .map(str::to_owned)
        .into();
        for (typed, expected) in [
            ("deployments", "deployments.apps"),
            ("Deployment", "deployments.apps"),
            ("deployments.apps", "deployments.apps"),
            ("deployment.apps", "deployments.apps"),
            ("configmap", "configmaps"),
            ("ingress", "ingresses.networking.k8s.io"),
            ("networkpolicy", "networkpolicies.networking.k8s.io"),
        ] {
            assert_eq!(among(typed, &held), [expected], "{typed}");
        }
        for typed in ["deploy", "deployments.extensions", "s", ""] {
            assert_eq!(among(typed, &held), Vec::<String>::new(), "{typed}");
        }
        assert_eq!(called("deploy", &held, &discovery::built_in()), ["deployments.apps"]);
        assert_eq!(called("sts", &held, &discovery::built_in()), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_kind_gets_the_nearest_one() {
        let held = ["configmaps".to_owned(), "deployments.apps".to_owned()];
        let rows = |typed: &str| {
            let failure = unknown(typed, &held);
            failure.rows().map(|(label, text)| format!("{label} {text}")).collect::<Vec<_>>()
        };
        assert_eq!(rows("deploiments"), ["fix did you mean deployments?"]);
        assert_eq!(rows("gizmos"), ["found configmaps, deployments"]);
    }
}
