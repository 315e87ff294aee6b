//! Judges files: a manifest and its archives, or the template.

use std::path::{Path, PathBuf};

use snafu::{ResultExt, Snafu};

use crate::manifest::Manifest;
use crate::{archive, rules};

/// Why nothing could be judged.
#[derive(Debug, Snafu)]
pub enum Error {
    /// A file that is not there, or not text.
    #[snafu(display("failed to read \"{}\": {source}", path.display()))]
    Read { path: PathBuf, source: std::io::Error },
}

/// What is wrong with the manifest at `path`, and with each archive it names, for a release of `version`. The archives
/// are looked for beside it.
///
/// # Errors
/// When the manifest or an archive cannot be read.
pub fn release(path: &Path, version: &str) -> Result<Vec<String>, Error> {
    let text = std::fs::read_to_string(path).context(ReadSnafu { path })?;
    let manifest = match Manifest::read(&text) {
        Ok(manifest) => manifest,
        Err(cause) => return Ok(vec![cause.to_string()]),
    };
    let mut found = rules::violations(&manifest, &file_name(path), version);
    for platform in &manifest.spec.platforms {
        let path = path.with_file_name(platform.file());
        let bytes = std::fs::read(&path).context(ReadSnafu { path })?;
        found.extend(archive::violations(platform, &bytes));
    }
    Ok(found)
}

/// What is wrong with the template at `path`, once it is filled in.
///
/// # Errors
/// When it cannot be read.
pub fn template(path: &Path, version: &str) -> Result<Vec<String>, Error> {
    let text = std::fs::read_to_string(path).context(ReadSnafu { path })?;
    Ok(match Manifest::read(&filled_in(&text, version)) {
        Ok(manifest) => rules::violations(&manifest, &file_name(path), version),
        Err(cause) => vec![cause.to_string()],
    })
}

/// The template with every `{{ ... }}` that `krew/dist` knows replaced by something of the right form.
#[must_use]
pub fn filled_in(template: &str, version: &str) -> String {
    let mut text = template.replace("{{ VERSION }}", version);
    for platform in crate::platform::SUPPORTED {
        let uri = format!("https://example.org/v{version}/kubectl-{}-{platform}.tar.gz", rules::NAME);
        text = text
            .replace(&format!("{{{{ URI {platform} }}}}"), &uri)
            .replace(&format!("{{{{ SHA256 {platform} }}}}"), &"0".repeat(64));
    }
    text
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
