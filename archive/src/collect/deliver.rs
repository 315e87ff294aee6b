//! All types at work, and their files handed to all repositories, one type after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::jobs::Job;
use super::lane::{Abandoned, Lane, Outcome};
use super::report::Report;
use super::totals::ask_ahead;
use super::{AbandonedSnafu, Error, Output, Reader};
use crate::entry::Batch;

/// Batches that a type may have ready before its turn.
const READY: usize = 4;

/// A type whose files are to be handed out. Its place is free again when they are.
struct Turn {
    batches: mpsc::Receiver<Batch>,
    _place: OwnedSemaphorePermit,
}

/// Reads `jobs` and hands their files out, in this order.
pub async fn all(reader: &Reader<'_>, jobs: &[Job], outputs: Vec<Output>) -> Result<Report, Error> {
    let (turns, waiting) = mpsc::unbounded_channel();
    // Both make progress whenever either can: a request must not run into its deadline because a repository is slow.
    let work = async { futures::join!(read_all(reader, jobs, turns), hand_out_all(waiting, outputs)) };
    let (read, handed_out) = tokio::select! {
        done = work => done,
        // Never ready: whether the totals are known makes no difference to the work.
        () = async { ask_ahead(reader, jobs).await; std::future::pending().await } => return AbandonedSnafu.fail(),
    };
    let mut report = handed_out.map_err(|Abandoned| AbandonedSnafu.build())?;
    for outcome in read {
        report.gaps.extend(outcome.gaps);
        report.warnings.extend(outcome.warnings);
    }
    Ok(report)
}

/// Reads the types, `limits.types` at a time. The outcomes come in the order of the types.
async fn read_all(reader: &Reader<'_>, jobs: &[Job], turns: mpsc::UnboundedSender<Turn>) -> Vec<Outcome> {
    let places = Arc::new(Semaphore::new(reader.limits.types.max(1)));
    let mut waiting: VecDeque<(usize, &Job)> = jobs.iter().enumerate().collect();
    let mut working = FuturesUnordered::new();
    let mut outcomes: Vec<(usize, Outcome)> = Vec::with_capacity(jobs.len());
    loop {
        tokio::select! {
            Ok(place) = Arc::clone(&places).acquire_owned(), if !waiting.is_empty() => {
                let Some((position, job)) = waiting.pop_front() else { continue };
                let (sender, batches) = mpsc::channel(READY);
                if turns.send(Turn { batches, _place: place }).is_err() {
                    break;
                }
                working.push(read_one(reader, position, job, Lane::new(sender, reader.totals.claim(position))));
            }
            Some((position, outcome)) = working.next(), if !working.is_empty() => {
                match outcome {
                    Ok(outcome) => outcomes.push((position, outcome)),
                    Err(Abandoned) => break,
                }
            }
            else => break,
        }
    }
    outcomes.sort_by_key(|(position, _)| *position);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn read_one(
    reader: &Reader<'_>,
    position: usize,
    job: &Job,
    mut lane: Lane,
) -> (usize, Result<Outcome, Abandoned>) {
    let read = reader.read(job, &mut lane).await;
    lane.counted(&reader.totals);
    (position, read.map(|()| lane.outcome))
}

/// Hands out what comes, type by type.
async fn hand_out_all(
    mut turns: mpsc::UnboundedReceiver<Turn>,
    mut outputs: Vec<Output>,
) -> Result<Report, Abandoned> {
    let mut report = Report::default();
    while let Some(mut turn) = turns.recv().await {
        let before = report.objects;
        while let Some(batch) = turn.batches.recv().await {
            report.objects += batch.len() as u64;
            report.bytes += batch.iter().map(|entry| entry.content.len() as u64).sum::<u64>();
            hand_out(batch, &mut outputs).await?;
        }
        report.types += u64::from(report.objects > before);
    }
    Ok(report)
}

/// To all who still listen; the slowest sets the pace.
async fn hand_out(batch: Batch, outputs: &mut Vec<Output>) -> Result<(), Abandoned> {
    let mut position = 0;
    while let Some(output) = outputs.get(position) {
        match output.entries.send(batch.clone()).await {
            Ok(()) => position += 1,
            Err(_) => drop(outputs.swap_remove(position)),
        }
    }
    if outputs.is_empty() { Err(Abandoned) } else { Ok(()) }
}
