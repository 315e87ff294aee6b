//! Questions before something is deleted, unlocked or locked with a new password: the wrong answer, and none, change
//! nothing.

use crds::core::BackupConfiguration;
use crds::storage::{BackupStorage, Repository};
use harness::cluster::Cluster;
use harness::pty::{ENTER, INTERRUPT};

use super::{backed_up, left_alone, typed};
use crate::repository::{a_backup_reachable_from_here, a_lock_of_a_killed_restic, locks, opens};
use crate::wizard::Desk;

/// Lets the deletion of all three erase data.
async fn erasing(desk: &Desk) {
    let kubectl = async |kind: &str, name: &str, patch: &str| {
        let line = ["patch", kind, name, "-n", &desk.namespace.name, "--type=json", "-p", patch];
        desk.namespace.cluster.kubectl(&line, "").await.assert_success();
    };
    let policy = r#"[{"op": "add", "path": "/spec/deletionPolicy", "value": "WipeOut"}]"#;
    kubectl("repository", "orders", policy).await;
    kubectl("backupstorage", "minio", policy).await;
    let policy =
        r#"[{"op": "add", "path": "/spec/sessions/0/repositories/0/deletionPolicy", "value": "WipeOut"}]"#;
    kubectl("backupconfiguration", "orders", policy).await;
}

async fn all_there(desk: &Desk) -> bool {
    let namespace = &desk.namespace;
    let lives = |deleted: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| deleted.is_none();
    let storage = namespace.api::<BackupStorage>().get("minio").await.expect("the storage");
    let repository = namespace.api::<Repository>().get("orders").await.expect("the repository");
    let backup = namespace.api::<BackupConfiguration>().get("orders").await.expect("the backup");
    [&storage.metadata, &repository.metadata, &backup.metadata]
        .iter()
        .all(|metadata| lives(&metadata.deletion_timestamp))
        && namespace.bucket().keys().iter().any(|key| key.contains("/snapshots/"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mild_deletion_is_asked_and_no_is_the_default() {
    let desk = backed_up("terminal-delete").await;
    for line in ["storage delete minio", "repository delete orders", "backup delete orders"] {
        for (keys, code) in [(ENTER, 2), ("n", 2), (INTERRUPT, 130)] {
            let mut terminal = typed(&desk, line);
            terminal.answer("Delete?", keys);
            assert_eq!(terminal.ended().code(), Some(code), "{line}: {}", terminal.text());
            assert!(terminal.text().to_lowercase().contains("nothing was changed"), "{}", terminal.text());
            left_alone(&terminal);
        }
    }
    assert!(all_there(&desk).await);
    let mut terminal = typed(&desk, "backup delete orders");
    terminal.answer("Delete?", "y");
    terminal.expect("backupconfiguration.core.kubestash.com/orders deleted");
    assert!(terminal.ended().success(), "{}", terminal.text());
    left_alone(&terminal);
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_erases_data_takes_the_name_and_nothing_else() {
    let desk = backed_up("terminal-erase").await;
    erasing(&desk).await;
    for (line, kind, name) in [
        ("storage delete minio", "BackupStorage", "minio"),
        ("repository delete orders", "Repository", "orders"),
        ("backup delete orders --yes", "BackupConfiguration", "orders"),
    ] {
        let question = format!("Type the name of the {kind} ({name}) to erase its data");
        for (keys, code) in
            [(ENTER.to_owned(), 2), (format!("yes{ENTER}"), 2), (format!("{name}{INTERRUPT}"), 130)]
        {
            let mut terminal = typed(&desk, line);
            terminal.expect("erased");
            terminal.answer(&question, &keys);
            assert_eq!(terminal.ended().code(), Some(code), "{line}: {}", terminal.text());
            assert!(terminal.text().contains("nothing was changed"), "{}", terminal.text());
            left_alone(&terminal);
        }
    }
    assert!(all_there(&desk).await);
    // Line by line, for who cannot see a line that is redrawn.
    let words = ["repository", "delete", "orders"];
    let mut terminal = desk.sit_down(&words, &[("TERM", "dumb")], 40);
    terminal.answer("to erase its data", "orders\n");
    terminal.expect("repository.storage.kubestash.com/orders deleted");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert!(!terminal.raw().contains("\u{1b}["), "{:?}", terminal.raw());
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_lock_goes_only_when_the_person_says_so() {
    let cluster = Cluster::connect().await;
    let desk = Desk::of(a_backup_reachable_from_here(&cluster, "terminal-unlock").await);
    a_lock_of_a_killed_restic(&desk.namespace).await;
    for (keys, code) in [("n", 0), (ENTER, 0), (INTERRUPT, 130)] {
        let mut terminal = typed(&desk, "unlock orders");
        terminal.expect("COMPONENT");
        terminal.answer("Remove all the same?", keys);
        assert_eq!(terminal.ended().code(), Some(code), "{}", terminal.text());
        left_alone(&terminal);
        assert_eq!(locks(&desk.namespace).await, 1, "{}", terminal.text());
    }
    let mut terminal = typed(&desk, "unlock orders");
    terminal.answer("Remove all the same?", "y");
    terminal.expect("removed 1 lock of");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert_eq!(locks(&desk.namespace).await, 0);
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_password_is_never_seen_and_ctrl_c_gives_the_echo_back() {
    let cluster = Cluster::connect().await;
    let desk = Desk::of(a_backup_reachable_from_here(&cluster, "terminal-password").await);
    let password = "typed-by-a-person";
    for variable in [("TERM", "xterm"), ("TERM", "dumb")] {
        for times in 0..2 {
            let mut terminal = desk.sit_down(&["password", "add", "orders"], &[variable], 100);
            for question in ["New password", "Once more"].into_iter().take(times) {
                terminal.answer(question, &format!("{password}{ENTER}"));
            }
            terminal.expect(["New password", "Once more"][times]);
            terminal.press(&format!("half-{password}"));
            terminal.press(INTERRUPT);
            assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
            assert!(!terminal.raw().contains("typed"), "{}", terminal.raw());
            left_alone(&terminal);
        }
        let mut terminal = desk.sit_down(&["password", "add", "orders"], &[variable], 100);
        terminal.answer("New password", &format!("{password}{ENTER}"));
        terminal.answer("Once more", &format!("other-{password}{ENTER}"));
        assert_eq!(terminal.ended().code(), Some(2), "{}", terminal.text());
        terminal.expect("the two passwords differ");
        assert!(!terminal.raw().contains("typed"), "{}", terminal.raw());
    }
    assert!(!opens(&desk.namespace, password).await);
    let mut terminal = typed(&desk, "password add orders");
    terminal.answer("New password", &format!("{password}{ENTER}"));
    terminal.answer("Once more", &format!("{password}{ENTER}"));
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert!(!terminal.raw().contains("typed"), "{}", terminal.raw());
    left_alone(&terminal);
    assert!(opens(&desk.namespace, password).await);
    desk.namespace.remove().await;
}
