//! What differs between an object before and after, as text: the unified format of `diff -u`, over YAML without the
//! server's bookkeeping. Of a Secret only the names of its keys are shown, and which of their values changed. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use similar::TextDiff;

use crate::failure::Failure;
use crate::object;
use crate::output;

/// What the server keeps in an object's metadata, and nobody applies.
const BOOKKEEPING: [&str; 6] =
    ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];

const HIDDEN: &str = "<hidden>";
const CHANGED: &str = "<hidden, changed>";

/// An object before and after a change; `None` where it does not exist.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// What it is called in the header: a path such as `deployment.apps/shop/orders`.
    pub name: &'a str,
    pub before: Option<&'a Value>,
    pub after: Option<&'a Value>,
    /// Whether it is a Secret, whose values are never shown.
    pub is_secret: bool,
}

/// May hold the values of a Secret.
impl std::fmt::Debug for Change<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Change").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Change<'_> {
    /// The change in the unified format, its header naming the two sides `old` and `new`; empty when nothing differs. A
    /// side that does not exist is `/dev/null`, as tools that apply such texts expect it.
    ///
    /// # Errors
    /// When an object cannot be written as YAML.
    pub fn unified(&self, (old, new): (&str, &str)) -> Result<String, Failure> {
        let (mut before, mut after) = (self.before.map(content), self.after.map(content));
        if self.is_secret {
            mask(before.as_mut(), after.as_mut());
        }
        let side = |place: &str, body: &Option<Value>| match body {
            Some(_) => format!("{place}/{}", self.name),
            None => "/dev/null".to_owned(),
        };
        let header = (side(old, &before), side(new, &after));
        let (before, after) = (text(before)?, text(after)?);
        if before == after {
            return Ok(String::new());
        }
        Ok(TextDiff::from_lines(&before, &after).unified_diff().header(&header.0, &header.1).to_string())
    }
}

/// An object without the server's bookkeeping and without its status: what a person applied, and what was filled in.
#[must_use]
pub fn content(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in BOOKKEEPING {
            metadata.remove(field);
        }
        object::without_last_applied(metadata);
    }
    if let Some(fields) = body.as_object_mut() {
        fields.remove("status");
    }
    body
}

fn text(body: Option<Value>) -> Result<String, Failure> {
    body.map_or_else(|| Ok(String::new()), |body| output::yaml(&[body]))
}

/// Puts words in the place of values, the same on both sides where the values are the same.
fn mask(mut before: Option<&mut Value>, mut after: Option<&mut Value>) {
    let known = before.as_deref_mut().map(values);
    let wanted = after.as_deref_mut().map(values);
    let word = |value: &Value, other: Option<&Value>| match other {
        Some(other) if other != value => CHANGED,
        _ => HIDDEN,
    };
    if let (Some(body), Some(values)) = (before, &known) {
        put(body, values.keys().map(|key| (key, HIDDEN)));
    }
    if let (Some(body), Some(values)) = (after, &wanted) {
        let old = |key: &String| known.as_ref().and_then(|known| known.get(key));
        put(body, values.iter().map(|(key, value)| (key, word(value, old(key)))));
    }
}

/// Takes the values out of a Secret, all as in `data`: base64.
fn values(body: &mut Value) -> Map<String, Value> {
    let mut take = |field: &str| match body.as_object_mut().and_then(|body| body.remove(field)) {
        Some(Value::Object(values)) => values,
        // Whatever this is, it is not shown.
        Some(other) => Map::from_iter([(field.to_owned(), other)]),
        None => Map::new(),
    };
    let mut values = take("data");
    values.extend(take("stringData").into_iter().map(|(key, value)| {
        let encoded = value.as_str().map(|text| STANDARD.encode(text).into());
        (key, encoded.unwrap_or(value))
    }));
    values
}

