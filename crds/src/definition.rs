//! The `CustomResourceDefinition` of a kind: its registry entry (contract §1.1) and the schema of its types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::rule::Rule;

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// A column of `kubectl get`.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    /// `string`, `boolean`, `integer` or `date`.
    pub type_: &'static str,
    pub format: Option<&'static str>,
    pub json_path: &'static str,
}

impl Column {
    /// A column of the given type.
    #[must_use]
    pub const fn new(name: &'static str, type_: &'static str, json_path: &'static str) -> Self {
        Self { name, type_, format: None, json_path }
    }

    /// The age of the object, which every kind shows last.
    pub const AGE: Self = Self::new("Age", "date", ".metadata.creationTimestamp");
}

/// Registry entry of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub group: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub scope: Scope,
    pub status: bool,
    pub columns: &'static [Column],
    /// Rules on the object as a whole.
    pub rules: &'static [Rule],
}

/// Categories of a kind that `kubectl get all` lists.
pub const SHOWN_IN_ALL: &[&str] = &["kubestash", "appscode", "all"];
/// Categories of a kind that `kubectl get all` does not list.
pub const NOT_SHOWN_IN_ALL: &[&str] = &["kubestash", "appscode"];

/// Defines the struct of a kind (`metadata`, `spec` and, where it has one, `status`) and its place in the API.
///
/// `spec` may be absent in the JSON, as upstream's schemas allow; it is then the empty spec. kube's derive cannot
/// say that, hence this macro.
macro_rules! custom_resource {
    ($(#[$attribute:meta])* $kind:ident: $scope:ty, spec: $spec:ty $(, status: $status:ty)?; $definition:expr) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        pub struct $kind {
            #[serde(default)]
            pub metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
            #[serde(default)]
            pub spec: $spec,
            $(
                #[serde(default)]
                pub status: Option<$status>,
            )?
        }

        impl $kind {
            /// The kind's entry in the API.
            pub const DEFINITION: crate::definition::Definition = $definition;

            /// An object of that name with that spec.
            #[must_use]
            pub fn new(name: &str, spec: $spec) -> Self {
                let mut object = Self { spec, ..Self::default() };
                object.metadata.name = Some(name.to_owned());
                object
            }

            /// The `CustomResourceDefinition` that a cluster needs for objects of this kind.
            #[must_use]
            pub fn custom_resource_definition()
            -> k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition {
                let mut properties = serde_json::Map::new();
                properties.insert("spec".to_owned(), crate::schema::of::<$spec>());
                $( properties.insert("status".to_owned(), crate::schema::of::<$status>()); )?
                crate::definition::assemble(&Self::DEFINITION, properties)
            }
        }

        impl kube::Resource for $kind {
            type DynamicType = ();
            type Scope = $scope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                Self::DEFINITION.kind.into()
            }
            fn group((): &()) -> std::borrow::Cow<'_, str> {
                Self::DEFINITION.group.into()
            }
            fn version((): &()) -> std::borrow::Cow<'_, str> {
                crate::VERSION.into()
            }
            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                Self::DEFINITION.plural.into()
            }
            fn meta(&self) -> &kube::core::ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut kube::core::ObjectMeta {
                &mut self.metadata
            }
        }

        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let mut object = serializer.serialize_struct(Self::DEFINITION.kind, 5)?;
                object.serialize_field("apiVersion", &Self::DEFINITION.api_version())?;
                object.serialize_field("kind", Self::DEFINITION.kind)?;
                object.serialize_field("metadata", &self.metadata)?;
                object.serialize_field("spec", &self.spec)?;
                $(
                    let status: Option<&$status> = self.status.as_ref();
                    if let Some(status) = status {
                        object.serialize_field("status", status)?;
                    }
                )?
                object.end()
            }
        }
    };
}

pub(crate) use custom_resource;

impl Definition {
    /// `group/version`.
    #[must_use]
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, crate::VERSION)
    }
}

/// Every `CustomResourceDefinition` of this project.
#[must_use]
pub fn all() -> Vec<apiextensions::CustomResourceDefinition> {
    vec![
        crate::addons::Addon::custom_resource_definition(),
        crate::addons::Function::custom_resource_definition(),
        crate::core::BackupConfiguration::custom_resource_definition(),
        crate::core::BackupSession::custom_resource_definition(),
        crate::core::HookTemplate::custom_resource_definition(),
        crate::core::RestoreSession::custom_resource_definition(),
        crate::storage::BackupStorage::custom_resource_definition(),
        crate::storage::Repository::custom_resource_definition(),
        crate::storage::RetentionPolicy::custom_resource_definition(),
        crate::storage::Snapshot::custom_resource_definition(),
    ]
}

/// Puts a registry entry and the schemas of `spec` and `status` together.
pub(crate) fn assemble(
    definition: &Definition,
    properties: serde_json::Map<String, serde_json::Value>,
) -> apiextensions::CustomResourceDefinition {
    let names = apiextensions::CustomResourceDefinitionNames {
        categories: Some(definition.categories.iter().map(ToString::to_string).collect()),
        kind: definition.kind.to_owned(),
        list_kind: Some(format!("{}List", definition.kind)),
        plural: definition.plural.to_owned(),
        short_names: (!definition.short_names.is_empty())
            .then(|| definition.short_names.iter().map(ToString::to_string).collect()),
        singular: Some(definition.singular.to_owned()),
    };
    let version = apiextensions::CustomResourceDefinitionVersion {
        additional_printer_columns: Some(definition.columns.iter().map(column).collect()),
        name: crate::VERSION.to_owned(),
        schema: Some(apiextensions::CustomResourceValidation {
            open_api_v3_schema: Some(crate::schema::root(properties, definition.rules)),
        }),
        served: true,
        storage: true,
        subresources: definition.status.then(|| apiextensions::CustomResourceSubresources {
            status: Some(apiextensions::CustomResourceSubresourceStatus(serde_json::json!({}))),
            ..Default::default()
        }),
        ..Default::default()
    };
    apiextensions::CustomResourceDefinition {
        metadata: ObjectMeta {
            labels: Some([("app.kubernetes.io/name".to_owned(), "kubestash".to_owned())].into()),
            name: Some(format!("{}.{}", definition.plural, definition.group)),
            ..Default::default()
        },
        spec: apiextensions::CustomResourceDefinitionSpec {
            group: definition.group.to_owned(),
            names,
            scope: match definition.scope {
                Scope::Namespaced => "Namespaced",
                Scope::Cluster => "Cluster",
            }
            .to_owned(),
            versions: vec![version],
            ..Default::default()
        },
        status: None,
    }
}

fn column(column: &Column) -> apiextensions::CustomResourceColumnDefinition {
    apiextensions::CustomResourceColumnDefinition {
        format: column.format.map(str::to_owned),
        json_path: column.json_path.to_owned(),
        name: column.name.to_owned(),
        type_: column.type_.to_owned(),
        ..Default::default()
    }
}
