//! Trying again what failed for want of something that the restore itself brings, or that takes its time: a type that is
//! not served yet, a namespace that is still going, a webhook whose Pod is only starting.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use futures::future::join_all;

use super::Error;
use super::namespaces;
use super::outcome::Outcome;
use super::requests::At;
use super::transform;
use super::types::Way;
use super::verdict::ProblemKind;
use super::walk::{Results, Walk};
use super::watch;

/// Before the second round; doubled before each further one. What is waited for cannot be watched in general: whether a
/// webhook answers or a controller has done its part shows only when it is tried.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long something that is being deleted may take to go.
const GONE_WITHIN: Duration = Duration::from_mins(1);
/// Of so many at a time it is watched.
const WATCHED: usize = 32;

impl Walk<'_> {
    /// Brings back everything, in as many rounds as are allowed and worth it. Only the last result of an object counts
    /// (contract A23). A plan changes nothing that a second round would find changed.
    pub async fn rounds(&self, results: &mut Results) -> Result<(), Error> {
        let most = if self.requests.planning() { 1 } else { self.options.rounds.max(1) };
        self.pass(&self.chosen.levels, most == 1, results).await?;
        let mut pending = pending(results);
        let mut brought_something = true;
        for round in 2..=most {
            let worth: HashSet<usize> = pending
                .iter()
                .filter(|index| brought_something || results.outcomes.get(index).is_some_and(takes_time))
                .copied()
                .collect();
            if worth.is_empty() {
                break;
            }
            self.pause(&worth, round, results).await;
            self.pass(&self.only(&worth), round == most, results).await?;
            let left = self::pending(results);
            brought_something = left.len() < pending.len();
            pending = left;
        }
        // Whose owner did not come is made without it.
        let waiting = results.outcomes.iter().filter(|(_, outcome)| outcome.waits);
        let waiting: HashSet<usize> = waiting.map(|(index, _)| *index).collect();
        if !waiting.is_empty() {
            self.pass(&self.only(&waiting), true, results).await?;
        }
        Ok(())
    }

    fn only(&self, wanted: &HashSet<usize>) -> Vec<Vec<usize>> {
        let of = |level: &Vec<usize>| level.iter().copied().filter(|index| wanted.contains(index)).collect();
        self.chosen.levels.iter().map(of).collect()
    }

    /// What is being deleted is watched until it is gone; otherwise a little time has to pass.
    async fn pause(&self, pending: &HashSet<usize>, round: u32, results: &Results) {
        let terminating = pending.iter().filter_map(|index| {
            let outcome = results.outcomes.get(index)?;
            (outcome.problem()?.kind == ProblemKind::Terminating).then(|| self.going(*index, outcome))?
        });
        let paths: BTreeSet<String> = terminating.take(WATCHED).collect();
        let is_gone = |found: &watch::Collection| found.is_empty();
        let watches = paths.iter().map(|path| watch::until(self.requests.api(), path, GONE_WITHIN, is_gone));
        let seen = join_all(watches).await;
        // Also for whom may not watch.
        if seen.is_empty() || seen.iter().any(Result::is_err) {
            tokio::time::sleep(FIRST_PAUSE.saturating_mul(1 << round.saturating_sub(2).min(4))).await;
        }
    }

    /// What has to go before an object can be made: the one that it is to take the place of, or its namespace.
    fn going(&self, index: usize, outcome: &Outcome) -> Option<String> {
        let card = &self.contents.cards[index];
        let target = transform::target(&card.key, &self.options.transform);
        let types = self.types();
        if outcome.live.is_some() {
            let way = types.way(&card.key.group_resource, &card.api_version);
            let (Way::Served(place) | Way::Converted(place)) = way else { return None };
            return Some(At { place: &place, key: &target, strict: false }.alone());
        }
        let place = types.preferred("namespaces")?;
        Some(At { place: &place, key: &namespaces::key(&target.namespace?), strict: false }.alone())
    }
}

/// What failed and may pass.
fn pending(results: &Results) -> HashSet<usize> {
    let pending = results.outcomes.iter().filter(|(_, outcome)| outcome.may_pass());
    pending.map(|(index, _)| *index).collect()
}

/// Whether time alone may help, and not only another object of the restore.
fn takes_time(outcome: &Outcome) -> bool {
    outcome.problem().is_some_and(|problem| match problem.kind {
        // A webhook that cannot be called, unlike one that says no.
        ProblemKind::Refused { .. } => problem.message.contains("failed calling webhook"),
        // A type that is defined already, and that not every API server serves yet.
        ProblemKind::MissingType { .. } => problem.message.contains("could not find the requested resource"),
        ProblemKind::Terminating | ProblemKind::Unreachable | ProblemKind::Conflict => !outcome.waits,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::verdict::Problem;

    #[test]
    fn what_time_alone_can_mend_is_tried_again_without_other_progress() {
        let refused = || ProblemKind::Refused { by: "policy".to_owned() };
        for (kind, message, waits, expected) in [
            (refused(), "failed calling webhook \"policy\": connection refused", false, true),
            (refused(), "admission webhook \"policy\" denied the request", false, false),
            (ProblemKind::Terminating, "", false, true),
            (ProblemKind::Conflict, "", false, true),
            (ProblemKind::Conflict, "its owner is not there yet", true, false),
            (ProblemKind::Forbidden, "", false, false),
            (ProblemKind::Quota, "", false, false),
        ] {
            let outcome = Outcome::fail(Problem { kind, message: message.to_owned() });
            let outcome = Outcome { waits, ..outcome };
            assert_eq!(takes_time(&outcome), expected, "{outcome:?}");
        }
    }
}
