//! KubeStash's operator and the Jobs that it starts: one binary, one image.

mod access;
mod addon;
mod admin;
mod announce;
mod args;
mod backup_configuration;
mod backup_session;
mod backup_storage;
mod cluster;
mod conditions;
mod context;
mod controllers;
mod dependents;
mod disposition;
mod execution;
mod executor;
mod finalizer;
mod hooks;
mod identity;
mod job;
mod leader;
mod metrics;
mod operator;
mod outcome;
mod patience;
mod progress;
mod proxy;
mod relay;
mod repository;
mod restore_session;
mod secret;
mod shutdown;
mod snapshot;
mod start;
mod stores;
mod telemetry;
mod uploaded;
mod workload;

use std::io;
use std::process::ExitCode;

use args::{Arguments, Command, Relay};
use clap::Parser;
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    match start(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = error.to_string(), "stopped");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    telemetry::start(&arguments.log)?;
    Ok(match arguments.command {
        Command::Run(run) => {
            small()?.block_on(operator::run(run))?;
            ExitCode::SUCCESS
        }
        Command::TriggerBackup(arguments) => {
            job::ended(small()?.block_on(job::trigger::run(arguments, context::now())))
        }
        Command::Backup(arguments) => worker(job::backup::run(*arguments))?,
        Command::Restore(arguments) => worker(job::restore::run(*arguments))?,
        Command::Retain(arguments) => worker(job::retain::run(arguments))?,
        Command::Cleanup(arguments) => worker(job::cleanup::run(arguments))?,
        Command::Relay(Relay { to, check }) => {
            let runtime = small()?;
            let ended = runtime.block_on(relay::run(&to, check));
            // A thread may still wait for what is asked next.
            runtime.shutdown_background();
            ended.map(|()| ExitCode::SUCCESS)?
        }
        Command::Hook(arguments) => job::ended(small()?.block_on(job::hook::run(arguments))),
    })
}

/// All that most commands do is wait for others: one thread keeps them small.
fn small() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs a Job that works on a repository.
fn worker<E: job::Failure>(work: impl Future<Output = Result<(), E>>) -> io::Result<ExitCode> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = job::ended(runtime.block_on(work));
    // What still blocks a thread has been told to stop and has nothing left to tell.
    runtime.shutdown_background();
    Ok(ended)
}
