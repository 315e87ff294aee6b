//! From a hook and its template to what is done: parameters and expressions replaced, defaults filled in. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crds::core::hook::HookInfo;
use crds::core::hook_template::{self, HookExecutorType, HookTemplateSpec};
use crds::duration::DurationError;
use crds::variables::{self, VariablesError};
use serde_json::Value;
use snafu::{OptionExt, ResultExt, Snafu};

use super::act::{Action, Kind, Place, Pods, Request};
use super::template;

/// How long an attempt may take, unless the hook says.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Why a hook makes no sense.
#[derive(Debug, Snafu)]
pub enum Error {
    /// A parameter that the template does not have.
    #[snafu(display("the HookTemplate has no parameter \"{name}\""))]
    UnknownParameter {
        /// Its name.
        name: String,
    },
    /// A parameter that the template cannot do without.
    #[snafu(display("the HookTemplate needs the parameter \"{name}\""))]
    MissingParameter {
        /// Its name.
        name: String,
    },
    /// A variable of the template.
    #[snafu(display("{source}"))]
    Variable {
        /// Why.
        source: VariablesError,
    },
    /// An expression of the template.
    #[snafu(display("{source}"))]
    Template {
        /// Why.
        source: template::Error,
    },
    /// The timeout is none.
    #[snafu(display("timeout: {source}"))]
    Timeout {
        /// Why.
        source: DurationError,
    },
    /// A part is missing.
    #[snafu(display("the HookTemplate has no {what}"))]
    Lacks {
        /// What.
        what: &'static str,
    },
    /// A part that is not what it should be.
    #[snafu(display("action.{what}: {source}"))]
    Malformed {
        /// Which.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The selector of the pods.
    #[snafu(display("executor.pod.selector {selector:?} is not of the form key=value,key=value"))]
    Selector {
        /// The selector.
        selector: String,
    },
}

/// What is done, how often it is tried, and how long each attempt may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted<A> {
    /// What is done.
    pub action: A,
    /// At least one.
    pub attempts: u32,
    /// Of each attempt.
    pub timeout: Duration,
}

/// What `hook` wants of `template`, `summary` being what expressions may refer to.
pub fn wanted(
    hook: &HookInfo,
    template: &HookTemplateSpec,
    summary: &Value,
) -> Result<Wanted<Action>, Error> {
    let values = parameters(hook, template)?;
    let action = template.action.as_ref().context(LacksSnafu { what: "action" })?;
    let action = variables::expand_object(action, &values).context(VariableSnafu)?;
    let executor = template.executor.as_ref().context(LacksSnafu { what: "executor" })?;
    let place = match executor.type_ {
        Some(HookExecutorType::Pod) => Place::Pods(pods(executor)?),
        Some(HookExecutorType::Operator) => Place::Here,
        Some(HookExecutorType::Function) | None => {
            return LacksSnafu { what: "executor that runs actions" }.fail();
        }
    };
    let timeout = match hook.timeout.as_deref() {
        None => TIMEOUT,
        Some(text) => {
            let timeout = crds::duration::parse(text).context(TimeoutSnafu)?;
            Duration::try_from(timeout).unwrap_or(TIMEOUT)
        }
    };
    let retries = u32::try_from(hook.max_retry.unwrap_or(0)).unwrap_or(0);
    let kind = kind(&action, summary)?;
    let action = Action { place, container: action.container_name, kind };
    Ok(Wanted { action, attempts: retries.saturating_add(1), timeout })
}

/// Defaults of the template, then what the hook gives.
fn parameters(hook: &HookInfo, template: &HookTemplateSpec) -> Result<BTreeMap<String, String>, Error> {
    let mut values = BTreeMap::new();
    for parameter in &template.params {
        if let Some(default) = &parameter.default {
            values.insert(parameter.name.clone(), default.clone());
        }
    }
    for (name, value) in hook.params.iter().flatten() {
        if !template.params.iter().any(|parameter| parameter.name == *name) {
            return UnknownParameterSnafu { name }.fail();
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        values.insert(name.clone(), text);
    }
    let missing =
        template.params.iter().find(|parameter| parameter.required && !values.contains_key(&parameter.name));
    match missing {
        Some(parameter) => MissingParameterSnafu { name: &parameter.name }.fail(),
        None => Ok(values),
    }
}

fn pods(executor: &hook_template::HookExecutor) -> Result<Pods, Error> {
    let pod = executor.pod.as_ref().context(LacksSnafu { what: "executor.pod" })?;
    let selector = pod.selector.clone().unwrap_or_default();
    let is_pair = |part: &str| part.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty());
    if !selector.is_empty() && !selector.split(',').all(is_pair) {
        return SelectorSnafu { selector }.fail();
    }
    let owner = pod
        .owner
        .as_ref()
        .map(|owner| owner.typed().context(MalformedSnafu { what: "owner" }))
        .transpose()?;
    if selector.is_empty() && owner.is_none() {
        return LacksSnafu { what: "executor.pod.selector" }.fail();
    }
    let all = pod.strategy == Some(hook_template::PodHookStrategy::ExecuteOnAll);
    Ok(Pods { selector: selector.replace(' ', ""), owner, all })
}

