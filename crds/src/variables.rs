//! `${...}` in Functions and hooks (contract §7.3).
//!
//! | form | result |
//! |---|---|
//! | `${k}` | the value; an error when there is none |
//! | `${k=d}`, `${k:=d}`, `${k:-d}` | `d` when there is no value; an empty value stays empty |
//! | `${#k}` | length in characters |
//! | `${k^}`, `${k^^}`, `${k,}`, `${k,,}` | upper or lower case, of the first character or of all |
//! | `${k#p}`, `${k##p}`, `${k%p}`, `${k%%p}` | without the shortest or longest head or tail that matches the glob `p` |
//! | `${k:2}`, `${k:2:3}` | from the third character on; three characters from there; negative counts from the end |
//! | `${k/a/b}`, `${k//a/b}`, `${k/#a/b}`, `${k/%a/b}` | `a` replaced by `b`: first, all, as head, as tail |
//! | `${k-d}` | the value |
//! | `${k+d}`, `${k:+d}` | `d`; with `:` only when the value is not empty |
//! | `${k:?m}` | the value; an error when it is empty |
//! | `$${k}` | `${k}`, literally |
//!
//! All but the defaults need a value. Inside an expression everything after the operator may contain further
//! expressions; they are evaluated first, also those that turn out not to be needed. A `}` or `/` that is meant
//! literally is written `\}` or `\/`.
//!
//! Upstream substitutes in the JSON text of an object, so that a quotation mark in a value breaks the object; here
//! the strings of the object are expanded one by one, so that any value stays one string.

mod glob;
mod operator;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use snafu::{OptionExt, ResultExt, Snafu, ensure};

/// Why an object cannot be expanded.
#[derive(Debug, Snafu)]
pub enum VariablesError {
    /// A variable that nobody gave a value.
    #[snafu(display("no value for the variable \"{name}\" in \"{text}\""))]
    Unknown { name: String, text: String },
    /// `${k:?m}` with an empty value.
    #[snafu(display("the variable \"{name}\" in \"{text}\" is empty: {message}"))]
    Empty { name: String, text: String, message: String },
    /// Something that begins like an expression and is none.
    #[snafu(display("failed to read \"{text}\": {problem}"))]
    Malformed { text: String, problem: &'static str },
    /// The object has no JSON form, or is no longer what it was when expanded.
    #[snafu(display("failed to expand the variables of an object"))]
    Convert { source: serde_json::Error },
}

type Values = BTreeMap<String, String>;

/// The object with all its strings expanded, keys of maps included.
pub fn expand_object<T: Serialize + DeserializeOwned>(
    object: &T,
    values: &Values,
) -> Result<T, VariablesError> {
    let expanded = expand(&serde_json::to_value(object).context(ConvertSnafu)?, values)?;
    serde_json::from_value(expanded).context(ConvertSnafu)
}

/// The document with all its strings expanded, keys of maps included.
pub fn expand(document: &Value, values: &Values) -> Result<Value, VariablesError> {
    Ok(match document {
        Value::String(text) => Value::String(expand_text(text, values)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| expand(item, values)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| Ok((expand_text(key, values)?, expand(value, values)?)))
                .collect::<Result<_, _>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => document.clone(),
    })
}

/// The text expanded.
pub fn expand_text(text: &str, values: &Values) -> Result<String, VariablesError> {
    Reader { text, rest: text, values }.literal("")
}

/// Reads a text from left to right and writes what it means.
struct Reader<'a> {
    /// The whole text, for messages.
    text: &'a str,
    rest: &'a str,
    values: &'a Values,
}

impl<'a> Reader<'a> {
    /// Text up to the first of the characters in `end`, or to the end of the text, with its expressions evaluated.
    fn literal(&mut self, end: &str) -> Result<String, VariablesError> {
        let mut written = String::new();
        while let Some(next) = self.rest.chars().next() {
            if self.take("$${") {
                written.push_str("${");
                written.push_str(self.escaped()?);
            } else if self.take("${") {
                written.push_str(&self.expression()?);
            } else if !end.is_empty() && (self.take("\\}") || self.take("\\/")) {
                let taken = &self.text[..self.text.len() - self.rest.len()];
                written.push_str(&taken[taken.len() - 1..]);
            } else if end.contains(next) {
                break;
            } else {
                written.push(next);
                self.rest = &self.rest[next.len_utf8()..];
            }
        }
        Ok(written)
    }

