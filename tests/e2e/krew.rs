//! A person who installs plugins by krew: the real one, from an index and archives made by the script that makes the
//! real ones.

use std::path::Path;

use harness::krew::Krew;
use harness::plugin::Said;
use krew::lint;
use semver::Version;

const OURS: &str = "ours/kubestash";

/// The version of the workspace, and the one after it.
fn versions() -> (String, String) {
    let now = Version::parse(env!("CARGO_PKG_VERSION")).expect("a version");
    (now.to_string(), Version::new(now.major, now.minor, now.patch + 1).to_string())
}

/// `kubectl krew ...`, which must succeed. What it says is split between both streams.
async fn krew(computer: &Krew, line: &[&str]) -> String {
    let said = computer.run(&[&["kubectl", "krew"][..], line].concat()).await;
    said.assert_success();
    said.stdout + &said.stderr
}

/// The installed plugin says its version and nothing else.
async fn runs(computer: &Krew) -> Said {
    let said = computer.run(&["kubectl", "kubestash", "version", "--client"]).await;
    said.assert_success();
    assert!(said.stdout.contains(&versions().0), "{said:?}");
    assert_eq!(said.stderr, "");
    said
}

/// What kubectl offers when TAB is pressed behind these letters of a verb.
async fn completed(computer: &Krew, letters: &str) -> Vec<String> {
    let said = computer.run(&["kubectl", "__complete", "kubestash", letters]).await;
    said.stdout.lines().filter_map(|line| Some(line.split_once('\t')?.0.to_owned())).collect()
}

/// What krew's link to the plugin points at.
fn linked(computer: &Krew) -> String {
    let target = std::fs::read_link(computer.root().join("bin/kubectl-kubestash")).expect("a link");
    target.strip_prefix(computer.root()).expect("below krew's folder").to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn krew_finds_installs_upgrades_and_removes_the_plugin() {
    let computer = Krew::start().await;
    let (now, next) = versions();
    computer.publish(&computer.release(&now).await).await;
    krew(&computer, &["index", "add", "ours", &computer.index()]).await;
    krew(&computer, &["update"]).await;

    let found = krew(&computer, &["search", "kubestash"]).await;
    let row = found.lines().find(|line| line.starts_with(OURS)).expect("a row");
    assert!(row.contains("Back up and restore") && row.ends_with("no"), "{found}");
    let info = krew(&computer, &["info", OURS]).await;
    for line in ["NAME: kubestash", &format!("VERSION: v{now}"), "CAVEATS:", "kubectl kubestash install"] {
        assert!(info.contains(line), "{line}: {info}");
    }

    let said = krew(&computer, &["install", OURS]).await;
    assert!(said.contains("Installed plugin: kubestash") && said.contains("Caveats:"), "{said}");
    assert_eq!(linked(&computer), format!("store/kubestash/v{now}/kubectl-kubestash"));
    assert!(computer.root().join(format!("store/kubestash/v{now}/LICENSE")).is_file());
    runs(&computer).await;
    let seen = computer.run(&["kubectl", "plugin", "list"]).await;
    let link = computer.root().join("bin/kubectl-kubestash");
    assert!(seen.stdout.lines().any(|line| Path::new(line) == link), "{seen:?}");

    assert_eq!(
        completed(&computer, "stor").await,
        [""; 0],
        "kubectl knows nothing of the plugin's verbs by itself"
    );
    let shim = computer.run(&["kubectl", "kubestash", "completion", "kubectl", "--install"]).await;
    shim.assert_success();
    let file = computer.root().join("bin/kubectl_complete-kubestash");
    assert_eq!(Path::new(shim.stdout.trim()), file, "beside krew's link");
    assert_eq!(completed(&computer, "stor").await, ["storage"]);

    computer.publish(&computer.release(&next).await).await;
    let said = krew(&computer, &["update"]).await;
    assert!(said.contains(&format!("{OURS} v{now} -> v{next}")), "{said}");
    krew(&computer, &["upgrade", "kubestash"]).await;
    assert_eq!(linked(&computer), format!("store/kubestash/v{next}/kubectl-kubestash"));
    assert!(!computer.root().join(format!("store/kubestash/v{now}")).exists(), "the old version is gone");
    runs(&computer).await;
    assert_eq!(completed(&computer, "stor").await, ["storage"], "an upgrade leaves the shim where it is");
    computer.run(&["kubectl", "kubestash", "completion", "kubectl", "--uninstall"]).await.assert_success();
    assert!(!file.exists());

    krew(&computer, &["uninstall", "kubestash"]).await;
    assert!(link.symlink_metadata().is_err(), "the link is gone");
    assert!(!computer.root().join("store/kubestash").exists(), "the program is gone");
    assert_eq!(krew(&computer, &["list"]).await.trim(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_validator_of_krew_and_our_lint_accept_a_release() {
    let computer = Krew::start().await;
    let version = versions().0;
    let manifest = computer.release(&version).await;
    assert_eq!(lint::release(&manifest, &version).expect("readable files"), Vec::<String>::new());
    let path = manifest.to_string_lossy();
    computer.validate(&["-skip-install", "-manifest", &path]).await.assert_success();
    // This one installs every platform from the addresses in the manifest, and looks for the licence.
    let said = computer.validate(&["-manifest", &path]).await;
    said.assert_success();
    assert!(said.stderr.contains("all 1 spec.platforms installed fine"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_program_makes_the_same_archive_and_a_damaged_one_is_refused() {
    let computer = Krew::start().await;
    let version = versions().0;
    let manifest = computer.release(&version).await;
    let first = std::fs::read(&manifest).expect("a manifest");
    assert_eq!(computer.release(&version).await, manifest);
    assert_eq!(std::fs::read(&manifest).expect("a manifest"), first, "the same checksums");

    let folder = manifest.parent().expect("a folder");
    let archive = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .expect("an archive");
    let mut bytes = std::fs::read(&archive).expect("an archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&archive, bytes).expect("a write");
    let found = lint::release(&manifest, &version).expect("readable files");
    assert!(found.iter().any(|one| one.contains("its sha256 is")), "{found:?}");
    let said = computer.validate(&["-manifest", &manifest.to_string_lossy()]).await;
    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("checksum"), "{said:?}");
}
