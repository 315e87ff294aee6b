//! The proxy on the way to storages.

use clap::Args;

/// The proxy of the operator's own environment, which its Jobs are given as well (contract §3.5).
#[derive(Args, Clone, Debug, Default)]
#[expect(
    clippy::struct_field_names,
    reason = "the fields are called like the variables that everybody knows"
)]
pub struct Proxy {
    /// Proxy of plain HTTP requests.
    #[arg(long, env = "HTTP_PROXY")]
    pub http_proxy: Option<String>,
    /// Proxy of HTTPS requests.
    #[arg(long, env = "HTTPS_PROXY")]
    pub https_proxy: Option<String>,
    /// What is reached without a proxy.
    #[arg(long, env = "NO_PROXY")]
    pub no_proxy: Option<String>,
}
