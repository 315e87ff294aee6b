//! Writing objects: the API server judges all of them before one is written, and a line per object says what happened.

pub mod owner;

use serde_json::Value;

use crate::args::DryRun;
use crate::cluster::{Apply, Cluster};
use crate::diff::{self, Change};
use crate::failure::{Code, Failure};
use crate::object::Object;
use crate::output::{self, Format, Shape};
use crate::streams::Streams;

/// How objects are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// Whether at all.
    pub dry_run: DryRun,
    /// Take over fields that another manager owns, and objects that another tool looks after.
    pub force: bool,
}

/// What a write did to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Created,
    Configured,
    Unchanged,
}

/// An object after its write.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// `kind.group/name`.
    pub reference: String,
    pub effect: Effect,
    /// As the API server returned it, or as it would be sent; secrets hidden.
    pub shown: Value,
}

impl Effect {
    /// The word that kubectl uses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Objects that the API server has judged, and that may now be written.
#[derive(Debug)]
pub struct Judged<'a> {
    objects: &'a [Object],
    before: Vec<Option<Value>>,
    force: bool,
    written: Vec<Written>,
}

/// Writes objects in order, each by server-side apply, after the server judged them all.
pub async fn write(cluster: &Cluster, objects: &[Object], writing: Writing) -> Result<Vec<Written>, Failure> {
    match writing.dry_run {
        DryRun::Client => Ok(as_planned(objects)),
        DryRun::Server => judge(cluster, objects, writing.force).await.map(|(_, would_be)| would_be),
        DryRun::None => {
            let (mut judged, _) = judge(cluster, objects, writing.force).await?;
            judged.write(cluster, |_| true).await?;
            Ok(judged.written)
        }
    }
}

/// Has the server judge all objects, without writing one; all refusals are told at once. Objects that need another one
/// of this very batch (its namespace, its kind, its role) cannot be judged yet and pass. With the objects as they would
/// be.
pub async fn judge<'a>(
    cluster: &Cluster,
    objects: &'a [Object],
    force: bool,
) -> Result<(Judged<'a>, Vec<Written>), Failure> {
    let before = look(cluster, objects).await?;
    refuse_foreign(objects, &before, force)?;
    let after = try_out(cluster, objects, &before, force).await?;
    let would_be = objects
        .iter()
        .zip(&before)
        .zip(&after)
        .map(|((object, before), after)| written(object, before.as_ref(), after));
    let would_be = would_be.collect();
    Ok((Judged { objects, before, force, written: Vec::new() }, would_be))
}

/// What a write would change, as the API server judges it: a unified diff of each object that is not the same; empty
/// when all are. Who else looks after an object does not matter here: nothing is written.
pub async fn differences(cluster: &Cluster, objects: &[Object], force: bool) -> Result<String, Failure> {
    let before = look(cluster, objects).await?;
    let after = try_out(cluster, objects, &before, force).await?;
    let changes = objects.iter().zip(&before).zip(&after).map(|((object, before), after)| {
        let namespace = object.namespace.iter().map(|namespace| format!("/{namespace}"));
        let name = format!("{}{}/{}", object.kind.lower_case(), namespace.collect::<String>(), object.name);
        let is_secret = object.is_secret();
        Change { name: &name, before: before.as_ref(), after: Some(after), is_secret }
            .unified(("live", "applied"))
    });
    changes.collect()
}

impl Judged<'_> {
    /// Writes those of the objects that are chosen, in order. When one fails, the failure says what was written before.
    pub async fn write(
        &mut self,
        cluster: &Cluster,
        chosen: impl Fn(&Object) -> bool,
    ) -> Result<(), Failure> {
        for (object, before) in self.objects.iter().zip(&self.before).filter(|(object, _)| chosen(object)) {
            let after = match before {
                Some(before) if object.create_only => Ok(before.clone()),
                None if object.create_only => create(cluster, object).await,
                _ => {
                    let how = Apply { dry_run: false, force: self.force };
                    cluster.apply(object, how).await.map_err(Failure::from)
                }
            };
            let after = after.map_err(|failure| unfinished(&self.written, failure))?;
            self.written.push(written(object, before.as_ref(), &after));
        }
        Ok(())
    }

    /// What was written so far.
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// Whether the namespace or other object of this name was there before.
    #[must_use]
    pub fn existed(&self, kind: &str, name: &str) -> bool {
        let found = self.objects.iter().position(|object| object.kind.kind == kind && object.name == name);
        found.is_some_and(|index| self.before[index].is_some())
    }
}

