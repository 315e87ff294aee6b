//! Cuts a template into text and actions, and actions into tokens.

use serde_json::{Number, Value};

use super::Outcome;

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// To be written as it is.
    Text(String),
    /// What stands between the braces.
    Action(Vec<Token>),
}

/// A part of an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A keyword or a function.
    Word(String),
    /// `.A.B`; `.` alone has no parts.
    Field(Vec<String>),
    /// A string, number, `true`, `false` or `nil`.
    Value(Value),
    /// `|`
    Pipe,
    /// `(`
    Open,
    /// `)`
    Close,
}

pub(super) fn pieces(template: &str) -> Outcome<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut trim = false;
    while let Some(start) = rest.find("{{") {
        let (mut text, inner) = (&rest[..start], &rest[start + 2..]);
        let end = end_of_action(inner)?;
        let (mut action, after) = (&inner[..end], &inner[end + 2..]);
        if trim {
            text = text.trim_start();
        }
        if let Some(trimmed) = action.strip_prefix("- ") {
            action = trimmed;
            text = text.trim_end();
        }
        trim = false;
        if let Some(trimmed) = action.strip_suffix(" -") {
            action = trimmed;
            trim = true;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let action = action.trim();
        if !(action.starts_with("/*") && action.ends_with("*/")) {
            pieces.push(Piece::Action(tokens(action)?));
        }
        rest = after;
    }
    let text = if trim { rest.trim_start() } else { rest };
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(pieces)
}

/// Where the `}}` of an action is; one in a string does not count.
fn end_of_action(inner: &str) -> Outcome<usize> {
    let mut quote = None;
    let mut characters = inner.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        match (quote, character) {
            (None, '"' | '`') => quote = Some(character),
            (Some('"'), '\\') => drop(characters.next()),
            (Some(open), _) if open == character => quote = None,
            (None, '}') if inner[position..].starts_with("}}") => return Ok(position),
            _ => {}
        }
    }
    Err(match quote {
        Some(open) => format!("a {open} is missing"),
        None => "a }} is missing".to_owned(),
    })
}

fn tokens(action: &str) -> Outcome<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = action.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '|' => (Token::Pipe, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' => quoted(rest)?,
            '`' => raw(rest)?,
            '.' => field(rest),
            '0'..='9' | '-' | '+' => number(rest)?,
            letter if letter.is_alphabetic() || letter == '_' => word(rest),
            other => return Err(format!("{other} is not supported")),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn word(rest: &str) -> (Token, usize) {
    let length = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
    let token = match &rest[..length] {
        "true" => Token::Value(Value::Bool(true)),
        "false" => Token::Value(Value::Bool(false)),
        "nil" => Token::Value(Value::Null),
        word => Token::Word(word.to_owned()),
    };
    (token, length)
}

fn field(rest: &str) -> (Token, usize) {
    let length = rest.find(|character| !is_name(character) && character != '.').unwrap_or(rest.len());
    let parts = rest[..length].split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    (Token::Field(parts), length)
}

fn number(rest: &str) -> Outcome<(Token, usize)> {
    let is_part = |character: char| character.is_ascii_digit() || matches!(character, '-' | '+' | '.' | 'e');
    let length = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
    let text = rest[..length].trim_start_matches('+');
    let number: Number = serde_json::from_str(text).map_err(|_| format!("{text} is no number"))?;
    Ok((Token::Value(Value::Number(number)), length))
}

fn raw(rest: &str) -> Outcome<(Token, usize)> {
    let length = rest[1..].find('`').ok_or("a ` is missing")?;
    Ok((Token::Value(Value::String(rest[1..=length].to_owned())), length + 2))
}

/// A string of Go; its escapes are those of JSON, as far as anybody uses them.
fn quoted(rest: &str) -> Outcome<(Token, usize)> {
    let mut characters = rest.char_indices().skip(1);
    while let Some((position, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => {
                let text = &rest[..=position];
                let value = serde_json::from_str(text).map_err(|_| format!("{text} is no string"))?;
                return Ok((Token::Value(Value::String(value)), position + 1));
            }
            _ => {}
        }
    }
    Err("a \" is missing".to_owned())
}
