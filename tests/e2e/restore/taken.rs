//! What a copy would share with what is there: a port of the nodes is refused, a host name and an address are told.

use harness::restoration;

use super::{APPLICATION, Kept};

/// Reachable from outside in three ways.
const OUTSIDE: &str = r"
---
apiVersion: v1
kind: Service
metadata: {name: orders-node, namespace: NAMESPACE}
spec: {type: NodePort, selector: {app: orders}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: orders-balanced, namespace: NAMESPACE}
spec:
  type: LoadBalancer
  loadBalancerIP: 192.0.2.7
  allocateLoadBalancerNodePorts: false
  selector: {app: orders}
  ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: orders, namespace: NAMESPACE}
spec:
  rules:
    - host: NAMESPACE.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_refused_and_a_host_and_an_address_are_told() {
    let kept = Kept::of("taken", &format!("{APPLICATION}{OUTSIDE}")).await;
    let from = &kept.application.name;
    let port = kept.field("service/orders-node", ".spec.ports[0].nodePort").await;
    let into = format!("{from}-copy");
    let mapping = format!("{from}={into}");

    let plan = kept.plan(&format!("--map-namespace {mapping}")).await;
    let restored = kept.restore("copy", &[("NamespaceMappings", &mapping), ("MaxIterations", "2")]).await;

    assert_eq!(plan.code, 3, "{:#?}", plan.lines);
    for (resource, name, shared) in [
        (
            "ingresses.networking.k8s.io",
            "orders",
            format!("host {from}.example.com/ is also that of {from}/orders"),
        ),
        ("services", "orders-balanced", format!("address 192.0.2.7 is also that of {from}/orders-balanced")),
    ] {
        let line = restoration::line(&plan.lines, resource, name);
        assert_eq!(line.verdict(), "create", "{line:?}");
        assert!(line.0["notes"].to_string().contains(&shared), "{shared}: {line:?}");
        assert_eq!(restored.line(resource, name).verdict(), "create");
    }
    for lines in [&plan.lines, &restored.report] {
        let line = restoration::line(lines, "services", "orders-node");
        assert_eq!((line.verdict(), line.problem()), ("fail", "collision"), "{line:?}");
        assert!(line.message().contains(&port), "{port}: {line:?}");
    }
    kept.done(&format!("delete namespace {into}")).await;
    kept.remove().await;
}