    /// What follows an escaped `${`, up to and with the `}` that belongs to it.
    fn escaped(&mut self) -> Result<&'a str, VariablesError> {
        let mut depth = 1;
        for (at, character) in self.rest.char_indices() {
            match character {
                '{' if self.rest[..at].ends_with('$') => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let (taken, rest) = self.rest.split_at(at + 1);
                self.rest = rest;
                return Ok(taken);
            }
        }
        self.malformed("a } is missing")
    }

    /// What follows `${`, up to and with its `}`.
    fn expression(&mut self) -> Result<String, VariablesError> {
        if self.rest.starts_with('#') && self.take("#") {
            let name = self.name()?;
            self.close()?;
            return Ok(self.value(name)?.chars().count().to_string());
        }
        let name = self.name()?;
        let Some(operator) = operator::LONGEST_FIRST.iter().copied().find(|operator| self.take(operator))
        else {
            self.close()?;
            return self.value(name).map(str::to_owned);
        };
        let arguments = self.arguments(operator)?;
        self.close()?;
        if matches!(operator, "=" | ":=" | ":-") {
            let value = self.values.get(name);
            return Ok(value.cloned().unwrap_or_else(|| arguments.concat()));
        }
        let value = self.value(name)?;
        if operator == ":?" {
            let message = arguments.concat();
            ensure!(!value.is_empty(), EmptySnafu { name, text: self.text, message });
            return Ok(value.to_owned());
        }
        operator::apply(operator, value, &arguments).or_else(|problem| self.malformed(problem))
    }

    /// The arguments of an operator, up to the `}`.
    fn arguments(&mut self, operator: &str) -> Result<Vec<String>, VariablesError> {
        let separator = operator::separator(operator);
        let mut arguments = Vec::new();
        if separator.is_empty() {
            arguments.push(self.literal("}")?);
        } else {
            arguments.push(self.literal(&format!("{separator}}}"))?);
            if self.take(separator) {
                arguments.push(self.literal("}")?);
            }
        }
        Ok(arguments)
    }

    fn name(&mut self) -> Result<&'a str, VariablesError> {
        let length =
            self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, rest) = self.rest.split_at(length);
        if name.is_empty() {
            return self.malformed("a variable name of letters, digits and _ is expected after ${");
        }
        self.rest = rest;
        Ok(name)
    }

    fn value(&self, name: &str) -> Result<&'a str, VariablesError> {
        self.values.get(name).map(String::as_str).context(UnknownSnafu { name, text: self.text })
    }

    fn close(&mut self) -> Result<(), VariablesError> {
        if self.take("}") {
            Ok(())
        } else if self.rest.is_empty() {
            self.malformed("a } is missing")
        } else {
            self.malformed("the operator after the variable name is unknown")
        }
    }

    fn take(&mut self, expected: &str) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn malformed<T>(&self, problem: &'static str) -> Result<T, VariablesError> {
        MalformedSnafu { text: self.text, problem }.fail()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::{expand, expand_object, expand_text};

    fn values() -> BTreeMap<String, String> {
        [
            ("namespace", "demo"),
            ("empty", ""),
            ("path", "/a/b/a.tar.gz"),
            ("word", "straße"),
            ("quoted", "say \"hi\"\\\nbye"),
            ("dollar", "${namespace}"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn every_form_means_what_the_table_says() {
        let table = [
            ("no variables: $, $$, $x, {y}, }", "no variables: $, $$, $x, {y}, }"),
            ("--namespace=${namespace}!", "--namespace=demo!"),
            ("${namespace}${namespace}", "demodemo"),
            ("${absent=d}", "d"),
            ("${absent:=d}", "d"),
            ("${absent:-d}", "d"),
            ("${absent:=}", ""),
            ("${namespace:=d}", "demo"),
            ("[${empty:=d}]", "[]"),
            ("[${empty:-d}]", "[]"),
            ("${absent:=a b=c:d-e}", "a b=c:d-e"),
            ("${#word}", "6"),
            ("${word^}", "Straße"),
            ("${word^^}", "STRASSE"),
            ("${namespace,}", "demo"),
            ("${namespace^^}", "DEMO"),
            ("${path#*/}", "a/b/a.tar.gz"),
            ("${path##*/}", "a.tar.gz"),
            ("${path%.*}", "/a/b/a.tar"),
            ("${path%%.*}", "/a/b/a"),
            ("${path#nothing}", "/a/b/a.tar.gz"),
            ("${path%.t[ai]r.?z}", "/a/b/a"),
            ("${namespace:1}", "emo"),
            ("${namespace:1:2}", "em"),
            ("${namespace: -2}", "mo"),
            ("${namespace:1:-1}", "em"),
            ("${namespace:9}", ""),
            ("${path/a/x}", "/x/b/a.tar.gz"),
            ("${path//a/x}", "/x/b/x.txr.gz"),
            ("${path/#\\/a/x}", "x/b/a.tar.gz"),
            ("${path/%.gz/}", "/a/b/a.tar"),
            ("${path//a}", "//b/.tr.gz"),
            ("${namespace-d}", "demo"),
            ("${namespace+d}", "d"),
            ("${namespace:+d}", "d"),
            ("[${empty:+d}]", "[]"),
            ("[${empty+d}]", "[d]"),
            ("${namespace:?must be set}", "demo"),
            ("${absent:=${namespace}}", "demo"),
            ("${absent:=a${other:=b${namespace}}c}", "abdemoc"),
            ("${absent:=\\}}", "}"),
            ("$${namespace}", "${namespace}"),
            ("$${a:=${namespace}}/${namespace}", "${a:=${namespace}}/demo"),
            ("${absent:=$${namespace}}", "${namespace}"),
            ("${dollar}", "${namespace}"),
        ];
        for (text, expected) in table {
            assert_eq!(expand_text(text, &values()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_variable_without_a_value_is_an_error_that_names_it() {
        let forms = [
            "${missing}",
            "${#missing}",
            "${missing^}",
            "${missing#a}",
            "${missing:1}",
            "${missing/a/b}",
            "${missing-d}",
            "${missing+d}",
            "${missing:+d}",
            "${missing:?m}",
            "${namespace:=${missing}}",
        ];
        for text in forms {
            let error = expand_text(text, &values()).unwrap_err().to_string();
            assert_eq!(error, format!("no value for the variable \"missing\" in \"{text}\""));
        }
        let error = expand_text("${empty:?set it}", &values()).unwrap_err().to_string();
        assert_eq!(error, "the variable \"empty\" in \"${empty:?set it}\" is empty: set it");
    }

    #[test]
    fn what_begins_like_an_expression_and_is_none_is_an_error() {
        let table = [
            ("${namespace", "a } is missing"),
            ("${namespace:=d", "a } is missing"),
            ("$${namespace", "a } is missing"),
            ("${}", "a variable name"),
            ("${ namespace}", "a variable name"),
            ("${namespace!}", "operator"),
            ("${namespace:x}", "number"),
        ];
        for (text, problem) in table {
            let error = expand_text(text, &values()).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn a_value_with_quotation_marks_stays_one_string() {
        let document =
            json!({"args": ["--text=${quoted}", 7, null, true], "${namespace}": {"x": "${empty}"}});
        let expected = json!({"args": ["--text=say \"hi\"\\\nbye", 7, null, true], "demo": {"x": ""}});
        assert_eq!(expand(&document, &values()).unwrap(), expected);
    }

    #[test]
    fn the_arguments_of_a_function_are_expanded() {
        let function: crate::addons::FunctionSpec = serde_json::from_value(json!({
            "image": "kubestash", "args": ["backup", "--namespace=${namespace:=default}", "--filter=${Filter:=}"],
        }))
        .unwrap();
        let expanded = expand_object(&function, &values()).unwrap();
        assert_eq!(expanded.args, ["backup", "--namespace=demo", "--filter="]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"(\$|\{|\}|:|=|#|%|/|\^|,|\*|\[|\]|\\|a|namespace|é|-|1){0,24}") {
            let _ = expand_text(&text, &values());
        }

        #[test]
        fn a_text_without_dollars_is_itself(text in "[^$]{0,40}") {
            prop_assert_eq!(expand_text(&text, &values()).unwrap(), text);
        }

        #[test]
        fn any_value_arrives_as_it_is(value in ".{0,40}") {
            let values = BTreeMap::from([("k".to_owned(), value.clone())]);
            prop_assert_eq!(expand_text("${k}", &values).unwrap(), value);
        }
    }
}
