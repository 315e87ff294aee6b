//! `completion`: a script that completes verbs and flags in a shell.

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::failure::Failure;
use crate::streams::Streams;

/// Which shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum For {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// Print a completion script, for example:  source <(kubectl-kubestash completion bash)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to complete in
    shell: For,
}

impl Args {
    /// Prints the script.
    pub fn run(self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        streams.results.write_all(&script(self.shell))?;
        Ok(())
    }
}

/// The script for a shell. It completes the binary's own name; `kubectl` has its own way to ask plugins.
fn script(shell: For) -> Vec<u8> {
    let shell = match shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
        For::Powershell => Shell::PowerShell,
    };
    let mut script = Vec::new();
    generate(shell, &mut Cli::command().bin_name("kubectl-kubestash"), "kubectl-kubestash", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_verbs() {
        for shell in For::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            assert!(script.contains("completion") && script.contains("kubectl-kubestash"), "{shell:?}");
        }
    }
}
