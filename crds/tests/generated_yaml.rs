//! `yaml/` is what the types generate. `BLESS=1 cargo test -p kubestash-crds` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml")
}

/// File name and content of every definition. The files are shipped as they are, so they hold no more than the API
/// server needs: no prose, keys sorted.
fn generated() -> BTreeMap<String, String> {
    crds::all()
        .into_iter()
        .map(|definition| {
            let name = format!("{}_{}.yaml", definition.spec.group, definition.spec.names.plural);
            let document = serde_json::to_value(&definition).unwrap();
            (name, serde_saphyr::to_string(&document).unwrap())
        })
        .collect()
}

fn committed() -> BTreeMap<String, String> {
    std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn the_committed_files_are_what_the_types_generate() {
    let generated = generated();
    if std::env::var_os("BLESS").is_some() {
        for name in committed().keys().filter(|name| !generated.contains_key(*name)) {
            std::fs::remove_file(folder().join(name)).unwrap();
        }
        for (name, content) in &generated {
            std::fs::write(folder().join(name), content).unwrap();
        }
    }
    let committed = committed();
    assert_eq!(
        generated.keys().collect::<Vec<_>>(),
        committed.keys().collect::<Vec<_>>(),
        "files; run with BLESS=1 to write them"
    );
    for (name, content) in &generated {
        assert!(committed[name] == *content, "yaml/{name} is out of date; run with BLESS=1 to write it");
    }
}

#[test]
fn the_files_read_back_as_the_definitions() {
    for definition in crds::all() {
        let document = serde_json::to_value(&definition).unwrap();
        let text = serde_saphyr::to_string(&document).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, document, "{}", definition.spec.names.kind);
    }
}
