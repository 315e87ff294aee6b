//! From an Addon's task to the containers and volumes of a Job (contract §1.10, §7.1 to §7.3).
//!
//! Pure; the BackupConfiguration's validation asks the same questions as the Job's making, so that what validates
//! also runs.

use std::collections::BTreeMap;

use crds::addons::addon::{ParameterDefinition, Task, TaskExecutor};
use crds::addons::{Addon, Function};
use crds::core::addon_info::{AddonInfo, TaskReference};
use crds::variables::{self, VariablesError};
use serde_json::{Value, json};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::workload::Container;

/// The volume of a task for its scratch files (contract §3.5).
const SCRATCH_VOLUME: &str = "kubestash-tmp-volume";

/// Which of an Addon's tasks are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Those that back up.
    Backup,
    /// Those that restore.
    Restore,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
        }
    }

    fn tasks(self, addon: &Addon) -> &[Task] {
        match self {
            Self::Backup => &addon.spec.backup_tasks,
            Self::Restore => &addon.spec.restore_tasks,
        }
    }

    fn task<'a>(self, addon: &'a Addon, name: &str) -> Option<&'a Task> {
        match self {
            Self::Backup => addon.spec.backup_task(name),
            Self::Restore => addon.spec.restore_task(name),
        }
    }
}

/// Why a task cannot be run.
#[derive(Debug, Snafu)]
pub enum Error {
    /// No such Addon.
    #[snafu(display("Addon \"{addon}\" does not exist"))]
    NoAddon {
        /// Its name.
        addon: String,
    },
    /// A session without a task does nothing.
    #[snafu(display("no task of Addon \"{addon}\" is named; it has {known}"))]
    NoTask {
        /// Its name.
        addon: String,
        /// The tasks that it has.
        known: String,
    },
    /// No such task.
    #[snafu(display("Addon \"{addon}\" has no {purpose} task \"{task}\"; it has {known}"))]
    UnknownTask {
        /// `backup` or `restore`.
        purpose: &'static str,
        /// Name of the Addon.
        addon: String,
        /// Name of the task.
        task: String,
        /// The tasks that it has.
        known: String,
    },
    /// Only Jobs are run.
    #[snafu(display(
        "task \"{task}\" wants the executor {executor:?}, which this release does not have; it has Job"
    ))]
    UnknownExecutor {
        /// Name of the task.
        task: String,
        /// What it wants.
        executor: TaskExecutor,
    },
    /// No such Function.
    #[snafu(display("Function \"{function}\" of task \"{task}\" does not exist"))]
    NoFunction {
        /// Name of the Function.
        function: String,
        /// Name of the task.
        task: String,
    },
    /// Nothing to run.
    #[snafu(display("Function \"{function}\" of task \"{task}\" names no image"))]
    NoImage {
        /// Name of the Function.
        function: String,
        /// Name of the task.
        task: String,
    },
    /// A parameter that the task does not have, most likely misspelt.
    #[snafu(display("task \"{task}\" has no parameter \"{parameter}\"; it has {known}"))]
    UnknownParameter {
        /// Name of the task.
        task: String,
        /// Name of the parameter.
        parameter: String,
        /// The parameters that it has.
        known: String,
    },
    /// A parameter that the task cannot do without.
    #[snafu(display("task \"{task}\" needs the parameter \"{parameter}\""))]
    MissingParameter {
        /// Name of the task.
        task: String,
        /// Name of the parameter.
        parameter: String,
    },
    /// A variable without a value, or a value that does not fit.
    #[snafu(display("Function \"{function}\" of task \"{task}\": {source}"))]
    Variable {
        /// Name of the Function.
        function: String,
        /// Name of the task.
        task: String,
        /// Why.
        source: VariablesError,
    },
}

/// What a Job is made of.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// One container per task, named `<task>-<index>`.
    pub containers: Vec<Container>,
    /// Their volumes.
    pub volumes: Vec<Value>,
}

/// Everything that is wrong with the use of `addon`; nothing when [`resolve`] will succeed but for the values of
/// variables.
#[must_use]
pub fn problems(
    purpose: Purpose,
    info: &AddonInfo,
    addon: Option<&Addon>,
    functions: &BTreeMap<String, Function>,
) -> Vec<Error> {
    let Some(addon) = addon else { return vec![Error::NoAddon { addon: info.name.clone() }] };
    if info.tasks.is_empty() {
        return vec![no_task(purpose, info, addon)];
    }
    let mut problems = Vec::new();
    for reference in &info.tasks {
        match task(purpose, info, addon, reference) {
            Err(problem) => problems.push(problem),
            Ok(task) => {
                problems.extend(function(task, functions).err());
                problems.extend(parameter_problems(task, reference));
            }
        }
    }
    problems
}