fn put<'a>(body: &mut Value, words: impl Iterator<Item = (&'a String, &'static str)>) {
    let words: Map<String, Value> = words.map(|(key, word)| (key.clone(), word.into())).collect();
    if let (Some(fields), false) = (body.as_object_mut(), words.is_empty()) {
        fields.insert("data".into(), Value::Object(words));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unified(before: Option<&Value>, after: Option<&Value>, is_secret: bool) -> String {
        Change { name: "kind/shop/name", before, after, is_secret }.unified(("live", "new")).unwrap()
    }

    #[test]
    fn what_differs_is_told_as_diff_tells_it() {
        let before = json!({"kind": "A", "spec": {"a": 1, "b": [1, 2], "z": "same"}});
        let after = json!({"kind": "A", "spec": {"a": 2, "b": [1, 2], "z": "same"}});
        assert_eq!(
            unified(Some(&before), Some(&after), false),
            "--- live/kind/shop/name\n+++ new/kind/shop/name\n@@ -1,6 +1,6 @@\n kind: A\n spec:\n\
             -  a: 1\n+  a: 2\n   b:\n   - 1\n   - 2\n"
        );
        assert_eq!(unified(Some(&before), Some(&before), false), "");
    }

    #[test]
    fn a_side_that_does_not_exist_is_nothing() {
        let body = json!({"kind": "A"});
        assert_eq!(
            unified(None, Some(&body), false),
            "--- /dev/null\n+++ new/kind/shop/name\n@@ -0,0 +1 @@\n+kind: A\n"
        );
        assert_eq!(
            unified(Some(&body), None, false),
            "--- live/kind/shop/name\n+++ /dev/null\n@@ -1 +0,0 @@\n-kind: A\n"
        );
        assert_eq!(unified(None, None, false), "");
    }

    #[test]
    fn the_servers_bookkeeping_is_no_difference() {
        let spec = json!({"x": 1});
        let last_applied = "kubectl.kubernetes.io/last-applied-configuration";
        let before = json!({
            "metadata": {
                "name": "a", "uid": "u", "resourceVersion": "1", "generation": 1, "managedFields": [{}],
                "creationTimestamp": "2026-11-22T14:00:00Z", "annotations": {last_applied: "{}"},
            },
            "spec": spec, "status": {"phase": "Ready"},
        });
        assert_eq!(
            unified(Some(&before), Some(&json!({"metadata": {"name": "a"}, "spec": spec})), false),
            ""
        );
        let labelled = json!({"metadata": {"name": "a", "labels": {"k": "v"}}, "spec": spec});
        assert!(unified(Some(&before), Some(&labelled), false).contains("+    k: v"));
    }

    #[test]
    fn of_a_secret_only_the_keys_are_shown_and_which_changed() {
        // "old" and "new" have the same length, "longer" has not: nobody can tell.
        let before = json!({"kind": "Secret", "data": {"ID": "aWQ=", "KEY": "b2xk", "GONE": "b2xk"}});
        let mut texts = Vec::new();
        for value in ["bmV3", "bG9uZ2Vy"] {
            let after = json!({"kind": "Secret", "data": {"ID": "aWQ=", "KEY": value, "MORE": "bmV3"}});
            let text = unified(Some(&before), Some(&after), true);
            for secret in ["aWQ=", "b2xk", value] {
                assert!(!text.contains(secret), "{text}");
            }
            texts.push(text);
        }
        assert_eq!(texts[0], texts[1]);
        let changed: Vec<&str> =
            texts[0].lines().skip(3).filter(|line| line.starts_with(['+', '-'])).collect();
        assert_eq!(
            changed,
            ["-  GONE: <hidden>", "-  KEY: <hidden>", "+  KEY: <hidden, changed>", "+  MORE: <hidden>"]
        );
    }

    #[test]
    fn the_same_value_in_either_form_is_no_difference() {
        let before = json!({"kind": "Secret", "data": {"KEY": "b2xk"}});
        let after = json!({"kind": "Secret", "stringData": {"KEY": "old"}});
        assert_eq!(unified(Some(&before), Some(&after), true), "");
    }

    #[test]
    fn a_copy_of_a_secret_in_an_annotation_is_not_shown() {
        let last_applied = "kubectl.kubernetes.io/last-applied-configuration";
        let before = json!({"metadata": {"annotations": {last_applied: "{\"data\":{\"KEY\":\"b2xk\"}}"}}});
        for (before, after) in [(Some(&before), None), (None, Some(&before))] {
            assert!(!unified(before, after, true).contains("b2xk"));
        }
    }

    #[test]
    fn a_malformed_secret_shows_nothing_either() {
        let before = json!({"kind": "Secret", "data": "s3cr3t", "stringData": {"a": ["s3cr3t"]}});
        assert!(!unified(Some(&before), None, true).contains("s3cr3t"));
        assert!(
            !format!("{:?}", Change { name: "a", before: Some(&before), after: None, is_secret: true })
                .contains("s3cr3t")
        );
    }
}
