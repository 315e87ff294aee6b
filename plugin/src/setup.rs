//! Setting up a backup: from what was typed, through what is meant, to the objects that say so. Pure but for reading the
//! files that flags name, so that flags, answers of a wizard and an answers file all lead to the same objects.

pub mod backup;
pub mod credentials;
pub mod encryption;
pub mod file;
pub mod filters;
pub mod input;
pub mod reader;
pub mod retention;
pub mod schedule;
pub mod storage;
pub mod target;
pub mod usage_policy;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::failure::Failure;

/// Metadata of an object that this plugin makes.
#[must_use]
pub fn metadata(namespace: Option<&str>, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        labels: Some([(crds::label::MANAGED_BY.to_owned(), crds::name::manager::PLUGIN.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

/// A reference as typed, `[NAMESPACE/]NAME`, resolved against the namespace of the command.
pub fn reference(flag: &str, text: &str, namespace: &str) -> Result<(String, String), Failure> {
    let (namespace, name) = text.split_once('/').unwrap_or((namespace, text));
    if !is_name(namespace) || !is_name(name) {
        return Err(
            Failure::usage(format!("{flag} {text} names no object")).fix(format!("{flag} [NAMESPACE/]NAME"))
        );
    }
    Ok((namespace.to_owned(), name.to_owned()))
}

/// Whether a text can be an object's name: lower-case letters, digits, `-` and `.`, beginning and ending with one of the
/// first two (RFC 1123 subdomain).
#[must_use]
pub fn is_name(text: &str) -> bool {
    let inside = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 253
        && text.starts_with(inside)
        && text.ends_with(inside)
        && text.chars().all(|character| inside(character) || matches!(character, '-' | '.'))
}

/// A name made from free text: what cannot be in a name becomes `-`.
#[must_use]
pub fn name_from(text: &str) -> String {
    let replaced: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    replaced.trim_matches('-').chars().take(50).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_against_the_commands_namespace() {
        let owned = |namespace: &str, name: &str| Ok((namespace.to_owned(), name.to_owned()));
        assert_eq!(reference("--storage", "minio", "shop"), owned("shop", "minio"));
        assert_eq!(reference("--storage", "backups/minio", "shop"), owned("backups", "minio"));
        for wrong in ["", "/minio", "backups/", "Backups/minio", "a/b/c", "-a"] {
            assert!(reference("--storage", wrong, "shop").is_err(), "{wrong}");
        }
    }

    #[test]
    fn free_text_becomes_a_name() {
        for (text, name) in [("My_Bucket.2", "my-bucket-2"), ("--a--", "a"), ("", "")] {
            assert_eq!(name_from(text), name, "{text}");
        }
        assert!(is_name(&name_from(&"x-".repeat(80))));
    }
}
