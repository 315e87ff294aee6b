//! The last lines about a run, which stay in the scrollback.

use super::outcome::{Outcome, Outcomes, Stored};
use super::{Subject, View};
use archive::restore::report::Counts;

use crate::human;
use crate::story::Glyph;

/// Headline and lines below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finale {
    pub glyph: Glyph,
    pub headline: String,
    pub lines: Vec<String>,
}

/// The finale of a run that ended.
#[must_use]
pub fn of(view: &View, outcome: &Outcome) -> Finale {
    let what = format!("{} {}/{}", view.subject.noun(), view.namespace, view.name());
    let took = human::duration(outcome.took);
    match &outcome.result {
        Outcomes::Succeeded if matches!(view.subject, Subject::Restore { .. }) => restored(view, outcome),
        Outcomes::Succeeded => {
            let mut rows: Vec<(&str, String)> = Vec::new();
            for stored in &outcome.snapshots {
                rows.push(("snapshot", stored.snapshot.clone()));
                rows.extend(amount(stored).map(|amount| ("stored", amount)));
            }
            rows.push(("next", format!("kubectl kubestash snapshot list -n {}", view.namespace)));
            Finale {
                glyph: Glyph::Done,
                headline: format!("{what} succeeded in {took}"),
                lines: aligned(&rows),
            }
        }
        Outcomes::Failed { why, kept, fix, partly, logs, next_try, .. } => {
            let mut rows = vec![("why", why.clone())];
            rows.extend(failures(outcome));
            let good = outcome.snapshots.iter().filter(|stored| stored.succeeded);
            let good: Vec<&str> = good.map(|stored| stored.repository.as_str()).collect();
            if *partly && !good.is_empty() {
                rows.push(("done", format!("{} has the backup", good.join(", "))));
            }
            let kept_label = if matches!(view.subject, Subject::Restore { .. }) { "done" } else { "kept" };
            rows.extend(kept.clone().map(|kept| (kept_label, kept)));
            rows.push(("fix", fix.clone()));
            if !logs.is_empty() && logs != fix {
                rows.push(("logs", logs.clone()));
            }
            rows.extend(next_try.map(|when| {
                let when = when.strftime("%Y-%m-%d %H:%M:%S UTC");
                let (backup, namespace) = (view.name(), &view.namespace);
                (
                    "again",
                    format!("the operator tries at {when}:  kubectl kubestash watch {backup} -n {namespace}"),
                )
            }));
            rows.extend(docs(outcome));
            let word = if *partly { "failed in part" } else { "failed" };
            Finale {
                glyph: Glyph::Failed,
                headline: format!("{what} {word} after {took}"),
                lines: aligned(&rows),
            }
        }
        Outcomes::Skipped { why } => Finale {
            glyph: Glyph::Warning,
            headline: format!("{what} was skipped"),
            lines: aligned(&[vec![("why", why.clone())], docs(outcome)].concat()),
        },
    }
}

/// `restored 2 objects in 8s, 1 unchanged, 1 skipped`
fn restored(view: &View, outcome: &Outcome) -> Finale {
    let took = human::duration(outcome.took);
    let counts = outcome.restored.as_ref().and_then(|restored| restored.counts);
    let headline = match counts {
        None => format!("restore {}/{} succeeded in {took}", view.namespace, view.name()),
        Some(counts) => {
            let brought =
                human::counted(usize::try_from(counts.created + counts.updated).unwrap_or(0), "object");
            let rest = Counts { created: 0, updated: 0, ..counts };
            let rest = if rest == Counts::default() { String::new() } else { format!(", {}", rest.done()) };
            format!("restored {brought} in {took}{rest}")
        }
    };
    let status = format!("kubectl kubestash restore status {} -n {} -v", view.run, view.namespace);
    Finale { glyph: Glyph::Done, headline, lines: aligned(&[("each", status)]) }
}

