//! Parts of an object that belong to Kubernetes, kept as they were given.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The JSON of a `T` of k8s-openapi, byte for byte what the user wrote, with the schema of `T`.
///
/// Reading into `T` and writing back would drop every field that this build's Kubernetes version does not know; a
/// pod template must reach the Job as it was written. [`Embedded::typed`] gives the typed view where one is needed.
pub struct Embedded<T> {
    raw: Value,
    of: PhantomData<fn() -> T>,
}

impl<T> Embedded<T> {
    /// Takes JSON as it is; whether it is a `T` shows when [`Embedded::typed`] is called.
    #[must_use]
    pub fn from_raw(raw: Value) -> Self {
        Self { raw, of: PhantomData }
    }

    /// The JSON as given.
    #[must_use]
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    /// The JSON as given, by value.
    #[must_use]
    pub fn into_raw(self) -> Value {
        self.raw
    }
}

impl<T: DeserializeOwned> Embedded<T> {
    /// The typed view. Fields unknown to this Kubernetes version are not in it.
    ///
    /// # Errors
    ///
    /// When the JSON is no `T`, which the API server's schema check rules out for objects that come from there.
    pub fn typed(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.raw)
    }
}

impl<T: Serialize> Embedded<T> {
    /// Keeps a typed value.
    ///
    /// # Errors
    ///
    /// When `T` has no JSON form; no type of k8s-openapi is like that.
    pub fn from_typed(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_value(value).map(Self::from_raw)
    }
}

impl<T> Clone for Embedded<T> {
    fn clone(&self) -> Self {
        Self::from_raw(self.raw.clone())
    }
}

impl<T> PartialEq for Embedded<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl<T> std::fmt::Debug for Embedded<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.raw.fmt(formatter)
    }
}

impl<T> Serialize for Embedded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Embedded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from_raw)
    }
}

impl<T: JsonSchema> JsonSchema for Embedded<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Toleration;
    use serde_json::json;

    use super::Embedded;

    #[test]
    fn a_field_of_a_newer_kubernetes_survives() {
        let given = json!({"key": "gpu", "operator": "Exists", "sinceKubernetes99": {"a": [1]}});
        let read: Embedded<Toleration> = serde_json::from_value(given.clone()).unwrap();
        assert_eq!(read.typed().unwrap().key.as_deref(), Some("gpu"));
        assert_eq!(serde_json::to_value(&read).unwrap(), given);
    }
}
