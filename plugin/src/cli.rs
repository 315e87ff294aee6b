//! What may be typed: the flags that every command shares, and the command tree.

use clap::Parser;

use crate::args::Global;
use crate::commands::Command;
use crate::exit;

/// Back up what your Kubernetes cluster is, watch it happen, and bring any of it back.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-kubestash",
    bin_name = "kubectl kubestash",
    after_help = exit::HELP,
    disable_version_flag = true,
    infer_long_args = false,
    propagate_version = false,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_token_is_not_in_debug_output() {
        let cli = Cli::try_parse_from(["kubectl-kubestash", "version", "--token", "s3cr3t"]).unwrap();
        assert!(!format!("{cli:?}").contains("s3cr3t"));
    }

    #[test]
    fn every_connection_flag_of_kubectl_is_accepted_after_the_verb() {
        let line = "kubectl-kubestash version --kubeconfig f --context c --cluster c --user u -n ns --server https://h \
                    --token t --as u --as-group g --as-group h --as-uid 1 --certificate-authority f \
                    --client-certificate f --client-key f --insecure-skip-tls-verify --tls-server-name n \
                    --proxy-url http://p --request-timeout 5s --cache-dir d --match-server-version \
                    --disable-compression -v=6";
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        assert_eq!(cli.global.connection.impersonate_groups, ["g", "h"]);
        assert_eq!(cli.global.connection.insecure_skip_tls_verify, Some(true));
        assert_eq!(cli.global.manner.verbosity, 6);
    }
}
