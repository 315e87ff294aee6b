//! Programs that judge what we write: stock restic, and an S3 server.
//!
//! Each is found by its variable (`KUBESTASH_RESTIC`, `KUBESTASH_RESTIC_OLD`, `KUBESTASH_VERSITYGW`), else in the cache
//! of `tests/cluster`. Where one is missing its tests say so and pass, unless `KUBESTASH_TEST_REQUIRE` names it
//! (`restic,restic-old,versitygw`): `make test` sets that, so that nothing is left out unseen.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The programs `names`, or none at all if one of them is missing.
pub fn find<const COUNT: usize>(names: [&str; COUNT]) -> Option<[PathBuf; COUNT]> {
    let mut found = Vec::new();
    for name in names {
        if let Some(program) = find_one(name) {
            found.push(program);
            continue;
        }
        let required = variable("KUBESTASH_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|required| required == name),
            "{name} is required and was not found"
        );
        println!("{name} was not found: this test was left out");
        return None;
    }
    found.try_into().ok()
}

fn find_one(name: &str) -> Option<PathBuf> {
    let key = format!("KUBESTASH_{}", name.to_uppercase().replace('-', "_"));
    if let Some(path) = variable(&key) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "{key} does not name a program");
        return Some(path);
    }
    let cache = variable("KUBESTASH_CACHE").map_or_else(
        || variable("HOME").map(|home| Path::new(&home).join(".cache/kubestash")),
        |cache| Some(cache.into()),
    );
    let folders = std::fs::read_dir(cache?.join("tools").join(name)).ok()?;
    let programs = folders.filter_map(|folder| Some(folder.ok()?.path().join(name)));
    programs.filter(|program| program.is_file()).max()
}

#[expect(clippy::disallowed_methods, reason = "this is where these tests are configured")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// restic on one repository.
pub struct Restic {
    pub program: PathBuf,
    pub repository: String,
    pub environment: Vec<(&'static str, String)>,
}

impl Restic {
    /// restic with the password of these tests, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--no-cache", "--repo", &self.repository]).args(arguments);
        command.env("RESTIC_PASSWORD", "secret");
        command.envs(self.environment.iter().map(|(key, value)| (*key, value)));
        command
    }

    /// Runs restic to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs restic, which must succeed, and returns its standard output.
    pub fn expect(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "restic {arguments:?}: {errors}{told}");
        told
    }
}
