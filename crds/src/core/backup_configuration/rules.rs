//! What the API server checks of a BackupConfiguration: the part of contract §10 V1 to V13 that needs no other
//! object. [`violations`](super::BackupConfiguration::violations) says the same, all at once and with the values, for what was stored
//! before these rules or with backends that only the operator knows.
//!
//! Two of upstream's rules are relaxed, since upstream fills the fields in before it checks and there is nobody here
//! to do that: `spec.backends` may be empty (V1) and a backend may have no `retentionPolicy` (V3); the operator
//! looks for the defaults.

use crate::rule::Rule;

/// Most backends of a configuration.
pub const MAX_BACKENDS: u32 = 64;
/// Most sessions of a configuration.
pub const MAX_SESSIONS: u32 = 16;
/// Most repositories of a session.
pub const MAX_REPOSITORIES: u32 = 12;
/// Most tasks of a session.
pub const MAX_TASKS: u32 = 64;
/// Longest directory.
pub const MAX_DIRECTORY: u32 = 256;
/// Longest name of a backend, session or repository: these names become label values.
pub const MAX_LABEL: u32 = 63;
/// Longest name of an addon or task.
pub const MAX_NAME: u32 = 253;

/// On a list of things with names; no name is a name too.
const UNIQUE_NAMES: Rule = Rule::new(
    "self.all(i, self.exists_one(o, has(o.name) == has(i.name) && (!has(o.name) || o.name == i.name)))",
    "names must be unique: give each entry a name of its own",
);

/// On the whole object.
pub(super) const OBJECT: &[Rule] =
    &[Rule::new("has(self.spec)", "spec is missing: say what to back up, when and where to")];

/// On `spec`.
pub(super) const SPEC: &[Rule] = &[
    Rule::new(
        "has(self.sessions) && size(self.sessions) > 0",
        "sessions is empty: add at least one, with a name, scheduler, addon and repositories",
    ),
    Rule::new(
        "!has(self.sessions) || self.sessions.all(s, !has(s.repositories) || s.repositories.all(r, \
         !has(r.backend) || r.backend == '' || \
         (has(self.backends) && self.backends.exists(b, has(b.name) && b.name == r.backend))))",
        "a repository names a backend that is not in spec.backends: add it there, or correct \
         sessions[].repositories[].backend",
    ),
    Rule::new(
        "!has(self.sessions) || self.sessions.all(s, !has(s.repositories) || s.repositories.all(r, \
         !has(r.directory) || self.sessions.all(t, !has(t.repositories) || t.repositories.all(o, \
         !has(o.directory) || o.directory != r.directory || (has(o.name) == has(r.name) && \
         (!has(o.name) || o.name == r.name) && has(o.backend) == has(r.backend) && \
         (!has(o.backend) || o.backend == r.backend))))))",
        "a directory is used by two repositories, or in two backends: give each repository its own directory, also \
         across sessions and backends",
    ),
];

/// On `spec.backends`.
pub(super) const BACKENDS: &[Rule] = &[UNIQUE_NAMES];

/// On an entry of `spec.backends`.
pub(super) const BACKEND: &[Rule] =
    &[Rule::new("has(self.storageRef)", "storageRef is missing: name the BackupStorage to use")];

/// On `spec.sessions`.
pub(super) const SESSIONS: &[Rule] = &[UNIQUE_NAMES];

/// On an entry of `spec.sessions`.
pub(super) const SESSION: &[Rule] = &[
    Rule::new("has(self.name) && self.name != ''", "name is missing: give the session a name"),
    Rule::new("has(self.scheduler)", "scheduler is missing: add scheduler.schedule with a cron line"),
    Rule::new(
        "has(self.addon) && has(self.addon.name) && self.addon.name != ''",
        "addon.name is missing: name the Addon that makes the backup, for example kubedump-addon",
    ),
    Rule::new(
        "has(self.addon) && has(self.addon.tasks) && size(self.addon.tasks) > 0 && \
         self.addon.tasks.all(t, has(t.name) && t.name != '')",
        "addon.tasks needs at least one task, and every task a name, for example manifest-backup",
    ),
    Rule::new(
        "has(self.repositories) && size(self.repositories) > 0",
        "repositories is empty: add at least one, with a name and a directory",
    ),
];

/// On `spec.sessions[].repositories`.
pub(super) const REPOSITORIES: &[Rule] = &[UNIQUE_NAMES];

/// On an entry of `spec.sessions[].repositories`.
pub(super) const REPOSITORY: &[Rule] = &[
    Rule::new("has(self.name) && self.name != ''", "name is missing: name the Repository to back up into"),
    Rule::new(
        "has(self.directory) && self.directory != ''",
        "directory is missing: name the directory of the storage that keeps this repository",
    ),
];
