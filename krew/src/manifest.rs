//! The manifest's schema, without the parts we do not use. krew ignores a field it does not know; here it is an error.

use serde::Deserialize;

/// A plugin manifest, <https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/>.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub api_version: String,
    pub kind: String,
    pub metadata: Metadata,
    pub spec: Spec,
}

/// The name by which krew installs the plugin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub name: String,
}

/// What the index shows, and where the archives are.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// The release, with the `v`.
    pub version: String,
    pub homepage: String,
    /// The line of `kubectl krew search`.
    pub short_description: String,
    pub description: String,
    /// Shown after the first installation, never after an upgrade.
    pub caveats: String,
    pub platforms: Vec<Platform>,
}

/// The archive of one platform. `files` is not known here: what an archive holds is installed as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub selector: Selector,
    pub uri: String,
    pub sha256: String,
    /// Path of the program in the archive.
    pub bin: String,
}

/// Which machines an archive is for. Both labels, so that two entries can overlap only by being equal.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    pub match_labels: Labels,
}

/// Operating system and architecture as Go names them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    pub os: String,
    pub arch: String,
}

impl Manifest {
    /// Reads a manifest strictly.
    ///
    /// # Errors
    /// A field that is missing, unknown or there twice.
    pub fn read(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str(text)
    }
}

impl Platform {
    /// For example `linux-amd64`.
    #[must_use]
    pub fn name(&self) -> String {
        let Labels { os, arch } = &self.selector.match_labels;
        format!("{os}-{arch}")
    }

    /// The file name at the end of the address.
    #[must_use]
    pub fn file(&self) -> &str {
        self.uri.rsplit('/').next().unwrap_or_default()
    }
}
