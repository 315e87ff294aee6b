//! Runs the built plugin the way a person does.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::environment::Environment;

/// The built `kubectl-kubestash`, bound to the test cluster's kubeconfig.
#[derive(Clone, Debug)]
pub struct Plugin {
    binary: PathBuf,
    kubeconfig: PathBuf,
}

/// What a command said and how it ended.
#[derive(Clone, Debug)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Said {
    /// Fails the story when the command did.
    ///
    /// # Panics
    /// When it exited with anything but 0; the message holds all it said.
    pub fn assert_success(&self) {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
    }
}

impl Plugin {
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        Self {
            binary: environment.binaries.join("kubectl-kubestash"),
            kubeconfig: environment.kubeconfig.clone(),
        }
    }

    /// Runs the plugin with these arguments, nothing on standard input.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        self.run_with_input(arguments, "").await
    }

    /// Starts the plugin with these arguments; its streams are pipes.
    ///
    /// # Panics
    /// When the binary cannot be started.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Child {
        Command::new(&self.binary)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic_start(&self.binary, &error))
    }

    /// Runs the plugin with these arguments and this text on standard input.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub async fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.start(arguments);
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing closes its input early: that is its right.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await.unwrap_or_else(|error| panic_start(&self.binary, &error));
        Said {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

#[expect(clippy::panic, reason = "a story without its binary has failed")]
fn panic_start(binary: &std::path::Path, error: &std::io::Error) -> ! {
    panic!("failed to run {}: {error}", binary.display())
}
