//! Which types a cluster has, in which versions it serves them, and what it could not say.
//!
//! Asked by aggregated discovery, two requests in all; a server without it (before 1.26) is asked group by group.
//! Unlike kube's own discovery this one keeps what the server says of a group that it could not reach (`Stale`), and
//! takes an empty answer for an error.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join;
use kube::core::discovery::v2::{
    ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscovery, APIGroupDiscoveryList, APIResourceDiscovery,
};
use serde::Deserialize;
use snafu::{ResultExt as _, Snafu, ensure};

use crate::api::{self, Api, JSON};

mod classic;

/// Discovery failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Snafu)]
pub enum Error {
    /// A request failed.
    #[snafu(display("failed to ask the API server for its types: {source}"))]
    Ask {
        /// How.
        source: api::Error,
    },
    /// No cluster is without types.
    #[snafu(display("the API server names no types at all"))]
    Empty,
}

/// One version in which a type is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// For example `v1`.
    pub version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Whether `status` is written apart from the rest: then a create or update of the object drops what it says there.
    pub status_subresource: bool,
}

/// One type that can be read and made again: it has the verbs get, list and create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// Empty for the core group.
    pub group: String,
    /// For example `deployments`.
    pub plural: String,
    /// Whether its objects lie in namespaces.
    pub namespaced: bool,
    /// The versions that serve it, the preferred one first; never empty.
    pub versions: Vec<Served>,
    /// Whether another server than the API server answers for it (its APIService names a Service).
    pub aggregated: bool,
}

impl ResourceType {
    /// `pods`, `deployments.apps`.
    #[must_use]
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The path of the collection in one version, without query.
    #[must_use]
    pub fn collection(&self, served: &Served, namespace: Option<&str>) -> String {
        let root = group_version_path(&self.group, &served.version);
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{}/{}", api::encoded(namespace), self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

/// Where a group and version is served.
#[must_use]
pub fn group_version_path(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// A group and version whose types the API server could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// The group.
    pub group: String,
    /// The version.
    pub version: String,
    /// Whether another server is to answer for it.
    pub aggregated: bool,
}

/// What a cluster has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// In the order of the tree: `group_resource` compared bytewise.
    pub types: Vec<ResourceType>,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
    /// What was assumed, since it could not be asked.
    pub warnings: Vec<String>,
}

/// The groups and versions that other servers answer for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Aggregated {
    Known(BTreeSet<(String, String)>),
    /// The APIServices may not be listed.
    Unknown,
}

impl Aggregated {
    fn holds(&self, group: &str, version: &str) -> bool {
        match self {
            Self::Known(served) => served.contains(&(group.to_owned(), version.to_owned())),
            // What is commonly found; none of it holds what anybody wants back.
            Self::Unknown => group.ends_with("metrics.k8s.io"),
        }
    }
}

/// Asks a cluster for its types.
pub async fn discover(api: &Api) -> Result<Discovered, Error> {
    let (lists, aggregated) = futures::join!(group_lists(api), aggregated(api));
    let (aggregated, warning) = aggregated;
    let mut discovered = types(&lists?, &aggregated);
    ensure!(!discovered.types.is_empty(), EmptySnafu);
    // Where nothing was left out there is nothing to tell.
    let assumed = discovered.types.iter().any(|of| of.aggregated);
    discovered.warnings.extend(warning.filter(|_| assumed));
    Ok(discovered)
}

