//! Asks for a restore as a person would who writes YAML, waits for its end, and reads what it says of every object.

use std::time::Duration;

use crds::core::RestoreSession;
use kube::api::Api;
use serde_json::{Value, json};

use crate::namespace::Namespace;
use crate::wait;

/// Long enough for a busy machine of two cores: it bounds failures only.
const LONG: Duration = Duration::from_mins(5);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// Name of the RestoreSession.
    pub name: &'a str,
    /// The Repository, in the same namespace.
    pub repository: &'a str,
    /// The Snapshot, or `latest`.
    pub snapshot: &'a str,
    /// The ServiceAccount that restores.
    pub account: &'a str,
    /// Of the task.
    pub parameters: &'a [(&'a str, &'a str)],
}

impl Wish<'_> {
    /// The RestoreSession in this namespace.
    #[must_use]
    pub fn manifest(&self, namespace: &str) -> Value {
        let parameters: serde_json::Map<String, Value> =
            self.parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        json!({
            "apiVersion": "core.kubestash.com/v1alpha1",
            "kind": "RestoreSession",
            "metadata": {"name": self.name, "namespace": namespace},
            "spec": {
                "dataSource": {"repository": self.repository, "snapshot": self.snapshot},
                "addon": {
                    "name": "kubedump-addon",
                    "tasks": [{"name": "manifest-restore", "params": parameters}],
                    "jobTemplate": {"spec": {"serviceAccountName": self.account}},
                },
            },
        })
    }
}

/// A restore that is over.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The RestoreSession.
    pub session: Value,
    /// What became of each object.
    pub report: Vec<Line>,
}

/// What became of one object, as the report in the bucket says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line(pub Value);

impl Line {
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// For example `deployments.apps`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.text("resource")
    }

    /// Its name in the snapshot.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// For example `create`.
    #[must_use]
    pub fn verdict(&self) -> &str {
        self.text("verdict")
    }

    /// The sort of its problem, if it failed: `forbidden`.
    #[must_use]
    pub fn problem(&self) -> &str {
        self.0["problem"]["kind"]["sort"].as_str().unwrap_or_default()
    }

    /// What was said of its problem, if it failed.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0["problem"]["message"].as_str().unwrap_or_default()
    }

    /// Why it was skipped, if it was: `owned`.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.0["reason"]["kind"].as_str().unwrap_or_default()
    }
}

/// What is told of this object: `configmaps`, `settings`.
///
/// # Panics
/// When it is not told, or told twice.
#[must_use]
pub fn line<'a>(lines: &'a [Line], resource: &str, name: &str) -> &'a Line {
    let mut found = lines.iter().filter(|line| line.resource() == resource && line.name() == name);
    match (found.next(), found.next()) {
        (Some(line), None) => line,
        _ => unreachable!("{resource}/{name} once: {lines:#?}"),
    }
}

impl Restored {
    /// For example `Succeeded`.
    #[must_use]
    pub fn phase(&self) -> &str {
        self.session["status"]["phase"].as_str().unwrap_or_default()
    }

    /// What the session says of the restore's failure.
    #[must_use]
    pub fn error(&self) -> &str {
        self.session["status"]["components"]["manifest"]["error"].as_str().unwrap_or_default()
    }

    /// What became of this object: `configmaps`, `settings`.
    ///
    /// # Panics
    /// When it is not told, or told twice.
    #[must_use]
    pub fn line(&self, resource: &str, name: &str) -> &Line {
        line(&self.report, resource, name)
    }

    /// The objects of this verdict, as `resource/name`, sorted.
    #[must_use]
    pub fn of(&self, verdict: &str) -> Vec<String> {
        let lines = self.report.iter().filter(|line| line.verdict() == verdict);
        let mut names: Vec<String> =
            lines.map(|line| format!("{}/{}", line.resource(), line.name())).collect();
        names.sort();
        names
    }

    /// Fails the story when the restore did.
    ///
    /// # Panics
    /// When it has not succeeded; the message holds all it said.
    pub fn assert_success(&self) {
        let failed: Vec<_> = self.report.iter().filter(|line| line.verdict() == "fail").collect();
        assert_eq!(self.phase(), "Succeeded", "{:#}\n{failed:#?}", self.session);
    }
}

/// Asks for it, without waiting.
pub async fn ask(namespace: &Namespace, wish: &Wish<'_>) {
    namespace.cluster.apply(&wish.manifest(&namespace.name).to_string()).await;
}

/// Waits until it is over, and reads what it says.
///
/// # Panics
/// When it does not come to an end within five minutes.
pub async fn over(namespace: &Namespace, wish: &Wish<'_>) -> Restored {
    let sessions: Api<RestoreSession> = namespace.api();
    wait::until(sessions, wish.name, LONG, |session| {
        let phase = session.and_then(|session| session.status.as_ref()?.phase).ok_or("no phase yet")?;
        if phase.is_completed() { Ok(()) } else { Err(format!("phase is {phase:?}")) }
    })
    .await;
    let read = ["get", "restoresession", wish.name, "-n", &namespace.name, "-o", "json"];
    let said = namespace.cluster.kubectl(&read, "").await;
    said.assert_success();
    let session = serde_json::from_str(&said.stdout).expect("JSON");
    // Beside the repository, whose directory has its name. One that never began has none.
    let key = format!("{}/restores/{}-{}.jsonl", wish.repository, namespace.name, wish.name);
    let text = std::fs::read_to_string(namespace.bucket().path(&key)).unwrap_or_default();
    let report = text.lines().map(|line| Line(serde_json::from_str(line).expect("a line of JSON"))).collect();
    Restored { session, report }
}

/// Asks for it, and waits until it is over.
pub async fn restore(namespace: &Namespace, wish: &Wish<'_>) -> Restored {
    ask(namespace, wish).await;
    over(namespace, wish).await
}
