//! Images from another registry, wherever Pods are described.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::restore::{fields, pods};

/// What an image without registry is pulled from.
const DEFAULT: &str = "docker.io";

/// Renames the images of all containers and image volumes in `object`.
pub fn map(object: &mut Map<String, Value>, names: &BTreeMap<String, String>) {
    let mut change = |value: &mut Value| {
        if let Some(new) = value.as_str().and_then(|image| renamed(image, names)) {
            *value = Value::String(new);
        }
    };
    for value in object.values_mut() {
        pods::each_mut(value, &mut |pod| {
            for list in pods::CONTAINERS {
                fields::each_mut(pod, &format!("{list}/*/image"), &mut change);
            }
            fields::each_mut(pod, "volumes/*/image/reference", &mut change);
        });
    }
}

/// The new name; none when no beginning of it is mapped. The longest beginning decides. An image that names no registry is
/// looked up as it is written, and then as what it means: `nginx` is `docker.io/library/nginx`.
fn renamed(image: &str, names: &BTreeMap<String, String>) -> Option<String> {
    if image.is_empty() {
        return None;
    }
    let by = |image: &str| {
        let known = names.iter().filter_map(|(old, new)| Some((old, new, rest(image, old)?.to_owned())));
        known.max_by_key(|(old, ..)| old.len()).map(|(_, new, rest)| format!("{new}{rest}"))
    };
    by(image).or_else(|| by(&meant(image)?))
}

/// What follows `beginning`: it ends at a `/`, a tag or a digest, or with the name.
fn rest<'a>(image: &'a str, beginning: &str) -> Option<&'a str> {
    image.strip_prefix(beginning).filter(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
}

/// The name with the registry that it leaves out; none when it has one.
fn meant(image: &str) -> Option<String> {
    match image.split_once('/') {
        None => Some(format!("{DEFAULT}/library/{image}")),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => None,
        Some(_) => Some(format!("{DEFAULT}/{image}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> BTreeMap<String, String> {
        let pairs = [
            ("docker.io", "mirror:5000/hub"),
            ("quay.io/team", "mirror:5000/team"),
            ("quay.io", "mirror:5000/quay"),
            ("ghcr.io/a/b", "mirror:5000/c"),
            ("gcr.io:443", "mirror:5000/gcr"),
        ];
        pairs.into_iter().map(|(old, new)| (old.to_owned(), new.to_owned())).collect()
    }

    #[test]
    fn the_longest_beginning_decides() {
        for (image, new) in [
            ("docker.io/library/nginx:1", Some("mirror:5000/hub/library/nginx:1")),
            ("nginx", Some("mirror:5000/hub/library/nginx")),
            ("nginx:1.25@sha256:abc", Some("mirror:5000/hub/library/nginx:1.25@sha256:abc")),
            ("bitnami/redis:7", Some("mirror:5000/hub/bitnami/redis:7")),
            ("quay.io/team/x", Some("mirror:5000/team/x")),
            ("quay.io/teams/x", Some("mirror:5000/quay/teams/x")),
            ("ghcr.io/a/b:2", Some("mirror:5000/c:2")),
            ("ghcr.io/a/bc:2", None),
            ("gcr.io:443/x", Some("mirror:5000/gcr/x")),
            ("localhost/x", None),
            ("quay.io.example.org/x", None),
            ("", None),
        ] {
            assert_eq!(renamed(image, &names()).as_deref(), new, "{image}");
        }
    }

    #[test]
    fn containers_of_all_sorts_are_renamed_and_nothing_else() {
        let object = |image: &str| {
            json!({"spec": {"image": "quay.io/x", "jobTemplate": {"spec": {
                "initContainers": [{"name": "a", "image": image}],
                "containers": [{"name": "b", "image": image}, {"name": "c"}],
                "volumes": [{"name": "d", "image": {"reference": image}}]}}}})
        };
        let Value::Object(mut changed) = object("quay.io/x") else { panic!("an object") };
        map(&mut changed, &names());
        assert_eq!(Value::Object(changed), object("mirror:5000/quay/x"));
    }
}
