//! `--watch`: the list as it is, then a row for each object whose row changed, until Ctrl-C.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::{Flags, Listed, bodies};
use crate::cluster::{Asked, Cluster};
use crate::commands::lookup;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::object::Kind;
use crate::output::{self, Columns, Format, Shape};
use crate::streams::Streams;
use crate::{signals, wait};

/// Prints what is, and then what changes.
pub async fn follow<L: Listed>(
    flags: &Flags,
    (cluster, namespace): (&Cluster, Option<&str>),
    (mut list, objects): (L, Vec<L::Object>),
    wished: impl Fn(&L, &L::Object) -> bool,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let mut printer = Printer::new::<L>(flags);
    printer.print(&list, &objects, context.environment.now(), streams)?;
    let kind = Kind::of::<L::Object>();
    let asked = Asked {
        verb: "watch",
        resource: kind.resource(),
        namespace: namespace.map(str::to_owned),
        name: None,
    };
    let mut changes = L::changes(cluster, namespace, flags.selection());
    let mut interrupted = std::pin::pin!(signals::interrupted());
    loop {
        let change = tokio::select! {
            exit = &mut interrupted => return Err(Failure::told(exit)),
            change = changes.next() => change,
        };
        match change {
            None => {
                return Err(Failure::new(
                    Code::RequestFailed,
                    format!("the watch of {} ended", kind.resource()),
                ));
            }
            Some(Err(error)) => wait::refused(cluster, &asked, error)?,
            Some(Ok(change)) => {
                let now = context.environment.now();
                let before = rows(flags, &list, &wished, now);
                list.note(change);
                let after = rows(flags, &list, &wished, now);
                let told: Vec<L::Object> = changed(before, after);
                printer.print(&list, &told, now, streams)?;
            }
        }
    }
}

/// What is told of an object: it is told again when this is another.
struct Known<K> {
    object: K,
    version: Option<String>,
    row: Vec<String>,
}

fn rows<L: Listed>(
    flags: &Flags,
    list: &L,
    wished: &impl Fn(&L, &L::Object) -> bool,
    now: Timestamp,
) -> BTreeMap<String, Known<L::Object>> {
    let is_table = matches!(flags.output, Format::Table | Format::Wide);
    let wished = list.objects().iter().filter(|object| wished(list, object));
    let known = wished.map(|object| {
        let version = object.resource_version().filter(|_| !is_table);
        (lookup::place(object), Known { object: object.clone(), version, row: flags.row(list, object, now) })
    });
    known.collect()
}

/// The objects that are new or told differently, then those that are gone, as they were: as `kubectl get --watch` does.
fn changed<K>(mut before: BTreeMap<String, Known<K>>, after: BTreeMap<String, Known<K>>) -> Vec<K> {
    let mut changed = Vec::new();
    for (place, new) in after {
        match before.remove(&place) {
            Some(old) if old.row == new.row && old.version == new.version => {}
            _ => changed.push(new.object),
        }
    }
    changed.extend(before.into_values().map(|gone| gone.object));
    changed
}

/// Prints rows below each other, or objects.
struct Printer<'f> {
    flags: &'f Flags,
    columns: Columns,
    headers: Option<Vec<String>>,
}

impl<'f> Printer<'f> {
    fn new<L: Listed>(flags: &'f Flags) -> Self {
        let headers: Vec<String> = flags.headers::<L>().into_iter().map(str::to_owned).collect();
        let columns = Columns::default();
        Self { flags, columns, headers: Some(headers).filter(|_| !flags.no_headers) }
    }

    fn print<L: Listed>(
        &mut self,
        list: &L,
        objects: &[L::Object],
        now: Timestamp,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        // The headers come with the first row: an empty table says nothing.
        if objects.is_empty() {
            return Ok(());
        }
        let text = match self.flags.output.document(&bodies(objects)?, Shape::Documents)? {
            None => {
                let rows = objects.iter().map(|object| self.flags.row(list, object, now));
                let rows: Vec<Vec<String>> = self.headers.take().into_iter().chain(rows).collect();
                self.columns.lines(&rows)
            }
            Some(text) if self.flags.output == Format::Yaml => format!("---\n{text}"),
            // Each object by itself, as a stream that tools read.
            Some(_) if self.flags.output == Format::Json => {
                let each: Result<Vec<String>, Failure> = bodies(objects)?.iter().map(output::json).collect();
                each?.concat()
            }
            Some(text) => text,
        };
        streams.results.write_all(text.as_bytes())?;
        streams.results.flush()?;
        Ok(())
    }
}
