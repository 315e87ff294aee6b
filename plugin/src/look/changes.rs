//! What differs between two objects, field by field, and in a few words.

use serde_json::{Map, Value, json};

/// How many fields are told by their values in a line.
const TOLD: usize = 2;
/// How many paths are listed in a line.
const LISTED: usize = 4;
/// The longest value that is told in a line.
const LONGEST: usize = 60;

/// A field that differs.
#[derive(Clone, PartialEq)]
pub struct Field {
    /// `spec.template.spec.containers[orders].image`
    pub path: String,
    /// None where it does not exist.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// May hold what nobody may see.
impl std::fmt::Debug for Field {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Field").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The fields that differ. Items of a list that have names are compared by name.
#[must_use]
pub fn fields(before: &Value, after: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Field>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
            for name in names {
                compare(join(&path, name), before.get(name), after.get(name), found);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => match (named(before), named(after)) {
            (Some(before), Some(after)) => {
                let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
                for name in names {
                    compare(format!("{path}[{name}]"), before.get(name), after.get(name), found);
                }
            }
            _ if before.len() == after.len() => {
                for (index, (before, after)) in before.iter().zip(after).enumerate() {
                    compare(format!("{path}[{index}]"), Some(before), Some(after), found);
                }
            }
            _ => found.push(Field {
                path,
                before: Some(Value::Array(before.clone())),
                after: Some(Value::Array(after.clone())),
            }),
        },
        (before, after) => found.push(Field { path, before: before.cloned(), after: after.cloned() }),
    }
}

fn join(path: &str, name: &str) -> String {
    let plain = !name.is_empty() && !name.contains(['.', '[', ']', '"', '/']);
    match (path.is_empty(), plain) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}[\"{name}\"]"),
    }
}

/// The items by their names, if each has one of its own.
fn named(items: &[Value]) -> Option<Map<String, Value>> {
    let mut all = Map::new();
    for item in items {
        let name = item.get("name")?.as_str()?;
        if all.insert(name.to_owned(), item.clone()).is_some() {
            return None;
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The change in a line: what it was and what it is, for one or two short values; else which fields.
#[must_use]
pub fn summary(fields: &[Field]) -> String {
    let short: Option<Vec<String>> = fields.iter().map(told).collect();
    match short {
        Some(told) if fields.len() <= TOLD => told.join(", "),
        _ => paths(fields),
    }
}

/// The paths of the first fields, and how many more there are.
#[must_use]
pub fn paths(fields: &[Field]) -> String {
    let mut listed: Vec<String> = fields.iter().take(LISTED).map(|field| field.path.clone()).collect();
    if fields.len() > LISTED {
        listed.push(format!("{} more", fields.len() - LISTED));
    }
    listed.join(", ")
}

/// `image orders:1.9 -> orders:2.0`
fn told(field: &Field) -> Option<String> {
    let word = |value: &Option<Value>| match value {
        None => Some("(none)".to_owned()),
        Some(Value::String(text)) => (text.len() <= LONGEST && !text.contains('\n')).then(|| text.clone()),
        Some(Value::Object(_) | Value::Array(_)) => None,
        Some(other) => Some(other.to_string()),
    };
    Some(format!("{} {} -> {}", name(&field.path), word(&field.before)?, word(&field.after)?))
}

/// The last word of a path. An item of a list is told by its whole path, its `value` by the item: `env[STAGE]`.
fn name(path: &str) -> &str {
    if path.ends_with(']') {
        return path;
    }
    let item = path.strip_suffix(".value").filter(|item| item.ends_with(']'));
    let (path, list) = match item.and_then(|item| Some((item, item.rfind('[')?))) {
        Some((item, bracket)) => (item, bracket),
        None => (path, path.len()),
    };
    path[..list].rfind('.').map_or(path, |dot| &path[dot + 1..])
}

/// The fields as JSON; `hidden` leaves their values out.
#[must_use]
pub fn document(fields: &[Field], hidden: bool) -> Value {
    let one = |field: &Field| {
        if hidden {
            return json!({"path": field.path});
        }
        json!({"path": field.path, "before": field.before, "after": field.after})
    };
    Value::Array(fields.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(image: &str, replicas: u32) -> Value {
        json!({"spec": {"replicas": replicas, "containers": [
            {"name": "side", "image": "side:1"}, {"name": "orders", "image": image}]}})
    }

    #[test]
    fn fields_have_paths_and_items_their_names() {
        let changed = fields(&deployment("orders:1.9", 2), &deployment("orders:2.0", 2));
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].path, "spec.containers[orders].image");
        assert_eq!(summary(&changed), "image orders:1.9 -> orders:2.0");
        assert_eq!(summary(&fields(&deployment("a", 2), &deployment("a", 5))), "replicas 2 -> 5");
        assert_eq!(
            summary(&fields(&deployment("a", 2), &deployment("b", 5))),
            "image a -> b, replicas 2 -> 5"
        );
        assert!(fields(&deployment("a", 2), &deployment("a", 2)).is_empty());
    }

    #[test]
    fn a_field_has_a_short_name_that_says_something() {
        for (path, short) in [
            ("replicas", "replicas"),
            ("spec.containers[web].image", "image"),
            ("spec.containers[web].env[STAGE].value", "env[STAGE]"),
            ("spec.containers[web].env[a.b].value", "env[a.b]"),
            ("sizes[1]", "sizes[1]"),
            ("data[\"app.conf\"]", "data[\"app.conf\"]"),
            ("spec.value", "value"),
        ] {
            assert_eq!(name(path), short, "{path}");
        }
    }

    #[test]
    fn what_comes_and_goes_and_lists_are_told() {
        let before = json!({"data": {"GONE": "x", "app.conf": "1"}, "args": ["a", "b"], "sizes": [1, 2]});
        let after = json!({"data": {"app.conf": "2", "NEW": "long\ntext"}, "args": ["a"], "sizes": [1, 3]});
        let changed = fields(&before, &after);
        let mut found: Vec<&str> = changed.iter().map(|field| field.path.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, ["args", "data.GONE", "data.NEW", "data[\"app.conf\"]", "sizes[1]"]);
        assert!(summary(&changed).ends_with(", 1 more"), "{}", summary(&changed));
        let gone: Vec<Field> = changed.iter().filter(|field| field.path == "data.GONE").cloned().collect();
        assert_eq!(summary(&gone), "GONE x -> (none)");
        let new: Vec<Field> = changed.into_iter().filter(|field| field.path == "data.NEW").collect();
        assert_eq!(summary(&new), "data.NEW");
        assert_eq!(document(&new, true), json!([{"path": "data.NEW"}]));
        assert!(!format!("{new:?}").contains("text"));
    }
}
