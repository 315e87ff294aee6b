//! Which rights are missing, all at once and before anything is written: by SelfSubjectAccessReviews, first for all
//! namespaces, then where that is refused for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::kinds;
use crate::api::write::{Action, Write};
use crate::api::{self, Api, JSON, encoded};

/// Reviews that are asked for at the same time.
const AT_ONCE: usize = 32;
const NAMESPACES: &str = "namespaces";
const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Something that one may do, or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `create`, `get`, …
    pub verb: &'static str,
    /// `deployments.apps`.
    pub group_resource: String,
    /// None for all namespaces, and for what belongs to none.
    pub namespace: Option<String>,
}

impl fmt::Display for Right {
    /// `create deployments.apps in namespace "shop"`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb, self.group_resource)?;
        match &self.namespace {
            None => Ok(()),
            Some(namespace) => write!(formatter, " in namespace {namespace:?}"),
        }
    }
}

/// What is to be done with the objects of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// `create`, `get`, …
    pub verbs: BTreeSet<&'static str>,
    /// In these namespaces; of an object of the cluster none.
    pub namespaces: BTreeSet<Option<String>>,
}

/// What is to be done at all.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// By `group_resource`.
    pub types: BTreeMap<String, Need>,
    /// Namespaces that are made where they do not exist.
    pub namespaces: BTreeSet<String>,
}

impl Needs {
    /// These verbs on an object of this type, there.
    pub fn add(&mut self, group_resource: &str, verbs: &[&'static str], namespace: Option<String>) {
        let need = self.types.entry(group_resource.to_owned()).or_default();
        need.verbs.extend(verbs);
        need.namespaces.insert(namespace);
    }
}

/// The rights that a restore does not have.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    rights: BTreeSet<Right>,
}

impl Missing {
    /// Each, sorted.
    pub fn rights(&self) -> impl Iterator<Item = &Right> {
        self.rights.iter()
    }

    /// The right that is missing to do this there, if it is.
    #[must_use]
    pub fn find(&self, verb: &'static str, group_resource: &str, namespace: Option<&str>) -> Option<&Right> {
        let right = Right {
            verb,
            group_resource: group_resource.to_owned(),
            namespace: namespace.map(str::to_owned),
        };
        self.rights.get(&right)
    }
}

/// Asks which of the rights for `needs` are missing.
///
/// # Errors
///
/// Where the cluster does not say: then nothing is known to be missing.
pub async fn missing(api: &Api, mut needs: Needs) -> Result<Missing, api::Error> {
    if may_do_all(api).await? {
        return Ok(Missing::default());
    }
    if any_absent(api, std::mem::take(&mut needs.namespaces)).await {
        needs.add(NAMESPACES, &["create"], None);
    }
    let needs = &needs.types;
    let wide: Vec<Right> = needs.iter().flat_map(|(name, need)| rights(name, need, &[None])).collect();
    let refused = refused(api, wide).await?;
    let mut rights = BTreeSet::new();
    let mut narrow = Vec::new();
    for right in refused {
        let namespaces = needs.get(&right.group_resource).map(|need| &need.namespaces);
        for namespace in namespaces.into_iter().flatten() {
            let right = Right { namespace: namespace.clone(), ..right.clone() };
            if namespace.is_none() {
                rights.insert(right);
            } else {
                narrow.push(right);
            }
        }
    }
    rights.extend(self::refused(api, narrow).await?);
    Ok(Missing { rights })
}

fn rights(group_resource: &str, need: &Need, namespaces: &[Option<String>]) -> Vec<Right> {
    let right = |verb: &'static str, namespace: &Option<String>| Right {
        verb,
        group_resource: group_resource.to_owned(),
        namespace: namespace.clone(),
    };
    need.verbs.iter().flat_map(|verb| namespaces.iter().map(|namespace| right(verb, namespace))).collect()
}

/// Whether one of these namespaces is known not to exist.
async fn any_absent(api: &Api, names: BTreeSet<String>) -> bool {
    let absent = stream::iter(names)
        .map(|name| async move {
            let path = format!("/api/v1/namespaces/{}", encoded(&name));
            let found = api.get_json::<IgnoredAny>(&path, JSON).await;
            found.is_err_and(|error| error.is_absent())
        })
        .buffer_unordered(AT_ONCE);
    absent.any(std::future::ready).await
}

async fn may_do_all(api: &Api) -> Result<bool, api::Error> {
    ask(api, &json!({"verb": "*", "group": "*", "resource": "*"})).await
}

async fn refused(api: &Api, rights: Vec<Right>) -> Result<Vec<Right>, api::Error> {
    let answers: Vec<Result<Option<Right>, api::Error>> = stream::iter(rights)
        .map(|right| async move {
            let attributes = json!({
                "verb": right.verb, "group": kinds::group(&right.group_resource),
                "resource": kinds::plural(&right.group_resource), "namespace": right.namespace});
            Ok((!ask(api, &attributes).await?).then_some(right))
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    answers.into_iter().filter_map(Result::transpose).collect()
}

#[derive(Deserialize)]
struct Review {
    status: Answer,
}

#[derive(Deserialize)]
struct Answer {
    allowed: bool,
}

async fn ask(api: &Api, attributes: &serde_json::Value) -> Result<bool, api::Error> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes}});
    let body = Bytes::from(review.to_string());
    let write = Write { action: Action::Create, path: PATH.to_owned(), body };
    let answer = api.write(&write).await.map_err(|refusal| refusal.error)?;
    let review: Review = serde_json::from_slice(&answer.body).map_err(|error| api::Error::garbled(&error))?;
    Ok(review.status.allowed)
}
