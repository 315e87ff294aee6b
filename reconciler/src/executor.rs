//! How a Job is doing, told in the words of its pod.
//!
//! Pure: a Job and its pods in, a state out. A Job's own conditions say only that it failed ("BackoffLimitExceeded");
//! why is known to the pod, so the pod is asked first.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use serde_json::{Map, Value};

/// What a Job is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its container does not run yet.
    Waiting(Waiting),
    /// Its container runs, or has just ended and the Job has not said so yet.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended otherwise; the text is the pod's reason.
    Failed(String),
}

/// Why a container does not run yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Since when.
    pub since: Timestamp,
    /// What the pod, or else the Job, says about it.
    pub reason: String,
    /// How long this is worth waiting for: an image name that is no image name is not, a full node is.
    pub patience: SignedDuration,
}

/// A registry may be down for a moment, and a Secret that is missing may be on its way.
const PATIENCE_WITH_IMAGES: SignedDuration = SignedDuration::from_mins(3);
/// A cluster may have to grow a node first.
const PATIENCE_WITH_NODES: SignedDuration = SignedDuration::from_mins(30);

/// Longest text taken over from a pod: a status is read by people.
const LONGEST_MESSAGE: usize = 512;

/// Whether all containers of the pod have ended, and none will be started again.
#[must_use]
pub fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The state of `job`, whose pods are `pods`.
#[must_use]
pub fn state(job: &Job, pods: &[Pod]) -> State {
    if job_condition(job, "Complete").is_some() {
        return State::Succeeded;
    }
    if let Some(failed) = job_condition(job, "Failed") {
        return State::Failed(failure(failed, pods));
    }
    match newest(pods) {
        None => State::Waiting(Waiting {
            since: created(job.metadata.creation_timestamp.as_ref()),
            reason: without_pod(job),
            patience: PATIENCE_WITH_IMAGES,
        }),
        Some(pod) => waiting(pod).map_or(State::Running, State::Waiting),
    }
}

/// Why a Job has no pod is in its Events only: a quota, a policy or a webhook has refused it, most often.
fn without_pod(job: &Job) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let (name, namespace) = (text(&job.metadata.name), text(&job.metadata.namespace));
    format!("Job {name:?} has no pod yet; why is told by: kubectl describe job {name} -n {namespace}")
}

/// Whether the Job has come to its end, well or not.
#[must_use]
pub fn is_finished(job: &Job) -> bool {
    job_condition(job, "Complete").is_some() || job_condition(job, "Failed").is_some()
}

fn job_condition<'a>(job: &'a Job, type_: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_deref()?;
    conditions.iter().find(|condition| condition.type_ == type_ && condition.status == "True")
}

fn newest(pods: &[Pod]) -> Option<&Pod> {
    pods.iter().max_by_key(|pod| created(pod.metadata.creation_timestamp.as_ref()))
}

fn created(time: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>) -> Timestamp {
    time.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// Why the Job failed: the newest pod's reason, else the Job's.
fn failure(failed: &JobCondition, pods: &[Pod]) -> String {
    // The Job controller ends what takes too long itself, and then the pod only knows that it was told to stop.
    if failed.reason.as_deref() == Some("DeadlineExceeded") {
        return "deadline exceeded: the Job was active for longer than its activeDeadlineSeconds".to_owned();
    }
    newest(pods)
        .and_then(|pod| pod_failure(pod).map(|why| format!("pod {:?} {why}", name(pod))))
        .unwrap_or_else(|| {
            told(failed.reason.as_deref().unwrap_or("failed"), failed.message.as_deref(), "the Job failed")
        })
}

/// Why the pod ended, if it says so: evicted or removed by somebody, or a container that ended badly.
fn pod_failure(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    if let Some(reason) = status.reason.as_deref().filter(|reason| !reason.is_empty()) {
        return Some(told(reason, status.message.as_deref(), "was ended"));
    }
    let disruption = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True");
    if let Some(disruption) = disruption {
        let reason = disruption.reason.as_deref().unwrap_or("DisruptionTarget");
        return Some(told(reason, disruption.message.as_deref(), "was ended"));
    }
    containers(status).find_map(|container| {
        let ended = container.state.as_ref()?.terminated.as_ref()?;
        if ended.exit_code == 0 {
            return None;
        }
        let reason = ended.reason.as_deref().unwrap_or("Error");
        let what = format!("ended its container {:?} with exit code {}", container.name, ended.exit_code);
        Some(told(reason, ended.message.as_deref(), &what))
    })
}

fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
}

