use serde_json::{Value, json};

use super::*;
use crate::restore::options::Transform;
use crate::select::{Filters, LabelGates, NameFilter, list};

mod removal;

/// A card of `resource` (`namespace/name` or `name`), from the fields that matter.
fn card(group_resource: &str, kind: &str, place: &str, mut object: Value) -> Card {
    read(group_resource, kind, place, &mut object, &Options::default())
}

fn read(group_resource: &str, kind: &str, place: &str, object: &mut Value, options: &Options) -> Card {
    let key = key(group_resource, place);
    let api_version = match kinds::group(group_resource) {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    };
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    object["metadata"]["name"] = json!(key.name);
    object["metadata"]["namespace"] = json!(key.namespace);
    Card::read(&key, object.as_object().unwrap(), options).unwrap()
}

fn key(group_resource: &str, place: &str) -> Key {
    let (namespace, name) = match place.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, place),
    };
    Key { group_resource: group_resource.to_owned(), namespace, name: name.to_owned() }
}

fn owned_by(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"metadata": {"ownerReferences": [
        {"apiVersion": api_version, "kind": kind, "name": name, "uid": "old", "controller": true}]}})
}

fn names(include: &str, exclude: &str) -> NameFilter {
    NameFilter::new(list(include).unwrap(), list(exclude).unwrap())
}

fn everything() -> Options {
    Options {
        safe: true,
        filters: Filters { cluster_resources: true, ..Filters::default() },
        ..Options::default()
    }
}

fn owned(by: &str) -> Choice {
    Choice::Skip(Skip::Owned { by: by.to_owned() })
}

/// A Deployment with all that hangs from it, a CronJob likewise, and a custom resource that owns a ReplicaSet.
fn application() -> Vec<Card> {
    vec![
        card("deployments.apps", "Deployment", "shop/web", json!({})),
        card("replicasets.apps", "ReplicaSet", "shop/web-1", owned_by("apps/v1", "Deployment", "web")),
        card("pods", "Pod", "shop/web-1-a", owned_by("apps/v1", "ReplicaSet", "web-1")),
        card("cronjobs.batch", "CronJob", "shop/nightly", json!({})),
        card("jobs.batch", "Job", "shop/nightly-1", owned_by("batch/v1", "CronJob", "nightly")),
        card("rollouts.argoproj.io", "Rollout", "shop/canary", json!({})),
        card(
            "replicasets.apps",
            "ReplicaSet",
            "shop/canary-1",
            owned_by("argoproj.io/v1", "Rollout", "canary"),
        ),
        card("pods", "Pod", "shop/canary-1-a", owned_by("apps/v1", "ReplicaSet", "canary-1")),
        card("pods", "Pod", "shop/alone", json!({})),
    ]
}

#[test]
fn what_a_built_in_controller_makes_again_is_left_to_it() {
    let choices = choose(&application(), &everything());
    assert_eq!(
        choices,
        [
            Choice::Take,
            owned("Deployment web"),
            owned("ReplicaSet web-1"),
            Choice::Take,
            owned("CronJob nightly"),
            Choice::Take,
            Choice::Take,
            owned("ReplicaSet canary-1"),
            Choice::Take,
        ]
    );
}

#[test]
fn what_has_lost_its_controller_is_made() {
    let options = Options {
        filters: Filters { resources: names("replicasets,pods", ""), ..Filters::default() },
        ..everything()
    };
    let choices = choose(&application(), &options);
    assert_eq!(choices[..3], [Choice::Outside, Choice::Take, owned("ReplicaSet web-1")]);
    // Another namespace has a Deployment of that name.
    let elsewhere = [
        card("deployments.apps", "Deployment", "other/web", json!({})),
        card("replicasets.apps", "ReplicaSet", "shop/web-1", owned_by("apps/v1", "Deployment", "web")),
    ];
    assert_eq!(choose(&elsewhere, &everything()), [Choice::Take, Choice::Take]);
}

