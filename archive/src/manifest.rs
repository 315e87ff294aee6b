//! One Kubernetes object as a file: where it lies, what is left out, how it is written.
//!
//! Three rules, none of which does any I/O: [`path`] (object to file name and back), [`sanitize`] (the fields that
//! only the server writes), [`codec`] (JSON to canonical YAML and back). [`Manifest::read`] puts them together.

pub mod codec;
pub mod path;
pub mod sanitize;

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};
use snafu::{OptionExt as _, ResultExt as _, Snafu};

use crate::api::told;
use crate::entry::Entry;
use crate::manifest::path::Key;

/// Why an object cannot become a file. Never contains a part of the object but its name.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
pub enum Error {
    /// The server's answer is not JSON, or holds something else than objects.
    #[snafu(display("failed to read an object: {problem}"))]
    NotJson {
        /// Of which sort, and where; serde_json's own text would quote the object.
        problem: String,
    },
    /// An object must say what it is called.
    #[snafu(display("an object has no metadata.name"))]
    Nameless,
    /// See [`codec`].
    #[snafu(display("failed to write {key} as YAML: {source}"))]
    Encode {
        /// The object.
        key: Key,
        /// What the writer said.
        source: codec::Error,
    },
    /// See [`path`].
    #[snafu(display("failed to name a file: {source}"))]
    Unnameable {
        /// What is wrong with the name.
        source: path::Error,
    },
}

/// What a list knows of its items and the items need not repeat: items of a typed list lack both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeMeta {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
}

/// One object as the API server sent it, parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Where the object belongs.
    pub key: Key,
    object: Map<String, Value>,
}

impl Manifest {
    /// Parses one item of a list of `group_resource`. `apiVersion` and `kind` are filled in where they are missing.
    pub fn read(json: &[u8], group_resource: &str, of: &TypeMeta) -> Result<Self, Error> {
        let mut object: Map<String, Value> =
            serde_json::from_slice(json).map_err(|error| Error::NotJson { problem: told(&error) })?;
        for (field, value) in [("apiVersion", &of.api_version), ("kind", &of.kind)] {
            let present = object.get(field).and_then(Value::as_str).is_some_and(|found| !found.is_empty());
            if !present {
                object.insert(field.to_owned(), Value::String(value.clone()));
            }
        }
        let name = text(&object, "name").context(NamelessSnafu)?.to_owned();
        let namespace = text(&object, "namespace").map(str::to_owned);
        let key = Key { group_resource: group_resource.to_owned(), namespace, name };
        Ok(Self { key, object })
    }

    /// The object's labels. A label that is not a string does not exist.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.object
            .get("metadata")
            .and_then(|metadata| metadata.get("labels"))
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    /// When the object was made; the epoch when it does not say so.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        text(&self.object, "creationTimestamp")
            .and_then(|written| written.parse().ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The file. With `sanitize` the fields of [`sanitize::SERVER_FIELDS`] are left out.
    pub fn into_entry(mut self, sanitize: bool) -> Result<Entry, Error> {
        let modified = self.created();
        let path = self.key.path().context(UnnameableSnafu)?;
        if sanitize {
            sanitize::strip(&mut self.object);
        }
        let Self { key, object } = self;
        let yaml =
            codec::encode(&Value::Object(object)).with_context(|_| EncodeSnafu { key: key.clone() })?;
        Ok(Entry { path, modified, content: Bytes::from(yaml) })
    }
}

/// A non-empty string directly below `metadata`.
fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    object.get("metadata")?.get(field)?.as_str().filter(|found| !found.is_empty())
}

/// The `apiVersion` of a group and version: the core group has no name.
#[must_use]
pub fn api_version<'a>(group: &str, version: &'a str) -> Cow<'a, str> {
    if group.is_empty() { Cow::Borrowed(version) } else { Cow::Owned(format!("{group}/{version}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_map() -> TypeMeta {
        TypeMeta { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned() }
    }

    fn read(json: &str) -> Result<Manifest, Error> {
        Manifest::read(json.as_bytes(), "configmaps", &config_map())
    }

    fn written(json: &str, sanitize: bool) -> (String, Timestamp, String) {
        let entry = read(json).unwrap().into_entry(sanitize).unwrap();
        (entry.path, entry.modified, String::from_utf8(entry.content.to_vec()).unwrap())
    }

    #[test]
    fn an_item_of_a_typed_list_says_what_it_is() {
        let (path, modified, yaml) = written(
            r#"{"metadata":{"name":"settings","namespace":"shop","uid":"1","creationTimestamp":"2026-11-22T10:11:12Z"},"data":{"a":"b"}}"#,
            true,
        );
        assert_eq!(path, "configmaps/namespaces/shop/settings.yaml");
        assert_eq!(modified, "2026-11-22T10:11:12Z".parse().unwrap());
        assert_eq!(
            yaml,
            "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\n"
        );
    }

    #[test]
    fn what_an_item_says_of_itself_wins() {
        let (_, _, yaml) =
            written(r#"{"apiVersion":"v9","kind":"Other","metadata":{"name":"a","namespace":"n"}}"#, true);
        assert!(yaml.starts_with("apiVersion: v9\nkind: Other\n"), "{yaml}");
    }

    #[test]
    fn unsanitised_means_nothing_is_removed() {
        let (_, _, yaml) = written(r#"{"metadata":{"name":"a","uid":"1","resourceVersion":"7"}}"#, false);
        assert!(yaml.contains("uid: \"1\"") && yaml.contains("resourceVersion: \"7\""), "{yaml}");
    }

    #[test]
    fn a_missing_or_odd_time_is_the_epoch() {
        for time in ["", r#","creationTimestamp":null"#, r#","creationTimestamp":"yesterday""#] {
            let (_, modified, _) = written(&format!(r#"{{"metadata":{{"name":"a"{time}}}}}"#), true);
            assert_eq!(modified, Timestamp::UNIX_EPOCH, "{time}");
        }
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for json in
            ["", "[]", "7", "{", r#"{"metadata":{}}"#, r#"{"metadata":{"name":""}}"#, r#"{"metadata":7}"#]
        {
            assert!(read(json).is_err(), "{json}");
        }
        let hostile = read(r#"{"metadata":{"name":"../../etc/passwd"}}"#).unwrap().into_entry(true);
        assert!(matches!(hostile, Err(Error::Unnameable { .. })), "{hostile:?}");
    }

    #[test]
    fn an_object_of_many_levels_is_an_error_that_says_so() {
        let json = format!(r#"{{"metadata":{{"name":"a"}},"spec":{}7{}}}"#, "[".repeat(200), "]".repeat(200));
        let error = read(&json).unwrap_err().to_string();
        assert!(error.starts_with("failed to read an object: nested too deeply"), "{error}");
    }

    #[test]
    fn labels_are_read() {
        let manifest = read(r#"{"metadata":{"name":"a","labels":{"app":"shop","odd":1}}}"#).unwrap();
        assert_eq!(manifest.labels().collect::<Vec<_>>(), [("app", "shop")]);
        assert_eq!(read(r#"{"metadata":{"name":"a"}}"#).unwrap().labels().count(), 0);
    }

    #[test]
    fn the_core_group_has_no_name() {
        assert_eq!(api_version("", "v1"), "v1");
        assert_eq!(api_version("apps", "v1"), "apps/v1");
    }
}
