//! The objects that a BackupConfiguration brings forth.

use crds::core::backup_configuration::{RepositoryDeletionPolicy, Session, SessionRepository};
use crds::core::{BackupConfiguration, BackupSession};
use crds::label;
use crds::name;
use crds::runtime::ContainerRuntimeSettings;
use crds::scheduler::{JobTemplate, SchedulerSpec};
use crds::storage::{DeletionPolicy, Repository, RepositorySpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::validate::storage_of;
use crate::context::Settings;
use crate::workload::{Container, Workload};

/// The ClusterRole of the pods that create BackupSessions.
pub const TRIGGER_ROLE: &str = "kubestash-cron-job";

/// Name of the container of a trigger pod.
const TRIGGER_CONTAINER: &str = "trigger";

/// What keeps a session going.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// The CronJob; as JSON, because a pod template may have fields that this build does not know.
    pub cron_job: Value,
    /// Whom its pods run as, unless the user named somebody.
    pub account: Option<ServiceAccount>,
    /// What these may do.
    pub binding: RoleBinding,
}

/// The CronJob of a session, with its ServiceAccount and rights.
#[must_use]
pub fn trigger(
    configuration: &BackupConfiguration,
    session: &Session,
    settings: &Settings,
) -> Option<Trigger> {
    let scheduler = session.scheduler.as_ref()?;
    let metadata = metadata(configuration, session);
    let template = scheduler.job_template.template.as_ref().and_then(|template| template.spec.as_ref());
    let named =
        template.and_then(|template| template.service_account_name.clone()).filter(|name| !name.is_empty());
    let own = metadata.name.clone().unwrap_or_default();
    let account = named.clone().unwrap_or_else(|| own.clone());
    let binding = RoleBinding {
        metadata: metadata.clone(),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "ClusterRole".to_owned(),
            name: TRIGGER_ROLE.to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: account.clone(),
            namespace: metadata.namespace.clone(),
            ..Subject::default()
        }]),
    };
    Some(Trigger {
        cron_job: cron_job(configuration, session, scheduler, (&account, settings)),
        account: named.is_none().then(|| ServiceAccount { metadata, ..ServiceAccount::default() }),
        binding,
    })
}

fn cron_job(
    configuration: &BackupConfiguration,
    session: &Session,
    scheduler: &SchedulerSpec,
    (account, settings): (&str, &Settings),
) -> Value {
    let metadata = metadata(configuration, session);
    let labels = metadata.labels.clone().unwrap_or_default();
    let mut spec = json!({
        "schedule": scheduler.schedule,
        "suspend": configuration.spec.paused || scheduler.suspend.unwrap_or_default(),
        "concurrencyPolicy": scheduler.concurrency_policy.as_deref().unwrap_or("Allow"),
        "jobTemplate": {"metadata": {"labels": labels}, "spec": job(&scheduler.job_template)},
    });
    set(&mut spec, "startingDeadlineSeconds", scheduler.starting_deadline_seconds);
    set(&mut spec, "successfulJobsHistoryLimit", scheduler.successful_jobs_history_limit.map(i64::from));
    set(&mut spec, "failedJobsHistoryLimit", scheduler.failed_jobs_history_limit.map(i64::from));

    let small =
        json!({"resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}});
    let small: ContainerRuntimeSettings = serde_json::from_value(small).unwrap_or_default();
    // The slot is in the Job's name: a second pod of the same Job must not make a second session.
    let job_name = json!({"name": "JOB_NAME", "valueFrom": {
        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}});
    let arguments = [
        "trigger-backup".to_owned(),
        format!("--invoker-name={}", configuration.name_any()),
        format!("--invoker-kind={}", BackupConfiguration::kind(&())),
        format!("--session-name={}", session.name),
    ];
    let container =
        Container::new(TRIGGER_CONTAINER, &settings.image, arguments).runtime(&small).variable(job_name);
    let namespace = configuration.namespace().unwrap_or_default();
    let mut workload = Workload::new(&namespace, "", account, &labels).container(container);
    if let Some(template) = &scheduler.job_template.template {
        workload = workload.template(template);
    }
    let mut job = workload.job();
    spec["jobTemplate"]["spec"]["template"] = job["spec"]["template"].take();
    json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec})
}

/// The fields of a Job that a scheduler may set.
fn job(template: &JobTemplate) -> Value {
    let mut job = json!({});
    for (field, value) in [
        ("parallelism", template.parallelism.map(i64::from)),
        ("completions", template.completions.map(i64::from)),
        ("activeDeadlineSeconds", template.active_deadline_seconds),
        ("backoffLimit", template.backoff_limit.map(i64::from)),
        ("ttlSecondsAfterFinished", template.ttl_seconds_after_finished.map(i64::from)),
    ] {
        set(&mut job, field, value);
    }
    set(&mut job, "completionMode", template.completion_mode.as_deref());
    set(&mut job, "suspend", template.suspend);
    job
}

