//! Deleting objects: what happens to the data is said beforehand, and confirmed. Data that would be erased takes the name
//! of the object, typed.

use crds::storage::DeletionPolicy;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::apply::owner;
use crate::args::DryRun;
use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::object::Object;
use crate::prompt;
use crate::story::Glyph;
use crate::streams::Streams;

/// Flags of a command that deletes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Deleting")]
#[group(id = "deleting")]
pub struct Flags {
    /// Do not delete: print what would be, judged by this plugin or by the API server
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value = "none", default_missing_value = "client", value_name = "WHO")]
    pub dry_run: DryRun,
    /// Delete without asking; what erases data needs --confirm all the same
    #[arg(short, long)]
    pub yes: bool,
    /// The name of the object, to confirm that its data is erased; may be repeated
    #[arg(long, value_name = "NAME")]
    pub confirm: Vec<String>,
}

/// A command that deletes objects of a kind.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: lookup::Choice,
    #[command(flatten)]
    delete: Flags,
}

/// A kind whose objects can be deleted, with all that depends on them.
pub trait Deletable: Resource<DynamicType = ()> + DeserializeOwned + Clone {
    /// What happens when these objects of a namespace go.
    fn doomed(
        chosen: &[Self],
        cluster: &Cluster,
        namespace: &str,
    ) -> impl Future<Output = Result<Vec<Doomed>, Failure>>;
}

impl Args {
    /// Deletes.
    pub async fn run<K: Deletable>(
        self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let chosen: Vec<K> = self.choice.objects(&cluster, &namespace).await?;
        let doomed = K::doomed(&chosen, &cluster, &namespace).await?;
        self.delete.delete(&cluster, &doomed, (context, streams)).await
    }
}

/// What the deletion of an object does to its data (contract §6.4).
#[must_use]
pub fn fate(policy: DeletionPolicy) -> &'static str {
    match policy {
        DeletionPolicy::Delete => "its data stays (deletionPolicy Delete)",
        DeletionPolicy::WipeOut => "ITS DATA IS ERASED (deletionPolicy WipeOut)",
    }
}

/// An object on its way out.
#[derive(Clone, Debug)]
pub struct Doomed {
    pub object: Object,
    /// What happens with it, one sentence per line.
    pub fate: Vec<String>,
    /// Whether data is erased that nobody can bring back.
    pub erases: bool,
    /// Whether it first has to be told that its data goes too.
    pub wipe_first: bool,
}

impl Doomed {
    /// An object whose deletion erases nothing.
    pub fn of<K>(object: &K, fate: Vec<String>) -> Result<Self, Failure>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        Ok(Self { object: Object::typed(object)?, fate, erases: false, wipe_first: false })
    }

    /// The same, with its data.
    #[must_use]
    pub fn erasing(self, erases: bool) -> Self {
        Self { erases, ..self }
    }
}

impl Flags {
    /// Says what will happen, has it confirmed, and deletes.
    pub async fn delete(
        &self,
        cluster: &Cluster,
        doomed: &[Doomed],
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        announce(doomed, streams);
        if self.dry_run == DryRun::None {
            self.confirmed(doomed, context, streams).await?;
        }
        let note = match self.dry_run {
            DryRun::None => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        };
        for Doomed { object, wipe_first, .. } in doomed {
            if *wipe_first && self.dry_run == DryRun::None {
                let wipe = serde_json::json!({"spec": {"deletionPolicy": "WipeOut"}});
                cluster
                    .merge(&object.kind, (object.namespace.as_deref(), &object.name), &wipe, false)
                    .await?;
            }
            let existed = match self.dry_run {
                DryRun::Client => true,
                dry_run => cluster.delete(object, dry_run == DryRun::Server).await?,
            };
            let word = if existed { "deleted" } else { "was gone already" };
            writeln!(streams.results, "{} {word}{note}", object.reference())?;
        }
        streams.results.flush()?;
        if self.dry_run == DryRun::None && doomed.iter().any(|doomed| doomed.erases) {
            streams.story.plain(
                "The operator erases the data now; the object is gone when it is done. A failure is in its status.",
            );
        }
        Ok(())
    }

    async fn confirmed(
        &self,
        doomed: &[Doomed],
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        let unconfirmed: Vec<&Doomed> = doomed
            .iter()
            .filter(|doomed| doomed.erases && !self.confirm.contains(&doomed.object.name))
            .collect();
        let mild = doomed.iter().any(|doomed| !doomed.erases);
        if !prompt::possible(context) {
            return refused(&unconfirmed, mild && !self.yes).map_or(Ok(()), Err);
        }
        for Doomed { object, .. } in unconfirmed {
            let question =
                format!("Type the name of the {} ({}) to erase its data", object.kind.kind, object.name);
            if prompt::line(&question, (context, streams)).await? != object.name {
                return Err(Failure::new(Code::NotConfirmed, "not confirmed; nothing was changed")
                    .fix(format!("--confirm {}", object.name)));
            }
        }
        if mild && !self.yes && !prompt::confirm("Delete?", (context, streams)).await? {
            streams.story.plain("Nothing was changed.");
            return Err(Failure::told(Exit::Usage));
        }
        Ok(())
    }
}

/// What is lacking where nobody can be asked.
fn refused(unconfirmed: &[&Doomed], needs_yes: bool) -> Option<Failure> {
    let mut flags: Vec<String> =
        unconfirmed.iter().map(|doomed| format!("--confirm {}", doomed.object.name)).collect();
    if needs_yes {
        flags.push("--yes".into());
    }
    if flags.is_empty() {
        return None;
    }
    let why =
        if unconfirmed.is_empty() { "nobody can be asked here" } else { "data would be erased for ever" };
    Some(Failure::new(Code::NotConfirmed, "not confirmed; nothing was changed").why(why).fix(flags.join(" ")))
}

fn announce(doomed: &[Doomed], streams: &mut Streams<'_>) {
    for Doomed { object, fate, erases, .. } in doomed {
        let glyph = if *erases { Glyph::Warning } else { Glyph::Plan };
        streams.story.line(glyph, &format!("delete {}", object.spoken()));
        for line in fate {
            let line = format!("    {line}");
            if *erases {
                streams.story.always(&line);
            } else {
                streams.story.plain(&line);
            }
        }
        if let Some(owner) = owner::of(&object.body) {
            let text = format!("{} is managed by {}, which would make it again", object.spoken(), owner.name);
            streams.story.line(Glyph::Warning, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use crds::storage::{BackupStorage, BackupStorageSpec};

    use super::*;

    fn doomed(name: &str, erases: bool) -> Doomed {
        let storage = BackupStorage::new(name, BackupStorageSpec::default());
        Doomed::of(&storage, Vec::new()).unwrap().erasing(erases)
    }

    #[test]
    fn what_erases_data_needs_its_name_and_the_rest_a_yes() {
        let (mild, severe) = (doomed("mild", false), doomed("severe", true));
        let fix = |unconfirmed: &[&Doomed], needs_yes| {
            let failure = refused(unconfirmed, needs_yes)?;
            assert_eq!(failure.exit(), Exit::Usage);
            failure.rows().find(|(label, _)| *label == "fix").map(|(_, fix)| fix.to_owned())
        };
        assert_eq!(fix(&[], false), None);
        assert_eq!(fix(&[], true).as_deref(), Some("--yes"));
        assert_eq!(fix(&[&severe], false).as_deref(), Some("--confirm severe"));
        assert_eq!(fix(&[&severe], true).as_deref(), Some("--confirm severe --yes"));
        assert!(!mild.erases);
    }
}
