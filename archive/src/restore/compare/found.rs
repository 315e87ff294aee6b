//! The differences found so far, kept short.

use std::collections::HashMap;

use serde_json::Value;

use crate::restore::kinds;
use crate::restore::lists::{Strategy, strategy};
use crate::restore::verdict::Change;

/// More than this nobody reads.
const MOST: usize = 20;
/// A longer text is cut, in characters.
const LONGEST: usize = 200;
/// Who leads at the moment, renewed every few seconds.
pub const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";

/// The differences of one object.
pub struct Found<'a> {
    kind: &'a str,
    built_in: bool,
    changes: Vec<Change>,
}

impl<'a> Found<'a> {
    pub fn of(object: &'a Value) -> Self {
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let group = text("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
        Self { kind: text("kind"), built_in: kinds::is_built_in(group), changes: Vec::new() }
    }

    /// The kind of the object.
    pub const fn kind(&self) -> &'a str {
        self.kind
    }

    /// How the list `field` of the object is meant. Those of custom resources are one value, unless their definition says
    /// otherwise, which is not known here.
    pub fn strategy(&self, field: &str) -> Strategy {
        if self.built_in { strategy(self.kind, field) } else { Strategy::Whole }
    }

    /// Whether there is no use in looking further.
    pub const fn is_full(&self) -> bool {
        self.changes.len() >= MOST
    }

    pub fn add(&mut self, path: &str, live: Option<&Value>, snapshot: Option<&Value>) {
        if self.is_full() {
            return;
        }
        let shown = |value: Option<&Value>| value.filter(|_| !self.is_hidden(path)).map(short);
        let change = Change { path: path.to_owned(), live: shown(live), snapshot: shown(snapshot) };
        self.changes.push(change);
    }

    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// The values of a Secret, and the annotation in which `kubectl apply` keeps them.
    fn is_hidden(&self, path: &str) -> bool {
        let hidden = ["data", "stringData", "metadata.annotations"];
        self.kind == "Secret" && hidden.iter().any(|beginning| path.starts_with(beginning))
    }
}

/// A value that fits in a line.
fn short(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > LONGEST => {
            Value::String(text.chars().take(LONGEST).chain(['…']).collect())
        }
        Value::Object(fields) if value.to_string().len() > LONGEST => {
            Value::String(format!("({} fields)", fields.len()))
        }
        Value::Array(items) if value.to_string().len() > LONGEST => {
            Value::String(format!("({} items)", items.len()))
        }
        other => other.clone(),
    }
}

/// `a.b`, `a["b.c"]`.
pub fn join(path: &str, name: &str) -> String {
    let plain = !name.is_empty() && !name.contains(['.', '[', ']', '"', '/']);
    match (path.is_empty(), plain) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}[\"{name}\"]"),
    }
}

/// `a[name]`, `a[80]`.
pub fn item(path: &str, key: &Value) -> String {
    match key {
        Value::String(name) => format!("{path}[{name}]"),
        other => format!("{path}[{other}]"),
    }
}

/// The items of a list by `field`, if each has one of its own there.
pub fn keyed<'a>(items: &'a [Value], field: &str) -> Option<HashMap<&'a Value, &'a Value>> {
    let all: Option<HashMap<&Value, &Value>> =
        items.iter().map(|item| Some((item.get(field)?, item))).collect();
    all.filter(|all| all.len() == items.len())
}
