//! Who may do what, as the API server judges it.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
};
use kube::Resource;
use kube::api::PostParams;
use kube::core::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cluster, Error, asked};
use crate::object::Object;

/// A right that the user may or may not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: &'static str,
    pub group: String,
    pub plural: String,
    pub namespace: Option<String>,
}

impl Cluster {
    /// Whether the user has this right. A review without an answer counts as yes: the write itself will tell.
    pub async fn has_right(&self, right: &Right) -> Result<bool, Error> {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(right.verb.into()),
                    group: Some(right.group.clone()),
                    resource: Some(right.plural.clone()),
                    namespace: right.namespace.clone(),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        Ok(self.review(&review).await?.status.is_none_or(|status| status.allowed))
    }

    /// Whether somebody has a right; `None` when this user may not ask about others, or got no answer.
    pub async fn allowed(&self, review: &SubjectAccessReview) -> Option<bool> {
        Some(self.review(review).await.ok()?.status?.allowed)
    }

    /// A review is an object that is created, and is answered at once.
    async fn review<R>(&self, review: &R) -> Result<R, Error>
    where
        R: Resource<DynamicType = ()> + Serialize + DeserializeOwned,
    {
        let object = Object::typed(review)?;
        let body = serde_json::to_vec(&object.body).unwrap_or_default();
        let request = Request::new(object.kind.path(None)).create(&PostParams::default(), body);
        self.call(asked("create", &object.kind, None, None), request).await
    }
}
