//! What a RestoreSession refers to, and what is wrong with it, all at once (contract §8.7 step 1, §10). Pure.
//!
//! A problem needs somebody to change something. What is only missing may be on its way, from the same `kubectl apply`
//! or from the bucket of another cluster, and is given time by who calls.

use std::collections::BTreeMap;

use archive::coverage;
use archive::restore::options::{self, Options};
use crds::addons::{Addon, Function};
use crds::core::RestoreSession;
use crds::core::addon_info::AddonInfo;
use crds::core::backup_configuration::Dependency;
use crds::core::hook::HookInfo;
use crds::core::restore_session::RestoreDataSource;
use crds::reference::TypedObjectReference;
use crds::storage::snapshot::{COMPONENT_MANIFEST, SnapshotPhase};
use crds::storage::{BackupStorage, Repository, Snapshot};
use crds::{condition, label, name, usage_policy};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Resource, ResourceExt};

use super::observed::Found;
use super::source::{self, Wish};
use crate::addon::{self, Purpose};
use crate::secret::Encryption;
use crate::start;

/// Nothing is removed that nobody has seen listed.
const UNSEEN_REMOVAL: &str = "with Prune, what the Snapshot lacks is removed from the cluster, so the plan has to be seen \
    first: run kubectl kubestash restore plan with --prune and give the id that it shows as the parameter PlanID, or set \
    AcceptChanges to true";

/// What was found of the session's references.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What the session needs, and whether it is there. The Snapshot is the one that was chosen, where there is one.
    pub dependencies: Vec<Dependency>,
    /// What somebody has to change.
    pub problems: Vec<String>,
    /// What may still come.
    pub missing: Vec<String>,
}

/// Looks at everything that `session` refers to.
#[must_use]
pub fn validate(session: &RestoreSession, found: &Found) -> Verdict {
    let mut verdict = Verdict::default();
    let name = session.name_any();
    if name.len() > name::MAX {
        verdict.problem(format!(
            "metadata.name has {} characters; it becomes the name of a Job and the label {}, which take {}",
            name.len(),
            label::INVOKER_NAME,
            name::MAX
        ));
    }
    let options = addon_of(session, found, &mut verdict);
    match &session.spec.data_source {
        None => verdict.problem("spec.dataSource is missing: say what to restore"),
        Some(source) => data(session, source, (found, options.as_ref()), &mut verdict),
    }
    account(session, found, &mut verdict);
    timeout(session, &mut verdict);
    let hooks = super::hooks(session);
    for hook in hooks.pre.iter().chain(hooks.post) {
        template(session, hook, found, &mut verdict);
    }
    verdict
}

impl Verdict {
    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Notes that the session needs an object of kind `K`.
    fn needs<K: Resource<DynamicType = ()>>(&mut self, (namespace, name): (&str, &str), is_there: bool) {
        let group = K::group(&());
        let object = TypedObjectReference {
            api_group: Some(group.into_owned()).filter(|group| !group.is_empty()),
            kind: Some(K::kind(&()).into_owned()),
            namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
            name: name.to_owned(),
        };
        let dependency = Dependency { object, found: Some(is_there) };
        if !self.dependencies.contains(&dependency) {
            self.dependencies.push(dependency);
        }
    }
}

fn data(
    session: &RestoreSession,
    source: &RestoreDataSource,
    (found, options): (&Found, Option<&Options>),
    verdict: &mut Verdict,
) {
    let wish = match source::wish(source) {
        Ok(wish) => wish,
        Err(problem) => return verdict.problem(problem),
    };
    let components = &source.components;
    if !components.is_empty() && !components.iter().any(|component| component == COMPONENT_MANIFEST) {
        verdict.problem(format!(
            "spec.dataSource.components names no {COMPONENT_MANIFEST:?}: nothing else is restored"
        ));
    }
    let namespace = session.source_namespace();
    if let Some(snapshot) = source::choose(wish, &source.repository, &found.snapshots) {
        verdict.needs::<Snapshot>((&namespace, &snapshot.name_any()), true);
        chosen(snapshot, source, options, verdict);
    } else {
        let (name, why) = absent(wish, source, &namespace);
        verdict.needs::<Snapshot>((&namespace, name), false);
        verdict.missing.push(format!("{why}{}", incomplete(wish, &found.snapshots)));
    }
    repository(session, source, found, verdict);
}

fn absent<'a>(wish: Wish<'a>, source: &'a RestoreDataSource, namespace: &str) -> (&'a str, String) {
    let repository = format!("\"{namespace}/{}\"", source.repository);
    match wish {
        Wish::Named(name) => (name, format!("Snapshot \"{namespace}/{name}\" does not exist")),
        Wish::Latest => (&source.snapshot, format!("Repository {repository} has no Snapshot that succeeded")),
        Wish::At { time, exclusive } => {
            let when = if exclusive { "before" } else { "until" };
            let name = if source.snapshot.is_empty() {
                crds::core::restore_session::LATEST
            } else {
                &source.snapshot
            };
            (name, format!("Repository {repository} has no Snapshot that succeeded {when} {time}"))
        }
    }
}

