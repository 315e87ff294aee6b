//! Rules for the manifest alone. Each closes what krew's validator lets pass, or repeats what it says before a release
//! depends on it.

use semver::Version;

use crate::manifest::{Manifest, Platform, Spec};
use crate::platform::SUPPORTED;

/// The plugin's name: in the manifest, in the names of program and archives.
pub const NAME: &str = "kubestash";

/// Nine of ten plugins of the official index stay below it, and `kubectl krew search` cuts longer lines off.
const LONGEST_SHORT_DESCRIPTION: usize = 60;

/// What is wrong with a manifest kept in `file_name`, for a release of `version` (without the `v`).
#[must_use]
pub fn violations(manifest: &Manifest, file_name: &str, version: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut demand = |holds: bool, otherwise: String| {
        if !holds {
            found.push(otherwise);
        }
    };
    let name = &manifest.metadata.name;
    demand(
        manifest.api_version == "krew.googlecontainertools.github.com/v1alpha2",
        format!("apiVersion \"{}\" is not known to krew", manifest.api_version),
    );
    demand(manifest.kind == "Plugin", format!("kind \"{}\" is not \"Plugin\"", manifest.kind));
    demand(name == NAME, format!("metadata.name \"{name}\" is not \"{NAME}\""));
    demand(
        file_name == format!("{name}.yaml"),
        format!("the file \"{file_name}\" is not named \"{name}.yaml\""),
    );
    let spec = &manifest.spec;
    demand(
        spec.version.strip_prefix('v').is_some_and(|bare| bare == version && Version::parse(bare).is_ok()),
        format!("spec.version \"{}\" is not \"v{version}\", or not a full semantic version", spec.version),
    );
    demand(!spec.platforms.is_empty(), "spec.platforms is empty".to_owned());
    found.extend(text_violations(spec));
    for (index, platform) in spec.platforms.iter().enumerate() {
        found.extend(platform_violations(platform, &spec.version));
        if spec.platforms[..index].iter().any(|before| before.name() == platform.name()) {
            found.push(format!("{}: there twice", platform.name()));
        }
    }
    found
}

fn text_violations(spec: &Spec) -> Vec<String> {
    let mut found = Vec::new();
    let short = &spec.short_description;
    if short.trim().is_empty() || short.contains(['\n', '\r']) {
        found.push("spec.shortDescription is not one line".to_owned());
    }
    if short.chars().count() > LONGEST_SHORT_DESCRIPTION {
        found.push(format!("spec.shortDescription is longer than {LONGEST_SHORT_DESCRIPTION} characters"));
    }
    if short.ends_with('.') {
        found.push("spec.shortDescription ends with a full stop".to_owned());
    }
    if spec.description.trim().is_empty() {
        found.push("spec.description is empty".to_owned());
    }
    if !spec.homepage.starts_with("https://") {
        found.push(format!("spec.homepage \"{}\" is not an https address", spec.homepage));
    }
    found
}

fn platform_violations(platform: &Platform, version: &str) -> Vec<String> {
    let name = platform.name();
    let mut found = Vec::new();
    let mut demand = |holds: bool, otherwise: String| {
        if !holds {
            found.push(format!("{name}: {otherwise}"));
        }
    };
    demand(SUPPORTED.contains(&name.as_str()), "not a platform of krew".to_owned());
    let uri = &platform.uri;
    demand(
        uri.starts_with("https://") || uri.starts_with("http://127.0.0.1:"),
        format!("uri \"{uri}\" is not an https address"),
    );
    let end = format!("/{version}/kubectl-{NAME}-{name}.tar.gz");
    demand(uri.ends_with(&end), format!("uri \"{uri}\" does not end with \"{end}\""));
    demand(
        platform.sha256.len() == 64
            && platform.sha256.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')),
        format!("sha256 \"{}\" is not 64 lower-case hexadecimal digits", platform.sha256),
    );
    let suffix = if platform.selector.match_labels.os == "windows" { ".exe" } else { "" };
    demand(
        platform.bin == format!("kubectl-{NAME}{suffix}"),
        format!("bin \"{}\" is not \"kubectl-{NAME}{suffix}\"", platform.bin),
    );
    found
}