/// Prints what was written: a line per object, or the objects.
pub fn print(
    written: &[Written],
    dry_run: DryRun,
    format: &Format,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let shown: Vec<Value> = written.iter().map(|one| one.shown.clone()).collect();
    let text = format.document(&shown, Shape::Documents)?.unwrap_or_else(|| lines(written, dry_run));
    streams.results.write_all(text.as_bytes())?;
    streams.results.flush()?;
    Ok(())
}

fn lines(written: &[Written], dry_run: DryRun) -> String {
    let note = match dry_run {
        DryRun::None => "",
        DryRun::Client => " (dry run)",
        DryRun::Server => " (server dry run)",
    };
    output::lines(written.iter().map(|one| format!("{} {}{note}", one.reference, one.effect.word())))
}

/// Objects as they would be sent, without asking the cluster.
#[must_use]
pub fn as_planned(objects: &[Object]) -> Vec<Written> {
    objects.iter().map(|object| written(object, None, &object.body)).collect()
}

fn written(object: &Object, before: Option<&Value>, after: &Value) -> Written {
    Written {
        reference: object.reference(),
        effect: effect(before, after),
        shown: Object::shown(after, object.is_secret()),
    }
}

/// What the write did, from the object before and after it. A dry run keeps the resource version, so that the contents
/// are compared.
fn effect(before: Option<&Value>, after: &Value) -> Effect {
    match before {
        None => Effect::Created,
        Some(before) if diff::content(before) == diff::content(after) => Effect::Unchanged,
        Some(_) => Effect::Configured,
    }
}

/// Makes an object that must not have existed before: one that appeared in the meantime is not changed.
async fn create(cluster: &Cluster, object: &Object) -> Result<Value, Failure> {
    if cluster.create_object(object).await? {
        return Ok(object.body.clone());
    }
    Err(Failure::new(Code::FieldConflict, format!("{} appeared in the meantime", object.spoken()))
        .fix("run the same command again"))
}

async fn look(cluster: &Cluster, objects: &[Object]) -> Result<Vec<Option<Value>>, Failure> {
    let mut found = Vec::with_capacity(objects.len());
    for object in objects {
        found.push(cluster.get_kind::<Value>(&object.kind, object.namespace.as_deref(), &object.name).await?);
    }
    Ok(found)
}

/// An object that Flux, Argo CD or Helm looks after is not changed behind their backs.
fn refuse_foreign(objects: &[Object], before: &[Option<Value>], force: bool) -> Result<(), Failure> {
    if force {
        return Ok(());
    }
    let foreign = objects.iter().zip(before).filter_map(|(object, before)| {
        let owner = owner::of(before.as_ref()?)?;
        Some(
            Failure::new(Code::ForeignObject, format!("{} is managed by {}", object.spoken(), owner.name))
                .why("a direct change would be reverted")
                .fix(format!("{}\nor change it all the same:  --force-conflicts", owner.instead)),
        )
    });
    Failure::several(foreign.collect()).map_or(Ok(()), Err)
}

/// Every object as it would be after its write, by a dry run where the server can already judge it.
async fn try_out(
    cluster: &Cluster,
    objects: &[Object],
    before: &[Option<Value>],
    force: bool,
) -> Result<Vec<Value>, Failure> {
    let new: Vec<&Object> =
        objects.iter().zip(before).filter(|(_, before)| before.is_none()).map(|(object, _)| object).collect();
    let (mut judged, mut refused) = (Vec::with_capacity(objects.len()), Vec::new());
    for (object, before) in objects.iter().zip(before) {
        let after = if let (Some(before), true) = (before, object.create_only) {
            Ok(before.clone())
        } else if new.iter().any(|new| needs(object, new)) {
            Ok(object.body.clone())
        } else {
            cluster.apply(object, Apply { dry_run: true, force }).await
        };
        match after {
            Ok(after) => judged.push(after),
            Err(error) => refused.push(Failure::from(error)),
        }
    }
    Failure::several(refused).map_or(Ok(judged), Err)
}

