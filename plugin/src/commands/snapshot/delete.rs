//! `snapshot delete`: a snapshot leaves the cluster; its data only when that is wished, or its policy says so.

use crds::storage::{DeletionPolicy, Snapshot};

use super::list::{sizes, taken};
use crate::commands::lookup;
use crate::commands::removal::{self, Doomed};
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::streams::Streams;

/// Delete snapshots; their data stays unless --wipe-data, or their deletionPolicy is WipeOut
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: lookup::Choice,
    /// Erase the data in the repository as well; needs --confirm NAME
    #[arg(long)]
    wipe_data: bool,
    #[command(flatten)]
    delete: removal::Flags,
}

impl Args {
    /// Deletes.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let now = context.environment.now();
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let chosen: Vec<Snapshot> = self.choice.objects(&cluster, &namespace).await?;
        let age = |snapshot: &Snapshot| taken(snapshot).map(|taken| human::age_at(taken, now));
        let doomed: Result<Vec<Doomed>, Failure> =
            chosen.iter().map(|snapshot| doomed(snapshot, age(snapshot), self.wipe_data)).collect();
        self.delete.delete(&cluster, &doomed?, (context, streams)).await
    }
}

fn doomed(snapshot: &Snapshot, age: Option<String>, wipe: bool) -> Result<Doomed, Failure> {
    let wipes_itself = snapshot.deletion_policy() == DeletionPolicy::WipeOut;
    let erases = wipe || wipes_itself;
    let size = sizes(snapshot).0.map(|bytes| format!(", {}", human::bytes(bytes))).unwrap_or_default();
    let age = age.map(|age| format!(", taken {age} ago")).unwrap_or_default();
    let repository = &snapshot.spec.repository;
    let fate = if erases {
        let because = if wipe { "--wipe-data" } else { "deletionPolicy WipeOut" };
        vec![format!("ITS DATA in Repository {repository} is erased{size}{age} ({because})")]
    } else {
        vec![format!(
            "only the object goes{age}: its data stays in Repository {repository}, and retention removes it no more"
        )]
    };
    let doomed = Doomed::of(snapshot, fate)?.erasing(erases);
    Ok(Doomed { wipe_first: wipe && !wipes_itself, ..doomed })
}
