//! kubectl's preferences (kuberc), of which one concerns every program that reads a kubeconfig: which programs may be run
//! to get credentials. kubectl obeys it (Kubernetes 1.35, KEP-3104), and so do we; the client library does not.

use std::path::{Path, PathBuf};

use archive::manifest::codec;
use serde::Deserialize;

use crate::environment::Environment;
use crate::failure::{Code, Failure};

/// What concerns us of a `Preference`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preference {
    #[serde(default)]
    credential_plugin_policy: String,
    #[serde(default)]
    credential_plugin_allowlist: Option<Vec<Entry>>,
}

/// A program that may run: a path, or a name that is looked for in PATH.
#[derive(Clone, Debug, Deserialize)]
struct Entry {
    /// Until Kubernetes 1.35 it was called `name`.
    #[serde(alias = "name")]
    command: String,
}

/// Whether a program of a kubeconfig may be run for credentials. `explicit` is the file that `--kuberc` names.
pub fn permit(environment: &Environment, explicit: Option<&Path>, program: &str) -> Result<(), Failure> {
    let Some((path, must_exist)) = place(environment, explicit) else { return Ok(()) };
    let text = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => return Ok(()),
        read => read.map_err(|error| unusable(&path, &error.to_string()))?,
    };
    let preference: Preference = codec::decode(&text).map_err(|error| unusable(&path, &error.to_string()))?;
    let runs = |command: &str| found(environment, command);
    match preference.allows(program, &runs) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::new(
            Code::KubeconfigUnusable,
            format!("\"{program}\" may not be run for credentials"),
        )
        .why(format!(
            "{} says credentialPluginPolicy: {}",
            path.display(),
            preference.credential_plugin_policy
        ))
        .fix(format!("if you trust it:  credentialPluginPolicy: Allowlist, and  - command: {program}  in credentialPluginAllowlist"))),
        Err(why) => Err(unusable(&path, &why)),
    }
}

impl Preference {
    /// Whether a program may run; `found` tells which file a command is.
    fn allows(&self, program: &str, found: &dyn Fn(&str) -> Option<PathBuf>) -> Result<bool, String> {
        let listed = self.credential_plugin_allowlist.as_deref();
        match (self.credential_plugin_policy.as_str(), listed) {
            ("" | "AllowAll", None) => Ok(true),
            ("DenyAll", None) => Ok(false),
            ("Allowlist", Some(entries)) if !entries.is_empty() => {
                let program = found(program);
                Ok(program.is_some() && entries.iter().any(|entry| found(&entry.command) == program))
            }
            ("Allowlist", _) => {
                Err("credentialPluginPolicy Allowlist needs a credentialPluginAllowlist".into())
            }
            ("" | "AllowAll" | "DenyAll", Some(_)) => {
                Err("a credentialPluginAllowlist needs credentialPluginPolicy: Allowlist".into())
            }
            (other, _) => {
                Err(format!("credentialPluginPolicy {other} is none of AllowAll, DenyAll, Allowlist"))
            }
        }
    }
}

/// Where the preferences are, and whether they must be there; `None` where they are switched off.
fn place(environment: &Environment, explicit: Option<&Path>) -> Option<(PathBuf, bool)> {
    if let Some(path) = explicit {
        return Some((path.to_owned(), true));
    }
    if environment.variable("KUBECTL_KUBERC") == Some("false") {
        return None;
    }
    match environment.variable("KUBERC") {
        Some("off") => None,
        Some(path) => Some((path.into(), true)),
        None => {
            let home = environment.variable("HOME").or_else(|| environment.variable("USERPROFILE"))?;
            Some((Path::new(home).join(".kube/kuberc"), false))
        }
    }
}

/// Which file a command is: a path as it stands, a name where PATH has it first.
fn found(environment: &Environment, command: &str) -> Option<PathBuf> {
    let path = Path::new(command);
    if path.components().count() > 1 {
        return std::path::absolute(path).ok().filter(|path| path.is_file());
    }
    let folders = environment.variable("PATH")?;
    std::env::split_paths(folders).map(|folder| folder.join(command)).find(|file| file.is_file())
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Code::FileUnusable, format!("cannot use kubectl's preferences {}", path.display()))
        .why(why)
        .fix("correct the file, or: export KUBERC=off")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_runs_when_the_policy_says_so() {
        // PATH has the login of a cloud, and what hides behind the same name elsewhere is another program.
        let found = |command: &str| match command {
            "login" | "/bin/login" => Some(PathBuf::from("/bin/login")),
            "/tmp/login" => Some(PathBuf::from("/tmp/login")),
            _ => None,
        };
        let allows = |preference: serde_json::Value, program: &str| {
            serde_json::from_value::<Preference>(preference).unwrap().allows(program, &found)
        };
        let list = |entry: serde_json::Value| json!({"credentialPluginPolicy": "Allowlist", "credentialPluginAllowlist": [entry]});
        for (preference, program, expected) in [
            (json!({}), "login", Ok(true)),
            (json!({"credentialPluginPolicy": "AllowAll"}), "login", Ok(true)),
            (json!({"credentialPluginPolicy": "DenyAll"}), "login", Ok(false)),
            (list(json!({"command": "login"})), "login", Ok(true)),
            (list(json!({"name": "login"})), "/bin/login", Ok(true)),
            (list(json!({"command": "/bin/login"})), "login", Ok(true)),
            (list(json!({"command": "login"})), "/tmp/login", Ok(false)),
            (list(json!({"command": "missing"})), "missing", Ok(false)),
        ] {
            assert_eq!(allows(preference.clone(), program), expected, "{preference} {program}");
        }
        for wrong in [
            json!({"credentialPluginPolicy": "Allowlist"}),
            json!({"credentialPluginPolicy": "allow"}),
            json!({"credentialPluginAllowlist": [{"command": "login"}]}),
        ] {
            assert!(allows(wrong.clone(), "login").is_err(), "{wrong}");
        }
    }

    #[test]
    fn preferences_are_where_kubectl_has_them() {
        let at = |variables: &[(&str, &str)], explicit: Option<&str>| {
            let environment = Environment::scripted(variables, || Timestamp::UNIX_EPOCH);
            place(&environment, explicit.map(Path::new))
                .map(|(path, must_exist)| (path.to_string_lossy().into_owned(), must_exist))
        };
        let home = ("HOME", "/home/ann");
        assert_eq!(at(&[home], None), Some(("/home/ann/.kube/kuberc".into(), false)));
        assert_eq!(at(&[home, ("KUBERC", "/etc/kuberc")], None), Some(("/etc/kuberc".into(), true)));
        assert_eq!(at(&[home, ("KUBERC", "off")], None), None);
        assert_eq!(at(&[home, ("KUBECTL_KUBERC", "false")], None), None);
        assert_eq!(at(&[home, ("KUBERC", "off")], Some("mine")), Some(("mine".into(), true)));
    }
}
