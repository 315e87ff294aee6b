//! What has made one tool or another lose or change an object, in namespace `landscape-awkward` (measured facts).

use serde_json::{Value, json};

use super::applications::pod_template;
use super::system::{self, ODD_NAMES};

pub const NAMESPACE: &str = "landscape-awkward";

/// A port that is asked for by number, of the 86 that automatic ones leave alone as long as they can (KEP-3668).
const NODE_PORT: u16 = 30_066;

pub fn objects() -> Vec<Value> {
    let mut objects = names_and_strings();
    objects.extend(large());
    objects.extend(services());
    objects.extend(jobs());
    objects.extend(running());
    objects.extend(accounts());
    for object in &mut objects {
        object["metadata"]["namespace"] = NAMESPACE.into();
    }
    objects
}

fn map(name: &str, data: Value) -> Value {
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    map["data"] = data;
    map
}

fn names_and_strings() -> Vec<Value> {
    let mut objects = vec![
        map(
            "strings",
            json!({
                "on": "on", "yes": "yes", "tilde": "~", "null": "null", "hex": "0x1F", "float": "1e3", "leading": "007",
                "time": "12:30", "date": "2001-01-01", "underscore": "1_000", "equals": "=", "merge": "<<",
                "crlf": "a\r\nb\r\n", "nel": "a\u{85}b", "separators": "a\u{2028}b\u{2029}c", "bom": "\u{feff}bom",
                "delete": "\u{7f}", "control": "\u{80}\u{9f}", "escape": "\u{1b}[31m", "rocket": "\u{1f680}",
                "noncharacter": "\u{fffe}\u{ffff}", "spaces": "  two before, two after  ", "tab": "\tx\t",
                "newlines": "\n\nlast\n\n", "comment": "a #b", "colon": "a: b", "empty": "",
            }),
        ),
        map(&"long-name.".repeat(26)[..253], json!({"a": "b"})),
        map("a", json!({})),
        map("a-b", json!({})),
        map("a.b", json!({})),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bytes"}, "binaryData": {"bytes": "AAECA/8="}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}, "data": {"a": "b"}}),
        // The kind and the name of a Service of Kubernetes itself.
        json!({"apiVersion": "serving.example.com/v1", "kind": "Service", "metadata": {"name": "elsewhere"}, "spec": {}}),
        json!({"apiVersion": "security.mesh.example.com/v1", "kind": "PeerAuthentication", "metadata": {"name": "default"}, "spec": {}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "by-hand"}, "spec": {"holderIdentity": "nobody"}}),
    ];
    for name in ODD_NAMES {
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": [],
        }));
    }
    objects
}

fn large() -> Vec<Value> {
    // What no compressor makes vanish.
    let noise = |bytes: usize| {
        let mut text = String::with_capacity(bytes + 20);
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        while text.len() < bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(&state.to_string());
        }
        text
    };
    vec![
        map("larger-than-client-side-apply", json!({"text": noise(400 << 10)})),
        map("as-large-as-can-be", json!({"text": noise(1000 << 10)})),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "large"}, "stringData": {"text": noise(600 << 10)}}),
    ]
}

fn services() -> Vec<Value> {
    let service = |name: &str, spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec});
    let ports = json!([{"name": "http", "port": 80}]);
    vec![
        service(
            "fixed-port",
            json!({"type": "NodePort", "selector": {"app": "none"}, "ports": [{"name": "http", "port": 80, "nodePort": NODE_PORT}]}),
        ),
        service("some-port", json!({"type": "NodePort", "selector": {"app": "none"}, "ports": ports})),
        service(
            "balanced",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app": "none"}, "ports": ports}),
        ),
        service("outside", json!({"type": "ExternalName", "externalName": "db.example.com"})),
        service(
            "sticky",
            json!({"sessionAffinity": "ClientIP", "selector": {"app": "none"}, "ports": ports}),
        ),
        // Without a selector no controller says where it leads.
        service("elsewhere", json!({"ports": ports})),
        json!({
            "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "elsewhere"},
            "subsets": [{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"name": "http", "port": 8080}]}],
        }),
    ]
}

fn jobs() -> Vec<Value> {
    let mut template = pod_template("job");
    template["spec"]["restartPolicy"] = "Never".into();
    let job = |name: &str, spec: Value| {
        let mut job =
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec});
        job["spec"]["template"] = template.clone();
        job
    };
    let mut by_hand = job(
        "selects-by-hand",
        json!({"suspend": true, "manualSelector": true, "selector": {"matchLabels": {"chosen": "by-hand"}}}),
    );
    by_hand["spec"]["template"]["metadata"]["labels"] = json!({"chosen": "by-hand"});
    vec![
        by_hand,
        job(
            "indexed",
            json!({"suspend": true, "completionMode": "Indexed", "completions": 3, "parallelism": 2}),
        ),
        // Nothing to do: complete at once.
        job("done", json!({"completions": 0})),
    ]
}

fn running() -> Vec<Value> {
    let claim = |name: &str, spec: Value| {
        let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec});
        claim["spec"]["accessModes"] = json!(["ReadWriteOnce"]);
        claim["spec"]["resources"] = json!({"requests": {"storage": "1Gi"}});
        claim
    };
    let pod = |name: &str, spec: Value| {
        let mut pod =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}});
        pod["spec"] = pod_template(name)["spec"].take();
        pod["spec"]["containers"][0].as_object_mut().map(|container| container.remove("env"));
        for (field, value) in spec.as_object().into_iter().flatten() {
            pod["spec"][field] = value.clone();
        }
        pod
    };
    let mut set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "claims"}, "spec": {
        "replicas": 2,
        "serviceName": "peers",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "claims"}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
            "storageClassName": "landscape", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        }}],
    }});
    set["spec"]["template"] = pod_template("claims");
    set["spec"]["template"]["spec"]["containers"][0]["env"] = json!([]);
    let volume = format!("landscape-{}", system::NAMED_VOLUME);
    vec![
        set,
        claim("any-volume", json!({"storageClassName": "landscape"})),
        claim("this-volume", json!({"storageClassName": "landscape", "volumeName": volume})),
        // Waits for a pod that never comes: Pending is what it is.
        claim("waits", json!({"storageClassName": "landscape-later"})),
        pod("prioritised", json!({"priorityClassName": "landscape-high"})),
        pod("with-token", json!({"automountServiceAccountToken": true, "serviceAccountName": "reader"})),
        pod(
            "with-claim",
            json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "any-volume"}}]}),
        ),
    ]
}

fn accounts() -> Vec<Value> {
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}),
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "token-of-reader", "annotations": {"kubernetes.io/service-account.name": "reader"}},
        }),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "registry"}, "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{\"auths\":{}}"}}),
    ]
}
