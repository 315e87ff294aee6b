//! Opening a repository, and making one.
//!
//! The engine would write a key, then `config`, and look only for `config` first. Measured: two of its makers both
//! succeed and leave a repository that one of them cannot open, and a maker that dies in between leaves a key that
//! breaks the next one. Here `config` is written first, on the condition that there is none, and only who succeeds
//! writes a key.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustic_core::repofile::Chunker;
use rustic_core::{
    ConfigOptions, Credentials, KeyOptions, OpenStatus, Repository as Engine, RepositoryBackends,
    RepositoryOptions,
};
use snafu::ResultExt;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::backend::{Backend, Initialising};
use super::error::{
    BeingInitialisedSnafu, DamagedSnafu, EngineSnafu, Error, MissingSnafu, Result, StoreSnafu,
    WrongPasswordSnafu,
};
use super::{Inner, LOCK_PATIENCE, Repository, Site, blocking, master_key, told};
use crate::access::Password;
use crate::lock::Locks;
use crate::store::{Condition, Listed};

/// Who left `config` without a key for longer than this is gone. A maker needs about a second.
const ABANDONED: SignedDuration = SignedDuration::from_secs(60);
/// How long to wait for somebody else who is making the repository.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks.
const POLL: Duration = Duration::from_millis(500);

/// What is found where a repository should be.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing.
    Nothing,
    /// `config` and at least one key.
    Repository,
    /// `config` alone: somebody is making the repository, or died doing so.
    ConfigAlone,
    /// Anything else.
    Damaged(&'static str),
}

/// What the keys below the directory of a repository amount to; `keys` are relative to it.
fn judge<'a>(keys: impl IntoIterator<Item = &'a str>) -> Found {
    let (mut config, mut key, mut other) = (false, false, false);
    // What ends in a slash is a directory marker of another tool; locks need a repository to mean anything.
    for path in keys.into_iter().filter(|path| !path.ends_with('/')) {
        match path.split_once('/') {
            None if path == "config" => config = true,
            Some(("keys", _)) => key = true,
            Some(("data" | "index" | "snapshots", _)) => other = true,
            _ => {}
        }
    }
    match (config, key, other) {
        (true, true, _) => Found::Repository,
        (true, false, false) => Found::ConfigAlone,
        (false, false, false) => Found::Nothing,
        (true, false, true) => Found::Damaged("it holds data and no key to read it"),
        (false, true, _) => Found::Damaged("it holds keys and no config"),
        (false, false, true) => Found::Damaged("it holds data, and neither config nor keys"),
    }
}

pub async fn open(site: Site, password: &Password) -> Result<Repository> {
    let (found, listed) = look(&site).await?;
    match found {
        Found::Repository => open_existing(site, password, listed).await,
        Found::Nothing | Found::ConfigAlone => {
            let (place, directory) = (Arc::clone(site.store.place()), site.directory);
            MissingSnafu { place, directory }.fail()
        }
        Found::Damaged(reason) => damaged(&site, reason),
    }
}

