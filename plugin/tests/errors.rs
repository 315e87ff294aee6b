//! Every error id is explained in `docs/errors.md`, and produced by a real cause in a golden file or in a story.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use plugin::exit::Exit;
use plugin::failure::Code;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The text below each heading that is an id.
fn explained() -> BTreeMap<String, String> {
    let page = fs::read_to_string(repository().join("docs/errors.md")).unwrap();
    let (mut sections, mut current) = (BTreeMap::<String, String>::new(), None);
    for line in page.lines() {
        if line.starts_with('#') {
            current = line.strip_prefix("### ").filter(|id| id.starts_with("KS")).map(str::to_owned);
            if let Some(id) = &current {
                assert!(sections.insert(id.clone(), String::new()).is_none(), "{id} is explained twice");
            }
        } else if let Some(section) = current.as_ref().and_then(|id| sections.get_mut(id)) {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

#[test]
fn the_page_explains_every_id_and_no_other() {
    let sections = explained();
    let ids: BTreeSet<String> = Code::ALL.iter().map(|code| code.id().to_owned()).collect();
    let headings: BTreeSet<String> = sections.keys().cloned().collect();
    assert_eq!(headings, ids);
    for code in Code::ALL {
        let text = &sections[code.id()];
        let title = format!("**{}** ({}", code.title(), code.exit().code());
        assert!(text.trim_start().starts_with(&title), "{}: no \"{title}\" in {text}", code.id());
        assert!(text.lines().count() > 4, "{} says too little", code.id());
    }
}

#[test]
fn the_page_lists_every_exit_code() {
    let page = fs::read_to_string(repository().join("docs/errors.md")).unwrap();
    let table = page.split("## Exit codes").nth(1).unwrap();
    for exit in
        [Exit::Done, Exit::Failed, Exit::Usage, Exit::Partly, Exit::Cluster, Exit::Skipped, Exit::TimedOut]
    {
        assert!(table.contains(&format!("| {} |", exit.code())), "{exit:?}");
    }
    assert!(table.contains("| 130, 143 |"));
}

/// All files below a folder with this extension.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
}

#[test]
fn every_id_is_produced_by_a_real_cause() {
    let mut sources = Vec::new();
    files(&repository().join("plugin/tests/golden"), "golden", &mut sources);
    files(&repository().join("tests/e2e"), "rs", &mut sources);
    sources.push(repository().join("plugin/tests/ends.rs"));
    let texts: Vec<String> = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for code in Code::ALL {
        let id = code.id();
        // A fault of the program has no cause that a test could make.
        if *code == Code::Fault {
            continue;
        }
        // Golden files show the address only of what went wrong; stories name the id.
        let (anchor, quoted) =
            (format!("errors.md#{}", id.to_ascii_lowercase()), format!("contains(\"{id}\")"));
        assert!(
            texts.iter().any(|text| text.contains(&anchor) || text.contains(&quoted)),
            "{id} ({}) is in no golden file and in no story",
            code.title()
        );
    }
}

/// The numbers of exit codes are a contract with scripts: each is the end of some command line here.
#[test]
fn every_exit_code_is_the_end_of_a_golden_file_or_of_a_test() {
    let mut goldens = Vec::new();
    files(&repository().join("plugin/tests/golden"), "golden", &mut goldens);
    let texts: Vec<String> = goldens.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let ends = fs::read_to_string(repository().join("plugin/tests/ends.rs")).unwrap();
    for exit in
        [Exit::Done, Exit::Failed, Exit::Usage, Exit::Partly, Exit::Cluster, Exit::Skipped, Exit::TimedOut]
    {
        let line = format!("--- exit {}\n", exit.code());
        assert!(texts.iter().any(|text| text.contains(&line)), "no golden file ends with {exit:?}");
    }
    for exit in [Exit::Interrupted, Exit::Terminated] {
        assert!(ends.contains(&format!("Exit::{exit:?}")), "no test ends with {exit:?}");
    }
}