/// `what: Reason: message`, the message cut where it gets long.
fn told(reason: &str, message: Option<&str>, what: &str) -> String {
    match message.and_then(substance) {
        None => format!("{what}: {reason}"),
        Some(message) => format!("{what}: {reason}: {}", shortened(&message)),
    }
}

/// What a message says. That of a container is the end of its log: of our own, which are JSON, the last error.
fn substance(message: &str) -> Option<String> {
    let message = message.trim();
    let lines = message.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
    let Some(log) = lines.collect::<Option<Vec<_>>>() else { return Some(message.to_owned()) };
    let errors = log.iter().rev().filter_map(|line| line.get("error").and_then(Value::as_str));
    errors.map(str::to_owned).next()
}

/// The end of a long text, where a log says what went wrong.
fn shortened(message: &str) -> String {
    let characters = message.chars().count();
    if characters <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let tail: String = message.chars().skip(characters - LONGEST_MESSAGE).collect();
    format!("... {tail}")
}

/// Why the pod's containers do not run yet; nothing when one runs or all have ended.
fn waiting(pod: &Pod) -> Option<Waiting> {
    let status = pod.status.as_ref();
    if !matches!(status.and_then(|status| status.phase.as_deref()), None | Some("Pending")) {
        return None;
    }
    let (reason, patience) = status
        .and_then(container_waits)
        .or_else(|| status.and_then(not_placed))
        .unwrap_or((format!("pod {:?} waits for its node", name(pod)), PATIENCE_WITH_NODES));
    Some(Waiting { since: created(pod.metadata.creation_timestamp.as_ref()), reason, patience })
}

/// A container that cannot start: image and configuration problems.
fn container_waits(status: &PodStatus) -> Option<(String, SignedDuration)> {
    containers(status).find_map(|container| {
        let waits = container.state.as_ref()?.waiting.as_ref()?;
        let reason = waits.reason.as_deref()?;
        if reason == "ContainerCreating" || reason == "PodInitializing" {
            return None;
        }
        let patience = match reason {
            "InvalidImageName" | "ErrImageNeverPull" => SignedDuration::ZERO,
            _ => PATIENCE_WITH_IMAGES,
        };
        let what = format!("container {:?} with image {:?} does not start", container.name, container.image);
        Some((told(reason, waits.message.as_deref(), &what), patience))
    })
}

