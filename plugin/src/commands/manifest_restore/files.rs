//! `--dry-run-dir`: the manifests that would be restored, as files: `DIR/DryRun/<type>/{cluster,namespaces/<ns>}/<name>.yaml`
//! (contract §7.6).

use std::path::Path;
use std::sync::Arc;

use archive::manifest::codec;
use archive::manifest::path::Key;
use archive::restore::card::Card;
use archive::restore::choose::{self, Choice};
use archive::restore::options::Options;
use archive::restore::prepare::{self, Surroundings};
use archive::restore::transform;
use serde_json::Value;

use crate::commands::snapshot::download::write::{Place, Writer};
use crate::failure::{Code, Failure};
use crate::look::body;
use crate::look::library::Item;
use crate::look::wish::Wish;
use crate::restore::aim::Aim;

/// Below the folder that is named.
const FOLDER: &str = "DryRun";
/// How many objects are in memory at once.
const AT_ONCE: usize = 256;

/// Writes the manifests that are asked for as they would be sent, and says how many. Files of an earlier dry run are
/// replaced. The cluster is not asked: what only it can say, such as new owners, is not in them.
pub async fn write(aim: &Aim, folder: &Path) -> Result<usize, Failure> {
    let items = aim.library.items(&Wish::default()).await?.into_iter().next().unwrap_or_default();
    let options = Arc::new(aim.options.clone());
    let open = |key: &Key| choose::by_name(key, &options).is_none();
    let items: Vec<(Key, Item)> =
        items.into_iter().filter_map(|item| Some((item.key.clone().filter(open)?, item))).collect();
    let cards = cards(aim, &items, &options).await?;
    let (cards, items): (Vec<Card>, Vec<Item>) = cards.into_iter().unzip();
    let choices = choose::choose(&cards, &options);
    let taken: Vec<(&Card, &Item)> = cards
        .iter()
        .zip(&items)
        .zip(choices)
        .filter_map(|(one, choice)| matches!(choice, Choice::Take).then_some(one))
        .collect();
    let volumes = taken.iter().filter(|(card, _)| card.key.group_resource == "persistentvolumes");
    let volumes = volumes.map(|(card, _)| card.key.name.clone()).collect();
    let surroundings = Arc::new(Surroundings { safe: options.safe, volumes });
    let mut writer = Writer::begin(Place::Folder(folder.to_owned()), true)?;
    for some in taken.chunks(AT_ONCE) {
        let blobs: Vec<_> = some.iter().map(|(_, item)| item.blob.clone()).collect();
        let keys: Arc<Vec<Key>> = Arc::new(some.iter().map(|(card, _)| card.key.clone()).collect());
        let (options, surroundings) = (Arc::clone(&options), Arc::clone(&surroundings));
        let make = move |index: usize, bytes: &[u8]| sent(&keys[index], bytes, &options, &surroundings);
        let contents = aim.library.read(&blobs, make).await?;
        for ((_, item), content) in some.iter().zip(contents) {
            let (path, text) = content.map_err(|why| {
                Failure::new(Code::SnapshotEmpty, format!("{} cannot be restored", item.reference())).why(why)
            })?;
            writer.write(&format!("{FOLDER}/{path}"), text.as_bytes(), item.modified)?;
        }
    }
    writer.finish()?;
    Ok(taken.len())
}

/// What is known of each object; what is no manifest has no file either.
async fn cards(
    aim: &Aim,
    items: &[(Key, Item)],
    options: &Arc<Options>,
) -> Result<Vec<(Card, Item)>, Failure> {
    let mut cards = Vec::new();
    for some in items.chunks(AT_ONCE) {
        let blobs: Vec<_> = some.iter().map(|(_, item)| item.blob.clone()).collect();
        let keys: Arc<Vec<Key>> = Arc::new(some.iter().map(|(key, _)| key.clone()).collect());
        let options = Arc::clone(options);
        let read = aim.library.read(&blobs, move |index, bytes| {
            let body: Value = body::parse(bytes).ok()?;
            Card::read(&keys[index], body.as_object()?, &options).ok()
        });
        let found = read.await?.into_iter().zip(some);
        cards.extend(found.filter_map(|(card, (_, item))| Some((card?, item.clone()))));
    }
    Ok(cards)
}

/// The path and the text of a manifest as it would be sent.
fn sent(
    key: &Key,
    bytes: &[u8],
    options: &Options,
    surroundings: &Surroundings,
) -> Result<(String, String), String> {
    let mut body: Value = body::parse(bytes)?;
    let object = body.as_object_mut().ok_or("it is no object")?;
    prepare::prepare(object, key, false, surroundings);
    transform::transform(object, key, &options.transform).map_err(|problem| problem.message)?;
    let path = transform::target(key, &options.transform).path().map_err(|error| error.to_string())?;
    let text = codec::encode(&body).map_err(|error| error.to_string())?;
    Ok((path, text))
}
