//! How a backup or a restore goes: what the cluster tells, as one state that four kinds of reader can be shown.
//!
//! ```text
//! follow (watches, clock, signals) -> run::Run      (what is known) -> View -> frame | plain | json
//!                                     restore::Restore     outcome (how it ended) -> finale
//! ```
//!
//! Only [`follow`] touches the cluster and the clock; everything else is a plain function of what was recorded, so that a
//! sequence of states can be replayed.

pub mod change;
pub mod finale;
pub mod follow;
pub mod frame;
pub mod json;
pub mod outcome;
pub mod plain;
mod pods;
pub mod rate;
#[cfg(test)]
mod recorded;
pub mod restore;
pub mod run;

use std::time::Duration;

use archive::restore::report::Counts;
use clap::ValueEnum;
use crds::condition::{self, Condition};

use crate::environment::Environment;
use crate::human;
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

impl State {
    /// As a condition says it.
    #[must_use]
    pub fn of(condition: &Condition) -> Self {
        match condition.status.as_str() {
            "True" => Self::Done,
            "False" => Self::Failed,
            _ => Self::Active,
        }
    }
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
    /// Whether it is the one that the parts of the run are about.
    pub has_parts: bool,
}

impl Stage {
    /// A stage of which nothing more is known.
    #[must_use]
    pub const fn new(name: &'static str, state: State) -> Self {
        Self { name, state, detail: String::new(), took: None, has_parts: false }
    }
}

/// Hooks are a stage only where there are some.
fn hooks(conditions: &[Condition], name: &'static str, type_: &str, number: usize) -> Option<Stage> {
    let condition = condition::find(conditions, type_);
    (number > 0).then(|| Stage {
        detail: human::counted(number, "hook"),
        ..Stage::new(name, condition.map_or(State::Todo, State::of))
    })
}

/// What a run is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Backup {
        /// The BackupConfiguration; empty until it is known.
        configuration: String,
        session: String,
    },
    Restore {
        /// The Snapshot, as the RestoreSession names it.
        snapshot: String,
    },
}

impl Subject {
    /// What goes on.
    #[must_use]
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::Backup { .. } => "backup",
            Self::Restore { .. } => "restore",
        }
    }
}

/// One part of a run: what a repository receives, or what is brought back from it.
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
    /// What became of the objects of a restore.
    pub counts: Option<Counts>,
    pub error: Option<String>,
}

/// A run at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub namespace: String,
    pub subject: Subject,
    /// The BackupSession, or the RestoreSession.
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

    /// What is spoken of: the BackupConfiguration, or the RestoreSession.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.subject {
            Subject::Backup { configuration, .. } => configuration,
            Subject::Restore { .. } => &self.run,
        }
    }

    /// The command that prints what its pods say, as it goes on.
    #[must_use]
    pub fn logs(&self) -> String {
        let (run, namespace) = (&self.run, &self.namespace);
        match &self.subject {
            Subject::Backup { .. } => format!("kubectl kubestash backup logs --run {run} -f -n {namespace}"),
            Subject::Restore { .. } => format!("kubectl kubestash restore logs {run} -f -n {namespace}"),
        }
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
