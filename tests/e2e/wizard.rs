//! A person at a terminal who types `backup create` and nothing else: through a real pseudo-terminal, on the real cluster.

use std::collections::BTreeSet;

use crds::core::BackupConfiguration;
use crds::storage::{BackupStorage, Snapshot};
use harness::cluster::Cluster;
use harness::namespace::Namespace;
use harness::pty::{DOWN, ENTER, ESCAPE, INTERRUPT, Start, Terminal};
use kube::ResourceExt;
use kube::api::ListParams;

use crate::plugin::{create_storage, secret_key};
use crate::recorded;

/// A story's namespace, and a home for the wizard to remember things in.
pub struct Desk {
    pub namespace: Namespace,
    pub home: tempfile::TempDir,
}

impl Desk {
    pub async fn new(story: &str) -> Self {
        let cluster = Cluster::connect().await;
        Self::of(Namespace::create(&cluster, story).await)
    }

    /// A desk for a namespace in which something happened already.
    pub fn of(namespace: Namespace) -> Self {
        Self { namespace, home: tempfile::tempdir().expect("a folder") }
    }

    /// Starts the plugin at a terminal of this many columns.
    pub fn sit_down(&self, line: &[&str], variables: &[(&str, &str)], columns: u16) -> Terminal {
        let environment = &self.namespace.cluster.environment;
        let arguments = [line, &["-n", &self.namespace.name]].concat();
        let mut all = vec![
            ("KUBECONFIG", environment.kubeconfig.display().to_string()),
            ("HOME", self.home.path().display().to_string()),
            ("TERM", "xterm".to_owned()),
        ];
        all.extend(variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
        // A variable that is given twice: the last one counts.
        Terminal::start(&Start {
            program: environment.binaries.join("kubectl-kubestash"),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            variables: all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            columns,
        })
    }

    fn wizard(&self) -> Terminal {
        self.sit_down(&["backup", "create"], &[], 100)
    }

    pub async fn names<K>(&self) -> BTreeSet<String>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let found = self.namespace.api::<K>().list(&ListParams::default()).await.expect("a list");
        found.items.iter().map(ResourceExt::name_any).collect()
    }

    /// A storage `minio` in the namespace, by flags.
    pub async fn storage(&self) {
        create_storage(&self.namespace, &secret_key(&self.namespace)).await.assert_success();
    }

    /// Answers the questions of a new storage, all but the secret key.
    fn describe_storage(&self, terminal: &mut Terminal) {
        let environment = &self.namespace.cluster.environment;
        terminal.answer("? Where should it be stored?", &format!("new storage{ENTER}"));
        terminal.answer("? Who keeps the data?", ENTER);
        terminal.answer("? Endpoint", &format!("{}{ENTER}", environment.s3_host_endpoint));
        terminal.answer("? Bucket", &format!("{}{ENTER}", environment.bucket));
        terminal.answer("? Prefix", &format!("{}{ENTER}", self.namespace.name));
        self.identify(terminal);
    }

    pub fn identify(&self, terminal: &mut Terminal) {
        let environment = &self.namespace.cluster.environment;
        terminal.answer("? Credentials?", &format!("enter{ENTER}"));
        terminal.answer("? Access key ID", &format!("{}{ENTER}", environment.access_key));
    }
}

