//! `restore create`: shows the plan, asks, has the operator do just that, and shows how it goes.

use std::collections::BTreeSet;
use std::time::Duration;

use archive::restore::report::Report;
use crds::core::RestoreSession;
use k8s_openapi::api::core::v1::Namespace;

use super::planned::{self, Aimed};
use super::selected::{Selected, Words};
use super::watch;
use crate::apply::{self, Effect, Writing};
use crate::args::DryRun;
use crate::cluster::Cluster;
use crate::commands::backup::follow;
use crate::commands::create;
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::object::Object;
use crate::output::Format;
use crate::progress::Mode;
use crate::prompt;
use crate::restore::consent::{self, Severity};
use crate::restore::kept;
use crate::restore::readiness;
use crate::restore::restorer::{self, Needs, Restorer};
use crate::restore::screen::{self, Manner};
use crate::restore::session::{self, Made};
use crate::story::Glyph;
use crate::streams::Streams;

/// The number of digits of a plan's id.
const PLAN_DIGITS: usize = 16;

/// Bring back what a snapshot holds: all of it, a namespace, or single objects
///
/// Shows what it would do to each object, and asks. The restore does just what was shown, and stops if the cluster has
/// changed in between, unless --accept-changes. Objects that exist stay as they are, unless --override or --prune.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Args {
    #[command(flatten)]
    selected: Selected,
    #[command(flatten)]
    session: session::Flags,
    #[command(flatten)]
    confirm: consent::Flags,
    /// The plan that was shown before; the restore does just that, or nothing
    #[arg(long, value_name = "ID", help_heading = "Confirming")]
    plan_id: Option<String>,
    /// Do not look beforehand what would happen; not with --prune
    #[arg(long, help_heading = "Confirming", conflicts_with = "prune")]
    no_plan: bool,
    /// Restore also if the cluster has changed since the plan was shown
    #[arg(long, help_heading = "Confirming", conflicts_with = "plan_id")]
    accept_changes: bool,
    /// Print the YAML of all objects instead of applying it
    #[arg(long, help_heading = "Writing", conflicts_with = "dry_run")]
    export: bool,
    /// Do not restore: show the plan, and let this plugin or the API server judge the RestoreSession
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value = "none", default_missing_value = "client", value_name = "WHO", help_heading = "Writing")]
    dry_run: DryRun,
    /// Output format of the result: the RestoreSession at its end
    #[arg(short, long, default_value_t, value_name = "FORMAT", help_heading = "Writing")]
    output: Format,
    /// Whether to show how it goes until it ends
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Watching")]
    watch: bool,
    #[command(flatten)]
    follow: follow::Flags,
    /// How long to wait, after the restore, until the workloads that it made are ready; 0 for not at all
    #[arg(long, default_value = "1m", value_name = "DURATION", help_heading = "Watching")]
    wait_ready: String,
}

/// A restore that has begun.
struct Begun {
    namespace: String,
    name: String,
    /// What was made for it, to restore as.
    made: Vec<Object>,
}

/// What will be written.
struct Prepared {
    objects: Vec<Object>,
    namespace: String,
    name: String,
}

