use k8s_openapi::api::batch::v1::Job;

use super::*;
use crate::proxy::Proxy;

fn offshoots() -> BTreeMap<String, String> {
    BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), "kubestash.com".to_owned())])
}

fn workload() -> Workload {
    Workload::new("shop", "shop-nightly-1", "backup-shop-nightly", &offshoots())
}

fn executor() -> Container {
    Container::new("manifest-backup-0", "localhost/kubestash:dev", ["backup".to_owned()])
}

fn template(value: Value) -> PodTemplateSpec {
    serde_json::from_value(value).unwrap()
}

/// What the API server's types make of it, which shows that names and nesting are right.
fn typed(job: Value) -> Job {
    serde_json::from_value(job).unwrap()
}

#[test]
fn a_job_runs_one_pod_once() {
    let job = typed(workload().deadline_seconds(Some(90)).container(executor()).job());
    let spec = job.spec.unwrap();
    assert_eq!((spec.backoff_limit, spec.completions, spec.parallelism), (Some(0), Some(1), Some(1)));
    assert_eq!(spec.active_deadline_seconds, Some(90));
    assert_eq!(spec.template.metadata.unwrap().labels.unwrap(), offshoots());
    let pod = spec.template.spec.unwrap();
    assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
    assert_eq!(pod.service_account_name.as_deref(), Some("backup-shop-nightly"));
    assert_eq!(pod.containers[0].args.as_deref(), Some(&["backup".to_owned()][..]));
}

#[test]
fn a_pod_is_restricted_unless_told_otherwise() {
    let pod = typed(workload().container(executor()).job()).spec.unwrap().template.spec.unwrap();
    let context = pod.security_context.unwrap();
    assert_eq!((context.run_as_non_root, context.run_as_user), (Some(true), Some(65532)));
    assert_eq!(context.seccomp_profile.unwrap().type_, "RuntimeDefault");
    let container = pod.containers[0].security_context.clone().unwrap();
    assert_eq!(container.read_only_root_filesystem, Some(true));
    assert_eq!(container.allow_privilege_escalation, Some(false));
    assert_eq!(container.capabilities.unwrap().drop.unwrap(), ["ALL"]);
}

#[test]
fn who_chooses_a_user_gets_that_user() {
    let root = template(json!({"spec": {"containerSecurityContext": {"runAsUser": 0}}}));
    let pod =
        typed(workload().container(executor()).template(&root).job()).spec.unwrap().template.spec.unwrap();
    assert_eq!(
        pod.security_context.unwrap().run_as_non_root,
        None,
        "or the kubelet would refuse the container"
    );
    assert_eq!(pod.containers[0].security_context.clone().unwrap().run_as_user, Some(0));

    let group = template(json!({"spec": {"securityContext": {"fsGroup": 7}}}));
    let pod =
        typed(workload().container(executor()).template(&group).job()).spec.unwrap().template.spec.unwrap();
    assert_eq!(pod.security_context.clone().unwrap().fs_group, Some(7));
    assert_eq!(pod.security_context.unwrap().run_as_user, None);
}

#[test]
fn every_field_of_a_pod_template_arrives() {
    let given = template(json!({
        "metadata": {"labels": {"team": "a", "app.kubernetes.io/managed-by": "me"}, "annotations": {"sidecar": "no"}},
        "controller": {"labels": {"kind": "job"}, "annotations": {"of": "job"}},
        "spec": {
            "volumes": [{"name": "scratch", "emptyDir": {"medium": "Memory", "since99": true}}],
            "initContainers": [{"name": "first", "image": "busybox"}],
            "terminationGracePeriodSeconds": 7, "dnsPolicy": "Default", "nodeSelector": {"disk": "ssd"},
            "serviceAccountName": "chosen-elsewhere", "hostNetwork": true, "hostPID": true, "hostIPC": true,
            "shareProcessNamespace": true, "imagePullSecrets": [{"name": "pull"}],
            "affinity": {"nodeAffinity": {}}, "schedulerName": "mine",
            "tolerations": [{"key": "gpu", "operator": "Exists", "since99": [1]}],
            "priorityClassName": "high", "priority": 5, "dnsConfig": {"nameservers": ["10.0.0.1"]},
            "runtimeClassName": "gvisor", "enableServiceLinks": true,
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
            "args": ["--more"], "env": [{"name": "A", "value": "b"}],
            "resources": {"limits": {"memory": "1Gi"}},
            "livenessProbe": {"exec": {"command": ["a"]}}, "readinessProbe": {"exec": {"command": ["b"]}},
            "lifecycle": {"preStop": {"exec": {"command": ["c"]}}},
            "containerSecurityContext": {"runAsUser": 7},
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
            "podPlacementPolicy": {"name": "default"},
        },
    }));
    let job = workload().container(executor()).template(&given).job();
    let pod = &job["spec"]["template"]["spec"];
    let wished = serde_json::to_value(given.spec.unwrap()).unwrap();
    for (field, value) in wished.as_object().unwrap() {
        let (at, expected) = match field.as_str() {
            "serviceAccountName" => ("/serviceAccountName".to_owned(), json!("backup-shop-nightly")),
            "podPlacementPolicy" => {
                assert_eq!(pod.get(field), None, "the API server does not know this field");
                continue;
            }
            "args" => ("/containers/0/args".to_owned(), json!(["backup", "--more"])),
            "containerSecurityContext" => ("/containers/0/securityContext".to_owned(), value.clone()),
            name if container::TEMPLATE_FIELDS.contains(&name) => {
                (format!("/containers/0/{name}"), value.clone())
            }
            name => (format!("/{name}"), value.clone()),
        };
        assert_eq!(pod.pointer(&at), Some(&expected), "{field}");
    }
    assert_eq!(job.pointer("/metadata/labels/kind"), Some(&json!("job")));
    assert_eq!(job.pointer("/metadata/annotations/of"), Some(&json!("job")));
    assert_eq!(job.pointer("/spec/template/metadata/labels/team"), Some(&json!("a")));
    assert_eq!(job.pointer("/spec/template/metadata/annotations/sidecar"), Some(&json!("no")));
    let managed_by = "/spec/template/metadata/labels/app.kubernetes.io~1managed-by";
    assert_eq!(
        job.pointer(managed_by),
        Some(&json!("kubestash.com")),
        "the labels by which we find the pod are ours"
    );
}