#[test]
fn what_belongs_to_something_that_has_ended_has_ended() {
    let ended = json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}});
    let deleted = json!({"metadata": {"deletionTimestamp": "2026-11-22T10:11:12Z"}});
    let cards = [
        card("jobs.batch", "Job", "shop/once", ended),
        card("pods", "Pod", "shop/once-a", owned_by("batch/v1", "Job", "once")),
        card("deployments.apps", "Deployment", "shop/gone", deleted),
        card("replicasets.apps", "ReplicaSet", "shop/gone-1", owned_by("apps/v1", "Deployment", "gone")),
        card("pods", "Pod", "shop/gone-1-a", owned_by("apps/v1", "ReplicaSet", "gone-1")),
    ];
    let completed = Choice::Skip(Skip::Completed);
    let being_deleted = Choice::Skip(Skip::BeingDeleted);
    assert_eq!(
        choose(&cards, &everything()),
        [completed.clone(), completed, being_deleted.clone(), being_deleted.clone(), being_deleted]
    );
}

#[test]
fn a_circle_of_owners_ends() {
    // No API server has a Deployment among its ReplicaSets; a crafted snapshot may.
    let cards = [
        card("replicasets.apps", "Deployment", "shop/a", owned_by("apps/v1", "Deployment", "b")),
        card("replicasets.apps", "Deployment", "shop/b", owned_by("apps/v1", "Deployment", "a")),
    ];
    assert_eq!(choose(&cards, &everything()), [owned("Deployment b"), owned("Deployment a")]);
}

#[test]
fn filters_decide_what_is_asked_for() {
    let labels = |app: &str| json!({"metadata": {"labels": {"app": app}}});
    let gates = LabelGates { all: vec!["app=web".to_owned()], any: vec![] };
    let options = Options {
        filters: Filters { namespaces: names("shop", ""), labels: gates, ..Filters::default() },
        ..everything()
    };
    let read = |resource: &str, kind: &str, place: &str, mut object: Value| {
        self::read(resource, kind, place, &mut object, &options)
    };
    let cards = [
        read("configmaps", "ConfigMap", "shop/web", labels("web")),
        read("configmaps", "ConfigMap", "shop/other", labels("other")),
        read("configmaps", "ConfigMap", "elsewhere/web", labels("web")),
        read("storageclasses.storage.k8s.io", "StorageClass", "fast", labels("web")),
        read("namespaces", "Namespace", "shop", json!({})),
    ];
    assert_eq!(
        choose(&cards, &options),
        [Choice::Take, Choice::Outside, Choice::Outside, Choice::Outside, Choice::IfNeeded]
    );
}

#[test]
fn a_namespace_is_asked_for_or_made_when_needed() {
    let namespace = [card("namespaces", "Namespace", "shop", json!({}))];
    let with = |filters: Filters| Options { filters, ..everything() };
    let all = Filters { cluster_resources: true, ..Filters::default() };
    for (options, choice) in [
        (everything(), Choice::Take),
        (with(Filters::default()), Choice::IfNeeded),
        (with(Filters { namespaces: names("shop", ""), ..all.clone() }), Choice::Take),
        (with(Filters { namespaces: names("other", ""), ..all.clone() }), Choice::IfNeeded),
        (with(Filters { resources: names("pods", ""), ..all }), Choice::IfNeeded),
        (Options { objects: vec![key("namespaces", "shop")], ..Options::default() }, Choice::Take),
        (Options { objects: vec![key("pods", "shop/a")], ..Options::default() }, Choice::IfNeeded),
    ] {
        assert_eq!(choose(&namespace, &options), [choice], "{:?}", options.filters);
        assert_eq!(by_name(&namespace[0].key, &options), None);
    }
}

#[test]
fn some_types_come_back_only_when_asked_for() {
    let role = || card("roles.rbac.authorization.k8s.io", "Role", "shop/r", json!({}));
    let webhook = || {
        let resource = "validatingwebhookconfigurations.admissionregistration.k8s.io";
        card(resource, "ValidatingWebhookConfiguration", "w", json!({}))
    };
    let volume = || card("persistentvolumes", "PersistentVolume", "pv", json!({}));
    let node = || card("nodes", "Node", "n", json!({}));
    let include = |resources: &str| Options {
        filters: Filters { cluster_resources: true, resources: names(resources, ""), ..Filters::default() },
        ..Options::default()
    };
    for (card, options, choice) in [
        (role(), everything(), Choice::Skip(Skip::RightsNotAsked)),
        (role(), Options { rights: true, ..everything() }, Choice::Take),
        (role(), include("roles"), Choice::Take),
        (role(), include("*"), Choice::Skip(Skip::RightsNotAsked)),
        (role(), Options { objects: vec![role().key], ..Options::default() }, Choice::Take),
        (webhook(), everything(), Choice::Skip(Skip::AdmissionNotAsked)),
        (webhook(), Options { rights: true, ..everything() }, Choice::Skip(Skip::AdmissionNotAsked)),
        (webhook(), Options { admission: true, ..everything() }, Choice::Take),
        (volume(), everything(), Choice::Skip(Skip::VolumesNotAsked)),
        (volume(), Options { volumes: true, ..everything() }, Choice::Take),
        (volume(), Options { volumes: true, ..Options::default() }, Choice::Outside),
        (node(), everything(), Choice::Skip(Skip::NotRestorable)),
        (
            node(),
            Options { objects: vec![node().key], ..Options::default() },
            Choice::Skip(Skip::NotRestorable),
        ),
    ] {
        assert_eq!(
            choose(std::slice::from_ref(&card), &options),
            std::slice::from_ref(&choice),
            "{:?}",
            card.key
        );
        let by_name = by_name(&card.key, &options);
        assert!(by_name.is_none() || by_name == Some(choice), "{:?}: {by_name:?}", card.key);
    }
}

