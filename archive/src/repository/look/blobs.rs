//! Contents of many files with few requests: what lies side by side in a pack is read at once, several stretches at a time,
//! and no more of them are in memory than are on their way.

use std::collections::HashMap;
use std::ops::Range;

use rustic_core::repofile::PackId;
use rustic_core::{DataId, Id};

use super::super::error::Result;
use super::{Content, Looking, in_parallel, unpack};

/// Where two wanted parts lie so close that what is between them costs less than another request.
const GAP: u32 = 64 * 1024;
/// The most that is read at once.
const LONGEST: u32 = 4 * 1024 * 1024;
/// The largest file that is read: forty times what the API server takes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// A wanted part of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    pack: PackId,
    offset: u32,
    length: u32,
    id: DataId,
}

/// Parts of one pack that are read at once.
#[derive(Debug, PartialEq, Eq)]
struct Stretch {
    pack: PackId,
    range: Range<u32>,
    ids: Vec<DataId>,
}

/// See [`super::Reader::read`].
pub fn read<T: Send>(
    looking: &Looking,
    contents: &[Content],
    make: &(dyn Fn(usize, &[u8]) -> T + Sync),
) -> Result<Vec<T>> {
    let mut wanted: HashMap<DataId, Vec<usize>> = HashMap::new();
    let (mut done, mut whole) = (Vec::with_capacity(contents.len()), Vec::new());
    for (place, content) in contents.iter().enumerate() {
        match *content.0 {
            [] => done.push((place, make(place, &[]))),
            [only] => wanted.entry(only).or_default().push(place),
            _ => whole.push(place),
        }
    }
    let mut parts = Vec::with_capacity(wanted.len());
    for id in wanted.keys() {
        parts.push(part(looking, *id)?);
    }
    let stretches = stretches(parts);
    let read = in_parallel(&stretches, |stretch| {
        let mut done = Vec::with_capacity(stretch.ids.len());
        with(looking, stretch, |id, bytes| {
            done.extend(wanted[&id].iter().map(|place| (*place, make(*place, bytes))));
        })?;
        Ok(done)
    })?;
    done.extend(read.into_iter().flatten());
    let large = in_parallel(&whole, |place| {
        let mut bytes = Vec::new();
        for id in contents[*place].0.iter() {
            bytes.extend_from_slice(&unpack::blob(looking, id, LARGEST_FILE)?);
            if bytes.len() as u64 > LARGEST_FILE {
                return looking.damaged("a file is too large to be a manifest");
            }
        }
        Ok((*place, make(*place, &bytes)))
    })?;
    done.extend(large);
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, value)| value).collect())
}

/// Reads a stretch and hands over what is in it.
fn with(looking: &Looking, stretch: &Stretch, mut each: impl FnMut(DataId, &[u8])) -> Result<()> {
    let pack: &Id = &stretch.pack;
    let range = u64::from(stretch.range.start)..u64::from(stretch.range.end);
    let backend = &looking.inner.backend;
    backend.read_ahead(pack, range.clone()).map_err(looking.inner.engine_error("read a file of"))?;
    let read = stretch.ids.iter().try_for_each(|id| {
        each(*id, &unpack::blob(looking, id, LARGEST_FILE)?);
        Ok(())
    });
    backend.forget_ahead(pack, &range);
    read
}

fn part(looking: &Looking, id: DataId) -> Result<Part> {
    let entry = looking.engine.get_index_entry(&id);
    let entry = entry.map_err(looking.inner.engine_error("find a file of"))?;
    let place = entry.location;
    let size = place.uncompressed_length.map_or(place.length, std::num::NonZeroU32::get);
    if u64::from(size) > LARGEST_FILE || place.offset.checked_add(place.length).is_none() {
        return looking.damaged("a file is too large to be a manifest");
    }
    Ok(Part { pack: entry.pack, offset: place.offset, length: place.length, id })
}

/// What is read at once.
fn stretches(mut parts: Vec<Part>) -> Vec<Stretch> {
    parts.sort_unstable();
    let mut stretches: Vec<Stretch> = Vec::new();
    for part in parts {
        let end = part.offset.saturating_add(part.length);
        match stretches.last_mut() {
            Some(last)
                if last.pack == part.pack
                    && part.offset <= last.range.end.saturating_add(GAP)
                    && end.saturating_sub(last.range.start) <= LONGEST =>
            {
                last.range.end = last.range.end.max(end);
                last.ids.push(part.id);
            }
            _ => stretches.push(Stretch { pack: part.pack, range: part.offset..end, ids: vec![part.id] }),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(pack: u8, offset: u32, length: u32) -> Part {
        let id = |digit: u8| format!("{digit:064x}");
        Part { pack: id(pack).parse().unwrap(), offset, length, id: id(1).parse().unwrap() }
    }

    #[test]
    fn neighbours_are_read_at_once_and_nothing_grows_without_bound() {
        let ranges = |parts: &[Part]| {
            let read = stretches(parts.to_vec());
            read.into_iter().map(|stretch| (stretch.range, stretch.ids.len())).collect::<Vec<_>>()
        };
        assert_eq!(ranges(&[]), []);
        // Out of order, side by side, with a small gap, with a large one.
        let far = 200 + GAP + 1;
        assert_eq!(
            ranges(&[part(1, far, 10), part(1, 0, 100), part(1, 100, 50), part(1, 160, 40)]),
            [(0..200, 3), (far..far + 10, 1)]
        );
        assert_eq!(ranges(&[part(1, 0, 10), part(2, 10, 10)]), [(0..10, 1), (10..20, 1)]);
        assert_eq!(
            ranges(&[part(1, 0, LONGEST), part(1, LONGEST, 10)]),
            [(0..LONGEST, 1), (LONGEST..LONGEST + 10, 1)]
        );
        // One that is longer by itself is read all the same.
        assert_eq!(ranges(&[part(1, 0, LONGEST + 5)]), [(0..LONGEST + 5, 1)]);
    }
}
