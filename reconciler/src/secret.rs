//! Which Secret may be used from where.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

/// On a Secret: the namespaces from which it may be used, separated by commas, or `*`.
///
/// Whoever may write a BackupConfiguration can name any Secret of any namespace in it, and our Jobs, which run as a
/// ServiceAccount of their choice, would be given the right to read it. So the owner of a Secret has to agree before
/// another namespace may use it. (A BackupStorage says the same for its own Secret by its `usagePolicy`.)
pub const ALLOWED_NAMESPACES: &str = "kubestash.com/allowed-namespaces";

/// Whether `secret` may be used by what lives in `namespace`.
#[must_use]
pub fn may_be_used_from(secret: &Secret, namespace: &str) -> bool {
    if secret.metadata.namespace.as_deref() == Some(namespace) {
        return true;
    }
    let allowed = annotation(secret.annotations()).unwrap_or_default();
    allowed.split(',').map(str::trim).any(|allowed| allowed == "*" || allowed == namespace)
}

fn annotation(annotations: &BTreeMap<String, String>) -> Option<&str> {
    annotations.get(ALLOWED_NAMESPACES).map(String::as_str)
}

/// What an encryption Secret is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It has a password, and may be used.
    Usable,
    /// It does not exist.
    Missing,
    /// It has no password.
    Empty,
    /// Its owner has not agreed.
    Foreign,
}

impl Encryption {
    /// What `secret` is good for in `namespace`.
    #[must_use]
    pub fn of(secret: Option<&Secret>, namespace: &str) -> Self {
        let Some(secret) = secret else { return Self::Missing };
        if !may_be_used_from(secret, namespace) {
            return Self::Foreign;
        }
        let password = secret.data.as_ref().and_then(|data| data.get(archive::access::key::RESTIC_PASSWORD));
        if password.is_some_and(|password| !password.0.is_empty()) { Self::Usable } else { Self::Empty }
    }

    /// What has to be done about it, when something has. `secret` is `namespace/name`.
    #[must_use]
    pub fn problem(self, secret: &str, namespace: &str) -> Option<String> {
        let key = archive::access::key::RESTIC_PASSWORD;
        match self {
            Self::Usable => None,
            Self::Missing => {
                Some(format!("Secret \"{secret}\" does not exist; create it with the key {key}"))
            }
            Self::Empty => {
                Some(format!("Secret \"{secret}\" has no {key}; give it the password of the repository"))
            }
            Self::Foreign => Some(format!(
                "Secret \"{secret}\" may not be used from namespace \"{namespace}\"; if its owner agrees, annotate it \
                 with {ALLOWED_NAMESPACES}={namespace}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(namespace: &str, allowed: Option<&str>, data: &serde_json::Value) -> Secret {
        let mut secret = json!({"metadata": {"name": "encryption", "namespace": namespace}, "data": data});
        if let Some(allowed) = allowed {
            secret["metadata"]["annotations"] = json!({ALLOWED_NAMESPACES: allowed});
        }
        serde_json::from_value(secret).unwrap()
    }

    #[test]
    fn a_secret_is_used_elsewhere_only_when_its_owner_agrees() {
        for (namespace, allowed, may) in [
            ("demo", None, true),
            ("kube-system", None, false),
            ("kube-system", Some(""), false),
            ("kube-system", Some("dem"), false),
            ("kube-system", Some("prod, demo"), true),
            ("kube-system", Some("*"), true),
        ] {
            let secret = secret(namespace, allowed, &json!({}));
            assert_eq!(may_be_used_from(&secret, "demo"), may, "{namespace} {allowed:?}");
        }
    }

    #[test]
    fn an_encryption_secret_needs_a_password() {
        let password = json!({"RESTIC_PASSWORD": "c2VjcmV0"});
        for (found, what) in [
            (None, Encryption::Missing),
            (Some(secret("demo", None, &json!({}))), Encryption::Empty),
            (Some(secret("demo", None, &json!({"RESTIC_PASSWORD": ""}))), Encryption::Empty),
            (Some(secret("other", None, &password)), Encryption::Foreign),
            (Some(secret("demo", None, &password)), Encryption::Usable),
        ] {
            assert_eq!(Encryption::of(found.as_ref(), "demo"), what);
            assert_eq!(what.problem("demo/encryption", "demo").is_none(), what == Encryption::Usable);
        }
    }
}