#[test]
fn what_the_cluster_makes_is_left_to_it_unless_told() {
    let token = || json!({"metadata": {"annotations": {"kubernetes.io/service-account.name": "web"}}});
    let cards = [
        card("configmaps", "ConfigMap", "shop/kube-root-ca.crt", json!({})),
        card("services", "Service", "shop/web", json!({"spec": {"selector": {"app": "web"}}})),
        card("endpoints", "Endpoints", "shop/web", json!({})),
        card("services", "Service", "shop/outside", json!({"spec": {}})),
        card("endpoints", "Endpoints", "shop/outside", json!({})),
        card(
            "serviceaccounts",
            "ServiceAccount",
            "shop/web",
            json!({"secrets": [{"name": "web-token-abc12"}]}),
        ),
        card("secrets", "Secret", "shop/web-token-abc12", token()),
        card("secrets", "Secret", "shop/mine", token()),
    ];
    let made = || Choice::Skip(Skip::SystemMade);
    let take = || Choice::Take;
    assert_eq!(
        choose(&cards, &everything()),
        [made(), take(), made(), take(), take(), take(), made(), take()]
    );
    let unsafe_restore = Options { safe: false, ..everything() };
    assert!(choose(&cards, &unsafe_restore).iter().all(|choice| *choice == Choice::Take));
}

#[test]
fn what_the_restore_stands_on_stays() {
    let mut options = everything();
    options.protected.namespaces.insert("kubestash".to_owned());
    options.protected.objects.insert(key("secrets", "shop-2/key"));
    options.transform.namespaces.insert("shop".to_owned(), "shop-2".to_owned());
    let cards = [
        card("configmaps", "ConfigMap", "kubestash/a", json!({})),
        card("namespaces", "Namespace", "kubestash", json!({})),
        card("secrets", "Secret", "shop/key", json!({})),
        card("secrets", "Secret", "shop/other", json!({})),
    ];
    let protected = || Choice::Skip(Skip::Protected);
    assert_eq!(choose(&cards, &options), [protected(), protected(), protected(), Choice::Take]);
}

#[test]
fn single_objects_bring_what_they_own_and_name() {
    let with = Options { with_references: true, ..Options::default() };
    let read = |resource: &str, kind: &str, place: &str, mut object: Value| {
        self::read(resource, kind, place, &mut object, &with)
    };
    let pod = json!({"serviceAccountName": "runner", "containers": [
        {"name": "web", "envFrom": [{"configMapRef": {"name": "settings"}}]}]});
    let cards = [
        read("deployments.apps", "Deployment", "shop/web", json!({"spec": {"template": {"spec": pod}}})),
        read("replicasets.apps", "ReplicaSet", "shop/web-1", owned_by("apps/v1", "Deployment", "web")),
        read("configmaps", "ConfigMap", "shop/settings", json!({})),
        read(
            "serviceaccounts",
            "ServiceAccount",
            "shop/runner",
            json!({"imagePullSecrets": [{"name": "pull"}]}),
        ),
        read("secrets", "Secret", "shop/pull", json!({})),
        read("configmaps", "ConfigMap", "shop/other", json!({})),
        read(
            "widgets.example.org",
            "Widget",
            "shop/w",
            json!({"metadata": {"ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u"}]}}),
        ),
    ];
    let take = || Choice::Take;
    let out = || Choice::Outside;
    let rs = || owned("Deployment web");
    let ask = |with_owned: bool, with_references: bool, exclude: &str| Options {
        objects: vec![key("deployments.apps", "shop/web")],
        filters: Filters { resources: names("", exclude), ..Filters::default() },
        with_owned,
        with_references,
        ..Options::default()
    };
    for (options, choices) in [
        (ask(true, false, ""), [take(), rs(), out(), out(), out(), out(), take()]),
        (ask(true, true, ""), [take(), rs(), take(), take(), take(), out(), take()]),
        (ask(true, true, "secrets,widgets"), [take(), rs(), take(), take(), out(), out(), out()]),
    ] {
        assert_eq!(choose(&cards, &options), choices);
    }
    let alone = choose(&cards, &ask(false, false, ""));
    assert_eq!(alone, [take(), out(), out(), out(), out(), out(), out()]);
}