impl Args {
    /// Restores.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        self.session.check()?;
        let manner = self.follow.manner(context, false)?;
        let patience = self.patience()?;
        let begun = self.begin(context, streams).await;
        let mode = if self.watch { manner.mode } else { Mode::None };
        let Some((cluster, begun)) = follow::begun(begun, mode, (context, streams))? else {
            return Ok(());
        };
        let Begun { namespace, name, made } = &begun;
        if !self.watch {
            restorer::told(made, streams);
            streams.story.plain(&format!("Next: kubectl kubestash restore watch {name} -n {namespace}"));
            return Ok(());
        }
        let runs = std::slice::from_ref(name);
        let manner = (manner, &self.output);
        let ended = watch::to_the_end(&cluster, (namespace, runs), manner, (context, &mut *streams)).await;
        if ended.as_ref().err().is_none_or(|failure| matches!(failure.exit(), Exit::Failed | Exit::Partly)) {
            restorer::take_back(&cluster, made, streams).await;
        } else {
            restorer::told(made, streams);
        }
        ended?;
        if matches!(mode, Mode::Bar | Mode::Plain) && !patience.is_zero() {
            return Box::pin(self.readiness(&cluster, &begun, patience, (context, streams))).await;
        }
        Ok(())
    }

    /// How long the workloads may take; `0` is no time.
    fn patience(&self) -> Result<Duration, Failure> {
        match self.wait_ready.as_str() {
            "0" | "0s" => Ok(Duration::ZERO),
            text => context::duration("--wait-ready", text),
        }
    }

    /// Whether what was brought back runs. That the report cannot be read from here is no failure of the restore.
    async fn readiness(
        &self,
        cluster: &Cluster,
        begun: &Begun,
        patience: Duration,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let session: Option<RestoreSession> = cluster.get(Some(&begun.namespace), &begun.name).await?;
        let Some(session) = session else { return Ok(()) };
        match kept::read(cluster, &session, self.selected.look.source).await {
            Ok(Some(report)) => readiness::tell(cluster, &report, patience, (context, streams)).await,
            Ok(None) => Ok(()),
            Err(failure) => {
                let text = format!("whether the workloads run was not looked at: {}", failure.what());
                streams.story.line(Glyph::Warning, &text);
                Ok(())
            }
        }
    }

    /// Plans, asks and writes; none when there is nothing to do, or nothing was to be done.
    async fn begin(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Option<(Cluster, Begun)>, Failure> {
        let words = self.selected.words()?;
        let cluster = context.cluster().await?;
        let aimed = planned::aimed(&cluster, (&self.selected, &words), (context, &mut *streams)).await?;
        let report = if self.no_plan { None } else { Some(aimed.plan((context, &mut *streams)).await?) };
        if let Some(report) = &report {
            tell(&aimed, report, (context, &mut *streams))?;
            if !changes_something(report) {
                return nothing_to_do(report, streams);
            }
        }
        let plan = self.plan(report.as_ref())?;
        let restorer = restorer(&aimed, (context, &mut *streams)).await?;
        let prepared =
            self.prepare(&cluster, (&aimed, &restorer, report.as_ref()), (&words, plan), context).await?;
        if self.export {
            streams.results.write_all(create::export(&prepared.objects)?.as_bytes())?;
            return Ok(None);
        }
        if self.dry_run == DryRun::None {
            self.confirmed(&aimed, report.as_ref(), (context, &mut *streams)).await?;
        }
        let made = self.write(&cluster, &prepared, streams).await?;
        let Prepared { namespace, name, .. } = prepared;
        Ok((self.dry_run == DryRun::None).then_some((cluster, Begun { namespace, name, made })))
    }

    /// The plan that the restore is held to: the one that was shown, which must be the one that was named.
    fn plan(&self, report: Option<&Report>) -> Result<Option<String>, Failure> {
        let now = report.map(Report::plan_id);
        match (&self.plan_id, now) {
            _ if self.accept_changes => Ok(None),
            (None, now) => Ok(now),
            (Some(named), None) if named.len() == PLAN_DIGITS => Ok(Some(named.clone())),
            (Some(named), None) => Err(Failure::usage(format!("--plan-id {named} is not whole"))
                .why(format!("with --no-plan it takes all {PLAN_DIGITS} digits"))),
            (Some(named), Some(now)) if !named.is_empty() && now.starts_with(named.as_str()) => Ok(Some(now)),
            (Some(named), Some(now)) => Err(Failure::new(
                Code::PlanOutdated,
                format!("the cluster has changed since plan {named} was shown"),
            )
            .why(format!("now it would be plan {now}, as above; nothing was changed"))
            .fix(format!("--plan-id {now}   restores just that"))),
        }
    }

    async fn prepare(
        &self,
        cluster: &Cluster,
        (aimed, restorer, report): (&Aimed, &Restorer, Option<&Report>),
        (words, plan): (&Words, Option<String>),
        context: &Context,
    ) -> Result<Prepared, Failure> {
        let aim = &aimed.aim;
        let namespace = aim.namespace();
        let mut objects = Vec::new();
        if let Restorer::New(name) = restorer {
            let Some(report) = report else {
                return Err(Failure::usage("--create-restorer: the rights follow from the plan")
                    .fix("leave --no-plan out"));
            };
            let existing = existing_namespaces(cluster, report).await?;
            let needs = Needs { report, options: &aim.options, existing: &existing };
            objects = restorer::objects(name, &namespace, needs)?;
        }
        let name = self.session.name.clone().or_else(|| words.name.clone()).unwrap_or_else(|| {
            let sources = aim.part.sources();
            let of = if let [one] = sources.as_slice() { one } else { "cluster" };
            session::default_name(of, context.environment.now().as_second())
        });
        if cluster.get::<RestoreSession>(Some(&namespace), &name).await?.is_some() {
            return Err(Failure::usage(format!("RestoreSession {namespace}/{name} exists already"))
                .why("a restore is done once")
                .fix(format!("--name OTHER, or kubectl kubestash restore status {name} -n {namespace}")));
        }
        objects.push(self.session.object(Made {
            name: &name,
            snapshot: &aim.snapshot,
            components: &self.selected.look.components,
            parameters: &aim.parameters,
            plan: plan.as_deref(),
            accept_changes: self.accept_changes,
            service_account: restorer.name(),
        })?);
        Ok(Prepared { objects, namespace, name })
    }

    async fn confirmed(
        &self,
        aimed: &Aimed,
        report: Option<&Report>,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let severity = consent::severity(report, &aimed.aim.options, !self.accept_changes);
        let cluster = context.context_name()?;
        let sources = aimed.aim.part.sources();
        let name = consent::name(report, &sources, &cluster);
        let place = if name == cluster { cluster.clone() } else { format!("{cluster}/{name}") };
        self.confirm.given(&severity, (&name, &place), (context, streams)).await
    }

    /// Writes, and says which objects of the restorer were not there before.
    async fn write(
        &self,
        cluster: &Cluster,
        prepared: &Prepared,
        streams: &mut Streams<'_>,
    ) -> Result<Vec<Object>, Failure> {
        let writing = Writing { dry_run: self.dry_run, force: false };
        let written = apply::write(cluster, &prepared.objects, writing).await?;
        // The result of a restore that is followed is its end.
        let followed = self.watch && self.dry_run == DryRun::None;
        if followed {
            for one in &written {
                streams.story.line(Glyph::Done, &format!("{} {}", one.reference, one.effect.word()));
            }
        } else {
            apply::print(&written, self.dry_run, &self.output, streams)?;
        }
        let made = prepared.objects.iter().zip(&written);
        let made = made.filter(|(object, one)| one.effect == Effect::Created && !object.create_only);
        Ok(made.map(|(object, _)| object.clone()).collect())
    }
}

