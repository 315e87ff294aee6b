//! The flags that every command shares.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

/// The flags that every command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub manner: Manner,
}

/// kubectl's connection flags, with kubectl's meaning.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection, as in kubectl")]
pub struct Connection {
    /// Namespace of this command; the default is that of the current context
    #[arg(short, long, global = true, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Path of the kubeconfig file
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Path of kubectl's preferences, which may forbid programs that get credentials
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub kuberc: Option<PathBuf>,
    /// The cluster of the kubeconfig to use
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The user of the kubeconfig to use
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Address and port of the API server
    #[arg(short, long, global = true, hide_short_help = true, value_name = "URL")]
    pub server: Option<String>,
    /// Bearer token for the API server
    #[arg(long, global = true, hide_short_help = true, value_name = "TOKEN")]
    pub token: Option<secrecy::SecretString>,
    /// User to impersonate; can be a ServiceAccount of a namespace
    #[arg(long = "as", global = true, hide_short_help = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", global = true, hide_short_help = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate
    #[arg(long = "as-uid", global = true, hide_short_help = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// File with the certificate of the authority that signed the API server's
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// File with the client certificate
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// File with the key of the client certificate
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Do not check the API server's certificate: makes the connection insecure
    #[arg(long, global = true, hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Name to expect in the API server's certificate
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Proxy to reach the API server through
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    pub proxy_url: Option<String>,
    /// How long one request may take, for example 5s or 2m; 0 means no limit
    #[arg(long, global = true, hide_short_help = true, value_name = "DURATION")]
    pub request_timeout: Option<String>,
    #[command(flatten)]
    pub ignored: Ignored,
}

/// Flags of kubectl that have no effect here; accepted so that old command lines parse.
#[derive(Clone, Debug, Default, Args)]
pub struct Ignored {
    #[arg(long, global = true, hide = true)]
    cache_dir: Option<String>,
    #[arg(long, global = true, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_compression: Option<bool>,
    #[arg(long, global = true, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    match_server_version: Option<bool>,
    #[arg(long, global = true, hide = true)]
    default_seccomp_profile_type: Option<String>,
}

/// How a command speaks.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Manner")]
pub struct Manner {
    /// When to use colours
    #[arg(long, global = true, hide_short_help = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// Print warnings, errors and results only
    #[arg(short, long, global = true, hide_short_help = true)]
    pub quiet: bool,
    /// Say more about errors
    #[arg(short, long, global = true, hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "1", default_value_t, value_name = "LEVEL")]
    pub verbosity: u8,
    /// Never ask; name what is missing instead
    #[arg(long, global = true, hide_short_help = true, action = ArgAction::SetTrue)]
    pub no_input: bool,
    /// Ask line by line with numbered menus, and redraw nothing: for screen readers
    #[arg(long, global = true, hide_short_help = true, action = ArgAction::SetTrue)]
    pub accessible: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// At a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// What a writing command does instead of writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Write.
    #[default]
    None,
    /// Print what would be written; the cluster is not asked.
    Client,
    /// Let the API server judge everything, and write nothing.
    Server,
}