/// The common questions after the storage, each with its default, up to the review.
fn accept_the_rest(terminal: &mut Terminal) {
    terminal.answer("? Encryption password?", ENTER);
    terminal.answer("? When?", ENTER);
    terminal.answer("? How long is it kept?", ENTER);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_namespace_has_a_finished_snapshot_after_one_dialogue() {
    let desk = Desk::new("wizard-first").await;
    let mut terminal = desk.wizard();
    terminal.answer("? What should be backed up?", ENTER);
    terminal.answer("? Who reads it?", ENTER);
    desk.describe_storage(&mut terminal);
    // A slip first: it is told before anything is written, and corrected in place.
    terminal.answer("? Secret access key", &format!("n0t-the-key{ENTER}"));
    terminal.expect("from: this machine");
    terminal.expect("✘");
    terminal.answer("? Go on?", ENTER);
    desk.identify(&mut terminal);
    let secret_key = desk.namespace.cluster.environment.secret_key.clone();
    terminal.answer("? Secret access key", &format!("{secret_key}{ENTER}"));
    terminal.expect("wrote, read back and deleted a test object");
    accept_the_rest(&mut terminal);
    terminal.expect("Will be written to cluster");
    terminal.expect("server dry-run: accepted");
    assert!(desk.names::<BackupStorage>().await.is_empty(), "nothing is written before the review");
    terminal.answer("? Apply?", "y");
    terminal.expect("Keep a copy outside the cluster");
    terminal.expect("The same, without questions:");
    terminal.answer("? Watch the first backup now?", "y");
    terminal.expect("succeeded");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert!(terminal.is_as_found());
    for secret in ["n0t-the-key", &secret_key] {
        assert!(!terminal.raw().contains(secret), "{}", terminal.text());
    }
    let snapshots = desk.namespace.api::<Snapshot>().list(&ListParams::default()).await.expect("a list");
    let phases: Vec<_> =
        snapshots.items.iter().map(|one| one.status.as_ref().and_then(|status| status.phase)).collect();
    assert_eq!(phases, [Some(crds::storage::snapshot::SnapshotPhase::Succeeded)]);
    let leftovers =
        desk.namespace.bucket().keys().into_iter().filter(|key| key.contains("preflight")).count();
    assert_eq!(leftovers, 0);
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_storage_is_six_keys_away_and_back_leads_back() {
    let desk = Desk::new("wizard-storage").await;
    desk.storage().await;
    let mut terminal = desk.wizard();
    terminal.answer("? What should be backed up?", "?");
    terminal.answer("no volumes, no data", &format!("{DOWN}{DOWN}{ENTER}"));
    terminal.expect("✔ What should be backed up?");
    // Esc alone: what follows at once would be part of a key.
    terminal.answer("? Who reads it?", ESCAPE);
    terminal.answer("? What should be backed up?", ENTER);
    terminal.expect(&format!("✔ What should be backed up?  namespace {}", desk.namespace.name));
    terminal.answer("? Who reads it?", ENTER);
    terminal.expect("? Where should it be stored?");
    terminal.expect("Ready, s3");
    terminal.press(ENTER);
    accept_the_rest(&mut terminal);
    terminal.answer("? Apply?", "v");
    terminal.expect("RESTIC_PASSWORD: <hidden>");
    terminal.answer("? Apply?", "b");
    terminal.answer("? How long is it kept?", &format!("week{ENTER}"));
    terminal.expect("7 daily");
    terminal.answer("? Apply?", "y");
    terminal.answer("? Watch the first backup now?", "n");
    assert!(terminal.ended().success(), "{}", terminal.text());
    recorded::screen("existing-storage", &terminal, &desk.namespace);
    assert_eq!(desk.names::<BackupConfiguration>().await, [desk.namespace.name.clone()].into());
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_dialogue_writes_nothing_and_is_continued_next_time() {
    let desk = Desk::new("wizard-interrupted").await;
    let mut terminal = desk.wizard();
    terminal.answer("? What should be backed up?", ENTER);
    terminal.answer("? Who reads it?", ENTER);
    desk.describe_storage(&mut terminal);
    terminal.answer("? Secret access key", &format!("s3cr3t{INTERRUPT}"));
    terminal.expect("Cancelled. Nothing was applied.");
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    assert!(terminal.is_as_found(), "what is typed is shown again");
    let kept = harness_files(desk.home.path());
    assert!(kept.contains("target: namespace") && !kept.contains("s3cr3t"), "{kept}");
    assert!(desk.names::<BackupStorage>().await.is_empty());

    let mut terminal = desk.wizard();
    terminal.answer("? Continue the unfinished setup", "y");
    let secret_key = desk.namespace.cluster.environment.secret_key.clone();
    terminal.answer("? Secret access key", &format!("{secret_key}{ENTER}"));
    accept_the_rest(&mut terminal);
    terminal.answer("? Apply?", "y");
    terminal.answer("? Watch the first backup now?", "n");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert_eq!(harness_files(desk.home.path()), "", "what is done is not offered again");
    desk.namespace.remove().await;
}

/// What all files below a folder hold.
pub fn harness_files(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        text.push_str(&if path.is_dir() {
            harness_files(&path)
        } else {
            std::fs::read_to_string(&path).expect("text")
        });
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_can_be_interrupted_and_leaves_the_terminal_as_it_was() {
    let desk = Desk::new("wizard-ctrl-c").await;
    desk.storage().await;
    let questions = [
        "? What should be backed up?",
        "? Who reads it?",
        "? Where should it be stored?",
        "? Encryption password?",
        "? When?",
        "? How long is it kept?",
        "? Apply?",
    ];
    for number in 0..questions.len() {
        let mut terminal = desk.wizard();
        if number > 0 {
            terminal.answer("? Continue the unfinished setup", "n");
        }
        // The first run keeps nothing: nothing was answered.
        for question in &questions[..number] {
            terminal.answer(question, ENTER);
        }
        terminal.answer(questions[number], INTERRUPT);
        assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
        // Expected, not looked for: what a program says last arrives after it is gone.
        terminal.expect("Cancelled. Nothing was applied.");
        assert!(terminal.is_as_found());
        assert!(!terminal.raw().contains("\u{1b}[?25l"), "the cursor is never hidden");
        if number == 0 {
            // So that every further run is asked.
            let mut terminal = desk.wizard();
            terminal.answer(questions[0], ENTER);
            terminal.answer(questions[1], INTERRUPT);
            terminal.ended();
        }
    }
    assert!(desk.names::<BackupConfiguration>().await.is_empty());
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_or_with_no_input_all_missing_flags_are_named_at_once() {
    let desk = Desk::new("wizard-no-input").await;
    let said =
        desk.namespace.cluster.plugin.run(&["backup", "create", "shop", "-n", &desk.namespace.name]).await;
    assert_eq!(said.code, 2, "{said:?}");
    let mut terminal = desk.sit_down(&["backup", "create", "shop", "--no-input"], &[], 100);
    assert_eq!(terminal.ended().code(), Some(2), "{}", terminal.text());
    terminal.expect("required values are missing");
    for flag in ["--target", "--generate-encryption-secret", "--create-reader"] {
        assert!(said.stderr.contains(flag), "{said:?}");
        assert!(terminal.text().contains(flag), "{}", terminal.text());
    }
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dumb_terminals_and_screen_readers_are_asked_line_by_line() {
    let desk = Desk::new("wizard-lines").await;
    desk.storage().await;
    for (flag, variable) in
        [("--quiet", ("TERM", "dumb")), ("--accessible", ("A", "a")), ("--quiet", ("ACCESSIBLE", "1"))]
    {
        let mut terminal = desk.sit_down(&["backup", "create", flag], &[variable], 100);
        terminal.expect("What should be backed up?");
        terminal.answer("  1. namespace", "1\n");
        terminal.answer("Who reads it?", "");
        terminal.answer("[1]: ", "1\n");
        terminal.answer("Where should it be stored?", "");
        terminal.answer("[1]: ", "2\n");
        terminal.answer("Who keeps the data?", "");
        terminal.answer("[1]: ", "1\n");
        terminal.answer("Endpoint", "http://198.18.0.1:1\n");
        terminal.answer("Bucket", "nobody\n");
        terminal.answer("Prefix", "\n");
        terminal.answer("Credentials?", "");
        terminal.answer("[1]: ", "2\n");
        terminal.answer("Access key ID", "ann\n");
        terminal.answer("Secret access key (not shown): ", INTERRUPT);
        assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
        assert!(terminal.is_as_found());
        let raw = terminal.raw();
        // Colours may be there, movements may not.
        for movement in ["\u{1b}[J", "\u{1b}[2K", "\u{1b}[1A", "\u{1b}[0J"] {
            assert!(!raw.contains(movement), "{raw:?}");
        }
        std::fs::remove_dir_all(desk.home.path().join(".local")).expect("what was kept");
    }
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_columns_are_enough() {
    let desk = Desk::new("wizard-narrow").await;
    desk.storage().await;
    let mut terminal = desk.sit_down(&["backup", "create"], &[("NO_COLOR", "1")], 40);
    terminal.answer("? What should be backed up?", &format!("{DOWN}{DOWN}?"));
    terminal.answer("volumes, no data", &format!("namespace{ENTER}"));
    terminal.answer("? Who reads it?", ENTER);
    terminal.answer("? Where should it be stored?", ENTER);
    accept_the_rest(&mut terminal);
    terminal.answer("? Apply?", "q");
    assert_eq!(terminal.ended().code(), Some(130), "{}", terminal.text());
    recorded::screen("forty-columns", &terminal, &desk.namespace);
    // What is redrawn must not wrap: a wrapped line would not be wiped.
    let text = terminal.text();
    let drawn = text.lines().skip(1).take_while(|line| !line.contains("Will be written"));
    assert!(drawn.clone().count() > 20, "{text}");
    for line in drawn {
        assert!(line.chars().count() <= 40, "{line:?}");
    }
    desk.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_is_made_by_a_dialogue_of_its_own() {
    let desk = Desk::new("wizard-storage-create").await;
    let environment = &desk.namespace.cluster.environment;
    let mut terminal = desk.sit_down(&["storage", "create"], &[], 100);
    terminal.answer("? Who keeps the data?", ENTER);
    terminal.answer("? Endpoint", &format!("{}{ENTER}", environment.s3_endpoint));
    terminal.answer("? Bucket", &format!("{}{ENTER}", environment.bucket));
    terminal.answer("? Prefix", &format!("{}{ENTER}", desk.namespace.name));
    desk.identify(&mut terminal);
    terminal.answer("? Secret access key", &format!("{}{ENTER}", environment.secret_key));
    // The name of the Service means nothing here: the check goes through the API server.
    terminal.expect("from: the cluster (port-forward to pod s3-");
    terminal.expect("wrote, read back and deleted a test object");
    terminal.answer("? Apply?", "y");
    terminal.expect("✔ Ready");
    assert!(terminal.ended().success(), "{}", terminal.text());
    assert!(!terminal.raw().contains(&environment.secret_key), "{}", terminal.text());
    recorded::screen("storage-create", &terminal, &desk.namespace);
    assert_eq!(desk.names::<BackupStorage>().await, [environment.bucket.clone()].into());
    desk.namespace.remove().await;
}
