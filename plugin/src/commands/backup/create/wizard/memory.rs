//! Answers so far, kept for next time: a dialogue that was broken off can be continued. Never a secret: no flag takes one.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::{Args, typed};
use crate::ask::{self, Answer, Question};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::Failure;
use crate::setup;
use crate::streams::Streams;
use crate::wizard::{file, words};

/// Where the answers for one namespace of one cluster are kept; nowhere when the process has no home.
#[derive(Clone, Debug)]
pub struct Memory {
    path: Option<PathBuf>,
}

impl Memory {
    /// `$XDG_STATE_HOME/kubectl-kubestash/wizard/<server>/<namespace>.yaml`, below `~/.local/state` by default.
    #[must_use]
    pub fn of(context: &Context, cluster: &Cluster, namespace: &str) -> Self {
        let environment = &context.environment;
        let home = || environment.variable("HOME").map(|home| Path::new(home).join(".local/state"));
        let root = environment.variable("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
        let below = Path::new("kubectl-kubestash/wizard").join(setup::name_from(cluster.server()));
        Self { path: root.map(|root| root.join(below).join(format!("{namespace}.yaml"))) }
    }

    /// Keeps the answers. A disk that cannot be written is no reason to stop.
    pub fn keep(&self, args: &Args, now: Timestamp) {
        let Some(path) = &self.path else { return };
        if let Ok(text) = words::yaml(&typed::words(args)) {
            let _ = file::write(path, &format!("# saved {now}\n{text}"));
        }
    }

    /// Forgets them.
    pub fn forget(&self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }

    /// The answers of an earlier dialogue, if there are any and the person wants to go on with them.
    pub async fn offer(
        &self,
        typed_now: &Args,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Option<Args>, Failure> {
        let Some(text) = self.path.as_ref().and_then(|path| fs::read_to_string(path).ok()) else {
            return Ok(None);
        };
        let Ok(kept) = typed::merged(typed_now, &text, "the kept answers") else {
            // Of another version: its answers do not hold any more.
            self.forget();
            return Ok(None);
        };
        let title = format!("Continue the unfinished setup{}?", spoken(&text, &kept, context));
        let question = Question::yes(title, "No begins anew. Secrets are asked again in any case.");
        if let Answer::Key('y') = ask::ask(&question, context, streams).await? {
            return Ok(Some(kept));
        }
        self.forget();
        Ok(None)
    }
}

/// ` from 14:02 (namespace, storage minio)`
fn spoken(text: &str, kept: &Args, context: &Context) -> String {
    let saved = text.lines().next().and_then(|line| line.strip_prefix("# saved ")?.parse::<Timestamp>().ok());
    let zone = context.environment.time_zone.clone();
    let time = saved.map(|saved| format!(" from {}", saved.to_zoned(zone).strftime("%-d %b %H:%M")));
    let storage = kept.backup.storage.as_ref().map(|name| format!("storage {name}"));
    let parts: Vec<String> = kept.backup.target.clone().into_iter().chain(storage).collect();
    format!("{} ({})", time.unwrap_or_default(), parts.join(", "))
}