/// Shows the plan, as a part of the conversation.
fn tell(
    aimed: &Aimed,
    report: &Report,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let at_terminal = context.environment.terminals.error;
    let manner = Manner {
        verbose: context.manner.verbosity > 0,
        width: at_terminal.then(|| usize::from(dialoguer::console::Term::stderr().size().1)),
        coloured: streams.story.coloured(),
        ..Manner::default()
    };
    let text = planned::text(&aimed.heading(report, context)?, report, manner);
    let text = format!("{text} · plan {}", report.plan_id());
    // What is removed or changed is told however quiet it is to be.
    match consent::severity(Some(report), &aimed.aim.options, true) {
        Severity::Severe { .. } => streams.story.always(&text),
        Severity::Mild { .. } => streams.story.plain(&text),
    }
    Ok(())
}

/// As whom to restore; where nobody said it, the person is asked whether the account is to be made.
async fn restorer(
    aimed: &Aimed,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Restorer, Failure> {
    if let Some(restorer) = &aimed.restorer {
        return Ok(restorer.clone());
    }
    let (namespace, name) = (aimed.aim.namespace(), restorer::NAME);
    let question =
        format!("Make ServiceAccount {namespace}/{name} with the rights that this takes, to restore as?");
    if prompt::possible(context) && prompt::confirm(&question, (context, streams)).await? {
        return Ok(Restorer::New(name.to_owned()));
    }
    Err(Failure::missing(&[restorer::missing(&namespace)], ": as whom to restore"))
}

/// The end of a restore that would change nothing.
fn nothing_to_do<T>(report: &Report, streams: &mut Streams<'_>) -> Result<Option<T>, Failure> {
    if report.counts().failed > 0 {
        streams.story.line(Glyph::Failed, "nothing of it can be restored; nothing was changed");
        return Err(Failure::told(Exit::Partly));
    }
    streams.story.line(Glyph::Done, "nothing was changed");
    Ok(None)
}

fn changes_something(report: &Report) -> bool {
    report.lines.iter().any(|line| line.verdict.changes_something())
}

/// The namespaces of a plan that exist.
async fn existing_namespaces(cluster: &Cluster, report: &Report) -> Result<BTreeSet<String>, Failure> {
    let mut existing = BTreeSet::new();
    for place in screen::places(report).into_iter().filter(|place| !place.is_empty()) {
        let exists = match cluster.get::<Namespace>(None, place).await {
            Ok(found) => found.is_some(),
            // Who may not look at a namespace and restores into it has been given it.
            Err(error) if error.status() == Some(403) => true,
            Err(error) => return Err(error.into()),
        };
        if exists {
            existing.insert(place.to_owned());
        }
    }
    Ok(existing)
}
