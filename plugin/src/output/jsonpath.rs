//! Templates of `-o jsonpath=…` and paths of `--sort-by`, as kubectl writes them: text with expressions in braces, of which
//! `{range PATH}…{end}` repeats. Paths are turned into those of RFC 9535, which the library understands. Pure.

mod path;

use jsonpath_rust::parser::errors::JsonPathError;
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::{QueryRef, js_path_process};
use serde_json::Value;
use snafu::{OptionExt as _, ResultExt as _, Snafu, ensure};

/// What is wrong with a template.
#[derive(Debug, Snafu)]
pub enum Error {
    #[snafu(display("a brace is opened and not closed"))]
    Open,
    #[snafu(display("\"{{range …}}\" has no \"{{end}}\""))]
    NoEnd,
    #[snafu(display("\"{{end}}\" has no \"{{range …}}\""))]
    StrayEnd,
    #[snafu(display("\"{expression}\" is no path: {source}"))]
    NoPath { expression: String, source: Box<JsonPathError> },
    #[snafu(display("\"{expression}\" is no path: {source}"))]
    Unreadable { expression: String, source: path::Error },
}

/// A template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    nodes: Vec<Node>,
}

/// One path, `.status.phase` or `{.status.phase}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path(JpQuery);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Values(Path),
    Range(Path, Vec<Node>),
}

impl Path {
    /// Reads a path, with or without braces.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text).trim();
        let standard = path::standard(bare).context(UnreadableSnafu { expression: bare })?;
        let query = parse_json_path(&standard).map_err(Box::new).context(NoPathSnafu { expression: bare })?;
        Ok(Self(query))
    }

    /// What the path leads to; nothing for a field that is not there.
    #[must_use]
    pub fn values<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        js_path_process(&self.0, value)
            .map_or_else(|_| Vec::new(), |found| found.into_iter().map(QueryRef::val).collect())
    }
}

impl Template {
    /// Reads a template. A path without braces is one, too: nobody who types `.status.phase` wants to read just that.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if !text.contains('{') && text.starts_with(['.', '$', '@', '[']) {
            return Ok(Self { nodes: vec![Node::Values(Path::parse(text)?)] });
        }
        let mut open: Vec<(Path, Vec<Node>)> = Vec::new();
        let mut nodes = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                nodes.push(Node::Text(before.into()));
            }
            let end = path::closing_brace(after).context(OpenSnafu)?;
            let (expression, behind) = (after[..end].trim(), &after[end + 1..]);
            rest = behind;
            if expression == "end" {
                let (path, outer) = open.pop().context(StrayEndSnafu)?;
                let inner = std::mem::replace(&mut nodes, outer);
                nodes.push(Node::Range(path, inner));
            } else if let Some(path) = expression.strip_prefix("range ") {
                open.push((Path::parse(path)?, std::mem::take(&mut nodes)));
            } else if let Some(text) = path::quoted(expression) {
                nodes.push(Node::Text(text));
            } else {
                nodes.push(Node::Values(Path::parse(expression)?));
            }
        }
        ensure!(open.is_empty(), NoEndSnafu);
        if !rest.is_empty() {
            nodes.push(Node::Text(rest.into()));
        }
        Ok(Self { nodes })
    }

    /// The text that the template makes of a value. What is not there is empty, as with `kubectl get`.
    #[must_use]
    pub fn render(&self, value: &Value) -> String {
        let mut text = String::new();
        render(&self.nodes, value, &mut text);
        text
    }
}

fn render(nodes: &[Node], value: &Value, text: &mut String) {
    for node in nodes {
        match node {
            Node::Text(words) => text.push_str(words),
            Node::Values(path) => {
                let values: Vec<String> = path.values(value).into_iter().map(shown).collect();
                text.push_str(&values.join(" "));
            }
            Node::Range(path, inner) => {
                for value in path.values(value) {
                    render(inner, value, text);
                }
            }
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list() -> Value {
        json!({"kind": "List", "items": [
            {"metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "shop", "a-b": "c"}},
             "status": {"phase": "Ready", "conditions": [
                {"type": "Ready", "status": "True"}, {"type": "Sound", "status": "False"}]}},
            {"metadata": {"name": "b"}, "spec": {"paused": true, "size": 3}},
        ]})
    }

    #[test]
    fn templates_make_what_kubectl_makes_of_them() {
        for (template, text) in [
            ("{.kind}", "List"),
            (".kind", "List"),
            ("{$.kind}", "List"),
            ("kind: {.kind}!", "kind: List!"),
            ("{.items[*].metadata.name}", "a b"),
            ("{.items[0].status.conditions[-1].type}", "Sound"),
            ("{.items[0:1].metadata.name}", "a"),
            ("{..name}", "a b"),
            ("{.items[*]['metadata.name']}", ""),
            ("{.items[0].metadata.labels.a-b}", "c"),
            ("{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "shop"),
            ("{.items[0].metadata.labels['app\\.kubernetes\\.io/name']}", "shop"),
            ("{.items[0].metadata.labels['app.kubernetes.io/name']}", "shop"),
            ("{.items[0].status.conditions[?(@.type==\"Ready\")].status}", "True"),
            ("{.items[?(@.status.phase=='Ready')].metadata.name}", "a"),
            ("{.items[?(@.metadata.labels.a-b == 'c')].metadata.name}", "a"),
            ("{.items[?(@.spec.paused)].metadata.name}", "b"),
            ("{.items[1].spec}", "{\"paused\":true,\"size\":3}"),
            ("{.nothing.here}", ""),
            ("{range .items[*]}{.metadata.name}{\"\\t\"}{.status.phase}{'\\n'}{end}", "a\tReady\nb\t\n"),
            (
                "{range .items[*]}{.metadata.name}:{range .status.conditions[*]} {.type}{end};{end}",
                "a: Ready Sound;b:;",
            ),
            ("{\"{\"}{.kind}{\"}\"}", "{List}"),
            ("words only", "words only"),
            ("", ""),
        ] {
            let parsed = Template::parse(template).unwrap_or_else(|error| panic!("{template}: {error}"));
            assert_eq!(parsed.render(&list()), text, "{template}");
        }
    }

    #[test]
    fn templates_that_cannot_be_read_say_why() {
        for (template, why) in [
            ("{.kind", "a brace is opened and not closed"),
            ("{range .items[*]}{.kind}", "\"{range …}\" has no \"{end}\""),
            ("{.kind}{end}", "\"{end}\" has no \"{range …}\""),
            ("{.items[0}", "\"[\" is opened and not closed"),
            ("{.a b}", "blank"),
            ("{.items[x]}", "is no path"),
        ] {
            let said = Template::parse(template).unwrap_err().to_string();
            assert!(said.contains(why), "{template}: {said}");
        }
    }
}
