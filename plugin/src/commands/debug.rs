//! `debug`: why something does not work: one cause, and what to do about it. Nothing is changed.

pub mod backup;
pub mod bundle;
pub mod operator;
pub mod redact;
pub mod restore;
pub mod storage;

use std::fmt::Write as _;

use crate::context::Context;
use crate::failure::Failure;
use crate::streams::Streams;

/// Why something does not work
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Find the runs that failed, and say why and what to do
    #[command(visible_alias = "backupconfiguration")]
    Backup(backup::Args),
    /// Find the restores that failed, and say why and what to do
    #[command(visible_alias = "restoresession")]
    Restore(restore::Args),
    /// Look at the operator: its Deployment, its pods, what it complains about
    Operator(operator::Args),
    /// Write, read, list and delete a small object in a storage, from here
    #[command(visible_alias = "storage")]
    Backupstorage(storage::Args),
    /// Collect what an expert needs into a file, without any secret
    Bundle(bundle::Args),
}

impl Command {
    /// Runs the verb.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match self {
            Self::Backup(args) => args.run(context, streams).await,
            Self::Restore(args) => args.run(context, streams).await,
            Self::Operator(args) => args.run(context, streams).await,
            Self::Backupstorage(args) => args.run(context, streams).await,
            Self::Bundle(args) => args.run(context, streams).await,
        }
    }
}

/// A finding, as a person reads it: a headline and labelled lines below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong with what.
    pub what: String,
    /// The one cause.
    pub why: String,
    /// What to type; empty where nothing helps but to wait.
    pub fix: String,
}

/// Findings as text, an empty line between them.
#[must_use]
pub fn render(findings: &[Finding]) -> String {
    let mut texts = Vec::new();
    for Finding { what, why, fix } in findings {
        let mut text = format!("{what}\n");
        for (label, lines) in [("why", why), ("fix", fix)] {
            let mut label = label;
            for line in lines.lines() {
                let _ = writeln!(text, "  {label:4}  {line}");
                label = "";
            }
        }
        texts.push(text);
    }
    texts.join("\n")
}
