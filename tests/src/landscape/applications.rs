//! What an application of every namespace has: one of each of the common built-in kinds. Its workloads have no pods, so
//! that a node of one machine can hold all of them; the few that run are in [`super::awkward`] and [`super::owned`].

use serde_json::{Value, json};

/// The application of a namespace.
pub fn objects(namespace: &str, number: usize) -> Vec<Value> {
    let mut objects = configuration(number);
    objects.extend(rights(namespace));
    objects.extend(workloads(number));
    objects.extend(network(number));
    objects.extend(limits());
    for object in &mut objects {
        object["metadata"]["namespace"] = namespace.into();
    }
    objects
}

/// A template whose pod does nothing.
pub fn pod_template(application: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": application}, "annotations": {"example.com/checksum": "0e1"}},
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": "main",
                "image": "localhost/pause:1",
                "imagePullPolicy": "IfNotPresent",
                "env": [{"name": "DEBUG", "value": "off"}, {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings-0", "key": "mode"}}}],
                "resources": {"requests": {"memory": "4Mi"}},
            }],
        },
    })
}

fn configuration(number: usize) -> Vec<Value> {
    let map = |index: usize| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": format!("settings-{index}")},
            "immutable": index == 3,
            "data": {"mode": "on", "at": "12:30", "properties": format!("a={number}\nb={index}\n"), "empty": ""},
        })
    };
    let secret = |name: &str, type_: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": type_, "stringData": data});
    let mut objects: Vec<Value> = (0..4).map(map).collect();
    objects.extend([
        secret("opaque", "Opaque", json!({"password": format!("not-a-real-secret-{number}")})),
        secret("basic", "kubernetes.io/basic-auth", json!({"username": "no", "password": "~"})),
        secret("pull", "kubernetes.io/dockerconfigjson", json!({".dockerconfigjson": "{\"auths\":{}}"})),
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "web", "annotations": {"example.com/role": "arn:aws:iam::0123:role/web"}},
            "imagePullSecrets": [{"name": "pull"}],
            "automountServiceAccountToken": false,
        }),
        json!({
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaimTemplate",
            "metadata": {"name": "device"},
            "spec": {"spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "landscape"}}]}}},
        }),
    ]);
    objects
}

fn rights(namespace: &str) -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "web: reads?"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "list"]}],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "web: reads?"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web: reads?"},
            "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": namespace}],
        }),
    ]
}

fn workloads(number: usize) -> Vec<Value> {
    let workload = |api_version: &str, kind: &str, name: &str, spec: Value| {
        let mut object =
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec});
        object["spec"]["selector"] = json!({"matchLabels": {"app": name}});
        object["spec"]["template"] = pod_template(name);
        object
    };
    let mut never = pod_template("job");
    never["spec"]["restartPolicy"] = "Never".into();
    let mut daemon = workload("apps/v1", "DaemonSet", "agent", json!({}));
    daemon["spec"]["template"]["spec"]["nodeSelector"] = json!({"example.com/no-such-node": "true"});
    let mut controller = workload("v1", "ReplicationController", "old", json!({"replicas": 0}));
    controller["spec"]["selector"] = json!({"app": "old"});
    vec![
        workload(
            "apps/v1",
            "Deployment",
            "web",
            json!({"replicas": 0, "revisionHistoryLimit": 2, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}}}),
        ),
        workload(
            "apps/v1",
            "Deployment",
            "worker",
            json!({"replicas": 0, "paused": number.is_multiple_of(2)}),
        ),
        workload(
            "apps/v1",
            "StatefulSet",
            "store",
            json!({"replicas": 0, "serviceName": "peers", "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"storageClassName": "landscape", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }]}),
        ),
        daemon,
        controller,
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": {
            "schedule": "0 2 * * *", "suspend": true, "timeZone": "Etc/UTC", "jobTemplate": {"spec": {"template": never}},
        }}),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": {"suspend": true, "template": never}}),
        json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "shape"}, "template": never}),
    ]
}

fn network(number: usize) -> Vec<Value> {
    vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
            "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "dns", "port": 53, "protocol": "UDP"}],
        }}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "peers"}, "spec": {
            "clusterIP": "None", "publishNotReadyAddresses": true, "selector": {"app": "store"}, "ports": [{"port": 5432}],
        }}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": {
            "ingressClassName": "landscape",
            "tls": [{"hosts": [format!("shop-{number}.example.com")], "secretName": "certificate-0"}],
            "rules": [{"host": format!("shop-{number}.example.com"), "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"name": "http"}}}},
            ]}}],
        }}),
        // Everything is chosen, nothing is let in: both are said by what is empty.
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny-all"}, "spec": {
            "podSelector": {}, "policyTypes": ["Ingress"],
        }}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "allow-all"}, "spec": {
            "podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}],
        }}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "elsewhere"}},
            "addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.7"]}], "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }),
    ]
}

fn limits() -> Vec<Value> {
    vec![
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": {
            "minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}},
        }}),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1, "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}],
        }}),
    ]
}
