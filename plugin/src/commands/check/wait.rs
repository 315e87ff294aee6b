//! What `--wait` does first: until the operator is ready, by a watch.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::watcher;

use crate::cluster::{Asked, Cluster};
use crate::commands::install::rollout;
use crate::commands::lookup;
use crate::commands::version::OPERATOR_LABEL;
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::Kind;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wait::{self, Verdict, Waited};

/// Waits until an operator runs in the form that was asked for. `None` when it does; otherwise what it was still waiting
/// for when the limit passed.
pub(super) async fn for_the_operator(
    cluster: &Cluster,
    limit: Duration,
    streams: &mut Streams<'_>,
) -> Result<Option<Failure>, Failure> {
    let text = format!("waiting for the operator, at most {}", human::duration(limit));
    streams.story.line(Glyph::Waiting, &text);
    let kind = Kind::of::<Deployment>();
    let asked = Asked { verb: "watch", resource: kind.resource(), namespace: None, name: None };
    let mut known = Known::default();
    let events = cluster.watch_all::<Deployment>(OPERATOR_LABEL).map(|event| event.map(Some));
    let waited = wait::until(events.boxed(), (cluster, asked), Some(limit), |event| known.note(event));
    match waited.await? {
        Waited::Reached(()) => Ok(None),
        Waited::Interrupted(exit) => Err(Failure::stopped(exit, "stopped waiting; nothing was changed")),
        Waited::TimedOut(why) => {
            let what = format!("the operator is not ready within {}", human::duration(limit));
            let failure = Failure::new(Code::TimedOut, what).why(why);
            Ok(Some(failure.fix("kubectl kubestash debug operator")))
        }
    }
}

/// The operators that were seen.
#[derive(Debug, Default)]
struct Known {
    deployments: BTreeMap<String, Deployment>,
    listed: bool,
}

impl Known {
    fn note(&mut self, event: Option<&watcher::Event<Deployment>>) -> Verdict<()> {
        match event {
            Some(watcher::Event::Init) => self.deployments.clear(),
            Some(watcher::Event::Apply(deployment) | watcher::Event::InitApply(deployment)) => {
                self.deployments.insert(lookup::place(deployment), deployment.clone());
            }
            Some(watcher::Event::Delete(deployment)) => {
                self.deployments.remove(&lookup::place(deployment));
            }
            Some(watcher::Event::InitDone) => self.listed = true,
            None => {}
        }
        if !self.listed {
            return Verdict::NotYet("the API server has not answered yet".into());
        }
        let mut verdicts: Vec<Verdict<()>> = self.deployments.values().map(available).collect();
        verdicts.sort_by_key(|verdict| *verdict != Verdict::Reached(()));
        verdicts.into_iter().next().unwrap_or_else(|| Verdict::NotYet("no operator is installed".into()))
    }
}

/// Available as a rollout is; and one that is scaled to nothing is not there.
fn available(deployment: &Deployment) -> Verdict<()> {
    if deployment.spec.as_ref().and_then(|spec| spec.replicas) == Some(0) {
        return Verdict::NotYet("the operator is scaled to 0 pods".into());
    }
    rollout::available(Some(deployment))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operator(wished: i32, ready: i32) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"name": "kubestash-operator", "namespace": "kubestash"},
            "spec": {"replicas": wished, "selector": {}, "template": {}},
            "status": {"replicas": wished, "updatedReplicas": wished, "availableReplicas": ready},
        }))
        .unwrap()
    }

    #[test]
    fn an_operator_is_waited_for_until_it_is_there_and_available() {
        let mut known = Known::default();
        let mut note = |event: watcher::Event<Deployment>| known.note(Some(&event));
        let not_yet = |why: &str| Verdict::NotYet(why.to_owned());
        assert_eq!(note(watcher::Event::Init), not_yet("the API server has not answered yet"));
        assert_eq!(note(watcher::Event::InitDone), not_yet("no operator is installed"));
        assert_eq!(note(watcher::Event::Apply(operator(0, 0))), not_yet("the operator is scaled to 0 pods"));
        assert_eq!(note(watcher::Event::Apply(operator(1, 0))), not_yet("0 of 1 pods available"));
        assert_eq!(note(watcher::Event::Apply(operator(1, 1))), Verdict::Reached(()));
        assert_eq!(note(watcher::Event::Delete(operator(1, 1))), not_yet("no operator is installed"));
    }
}
