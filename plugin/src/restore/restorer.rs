//! The ServiceAccount as which a restore writes, with exactly the rights that its plan takes.
//!
//! A Role in a namespace is enough for what is in it. What belongs to no namespace, and a namespace that does not exist
//! yet, take a ClusterRole, which is no wider than the types that the plan names.

use std::collections::{BTreeMap, BTreeSet};

use archive::restore::options::{Existing, Options};
use archive::restore::report::{Line, Report};
use archive::restore::verdict::Verdict;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};

use crate::failure::{Failure, Missing};
use crate::object::Object;
use crate::setup;

/// What the account is called that `--create-restorer` makes, and that is taken where it exists.
pub const NAME: &str = "backup-restorer";
const GROUP: &str = "rbac.authorization.k8s.io";

/// As whom a restore writes, as typed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Restorer")]
#[group(id = "restorer", multiple = false)]
pub struct Flags {
    /// Existing ServiceAccount, in the namespace of the snapshot, as which the restore writes; backup-restorer, if it exists
    #[arg(long, value_name = "NAME")]
    pub service_account: Option<String>,
    /// Make a ServiceAccount backup-restorer that may do what the plan takes, and nothing else
    #[arg(long)]
    pub create_restorer: bool,
}

/// As whom a restore writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restorer {
    /// A ServiceAccount that exists.
    Existing(String),
    /// One to be made, or to be given other rights.
    New(String),
}

impl Restorer {
    /// The ServiceAccount's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Existing(name) | Self::New(name) => name,
        }
    }
}

/// That nobody said as whom the restore writes.
#[must_use]
pub fn missing(namespace: &str) -> Missing {
    Missing {
        flag: "--create-restorer",
        meaning: "make a ServiceAccount that may write what the plan says",
        hint: format!("or --service-account NAME, an existing one of namespace {namespace}"),
    }
}

/// What the rights are needed for.
#[derive(Clone, Copy, Debug)]
pub struct Needs<'a> {
    /// What the restore will do.
    pub report: &'a Report,
    /// How.
    pub options: &'a Options,
    /// The namespaces that exist.
    pub existing: &'a BTreeSet<String>,
}

/// The account, its roles and their bindings. `namespace` is that of the account.
pub fn objects(name: &str, namespace: &str, needs: Needs<'_>) -> Result<Vec<Object>, Failure> {
    let account =
        ServiceAccount { metadata: setup::metadata(Some(namespace), name), ..ServiceAccount::default() };
    let mut objects = vec![Object::typed(&account)?];
    let subjects = || {
        Some(vec![Subject {
            kind: "ServiceAccount".into(),
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
            ..Subject::default()
        }])
    };
    let role_ref =
        |kind: &str, name: &str| RoleRef { api_group: GROUP.into(), kind: kind.into(), name: name.into() };
    for (place, rules) in rules(needs) {
        let rules = Some(rules);
        let Some(place) = place else {
            let name = format!("kubestash:{namespace}:{name}");
            let metadata = setup::metadata(None, &name);
            let role = ClusterRole { metadata: metadata.clone(), rules, ..ClusterRole::default() };
            let role_ref = role_ref("ClusterRole", &name);
            objects.push(Object::typed(&role)?);
            objects.push(Object::typed(&ClusterRoleBinding { metadata, role_ref, subjects: subjects() })?);
            continue;
        };
        let metadata = setup::metadata(Some(&place), name);
        let role_ref = role_ref("Role", name);
        objects.push(Object::typed(&Role { metadata: metadata.clone(), rules })?);
        objects.push(Object::typed(&RoleBinding { metadata, role_ref, subjects: subjects() })?);
    }
    Ok(objects)
}

/// What may be done with types of one group: the group, and the verbs.
type Access = (String, Vec<&'static str>);

/// The rules, by namespace; none is the cluster.
fn rules(needs: Needs<'_>) -> BTreeMap<Option<String>, Vec<PolicyRule>> {
    let mut wanted: BTreeMap<Option<String>, BTreeMap<Access, BTreeSet<String>>> = BTreeMap::new();
    let mut want = |place: Option<String>, resource: &str, verbs: Vec<&'static str>| {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        wanted
            .entry(place)
            .or_default()
            .entry((group.to_owned(), verbs))
            .or_default()
            .insert(plural.to_owned());
    };
    for line in needs.report.lines.iter().filter(|line| !matches!(line.verdict, Verdict::Skip { .. })) {
        let place = line.place().filter(|place| needs.existing.contains(*place)).map(str::to_owned);
        // Who makes rights must have them, or these verbs: the API server lets nobody give away what they lack. A binding in
        // a namespace may be to a role of either sort, and both are judged there.
        if is_rights(&line.resource, "rolebindings") || is_rights(&line.resource, "clusterrolebindings") {
            want(place.clone(), "clusterroles.rbac.authorization.k8s.io", vec!["bind"]);
            want(place.clone(), "roles.rbac.authorization.k8s.io", vec!["bind"]);
        }
        want(place, &line.resource, verbs(line, needs.options));
        if let Some(place) = line.place() {
            // Whether a namespace exists, and that it is made, is asked of the cluster.
            let verbs = if needs.existing.contains(place) { vec!["get"] } else { vec!["create", "get"] };
            want(None, "namespaces", verbs);
        }
    }
    let rule = |((group, verbs), plurals): (Access, BTreeSet<String>)| PolicyRule {
        api_groups: Some(vec![group]),
        resources: Some(plurals.into_iter().collect()),
        verbs: verbs.into_iter().map(str::to_owned).collect(),
        ..PolicyRule::default()
    };
    wanted.into_iter().map(|(place, rules)| (place, rules.into_iter().map(rule).collect())).collect()
}

