//! Which objects of a snapshot are wanted, decided by paths alone, so that what is not wanted is not even listed.

use archive::manifest::path::Key;

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Objects of these resources, or one by its name; empty means all.
    pub objects: Vec<(String, Option<String>)>,
    /// What lies at or below this path; empty means all.
    pub path: String,
}

impl Wish {
    /// Whether something wanted may lie at or below `path`, which is relative to the root of the manifests.
    #[must_use]
    pub fn enters(&self, path: &str) -> bool {
        self.leads(path) && (self.objects.is_empty() || self.objects.iter().any(|one| is_of(one, path)))
    }

    /// Towards the wished path, or beyond it.
    fn leads(&self, path: &str) -> bool {
        let below = |long: &str, short: &str| {
            short.is_empty()
                || long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        below(&self.path, path) || below(path, &self.path)
    }
}

fn is_of((resource, name): &(String, Option<String>), path: &str) -> bool {
    let mut parts = path.split('/');
    if parts.next() != Some(resource) {
        return false;
    }
    match (name, Key::from_path(path)) {
        (Some(name), Ok(key)) => key.name == *name,
        // A directory on the way, or everything of the resource.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_to_a_wanted_object_is_entered() {
        let wish = Wish {
            objects: vec![
                ("deployments.apps".to_owned(), Some("orders".to_owned())),
                ("configmaps".to_owned(), None),
            ],
            path: String::new(),
        };
        for (path, entered) in [
            ("deployments.apps", true),
            ("deployments.apps/namespaces/shop", true),
            ("deployments.apps/namespaces/shop/orders.yaml", true),
            ("deployments.apps/namespaces/shop/other.yaml", false),
            ("configmaps/namespaces/shop/any.yaml", true),
            ("pods", false),
        ] {
            assert_eq!(wish.enters(path), entered, "{path}");
        }
        assert!(Wish::default().enters("pods/namespaces/a/b.yaml"));
    }

    #[test]
    fn a_path_is_entered_from_its_root_to_its_end() {
        let wish = Wish { objects: Vec::new(), path: "pods/namespaces/a".to_owned() };
        for (path, entered) in [
            ("pods", true),
            ("pods/namespaces", true),
            ("pods/namespaces/a", true),
            ("pods/namespaces/a/b.yaml", true),
            ("pods/namespaces/ab", false),
            ("pods/cluster", false),
            ("pod", false),
        ] {
            assert_eq!(wish.enters(path), entered, "{path}");
        }
    }
}
