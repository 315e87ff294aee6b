//! What every list has in common: kubectl's flags, its table, and its words for an empty one.

mod alone;
mod live;
mod order;

use std::collections::BTreeMap;

use crds::retention_period::RetentionPeriod;
use futures::stream::BoxStream;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::watcher;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;

pub use alone::{Alone, Row};
pub use order::{SortBy, sort_by_name};

use crate::cluster::{Cluster, Error, Followed, Selection};
use crate::commands::create;
use crate::context::Context;
use crate::failure::Failure;
use crate::object::Object;
use crate::output::{self, Format, Shape};
use crate::streams::Streams;

/// Flags of a list.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Listing")]
#[group(id = "listing")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Flags {
    /// List the objects of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "", hide_default_value = true, value_name = "LABELS")]
    pub selector: String,
    /// Only objects with these fields, for example metadata.name=NAME
    #[arg(long, default_value = "", hide_default_value = true, value_name = "FIELDS")]
    pub field_selector: String,
    /// What to sort by: name, age, size, or a path such as .metadata.creationTimestamp
    #[arg(long, value_name = "WHAT")]
    pub sort_by: Option<SortBy>,
    /// Go on with a row for each change, until Ctrl-C
    #[arg(short, long)]
    pub watch: bool,
    /// Show the labels in a last column
    #[arg(long)]
    pub show_labels: bool,
    /// Leave the headers out
    #[arg(long)]
    pub no_headers: bool,
    /// Output format
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    pub output: Format,
}

/// What a list shows: objects of a kind, and what else their rows are made of.
pub trait Listed: Default {
    /// The kind.
    type Object: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize + Followed;
    /// What a watch tells.
    type Change;

    /// The columns; the first is the namespace, which is left out unless all are listed.
    const HEADERS: &'static [&'static str];
    /// Further columns of `-o wide`.
    const WIDE: &'static [&'static str];
    /// The order when none is wished.
    const ORDER: SortBy = SortBy::Name;
    /// Whether the objects have a size to be sorted by.
    const HAS_SIZE: bool = true;

    /// Reads all.
    fn read(
        cluster: &Cluster,
        namespace: Option<&str>,
        selection: Selection<'_>,
    ) -> impl Future<Output = Result<Self, Error>>;

    /// Follows all.
    fn changes(
        cluster: &Cluster,
        namespace: Option<&str>,
        selection: Selection<'_>,
    ) -> BoxStream<'static, Result<Self::Change, watcher::Error>>;

    /// Brings this up to date.
    fn note(&mut self, change: Self::Change);

    fn objects(&self) -> &[Self::Object];

    /// The cells of an object, those of wide columns included.
    fn cells(&self, object: &Self::Object, now: Timestamp) -> Vec<String>;

    /// The size of an object in bytes.
    fn size(&self, _: &Self::Object) -> Option<u64> {
        None
    }

    /// How old an object is.
    fn time(object: &Self::Object) -> Option<Timestamp> {
        object.creation_timestamp().map(|made| made.0)
    }
}

impl Flags {
    /// The namespace to list; `None` for all.
    pub fn namespace(&self, context: &Context) -> Result<Option<String>, Failure> {
        if self.all_namespaces { Ok(None) } else { context.namespace().map(Some) }
    }

    fn selection(&self) -> Selection<'_> {
        Selection { labels: &self.selector, fields: &self.field_selector }
    }

    /// Lists the objects that are `wished`, and with `--watch` what becomes of them.
    pub async fn run<L: Listed>(
        &self,
        wished: impl Fn(&L, &L::Object) -> bool,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let namespace = self.namespace(context)?;
        let cluster = context.cluster().await?;
        let list = match L::read(&cluster, namespace.as_deref(), self.selection()).await {
            Err(error) if error.status() == Some(400) => return Err(self.misunderstood(error)),
            list => list?,
        };
        if list.objects().is_empty() {
            create::installed(&cluster).await?;
        }
        let mut objects: Vec<L::Object> =
            list.objects().iter().filter(|object| wished(&list, object)).cloned().collect();
        self.sort_by.as_ref().unwrap_or(&L::ORDER).sort(&list, &mut objects)?;
        if self.watch {
            return live::follow(
                self,
                (&cluster, namespace.as_deref()),
                (list, objects),
                wished,
                (context, streams),
            )
            .await;
        }
        self.print(&list, &objects, (context, streams))
    }

    /// Only the API server knows what can be selected.
    fn misunderstood(&self, error: Error) -> Failure {
        let failure = Failure::from(error);
        let given = [("-l", &self.selector), ("--field-selector", &self.field_selector)];
        let given = given.iter().filter(|(_, value)| !value.is_empty());
        let flags: Vec<String> = given.map(|(flag, value)| format!("{flag} '{value}'")).collect();
        let why = failure.rows().find(|(label, _)| *label == "why").map_or("", |(_, why)| why);
        Failure::usage(format!("the API server does not understand {}", flags.join(" "))).why(why)
    }

    fn print<L: Listed>(
        &self,
        list: &L,
        objects: &[L::Object],
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let text = match self.output.document(&bodies(objects)?, Shape::List)? {
            Some(text) => text,
            None if objects.is_empty() => {
                let place = match self.namespace(context)? {
                    Some(namespace) => format!(" in {namespace} namespace"),
                    None => String::new(),
                };
                streams.story.plain(&format!("No resources found{place}."));
                return Ok(());
            }
            None => self.table(list, objects, context.environment.now()),
        };
        streams.results.write_all(text.as_bytes())?;
        Ok(())
    }

    fn table<L: Listed>(&self, list: &L, objects: &[L::Object], now: Timestamp) -> String {
        let rows: Vec<Vec<String>> = objects.iter().map(|object| self.row(list, object, now)).collect();
        let text = output::table(&self.headers::<L>(), &rows);
        match text.split_once('\n') {
            Some((_, below)) if self.no_headers => below.to_owned(),
            _ => text,
        }
    }

    fn headers<L: Listed>(&self) -> Vec<&'static str> {
        let wide = if self.output == Format::Wide { L::WIDE } else { &[] };
        let labels: &[&str] = if self.show_labels { &["LABELS"] } else { &[] };
        [&L::HEADERS[usize::from(!self.all_namespaces)..], wide, labels].concat()
    }

    fn row<L: Listed>(&self, list: &L, object: &L::Object, now: Timestamp) -> Vec<String> {
        let mut cells = list.cells(object, now);
        if self.output != Format::Wide {
            cells.truncate(L::HEADERS.len());
        }
        if self.show_labels {
            cells.push(labels(object.labels()));
        }
        if !self.all_namespaces {
            cells.remove(0);
        }
        cells
    }
}

