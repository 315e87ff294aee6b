//! Whether what was applied works: CRDs are served, the operator is available. Pure judgements of states.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use crate::failure::{Code, Failure};
use crate::wait::Verdict;

/// Whether a kind is served; a refused name or schema is told with the API server's words.
pub fn established(definition: &CustomResourceDefinition) -> Result<bool, Failure> {
    let conditions = definition.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
    let mut served = false;
    for condition in conditions {
        let refused = match condition.type_.as_str() {
            "NonStructuralSchema" => condition.status == "True",
            "NamesAccepted" => {
                condition.status == "False" && condition.reason.as_deref() != Some("NoConflicts")
            }
            _ => false,
        };
        if refused {
            let name = definition.metadata.name.clone().unwrap_or_default();
            let why = condition.message.clone().or_else(|| condition.reason.clone()).unwrap_or_default();
            return Err(
                Failure::new(Code::NotInstalled, format!("the cluster does not serve {name}")).why(why)
            );
        }
        served |= condition.type_ == "Established" && condition.status == "True";
    }
    Ok(served)
}

/// Whether the operator runs in the form that was asked for; the same tests as `kubectl rollout status`.
#[must_use]
pub fn available(deployment: Option<&Deployment>) -> Verdict<()> {
    let Some(deployment) = deployment else { return Verdict::NotYet("the deployment does not exist".into()) };
    let status = deployment.status.clone().unwrap_or_default();
    if status.observed_generation < deployment.metadata.generation {
        return Verdict::NotYet("the deployment has not been looked at yet".into());
    }
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let number = |field: Option<i32>| field.unwrap_or(0);
    let (updated, all, ready) =
        (number(status.updated_replicas), number(status.replicas), number(status.available_replicas));
    if updated < wanted {
        let failed = status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True");
        return Verdict::NotYet(match failed.and_then(|condition| condition.message.clone()) {
            Some(message) => message,
            None => format!("{updated} of {wanted} pods started"),
        });
    }
    if all > updated {
        return Verdict::NotYet("pods of the old version are ending".into());
    }
    if ready < wanted {
        return Verdict::NotYet(format!("{ready} of {wanted} pods available"));
    }
    Verdict::Reached(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(status: &Value) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 1, "selector": {}, "template": {}},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_rollout_goes_from_unseen_to_available() {
        let cases = [
            (json!({"observedGeneration": 1}), "the deployment has not been looked at yet"),
            (json!({"observedGeneration": 2}), "0 of 1 pods started"),
            (
                json!({"observedGeneration": 2, "updatedReplicas": 1, "replicas": 2}),
                "pods of the old version are ending",
            ),
            (json!({"observedGeneration": 2, "updatedReplicas": 1, "replicas": 1}), "0 of 1 pods available"),
        ];
        for (status, reason) in cases {
            assert_eq!(available(Some(&deployment(&status))), Verdict::NotYet(reason.into()), "{status}");
        }
        let done =
            json!({"observedGeneration": 2, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1});
        assert_eq!(available(Some(&deployment(&done))), Verdict::Reached(()));
    }

    #[test]
    fn a_quota_that_stops_the_pod_is_told() {
        let condition =
            json!({"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"});
        let status = json!({"observedGeneration": 2, "conditions": [condition]});
        assert_eq!(available(Some(&deployment(&status))), Verdict::NotYet("exceeded quota: small".into()));
    }

    #[test]
    fn a_kind_is_served_when_established_and_refused_for_a_bad_schema() {
        let definition = |conditions: Value| -> CustomResourceDefinition {
            serde_json::from_value(json!({
                "metadata": {"name": "addons.addons.kubestash.com"},
                "spec": {"group": "", "names": {"kind": "", "plural": ""}, "scope": "", "versions": []},
                "status": {"conditions": conditions},
            }))
            .unwrap()
        };
        assert_eq!(established(&definition(json!([]))), Ok(false));
        assert_eq!(established(&definition(json!([{"type": "Established", "status": "True"}]))), Ok(true));
        let refused =
            definition(json!([{"type": "NonStructuralSchema", "status": "True", "message": "spec.x"}]));
        assert!(established(&refused).unwrap_err().render(false).contains("spec.x"));
    }
}
