//! What the API server takes, keeps and adds.

use crds::condition;
use crds::core::RestoreSession;
use crds::core::restore_session::condition as word;
use harness::cluster::Cluster;
use harness::wait;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use serde_json::{Value, json};

use super::{Server, changed, fixture};
use crate::given::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn every_definition_is_served_and_structural() {
    let cluster = Cluster::connect().await;
    let api: Api<CustomResourceDefinition> = Api::all(cluster.client.clone());
    for wanted in crds::all() {
        let name = wanted.metadata.name.expect("a name");
        let found = api.get(&name).await.expect("the definition is installed");
        let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
        let status_of = |type_: &str| {
            conditions
                .iter()
                .find(|condition| condition.type_ == type_)
                .map(|condition| condition.status.as_str())
        };
        assert_eq!(status_of("Established"), Some("True"), "{name}");
        assert_eq!(status_of("NamesAccepted"), Some("True"), "{name}");
        assert_eq!(status_of("NonStructuralSchema"), None, "{name}: {conditions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_object_of_every_kind_is_stored_as_it_was_given() {
    let server = Server::new("full").await;
    for kind in [
        "backup_configuration",
        "backup_session",
        "backup_storage",
        "hook_template",
        "repository",
        "restore_session",
        "retention_policy",
        "snapshot",
    ] {
        let given = fixture(&format!("{kind}.full"));
        // Each answer tells what was stored by this very request, whatever the operator makes of the object later.
        let stored = server.create(&given).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(stored["spec"], given["spec"], "{kind}");
        if let Some(status) = given.get("status") {
            let stored = server.merge_status(&given, &json!({"status": status})).await;
            let stored = stored.unwrap_or_else(|error| panic!("status of {kind}: {error}"));
            for (field, value) in status.as_object().expect("fields") {
                assert_eq!(&stored["status"][field], value, "{kind} status.{field}");
            }
        }
    }
    // Fields of the status that another field manager holds do not keep the operator from coming to an end.
    let restores: Api<RestoreSession> = server.namespace.api();
    wait::until(restores, "full-restore", SOON, |session| {
        let status = session.and_then(|session| session.status.as_ref());
        let conditions = status.map_or(&[][..], |status| &status.conditions);
        let is_over = condition::exists(conditions, word::METRICS_PUSHED);
        if is_over { Ok(()) } else { Err(format!("it is not over: {conditions:#?}")) }
    })
    .await;
    for kind in ["backup_storage.full", "repository.full", "snapshot.full"] {
        let kept = server.merge(&fixture(kind), &json!({"spec": {"deletionPolicy": "Delete"}})).await;
        kept.expect("nothing is wiped when the namespace goes");
    }
    for kind in ["addon", "function"] {
        let given = changed(&format!("{kind}.full"), "/metadata/name", json!(server.namespace.name));
        let stored = server.try_out(&given).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(stored["spec"], given["spec"], "{kind}");
    }
    server.namespace.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yaml_that_relies_on_defaults_or_says_less_is_accepted() {
    let server = Server::new("lenient").await;
    let accepted = [
        // The default storage and the default retention policy are looked for by the operator.
        fixture("backup_configuration.minimal"),
        changed("backup_configuration.full", "/spec/backends/0/retentionPolicy", Value::Null),
        // As in upstream's own examples.
        changed("backup_configuration.minimal", "/spec/sessions/0/scheduler/jobTemplate", Value::Null),
        changed(
            "backup_configuration.minimal",
            "/spec/target",
            json!({"apiGroup": null, "kind": "Namespace", "name": "shop"}),
        ),
        changed("backup_configuration.minimal", "/spec/sessions/0/failurePolicy", json!("Fail")),
        changed(
            "repository.minimal",
            "/spec/storageRef",
            json!({"apiGroup": "x", "kind": "BackupStorage", "name": "s3", "namespace": "demo"}),
        ),
        // Status is for the status sub-resource.
        fixture("snapshot.full"),
        changed("repository.minimal", "/spec", Value::Null),
    ];
    for object in accepted {
        server.try_out(&object).await.unwrap_or_else(|error| panic!("{error}\n{object}"));
    }
    server.namespace.remove().await;
}
