//! The arguments of a restore Job.

use clap::Args;

use super::Filters;

/// What a restore Job's container is told: the arguments of KubeStash's Function (contract §7.2), and those of this
/// project's. What each means is told where the parameters are, in `archive::restore::options`. An empty value is no
/// value.
#[derive(Args, Clone, Debug)]
pub struct Restore {
    /// Namespace of the RestoreSession.
    #[arg(long)]
    pub namespace: String,
    /// Name of the RestoreSession.
    #[arg(long)]
    pub restoresession: String,
    /// Name of the Snapshot, which the operator has chosen.
    #[arg(long)]
    pub snapshot: String,
    /// Name of the pod, by which others know whose lock they meet.
    #[arg(long, env = "HOSTNAME", hide = true)]
    pub pod: Option<String>,
    /// Namespace of the operator, which a restore leaves alone.
    #[arg(long, default_value = "")]
    pub operator_namespace: String,
    /// Accepted and without effect: there is no cache.
    #[arg(long, default_value = "")]
    pub enable_cache: String,
    /// Accepted and without effect: the Snapshot says where its manifests are, and nothing is written to a disk.
    #[arg(long, default_value = "")]
    pub scratch_dir: String,
    /// Which objects.
    #[command(flatten)]
    pub filters: Filters,
    /// Whether existing objects take the snapshot's fields.
    #[arg(long, default_value = "")]
    pub override_resources: String,
    /// Storage classes, `old=new,…`.
    #[arg(long, default_value = "")]
    pub storage_class_mappings: String,
    /// Whether PersistentVolumes are restored.
    #[arg(long = "restore-pvs", default_value = "")]
    pub volumes: String,
    /// Single objects.
    #[arg(long, default_value = "")]
    pub objects: String,
    /// Whether what these own is restored as well.
    #[arg(long, default_value = "")]
    pub with_owned: String,
    /// Whether what these name is restored as well.
    #[arg(long, default_value = "")]
    pub with_references: String,
    /// Namespaces, `old=new,…`.
    #[arg(long, default_value = "")]
    pub namespace_mappings: String,
    /// Beginnings of image names, `old=new,…`.
    #[arg(long, default_value = "")]
    pub image_registry_mappings: String,
    /// Labels that every object gets, `key=value,…`.
    #[arg(long, default_value = "")]
    pub add_labels: String,
    /// A JSON list of patches.
    #[arg(long, default_value = "")]
    pub patches: String,
    /// Whether Roles and bindings are restored.
    #[arg(long, default_value = "")]
    pub include_rbac_resources: String,
    /// Whether webhook configurations, admission policies and APIServices are restored.
    #[arg(long, default_value = "")]
    pub include_webhooks: String,
    /// Whether existing objects are replaced, and what the snapshot lacks is removed.
    #[arg(long, default_value = "")]
    pub prune: String,
    /// Whether what would hurt in another cluster is left out.
    #[arg(long = "safe-restore", default_value = "")]
    pub safe: String,
    /// Rounds for what depends on something that is not there yet.
    #[arg(long, default_value = "")]
    pub max_iterations: String,
    /// The plan that was shown.
    #[arg(long, default_value = "")]
    pub plan_id: String,
    /// Whether what the snapshot lacks is removed without a plan that was shown.
    #[arg(long, default_value = "")]
    pub accept_changes: String,
    /// Whether a Snapshot that is not complete is restored.
    #[arg(long, default_value = "")]
    pub allow_incomplete: String,
}
