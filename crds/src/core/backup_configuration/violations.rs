//! What is wrong with a BackupConfiguration by itself, all at once and with the values in it (contract §10 V2 to
//! V13, and what [`rules`](super::rules) cannot say). Cron lines are read where schedules are ([`crate::schedule`]).

use std::collections::{BTreeMap, BTreeSet};

use super::{BackupConfiguration, BackupConfigurationSpec, Session};
use crate::duration;
use crate::name;
use crate::violation::Violation;

/// Where a repository stands: its path in the object, its name, backend and directory.
struct Place<'a> {
    path: String,
    name: &'a str,
    backend: &'a str,
    directory: &'a str,
}

impl BackupConfiguration {
    /// Everything that must be corrected before a backup can run, as far as the object itself tells; in the order of
    /// the fields.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Found::default();
        found.in_backends(&self.spec);
        found.in_sessions(&self.spec);
        found.in_places(&self.spec);
        found.0
    }
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Violation { path: path.into(), problem: problem.into() });
    }

    fn twice<'a>(&mut self, list: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeMap::new();
        for (index, name) in names.enumerate() {
            let first = *seen.entry(name).or_insert(index);
            if first != index {
                self.add(
                    format!("{list}[{index}].name"),
                    format!("\"{name}\" is the name of {list}[{first}] too"),
                );
            }
        }
    }

    fn in_backends(&mut self, spec: &BackupConfigurationSpec) {
        self.twice("spec.backends", spec.backends.iter().map(|backend| backend.name.as_str()));
        for (index, backend) in spec.backends.iter().enumerate() {
            if backend.storage_ref.as_ref().is_none_or(|storage| storage.name.is_empty()) {
                self.add(
                    format!("spec.backends[{index}].storageRef"),
                    "is missing: name the BackupStorage to use",
                );
            }
        }
    }

    fn in_sessions(&mut self, spec: &BackupConfigurationSpec) {
        if spec.sessions.is_empty() {
            self.add("spec.sessions", "is empty: add at least one session");
        }
        let names = spec.sessions.iter().map(|session| session.name.as_str());
        self.twice("spec.sessions", names.filter(|name| !name.is_empty()));
        for (index, session) in spec.sessions.iter().enumerate() {
            self.in_session(&format!("spec.sessions[{index}]"), session);
        }
    }

    fn in_session(&mut self, path: &str, session: &Session) {
        if session.name.is_empty() {
            self.add(format!("{path}.name"), "is missing: give the session a name");
        }
        if session.scheduler.is_none() {
            self.add(format!("{path}.scheduler"), "is missing: add schedule, a cron line");
        }
        self.in_addon(path, session);
        self.in_durations(path, session);
        if session.repositories.is_empty() {
            self.add(format!("{path}.repositories"), "is empty: add at least one repository");
        }
        let names = session.repositories.iter().map(|repository| repository.name.as_str());
        self.twice(&format!("{path}.repositories"), names);
    }

    fn in_addon(&mut self, path: &str, session: &Session) {
        let Some(addon) = &session.addon else {
            self.add(format!("{path}.addon"), "is missing: name the Addon that makes the backup");
            return;
        };
        if addon.name.is_empty() {
            self.add(format!("{path}.addon.name"), "is missing: name the Addon that makes the backup");
        }
        if addon.tasks.is_empty() {
            self.add(format!("{path}.addon.tasks"), "is empty: name at least one task of the Addon");
        }
        for (index, _) in addon.tasks.iter().enumerate().filter(|(_, task)| task.name.is_empty()) {
            self.add(format!("{path}.addon.tasks[{index}].name"), "is missing: name a task of the Addon");
        }
    }

    fn in_durations(&mut self, path: &str, session: &Session) {
        let delay = session.retry_config.as_ref().and_then(|retry| retry.delay.as_deref());
        let mut durations = vec![
            (format!("{path}.backupTimeout"), session.backup_timeout.as_deref()),
            (format!("{path}.retryConfig.delay"), delay),
        ];
        if let Some(hooks) = &session.hooks {
            for (list, hooks) in [("preBackup", &hooks.pre_backup), ("postBackup", &hooks.post_backup)] {
                durations.extend(hooks.iter().enumerate().map(|(index, hook)| {
                    (format!("{path}.hooks.{list}[{index}].timeout"), hook.timeout.as_deref())
                }));
            }
        }
        for (path, text) in durations {
            match text.filter(|text| !text.is_empty()).map(duration::parse) {
                Some(Ok(duration)) if duration.is_negative() => self.add(path, "must not be negative"),
                None | Some(Ok(_)) => {}
                Some(Err(error)) => self.add(path, error.to_string()),
            }
        }
    }

    fn in_places(&mut self, spec: &BackupConfigurationSpec) {
        let places: Vec<_> = places(spec).collect();
        for place in &places {
            self.in_place(place, spec);
        }
        for (index, place) in places.iter().enumerate() {
            let earlier = &places[..index];
            if let Some(other) = earlier.iter().find(|other| place.takes_directory_of(other)) {
                let problem = format!(
                    "\"{}\" is the directory of repository \"{}\" in backend \"{}\" ({}) too; choose another",
                    place.directory, other.name, other.backend, other.path
                );
                self.add(format!("{}.directory", place.path), problem);
            } else if let Some(other) = earlier.iter().find(|other| place.moves(other)) {
                let problem = format!(
                    "repository \"{}\" is in directory \"{}\" of backend \"{}\" ({}) already; a repository has one \
                     place, so choose another name or the same place",
                    place.name, other.directory, other.backend, other.path
                );
                self.add(format!("{}.name", place.path), problem);
            }
        }
    }

    fn in_place(&mut self, place: &Place, spec: &BackupConfigurationSpec) {
        if place.name.is_empty() {
            self.add(format!("{}.name", place.path), "is missing: name the Repository to back up into");
        }
        let backends: BTreeSet<_> = spec.backends.iter().map(|backend| backend.name.as_str()).collect();
        let default = place.backend.is_empty() && backends.is_empty();
        if !default && !backends.contains(place.backend) {
            let known = backends.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            let problem = match (place.backend, known.as_str()) {
                ("", known) => format!("is missing: name one of spec.backends ({known})"),
                (backend, "") => {
                    format!("\"{backend}\" is not in spec.backends, which is empty: add it there")
                }
                (backend, known) => format!("\"{backend}\" is not in spec.backends ({known})"),
            };
            self.add(format!("{}.backend", place.path), problem);
        }
        if name::directory(place.directory).is_empty() {
            let problem = "is missing: name the directory of the storage that keeps this repository";
            self.add(format!("{}.directory", place.path), problem);
        }
        if place.directory.split('/').any(|segment| matches!(segment, "." | "..")) {
            self.add(format!("{}.directory", place.path), "must not contain \".\" or \"..\" as a segment");
        }
    }
}

