//! The same by the plugin, as a person types it: a plan, a question, and how it goes.

use harness::plugin::Said;
use serde_json::Value;

use super::{APPLICATION, Kept};

impl Kept {
    /// The plugin, with the application's namespace as that of the command.
    async fn typed(&self, line: &str) -> Said {
        let line = format!("{line} -n {}", self.application.name);
        let words: Vec<&str> = line.split_whitespace().collect();
        self.application.cluster.plugin.run(&words).await
    }

    async fn ends(&self, line: &str, code: i32) -> Said {
        let said = self.typed(line).await;
        assert_eq!(said.code, code, "{line}: {said:?}");
        for marker in ["r3store-m4rker", "cjNzdG9yZS1tNHJrZXI="] {
            assert!(!said.stdout.contains(marker) && !said.stderr.contains(marker), "{line} tells a secret");
        }
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_namespace_is_planned_restored_and_found_equal() {
    let kept = Kept::of("typed", APPLICATION).await;
    kept.runs().await;
    kept.back_up().await;
    kept.lose_the_namespace().await;

    let plan = kept.ends("restore plan latest", 1).await.stdout;
    assert!(plan.contains("nothing has been changed") && plan.contains("deployments.apps/orders"), "{plan}");
    assert!(!kept.has("deployment/orders").await);
    // Nobody is there to be asked, and nothing was said.
    let unsaid = kept.typed("restore create latest --include-rbac --create-restorer").await;
    assert_ne!(unsaid.code, 0, "{unsaid:?}");
    assert!(!kept.has("deployment/orders").await);

    let created = "restore create latest --name back --include-rbac --create-restorer --yes";
    let said = kept.ends(created, 0).await;
    assert!(said.stderr.contains("created") || said.stdout.contains("created"), "{said:?}");
    // It is not over before what came back runs.
    assert!(said.stderr.contains("✔ deployments.apps/orders   1/1 ready after "), "{said:?}");
    assert!(kept.has("rolebinding/orders").await);
    let same = kept.ends("snapshot diff latest --live", 0).await;
    assert!(same.stdout.starts_with("=  "), "{same:?}");
    kept.ends("restore plan latest --include-rbac", 0).await;
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_or_removed_needs_the_name_typed_and_single_objects_are_addressed() {
    let kept = Kept::of("confirmed", APPLICATION).await;
    kept.application
        .apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: NAMESPACE}\n")
        .await;
    let exact = "restore create latest --prune --service-account restorer";
    for line in [
        format!("{exact} --yes"),
        format!("{exact} --confirm wrong-name"),
        format!("{exact} --no-plan --yes"),
    ] {
        let refused = kept.typed(&line).await;
        assert_ne!(refused.code, 0, "{line}: {refused:?}");
        assert!(kept.has("configmap/extra").await, "{line}");
    }
    let confirmed = kept.ends(&format!("{exact} --confirm {}", kept.application.name), 0).await;
    assert!(confirmed.stderr.contains("configmaps/extra") || confirmed.stdout.contains("configmaps/extra"));
    assert!(!kept.has("configmap/extra").await);

    kept.done("delete deployment,configmap,secret --all --wait").await;
    kept.ends("restore create latest:deploy/orders --with-references --service-account restorer --yes", 0)
        .await;
    assert!(kept.has("secret/orders-db").await && kept.has("configmap/orders-settings").await);
    assert!(!kept.has("configmap/unrelated").await);
    kept.runs().await;
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restores_are_listed_shown_watched_and_deleted() {
    let kept = Kept::of("listed", APPLICATION).await;
    kept.done("delete configmap unrelated").await;
    kept.restore("first", &[]).await.assert_success();
    let backups = kept.backups.name.clone();
    let plugin = &kept.backups.cluster.plugin;
    let run = async |line: &str| {
        let line = format!("{line} -n {backups}");
        let said = plugin.run(&line.split_whitespace().collect::<Vec<_>>()).await;
        assert_eq!(said.code, 0, "{line}: {said:?}");
        said.stdout
    };
    assert!(run("restore list").await.contains("first"));
    let listed: Value = serde_json::from_str(&run("restore list -o json").await).expect("JSON");
    assert_eq!(listed["items"][0]["metadata"]["name"], "first");
    let status = run("restore status first -v").await;
    assert!(status.contains("Succeeded") && status.contains("configmaps/unrelated"), "{status}");
    run("restore watch first").await;
    assert!(!run("restore logs first").await.is_empty());
    run("restore delete first --yes").await;
    let gone = kept.backups.cluster.kubectl(&["get", "restoresession", "first", "-n", &backups], "").await;
    assert_ne!(gone.code, 0);
    // What it brought back stays.
    assert!(kept.has("configmap/unrelated").await);
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_manifest_restore_works_with_its_flags() {
    let kept = Kept::of("upstream", APPLICATION).await;
    kept.done("delete configmap,service --all --wait").await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().display().to_string();
    let snapshots =
        ["get", "snapshots", "-n", &kept.backups.name, "-o", "jsonpath={.items[0].metadata.name}"];
    let snapshot = kept.backups.cluster.kubectl(&snapshots, "").await.stdout;
    let line = format!("manifest-restore --snapshot {snapshot} -n {}", kept.backups.name);
    let run = async |rest: &str| {
        let line = format!("{line} {rest}");
        kept.backups.cluster.plugin.run(&line.split_whitespace().collect::<Vec<_>>()).await
    };

    let dry = run(&format!("--dry-run-dir {place} --include-resources configmaps")).await;
    assert_eq!(dry.code, 0, "{dry:?}");
    let written =
        folder.path().join(format!("DryRun/configmaps/namespaces/{}/unrelated.yaml", kept.application.name));
    let yaml = std::fs::read_to_string(&written).expect("what would be created");
    assert!(yaml.contains("a: b"), "{yaml}");
    assert!(!kept.has("configmap/unrelated").await);

    let done = run("--include-resources configmaps --exclude-resources services --max-iterations 2").await;
    assert_eq!(done.code, 0, "{done:?}");
    assert!(kept.has("configmap/unrelated").await && !kept.has("service/orders").await);
    kept.remove().await;
}
