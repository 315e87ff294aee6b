//! `completion`: a script that completes verbs and flags in a shell, and the shim by which kubectl completes names of
//! objects too.

pub mod shim;

use std::path::PathBuf;

use clap::ValueEnum;
use clap_complete::{Shell, generate};

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// Which shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum For {
    Bash,
    Zsh,
    Fish,
    Powershell,
    /// The shim that kubectl looks for: TAB after  kubectl kubestash
    Kubectl,
}

/// Print a completion script, for example:  source <(kubectl-kubestash completion bash)
///
/// With kubectl: print the shim by which kubectl's own completion completes verbs, flags and names of objects after
/// kubectl kubestash; --install puts it beside the plugin. Names come from the cluster within a second, or not at all;
/// KUBESTASH_COMPLETION_TIMEOUT=3s waits longer.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to complete in, or kubectl
    shell: For,
    /// Write kubectl's shim instead of printing it
    #[arg(long)]
    install: bool,
    /// Remove kubectl's shim
    #[arg(long, conflicts_with = "install")]
    uninstall: bool,
    /// Where the shim is; the default is beside the plugin, on PATH
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Args {
    /// Prints the script, or installs or removes the shim.
    pub fn run(
        self,
        tree: clap::Command,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        let moves = self.install || self.uninstall;
        if moves && self.shell != For::Kubectl {
            return Err(Failure::usage("--install and --uninstall are for kubectl's shim only")
                .fix("kubectl kubestash completion kubectl --install"));
        }
        if moves {
            return shim::place(&context.environment, self.dir, self.install, streams);
        }
        streams.results.write_all(&script(self.shell, tree))?;
        Ok(())
    }
}

/// The script for a shell. It completes the binary's own name; `kubectl` has its own way to ask plugins.
fn script(shell: For, tree: clap::Command) -> Vec<u8> {
    let shell = match shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
        For::Powershell => Shell::PowerShell,
        For::Kubectl => return shim::TEXT.as_bytes().to_vec(),
    };
    let mut script = Vec::new();
    generate(shell, &mut tree.bin_name("kubectl-kubestash"), "kubectl-kubestash", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_verbs() {
        for shell in For::value_variants().iter().filter(|shell| **shell != For::Kubectl) {
            let script = String::from_utf8(script(*shell, crate::cli::Cli::command())).unwrap();
            assert!(script.contains("completion") && script.contains("kubectl-kubestash"), "{shell:?}");
        }
    }
}
