//! The RestoreSession that asks the operator for a restore.

use crds::core::addon_info::{AddonInfo, TaskReference};
use crds::core::hook::HookInfo;
use crds::core::restore_session::{RestoreDataSource, RestoreHooks, RestoreSession, RestoreSessionSpec};
use crds::pod_template::{PodTemplate, PodTemplateSpec};
use crds::reference::ObjectReference;
use crds::storage::Snapshot;
use kube::ResourceExt as _;
use serde_json::Value;

use super::typed::Parameters;
use crate::context;
use crate::failure::Failure;
use crate::object::Object;
use crate::setup::{self, backup};

/// The task that brings manifests back.
const TASK: &str = "manifest-restore";
/// The parameter that says which plan was shown.
const PLAN: &str = "PlanID";
/// The parameter that says that no plan binds it, though it may remove objects.
const ACCEPT_CHANGES: &str = "AcceptChanges";

/// What is to be said beside the parameters.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "RestoreSession")]
#[group(id = "session")]
pub struct Flags {
    /// Name of the RestoreSession; the default says of what it is and when it was made
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// How long the restore may take
    #[arg(long, value_name = "DURATION")]
    pub restore_timeout: Option<String>,
    /// HookTemplate to run before; may be repeated
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub pre_hook: Vec<String>,
    /// HookTemplate to run after; may be repeated
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub post_hook: Vec<String>,
}

/// What a RestoreSession is made of.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    pub name: &'a str,
    pub snapshot: &'a Snapshot,
    pub components: &'a [String],
    pub parameters: &'a Parameters,
    /// The plan that was shown, if the restore is to be just that.
    pub plan: Option<&'a str>,
    /// Whatever the cluster has become since the plan was shown.
    pub accept_changes: bool,
    pub service_account: &'a str,
}

impl Flags {
    /// Checks what can be checked without a cluster.
    pub fn check(&self) -> Result<(), Failure> {
        if let Some(name) = self.name.as_ref().filter(|name| !setup::is_name(name)) {
            return Err(Failure::usage(format!("\"{name}\" is no name"))
                .why("names have lower-case letters, digits, - and ."));
        }
        if let Some(text) = &self.restore_timeout {
            context::duration("--restore-timeout", text)?;
        }
        Ok(())
    }

    /// The RestoreSession, in the namespace of its Snapshot.
    pub fn object(&self, made: Made<'_>) -> Result<Object, Failure> {
        let namespace = made.snapshot.namespace().unwrap_or_default();
        let mut parameters = made.parameters.clone();
        if let Some(plan) = made.plan {
            parameters.set(PLAN, plan);
        }
        parameters.switch(ACCEPT_CHANGES, made.accept_changes);
        let params = parameters.0.into_iter().map(|(name, value)| (name, Value::String(value)));
        let task =
            TaskReference { name: TASK.into(), params: Some(params.collect()), ..TaskReference::default() };
        let template = PodTemplate {
            service_account_name: Some(made.service_account.to_owned()),
            ..PodTemplate::default()
        };
        let spec = RestoreSessionSpec {
            data_source: Some(RestoreDataSource {
                repository: made.snapshot.spec.repository.clone(),
                snapshot: made.snapshot.name_any(),
                components: made.components.to_vec(),
                ..RestoreDataSource::default()
            }),
            addon: Some(AddonInfo {
                name: backup::ADDON.into(),
                tasks: vec![task],
                job_template: Some(PodTemplateSpec { spec: Some(template), ..PodTemplateSpec::default() }),
                ..AddonInfo::default()
            }),
            hooks: self.hooks(&namespace)?,
            restore_timeout: self.restore_timeout.clone(),
            ..RestoreSessionSpec::default()
        };
        let mut session = RestoreSession::new(made.name, spec);
        session.metadata = setup::metadata(Some(&namespace), made.name);
        Object::typed(&session).map(Object::create_only)
    }

    fn hooks(&self, namespace: &str) -> Result<Option<RestoreHooks>, Failure> {
        let hook = |flag: &str, text: &String| {
            let (place, name) = setup::reference(flag, text, namespace)?;
            let template = Some(ObjectReference::new(&place, &name));
            Ok::<_, Failure>(HookInfo { name, hook_template: template, ..HookInfo::default() })
        };
        let pre_restore: Vec<HookInfo> =
            self.pre_hook.iter().map(|text| hook("--pre-hook", text)).collect::<Result<_, _>>()?;
        let post_restore: Vec<HookInfo> =
            self.post_hook.iter().map(|text| hook("--post-hook", text)).collect::<Result<_, _>>()?;
        let any = !pre_restore.is_empty() || !post_restore.is_empty();
        Ok(any.then_some(RestoreHooks { pre_restore, post_restore }))
    }
}

/// The name of a RestoreSession that nobody named: of what it is, and of which second.
#[must_use]
pub fn default_name(of: &str, unix_seconds: i64) -> String {
    crds::name::join("restore", &setup::name_from(of), &unix_seconds.to_string(), crds::name::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_restore_session_names_snapshot_task_plan_and_account() {
        let snapshot: Snapshot = serde_json::from_value(json!({
            "metadata": {"name": "shop-repo-1", "namespace": "shop"}, "spec": {"repository": "shop-repo"}}))
        .unwrap();
        let mut parameters = Parameters::default();
        parameters.set("OverrideResources", "true");
        let flags = Flags {
            pre_hook: vec!["ops/quiet".into()],
            restore_timeout: Some("30m".into()),
            ..Flags::default()
        };
        let made = Made {
            name: "restore-shop-1",
            snapshot: &snapshot,
            components: &[],
            parameters: &parameters,
            plan: Some("7c1e"),
            accept_changes: false,
            service_account: "backup-restorer",
        };
        let object = flags.object(made).unwrap();
        assert_eq!(object.spoken(), "RestoreSession shop/restore-shop-1");
        assert!(object.create_only);
        assert_eq!(
            object.body["spec"],
            json!({
                "dataSource": {"repository": "shop-repo", "snapshot": "shop-repo-1"},
                "addon": {
                    "name": "kubedump-addon",
                    "tasks": [{"name": "manifest-restore", "params": {"OverrideResources": "true", "PlanID": "7c1e"}}],
                    "jobTemplate": {"spec": {"serviceAccountName": "backup-restorer"}},
                },
                "hooks": {"preRestore": [{"name": "quiet", "hookTemplate": {"namespace": "ops", "name": "quiet"}}]},
                "restoreTimeout": "30m",
            })
        );
    }

    #[test]
    fn a_name_says_of_what_and_when() {
        assert_eq!(default_name("shop", 1_763_806_800), "restore-shop-1763806800");
        assert!(setup::is_name(&default_name(&"x".repeat(80), 1_763_806_800)));
        assert!(Flags { name: Some("Shop".into()), ..Flags::default() }.check().is_err());
        assert!(Flags { restore_timeout: Some("soon".into()), ..Flags::default() }.check().is_err());
    }
}
