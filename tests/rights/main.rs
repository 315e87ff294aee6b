//! Least privilege, judged by the API server's own record of what the stories did: nothing that was asked for was
//! forbidden, and nothing is granted that nobody asked for.

mod audit;

use std::collections::BTreeSet;

use audit::{Asked, Record};
use harness::cluster::{Cluster, OPERATOR_NAMESPACE};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::api::Api;

/// A role, and whose requests show what it is good for.
struct Case {
    role: &'static str,
    holds: fn(namespace: &str, account: &str) -> bool,
    /// What the stories cannot show, with the reason.
    unseen: &'static [(&'static str, &'static str)],
}

const FINALIZERS: &str = "asked for within other requests, which the log does not tell";
const FOREIGN_LOCK: &str = "asked only when a lock of another Job is in the way";

const CASES: &[Case] = &[
    Case {
        role: "kubestash-operator",
        holds: |namespace, account| namespace == OPERATOR_NAMESPACE && account == "kubestash-operator",
        unseen: &[
            ("core.kubestash.com/backupconfigurations/finalizers update", FINALIZERS),
            ("core.kubestash.com/backupsessions/finalizers update", FINALIZERS),
            ("core.kubestash.com/restoresessions/finalizers update", FINALIZERS),
            ("storage.kubestash.com/backupstorages/finalizers update", FINALIZERS),
            ("storage.kubestash.com/repositories/finalizers update", FINALIZERS),
            ("storage.kubestash.com/snapshots/finalizers update", FINALIZERS),
            ("apps/daemonsets get", "a target like Deployments and StatefulSets, which the stories have"),
            (
                "batch/jobs delete",
                "for a Job that outlives its deadline, and a cleanup that has to be repeated",
            ),
            ("rbac.authorization.k8s.io/clusterroles bind", "asked for within the making of RoleBindings"),
        ],
    },
    Case {
        role: "kubestash-cron-job",
        holds: |_, account| account.starts_with("trigger-"),
        unseen: &[("core.kubestash.com/backupconfigurations/finalizers update", FINALIZERS)],
    },
    Case {
        role: "kubestash-backup-job",
        // Whoever is named in a story's jobTemplate.
        holds: |_, account| matches!(account, "reader" | "backup-reader"),
        unseen: &[("/pods get", FOREIGN_LOCK)],
    },
    Case {
        role: "kubestash-restore-job",
        // Whoever is named in a story's jobTemplate.
        holds: |_, account| matches!(account, "restorer" | "cluster-restorer"),
        unseen: &[("/pods get", FOREIGN_LOCK)],
    },
    Case {
        role: "kubestash-retention-policy-job",
        holds: |_, account| account.starts_with("retentionpolicy-"),
        unseen: &[("/pods get", FOREIGN_LOCK)],
    },
    Case {
        role: "kubestash-hook-job",
        holds: |_, account| account.starts_with("hook-") || account.starts_with("restorehook-"),
        // Which of the two a WebSocket needs depends on the version of Kubernetes.
        unseen: &[("/pods/exec create", "Kubernetes 1.35 and later")],
    },
];

#[tokio::test]
async fn nothing_is_granted_that_nobody_needs_and_nothing_needed_is_forbidden() {
    let cluster = Cluster::bare().await;
    let definitions: Api<ClusterRole> = Api::all(cluster.client.clone());
    let Some(log) = &cluster.environment.audit_log else {
        eprintln!("not judged: the cluster has no audit log that could be read");
        return;
    };
    let record = Record::read(log);
    let mut wrong = Vec::new();
    for Case { role, holds, unseen } in CASES {
        let definition = definitions.get(role).await.expect("the stories have installed it");
        let granted: BTreeSet<Asked> = definition.rules.iter().flatten().flat_map(granted).collect();
        let used = record.asked(holds);
        let unseen: BTreeSet<Asked> = unseen.iter().map(|(asked, _)| Asked((*asked).to_owned())).collect();
        let superfluous = granted.difference(&used).filter(|asked| !unseen.contains(asked));
        wrong.extend(superfluous.map(|Asked(asked)| format!("{role} grants what nobody asked for: {asked}")));
        let unknown = unseen.difference(&granted);
        wrong.extend(unknown.map(|Asked(asked)| format!("{role} does not even grant {asked}")));
        // What is backed up and restored is decided by rights that the user grants, and may be forbidden.
        if !matches!(*role, "kubestash-backup-job" | "kubestash-restore-job") {
            let forbidden = record.forbidden(holds).into_iter();
            wrong.extend(forbidden.map(|Asked(asked)| format!("{role} lacks {asked}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Everything that a rule allows.
fn granted(rule: &PolicyRule) -> Vec<Asked> {
    let groups = rule.api_groups.iter().flatten();
    let pairs =
        groups.flat_map(|group| rule.resources.iter().flatten().map(move |resource| (group, resource)));
    pairs
        .flat_map(|(group, resource)| rule.verbs.iter().map(move |verb| Asked::new(group, resource, verb)))
        .collect()
}
