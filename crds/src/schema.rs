//! From the schemas of types (JSON Schema) to the structural schemas of a `CustomResourceDefinition`.
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use schemars::JsonSchema;
use serde_json::{Map, Value};

pub(crate) fn of<T: JsonSchema>() -> Value {
    schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

pub(crate) fn root(_properties: Map<String, Value>) -> JSONSchemaProps {
    JSONSchemaProps::default()
}
