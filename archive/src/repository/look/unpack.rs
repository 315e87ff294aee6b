//! One blob, opened here and not by the engine, which unpacks whatever it finds to its end: what the index says of its
//! size is a claim of whoever wrote it.

use std::num::NonZeroU32;

use rustic_core::PackedId;
use rustic_core::repofile::BlobType;

use super::super::error::Result;
use super::Looking;
use crate::sealed;

/// Reads a blob of at most `most` bytes.
pub fn blob<T: PackedId>(looking: &Looking, id: &T, most: u64) -> Result<Vec<u8>> {
    let inner = &looking.inner;
    let entry = looking.engine.get_index_entry(id).map_err(inner.engine_error("find a part of"))?;
    let (offset, length) = (entry.location.offset, entry.location.length);
    let packed = entry.location.uncompressed_length;
    let size = u64::from(packed.map_or(length, NonZeroU32::get));
    // Compression never doubles anything.
    if size > most || u64::from(length) > most.saturating_mul(2) || offset.checked_add(length).is_none() {
        return looking.damaged(format!("a part of it takes {size} bytes, which no manifest does"));
    }
    let Some(key) = inner.backend.key() else { return looking.damaged("it is not open") };
    let stored = inner.backend.part(&entry.pack, T::TYPE == BlobType::Tree, offset, length);
    let plain = key.open(&stored.map_err(inner.engine_error("read a part of"))?);
    let plain =
        plain.and_then(|plain| if packed.is_some() { sealed::unpack(&plain, size) } else { Ok(plain) });
    match plain {
        Ok(plain) if packed.is_none() || plain.len() as u64 == size => Ok(plain),
        Ok(_) => looking.damaged("a part of it has another length than its index says"),
        Err(reason) => looking.damaged(format!("a part of it cannot be read: {reason}")),
    }
}
