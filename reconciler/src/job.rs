//! What Jobs do: one entry point per file, the same frame around all.

pub mod backup;
pub mod cleanup;
mod figures;
pub mod hook;
mod insist;
mod peers;
pub mod report;
pub mod restore;
pub mod retain;
mod stop;
mod target;
mod tick;
pub mod trigger;
mod wipe;

use std::process::ExitCode;

use archive::error::Permanence;
use crds::name::manager;

use crate::cluster::{self, Cluster};
use crate::disposition::Disposition;

/// Exit code of a failure that somebody has to do something about.
const PERMANENT: u8 = 1;
/// Exit code of a failure that may pass by itself (`EX_TEMPFAIL` of sysexits.h).
const TEMPORARY: u8 = 75;

/// An error of a Job.
pub trait Failure: std::error::Error {
    /// Whether trying again can help.
    fn permanence(&self) -> Permanence;
}

/// Why a part of a Job's work has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// For a status.
    pub message: String,
    /// Whether trying again can help.
    pub permanence: Permanence,
}

impl From<archive::repository::Error> for Failed {
    fn from(error: archive::repository::Error) -> Self {
        Self { permanence: error.permanence(), message: error.to_string() }
    }
}

/// Logs how the Job ended, once, and gives the exit code.
pub fn ended<E: Failure>(result: Result<(), E>) -> ExitCode {
    let peak_memory_bytes = peak_memory();
    let Err(error) = result else {
        tracing::info!(peak_memory_bytes, "the Job is done");
        return ExitCode::SUCCESS;
    };
    let permanence = error.permanence();
    tracing::error!(error = error.to_string(), ?permanence, peak_memory_bytes, "the Job failed");
    ExitCode::from(match permanence {
        Permanence::Permanent => PERMANENT,
        Permanence::Temporary => TEMPORARY,
    })
}

/// How much memory this process had at most, which is what a memory limit has to allow; `None` where Linux does not tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kibibytes.trim().trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)
}

/// The API server, as the Job's ServiceAccount. `instance` is the name of the pod.
pub async fn connect(instance: Option<String>) -> Result<Cluster, kube::Error> {
    Ok(Cluster::new(cluster::connect().await?, manager::JOB, instance))
}

/// Whether trying again can help after `error`.
#[must_use]
pub const fn permanence(error: &cluster::Error) -> Permanence {
    match error.disposition() {
        Disposition::Retry if !error.is_forbidden() && !error.is_not_found() => Permanence::Temporary,
        Disposition::Retry | Disposition::AwaitChange | Disposition::Stall => Permanence::Permanent,
    }
}
