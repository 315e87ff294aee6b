//! Why a pod does not run yet, in one line: what `kubectl describe pod` would have shown at its end.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use serde_json::Value;

/// What keeps a pod from running, if anything does.
#[must_use]
pub fn trouble(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let mut containers = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    if let Some(trouble) = containers.find_map(container_trouble) {
        return Some(trouble);
    }
    let unschedulable = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled" && condition.status == "False" && condition.message.is_some()
    });
    if let Some(message) = unschedulable.and_then(|condition| condition.message.as_deref()) {
        return Some(format!("Pending: {message}"));
    }
    match (status.phase.as_deref(), status.reason.as_deref()) {
        (Some("Failed"), Some(reason)) => Some(
            [reason, status.message.as_deref().unwrap_or_default()]
                .join(": ")
                .trim_end_matches(": ")
                .to_owned(),
        ),
        _ => None,
    }
}

fn container_trouble(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        if matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
            return None;
        }
        let before = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        let message = match before {
            Some(terminated) if reason == "CrashLoopBackOff" => {
                let reason = terminated.reason.as_deref().unwrap_or("Error");
                Some(format!("{reason}, exit code {}", terminated.exit_code))
            }
            _ => waiting.message.clone(),
        };
        return Some(join(reason, message.as_deref()));
    }
    let ended = state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    let reason = ended.reason.as_deref().unwrap_or("Error");
    let last = ended.message.as_deref().and_then(last_word);
    Some(join(&format!("{reason}, exit code {}", ended.exit_code), last.as_deref()))
}

/// What a program said last, of the end of its log that the kubelet keeps as the message of its end: our Jobs log JSON.
fn last_word(log: &str) -> Option<String> {
    let line = log.lines().rev().find(|line| !line.trim().is_empty())?;
    let Ok(Value::Object(entry)) = serde_json::from_str(line) else { return Some(line.to_owned()) };
    ["error", "message"].iter().find_map(|field| Some(entry.get(*field)?.as_str()?.to_owned()))
}

fn join(reason: &str, message: Option<&str>) -> String {
    match message.and_then(|message| message.lines().next()).filter(|message| !message.is_empty()) {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    }
}

/// Whether the pod's containers have started.
#[must_use]
pub fn has_started(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Running" | "Succeeded" | "Failed"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: &Value) -> Option<String> {
        trouble(&serde_json::from_value(json!({"metadata": {}, "status": status})).unwrap())
    }

    fn container(state: &Value) -> Value {
        let status = json!({"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state});
        json!({"phase": "Pending", "containerStatuses": [status]})
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_told_with_the_kubelets_words() {
        let waiting = json!({"waiting": {"reason": "ErrImagePull", "message": "no such host\nmore"}});
        assert_eq!(told(&container(&waiting)).as_deref(), Some("ErrImagePull: no such host"));
    }

    #[test]
    fn a_container_being_made_is_no_trouble() {
        assert_eq!(told(&container(&json!({"waiting": {"reason": "ContainerCreating"}}))), None);
        assert_eq!(told(&json!({"phase": "Running"})), None);
    }

    #[test]
    fn a_pod_that_fits_no_node_is_told_with_the_schedulers_words() {
        let condition =
            json!({"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"});
        let status = json!({"phase": "Pending", "conditions": [condition]});
        assert_eq!(told(&status).as_deref(), Some("Pending: 0/3 nodes are available"));
    }

    #[test]
    fn an_ended_container_and_an_evicted_pod_are_told_with_their_reason() {
        let killed = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        assert_eq!(told(&container(&killed)).as_deref(), Some("OOMKilled, exit code 137"));
        for (log, told_as) in [
            ("one\ntwo\n", "Error, exit code 1: two"),
            (
                "{\"message\":\"begins\"}\n{\"message\":\"over\",\"error\":\"no Secret\"}\n",
                "Error, exit code 1: no Secret",
            ),
            ("{\"message\":\"over\"}", "Error, exit code 1: over"),
            ("", "Error, exit code 1"),
        ] {
            let ended = json!({"terminated": {"reason": "Error", "exitCode": 1, "message": log}});
            assert_eq!(told(&container(&ended)).as_deref(), Some(told_as));
        }
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"});
        assert_eq!(told(&evicted).as_deref(), Some("Evicted: low on memory"));
    }
}
