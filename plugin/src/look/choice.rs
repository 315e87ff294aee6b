//! From what was typed to objects of snapshots.

use archive::manifest::path::Key;
use crds::storage::Snapshot;
use jiff::Timestamp;

use super::address::{Inside, Objects};
use super::library::{Item, Library};
use super::selector::Selector;
use super::whole::{Whole, whole};
use super::wish::Wish;
use super::{body, kinds};
use crate::cluster::Cluster;
use crate::commands::lookup;
use crate::failure::{Code, Failure};
use crate::glance;
use crate::human;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::suggest;

/// What was typed, as resources of these snapshots.
pub async fn wish(library: &Library, typed: &[Objects], cluster: &Cluster) -> Result<Wish, Failure> {
    let mut wish = Wish::default();
    if typed.is_empty() {
        return Ok(wish);
    }
    let held = library.resources().await?;
    for objects in typed {
        let resources = kinds::resolve(&objects.kind, &held, cluster).await?;
        wish.objects.extend(resources.into_iter().map(|resource| (resource, objects.name.clone())));
    }
    Ok(wish)
}

/// What stands behind the colon of an address, as resources of these snapshots.
pub async fn inside(library: &Library, inside: Option<&Inside>, cluster: &Cluster) -> Result<Wish, Failure> {
    match inside {
        None => Ok(Wish::default()),
        Some(Inside::Path(path)) => Ok(Wish { path: path.clone(), ..Wish::default() }),
        Some(Inside::Objects(objects)) => wish(library, std::slice::from_ref(objects), cluster).await,
    }
}

/// Only objects of a namespace, if the snapshots hold any; those of the cluster itself stay where their kind was named.
#[must_use]
pub fn narrowed(mut all: Vec<Vec<Item>>, objects_of: Option<&str>, wish: &Wish) -> Vec<Vec<Item>> {
    let Some(namespace) = objects_of else { return all };
    let named = !wish.objects.is_empty();
    let keeps = |item: &Item| item.namespace() == namespace || (named && item.namespace().is_empty());
    if !all.iter().flatten().any(|item| item.namespace() == namespace) {
        return all;
    }
    for items in &mut all {
        items.retain(keeps);
    }
    all
}

/// Only objects with such labels, which are read for it.
pub async fn labelled(
    library: &Library,
    items: Vec<Item>,
    selector: &Selector,
) -> Result<Vec<Item>, Failure> {
    if selector.is_open() {
        return Ok(items);
    }
    let blobs: Vec<_> = items.iter().map(|item| item.blob.clone()).collect();
    let selector = selector.clone();
    let admitted = library
        .read(&blobs, move |_, bytes| body::parse(bytes).is_ok_and(|body| selector.admits(&body)))
        .await?;
    Ok(items.into_iter().zip(admitted).filter_map(|(item, admitted)| admitted.then_some(item)).collect())
}

/// The one object that is meant. In several namespaces, that of the command counts.
pub fn one(found: &[Key], typed: &Objects, own: &str) -> Result<Key, Failure> {
    let mut keys: Vec<&Key> = found.iter().collect();
    keys.sort();
    keys.dedup();
    let name = typed.name.as_deref().unwrap_or_default();
    let spoken = format!("{}/{name}", typed.kind);
    match keys.as_slice() {
        [] => Err(Failure::new(Code::ObjectMissing, format!("no snapshot holds {spoken}"))),
        [only] => Ok((*only).clone()),
        several => {
            if let Some(own) = several.iter().find(|key| key.namespace.as_deref() == Some(own)) {
                return Ok((*own).clone());
            }
            let places: Vec<&str> = several.iter().filter_map(|key| key.namespace.as_deref()).collect();
            Err(Failure::new(Code::Ambiguous, format!("there are several objects {spoken}"))
                .row("found", format!("in {}", places.join(", ")))
                .fix("say which namespace:  -n NAMESPACE"))
        }
    }
}

/// That an object is not held, with the nearest name of its kind that is.
pub async fn missing(
    library: &Library,
    typed: &Objects,
    cluster: &Cluster,
    objects_of: Option<&str>,
) -> Result<Failure, Failure> {
    let kind = Objects { kind: typed.kind.clone(), name: None };
    let wish = wish(library, &[kind], cluster).await?;
    let found = narrowed(library.items(&wish).await?, objects_of, &wish);
    let mut names: Vec<&str> =
        found.iter().flatten().filter_map(|item| Some(item.key.as_ref()?.name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let name = typed.name.as_deref().unwrap_or_default();
    let place = match library.holdings.as_slice() {
        [only] => format!("Snapshot {} holds no", lookup::place(&only.snapshot)),
        many => format!("none of {} holds", human::counted(many.len(), "snapshot")),
    };
    let failure = Failure::new(Code::ObjectMissing, format!("{place} {}/{name}", typed.kind));
    Ok(match suggest::nearest(name, names.iter().copied()) {
        Some(nearest) => failure.fix(format!("did you mean {}/{nearest}?", typed.kind)),
        None if names.is_empty() => failure,
        None => failure.row("found", names.into_iter().take(10).collect::<Vec<_>>().join(", ")),
    })
}

/// Says which snapshot is looked into, and whether it lacks something.
pub fn announce(snapshot: &Snapshot, now: Timestamp, streams: &mut Streams<'_>) {
    let age = glance::taken(snapshot).map(|taken| format!(", taken {} ago", human::age_at(taken, now)));
    let text = format!("Snapshot {}{}", lookup::place(snapshot), age.unwrap_or_default());
    let doubt = match whole(snapshot) {
        Whole::Yes => return streams.story.plain(&text),
        Whole::No => "incomplete, something may be missing",
        Whole::NotYet(why) => why,
    };
    streams.story.line(Glyph::Warning, &format!("{text}: {doubt}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_several_namespaces_that_of_the_command_counts() {
        let key = |namespace: &str| Key {
            group_resource: "deployments.apps".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: "orders".to_owned(),
        };
        let typed = Objects { kind: "deploy".to_owned(), name: Some("orders".to_owned()) };
        assert_eq!(one(&[key("a"), key("a")], &typed, "shop").unwrap(), key("a"));
        assert_eq!(one(&[key("a"), key("shop")], &typed, "shop").unwrap(), key("shop"));
        let several = one(&[key("a"), key("b")], &typed, "shop").unwrap_err();
        assert_eq!(several.rows().next(), Some(("found", "in a, b")));
        assert!(one(&[], &typed, "shop").is_err());
    }
}
