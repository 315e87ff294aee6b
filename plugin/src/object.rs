//! One Kubernetes object on its way to the API server, whatever its kind.

use std::fmt::Write as _;

use archive::manifest::codec;
use kube::Resource;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::{Code, Failure};

/// How the API server names a kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// The API group; empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    /// The lower-case plural of URLs and RBAC rules.
    pub plural: String,
}

impl Kind {
    /// The kind of a type.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>() -> Self {
        Self {
            group: K::group(&()).into_owned(),
            version: K::version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            plural: K::plural(&()).into_owned(),
        }
    }

    /// `plural.group`, or the plural alone in the core group: as in RBAC errors and `kubectl -o name`.
    #[must_use]
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `kind.group` in lower case, as kubectl prints objects it wrote.
    #[must_use]
    pub fn lower_case(&self) -> String {
        let kind = self.kind.to_ascii_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// The URL path of the collection of this kind.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

/// An object, complete with `apiVersion` and `kind`.
#[derive(Clone, PartialEq)]
pub struct Object {
    pub kind: Kind,
    pub namespace: Option<String>,
    pub name: String,
    pub body: Value,
    /// Made when it does not exist, and never changed when it does: a password that is in use.
    pub create_only: bool,
}

/// Secrets travel through here: only what identifies the object is shown.
impl std::fmt::Debug for Object {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Object")
            .field("kind", &self.kind.kind)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Object {
    /// A typed object.
    pub fn typed<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Result<Self, Failure> {
        let kind = Kind::of::<K>();
        let mut body = serde_json::to_value(object).map_err(|error| malformed(&kind.kind, &error))?;
        if let Some(fields) = body.as_object_mut() {
            fields.insert("apiVersion".into(), K::api_version(&()).into_owned().into());
            fields.insert("kind".into(), kind.kind.clone().into());
            fields.retain(|_, value| !value.is_null());
        }
        Ok(Self::with_kind(kind, body))
    }

    /// A document of a kind whose plural is known.
    #[must_use]
    pub fn with_kind(kind: Kind, body: Value) -> Self {
        let text = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Self {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name").unwrap_or_default(),
            kind,
            body,
            create_only: false,
        }
    }

    /// The same object, to be made when it does not exist and never to be changed.
    #[must_use]
    pub fn create_only(self) -> Self {
        Self { create_only: true, ..self }
    }

    /// `kind.group/name`, as kubectl prints an object it wrote.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}/{}", self.kind.lower_case(), self.name)
    }

    /// `Kind namespace/name`, as people say it.
    #[must_use]
    pub fn spoken(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind.kind, self.name),
            None => format!("{} {}", self.kind.kind, self.name),
        }
    }

    /// Whether it holds values that nobody may see.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.kind.group.is_empty() && self.kind.kind == "Secret"
    }

    /// The body for people: bookkeeping of the server left out, and the values of a Secret hidden.
    #[must_use]
    pub fn shown(body: &Value, is_secret: bool) -> Value {
        let mut body = body.clone();
        if let Some(metadata) = body.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            if is_secret {
                without_last_applied(metadata);
            }
        }
        if is_secret {
            for field in ["data", "stringData"] {
                let values = body
                    .get_mut(field)
                    .and_then(Value::as_object_mut)
                    .into_iter()
                    .flat_map(|map| map.values_mut());
                for value in values {
                    *value = "<hidden>".into();
                }
            }
        }
        body
    }
}

/// Leaves out the copy of the object that `kubectl apply` keeps in an annotation: of a Secret, with all its values.
pub fn without_last_applied(metadata: &mut Map<String, Value>) {
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else { return };
    annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
}

fn malformed(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure::new(Code::Fault, format!("could not write a {what}")).why(error.to_string())
}

/// The JSON that is sent as a server-side apply.
///
/// The API server reads it with a YAML parser, which takes some characters inside a string for a line break or refuses
/// them; written as escapes they arrive unchanged. (Seen on Kubernetes 1.34; a POST has no such trouble.)
pub fn apply_body(body: &Value) -> Result<Vec<u8>, Failure> {
    let text = serde_json::to_string(body).map_err(|error| malformed("request", &error))?;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                // Writing to a String does not fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            plain => escaped.push(plain),
        }
    }
    Ok(escaped.into_bytes())
}

/// The documents of a YAML file, in order; empty ones are skipped.
pub fn documents(yaml: &str) -> Result<Vec<Value>, Failure> {
    let mut documents = Vec::new();
    let mut current = String::new();
    for line in yaml.lines().chain(["---"]) {
        if line.trim_end() != "---" {
            current.push_str(line);
            current.push('\n');
            continue;
        }
        let has_content =
            current.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
        if has_content {
            documents.push(codec::decode(current.as_bytes()).map_err(|error| malformed("document", &error))?);
        }
        current.clear();
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use kube::api::ObjectMeta;
    use serde_json::json;

    use super::*;

    fn secret() -> Secret {
        Secret {
            metadata: ObjectMeta {
                name: Some("keys".into()),
                namespace: Some("shop".into()),
                ..ObjectMeta::default()
            },
            string_data: Some([("AWS_SECRET_ACCESS_KEY".into(), "s3cr3t".into())].into()),
            ..Secret::default()
        }
    }

    #[test]
    fn a_typed_object_knows_its_kind_and_its_place() {
        let object = Object::typed(&secret()).unwrap();
        assert_eq!(object.body["apiVersion"], "v1");
        assert_eq!(object.reference(), "secret/keys");
        assert_eq!(object.spoken(), "Secret shop/keys");
        assert_eq!(object.kind.path(Some("shop")), "/api/v1/namespaces/shop/secrets");
    }

    #[test]
    fn kinds_of_other_groups_carry_their_group() {
        let kind = Kind::of::<k8s_openapi::api::rbac::v1::ClusterRole>();
        assert_eq!(kind.resource(), "clusterroles.rbac.authorization.k8s.io");
        assert_eq!(kind.lower_case(), "clusterrole.rbac.authorization.k8s.io");
        assert_eq!(kind.path(None), "/apis/rbac.authorization.k8s.io/v1/clusterroles");
    }

    #[test]
    fn values_of_a_secret_are_neither_shown_nor_in_debug_output() {
        let object = Object::typed(&secret()).unwrap();
        assert!(!Object::shown(&object.body, object.is_secret()).to_string().contains("s3cr3t"));
        assert!(!format!("{object:?}").contains("s3cr3t"));
        let copied = json!({"metadata": {"annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"k\":\"s3cr3t\"}}", "mine": "x"}}});
        assert_eq!(Object::shown(&copied, true), json!({"metadata": {"annotations": {"mine": "x"}}}));
    }

    #[test]
    fn characters_that_a_yaml_reader_would_change_are_escaped() {
        let body = json!({"a": "NEL \u{85} LS \u{2028} DEL \u{7f} rocket \u{1f680}"});
        let sent = String::from_utf8(apply_body(&body).unwrap()).unwrap();
        assert_eq!(sent, "{\"a\":\"NEL \\u0085 LS \\u2028 DEL \\u007f rocket \u{1f680}\"}");
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), body);
    }

    #[test]
    fn a_file_of_several_documents_is_divided() {
        let yaml =
            "# head\n---\nkind: A\n---\n# only a comment\n---\nkind: B\ntext: |\n  --- not a divider\n";
        let kinds: Vec<Value> =
            documents(yaml).unwrap().into_iter().map(|document| document["kind"].clone()).collect();
        assert_eq!(kinds, ["A", "B"]);
    }
}
