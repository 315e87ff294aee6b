use proptest::prelude::*;
use serde_json::json;

use super::*;

fn prepared_in(group_resource: &str, name: &str, object: &Value, surroundings: &Surroundings) -> Value {
    let key = Key {
        group_resource: group_resource.to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
    };
    let mut object = object.as_object().unwrap().clone();
    prepare(&mut object, &key, false, surroundings);
    Value::Object(object)
}

fn safe() -> Surroundings {
    Surroundings { safe: true, ..Surroundings::default() }
}

fn prepared(group_resource: &str, object: &Value) -> Value {
    prepared_in(group_resource, "web", object, &safe())
}

#[test]
fn what_tells_of_the_life_before_goes() {
    let before = json!({"metadata": {
        "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1", "generateName": "web-",
        "deletionTimestamp": "2026-11-22T10:11:12Z", "deletionGracePeriodSeconds": 30,
        "ownerReferences": [{"uid": "o"}], "labels": {"pod-template-hash": "h"},
        "annotations": {"deployment.kubernetes.io/revision": "3", "mine": "x"},
        "finalizers": ["foregroundDeletion", "orphan", "example.org/keep"]}});
    let after = json!({"metadata": {
        "name": "web", "namespace": "shop", "labels": {"pod-template-hash": "h"},
        "annotations": {"mine": "x"}, "finalizers": ["example.org/keep"]}});
    assert_eq!(prepared("configmaps", &before), after);
    let before = json!({"metadata": {
        "name": "web", "annotations": {"controller-uid": "x"}, "finalizers": ["orphan"]}});
    assert_eq!(prepared("configmaps", &before), json!({"metadata": {"name": "web"}}));
    let odd = json!({"metadata": {"annotations": {}, "finalizers": "x"}});
    assert_eq!(prepared("configmaps", &odd), odd);
}

#[test]
fn status_is_data_only_where_a_write_keeps_it() {
    for (resource, subresource, kept) in [
        ("deployments.apps", false, false),
        ("namespaces", false, false),
        ("widgets.example.org", true, false),
        ("widgets.example.org", false, true),
    ] {
        let key = Key { group_resource: resource.to_owned(), namespace: None, name: "a".to_owned() };
        let mut object = json!({"status": {"a": 1}}).as_object().unwrap().clone();
        prepare(&mut object, &key, subresource, &safe());
        assert_eq!(object.contains_key("status"), kept, "{resource} {subresource}");
    }
}

#[test]
fn a_pod_may_run_anywhere_and_gets_its_token_anew() {
    let mount = |name: &str, path: &str| json!({"name": name, "mountPath": path});
    let before = json!({"spec": {
        "nodeName": "n1", "priority": 0, "preemptionPolicy": "PreemptLowerPriority", "priorityClassName": "p",
        "dnsPolicy": "None", "serviceAccountName": "runner", "ephemeralContainers": [{"name": "debug"}],
        "initContainers": [{"name": "i", "volumeMounts": [mount("runner-token-abc12", TOKEN_PATH)]}],
        "containers": [{"name": "c", "volumeMounts": [
            mount("kube-api-access-x7k2p", TOKEN_PATH), mount("data", "/data")]}],
        "volumes": [
            {"name": "kube-api-access-x7k2p", "projected": {"sources": []}},
            {"name": "runner-token-abc12", "secret": {"secretName": "runner-token-abc12"}},
            {"name": "other-token-abc12", "secret": {"secretName": "other-token-abc12"}},
            {"name": "data", "emptyDir": {}}]}});
    let after = json!({"spec": {
        "priorityClassName": "p", "dnsPolicy": "None", "serviceAccountName": "runner",
        "initContainers": [{"name": "i"}],
        "containers": [{"name": "c", "volumeMounts": [mount("data", "/data")]}],
        "volumes": [
            {"name": "other-token-abc12", "secret": {"secretName": "other-token-abc12"}},
            {"name": "data", "emptyDir": {}}]}});
    assert_eq!(prepared("pods", &before), after);
    let other = json!({"spec": {"nodeName": "n1", "priority": 1}});
    assert_eq!(prepared("pods.example.org", &other), other);
}

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

#[test]
fn a_job_gets_its_selector_anew_unless_its_author_chose_it() {
    let job = |manual: bool| {
        let labels = json!({
            "controller-uid": "u", "batch.kubernetes.io/controller-uid": "u", "job-name": "web",
            "batch.kubernetes.io/job-name": "web", "app": "shop"});
        json!({
            "metadata": {"labels": labels, "annotations": {"batch.kubernetes.io/job-tracking": ""}},
            "spec": {"manualSelector": manual, "selector": {"matchLabels": {"controller-uid": "u"}},
                "template": {"metadata": {"labels": labels}}}})
    };
    assert_eq!(
        prepared("jobs.batch", &job(false)),
        json!({"metadata": {"labels": {"app": "shop"}},
            "spec": {"manualSelector": false, "template": {"metadata": {"labels": {"app": "shop"}}}}})
    );
    assert_eq!(prepared("jobs.batch", &job(true)), job(true));
}