/// The containers and volumes of the tasks in `info`. `built_in` are the variables that the operator gives; the
/// parameters of a task win over them.
pub fn resolve(
    purpose: Purpose,
    info: &AddonInfo,
    addon: Option<&Addon>,
    functions: &BTreeMap<String, Function>,
    built_in: &BTreeMap<String, String>,
) -> Result<Resolved, Error> {
    let addon = addon.context(NoAddonSnafu { addon: &info.name })?;
    if info.tasks.is_empty() {
        return Err(no_task(purpose, info, addon));
    }
    let mut resolved = Resolved::default();
    for (index, reference) in info.tasks.iter().enumerate() {
        let task = task(purpose, info, addon, reference)?;
        let function = function(task, functions)?;
        if let Some(problem) = parameter_problems(task, reference).into_iter().next() {
            return Err(problem);
        }
        let values = values(task, reference, built_in);
        let function = variables::expand_object(&function.spec, &values)
            .context(VariableSnafu { function: &task.function, task: &task.name })?;
        let mut container = Container::of_function(&format!("{}-{index}", task.name), &function);
        for mount in &task.volume_mounts {
            container = container.mount(mount);
        }
        if let Some(settings) = &info.container_runtime_settings {
            container = container.runtime(settings);
        }
        for variable in &reference.variables {
            container = container.variable(variable);
        }
        if let Some(volumes) = &reference.target_volumes {
            for mount in &volumes.volume_mounts {
                container = container.mount(mount);
            }
            resolved.volumes.extend(volumes.volumes.iter().map(|volume| volume.raw().clone()));
        }
        resolved.containers.push(container);
        resolved.volumes.extend(volumes(task, reference));
    }
    Ok(resolved)
}

/// The Functions that the tasks of `info` name, for who has to fetch them.
#[must_use]
pub fn function_names(purpose: Purpose, info: &AddonInfo, addon: &Addon) -> Vec<String> {
    let tasks = info.tasks.iter().filter_map(|reference| purpose.task(addon, &reference.name));
    tasks.map(|task| task.function.clone()).collect()
}

/// The values of the parameters of the one task in `info`, defaults included; `None` where there is not just one.
#[must_use]
pub fn parameters(purpose: Purpose, info: &AddonInfo, addon: &Addon) -> Option<BTreeMap<String, String>> {
    let [reference] = info.tasks.as_slice() else { return None };
    let task = purpose.task(addon, &reference.name)?;
    Some(values(task, reference, &BTreeMap::new()))
}

fn no_task(purpose: Purpose, info: &AddonInfo, addon: &Addon) -> Error {
    Error::NoTask { addon: info.name.clone(), known: known_tasks(purpose, addon) }
}

fn known_tasks(purpose: Purpose, addon: &Addon) -> String {
    let none = format!("no {} task", purpose.word());
    listed(purpose.tasks(addon).iter().map(|task| task.name.as_str()), &none)
}

fn task<'a>(
    purpose: Purpose,
    info: &AddonInfo,
    addon: &'a Addon,
    reference: &TaskReference,
) -> Result<&'a Task, Error> {
    let task = purpose.task(addon, &reference.name).with_context(|| UnknownTaskSnafu {
        purpose: purpose.word(),
        addon: &info.name,
        task: &reference.name,
        known: known_tasks(purpose, addon),
    })?;
    let executor = task.executor.unwrap_or(TaskExecutor::Job);
    ensure!(executor == TaskExecutor::Job, UnknownExecutorSnafu { task: &task.name, executor });
    Ok(task)
}

fn function<'a>(task: &Task, functions: &'a BTreeMap<String, Function>) -> Result<&'a Function, Error> {
    let function = functions
        .get(&task.function)
        .with_context(|| NoFunctionSnafu { function: &task.function, task: &task.name })?;
    let image = function.spec.image.as_deref().unwrap_or_default();
    ensure!(!image.is_empty(), NoImageSnafu { function: &task.function, task: &task.name });
    Ok(function)
}

fn parameter_problems(task: &Task, reference: &TaskReference) -> Vec<Error> {
    let given: BTreeMap<&str, String> = reference.parameters().collect();
    let unknown = given.keys().filter(|name| !task.parameters.iter().any(|known| known.name == **name));
    let unknown = unknown.map(|name| Error::UnknownParameter {
        task: task.name.clone(),
        parameter: (*name).to_owned(),
        known: listed(task.parameters.iter().map(|known| known.name.as_str()), "no parameters"),
    });
    let is_missing = |parameter: &&ParameterDefinition| {
        parameter.required && parameter.default.is_none() && !given.contains_key(parameter.name.as_str())
    };
    let missing = task.parameters.iter().filter(is_missing).map(|parameter| Error::MissingParameter {
        task: task.name.clone(),
        parameter: parameter.name.clone(),
    });
    unknown.chain(missing).collect()
}