#[test]
fn a_function_is_overridden_by_the_addon_and_that_by_the_template() {
    let function = serde_json::from_value(json!({
        "image": "x:1", "command": ["/kubestash"], "args": ["backup"], "workingDir": "/w",
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "runtimeSettings": {"resources": {"limits": {"memory": "1Gi"}}, "env": [{"name": "A", "value": "function"}, {"name": "B", "value": "function"}],
            "nice": {"adjustment": 5}, "ionice": {"class": 2, "classData": 4}, "envFrom": [{"secretRef": {"name": "e"}}]},
        "availableVersions": ["1"],
    }))
    .unwrap();
    let addon = serde_json::from_value(json!({"resources": {"limits": {"memory": "2Gi"}}, "env": [{"name": "A", "value": "addon"}, {"name": "C", "value": "addon"}]})).unwrap();
    let given = template(
        json!({"spec": {"env": [{"name": "C", "value": "template"}], "volumeMounts": [{"name": "other", "mountPath": "/tmp"}]}}),
    );
    let container = Container::of_function("manifest-backup-0", &function).runtime(&addon);
    let job = workload().container(container).template(&given).job();
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let of = |name: &str| {
        let variables = container["env"].as_array().unwrap();
        variables
            .iter()
            .find(|variable| variable["name"] == name)
            .map(|variable| variable["value"].clone())
            .unwrap()
    };
    assert_eq!((of("A"), of("B"), of("C")), (json!("addon"), json!("function"), json!("template")));
    assert_eq!(
        (of("NICE_ADJUSTMENT"), of("IONICE_CLASS"), of("IONICE_CLASS_DATA")),
        (json!("5"), json!("2"), json!("4"))
    );
    assert_eq!(container["resources"], json!({"limits": {"memory": "2Gi"}}));
    assert_eq!(container["command"], json!(["/kubestash"]));
    assert_eq!(container["workingDir"], json!("/w"));
    assert_eq!(container["envFrom"], json!([{"secretRef": {"name": "e"}}]));
    assert_eq!(container["volumeMounts"], json!([{"name": "other", "mountPath": "/tmp"}]));
    assert_eq!(container.get("availableVersions"), None);
}

#[test]
fn proxies_are_given_in_both_spellings_and_can_be_overridden() {
    let proxies = Proxy { https_proxy: Some("http://proxy:3128".to_owned()), ..Proxy::default() };
    let container = executor().proxies(&proxies).variable(json!({"name": "https_proxy", "value": ""}));
    let job = workload().container(container).job();
    assert_eq!(
        job["spec"]["template"]["spec"]["containers"][0]["env"],
        json!([{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "https_proxy", "value": ""}])
    );
}

#[test]
fn runtime_settings_of_a_pod_arrive() {
    let settings = serde_json::from_value(json!({
        "podLabels": {"team": "a"}, "podAnnotations": {"x": "y"}, "serviceAccountName": "elsewhere",
        "serviceAccountAnnotations": {"a": "b"}, "automountServiceAccountToken": false, "nodeName": "n1",
        "readinessGates": [{"conditionType": "x"}], "nodeSelector": {"a": "b"},
    }))
    .unwrap();
    let job = workload().runtime(&settings).container(executor()).job();
    let template = &job["spec"]["template"];
    assert_eq!(template["metadata"]["labels"]["team"], json!("a"));
    assert_eq!(template["metadata"]["annotations"], json!({"x": "y"}));
    assert_eq!(template["spec"]["nodeName"], json!("n1"));
    assert_eq!(template["spec"]["automountServiceAccountToken"], json!(false));
    assert_eq!(template["spec"]["serviceAccountName"], json!("backup-shop-nightly"));
    assert_eq!(template["spec"].get("podLabels"), None);
}
