//! `snapshot find`: which snapshots hold an object, by its name, kind, labels, images or text.

use std::collections::{BTreeMap, BTreeSet};

use archive::manifest::path::Key;
use kube::ResourceExt as _;
use serde_json::{Value, json};

use crate::commands::list;
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::human;
use crate::look::address::Objects;
use crate::look::library::{self, Blob, Item, Library};
use crate::look::selector::Selector;
use crate::look::{self, body, choice, finding, pager};
use crate::output::{self, Format, Shape};
use crate::streams::Streams;

/// Find objects in all snapshots
///
/// PATTERN is a part of a name, or all of it with * and ? for what may be anything. All conditions must hold, in one and
/// the same snapshot. Events are found with --kind events only.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the name is like
    #[arg(required_unless_present_any = ["kind", "selector", "text", "image"], value_name = "PATTERN")]
    pattern: Option<String>,
    /// Only objects of these kinds, comma separated
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    kind: Vec<String>,
    /// Only objects with these labels, as with kubectl
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// Only objects whose YAML holds this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Only objects with a container whose image holds this text
    #[arg(long, value_name = "TEXT")]
    image: Option<String>,
    /// Take upper and lower case for the same
    #[arg(short, long)]
    ignore_case: bool,
    /// Only snapshots taken since, for example 7d
    #[arg(long, value_name = "SPAN")]
    since: Option<String>,
    /// Output format
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    look: look::Flags,
}

/// Where an object was found: places of snapshots, the newest first.
type Found = BTreeMap<Key, Vec<usize>>;

