//! Which file an object is, and back. Layout: contract §7.5.
//!
//! `<groupResource>/cluster/<name>.yaml` for what belongs to no namespace and
//! `<groupResource>/namespaces/<namespace>/<name>.yaml` for the rest, where `groupResource` is the plural of a core type
//! (`pods`) or `plural.group` (`deployments.apps`). The name is the object's own, unchanged: `:`, `*`, blanks, and
//! names that differ only in case are as they are, and a name of 253 characters gives a file name of 258, which the
//! repository holds and which an ordinary file system would not.

use std::fmt;

use snafu::{Snafu, ensure};

/// What every file of a manifest ends with.
pub const SUFFIX: &str = ".yaml";
const CLUSTER: &str = "cluster";
const NAMESPACES: &str = "namespaces";

/// Which object: unique within one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// `pods`, `deployments.apps`.
    pub group_resource: String,
    /// None for an object of the cluster itself.
    pub namespace: Option<String>,
    /// The object's own name.
    pub name: String,
}

/// Why a name or path is refused.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// Empty, `.`, `..`, or with `/` or NUL: it would be another file than it says.
    #[snafu(display("{what} {value:?} cannot be part of a path"))]
    Component {
        /// Which part: `resource`, `namespace`, `name`.
        what: &'static str,
        /// The part as it came.
        value: String,
    },
    /// Not of the layout above.
    #[snafu(display("{path:?} is not the path of a manifest"))]
    Layout {
        /// The path as it came.
        path: String,
    },
}

impl Key {
    /// The file, relative to the root of the snapshot.
    pub fn path(&self) -> Result<String, Error> {
        component("resource", &self.group_resource)?;
        component("name", &self.name)?;
        let Self { group_resource, namespace, name } = self;
        match namespace {
            None => Ok(format!("{group_resource}/{CLUSTER}/{name}{SUFFIX}")),
            Some(namespace) => {
                component("namespace", namespace)?;
                Ok(format!("{group_resource}/{NAMESPACES}/{namespace}/{name}{SUFFIX}"))
            }
        }
    }

    /// The object whose file `path` is: the inverse of [`Key::path`], and only of what it can give.
    pub fn from_path(path: &str) -> Result<Self, Error> {
        let layout = || Error::Layout { path: path.to_owned() };
        let parts: Vec<&str> = path.split('/').collect();
        let (group_resource, namespace, file) = match parts[..] {
            [group_resource, CLUSTER, file] => (group_resource, None, file),
            [group_resource, NAMESPACES, namespace, file] => (group_resource, Some(namespace), file),
            _ => return Err(layout()),
        };
        let name = file.strip_suffix(SUFFIX).ok_or_else(layout)?;
        component("resource", group_resource)?;
        component("name", name)?;
        if let Some(namespace) = namespace {
            component("namespace", namespace)?;
        }
        Ok(Self {
            group_resource: group_resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Key {
    /// `deployments.apps "orders" of namespace "shop"`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:?}", self.group_resource, self.name)?;
        match &self.namespace {
            None => Ok(()),
            Some(namespace) => write!(formatter, " of namespace {namespace:?}"),
        }
    }
}

fn component(what: &'static str, value: &str) -> Result<(), Error> {
    let usable = !matches!(value, "" | "." | "..") && !value.contains(['/', '\0']);
    ensure!(usable, ComponentSnafu { what, value });
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(group_resource: &str, namespace: Option<&str>, name: &str) -> Key {
        Key {
            group_resource: group_resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    #[test]
    fn every_object_has_its_file() {
        let long = "n".repeat(253);
        for (key, path) in [
            (key("pods", Some("shop"), "orders-0"), "pods/namespaces/shop/orders-0.yaml".to_owned()),
            (key("deployments.apps", Some("a"), "b"), "deployments.apps/namespaces/a/b.yaml".to_owned()),
            (key("namespaces", None, "cluster"), "namespaces/cluster/cluster.yaml".to_owned()),
            (key("cluster", Some("namespaces"), "x"), "cluster/namespaces/namespaces/x.yaml".to_owned()),
            (
                key("clusterroles.rbac.authorization.k8s.io", None, "system:a *?|\"b"),
                "clusterroles.rbac.authorization.k8s.io/cluster/system:a *?|\"b.yaml".to_owned(),
            ),
            (key("configmaps", Some("a"), ".yaml"), "configmaps/namespaces/a/.yaml.yaml".to_owned()),
            (key("configmaps", Some("a"), "..a"), "configmaps/namespaces/a/..a.yaml".to_owned()),
            (key("configmaps", Some("a"), &long), format!("configmaps/namespaces/a/{long}.yaml")),
        ] {
            assert_eq!(key.path().as_ref(), Ok(&path));
            assert_eq!(Key::from_path(&path), Ok(key));
        }
    }

    #[test]
    fn a_hostile_name_has_no_file() {
        for name in ["", ".", "..", "a/b", "../x", "/", "a\0b"] {
            assert!(key("pods", None, name).path().is_err(), "{name:?}");
            assert!(key(name, None, "a").path().is_err(), "{name:?}");
            assert!(key("pods", Some(name), "a").path().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_path_of_another_layout_is_no_object() {
        for path in [
            "",
            "pods",
            "pods/cluster",
            "pods/cluster/a",
            "pods/cluster/a.yml",
            "pods/cluster/.yaml",
            "pods/cluster/...yaml/b.yaml",
            "pods/namespaces/a.yaml",
            "pods/namespaces/../a.yaml",
            "pods/namespaces//a.yaml",
            "pods/elsewhere/a.yaml",
            "/pods/cluster/a.yaml",
            "./cluster/a.yaml",
            "pods/cluster/...yaml",
            "pods/cluster/..yaml",
        ] {
            assert!(Key::from_path(path).is_err(), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn path_and_key_are_inverse(
            group_resource in "[^/\0]{1,20}",
            namespace in proptest::option::of("[^/\0]{1,20}"),
            name in "[^/\0]{1,40}",
        ) {
            let key = Key { group_resource, namespace, name };
            if let Ok(path) = key.path() {
                prop_assert_eq!(Key::from_path(&path), Ok(key));
            }
        }

        #[test]
        fn whatever_is_a_key_gives_its_path_back(path in "(pods|a|cluster|\\.\\.)/(cluster|namespaces)/([ab./]{0,6}/)?[ab.]{0,4}(\\.yaml)?") {
            if let Ok(key) = Key::from_path(&path) {
                prop_assert_eq!(key.path(), Ok(path));
            }
        }
    }
}