/// Built-in variables, then defaults of the parameters, then what the user gave; the later wins.
fn values(
    task: &Task,
    reference: &TaskReference,
    built_in: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut values = built_in.clone();
    for parameter in &task.parameters {
        if let Some(default) = &parameter.default {
            values.insert(parameter.name.clone(), default.clone());
        }
    }
    values.extend(reference.parameters().map(|(name, value)| (name.to_owned(), value)));
    values
}

/// The volumes that the task asks for, each from what the user gave for it or else from the Addon.
fn volumes(task: &Task, reference: &TaskReference) -> Vec<Value> {
    let of_user = |name: &str| reference.addon_volumes.iter().find(|volume| volume.name == name);
    let asked = task.volume_template.iter().filter_map(|template| {
        let source =
            of_user(&template.name).map_or(template.source.as_ref(), |volume| volume.source.as_ref())?;
        let mut volume = source.source.raw_volume(&template.name);
        if let Some(claim) = &source.volume_claim_template {
            volume["ephemeral"] = json!({"volumeClaimTemplate": claim});
        }
        Some(in_memory(volume))
    });
    let is_extra = |name: &str| !task.volume_template.iter().any(|template| template.name == name);
    let extra = reference
        .addon_volumes
        .iter()
        .filter(|volume| is_extra(&volume.name))
        .filter_map(|volume| Some(volume.source.as_ref()?.source.raw_volume(&volume.name)));
    asked.chain(extra).collect()
}

/// Scratch files are plaintext: where nobody says otherwise they are not written to a disk (DESIGN §4 rule 11).
fn in_memory(mut volume: Value) -> Value {
    if volume["name"] == SCRATCH_VOLUME && volume.get("emptyDir") == Some(&json!({})) {
        volume["emptyDir"] = json!({"medium": "Memory", "sizeLimit": "64Mi"});
    }
    volume
}

