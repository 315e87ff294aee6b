//! How the lists of built-in kinds are meant: by which field their items are told apart. Source: `patchStrategy`,
//! `patchMergeKey` and `listMapKey` of the Kubernetes API types.

/// What the items of a list are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Each is one of its own, told apart by a field.
    Keyed(&'static str),
    /// They are a set.
    Set,
    /// The list is one value.
    Whole,
}

/// How the list `field` is meant in a built-in `kind`.
#[must_use]
pub fn strategy(kind: &str, field: &str) -> Strategy {
    match field {
        "ports" => match kind {
            "Service" => Strategy::Keyed("port"),
            "Endpoints" | "EndpointSlice" | "NetworkPolicy" => Strategy::Whole,
            _ => Strategy::Keyed("containerPort"),
        },
        "containers"
        | "env"
        | "ephemeralContainers"
        | "imagePullSecrets"
        | "initContainers"
        | "matchConditions"
        | "resourceClaims"
        | "schedulingGates"
        | "secrets"
        | "variables"
        | "volumes"
        | "webhooks" => Strategy::Keyed("name"),
        "conditions" => Strategy::Keyed("type"),
        "hostAliases" => Strategy::Keyed("ip"),
        "ownerReferences" => Strategy::Keyed("uid"),
        "topologySpreadConstraints" => Strategy::Keyed("topologyKey"),
        "volumeDevices" => Strategy::Keyed("devicePath"),
        "volumeMounts" => Strategy::Keyed("mountPath"),
        "finalizers" => Strategy::Set,
        _ => Strategy::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_told_apart_by_the_kind_they_are_of() {
        for (kind, field, meant) in [
            ("Service", "ports", Strategy::Keyed("port")),
            ("Deployment", "ports", Strategy::Keyed("containerPort")),
            ("NetworkPolicy", "ports", Strategy::Whole),
            ("Pod", "volumeMounts", Strategy::Keyed("mountPath")),
            ("Pod", "finalizers", Strategy::Set),
            ("Role", "rules", Strategy::Whole),
            ("Pod", "args", Strategy::Whole),
        ] {
            assert_eq!(strategy(kind, field), meant, "{kind} {field}");
        }
    }
}