fn set<T: Into<Value>>(object: &mut Value, field: &str, value: Option<T>) {
    if let Some(value) = value {
        object[field] = value.into();
    }
}

/// Of everything that belongs to a session's CronJob: one name, the offshoot labels, owned by the configuration.
fn metadata(configuration: &BackupConfiguration, session: &Session) -> ObjectMeta {
    let mut labels = label::offshoot_of(configuration);
    labels.insert(label::SESSION_NAME.to_owned(), session.name.clone());
    ObjectMeta {
        name: Some(name::cron_job(&configuration.name_any(), &session.name)),
        namespace: configuration.namespace(),
        labels: Some(labels),
        owner_references: configuration.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The Repository that a session writes to. `None` when its backend names no storage.
///
/// It has no owner, since it may outlive the configuration, and none of the configuration's own labels: a tool that
/// removes what carries its label and is in no manifest (Argo CD, for one) would remove the data's only index.
/// A deletion policy is said only where the configuration says one, so that it can be changed on the Repository.
#[must_use]
pub fn repository(configuration: &BackupConfiguration, wanted: &SessionRepository) -> Option<Repository> {
    let home = configuration.namespace().unwrap_or_default();
    let spec = RepositorySpec {
        app_ref: Some(configuration.app_ref()),
        storage_ref: Some(storage_of(wanted, configuration)?),
        path: wanted.directory.clone(),
        deletion_policy: wanted.deletion_policy.map(|policy| match policy {
            RepositoryDeletionPolicy::WipeOut => DeletionPolicy::WipeOut,
            RepositoryDeletionPolicy::Delete | RepositoryDeletionPolicy::Retain => DeletionPolicy::Delete,
        }),
        encryption_secret: wanted.encryption_secret.as_ref().map(|secret| secret.resolved(&home)),
        paused: false,
    };
    let mut repository = Repository::new(&wanted.name, spec);
    let mut bare = BackupConfiguration::new(&configuration.name_any(), configuration.spec.clone());
    bare.metadata.namespace = Some(home.clone());
    repository.metadata.namespace = Some(home);
    repository.metadata.labels = Some(label::offshoot_of(&bare));
    Some(repository)
}

/// The first run of a session, which began at that second.
#[must_use]
pub fn initial_session(configuration: &BackupConfiguration, session: &Session, second: i64) -> BackupSession {
    BackupSession::for_run(configuration, &session.name, second, session.retries())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Proxy;

    fn configuration(change: &Value) -> BackupConfiguration {
        let mut object = json!({
            "metadata": {"name": "shop", "namespace": "demo", "uid": "u-1", "labels": {"argocd.argoproj.io/instance": "shop"}},
            "spec": {
                "backends": [{"name": "s3", "storageRef": {"name": "store", "namespace": "infra"}}],
                "sessions": [{
                    "name": "nightly",
                    "scheduler": {"schedule": "0 2 * * *", "jobTemplate": {"backoffLimit": 1}},
                    "repositories": [{"name": "repo", "backend": "s3", "directory": "/shop", "encryptionSecret": {"name": "enc"}}],
                }],
            },
        });
        merge(&mut object, change);
        serde_json::from_value(object).unwrap()
    }

    fn merge(into: &mut Value, change: &Value) {
        match (into, change) {
            (Value::Object(into), Value::Object(change)) => {
                for (key, value) in change {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (into, change) => *into = change.clone(),
        }
    }

    fn settings() -> Settings {
        Settings {
            image: "kubestash:1".to_owned(),
            version: "0.1.0",
            namespace: "kubestash".to_owned(),
            proxy: Proxy::default(),
        }
    }

    fn built(configuration: &BackupConfiguration) -> Trigger {
        trigger(configuration, &configuration.spec.sessions[0], &settings()).unwrap()
    }

    #[test]
    fn a_session_gets_a_cron_job_that_creates_its_runs() {
        let Trigger { cron_job, account, binding } = built(&configuration(&json!({})));
        assert_eq!(cron_job["metadata"]["name"], "trigger-shop-nightly");
        assert_eq!(cron_job["metadata"]["ownerReferences"][0]["uid"], "u-1");
        assert_eq!(cron_job["metadata"]["labels"]["kubestash.com/session-name"], "nightly");
        let spec = &cron_job["spec"];
        assert_eq!(
            (&spec["schedule"], &spec["suspend"], &spec["concurrencyPolicy"]),
            (&json!("0 2 * * *"), &json!(false), &json!("Allow"))
        );
        assert_eq!(spec["jobTemplate"]["spec"]["backoffLimit"], 1);
        let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(pod["restartPolicy"], "Never");
        assert_eq!(pod["serviceAccountName"], "trigger-shop-nightly");
        let container = &pod["containers"][0];
        assert_eq!((&container["name"], &container["image"]), (&json!("trigger"), &json!("kubestash:1")));
        assert_eq!(
            container["args"],
            json!([
                "trigger-backup",
                "--invoker-name=shop",
                "--invoker-kind=BackupConfiguration",
                "--session-name=nightly"
            ])
        );
        assert_eq!(container["resources"]["limits"]["memory"], "64Mi");
        assert_eq!(account.unwrap().name_any(), "trigger-shop-nightly");
        assert_eq!(
            (binding.role_ref.kind.as_str(), binding.role_ref.name.as_str()),
            ("ClusterRole", "kubestash-cron-job")
        );
        assert_eq!(binding.subjects.unwrap()[0].name, "trigger-shop-nightly");
    }

    #[test]
    fn a_paused_configuration_and_a_suspended_session_are_not_triggered() {
        let suspended = json!({"schedule": "0 2 * * *", "suspend": true, "jobTemplate": {}});
        let session = json!([{"name": "nightly", "scheduler": suspended}]);
        for change in [json!({"spec": {"paused": true}}), json!({"spec": {"sessions": session}})] {
            assert_eq!(built(&configuration(&change)).cron_job["spec"]["suspend"], true, "{change}");
        }
    }

    #[test]
    fn the_pod_template_of_the_schedule_reaches_the_trigger_pod() {
        let template = json!({"spec": {
            "serviceAccountName": "mine", "nodeSelector": {"disk": "ssd"}, "sinceKubernetes99": 1,
            "resources": {"limits": {"memory": "128Mi"}}}});
        let scheduler = json!({"schedule": "@daily", "startingDeadlineSeconds": 60, "failedJobsHistoryLimit": 2,
            "concurrencyPolicy": "Forbid", "jobTemplate": {"template": template, "ttlSecondsAfterFinished": 5}});
        let configuration =
            configuration(&json!({"spec": {"sessions": [{"name": "nightly", "scheduler": scheduler}]}}));
        let Trigger { cron_job, account, binding } = built(&configuration);
        assert_eq!((account, binding.subjects.unwrap()[0].name.as_str()), (None, "mine"));
        let spec = &cron_job["spec"];
        assert_eq!(
            (&spec["startingDeadlineSeconds"], &spec["failedJobsHistoryLimit"], &spec["concurrencyPolicy"]),
            (&json!(60), &json!(2), &json!("Forbid"))
        );
        assert_eq!(spec["jobTemplate"]["spec"]["ttlSecondsAfterFinished"], 5);
        let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!((&pod["nodeSelector"]["disk"], &pod["sinceKubernetes99"]), (&json!("ssd"), &json!(1)));
        assert_eq!(pod["containers"][0]["resources"]["limits"]["memory"], "128Mi");
    }

    #[test]
    fn a_repository_says_where_it_is_with_every_namespace_written_out() {
        let configuration = configuration(&json!({}));
        let repository = repository(&configuration, &configuration.spec.sessions[0].repositories[0]).unwrap();
        let value = serde_json::to_value(&repository).unwrap();
        assert_eq!(
            value["spec"],
            json!({
                "appRef": {"apiGroup": "na", "name": "na"},
                "storageRef": {"name": "store", "namespace": "infra"},
                "path": "/shop",
                "encryptionSecret": {"name": "enc", "namespace": "demo"},
            })
        );
        assert_eq!(value["metadata"]["ownerReferences"], Value::Null);
        assert_eq!(
            value["metadata"]["labels"],
            json!({
                "app.kubernetes.io/managed-by": "kubestash.com", "kubestash.com/invoker-kind": "BackupConfiguration",
                "kubestash.com/invoker-name": "shop", "kubestash.com/invoker-namespace": "demo",
            })
        );
    }

    #[test]
    fn a_deletion_policy_is_handed_on_and_retain_keeps_the_data() {
        for (policy, expected) in [
            ("WipeOut", DeletionPolicy::WipeOut),
            ("Delete", DeletionPolicy::Delete),
            ("Retain", DeletionPolicy::Delete),
        ] {
            let wanted: SessionRepository = serde_json::from_value(
                json!({"name": "r", "backend": "s3", "directory": "d", "deletionPolicy": policy}),
            )
            .unwrap();
            let repository = repository(&configuration(&json!({})), &wanted).unwrap();
            assert_eq!(repository.spec.deletion_policy, Some(expected), "{policy}");
        }
    }
}
