//! Go templates, as far as hooks use them (contract §8.5): `{{ .Status.Phase }}`, `{{ .Error | quote }}`,
//! `{{ if eq .Status.Phase "Failed" }}...{{ else }}...{{ end }}`, `{{ toJson . }}`.
//!
//! There are text, comments, pipelines, `if`, `else`, `else if` and `end`, trim markers (`{{-`, `-}}`), strings,
//! numbers, booleans, fields, parentheses, and the functions in [`function`]. What is not there (`range`, `with`,
//! variables) is an error that names it: a hook that says something else than it should is worse than none.

mod function;
mod lexer;

use serde_json::Value;
use snafu::Snafu;

use lexer::{Piece, Token};

/// Why a template makes no text.
#[derive(Debug, PartialEq, Eq, Snafu)]
#[snafu(display("failed to expand the template {template:?}: {reason}"))]
pub struct Error {
    template: String,
    reason: String,
}

/// The text of `template` for `data`.
pub fn expand(template: &str, data: &Value) -> Result<String, Error> {
    let expanded = lexer::pieces(template).and_then(|pieces| {
        let mut reader = Reader { pieces: &pieces, at: 0, data };
        let text = reader.block(true, Depth::Top)?;
        Ok(text)
    });
    expanded.map_err(|reason| Error { template: template.to_owned(), reason })
}

type Outcome<T> = std::result::Result<T, String>;

struct Reader<'a> {
    pieces: &'a [Piece],
    at: usize,
    data: &'a Value,
}

/// Where a block ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// At the end of the template.
    Top,
    /// At `else` or `end`.
    Inner,
}

impl Reader<'_> {
    /// Text up to the end of the block; an empty text unless it is `wanted`. The piece that ends it is not consumed.
    fn block(&mut self, wanted: bool, depth: Depth) -> Outcome<String> {
        let mut text = String::new();
        while let Some(piece) = self.pieces.get(self.at) {
            let written = match piece {
                Piece::Text(literal) => {
                    self.at += 1;
                    literal.clone()
                }
                Piece::Action(tokens) => match keyword(tokens) {
                    Some("end" | "else") if depth == Depth::Inner => return Ok(text),
                    Some(word @ ("end" | "else")) => return Err(format!("{word} without if")),
                    Some("if") => self.branches(wanted)?,
                    Some(word) => return Err(format!("{word} is not supported")),
                    None => {
                        self.at += 1;
                        if wanted { shown(&pipeline(tokens, self.data)?) } else { String::new() }
                    }
                },
            };
            if wanted {
                text.push_str(&written);
            }
        }
        if depth == Depth::Inner { Err("an end is missing".to_owned()) } else { Ok(text) }
    }

    /// `if` up to its `end`: the text of the first branch whose condition holds.
    fn branches(&mut self, wanted: bool) -> Outcome<String> {
        let (mut text, mut open) = (String::new(), wanted);
        loop {
            let Some(Piece::Action(tokens)) = self.pieces.get(self.at) else {
                return Err("an end is missing".to_owned());
            };
            self.at += 1;
            let condition = match tokens.as_slice() {
                [Token::Word(word)] if word == "end" => return Ok(text),
                [Token::Word(word)] if word == "else" => open,
                [Token::Word(one), Token::Word(two), rest @ ..] if one == "else" && two == "if" => {
                    open && is_true(&pipeline(rest, self.data)?)
                }
                [_, rest @ ..] => open && is_true(&pipeline(rest, self.data)?),
                [] => false,
            };
            let written = self.block(condition, Depth::Inner)?;
            if condition {
                text = written;
                open = false;
            }
        }
    }
}

fn keyword(tokens: &[Token]) -> Option<&str> {
    const WORDS: [&str; 10] =
        ["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"];
    match tokens.first() {
        Some(Token::Word(word)) => WORDS.into_iter().find(|known| known == word),
        _ => None,
    }
}

/// The value of `command | command`: what a command gives is the last argument of the next.
fn pipeline(tokens: &[Token], data: &Value) -> Outcome<Value> {
    let mut piped = None;
    for command in tokens.split(|token| *token == Token::Pipe) {
        piped = Some(command_value(command, piped, data)?);
    }
    piped.ok_or_else(|| "an expression is missing".to_owned())
}

