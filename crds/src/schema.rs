//! From the schemas of types (JSON Schema) to the structural schemas of a `CustomResourceDefinition`.
//!
//! A structural schema has no references, no `null`, and each part says its type once; upstream's say nothing in
//! prose. What a type cannot say is added by schemars' `extend` beside the field; what concerns Kubernetes' own types
//! is in [`kubernetes`].

mod kubernetes;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::rule::Rule;

/// Words of JSON Schema that explain, or that have no meaning in a structural schema.
const DROPPED: &[&str] =
    &["$schema", "description", "title", "examples", "deprecated", "unevaluatedProperties"];

/// The structural schema of a type.
pub(crate) fn of<T: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    let mut definitions = match schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    for (name, definition) in &mut definitions {
        kubernetes::amend(name, definition);
    }
    structural(schema, &definitions)
}

/// The schema of an object whose parts beside `metadata` have the given ones.
pub(crate) fn root(parts: Map<String, Value>, rules: &[Rule]) -> apiextensions::JSONSchemaProps {
    let mut properties = parts;
    properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
    properties.insert("kind".to_owned(), json!({"type": "string"}));
    properties.insert("metadata".to_owned(), json!({"type": "object"}));
    let mut schema = json!({"type": "object", "properties": properties});
    if !rules.is_empty() {
        schema["x-kubernetes-validations"] = json!(rules);
    }
    serde_json::from_value(schema).unwrap_or_default()
}

/// Follows references, drops prose and `null`, and writes enums as lists of words.
fn structural(schema: Value, definitions: &Map<String, Value>) -> Value {
    let Value::Object(schema) = schema else {
        // `true`, the schema of anything.
        return json!({"x-kubernetes-preserve-unknown-fields": true});
    };
    let schema = words(without_null(resolved(schema, definitions)), definitions);
    let structured =
        schema.into_iter().filter(|(word, _)| !DROPPED.contains(&word.as_str())).map(|(word, value)| {
            let value = match (word.as_str(), value) {
                ("properties", Value::Object(properties)) => properties
                    .into_iter()
                    .map(|(name, property)| (name, structural(property, definitions)))
                    .collect::<Map<_, _>>()
                    .into(),
                ("items" | "additionalProperties", value @ Value::Object(_)) => {
                    structural(value, definitions)
                }
                (_, value) => value,
            };
            (word, value)
        });
    Value::Object(structured.collect())
}

/// The schema that a reference means, with what stands beside the reference laid over it.
fn resolved(mut schema: Map<String, Value>, definitions: &Map<String, Value>) -> Map<String, Value> {
    let Some(Value::String(reference)) = schema.remove("$ref") else { return schema };
    let name = reference.trim_start_matches("#/$defs/").replace("~1", "/").replace("~0", "~");
    let mut target = definitions.get(&name).and_then(Value::as_object).cloned().unwrap_or_default();
    target.extend(schema);
    resolved(target, definitions)
}

/// The schema without the possibility of `null`, which stands for absence.
fn without_null(mut schema: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|alternative| alternative != &json!({"type": "null"}));
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    schema
}

/// A single alternative becomes the schema itself; alternatives that are each a word become an enum.
fn words(mut schema: Map<String, Value>, definitions: &Map<String, Value>) -> Map<String, Value> {
    if let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array)
        && let [Value::Object(only)] = alternatives.as_slice()
    {
        let mut merged = only.clone();
        schema.remove("anyOf");
        merged.extend(schema);
        return words(without_null(resolved(merged, definitions)), definitions);
    }
    if let Some(Value::Array(alternatives)) = schema.remove("oneOf") {
        let word = |alternative: &Value| match (alternative.get("const"), alternative.get("enum")) {
            (Some(word), _) => vec![word.clone()],
            (None, Some(Value::Array(words))) => words.clone(),
            _ => Vec::new(),
        };
        schema.insert("enum".to_owned(), alternatives.iter().flat_map(word).collect());
        schema.insert("type".to_owned(), json!("string"));
    }
    schema
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::{Map, Value, json};

    /// Every object of a schema, with its path.
    fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
        let Some(schema) = schema.as_object() else { return };
        visit(path, schema);
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            walk(&format!("{path}.{name}"), property, visit);
        }
        for part in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get(part) {
                walk(&format!("{path}[]"), inner, visit);
            }
        }
    }

    #[test]
    fn every_schema_is_structural_and_says_nothing_in_prose() {
        const KNOWN: &[&str] = &[
            "type",
            "format",
            "properties",
            "required",
            "items",
            "additionalProperties",
            "enum",
            "default",
            "pattern",
            "minimum",
            "maxLength",
            "minLength",
            "maxItems",
            "x-kubernetes-int-or-string",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-map-type",
            "x-kubernetes-validations",
        ];
        for definition in crate::all() {
            let kind = definition.spec.names.kind.clone();
            let version = serde_json::to_value(&definition.spec.versions[0]).unwrap();
            walk(&kind, &version["schema"]["openAPIV3Schema"], &mut |path, schema| {
                for word in schema.keys() {
                    assert!(KNOWN.contains(&word.as_str()), "{path}: unexpected word {word}");
                }
                let typed = schema.get("type").is_some_and(Value::is_string)
                    || schema.contains_key("x-kubernetes-int-or-string");
                assert!(typed, "{path} has no type: {schema:?}");
                if schema.get("type").is_some_and(|type_| type_ == "array") {
                    assert!(schema.contains_key("items"), "{path} has no items");
                }
            });
        }
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Example {
        /// Prose.
        optional: Option<Inner>,
        #[schemars(extend("default" = "One"))]
        word: Option<Word>,
        #[schemars(length(max = 5))]
        text: Option<String>,
        #[schemars(length(max = 2))]
        list: Vec<Inner>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        number: i32,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Word {
        /// Explained.
        One,
        Two,
        Three,
    }

    #[test]
    fn a_type_becomes_a_structural_schema() {
        let inner = json!({
            "type": "object", "required": ["number"],
            "properties": {"number": {"type": "integer", "format": "int32"}},
        });
        let expected = json!({
            "type": "object",
            "required": ["list"],
            "properties": {
                "optional": inner,
                "word": {"type": "string", "enum": ["Two", "Three", "One"], "default": "One"},
                "text": {"type": "string", "maxLength": 5},
                "list": {"type": "array", "items": inner, "maxItems": 2},
            },
        });
        assert_eq!(super::of::<Example>(), expected);
    }
}
