//! What is backed up: the whole cluster, a namespace, or an application.

use crds::reference::TypedObjectReference;

use crate::discovery::{self, Served};
use crate::failure::Failure;
use crate::setup;

/// What is backed up, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Cluster,
    /// `None`: the namespace of the command.
    Namespace(Option<String>),
    Object {
        resource: String,
        name: String,
    },
}

/// What is backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Cluster,
    Namespace(String),
    Application {
        kind: Served,
        /// `None` for an object of no namespace.
        namespace: Option<String>,
        name: String,
    },
}

/// Reads `cluster`, `namespace`, `namespace/NAME` or `KIND/NAME`.
pub fn parse(text: &str) -> Result<Typed, Failure> {
    let wrong = || {
        Failure::usage(format!("--target {text} names nothing that can be backed up"))
            .fix("--target cluster, --target namespace, or --target KIND/NAME, for example deploy/orders")
    };
    match text {
        "cluster" => return Ok(Typed::Cluster),
        "namespace" | "ns" => return Ok(Typed::Namespace(None)),
        _ => {}
    }
    let (resource, name) = text.split_once('/').ok_or_else(wrong)?;
    if resource.is_empty() || !setup::is_name(name) {
        return Err(wrong());
    }
    Ok(match resource.to_ascii_lowercase().as_str() {
        "namespace" | "namespaces" | "ns" => Typed::Namespace(Some(name.to_owned())),
        _ => Typed::Object { resource: resource.to_owned(), name: name.to_owned() },
    })
}

impl Typed {
    /// Whether the cluster must be asked what the kind is.
    #[must_use]
    pub fn needs_discovery(&self) -> bool {
        match self {
            Self::Cluster | Self::Namespace(_) => false,
            Self::Object { resource, .. } => discovery::resolve(resource, &discovery::built_in()).is_none(),
        }
    }

    /// The target, with the kind found among those that are served.
    pub fn resolve(self, namespace: &str, served: &[Served]) -> Result<Target, Failure> {
        Ok(match self {
            Self::Cluster => Target::Cluster,
            Self::Namespace(name) => Target::Namespace(name.unwrap_or_else(|| namespace.to_owned())),
            Self::Object { resource, name } => {
                let kind = discovery::resolve(&resource, served).cloned().ok_or_else(|| {
                    Failure::usage(format!(
                        "--target {resource}/{name}: the cluster has no kind \"{resource}\""
                    ))
                    .fix("kubectl api-resources")
                })?;
                let namespace = kind.namespaced.then(|| namespace.to_owned());
                Target::Application { kind, namespace, name }
            }
        })
    }

    /// What a backup of this is called when nobody named it.
    #[must_use]
    pub fn default_name(&self, namespace: &str) -> String {
        match self {
            Self::Cluster => "cluster".into(),
            Self::Namespace(name) => name.as_deref().unwrap_or(namespace).to_owned(),
            Self::Object { name, .. } => setup::name_from(name),
        }
    }
}

impl Target {
    /// The namespace outside which nothing is read; `None` for the whole cluster.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Cluster => None,
            Self::Namespace(name) => Some(name),
            Self::Application { namespace, .. } => namespace.as_deref(),
        }
    }

    /// `spec.target` of the BackupConfiguration; the whole cluster has none.
    #[must_use]
    pub fn reference(&self) -> Option<TypedObjectReference> {
        match self {
            Self::Cluster => None,
            Self::Namespace(name) => Some(TypedObjectReference {
                api_group: None,
                kind: Some("Namespace".into()),
                namespace: None,
                name: name.clone(),
            }),
            Self::Application { kind, namespace, name } => Some(TypedObjectReference {
                api_group: Some(kind.kind.group.clone()).filter(|group| !group.is_empty()),
                kind: Some(kind.kind.kind.clone()),
                namespace: namespace.clone(),
                name: name.clone(),
            }),
        }
    }

    /// Parameters of the task that follow from the scope.
    #[must_use]
    pub fn parameters(&self, include_dependants: bool) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Cluster => vec![("IncludeClusterResources", "true")],
            Self::Application { .. } if include_dependants => vec![("includeDependants", "true")],
            Self::Namespace(_) | Self::Application { .. } => Vec::new(),
        }
    }

    /// For people.
    #[must_use]
    pub fn spoken(&self) -> String {
        match self {
            Self::Cluster => "the whole cluster".into(),
            Self::Namespace(name) => format!("namespace {name}"),
            Self::Application { kind, name, .. } => format!("{}/{name}", kind.kind.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        parse(text).unwrap().resolve("shop", &discovery::built_in()).unwrap()
    }

    #[test]
    fn a_target_is_the_cluster_a_namespace_or_an_application() {
        assert_eq!(target("cluster"), Target::Cluster);
        assert_eq!(target("namespace"), Target::Namespace("shop".into()));
        assert_eq!(target("ns/pay"), Target::Namespace("pay".into()));
        let orders = target("deploy/orders").reference().unwrap();
        assert_eq!(
            (orders.api_group.as_deref(), orders.kind.as_deref(), orders.namespace.as_deref(), &*orders.name),
            (Some("apps"), Some("Deployment"), Some("shop"), "orders")
        );
        for wrong in ["", "orders", "deploy/", "/orders", "deploy/Orders"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("gizmo/a").unwrap().resolve("shop", &discovery::built_in()).is_err());
    }

    #[test]
    fn only_unknown_kinds_need_the_cluster() {
        assert!(!parse("deploy/orders").unwrap().needs_discovery());
        assert!(parse("gizmo/orders").unwrap().needs_discovery());
    }

    #[test]
    fn the_scope_decides_parameters_and_the_default_name() {
        assert_eq!(target("cluster").parameters(false), [("IncludeClusterResources", "true")]);
        assert_eq!(target("deploy/orders").parameters(true), [("includeDependants", "true")]);
        assert!(target("namespace").parameters(true).is_empty());
        for (text, name) in
            [("cluster", "cluster"), ("namespace", "shop"), ("ns/pay", "pay"), ("sts/db", "db")]
        {
            assert_eq!(parse(text).unwrap().default_name("shop"), name, "{text}");
        }
    }
}
