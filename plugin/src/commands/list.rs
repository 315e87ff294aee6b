//! What every list has in common: kubectl's flags, and its words for an empty one.

use clap::ValueEnum;
use crds::retention_period::RetentionPeriod;
use jiff::Timestamp;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::failure::Failure;
use crate::object::{Kind, Object};
use crate::output::{self, Format};
use crate::streams::Streams;

/// Flags of a list.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Listing")]
#[group(id = "listing")]
pub struct Flags {
    /// List the objects of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "", hide_default_value = true, value_name = "LABELS")]
    pub selector: String,
    /// Leave the headers out
    #[arg(long)]
    pub no_headers: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
}

/// What the rows of a list without sizes are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Order {
    #[default]
    Name,
    /// The youngest first.
    Age,
}

/// What the rows of a list are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OrderOrSize {
    #[default]
    Name,
    /// The youngest first.
    Age,
    /// The largest first.
    Size,
}

impl Order {
    /// Sorts objects; within what is equal, by namespace and name.
    pub fn sort<K: Resource>(self, objects: &mut [K]) {
        objects.sort_by_key(|object| (object.namespace(), object.name_any()));
        if self == Self::Age {
            objects.sort_by_key(|object| std::cmp::Reverse(object.creation_timestamp().map(|made| made.0)));
        }
    }
}

impl OrderOrSize {
    /// Sorts objects; within what is equal, by namespace and name.
    pub fn sort<K: Resource>(self, objects: &mut [K], size: impl Fn(&K) -> Option<u64>) {
        Order::Name.sort(objects);
        match self {
            Self::Name => {}
            Self::Age => Order::Age.sort(objects),
            Self::Size => objects.sort_by_key(|object| std::cmp::Reverse(size(object))),
        }
    }
}

/// A list as a table: the headers, and a row per object; both begin with the namespace, which is left out unless all are
/// listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub headers: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

impl Flags {
    /// The namespace to list; `None` for all.
    pub fn namespace(&self, context: &Context) -> Result<Option<String>, Failure> {
        if self.all_namespaces { Ok(None) } else { context.namespace().map(Some) }
    }

    /// Prints objects as `-o` asks for: a table whose rows are made by `rows`, which is told whether more columns are
    /// wished, or the objects themselves.
    pub fn print_objects<K>(
        &self,
        objects: &[K],
        rows: impl FnOnce(&[K], bool) -> Rows,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        match in_full(objects, self.output)? {
            None => self.print(rows(objects, self.output == Format::Wide), context, streams),
            Some(text) => {
                streams.results.write_all(text.as_bytes())?;
                Ok(())
            }
        }
    }

    /// Prints the rows as a table, or says that there are none, as kubectl does.
    pub fn print(&self, rows: Rows, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        if rows.rows.is_empty() {
            let place = match self.namespace(context)? {
                Some(namespace) => format!(" in {namespace} namespace"),
                None => String::new(),
            };
            streams.story.plain(&format!("No resources found{place}."));
            return Ok(());
        }
        streams.results.write_all(self.render(rows).as_bytes())?;
        Ok(())
    }

    fn render(&self, mut rows: Rows) -> String {
        if !self.all_namespaces {
            rows.headers.remove(0);
            for row in &mut rows.rows {
                row.remove(0);
            }
        }
        let text = output::table(&rows.headers, &rows.rows);
        match text.split_once('\n') {
            Some((_, below)) if self.no_headers => below.to_owned(),
            _ => text,
        }
    }
}

/// Objects as JSON, YAML or names; `None` when a table is wished.
pub fn in_full<K>(objects: &[K], format: Format) -> Result<Option<String>, Failure>
where
    K: Resource<DynamicType = ()> + Serialize,
{
    let bodies = || -> Result<Vec<Value>, Failure> {
        objects.iter().map(|object| Ok(Object::shown(&Object::typed(object)?.body, false))).collect()
    };
    Ok(match format {
        Format::Table | Format::Wide => None,
        Format::Json => Some(output::json(&bodies()?)?),
        Format::Yaml => Some(output::yaml(&bodies()?)?),
        Format::Name => {
            let kind = Kind::of::<K>().lower_case();
            Some(output::lines(objects.iter().map(|object| format!("{kind}/{}", object.name_any()))))
        }
    })
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
    use super::*;

    fn rows() -> Rows {
        Rows { headers: vec!["NAMESPACE", "NAME"], rows: vec![vec!["shop".into(), "a".into()]] }
    }

    #[test]
    fn the_namespace_is_shown_when_all_are_listed() {
        let flags = |all_namespaces, no_headers| Flags {
            all_namespaces,
            selector: String::new(),
            no_headers,
            output: Format::Table,
        };
        assert_eq!(flags(true, false).render(rows()), "NAMESPACE   NAME\nshop        a\n");
        assert_eq!(flags(false, false).render(rows()), "NAME\na\n");
        assert_eq!(flags(false, true).render(rows()), "a\n");
    }

    #[test]
    fn an_object_that_is_being_deleted_is_terminating_whatever_its_phase() {
        let mut policy =
            crds::storage::RetentionPolicy::new("keep", crds::storage::RetentionPolicySpec::default());
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
