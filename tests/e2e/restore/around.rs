//! What happens around a restore: hooks before and after it, and the backups of its target wait.

use crds::core::{BackupConfiguration, RestoreSession};
use harness::listener::Listener;
use harness::restoration::{self, Restored};
use harness::wait;
use serde_json::{Value, json};

use super::{APPLICATION, Kept, wish};
use crate::given;

/// Tells the story's listener at which stage the restore is, and how it went.
const TELL: &str = r#"
apiVersion: core.kubestash.com/v1alpha1
kind: HookTemplate
metadata: {name: tell, namespace: NAMESPACE}
spec:
  params: [{name: stage, required: true}]
  action:
    httpPost:
      host: LISTENER_HOST
      port: LISTENER_PORT
      path: /told/${stage}
      body: "{{ .Name }} {{ .Status.Phase }}"
  executor: {type: Operator}
"#;

async fn listening(kept: &Kept) -> Listener {
    let listener = Listener::start(&kept.backups.cluster.environment.host_address).await;
    let address = listener.address();
    let yaml = TELL
        .replace("LISTENER_HOST", &address.ip().to_string())
        .replace("LISTENER_PORT", &address.port().to_string());
    kept.backups.apply(&yaml).await;
    listener
}

fn hook(stage: &str, policy: Option<&str>) -> Value {
    let mut hook = json!({"name": stage, "hookTemplate": {"name": "tell"}, "params": {"stage": stage}});
    if let Some(policy) = policy {
        hook["executionPolicy"] = policy.into();
    }
    hook
}

/// Restores with these hooks, and this to be changed in the RestoreSession.
async fn restore(kept: &Kept, name: &str, hooks: Value) -> Restored {
    let wish = wish(name, "restorer", &[]);
    let mut manifest = wish.manifest(&kept.backups.name);
    manifest["spec"]["hooks"] = hooks;
    kept.backups.cluster.apply(&manifest.to_string()).await;
    restoration::over(&kept.backups, &wish).await
}

fn paths(listener: &Listener) -> Vec<String> {
    listener.requests().into_iter().map(|(path, _)| path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_around_a_restore_and_one_that_fails_before_it_prevents_it() {
    let kept = Kept::of("restore-hooks", APPLICATION).await;
    let listener = listening(&kept).await;
    kept.done("delete configmap unrelated").await;
    let after = json!([hook("bad", Some("OnFailure")), hook("end", Some("OnSuccess"))]);
    let missing = json!({"name": "missing", "hookTemplate": {"name": "tell"}, "params": {}});

    let prevented =
        restore(&kept, "prevented", json!({"preRestore": [missing], "postRestore": after.clone()})).await;
    // A hook without a parameter that it needs is wrong before anything begins, or fails when it is run.
    assert!(matches!(prevented.phase(), "Invalid" | "Failed"), "{:#}", prevented.session);
    assert!(!kept.has("configmap/unrelated").await, "nothing was restored");
    assert!(!paths(&listener).contains(&"/told/end".to_owned()), "{:?}", listener.requests());

    let told = paths(&listener).len();
    let hooks = json!({"preRestore": [hook("begin", None)], "postRestore": after});
    restore(&kept, "attended", hooks).await.assert_success();
    assert!(kept.has("configmap/unrelated").await);
    let requests = listener.requests();
    let new: Vec<(&str, &str)> =
        requests[told..].iter().map(|(path, body)| (path.as_str(), body.as_str())).collect();
    assert_eq!(
        new.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
        ["/told/begin", "/told/end"],
        "{new:?}"
    );
    assert!(new[1].1.contains("attended Succeeded"), "{new:?}");
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backups_of_the_target_wait_until_the_restore_is_over() {
    let kept = Kept::of("restore-pauses", APPLICATION).await;
    let wish = wish("paused", "restorer", &[]);
    let mut manifest = wish.manifest(&kept.backups.name);
    manifest["spec"]["target"] =
        json!({"apiGroup": "v1", "kind": "Namespace", "name": kept.application.name});
    let paused = |expected: bool| {
        wait::until(kept.backups.api::<BackupConfiguration>(), "orders", given::SOON, move |configuration| {
            let paused = configuration.map(|configuration| configuration.spec.paused);
            if paused == Some(expected) { Ok(()) } else { Err(format!("paused is {paused:?}")) }
        })
    };

    // Said as long as it lasts.
    let said = wait::until(kept.backups.api::<RestoreSession>(), wish.name, given::SOON, |session| {
        let status = session.and_then(|session| session.status.as_ref()).ok_or("no status yet")?;
        let named = status.paused_backups.iter().any(|backup| backup.name == "orders");
        if named { Ok(()) } else { Err(format!("{:?}", status.paused_backups)) }
    });

    let manifest = manifest.to_string();
    tokio::join!(paused(true), said, kept.backups.cluster.apply(&manifest));

    let restored = restoration::over(&kept.backups, &wish).await;
    restored.assert_success();
    paused(false).await;
    assert_eq!(given::phase(&given::another_session(&kept.backups, "orders").await), "Succeeded");
    kept.remove().await;
}
