//! `check`: whether the installation is healthy, what is not, and the command that mends it. Reads only, but for `--deep`.

mod buckets;
mod kubernetes;
mod operator;
mod render;
mod report;
mod wait;

use clap::ValueEnum;
use crds::storage::BackupStorage;
use jiff::Timestamp;

use self::report::{Category, Check, Verdict};
use crate::cluster::Cluster;
use crate::commands::list;
use crate::commands::lookup;
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::glance::problem;
use crate::glance::{self, World};
use crate::human;
use crate::streams::Streams;

/// Check the cluster, the operator, storages and backups; exit with 1 when something is wrong
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Args {
    /// Only what must be right before an installation
    #[arg(long)]
    pre: bool,
    /// Storages and backups of all namespaces
    #[arg(short = 'A', long, conflicts_with = "pre")]
    all_namespaces: bool,
    /// Also write, read back and delete a small object in every storage, from here
    #[arg(long, conflicts_with = "pre")]
    deep: bool,
    /// Wait until the operator is ready, at most this long, and then check
    #[arg(long, value_name = "DURATION", conflicts_with = "pre")]
    wait: Option<String>,
    /// Exit with 1 for warnings as well
    #[arg(long)]
    fail_on_warnings: bool,
    /// Output format: table, short for what is wrong only, or json
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

/// How the report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Every check.
    #[default]
    Table,
    /// Only what is wrong.
    Short,
    /// For programs: categories, checks, results, fixes.
    Json,
}

impl Args {
    /// Checks.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let late = match &self.wait {
            None => None,
            Some(text) => {
                let limit = context::duration("--wait", text)?;
                wait::for_the_operator(&context.cluster().await?, limit, streams).await?
            }
        };
        let categories = self.categories(context).await?;
        let text = match self.output {
            Format::Table => render::table(&categories, false),
            Format::Short => render::table(&categories, true),
            Format::Json => render::json(&categories)?,
        };
        streams.results.write_all(text.as_bytes())?;
        streams.results.flush()?;
        if let Some(late) = late {
            return Err(late);
        }
        let has = |verdict: Verdict| {
            categories.iter().flat_map(|category| &category.checks).any(|check| check.verdict == verdict)
        };
        if has(Verdict::Error) || (self.fail_on_warnings && has(Verdict::Warning)) {
            return Err(Failure::told(Exit::Failed));
        }
        Ok(())
    }

    /// Whether anything is written.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.deep
    }

    async fn categories(&self, context: &Context) -> Result<Vec<Category>, Failure> {
        let now = context.environment.now();
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let mut categories = vec![kubernetes::checks(&cluster, &namespace, self.pre).await?];
        if self.pre || categories[0].checks[0].verdict == Verdict::Error {
            return Ok(categories);
        }
        categories.push(operator::checks(&cluster).await);
        let (everywhere, scope) = (self.all_namespaces, Some(namespace.as_str()));
        let scope = scope.filter(|_| !everywhere);
        let place =
            scope.map_or_else(|| "all namespaces".into(), |namespace| format!("namespace {namespace}"));
        let storages = storages(&cluster, scope, now).await;
        categories.push(Category { name: "storage", place: place.clone(), checks: storages });
        if self.deep {
            categories.extend(buckets::checks(&cluster, (scope, &place), context).await);
        }
        let backups = backups(&cluster, scope, now).await;
        categories.push(Category { name: "backups", place, checks: backups });
        Ok(categories)
    }
}

async fn storages(cluster: &Cluster, namespace: Option<&str>, now: Timestamp) -> Vec<Check> {
    let mut storages: Vec<BackupStorage> = match cluster.list(namespace, "").await {
        Ok(storages) => storages,
        Err(error) => return vec![Check::unseen(Code::NoStorage, "storages can be listed", &error.into())],
    };
    if storages.is_empty() {
        let fix = "kubectl kubestash storage create";
        return vec![Check::doubtful(Code::NoStorage, "there is a storage", "none yet", fix)];
    }
    list::sort_by_name(&mut storages);
    storages.iter().map(|storage| of_storage(storage, now)).collect()
}

fn of_storage(storage: &BackupStorage, now: Timestamp) -> Check {
    let place = lookup::place(storage);
    let status = storage.status.clone().unwrap_or_default();
    let Some(problem) = problem::of_storage(storage) else {
        let size = glance::size(status.total_size.as_ref());
        let repositories = human::counted(status.repositories.len(), "repository");
        let held = if size.is_empty() { repositories } else { format!("{size} in {repositories}") };
        return Check::well(Code::StorageNotReady, place, format!("Ready, {held}"));
    };
    let failed = crds::condition::first_failure(&status.conditions);
    let since = failed.map(|failed| format!(" since {}", human::age_at(failed.last_transition_time.0, now)));
    let mut check = Check::of_problem(&place, &problem);
    check.remark = format!("NotReady{}: {}", since.unwrap_or_default(), problem.what);
    check
}

async fn backups(cluster: &Cluster, namespace: Option<&str>, now: Timestamp) -> Vec<Check> {
    let mut world = match World::observe(cluster, namespace, "").await {
        Ok(world) => world,
        Err(error) => return vec![Check::unseen(Code::NoBackup, "backups can be listed", &error.into())],
    };
    if world.configurations.is_empty() {
        let fix = "kubectl kubestash backup create";
        return vec![Check::doubtful(Code::NoBackup, "there is a backup", "none yet", fix)];
    }
    list::sort_by_name(&mut world.configurations);
    let mut checks = Vec::new();
    for configuration in &world.configurations {
        let backup = world.glance(configuration);
        let place = lookup::place(configuration);
        let problems = problem::of_backup(&backup, now);
        checks.extend(problems.iter().map(|problem| Check::of_problem(&place, problem)));
        if problems.is_empty() {
            let remark = match backup.runs().first() {
                _ if configuration.spec.paused => "paused".to_owned(),
                Some(run) => format!("last run {}", run.told(now)),
                None => "not run yet".to_owned(),
            };
            checks.push(Check::well(Code::BackupNotReady, place, remark));
        }
    }
    checks
}