#[test]
fn a_claim_stays_bound_only_to_a_volume_that_comes_back() {
    let claim = |volume: Option<&str>| {
        let mut claim = json!({"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}});
        if let Some(volume) = volume {
            claim["spec"]["volumeName"] = json!(volume);
        }
        claim
    };
    let mut before = claim(Some("pv-1"));
    before["metadata"]["annotations"] = json!({
        "pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "n1",
        "volume.kubernetes.io/storage-provisioner": "p", "volume.beta.kubernetes.io/storage-provisioner": "p"});
    let with = Surroundings { volumes: BTreeSet::from(["pv-1".to_owned()]), ..safe() };
    assert_eq!(prepared_in("persistentvolumeclaims", "data", &before, &safe()), claim(None));
    assert_eq!(prepared_in("persistentvolumeclaims", "data", &before, &with), claim(Some("pv-1")));
}

#[test]
fn a_volume_waits_for_the_claim_of_that_name() {
    let reference = json!({"namespace": "shop", "name": "data", "uid": "u", "resourceVersion": "7"});
    let bare = json!({"namespace": "shop", "name": "data"});
    assert_eq!(
        prepared("persistentvolumes", &json!({"spec": {"claimRef": reference}})),
        json!({"spec": {"claimRef": bare}})
    );
    assert_eq!(
        prepared(
            "volumesnapshotcontents.snapshot.storage.k8s.io",
            &json!({"spec": {"volumeSnapshotRef": reference}})
        ),
        json!({"spec": {"volumeSnapshotRef": bare}})
    );
}

#[test]
fn addresses_are_given_out_anew() {
    let given = json!({"spec": {
        "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "healthCheckNodePort": 31000, "ports": [{"nodePort": 30080}]}});
    assert_eq!(prepared("services", &given), json!({"spec": {"ports": [{"nodePort": 30080}]}}));
    assert_eq!(prepared_in("services", "web", &given, &Surroundings::default()), given);
    let headless = json!({"spec": {"clusterIP": "None", "clusterIPs": ["None"]}});
    assert_eq!(prepared("services", &headless), headless);
}

#[test]
fn tokens_are_issued_anew() {
    let account = json!({"secrets": [{"name": "web-token-abc12"}, {"name": "mine"}]});
    assert_eq!(prepared("serviceaccounts", &account), json!({"secrets": [{"name": "mine"}]}));
    assert_eq!(prepared("serviceaccounts", &json!({"secrets": [{"name": "web-token-abc12"}]})), json!({}));
    let token = json!({
        "type": "kubernetes.io/service-account-token", "data": {"token": "eA=="},
        "metadata": {"annotations": {
            "kubernetes.io/service-account.name": "web", "kubernetes.io/service-account.uid": "u"}}});
    let empty = json!({
        "type": "kubernetes.io/service-account-token",
        "metadata": {"annotations": {"kubernetes.io/service-account.name": "web"}}});
    assert_eq!(prepared("secrets", &token), empty);
    assert_eq!(prepared_in("secrets", "web", &token, &Surroundings::default()), token);
    let opaque = json!({"type": "Opaque", "data": {"a": "eA=="}});
    assert_eq!(prepared("secrets", &opaque), opaque);
}

#[test]
fn certificates_of_webhooks_stay() {
    for resource in [
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
    ] {
        let object =
            json!({"webhooks": [{"clientConfig": {"caBundle": "eA=="}}], "spec": {"caBundle": "eA=="}});
        assert_eq!(prepared(resource, &object), object);
    }
}

proptest! {
    #[test]
    fn prepared_twice_is_prepared_once(
        resource in prop::sample::select(vec![
            "pods", "jobs.batch", "services", "secrets", "serviceaccounts", "persistentvolumeclaims", "persistentvolumes",
        ]),
        spec in proptest::collection::btree_map("nodeName|volumes|selector|clusterIP|volumeName|claimRef|x", 0..3_i32, 0..5),
        metadata in proptest::collection::btree_map("annotations|finalizers|labels|uid|generateName", 0..3_i32, 0..5),
    ) {
        let once = prepared(resource, &json!({"metadata": metadata, "spec": spec, "secrets": [], "status": 1}));
        prop_assert_eq!(prepared(resource, &once), once);
    }
}
