//! The functions of a template: Go's own and those of sprig that hooks are written with.

use serde_json::{Map, Value};

use super::{Outcome, is_true, shown};

/// The value of `name arguments...`.
pub(super) fn call(name: &str, arguments: &[Value]) -> Outcome<Value> {
    let text = |position: usize| arguments.get(position).map(shown).unwrap_or_default();
    let expect = |count: usize| match arguments.len() {
        found if found == count => Ok(()),
        found => {
            Err(format!("{name} takes {count} argument{}, not {found}", if count == 1 { "" } else { "s" }))
        }
    };
    Ok(match name {
        "print" => Value::String(arguments.iter().map(shown).collect()),
        "printf" => Value::String(printf(&text(0), arguments.get(1..).unwrap_or_default())),
        "and" => chosen(arguments, |value| !is_true(value)),
        "or" | "coalesce" => chosen(arguments, is_true),
        "list" => Value::Array(arguments.to_vec()),
        "dict" => dict(arguments)?,
        "toJson" | "quote" | "squote" | "upper" | "lower" | "trim" | "not" | "len" => {
            expect(1)?;
            unary(name, &arguments[0])
        }
        "eq" | "ne" | "default" | "contains" | "hasPrefix" | "hasSuffix" => {
            expect(2)?;
            binary(name, &arguments[0], &arguments[1])
        }
        "replace" => {
            expect(3)?;
            Value::String(text(2).replace(&text(0), &text(1)))
        }
        unknown => return Err(format!("there is no function {unknown}")),
    })
}

/// The first argument that `ends` the search, else the last.
fn chosen(arguments: &[Value], ends: impl Fn(&Value) -> bool) -> Value {
    arguments.iter().find(|value| ends(value)).or(arguments.last()).cloned().unwrap_or_default()
}

fn unary(name: &str, argument: &Value) -> Value {
    let text = shown(argument);
    match name {
        "toJson" => Value::String(json(argument).to_string()),
        "quote" => Value::String(Value::String(text).to_string()),
        "squote" => Value::String(format!("'{text}'")),
        "upper" => Value::String(text.to_uppercase()),
        "lower" => Value::String(text.to_lowercase()),
        "trim" => Value::String(text.trim().to_owned()),
        "not" => Value::Bool(!is_true(argument)),
        _ => Value::from(match argument {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => text.len(),
        }),
    }
}

fn binary(name: &str, one: &Value, two: &Value) -> Value {
    match name {
        "eq" => Value::Bool(one == two),
        "ne" => Value::Bool(one != two),
        "default" => if is_true(two) { two } else { one }.clone(),
        // sprig's order: what is looked for comes first, so that the other can be piped.
        "contains" => Value::Bool(shown(two).contains(&shown(one))),
        "hasPrefix" => Value::Bool(shown(two).starts_with(&shown(one))),
        _ => Value::Bool(shown(two).ends_with(&shown(one))),
    }
}

fn dict(arguments: &[Value]) -> Outcome<Value> {
    if !arguments.len().is_multiple_of(2) {
        return Err("dict takes keys and values in turn".to_owned());
    }
    let pairs = arguments.chunks_exact(2).map(|pair| (shown(&pair[0]), pair[1].clone()));
    Ok(Value::Object(pairs.collect::<Map<String, Value>>()))
}

/// Go's verbs, as far as they make a difference here: `%q` quotes, `%%` is a percent sign, any other shows the value.
fn printf(format: &str, arguments: &[Value]) -> String {
    let mut written = String::new();
    let mut arguments = arguments.iter();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            written.push(character);
            continue;
        }
        match characters.next() {
            None | Some('%') => written.push('%'),
            Some('q') => {
                let text = arguments.next().map(shown).unwrap_or_default();
                written.push_str(&Value::String(text).to_string());
            }
            Some(_) => written.push_str(&arguments.next().map(shown).unwrap_or_default()),
        }
    }
    written
}

/// A value under the names that its fields have in JSON: templates use those of Go, `APIGroup` for `apiGroup`.
fn json(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map.iter().map(|(name, value)| (json_name(name), json(value)));
            Value::Object(fields.collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(json).collect()),
        other => other.clone(),
    }
}

fn json_name(name: &str) -> String {
    if name == "APIGroup" {
        return "apiGroup".to_owned();
    }
    let mut characters = name.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}
