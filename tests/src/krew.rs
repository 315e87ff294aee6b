//! The real krew, in a home of its own, with an index of its own, and what `krew/dist` makes for it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

use crate::environment::Packaging;
use crate::file_server::FileServer;
use crate::plugin::Said;

/// Somebody's computer on which krew is installed, and a web server with our releases.
pub struct Krew {
    packaging: Packaging,
    folder: TempDir,
    server: FileServer,
}

impl Krew {
    /// krew without any index.
    ///
    /// # Panics
    /// When the temporary folder cannot be filled.
    pub async fn start() -> Self {
        let packaging = Packaging::read();
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["bin", "home", "index/plugins", "releases"] {
            std::fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        std::os::unix::fs::symlink(&packaging.krew, folder.path().join("bin/kubectl-krew")).expect("a link");
        let server = FileServer::start(&folder.path().join("releases")).await;
        Self { packaging, folder, server }
    }

    /// Where krew keeps what it installs.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("krew")
    }

    /// Address of the index, a git repository.
    #[must_use]
    pub fn index(&self) -> String {
        format!("file://{}", self.folder.path().join("index").display())
    }

    /// Packs the built plugin as a release of `version` by the script that makes the real ones, and publishes it on
    /// the web server. Returns the path of the manifest.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn release(&self, version: &str) -> PathBuf {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../krew/dist");
        let script = script.to_string_lossy();
        let platform = self.run(&[&script, "--native"]).await;
        platform.assert_success();
        let output = self.folder.path().join(format!("releases/v{version}"));
        let url = format!("{}/v{version}", self.server.url());
        let binary = self.packaging.binaries.join("kubectl-kubestash");
        let (folder, binary) = (output.to_string_lossy(), binary.to_string_lossy());
        let options = ["--output", &folder, "--url", &url, "--binary", &binary, "--version", version];
        self.run(&[&[&*script][..], &options, &[platform.stdout.trim()]].concat()).await.assert_success();
        output.join("kubestash.yaml")
    }

    /// Puts this manifest into the index, as a commit.
    ///
    /// # Panics
    /// When git fails.
    pub async fn publish(&self, manifest: &Path) {
        let index = self.folder.path().join("index");
        std::fs::copy(manifest, index.join("plugins/kubestash.yaml")).expect("a copy");
        let index = index.to_string_lossy();
        self.run(&["git", "-C", &index, "init", "--quiet"]).await.assert_success();
        self.run(&["git", "-C", &index, "add", "plugins"]).await.assert_success();
        let author = ["-c", "user.name=story", "-c", "user.email=story@example.org"];
        let commit = ["-C", &*index, "commit", "--quiet", "--message", "A release"];
        self.run(&[&["git"][..], &author, &commit].concat()).await.assert_success();
    }

    /// `validate-krew-manifest`, with these flags.
    pub async fn validate(&self, flags: &[&str]) -> Said {
        let validator = self.packaging.krew.with_file_name("validate-krew-manifest");
        self.run(&[&[&*validator.to_string_lossy()][..], flags].concat()).await
    }

    /// A line typed at this computer.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub async fn run(&self, line: &[&str]) -> Said {
        let output = Command::new(line[0])
            .args(&line[1..])
            .env("PATH", self.path())
            .env("KREW_ROOT", self.root())
            // krew asks GitHub for a newer krew, sometimes.
            .env("KREW_NO_UPGRADE_CHECK", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("KUBECONFIG", "/dev/null")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap_or_else(|error| cannot_start(line[0], &error));
        Said {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// What krew installed comes first: the machine may have a plugin of its own.
    fn path(&self) -> OsString {
        let own = [self.root().join("bin"), self.folder.path().join("bin")];
        let rest = std::env::split_paths(&self.packaging.path);
        std::env::join_paths(own.into_iter().chain(rest)).expect("no colon in a temporary folder's name")
    }
}

#[expect(clippy::panic, reason = "a story without its program has failed")]
fn cannot_start(program: &str, error: &std::io::Error) -> ! {
    panic!("failed to run {program}: {error}")
}
