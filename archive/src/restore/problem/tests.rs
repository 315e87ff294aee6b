use kube::core::response::{StatusCause, StatusDetails};

use super::*;

fn key(group_resource: &str) -> Key {
    Key {
        group_resource: group_resource.to_owned(),
        namespace: Some("shop".to_owned()),
        name: "web".to_owned(),
    }
}

fn kind_of(code: u16, reason: &str, message: &str) -> ProblemKind {
    classify(&Status::failure(message, reason).with_code(code), &key("pods")).kind
}

#[test]
fn forbidden_means_many_things() {
    let refused = |by: &str| ProblemKind::Refused { by: by.to_owned() };
    for (message, kind) in [
        (
            "secrets is forbidden: User \"u\" cannot create resource \"secrets\" in API group \"\" in the namespace \"shop\"",
            ProblemKind::Forbidden,
        ),
        (
            "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"u\" is attempting to grant RBAC permissions not \
             currently held",
            ProblemKind::Forbidden,
        ),
        (
            "pods \"web\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5",
            ProblemKind::Quota,
        ),
        ("pods \"web\" is forbidden: failed quota: q: must specify limits.cpu for: web", ProblemKind::Quota),
        (
            "configmaps \"a\" is forbidden: unable to create new content in namespace shop because it is being terminated",
            ProblemKind::Terminating,
        ),
        (
            "pods \"web\" is forbidden: error looking up service account shop/a: serviceaccount \"a\" not found",
            refused("ServiceAccount"),
        ),
        (
            "pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\": privileged",
            refused("PodSecurity"),
        ),
        ("pods \"web\" is forbidden: no PriorityClass with name high was found", refused("PriorityClass")),
        (
            "pods \"web\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found",
            refused("RuntimeClass"),
        ),
        ("policy 'add-label' with binding 'all' denied request: no", refused("add-label")),
        (
            "pods \"web\" is forbidden: maximum cpu usage per Container is 1, but limit is 2",
            refused("LimitRange"),
        ),
        (
            "admission webhook \"validate.example.org\" denied the request: no",
            refused("validate.example.org"),
        ),
        (
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'all' denied request: no",
            refused("no-latest"),
        ),
    ] {
        assert_eq!(kind_of(403, "Forbidden", message), kind, "{message}");
    }
}

#[test]
fn invalid_means_many_things() {
    for (message, kind) in [
        (
            "Service \"web\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
            ProblemKind::Collision,
        ),
        (
            "Service \"web\" is invalid: spec.clusterIPs: Invalid value: [\"10.0.0.1\"]: failed to allocate IP 10.0.0.1: \
             provided IP is already allocated",
            ProblemKind::Collision,
        ),
        (
            "Job.batch \"web\" is invalid: spec.template: Invalid value: {}: field is immutable",
            ProblemKind::Immutable,
        ),
        (
            "StatefulSet.apps \"web\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \
             'replicas' are forbidden",
            ProblemKind::Immutable,
        ),
        (
            "RoleBinding \"web\" is invalid: roleRef: Invalid value: {}: cannot change roleRef",
            ProblemKind::Immutable,
        ),
        (
            "PersistentVolumeClaim \"d\" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests",
            ProblemKind::Immutable,
        ),
        (
            "Pod \"web\" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
            ProblemKind::Immutable,
        ),
        ("Widget \"web\" is invalid: spec.size: Required value", ProblemKind::Invalid),
        ("Widget \"web\" is invalid: spec.policy: policy 'Retain' is not known", ProblemKind::Invalid),
    ] {
        assert_eq!(kind_of(422, "Invalid", message), kind, "{message}");
    }
}

