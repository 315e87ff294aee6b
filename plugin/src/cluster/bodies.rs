//! Whole objects of kinds known by name only.

use kube::api::ListParams;
use kube::core::Request;
use serde_json::Value;

use super::{Cluster, Error, asked};
use crate::object::Kind;

impl Cluster {
    /// Reads all objects of a kind with their contents, page by page: of one namespace, or of all. `apiVersion` and `kind`,
    /// which the items of a list lack, are filled in.
    pub async fn list_bodies(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Value>, Error> {
        let mut page = ListParams::default().limit(500);
        let mut bodies = Vec::new();
        loop {
            let request = Request::new(kind.path(namespace)).list(&page);
            let mut list: Value = self.call(asked("list", kind, namespace, None), request).await?;
            let text = |list: &Value, path: &str| {
                list.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let (version, token) = (text(&list, "/apiVersion"), text(&list, "/metadata/continue"));
            if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
                bodies.extend(items.into_iter().map(|mut item| {
                    if let Some(fields) = item.as_object_mut() {
                        fields.entry("apiVersion").or_insert_with(|| version.clone().into());
                        fields.entry("kind").or_insert_with(|| kind.kind.clone().into());
                    }
                    item
                }));
            }
            if token.is_empty() {
                return Ok(bodies);
            }
            page = page.continue_token(&token);
        }
    }
}