fn command_value(tokens: &[Token], piped: Option<Value>, data: &Value) -> Outcome<Value> {
    let mut rest = tokens;
    let Some(Token::Word(name)) = rest.first().filter(|token| matches!(token, Token::Word(_))) else {
        let value = operand(&mut rest, data)?;
        if !rest.is_empty() || piped.is_some() {
            return Err("a value takes no arguments".to_owned());
        }
        return Ok(value);
    };
    rest = &rest[1..];
    let mut arguments = Vec::new();
    while !rest.is_empty() {
        arguments.push(operand(&mut rest, data)?);
    }
    arguments.extend(piped);
    function::call(name, &arguments)
}

/// One operand, taken from the front.
fn operand(tokens: &mut &[Token], data: &Value) -> Outcome<Value> {
    let (first, rest) = tokens.split_first().ok_or("an expression is missing")?;
    *tokens = rest;
    match first {
        Token::Value(value) => Ok(value.clone()),
        Token::Field(path) => field(path, data),
        Token::Open => {
            let end = closing(rest)?;
            let value = pipeline(&rest[..end], data)?;
            *tokens = &rest[end + 1..];
            Ok(value)
        }
        Token::Word(word) => function::call(word, &[]),
        Token::Pipe | Token::Close => Err("an expression is missing".to_owned()),
    }
}

/// Where the parenthesis that was opened before `tokens` is closed.
fn closing(tokens: &[Token]) -> Outcome<usize> {
    let mut depth = 0_usize;
    for (position, token) in tokens.iter().enumerate() {
        match token {
            Token::Open => depth += 1,
            Token::Close if depth == 0 => return Ok(position),
            Token::Close => depth -= 1,
            _ => {}
        }
    }
    Err("a ) is missing".to_owned())
}

fn field(path: &[String], data: &Value) -> Outcome<Value> {
    let mut value = data;
    for name in path {
        value = value.get(name).ok_or_else(|| format!("there is no field .{}", path.join(".")))?;
    }
    Ok(value.clone())
}

/// Go's idea of truth: not empty, not zero, not false.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// A value as text.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data() -> Value {
        json!({"Name": "shop-nightly-1", "Namespace": "demo",
               "Target": {"APIGroup": "apps", "Kind": "Deployment", "Namespace": "demo", "Name": "shop"},
               "Status": {"Phase": "Failed", "Duration": "22s", "Error": "no \"bucket\""}})
    }

    #[test]
    fn a_template_becomes_what_go_makes_of_it() {
        for (template, text) in [
            ("no template", "no template"),
            ("{{ .Name }}/{{.Namespace}}", "shop-nightly-1/demo"),
            ("a {{- /* nothing */ -}} b", "ab"),
            ("{{ .Status.Error | quote }}", r#""no \"bucket\"""#),
            ("{{ printf \"%s is %v%%\" .Name 3 }}", "shop-nightly-1 is 3%"),
            ("{{ if eq .Status.Phase \"Failed\" }}bad{{ else }}good{{ end }}", "bad"),
            (
                "{{ if eq .Status.Phase \"Succeeded\" }}good{{ else if .Status.Error }}bad{{ else }}?{{ end }}",
                "bad",
            ),
            ("{{ if not .Status.Error }}x{{ if true }}y{{ end }}{{ end }}z", "z"),
            ("{{ upper (printf \"%s\" .Target.Kind) }}", "DEPLOYMENT"),
            ("{{ toJson .Status }}", r#"{"duration":"22s","error":"no \"bucket\"","phase":"Failed"}"#),
            ("{{ dict \"text\" .Status.Phase | toJson }}", r#"{"text":"Failed"}"#),
            ("{{ `raw \\n` }}{{ \"\\t\\u00e4\" }}", "raw \\n\tä"),
            ("{{ default \"none\" \"\" }}", "none"),
            ("{{ and .Name (ne 1 2) }}", "true"),
        ] {
            assert_eq!(expand(template, &data()).as_deref(), Ok(text), "{template}");
        }
    }

    #[test]
    fn what_go_would_not_take_or_we_do_not_know_is_named() {
        for (template, reason) in [
            ("{{ .Nmae }}", "there is no field .Nmae"),
            ("{{ range .Name }}{{ end }}", "range is not supported"),
            ("{{ sprig }}", "there is no function sprig"),
            ("{{ .Name", "a }} is missing"),
            ("{{ if .Name }}x", "an end is missing"),
            ("{{ end }}", "end without if"),
            ("{{ \"x }}", "a \" is missing"),
            ("{{ upper }}", "upper takes 1 argument, not 0"),
            ("{{ $x }}", "$ is not supported"),
            ("{{ (.Name }}", "a ) is missing"),
        ] {
            let error = expand(template, &data()).unwrap_err();
            assert_eq!(error.reason, reason, "{template}");
        }
    }
}
