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

use crate::cluster::Cluster;
use crate::failure::{Failure, Missing};
use crate::object::Object;
use crate::setup;
use crate::story::Glyph;
use crate::streams::Streams;

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
    /// Make a ServiceAccount backup-restorer that may do what the plan takes, and nothing else; it is removed when the
    /// restore has ended
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
    if needs.options.prune {
        // What is too much is found only by looking at everything.
        let everywhere = needs.options.filters.cluster_resources;
        let places: BTreeSet<Option<String>> =
            wanted.keys().filter(|place| place.is_some() || everywhere).cloned().collect();
        for place in places {
            let access = ("*".to_owned(), vec!["list"]);
            wanted.entry(place).or_default().insert(access, BTreeSet::from(["*".to_owned()]));
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
    if matches!(line.verdict, Verdict::Prune) {
        // What the snapshot lacks is not made.
        return vec!["delete", "get"];
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

/// Removes what was made for a restore that is over: rights that nobody needs any more are a danger.
pub async fn take_back(cluster: &Cluster, made: &[Object], streams: &mut Streams<'_>) {
    let mut left = Vec::new();
    // The bindings before the roles, and the account last.
    for object in made.iter().rev() {
        if cluster.delete(object, false).await.is_err() {
            left.push(object.clone());
        }
    }
    if left.is_empty() && !made.is_empty() {
        streams.story.line(Glyph::Done, "the account that was made for it is removed again, with its rights");
    }
    told(&left, streams);
}

/// Says what was made and stays, and how it is removed.
pub fn told(made: &[Object], streams: &mut Streams<'_>) {
    if made.is_empty() {
        return;
    }
    streams.story.line(Glyph::Warning, "what was made to restore as stays, until you remove it:");
    for object in made.iter().rev() {
        let place = object.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
        let kind = object.kind.kind.to_ascii_lowercase();
        streams.story.always(&format!("    kubectl delete {kind} {}{place}", object.name));
    }
}

fn is_rights(resource: &str, plural: &str) -> bool {
    resource.split_once('.') == Some((plural, GROUP))
}

#[cfg(test)]
mod tests;
