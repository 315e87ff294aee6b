//! Whether the target of a backup is there, whatever its kind.

use crds::reference::TypedObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResource, APIResourceList};
use kube::core::{ApiResource, DynamicObject, Request};
use serde::de::DeserializeOwned;

use super::{Cluster, Error, absent_as_none};

/// What was found of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// It is there.
    Found,
    /// It is not, or there is no such kind.
    Missing,
    /// The operator has no right to look; the backup itself will see.
    Unknown,
}

impl Cluster {
    /// Looks for a target. `home` is the namespace of who refers to it.
    pub async fn find_target(&self, target: &TypedObjectReference, home: &str) -> Result<Target, Error> {
        let group = target.api_group.as_deref().unwrap_or_default();
        // Some write the version too, `apps/v1`, and the core group as `v1`.
        let (group, version) = match group.split_once('/') {
            Some((group, version)) => (group, version.to_owned()),
            None if group.is_empty() || group == "v1" => ("", "v1".to_owned()),
            None => match self.preferred_version(group).await? {
                Some(version) => (group, version),
                None => return Ok(Target::Missing),
            },
        };
        let Some(resource) =
            self.resource(group, &version, target.kind.as_deref().unwrap_or_default()).await?
        else {
            return Ok(Target::Missing);
        };
        let api = ApiResource {
            group: group.to_owned(),
            api_version: if group.is_empty() { version.clone() } else { format!("{group}/{version}") },
            version,
            kind: resource.kind,
            plural: resource.name,
        };
        let namespace = target.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(home);
        let namespace = resource.namespaced.then_some(namespace);
        match self.find_dynamic(&api, namespace, &target.name).await {
            Ok(Some(_)) => Ok(Target::Found),
            Ok(None) => Ok(Target::Missing),
            Err(error) if error.is_forbidden() => Ok(Target::Unknown),
            Err(error) => Err(error),
        }
    }

    async fn find_dynamic(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<DynamicObject>, Error> {
        let action = format!("get {} \"{name}\"", resource.kind);
        let path = <DynamicObject as kube::Resource>::url_path(resource, namespace);
        let request = Request::new(path).get(name, &kube::api::GetParams::default());
        absent_as_none(self.send(&action, request).await)
    }

    async fn preferred_version(&self, group: &str) -> Result<Option<String>, Error> {
        let group: Option<APIGroup> = self.discover(&format!("/apis/{group}")).await?;
        Ok(group.and_then(|group| group.preferred_version).map(|preferred| preferred.version))
    }

    async fn resource(&self, group: &str, version: &str, kind: &str) -> Result<Option<APIResource>, Error> {
        let path =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let list: Option<APIResourceList> = self.discover(&path).await?;
        let resources = list.map(|list| list.resources).unwrap_or_default();
        Ok(resources.into_iter().find(|resource| resource.kind == kind && !resource.name.contains('/')))
    }

    async fn discover<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Error> {
        let request =
            http::Request::get(path).body(Vec::new()).map_err(kube::core::request::Error::BuildRequest);
        absent_as_none(self.send(&format!("discover \"{path}\""), request).await)
    }
}
