//! Answers so far, kept for next time: a dialogue that was broken off can be continued. Never a secret: no flag takes one.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::file;
use super::words::{self, Words};
use crate::ask::{self, Answer, Question};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::Failure;
use crate::setup;
use crate::streams::Streams;

/// What a dialogue is about; each is continued by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Backup,
    Storage,
    Retention,
}

impl Topic {
    /// The word of its command.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Storage => "storage",
            Self::Retention => "retention",
        }
    }
}

/// Where the answers about a topic in one namespace of one cluster are kept; nowhere when the process has no home.
#[derive(Clone, Debug)]
pub struct Memory {
    path: Option<PathBuf>,
}

impl Memory {
    /// `$XDG_STATE_HOME/kubectl-kubestash/wizard/<server>/<namespace>/<topic>.yaml`, below `~/.local/state` by default.
    #[must_use]
    pub fn of(context: &Context, cluster: &Cluster, (namespace, topic): (&str, Topic)) -> Self {
        let environment = &context.environment;
        let home = || environment.variable("HOME").map(|home| Path::new(home).join(".local/state"));
        let root = environment.variable("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
        let below = Path::new("kubectl-kubestash/wizard").join(setup::name_from(cluster.server()));
        let file = format!("{}.yaml", topic.word());
        Self { path: root.map(|root| root.join(below).join(namespace).join(file)) }
    }

    /// Keeps the answers. A disk that cannot be written is no reason to stop.
    pub fn keep(&self, words: &Words, now: Timestamp) {
        let Some(path) = &self.path else { return };
        if let Ok(text) = words::yaml(words) {
            let _ = file::write(path, &format!("# saved {now}\n{text}"));
        }
    }

    /// Forgets them.
    pub fn forget(&self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }

    /// The answers of an earlier dialogue, if there are any and the person wants to go on with them. `read` makes flags
    /// of their text, `speak` says in a few words what they are about.
    pub async fn offer<A>(
        &self,
        read: impl FnOnce(&str) -> Result<A, Failure>,
        speak: impl FnOnce(&A) -> Vec<String>,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Option<A>, Failure> {
        let Some(text) = self.path.as_ref().and_then(|path| fs::read_to_string(path).ok()) else {
            return Ok(None);
        };
        let Ok(kept) = read(&text) else {
            // Of another version: its answers do not hold any more.
            self.forget();
            return Ok(None);
        };
        let about = speak(&kept).join(", ");
        let about = if about.is_empty() { String::new() } else { format!(" ({about})") };
        let title = format!("Continue the unfinished setup{}{about}?", saved(&text, context));
        let question = Question::yes(title, "No begins anew. Secrets are asked again in any case.");
        if let Answer::Key('y') = ask::ask(&question, context, streams).await? {
            return Ok(Some(kept));
        }
        self.forget();
        Ok(None)
    }
}

/// ` from 22 Nov 14:02`
fn saved(text: &str, context: &Context) -> String {
    let saved = text.lines().next().and_then(|line| line.strip_prefix("# saved ")?.parse::<Timestamp>().ok());
    let zone = context.environment.time_zone.clone();
    saved.map(|saved| format!(" from {}", saved.to_zoned(zone).strftime("%-d %b %H:%M"))).unwrap_or_default()
}
