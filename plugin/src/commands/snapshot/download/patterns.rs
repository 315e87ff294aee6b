//! Which files are meant, by patterns as restic has them.

use crate::commands::snapshot::find::matches;

/// What to take, or what to leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    include: Vec<Vec<String>>,
    exclude: Vec<Vec<String>>,
}

impl Patterns {
    /// Patterns of absolute paths, or of parts of paths.
    #[must_use]
    pub fn new(include: &[String], exclude: &[String]) -> Self {
        let parts = |patterns: &[String]| patterns.iter().map(|pattern| divided(pattern)).collect();
        Self { include: parts(include), exclude: parts(exclude) }
    }

    /// Whether a file with this absolute path is meant.
    #[must_use]
    pub fn admit(&self, path: &str) -> bool {
        let path = divided(path);
        let hit = |patterns: &[Vec<String>]| patterns.iter().any(|pattern| leads_to(pattern, &path));
        (self.include.is_empty() || hit(&self.include)) && !hit(&self.exclude)
    }
}

/// The parts of a path; the first is empty when it begins with a slash.
fn divided(path: &str) -> Vec<String> {
    path.trim_end_matches('/').split('/').map(str::to_owned).collect()
}

/// Whether a pattern is of this file or of a directory above it.
fn leads_to(pattern: &[String], path: &[String]) -> bool {
    let here = |path: &[String]| {
        pattern.len() <= path.len() && pattern.iter().zip(path).all(|(pattern, part)| matches(part, pattern))
    };
    if pattern.first().is_some_and(String::is_empty) {
        return here(path);
    }
    (0..path.len()).any(|start| here(&path[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_a_file_or_all_below_a_directory() {
        let path = "/kubestash-tmp/manifest/pods/namespaces/shop/a.yaml";
        let admits = |include: &[&str], exclude: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            Patterns::new(&owned(include), &owned(exclude)).admit(path)
        };
        for (pattern, hit) in [
            (path, true),
            ("/kubestash-tmp/manifest/pods", true),
            ("/kubestash-tmp/manifest/pods/", true),
            ("/kubestash-tmp/*/pods", true),
            ("pods", true),
            ("namespaces/shop", true),
            ("*.yaml", true),
            ("shop/?.yaml", true),
            ("/pods", false),
            ("pod", false),
            ("shop/*/a.yaml", false),
        ] {
            assert_eq!(admits(&[pattern], &[]), hit, "{pattern}");
            assert_eq!(admits(&[], &[pattern]), !hit, "{pattern}");
        }
        assert!(admits(&[], &[]));
    }
}
