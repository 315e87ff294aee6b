//! `backup create`: from flags to a scheduled, encrypted backup that is ready to run.

mod lacking;
mod observe;
mod plan;
mod typed;
mod wizard;

use crds::core::BackupConfiguration;
use crds::storage::BackupStorage;
use jiff::Timestamp;
use secrecy::SecretString;

use self::observe::Seen;
use self::plan::Plan;
use crate::cluster::Cluster;
use crate::commands::backup::{follow, trigger, watch};
use crate::commands::{create, storage};
use crate::context::Context;
use crate::failure::{Failure, Missing};
use crate::object::Object;
use crate::output::Format;
use crate::reach::{self, Origin};
use crate::readiness;
use crate::setup::input::Input;
use crate::setup::storage::Meant as Storage;
use crate::setup::target::{self, Typed as TypedTarget};
use crate::setup::{self, backup, encryption, filters, reader, retention, schedule};
use crate::story::Glyph;
use crate::streams::Streams;

/// Create or change a backup: its schedule, its storage, who reads, how long it is kept.
///
/// What is not said stays as it is, or becomes a sane default. To see what would be written:  --dry-run=server -o yaml
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Name of the backup; the default is that of its target
    name: Option<String>,
    #[command(flatten)]
    backup: backup::Flags,
    #[command(flatten)]
    keep: retention::Flags,
    #[command(flatten)]
    encryption: encryption::Flags,
    #[command(flatten)]
    reader: reader::Flags,
    #[command(flatten)]
    filters: filters::Flags,
    #[command(flatten)]
    storage: setup::storage::Flags,
    #[command(flatten)]
    check: reach::Flags,
    #[command(flatten)]
    write: create::Flags,
    #[command(flatten)]
    questions: crate::wizard::Flags,
    /// Run it once it is Ready; a new backup runs by itself then
    #[arg(long, help_heading = "Watching")]
    trigger: bool,
    /// Show how its first run goes, and exit with how that ended
    #[arg(long, help_heading = "Watching", conflicts_with = "no_wait")]
    watch: bool,
    #[command(flatten)]
    shown: follow::Shown,
}

/// What will be written, and what it follows from.
#[derive(Debug)]
struct Prepared {
    plan: Plan,
    objects: Vec<Object>,
    seen: Seen,
}

