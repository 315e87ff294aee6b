//! What a Pod has got since it was made.

use serde_json::{Map, Value};

use crate::restore::choose::is_generated_token;
use crate::restore::{fields, pods};

/// Where the token of the ServiceAccount is mounted.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// What the volume with it is called, followed by five random characters; since 1.21.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// Removes where it ran, what admission computed for it, and the volume with its token, which admission puts in anew: the
/// Secret behind an old one does not exist any more.
pub fn prepare(object: &mut Map<String, Value>) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    // Admission computes `priority` and `preemptionPolicy` from the class, and refuses other values.
    for field in ["ephemeralContainers", "nodeName", "preemptionPolicy", "priority"] {
        spec.remove(field);
    }
    let account = spec.get("serviceAccountName").and_then(Value::as_str).unwrap_or("default").to_owned();
    let tokens = take_token_volumes(spec, &account);
    for list in pods::CONTAINERS {
        fields::each_mut(spec, &format!("{list}/*"), &mut |container| unmount(container, &tokens));
    }
}

/// Removes the volumes that admission put in, and says what they were called.
fn take_token_volumes(spec: &mut Map<String, Value>, account: &str) -> Vec<String> {
    let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) else { return Vec::new() };
    let mut taken = Vec::new();
    volumes.retain(|volume| {
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        let projected = name.starts_with(TOKEN_VOLUME) && volume.get("projected").is_some();
        let secret = volume.pointer("/secret/secretName").and_then(Value::as_str);
        let injected = projected || secret.is_some_and(|secret| is_generated_token(secret, account));
        if injected {
            taken.push(name.to_owned());
        }
        !injected
    });
    if volumes.is_empty() {
        spec.remove("volumes");
    }
    taken
}

fn unmount(container: &mut Value, tokens: &[String]) {
    let Some(container) = container.as_object_mut() else { return };
    let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) else { return };
    let text =
        |mount: &Value, field: &str| mount.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    mounts.retain(|mount| text(mount, "mountPath") != TOKEN_PATH && !tokens.contains(&text(mount, "name")));
    if mounts.is_empty() {
        container.remove("volumeMounts");
    }
}
