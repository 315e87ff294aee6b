//! The grammar of single parameters.

use std::collections::BTreeMap;

use serde_json::Value;
use snafu::ensure;

use super::{Error, Patch, UnreadableSnafu};
use crate::manifest::path::Key;
use crate::scope::Given;

/// `type/name` or `namespace/type/name`, each.
pub fn objects(given: &Given<'_>) -> Result<Vec<Key>, Error> {
    let name = "Objects";
    let mut keys = Vec::new();
    for item in given.list(name)? {
        let (namespace, group_resource, object) = match item.split('/').collect::<Vec<_>>()[..] {
            [group_resource, object] => (None, group_resource, object),
            [namespace, group_resource, object] => (Some(namespace.to_owned()), group_resource, object),
            _ => {
                let reason = format!("{item:?} is neither type/name nor namespace/type/name");
                return UnreadableSnafu { name, reason }.fail();
            }
        };
        let key = Key { group_resource: group_resource.to_owned(), namespace, name: object.to_owned() };
        key.path().map_err(|error| Error::Unreadable { name, reason: error.to_string() })?;
        keys.push(key);
    }
    Ok(keys)
}

/// `old=new`, each; nothing twice.
pub fn mapping(given: &Given<'_>, name: &'static str) -> Result<BTreeMap<String, String>, Error> {
    let mut mapped = BTreeMap::new();
    for item in given.list(name)? {
        let parts = item.split_once('=').map(|(old, new)| (old.trim(), new.trim()));
        let usable = |(old, new): &(&str, &str)| !old.is_empty() && !new.is_empty() && !new.contains('=');
        let Some((old, new)) = parts.filter(usable) else {
            return UnreadableSnafu { name, reason: format!("{item:?} is not of the form old=new") }.fail();
        };
        let before = mapped.insert(old.to_owned(), new.to_owned());
        ensure!(before.is_none(), UnreadableSnafu { name, reason: format!("{old:?} is mapped twice") });
    }
    Ok(mapped)
}

/// Names of namespaces; no two become one, because their objects would.
pub fn namespaces(given: &Given<'_>) -> Result<BTreeMap<String, String>, Error> {
    let name = "NamespaceMappings";
    let mapped = mapping(given, name)?;
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (old, new) in &mapped {
        for namespace in [old, new] {
            let reason = || format!("{namespace:?} is not the name of a namespace");
            ensure!(is_dns_label(namespace), UnreadableSnafu { name, reason: reason() });
        }
        if let Some(other) = taken.insert(new, old) {
            let reason = format!("{other:?} and {old:?} would both become {new:?}");
            return UnreadableSnafu { name, reason }.fail();
        }
    }
    Ok(mapped)
}

/// Beginnings of image names, without a `/` at their end.
pub fn registries(given: &Given<'_>) -> Result<BTreeMap<String, String>, Error> {
    let name = "ImageRegistryMappings";
    let mut trimmed = BTreeMap::new();
    for (old, new) in mapping(given, name)? {
        let (bare_old, bare_new) = (old.trim_end_matches('/'), new.trim_end_matches('/'));
        let usable = !bare_old.is_empty() && !bare_new.is_empty();
        let reason = || format!("{:?} is not of the form old=new", format!("{old}={new}"));
        ensure!(usable, UnreadableSnafu { name, reason: reason() });
        let before = trimmed.insert(bare_old.to_owned(), bare_new.to_owned());
        ensure!(before.is_none(), UnreadableSnafu { name, reason: format!("{bare_old:?} is mapped twice") });
    }
    Ok(trimmed)
}

/// `key=value`, each; a value may be empty.
pub fn labels(given: &Given<'_>) -> Result<BTreeMap<String, String>, Error> {
    let name = "AddLabels";
    let mut labels = BTreeMap::new();
    for item in given.list(name)? {
        let Some((key, value)) = item.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
            return UnreadableSnafu { name, reason: format!("{item:?} is not of the form key=value") }.fail();
        };
        let (key, value) = (key.trim(), value.trim());
        ensure!(is_label_key(key), UnreadableSnafu { name, reason: format!("{key:?} is not a label") });
        let is_value = value.is_empty() || is_label_part(value);
        let reason = || format!("{value:?} is not the value of a label");
        ensure!(is_value, UnreadableSnafu { name, reason: reason() });
        let before = labels.insert(key.to_owned(), value.to_owned());
        ensure!(before.is_none(), UnreadableSnafu { name, reason: format!("{key:?} is given twice") });
    }
    Ok(labels)
}

/// A JSON list of patches, each of a form that can be applied.
pub fn patches(given: &Given<'_>) -> Result<Vec<Patch>, Error> {
    let name = "Patches";
    let unreadable = |reason: String| Error::Unreadable { name, reason };
    let Some(text) = given.text(name) else { return Ok(Vec::new()) };
    let patches: Vec<Patch> = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    for (index, Patch { target, patch }) in patches.iter().enumerate() {
        let number = index + 1;
        let reason = || format!("patch {number} does not name a resource");
        ensure!(!target.resource.is_empty(), UnreadableSnafu { name, reason: reason() });
        match patch {
            Value::Object(_) => {}
            Value::Array(_) => {
                serde_json::from_value::<json_patch::Patch>(patch.clone())
                    .map_err(|error| unreadable(format!("patch {number}: {error}")))?;
            }
            _ => return Err(unreadable(format!("patch {number} is neither a list nor an object"))),
        }
    }
    Ok(patches)
}

/// How many rounds, if it is said.
pub fn rounds(given: &Given<'_>) -> Result<Option<u32>, Error> {
    let name = "MaxIterations";
    let Some(text) = given.text(name) else { return Ok(None) };
    match text.parse() {
        Ok(rounds @ 1..=100) => Ok(Some(rounds)),
        _ => UnreadableSnafu { name, reason: format!("it is {text:?}, expected a number from 1 to 100") }
            .fail(),
    }
}

/// A plan, if one is named.
pub fn plan(given: &Given<'_>) -> Result<Option<String>, Error> {
    let name = "PlanID";
    let Some(text) = given.text(name) else { return Ok(None) };
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let reason = || format!("it is {text:?}, a plan has 16 hexadecimal digits");
    ensure!(text.len() == 16 && text.bytes().all(is_digit), UnreadableSnafu { name, reason: reason() });
    Ok(Some(text.to_owned()))
}

/// RFC 1123: what the name of a namespace is.
fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    text.len() <= 63
        && text.bytes().all(inner)
        && !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// `name` or `prefix/name`, as Kubernetes has it for labels.
fn is_label_key(text: &str) -> bool {
    let is_prefix = |prefix: &str| prefix.len() <= 253 && prefix.split('.').all(is_dns_label);
    match text.split_once('/') {
        None => is_label_part(text),
        Some((prefix, name)) => is_prefix(prefix) && is_label_part(name),
    }
}

fn is_label_part(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 63 && text.bytes().all(inner) && ends(text.bytes().next()) && ends(text.bytes().last())
}