impl Place<'_> {
    fn same_directory(&self, other: &Self) -> bool {
        let directory = name::directory(self.directory);
        !directory.is_empty() && directory == name::directory(other.directory)
    }

    /// V13; directories are compared without superfluous slashes (contract §13 A8).
    fn takes_directory_of(&self, other: &Self) -> bool {
        self.same_directory(other) && (self.name != other.name || self.backend != other.backend)
    }

    /// Whether two sessions put one repository in two places.
    fn moves(&self, other: &Self) -> bool {
        !self.name.is_empty()
            && self.name == other.name
            && (self.backend != other.backend || !self.same_directory(other))
    }
}

fn places(spec: &BackupConfigurationSpec) -> impl Iterator<Item = Place<'_>> {
    spec.sessions.iter().enumerate().flat_map(|(session_index, session)| {
        session.repositories.iter().enumerate().map(move |(index, repository)| Place {
            path: format!("spec.sessions[{session_index}].repositories[{index}]"),
            name: &repository.name,
            backend: &repository.backend,
            directory: &repository.directory,
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::core::BackupConfiguration;

    type Change = fn(&mut Value);

    /// What is wrong with a sound configuration after a change to its spec.
    fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut spec = json!({
            "backends": [
                {"name": "s3", "storageRef": {"name": "s3-storage"}},
                {"name": "gcs", "storageRef": {"name": "gcs-storage"}},
            ],
            "sessions": [session("frequent", "a", "/a"), session("nightly", "b", "/b")],
        });
        change(&mut spec);
        let configuration: BackupConfiguration =
            serde_json::from_value(json!({"metadata": {"name": "bk"}, "spec": spec})).unwrap();
        configuration.violations().iter().map(ToString::to_string).collect()
    }

    fn session(name: &str, repository: &str, directory: &str) -> Value {
        json!({
            "name": name,
            "scheduler": {"schedule": "0 2 * * *"},
            "addon": {"name": "kubedump-addon", "tasks": [{"name": "manifest-backup"}]},
            "repositories": [{"name": repository, "backend": "s3", "directory": directory}],
        })
    }

    #[test]
    fn a_sound_configuration_has_none() {
        assert_eq!(after(|_| ()), Vec::<String>::new());
        let same_place = after(|spec| spec["sessions"][1] = session("nightly", "a", "a/"));
        assert_eq!(same_place, Vec::<String>::new(), "sessions may share a repository");
        let default_storage = after(|spec| {
            spec["backends"] = json!([]);
            for session in spec["sessions"].as_array_mut().unwrap() {
                session["repositories"][0].as_object_mut().unwrap().remove("backend");
            }
        });
        assert_eq!(default_storage, Vec::<String>::new(), "without backends the default storage is meant");
    }

    const TABLE: &[(Change, &str)] = &[
        (
            |spec| spec["backends"][1]["name"] = json!("s3"),
            "spec.backends[1].name: \"s3\" is the name of spec.backends[0] too",
        ),
        (
            |spec| spec["backends"][0]["storageRef"] = json!(null),
            "spec.backends[0].storageRef: is missing: name the BackupStorage to use",
        ),
        (|spec| spec["sessions"] = json!([]), "spec.sessions: is empty: add at least one session"),
        (
            |spec| spec["sessions"][1]["name"] = json!("frequent"),
            "spec.sessions[1].name: \"frequent\" is the name of spec.sessions[0] too",
        ),
        (
            |spec| spec["sessions"][1]["name"] = json!(""),
            "spec.sessions[1].name: is missing: give the session a name",
        ),
        (
            |spec| spec["sessions"][0]["scheduler"] = json!(null),
            "spec.sessions[0].scheduler: is missing: add schedule, a cron line",
        ),
        (
            |spec| spec["sessions"][0]["addon"] = json!(null),
            "spec.sessions[0].addon: is missing: name the Addon that makes the backup",
        ),
        (
            |spec| spec["sessions"][0]["addon"]["name"] = json!(""),
            "spec.sessions[0].addon.name: is missing: name the Addon that makes the backup",
        ),
        (
            |spec| spec["sessions"][0]["addon"]["tasks"] = json!([]),
            "spec.sessions[0].addon.tasks: is empty: name at least one task of the Addon",
        ),
        (
            |spec| spec["sessions"][0]["addon"]["tasks"][0]["name"] = json!(""),
            "spec.sessions[0].addon.tasks[0].name: is missing: name a task of the Addon",
        ),
        (
            |spec| spec["sessions"][0]["repositories"] = json!([]),
            "spec.sessions[0].repositories: is empty: add at least one repository",
        ),
        (
            |spec| spec["sessions"][0]["repositories"][0]["name"] = json!(""),
            "spec.sessions[0].repositories[0].name: is missing: name the Repository to back up into",
        ),
        (
            |spec| spec["sessions"][0]["repositories"][0]["directory"] = json!("/"),
            "spec.sessions[0].repositories[0].directory: is missing: name the directory of the storage that keeps this repository",
        ),
        (
            |spec| spec["sessions"][0]["repositories"][0]["directory"] = json!("a/../b2"),
            "spec.sessions[0].repositories[0].directory: must not contain \".\" or \"..\" as a segment",
        ),
        (
            |spec| spec["sessions"][0]["repositories"][0]["backend"] = json!("azure"),
            "spec.sessions[0].repositories[0].backend: \"azure\" is not in spec.backends (\"gcs\", \"s3\")",
        ),
        (
            |spec| spec["sessions"][0]["repositories"][0]["backend"] = json!(""),
            "spec.sessions[0].repositories[0].backend: is missing: name one of spec.backends (\"gcs\", \"s3\")",
        ),
        (
            |spec| spec["sessions"][0]["backupTimeout"] = json!("-5m"),
            "spec.sessions[0].backupTimeout: must not be negative",
        ),
        (
            |spec| spec["sessions"][0]["retryConfig"] = json!({"delay": "5 minutes"}),
            "spec.sessions[0].retryConfig.delay: failed to read the duration \"5 minutes\": expected numbers with units h, m, s, ms, us or ns, for example 1h30m",
        ),
        (
            |spec| spec["sessions"][0]["hooks"] = json!({"postBackup": [{"timeout": "1d"}]}),
            "spec.sessions[0].hooks.postBackup[0].timeout: failed to read the duration \"1d\": expected numbers with units h, m, s, ms, us or ns, for example 1h30m",
        ),
        (
            |spec| spec["sessions"][1]["repositories"][0]["directory"] = json!("a/"),
            "spec.sessions[1].repositories[0].directory: \"a/\" is the directory of repository \"a\" in backend \"s3\" (spec.sessions[0].repositories[0]) too; choose another",
        ),
        (
            |spec| {
                spec["sessions"][1]["repositories"][0] =
                    json!({"name": "a", "backend": "gcs", "directory": "/a"});
            },
            "spec.sessions[1].repositories[0].directory: \"/a\" is the directory of repository \"a\" in backend \"s3\" (spec.sessions[0].repositories[0]) too; choose another",
        ),
        (
            |spec| spec["sessions"][1]["repositories"][0]["name"] = json!("a"),
            "spec.sessions[1].repositories[0].name: repository \"a\" is in directory \"/a\" of backend \"s3\" (spec.sessions[0].repositories[0]) already; a repository has one place, so choose another name or the same place",
        ),
    ];

    #[test]
    fn each_violation_names_its_field_and_what_to_do() {
        for (change, expected) in TABLE {
            assert_eq!(after(*change), [*expected]);
        }
    }

    #[test]
    fn all_violations_are_told_at_once() {
        let found = after(|spec| {
            *spec = json!({"backends": [{}, {}], "sessions": [{"repositories": [{"backend": "x"}, {}]}]});
        });
        let paths: Vec<_> = found.iter().map(|line| line.split(": ").next().unwrap()).collect();
        let expected = [
            "spec.backends[1].name",
            "spec.backends[0].storageRef",
            "spec.backends[1].storageRef",
            "spec.sessions[0].name",
            "spec.sessions[0].scheduler",
            "spec.sessions[0].addon",
            "spec.sessions[0].repositories[1].name",
            "spec.sessions[0].repositories[0].name",
            "spec.sessions[0].repositories[0].backend",
            "spec.sessions[0].repositories[0].directory",
            "spec.sessions[0].repositories[1].name",
            "spec.sessions[0].repositories[1].directory",
        ];
        assert_eq!(paths, expected);
    }
}
