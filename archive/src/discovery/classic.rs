//! Discovery group by group, for servers that know no other, told in the form of aggregated discovery.

use futures::future::{join_all, try_join};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    APIGroupList, APIResource, APIResourceList, APIVersions, ObjectMeta,
};
use kube::core::discovery::v2::{
    APIGroupDiscovery, APIGroupDiscoveryList, APIResourceDiscovery, APISubresourceDiscovery,
    APIVersionDiscovery, GroupVersionKind,
};

use super::group_version_path;
use crate::api::{Api, Error, JSON};

/// All groups. A group and version that does not answer is there without resources and `Stale`.
pub async fn groups(api: &Api) -> Result<APIGroupDiscoveryList, Error> {
    let core = api.get_json::<APIVersions>("/api", JSON);
    let named = api.get_json::<APIGroupList>("/apis", JSON);
    let (core, named) = try_join(core, named).await?;
    let mut groups = vec![(String::new(), core.versions)];
    groups.extend(named.groups.into_iter().map(|group| {
        let mut versions: Vec<String> = group.versions.into_iter().map(|version| version.version).collect();
        if let Some(preferred) = group.preferred_version {
            // Stable: the others keep their order.
            versions.sort_by_key(|version| *version != preferred.version);
        }
        (group.name, versions)
    }));
    let items = join_all(groups.into_iter().map(|(group, versions)| read_group(api, group, versions))).await;
    Ok(APIGroupDiscoveryList { metadata: None, items })
}

async fn read_group(api: &Api, group: String, versions: Vec<String>) -> APIGroupDiscovery {
    let versions = join_all(versions.into_iter().map(async |version| {
        let (resources, freshness) = match resources(api, &group, &version).await {
            Ok(resources) => (resources, "Current"),
            Err(_) => (Vec::new(), "Stale"),
        };
        APIVersionDiscovery { version: Some(version), resources, freshness: Some(freshness.to_owned()) }
    }))
    .await;
    let metadata = Some(ObjectMeta { name: Some(group), ..ObjectMeta::default() });
    APIGroupDiscovery { metadata, versions }
}

/// The resources of one group and version, each with its subresources: this form of the list has them side by side.
pub async fn resources(api: &Api, group: &str, version: &str) -> Result<Vec<APIResourceDiscovery>, Error> {
    let list: APIResourceList = api.get_json(&group_version_path(group, version), JSON).await?;
    let (below, resources): (Vec<APIResource>, Vec<APIResource>) =
        list.resources.into_iter().partition(|resource| resource.name.contains('/'));
    Ok(resources.into_iter().map(|resource| told(resource, &below)).collect())
}

fn told(resource: APIResource, below: &[APIResource]) -> APIResourceDiscovery {
    let subresources = below
        .iter()
        .filter_map(|sub| sub.name.strip_prefix(&resource.name)?.strip_prefix('/'))
        .map(|sub| APISubresourceDiscovery { subresource: Some(sub.to_owned()), ..Default::default() })
        .collect();
    let scope = if resource.namespaced { "Namespaced" } else { "Cluster" };
    APIResourceDiscovery {
        resource: Some(resource.name),
        response_kind: Some(GroupVersionKind { kind: Some(resource.kind), ..GroupVersionKind::default() }),
        scope: Some(scope.to_owned()),
        verbs: resource.verbs,
        subresources,
        ..APIResourceDiscovery::default()
    }
}
