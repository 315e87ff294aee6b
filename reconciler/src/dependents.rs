//! Who looked at what: when an object changes, those whose last pass read it are looked at again.
//!
//! A reconciler reads objects that its own object only names. Instead of an index per pair of kinds, each pass
//! records the keys that it read, those that did not exist among them. After a restart every object is looked at
//! once, which fills this again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::Resource;

/// Names an object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// `Kind.group`, so that two groups may use the same word.
    pub kind: String,
    /// Empty for cluster-scoped kinds.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
}

impl Key {
    /// The key of `namespace/name` of kind `K`.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>(namespace: &str, name: &str) -> Self {
        Self { kind: kind_of::<K>(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The key of an object.
    #[must_use]
    pub fn from_object<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        let meta = object.meta();
        Self {
            kind: kind_of::<K>(),
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
        }
    }
}

fn kind_of<K: Resource<DynamicType = ()>>() -> String {
    format!("{}.{}", K::kind(&()), K::group(&()))
}

/// Both directions of "was read by".
#[derive(Debug, Default)]
pub struct Dependents(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    reads: BTreeMap<Key, BTreeSet<Key>>,
    read_by: BTreeMap<Key, BTreeSet<Key>>,
}

impl Dependents {
    /// The last pass over `reader` read exactly `read`.
    pub fn record(&self, reader: &Key, read: BTreeSet<Key>) {
        let mut tables = self.lock();
        tables.forget(reader);
        for key in &read {
            tables.read_by.entry(key.clone()).or_default().insert(reader.clone());
        }
        if !read.is_empty() {
            tables.reads.insert(reader.clone(), read);
        }
    }

    /// `reader` is gone.
    pub fn forget(&self, reader: &Key) {
        self.lock().forget(reader);
    }

    /// Those of kind `K` whose last pass read `changed`.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>(&self, changed: &Key) -> Vec<Key> {
        let kind = kind_of::<K>();
        let tables = self.lock();
        let readers = tables.read_by.get(changed).into_iter().flatten();
        readers.filter(|reader| reader.kind == kind).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn forget(&mut self, reader: &Key) {
        for key in self.reads.remove(reader).unwrap_or_default() {
            let Some(readers) = self.read_by.get_mut(&key) else { continue };
            readers.remove(reader);
            if readers.is_empty() {
                self.read_by.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::batch::v1::{CronJob, Job};
    use k8s_openapi::api::core::v1::Secret;

    use super::*;

    #[test]
    fn a_change_reaches_those_who_read_it_last_time() {
        let dependents = Dependents::default();
        let secret = Key::of::<Secret>("shop", "keys");
        let job = Key::of::<Job>("shop", "backup");
        let cron_job = Key::of::<CronJob>("shop", "trigger");
        dependents.record(&job, BTreeSet::from([secret.clone()]));
        dependents.record(&cron_job, BTreeSet::from([secret.clone()]));
        assert_eq!(dependents.of::<Job>(&secret), std::slice::from_ref(&job));
        assert_eq!(dependents.of::<CronJob>(&secret), [cron_job]);

        dependents.record(&job, BTreeSet::from([Key::of::<Secret>("shop", "other")]));
        assert_eq!(dependents.of::<Job>(&secret), []);
    }

    #[test]
    fn nothing_is_kept_for_an_object_that_is_gone() {
        let dependents = Dependents::default();
        let job = Key::of::<Job>("shop", "backup");
        dependents.record(&job, BTreeSet::from([Key::of::<Secret>("shop", "keys")]));
        dependents.forget(&job);
        let tables = dependents.lock();
        assert!(tables.reads.is_empty() && tables.read_by.is_empty());
    }
}
