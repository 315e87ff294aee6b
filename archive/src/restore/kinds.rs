//! What is known of types by their names: which are built in, which give rights, which decide what may be written.

/// The part after the first dot of `deployments.apps`; empty for the core group.
#[must_use]
pub fn group(group_resource: &str) -> &str {
    group_resource.split_once('.').map_or("", |(_, group)| group)
}

/// `deployments` of `deployments.apps`.
#[must_use]
pub fn plural(group_resource: &str) -> &str {
    group_resource.split_once('.').map_or(group_resource, |(plural, _)| plural)
}