fn listed<'a>(names: impl Iterator<Item = &'a str>, none: &str) -> String {
    let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
    if names.is_empty() { none.to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addon() -> Addon {
        serde_json::from_value(json!({
            "metadata": {"name": "kubedump-addon"},
            "spec": {"backupTasks": [
                {"name": "manifest-backup", "function": "kubedump-backup", "driver": "Restic", "executor": "Job", "singleton": true,
                 "parameters": [{"name": "scratchDir", "default": "/kubestash-tmp"}, {"name": "IncludeNamespaces", "default": ""}],
                 "volumeTemplate": [{"name": "kubestash-tmp-volume", "source": {"emptyDir": {}}}],
                 "volumeMounts": [{"name": "kubestash-tmp-volume", "mountPath": "/kubestash-tmp"}]},
                {"name": "by-sidecar", "function": "kubedump-backup", "executor": "Sidecar"},
                {"name": "needy", "function": "kubedump-backup", "parameters": [{"name": "must", "required": true}, {"name": "has", "required": true, "default": "x"}]},
                {"name": "gone", "function": "no-such-function"},
                {"name": "empty", "function": "imageless"},
            ]},
        }))
        .unwrap()
    }

    fn functions() -> BTreeMap<String, Function> {
        let function = |spec: Value| -> Function { serde_json::from_value(json!({"spec": spec})).unwrap() };
        BTreeMap::from([
            (
                "kubedump-backup".to_owned(),
                function(json!({
                    "image": "localhost/kubestash:dev",
                    "args": ["backup", "--namespace=${namespace:=default}", "--backupsession=${backupSession:=}",
                             "--scratch-dir=${scratchDir:=}", "--include-namespaces=${IncludeNamespaces:=}"],
                })),
            ),
            ("imageless".to_owned(), function(json!({"args": ["x"]}))),
        ])
    }

    fn info(tasks: &Value) -> AddonInfo {
        serde_json::from_value(json!({"name": "kubedump-addon", "tasks": tasks})).unwrap()
    }

    fn built_in() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("namespace".to_owned(), "shop".to_owned()),
            ("backupSession".to_owned(), "shop-nightly-1".to_owned()),
        ])
    }

    fn job_of(resolved: Resolved) -> Value {
        let labels = BTreeMap::new();
        let mut workload = crate::workload::Workload::new("shop", "shop-nightly-1", "default", &labels);
        for container in resolved.containers {
            workload = workload.container(container);
        }
        for volume in resolved.volumes {
            workload = workload.volume(volume);
        }
        workload.job()["spec"]["template"]["spec"].clone()
    }

    #[test]
    fn a_task_becomes_a_container_with_its_variables_replaced() {
        let info = info(&json!([{"name": "manifest-backup", "params": {"IncludeNamespaces": "a\",\"b\n"}}]));
        let pod = job_of(resolve(Purpose::Backup, &info, Some(&addon()), &functions(), &built_in()).unwrap());
        assert_eq!(pod["containers"][0]["name"], "manifest-backup-0");
        assert_eq!(
            pod["containers"][0]["args"],
            json!([
                "backup",
                "--namespace=shop",
                "--backupsession=shop-nightly-1",
                "--scratch-dir=/kubestash-tmp",
                "--include-namespaces=a\",\"b\n"
            ])
        );
        assert_eq!(pod["containers"][0]["volumeMounts"][0]["mountPath"], "/kubestash-tmp");
    }

    #[test]
    fn scratch_files_stay_in_memory_unless_the_user_gives_a_volume() {
        for (volumes, expected) in [
            (
                json!([]),
                json!({"name": SCRATCH_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}),
            ),
            (
                json!([{"name": SCRATCH_VOLUME, "source": {"emptyDir": {"sizeLimit": "1Gi"}}}]),
                json!({"name": SCRATCH_VOLUME, "emptyDir": {"sizeLimit": "1Gi"}}),
            ),
            (
                json!([{"name": SCRATCH_VOLUME, "source": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}]),
                json!({"name": SCRATCH_VOLUME, "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}),
            ),
        ] {
            let info = info(&json!([{"name": "manifest-backup", "addonVolumes": volumes}]));
            let pod =
                job_of(resolve(Purpose::Backup, &info, Some(&addon()), &functions(), &built_in()).unwrap());
            assert_eq!(pod["volumes"], json!([expected]));
        }
    }

    #[test]
    fn volumes_and_variables_of_the_target_arrive() {
        let info = info(&json!([{"name": "manifest-backup",
            "variables": [{"name": "A", "value": "b"}],
            "targetVolumes": {"volumes": [{"name": "data", "emptyDir": {}}], "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            "addonVolumes": [{"name": "extra", "source": {"secret": {"secretName": "s"}}}]}]));
        let pod = job_of(resolve(Purpose::Backup, &info, Some(&addon()), &functions(), &built_in()).unwrap());
        assert_eq!(pod["containers"][0]["env"], json!([{"name": "A", "value": "b"}]));
        let names: Vec<_> =
            pod["volumes"].as_array().unwrap().iter().map(|volume| volume["name"].clone()).collect();
        assert_eq!(names, ["data", SCRATCH_VOLUME, "extra"]);
        assert_eq!(pod["containers"][0]["volumeMounts"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_does_not_exist_is_named_together_with_what_does() {
        for (tasks, expected) in [
            (json!([]), "no task of Addon \"kubedump-addon\" is named; it has \"manifest-backup\", "),
            (
                json!([{"name": "manifest"}]),
                "Addon \"kubedump-addon\" has no backup task \"manifest\"; it has \"manifest-backup\", \"by-sidecar\"",
            ),
            (json!([{"name": "by-sidecar"}]), "task \"by-sidecar\" wants the executor Sidecar"),
            (json!([{"name": "gone"}]), "Function \"no-such-function\" of task \"gone\" does not exist"),
            (json!([{"name": "empty"}]), "Function \"imageless\" of task \"empty\" names no image"),
            (
                json!([{"name": "manifest-backup", "params": {"IncludeNamespace": "a"}}]),
                "task \"manifest-backup\" has no parameter \"IncludeNamespace\"; it has \"scratchDir\", \"IncludeNamespaces\"",
            ),
            (json!([{"name": "needy"}]), "task \"needy\" needs the parameter \"must\""),
        ] {
            let info = info(&tasks);
            let error = resolve(Purpose::Backup, &info, Some(&addon()), &functions(), &built_in())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(expected), "{error}");
            let problems = problems(Purpose::Backup, &info, Some(&addon()), &functions());
            assert_eq!(problems.len(), 1, "{tasks}");
            assert_eq!(problems[0].to_string(), error, "validation and making agree");
        }
        let error = resolve(Purpose::Backup, &info(&json!([])), None, &functions(), &built_in()).unwrap_err();
        assert_eq!(error.to_string(), "Addon \"kubedump-addon\" does not exist");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let info = info(&json!([
            {"name": "needy", "params": {"one": "1", "two": "2"}}, {"name": "gone"}, {"name": "what"},
        ]));
        assert_eq!(problems(Purpose::Backup, &info, Some(&addon()), &functions()).len(), 5);
        assert!(
            problems(
                Purpose::Backup,
                &self::info(&json!([{"name": "manifest-backup"}])),
                Some(&addon()),
                &functions()
            )
            .is_empty()
        );
    }
}
