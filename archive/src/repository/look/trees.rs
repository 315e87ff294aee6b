//! Directories of snapshots: each read once, several at a time, and never trusted.
//!
//! Whoever has the password can write any tree: names that lead elsewhere, a directory that holds another one a million
//! times over, one of a gigabyte. Each of those is an error before it takes memory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustic_core::TreeId;
use rustic_core::repofile::{Node, Tree};

use super::super::error::{NotFoundSnafu, Result};
use super::{Content, Leaf, Looking, in_parallel, unpack};

/// The most bytes that one directory may take: some 200,000 objects of one kind in one namespace.
const LARGEST_TREE: u64 = 64 * 1024 * 1024;
/// The most entries that one answer may be made of: ten of the largest clusters there are.
const MOST_ENTRIES: usize = 3_000_000;
/// How deep a snapshot may be. A manifest lies six deep.
const DEEPEST: usize = 32;
/// How many entries of directories are kept for the next question.
const KEPT: usize = 400_000;

/// Directories that were read.
#[derive(Debug, Default)]
pub struct Trees(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    trees: HashMap<TreeId, Arc<[Child]>>,
    entries: usize,
}

/// An entry of a directory; links and devices are none.
#[derive(Debug)]
struct Child {
    name: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Directory(TreeId),
    File { size: u64, modified: Option<Timestamp>, content: Content },
}

/// A directory on the way down.
struct Place {
    /// Which snapshot.
    snapshot: usize,
    /// Relative to the root.
    path: String,
    tree: TreeId,
}

/// See [`super::Reader::files`].
pub fn files(
    looking: &Looking,
    roots: &[TreeId],
    root: &str,
    enter: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<Vec<Leaf>>> {
    let mut found: Vec<Vec<Leaf>> = roots.iter().map(|_| Vec::new()).collect();
    let mut level = below(looking, roots, root)?;
    let mut entries = 0;
    for _ in 0..DEEPEST {
        if level.is_empty() {
            for leaves in &mut found {
                leaves.sort_by(|one, other| one.path.cmp(&other.path));
            }
            return Ok(found);
        }
        let trees = load(looking, level.iter().map(|place| place.tree))?;
        let mut next = Vec::new();
        for place in &level {
            for child in trees.get(&place.tree).into_iter().flat_map(|children| children.iter()) {
                entries += 1;
                if entries > MOST_ENTRIES {
                    return looking.damaged(format!("it holds more than {MOST_ENTRIES} files"));
                }
                let path = join(&place.path, &child.name);
                if !enter(&path) {
                    continue;
                }
                match &child.what {
                    What::Directory(tree) => {
                        next.push(Place { snapshot: place.snapshot, path, tree: *tree });
                    }
                    What::File { size, modified, content } => found[place.snapshot].push(Leaf {
                        path,
                        size: *size,
                        modified: *modified,
                        content: content.clone(),
                    }),
                }
            }
        }
        level = next;
    }
    looking.damaged(format!("its directories are more than {DEEPEST} deep"))
}

/// See [`super::Reader::directories`].
pub fn directories(looking: &Looking, roots: &[TreeId], root: &str) -> Result<Vec<String>> {
    let level = below(looking, roots, root)?;
    let trees = load(looking, level.iter().map(|place| place.tree))?;
    let children = trees.values().flat_map(|children| children.iter());
    let names: BTreeSet<&str> = children
        .filter(|child| matches!(child.what, What::Directory(_)))
        .map(|child| child.name.as_str())
        .collect();
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The directory `root` of every snapshot.
fn below(looking: &Looking, roots: &[TreeId], root: &str) -> Result<Vec<Place>> {
    let mut level: Vec<Place> = roots
        .iter()
        .enumerate()
        .map(|(snapshot, tree)| Place { snapshot, path: String::new(), tree: *tree })
        .collect();
    for name in root.split('/').filter(|name| !name.is_empty()) {
        let trees = load(looking, level.iter().map(|place| place.tree))?;
        for place in &mut level {
            let mut children = trees.get(&place.tree).into_iter().flat_map(|children| children.iter());
            place.tree = children
                .find_map(|child| match child.what {
                    What::Directory(tree) if child.name == name => Some(tree),
                    _ => None,
                })
                .ok_or_else(|| {
                    let (directory, what) = (looking.inner.directory.clone(), format!("{root:?}"));
                    NotFoundSnafu { directory, what }.build()
                })?;
        }
    }
    Ok(level)
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// These directories, from memory or from the repository.
fn load(looking: &Looking, wanted: impl Iterator<Item = TreeId>) -> Result<HashMap<TreeId, Arc<[Child]>>> {
    let known = || looking.trees.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut trees = HashMap::new();
    let mut missing = HashSet::new();
    {
        let known = known();
        for id in wanted {
            match known.trees.get(&id) {
                Some(children) => drop(trees.insert(id, Arc::clone(children))),
                None => drop(missing.insert(id)),
            }
        }
    }
    let missing: Vec<TreeId> = missing.into_iter().collect();
    let read = in_parallel(&missing, |id| read(looking, *id))?;
    let mut known = known();
    for (id, children) in missing.into_iter().zip(read) {
        known.entries += children.len();
        if known.entries > KEPT {
            known.trees.clear();
            known.entries = children.len();
        }
        known.trees.insert(id, Arc::clone(&children));
        trees.insert(id, children);
    }
    Ok(trees)
}

fn read(looking: &Looking, id: TreeId) -> Result<Arc<[Child]>> {
    let json = unpack::blob(looking, &id, LARGEST_TREE)?;
    let Ok(tree) = serde_json::from_slice::<Tree>(&json) else {
        return looking.damaged("a directory is not one");
    };
    let mut names = HashSet::new();
    let mut children = Vec::with_capacity(tree.nodes.len());
    for node in tree.nodes {
        let Some(what) = what(&node) else { continue };
        let Some(name) = plain(&node) else {
            return looking.damaged(format!("{:?} is no plain name", node.name));
        };
        if !names.insert(name.clone()) {
            return looking.damaged(format!("a directory holds {name:?} twice"));
        }
        children.push(Child { name, what });
    }
    Ok(children.into())
}

fn what(node: &Node) -> Option<What> {
    if node.is_dir() {
        return node.subtree.map(What::Directory);
    }
    node.is_file().then(|| What::File {
        size: node.meta.size,
        modified: node.meta.mtime,
        content: Content(node.content.clone().unwrap_or_default().into()),
    })
}

/// A name as text, if it leads nowhere else.
fn plain(node: &Node) -> Option<String> {
    let name = node.name();
    let name = name.to_str()?;
    let leads_elsewhere = matches!(name, "" | "." | "..") || name.contains(['/', '\0']);
    (!leads_elsewhere).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, sort: &str) -> Node {
        serde_json::from_value(json!({"name": name, "type": sort, "linktarget": "/etc/passwd", "size": 3}))
            .unwrap()
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_no_name() {
        for name in ["", ".", "..", "/", "a/b", "../x", "/etc/passwd", "a\0b", "..\\u002fx/.."] {
            assert_eq!(plain(&node(name, "file")), None, "{name:?}");
        }
        for name in ["a.yaml", "..a", "system:a *?", ".yaml"] {
            assert_eq!(plain(&node(name, "file")).as_deref(), Some(name));
        }
    }

    #[test]
    fn links_and_devices_are_nothing() {
        assert!(what(&node("a", "symlink")).is_none());
        assert!(what(&node("a", "file")).is_some());
        // A directory without its content.
        assert!(what(&node("a", "dir")).is_none());
    }
}
