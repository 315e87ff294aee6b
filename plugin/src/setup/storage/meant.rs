//! A storage as meant, and the objects that say so.

use crds::storage::backup_storage::{Backend, BackupStorageSpec, Provider};
use crds::storage::{BackupStorage, DeletionPolicy};
use crds::usage_policy::UsagePolicy;

use super::backend::spoken;
use crate::failure::Failure;
use crate::object::Object;
use crate::setup;
use crate::setup::credentials::{self, Credentials};

/// A storage, as meant: complete.
#[derive(Clone, Debug)]
pub struct Meant {
    pub namespace: String,
    pub name: String,
    pub(super) backend: Backend,
    pub(super) usage_policy: UsagePolicy,
    pub(super) is_default: bool,
    pub(super) deletion_policy: DeletionPolicy,
    pub(super) credentials: Credentials,
}

/// The name of the Secret that is made for a storage.
#[must_use]
pub fn secret_name(storage: &str) -> String {
    format!("{storage}-credentials")
}

impl Meant {
    /// The Secret that must exist already, if the storage uses one that is not made here.
    #[must_use]
    pub fn existing_secret(&self) -> Option<&str> {
        match &self.credentials {
            Credentials::Existing(name) => Some(name),
            Credentials::New(_) | Credentials::None => None,
        }
    }

    /// The region of an S3 bucket, if one was said.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.backend.s3.as_ref()?.region.as_deref()
    }

    /// The key that tells whether a Secret holds this provider's credentials (contract §5).
    #[must_use]
    pub fn first_key(&self) -> Option<&'static str> {
        match self.backend.provider()? {
            Provider::S3 => Some("AWS_ACCESS_KEY_ID"),
            Provider::Gcs => Some("GOOGLE_SERVICE_ACCOUNT_JSON_KEY"),
            Provider::Azure => Some("AZURE_ACCOUNT_KEY"),
            Provider::Local => None,
        }
    }

    /// `s3 backups/dev/shop`: provider, bucket and prefix, for people.
    #[must_use]
    pub fn spoken(&self) -> String {
        spoken(&self.backend)
    }

    /// Secret and BackupStorage.
    pub fn objects(&self) -> Result<Vec<Object>, Failure> {
        let mut objects = Vec::new();
        if let Credentials::New(data) = &self.credentials {
            let secret = credentials::secret(&self.namespace, &secret_name(&self.name), data);
            objects.push(Object::typed(&secret)?);
        }
        let mut storage = BackupStorage::new(
            &self.name,
            BackupStorageSpec {
                storage: Some(self.backend.clone()),
                usage_policy: Some(self.usage_policy.clone()),
                default: self.is_default,
                deletion_policy: Some(self.deletion_policy),
                runtime_settings: None,
            },
        );
        storage.metadata = setup::metadata(Some(&self.namespace), &self.name);
        objects.push(Object::typed(&storage)?);
        Ok(objects)
    }
}
