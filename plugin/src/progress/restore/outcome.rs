//! How a restore ended: what was brought back, or the one causal line and what to do now.

use std::time::Duration;

use crds::condition;
use crds::core::RestoreSession;
use crds::core::restore_session::{RestorePhase, condition as session_condition};
use kube::ResourceExt as _;

use super::part::counts;
use crate::failure::Code;
use crate::progress::outcome::{Outcome, Outcomes, Restored};

/// How this restore ended, if it did.
#[must_use]
pub fn of(session: &RestoreSession, took: Duration) -> Option<Outcome> {
    let status = session.status.clone().unwrap_or_default();
    let phase = status.phase.filter(|phase| phase.is_completed())?;
    let mut restored = Restored::default();
    for component in status.components.values() {
        restored.failures.extend(component.failures.iter().cloned());
        restored.report = restored.report.or_else(|| component.report.clone());
        restored.counts = restored.counts.or_else(|| counts(component));
    }
    let result = if phase == RestorePhase::Succeeded {
        Outcomes::Succeeded
    } else {
        let why = cause(session, phase);
        let done = restored.counts.filter(|counts| counts.created + counts.updated + counts.unchanged > 0);
        Outcomes::Failed {
            kept: done.map(|counts| counts.done()),
            fix: fix(session, &why, &restored),
            // What is there already counts as done: the rest of it was not.
            partly: done.is_some_and(|counts| counts.failed > 0),
            logs: logs(session),
            next_try: None,
            code: if is_moved(&why) { Code::PlanOutdated } else { Code::RestoreFailed },
            why,
        }
    };
    Some(Outcome { result, took, snapshots: Vec::new(), restored: Some(restored) })
}

/// The words of the engine for a plan that does not hold any more.
fn is_moved(why: &str) -> bool {
    why.contains("the cluster has changed since plan")
}

/// The one line that says why: what a component reported, else what the operator said of the session.
fn cause(session: &RestoreSession, phase: RestorePhase) -> String {
    let status = session.status.clone().unwrap_or_default();
    let first_line =
        |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    let reported = status.components.values().find_map(|component| first_line(component.error.as_deref()?));
    let incomplete = condition::find(&status.conditions, session_condition::RESTORE_INCOMPLETE)
        .filter(|condition| condition.status == "True")
        .and_then(|condition| first_line(condition.message.as_deref()?));
    let refused = condition::first_failure(&status.conditions)
        .and_then(|condition| first_line(condition.message.as_deref()?));
    // Of an invalid session nothing has run: what the validation says is all there is.
    let order = if phase == RestorePhase::Invalid {
        [refused, reported, incomplete]
    } else {
        [reported, incomplete, refused]
    };
    order.into_iter().flatten().next().unwrap_or_else(|| "the operator did not say why".into())
}

/// The command that prints what the pods of a restore said.
fn logs(session: &RestoreSession) -> String {
    let namespace = session.namespace().unwrap_or_default();
    format!("kubectl kubestash restore logs {} -n {namespace}", session.name_any())
}

/// What to do about a cause, as a command.
fn fix(session: &RestoreSession, why: &str, restored: &Restored) -> String {
    let namespace = session.namespace().unwrap_or_default();
    let name = session.name_any();
    let said = why.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let source = session.spec.data_source.clone().unwrap_or_default();
    if is_moved(why) {
        "restore create   with the same flags shows the plan as it is now\n--accept-changes   restores whatever the cluster is by then".into()
    } else if has(&["is locked:", "already locked"]) {
        let repository = if source.repository.is_empty() { "REPOSITORY" } else { &source.repository };
        format!("kubectl kubestash unlock {repository} -n {namespace}   once nobody works there any more")
    } else if has(&["allowincomplete", "is not complete"]) {
        "--allow-incomplete   restores what is there".into()
    } else if has(&["serviceaccount", "service account"]) {
        "--service-account NAME, or --create-restorer, which makes one with the rights that it takes".into()
    } else if has(&["deadline", "timed out"]) {
        "--restore-timeout 2h   gives it more time; what is there already is found unchanged".into()
    } else if session.status.as_ref().and_then(|status| status.phase) == Some(RestorePhase::Invalid) {
        format!("kubectl edit restoresession {name} -n {namespace}   once it is right, it begins")
    } else if restored.counts.is_some() {
        format!("kubectl kubestash restore status {name} -n {namespace} -v   tells of each object")
    } else {
        logs(session)
    }
}