/// Whether the server cannot judge `object` before `other` exists: its namespace, its kind, or the role it binds.
fn needs(object: &Object, other: &Object) -> bool {
    let text =
        |object: &Object, path: &str| object.body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    match other.kind.kind.as_str() {
        "Namespace" => object.namespace.as_deref() == Some(&other.name),
        "CustomResourceDefinition" => other.name == object.kind.resource(),
        "Role" | "ClusterRole" => {
            text(object, "/roleRef/kind").as_deref() == Some(&other.kind.kind)
                && text(object, "/roleRef/name").as_deref() == Some(&other.name)
                && (other.namespace.is_none() || other.namespace == object.namespace)
        }
        _ => false,
    }
}

/// A write that failed in the middle says what was written before: running the command again goes on from there.
fn unfinished(written: &[Written], failure: Failure) -> Failure {
    let changed: Vec<&str> = written
        .iter()
        .filter(|one| one.effect != Effect::Unchanged)
        .map(|one| one.reference.as_str())
        .collect();
    if changed.is_empty() {
        failure
    } else {
        failure.row("kept", format!("{} (run the same command again to go on)", changed.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Kind;

    fn object(group: &str, kind: &str, plural: &str, body: Value) -> Object {
        let kind =
            Kind { group: group.into(), version: "v1".into(), kind: kind.into(), plural: plural.into() };
        Object::with_kind(kind, body)
    }

    #[test]
    fn the_effect_of_a_write_is_seen_in_the_content() {
        let before = json!({"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {"x": 1}});
        let same =
            json!({"metadata": {"name": "a", "resourceVersion": "2", "managedFields": []}, "spec": {"x": 1}});
        let other = json!({"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {"x": 2}});
        assert_eq!(effect(None, &same), Effect::Created);
        assert_eq!(effect(Some(&before), &same), Effect::Unchanged);
        assert_eq!(effect(Some(&before), &other), Effect::Configured);
    }

    #[test]
    fn what_needs_a_new_namespace_kind_or_role_is_judged_later() {
        let namespace = object("", "Namespace", "namespaces", json!({"metadata": {"name": "shop"}}));
        let crd = object(
            "apiextensions.k8s.io",
            "CustomResourceDefinition",
            "customresourcedefinitions",
            json!({"metadata": {"name": "addons.addons.kubestash.com"}}),
        );
        let role =
            object("rbac", "Role", "roles", json!({"metadata": {"name": "reader", "namespace": "shop"}}));
        let binding = object(
            "rbac",
            "RoleBinding",
            "rolebindings",
            json!({"metadata": {"name": "b", "namespace": "shop"}, "roleRef": {"kind": "Role", "name": "reader"}}),
        );
        let addon = object(
            "addons.kubestash.com",
            "Addon",
            "addons",
            json!({"metadata": {"name": "kubedump-addon"}}),
        );
        assert!(needs(&role, &namespace) && needs(&binding, &role) && needs(&addon, &crd));
        assert!(!needs(&addon, &namespace) && !needs(&role, &crd) && !needs(&role, &binding));
    }

    #[test]
    fn lines_are_those_of_kubectl() {
        let secret =
            object("", "Secret", "secrets", json!({"metadata": {"name": "keys"}, "data": {"k": "czNjcjN0"}}));
        let planned = as_planned(&[secret]);
        assert_eq!(lines(&planned, DryRun::None), "secret/keys created\n");
        assert_eq!(lines(&planned, DryRun::Server), "secret/keys created (server dry run)\n");
        assert!(!format!("{planned:?}").contains("czNjcjN0"));
    }

    #[test]
    fn an_object_of_another_tool_is_refused_unless_forced() {
        let secret =
            object("", "Secret", "secrets", json!({"metadata": {"name": "keys", "namespace": "shop"}}));
        let before = [Some(json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}}))];
        let failure = refuse_foreign(std::slice::from_ref(&secret), &before, false).unwrap_err();
        assert_eq!(failure.what(), "Secret shop/keys is managed by Argo CD application shop");
        assert!(refuse_foreign(&[secret], &before, true).is_ok());
    }

    #[test]
    fn an_unfinished_write_says_what_was_written() {
        let secret = object("", "Secret", "secrets", json!({"metadata": {"name": "keys"}}));
        let failure = unfinished(&as_planned(&[secret]), Failure::new(Code::Forbidden, "you may not patch"));
        assert!(failure.render(false).contains("kept  secret/keys (run the same command again to go on)"));
    }
}
