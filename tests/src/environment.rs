//! Where the cluster, its S3 server and the programs are. `make test` sets all of it; somebody with a cluster of their
//! own sets the same variables.

use std::path::PathBuf;

/// The facts a run of the stories needs.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Kubeconfig of the cluster (`KUBESTASH_TEST_KUBECONFIG`).
    pub kubeconfig: PathBuf,
    /// Folder with the release binaries (`KUBESTASH_TEST_BINARIES`).
    pub binaries: PathBuf,
    /// Image of the product as the cluster's nodes know it (`KUBESTASH_TEST_IMAGE`).
    pub image: String,
    /// S3 endpoint as pods see it (`KUBESTASH_S3_ENDPOINT`), for example `http://s3.storage.svc:7070`.
    pub s3_endpoint: String,
    /// The same server as this process reaches it (`KUBESTASH_S3_HOST_ENDPOINT`).
    pub s3_host_endpoint: String,
    /// Address of this host as pods reach it (`KUBESTASH_CLUSTER_HOST_IP`): proxies of the stories listen there.
    pub host_address: String,
    /// Access key of the S3 server (`KUBESTASH_S3_ACCESS_KEY`).
    pub access_key: String,
    /// Its secret key (`KUBESTASH_S3_SECRET_KEY`).
    pub secret_key: String,
    /// Bucket the stories share, each below a prefix of its own (`KUBESTASH_S3_BUCKET`).
    pub bucket: String,
    /// The bucket as a folder of this host (`KUBESTASH_S3_FOLDER`), to look at and to damage.
    pub bucket_folder: PathBuf,
    /// The newest restic (`KUBESTASH_RESTIC`).
    pub restic: PathBuf,
    /// An old restic, 0.14 (`KUBESTASH_RESTIC_OLD`).
    pub restic_old: PathBuf,
    /// The API server's audit log, every request at level Metadata (`KUBESTASH_CLUSTER_AUDIT_LOG`). Somebody else's
    /// cluster need not have one, unless `KUBESTASH_TEST_REQUIRE` names `audit-log`.
    pub audit_log: Option<PathBuf>,
}

impl Environment {
    /// Reads the variables.
    ///
    /// # Panics
    /// When one is missing: a story without a cluster must fail, never pass unseen.
    #[must_use]
    pub fn read() -> Self {
        Self {
            kubeconfig: variable("KUBESTASH_TEST_KUBECONFIG").into(),
            binaries: variable("KUBESTASH_TEST_BINARIES").into(),
            image: variable("KUBESTASH_TEST_IMAGE"),
            s3_endpoint: variable("KUBESTASH_S3_ENDPOINT"),
            s3_host_endpoint: variable("KUBESTASH_S3_HOST_ENDPOINT"),
            host_address: variable("KUBESTASH_CLUSTER_HOST_IP"),
            access_key: variable("KUBESTASH_S3_ACCESS_KEY"),
            secret_key: variable("KUBESTASH_S3_SECRET_KEY"),
            bucket: variable("KUBESTASH_S3_BUCKET"),
            bucket_folder: variable("KUBESTASH_S3_FOLDER").into(),
            restic: variable("KUBESTASH_RESTIC").into(),
            restic_old: variable("KUBESTASH_RESTIC_OLD").into(),
            audit_log: optional("KUBESTASH_CLUSTER_AUDIT_LOG", "audit-log"),
        }
    }
}

/// The facts a story of the packaging needs, which meets no cluster.
#[derive(Clone, Debug)]
pub struct Packaging {
    /// Folder with the release binaries (`KUBESTASH_TEST_BINARIES`).
    pub binaries: PathBuf,
    /// The real krew (`KUBESTASH_KREW`); its `validate-krew-manifest` is beside it.
    pub krew: PathBuf,
    /// Where kubectl and git are found (`PATH`).
    pub path: String,
}

impl Packaging {
    /// Reads the variables.
    ///
    /// # Panics
    /// When one is missing: a story without its tools must fail, never pass unseen.
    #[must_use]
    pub fn read() -> Self {
        Self {
            binaries: variable("KUBESTASH_TEST_BINARIES").into(),
            krew: variable("KUBESTASH_KREW").into(),
            path: variable("PATH"),
        }
    }
}

/// The fact that a second cluster needs, which a story boots by itself.
#[derive(Clone, Debug)]
pub struct SecondCluster {
    /// The product's image as an archive (`KUBESTASH_TEST_IMAGE_ARCHIVE`).
    pub image_archive: PathBuf,
}

impl SecondCluster {
    /// Reads the variable.
    ///
    /// # Panics
    /// When it is missing.
    #[must_use]
    pub fn read() -> Self {
        Self { image_archive: variable("KUBESTASH_TEST_IMAGE_ARCHIVE").into() }
    }
}

/// The seed of a run that is to be repeated (`KUBESTASH_TEST_SEED`).
///
/// # Panics
/// When it is no number.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only place of the harness that reads the environment")]
pub fn seed() -> Option<u64> {
    std::env::var("KUBESTASH_TEST_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"))
}

/// A variable that must be set only where `KUBESTASH_TEST_REQUIRE` says so.
#[expect(clippy::disallowed_methods, reason = "the only place of the harness that reads the environment")]
fn optional(name: &str, required_as: &str) -> Option<PathBuf> {
    let required = std::env::var("KUBESTASH_TEST_REQUIRE").unwrap_or_default();
    if required.split(',').any(|one| one == required_as) {
        return Some(variable(name).into());
    }
    std::env::var_os(name).map(PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "the only place of the harness that reads the environment")]
#[expect(clippy::panic, reason = "a story without its cluster must fail, never pass unseen")]
fn variable(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!(
            "{name} is not set: the stories run by `make test`, which boots a cluster and says where it is"
        ),
    }
}
