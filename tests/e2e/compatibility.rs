//! YAML in the shapes that KubeStash documents is accepted unchanged, unknown to nobody.

use std::path::Path;

use harness::cluster::Cluster;
use harness::namespace::Namespace;

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_shape_is_accepted_without_a_pruned_field() {
    let cluster = Cluster::connect().await;
    let namespace = Namespace::create(&cluster, "compatibility").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/tests/fixtures");
    let mut looked_at = 0;
    for file in std::fs::read_dir(folder).expect("the fixtures are there").flatten() {
        let yaml = std::fs::read_to_string(file.path()).expect("a readable fixture");
        let arguments = [
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            "-",
            "-n",
            &namespace.name,
        ];
        let said = cluster.kubectl(&arguments, &without_namespaces(&yaml)).await;
        assert_eq!(said.code, 0, "{}: {}", file.path().display(), said.stderr);
        looked_at += 1;
    }
    assert!(looked_at >= 10, "only {looked_at} fixtures");
    namespace.remove().await;
}

/// A dry run needs the namespace to exist: everything goes to the story's own.
fn without_namespaces(yaml: &str) -> String {
    let metadata_namespace = |line: &&str| !line.starts_with("  namespace:");
    yaml.lines().filter(metadata_namespace).collect::<Vec<_>>().join("\n")
}
