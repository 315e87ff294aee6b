//! A person who makes a storage or a policy by itself: asked, continued, compared with what is there, tried from elsewhere.

use crds::storage::{BackupStorage, RetentionPolicy};
use harness::plugin::Said;
use harness::pty::{ENTER, ESCAPE, INTERRUPT};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::wizard::{Desk, harness_files};

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_made_by_a_dialogue_that_tells_what_it_comes_to() {
    let desk = Desk::new("wizard-retention").await;
    let mut terminal = desk.sit_down(&["retention", "create"], &[], 100);
    terminal.expect("? How long are backups kept?");
    terminal.expect("7 daily, 4 weekly, 6 monthly: about 1");
    terminal.press(&format!("month{ENTER}"));
    // Back, and another way.
    terminal.answer("? Name", ESCAPE);
    terminal.answer("? How long are backups kept?", &format!("else{ENTER}"));
    terminal.answer("? Rules", &format!("48 houry{ENTER}"));
    terminal.expect("is no rule");
    terminal.answer("? Rules", &format!("48 hourly, 5 last{ENTER}"));
    terminal.answer("? Name", &format!("two-days{ENTER}"));
    terminal.answer("? At most how old?", &format!("1y{ENTER}"));
    terminal.answer("? Who uses it?", &format!("default{ENTER}"));
    terminal.expect("one backup an hour");
    terminal.expect("about 48 snapshots, the oldest 47 hours old");
    terminal.expect("5 last, 48 hourly, at most 1y, the default");
    terminal.expect("server dry-run: accepted");
    terminal.answer("? Apply?", "v");
    terminal.expect("maxRetentionPeriod: 1y");
    assert!(desk.names::<RetentionPolicy>().await.is_empty(), "nothing is written before the review");
    terminal.answer("? Apply?", "y");
    terminal.expect("retentionpolicy.storage.kubestash.com/two-days created");
    terminal.expect("The same, without questions:");
    terminal.expect("--keep-last 5");
    terminal.expect("--keep-hourly 48");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert!(terminal.is_as_found());
    let policy = desk.namespace.api::<RetentionPolicy>().get("two-days").await.expect("the policy");
    assert!(policy.spec.default);
    assert_eq!(policy.spec.successful_snapshots.and_then(|counts| counts.hourly), Some(48));
    assert_eq!(harness_files(desk.home.path()), "", "what is done is not offered again");
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_policy_is_continued_and_every_question_can_be_interrupted() {
    let desk = Desk::new("wizard-retention-interrupted").await;
    let questions =
        ["? How long are backups kept?", "? Name", "? At most how old?", "? Who uses it?", "? Apply?"];
    for number in 0..questions.len() {
        let mut terminal = desk.sit_down(&["retention", "create"], &[], 100);
        if number > 1 {
            terminal.answer("? Continue the unfinished setup", "n");
        }
        for question in &questions[..number] {
            terminal.answer(question, ENTER);
        }
        terminal.answer(questions[number], INTERRUPT);
        assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
        terminal.expect("Cancelled. Nothing was applied.");
        terminal.expect("kubectl kubestash retention create -n");
        assert!(terminal.is_as_found());
    }
    assert!(desk.names::<RetentionPolicy>().await.is_empty());
    let mut terminal = desk.sit_down(&["retention", "create"], &[], 100);
    terminal.expect("? Continue the unfinished setup");
    terminal.answer("(half-a-year, 7 daily, 4 weekly, 6 monthly)", "y");
    // What was chosen is known, what was left at its default is asked.
    terminal.answer("? At most how old?", ENTER);
    terminal.answer("? Who uses it?", ENTER);
    terminal.answer("? Apply?", "y");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert!(!terminal.text().contains("? Name"), "{}", terminal.text());
    assert_eq!(desk.names::<RetentionPolicy>().await, ["half-a-year".to_owned()].into());
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_storage_is_continued_with_what_it_did_not_come_to() {
    let desk = Desk::new("wizard-storage-interrupted").await;
    let environment = desk.namespace.cluster.environment.clone();
    let mut terminal = desk.sit_down(&["storage", "create"], &[], 100);
    terminal.answer("? Who keeps the data?", ENTER);
    terminal.answer("? Endpoint", &format!("{}{ENTER}", environment.s3_host_endpoint));
    terminal.answer("? Bucket", &format!("{}{ENTER}", environment.bucket));
    terminal.answer("? Prefix", INTERRUPT);
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    terminal.expect("kubectl kubestash storage create -n");
    assert!(terminal.is_as_found());

    // Once more, and once more broken off, in the middle of a secret.
    let mut terminal = desk.sit_down(&["storage", "create"], &[], 100);
    terminal.expect("? Continue the unfinished setup");
    terminal.answer(&format!("({})", environment.bucket), "y");
    terminal.answer("? Prefix", &format!("{}{ENTER}", desk.namespace.name));
    desk.identify(&mut terminal);
    terminal.answer("? Secret access key", &format!("s3cr3t{INTERRUPT}"));
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    assert!(terminal.is_as_found(), "what is typed is shown again");
    let kept = harness_files(desk.home.path());
    assert!(kept.contains("access-key-id") && !kept.contains("s3cr3t"), "{kept}");
    assert!(desk.names::<BackupStorage>().await.is_empty());

    let mut terminal = desk.sit_down(&["storage", "create"], &[], 100);
    terminal.answer("? Continue the unfinished setup", "y");
    terminal.answer("? Secret access key", &format!("{}{ENTER}", environment.secret_key));
    terminal.expect("from: this machine");
    terminal.expect("wrote, read back and deleted a test object");
    // Pods need not reach the address of this machine: nobody waits for the operator here.
    terminal.answer("? Apply?", "q");
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    assert!(!terminal.raw().contains(&environment.secret_key), "{}", terminal.text());
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_the_aws_cli_opens_a_bucket_and_is_shown_nowhere() {
    let desk = Desk::new("wizard-profile").await;
    let environment = desk.namespace.cluster.environment.clone();
    let folder = desk.home.path().join(".aws");
    std::fs::create_dir(&folder).expect("a folder");
    let text = format!(
        "[story]\naws_access_key_id = {}\naws_secret_access_key = {}\nregion = us-east-1\n",
        environment.access_key, environment.secret_key
    );
    std::fs::write(folder.join("credentials"), text).expect("a file");
    let mut terminal = desk.sit_down(&["storage", "create", "minio"], &[], 100);
    terminal.answer("? Who keeps the data?", ENTER);
    terminal.answer("? Endpoint", &format!("{}{ENTER}", environment.s3_endpoint));
    terminal.answer("? Bucket", &format!("{}{ENTER}", environment.bucket));
    terminal.answer("? Prefix", &format!("{}{ENTER}", desk.namespace.name));
    terminal.answer("? Credentials?", &format!("profile{ENTER}"));
    terminal.expect("profile story");
    terminal.expect("wrote, read back and deleted a test object");
    terminal.answer("? Apply?", "y");
    terminal.expect("✔ Ready");
    terminal.expect("--credentials-secret minio-credentials");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert!(!terminal.raw().contains(&environment.secret_key), "{}", terminal.text());
    let storage = desk.namespace.api::<BackupStorage>().get("minio").await.expect("the storage");
    let region = storage.spec.storage.and_then(|backend| backend.s3).and_then(|s3| s3.region);
    assert_eq!(region.as_deref(), Some("us-east-1"));
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_told_as_diff_tells_it_and_shows_no_secret() {
    let desk = Desk::new("create-diff").await;
    desk.storage().await;
    let secret_key = desk.namespace.cluster.environment.secret_key.clone();
    let name = desk.namespace.name.clone();

    // As it is: the operator's status and the server's bookkeeping are no difference.
    let same = difference(&desk, &name, &secret_key).await;
    assert_eq!((same.code, same.stdout.as_str()), (0, ""), "{same:?}");

    let kept = secret(&desk).await;
    let other = difference(&desk, "elsewhere", "an0ther-key").await;
    assert_eq!(other.code, 1, "{other:?}");
    for part in [
        format!("--- live/backupstorage.storage.kubestash.com/{name}/minio\n"),
        format!("-      prefix: {name}\n+      prefix: elsewhere\n"),
        "-  AWS_SECRET_ACCESS_KEY: <hidden>\n+  AWS_SECRET_ACCESS_KEY: <hidden, changed>\n".to_owned(),
    ] {
        assert!(other.stdout.contains(&part), "{part} in {other:?}");
    }
    assert!(!other.stdout.contains("resourceVersion") && !other.stdout.contains("status:"), "{other:?}");
    assert_eq!(secret(&desk).await, kept, "nothing is written");

    // A copy that another tool left in an annotation is not shown either.
    let copy = json!({"metadata": {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{secret_key:?}}}")}}});
    let secrets: Api<Secret> = desk.namespace.api();
    let merge = Patch::Merge(&copy);
    secrets.patch("minio-credentials", &PatchParams::default(), &merge).await.expect("a patch");
    let copied = difference(&desk, &name, "an0ther-key").await;
    assert_eq!(copied.code, 1, "{copied:?}");
    for said in [&same, &other, &copied] {
        for word in [secret_key.as_str(), "an0ther-key", "YW4wdGhlci1rZXk"] {
            assert!(!said.stdout.contains(word) && !said.stderr.contains(word), "{said:?}");
        }
    }

    // What cannot be told is neither "same" nor "different".
    let line =
        ["retention", "create", "weekly", "--keep-daily", "7", "--diff", "-n", &name, "--as", "nobody"];
    let plugin = &desk.namespace.cluster.plugin;
    let refused = plugin.run(&line).await;
    assert!(refused.code > 1, "{refused:?}");

    // The installation, from the CRDs to the catalog, is what it was installed as.
    let image = desk.namespace.cluster.environment.image.clone();
    let same = plugin.run(&["install", "--diff", "--image", &image]).await;
    assert_eq!((same.code, same.stdout.as_str()), (0, ""), "{same:?}");
    let other = plugin.run(&["install", "--diff", "--image", "registry.example.com/other:1"]).await;
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.stdout.contains("+        image: registry.example.com/other:1"), "{other:?}");
    desk.namespace.remove().await;
}

/// `storage create minio --diff` of the desk's storage, with this prefix and secret key.
async fn difference(desk: &Desk, prefix: &str, secret_key: &str) -> Said {
    let environment = &desk.namespace.cluster.environment;
    let line = [
        "storage",
        "create",
        "minio",
        "--endpoint",
        &environment.s3_endpoint,
        "--bucket",
        &environment.bucket,
        "--prefix",
        prefix,
        "--access-key-id",
        &environment.access_key,
        "--secret-access-key-file",
        "-",
        "--diff",
        "-n",
        &desk.namespace.name,
    ];
    desk.namespace.cluster.plugin.run_with_input(&line, secret_key).await
}

/// The data of the storage's Secret, as the server has it.
async fn secret(desk: &Desk) -> Option<std::collections::BTreeMap<String, k8s_openapi::ByteString>> {
    desk.namespace.api::<Secret>().get("minio-credentials").await.expect("the Secret").data
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_bucket_is_tried_from_can_be_chosen() {
    let desk = Desk::new("create-check-from").await;
    let environment = desk.namespace.cluster.environment.clone();
    let services: Api<Service> = Api::namespaced(desk.namespace.cluster.client.clone(), "storage");
    let address = services.get("s3").await.expect("the Service").spec.and_then(|spec| spec.cluster_ip);
    let by_address = format!("http://{}:7070", address.expect("an address"));
    let plugin = &desk.namespace.cluster.plugin;
    let tried = async |endpoint: &str, from: &str, key: &str| {
        let line = [
            "storage",
            "create",
            "minio",
            "--endpoint",
            endpoint,
            "--bucket",
            &environment.bucket,
            "--prefix",
            &desk.namespace.name,
            "--access-key-id",
            &environment.access_key,
            "--secret-access-key-file",
            "-",
            "-n",
            &desk.namespace.name,
            "--dry-run=server",
            from,
        ];
        plugin.run_with_input(&line, key).await
    };
    let right = environment.secret_key.as_str();
    for (endpoint, from, origin) in [
        (environment.s3_host_endpoint.as_str(), "--check-from=local", "from: this machine"),
        (&environment.s3_host_endpoint, "--check-from=auto", "from: this machine"),
        (&environment.s3_endpoint, "--check-from=auto", "from: the cluster (port-forward to pod s3-"),
        (&environment.s3_endpoint, "--check-from=cluster", "from: the cluster (port-forward to pod s3-"),
        (&by_address, "--check-from=cluster", "from: the cluster (port-forward to pod s3-"),
    ] {
        let said = tried(endpoint, from, right).await;
        said.assert_success();
        assert!(said.stderr.contains(origin), "{endpoint} {from}: {said:?}");
        assert!(said.stderr.contains("wrote, read back and deleted a test object"), "{said:?}");
    }
    // Nobody is there; somebody might be for a pod.
    let elsewhere = tried("http://[fd00::dead:beef]:7070", "--check-from=auto", right).await;
    elsewhere.assert_success();
    assert!(elsewhere.stderr.contains("of a private network, which pods may reach"), "{elsewhere:?}");
    let nobody = tried("http://[fd00::dead:beef]:7070", "--check-from=local", right).await;
    assert_eq!(nobody.code, 4, "{nobody:?}");
    let wrong = tried(&environment.s3_endpoint, "--check-from=cluster", "n0t-the-key").await;
    assert_eq!(wrong.code, 4, "{wrong:?}");
    assert!(
        wrong.stderr.contains("the secret key does not match") && wrong.stderr.contains("port-forward"),
        "{wrong:?}"
    );
    assert!(!wrong.stderr.contains("n0t-the-key"), "{wrong:?}");
    let unchecked = tried(&environment.s3_endpoint, "--no-check", "n0t-the-key").await;
    unchecked.assert_success();
    assert!(!unchecked.stderr.contains("checking"), "{unchecked:?}");
    let leftovers =
        desk.namespace.bucket().keys().into_iter().filter(|key| key.contains("preflight")).count();
    assert_eq!(leftovers, 0);
    desk.namespace.remove().await;
}
