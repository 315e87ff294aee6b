//! A plan says beforehand what a restore will do, and writes nothing; a restore does what was planned, or nothing.

mod mutation;

use std::collections::BTreeMap;

use harness::restoration::Line;
use harness::same::World;
use serde_json::Value;

use super::{APPLICATION, Kept, identities};
use mutation::{Dice, mutate};

/// How often the cluster is changed at random, planned for and restored.
const ROUNDS: usize = 10;

/// The flags of ways to restore.
const WAYS: [&str; 4] = ["", "--override", "--prune", "--include-rbac --prune"];

/// A plan as the plugin prints it.
pub struct Planned {
    id: String,
    parameters: Vec<(String, String)>,
    pub lines: Vec<Line>,
    pub code: i32,
}

impl Planned {
    /// What the restore is asked for that is planned here.
    fn parameters(&self) -> Vec<(&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl Kept {
    /// `restore plan` of the newest backup.
    pub async fn plan(&self, flags: &str) -> Planned {
        let line = format!(
            "restore plan {}/latest -n {} --service-account restorer -o json {flags}",
            self.backups.name, self.application.name
        );
        let words: Vec<&str> = line.split_whitespace().collect();
        let said = self.application.cluster.plugin.run(&words).await;
        let plan: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        assert_eq!(plan["kind"], "RestorePlan", "{line}: {said:?}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parameters = plan["parameters"].as_object().into_iter().flatten();
        Planned {
            id: text(&plan["plan"]),
            parameters: parameters.map(|(name, value)| (name.clone(), text(value))).collect(),
            lines: plan["objects"].as_array().into_iter().flatten().cloned().map(Line).collect(),
            code: said.code,
        }
    }
}

/// What becomes of each object, as far as two reports can be compared.
fn verdicts(lines: &[Line]) -> BTreeMap<String, String> {
    lines
        .iter()
        .map(|line| {
            let verdict = [line.verdict(), line.reason(), line.problem()].join(" ");
            (format!("{}/{}", line.resource(), line.name()), verdict.trim_end().to_owned())
        })
        .collect()
}

/// Who is who, without what controllers make and remove whenever they come to it.
fn lasting(world: &World) -> BTreeMap<&str, Option<&str>> {
    let made = ["pods/", "replicasets.apps/", "endpoints/", "endpointslices.discovery.k8s.io/", "events"];
    let mut known = identities(world);
    known.retain(|path, _| !made.iter().any(|directory| path.starts_with(directory)));
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_says_is_what_a_restore_does() {
    let kept = Kept::of("planned", &format!("{APPLICATION}{}", mutation::MORE)).await;
    mutation::heal(&kept).await;
    kept.runs().await;
    kept.back_up().await;
    let mut dice = Dice::thrown();
    for round in 0..ROUNDS {
        let flags = WAYS[round % WAYS.len()];
        let seed = dice.seed();
        let changed = mutate(&kept, &mut dice).await;
        let told = format!("round {round}, seed {seed}, flags {flags:?}, after {changed:#?}");
        println!("{told}");
        let before = kept.world().await;
        let plan = kept.plan(flags).await;
        assert_eq!(lasting(&before), lasting(&kept.world().await), "{told}: a plan writes nothing");
        let is = |verdicts: &[&str]| plan.lines.iter().any(|line| verdicts.contains(&line.verdict()));
        let code = if is(&["fail"]) { 3 } else { i32::from(is(&["create", "update", "recreate", "prune"])) };
        assert_eq!(plan.code, code, "{told}: {:#?}", plan.lines);

        let asked = [&plan.parameters()[..], &[("AcceptChanges", "true")]].concat();
        let restored = kept.restore(&format!("round-{round}"), &asked).await;

        let (planned, done) = (verdicts(&plan.lines), verdicts(&restored.report));
        let differing: Vec<String> = planned
            .keys()
            .chain(done.keys().filter(|object| !planned.contains_key(*object)))
            .filter(|object| planned.get(*object) != done.get(*object))
            .map(|object| format!("{object}: planned {:?}, done {:?}", planned.get(object), done.get(object)))
            .collect();
        assert!(differing.is_empty(), "{told}: {differing:#?}\n{:#?}", restored.report);
        assert_eq!(restored.phase() == "Failed", is(&["fail"]), "{told}: {:#}", restored.session);
        mutation::heal(&kept).await;
    }
    kept.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_performs_the_plan_that_was_shown_or_stops() {
    let kept = Kept::of("moved", APPLICATION).await;
    kept.done("delete configmap unrelated").await;
    let plan = kept.plan("").await;
    assert_eq!(plan.code, 1);
    // Somebody is faster.
    kept.done("delete service orders").await;
    let before = kept.world().await;
    let shown = [&plan.parameters()[..], &[("PlanID", plan.id.as_str())]].concat();

    let stopped = kept.restore("stopped", &shown).await;

    assert_eq!(stopped.phase(), "Failed", "{:#}", stopped.session);
    assert!(stopped.error().contains("has changed since plan"), "{}", stopped.error());
    assert_eq!(lasting(&before), lasting(&kept.world().await), "nothing was changed");
    let plan = kept.plan("").await;
    let shown = [&plan.parameters()[..], &[("PlanID", plan.id.as_str())]].concat();
    let done = kept.restore("done", &shown).await;
    done.assert_success();
    assert_eq!(done.of("create"), ["configmaps/unrelated", "services/orders"]);
    let plan = kept.plan("").await;
    assert_eq!(plan.code, 0, "{:#?}", plan.lines);
    kept.remove().await;
}
