//! Leaving out what nobody may see: values of Secrets, tokens, and whatever looks like one. Rather too much than too
//! little.

use base64::Engine as _;
use serde_json::Value;

/// What stands in the place of what was left out.
const REDACTED: &str = "REDACTED";
/// A shorter value would be found in half of all words.
const SHORTEST: usize = 4;
/// Names of environment variables and fields whose value is secret by its meaning.
const TELLING: [&str; 6] = ["password", "passwd", "secret_", "token", "accesskey", "access_key"];
const TELLING_ENDS: [&str; 3] = ["secret", "_key", "credentials"];

/// Knows secret values, and leaves them out wherever they turn up.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a part never spoils the whole.
    values: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Redactor({} values)", self.values.len())
    }
}

impl Redactor {
    /// Takes note of a secret value: as it is, each of its lines, and in base64.
    pub fn learn(&mut self, value: &[u8]) {
        let mut forms = vec![base64::engine::general_purpose::STANDARD.encode(value)];
        if let Ok(text) = std::str::from_utf8(value) {
            forms.push(text.to_owned());
            forms.extend(text.lines().map(|line| line.trim().to_owned()));
        }
        self.values.extend(forms.into_iter().filter(|form| form.len() >= SHORTEST));
        self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        self.values.dedup();
    }

    /// Text without the values that are known, and without anything that is a token by its look.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            if text.contains(value) {
                text = text.replace(value, REDACTED);
            }
        }
        text.split_inclusive('\n').map(line).collect()
    }

    /// An object without secrets: those of its kind, those in its environment variables, and copies of it that kubectl
    /// keeps in annotations.
    #[must_use]
    pub fn object(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if object["kind"] == "Secret" {
            for field in ["data", "stringData"] {
                for value in object.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten() {
                    *value.1 = REDACTED.into();
                }
            }
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
        self.value(&mut object);
        object
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                let telling_name = fields.get("name").and_then(Value::as_str).is_some_and(is_telling);
                for (key, value) in fields.iter_mut() {
                    let hides = key == "stringData" || is_telling(key) || (telling_name && key == "value");
                    match value {
                        Value::String(text) if hides => REDACTED.clone_into(text),
                        Value::Object(inner) if key == "stringData" => {
                            inner.values_mut().for_each(|value| *value = REDACTED.into());
                        }
                        other => self.value(other),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Whether what has this name is secret. Names of Secrets (`secretName`) are not.
fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TELLING.iter().any(|word| name.contains(word)) || TELLING_ENDS.iter().any(|word| name.ends_with(word))
}

/// A line without bearer tokens, JSON web tokens, and signatures of URLs.
fn line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut after_bearer = false;
    for word in line.split_inclusive([' ', '"', '\'', ',', '&', '?', '\n']) {
        let bare = word.trim_end_matches([' ', '"', '\'', ',', '&', '?', '\n']);
        let rest = &word[bare.len()..];
        let signature = ["X-Amz-Signature=", "X-Amz-Security-Token=", "Signature=", "sig="]
            .iter()
            .find(|name| bare.starts_with(**name));
        if let Some(name) = signature {
            out.push_str(name);
            out.push_str(REDACTED);
        } else if !bare.is_empty() && (after_bearer || is_token(bare)) {
            out.push_str(REDACTED);
        } else {
            out.push_str(bare);
        }
        out.push_str(rest);
        if !bare.is_empty() {
            after_bearer = bare.to_ascii_lowercase().ends_with("bearer");
        }
    }
    out
}

/// A JSON web token: three parts, the first of which begins as `{"` does in base64.
fn is_token(word: &str) -> bool {
    word.find("eyJ").is_some_and(|start| {
        let token = &word[start..];
        token.len() > 20 && token.matches('.').count() >= 2
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn knowing() -> Redactor {
        let mut redactor = Redactor::default();
        redactor.learn(b"s3cr3t-value");
        redactor.learn(b"abc");
        redactor
    }

    #[test]
    fn a_known_value_is_left_out_wherever_it_is() {
        let text = knowing().text("key=s3cr3t-value; base64 czNjcjN0LXZhbHVl abc\n");
        assert_eq!(text, "key=REDACTED; base64 REDACTED abc\n");
    }

    #[test]
    fn tokens_are_left_out_by_their_look() {
        let redactor = Redactor::default();
        let token = format!("eyJhbGciOi.{}.sig", "x".repeat(30));
        assert_eq!(redactor.text(&format!("token \"{token}\", done")), "token \"REDACTED\", done");
        assert_eq!(
            redactor.text("Authorization: Bearer abcdef\nnext"),
            "Authorization: Bearer REDACTED\nnext"
        );
        assert_eq!(
            redactor.text("GET http://s3/b?X-Amz-Signature=0a1b&x=1"),
            "GET http://s3/b?X-Amz-Signature=REDACTED&x=1"
        );
        assert_eq!(redactor.text("12 objects, 3.4 MB"), "12 objects, 3.4 MB");
    }

    #[test]
    fn a_secret_keeps_its_keys_and_loses_its_values() {
        let secret = json!({"kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "x"},
            "metadata": {"name": "s", "managedFields": [], "annotations":
                {"kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"a\":\"eA==\"}}"}}});
        assert_eq!(
            knowing().object(&secret),
            json!({"kind": "Secret", "data": {"a": "REDACTED"}, "stringData": {"b": "REDACTED"},
                "metadata": {"name": "s", "annotations": {}}})
        );
    }

    #[test]
    fn environment_variables_are_judged_by_their_name_and_names_of_secrets_stay() {
        let pod = json!({"kind": "Pod", "spec": {"env": [
            {"name": "DB_PASSWORD", "value": "x"}, {"name": "MODE", "value": "fast"},
            {"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": {"secretKeyRef": {"name": "minio", "key": "k"}}}],
            "volumes": [{"secret": {"secretName": "minio"}}]}});
        let redacted = knowing().object(&pod);
        assert_eq!(redacted["spec"]["env"][0]["value"], "REDACTED");
        assert_eq!(redacted["spec"]["env"][1]["value"], "fast");
        assert_eq!(redacted["spec"]["env"][2]["valueFrom"]["secretKeyRef"]["name"], "minio");
        assert_eq!(redacted["spec"]["volumes"][0]["secret"]["secretName"], "minio");
    }
}
