//! Somebody prunes a repository and never ends: a backup that waits for them says for whom, and goes on once they are gone.

use std::process::Stdio;
use std::sync::Arc;

use harness::cluster::Cluster;
use harness::s3_proxy::{Fault, S3Proxy, Seen};
use tokio::process::{Child, Command};

use super::{left_alone, typed};
use crate::given;
use crate::repository::{COMPONENT, a_backup_reachable_from_here, locks};
use crate::wizard::Desk;

/// A restic that has the repository for itself, and hangs on its index.
async fn a_prune_that_hangs(desk: &Desk) -> (Child, S3Proxy) {
    let environment = &desk.namespace.cluster.environment;
    let of_index = |seen: &Seen<'_>| {
        let is_index = seen.path.contains("/index") || seen.query.contains("index");
        is_index.then_some(Fault::Hang)
    };
    let proxy =
        S3Proxy::start(&environment.host_address, &environment.s3_host_endpoint, Arc::new(of_index)).await;
    let place =
        format!("s3:{}/{}/{}/orders/{COMPONENT}", proxy.endpoint(), environment.bucket, desk.namespace.name);
    let child = Command::new(&environment.restic)
        .args(["--no-cache", "--repo", &place, "prune"])
        .env("RESTIC_PASSWORD", given::PASSWORD)
        .env("AWS_ACCESS_KEY_ID", &environment.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &environment.secret_key)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("restic runs");
    for _ in 0..120 {
        if locks(&desk.namespace).await == 1 {
            return (child, proxy);
        }
    }
    unreachable!("restic took no lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_the_lock_is_told_while_waiting_and_unlocking_lets_the_backup_go_on() {
    let cluster = Cluster::connect().await;
    let desk = Desk::of(a_backup_reachable_from_here(&cluster, "terminal-lock").await);
    let (mut prune, _proxy) = a_prune_that_hangs(&desk).await;
    let mut terminal = typed(&desk, "trigger orders --watch");
    terminal.expect_on_screen("waiting: the repository is locked: exclusive lock of ");
    terminal.expect_on_screen("(process ");
    prune.kill().await.expect("restic can be killed");
    given::done(&desk.namespace, "unlock orders --force").await;
    terminal.expect(&format!("✔ backup {}/orders succeeded in ", desk.namespace.name));
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.text());
    left_alone(&terminal);
    desk.namespace.remove().await;
}
