//! What every list has in common: kubectl's flags, and its words for an empty one.

use crds::retention_period::RetentionPeriod;
use jiff::Timestamp;

use crate::context::Context;
use crate::failure::Failure;
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
    fn a_span_reaches_back_from_now() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(since("7d", now).unwrap().to_string(), "2026-11-15T10:00:00Z");
        assert!(since("a week", now).is_err());
    }
}