/// The objects that were not brought back, as far as there is room for them.
fn failures(outcome: &Outcome) -> Vec<(&'static str, String)> {
    const SHOWN: usize = 5;
    let failures = outcome.restored.as_ref().map_or(&[][..], |restored| &restored.failures);
    let counts = outcome.restored.as_ref().and_then(|restored| restored.counts);
    let all = counts.map_or(failures.len(), |counts| usize::try_from(counts.failed).unwrap_or(0));
    let mut label = "failed";
    let mut rows: Vec<(&str, String)> =
        failures.iter().take(SHOWN).map(|line| (std::mem::take(&mut label), line.clone())).collect();
    let more = all.saturating_sub(rows.len());
    if more > 0 && !rows.is_empty() {
        rows.push(("", format!("… and {more} more")));
    }
    rows
}

fn docs(outcome: &Outcome) -> Vec<(&'static str, String)> {
    outcome.code().map(|code| ("docs", format!("{}  {}", code.id(), code.docs()))).into_iter().collect()
}

fn aligned(rows: &[(&str, String)]) -> Vec<String> {
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let below = format!("\n{}", " ".repeat(width + 4));
    rows.iter().map(|(label, text)| format!("  {label:width$}  {}", text.replace('\n', &below))).collect()
}

/// `61 objects, 1.4 MB, 312 kB added`
#[must_use]
pub fn amount(stored: &Stored) -> Option<String> {
    let objects = stored.objects.and_then(|number| usize::try_from(number).ok());
    let parts: Vec<String> = [
        objects.map(|number| human::counted(number, "object")),
        stored.bytes.map(human::bytes),
        stored.added.map(|added| format!("{} added", human::bytes(added))),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::recorded::{finished, forbidden, good, last, locked, skipped, tried_again};

    fn told(view: &View) -> String {
        let finale = of(view, view.outcome.as_ref().unwrap());
        let mut text = format!("{} {}\n", finale.glyph.symbol(), finale.headline);
        for line in finale.lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    #[test]
    fn a_success_names_the_snapshot_and_what_to_do_next() {
        assert_eq!(
            told(&last(&good())),
            "\
✔ backup shop/shop succeeded in 4s
  snapshot  shop-repo-shop-nightly-1763806800
  stored    61 objects, 1.4 MB, 312 kB added
  next      kubectl kubestash snapshot list -n shop
"
        );
    }

    #[test]
    fn a_failure_that_is_tried_again_says_when_and_how_to_see_it() {
        assert!(told(&last(&tried_again())).contains(
            "\n  again  the operator tries at 2025-11-22 10:25:03 UTC:  kubectl kubestash watch shop -n shop\n"
        ));
    }

    #[test]
    fn a_lock_names_its_holder_and_how_to_remove_it() {
        assert_eq!(
            told(&last(&locked())),
            "\
✘ backup shop/shop failed after 10m
  why   repository \"nightly/manifest\" in s3 backups is locked: exclusive lock of ann@laptop (process 42), 3m 1s old
  fix   kubectl kubestash unlock shop-repo -n shop   once nobody works there any more
  logs  kubectl kubestash backup logs shop --run shop-nightly-1763806800 -n shop
  docs  KS031  https://github.com/kubestash-rs/kubestash/blob/HEAD/docs/errors.md#ks031
"
        );
    }

    #[test]
    fn a_skipped_run_says_why() {
        assert_eq!(
            told(&last(&skipped())),
            "\
‼ backup shop/shop was skipped
  why   another run (shop-nightly-1763803200) was still active
  docs  KS035  https://github.com/kubestash-rs/kubestash/blob/HEAD/docs/errors.md#ks035
"
        );
    }

    #[test]
    fn who_comes_back_to_a_finished_run_sees_the_same_end() {
        assert_eq!(told(&last(&finished())), told(&last(&good())));
    }

    #[test]
    fn a_failure_names_the_cause_what_was_kept_and_the_fix() {
        assert_eq!(
            told(&last(&forbidden())),
            "\
✘ backup shop/shop failed after 3s
  why   ServiceAccount shop/default may not list secrets in namespace shop
  kept  58 objects were stored; the snapshot is marked incomplete
  fix   kubectl kubestash backup create shop -n shop --create-reader --yes
  logs  kubectl kubestash backup logs shop --run shop-nightly-1763806800 -n shop
  docs  KS031  https://github.com/kubestash-rs/kubestash/blob/HEAD/docs/errors.md#ks031
"
        );
    }
}
