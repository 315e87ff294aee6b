//! Where log lines go.

use std::io::IsTerminal;

use snafu::{ResultExt, Snafu};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::fmt;

use crate::args::{Log, LogFormat};

/// Logging could not be set up.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The level is not a filter.
    #[snafu(display("failed to understand the log level {level:?}: {source}"))]
    Level {
        /// As given.
        level: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
}

/// Writes log lines to stderr from now on. The client's own lines about failed requests are left out: an error is
/// logged once, by whoever decides what follows from it.
pub fn start(log: &Log) -> Result<(), Error> {
    let directives = format!("kube_client=off,{}", log.level);
    let filter = EnvFilter::try_new(directives).context(LevelSnafu { level: &log.level })?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
    }
    Ok(())
}