fn kind(action: &hook_template::Action, summary: &Value) -> Result<Kind, Error> {
    let text = |text: &str| template::expand(text, summary).context(TemplateSnafu);
    if let Some(exec) = &action.exec {
        let exec = exec.typed().context(MalformedSnafu { what: "exec" })?;
        let command = exec.command.unwrap_or_default();
        let command = command.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?;
        if command.is_empty() {
            return LacksSnafu { what: "action.exec.command" }.fail();
        }
        return Ok(Kind::Exec(command));
    }
    if let Some(get) = &action.http_get {
        let get = get.typed().context(MalformedSnafu { what: "httpGet" })?;
        let headers = get.http_headers.unwrap_or_default();
        let headers = headers.iter().map(|header| Ok((header.name.clone(), text(&header.value)?)));
        return Ok(Kind::Http(Request {
            port: get.port,
            host: get.host,
            scheme: get.scheme,
            path: text(get.path.as_deref().unwrap_or("/"))?,
            headers: headers.collect::<Result<_, Error>>()?,
            body: None,
        }));
    }
    if let Some(post) = &action.http_post {
        let mut headers = Vec::new();
        for header in &post.http_headers {
            let header = header.typed().context(MalformedSnafu { what: "httpPost.httpHeaders" })?;
            headers.push((header.name, text(&header.value)?));
        }
        let body = if post.form.is_empty() {
            text(post.body.as_deref().unwrap_or_default())?
        } else {
            headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            form(&post.form, text)?
        };
        return Ok(Kind::Http(Request {
            port: post.port.clone(),
            host: post.host.clone(),
            scheme: post.scheme.clone(),
            path: text(post.path.as_deref().unwrap_or("/"))?,
            headers,
            body: Some(body),
        }));
    }
    let socket = action.tcp_socket.as_ref().context(LacksSnafu { what: "action" })?;
    let socket = socket.typed().context(MalformedSnafu { what: "tcpSocket" })?;
    Ok(Kind::Tcp { port: socket.port, host: socket.host })
}

fn form(
    entries: &[hook_template::FormEntry],
    text: impl Fn(&str) -> Result<String, Error>,
) -> Result<String, Error> {
    let mut pairs = Vec::new();
    for entry in entries {
        for value in &entry.values {
            pairs.push(format!("{}={}", encoded(&entry.key), encoded(&text(value)?)));
        }
    }
    Ok(pairs.join("&"))
}

/// As a field of a form is sent: everything but the plainest characters as `%XX`.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
    use serde_json::json;

    use super::*;

    fn template(action: &Value, executor: &Value) -> HookTemplateSpec {
        serde_json::from_value(json!({
            "params": [{"name": "user", "required": true}, {"name": "db", "default": "shop"}],
            "action": action, "executor": executor,
        }))
        .unwrap()
    }

    fn hook(params: &Value) -> HookInfo {
        serde_json::from_value(json!({"name": "h", "params": params, "maxRetry": 2, "timeout": "30s"}))
            .unwrap()
    }

    fn pod() -> Value {
        json!({"type": "Pod", "pod": {"selector": "app=db, tier=1", "strategy": "ExecuteOnAll"}})
    }

    fn summary() -> Value {
        json!({"Status": {"Phase": "Failed"}})
    }

    #[test]
    fn a_command_gets_its_parameters_and_expressions() {
        let action = json!({"containerName": "db", "exec": {"command": ["sh", "-c", "say ${db} ${user} {{ .Status.Phase }}"]}});
        let found = wanted(&hook(&json!({"user": "a\"b"})), &template(&action, &pod()), &summary()).unwrap();
        assert_eq!((found.attempts, found.timeout), (3, Duration::from_secs(30)));
        assert_eq!(found.action.container.as_deref(), Some("db"));
        let command = ["sh", "-c", "say shop a\"b Failed"].map(str::to_owned).to_vec();
        assert_eq!(found.action.kind, Kind::Exec(command));
        let Place::Pods(pods) = found.action.place else { panic!("in pods") };
        assert_eq!((pods.selector.as_str(), pods.all), ("app=db,tier=1", true));
    }

    #[test]
    fn requests_are_put_together() {
        let get = json!({"httpGet": {"port": 8080, "path": "/hook?db=${db}", "scheme": "HTTPS", "httpHeaders": [{"name": "X", "value": "${user}"}]}});
        let found = wanted(&hook(&json!({"user": "me"})), &template(&get, &pod()), &summary()).unwrap();
        let Kind::Http(request) = found.action.kind else { panic!("a request") };
        assert_eq!(request.port, IntOrString::Int(8080));
        assert_eq!((request.path.as_str(), request.body), ("/hook?db=shop", None));
        assert_eq!(request.headers, [("X".to_owned(), "me".to_owned())]);

        let post = json!({"httpPost": {"port": "web", "form": [{"key": "text", "values": ["a b&c", "{{ .Status.Phase }}"]}]}});
        let found = wanted(&hook(&json!({"user": "me"})), &template(&post, &pod()), &summary()).unwrap();
        let Kind::Http(request) = found.action.kind else { panic!("a request") };
        assert_eq!(request.body.as_deref(), Some("text=a+b%26c&text=Failed"));
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let exec = json!({"exec": {"command": ["true"]}});
        for (params, action, executor, told) in [
            (json!({}), exec.clone(), pod(), "the HookTemplate needs the parameter \"user\""),
            (
                json!({"user": "a", "usr": "b"}),
                exec.clone(),
                pod(),
                "the HookTemplate has no parameter \"usr\"",
            ),
            (json!({"user": "a"}), json!({}), pod(), "the HookTemplate has no action"),
            (
                json!({"user": "a"}),
                json!({"exec": {"command": ["${nope}"]}}),
                pod(),
                "no value for the variable \"nope\"",
            ),
            (
                json!({"user": "a"}),
                json!({"exec": {"command": ["{{ .Nope }}"]}}),
                pod(),
                "failed to expand the template",
            ),
            (
                json!({"user": "a"}),
                exec,
                json!({"type": "Pod", "pod": {"selector": "app"}}),
                "executor.pod.selector \"app\" is not of the form",
            ),
        ] {
            let error = wanted(&hook(&params), &template(&action, &executor), &summary()).unwrap_err();
            assert!(error.to_string().starts_with(told), "{error}");
        }
    }
}
