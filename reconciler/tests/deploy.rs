//! What is shipped under `deploy/` is what its README says, and what the operator's code relies on.

#![expect(clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::path::PathBuf;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn deploy(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents(file: &str) -> Vec<Value> {
    let text = deploy(file);
    text.split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{file}: {error}")))
        .collect()
}

fn of_kind<K: DeserializeOwned>(kind: &str) -> Vec<K> {
    ["clusterroles.yaml", "bindings.yaml"]
        .into_iter()
        .flat_map(documents)
        .filter(|document| document["kind"] == kind)
        .map(|document| serde_json::from_value(document).expect("it is of its kind"))
        .collect()
}

/// One line of the README's table.
fn table_line(holder: &str, rule: &PolicyRule) -> String {
    let words = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let group = words(&rule.api_groups);
    let group = group.iter().map(|group| if group.is_empty() { "core" } else { group }).collect::<Vec<_>>();
    let names = words(&rule.resource_names);
    let names = if names.is_empty() { String::new() } else { format!(" named {}", names.join(", ")) };
    format!(
        "| {holder} | {} | {}{names} | {} |",
        group.join(", "),
        words(&rule.resources).join(", "),
        rule.verbs.join(", ")
    )
}

fn rules() -> Vec<String> {
    let mut lines = Vec::new();
    for role in of_kind::<ClusterRole>("ClusterRole") {
        let name = role.metadata.name.unwrap_or_default();
        lines.extend(role.rules.unwrap_or_default().iter().map(|rule| table_line(&name, rule)));
    }
    for role in of_kind::<Role>("Role") {
        let name = format!("{} (own namespace)", role.metadata.name.unwrap_or_default());
        lines.extend(role.rules.unwrap_or_default().iter().map(|rule| table_line(&name, rule)));
    }
    lines
}

#[test]
fn the_readme_says_who_may_do_what() {
    let readme = deploy("README.md");
    let told: Vec<&str> =
        readme.lines().filter(|line| line.starts_with("| kubestash-")).map(str::trim).collect();
    assert_eq!(told, rules(), "correct the table in deploy/README.md");
}

#[test]
fn no_right_is_a_wildcard_but_those_that_are_meant_to_be() {
    for role in of_kind::<ClusterRole>("ClusterRole") {
        let name = role.metadata.name.unwrap_or_default();
        for rule in role.rules.unwrap_or_default() {
            let everything = |list: &Option<Vec<String>>| list.iter().flatten().any(|word| word == "*");
            let wild = everything(&rule.api_groups) || everything(&rule.resources);
            let meant = matches!(name.as_str(), "kubestash-cluster-reader" | "kubestash-view");
            assert!(!wild || meant, "{name}: {rule:?}");
            assert!(!rule.verbs.iter().any(|verb| matches!(verb.as_str(), "*" | "escalate" | "impersonate")));
        }
    }
}

#[test]
fn secrets_are_neither_listed_nor_watched() {
    for role in of_kind::<ClusterRole>("ClusterRole") {
        let name = role.metadata.name.unwrap_or_default();
        for rule in role.rules.unwrap_or_default() {
            if rule.resources.iter().flatten().any(|resource| resource == "secrets") {
                assert_eq!(rule.verbs, ["get"], "{name}");
            }
        }
    }
}

#[test]
fn what_others_look_for_is_there() {
    let deployment = &documents("deployment.yaml")[0];
    let pod = &deployment["spec"]["template"];
    assert_eq!(pod["metadata"]["labels"]["app.kubernetes.io/name"], "kubestash-operator");
    // Upstream's CLI takes the first container, and looks for one of this name.
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["name"], "operator");
    // The plugin replaces the image where it stands alone or behind a `=`.
    assert_eq!(container["image"], "localhost/kubestash:dev");
    assert!(
        container["args"]
            .as_array()
            .is_some_and(|args| args.contains(&"--image=localhost/kubestash:dev".into()))
    );
}

#[test]
fn the_functions_pass_every_parameter_that_the_addon_has() {
    let addon = &documents("catalog/addon.yaml")[0];
    let functions = documents("catalog/functions.yaml");
    for (tasks, function) in ["backupTasks", "restoreTasks"].into_iter().zip(&functions) {
        let task = &addon["spec"][tasks][0];
        assert_eq!(task["function"], function["metadata"]["name"]);
        let arguments = function["spec"]["args"].as_array().cloned().unwrap_or_default();
        let passes = |variable: &str| {
            arguments.iter().any(|argument| argument.as_str().is_some_and(|text| text.ends_with(variable)))
        };
        let parameters = task["parameters"].as_array().cloned().unwrap_or_default();
        assert!(!parameters.is_empty(), "{tasks}");
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            assert!(passes(&format!("${{{name}:=}}")), "{name} does not reach the Job");
        }
    }
}

#[test]
fn the_operator_may_bind_the_role_of_every_job_and_no_other() {
    let roles = of_kind::<ClusterRole>("ClusterRole");
    let names = roles.iter().filter_map(|role| role.metadata.name.clone());
    let jobs: std::collections::BTreeSet<String> = names.filter(|name| name.ends_with("-job")).collect();
    let bound = roles
        .iter()
        .flat_map(|role| role.rules.iter().flatten())
        .filter(|rule| rule.verbs.iter().any(|verb| verb == "bind"))
        .flat_map(|rule| rule.resource_names.clone().unwrap_or_default());
    assert_eq!(bound.collect::<std::collections::BTreeSet<_>>(), jobs);
}
