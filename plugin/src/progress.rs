//! How a backup goes: what the cluster tells, as one state that four kinds of reader can be shown.
//!
//! ```text
//! follow (watches, clock, signals) -> run::Run (what is known) -> View -> frame | plain | json
//!                                                     outcome (how it ended)  -> finale
//! ```
//!
//! Only [`follow`] touches the cluster and the clock; everything else is a plain function of what was recorded, so that a
//! sequence of states can be replayed.

pub mod finale;
pub mod follow;
pub mod frame;
pub mod json;
pub mod outcome;
pub mod plain;
pub mod rate;
#[cfg(test)]
mod recorded;
pub mod run;

use std::time::Duration;

use clap::ValueEnum;

use crate::environment::Environment;
use crate::progress::outcome::Outcome;

/// After how long without a report it is told that none comes; a Job reports at least every ten seconds.
pub const SILENCE: Duration = Duration::from_secs(45);

/// What `--progress` chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// A bar at a terminal, lines otherwise.
    #[default]
    Auto,
    /// A redrawn frame.
    Bar,
    /// A line with a time for each change.
    Plain,
    /// JSON lines on standard output.
    Json,
    /// Nothing but how it ended.
    None,
}

impl Mode {
    /// The mode for these surroundings; never `Auto`. `can_redraw`: whether the person and the terminal can do with lines
    /// that are drawn over.
    #[must_use]
    pub fn in_surroundings(self, environment: &Environment, can_redraw: bool) -> Self {
        let wish = match (self, environment.variable("KUBESTASH_PROGRESS")) {
            (Self::Auto, Some(word)) => Self::from_str(word, true).unwrap_or_default(),
            (typed, _) => typed,
        };
        match wish {
            Self::Auto if can_redraw => Self::Bar,
            // Without a terminal that can be redrawn a frame would go nowhere.
            Self::Bar if !environment.terminals.error || environment.variable("TERM") == Some("dumb") => {
                Self::Plain
            }
            Self::Auto => Self::Plain,
            chosen => chosen,
        }
    }
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not begun.
    Todo,
    /// Going on.
    Active,
    Done,
    Failed,
}

/// A stage of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    pub name: &'static str,
    pub state: State,
    /// What it does or did.
    pub detail: String,
    /// How long it took, to the second.
    pub took: Option<Duration>,
}

/// One repository's part of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The component, or the repository when a run writes several.
    pub name: String,
    pub snapshot: String,
    pub state: State,
    /// Between 0 and 1, when the total is known.
    pub fraction: Option<f64>,
    pub objects_done: Option<u64>,
    pub objects_total: Option<u64>,
    pub bytes_done: Option<u64>,
    pub bytes_total: Option<u64>,
    pub bytes_per_second: Option<u64>,
    /// An estimate, only when there is ground for one.
    pub left: Option<Duration>,
    /// Everything is stored since so long; the index and the check are not finished.
    pub finishing: Option<Duration>,
    /// Stored bytes, once known.
    pub added: Option<u64>,
    pub error: Option<String>,
}

/// A run at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub namespace: String,
    /// The BackupConfiguration.
    pub backup: String,
    pub session: String,
    /// The BackupSession.
    pub run: String,
    pub elapsed: Duration,
    pub stages: Vec<Stage>,
    pub parts: Vec<Part>,
    /// Why nothing moves, when something keeps it from moving.
    pub waiting: Option<String>,
    /// Since the last report from the cluster.
    pub reported_ago: Option<Duration>,
    /// What the pod is about, for when no report comes: its name and phase, and the newest warning about it.
    pub pod: Option<String>,
    pub outcome: Option<Outcome>,
}

impl View {
    /// The stage that goes on, or the last one.
    #[must_use]
    pub fn current(&self) -> Option<&Stage> {
        self.stages
            .iter()
            .find(|stage| matches!(stage.state, State::Active | State::Failed))
            .or_else(|| self.stages.iter().rev().find(|stage| stage.state == State::Done))
    }

    /// All parts together, between 0 and 1.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let known: Vec<f64> = self.parts.iter().filter_map(|part| part.fraction).collect();
        #[expect(clippy::cast_precision_loss, reason = "a handful of repositories")]
        let number = known.len() as f64;
        (!known.is_empty() && known.len() == self.parts.len()).then(|| known.iter().sum::<f64>() / number)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn the_mode_follows_flag_then_variable_then_terminal() {
        let mode = |flag: Mode, terminal: bool, variables: &[(&str, &str)]| {
            let mut environment = Environment::scripted(variables, || Timestamp::UNIX_EPOCH);
            environment.terminals.error = terminal;
            flag.in_surroundings(&environment, environment.can_redraw())
        };
        assert_eq!(mode(Mode::Auto, true, &[]), Mode::Bar);
        assert_eq!(mode(Mode::Auto, false, &[]), Mode::Plain);
        assert_eq!(mode(Mode::Auto, true, &[("CI", "true")]), Mode::Plain);
        assert_eq!(mode(Mode::Auto, true, &[("KUBESTASH_PROGRESS", "none")]), Mode::None);
        assert_eq!(mode(Mode::Json, true, &[("KUBESTASH_PROGRESS", "none")]), Mode::Json);
        assert_eq!(mode(Mode::Bar, false, &[]), Mode::Plain);
        assert_eq!(mode(Mode::Bar, true, &[("TERM", "dumb")]), Mode::Plain);
        let reader = Environment::scripted(&[("TERM", "xterm")], || Timestamp::UNIX_EPOCH);
        assert_eq!(Mode::Auto.in_surroundings(&reader, false), Mode::Plain, "for a screen reader");
    }
}