/// A pod that no node takes.
fn not_placed(status: &PodStatus) -> Option<(String, SignedDuration)> {
    let conditions = status.conditions.iter().flatten();
    let scheduled = conditions
        .clone()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
        .map(|condition| (condition, "the pod has no node"));
    let mounted = conditions
        .into_iter()
        .find(|condition| condition.type_ == "PodReadyToStartContainers" && condition.status == "False")
        .map(|condition| (condition, "the node has not prepared the pod"));
    let (condition, what) = scheduled.or(mounted)?;
    let reason = condition.reason.as_deref().unwrap_or("Pending");
    Some((told(reason, condition.message.as_deref(), what), PATIENCE_WITH_NODES))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CREATED: &str = "2026-11-22T10:00:00Z";

    fn job(conditions: &Value) -> Job {
        serde_json::from_value(json!({
            "metadata": {"name": "shop-nightly-1", "creationTimestamp": CREATED},
            "status": {"conditions": conditions},
        }))
        .unwrap()
    }

    fn pod(status: &Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "shop-nightly-1-x", "creationTimestamp": CREATED}, "status": status,
        }))
        .unwrap()
    }

    fn failed() -> Value {
        json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}])
    }

    fn ended(terminated: &Value) -> Value {
        json!({"phase": "Failed", "containerStatuses": [
            {"name": "manifest-backup-0", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": terminated}},
        ]})
    }

    fn starts(waiting: &Value) -> Value {
        json!({"phase": "Pending", "containerStatuses": [
            {"name": "manifest-backup-0", "image": "gone:1", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": waiting}},
        ]})
    }

    #[test]
    fn a_failed_job_speaks_with_the_words_of_its_pod() {
        for (status, expected) in [
            (
                json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
                "pod \"shop-nightly-1-x\" was ended: Evicted: The node was low on resource: memory.",
            ),
            (
                json!({"phase": "Failed", "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "preempted"}]}),
                "pod \"shop-nightly-1-x\" was ended: PreemptionByScheduler: preempted",
            ),
            (
                ended(&json!({"exitCode": 137, "reason": "OOMKilled"})),
                "pod \"shop-nightly-1-x\" ended its container \"manifest-backup-0\" with exit code 137: OOMKilled",
            ),
            (
                ended(&json!({"exitCode": 1, "reason": "Error", "message": "no such bucket\n"})),
                "pod \"shop-nightly-1-x\" ended its container \"manifest-backup-0\" with exit code 1: Error: no such bucket",
            ),
        ] {
            assert_eq!(state(&job(&failed()), &[pod(&status)]), State::Failed(expected.to_owned()));
        }
    }

    #[test]
    fn without_a_pod_the_job_speaks_itself() {
        assert_eq!(
            state(&job(&failed()), &[]),
            State::Failed(
                "the Job failed: BackoffLimitExceeded: Job has reached the specified backoff limit"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_deadline_is_called_a_deadline() {
        let conditions = json!([{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]);
        let State::Failed(why) = state(&job(&conditions), &[pod(&ended(&json!({"exitCode": 143})))]) else {
            panic!("it failed");
        };
        assert!(why.starts_with("deadline exceeded"), "{why}");
    }

    #[test]
    fn a_container_that_cannot_start_is_named_with_its_reason() {
        for (waiting, expected, patience) in [
            (
                json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image"}),
                "container \"manifest-backup-0\" with image \"gone:1\" does not start: ImagePullBackOff: Back-off pulling image",
                PATIENCE_WITH_IMAGES,
            ),
            (
                json!({"reason": "InvalidImageName"}),
                "container \"manifest-backup-0\" with image \"gone:1\" does not start: InvalidImageName",
                SignedDuration::ZERO,
            ),
        ] {
            let State::Waiting(waits) = state(&job(&json!([])), &[pod(&starts(&waiting))]) else {
                panic!("it waits");
            };
            assert_eq!((waits.reason.as_str(), waits.patience), (expected, patience));
            assert_eq!(waits.since, CREATED.parse().unwrap());
        }
    }

    #[test]
    fn a_pod_without_a_node_says_what_the_scheduler_said() {
        let status = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]});
        let State::Waiting(waits) = state(&job(&json!([])), &[pod(&status)]) else { panic!("it waits") };
        assert_eq!(waits.reason, "the pod has no node: Unschedulable: 0/1 nodes are available");
    }

    #[test]
    fn a_job_without_a_pod_waits_and_one_with_a_running_pod_runs() {
        assert!(matches!(state(&job(&json!([])), &[]), State::Waiting(_)));
        assert!(matches!(
            state(&job(&json!([])), &[pod(&starts(&json!({"reason": "ContainerCreating"})))]),
            State::Waiting(_)
        ));
        assert_eq!(state(&job(&json!([])), &[pod(&json!({"phase": "Running"}))]), State::Running);
        assert_eq!(state(&job(&json!([])), &[pod(&json!({"phase": "Succeeded"}))]), State::Running);
        let complete = json!([{"type": "Complete", "status": "True"}]);
        assert_eq!(state(&job(&complete), &[]), State::Succeeded);
    }

    #[test]
    fn of_our_own_log_only_the_last_error_is_told() {
        let begins = r#"{"level":"INFO","message":"backup begins"}"#;
        let fails = r#"{"level":"ERROR","message":"the Job failed","error":"no such bucket"}"#;
        for (message, expected) in [
            (begins.to_owned(), "x: Error"),
            (format!("{begins}\n{fails}\n"), "x: Error: no such bucket"),
            (format!("{begins}\npanicked at"), &format!("x: Error: {begins}\npanicked at")),
            (String::new(), "x: Error"),
        ] {
            assert_eq!(told("Error", Some(&message), "x"), expected);
        }
    }

    #[test]
    fn of_a_long_message_the_end_is_kept() {
        let long = format!("{}the end", "ü".repeat(2000));
        let text = told("Error", Some(&long), "x");
        assert!(text.ends_with("the end") && text.chars().count() < 600, "{text}");
    }
}