/// Whether a type is still served in any of its versions.
pub async fn is_served(api: &Api, of: &ResourceType) -> Result<bool, api::Error> {
    for served in &of.versions {
        match classic::resources(api, &of.group, &served.version).await {
            Ok(resources) if resources.iter().any(|found| found.resource.as_deref() == Some(&of.plural)) => {
                return Ok(true);
            }
            Ok(_) => {}
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

async fn group_lists(api: &Api) -> Result<Vec<APIGroupDiscoveryList>, Error> {
    let ask = |path: &'static str| async move {
        api.get_json::<Answer>(path, ACCEPT_AGGREGATED_DISCOVERY_V2).await.context(AskSnafu)
    };
    let (core, groups) = try_join(ask("/api"), ask("/apis")).await?;
    match (core.aggregated(), groups.aggregated()) {
        (Some(core), Some(groups)) => Ok(vec![core, groups]),
        _ => Ok(vec![classic::groups(api).await.context(AskSnafu)?]),
    }
}

/// The answer of `/api` or `/apis`: a server that does not know aggregated discovery sends another kind of list.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    kind: String,
    #[serde(flatten)]
    list: APIGroupDiscoveryList,
}

impl Answer {
    fn aggregated(self) -> Option<APIGroupDiscoveryList> {
        (self.kind == "APIGroupDiscoveryList").then_some(self.list)
    }
}

#[derive(Deserialize)]
struct ApiServices {
    items: Vec<ApiService>,
}

#[derive(Deserialize)]
struct ApiService {
    spec: ApiServiceSpec,
}

#[derive(Deserialize)]
struct ApiServiceSpec {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    service: Option<serde::de::IgnoredAny>,
}

async fn aggregated(api: &Api) -> (Aggregated, Option<String>) {
    let path = "/apis/apiregistration.k8s.io/v1/apiservices";
    match api.get_json::<ApiServices>(path, JSON).await {
        Ok(services) => {
            let remote =
                services.items.into_iter().map(|item| item.spec).filter(|spec| spec.service.is_some());
            (Aggregated::Known(remote.map(|spec| (spec.group, spec.version)).collect()), None)
        }
        Err(error) => {
            let warning = format!(
                "which types are served by an aggregated API is assumed by their names, since the APIServices cannot \
                 be listed: {error}"
            );
            (Aggregated::Unknown, Some(warning))
        }
    }
}

/// The types of discovery documents. Within a group the versions come in the order of preference.
fn types(lists: &[APIGroupDiscoveryList], aggregated: &Aggregated) -> Discovered {
    let mut discovered = Discovered::default();
    let mut by_name: BTreeMap<String, ResourceType> = BTreeMap::new();
    for group in lists.iter().flat_map(|list| &list.items) {
        let name = group_name(group);
        for version in &group.versions {
            let Some(served) = &version.version else { continue };
            let aggregated = aggregated.holds(&name, served);
            if version.freshness.as_deref() == Some("Stale") {
                let unseen = Unseen { group: name.clone(), version: served.clone(), aggregated };
                discovered.unseen.push(unseen);
            }
            for resource in &version.resources {
                let Some(found) = resource_type(&name, served, resource, aggregated) else { continue };
                match by_name.get_mut(&found.group_resource()) {
                    Some(known) => known.versions.extend(found.versions),
                    None => {
                        by_name.insert(found.group_resource(), found);
                    }
                }
            }
        }
    }
    discovered.types = by_name.into_values().collect();
    discovered
}

fn group_name(group: &APIGroupDiscovery) -> String {
    group.metadata.as_ref().and_then(|metadata| metadata.name.clone()).unwrap_or_default()
}

/// None for what cannot be read or not be made again, such as componentstatuses.
fn resource_type(
    group: &str,
    version: &str,
    found: &APIResourceDiscovery,
    aggregated: bool,
) -> Option<ResourceType> {
    let has = |verb: &str| found.verbs.iter().any(|known| known == verb);
    if !["get", "list", "create"].into_iter().all(has) {
        return None;
    }
    let kind = found.response_kind.as_ref()?.kind.clone()?;
    let status_subresource =
        found.subresources.iter().any(|sub| sub.subresource.as_deref() == Some("status"));
    Some(ResourceType {
        group: group.to_owned(),
        plural: found.resource.clone()?,
        namespaced: found.scope.as_deref() == Some("Namespaced"),
        versions: vec![Served { version: version.to_owned(), kind, status_subresource }],
        aggregated,
    })
}
