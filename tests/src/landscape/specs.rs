//! What the custom resources say: the n-th spec of each type. Strings that a YAML 1.1 reader takes for something else are
//! among them, as they are in real clusters.

use serde_json::{Value, json};

pub fn certificate(number: usize) -> Value {
    json!({
        "secretName": format!("certificate-{number}"),
        "duration": "2160h0m0s",
        "renewBefore": "360h0m0s",
        "commonName": format!("shop-{number}.example.com"),
        "dnsNames": [format!("shop-{number}.example.com"), "*.example.com"],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
        "issuerRef": {"name": "issuer-0", "kind": "Issuer", "group": "certificates.example.com"},
    })
}

pub fn certificate_request(number: usize) -> Value {
    json!({
        "request": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0=",
        "isCA": false,
        "usages": ["digital signature"],
        "username": "system:serviceaccount:certificates:controller",
        "issuerRef": {"name": format!("issuer-{number}"), "kind": "Issuer"},
        "extra": {},
    })
}

pub fn issuer(number: usize) -> Value {
    json!({
        "selfSigned": {},
        "acme": {
            "server": "https://acme.example.com/directory",
            "email": "on",
            "privateKeySecretRef": {"name": format!("account-{number}")},
            "solvers": [{"selector": {}, "http01": {"ingress": {"ingressClassName": "landscape"}}}],
        },
    })
}

pub fn order(number: usize) -> Value {
    json!({"request": "AAAA", "dnsNames": [format!("shop-{number}.example.com")], "issuerRef": {"name": "issuer-0"}})
}

pub fn challenge(number: usize) -> Value {
    json!({
        "url": format!("https://acme.example.com/challenge/{number}"),
        "token": "0x1F",
        "key": "1e3",
        "type": "HTTP-01",
        "wildcard": number.is_multiple_of(2),
        "solver": {},
    })
}

pub fn monitor(number: usize) -> Value {
    json!({
        "replicas": 2,
        "retention": "15d",
        "scrapeInterval": "30s",
        "serviceAccountName": "monitor",
        "serviceMonitorSelector": {},
        "serviceMonitorNamespaceSelector": {},
        "ruleSelector": {"matchLabels": {"role": "alerts"}},
        "resources": {"requests": {"memory": "400Mi", "cpu": "0.5"}},
        "externalLabels": {"cluster": "no", "shard": "007"},
        "shards": number,
    })
}

pub fn service_monitor(number: usize) -> Value {
    json!({
        "selector": {"matchLabels": {"app": format!("app-{number}")}},
        "namespaceSelector": {"any": true},
        "endpoints": [{"port": "http", "interval": "15s", "path": "/metrics", "honorLabels": true}],
    })
}

pub fn alert_rule(number: usize) -> Value {
    json!({"groups": [{
        "name": format!("availability-{number}"),
        "interval": "1m",
        "rules": [{
            "alert": "Down",
            "expr": "sum by (job) (up{job=\"api\"} == 0) > 0\n  and on() vector(1)",
            "for": "5m",
            "labels": {"severity": "page"},
            "annotations": {"summary": "{{ $labels.job }} is down: ~", "runbook": "https://example.com/a#b"},
        }],
    }]})
}