pub async fn open_or_initialise(site: Site, password: &Password) -> Result<Repository> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let (found, listed) = look(&site).await?;
        let condition = match found {
            Found::Repository => return open_existing(site, password, listed).await,
            Found::Damaged(reason) => return damaged(&site, reason),
            Found::Nothing => Some(Condition::Absent),
            Found::ConfigAlone => abandoned_config(&site).await?,
        };
        if let Some(condition) = condition {
            match initialise(&site, password, condition).await {
                // Somebody else was faster: their repository is opened as soon as it is whole.
                Err(Error::Store { source }) if source.is_lost_race() => {}
                result => return result,
            }
        } else if Instant::now() >= give_up {
            let (place, directory) = (Arc::clone(site.store.place()), site.directory);
            let reason = "config is there, and no key yet";
            return BeingInitialisedSnafu { place, directory, reason }.fail();
        }
        tokio::select! {
            () = site.cancel.cancelled() => return Err(Error::Cancelled),
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

fn damaged<T>(site: &Site, reason: &'static str) -> Result<T> {
    let (place, directory) = (Arc::clone(site.store.place()), site.directory.clone());
    DamagedSnafu { place, directory, reason }.fail()
}

/// Looks at what is there, and says what it saw. A repository is recognised by two small listings; only what is none is
/// listed whole.
async fn look(site: &Site) -> Result<(Found, Vec<Listed>)> {
    let directory = format!("{}/", site.directory);
    let (config, keys) = (format!("{directory}config"), format!("{directory}keys/"));
    let (mut listed, keys) =
        futures::try_join!(site.store.list(&config), site.store.list(&keys)).context(StoreSnafu)?;
    listed.extend(keys);
    let relative =
        |listed: &[Listed]| judge(listed.iter().filter_map(|object| object.key.strip_prefix(&directory)));
    if relative(&listed) == Found::Repository {
        return Ok((Found::Repository, listed));
    }
    let listed = site.store.list(&directory).await.context(StoreSnafu)?;
    Ok((relative(&listed), listed))
}

/// On which condition a `config` without key may be replaced; `None` while its maker may still be at work.
///
/// Both times are the server's, where it tells them.
async fn abandoned_config(site: &Site) -> Result<Option<Condition>> {
    let object = match site.store.get(&format!("{}/config", site.directory)).await {
        Err(error) if error.is_not_found() => return Ok(Some(Condition::Absent)),
        object => object.context(StoreSnafu)?,
    };
    let description = object.description;
    let now: Timestamp = description.now.unwrap_or_else(|| (site.worker.clock)());
    if now.duration_since(description.modified) <= ABANDONED {
        return Ok(None);
    }
    match description.version {
        Some(version) => Ok(Some(Condition::Unchanged(version))),
        None => damaged(site, "it holds config and no key; remove config if nobody is initialising it"),
    }
}

/// The engine on a backend, not yet open.
pub fn engine(backend: &Arc<Backend>) -> rustic_core::RusticResult<Engine<()>> {
    let mut options = RepositoryOptions::default();
    options.no_cache = true;
    Engine::new(&options, &RepositoryBackends::new(Arc::<Backend>::clone(backend), None))
}

async fn open_existing(site: Site, password: &Password, listed: Vec<Listed>) -> Result<Repository> {
    let backend = backend(&site);
    backend.know(listed);
    let (opening, secret) = (Arc::clone(&backend), password.clone());
    let opened = blocking(&site.directory, move || {
        let credentials = Credentials::password(secret.expose());
        Ok(engine(&opening).and_then(|engine| engine.open(&credentials)))
    })
    .await?;
    let engine = match opened {
        Ok(engine) => engine,
        Err(error) if backend.failure().is_none() && error.is_incorrect_password() => {
            let (place, directory) = (Arc::clone(site.store.place()), site.directory);
            return WrongPasswordSnafu { place, directory, secret: password.secret() }.fail();
        }
        Err(error) => return Err(failure(&site, &backend, "open", &error)),
    };
    finish(site, engine, backend)
}

/// Makes the repository; `condition` decides who of several succeeds.
async fn initialise(site: &Site, password: &Password, condition: Condition) -> Result<Repository> {
    let backend = backend(site);
    let (making, secret) = (Arc::clone(&backend), password.clone());
    let mut key_options = KeyOptions::default();
    key_options.hostname = Some(site.worker.hostname.clone());
    key_options.username = Some(site.worker.username.clone());
    key_options.with_created = true;
    let config_options = config_options();
    let made = blocking(&site.directory, move || {
        let credentials = Credentials::password(secret.expose());
        Ok(engine(&making).and_then(|engine| {
            making.initialise(Initialising::on(condition));
            engine.init(&credentials, &key_options, &config_options)
        }))
    })
    .await?;
    let engine = made.map_err(|error| failure(site, &backend, "initialise", &error))?;
    confirm(site, &backend).await?;
    tracing::info!(repository = %site.directory, "initialised a repository");
    finish(site.clone(), engine, backend)
}

/// How a new repository cuts and packs files.
///
/// The content-defined chunker computes a table for every file that it opens: for 10,000 small files that is 1.3 s of
/// processor time (measured), most of an unchanged backup. A manifest is smaller than one chunk anyway, so a new
/// repository cuts at a fixed size that the API server's limit of 1.5 MB keeps out of reach of nearly every object.
/// Stock restic knows nothing of this setting and needs not; one made by restic is used as it is. Compression stays at
/// the default level: on manifests of a real cluster level 6 saves 2 % for twice the time, level 1 costs 3 %.
fn config_options() -> ConfigOptions {
    let mut options = ConfigOptions::default();
    options.set_version = Some(2);
    options.set_chunker = Some(Chunker::FixedSize);
    // The largest chunk that restic makes itself.
    options.set_chunk_size = "8MiB".parse().ok();
    options
}

/// Makes sure that the `config` just written is the one that counts.
///
/// A maker that slept for longer than [`ABANDONED`] between `config` and key may have been replaced. A server that
/// ignores conditions on a write is found out here too.
async fn confirm(site: &Site, backend: &Backend) -> Result<()> {
    let config = site.store.get(&format!("{}/config", site.directory)).await.context(StoreSnafu)?;
    let Some((key, written)) = backend.made() else { return Ok(()) };
    if config.content == written {
        return Ok(());
    }
    site.store.delete(&key).await.context(StoreSnafu)?;
    let (place, directory) = (Arc::clone(site.store.place()), site.directory.clone());
    BeingInitialisedSnafu { place, directory, reason: "another config took the place of ours" }.fail()
}

fn backend(site: &Site) -> Arc<Backend> {
    let backend = Backend::new(Arc::clone(&site.store), site.directory.clone(), Handle::current());
    backend.begin(site.cancel.clone(), None);
    Arc::new(backend)
}

fn failure(site: &Site, backend: &Backend, action: &'static str, error: &rustic_core::RusticError) -> Error {
    match backend.failure() {
        Some(source) => Error::Store { source },
        None if backend.is_cancelled() => Error::Cancelled,
        None => EngineSnafu { action, directory: site.directory.clone(), reason: told(error) }.build(),
    }
}

fn finish(site: Site, engine: Engine<OpenStatus>, backend: Arc<Backend>) -> Result<Repository> {
    let key = master_key(&engine, &site.directory)?;
    backend.open_with(key.clone());
    let Site { store, directory, worker, cancel } = site;
    let locks = Locks::new(Arc::clone(&store), directory.clone(), key, worker);
    let inner = Arc::new(Inner { engine, backend, locks, store, directory });
    let running = Mutex::new(None);
    Ok(Repository { inner, running, cancel, lock_patience: LOCK_PATIENCE, peers: None, waits: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_place_is_free_and_only_a_whole_repository_is_one() {
        for (keys, found) in [
            (&[][..], Found::Nothing),
            (&["", "keys/", "data/"], Found::Nothing),
            (&["locks/0a"], Found::Nothing),
            (&["config", "keys/0a"], Found::Repository),
            (&["config", "keys/0a", "data/00/00ff", "index/1", "snapshots/2"], Found::Repository),
            (&["config"], Found::ConfigAlone),
            (&["config", "keys/"], Found::ConfigAlone),
            (&["config", "snapshots/2"], Found::Damaged("it holds data and no key to read it")),
            (&["keys/0a"], Found::Damaged("it holds keys and no config")),
            (&["keys/0a", "data/00/00ff"], Found::Damaged("it holds keys and no config")),
            (&["data/00/00ff"], Found::Damaged("it holds data, and neither config nor keys")),
        ] {
            assert_eq!(judge(keys.iter().copied()), found, "{keys:?}");
        }
    }
}
