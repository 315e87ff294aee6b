//! What a restore is asked to do: read from its arguments and from the objects that its session names.

use std::collections::BTreeMap;

use archive::coverage;
use archive::error::Permanence;
use archive::restore::ground::Ground;
use archive::restore::options::{self, Existing, Options};
use crds::core::RestoreSession;
use crds::storage::snapshot::SnapshotPhase;
use crds::storage::{Repository, Snapshot};

use super::protected;
use crate::args::Restore;
use crate::cluster::{self, Cluster, Kind};
use crate::job::peers::Jobs;
use crate::job::target::{self, Target};
use crate::job::{self, Failed};
use crate::restore_session::source::{self, Stored};

/// Everything that a session wants from its Job.
#[derive(Debug)]
pub struct Work {
    /// The restic repository.
    pub target: Target,
    /// What is restored of it.
    pub stored: Stored,
    /// `spec.path` of the Repository.
    pub path: String,
    /// How.
    pub options: Options,
    /// The Jobs that this one is among, as locks know them.
    pub jobs: Jobs,
    /// The name of this Job's pod.
    pub pod: Option<String>,
}

/// Reads it.
pub async fn read(cluster: &Cluster, arguments: &Restore, session: &RestoreSession) -> Result<Work, Failed> {
    let decided = options::decide(&parameters(arguments));
    let mut options = decided.map_err(|error| for_good(error.to_string()))?;
    let namespace = session.source_namespace();
    let snapshot: Snapshot = find(cluster, &namespace, &arguments.snapshot).await?;
    let is_complete = source::phase(&snapshot) == Some(SnapshotPhase::Succeeded);
    let stored = source::stored(&snapshot)
        .filter(|_| is_complete || options.incomplete)
        .ok_or_else(|| for_good(format!("Snapshot {:?} is not complete", arguments.snapshot)))?;
    let mut repository: Repository = find(cluster, &namespace, &snapshot.spec.repository).await?;
    repository.spec.encryption_secret = source::encryption(session, &repository);
    let target = target::of(cluster, &snapshot, &repository).await;
    let target =
        target.map_err(|error| Failed { message: error.to_string(), permanence: error.permanence() })?;
    // What an incomplete backup lacks may be there all the same.
    options.covered = coverage::of(&snapshot).filter(|_| is_complete);
    let may_change = options.prune || options.existing != Existing::Leave;
    let ground = Ground {
        home: super::home(session),
        account: session.service_account().unwrap_or_default().to_owned(),
        operator: arguments.operator_namespace.clone(),
        source: namespace,
        secrets: target.secrets.clone(),
    };
    options.protected = protected::find(cluster, &ground, may_change).await;
    let jobs = target.jobs.of_namespace(&ground.home);
    Ok(Work { target, stored, path: repository.spec.path, options, jobs, pod: arguments.pod.clone() })
}

fn for_good(message: String) -> Failed {
    Failed { message, permanence: Permanence::Permanent }
}

async fn find<K: Kind>(cluster: &Cluster, namespace: &str, name: &str) -> Result<K, Failed> {
    let failed =
        |error: &cluster::Error| Failed { message: error.to_string(), permanence: job::permanence(error) };
    let found = cluster.find::<K>(namespace, name).await.map_err(|error| failed(&error))?;
    found.ok_or_else(|| for_good(format!("{} \"{namespace}/{name}\" does not exist", K::kind(&()))))
}

/// The parameters under the names that the Addon gives them (contract §7.1, and those of this project).
fn parameters(arguments: &Restore) -> BTreeMap<String, String> {
    let given = [
        ("OverrideResources", &arguments.override_resources),
        ("StorageClassMappings", &arguments.storage_class_mappings),
        ("RestorePVs", &arguments.volumes),
        ("Objects", &arguments.objects),
        ("WithOwned", &arguments.with_owned),
        ("WithReferences", &arguments.with_references),
        ("NamespaceMappings", &arguments.namespace_mappings),
        ("ImageRegistryMappings", &arguments.image_registry_mappings),
        ("AddLabels", &arguments.add_labels),
        ("Patches", &arguments.patches),
        ("IncludeRBACResources", &arguments.include_rbac_resources),
        ("IncludeWebhooks", &arguments.include_webhooks),
        ("Prune", &arguments.prune),
        ("SafeRestore", &arguments.safe),
        ("MaxIterations", &arguments.max_iterations),
        ("PlanID", &arguments.plan_id),
        ("AcceptChanges", &arguments.accept_changes),
        ("AllowIncomplete", &arguments.allow_incomplete),
    ];
    let all = arguments.filters.parameters().chain(given);
    all.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}
