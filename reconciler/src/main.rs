//! KubeStash's operator and the Jobs that it starts: one binary, one image.

mod admin;
mod args;
mod cluster;
mod context;
mod controllers;
mod dependents;
mod leader;
mod metrics;
mod operator;
mod outcome;
mod shutdown;
mod telemetry;

use std::process::ExitCode;

use args::{Arguments, Command};
use clap::Parser;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = error.to_string(), "stopped");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    telemetry::start(&arguments.log)?;
    match arguments.command {
        // All that the operator does is wait for others: one thread keeps it small.
        Command::Run(run) => {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(operator::run(run))?;
        }
        Command::TriggerBackup(_) => return Err("trigger-backup comes with the session drivers".into()),
    }
    Ok(())
}