/// What is done to objects of such a line, in the order of the alphabet.
fn verbs(line: &Line, options: &Options) -> Vec<&'static str> {
    let mut verbs = vec!["create", "get"];
    if options.prune {
        verbs.extend(["delete", "list"]);
    }
    match options.existing {
        Existing::Leave => {}
        Existing::Apply => verbs.push("patch"),
        Existing::Replace => verbs.extend(["patch", "update"]),
    }
    if line.resource == "serviceaccounts" && line.name == "default" {
        // It is always there first, and takes what the snapshot's has.
        verbs.push("patch");
    }
    if line.resource == "jobs.batch" && options.existing != Existing::Leave {
        verbs.extend(["delete", "watch"]);
    }
    if line.resource == "customresourcedefinitions.apiextensions.k8s.io" {
        verbs.push("watch");
    }
    if is_rights(&line.resource, "roles") || is_rights(&line.resource, "clusterroles") {
        verbs.push("escalate");
    }
    verbs.sort_unstable();
    verbs.dedup();
    verbs
}

fn is_rights(resource: &str, plural: &str) -> bool {
    resource.split_once('.') == Some((plural, GROUP))
}

#[cfg(test)]
mod tests {
    use archive::restore::verdict::Skip;
    use serde_json::{Value, json};

    use super::*;

    fn line(namespace: Option<&str>, resource: &str, verdict: Verdict) -> Line {
        Line {
            resource: resource.into(),
            namespace: namespace.map(str::to_owned),
            name: "a".into(),
            into: None,
            verdict,
            notes: Vec::new(),
            live: None,
        }
    }

    fn made(lines: Vec<Line>, options: &Options) -> Vec<(String, Value)> {
        let report = Report { lines, warnings: Vec::new() };
        let existing = BTreeSet::from(["shop".to_owned()]);
        let objects = objects(NAME, "ops", Needs { report: &report, options, existing: &existing }).unwrap();
        objects.iter().map(|object| (object.spoken(), object.body["rules"].clone())).collect()
    }

    #[test]
    fn a_role_in_each_namespace_names_the_types_and_nothing_else() {
        let skipped = Verdict::Skip { reason: Skip::Completed };
        let lines = vec![
            line(Some("shop"), "secrets", Verdict::Create),
            line(Some("shop"), "configmaps", Verdict::Unchanged),
            line(Some("shop"), "deployments.apps", Verdict::Create),
            line(Some("shop"), "pods", skipped),
        ];
        assert_eq!(
            made(lines, &Options::default()),
            [
                ("ServiceAccount ops/backup-restorer".to_owned(), Value::Null),
                (
                    "ClusterRole kubestash:ops:backup-restorer".to_owned(),
                    json!([{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}])
                ),
                ("ClusterRoleBinding kubestash:ops:backup-restorer".to_owned(), Value::Null),
                (
                    "Role shop/backup-restorer".to_owned(),
                    json!([
                        {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["create", "get"]},
                        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "get"]},
                    ])
                ),
                ("RoleBinding shop/backup-restorer".to_owned(), Value::Null),
            ]
        );
    }

    #[test]
    fn a_namespace_that_does_not_exist_takes_rights_in_the_cluster() {
        let made = made(vec![line(Some("gone"), "secrets", Verdict::Create)], &Options::default());
        assert_eq!(
            made[1].1,
            json!([
                {"apiGroups": [""], "resources": ["namespaces", "secrets"], "verbs": ["create", "get"]},
            ])
        );
        assert_eq!(made.len(), 3);
    }

    #[test]
    fn bindings_take_the_right_to_bind_where_they_are() {
        let bound = made(
            vec![line(Some("shop"), "rolebindings.rbac.authorization.k8s.io", Verdict::Create)],
            &Options::default(),
        );
        let rules = &bound.iter().find(|(name, _)| name.starts_with("Role ")).unwrap().1;
        assert_eq!(
            *rules,
            json!([
                {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles", "roles"], "verbs": ["bind"]},
                {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["create", "get"]},
            ])
        );
    }

    #[test]
    fn what_is_to_be_changed_or_removed_takes_more() {
        let verbs = |resource: &str, existing, prune| {
            let options = Options { existing, prune, ..Options::default() };
            super::verbs(&line(Some("shop"), resource, Verdict::Create), &options).join(" ")
        };
        assert_eq!(verbs("secrets", Existing::Leave, false), "create get");
        assert_eq!(verbs("secrets", Existing::Apply, false), "create get patch");
        assert_eq!(verbs("secrets", Existing::Replace, true), "create delete get list patch update");
        assert_eq!(verbs("jobs.batch", Existing::Apply, false), "create delete get patch watch");
        assert_eq!(verbs("roles.rbac.authorization.k8s.io", Existing::Leave, false), "create escalate get");
        assert_eq!(
            verbs("clusterrolebindings.rbac.authorization.k8s.io", Existing::Leave, false),
            "create get"
        );
        assert_eq!(
            verbs("customresourcedefinitions.apiextensions.k8s.io", Existing::Leave, false),
            "create get watch"
        );
    }
}
