//! The bindings by which a restore writes, looked up for [`archive::restore::ground`].

use archive::restore::ground::{Binding, Ground, protected};
use archive::restore::options::Protected;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};

use crate::cluster::Cluster;

/// What is protected. Bindings are looked for only when the restore may change what exists; those that the ServiceAccount
/// may not even list, it cannot remove.
pub async fn find(cluster: &Cluster, ground: &Ground, may_change: bool) -> Protected {
    let bindings = if may_change { bindings(cluster, &ground.home).await } else { Vec::new() };
    protected(ground, &bindings)
}

async fn bindings(cluster: &Cluster, home: &str) -> Vec<Binding> {
    let (everywhere, of_cluster) =
        futures::join!(cluster.list::<RoleBinding>(None, ""), cluster.list::<ClusterRoleBinding>(None, ""));
    let namespaced = match everywhere {
        Ok(found) => found,
        Err(_) => cluster.list::<RoleBinding>(Some(home), "").await.unwrap_or_default(),
    };
    let of_cluster = of_cluster.unwrap_or_default().into_iter().map(Binding::from);
    namespaced.into_iter().map(Binding::from).chain(of_cluster).collect()
}
