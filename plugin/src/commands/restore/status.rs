//! `restore status`: one restore in full, and with `-v` what became of each object.

use crds::condition;
use crds::core::RestoreSession;
use jiff::Timestamp;

use super::list::told_phase;
use crate::card::Card;
use crate::cluster::Cluster;
use crate::commands::show::{self, Shown};
use crate::commands::{list, lookup};
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::look::pager;
use crate::output::{Format, Shape};
use crate::progress::restore::counts;
use crate::repository::Source;
use crate::restore::kept;
use crate::restore::screen::{self, Manner};
use crate::story::Glyph;
use crate::streams::Streams;

/// Show restores in full; with -v what became of each object
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: lookup::Choice,
    /// Output format
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    source: Source,
}

impl Args {
    /// Shows.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let sessions: Vec<RestoreSession> = self.choice.objects(&cluster, &namespace).await?;
        let is_table = self.output.document(&list::bodies(&sessions)?, Shape::Named)?.is_none();
        if !is_table || context.manner.verbosity == 0 {
            return show::print(&sessions, &self.output, (&cluster, &namespace), (context, streams)).await;
        }
        let mut text = String::new();
        for session in &sessions {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&pager::visible(&card(session, context.environment.now()).render()));
            text.push_str(&self.objects(&cluster, session, (context, &mut *streams)).await?);
        }
        pager::show_coloured(&text, (context, streams))
    }

    /// What became of each object; a report that cannot be read is a remark.
    async fn objects(
        &self,
        cluster: &Cluster,
        session: &RestoreSession,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<String, Failure> {
        let report = match kept::read(cluster, session, self.source).await {
            Ok(Some(report)) => report,
            Ok(None) => {
                streams.story.line(Glyph::Warning, "what became of each object was not written down");
                return Ok(String::new());
            }
            Err(failure) => return Err(failure),
        };
        let environment = &context.environment;
        let at_terminal = environment.terminals.output;
        let manner = Manner {
            done: true,
            verbose: true,
            width: at_terminal.then(|| usize::from(dialoguer::console::Term::stdout().size().1)),
            coloured: crate::colours(context.manner.color, at_terminal, environment),
        };
        Ok(format!("\n{}", screen::objects(&report, manner)))
    }
}

impl Shown for RestoreSession {
    type Surroundings = ();

    async fn surroundings(_: &[Self], _: &Cluster, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn card(&self, (): &(), _: &Context, now: Timestamp) -> Card {
        card(self, now)
    }
}

fn card(session: &RestoreSession, now: Timestamp) -> Card {
    let status = session.status.clone().unwrap_or_default();
    let source = session.spec.data_source.clone().unwrap_or_default();
    let took = status.duration.as_ref().map(|took| format!(", took {took}")).unwrap_or_default();
    let made = kube::ResourceExt::creation_timestamp(session);
    let age = made.map(|made| format!("{} ago{took}", human::age_at(made.0, now)));
    let place = session.source_namespace();
    let account = session.service_account().map(|name| format!("ServiceAccount {name}"));
    let tasks = session.spec.addon.iter().flat_map(|addon| &addon.tasks);
    let asked: Vec<String> = tasks
        .flat_map(|task| task.parameters().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
        .collect();
    let components = status.components.values();
    let became = components.clone().find_map(counts).map(|counts| counts.done());
    let mut card = Card::default()
        .row("Restore", format!("{}   {}", lookup::place(session), told_phase(session)))
        .row("Made", age.unwrap_or_default())
        .row("Snapshot", format!("{place}/{}", source.snapshot))
        .row("Repository", source.repository)
        .row("As", account.unwrap_or_default())
        .row("Asked", asked.join("\n"))
        .row("Objects", became.unwrap_or_default());
    for component in components.clone() {
        card = card
            .row("Error", component.error.clone().unwrap_or_default())
            .row("Failed", component.failures.join("\n"))
            .row("Warning", component.warnings.join("\n"))
            .row("Report", component.report.clone().unwrap_or_default());
    }
    let paused: Vec<&str> = status.paused_backups.iter().map(|backup| backup.name.as_str()).collect();
    let refused = condition::first_failure(&status.conditions);
    let refused =
        refused.map(|failed| format!("{}: {}", failed.type_, failed.message.clone().unwrap_or_default()));
    card.row("Paused", paused.join(", ")).row("Condition", refused.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::card;

    #[test]
    fn a_card_tells_what_was_asked_and_what_became_of_it() {
        let now: Timestamp = "2026-11-22T10:17:00Z".parse().unwrap();
        let session: RestoreSession = serde_json::from_value(json!({
            "metadata": {"name": "restore-shop-1", "namespace": "shop", "creationTimestamp": "2026-11-22T10:12:00Z"},
            "spec": {
                "dataSource": {"repository": "shop-repo", "snapshot": "shop-repo-1"},
                "addon": {"name": "kubedump-addon", "tasks": [{"name": "manifest-restore", "params": {"Prune": "true"}}],
                    "jobTemplate": {"spec": {"serviceAccountName": "backup-restorer"}}},
            },
            "status": {"phase": "Failed", "duration": "8s", "components": {"manifest": {
                "phase": "Failed", "error": "1 object was not restored", "objects": {"created": 2, "failed": 1},
                "failures": ["deployments.apps shop/orders: quota exceeded"], "report": "shop/restores/a.jsonl"}}},
        }))
        .unwrap();
        assert_eq!(
            card::render(&[super::card(&session, now)]),
            "\
Restore      shop/restore-shop-1   Failed
Made         5m ago, took 8s
Snapshot     shop/shop-repo-1
Repository   shop-repo
As           ServiceAccount backup-restorer
Asked        Prune=true
Objects      2 created, 1 failed
Error        1 object was not restored
Failed       deployments.apps shop/orders: quota exceeded
Report       shop/restores/a.jsonl
"
        );
    }
}