impl Args {
    /// Creates the backup; asks for what is missing, where somebody can answer.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let args = self.with_answers()?;
        args.write.limit()?;
        if args.questions.asked(args.write.offline(), context)? {
            let cluster = context.cluster().await?;
            return Box::pin(wizard::run(args, &cluster, (context, streams))).await;
        }
        let cluster = if args.write.offline() { None } else { Some(context.cluster().await?) };
        args.create(cluster.as_ref(), None, (context, streams)).await
    }

    /// Creates the backup that the flags describe.
    async fn create(
        &self,
        cluster: Option<&Cluster>,
        asked: Option<SecretString>,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let prepared = self.prepare(cluster, asked, (context, streams)).await?;
        self.save_answers()?;
        if let Some(cluster) = cluster.filter(|_| !self.write.offline()) {
            if let Some(failure) = Failure::several(lacking::lacking(cluster, &prepared.plan).await?) {
                return Err(failure);
            }
            if let Some(storage) = &prepared.plan.new_storage {
                self.check.require(cluster, storage, (context, streams)).await?;
            } else if self.check.check_from.is_some_and(|from| from != Origin::None) {
                streams.story.line(Glyph::Here, "no storage is made here: there is no bucket to check");
            }
            self.tell(&prepared.plan, &prepared.objects, context, streams);
            self.carry_out(Some(cluster), &prepared, (context, streams)).await?;
            return if self.write.writes() {
                self.go_on(cluster, &prepared, (context, streams)).await
            } else {
                Ok(())
            };
        }
        self.carry_out(None, &prepared, (context, streams)).await
    }

    /// What the flags mean in this cluster, or without one.
    async fn prepare(
        &self,
        cluster: Option<&Cluster>,
        asked: Option<SecretString>,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<Prepared, Failure> {
        let namespace = context.namespace()?;
        let typed_target = self.backup.target.as_deref().map(target::parse).transpose()?;
        let name = self.name(typed_target.as_ref(), &namespace)?;
        let seen = match cluster {
            None => Seen::offline(),
            Some(cluster) => {
                create::preconditions(cluster, &namespace).await?;
                Seen::of(cluster, (&namespace, &name), typed_target.as_ref()).await?
            }
        };
        let asked = match asked {
            Some(asked) => Some(asked),
            None => storage::create::secret_key(&self.storage, (context, streams)).await?,
        };
        let plan = self.plan((&namespace, &name), (typed_target, asked), &seen, (context, streams))?;
        let objects = plan.objects(&seen)?;
        sound(&objects)?;
        Ok(Prepared { plan, objects, seen })
    }

    /// Writes the objects, and waits until they are ready; or prints them.
    async fn carry_out(
        &self,
        cluster: Option<&Cluster>,
        prepared: &Prepared,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let Some(cluster) = cluster.filter(|_| !self.write.offline()) else {
            return self.write.print_offline(&prepared.objects, streams);
        };
        self.write.write(cluster, &prepared.objects, streams).await?;
        if !self.write.writes() {
            return Ok(());
        }
        wizard::warn_of_password(prepared, streams);
        if !self.write.no_wait {
            ready(cluster, &prepared.plan, self.write.limit()?, (context, streams)).await?;
        }
        Ok(())
    }

    /// The first run, if it is wished now.
    async fn go_on(
        &self,
        cluster: &Cluster,
        prepared: &Prepared,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let is_new = prepared.seen.existing.is_none();
        let (namespace, name) = (prepared.plan.namespace.as_str(), prepared.plan.name.as_str());
        let mut runs = Vec::new();
        // The operator runs a new backup by itself: a second run beside it would only be skipped.
        if self.trigger && !is_new {
            runs = trigger::all_sessions(cluster, (namespace, name), context).await?;
        }
        if !self.watch {
            let flag = context.namespace_flag()?;
            streams.story.plain(&format!("Next: kubectl kubestash watch {name}{flag}"));
            return Ok(());
        }
        if runs.is_empty() {
            runs = watch::runs_of(cluster, (namespace, name), None, streams).await?;
        }
        let manner = self.shown.manner(context, self.shown.progress, None)?;
        follow::to_the_end(cluster, (namespace, &runs), (manner, &Format::Table), (context, streams)).await
    }

    fn name(&self, target: Option<&TypedTarget>, namespace: &str) -> Result<String, Failure> {
        let name = match (&self.name, target) {
            (Some(name), _) => name.clone(),
            (None, Some(target)) => target.default_name(namespace),
            (None, None) => {
                let hint = "or --target, after which it is named".into();
                return Err(Failure::missing(
                    &[Missing { flag: "NAME", meaning: "name of the backup", hint }],
                    "",
                ));
            }
        };
        if setup::is_name(&name) {
            return Ok(name);
        }
        Err(Failure::usage(format!("\"{name}\" is no name"))
            .why("names have lower-case letters, digits, - and ."))
    }

    fn plan(
        &self,
        (namespace, name): (&str, &str),
        (target, asked): (Option<TypedTarget>, Option<SecretString>),
        seen: &Seen,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<Plan, Failure> {
        let mut wish = self.backup.wish()?;
        wish.filters = self.filters.clone();
        let target = target.map(|target| target.resolve(namespace, &seen.served)).transpose();
        let target = target.map_err(|failure| {
            if self.write.offline() {
                failure.row("or", "--dry-run=server, which asks the cluster")
            } else {
                failure
            }
        })?;
        let mut missing = Vec::new();
        let mut input = Input::of(streams.input, &context.environment);
        let new_storage = self.new_storage(namespace, asked, &mut input, &mut missing)?;
        let random = context.environment.random();
        let encryption = self.encryption.meant((namespace, name), &random, &mut input)?;
        for note in std::mem::take(&mut input.notes) {
            streams.story.line(Glyph::Here, &note);
        }
        let typed = plan::Typed {
            namespace,
            name,
            target,
            flags: &self.backup,
            wish,
            new_storage,
            encryption,
            keep: &self.keep,
            reader: &self.reader,
        };
        let plan = plan::plan(typed, seen, &mut missing)?;
        if missing.is_empty() { Ok(plan) } else { Err(Failure::missing(&missing, "")) }
    }

    /// The storage that the flags describe, if they describe one.
    fn new_storage(
        &self,
        namespace: &str,
        asked: Option<SecretString>,
        input: &mut Input<'_>,
        missing: &mut Vec<Missing>,
    ) -> Result<Option<Storage>, Failure> {
        if !self.storage.describe_one() {
            return Ok(None);
        }
        let (place, name) = match &self.backup.storage {
            Some(typed) => setup::reference("--storage", typed, namespace)?,
            None => (namespace.to_owned(), self.storage.default_name().unwrap_or_else(|| "storage".into())),
        };
        self.storage.meant((&place, &name), asked, input, missing).map(Some)
    }

    /// What was decided and not typed.
    fn tell(&self, plan: &Plan, objects: &[Object], context: &Context, streams: &mut Streams<'_>) {
        if let Some(target) = plan.target.as_ref().filter(|_| self.backup.target.is_some()) {
            streams.story.line(Glyph::Here, &format!("backs up {}", target.spoken()));
        }
        for (line, runs) in runs(objects, context.environment.now(), &context.environment.time_zone) {
            streams.story.line(Glyph::Here, &format!("runs '{line}', next: {runs}"));
        }
        if let Some(kept) = plan.kept().filter(|_| !self.keep.any()) {
            streams.story.line(Glyph::Here, &format!("keeps {kept}"));
        }
    }
}

/// The schedules of the backup among these objects, and when they are due next.
fn runs(objects: &[Object], now: Timestamp, zone: &jiff::tz::TimeZone) -> Vec<(String, String)> {
    let configuration = objects.iter().find(|object| object.kind.kind == "BackupConfiguration");
    let sessions = configuration.and_then(|object| object.body.pointer("/spec/sessions")?.as_array());
    let lines =
        sessions.into_iter().flatten().filter_map(|session| session.pointer("/scheduler/schedule")?.as_str());
    lines
        .filter_map(|line| {
            let runs = schedule::next_runs(&schedule::check(line).ok()?, now, zone, 3);
            Some((line.to_owned(), runs))
        })
        .collect()
}

/// What the operator would refuse is refused before anything is written.
fn sound(objects: &[Object]) -> Result<(), Failure> {
    let Some(object) = objects.iter().find(|object| object.kind.kind == "BackupConfiguration") else {
        return Ok(());
    };
    let Ok(configuration) = serde_json::from_value::<BackupConfiguration>(object.body.clone()) else {
        return Ok(());
    };
    let violations = configuration.violations();
    if violations.is_empty() {
        return Ok(());
    }
    let why: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Err(Failure::usage(format!("{} would not be valid", object.spoken())).why(why.join("\n")))
}

/// Storage first: what is wrong there is told in its own words.
async fn ready(
    cluster: &Cluster,
    plan: &Plan,
    limit: std::time::Duration,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    if let Some(storage) = &plan.new_storage {
        let place = (storage.namespace.as_str(), storage.name.as_str());
        let states = cluster.follow::<BackupStorage>(place.0, place.1);
        create::ready(cluster, place, (states, readiness::storage), limit, (context, streams)).await?;
    }
    let place = (plan.namespace.as_str(), plan.name.as_str());
    let states = cluster.follow::<BackupConfiguration>(place.0, place.1);
    create::ready(cluster, place, (states, readiness::backup), limit, (context, streams)).await
}