/// What there is instead of a Snapshot that succeeded.
fn incomplete(wish: Wish<'_>, snapshots: &[Snapshot]) -> String {
    let failed = snapshots.iter().filter(|snapshot| {
        source::phase(snapshot) == Some(SnapshotPhase::Failed) && source::stored(snapshot).is_some()
    });
    match failed.max_by_key(|snapshot| source::time(snapshot)) {
        Some(newest) if wish == Wish::Latest => format!(
            "; {:?} has something but is not complete: it can be named, with the parameter AllowIncomplete",
            newest.name_any()
        ),
        _ => String::new(),
    }
}

/// Whether the Snapshot can be restored.
fn chosen(snapshot: &Snapshot, source: &RestoreDataSource, options: Option<&Options>, verdict: &mut Verdict) {
    let name = format!("Snapshot \"{}/{}\"", snapshot.namespace().unwrap_or_default(), snapshot.name_any());
    let of = &snapshot.spec.repository;
    if !source.repository.is_empty() && source.repository != *of {
        verdict.problem(format!("{name} is of Repository {of:?}, not of {:?}", source.repository));
    }
    let (phase, has_data) = (source::phase(snapshot), source::stored(snapshot).is_some());
    match phase {
        Some(SnapshotPhase::Succeeded) if has_data => {
            if options.is_some_and(|options| options.prune) && coverage::of(snapshot).is_none() {
                verdict.problem(format!(
                    "{name} does not say what its backup was of (annotation {}): with Prune, what the backup never looked \
                     at would be removed",
                    coverage::ANNOTATION
                ));
            }
        }
        Some(SnapshotPhase::Succeeded) => {
            verdict.problem(format!("{name} has no component {COMPONENT_MANIFEST:?}: it holds no manifests"));
        }
        Some(SnapshotPhase::Failed) if !has_data => {
            verdict.problem(format!("{name} has failed and holds nothing"));
        }
        Some(SnapshotPhase::Failed) => {
            let why = failure(snapshot);
            if options.is_some_and(|options| !options.incomplete) {
                verdict.problem(format!(
                    "{name} is not complete{why}; to restore what it has, set the parameter AllowIncomplete to true"
                ));
            } else if options.is_some_and(|options| options.prune) {
                verdict.problem(format!(
                    "{name} is not complete{why}: with Prune, what it lacks would be removed from the cluster"
                ));
            }
        }
        Some(SnapshotPhase::Pending | SnapshotPhase::Running) | None => {
            verdict.missing.push(format!("{name} is still being made"));
        }
    }
}

fn failure(snapshot: &Snapshot) -> String {
    let status = snapshot.status.as_ref();
    let component = status.and_then(|status| status.components.get(COMPONENT_MANIFEST)?.error.as_deref());
    let condition = status
        .and_then(|status| condition::first_failure(&status.conditions))
        .and_then(|condition| condition.message.as_deref());
    component.or(condition).map(|why| format!(" ({why})")).unwrap_or_default()
}

/// The Repository, its storage and what opens it: whoever writes a RestoreSession can name any of any namespace, and the
/// Job is about to be given the right to read them, so their owners must have agreed.
fn repository(session: &RestoreSession, source: &RestoreDataSource, found: &Found, verdict: &mut Verdict) {
    let (home, namespace) = (session.namespace().unwrap_or_default(), session.source_namespace());
    let Some(repository) = &found.repository else {
        if !source.repository.is_empty() {
            verdict.needs::<Repository>((&namespace, &source.repository), false);
            verdict.missing.push(format!("Repository \"{namespace}/{}\" does not exist", source.repository));
        }
        return;
    };
    let name = repository.name_any();
    verdict.needs::<Repository>((&namespace, &name), true);
    if repository.metadata.deletion_timestamp.is_some() {
        verdict.problem(format!("Repository \"{namespace}/{name}\" is being deleted"));
    }
    match &repository.spec.storage_ref {
        None => verdict.problem(format!("Repository \"{namespace}/{name}\" names no BackupStorage")),
        Some(reference) => {
            let place = (reference.namespace_or(&namespace), reference.name.as_str());
            verdict.needs::<BackupStorage>(place, found.storage.is_some());
            match &found.storage {
                None => {
                    verdict.missing.push(format!("BackupStorage \"{}/{}\" does not exist", place.0, place.1));
                }
                Some(storage) if !may_use(storage.spec.usage_policy.as_ref(), place.0, &home, found) => {
                    verdict.problem(format!(
                        "BackupStorage \"{}/{}\" may not be used from namespace {home:?}: its usagePolicy does not allow \
                         it",
                        place.0, place.1
                    ));
                }
                Some(_) => {}
            }
        }
    }
    match &found.encryption {
        None => verdict.problem(format!("Repository \"{namespace}/{name}\" names no encryption Secret")),
        Some((secret, Encryption::Missing)) => {
            verdict.missing.extend(Encryption::Missing.problem(&secret.to_string(), &home));
        }
        Some((secret, encryption)) => verdict.problems.extend(encryption.problem(&secret.to_string(), &home)),
    }
}

