//! Tokens: they are worth nothing in another life of the cluster, and are issued anew.

use serde_json::{Map, Value};

use crate::restore::choose::is_generated_token;
use crate::restore::fields;

const TOKEN_TYPE: &str = "kubernetes.io/service-account-token";

/// The list of token Secrets of a ServiceAccount, as Kubernetes before 1.24 kept it: what it generated itself is not
/// brought back.
pub fn prepare(object: &mut Map<String, Value>, name: &str) {
    let Some(secrets) = object.get_mut("secrets").and_then(Value::as_array_mut) else { return };
    let listed = |secret: &Value| secret.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    secrets.retain(|secret| !is_generated_token(&listed(secret), name));
    if secrets.is_empty() {
        object.remove("secrets");
    }
}

/// A token Secret that somebody made comes back empty and not as the old ServiceAccount's, by whose uid it would be
/// deleted: the token controller puts a new token in. (Contract A20 leaves it out, but no controller makes the Secret itself
/// again.)
pub fn prepare_token(object: &mut Map<String, Value>) {
    if object.get("type").and_then(Value::as_str) != Some(TOKEN_TYPE) {
        return;
    }
    object.remove("data");
    object.remove("stringData");
    fields::each_mut(object, "metadata/annotations", &mut |annotations| {
        _ = annotations
            .as_object_mut()
            .and_then(|annotations| annotations.remove("kubernetes.io/service-account.uid"));
    });
}