/// `app=shop,tier=web`, as kubectl shows labels.
fn labels(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

/// Objects as people see them.
pub fn bodies<K>(objects: &[K]) -> Result<Vec<serde_json::Value>, Failure>
where
    K: Resource<DynamicType = ()> + Serialize,
{
    objects.iter().map(|object| Ok(Object::shown(&Object::typed(object)?.body, false))).collect()
}

/// The phase of an object as a cell; of one that is being deleted, kubectl's word for that.
#[must_use]
pub fn phase<K: Resource>(object: &K, phase: Option<impl std::fmt::Display>) -> String {
    if object.meta().deletion_timestamp.is_some() {
        return "Terminating".into();
    }
    phase.map_or_else(|| "Unknown".into(), |phase| phase.to_string())
}

/// How long ago an object was made, as a cell.
#[must_use]
pub fn age<K: Resource>(object: &K, now: Timestamp) -> String {
    let made = object.creation_timestamp();
    made.map(|made| crate::human::age_at(made.0, now)).unwrap_or_default()
}

/// The instant before which objects are left out, from a span such as `7d` or `12h`.
pub fn since(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let period: RetentionPeriod =
        text.parse().map_err(|error: crds::retention_period::RetentionPeriodError| {
            Failure::usage(format!("--since {text} is no span"))
                .why(error.to_string())
                .fix("--since 7d, or 12h, or 1mo")
        })?;
    Ok(period.before(now))
}

#[cfg(test)]
mod tests {
    use crds::storage::{RetentionPolicy, RetentionPolicySpec};

    use super::*;

    fn flags(all_namespaces: bool) -> Flags {
        Flags {
            all_namespaces,
            selector: String::new(),
            field_selector: String::new(),
            sort_by: None,
            watch: false,
            show_labels: false,
            no_headers: false,
            output: Format::Table,
        }
    }

    fn policies() -> Alone<RetentionPolicy> {
        let mut policy = RetentionPolicy::new("keep", RetentionPolicySpec::default());
        policy.metadata.namespace = Some("shop".into());
        policy.metadata.labels = Some([("a".into(), "b".into()), ("c".into(), "d".into())].into());
        Alone(vec![policy])
    }

    #[test]
    fn the_namespace_is_shown_when_all_are_listed() {
        let shown = |flags: Flags| {
            let (policies, now) = (policies(), Timestamp::UNIX_EPOCH);
            let columns = |line: &str| {
                line.split("   ")
                    .map(|cell| cell.trim().to_owned())
                    .filter(|cell| !cell.is_empty())
                    .collect::<Vec<_>>()
            };
            let table = flags.table(&policies, policies.objects(), now);
            let first: Vec<String> = table.lines().map(|line| columns(line)[0].clone()).collect();
            let last: Vec<String> = table.lines().filter_map(|line| columns(line).pop()).collect();
            (first.join(" "), last.join(" "))
        };
        assert_eq!(shown(flags(true)).0, "NAMESPACE shop");
        assert_eq!(shown(flags(false)).0, "NAME keep");
        assert_eq!(shown(Flags { no_headers: true, ..flags(false) }).0, "keep");
        assert_eq!(shown(Flags { show_labels: true, ..flags(false) }).1, "LABELS a=b,c=d");
        assert_eq!(shown(Flags { output: Format::Wide, ..flags(false) }).1, "USABLE-FROM same");
    }

    #[test]
    fn an_object_that_is_being_deleted_is_terminating_whatever_its_phase() {
        let mut policy = policies().0.remove(0);
        assert_eq!(phase(&policy, Some("Ready")), "Ready");
        assert_eq!(phase(&policy, None::<&str>), "Unknown");
        policy.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
        assert_eq!(phase(&policy, Some("Ready")), "Terminating");
    }

    #[test]
    fn a_span_reaches_back_from_now() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(since("7d", now).unwrap().to_string(), "2026-11-15T10:00:00Z");
        assert!(since("a week", now).is_err());
    }
}