impl Args {
    /// Searches.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let selector: Selector = self.selector.as_deref().unwrap_or_default().parse()?;
        let now = context.environment.now();
        let since = self.since.as_deref().map(|text| list::since(text, now)).transpose()?;
        let cluster = context.cluster().await?;
        let mut found = finding::all(&cluster, &self.look, (context, streams)).await?;
        found.snapshots.retain(|snapshot| {
            since.is_none_or(|since| glance::taken(snapshot).is_some_and(|taken| taken >= since))
        });
        let library = library::open(&cluster, found.snapshots, &self.look, (context, streams)).await?;
        let typed: Vec<Objects> =
            self.kind.iter().map(|kind| Objects { kind: kind.clone(), name: None }).collect();
        let wish = choice::wish(&library, &typed, &cluster).await?;
        let mut items = choice::narrowed(library.items(&wish).await?, found.objects_of.as_deref(), &wish);
        for items in &mut items {
            items.retain(|item| {
                item.key.as_ref().is_some_and(|key| {
                    // Events bear the names of what they are about, and are looked for by their kind.
                    self.is_called(&key.name)
                        && (!self.kind.is_empty() || !body::is_event(&key.group_resource))
                })
            });
        }
        self.by_content(&library, &mut items, selector).await?;
        let mut found = Found::new();
        for (place, items) in items.iter().enumerate() {
            for key in items.iter().filter_map(|item| item.key.clone()) {
                found.entry(key).or_default().push(place);
            }
        }
        let text = self.told(&library, &found, now)?;
        if text.is_empty() {
            let number = human::counted(library.holdings.len(), "snapshot");
            streams.story.plain(&format!("Nothing like it in {number}."));
        }
        pager::show(&text, (context, streams))
    }

    fn is_called(&self, name: &str) -> bool {
        let Some(pattern) = &self.pattern else { return true };
        if self.ignore_case {
            return is_like(&name.to_lowercase(), &pattern.to_lowercase());
        }
        is_like(name, pattern)
    }

    /// Leaves what does not have what was asked for in it. Each distinct content is read once.
    async fn by_content(
        &self,
        library: &Library,
        items: &mut [Vec<Item>],
        selector: Selector,
    ) -> Result<(), Failure> {
        if selector.is_open() && self.text.is_none() && self.image.is_none() {
            return Ok(());
        }
        let distinct: BTreeSet<Blob> = items.iter().flatten().map(|item| item.blob.clone()).collect();
        let distinct: Vec<Blob> = distinct.into_iter().collect();
        let fold = |text: &str, ignore: bool| if ignore { text.to_lowercase() } else { text.to_owned() };
        let ignore = self.ignore_case;
        let text = self.text.as_ref().map(|text| fold(text, ignore));
        let image = self.image.as_ref().map(|text| fold(text, ignore));
        let holds = move |_: usize, bytes: &[u8]| {
            let as_text = String::from_utf8_lossy(bytes);
            if text.as_ref().is_some_and(|text| !fold(&as_text, ignore).contains(text.as_str())) {
                return false;
            }
            if selector.is_open() && image.is_none() {
                return true;
            }
            body::parse(bytes).is_ok_and(|body| {
                let has = |image: &String| {
                    body::images(&body).iter().any(|found| fold(found, ignore).contains(image.as_str()))
                };
                selector.admits(&body) && image.as_ref().is_none_or(has)
            })
        };
        let admitted = library.read(&distinct, holds).await?;
        let admitted: BTreeSet<Blob> = distinct
            .into_iter()
            .zip(admitted)
            .filter_map(|(blob, admitted)| admitted.then_some(blob))
            .collect();
        for items in items {
            items.retain(|item| admitted.contains(&item.blob));
        }
        Ok(())
    }

    fn told(&self, library: &Library, found: &Found, now: jiff::Timestamp) -> Result<String, Failure> {
        let name = |place: usize| library.holdings[place].snapshot.name_any();
        if self.output == Format::Name {
            let addresses = found.iter().filter_map(|(key, places)| {
                Some(format!("{}:{}/{}", name(*places.first()?), key.group_resource, key.name))
            });
            return Ok(output::lines(addresses));
        }
        let documents: Vec<Value> = found
            .iter()
            .map(|(key, places)| {
                json!({
                    "resource": key.group_resource,
                    "namespace": key.namespace,
                    "name": key.name,
                    "snapshots": places.iter().map(|place| name(*place)).collect::<Vec<_>>(),
                })
            })
            .collect();
        if let Some(text) = self.output.document(&documents, Shape::List)? {
            return Ok(text);
        }
        if found.is_empty() {
            return Ok(String::new());
        }
        let age = |place: Option<&usize>| {
            let taken = place.and_then(|place| glance::taken(&library.holdings[*place].snapshot));
            taken.map(|taken| human::age_at(taken, now)).unwrap_or_default()
        };
        let rows: Vec<Vec<String>> = found
            .iter()
            .map(|(key, places)| {
                vec![
                    key.namespace.clone().unwrap_or_default(),
                    key.group_resource.clone(),
                    key.name.clone(),
                    places.len().to_string(),
                    age(places.last()),
                    age(places.first()),
                    places.first().map(|place| name(*place)).unwrap_or_default(),
                ]
            })
            .collect();
        let headers = ["NAMESPACE", "KIND", "NAME", "SNAPSHOTS", "OLDEST", "NEWEST", "NEWEST-SNAPSHOT"];
        Ok(output::table(&headers, &rows))
    }
}

/// Whether a name holds a text, or is like a pattern with `*` and `?`.
fn is_like(name: &str, pattern: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return name.contains(pattern);
    }
    matches(name, pattern)
}

/// A whole text by a pattern: `*` is any text, `?` one character. Linear in memory, and quadratic in time at worst.
#[must_use]
pub fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some('*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(one) if *one == '?' || *one == text[at] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                // The star takes one more.
                Some((stars, taken)) => {
                    (place, at) = (stars + 1, taken + 1);
                    star = Some((stars, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern[place..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_like_a_part_of_it_or_a_pattern_of_all_of_it() {
        for (pattern, like) in [
            ("orders", true),
            ("rder", true),
            ("orders*", true),
            ("*-db", true),
            ("o*s-?b", true),
            ("*", true),
            ("orders", true),
            ("rders*", false),
            ("orders-?", false),
            ("*x*", false),
            ("Orders", false),
        ] {
            assert_eq!(is_like("orders-db", pattern), like, "{pattern}");
        }
        assert!(matches("", "**") && !matches("", "?"));
        assert!(!matches(&"a".repeat(5000), &format!("{}b", "a*".repeat(50))));
    }
}
