//! What the process was started with, read once: variables, terminals, time zone, clock.

use std::collections::BTreeMap;
use std::fmt;
use std::io::IsTerminal as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Which of the three streams are terminals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input is a terminal: a person can answer.
    pub input: bool,
    /// Standard output is a terminal: a person reads the results.
    pub output: bool,
    /// Standard error is a terminal: a person reads the story.
    pub error: bool,
}

/// The surroundings of one run of the plugin. Everything else takes them from here, so that a test can give its own.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// The time zone in which a person reads times.
    pub time_zone: TimeZone,
    /// Whether a person types the answers; a script gives them on standard input.
    keyboard: bool,
    clock: fn() -> Timestamp,
    dice: fn() -> [u8; 32],
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables may hold credentials: only their names are shown.
        formatter
            .debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("terminals", &self.terminals)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// Reads the surroundings of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            terminals: Terminals {
                input: std::io::stdin().is_terminal(),
                output: std::io::stdout().is_terminal(),
                error: std::io::stderr().is_terminal(),
            },
            time_zone: TimeZone::system(),
            keyboard: true,
            clock: system_clock,
            dice: random,
        }
    }

    /// Surroundings without a terminal, without the process's variables, with a clock of the caller's, and without
    /// chance.
    #[must_use]
    pub fn scripted(variables: &[(&str, &str)], clock: fn() -> Timestamp) -> Self {
        Self {
            variables: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            terminals: Terminals::default(),
            time_zone: TimeZone::UTC,
            keyboard: false,
            clock,
            dice: || [7; 32],
        }
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Now, in UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Random bytes of cryptographic quality.
    #[must_use]
    pub fn random(&self) -> [u8; 32] {
        (self.dice)()
    }

    /// Whether a terminal that can move its cursor shows standard error.
    #[must_use]
    pub fn can_redraw(&self) -> bool {
        self.terminals.error && self.variable("TERM") != Some("dumb") && self.variable("CI").is_none()
    }

    /// Whether answers are typed by a person, rather than read from the input as it was given.
    #[must_use]
    pub fn answers_come_from_the_keyboard(&self) -> bool {
        self.keyboard
    }

    /// Whether nothing may be changed in the cluster or in a bucket: `KUBESTASH_READ_ONLY`, unless it says `0` or `false`.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.variable("KUBESTASH_READ_ONLY").is_some_and(|value| !matches!(value, "0" | "false"))
    }

    /// Whether a person can be asked: both the question and the answer need a terminal.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.terminals.input
            && self.terminals.error
            && self.variable("CI").is_none()
            && self.variable("KUBESTASH_NO_INPUT").is_none()
    }
}

#[expect(clippy::disallowed_methods, reason = "the plugin's one clock; everything else asks the Environment")]
fn system_clock() -> Timestamp {
    Timestamp::now()
}

fn random() -> [u8; 32] {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_a_terminal(variables: &[(&str, &str)]) -> Environment {
        let mut environment = Environment::scripted(variables, || Timestamp::UNIX_EPOCH);
        environment.terminals = Terminals { input: true, output: true, error: true };
        environment
    }

    #[test]
    fn a_person_is_asked_only_at_a_terminal_and_never_in_ci() {
        assert!(at_a_terminal(&[]).can_ask());
        assert!(!at_a_terminal(&[("CI", "true")]).can_ask());
        assert!(!at_a_terminal(&[("KUBESTASH_NO_INPUT", "1")]).can_ask());
        let mut piped = at_a_terminal(&[]);
        piped.terminals.input = false;
        assert!(!piped.can_ask(), "stdin is not a terminal");
    }

    #[test]
    fn read_only_mode_is_on_unless_it_is_said_to_be_off() {
        for (value, expected) in [("1", true), ("true", true), ("0", false), ("false", false), ("", false)] {
            assert_eq!(at_a_terminal(&[("KUBESTASH_READ_ONLY", value)]).is_read_only(), expected, "{value}");
        }
        assert!(!at_a_terminal(&[]).is_read_only());
    }

    #[test]
    fn a_dumb_terminal_is_not_redrawn() {
        assert!(at_a_terminal(&[("TERM", "xterm")]).can_redraw());
        assert!(!at_a_terminal(&[("TERM", "dumb")]).can_redraw());
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(at_a_terminal(&[("CI", "")]).variable("CI"), None);
    }

    #[test]
    fn values_of_variables_are_not_in_debug_output() {
        let shown = format!("{:?}", at_a_terminal(&[("AWS_SECRET_ACCESS_KEY", "s3cr3t")]));
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
