//! A repository written by somebody who knows its password and means harm: nothing outside of what was asked for is
//! touched, every crafted object is named, the good ones come back, and the Job ends as Jobs do.

use std::fs::File;
use std::path::Path;

use crds::storage::Snapshot;
use harness::restoration::Restored;
use kube::api::{ListParams, PostParams};

use super::{APPLICATION, Kept};
use crate::given;

/// Objects of a type that nobody serves: more than a status can list.
const JUNK: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_crafted_snapshot_cannot_reach_beyond_its_scope_nor_break_the_job() {
    let kept = Kept::of("hostile", APPLICATION).await;
    let application = kept.application.name.clone();
    let folder = tempfile::tempdir().expect("a folder");
    craft(&folder.path().join("kubestash-tmp/manifest"), &application);
    let id = given::restic(&kept.backups).write(folder.path()).await;
    point_the_snapshot_at(&kept, &id).await;
    kept.account("hostile").await;
    kept.bind("hostile", "cluster-admin").await;

    let restored = kept
        .restore_as(
            "hostile",
            "hostile",
            &[
                ("IncludeNamespaces", &application),
                ("IncludeClusterResources", "true"),
                ("MaxIterations", "1"),
            ],
        )
        .await;

    assert_eq!(restored.phase(), "Failed", "{:#}", restored.session);
    assert_eq!(restored.of("create"), ["configmaps/good"]);
    assert_eq!(kept.field("configmap/good", ".data.a").await, "b");
    assert_told(&restored);
    let cluster = &kept.application.cluster;
    for object in ["configmap/evil", "configmap/liar", "configmap/escape", "secret/evil"] {
        let said = cluster.kubectl(&["get", object, "-n", "kube-system"], "").await;
        assert_ne!(said.code, 0, "{object} is in kube-system");
    }
    let binding = format!("clusterrolebinding/everything-{application}");
    assert_ne!(cluster.kubectl(&["get", &binding], "").await.code, 0, "somebody got all rights");
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_without_end_are_refused_as_a_whole() {
    let kept = Kept::of("bottomless", APPLICATION).await;
    kept.done("delete configmap unrelated").await;
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("kubestash-tmp/manifest");
    craft(&root, &kept.application.name);
    let bottom = root.join("deep/".repeat(200));
    std::fs::create_dir_all(&bottom)
        .and_then(|()| std::fs::write(bottom.join("x.yaml"), "a: b\n"))
        .expect("a file");
    let id = given::restic(&kept.backups).write(folder.path()).await;
    point_the_snapshot_at(&kept, &id).await;

    let refused = kept.restore("bottomless", &[]).await;

    assert_eq!(refused.phase(), "Failed", "{:#}", refused.session);
    assert!(refused.error().contains("deep"), "{}", refused.error());
    assert!(!kept.has("configmap/good").await);
    kept.remove().await;
}

fn assert_told(restored: &Restored) {
    for name in ["liar", "kind", "bomb", "deep", "huge", "zeros", "list", "binary", "empty"] {
        let line = restored.line("configmaps", name);
        assert_eq!((line.verdict(), line.problem()), ("fail", "malformed"), "{line:?}");
    }
    for name in ["UPPER case", "\u{1b}[31mred", "%2e%2e%2fescape"] {
        assert_eq!(restored.line("configmaps", name).verdict(), "fail", "{name:?}");
    }
    let junk = restored.report.iter().filter(|line| line.problem() == "missingType").count();
    assert_eq!(junk, JUNK);
    // The status says a few of them, and is no place for all.
    let component = &restored.session["status"]["components"]["manifest"];
    let told = component["failures"].as_array().map_or(0, Vec::len);
    assert!((1..=20).contains(&told), "{told}");
    assert!(restored.session.to_string().len() < 32 << 10, "the session is too large");
    assert!(!restored.session.to_string().contains("\\u001b"), "the session steers a terminal");
}

/// What is below the root of the manifests.
fn craft(root: &Path, application: &str) {
    let map = |namespace: &str, name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name:?}, namespace: {namespace}}}\ndata: {{a: b}}\n"
        )
    };
    let write = |path: &str, content: &[u8]| {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, content).expect("a file");
    };
    let here = |name: &str| format!("configmaps/namespaces/{application}/{name}.yaml");
    write(&here("good"), map(application, "good").as_bytes());
    // Beyond the scope, by the path or by the content.
    write("configmaps/namespaces/kube-system/evil.yaml", map("kube-system", "evil").as_bytes());
    write(&here("liar"), map("kube-system", "liar").as_bytes());
    let binding = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: NAME}}\nroleRef: \
         {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}\nsubjects: [{{kind: \
         ServiceAccount, name: default, namespace: {application}}}]\n"
    );
    write(&here("kind"), binding.replace("NAME", "kind").as_bytes());
    let everything = format!("everything-{application}");
    write(
        &format!("clusterrolebindings.rbac.authorization.k8s.io/cluster/{everything}.yaml"),
        binding.replace("NAME", &everything).as_bytes(),
    );
    // Names that are paths, or steer a terminal.
    for name in ["UPPER case", "\u{1b}[31mred", "%2e%2e%2fescape"] {
        write(&here(name), map(application, name).as_bytes());
    }
    // What a reader of YAML may die of.
    let level = |level: u32| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1);
    let bomb = (1..40).map(level).collect::<Vec<String>>().concat();
    write(&here("bomb"), format!("{}a0: &a0 x\n{bomb}", map(application, "bomb")).as_bytes());
    write(&here("deep"), format!("{}deep: {}", map(application, "deep"), "[".repeat(100_000)).as_bytes());
    write(&here("huge"), format!("{}# {}", map(application, "huge"), "x".repeat(8 << 20)).as_bytes());
    write(&here("list"), b"- a\n- b\n");
    write(&here("binary"), b"\xff\xfe\x00\x80");
    write(&here("empty"), b"");
    // A gigabyte that is nothing in the repository.
    File::create(root.join(here("zeros")))
        .and_then(|file| file.set_len(1 << 30))
        .expect("a file with a hole");
    std::os::unix::fs::symlink("/etc/passwd", root.join(here("link"))).expect("a link");
    for number in 0..JUNK {
        let junk = format!(
            "apiVersion: nobody.example.com/v1\nkind: Junk\nmetadata: {{name: j-{number}, namespace: {application}}}\n"
        );
        write(&format!("junks.nobody.example.com/namespaces/{application}/j-{number}.yaml"), junk.as_bytes());
    }
}

/// Makes the newest Snapshot name another restic snapshot, as one who may write Snapshots can.
async fn point_the_snapshot_at(kept: &Kept, id: &str) {
    let snapshots = kept.backups.api::<Snapshot>();
    let listed = snapshots.list(&ListParams::default()).await.expect("a list");
    let mut snapshot = listed.items.into_iter().next().expect("a Snapshot");
    let name = snapshot.metadata.name.clone().unwrap_or_default();
    let component = snapshot.status.as_mut().and_then(|status| status.components.get_mut("manifest"));
    let stats =
        component.and_then(|component| component.restic_stats.first_mut()).expect("what restic was told");
    stats.summary.as_mut().expect("a summary").id = Some(id.to_owned());
    snapshots.replace_status(&name, &PostParams::default(), &snapshot).await.expect("a status");
}