#[test]
fn what_passes_the_filters_brings_what_it_names() {
    let options = Options {
        with_references: true,
        filters: Filters {
            resources: names("deployments", ""),
            namespaces: names("shop", ""),
            ..Filters::default()
        },
        ..Options::default()
    };
    let pod = json!({"containers": [{"name": "web", "envFrom": [{"secretRef": {"name": "keys"}}]}]});
    let mut deployment = json!({"spec": {"template": {"spec": pod}}});
    let cards = [
        read("deployments.apps", "Deployment", "shop/web", &mut deployment, &options),
        read("secrets", "Secret", "shop/keys", &mut json!({}), &options),
        read("secrets", "Secret", "shop/others", &mut json!({}), &options),
    ];
    assert_eq!(choose(&cards, &options), [Choice::Take, Choice::Take, Choice::Outside]);
    assert_eq!(by_name(&cards[1].key, &options), None);
}

#[test]
fn names_decide_where_they_can() {
    let labelled = LabelGates { all: vec!["a".to_owned()], any: vec![] };
    let with = |filters: Filters| Options { filters, ..Options::default() };
    let all = Filters { cluster_resources: true, ..Filters::default() };
    for (resource, place, options, choice) in [
        ("pods", "shop/a", everything(), None),
        ("events", "shop/a", everything(), Some(Choice::Skip(Skip::NotRestorable))),
        (
            "events",
            "shop/a",
            with(Filters { labels: labelled.clone(), ..all.clone() }),
            Some(Choice::Outside),
        ),
        ("nodes", "a", with(Filters::default()), Some(Choice::Outside)),
        (
            "pods",
            "shop/a",
            with(Filters { namespaces: names("", "shop"), ..all.clone() }),
            Some(Choice::Outside),
        ),
        ("roles.rbac.authorization.k8s.io", "shop/a", with(Filters { labels: labelled, ..all }), None),
        (
            "pods",
            "shop/a",
            Options { objects: vec![key("pods", "shop/b")], ..Options::default() },
            Some(Choice::Outside),
        ),
        ("pods", "shop/b", Options { objects: vec![key("pods", "shop/b")], ..Options::default() }, None),
        (
            "pods",
            "shop/a",
            Options { objects: vec![key("pods", "shop/b")], with_owned: true, ..Options::default() },
            None,
        ),
    ] {
        assert_eq!(by_name(&key(resource, place), &options), choice, "{resource} {place}");
    }
}

#[test]
fn what_is_not_there_is_told() {
    let options =
        Options { objects: vec![key("pods", "shop/a"), key("pods", "shop/b")], ..Options::default() };
    assert_eq!(absent(&options, |held| held.name == "a"), [&key("pods", "shop/b")]);
}

#[test]
fn two_objects_do_not_become_one() {
    let namespaces = [("shop".to_owned(), "other".to_owned())].into();
    let options = Options { transform: Transform { namespaces, ..Transform::default() }, ..everything() };
    let cards = [
        card("configmaps", "ConfigMap", "other/a", json!({})),
        card("configmaps", "ConfigMap", "shop/a", json!({})),
        card("configmaps", "ConfigMap", "other/b", json!({})),
    ];
    let choices = choose(&cards, &options);
    assert!(
        matches!(&choices[0], Choice::Fail(problem) if problem.kind == ProblemKind::Collision),
        "{choices:?}"
    );
    assert_eq!(choices[1..], [Choice::Take, Choice::Take]);
}
