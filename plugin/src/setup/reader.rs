//! The ServiceAccount as which a backup reads the cluster, with exactly the rights that its scope takes.

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject};

use super::target::Target;
use crate::failure::{Failure, Missing};
use crate::object::Object;
use crate::setup;

/// The ClusterRole that `install` ships: get and list on everything.
pub const CLUSTER_ROLE: &str = "kubestash-cluster-reader";

/// Who reads, as typed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Reader")]
#[group(id = "reader", multiple = false)]
pub struct Flags {
    /// Existing ServiceAccount, in the namespace of the backup, that may read what is backed up
    #[arg(long, value_name = "NAME")]
    pub service_account: Option<String>,
    /// Make a ServiceAccount that may get and list everything in the scope of the backup, and nothing else
    #[arg(long)]
    pub create_reader: bool,
}

/// Who reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A ServiceAccount that must exist.
    Existing(String),
    /// One to be made.
    New(String),
}

impl Flags {
    /// Turns what was typed into what is meant.
    pub fn meant(
        &self,
        target: Option<&Target>,
        namespace: &str,
        missing: &mut Vec<Missing>,
    ) -> Option<Reader> {
        if let Some(name) = &self.service_account {
            return Some(Reader::Existing(name.clone()));
        }
        if self.create_reader {
            return target.map(|target| Reader::New(name(target, namespace)));
        }
        missing.push(Missing {
            flag: "--create-reader",
            meaning: "make a ServiceAccount that may read what is backed up",
            hint: "or --service-account NAME, an existing one".into(),
        });
        None
    }
}

/// The name says the scope: one account never gathers the rights of several.
fn name(target: &Target, namespace: &str) -> String {
    match target.namespace() {
        None => "cluster-backup-reader".into(),
        Some(target) if target == namespace => "backup-reader".into(),
        Some(target) => format!("backup-reader-{target}"),
    }
}

impl Reader {
    /// The ServiceAccount's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Existing(name) | Self::New(name) => name,
        }
    }

    /// The account, its role and the binding, if they are to be made.
    pub fn objects(&self, target: &Target, namespace: &str) -> Result<Vec<Object>, Failure> {
        let Self::New(name) = self else { return Ok(Vec::new()) };
        let account =
            ServiceAccount { metadata: setup::metadata(Some(namespace), name), ..ServiceAccount::default() };
        let subjects = Some(vec![Subject {
            kind: "ServiceAccount".into(),
            name: name.clone(),
            namespace: Some(namespace.to_owned()),
            ..Subject::default()
        }]);
        let role_ref = |kind: &str, name: &str| RoleRef {
            api_group: "rbac.authorization.k8s.io".into(),
            kind: kind.into(),
            name: name.into(),
        };
        let Some(target) = target.namespace() else {
            let binding = ClusterRoleBinding {
                metadata: setup::metadata(None, &format!("kubestash:{namespace}:{name}")),
                role_ref: role_ref("ClusterRole", CLUSTER_ROLE),
                subjects,
            };
            return Ok(vec![Object::typed(&account)?, Object::typed(&binding)?]);
        };
        let everything = || Some(vec!["*".to_owned()]);
        let role = Role {
            metadata: setup::metadata(Some(target), name),
            rules: Some(vec![PolicyRule {
                api_groups: everything(),
                resources: everything(),
                verbs: vec!["get".into(), "list".into()],
                ..PolicyRule::default()
            }]),
        };
        let binding = RoleBinding {
            metadata: setup::metadata(Some(target), name),
            role_ref: role_ref("Role", name),
            subjects,
        };
        Ok(vec![Object::typed(&account)?, Object::typed(&role)?, Object::typed(&binding)?])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(target: &Target) -> Vec<String> {
        let flags = Flags { create_reader: true, ..Flags::default() };
        let reader = flags.meant(Some(target), "shop", &mut Vec::new()).unwrap();
        reader.objects(target, "shop").unwrap().iter().map(Object::spoken).collect()
    }

    #[test]
    fn the_rights_of_a_new_reader_end_where_its_scope_ends() {
        assert_eq!(
            made(&Target::Namespace("shop".into())),
            [
                "ServiceAccount shop/backup-reader",
                "Role shop/backup-reader",
                "RoleBinding shop/backup-reader"
            ]
        );
        assert_eq!(
            made(&Target::Namespace("pay".into())),
            [
                "ServiceAccount shop/backup-reader-pay",
                "Role pay/backup-reader-pay",
                "RoleBinding pay/backup-reader-pay"
            ]
        );
        assert_eq!(
            made(&Target::Cluster),
            [
                "ServiceAccount shop/cluster-backup-reader",
                "ClusterRoleBinding kubestash:shop:cluster-backup-reader"
            ]
        );
    }

    #[test]
    fn a_reader_may_get_and_list_and_nothing_else() {
        let target = Target::Namespace("shop".into());
        let objects = Reader::New("backup-reader".into()).objects(&target, "shop").unwrap();
        assert_eq!(
            objects[1].body["rules"],
            json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}])
        );
    }

    #[test]
    fn an_existing_account_is_taken_as_it_is_and_none_is_missing() {
        let mut missing = Vec::new();
        let flags = Flags { service_account: Some("robot".into()), ..Flags::default() };
        let reader = flags.meant(None, "shop", &mut missing).unwrap();
        assert!(reader.objects(&Target::Cluster, "shop").unwrap().is_empty());
        assert_eq!(Flags::default().meant(None, "shop", &mut missing), None);
        assert_eq!(missing[0].flag, "--create-reader");
    }
}
