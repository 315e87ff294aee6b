//! The requests of a restore. The only place that writes: what is planned goes out as `dryRun=All` here, whatever asked
//! for it.

use bytes::Bytes;
use kube::core::Status;
use serde_json::{Value, json};

use super::problem;
use super::types::Place;
use super::verdict::{Problem, ProblemKind};
use crate::api::write::{Action, Answer, Refusal, Write};
use crate::api::{self, Api, JSON, encoded};
use crate::manifest::path::Key;

/// Who writes, as the field manager of contract A15.
pub const FIELD_MANAGER: &str = "kubestash-restore";

/// Sends requests, as a plan or in earnest.
pub struct Requests {
    api: Api,
    planning: bool,
}

/// An object at a place in the cluster.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// Its type and version.
    pub place: &'a Place,
    /// Where it is, or will be.
    pub key: &'a Key,
    /// What the server does not know in it is an error, and no warning: it was written for another version.
    pub strict: bool,
}

impl At<'_> {
    fn collection(&self) -> String {
        self.place.of.collection(&self.place.served, self.key.namespace.as_deref())
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), encoded(&self.key.name))
    }

    /// The collection with this object alone, for a watch.
    pub fn alone(&self) -> String {
        let selector = format!("metadata.name={}", self.key.name);
        format!("{}?fieldSelector={}", self.collection(), encoded(&selector))
    }
}

impl Requests {
    /// With `planning` nothing is ever written.
    pub const fn new(api: Api, planning: bool) -> Self {
        Self { api, planning }
    }

    /// For reading.
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// Whether nothing is written.
    pub const fn planning(&self) -> bool {
        self.planning
    }

    /// The object as it is; none where there is none.
    pub async fn get(&self, at: At<'_>) -> Result<Option<Value>, api::Error> {
        match self.api.get_json(&at.path(), JSON).await {
            Ok(live) => Ok(Some(live)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes it.
    pub async fn create(&self, at: At<'_>, object: &Value) -> Result<Answer, Refusal> {
        let path = at.collection() + &query(at.strict, self.planning);
        self.send(Action::Create, path, object).await
    }

    /// Server-side apply. Without `force` nothing is written: it is to say whose fields would be taken.
    pub async fn apply(&self, at: At<'_>, object: &Value, force: bool) -> Result<Answer, Refusal> {
        let query = query(at.strict, self.planning || !force);
        self.send(Action::Apply, format!("{}{query}&force={force}", at.path()), object).await
    }

    /// Gives it other owners. `live` is the object as it is known: one that was changed since is a conflict.
    pub async fn relink(&self, at: At<'_>, live: &Value, owners: &[Value]) -> Result<Answer, Refusal> {
        let metadata = &live["metadata"];
        let patch = json!({"metadata": {
            "ownerReferences": owners, "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}});
        self.send(Action::Merge, at.path() + &query(false, self.planning), &patch).await
    }

    /// Makes it this and nothing else. `object` says which resourceVersion it replaces.
    pub async fn replace(&self, at: At<'_>, object: &Value) -> Result<Answer, Refusal> {
        let path = at.path() + &query(at.strict, self.planning);
        self.send(Action::Replace, path, object).await
    }

    /// Removes the object of that uid, and what it owns after it.
    pub async fn delete(&self, at: At<'_>, uid: &str) -> Result<Answer, Refusal> {
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": {"uid": uid}});
        if self.planning {
            // In the body: beside one the server does not even look at the query of a DELETE, which is for whoever
            // reads along.
            options["dryRun"] = json!(["All"]);
        }
        let dry = if self.planning { "?dryRun=All" } else { "" };
        self.send(Action::Delete, at.path() + dry, &options).await
    }

    async fn send(&self, action: Action, path: String, body: &Value) -> Result<Answer, Refusal> {
        let body = Bytes::from(body.to_string());
        self.api.write(&Write { action, path, body }).await
    }
}

fn query(strict: bool, dry: bool) -> String {
    let validation = if strict { "Strict" } else { "Warn" };
    let dry = if dry { "&dryRun=All" } else { "" };
    format!("?fieldManager={FIELD_MANAGER}&fieldValidation={validation}{dry}")
}

/// What a refusal means for an object.
pub fn problem(refusal: &Refusal, key: &Key) -> Problem {
    match &refusal.status {
        Some(status) => problem::classify(status, key),
        None => unreachable(&refusal.error),
    }
}

/// What it means that an object could not be asked for.
pub fn problem_of(error: &api::Error, key: &Key) -> Problem {
    match error {
        api::Error::Status { status, reason, message } => {
            let said = Status::failure(message, reason).with_code(*status);
            problem::classify(&said, key)
        }
        api::Error::Silence { .. } | api::Error::Connection { .. } | api::Error::Garbled { .. } => {
            unreachable(error)
        }
    }
}

fn unreachable(error: &api::Error) -> Problem {
    Problem { kind: ProblemKind::Unreachable, message: error.to_string() }
}
