//! What stands for a snapshot, or for something in one, on a command line.

use std::str::FromStr;

use crate::failure::Failure;

/// `[NAMESPACE/]SNAP[:PATH | :KIND | :KIND/NAME]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where the Snapshot is; none, it is where the command is.
    pub namespace: Option<String>,
    /// A name, its beginning or that of a restic id, `latest`, `latest~2`.
    pub snapshot: String,
    /// What is meant in it; none, everything is.
    pub inside: Option<Inside>,
}

/// A place in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A path below the root of the manifests, without slashes around it; empty for the root.
    Path(String),
    /// Objects.
    Objects(Objects),
}

/// Objects of a kind, or one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objects {
    /// As a person types it: `deploy`, `Deployment`, `deployments.apps`.
    pub kind: String,
    pub name: Option<String>,
}

/// What the manifests of a snapshot lie below, as KubeStash has it.
pub const ROOT: &str = "kubestash-tmp/manifest";

impl FromStr for Address {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let malformed = |why: &str| {
            Failure::usage(format!("\"{text}\" stands for no snapshot")).why(why).fix(
                "SNAP, SNAP:deploy/orders, SNAP:/path, or NAMESPACE/SNAP; SNAP may be latest, or latest~2",
            )
        };
        let (snapshot, inside) = match text.split_once(':') {
            None => (text, None),
            Some((snapshot, inside)) => (snapshot, Some(inside)),
        };
        let (namespace, snapshot) = match snapshot.split_once('/') {
            None => (None, snapshot),
            Some((namespace, snapshot)) => (Some(namespace.to_owned()), snapshot),
        };
        if snapshot.is_empty() || snapshot.contains('/') || namespace.as_deref() == Some("") {
            return Err(malformed("its name is missing, or holds more than one slash"));
        }
        let inside = match inside {
            None | Some("") => None,
            Some(path) if path.starts_with('/') => {
                Some(Inside::Path(path_of(path).ok_or_else(|| malformed("a path holds neither . nor .."))?))
            }
            Some(objects) => Some(Inside::Objects(objects.parse()?)),
        };
        Ok(Self { namespace, snapshot: snapshot.to_owned(), inside })
    }
}

impl FromStr for Objects {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let (kind, name) = match text.split_once('/') {
            None => (text, None),
            Some((kind, name)) => (kind, Some(name.to_owned())),
        };
        let is_name = |name: &String| !name.is_empty() && !name.contains('/');
        if kind.is_empty() || !name.as_ref().is_none_or(is_name) {
            return Err(Failure::usage(format!("\"{text}\" is no KIND and no KIND/NAME"))
                .fix("for example deploy, deploy/orders, or configmaps"));
        }
        Ok(Self { kind: kind.to_owned(), name })
    }
}

/// Several words, in each of which commas may divide kinds, as kubectl has it: `deploy,svc`.
pub fn objects(words: &[String]) -> Result<Vec<Objects>, Failure> {
    let divided = words.iter().flat_map(|word| word.split(',').filter(|part| !part.is_empty()));
    divided.map(str::parse).collect()
}

/// A path below the root, whether it was typed with the root or without.
fn path_of(typed: &str) -> Option<String> {
    let parts: Vec<&str> = typed.split('/').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| matches!(*part, "." | "..")) {
        return None;
    }
    let path = parts.join("/");
    let below = path.strip_prefix(ROOT).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    Some(below.map_or(path.as_str(), |rest| rest.trim_start_matches('/')).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(namespace: Option<&str>, snapshot: &str, inside: Option<Inside>) -> Address {
        Address { namespace: namespace.map(str::to_owned), snapshot: snapshot.to_owned(), inside }
    }

    #[test]
    fn a_snapshot_and_what_is_in_it_have_an_address() {
        let path = |path: &str| Some(Inside::Path(path.to_owned()));
        let objects = |kind: &str, name: Option<&str>| {
            Some(Inside::Objects(Objects { kind: kind.to_owned(), name: name.map(str::to_owned) }))
        };
        for (text, expected) in [
            ("latest", address(None, "latest", None)),
            ("latest~2:", address(None, "latest~2", None)),
            ("backups/latest", address(Some("backups"), "latest", None)),
            ("latest:/", address(None, "latest", path(""))),
            ("latest:/pods/", address(None, "latest", path("pods"))),
            ("latest:/kubestash-tmp/manifest/pods", address(None, "latest", path("pods"))),
            ("latest:/kubestash-tmp/manifest", address(None, "latest", path(""))),
            ("latest:/kubestash-tmp/manifests", address(None, "latest", path("kubestash-tmp/manifests"))),
            ("latest:deploy", address(None, "latest", objects("deploy", None))),
            ("a/b:deploy/x:y", address(Some("a"), "b", objects("deploy", Some("x:y")))),
        ] {
            assert_eq!(text.parse::<Address>().unwrap(), expected, "{text}");
        }
        for text in ["", ":deploy", "/latest", "a/b/c", "latest:/a/../b", "latest:deploy/", "latest:/./x"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
