//! Answers of the API server, and the lack of one, in the user's words.

use std::error::Error as StdError;

use kube::client::AuthError;
use kube::core::Status;

use super::{Code, Failure};
use crate::cluster::{Asked, Error};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Malformed { failure } => (**failure).clone(),
            Error::NoAnswer { context, limit, .. } => unreachable_cluster(context)
                .why(format!("no answer within {}", crate::human::duration(*limit)))
                .fix("--request-timeout 2m, or look at the network and the API server")
                .chain(&error),
            Error::Refused { asked, context, source } => match &**source {
                kube::Error::Api(status) => refused(asked, status).chain(&error),
                // Without the chain: a failed credential plugin's error holds all it printed.
                kube::Error::Auth(auth) => not_authenticated(context, auth),
                other => {
                    unreachable_cluster(context).why(cause(other)).fix("kubectl cluster-info").chain(&error)
                }
            },
        }
    }
}

fn unreachable_cluster(context: &str) -> Failure {
    Failure::new(Code::ClusterUnreachable, format!("cannot reach the cluster (context \"{context}\")"))
}

/// The object or collection of a request, in words.
fn object(asked: &Asked) -> String {
    let place = match (&asked.namespace, &asked.name) {
        (Some(namespace), Some(name)) => format!(" {namespace}/{name}"),
        (None, Some(name)) => format!(" {name}"),
        (Some(namespace), None) => format!(" in namespace {namespace}"),
        (None, None) => String::new(),
    };
    format!("{}{place}", asked.resource)
}

fn refused(asked: &Asked, status: &Status) -> Failure {
    match status.code {
        401 => Failure::new(Code::Unauthenticated, "the cluster does not accept your credentials")
            .why(status.message.clone())
            .fix("log in again, or look at:  kubectl config view --minify"),
        403 if status.message.contains("admission webhook")
            || status.message.contains("ValidatingAdmissionPolicy") =>
        {
            Failure::new(
                Code::ObjectRefused,
                format!("the cluster's admission rules refuse {}", object(asked)),
            )
            .why(status.message.clone())
        }
        403 => forbidden(asked, status),
        404 => Failure::new(Code::ObjectMissing, format!("{} does not exist", object(asked)))
            .why(status.message.clone()),
        409 if asked.verb == "patch" => conflict(asked, status),
        422 | 400 => invalid(asked, status),
        500 if status.message.contains("failed calling webhook") => Failure::new(
            Code::WebhookDown,
            format!("an admission webhook that must judge {} does not answer", object(asked)),
        )
        .why(status.message.clone())
        .fix("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"),
        _ => Failure::new(
            Code::RequestFailed,
            format!("the cluster could not {} {}", asked.verb, object(asked)),
        )
        .why(message(status)),
    }
}

fn forbidden(asked: &Asked, status: &Status) -> Failure {
    let scope =
        asked.namespace.as_ref().map_or_else(|| " --all-namespaces".to_owned(), |name| format!(" -n {name}"));
    let failure = Failure::new(Code::Forbidden, format!("you may not {} {}", asked.verb, object(asked)))
        .why(status.message.clone());
    if status.message.contains("attempting to grant RBAC permissions not currently held") {
        return failure.fix("ask somebody who holds these rights to run this command");
    }
    failure.fix(format!(
        "ask for the right; check with:  kubectl auth can-i {} {}{scope}",
        asked.verb, asked.resource
    ))
}

/// A server-side apply that would take a field from its manager: names manager and fields.
fn conflict(asked: &Asked, status: &Status) -> Failure {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let fields: Vec<&str> =
        causes.iter().map(|cause| cause.field.as_str()).filter(|field| !field.is_empty()).collect();
    let manager =
        causes.iter().find_map(|cause| cause.message.split('"').nth(1)).unwrap_or("another field manager");
    let on = if fields.is_empty() { String::new() } else { format!(" on {}", fields.join(", ")) };
    Failure::new(
        Code::FieldConflict,
        format!("a change of {} conflicts with \"{manager}\"{on}", object(asked)),
    )
    .why("that manager wrote these fields, and would write them again")
    .fix("make the change where that manager takes it from\nor take the fields over:  --force-conflicts")
}

fn invalid(asked: &Asked, status: &Status) -> Failure {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let mut reasons: Vec<String> = causes
        .iter()
        .map(|cause| match cause.field.as_str() {
            "" | "<nil>" => cause.message.clone(),
            field => format!("{field}: {}", cause.message),
        })
        .collect();
    reasons.dedup();
    let why = if reasons.is_empty() { message(status) } else { reasons.join("\n") };
    Failure::new(Code::ObjectRefused, format!("the cluster does not accept {}", object(asked))).why(why)
}

