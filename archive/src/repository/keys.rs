//! The keys of a repository: each opens it with a password of its own (restic design document, "Keys, Encryption and
//! MAC").

use jiff::Timestamp;
use rustic_core::KeyOptions;
use rustic_core::repofile::{KeyFile, KeyId};

use super::error::{KeyInUseSnafu, NotFoundSnafu, Result};
use super::{Inner, full};
use crate::access::Password;

/// A key of a repository, without what it protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its id, in full.
    pub id: String,
    /// The user who made it, as it says.
    pub user: String,
    /// The host on which it was made, as it says.
    pub host: String,
    /// When it was made; not every key tells.
    pub created: Option<Timestamp>,
    /// Whether the repository was opened with it.
    pub current: bool,
}

/// See [`super::Repository::keys`].
pub fn list(inner: &Inner) -> Result<Vec<KeyInfo>> {
    let current = inner.engine.key_id().as_ref().map(|id| full(id));
    let files = inner.engine.stream_files::<KeyFile>().map_err(inner.engine_error("list the keys of"))?;
    let mut keys = Vec::new();
    for file in files {
        let (id, file) = file.map_err(inner.engine_error("read a key of"))?;
        let id = full(&id);
        keys.push(KeyInfo {
            current: current.as_ref() == Some(&id),
            id,
            user: file.username.unwrap_or_default(),
            host: file.hostname.unwrap_or_default(),
            created: file.created.map(|created| created.timestamp()),
        });
    }
    keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(keys)
}

/// See [`super::Repository::add_key`].
pub fn add(inner: &Inner, password: &Password, user: String, host: String) -> Result<String> {
    let mut options = KeyOptions::default();
    options.username = Some(user);
    options.hostname = Some(host);
    options.with_created = true;
    let id = inner.engine.add_key(password.expose(), &options).map_err(inner.engine_error("add a key to"))?;
    Ok(full(&id))
}

/// See [`super::Repository::remove_key`].
pub fn remove(inner: &Inner, id: &str) -> Result<()> {
    let directory = || inner.directory.clone();
    let keys = list(inner)?;
    let Some(key) = keys.iter().find(|key| key.id == id) else {
        return NotFoundSnafu { directory: directory(), what: format!("key {id:?}") }.fail();
    };
    if key.current || keys.len() == 1 {
        return KeyInUseSnafu { directory: directory(), id }.fail();
    }
    let id: KeyId = id
        .parse()
        .map_err(|_| NotFoundSnafu { directory: directory(), what: format!("key {id:?}") }.build())?;
    inner.engine.delete_key(&id).map_err(inner.engine_error("remove a key from"))
}
