//! `manifest-restore`: the engine run from here, with the user's own rights and upstream's flags (contract §9).
//!
//! Upstream's own `--namespace`, whose default hides that of the context, is the namespace of the command here, as with
//! every other verb. `--override-resources`, `--restore-pvs` and `--target-namespace`, which upstream declares and does not
//! use, do what they say.

mod files;

use std::path::PathBuf;
use std::time::Duration;

use archive::restore;
use archive::restore::progress::Progress;
use archive::restore::report::Report;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::human;
use crate::look;
use crate::output::Format;
use crate::progress::Mode;
use crate::restore::aim::{self, Aim, Asked};
use crate::restore::consent;
use crate::restore::document::{self, About};
use crate::restore::screen::{self, Manner};
use crate::restore::typed::{How, What};
use crate::restore::working::{self, Shown};
use crate::story::Glyph;
use crate::streams::Streams;

/// Bring back manifests of a snapshot from here, with your own rights
///
/// Objects that exist stay as they are, unless --override-resources. With --dry-run-dir, nothing is asked of the cluster and
/// the manifests that would be sent are written into files.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The snapshot
    #[arg(long, value_name = "SNAP")]
    snapshot: String,
    /// Change objects that exist: they take the snapshot's fields
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t, action = clap::ArgAction::Set, value_name = "BOOL")]
    override_resources: bool,
    /// One storage class in the place of another: old=new, comma separated
    #[arg(long, value_delimiter = ',', value_name = "OLD=NEW")]
    storage_class_mappings: Vec<String>,
    /// PersistentVolumes too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t, action = clap::ArgAction::Set, value_name = "BOOL")]
    restore_pvs: bool,
    /// Into this namespace instead of the one that the objects come from
    #[arg(long, value_name = "NAMESPACE")]
    target_namespace: Option<String>,
    /// How often what failed is tried again, in all
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    max_iterations: u32,
    /// Also from a snapshot that is known to lack something
    #[arg(long)]
    allow_incomplete: bool,
    /// Write the manifests into DIR/DryRun instead of restoring them
    #[arg(long, value_name = "DIR")]
    dry_run_dir: Option<PathBuf>,
    /// Output format of what became of the objects
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    progress: Mode,
    #[command(flatten)]
    look: look::Flags,
    #[command(flatten)]
    ignored: Ignored,
    #[command(flatten)]
    filters: Filters,
    /// Objects of the cluster itself as well
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    include_cluster_resources: Option<bool>,
    #[command(flatten)]
    confirm: consent::Flags,
}

/// Flags of upstream's without an effect here.
#[derive(Clone, Debug, Default, clap::Args)]
struct Ignored {
    #[arg(long, hide = true)]
    paths: Option<String>,
    #[arg(long, hide = true)]
    data_dir: Option<String>,
    #[arg(long, hide = true)]
    scratch_dir: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    enable_cache: Option<bool>,
    #[arg(long, hide = true)]
    image: Option<String>,
    #[arg(long, hide = true)]
    master: Option<String>,
}

impl Args {
    /// Whether the cluster is left alone.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.dry_run_dir.is_some()
    }

    /// Restores.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let (what, how) = (self.what(), self.how());
        let cluster = context.cluster().await?;
        let asked = Asked {
            address: Some(self.snapshot.parse()?),
            objects: Vec::new(),
            what: &what,
            how: &how,
            look: self.look.clone(),
        };
        let mut aim = aim::take(&cluster, &asked, (context, &mut *streams)).await?;
        if let Some(folder) = &self.dry_run_dir {
            let written = files::write(&aim, folder).await?;
            let text = format!(
                "{} written to {}",
                human::counted(written, "manifest"),
                folder.join("DryRun").display()
            );
            streams.story.line(Glyph::Done, &text);
            return Ok(());
        }
        self.confirmed(&aim, (context, &mut *streams)).await?;
        aim::protect(&mut aim, "", &cluster).await;
        let begun = context.environment.now();
        let (progress, stop) = (Progress::new(), CancellationToken::new());
        let shown = Shown {
            doing: "restoring",
            stays: "stopped; what was brought back stays, and the same command makes the rest",
            mode: self.progress.in_surroundings(&context.environment, context.can_redraw()),
            interval: Duration::from_secs(30),
        };
        let work = restore::restore(cluster.client(), &aim.source, &aim.options, &progress, &stop);
        let report = working::shown(work, (&progress, &stop), shown, (context, &mut *streams)).await?;
        let took = human::between(begun, context.environment.now());
        self.tell(&aim, &report, took, (context, streams))
    }

    fn what(&self) -> What {
        What {
            filters: self.filters.clone(),
            include_cluster_resources: self.include_cluster_resources.or(Some(self.look.all_namespaces)),
            restore_pvs: self.restore_pvs,
            ..What::default()
        }
    }

    fn how(&self) -> How {
        How {
            replace: self.override_resources,
            to_namespace: self.target_namespace.clone(),
            map_storage_class: self.storage_class_mappings.clone(),
            allow_incomplete: self.allow_incomplete,
            max_iterations: Some(self.max_iterations),
            ..How::default()
        }
    }

    /// Upstream asks nothing; what changes objects is asked here all the same.
    async fn confirmed(
        &self,
        aim: &Aim,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        if !self.override_resources {
            return Ok(());
        }
        let severity = consent::severity(None, &aim.options, false);
        let cluster = context.context_name()?;
        let name = consent::name(None, &aim.part.sources(), &cluster);
        let place = format!("{cluster}/{name}");
        self.confirm.given(&severity, (&name, &place), (context, streams)).await
    }

    fn tell(
        &self,
        aim: &Aim,
        report: &Report,
        took: Duration,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let (snapshot, cluster) = (crate::commands::lookup::place(&aim.snapshot), context.context_name()?);
        let about = About {
            kind: "RestoreReport",
            snapshot: &snapshot,
            context: &cluster,
            as_whom: "by your own rights",
            parameters: &aim.parameters,
        };
        let environment = &context.environment;
        let at_terminal = environment.terminals.output;
        let manner = Manner {
            done: true,
            verbose: context.manner.verbosity > 0,
            width: at_terminal.then(|| usize::from(dialoguer::console::Term::stdout().size().1)),
            coloured: crate::colours(context.manner.color, at_terminal, environment),
        };
        let text = match document::formatted(report, about, &self.output)? {
            Some(text) => text,
            None => screen::objects(report, manner),
        };
        streams.results.write_all(text.as_bytes())?;
        streams.results.flush()?;
        let counts = report.counts();
        let glyph = if counts.failed > 0 { Glyph::Failed } else { Glyph::Done };
        streams.story.line(glyph, &format!("{} in {}", counts.done(), human::duration(took)));
        match (counts.failed, counts.created + counts.updated + counts.unchanged) {
            (0, _) => Ok(()),
            (_, 0) => Err(Failure::told(Exit::Failed)),
            _ => Err(Failure::told(Exit::Partly)),
        }
    }
}
