//! Stock restic: the judge of what we wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::environment::Environment;

/// One restic program looking at one repository in the test bucket.
#[derive(Clone, Debug)]
pub struct Restic {
    program: PathBuf,
    repository: String,
    password: String,
    access_key: String,
    secret_key: String,
}

impl Restic {
    /// The newest restic on the repository at `path` within the bucket, for example
    /// `story/orders/repository/v1/nightly/manifest`.
    #[must_use]
    pub fn new(environment: &Environment, path: &str, password: &str) -> Self {
        Self {
            program: environment.restic.clone(),
            repository: format!("s3:{}/{}/{path}", environment.s3_host_endpoint, environment.bucket),
            password: password.to_owned(),
            access_key: environment.access_key.clone(),
            secret_key: environment.secret_key.clone(),
        }
    }

    /// The same repository seen by restic 0.14.
    #[must_use]
    pub fn old(&self, environment: &Environment) -> Self {
        Self { program: environment.restic_old.clone(), ..self.clone() }
    }

    /// Runs restic and returns exit code, standard output and standard error.
    ///
    /// # Panics
    /// When restic cannot be started.
    pub async fn try_run(&self, arguments: &[&str]) -> (i32, Vec<u8>, String) {
        self.try_run_in(Path::new("/"), arguments).await
    }

    async fn try_run_in(&self, folder: &Path, arguments: &[&str]) -> (i32, Vec<u8>, String) {
        let output = Command::new(&self.program)
            .args(["--no-cache", "--repo", &self.repository])
            .args(arguments)
            .current_dir(folder)
            .env("RESTIC_PASSWORD", &self.password)
            .env("AWS_ACCESS_KEY_ID", &self.access_key)
            .env("AWS_SECRET_ACCESS_KEY", &self.secret_key)
            .output()
            .await
            .expect("restic runs");
        (
            output.status.code().unwrap_or(-1),
            output.stdout,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    /// Runs restic, which must succeed, and returns its standard output.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let (code, stdout, stderr) = self.try_run(arguments).await;
        assert_eq!(code, 0, "restic {arguments:?} on {}: {stderr}", self.repository);
        stdout
    }

    /// `restic check --read-data`.
    ///
    /// # Panics
    /// When it finds anything wrong.
    pub async fn check(&self) {
        let said = String::from_utf8_lossy(&self.run(&["check", "--read-data"]).await).into_owned();
        assert!(said.contains("no errors were found"), "{said}");
    }

    /// The ids of all restic snapshots, oldest first.
    ///
    /// # Panics
    /// When restic fails.
    pub async fn snapshot_ids(&self) -> Vec<String> {
        let listed: Vec<serde_json::Value> =
            serde_json::from_slice(&self.run(&["snapshots", "--json"]).await).expect("restic prints JSON");
        listed.iter().filter_map(|snapshot| snapshot["id"].as_str().map(str::to_owned)).collect()
    }

    /// Writes a snapshot of what is in `folder`, as if it lay at the root of the machine, and returns its id.
    ///
    /// # Panics
    /// When restic fails.
    pub async fn write(&self, folder: &Path) -> String {
        let (code, stdout, stderr) = self.try_run_in(folder, &["backup", "--json", "kubestash-tmp"]).await;
        assert_eq!(code, 0, "restic backup: {stderr}");
        let said = String::from_utf8_lossy(&stdout).into_owned();
        let summary = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let id = summary.filter_map(|line| line["snapshot_id"].as_str().map(str::to_owned)).next_back();
        id.expect("restic tells the id of what it wrote")
    }

    /// Every file of a snapshot below its root, as `restic restore` writes it: path relative to
    /// `/kubestash-tmp/manifest` -> content.
    ///
    /// # Panics
    /// When restic fails.
    pub async fn files(&self, snapshot: &str) -> BTreeMap<String, Vec<u8>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().to_string_lossy().into_owned();
        self.run(&["restore", snapshot, "--target", &target]).await;
        let mut files = BTreeMap::new();
        read_files(&folder.path().join("kubestash-tmp/manifest"), "", &mut files);
        files
    }
}

fn read_files(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_files(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, std::fs::read(entry.path()).expect("a readable file"));
        }
    }
}