fn may_use(policy: Option<&usage_policy::UsagePolicy>, namespace: &str, home: &str, found: &Found) -> bool {
    namespace == home || usage_policy::effective(policy).allows(namespace, home, &found.namespace_labels)
}

/// The Addon with its task and Function, and what the parameters mean.
fn addon_of(session: &RestoreSession, found: &Found, verdict: &mut Verdict) -> Option<Options> {
    let Some(info) = session.spec.addon.as_ref().filter(|info| !info.name.is_empty()) else {
        verdict.problem("spec.addon is missing: name the Addon and its restore task");
        return None;
    };
    verdict.needs::<Addon>(("", &info.name), found.addon.is_some());
    if info.tasks.len() > 1 {
        verdict.problem("spec.addon.tasks has more than one task: a restore of manifests is one");
    }
    let problems = addon::problems(Purpose::Restore, info, found.addon.as_ref(), &found.functions);
    for problem in problems {
        match problem {
            problem @ (addon::Error::NoAddon { .. } | addon::Error::NoFunction { .. }) => {
                verdict.missing.push(problem.to_string());
            }
            problem => verdict.problem(problem.to_string()),
        }
    }
    let addon = found.addon.as_ref()?;
    for name in addon::function_names(Purpose::Restore, info, addon) {
        verdict.needs::<Function>(("", &name), found.functions.contains_key(&name));
    }
    match options::decide(&parameters(info, addon)) {
        Ok(options) => {
            if options.prune && options.plan.is_none() && !options.accept_changes {
                verdict.problem(UNSEEN_REMOVAL);
            }
            Some(options)
        }
        Err(error) => {
            verdict.problem(error.to_string());
            None
        }
    }
}

fn parameters(info: &AddonInfo, addon: &Addon) -> BTreeMap<String, String> {
    addon::parameters(Purpose::Restore, info, addon).unwrap_or_default()
}

/// A restore writes with the rights of a ServiceAccount that somebody has decided about, never with rights of ours.
fn account(session: &RestoreSession, found: &Found, verdict: &mut Verdict) {
    let home = session.namespace().unwrap_or_default();
    let Some(name) = session.service_account() else {
        return verdict.problem(format!(
            "addon.jobTemplate.spec.serviceAccountName is missing: a restore has no rights of its own; name a \
             ServiceAccount of namespace {home:?} that may write what is to be restored, for example one made by: kubectl \
             create serviceaccount -n {home} restorer; and in each namespace that is restored: kubectl create rolebinding \
             -n NAMESPACE restorer --clusterrole=admin --serviceaccount={home}:restorer"
        ));
    };
    verdict.needs::<ServiceAccount>((&home, name), found.account);
    if !found.account {
        verdict.missing.push(start::no_account(&home, name));
    }
}

fn timeout(session: &RestoreSession, verdict: &mut Verdict) {
    let Some(text) = session.spec.restore_timeout.as_deref() else { return };
    match crds::duration::parse(text) {
        Ok(timeout) if timeout.is_positive() => {}
        Ok(_) => verdict.problem(format!("spec.restoreTimeout is {text:?}, which is no time at all")),
        Err(error) => verdict.problem(format!("spec.restoreTimeout: {error}")),
    }
}

fn template(session: &RestoreSession, hook: &HookInfo, found: &Found, verdict: &mut Verdict) {
    let home = session.namespace().unwrap_or_default();
    let Some(reference) = &hook.hook_template else {
        return verdict.problem(format!("hook {:?} names no HookTemplate", hook.name));
    };
    let reference = reference.resolved(&home);
    let namespace = reference.namespace_or(&home).to_owned();
    let template = found.hook_templates.get(&reference).and_then(Option::as_ref);
    verdict.needs::<crds::core::HookTemplate>((&namespace, &reference.name), template.is_some());
    match template {
        None => verdict.missing.push(format!("HookTemplate \"{reference}\" does not exist")),
        Some(template) if !may_use(template.spec.usage_policy.as_ref(), &namespace, &home, found) => {
            verdict.problem(format!(
                "HookTemplate \"{reference}\" may not be used from namespace {home:?}: its usagePolicy does not allow it"
            ));
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests;
