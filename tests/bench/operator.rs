//! What the operator costs while it has nothing to do: its working set, as the kubelet counts it against a limit.

use harness::cluster::{Cluster, OPERATOR_NAMESPACE};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ListParams};
use serde_json::Value;

/// The largest working set of the operator's pods, in bytes.
pub async fn working_set(cluster: &Cluster) -> u64 {
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let nodes = nodes.list(&ListParams::default()).await.expect("a list of nodes");
    let mut largest = 0;
    for node in nodes.items.into_iter().filter_map(|node| node.metadata.name) {
        let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
        let request = http::Request::get(path).body(Vec::new()).expect("a valid request");
        let summary: Value = cluster.client.request(request).await.expect("the kubelet's summary");
        for pod in summary["pods"].as_array().into_iter().flatten() {
            if pod["podRef"]["namespace"] == OPERATOR_NAMESPACE {
                largest = largest.max(pod["memory"]["workingSetBytes"].as_u64().unwrap_or(0));
            }
        }
    }
    assert!(largest > 0, "the kubelets know nothing of the operator");
    largest
}
