//! The audit log of the API server (KEP 22): one JSON object a line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

/// A right: `group/resource verb`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked(pub String);

impl Asked {
    pub fn new(group: &str, resource: &str, verb: &str) -> Self {
        Self(format!("{group}/{resource} {verb}"))
    }
}

/// What each ServiceAccount asked for.
#[derive(Debug, Default)]
pub struct Record {
    allowed: BTreeMap<Account, BTreeSet<Asked>>,
    forbidden: BTreeMap<Account, BTreeSet<Asked>>,
}

/// Namespace and name.
type Account = (String, String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    user: User,
    object_ref: Option<Object>,
    response_status: Option<Status>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    api_group: String,
    #[serde(default)]
    subresource: String,
}

#[derive(Deserialize)]
struct Status {
    code: Option<u16>,
}

impl Record {
    /// Reads the log.
    pub fn read(path: &Path) -> Self {
        let file = std::fs::File::open(path).expect("the audit log is there");
        let mut record = Self::default();
        for line in BufReader::new(file).lines() {
            // The last line may be on its way.
            let line = line.expect("a readable log");
            let Ok(event) = serde_json::from_str::<Event>(&line) else { continue };
            record.note(event);
        }
        record
    }

    fn note(&mut self, event: Event) {
        let Some(account) = event.user.username.strip_prefix("system:serviceaccount:") else { return };
        let Some((namespace, name)) = account.split_once(':') else { return };
        let Some(object) = event.object_ref else { return };
        let resource = match object.subresource.as_str() {
            "" => object.resource,
            subresource => format!("{}/{subresource}", object.resource),
        };
        let account = (namespace.to_owned(), name.to_owned());
        let decision = event.annotations.get("authorization.k8s.io/decision").map(String::as_str);
        let asked = Asked::new(&object.api_group, &resource, &event.verb);
        if decision != Some("allow") {
            self.forbidden.entry(account).or_default().insert(asked);
            return;
        }
        let all = self.allowed.entry(account).or_default();
        all.insert(asked);
        // An apply of what was not there needs the right to create it as well.
        if event.verb == "patch" && event.response_status.and_then(|status| status.code) == Some(201) {
            all.insert(Asked::new(&object.api_group, &resource, "create"));
        }
    }

    /// What these accounts were allowed.
    pub fn asked(&self, whose: &impl Fn(&str, &str) -> bool) -> BTreeSet<Asked> {
        of(&self.allowed, whose)
    }

    /// What these accounts were denied.
    pub fn forbidden(&self, whose: &impl Fn(&str, &str) -> bool) -> BTreeSet<Asked> {
        of(&self.forbidden, whose)
    }
}

fn of(asked: &BTreeMap<Account, BTreeSet<Asked>>, whose: &impl Fn(&str, &str) -> bool) -> BTreeSet<Asked> {
    let chosen = asked.iter().filter(|((namespace, name), _)| whose(namespace, name));
    chosen.flat_map(|(_, asked)| asked.clone()).collect()
}
