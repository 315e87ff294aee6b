//! Who may read what a backup reads: the ServiceAccounts of a namespace, asked one by one of the API server.

use futures::StreamExt as _;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::failure::Failure;

/// How many accounts are asked about: a namespace with more is no place to choose from a list.
const MANY: usize = 20;

/// A ServiceAccount, and whether it may list everything; `None` where the user may not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub reads_namespace: Option<bool>,
    pub reads_cluster: Option<bool>,
}

/// The ServiceAccounts of the namespace.
pub async fn accounts(cluster: &Cluster, namespace: &str) -> Result<Vec<Account>, Failure> {
    let found: Vec<ServiceAccount> = cluster.list_permitted(Some(namespace)).await?;
    let accounts = futures::stream::iter(found.into_iter().take(MANY)).map(|account| async move {
        let name = account.name_any();
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let groups = vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ];
        let reads = |place: Option<&str>| review(&user, &groups, place);
        let (inside, everywhere) = (reads(Some(namespace)), reads(None));
        Account {
            name,
            reads_namespace: cluster.allowed(&inside).await,
            reads_cluster: cluster.allowed(&everywhere).await,
        }
    });
    Ok(accounts.buffered(8).collect().await)
}

/// May this user list everything here?
fn review(user: &str, groups: &[String], namespace: Option<&str>) -> SubjectAccessReview {
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.to_owned()),
            groups: Some(groups.to_vec()),
            resource_attributes: Some(ResourceAttributes {
                verb: Some("list".into()),
                group: Some("*".into()),
                resource: Some("*".into()),
                namespace: namespace.map(str::to_owned),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}