#[test]
fn other_answers_are_sorted() {
    let missing_type = ProblemKind::MissingType { served: vec![], replacement: None };
    let refused = |by: &str| ProblemKind::Refused { by: by.to_owned() };
    for (code, reason, message, kind) in [
        (404, "NotFound", "namespaces \"shop\" not found", ProblemKind::MissingNamespace),
        (404, "NotFound", "the server could not find the requested resource", missing_type.clone()),
        (404, "NotFound", "pods \"web\" not found", ProblemKind::Conflict),
        (405, "MethodNotAllowed", "the server does not allow this method", missing_type),
        (409, "AlreadyExists", "pods \"web\" already exists", ProblemKind::Conflict),
        (409, "Conflict", "Operation cannot be fulfilled on pods \"web\"", ProblemKind::Conflict),
        (413, "RequestEntityTooLarge", "limit is 3145728", ProblemKind::Malformed),
        (500, "", "etcdserver: request is too large", ProblemKind::Malformed),
        (400, "BadRequest", "Pod in version \"v1\" cannot be handled as a Pod", ProblemKind::Invalid),
        (401, "Unauthorized", "Unauthorized", ProblemKind::Forbidden),
        (
            500,
            "InternalError",
            "Internal error occurred: failed calling webhook \"w.example.org\": failed to call webhook: Post \"https://x\"",
            refused("w.example.org"),
        ),
        (
            500,
            "InternalError",
            "conversion webhook for example.org/v1, Kind=Widget failed: Post \"https://x\"",
            refused("example.org/v1"),
        ),
        (
            400,
            "BadRequest",
            "admission webhook \"w.example.org\" does not support dry run",
            refused("w.example.org"),
        ),
        (
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
            ProblemKind::Unreachable,
        ),
        (429, "TooManyRequests", "", ProblemKind::Unreachable),
    ] {
        assert_eq!(kind_of(code, reason, message), kind, "{code} {message}");
    }
}

#[test]
fn a_message_is_short_and_in_one_line() {
    let long = format!("a\n  b {}", "x".repeat(1000));
    let problem = classify(&Status::failure(&long, "Invalid").with_code(422), &key("pods"));
    assert!(problem.message.starts_with("a b xxx") && problem.message.ends_with('…'));
    assert_eq!(problem.message.chars().count(), 501);
    let silent = classify(&Status::failure("", "TooManyRequests").with_code(429), &key("pods"));
    assert_eq!(silent.message, "the API server answers 429 TooManyRequests");
}

#[test]
fn what_is_said_of_a_secret_quotes_nothing() {
    let details = StatusDetails {
        name: "web".to_owned(),
        group: String::new(),
        kind: "Secret".to_owned(),
        uid: String::new(),
        causes: vec![StatusCause {
            reason: "FieldValueInvalid".to_owned(),
            message: "Invalid value: \"hunter2\"".to_owned(),
            field: "data[tls.crt]".to_owned(),
        }],
        retry_after_seconds: 0,
    };
    for (code, reason, message) in [
        (422, "Invalid", "Secret \"web\" is invalid: data[tls.crt]: Invalid value: \"hunter2\""),
        (422, "Invalid", "Secret \"web\" is invalid: data: Invalid value: \"hunter2\": field is immutable"),
        (400, "BadRequest", "json: cannot unmarshal, found in #10 byte of ...|hunter2|"),
        (403, "Forbidden", "admission webhook \"w\" denied the request: \"hunter2\" is weak"),
        (500, "InternalError", "something with hunter2"),
    ] {
        let status = Status::failure(message, reason).with_code(code).with_details(details.clone());
        let message = classify(&status, &key("secrets")).message;
        assert!(!message.contains("hunter2"), "{message}");
    }
    let status = Status::failure("x", "Invalid").with_code(422).with_details(details);
    assert_eq!(
        classify(&status, &key("secrets")).message,
        "the API server takes it for invalid: data[tls.crt] (FieldValueInvalid)"
    );
    let right = Status::failure("secrets is forbidden: User \"u\" cannot create resource", "Forbidden")
        .with_code(403);
    assert_eq!(classify(&right, &key("secrets")).message, right.message);
}
