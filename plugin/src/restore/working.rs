//! The engine at work in this process: how far it is, on a line that a terminal redraws, or now and then as a line of text.

use std::time::Duration;

use archive::restore::Error;
use archive::restore::progress::Progress;
use archive::restore::report::Counts;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::human;
use crate::progress::Mode;
use crate::repository;
use crate::signals;
use crate::streams::Streams;

/// How often the line is redrawn.
const REDRAW: Duration = Duration::from_millis(200);

/// What is done, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// `planning`, `restoring`.
    pub doing: &'static str,
    /// What stays when it is interrupted.
    pub stays: &'static str,
    pub mode: Mode,
    /// How often a line comes in a plain text.
    pub interval: Duration,
}

/// Does the work to its end, and shows how far it is. Ctrl-C stops it between two objects.
pub async fn shown<T>(
    work: impl Future<Output = Result<T, Error>>,
    (progress, stop): (&Progress, &CancellationToken),
    shown: Shown,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<T, Failure> {
    let bar = (shown.mode == Mode::Bar).then(bar);
    let begun = context.environment.now();
    let mut work = std::pin::pin!(work);
    let mut interrupted = std::pin::pin!(signals::interrupted());
    let mut redraw = tokio::time::interval(REDRAW);
    let mut remind = tokio::time::interval(shown.interval.max(Duration::from_secs(1)));
    remind.reset();
    let mut asked_to_end: Option<Exit> = None;
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            exit = &mut interrupted, if asked_to_end.is_none() => {
                asked_to_end = Some(exit);
                stop.cancel();
            }
            _ = redraw.tick(), if bar.is_some() => {
                let took = human::between(begun, context.environment.now());
                if let Some(bar) = &bar {
                    bar.set_message(line(shown.doing, progress, Some(took)));
                    bar.tick();
                }
            }
            _ = remind.tick(), if shown.mode == Mode::Plain => {
                streams.story.plain(&line(shown.doing, progress, None));
            }
        }
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match (ended, asked_to_end) {
        (Ok(value), _) => Ok(value),
        (Err(Error::Cancelled), Some(exit)) => Err(Failure::stopped(exit, shown.stays)),
        (Err(error), _) => Err(told(&error, shown.doing)),
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar
}

/// `◎ restoring   120 / 600 objects   118 created, 2 failed   4s`
fn line(doing: &str, progress: &Progress, took: Option<Duration>) -> String {
    let counts = progress.counts();
    let done = all(&counts);
    let mut parts = vec![format!("◎ {doing}")];
    match progress.total() {
        Some(total) => parts.push(format!("{} / {} objects", human::count(done), human::count(total))),
        None if done > 0 => parts.push(format!("{} objects", human::count(done))),
        None => parts.push("reading the snapshot".to_owned()),
    }
    if counts.failed > 0 {
        parts.push(format!("{} failed", human::count(counts.failed)));
    }
    parts.extend(took.map(|took| human::duration(Duration::from_secs(took.as_secs()))));
    parts.join("   ")
}

fn all(counts: &Counts) -> u64 {
    let Counts { created, unchanged, updated, left, skipped, pruned, failed } = *counts;
    created + unchanged + updated + left + skipped + pruned + failed
}

/// What kept the engine from saying anything, in the user's words.
fn told(error: &Error, doing: &str) -> Failure {
    match error {
        Error::Read { source } => repository::failure(source, "read the snapshot"),
        Error::Moved { .. } => {
            Failure::new(Code::PlanOutdated, "the cluster has changed since the plan was shown")
                .why(error.to_string())
                .fix("look at the new plan:  kubectl kubestash restore plan …")
        }
        Error::Prune { .. } => Failure::usage("--prune cannot be done").why(error.to_string()),
        other => Failure::new(Code::RequestFailed, format!("{doing} came to no end"))
            .why(other.to_string())
            .chain(other),
    }
}

#[cfg(test)]
mod tests {
    use archive::restore::verdict::{Problem, ProblemKind, Verdict};

    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        let progress = Progress::new();
        assert_eq!(line("planning", &progress, None), "◎ planning   reading the snapshot");
        progress.expect(1200);
        progress.add(&Verdict::Create, 10);
        let problem = Problem { kind: ProblemKind::Quota, message: String::new() };
        progress.add(&Verdict::Fail { problem }, 10);
        assert_eq!(
            line("restoring", &progress, Some(Duration::from_millis(4900))),
            "◎ restoring   2 / 1 200 objects   1 failed   4s"
        );
    }
}
