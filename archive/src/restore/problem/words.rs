//! The words of the API server.

use kube::core::Status;

use crate::restore::verdict::ProblemKind;

/// Who said no, or could not be asked: what comes before its name, the quote that ends it, and what must be said besides.
const REFUSERS: [(&str, char, &str); 6] = [
    ("admission webhook \"", '"', ""),
    ("failed calling webhook \"", '"', ""),
    ("conversion webhook for ", ' ', ""),
    ("ValidatingAdmissionPolicy '", '\'', "denied request"),
    ("policy '", '\'', "denied request"),
    ("policy \"", '"', "denied request"),
];

/// Admission that is built in, by its words.
const BUILT_IN: [(&str, &str); 6] = [
    ("violates PodSecurity", "PodSecurity"),
    ("error looking up service account", "ServiceAccount"),
    ("no PriorityClass with name", "PriorityClass"),
    ("pod rejected: RuntimeClass", "RuntimeClass"),
    (" usage per ", "LimitRange"),
    ("Use of external IPs is denied", "DenyServiceExternalIPs"),
];

/// The webhook or policy that refused, if one did.
pub fn refuser(message: &str) -> Option<String> {
    let named = REFUSERS.iter().filter(|(.., said)| message.contains(said)).find_map(|(before, quote, _)| {
        let (_, rest) = message.split_once(before)?;
        let (name, _) = rest.split_once(*quote)?;
        Some(name.trim_end_matches(',').to_owned())
    });
    let built_in =
        || BUILT_IN.iter().find(|(words, _)| message.contains(words)).map(|(_, name)| (*name).to_owned());
    named.or_else(built_in)
}

/// A namespace on its way out takes nothing new.
pub fn is_terminating(message: &str) -> bool {
    message.contains("is being terminated")
}

/// A quota that would be exceeded, or that wants to know more.
pub fn is_quota(message: &str) -> bool {
    ["exceeded quota:", "failed quota:", "insufficient quota"].iter().any(|words| message.contains(words))
}

/// A port or address that is taken.
pub fn is_collision(message: &str) -> bool {
    ["already allocated", "already in use"].iter().any(|words| message.contains(words))
}

/// A field that can be set only when an object is made. Every type has its own words for it.
pub fn is_immutable(message: &str) -> bool {
    const WORDS: [&str; 9] = [
        "immutable",
        "cannot change",
        "can not be changed",
        "may not be changed",
        "may not be updated",
        "may not change",
        "updates to",
        "cannot be updated",
        "must not be changed",
    ];
    WORDS.iter().any(|words| message.contains(words))
}

/// Larger than etcd or the API server takes.
pub fn is_too_large(message: &str) -> bool {
    ["request is too large", "entity too large", "must have at most 1048576", "larger than max"]
        .iter()
        .any(|words| message.contains(words))
}

/// What is wrong with a Secret, without a word of the server's that may quote it: which fields, and of which sort.
pub fn without_values(status: &Status, kind: &ProblemKind) -> String {
    let what = match kind {
        ProblemKind::Refused { by } => {
            return format!("refused by {by}; its words may hold values and are left out");
        }
        ProblemKind::Immutable => "fields that cannot be changed differ",
        ProblemKind::Malformed => "it is too large or not well formed",
        ProblemKind::Collision => "it collides with another",
        ProblemKind::Unreachable => "the API server could not answer",
        _ => "the API server takes it for invalid",
    };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let fields: Vec<String> = causes
        .filter(|cause| !cause.field.is_empty())
        .map(|cause| format!("{} ({})", cause.field, cause.reason))
        .collect();
    if fields.is_empty() {
        format!("{what} ({} {})", status.code, status.reason)
    } else {
        format!("{what}: {}", fields.join(", "))
    }
}

/// A text in one line, of at most so many characters.
pub fn shortened(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}
