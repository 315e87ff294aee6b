//! Flags of the commands that follow a run, and what they print at its end.

use std::time::Duration;

use crds::core::BackupSession;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::context::{self, Context};
use crate::failure::Failure;
use crate::object::{Kind, Object};
use crate::output::{self, Format, Shape};
use crate::progress::outcome::{self, Outcome};
use crate::progress::run::Run;
use crate::progress::{Mode, follow, json};
use crate::streams::Streams;

/// How a run is followed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Watching")]
#[group(id = "following")]
pub struct Flags {
    /// Stop watching after this long; the run goes on
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
    #[command(flatten)]
    pub shown: Shown,
}

/// How progress is shown.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Watching")]
#[group(id = "showing")]
pub struct Shown {
    /// How progress is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub progress: Mode,
    /// How often a line comes although nothing changed
    #[arg(long, default_value = "30s", value_name = "DURATION")]
    pub progress_interval: String,
}

impl Shown {
    /// The manner of following in these surroundings.
    pub fn manner(
        &self,
        context: &Context,
        mode: Mode,
        limit: Option<Duration>,
    ) -> Result<follow::Manner, Failure> {
        let interval = context::duration("--progress-interval", &self.progress_interval)?;
        let mode = mode.in_surroundings(&context.environment, context.can_redraw());
        Ok(follow::Manner { mode, interval, limit })
    }
}

impl Flags {
    /// The manner of following in these surroundings; `quietly` shows only how it ended.
    pub fn manner(&self, context: &Context, quietly: bool) -> Result<follow::Manner, Failure> {
        let limit: Option<Duration> =
            self.timeout.as_deref().map(|text| context::duration("--timeout", text)).transpose()?;
        let wished = self.shown.progress;
        let mode = if quietly && wished == Mode::Auto { Mode::None } else { wished };
        self.shown.manner(context, mode, limit)
    }
}

/// What kept the watching from beginning is told in a JSON line as well, where somebody reads those.
pub fn begun<T>(
    begun: Result<T, Failure>,
    mode: Mode,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<T, Failure> {
    if let Err(failure) = &begun
        && mode == Mode::Json
    {
        json::give_up(failure, context.environment.now(), streams.results)?;
    }
    begun
}

/// Follows runs to their end, prints the result that `-o` asks for, and turns the end into an exit code.
pub async fn to_the_end(
    cluster: &Cluster,
    (namespace, runs): (&str, &[String]),
    (manner, format): (follow::Manner, &Format),
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let outcomes = follow::follow::<Run>(cluster, (namespace, runs), manner, (context, streams)).await?;
    match format {
        Format::Table | Format::Wide => {}
        Format::Name => streams.results.write_all(snapshots(&outcomes).as_bytes())?,
        Format::Json | Format::Yaml | Format::JsonPath(_) => {
            let mut sessions = Vec::new();
            for run in runs {
                let found: Option<Value> =
                    cluster.get_kind(&Kind::of::<BackupSession>(), Some(namespace), run).await?;
                sessions.extend(found.map(|session| Object::shown(&session, false)));
            }
            let text = format.document(&sessions, Shape::Documents)?;
            streams.results.write_all(text.unwrap_or_default().as_bytes())?;
        }
    }
    streams.results.flush()?;
    match outcome::exit_of(&outcomes) {
        crate::exit::Exit::Done => Ok(()),
        // The finale has told it.
        exit => Err(Failure::told(exit)),
    }
}

/// The snapshots that succeeded, as `kubectl -o name` writes them.
fn snapshots(outcomes: &[Outcome]) -> String {
    let kind = Kind::of::<crds::storage::Snapshot>().lower_case();
    let stored = outcomes.iter().flat_map(|outcome| &outcome.snapshots).filter(|stored| stored.succeeded);
    output::lines(stored.map(|stored| format!("{kind}/{}", stored.snapshot)))
}