pub fn application(number: usize) -> Value {
    json!({
        "project": "default",
        "source": {
            "repoURL": "https://git.example.com/shop.git",
            "path": format!("deploy/{number}"),
            "targetRevision": "1234567",
            "helm": {"values": "replicas: 2\nimage:\n  tag: \"1.10\"\n", "releaseName": "y"},
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        "syncPolicy": {"automated": {"prune": true, "selfHeal": false}, "syncOptions": ["CreateNamespace=true"]},
    })
}

pub fn application_set(number: usize) -> Value {
    json!({
        "generators": [{"list": {"elements": [{"cluster": "a", "url": "https://a.example.com"}]}}],
        "template": {"metadata": {"name": "{{cluster}}-shop"}, "spec": application(number)},
        "goTemplate": true,
    })
}

pub fn project(number: usize) -> Value {
    json!({
        "description": format!("Project {number}: it's \"quoted\", \\ and # too"),
        "sourceRepos": ["*"],
        "destinations": [{"namespace": "*", "server": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        "roles": [{"name": "reader", "policies": ["p, proj:a:reader, applications, get, a/*, allow"]}],
    })
}

pub fn workflow(number: usize) -> Value {
    json!({
        "entrypoint": "main",
        "arguments": {"parameters": [{"name": "message", "value": "yes"}]},
        "templates": [{
            "name": "main",
            "container": {"image": "localhost/pause:1", "command": ["sh", "-c"], "args": ["echo '{{inputs}}'\n"]},
        }],
        "ttlStrategy": {"secondsAfterCompletion": number},
    })
}

pub fn rollout(number: usize) -> Value {
    json!({
        "replicas": 0,
        "selector": {"matchLabels": {"app": format!("rollout-{number}")}},
        "strategy": {"canary": {"steps": [{"setWeight": 20}], "maxSurge": "25%", "maxUnavailable": 0}},
        "template": {},
    })
}

pub fn gateway(number: usize) -> Value {
    json!({
        "selector": {"mesh": "ingress"},
        "servers": [{
            "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
            "hosts": [format!("shop-{number}.example.com")],
            "tls": {"mode": "SIMPLE", "credentialName": "certificate-0"},
        }],
    })
}

pub fn virtual_service(number: usize) -> Value {
    json!({
        "hosts": [format!("shop-{number}.example.com")],
        "gateways": ["gateway-0"],
        "http": [{
            "match": [{"uri": {"prefix": "/api"}}],
            "route": [{"destination": {"host": "web", "port": {"number": 80}, "subset": "v1"}, "weight": 100}],
            "timeout": "12:30",
        }],
    })
}

pub fn destination_rule(number: usize) -> Value {
    json!({
        "host": format!("web-{number}.shop.svc.cluster.local"),
        "trafficPolicy": {"loadBalancer": {"simple": "LEAST_REQUEST"}, "tls": {"mode": "ISTIO_MUTUAL"}},
        "subsets": [{"name": "v1", "labels": {"version": "1.0"}}],
    })
}

pub fn service_entry(number: usize) -> Value {
    json!({
        "hosts": [format!("api-{number}.example.com")],
        "location": "MESH_EXTERNAL",
        "ports": [{"number": 443, "name": "https", "protocol": "TLS"}],
        "resolution": "DNS",
        "endpoints": [{"address": "192.0.2.1", "ports": {"https": 8443}}],
    })
}

pub fn peer_authentication(number: usize) -> Value {
    // An empty spec is a value: "the mesh's default".
    if number % 2 == 1 { json!({}) } else { json!({"mtls": {"mode": "STRICT"}, "selector": {}}) }
}

pub fn authorization_policy(number: usize) -> Value {
    json!({
        "action": "ALLOW",
        "rules": [{"from": [{"source": {"principals": [format!("cluster.local/ns/shop/sa/web-{number}")]}}]}],
    })
}

pub fn composition(number: usize) -> Value {
    json!({
        "compositeTypeRef": {"apiVersion": "compose.example.com/v1", "kind": format!("Database{number}")},
        "mode": "Pipeline",
        "resources": [{
            "name": "bucket",
            "base": {},
            "patches": [{
                "type": "FromCompositeFieldPath",
                "fromFieldPath": "spec.parameters.size",
                "toFieldPath": "spec.forProvider.size",
                "transforms": [{"type": "string", "string": {"fmt": "%s-on"}}],
            }],
        }],
    })
}

pub fn composite_definition(number: usize) -> Value {
    json!({
        "group": "platform.example.com",
        "names": {"kind": format!("Database{number}"), "plural": format!("database{number}s")},
        "claimNames": {"kind": format!("DatabaseClaim{number}"), "plural": format!("databaseclaim{number}s")},
        "versions": [{"name": "v1", "served": true, "referenceable": true, "schema": {}}],
    })
}

pub fn provider(number: usize) -> Value {
    json!({
        "package": format!("registry.example.com/provider:v{number}.0"),
        "packagePullPolicy": "IfNotPresent",
        "revisionActivationPolicy": "Automatic",
        "revisionHistoryLimit": 1,
        "skipDependencyResolution": false,
    })
}

pub fn provider_config(number: usize) -> Value {
    json!({"credentials": {
        "source": "Secret",
        "secretRef": {"namespace": "landscape-compose", "name": format!("credentials-{number}"), "key": "on"},
    }})
}

pub fn policy(number: usize) -> Value {
    json!({
        "validationFailureAction": "Audit",
        "background": true,
        "rules": [{
            "name": format!("require-labels-{number}"),
            "match": {"any": [{"resources": {"kinds": ["Pod"], "namespaces": ["shop-*"]}}]},
            "validate": {"message": "The label `app` is required.", "pattern": {}},
        }],
    })
}

pub fn report(number: usize) -> Value {
    json!({
        "summary": {"pass": number, "fail": 0, "skip": 0},
        "results": [{"policy": "require-labels", "result": "pass", "scored": true, "weight": 0.5}],
    })
}

pub fn broker(number: usize) -> Value {
    json!({
        "version": "3.7.0",
        "replicas": 3,
        "listeners": [{"name": "plain", "port": 9092, "type": "internal", "tls": false}],
        "config": {},
        "storage": {"type": "jbod", "volumes": [{"id": 0, "type": "persistent-claim", "size": "10Gi"}]},
        "rackAware": number.is_multiple_of(2),
    })
}

pub fn topic(number: usize) -> Value {
    json!({"topicName": format!("orders.{number}"), "partitions": 12, "replicas": 3, "config": {}})
}

pub fn stream_user(number: usize) -> Value {
    json!({
        "authentication": {"type": "scram-sha-512"},
        "authorization": {"type": "simple", "acls": [{
            "resource": {"type": "topic", "name": format!("orders.{number}"), "patternType": "literal"},
            "operations": ["Read", "Describe"],
            "host": "*",
        }]},
    })
}

pub fn connector(number: usize) -> Value {
    json!({"class": "com.example.Sink", "tasksMax": number, "config": {}, "pause": false})
}

pub fn serving(number: usize) -> Value {
    json!({
        "template": {"spec": {
            "containerConcurrency": 0,
            "timeoutSeconds": 300,
            "containers": [{"image": format!("registry.example.com/web:{number}"), "env": [{"name": "A", "value": "off"}]}],
        }},
        "traffic": [{"latestRevision": true, "percent": 100}],
    })
}

pub fn route(number: usize) -> Value {
    json!({"traffic": [{"configurationName": format!("configuration-{number}"), "percent": 100}]})
}

pub fn database(number: usize) -> Value {
    json!({
        "instances": 1,
        "imageName": format!("registry.example.com/postgres:{number}"),
        "storage": {"size": "1Gi", "storageClass": "landscape"},
        "postgresql": {"parameters": {"max_connections": "100", "shared_buffers": "256MB", "fsync": "on"}},
        "bootstrap": {"initdb": {"database": "app", "owner": "app"}},
    })
}

pub fn pooler(number: usize) -> Value {
    json!({"cluster": {"name": format!("cluster-{number}")}, "instances": 0, "type": "rw", "pgbouncer": {"poolMode": "session", "parameters": {"max_client_conn": "1000"}}})
}

pub fn scheduled_backup(number: usize) -> Value {
    json!({"schedule": "0 0 0 * * *", "backupOwnerReference": "self", "cluster": {"name": format!("cluster-{number}")}, "suspend": true})
}