fn message(status: &Status) -> String {
    if status.message.is_empty() {
        format!("HTTP {} {}", status.code, status.reason)
    } else {
        status.message.clone()
    }
}

/// A credential plugin that failed. What it printed to its standard output may be a credential, so that only its
/// standard error is told.
fn not_authenticated(context: &str, error: &AuthError) -> Failure {
    let failure =
        Failure::new(Code::Unauthenticated, format!("cannot reach the cluster (context \"{context}\")"));
    match error {
        AuthError::AuthExecRun { cmd, out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            let program = cmd.split_whitespace().next().unwrap_or(cmd).trim_matches('"').to_owned();
            failure
                .why(format!("credential plugin \"{program}\" failed: {last}"))
                .fix("log in again with that tool, then run the same command")
        }
        AuthError::AuthExecStart(error) => failure
            .why(format!("the kubeconfig's credential plugin cannot be started: {error}"))
            .fix("install it, or put it on PATH; its name:  kubectl config view --minify"),
        other => failure.why(cause(other)),
    }
}

/// The innermost cause, with its neighbours where it alone says too little (`connection refused` of what?).
fn cause(error: &dyn StdError) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        causes.push(error.to_string());
        next = error.source();
    }
    let last = causes.pop().unwrap_or_default();
    match causes.iter().rev().find(|outer| !outer.contains(&last)) {
        Some(outer) if last.len() < 60 && outer.len() < 60 => format!("{outer}: {last}"),
        _ => last,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(verb: &'static str, name: Option<&str>) -> Asked {
        Asked {
            verb,
            resource: "backupconfigurations.core.kubestash.com".into(),
            namespace: Some("shop".into()),
            name: name.map(str::to_owned),
        }
    }

    fn failed(verb: &'static str, name: Option<&str>, status: Value) -> String {
        let source = Box::new(kube::Error::Api(serde_json::from_value::<Status>(status).unwrap().boxed()));
        Failure::from(Error::Refused { asked: asked(verb, name), context: "dev".into(), source })
            .render(false)
    }

    #[test]
    fn forbidden_names_verb_resource_namespace_and_the_check() {
        let text = failed("list", None, json!({"code": 403, "message": "forbidden: …"}));
        assert_eq!(
            text,
            "error: you may not list backupconfigurations.core.kubestash.com in namespace shop\n  \
             why   forbidden: …\n  \
             fix   ask for the right; check with:  kubectl auth can-i list backupconfigurations.core.kubestash.com -n shop\n  \
             docs  KS003  https://github.com/kubestash-rs/kubestash/blob/HEAD/docs/errors.md#ks003\n"
        );
    }

    #[test]
    fn a_conflict_names_the_manager_and_the_fields() {
        let cause = json!({
            "reason": "FieldManagerConflict",
            "message": "conflict with \"kustomize-controller\" using core.kubestash.com/v1alpha1",
            "field": ".spec.sessions",
        });
        let text = failed("patch", Some("orders"), json!({"code": 409, "details": {"causes": [cause]}}));
        assert!(
            text.contains("shop/orders conflicts with \"kustomize-controller\" on .spec.sessions"),
            "{text}"
        );
        assert!(text.contains("--force-conflicts"), "{text}");
    }

    #[test]
    fn every_violation_of_an_invalid_object_is_told() {
        let causes = json!([{"field": "spec.a", "message": "bad"}, {"field": "spec.b", "message": "worse"}]);
        let text = failed("patch", Some("orders"), json!({"code": 422, "details": {"causes": causes}}));
        assert!(text.contains("why   spec.a: bad\n        spec.b: worse\n"), "{text}");
    }

    #[test]
    fn what_a_credential_plugin_printed_is_not_told() {
        let out = std::process::Output {
            status: std::process::ExitStatus::default(),
            stdout: b"{\"token\":\"s3cr3t\"}".to_vec(),
            stderr: b"debug\nToken has expired\n".to_vec(),
        };
        let source =
            kube::Error::Auth(AuthError::AuthExecRun { cmd: "aws eks get-token".into(), out: Box::new(out) });
        let error =
            Error::Refused { asked: asked("get", None), context: "prod".into(), source: Box::new(source) };
        let text = Failure::from(error).render(true);
        assert!(text.contains("credential plugin \"aws\" failed: Token has expired"), "{text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}
